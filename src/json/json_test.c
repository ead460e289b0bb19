/* SPDX-License-Identifier: MPL-2.0 */
/* Parsing: what is taken, what is refused and with which words, and walking what was parsed. */
#include "testing/testing.h"

#include "json.h"

#include <math.h>

#define BYTES_MAX 4096 /* of the parser under test */

static int setup(void **state)
{
	*state = json_parser_new(BYTES_MAX);
	return *state == NULL;
}

static int teardown(void **state)
{
	json_parser_free(*state);
	return 0;
}

/* Parsed from an exact heap copy, so that a sanitizer sees a byte read too far. */
static enum err_kind parse(
	struct json_parser *p, struct slice text, struct json_doc *doc, struct err *e)
{
	char *exact = malloc(text.len + 1);
	enum err_kind kind;

	assert_non_null(exact);
	memmove(exact + 1, text.data, text.len);
	kind = json_parse(p, (struct slice){exact + 1, text.len}, doc, e);
	free(exact);
	return kind;
}

static struct json_value parse_ok(struct json_parser *p, struct json_doc *doc, const char *text)
{
	struct err e;

	if (parse(p, slice_of(text), doc, &e) != OK)
		fail_msg("%s: %s", text, e.text);
	return json_root(doc);
}

#define TEXT(literal)                                                                              \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}

