/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Logs of every format handed over in pieces that end at every byte, byte by byte, taken up again
 * at every line as after a restart or a rotation, and cut off at every byte, packed or not: beside
 * the naive look-up (sensor_naive.h). What a cut leaves of its last line may only bring what the
 * whole line holds, or the value that the cut itself ends.
 */
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "sensor_forms.h"

#define INDICATORS_MORE 2000
#define EVENTS          12
#define TEXT_ENOUGH     2200 /* bytes of a form: no more events are written behind that */

struct cutting {
	const struct form *form;
	struct naive *indicators;
	struct index_matcher *matcher;
	struct logs_mapping *mapping;
	struct buf text;
	struct naive_hits expected, found;
	/* of the hit at hand, for what a cut may bring */
	struct slice end;  /* the text up to the cut; empty: nothing is allowed */
	uint64_t last;     /* its last line's number, when that is cut */
	size_t cut_values; /* hits that only the cut made */
	const char *what;
};

/* ---- reading --------------------------------------------------------------------------------- */

/* Does the text end in this value? Escapes are undone: backslashes, and a plus for a blank. */
static bool ends_in(struct slice text, struct slice value)
{
	while (value.len > 0 && text.len > 0) {
		char c = text.data[--text.len], want = value.data[value.len - 1];

		if (c == '\\' && want != '\\')
			continue;
		if (c != want && !(c == '+' && want == ' '))
			return false;
		value.len--;
	}
	return value.len == 0;
}

/* The same, but for marks behind it that readers take off. */
static bool touches_the_end(struct slice text, struct slice value)
{
	while (text.len > 0 && !ends_in(text, value) &&
		strchr(".,:;!?&/\"'>)-\\#@=", text.data[text.len - 1]) != NULL)
		text.len--;
	return ends_in(text, value);
}

static bool held_by_line(const struct cutting *c, uint64_t record, uint32_t indicator)
{
	for (size_t i = 0; i < c->expected.count; i++) {
		if (c->expected.at[i].record == record && c->expected.at[i].indicator == indicator)
			return true;
	}
	return false;
}

static bool on_hit(void *context, const struct batch *b, const struct index_hit *hit)
{
	struct cutting *c = context;
	uint64_t record = b->records[b->fields[hit->field].record].number;
	uint32_t indicator = naive_find(c->indicators, hit->kind, hit->indicator);

	if (c->end.data == NULL || record != c->last) {
		naive_hits_add(&c->found, record, indicator, hit->how);
	} else if (!held_by_line(c, record, indicator)) {
		if (!touches_the_end(c->end, hit->value))
			fail_msg(
				"%s, %s, cut at %zu: \"%s\" by \"%.*s\" is in no whole line:\n%.*s",
				c->form->name, c->what, c->end.len,
				naive_told(c->indicators, indicator), SLICE_ARG(hit->value),
				SLICE_ARG(c->end));
		c->cut_values++;
	}
	return true;
}

static bool on_batch(void *context, struct batch *b)
{
	struct cutting *c = context;

	return index_match(c->matcher, b, on_hit, c);
}

static struct logs_reader *reader_new(struct cutting *c)
{
	const struct logs_options options = {.format = c->form->format,
		.roles = event_roles_matched(),
		.mapping = c->mapping,
		.world = world_real()};
	struct logs_reader *r = NULL;

	MUST(logs_reader_new(&options, (struct batch_sink){on_batch, c}, &r, e));
	return r;
}

/* Bytes with the room around them that readers want, and nothing more. */
static size_t feed(struct logs_reader *r, struct slice bytes, bool last)
{
	char *room = malloc(EVENT_PADDING + bytes.len + EVENT_PADDING);
	size_t taken = 0;

	assert_non_null(room);
	memset(room, 0, EVENT_PADDING);
	if (bytes.len > 0)
		memcpy(room + EVENT_PADDING, bytes.data, bytes.len);
	memset(room + EVENT_PADDING + bytes.len, 0, EVENT_PADDING);
	assert_true(logs_feed(r, (struct slice){room + EVENT_PADDING, bytes.len}, last, &taken));
	assert_true(taken <= bytes.len);
	free(room);
	return taken;
}

static void compare(struct cutting *c, const char *what, size_t at)
{
	char text[96];

	snprintf(text, sizeof(text), "%s, %s %zu", c->form->name, what, at);
	naive_hits_sort(&c->found);
	naive_compare(c->indicators, text, buf_slice(&c->text), &c->expected, &c->found);
	c->found.count = 0;
}

