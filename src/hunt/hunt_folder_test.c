/* SPDX-License-Identifier: MPL-2.0 */
/* A folder of history: its limits, damage, logs that move, writers side by side, forgetting. */
#include "hunt_testing.h"

#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "segment.h"

/* ---- many values ----------------------------------------------------------------------------- */

/* Over three segments: nothing is missed, strangers are found as seldom as promised. */
static void many_values(void **state)
{
	enum { PER_SEGMENT = 20000, STRANGERS = 20000 };
	struct site *s = *state;
	struct hunt_question *q = hunt_question_new(), *strangers = hunt_question_new(),
			     *below = hunt_question_new();
	struct filler *f = filler_new();
	struct hunt_writer *w = writer(s);
	struct hunt_totals t;
	struct answer a;
	struct err e;
	char text[64];

	for (unsigned i = 0; i < 3 * PER_SEGMENT; i++) {
		if (i > 0 && i % PER_SEGMENT == 0) {
			flush(f, w);
			assert_int_equal(hunt_writer_finish(w, &e), OK);
		}
		if (f->batch.records_count == BATCH_RECORDS)
			flush(f, w);
		(void)snprintf(text, sizeof(text), "host%u.site%u.example", i, i % 1000);
		record_add(f);
		field_add(f, FIELD_NAME, slice_of(text));
		assert_int_equal(hunt_question_value(q, FIELD_NAME, slice_of(text), &e), OK);
	}
	flush(f, w);
	finish(w);
	for (unsigned i = 0; i < STRANGERS; i++) {
		(void)snprintf(text, sizeof(text), "stranger%u.example", i);
		assert_int_equal(
			hunt_question_value(strangers, FIELD_NAME, slice_of(text), &e), OK);
		(void)snprintf(text, sizeof(text), "stranger%u.site%u.example", i, i % 1000);
		assert_int_equal(hunt_question_value(below, FIELD_NAME, slice_of(text), &e), OK);
	}
	a = ask(s, q);
	assert_int_equal(a.segments, 3);
	assert_in_range(a.values, 3 * PER_SEGMENT, 3 * PER_SEGMENT + 30);
	a = ask(s, strangers);
	assert_in_range(a.values, 0, 10); /* one expected */
	a = ask(s, below);
	assert_in_range(a.values, 1, 45); /* 15 expected: one in 4,096 */
	assert_int_equal(hunt_totals(s->history, &t, &e), OK);
	assert_int_equal(t.segments, 3);
	assert_int_equal(t.records, 3 * PER_SEGMENT);
	assert_int_equal(t.log_bytes, 3 * PER_SEGMENT * 100);
	assert_int_equal(t.damaged, 0);
	hunt_question_free(q);
	hunt_question_free(strangers);
	hunt_question_free(below);
	free(f);
}

/* A segment has HUNT_SEGMENT_RECORDS records, the next one begins with the next. */
static void segment_limit(void **state)
{
	struct site *s = *state;
	struct hunt_writer *w = writer(s);
	struct filler *f = filler_new();
	struct hunt_totals t;
	struct answer a;
	struct err e;

	for (unsigned i = 0; i < HUNT_SEGMENT_RECORDS; i++) {
		record_add(f);
		if (f->batch.records_count == BATCH_RECORDS)
			flush(f, w);
	}
	flush(f, w);
	assert_int_equal(hunt_totals(s->history, &t, &e), OK);
	assert_int_equal(t.segments, 0);
	record_add(f);
	field_add(f, FIELD_NAME, SLICE("evil.example"));
	flush(f, w);
	assert_int_equal(hunt_totals(s->history, &t, &e), OK);
	assert_int_equal(t.segments, 1);
	assert_int_equal(t.records, HUNT_SEGMENT_RECORDS);
	finish(w);
	a = ask_one(s, FIELD_NAME, "evil.example");
	assert_int_equal(a.segments, 1);
	assert_int_equal(a.last.first_record, HUNT_SEGMENT_RECORDS + 1);
	assert_int_equal(a.last.records, 1);
	assert_int_equal(a.last.offset, HUNT_SEGMENT_RECORDS * UINT64_C(100));
	assert_int_equal(a.last.bytes, 100);
	free(f);
}

/* With HUNT_KEYS_MAX different values a segment ends early; both then hold the record. */
static void keys_limit(void **state)
{
	enum { PER_RECORD = 500 };
	struct site *s = *state;
	struct hunt_writer *w = writer(s);
	struct filler *f = filler_new();
	struct hunt_totals t = {0};
	uint32_t address = 0;
	uint64_t before = 0;
	struct answer a;
	struct err e;

	while (t.segments == 0 && address < HUNT_KEYS_MAX + 4 * BATCH_FIELDS) {
		record_add(f);
		for (unsigned i = 0; i < PER_RECORD; i++) {
			uint8_t bytes[4];

			put_u32(bytes, address++);
			field_add(f, FIELD_ADDRESS + FIELD_KINDS,
				(struct slice){(const char *)bytes, sizeof(bytes)});
		}
		flush(f, w);
		if (address < HUNT_KEYS_MAX - HUNT_KEYS_MAX / 50)
			continue;
		before = t.segments == 0 ? f->number : before;
		assert_int_equal(hunt_totals(s->history, &t, &e), OK);
	}
	assert_int_equal(t.segments, 1);
	assert_int_equal(t.records, before);
	finish(w);
	a = ask_one(s, FIELD_ADDRESS, "0.0.0.0");
	assert_int_equal(a.segments, 1);
	a = ask_one(s, FIELD_ADDRESS, "0.61.0.0/16"); /* 4,000,000 is 0.61.9.0 */
	assert_in_range(a.segments, 1, 2);
	assert_int_equal(a.last.first_record, before);
	free(f);
}

