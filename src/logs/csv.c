/* SPDX-License-Identifier: MPL-2.0 */
/*
 * CSV with a header line (RFC 4180): quoted cells with doubled quotes, delimiters and line ends
 * inside. A row that opens a quote and does not close it within bounds is a broken line, and the
 * next line begins afresh: one stray quote must not swallow a log.
 */
#include "cells.h"

#include <stdlib.h>

#define ROW_BYTES_MAX KIB(256) /* of a row over several lines; event texts are some kilobytes */
#define ROW_LINES_MAX 256      /* of a row */

struct csv {
	struct cells *cells;
	uint64_t alone_until; /* offset: lines before it are rows by themselves, for a search for
			       * the closing quote from an earlier one went so far in vain */
};

static enum err_kind csv_open(struct logs_reader *r, struct err *e)
{
	struct csv *csv = calloc(1, sizeof(*csv));

	r->state = csv;
	if (csv != NULL)
		csv->cells = cells_new(cell_name_find);
	if (csv == NULL || csv->cells == NULL)
		return err_set(e, ERR_NOMEM, "log reader: out of memory");
	line_state_init(r, &csv->cells->items);
	return OK;
}

static void csv_close(struct logs_reader *r)
{
	struct csv *csv = r->state;

	if (csv != NULL)
		cells_free(csv->cells);
	free(csv);
}

/* ---- the header ------------------------------------------------------------------------------ */

static const char delimiters[] = {',', ';', '\t', '|'};

/* The delimiter that makes most cells; 0: one cell. */
static char delimiter_guess(struct slice header)
{
	size_t best_count = 1;
	char best = 0;

	for (size_t i = 0; i < COUNT_OF(delimiters); i++) {
		size_t count = 0;

		(void)cells_known(header, delimiters[i], cell_name_find, &count);
		if (count > best_count) {
			best_count = count;
			best = delimiters[i];
		}
	}
	return best;
}

