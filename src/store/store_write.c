/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The writer: one connection, one transaction at a time, and what it remembers between them. All of
 * that is only a copy of what the database says; a rollback throws it away and reads it again.
 * References and values wait in memory until the end of the transaction, and go in sorted: then
 * their trees are walked once, from left to right.
 */
#include <stdlib.h>

#include "inside.h"

#define TAIL_LEFT        4096     /* ids that may wait when the store is closed */
#define MEMBERS_KEPT     256      /* remembered; all forgotten when more are met */
#define ROWS_WAITING_MAX 200000   /* references or values before they are written, 5 MB */
#define SCRATCH_MAX      MIB(256) /* bytes of the keys of as many values, and of one object's more */

/* ---- collections and members ----------------------------------------------------------------- */

enum err_kind writer_collections_load(struct writer *w, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_COLLECTIONS_GET, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	w->collections_count = 0;
	while ((kind = conn_row(&w->conn, st, &row, e)) == OK && row) {
		struct collection_state *grown = realloc(
			w->collections, (w->collections_count + 1) * sizeof(*w->collections));

		if (grown == NULL) {
			sqlite3_reset(st);
			return err_set(e, ERR_NOMEM, "out of memory");
		}
		w->collections = grown;
		w->collections[w->collections_count++] =
			(struct collection_state){.number = sqlite3_column_int64(st, 0),
				.last_added_us = sqlite3_column_int64(st, 8),
				.entries = sqlite3_column_int64(st, 9),
				.change = sqlite3_column_int64(st, 10),
				.clock_us = sqlite3_column_int64(st, 11)};
	}
	return kind;
}

struct collection_state *writer_collection(struct writer *w, int64_t number)
{
	for (size_t i = 0; i < w->collections_count; i++)
		if (w->collections[i].number == number)
			return &w->collections[i];
	return NULL;
}

static void members_forget(struct writer *w)
{
	w->members_count = 0;
	arena_reset(w->members_arena);
}

static enum err_kind members_flush(struct writer *w, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_MEMBER_COUNTS, &st, e);

	for (size_t i = 0; kind == OK && i < w->members_count; i++) {
		struct member_state *m = &w->members[i];

		if (!m->dirty)
			continue;
		bind_int(st, 1, m->number);
		bind_int(st, 2, m->origin_last);
		bind_int(st, 3, m->evidence_count);
		bind_int(st, 4, m->evidence_bytes);
		kind = conn_done(&w->conn, st, e);
		m->dirty = false;
	}
	return kind;
}

/* The pointer is good until the next call. */
enum err_kind writer_member(
	struct writer *w, struct slice name, struct member_state **ret_member, struct err *e)
{
	struct member_state m = {0};
	sqlite3_stmt *st;
	enum err_kind kind;
	bool row;

	for (size_t i = 0; i < w->members_count; i++)
		if (slice_equal(w->members[i].name, name)) {
			*ret_member = &w->members[i];
			return OK;
		}
	if (w->members_count == MEMBERS_KEPT) {
		kind = members_flush(w, e);
		if (kind != OK)
			return kind;
		members_forget(w);
	}
	kind = conn_statement(&w->conn, SQL_MEMBER_GET, &st, e);
	if (kind != OK)
		return kind;
	bind_text(st, 1, name);
	kind = conn_row(&w->conn, st, &row, e);
	if (kind != OK)
		return kind;
	if (row) {
		m.number = sqlite3_column_int64(st, 0);
		m.origin_last = sqlite3_column_int64(st, 1);
		m.evidence_count = sqlite3_column_int64(st, 2);
		m.evidence_bytes = sqlite3_column_int64(st, 3);
		sqlite3_reset(st);
	} else {
		kind = conn_statement(&w->conn, SQL_MEMBER_ADD, &st, e);
		if (kind != OK)
			return kind;
		bind_text(st, 1, name);
		kind = conn_done(&w->conn, st, e);
		if (kind != OK)
			return kind;
		m.number = sqlite3_last_insert_rowid(w->conn.db);
	}
	m.name = arena_copy(w->members_arena, name);
	if (m.name.data == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	w->members[w->members_count] = m;
	*ret_member = &w->members[w->members_count++];
	return OK;
}

enum err_kind writer_type_count(struct writer *w, uint32_t type, int64_t change, struct err *e)
{
	if (type >= w->type_counts_len) {
		size_t len = ((size_t)type + 64) * 2;
		int64_t *grown = realloc(w->type_counts, len * sizeof(*grown));

		if (grown == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		memset(grown + w->type_counts_len, 0, (len - w->type_counts_len) * sizeof(*grown));
		w->type_counts = grown;
		w->type_counts_len = len;
	}
	w->type_counts[type] += change;
	return OK;
}

/* ---- index rows that wait -------------------------------------------------------------------- */

/* Room for one more of `size` bytes in an array that grows by half. */
static enum err_kind array_room(
	void **array, size_t count, size_t *capacity, size_t size, struct err *e)
{
	size_t more = *capacity + *capacity / 2 + 256;
	void *grown;

	if (count < *capacity)
		return OK;
	grown = realloc(*array, more * size);
	if (grown == NULL)
		return err_set(e, ERR_NOMEM, "out of memory for index rows");
	*array = grown;
	*capacity = more;
	return OK;
}

enum err_kind writer_widen(struct writer *w, int64_t ident, uint32_t label, struct err *e)
{
	void *array = w->widen;
	enum err_kind kind =
		array_room(&array, w->widen_count, &w->widen_capacity, sizeof(*w->widen), e);