static void test_accepted(void **state)
{
	static const struct {
		const char *why;
		struct slice text;
	} cases[] = {
		{"an object",                       TEXT("{\"a\":1}")                               },
		{"an array",                        TEXT("[1,2]")                                   },
		{"a string at the top",             TEXT("\"a\"")                                   },
		{"a number at the top",             TEXT("17")                                      },
		{"a zero at the top",               TEXT("0")                                       },
		{"a word at the top",               TEXT("true")                                    },
		{"null at the top",                 TEXT("null")                                    },
		{"blanks around",                   TEXT(" \t\r\n{ } \n")                           },
		{"empty containers",                TEXT("[{},[],\"\"]")                            },
		{"an empty name",                   TEXT("{\"\":1}")                                },
		{"same names in other objects",     TEXT("{\"a\":{\"a\":[{\"a\":1},{\"a\":2}]}}")   },
		{"names that differ in the middle",
                 TEXT("{\"aaaaaaaa1bbbbbbbb\":1,\"aaaaaaaa2bbbbbbbb\":2}")                          },
		{"names that differ in case",       TEXT("{\"a\":1,\"A\":2}")                       },
		{"not normalised: two names",       TEXT("{\"\\u00e9\":1,\"e\\u0301\":2}")          },
		{"an escaped NUL",                  TEXT("\"\\u0000\"")                             },
		{"DEL needs no escape",             TEXT("\"\x7f\"")                                },
		{"all escapes",                     TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"")   },
		{"a surrogate pair",                TEXT("\"\\ud83d\\ude00\"")                      },
		{"raw UTF-8 of 2, 3, 4 bytes",      TEXT("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"")},
		{"U+FFFD is a character",           TEXT("\"\xef\xbf\xbd\\ufffd\"")                 },
		{"U+FDCF and U+FDF0",               TEXT("\"\xef\xb7\x8f\xef\xb7\xb0\"")            },
		{"U+1FFFD",                         TEXT("\"\xf0\x9f\xbf\xbd\\ud83f\\udffd\"")      },
		{"U+2FFE is no noncharacter",       TEXT("\"\xe2\xbf\xbe\"")                        },
		{"a BOM inside a string",           TEXT("\"\xef\xbb\xbf\"")                        },
		{"the largest double",              TEXT("[1.7976931348623157e308]")                },
		{"rounds down to it",               TEXT("[1.7976931348623158e308]")                },
		{"underflow is zero",               TEXT("[1e-400,-1e-400]")                        },
		{"zero with a huge exponent",       TEXT("[0e99999999999999999999]")                },
		{"the largest int64",               TEXT("[9223372036854775807]")                   },
		{"the smallest int64",              TEXT("[-9223372036854775808]")                  },
		{"the largest uint64",              TEXT("[18446744073709551615]")                  },
		{"one more is a double",            TEXT("[18446744073709551616]")                  },
		{"one less than int64",             TEXT("[-9223372036854775809]")                  },
		{"two big integers",
                 TEXT("[100000000000000000000,\"1\\\"0\",-300000000000000000000]")                  },
		{"a big integer at the end",        TEXT("100000000000000000000")                   },
		{"minus zero",                      TEXT("[-0,-0.0,-0e1]")                          },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct json_doc doc;
		struct err e;

		if (parse(*state, cases[i].text, &doc, &e) != OK)
			fail_msg("%s: %s", cases[i].why, e.text);
	}
}

#define ENDS       "the text ends, expected "
#define NEXT       "expected , or } behind the value"
#define NEXT_IN    "expected , or ] behind the element"
#define TRAILING   "expected nothing behind the value"
#define NONCHAR    "Unicode noncharacter (RFC 7493 section 2.1)"
#define TOO_LARGE  "number too large for a double (RFC 7493 section 2.2)"
#define NO_HIGH    "low surrogate without a high one"
#define NO_LOW     "high surrogate without a low one"
#define NO_HEX     "\\u without four hexadecimal digits"
#define NO_QUOTE   "string without its closing quote"
#define NO_CONTROL "control character in a string, expected an escape"

static void test_refused(void **state)
{
	static const struct {
		unsigned line, column;
		const char *path, *what;
		struct slice text;
	} cases[] = {
		{1, 1,  "",         ENDS "a value",                                TEXT("")                         },
		{2, 2,  "",         ENDS "a value",                                TEXT("\n ")                      },
		{1, 1,  "",         "byte order mark, expected UTF-8 without one", TEXT("\xef\xbb\xbf{}")           },
		{1, 1,  "",         "found }, expected a value",                   TEXT("}")                        },
		{1, 1,  "",         "found byte 0x00, expected a value",           TEXT("\0")                       },
		{1, 3,  "",         "found 2, " TRAILING,                          TEXT("1 2")                      },
		{2, 1,  "",         "found {, " TRAILING,                          TEXT("{}\n{}")                   },
		{1, 3,  "",         "found byte 0x00, " TRAILING,                  TEXT("{}\0")                     },
		{1, 2,  "",         ENDS "a name in quotes",                       TEXT("{")                        },
		{1, 2,  "",         "found a, expected a name in quotes",          TEXT("{a:1}")                    },
		{1, 8,  "a",        "the text ends, " NEXT,                        TEXT("{\"a\": 1")                },
		{1, 8,  "",         "found }, expected a name in quotes",          TEXT("{\"a\":1,}")               },
		{1, 5,  "a",        "found 1, expected : behind the name",         TEXT("{\"a\"1}")                 },
		{1, 6,  "a",        "found }, expected a value",                   TEXT("{\"a\":}")                 },
		{1, 8,  "a",        "found \", " NEXT,                             TEXT("{\"a\":1 \"b\":2}")        },
		{1, 7,  "a",        "found ], " NEXT,                              TEXT("{\"a\":1]")                },
		{1, 2,  "[0]",      ENDS "a value",                                TEXT("[")                        },
		{1, 4,  "[1]",      "found ], expected a value",                   TEXT("[1,]")                     },
		{1, 4,  "[0]",      "found 2, " NEXT_IN,                           TEXT("[1 2]")                    },
		{1, 3,  "[0]",      "found }, " NEXT_IN,                           TEXT("[1}")                      },
		{1, 2,  "[0]",      "found n, expected a value",                   TEXT("[nul]")                    },
		{1, 2,  "[0]",      "found T, expected a value",                   TEXT("[True]")                   },
		{1, 6,  "[0]",      "found e, " NEXT_IN,                           TEXT("[truee]")                  },
		{1, 2,  "[0]",      "found N, expected a value",                   TEXT("[NaN]")                    },
		{1, 2,  "[0]",      "found /, expected a value",                   TEXT("[/**/1]")                  },
		{1, 2,  "[0]",      "found ', expected a value",                   TEXT("['a']")                    },
		{1, 2,  "[0]",      "found +, expected a value",                   TEXT("[+1]")                     },
		{1, 2,  "[0]",      "found ., expected a value",                   TEXT("[.5]")                     },
		{1, 3,  "[0]",      "found ], expected a digit",                   TEXT("[-]")                      },
		{1, 2,  "[0]",      "number with a leading zero",                  TEXT("[01]")                     },
		{1, 2,  "[0]",      "number with a leading zero",                  TEXT("[-00]")                    },
		{1, 4,  "[0]",      "found ], expected a digit behind the point",  TEXT("[1.]")                     },
		{1, 4,  "[0]",      "found ], expected a digit of the exponent",   TEXT("[1e]")                     },
		{1, 5,  "[0]",      "found ], expected a digit of the exponent",   TEXT("[1e+]")                    },
		{1, 3,  "[0]",      "found x, " NEXT_IN,                           TEXT("[0x10]")                   },
		{1, 2,  "[0]",      TOO_LARGE,                                     TEXT("[1e400]")                  },
		{1, 2,  "[0]",      TOO_LARGE,                                     TEXT("[-1.7976931348623159e308]")},
		{1, 2,  "[0]",      NO_QUOTE,                                      TEXT("[\"a]")                    },
		{1, 2,  "[0]",      NO_QUOTE,                                      TEXT("[\"a\\\"]")                },
		{1, 2,  "",         NO_QUOTE,				      TEXT("{\"a")                     },
		{1, 4,  "[0]",      NO_CONTROL,                                    TEXT("[\"a\n\"]")                },
		{1, 3,  "[0]",      NO_CONTROL,                                    TEXT("[\"\0\"]")                 },
		{1, 3,  "[0]",      "no such escape in a string",                  TEXT("[\"\\x\"]")                },
		{1, 3,  "[0]",      "no such escape in a string",                  TEXT("[\"\\\0\"]")               },
		{1, 3,  "[0]",      NO_HEX,					TEXT("[\"\\u12g4\"]")            },
		{1, 3,  "[0]",      NO_HEX,					TEXT("[\"\\u123")                },
		{1, 3,  "[0]",      NO_LOW,					TEXT("[\"\\ud800\"]")            },
		{1, 3,  "[0]",      NO_LOW,					TEXT("[\"\\ud800\\ud800\"]")     },
		{1, 3,  "[0]",      NO_LOW,					TEXT("[\"\\ud800\\n\"]")         },
		{1, 3,  "[0]",      NO_HIGH,				       TEXT("[\"\\udc00\"]")            },
		{1, 3,  "[0]",      "no valid UTF-8",                              TEXT("[\"\xff\"]")               },
		{1, 3,  "[0]",      "no valid UTF-8",                              TEXT("[\"\xc0\x80\"]")           },
		{1, 3,  "[0]",      "no valid UTF-8",                              TEXT("[\"\xed\xa0\x80\"]")       },
		{1, 3,  "[0]",      "no valid UTF-8",                              TEXT("[\"\xe2\x82\"]")           },
		{1, 3,  "[0]",      NONCHAR,				       TEXT("[\"\xef\xb7\x90\"]")       },
		{1, 3,  "[0]",      NONCHAR,				       TEXT("[\"\xef\xb7\xaf\"]")       },
		{1, 4,  "[0]",      NONCHAR,				       TEXT("[\"a\xef\xbf\xbe\"]")      },
		{1, 3,  "[0]",      NONCHAR,				       TEXT("[\"\\uffff\"]")            },
		{1, 3,  "[0]",      NONCHAR,				       TEXT("[\"\\ud83f\\udfff\"]")     },
		{1, 3,  "[0]",      NONCHAR,				       TEXT("[\"\xf4\x8f\xbf\xbf\"]")   },
		{1, 3,  "",         NONCHAR,				       TEXT("{\"\\ufdd0\":1}")          },
		{1, 8,  "a",        "duplicate name \"a\"",                        TEXT("{\"a\":1,\"a\":2}")        },
		{1, 8,  "\\u0061",  "duplicate name \"a\"",                        TEXT("{\"a\":1,\"\\u0061\":2}")  },
		{1, 7,  "",         "duplicate name \"\"",                         TEXT("{\"\":1,\"\":2}")          },
		{3, 2,  "o[1].n",   "duplicate name \"n\"",
                 TEXT("{\"o\":[{\"n\":1},\n{\"n\":[1.5,{\"n\":-3}],\n \"n\":2}]}")                                  },
		{1, 17, "a.b[0].c", "found x, expected a value",
                 TEXT("{\"a\":{\"b\":[{\"c\":x}]}}")								},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct json_doc doc = {0};
		struct err e = {0};
		char expected[ERR_TEXT_MAX];

		snprintf(expected, sizeof(expected), "line %u, column %u%s%s: %s", cases[i].line,
			cases[i].column, cases[i].path[0] == '\0' ? "" : ", at ", cases[i].path,
			cases[i].what);
		if (parse(*state, cases[i].text, &doc, &e) != ERR_PARSE ||
			strcmp(e.text, expected) != 0)
			fail_msg("case %zu\nexpected %s\ngot      %s", i, expected, e.text);
		assert_null(doc.tape);
	}
}

static void repeat(struct buf *b, const char *text, unsigned times)
{
	while (times-- > 0)
		buf_text(b, text);
}

static void test_depth(void **state)
{
	static const struct {
		const char *open, *middle, *close;
	} cases[] = {
		{"[",        "1",  "]" },
		{"[",        "",   "]" },
		{"{\"a\":",  "1",  "}" },
		{"[{\"a\":", "[]", "}]"},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		unsigned each = cases[i].open[1] == '{' ? 2 : 1;
		unsigned inner = cases[i].middle[0] == '[' ? 2 : 0;

		for (unsigned more = 0; more <= 2; more++) {
			unsigned times = (JSON_DEPTH_MAX - inner) / each + more;
			struct buf text = BUF_INIT;
			struct json_doc doc;
			struct err e;
			enum err_kind kind;

			repeat(&text, cases[i].open, times);
			buf_text(&text, cases[i].middle);
			repeat(&text, cases[i].close, times);
			kind = parse(*state, buf_slice(&text), &doc, &e);
			assert_int_equal(kind, more == 0 ? OK : ERR_LIMIT);
			if (more != 0)
				assert_non_null(strstr(e.text, "more than 64 levels of nesting"));
			buf_fini(&text);
		}
	}
}

static void test_size(void **state)
{
	struct buf text = BUF_INIT;
	struct json_doc doc;
	struct err e;

	buf_char(&text, '"');
	repeat(&text, "a", BYTES_MAX - 2);
	buf_char(&text, '"');
	assert_int_equal(parse(*state, buf_slice(&text), &doc, &e), OK);
	buf_char(&text, ' ');
	assert_int_equal(parse(*state, buf_slice(&text), &doc, &e), ERR_LIMIT);
	assert_string_equal(e.text, "json text of 4097 bytes, limit 4096");
	buf_fini(&text);
}

/* Both ways of looking for duplicates, the name table and sorting, up to and past their border. */
static void test_duplicates_of_many(void **state)
{
	struct json_parser *p = json_parser_new(KIB(64));

	(void)state;
	for (unsigned count = 2; count < 600; count += count < 140 && count > 120 ? 1 : 37) {
		for (unsigned twice = 0; twice <= 2; twice++) {
			struct buf text = BUF_INIT;
			struct json_doc doc;
			struct err e;
			char expected[128];

			buf_char(&text, '{');
			for (unsigned i = 0; i < count; i++)
				buf_printf(&text, "%s\"common_head_%u_common_tail\":{\"x\":%u}",
					i == 0 ? "" : ",", twice && i == count - 1 ? i / 2 : i, i);
			if (twice == 2) /* a later duplicate must not hide the earlier one */
				buf_text(&text, ",\"common_head_0_common_tail\":0");
			buf_char(&text, '}');
			snprintf(expected, sizeof(expected),
				", at common_head_%u_common_tail: duplicate name", (count - 1) / 2);
			if (twice == 0) {
				assert_int_equal(json_parse(p, buf_slice(&text), &doc, &e), OK);
			} else {
				assert_int_equal(
					json_parse(p, buf_slice(&text), &doc, &e), ERR_PARSE);
				if (strstr(e.text, expected) == NULL)
					fail_msg("%u members: %s", count, e.text);
			}
			buf_fini(&text);
		}
	}
	json_parser_free(p);
}

static void test_big_integer_value(void **state)
{
	struct json_doc doc;
	struct json_value v = parse_ok(*state, &doc,
		"{\"a\":123456789012345678901234567890,\"b\":\"123456789012345678901234567890\"}");
	struct json_value member;
	double number;

	assert_true(json_get(v, "a", &member));
	assert_int_equal(json_type(member), JSON_DOUBLE);
	assert_true(json_to_double(member, &number));
	assert_true(number == 123456789012345678901234567890.0);
	assert_true(slice_is(json_get_string(v, "b"), "123456789012345678901234567890"));
	assert_int_equal(
		parse(*state, SLICE("[100000000000000000000,1,{\"a\":1,\"a\":2}]"), &doc, NULL),
		ERR_PARSE);
}

static void test_path_is_cut(void **state)
{
	struct buf text = BUF_INIT;
	struct json_doc doc;
	struct err e;

	repeat(&text, "{\"a_name_of_some_length\":", 20);
	assert_int_equal(parse(*state, buf_slice(&text), &doc, &e), ERR_PARSE);
	assert_non_null(strstr(e.text, "at a_name_of_some_length.a_name"));
	assert_non_null(strstr(e.text, "the text ends, expected a value"));
	buf_fini(&text);
}

static void test_walk(void **state)
{
	struct json_doc doc;
	struct json_value v = parse_ok(*state, &doc,
		"{\"n\":null,\"t\":true,\"f\":false,\"i\":-5,\"u\":18446744073709551615,\"d\":1.5,"
		"\"s\":\"x\\u0000y\",\"a\":[1,[2,3],{}],\"o\":{\"k\":\"v\"}}");
	static const struct {
		const char *name;
		enum json_type type;
	} members[] = {
		{"n", JSON_NULL   },
		{"t", JSON_BOOL   },
		{"f", JSON_BOOL   },
		{"i", JSON_INTEGER},
		{"u", JSON_INTEGER},
		{"d", JSON_DOUBLE },
		{"s", JSON_STRING },
		{"a", JSON_ARRAY  },
		{"o", JSON_OBJECT },
	};
	struct json_iter it = json_iter(v);
	struct json_value value;
	struct slice name;
	size_t i = 0;

	for (; json_object_next(&it, &name, &value); i++) {
		assert_true(slice_is(name, members[i].name));
		assert_int_equal(json_type(value), members[i].type);
		assert_int_equal((char)json_head(name), name.data[0]);
	}
	assert_int_equal(i, COUNT_OF(members));
	assert_int_equal(json_count(v), COUNT_OF(members));

	assert_true(json_get(v, "t", &value) && json_is_bool(value) && json_is_true(value));
	assert_true(json_get(v, "f", &value) && json_is_bool(value) && !json_is_true(value));
	assert_true(json_get(v, "s", &value) && json_string(value).len == 3);
	assert_memory_equal(json_string(value).data, "x\0y\0", 4);
	assert_false(json_get(value, "k", &value));
	assert_true(json_get(v, "a", &value) && json_is_array(value) && json_count(value) == 3);
	assert_true(json_get(v, "o", &value) && json_is_object(value));
	assert_true(slice_is(json_get_string(value, "k"), "v"));
	assert_int_equal(json_get_string(value, "absent").len, 0);
	assert_int_equal(json_get_string(v, "i").len, 0);
	assert_false(json_get(v, "", &value));
	assert_false(json_get(v, "nn", &value));

	v = parse_ok(*state, &doc, "\"scalar\"");
	assert_int_equal(json_count(v), 0);
	it = json_iter(v);
	assert_false(json_array_next(&it, &value));
}

static void test_head(void **state)
{
	struct json_doc doc;
	struct json_value v = parse_ok(*state, &doc, "[\"\",\"ab\",\"12345678\",\"123456789\"]");
	static const uint64_t heads[] = {
		0, 0x6261, UINT64_C(0x3837363534333231), UINT64_C(0x3837363534333231)};
	struct json_iter it = json_iter(v);
	struct json_value value;

	for (size_t i = 0; json_array_next(&it, &value); i++)
		assert_int_equal(json_head(json_string(value)), heads[i]);
}

static void test_to_i64(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t value;
	} cases[] = {
		{"5",			true,  5        },
		{"-9223372036854775808",     true,  INT64_MIN},
		{"9223372036854775807",      true,  INT64_MAX},
		{"9223372036854775808",      false, 0        },
		{"1.0",                      true,  1        },
		{"-2e3",                     true,  -2000    },
		{"1.5",                      false, 0        },
		{"-9.223372036854775808e18", true,  INT64_MIN},
		{"9.223372036854775808e18",  false, 0        },
		{"1e300",                    false, 0        },
		{"\"1\"",                    false, 0        },
		{"true",                     false, 0        },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct json_doc doc;
		struct json_value v = parse_ok(*state, &doc, cases[i].text);
		int64_t value = 0;
		double number;

		if (json_to_i64(v, &value) != cases[i].ok || value != cases[i].value)
			fail_msg("%s: %lld", cases[i].text, (long long)value);
		assert_int_equal(json_to_double(v, &number), i < 10);
	}
}

