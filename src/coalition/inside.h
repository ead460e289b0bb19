/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Inside coalition. On the disk, below the folder:
 *
 *   charters         version of the charter in force, u64be (*)
 *   charter/N        its note
 *   decisions        notes of the decisions in force, each u32be length and bytes (*)
 *   logs/H/          a log (ledger.h); H = first 16 hex digits of SHA-256(origin)
 *   logs/H/quorum    the largest checkpoint with a quorum of mirrors
 *   logs/H/guilty    evidence that it showed two histories
 *   logs/H/led       signed heads that the leaves held lead to (*)
 *   logs/H/held      contents that the store refused: when they came
 *   logs/H/keep      how long these may be kept (*)
 *   exports/MEMBER   what was last put into a file for it (*)
 *   expiring         leaves that are being erased because their time has come (*)
 *
 * (*) behind the SHA-256 of what follows: nothing signed says that they are whole.
 * Everything else is worked out from these when it is opened.
 */
#ifndef INSIDE_H
#define INSIDE_H

#include <pthread.h>

#include "coalition.h"

#define PATH_MAX_BYTES 512
#define ORIGINS_MAX    (4 * COALITION_MEMBERS_MAX) /* logs in use and frozen ones */
#define NOTE_ARENA_MAX MIB(8)

/* A set of indices. */
struct index_set {
	uint8_t *bits;
	size_t bytes;
};
bool index_set_has(const struct index_set *s, uint64_t index);
/* The first in [from, to) that is not in the set; `to`: all are. */
uint64_t index_set_gap(const struct index_set *s, uint64_t from, uint64_t to);
enum err_kind index_set_add(struct index_set *s, uint64_t index, struct err *e) MUST_USE;

/* An entry that is more than an object: class DECISION and up. */
struct special {
	uint64_t index;
	enum ledger_class class;
	bool opened;
	bool looked; /* it was asked whether it says that another is lost */
};

/* A signed checkpoint that verified under the origin's key. */
struct signed_head {
	struct buf note; /* with those cosignatures that verified, no others */
	uint64_t size;   /* 0: none */
	uint8_t root[LEDGER_HASH_LEN];
	size_t mirrors, witnesses; /* of members other than the origin's */
	int64_t cosigned_s;
	uint8_t digest[8]; /* of the note: to see that another has other cosignatures */
};

/* A signed head that `from` leaves were proved to lead to, and may not have reached. */
struct led {
	struct signed_head head;
	struct ledger_path path;
	uint64_t from;
};

#define EXPIRE_ERASED 512 /* leaves that are erased together: 16 ms under the lock */

struct origin {
	struct note_key key;
	char member[COALITION_NAME_MAX + 1];
	char folder[PATH_MAX_BYTES];
	struct ledger *log;
	bool ours;
	bool gone;            /* its member or key is no longer in the charter: frozen */
	uint64_t frozen_size; /* leaves from here on are void; UINT64_MAX: none */
	uint8_t frozen_root[LEDGER_HASH_LEN]; /* of those before, as the charter says */
	bool guilty;                          /* two histories */
	struct signed_head head;              /* what our log here has reached, or signed */
	struct signed_head quorum;            /* cosigned by k mirrors */
	struct special *specials;             /* ascending */
	size_t specials_count, specials_capacity;
	size_t specials_open; /* all before this one are opened and applied */
	struct index_set
		known; /* leaves that are opened here or erased: what `places` says, in memory */
	struct index_set withdrawn;
	struct index_set
		lost; /* special entries of which nobody has the content, as their author says */
	struct index_set
		acknowledged; /* its withdrawals (their own entries) that we acknowledged */
	uint64_t opened;      /* leaves whose content is here */
	uint64_t scanned;     /* leaves whose class was looked at */
	struct led led[2];    /* the one whose `from` is the log's size speaks of it */
	uint64_t handed_on;   /* guilty: what binds below this stands in logs that are taken from */
	bool unpublished;     /* evidence against it is not in our log yet */
	int64_t hour_us;      /* COALITION_HOURLY_MAX counts from here */
	uint64_t hour_leaves;
	/* Forgotten by the store already; of the log they are erased together: entries_erase. */
	uint64_t forgotten[EXPIRE_ERASED];
	size_t forgotten_count;
	/* Contents that the store refused (expire_held.c). */
	bool held_loaded;
	struct index_set held;          /* leaves that have a record */
	uint64_t held_count, held_done; /* records, and those before which nothing is left */
	uint64_t held_looked;           /* leaves looked at for contents without one */
	struct coalition_keep keep;
};

