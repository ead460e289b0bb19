/* SPDX-License-Identifier: MPL-2.0 */
/* Inside of the matcher. */
#ifndef INDEX_MATCH_H
#define INDEX_MATCH_H

#include "inside.h"

/* Gathered before they are looked at; their lines of the filter stay in the first cache level. */
#define PROBES_MAX 256

enum probe_type {
	PROBE_NAME,
	PROBE_NAME_DEEP, /* below a crowded suffix: deep is to be looked at as well */
	PROBE_VALUE,
	PROBE_BINARY, /* a value given as bytes */
	PROBE_URL,
	PROBE_IPV6,
	PROBE_IPV4, /* hash is the address */
	PROBE_SURE  /* an IPv6 address that no filter speaks for */
};

struct probe {
	uint64_t hash;
	uint64_t deep;    /* of the last three labels */
	const char *data; /* the part of the field */
	uint32_t len;
	uint16_t field;
	uint8_t type;
	uint8_t table;
};

#define MATCH_GATHERED 16                  /* addresses in a vector register */
#define MATCH_WORDS    (BATCH_FIELDS / 64) /* a bit for each field of a batch */
/* What to do with each column; one behind the last is for those that are none, and whole words are
 * read. */
#define MATCH_PLANS (COLUMNS_MAX + 1 + sizeof(uint64_t))

/* Ways to look at a batch; all find the same. */
enum match_way {
	MATCH_CAREFUL, /* anywhere: match.c */
	MATCH_FAST,    /* match_fast.c */
	MATCH_WIDE,    /* match_wide.c, and what is no dotted quad by match_fast.c */
	MATCH_WAYS
};
enum match_way match_way_best(const struct hash_key *key);

/* IPv4 addresses and the fields that they stand in, by field; room for a whole register behind the
 * last. */
struct match_addresses {
	size_t count, next; /* the first that has not been looked up */
	uint32_t addresses[BATCH_FIELDS + MATCH_GATHERED];
	uint16_t fields[BATCH_FIELDS + MATCH_GATHERED];
};

/* What may be dotted quads, by field; room as above. */
struct match_texts {
	size_t count;
	const char *data[BATCH_FIELDS + MATCH_GATHERED];
	uint16_t fields[BATCH_FIELDS + MATCH_GATHERED];
	uint8_t lens[BATCH_FIELDS + MATCH_GATHERED];
};

enum plan { PLAN_NONE, PLAN_CAREFUL, PLAN_ADDRESS, PLAN_NAME, PLAN_HOST };

struct index_matcher {
	const struct index *x;
	const struct batch *batch;
	bool (*hit)(void *context, const struct batch *batch, const struct index_hit *hit);
	void *context;
	enum match_way way;
	bool stopped;
	bool known[TABLES], addresses, hosts;
	bool ten_quiet; /* no indicator speaks of 10.0.0.0/8, which sites number themselves with */
	uint16_t field;
	size_t count;
	struct probe probes[PROBES_MAX];
	struct match_texts texts;
	struct match_texts names;               /* of a sheet */
	struct match_addresses addresses_found; /* that passed the bitmaps */
	struct normal normal;
	char indicator[VALUE_BYTES_MAX]; /* text of one that is stored as bytes */
	struct index_hit found;
};

/* match_fast.c: the first pass over the fields of a batch whose bits are set. False: stopped. */
bool match_fast_supported(const struct hash_key *key);
bool match_fast(struct index_matcher *m, const struct batch *batch, const uint8_t *plan,
	size_t columns, const uint64_t bits[MATCH_WORDS]);

/* match_wide.c: the first pass over all fields. False: stopped. */
bool match_wide_supported(void);
bool match_wide(
	struct index_matcher *m, const struct batch *batch, const uint8_t *plan, size_t columns);
/* Reads m->texts as addresses and leaves those that pass the bitmaps in m->addresses_found; the
 * bits of texts that are no dotted quads, by their fields, are set in rest. */
void match_wide_texts(struct index_matcher *m, uint64_t rest[MATCH_WORDS]);
/* Asks for what looking these up will read. */
void match_addresses_ahead(const struct index *x, const struct match_addresses *a);

/* One name or dotted quad inside a field. False: the careful way. */
bool match_fast_name(struct index_matcher *m, struct slice name);
bool match_fast_address(struct index_matcher *m, struct slice text);
void match_deepen(struct index_matcher *m, struct probe *p);
/* The same for the probes with these numbers. */
void match_fast_deepen(struct index_matcher *m, const uint16_t *found, size_t count);

/* The second pass: numbers of the probes that pass. */
size_t match_fast_pass(const struct index_matcher *m, size_t count, uint16_t *ret_found);

/* Both passes over what has been gathered: numbers of the probes that pass; none are gathered then.
 */
size_t match_passed(struct index_matcher *m, uint16_t ret_found[PROBES_MAX]);
void match_careful(struct index_matcher *m, const struct field *f);
bool match_flush(struct index_matcher *m);
void match_part(void *context, enum field_kind kind, struct slice text);
uint8_t match_plan(const struct index_matcher *m, const struct column *column);
/* Everything that the index knows of a probe that the filters let pass (resolve.c). False: stop. */
bool match_resolve(struct index_matcher *m, const struct probe *p);

#endif
