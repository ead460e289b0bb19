/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A transparency log as flat files: leaves, tiles, checkpoints, proofs, openings. The same files
 * for one's own log and for the mirror of another's. Knows nothing of what the content means, and
 * holds no key.
 *
 * One folder per log, all records of fixed width, so that a tile is a slice of a file:
 *
 *   entries    50 bytes a leaf: u16be 48, then the leaf; bundle N is [N * 12,800, ...)
 *   hashes.L   32 bytes for each complete subtree of 256^L leaves; tile L/N is [N * 8,192, ...)
 *   salts      32 bytes a leaf: zeros when the opening is not here, or was erased
 *   places     16 bytes a leaf: where its content is (see struct ledger_place)
 *   contents   bytes of contents that no store keeps (charters, decisions, withdrawals, ...)
 *   state      two slots, written in turn; the newer whole one says how much of all that counts
 *   journal    entries that were acknowledged since, until the state says so too
 *   checkpoint the latest signed note
 */
#ifndef LEDGER_H
#define LEDGER_H

#include "base/base.h"
#include "note/note.h"

#define LEDGER_HASH_LEN    32
#define LEDGER_SALT_LEN    32
#define LEDGER_LEAF_LEN    48
#define LEDGER_PATH_MAX    63     /* hashes of a proof: a tree of 2^63 leaves */
#define LEDGER_TILE        256    /* hashes in a full tile */
#define LEDGER_BATCH_MAX   4096   /* entries in one append */
#define LEDGER_CONTENT_MAX MIB(1) /* bytes of one content: what STIX objects may have */
#define LEDGER_SIZE_MAX    (UINT64_C(1) << 40) /* leaves of one log: offsets stay far below 2^63 */

/* ---- the tree: RFC 9162 section 2.1 ---------------------------------------------------------- */

void ledger_hash_leaf(struct slice entry, uint8_t ret_hash[LEDGER_HASH_LEN]);
void ledger_hash_node(const uint8_t left[LEDGER_HASH_LEN], const uint8_t right[LEDGER_HASH_LEN],
	uint8_t ret_hash[LEDGER_HASH_LEN]);
void ledger_hash_empty(uint8_t ret_hash[LEDGER_HASH_LEN]);

/* The right edge of a tree: hashes of its complete subtrees, largest first. */
struct ledger_edge {
	uint64_t size;
	uint8_t hashes[64][LEDGER_HASH_LEN];
	unsigned count; /* bits set in size */
};
void ledger_edge_add(struct ledger_edge *edge, const uint8_t leaf_hash[LEDGER_HASH_LEN]);
void ledger_edge_root(const struct ledger_edge *edge, uint8_t ret_root[LEDGER_HASH_LEN]);

struct ledger_path {
	uint8_t hashes[LEDGER_PATH_MAX + 1][LEDGER_HASH_LEN];
	unsigned count;
};
/* Section 2.1.3.2. False: does not prove that leaf_hash is at index in the tree (size, root). */
bool ledger_inclusion_verify(uint64_t index, uint64_t size, const struct ledger_path *path,
	const uint8_t leaf_hash[LEDGER_HASH_LEN], const uint8_t root[LEDGER_HASH_LEN]) MUST_USE;
/* Section 2.1.4.2; an old size of 0 takes an empty path and any root of the old tree that is the
 * empty one (C2SP tlog-witness). */
bool ledger_consistency_verify(uint64_t old_size, uint64_t size, const struct ledger_path *path,
	const uint8_t old_root[LEDGER_HASH_LEN], const uint8_t root[LEDGER_HASH_LEN]) MUST_USE;

/* ---- leaves ---------------------------------------------------------------------------------- */

/* Written, so the numbers never change. */
enum ledger_class {
	LEDGER_RESTRICTED = 0, /* for some members; its time is floored to the hour */
	LEDGER_COALITION = 1,  /* for all members */
	LEDGER_DECISION = 2,
	LEDGER_CHARTER = 3,
	LEDGER_WITHDRAWAL = 4,
	LEDGER_EVIDENCE = 5,
	LEDGER_CLASSES
};
const char *ledger_class_name(enum ledger_class c);

/*
 * offset  bytes
 *      0  4   "SL1" 00
 *      4  1   class
 *      5  3   00 00 00
 *      8  8   time, microseconds since 1970, u64be
 *     16  32  commitment
 */
