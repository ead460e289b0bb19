/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Members that exchange without trusting one another: the charter that says who they are, one log
 * of each, mirrored and witnessed by all others, and what travels between them. A socket, a relay
 * and a file carry the same messages into the same functions. Knows neither HTTP nor STIX: it is
 * handed a way to peers, a signer, a disk and a place for objects, so that a whole coalition runs
 * in one process under a seed.
 */
#ifndef COALITION_H
#define COALITION_H

#include "base/base.h"
#include "ledger/ledger.h"
#include "note/note.h"
#include "signer/signer.h"

/* ---- limits ---------------------------------------------------------------------------------- */

#define COALITION_MEMBERS_MAX  50 /* a witness and a mirror of each fit one note */
#define COALITION_NAME_MAX     64 /* bytes of a member's name: a-z 0-9 - . */
#define COALITION_CHARTER_MAX  NOTE_BYTES_MAX
#define COALITION_ANSWER_MAX   MIB(8)   /* bytes of one answer */
#define COALITION_REQUEST_MAX  MIB(1)   /* bytes of one request */
#define COALITION_LEAVES_MAX   100000   /* leaves in one answer: 4.8 MB */
#define COALITION_RANGES_MAX   8192     /* ranges of indices in one request for openings */
#define COALITION_OPENINGS_MAX 4096     /* openings in one answer */
#define COALITION_STALE_S      86400    /* an origin not cosigned for a day is stale */
#define COALITION_HOURLY_MAX   10000000 /* new leaves of one origin in an hour */
/* After a start all others are waited for so long before anything new is signed, since an old
 * backup might run; then as many as make a quorum are enough. */
#define COALITION_ANSWERS_US (600 * US_PER_SECOND)
#define COALITION_REASON_MAX 1000 /* bytes of a withdrawal's text */

/* ---- the charter ----------------------------------------------------------------------------- */

/* A key that was taken back, and how far what it signed still counts. */
struct charter_revoked {
	struct note_key key;
	uint64_t size; /* leaves from here on are void */
	uint8_t root[LEDGER_HASH_LEN];
};

struct charter_member {
	char name[COALITION_NAME_MAX + 1];
	struct slice title;   /* for people */
	struct note_key root; /* offline: signs charters and decisions */
	struct note_key log, witness, mirror;
	uint8_t box[SIGNER_BOX_LEN]; /* bundles are sealed to it */
	uint8_t pin[SHA256_LEN];     /* SHA-256 of its certificate's SubjectPublicKeyInfo */
	struct slice address;        /* "https://host:port"; empty: by files only */
};

struct charter {
	struct slice name;
	uint64_t version;             /* from 1 */
	uint8_t previous[SHA256_LEN]; /* digest of the note before; zeros at version 1 */
	int64_t expires_us;
	unsigned threshold; /* root signatures for a charter or a decision */
	struct charter_member *members;
	size_t members_count;
	struct charter_revoked *revoked;
	size_t revoked_count;
	uint8_t digest[SHA256_LEN]; /* of the text that is signed */
	struct slice bytes;         /* the whole note */
};

#define CHARTER_HEAD  "serai/charter/v1\n"
#define DECISION_HEAD "serai/decision/v1\n"

/* Text of a charter to be signed: CHARTER_HEAD and JSON; see docs/coalition.md. ERR_INVALID names
 * what is missing. Everything lives in `a`. */
enum err_kind charter_parse(
	struct slice note, struct arena *a, struct charter *ret_charter, struct err *e) MUST_USE;
void charter_write(const struct charter *c, struct buf *ret_text);
/* Signed by enough of its own members; and, when there is one before, of those too, whose successor
 * by number and digest it must be. `now_us` 0: expiry is not asked. */
enum err_kind charter_verify(const struct charter *c, const struct charter *before, int64_t now_us,
	struct err *e) MUST_USE;
/* Carried by enough root signatures of this charter's members: a decision, or a charter's text.
 * ERR_DENIED says how many signed. */
