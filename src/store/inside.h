/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the parts of the store share, and nobody else sees.
 *
 *   store_open.c    opening and closing, the lock, the connections' set-up
 *   store_schema.c  the tables, and moving between their versions
 *   store_sql.c     statements, and what SQLite's result codes mean
 *   store_pack.c    bodies packed and unpacked, dictionaries
 *   store_names.c   types and properties as numbers
 *   store_label.c   sets of markings as numbers
 *   store_traits.c  traits of objects as numbers
 *   store_log.c     who was given what
 *   store_write.c   the writer: transactions and its caches
 *   store_ident.c   numbers for ids, and what waits to be merged into the indexes
 *   store_append.c  group commit; one object going in
 *   store_reference.c  who refers to whom
 *   store_vouch.c   several members that vouch for one version
 *   store_due.c     until when versions may be kept, and what is gone since
 *   store_remove.c  objects and collections going out
 *   store_purge.c   what went out leaves the files
 *   store_reader.c  snapshots; rows and bodies
 *   store_cursor.c  pages, versions, all
 *   store_search.c  what several streams have in common, newest first
 *   store_stream.c  streams of serials out of the indexes (stream.h)
 *   store_text.c    the full-text index in its own file
 *   store_access.c  collections, accounts, rights
 *   store_keep.c    notes, originals, evidence, status resources
 *   store_care.c    figures, idle work
 *   store_verify.c  is everything as it must be?
 *
 * Words: a *thing* is what has an id; an *object* is one version of it, and its *serial* its number
 * in order of arrival, never used twice. An *ident* is the number of a thing, given to it when it
 * or a reference to it first arrives. A thing's *own* label is what its versions' own markings are;
 * an object's label has those of what it refers to as well. An *entry* is an object in a
 * collection.
 */
#ifndef STORE_INSIDE_H
#define STORE_INSIDE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <zstd.h>

#include "sql.h"
#include "store/store.h"

/* ---- limits ---------------------------------------------------------------------------------- */

#define STORE_APPLICATION 0x53455241 /* "SERA" in the file's header: ours */

#define PAGE_BYTES         8192     /* measured: 25 % faster than 4096 on objects of 1 KB */
#define WRITER_CACHE_BYTES MIB(16)  /* unless options say otherwise; 32 are 2 % quicker */
#define READER_CACHE_BYTES MIB(2)   /* of objects; a page of 100 needs a tenth of it */
#define TEXT_CACHE_BYTES   MIB(2)   /* of a reader's text connection */
#define ACCESS_CACHE_BYTES KIB(256) /* accounts and collections are few */
#define CARE_CACHE_BYTES   KIB(64)  /* moving the log needs no pages */
#define READERS_MAX        8        /* unless options say otherwise */
#define BUSY_MS            5000     /* wait for a lock of SQLite's: another process's checkpoint */

#define LOG_PAGES_IDLE 1000 /* pages in the log from which an idle checkpoint pays */
#define LOG_PAGES_MAX                                                                              \
	16384 /* 128 MiB: the writer itself checkpoints; rare, as each costs 50-100 ms */
#define LOG_BYTES_KEPT MIB(160) /* the log file is cut to this when it starts over */

#define TYPES_MAX      65536 /* names of types in one store, kept in memory: 16 MiB at the worst */
#define PROPERTIES_MAX 65536 /* names of properties that refer; those beyond share number 0 */
#define MARKINGS_MAX   1024  /* in one label; a larger set is cut and can then never be released */
#define MEMBER_MAX     250   /* bytes, as store.h says */
#define NOTE_KEY_MAX   512   /* bytes */
#define NOTE_VALUE_MAX MIB(1)
#define ORIGINAL_MAX   JSON_DOCUMENT_MAX

#define GROUP_OBJECTS_MAX 8192 /* in one transaction, from all batches that wait */
#define GROUP_BYTES_MAX                                                                            \
	MIB(16) /* of packed bodies in one transaction, unless one batch is larger */

#define EVIDENCE_COUNT_MAX                                                                         \
	1000 /* per member: enough to prove a habit, too little to fill a disk                     \
	      */
#define EVIDENCE_BYTES_MAX MIB(16) /* per member, unpacked */

/* ---- statements ------------------------------------------------------------------------------ */