struct ledger_leaf {
	enum ledger_class class;
	int64_t time_us;
	uint8_t commitment[LEDGER_HASH_LEN];
};
void ledger_leaf_write(const struct ledger_leaf *l, uint8_t ret_bytes[LEDGER_LEAF_LEN]);
/* ERR_PARSE: another length, magic, class, filling, or a restricted time that is not a whole hour.
 */
enum err_kind ledger_leaf_parse(
	struct slice bytes, struct ledger_leaf *ret_leaf, struct err *e) MUST_USE;
/* SHA-256("serai/commit/v1" 00 || u16be len || origin || salt || u64be len || content) */
void ledger_commit(struct slice origin, const uint8_t salt[LEDGER_SALT_LEN], struct slice content,
	uint8_t ret_commitment[LEDGER_HASH_LEN]);

/* ---- disk: the seam -------------------------------------------------------------------------- */

/*
 * The few things that a log asks of a disk; a simulator hands in one that forgets what was not
 * synced, tears writes and fails on demand. Paths are relative to the disk's root. Errors are
 * ERR_IO, ERR_FULL, ERR_CORRUPT.
 */
struct ledger_disk {
	/* Bytes in the file; 0 when there is none. */
	enum err_kind (*size)(void *context, const char *path, uint64_t *ret_bytes, struct err *e);
	/* Exactly len bytes, or ERR_CORRUPT when the file ends before. */
	enum err_kind (*read)(void *context, const char *path, uint64_t offset, void *to,
		size_t len, struct err *e);
	enum err_kind (*write)(void *context, const char *path, uint64_t offset, struct slice bytes,
		struct err *e);
	enum err_kind (*truncate)(void *context, const char *path, uint64_t bytes, struct err *e);
	enum err_kind (*sync)(void *context, const char *path, struct err *e);
	/* Old or new, never half; synced. Makes folders as needed. */
	enum err_kind (*replace)(
		void *context, const char *path, struct slice content, struct err *e);
	enum err_kind (*make_folder)(void *context, const char *path, struct err *e);
	void *context;
};

/* Real files below root, which is made and locked unless read_only (ERR_BUSY: another process, or
 * another disk of this one, writes there); keeps descriptors open. Free with ledger_disk_close. */
enum err_kind ledger_disk_open(
	const char *root, bool read_only, struct ledger_disk *ret_disk, struct err *e) MUST_USE;
void ledger_disk_close(struct ledger_disk *d);

/* ---- a log ----------------------------------------------------------------------------------- */

struct ledger;

struct ledger_options {
	const struct ledger_disk *disk; /* borrowed */
	const char *folder;             /* on that disk */
	struct slice origin;            /* name of the log, one line: its key's name */
	const struct world *world;
};

/*
 * Make or open. Takes up what only the journal holds, checks lengths, and the right edge against
 * the state's root; the first write cuts off what the state does not vouch for, and makes a new
 * log's folder. An empty origin means that of the log that is there.
 * ERR_CORRUPT names file and offset; ERR_CONFLICT: it is the log of another origin; ERR_USAGE: no
 * origin, and no log. One writer; any number of threads may read. ledger_close writes nothing.
 */
enum err_kind ledger_open(
	const struct ledger_options *options, struct ledger **ret_log, struct err *e) MUST_USE;
void ledger_close(struct ledger *l); /* accepts NULL */

struct slice ledger_origin(const struct ledger *l);
uint64_t ledger_size(const struct ledger *l); /* durable leaves */
/* Root of the first `size` leaves. */
enum err_kind ledger_root(
	struct ledger *l, uint64_t size, uint8_t ret_root[LEDGER_HASH_LEN], struct err *e) MUST_USE;

/* Where a leaf's content is. */
enum ledger_where {
	LEDGER_NOWHERE = 0, /* only the leaf is here: withheld, not fetched, or erased */
	LEDGER_STORED = 1,  /* in the store, under a serial */
	LEDGER_HELD = 2,    /* in `contents` */
	LEDGER_ERASED = 3,
};
struct ledger_place {
	enum ledger_where where;
	uint64_t serial; /* STORED: of the store; HELD: offset in contents */
	uint32_t bytes;  /* HELD: length */
};

/* What is appended to one's own log. */
struct ledger_entry {
	enum ledger_class class;
	int64_t time_us; /* floored to the hour by ledger_append when RESTRICTED */
	struct slice content;
	uint64_t serial; /* not 0: the store keeps the content under this serial; else we do */
};

