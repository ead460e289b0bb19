/* SPDX-License-Identifier: MPL-2.0 */
/* What each marking becomes, and that nothing unreadable passes for something readable. */
#include "policy_testing.h"

#define PAP "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b"
#define IEP "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"
#define MARKING(rest)                                                                              \
	"{'type':'marking-definition','spec_version':'2.1','id':'marking-definition--da05d443-"    \
	"ad8d-46fc-abf5-31d3d00290f1','created':'2024-01-10T14:52:41.853Z'," rest "}"
#define PAP_OF(rest) MARKING("'extensions':{'" PAP "':{" rest "}}")
#define IEP_OF(rest) MARKING("'extensions':{'" IEP "':{'iep_version':2.0" rest "}}")
#define NOW          INT64_C(1800000000000000) /* 2027-01-15 */

static struct policy_marking marking_at(const char *text, int64_t now_us)
{
	struct json_parser *parser = json_parser_new(KIB(16));
	struct buf b = testing_text(text);
	struct policy_marking m;
	struct json_doc doc;
	struct err e;

	if (json_parse(parser, buf_slice(&b), &doc, &e) != OK)
		fail_msg("%s", e.text);
	policy_marking_read(json_root(&doc), now_us, &m);
	buf_fini(&b);
	json_parser_free(parser);
	return m;
}

static struct policy_marking marking(const char *text)
{
	return marking_at(text, NOW);
}

