/* SPDX-License-Identifier: MPL-2.0 */
/* What a policy may look at in an object: short texts, interned, which the store does not
 * understand. */
#include "inside.h"

enum err_kind traits_intern(
	struct writer *w, struct slice text, uint32_t *ret_number, struct err *e)
{
	if (text.len == 0) {
		*ret_number = 0;
		return OK;
	}
	return names_intern(&w->s->traits, &w->conn, text, ret_number, e);
}

enum err_kind store_traits_get(
	struct store_reader *r, uint32_t traits, struct slice *ret_text, struct err *e)
{
	return names_text(&r->s->traits, &r->conn, traits, ret_text, e);
}

enum err_kind store_traits_put(struct store *s, const struct store_traits *list, size_t count,
	const struct store_note *note, struct err *e)
{
	struct writer *w = &s->writer;
	sqlite3_stmt *st;
	enum err_kind kind = OK;

	if (count > STORE_BATCH_MAX)
		return err_set(e, ERR_LIMIT, "traits of %zu objects, expected at most %d", count,
			STORE_BATCH_MAX);
	for (size_t i = 0; i < count; i++)
		if (list[i].text.len > STORE_TRAITS_BYTES)
			return err_set(e, ERR_LIMIT, "traits of %zu bytes, expected at most %d",
				list[i].text.len, STORE_TRAITS_BYTES);
	if (note != NULL)
		kind = notes_check(note, 1, e);
	if (kind == OK)
		kind = writer_begin(s, e);
	if (kind != OK)
		return kind;
	w->counters.label_epoch++; /* what audiences answer may change */
	kind = conn_statement(&w->conn, SQL_OBJECT_TRAITS, &st, e);
	for (size_t i = 0; kind == OK && i < count; i++) {
		uint32_t number;

		kind = traits_intern(w, list[i].text, &number, e);
		if (kind != OK)
			break;
		bind_int(st, 1, list[i].serial);
		bind_int(st, 2, number);
		kind = conn_done(&w->conn, st, e);
	}
	if (kind == OK && note != NULL)
		kind = notes_write(&w->conn, note, 1, e);
	return writer_end(s, kind, e);
}

enum err_kind store_member_get(struct store_reader *r, int64_t member, struct arena *a,
	struct slice *ret_name, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&r->conn, SQL_MEMBER_NAME, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	bind_int(st, 1, member);
	kind = conn_row(&r->conn, st, &row, e);
	if (kind != OK)
		return kind;
	*ret_name = (struct slice){0};
	if (!row)
		return OK;
	*ret_name = arena_copy(a, column_slice(st, 0));
	sqlite3_reset(st);
	return ret_name->data != NULL ? OK : err_set(e, ERR_NOMEM, "no room for a member's name");
}
