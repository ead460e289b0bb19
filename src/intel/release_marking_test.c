/* SPDX-License-Identifier: MPL-2.0 */
/* Markings that a policy reads: PAP and IEP, their definitions, and what of them is unclear. */
#include "release_testing.h"

static void test_pap(void **state)
{
	static const char *const colours[] = {"clear", "green", "amber", "red"};
	static const struct {
		const char *rules;
		bool may[6]; /* no PAP, the four colours, one that there is not */
	} cases[] = {
		{PERMIT("a", "'to':['kz'],'tlp':['none']"),                                         {true, true, true, true, true, false}   },
		{PERMIT("b", "'to':['kz'],'tlp':['none'],'pap':{'le':'green'}"),
                 {false, true, true, false, false, false}										   },
		{PERMIT("c", "'to':['kz'],'tlp':['none'],'pap':['none','red']"),
                 {true, false, false, false, true, false}										   },
		{PERMIT("d", "'to':['kz'],'tlp':['none']") ",{'id':'f','family':'exchange',"
							   "'effect':'forbid','when':{'pap':{'ge':'"
							   "amber'}}}", {false, true, true, false, false, false}},
 /* what nobody can read does not leave, whatever a rule says: the ceiling */
		{PERMIT("e", "'to':['kz'],'tlp':['none','unknown'],'pap':['none','unknown']"),
                 {true, false, false, false, false, false}										  },
		{PERMIT("g", "'to':['uz'],'tlp':['none']"),                                         {false}                                 },
	};
	struct fixture *f = *state;

	put_as(f, "self", 1, "");
	for (unsigned n = 0; n < COUNT_OF(colours); n++)
		define_pap(f, n + 2, colours[n]);
	define_pap(f, 6, "pink");
	for (unsigned n = 2; n <= 6; n++)
		put_marked(f, "self", n, "");
	for (unsigned k = 0; k < COUNT_OF(cases); k++) {
		in_force(f, cases[k].rules);
		for (unsigned n = 0; n < 6; n++)
			if (reason(f, &kz, n == 0 ? 1 : 6 + n).released != cases[k].may[n])
				fail_msg("rules %u, tool %u", k, n + 1);
	}
}

/* The rows of test_pap follow their definitions: 1, then definitions 2..6, then tools. */
static void test_pap_without_policy(void **state)
{
	struct fixture *f = *state;
	const struct intel_recipient file = {
		.reach = INTEL_MEMBER, .member = {"kz", 2}
        };
	struct intel_reason why;
	int64_t serial;

	define_pap(f, 2, "clear");
	serial = put_marked(f, "self", 2, "");
	why = reason(f, &file, serial);
	assert_true(!why.released && !why.marking && why.tlp == INTEL_TLP_UNKNOWN);
	assert_false(reason(f, &own_reader, serial).released);
	/* a policy understands it, for our own people too */
	in_force(f, PERMIT("a", "'to':['uz']"));
	why = reason(f, &file, serial);
	assert_true(!why.released && why.marking && why.tlp == STIX_TLP_NONE);
	assert_int_equal(why.question.values[POLICY_PAP], 1);
	assert_true(reason(f, &own_reader, serial).released);
	in_force(f, NULL);
	assert_false(reason(f, &own_reader, serial).released);
}

