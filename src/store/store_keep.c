/* SPDX-License-Identifier: MPL-2.0 */
/* Small things to keep: notes, originals of conversions, evidence, TAXII status resources. */
#include <stdlib.h>

#include "inside.h"

/* A single row of the access connection: one column into a buffer. `bind` is done; unlocks. */
static enum err_kind column_get(
	struct store *s, sqlite3_stmt *st, struct buf *ret_bytes, bool *ret_found, struct err *e)
{
	size_t before = ret_bytes->len;
	enum err_kind kind;
	bool row;

	kind = conn_row(&s->access, st, &row, e);
	if (kind == OK && row) {
		buf_slice_append(ret_bytes, column_slice(st, 0));
		sqlite3_reset(st);
		if (ret_bytes->bad) {
			ret_bytes->len = before;
			kind = err_set(e, ERR_NOMEM, "no room for what was kept");
		}
	}
	sqlite3_clear_bindings(st);
	pthread_mutex_unlock(&s->access_mutex);
	if (kind == OK)
		*ret_found = row;
	return kind;
}

static enum err_kind access_statement(
	struct store *s, enum sql_id id, sqlite3_stmt **ret_st, struct err *e)
{
	enum err_kind kind;

	pthread_mutex_lock(&s->access_mutex);
	kind = conn_statement(&s->access, id, ret_st, e);
	if (kind != OK)
		pthread_mutex_unlock(&s->access_mutex);
	return kind;
}

/* ---- notes ----------------------------------------------------------------------------------- */

enum err_kind notes_check(const struct store_note *notes, size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		if (notes[i].key.len == 0 || notes[i].key.len > NOTE_KEY_MAX)
			return err_set(e, ERR_LIMIT, "a note's key of %zu bytes, expected 1..%d",
				notes[i].key.len, NOTE_KEY_MAX);
		if (notes[i].value.len > NOTE_VALUE_MAX)
			return err_set(e, ERR_LIMIT, "a note of %zu bytes, expected at most %zu",
				notes[i].value.len, NOTE_VALUE_MAX);
	}
	return OK;
}

enum err_kind notes_write(
	struct conn *c, const struct store_note *notes, size_t count, struct err *e)
{
	enum err_kind kind = OK;

	for (size_t i = 0; kind == OK && i < count; i++) {
		bool deletes = notes[i].value.len == 0;
		sqlite3_stmt *st;

		kind = conn_statement(c, deletes ? SQL_NOTE_DELETE : SQL_NOTE_PUT, &st, e);
		if (kind != OK)
			break;
		bind_blob(st, 1, notes[i].key);
		if (!deletes)
			bind_blob(st, 2, notes[i].value);
		kind = conn_done(c, st, e);
	}
	return kind;
}

enum err_kind store_notes_put(
	struct store *s, const struct store_note *notes, size_t count, struct err *e)
{
	enum err_kind kind = notes_check(notes, count, e);

	if (kind == OK)
		kind = writer_begin(s, e);
	if (kind != OK)
		return kind;
	return writer_end(s, notes_write(&s->writer.conn, notes, count, e), e);
}

enum err_kind store_note_get(
	struct store *s, struct slice key, struct buf *ret_value, bool *ret_found, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = access_statement(s, SQL_NOTE_GET, &st, e);

	if (kind != OK)
		return kind;
	bind_blob(st, 1, key);
	return column_get(s, st, ret_value, ret_found, e);
}

/* ---- originals ------------------------------------------------------------------------------- */

enum err_kind store_original_put(
	struct store *s, struct slice kind_name, struct slice key, struct slice body, struct err *e)
{
	struct packer *packer = NULL;
	struct buf packed = BUF_INIT;
	int64_t dictionary;
	sqlite3_stmt *st;
	enum err_kind kind = need_writer(s, e);

	if (kind == OK && (kind_name.len == 0 || kind_name.len > NOTE_KEY_MAX || key.len == 0 ||
				  key.len > NOTE_KEY_MAX))
		kind = err_set(e, ERR_LIMIT,
			"an original's names of %zu and %zu bytes, expected 1..%d", kind_name.len,
			key.len, NOTE_KEY_MAX);
	if (kind == OK && body.len > ORIGINAL_MAX)
		kind = err_set(e, ERR_LIMIT, "an original of %zu bytes, expected at most %zu",
			body.len, ORIGINAL_MAX);
	if (kind == OK)
		kind = packer_take(&s->packing, &packer, e);
	if (kind == OK) /* dictionaries are trained on objects, and of no use here */
		kind = body_pack(&s->packing, packer, true, body, &packed, &dictionary, e);
	packer_give(&s->packing, packer);
	if (kind == OK)
		kind = writer_begin(s, e);
	if (kind != OK) {
		buf_fini(&packed);
		return kind;
	}
	kind = conn_statement(&s->writer.conn, SQL_ORIGINAL_PUT, &st, e);
	if (kind == OK) {
		bind_blob(st, 1, kind_name);
		bind_blob(st, 2, key);
		bind_int(st, 3, (int64_t)body.len);
		bind_blob(st, 4, buf_slice(&packed));
		kind = conn_done(&s->writer.conn, st, e);
		sqlite3_clear_bindings(st);
	}
	kind = writer_end(s, kind, e);
	buf_fini(&packed);
	return kind;
}

