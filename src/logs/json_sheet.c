/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Lines of JSON that say nothing to the sink. A tool writes lines of few shapes: the same members
 * in the same order with values of the same kinds. What is constant in a shape are the bytes around
 * its quotes: names, colons, commas, brackets. Where the quotes of a line are is known (split.h),
 * so whether it has the shape of a line before with as many quotes is one comparison for each
 * member, 64 bytes at a time and without a branch, and says where its addresses and names are.
 * Other lines are walked, as they are when they are read; then their shape is known.
 *
 * Of what stands between a colon and the next quote a shape asks only how it ends, closing brackets
 * included. All that open an object stand in front of a quote and are asked about, too, so a line
 * whose objects end elsewhere has somewhere fewer brackets than the shape, and is told by that.
 * What is no JSON may pass for a line that says nothing; nothing that it holds is passed over.
 */
#include <string.h>

#include "json_sheet.h"

#define MAKES_FIRST 64   /* shapes that are made before any line had one */
#define MAKE_COST   8    /* lines whose shape is known, for one to be made */
#define MAKES_MOST  1024 /* of a log that changes */
/* A sheet for which fewer than one line in so many can be walked costs more than it saves. */
#define ROWS_LEAST 4
#define PAUSE      8 /* pieces; then the log may be another */

