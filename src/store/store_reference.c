/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who refers to whom, both ways. With each object go its references, as pairs of varints: the
 * number of the target and of the property. The other way round there is an index in chunks: a few
 * targets (who created it, how it is marked) are referred to by nearly everything, so those who
 * refer to one target by one property in one transaction share a row:
 *
 *   target, property, first  the key; first is the lowest serial of the chunk
 *   serials                  the others ascending, each as a varint of the distance to the one
 * before
 *
 * Serials grow from transaction to transaction, so the chunks of a target and property never
 * overlap.
 */
#include <stdlib.h>

#include "inside.h"

size_t varint_put(uint8_t *to, uint64_t value)
{
	size_t len = 0;

	for (; value >= 0x80; value >>= 7)
		to[len++] = (uint8_t)(value | 0x80);
	to[len++] = (uint8_t)value;
	return len;
}

bool varint_next(struct slice *rest, int64_t *ret_value)
{
	uint64_t value = 0;

	for (unsigned shift = 0; rest->len > 0 && shift < 63; shift += 7) {
		uint8_t byte = (uint8_t)rest->data[0];

		*rest = slice_cut(*rest, 1, rest->len);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*ret_value = (int64_t)value;
			return true;
		}
	}
	return false;
}

/* ---- with the object ------------------------------------------------------------------------- */

void refs_append(struct buf *out, int64_t target, uint32_t property)
{
	uint8_t pair[2 * VARINT_MAX];
	size_t len = varint_put(pair, (uint64_t)target);

	len += varint_put(pair + len, property);
	buf_append(out, pair, len);
}

bool refs_next(struct slice *rest, int64_t *ret_target, int64_t *ret_property)
{
	return varint_next(rest, ret_target) && varint_next(rest, ret_property);
}

/* ---- chunks ---------------------------------------------------------------------------------- */

enum err_kind chunk_read(
	const struct conn *c, sqlite3_stmt *st, struct chunk *ret_chunk, struct err *e)
{
	struct slice rest = column_slice(st, 1);
	int64_t distance;

	ret_chunk->serials[0] = sqlite3_column_int64(st, 0);
	ret_chunk->count = 1;
	while (rest.len > 0) {
		if (ret_chunk->count == CHUNK_MAX || !varint_next(&rest, &distance) ||
			distance <= 0)
			return err_set(e, ERR_CORRUPT,
				"store \"%s\": a row of references from %lld is damaged", c->path,
				(long long)ret_chunk->serials[0]);
		ret_chunk->serials[ret_chunk->count] =
			ret_chunk->serials[ret_chunk->count - 1] + distance;
		ret_chunk->count++;
	}
	return OK;
}

enum err_kind chunk_find(struct conn *c, int64_t target, int64_t property, int64_t serial,
	struct chunk *ret_chunk, size_t *ret_at, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(c, SQL_REFERENCE_FIND, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	ret_chunk->count = *ret_at = 0;
	bind_int(st, 1, target);
	bind_int(st, 2, property);
	bind_int(st, 3, serial);
	kind = conn_row(c, st, &row, e);
	if (kind != OK || !row)
		return kind;
	kind = chunk_read(c, st, ret_chunk, e);
	sqlite3_reset(st);
	while (*ret_at < ret_chunk->count && ret_chunk->serials[*ret_at] != serial)
		++*ret_at;
	return kind;
}

static enum err_kind chunk_write(struct writer *w, int64_t target, int64_t property,
	const int64_t *serials, size_t count, struct err *e)
{
	uint8_t bytes[CHUNK_MAX * 3];
	size_t len = 0, capacity = sizeof(bytes);
	uint8_t *to = bytes, *large = NULL;
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_REFERENCE_ADD, &st, e);

	if (kind != OK)
		return kind;
	for (size_t i = 1; i < count; i++) {
		if (capacity - len < VARINT_MAX && large == NULL) { /* far apart */
			large = malloc(CHUNK_MAX * VARINT_MAX);
			if (large == NULL)
				return err_set(e, ERR_NOMEM, "out of memory for references");
			memcpy(large, bytes, len);
			to = large;
			capacity = CHUNK_MAX * VARINT_MAX;
		}
		len += varint_put(to + len, (uint64_t)(serials[i] - serials[i - 1]));
	}
	bind_int(st, 1, target);
	bind_int(st, 2, property);
	bind_int(st, 3, serials[0]);
	bind_blob(st, 4, (struct slice){(const char *)to, len});
	kind = conn_done(&w->conn, st, e);
	free(large);
	return kind;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int reference_order(const void *a, const void *b)
{
	const struct reference_row *x = a, *y = b;

	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	if (x->property != y->property)
		return x->property < y->property ? -1 : 1;
	return (x->serial > y->serial) - (x->serial < y->serial);
}

enum err_kind references_flush(struct writer *w, struct err *e)
{
	const struct reference_row *rows = w->references;
	struct chunk *chunk = &w->chunk;
	enum err_kind kind = OK;

	if (w->references_count > 1)
		qsort(w->references, w->references_count, sizeof(*w->references), reference_order);
	chunk->count = 0;
	for (size_t i = 0; kind == OK && i < w->references_count; i++) {
		const struct reference_row *r = &rows[i], *next = r + 1;
		bool last = i + 1 == w->references_count;

		if (!last && reference_order(r, next) == 0)
			continue; /* the same target twice in one list */
		chunk->serials[chunk->count++] = r->serial;
		if (!last && next->target == r->target && next->property == r->property &&
			chunk->count < CHUNK_MAX)
			continue;
		kind = chunk_write(w, r->target, r->property, chunk->serials, chunk->count, e);
		w->counters.references += (int64_t)chunk->count;
		chunk->count = 0;
	}
	w->references_count = 0;
	return kind;
}

static enum err_kind chunk_delete(
	struct writer *w, int64_t target, int64_t property, int64_t first, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_REFERENCE_DELETE, &st, e);

	if (kind != OK)
		return kind;
	bind_int(st, 1, target);
	bind_int(st, 2, property);
	bind_int(st, 3, first);
	return conn_done(&w->conn, st, e);
}

enum err_kind references_delete(struct writer *w, int64_t serial, struct slice refs, struct err *e)
{
	struct chunk *chunk = &w->chunk;
	int64_t target, property;
	enum err_kind kind = OK;
	size_t at;

	while (kind == OK && refs_next(&refs, &target, &property)) {
		kind = chunk_find(&w->conn, target, property, serial, chunk, &at, e);
		if (kind != OK || at == chunk->count) /* the same target twice in one list */
			continue;
		kind = chunk_delete(w, target, property, chunk->serials[0], e);
		memmove(&chunk->serials[at], &chunk->serials[at + 1],
			(--chunk->count - at) * sizeof(chunk->serials[0]));
		if (kind == OK && chunk->count > 0)
			kind = chunk_write(w, target, property, chunk->serials, chunk->count, e);
		w->counters.references--;
	}
	return kind;
}
