/* SPDX-License-Identifier: MPL-2.0 */
/* Building peels the hypergraph of keys and cells; what is peeled last is filled first. */
#include "fuse.h"

#include <math.h>
#include <stdlib.h>

#define SEGMENT_LENGTH_MAX (1U << 18)

static uint64_t mix(uint64_t key, uint64_t seed)
{
	uint64_t h = key + seed;

	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

void fuse_layout(struct fuse *f, uint32_t keys)
{
	double size = keys < 2 ? 2 : keys;
	double factor = fmax(1.125, 0.875 + 0.25 * log(1e6) / log(size));
	uint32_t length = 1U << (unsigned)floor(log(size) / log(3.33) + 2.25);
	uint32_t cells = (uint32_t)(size * factor), segments;

	if (length < 4)
		length = 4;
	if (length > SEGMENT_LENGTH_MAX)
		length = SEGMENT_LENGTH_MAX;
	segments = (cells + length - 1) / length;
	segments = segments <= 2 ? 1 : segments - 2;
	f->segment_length = length;
	f->segments = segments;
	f->cells = (segments + 2) * length;
}

bool fuse_sane(const struct fuse *f)
{
	return f->segment_length >= 4 && f->segment_length <= SEGMENT_LENGTH_MAX &&
	       (f->segment_length & (f->segment_length - 1)) == 0 && f->segments >= 1 &&
	       (uint64_t)(f->segments + UINT64_C(2)) * f->segment_length == f->cells;
}

__extension__ typedef unsigned __int128 wide;

static void positions(const struct fuse *f, uint64_t hash, uint32_t ret_at[3])
{
	uint32_t mask = f->segment_length - 1;
	uint64_t range = (uint64_t)f->segments * f->segment_length;
	/* Evenly over the first segments; the next two follow by other bits of the hash. */
	uint32_t first = (uint32_t)((wide)hash * range >> 64);

	ret_at[0] = first;
	ret_at[1] = (first + f->segment_length) ^ ((uint32_t)(hash >> 18) & mask);
	ret_at[2] = (first + 2 * f->segment_length) ^ ((uint32_t)hash & mask);
}

static uint16_t print_of(uint64_t hash)
{
	return (uint16_t)(hash ^ hash >> 32);
}

void fuse_cells(const struct fuse *f, uint64_t key, uint32_t ret_at[3], uint16_t *ret_print)
{
	uint64_t hash = mix(key, f->seed);

	positions(f, hash, ret_at);
	*ret_print = print_of(hash);
}

struct work {
	uint64_t *hashes; /* in order of their first cell, so that memory is walked, not jumped
			     about */
	uint64_t *xors;   /* of the hashes at a cell */
	uint8_t *counts;  /* of hashes at a cell, in steps of 4; low bits: which of the three it is,
			     xored */
	uint32_t *stack;
	uint64_t *order;
	uint8_t *which;
};

/* By their upper bits into as many runs as there are blocks of cells: a counting sort. */
static bool hashes_sort(struct work *w, const uint64_t *keys, uint32_t count, uint64_t seed)
{
	enum { BITS = 10 };
	uint32_t starts[(1 << BITS) + 1] = {0};

	for (uint32_t i = 0; i < count; i++)
		starts[(mix(keys[i], seed) >> (64 - BITS)) + 1]++;
	for (uint32_t i = 0; i < 1 << BITS; i++)
		starts[i + 1] += starts[i];
	for (uint32_t i = 0; i < count; i++) {
		uint64_t hash = mix(keys[i], seed);

		w->hashes[starts[hash >> (64 - BITS)]++] = hash;
	}
	return true;
}

static bool peel(const struct fuse *f, struct work *w, uint32_t count)
{
	uint32_t queued = 0, peeled = 0;
	uint32_t at[3];

	memset(w->xors, 0, f->cells * sizeof(*w->xors));
	memset(w->counts, 0, f->cells);
	for (uint32_t i = 0; i < count; i++) {
		positions(f, w->hashes[i], at);
		for (unsigned k = 0; k < 3; k++) {
			/* A cell with 64 keys or more overflows the count: another seed. */
			if (w->counts[at[k]] >= 252)
				return false;
			w->counts[at[k]] = (uint8_t)((w->counts[at[k]] + 4) ^ k);
			w->xors[at[k]] ^= w->hashes[i];
		}
	}
	for (uint32_t i = 0; i < f->cells; i++) {
		if (w->counts[i] >> 2 == 1)
			w->stack[queued++] = i;
	}
	while (queued > 0) {
		uint32_t cell = w->stack[--queued];
		uint64_t hash = w->xors[cell];

		if (w->counts[cell] >> 2 != 1)
			continue;
		w->order[peeled] = hash;
		w->which[peeled++] = w->counts[cell] & 3;
		positions(f, hash, at);
		for (unsigned k = 0; k < 3; k++) {
			w->counts[at[k]] = (uint8_t)((w->counts[at[k]] - 4) ^ k);
			w->xors[at[k]] ^= hash;
			if (w->counts[at[k]] >> 2 == 1)
				w->stack[queued++] = at[k];
		}
	}
	return peeled == count;
}

bool fuse_build(struct fuse *f, const uint64_t *keys, uint32_t count, uint64_t first_seed)
{
	struct work w = {
		.hashes = malloc((count + (size_t)1) * sizeof(*w.hashes)),
		.xors = malloc(f->cells * sizeof(*w.xors)),
		.counts = malloc(f->cells),
		/* A cell can be queued each time one of its keys goes: never more than three per
		   key. */
		.stack = malloc((f->cells + 3 * (size_t)count) * sizeof(*w.stack)),
		.order = malloc((count + (size_t)1) * sizeof(*w.order)),
		.which = malloc(count + (size_t)1),
	};
	bool built = false;

	if (w.hashes != NULL && w.xors != NULL && w.counts != NULL && w.stack != NULL &&
		w.order != NULL && w.which != NULL) {
		for (unsigned attempt = 0; attempt < FUSE_SEEDS_MAX && !built; attempt++) {
			f->seed = mix(first_seed, attempt);
			built = hashes_sort(&w, keys, count, f->seed) && peel(f, &w, count);
		}
	}
	if (built) {
		memset(f->cell, 0, f->cells * sizeof(*f->cell));
		for (uint32_t i = count; i-- > 0;) {
			uint32_t at[3];

			positions(f, w.order[i], at);
			f->cell[at[w.which[i]]] = (uint16_t)(print_of(w.order[i]) ^ f->cell[at[0]] ^
							     f->cell[at[1]] ^ f->cell[at[2]]);
		}
	}
	free(w.hashes);
	free(w.xors);
	free(w.counts);
	free(w.stack);
	free(w.order);
	free(w.which);
	return built;
}
