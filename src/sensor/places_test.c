/* SPDX-License-Identifier: MPL-2.0 */
/* The state of a following sensor: what comes back, after every cut and every altered byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "inside.h"

static struct world_fake world;

struct bench {
	char folder[64], path[80];
	struct places *s;
	struct tally *t;
	struct prevalence_site *site;
	struct err e;
};

static void begin(struct bench *b)
{
	world_fake_init(&world, 5, 0);
	*b = (struct bench){.folder = "/tmp/serai-places-XXXXXX"};
	/* in memory where there is such a place: many commits wait for the disk */
	if (access("/dev/shm", W_OK) == 0)
		snprintf(b->folder, sizeof(b->folder), "/dev/shm/serai-places-XXXXXX");
	assert_non_null(mkdtemp(b->folder));
	snprintf(b->path, sizeof(b->path), "%s/state", b->folder);
	b->site = calloc(1, sizeof(*b->site));
	assert_non_null(b->site);
}

/* Not synced, as hundreds of cuts would take minutes. */
static void put(const struct bench *b, struct slice text)
{
	FILE *f = fopen(b->path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text.data == NULL ? "" : text.data, 1, text.len, f), text.len);
	assert_int_equal(fclose(f), 0);
}

static enum err_kind reopen(struct bench *b)
{
	enum err_kind kind;

	places_free(b->s);
	tally_free(b->t);
	b->s = NULL;
	*b->site = (struct prevalence_site){0};
	b->t = tally_new(&world.world, 100);
	assert_non_null(b->t);
	kind = places_open(b->folder, &b->s, &b->e);
	if (kind == OK)
		places_restore(b->s, b->t, b->site);
	return kind;
}

static void end(struct bench *b)
{
	places_free(b->s);
	tally_free(b->t);
	free(b->site);
	(void)unlink(b->path);
	assert_int_equal(rmdir(b->folder), 0);
}

static struct buf whole(const struct bench *b)
{
	struct buf text = BUF_INIT;

	assert_int_equal(file_read(b->path, MIB(64), &text, NULL), OK);
	return text;
}

/* Two transactions: a place, a row, an indicator, the site; then all of them further on. */
static void fill(struct bench *b, struct output_mark *ret_marks)
{
	struct tally_row gone, *row;
	struct tally_indicator *i;
	struct place *p;
	bool fresh;

	assert_int_equal(reopen(b), OK);
	assert_false(places_mark(b->s, &ret_marks[0]));
	p = places_place_add(b->s, 1, 2, "/var/log/a b\n\xff.log");
	assert_non_null(p);
	p->offset = 100;
	p->line = 7;
	p->fingerprint_len = 3;
	hash_sha256(SLICE("abc"), p->fingerprint);
	buf_text(&p->head, "#fields\tx\n");
	row = tally_row(b->t, 77, &fresh, &gone);
	row->count = 5;
	row->told = 1;
	row->first_us = -1000;
	row->held = true;
	row->id.bytes[0] = 9;
	places_row(b->s, row);
	i = tally_indicator(b->t, 88);
	i->prevalence.day = 20000;
	i->prevalence.days = 2;
	i->prevalence.set = 1;
	i->prevalence.bits[3] = 4;
	places_indicator(b->s, i);
	prevalence_site_host(b->site, 12345);
	places_site(b->s, b->site);
	ret_marks[0] = (struct output_mark){3, 4, 500};
	assert_int_equal(places_commit(b->s, &ret_marks[0], b->t, b->site, &b->e), OK);

	p->offset = 200;
	p->line = 9;
	p->changed = true;
	row->count = 6;
	places_row(b->s, row);
	ret_marks[1] = (struct output_mark){3, 4, 900};
	assert_int_equal(places_commit(b->s, &ret_marks[1], b->t, b->site, &b->e), OK);
}