static void test_equal(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} cases[] = {
		{"{\"a\":1,\"b\":[1,2]}", "{ \"b\":[1,2.0], \"a\":1e0 }", true },
		{"\"\\u0041\"",           "\"A\"",                        true },
		{"0",                     "-0.0",                         true },
		{"9007199254740993",      "9007199254740992",             true }, /* both print as ...992 */
		{"{\"a\":1}",             "{\"a\":1,\"b\":2}",            false},
		{"{\"a\":1,\"c\":1}",     "{\"a\":1,\"b\":1}",            false},
		{"[1,2]",                 "[2,1]",                        false},
		{"[1,2]",                 "[1,2,3]",                      false},
		{"[]",                    "{}",                           false},
		{"1",                     "\"1\"",                        false},
		{"true",                  "false",                        false},
		{"null",                  "null",                         true },
		{"null",                  "0",                            false},
	};
	struct json_parser *other = json_parser_new(BYTES_MAX);

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct json_doc doc_a, doc_b;
		struct json_value a = parse_ok(*state, &doc_a, cases[i].a);
		struct json_value b = parse_ok(other, &doc_b, cases[i].b);

		if (json_equal(a, b) != cases[i].equal || json_equal(b, a) != cases[i].equal)
			fail_msg("%s and %s", cases[i].a, cases[i].b);
	}
	json_parser_free(other);
}

