/* SPDX-License-Identifier: MPL-2.0 */
/* The header of a Zeek log: which columns there are, and how their values are written. */
#ifndef ZEEK_HEADER_H
#define ZEEK_HEADER_H

#include "zeek.h"

/* 512 columns of 127 bytes; a longer header line is refused */
#define ZEEK_HEADER_LINE_MAX KIB(64)
#define ZEEK_MARK_MAX        8 /* bytes of "(empty)" and "-"; they are compared as one word */

enum zeek_header_line {
	ZEEK_SEPARATOR,
	ZEEK_SET_SEPARATOR,
	ZEEK_EMPTY_FIELD,
	ZEEK_UNSET_FIELD,
	ZEEK_PATH,
	ZEEK_FIELDS,
	ZEEK_TYPES,
	ZEEK_HEADER_LINES
};

/* What stands for a value: "-", "(empty)". */
struct zeek_mark {
	uint64_t word, mask; /* its bytes as the processor loads them; which of them count */
	size_t len;
};

struct zeek_cell {
	struct slice name; /* in names */
	struct zeek_meaning meaning;
};

struct zeek_header {
	struct buf lines[ZEEK_HEADER_LINES]; /* as they came; empty: not seen */
	struct buf text;                     /* all of them, to be kept with the place */
	char separator, set_separator;
	struct zeek_mark empty, unset;
	struct slice path; /* in lines */
	struct arena *names;
	struct zeek_cell cells[COLUMNS_MAX];
	size_t cells_count; /* 0: no usable header */
};

bool zeek_header_init(struct zeek_header *h);
void zeek_header_fini(struct zeek_header *h);
void zeek_header_reset(struct zeek_header *h);
/* Whether the line would change anything; what it says is then taken by zeek_header_take. */
bool zeek_header_changes(const struct zeek_header *h, struct slice line);
/* NULL, or what is wrong with the line. The cells are gone until zeek_header_build. */
const char *zeek_header_take(struct zeek_header *h, struct slice line);
/* Cells from the lines. NULL, or what is wrong. */
const char *zeek_header_build(struct zeek_header *h);

/* data is readable for 8 bytes whatever len is. */
static inline bool zeek_mark_is(const struct zeek_mark *m, const char *data, size_t len)
{
	uint64_t word;

	memcpy(&word, data, sizeof(word));
	return (len == m->len) & ((word & m->mask) == m->word);
}

/* "\x09" and "\\" become their bytes; returns the length, at most from.len. to may be from.data. */
size_t zeek_unescape(struct slice from, char *to);

#endif