enum err_kind charter_carried(const struct charter *by, struct slice note, struct err *e) MUST_USE;
/* NULL: no such member. */
const struct charter_member *charter_member_find(const struct charter *c, struct slice name);
/* k: how many of the others must mirror a decision, k > (n+f)/2, f = floor((n-1)/3), 0 below 5
 * members; 0 for a member alone. */
unsigned charter_quorum(const struct charter *c);
/* How many of them may collude with it: none of fewer than five members. */
unsigned charter_faulty(const struct charter *c);
/* What anybody must believe before it trusts a cosigned checkpoint of `of` (one of c's members),
 * for `serai verify`: its log key, and k mirrors of the others. */
void charter_quorum_file(const struct charter *c, const struct charter_member *of, struct buf *out);
bool charter_name_valid(struct slice name);

/* A decision: DECISION_HEAD "KIND\nSEQUENCE\nPREVIOUS\n" and its content, signed by root keys. */
struct decision {
	struct slice kind;            /* "policy" */
	uint64_t sequence;            /* from 1, per kind */
	uint8_t previous[SHA256_LEN]; /* digest of the text of the one before; zeros at 1 */
	struct slice content;
	uint8_t digest[SHA256_LEN];
};
void decision_write(const struct decision *d, struct buf *ret_text);
enum err_kind decision_parse(
	struct slice note, struct arena *a, struct decision *ret_decision, struct err *e) MUST_USE;

/* ---- where objects are ----------------------------------------------------------------------- */

struct coalition_own {
	uint64_t serial;
	struct slice content;
	bool for_all; /* every member may have it now: class COALITION, else RESTRICTED */
};

#define COALITION_RULE_MAX 128 /* bytes of a rule's name */
struct coalition_keep {
	int64_t us;                        /* -1: nobody can say now; 0: no end */
	char rule[COALITION_RULE_MAX + 1]; /* that says so */
	uint8_t policy[SHA256_LEN];        /* its digest */
};
struct coalition_held {
	uint64_t index; /* in the log of its author */
	int64_t arrived_us;
};

/* The member's store and policy, as far as the coalition needs them. Called with the coalition's
 * lock held unless said otherwise; must not call back. Any error of it is handed on. */
struct coalition_sink {
	/* Own objects with serials above `after`, ascending, at most `max`; contents live in `a`.
	 */
	enum err_kind (*own_after)(void *context, uint64_t after, size_t max, struct arena *a,
		struct coalition_own **ret_own, size_t *ret_count, struct err *e);
	/* Keep objects that `origin`'s log vouches for at these indices. ret_serials[i] 0: not kept
	 * (no STIX, conflict): then the log keeps the content. Must be on the disk on return; the
	 * same again is harmless. With them it keeps, until its next call for this origin, which
	 * indices were new and under what serials. */
	enum err_kind (*accept)(void *context, struct slice origin, const uint64_t *indices,
		const struct slice *contents, size_t count, uint64_t *ret_serials, struct err *e);
	/* Those of the last call for this origin. Asked when opened: what the log does not know of,
	 * because the power went in between, is forgotten and fetched again; or a withdrawal that
	 * came first would miss it. */
	enum err_kind (*accepted)(void *context, struct slice origin, struct arena *a,
		uint64_t **ret_indices, uint64_t **ret_serials, size_t *ret_count, struct err *e);
	enum err_kind (*content)(
		void *context, uint64_t serial, struct buf *out, bool *ret_found, struct err *e);
	/* May this member have these? `origin`: whose they are; our own name: sharing, else
	 * resharing. */
	enum err_kind (*may)(void *context, struct slice member, struct slice origin,
		const uint64_t *serials, size_t count, bool *ret_may, struct err *e);
	/* They left: for the release log. */
	enum err_kind (*released)(void *context, struct slice member, struct slice origin,
		const uint64_t *serials, size_t count, struct err *e);
	/* Gone from the store for good. */
	enum err_kind (*forget)(void *context, uint64_t serial, struct err *e);
	/* A decision is in force: "policy" and its text; told again when a charter changes who the
	 * members are. ERR_INVALID: it cannot be enforced here; it counts as in force all the same,
	 * and nothing is released until one that can. */
	enum err_kind (*in_force)(void *context, const struct charter *charter,
		const struct decision *decision, struct err *e);
	/* Grows whenever `may` could answer otherwise. */
	uint64_t (*epoch)(void *context);
	void *context;
	/* Has all that was forgotten left its files? An erasure is not acknowledged before. NULL:
	 * what is forgotten is gone at once. */
	bool (*forgotten)(void *context);
	/* How long what this member sent may be kept of which the store took nothing. NULL: for
	 * ever.
	 */
	enum err_kind (*keep)(
		void *context, struct slice member, struct coalition_keep *ret_keep, struct err *e);
	/* Such contents go, now: the record of it. After a stop the same may be told again. */
	enum err_kind (*expired)(void *context, struct slice member,
		const struct coalition_keep *keep, const struct coalition_held *list, size_t count,
		struct err *e);
};

