/* SPDX-License-Identifier: MPL-2.0 */
/* RFC 4180 records, with the liberties that real files take: other separators, comments, LF alone.
 */
#include "import_csv.h"

char csv_separator(struct slice line)
{
	static const char candidates[] = {',', ';', '\t', '|'};
	size_t counts[sizeof(candidates)] = {0};
	size_t best = 0;
	bool quoted = false;

	for (size_t i = 0; i < line.len; i++) {
		if (line.data[i] == '"')
			quoted = !quoted;
		for (size_t k = 0; k < sizeof(candidates) && !quoted; k++)
			counts[k] += line.data[i] == candidates[k];
	}
	for (size_t k = 1; k < sizeof(candidates); k++) {
		if (counts[k] > counts[best])
			best = k;
	}
	return candidates[best];
}

/* Is a quoted field still open at the end? Quotes count only where a field begins with one. */
static bool csv_open(struct slice record, char separator)
{
	enum { BEGIN, PLAIN, QUOTED, CLOSED } state = BEGIN;

	for (size_t i = 0; i < record.len; i++) {
		char c = record.data[i];

		if (state == QUOTED)
			state = c == '"' ? CLOSED : QUOTED;
		else if (c == '"' &&
			 (state == BEGIN || state == CLOSED)) /* CLOSED: a doubled one */
			state = QUOTED;
		else if (c == separator)
			state = BEGIN;
		else if (c != ' ' || state != BEGIN)
			state = PLAIN;
	}
	return state == QUOTED;
}

/* One field from *at; *at moves to the separator behind it or to the end. */
static bool csv_field(
	struct slice record, char separator, size_t *at, struct buf *plain, const char **ret_why)
{
	size_t i = *at;
	size_t begin = i;

	while (i < record.len && record.data[i] == ' ')
		i++;
	if (i == record.len || record.data[i] != '"') {
		size_t end = slice_find(record, separator, begin);

		buf_slice_append(plain, slice_trim(slice_cut(record, begin, end)));
		*at = end;
		return true;
	}
	for (i++; i < record.len; i++) {
		if (record.data[i] == '"') {
			if (i + 1 == record.len || record.data[i + 1] != '"')
				break;
			i++;
		}
		buf_char(plain, record.data[i]);
	}
	if (i == record.len) {
		*ret_why = "a quoted field is not closed";
		return false;
	}
	for (i++; i < record.len && record.data[i] == ' '; i++)
		continue;
	if (i < record.len && record.data[i] != separator) {
		*ret_why = "text stands behind a closing quote, expected the separator";
		return false;
	}
	*at = i;
	return true;
}

bool csv_split(struct slice record, char separator, struct buf *plain,
	struct slice fields[CSV_FIELDS_MAX], size_t *ret_count, const char **ret_why)
{
	size_t starts[CSV_FIELDS_MAX + 1];
	size_t count = 0, at = 0;

	buf_clear(plain);
	if (buf_reserve(plain, record.len + 1) == NULL) {
		*ret_why = "out of memory";
		return false;
	}
	for (;;) {
		if (count == CSV_FIELDS_MAX) {
			*ret_why = "more than 256 fields";
			return false;
		}
		starts[count++] = plain->len;
		if (!csv_field(record, separator, &at, plain, ret_why))
			return false;
		if (at == record.len)
			break;
		at++;
	}
	starts[count] = plain->len;
	for (size_t k = 0; k < count; k++)
		fields[k] = slice_cut(buf_slice(plain), starts[k], starts[k + 1]);
	*ret_count = count;
	return true;
}

enum err_kind csv_init(struct csv_reader *r, struct import_job *job, struct err *e)
{
	*r = (struct csv_reader){0};
	return import_lines_init(&r->lines, job, e);
}

void csv_fini(struct csv_reader *r)
{
	import_lines_fini(&r->lines);
	buf_fini(&r->raw);
	buf_fini(&r->plain);
	buf_fini(&r->again);
}