struct conn {
	sqlite3 *db;
	const char *path; /* for messages; the store's */
	sqlite3_stmt *statements[SQL_COUNT];
	bool taken[SQL_COUNT]; /* by a cursor */
};

/* What went wrong, from the connection's last result: "store "x": DOING: ...". */
enum err_kind conn_fail(const struct conn *c, struct err *e, const char *doing);
/* The connection's own statement, reset and ready to bind. */
enum err_kind conn_statement(
	struct conn *c, enum sql_id id, sqlite3_stmt **ret_st, struct err *e) MUST_USE;
/* One for a cursor, which keeps it for long; give it back. */
enum err_kind conn_take(
	struct conn *c, enum sql_id id, sqlite3_stmt **ret_st, struct err *e) MUST_USE;
void conn_give(struct conn *c, enum sql_id id, sqlite3_stmt *st); /* accepts NULL */
/* Step; *ret_row false at the end. After the end or an error the statement is reset. */
enum err_kind conn_row(struct conn *c, sqlite3_stmt *st, bool *ret_row, struct err *e) MUST_USE;
/* Step to the end and reset. */
enum err_kind conn_done(struct conn *c, sqlite3_stmt *st, struct err *e) MUST_USE;
/* A statement without parameters or rows. */
enum err_kind conn_run(struct conn *c, enum sql_id id, struct err *e) MUST_USE;
enum err_kind conn_exec(struct conn *c, const char *sql, struct err *e) MUST_USE;
void conn_close(struct conn *c); /* also half-opened ones */

/* Binding cannot fail but for our own mistakes: nothing is copied. */
void bind_int(sqlite3_stmt *st, int at, int64_t value);
void bind_blob(sqlite3_stmt *st, int at, struct slice bytes); /* empty is no NULL */
void bind_text(sqlite3_stmt *st, int at, struct slice text);
void bind_text_or_null(sqlite3_stmt *st, int at, struct slice text); /* empty is NULL */
void bind_uuid(sqlite3_stmt *st, int at, const struct uuid *u);
/* Valid until the next step. */
struct slice column_slice(sqlite3_stmt *st, int at);
/* False when the column is no 16 bytes. */
bool column_uuid(sqlite3_stmt *st, int at, struct uuid *ret_uuid);

/* The columns of SQL_STATE_GET. */
enum state_column {
	STATE_SERIAL_LAST,
	STATE_IDENT_LAST,
	STATE_ADDED_LAST,
	STATE_OBJECTS,
	STATE_THINGS,
	STATE_REFERENCES,
	STATE_VALUES,
	STATE_BODY_BYTES,
	STATE_PACKED_BYTES,
	STATE_LABEL_EPOCH,
	STATE_ACCESS_EPOCH,
	STATE_STORE,
	STATE_VALUES_LAST
};

/* ---- schema ---------------------------------------------------------------------------------- */

struct schema_step {
	int to; /* the version that `up` makes of to - 1, and `down` unmakes */
	const char *up;
	const char *down;
};

/* Move to `to`, each step in a transaction of its own. */
enum err_kind schema_move(struct conn *c, const struct schema_step *steps, size_t count, int to,
	struct err *e) MUST_USE;
enum err_kind schema_version(struct conn *c, int *ret_version, struct err *e) MUST_USE;
extern const struct schema_step store_schema[STORE_SCHEMA];
extern const char text_schema[];

/* ---- packing --------------------------------------------------------------------------------- */

#define PACK_LEVEL       3
#define DICTIONARY_PLAIN 0 /* number of a body packed without one */
#define DICTIONARIES_MAX 64

struct dictionary {
	int64_t number; /* from 1 */
	ZSTD_CDict *pack;
	ZSTD_DDict *unpack;
};

struct packer {
	ZSTD_CCtx *zstd;
	struct packer *next;
};

struct writer;

struct packing {
	pthread_mutex_t mutex;
	struct packer *idle;
	struct dictionary all[DICTIONARIES_MAX];
	size_t count;     /* all[i].number is i + 1 */
	bool no_training; /* it failed once: until the next start */
};

