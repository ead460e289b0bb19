/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The indicator index: one file, compiled once, mapped by sensors, looked up in batches. Format in
 * docs/index.md. Needs neither store nor network.
 */
#ifndef INDEX_H
#define INDEX_H

#include "base/base.h"
#include "event/event.h"
#include "stix/stix.h"

/* Values in one index: what 32-bit numbers and 8 GB hold. */
#define INDEX_VALUES_MAX   UINT32_C(200000000)
#define INDEX_BYTES_MAX    (UINT64_C(16) << 30) /* a larger file is refused unread */
#define INDEX_PATTERNS_MAX 1000000
#define INDEX_LABELS_MAX   127 /* of a name; RFC 1035 allows no more in 255 bytes */
#define INDEX_SIGNER_MAX   128 /* bytes of a signer's name */

/* ---- what is known of an indicator ----------------------------------------------------------- */

/* Provenance, shared by all values of one object or one list. Slices may be empty. */
struct index_entry {
	struct slice id;       /* STIX id of the indicator or observable; or "feed:NAME" */
	int64_t version_us;    /* modified, else created, else 0 */
	struct slice producer; /* created_by_ref, its name when known, or the feed's source */
	enum stix_tlp tlp;
	int confidence;                        /* 0..100; -1 unknown */
	int64_t valid_from_us, valid_until_us; /* 0: open */
	struct slice name;                     /* for people; at most 256 bytes are kept */
	struct slice kill_chain;               /* "chain:phase,chain:phase" */
	struct slice labels;                   /* "a,b": indicator_types and labels */
};

/* ---- building -------------------------------------------------------------------------------- */

struct index_builder;

/* world: for the key of the hash functions (new for every build) and the time of building. */
struct index_builder *index_builder_new(const struct world *world) MUST_USE;
void index_builder_free(struct index_builder *b);
/* Says that the values and patterns to come belong to this entry (copied). */
enum err_kind index_builder_entry(
	struct index_builder *b, const struct index_entry *entry, struct err *e) MUST_USE;
/*
 * A value as text: address or network ("10.0.0.0/8", host bits cleared), name, URL, ... normalised
 * by its kind. ERR_INVALID for what can never match (with the reason), and for what would match
 * nearly everything (an empty prefix, a name without a dot); nothing changes then.
 */
enum err_kind index_builder_value(
	struct index_builder *b, enum field_kind kind, struct slice text, struct err *e) MUST_USE;
/*
 * Many lines at once, for lists of millions: each line one value, kind guessed per line (kind NONE)
 * or given; blank lines and those that start with '#' pass. Lines that are none are told to
 * `refused` (may be NULL).
 */
enum err_kind index_builder_lines(struct index_builder *b, enum field_kind kind, struct slice lines,
	uint64_t first_line,
	void (*refused)(void *context, uint64_t line, struct slice text, const struct err *why),
	void *context, struct err *e) MUST_USE;
/* A STIX pattern that is more than a list of values (stix_pattern_is_list tells). */
enum err_kind index_builder_pattern(
	struct index_builder *b, struct slice pattern, struct err *e) MUST_USE;
struct index_counts {
	uint64_t entries, values, patterns, kinds[FIELD_KINDS_STORED];
};
void index_builder_counts(const struct index_builder *b, struct index_counts *ret_counts);

/* Ed25519 (libsodium): seed and public key, in one file of two lines; see docs/index.md. */
struct index_signer {
	char name[INDEX_SIGNER_MAX];
	uint8_t secret[64];
};
enum err_kind index_signer_make(const char *path, const char *name, const struct world *world,
	struct err *e) MUST_USE; /* mode 0600; the public half beside it as PATH.pub */
enum err_kind index_signer_read(
	const char *path, struct index_signer *ret_signer, struct err *e) MUST_USE;

/* Written beside and renamed: sensors see the old file or the new one. signer may be NULL. */
enum err_kind index_builder_write(struct index_builder *b, const char *path,
	const struct index_signer *signer, struct err *e) MUST_USE;

/* ---- opening --------------------------------------------------------------------------------- */

