/* SPDX-License-Identifier: MPL-2.0 */
/* Explaining, layers, analyses and comparisons, on policies small enough to see the answer; and the
 * example policies. */
#include "policy_testing.h"

/* ---- explaining ----------------------------------------------------------------------------- */

static bool says(const struct policy *p, const struct policy_case *c, bool json, const char *what)
{
	struct buf out = BUF_INIT;
	struct err e;
	bool found;

	assert_int_equal(policy_explain(p, c, json, &out, &e), OK);
	found = slice_find_text(buf_slice(&out), slice_of(what)) < out.len;
	if (!found)
		print_message("%.*s\n", SLICE_ARG(buf_slice(&out)));
	buf_fini(&out);
	return found;
}

static void test_explain(void **state)
{
	struct policy *p = testing_policy(RULES(RULE_MUST("a", "permit",
		"'to':['@west'],'tlp':{'le':'green'}", "'retain_days':90") "," RULE("b", "permit",
		"'to':['tj'],'tlp':['red'],'confidence':{'ge':90}") "," RULE_MUST("r", "require",
		"'kind':['indicator']",
		"'retain_days':30,'encrypt':true") "," RULE("f", "forbid", "'to':['uz']")));
	struct policy_case c = testing_case();

	(void)state;
	assert_true(says(p, &c, false, "allowed by a"));
	assert_true(says(p, &c, false, "retain_days 30: keep at most so many days (r)"));
	assert_true(says(p, &c, true, "{\"allowed\":true,\"reason\":\"permit\",\"rule\":\"a\""));
	assert_true(says(p, &c, true, "{\"name\":\"encrypt\",\"value\":true,\"rule\":\"r\"}"));
	assert_true(says(p, &c, true, "\"digest\":\"sha256:"));
	c.values[POLICY_TO] = UZ;
	assert_true(says(p, &c, false, "denied by f (clause 1)"));
	assert_true(says(p, &c, true, "\"reason\":\"forbid\",\"rule\":\"f\",\"clause\":\"1\""));
	/* one attribute of a fails, three of b */
	c.values[POLICY_TO] = KZ;
	c.values[POLICY_TLP] = STIX_TLP_RED;
	assert_true(says(p, &c, false, "denied: no rule permits it"));
	assert_true(says(p, &c, false,
		"nearest permits:\n  a\n    tlp is red, permitted: clear, green\n  b\n"
		"    to is kz, permitted: tj\n    confidence is 80, permitted: 90 to 100\n"));
	assert_true(says(p, &c, true,
		"\"nearest\":[{\"rule\":\"a\",\"failed\":[{\"attribute\":\"tlp\",\"is\":\"red\","
		"\"permitted\":\"clear, green\"}]}"));
	c.now_us = EXPIRY;
	assert_true(says(p, &c, false, "the policy has expired"));
	assert_true(says(p, &c, true, "\"reason\":\"expired\""));
	policy_free(p);
}

static void test_explain_more(void **state)
{
	struct policy *p = testing_policy(RULES(RULE_MUST("a", "permit", "",
		"'attribution':'as-marked'") "," RULE_MUST("r", "require", "'to':['uz']",
		"'attribution':'withheld'") ","
					    "{'id':'d','family':'duty','on':{'event':['incident']},"
					    "'do':'update',"
					    "'to':['kz','@affected'],'within_hours':24}"));
	struct policy_case c = testing_case();

	(void)state;
	c.values[POLICY_TO] = UZ;
	assert_true(says(p, &c, false,
		"obligations contradict each other: the source is to be "
		"named and to be withheld"));
	assert_true(says(p, &c, true, "\"reason\":\"contradiction\""));
	policy_case_init(&c, POLICY_DUTY);
	assert_true(says(p, &c, false, "no duty applies"));
	c.values[0] = 1;
	assert_true(says(p, &c, false, "a duty applies: d"));
	assert_true(says(p, &c, false, "to kz @affected\n    update within 24 hours"));
	assert_true(says(p, &c, true,
		"\"to\":[\"kz\",\"@affected\"],\"steps\":[{\"do\":\"update\","
		"\"within_hours\":24}]"));
	policy_free(p);
	/* several sectors: the one that fails is why */
	p = testing_policy(RULES(RULE("e", "permit", "'sector':['energy']")));
	c = testing_case();
	c.sectors = 1 | 1 << 4;
	assert_true(says(p, &c, false, "sector is energy, water, permitted: energy"));
	policy_free(p);
}

