/* SPDX-License-Identifier: MPL-2.0 */
/* Sheets: what sifting keeps is at least what the matcher would hit, in every way. */
#include "index_testing.h"
#include "match.h"

/* ---- sheets --------------------------------------------------------------------------------- */

#define SIFT_WIDTH 7

static const struct column sift_columns[] = {
	{.kind = FIELD_ADDRESS},
	{.kind = FIELD_NAME},
	{.kind = FIELD_HOST},
	{.kind = FIELD_ADDRESS},
	{.kind = FIELD_NAME},
	{.kind = FIELD_HOST},
};
/* the first cell of a line, the last, and one that nobody wants between them */
static const struct sheet_cell sift_cells[] = {
	{0, 0, false},
	{1, 1, false},
	{2, 2, true },
	{3, 3, true },
	{5, 4, true },
	{6, 5, false},
};

struct sift_sheet {
	char room[EVENT_PADDING + KIB(64) + EVENT_PADDING];
	char *data;
	uint16_t in_front;
	uint16_t ends[SHEET_LINES * SIFT_WIDTH];
	struct sheet sheet;
};

/* What a cell may hold: near misses, strangers, marks, and what no column should hold. */
static size_t sift_value(struct testing *t, bool strange, char *to)
{
	static const char *const odd[] = {"-", "", "(empty)", "a", ".", "..", "a..", ".com", "com",
		"12", "1.2.3", "999.1.1.1", "10.1.2.3.4", "10.0.0.0x", "10.evil.com",
		"[2001:db8::1]", "::", "::ffff:10.0.1.50", "EVIL.com", "evil.com.", "evil.com:53",
		"10.0.1.50:53",
		"averylonglabelthatfillsaregister.averylonglabelthatfillsaregister.com"};

	if (testing_random(t, 12) == 0)
		return (size_t)sprintf(to, "%s", odd[testing_random(t, COUNT_OF(odd))]);
	if (testing_random(t, 2) == 0)
		return strange ? (size_t)sprintf(to, "203.%u.113.%u", testing_random(t, 200),
					 testing_random(t, 256))
			       : testing_address(t, to);
	return strange ? (size_t)sprintf(to, "n%u.stranger%u.example", testing_random(t, 1000),
				 testing_random(t, 1000))
		       : testing_name(t, to);
}

static void sift_sheet_random(struct testing *t, struct sift_sheet *s, size_t lines)
{
	size_t at = 0;

	s->data = s->room + EVENT_PADDING;
	for (size_t k = 0; k < lines; k++) {
		bool strange = testing_random(t, 4) != 0; /* so that some lines can go */

		for (size_t c = 0; c < SIFT_WIDTH; c++) {
			bool many = c == 2 || c == 3 || c == 5;

			for (uint32_t n = many ? testing_random(t, 6) : 1; n > 0; n--) {
				at += sift_value(t, strange, s->data + at);
				if (many && n > 1)
					s->data[at++] = ',';
			}
			s->ends[k * SIFT_WIDTH + c] = (uint16_t)at;
			s->data[at++] = c + 1 < SIFT_WIDTH ? '\t' : '\n';
		}
	}
	assert_true(at < KIB(64) - 1);
	s->in_front = UINT16_MAX;
	s->sheet = (struct sheet){
		.data = s->data,
		.ends = s->ends,
		.lines = lines,
		.width = SIFT_WIDTH,
		.columns = sift_columns,
		.columns_count = COUNT_OF(sift_columns),
		.cells = sift_cells,
		.cells_count = COUNT_OF(sift_cells),
		.set_separator = ',',
	};
}

static bool sift_hit(void *context, const struct batch *batch, const struct index_hit *hit)
{
	(void)batch;
	(void)hit;
	*(bool *)context = true;
	return true;
}

