/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Binary fuse filter of 16 bits (Graf and Lemire, "Binary Fuse Filters", 2022): a set of 64-bit
 * hashes in about 18 bits each; asked about a stranger it says yes once in 65,536. Private to this
 * folder.
 */
#ifndef FUSE_H
#define FUSE_H

#include "base/base.h"

#define FUSE_SEEDS_MAX 100 /* each works with a probability well above one half */

struct fuse {
	uint64_t seed;
	uint32_t segment_length; /* a power of two */
	uint32_t segments;       /* positions are in three neighbouring segments of these */
	uint32_t cells;
	uint16_t *cell;
};

/* Sizes for so many keys. */
void fuse_layout(struct fuse *f, uint32_t keys);
/* keys: distinct; scratch of the same count is allocated inside. f->cell has f->cells entries.
 * False: out of memory, or no seed worked (keys that are not distinct). */
bool fuse_build(struct fuse *f, const uint64_t *keys, uint32_t count, uint64_t first_seed);
/* The three cells of a key. */
void fuse_cells(const struct fuse *f, uint64_t key, uint32_t ret_at[3], uint16_t *ret_print);
static inline bool fuse_has(const struct fuse *f, uint64_t key)
{
	uint32_t at[3];
	uint16_t print;

	fuse_cells(f, key, at, &print);
	return (f->cell[at[0]] ^ f->cell[at[1]] ^ f->cell[at[2]]) == print;
}
/* The sizes that a file states are such that every position lies inside. */
bool fuse_sane(const struct fuse *f);

#endif