/* 0: nothing, 1 and 2: as after that transaction. */
static unsigned stands(struct bench *b)
{
	struct output_mark mark;
	struct place *p = places_place(b->s, 1, 2);
	struct tally_row gone, *row;
	bool fresh, marked = places_mark(b->s, &mark);
	unsigned after;

	if (p == NULL) {
		assert_false(marked);
		assert_int_equal(tally_count(b->t), 0);
		return 0;
	}
	after = p->offset == 100 ? 1 : 2;
	assert_int_equal(p->offset, after * 100);
	assert_int_equal(p->line, after == 1 ? 7 : 9);
	assert_string_equal(p->path, "/var/log/a b\n\xff.log");
	assert_true(slice_is(buf_slice(&p->head), "#fields\tx\n"));
	assert_int_equal(p->fingerprint_len, 3);
	assert_true(marked);
	assert_int_equal(mark.device, 3);
	assert_int_equal(mark.inode, 4);
	assert_int_equal(mark.size, after == 1 ? 500 : 900);
	row = tally_row(b->t, 77, &fresh, &gone);
	assert_false(fresh);
	assert_int_equal(row->count, 4 + after);
	assert_int_equal(row->told, 1);
	assert_int_equal(row->first_us, -1000);
	assert_int_equal(row->last_us, TIME_UNKNOWN);
	assert_int_equal(row->id.bytes[0], 9);
	assert_true(row->held);
	assert_int_equal(tally_indicator(b->t, 88)->prevalence.days, 2);
	assert_int_equal(tally_indicator(b->t, 88)->prevalence.bits[3], 4);
	assert_int_equal(b->site->set, 1);
	return after;
}

static void test_reopen(void **state)
{
	struct bench b;
	struct output_mark marks[2];
	uint8_t before[16], after[16];
	struct buf text, again;

	(void)state;
	begin(&b);
	fill(&b, marks);
	tally_key_get(b.t, before);
	text = whole(&b);
	assert_int_equal(reopen(&b), OK);
	tally_key_get(b.t, after);
	assert_memory_equal(before, after, 16); /* else the hashes would mean nothing */
	assert_int_equal(stands(&b), 2);
	/* nothing new: nothing is written */
	assert_int_equal(places_commit(b.s, &marks[1], b.t, b.site, &b.e), OK);
	again = whole(&b);
	assert_true(slice_equal(buf_slice(&text), buf_slice(&again)));
	buf_fini(&text);
	buf_fini(&again);
	end(&b);
}

static void test_cut(void **state)
{
	struct bench b;
	struct output_mark marks[2];
	struct buf text;
	unsigned seen[3] = {0};

	(void)state;
	begin(&b);
	fill(&b, marks);
	text = whole(&b);
	for (size_t len = 0; len <= text.len; len += len > 700 && len + 900 < text.len ? 31 : 1) {
		struct output_mark mark = {3, 4, 1000};

		put(&b, slice_cut(buf_slice(&text), 0, len));
		if (len > 0 && len < sizeof("serai-watch-state 1\n") - 1) {
			/* written whole or not at all: never so by a crash */
			assert_int_equal(reopen(&b), ERR_CORRUPT);
			continue;
		}
		assert_int_equal(reopen(&b), OK);
		seen[stands(&b)]++;
		/* and it goes on from there */
		if (len % 128 != 0)
			continue;
		assert_int_equal(places_commit(b.s, &mark, b.t, b.site, &b.e), OK);
		assert_int_equal(reopen(&b), OK);
		assert_true(places_mark(b.s, &mark));
		assert_int_equal(mark.size, 1000);
	}
	assert_true(seen[0] > 0 && seen[1] > 0);
	assert_int_equal(seen[2], 1);
	buf_fini(&text);
	end(&b);
}

static void test_altered(void **state)
{
	struct bench b;
	struct output_mark marks[2];
	struct buf text;
	size_t refused = 0, tried = 0;

	(void)state;
	begin(&b);
	fill(&b, marks);
	text = whole(&b);
	for (size_t at = 0; at<text.len; at += at> 700 && at + 900 < text.len ? 37 : 1) {
		enum err_kind kind;

		text.data[at] ^= 1;
		put(&b, buf_slice(&text));
		text.data[at] ^= 1;
		kind = reopen(&b);
		tried++;
		if (kind == OK) {
			/* a commit that is no longer one: the same as cut off, never a mixture */
			assert_true(stands(&b) < 2);
			continue;
		}
		assert_int_equal(kind, ERR_CORRUPT);
		assert_non_null(strstr(b.e.text, b.folder));
		refused++;
	}
	assert_true(refused > tried * 9 / 10);
	buf_fini(&text);
	end(&b);
}

