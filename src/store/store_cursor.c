/* SPDX-License-Identifier: MPL-2.0 */
/* Cursors that walk in a given order: pages of a collection, an object's versions, everything. */
#include <stdlib.h>

#include "inside.h"

enum err_kind store_cursor_next(
	struct store_cursor *c, struct store_row *ret_row, bool *ret_more, struct err *e)
{
	enum err_kind kind = OK;

	c->on_row = false;
	if (c->ended) { /* stepping on would start over */
		*ret_more = false;
		return OK;
	}
	kind = c->next(c, ret_row, ret_more, e);
	c->on_row = kind == OK && *ret_more;
	c->ended = !c->on_row;
	return kind;
}

enum err_kind store_cursor_body(struct store_cursor *c, struct buf *out, struct err *e)
{
	if (!c->on_row)
		return err_set(e, ERR_USAGE, "the cursor stands on no row");
	return row_body(c->r, c->row, out, e);
}

void store_cursor_free(struct store_cursor *c)
{
	if (c == NULL)
		return;
	if (c->fini != NULL)
		c->fini(c);
	conn_give(&c->r->conn, c->row_id, c->row);
	free(c);
}

/* ---- pages ----------------------------------------------------------------------------------- */

/* The columns behind ROW_OF_OBJECT. */
#define PAGE_ADDED 13
#define PAGE_FLAGS 14

struct page_cursor {
	struct store_cursor base;
	int64_t collection;
	unsigned versions;
	int64_t *at_us; /* sorted */
	size_t at_count;
	struct type_set types;
	bool by_type;
	/* with ids: the places in the collection of all their versions, in order */
	bool by_id;
	int64_t *places;
	size_t places_count, places_capacity, place;
};