enum err_kind store_original_get(struct store_reader *r, struct slice kind_name, struct slice key,
	struct buf *ret_body, bool *ret_found, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&r->conn, SQL_ORIGINAL_GET, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	bind_blob(st, 1, kind_name);
	bind_blob(st, 2, key);
	kind = conn_row(&r->conn, st, &row, e);
	if (kind == OK && row)
		kind = body_unpack(&r->s->packing, &r->conn, r->zstd, column_slice(st, 1),
			DICTIONARY_PLAIN, (uint64_t)sqlite3_column_int64(st, 0), ret_body, e);
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	if (kind == OK)
		*ret_found = row;
	return kind;
}

enum err_kind store_originals(struct store_reader *r, struct slice kind_name,
	bool (*each)(void *context, struct slice key), void *context, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_take(&r->conn, SQL_ORIGINAL_KEYS, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	bind_blob(st, 1, kind_name);
	while ((kind = conn_row(&r->conn, st, &row, e)) == OK && row)
		if (!each(context, column_slice(st, 0)))
			break;
	conn_give(&r->conn, SQL_ORIGINAL_KEYS, st);
	return kind;
}

/* ---- evidence -------------------------------------------------------------------------------- */

enum err_kind store_evidence_each(struct store_reader *r,
	bool (*each)(void *context, const struct store_evidence *evidence), void *context,
	struct err *e)
{
	struct buf body = BUF_INIT;
	sqlite3_stmt *st;
	enum err_kind kind = conn_take(&r->conn, SQL_EVIDENCE_ALL, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	while ((kind = conn_row(&r->conn, st, &row, e)) == OK && row) {
		struct store_evidence v = {
			.number = sqlite3_column_int64(st, 0),
			.version_us = sqlite3_column_int64(st, 3),
			.member = column_slice(st, 4),
			.received_us = sqlite3_column_int64(st, 5),
		};

		kind = names_text(
			&r->s->types, &r->conn, sqlite3_column_int64(st, 1), &v.id.type, e);
		if (kind == OK && !column_uuid(st, 2, &v.id.uuid))
			kind = err_set(e, ERR_CORRUPT, "store \"%s\": evidence %lld has no id",
				r->s->folder, (long long)v.number);
		buf_clear(&body);
		if (kind == OK)
			kind = body_unpack(&r->s->packing, &r->conn, r->zstd, column_slice(st, 8),
				sqlite3_column_int64(st, 7), (uint64_t)sqlite3_column_int64(st, 6),
				&body, e);
		if (kind != OK)
			break;
		v.body = buf_slice(&body);
		if (!each(context, &v))
			break;
	}
	conn_give(&r->conn, SQL_EVIDENCE_ALL, st);
	buf_fini(&body);
	return kind;
}

/* ---- status resources ------------------------------------------------------------------------ */

#define STATUS_MAX     MIB(4) /* bytes; a POST of all the objects that are let in at once */
#define STATUS_KEEP_US (STORE_STATUS_DAYS * 86400 * US_PER_SECOND)

enum err_kind store_status_put(struct store *s, const struct uuid *id, struct slice account,
	struct slice json, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind;

	if (json.len > STATUS_MAX || account.len > MEMBER_MAX)
		return err_set(e, ERR_LIMIT, "a status of %zu bytes, expected at most %zu",
			json.len, STATUS_MAX);
	kind = writer_begin(s, e);
	if (kind != OK)
		return kind;
	kind = conn_statement(&s->writer.conn, SQL_STATUS_PUT, &st, e);
	if (kind == OK) {
		bind_uuid(st, 1, id);
		bind_text(st, 2, account);
		bind_int(st, 3, world_now(s->world));
		bind_blob(st, 4, json);
		kind = conn_done(&s->writer.conn, st, e);
		sqlite3_clear_bindings(st);
	}
	return writer_end(s, kind, e);
}

enum err_kind store_status_get(struct store *s, const struct uuid *id, struct slice account,
	struct buf *ret_json, bool *ret_found, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = access_statement(s, SQL_STATUS_GET, &st, e);

	if (kind != OK)
		return kind;
	bind_uuid(st, 1, id);
	bind_text(st, 2, account);
	bind_int(st, 3, world_now(s->world) - STATUS_KEEP_US);
	return column_get(s, st, ret_json, ret_found, e);
}

/* Drop those whose time is over; asks first, so that an idle store is not written to. */
enum err_kind statuses_drop(struct store *s, struct err *e)
{
	int64_t until_us = world_now(s->world) - STATUS_KEEP_US;
	sqlite3_stmt *st;
	enum err_kind kind = access_statement(s, SQL_STATUS_OLD, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	bind_int(st, 1, until_us);
	kind = conn_row(&s->access, st, &row, e);
	sqlite3_reset(st);
	pthread_mutex_unlock(&s->access_mutex);
	if (kind != OK || !row)
		return kind;
	kind = writer_begin(s, e);
	if (kind != OK)
		return kind;
	kind = conn_statement(&s->writer.conn, SQL_STATUS_DROP, &st, e);
	if (kind == OK) {
		bind_int(st, 1, until_us);
		kind = conn_done(&s->writer.conn, st, e);
	}
	return writer_end(s, kind, e);
}