/* ---- a member's side of it ------------------------------------------------------------------- */

struct coalition;

struct coalition_options {
	const struct ledger_disk *disk; /* borrowed, as everything here */
	const char *folder;             /* on it */
	struct slice self;              /* our name in the charter */
	const struct world *world;
	const struct signer_link *signer;
	const struct coalition_sink *sink;
	const struct log *log;
};
/* Opens what is there, charter, logs, decisions; a new folder is a member without a charter. */
enum err_kind coalition_open(const struct coalition_options *options,
	struct coalition **ret_coalition, struct err *e) MUST_USE;
void coalition_close(struct coalition *c); /* accepts NULL */

/* The charter in force, NULL before the first; stays valid until coalition_close. */
const struct charter *coalition_charter(struct coalition *c);
/*
 * The first charter is believed on the operator's word; each later one must follow it. Version by
 * version: ERR_CONFLICT names the one that is missing. Our own name must be in it, with our keys.
 */
enum err_kind coalition_charter_take(
	struct coalition *c, struct slice note, struct err *e) MUST_USE;
/* Put a charter or a decision that has its signatures into our log, for all. */
enum err_kind coalition_charter_publish(
	struct coalition *c, struct slice note, struct err *e) MUST_USE;
enum err_kind coalition_decision_publish(
	struct coalition *c, struct slice note, struct err *e) MUST_USE;
/* The decision of a kind in force; its note is appended to out. */
enum err_kind coalition_decision_get(struct coalition *c, struct slice kind, uint64_t *ret_sequence,
	struct buf *out, struct err *e) MUST_USE;

/* ---- publishing ------------------------------------------------------------------------------ */

/* New own objects into the log, then a checkpoint when there is anything unsigned. *ret_more: there
 * is more to do at once. ERR_DENIED: the signer waits for the others (after a start). */
enum err_kind coalition_publish(
	struct coalition *c, uint64_t *ret_logged, bool *ret_more, struct err *e) MUST_USE;

enum withdrawal_code { WITHDRAW_ERROR, WITHDRAW_EXPIRED, WITHDRAW_ORDER, WITHDRAW_ERASE };
const char *withdrawal_code_name(enum withdrawal_code code);
bool withdrawal_code_parse(struct slice name, enum withdrawal_code *ret_code);
/* Take back an own entry: logged, applied here at once, and at each member as it arrives. */
enum err_kind coalition_withdraw(struct coalition *c, uint64_t index, enum withdrawal_code code,
	struct slice reason, struct err *e) MUST_USE;
/* The index of our entry of a serial. */
enum err_kind coalition_index_of(struct coalition *c, uint64_t serial, uint64_t *ret_index,
	bool *ret_found, struct err *e) MUST_USE;

