/* SPDX-License-Identifier: MPL-2.0 */
/* The splitter: every form, every refusal, and the same answers however the bytes are cut. */
#include "testing/testing.h"

#include "json.h"

#include "json_block.h"

#define OBJECT_MAX 64 /* of the splitter under test */

/* ---- a transcript of all that was handed out ---- */

/* Feed one piece from an exact heap copy, so that a sanitizer sees a byte read too far. */
static enum err_kind feed_piece(
	struct json_split *s, struct slice piece, bool is_last, struct buf *out, struct err *e)
{
	char *exact = malloc(piece.len + 1);
	enum json_split_kind kind = JSON_SPLIT_OBJECT;
	enum err_kind error = OK;

	assert_non_null(exact);
	if (piece.len != 0)
		memcpy(exact + 1, piece.data, piece.len);
	json_split_feed(s, (struct slice){exact + 1, piece.len});
	if (is_last)
		json_split_finish(s);
	while (error == OK && kind != JSON_SPLIT_MORE && kind != JSON_SPLIT_END) {
		struct json_item item;

		error = json_split_next(s, &kind, &item, e);
		if (error != OK || kind == JSON_SPLIT_MORE)
			continue;
		if (kind == JSON_SPLIT_END) {
			buf_printf(out, "end %.*s", SLICE_ARG(json_split_envelope(s)));
			continue;
		}
		buf_printf(out, "%llu@%llu:%llu %.*s%s\n", (unsigned long long)item.index,
			(unsigned long long)item.line, (unsigned long long)item.offset,
			SLICE_ARG(item.bytes), kind == JSON_SPLIT_PROBLEM ? item.problem : "");
		if (item.is_padded) {
			/* all of it must be readable */
			static volatile char seen;

			for (size_t i = 0; i < JSON_PADDING; i++)
				seen = item.bytes.data[item.bytes.len + i];
			(void)seen;
		}
	}
	free(exact);
	return error;
}

/* Cut at the given ascending offsets. */
static struct buf transcript(struct slice text, const size_t *cuts, size_t cut_count,
	const struct block_ops *ops, size_t object_max)
{
	struct json_split *s = json_split_new_with(object_max, ops);
	struct buf out = BUF_INIT;
	struct err e = {0};
	size_t from = 0;
	enum err_kind kind = OK;

	assert_non_null(s);
	for (size_t i = 0; i <= cut_count && kind == OK; i++) {
		size_t to = i == cut_count ? text.len : cuts[i];

		kind = feed_piece(s, slice_cut(text, from, to), i == cut_count, &out, &e);
		from = to;
	}
	if (kind != OK)
		buf_printf(&out, "%s %s", err_kind_name(kind), e.text);
	json_split_free(s);
	return out;
}

static void assert_transcript(struct slice text, const size_t *cuts, size_t cut_count,
	const struct block_ops *ops, size_t object_max, struct slice expected)
{
	struct buf out = transcript(text, cuts, cut_count, ops, object_max);

	if (!slice_equal(buf_slice(&out), expected))
		fail_msg("%.*s\ncut %zu times, first at %zu, %s\nexpected:\n%.*s\ngot:\n%.*s",
			SLICE_ARG(text), cut_count, cut_count == 0 ? 0 : cuts[0], ops->name,
			SLICE_ARG(expected), SLICE_ARG(buf_slice(&out)));
	buf_fini(&out);
}

static void assert_any_cut(struct slice text, size_t object_max, struct slice expected)
{
	const struct block_ops *versions[] = {block_ops_best(), block_ops_portable()};
	size_t each[512];

	assert_true(text.len < COUNT_OF(each));
	for (size_t i = 0; i < text.len; i++)
		each[i] = i + 1;
	for (size_t v = 0; v < COUNT_OF(versions); v++) {
		assert_transcript(text, NULL, 0, versions[v], object_max, expected);
		assert_transcript(text, each, text.len, versions[v], object_max, expected);
		for (size_t a = 0; a <= text.len; a++) {
			assert_transcript(text, &a, 1, versions[v], object_max, expected);
			for (size_t b = a; text.len < 48 && b <= text.len; b++)
				assert_transcript(text, (size_t[]){a, b}, 2, versions[v],
					object_max, expected);
		}
	}
}

/* ---- small streams, cut everywhere ---- */

/* For readable tables: ' stands for ". */
static struct buf quoted(const char *text)
{
	struct buf b = BUF_INIT;

