/* SPDX-License-Identifier: MPL-2.0 */
/* The file's layout and what an open index is; drawn in docs/index.md. */
#ifndef INDEX_INSIDE_H
#define INDEX_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "hash.h"
#include "index.h"
#include "normal.h"

/* ---- layout ---------------------------------------------------------------------------------- */

#define FILE_MAGIC   "serai-ix"
#define FILE_VERSION 1
#define BLOCK_BYTES  4096 /* what is hashed at a time: a look-up reads two or three of them */
#define HEAD_BYTES   BLOCK_BYTES

/* Little-endian throughout. */
enum head_at {
	HEAD_MAGIC = 0,
	HEAD_VERSION = 8,
	HEAD_LENGTH = 12,
	HEAD_FILE_BYTES = 16,
	HEAD_BUILT_US = 24,
	HEAD_KEYS = 32,
	HEAD_SIGNER = 128,
	HEAD_ENTRIES = 256,
	HEAD_VALUES = 264,
	HEAD_PATTERNS = 272,
	HEAD_KINDS = 280,
	HEAD_SUMS_AT = 536,     /* where the blocks' hashes stand */
	HEAD_SUMS_COUNT = 544,  /* blocks from HEAD_BYTES up to there */
	HEAD_SUMS_DIGEST = 552, /* SHA-256 of them */
	HEAD_SECTIONS = 584,
	HEAD_DIGEST = 3968,    /* SHA-256 of all before: names the index */
	HEAD_SIGNATURE = 4000, /* Ed25519 over SIGNED_PREFIX and the digest; zeros: unsigned */
	HEAD_END = 4064
};
#define SIGNED_PREFIX "serai index 1\n"

/* One table per kind of text, at its kind's number; IPv6 addresses at 0. */
#define TABLES      16
#define TABLE_IPV6  0
#define SECTION_ROW 32 /* u64 offset, u64 bytes, u64 count, u32 width, u32 extra */
enum section_id {
	SECTION_FILTER = 0,           /* TABLES of them */
	SECTION_DIRECTORY = TABLES,   /* TABLES */
	SECTION_HEAP = 2 * TABLES,    /* TABLES; width: of entry numbers; extra: longest value */
	SECTION_CROWDED = 3 * TABLES, /* bits by hash of two labels: look at three */
	SECTION_WIDE,                 /* bit per IPv4 /16 */
	SECTION_NARROW,               /* bit per IPv4 /24; may be missing */
	SECTION_IPV4_DIRECTORY,       /* u32 per /16 and one more: where it begins in LOW */
	SECTION_IPV4_LOW,             /* u16, sorted within a /16; or u32, sorted: no directory */
	SECTION_IPV4_ENTRY,           /* entry number per address */
	SECTION_NETWORKS,             /* NETWORK_BYTES each, sorted by address, then prefix */
	SECTION_SET_DIRECTORY,        /* u32 per set and one more */
	SECTION_SETS,                 /* u32 entries */
	SECTION_ENTRIES,              /* ENTRY_BYTES each */
	SECTION_STRINGS,
	SECTION_PATTERNS, /* u64 offset in TEXTS, u32 bytes, u32 entry */
	SECTION_TEXTS,
	SECTIONS
};
_Static_assert(HEAD_SECTIONS + SECTIONS * SECTION_ROW <= HEAD_DIGEST, "the head holds all rows");
/* These are read and verified when opened. */
static inline bool section_eager(unsigned id)
{
	return id < SECTION_DIRECTORY || (id >= SECTION_CROWDED && id <= SECTION_NARROW);
}

#define FILTER_BLOCK    64 /* bytes: a cache line */
#define FILTER_BITS     12 /* per key: at most 1 in 100 strangers pass */
#define CROWDED_BITS    16
#define CROWDED_BYTES   (1 << CROWDED_BITS >> 3)
#define WIDE_BYTES      8192
#define NARROW_BYTES    MIB(2)
#define NARROW_LEAST    4096 /* addresses from which on the /24 bitmap pays for its size */
#define IPV4_SLOTS      65536
#define NETWORK_BYTES   32 /* first[16], u32 parent, u32 entry, u8 prefix, 7 zeros */
#define NETWORK_NONE    UINT32_MAX
#define ENTRY_BYTES     80
#define PATTERN_BYTES   16
#define BUCKET_VALUES   6    /* on average at the most: one or two cache lines */
#define BUCKET_RECORDS  255  /* no bucket of a keyed hash has more */
#define LENGTH_LONG     0xff /* in a length byte: u16 follows */
#define SET_ENTRIES_MAX 4096 /* of one value; more tell nothing new, and each is a finding */

/* ---- little-endian ------------------------------------------------------------------------- */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file is used as it is in memory");
static inline uint16_t le16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}
static inline uint32_t le32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}
static inline uint64_t le64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* ---- filter -------------------------------------------------------------------------------- */

/* A blocked Bloom filter: the high half of a hash chooses the cache line, the low half two words of
 * it and two bits in each. */
