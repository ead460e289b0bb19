/* SPDX-License-Identifier: MPL-2.0 */
/* Open addressing over keyed hashes; a bounded table that forgets what was last seen longest ago.
 */
#include "tally.h"

#include <stdlib.h>

struct tally {
	uint8_t key[16];
	size_t rows_max;
	struct tally_row *rows;
	size_t capacity, used; /* capacity: power of two */
	struct tally_indicator *indicators;
	size_t indicators_capacity, indicators_used;
	uint64_t evicted;
};

struct tally *tally_new(const struct world *world, size_t rows_max)
{
	struct tally *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	world->random(world->context, t->key, sizeof(t->key));
	t->rows_max = rows_max;
	return t;
}

void tally_free(struct tally *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->capacity; i++)
		free(t->rows[i].kept);
	free(t->rows);
	free(t->indicators);
	free(t);
}

void tally_key_get(const struct tally *t, uint8_t ret_key[16])
{
	memcpy(ret_key, t->key, 16);
}

void tally_key_set(struct tally *t, const uint8_t key[16])
{
	if (t->used == 0 && t->indicators_used == 0)
		memcpy(t->key, key, 16);
}

uint64_t tally_hash_indicator(const struct tally *t, struct slice entry_id, struct slice indicator)
{
	uint64_t a = hash_table(t->key, entry_id), b = hash_table(t->key, indicator);
	uint64_t hash = b ^ (a << 17 | a >> 47);

	return hash == 0 ? 1 : hash;
}