	for (; *text != '\0'; text++)
		buf_char(&b, *text == '\'' ? '"' : *text);
	return b;
}

/* Text and transcript: index@line:offset and bytes of each item, then the envelope. */
static const struct {
	const char *text, *transcript;
} taken[] = {
	{"",						"end "					       },
	{" \n\t ",					  "end "					       },
	{"{}",					      "0@1:0 {}\nend "				     },
	{"{'a':'}'}",				       "0@1:0 {'a':'}'}\nend "                              },
	{"{'a':'\\'}\\\\'}{}",                              "0@1:0 {'a':'\\'}\\\\'}\n1@1:13 {}\nend "            },
	{"{}\n {'a':[{}]}\r\n\n{}\n",                       "0@1:0 {}\n1@2:4 {'a':[{}]}\n2@4:17 {}\nend "        },
	{"[]",					      "end "					       },
	{"[{}]",					    "0@1:1 {}\nend "				     },
	{"[ {'a':1} ,\n{}]{}",                              "0@1:2 {'a':1}\n1@2:12 {}\n2@2:15 {}\nend "          },
	{"{'objects':[]}",				  "end {}"					     },
	{"{'objects':[{'a':1},{}]}",                        "0@1:12 {'a':1}\n1@1:20 {}\nend {}"                  },
	{"{'type':'bundle','id':'x','objects':[{}]}",       "0@1:37 {}\nend {'type':'bundle','id':'x'}"          },
	{"{'objects':[{}],'m':true, 'n' : {'a' : [1] } }",
         "0@1:12 {}\nend {'m':true,'n':{'a' : [1] }}"							    },
	{"{ 'a' : 1 ,'objects' :\n[ {} ] ,'b': 'c\\']}' }", "0@2:25 {}\nend {'a':1,'b':'c\\']}'}"                },
	{"{'objects':[{}]}\n{'x':1,'objects':[{}]}",        "0@1:12 {}\n1@2:35 {}\nend {'x':1}"                  },
	{"{'objects':[{}],'z':2} {'o':1}",                  "0@1:12 {}\n1@1:23 {'o':1}\nend {'z':2}"             },
	{"{'\\u006fb\\u006Aects':[{}]}",                    "0@1:22 {}\nend {}"                                  },
	{"{'objects':{'0':[{}]}}",                          "0@1:0 {'objects':{'0':[{}]}}\nend "                 },
	{"{'objects':null}",				"0@1:0 {'objects':null}\nend "                       },
	{"{'a':{'objects':[{}]}}",                          "0@1:0 {'a':{'objects':[{}]}}\nend "                 },
	{"{'a':'objects','b':[{}]}",                        "0@1:0 {'a':'objects','b':[{}]}\nend "               },
	{"{'a':'\\'objects\\':['}",                         "0@1:0 {'a':'\\'objects\\':['}\nend "                },
	{"{'object':[{}]}",				 "0@1:0 {'object':[{}]}\nend "                        },
	{"{'objectss':[{}]}",			       "0@1:0 {'objectss':[{}]}\nend "                      },
	{"{'\\u006fb\\u006Aectz':[{}]}",                    "0@1:0 {'\\u006fb\\u006Aectz':[{}]}\nend "           },
	{"{'\\nbjects':[{}]}",                              "0@1:0 {'\\nbjects':[{}]}\nend "                     },
	{"[{'objects':[{}]}]",                              "0@1:1 {'objects':[{}]}\nend "                       },
	{"{'objects':[\n7\n]}",                             "0@2:13 a number where an object is expected\nend {}"},
	{"{a}[{b:}]",				       "0@1:0 {a}\n1@1:4 {b:}\nend "                        },
};

static void test_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(taken); i++) {
		struct buf text = quoted(taken[i].text);
		struct buf expected = quoted(taken[i].transcript);

		assert_any_cut(buf_slice(&text), OBJECT_MAX, buf_slice(&expected));
		buf_fini(&text);
		buf_fini(&expected);
	}
}

static void test_elements_that_are_no_objects(void **state)
{
	struct buf text = quoted("[1,'a\\']',null,true,false,-1.5e+3,[[{}]],{}]");

	(void)state;
	assert_any_cut(buf_slice(&text), OBJECT_MAX,
		SLICE("0@1:1 a number where an object is expected\n"
		      "1@1:3 a string where an object is expected\n"
		      "2@1:10 a word where an object is expected\n"
		      "3@1:15 a word where an object is expected\n"
		      "4@1:20 a word where an object is expected\n"
		      "5@1:26 a number where an object is expected\n"
		      "6@1:34 an array where an object is expected\n"
		      "7@1:41 {}\nend "));
	buf_fini(&text);
}

