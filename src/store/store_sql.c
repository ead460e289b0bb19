/* SPDX-License-Identifier: MPL-2.0 */
/* Statements, and what SQLite's result codes mean in our words. */
#include <errno.h>

#include "inside.h"

static const char *const sql_text[SQL_COUNT] = {
#define SQL_TEXT(name, text) [SQL_##name] = (text),
	STORE_STATEMENTS(SQL_TEXT)
#undef SQL_TEXT
};

/* Result codes (the primary ones) that are not plain ERR_IO. */
static const struct {
	int code;
	enum err_kind kind;
} kinds[] = {
	{SQLITE_FULL,       ERR_FULL    },
	{SQLITE_CORRUPT,    ERR_CORRUPT },
	{SQLITE_NOTADB,     ERR_CORRUPT },
	{SQLITE_ERROR,      ERR_CORRUPT }, /* our statements are right, so a table must be missing */
	{SQLITE_MISMATCH,   ERR_CORRUPT },
	{SQLITE_NOMEM,      ERR_NOMEM   },
	{SQLITE_BUSY,       ERR_BUSY    },
	{SQLITE_LOCKED,     ERR_BUSY    },
	{SQLITE_READONLY,   ERR_DENIED  },
	{SQLITE_PERM,       ERR_DENIED  },
	{SQLITE_AUTH,       ERR_DENIED  },
	{SQLITE_TOOBIG,     ERR_LIMIT   },
	{SQLITE_CONSTRAINT, ERR_CONFLICT},
};

enum err_kind conn_fail(const struct conn *c, struct err *e, const char *doing)
{
	int code = c->db == NULL ? SQLITE_NOMEM : sqlite3_extended_errcode(c->db);
	int number = c->db == NULL ? 0 : sqlite3_system_errno(c->db);
	const char *text = c->db == NULL ? "out of memory" : sqlite3_errmsg(c->db);
	enum err_kind kind = ERR_IO;

	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (kinds[i].code == (code & 0xff))
			kind = kinds[i].kind;
	if ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN) {
		if (code == SQLITE_IOERR_NOMEM)
			kind = ERR_NOMEM;
		else if (code == SQLITE_IOERR_CORRUPTFS)
			kind = ERR_CORRUPT;
		else if (number != 0)
			kind = err_kind_of_errno(number);
		if (number != 0)
			return err_set(e, kind, "store \"%s\": %s: %s: %s", c->path, doing, text,
				strerror(number));
	}
	return err_set(e, kind, "store \"%s\": %s: %s", c->path, doing, text);
}

static enum err_kind prepare(
	struct conn *c, enum sql_id id, unsigned flags, sqlite3_stmt **ret_st, struct err *e)
{
	if (sqlite3_prepare_v3(c->db, sql_text[id], -1, flags, ret_st, NULL) != SQLITE_OK)
		return conn_fail(c, e, "could not prepare a statement");
	return OK;
}

enum err_kind conn_statement(struct conn *c, enum sql_id id, sqlite3_stmt **ret_st, struct err *e)
{
	if (c->statements[id] == NULL) {
		enum err_kind kind =
			prepare(c, id, SQLITE_PREPARE_PERSISTENT, &c->statements[id], e);

		if (kind != OK)
			return kind;
	}
	*ret_st = c->statements[id];
	return OK;
}

enum err_kind conn_take(struct conn *c, enum sql_id id, sqlite3_stmt **ret_st, struct err *e)
{
	enum err_kind kind;

	if (c->taken[id])
		return prepare(c, id, 0, ret_st, e);
	kind = conn_statement(c, id, ret_st, e);
	if (kind == OK)
		c->taken[id] = true;
	return kind;
}

void conn_give(struct conn *c, enum sql_id id, sqlite3_stmt *st)
{
	if (st == NULL)
		return;
	if (st == c->statements[id]) {
		sqlite3_reset(st);
		sqlite3_clear_bindings(st); /* what was bound is the cursor's, and dies with it */
		c->taken[id] = false;
	} else {
		sqlite3_finalize(st);
	}
}

enum err_kind conn_row(struct conn *c, sqlite3_stmt *st, bool *ret_row, struct err *e)
{
	int code = sqlite3_step(st);

	if (code == SQLITE_ROW) {
		*ret_row = true;
		return OK;
	}
	if (code != SQLITE_DONE) {
		enum err_kind kind = conn_fail(c, e, "could not read");

		sqlite3_reset(st);
		return kind;
	}
	sqlite3_reset(st);
	*ret_row = false;
	return OK;
}

enum err_kind conn_done(struct conn *c, sqlite3_stmt *st, struct err *e)
{
	int code;

	do
		code = sqlite3_step(st);
	while (code == SQLITE_ROW);
	if (code != SQLITE_DONE) {
		enum err_kind kind = conn_fail(c, e, "could not write");

		sqlite3_reset(st);
		return kind;
	}
	sqlite3_reset(st);
	return OK;
}

enum err_kind conn_run(struct conn *c, enum sql_id id, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(c, id, &st, e);

	return kind == OK ? conn_done(c, st, e) : kind;
}

enum err_kind conn_exec(struct conn *c, const char *sql, struct err *e)
{
	if (sqlite3_exec(c->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return conn_fail(c, e, "could not set up");
	return OK;
}

void conn_close(struct conn *c)
{
	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(c->statements[i]);
	sqlite3_close(c->db);
	*c = (struct conn){0};
}

void bind_int(sqlite3_stmt *st, int at, int64_t value)
{
	sqlite3_bind_int64(st, at, value);
}

void bind_blob(sqlite3_stmt *st, int at, struct slice bytes)
{
	sqlite3_bind_blob64(st, at, bytes.len == 0 ? "" : bytes.data, bytes.len, SQLITE_STATIC);
}

void bind_text(sqlite3_stmt *st, int at, struct slice text)
{
	sqlite3_bind_text64(
		st, at, text.len == 0 ? "" : text.data, text.len, SQLITE_STATIC, SQLITE_UTF8);
}

void bind_text_or_null(sqlite3_stmt *st, int at, struct slice text)
{
	if (text.len == 0)
		sqlite3_bind_null(st, at);
	else
		bind_text(st, at, text);
}

void bind_uuid(sqlite3_stmt *st, int at, const struct uuid *u)
{
	sqlite3_bind_blob64(st, at, u->bytes, sizeof(u->bytes), SQLITE_STATIC);
}

struct slice column_slice(sqlite3_stmt *st, int at)
{
	const void *data = sqlite3_column_blob(st, at);
	int len = sqlite3_column_bytes(st, at);

	return (struct slice){data, data == NULL ? 0 : (size_t)len};
}

bool column_uuid(sqlite3_stmt *st, int at, struct uuid *ret_uuid)
{
	struct slice s = column_slice(st, at);

	if (s.len != sizeof(ret_uuid->bytes))
		return false;
	memcpy(ret_uuid->bytes, s.data, s.len);
	return true;
}
