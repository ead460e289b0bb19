/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Lines of JSON as a sheet (event.h), to leave out those that say nothing to the sink, and the
 * shapes that most lines have. Private to this folder.
 */
#ifndef JSON_SHEET_H
#define JSON_SHEET_H

#include "json_members.h"

#define JSON_SHEET_LINES 128 /* a piece has fewer, unless they are very short */
#define SHAPE_BYTES      64  /* of a mark: in a vector register */
#define SHAPE_MARKS_MAX  64  /* members, and the end */
#define SHAPES           64  /* by the number of quotes */
#define SHAPE_WAYS       2   /* with the same number */

/* A line as it is walked: its members, each with the number of its first quote, and its cells; cell
 * c lies between the bytes at ends[2 * c] and ends[2 * c + 1] of the piece. */
struct json_row {
	uint16_t *ends;
	size_t members;
	const struct known *known[SHAPE_MARKS_MAX];
	uint16_t quote[SHAPE_MARKS_MAX];
};

/* Bytes that stand around a quote, from `lead` bytes in front of it on. */
struct shape_mark {
	char text[SHAPE_BYTES];
	uint64_t same;  /* a bit for each byte that the text has */
	uint16_t quote; /* the number of the quote in the line; the one behind the last: its end */
	uint16_t lead;
};

struct json_shape {
	size_t marks_count, cells_count;
	struct {
		uint16_t cell, from, to; /* numbers of the quotes around its value */
	} cells[JSON_CELLS_MAX];
	struct shape_mark marks[SHAPE_MARKS_MAX];
};

struct json_sheet {
	size_t from, end; /* lines of the piece that were asked about */
	size_t rows;
	uint16_t lines[JSON_SHEET_LINES]; /* of each row, from `from` on */
	bool passed[JSON_SHEET_LINES];    /* lines that the sink does not want */
	uint16_t ends[JSON_SHEET_LINES * 2 * JSON_CELLS_MAX];
	struct json_row row;
	uint32_t makes; /* shapes that may be made: lines that have one pay for those that have none
			 */
	unsigned pause; /* pieces that are not asked about */
	size_t quotes[SHAPES][SHAPE_WAYS]; /* of a line of that shape; 0: there is none */
	struct json_shape shapes[SHAPES][SHAPE_WAYS];
};

bool json_sheet_supported(void);
void json_shapes_clear(struct json_sheet *s);

static inline bool json_row_member(struct json_row *row, const struct known *k, size_t quote)
{
	if (row->members == SHAPE_MARKS_MAX)
		return false;
	row->known[row->members] = k;
	row->quote[row->members++] = (uint16_t)quote;
	return true;
}

/* json_lines.c: the line into an empty row. False: it has to be read in full. */
bool json_row_walk(struct json_lines *j, struct slice line, const char *base,
	const uint16_t *quotes, size_t count, struct json_row *row);

/* Whether line i of the piece that j->split tells of says nothing to the sink; lines are asked
 * about in order, from 0 on. It is counted as a record then. */
bool json_line_passes(struct json_lines *j, struct logs_reader *r, const char *data, size_t i);

#endif
