/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Streams of serials, newest first, out of the indexes.
 *
 * Two questions have no index in order of serials: names below a name, and addresses that overlap a
 * range. Their hits are collected and sorted when there are few; when there are many it is quicker
 * to walk all names or addresses from the newest and look at each, as hits then come often.
 *
 * Addresses: a range is kept as one byte, the number of bits it spans, before first and last. A
 * range of n bits that overlaps [a, b] begins in [a - 2^n + 1, b], so that every span has one
 * stretch to look at, whatever contains what.
 */
#include <stdlib.h>

#include "stream.h"

#define COLLECTED_MAX 16384 /* hits collected and sorted: 5 ms; from then on they come often */
#define STEPS_MAX     24    /* down an index one by one before looking up a far serial anew */

/* ---- keys ------------------------------------------------------------------------------------ */

/* Bits from first to last: 0 for one address. */
static unsigned range_bits(const uint8_t *first, const uint8_t *last)
{
	uint8_t difference[RANGE_BYTES];
	int borrow = 0;

	for (int i = RANGE_BYTES - 1; i >= 0; i--) {
		int d = last[i] - first[i] - borrow;

		borrow = d < 0;
		difference[i] = (uint8_t)d;
	}
	for (unsigned i = 0; i < RANGE_BYTES; i++)
		if (difference[i] != 0)
			return (RANGE_BYTES - 1 - i) * 8 + 32 -
			       (unsigned)__builtin_clz(difference[i]);
	return 0;
}

struct slice stored_key(int kind, struct slice key, char space[VALUE_KEY_MAX])
{
	if (kind == STIX_VALUE_ADDRESS && key.len == 2 * RANGE_BYTES) {
		const uint8_t *bytes = (const uint8_t *)key.data;

		space[0] = (char)range_bits(bytes, bytes + RANGE_BYTES);
		memcpy(space + 1, key.data, key.len);
		return (struct slice){space, ADDRESS_BYTES};
	}
	if (key.len > STIX_VALUE_KEY_MAX) { /* labels; stix.h cuts values the same way */
		size_t kept = STIX_VALUE_KEY_MAX - SHA256_LEN;

		memcpy(space, key.data, kept);
		hash_sha256(key, (uint8_t *)space + kept);
		return (struct slice){space, STIX_VALUE_KEY_MAX};
	}
	return key;
}

/* What has `key` as its beginning is at or after it and before this. */
static struct slice prefix_end(struct slice key, char space[VALUE_KEY_MAX])
{
	size_t len = key.len;

	memcpy(space, key.data, len);
	while (len > 0 && (uint8_t)space[len - 1] == 0xff)
		len--;
	if (len > 0)
		space[len - 1]++;
	return (struct slice){space, len};
}

/* ---- streams --------------------------------------------------------------------------------- */

static enum err_kind sql_seek(struct stream *t, int64_t upto, struct err *e)
{
	enum err_kind kind;
	bool row;

	for (int steps = 0;;) {
		if (t->at < 0 || steps == t->steps_max) {
			sqlite3_reset(t->st);
			bind_int(t->st, t->bound, upto);
			steps = 0;
		}
		kind = conn_row(t->conn, t->st, &row, e);
		if (kind != OK)
			return kind;
		t->at = row ? sqlite3_column_int64(t->st, 0) : 0;
		if (t->at > upto)
			steps++;
		else if (t->what != STREAM_WALK || !row || t->hit(t, column_slice(t->st, 1)))
			return OK;
	}
}

static enum err_kind chunks_seek(struct stream *t, int64_t upto, struct err *e)
{
	enum err_kind kind;
	bool row;

	for (int steps = 0;; steps++) {
		while (t->next > 0 && t->chunk->serials[t->next - 1] > upto)
			t->next--;
		if (t->next > 0) {
			t->at = t->chunk->serials[t->next - 1];
			return OK;
		}
		if (t->at < 0 || steps == t->steps_max) {
			sqlite3_reset(t->st);
			bind_int(t->st, t->bound, upto);
			steps = 0;
		}
		kind = conn_row(t->conn, t->st, &row, e);
		if (kind == OK && row)
			kind = chunk_read(t->conn, t->st, t->chunk, e);
		if (kind != OK)
			return kind;
		t->at = 0;
		if (!row)
			return OK;
		t->next = t->chunk->count;
	}
}

/* Go to the highest serial at or below upto. */
enum err_kind stream_seek(struct stream *t, int64_t upto, struct err *e)
{
	enum err_kind kind = OK;

