/* SPDX-License-Identifier: MPL-2.0 */
/* What the files of this folder share. */
#ifndef LEDGER_INSIDE_H
#define LEDGER_INSIDE_H

#include <pthread.h>

#include "ledger.h"

#define HASH_LEN      LEDGER_HASH_LEN
#define ENTRY_BYTES   (2 + LEDGER_LEAF_LEN) /* a leaf in `entries`: its length first */
#define PLACE_BYTES   16
#define TILE_LEVELS   6  /* 256^5 is LEDGER_SIZE_MAX: the top level holds one hash at the most */
#define TILE_HEIGHT   8  /* 2^8 = LEDGER_TILE */
#define FILE_NAME_MAX 24 /* "checkpoint", "hashes.5" */

/* Where record `index` of a file begins; for messages. */
static inline unsigned long long offset_of(uint64_t index, size_t width)
{
	return index * width;
}

/* ---- tree ------------------------------------------------------------------------------------ */

/* Largest power of two below n, which is at least 2. */
uint64_t tree_split(uint64_t n);
/* As ledger_edge_add, and calls `kept` with every complete subtree that the leaf finishes: its
 * height, and its hash. */
void tree_add(struct ledger_edge *edge, const uint8_t leaf_hash[HASH_LEN],
	void (*kept)(void *context, unsigned height, const uint8_t hash[HASH_LEN]), void *context);
/* The root of 2^height hashes that lie one behind another; overwrites them. */
void tree_fold(uint8_t *hashes, unsigned height, uint8_t ret_hash[HASH_LEN]);

/* ---- lines of C2SP texts --------------------------------------------------------------------- */

/* Cut one line, without its newline, off *rest; false: no newline is left. */
bool line_take(struct slice *rest, struct slice *ret_line);
/* "WORD DECIMAL" exactly. */
bool line_number(struct slice line, const char *word, uint64_t *ret_value);
/* Lines of base64 hashes up to and with the empty line. ERR_PARSE, ERR_LIMIT past
 * LEDGER_PATH_MAX. */
enum err_kind path_parse(
	struct slice *rest, const char *what, struct ledger_path *ret_path, struct err *e) MUST_USE;
void path_write(const struct ledger_path *path, struct buf *out);

/* ---- a log ----------------------------------------------------------------------------------- */

/* What a state slot says. */
struct state {
	uint64_t sequence;
	uint64_t size;     /* leaves */
	uint64_t contents; /* bytes */
	uint64_t note;
	uint8_t root[HASH_LEN];
};

#define STATE_SLOT_BYTES  512
#define STATE_SLOT_OFFSET 4096 /* of the second: no sector of any disk holds both */

void state_write(const struct state *s, struct slice origin, uint8_t ret_slot[STATE_SLOT_BYTES]);
/* False: torn or damaged. ret_origin is borrowed from slot. */
bool state_parse(
	const uint8_t slot[STATE_SLOT_BYTES], struct state *ret_state, struct slice *ret_origin);

/* Files that the state vouches for. */
enum log_file {
	FILE_ENTRIES,
	FILE_SALTS,
	FILE_PLACES,
	FILE_CONTENTS,
	FILE_HASHES, /* and one for each level */
	FILES = FILE_HASHES + TILE_LEVELS
};

struct request;

/*
 * One thread writes at a time (log_turn); readers look only at what is durable, which nobody
 * changes, except openings, which have a lock of their own.
 */
struct ledger {
	struct ledger_disk disk;
	const struct world *world;
	char *folder;
	char origin[NOTE_NAME_MAX + 1];

	pthread_mutex_t mutex;         /* over all below */
	pthread_cond_t changed;        /* busy fell, or requests were answered */
	bool busy;                     /* somebody writes */
	struct request *first, **last; /* appends that wait */
	struct state state;            /* what is durable */
	unsigned slot;                 /* that says so; the other is written next */
	struct ledger_edge edge;       /* of state.size */
	uint64_t journal;              /* bytes of records since `state` was written */
	unsigned dirty;                /* 1 << enum log_file: written and not synced */
	bool unsure;                   /* files may hold more than `state` says: tidy first */
	bool half_erased; /* an erasing failed: what reads as erased may not be synced */

	pthread_rwlock_t openings; /* salts, places and contents while they are changed in place */
};

/* Reading and writing a file of the log by its name. */
enum err_kind log_read(struct ledger *l, const char *name, uint64_t offset, void *to, size_t len,
	struct err *e) MUST_USE;
enum err_kind log_write(struct ledger *l, const char *name, uint64_t offset, struct slice bytes,
	struct err *e) MUST_USE;
enum err_kind log_sync(struct ledger *l, const char *name, struct err *e) MUST_USE;
enum err_kind log_file_size(
	struct ledger *l, const char *name, uint64_t *ret_bytes, struct err *e) MUST_USE;
enum err_kind log_replace(
	struct ledger *l, const char *name, struct slice content, struct err *e) MUST_USE;
/* As log_read, with zeros for what lies behind the end of the file. */
enum err_kind log_read_sparse(struct ledger *l, const char *name, uint64_t offset, void *to,
	size_t len, struct err *e) MUST_USE;

