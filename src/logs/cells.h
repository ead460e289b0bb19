/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Rows of cells under named columns: CSV, W3C, and the tables of flow tools. A header line makes a
 * plan; each row is then cut only as far as its last wanted cell.
 */
#ifndef CELLS_H
#define CELLS_H

#include "lines.h"

/* What a cell is beside its role: parts of a time or of a URL that stand in columns of their own.
 */
enum cell_part {
	PART_NONE,
	PART_TIME, /* all of it */
	PART_DATE,
	PART_CLOCK,
	PART_SCHEME,
	PART_HOST,
	PART_PORT,
	PART_PATH,
	PART_QUERY,
	CELL_PARTS
};

struct cell_name {
	const char *name; /* lower case letters and digits only */
	uint8_t role;
	uint8_t kind; /* FIELD_NONE: the role's */
	uint8_t part;
};

/* What a column of that name usually says (columns.c). NULL: nothing known. */
const struct cell_name *cell_name_find(struct slice name);
const struct cell_name *cell_names(size_t i); /* all of them, in order; NULL behind the last */

/* A row that was cut. */
struct row {
	struct slice cells[COLUMNS_MAX];
	bool quoted[COLUMNS_MAX]; /* inside, a quote is doubled */
	size_t count;
};

struct cell {
	size_t column; /* in the reader; COLUMNS_MAX: not wanted */
	struct slice name;
	uint8_t role;
	uint8_t kind;
	uint8_t part;
};

#define CELLS_HEAD_MAX KIB(64) /* bytes of a header line: 512 columns of 128 */

typedef const struct cell_name *cell_find(struct slice name);

struct cells {
	cell_find *find;
	struct line_state items; /* for URLs joined from parts, and for lines that do not fit */
	struct cell cells[COLUMNS_MAX];
	size_t count;
	size_t needed;            /* cells up to the last wanted one */
	size_t parts[CELL_PARTS]; /* cell index + 1; 0: none */
	bool seen;                /* a header was, though perhaps it could not be used */
	bool settled;             /* the delimiter, by the first row (W3C) */
	bool join;                /* host and path stand apart */
	bool known;               /* some column has a role */
	bool all_free;            /* none has: every cell is free text */
	bool plus;                /* IIS writes + for a blank in user agents */
	char delimiter;
	struct row row;  /* of the line in hand: too large to be cleared on the stack for each */
	struct row told; /* of a line whose detail is asked for while that one is in hand */
	char *head; /* the header lines that hold, CELLS_HEAD_MAX; names are borrowed from it */
	size_t head_len;
};

struct cells *cells_new(cell_find *find);
void cells_free(struct cells *c);

/* A header line: behind its first `skip` bytes names between delimiters, quoted or not. False:
 * stopped or no memory; a header that cannot be used (too many columns, too long) is a problem and
 * leaves none. */
bool cells_header(
	struct logs_reader *r, struct cells *c, struct slice line, size_t skip, char delimiter);
/* A line that a resumed reader needs; kept in front of the header. False: too long. */
bool cells_head_keep(struct cells *c, struct slice line);
/* No header holds; what was read under it is flushed first. False: stopped. */
bool cells_clear(struct logs_reader *r, struct cells *c);

/*
 * Cuts a row: *ret_escape says which cells hold doubled quotes. A quoted cell may hold delimiters;
 * *ret_open is set when a quote is open at the end. Returns the number of cells, at most `most`.
 */
size_t cells_cut(struct slice row, char delimiter, size_t most, struct slice *ret_cells,
	bool *ret_quoted, bool *ret_open);
/* The record of a row; false when stopped. */
bool cells_read(struct logs_reader *r, struct cells *c, struct slice row, uint64_t line,
	uint64_t offset, const char *what);
bool cells_detail(struct logs_reader *r, struct cells *c, struct slice row, struct arena *a,
	struct event *ret_event);
/* How many of the header's names are known; the count of all in *ret_count. */
size_t cells_known(struct slice names, char delimiter, cell_find *find, size_t *ret_count);

#endif
