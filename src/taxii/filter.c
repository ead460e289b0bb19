/* SPDX-License-Identifier: MPL-2.0 */
/*
 * TAXII 2.1 section 3.4: fields AND, items of one field OR, a field at most once, anything
 * malformed is a 400. One row per field; what is read is put into one order, so that equal
 * questions look equal.
 */
#include <stdlib.h>

#include "filter.h"
#include "taxii.h"

static enum err_kind malformed(
	const char *field, struct slice value, const char *expected, struct err *e)
{
	return err_set(
		e, ERR_INVALID, "%s: expected %s, got \"%.*s\"", field, expected, SLICE_ARG(value));
}

/* Calls `item` for every part between commas. */
static enum err_kind items_each(struct slice value, const char *field,
	enum err_kind (*item)(struct filter *f, struct slice text, struct err *e), struct filter *f,
	struct err *e)
{
	struct slice text;
	size_t count = 0;

	while (slice_next(&value, ',', &text)) {
		enum err_kind kind;

		if (++count > TAXII_FILTER_MAX)
			return err_set(
				e, ERR_INVALID, "%s: more than %d items", field, TAXII_FILTER_MAX);
		kind = item(f, text, e);
		if (kind != OK)
			return kind;
	}
	return OK;
}

static enum err_kind parse_after(
	struct filter *f, struct slice value, struct arena *a, struct err *e)
{
	(void)a;
	if (!time_parse(value, &f->after_us, NULL))
		return malformed(
			"added_after", value, "a timestamp like 2026-01-01T00:00:00.000000Z", e);
	f->has_after = true;
	return OK;
}

static enum err_kind parse_limit(
	struct filter *f, struct slice value, struct arena *a, struct err *e)
{
	(void)a;
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return malformed("limit", value, "a whole number of at least 1", e);
	}
	if (value.len >= FILTER_DIGITS_MAX && value.data[0] != '0')
		f->limit = UINT64_MAX; /* lowered to what the server gives at the most */
	else if (!slice_to_u64(value, &f->limit) || f->limit == 0)
		return malformed("limit", value, "a whole number of at least 1", e);
	return OK;
}

static enum err_kind parse_next(
	struct filter *f, struct slice value, struct arena *a, struct err *e)
{
	(void)a;
	if (value.len == 0)
		return malformed("next", value, "the value that the page before gave", e);
	f->next = value;
	return OK;
}

static enum err_kind item_id(struct filter *f, struct slice text, struct err *e)
{
	if (!stix_id_parse(text, &f->ids[f->ids_count]))
		return malformed("match[id]", text, "identifiers of STIX objects", e);
	f->ids_count++;
	return OK;
}

static int id_compare(const void *a, const void *b)
{
	const struct stix_id *x = a, *y = b;
	int order = slice_compare(x->type, y->type);

	return order != 0 ? order : memcmp(x->uuid.bytes, y->uuid.bytes, sizeof(x->uuid.bytes));
}

/* Sort and drop what is there twice. */
static void list_tidy(
	void *list, size_t *count, size_t size, int (*compare)(const void *, const void *))
{
	char *items = list;
	size_t kept = 0;

	if (*count == 0)
		return;
	qsort(items, *count, size, compare);
	for (size_t i = 1; i < *count; i++) {
		if (compare(items + kept * size, items + i * size) != 0) {
			kept++;
			if (kept != i)
				memcpy(items + kept * size, items + i * size, size);
		}
	}
	*count = kept + 1;
}

static enum err_kind parse_id(struct filter *f, struct slice value, struct arena *a, struct err *e)
{
	enum err_kind kind;

	f->ids = ARENA_ARRAY(a, struct stix_id, TAXII_FILTER_MAX);
	if (f->ids == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = items_each(value, "match[id]", item_id, f, e);
	list_tidy(f->ids, &f->ids_count, sizeof(*f->ids), id_compare);
	return kind;
}

/* STIX 2.1 section 3.1: a-z, 0-9 and hyphen, 3 to 250 characters. */
static enum err_kind item_type(struct filter *f, struct slice text, struct err *e)
{
	bool fits = text.len >= 3 && text.len <= STIX_TYPE_MAX;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		fits = fits && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-');
	}
	if (!fits)
		return malformed("match[type]", text, "names of object types", e);
	f->types[f->types_count++] = text;
	return OK;
}

