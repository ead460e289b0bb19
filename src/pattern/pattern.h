/* SPDX-License-Identifier: MPL-2.0 */
/*
 * STIX patterns evaluated: over observed-data (`serai pattern match`) and over the stream of
 * events. One evaluator, one meaning (STIX 2.1 section 9); bounded in time and memory.
 */
#ifndef PATTERN_H
#define PATTERN_H

#include "base/base.h"
#include "event/event.h"
#include "stix/stix.h"
#include "json/json.h"

#define PATTERN_OBSERVATIONS_MAX 100000  /* of one answer; in a stream the oldest go, counted */
#define PATTERN_STEPS_MAX        1000000 /* bindings tried for one answer; then ERR_LIMIT */
#define PATTERN_WORK_MAX         100000000 /* comparisons and path steps of one answer: some seconds */
#define PATTERN_MATCH_STEPS_MAX  100000   /* of one MATCHES, and some for each byte: milliseconds */
#define PATTERN_DOCUMENT_MAX     MIB(64)  /* bytes handed to pattern_observations_add at once */
#define PATTERN_OBSERVED_MAX     MIB(512) /* bytes of memory of all observations */
#define PATTERN_SIDE_MAX         1024 /* of a set: tests that no hash finds, tried on every value */
#define PATTERN_CANDIDATES_MAX   10000 /* expressions judged for one record; more are given up */
#define PATTERN_SET_MAX          MIB(4096) /* bytes of all patterns of a set */
#define PATTERN_MEMORY_MAX       MIB(64)   /* bytes of state of all temporal patterns of a set */

/* ---- one pattern over given observations ----------------------------------------------------- */

struct pattern;
/* ERR_PARSE with line, column and what was expected; ERR_LIMIT; a regular expression that PCRE2
 * does not take is ERR_INVALID. */
enum err_kind pattern_new(struct slice text, struct pattern **ret_pattern, struct err *e) MUST_USE;
void pattern_free(struct pattern *p);

struct pattern_observations;
struct pattern_observations *pattern_observations_new(void) MUST_USE;
void pattern_observations_free(struct pattern_observations *o);
/* A bundle, an array of bundles or observed-data, one observed-data object (2.0 `objects` or 2.1
 * `object_refs`): the bytes are copied. ERR_INVALID says which object and why. */
enum err_kind pattern_observations_add(
	struct pattern_observations *o, struct slice json, struct err *e) MUST_USE;

/* *ret_matched; the ids of the observed-data that made it match, if asked for, in the arena. */
enum err_kind pattern_match(const struct pattern *p, const struct pattern_observations *o,
	bool *ret_matched, struct arena *a, struct slice **ret_ids, size_t *ret_ids_count,
	struct err *e) MUST_USE;

/* ---- many patterns over the stream ----------------------------------------------------------- */

struct pattern_set;
struct pattern_set_options {
	size_t memory_max;         /* 0: PATTERN_MEMORY_MAX */
	const struct world *world; /* the key of its hash tables */
};
enum err_kind pattern_set_new(const struct pattern_set_options *options,
	struct pattern_set **ret_set, struct err *e) MUST_USE;
void pattern_set_free(struct pattern_set *s);
/* number: the caller's, told with a match. ERR_INVALID: can never match on this stream (says why).
 */
enum err_kind pattern_set_add(
	struct pattern_set *s, struct slice pattern, uint32_t number, struct err *e) MUST_USE;
/* After the last add: builds what finds the candidates. */
enum err_kind pattern_set_ready(struct pattern_set *s, struct err *e) MUST_USE;
/* The roles it must see in batches. */
uint64_t pattern_set_roles(const struct pattern_set *s);

struct pattern_hit {
	uint32_t number;
	uint32_t record;           /* of the batch: the one that completed it */
	int64_t first_us, last_us; /* of the observations used */
	uint32_t observations;
	struct slice evidence; /* "line 12, line 40": places of the observations; valid during the
				  call */
};
/* Every record is one observation. False: `hit` stopped it, or no memory. */
bool pattern_set_batch(struct pattern_set *s, const struct batch *batch,
	bool (*hit)(void *context, const struct batch *batch, const struct pattern_hit *hit),
	void *context);

struct pattern_counts {
	uint64_t patterns, events, candidates, evaluated, matched;
	uint64_t shed;    /* observations forgotten before their window ended, for want of memory */
	uint64_t gave_up; /* evaluations past PATTERN_STEPS_MAX or PATTERN_MATCH_STEPS_MAX */
	size_t memory;
};
void pattern_counts(const struct pattern_set *s, struct pattern_counts *ret_counts);

#endif
