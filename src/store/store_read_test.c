/* SPDX-License-Identifier: MPL-2.0 */
/* What comes out: pages, versions, snapshots, removal, figures. */
#include "store_testing.h"

/* ---- pages ----------------------------------------------------------------------------------- */

static void test_page_filters(void **state)
{
	struct testing *t = *state;
	int64_t c[] = {testing_collection(t, 1), 0}, other[] = {testing_collection(t, 2), 0};
	const struct slice types[] = {SLICE("malware"), SLICE("tool"), SLICE("nothing-here")};
	const struct stix_id ids[] = {
		{SLICE("indicator"),    id_of(2) },
                {SLICE("malware"),      id_of(3) },
		{SLICE("indicator"),    id_of(2) },
                {SLICE("indicator"),    id_of(99)},
		{SLICE("no-such-type"), id_of(2) }
        };
	int64_t at[] = {20, 11, T0 + 4};

	world_fake_advance(&t->world, 0);
	testing_put(t, (struct object_words){.id = 1, .version_us = 10}, c);
	testing_put(t, (struct object_words){.id = 2, .version_us = 20}, c);
	testing_put(t, (struct object_words){.type = "malware", .id = 3, .version_us = 10}, c);
	testing_put(t, (struct object_words){.id = 2, .version_us = 21}, c);
	testing_put(
		t, (struct object_words){.type = "tool", .id = 4}, c); /* unversioned, at T0+4 */
	testing_put(t, (struct object_words){.id = 2, .version_us = 19}, c);
	testing_put(t, (struct object_words){.id = 5, .version_us = 10}, other);

	assert_string_equal(PAGE(.versions = 0), "1@10 3@10 2@21 4");
	assert_string_equal(PAGE(.versions = STORE_LAST), "1@10 3@10 2@21 4");
	assert_string_equal(PAGE(.versions = STORE_FIRST), "1@10 3@10 4 2@19");
	assert_string_equal(PAGE(.versions = STORE_EVERY), "1@10 2@20 3@10 2@21 4 2@19");
	assert_string_equal(PAGE(.versions = STORE_FIRST | STORE_LAST), "1@10 3@10 2@21 4 2@19");
	/* exact versions; what has none counts as of the time it was added */
	assert_string_equal(PAGE(.versions = STORE_AT, .at_us = at, .at_count = 3), "2@20 4");
	assert_string_equal(PAGE(.versions = STORE_AT | STORE_FIRST, .at_us = at, .at_count = 1),
		"1@10 2@20 3@10 4 2@19");
	assert_string_equal(PAGE(.versions = STORE_AT), "");

	/* after is exclusive; the first was added at T0 */
	assert_string_equal(PAGE(.versions = STORE_EVERY, .after_us = T0 + 2), "2@21 4 2@19");
	assert_string_equal(PAGE(.versions = STORE_EVERY, .after_us = T0 + 5), "");

	assert_string_equal(PAGE(.types = types, .types_count = 1), "3@10");
	assert_string_equal(PAGE(.types = types, .types_count = 3), "3@10 4");
	assert_string_equal(PAGE(.types = types + 2, .types_count = 1), "");
	assert_string_equal(
		PAGE(.ids = ids, .ids_count = 5, .versions = STORE_EVERY), "2@20 3@10 2@21 2@19");
	assert_string_equal(PAGE(.ids = ids, .ids_count = 1), "2@21");
	assert_string_equal(PAGE(.ids = ids + 3, .ids_count = 2), "");
	assert_string_equal(
		PAGE(.ids = ids, .ids_count = 2, .types = types, .types_count = 1), "3@10");
	assert_string_equal(
		PAGE(.ids = ids, .ids_count = 1, .versions = STORE_EVERY, .after_us = T0 + 1),
		"2@21 2@19");
	assert_string_equal(PAGE(.collection = other[0]), "5@10");
	assert_string_equal(PAGE(.collection = 77), "");
}

static bool may_label(void *context, const struct store_row *row)
{
	return row->label != *(const uint32_t *)context;
}

static bool may_none(void *context, const struct store_row *row)
{
	(void)context;
	(void)row;
	return false;
}