static int type_compare(const void *a, const void *b)
{
	return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

static enum err_kind parse_type(
	struct filter *f, struct slice value, struct arena *a, struct err *e)
{
	enum err_kind kind;

	f->types = ARENA_ARRAY(a, struct slice, TAXII_FILTER_MAX);
	if (f->types == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = items_each(value, "match[type]", item_type, f, e);
	list_tidy(f->types, &f->types_count, sizeof(*f->types), type_compare);
	return kind;
}

static enum err_kind item_version(struct filter *f, struct slice text, struct err *e)
{
	static const struct {
		const char *word;
		unsigned bit;
	} words[] = {
		{"last",  STORE_LAST },
		{"first", STORE_FIRST},
		{"all",   STORE_EVERY},
	};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (slice_is(text, words[i].word)) {
			f->versions |= words[i].bit;
			return OK;
		}
	}
	if (!time_parse(text, &f->at_us[f->at_count], NULL))
		return malformed("match[version]", text, "last, first, all or timestamps", e);
	f->at_count++;
	f->versions |= STORE_AT;
	return OK;
}

static int time_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static enum err_kind parse_version(
	struct filter *f, struct slice value, struct arena *a, struct err *e)
{
	enum err_kind kind;

	f->at_us = ARENA_ARRAY(a, int64_t, TAXII_FILTER_MAX);
	if (f->at_us == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = items_each(value, "match[version]", item_version, f, e);
	if (kind != OK)
		return kind;
	if ((f->versions & STORE_EVERY) != 0 && f->versions != STORE_EVERY)
		return malformed("match[version]", value, "\"all\" to stand alone", e);
	list_tidy(f->at_us, &f->at_count, sizeof(*f->at_us), time_compare);
	return OK;
}

/* Digits, a dot, digits. Only 2.1 is kept here: importers bring older objects up to it. */
static enum err_kind item_spec_version(struct filter *f, struct slice text, struct err *e)
{
	size_t dot = slice_find(text, '.', 0);
	bool fits = dot > 0 && dot + 1 < text.len && text.len <= 16;

	for (size_t i = 0; i < text.len; i++)
		fits = fits && (i == dot || (text.data[i] >= '0' && text.data[i] <= '9'));
	if (!fits)
		return malformed("match[spec_version]", text, "versions of STIX like 2.1", e);
	if (slice_is(text, "2.1"))
		f->nothing = false;
	return OK;
}

static enum err_kind parse_spec_version(
	struct filter *f, struct slice value, struct arena *a, struct err *e)
{
	(void)a;
	f->nothing = true;
	return items_each(value, "match[spec_version]", item_spec_version, f, e);
}

static const struct {
	const char *name;
	enum filter_field field;
	enum err_kind (*parse)(
		struct filter *f, struct slice value, struct arena *a, struct err *e);
} fields[] = {
	{"added_after",         FILTER_ADDED_AFTER,  parse_after       },
	{"limit",               FILTER_LIMIT,        parse_limit       },
	{"next",                FILTER_NEXT,         parse_next        },
	{"match[id]",           FILTER_ID,           parse_id          },
	{"match[type]",         FILTER_TYPE,         parse_type        },
	{"match[version]",      FILTER_VERSION,      parse_version     },
	{"match[spec_version]", FILTER_SPEC_VERSION, parse_spec_version},
};

enum err_kind filter_parse(const struct http_request *q, unsigned allowed, unsigned forbidden,
	struct filter *ret_filter, struct err *e)
{
	struct filter f = {0};
	unsigned seen = 0;

	for (size_t i = 0; i < q->params_count; i++) {
		const struct http_param *param = &q->params[i];

		for (size_t k = 0; k < COUNT_OF(fields); k++) {
			unsigned bit = fields[k].field;
			enum err_kind kind;

			if (!slice_is(param->name, fields[k].name))
				continue;
			if ((forbidden & bit) != 0)
				return err_set(
					e, ERR_INVALID, "%s: not possible here", fields[k].name);
			if ((allowed & bit) == 0)
				break;
			if ((seen & bit) != 0)
				return err_set(
					e, ERR_INVALID, "%s: given more than once", fields[k].name);
			seen |= bit;
			if (param->value.len == 0)
				return err_set(e, ERR_INVALID, "%s: empty", fields[k].name);
			kind = fields[k].parse(&f, param->value, q->arena, e);
			if (kind != OK)
				return kind;
			break;
		}
	}
	*ret_filter = f;
	return OK;
}

static void digest_u64(struct buf *b, uint64_t value)
{
	uint8_t bytes[8];

	put_u64(bytes, value);
	buf_append(b, bytes, sizeof(bytes));
}

enum err_kind filter_digest(const struct filter *f, uint8_t ret_digest[SHA256_LEN], struct err *e)
{
	/* 100 ids of 290 bytes, 100 types of 250, 100 timestamps: under 64 KiB. */
	struct buf text = BUF_INIT;
	enum err_kind kind = OK;

	digest_u64(&text, f->has_after);
	digest_u64(&text, (uint64_t)f->after_us);
	digest_u64(&text, f->versions == 0 ? STORE_LAST : f->versions);
	digest_u64(&text, f->nothing);
	digest_u64(&text, f->ids_count);
	for (size_t i = 0; i < f->ids_count; i++) {
		digest_u64(&text, f->ids[i].type.len);
		buf_slice_append(&text, f->ids[i].type);
		buf_append(&text, f->ids[i].uuid.bytes, sizeof(f->ids[i].uuid.bytes));
	}
	digest_u64(&text, f->types_count);
	for (size_t i = 0; i < f->types_count; i++) {
		digest_u64(&text, f->types[i].len);
		buf_slice_append(&text, f->types[i]);
	}
	for (size_t i = 0; i < f->at_count; i++)
		digest_u64(&text, (uint64_t)f->at_us[i]);
	/* Half a text would be the digest of another question. */
	if (text.bad)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	else
		hash_sha256(buf_slice(&text), ret_digest);
	buf_fini(&text);
	return kind;
}
