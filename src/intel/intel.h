/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The one way in for every object (intel_accept) and the one way out (intel_release), and what
 * turns foreign formats into STIX and back. Knows no network.
 */
#ifndef INTEL_H
#define INTEL_H

#include "base/base.h"
#include "policy/policy.h"
#include "stix/stix.h"
#include "store/store.h"
#include "json/json.h"

struct intel;

/* Borrows the store and the world. One per process; every function may be called from any thread.
 */
struct intel *intel_new(struct store *store, const struct world *world) MUST_USE;
void intel_free(struct intel *i); /* accepts NULL; the store stays open */
struct store *intel_store(struct intel *i);
const struct world *intel_world(struct intel *i);

/* ---- the way in ------------------------------------------------------------------------------ */

/* On whose account objects come in, and where to. */
struct intel_source {
	struct slice member; /* "self", an account's name, a peer; 1..INTEL_MEMBER_MAX bytes */
	const int64_t *collections; /* every object is added to each; may be none */
	size_t collections_count;
	/*
	 * Keep objects that break a MUST, too, and say so: published content often does, and an
	 * operator may prefer a malware object without is_family to none. Never tolerated: what is
	 * no JSON object, has no good id, type or times, or has anything wrong with its markings.
	 * Only for what the member's own people bring in, never for what strangers send.
	 */
	bool tolerant;
};

#define INTEL_MEMBER_MAX 250

enum intel_outcome {
	INTEL_NEW,      /* kept */
	INTEL_KNOWN,    /* was here already, byte for byte or but for white space */
	INTEL_REFUSED,  /* breaks a MUST of the standard, or is no STIX object: not kept */
	INTEL_CONFLICT, /* same id and version with other content: not kept, kept as evidence */
	INTEL_OUTCOMES
};
const char *intel_outcome_name(enum intel_outcome o); /* "new", "known", "refused", "conflict" */

/* Where an object stood in what was read. */
struct intel_place {
	uint64_t offset; /* bytes */
	uint64_t line;   /* 1-based; 0: unknown */
	uint64_t index;  /* 0-based among the objects */
};

struct intel_verdict {
	enum intel_outcome outcome;
	struct intel_place place;
	struct slice id;       /* as it stood; empty when it could not be read */
	int64_t version_us;    /* 0: none */
	int64_t date_added_us; /* in the first collection; 0 unless NEW or KNOWN */
	int64_t serial;        /* of this version in the store; 0 unless NEW or KNOWN */
	/* For REFUSED, CONFLICT and tolerated: "3.2 Common Properties: created: expected …". */
	struct slice message;
	bool tolerated; /* kept although it breaks a MUST */
};

/*
 * Check and keep one batch in one transaction; verdicts[count] live in `a`. On an error (disk,
 * memory) nothing of the batch was kept. A refused object never stops the others.
 */
enum err_kind intel_accept(struct intel *i, const struct intel_source *source,
	const struct slice *objects, size_t count, const struct store_note *notes,
	size_t notes_count, struct arena *a, struct intel_verdict *ret_verdicts,
	struct err *e) MUST_USE;

struct intel_counts {
	uint64_t objects; /* all that were pushed */
	uint64_t by_outcome[INTEL_OUTCOMES];
	uint64_t bytes;
	uint64_t tolerated; /* kept although they break a MUST; among NEW and KNOWN */
	uint64_t losses;    /* conversions: what had no place in STIX */
};

/*
 * A stream of objects: checked on one thread while the batch before is being written on another.
 * Push from one thread. The report is called from the writing thread, in order, for every object
 * that is not simply NEW or KNOWN, or for every one with `report_all`.
 */
struct intel_intake;

struct intel_intake_options {
	struct intel_source source;
	void (*report)(void *context, const struct intel_verdict *verdict);
	void *context;
	bool report_all;
	/* When not empty: with each batch the note of this key becomes the decimal index of the
	 * next object, so that an import that was killed goes on where it was. */
	struct slice resume_key;
};