void json_shapes_clear(struct json_sheet *s)
{
	memset(s->quotes, 0, sizeof(s->quotes));
	s->pause = 0;
	s->makes = MAKES_FIRST * MAKE_COST;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f,avx512bw,avx512vl,bmi,bmi2,popcnt")))

bool json_sheet_supported(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi2");
}

/* The line's cells, when it has this shape. */
WIDE static bool shape_fits(
	const struct json_shape *shape, const char *base, const uint16_t *quotes, uint16_t *row)
{
	uint64_t wrong = 0;

	for (size_t i = 0; i < shape->marks_count; i++) {
		const struct shape_mark *m = &shape->marks[i];
		__m512i here = _mm512_loadu_si512(base + quotes[m->quote] - m->lead);

		wrong |= _mm512_mask_cmpneq_epi8_mask(m->same, here, _mm512_loadu_si512(m->text));
	}
	if (wrong != 0)
		return false;
	for (size_t i = 0; i < shape->cells_count; i++) {
		row[2 * shape->cells[i].cell] = quotes[shape->cells[i].from];
		row[2 * shape->cells[i].cell + 1] = quotes[shape->cells[i].to];
	}
	return true;
}

#else

bool json_sheet_supported(void)
{
	return false;
}

static bool shape_fits(
	const struct json_shape *shape, const char *base, const uint16_t *quotes, uint16_t *row)
{
	(void)shape;
	(void)base;
	(void)quotes;
	(void)row;
	return false;
}

#endif

/* ---- shapes ---------------------------------------------------------------------------------- */

/* The bytes up to `behind` from what ends the value in front of the quote, or of the line's end, at
 * p: its own quote, or what stands behind a number or word. False: too many. */
static bool mark_add(struct json_shape *s, size_t quote, const char *p, const char *behind)
{
	const char *from = p - 1;
	struct shape_mark *m = &s->marks[s->marks_count];
	size_t len;

	if (*from != '{') {
		from -= *from == ',';
		while (*from == '}' || *from == ']')
			from--;
		from += *from != '"';
	}
	len = (size_t)(behind - from);
	if (s->marks_count == SHAPE_MARKS_MAX || len > SHAPE_BYTES)
		return false;
	memset(m, 0, sizeof(*m));
	memcpy(m->text, from, len);
	m->same = UINT64_MAX >> (SHAPE_BYTES - len);
	m->quote = (uint16_t)quote;
	m->lead = (uint16_t)(p - from);
	s->marks_count++;
	return true;
}

static void cell_add(struct json_shape *s, const struct known *k, size_t from, size_t to)
{
	if (k->cell >= JSON_CELLS_MAX)
		return;
	s->cells[s->cells_count].cell = k->cell;
	s->cells[s->cells_count].from = (uint16_t)from;
	s->cells[s->cells_count++].to = (uint16_t)to;
}

/* One member, whose name begins at `quote` and before that of the next one at `next`. */
static bool member_add(struct json_shape *s, const struct known *k, const char *base,
	const uint16_t *quotes, size_t quote, size_t next)
{
	const char *p = base + quotes[quote], *value = base + quotes[quote + 1] + 2;

	if (k->cell == CELL_FULL)
		return false;
	if (value[0] == '[' && value[1] == '"') {
		/* from the first element to the last, whatever stands between them */
		cell_add(s, k, quote + 2, next - 1);
		return mark_add(s, quote, p, value + 2);
	}
	if (value[0] == '"') {
		cell_add(s, k, quote + 2, quote + 3);
		return mark_add(s, quote, p, value + 1);
	}
	/* a number where a name or an address is expected */
	if (k->cell < JSON_CELLS_MAX && value[0] != '{')
		return false;
	return mark_add(s, quote, p, value + (value[0] == '{' || value[0] == '['));
}

/* Of a line that was walked. False: it has not all that it takes. */
static bool shape_make(struct json_shape *s, const struct json_row *row, const char *base,
	const uint16_t *quotes, size_t count)
{
	const char *end = base + quotes[count];

	s->marks_count = 0;
	s->cells_count = 0;
	for (size_t i = 0; i < row->members; i++)
		if (!member_add(s, row->known[i], base, quotes, row->quote[i],
			    i + 1 < row->members ? row->quote[i + 1] : count))
			return false;
	return end[-1] == '}' && mark_add(s, count, end, end);
}

/* A row of the line; false: it has to be read in full. */
static bool row_fill(struct json_lines *j, struct slice line, const char *base,
	const uint16_t *quotes, size_t count, uint16_t *row)
{
	static const uint16_t nothing[2] = {0, 1};
	struct json_sheet *sheet = j->sheet;
	struct json_shape *shapes = sheet->shapes[count % SHAPES];
	size_t *ways = sheet->quotes[count % SHAPES], way;

	for (size_t c = 0; c < j->cells_count; c++)
		memcpy(row + 2 * c, nothing, sizeof(nothing));
	for (way = 0; way < SHAPE_WAYS; way++)
		if (count != 0 && ways[way] == count &&
			shape_fits(&shapes[way], base, quotes, row)) {
			sheet->makes += sheet->makes < MAKES_MOST * MAKE_COST;
			return true;
		}
	sheet->row.ends = row;
	sheet->row.members = 0;
	if (!json_row_walk(j, logs_line_trim(line), base, quotes, count, &sheet->row))
		return false;
	if (sheet->makes >= MAKE_COST) {
		sheet->makes -= MAKE_COST;
		way = ways[0] != 0 && sheet->makes % SHAPE_WAYS != 0;
		ways[way] = shape_make(&shapes[way], &sheet->row, base, quotes, count) ? count : 0;
	}
	return true;
}

/* ---- sheets ---------------------------------------------------------------------------------- */

/* Rows of the lines from i on; the others are as if the sink wanted them. */
static void sheet_fill(struct json_lines *j, const char *data, size_t i)
{
	const struct split *s = &j->split;
	struct json_sheet *sheet = j->sheet;
	size_t lines = s->ends_count - i < JSON_SHEET_LINES ? s->ends_count - i : JSON_SHEET_LINES;
	size_t first = i == 0 ? 0 : (size_t)s->ends[i - 1] + 1;
	size_t start = i == 0 ? 0 : (size_t)s->positions[first - 1] + 1;
	uint16_t *row = sheet->ends;

	sheet->from = i;
	sheet->end = i + lines;
	sheet->rows = 0;
	for (size_t k = 0; k < lines; k++) {
		size_t last = s->ends[i + k], end = s->positions[last];

		sheet->passed[k] = false;
		if (row_fill(j, (struct slice){data + start, end - start}, data,
			    s->positions + first, last - first, row)) {
			sheet->lines[sheet->rows++] = (uint16_t)k;
			row += 2 * j->cells_count;
		}
		first = last + 1;
		start = end + 1;
	}
}

static bool sheet_ask(const struct logs_reader *r, const struct json_lines *j, const char *data,
	size_t rows, uint64_t ret_keep[SHEET_WORDS])
{
	const struct sheet sheet = {
		.data = data,
		.ends = j->sheet->ends,
		.lines = rows,
		.width = 2 * j->cells_count,
		.columns = r->columns,
		.columns_count = r->columns_count,
		.cells = j->cells,
		.cells_count = j->cells_count,
		.set_separator = '"', /* elements of arrays, and the commas between them */
	};

	return r->sift(r->sink.context, &sheet, ret_keep);
}

/* Asks the sink about the lines of a piece from i on; first whether it answers at all, as a sheet
 * that nobody looks at costs as much as reading. */
static void lines_sift(struct json_lines *j, struct logs_reader *r, const char *data, size_t i)
{
	struct json_sheet *sheet = j->sheet;
	uint64_t keep[SHEET_WORDS];

	sheet->from = SIZE_MAX;
	sheet->end = SIZE_MAX;
	if (sheet->pause > 0) {
		sheet->pause--;
		return;
	}
	if (j->escapes || j->cells_full || j->cells_count == 0 || !sheet_ask(r, j, data, 0, keep))
		return;
	sheet_fill(j, data, i);
	if (ROWS_LEAST * sheet->rows < sheet->end - sheet->from)
		sheet->pause = PAUSE;
	if (!sheet_ask(r, j, data, sheet->rows, keep))
		return;
	for (size_t k = 0; k < sheet->rows; k++) {
		bool passed = (keep[k / 64] >> (k % 64) & 1) == 0;

		sheet->passed[sheet->lines[k]] = passed;
		r->counts.records += passed;
	}
}

bool json_line_passes(struct json_lines *j, struct logs_reader *r, const char *data, size_t i)
{
	const struct json_sheet *sheet = j->sheet;

	if (i == 0 || i >= sheet->end)
		lines_sift(j, r, data, i);
	return i >= sheet->from && sheet->passed[i - sheet->from];
}
