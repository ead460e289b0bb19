/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Lines of JSON that are left out: a sink that asks for values by what a sheet shows gets every
 * line that has one, whatever shape it has, and everything of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "json_sheet.h"
#include "logs_testing.h"

#define LINES_MAX 4096

/* What one reading tells of each line. */
struct reading {
	bool seen[LINES_MAX], wanted[LINES_MAX];
	uint64_t fields[LINES_MAX]; /* a hash of all */
	size_t asked, rows;
	bool answers; /* else the sink wants every line */
};

static uint64_t hash(uint64_t h, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.data[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* One value in eight; commas between elements are none. */
static bool is_wanted(struct slice value)
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

		assert_true(line < LINES_MAX);
		r->fields[line] = hash(hash(r->fields[line], c->name), value);
		/* what no sheet shows is always wanted */
		r->wanted[line] |=
			is_wanted(value) || (c->kind != FIELD_ADDRESS && c->kind != FIELD_NAME &&
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

	assert_true(c->position < s->width && c->column < s->columns_count);
	assert_true(from <= ends[0] && ends[0] <= SPLIT_BYTES);
	rest = (struct slice){s->data + from, ends[0] - from};
	assert_null(memchr(rest.data, '\n', rest.len));
	if (!c->many)
		return is_wanted(rest);
	while (slice_next(&rest, s->set_separator, &element))
		if (is_wanted(element))
			return true;
	return false;
}

static bool sift(void *context, const struct sheet *s, uint64_t ret_keep[SHEET_WORDS])
{
	struct reading *r = context;

	assert_true(s->lines <= SHEET_LINES && s->cells_count > 0);
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

	assert_non_null(copy);
	memset(copy, '}', log.len + 2 * EVENT_PADDING);
	memcpy(copy + EVENT_PADDING, log.data, log.len);
	if (logs_reader_new(&options, (struct batch_sink){flush, ret_reading}, &r, &e) != OK)
		fail_msg("%s", e.text);
	assert_true(logs_feed(r, (struct slice){copy + EVENT_PADDING, log.len}, true, &taken));
	assert_int_equal(taken, log.len);
	logs_counts(r, &counts);
	logs_reader_free(r);
	free(copy);
	return counts;
}

/* How many lines were left out. */
static size_t left_out(enum logs_format format, struct slice log, bool answers, size_t *ret_rows)
{
	struct reading *all = calloc(1, sizeof(*all)), *some = calloc(1, sizeof(*some));
	struct logs_counts whole, sifted;
	size_t missing = 0;

	assert_true(all != NULL && some != NULL);
	some->answers = answers;
	whole = read_all(format, log, false, all);
	sifted = read_all(format, log, true, some);
	assert_memory_equal(&whole, &sifted, sizeof(whole));
	for (size_t i = 0; i < LINES_MAX; i++) {
		if (!some->seen[i]) {
			missing += all->seen[i];
			if (all->wanted[i])
				fail_msg("line %zu of \"%.*s\" is missing", i,
					SLICE_ARG(slice_cut(log, 0, 2000)));
			continue;
		}
		assert_true(all->seen[i]);
		assert_true(all->fields[i] == some->fields[i]);
	}
	*ret_rows = some->rows;
	free(all);
	free(some);
	return missing;
}

/* ---- logs ------------------------------------------------------------------------------------ */

struct maker {
	struct buf *out;
	uint64_t shape, values;     /* seeds: of what is there, and of what it says */
	size_t depth, members, odd; /* at the member of this number a decision is another */
};

static size_t pick(uint64_t *seed, size_t count)
{
	return (size_t)(logs_random(seed) >> 33) % count;
}

static void string_make(struct maker *m)
{
	static const char *const values[] = {"evil.example", "a.b.example", "10.0.0.1",
		"192.0.2.77", "2001:db8::1", "", "}", "},{", "[", "/x", "{", "x]}", ",", ":", "-",
		"c.example", "g.example", "e.example", "198.51.100.3"};

	buf_printf(m->out, "\"%s", values[pick(&m->values, COUNT_OF(values))]);
	for (size_t i = pick(&m->values, 90) == 0 ? 70 : 0; i > 0; i--)
		buf_char(m->out, 'y');
	buf_char(m->out, '"');
}

static void array_make(struct maker *m, bool strings, size_t count)
{
	buf_char(m->out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i != 0)
			buf_char(m->out, ',');
		if (strings)
			string_make(m);
		else
			buf_printf(m->out, "%zu.5", pick(&m->values, 500));
	}
	buf_char(m->out, ']');
}

static void object_make(struct maker *m);

static void value_make(struct maker *m, bool list)
{
	static const char *const words[] = {"true", "false", "null", "-1"};

	switch (pick(&m->shape, 9)) {
	case 0:
	case 1:
	case 2:
	case 3:
		string_make(m);
		break;
	case 4:
		buf_printf(m->out, "%zu", pick(&m->values, 70000));
		break;
	case 5:
		buf_text(m->out, words[pick(&m->values, COUNT_OF(words))]);
		break;
	case 6:
		/* of what is not needed such a list is for the slow way */
		if (list || pick(&m->shape, 16) == 0)
			array_make(m, true, 1 + pick(&m->values, 4));
		else
			string_make(m);
		break;
	case 7:
		array_make(m, false, 1 + pick(&m->values, 3));
		break;
	default:
		object_make(m);
	}
}

/* Names that mean something in one place and nothing in others. */
static void object_make(struct maker *m)
{
	static const char *const names[] = {"src_ip", "dest_ip", "dns", "rrname", "grouped", "A",
		"host", "uri", "answers", "query", "id.orig_h", "rdata",
		"of_29_bytes_the_longest_marked"};
	size_t count = 1 + pick(&m->shape, m->depth == 0 ? 9 : 3);
	size_t at = pick(&m->shape, COUNT_OF(names)), step = 1 + pick(&m->shape, 12);

	m->depth++;
	buf_char(m->out, '{');
	for (size_t i = 0; i < count; i++) {
		size_t from = m->out->len;
		const char *name = names[(at + i * step) % COUNT_OF(names)]; /* 13 is a prime */

		/* closed too early, or left out */
		if (m->members++ == m->odd && i != 0)
			break;
		buf_printf(m->out, "%s\"%s\":", i == 0 ? "" : ",", name);
		if (m->depth == 4)
			string_make(m);
		else
			value_make(m, slice_is(slice_of(name), "answers") || name[0] == 'A');
		if (m->members + 20 == m->odd)
			m->out->len = from + (i == 0);
		if (m->members + 20 == m->odd && i == 0) {
			m->out->len = from;
			buf_text(m->out, "\"z\":1");
		}
	}
	buf_char(m->out, '}');
	m->depth--;
}

static struct buf log_make(uint64_t seed, size_t lines)
{
	struct buf log = BUF_INIT;
	uint64_t shapes = seed, values = seed * 31;

	for (size_t i = 0; i < lines; i++) {
		struct maker m = {.out = &log,
			.shape = seed * 1000 + pick(&shapes, 2),
			.values = values,
			.odd = pick(&shapes, 8) == 0 ? pick(&shapes, 40) : SIZE_MAX};

		object_make(&m);
		values = m.values + i;
		buf_text(&log, pick(&shapes, 40) == 0   ? "\r\n"
			       : pick(&shapes, 50) == 0 ? "\n\n"
							: "\n");
	}
	assert_false(log.bad);
	return log;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void nothing_wanted_is_left_out(void **state)
{
	static const enum logs_format formats[] = {LOGS_ZEEK_JSON, LOGS_EVE, LOGS_NDJSON};
	size_t missing = 0, rows = 0, more;

	(void)state;
	if (!json_sheet_supported())
		skip();
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct buf log = log_make(seed, 1000);

		missing += left_out(
			formats[seed % COUNT_OF(formats)], buf_slice(&log), seed % 7 != 0, &more);
		rows += more;
		buf_fini(&log);
	}
	/* of 300,000; half of the logs have nothing that could be asked about */
	assert_true(rows > 30000);
	assert_true(missing > 20000);
}

/* As many quotes as the lines before, but the value stands elsewhere. */
static void shapes_deceive(void **state)
{
	static const char *const lines[] = {
		"{\"dns\":{\"id\":1,\"rrname\":\"g.example\"},\"x\":\"\"}\n",
		"{\"dns\":{\"id\":1},\"rrname\":\"g.example\",\"x\":\"\"}\n",
		"{\"dns\":{\"id\":{}},\"rrname\":\"g.example\",\"x\":\"\"}\n",
		"{\"dns\":{\"id\":{},\"rrname\":\"g.example\"},\"x\":\"\"}\n",
		"{\"dns\":{\"id\":[1],\"rrname\":\"g.example\"},\"x\":\"\"}\n",
		"{\"dns\":{\"id\":[[1]],\"rrname\":\"g.example\"},\"x\":\"\"}\n",
		"{\"dns\":{\"id\":[{}],\"rrname\":\"g.example\"},\"x\":\"\"}\n",
		"{\"dns\":{\"x\":{\"id\":1}},\"rrname\":\"g.example\"}\n",
		"{\"dns\":{\"x\":{\"id\":1},\"rrname\":\"g.example\"}}\n",
		"{\"dns\":{\"id\":\"}\",\"rrname\":\"\"}}\n",
		"{\"dns\":{\"grouped\":{\"A\":[\"g.example\",\"g.example\"]}}}\n",
		"{\"dns\":{\"grouped\":{\"A\":[{\"rdata\":\"g.example\"}]}}}\n",
		"{\"dns\":{\"answers\":[{\"rdata\":\"g.example\"},\"\"]}}\n",
		"{\"dns\":{\"grouped\":{\"A\":\"g.example\",\"x\":\"\"}}}\n",
		"{\"id.orig_h\":\"\",\"host\":\"h.example\",\"uri\":\"\"}\n",
		"{\"id.orig_h\":\"\",\"host\":\"h.example\",\"uri\":\"/x\"}\n",
		"{\"answers\":[\"\",\"\",\"g.example\"],\"x\":1,\"query\":\"\"}\n",
		"{\"answers\":[\"\"],\"y\":1,\"z\":{\"query\":\"g.example\"}}\n",
		"{\"answers\":[\"\"],\"z\":{\"query\":\"\"},\"query\":\"g.example\"}\n",
		"{\"answers\":[\"\"],\"z\":{\"query\":\"\",\"query\":\"g.example\"}}\n",
	};
	size_t rows;

	(void)state;
	if (!json_sheet_supported())
		skip();
	assert_true(is_wanted(SLICE("g.example")));
	for (size_t a = 0; a < COUNT_OF(lines); a++)
		for (size_t b = 0; b < COUNT_OF(lines); b++) {
			struct buf log = BUF_INIT;

			/* known in a piece of its own before it is sifted */
			for (size_t i = 0; log.len < 3 * SPLIT_BYTES; i++)
				buf_text(&log, lines[i % 11 == 5 ? b : a]);
			(void)left_out(LOGS_EVE, buf_slice(&log), true, &rows);
			(void)left_out(LOGS_ZEEK_JSON, buf_slice(&log), true, &rows);
			buf_fini(&log);
		}
}

/* More members than a sheet has cells, or a shape marks: read in full, as ever. */
static void wide_lines(void **state)
{
	size_t rows;

	(void)state;
	if (!json_sheet_supported())
		skip();
	for (size_t members = SHAPE_MARKS_MAX - 2; members <= SHAPE_MARKS_MAX + 1; members++) {
		struct buf log = BUF_INIT;
		size_t lines = 0;

		for (; log.len < 4 * SPLIT_BYTES; lines++) {
			buf_text(&log, "{\"query\":\"x.example\"");
			for (size_t i = 1; i < members; i++)
				buf_printf(&log, ",\"m%zu\":%zu", i, lines % 10);
			buf_text(&log, "}\n");
		}
		/* members that are walked: as many as there is room for, with or without a shape */
		assert_int_equal(left_out(LOGS_ZEEK_JSON, buf_slice(&log), true, &rows) > 0,
			members <= SHAPE_MARKS_MAX && !is_wanted(SLICE("x.example")));
		buf_fini(&log);
	}
	for (size_t cells = JSON_CELLS_MAX; cells <= JSON_CELLS_MAX + 1; cells++) {
		struct buf log = BUF_INIT;

		while (log.len < 4 * SPLIT_BYTES) {
			buf_char(&log, '{');
			for (size_t i = 0; i < cells; i++)
				buf_printf(
					&log, "%s\"m%zu\":{\"src_ip\":\"\"}", i == 0 ? "" : ",", i);
			buf_text(&log, "}\n");
		}
		(void)left_out(LOGS_NDJSON, buf_slice(&log), true, &rows);
		assert_int_equal(rows > 0, cells <= JSON_CELLS_MAX);
		buf_fini(&log);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_wanted_is_left_out),
		cmocka_unit_test(shapes_deceive),
		cmocka_unit_test(wide_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