static bool header_read(struct logs_reader *r, struct csv *csv, struct slice line)
{
	char delimiter = logs_mapping_delimiter(r->mapping);

	if (delimiter == 0)
		delimiter = delimiter_guess(line);
	return cells_clear(r, csv->cells) &&
	       cells_header(r, csv->cells, line, 0, delimiter != 0 ? delimiter : ',');
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Is a quote open at the end of the row? */
static bool is_open(struct slice row, char delimiter)
{
	struct slice unused;
	bool quoted, open;

	if (row.len == 0 || memchr(row.data, '"', row.len) == NULL)
		return false;
	(void)cells_cut(row, delimiter, 0, &unused, &quoted, &open);
	return open;
}

/*
 * The end of the row that begins at `at`, which is the end of one of its lines; bytes.len when more
 * bytes are wanted. *ret_lines: how many it has. Each line is looked at once.
 */
static size_t row_end(struct logs_reader *r, struct csv *csv, struct slice bytes, size_t at,
	bool last, size_t *ret_lines)
{
	char delimiter = csv->cells->delimiter;
	size_t first = slice_find(bytes, '\n', at), end = first, lines = 1;

	*ret_lines = 1;
	if (first == bytes.len || r->offset + at < csv->alone_until || csv->cells->count == 0 ||
		!is_open(slice_cut(bytes, at, first), delimiter))
		return first;
	/* Inside the quotes, the end is the first quote before a delimiter or a line's end. */
	while (lines < ROW_LINES_MAX && end - at < ROW_BYTES_MAX) {
		size_t line_end = slice_find(bytes, '\n', end + 1);
		struct slice line = slice_cut(bytes, end + 1, line_end);
		size_t quote = 0;
		bool open;

		if (line_end == bytes.len && !last)
			return bytes.len;
		lines++;
		/* As if the line began inside a quoted cell. */
		while (quote < line.len) {
			quote = slice_find(line, '"', quote);
			if (quote == line.len)
				break;
			if (quote + 1 < line.len && line.data[quote + 1] == '"')
				quote += 2;
			else if (quote + 1 == line.len || line.data[quote + 1] == delimiter ||
				 line.data[quote + 1] == '\r')
				break;
			else
				quote++;
		}
		open = quote >= line.len ||
		       (quote + 2 < line.len &&
			       is_open(slice_cut(line, quote + 2, line.len), delimiter));
		end = line_end;
		if (!open) {
			*ret_lines = lines;
			return end;
		}
		if (end == bytes.len)
			break;
	}
	csv->alone_until = r->offset + end;
	return first;
}

static bool csv_block(struct logs_reader *r, struct slice bytes, bool last, size_t *ret_taken)
{
	struct csv *csv = r->state;
	size_t at = 0;
	bool good = true;

	while (good && at < bytes.len) {
		size_t lines, end = row_end(r, csv, bytes, at, last, &lines);
		struct slice row = logs_line_trim(slice_cut(bytes, at, end));

		if (end == bytes.len && !last)
			break;
		if (end - at > LOGS_LINE_MAX)
			r->counts.too_long++;
		else if (slice_trim(row).len == 0)
			good = true;
		else if (!csv->cells->seen)
			good = row.data[0] == '#' || header_read(r, csv, row);
		else
			good = cells_read(r, csv->cells, row, r->line, r->offset + at, "CSV");
		r->counts.lines += lines;
		r->line += lines;
		at = end < bytes.len ? end + 1 : end;
	}
	*ret_taken = at;
	return good;
}

static bool csv_detail(
	struct logs_reader *r, struct slice line, struct arena *a, struct event *ret_event)
{
	struct csv *csv = r->state;

	return cells_detail(r, csv->cells, line, a, ret_event);
}

static struct slice csv_head(const struct logs_reader *r)
{
	const struct csv *csv = r->state;

	return (struct slice){csv->cells->head + EVENT_PADDING, csv->cells->head_len};
}

static bool csv_resume(struct logs_reader *r, struct slice head)
{
	struct csv *csv = r->state;
	struct slice line;

	csv->alone_until = 0;
	if (!cells_clear(r, csv->cells))
		return false;
	if (!slice_next(&head, '\n', &line) || line.len == 0)
		return true;
	return header_read(r, csv, line);
}

/* ---- guess
 * ------------------------------------------------------------------------------------------------
 */

static bool holds_value(struct slice header, char delimiter)
{
	struct slice cells[COLUMNS_MAX];
	bool quoted[COLUMNS_MAX], open;
	size_t count = cells_cut(header, delimiter, COLUMNS_MAX, cells, quoted, &open);

	for (size_t i = 0; i < count; i++)
		if (is_address(cells[i]) || is_number(cells[i]) || cells[i].len > 128)
			return true;
	return false;
}

/* "x.csv", and what rotation and packing make of it: "x.csv.1", "x.csv-20261123.gz". */
static bool is_called(const char *name, const char *extension)
{
	const char *at = strstr(name, extension);
	char behind = at == NULL ? 'x' : at[strlen(extension)];

	return behind == 0 || behind == '.' || behind == '-' || behind == '_';
}

/* A header with names that mean something over rows of as many cells, or the file's name. */
static unsigned csv_guess(struct slice head, const char *name)
{
	bool called = name != NULL && (is_called(name, ".csv") || is_called(name, ".tsv"));
	struct slice line = {0};
	size_t rows = 0, same = 0, count, known, cells;
	char delimiter;

	while (slice_next(&head, '\n', &line)) {
		line = logs_line_trim(line);
		if (line.len != 0 && line.data[0] != '#')
			break;
	}
	if (line.len == 0 || line.data[0] == '#' || line.data[0] == '{' || line.data[0] == '[' ||
		line.data[0] == '<')
		return 0;
	delimiter = delimiter_guess(line);
	if (delimiter == 0 || holds_value(line, delimiter))
		return 0;
	known = cells_known(line, delimiter, cell_name_find, &count);
	while (rows < GUESS_LINES && slice_next(&head, '\n', &line)) {
		if (line.len == 0)
			continue;
		(void)cells_known(line, delimiter, cell_name_find, &cells);
		rows++;
		same += cells == count ? 1 : 0;
	}
	if (2 * same < rows || (known == 0 && !called))
		return 0;
	return known >= 2 ? 65 : called || rows != 0 ? 50 : 0;
}

const struct logs_format_row logs_csv = {.name = "csv",
	.guess = csv_guess,
	.open = csv_open,
	.close = csv_close,
	.block = csv_block,
	.detail = csv_detail,
	.head = csv_head,
	.resume = csv_resume};
