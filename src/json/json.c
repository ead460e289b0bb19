/* SPDX-License-Identifier: MPL-2.0 */
/* Parsing, in three steps (simdjson, the tape check, the scanner when one of them objects), and
 * looking things up in what was parsed. */
#include <math.h>
#include <stdlib.h>

#include "json.h"
#include "json_scan.h"
#include "json_simd.h"
#include "json_tape.h"

_Static_assert(JSON_PADDING == JSON_SIMD_PADDING, "json.h promises what json_simd.h asks for");

struct json_parser {
	struct json_simd *simd;
	struct tape_names *names;
	struct buf padded; /* a copy of the text with room behind it */
	size_t bytes_max;
};

struct json_parser *json_parser_new(size_t bytes_max)
{
	struct json_parser *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->bytes_max = bytes_max;
	p->simd = json_simd_new(bytes_max, JSON_DEPTH_MAX + 2);
	p->names = tape_names_new();
	if (p->simd == NULL || p->names == NULL) {
		json_parser_free(p);
		return NULL;
	}
	return p;
}

void json_parser_free(struct json_parser *p)
{
	if (p == NULL)
		return;
	json_simd_free(p->simd);
	tape_names_free(p->names);
	buf_fini(&p->padded);
	free(p);
}

static enum err_kind out_of_memory(struct slice text, struct err *e)
{
	return err_set(e, ERR_NOMEM, "json text of %zu bytes: out of memory", text.len);
}

/* The scanner finds where the name at tape index at stands in the text. */
static enum err_kind duplicate_report(
	struct slice text, const struct json_doc *doc, uint32_t at, struct err *e)
{
	struct slice name = json_string((struct json_value){doc, at});
	struct json_scan scan;

	json_scan(text, at, &scan);
	scan.kind = ERR_PARSE;
	snprintf(scan.what, sizeof(scan.what), "duplicate name \"%.*s\"",
		(int)(name.len < JSON_NAME_SHOWN_MAX ? name.len : JSON_NAME_SHOWN_MAX), name.data);
	return json_scan_report(text, &scan, e);
}

/* `padded` holds the text to parse; `text` is what the caller gave and what messages are about. */
static enum err_kind parse(struct json_parser *p, struct slice text, struct slice padded,
	bool is_widened, struct json_doc *ret_doc, struct err *e)
{
	struct json_doc doc;
	struct json_scan scan;
	uint32_t at = 0;

	switch (json_simd_parse(p->simd, padded.data, padded.len, &doc.tape, &doc.strings)) {
	case JSON_SIMD_OK:
		break;
	case JSON_SIMD_NOMEM:
		return out_of_memory(text, e);
	case JSON_SIMD_REFUSED:
		json_scan(text, 0, &scan);
		if (scan.kind != OK)
			return json_scan_report(text, &scan, e);
		if (scan.has_big_integer && !is_widened) {
			struct buf wide = BUF_INIT;
			enum err_kind kind;

			json_scan_widen(text, &wide);
			padded.len = wide.len;
			if (buf_reserve(&wide, JSON_PADDING) == NULL) {
				buf_fini(&wide);
				return out_of_memory(text, e);
			}
			memset(wide.data + wide.len, ' ', JSON_PADDING);
			padded.data = wide.data;
			kind = parse(p, text, padded, true, ret_doc, e);
			buf_fini(&wide);
			return kind;
		}
		return err_set(e, ERR_PARSE, "the text is no JSON");
	}
	switch (tape_check(p->names, &doc, &at)) {
	case TAPE_GOOD:
		break;
	case TAPE_NOMEM:
		return out_of_memory(text, e);
	case TAPE_DUPLICATE:
		return duplicate_report(text, &doc, at, e);
	case TAPE_DEPTH:
	case TAPE_SUSPECT:
		json_scan(text, 0, &scan);
		if (scan.kind != OK)
			return json_scan_report(text, &scan, e);
	}
	*ret_doc = doc;
	return OK;
}

static enum err_kind check_size(const struct json_parser *p, struct slice text, struct err *e)
{
	if (text.len > p->bytes_max)
		return err_set(
			e, ERR_LIMIT, "json text of %zu bytes, limit %zu", text.len, p->bytes_max);
	return OK;
}

enum err_kind json_parse_padded(
	struct json_parser *p, struct slice text, struct json_doc *ret_doc, struct err *e)
{
	enum err_kind kind = check_size(p, text, e);

	return kind != OK ? kind : parse(p, text, text, false, ret_doc, e);
}

enum err_kind json_parse(
	struct json_parser *p, struct slice text, struct json_doc *ret_doc, struct err *e)
{
	enum err_kind kind = check_size(p, text, e);
	char *copy;

	if (kind != OK)
		return kind;
	buf_clear(&p->padded);
	copy = buf_reserve(&p->padded, text.len + JSON_PADDING);
	if (copy == NULL)
		return out_of_memory(text, e);
	if (text.len != 0)
		memcpy(copy, text.data, text.len);
	memset(copy + text.len, ' ', JSON_PADDING);
	return parse(p, text, (struct slice){copy, text.len}, false, ret_doc, e);
}

bool json_get(struct json_value v, const char *name, struct json_value *ret_value)
{
	struct json_iter it = json_iter(v);
	struct slice wanted = slice_of(name);
	struct json_value value;
	struct slice have;

	if (!json_is_object(v))
		return false;
	while (json_object_next(&it, &have, &value)) {
		if (slice_equal(have, wanted)) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

struct slice json_get_string(struct json_value v, const char *name)
{
	struct json_value value;

	return json_get(v, name, &value) ? json_string(value) : (struct slice){0};
}

size_t json_count(struct json_value v)
{
	struct json_iter it = json_iter(v);
	struct json_value value;
	struct slice name;
	size_t count = 0;

	if (json_is_object(v)) {
		while (json_object_next(&it, &name, &value))
			count++;
	} else {
		while (json_array_next(&it, &value))
			count++;
	}
	return count;
}

bool json_to_double(struct json_value v, double *ret_value)
{
	uint64_t word;

	if (json_type(v) != JSON_INTEGER && json_type(v) != JSON_DOUBLE)
		return false;
	word = v.doc->tape[v.at + 1];
	if (json_kind(v) == 'l')
		*ret_value = (double)(int64_t)word;
	else if (json_kind(v) == 'u')
		*ret_value = (double)word;
	else
		memcpy(ret_value, &word, sizeof(*ret_value));
	return true;
}

bool json_to_i64(struct json_value v, int64_t *ret_value)
{
	double number;

	if (json_kind(v) == 'l') {
		*ret_value = (int64_t)v.doc->tape[v.at + 1];
		return true;
	}
	if (json_kind(v) != 'd' || !json_to_double(v, &number))
		return false;
	/* 2^63 itself is a double but no int64 */
	if (number < -0x1p63 || number >= 0x1p63 || number != floor(number))
		return false;
	*ret_value = (int64_t)number;
	return true;
}