/* What a peer last told of one origin, and how far we asked it for openings. */
struct offer {
	struct signed_head head, quorum;
	uint64_t opened;       /* openings that it has */
	uint64_t asked_to;     /* all before were asked of it, at this epoch */
	uint64_t asked_opened; /* its `opened` then */
	bool asked_specials;   /* it was asked for what is special, and had none more */
	bool asking_specials;  /* the request under way is for them */
	uint64_t short_at;     /* it has no leaves of ours behind these, plus 1 */
	uint64_t none_to;      /* of our own closed special entries below this it has none */
};

enum phase { PHASE_HEADS, PHASE_COSIGN, PHASE_FETCH, PHASE_DONE };

struct peer {
	char member[COALITION_NAME_MAX + 1];
	struct offer offers[ORIGINS_MAX]; /* by number of the origin */
	enum phase phase;
	bool seen_given; /* told what it saw of our log since the start, and the signer knows */
	uint64_t epoch;  /* its answers to `may` */
	uint64_t witness_size;                 /* size up to which it says to have witnessed us */
	uint64_t cosigned_size, mirrored_size; /* our newest checkpoint that it signed */
	int64_t cosigned_us;                   /* when it last cosigned, monotonic */
	bool busy;                             /* a step is under way */
	bool of_old; /* what is being taken was written before our start: SEEN_US in bundle.c */
	struct coalition_peer_status status;
};

struct candidate { /* a charter or decision that waits for its turn, or its quorum */
	struct origin *origin;
	uint64_t index;
	struct buf note;
	uint64_t sequence; /* or the charter's version */
	char kind[33];     /* empty: a charter */
	uint64_t tried;    /* by this version of the charter it is not carried */
	int64_t again_us;  /* monotonic: a charter that was refused is looked at again then */
	bool done;
};

struct in_force {
	char kind[33];
	uint64_t sequence;
	uint8_t digest[SHA256_LEN];
	struct buf note;
};
#define KINDS_MAX 16

struct acknowledgement {
	uint64_t index;  /* of the withdrawal's own entry */
	uint16_t by, of; /* numbers of origins, by + 1; by 0: free */
};

struct withdrawal {
	struct origin *origin;
	uint64_t entry; /* the withdrawal's own entry */
	uint64_t index; /* of what is withdrawn */
	enum withdrawal_code code;
	char *reason;
	int64_t time_us;
};

/* Signature lines that verified lately: the same ones come back from every member. */
#define VERIFIED_LINES 1024

struct coalition {
	pthread_mutex_t lock;
	uint8_t verified[VERIFIED_LINES][SHA256_LEN]; /* by its first bytes */
	struct ledger_disk disk;
	char folder[PATH_MAX_BYTES];
	char self[COALITION_NAME_MAX + 1];
	const struct world *world;
	int64_t opened_us;  /* monotonic */
	int64_t started_us; /* the same on the clock that others know */
	struct signer_link signer;
	const struct coalition_sink *sink;
	const struct log *log;
	struct signer_public keys;

	struct arena *charters; /* all charters that were in force live until the end */
	const struct charter *charter, *former; /* in force; and the one before, or NULL */
	struct origin *origins[ORIGINS_MAX];
	size_t origins_count;
	struct origin *own; /* NULL before the first charter */
	struct peer *peers[COALITION_MEMBERS_MAX];
	size_t peers_count;

	struct in_force decisions[KINDS_MAX];
	size_t decisions_count;
	struct candidate *candidates;
	size_t candidates_count, candidates_capacity;
	struct withdrawal *withdrawals;
	size_t withdrawals_count, withdrawals_capacity;
	size_t withdrawals_done;      /* all before are acknowledged by us, or ours */
	struct acknowledgement *acks; /* a hash table: members choose what stands in it */
	size_t acks_count, acks_capacity;
	uint8_t acks_key[16];

	bool forked;
	bool settling;      /* candidates_settle is under way */
	bool exporting;     /* a file is being written, in parts without the lock */
	bool expiring_left; /* the erasing of what stands in `expiring` failed, and is to go on */
	uint64_t evidence;
	uint64_t news;
	uint64_t signed_size; /* of our log */
};

/* ---- coalition.c ----------------------------------------------------------------------------- */

struct origin *origin_find(struct coalition *c, struct slice name); /* by the log key's name */
struct origin *origin_of_member(struct coalition *c, struct slice member); /* in use; or NULL */
unsigned origin_number(const struct coalition *c, const struct origin *o);
struct peer *peer_find(struct coalition *c, struct slice member);
/* Who left is no longer asked, nor answered. */
void peers_leave(struct coalition *c, const struct charter *charter);
/* The leaves that count are those whose root the charter names; when a stolen key's history was
 * taken for its own, nothing of the log counts. */
