/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The matcher against a naive one: random indicators and fields from a small alphabet of parts, so
 * that nearly everything nearly matches; each batch in every way that this machine has. And what
 * hostile indicators or fields may cost.
 */
#include "index_testing.h"
#include "match.h"
#include <time.h>

/* ---- naive ----------------------------------------------------------------------------------- */

#define INDICATORS 600

/* Equal, or a parent on a label boundary, without regard to case. */
static bool name_matches(const char *indicator, const char *field, size_t len)
{
	size_t own = strlen(indicator);

	if (len > 0 && field[len - 1] == '.')
		len--;
	if (own > len)
		return false;
	if (strncasecmp(indicator, field + len - own, own) != 0)
		return false;
	return own == len || field[len - own - 1] == '.';
}

static bool address_matches(const char *indicator, const char *field, size_t len)
{
	uint8_t first[16], whole[16];
	unsigned prefix, most;
	const char *why;

	if (!normal_network(slice_of(indicator), first, &prefix, &why) ||
		!normal_network((struct slice){field, len}, whole, &most, &why) || most != 128)
		return false;
	for (unsigned k = 0; k < prefix; k++) {
		if (((first[k / 8] ^ whole[k / 8]) >> (7 - k % 8) & 1) != 0)
			return false;
	}
	return true;
}

struct found {
	uint8_t *hits; /* [field][indicator] */
	size_t last;
};

static const char *const ways[] = {"careful", "fast", "wide"};
_Static_assert(COUNT_OF(ways) == MATCH_WAYS, "a name each");

static bool found_hit(void *context, const struct batch *batch, const struct index_hit *hit)
{
	struct found *f = context;

	(void)batch;
	assert_true(hit->field >= f->last); /* in the order of the fields */
	f->last = hit->field;
	f->hits[(size_t)hit->field * INDICATORS + hit->entry]++;
	return true;
}

static void test_naive(void **state)
{
	struct testing *t = *state;
	struct testing_indicator *all = calloc(INDICATORS, sizeof(*all));
	uint8_t *expected = malloc((size_t)BATCH_FIELDS * INDICATORS);
	uint8_t *hits = malloc((size_t)BATCH_FIELDS * INDICATORS);
	struct column columns[] = {
		{.kind = FIELD_NAME}, {.kind = FIELD_ADDRESS}, {.kind = FIELD_HOST}};
	size_t total = 0;

	assert_true(all != NULL && expected != NULL && hits != NULL);
	for (uint32_t k = 0; k < INDICATORS; k++) {
		char id[32];

		/* an entry each; several hold the same value */
		snprintf(id, sizeof(id), "indicator--%u", k);
		testing_entry(t, id);
		testing_indicator(t, &all[k]);
		testing_value(t, all[k].kind, all[k].text);
	}
	testing_open(t);
	for (int round = 0; round < 12; round++) {
		size_t at = EVENT_PADDING;

		memset(t->room, 'e', sizeof(t->room));
		memset(expected, 0, (size_t)BATCH_FIELDS * INDICATORS);
		t->batch.columns = columns;
		t->batch.columns_count = COUNT_OF(columns);
		t->batch.fields_count = BATCH_FIELDS;
		for (size_t k = 0; k < BATCH_FIELDS; k++) {
			struct field *f = &t->batch.fields[k];
			uint16_t column = (uint16_t)testing_random(t, 3);
			char text[300];
			size_t len;
			bool address = column == 1 || (column == 2 && testing_random(t, 2) == 0);

			len = address ? testing_address(t, text) : testing_name(t, text);
			if (!address && testing_random(t, 3) == 0)
				text[testing_random(t, (uint32_t)len)] ^=
					0x20; /* another letter, or another case */
			if (!address && testing_random(t, 8) == 0)
				text[len++] = '.';
			if (testing_random(t, 50) == 0)
				len = testing_random(t, (uint32_t)len + 1);
			*f = (struct field){
				.data = t->room + at, .len = (uint32_t)len, .column = column};
			memcpy(t->room + at, text, len);
			at += len + testing_random(t, 3);
			for (size_t n = 0; n < INDICATORS; n++) {
				bool hit = all[n].kind == FIELD_ADDRESS
						   ? column != 0 &&
							     address_matches(all[n].text, text, len)
						   : column != 1 &&
							     name_matches(all[n].text, text, len);

				expected[k * INDICATORS + n] = hit;
				total += hit;
			}
		}
		for (int way = 0; way <= (int)match_way_best(&t->x->key); way++) {
			struct found f = {.hits = hits};

			t->m->way = (enum match_way)way;
			memset(hits, 0, (size_t)BATCH_FIELDS * INDICATORS);
			assert_true(index_match(t->m, &t->batch, found_hit, &f));
			for (size_t k = 0; k < (size_t)BATCH_FIELDS * INDICATORS; k++) {
				const struct field *field = &t->batch.fields[k / INDICATORS];

				if (hits[k] != expected[k])
					fail_msg("%s: %d hits, expected %d, of %s in column %u "
						 "\"%.*s\"",
						ways[way], hits[k], expected[k],
						all[k % INDICATORS].text, field->column,
						(int)field->len, field->data);
			}
		}
	}
	assert_true(total > 1000);
	free(all);
	free(expected);
	free(hits);
}