static inline uint64_t filter_line(uint64_t hash, uint64_t lines)
{
	return (hash >> 32) * lines >> 32;
}
static inline uint64_t filter_mask_a(uint64_t hash)
{
	return UINT64_C(1) << (hash >> 6 & 63) | UINT64_C(1) << (hash >> 12 & 63);
}
static inline uint64_t filter_mask_b(uint64_t hash)
{
	return UINT64_C(1) << (hash >> 18 & 63) | UINT64_C(1) << (hash >> 24 & 63);
}
static inline bool filter_has(const uint8_t *line, uint64_t hash)
{
	uint64_t a = le64(line + 8 * (hash & 7)), b = le64(line + 8 * (hash >> 3 & 7));
	uint64_t ma = filter_mask_a(hash), mb = filter_mask_b(hash);

	return ((~a & ma) | (~b & mb)) == 0;
}
static inline bool crowded_has(const uint8_t *bits, uint64_t hash)
{
	return bits[hash >> (64 - CROWDED_BITS + 3)] >> (hash >> (64 - CROWDED_BITS) & 7) & 1;
}
/* The bucket of a hash in a table of 2^bits. */
static inline uint32_t bucket_of(uint64_t hash, unsigned bits)
{
	return bits == 0 ? 0 : (uint32_t)(hash >> (64 - bits));
}

/* ---- an open index ------------------------------------------------------------------------- */

struct section {
	uint64_t offset, bytes, count;
	uint32_t width, extra;
};

struct table {
	const uint8_t *filter; /* NULL: the table is empty */
	uint64_t lines;
	struct section directory, heap;
	unsigned bits; /* of a bucket's number */
};

enum block_state { BLOCK_UNREAD, BLOCK_GOOD, BLOCK_BAD };

struct index {
	int fd;
	char *path;
	/* anonymous, file_bytes long from a large page's begin; blocks come when first touched */
	uint8_t *memory;
	void *reserved; /* what it lies in */
	uint64_t file_bytes, reserved_bytes;
	_Atomic uint8_t *blocks; /* enum block_state */
	uint64_t blocks_count;
	const uint8_t *sums;
	pthread_mutex_t reading;
	_Atomic bool damaged;
	struct hash_key key;
	struct section sections[SECTIONS];
	struct table tables[TABLES];
	const uint8_t *crowded, *wide, *narrow; /* NULL: nothing of the sort */
	bool networks_short;                    /* IPv6 networks shorter than the filter's prefix */
	struct index_info info;
	char signer[INDEX_SIGNER_MAX];
};

#define IPV6_FILTER_BYTES 4 /* of an IPv6 address: what the filter knows of networks below it */

/* [offset, offset + bytes) of the file, read and verified; NULL: outside, or damaged. */
const uint8_t *index_touch_slow(struct index *x, uint64_t offset, uint64_t bytes);
static inline const uint8_t *index_touch(const struct index *x, uint64_t offset, uint64_t bytes)
{
	uint64_t first = offset / BLOCK_BYTES - 1;

	/* the usual case: inside one block that has been read */
	if (offset >= HEAD_BYTES && bytes <= BLOCK_BYTES && first < x->blocks_count &&
		offset % BLOCK_BYTES + bytes <= BLOCK_BYTES &&
		atomic_load_explicit(&x->blocks[first], memory_order_acquire) == BLOCK_GOOD)
		return x->memory + offset;
	/* reading a block changes what is cached, not what the index says */
	return index_touch_slow((struct index *)(uintptr_t)x, offset, bytes);
}
/* Row `number` of a section of rows of `bytes`. */
static inline const uint8_t *section_row(
	const struct index *x, unsigned id, uint64_t number, unsigned bytes)
{
	const struct section *s = &x->sections[id];

	if (number >= s->bytes / bytes)
		return NULL;
	return index_touch(x, s->offset + number * bytes, bytes);
}

/* ---- looking up (look.c) ------------------------------------------------------------------- */

#define NUMBER_NONE UINT64_MAX
#define NUMBER_SET  (UINT64_C(1) << 32) /* the rest is the number of a set of entries */

/* The entry or set of a value in a table, and its text as stored; NUMBER_NONE when it is not there.
 */
uint64_t look_table(const struct index *x, const struct table *t, uint64_t hash, struct slice value,
	struct slice *ret_stored);
/* The filter alone: true when it may be there. */
static inline bool look_filter(const struct table *t, uint64_t hash)
{
	return t->filter != NULL &&
	       filter_has(t->filter + FILTER_BLOCK * filter_line(hash, t->lines), hash);
}
uint64_t look_ipv4(const struct index *x, uint32_t address);
/* Where among `count` sorted numbers of 16 bits one should stand, and how far around that is looked
 * first: within two lines of memory. */
#define IPV4_NEAR 8
static inline uint32_t ipv4_guess(uint32_t count, uint32_t low)
{
	return (uint32_t)((uint64_t)count * (low & 0xffff) >> 16);
}
/* Every network that covers these 16 bytes, the narrowest first; false when `each` says so. */
bool look_networks(const struct index *x, const uint8_t address[16],
	bool (*each)(void *context, const uint8_t first[16], unsigned prefix, uint64_t number),
	void *context);
/* Every entry of a number. False when `each` says so; damage ends it early. */
bool look_entries(const struct index *x, uint64_t number,
	bool (*each)(void *context, uint32_t entry), void *context);

/* One record of a heap; false when it does not fit into [*at, end). */
struct stored {
	uint64_t number;
	struct slice value;
};
bool stored_next(const uint8_t **at, const uint8_t *end, unsigned width, struct stored *ret_stored);

/* The last two labels and, where there is one, the last three: their first byte in `name`. False
 * when it has no dot. */
bool name_labels(struct slice name, size_t *ret_two, size_t *ret_three);

#endif
