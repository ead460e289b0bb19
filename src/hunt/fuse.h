/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Binary fuse filter with four cells a key (Graf and Lemire, "Binary Fuse Filters", 2022): a set of
 * 64-bit hashes in about 1.08 cells each. Asked about a stranger it says yes once in 2^bits.
 * Private to this folder.
 */
#ifndef FUSE_H
#define FUSE_H

#include <endian.h>

#include "base/base.h"

#define FUSE_WAYS      4
#define FUSE_SEEDS_MAX 100 /* each works with a probability well above one half */

struct fuse {
	uint64_t seed;           /* 0: a key is its own hash */
	uint32_t segment_length; /* a power of two */
	uint32_t segments; /* a key's cells are in four neighbouring segments, first of these */
	uint32_t cells;    /* a multiple of 4 */
	uint32_t bits;     /* of a cell: 12 or 16 */
	uint8_t *cell;     /* little-endian, packed: fuse_bytes */
};

/* Sizes for so many keys; bits is set before. */
void fuse_layout(struct fuse *f, uint32_t keys);
static inline size_t fuse_bytes(const struct fuse *f)
{
	return (size_t)f->cells * f->bits / 8;
}
/*
 * keys: distinct, and already hashes; quickest when they are in order of their first bits. Memory
 * for the work is taken inside. f->cell has room for fuse_bytes.
 * False: out of memory, or no seed worked (keys that are not distinct).
 */
bool fuse_build(struct fuse *f, const uint64_t *keys, uint32_t count, uint64_t first_seed);

struct fuse_probe {
	uint32_t at[FUSE_WAYS];
	uint16_t print;
};
/* Where a key's cells are, and what they must be together. */
struct fuse_probe fuse_probe(const struct fuse *f, uint64_t key);

static inline const uint8_t *fuse_place(const struct fuse *f, uint32_t at)
{
	return f->cell + (f->bits == 16 ? (size_t)at * 2 : (size_t)at * 3 / 2);
}
static inline uint16_t fuse_cell(const struct fuse *f, uint32_t at)
{
	uint16_t pair;

	memcpy(&pair, fuse_place(f, at), sizeof(pair));
	pair = le16toh(pair);
	if (f->bits == 16)
		return pair;
	return (uint16_t)((at & 1) != 0 ? pair >> 4 : pair & 0xfff);
}
static inline void fuse_fetch(const struct fuse *f, const struct fuse_probe *p)
{
	for (unsigned i = 0; i < FUSE_WAYS; i++)
		__builtin_prefetch(fuse_place(f, p->at[i]));
}
static inline bool fuse_holds(const struct fuse *f, const struct fuse_probe *p)
{
	uint16_t sum = 0;

	for (unsigned i = 0; i < FUSE_WAYS; i++)
		sum ^= fuse_cell(f, p->at[i]);
	return sum == p->print;
}
static inline bool fuse_has(const struct fuse *f, uint64_t key)
{
	struct fuse_probe p = fuse_probe(f, key);

	return fuse_holds(f, &p);
}
/* The sizes that a file states are such that every position lies inside. */
bool fuse_sane(const struct fuse *f);

#endif
