/* SPDX-License-Identifier: MPL-2.0 */
/*
 * serai member decision: a decision written, as what a policy is adopted by.
 */
#include "policy/policy.h"
#include "verb_member.h"

/* ---- member decision ------------------------------------------------------------------------- */

static enum err_kind decision_read(
	struct cli *cli, const char *path, struct decision *ret_decision, struct err *e)
{
	struct slice text;
	enum err_kind kind = paper_file(cli, path, &text, e);

	if (kind == OK)
		kind = decision_parse(text, cli->arena, ret_decision, e);
	return kind == OK ? OK : err_wrap(e, "%s", path);
}

/* Can it be enforced by the members of this charter? */
static enum err_kind policy_try(
	struct cli *cli, const struct charter *c, struct slice content, struct err *e)
{
	struct slice *names = ARENA_ARRAY(cli->arena, struct slice, c->members_count + 1);
	struct policy_parties parties = {names, c->members_count};
	struct policy_report report = {.arena = cli->arena};
	struct policy *p = NULL;
	enum err_kind kind;

	if (names == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < c->members_count; i++)
		names[i] = slice_of(c->members[i].name);
	kind = policy_parse(content, &parties, &report, &p, e);
	for (size_t i = 0; i < report.count; i++)
		cli_warn(cli, "%.*s: %.*s", SLICE_ARG(report.findings[i].path),
			SLICE_ARG(report.findings[i].message));
	if (kind == OK)
		kind = policy_tabling(p, POLICY_STEPS, e);
	policy_free(p);
	return kind;
}

static enum err_kind decision_gather(
	struct cli *cli, struct decision *d, struct buf *content, struct err *e)
{
	const char *after = cli_text(cli, "after"), *charter_path = cli_text(cli, "charter");
	struct decision before = {0};
	struct charter charter;
	enum err_kind kind = file_read(cli->args[0], POLICY_BYTES_MAX, content, e);

	if (kind == OK && after != NULL)
		kind = decision_read(cli, after, &before, e);
	if (kind == OK && after != NULL && !slice_equal(before.kind, d->kind))
		kind = err_set(e, ERR_USAGE, "%s is a decision of kind \"%.*s\"", after,
			SLICE_ARG(before.kind));
	if (kind == OK && charter_path != NULL)
		kind = paper_charter(cli, charter_path, &charter, e);
	if (kind == OK && charter_path != NULL && slice_is(d->kind, "policy")) {
		kind = policy_try(cli, &charter, buf_slice(content), e);
		if (kind != OK)
			err_wrap(e, "%s", cli->args[0]);
	}
	d->content = buf_slice(content);
	d->sequence = before.sequence + 1;
	memcpy(d->previous, before.digest, sizeof(d->previous));
	return kind;
}

static enum cli_status decision_run(struct cli *cli)
{
	const char *of = cli_text(cli, "kind");
	struct decision d = {.kind = slice_of(of == NULL ? "policy" : of)};
	struct buf content = BUF_INIT, text = BUF_INIT;
	enum err_kind kind;
	struct err e;

	kind = decision_gather(cli, &d, &content, &e);
	if (kind == OK) {
		decision_write(&d, &text);
		if (text.bad)
			kind = err_set(&e, ERR_NOMEM, "out of memory");
	}
	if (kind == OK)
		kind = paper_put(cli, buf_slice(&text), &e);
	buf_fini(&text);
	buf_fini(&content);
	return kind == OK ? CLI_OK : cli_fail(cli, &e);
}

static const struct option_row decision_options[] = {
	{"kind",    'k', OPTION_TEXT, "KIND",    "what is decided (policy)"                     },
	{"after",   'a', OPTION_TEXT, "NOTE",    "the decision of this kind that is in force"   },
	{"charter", 'c', OPTION_TEXT, "CHARTER", "check that its members can enforce the policy"},
	{"output",  'o', OPTION_TEXT, "FILE",    "where the text goes (else standard output)"   },
};

const struct verb verb_member_decision = {"member decision", "FILE",
	"write a decision to be signed: a policy that is to be in force",
	"FILE is the policy's text, which stays as it is to the byte. The first decision of a "
	"kind has number 1; each later\n"
	"one follows the one before (--after) by number and digest. Members sign the text "
	"offline (serai member sign);\n"
	"with as many signatures as the charter wants, any one of them publishes it (serai member "
	"publish).",
	1, 1, OPTIONS(decision_options), decision_run};
