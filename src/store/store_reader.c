/* SPDX-License-Identifier: MPL-2.0 */
/* Readers: connections with a snapshot, lent out of a pool; rows and bodies read through them. */
#include <stdlib.h>

#include "inside.h"

enum err_kind reader_connect(struct store *s, struct store_reader **ret_reader, struct err *e)
{
	struct store_reader *r = calloc(1, sizeof(*r));
	enum err_kind kind;

	if (r == NULL)
		return err_set(e, ERR_NOMEM, "store \"%s\": out of memory", s->folder);
	r->s = s;
	r->zstd = ZSTD_createDCtx();
	if (r->zstd == NULL)
		kind = err_set(e, ERR_NOMEM, "store \"%s\": out of memory", s->folder);
	else
		kind = conn_open(s, s->path, READER_CACHE_BYTES, false, &r->conn, e);
	if (kind != OK) {
		reader_close(r);
		return kind;
	}
	*ret_reader = r;
	return OK;
}

void reader_close(struct store_reader *r)
{
	if (r == NULL)
		return;
	conn_close(&r->conn);
	conn_close(&r->text);
	ZSTD_freeDCtx(r->zstd);
	json_parser_free(r->parser);
	free(r);
}

enum err_kind snapshot_begin(struct store_reader *r, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_run(&r->conn, SQL_BEGIN_READ, e);
	bool row;

	r->merges = r->s->tail.merges;
	if (kind == OK)
		kind = conn_statement(&r->conn, SQL_STATE_GET, &st, e);
	if (kind == OK)
		kind = conn_row(&r->conn, st, &row, e); /* the first read takes the snapshot */
	if (kind != OK)
		return kind;
	if (!row)
		return err_set(e, ERR_CORRUPT, "store \"%s\": its state is missing", r->s->folder);
	r->serial_last = sqlite3_column_int64(st, STATE_SERIAL_LAST);
	r->values_last = sqlite3_column_int64(st, STATE_VALUES_LAST);
	r->label_epoch = (uint64_t)sqlite3_column_int64(st, STATE_LABEL_EPOCH);
	sqlite3_reset(st);
	return OK;
}

uint64_t store_reader_label_epoch(const struct store_reader *r)
{
	return r->label_epoch;
}

static void snapshot_end(struct conn *c)
{
	if (c->db != NULL && sqlite3_get_autocommit(c->db) == 0)
		sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
}

enum err_kind store_reader_take(struct store *s, struct store_reader **ret_reader, struct err *e)
{
	struct store_reader *r = NULL;
	enum err_kind kind = OK;

	pthread_mutex_lock(&s->pool_mutex);
	while (s->pool == NULL && s->readers_made == s->readers_max)
		pthread_cond_wait(&s->pool_moved, &s->pool_mutex);
	r = s->pool;
	if (r != NULL)
		s->pool = r->next;
	else
		s->readers_made++;
	pthread_mutex_unlock(&s->pool_mutex);

	if (r == NULL)
		kind = reader_connect(s, &r, e);
	if (kind == OK)
		kind = snapshot_begin(r, e);
	if (kind != OK) {
		/* a connection that failed is not lent again */
		reader_close(r);
		pthread_mutex_lock(&s->pool_mutex);
		s->readers_made--;
		pthread_cond_signal(&s->pool_moved);
		pthread_mutex_unlock(&s->pool_mutex);
		return kind;
	}
	*ret_reader = r;
	return OK;
}

