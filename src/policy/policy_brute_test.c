/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The engine against a naive reading of docs/policy.md: random small policies, whose every case is
 * decided one by one, rule by rule, value by value. Decisions, obligations, who can receive, dead
 * and shadowed rules, meetings, flows and comparisons must be the same. That the comparison sees
 * anything at all is shown by readings that are wrong on purpose.
 *
 * SERAI_POLICY_CASES (20,000): decisions and, apart from them, questions compared.
 * SERAI_POLICY_SEED (1).
 */
#include "policy_brute.h"

/* The same members in two orders: a comparison goes by name. */
static const struct slice members_forth[] = {
	{"kg", 2},
        {"kz", 2},
        {"tj", 2}
};
static const struct slice members_back[] = {
	{"tj", 2},
        {"kg", 2},
        {"kz", 2}
};
static const struct policy_parties forth = {members_forth, 3}, back = {members_back, 3};

/* ---- all of it ------------------------------------------------------------------------------ */

static void round_run(struct round *r)
{
	unsigned others = 2 + dice(2);

	r->difference = NULL;
	if (!r->questions_only && dice(20) == 0) {
		large_check(r, &forth);
		r->before.count = 0;
		return;
	}
	for (unsigned i = 0; i < FIELDS; i++) {
		r->active[i] = i == TO;
		r->fixed[i] = fields[i].count - 1;
		for (unsigned k = 0; k < fields[i].count; k++)
			if (fields[i].values[k] == fields[i].fixed)
				r->fixed[i] = k;
	}
	for (unsigned i = 0; i < others; i++)
		r->active[1 + dice(FIELDS - 1)] = true;
	naive_random(&r->before, r->active, RULES_MOST);
	r->after = r->before;
	if (dice(4) == 0)
		naive_random(&r->after, r->active, RULES_MOST);
	else
		naive_amend(&r->after, r->active);
	r->was = naive_parse(&r->before, dice(2) == 0 ? &forth : &back);
	r->is = naive_parse(&r->after, &forth);
	if (!r->questions_only) {
		decisions_check(r);
		sectors_check(r);
	}
	who_check(r);
	analyses_check(r);
	compare_check(r);
	policy_free(r->was);
	policy_free(r->is);
}

static uint64_t wanted(const char *name, uint64_t preset)
{
	uint64_t n;

	return slice_to_u64(slice_of(getenv(name)), &n) ? n : preset;
}

static void test_same(void **state)
{
	uint64_t cases = wanted("SERAI_POLICY_CASES", 20000), rounds = 0;
	struct round r = {.bug = NO_BUG};

	(void)state;
	dice_begin(wanted("SERAI_POLICY_SEED", 1));
	while (r.decisions < cases || r.questions < cases) {
		uint64_t began = dice_seed();

		round_run(&r);
		rounds++;
		if (r.difference != NULL) {
			struct buf before = naive_text(&r.before), after = naive_text(&r.after);

			fail_msg("%s (SERAI_POLICY_SEED=%llu)\n%.*s\n%.*s", r.difference,
				(unsigned long long)began, SLICE_ARG(buf_slice(&before)),
				SLICE_ARG(buf_slice(&after)));
		}
	}
	print_message("%llu policies, %llu decisions, %llu answers: no difference\n",
		(unsigned long long)rounds, (unsigned long long)r.decisions,
		(unsigned long long)r.questions);
}

/* Each wrong reading is found out, and soon: by decisions, and by questions alone. */
static void test_wrong_readings(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 2 * (BUGS - 1); n++) {
		struct round r = {.bug = NO_BUG + 1 + n / 2, .questions_only = n % 2 == 1};

		dice_begin(7);
		do
			round_run(&r);
		while (r.difference == NULL && r.questions < 20000);
		if (r.difference == NULL)
			fail_msg("wrong reading %d was not found", (int)r.bug);
		print_message("wrong reading %d: \"%s\" after %llu decisions, %llu answers\n",
			(int)r.bug, r.difference, (unsigned long long)r.decisions,
			(unsigned long long)r.questions);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_wrong_readings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