enum err_kind intel_intake_open(struct intel *i, const struct intel_intake_options *options,
	struct intel_intake **ret_intake, struct err *e) MUST_USE;
/* bytes are copied. An error is that of an earlier batch's write; the intake is then over. */
enum err_kind intel_intake_push(struct intel_intake *t, struct slice bytes,
	const struct intel_place *place, struct err *e) MUST_USE;
/* An element that never was an object (from the splitter): counted and reported as refused. */
enum err_kind intel_intake_problem(struct intel_intake *t, const char *problem,
	const struct intel_place *place, struct err *e) MUST_USE;
/* Write what was pushed so far, together with the note, without waiting for it: a page of a pull
 * and its cursor. */
enum err_kind intel_intake_mark(
	struct intel_intake *t, const struct store_note *note, struct err *e) MUST_USE;
/* Write what was pushed so far, together with the note (NULL: none), and return when it is on the
 * disk. ret_counts may be NULL. */
enum err_kind intel_intake_flush(struct intel_intake *t, const struct store_note *note,
	struct intel_counts *ret_counts, struct err *e) MUST_USE;
/* Counts so far, for progress; may lag behind what was pushed. */
struct intel_counts intel_intake_counts(struct intel_intake *t);
void intel_intake_close(
	struct intel_intake *t); /* without flush: what was not written is dropped */

/* ---- the way out ----------------------------------------------------------------------------- */

enum intel_reach {
	INTEL_OPERATOR, /* the member's own people at the node's own machine: everything */
	INTEL_MEMBER,   /* a file handed to another member: up to AMBER, no RED, nothing unknown */
	INTEL_PUBLIC,   /* anybody: unmarked, CLEAR */
	INTEL_COLLECTION, /* an account (or, account 0, nobody) reading a collection */
	INTEL_PEER, /* a member of the coalition over its own protocol or in a sealed bundle */
	INTEL_REACHES
};

/* To whom. Every release asks for each object: its own markings and those of all it refers to. */
struct intel_recipient {
	enum intel_reach reach;
	int64_t account;       /* COLLECTION: its number, 0 for no account */
	enum store_role role;  /* COLLECTION: of the account */
	int64_t collection;    /* COLLECTION */
	enum stix_tlp tlp_max; /* COLLECTION: the collection's own limit */
	/*
	 * Which member of the coalition, by its name in the policy; at most POLICY_NAME_MAX bytes.
	 * PEER: must be there. MEMBER: empty means that any of them may get the file, so all must
	 * be allowed. COLLECTION: whose account it is (store_account.member), "public", or empty:
	 * one of our own people.
	 */
	struct slice member;
	struct slice purpose; /* one of the policy's; empty: none */
	bool request_open;    /* it has an open request that this answers */
	bool legal_basis;     /* people have recorded one for this release */
	unsigned approvals;   /* by how many people this release was approved */
};

/*
 * May this recipient have the version in this row? Two questions, and both must be answered yes.
 * The markings' ceiling; it fails closed: a marking that we do not know means no, RED never leaves,
 * and so does any error while finding out.
 *
 *   reach        may have
 *   OPERATOR     everything
 *   MEMBER       no TLP, CLEAR, GREEN, AMBER
 *   PUBLIC       no TLP, CLEAR
 *   COLLECTION   no account or that of "public": as PUBLIC; reader and contributor: up to AMBER;
 *                administrator: up to AMBER+STRICT; never above the collection's tlp_max, never RED
 *   PEER         up to AMBER+STRICT
 *
 * And the policy in force, with what docs/labels.md says of the object, its age, its origin and the
 * recipient (docs/labels.md, "Who is asked for"). It is not asked for OPERATOR, nor for COLLECTION
 * with an account of our own people. Without a policy a PEER gets nothing, and the others what the
 * ceiling allows.
 */
