/* SPDX-License-Identifier: MPL-2.0 */
/* Until when versions may be kept, and what is gone because its time had come. */
#include "inside.h"

#define RULE_MAX 128 /* bytes, as store.h says */

static enum err_kind due_put(struct writer *w, const struct store_due *d, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind =
		conn_statement(&w->conn, d->at_us == 0 ? SQL_DUE_DROP : SQL_DUE_PUT, &st, e);

	if (kind != OK)
		return kind;
	bind_int(st, 1, d->number);
	if (d->at_us != 0) {
		bind_int(st, 2, d->at_us);
		bind_text(st, 3, d->rule);
	}
	return conn_done(&w->conn, st, e);
}

/* A version that went between being looked at and now has nothing left to end. */
static enum err_kind is_here(struct writer *w, int64_t number, bool *ret_here, struct err *e)
{
	bool further = number >= STORE_VOUCHED;
	sqlite3_stmt *st;
	enum err_kind kind =
		conn_statement(&w->conn, further ? SQL_VOUCH_GET : SQL_OBJECT_OWNER, &st, e);

	if (kind != OK)
		return kind;
	bind_int(st, 1, further ? number - STORE_VOUCHED : number);
	kind = conn_row(&w->conn, st, ret_here, e);
	sqlite3_reset(st);
	return kind;
}

enum err_kind store_due_put(struct store *s, const struct store_due *list, size_t count,
	const struct store_note *notes, size_t notes_count, struct err *e)
{
	enum err_kind kind = notes_check(notes, notes_count, e);
	bool here;

	for (size_t i = 0; i < count; i++)
		if (list[i].rule.len > RULE_MAX)
			return err_set(e, ERR_USAGE,
				"a rule's name of %zu bytes, expected at most %d", list[i].rule.len,
				RULE_MAX);
	if (kind == OK)
		kind = writer_begin(s, e);
	if (kind != OK)
		return kind;
	for (size_t i = 0; kind == OK && i < count; i++) {
		kind = is_here(&s->writer, list[i].number, &here, e);
		if (kind == OK && here)
			kind = due_put(&s->writer, &list[i], e);
	}
	if (kind == OK)
		kind = notes_write(&s->writer.conn, notes, notes_count, e);
	if (kind == OK)
		return writer_commit(s, e);
	writer_rollback(s);
	return kind;
}

enum err_kind store_due_each(struct store_reader *r, int64_t before_us,
	bool (*each)(void *context, const struct store_due *due), void *context, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&r->conn, SQL_DUE_BEFORE, &st, e);
	bool row, more = true;

	if (kind != OK)
		return kind;
	bind_int(st, 1, before_us);
	while (more && (kind = conn_row(&r->conn, st, &row, e)) == OK && row) {
		const struct store_due due = {sqlite3_column_int64(st, 0),
			sqlite3_column_int64(st, 1), column_slice(st, 2)};

		more = each(context, &due);
	}
	sqlite3_reset(st);
	return kind;
}

enum err_kind store_due_counts_each(struct store_reader *r, int64_t before_us,
	bool (*each)(void *context, const struct store_due_count *count), void *context,
	struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&r->conn, SQL_DUE_COUNTS, &st, e);
	bool row, more = true;

	if (kind != OK)
		return kind;
	bind_int(st, 1, before_us);
	bind_int(st, 2, STORE_VOUCHED);
	while (more && (kind = conn_row(&r->conn, st, &row, e)) == OK && row) {
		const struct store_due_count count = {column_slice(st, 0), column_slice(st, 1),
			(uint64_t)sqlite3_column_int64(st, 2), sqlite3_column_int64(st, 3)};

		more = each(context, &count);
	}
	sqlite3_reset(st);
	return kind;
}

enum err_kind store_due_get(
	struct store_reader *r, int64_t number, int64_t *ret_at_us, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&r->conn, SQL_DUE_GET, &st, e);
	bool row = false;

	if (kind != OK)
		return kind;
	bind_int(st, 1, number);
	kind = conn_row(&r->conn, st, &row, e);
	*ret_at_us = kind == OK && row ? sqlite3_column_int64(st, 0) : 0;
	sqlite3_reset(st);
	return kind;
}

/* ---- what is gone ---------------------------------------------------------------------------- */

static enum err_kind deleted_add(struct writer *w, const struct store_deleted *d, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_DELETED_ADD, &st, e);

	if (kind != OK)
		return kind;
	bind_int(st, 1, d->at_us);
	bind_int(st, 2, d->number);
	bind_int(st, 3, d->due_us);
	bind_text(st, 4, d->member);
	bind_text(st, 5, d->rule);
	bind_blob(st, 6, (struct slice){(const char *)d->policy, SHA256_LEN});
	return conn_done(&w->conn, st, e);
}