uint64_t tally_hash_host(const struct tally *t, struct slice host)
{
	return hash_table(t->key, host);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static size_t row_find(const struct tally *t, uint64_t hash)
{
	size_t at = hash & (t->capacity - 1);

	while (t->rows[at].hash != 0 && t->rows[at].hash != hash)
		at = (at + 1) & (t->capacity - 1);
	return at;
}

static bool rows_grow(struct tally *t)
{
	size_t old_capacity = t->capacity;
	struct tally_row *old = t->rows;
	size_t capacity = old_capacity == 0 ? 256 : 2 * old_capacity;
	struct tally_row *rows = calloc(capacity, sizeof(*rows));

	if (rows == NULL)
		return false;
	t->rows = rows;
	t->capacity = capacity;
	for (size_t i = 0; i < old_capacity; i++) {
		if (old[i].hash != 0)
			t->rows[row_find(t, old[i].hash)] = old[i];
	}
	free(old);
	return true;
}

/* Take the row out and close the gap, as linear probing demands. */
static void row_remove(struct tally *t, size_t at)
{
	size_t mask = t->capacity - 1;
	size_t hole = at;

	for (size_t next = (at + 1) & mask; t->rows[next].hash != 0; next = (next + 1) & mask) {
		size_t home = t->rows[next].hash & mask;

		/* It may move into the hole unless its home lies between the hole and itself. */
		if (((next - home) & mask) >= ((next - hole) & mask)) {
			t->rows[hole] = t->rows[next];
			hole = next;
		}
	}
	t->rows[hole] = (struct tally_row){0};
	t->used--;
}

static void oldest_remove(struct tally *t, struct tally_row *ret_gone)
{
	/* Of a sample: looking at all of them for each new row would be quadratic. */
	size_t start = (size_t)(t->evicted * 0x9e3779b97f4a7c15) & (t->capacity - 1);
	size_t oldest = t->capacity, seen = 0;

	for (size_t i = 0; i < t->capacity && seen < 16; i++) {
		size_t at = (start + i) & (t->capacity - 1);

		if (t->rows[at].hash == 0)
			continue;
		seen++;
		if (oldest == t->capacity || t->rows[at].last_us < t->rows[oldest].last_us)
			oldest = at;
	}
	*ret_gone = t->rows[oldest];
	t->rows[oldest].kept = NULL;
	row_remove(t, oldest);
	t->evicted++;
}

struct tally_row *tally_row(
	struct tally *t, uint64_t hash, bool *ret_new, struct tally_row *ret_gone)
{
	size_t at;

	*ret_gone = (struct tally_row){0};
	if (t->capacity > 0) {
		at = row_find(t, hash);
		if (t->rows[at].hash == hash) {
			*ret_new = false;
			return &t->rows[at];
		}
	}
	if (t->used == t->rows_max)
		oldest_remove(t, ret_gone);
	if (2 * (t->used + 1) > t->capacity && !rows_grow(t))
		return NULL;
	at = row_find(t, hash);
	t->rows[at] =
		(struct tally_row){.hash = hash, .first_us = TIME_UNKNOWN, .last_us = TIME_UNKNOWN};
	t->used++;
	*ret_new = true;
	return &t->rows[at];
}

bool tally_restore(struct tally *t, const struct tally_row *row)
{
	bool fresh;
	struct tally_row gone;
	struct tally_row *r;

	if (row->hash == 0 || t->used == t->rows_max)
		return false;
	r = tally_row(t, row->hash, &fresh, &gone);
	if (r == NULL || !fresh)
		return false;
	*r = *row;
	r->kept = NULL;
	return true;
}

/* ---- indicators ------------------------------------------------------------------------------ */

static size_t indicator_find(const struct tally *t, uint64_t hash)
{
	size_t at = hash & (t->indicators_capacity - 1);

	while (t->indicators[at].hash != 0 && t->indicators[at].hash != hash)
		at = (at + 1) & (t->indicators_capacity - 1);
	return at;
}

static bool indicators_grow(struct tally *t)
{
	size_t old_capacity = t->indicators_capacity;
	struct tally_indicator *old = t->indicators;
	size_t capacity = old_capacity == 0 ? 64 : 2 * old_capacity;
	struct tally_indicator *more = calloc(capacity, sizeof(*more));

	if (more == NULL)
		return false;
	t->indicators = more;
	t->indicators_capacity = capacity;
	for (size_t i = 0; i < old_capacity; i++) {
		if (old[i].hash != 0)
			t->indicators[indicator_find(t, old[i].hash)] = old[i];
	}
	free(old);
	return true;
}

struct tally_indicator *tally_indicator(struct tally *t, uint64_t hash)
{
	size_t at;

	if (t->indicators_capacity > 0) {
		at = indicator_find(t, hash);
		if (t->indicators[at].hash == hash)
			return &t->indicators[at];
	}
	if (t->indicators_used == t->rows_max) {
		/* Every indicator was seen: start counting anew, which errs on the side of telling.
		 */
		memset(t->indicators, 0, t->indicators_capacity * sizeof(*t->indicators));
		t->indicators_used = 0;
		t->evicted++;
	}
	if (2 * (t->indicators_used + 1) > t->indicators_capacity && !indicators_grow(t))
		return NULL;
	at = indicator_find(t, hash);
	t->indicators[at] = (struct tally_indicator){.hash = hash};
	t->indicators_used++;
	return &t->indicators[at];
}

bool tally_restore_indicator(struct tally *t, const struct tally_indicator *indicator)
{
	struct tally_indicator *i;

	if (indicator->hash == 0 || t->indicators_used == t->rows_max)
		return false;
	i = tally_indicator(t, indicator->hash);
	if (i == NULL)
		return false;
	*i = *indicator;
	return true;
}

size_t tally_count(const struct tally *t)
{
	return t->used;
}

uint64_t tally_evicted(const struct tally *t)
{
	return t->evicted;
}

void tally_each(struct tally *t, void (*each)(void *context, struct tally_row *row), void *context)
{
	for (size_t i = 0; i < t->capacity; i++) {
		if (t->rows[i].hash != 0)
			each(context, &t->rows[i]);
	}
}

void tally_each_indicator(
	struct tally *t, void (*each)(void *context, struct tally_indicator *i), void *context)
{
	for (size_t i = 0; i < t->indicators_capacity; i++) {
		if (t->indicators[i].hash != 0)
			each(context, &t->indicators[i]);
	}
}