bool intel_release(struct intel *i, struct store_reader *r, const struct intel_recipient *to,
	const struct store_row *row);

/*
 * Put a policy in force, in place of the one before; NULL: none. Takes over the policy, also when
 * it fails. self: our own name among its members; ERR_INVALID when it is none of them. Any thread
 * may call it at any time: rows that are looked at after it returns are decided by the new one.
 */
enum err_kind intel_policy_set(
	struct intel *i, struct policy *policy, struct slice self, struct err *e) MUST_USE;
/*
 * The same, and kept in the store: it holds after a start too, and for every other program that
 * opens the store. texts: the unified policy, then overlays and reservations (policy_join); none:
 * no policy. intel_new puts in force what is kept; when that cannot be understood, nothing leaves
 * to anybody for whom a policy is asked.
 */
enum err_kind intel_policy_keep(struct intel *i, const struct policy_parties *parties,
	struct slice self, const struct slice *texts, size_t count, struct err *e) MUST_USE;
struct intel_policy_state {
	bool in_force;
	bool expired; /* nothing is permitted; also when what was kept could not be understood */
	char name[POLICY_NAME_MAX + 1];
	char self[POLICY_NAME_MAX + 1];
	uint64_t version;
	uint8_t digest[SHA256_LEN];
	int64_t expires_us;
	uint64_t generation; /* grows with every intel_policy_set */
};
struct intel_policy_state intel_policy_get(struct intel *i);
/* What answers for this recipient depend on beside the store: for keys of caches. */
uint64_t intel_release_epoch(struct intel *i, const struct intel_recipient *to);

struct intel_reason {
	bool released;
	uint8_t tlp;                /* enum stix_tlp of the label, or INTEL_TLP_UNKNOWN */
	uint8_t ceiling;            /* the strictest that the recipient may have */
	struct policy_marking says; /* what the markings say to a policy; tlp as above */
	bool marking;               /* the ceiling allows it */
	bool asked;          /* the policy was asked, or (PEER without one) would have had to be */
	bool permitted;      /* it permits; and what follows is so */
	const char *because; /* why not, or NULL: "no policy is in force", "the policy has expired",
				"obligations that an exact copy cannot keep", ... */
	int rule;            /* of the policy: what permitted or stopped it; -1: none */
	char rule_id[POLICY_NAME_MAX + 1];
	struct policy_case question; /* as it was asked */
	struct policy_duties duties;
};
#define INTEL_TLP_UNKNOWN 15
/* The same answer as intel_release with everything it rests on. */
enum err_kind intel_release_explain(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, const struct store_row *row,
	struct intel_reason *ret_reason, struct err *e) MUST_USE;

/* The same in words: text for people, or JSON; with the policy's own account of it. */
enum err_kind intel_release_account(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, const struct store_row *row, bool json, struct buf *out,
	struct err *e) MUST_USE;

/* What a recipient may have of a collection (0: of the store): of its newest objects, up to
 * rows_max of them. */
#define INTEL_RULES_TOLD 32 /* rules counted one by one */
struct intel_rule_count {
	int16_t rule;
	char id[POLICY_NAME_MAX + 1];
	char clause[POLICY_NAME_MAX + 1];
	uint64_t objects;
};
struct intel_may_read {
	uint64_t readable, withheld;
	bool complete;                                   /* false: there are older ones */
	struct intel_rule_count rules[INTEL_RULES_TOLD]; /* by which what is readable is so */
	size_t rules_count;
};
enum err_kind intel_may_read(struct intel *i, const struct intel_recipient *to, size_t rows_max,
	struct intel_may_read *ret_counts, struct err *e) MUST_USE;

/*
 * The release log. Whoever hands a version on says so; it is kept in the store with the rule that
 * allowed it, at the latest when intel_idle runs (every second), so that a crash loses one second
 * of the log at most, and nothing of what waited for intel_released_flush. OPERATOR is not kept. r and to as when the row was released.
 */
