/* SPDX-License-Identifier: MPL-2.0 */
/* One segment's file: what it says of the log, and its filter. Drawn in docs/hunt.md. */
#ifndef HUNT_SEGMENT_H
#define HUNT_SEGMENT_H

#include "event/event.h"
#include "fuse.h"

#define SEGMENT_VERSION    1
#define SEGMENT_HEADER     144  /* bytes in front of the names */
#define SEGMENT_PATH_MAX   4096 /* with NUL, as PATH_MAX */
#define SEGMENT_FORMAT_MAX 64   /* with NUL */
#define SEGMENT_ALIGN      64   /* cells begin on a cache line */
/* The header with its names, filled up: what must be read to know a segment. */
#define SEGMENT_HEAD_MAX                                                                           \
	((SEGMENT_HEADER + SEGMENT_PATH_MAX + SEGMENT_FORMAT_MAX + SEGMENT_ALIGN - 1) /            \
		SEGMENT_ALIGN * SEGMENT_ALIGN)
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
	uint32_t keys;
	const char *path, *format; /* NUL behind; parsed: borrowed from the file's bytes */
};

/* Room in *ret_file for a whole file, laid out for so many keys; f->cell points into it. */
enum err_kind segment_layout(const struct segment_facts *facts, uint32_t keys, struct fuse *f,
	struct buf *ret_file, struct err *e) MUST_USE;
/* Header and digest around the cells that f->cell now has. */
void segment_seal(const struct segment_facts *facts, struct fuse *f, struct buf *file);

/*
 * What the head of a file says; `head` are its first bytes, at least SEGMENT_HEAD_MAX unless the
 * file is shorter. file_size: of all of it. ERR_CORRUPT: cut off, altered or contradicting itself;
 * ERR_INVALID: a later version. *ret_cells_at: where cells begin.
 */
enum err_kind segment_head(struct slice head, uint64_t file_size, struct segment_facts *ret_facts,
	struct fuse *ret_fuse, size_t *ret_cells_at, struct err *e) MUST_USE;
/* A whole file, digest checked; ret_fuse->cell points into it. `file` is aligned for uint16_t. */
enum err_kind segment_parse(struct slice file, struct segment_facts *ret_facts,
	struct fuse *ret_fuse, struct err *e) MUST_USE;

/* Put right checksums on altered bytes, in place, for tests; false: too short to have any. */
bool segment_resum(char *bytes, size_t len);

#endif
