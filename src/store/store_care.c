/* SPDX-License-Identifier: MPL-2.0 */
/* Figures, and what an idle thread does. */
#include <sys/stat.h>

#include "inside.h"

static uint64_t file_bytes(const char *path, const char *suffix)
{
	struct stat file;
	char name[4096];

	if (snprintf(name, sizeof(name), "%s%s", path, suffix) >= (int)sizeof(name) ||
		stat(name, &file) != 0)
		return 0;
	return (uint64_t)file.st_size;
}

static enum err_kind types_count(struct store_reader *r, struct arena *a,
	struct store_type_count **ret_types, size_t *ret_count, struct err *e)
{
	struct store_type_count *types;
	size_t count = 0, max;
	sqlite3_stmt *st;
	enum err_kind kind;
	bool row;

	if (!is_writer(r->s)) {
		kind = names_load(&r->s->types, &r->conn, e);
		if (kind != OK)
			return kind;
	}
	max = names_count(&r->s->types);
	types = ARENA_ARRAY(a, struct store_type_count, max + 1);
	if (types == NULL)
		return err_set(e, ERR_NOMEM, "no room for %zu types", max);
	kind = conn_statement(&r->conn, SQL_TYPE_COUNTS, &st, e);
	if (kind != OK)
		return kind;
	while (count < max && (kind = conn_row(&r->conn, st, &row, e)) == OK && row) {
		struct store_type_count *t = &types[count++];

		t->objects = (uint64_t)sqlite3_column_int64(st, 1);
		kind = names_text(&r->s->types, &r->conn, sqlite3_column_int64(st, 0), &t->type, e);
		if (kind != OK)
			break;
	}
	sqlite3_reset(st);
	*ret_types = types;
	*ret_count = count;
	return kind;
}

enum err_kind store_stats(struct store_reader *r, struct arena *a, struct store_stats *ret_stats,
	struct store_type_count **ret_types, size_t *ret_types_count, struct err *e)
{
	static const char *const parts[] = {"", "-wal"};
	struct store_type_count *types;
	struct store_stats stats = {0};
	sqlite3_stmt *st;
	size_t count;
	enum err_kind kind;
	bool row;

	kind = conn_statement(&r->conn, SQL_STATE_GET, &st, e);
	if (kind == OK)
		kind = conn_row(&r->conn, st, &row, e);
	if (kind != OK)
		return kind;
	stats.objects = (uint64_t)sqlite3_column_int64(st, STATE_OBJECTS);
	stats.distinct = (uint64_t)sqlite3_column_int64(st, STATE_THINGS);
	stats.references = (uint64_t)sqlite3_column_int64(st, STATE_REFERENCES);
	stats.values = (uint64_t)sqlite3_column_int64(st, STATE_VALUES);
	stats.body_bytes = (uint64_t)sqlite3_column_int64(st, STATE_BODY_BYTES);
	stats.packed_bytes = (uint64_t)sqlite3_column_int64(st, STATE_PACKED_BYTES);
	sqlite3_reset(st);
	kind = conn_statement(&r->conn, SQL_STATS, &st, e);
	if (kind == OK)
		kind = conn_row(&r->conn, st, &row, e);
	if (kind != OK)
		return kind;
	stats.collections = (uint64_t)sqlite3_column_int64(st, 0);
	stats.entries = (uint64_t)sqlite3_column_int64(st, 1);
	stats.evidence = (uint64_t)sqlite3_column_int64(st, 2);
	stats.accounts = (uint64_t)sqlite3_column_int64(st, 3);
	stats.first_added_us = sqlite3_column_int64(st, 4);
	stats.last_added_us = sqlite3_column_int64(st, 5);
	sqlite3_reset(st);
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		stats.disk_bytes +=
			file_bytes(r->s->path, parts[i]) + file_bytes(r->s->text_path, parts[i]);
	kind = types_count(r, a, &types, &count, e);
	if (kind != OK)
		return kind;
	*ret_stats = stats;
	*ret_types = types;
	*ret_types_count = count;
	return OK;
}

/*
 * Move the log into the database on a connection of its own, so that nobody who writes waits; when
 * nothing was written since last time, give the writer's cache back.
 */
static enum err_kind log_care(struct store *s, struct err *e)
{
	struct writer *w = &s->writer;
	int pages, log, moved;
	bool wrote;
	enum err_kind kind = OK;

	pthread_mutex_lock(&w->mutex);
	if (!w->wrote)
		kind = tails_merge(w, true, e);
	pages = w->log_pages;
	wrote = w->wrote;
	w->wrote = false;
	if (!wrote)
		sqlite3_db_release_memory(w->conn.db);
	pthread_mutex_unlock(&w->mutex);
	if (kind != OK)
		return kind;
	if (pages == 0 || (wrote && pages < LOG_PAGES_IDLE))
		return OK;
	pthread_mutex_lock(&s->care_mutex);
	if (s->care.db == NULL)
		kind = conn_open(s, s->path, CARE_CACHE_BYTES, true, &s->care, e);
	if (kind == OK && sqlite3_wal_checkpoint_v2(s->care.db, NULL, SQLITE_CHECKPOINT_PASSIVE,
				  &log, &moved) != SQLITE_OK)
		kind = conn_fail(&s->care, e, "could not move the log into the database");
	pthread_mutex_unlock(&s->care_mutex);
	if (kind == ERR_BUSY) /* somebody else is at it */
		return OK;
	if (kind == OK && log == moved) {
		pthread_mutex_lock(&w->mutex);
		if (w->log_pages == pages)
			w->log_pages = 0;
		pthread_mutex_unlock(&w->mutex);
	}
	return kind;
}

enum err_kind store_idle(struct store *s, struct err *e)
{
	enum err_kind kind = need_writer(s, e);

	if (kind == OK)
		access_look(s);
	if (kind == OK)
		kind = log_care(s, e);
	if (kind == OK)
		kind = text_catch_up(s, INT64_MAX, false, e);
	if (kind == OK)
		kind = statuses_drop(s, e);
	if (kind == OK)
		kind = released_drop(s, e);
	if (kind == OK)
		kind = purge_idle(s, e);
	return kind;
}