void intel_released(struct intel *i, struct store_reader *r, const struct intel_recipient *to,
	const struct store_row *row);
/* The same in two steps, for whoever hands on what was read before (a page that is kept): what to
 * remember of a row, and later that it went to a recipient for whom it was read, or to another for
 * whom intel_release_epoch and all that decides are the same. */
struct intel_note {
	int64_t serial;
	uint64_t generation; /* of the policy */
	int16_t rule;        /* -1: none was asked */
};
void intel_released_note(struct intel *i, struct store_reader *r, const struct intel_recipient *to,
	const struct store_row *row, struct intel_note *ret_note);
void intel_released_notes(struct intel *i, const struct intel_recipient *to,
	const struct intel_note *notes, size_t count);
enum err_kind intel_released_flush(struct intel *i, struct err *e) MUST_USE;
/* Under which name a recipient is kept there: "member kz", "account 7", "public", "nobody". */
#define INTEL_RECIPIENT_MAX (POLICY_NAME_MAX + 16)
void intel_recipient_name(const struct intel_recipient *to, char ret_name[INTEL_RECIPIENT_MAX]);

/* What an idle thread does, best every second: the store's idle work, the release log, traits for
 * objects that came before their rules, and retention: received objects get the time by which the
 * policy in force wants them gone (docs/policy.md), and go so long before it, that nothing of them
 * is left in any file by then. */
#define INTEL_RETAIN_LEAD_US (INT64_C(3600) * US_PER_SECOND)
enum err_kind intel_idle(struct intel *i, struct err *e) MUST_USE;

/*
 * How long anything that members send may be kept at the most, for what the store refused and no
 * rule can be asked about: the least that a rule of the policy in force demands of us. False: none
 * is in force, or it has lapsed.
 */
#define INTEL_RULE_MAX 128 /* bytes: a layer's name may stand before the rule's */
struct intel_keep {
	int32_t days; /* 0: none demands it */
	char rule[INTEL_RULE_MAX + 1];
	uint8_t policy[SHA256_LEN];
};
bool intel_keep_least(struct intel *i, struct intel_keep *ret_keep) MUST_USE;

/*
 * What a change of policy would do to what is here: counts only. Of each object the newest version
 * is looked at. before may be NULL: none in force. Both belong to the caller.
 */
struct intel_change {
	struct slice recipient; /* member, or "public"; borrowed from `after` */
	uint64_t before, after; /* objects that it may have */
	uint64_t gained, lost;
};
#define INTEL_CELL_MIN 5 /* counts below, but for zero, do not leave the node */
enum err_kind intel_dry_run(struct intel *i, const struct policy *before,
	const struct policy *after, struct slice self, const struct slice *recipients,
	size_t recipients_count, struct intel_change *ret_changes, struct err *e) MUST_USE;
/* "1,234", "0", or "<5": how a count is told. */
void intel_cell_append(struct buf *out, uint64_t count);

/* The same questions as store_*_open, asked for a recipient. The cursor is the store's; to is
 * copied. Nothing else in Serai opens a cursor for somebody outside. */
enum err_kind intel_release_page(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, const struct store_page *page,
	struct store_cursor **ret_cursor, struct err *e) MUST_USE;
enum err_kind intel_release_search(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, const struct store_search *search,
	struct store_cursor **ret_cursor, struct err *e) MUST_USE;
enum err_kind intel_release_versions(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, struct slice type, const struct uuid *uuid,
	struct store_cursor **ret_cursor, struct err *e) MUST_USE;
enum err_kind intel_release_referrers(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, struct slice type, const struct uuid *uuid,
	struct store_cursor **ret_cursor, struct err *e) MUST_USE;
enum err_kind intel_release_all(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, int64_t after_serial, bool every_version,
	struct store_cursor **ret_cursor, struct err *e) MUST_USE;