enum err_kind packer_take(struct packing *p, struct packer **ret_packer, struct err *e) MUST_USE;
void packer_give(struct packing *p, struct packer *k);
/* Append the packed form; its dictionary's number. `plain`: without a dictionary. */
enum err_kind body_pack(struct packing *p, struct packer *k, bool plain, struct slice body,
	struct buf *out, int64_t *ret_dictionary, struct err *e) MUST_USE;
/* Append the exact bytes. what: names it in ERR_CORRUPT. c: to read dictionaries not yet known. */
enum err_kind body_unpack(struct packing *p, struct conn *c, ZSTD_DCtx *zstd, struct slice packed,
	int64_t dictionary, uint64_t body_bytes, struct buf *out, struct err *e) MUST_USE;
/* Train one when the store has enough objects for the next. */
enum err_kind dictionary_train(struct writer *w, struct err *e) MUST_USE;
/* Read those numbered past what is known. */
enum err_kind dictionaries_load(struct packing *p, struct conn *c, struct err *e) MUST_USE;
void packing_fini(struct packing *p);

/* ---- names ----------------------------------------------------------------------------------- */

/* Numbers for names, from 1 without a gap, never taken back once committed. */
struct names {
	pthread_mutex_t mutex;
	struct arena *arena;
	struct slice *by_number; /* [number - 1] */
	size_t count, capacity;
	uint32_t *slots; /* open addressing; 0 is free */
	size_t slots_count;
	size_t max;
	uint8_t key[16];
	enum sql_id sql_get, sql_add;
};

enum err_kind names_init(struct names *n, const struct world *world, size_t max, enum sql_id get,
	enum sql_id add, struct err *e) MUST_USE;
void names_fini(struct names *n);
enum err_kind names_load(struct names *n, struct conn *c, struct err *e) MUST_USE;
/* 0: unknown. */
uint32_t names_find(struct names *n, struct slice name);
/* Empty: no such number here, even after looking. Valid until the store is closed. */
enum err_kind names_text(struct names *n, struct conn *c, int64_t number, struct slice *ret_name,
	struct err *e) MUST_USE;
/* Find or add within the writer's transaction; 0 when there are too many. */
enum err_kind names_intern(struct names *n, struct conn *c, struct slice name, uint32_t *ret_number,
	struct err *e) MUST_USE;
/* After a rollback: forget those past count. */
void names_cut(struct names *n, size_t count);
size_t names_count(struct names *n);

/* ---- the writer ------------------------------------------------------------------------------ */

struct counters {
	int64_t serial_last;
	int64_t ident_last;
	int64_t added_last_us; /* newest date_added in the store */
	int64_t objects, things, references, values;
	int64_t body_bytes, packed_bytes;
	int64_t label_epoch;
	int64_t values_last; /* serial up to which `value` has all values */
};

struct ident {
	int64_t number;
	uint32_t own; /* label of its versions' own markings */
	bool existed; /* before this call */
};

struct ident_slot {
	struct uuid uuid;
	uint32_t type; /* 0: free */
	uint32_t own;
	int64_t number;
};

/* Ids that are not in the index yet; readers look here too. */
struct ident_tail {
	pthread_mutex_t mutex;
	struct ident_slot *slots; /* open addressing */
	size_t slots_count, count;
	_Atomic int64_t merges; /* how often it was merged into the index */
};

struct collection_state {
	int64_t number;
	int64_t clock_us; /* newest date_added ever given */
	int64_t last_added_us;
	int64_t entries;
	int64_t change;
	bool dirty;
};

struct member_state {
	struct slice name;
	int64_t number;
	int64_t origin_last;
	int64_t evidence_count, evidence_bytes;
	bool dirty;
};

struct reference_row {
	int64_t target, serial;
	uint32_t property;
};

/* Those who refer to one target by one property, ascending. */
#define CHUNK_MAX 512
struct chunk {
	int64_t serials[CHUNK_MAX];
	size_t count;
};

struct value_row {
	struct slice key;
	int64_t serial;
	int kind;
};

/* Whose referrers' labels must be looked at before the transaction ends. */
struct widen_row {
	int64_t ident;
	uint32_t label;
};

struct labels; /* store_label.c */

