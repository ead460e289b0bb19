/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What all log formats share: the reader that is fed, its place in the source, its columns, and the
 * batch that it fills. A format's own row does the rest.
 */
#include <stdlib.h>

#include "parts.h"

#define NAMES_BYTES_MAX  MIB(1) /* column names of one reader; COLUMNS_MAX of the longest fit */
#define COLUMN_NAME_MAX  1024   /* bytes of a column's name; longer is cut */
#define PROBLEM_TEXT_MAX 200    /* bytes of a problem's own text */

/* ---- formats --------------------------------------------------------------------------------- */

static const struct logs_format_row *row_of(enum logs_format format)
{
	return (unsigned)format < LOGS_FORMATS ? logs_format_rows[format] : NULL;
}

const char *logs_format_name(enum logs_format format)
{
	const struct logs_format_row *row = row_of(format);

	return row == NULL ? "unknown" : row->name;
}

bool logs_format_parse(struct slice name, enum logs_format *ret_format)
{
	for (unsigned i = 0; i < LOGS_FORMATS; i++) {
		if (logs_format_rows[i] == NULL || !slice_is(name, logs_format_rows[i]->name))
			continue;
		*ret_format = (enum logs_format)i;
		return true;
	}
	return false;
}

/* A byte order mark says nothing of the format, and some Windows tools write one. */
static struct slice mark_cut(struct slice head)
{
	return slice_starts(head, SLICE("\xef\xbb\xbf")) ? slice_cut(head, 3, head.len) : head;
}

enum logs_format logs_guess(struct slice head, const char *name)
{
	enum logs_format best = LOGS_UNKNOWN;
	unsigned best_score = 0;
	size_t end;

	head = mark_cut(slice_cut(head, 0, LOGS_GUESS_MAX));
	for (end = head.len; end > 0 && head.data[end - 1] != '\n'; end--)
		;
	if (end > 0)
		head.len = end;
	for (unsigned i = 0; i < LOGS_FORMATS; i++) {
		const struct logs_format_row *row = logs_format_rows[i];
		unsigned score = row == NULL || row->guess == NULL ? 0 : row->guess(head, name);

		if (score <= best_score)
			continue;
		best = (enum logs_format)i;
		best_score = score;
	}
	return best;
}

/* ---- the batch ------------------------------------------------------------------------------- */

bool logs_flush(struct logs_reader *r)
{
	if (r->stopped)
		return false;
	r->batch.columns_count = r->columns_count;
	if (r->batch.records_count != 0 && !r->sink.flush(r->sink.context, &r->batch))
		r->stopped = true;
	r->batch.records_count = 0;
	r->batch.fields_count = 0;
	r->batch.continued = false;
	r->scratch_len = 0;
	return !r->stopped;
}

bool logs_flush_midway(struct logs_reader *r)
{
	struct record record = r->batch.records[r->batch.records_count - 1];

	if (!logs_flush(r))
		return false;
	r->batch.continued = true;
	r->batch.records[0] = record;
	r->batch.records_count = 1;
	return true;
}

bool logs_record(
	struct logs_reader *r, struct slice raw, uint64_t number, uint64_t offset, int64_t time_us)
{
	if (r->batch.records_count == BATCH_RECORDS && !logs_flush(r))
		return false;
	r->batch.records[r->batch.records_count++] = (struct record){
		.raw = raw.data,
		.raw_len = (uint32_t)raw.len, /* at most LOGS_LINE_MAX */
		.number = number,
		.offset = offset,
		.time_us = time_us,
	};
	r->counts.records++;
	return !r->stopped;
}

bool logs_field(struct logs_reader *r, size_t column, struct slice value)
{
	struct batch *b = &r->batch;

	if (value.len == 0 || column >= r->columns_count)
		return !r->stopped;
	if (value.len > FIELD_BYTES_MAX) {
		r->counts.cut_fields++;
		if (r->columns[column].kind != FIELD_FREE)
			return !r->stopped;
		value.len = FIELD_BYTES_MAX;
	}
	if (b->fields_count == BATCH_FIELDS && !logs_flush_midway(r))
		return false;
	b->fields[b->fields_count++] = (struct field){
		.data = value.data,
		.len = (uint32_t)value.len,
		.record = (uint16_t)(b->records_count - 1),
		.column = (uint16_t)column,
	};
	return !r->stopped;
}

char *logs_scratch(struct logs_reader *r, size_t bytes)
{
	/* Also when no field is left: logs_field must not flush what lies in scratch but is no
	 * field yet. */
	if ((bytes > LOGS_SCRATCH_BYTES - r->scratch_len ||
		    r->batch.fields_count == BATCH_FIELDS) &&
		!logs_flush_midway(r))
		return NULL;
	return r->stopped ? NULL : r->scratch + EVENT_PADDING + r->scratch_len;
}

void logs_scratch_keep(struct logs_reader *r, size_t bytes)
{
	r->scratch_len += bytes;
}

/* ---- columns --------------------------------------------------------------------------------- */

size_t logs_column(
	struct logs_reader *r, struct slice name, enum event_role role, enum field_kind kind)
{
	name = slice_cut(name, 0, COLUMN_NAME_MAX);
	for (size_t i = 0; i < r->columns_count; i++)
		if (r->columns[i].role == role && r->columns[i].kind == kind &&
			slice_equal(r->columns[i].name, name))
			return i;
	if (r->columns_count == COLUMNS_MAX)
		return COLUMNS_MAX;
	name = arena_copy(r->names, name);
	if (name.data == NULL)
		return COLUMNS_MAX;
	r->columns[r->columns_count] =
		(struct column){.name = name, .role = (uint8_t)role, .kind = (uint8_t)kind};
	return r->columns_count++;
}

