/* SPDX-License-Identifier: MPL-2.0 */
/* The simulator itself: what is planted in it is found by the check that is there for it, and a
 * seed replays to the last number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "coalition_sim.h"

#define SEEDS  6
#define EVENTS 250
/* Two histories take longer: each half gathers cosignatures for its own. */
#define EVENTS_SPLIT 1000

static struct sim_options options_of(uint64_t seed, unsigned members)
{
	return (struct sim_options){.seed = seed,
		.members = members,
		.events = EVENTS,
		.crashes = true,
		.restores = true,
		.partitions = true,
		.skews = true};
}

/* In how many of the seeds this fault is found, by these words. */
static unsigned found(unsigned fault, unsigned members, const char *words)
{
	unsigned count = 0;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct sim_options options = options_of(seed, members);
		struct sim_result result;
		struct err e = {0};

		options.fault = fault;
		if (fault == SIM_WEAK_QUORUM) {
			options.events = EVENTS_SPLIT;
			options.crashes = options.restores = options.partitions = false;
		}
		if (sim_run(&options, &result, &e) == OK)
			continue;
		print_message("%s\n", e.text);
		count += slice_find_text(slice_of(e.text), slice_of(words)) < strlen(e.text);
	}
	return count;
}

static void test_sound(void **state)
{
	(void)state;
	assert_int_equal(found(SIM_SOUND, 3, ""), 0);
}

static void test_leak_is_found(void **state)
{
	(void)state;
	assert_true(found(SIM_LEAKS, 3, ": leak: ") >= SEEDS / 2);
}

static void test_loss_is_found(void **state)
{
	(void)state;
	assert_true(found(SIM_FORGETS, 3, " lost its entry of ") >= SEEDS / 2);
}

static void test_split_view_is_found(void **state)
{
	(void)state;
	assert_true(found(SIM_WEAK_QUORUM, 5, ": split view: ") >= 1);
}

static void test_seed_replays(void **state)
{
	struct sim_result one = {0}, two = {0};
	struct sim_options options = options_of(42, 5);
	struct err e = {0};

	(void)state;
	options.colluders = 1;
	assert_int_equal(sim_run(&options, &one, &e), OK);
	assert_int_equal(sim_run(&options, &two, &e), OK);
	assert_memory_equal(&one, &two, sizeof(one));
	assert_true(one.requests > 0 && one.entries > 0 && one.openings > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_leak_is_found),
		cmocka_unit_test(test_loss_is_found),
		cmocka_unit_test(test_split_view_is_found),
		cmocka_unit_test(test_seed_replays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