/*
 * Append a batch to one's own log with fresh salts. Returns when it is on the disk: waiting batches
 * of other threads share the syncs. A failure fails the whole batch and leaves the log as it was.
 * ret_first is the index of the first. `note`, when not NULL, is kept in the state with it: the
 * caller's cursor, true exactly when the batch is.
 */
enum err_kind ledger_append(struct ledger *l, const struct ledger_entry *entries, size_t count,
	const uint64_t *note, uint64_t *ret_first, struct err *e) MUST_USE;
uint64_t ledger_note(const struct ledger *l); /* the last such note; 0 */

/*
 * Append leaves of another's log, leaves[count * 48] from index `from`, which must be our size.
 * `path` proves the tree of size from + count consistent with the signed checkpoint (empty when
 * that is its size), so that a long catch-up is verified and kept answer by answer, resumable at
 * any leaf. ERR_INVALID: the leaves do not lead to that root; nothing is kept. ERR_USAGE: wrong
 * `from`.
 */
enum err_kind ledger_mirror(struct ledger *l, uint64_t from, struct slice leaves,
	const struct ledger_path *path, const struct note_checkpoint *checkpoint,
	struct err *e) MUST_USE;

enum err_kind ledger_leaf_get(
	struct ledger *l, uint64_t index, struct ledger_leaf *ret_leaf, struct err *e) MUST_USE;
/* Raw leaves [from, from + count) appended to out, 48 bytes each. ERR_USAGE past the end. */
enum err_kind ledger_leaves(
	struct ledger *l, uint64_t from, uint64_t count, struct buf *out, struct err *e) MUST_USE;

/* ---- openings -------------------------------------------------------------------------------- */

struct ledger_opening {
	uint64_t index;
	uint8_t salt[LEDGER_SALT_LEN];
	struct slice content;
};

/* Does it open the leaf at its index? ERR_INVALID: no. */
enum err_kind ledger_opening_check(
	struct ledger *l, const struct ledger_opening *o, struct err *e) MUST_USE;
/* Keep salts and places of openings that were checked; serials[count], 0: keep the content here.
 * Openings of erased leaves are left out. Durable on return. */
enum err_kind ledger_openings_put(struct ledger *l, const struct ledger_opening *openings,
	const uint64_t *serials, size_t count, struct err *e) MUST_USE;
/* Salt and place; a content that is HELD is appended to *content (may be NULL). */
enum err_kind ledger_opening_get(struct ledger *l, uint64_t index,
	uint8_t ret_salt[LEDGER_SALT_LEN], struct ledger_place *ret_place, struct buf *content,
	struct err *e) MUST_USE;
/* Places [from, from + count) in one read, into ret[count]. */
enum err_kind ledger_places(struct ledger *l, uint64_t from, uint64_t count,
	struct ledger_place *ret_places, struct err *e) MUST_USE;
/* Overwrite salt and content with zeros, synced; the leaf stays and every proof still verifies.
 * What was cut short is finished by calling again; ledger_verify tells it. */
enum err_kind ledger_erase(struct ledger *l, uint64_t index, struct err *e) MUST_USE;
/* The same with indices[count], in any order; the syncs are those of one. ERR_USAGE past the end,
 * ERR_CORRUPT for a damaged opening: then none is erased. Cut short, any of them may be. */
enum err_kind ledger_erase_many(
	struct ledger *l, const uint64_t *indices, size_t count, struct err *e) MUST_USE;

/* ---- proofs, tiles, checkpoints -------------------------------------------------------------- */

enum err_kind ledger_inclusion(struct ledger *l, uint64_t index, uint64_t size,
	struct ledger_path *ret_path, struct err *e) MUST_USE;
enum err_kind ledger_consistency(struct ledger *l, uint64_t old_size, uint64_t size,
	struct ledger_path *ret_path, struct err *e) MUST_USE;

/* "tile/0/x001/x234/067", "tile/1/000.p/17", "tile/entries/000"; level -1 is entries. */
void ledger_tile_path(int level, uint64_t number, unsigned width, struct buf *out);
/* width LEDGER_TILE when the path says none. ERR_PARSE: not such a path, exactly. */
enum err_kind ledger_tile_parse(struct slice path, int *ret_level, uint64_t *ret_number,
	unsigned *ret_width, struct err *e) MUST_USE;
/* The bytes of a tile of the tree of this size, or of one narrower. *ret_found false: no such tile.
 * ERR_USAGE: more leaves than there are. */
enum err_kind ledger_tile_get(struct ledger *l, uint64_t size, int level, uint64_t number,
	unsigned width, struct buf *out, bool *ret_found, struct err *e) MUST_USE;
