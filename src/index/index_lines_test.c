/* SPDX-License-Identifier: MPL-2.0 */
/* Lists of values in one text: each line as if it were an indicator of its own. */
#include "index_testing.h"
#include "match.h"

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

		if (testing_random(t, 10) == 0) {
			buf_text(&list, odd[testing_random(t, COUNT_OF(odd))]);
		} else if (testing_random(t, 2) == 0) {
			buf_printf(&list, "%u.%u.%u.%u", testing_random(t, 224),
				testing_random(t, 256), testing_random(t, 256),
				testing_random(t, 256));
		} else {
			size_t len = testing_name(t, text);

			if (testing_random(t, 4) == 0)
				text[testing_random(t, (uint32_t)len)] ^= 0x20;
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
				enum field_kind kind =
					(enum field_kind)strtoul(one.lines[k], NULL, 10);

				if (slice_find(text, '/', 0) == text.len) {
					for (int way = 0; way <= (int)match_way_best(&t->x->key);
						way++) {
						t->m->way = (enum match_way)way;
						assert_true(testing_match(t, kind, false,
								    text)[0] == '0');
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lists, testing_setup, testing_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
