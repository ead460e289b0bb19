/* SPDX-License-Identifier: MPL-2.0 */
/*
 * An index from keyed hashes to numbers of entries, for flows and fragments. Never more than a
 * quarter full, so probing stays short; the key keeps it so under attack.
 */
#include <stdlib.h>

#include "inside.h"

bool table_init(struct table *t, uint32_t entries_max)
{
	uint64_t slots = 16;

	while (slots < 4 * (uint64_t)entries_max)
		slots *= 2;
	t->slots = calloc(slots, sizeof(*t->slots));
	t->mask = (uint32_t)(slots - 1);
	return t->slots != NULL;
}

void table_fini(struct table *t)
{
	free(t->slots);
	t->slots = NULL;
}

uint32_t table_peek(const struct table *t, uint64_t hash)
{
	uint32_t at = table_start(t, hash);

	return table_next(t, hash, &at);
}

void table_add(struct table *t, uint64_t hash, uint32_t entry)
{
	uint32_t at = (uint32_t)hash & t->mask;

	while (t->slots[at].entry != 0)
		at = (at + 1) & t->mask;
	t->slots[at] = (struct table_slot){.tag = (uint32_t)hash, .entry = entry + 1};
}

/* Those behind the hole move up when their own place allows it, so no gravestones gather. */
void table_remove(struct table *t, uint32_t tag, uint32_t entry)
{
	uint32_t hole = tag & t->mask, at;

	while (t->slots[hole].entry != entry + 1)
		hole = (hole + 1) & t->mask;
	for (at = (hole + 1) & t->mask; t->slots[at].entry != 0; at = (at + 1) & t->mask) {
		uint32_t home = t->slots[at].tag & t->mask;

		if (((at - home) & t->mask) >= ((at - hole) & t->mask)) {
			t->slots[hole] = t->slots[at];
			hole = at;
		}
	}
	t->slots[hole] = (struct table_slot){0};
}
