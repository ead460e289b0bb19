/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A look-up of indicators written without the sensor's: one set of strings, each value brought into
 * one spelling by the few lines of docs/index.md, every parent, network and path asked for in turn.
 * Slow and plain, so that the two can only agree where both are right.
 */
#ifndef SENSOR_NAIVE_H
#define SENSOR_NAIVE_H

#include "index/index.h"
#include "sensor_scene.h"

/* One hit: which indicator in which line, and how. */
struct naive_hit {
	uint64_t record; /* line or frame */
	uint32_t indicator;
	uint32_t how; /* enum index_how */
};

struct naive_hits {
	struct naive_hit *at;
	size_t count, capacity;
};
void naive_hits_add(struct naive_hits *h, uint64_t record, uint32_t indicator, uint32_t how);
void naive_hits_sort(struct naive_hits *h);
void naive_hits_once(struct naive_hits *h); /* sorted, each once */
void naive_hits_free(struct naive_hits *h);

struct naive;
struct naive *naive_new(void);
void naive_free(struct naive *n);
/* Nothing when it is there already. Text as a feed would have it; kind: one of those stored. */
void naive_add(struct naive *n, enum field_kind kind, const char *text);
size_t naive_count(const struct naive *n);
enum field_kind naive_kind(const struct naive *n, size_t indicator);
/* As it was added, and as it is told. */
const char *naive_text(const struct naive *n, size_t indicator);
const char *naive_told(const struct naive *n, size_t indicator);

/* All that a value in a log matches; HOST is a name or an address, with or without port. */
void naive_look(const struct naive *n, enum field_kind kind, const char *text, uint64_t record,
	struct naive_hits *h);
/* Which indicator is told by these words; fails the test when none is. */
uint32_t naive_find(const struct naive *n, enum field_kind kind, struct slice told);
/* The same for a finding of a file, whose kind is told more widely ("file" for three kinds). */
uint32_t naive_of_finding(const struct naive *n, const struct scene_finding *f);

/* The sensor's index of the same indicators. */
void naive_index(const struct naive *n, const char *path);
/* The same of values that nobody chose: what the index refuses as no value of its kind, or as one
 * that nearly everything matches, is looked for no more. Returns how many. */
size_t naive_index_real(struct naive *n, const char *path);

/* Both sorted; fails the test at the first difference and says which, and in which line of `text`
 * (may be empty). */
void naive_compare(const struct naive *n, const char *what, struct slice text,
	const struct naive_hits *expected, const struct naive_hits *found);

#endif