/* Lines that hash well but say nothing: our own bytes, yet not to be believed blindly. */
static void test_bad_lines(void **state)
{
	static const char *const lines[] = {
		"nonsense 1 2\n",
		"key 00\n",
		"place 1 2 3 4 5 00 - -\n",
		"place 1 2 3 4 257 "
		"0000000000000000000000000000000000000000000000000000000000000000 - YQ\n",
		"place 1 2 3 4 5 "
		"0000000000000000000000000000000000000000000000000000000000000000 - -\n",
		"row 0000000000000000 00000000-0000-0000-0000-000000000000 1 1 0 0 0\n",
		"row 0000000000000001 00000000-0000-0000-0000-000000000000 1 1 0 0 2\n",
		"row 0000000000000001 00000000-0000-0000-0000-000000000000 -1 1 0 0 0\n",
		"row 0000000000000001 00000000-0000-0000-0000-000000000000 1 1 0 "
		"9223372036854775808 0\n",
		"indicator 0000000000000001 1 1 1025 00\n",
		"site 65537 -\n",
		"site 1 YQ\n",
		"output 1 2\n",
		"gone 1\n",
	};
	struct bench b;

	(void)state;
	begin(&b);
	for (size_t k = 0; k < COUNT_OF(lines); k++) {
		struct buf text = BUF_INIT;
		uint8_t digest[SHA256_LEN];

		hash_sha256(slice_of(lines[k]), digest);
		buf_printf(&text, "serai-watch-state 1\n%scommit ", lines[k]);
		hex_append(&text, digest, sizeof(digest));
		buf_char(&text, '\n');
		put(&b, buf_slice(&text));
		assert_int_equal(reopen(&b), ERR_CORRUPT);
		assert_non_null(strstr(b.e.text, "line 2"));
		buf_fini(&text);
	}
	end(&b);
}

/* The line is told as it stands in the file, in later transactions too. */
static void test_line_number(void **state)
{
	struct bench b;
	struct output_mark marks[2];
	struct buf text;
	uint8_t digest[SHA256_LEN];
	size_t lines = 0;
	char expected[32];

	(void)state;
	begin(&b);
	fill(&b, marks);
	text = whole(&b);
	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n';
	hash_sha256(SLICE("gone 1 9\nnonsense\n"), digest);
	buf_text(&text, "gone 1 9\nnonsense\ncommit ");
	hex_append(&text, digest, sizeof(digest));
	buf_char(&text, '\n');
	put(&b, buf_slice(&text));
	assert_int_equal(reopen(&b), ERR_CORRUPT);
	snprintf(expected, sizeof(expected), "line %zu: ", lines + 2);
	assert_non_null(strstr(b.e.text, expected));
	buf_fini(&text);
	end(&b);
}

static void test_gone(void **state)
{
	struct bench b;
	struct output_mark marks[2];

	(void)state;
	begin(&b);
	fill(&b, marks);
	assert_non_null(places_place_add(b.s, 1, 3, "other"));
	places_place(b.s, 1, 2)->gone = true;
	assert_int_equal(places_commit(b.s, &marks[1], b.t, b.site, &b.e), OK);
	assert_null(places_place(b.s, 1, 2));
	assert_int_equal(reopen(&b), OK);
	assert_null(places_place(b.s, 1, 2));
	assert_non_null(places_place(b.s, 1, 3));
	end(&b);
}

static void test_limit(void **state)
{
	struct bench b;
	ino_t i;

	(void)state;
	begin(&b);
	assert_int_equal(reopen(&b), OK);
	for (i = 1; i <= 4 * SENSOR_SOURCES_MAX; i++)
		assert_non_null(places_place_add(b.s, 1, i, "x"));
	assert_null(places_place_add(b.s, 1, i, "x"));
	end(&b);
}

/* A long run: the file is written anew and stays small, and says the same. */
static void test_growth(void **state)
{
	struct bench b;
	struct output_mark marks[2];
	uint64_t largest = 0;
	unsigned shrunk = 0;
	uint64_t before = 0;
	struct stat st;

	(void)state;
	begin(&b);
	fill(&b, marks);
	for (unsigned round = 0; round < 40; round++) {
		struct tally_row gone, *row;
		bool fresh;

		row = tally_row(b.t, 77, &fresh, &gone);
		for (unsigned k = 0; k < 4000; k++)
			places_row(b.s, row);
		assert_int_equal(places_commit(b.s, &marks[1], b.t, b.site, &b.e), OK);
		assert_int_equal(stat(b.path, &st), 0);
		shrunk += (uint64_t)st.st_size < before;
		before = (uint64_t)st.st_size;
		largest = before > largest ? before : largest;
	}
	assert_true(shrunk >= 1);
	assert_true(largest < MIB(6));
	assert_int_equal(reopen(&b), OK);
	assert_int_equal(stands(&b), 2);
	end(&b);
}

static void test_nowhere(void **state)
{
	struct places *s = NULL;
	struct err e;

	(void)state;
	assert_int_not_equal(places_open("/proc/nowhere", &s, &e), OK);
	assert_null(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reopen),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_altered),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_line_number),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