static void test_iep(void **state)
{
	static const struct {
		const char *says, *member, *more;
		const char *pap; /* in the permit */
		bool peer, file;
	} cases[] = {
		{"",							       "self", "",                              "'none'",                         true,  true },
		{",'unmodified_resale':'must-not','iep_id':'x','description':'y'", "self", "",
                 "'none'",																    true,  true },
 /* a colour: the ceiling of a member's file is AMBER */
		{",'tlp':'amber'",						 "self", "",                              "'none'",                         true,  true },
		{",'tlp':'amber+strict'",					  "self", "",                              "'none'",                         true,  false},
		{",'tlp':'red'",						   "self", "",                              "'none'",                         false, false},
 /* actions */
		{",'permitted_actions':'none'",                                    "self", "",                              "'red'",                          true,  true },
		{",'permitted_actions':'none'",                                    "self", "",                              "'none','clear','green','amber'", false,
                 false																		    },
		{",'permitted_actions':'contact-for-instruction'",                 "self", "",                              "'red'",                          true,  true },
		{",'permitted_actions':'internally-visible-actions'",              "self", "",                              "'red'",                          true,
                 true																		     },
		{",'permitted_actions':'externally-visible-indirect-actions'",     "self", "",
                 "'amber'",																   true,  true },
		{",'permitted_actions':'externally-visible-direct-actions'",       "self", "",                              "'green'",
                 true,																	       true },
 /* obligations of ours: a file has no encryption, and bytes have their source */
		{",'encrypt_in_transit':'must'",                                   "self", "",                              "'none'",                         true,  false},
		{",'encrypt_in_transit':'may'",                                    "self", "",                              "'none'",                         true,  true },
		{",'provider_attribution':'must'",                                 "self", "",                              "'none'",                         true,  true },
		{",'provider_attribution':'must-not'",                             "self", "",                              "'none'",                         false, false},
		{",'attribution':'must-not'",                                      "self", "",                              "'none'",                         false, false},
 /* whom it affects */
		{MUST_NOT_TELL,						    "uz",   ",\"labels\":[\"affected:kz\"]", "'none'",                         false, false},
		{MUST_NOT_TELL,						    "uz",   ",\"labels\":[\"affected:uz\"]", "'none'",                         true,  true },
		{MUST_NOT_TELL,						    "uz",   "",                              "'none'",                         false, false},
		{MUST_NOT_TELL,						    "self", ",\"labels\":[\"affected:kz\"]", "'none'",                         true,  true },
 /* nobody knows */
		{",'encrypt_in_transit':'should'",                                 "self", "",                              "'none','unknown'",               false, false},
		{",'permitted_actions':'dance'",                                   "self", "",                              "'none','unknown'",               false, false},
		{",'also':1",						      "self", "",                              "'none','unknown'",               false, false},
		{",'end_date':'2026-01-01T00:00:00Z'",                             "self", "",                              "'none','unknown'",               false,
                 false																		    },
	};
	const struct intel_recipient file = {
		.reach = INTEL_MEMBER, .member = {"kz", 2}
        };
	struct fixture *f = *state;
	char rules[512];

	for (unsigned k = 0; k < COUNT_OF(cases); k++) {
		int64_t serial;

		define_iep(f, k + 1, cases[k].says);
		serial = put_marked(f, cases[k].member, k + 1, cases[k].more);
		snprintf(rules, sizeof(rules), PERMIT("k", "'to':['kz']," ANY_TLP ",'pap':[%s]"),
			cases[k].pap);
		in_force(f, rules);
		if (reason(f, &kz, serial).released != cases[k].peer ||
			reason(f, &file, serial).released != cases[k].file)
			fail_msg("%s with %s of %s", cases[k].says, cases[k].pap, cases[k].member);
	}
}

/* The reason is told, and what binds the recipient. */
static void test_iep_reasons(void **state)
{
	const struct intel_recipient file = {
		.reach = INTEL_MEMBER, .member = {"kz", 2}
        };
	struct fixture *f = *state;
	struct intel_reason why;
	int64_t a, b;

	define_iep(f, 1, ",'encrypt_in_transit':'must','attribution':'must'");
	define_iep(f, 2, MUST_NOT_TELL);
	a = put_marked(f, "self", 1, "");
	b = put_marked(f, "uz", 2, "");
	in_force(f, ALL_TO_KZ);
	why = reason(f, &kz, a);
	assert_true(why.released && why.duties.encrypt && why.duties.attribution);
	assert_string_equal(
		reason(f, &file, a).because, "a marking demands encryption, and a file has none");
	why = reason(f, &kz, b);
	assert_non_null(why.because);
	assert_int_equal(why.rule, -1);
	in_force(f, PERMIT_MUST("k", "'to':['kz']," ANY_TLP, "'attribution':'withheld'"));
	assert_string_equal(reason(f, &kz, a).because,
		"the obligations of policy and markings contradict one another");
}

/* Definitions come after what they mark, and through references; a second one ends it. */
static void test_definition_later(void **state)
{
	struct fixture *f = *state;
	int64_t marked = put_marked(f, "self", 1, "");
	int64_t refers = put_as(f, "self", 50,
		",\"x_related_refs\":[\"tool--00000000-0000-4000-8000-000000000001\"]");

	in_force(f, PERMIT("a", "'to':['kz'],'tlp':['none'],'pap':['none','green']"));
	assert_false(reason(f, &kz, marked).released);
	assert_false(reason(f, &kz, refers).released);
	define_pap(f, 1, "green");
	assert_true(reason(f, &kz, marked).released);
	assert_true(reason(f, &kz, refers).released);
	assert_int_equal(reason(f, &kz, refers).question.values[POLICY_PAP], 2);
	/* another policy reads the same marking */
	in_force(f, PERMIT("b", "'to':['kz'],'tlp':['none'],'pap':['none']"));
	assert_false(reason(f, &kz, marked).released);
	assert_false(reason(f, &kz, refers).released);
	in_force(f, PERMIT("c", "'to':['kz'],'tlp':['none'],'pap':['none','green']"));
	assert_true(reason(f, &kz, refers).released);
	/* the strictest of both */
	define_pap(f, 51, "red");
	put_as(f, "self", 51,
		",\"x_related_refs\":[\"tool--00000000-0000-4000-8000-000000000001\"],"
		"\"object_marking_refs\":[\"marking-definition--00000000-0000-4000-9000-"
		"000000000051\"]");
	assert_int_equal(reason(f, &kz, 5).question.values[POLICY_PAP], 4);
	assert_false(reason(f, &kz, 5).released);
	/* nobody talks it down, with another version or with the same one */
	assert_int_equal(
		define(f, 1, "2025-06-01T00:00:00.000Z", STIX_PAP_EXTENSION, "'pap':'clear'"),
		INTEL_NEW);
	assert_false(reason(f, &kz, marked).released);
	assert_false(reason(f, &kz, refers).released);
	in_force(f, ALL_TO_KZ);
	assert_true(reason(f, &kz, 5).marking == false);
	assert_int_equal(define(f, 51, THEN, STIX_PAP_EXTENSION, "'pap':'clear'"), INTEL_CONFLICT);
	assert_int_equal(reason(f, &kz, 5).tlp, INTEL_TLP_UNKNOWN);
}

