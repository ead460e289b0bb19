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

static bool built(struct fuse *f, const uint64_t *keys, uint32_t count)
{
	*f = (struct fuse){0};
	fuse_layout(f, count);
	assert_true(fuse_sane(f));
	f->cell = calloc(f->cells, sizeof(*f->cell));
	assert_non_null(f->cell);
	return fuse_build(f, keys, count, 7);
}

/* Every key that was put in is found, whatever the number; a stranger about once in 65,536. */
static void keys_are_found(void **state)
{
	static const uint32_t counts[] = {0, 1, 2, 3, 4, 5, 7, 10, 31, 100, 1000, 4097, 300000};

	(void)state;
	for (size_t c = 0; c < COUNT_OF(counts); c++) {
		uint64_t *keys = calloc(counts[c] + (size_t)1, sizeof(*keys));
		struct fuse f;
		uint32_t strangers = 0;

		assert_non_null(keys);
		for (uint32_t i = 0; i < counts[c]; i++)
			keys[i] = scramble(i);
		assert_true(built(&f, keys, counts[c]));
		for (uint32_t i = 0; i < counts[c]; i++)
			assert_true(fuse_has(&f, keys[i]));
		for (uint64_t i = 0; i < 1000000; i++)
			strangers += fuse_has(&f, scramble((UINT64_C(1) << 40) + i));
		/* Fifteen expected; an empty filter has nothing but zero cells, a chance as well.
		 */
		assert_in_range(strangers, 0, 45);
		free(keys);
		free(f.cell);
	}
}

/* The size is what makes a filter worth it: 18.1 bits a key for a million. */
static void layout_is_small(void **state)
{
	struct fuse f = {0};

	(void)state;
	fuse_layout(&f, 1000000);
	assert_in_range(f.cells, 1125000, 1160000);
	fuse_layout(&f, UINT32_C(64000000));
	assert_true(fuse_sane(&f));
	assert_in_range(f.cells, 72000000, 73000000);
}

/* The same key twice cannot be peeled: told, not turned round and round. */
static void twins_are_refused(void **state)
{
	uint64_t keys[] = {1, 2, 3, 3};
	struct fuse f;

	(void)state;
	assert_false(built(&f, keys, COUNT_OF(keys)));
	free(f.cell);
}

static void foreign_sizes(void **state)
{
	static const struct {
		const char *why;
		uint32_t length, segments, cells;
		bool sane;
	} cases[] = {
		{"smallest",                4,                 1,                 12,      true },
		{"no cells",                4,                 1,                 0,       false},
		{"one cell short",          4,                 1,                 11,      false},
		{"length of no power of 2", 6,                 1,                 18,      false},
		{"length of nothing",       0,                 1,                 0,       false},
		{"no segment",              4,                 0,                 8,       false},
		{"longest",                 UINT32_C(1) << 18, 1,                 786432,  true },
		{"too long",                UINT32_C(1) << 19, 1,                 1572864, false},
		{"product over 32 bits",    UINT32_C(1) << 18, UINT32_C(1) << 14, 524288,  false},
		{"segments over 32 bits",   4,                 UINT32_MAX,        4,       false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct fuse f = {.segment_length = cases[i].length,
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
		cmocka_unit_test(layout_is_small),
		cmocka_unit_test(twins_are_refused),
		cmocka_unit_test(foreign_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
