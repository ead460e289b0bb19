/* SPDX-License-Identifier: MPL-2.0 */
/* What I-JSON asks beyond JSON, checked on the tape. Private to this folder. */
#ifndef JSON_TAPE_H
#define JSON_TAPE_H

#include "json.h"

/* Slots of the name table of one depth; objects with more than half as many members are sorted. */
#define TAPE_NAME_SLOTS 256

struct tape_names;

struct tape_names *tape_names_new(void) MUST_USE; /* NULL when out of memory */
void tape_names_free(struct tape_names *n);       /* accepts NULL */

enum tape_verdict {
	TAPE_GOOD,
	TAPE_DUPLICATE, /* *ret_at: tape index of the second of two equal names */
	TAPE_DEPTH,     /* more than JSON_DEPTH_MAX */
	TAPE_SUSPECT,   /* perhaps a noncharacter: ask the scanner */
	TAPE_NOMEM
};

enum tape_verdict tape_check(
	struct tape_names *n, const struct json_doc *doc, uint32_t *ret_at) MUST_USE;

#endif
