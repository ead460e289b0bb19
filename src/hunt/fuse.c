/* SPDX-License-Identifier: MPL-2.0 */
/* Building peels the hypergraph of keys and cells; what is peeled last is filled first. */
#include "fuse.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Three offsets of so many bits are taken from a hash, below the bits that choose the segment. */
#define OFFSET_BITS        14
#define SEGMENT_LENGTH_MAX (1U << OFFSET_BITS)
#define LARGE_PAGE         MIB(2)

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
	double factor = fmax(1.075, 0.77 + 0.305 * log(6e5) / log(size));
	double exponent = floor(log(size) / log(2.91) - 0.5);
	uint32_t length = exponent < 2 ? 4 : 1U << (unsigned)exponent;
	uint32_t cells = (uint32_t)(size * factor), segments;

	if (length > SEGMENT_LENGTH_MAX)
		length = SEGMENT_LENGTH_MAX;
	segments = (cells + length - 1) / length;
	segments = segments <= FUSE_WAYS - 1 ? 1 : segments - (FUSE_WAYS - 1);
	f->segment_length = length;
	f->segments = segments;
	f->cells = (segments + FUSE_WAYS - 1) * length;
}

bool fuse_sane(const struct fuse *f)
{
	return (f->bits == 12 || f->bits == 16) && f->segment_length >= 4 &&
	       f->segment_length <= SEGMENT_LENGTH_MAX &&
	       (f->segment_length & (f->segment_length - 1)) == 0 && f->segments >= 1 &&
	       (f->segments + UINT64_C(3)) * f->segment_length == f->cells;
}

__extension__ typedef unsigned __int128 wide;

/* Sizes by value, so that they stay in registers while cells are written. */
struct sizes {
	uint32_t length;
	uint64_t range;
};

static struct sizes sizes_of(const struct fuse *f)
{
	return (struct sizes){f->segment_length, (uint64_t)f->segments * f->segment_length};
}

static inline void positions(struct sizes s, uint64_t hash, uint32_t ret_at[FUSE_WAYS])
{
	uint32_t length = s.length, mask = length - 1;
	/* Evenly over the first segments; the next three follow by other bits of the hash. */
	uint32_t first = (uint32_t)((wide)hash * s.range >> 64);

	ret_at[0] = first;
	ret_at[1] = (first + length) ^ ((uint32_t)(hash >> 2 * OFFSET_BITS) & mask);
	ret_at[2] = (first + 2 * length) ^ ((uint32_t)(hash >> OFFSET_BITS) & mask);
	ret_at[3] = (first + 3 * length) ^ ((uint32_t)hash & mask);
}

static inline uint16_t print_of(const struct fuse *f, uint64_t hash)
{
	return (uint16_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> (64 - f->bits));
}

static inline uint64_t hash_of(const struct fuse *f, uint64_t key)
{
	return f->seed == 0 ? key : mix(key, f->seed);
}

struct fuse_probe fuse_probe(const struct fuse *f, uint64_t key)
{
	uint64_t hash = hash_of(f, key);
	struct fuse_probe p = {.print = print_of(f, hash)};

	positions(sizes_of(f), hash, p.at);
	return p;
}

struct work {
	uint64_t *hashes; /* under another seed than 0; in order of their first bits */
	uint64_t *xors;   /* of the hashes at a cell */
	uint64_t *order;  /* hashes as they were peeled */
	uint32_t *stack;  /* cells with one key left: each becomes one at most once */
	uint16_t *cell;
	uint8_t *counts; /* of hashes at a cell, in steps of 4; low bits: which of the four it is,
			    xored */
	uint8_t *which;
	char *memory;
};