enum err_kind frozen_check(struct coalition *c, struct origin *o, struct err *e) MUST_USE;
/* Leaves of o that count: its size, or where it was frozen. */
uint64_t origin_valid(const struct origin *o);
/* Read classes of leaves that came since, and remember the special ones. */
enum err_kind origin_scan(struct origin *o, struct err *e) MUST_USE;
enum err_kind file_get(struct coalition *c, const char *path, struct buf *out,
	struct err *e) MUST_USE; /* empty: none */
/* Files that no signature vouches for, kept behind their SHA-256. ERR_CORRUPT: a bit has changed.
 */
enum err_kind kept_get(
	struct coalition *c, const char *path, struct buf *out, struct err *e) MUST_USE;
enum err_kind kept_put(
	struct coalition *c, const char *path, struct slice bytes, struct err *e) MUST_USE;
bool path_make(char to[PATH_MAX_BYTES], const char *format, ...) PRINTF(2, 3) MUST_USE;
/* Make origins and peers fit the charter. */
enum err_kind charter_apply(
	struct coalition *c, const struct charter *charter, struct err *e) MUST_USE;
/* Not the first one: as coalition_charter_take, with the lock held. */
enum err_kind charter_take(struct coalition *c, struct slice note, struct err *e) MUST_USE;

/* ---- head.c ---------------------------------------------------------------------------------- */

void head_fini(struct signed_head *h);
/* Parse a note, verify the origin's signature and every cosignature of a member of the charter,
 * keep only the lines that count. ERR_INVALID. */
enum err_kind head_read(struct coalition *c, const struct origin *o, struct slice note,
	struct signed_head *ret_head, struct err *e) MUST_USE;
/* Add the cosignatures of `from` to those of `to`, which is of the same size and root. */
enum err_kind head_merge(struct coalition *c, const struct origin *o, struct signed_head *to,
	const struct signed_head *from, struct err *e) MUST_USE;
enum err_kind head_copy(
	struct signed_head *to, const struct signed_head *from, struct err *e) MUST_USE;
/* Our log of o has this root at this size: keep the head, and as quorum when it is one. */
enum err_kind head_keep(
	struct coalition *c, struct origin *o, const struct signed_head *h, struct err *e) MUST_USE;

/* ---- special.c ------------------------------------------------------------------------------- */

/* Apply what was opened, in order, up to the first that is not. */
enum err_kind specials_apply(struct coalition *c, struct origin *o, struct err *e) MUST_USE;
/* What is held of a special entry, appended; it still opens its leaf: else ERR_CORRUPT. */
enum err_kind special_read(
	struct origin *o, uint64_t index, struct buf *content, struct err *e) MUST_USE;
/* Before k others told what they saw of our log, and while it is behind that, nothing is appended.
 */
bool own_waiting(const struct coalition *c);
enum err_kind own_ready(
	const struct coalition *c, struct err *e) MUST_USE; /* ERR_DENIED says why not */
enum err_kind own_append(struct coalition *c, enum ledger_class class, struct slice content,
	uint64_t *ret_index, struct err *e) MUST_USE;
/* Nothing from here on counts any more: what was opened of it is forgotten. */
enum err_kind origin_void(struct coalition *c, struct origin *o, struct err *e) MUST_USE;
void specials_free(struct coalition *c);

/* ---- withdrawal.c ---------------------------------------------------------------------------- */

#define WITHDRAWAL_BYTES_MAX KIB(16) /* of one content: a reason, and its names */

/* One entry of class LEDGER_WITHDRAWAL: a withdrawal, an acknowledgement, or that one is lost.
 * ERR_INVALID: it binds nobody. */
enum err_kind recall_apply(struct coalition *c, struct origin *o, uint64_t entry,
	struct slice content, int64_t time_us, struct err *e) MUST_USE;
/* What the store has of it; salt and content with the next entries_erase. */
enum err_kind entry_forget(
	struct coalition *c, struct origin *o, uint64_t index, struct err *e) MUST_USE;
/* Salts and contents of all that were forgotten. What failed is kept for the next time. */
enum err_kind entries_erase(struct origin *o, struct err *e) MUST_USE;
/* Did `by` acknowledge the withdrawal in this entry of `of`? */
bool acknowledged_by(const struct coalition *c, const struct origin *by, const struct origin *of,
	uint64_t index);
/* Withdrawals of others that we did not acknowledge yet. */
enum err_kind acknowledge_rest(struct coalition *c, struct err *e) MUST_USE;

/* ---- expire.c -------------------------------------------------------------------------------- */