/* ---- layers --------------------------------------------------------------------------------- */

#define LAYER(type, more, rules)                                                                   \
	"{'type':'" type "','name':'l','version':1,'expires':'2030-01-01T00:00:00Z'," more         \
	"'rules':[" rules "]}"

static void test_join(void **state)
{
	struct policy *unified = testing_policy(RULES(RULE("a", "permit", "")));
	struct policy *overlay =
		testing_policy(LAYER("overlay", "", RULE("f", "forbid", "'tlp':{'ge':'red'}")));
	struct policy *reservation = testing_policy(LAYER("reservation", "'member':'kz',",
		RULE_MUST("q", "require", "'from':['kz']", "'encrypt':true") "," RULE(
			"f", "forbid", "'from':['kz'],'act':['reshare'],'age_days':{'ge':7}")));
	const struct policy *layers[] = {overlay, reservation};
	struct policy_case c = testing_case();
	struct policy_decision d;
	struct policy *p = NULL;
	struct err e;

	(void)state;
	assert_int_equal(policy_join(unified, layers, 2, &p, &e), OK);
	policy_decide(p, &c, &d);
	assert_true(d.allowed && !d.duties.encrypt);
	c.values[POLICY_TLP] = STIX_TLP_RED;
	policy_decide(p, &c, &d);
	assert_false(d.allowed);
	assert_true(slice_is(policy_rule_id(p, d.rule), "overlay:f"));
	c.values[POLICY_TLP] = STIX_TLP_GREEN;
	c.values[POLICY_FROM] = KZ;
	policy_decide(p, &c, &d);
	assert_true(d.allowed && d.duties.encrypt);
	c.values[POLICY_ACT] = 1;
	policy_decide(p, &c, &d);
	assert_true(slice_is(policy_rule_id(p, d.rule), "reservation-of-kz:f"));
	c.values[POLICY_AGE_DAYS] = 6;
	policy_decide(p, &c, &d);
	assert_true(d.allowed);
	assert_true(memcmp(policy_facts(p).digest, policy_facts(unified).digest, SHA256_LEN) != 0);
	policy_free(p);
	assert_int_equal(policy_join(unified, NULL, 0, &p, &e), OK);
	assert_memory_equal(policy_facts(p).digest, policy_facts(unified).digest, SHA256_LEN);
	policy_free(p);
	policy_free(reservation);
	policy_free(overlay);
	policy_free(unified);
}

static void nothing_gained(void *context, const struct policy_difference *d)
{
	unsigned *count = context;

	assert_int_equal(d->answer, POLICY_YES);
	assert_true(d->change == POLICY_LOST || d->change == POLICY_TIGHTENED);
	(*count)++;
}

/* What a layer does, seen by the comparison: it takes away and tightens, nothing else. */
static void test_join_tightens(void **state)
{
	struct policy *unified =
		testing_policy(RULES(RULE_MUST("a", "permit", "'tlp':{'le':'amber'}",
			"'retain_days':90") "," RULE("g", "forbid", "'sector':['water']")));
	struct policy *overlay = testing_policy(LAYER("overlay", "",
		RULE("f", "forbid", "'to':['uz'],'confidence':{'le':40}") "," RULE_MUST(
			"r", "require", "'to':['kz']", "'retain_days':30")));
	const struct policy *layers[] = {overlay};
	unsigned count = 0;
	struct policy *p = NULL;
	struct err e;

	(void)state;
	assert_int_equal(policy_join(unified, layers, 1, &p, &e), OK);
	assert_int_equal(policy_compare(unified, p, POLICY_STEPS, nothing_gained, &count, &e), OK);
	assert_int_equal(count, 2); /* lost by uz, tightened for kz */
	policy_free(p);
	policy_free(overlay);
	policy_free(unified);
}