struct writer {
	pthread_mutex_t mutex; /* held for a whole transaction */
	struct store *s;
	struct conn conn;
	ZSTD_DCtx *zstd;
	bool loaded; /* counters and collections are what the database says */
	struct counters counters, committed;
	size_t types_committed, properties_committed, traits_committed;
	struct ident_slot *idents;
	struct labels *labels;
	struct collection_state *collections; /* all of them */
	size_t collections_count;
	struct member_state *members; /* those met lately */
	size_t members_count;
	struct arena *members_arena;
	int64_t *type_counts; /* [type]: change within the transaction */
	size_t type_counts_len;
	struct arena *scratch; /* for one transaction */
	struct reference_row *references;
	size_t references_count, references_capacity;
	struct chunk chunk; /* at hand */
	struct value_row *values;
	size_t values_count, values_capacity;
	int64_t values_waiting; /* in value_of, but not yet in value */
	struct widen_row *widen;
	size_t widen_count, widen_capacity;
	struct buf refs; /* of the object at hand */
	struct buf old_body, canon_old, canon_new;
	struct json_parser *parser;
	int log_pages;        /* in the write-ahead log after the last commit */
	bool wrote;           /* since store_idle last looked */
	int64_t data_version; /* SQLite's: moves when another connection has written */
};

/* Take in what another process changed in accounts and collections. */
void access_look(struct store *s);
/* The same as writer_begin for accounts, rights and collections: also beside a writing process. */
enum err_kind writer_begin_access(struct store *s, struct err *e) MUST_USE;
/* Lock, begin. On failure nothing is held. */
enum err_kind writer_begin(struct store *s, struct err *e) MUST_USE;
/* Flush what is buffered, commit, unlock; on failure all is rolled back. */
enum err_kind writer_commit(struct store *s, struct err *e) MUST_USE;
void writer_rollback(struct store *s);
/* Commit when what was done is OK; else roll back, and hand on its kind. */
enum err_kind writer_end(struct store *s, enum err_kind kind, struct err *e) MUST_USE;
/* The same without the lock's part, for the leader of a group. */
enum err_kind writer_begin_locked(struct writer *w, struct err *e) MUST_USE;
enum err_kind writer_commit_locked(struct writer *w, struct err *e) MUST_USE;
void writer_rollback_locked(struct writer *w);
enum err_kind writer_open(struct store *s, struct err *e) MUST_USE;
void writer_close(struct store *s);
/* Write the buffered index rows, and widen the labels that need it. */
enum err_kind writer_flush(struct writer *w, struct err *e) MUST_USE;
/* What may wait until those who wrote have their answer: a long log goes into the database, a first
 * dictionary is trained. */
void writer_after_commit_locked(struct writer *w);

enum err_kind ident_intern(struct writer *w, uint32_t type, const struct uuid *uuid, uint32_t own,
	struct ident *ret_ident, struct err *e) MUST_USE;
enum err_kind ident_own_put(struct writer *w, uint32_t type, const struct uuid *uuid,
	const struct ident *ident, uint32_t own, struct err *e) MUST_USE;
/* Without giving a number to what has none. */
enum err_kind ident_find(struct writer *w, uint32_t type, const struct uuid *uuid,
	struct ident *ret_ident, bool *ret_found, struct err *e) MUST_USE;
enum err_kind idents_open(struct writer *w, struct err *e) MUST_USE;
enum err_kind idents_load(struct writer *w, struct err *e) MUST_USE;
enum err_kind tails_merge(struct writer *w, bool all, struct err *e) MUST_USE;
bool tail_find(
	struct ident_tail *t, uint32_t type, const struct uuid *uuid, struct ident_slot *ret_slot);
void tail_fini(struct ident_tail *t);
/* NULL: no such collection. */
struct collection_state *writer_collection(struct writer *w, int64_t number);
enum err_kind writer_collections_load(struct writer *w, struct err *e) MUST_USE;
enum err_kind writer_member(struct writer *w, struct slice name, struct member_state **ret_member,
	struct err *e) MUST_USE;
enum err_kind writer_type_count(
	struct writer *w, uint32_t type, int64_t change, struct err *e) MUST_USE;
enum err_kind writer_reference(struct writer *w, int64_t target, uint32_t property, int64_t serial,
	struct err *e) MUST_USE;
enum err_kind writer_value(
	struct writer *w, int kind, struct slice key, int64_t serial, struct err *e) MUST_USE;