	w->widen = array;
	if (kind == OK)
		w->widen[w->widen_count++] = (struct widen_row){ident, label};
	return kind;
}

static int value_order(const void *a, const void *b)
{
	const struct value_row *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->serial != y->serial)
		return x->serial < y->serial ? -1 : 1;
	return slice_compare(x->key, y->key);
}

/* Into value_of only, in order of arrival; value gets them when many have come (store_ident.c). */
static enum err_kind values_flush(struct writer *w, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_VALUE_OF_ADD, &st, e);

	if (w->values_count > 1)
		qsort(w->values, w->values_count, sizeof(*w->values), value_order);
	for (size_t i = 0; kind == OK && i < w->values_count; i++) {
		const struct value_row *v = &w->values[i];

		if (i > 0 && value_order(v - 1, v) == 0)
			continue; /* the same value twice in one object */
		bind_int(st, 1, v->kind);
		bind_int(st, 2, v->serial);
		bind_blob(st, 3, v->key);
		kind = conn_done(&w->conn, st, e);
		w->counters.values++;
		w->values_waiting++;
	}
	w->values_count = 0;
	arena_reset(w->scratch);
	return kind;
}

enum err_kind writer_reference(
	struct writer *w, int64_t target, uint32_t property, int64_t serial, struct err *e)
{
	void *array = w->references;
	enum err_kind kind = array_room(
		&array, w->references_count, &w->references_capacity, sizeof(*w->references), e);

	w->references = array;
	if (kind == OK)
		w->references[w->references_count++] =
			(struct reference_row){target, serial, property};
	return kind;
}

enum err_kind writer_value(
	struct writer *w, int kind_of_value, struct slice key, int64_t serial, struct err *e)
{
	char space[VALUE_KEY_MAX];
	void *array = w->values;
	enum err_kind kind =
		array_room(&array, w->values_count, &w->values_capacity, sizeof(*w->values), e);
	struct slice copy;

	w->values = array;
	if (kind != OK)
		return kind;
	copy = arena_copy(w->scratch, stored_key(kind_of_value, key, space));
	if (copy.data == NULL)
		return err_set(e, ERR_NOMEM, "out of memory for values");
	w->values[w->values_count++] = (struct value_row){copy, serial, kind_of_value};
	return OK;
}

/* Between objects: what waits must not fill the memory, however large the transaction. */
enum err_kind writer_make_room(struct writer *w, struct err *e)
{
	enum err_kind kind = OK;

	if (w->references_count >= ROWS_WAITING_MAX)
		kind = references_flush(w, e);
	if (kind == OK && w->values_count >= ROWS_WAITING_MAX)
		kind = values_flush(w, e);
	return kind;
}

static enum err_kind label_widen(struct writer *w, int64_t serial, uint32_t with, struct err *e)
{
	sqlite3_stmt *get, *put;
	uint32_t label, wider;
	bool here;
	enum err_kind kind = conn_statement(&w->conn, SQL_OBJECT_LABEL_GET, &get, e);