static void test_audience(void **state)
{
	struct testing *t = *state;
	int64_t c[] = {testing_collection(t, 1), 0};
	uint32_t secret;
	struct store_audience but_secret = {may_label, &secret};
	struct store_audience nobody = {may_none, NULL}, forgotten = {0};
	struct store_reader *r;
	struct store_cursor *cursor;
	struct store_row row;
	struct uuid id = id_of(2);
	bool found;

	testing_put(t, (struct object_words){.id = 1, .version_us = 1}, c);
	testing_put(t, (struct object_words){.id = 2, .version_us = 1, .marks = {9}}, c);
	testing_put(t, (struct object_words){.id = 3, .version_us = 1, .refs = {2}}, c);
	r = testing_reader(t);
	ASSERT_OK(t, store_get(r, SLICE("indicator"), &id, EVERYBODY, &row, NULL, &found, &t->e));
	assert_true(found);
	secret = row.label;
	ASSERT_OK(t, store_get(r, SLICE("indicator"), &id, but_secret, &row, NULL, &found, &t->e));
	assert_false(found);
	/* an audience that nobody set sees nothing */
	ASSERT_OK(t, store_get(r, SLICE("indicator"), &id, forgotten, &row, NULL, &found, &t->e));
	assert_false(found);
	store_reader_give(r);

	/* 3 refers to 2, so it has its label */
	assert_string_equal(PAGE(.audience = but_secret), "1@1");
	assert_string_equal(PAGE(.audience = nobody), "");
	assert_string_equal(SEARCH(.audience = but_secret), "1@1");
	assert_string_equal(SEARCH(.audience = nobody), "");

	r = testing_reader(t);
	ASSERT_OK(
		t, store_versions_open(r, 0, SLICE("indicator"), &id, but_secret, &cursor, &t->e));
	assert_string_equal(testing_rows(t, cursor), "");
	ASSERT_OK(t, store_referrers_open(r, SLICE("indicator"), &id, but_secret, &cursor, &t->e));
	assert_string_equal(testing_rows(t, cursor), "");
	ASSERT_OK(t, store_all_open(r, 0, true, but_secret, &cursor, &t->e));
	assert_string_equal(testing_rows(t, cursor), "1@1");
	store_reader_give(r);
}

/* A page is of one moment, whatever is written meanwhile. */
static void test_snapshot(void **state)
{
	struct testing *t = *state;
	int64_t c[] = {testing_collection(t, 1), 0};
	struct store_page p = {.collection = c[0], .after_us = INT64_MIN, .audience = EVERYBODY};
	struct store_reader *r;
	struct store_cursor *cursor;
	struct store_row row;
	struct uuid id = id_of(4);
	bool more, found;

	for (unsigned i = 1; i <= 3; i++)
		testing_put(t, (struct object_words){.id = i, .version_us = 1}, c);
	r = testing_reader(t);
	ASSERT_OK(t, store_page_open(r, &p, &cursor, &t->e));
	ASSERT_OK(t, store_cursor_next(cursor, &row, &more, &t->e));
	testing_put(t, (struct object_words){.id = 4, .version_us = 1}, c);
	testing_put(t, (struct object_words){.id = 2, .version_us = 2}, c);
	testing_remove(t, c[0], 3);
	assert_string_equal(testing_rows(t, cursor), "2@1 3@1");
	ASSERT_OK(t, store_get(r, SLICE("indicator"), &id, EVERYBODY, &row, NULL, &found, &t->e));
	assert_false(found);
	store_reader_give(r);
	assert_string_equal(PAGE(.versions = STORE_LAST), "1@1 4@1 2@2");
}

/* Two cursors of one kind on one reader do not disturb each other. */
static void test_cursors_together(void **state)
{
	struct testing *t = *state;
	int64_t c[] = {testing_collection(t, 1), 0};
	struct store_page p = {.collection = c[0], .after_us = INT64_MIN, .audience = EVERYBODY};
	struct store_reader *r;
	struct store_cursor *one, *two;
	struct store_row row;
	struct buf body = BUF_INIT;
	bool more;

	for (unsigned i = 1; i <= 4; i++)
		testing_put(t, (struct object_words){.id = i, .version_us = 1}, c);
	r = testing_reader(t);
	ASSERT_OK(t, store_page_open(r, &p, &one, &t->e));
	ASSERT_OK(t, store_page_open(r, &p, &two, &t->e));
	assert_int_equal(store_cursor_body(one, &body, &t->e), ERR_USAGE);
	for (unsigned i = 1; i <= 4; i++) {
		ASSERT_OK(t, store_cursor_next(one, &row, &more, &t->e));
		assert_true(more && row.uuid.bytes[15] == i);
		ASSERT_OK(t, store_cursor_body(one, &body, &t->e));
		if (i % 2 == 0) {
			ASSERT_OK(t, store_cursor_next(two, &row, &more, &t->e));
			assert_true(more && row.uuid.bytes[15] == i / 2);
		}
	}
	/* the end stays the end */
	for (unsigned i = 0; i < 3; i++) {
		ASSERT_OK(t, store_cursor_next(one, &row, &more, &t->e));
		assert_false(more);
	}
	store_cursor_free(one);
	assert_string_equal(testing_rows(t, two), "3@1 4@1");
	store_reader_give(r);
	buf_fini(&body);
}

