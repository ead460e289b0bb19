/* SPDX-License-Identifier: MPL-2.0 */
/* One segment's file: what it says of the log, and its filter. Drawn in docs/hunt.md. */
#ifndef HUNT_SEGMENT_H
#define HUNT_SEGMENT_H

#include "event/event.h"
#include "fuse.h"
#include "gather.h"
#include "keyer.h"

#define SEGMENT_VERSION    2
#define SEGMENT_HEADER     192  /* bytes in front of the names */
#define SEGMENT_PATH_MAX   4096 /* with NUL, as PATH_MAX */
#define SEGMENT_FORMAT_MAX 64   /* with NUL */
#define SEGMENT_ALIGN      64   /* cells begin on a cache line */
/* The header with its names, filled up: what must be read to know a segment. */
#define SEGMENT_HEAD_MAX                                                                           \
	((SEGMENT_HEADER + SEGMENT_PATH_MAX + SEGMENT_FORMAT_MAX + SEGMENT_ALIGN - 1) /            \
		SEGMENT_ALIGN * SEGMENT_ALIGN)
#define SEGMENT_STRONG_BITS 16 /* a stranger passes once in 65,536 */
#define SEGMENT_WEAK_BITS   12 /* behind a strong key that passed: once in 4,096 */
/* IPv4 /16s from which on they are a map of bits, and fewer are keys among the others: the map is
 * then the smaller one. */
#define SEGMENT_NETWORKS_MIN 3800
#define SEGMENT_LOG_HEAD_MAX KIB(4) /* bytes at a log's beginning by which it is recognised */

/* The log that a segment speaks of, so that it is not taken for another one of the same name. */
struct segment_log {
	uint64_t device, inode;
	uint64_t size;      /* of the file when the segment was written; it only grows */
	uint32_t head_len;  /* of these first bytes */
	uint64_t head_hash; /* the folder's keyed hash */
};

struct segment_facts {
	uint64_t key_id;
	uint64_t first_record, records;
	uint64_t offset, bytes;
	int64_t first_us, last_us;
	struct segment_log log;
	uint32_t keys[TIERS];
	const char *path, *format; /* NUL behind; parsed: borrowed from the file's bytes */
};

/* The filters of a segment and where they are in its file. */
struct segment_filters {
	struct fuse tier[TIERS];  /* cells 0: no keys */
	const uint8_t *networks;  /* GATHER_NETWORKS bytes; NULL: they are among the strong keys */
	bool networks_there;      /* the file has them */
	size_t cells_at;          /* the map of networks, then strong cells */
	size_t weak_at, weak_end; /* weak cells; the end is the file's */
	uint64_t check[TIERS];    /* of the strong part and of the weak part */
};

/* A whole file in *ret_file; facts->keys is counted here. k: for the networks, which may be added
 * to g as keys. first_seed: random. */
enum err_kind segment_make(struct segment_facts *facts, const struct keyer *k, struct gather *g,
	uint64_t first_seed, struct buf *ret_file, struct err *e) MUST_USE;

/*
 * What the head of a file says; `head` are its first bytes, at least SEGMENT_HEAD_MAX unless the
 * file is shorter. file_size: of all of it. ERR_CORRUPT: cut off, altered or contradicting itself;
 * ERR_INVALID: another version. ret_filters has sizes and places, no bytes yet.
 */
enum err_kind segment_head(struct slice head, uint64_t file_size, struct segment_facts *ret_facts,
	struct segment_filters *ret_filters, struct err *e) MUST_USE;
/*
 * Bytes of a part are there: `file` is the file up to the part's end or more. ERR_CORRUPT: altered.
 * The filters then point into it.
 */
enum err_kind segment_part(
	struct slice file, enum tier part, struct segment_filters *filters, struct err *e) MUST_USE;
/* Head and both parts of a whole file. */
enum err_kind segment_parse(struct slice file, struct segment_facts *ret_facts,
	struct segment_filters *ret_filters, struct err *e) MUST_USE;

/* Put right checksums on altered bytes, in place, for tests; false: too short to have any. */
bool segment_resum(char *bytes, size_t len);

#endif