	if (t->at >= 0 && t->at <= upto)
		return OK;
	switch (t->what) {
	case STREAM_SQL:
	case STREAM_WALK:
		return sql_seek(t, upto, e);
	case STREAM_CHUNKS:
		return chunks_seek(t, upto, e);
	case STREAM_LIST:
		while (t->next < t->count && t->list[t->next] > upto)
			t->next++;
		t->at = t->next < t->count ? t->list[t->next] : 0;
		return OK;
	case STREAM_ANY:
		t->at = 0;
		for (size_t i = 0; kind == OK && i < t->parts_count; i++) {
			kind = stream_seek(&t->parts[i], upto, e);
			if (t->parts[i].at > t->at)
				t->at = t->parts[i].at;
		}
		return kind;
	}
	return OK;
}

void stream_fini(struct stream *t)
{
	for (size_t i = 0; i < t->parts_count; i++)
		stream_fini(&t->parts[i]);
	if (t->conn != NULL)
		conn_give(t->conn, t->id, t->st);
	free(t->parts);
	free(t->list);
	free(t->chunk);
}

enum err_kind stream_sql(struct stream *t, struct conn *c, enum sql_id id, int bound, struct err *e)
{
	*t = (struct stream){
		.what = STREAM_SQL, .at = -1, .id = id, .bound = bound, .steps_max = STEPS_MAX};
	t->conn = c;
	return conn_take(c, id, &t->st, e);
}

enum err_kind stream_any(struct stream *t, size_t parts, struct err *e)
{
	*t = (struct stream){.what = STREAM_ANY, .at = -1};
	t->parts = calloc(parts == 0 ? 1 : parts, sizeof(*t->parts));
	return t->parts != NULL ? OK : err_set(e, ERR_NOMEM, "out of memory");
}

/* ---- hits that are collected ----------------------------------------------------------------- */

struct collecting {
	int64_t *list;
	size_t count;
	bool too_many;
};

static int descending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x < y) - (x > y);
}

/* Those of the keys in [from, to) that `hit` (NULL: all). */
static enum err_kind collect(struct store_reader *r, int kind_of_value, struct slice from,
	struct slice to, const struct stream *filter, struct collecting *into, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&r->conn, SQL_VALUE_RANGE, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	bind_int(st, 1, kind_of_value);
	bind_blob(st, 2, from);
	bind_blob(st, 3, to);
	while (!into->too_many && (kind = conn_row(&r->conn, st, &row, e)) == OK && row) {
		if (filter != NULL && !filter->hit(filter, column_slice(st, 0)))
			continue;
		if (into->count == COLLECTED_MAX)
			into->too_many = true;
		else
			into->list[into->count++] = sqlite3_column_int64(st, 1);
	}
	sqlite3_reset(st);
	return kind;
}

static bool equal_hit(const struct stream *t, struct slice key)
{
	return slice_equal(key, (struct slice){t->key, t->key_len});
}

static bool prefix_hit(const struct stream *t, struct slice key)
{
	return slice_starts(key, (struct slice){t->key, t->key_len});
}

/* t->key: class, first, last of what is asked for. */
static bool overlap_hit(const struct stream *t, struct slice key)
{
	return key.len == ADDRESS_BYTES &&
	       memcmp(key.data + 1, t->key + 1 + RANGE_BYTES, RANGE_BYTES) <= 0 &&
	       memcmp(key.data + 1 + RANGE_BYTES, t->key + 1, RANGE_BYTES) >= 0;
}

/* first - 2^bits + 1, not below zero. */
static void stretch_begin(const uint8_t *first, unsigned bits, uint8_t *ret_begin)
{
	int borrow = 0;

	for (unsigned i = 0; i < RANGE_BYTES; i++) {
		unsigned at = RANGE_BYTES - 1 - i; /* from the least byte */
		unsigned ones = bits >= 8 * (i + 1) ? 8 : bits > 8 * i ? bits - 8 * i : 0;
		int d = first[at] - (int)((1u << ones) - 1) - borrow;

		borrow = d < 0;
		ret_begin[at] = (uint8_t)d;
	}
	if (borrow)
		memset(ret_begin, 0, RANGE_BYTES);
}

/* All spans that are in use, from the narrowest. */
static enum err_kind collect_overlaps(
	struct store_reader *r, const struct stream *t, struct collecting *into, struct err *e)
{
	enum err_kind kind = OK;
	sqlite3_stmt *st;
	bool row = true;

	for (unsigned bits = 0; kind == OK && row && bits <= 8 * RANGE_BYTES; bits++) {
		char next = (char)bits;
		char from[1 + RANGE_BYTES], to[1 + 2 * RANGE_BYTES + 1];
		struct slice found;

		kind = conn_statement(&r->conn, SQL_VALUE_FIRST, &st, e);
		if (kind != OK)
			break;
		bind_int(st, 1, STIX_VALUE_ADDRESS);
		bind_blob(st, 2, (struct slice){&next, 1});
		kind = conn_row(&r->conn, st, &row, e);
		if (kind != OK || !row)
			break;
		found = column_slice(st, 0);
		bits = found.len > 0 ? (uint8_t)found.data[0] : UINT8_MAX;
		sqlite3_reset(st);
		if (bits > 8 * RANGE_BYTES)
			break;
		from[0] = to[0] = (char)bits;
		stretch_begin((const uint8_t *)t->key + 1, bits, (uint8_t *)from + 1);
		memcpy(to + 1, t->key + 1 + RANGE_BYTES, RANGE_BYTES);
		memset(to + 1 + RANGE_BYTES, 0xff, RANGE_BYTES + 1); /* past every last */
		kind = collect(r, STIX_VALUE_ADDRESS, (struct slice){from, sizeof(from)},
			(struct slice){to, sizeof(to)}, t, into, e);
	}
	return kind;
}