/* Past the members that are looked up one by one. */
static void test_equal_large(void **state)
{
	struct json_parser *p = json_parser_new(KIB(64)), *q = json_parser_new(KIB(64));
	struct buf forward = BUF_INIT, backward = BUF_INIT;
	struct json_doc doc_a, doc_b;

	(void)state;
	for (unsigned last = 199; last <= 200; last++) {
		buf_clear(&forward);
		buf_clear(&backward);
		for (unsigned i = 0; i < 200; i++) {
			buf_printf(&forward, "%c\"m%u\":%u", i == 0 ? '{' : ',', i, i);
			buf_printf(&backward, "%c\"m%u\":%u", i == 0 ? '{' : ',', 199 - i,
				i == 0 ? last : 199 - i);
		}
		buf_char(&forward, '}');
		buf_char(&backward, '}');
		assert_int_equal(json_parse(p, buf_slice(&forward), &doc_a, NULL), OK);
		assert_int_equal(json_parse(q, buf_slice(&backward), &doc_b, NULL), OK);
		assert_int_equal(json_equal(json_root(&doc_a), json_root(&doc_b)), last == 199);
	}
	buf_fini(&forward);
	buf_fini(&backward);
	json_parser_free(p);
	json_parser_free(q);
}

static void test_position(void **state)
{
	static const struct {
		size_t offset;
		uint64_t line, column;
	} cases[] = {
		{0, 1, 1},
		{1, 1, 2},
		{2, 1, 3},
		{3, 2, 1},
		{4, 3, 1},
		{5, 3, 2},
		{9, 3, 2},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint64_t line, column;

		json_position(SLICE("ab\n\nc"), cases[i].offset, &line, &column);
		assert_int_equal(line, cases[i].line);
		assert_int_equal(column, cases[i].column);
	}
}

