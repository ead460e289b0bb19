/* SPDX-License-Identifier: MPL-2.0 */
/* Names of types and properties as small numbers, kept in memory: there are few, used often. */
#include <stdlib.h>

#include "inside.h"

#define NAME_BYTES_MAX 256 /* at the most; names are STIX type or property names */

enum err_kind names_init(struct names *n, const struct world *world, size_t max, enum sql_id get,
	enum sql_id add, struct err *e)
{
	n->max = max;
	n->sql_get = get;
	n->sql_add = add;
	n->slots_count = 256;
	n->slots = calloc(n->slots_count, sizeof(*n->slots));
	/* rolled-back names leave their text behind; twice the limit is room for that */
	n->arena = arena_new(2 * max * (NAME_BYTES_MAX + sizeof(max_align_t)));
	if (n->slots == NULL || n->arena == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	world->random(world->context, n->key, sizeof(n->key));
	return OK;
}

void names_fini(struct names *n)
{
	free(n->slots);
	free(n->by_number);
	arena_free(n->arena);
	pthread_mutex_destroy(&n->mutex);
}

static size_t slot_of(const struct names *n, struct slice name)
{
	size_t at = (size_t)hash_table(n->key, name) & (n->slots_count - 1);

	while (n->slots[at] != 0 && !slice_equal(n->by_number[n->slots[at] - 1], name))
		at = (at + 1) & (n->slots_count - 1);
	return at;
}

static void slots_fill(struct names *n)
{
	memset(n->slots, 0, n->slots_count * sizeof(*n->slots));
	for (size_t i = 0; i < n->count; i++)
		n->slots[slot_of(n, n->by_number[i])] = (uint32_t)i + 1;
}

/* With the mutex held. */
static enum err_kind add(struct names *n, struct slice name, struct err *e)
{
	struct slice copy;

	if (n->count == n->capacity) {
		size_t capacity = n->capacity == 0 ? 64 : n->capacity * 2;
		struct slice *grown = realloc(n->by_number, capacity * sizeof(*grown));

		if (grown == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		n->by_number = grown;
		n->capacity = capacity;
	}
	if ((n->count + 1) * 2 > n->slots_count) {
		uint32_t *grown = calloc(n->slots_count * 2, sizeof(*grown));

		if (grown == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		free(n->slots);
		n->slots = grown;
		n->slots_count *= 2;
		slots_fill(n);
	}
	copy = arena_copy(n->arena, name);
	if (copy.data == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	n->by_number[n->count] = copy;
	n->slots[slot_of(n, copy)] = (uint32_t)n->count + 1;
	n->count++;
	return OK;
}

static enum err_kind load_locked(struct names *n, struct conn *c, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(c, n->sql_get, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	bind_int(st, 1, (int64_t)n->count);
	while ((kind = conn_row(c, st, &row, e)) == OK && row) {
		if (sqlite3_column_int64(st, 0) != (int64_t)n->count + 1 || n->count == n->max)
			kind = err_set(e, ERR_CORRUPT, "store \"%s\": name %lld out of turn",
				c->path, (long long)sqlite3_column_int64(st, 0));
		else
			kind = add(n, column_slice(st, 1), e);
		if (kind != OK)
			break;
	}
	sqlite3_reset(st);
	return kind;
}

enum err_kind names_load(struct names *n, struct conn *c, struct err *e)
{
	enum err_kind kind;

	pthread_mutex_lock(&n->mutex);
	kind = load_locked(n, c, e);
	pthread_mutex_unlock(&n->mutex);
	return kind;
}

uint32_t names_find(struct names *n, struct slice name)
{
	uint32_t number;

	pthread_mutex_lock(&n->mutex);
	number = n->slots[slot_of(n, name)];
	pthread_mutex_unlock(&n->mutex);
	return number;
}

enum err_kind names_text(
	struct names *n, struct conn *c, int64_t number, struct slice *ret_name, struct err *e)
{
	enum err_kind kind = OK;

	pthread_mutex_lock(&n->mutex);
	if (number > (int64_t)n->count)
		kind = load_locked(n, c, e); /* another process writes */
	if (kind == OK)
		*ret_name = number >= 1 && number <= (int64_t)n->count ? n->by_number[number - 1]
								       : (struct slice){0};
	pthread_mutex_unlock(&n->mutex);
	return kind;
}

enum err_kind names_intern(
	struct names *n, struct conn *c, struct slice name, uint32_t *ret_number, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = OK;

	pthread_mutex_lock(&n->mutex);
	*ret_number = n->slots[slot_of(n, name)];
	if (*ret_number == 0 && n->count < n->max) {
		kind = conn_statement(c, n->sql_add, &st, e);
		if (kind == OK) {
			bind_int(st, 1, (int64_t)n->count + 1);
			bind_text(st, 2, name);
			kind = conn_done(c, st, e);
		}
		if (kind == OK)
			kind = add(n, name, e);
		if (kind == OK)
			*ret_number = (uint32_t)n->count;
	}
	pthread_mutex_unlock(&n->mutex);
	return kind;
}

void names_cut(struct names *n, size_t count)
{
	pthread_mutex_lock(&n->mutex);
	if (count < n->count) {
		n->count = count;
		slots_fill(n);
	}
	pthread_mutex_unlock(&n->mutex);
}

size_t names_count(struct names *n)
{
	size_t count;

	pthread_mutex_lock(&n->mutex);
	count = n->count;
	pthread_mutex_unlock(&n->mutex);
	return count;
}
