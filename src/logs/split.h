/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Where the separators and line ends of a piece of a log are: the one pass over all bytes, so it is
 * done 16 to 64 at a time. What follows touches only the columns that are wanted.
 */
#ifndef SPLIT_H
#define SPLIT_H

#include "base/base.h"

/* Bytes of a piece: it and its positions stay in the first cache level. */
#define SPLIT_BYTES KIB(16)

struct split {
	size_t positions_count; /* of separators and line ends together */
	size_t ends_count;      /* of line ends */
	bool escapes;           /* there is a backslash somewhere */
	uint16_t in_front; /* of positions, for the reader: so that even the first has one before */
	uint16_t positions[SPLIT_BYTES + 64]; /* ascending; room for one whole store behind */
	uint16_t ends[SPLIT_BYTES + 64];      /* where in positions the line ends are */
};

_Static_assert(
	offsetof(struct split, positions) == offsetof(struct split, in_front) + sizeof(uint16_t),
	"in_front stands in front of positions");

/* len is at most SPLIT_BYTES; EVENT_PADDING bytes behind may be read. */
typedef void (*split_run)(const char *data, size_t len, char separator, struct split *s);

struct split_version {
	const char *name;
	split_run run;
	bool (*usable)(void); /* on this machine */
};

/* Best first; the last, portable one can run anywhere. All give the same. */
extern const struct split_version split_versions[];
extern const size_t split_versions_count;

split_run split_best(void);

#endif