static int time_order(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/*
 * Does the entry's version match? An object without a version counts as of the time at which it was
 * added (TAXII 2.1 section 3.4 leaves such a value to the server), so that a client may ask for
 * what a manifest told it.
 */
static bool version_matches(const struct page_cursor *p, const struct store_row *row, int flags)
{
	int64_t version = row->version_us != 0 ? row->version_us : row->date_added_us;

	if ((flags & (int)p->versions & (ENTRY_LAST | ENTRY_FIRST | ENTRY_ANY)) != 0)
		return true;
	return (p->versions & STORE_AT) != 0 && p->at_count > 0 &&
	       bsearch(&version, p->at_us, p->at_count, sizeof(version), time_order) != NULL;
}

/* The next entry; with ids one that is looked up, else the statement's next. */
static enum err_kind page_step(struct page_cursor *p, bool *ret_row, struct err *e)
{
	struct store_cursor *c = &p->base;

	if (!p->by_id)
		return conn_row(&c->r->conn, c->row, ret_row, e);
	sqlite3_reset(c->row);
	if (p->place == p->places_count) {
		*ret_row = false;
		return OK;
	}
	bind_int(c->row, 1, p->collection);
	bind_int(c->row, 2, p->places[p->place++]);
	return conn_row(&c->r->conn, c->row, ret_row, e);
}

static enum err_kind page_next(
	struct store_cursor *c, struct store_row *ret_row, bool *ret_more, struct err *e)
{
	struct page_cursor *p = (struct page_cursor *)c;
	bool more;

	for (;;) {
		struct store_row row;
		enum err_kind kind = page_step(p, &more, e);
		int flags;

		if (kind != OK)
			return kind;
		if (!more)
			break;
		kind = row_read(c->r, c->row, &row, e);
		if (kind != OK)
			return kind;
		flags = sqlite3_column_int(c->row, PAGE_FLAGS);
		row.date_added_us = sqlite3_column_int64(c->row, PAGE_ADDED);
		row.latest = (flags & ENTRY_LAST) != 0;
		if (!version_matches(p, &row, flags) || !audience_may(&c->audience, &row))
			continue;
		if (p->by_id && p->by_type &&
			!type_set_has(&p->types, sqlite3_column_int64(c->row, 1)))
			continue;
		*ret_row = row;
		*ret_more = true;
		return OK;
	}
	*ret_more = false;
	return OK;
}

static void page_fini(struct store_cursor *c)
{
	struct page_cursor *p = (struct page_cursor *)c;

	free(p->at_us);
	free(p->types.bits);
	free(p->places);
}

/* Where the versions of one id stand in the collection, after `after_us`. */
static enum err_kind places_add(
	struct page_cursor *p, const struct stix_id *id, int64_t after_us, struct err *e)
{
	struct conn *c = &p->base.r->conn;
	sqlite3_stmt *list, *of;
	int64_t ident;
	bool row, in;
	enum err_kind kind = reader_ident(p->base.r, id->type, &id->uuid, &ident, e);

	if (kind != OK || ident == 0)
		return kind;
	kind = conn_statement(c, SQL_VERSION_LIST, &list, e);
	if (kind == OK)
		kind = conn_statement(c, SQL_ENTRY_OF, &of, e);
	if (kind != OK)
		return kind;
	bind_int(list, 1, ident);
	while ((kind = conn_row(c, list, &row, e)) == OK && row) {
		int64_t added = INT64_MIN;

		bind_int(of, 1, p->collection);
		bind_int(of, 2, sqlite3_column_int64(list, 0));
		kind = conn_row(c, of, &in, e);
		if (kind != OK)
			break;
		if (in)
			added = sqlite3_column_int64(of, 0);
		sqlite3_reset(of);
		if (!in || added <= after_us)
			continue;
		if (p->places_count == p->places_capacity) {
			size_t more = p->places_capacity * 2 + 16;
			int64_t *grown = realloc(p->places, more * sizeof(*grown));

			if (grown == NULL) {
				kind = err_set(e, ERR_NOMEM, "out of memory");
				break;
			}
			p->places = grown;
			p->places_capacity = more;
		}
		p->places[p->places_count++] = added;
	}
	sqlite3_reset(list);
	return kind;
}

static void places_sort(struct page_cursor *p)
{
	size_t kept = 0;

	if (p->places_count > 1)
		qsort(p->places, p->places_count, sizeof(*p->places), time_order);
	for (size_t i = 0; i < p->places_count; i++) /* an id may be named twice */
		if (kept == 0 || p->places[kept - 1] != p->places[i])
			p->places[kept++] = p->places[i];
	p->places_count = kept;
}

static enum err_kind page_fill(struct page_cursor *p, const struct store_page *page, struct err *e)
{
	struct store_cursor *c = &p->base;
	unsigned mask = p->versions & (ENTRY_LAST | ENTRY_FIRST | ENTRY_ANY);
	enum err_kind kind = OK;

	if (p->by_type)
		kind = type_set_make(c->r, page->types, page->types_count, &p->types, e);
	if (kind == OK && (p->versions & STORE_AT) != 0 && page->at_count > 0) {
		mask = ENTRY_ANY;
		p->at_us = calloc(page->at_count, sizeof(*p->at_us));
		if (p->at_us == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		memcpy(p->at_us, page->at_us, page->at_count * sizeof(*p->at_us));
		p->at_count = page->at_count;
		qsort(p->at_us, p->at_count, sizeof(*p->at_us), time_order);
	}
	for (size_t i = 0; kind == OK && i < page->ids_count; i++)
		kind = places_add(p, &page->ids[i], page->after_us, e);
	if (kind != OK)
		return kind;
	places_sort(p);
	c->row_id = p->by_id ? SQL_PAGE_ONE : p->by_type ? SQL_PAGE_TYPES : SQL_PAGE;
	kind = conn_take(&c->r->conn, c->row_id, &c->row, e);
	if (kind != OK || p->by_id)
		return kind;
	bind_int(c->row, 1, p->collection);
	bind_int(c->row, 2, page->after_us);
	bind_int(c->row, 3, mask);
	if (p->by_type)
		sqlite3_bind_pointer(c->row, 4, &p->types, "type_set", NULL);
	return OK;
}

enum err_kind store_page_open(struct store_reader *r, const struct store_page *page,
	struct store_cursor **ret_cursor, struct err *e)
{
	struct page_cursor *p = calloc(1, sizeof(*p));
	enum err_kind kind;

	if (p == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	p->base = (struct store_cursor){
		.r = r, .next = page_next, .fini = page_fini, .audience = page->audience};
	p->collection = page->collection;
	p->versions = page->versions != 0 ? page->versions : STORE_LAST;
	p->by_type = page->types_count > 0;
	p->by_id = page->ids_count > 0;
	kind = page_fill(p, page, e);
	if (kind != OK) {
		store_cursor_free(&p->base);
		return kind;
	}
	*ret_cursor = &p->base;
	return OK;
}

/* ---- versions, everything -------------------------------------------------------------------- */

struct walk_cursor {
	struct store_cursor base;
	int64_t collection; /* 0: the store */
	bool every_version;
};

enum err_kind row_in_collection(struct store_reader *r, int64_t collection, struct store_row *row,
	bool *ret_in, struct err *e)
{
	struct conn *c = &r->conn;
	sqlite3_stmt *of;
	enum err_kind kind = conn_statement(c, SQL_ENTRY_OF, &of, e);

	if (kind != OK)
		return kind;
	bind_int(of, 1, collection);
	bind_int(of, 2, row->serial);
	kind = conn_row(c, of, ret_in, e);
	if (kind == OK && *ret_in) {
		row->date_added_us = sqlite3_column_int64(of, 0);
		row->latest = (sqlite3_column_int(of, 1) & ENTRY_LAST) != 0;
		sqlite3_reset(of);
	}
	return kind;
}

static enum err_kind walk_next(
	struct store_cursor *c, struct store_row *ret_row, bool *ret_more, struct err *e)
{
	struct walk_cursor *k = (struct walk_cursor *)c;
	bool more = false, in = true;

	for (;;) {
		struct store_row row;
		enum err_kind kind = conn_row(&c->r->conn, c->row, &more, e);

		if (kind != OK)
			return kind;
		if (!more)
			break;
		kind = row_read(c->r, c->row, &row, e);
		if (kind == OK && k->collection != 0)
			kind = row_in_collection(c->r, k->collection, &row, &in, e);
		if (kind != OK)
			return kind;
		if (!in || (!row.latest && !k->every_version) || !audience_may(&c->audience, &row))
			continue;
		*ret_row = row;
		*ret_more = true;
		return OK;
	}
	*ret_more = false;
	return OK;
}

static enum err_kind walk_open(struct store_reader *r, enum sql_id id, int64_t bound,
	struct walk_cursor like, struct store_cursor **ret_cursor, struct err *e)
{
	struct walk_cursor *k = calloc(1, sizeof(*k));
	enum err_kind kind;

	if (k == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	*k = like;
	k->base.r = r;
	k->base.next = walk_next;
	k->base.row_id = id;
	kind = conn_take(&r->conn, id, &k->base.row, e);
	if (kind != OK) {
		store_cursor_free(&k->base);
		return kind;
	}
	bind_int(k->base.row, 1, bound);
	*ret_cursor = &k->base;
	return OK;
}

enum err_kind store_versions_open(struct store_reader *r, int64_t collection, struct slice type,
	const struct uuid *uuid, struct store_audience audience, struct store_cursor **ret_cursor,
	struct err *e)
{
	int64_t ident;
	enum err_kind kind = reader_ident(r, type, uuid, &ident, e);

	if (kind != OK)
		return kind;
	return walk_open(r, SQL_VERSIONS, ident,
		(struct walk_cursor){.base.audience = audience,
			.collection = collection,
			.base.ended = ident == 0,
			.every_version = true},
		ret_cursor, e);
}

enum err_kind store_all_open(struct store_reader *r, int64_t after_serial, bool every_version,
	struct store_audience audience, struct store_cursor **ret_cursor, struct err *e)
{
	return walk_open(r, SQL_ALL, after_serial,
		(struct walk_cursor){.base.audience = audience, .every_version = every_version},
		ret_cursor, e);
}