/* The next line: of those to be read again first. */
static enum err_kind csv_line(struct csv_reader *r, enum import_line *ret_what,
	struct slice *ret_line, struct intel_place *ret_place, struct err *e)
{
	struct slice rest = slice_cut(buf_slice(&r->again), r->again_from, r->again.len);
	size_t end;

	if (rest.len == 0)
		return import_lines_next(&r->lines, ret_what, ret_line, ret_place, e);
	end = slice_find(rest, '\n', 0);
	*ret_what = IMPORT_LINE;
	*ret_line = slice_cut(rest, 0, end);
	*ret_place = r->again_place;
	r->again_from += end + (end < rest.len);
	r->again_place.offset += end + 1;
	r->again_place.line++;
	return OK;
}

/* The record is bad: all but its first line gets another chance. */
static void csv_put_back(struct csv_reader *r)
{
	struct slice raw = buf_slice(&r->raw);
	struct slice rest = slice_cut(raw, slice_find(raw, '\n', 0) + 1, raw.len);
	struct slice unread = slice_cut(buf_slice(&r->again), r->again_from, r->again.len);
	struct buf again = BUF_INIT;

	if (rest.len == 0)
		return;
	buf_slice_append(&again, rest);
	buf_char(&again, '\n');
	buf_slice_append(&again, unread);
	buf_fini(&r->again);
	r->again = again;
	r->again_from = 0;
	r->again_place = r->place;
	r->again_place.line++;
	r->again_place.offset += raw.len - rest.len;
}

enum err_kind csv_next(struct csv_reader *r, enum csv_what *ret_what, struct err *e)
{
	unsigned lines_count = 0;

	buf_clear(&r->raw);
	if (r->long_pending && r->again_from == r->again.len) {
		r->long_pending = false;
		r->place = r->long_place;
		r->why = "the line is too long";
		*ret_what = CSV_BAD;
		return OK;
	}
	for (;;) {
		struct intel_place place;
		enum import_line what;
		struct slice line;
		enum err_kind kind = csv_line(r, &what, &line, &place, e);

		if (kind != OK)
			return kind;
		if (lines_count == 0)
			r->place = place;
		if (what == IMPORT_LINES_END && lines_count == 0) {
			*ret_what = CSV_END;
			return OK;
		}
		if (what == IMPORT_LINE_TOO_LONG && lines_count == 0) {
			r->why = "the line is too long";
			*ret_what = CSV_BAD;
			return OK;
		}
		if (what == IMPORT_LINE_TOO_LONG) {
			r->long_pending = true;
			r->long_place = place;
		} else if (what == IMPORT_LINE) {
			if (lines_count == 0 && slice_trim(line).len == 0)
				continue;
			if (lines_count == 0 && slice_starts(line, SLICE("#"))) {
				buf_slice_append(&r->raw, slice_trim(slice_cut(line, 1, line.len)));
				r->fields[0] = buf_slice(&r->raw);
				r->count = 1;
				*ret_what = CSV_COMMENT;
				return r->raw.bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
			}
			if (lines_count++ > 0)
				buf_char(&r->raw, '\n');
			buf_slice_append(&r->raw, line);
			if (r->raw.bad)
				return err_set(e, ERR_NOMEM, "out of memory");
			if (r->separator == 0)
				r->separator = csv_separator(line);
			if (csv_open(buf_slice(&r->raw), r->separator) &&
				lines_count < CSV_RECORD_LINES_MAX && r->raw.len < CSV_RECORD_MAX)
				continue;
		}
		if (csv_split(buf_slice(&r->raw), r->separator, &r->plain, r->fields, &r->count,
			    &r->why)) {
			*ret_what = CSV_RECORD;
			return OK;
		}
		csv_put_back(r);
		if (r->again.bad || r->plain.bad)
			return err_set(e, ERR_NOMEM, "out of memory");
		*ret_what = CSV_BAD;
		return OK;
	}
}