static enum err_kind expire_one(struct writer *w, const struct store_deleted *d, struct err *e)
{
	const struct store_due none = {.number = d->number};
	struct store_deleted record = *d;
	bool found;
	enum err_kind kind = claim_expire(w, d->number, &record.number, &found, e);

	if (kind == OK)
		kind = due_put(w, &none, e);
	return kind == OK ? deleted_add(w, &record, e) : kind;
}

enum err_kind store_expire(
	struct store *s, const struct store_deleted *list, size_t count, struct err *e)
{
	enum err_kind kind = writer_begin(s, e);

	if (kind != OK)
		return kind;
	for (size_t i = 0; kind == OK && i < count; i++)
		kind = expire_one(&s->writer, &list[i], e);
	if (kind == OK)
		return writer_commit(s, e);
	writer_rollback(s);
	return kind;
}

static enum err_kind evidence_expire(
	struct writer *w, struct slice member, int64_t until_us, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_EVIDENCE_EXPIRE, &st, e);

	if (kind != OK)
		return kind;
	bind_text(st, 1, member);
	bind_int(st, 2, until_us);
	kind = conn_done(&w->conn, st, e);
	if (kind == OK && sqlite3_changes(w->conn.db) > 0)
		kind = conn_run(&w->conn, SQL_ERASED, e);
	return kind;
}

enum err_kind store_refused_expire(struct store *s, const struct store_deleted *list, size_t count,
	int64_t until_us, struct err *e)
{
	enum err_kind kind = OK;

	for (size_t i = 0; i < count; i++)
		if (list[i].number < STORE_REFUSED || list[i].number >= STORE_VOUCHED ||
			!slice_equal(list[i].member, list[0].member))
			return err_set(e, ERR_USAGE,
				"record %zu of %zu is not of a refused content of \"%.*s\"", i,
				count, SLICE_ARG(list[0].member));
	if (count == 0)
		return OK;
	kind = writer_begin(s, e);
	if (kind != OK)
		return kind;
	for (size_t i = 0; kind == OK && i < count; i++)
		kind = deleted_add(&s->writer, &list[i], e);
	if (kind == OK)
		kind = evidence_expire(&s->writer, list[0].member, until_us, e);
	if (kind == OK)
		return writer_commit(s, e);
	writer_rollback(s);
	return kind;
}

static enum err_kind deleted_walk(struct store_reader *r, enum sql_id which, int64_t from,
	bool (*each)(void *context, const struct store_deleted *deleted), void *context,
	struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&r->conn, which, &st, e);
	bool row, more = true;

	if (kind != OK)
		return kind;
	bind_int(st, 1, from);
	while (more && (kind = conn_row(&r->conn, st, &row, e)) == OK && row) {
		struct store_deleted d = {.at_us = sqlite3_column_int64(st, 0),
			.number = sqlite3_column_int64(st, 1),
			.due_us = sqlite3_column_int64(st, 2),
			.member = column_slice(st, 3),
			.rule = column_slice(st, 4),
			.entry = sqlite3_column_int64(st, 6)};
		struct slice policy = column_slice(st, 5);

		if (policy.len == SHA256_LEN)
			memcpy(d.policy, policy.data, SHA256_LEN);
		more = each(context, &d);
	}
	sqlite3_reset(st);
	return kind;
}

enum err_kind store_deleted_each(struct store_reader *r, int64_t since_us,
	bool (*each)(void *context, const struct store_deleted *deleted), void *context,
	struct err *e)
{
	return deleted_walk(r, SQL_DELETED_SINCE, since_us, each, context, e);
}

enum err_kind store_deleted_after(struct store_reader *r, int64_t entry,
	bool (*each)(void *context, const struct store_deleted *deleted), void *context,
	struct err *e)
{
	return deleted_walk(r, SQL_DELETED_AFTER, entry, each, context, e);
}

enum err_kind store_retention_get(struct store_reader *r, int64_t soon_us, int64_t since_us,
	struct store_retention *ret_retention, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&r->conn, SQL_RETENTION, &st, e);
	bool row = false;

	if (kind != OK)
		return kind;
	bind_int(st, 1, soon_us);
	bind_int(st, 2, since_us);
	kind = conn_row(&r->conn, st, &row, e);
	if (kind == OK && row)
		*ret_retention = (struct store_retention){(uint64_t)sqlite3_column_int64(st, 0),
			sqlite3_column_int64(st, 1), (uint64_t)sqlite3_column_int64(st, 2),
			sqlite3_column_int64(st, 3), (uint64_t)sqlite3_column_int64(st, 4),
			(uint64_t)sqlite3_column_int64(st, 5)};
	sqlite3_reset(st);
	return kind;
}
