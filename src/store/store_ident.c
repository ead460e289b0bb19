/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Numbers for ids. The index from id to number is the one over random keys: in a store of a million
 * objects nearly every insert would dirty a page of its own, eight kilobytes for thirty bytes. So
 * new ids go to the end of a small table, the tail, and are remembered in memory; when the tail is
 * long it is merged into the index in one go, sorted, many to a page. Values wait the same way:
 * value_of, in order of arrival, has all of them, value those up to a serial.
 */
#include <stdlib.h>

#include "inside.h"

#define CACHE_SLOTS    65536u /* of 32 bytes: what is referred to again and again */
#define TAIL_MERGE     65536  /* ids from which the tail is merged: 4 MiB in memory */
#define TAIL_MAX       262144 /* never more: further ids of one huge transaction go to the index */
#define VALUES_MERGE   16384  /* values that wait; a search walks them, which takes 4 ms */
#define TAIL_SLOTS_MIN 1024

/* ---- the tail in memory ---------------------------------------------------------------------- */

static uint64_t hash_of(uint32_t type, const struct uuid *uuid)
{
	uint64_t a, b;

	/* random in v4, hashed in v5; others just share slots more often */
	memcpy(&a, uuid->bytes, sizeof(a));
	memcpy(&b, uuid->bytes + 8, sizeof(b));
	return ((a ^ b * UINT64_C(0x9e3779b97f4a7c15)) + type) * UINT64_C(0xff51afd7ed558ccd);
}

static struct ident_slot *tail_slot(
	const struct ident_tail *t, uint32_t type, const struct uuid *uuid)
{
	size_t at = (size_t)(hash_of(type, uuid) >> 20) & (t->slots_count - 1);

	while (t->slots[at].type != 0 &&
		!(t->slots[at].type == type && uuid_equal(&t->slots[at].uuid, uuid)))
		at = (at + 1) & (t->slots_count - 1);
	return &t->slots[at];
}

/* With the mutex held. */
static enum err_kind tail_room(struct ident_tail *t, struct err *e)
{
	size_t before = t->slots_count;
	size_t slots_count = before == 0 ? TAIL_SLOTS_MIN : before * 2;
	struct ident_slot *slots, *old = t->slots;

	if ((t->count + 1) * 2 <= before)
		return OK;
	slots = calloc(slots_count, sizeof(*slots));
	if (slots == NULL)
		return err_set(e, ERR_NOMEM, "out of memory for ids");
	t->slots = slots;
	t->slots_count = slots_count;
	for (size_t i = 0; i < before; i++)
		if (old[i].type != 0)
			*tail_slot(t, old[i].type, &old[i].uuid) = old[i];
	free(old);
	return OK;
}

static enum err_kind tail_add(struct ident_tail *t, const struct ident_slot *id, struct err *e)
{
	struct ident_slot *slot;
	enum err_kind kind = tail_room(t, e);

	if (kind != OK)
		return kind;
	slot = tail_slot(t, id->type, &id->uuid);
	t->count += slot->type == 0;
	*slot = *id;
	return OK;
}

static enum err_kind tail_put(struct ident_tail *t, const struct ident_slot *id, struct err *e)
{
	enum err_kind kind;

	pthread_mutex_lock(&t->mutex);
	kind = tail_add(t, id, e);
	pthread_mutex_unlock(&t->mutex);
	return kind;
}

/* Put other slots in their place; at no time does a reader see less than there is. */
static void tail_replace(struct ident_tail *t, const struct ident_tail *with)
{
	struct ident_slot *old;

	pthread_mutex_lock(&t->mutex);
	old = t->slots;
	t->slots = with->slots;
	t->slots_count = with->slots_count;
	t->count = with->count;
	pthread_mutex_unlock(&t->mutex);
	free(old);
}

bool tail_find(
	struct ident_tail *t, uint32_t type, const struct uuid *uuid, struct ident_slot *ret_slot)
{
	bool found = false;

