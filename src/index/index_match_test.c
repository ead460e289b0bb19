/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The matcher against a naive one: random indicators and fields from a small alphabet of parts, so
 * that nearly everything nearly matches; each batch in every way that this machine has. And what
 * hostile indicators or fields may cost.
 */
#include <time.h>

#include "index_testing.h"
#include "match.h"

static uint32_t rnd(struct testing *t, uint32_t below)
{
	uint32_t r;

	t->world.world.random(t->world.world.context, &r, sizeof(r));
	return r % below;
}

/* ---- naive ----------------------------------------------------------------------------------- */

#define INDICATORS 600

struct indicator {
	enum field_kind kind;
	char text[200];
};

static size_t name_random(struct testing *t, char *to)
{
	static const char *const labels[] = {"a", "b", "evil", "www", "x-y", "_d", "xn--bcher-kva",
		"mail", "averylonglabelthatfillsaregister", "e", "1"};
	static const char *const tops[] = {"com", "net", "uk", "co.uk", "org"};
	size_t len = 0;

	for (uint32_t k = 1 + rnd(t, 4); k > 0; k--)
		len += (size_t)sprintf(to + len, "%s.", labels[rnd(t, COUNT_OF(labels))]);
	return len + (size_t)sprintf(to + len, "%s", tops[rnd(t, COUNT_OF(tops))]);
}

static size_t address_random(struct testing *t, char *to)
{
	if (rnd(t, 4) == 0)
		return (size_t)sprintf(to, "2001:db8:%x::%x", rnd(t, 3), rnd(t, 4));
	return (size_t)sprintf(
		to, "%u.%u.%u.%u", 10 + rnd(t, 2), rnd(t, 3), rnd(t, 4), rnd(t, 6) * 50);
}