void store_reader_give(struct store_reader *r)
{
	struct store *s;

	if (r == NULL)
		return;
	s = r->s;
	snapshot_end(&r->conn);
	snapshot_end(&r->text);
	pthread_mutex_lock(&s->pool_mutex);
	r->next = s->pool;
	s->pool = r;
	pthread_cond_signal(&s->pool_moved);
	pthread_mutex_unlock(&s->pool_mutex);
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* The columns of ROW_OF_OBJECT. */
enum row_column {
	ROW_SERIAL,
	ROW_TYPE,
	ROW_UUID,
	ROW_VERSION,
	ROW_CREATED,
	ROW_FLAGS,
	ROW_LABEL,
	ROW_ADDED,
	ROW_BODY_BYTES,
	ROW_DICTIONARY,
	ROW_BODY,
	ROW_TRAITS,
	ROW_MEMBER
};

enum err_kind row_read(
	struct store_reader *r, sqlite3_stmt *st, struct store_row *ret_row, struct err *e)
{
	int flags = sqlite3_column_int(st, ROW_FLAGS);
	struct store_row row = {
		.serial = sqlite3_column_int64(st, ROW_SERIAL),
		.version_us = sqlite3_column_int64(st, ROW_VERSION),
		.created_us = sqlite3_column_int64(st, ROW_CREATED),
		.versioned = (flags & OBJECT_VERSIONED) != 0,
		.revoked = (flags & OBJECT_REVOKED) != 0,
		.latest = (flags & OBJECT_LATEST) != 0,
		.date_added_us = sqlite3_column_int64(st, ROW_ADDED),
		.label = (uint32_t)sqlite3_column_int64(st, ROW_LABEL),
		.traits = (uint32_t)sqlite3_column_int64(st, ROW_TRAITS),
		.member = sqlite3_column_int64(st, ROW_MEMBER),
		.body_bytes = (uint32_t)sqlite3_column_int64(st, ROW_BODY_BYTES),
	};
	enum err_kind kind = names_text(
		&r->s->types, &r->conn, sqlite3_column_int64(st, ROW_TYPE), &row.type, e);

	if (kind != OK)
		return kind;
	if (row.type.len == 0 || !column_uuid(st, ROW_UUID, &row.uuid))
		return err_set(e, ERR_CORRUPT, "store \"%s\": row %lld has no type or id",
			r->s->folder, (long long)row.serial);
	*ret_row = row;
	return OK;
}

enum err_kind row_body(struct store_reader *r, sqlite3_stmt *st, struct buf *out, struct err *e)
{
	struct slice packed = column_slice(st, ROW_BODY);
	enum err_kind kind;

	kind = body_unpack(&r->s->packing, &r->conn, r->zstd, packed,
		sqlite3_column_int64(st, ROW_DICTIONARY),
		(uint64_t)sqlite3_column_int64(st, ROW_BODY_BYTES), out, e);
	if (kind != OK) {
		char id[STIX_ID_MAX + 1] = "?";
		struct store_row row;

		if (row_read(r, st, &row, NULL) == OK)
			stix_id_format(row.type, &row.uuid, id);
		err_wrap(e, "store \"%s\": %s (row %lld)", r->s->folder, id,
			(long long)sqlite3_column_int64(st, ROW_SERIAL));
	}
	return kind;
}

/* Both tables of ids are asked the same way. */
static enum err_kind ident_ask(struct store_reader *r, enum sql_id id, uint32_t type,
	const struct uuid *uuid, int64_t *ret_ident, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&r->conn, id, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	bind_uuid(st, 1, uuid);
	bind_int(st, 2, type);
	kind = conn_row(&r->conn, st, &row, e);
	if (kind != OK)
		return kind;
	*ret_ident = row ? sqlite3_column_int64(st, 0) : 0;
	sqlite3_reset(st);
	return OK;
}

/*
 * What is not in the index may be in the tail. Beside a writer that is in memory; what it has
 * beyond our snapshot does no harm, as none of our objects has that number. Only when the tail was
 * merged after our snapshot, or another process writes, is the table itself gone through.
 */
enum err_kind reader_ident(struct store_reader *r, struct slice type, const struct uuid *uuid,
	int64_t *ret_ident, struct err *e)
{
	struct store *s = r->s;
	struct ident_slot found;
	uint32_t number;
	enum err_kind kind = OK;

	if (!is_writer(s)) /* another process may have met new types */
		kind = names_load(&s->types, &r->conn, e);
	number = names_find(&s->types, type);
	if (kind == OK && number == 0)
		*ret_ident = 0;
	if (kind != OK || number == 0)
		return kind;
	kind = ident_ask(r, SQL_IDENT_GET, number, uuid, ret_ident, e);
	if (kind != OK || *ret_ident != 0)
		return kind;
	if (is_writer(s)) {
		if (tail_find(&s->tail, number, uuid, &found)) {
			*ret_ident = found.number;
			return OK;
		}
		if (r->merges == s->tail.merges)
			return OK;
	}
	return ident_ask(r, SQL_TAIL_FIND, number, uuid, ret_ident, e);
}

/* ---- sets of types --------------------------------------------------------------------------- */

enum err_kind type_set_make(struct store_reader *r, const struct slice *types, size_t count,
	struct type_set *ret_set, struct err *e)
{
	struct type_set set = {0};
	enum err_kind kind = OK;

	if (!is_writer(r->s))
		kind = names_load(&r->s->types, &r->conn, e);
	if (kind != OK)
		return kind;
	set.len = names_count(&r->s->types) + 1;
	set.bits = calloc(set.len, 1);
	if (set.bits == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		uint32_t number = names_find(&r->s->types, types[i]);

		/* 0: no object of that type is here; a later one: came after our snapshot */
		if (number != 0 && number < set.len && set.bits[number] == 0) {
			set.bits[number] = 1;
			set.count++;
		}
	}
	*ret_set = set;
	return OK;
}

bool type_set_has(const struct type_set *set, int64_t number)
{
	return number > 0 && (uint64_t)number < set->len && set->bits[number] != 0;
}

/* ---- single objects -------------------------------------------------------------------------- */

bool audience_may(const struct store_audience *audience, const struct store_row *row)
{
	return audience->may != NULL && audience->may(audience->context, row);
}

enum err_kind store_get(struct store_reader *r, struct slice type, const struct uuid *uuid,
	struct store_audience audience, struct store_row *ret_row, struct buf *ret_body,
	bool *ret_found, struct err *e)
{
	struct store_row row;
	int64_t ident;
	sqlite3_stmt *st;
	enum err_kind kind = reader_ident(r, type, uuid, &ident, e);
	bool found = false;

	if (kind == OK && ident != 0) {
		kind = conn_statement(&r->conn, SQL_NEWEST, &st, e);
		if (kind != OK)
			return kind;
		bind_int(st, 1, ident);
		kind = conn_row(&r->conn, st, &found, e);
		if (kind == OK && found)
			kind = row_read(r, st, &row, e);
		if (kind == OK && found)
			found = audience_may(&audience, &row);
		if (kind == OK && found && ret_body != NULL)
			kind = row_body(r, st, ret_body, e);
		sqlite3_reset(st);
	}
	if (kind != OK)
		return kind;
	if (found)
		*ret_row = row;
	*ret_found = found;
	return OK;
}

enum err_kind store_get_serial(struct store_reader *r, int64_t serial, struct buf *ret_body,
	bool *ret_found, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&r->conn, SQL_BY_SERIAL, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	bind_int(st, 1, serial);
	kind = conn_row(&r->conn, st, &row, e);
	if (kind == OK && row)
		kind = row_body(r, st, ret_body, e);
	sqlite3_reset(st);
	if (kind == OK)
		*ret_found = row;
	return kind;
}

enum err_kind store_origin_get(struct store_reader *r, int64_t serial, struct arena *a,
	struct slice *ret_member, uint64_t *ret_index, int64_t *ret_added_us, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&r->conn, SQL_ORIGIN_GET, &st, e);
	struct slice member;
	bool row;

	if (kind != OK)
		return kind;
	bind_int(st, 1, serial);
	kind = conn_row(&r->conn, st, &row, e);
	if (kind != OK)
		return kind;
	if (!row)
		return err_set(
			e, ERR_USAGE, "there is no object with serial %lld", (long long)serial);
	member = arena_copy(a, column_slice(st, 0));
	if (member.data == NULL) {
		kind = err_set(e, ERR_NOMEM, "no room for a member's name");
	} else {
		*ret_member = member;
		*ret_index = (uint64_t)sqlite3_column_int64(st, 1);
		*ret_added_us = sqlite3_column_int64(st, 2);
	}
	sqlite3_reset(st);
	return kind;
}