enum err_kind intel_release_get(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, struct slice type, const struct uuid *uuid,
	struct store_row *ret_row, struct buf *ret_body, bool *ret_found, struct err *e) MUST_USE;

/* One version by its number in the store. */
enum err_kind intel_release_serial(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, int64_t serial, struct store_row *ret_row,
	struct buf *ret_body, bool *ret_found, struct err *e) MUST_USE;

/* Rows held back from this recipient since the last cursor opened for it through r. */
uint64_t intel_release_withheld(
	struct intel *i, struct store_reader *r, const struct intel_recipient *to);

/* ---- questions ------------------------------------------------------------------------------- */

/*
 * What a person types: words, and fields such as
 *   type:indicator value:198.51.100.0/24 value:*.evil.example tlp:green label:botnet
 *   since:2026-01-01 until:2026-02-01T12:00:00Z by:identity--… ref:malware--… versions:all
 * A word that is itself an address, name, URL, e-mail or hash is looked up as a value. Quotes keep
 * blanks together. ERR_USAGE names the word that was not understood. Everything lives in `a`.
 */
enum err_kind intel_query_parse(struct slice query, struct arena *a,
	struct store_search *ret_search, struct err *e) MUST_USE;

/* ---- formats --------------------------------------------------------------------------------- */

struct intel_format {
	const char *name; /* "stix", "misp", ... */
	const char *says; /* one line for help */
	bool reads;
	bool writes;
	bool folder; /* is a folder of files */
};
/* The formats by number from 0; false past the last. One that is read and written comes once. */
bool intel_format_get(size_t number, struct intel_format *ret_format);

struct intel_import {
	struct intel_source source;
	const char *format; /* NULL: recognised */
	const char *path;   /* a file, "-", or a folder for a feed */
	const char
		*mapping;  /* CSV: "value=ip,name=2,type=kind" columns by name or number; or NULL */
	const char *kind;  /* plain lists: "address", "name", ... or NULL: each line guessed */
	const char *name;  /* of the list or feed, for converted objects; NULL: the file's name */
	enum stix_tlp tlp; /* put on converted objects that bring no marking of their own */
	int confidence;    /* of converted indicators, 0..100; -1: none */
	bool resume;
	void (*refused)(void *context, const struct intel_verdict *verdict); /* may be NULL */
	void (*lost)(void *context, const struct intel_place *place,
		struct slice what); /* may be NULL */
	/* Called now and then from the reading thread; return false to stop cleanly after the
	 * batch. */
	bool (*progress)(void *context, uint64_t packed_read, uint64_t packed_total,
		const struct intel_counts *counts);
	void *context;
};
/* ERR_PARSE when the file is broken: what stood before the break was kept and is counted. */
enum err_kind intel_import_run(struct intel *i, const struct intel_import *import,
	struct intel_counts *ret_counts, struct err *e) MUST_USE;

struct intel_export {
	struct intel_recipient to;
	const struct store_search *search; /* NULL: everything */
	const char *format;
	const char *path; /* file, "-", or a folder (misp-feed, suricata) */
	bool every_version;
	const char *name; /* RPZ: the zone's name; lists: a title; or NULL */
	const char *
		kind; /* plain lists and Suricata: only this kind of value; or NULL: all that fit */
	void (*lost)(void *context, struct slice id, struct slice what); /* may be NULL */
	bool (*progress)(void *context, const struct intel_counts *counts);
	void *context;
};
struct intel_export_counts {
	uint64_t objects;  /* released and written */
	uint64_t withheld; /* not released to this recipient */
	uint64_t records;  /* lines, rules, attributes written */
	uint64_t losses;
	uint64_t bytes;
};
enum err_kind intel_export_run(struct intel *i, const struct intel_export *export,
	struct intel_export_counts *ret_counts, struct err *e) MUST_USE;

#endif
