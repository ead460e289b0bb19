/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Any bytes, cut anywhere: the splitter hands out the same items for every cut, with and without
 * vectors, and of a text that the parser takes exactly the elements that the parser sees.
 */
#include <stdlib.h>

#include "json.h"
#include "json_block.h"
#include "planted.h"

#define TEXT_MAX     KIB(64)
#define OBJECT_SMALL 48 /* bytes, so that the limit is met often */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

struct run {
	struct slice text;
	size_t object_max;
	const struct block_ops *ops;
	uint32_t cut;    /* 0: in one piece; otherwise the state of a small generator of lengths */
	struct buf seen; /* everything that was handed out */
	size_t items;
	enum err_kind kind;
};

static size_t next_len(struct run *r)
{
	if (r->cut == 0)
		return r->text.len;
	r->cut = r->cut * 1664525 + 1013904223;
	if (r->cut == 0)
		r->cut = 1;
	/* mostly a few bytes, now and then some blocks */
	return r->cut >> 28 == 0 ? r->cut >> 20 & 255 : (r->cut >> 24 & 7) + 1;
}

static void see_item(struct run *r, enum json_split_kind kind, const struct json_item *item)
{
	uint64_t line, column;

	expect(item->index == r->items++, "index");
	expect(item->offset < r->text.len, "offset");
	json_position(r->text, (size_t)item->offset, &line, &column);
	expect(item->line == line, "line");
	buf_printf(&r->seen, "%llu ", (unsigned long long)item->offset);
	if (kind == JSON_SPLIT_PROBLEM) {
		buf_text(&r->seen, item->problem);
	} else {
		expect(item->bytes.len <= r->object_max, "length");
		expect(slice_equal(item->bytes, slice_cut(r->text, (size_t)item->offset,
							(size_t)item->offset + item->bytes.len)),
			"bytes");
		expect(item->bytes.data[0] == '{' && item->bytes.data[item->bytes.len - 1] == '}',
			"braces");
		buf_slice_append(&r->seen, item->bytes);
	}
	buf_char(&r->seen, '\n');
}

static void run(struct run *r)
{
	struct json_split *s = json_split_new_with(r->object_max, r->ops);
	struct err e = {0};
	char *piece = NULL;
	size_t at = 0;

	expect(s != NULL, "memory");
	for (enum json_split_kind kind = JSON_SPLIT_MORE; kind != JSON_SPLIT_END;) {
		struct json_item item;

		r->kind = json_split_next(s, &kind, &item, &e);
		if (r->kind != OK)
			break;
		if (kind == JSON_SPLIT_MORE && at == r->text.len) {
			json_split_finish(s);
		} else if (kind == JSON_SPLIT_MORE) {
			size_t len = next_len(r);

			if (len > r->text.len - at)
				len = r->text.len - at;
			/* an exact copy, so that a byte read too far is seen */
			free(piece);
			piece = malloc(len + 1);
			expect(piece != NULL, "memory");
			memcpy(piece, r->text.data + at, len);
			piece = realloc(piece, len == 0 ? 1 : len);
			json_split_feed(s, (struct slice){piece, len});
			at += len;
		} else if (kind != JSON_SPLIT_END) {
			see_item(r, kind, &item);
		}
	}
	buf_printf(
		&r->seen, "%s %s", e.text, json_split_envelope(s).len == 0 ? "none" : "envelope ");
	buf_slice_append(&r->seen, json_split_envelope(s));
	free(piece);
	json_split_free(s);
}

/* The text is JSON: the items are the elements that the parser sees. */
static void expect_elements(const struct run *whole, struct json_value root)
{
	struct json_value elements;
	bool is_envelope = json_get(root, "objects", &elements) && json_is_array(elements);

	if (json_is_array(root))
		elements = root;
	if (!json_is_array(root) && !json_is_object(root)) {
		expect(whole->kind == ERR_PARSE, "a scalar is no stream");
		return;
	}
	expect(whole->kind == OK, "a good text is refused");
	if (is_envelope || json_is_array(root))
		expect(whole->items == json_count(elements), "count of elements");
	else
		expect(whole->items == 1, "one object");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t limits[] = {OBJECT_SMALL, JSON_OBJECT_MAX};
	static struct json_parser *p; /* made once */
	uint32_t seed;

	if (p == NULL)
		p = json_parser_new(TEXT_MAX);
	if (p == NULL || size < 4 || size - 4 > TEXT_MAX)
		return 0;
	memcpy(&seed, data, 4);
	for (size_t i = 0; i < COUNT_OF(limits); i++) {
		struct run whole = {
			.text = {(const char *)data + 4, size - 4},
			.object_max = limits[i],
			.ops = block_ops_best()
                };
		struct run cut = whole, portable = whole;
		struct json_doc doc;

		cut.cut = seed | 1;
		portable.cut = seed | 2;
		portable.ops = block_ops_portable();
		run(&whole);
		run(&cut);
		run(&portable);
		expect(slice_equal(buf_slice(&whole.seen), buf_slice(&cut.seen)), "cut differs");
		expect(slice_equal(buf_slice(&whole.seen), buf_slice(&portable.seen)),
			"portable differs");
		if (json_parse(p, whole.text, &doc, NULL) == OK)
			expect_elements(&whole, json_root(&doc));
		PLANTED(whole.kind == OK && whole.items > 9 && whole.seen.len > 300);
		buf_fini(&whole.seen);
		buf_fini(&cut.seen);
		buf_fini(&portable.seen);
	}
	return 0;
}
