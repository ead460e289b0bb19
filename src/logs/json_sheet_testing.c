/* SPDX-License-Identifier: MPL-2.0 */
/* A sink that asks for values by what a sheet shows, beside one that reads every line. */
#include "json_sheet_testing.h"

#include <stdio.h>
#include <stdlib.h>

static void check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "sheet of JSON: %s\n", what);
	abort();
}

/* What one reading tells of each line. */
struct reading {
	size_t lines; /* room for so many */
	bool *seen, *wanted;
	uint64_t *fields; /* a hash of all */
	size_t asked, rows;
	bool answers; /* else the sink wants every line */
};

static uint64_t hash(uint64_t h, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.data[i]) * UINT64_C(0x100000001b3);
	return h;
}

bool json_wanted(struct slice value)
{
	return value.len != 0 && !slice_is(value, ",") && (hash(7, value) >> 30) % 8 == 0;
}

static bool flush(void *context, struct batch *b)
{
	struct reading *r = context;

	for (size_t i = 0; i < b->fields_count; i++) {
		const struct field *f = &b->fields[i];
		const struct column *c = &b->columns[f->column];
		struct slice value = {f->data, f->len};
		size_t line = b->records[f->record].number;

		check(line < r->lines, "line");
		r->fields[line] = hash(hash(r->fields[line], c->name), value);
		/* what no sheet shows is always wanted */
		r->wanted[line] |=
			json_wanted(value) || (c->kind != FIELD_ADDRESS && c->kind != FIELD_NAME &&
						      c->kind != FIELD_HOST);
	}
	for (size_t i = 0; i < b->records_count; i++)
		r->seen[b->records[i].number] = true;
	b->records_count = 0;
	b->fields_count = 0;
	return true;
}

static bool cell_wanted(const struct sheet *s, size_t row, const struct sheet_cell *c)
{
	const uint16_t *ends = s->ends + row * s->width + c->position;
	size_t from = (size_t)ends[-1] + 1;
	struct slice rest, element;

	check(c->position < s->width && c->column < s->columns_count, "cell");
	check(from <= ends[0] && ends[0] <= SPLIT_BYTES, "ends of a cell");
	rest = (struct slice){s->data + from, ends[0] - from};
	check(memchr(rest.data, '\n', rest.len) == NULL, "two lines in a cell");
	if (!c->many)
		return json_wanted(rest);
	while (slice_next(&rest, s->set_separator, &element))
		if (json_wanted(element))
			return true;
	return false;
}

static bool sift(void *context, const struct sheet *s, uint64_t ret_keep[SHEET_WORDS])
{
	struct reading *r = context;

	check(s->lines <= SHEET_LINES && s->cells_count > 0, "sheet");
	memset(ret_keep, 0, SHEET_WORDS * sizeof(*ret_keep));
	r->asked++;
	r->rows += s->lines;
	for (size_t k = 0; k < s->lines; k++)
		for (size_t c = 0; c < s->cells_count; c++)
			ret_keep[k / 64] |= (uint64_t)cell_wanted(s, k, &s->cells[c]) << (k % 64);
	return r->answers;
}

static struct logs_counts read_all(
	enum logs_format format, struct slice log, bool sifted, struct reading *ret_reading)
{
	const struct logs_options options = {.format = format,
		.roles = event_roles_matched(),
		.world = world_real(),
		.sift = sifted ? sift : NULL};
	struct logs_reader *r = NULL;
	struct logs_counts counts;
	char *copy = malloc(log.len + 2 * EVENT_PADDING);
	size_t taken;
	struct err e;

	ret_reading->lines = log.len + 2;
	ret_reading->seen = calloc(ret_reading->lines, 1);
	ret_reading->wanted = calloc(ret_reading->lines, 1);
	ret_reading->fields = calloc(ret_reading->lines, sizeof(*ret_reading->fields));
	check(copy != NULL && ret_reading->seen != NULL && ret_reading->wanted != NULL &&
			ret_reading->fields != NULL,
		"out of memory");
	memset(copy, '}', log.len + 2 * EVENT_PADDING);
	memcpy(copy + EVENT_PADDING, log.data, log.len);
	check(logs_reader_new(&options, (struct batch_sink){flush, ret_reading}, &r, &e) == OK,
		"reader");
	check(logs_feed(r, (struct slice){copy + EVENT_PADDING, log.len}, true, &taken), "feed");
	check(taken == log.len, "bytes taken");
	logs_counts(r, &counts);
	logs_reader_free(r);
	free(copy);
	return counts;
}

static void reading_fini(struct reading *r)
{
	free(r->seen);
	free(r->wanted);
	free(r->fields);
}

size_t json_left_out(
	enum logs_format format, struct slice log, bool answers, bool valid, size_t *ret_rows)
{
	struct reading all = {0}, some = {.answers = answers};
	struct logs_counts whole = read_all(format, log, false, &all);
	struct logs_counts sifted = read_all(format, log, true, &some);
	size_t missing = 0;

	check(!valid || memcmp(&whole, &sifted, sizeof(whole)) == 0, "counts");
	check(whole.lines == sifted.lines && whole.too_long == sifted.too_long, "lines");
	for (size_t i = 0; i < all.lines; i++) {
		if (!some.seen[i]) {
			missing += all.seen[i];
			check(!all.wanted[i], "a wanted line is missing");
			continue;
		}
		check(all.seen[i] && all.fields[i] == some.fields[i], "a line is another");
	}
	*ret_rows = some.rows;
	reading_fini(&all);
	reading_fini(&some);
	return missing;
}
