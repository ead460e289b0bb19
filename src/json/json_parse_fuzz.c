/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Any bytes: simdjson with the tape check and the slow scanner take and refuse the same texts, for
 * the same reason; what was taken has one canonical form, and that is a fixed point.
 */
#include <stdlib.h>

#include "json.h"
#include "json_scan.h"
#include "mutate_text.h"
#include "planted.h"

#define TEXT_MAX MIB(1)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds, const char *what, const struct err *e)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %s\n", what, e->text);
	abort();
}

/* No object below v has two members of one name: looked at pair by pair. */
static void expect_distinct(struct json_value v)
{
	struct json_iter it = json_iter(v);
	struct json_value value, other;
	struct slice name, other_name;

	if (json_is_array(v)) {
		while (json_array_next(&it, &value))
			expect_distinct(value);
		return;
	}
	while (json_object_next(&it, &name, &value)) {
		struct json_iter rest = it;

		expect(utf8_valid(name), "name is no UTF-8", &(struct err){0});
		while (json_object_next(&rest, &other_name, &other))
			expect(!slice_equal(name, other_name), "duplicate name", &(struct err){0});
		expect_distinct(value);
	}
}

static void check_canon(struct json_parser *other, const struct json_doc *doc)
{
	struct buf canon = BUF_INIT, again = BUF_INIT;
	struct json_doc doc_again;
	struct err e = {0};

	expect(json_canon(json_root(doc), &canon, &e) == OK, "canon", &e);
	expect(json_parse(other, buf_slice(&canon), &doc_again, &e) == OK, "canon parses", &e);
	expect(json_equal(json_root(doc), json_root(&doc_again)), "canon is equal", &e);
	expect(json_canon(json_root(&doc_again), &again, &e) == OK, "canon again", &e);
	expect(slice_equal(buf_slice(&canon), buf_slice(&again)), "canon is stable", &e);
	buf_fini(&canon);
	buf_fini(&again);
}

/* The last element is an object with two members. */
static bool deep(struct json_value array)
{
	struct json_iter it = json_iter(array);
	struct json_value last = array;

	while (json_array_next(&it, &last))
		;
	return json_is_object(last) && json_count(last) > 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* made once: making them takes longer than most inputs */
	static struct json_parser *p, *q;
	struct slice text = {(const char *)data, size};
	struct json_scan scan;
	struct json_doc doc;
	struct err e = {0}, padded_e = {0};
	enum err_kind kind;
	struct buf padded = BUF_INIT;

	if (p == NULL) {
		p = json_parser_new(TEXT_MAX);
		q = json_parser_new(TEXT_MAX * 8);
	}
	if (p == NULL || q == NULL || size > TEXT_MAX)
		return 0;

	/* what stands behind the text must not matter */
	buf_append(&padded, data, size);
	for (size_t i = 0; i < JSON_PADDING; i++)
		buf_char(&padded, size == 0 ? '1' : (char)data[i % size]);
	kind = json_parse_padded(q, (struct slice){padded.data, size}, &doc, &padded_e);
	buf_fini(&padded);
	expect(json_parse(p, text, &doc, &e) == kind, "padded differs", &e);
	expect(strcmp(e.text, padded_e.text) == 0, "padded message differs", &e);

	json_scan(text, 0, &scan);
	if (scan.kind != OK) {
		expect(kind == scan.kind, "scanner refuses, parser not", &e);
	} else if (kind != OK) {
		expect(strstr(e.text, ": duplicate name \"") != NULL, "scanner takes it", &e);
	} else {
		expect_distinct(json_root(&doc));
		check_canon(q, &doc);
		PLANTED(json_is_array(json_root(&doc)) && json_count(json_root(&doc)) > 4 &&
			deep(json_root(&doc)));
	}
	return 0;
}