static void test_versions(void **state)
{
	struct testing *t = *state;
	int64_t one[] = {testing_collection(t, 1), 0}, two[] = {testing_collection(t, 2), 0};
	struct uuid id = id_of(1), none = id_of(9);
	struct store_cursor *c;
	struct store_reader *r;
	struct store_row row;
	bool more;

	testing_put(t, (struct object_words){.id = 1, .version_us = 3}, one);
	testing_put(t, (struct object_words){.id = 1, .version_us = 1}, one);
	testing_put(t, (struct object_words){.id = 1, .version_us = 2}, two);
	testing_put(t, (struct object_words){.id = 2, .version_us = 2, .refs = {9}}, two);
	r = testing_reader(t);
	ASSERT_OK(t, store_versions_open(r, 0, SLICE("indicator"), &id, EVERYBODY, &c, &t->e));
	assert_string_equal(testing_rows(t, c), "1@1 1@2 1@3");
	ASSERT_OK(t, store_versions_open(r, one[0], SLICE("indicator"), &id, EVERYBODY, &c, &t->e));
	assert_string_equal(testing_rows(t, c), "1@1 1@3");
	ASSERT_OK(t, store_versions_open(r, two[0], SLICE("indicator"), &id, EVERYBODY, &c, &t->e));
	ASSERT_OK(t, store_cursor_next(c, &row, &more, &t->e));
	assert_true(more && row.latest); /* in that collection */
	assert_int_equal(row.date_added_us, T0);
	store_cursor_free(c);
	/* referred to, but never here; and not even that */
	ASSERT_OK(t, store_versions_open(r, 0, SLICE("indicator"), &none, EVERYBODY, &c, &t->e));
	assert_string_equal(testing_rows(t, c), "");
	ASSERT_OK(t, store_versions_open(r, 0, SLICE("tool"), &id, EVERYBODY, &c, &t->e));
	assert_string_equal(testing_rows(t, c), "");
	ASSERT_OK(t, store_all_open(r, 0, true, EVERYBODY, &c, &t->e));
	assert_string_equal(testing_rows(t, c), "1@3 1@1 1@2 2@2");
	ASSERT_OK(t, store_all_open(r, 1, false, EVERYBODY, &c, &t->e));
	assert_string_equal(testing_rows(t, c), "2@2");
	store_reader_give(r);
}

/* ---- removal --------------------------------------------------------------------------------- */

static void test_remove_leaves_nothing(void **state)
{
	struct testing *t = *state;
	int64_t c[] = {testing_collection(t, 1), 0};
	struct store_type_count *types;
	const struct stix_id target = {SLICE("indicator"), id_of(9)};
	struct store_stats stats;
	struct store_reader *r;
	struct buf body = BUF_INIT;
	size_t count;
	bool found;

	testing_put(t,
		(struct object_words){
			.id = 1,
			.version_us = 1,
			.name = "secretword",
			.refs = {9              },
			.values = { "192.0.2.1", "evil.example"},
			.labels = "x"
        },
		c);
	testing_put(t, (struct object_words){.id = 2, .version_us = 1, .name = "other"}, c);
	testing_merge(t);
	testing_remove(t, c[0], 1);
	assert_string_equal(testing_find(t, "192.0.2.1", false), "");
	assert_string_equal(testing_words(t, "secretword"), "");
	assert_string_equal(SEARCH(.refers_to = &target), "");
	assert_string_equal(SEARCH(.label = SLICE("x")), "");
	assert_string_equal(PAGE(.versions = STORE_EVERY), "2@1");
	ASSERT_OK(t, store_index_text(t->store, &t->e));
	r = testing_reader(t);
	ASSERT_OK(t, store_get_serial(r, 1, &body, &found, &t->e));
	assert_false(found);
	ASSERT_OK(t, store_get_serial(r, 2, &body, &found, &t->e));
	assert_true(found && body.len > 0);
	ASSERT_OK(t, store_stats(r, t->arena, &stats, &types, &count, &t->e));
	assert_int_equal(stats.objects, 1);
	assert_int_equal(stats.distinct, 1);
	assert_int_equal(stats.references, 0);
	assert_int_equal(stats.values, 0);
	assert_int_equal(stats.entries, 1);
	assert_int_equal(stats.body_bytes, body.len);
	assert_int_equal(count, 1);
	assert_int_equal(types[0].objects, 1);
	store_reader_give(r);
	buf_fini(&body);
	testing_verify(t);

	/* and the bytes are gone from the file, once the log has been moved into it */
	testing_close(t);
	{
		char path[128];
		struct buf file = BUF_INIT;

		snprintf(path, sizeof(path), "%s/store.db", t->folder);
		ASSERT_OK(t, file_read(path, MIB(64), &file, &t->e));
		assert_int_equal(slice_find_text(buf_slice(&file), SLICE("secretword")), file.len);
		assert_true(slice_find_text(buf_slice(&file), SLICE("other")) < file.len);
		buf_fini(&file);
	}
	testing_open(t, STORE_WRITE);
}

