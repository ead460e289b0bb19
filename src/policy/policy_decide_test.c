/* SPDX-License-Identifier: MPL-2.0 */
/* Deciding by policies: each rule of their meaning on both sides; cases as JSON. */
#include "policy_testing.h"

static struct policy_decision decided(const struct policy *p, struct policy_case c)
{
	struct policy_decision d;

	policy_decide(p, &c, &d);
	return d;
}

static bool allowed(const char *rules, struct policy_case c)
{
	struct policy *p = testing_policy(rules);
	struct policy_decision d = decided(p, c);

	policy_free(p);
	return d.allowed;
}

static struct policy_case with(int attribute, int32_t value)
{
	struct policy_case c = testing_case();

	c.values[attribute] = value;
	return c;
}

#define MEMBERS_GREEN "'to':['@members'],'tlp':{'le':'green'}"

static void test_default_and_forbid(void **state)
{
	struct policy *p = testing_policy(RULES(RULE("b", "permit", MEMBERS_GREEN) "," RULE(
		"c", "permit", "") "," RULE("f", "forbid", "'to':['uz']")));
	struct policy_decision d;

	(void)state;
	assert_false(allowed(RULES(""), testing_case()));
	d = decided(p, testing_case());
	assert_true(d.allowed);
	assert_true(slice_is(policy_rule_id(p, d.rule), "b"));
	assert_true(slice_is(policy_rule_clause(p, d.rule), "1"));
	d = decided(p, with(POLICY_TLP, STIX_TLP_RED));
	assert_true(d.allowed && slice_is(policy_rule_id(p, d.rule), "c"));
	d = decided(p, with(POLICY_TO, UZ));
	assert_false(d.allowed);
	assert_true(slice_is(policy_rule_id(p, d.rule), "f"));
	d = decided(p, with(POLICY_TO, POLICY_PUBLIC)); /* left out is not the public */
	assert_false(d.allowed);
	assert_int_equal(d.rule, -1);
	assert_int_equal(policy_rule_id(p, -1).len, 0);
	assert_int_equal(policy_rule_id(p, 3).len, 0);
	policy_free(p);
}

/* A never denies even when a permit meets it: such a policy cannot be tabled, and does no harm. */
static void test_never_denies(void **state)
{
	(void)state;
	assert_false(allowed(RULES(RULE("a", "permit", "'to':['public']") "," RULE(
				     "n", "never", "'to':['public'],'pii':['none']")),
		with(POLICY_TO, POLICY_PUBLIC)));
}

