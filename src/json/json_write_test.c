/* SPDX-License-Identifier: MPL-2.0 */
/* The writer: commas, escapes, and that our own strict parser takes what it writes. */
#include "testing/testing.h"

#include "json.h"

#include <math.h>

static void test_everything(void **state)
{
	struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER(&out);

	(void)state;
	json_write_object(&w);
	json_member_text(&w, "a", "x");
	json_member_text(&w, "none", NULL);
	json_member_i64(&w, "min", INT64_MIN);
	json_member_bool(&w, "yes", true);
	json_member_time(&w, "at", 0, 6);
	json_write_name_slice(&w, SLICE("li\"st"));
	json_write_array(&w);
	json_write_array(&w);
	json_write_end(&w, ']');
	json_write_object(&w);
	json_write_end(&w, '}');
	json_write_null(&w);
	json_write_bool(&w, false);
	json_write_double(&w, 0.5);
	json_write_double(&w, NAN);
	json_write_double(&w, INFINITY);
	json_write_i64(&w, 7);
	json_write_string(&w, SLICE("s"));
	json_write_text(&w, "t");
	json_write_raw(&w, SLICE("{ }"));
	json_write_end(&w, ']');
	json_member_string(&w, "last", SLICE(""));
	json_write_end(&w, '}');
	assert_false(out.bad);
	buf_char(&out, '\0');
	assert_string_equal(out.data,
		"{\"a\":\"x\",\"none\":\"\",\"min\":-9223372036854775808,\"yes\":true,"
		"\"at\":\"1970-01-01T00:00:00.000000Z\",\"li\\\"st\":[[],{},null,false,0.5,null,"
		"null,7,\"s\",\"t\",{ }],\"last\":\"\"}");
	buf_fini(&out);
}

#define TEXT(literal)                                                                              \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}

static void test_strings(void **state)
{
	static const struct {
		const char *why;
		struct slice text;
		const char *json;
	} cases[] = {
		{"plain",              TEXT("a/b"),                      "\"a/b\""                                 },
		{"control characters", TEXT("\0\x1f\n\x7f"),             "\"\\u0000\\u001f\\n\x7f\""               },
		{"UTF-8",              TEXT("\xc3\xa9\xf0\x9f\x98\x80"), "\"\xc3\xa9\xf0\x9f\x98\x80\""            },
		{"a stray byte",
                 TEXT("a\xff"
			     "b"),
                 "\"a\xef\xbf\xbd"
			"b\""										      },
		{"cut short",          TEXT("a\xe2\x82"),                "\"a\xef\xbf\xbd\xef\xbf\xbd\""           },
		{"a surrogate",        TEXT("\xed\xa0\x80"),             "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{"a noncharacter",     TEXT("\xef\xbf\xbe\""),           "\"\xef\xbf\xbd\\\"\""                    },
		{"another",            TEXT("\xef\xb7\x90"),             "\"\xef\xbf\xbd\""                        },
	};
	struct json_parser *p = json_parser_new(KIB(1));

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = BUF_INIT;
		struct json_writer w = JSON_WRITER(&out);
		struct json_doc doc;

		json_write_string(&w, cases[i].text);
		if (!slice_is(buf_slice(&out), cases[i].json))
			fail_msg("%s: %.*s", cases[i].why, SLICE_ARG(buf_slice(&out)));
		assert_int_equal(json_parse(p, buf_slice(&out), &doc, NULL), OK);
		buf_fini(&out);
	}
	json_parser_free(p);
}

static void test_limits(void **state)
{
	struct buf out = BUF_INIT, small = BUF_MAX(4);
	struct json_writer w = JSON_WRITER(&out), full = JSON_WRITER(&small);

	(void)state;
	for (int i = 0; i < 63; i++)
		json_write_array(&w);
	assert_false(out.bad);
	json_write_array(&w);
	assert_true(out.bad);
	buf_clear(&out);

	w = JSON_WRITER(&out);
	json_write_end(&w, ']');
	assert_true(out.bad);

	json_write_array(&full);
	json_write_i64(&full, 12);
	json_write_end(&full, ']');
	assert_false(small.bad);
	json_write_null(&full);
	assert_true(small.bad);
	buf_fini(&out);
	buf_fini(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