/* Erasing that was cut short goes on: to be called when opened. */
enum err_kind expiring_finish(struct coalition *c, struct err *e) MUST_USE;
/* At most EXPIRE_ERASED of them; which ones is on the disk before. */
enum err_kind leaves_erase(struct coalition *c, struct origin *o, const uint64_t *indices,
	size_t count, struct err *e) MUST_USE;

/* ---- expire_held.c --------------------------------------------------------------------------- */

#define COALITION_HELD_LEAD_US (INT64_C(3600) * US_PER_SECOND) /* gone so long before its time */

/* Contents that the store refused are about to be kept by the log of o: their time counts from now.
 */
enum err_kind held_note(struct coalition *c, struct origin *o, const uint64_t *indices,
	size_t count, struct err *e) MUST_USE;

/* ---- binding.c ------------------------------------------------------------------------------- */

/* One entry of class LEDGER_CHARTER or LEDGER_DECISION becomes a candidate. */
enum err_kind binding_apply(struct coalition *c, struct origin *o, enum ledger_class class,
	uint64_t index, struct slice content, struct err *e) MUST_USE;
/* Those whose entry is now under a quorum come into force. */
enum err_kind candidates_settle(struct coalition *c, struct err *e) MUST_USE;
/* Once more what is in force: under a new charter it speaks of other members. */
enum err_kind decisions_tell(struct coalition *c, struct err *e) MUST_USE;
/* Of the policy in force; 0: none. */
uint64_t policy_number(struct coalition *c);
/* What binds and stands under a quorum in the log of one that showed two histories: members that
 * saw the other one cannot take it from there, so it goes into our log as well. */
enum err_kind bindings_hand_on(struct coalition *c, struct err *e) MUST_USE;
/* What was in force when we stopped. */
enum err_kind decisions_load(struct coalition *c, struct err *e) MUST_USE;

/* ---- lost.c ---------------------------------------------------------------------------------- */

/* After a lost disk: own special entries that k others do not have either are given up, or nothing
 * behind them would ever be taken. */
enum err_kind lost_declare(struct coalition *c, struct err *e) MUST_USE;
/* Behind a closed entry of a log its author may say that it is lost. */
enum err_kind lost_look(struct origin *o, struct err *e) MUST_USE;

/* ---- openings.c ------------------------------------------------------------------------------ */

/* Is this leaf of o more than an object? */
bool is_special(struct origin *o, uint64_t index);

/* Keep openings that a peer or a file gave: each is checked against its leaf, and only those below
 * the first special entry that is not open. *ret_kept counts. `refused` may be NULL. */
enum err_kind openings_take(struct coalition *c, struct origin *o,
	const struct ledger_opening *openings, size_t count, uint64_t *ret_kept,
	uint64_t *ret_refused, struct err *e) MUST_USE;
/* Append openings of o in [from, to) that `member` may have, as wire records, up to `most` and
 * bytes; *ret_next: where to go on. specials: only those. */
enum err_kind openings_give(struct coalition *c, struct origin *o, struct slice member,
	uint64_t from, uint64_t to, bool specials, size_t most, size_t bytes_most, struct buf *out,
	uint64_t *ret_next, size_t *ret_given, uint64_t *ret_withheld, struct err *e) MUST_USE;

/* ---- branch.c -------------------------------------------------------------------------------- */

/*
 * One tree of some size, and the signed head that it grew to: by way of a middle size, up to which
 * whoever shows it has the leaves. In one step the middle is the size itself.
 */
struct branch {
	uint8_t root[LEDGER_HASH_LEN];
	struct ledger_path near; /* from the size to the middle */
	uint64_t middle;
	uint8_t middle_root[LEDGER_HASH_LEN];
	struct ledger_path far; /* from the middle to the head */
	struct slice note;      /* the head; borrowed */
};
/* Ours, at the largest size that we can prove: *ret_size. False: no signed head is here. */
bool branch_own(struct origin *o, uint64_t *ret_size, struct branch *ret_branch);
/* Ours at a given size that is not past it. */
bool branch_at(struct origin *o, uint64_t size, struct branch *ret_branch);
/* What a signed head says of its own size. */
struct branch branch_of_head(const struct signed_head *h);
/* Did the head, of this size and root, grow from the branch's root at `size`? */
bool branch_grew(const struct branch *b, uint64_t size, uint64_t head_size,
	const uint8_t head_root[LEDGER_HASH_LEN]) MUST_USE;
void branch_write(const struct branch *b, struct buf *out);
void branch_read(struct reader *r, struct branch *ret_branch); /* the note is borrowed */
/* Before leaves are kept that make the log of o `size` long: which head they lead to, and how. It
 * is on the disk before they are, so that no leaf is ever held that its signer could deny. */