#define NEXT_MEMBER   "expected , or } behind the value"
#define NEXT_ELEMENT  "expected , or ] behind the element"
#define IN_OBJECT     "the text ends inside an object"
#define IN_ARRAY      "the text ends inside an array"
#define OBJECTS_TWICE "duplicate name 'objects'"

/* `items` empty objects are handed out before the refusal. */
static const struct {
	const char *text;
	unsigned items, line, column;
	const char *what;
} refused[] = {
	{"x",				  0, 1, 1,  "found x, expected { or ["                               },
	{"{}\n ,{}",			   1, 2, 2,  "found ,, expected { or ["                               },
	{"\xef\xbb\xbf{}",                     0, 1, 1,  "found byte 0xef, expected { or [ and no byte order mark"},
	{"'a'",				0, 1, 1,  "found ', expected { or ["                               },
	{"[,]",				0, 1, 2,  "found ,, expected { or ]"                               },
	{"[{},]",			      1, 1, 5,  "found ], expected {"                                    },
	{"[{},,{}]",			   1, 1, 5,  "found ,, expected {"                                    },
	{"[{}{}]",			     1, 1, 4,  "found {, " NEXT_ELEMENT                                 },
	{"[{}}",			       1, 1, 4,  "found }, " NEXT_ELEMENT                                 },
	{"[{\n]]",			     0, 2, 1,  "found ], expected }"                                    },
	{"{'a':1]",			    0, 1, 7,  "found ], expected }"                                    },
	{"[[}]",			       0, 1, 3,  "found }, expected ]"                                    },
	{"[nul]",			      0, 1, 2,  "found no JSON value, expected {"                        },
	{"[nulls,1]",			  0, 1, 2,  "found no JSON value, expected {"                        },
	{"[truest]",			   0, 1, 7,  "found t, expected a JSON value"                         },
	{"[1x]",			       0, 1, 3,  "found x, expected a JSON value"                         },
	{"[\n\n?]",			    0, 3, 1,  "found ?, expected { or ]"                               },
	{"{",				  0, 1, 2,  IN_OBJECT						},
	{"{'objects'",			 0, 1, 11, IN_OBJECT						},
	{"{'objects':",			0, 1, 12, IN_OBJECT						},
	{"[",				  0, 1, 2,  IN_ARRAY						 },
	{"[{}\n",			      1, 2, 1,  IN_ARRAY						 },
	{"[{},",			       1, 1, 5,  IN_ARRAY						 },
	{"[{",				 0, 1, 3,  "the text ends inside an element of an array"            },
	{"['a",				0, 1, 4,  "the text ends inside a string"                          },
	{"[tru",			       0, 1, 5,  IN_ARRAY						 },
	{"{'objects':[]",                      0, 1, 14, IN_OBJECT						},
	{"{'a':1 'objects':[{}]}",             0, 1, 8,  NEXT_MEMBER                                              },
	{"{\n'a' 1,'objects':[{}]}",           0, 2, 5,  "expected : behind the name"                             },
	{"{a,'objects':[{}]}",                 0, 1, 2,  "expected a name in quotes"                              },
	{" {'a':,'objects':[{}]}",             0, 1, 7,  "expected a value"                                       },
	{"{'objects':1,'objects':[{}]}",       0, 1, 2,  OBJECTS_TWICE                                            },
	{"{'objects':[{}],\n 'objects':[{}]}", 1, 2, 2,  OBJECTS_TWICE                                            },
	{"{'objects':[{}]]",                   1, 1, 16, "expected , or } behind the array"                       },
	{"{'objects':[{}],}",                  1, 1, 17, "expected a name in quotes"                              },
	{"{'objects':[{}] 'a':1}",             1, 1, 17, "expected , or } behind the array"                       },
	{"{'objects':[{}],'a':1]",             1, 1, 22, NEXT_MEMBER                                              },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct buf text = quoted(refused[i].text), what = quoted(refused[i].what);
		struct buf expected = BUF_INIT;

		if (refused[i].items == 1)
			buf_printf(&expected, "0@1:%zu {}\n",
				slice_find_text(buf_slice(&text), SLICE("{}")));
		buf_printf(&expected, "parse line %u, column %u: %.*s", refused[i].line,
			refused[i].column, SLICE_ARG(buf_slice(&what)));
		assert_any_cut(buf_slice(&text), OBJECT_MAX, buf_slice(&expected));
		buf_fini(&text);
		buf_fini(&what);
		buf_fini(&expected);
	}
}

