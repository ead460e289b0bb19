/* SPDX-License-Identifier: MPL-2.0 */
/* Inside intel: one batch on its way from bytes to the store. */
#ifndef ACCEPT_H
#define ACCEPT_H

#include "intel.h"

/* What one checking thread needs; reused from object to object. */
struct accept_checker {
	struct json_parser *parser;
	struct stix_report report; /* its arena holds what one object needs */
	struct buf traits;
	bool tolerant; /* see struct intel_source */
};

enum err_kind accept_checker_init(struct accept_checker *c, struct err *e) MUST_USE;
void accept_checker_fini(struct accept_checker *c);

#define ACCEPT_BATCH_OBJECTS 1000   /* in one transaction: past this fsync no longer shows */
#define ACCEPT_BATCH_BYTES   MIB(4) /* of object bytes; bounds what waits in memory */

/*
 * Objects that were checked and wait to be written. Everything lives in `arena`. Verdict k belongs
 * to the k-th object pushed; objects[j] is the j-th that passed, of_verdict[j] its verdict.
 */
struct accept_batch {
	struct arena *arena;
	struct store_object *objects;
	uint32_t *of_verdict;
	size_t objects_count;
	struct intel_verdict *verdicts;
	size_t verdicts_count;
	size_t capacity;
	size_t bytes; /* of object bytes */
};

/* capacity: objects, at most STORE_BATCH_MAX. */
enum err_kind accept_batch_init(struct accept_batch *b, size_t capacity, struct err *e) MUST_USE;
void accept_batch_reset(struct accept_batch *b);
void accept_batch_fini(struct accept_batch *b);

/* Check one object and put it, or the reason for its refusal, into the batch. With keep_bytes they
 * are copied; else they must stay until the batch is written. */
enum err_kind accept_batch_add(struct accept_batch *b, struct accept_checker *c, struct slice bytes,
	bool keep_bytes, const struct intel_place *place, struct err *e) MUST_USE;
/* A refusal without an object. */
enum err_kind accept_batch_refuse(struct accept_batch *b, struct slice id, struct slice why,
	const struct intel_place *place, struct err *e) MUST_USE;
/* Write it; fills the verdicts' outcomes. */
enum err_kind accept_batch_write(struct accept_batch *b, struct store *store,
	const struct intel_source *source, const struct store_note *notes, size_t notes_count,
	struct err *e) MUST_USE;

#endif