/* One piece, on large pages where the system has them; hashes are taken when needed. */
static bool work_init(struct work *w, const struct fuse *f, uint32_t count)
{
	size_t cells = f->cells, keys = count + (size_t)1;
	size_t bytes = cells * (8 + 4 + 2 + 1) + keys * (8 + 1);
	char *at;

	bytes = (bytes + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
	*w = (struct work){.memory = aligned_alloc(LARGE_PAGE, bytes)};
	if (w->memory == NULL)
		return false;
	(void)madvise(w->memory, bytes, MADV_HUGEPAGE);
	at = w->memory;
	w->xors = (uint64_t *)(void *)at;
	at += cells * sizeof(*w->xors);
	w->order = (uint64_t *)(void *)at;
	at += keys * sizeof(*w->order);
	w->stack = (uint32_t *)(void *)at;
	at += cells * sizeof(*w->stack);
	w->cell = (uint16_t *)(void *)at;
	at += cells * sizeof(*w->cell);
	w->counts = (uint8_t *)at;
	w->which = (uint8_t *)at + cells;
	return true;
}

/* Hashes under another seed, by their upper bits: a counting sort. */
static const uint64_t *hashes_sort(
	struct work *w, const uint64_t *keys, uint32_t count, uint64_t seed)
{
	enum { BITS = 10 };
	uint32_t starts[(1 << BITS) + 1] = {0};

	if (w->hashes == NULL)
		w->hashes = malloc((count + (size_t)1) * sizeof(*w->hashes));
	if (w->hashes == NULL)
		return NULL;
	for (uint32_t i = 0; i < count; i++)
		starts[(mix(keys[i], seed) >> (64 - BITS)) + 1]++;
	for (uint32_t i = 0; i < 1 << BITS; i++)
		starts[i + 1] += starts[i];
	for (uint32_t i = 0; i < count; i++) {
		uint64_t hash = mix(keys[i], seed);

		w->hashes[starts[hash >> (64 - BITS)]++] = hash;
	}
	return w->hashes;
}

/* Loops over the cells of a key are unrolled: they are most of the work. */
static bool cells_count(
	const struct fuse *f, struct work *w, const uint64_t *hashes, uint32_t count)
{
	const struct sizes sizes = sizes_of(f);
	uint64_t *xors = w->xors;
	uint8_t *counts = w->counts, fullest = 0;

	memset(xors, 0, f->cells * sizeof(*xors));
	memset(counts, 0, f->cells);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t hash = hashes[i];
		uint32_t at[FUSE_WAYS];

		positions(sizes, hash, at);
#pragma GCC unroll 4
		for (unsigned k = 0; k < FUSE_WAYS; k++) {
			uint8_t n = (uint8_t)((counts[at[k]] + 4) ^ k);

			counts[at[k]] = n;
			fullest |= n;
			xors[at[k]] ^= hash;
		}
	}
	/* A cell that once had 32 keys may have overflowed its count: another seed. */
	return fullest < 128;
}

static bool peel(const struct fuse *f, struct work *w, const uint64_t *hashes, uint32_t count)
{
	const struct sizes sizes = sizes_of(f);
	uint64_t *xors = w->xors;
	uint8_t *counts = w->counts;
	uint32_t *stack = w->stack, queued = 0, peeled = 0;

	if (!cells_count(f, w, hashes, count))
		return false;
	for (uint32_t i = 0; i < f->cells; i++) {
		stack[queued] = i;
		queued += counts[i] >> 2 == 1;
	}
	while (queued > 0) {
		uint32_t cell = stack[--queued], at[FUSE_WAYS];
		uint64_t hash = xors[cell];
		uint8_t which = counts[cell];

		if (which >> 2 != 1)
			continue;
		w->order[peeled] = hash;
		w->which[peeled++] = which & 3;
		positions(sizes, hash, at);
#pragma GCC unroll 4
		for (unsigned k = 0; k < FUSE_WAYS; k++) {
			uint8_t n = (uint8_t)((counts[at[k]] - 4) ^ k);

			counts[at[k]] = n;
			xors[at[k]] ^= hash;
			stack[queued] = at[k];
			queued += n >> 2 == 1;
		}
	}
	return peeled == count;
}

static void fill(const struct fuse *f, const struct work *w, uint32_t count)
{
	const struct sizes sizes = sizes_of(f);
	uint16_t *cells = w->cell;

	memset(cells, 0, f->cells * sizeof(*cells));
	for (uint32_t i = count; i-- > 0;) {
		uint64_t hash = w->order[i];
		uint16_t print = print_of(f, hash);
		uint32_t at[FUSE_WAYS];

		positions(sizes, hash, at);
		/* The cell itself is still 0. */
#pragma GCC unroll 4
		for (unsigned k = 0; k < FUSE_WAYS; k++)
			print ^= cells[at[k]];
		cells[at[w->which[i]]] = print;
	}
}

static void pack(struct fuse *f, const uint16_t *cell)
{
	uint8_t *to = f->cell;

	if (f->bits == 16) {
		for (uint32_t i = 0; i < f->cells; i++, to += 2) {
			uint16_t c = htole16(cell[i]);

			memcpy(to, &c, sizeof(c));
		}
		return;
	}
	for (uint32_t i = 0; i < f->cells; i += 2, to += 3) {
		to[0] = (uint8_t)cell[i];
		to[1] = (uint8_t)(cell[i] >> 8 | cell[i + 1] << 4);
		to[2] = (uint8_t)(cell[i + 1] >> 4);
	}
}

bool fuse_build(struct fuse *f, const uint64_t *keys, uint32_t count, uint64_t first_seed)
{
	struct work w;
	bool built = false;

	if (!work_init(&w, f, count))
		return false;
	for (unsigned attempt = 0; attempt < FUSE_SEEDS_MAX && !built; attempt++) {
		const uint64_t *hashes = keys;

		f->seed = attempt == 0 ? 0 : mix(first_seed, attempt) | 1;
		if (f->seed != 0)
			hashes = hashes_sort(&w, keys, count, f->seed);
		if (hashes == NULL)
			break;
		built = peel(f, &w, hashes, count);
	}
	if (built) {
		fill(f, &w, count);
		pack(f, w.cell);
	}
	free(w.hashes);
	free(w.memory);
	return built;
}