/* ---- limits ---- */

static void repeat(struct buf *b, char c, size_t times)
{
	while (times-- > 0)
		buf_char(b, c);
}

/* An object of exactly `len` bytes. */
static void object_append(struct buf *b, size_t len)
{
	buf_text(b, "{\"a\":\"");
	repeat(b, 'x', len - 8);
	buf_text(b, "\"}");
}

static void test_object_max(void **state)
{
	static const char *const around[][2] = {
		{"",               ""  },
                {"[",              "]" },
                {"{\"objects\":[", "]}"}
        };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(around); i++) {
		struct buf text = BUF_INIT, expected = BUF_INIT;
		size_t before = strlen(around[i][0]);

		buf_text(&text, around[i][0]);
		object_append(&text, OBJECT_MAX);
		buf_text(&text, i == 0 ? "\n" : ",");
		object_append(&text, OBJECT_MAX + 1);
		buf_text(&text, i == 0 ? "\n" : ",");
		object_append(&text, 10);
		buf_text(&text, around[i][1]);

		buf_printf(&expected, "0@1:%zu ", before);
		object_append(&expected, OBJECT_MAX);
		buf_printf(&expected, "\n1@%d:%zu object longer than the limit\n2@%d:%zu ",
			i == 0 ? 2 : 1, before + OBJECT_MAX + 1, i == 0 ? 3 : 1,
			before + 2 * OBJECT_MAX + 3);
		object_append(&expected, 10);
		buf_text(&expected, i == 2 ? "\nend {}" : "\nend ");
		assert_any_cut(buf_slice(&text), OBJECT_MAX, buf_slice(&expected));
		buf_fini(&text);
		buf_fini(&expected);
	}
}

/* Members around "objects" as long as what is kept, and longer: what fits is kept, the rest is not.
 */
static void test_envelope_limits(void **state)
{
	(void)state;
	for (int is_tail = 0; is_tail <= 1; is_tail++) {
		for (size_t filler = 40; filler < 70; filler++) {
			struct buf text = BUF_INIT, expected = BUF_INIT, member = BUF_INIT;
			/* from the brace to the name, or from the bracket to the brace */
			size_t kept = filler + 14;

			buf_text(&member, "\"f\":\"");
			repeat(&member, 'x', filler);
			buf_char(&member, '"');
			if (is_tail)
				buf_printf(&text, "{\"objects\":[{}],\"a\":1,%.*s}",
					SLICE_ARG(buf_slice(&member)));
			else
				buf_printf(&text, "{\"a\":1,%.*s,\"objects\":[{}]}",
					SLICE_ARG(buf_slice(&member)));
			buf_printf(&expected, "0@1:%zu {}\nend {\"a\":1",
				is_tail ? (size_t)12 : 25 + filler);
			if (kept <= OBJECT_MAX)
				buf_printf(&expected, ",%.*s", SLICE_ARG(buf_slice(&member)));
			buf_char(&expected, '}');
			assert_any_cut(buf_slice(&text), OBJECT_MAX, buf_slice(&expected));
			buf_fini(&text);
			buf_fini(&expected);
			buf_fini(&member);
		}
	}
}

static void test_envelope_member_max(void **state)
{
	(void)state;
	for (size_t extra = 0; extra <= 1; extra++) {
		/* "f" and the quotes: name and value of exactly 64 KiB, or one more */
		size_t filler = KIB(64) - 5 + extra;
		struct buf text = BUF_INIT, expected = BUF_INIT;

		buf_text(&text, "{\"f\":\"");
		repeat(&text, 'x', filler);
		buf_text(&text, "\",\"b\":2,\"objects\":[]}");
		buf_text(&expected, "end {");
		if (extra == 0) {
			buf_text(&expected, "\"f\":\"");
			repeat(&expected, 'x', filler);
			buf_text(&expected, "\",");
		}
		buf_text(&expected, "\"b\":2}");
		assert_transcript(buf_slice(&text), NULL, 0, block_ops_best(), JSON_OBJECT_MAX,
			buf_slice(&expected));
		buf_fini(&text);
		buf_fini(&expected);
	}
}