enum err_kind writer_widen(struct writer *w, int64_t ident, uint32_t label, struct err *e) MUST_USE;
/* The first date_added a thing may get now: the clock, or one past `last_us`. */
int64_t time_after(const struct store *s, int64_t last_us);
enum err_kind notes_write(
	struct conn *c, const struct store_note *notes, size_t count, struct err *e) MUST_USE;
enum err_kind notes_check(const struct store_note *notes, size_t count, struct err *e) MUST_USE;
#define VARINT_MAX 9 /* bytes of 63 bits */
size_t varint_put(uint8_t *to, uint64_t value);
bool varint_next(struct slice *rest, int64_t *ret_value);
/* An object's refs: pairs of numbers, target and property. False at the end. */
void refs_append(struct buf *out, int64_t target, uint32_t property);
bool refs_next(struct slice *rest, int64_t *ret_target, int64_t *ret_property);
/* The row at hand, its columns first and serials. */
enum err_kind chunk_read(
	const struct conn *c, sqlite3_stmt *st, struct chunk *ret_chunk, struct err *e) MUST_USE;
/* The chunk with `serial` in it, and where; *ret_at is its count when it has none. */
enum err_kind chunk_find(struct conn *c, int64_t target, int64_t property, int64_t serial,
	struct chunk *ret_chunk, size_t *ret_at, struct err *e) MUST_USE;
enum err_kind references_flush(struct writer *w, struct err *e) MUST_USE;
enum err_kind references_delete(
	struct writer *w, int64_t serial, struct slice refs, struct err *e) MUST_USE;
/* Between objects: write what waits when it is much. */
enum err_kind writer_make_room(struct writer *w, struct err *e) MUST_USE;
/* A version out of every collection, and out of the store. */
enum err_kind object_forget(
	struct writer *w, int64_t serial, bool *ret_found, struct err *e) MUST_USE;
/* A place in the member's sequence stays taken. */
enum err_kind gone_add(
	struct writer *w, int64_t serial, int64_t member, int64_t origin, struct err *e) MUST_USE;
/* store_forget within a transaction: number as in store.h. */
enum err_kind claim_forget(
	struct writer *w, int64_t number, bool *ret_found, struct err *e) MUST_USE;
/* The same for whose the version is now, whoever had it before; *ret_claim: its number. */
enum err_kind claim_expire(struct writer *w, int64_t number, int64_t *ret_claim, bool *ret_found,
	struct err *e) MUST_USE;
/* The version is gone: so is what others said for it. */
enum err_kind claims_drop(struct writer *w, int64_t serial, struct err *e) MUST_USE;
enum err_kind statuses_drop(struct store *s, struct err *e) MUST_USE;
/* The number of a text; 0: empty, or too many. */
enum err_kind traits_intern(
	struct writer *w, struct slice text, uint32_t *ret_number, struct err *e) MUST_USE;
enum err_kind released_drop(struct store *s, struct err *e) MUST_USE;
/* Finish what deleting a collection began. */
enum err_kind sweep_all(struct store *s, struct err *e) MUST_USE;

/* ---- labels ---------------------------------------------------------------------------------- */

enum err_kind labels_new(struct writer *w, struct labels **ret_labels, struct err *e) MUST_USE;
void labels_free(struct labels *l);
void labels_forget(struct labels *l);        /* after a rollback */
void labels_kinds_changed(struct labels *l); /* a marking-definition arrived */
enum err_kind label_intern(struct labels *l, const struct uuid *markings, size_t count,
	uint32_t *ret_label, struct err *e) MUST_USE;
enum err_kind label_union(
	struct labels *l, uint32_t a, uint32_t b, uint32_t *ret_label, struct err *e) MUST_USE;
/* What of it passes on to those who refer: all but markings known to be mere statements. */
enum err_kind label_passed_on(
	struct labels *l, uint32_t label, uint32_t *ret_label, struct err *e) MUST_USE;
/* A label's markings as they are stored, empty when there is none; they live until *ret_st is
 * reset, which is the caller's to do. */
enum err_kind label_bytes(struct conn *c, uint32_t label, sqlite3_stmt **ret_st,
	struct slice *ret_bytes, struct err *e) MUST_USE;