static void indicator_random(struct testing *t, struct indicator *i)
{
	size_t len;

	switch (rnd(t, 3)) {
	case 0:
		i->kind = FIELD_ADDRESS;
		len = address_random(t, i->text);
		if (rnd(t, 3) == 0)
			sprintf(i->text + len, "/%u",
				strchr(i->text, ':') != NULL ? 30 + rnd(t, 98) : 7 + rnd(t, 26));
		break;
	default:
		i->kind = FIELD_NAME;
		name_random(t, i->text);
	}
}

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
	struct indicator *all = calloc(INDICATORS, sizeof(*all));
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
		indicator_random(t, &all[k]);
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
			uint16_t column = (uint16_t)rnd(t, 3);
			char text[300];
			size_t len;
			bool address = column == 1 || (column == 2 && rnd(t, 2) == 0);

			len = address ? address_random(t, text) : name_random(t, text);
			if (!address && rnd(t, 3) == 0)
				text[rnd(t, (uint32_t)len)] ^=
					0x20; /* another letter, or another case */
			if (!address && rnd(t, 8) == 0)
				text[len++] = '.';
			if (rnd(t, 50) == 0)
				len = rnd(t, (uint32_t)len + 1);
			*f = (struct field){
				.data = t->room + at, .len = (uint32_t)len, .column = column};
			memcpy(t->room + at, text, len);
			at += len + rnd(t, 3);
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
						ways[way], hits[k],
						expected[k], all[k % INDICATORS].text,
						field->column, (int)field->len, field->data);
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
	size_t len = rnd(t, 18);

	if (rnd(t, 2) == 0) {
		len = (size_t)sprintf(text, "%u.%u.%u.%u", rnd(t, 300), rnd(t, 260), rnd(t, 12),
			rnd(t, 110));
		if (rnd(t, 2) == 0)
			text[rnd(t, (uint32_t)len)] = bytes[rnd(t, sizeof(bytes) - 1)];
	} else {
		for (size_t k = 0; k < len; k++)
			text[k] = bytes[rnd(t, sizeof(bytes) - 1)];
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

		t->batch.fields_count = 1 + rnd(t, QUADS_TOGETHER);
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
		enum field_kind kind = (enum field_kind)rnd(t, FIELD_KINDS);
		struct buf text = BUF_INIT, first = BUF_INIT;

		for (uint32_t k = rnd(t, 12); k > 0; k--) {
			const char *part = parts[rnd(t, COUNT_OF(parts))];

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

/* ---- lists --------------------------------------------------------------------------------- */

static int line_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct listed {
	char **lines;
	size_t count;
};

static bool line_keep(void *context, enum field_kind kind, struct slice text, uint32_t entry)
{
	struct listed *l = context;
	char *line = malloc(text.len + 20);

	assert_non_null(line);
	sprintf(line, "%u %u %.*s", kind, entry, SLICE_ARG(text));
	l->lines[l->count++] = line;
	return true;
}

static void listed_of(struct testing *t, struct listed *l)
{
	struct index_info info;

	testing_open(t);
	index_info(t->x, &info);
	l->lines = calloc(info.counts.values + 1, sizeof(*l->lines));
	l->count = 0;
	assert_non_null(l->lines);
	assert_true(index_each(t->x, line_keep, l));
	assert_int_equal(l->count, info.counts.values);
	qsort(l->lines, l->count, sizeof(*l->lines), line_order);
}

static void refused_count(void *context, uint64_t line, struct slice text, const struct err *why)
{
	(void)text;
	assert_int_equal(why->kind, ERR_INVALID);
	*(uint64_t *)context = *(uint64_t *)context * 31 + line;
}

/* A list read as a whole and line by line is the same, whatever is in it; more than 4,096
 * addresses. */
static void test_lists(void **state)
{
	struct testing *t = *state;
	static const char *const odd[] = {"# comment", "", "evil[.]com", "HTTP://Evil.com/x",
		"a@evil.com", "..", "a..com", "-a.com", "x.exe", "invoice.pdf", "000c.29ab.cdef",
		"a.com\r", " b.com ", "1.2.3", "1.2.3.4/8", "1.2.3.456", "_x.com", "a b.com",
		"co.uk", "x.co.uk.", "*.y.net", "k\xc3\xbc.de", "A.B-C.D_E.COM",
		"d41d8cd98f00b204e9800998ecf8427e", "AS64500", "evil.c0m", "evil.123", "\x80.com",
		"x.com:80", "a23456789012345678901234567890123456789012345678901234567890123.com",
		"a234567890123456789012345678901234567890123456789012345678.com"};
	static const enum field_kind kinds[] = {FIELD_NONE, FIELD_NAME, FIELD_ADDRESS};
	struct buf list = BUF_INIT;

	for (int k = 0; k < 12000; k++) {
		char text[200];

		if (rnd(t, 10) == 0) {
			buf_text(&list, odd[rnd(t, COUNT_OF(odd))]);
		} else if (rnd(t, 2) == 0) {
			buf_printf(&list, "%u.%u.%u.%u", rnd(t, 224), rnd(t, 256), rnd(t, 256),
				rnd(t, 256));
		} else {
			size_t len = name_random(t, text);

			if (rnd(t, 4) == 0)
				text[rnd(t, (uint32_t)len)] ^= 0x20;
			buf_append(&list, text, len);
		}
		buf_char(&list, '\n');
	}
	for (size_t n = 0; n < COUNT_OF(kinds); n++) {
		struct slice rest = buf_slice(&list), line;
		struct listed whole, one;
		struct index_counts a, b;
		uint64_t refused[2] = {0}, number = 1;
		struct err e;

		index_builder_free(t->b);
		t->b = index_builder_new(&t->world.world);
		testing_entry(t, "feed:one");
		assert_int_equal(index_builder_lines(
					 t->b, kinds[n], rest, 1, refused_count, &refused[0], &e),
			OK);
		index_builder_counts(t->b, &a);
		listed_of(t, &whole);
		index_builder_free(t->b);
		t->b = index_builder_new(&t->world.world);
		testing_entry(t, "feed:one");
		for (; slice_next(&rest, '\n', &line); number++) {
			line = slice_trim(line);
			if (line.len != 0 && line.data[0] != '#' &&
				index_builder_value(t->b, kinds[n], line, &e) != OK)
				refused_count(&refused[1], number, line, &e);
		}
		index_builder_counts(t->b, &b);
		assert_memory_equal(&a, &b, sizeof(a));
		assert_true(refused[0] == refused[1] && refused[0] != 0);
		listed_of(t, &one);
		assert_int_equal(whole.count, one.count);
		for (size_t k = 0; k < one.count; k++) {
			assert_string_equal(whole.lines[k], one.lines[k]);
			/* what was taken is found in every way */
			if (k % 16 == 0) {
				struct slice text =
					slice_of(strchr(strchr(one.lines[k], ' ') + 1, ' ') + 1);
				enum field_kind kind = (enum field_kind)atoi(one.lines[k]);

				if (slice_find(text, '/', 0) == text.len) {
					for (int way = 0; way <= (int)match_way_best(&t->x->key);
						way++) {
						t->m->way = (enum match_way)way;
						assert_true(testing_match(t, kind, false, text)[0] ==
							    '0');
					}
				}
			}
			free(whole.lines[k]);
			free(one.lines[k]);
		}
		free(whole.lines);
		free(one.lines);
	}
	buf_fini(&list);
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
	static const char *const odd[] = {"-", "", "(empty)", "a", ".", "..", "a..", ".com", "com", "12",
		"1.2.3", "999.1.1.1", "10.1.2.3.4", "10.0.0.0x", "10.evil.com", "[2001:db8::1]", "::",
		"::ffff:10.0.1.50", "EVIL.com", "evil.com.", "evil.com:53", "10.0.1.50:53",
		"averylonglabelthatfillsaregister.averylonglabelthatfillsaregister.com"};

	if (rnd(t, 12) == 0)
		return (size_t)sprintf(to, "%s", odd[rnd(t, COUNT_OF(odd))]);
	if (rnd(t, 2) == 0)
		return strange ? (size_t)sprintf(to, "203.%u.113.%u", rnd(t, 200), rnd(t, 256))
			       : address_random(t, to);
	return strange ? (size_t)sprintf(to, "n%u.stranger%u.example", rnd(t, 1000), rnd(t, 1000))
		       : name_random(t, to);
}

static void sift_sheet_random(struct testing *t, struct sift_sheet *s, size_t lines)
{
	size_t at = 0;

	s->data = s->room + EVENT_PADDING;
	for (size_t k = 0; k < lines; k++) {
		bool strange = rnd(t, 4) != 0; /* so that some lines can go */

		for (size_t c = 0; c < SIFT_WIDTH; c++) {
			bool many = c == 2 || c == 3 || c == 5;

			for (uint32_t n = many ? rnd(t, 6) : 1; n > 0; n--) {
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
		const uint16_t *end =
			&s->ends[line * SIFT_WIDTH + sift_cells[c].position];
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
		size_t lines = round < 40 ? 1 + rnd(t, 60) : 1 + rnd(t, 200);

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
	struct indicator i;

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
		indicator_random(t, &i);
		if (strchr(i.text, ':') == NULL)
			testing_value(t, i.kind, i.text);
	}
	testing_open(t);
	sift_rounds(t, true);
	for (unsigned k = 0; k < NARROW_LEAST + 100; k++) { /* with the /24 bitmap */
		char text[32];

		sprintf(text, "11.%u.%u.%u", rnd(t, 3), rnd(t, 256), rnd(t, 256));
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
		cmocka_unit_test_setup_teardown(test_naive, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_quads, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_any_bytes, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_stop, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_many_entries, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_wider, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_lists, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_sift, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(
			test_sift_other_kinds, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_collisions, testing_setup, testing_teardown),
		cmocka_unit_test_setup_teardown(test_bounded, testing_setup, testing_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