/* T26: refused, and the case that it would have let through is named. */
static void test_join_refused(void **state)
{
	static const struct slice others[] = {
		{"kg", 2},
                {"xx", 2}
        };
	static const struct policy_parties strangers = {others, 2};
	struct policy *unified = testing_policy(RULES(RULE("a", "permit", "'tlp':{'le':'green'}")));
	struct policy *loose = testing_policy(
		RULES(RULE("w", "permit", "'tlp':{'le':'amber'},'confidence':{'ge':33}")));
	struct policy *within = testing_policy(RULES(RULE("v", "permit", "'tlp':['clear']")));
	struct policy *never = testing_policy(RULES(RULE("n", "never", "'tlp':['red']")));
	struct buf text = testing_text(LAYER("overlay", "", ""));
	const struct policy *layers[1] = {loose};
	struct policy *p = NULL, *strange = NULL;
	struct err e;

	(void)state;
	assert_int_equal(policy_join(unified, layers, 1, &p, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "\"w\""));
	assert_non_null(strstr(e.text, "it would let through {"));
	assert_non_null(strstr(e.text, "\"tlp\":\"amber\""));
	assert_non_null(strstr(e.text, "\"confidence\":33"));
	layers[0] = within;
	assert_int_equal(policy_join(unified, layers, 1, &p, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "it would add nothing"));
	layers[0] = never;
	assert_int_equal(policy_join(unified, layers, 1, &p, &e), ERR_INVALID);
	assert_int_equal(policy_parse(buf_slice(&text), &strangers, NULL, &strange, &e), OK);
	layers[0] = strange;
	assert_int_equal(policy_join(unified, layers, 1, &p, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "the same members"));
	buf_fini(&text);
	policy_free(strange);
	policy_free(never);
	policy_free(within);
	policy_free(loose);
	policy_free(unified);
}

/* ---- analyses ------------------------------------------------------------------------------- */

struct tally {
	const struct policy *p;
	unsigned count[POLICY_TROUBLES], undecided;
	struct slice rule[POLICY_TROUBLES]; /* the last told */
};

static void tally(void *context, const struct policy_result *r)
{
	struct tally *t = context;

	t->undecided += r->answer == POLICY_UNDECIDED;
	t->count[r->trouble] += r->answer == POLICY_YES;
	t->rule[r->trouble] = policy_rule_id(t->p, r->rule);
}

static struct tally analysed(const struct policy *p, uint64_t steps)
{
	struct tally t = {.p = p};
	struct err e;

	assert_int_equal(policy_analyse(p, steps, tally, &t, &e), OK);
	return t;
}

static void test_endless(void **state)
{
	struct policy *p = testing_policy(RULES(MEASURE_MUST("whole", "permit", "'act':['block']",
		"'max_hours':6,'review_hours':6,'appeal':true") "," MEASURE_MUST("helped", "permit",
		"'act':['sinkhole'],'emergency':[true]",
		"'max_hours':6,'review_hours':6") "," MEASURE_MUST("require", "require",
		"'emergency':[true]", "'appeal':true") "," MEASURE_MUST("bad", "permit",
		"'act':['monitor','sinkhole']", "'max_hours':6,'review_hours':6")));
	struct tally t = analysed(p, POLICY_STEPS);

	(void)state;
	assert_int_equal(t.count[POLICY_ENDLESS], 1);
	assert_true(slice_is(t.rule[POLICY_ENDLESS], "bad"));
	policy_free(p);
}

/* T27: such a policy can be read and asked about, and cannot be tabled. */
static void test_breach(void **state)
{
	struct policy *p = testing_policy(
		RULES(RULE("a", "permit", "'to':['public'],'pii':['none','personal']") "," RULE(
			"n", "never", "'to':['public'],'pii':{'not':['none']}")));
	struct policy *fine =
		testing_policy(RULES(RULE("a", "permit", "'to':['public'],'pii':['none']") "," RULE(
			"n", "never", "'to':['public'],'pii':{'not':['none']}")));
	struct err e;

	(void)state;
	assert_int_equal(analysed(p, POLICY_STEPS).count[POLICY_BREACH], 1);
	assert_int_equal(policy_tabling(p, POLICY_STEPS, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "\"a\" permits what \"n\" says is never to be"));
	assert_non_null(strstr(e.text, "\"pii\":\"personal\""));
	assert_int_equal(policy_tabling(fine, POLICY_STEPS, &e), OK);
	policy_free(fine);
	policy_free(p);
}