/* Dates in a definition pass while it is remembered, and pages that are kept learn of it. */
static void test_definition_dates(void **state)
{
	struct fixture *f = *state;
	uint64_t epoch;
	int64_t serial;

	define_iep(f, 1, ",'start_date':'2026-01-02T00:00:00Z','end_date':'2026-01-04T00:00:00Z'");
	serial = put_marked(f, "self", 1, "");
	in_force(f, ALL_TO_KZ);
	assert_false(reason(f, &kz, serial).released);
	epoch = intel_release_epoch(f->intel, &own_reader);
	world_fake_advance(&f->world, DAY_US - 1000000);
	assert_int_equal(released(f, &kz), 1); /* the definition itself */
	world_fake_advance(&f->world, 1000000);
	assert_int_equal(released(f, &kz), 2);
	assert_int_equal(released(f, &own_reader), 2);
	assert_true(intel_release_epoch(f->intel, &own_reader) != epoch);
	epoch = intel_release_epoch(f->intel, &kz);
	world_fake_advance(&f->world, 2 * DAY_US);
	assert_int_equal(released(f, &kz), 1);
	assert_int_equal(released(f, &own_reader), 1);
	assert_true(intel_release_epoch(f->intel, &kz) != epoch);
}

/* More than is read of one definition, on both sides. */
static void test_definition_size(void **state)
{
	struct fixture *f = *state;
	int64_t serials[2];

	for (unsigned n = 0; n < 2; n++) {
		size_t len = n == 0 ? KIB(60) : KIB(64);
		char *says = malloc(len + 64);

		assert_non_null(says);
		len = (size_t)snprintf(says, 64, "'iep_version':2.0,'description':'") + len;
		memset(says + 34, 'x', len - 34);
		says[33] = 'x';
		memcpy(says + len, "'", 2);
		assert_int_equal(define(f, n + 1, THEN, STIX_IEP_EXTENSION, says), INTEL_NEW);
		free(says);
		serials[n] = put_marked(f, "self", n + 1, "");
	}
	in_force(f, ALL_TO_KZ);
	assert_true(reason(f, &kz, serials[0]).released);
	assert_false(reason(f, &kz, serials[1]).released);
	assert_false(reason(f, &kz, serials[1]).marking);
}

/* A dry run reads them as a release does, before and after. */
static void test_dry_run_marked(void **state)
{
	static const struct slice to[] = {
		{"kz",     2},
                {"public", 6}
        };
	struct fixture *f = *state;
	struct policy *after = policy(PERMIT("a", "'to':['kz'],'kind':['tool'],'tlp':['none'],"
						  "'pap':{'le':'green'}"));
	struct intel_change changes[2];

	for (unsigned n = 1; n <= 8; n++) {
		define_pap(f, n, n <= 6 ? "green" : "red");
		put_marked(f, "self", n, "");
	}
	MUST(intel_dry_run(f->intel, NULL, after, SLICE("kg"), to, 2, changes, e));
	assert_int_equal(changes[0].gained, 6);
	assert_int_equal(changes[1].before, 8); /* the definitions: nothing marks them */
	assert_int_equal(changes[1].lost, 8);
	MUST(intel_policy_set(f->intel, after, SLICE("kg"), e));
	assert_int_equal(released(f, &kz), 6);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_pap),
		TEST(test_pap_without_policy),
		TEST(test_iep),
		TEST(test_iep_reasons),
		TEST(test_definition_later),
		TEST(test_definition_dates),
		TEST(test_definition_size),
		TEST(test_dry_run_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
