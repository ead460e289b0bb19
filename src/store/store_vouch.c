/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Several members that vouch for one version: what one takes back stays for the others. Whose it is
 * stands in its row; the others each have a row in `vouch`. When the first takes it back, the row
 * is handed to the next, and `holds` says of the rest that nothing but they keeps it.
 */
#include "inside.h"

enum err_kind claims_drop(struct writer *w, int64_t serial, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_VOUCH_DROP_ALL, &st, e);

	if (kind != OK)
		return kind;
	bind_int(st, 1, serial);
	return conn_done(&w->conn, st, e);
}

/* Who vouches next for a version; *ret_found false: nobody. The name lives until the next step. */
static enum err_kind next_of(struct writer *w, int64_t serial, struct slice *ret_name,
	bool *ret_holds, sqlite3_stmt **ret_st, bool *ret_found, struct err *e)
{
	enum err_kind kind = conn_statement(&w->conn, SQL_VOUCH_NEXT, ret_st, e);

	if (kind != OK)
		return kind;
	bind_int(*ret_st, 1, serial);
	kind = conn_row(&w->conn, *ret_st, ret_found, e);
	if (kind == OK && *ret_found) {
		*ret_name = column_slice(*ret_st, 1);
		*ret_holds = sqlite3_column_int(*ret_st, 2) != 0;
	}
	return kind;
}

/* The version becomes a member's, with the next number of its sequence. */
static enum err_kind hand_over(struct writer *w, int64_t serial, struct slice name, struct err *e)
{
	struct member_state *to;
	int64_t member, origin;
	sqlite3_stmt *st;
	bool row = false;
	enum err_kind kind = writer_member(w, name, &to, e);

	if (kind == OK)
		kind = conn_statement(&w->conn, SQL_OBJECT_OWNER, &st, e);
	if (kind != OK)
		return kind;
	bind_int(st, 1, serial);
	kind = conn_row(&w->conn, st, &row, e);
	if (kind != OK || !row)
		return kind;
	member = sqlite3_column_int64(st, 0);
	origin = sqlite3_column_int64(st, 1);
	sqlite3_reset(st);
	if (member == to->number)
		return OK;
	kind = gone_add(w, serial, member, origin, e);
	if (kind == OK)
		kind = conn_statement(&w->conn, SQL_OBJECT_HAND_OVER, &st, e);
	if (kind != OK)
		return kind;
	to->origin_last++;
	to->dirty = true;
	w->counters.label_epoch++; /* whoever remembers answers asks again */
	bind_int(st, 1, serial);
	bind_int(st, 2, to->number);
	bind_int(st, 3, to->origin_last);
	return conn_done(&w->conn, st, e);
}

/* Whose it was takes it back. */
static enum err_kind first_forget(struct writer *w, int64_t serial, bool *ret_found, struct err *e)
{
	struct slice name = {0};
	sqlite3_stmt *st, *hold;
	bool another = false, holds = false;
	enum err_kind kind = next_of(w, serial, &name, &holds, &st, &another, e);

	if (kind != OK)
		return kind;
	if (!another)
		return object_forget(w, serial, ret_found, e);
	/* Twice is once: then it rests on the others already. */
	*ret_found = !holds;
	kind = holds ? OK : hand_over(w, serial, name, e);
	sqlite3_reset(st);
	if (kind == OK)
		kind = conn_statement(&w->conn, SQL_VOUCH_HOLD, &hold, e);
	if (kind != OK)
		return kind;
	bind_int(hold, 1, serial);
	return conn_done(&w->conn, hold, e);
}

static enum err_kind further_forget(
	struct writer *w, int64_t number, bool *ret_found, struct err *e)
{
	sqlite3_stmt *st;
	int64_t serial = 0;
	bool holds = false, another = false, gone;
	struct slice name = {0};
	enum err_kind kind = conn_statement(&w->conn, SQL_VOUCH_GET, &st, e);

	if (kind != OK)
		return kind;
	bind_int(st, 1, number - STORE_VOUCHED);
	kind = conn_row(&w->conn, st, ret_found, e);
	if (kind != OK || !*ret_found)
		return kind;
	serial = sqlite3_column_int64(st, 0);
	holds = sqlite3_column_int(st, 1) != 0;
	sqlite3_reset(st);
	kind = conn_statement(&w->conn, SQL_VOUCH_DROP, &st, e);
	if (kind != OK)
		return kind;
	bind_int(st, 1, number - STORE_VOUCHED);
	kind = conn_done(&w->conn, st, e);
	if (kind != OK || !holds)
		return kind;
	kind = next_of(w, serial, &name, &holds, &st, &another, e);
	if (kind != OK)
		return kind;
	if (!another)
		return object_forget(w, serial, &gone, e);
	kind = hand_over(w, serial, name, e);
	sqlite3_reset(st);
	return kind;
}

