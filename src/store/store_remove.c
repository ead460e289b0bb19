/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Objects going out. Removing means that somebody wants it forgotten, so what was there is
 * overwritten, and every index row goes too. What stays is the serial, its place in the member's
 * sequence (whose proofs must go on to hold), and the widened labels of those who referred to it.
 */
#include <stdlib.h>

#include "inside.h"

#define SWEEP_OBJECTS 1000 /* of a deleted collection in one transaction */

static enum err_kind values_delete(struct writer *w, int64_t serial, struct err *e)
{
	sqlite3_stmt *list, *one, *of;
	enum err_kind kind = conn_statement(&w->conn, SQL_VALUE_OF_LIST, &list, e);
	bool row;

	if (kind == OK)
		kind = conn_statement(&w->conn, SQL_VALUE_DELETE, &one, e);
	if (kind == OK)
		kind = conn_statement(&w->conn, SQL_VALUE_OF_DELETE, &of, e);
	for (int k = 0; kind == OK && k < VALUE_KINDS_MAX; k++) {
		bind_int(list, 1, k);
		bind_int(list, 2, serial);
		while ((kind = conn_row(&w->conn, list, &row, e)) == OK && row) {
			bind_int(one, 1, k);
			bind_blob(one, 2, column_slice(list, 0));
			bind_int(one, 3, serial);
			kind = conn_done(&w->conn, one, e);
			if (kind != OK)
				break;
			w->counters.values--;
		}
		sqlite3_reset(list);
		if (kind != OK)
			break;
		bind_int(of, 1, k);
		bind_int(of, 2, serial);
		kind = conn_done(&w->conn, of, e);
	}
	return kind;
}

/* The newest of what is left becomes the latest. *ret_left: is there any? */
static enum err_kind latest_again(struct writer *w, int64_t ident, bool *ret_left, struct err *e)
{
	sqlite3_stmt *st, *put;
	enum err_kind kind = conn_statement(&w->conn, SQL_OBJECT_OLDER, &st, e);

	if (kind == OK)
		kind = conn_statement(&w->conn, SQL_OBJECT_FLAGS, &put, e);
	if (kind != OK)
		return kind;
	bind_int(st, 1, ident);
	bind_int(st, 2, INT64_MAX);
	kind = conn_row(&w->conn, st, ret_left, e);
	if (kind != OK || !*ret_left)
		return kind;
	bind_int(put, 1, sqlite3_column_int64(st, 0));
	bind_int(put, 2, sqlite3_column_int64(st, 1) | OBJECT_LATEST);
	sqlite3_reset(st);
	return conn_done(&w->conn, put, e);
}

static enum err_kind uuid_only(
	struct writer *w, enum sql_id id, const struct uuid *uuid, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, id, &st, e);

	if (kind != OK)
		return kind;
	bind_uuid(st, 1, uuid);
	return conn_done(&w->conn, st, e);
}

enum err_kind gone_add(
	struct writer *w, int64_t serial, int64_t member, int64_t origin, struct err *e)
{
	sqlite3_stmt *put;
	enum err_kind kind = conn_statement(&w->conn, SQL_GONE_ADD, &put, e);

	if (kind != OK)
		return kind;
	bind_int(put, 1, member);
	bind_int(put, 2, origin);
	bind_int(put, 3, serial);
	bind_int(put, 4, world_now(w->s->world));
	return conn_done(&w->conn, put, e);
}

/* Refused contents of the same version speak of the same. `st` as in erase_row. */
static enum err_kind evidence_drop(struct writer *w, sqlite3_stmt *st, struct err *e)
{
	sqlite3_stmt *drop;
	struct uuid uuid;
	enum err_kind kind = conn_statement(&w->conn, SQL_EVIDENCE_DROP, &drop, e);

	if (kind != OK || !column_uuid(st, 3, &uuid))
		return kind;
	bind_int(drop, 1, sqlite3_column_int64(st, 2));
	bind_uuid(drop, 2, &uuid);
	bind_int(drop, 3, sqlite3_column_int64(st, 1));
	return conn_done(&w->conn, drop, e);
}