/* After a refusal the split says the same again and takes nothing more. */
static void test_failed_stays(void **state)
{
	struct json_split *s = json_split_new(OBJECT_MAX);
	enum json_split_kind kind = JSON_SPLIT_END;
	struct json_item item;
	struct err e;

	(void)state;
	json_split_feed(s, SLICE("x{}"));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(json_split_next(s, &kind, &item, &e), ERR_PARSE);
		assert_string_equal(e.text, "line 1, column 1: found x, expected { or [");
		json_split_feed(s, SLICE("{}"));
	}
	assert_int_equal(kind, JSON_SPLIT_END);
	json_split_free(s);
}

/* ---- long texts: blocks of 64 bytes, strings and escapes across their borders ---- */

static void test_block_borders(void **state)
{
	static const char *const middles[] = {"\\\\", "\\\"", "\\\\\\\"", "}", "\\\"}", "[[",
		"\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\",
		"\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\""};
	const struct block_ops *versions[] = {block_ops_best(), block_ops_portable()};

	(void)state;
	for (size_t m = 0; m < COUNT_OF(middles); m++) {
		for (size_t before = 0; before < 150; before++) {
			struct buf text = BUF_INIT, expected = BUF_INIT;

			buf_text(&text, "{\"a\":\"");
			repeat(&text, 'x', before);
			buf_text(&text, middles[m]);
			buf_text(&text, "\",\"b\":[{\"objects\":[{}]}],\"object\":[{}]}");
			buf_printf(&expected, "0@1:0 %.*s\n1@1:%zu {}\nend ",
				SLICE_ARG(buf_slice(&text)), text.len);
			buf_text(&text, "{}");
			for (size_t v = 0; v < COUNT_OF(versions); v++) {
				size_t cut = before + 7;

				assert_transcript(buf_slice(&text), NULL, 0, versions[v], KIB(4),
					buf_slice(&expected));
				assert_transcript(buf_slice(&text), &cut, 1, versions[v], KIB(4),
					buf_slice(&expected));
			}
			buf_fini(&text);
			buf_fini(&expected);
		}
	}
}

/* The envelope's name at every place of a block. */
static void test_name_places(void **state)
{
	(void)state;
	for (size_t before = 0; before < 140; before++) {
		struct buf text = BUF_INIT, expected = BUF_INIT;

		buf_text(&text, "{\"o\":\"");
		repeat(&text, 'o', before);
		buf_text(&text, "\",\"objects\":[{\"a\":1}]}");
		buf_printf(&expected, "0@1:%zu {\"a\":1}\nend {\"o\":\"", before + 19);
		repeat(&expected, 'o', before);
		buf_text(&expected, "\"}");
		assert_any_cut(buf_slice(&text), KIB(1), buf_slice(&expected));
		buf_fini(&text);
		buf_fini(&expected);
	}
}

static void test_count_newlines(void **state)
{
	char text[300];

	(void)state;
	memset(text, '\n', sizeof(text));
	for (size_t from = 0; from < 70; from++) {
		for (size_t to = from; to < sizeof(text); to += 3) {
			struct slice s = {text + from, to - from};

			assert_int_equal(block_ops_best()->count_newlines(s), s.len);
			assert_int_equal(block_ops_portable()->count_newlines(s), s.len);
		}
	}
}

/* ---- the real thing ---- */

/* Offsets, lines and bytes of all objects, hashed. */
static void digest_of(struct slice text, const struct block_ops *ops, uint64_t seed,
	uint8_t ret_digest[SHA256_LEN], uint64_t *ret_items)
{
	struct json_split *s = json_split_new_with(JSON_OBJECT_MAX, ops);
	struct json_parser *p = json_parser_new(JSON_OBJECT_MAX);
	struct buf seen = BUF_INIT;
	struct world_fake w;
	size_t at = 0;

	*ret_items = 0;
	world_fake_init(&w, seed, 0);
	for (enum json_split_kind kind = JSON_SPLIT_MORE; kind != JSON_SPLIT_END;) {
		struct json_item item;
		struct err e;

		if (json_split_next(s, &kind, &item, &e) != OK)
			fail_msg("%s", e.text);
		if (kind == JSON_SPLIT_MORE && at == text.len) {
			json_split_finish(s);
		} else if (kind == JSON_SPLIT_MORE) {
			uint32_t r;
			size_t len;

			w.world.random(&w, &r, sizeof(r));
			len = seed == 0 ? text.len : r % 3000 + 1;
			json_split_feed(s, slice_cut(text, at, at + len));
			at = at + len < text.len ? at + len : text.len;
		} else if (kind == JSON_SPLIT_OBJECT) {
			struct json_doc doc;

			assert_memory_equal(
				item.bytes.data, text.data + item.offset, item.bytes.len);
			assert_int_equal(json_parse_item(p, &item, &doc, &e), OK);
			buf_printf(&seen, "%llu %zu %llu\n", (unsigned long long)item.offset,
				item.bytes.len, (unsigned long long)item.line);
			++*ret_items;
		} else if (kind == JSON_SPLIT_PROBLEM) {
			fail_msg("%s", item.problem);
		}
	}
	buf_slice_append(&seen, json_split_envelope(s));
	hash_sha256(buf_slice(&seen), ret_digest);
	buf_fini(&seen);
	json_split_free(s);
	json_parser_free(p);
}