/* Semantics (4): unknown is never permitted unless written, always forbidden. */
static void test_unknown(void **state)
{
	static const struct {
		const char *why;
		const char *rules;
		int attribute;
		int32_t value;
		bool allowed;
	} cases[] = {
		{"order without unknown",           ONE("'tlp':{'le':'red'}"),                    POLICY_TLP,                      POLICY_UNKNOWN,
                 false																																															     },
		{"order with unknown",              ONE("'tlp':{'le':'red','unknown':true}"),     POLICY_TLP,
                 POLICY_UNKNOWN,																								  true																					     },
		{"T24: unmarked in an order",       ONE("'tlp':{'le':'red'}"),                    POLICY_TLP,                      0,											     false																					    },
		{"T24: unmarked, left out",         ONE(""),                                      POLICY_TLP,                      0,											     false																					    },
		{"unmarked where written",          ONE("'tlp':['none']"),                        POLICY_TLP,                      0,											     true																					     },
		{"unreadable marking, left out",    ONE(""),                                      POLICY_TLP,                      POLICY_UNKNOWN,                                                                                false																					    },
		{"unreadable PAP, left out",        ONE(""),                                      POLICY_PAP,                      POLICY_UNKNOWN,                                                                                false																					    },
		{"no PAP, left out",                ONE(""),                                      POLICY_PAP,                      0,											     true																					     },
		{"no PAP in an order",              ONE("'pap':{'le':'red'}"),                    POLICY_PAP,                      0,											     false																					    },
		{"unknown personal data, left out", ONE(""),                                      POLICY_PII,                      POLICY_UNKNOWN,                                                                                false																					    },
		{"unknown confidence, left out",    ONE(""),                                      POLICY_CONFIDENCE,               POLICY_UNKNOWN,                                                                                true																					     },
		{"unknown confidence, asked",       ONE("'confidence':{'ge':0}"),                 POLICY_CONFIDENCE,
                 POLICY_UNKNOWN,																								  false																					    },
		{"unknown confidence, written",     ONE("'confidence':{'ge':50,'unknown':true}"),
                 POLICY_CONFIDENCE,												POLICY_UNKNOWN,										true																					     },
		{"out of range is unknown",         ONE("'confidence':{'ge':0}"),                 POLICY_CONFIDENCE,               101,
                 false																																															     },
		{"negative age is unknown",         ONE("'age_days':{'le':10}"),                  POLICY_AGE_DAYS,                 -1,
                 false																																															     },
		{"complement",                      ONE("'kind':{'not':['note']}"),               POLICY_KIND,                     POLICY_UNKNOWN,                                                                                false																					    },
		{"complement of parties",           ONE("'to':{'not':['kg']}"),                   POLICY_TO,                       POLICY_PUBLIC,
                 false																																															     },
		{"complement of markings",          ONE("'tlp':{'not':['red']}"),                 POLICY_TLP,                      0,											     false																					    },
		{"forbid's order",
                 RULES(RULE("a",								  "permit",                        "'tlp':['unknown']") "," RULE(
				"f",										   "forbid",																					  "'tlp':{'ge':'red'}")),
                 POLICY_TLP, POLICY_UNKNOWN, false},
		{"forbid's low order",
                 RULES(RULE("a",						      "permit",										"'tlp':['none']") "," RULE(
				"f",																					     "forbid",																																									   "'tlp':{'le':'clear'}")),
                 POLICY_TLP, 0, false},
		{"forbid's list is as written",
                 RULES(RULE("a","permit",     "'tlp':['unknown']") "," RULE(
				"f","forbid",																																															 "'tlp':['red']")),
                 POLICY_TLP, POLICY_UNKNOWN, true},
		{"forbid's complement",
                 RULES(RULE("a",									"permit",									   "'pii':['unknown']") "," RULE(
				"f",																								  "forbid",																																															      "'pii':{'not':['none']}")),
                 POLICY_PII, POLICY_UNKNOWN, false},
		{"forbid's number",
                 RULES(RULE("a",						    "permit",												       "") "," RULE(
				"f",																						      "forbid",																																												   "'confidence':{'le':10}")),
                 POLICY_CONFIDENCE, POLICY_UNKNOWN, false},
		{"forbid, left out",
                 RULES(RULE("a",								  "permit",                  "'tlp':['unknown']") "," RULE("f",                                                                             "forbid",                                                     "")),
                 POLICY_TLP, POLICY_UNKNOWN, false},
		{"unknown member",                        ONE(""),						      POLICY_TO,										POLICY_UNKNOWN,																					     false																																									     },
		{"a member that is none",                         ONE("'to':['@members']"),POLICY_TO,       5,false																																														 },
		{"T25: an empty group",                            ONE("'to':['@nobody']"),									POLICY_TO,										      KZ,																								  false																																					 },
		{"a group",                         ONE("'to':['@west']"),								 POLICY_TO,												       KZ,																						      true																																												 },
		{"not in the group",                  ONE("'to':['@west']"),                                POLICY_TO, TJ, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (allowed(cases[i].rules, with(cases[i].attribute, cases[i].value)) !=
			cases[i].allowed)
			fail_msg("%s", cases[i].why);
}

static void test_bounds(void **state)
{
	static const char *const rules = ONE("'confidence':{'ge':50,'le':60}");
	static const char *const marked = ONE("'tlp':{'ge':'green','le':'amber'}");

	(void)state;
	assert_false(allowed(rules, with(POLICY_CONFIDENCE, 49)));
	assert_true(allowed(rules, with(POLICY_CONFIDENCE, 50)));
	assert_true(allowed(rules, with(POLICY_CONFIDENCE, 60)));
	assert_false(allowed(rules, with(POLICY_CONFIDENCE, 61)));
	assert_false(allowed(rules, with(POLICY_CONFIDENCE, 100)));
	assert_false(allowed(marked, with(POLICY_TLP, STIX_TLP_CLEAR)));
	assert_true(allowed(marked, with(POLICY_TLP, STIX_TLP_AMBER)));
	assert_false(allowed(marked, with(POLICY_TLP, STIX_TLP_AMBER_STRICT)));
}

static void test_intervals(void **state)
{
	struct policy *p =
		testing_policy(RULES(RULE("a", "permit", "'confidence':{'ge':50,'le':60}") "," RULE(
			"b", "permit", "'confidence':{'ge':61}")));
	int32_t end;

	(void)state;
	assert_int_equal(policy_interval(p, POLICY_EXCHANGE, POLICY_CONFIDENCE, 0, &end), 0);
	assert_int_equal(end, 50);
	assert_int_equal(policy_interval(p, POLICY_EXCHANGE, POLICY_CONFIDENCE, 60, &end), 1);
	assert_int_equal(end, 61);
	assert_int_equal(policy_interval(p, POLICY_EXCHANGE, POLICY_CONFIDENCE, 100, &end), 2);
	assert_int_equal(end, 101);
	assert_int_equal(policy_interval(p, POLICY_EXCHANGE, POLICY_AGE_DAYS, 5, &end), 0);
	assert_int_equal(end, 36501);
	(void)policy_interval(p, POLICY_EXCHANGE, POLICY_AGE_DAYS, -5, &end);
	assert_int_equal(end, 0); /* it will be known then */
	(void)policy_interval(p, POLICY_EXCHANGE, POLICY_AGE_DAYS, POLICY_UNKNOWN, &end);
	assert_int_equal(end, INT32_MAX);
	policy_free(p);
}

/* All sectors that an object touches must be permitted; obligations join over them. */
static void test_sectors(void **state)
{
	struct policy *p = testing_policy(RULES(RULE_MUST("e", "permit", "'sector':['energy']",
		"'retain_days':90") "," RULE_MUST("t", "permit", "'sector':['transport']",
		"'retain_days':30,'encrypt':true") "," RULE("f", "forbid", "'sector':['water']")));
	struct policy_case c = testing_case();
	struct policy_decision d;

	(void)state;
	assert_false(decided(p, c).allowed); /* no sector: unknown */
	c.sectors = 1;
	assert_int_equal(decided(p, c).duties.retain_days, 90);
	c.sectors = 3;
	d = decided(p, c);
	assert_true(d.allowed && d.duties.encrypt);
	assert_int_equal(d.duties.retain_days, 30);
	c.sectors = 1 | 1 << 4;
	d = decided(p, c);
	assert_false(d.allowed);
	assert_true(slice_is(policy_rule_id(p, d.rule), "f"));
	assert_int_equal(d.duties.retain_days, -1);
	c.sectors = 1 | UINT64_C(1) << 40; /* a sector that nobody knows is not left out */
	assert_false(decided(p, c).allowed);
	c.sectors = 0;
	c.values[POLICY_SECTOR] = 0;
	assert_true(decided(p, c).allowed);
	policy_free(p);
}

static void test_joined_obligations(void **state)
{
	struct policy *p = testing_policy(RULES(RULE_MUST("a", "permit", "",
		"'retain_days':365,'min_count':5,'approvals':1,"
		"'redact':['identity']") "," RULE_MUST("b", "permit", "'tlp':['green']",
		"'retain_days':30,'min_count':10,'onward':'none',"
		"'redact':['contact']") "," RULE_MUST("r", "require", "'to':['kz']",
		"'approvals':2,'attribution':'as-marked'") "," RULE_MUST("s", "require",
		"'to':['uz']", "'delay_hours':1000")));
	struct policy_decision d = decided(p, testing_case());

	(void)state;
	assert_true(d.allowed);
	assert_int_equal(d.duties.retain_days, 30);
	assert_int_equal(d.duties.min_count, 10);
	assert_int_equal(d.duties.approvals, 2);
	assert_int_equal(d.duties.delay_hours, -1);
	assert_int_equal(d.duties.redact, 3);
	assert_string_equal(policy_redact_name(0), "identity");
	assert_null(policy_redact_name(5));
	assert_true(d.duties.no_onward && d.duties.attribution && !d.duties.encrypt);
	/* to uz: it may be kept for 30 days and must wait for 1000 hours */
	d = decided(p, with(POLICY_TO, UZ));
	assert_false(d.allowed);
	assert_true(d.contradiction);
	assert_int_equal(d.rule, -1);
	policy_free(p);
}

/* Of what nobody can ask about: the strictest that could be demanded of this recipient. */
static void test_retain_least(void **state)
{
	struct policy *p = testing_policy(RULES(RULE_MUST(
		"a", "permit", "'to':['uz']", "'retain_days':365") "," RULE_MUST("b", "permit",
		"'to':['uz'],'tlp':['red']", "'retain_days':30") "," RULE_MUST("c", "require",
		"'to':['kz']", "'retain_days':7") "," RULE("d", "permit", "'to':['kg']")));
	int rule;

	(void)state;
	assert_int_equal(policy_retain_least(p, UZ, &rule), 30);
	assert_true(slice_is(policy_rule_id(p, rule), "b"));
	assert_int_equal(policy_retain_least(p, KZ, &rule), 7); /* required of every permit */
	assert_true(slice_is(policy_rule_id(p, rule), "c"));
	assert_int_equal(policy_retain_least(p, KG, &rule), -1);
	assert_int_equal(rule, -1);
	policy_free(p);
}

/* T30: at its last microsecond it holds, then nothing does. */
static void test_expiry(void **state)
{
	struct policy *p = testing_policy(ONE(""));
	struct policy_case c = testing_case();

	(void)state;
	c.now_us = EXPIRY - 1;
	assert_true(decided(p, c).allowed);
	c.now_us = EXPIRY;
	assert_false(decided(p, c).allowed);
	assert_true(decided(p, c).expired);
	c.now_us = 0;
	assert_true(decided(p, c).allowed);
	assert_int_equal(policy_facts(p).expires_us, EXPIRY);
	policy_free(p);
}

/* T31: families do not touch each other. */
static void test_families(void **state)
{
	struct policy *p = testing_policy(RULES(MEASURE_MUST("m", "permit",
		"'act':['block'],'tlp':['red']", "'max_hours':6") "," MEASURE_MUST("s", "permit",
		"'act':['sinkhole']", "'max_hours':6") "," RULE("f", "forbid",
		"") ",{'id':'d','family':'duty','on':{'event':['incident'],'severity':{'"
		    "ge':'high'}},"
		    "'do':'update','to':['@affected','@west'],'within_days':2,"
		    "'then':[{'do':'close','within_days':30}]}"));
	struct policy_case c, duty;
	struct policy_decision d;
	struct policy_facts facts = policy_facts(p);

	(void)state;
	policy_case_init(&c, POLICY_MEASURE);
	for (unsigned a = 0; policy_attribute_get(POLICY_MEASURE, a) != NULL; a++)
		c.values[a] = 0;
	c.values[policy_attribute_find(POLICY_MEASURE, SLICE("act"))] = 4;
	c.values[policy_attribute_find(POLICY_MEASURE, SLICE("tlp"))] = STIX_TLP_RED;
	d = decided(p, c);
	assert_true(d.allowed);
	assert_int_equal(d.duties.max_hours, 6);
	policy_case_init(&duty, POLICY_DUTY);
	/* a measure that does not ask for a marking does not want one */
	c.values[policy_attribute_find(POLICY_MEASURE, SLICE("tlp"))] = 0;
	assert_false(decided(p, c).allowed);
	c.values[policy_attribute_find(POLICY_MEASURE, SLICE("act"))] = 3;
	assert_true(decided(p, c).allowed);
	c.values[policy_attribute_find(POLICY_MEASURE, SLICE("pap"))] = POLICY_UNKNOWN;
	assert_false(decided(p, c).allowed);
	assert_false(decided(p, duty).allowed);
	duty.values[0] = 1;
	duty.values[1] = 2;
	d = decided(p, duty);
	assert_true(d.allowed && slice_is(policy_rule_id(p, d.rule), "d"));
	assert_int_equal(d.duties.within_hours, 48);
	assert_int_equal(facts.rules[POLICY_EXCHANGE][POLICY_FORBID], 1);
	assert_int_equal(facts.rules[POLICY_MEASURE][POLICY_PERMIT], 2);
	assert_int_equal(facts.rules[POLICY_DUTY][POLICY_REQUIRE], 1);
	policy_free(p);
}

/* ---- cases as JSON -------------------------------------------------------------------------- */

static void test_case_text(void **state)
{
	struct policy *p = testing_policy(ONE(""));
	struct policy_case c = testing_case(), again;
	struct buf text = BUF_INIT;
	struct err e;

	(void)state;
	c.sectors = 5;
	c.now_us = EXPIRY - 1;
	policy_case_write(p, &c, &text);
	assert_int_equal(policy_case_parse(p, buf_slice(&text), &again, &e), OK);
	assert_int_equal(again.family, c.family);
	assert_int_equal(again.sectors, 5);
	assert_int_equal(again.now_us, c.now_us);
	for (unsigned a = 0; a < POLICY_EXCHANGE_ATTRIBUTES; a++)
		assert_int_equal(again.values[a], c.values[a]);
	buf_fini(&text);
	policy_free(p);
}

static void test_case_mistakes(void **state)
{
	static const struct {
		const char *text, *says; /* NULL: fine */
	} cases[] = {
		{"{}",								   NULL               },
		{"{'to':'public','from':'kz','confidence':100,'to_affected':'unknown'}", NULL               },
		{"{'family':'measure','target':'ip'}",                                   NULL               },
		{"{'family':'x'}",						       "family"           },
		{"{'to':'xx'}",							  "no member \"xx\"" },
		{"{'from':'public'}",						    "no member"        },
		{"{'confidence':101}",						   "from 0 to 100"    },
		{"{'tlp':'pink'}",						       "no value \"pink\""},
		{"{'tlp':['red']}",						      "no value"         },
		{"{'to_affected':1}",						    "true, false"      },
		{"{'target':'ip'}",						      "no attribute"     },
		{"{'sector':['energy','sea']}",                                          "no value \"sea\"" },
		{"{'now':5}",							    "a time"           },
		{"[]",								   "an object"        },
		{"{",								    "case: "           },
	};
	struct policy *p = testing_policy(ONE(""));

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf text = testing_text(cases[i].text);
		struct policy_case c;
		struct err e = {.text = ""};
		enum err_kind kind = policy_case_parse(p, buf_slice(&text), &c, &e);

		if ((kind == OK) != (cases[i].says == NULL) ||
			(cases[i].says != NULL && strstr(e.text, cases[i].says) == NULL))
			fail_msg("%s: %s", cases[i].text, e.text);
		buf_fini(&text);
	}
	policy_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default_and_forbid),
		cmocka_unit_test(test_never_denies),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_sectors),
		cmocka_unit_test(test_joined_obligations),
		cmocka_unit_test(test_retain_least),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_case_text),
		cmocka_unit_test(test_case_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
