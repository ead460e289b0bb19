/* SPDX-License-Identifier: MPL-2.0 */
/* Memory of a builder: large slabs, piles in them, and tables of things already seen. */
#include <stdlib.h>
#include <sys/mman.h>

#include "build.h"

#define SLAB_LEAST  KIB(256)
#define SLAB_MOST   MIB(32)
#define PIECE_LEAST 224
#define PIECE_MOST  KIB(32)

/* ---- pool ------------------------------------------------------------------------------------ */

void pool_fini(struct pool *p)
{
	while (p->slabs != NULL) {
		struct slab *s = p->slabs;

		p->slabs = s->next;
		munmap(s, s->bytes);
	}
	*p = (struct pool){0};
}

void *pool_take(struct pool *p, size_t bytes)
{
	char *at;

	bytes = (bytes + 15) & ~(size_t)15;
	if (p->slabs == NULL || (size_t)(p->end - p->at) < bytes) {
		size_t size = p->next_bytes < SLAB_LEAST ? SLAB_LEAST : p->next_bytes;
		struct slab *s;

		if (size < bytes + sizeof(*s) + 16)
			size = (bytes + sizeof(*s) + 16 + SLAB_LEAST) & ~(size_t)(SLAB_LEAST - 1);
		s = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (s == MAP_FAILED)
			return NULL;
		/* large pages: a tenth of the page faults' time */
		if (size >= MIB(4))
			(void)madvise(s, size, MADV_HUGEPAGE);
		s->next = p->slabs;
		s->bytes = size;
		p->slabs = s;
		p->at = (char *)s + sizeof(*s);
		p->end = (char *)s + size;
		p->next_bytes = size * 2 > SLAB_MOST ? SLAB_MOST : size * 2;
	}
	at = p->at;
	p->at += bytes;
	return at;
}

uint8_t *pile_take_slow(struct pool *p, struct pile *q, size_t bytes)
{
	size_t room = q->last == NULL ? PIECE_LEAST : 2 * (size_t)q->last->room;
	struct piece *piece;

	if (room > PIECE_MOST)
		room = PIECE_MOST;
	if (room < bytes)
		room = bytes;
	piece = pool_take(p, sizeof(*piece) + room + PIECE_SLACK);
	if (piece == NULL)
		return NULL;
	piece->next = NULL;
	piece->len = (uint32_t)bytes;
	piece->room = (uint32_t)room;
	if (q->last == NULL)
		q->first = piece;
	else
		q->last->next = piece;
	q->last = piece;
	q->records++;
	return piece->data;
}

/* ---- equal things once --------------------------------------------------------------------- */

void intern_fini(struct intern *t)
{
	free(t->slots);
	free(t->hashes);
	t->slots = NULL;
	t->hashes = NULL;
	t->count = t->capacity = t->mask = 0;
}

static bool intern_grow(struct intern *t)
{
	uint32_t capacity = t->capacity == 0 ? 64 : t->capacity * 2;
	uint32_t *slots = calloc((size_t)capacity * 2, sizeof(*slots));
	uint64_t *hashes = realloc(t->hashes, capacity * sizeof(*hashes));

	if (hashes != NULL)
		t->hashes = hashes;
	if (slots == NULL || hashes == NULL || capacity < t->capacity) {
		free(slots);
		return false;
	}
	free(t->slots);
	t->slots = slots;
	t->capacity = capacity;
	t->mask = capacity * 2 - 1;
	for (uint32_t id = 0; id < t->count; id++) {
		uint32_t at = (uint32_t)hashes[id] & t->mask;

		while (slots[at] != 0)
			at = (at + 1) & t->mask;
		slots[at] = id + 1;
	}
	return true;
}

bool intern_find(struct intern *t, struct slice bytes,
	bool (*same)(const void *context, uint32_t id, struct slice bytes), const void *context,
	uint32_t *ret_id, bool *ret_new)
{
	uint64_t hash = hash_table(t->key, bytes);
	uint32_t at;

	if (t->count == t->capacity && !intern_grow(t))
		return false;
	for (at = (uint32_t)hash & t->mask; t->slots[at] != 0; at = (at + 1) & t->mask) {
		uint32_t id = t->slots[at] - 1;

		if (t->hashes[id] == hash && same(context, id, bytes)) {
			*ret_id = id;
			*ret_new = false;
			return true;
		}
	}
	*ret_id = t->count;
	*ret_new = true;
	t->slots[at] = t->count + 1;
	t->hashes[t->count++] = hash;
	return true;
}
