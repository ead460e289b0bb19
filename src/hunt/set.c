/* SPDX-License-Identifier: MPL-2.0 */
/* The set of keys: linear probing, at most half full. */
#include "set.h"

#include <stdlib.h>
#include <sys/mman.h>

#define LARGE_PAGE MIB(2)

/* Large tables on large pages where the system has them: most of the cost of a key is finding its
 * page. Cleared; NULL: no memory. */
static uint64_t *table_new(size_t slots)
{
	size_t bytes = slots * sizeof(uint64_t);
	uint64_t *table;

	if (bytes < LARGE_PAGE)
		return calloc(slots, sizeof(*table));
	table = aligned_alloc(LARGE_PAGE, bytes);
	if (table == NULL)
		return NULL;
	(void)madvise(table, bytes, MADV_HUGEPAGE);
	memset(table, 0, bytes);
	return table;
}

static bool init(struct set *s, size_t slots)
{
	size_t recent = slots < SET_RECENT_MAX ? slots : SET_RECENT_MAX;

	*s = (struct set){.mask = slots - 1, .recent_mask = recent - 1};
	s->slots = table_new(slots);
	s->recent = calloc(recent, sizeof(*s->recent));
	s->failed = s->slots == NULL || s->recent == NULL;
	return !s->failed;
}

bool set_init(struct set *s)
{
	return init(s, SET_SLOTS_MIN);
}

void set_fini(struct set *s)
{
	free(s->slots);
	free(s->recent);
	s->slots = s->recent = NULL;
}

bool set_clear(struct set *s)
{
	size_t slots = SET_SLOTS_MIN;

	/* The next segment will be like the last one. */
	while (slots < s->count * 2)
		slots *= 2;
	set_fini(s);
	return init(s, slots);
}

static void put(uint64_t *slots, size_t mask, uint64_t key, size_t *count)
{
	size_t at = key & mask;

	while (slots[at] != 0 && slots[at] != key)
		at = (at + 1) & mask;
	*count += slots[at] == 0;
	slots[at] = key;
}

static void grow(struct set *s)
{
	size_t slots = (s->mask + 1) * 2, count = 0;
	uint64_t *larger = table_new(slots);

	if (larger == NULL) {
		s->failed = true;
		return;
	}
	for (size_t i = 0; i <= s->mask; i++) {
		if (s->slots[i] != 0)
			put(larger, slots - 1, s->slots[i], &count);
	}
	free(s->slots);
	s->slots = larger;
	s->mask = slots - 1;
	if (slots > SET_RECENT_MAX || s->recent_mask >= slots - 1)
		return;
	/* More memory of recent values for a busier log; without, the old one does. */
	larger = calloc(slots, sizeof(*larger));
	if (larger == NULL)
		return;
	free(s->recent);
	s->recent = larger;
	s->recent_mask = slots - 1;
}

void set_flush(struct set *s)
{
	if ((s->count + s->pending_count) * 2 > s->mask)
		grow(s);
	if (!s->failed) {
		for (size_t i = 0; i < s->pending_count; i++)
			put(s->slots, s->mask, s->pending[i], &s->count);
	}
	s->pending_count = 0;
}

uint64_t *set_keys(struct set *s, size_t *ret_count)
{
	size_t count = 0;

	set_flush(s);
	for (size_t i = 0; i <= s->mask; i++) {
		if (s->slots[i] != 0)
			s->slots[count++] = s->slots[i];
	}
	*ret_count = count;
	return s->slots;
}