/* T34: without budget every question is undecided, and nothing is tabled. */
static void test_budget(void **state)
{
	struct policy *p = testing_policy(RULES(RULE("a", "permit", "'tlp':['green']") "," RULE(
		"b", "permit", "'tlp':['clear']") "," RULE("f", "forbid", "'to':['uz']")));
	struct arena *a = arena_new(MIB(1));
	enum policy_answer answers[6];
	struct policy_box *box;
	uint64_t steps = 3;
	struct err e;

	(void)state;
	assert_int_equal(analysed(p, POLICY_STEPS).undecided, 0);
	assert_true(analysed(p, 3).undecided > 0);
	assert_int_equal(policy_tabling(p, 3, &e), ERR_LIMIT);
	assert_non_null(strstr(e.text, "could not be decided within the budget"));
	assert_int_equal(
		policy_box_parse(p, POLICY_EXCHANGE, (struct json_value){0}, a, &box, &e), OK);
	assert_int_equal(policy_any(p, box, &steps, NULL), POLICY_UNDECIDED);
	assert_int_equal(steps, 0);
	assert_int_equal(policy_who(p, box, &steps, answers, NULL, &e), OK);
	assert_int_equal(answers[KZ], POLICY_UNDECIDED);
	assert_int_equal(answers[5], POLICY_NO); /* no permit even meets the public */
	steps = POLICY_STEPS;
	assert_int_equal(policy_any(p, box, &steps, NULL), POLICY_YES);
	arena_free(a);
	policy_free(p);
}

static void test_box_mistakes(void **state)
{
	struct policy *p = testing_policy(RULES(""));
	struct json_parser *parser = json_parser_new(KIB(4));
	struct arena *a = arena_new(MIB(1));
	static const char *const bad[] = {"{'tlp':'red'}", "{'x':['red']}", "[]",
		"{'to':['@west']}", "{'confidence':{'ge':101}}"};
	struct policy_box *box;
	struct json_doc doc;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct buf text = testing_text(bad[i]);

		assert_int_equal(json_parse(parser, buf_slice(&text), &doc, &e), OK);
		assert_int_equal(policy_box_parse(p, POLICY_EXCHANGE, json_root(&doc), a, &box, &e),
			ERR_INVALID);
		buf_fini(&text);
	}
	arena_free(a);
	json_parser_free(parser);
	policy_free(p);
}

/* A bound in a question that no rule has: the witness keeps it. */
static void test_box_bounds(void **state)
{
	struct policy *p = testing_policy(RULES(RULE("a", "permit", "'confidence':{'ge':50}")));
	struct json_parser *parser = json_parser_new(KIB(4));
	struct arena *a = arena_new(MIB(1));
	struct buf text = testing_text("{'confidence':{'ge':61}}");
	uint64_t steps = POLICY_STEPS;
	struct policy_case witness;
	struct policy_box *box;
	struct json_doc doc;
	struct err e;

	(void)state;
	assert_int_equal(json_parse(parser, buf_slice(&text), &doc, &e), OK);
	assert_int_equal(policy_box_parse(p, POLICY_EXCHANGE, json_root(&doc), a, &box, &e), OK);
	assert_int_equal(policy_any(p, box, &steps, &witness), POLICY_YES);
	assert_int_equal(witness.values[POLICY_CONFIDENCE], 61);
	buf_fini(&text);
	arena_free(a);
	json_parser_free(parser);
	policy_free(p);
}

/* ---- comparing ------------------------------------------------------------------------------ */

static void test_compare_members(void **state)
{
	static const struct slice others[] = {
		{"kg", 2},
                {"xx", 2}
        };
	static const struct policy_parties strangers = {others, 2};
	struct buf text = testing_text(RULES(""));
	struct policy *p = testing_policy(RULES("")), *q = NULL;
	struct err e;

	(void)state;
	buf_fini(&text);
	text = testing_text(HEAD "'rules':[]}");
	assert_int_equal(policy_parse(buf_slice(&text), &strangers, NULL, &q, &e), OK);
	assert_int_equal(policy_compare(p, q, POLICY_STEPS, nothing_gained, NULL, &e), ERR_INVALID);
	buf_fini(&text);
	policy_free(q);
	policy_free(p);
}