	if (kind == OK)
		kind = conn_statement(&w->conn, SQL_OBJECT_LABEL, &put, e);
	if (kind != OK)
		return kind;
	bind_int(get, 1, serial);
	kind = conn_row(&w->conn, get, &here, e);
	if (kind != OK || !here)
		return kind;
	label = (uint32_t)sqlite3_column_int64(get, 0);
	sqlite3_reset(get);
	kind = label_union(w->labels, label, with, &wider, e);
	if (kind != OK || wider == label)
		return kind;
	bind_int(put, 1, serial);
	bind_int(put, 2, wider);
	w->counters.label_epoch++;
	return conn_done(&w->conn, put, e);
}

/* Objects that refer to a thing whose markings have become more. */
static enum err_kind referrers_widen(struct writer *w, const struct widen_row *row, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_REFERRERS, &st, e);
	bool more;

	if (kind != OK)
		return kind;
	bind_int(st, 1, row->ident);
	while ((kind = conn_row(&w->conn, st, &more, e)) == OK && more) {
		kind = chunk_read(&w->conn, st, &w->chunk, e);
		for (size_t i = 0; kind == OK && i < w->chunk.count; i++)
			kind = label_widen(w, w->chunk.serials[i], row->label, e);
		if (kind != OK)
			break;
	}
	sqlite3_reset(st);
	return kind;
}

static enum err_kind counts_flush(struct writer *w, struct err *e)
{
	const struct counters *c = &w->counters;
	sqlite3_stmt *st;
	enum err_kind kind = members_flush(w, e);

	if (kind == OK)
		kind = conn_statement(&w->conn, SQL_COLLECTION_COUNTS, &st, e);
	for (size_t i = 0; kind == OK && i < w->collections_count; i++) {
		struct collection_state *k = &w->collections[i];

		if (!k->dirty)
			continue;
		bind_int(st, 1, k->number);
		bind_int(st, 2, k->last_added_us);
		bind_int(st, 3, k->entries);
		bind_int(st, 4, ++k->change);
		bind_int(st, 5, k->clock_us);
		kind = conn_done(&w->conn, st, e);
		k->dirty = false;
	}
	if (kind == OK)
		kind = conn_statement(&w->conn, SQL_TYPE_COUNT, &st, e);
	for (size_t i = 0; kind == OK && i < w->type_counts_len; i++) {
		if (w->type_counts[i] == 0)
			continue;
		bind_int(st, 1, (int64_t)i);
		bind_int(st, 2, w->type_counts[i]);
		kind = conn_done(&w->conn, st, e);
		w->type_counts[i] = 0;
	}
	if (kind != OK || memcmp(c, &w->committed, sizeof(*c)) == 0)
		return kind;
	kind = conn_statement(&w->conn, SQL_STATE_PUT, &st, e);
	if (kind != OK)
		return kind;
	bind_int(st, 1, c->serial_last);
	bind_int(st, 2, c->ident_last);
	bind_int(st, 3, c->added_last_us);
	bind_int(st, 4, c->objects);
	bind_int(st, 5, c->things);
	bind_int(st, 6, c->references);
	bind_int(st, 7, c->values);
	bind_int(st, 8, c->body_bytes);
	bind_int(st, 9, c->packed_bytes);
	bind_int(st, 10, c->label_epoch);
	bind_int(st, 11, c->values_last);
	return conn_done(&w->conn, st, e);
}

enum err_kind writer_flush(struct writer *w, struct err *e)
{
	enum err_kind kind = references_flush(w, e);

	if (kind == OK)
		kind = values_flush(w, e);
	/* after the references of this transaction are in: they count too */
	for (size_t i = 0; kind == OK && i < w->widen_count; i++)
		kind = referrers_widen(w, &w->widen[i], e);
	w->widen_count = 0;
	if (kind == OK)
		kind = counts_flush(w, e);
	return kind;
}

/* ---- transactions ---------------------------------------------------------------------------- */

