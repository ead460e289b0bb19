/* SPDX-License-Identifier: MPL-2.0 */
/* The tally against a naive map, its limit on both sides, and what a restart gives back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tally.h"

static struct tally *make(size_t rows_max)
{
	static struct world_fake world;
	struct tally *t;

	world_fake_init(&world, 7, 0);
	t = tally_new(&world.world, rows_max);
	assert_non_null(t);
	return t;
}

static void test_hashes(void **state)
{
	struct tally *t = make(4), *other = make(4);
	uint8_t key[16] = {1}, back[16];
	uint64_t ab = tally_hash_indicator(t, SLICE("a"), SLICE("b"));

	(void)state;
	assert_true(ab != tally_hash_indicator(t, SLICE("b"), SLICE("a")));
	assert_true(tally_hash_pair(ab, 1) != tally_hash_pair(ab, 2));
	assert_int_equal(tally_hash_pair(6, 3), 1); /* never 0 */
	tally_key_set(other, key);
	tally_key_get(other, back);
	assert_memory_equal(key, back, 16);
	assert_true(ab != tally_hash_indicator(other, SLICE("a"), SLICE("b")));
	/* once something is in it the key stays */
	assert_non_null(tally_indicator(t, 5));
	tally_key_set(t, key);
	assert_true(ab == tally_hash_indicator(t, SLICE("a"), SLICE("b")));
	tally_free(t);
	tally_free(other);
	tally_free(NULL);
}

static void test_limit(void **state)
{
	enum { MAX = 100 };
	struct tally *t = make(MAX);
	struct tally_row gone, *row;
	bool fresh;

	(void)state;
	for (uint64_t i = 1; i <= MAX; i++) {
		row = tally_row(t, i, &fresh, &gone);
		assert_true(fresh);
		assert_null(gone.kept);
		assert_int_equal(gone.hash, 0);
		assert_int_equal(row->last_us, TIME_UNKNOWN);
		row->last_us = (int64_t)i;
		row->count = i;
		row->kept = malloc(1);
	}
	assert_int_equal(tally_count(t), MAX);
	assert_int_equal(tally_evicted(t), 0);
	row = tally_row(t, 50, &fresh, &gone);
	assert_false(fresh);
	assert_int_equal(row->count, 50);
	/* one more: an old one goes, whole, and what it kept is ours */
	row = tally_row(t, 1000, &fresh, &gone);
	assert_true(fresh);
	row->last_us = 1000;
	assert_int_equal(tally_count(t), MAX);
	assert_int_equal(tally_evicted(t), 1);
	assert_int_equal(gone.count, gone.hash);
	assert_int_equal(gone.last_us, (int64_t)gone.hash);
	assert_non_null(gone.kept);
	free(gone.kept);
	(void)tally_row(t, gone.hash, &fresh, &gone);
	assert_true(fresh);
	free(gone.kept);
	tally_free(t);
}

static void test_oldest_goes(void **state)
{
	/* fewer rows than are looked at: exactly the oldest, whatever the order */
	struct tally *t = make(8);
	static const int64_t times[] = {5, 3, TIME_UNKNOWN, 9, 1, 7, 2, 8};
	static const uint64_t order[] = {3, 5, 7};
	struct tally_row gone;
	bool fresh;

	(void)state;
	for (uint64_t i = 0; i < COUNT_OF(times); i++)
		tally_row(t, i + 1, &fresh, &gone)->last_us = times[i];
	for (uint64_t i = 0; i < COUNT_OF(order); i++) {
		tally_row(t, 100 + i, &fresh, &gone)->last_us = 100;
		assert_int_equal(gone.hash, order[i]);
	}
	tally_free(t);
}

/* Crowded on purpose: few different homes, so that chains run into each other and around the end.
 */
static void test_against_naive(void **state)
{
	enum { MAX = 60, STEPS = 20000 };
	struct tally *t = make(MAX);
	struct {
		uint64_t hash, count;
	} naive[MAX];
	size_t used = 0;
	uint64_t seed = 1;

	(void)state;
	for (int step = 0; step < STEPS; step++) {
		struct tally_row gone, *row;
		bool fresh;
		uint64_t hash;
		size_t at = 0;

		seed = seed * 6364136223846793005U + 1442695040888963407U;
		/* homes 240 to 255 and 0 to 15 of 256 */
		hash = ((seed >> 33) % 20 + 1) << 8 | (((seed >> 50) % 32 + 240) & 255);
		row = tally_row(t, hash, &fresh, &gone);
		while (at < used && naive[at].hash != hash)
			at++;
		assert_int_equal(fresh, at == used);
		if (gone.hash != 0) {
			size_t k = 0;

			while (k < used && naive[k].hash != gone.hash)
				k++;
			assert_true(k < used);
			assert_int_equal(naive[k].count, gone.count);
			naive[k] = naive[--used];
			at = used;
		}
		if (fresh) {
			naive[at].hash = hash;
			naive[at].count = 0;
			used++;
		}
		row->last_us = step;
		assert_int_equal(row->count, naive[at].count);
		row->count = ++naive[at].count;
		assert_int_equal(tally_count(t), used);
	}
	assert_true(tally_evicted(t) > 1000);
	tally_free(t);
}

static void test_restore(void **state)
{
	struct tally *t = make(2);
	struct tally_row row = {.hash = 9, .count = 4, .told = 3, .kept = (char *)1}, gone;
	struct tally_indicator i = {.hash = 8, .hosts = 5};
	bool fresh;

	(void)state;
	assert_true(tally_restore(t, &row));
	assert_false(tally_restore(t, &row)); /* the first counts */
	row.hash = 0;
	assert_false(tally_restore(t, &row));
	row.hash = 10;
	assert_true(tally_restore(t, &row));
	row.hash = 11;
	assert_false(tally_restore(t, &row)); /* full: nothing goes for it */
	assert_int_equal(tally_row(t, 9, &fresh, &gone)->told, 3);
	assert_false(fresh);
	assert_null(tally_row(t, 9, &fresh, &gone)->kept);

	assert_true(tally_restore_indicator(t, &i));
	assert_int_equal(tally_indicator(t, 8)->hosts, 5);
	i.hash = 0;
	assert_false(tally_restore_indicator(t, &i));
	assert_non_null(tally_indicator(t, 7));
	i.hash = 6;
	assert_false(tally_restore_indicator(t, &i));
	/* full of indicators: counting begins anew */
	assert_int_equal(tally_indicator(t, 6)->hosts, 0);
	assert_int_equal(tally_indicator(t, 8)->hosts, 0);
	tally_free(t);
}

static void count_row(void *context, struct tally_row *row)
{
	*(uint64_t *)context += row->hash;
}

static void count_indicator(void *context, struct tally_indicator *i)
{
	*(uint64_t *)context += i->hash;
}

static void test_each(void **state)
{
	struct tally *t = make(5000);
	uint64_t rows = 0, indicators = 0;
	struct tally_row gone;
	bool fresh;

	(void)state;
	for (uint64_t i = 1; i <= 5000; i++) {
		assert_non_null(tally_row(t, i, &fresh, &gone));
		assert_non_null(tally_indicator(t, i * 7));
	}
	tally_each(t, count_row, &rows);
	tally_each_indicator(t, count_indicator, &indicators);
	assert_int_equal(rows, 5000 * 5001 / 2);
	assert_int_equal(indicators, 7 * rows);
	assert_int_equal(tally_count(t), 5000);
	tally_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hashes),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_oldest_goes),
		cmocka_unit_test(test_against_naive),
		cmocka_unit_test(test_restore),
		cmocka_unit_test(test_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