/* ---- damage ---------------------------------------------------------------------------------- */

static void only_file(struct site *s, char ret_path[512])
{
	struct folder_names n;
	struct err e;

	assert_int_equal(folder_list(s->history, false, &n, &e), OK);
	assert_int_equal(n.count, 1);
	(void)snprintf(ret_path, 512, "%s/%s", s->history, n.name[0]);
	folder_names_free(&n);
}

/* Cut off or altered at any byte: told, never "not found". */
static void damaged(void **state)
{
	struct site *s = *state;
	struct buf file = BUF_INIT;
	struct hunt_totals t;
	char path[512];
	struct err e;

	segment_put(s, FIELD_NAME, "evil.example", NOW);
	only_file(s, path);
	assert_int_equal(file_read(path, MIB(1), &file, &e), OK);
	for (size_t at = 0; at < file.len; at++) {
		struct segment_facts facts;
		struct segment_filters f;

		file.data[at] ^= 0x20;
		assert_int_not_equal(segment_parse(buf_slice(&file), &facts, &f, &e), OK);
		file.data[at] ^= 0x20;
		assert_int_not_equal(
			segment_parse(slice_cut(buf_slice(&file), 0, at), &facts, &f, &e), OK);
	}
	file.data[file.len - 40] ^= 1; /* a cell */
	assert_int_equal(file_write_atomic(path, buf_slice(&file), 0600, &e), OK);
	assert_int_equal(ask_one(s, FIELD_NAME, "evil.example").damaged, 1);
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(ask_one(s, FIELD_NAME, "evil.example").damaged, 1);
	assert_int_equal(hunt_totals(s->history, &t, &e), OK);
	assert_int_equal(t.damaged, 1);
	assert_int_equal(t.segments, 0);
	buf_fini(&file);
}

static void key_missing(void **state)
{
	struct site *s = *state;
	struct hunt_question *q = hunt_question_new();
	struct answer a = {0};
	struct stat st;
	char path[512];
	struct err e;

	segment_put(s, FIELD_NAME, "evil.example", NOW);
	(void)snprintf(path, sizeof(path), "%s/key", s->history);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(hunt_ask(s->history, q, on_segment, NULL, &a, &e), ERR_CORRUPT);
	/* The sensor goes on under a new key; what was is told as damaged. */
	world_fake_init(&s->world, 2, NOW);
	segment_put(s, FIELD_NAME, "evil.example", NOW + 1);
	a = ask_one(s, FIELD_NAME, "evil.example");
	assert_int_equal(a.segments, 1);
	assert_int_equal(a.damaged, 1);
	hunt_question_free(q);
}

/* ---- logs that move, writers side by side, forgetting ---------------------------------------- */

static void rotation(void **state)
{
	struct site *s = *state;
	char moved[128];
	struct answer a;

	file_put(s->log, "#separator \\x09\nold line\n");
	segment_put(s, FIELD_NAME, "evil.example", NOW);
	a = ask_one(s, FIELD_NAME, "evil.example");
	assert_int_equal(a.gone, 0);
	assert_string_equal(a.path, s->log);
	(void)snprintf(moved, sizeof(moved), "%s.1", s->log);
	assert_int_equal(rename(s->log, moved), 0);
	a = ask_one(s, FIELD_NAME, "evil.example");
	assert_int_equal(a.gone, 0);
	assert_string_equal(a.path, moved);
	file_put(s->log, "#separator \\x09\nnew line of another file\n");
	a = ask_one(s, FIELD_NAME, "evil.example");
	assert_string_equal(a.path, moved);
	assert_int_equal(truncate(moved, 3), 0); /* the same file, but cut */
	a = ask_one(s, FIELD_NAME, "evil.example");
	assert_int_equal(a.gone, 1);
	assert_string_equal(a.path, s->log);
	file_put(moved, "xseparator \\x09\nold line\n"); /* another beginning */
	assert_int_equal(ask_one(s, FIELD_NAME, "evil.example").gone, 1);
}

static void two_writers(void **state)
{
	struct site *s = *state;
	struct hunt_writer *a = writer(s), *b = writer(s);
	struct filler *f = filler_new();
	struct answer found;

	record_add(f);
	field_add(f, FIELD_NAME, SLICE("evil.example"));
	assert_true(hunt_writer_batch(a, &f->batch));
	f->batch.records[0].time_us -= 5;
	assert_true(hunt_writer_batch(b, &f->batch));
	finish(a);
	finish(b);
	found = ask_one(s, FIELD_NAME, "evil.example");
	assert_int_equal(found.segments, 2);
	assert_int_equal(found.times[0], NOW - 5);
	assert_int_equal(found.times[1], NOW);
	free(f);
}

static void prune(void **state)
{
	struct site *s = *state;
	struct hunt_totals t;
	uint64_t removed;
	struct err e;

	segment_put(s, FIELD_NAME, "evil.example", NOW);
	segment_put(s, FIELD_NAME, "evil.example", NOW + 10);
	assert_int_equal(hunt_prune(s->history, NOW, &removed, &e), OK);
	assert_int_equal(removed, 0);
	assert_int_equal(hunt_prune(s->history, NOW + 1, &removed, &e), OK);
	assert_int_equal(removed, 1);
	assert_int_equal(hunt_totals(s->history, &t, &e), OK);
	assert_int_equal(t.segments, 1);
	assert_int_equal(t.first_us, NOW + 10);
	assert_int_equal(t.last_us, NOW + 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(many_values, site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(segment_limit, site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(keys_limit, site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(damaged, site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(key_missing, site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(rotation, site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(two_writers, site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(prune, site_setup, site_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
