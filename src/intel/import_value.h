/* SPDX-License-Identifier: MPL-2.0 */
/* Inside the importers of lists: one value, what it is, and the indicator made of it. */
#ifndef IMPORT_VALUE_H
#define IMPORT_VALUE_H

#include "import.h"

/* What lists call their values. Several names may mean the same. */
struct import_kind {
	const char *name;
	enum stix_value_kind kind;
	const char
		*path; /* of the value in a pattern, "file:hashes.MD5"; NULL: by the value itself */
	size_t hash_digits; /* a digest of exactly so many hex digits; 0: any */
};
/* Either case; '_' and ' ' count as '-'. NULL: no such name. */
const struct import_kind *import_kind_find(struct slice name);

struct import_value {
	enum stix_value_kind kind;
	struct slice key;     /* equal for equal values */
	struct slice text;    /* as it is shown: refanged, canonical where there is such a form */
	struct slice pattern; /* STIX pattern that finds it */
};

/* kind NULL: guessed. False with *ret_why saying what was expected. All in `a`. */
bool import_value_read(const struct import_kind *kind, struct slice text, struct arena *a,
	struct import_value *ret_value, const char **ret_why);

/*
 * A list on its way in: one identity stands for the list, and each value becomes an indicator whose
 * id depends on the list's name and the value alone.
 */
struct import_feed {
	struct import_job *job;
	struct arena *arena; /* for one entry; the caller resets it */
	struct buf out;
	struct slice name;
	struct uuid identity;
	bool identity_emitted;
	int64_t now_us;
	uint64_t index; /* of the next object */
	uint64_t entries, known;
};

struct import_entry {
	struct import_value value;
	struct slice name;        /* empty: the value */
	struct slice description; /* may be empty, as may what follows */
	struct slice source;      /* whom the list names as its source */
	struct slice url;         /* where that says more */
	const struct slice *labels;
	size_t labels_count;
	int confidence;         /* -1: that of the options */
	enum stix_tlp tlp;      /* NONE: that of the options */
	int64_t valid_from_us;  /* INT64_MIN: now */
	int64_t valid_until_us; /* INT64_MIN: open */
};

#define IMPORT_ENTRY_INIT                                                                          \
	((struct import_entry){                                                                    \
		.confidence = -1, .valid_from_us = INT64_MIN, .valid_until_us = INT64_MIN})

enum err_kind import_feed_init(
	struct import_feed *feed, struct import_job *job, struct err *e) MUST_USE;
void import_feed_fini(struct import_feed *feed);
enum err_kind import_feed_add(struct import_feed *feed, const struct intel_place *place,
	const struct import_entry *entry, struct err *e) MUST_USE;

#endif