	pthread_mutex_lock(&t->mutex);
	if (t->slots_count > 0) {
		*ret_slot = *tail_slot(t, type, uuid);
		found = ret_slot->type != 0;
	}
	pthread_mutex_unlock(&t->mutex);
	return found;
}

void tail_fini(struct ident_tail *t)
{
	free(t->slots);
	pthread_mutex_destroy(&t->mutex);
}

/* ---- the writer's cache of what is in the index ---------------------------------------------- */

static struct ident_slot *cache_slot(struct writer *w, uint32_t type, const struct uuid *uuid)
{
	return &w->idents[hash_of(type, uuid) >> 40 & (CACHE_SLOTS - 1)];
}

enum err_kind idents_open(struct writer *w, struct err *e)
{
	w->idents = calloc(CACHE_SLOTS, sizeof(*w->idents));
	return w->idents != NULL ? OK : err_set(e, ERR_NOMEM, "out of memory for ids");
}

/* What the database says, at the start and after a rollback. */
enum err_kind idents_load(struct writer *w, struct err *e)
{
	struct ident_tail t = {0};
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_TAIL_GET, &st, e);
	bool row;

	memset(w->idents, 0, CACHE_SLOTS * sizeof(*w->idents));
	while (kind == OK && (kind = conn_row(&w->conn, st, &row, e)) == OK && row) {
		struct ident_slot id = {
			.number = sqlite3_column_int64(st, 0),
			.type = (uint32_t)sqlite3_column_int64(st, 2),
			.own = (uint32_t)sqlite3_column_int64(st, 3),
		};

		if (!column_uuid(st, 1, &id.uuid) || id.type == 0)
			kind = err_set(e, ERR_CORRUPT, "store \"%s\": id number %lld is damaged",
				w->s->folder, (long long)id.number);
		else
			kind = tail_add(&t, &id, e);
		if (kind != OK)
			break;
	}
	sqlite3_reset(w->conn.statements[SQL_TAIL_GET]);
	if (kind != OK) {
		free(t.slots);
		return kind;
	}
	tail_replace(&w->s->tail, &t);
	kind = conn_statement(&w->conn, SQL_VALUES_WAITING, &st, e);
	w->values_waiting = 0;
	for (int k = 0; kind == OK && k < VALUE_KINDS_MAX; k++) {
		bind_int(st, 1, k);
		bind_int(st, 2, w->counters.values_last);
		kind = conn_row(&w->conn, st, &row, e);
		if (kind == OK && row)
			w->values_waiting += sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
	}
	return kind;
}

/* ---- looking up and giving numbers ----------------------------------------------------------- */

enum err_kind ident_find(struct writer *w, uint32_t type, const struct uuid *uuid,
	struct ident *ret_ident, bool *ret_found, struct err *e)
{
	struct ident_slot *cached = cache_slot(w, type, uuid), found;
	sqlite3_stmt *st;
	enum err_kind kind;
	bool row;

	*ret_found = true;
	if (cached->type == type && uuid_equal(&cached->uuid, uuid)) {
		*ret_ident = (struct ident){cached->number, cached->own, true};
		return OK;
	}
	if (tail_find(&w->s->tail, type, uuid, &found)) {
		*ret_ident = (struct ident){found.number, found.own, true};
		return OK;
	}
	kind = conn_statement(&w->conn, SQL_IDENT_GET, &st, e);
	if (kind != OK)
		return kind;
	bind_uuid(st, 1, uuid);
	bind_int(st, 2, type);
	kind = conn_row(&w->conn, st, &row, e);
	if (kind != OK)
		return kind;
	*ret_found = row;
	if (!row)
		return OK;
	*ret_ident = (struct ident){
		sqlite3_column_int64(st, 0), (uint32_t)sqlite3_column_int64(st, 1), true};
	sqlite3_reset(st);
	*cached = (struct ident_slot){*uuid, type, ret_ident->own, ret_ident->number};
	return OK;
}