/* The parser grows with its texts and still takes small ones. */
static void test_growing(void **state)
{
	struct json_parser *p = json_parser_new(MIB(2));
	struct buf text = BUF_INIT;
	struct json_doc doc;

	(void)state;
	for (unsigned count = 1; count <= 300000; count = count * 7 + 1) {
		buf_clear(&text);
		repeat(&text, "[0", 1);
		repeat(&text, ",7,\"\"", count);
		buf_char(&text, ']');
		assert_int_equal(json_parse(p, buf_slice(&text), &doc, NULL), OK);
		assert_int_equal(json_count(json_root(&doc)), 2 * count + 1);
		assert_int_equal(json_parse(p, SLICE("[1]"), &doc, NULL), OK);
	}
	buf_fini(&text);
	json_parser_free(p);
}

static void test_padded(void **state)
{
	/* what stands behind must not matter */
	static const char text[128] = "[1,2]3{\"\\";
	struct json_doc doc;

	assert_int_equal(json_parse_padded(*state, (struct slice){text, 5}, &doc, NULL), OK);
	assert_int_equal(json_parse_padded(*state, (struct slice){text, 6}, &doc, NULL), ERR_PARSE);
	assert_int_equal(json_parse_padded(*state, (struct slice){text, 4}, &doc, NULL), ERR_PARSE);
	assert_int_equal(json_parse_padded(*state, (struct slice){text + 1, 1}, &doc, NULL), OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_accepted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_depth, setup, teardown),
		cmocka_unit_test_setup_teardown(test_size, setup, teardown),
		cmocka_unit_test(test_duplicates_of_many),
		cmocka_unit_test_setup_teardown(test_big_integer_value, setup, teardown),
		cmocka_unit_test_setup_teardown(test_path_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_walk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_head, setup, teardown),
		cmocka_unit_test_setup_teardown(test_to_i64, setup, teardown),
		cmocka_unit_test_setup_teardown(test_equal, setup, teardown),
		cmocka_unit_test(test_equal_large),
		cmocka_unit_test(test_position),
		cmocka_unit_test(test_growing),
		cmocka_unit_test_setup_teardown(test_padded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