struct index;

struct index_options {
	/* lines of trusted public keys as index_signer_make writes them; empty: unsigned is taken
	 */
	struct slice trusted;
	bool verify_all; /* read and hash every byte now; else headers and filters now, the rest
			    when touched */
};

/*
 * ERR_CORRUPT: cut off, altered, or contradicting itself, with section and offset; ERR_INVALID: a
 * later version, or no index at all; ERR_DENIED: not signed by a trusted key. A mapped file that is
 * cut off later must not kill the process.
 */
enum err_kind index_open(const char *path, const struct index_options *options,
	struct index **ret_index, struct err *e) MUST_USE;
void index_close(struct index *x);
/* True once a block that was touched later turned out to be altered or cut off: what stands in it
 * is not matched any more, everything else is. Open the file again, or fetch it again. */
bool index_damaged(const struct index *x);

struct index_info {
	struct index_counts counts;
	int64_t built_us;
	uint64_t bytes;
	struct slice signer;        /* empty: unsigned */
	uint8_t digest[SHA256_LEN]; /* names this index in findings and sightings */
};
void index_info(const struct index *x, struct index_info *ret_info);
/* Entry by number; slices are borrowed from the index. False: damaged. */
bool index_entry_get(const struct index *x, uint32_t entry, struct index_entry *ret_entry);
/* Patterns, 0 .. counts.patterns - 1. */
bool index_pattern_get(
	const struct index *x, uint32_t number, struct slice *ret_pattern, uint32_t *ret_entry);
/* All values of an index in stored order, for hunts and listings; false stops. */
bool index_each(const struct index *x,
	bool (*each)(void *context, enum field_kind kind, struct slice text, uint32_t entry),
	void *context);

/* ---- matching -------------------------------------------------------------------------------- */

enum index_how {
	INDEX_EXACT,
	INDEX_PARENT,  /* the indicator is a parent domain of the field */
	INDEX_NETWORK, /* the field's address is inside the indicator's network */
	INDEX_PREFIX   /* the indicator's URL is a path prefix of the field's, on a boundary */
};
const char *index_how_name(enum index_how how);

struct index_hit {
	uint32_t field; /* index into batch->fields */
	uint32_t entry;
	enum field_kind kind; /* of the indicator: a URL field may hit a NAME */
	enum index_how how;
	struct slice indicator; /* text as kept, valid until the index is closed or match returns */
	struct slice value; /* the part of the field that matched: a token, a host; in the field */
};

/*
 * Look every field of the batch up and call `hit` for each match: every covering network, every
 * parent, every entry that holds the value. Expiry is the caller's (it knows the event's time).
 * One matcher per thread; it keeps scratch space only. `hit` returns false to stop.
 */
struct index_matcher;
struct index_matcher *index_matcher_new(const struct index *x) MUST_USE;
void index_matcher_free(struct index_matcher *m);
bool index_match(struct index_matcher *m, const struct batch *batch,
	bool (*hit)(void *context, const struct batch *batch, const struct index_hit *hit),
	void *context);

/*
 * Which lines of a sheet index_match could find something in (event.h): it finds nothing in the
 * others. False: this cannot be told more quickly than index_match does it.
 */
bool index_sift(struct index_matcher *m, const struct sheet *sheet, uint64_t ret_keep[SHEET_WORDS]);

/*
 * The keys under which a field is found again, for other structures that look values up (segment
 * filters): normalised text of a name and each parent, an address, a URL and its host, tokens of
 * free text, ... `key` is valid during the call.
 */
void index_field_keys(const struct column *column, const struct field *field,
	void (*key)(void *context, enum field_kind kind, struct slice normal), void *context);
/*
 * The normal form of one value, as above: 4 or 16 bytes of an address (a network: its bytes and one
 * with the prefix length), lower case A-labels, host[:port]/path of a URL, a digest's bytes
 * (docs/index.md). False when it is none of that kind.
 */
bool index_normal(
	enum field_kind kind, struct slice text, struct arena *a, struct slice *ret_normal);

#endif
