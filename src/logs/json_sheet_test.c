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

#include "json_sheet_testing.h"
#include "logs_testing.h"

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
	static const char *const ends[40] = {
		[0] = "\r\n", [1] = "\n\n", [2] = "\n \n", [3] = "\n\t\r\n"};
	struct buf log = BUF_INIT;
	uint64_t shapes = seed, values = seed * 31;
	const char *end;

	for (size_t i = 0; i < lines; i++) {
		struct maker m = {.out = &log,
			.shape = seed * 1000 + pick(&shapes, 2),
			.values = values,
			.odd = pick(&shapes, 8) == 0 ? pick(&shapes, 40) : SIZE_MAX};

		object_make(&m);
		values = m.values + i;
		end = ends[pick(&shapes, COUNT_OF(ends))];
		buf_text(&log, end == NULL ? "\n" : end);
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

		missing += json_left_out(formats[seed % COUNT_OF(formats)], buf_slice(&log),
			seed % 7 != 0, true, &more);
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
	assert_true(json_wanted(SLICE("g.example")));
	for (size_t a = 0; a < COUNT_OF(lines); a++)
		for (size_t b = 0; b < COUNT_OF(lines); b++) {
			struct buf log = BUF_INIT;

			/* known in a piece of its own before it is sifted */
			for (size_t i = 0; log.len < 3 * SPLIT_BYTES; i++)
				buf_text(&log, lines[i % 11 == 5 ? b : a]);
			(void)json_left_out(LOGS_EVE, buf_slice(&log), true, true, &rows);
			(void)json_left_out(LOGS_ZEEK_JSON, buf_slice(&log), true, true, &rows);
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
		assert_int_equal(
			json_left_out(LOGS_ZEEK_JSON, buf_slice(&log), true, true, &rows) > 0,
			members <= SHAPE_MARKS_MAX && !json_wanted(SLICE("x.example")));
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
		(void)json_left_out(LOGS_NDJSON, buf_slice(&log), true, true, &rows);
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