enum err_kind claim_forget(struct writer *w, int64_t number, bool *ret_found, struct err *e)
{
	return number >= STORE_VOUCHED ? further_forget(w, number, ret_found, e)
				       : first_forget(w, number, ret_found, e);
}

enum err_kind claim_expire(
	struct writer *w, int64_t number, int64_t *ret_claim, bool *ret_found, struct err *e)
{
	struct slice name = {0};
	sqlite3_stmt *st;
	bool another = false, holds = false;
	int64_t next;
	enum err_kind kind;

	*ret_claim = number;
	if (number >= STORE_VOUCHED)
		return further_forget(w, number, ret_found, e);
	kind = next_of(w, number, &name, &holds, &st, &another, e);
	if (kind != OK)
		return kind;
	next = another ? sqlite3_column_int64(st, 0) : 0;
	sqlite3_reset(st);
	if (another && holds)
		*ret_claim = STORE_VOUCHED + next;
	return claim_forget(w, *ret_claim, ret_found, e);
}

/* ---- vouching -------------------------------------------------------------------------------- */

/* *ret_found: there is one of this member and leaf, for a version that is still here. */
static enum err_kind known_get(struct writer *w, int64_t member, uint64_t leaf, int64_t serial,
	int64_t *ret_number, bool *ret_found, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_VOUCH_FIND, &st, e);
	bool same;

	if (kind != OK)
		return kind;
	bind_int(st, 1, member);
	bind_int(st, 2, (int64_t)leaf);
	kind = conn_row(&w->conn, st, ret_found, e);
	if (kind != OK || !*ret_found)
		return kind;
	*ret_number = sqlite3_column_int64(st, 0);
	same = sqlite3_column_int64(st, 1) == serial;
	sqlite3_reset(st);
	if (same)
		return OK;
	kind = conn_statement(&w->conn, SQL_VOUCH_POINT, &st, e);
	if (kind != OK)
		return kind;
	bind_int(st, 1, *ret_number);
	bind_int(st, 2, serial);
	return conn_done(&w->conn, st, e);
}

static enum err_kind vouch(struct writer *w, int64_t serial, struct slice name, uint64_t leaf,
	int64_t *ret_number, struct err *e)
{
	struct member_state *member;
	sqlite3_stmt *st;
	bool row = false;
	enum err_kind kind = conn_statement(&w->conn, SQL_OBJECT_OWNER, &st, e);

	if (kind != OK)
		return kind;
	bind_int(st, 1, serial);
	kind = conn_row(&w->conn, st, &row, e);
	sqlite3_reset(st);
	if (kind == OK && !row)
		return err_set(
			e, ERR_USAGE, "there is no version with serial %lld", (long long)serial);
	if (kind == OK)
		kind = writer_member(w, name, &member, e);
	if (kind == OK)
		kind = known_get(w, member->number, leaf, serial, ret_number, &row, e);
	if (kind != OK || row)
		return kind;
	kind = conn_statement(&w->conn, SQL_VOUCH_ADD, &st, e);
	if (kind != OK)
		return kind;
	bind_int(st, 1, member->number);
	bind_int(st, 2, (int64_t)leaf);
	bind_int(st, 3, serial);
	bind_int(st, 4, world_now(w->s->world));
	kind = conn_done(&w->conn, st, e);
	*ret_number = sqlite3_last_insert_rowid(w->conn.db);
	return kind;
}

enum err_kind store_vouch(struct store *s, int64_t serial, struct slice member, uint64_t leaf,
	int64_t *ret_number, struct err *e)
{
	int64_t number = 0;
	enum err_kind kind;

	if (member.len == 0 || member.len > MEMBER_MAX || leaf > INT64_MAX)
		return err_set(
			e, ERR_USAGE, "a member of %zu bytes, or a leaf past all", member.len);
	kind = writer_begin(s, e);
	if (kind != OK)
		return kind;
	kind = vouch(&s->writer, serial, member, leaf, &number, e);
	kind = writer_end(s, kind, e);
	if (kind == OK)
		*ret_number = STORE_VOUCHED + number;
	return kind;
}

enum err_kind store_rests_on_vouch(
	struct store_reader *r, int64_t serial, bool *ret_rests, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&r->conn, SQL_VOUCH_RESTS, &st, e);

	if (kind != OK)
		return kind;
	bind_int(st, 1, serial);
	kind = conn_row(&r->conn, st, ret_rests, e);
	sqlite3_reset(st);
	return kind;
}

enum err_kind store_vouched_get(
	struct store_reader *r, int64_t number, int64_t *ret_serial, bool *ret_found, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind;

	*ret_found = true;
	*ret_serial = number;
	if (number < STORE_VOUCHED)
		return OK;
	kind = conn_statement(&r->conn, SQL_VOUCH_GET, &st, e);
	if (kind != OK)
		return kind;
	bind_int(st, 1, number - STORE_VOUCHED);
	kind = conn_row(&r->conn, st, ret_found, e);
	if (kind == OK && *ret_found) {
		*ret_serial = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
	}
	return kind;
}
