/* SPDX-License-Identifier: MPL-2.0 */
/* What tests and fuzz targets of this folder share: a log in, what was read from it as text out. */
#ifndef LOGS_TESTING_H
#define LOGS_TESTING_H

#include "logs.h"

struct logs_look {
	enum logs_format format;
	uint64_t roles; /* 0: all that are matched */
	const struct logs_mapping *mapping;
	const struct world *world; /* NULL: the real one */
	size_t chunk;              /* bytes fed at a time; 0: everything at once */
	size_t cut;                /* when not 0: two feeds, the first of so many bytes */
	uint64_t sift;     /* when not 0: lines are left out, chosen by their bytes and it */
	bool details;      /* also what detail() says of each record */
	struct slice head; /* when its data is set: resumed at offset 1000, line 100 */
};

/*
 * Feeds the log from memory that ends where EVENT_PADDING ends, so that a sanitizer sees more being
 * read. A record is one line, in pieces or not:
 *
 *   NUMBER@OFFSET name:role:kind=value name:role:kind=value
 *
 * followed, with `details`, by `  TIME name:role:kind=value ...`. Bytes that are no printable ASCII
 * are \xHH. Aborts on what can never be (a field outside of its record, out of memory). The caller
 * frees with buf_fini; text ends in NUL.
 */
struct buf logs_look_at(
	const struct logs_look *look, struct slice log, struct logs_counts *ret_counts);

/* Never 0, unless the seed is. */
static inline uint64_t logs_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Whether a reader that sifts keeps a line, given without its end. */
bool logs_look_keeps(uint64_t sift, struct slice line);

#endif