/* All tiles and bundles of the stored checkpoint (without one: of all leaves) and the checkpoint,
 * last, as files below a folder; only what is new is written. */
enum err_kind ledger_tiles_write(struct ledger *l, const char *folder, struct err *e) MUST_USE;
/* The same onto another disk. */
enum err_kind ledger_tiles_export(
	struct ledger *l, const struct ledger_disk *to, const char *folder, struct err *e) MUST_USE;

/* Read everything again: every leaf hashed, every stored hash and the root compared, every held
 * content opened. Calls fault for each damaged place; ERR_CORRUPT when there was one. */
enum err_kind ledger_verify(struct ledger *l, void (*fault)(void *context, const char *text),
	void *context, struct err *e) MUST_USE;
/* Re-read and re-hash leaves [from, size) against the root that is to be signed. ERR_CORRUPT. */
enum err_kind ledger_recheck(struct ledger *l, uint64_t from, uint64_t size,
	const uint8_t root[LEDGER_HASH_LEN], struct err *e) MUST_USE;

/* The latest signed checkpoint as a note with whatever cosignatures are known; empty: none. */
enum err_kind ledger_checkpoint_get(struct ledger *l, struct buf *out, struct err *e) MUST_USE;
/* Signatures are the caller's matter. ERR_INVALID: of another origin; ERR_USAGE: more leaves than
 * there are; ERR_CONFLICT: another root than theirs. */
enum err_kind ledger_checkpoint_put(struct ledger *l, struct slice note, struct err *e) MUST_USE;

/* ---- proof files: c2sp.org/tlog-proof@v1 ----------------------------------------------------- */

/* "extra" carries what is needed beside the content to make the leaf again: the first 16 bytes of
 * the leaf and the salt, 48 bytes. It is not authenticated, and need not be: a changed one opens
 * nothing. Without "extra" what is proved is the leaf itself: its 48 bytes are the content then. */
struct ledger_proof {
	struct ledger_leaf leaf; /* its commitment is filled by ledger_proof_verify */
	uint8_t salt[LEDGER_SALT_LEN];
	bool has_opening; /* extra was there */
	uint64_t index;
	struct ledger_path path;
	struct slice checkpoint; /* the note; borrowed */
};
void ledger_proof_write(const struct ledger_proof *p, struct buf *out);
enum err_kind ledger_proof_parse(
	struct slice bytes, struct ledger_proof *ret_proof, struct err *e) MUST_USE;

/* ---- who must have signed: a quorum file (tlog-policy) --------------------------------------- */

struct ledger_quorum;
/* "log VKEY", "witness NAME VKEY", "group NAME k|all|any NAME...", "quorum NAME|none". At most 64
 * logs, 128 witnesses and groups, 256 KiB (ERR_LIMIT). ERR_PARSE names the line. */
enum err_kind ledger_quorum_parse(struct slice text, struct arena *a,
	struct ledger_quorum **ret_quorum, struct err *e) MUST_USE;
/* The keys named, logs first; for note_verify. */
void ledger_quorum_keys(const struct ledger_quorum *q, const struct note_key **ret_keys,
	size_t *ret_count, size_t *ret_logs);
/* Over the witnesses alone; signed_by is by the order of the keys. That a log signed is not asked.
 */
bool ledger_quorum_reached(const struct ledger_quorum *q, const bool *signed_by) MUST_USE;

/*
 * The whole check that anybody can make offline: the checkpoint is signed by a log of the quorum
 * file and cosigned as it asks, and the leaf that the proof's opening and the content make is in
 * its tree. ERR_INVALID says which of these failed.
 */
struct ledger_verified {
	char origin[NOTE_NAME_MAX + 1];
	uint64_t index, size;
	int64_t cosigned_s; /* newest cosignature, or 0 */
	size_t cosignatures;
};
enum err_kind ledger_proof_verify(const struct ledger_proof *p, const struct ledger_quorum *q,
	struct slice content, struct arena *a, struct ledger_verified *ret_verified,
	struct err *e) MUST_USE;

/* ---- witnesses: tlog-witness ----------------------------------------------------------------- */

/* The body of add-checkpoint. */
struct ledger_add {
	uint64_t old_size;
	struct ledger_path path;
	struct slice checkpoint; /* note; borrowed */
};
enum err_kind ledger_add_parse(
	struct slice body, struct ledger_add *ret_add, struct err *e) MUST_USE;
void ledger_add_write(const struct ledger_add *add, struct buf *out);

#endif