static void test_collection_delete(void **state)
{
	struct testing *t = *state;
	int64_t one[] = {testing_collection(t, 1), 0}, two[] = {testing_collection(t, 2), 0};
	int64_t both[] = {one[0], two[0], 0}, three;

	for (unsigned i = 1; i <= 1500; i++) /* more than one step of the sweep */
		testing_put(t, (struct object_words){.id = i, .version_us = 1},
			i % 100 == 0 ? both : one);
	ASSERT_OK(t, store_collection_delete(t->store, one[0], &t->e));
	assert_int_equal(store_collection_delete(t->store, one[0], &t->e), ERR_USAGE);
	assert_string_equal(PAGE(.collection = one[0]), "");
	assert_string_equal(SEARCH(.every_version = true),
		"1500@1 1400@1 1300@1 1200@1 1100@1 1000@1 900@1 800@1 700@1 600@1 500@1 400@1 "
		"300@1 "
		"200@1 100@1");
	three = testing_collection(t, 3);
	assert_true(three > two[0]); /* numbers are not used twice */
	testing_verify(t);
}

/* ---- figures --------------------------------------------------------------------------------- */

static void test_stats(void **state)
{
	struct testing *t = *state;
	int64_t c[] = {testing_collection(t, 1), testing_collection(t, 2), 0};
	struct store_type_count *types;
	struct store_stats stats;
	struct store_reader *r = testing_reader(t);
	size_t count;

	ASSERT_OK(t, store_stats(r, t->arena, &stats, &types, &count, &t->e));
	assert_int_equal(stats.objects, 0);
	assert_int_equal(stats.first_added_us, 0);
	assert_int_equal(count, 0);
	store_reader_give(r);
	testing_put(t,
		(struct object_words){
			.id = 1, .version_us = 1, .refs = {2,  3, 2},
                                .values = {"192.0.2.1"}
        },
		c);
	world_fake_advance(&t->world, 100);
	testing_put(t, (struct object_words){.id = 1, .version_us = 2}, c);
	testing_put(t, (struct object_words){.type = "tool", .id = 1, .labels = "a\nb"}, NULL);
	testing_put(t, (struct object_words){.id = 1, .version_us = 2, .name = "lie"}, NULL);
	r = testing_reader(t);
	ASSERT_OK(t, store_stats(r, t->arena, &stats, &types, &count, &t->e));
	store_reader_give(r);
	assert_int_equal(stats.objects, 3);
	assert_int_equal(stats.distinct, 2);
	assert_int_equal(stats.references, 2);
	assert_int_equal(stats.values, 3);
	assert_int_equal(stats.collections, 2);
	assert_int_equal(stats.entries, 4);
	assert_int_equal(stats.evidence, 1);
	assert_int_equal(stats.accounts, 0);
	assert_int_equal(stats.first_added_us, T0);
	assert_int_equal(stats.last_added_us, T0 + 101);
	assert_true(stats.packed_bytes > 0 && stats.disk_bytes > stats.packed_bytes);
	assert_int_equal(count, 2);
	testing_verify(t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, testing_setup, testing_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_page_filters),
		TEST(test_audience),
		TEST(test_snapshot),
		TEST(test_cursors_together),
		TEST(test_versions),
		TEST(test_remove_leaves_nothing),
		TEST(test_collection_delete),
		TEST(test_stats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