struct coalition_withdrawal {
	struct slice origin; /* in the arena */
	uint64_t index;      /* of what was withdrawn */
	enum withdrawal_code code;
	struct slice reason;
	int64_t time_us;
	bool *acknowledged; /* [members_count of the charter], in the arena */
};
enum err_kind coalition_withdrawals(struct coalition *c, struct arena *a,
	struct coalition_withdrawal **ret_list, size_t *ret_count, struct err *e) MUST_USE;

/* ---- what may be kept no longer -------------------------------------------------------------- */

struct coalition_expired { /* how far it was looked; zeros at first */
	size_t log;
	uint64_t index;
};
/*
 * The store has let go what `member` sent under these serials (ascending), because its time had
 * come: the salts go from the copies of its logs here, synced; it is not asked for again, and every
 * proof of other leaves still verifies. Some thousand leaves a call: call again until *ret_done,
 * after a start from zeros. What is erased already, or here under no such serial, is harmless.
 */
enum err_kind coalition_expire(struct coalition *c, struct slice member, const uint64_t *serials,
	size_t count, struct coalition_expired *at, bool *ret_done, struct err *e) MUST_USE;

/*
 * Contents that the store refused, of all logs: those whose time ends within the hour are erased,
 * and are not asked for again. *log: zero at first; some thousand leaves a call, until *ret_done.
 */
enum err_kind coalition_expire_held(
	struct coalition *c, size_t *log, bool *ret_done, struct err *e) MUST_USE;

/* ---- messages
 * -----------------------------------------------------------------------------------------------
 */

/* What one member asks another. Each is one request and one answer, both drawn in
 * docs/coalition.md. */
enum coalition_ask {
	COALITION_HEADS,    /* my checkpoints; yours that are newer, or other */
	COALITION_LEAVES,   /* leaves of one log from an index on */
	COALITION_OPENINGS, /* openings of these indices, as far as you let me */
	COALITION_COSIGN,   /* here is my checkpoint: cosign it as witness and, when you hold all,
			       mirror */
	COALITION_CONFLICT, /* show how your branch of this log comes to be */
	COALITION_ASKS
};
const char *coalition_ask_name(enum coalition_ask ask); /* also the last part of its path */

/* Answer what a member (authenticated by its pin) asks. The answer is appended to out. ERR_PARSE,
 * ERR_DENIED, ERR_LIMIT: what to tell it. Any thread. */
enum err_kind coalition_answer(struct coalition *c, struct slice member, enum coalition_ask ask,
	struct slice request, struct buf *out, struct err *e) MUST_USE;

/*
 * The same as COSIGN in the public form of c2sp.org/tlog-witness, for anybody who brings a
 * checkpoint of a member's log: status is that of the HTTP answer (200, 400, 403, 404, 409, 422),
 * the body is appended to out. Only what we hold is cosigned: 404 with the reason until then.
 */
enum err_kind coalition_add_checkpoint(struct coalition *c, struct slice body, unsigned *ret_status,
	struct buf *out, struct err *e) MUST_USE;

/* A way to one member. `call` blocks; the coalition's lock is not held meanwhile. */
struct coalition_way {
	enum err_kind (*call)(void *context, enum coalition_ask ask, struct slice request,
		struct buf *ret_answer, struct err *e);
	void *context;
};
/*
 * One request to one member, the most urgent one: own checkpoint to be cosigned, heads, leaves,
 * withdrawals and decisions, then other openings. *ret_more: there is more to ask it at once. An
 * error is the peer's or the network's; what was verified until then is kept.
 */
enum err_kind coalition_step(struct coalition *c, struct slice member,
	const struct coalition_way *way, bool *ret_more, struct err *e) MUST_USE;
/* Grows whenever there is something new for peers: who remembers the number sees that it did. */
uint64_t coalition_news(struct coalition *c);