enum err_kind led_keep(struct coalition *c, struct origin *o, const struct signed_head *head,
	uint64_t size, const struct ledger_path *path, struct err *e) MUST_USE;
/* The record that speaks of all leaves that are here, proved; or NULL. */
struct led *led_now(struct origin *o);
/* From the disk. */
enum err_kind led_load(struct coalition *c, struct origin *o, struct err *e) MUST_USE;

/* ---- evidence.c ------------------------------------------------------------------------------ */

/* Two branches with different roots at one size: the origin showed two histories. */
enum err_kind evidence_make(struct coalition *c, struct origin *o, uint64_t size,
	const struct branch *a, const struct branch *b, struct err *e) MUST_USE;
/* Evidence that could not be published when it was found. */
enum err_kind evidence_publish_rest(struct coalition *c, struct err *e) MUST_USE;
/* From another's log or our own file. */
enum err_kind evidence_take(
	struct coalition *c, struct slice evidence, bool publish, struct err *e) MUST_USE;
/* Our own log is signed elsewhere in another way: stop. */
void own_forked(struct coalition *c, const char *why);

/* ---- messages -------------------------------------------------------------------------------- */

enum err_kind heads_ask(
	struct coalition *c, struct peer *p, struct buf *out, struct err *e) MUST_USE;
enum err_kind heads_answer(struct coalition *c, struct peer *p, struct slice request,
	struct buf *out, struct err *e) MUST_USE;
/* From a peer, over the network or in a file. */
enum err_kind heads_take(
	struct coalition *c, struct peer *p, struct slice answer, struct err *e) MUST_USE;
/* Everything a file's reader needs to know of heads: those of all origins. */
void heads_all(struct coalition *c, struct buf *out);

/* p: who asks; NULL: it is for a file. */
enum err_kind leaves_answer(struct coalition *c, const struct peer *p, struct slice request,
	struct buf *out, struct err *e) MUST_USE;
void leaves_ask(const struct origin *o, uint64_t from, uint64_t size, struct buf *out);
/* ERR_CONFLICT: they do not lead to the head. *ret_count: leaves kept. */
enum err_kind leaves_take(struct coalition *c, struct origin *o, const struct signed_head *head,
	struct slice answer, uint64_t *ret_count, struct err *e) MUST_USE;

enum err_kind openings_ask(struct coalition *c, struct peer *p, struct origin *o, bool *ret_any,
	struct buf *out, struct err *e) MUST_USE;
enum err_kind openings_answer(struct coalition *c, struct peer *p, struct slice request,
	struct buf *out, struct err *e) MUST_USE;
enum err_kind openings_answer_take(struct coalition *c, struct peer *p, struct origin *o,
	struct slice answer, struct err *e) MUST_USE;

enum err_kind cosign_ask(
	struct coalition *c, struct peer *p, struct buf *out, struct err *e) MUST_USE;
enum err_kind cosign_answer(struct coalition *c, struct peer *p, struct slice request,
	struct buf *out, struct err *e) MUST_USE;
enum err_kind cosign_take(
	struct coalition *c, struct peer *p, struct slice answer, struct err *e) MUST_USE;

void conflict_ask(const struct origin *o, uint64_t size, struct buf *out);
enum err_kind conflict_answer(
	struct coalition *c, struct slice request, struct buf *out, struct err *e) MUST_USE;
enum err_kind conflict_take(
	struct coalition *c, struct origin *o, struct slice answer, struct err *e) MUST_USE;

/* One record of a member's file, already unsealed: for trying what a hostile member seals. */
enum err_kind bundle_record_take(struct coalition *c, struct slice from, struct slice plain,
	struct coalition_imported *imported, struct err *e) MUST_USE;

/* ---- wire.c
 * ------------------------------------------------------------------------------------------------
 */

void wire_u8(struct buf *out, uint8_t v);
void wire_u16(struct buf *out, uint16_t v);
void wire_u32(struct buf *out, uint32_t v);
void wire_u64(struct buf *out, uint64_t v);
void wire_text(struct buf *out, struct slice text);              /* u16be length, bytes */
void wire_bytes(struct buf *out, struct slice bytes);            /* u32be length, bytes */
void wire_path(struct buf *out, const struct ledger_path *path); /* u8 count, hashes */
struct slice wire_read_text(struct reader *r);
struct slice wire_read_bytes(struct reader *r);
void wire_read_path(struct reader *r, struct ledger_path *ret_path);
void wire_read_hash(struct reader *r, uint8_t ret_hash[LEDGER_HASH_LEN]);

#endif