/* Look at each value of a kind whose object came after `after`, from the newest. */
static enum err_kind stream_walk(
	struct stream *t, struct conn *c, int kind_of_value, int64_t after, struct err *e)
{
	enum err_kind kind = stream_sql(t, c, SQL_VALUE_WALK, 2, e);

	t->what = STREAM_WALK;
	if (kind == OK) {
		bind_int(t->st, 1, kind_of_value);
		bind_int(t->st, 3, after);
	}
	return kind;
}

static void stream_key(struct stream *t, struct slice key)
{
	memcpy(t->key, key.data, key.len);
	t->key_len = key.len;
}

typedef bool (*hit_function)(const struct stream *t, struct slice key);

/* A value is in the index, or has come so lately that it waits: then all that wait are looked at.
 */
static enum err_kind stream_waiting(struct store_reader *r, struct stream *any, int kind_of_value,
	struct slice key, hit_function hit, struct err *e)
{
	struct stream *t = &any->parts[any->parts_count];
	enum err_kind kind;

	if (r->values_last >= r->serial_last)
		return OK;
	any->parts_count++;
	kind = stream_walk(t, &r->conn, kind_of_value, r->values_last, e);
	t->hit = hit;
	stream_key(t, key);
	return kind;
}

enum err_kind stream_exact(struct store_reader *r, struct stream *any, int kind_of_value,
	struct slice key, struct err *e)
{
	struct stream *t;
	enum err_kind kind = stream_any(any, 2, e);

	if (kind == OK)
		kind = stream_waiting(r, any, kind_of_value, key, equal_hit, e);
	if (kind != OK)
		return kind;
	t = &any->parts[any->parts_count++];
	kind = stream_sql(t, &r->conn, SQL_VALUE_STREAM, 3, e);
	if (kind != OK)
		return kind;
	stream_key(t, key);
	bind_int(t->st, 1, kind_of_value);
	bind_blob(t->st, 2, (struct slice){t->key, t->key_len});
	return OK;
}

/* A value that stands for many keys. */
enum err_kind stream_many(struct store_reader *r, struct stream *any, int kind_of_value,
	struct slice key, struct err *e)
{
	hit_function hit = kind_of_value == STIX_VALUE_ADDRESS ? overlap_hit : prefix_hit;
	struct collecting into = {.list = malloc(COLLECTED_MAX * sizeof(*into.list))};
	char end[VALUE_KEY_MAX];
	struct stream *t;
	size_t kept = 0;
	enum err_kind kind = stream_any(any, 2, e);

	if (kind == OK && into.list == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	if (kind != OK) {
		free(into.list);
		return kind;
	}
	t = &any->parts[any->parts_count++];
	*t = (struct stream){.what = STREAM_LIST, .at = -1, .hit = hit};
	stream_key(t, key);
	if (kind_of_value == STIX_VALUE_ADDRESS)
		kind = collect_overlaps(r, t, &into, e);
	else
		kind = collect(r, kind_of_value, key, prefix_end(key, end), NULL, &into, e);
	if (kind != OK || into.too_many) {
		free(into.list);
		if (kind == OK)
			kind = stream_walk(t, &r->conn, kind_of_value, 0, e);
		t->hit = hit;
		stream_key(t, key);
		return kind;
	}
	if (into.count > 1)
		qsort(into.list, into.count, sizeof(*into.list), descending);
	for (size_t i = 0; i < into.count; i++)
		if (kept == 0 || into.list[kept - 1] != into.list[i])
			into.list[kept++] = into.list[i];
	t->list = into.list;
	t->count = kept;
	return stream_waiting(r, any, kind_of_value, key, hit, e);
}

enum err_kind stream_references(
	struct store_reader *r, struct stream *t, int64_t target, int64_t property, struct err *e)
{
	enum err_kind kind = stream_sql(t, &r->conn, SQL_REFERENCE_STREAM, 3, e);

	if (kind != OK)
		return kind;
	t->what = STREAM_CHUNKS;
	t->chunk = malloc(sizeof(*t->chunk));
	if (t->chunk == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	bind_int(t->st, 1, target);
	bind_int(t->st, 2, property);
	return OK;
}