enum err_kind ident_intern(struct writer *w, uint32_t type, const struct uuid *uuid, uint32_t own,
	struct ident *ret_ident, struct err *e)
{
	bool found, full = w->s->tail.count >= TAIL_MAX;
	struct ident_slot id;
	sqlite3_stmt *st;
	enum err_kind kind = ident_find(w, type, uuid, ret_ident, &found, e);

	if (kind != OK || found)
		return kind;
	kind = conn_statement(&w->conn, full ? SQL_IDENT_ADD : SQL_TAIL_ADD, &st, e);
	if (kind != OK)
		return kind;
	id = (struct ident_slot){*uuid, type, own, ++w->counters.ident_last};
	bind_int(st, 1, id.number);
	bind_uuid(st, 2, uuid);
	bind_int(st, 3, type);
	bind_int(st, 4, own);
	kind = conn_done(&w->conn, st, e);
	if (kind == OK && full)
		*cache_slot(w, type, uuid) = id;
	else if (kind == OK)
		kind = tail_put(&w->s->tail, &id, e);
	*ret_ident = (struct ident){id.number, own, false};
	return kind;
}

enum err_kind ident_own_put(struct writer *w, uint32_t type, const struct uuid *uuid,
	const struct ident *ident, uint32_t own, struct err *e)
{
	struct ident_slot id = {*uuid, type, own, ident->number}, found;
	bool waits = tail_find(&w->s->tail, type, uuid, &found);
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, waits ? SQL_TAIL_OWN : SQL_IDENT_OWN, &st, e);

	if (kind != OK)
		return kind;
	bind_int(st, 1, own);
	if (waits) {
		bind_int(st, 2, ident->number);
	} else {
		bind_uuid(st, 2, uuid);
		bind_int(st, 3, type);
	}
	kind = conn_done(&w->conn, st, e);
	if (kind != OK)
		return kind;
	if (waits)
		return tail_put(&w->s->tail, &id, e);
	*cache_slot(w, type, uuid) = id;
	return OK;
}

/* ---- merging --------------------------------------------------------------------------------- */

/*
 * OR FAIL in these statements: a failure is followed by a rollback of all, so that SQLite need not
 * remember each page as it was before the statement; that would be the whole index, in memory.
 */

static enum err_kind values_move(struct writer *w, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_VALUES_MERGE, &st, e);

	for (int k = 0; kind == OK && k < VALUE_KINDS_MAX; k++) {
		bind_int(st, 1, k);
		bind_int(st, 2, w->counters.values_last);
		kind = conn_done(&w->conn, st, e);
	}
	w->counters.values_last = w->counters.serial_last;
	return kind;
}

/* Merge what waits, in one transaction, when there is much (or `all`, when there is any). */
enum err_kind tails_merge(struct writer *w, bool all, struct err *e)
{
	struct ident_tail *t = &w->s->tail;
	bool ids = t->count >= (all ? 1 : TAIL_MERGE);
	bool values = w->values_waiting >= (all ? 1 : VALUES_MERGE);
	enum err_kind kind;

	if (!ids && !values)
		return OK;
	kind = writer_begin_locked(w, e);
	if (kind != OK)
		return kind;
	if (ids)
		kind = conn_run(&w->conn, SQL_TAIL_MERGE, e);
	if (kind == OK && ids)
		kind = conn_run(&w->conn, SQL_TAIL_CLEAR, e);
	if (kind == OK && values)
		kind = values_move(w, e);
	if (kind != OK) {
		writer_rollback_locked(w);
		return kind;
	}
	kind = writer_commit_locked(w, e);
	if (kind != OK)
		return kind;
	if (values)
		w->values_waiting = 0;
	if (ids) {
		t->merges++; /* before it is cleared: who then misses an id sees why */
		tail_replace(t, &(struct ident_tail){0});
	}
	return OK;
}
