/* SPDX-License-Identifier: MPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inside.h"

#define HOUR INT64_C(3600000000)
#define NOW  (INT64_C(498720) * HOUR) /* a whole hour of 2026 */

static struct slice bytes_of(const uint8_t *bytes, size_t len)
{
	return (struct slice){(const char *)bytes, len};
}

static struct ledger_leaf leaf_make(enum ledger_class class, int64_t time_us)
{
	struct ledger_leaf leaf = {.class = class, .time_us = time_us};

	for (unsigned i = 0; i < HASH_LEN; i++)
		leaf.commitment[i] = (uint8_t)(i * 7 + 1);
	return leaf;
}

static void layout_is_as_documented(void **state)
{
	struct ledger_leaf leaf = leaf_make(LEDGER_WITHDRAWAL, 0x0102030405060708);
	const uint8_t head[16] = {'S', 'L', '1', 0, 4, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
	uint8_t bytes[LEDGER_LEAF_LEN];

	(void)state;
	ledger_leaf_write(&leaf, bytes);
	assert_memory_equal(bytes, head, sizeof(head));
	assert_memory_equal(bytes + 16, leaf.commitment, HASH_LEN);
}

static void every_class_comes_back(void **state)
{
	(void)state;
	for (unsigned c = 0; c < LEDGER_CLASSES; c++) {
		struct ledger_leaf leaf = leaf_make((enum ledger_class)c, NOW), back;
		uint8_t bytes[LEDGER_LEAF_LEN];

		ledger_leaf_write(&leaf, bytes);
		assert_int_equal(
			ledger_leaf_parse(bytes_of(bytes, sizeof(bytes)), &back, NULL), OK);
		assert_int_equal(back.class, c);
		assert_int_equal(back.time_us, NOW);
		assert_memory_equal(back.commitment, leaf.commitment, HASH_LEN);
		assert_string_not_equal(ledger_class_name((enum ledger_class)c), "unknown");
	}
	assert_string_equal(ledger_class_name(LEDGER_CLASSES), "unknown");
}

/* A change of the first 16 bytes is refused or is another leaf; none is read as the same. */
static void no_flip_and_no_truncation_is_the_same_leaf(void **state)
{
	struct ledger_leaf leaf = leaf_make(LEDGER_RESTRICTED, NOW), back;
	uint8_t bytes[LEDGER_LEAF_LEN + 1], again[LEDGER_LEAF_LEN];

	(void)state;
	memset(bytes, 0, sizeof(bytes));
	ledger_leaf_write(&leaf, bytes);
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		enum err_kind want = len == LEDGER_LEAF_LEN ? OK : ERR_PARSE;

		assert_int_equal(ledger_leaf_parse(bytes_of(bytes, len), &back, NULL), want);
	}
	for (unsigned bit = 0; bit < LEDGER_LEAF_LEN * 8; bit++) {
		enum err_kind kind;

		bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
		kind = ledger_leaf_parse(bytes_of(bytes, LEDGER_LEAF_LEN), &back, NULL);
		if (bit / 8 < 4 || (bit / 8 >= 5 && bit / 8 < 8)) {
			assert_int_equal(kind, ERR_PARSE);
		} else if (kind == OK) {
			ledger_leaf_write(&back, again);
			assert_memory_equal(again, bytes, LEDGER_LEAF_LEN);
			assert_true(back.class != leaf.class || back.time_us != leaf.time_us ||
				    memcmp(back.commitment, leaf.commitment, HASH_LEN) != 0);
		}
		bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

static void refused_with_a_reason(void **state)
{
	static const struct {
		unsigned at;
		uint8_t value;
		const char *says;
	} cases[] = {
		{0,  's', "SL1"       },
		{3,  1,   "SL1"       },
		{4,  6,   "class 6"   },
		{4,  255, "class 255" },
		{7,  1,   "not zero"  },
		{8,  128, "63 bits"   },
		{15, 255, "whole hour"},
	};
	struct ledger_leaf leaf = leaf_make(LEDGER_RESTRICTED, NOW), back;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint8_t bytes[LEDGER_LEAF_LEN];
		struct err e;

		ledger_leaf_write(&leaf, bytes);
		bytes[cases[i].at] = cases[i].value;
		assert_int_equal(
			ledger_leaf_parse(bytes_of(bytes, sizeof(bytes)), &back, &e), ERR_PARSE);
		if (strstr(e.text, cases[i].says) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", e.text, cases[i].says);
	}
}

/* The bytes of the commitment written out, for short contents and long ones. */
static void commitment_is_the_hash_of_what_is_documented(void **state)
{
	static char content[KIB(5)];
	uint8_t salt[LEDGER_SALT_LEN], got[HASH_LEN], want[HASH_LEN];

	(void)state;
	memset(salt, 0xa5, sizeof(salt));
	memset(content, 'x', sizeof(content));
	for (size_t len = 0; len < sizeof(content); len = len * 2 + 1) {
		struct buf whole = BUF_INIT;
		uint8_t be[8];

		buf_append(&whole, "serai/commit/v1", 16);
		put_u16(be, 11);
		buf_append(&whole, be, 2);
		buf_text(&whole, "example.org");
		buf_append(&whole, salt, sizeof(salt));
		put_u64(be, len);
		buf_append(&whole, be, 8);
		buf_append(&whole, content, len);
		hash_sha256(buf_slice(&whole), want);
		ledger_commit(SLICE("example.org"), salt, (struct slice){content, len}, got);
		assert_memory_equal(got, want, HASH_LEN);
		buf_fini(&whole);
	}
}

/* Nothing may slide from one field into the next, and every bit of each counts. */
static void commitment_changes_with_every_bit(void **state)
{
	char origin[] = "a.example", content[] = "{\"type\":\"indicator\"}";
	uint8_t salt[LEDGER_SALT_LEN] = {9}, one[HASH_LEN], other[HASH_LEN];
	struct {
		char *bytes;
		size_t len;
	} fields[] = {
		{origin,       sizeof(origin) - 1 },
		{(char *)salt, sizeof(salt)       },
		{content,      sizeof(content) - 1},
	};

	(void)state;
	ledger_commit(slice_of(origin), salt, slice_of(content), one);
	for (size_t f = 0; f < COUNT_OF(fields); f++) {
		for (size_t bit = 0; bit < fields[f].len * 8; bit++) {
			fields[f].bytes[bit / 8] ^= (char)(1 << bit % 8);
			ledger_commit((struct slice){origin, sizeof(origin) - 1}, salt,
				(struct slice){content, sizeof(content) - 1}, other);
			assert_memory_not_equal(one, other, HASH_LEN);
			fields[f].bytes[bit / 8] ^= (char)(1 << bit % 8);
		}
	}
	for (size_t len = 0; len < sizeof(content) - 1; len++) {
		ledger_commit(slice_of(origin), salt, (struct slice){content, len}, other);
		assert_memory_not_equal(one, other, HASH_LEN);
	}
	ledger_commit(SLICE("a.exampl"), salt, slice_of(content), other);
	assert_memory_not_equal(one, other, HASH_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_is_as_documented),
		cmocka_unit_test(every_class_comes_back),
		cmocka_unit_test(no_flip_and_no_truncation_is_the_same_leaf),
		cmocka_unit_test(refused_with_a_reason),
		cmocka_unit_test(commitment_is_the_hash_of_what_is_documented),
		cmocka_unit_test(commitment_changes_with_every_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
