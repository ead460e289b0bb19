/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The keys of a segment while it is being filled: an open-addressing set that takes keys in small
 * heaps, so that memory is asked for before it is needed, and a memory of the values just seen.
 */
#ifndef HUNT_SET_H
#define HUNT_SET_H

#include "base/base.h"

#define SET_PENDING    64 /* keys on their way: as many cache lines as are fetched at once */
#define SET_SLOTS_MIN  (1 << 12)
#define SET_RECENT_MAX (1 << 16) /* 512 KB: half of a core's second cache level */

struct set {
	uint64_t *slots; /* 0: empty */
	size_t mask;     /* slots - 1, a power of two less one */
	size_t count;
	uint64_t *recent; /* hashes of values as logged, each at its place or forgotten */
	size_t recent_mask;
	uint64_t pending[SET_PENDING];
	size_t pending_count;
	bool failed; /* no memory for more */
};

bool set_init(struct set *s);
void set_fini(struct set *s);
/* Empty, with room for as many as there were. */
bool set_clear(struct set *s);
void set_flush(struct set *s);
/* All keys, in the set's own memory, in no order; the set must be cleared then. */
uint64_t *set_keys(struct set *s, size_t *ret_count);

static inline void set_add(struct set *s, uint64_t key)
{
	__builtin_prefetch(&s->slots[key & s->mask], 1);
	s->pending[s->pending_count++] = key;
	if (s->pending_count == SET_PENDING)
		set_flush(s);
}

static inline void set_recent_fetch(const struct set *s, uint64_t hash)
{
	__builtin_prefetch(&s->recent[hash & s->recent_mask], 1);
}

/* Was it seen lately? From now on it was. */
static inline bool set_recent(struct set *s, uint64_t hash)
{
	uint64_t *place = &s->recent[hash & s->recent_mask];

	if (*place == hash)
		return true;
	*place = hash;
	return false;
}

#endif