static void test_colours(void **state)
{
	static const struct {
		const char *why, *text;
		int32_t tlp, pap;
	} cases[] = {
		{"TLP 1 white",
                 "{'type':'marking-definition','id':'marking-definition--613f2e26-407d-48c7-"
			"9eca-b8e91df99dc9'}",							     STIX_TLP_CLEAR,        0             },
		{"TLP 2 amber+strict",
                 "{'type':'marking-definition','id':'marking-definition--939a9414-2ddd-4d32-"
			"a0cd-375ea402b003'}",							     STIX_TLP_AMBER_STRICT, 0             },
		{"a statement",
                 MARKING("'definition_type':'statement','definition':{'statement':"
				"'x'}"),
                 0,													       0             },
		{"PAP white",               PAP_OF("'pap':'white'"),                                       0,                     1             },
		{"PAP clear",               PAP_OF("'pap':'clear'"),                                       0,                     1             },
		{"PAP amber",               PAP_OF("'extension_type':'property-extension','pap':'AMBER'"), 0,                     3             },
		{"PAP red",                 PAP_OF("'pap':'red'"),                                         0,                     4             },
		{"PAP pink",                PAP_OF("'pap':'pink'"),                                        POLICY_UNKNOWN,        POLICY_UNKNOWN},
		{"PAP none",                PAP_OF("'pap':'none'"),                                        POLICY_UNKNOWN,        POLICY_UNKNOWN},
		{"PAP without colour",      PAP_OF(""),						    POLICY_UNKNOWN,        POLICY_UNKNOWN},
		{"PAP with more",           PAP_OF("'pap':'red','also':1"),                                POLICY_UNKNOWN,        POLICY_UNKNOWN},
		{"PAP beside a definition",
                 MARKING("'definition_type':'x','definition':{},'extensions':{'" PAP
				"':{'pap':'red'}}"),
                 POLICY_UNKNOWN,												  POLICY_UNKNOWN},
		{"no extension",            MARKING("'extensions':{}"),                                    POLICY_UNKNOWN,        POLICY_UNKNOWN},
		{"another extension",       MARKING("'extensions':{'" PAP "':{'pap':'red'},'x':{}}"),
                 POLICY_UNKNOWN,												  POLICY_UNKNOWN},
		{"another definition",      MARKING("'definition_type':'x','definition':{}"),
                 POLICY_UNKNOWN,												  POLICY_UNKNOWN},
		{"no marking",              "{'type':'indicator'}",                                        POLICY_UNKNOWN,        POLICY_UNKNOWN},
		{"IEP of nothing",          IEP_OF(""),						    0,                     0             },
		{"IEP with a colour",
                 IEP_OF(",'tlp':'amber','permitted_actions':"
			       "'externally-visible-direct-actions'"),
                 STIX_TLP_AMBER,												  2             },
		{"IEP 1.0",                 MARKING("'extensions':{'" IEP "':{'iep_version':1.0}}"),       POLICY_UNKNOWN,
                 POLICY_UNKNOWN														 },
		{"IEP without version",     MARKING("'extensions':{'" IEP "':{'tlp':'red'}}"),
                 POLICY_UNKNOWN,												  POLICY_UNKNOWN},
		{"IEP as text",             MARKING("'extensions':{'" IEP "':{'iep_version':'2.0'}}"),     0,                     0             },
		{"IEP by reference",        IEP_OF(",'id_ref':'x','url':'y'"),                             POLICY_UNKNOWN,
                 POLICY_UNKNOWN														 },
		{"IEP with another action", IEP_OF(",'permitted_actions':'dance'"),                        POLICY_UNKNOWN,
                 POLICY_UNKNOWN														 },
		{"IEP: no action",          IEP_OF(",'permitted_actions':'none'"),                         0,                     4             },
		{"IEP: indirect",
                 IEP_OF(",'permitted_actions':'externally-visible-indirect-"
			       "actions'"),
                 0,													       3             },
		{"IEP: a list",
                 IEP_OF(",'permitted_actions':['none','externally-visible-direct-"
			       "actions']"),
                 0,													       2             },
		{"IEP: an empty list",      IEP_OF(",'permitted_actions':[]"),                             POLICY_UNKNOWN,
                 POLICY_UNKNOWN														 },
		{"IEP: a list of lists",    IEP_OF(",'permitted_actions':[['none']]"),                     POLICY_UNKNOWN,
                 POLICY_UNKNOWN														 },
		{"IEP in force",
                 IEP_OF(",'start_date':'2020-01-01T00:00:00Z','end_date':"
			       "'2030-01-01T00:00:00Z'"),
                 0,													       0             },
		{"IEP to come",             IEP_OF(",'start_date':'2029-01-01T00:00:00Z'"),                POLICY_UNKNOWN,
                 POLICY_UNKNOWN														 },
		{"IEP past",                IEP_OF(",'end_date':'2026-01-01T00:00:00Z'"),                  POLICY_UNKNOWN,
                 POLICY_UNKNOWN														 },
		{"IEP with another word",   IEP_OF(",'encrypt_in_transit':'should'"),                      POLICY_UNKNOWN,
                 POLICY_UNKNOWN														 },
		{"IEP: no TLP is no TLP",   IEP_OF(",'tlp':'none'"),                                       POLICY_UNKNOWN,        POLICY_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct policy_marking m = marking(cases[i].text);

		if (m.tlp != cases[i].tlp || m.pap != cases[i].pap)
			fail_msg("%s: tlp %d, pap %d", cases[i].why, m.tlp, m.pap);
	}
}

static void test_statements(void **state)
{
	struct policy_marking m =
		marking(IEP_OF(",'encrypt_in_transit':'must','provider_attribution':'must-not',"
			       "'affected_party_notifications':'must-not','unmodified_resale':"
			       "'must-not','iep_id':'a','description':'b'"));
	struct policy_marking may =
		marking(IEP_OF(",'encrypt_in_transit':'may','attribution':'may',"
			       "'affected_party_notifications':'may','unmodified_resale':'may'"));
	struct policy_marking named = marking(IEP_OF(",'attribution':'must'"));

	(void)state;
	assert_true(m.duties.encrypt && m.duties.anonymous && !m.duties.attribution);
	assert_true(m.no_affected);
	assert_false(may.duties.encrypt || may.duties.anonymous || may.no_affected);
	assert_true(named.duties.attribution);
	assert_int_equal(
		marking(IEP_OF(",'affected_party_notifications':'must'")).tlp, POLICY_UNKNOWN);
	policy_marking_join(&may, &m);
	assert_true(may.duties.encrypt && may.no_affected);
	assert_int_equal(may.duties.retain_days, -1);
}

/* A reading holds until the next date in it. */
static void test_dates(void **state)
{
	static const char text[] = IEP_OF(",'start_date':'2027-01-01T00:00:00Z','end_date':"
					  "'2028-01-01T00:00:00Z','tlp':'green'");
	int64_t start = INT64_C(1798761600000000), end = INT64_C(1830297600000000);
	struct policy_marking m = marking_at(text, start - 1), more;

	(void)state;
	assert_int_equal(m.tlp, POLICY_UNKNOWN);
	assert_int_equal(m.changes_us, start);
	m = marking_at(text, start);
	assert_int_equal(m.tlp, STIX_TLP_GREEN);
	assert_int_equal(m.changes_us, end);
	m = marking_at(text, end - 1);
	assert_int_equal(m.tlp, STIX_TLP_GREEN);
	m = marking_at(text, end);
	assert_int_equal(m.tlp, POLICY_UNKNOWN);
	assert_int_equal(m.changes_us, INT64_MAX);
	/* of two the nearest */
	more = marking_at(text, start);
	policy_marking_join(&m, &more);
	assert_int_equal(m.changes_us, end);
	policy_marking_init(&more);
	assert_int_equal(more.changes_us, INT64_MAX);
	policy_marking_join(&m, &more);
	assert_int_equal(m.changes_us, end);
}

static void test_strictest(void **state)
{
	struct policy_marking m, more;

	(void)state;
	policy_marking_init(&m);
	more = marking(IEP_OF(",'tlp':'green','permitted_actions':'none'"));
	policy_marking_join(&m, &more);
	assert_int_equal(m.tlp, STIX_TLP_GREEN);
	assert_int_equal(m.pap, 4);
	more = marking(PAP_OF("'pap':'green'"));
	policy_marking_join(&m, &more);
	assert_int_equal(m.pap, 4);
	more = marking(PAP_OF("'pap':'x'"));
	policy_marking_join(&m, &more);
	assert_int_equal(m.tlp, POLICY_UNKNOWN);
	more = marking(IEP_OF(",'tlp':'red'"));
	policy_marking_join(&m, &more);
	assert_int_equal(m.tlp, POLICY_UNKNOWN);
}

/* The third layer: it denies and demands, and lets nothing through that the policy does not. */
static void test_decide(void **state)
{
	struct policy *p = testing_policy(RULES(RULE_MUST(
		"a", "permit", "'tlp':{'le':'amber'}", "'attribution':'as-marked'") "," RULE("b",
		"permit", "'to':['uz'],'tlp':{'le':'amber'}")));
	struct policy_case c = testing_case();
	struct policy_marking m;
	struct policy_decision d;

	(void)state;
	c.values[POLICY_ORIGIN] = 1;
	c.values[POLICY_TO_AFFECTED] = 1;
	policy_marking_init(&m);
	policy_decide_marked(p, &m, &c, &d);
	assert_true(d.allowed && !d.duties.encrypt);
	m.tlp = STIX_TLP_RED;
	policy_decide_marked(p, &m, &c, &d);
	assert_false(d.allowed);
	m.tlp = STIX_TLP_CLEAR; /* the case's own green is stricter */
	c.values[POLICY_TLP] = STIX_TLP_RED;
	policy_decide_marked(p, &m, &c, &d);
	assert_false(d.allowed);
	c.values[POLICY_TLP] = STIX_TLP_GREEN;
	m.pap = POLICY_UNKNOWN;
	policy_decide_marked(p, &m, &c, &d);
	assert_false(d.allowed);
	m.pap = 0;
	m.duties.encrypt = true;
	policy_decide_marked(p, &m, &c, &d);
	assert_true(d.allowed && d.duties.encrypt);
	m.duties.anonymous = true;
	policy_decide_marked(p, &m, &c, &d);
	assert_true(!d.allowed && d.contradiction);
	m.duties.anonymous = false;
	m.no_affected = true;
	policy_decide_marked(p, &m, &c, &d);
	assert_true(!d.allowed && d.by_marking);
	c.values[POLICY_TLP] = STIX_TLP_RED; /* no rule permits it anyway */
	policy_decide_marked(p, &m, &c, &d);
	assert_true(!d.allowed && !d.by_marking);
	c.values[POLICY_TLP] = STIX_TLP_GREEN;
	c.values[POLICY_TO_AFFECTED] = POLICY_UNKNOWN;
	policy_decide_marked(p, &m, &c, &d);
	assert_false(d.allowed);
	c.values[POLICY_TO_AFFECTED] = 0;
	policy_decide_marked(p, &m, &c, &d);
	assert_true(d.allowed && !d.by_marking);
	c.values[POLICY_TO_AFFECTED] = 1;
	c.values[POLICY_ORIGIN] = 0; /* whoever marked it so may tell whom it likes */
	policy_decide_marked(p, &m, &c, &d);
	assert_true(d.allowed);
	policy_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_colours),
		cmocka_unit_test(test_statements),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_strictest),
		cmocka_unit_test(test_decide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