/* A definition that was here and is known to be a statement; removing it later unknows nothing. */
enum err_kind marking_is_statement(
	struct conn *c, const struct uuid *marking, bool *ret_is, struct err *e) MUST_USE;

/* ---- flags ----------------------------------------------------------------------------------- */

/* Stored, so the numbers never change. */
enum object_flag { OBJECT_VERSIONED = 1, OBJECT_REVOKED = 2, OBJECT_LATEST = 4 };
/* Of an entry: the numbers of enum store_versions, so that a page asks with one mask. */
enum entry_flag { ENTRY_LAST = STORE_LAST, ENTRY_FIRST = STORE_FIRST, ENTRY_ANY = STORE_EVERY };

/* Kinds of values beside stix_value_kind; stored, so the numbers never change. */
enum { VALUE_LABEL = 64 };
#define VALUE_KINDS_MAX 65 /* numbers are below */

/* The key under which a value is kept: as stix.h says, but for addresses (see store_search.c). */
#define VALUE_KEY_MAX (STIX_VALUE_KEY_MAX + 1)
struct slice stored_key(int kind, struct slice key, char space[VALUE_KEY_MAX]);

/* ---- readers --------------------------------------------------------------------------------- */

struct store_reader {
	struct store *s;
	struct conn conn;
	struct conn text; /* opened when first asked for words */
	int text_generation;
	int64_t text_serial_last;
	ZSTD_DCtx *zstd;
	struct json_parser *parser; /* for words in what is not yet indexed */
	int64_t serial_last;        /* of the snapshot */
	int64_t values_last;
	uint64_t label_epoch;
	int64_t merges; /* of the tail of ids, before the snapshot was taken */
	struct store_reader *next;
};

enum err_kind reader_connect(
	struct store *s, struct store_reader **ret_reader, struct err *e) MUST_USE;
void reader_close(struct store_reader *r); /* accepts NULL */
enum err_kind snapshot_begin(struct store_reader *r, struct err *e) MUST_USE;
/* A statement of ROW_OF_OBJECT stands on a row. */
enum err_kind row_read(struct store_reader *r, sqlite3_stmt *st, struct store_row *ret_row,
	struct err *e) MUST_USE;
enum err_kind row_body(
	struct store_reader *r, sqlite3_stmt *st, struct buf *out, struct err *e) MUST_USE;
/* *ret_ident 0: unknown here. */
enum err_kind reader_ident(struct store_reader *r, struct slice type, const struct uuid *uuid,
	int64_t *ret_ident, struct err *e) MUST_USE;

/* A set of type numbers, for a test per row. */
struct type_set {
	uint8_t *bits;
	size_t len; /* numbers below */
	size_t count;
};
enum err_kind type_set_make(struct store_reader *r, const struct slice *types, size_t count,
	struct type_set *ret_set, struct err *e) MUST_USE;
bool type_set_has(const struct type_set *set, int64_t number);

struct store_cursor {
	struct store_reader *r;
	enum err_kind (*next)(
		struct store_cursor *c, struct store_row *ret_row, bool *ret_more, struct err *e);
	void (*fini)(struct store_cursor *c);
	struct store_audience audience;
	sqlite3_stmt *row; /* stands on the current row */
	enum sql_id row_id;
	bool on_row;
	bool ended;
};

/* Change a row to what it is in the collection; *ret_in false: it is not in it. */
enum err_kind row_in_collection(struct store_reader *r, int64_t collection, struct store_row *row,
	bool *ret_in, struct err *e) MUST_USE;

bool audience_may(const struct store_audience *audience, const struct store_row *row);

/* ---- text ------------------------------------------------------------------------------------ */

/* Grows when other words are taken from an object: an index made before is then made again. */
#define TEXT_EXTRACTION 1

struct text_index {
	pthread_mutex_t mutex;
	bool ready;
	struct conn index;  /* writes text.db */
	struct conn source; /* reads store.db */
	ZSTD_DCtx *zstd;
	struct json_parser *parser;
	_Atomic int64_t serial_last; /* as far as it reaches */
	int64_t gone_last;           /* number of the last removal that it knows of */
	_Atomic bool damaged;        /* a reader found it so: make it again */
	_Atomic int generation;      /* grows when it was made again: readers open it anew */
	/* Held while its files are made, and by a reader that opens them: SQLite must not meet the
	 * database of one index and the log of another. After `mutex`. */
	pthread_mutex_t files;
};