static enum err_kind state_load(struct writer *w, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_STATE_GET, &st, e);
	struct counters c;
	bool row;

	if (kind != OK)
		return kind;
	kind = conn_row(&w->conn, st, &row, e);
	if (kind != OK)
		return kind;
	if (!row)
		return err_set(e, ERR_CORRUPT, "store \"%s\": its state is missing", w->s->folder);
	memset(&c, 0, sizeof(c));
	c.serial_last = sqlite3_column_int64(st, STATE_SERIAL_LAST);
	c.ident_last = sqlite3_column_int64(st, STATE_IDENT_LAST);
	c.added_last_us = sqlite3_column_int64(st, STATE_ADDED_LAST);
	c.objects = sqlite3_column_int64(st, STATE_OBJECTS);
	c.things = sqlite3_column_int64(st, STATE_THINGS);
	c.references = sqlite3_column_int64(st, STATE_REFERENCES);
	c.values = sqlite3_column_int64(st, STATE_VALUES);
	c.body_bytes = sqlite3_column_int64(st, STATE_BODY_BYTES);
	c.packed_bytes = sqlite3_column_int64(st, STATE_PACKED_BYTES);
	c.label_epoch = sqlite3_column_int64(st, STATE_LABEL_EPOCH);
	c.values_last = sqlite3_column_int64(st, STATE_VALUES_LAST);
	sqlite3_reset(st);
	w->counters = w->committed = c;
	return writer_collections_load(w, e);
}

/* Within the transaction: has another process changed accounts or collections? */
static enum err_kind others_look(struct writer *w, struct err *e)
{
	sqlite3_stmt *st;
	int64_t version = 0;
	bool row = false;
	enum err_kind kind = conn_statement(&w->conn, SQL_DATA_VERSION, &st, e);

	if (kind == OK)
		kind = conn_row(&w->conn, st, &row, e);
	if (kind != OK)
		return kind;
	if (row) {
		version = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
	}
	if (version == w->data_version)
		return OK;
	kind = state_load(w, e);
	if (kind == OK)
		w->data_version = version;
	return kind;
}

enum err_kind writer_begin_locked(struct writer *w, struct err *e)
{
	enum err_kind kind;

	if (!w->loaded) { /* a rollback could not read again what it had to */
		kind = state_load(w, e);
		if (kind == OK)
			kind = idents_load(w, e);
		if (kind != OK)
			return kind;
		w->loaded = true;
	}
	kind = conn_run(&w->conn, SQL_BEGIN_WRITE, e);
	if (kind != OK)
		return kind;
	kind = others_look(w, e);
	if (kind != OK) {
		writer_rollback_locked(w);
		return kind;
	}
	w->types_committed = names_count(&w->s->types);
	w->properties_committed = names_count(&w->s->properties);
	w->traits_committed = names_count(&w->s->traits);
	return OK;
}

void writer_rollback_locked(struct writer *w)
{
	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite3_reset(w->conn.statements[i]);
	if (sqlite3_get_autocommit(w->conn.db) == 0) /* else SQLite already has */
		sqlite3_exec(w->conn.db, "ROLLBACK", NULL, NULL, NULL);
	labels_forget(w->labels);
	members_forget(w);
	names_cut(&w->s->types, w->types_committed);
	names_cut(&w->s->properties, w->properties_committed);
	names_cut(&w->s->traits, w->traits_committed);
	if (w->type_counts != NULL)
		memset(w->type_counts, 0, w->type_counts_len * sizeof(*w->type_counts));
	w->references_count = w->values_count = w->widen_count = 0;
	arena_reset(w->scratch);
	w->loaded = state_load(w, NULL) == OK && idents_load(w, NULL) == OK;
}

enum err_kind writer_commit_locked(struct writer *w, struct err *e)
{
	enum err_kind kind = writer_flush(w, e);

	if (kind == OK)
		kind = conn_run(&w->conn, SQL_COMMIT, e);
	if (kind != OK) {
		writer_rollback_locked(w);
		return kind;
	}
	w->committed = w->counters;
	w->wrote = true;
	arena_reset(w->scratch);
	w->s->label_epoch = w->counters.label_epoch;
	w->s->serial_last = w->counters.serial_last;
	return OK;
}

enum err_kind writer_begin_access(struct store *s, struct err *e)
{
	enum err_kind kind;

	if (s->mode != STORE_ACCESS)
		return writer_begin(s, e);
	pthread_mutex_lock(&s->writer.mutex);
	kind = writer_begin_locked(&s->writer, e);
	if (kind != OK)
		pthread_mutex_unlock(&s->writer.mutex);
	return kind;
}

enum err_kind writer_begin(struct store *s, struct err *e)
{
	enum err_kind kind = need_writer(s, e);

	if (kind != OK)
		return kind;
	pthread_mutex_lock(&s->writer.mutex);
	kind = writer_begin_locked(&s->writer, e);
	if (kind != OK)
		pthread_mutex_unlock(&s->writer.mutex);
	return kind;
}

