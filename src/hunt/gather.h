/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The keys of a segment while it is being filled. They are appended to heaps by their first bits,
 * and what is there twice goes when a heap is full or the segment ends: a heap is small enough for
 * the second cache level, where a set of all keys would miss it with every key. The filter is made
 * of the heaps in their order, so that it too walks through memory.
 */
#ifndef HUNT_GATHER_H
#define HUNT_GATHER_H

#include "base/base.h"

#define GATHER_BITS         8         /* of a key choose its heap */
#define GATHER_RECENT_MIN   (1 << 12) /* values just seen that are remembered */
#define GATHER_RECENT_MAX   (1 << 14) /* 128 KB: well within a core's second cache level */
#define GATHER_ADDRESS_BITS 13        /* 128 KB of texts */
#define GATHER_ADDRESSES    (1 << GATHER_ADDRESS_BITS)
#define GATHER_NETWORKS     (65536 / 8) /* bytes: a bit for each IPv4 /16 */

/* Which of a segment's two filters a key is for. */
enum tier {
	TIER_STRONG, /* decides alone */
	TIER_WEAK,   /* a name below a strong one: asked only when that one is there */
	TIERS
};

/* Up to 15 bytes of text, zeros behind; in the last byte what else tells fields apart. */
struct gather_text {
	uint64_t low, high;
};

struct gather_heap {
	uint64_t *key;
	uint32_t count, capacity;
};

struct gather {
	struct gather_heap heap[TIERS][1 << GATHER_BITS];
	size_t count;    /* keys in all heaps: at least as many as there are different ones */
	uint32_t *table; /* for finding what is there twice: places in a heap, from 1 */
	size_t table_slots;
	uint64_t *recent; /* keys just seen, each at its place or forgotten */
	size_t recent_mask;
	struct gather_text
		text[GATHER_ADDRESSES];     /* short texts just seen; nearly all are addresses */
	uint32_t address[GATHER_ADDRESSES]; /* the same of binary ones; 0: none */
	uint8_t networks[GATHER_NETWORKS];  /* bit n & 7 of byte n >> 3: an address in the /16 n */
	bool failed;                        /* no memory for more */
};

bool gather_init(struct gather *g);
void gather_fini(struct gather *g);
/* Empty; memory stays, for the next segment will be like the last one. */
void gather_clear(struct gather *g);
/* Remove what is there twice: count is exact then. */
void gather_settle(struct gather *g);
/* After settling: the different keys of a tier, by their first bits. */
size_t gather_count(const struct gather *g, enum tier tier);
void gather_collect(const struct gather *g, enum tier tier, uint64_t *ret_keys);
size_t gather_networks_count(const struct gather *g);
/* Room for one more; false: out of memory. */
bool gather_grow(struct gather *g, struct gather_heap *h);

static inline void gather_add(struct gather *g, enum tier tier, uint64_t key)
{
	struct gather_heap *h = &g->heap[tier][key >> (64 - GATHER_BITS)];

	if (__builtin_expect(h->count == h->capacity, 0) && !gather_grow(g, h))
		return;
	h->key[h->count++] = key;
	g->count++;
}

/* address: the first byte lowest. */
static inline void gather_network(struct gather *g, uint32_t address)
{
	g->networks[(address & 0xff) << 5 | (address >> 11 & 0x1f)] |=
		(uint8_t)(1U << (address >> 8 & 7));
}

static inline void gather_recent_fetch(const struct gather *g, uint64_t key)
{
	__builtin_prefetch(&g->recent[key & g->recent_mask], 1);
}

/* Was it seen lately? From now on it was. */
static inline bool gather_recent(struct gather *g, uint64_t key)
{
	uint64_t *place = &g->recent[key & g->recent_mask];

	if (*place == key)
		return true;
	*place = key;
	return false;
}

/* The same of an IPv4 address, the first byte lowest: the address itself is kept, so that no hash
 * must be trusted and who may choose addresses can only make this useless. */
static inline bool gather_recent_address(struct gather *g, uint32_t address)
{
	uint32_t *place = &g->address[address * UINT32_C(0x9e3779b1) >> (32 - GATHER_ADDRESS_BITS)];

	if (*place == address && address != 0)
		return true;
	*place = address;
	return false;
}

/* Where an address as text has its place; it is there when the texts are equal. */
static inline struct gather_text *gather_text_place(struct gather *g, struct gather_text text)
{
	uint64_t hash = (text.low ^ text.high * UINT64_C(0x9e3779b97f4a7c15)) *
			UINT64_C(0xff51afd7ed558ccd);

	return &g->text[hash >> (64 - GATHER_ADDRESS_BITS)];
}

#endif