/* Something near a dotted quad, at most 19 bytes; returns its length. */
static size_t quad_near(struct testing *t, char text[20])
{
	static const char bytes[] = "0123456789....012345a:-";
	size_t len = testing_random(t, 18);

	if (testing_random(t, 2) == 0) {
		len = (size_t)sprintf(text, "%u.%u.%u.%u", testing_random(t, 300),
			testing_random(t, 260), testing_random(t, 12), testing_random(t, 110));
		if (testing_random(t, 2) == 0)
			text[testing_random(t, (uint32_t)len)] =
				bytes[testing_random(t, sizeof(bytes) - 1)];
	} else {
		for (size_t k = 0; k < len; k++)
			text[k] = bytes[testing_random(t, sizeof(bytes) - 1)];
	}
	return len;
}

#define QUADS_TOGETHER 9 /* two registers of four, and one more */

/* Four numbers in vector registers agree with the library on everything near a dotted quad, however
 * many of them stand beside each other. */
static void test_quads(void **state)
{
	static const struct column column = {.kind = FIELD_ADDRESS};
	struct testing *t = *state;
	struct found f = {.hits = calloc((size_t)BATCH_FIELDS * INDICATORS, 1)};

	testing_entry(t, "feed:one");
	testing_value(t, FIELD_ADDRESS, "128.0.0.0/1");
	testing_value(t, FIELD_ADDRESS, "0.0.0.0/1");
	testing_open(t);
	t->batch.columns = &column;
	t->batch.columns_count = 1;
	for (int round = 0; round < 20000; round++) {
		char *at = t->room + EVENT_PADDING;
		bool expected[QUADS_TOGETHER];
		uint8_t address[16];
		char text[20];

		t->batch.fields_count = 1 + testing_random(t, QUADS_TOGETHER);
		for (size_t k = 0; k < t->batch.fields_count; k++) {
			size_t len = quad_near(t, text);

			memcpy(at, text, len);
			t->batch.fields[k] = (struct field){.data = at, .len = (uint32_t)len};
			expected[k] = event_address_parse((struct slice){at, len}, address) == 4;
			at += len + 1;
		}
		for (int way = 0; way <= (int)match_way_best(&t->x->key); way++) {
			t->m->way = (enum match_way)way;
			memset(f.hits, 0, (size_t)QUADS_TOGETHER * INDICATORS);
			f.last = 0;
			assert_true(index_match(t->m, &t->batch, found_hit, &f));
			for (size_t k = 0; k < t->batch.fields_count; k++)
				assert_int_equal(f.hits[k * INDICATORS], expected[k]);
		}
	}
	free(f.hits);
}

/* Any bytes in any kind of column: all ways agree, and nothing is read that was
 * not promised (the sanitizers see to that). */