enum err_kind writer_commit(struct store *s, struct err *e)
{
	enum err_kind kind = writer_commit_locked(&s->writer, e);

	pthread_mutex_unlock(&s->writer.mutex);
	return kind;
}

void writer_rollback(struct store *s)
{
	writer_rollback_locked(&s->writer);
	pthread_mutex_unlock(&s->writer.mutex);
}

enum err_kind writer_end(struct store *s, enum err_kind kind, struct err *e)
{
	if (kind == OK)
		return writer_commit(s, e);
	writer_rollback(s);
	return kind;
}

/* ---- the log --------------------------------------------------------------------------------- */

static int log_grew(void *context, sqlite3 *db, const char *schema, int pages)
{
	(void)db;
	(void)schema;
	((struct writer *)context)->log_pages = pages;
	return SQLITE_OK;
}

/*
 * What cannot be moved now, because a reader still looks at an older state, is moved next time.
 * Only when the log has grown far past its limit do we wait for readers to leave, so that it can
 * start over. A failure here loses nothing: the log stays as it is, and the next commit meets it.
 */
static void log_move(struct writer *w)
{
	int mode = SQLITE_CHECKPOINT_PASSIVE;
	int log = 0, moved = 0;

	if (w->log_pages < LOG_PAGES_MAX)
		return;
	if (w->log_pages >= 4 * LOG_PAGES_MAX)
		mode = SQLITE_CHECKPOINT_RESTART;
	if (sqlite3_wal_checkpoint_v2(w->conn.db, NULL, mode, &log, &moved) == SQLITE_OK &&
		log == moved)
		w->log_pages = 0;
}

void writer_after_commit_locked(struct writer *w)
{
	struct err e;

	if (!w->loaded)
		return;
	/* what fails here is done later; only it must not be tried after each commit */
	if (tails_merge(w, false, &e) != OK)
		return;
	log_move(w);
	if (dictionary_train(w, &e) != OK)
		w->s->packing.no_training = true; /* objects are packed without: larger, not lost */
}

/* ---- open and close -------------------------------------------------------------------------- */

enum err_kind writer_open(struct store *s, struct err *e)
{
	struct writer *w = &s->writer;
	enum err_kind kind;

	w->s = s;
	w->zstd = ZSTD_createDCtx();
	w->members = calloc(MEMBERS_KEPT, sizeof(*w->members));
	w->members_arena = arena_new(MIB(1));
	w->scratch = arena_new(SCRATCH_MAX);
	if (w->zstd == NULL || w->members == NULL || w->members_arena == NULL || w->scratch == NULL)
		return err_set(e, ERR_NOMEM, "store \"%s\": out of memory", s->folder);
	kind = idents_open(w, e);
	if (kind != OK)
		return kind;
	kind = conn_open(s, s->path, s->cache_bytes, true, &w->conn, e);
	if (kind != OK)
		return kind;
	sqlite3_wal_hook(w->conn.db, log_grew, w);
	kind = labels_new(w, &w->labels, e);
	if (kind != OK)
		return kind;
	kind = state_load(w, e);
	if (kind == OK && s->mode != STORE_ACCESS)
		kind = idents_load(w, e);
	w->loaded = kind == OK;
	return kind;
}

void writer_close(struct store *s)
{
	struct writer *w = &s->writer;

	if (w->conn.db != NULL && w->loaded) {
		struct err e;

		/* a reader alone searches the tail row by row: leave it short */
		if (s->tail.count > TAIL_LEFT && tails_merge(w, true, &e) != OK)
			w->loaded = false; /* then it is long: slower, not wrong */
	}
	if (w->conn.db != NULL && s->mode != STORE_ACCESS)
		sqlite3_wal_checkpoint_v2(w->conn.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	conn_close(&w->conn);
	labels_free(w->labels);
	ZSTD_freeDCtx(w->zstd);
	json_parser_free(w->parser);
	arena_free(w->members_arena);
	arena_free(w->scratch);
	buf_fini(&w->refs);
	buf_fini(&w->old_body);
	buf_fini(&w->canon_old);
	buf_fini(&w->canon_new);
	free(w->idents);
	free(w->collections);
	free(w->members);
	free(w->type_counts);
	free(w->references);
	free(w->values);
	free(w->widen);
	pthread_mutex_destroy(&w->mutex);
}