/* Zeros over part of a file; not synced. */
enum err_kind log_zeros_write(
	struct ledger *l, const char *name, uint64_t offset, uint64_t len, struct err *e) MUST_USE;

/* The only writer, until log_turn_end. */
void log_turn(struct ledger *l);
void log_turn_end(struct ledger *l);
/* Ready to write past the journal: folder and state are there, the state says all that is durable,
 * and nothing lies behind it. In turn. */
enum err_kind log_tidy(struct ledger *l, struct err *e) MUST_USE;
enum err_kind log_files_sync(struct ledger *l, struct err *e) MUST_USE;
/* What is durable now, for everybody. */
void log_state_set(struct ledger *l, const struct state *next, const struct ledger_edge *edge);
/* Make `next` durable; what it vouches for is synced already. In turn. */
enum err_kind log_state_put(struct ledger *l, const struct state *next,
	const struct ledger_edge *edge, struct err *e) MUST_USE;

/* Entries and hashes that are not written yet. */
struct stage {
	struct ledger_edge edge;
	struct buf entries;
	struct buf hashes[TILE_LEVELS];
	uint64_t size; /* of the log when it began */
};
void stage_init(struct stage *s, const struct ledger *l);
void stage_fini(struct stage *s);
void stage_add(struct stage *s, const uint8_t leaf[LEDGER_LEAF_LEN]);
/* Write; neither synced nor told to the state. In turn. */
enum err_kind stage_write(const struct stage *s, struct ledger *l, struct err *e) MUST_USE;

/* Entries of one's own log with all that belongs to them. */
struct group {
	struct stage stage;
	struct buf salts, places, contents;
	struct state next; /* becomes what is durable with them */
};
void group_init(struct group *g, const struct ledger *l);
void group_fini(struct group *g);
/* Write; neither synced nor told to the state. In turn. */
enum err_kind group_write(struct group *g, struct ledger *l, struct err *e) MUST_USE;
/* Is it all written? ERR_DENIED: no. */
enum err_kind group_there(struct group *g, struct ledger *l, struct err *e) MUST_USE;
/* Fill g->next. */
void group_finish(struct group *g);

/* ---- journal --------------------------------------------------------------------------------- */

#define JOURNAL_ENTRIES_MAX  256      /* of one record; more gain nothing from it */
#define JOURNAL_CONTENTS_MAX KIB(256) /* bytes of one record */
#define JOURNAL_FULL         MIB(4)   /* then the files are synced; 4 MiB are read in no time */

void journal_record(const struct group *g, struct buf *out); /* before group_write */
/* Durable on return. In turn. */
enum err_kind log_journal_put(struct ledger *l, const struct buf *record, struct err *e) MUST_USE;
/* When a log is opened: what was acknowledged and is in no state yet. */
enum err_kind log_journal_replay(struct ledger *l, struct err *e) MUST_USE;
enum err_kind log_journal_wipe(struct ledger *l, struct err *e) MUST_USE;

/* Hash of leaves [from, to) from the stored hashes. */
enum err_kind log_range_hash(struct ledger *l, uint64_t from, uint64_t to,
	uint8_t ret_hash[HASH_LEN], struct err *e) MUST_USE;
/* The right edge of the first `size` leaves from the stored hashes. */
enum err_kind log_edge(
	struct ledger *l, uint64_t size, struct ledger_edge *ret_edge, struct err *e) MUST_USE;
static inline void hashes_name(unsigned level, char ret_name[FILE_NAME_MAX])
{
	(void)snprintf(ret_name, FILE_NAME_MAX, "hashes.%u", level);
}
static inline void log_file_name(unsigned file, char ret_name[FILE_NAME_MAX])
{
	static const char *const names[FILE_HASHES] = {"entries", "salts", "places", "contents"};

	if (file < FILE_HASHES)
		(void)snprintf(ret_name, FILE_NAME_MAX, "%s", names[file]);
	else
		hashes_name(file - FILE_HASHES, ret_name);
}
/* Whole hashes of a level in a tree of this size. */
static inline uint64_t hashes_count(uint64_t size, unsigned level)
{
	return size >> (TILE_HEIGHT * level);
}

/* The leaf of an entry; empty when its length is damaged. */
static inline struct slice entry_leaf(const uint8_t entry[ENTRY_BYTES])
{
	if (entry[0] != 0 || entry[1] != LEDGER_LEAF_LEN)
		return (struct slice){0};
	return (struct slice){(const char *)entry + 2, LEDGER_LEAF_LEN};
}

/* A place as it is stored; its check covers index and salt too, so that a flipped bit is found. */
void place_write(uint64_t index, const uint8_t salt[LEDGER_SALT_LEN], const struct ledger_place *p,
	uint8_t ret_bytes[PLACE_BYTES]);
/* False: damaged. */
bool place_parse(const uint8_t bytes[PLACE_BYTES], uint64_t index,
	const uint8_t salt[LEDGER_SALT_LEN], struct ledger_place *ret_place);

/* The checkpoint that a note carries; borrowed from it. Signatures are not looked at. */
enum err_kind checkpoint_of_note(
	struct slice bytes, struct note_checkpoint *ret_checkpoint, struct err *e) MUST_USE;
#define NOTE_ARENA_BYTES (4 * NOTE_BYTES_MAX) /* a note taken apart */

#endif
