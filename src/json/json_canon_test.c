/* SPDX-License-Identifier: MPL-2.0 */
/* RFC 8785: its published inputs and outputs, number printing against an independent way, order. */
#include "testing/testing.h"

#include "json.h"

#include <math.h>

#define TEXT_MAX MIB(1)

static int setup(void **state)
{
	*state = json_parser_new(TEXT_MAX);
	return *state == NULL;
}

static int teardown(void **state)
{
	json_parser_free(*state);
	return 0;
}

static void assert_canon(struct json_parser *p, struct slice text, struct slice expected)
{
	struct buf out = BUF_INIT;
	struct json_doc doc;
	struct err e;

	for (int i = 0; i < 2; i++) {
		/* the second time the canonical form itself: it must not change */
		struct slice in = i == 0 ? text : expected;

		buf_clear(&out);
		if (json_parse(p, in, &doc, &e) != OK)
			fail_msg("%.*s: %s", SLICE_ARG(in), e.text);
		assert_int_equal(json_canon(json_root(&doc), &out, &e), OK);
		if (!slice_equal(buf_slice(&out), expected))
			fail_msg("%.*s\nexpected %.*s\ngot      %.*s", SLICE_ARG(in),
				SLICE_ARG(expected), SLICE_ARG(buf_slice(&out)));
	}
	buf_fini(&out);
}

static void test_published(void **state)
{
	static const char *const names[] = {
		"arrays", "french", "structures", "unicode", "values", "weird"};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char path[128];
		struct buf in, out;

		snprintf(path, sizeof(path), "stix/jcs/%s.input.json", names[i]);
		in = testing_data_read(path);
		snprintf(path, sizeof(path), "stix/jcs/%s.output.json", names[i]);
		out = testing_data_read(path);
		assert_canon(*state, buf_slice(&in), buf_slice(&out));
		buf_fini(&in);
		buf_fini(&out);
	}
}

static void test_small(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{" { } ",							  "{}"                       },
		{"[ ]",							    "[]"                       },
		{"{\"b\":[ 1 , null , true , false ],\"a\":{}}",
                 "{\"a\":{},\"b\":[1,null,true,false]}"                                                       },
		{"{\"aa\":1,\"a\":2,\"\":3}",                                      "{\"\":3,\"a\":2,\"aa\":1}"},
		{"{\"a\":1,\"a\\u0000\":2}",                                       "{\"a\":1,\"a\\u0000\":2}" },
 /* U+1F600 is D83D DE00 in UTF-16: before U+E000 and U+FB33, behind U+20AC */
		{"{\"\xee\x80\x80\":1,\"\xf0\x9f\x98\x80\":2,\"\xe2\x82\xac\":3}",
                 "{\"\xe2\x82\xac\":3,\"\xf0\x9f\x98\x80\":2,\"\xee\x80\x80\":1}"                             },
		{"{\"aaaaaaaa\xef\xac\xb3\":1,\"aaaaaaaa\xf0\x9f\x98\x80\":2}",
                 "{\"aaaaaaaa\xf0\x9f\x98\x80\":2,\"aaaaaaaa\xef\xac\xb3\":1}"                                },
		{"\"\\u007f\\/\\u00e9\\b\\t\\n\\f\\r\\u001F\\\"\\\\\"",
                 "\"\x7f/\xc3\xa9\\b\\t\\n\\f\\r\\u001f\\\"\\\\\""                                            },
		{"[9007199254740991,9007199254740992,9007199254740993]",
                 "[9007199254740991,9007199254740992,9007199254740992]"                                       },
		{"[-9007199254740993,9223372036854775807,18446744073709551615]",
                 "[-9007199254740992,9223372036854776000,18446744073709552000]"                               },
		{"[100000000000000000000,1e21,-0,0.0,1E-7]",
                 "[100000000000000000000,1e+21,0,0,1e-7]"                                                     },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_canon(*state, slice_of(cases[i].text), slice_of(cases[i].expected));
}

/* More members than are sorted by insertion, and than the stack holds, nested. */
static void test_many_members(void **state)
{
	struct buf text = BUF_INIT, expected = BUF_INIT;

	buf_char(&text, '{');
	buf_char(&expected, '{');
	for (unsigned i = 0; i < 1000; i++) {
		buf_printf(&text, "%s\"m%03u\":{\"y\":%u,\"x\":[{\"d\":0,\"c\":1}]}",
			i == 0 ? "" : ", ", 999 - i, 999 - i);
		buf_printf(&expected, "%s\"m%03u\":{\"x\":[{\"c\":1,\"d\":0}],\"y\":%u}",
			i == 0 ? "" : ",", i, i);
	}
	buf_char(&text, '}');
	buf_char(&expected, '}');
	assert_canon(*state, buf_slice(&text), buf_slice(&expected));
	buf_fini(&text);
	buf_fini(&expected);
}

