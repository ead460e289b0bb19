/* SPDX-License-Identifier: MPL-2.0 */
/* Inside the STIX 2.0 importer: what one object's conversion shares. */
#ifndef IMPORT_STIX20_H
#define IMPORT_STIX20_H

#include "import.h"

#define STIX20_MARKINGS_MAX 64

struct stix20 {
	struct import_job *job;
	struct json_parser *parser; /* of the objects read */
	struct json_parser *small;  /* of what is written, to compute ids */
	struct arena *arena;        /* for one object */
	struct buf out, body;
	struct buf changes; /* to be told of the object at hand */
	struct slice id;    /* of it */
	struct intel_place place;
	uint64_t index; /* of the next object emitted */
};

/* Note a change: "labels are indicator_types". */
void stix20_change(struct stix20 *x, const char *format, ...) PRINTF(2, 3);
/* Emit what stands in x->out. */
enum err_kind stix20_emit(
	struct stix20 *x, const struct intel_place *place, struct err *e) MUST_USE;

/* What 2.1 calls otherwise. to NULL: it has no such property any more. */
struct stix20_rename {
	const char *type;
	const char *extension; /* NULL: a property of the object itself */
	const char *from;
	const char *to;
};
extern const struct stix20_rename stix20_renames[];
extern const size_t stix20_renames_count;

/*
 * The "objects" dictionary of an observed-data (2.0 Part 4), emitted as observables of their own;
 * their ids, in the dictionary's order, in the arena.
 */
enum err_kind stix20_observables(struct stix20 *x, struct json_value objects,
	struct slice observed_id, const struct uuid *markings, size_t markings_count,
	const struct intel_place *place, struct slice **ret_ids, size_t *ret_count,
	struct err *e) MUST_USE;

#endif
