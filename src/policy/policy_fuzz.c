/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Any bytes as a policy, or two policies and a question with NUL between them: read, decided,
 * explained, analysed and compared within a small budget.
 */
#include <stdlib.h>

#include "mutate_text.h"
#include "planted.h"
#include "policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS 20000

static void require(bool good)
{
	if (!good)
		abort();
}

static const struct slice members[] = {
	{"kg",   2},
	{"kz",   2},
	{"uz",   2},
	{"rats", 4},
};
static const struct policy_parties parties = {members, 4};

static void result_take(void *context, const struct policy_result *r)
{
	const struct policy *p = context;
	struct policy_decision d;

	if (!r->has_witness)
		return;
	policy_decide(p, &r->witness, &d);
	require(r->trouble != POLICY_UNKNOWN_FLOWS || d.allowed);
	require(r->trouble != POLICY_PII_PUBLIC || d.allowed);
	require(r->trouble != POLICY_CONTRADICTORY || d.contradiction);
	require((r->trouble != POLICY_OVERLAP && r->trouble != POLICY_BREACH) || !d.allowed);
}

static void difference_take(void *context, const struct policy_difference *r)
{
	struct policy_decision d;

	if (r->answer != POLICY_YES)
		return;
	policy_decide(context, &r->witness, &d);
	require(d.allowed == (r->change != POLICY_LOST));
}

static struct policy *parse(struct slice text, struct arena *a)
{
	struct policy_report report = {.arena = a};
	struct policy *p = NULL;
	struct err e = {.text = ""};
	enum err_kind kind = policy_parse(text, &parties, &report, &p, &e);

	require((kind == OK) == (p != NULL));
	require(kind == OK || e.text[0] != '\0');
	require((kind == ERR_INVALID) == (report.errors > 0));
	for (size_t i = 0; i < report.count; i++)
		require(utf8_valid(report.findings[i].message));
	return p;
}

static void explain(const struct policy *p, const struct policy_case *c)
{
	static struct json_parser *parser; /* made once: that takes longer than most inputs */
	struct policy_decision d;
	struct buf out = BUF_INIT;
	struct json_doc doc;
	struct json_value v;
	struct err e;

	if (parser == NULL)
		parser = json_parser_new(MIB(4));
	policy_decide(p, c, &d);
	require(policy_explain(p, c, false, &out, &e) == OK && utf8_valid(buf_slice(&out)));
	buf_clear(&out);
	require(policy_explain(p, c, true, &out, &e) == OK);
	require(parser != NULL && json_parse(parser, buf_slice(&out), &doc, &e) == OK);
	require(json_get(json_root(&doc), "allowed", &v) && json_is_true(v) == d.allowed);
	buf_fini(&out);
}

static void question(const struct policy *p, struct slice text)
{
	struct policy_case c, again;
	struct policy_decision d, e_again;
	struct buf out = BUF_INIT;
	struct err e;

	policy_case_init(&c, POLICY_EXCHANGE);
	explain(p, &c);
	if (policy_case_parse(p, text, &c, &e) != OK)
		return;
	policy_decide(p, &c, &d);
	PLANTED(d.allowed && d.duties.retain_days > 365);
	explain(p, &c);
	policy_case_write(p, &c, &out);
	require(policy_case_parse(p, buf_slice(&out), &again, &e) == OK);
	policy_decide(p, &again, &e_again);
	require(d.allowed == e_again.allowed && d.rule == e_again.rule);
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = {(const char *)data, size}, text = {0}, other = {0};
	struct arena *a = arena_new(MIB(16));
	struct policy *p, *q;
	struct err e;

	if (a == NULL)
		return 0;
	(void)slice_next(&rest, '\0', &text);
	(void)slice_next(&rest, '\0', &other);
	p = parse(text, a);
	if (p != NULL) {
		question(p, rest);
		require(policy_analyse(p, STEPS, result_take, p, &e) == OK);
		q = parse(other, a);
		if (q != NULL)
			require(policy_compare(p, q, STEPS, difference_take, q, &e) == OK);
		policy_free(q);
		policy_free(p);
	}
	arena_free(a);
	return 0;
}