/* Everything of an object but its place in the member's sequence. `st` stands on its row. */
static enum err_kind erase_row(struct writer *w, int64_t serial, sqlite3_stmt *st, struct err *e)
{
	struct counters *k = &w->counters;
	int64_t ident = sqlite3_column_int64(st, 0);
	int64_t type = sqlite3_column_int64(st, 2);
	int64_t flags = sqlite3_column_int64(st, 4);
	bool left, is_uuid;
	struct slice name;
	struct uuid uuid;
	sqlite3_stmt *put;
	enum err_kind kind;

	kind = names_text(&w->s->types, &w->conn, type, &name, e);
	if (kind == OK)
		kind = references_delete(w, serial, column_slice(st, 9), e);
	if (kind == OK)
		kind = values_delete(w, serial, e);
	/* the text index needs the words once more to forget them */
	if (kind == OK)
		kind = conn_statement(&w->conn, SQL_TEXT_GONE_ADD, &put, e);
	if (kind == OK) {
		bind_int(put, 1, serial);
		bind_int(put, 2, type);
		bind_int(put, 3, sqlite3_column_int64(st, 7));
		bind_int(put, 4, sqlite3_column_int64(st, 8));
		bind_blob(put, 5, column_slice(st, 10));
		kind = conn_done(&w->conn, put, e);
	}
	if (kind == OK)
		kind = gone_add(
			w, serial, sqlite3_column_int64(st, 5), sqlite3_column_int64(st, 6), e);
	if (kind == OK)
		kind = evidence_drop(w, st, e);
	if (kind == OK)
		kind = claims_drop(w, serial, e);
	if (kind == OK)
		kind = conn_run(&w->conn, SQL_ERASED, e);
	if (kind != OK)
		return kind;
	k->objects--;
	k->body_bytes -= sqlite3_column_int64(st, 7);
	k->packed_bytes -= (int64_t)column_slice(st, 10).len;
	is_uuid = column_uuid(st, 3, &uuid);
	sqlite3_reset(st);
	kind = conn_statement(&w->conn, SQL_OBJECT_DELETE, &put, e);
	if (kind == OK) {
		bind_int(put, 1, serial);
		kind = conn_done(&w->conn, put, e);
	}
	if (kind == OK)
		kind = writer_type_count(w, (uint32_t)type, -1, e);
	left = true;
	if (kind == OK && (flags & OBJECT_LATEST) != 0)
		kind = latest_again(w, ident, &left, e);
	if (kind == OK && !left)
		k->things--;
	if (kind == OK && !left && is_uuid && slice_is(name, "marking-definition")) {
		kind = uuid_only(w, SQL_MARKING_GONE, &uuid, e);
		k->label_epoch++;
	}
	return kind;
}

/* Take an object out altogether when no collection holds it any more. */
static enum err_kind erase_if_free(struct writer *w, int64_t serial, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_ENTRY_OF, &st, e);
	bool row = false;

	for (size_t i = 0; kind == OK && !row && i < w->collections_count; i++) {
		bind_int(st, 1, w->collections[i].number);
		bind_int(st, 2, serial);
		kind = conn_row(&w->conn, st, &row, e);
		sqlite3_reset(st);
	}
	if (kind != OK || row)
		return kind;
	kind = conn_statement(&w->conn, SQL_OBJECT_GONE, &st, e);
	if (kind != OK)
		return kind;
	bind_int(st, 1, serial);
	kind = conn_row(&w->conn, st, &row, e);
	if (kind != OK || !row)
		return kind;
	kind = erase_row(w, serial, st, e);
	sqlite3_reset(st);
	return kind;
}

/* ---- out of a collection --------------------------------------------------------------------- */

struct version {
	int64_t serial;
	int64_t added_us; /* in the collection; 0: not in it */
	int flags;
	bool goes;
};