/* What of one log there is here for others to ask for, when it is more than they have. */
struct coalition_shown {
	struct slice origin; /* its log's name; in the arena */
	bool ours;
	uint64_t size;   /* signed, and all its leaves here */
	uint64_t quorum; /* of the largest checkpoint with a quorum */
	/* What is special before this was applied: up to here we sign as mirror. */
	uint64_t applied;
};
/* All logs. *ret_epoch: as in an answer with heads. */
enum err_kind coalition_shown(struct coalition *c, struct arena *a, uint64_t *ret_epoch,
	struct coalition_shown **ret_list, size_t *ret_count, struct err *e) MUST_USE;

/* ---- files
 * ---------------------------------------------------------------------------------------------------
 */

/* What a member may have, sealed to its box key. */
struct coalition_export {
	struct slice to;
	bool everything; /* else what is new since the last export to it, and the last 30 days */
	enum err_kind (*write)(void *context, struct slice bytes, struct err *e);
	void *context;
};
enum err_kind coalition_bundle_export(
	struct coalition *c, const struct coalition_export *export, struct err *e) MUST_USE;
struct coalition_imported {
	struct slice from; /* in the arena */
	uint64_t number;   /* of the bundle */
	uint64_t leaves, openings, refused;
};
/* The same path as the network's. In any order, twice, cut off: what verifies is kept. ERR_PARSE
 * for a damaged file, after what came before was kept. */
enum err_kind coalition_bundle_import(struct coalition *c, struct input *in, struct arena *a,
	struct coalition_imported *ret_imported, struct err *e) MUST_USE;

/* ---- knowing
 * --------------------------------------------------------------------------------------------------
 */

enum coalition_trust {
	COALITION_GOOD,
	COALITION_STALE,      /* not cosigned for COALITION_STALE_S */
	COALITION_QUARANTINE, /* showed two histories: nothing newer is taken */
	COALITION_REVOKED,    /* its key was taken back: frozen */
};
struct coalition_origin_status {
	char member[COALITION_NAME_MAX + 1];
	enum coalition_trust trust;
	uint64_t size;             /* leaves here */
	uint64_t known;            /* largest signed size heard of */
	uint64_t opened, withheld; /* of the leaves here */
	uint64_t cosigned;         /* largest size with a quorum of cosignatures */
	int64_t fresh_s;           /* newest cosignature; 0 none */
};
struct coalition_peer_status {
	char member[COALITION_NAME_MAX + 1];
	bool reachable;
	int64_t last_us;     /* of the last answer, our clock; 0 never */
	uint64_t their_size; /* of our log, that they last told to hold */
	uint64_t requests, failures;
	uint64_t sent_openings, sent_withheld; /* to it, since the start */
	char problem[ERR_TEXT_MAX];
};
struct coalition_status {
	bool forked;  /* another copy of us signs, or a backup came back: publishing stopped */
	bool waiting; /* the signer waits for answers of the others */
	uint64_t logged, signed_size, unsigned_entries;
	uint64_t policy_sequence;
	unsigned quorum;
	struct coalition_origin_status *origins;
	size_t origins_count;
	struct coalition_peer_status *peers;
	size_t peers_count;
	uint64_t evidence; /* proofs of two histories held */
};
enum err_kind coalition_status(struct coalition *c, struct arena *a,
	struct coalition_status *ret_status, struct err *e) MUST_USE;

/* A proof file of an entry that we opened, and its content. */
enum err_kind coalition_prove(struct coalition *c, struct slice origin, uint64_t index,
	struct buf *ret_proof, struct buf *ret_content, struct err *e) MUST_USE;
/* For serving tiles and checkpoints: the log of an origin; NULL: none. Valid until close. */
struct ledger *coalition_ledger(struct coalition *c, struct slice member);
/* Check portable evidence against a charter, offline. *ret_member: who did it. */
enum err_kind coalition_evidence_verify(const struct charter *charter, struct slice evidence,
	struct slice *ret_member, struct err *e) MUST_USE;

#endif