static void test_any_bytes(void **state)
{
	struct testing *t = *state;
	static const char *const parts[] = {".", "..", "evil.com", "com", "@", "http://", "/", "?",
		"[", "]", ":", "::", "10.0.0.1", "\xc3\xbc", "\xff", " ", "%", "a", "0", "-", "\0",
		"xn--", "://", "443"};

	testing_entry(t, "feed:one");
	testing_value(t, FIELD_NAME, "evil.com");
	testing_value(t, FIELD_ADDRESS, "10.0.0.1");
	testing_value(t, FIELD_ADDRESS, "::/8");
	testing_value(t, FIELD_URL, "http://evil.com/");
	testing_value(t, FIELD_EMAIL, "a@evil.com");
	testing_open(t);
	for (int round = 0; round < 20000; round++) {
		enum field_kind kind = (enum field_kind)testing_random(t, FIELD_KINDS);
		struct buf text = BUF_INIT, first = BUF_INIT;

		for (uint32_t k = testing_random(t, 12); k > 0; k--) {
			const char *part = parts[testing_random(t, COUNT_OF(parts))];

			buf_append(&text, part, part[0] == '\0' ? 1 : strlen(part));
		}
		t->m->way = MATCH_CAREFUL;
		buf_text(&first, testing_match(t, kind, false, buf_slice(&text)));
		buf_char(&first, '\0');
		for (int way = 0; way <= (int)match_way_best(&t->x->key); way++) {
			t->m->way = (enum match_way)way;
			assert_string_equal(
				testing_match(t, kind, false, buf_slice(&text)), first.data);
		}
		testing_match(t, kind, true, buf_slice(&text));
		buf_fini(&text);
		buf_fini(&first);
	}
}

static bool stop_hit(void *context, const struct batch *batch, const struct index_hit *hit)
{
	(void)batch;
	(void)hit;
	return --*(int *)context > 0;
}

static void test_stop(void **state)
{
	struct testing *t = *state;
	int left = 2;

	testing_entry(t, "feed:one");
	testing_value(t, FIELD_NAME, "evil.com");
	testing_value(t, FIELD_NAME, "a.evil.com");
	testing_value(t, FIELD_NAME, "b.a.evil.com");
	testing_open(t);
	testing_match(t, FIELD_NAME, false, SLICE("b.a.evil.com"));
	assert_false(index_match(t->m, &t->batch, stop_hit, &left));
	assert_int_equal(left, 0);
	left = 4;
	assert_true(index_match(t->m, &t->batch, stop_hit, &left));
	assert_int_equal(left, 1);
}

/* One value of more entries than are kept. */
static void test_many_entries(void **state)
{
	struct testing *t = *state;
	size_t lines = 0;

	for (int k = 0; k < SET_ENTRIES_MAX + 10; k++) {
		char id[32];

		snprintf(id, sizeof(id), "indicator--%d", k);
		testing_entry(t, id);
		testing_value(t, FIELD_NAME, "evil.com");
		testing_value(t, FIELD_ADDRESS, "198.51.100.7");
	}
	testing_open(t);
	for (const char *p = testing_match(t, FIELD_NAME, false, SLICE("evil.com")); *p != '\0';
		p++)
		lines += *p == '\n';
	assert_int_equal(lines, SET_ENTRIES_MAX);
	assert_true(strncmp(testing_match(t, FIELD_ADDRESS, false, SLICE("198.51.100.7")),
			    "0 exact address 198.51.100.7", 28) == 0);
}

/* Whether entry k has value n: nearly every value has another set of them. */
static bool wide_has(int n, int k)
{
	return ((unsigned)(n + 1) * 2654435761u >> (k + 4) & 1) != 0;
}

/* More numbers of sets than one byte less a bit holds: entry numbers grow wider while writing. */
static void test_wider(void **state)
{
	struct testing *t = *state;
	char text[64];

	for (int round = 0; round < 3; round++) {
		for (int k = 0; k < 20; k++) {
			snprintf(text, sizeof(text), "indicator--%d", k);
			testing_entry(t, text);
			for (int n = 0; n < 400; n++) {
				if (!wide_has(n, k))
					continue;
				snprintf(text, sizeof(text), "n%d.example", n);
				testing_value(t, FIELD_NAME, text);
				snprintf(text, sizeof(text), "10.0.%d.%d", n / 250, n % 250);
				testing_value(t, FIELD_ADDRESS, text);
			}
		}
	}
	testing_open(t);
	assert_true(t->x->sections[SECTION_HEAP + FIELD_NAME].width == 2);
	for (int n = 0; n < 400; n++) {
		struct buf expected = BUF_INIT;

		snprintf(text, sizeof(text), "n%d.example", n);
		for (int k = 0; k < 20; k++) {
			if (wide_has(n, k))
				buf_printf(&expected, "%d exact name %s %s\n", k, text, text);
		}
		buf_char(&expected, '\0');
		assert_string_equal(
			testing_match(t, FIELD_NAME, false, slice_of(text)), expected.data);
		buf_fini(&expected);
	}
}

