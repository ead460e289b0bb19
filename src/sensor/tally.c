/* SPDX-License-Identifier: MPL-2.0 */
/* Open addressing by keyed hashes; a bounded table that forgets what was last seen long ago. */
#include "tally.h"

#include <stdlib.h>

/* Rows lie side by side as they came, so that few are not spread over much memory; slots say where.
 */
struct slot {
	uint64_t hash; /* 0: free */
	size_t row;
};

struct slots {
	struct slot *at;
	size_t capacity; /* a power of two, at least twice what is used; 0: none yet */
};

struct tally {
	uint8_t key[16];
	size_t rows_max;
	struct tally_row *rows;
	size_t rows_room, used;
	struct slots rows_slots;
	struct tally_indicator *indicators;
	size_t indicators_room, indicators_used;
	struct slots indicators_slots;
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
	for (size_t i = 0; i < t->used; i++)
		free(t->rows[i].kept);
	free(t->rows);
	free(t->rows_slots.at);
	free(t->indicators);
	free(t->indicators_slots.at);
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

/* ---- slots ----------------------------------------------------------------------------------- */

/* The slot of that hash, or the free one where it belongs. */
static struct slot *slot_find(const struct slots *s, uint64_t hash)
{
	size_t at = hash & (s->capacity - 1);

	while (s->at[at].hash != 0 && s->at[at].hash != hash)
		at = (at + 1) & (s->capacity - 1);
	return &s->at[at];
}

/* NULL: it is not there. */
static const struct slot *slot_known(const struct slots *s, uint64_t hash)
{
	const struct slot *slot = s->capacity == 0 ? NULL : slot_find(s, hash);

	return slot == NULL || slot->hash == 0 ? NULL : slot;
}

/* Room for one more than `used`. */
static bool slots_room(struct slots *s, size_t used)
{
	struct slots more = {.capacity = s->capacity == 0 ? 256 : 2 * s->capacity};

	if (2 * (used + 1) <= s->capacity)
		return true;
	more.at = calloc(more.capacity, sizeof(*more.at));
	if (more.at == NULL)
		return false;
	for (size_t i = 0; i < s->capacity; i++) {
		if (s->at[i].hash != 0)
			*slot_find(&more, s->at[i].hash) = s->at[i];
	}
	free(s->at);
	*s = more;
	return true;
}

/* Take it out and close the gap, as linear probing demands. */
static void slot_remove(struct slots *s, uint64_t hash)
{
	size_t mask = s->capacity - 1;
	size_t hole = (size_t)(slot_find(s, hash) - s->at);

	for (size_t next = (hole + 1) & mask; s->at[next].hash != 0; next = (next + 1) & mask) {
		size_t home = s->at[next].hash & mask;

		/* It may move into the hole unless its home lies between the hole and itself. */
		if (((next - home) & mask) >= ((next - hole) & mask)) {
			s->at[hole] = s->at[next];
			hole = next;
		}
	}
	s->at[hole] = (struct slot){0};
}

/* Room for one more of `bytes` each behind `used` of them, at most `max`; NULL: out of memory. */
static void *array_room(void *array, size_t used, size_t *room, size_t max, size_t bytes)
{
	size_t more = *room == 0 ? 64 : 2 * *room;
	void *grown;

	if (used < *room)
		return array;
	if (more > max)
		more = max;
	grown = realloc(array, more * bytes);
	if (grown != NULL)
		*room = more;
	return grown;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* The last one takes its place. */
static void row_remove(struct tally *t, size_t row)
{
	slot_remove(&t->rows_slots, t->rows[row].hash);
	t->used--;
	if (row < t->used) {
		t->rows[row] = t->rows[t->used];
		slot_find(&t->rows_slots, t->rows[row].hash)->row = row;
	}
}

static void oldest_remove(struct tally *t, struct tally_row *ret_gone)
{
	/* Of a sample: looking at all of them for each new row would be quadratic. */
	size_t at = (size_t)(t->evicted * 0x9e3779b97f4a7c15) % t->used, oldest = at;

	for (size_t seen = 1; seen < 16 && seen < t->used; seen++) {
		at = at + 1 == t->used ? 0 : at + 1;
		if (t->rows[at].last_us < t->rows[oldest].last_us)
			oldest = at;
	}
	*ret_gone = t->rows[oldest];
	row_remove(t, oldest);
	t->evicted++;
}

struct tally_row *tally_row(
	struct tally *t, uint64_t hash, bool *ret_new, struct tally_row *ret_gone)
{
	const struct slot *known = slot_known(&t->rows_slots, hash);
	struct tally_row *rows;

	*ret_gone = (struct tally_row){0};
	if (known != NULL) {
		*ret_new = false;
		return &t->rows[known->row];
	}
	if (t->used == t->rows_max)
		oldest_remove(t, ret_gone);
	rows = array_room(t->rows, t->used, &t->rows_room, t->rows_max, sizeof(*rows));
	if (rows == NULL)
		return NULL;
	t->rows = rows;
	if (!slots_room(&t->rows_slots, t->used))
		return NULL;
	*slot_find(&t->rows_slots, hash) = (struct slot){hash, t->used};
	t->rows[t->used] =
		(struct tally_row){.hash = hash, .first_us = TIME_UNKNOWN, .last_us = TIME_UNKNOWN};
	*ret_new = true;
	return &t->rows[t->used++];
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

struct tally_indicator *tally_indicator(struct tally *t, uint64_t hash)
{
	const struct slot *known = slot_known(&t->indicators_slots, hash);
	struct tally_indicator *more;

	if (known != NULL)
		return &t->indicators[known->row];
	if (t->indicators_used == t->rows_max) {
		/* Every indicator was seen: start counting anew, which errs on the side of telling.
		 */
		memset(t->indicators_slots.at, 0,
			t->indicators_slots.capacity * sizeof(*t->indicators_slots.at));
		t->indicators_used = 0;
		t->evicted++;
	}
	more = array_room(
		t->indicators, t->indicators_used, &t->indicators_room, t->rows_max, sizeof(*more));
	if (more == NULL)
		return NULL;
	t->indicators = more;
	if (!slots_room(&t->indicators_slots, t->indicators_used))
		return NULL;
	*slot_find(&t->indicators_slots, hash) = (struct slot){hash, t->indicators_used};
	t->indicators[t->indicators_used] = (struct tally_indicator){.hash = hash};
	return &t->indicators[t->indicators_used++];
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
	for (size_t i = 0; i < t->used; i++)
		each(context, &t->rows[i]);
}

void tally_each_indicator(
	struct tally *t, void (*each)(void *context, struct tally_indicator *i), void *context)
{
	for (size_t i = 0; i < t->indicators_used; i++)
		each(context, &t->indicators[i]);
}
