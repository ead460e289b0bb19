/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The embedded database behind one door: exact bytes of every object, versions, references,
 * observable values, collections in strict order, accounts, and what must survive a crash. Knows
 * nothing of HTTP and nothing of who may see what: it is handed an audience, and asks it.
 *
 * One process writes (a second one gets ERR_BUSY with the holder's pid), any number read, and
 * accounts and collections may be changed beside it (STORE_ACCESS); it sees that within a second.
 * All of a store lives in one folder. Everything acknowledged is on the disk (WAL,
 * synchronous=FULL).
 */
#ifndef STORE_H
#define STORE_H

#include "base/base.h"
#include "stix/stix.h"

struct store;
struct store_reader;
struct store_cursor;

enum store_mode {
	STORE_CREATE,
	STORE_WRITE,
	STORE_READ,
	STORE_ACCESS /* accounts, rights and collections (but not their deletion), beside a writer
		      */
};

struct store_options {
	enum store_mode mode; /* CREATE makes the folder when missing, and then writes */
	const struct world *world;
	unsigned readers_max; /* connections kept for readers; 0: 8 */
	size_t cache_bytes;   /* page cache of the writer; 0: 16 MiB. Readers take 2 MiB each */
};

enum err_kind store_open(const char *folder, const struct store_options *options,
	struct store **ret_store, struct err *e) MUST_USE;
void store_close(struct store *s); /* accepts NULL; checkpoints the log */

/* May this process put objects, notes and the like? */
bool store_is_writer(const struct store *s);

/* The version of the schema on disk and of this program, and moving between them, each in one
 * transaction. store_open moves up by itself; down is for a way back to an older program. */
#define STORE_SCHEMA 4
enum err_kind store_migrate(const char *folder, int to_schema, struct err *e) MUST_USE;

/* ---- putting --------------------------------------------------------------------------------- */

struct store_object {
	/* what it is (from stix_facts) */
	struct slice type;
	struct uuid uuid;
	int64_t version_us; /* modified, else created, else 0 */
	int64_t created_us;
	bool versioned;
	bool revoked;
	struct slice body; /* exact bytes */
	const struct stix_reference *references;
	size_t references_count;
	const struct uuid *markings; /* sorted, unique: own markings */
	size_t markings_count;
	enum stix_marking_kind marking_kind; /* of a marking-definition itself */
	const struct stix_value *values;
	size_t values_count;
	struct slice labels; /* joined by '\n' */
	/* What a policy may look at in it, as a short text that the store hands back and does not
	 * understand; empty: not worked out. At most STORE_TRAITS_BYTES. */
	struct slice traits;
	/* The text index reads names, descriptions and the like from the body by itself. */
};

enum store_outcome {
	STORE_NEW,       /* kept */
	STORE_DUPLICATE, /* the same canonical content is here already; nothing changed, or it was
			  * only added to a collection */
	STORE_CONFLICT   /* same (id, version), other content: refused, kept as evidence (of each
			  * member at most 1,000 objects and 16 MiB, the oldest) */
};

struct store_result {
	enum store_outcome outcome;
	int64_t serial;        /* of the object's version in this store */
	int64_t date_added_us; /* in the first collection of the batch; 0 when there is none */
	uint64_t origin_index; /* in the member's sequence */
};

#define STORE_BATCH_MAX 4096 /* objects in one batch */

/* What is written in one transaction: all or nothing. */
struct store_batch {
	const struct store_object *objects;
	size_t count;
	const int64_t *collections; /* numbers; every object is added to each */
	size_t collections_count;
	struct slice member; /* who it came from: "self", an account, a peer; at most 250 bytes */
	/* Small facts to keep in the same transaction (import progress, pull cursor), or NULL. */
	const struct store_note *notes;
	size_t notes_count;
};

struct store_note {
	struct slice key;   /* "import/…", "pull/…" */
	struct slice value; /* empty deletes */
};

/*
 * Append a batch; results[count]. Returns when it is on the disk. Callable from any thread: waiting
 * batches share one transaction (group commit), and a failure of one (ERR_FULL, ERR_IO) fails just
 * the batches of that transaction. Per collection date_added is strictly increasing in
 * microseconds: the clock, or one past the last, whichever is later.
 */
enum err_kind store_append(struct store *s, const struct store_batch *batch,
	struct store_result *ret_results, struct err *e) MUST_USE;

enum err_kind store_note_get(struct store *s, struct slice key, struct buf *ret_value,
	bool *ret_found, struct err *e) MUST_USE;
enum err_kind store_notes_put(
	struct store *s, const struct store_note *notes, size_t count, struct err *e) MUST_USE;

/* Take a version (or all, version_us STORE_ALL_VERSIONS) out of a collection; the object itself
 * goes when no collection holds it any more. *ret_removed counts entries. */
#define STORE_ALL_VERSIONS INT64_MIN
enum err_kind store_remove(struct store *s, int64_t collection, struct slice type,
	const struct uuid *uuid, int64_t version_us, uint64_t *ret_removed, struct err *e) MUST_USE;

/* One version out of every collection and out of the store, and refused contents of it too. Nobody
 * is shown it any more; what is left of it in the files goes with store_purge. *ret_found false: it
 * was not here. */
enum err_kind store_forget(
	struct store *s, int64_t serial, bool *ret_found, struct err *e) MUST_USE;

/*
 * Several members may vouch for one version. The first is whose it is (store_origin_get); each
 * other gets a number, which can be forgotten like a serial: the version goes when nobody vouches
 * for it any more. When its first goes before the others, it becomes the next one's, as if it had
 * come from there at that moment; its serial stays. `leaf`: what tells two of one member apart; the
 * same again gives the same number. ERR_USAGE: no such version.
 */
#define STORE_VOUCHED (INT64_C(1) << 62) /* such numbers are above, serials below */
/* In records of what was deleted: between here and there, an entry of its sender's log. */
#define STORE_REFUSED (INT64_C(1) << 61)
enum err_kind store_vouch(struct store *s, int64_t serial, struct slice member, uint64_t leaf,
	int64_t *ret_number, struct err *e) MUST_USE;
/* Whose it was first does not vouch for it any more: it is here for those who do, and theirs. */
enum err_kind store_rests_on_vouch(
	struct store_reader *r, int64_t serial, bool *ret_rests, struct err *e) MUST_USE;
/* The version that is vouched for; of a serial that serial. *ret_found false: forgotten. */
enum err_kind store_vouched_get(struct store_reader *r, int64_t number, int64_t *ret_serial,
	bool *ret_found, struct err *e) MUST_USE;

/*
 * What was removed or forgotten leaves the files: its words the text index, by merging it, its
 * bytes the pages of both databases on which copies of them lie, and both logs. store_idle does it
 * by itself: a second after the first removal, but not before STORE_PURGE_REST times as long as the
 * last time took, so that many removals cost one, and it costs at most a twentieth of the time.
 * store_purge does it now. ERR_BUSY: a snapshot that is as old as the removal is still being read.
 * What was done stays done when the process is killed.
 */
#define STORE_PURGE_REST 19
enum err_kind store_purge(struct store *s, struct err *e) MUST_USE;
/* Is anything left in the files of what was removed until now? */
enum err_kind store_purged(struct store *s, bool *ret_purged, struct err *e) MUST_USE;

/* ---- audience -------------------------------------------------------------------------------- */

/*
 * A label is an interned, sorted set of marking-definition ids: an object's own markings together
 * with those of every object it refers to (as far as they are here; kept true when they arrive
 * later, and never narrowed). Markings whose definition is here and known to be a mere statement
 * are not passed on to those who refer. 0 is the empty set. A set of more than 1,024 is cut and has
 * the nil UUID, which is no marking-definition, so that nobody may. A reader's audience says per
 * row whether it may pass, by its label, traits, member and times; without a function nothing
 * passes.
 */
struct store_row;
struct store_audience {
	bool (*may)(void *context, const struct store_row *row);
	void *context;
};

/* The markings of a label, and what kind each marking-definition is (UNKNOWN when it is not here
 * and no standard TLP). Arrays live in `a`. */
enum err_kind store_label_get(struct store_reader *r, uint32_t label, struct arena *a,
	struct uuid **ret_markings, enum stix_marking_kind **ret_kinds, size_t *ret_count,
	struct err *e) MUST_USE;
/* Grows with every change that could alter an audience's answer (a marking-definition arrived). */
uint64_t store_label_epoch(struct store *s);
/* The same as of a reader's snapshot: what is worked out through it belongs to this epoch, however
 * much has changed since. */
uint64_t store_reader_label_epoch(const struct store_reader *r);

/*
 * Traits are interned like labels: a row has their number, 0 when they were not worked out, or when
 * the store has STORE_TRAITS_MAX distinct ones already. Texts are never changed or dropped.
 */
#define STORE_TRAITS_BYTES 250    /* of one text */
#define STORE_TRAITS_MAX   262144 /* distinct texts in one store; memory: 75 MB at the very worst */

/* Empty: 0, or no such number. Valid until the store is closed. */
enum err_kind store_traits_get(
	struct store_reader *r, uint32_t traits, struct slice *ret_text, struct err *e) MUST_USE;
/* Put other traits on versions that are here, in one transaction together with the note (NULL:
 * none); a serial that is gone is skipped. At most STORE_BATCH_MAX. */
struct store_traits {
	int64_t serial;
	struct slice text;
};
enum err_kind store_traits_put(struct store *s, const struct store_traits *list, size_t count,
	const struct store_note *note, struct err *e) MUST_USE;
/* The name of a member by store_row's number; empty: none. Lives in `a`. */
enum err_kind store_member_get(struct store_reader *r, int64_t member, struct arena *a,
	struct slice *ret_name, struct err *e) MUST_USE;

/* ---- reading --------------------------------------------------------------------------------- */

/* Borrow a connection with a snapshot; one thread at a time. Waits while all are out. */
enum err_kind store_reader_take(
	struct store *s, struct store_reader **ret_reader, struct err *e) MUST_USE;
void store_reader_give(struct store_reader *r); /* accepts NULL */

struct store_row {
	int64_t serial;
	struct slice type; /* valid until the next row */
	struct uuid uuid;
	int64_t version_us;
	int64_t created_us;
	bool versioned;
	bool revoked;
	bool latest; /* no newer version in the same collection (in the store, for searches) */
	int64_t date_added_us; /* in the collection; in the store, for searches */
	uint32_t label;
	uint32_t traits;     /* see store_traits_get */
	int64_t member;      /* who it came from: see store_member_get */
	uint32_t body_bytes; /* exact size unpacked */
};

enum store_versions { STORE_LAST = 1, STORE_FIRST = 2, STORE_EVERY = 4, STORE_AT = 8 };

/* TAXII's filters: fields AND, items of one field OR. */
struct store_page {
	int64_t collection;
	int64_t after_us;          /* exclusive; INT64_MIN for the beginning */
	const struct stix_id *ids; /* none: all */
	size_t ids_count;
	const struct slice *types;
	size_t types_count;
	unsigned versions;    /* bits of enum store_versions; 0: LAST */
	const int64_t *at_us; /* with STORE_AT; what has version 0 counts as of its date_added */
	size_t at_count;
	struct store_audience audience; /* asked for every row */
};

/* Ascending by date_added. Open once, take rows until *ret_more is false, free. */
enum err_kind store_page_open(struct store_reader *r, const struct store_page *page,
	struct store_cursor **ret_cursor, struct err *e) MUST_USE;

/* Search: fields AND. Newest first (by date_added in the store). */
struct store_search {
	/* Words, all of which must be in names, descriptions, values, aliases, labels or external
	 * ids, without regard to case and accents. "a.b" wants a and b side by side; "abc*" (three
	 * letters at least) wants a word that begins so. ERR_USAGE: no words in it. */
	struct slice text;
	const struct slice *types;
	size_t types_count;
	/* a value: exact, or for ADDRESS everything that overlaps it (inside or covering), or for
	 * NAME with `value_suffix` every name below it too */
	const struct stix_value *value;
	bool value_suffix;
	const struct stix_id *creator;   /* created_by_ref */
	const struct stix_id *refers_to; /* any reference */
	const struct uuid *markings_any; /* label holds one of these (a TLP has several ids) */
	size_t markings_any_count;
	struct slice label;         /* one of its labels is this, in full */
	int64_t collection;         /* 0: the whole store */
	int64_t since_us, until_us; /* version time, inclusive and exclusive; 0: open */
	bool every_version;         /* else only the newest of each object */
	int64_t before_serial;      /* continue below this serial; 0: from the newest */
	struct store_audience audience;
};
enum err_kind store_search_open(struct store_reader *r, const struct store_search *search,
	struct store_cursor **ret_cursor, struct err *e) MUST_USE;

/* One object: its versions, oldest first, in a collection (0: in the store). */
enum err_kind store_versions_open(struct store_reader *r, int64_t collection, struct slice type,
	const struct uuid *uuid, struct store_audience audience, struct store_cursor **ret_cursor,
	struct err *e) MUST_USE;
/* Newest versions of what refers to it. */
enum err_kind store_referrers_open(struct store_reader *r, struct slice type,
	const struct uuid *uuid, struct store_audience audience, struct store_cursor **ret_cursor,
	struct err *e) MUST_USE;
/* Every row of the store in order of arrival, after a serial: for exports. */
enum err_kind store_all_open(struct store_reader *r, int64_t after_serial, bool every_version,
	struct store_audience audience, struct store_cursor **ret_cursor, struct err *e) MUST_USE;

enum err_kind store_cursor_next(
	struct store_cursor *c, struct store_row *ret_row, bool *ret_more, struct err *e) MUST_USE;
/* Append the exact bytes of the current row. ERR_CORRUPT names the object. */
enum err_kind store_cursor_body(struct store_cursor *c, struct buf *out, struct err *e) MUST_USE;
void store_cursor_free(struct store_cursor *c);

/* The newest version of an object. *ret_found false: not here, or the audience says no. */
enum err_kind store_get(struct store_reader *r, struct slice type, const struct uuid *uuid,
	struct store_audience audience, struct store_row *ret_row, struct buf *ret_body,
	bool *ret_found, struct err *e) MUST_USE;
/* One version by its serial; for streaming a page whose rows were counted before. */
enum err_kind store_get_serial(struct store_reader *r, int64_t serial, struct buf *ret_body,
	bool *ret_found, struct err *e) MUST_USE;
/* Who a version came from, and its index in that member's sequence. Lives in `a`. */
enum err_kind store_origin_get(struct store_reader *r, int64_t serial, struct arena *a,
	struct slice *ret_member, uint64_t *ret_index, int64_t *ret_added_us,
	struct err *e) MUST_USE;

/* ---- conversions' originals ------------------------------------------------------------------ */

/* A foreign document kept as it came (a MISP event), so that giving it back loses nothing. */
enum err_kind store_original_put(struct store *s, struct slice kind, struct slice key,
	struct slice body, struct err *e) MUST_USE;
enum err_kind store_original_get(struct store_reader *r, struct slice kind, struct slice key,
	struct buf *ret_body, bool *ret_found, struct err *e) MUST_USE;
/* Calls `each` for every key of a kind; it returns false to stop. */
enum err_kind store_originals(struct store_reader *r, struct slice kind,
	bool (*each)(void *context, struct slice key), void *context, struct err *e) MUST_USE;

/* ---- evidence: refused objects and who sent them --------------------------------------------- */

struct store_evidence {
	int64_t number;
	struct stix_id id;
	int64_t version_us;
	struct slice member;
	int64_t received_us;
	struct slice body;
};
enum err_kind store_evidence_each(struct store_reader *r,
	bool (*each)(void *context, const struct store_evidence *evidence), void *context,
	struct err *e) MUST_USE;

/* ---- collections ----------------------------------------------------------------------------- */

struct store_collection {
	int64_t number;
	struct uuid uuid;
	struct slice title;
	struct slice description; /* may be empty */
	struct slice alias;       /* may be empty; unique */
	enum stix_tlp tlp_max;    /* nothing above leaves through it; RED never does */
	bool public_read;         /* readable without an account */
	int64_t created_us;
	int64_t last_added_us; /* newest date_added, 0 when empty */
	uint64_t entries;
	uint64_t change; /* grows with every change of its content: for ETags */
};

/* Strings are copied into `a`. In order of creation. */
enum err_kind store_collections(struct store *s, struct arena *a,
	struct store_collection **ret_list, size_t *ret_count, struct err *e) MUST_USE;
/* By UUID text, alias, or number; *ret_found. */
enum err_kind store_collection_get(struct store *s, struct slice name, struct arena *a,
	struct store_collection *ret_collection, bool *ret_found, struct err *e) MUST_USE;
/* Create (number 0) or change; gives the number. ERR_CONFLICT: alias or uuid taken. */
enum err_kind store_collection_put(struct store *s, const struct store_collection *collection,
	int64_t *ret_number, struct err *e) MUST_USE;
enum err_kind store_collection_delete(struct store *s, int64_t number, struct err *e) MUST_USE;

/* ---- accounts -------------------------------------------------------------------------------- */

/* Stored, so the numbers never change. */
enum store_role { STORE_READER = 1, STORE_CONTRIBUTOR = 2, STORE_ADMINISTRATOR = 3 };
enum store_right { STORE_MAY_READ = 1, STORE_MAY_WRITE = 2 };

struct store_account {
	int64_t number;
	struct slice name; /* 1 to 64 of A-Z a-z 0-9 . _ - @ */
	enum store_role role;
	struct slice password;     /* Argon2id string of libsodium; empty: none */
	uint8_t token[SHA256_LEN]; /* SHA-256 of its bearer token (256 random bits) */
	bool has_token;
	uint8_t pin[SHA256_LEN]; /* SHA-256 of its certificate's SubjectPublicKeyInfo */
	bool has_pin;
	bool disabled;
	int64_t created_us;
	/* The member of the coalition whose account it is, or "public"; empty: one of our own. At
	 * most 64 bytes. What it is given is decided by the policy in force as for that member. */
	struct slice member;
};

enum err_kind store_accounts(struct store *s, struct arena *a, struct store_account **ret_list,
	size_t *ret_count, struct err *e) MUST_USE;
enum err_kind store_account_get(struct store *s, struct slice name, struct arena *a,
	struct store_account *ret_account, bool *ret_found, struct err *e) MUST_USE;
enum err_kind store_account_by_token(struct store *s, const uint8_t token[SHA256_LEN],
	struct arena *a, struct store_account *ret_account, bool *ret_found,
	struct err *e) MUST_USE;
enum err_kind store_account_by_pin(struct store *s, const uint8_t pin[SHA256_LEN], struct arena *a,
	struct store_account *ret_account, bool *ret_found, struct err *e) MUST_USE;
enum err_kind store_account_put(struct store *s, const struct store_account *account,
	struct err *e) MUST_USE; /* by name: creates or replaces */
enum err_kind store_account_delete(
	struct store *s, struct slice name, bool *ret_found, struct err *e) MUST_USE;
/* Rights of an account on a collection; without a row an account has none (administrators all). */
enum err_kind store_right_put(struct store *s, struct slice account, int64_t collection,
	unsigned rights, struct err *e) MUST_USE;
enum err_kind store_right_get(struct store *s, int64_t account, int64_t collection,
	unsigned *ret_rights, struct err *e) MUST_USE;
/* Grows with every change of accounts, rights or collections: caches compare it. */
uint64_t store_access_epoch(struct store *s);

/* ---- TAXII status resources ------------------------------------------------------------------ */

/* JSON text by UUID, with the collection's account for the right to read it; kept
 * STORE_STATUS_DAYS. */
#define STORE_STATUS_DAYS 7
enum err_kind store_status_put(struct store *s, const struct uuid *id, struct slice account,
	struct slice json, struct err *e) MUST_USE;
enum err_kind store_status_get(struct store *s, const struct uuid *id, struct slice account,
	struct buf *ret_json, bool *ret_found, struct err *e) MUST_USE;

/* ---- the release log ------------------------------------------------------------------------- */

/* Versions that went to one recipient under one rule. Kept until STORE_RELEASED_MAX newer ones are
 * there, or STORE_RELEASED_DAYS have passed. */
#define STORE_RELEASED_MAX  20000000 /* versions: about 60 MB */
#define STORE_RELEASED_DAYS 400      /* a year, and time to write the report about it */
#define STORE_RELEASED_ROW  1000     /* versions in one record */

struct store_released {
	int64_t at_us;
	struct slice recipient;     /* 1 to 128 bytes */
	struct slice rule;          /* its id; empty: none was asked. At most 128 bytes */
	uint8_t policy[SHA256_LEN]; /* digest of the policy in force, zero when there was none */
	const int64_t *serials;
	size_t count; /* 1 to STORE_RELEASED_ROW */
};
enum err_kind store_released_put(
	struct store *s, const struct store_released *list, size_t count, struct err *e) MUST_USE;

struct store_released_query {
	struct slice recipient;     /* empty: all */
	int64_t serial;             /* 0: all */
	int64_t since_us, until_us; /* inclusive and exclusive; 0: open */
};
/* Newest first; of each record only the serials that are asked for. `each` returns false to stop;
 * what it is given lives until it returns. */
enum err_kind store_released_each(struct store_reader *r, const struct store_released_query *query,
	bool (*each)(void *context, const struct store_released *released), void *context,
	struct err *e) MUST_USE;

/* ---- how long versions may be kept ----------------------------------------------------------- */

/* A serial, or a number of store_vouch: each has a time of its own. */
struct store_due {
	int64_t number;
	int64_t at_us;     /* to be gone by then; 0: no end */
	struct slice rule; /* that says so; at most 128 bytes */
};
/* Times put in place of those before, with the notes, in one transaction. At most STORE_BATCH_MAX;
 * a number that is gone is skipped. */
enum err_kind store_due_put(struct store *s, const struct store_due *list, size_t count,
	const struct store_note *notes, size_t notes_count, struct err *e) MUST_USE;
/* Those that end before a time, the first first. `each` returns false to stop. */
enum err_kind store_due_each(struct store_reader *r, int64_t before_us,
	bool (*each)(void *context, const struct store_due *due), void *context,
	struct err *e) MUST_USE;
/* How many of them there are, by member and rule, those whose first is next first. */
struct store_due_count {
	struct slice member, rule; /* borrowed until `each` returns */
	uint64_t versions;
	int64_t first_us; /* when the first of them ends */
};
enum err_kind store_due_counts_each(struct store_reader *r, int64_t before_us,
	bool (*each)(void *context, const struct store_due_count *count), void *context,
	struct err *e) MUST_USE;
/* One of them; *ret_at_us 0: no end. */
enum err_kind store_due_get(
	struct store_reader *r, int64_t number, int64_t *ret_at_us, struct err *e) MUST_USE;

/* What is gone because its time had come. Kept for ever: it is the proof. */
struct store_deleted {
	int64_t entry; /* of this record, ascending; given by the store */
	int64_t at_us;
	/* For store_expire as in store_due; in a record that under which `member` vouched: when the
	 * version was handed over to it, of store_vouch. */
	int64_t number;
	int64_t due_us;
	struct slice member; /* from whom it was */
	struct slice rule;
	uint8_t policy[SHA256_LEN]; /* digest of the policy in force then */
};
/* Forget, and keep that it was, in one transaction; a version that is gone already is told too. */
enum err_kind store_expire(
	struct store *s, const struct store_deleted *list, size_t count, struct err *e) MUST_USE;
/* The same of what was never taken: `list` are records with numbers from STORE_REFUSED on, all of
 * one member; refused contents of it that came until `until_us` go too. */
enum err_kind store_refused_expire(struct store *s, const struct store_deleted *list, size_t count,
	int64_t until_us, struct err *e) MUST_USE;
/* Newest first, not before since_us. */
enum err_kind store_deleted_each(struct store_reader *r, int64_t since_us,
	bool (*each)(void *context, const struct store_deleted *deleted), void *context,
	struct err *e) MUST_USE;
/* Oldest first, those behind an entry. */
enum err_kind store_deleted_after(struct store_reader *r, int64_t entry,
	bool (*each)(void *context, const struct store_deleted *deleted), void *context,
	struct err *e) MUST_USE;
struct store_retention {
	uint64_t due;       /* versions that have an end */
	int64_t next_us;    /* the first of them; 0: none */
	uint64_t deleted;   /* ever */
	int64_t deleted_us; /* the last; 0: none */
	uint64_t soon;      /* whose end comes before soon_us */
	uint64_t lately;    /* deleted since since_us */
};
enum err_kind store_retention_get(struct store_reader *r, int64_t soon_us, int64_t since_us,
	struct store_retention *ret_retention, struct err *e) MUST_USE;

/* ---- care ------------------------------------------------------------------------------------ */

struct store_stats {
	uint64_t objects;  /* versions kept */
	uint64_t distinct; /* ids */
	uint64_t references, values, collections, entries, evidence, accounts;
	uint64_t body_bytes; /* unpacked */
	uint64_t packed_bytes;
	uint64_t disk_bytes;
	int64_t first_added_us, last_added_us;
};
struct store_type_count {
	struct slice type;
	uint64_t objects;
};
enum err_kind store_stats(struct store_reader *r, struct arena *a, struct store_stats *ret_stats,
	struct store_type_count **ret_types, size_t *ret_types_count, struct err *e) MUST_USE;

/* SQLite's integrity check, every body unpacks to its size, the sequences have no gap, flags and
 * labels are true, collections strictly increase. Each fault is told; OK when there was none,
 * ERR_CORRUPT else. */
enum err_kind store_verify(struct store *s, void (*fault)(void *context, const char *text),
	void *context, struct err *e) MUST_USE;
/* Bring the full-text index up to the last object (it lives in its own file, and may lag: searches
 * then look at what is not indexed one by one). May run beside store_append on another thread. */
enum err_kind store_index_text(struct store *s, struct err *e) MUST_USE;
/* What an idle thread does, best every second: move the log into the database and what waits into
 * its indexes, catch up the text index, drop old status resources, give memory back. */
enum err_kind store_idle(struct store *s, struct err *e) MUST_USE;

#endif