/* ---- collisions ---------------------------------------------------------------------------- */

/* 131,072 texts that are one under any hash of the form h * 33 + byte (DJB2, and Suricata's): here
 * they spread as any others do. */
static void test_collisions(void **state)
{
	struct testing *t = *state;
	struct buf list = BUF_INIT;
	const struct table *texts;
	unsigned djb2 = 0;
	uint32_t most = 0;

	for (unsigned k = 0; k < 1u << 17; k++) {
		char text[34];
		unsigned h = 5381;

		for (unsigned pair = 0; pair < 17; pair++)
			memcpy(text + 2 * pair, (k >> pair & 1) != 0 ? "bz" : "cY", 2);
		for (size_t n = 0; n < sizeof(text); n++)
			h = h * 33 + (unsigned)text[n];
		assert_true(k == 0 || h == djb2);
		djb2 = h;
		buf_append(&list, text, sizeof(text));
		buf_char(&list, '\n');
	}
	testing_entry(t, "feed:one");
	assert_int_equal(
		index_builder_lines(t->b, FIELD_TEXT, buf_slice(&list), 1, NULL, NULL, NULL), OK);
	testing_open(t);
	texts = &t->x->tables[FIELD_TEXT];
	for (uint32_t b = 0; b < 1u << texts->bits; b++) {
		const uint8_t *row =
			index_touch(t->x, texts->directory.offset + 4 * (uint64_t)b, 8);

		assert_non_null(row);
		if (le32(row + 4) - le32(row) > most)
			most = le32(row + 4) - le32(row);
	}
	/* 35 bytes each, four on average: 25 in one bucket would come once in a million builds */
	assert_in_range(most, 35, 25 * 35);
	assert_true(
		testing_match(t, FIELD_TEXT, false, slice_cut(buf_slice(&list), 0, 34))[0] == '0');
	buf_fini(&list);
}

/* ---- bounds -------------------------------------------------------------------------------- */

static void count_part(void *context, enum field_kind kind, struct slice text)
{
	(void)kind;
	(void)text;
	++*(size_t *)context;
}

/* Fields that would cost their square if anything did. */
static void test_bounded(void **state)
{
	struct testing *t = *state;
	static const char *const patterns[] = {"a.b:1", "a.b/", "@", "a@", "a@b.c",
		"::", "1:", "a.", "://", "http://a/", "[", "a b.c ", "%", "\xc3\xbc."};
	static const enum field_kind kinds[] = {FIELD_FREE, FIELD_URL, FIELD_EMAIL, FIELD_HOST,
		FIELD_NAME, FIELD_HASH, FIELD_ADDRESS};
	char *text = malloc(FIELD_BYTES_MAX);
	clock_t start = clock();

	testing_entry(t, "feed:one");
	testing_value(t, FIELD_NAME, "evil.com");
	testing_value(t, FIELD_NAME, "b.c");
	testing_value(t, FIELD_URL, "http://a/b");
	testing_value(t, FIELD_ADDRESS, "1.2.3.4");
	testing_value(t, FIELD_EMAIL, "a@b.c");
	testing_open(t);
	for (size_t p = 0; p < COUNT_OF(patterns); p++) {
		size_t len = strlen(patterns[p]);

		for (size_t k = 0; k < FIELD_BYTES_MAX; k++)
			text[k] = patterns[p][k % len];
		for (size_t k = 0; k < COUNT_OF(kinds); k++) {
			size_t count = 0;

			parts_of(kinds[k], (struct slice){text, FIELD_BYTES_MAX}, count_part,
				&count);
			assert_true(count <= 2 * PARTS_MAX);
			testing_match(t, kinds[k], false, (struct slice){text, FIELD_BYTES_MAX});
		}
	}
	/* linear: 98 fields of 64 KiB in a tenth of a second; the square would take minutes */
	assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 10);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_naive, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_quads, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_any_bytes, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_stop, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_many_entries, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_wider, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_collisions, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_bounded, testing_setup, testing_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