/* ---- every form ------------------------------------------------------------------------------ */

typedef size_t cut_way(struct cutting *c);

static void each_form(const char *what, uint64_t seed, cut_way *way)
{
	struct chance chance = {seed};
	struct naive *indicators = naive_new();
	char folder[64], index[96];
	struct made made;
	struct index *x;
	size_t places = 0, hits = 0, cut_values = 0;

	forms_indicators(indicators, &chance, INDICATORS_MORE);
	scene_folder(folder);
	snprintf(index, sizeof(index), "%s/index", folder);
	naive_index(indicators, index);
	MUST(index_open(index, &(struct index_options){0}, &x, e));
	for (size_t i = 0; i < forms_count; i++) {
		struct cutting c = {.form = &forms[i],
			.indicators = indicators,
			.matcher = index_matcher_new(x),
			.what = what};
		struct writing w = {.out = &c.text, .n = indicators, .expected = &c.expected};
		unsigned lines;

		assert_non_null(c.matcher);
		if (c.form->mapping != NULL)
			MUST(logs_mapping_parse(slice_of(c.form->mapping), "map", &c.mapping, e));
		form_header(c.form, &c.text, &lines);
		for (unsigned k = 0; k < EVENTS && (k < 2 || c.text.len < TEXT_ENOUGH); k++) {
			made_make(&made, indicators, &chance, 60, k == 1);
			w.record = lines + k + 1;
			c.form->write(&w, c.form, &made, k);
		}
		naive_hits_sort(&c.expected);
		assert_true(c.expected.count > 0);
		hits += c.expected.count;
		places += way(&c);
		cut_values += c.cut_values;
		naive_hits_free(&c.expected);
		naive_hits_free(&c.found);
		index_matcher_free(c.matcher);
		logs_mapping_free(c.mapping);
		buf_fini(&c.text);
	}
	print_message("%zu forms, %s: %zu places, %zu hits each time, %zu values made by the cut\n",
		forms_count, what, places, hits, cut_values);
	index_close(x);
	naive_free(indicators);
	scene_remove(folder);
}

/* ---- in pieces ------------------------------------------------------------------------------- */

static size_t in_two(struct cutting *c)
{
	for (size_t cut = 0; cut <= c->text.len; cut++) {
		struct logs_reader *r = reader_new(c);
		size_t taken = feed(r, slice_cut(buf_slice(&c->text), 0, cut), false);

		(void)feed(r, slice_cut(buf_slice(&c->text), taken, c->text.len), true);
		logs_reader_free(r);
		compare(c, "two pieces at", cut);
	}
	return c->text.len + 1;
}

static size_t byte_by_byte(struct cutting *c)
{
	struct logs_reader *r = reader_new(c);
	size_t taken = 0;

	for (size_t end = 1; end <= c->text.len; end++)
		taken += feed(r, slice_cut(buf_slice(&c->text), taken, end), end == c->text.len);
	assert_int_equal(taken, c->text.len);
	logs_reader_free(r);
	compare(c, "byte by byte", 0);
	return c->text.len;
}

/* A new reader goes on behind each line with what was kept of the old one: the header. */
static size_t at_every_line(struct cutting *c)
{
	struct slice text = buf_slice(&c->text), rest = text, line;
	uint64_t number = 1;
	size_t lines = 0;

	while (rest.len > 0 && slice_next(&rest, '\n', &line)) {
		size_t at = (size_t)(line.data + line.len + 1 - text.data);
		struct logs_reader *r = reader_new(c);
		struct buf head = BUF_INIT;

		number++;
		lines++;
		assert_int_equal(feed(r, slice_cut(text, 0, at), false), at);
		buf_slice_append(&head, logs_head(r));
		logs_reader_free(r);
		r = reader_new(c);
		assert_true(logs_resume(r, at, number, buf_slice(&head)));
		(void)feed(r, slice_cut(text, at, text.len), true);
		logs_reader_free(r);
		buf_fini(&head);
		compare(c, "taken up at line", number);
	}
	return lines;
}

static void test_in_two_pieces(void **state)
{
	(void)state;
	each_form("in two pieces", 21, in_two);
}

static void test_byte_by_byte(void **state)
{
	(void)state;
	each_form("byte by byte", 22, byte_by_byte);
}

static void test_taken_up_again(void **state)
{
	(void)state;
	each_form("taken up again", 23, at_every_line);
}