void text_close(struct store *s);
/* Index at most `objects` more, or do nothing when another thread is at it and `wait` is false. */
enum err_kind text_catch_up(struct store *s, int64_t objects, bool wait, struct err *e) MUST_USE;
/* A snapshot of the index for a reader; *ret_serial_last: how far it reaches, 0 when there is none
 * that can be used. */
enum err_kind text_snapshot(
	struct store_reader *r, int64_t *ret_serial_last, struct err *e) MUST_USE;
/* Tell in *ret_sound whether the index is sound; when not, it is made again next time. */
enum err_kind text_check(struct store *s, bool *ret_sound, struct err *e) MUST_USE;
/* Merge the index, some more pages of it; *ret_more false: nothing of what was taken out is in it.
 * `first`: with everything that is there now. */
enum err_kind text_merge(struct store *s, bool first, bool *ret_more, struct err *e) MUST_USE;
enum err_kind text_parser(struct json_parser **parser, struct err *e) MUST_USE;

/* The words that somebody asks for. */
struct text_query;
/* ERR_USAGE: no words in it. */
enum err_kind text_query_new(struct store_reader *r, struct slice text,
	struct text_query **ret_query, struct err *e) MUST_USE;
void text_query_free(struct text_query *q); /* accepts NULL */
/* The question for FTS5; types: NULL, or the set that the objects must be among. */
void text_query_match(const struct text_query *q, const struct type_set *types, struct buf *out);
/* Has it words that the index cannot tell apart (several tokens that must stand side by side)? */
bool text_query_needs_body(const struct text_query *q);
enum err_kind text_query_test(
	struct text_query *q, struct slice body, bool *ret_match, struct err *e) MUST_USE;

/* ---- purging --------------------------------------------------------------------------------- */

enum purge_stage { PURGE_TEXT, PURGE_TEXT_PAGES, PURGE_PAGES, PURGE_STAGES };

struct purge {
	pthread_mutex_t mutex;
	bool under_way;
	enum purge_stage stage;
	bool merging;            /* the text index's first step is done */
	int64_t target;          /* state.erased when it began */
	int64_t text_page, page; /* of either file: as far as it was looked through */
	int64_t seen_us;  /* monotonic: when it was first seen that something waits; 0: not */
	int64_t ended_us; /* monotonic: when the last one ended */
	int64_t took_us;  /* that one */
	int64_t spent_us; /* this one until now */
};
/* Some of it, when it is time. */
enum err_kind purge_idle(struct store *s, struct err *e) MUST_USE;

/* ---- the store ------------------------------------------------------------------------------- */

struct append_request;

struct store {
	const struct world *world;
	enum store_mode mode;
	char *folder, *path, *text_path;
	int lock_fd;
	struct uuid id;
	size_t cache_bytes;

	struct packing packing;
	struct names types, properties, traits;

	/* group commit */
	pthread_mutex_t queue_mutex;
	pthread_cond_t queue_moved;
	struct append_request *queue, **queue_end;
	bool leading;
	struct writer writer;
	struct ident_tail tail;

	/* readers */
	pthread_mutex_t pool_mutex;
	pthread_cond_t pool_moved;
	struct store_reader *pool;
	unsigned readers_made, readers_max;

	/* collections, accounts: short questions that must not wait for a reader */
	pthread_mutex_t access_mutex;
	struct conn access;

	/* idle work */
	pthread_mutex_t care_mutex;
	struct conn care;

	struct text_index text;
	struct purge purge;
	_Atomic int64_t label_epoch, access_epoch;
	_Atomic int64_t serial_last; /* committed */
};

/* Is this process the one that writes objects? Else another may, at any time. */
static inline bool is_writer(const struct store *s)
{
	return s->mode == STORE_CREATE || s->mode == STORE_WRITE;
}

enum err_kind conn_open(struct store *s, const char *path, size_t cache_bytes, bool write,
	struct conn *ret_conn, struct err *e) MUST_USE;
enum err_kind file_create(const char *path, struct err *e) MUST_USE;
enum err_kind need_writer(const struct store *s, struct err *e) MUST_USE;

#endif