static void test_attack(void **state)
{
	struct buf text = testing_data_read("stix/enterprise-attack.json.gz");
	uint8_t whole[SHA256_LEN], other[SHA256_LEN];
	uint64_t items, same;

	(void)state;
	digest_of(buf_slice(&text), block_ops_best(), 0, whole, &items);
	assert_int_equal(items, 24771);
	digest_of(buf_slice(&text), block_ops_portable(), 0, other, &same);
	assert_memory_equal(whole, other, SHA256_LEN);
	for (uint64_t seed = 1; seed <= 3; seed++) {
		digest_of(buf_slice(&text), block_ops_best(), seed, other, &same);
		assert_int_equal(items, same);
		assert_memory_equal(whole, other, SHA256_LEN);
	}
	buf_fini(&text);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void file_write(const char *path, struct slice text)
{
	MUST(file_write_atomic(path, text, 0600, e));
}

/* More than is read at once, so that objects lie across the border. */
static void test_file(void **state)
{
	char folder[TESTING_PATH_MAX], path[TESTING_PATH_MAX + 8];
	const unsigned count = 40000;
	enum json_split_kind what;
	struct buf text = BUF_INIT;
	struct json_item item;
	struct json_file *f;
	struct err why;

	(void)state;
	testing_folder_make("json", folder);
	snprintf(path, sizeof(path), "%s/file", folder);
	buf_text(&text, "{\"type\":\"bundle\",\"objects\":[7");
	for (unsigned i = 1; i < count; i++)
		buf_printf(&text, ",\n{\"number\":%u,\"text\":\"twenty or so bytes\"}", i);
	buf_text(&text, "]}");
	file_write(path, buf_slice(&text));
	MUST(json_file_open(path, &f, e));
	assert_string_equal(input_name(json_file_input(f)), path);
	MUST(json_file_next(f, &what, &item, e));
	assert_int_equal(what, JSON_SPLIT_PROBLEM);
	for (unsigned i = 1; i < count; i++) {
		MUST(json_file_next(f, &what, &item, e));
		assert_int_equal(what, JSON_SPLIT_OBJECT);
		assert_int_equal(item.line, i + 1);
		assert_memory_equal(item.bytes.data, text.data + item.offset, item.bytes.len);
	}
	MUST(json_file_next(f, &what, &item, e));
	assert_int_equal(what, JSON_SPLIT_END);
	assert_true(slice_is(json_file_envelope(f), "{\"type\":\"bundle\"}"));
	json_file_close(f);
	/* cut off in an object, and not there at all */
	file_write(path, slice_cut(buf_slice(&text), 0, text.len - 20));
	MUST(json_file_open(path, &f, e));
	for (unsigned i = 0; i < count - 1; i++)
		MUST(json_file_next(f, &what, &item, e));
	assert_int_equal(json_file_next(f, &what, &item, &why), ERR_PARSE);
	json_file_close(f);
	testing_folder_remove(folder);
	assert_int_equal(json_file_open(path, &f, &why), ERR_IO);
	json_file_close(NULL);
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_elements_that_are_no_objects),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_object_max),
		cmocka_unit_test(test_envelope_limits),
		cmocka_unit_test(test_envelope_member_max),
		cmocka_unit_test(test_failed_stays),
		cmocka_unit_test(test_block_borders),
		cmocka_unit_test(test_name_places),
		cmocka_unit_test(test_count_newlines),
		cmocka_unit_test(test_attack),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