/* ---- cut off --------------------------------------------------------------------------------- */

/* Of the text's first `len` bytes: whole lines as expected, the last within bounds. */
static void cut_compare(struct cutting *c, size_t len)
{
	struct naive_hits all = c->expected;
	size_t whole = 0;

	while (whole < all.count && all.at[whole].record < c->last)
		whole++;
	c->expected.count = whole;
	compare(c, c->what, len);
	c->expected = all;
}

static uint64_t line_at(struct slice text, size_t len)
{
	uint64_t number = 1;

	for (size_t i = 0; i < len; i++)
		number += text.data[i] == '\n';
	return number;
}

static size_t at_every_byte(struct cutting *c)
{
	for (size_t len = 0; len <= c->text.len; len++) {
		struct logs_reader *r = reader_new(c);

		c->end = slice_cut(buf_slice(&c->text), 0, len);
		c->last = line_at(c->end, len);
		(void)feed(r, c->end, true);
		logs_reader_free(r);
		cut_compare(c, len);
	}
	return c->text.len + 1;
}

#define PACKED_SURE 32 /* bytes: behind the heads of gzip (10) and zstd (at most 18) */

/* As the sensor reads: what came before the damage counts, then the file is over. */
static void packed_read(struct cutting *c, struct slice packed, size_t packed_len)
{
	enum err_kind kind = OK;
	struct input *in = NULL;
	struct buf text = BUF_INIT;
	char chunk[4096];
	size_t got = 1;
	struct err e;

	if (input_of_memory(packed, "log", &in, &e) != OK)
		return;
	while (got > 0 && (kind = input_read(in, chunk, sizeof(chunk), &got, &e)) == OK)
		buf_append(&text, chunk, got);
	input_free(in);
	if (packed.len >= PACKED_SURE) /* a cut is told, whole files are not */
		assert_int_equal(kind, packed.len < packed_len ? ERR_PARSE : OK);
	/* cut before its mark is known it is itself no packing: bytes that are no log */
	if (text.len <= c->text.len &&
		memcmp(text.len > 0 ? text.data : "", c->text.data, text.len) == 0) {
		struct logs_reader *r = reader_new(c);

		c->end = slice_cut(buf_slice(&c->text), 0, text.len);
		c->last = line_at(c->end, text.len);
		(void)feed(r, c->end, true);
		logs_reader_free(r);
		cut_compare(c, text.len);
	}
	buf_fini(&text);
}

static size_t gzip_cut(struct cutting *c)
{
	unsigned char packed[65536];
	z_stream z = {0};
	size_t len;

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (unsigned char *)c->text.data;
	z.avail_in = (unsigned)c->text.len;
	z.next_out = packed;
	z.avail_out = sizeof(packed);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	len = sizeof(packed) - z.avail_out;
	deflateEnd(&z);
	for (size_t cut = 0; cut <= len; cut++)
		packed_read(c, (struct slice){(const char *)packed, cut}, len);
	return len + 1;
}

/* Blocks of a line each, so that something comes out before the end. */
static size_t zstd_cut(struct cutting *c)
{
	char packed[65536];
	ZSTD_CCtx *z = ZSTD_createCCtx();
	ZSTD_outBuffer out = {packed, sizeof(packed), 0};
	struct slice rest = buf_slice(&c->text), line;

	assert_non_null(z);
	while (rest.len > 0 && slice_next(&rest, '\n', &line)) {
		ZSTD_inBuffer in = {line.data, line.len + 1, 0};

		assert_int_equal(ZSTD_compressStream2(z, &out, &in, ZSTD_e_flush), 0);
	}
	assert_int_equal(ZSTD_compressStream2(z, &out, &(ZSTD_inBuffer){0}, ZSTD_e_end), 0);
	ZSTD_freeCCtx(z);
	for (size_t cut = 0; cut <= out.pos; cut++)
		packed_read(c, (struct slice){packed, cut}, out.pos);
	return out.pos + 1;
}

static void test_cut_off(void **state)
{
	(void)state;
	each_form("cut off", 24, at_every_byte);
}

static void test_gzip_cut_off(void **state)
{
	(void)state;
	each_form("gzip cut off", 25, gzip_cut);
}

static void test_zstd_cut_off(void **state)
{
	(void)state;
	each_form("zstd cut off", 26, zstd_cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_two_pieces),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_taken_up_again),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_gzip_cut_off),
		cmocka_unit_test(test_zstd_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
