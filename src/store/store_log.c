/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The release log: who was given which versions, when, under which rule. A record is many versions
 * at once, as differences of their serials; that is three bytes for each, so that a question goes
 * through all of it and needs no index.
 */
#include <stdlib.h>

#include "inside.h"

#define RELEASED_NAME_MAX 128 /* bytes of a recipient or a rule */
#define DAY_US            INT64_C(86400000000)

static enum err_kind released_check(const struct store_released *r, struct err *e)
{
	if (r->recipient.len == 0 || r->recipient.len > RELEASED_NAME_MAX ||
		r->rule.len > RELEASED_NAME_MAX || !utf8_valid(r->recipient) ||
		!utf8_valid(r->rule))
		return err_set(e, ERR_LIMIT,
			"a release to a name of %zu bytes under a rule of %zu, expected UTF-8 of 1 "
			"to "
			"%d, and of at most as many",
			r->recipient.len, r->rule.len, RELEASED_NAME_MAX);
	if (r->count == 0 || r->count > STORE_RELEASED_ROW)
		return err_set(e, ERR_LIMIT, "a release of %zu versions, expected 1..%d", r->count,
			STORE_RELEASED_ROW);
	for (size_t i = 0; i < r->count; i++)
		if (r->serials[i] < 1)
			return err_set(
				e, ERR_USAGE, "a release of serial %lld", (long long)r->serials[i]);
	return OK;
}

static int ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Once each, ascending, as differences. */
static size_t serials_pack(
	const struct store_released *r, int64_t *sorted, uint8_t *out, size_t *ret_len)
{
	size_t kept = 0, len = 0;

	memcpy(sorted, r->serials, r->count * sizeof(*sorted));
	qsort(sorted, r->count, sizeof(*sorted), ascending);
	for (size_t i = 0; i < r->count; i++)
		if (kept == 0 || sorted[kept - 1] != sorted[i])
			sorted[kept++] = sorted[i];
	for (size_t i = 1; i < kept; i++)
		len += varint_put(out + len, (uint64_t)(sorted[i] - sorted[i - 1]));
	*ret_len = len;
	return kept;
}

static enum err_kind released_write(struct writer *w, const struct store_released *r, struct err *e)
{
	int64_t sorted[STORE_RELEASED_ROW];
	uint8_t packed[STORE_RELEASED_ROW * VARINT_MAX];
	size_t len, count = serials_pack(r, sorted, packed, &len);
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_RELEASED_ADD, &st, e);

	if (kind != OK)
		return kind;
	bind_int(st, 1, r->at_us);
	bind_text(st, 2, r->recipient);
	bind_text(st, 3, r->rule);
	bind_blob(st, 4, (struct slice){(const char *)r->policy, SHA256_LEN});
	bind_int(st, 5, sorted[0]);
	bind_int(st, 6, sorted[count - 1]);
	bind_blob(st, 7, (struct slice){(const char *)packed, len});
	bind_int(st, 8, (int64_t)count);
	return conn_done(&w->conn, st, e);
}

enum err_kind store_released_put(
	struct store *s, const struct store_released *list, size_t count, struct err *e)
{
	enum err_kind kind = OK;

	for (size_t i = 0; kind == OK && i < count; i++)
		kind = released_check(&list[i], e);
	if (kind == OK && count > 0)
		kind = writer_begin(s, e);
	if (kind != OK || count == 0)
		return kind;
	for (size_t i = 0; kind == OK && i < count; i++)
		kind = released_write(&s->writer, &list[i], e);
	return writer_end(s, kind, e);
}

/* Is anything old enough to go, or too much there? Asked beside the writer. *ret_total: versions
 * recorded so far. */
static enum err_kind released_many(
	struct store *s, int64_t until_us, bool *ret_many, int64_t *ret_total, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind;
	bool row = false;

	*ret_many = false;
	*ret_total = 0;
	pthread_mutex_lock(&s->access_mutex);
	kind = conn_statement(&s->access, SQL_RELEASED_LAST, &st, e);
	if (kind == OK)
		kind = conn_row(&s->access, st, &row, e);
	if (kind == OK && row) {
		*ret_total = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
		kind = conn_statement(&s->access, SQL_RELEASED_FIRST, &st, e);
		if (kind == OK)
			kind = conn_row(&s->access, st, &row, e);
		if (kind == OK && row)
			*ret_many = sqlite3_column_int64(st, 0) < until_us ||
				    sqlite3_column_int64(st, 1) <= *ret_total - STORE_RELEASED_MAX;
		if (kind == OK && row)
			sqlite3_reset(st);
	}
	pthread_mutex_unlock(&s->access_mutex);
	return kind;
}

/* The oldest go: those before the first that is young enough, and what is too much. */
enum err_kind released_drop(struct store *s, struct err *e)
{
	int64_t until_us = world_now(s->world) - STORE_RELEASED_DAYS * DAY_US, total;
	sqlite3_stmt *st;
	bool many;
	enum err_kind kind = released_many(s, until_us, &many, &total, e);

	if (kind == OK && many)
		kind = writer_begin(s, e);
	if (kind != OK || !many)
		return kind;
	kind = conn_statement(&s->writer.conn, SQL_RELEASED_DROP, &st, e);
	if (kind == OK) {
		bind_int(st, 1, until_us);
		bind_int(st, 2, total - STORE_RELEASED_MAX);
		kind = conn_done(&s->writer.conn, st, e);
	}
	return writer_end(s, kind, e);
}

/* The record at hand; of its serials those that are asked for. */
static enum err_kind released_read(struct store_reader *r, sqlite3_stmt *st, int64_t only,
	int64_t *serials, struct store_released *ret_released, struct err *e)
{
	struct slice policy = column_slice(st, 3), rest = column_slice(st, 6);
	int64_t serial = sqlite3_column_int64(st, 4), distance;
	struct store_released out = {
		.at_us = sqlite3_column_int64(st, 0),
		.recipient = column_slice(st, 1),
		.rule = column_slice(st, 2),
		.serials = serials,
	};

	for (size_t met = 1;; met++) {
		if (only == 0 || only == serial)
			serials[out.count++] = serial;
		if (rest.len == 0)
			break;
		if (met == STORE_RELEASED_ROW || !varint_next(&rest, &distance) || distance < 1)
			return err_set(e, ERR_CORRUPT,
				"store \"%s\": a record of the release log is damaged",
				r->s->folder);
		serial += distance;
	}
	if (policy.len == SHA256_LEN)
		memcpy(out.policy, policy.data, SHA256_LEN);
	*ret_released = out;
	return OK;
}

enum err_kind store_released_each(struct store_reader *r, const struct store_released_query *query,
	bool (*each)(void *context, const struct store_released *released), void *context,
	struct err *e)
{
	int64_t serials[STORE_RELEASED_ROW];
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&r->conn, SQL_RELEASED_ALL, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	while ((kind = conn_row(&r->conn, st, &row, e)) == OK && row) {
		int64_t at_us = sqlite3_column_int64(st, 0);
		struct store_released released;

		if ((query->since_us != 0 && at_us < query->since_us) ||
			(query->until_us != 0 && at_us >= query->until_us) ||
			(query->recipient.len > 0 &&
				!slice_equal(query->recipient, column_slice(st, 1))) ||
			(query->serial != 0 &&
				(query->serial < sqlite3_column_int64(st, 4) ||
					query->serial > sqlite3_column_int64(st, 5))))
			continue;
		kind = released_read(r, st, query->serial, serials, &released, e);
		if (kind != OK || (released.count > 0 && !each(context, &released)))
			break;
	}
	sqlite3_reset(st);
	return kind;
}
