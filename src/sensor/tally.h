/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What was found before: one row for each indicator and host, so that a finding is told once and
 * then counted, and one for each indicator, for its rate and how common it is. Private to this
 * folder.
 */
#ifndef TALLY_H
#define TALLY_H

#include "gate.h"

struct tally_row {
	uint64_t hash; /* keyed; 0: free */
	struct uuid id;
	uint64_t number;           /* the caller's: in which order they came */
	uint64_t count, told;      /* matches; of them told in findings so far */
	int64_t first_us, last_us; /* of the events; TIME_UNKNOWN when they have no times */
	int64_t told_us;           /* monotonic */
	bool held;
	char *kept; /* caller's memory about it (free'd with the row); may be NULL */
};

struct tally_indicator {
	uint64_t hash;
	struct prevalence prevalence;
	int64_t minute; /* monotonic minute of in_minute */
	uint32_t in_minute;
	uint32_t hosts; /* rows made for it */
	uint64_t limited;
};

struct tally;
struct tally *tally_new(const struct world *world, size_t rows_max) MUST_USE;
void tally_free(struct tally *t);
/* Its key, so that hashes mean the same after a restart. */
void tally_key_get(const struct tally *t, uint8_t ret_key[16]);
void tally_key_set(struct tally *t, const uint8_t key[16]); /* only while it is empty */

/* The keyed hash of an indicator as told by an entry, and of it together with a host. Never 0. */
uint64_t tally_hash_indicator(const struct tally *t, struct slice entry_id, struct slice indicator);
uint64_t tally_hash_host(const struct tally *t, struct slice host);
static inline uint64_t tally_hash_pair(uint64_t indicator, uint64_t host)
{
	uint64_t hash = indicator ^ (host << 1 | host >> 63);

	return hash == 0 ? 1 : hash;
}

/* The row of that hash, made when missing (*ret_new). When the table is full the row that was last
 * seen longest ago goes (*ret_gone: it, for a last word; its `kept` is the caller's then). NULL:
 * out of memory. The pointer holds until the next call. */
struct tally_row *tally_row(
	struct tally *t, uint64_t hash, bool *ret_new, struct tally_row *ret_gone);
struct tally_indicator *tally_indicator(struct tally *t, uint64_t hash);
/* A row read back from a file. False: full or out of memory. */
bool tally_restore(struct tally *t, const struct tally_row *row);
bool tally_restore_indicator(struct tally *t, const struct tally_indicator *indicator);
size_t tally_count(const struct tally *t);
uint64_t tally_evicted(const struct tally *t);
/* Rows and indicators as they lie; the callback may change them but for the hash. */
void tally_each(struct tally *t, void (*each)(void *context, struct tally_row *row), void *context);
void tally_each_indicator(
	struct tally *t, void (*each)(void *context, struct tally_indicator *i), void *context);

#endif