/* Whether index_match, with care, finds something in a line. */
static bool sift_line_hits(struct testing *t, const struct sift_sheet *s, size_t line)
{
	struct batch *b = &t->batch;
	bool hit = false;

	b->columns = sift_columns;
	b->columns_count = COUNT_OF(sift_columns);
	b->records_count = 1;
	b->fields_count = 0;
	for (size_t c = 0; c < COUNT_OF(sift_cells); c++) {
		const uint16_t *end = &s->ends[line * SIFT_WIDTH + sift_cells[c].position];
		size_t from = end == s->ends ? 0 : (size_t)end[-1] + 1;
		struct slice rest = {s->data + from, end[0] - from}, value;

		while (slice_next(&rest, sift_cells[c].many ? ',' : '\t', &value)) {
			if (value.len == 0)
				continue;
			b->fields[b->fields_count++] = (struct field){.data = value.data,
				.len = (uint32_t)value.len,
				.column = sift_cells[c].column};
		}
	}
	t->m->way = MATCH_CAREFUL;
	assert_true(index_match(t->m, b, sift_hit, &hit));
	t->m->way = match_way_best(&t->x->key);
	return hit;
}

static void sift_rounds(struct testing *t, bool goes)
{
	struct sift_sheet *s = calloc(1, sizeof(*s));
	size_t dropped = 0;

	assert_non_null(s);
	for (unsigned round = 0; round < 60; round++) {
		uint64_t keep[SHEET_WORDS];
		size_t lines = round < 40 ? 1 + testing_random(t, 60) : 1 + testing_random(t, 200);

		sift_sheet_random(t, s, lines);
		if (!index_sift(t->m, &s->sheet, keep)) {
			assert_int_not_equal(t->m->way, MATCH_WIDE);
			continue;
		}
		for (size_t k = 0; k < SHEET_LINES; k++) {
			if (keep[k / 64] >> (k % 64) & 1) {
				assert_true(k < lines);
				continue;
			}
			if (k >= lines)
				continue;
			dropped++;
			if (sift_line_hits(t, s, k))
				fail_msg("round %u, line %zu was dropped", round, k);
		}
	}
	assert_true(!goes || t->m->way != MATCH_WIDE || dropped > 100);
	free(s);
}

/* No line that holds a hit is left out, and strangers are. */
static void test_sift(void **state)
{
	struct testing *t = *state;
	struct testing_indicator i;

	testing_entry(t, "indicator--1");
	testing_value(t, FIELD_NAME, "evil.com");
	testing_open(t); /* nothing but names */
	sift_rounds(t, false);
	testing_value(t, FIELD_ADDRESS, "11.0.1.50");
	testing_open(t); /* an address, and none in 10.0.0.0/8 */
	assert_true(t->m->ten_quiet);
	sift_rounds(t, true);
	testing_value(t, FIELD_ADDRESS, "10.200.0.0/16");
	testing_open(t);
	assert_false(t->m->ten_quiet);
	for (unsigned k = 0; k < 40; k++) {
		testing_indicator(t, &i);
		if (strchr(i.text, ':') == NULL)
			testing_value(t, i.kind, i.text);
	}
	testing_open(t);
	sift_rounds(t, true);
	for (unsigned k = 0; k < NARROW_LEAST + 100; k++) { /* with the /24 bitmap */
		char text[32];

		sprintf(text, "11.%u.%u.%u", testing_random(t, 3), testing_random(t, 256),
			testing_random(t, 256));
		testing_value(t, FIELD_ADDRESS, text);
	}
	testing_open(t);
	sift_rounds(t, true);
}

/* Columns whose values stand inside of others are not told from a sheet. */
static void test_sift_other_kinds(void **state)
{
	struct testing *t = *state;
	const struct column column = {.kind = FIELD_URL};
	const struct sheet_cell cell = {0, 0, false};
	char room[2 * EVENT_PADDING + 16] = {0};
	uint16_t ends[] = {UINT16_MAX, 10};
	struct sheet sheet = {.data = room + EVENT_PADDING,
		.ends = ends + 1,
		.lines = 1,
		.width = 1,
		.columns = &column,
		.columns_count = 1,
		.cells = &cell,
		.cells_count = 1,
		.set_separator = ','};
	uint64_t keep[SHEET_WORDS];

	memcpy(room + EVENT_PADDING, "a.example/\n", 11);
	testing_entry(t, "indicator--1");
	testing_value(t, FIELD_NAME, "b.example");
	testing_open(t);
	assert_false(index_sift(t->m, &sheet, keep));
	t->m->way = MATCH_CAREFUL;
	sheet.cells_count = 0;
	assert_false(index_sift(t->m, &sheet, keep));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sift, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(
			test_sift_other_kinds, testing_setup, testing_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
