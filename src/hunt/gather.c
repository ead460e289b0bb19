/* SPDX-License-Identifier: MPL-2.0 */
#include "gather.h"

#include <stdlib.h>

#define HEAP_LEAST 2048 /* keys; pages that were never filled are not there yet */

bool gather_init(struct gather *g)
{
	memset(g, 0, sizeof(*g));
	g->recent_mask = GATHER_RECENT_MIN - 1;
	g->recent = calloc(GATHER_RECENT_MIN, sizeof(*g->recent));
	g->failed = g->recent == NULL;
	return !g->failed;
}

void gather_fini(struct gather *g)
{
	for (unsigned tier = 0; tier < TIERS; tier++) {
		for (size_t i = 0; i < COUNT_OF(g->heap[tier]); i++)
			free(g->heap[tier][i].key);
	}
	free(g->table);
	free(g->recent);
	memset(g, 0, sizeof(*g));
	g->failed = true;
}

void gather_clear(struct gather *g)
{
	for (unsigned tier = 0; tier < TIERS; tier++) {
		for (size_t i = 0; i < COUNT_OF(g->heap[tier]); i++)
			g->heap[tier][i].count = 0;
	}
	g->count = 0;
	memset(g->networks, 0, sizeof(g->networks));
	memset(g->address, 0, sizeof(g->address));
	memset(g->text, 0, sizeof(g->text));
	if (g->recent != NULL)
		memset(g->recent, 0, (g->recent_mask + 1) * sizeof(*g->recent));
}

/* In the order in which they came first. */
static bool heap_settle(struct gather *g, struct gather_heap *h)
{
	size_t slots = HEAP_LEAST, mask;
	uint32_t kept = 0, *table;
	uint64_t *keys = h->key;

	/* A quarter full: small enough for the first cache levels, and seldom a second look. */
	while (slots < 4 * (size_t)h->count)
		slots *= 2;
	if (slots > g->table_slots) {
		table = realloc(g->table, slots * sizeof(*table));
		if (table == NULL)
			return false;
		g->table = table;
		g->table_slots = slots;
	}
	mask = slots - 1;
	table = g->table;
	memset(table, 0, slots * sizeof(*table));
	for (uint32_t i = 0; i < h->count; i++) {
		uint64_t key = keys[i];
		size_t at = key & mask;

		while (table[at] != 0 && keys[table[at] - 1] != key)
			at = (at + 1) & mask;
		keys[kept] = key;
		kept += table[at] == 0;
		table[at] = table[at] == 0 ? kept : table[at];
	}
	g->count -= h->count - kept;
	h->count = kept;
	return true;
}

/* More memory of recent values for a busier log; without, the old one does. */
static void recent_grow(struct gather *g)
{
	size_t places = g->recent_mask + 1;
	uint64_t *larger;

	while (places < GATHER_RECENT_MAX && places < g->count / 2)
		places *= 2;
	if (places == g->recent_mask + 1)
		return;
	larger = calloc(places, sizeof(*larger));
	if (larger == NULL)
		return;
	free(g->recent);
	g->recent = larger;
	g->recent_mask = places - 1;
}

bool gather_grow(struct gather *g, struct gather_heap *h)
{
	uint32_t capacity = h->capacity == 0 ? HEAP_LEAST : 2 * h->capacity;
	uint64_t *key;

	if (h->capacity > 0 && !heap_settle(g, h)) {
		g->failed = true;
		return false;
	}
	/* Settled again only after as many keys as it costs. */
	if (h->capacity > 0 && h->count <= h->capacity / 2)
		return true;
	key = realloc(h->key, capacity * sizeof(*key));
	if (key == NULL) {
		g->failed = true;
		return false;
	}
	h->key = key;
	h->capacity = capacity;
	recent_grow(g);
	return true;
}

void gather_settle(struct gather *g)
{
	for (unsigned tier = 0; tier < TIERS; tier++) {
		for (size_t i = 0; i < COUNT_OF(g->heap[tier]); i++) {
			if (g->heap[tier][i].count > 1 && !heap_settle(g, &g->heap[tier][i]))
				g->failed = true;
		}
	}
}

size_t gather_count(const struct gather *g, enum tier tier)
{
	size_t count = 0;

	for (size_t i = 0; i < COUNT_OF(g->heap[tier]); i++)
		count += g->heap[tier][i].count;
	return count;
}

void gather_collect(const struct gather *g, enum tier tier, uint64_t *ret_keys)
{
	for (size_t i = 0; i < COUNT_OF(g->heap[tier]); i++) {
		const struct gather_heap *h = &g->heap[tier][i];

		if (h->count > 0)
			memcpy(ret_keys, h->key, h->count * sizeof(*ret_keys));
		ret_keys += h->count;
	}
}

size_t gather_networks_count(const struct gather *g)
{
	size_t count = 0;

	for (size_t i = 0; i < sizeof(g->networks); i += 8) {
		uint64_t word;

		memcpy(&word, g->networks + i, sizeof(word));
		count += (size_t)__builtin_popcountll(word);
	}
	return count;
}
