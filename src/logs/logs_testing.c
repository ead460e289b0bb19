/* SPDX-License-Identifier: MPL-2.0 */
/* The reader of logs_testing.h. */
#include "logs_testing.h"

#include <stdlib.h>

#define DETAIL_BYTES_MAX MIB(16)

static void check(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "logs_look_at: %s\n", what);
	abort();
}

struct seen {
	uint64_t sift;
	struct buf out;
	uint64_t number;
	bool details;
	bool spans;   /* records of several lines; in STIX one may wait for its observables */
	char touched; /* what stands around fields */
	struct arena *arena;
	struct buf detail; /* of the last record; printed when it is complete */
};

static void print_value(struct buf *out, struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.data[i];

		if (c > 0x20 && c < 0x7f)
			buf_char(out, (char)c);
		else
			buf_printf(out, "\\x%02x", c);
	}
}

static void print_field(
	struct buf *out, struct slice name, unsigned role, unsigned kind, struct slice value)
{
	buf_char(out, ' ');
	print_value(out, name);
	buf_printf(out, ":%s:%s=", event_role_row((enum event_role)role)->name,
		field_kind_name((enum field_kind)kind));
	print_value(out, value);
}

static void print_detail(struct seen *s, const struct batch *b, size_t record)
{
	struct event event;

	arena_reset(s->arena);
	buf_clear(&s->detail);
	check(b->detail(b, record, s->arena, &event), "detail: out of memory");
	check(event.number == b->records[record].number, "detail of another line");
	if (event.time_us == TIME_UNKNOWN)
		buf_text(&s->detail, "  -");
	else
		buf_printf(&s->detail, "  %lld", (long long)event.time_us);
	for (size_t i = 0; i < event.count; i++) {
		const struct event_field *f = &event.fields[i];

		print_field(&s->detail, f->name, f->role, f->kind, f->value);
	}
	buf_char(&s->detail, '\n');
}

static void record_end(struct seen *s)
{
	if (s->number == 0)
		return;
	buf_char(&s->out, '\n');
	buf_slice_append(&s->out, buf_slice(&s->detail));
}

static bool flush(void *context, struct batch *b)
{
	struct seen *s = context;
	size_t f = 0;

	check(b->records_count <= BATCH_RECORDS && b->fields_count <= BATCH_FIELDS, "too many");
	for (size_t i = 0; i < b->records_count; i++) {
		const struct record *record = &b->records[i];

		check(s->spans || record->number >= s->number, "records out of order");
		check(s->spans || memchr(record->raw, '\n', record->raw_len) == NULL,
			"two lines in one record");
		if (record->number != s->number) {
			record_end(s);
			s->number = record->number;
			buf_printf(&s->out, "%llu@%llu", (unsigned long long)record->number,
				(unsigned long long)record->offset);
			if (s->details)
				print_detail(s, b, i);
		}
		for (; f < b->fields_count && b->fields[f].record == i; f++) {
			const struct field *field = &b->fields[f];
			const struct column *column;

			check(field->column < b->columns_count, "no such column");
			column = &b->columns[field->column];
			check(field->len != 0 && field->len <= FIELD_BYTES_MAX,
				"length of a field");
			s->touched ^= field->data[-EVENT_PADDING]; /* a sanitizer looks */
			s->touched ^= field->data[field->len + EVENT_PADDING - 1];
			print_field(&s->out, column->name, column->role, column->kind,
				(struct slice){field->data, field->len});
		}
	}
	check(f == b->fields_count, "a field without its record");
	return true;
}

bool logs_look_keeps(uint64_t sift, struct slice line)
{
	for (size_t i = 0; i < line.len; i++)
		sift = (sift ^ (unsigned char)line.data[i]) * UINT64_C(0x100000001b3);
	return (sift >> 32) % 3 == 0;
}

/* The whole line that a sheet has, and that its cells lie in it. */
static bool sift(void *context, const struct sheet *sheet, uint64_t ret_keep[SHEET_WORDS])
{
	const struct seen *s = context;
	size_t from = (uint16_t)(sheet->ends[-1] + 1);

	check(sheet->lines > 0 && sheet->lines <= SHEET_LINES && sheet->width > 0, "sheet");
	memset(ret_keep, 0, SHEET_WORDS * sizeof(*ret_keep));
	for (size_t k = 0; k < sheet->lines; k++) {
		size_t end = sheet->ends[(k + 1) * sheet->width - 1];

		check(end >= from && sheet->data[end] == '\n', "end of a line");
		check(memchr(sheet->data + from, '\n', end - from) == NULL, "two lines in one");
		for (size_t c = 0; c < sheet->cells_count; c++)
			check(sheet->cells[c].position < sheet->width &&
					sheet->cells[c].column < sheet->columns_count,
				"cell");
		if (logs_look_keeps(s->sift, (struct slice){sheet->data + from, end - from}))
			ret_keep[k / 64] |= UINT64_C(1) << (k % 64);
		from = end + 1;
	}
	return s->sift % 5 != 0;
}

/* One feed; returns the bytes taken. */
static size_t feed(struct logs_reader *r, struct slice bytes, bool last)
{
	char *copy = malloc(EVENT_PADDING + bytes.len + EVENT_PADDING);
	size_t taken = 0;

	check(copy != NULL, "out of memory");
	memset(copy, '\n', EVENT_PADDING);
	if (bytes.len != 0)
		memcpy(copy + EVENT_PADDING, bytes.data, bytes.len);
	/* What stands behind must not matter: the worst of it. */
	memset(copy + EVENT_PADDING + bytes.len, '\n', EVENT_PADDING);
	check(logs_feed(r, (struct slice){copy + EVENT_PADDING, bytes.len}, last, &taken), "feed");
	check(taken <= bytes.len && (!last || taken == bytes.len), "bytes taken");
	free(copy);
	return taken;
}

struct buf logs_look_at(
	const struct logs_look *look, struct slice log, struct logs_counts *ret_counts)
{
	struct seen s = {.sift = look->sift,
		.details = look->details,
		.spans = look->format == LOGS_CSV || look->format == LOGS_STIX,
		.arena = arena_new(DETAIL_BYTES_MAX)};
	struct logs_options options = {
		.format = look->format,
		.roles = look->roles != 0 ? look->roles : event_roles_matched(),
		.mapping = look->mapping,
		.world = look->world != NULL ? look->world : world_real(),
		.sift = look->sift != 0 ? sift : NULL,
	};
	struct batch_sink sink = {.flush = flush, .context = &s};
	struct logs_reader *r = NULL;
	size_t chunk = look->chunk, from = 0, to = 0;
	struct err e;

	check(s.arena != NULL, "out of memory");
	if (logs_reader_new(&options, sink, &r, &e) != OK)
		check(false, e.text);
	if (look->head.data != NULL)
		check(logs_resume(r, 1000, 100, look->head), "resume");
	if (chunk == 0)
		chunk = log.len + 1;
	for (bool last = false; !last;) {
		to = look->cut != 0 && to == 0 ? look->cut : to + chunk;
		last = to >= log.len;
		from += feed(r, slice_cut(log, from, to), last);
	}
	record_end(&s);
	buf_char(&s.out, '\0');
	check(!s.out.bad, "out of memory");
	if (ret_counts != NULL)
		logs_counts(r, ret_counts);
	logs_reader_free(r);
	arena_free(s.arena);
	buf_fini(&s.detail);
	return s.out;
}