/* All versions of a thing, oldest first, with their places in a collection. */
static enum err_kind versions_list(struct writer *w, int64_t ident, int64_t collection,
	int64_t version_us, struct version **ret_list, size_t *ret_count, struct err *e)
{
	sqlite3_stmt *st, *of;
	struct version *list = NULL;
	size_t count = 0, capacity = 0;
	enum err_kind kind = conn_statement(&w->conn, SQL_VERSION_LIST, &st, e);
	bool row, in;

	if (kind == OK)
		kind = conn_statement(&w->conn, SQL_ENTRY_OF, &of, e);
	if (kind != OK)
		return kind;
	bind_int(st, 1, ident);
	while ((kind = conn_row(&w->conn, st, &row, e)) == OK && row) {
		struct version v = {.serial = sqlite3_column_int64(st, 0)};

		v.goes = version_us == STORE_ALL_VERSIONS ||
			 version_us == sqlite3_column_int64(st, 1);
		bind_int(of, 1, collection);
		bind_int(of, 2, v.serial);
		kind = conn_row(&w->conn, of, &in, e);
		if (kind != OK)
			break;
		if (in) {
			v.added_us = sqlite3_column_int64(of, 0);
			v.flags = sqlite3_column_int(of, 1);
		}
		sqlite3_reset(of);
		if (!in)
			continue;
		if (count == capacity) {
			size_t more = capacity * 2 + 16;
			struct version *grown = realloc(list, more * sizeof(*grown));

			if (grown == NULL) {
				kind = err_set(e, ERR_NOMEM, "out of memory");
				break;
			}
			list = grown;
			capacity = more;
		}
		list[count++] = v;
	}
	sqlite3_reset(st);
	if (kind != OK) {
		free(list);
		return kind;
	}
	*ret_list = list;
	*ret_count = count;
	return OK;
}

static enum err_kind entry_delete(
	struct writer *w, int64_t collection, int64_t added_us, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_ENTRY_DELETE, &st, e);

	if (kind != OK)
		return kind;
	bind_int(st, 1, collection);
	bind_int(st, 2, added_us);
	return conn_done(&w->conn, st, e);
}

/* Delete the entries that go, and set the flags of those that stay. */
static enum err_kind entries_remove(struct writer *w, struct collection_state *c,
	struct version *list, size_t count, uint64_t *ret_removed, struct err *e)
{
	enum err_kind kind = OK;
	uint64_t removed = 0;
	sqlite3_stmt *st;
	size_t first = count, last = count;

	for (size_t i = 0; i < count; i++)
		if (!list[i].goes) {
			first = first == count ? i : first;
			last = i;
		}
	for (size_t i = 0; kind == OK && i < count; i++) {
		int flags =
			ENTRY_ANY | (i == first ? ENTRY_FIRST : 0) | (i == last ? ENTRY_LAST : 0);

		if (list[i].goes) {
			kind = entry_delete(w, c->number, list[i].added_us, e);
			c->entries--;
			removed++;
		} else if (flags != list[i].flags) {
			kind = conn_statement(&w->conn, SQL_ENTRY_FLAGS, &st, e);
			if (kind != OK)
				break;
			bind_int(st, 1, c->number);
			bind_int(st, 2, list[i].added_us);
			bind_int(st, 3, flags);
			kind = conn_done(&w->conn, st, e);
		}
	}
	for (size_t i = 0; kind == OK && i < count; i++)
		if (list[i].goes)
			kind = erase_if_free(w, list[i].serial, e);
	if (kind != OK || removed == 0)
		return kind;
	c->dirty = true;
	kind = conn_statement(&w->conn, SQL_ENTRY_NEWEST, &st, e);
	if (kind == OK) {
		bool row;

		bind_int(st, 1, c->number);
		kind = conn_row(&w->conn, st, &row, e);
		if (kind == OK && row)
			c->last_added_us = sqlite3_column_int64(st, 0); /* NULL is 0: empty */
		sqlite3_reset(st);
	}
	*ret_removed = removed;
	return kind;
}

static enum err_kind remove_here(struct writer *w, int64_t collection, struct slice type,
	const struct uuid *uuid, int64_t version_us, uint64_t *ret_removed, struct err *e)
{
	struct collection_state *c = writer_collection(w, collection);
	uint32_t number = names_find(&w->s->types, type);
	struct version *list = NULL;
	size_t count = 0;
	struct ident ident;
	enum err_kind kind;
	bool found;

	if (c == NULL)
		return err_set(
			e, ERR_USAGE, "there is no collection number %lld", (long long)collection);
	kind = ident_find(w, number, uuid, &ident, &found, e);
	if (kind != OK || !found)
		return kind;
	kind = versions_list(w, ident.number, collection, version_us, &list, &count, e);
	if (kind == OK)
		kind = entries_remove(w, c, list, count, ret_removed, e);
	free(list);
	return kind;
}

