/* SPDX-License-Identifier: MPL-2.0 */
/* What the files of this folder share: high-water marks and the shape of frames. */
#ifndef SIGNER_PARTS_H
#define SIGNER_PARTS_H

#include "signer.h"

/* ---- high-water marks (docs/notes.md draws the file) ----------------------------------------- */

#define MARK_LEN    512  /* bytes of one copy: the unit in which disks write */
#define MARK_STRIDE 4096 /* from copy to copy: a torn sector of any disk damages one of the two */

/* The last that one key signed of one log. */
struct mark {
	char origin[NOTE_NAME_MAX + 1];
	uint8_t log[NOTE_PUBLIC_LEN]; /* the key that the origin first came with */
	uint64_t size;
	uint8_t root[LEDGER_HASH_LEN];
	bool forked; /* two roots of one size carry our signature */
};

/* The marks of one of our keys: one file. */
struct marks {
	const struct ledger_disk *disk;
	const char *path;
	enum signer_key key;
	uint8_t own[NOTE_PUBLIC_LEN];
	bool unsure; /* a sync failed: nobody knows what the disk holds */
	size_t count;
	struct mark items[SIGNER_ORIGINS_MAX];
};

/* Fills *m, mends half-written marks, makes the file. ERR_CORRUPT, ERR_CONFLICT. own: of ours. */
enum err_kind marks_open(struct marks *m, const struct ledger_disk *disk, enum signer_key key,
	const struct note_key *own, struct err *e) MUST_USE;
size_t marks_find(const struct marks *m, struct slice origin); /* m->count: none */
/* index <= m->count; durable on return. ERR_LIMIT: no room for one more. */
enum err_kind marks_put(
	struct marks *m, size_t index, const struct mark *mark, struct err *e) MUST_USE;

/* ---- frames (docs/notes.md draws them) ------------------------------------------------------- */

#define FRAME_HEAD   8 /* bytes: magic, operation, kind of error, zeros */
#define FRAME_LENGTH 4 /* bytes of the length in front of a frame on a stream */
#define ASK_MAGIC    "SSQ1"
#define TELL_MAGIC   "SSA1"

/* Sent, so the numbers never change. */
enum signer_op {
	OP_PUBLIC = 1,
	OP_SIZE = 2,
	OP_CHECKPOINT = 3,
	OP_SEEN = 4,
	OP_COSIGN = 5,
	OP_UNSEAL = 6,
	OP_MANIFEST = 7,
	OP_CHARTER = 8,
};

void slice16_put(struct buf *out, struct slice s); /* u16be length, bytes */
void slice32_put(struct buf *out, struct slice s);
void u64_put(struct buf *out, uint64_t value);
struct slice slice16_read(struct reader *r);
struct slice slice32_read(struct reader *r);
void path_put(struct buf *out, const struct ledger_path *path); /* u8 count, hashes */
void path_read(struct reader *r, struct ledger_path *ret_path); /* bad past LEDGER_PATH_MAX */
void hash_read(struct reader *r, void *ret_bytes, size_t len);

/* Exactly len bytes. *ret_end (may be NULL): the stream ended before the first. ERR_IO. */
enum err_kind stream_read(int fd, void *to, size_t len, bool *ret_end, struct err *e) MUST_USE;
/* All of the bytes; a peer that is gone raises no signal. ERR_IO. */
enum err_kind stream_write(int fd, struct slice bytes, struct err *e) MUST_USE;

#endif