/* 31 constants on either side: 63 intervals, one word. */
static void test_compare_many_cuts(void **state)
{
	struct buf a = testing_text(HEAD "'rules':["), b = testing_text(HEAD "'rules':[");
	struct policy *p = NULL, *q = NULL;
	unsigned count = 0;
	struct err e;

	(void)state;
	for (unsigned i = 0; i < 31; i++) {
		struct buf *to[] = {&a, &b};

		for (unsigned k = 0; k < 2; k++)
			buf_printf(to[k],
				"%s{\"id\":\"r%u\",\"family\":\"exchange\",\"effect\":\"permit\","
				"\"when\":{\"to\":[\"kz\"],\"confidence\":{\"ge\":%u}}}",
				i == 0 ? "" : ",", i, 10 + 2 * i + k);
	}
	buf_text(&a, "]}");
	buf_text(&b, "]}");
	assert_int_equal(policy_parse(buf_slice(&a), &testing_parties, NULL, &p, &e), OK);
	assert_int_equal(policy_parse(buf_slice(&b), &testing_parties, NULL, &q, &e), OK);
	/* from 10 up before, from 11 up after */
	assert_int_equal(policy_compare(p, q, POLICY_STEPS, nothing_gained, &count, &e), OK);
	assert_int_equal(count, 1);
	buf_fini(&a);
	buf_fini(&b);
	policy_free(p);
	policy_free(q);
}

/* ---- the example policies ------------------------------------------------------------------- */

static const struct slice sample_members[] = {
	{"north",    5},
	{"south",    5},
	{"east",     4},
	{"west",     4},
	{"observer", 8},
};
static const struct policy_parties sample_parties = {sample_members, 5};

static struct policy *sample(const char *name)
{
	struct buf text = BUF_INIT;
	struct policy *p = NULL;
	char path[512];
	struct err e;

	snprintf(path, sizeof(path), "%s/tests/samples/policy/%s.json", SOURCE_ROOT, name);
	if (file_read(path, POLICY_BYTES_MAX, &text, &e) != OK ||
		policy_parse(buf_slice(&text), &sample_parties, NULL, &p, &e) != OK)
		fail_msg("%s: %s", name, e.text);
	buf_fini(&text);
	return p;
}

/* Recipients of what the question describes: bits of the members, then the public. */
static unsigned receivers(const struct policy *p, const char *question)
{
	struct json_parser *parser = json_parser_new(KIB(4));
	struct arena *a = arena_new(MIB(1));
	struct buf text = testing_text(question);
	enum policy_answer answers[6] = {POLICY_NO};
	uint64_t steps = POLICY_STEPS;
	struct policy_box *box;
	struct json_doc doc;
	unsigned bits = 0;
	struct err e;

	if (json_parse(parser, buf_slice(&text), &doc, &e) != OK ||
		policy_box_parse(p, POLICY_EXCHANGE, json_root(&doc), a, &box, &e) != OK ||
		policy_who(p, box, &steps, answers, NULL, &e) != OK)
		fail_msg("%s", e.text);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_not_equal(answers[i], POLICY_UNDECIDED);
		bits |= (unsigned)(answers[i] == POLICY_YES) << i;
	}
	buf_fini(&text);
	arena_free(a);
	json_parser_free(parser);
	return bits;
}