bool logs_columns_clear(struct logs_reader *r)
{
	if (!logs_flush(r))
		return false;
	r->columns_count = 0;
	arena_reset(r->names);
	return true;
}

bool logs_wanted(const struct logs_reader *r, enum event_role role)
{
	return (r->roles & event_role_bit(role)) != 0;
}

void logs_problem(struct logs_reader *r, uint64_t line, const char *format, ...)
{
	char text[PROBLEM_TEXT_MAX];
	struct err e;
	va_list args;

	if (r->counts.problems++ != 0)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* err_set makes foreign bytes harmless for a terminal. */
	(void)err_set(&e, ERR_PARSE, "line %llu: %s", (unsigned long long)line, text);
	(void)snprintf(r->counts.first_problem, sizeof(r->counts.first_problem), "%.*s",
		(int)sizeof(r->counts.first_problem) - 1, e.text);
}

/* ---- the reader ------------------------------------------------------------------------------ */

static bool detail(const struct batch *b, size_t record, struct arena *a, struct event *ret_event)
{
	struct logs_reader *r = b->reader;
	const struct record *line = &b->records[record];
	struct event event = {
		.time_us = line->time_us,
		.number = line->number,
		.offset = line->offset,
	};

	event.raw = arena_copy(a, (struct slice){line->raw, line->raw_len});
	if (event.raw.data == NULL)
		return false;
	if (!r->row->detail(r, event.raw, a, &event))
		return false;
	if (event.count == 0) /* not to be read again by stricter rules: what was seen stays true */
		return event_of_batch(b, record, a, ret_event);
	*ret_event = event;
	return true;
}

enum err_kind logs_reader_new(const struct logs_options *options, struct batch_sink sink,
	struct logs_reader **ret_reader, struct err *e)
{
	const struct logs_format_row *row = row_of(options->format);
	struct logs_reader *r;
	enum err_kind kind = ERR_NOMEM;

	if (row == NULL)
		return err_set(e, ERR_USAGE, "log format %d: there is no such format",
			(int)options->format);
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return err_set(e, ERR_NOMEM, "log reader: out of memory");
	r->row = row;
	r->format = options->format;
	r->roles = options->roles;
	r->mapping = options->mapping;
	r->world = options->world;
	r->sink = sink;
	r->sift = options->sift;
	r->line = 1;
	r->names = arena_new(NAMES_BYTES_MAX);
	r->scratch = calloc(1, EVENT_PADDING + LOGS_SCRATCH_BYTES + EVENT_PADDING);
	r->batch.columns = r->columns;
	r->batch.detail = detail;
	r->batch.reader = r;
	if (r->names == NULL || r->scratch == NULL) {
		(void)err_set(e, ERR_NOMEM, "log reader: out of memory");
		goto fail;
	}
	if (row->open != NULL) {
		kind = row->open(r, e);
		if (kind != OK)
			goto fail;
	}
	*ret_reader = r;
	return OK;

fail:
	logs_reader_free(r);
	return kind;
}

void logs_reader_free(struct logs_reader *r)
{
	if (r == NULL)
		return;
	if (r->row->close != NULL)
		r->row->close(r); /* accepts what open left half done */
	arena_free(r->names);
	free(r->scratch);
	free(r);
}

/* The end of a line that is too long, if it is here; returns the bytes passed. */
static size_t skip(struct logs_reader *r, struct slice bytes, bool last)
{
	size_t end = slice_find(bytes, '\n', 0);

	if (end < bytes.len || last) {
		r->skipping = false;
		r->line++;
	}
	return end < bytes.len ? end + 1 : bytes.len;
}

bool logs_feed(struct logs_reader *r, struct slice bytes, bool last, size_t *ret_taken)
{
	bool (*block)(struct logs_reader *, struct slice, bool, size_t *) =
		r->row->block != NULL ? r->row->block : logs_lines;
	size_t passed = 0, taken = 0;
	bool good;

	if (r->stopped)
		return false;
	if (r->offset == 0) {
		if (bytes.len < 3 && !last && slice_starts(SLICE("\xef\xbb\xbf"), bytes)) {
			*ret_taken = 0; /* perhaps a byte order mark */
			return true;
		}
		passed = bytes.len - mark_cut(bytes).len;
	}
	if (r->skipping)
		passed += skip(r, slice_cut(bytes, passed, bytes.len), last);
	r->offset += passed;
	bytes = slice_cut(bytes, passed, bytes.len);

	good = block(r, bytes, last, &taken);
	r->offset += taken;
	bytes = slice_cut(bytes, taken, bytes.len);
	/* Flushed even when the format failed: what was read before is true. */
	good = logs_flush(r) && good;
	if (good && bytes.len > LOGS_LINE_MAX) { /* a line whose end is not in sight */
		r->counts.too_long++;
		r->counts.lines++;
		r->skipping = true;
		r->offset += bytes.len;
		taken += bytes.len;
	}
	*ret_taken = passed + taken;
	return good;
}

bool logs_resume(struct logs_reader *r, uint64_t offset, uint64_t line, struct slice head)
{
	if (!logs_flush(r))
		return false;
	r->offset = offset;
	r->line = line;
	r->skipping = false;
	return r->row->resume == NULL || r->row->resume(r, head);
}

struct slice logs_head(const struct logs_reader *r)
{
	return r->row->head == NULL ? (struct slice){0} : r->row->head(r);
}

void logs_counts(const struct logs_reader *r, struct logs_counts *ret_counts)
{
	*ret_counts = r->counts;
}
