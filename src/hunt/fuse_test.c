/* SPDX-License-Identifier: MPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fuse.h"

static uint64_t scramble(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static bool built(struct fuse *f, uint32_t bits, const uint64_t *keys, uint32_t count)
{
	*f = (struct fuse){.bits = bits};
	fuse_layout(f, count);
	assert_true(fuse_sane(f));
	f->cell = calloc(fuse_bytes(f), 1);
	assert_non_null(f->cell);
	return fuse_build(f, keys, count, 7);
}

/* Every key that was put in is found, whatever the number; a stranger about once in 2^bits. */
static void keys_are_found(void **state)
{
	static const uint32_t counts[] = {0, 1, 2, 3, 4, 5, 7, 10, 31, 100, 1000, 4097, 300000};

	(void)state;
	for (size_t c = 0; c < 2 * COUNT_OF(counts); c++) {
		uint32_t bits = c % 2 == 0 ? 16 : 12, count = counts[c / 2];
		uint64_t *keys = calloc(count + (size_t)1, sizeof(*keys));
		struct fuse f;
		uint32_t strangers = 0;

		assert_non_null(keys);
		for (uint32_t i = 0; i < count; i++)
			keys[i] = scramble(i);
		assert_true(built(&f, bits, keys, count));
		for (uint32_t i = 0; i < count; i++)
			assert_true(fuse_has(&f, keys[i]));
		for (uint64_t i = 0; i < 1000000; i++)
			strangers += fuse_has(&f, scramble((UINT64_C(1) << 40) + i));
		/* 15 and 244 expected; an empty filter has nothing but zero cells, a chance as
		 * well. */
		assert_in_range(strangers, 0, bits == 16 ? 45 : 350);
		free(keys);
		free(f.cell);
	}
}

/* Another seed than the first: the same keys are found. */
static void second_seed(void **state)
{
	enum { COUNT = 1000 };
	uint64_t keys[COUNT];
	struct fuse f;

	(void)state;
	/* All in one place under the first seed, by which a key is its own hash. */
	for (uint64_t i = 0; i < COUNT; i++)
		keys[i] = (i + 1) << 42;
	assert_true(built(&f, 16, keys, COUNT));
	assert_true(f.seed != 0);
	for (uint32_t i = 0; i < COUNT; i++)
		assert_true(fuse_has(&f, keys[i]));
	free(f.cell);
}

/* The size is what makes a filter worth it: 17.2 or 12.9 bits a key for a million. */
static void layout_is_small(void **state)
{
	struct fuse f = {.bits = 12};

	(void)state;
	fuse_layout(&f, 1000000);
	assert_in_range(f.cells, 1075000, 1081000);
	fuse_layout(&f, UINT32_C(64000000));
	assert_true(fuse_sane(&f));
	assert_in_range(f.cells, 68800000, 68900000);
}

/* The same key twice cannot be peeled: told, not turned round and round. */
static void twins_are_refused(void **state)
{
	uint64_t keys[] = {1, 2, 3, 3};
	struct fuse f;

	(void)state;
	assert_false(built(&f, 16, keys, COUNT_OF(keys)));
	free(f.cell);
}

static void foreign_sizes(void **state)
{
	static const struct {
		const char *why;
		uint32_t length, segments, cells;
		bool sane;
	} cases[] = {
		{"smallest",                4,                 1,                 16,     true },
		{"no cells",                4,                 1,                 0,      false},
		{"one cell short",          4,                 1,                 15,     false},
		{"length of no power of 2", 6,                 1,                 24,     false},
		{"length of nothing",       0,                 1,                 0,      false},
		{"no segment",              4,                 0,                 12,     false},
		{"longest",                 UINT32_C(1) << 14, 1,                 65536,  true },
		{"too long",                UINT32_C(1) << 15, 1,                 131072, false},
		{"product over 32 bits",    UINT32_C(1) << 14, UINT32_C(1) << 18, 49152,  false},
		{"segments over 32 bits",   4,                 UINT32_MAX,        8,      false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct fuse f = {.bits = 16,
			.segment_length = cases[i].length,
			.segments = cases[i].segments,
			.cells = cases[i].cells};

		if (fuse_sane(&f) != cases[i].sane)
			fail_msg("%s", cases[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_found),
		cmocka_unit_test(second_seed),
		cmocka_unit_test(layout_is_small),
		cmocka_unit_test(twins_are_refused),
		cmocka_unit_test(foreign_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
