/* SPDX-License-Identifier: MPL-2.0 */
/* The outermost object of a stream: its name "objects", and its other members. Private. */
#ifndef JSON_ENVELOPE_H
#define JSON_ENVELOPE_H

#include "json.h"

#define JSON_ENVELOPE_MEMBER_MAX KIB(64) /* bytes of a member that is kept beside "objects" */

/* ---- "objects": [ ---- */

enum match {
	MATCH_MORE, /* cannot tell yet */
	MATCH_NO,
	MATCH_YES /* up to and with the opening bracket of the array */
};

/* Reads `"objects" : [` byte by byte, with any spelling of the name; zero before the quote. */
struct objects_match {
	unsigned step;   /* see the .c */
	unsigned letter; /* index of the next letter of the name */
	unsigned digits; /* hex digits still to come of an escape */
	uint32_t unit;   /* their value so far */
};

/* Feed bytes; *ret_used counts those up to the answer (all of them with MATCH_MORE). */
enum match objects_match_feed(struct objects_match *m, struct slice bytes, size_t *ret_used);

/* ---- the other members ---- */

struct envelope_fault {
	size_t offset;
	const char *what;
};

/*
 * Append the members of `head`, the bytes from the outermost '{' up to the name "objects", to *out,
 * which holds at least '{', as `"name":value` with commas between. is_cut: the bytes were cut
 * somewhere; what does not read well is then left out instead of refused. False with *ret_fault
 * when the members do not read.
 */
bool envelope_head(
	struct slice head, bool is_cut, struct buf *out, struct envelope_fault *ret_fault);
/* The same for the bytes from behind the array up to and with the closing brace. */
bool envelope_tail(
	struct slice tail, bool is_cut, struct buf *out, struct envelope_fault *ret_fault);

#endif