static void test_limit(void **state)
{
	struct json_doc doc;
	struct buf fits = BUF_MAX(5), short_of = BUF_MAX(4);
	struct err e;

	assert_int_equal(json_parse(*state, SLICE("[1,2]"), &doc, &e), OK);
	assert_int_equal(json_canon(json_root(&doc), &fits, &e), OK);
	assert_int_equal(json_canon(json_root(&doc), &short_of, &e), ERR_LIMIT);
	buf_fini(&fits);
	buf_fini(&short_of);
}

/* ---- strings ---- */

/* Every byte at every place of texts as long as a few vectors, against one byte at a time. */
static void test_string_places(void **state)
{
	static const char escaped[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
	struct buf fast = BUF_INIT, slow = BUF_INIT;

	(void)state;
	for (size_t len = 1; len < 40; len++) {
		for (size_t at = 0; at < len; at++) {
			for (unsigned c = 0; c < 0x80; c++) {
				char text[40];

				memset(text, 'a', len);
				text[at] = (char)c;
				buf_clear(&fast);
				buf_clear(&slow);
				json_string_append(&fast, (struct slice){text, len});
				buf_char(&slow, '"');
				for (size_t i = 0; i < len; i++) {
					const char *found =
						text[i] == 0 ? NULL : strchr(escaped, text[i]);

					if (found != NULL)
						buf_printf(&slow, "\\%c", letters[found - escaped]);
					else if ((unsigned char)text[i] < 0x20)
						buf_printf(&slow, "\\u%04x", (unsigned)text[i]);
					else
						buf_char(&slow, text[i]);
				}
				buf_char(&slow, '"');
				if (!slice_equal(buf_slice(&fast), buf_slice(&slow)))
					fail_msg("byte %u at %zu of %zu", c, at, len);
			}
		}
	}
	buf_fini(&fast);
	buf_fini(&slow);
}

/* ---- numbers ---- */

static double double_of(uint64_t bits)
{
	double number;

	memcpy(&number, &bits, sizeof(number));
	return number;
}

static void test_number_layout(void **state)
{
	static const struct {
		double number;
		const char *text;
	} cases[] = {
		{0,		       "0"		       },
		{-0.0,                    "0"                       },
		{1,		       "1"		       },
		{-1.5,                    "-1.5"                    },
		{0.1,                     "0.1"                     },
		{0.000001,                "0.000001"                },
		{0.0000012,               "0.0000012"               },
		{1e-7,                    "1e-7"                    },
		{1.5e-7,                  "1.5e-7"                  },
		{123456789.125,           "123456789.125"           },
		{1e15,                    "1000000000000000"        },
		{1e20,                    "100000000000000000000"   },
		{123456789012345680000.0, "123456789012345680000"   },
		{1e21,                    "1e+21"                   },
		{1.2e21,                  "1.2e+21"                 },
		{1e100,                   "1e+100"                  },
		{5e-324,                  "5e-324"                  },
		{2.2250738585072014e-308, "2.2250738585072014e-308" },
		{1.7976931348623157e308,  "1.7976931348623157e+308" },
		{-1.7976931348623157e308, "-1.7976931348623157e+308"},
		{0.30000000000000004,     "0.30000000000000004"     },
		{2251799813685248.5,      "2251799813685248.5"      },
 /* 2^-44, whose lower neighbour is closer: rounding 16 digits does not read back */
		{0x1p-44,                 "5.684341886080802e-14"   },
		{0x1p63,                  "9223372036854776000"     },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = BUF_INIT;

		json_number_append(&out, cases[i].number);
		if (!slice_is(buf_slice(&out), cases[i].text))
			fail_msg(
				"expected %s, got %.*s", cases[i].text, SLICE_ARG(buf_slice(&out)));
		buf_fini(&out);
	}
}

/*
 * The published sequence of doubles (static values, the smallest normal ones, then bits from a
 * chain of SHA-256), hashed over its first lines.
 */
static void test_number_sequence(void **state)
{
	static const uint64_t lines_max = 100000;
	struct buf file = testing_data_read("stix/jcs/es6-numbers.json"), text = BUF_INIT;
	struct json_doc doc;
	struct json_value statics, samples, hashes, value;
	struct json_iter it;
	uint8_t block[SHA256_LEN] = {0};
	uint64_t lines = 0, checked = 0;
	unsigned from_chain = 4;

	assert_int_equal(json_parse(*state, buf_slice(&file), &doc, NULL), OK);
	assert_true(json_get(json_root(&doc), "static_hex", &statics));
	assert_true(json_get(json_root(&doc), "samples", &samples));
	assert_true(json_get(json_root(&doc), "expected_prefix_hashes", &hashes));

	for (it = json_iter(samples); json_array_next(&it, &value);) {
		struct json_iter pair = json_iter(value);
		struct json_value bits = {0}, expected = {0};

		assert_true(json_array_next(&pair, &bits) && json_array_next(&pair, &expected));
		buf_clear(&text);
		json_number_append(&text, double_of(strtoull(json_string(bits).data, NULL, 16)));
		assert_true(slice_equal(buf_slice(&text), json_string(expected)));
	}

	buf_clear(&text);
	it = json_iter(statics);
	while (lines < lines_max) {
		struct json_iter hash = json_iter(hashes);
		uint64_t bits;
		double number;

		if (json_array_next(&it, &value)) {
			bits = strtoull(json_string(value).data, NULL, 16);
			number = double_of(bits);
		} else if (lines < json_count(statics) + 2000) {
			bits = UINT64_C(0x0010000000000000) + lines - json_count(statics);
			number = double_of(bits);
		} else {
			if (from_chain == 4) {
				hash_sha256(
					(struct slice){(const char *)block, sizeof(block)}, block);
				from_chain = 0;
			}
			memcpy(&bits, block + from_chain++ * sizeof(bits), sizeof(bits));
			number = double_of(bits);
			if (number == 0 || !isfinite(number))
				continue;
		}
		buf_printf(&text, "%llx,", (unsigned long long)bits);
		json_number_append(&text, number);
		buf_char(&text, '\n');
		lines++;
		while (json_array_next(&hash, &value)) {
			struct json_value count = {0};
			int64_t at = 0;
			uint8_t have[SHA256_LEN], want[SHA256_LEN];

			assert_true(json_get(value, "lines", &count) && json_to_i64(count, &at));
			if ((uint64_t)at != lines)
				continue;
			assert_true(
				hex_decode(json_get_string(value, "sha256"), want, sizeof(want)));
			hash_sha256(buf_slice(&text), have);
			assert_memory_equal(have, want, sizeof(want));
			checked++;
		}
	}
	assert_int_equal(checked, 3);
	buf_fini(&text);
	buf_fini(&file);
}

/* The digits of a printed number without zeros at both ends. */
static struct slice significant(const char *text, char digits[64])
{
	size_t from = 0, len = 0;

	for (; *text != '\0' && *text != 'e'; text++) {
		if (*text >= '0' && *text <= '9')
			digits[len++] = *text;
	}
	while (from < len && digits[from] == '0')
		from++;
	while (len > from && digits[len - 1] == '0')
		len--;
	return (struct slice){digits + from, len - from};
}

/*
 * Against the C library, which rounds correctly to a given number of digits: the first that reads
 * back is the shortest, but above a power of two, where a neighbour of the rounded may do with
 * less.
 */
static void assert_shortest(double number)
{
	struct buf out = BUF_INIT;
	char text[64], our_digits[64], their_digits[64];
	struct slice ours, theirs;
	int exponent;

	json_number_append(&out, number);
	buf_char(&out, '\0');
	if (strtod(out.data, NULL) != number)
		fail_msg("%.17g printed as %s", number, out.data);
	for (int digits = 0; digits < 17; digits++) {
		snprintf(text, sizeof(text), "%.*e", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	ours = significant(out.data, our_digits);
	theirs = significant(text, their_digits);
	if (frexp(fabs(number), &exponent) == 0.5 ? ours.len > theirs.len
						  : !slice_equal(ours, theirs))
		fail_msg("%s printed as %s", text, out.data);
	buf_fini(&out);
}

static void test_number_shortest(void **state)
{
	struct world_fake w;

	(void)state;
	for (int exponent = -1074; exponent <= 1023; exponent++) {
		double power = ldexp(1, exponent);

		assert_shortest(power);
		assert_shortest(nextafter(power, 0) == 0 ? power : nextafter(power, 0));
		assert_shortest(nextafter(power, 2 * power));
	}
	world_fake_init(&w, 1, 0);
	for (int i = 0; i < 20000; i++) {
		uint64_t bits;
		double number;

		w.world.random(&w, &bits, sizeof(bits));
		number = double_of(bits);
		if (isfinite(number) && number != 0)
			assert_shortest(number);
		/* decimals as people write them */
		assert_shortest((double)(bits % 1000000007) / pow(10, (double)(bits >> 32 & 7)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_published, setup, teardown),
		cmocka_unit_test_setup_teardown(test_small, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_members, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
		cmocka_unit_test(test_string_places),
		cmocka_unit_test(test_number_layout),
		cmocka_unit_test_setup_teardown(test_number_sequence, setup, teardown),
		cmocka_unit_test(test_number_shortest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