enum err_kind store_remove(struct store *s, int64_t collection, struct slice type,
	const struct uuid *uuid, int64_t version_us, uint64_t *ret_removed, struct err *e)
{
	uint64_t removed = 0;
	enum err_kind kind = writer_begin(s, e);

	if (kind != OK)
		return kind;
	kind = remove_here(&s->writer, collection, type, uuid, version_us, &removed, e);
	kind = writer_end(s, kind, e);
	if (kind == OK)
		*ret_removed = removed;
	return kind;
}

/* ---- altogether ------------------------------------------------------------------------------ */

static enum err_kind forget_from(
	struct writer *w, struct collection_state *c, int64_t ident, int64_t serial, struct err *e)
{
	struct version *list = NULL;
	uint64_t removed = 0;
	size_t count = 0;
	bool any = false;
	enum err_kind kind =
		versions_list(w, ident, c->number, STORE_ALL_VERSIONS, &list, &count, e);

	for (size_t i = 0; i < count; i++) {
		list[i].goes = list[i].serial == serial;
		any = any || list[i].goes;
	}
	if (kind == OK && any)
		kind = entries_remove(w, c, list, count, &removed, e);
	free(list);
	return kind;
}

enum err_kind object_forget(struct writer *w, int64_t serial, bool *ret_found, struct err *e)
{
	sqlite3_stmt *st;
	int64_t ident;
	enum err_kind kind = conn_statement(&w->conn, SQL_OBJECT_GONE, &st, e);

	if (kind != OK)
		return kind;
	bind_int(st, 1, serial);
	kind = conn_row(&w->conn, st, ret_found, e);
	if (kind != OK || !*ret_found)
		return kind;
	ident = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	for (size_t i = 0; kind == OK && i < w->collections_count; i++)
		kind = forget_from(w, &w->collections[i], ident, serial, e);
	/* What was in no collection is still here. */
	return kind == OK ? erase_if_free(w, serial, e) : kind;
}

enum err_kind store_forget(struct store *s, int64_t serial, bool *ret_found, struct err *e)
{
	bool found = false;
	enum err_kind kind = writer_begin(s, e);

	if (kind != OK)
		return kind;
	kind = claim_forget(&s->writer, serial, &found, e);
	kind = writer_end(s, kind, e);
	if (kind == OK)
		*ret_found = found;
	return kind;
}

/* ---- a whole collection ---------------------------------------------------------------------- */

/* One step of taking a deleted collection's entries away. */
static enum err_kind sweep_some(struct writer *w, int64_t collection, bool *ret_more, struct err *e)
{
	struct {
		int64_t added_us, serial;
	} some[SWEEP_OBJECTS];
	size_t count = 0;
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_ENTRY_SOME, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	bind_int(st, 1, collection);
	bind_int(st, 2, SWEEP_OBJECTS);
	while ((kind = conn_row(&w->conn, st, &row, e)) == OK && row) {
		some[count].added_us = sqlite3_column_int64(st, 0);
		some[count++].serial = sqlite3_column_int64(st, 1);
	}
	for (size_t i = 0; kind == OK && i < count; i++) {
		kind = entry_delete(w, collection, some[i].added_us, e);
		if (kind == OK)
			kind = erase_if_free(w, some[i].serial, e);
	}
	*ret_more = count == SWEEP_OBJECTS;
	if (kind != OK || *ret_more)
		return kind;
	kind = conn_statement(&w->conn, SQL_SWEEP_DONE, &st, e);
	if (kind != OK)
		return kind;
	bind_int(st, 1, collection);
	return conn_done(&w->conn, st, e);
}

/* The collection is gone at once; its entries go in steps, so that others can write in between. */
enum err_kind sweep_all(struct store *s, struct err *e)
{
	struct writer *w = &s->writer;
	enum err_kind kind = OK;
	bool row = true;

	while (kind == OK && row) {
		int64_t collection = 0;
		sqlite3_stmt *st;
		bool more;

		kind = writer_begin(s, e);
		if (kind != OK)
			return kind;
		kind = conn_statement(&w->conn, SQL_SWEEP_GET, &st, e);
		if (kind == OK)
			kind = conn_row(&w->conn, st, &row, e);
		if (kind == OK && row) {
			collection = sqlite3_column_int64(st, 0);
			sqlite3_reset(st);
			kind = sweep_some(w, collection, &more, e);
		}
		kind = writer_end(s, kind, e);
	}
	return kind;
}