static void test_samples(void **state)
{
	static const char *const parts[] = {
		"p1-indicators", "p2-infrastructure", "p3-measures", "p4-public", "p5-assistance"};
	struct policy *p = sample("unified");
	struct tally t = analysed(p, POLICY_STEPS);
	size_t rules = 0;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		struct policy *part = sample(parts[i]);

		for (int k = 0; policy_rule_id(part, k).len > 0; k++)
			rules++;
		assert_int_equal(policy_tabling(part, POLICY_STEPS, &e), OK);
		policy_free(part);
	}
	assert_int_equal(rules, 10);
	assert_int_equal(policy_rule_id(p, 10).len, 0);
	assert_int_equal(t.undecided, 0);
	assert_int_equal(t.count[POLICY_BREACH], 0);
	assert_int_equal(t.count[POLICY_DEAD], 0);
	assert_int_equal(t.count[POLICY_SHADOWED], 0);
	assert_int_equal(t.count[POLICY_PII_PUBLIC], 0);
	assert_int_equal(t.count[POLICY_ENDLESS], 0);
	assert_int_equal(t.count[POLICY_CONTRADICTORY], 0);

	assert_int_equal(receivers(p, "{}"), 0x3f);
	assert_int_equal(receivers(p, "{'tlp':['red']}"), 0);
	assert_int_equal(receivers(p, "{'tlp':['none','unknown']}"), 0);
	assert_int_equal(receivers(p, "{'pii':['personal','unknown']}"), 0);
	assert_int_equal(receivers(p, "{'to':['public']}"), 0x20);
	assert_int_equal(receivers(p, "{'to':['public'],'act':['share','reshare']}"), 0);
	assert_int_equal(receivers(p, "{'to':['public'],'kind':{'not':['measure-stats',"
				      "'sighting-stats','vulnerability']}}"),
		0);
	assert_int_equal(receivers(p, "{'kind':['observed-data']}"), 0x1f);
	assert_int_equal(receivers(p, "{'kind':['observed-data'],'to_affected':[false,'unknown'],"
				      "'request_open':[false,'unknown']}"),
		0);
	policy_free(p);
}

static void test_sample_reservation(void **state)
{
	struct policy *unified = sample("unified"), *reservation = sample("reservation-south");
	const struct policy *layers[] = {reservation};
	struct policy *p = NULL;
	struct err e;

	(void)state;
	assert_int_equal(policy_join(unified, layers, 1, &p, &e), OK);
	assert_int_equal(receivers(unified, "{'from':['south'],'act':['reshare']}"), 0x1f);
	assert_int_equal(receivers(p, "{'from':['south'],'act':['reshare']}"), 0);
	assert_int_equal(receivers(p, "{'from':['north'],'act':['reshare']}"), 0x1f);
	policy_free(p);
	policy_free(reservation);
	policy_free(unified);
}

struct seen {
	unsigned gained, lost, loosened, tightened;
	const char *duty;
};

static void see(void *context, const struct policy_difference *d)
{
	struct seen *s = context;
	unsigned *counts[] = {&s->gained, &s->lost, &s->loosened, &s->tightened};

	assert_int_equal(d->answer, POLICY_YES);
	(*counts[d->change])++;
	if (d->duty != NULL)
		s->duty = d->duty;
	if (d->change == POLICY_GAINED)
		assert_true(d->witness.values[POLICY_AGE_DAYS] > 365 ||
			    d->witness.values[POLICY_AGE_DAYS] == POLICY_UNKNOWN);
	if (d->change == POLICY_LOST)
		assert_int_equal(d->witness.values[POLICY_TLP], STIX_TLP_AMBER);
}

/* Looks like a widening (age lifted, kept longer), and takes amber away from everybody. */
static void test_sample_amendment(void **state)
{
	struct policy *before = sample("unified"), *after = sample("unified-2");
	struct seen s = {0};
	struct err e;

	(void)state;
	assert_int_equal(policy_compare(before, after, POLICY_STEPS, see, &s, &e), OK);
	assert_int_equal(s.gained, 5);
	assert_int_equal(s.lost, 5);
	assert_int_equal(s.loosened, 5);
	assert_int_equal(s.tightened, 0);
	assert_string_equal(s.duty, "retain_days");
	policy_free(after);
	policy_free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_explain),
		cmocka_unit_test(test_explain_more),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_join_tightens),
		cmocka_unit_test(test_join_refused),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_breach),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_box_mistakes),
		cmocka_unit_test(test_box_bounds),
		cmocka_unit_test(test_compare_members),
		cmocka_unit_test(test_compare_many_cuts),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_sample_reservation),
		cmocka_unit_test(test_sample_amendment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
