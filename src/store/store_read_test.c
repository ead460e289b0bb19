/* SPDX-License-Identifier: MPL-2.0 */
/* What comes out: pages, versions, searches, text, removal, snapshots, figures. */
#include "store_testing.h"

static struct store_reader *take(struct testing *t)
{
	struct store_reader *r;

	ASSERT_OK(t, store_reader_take(t->store, &r, &t->e));
	return r;
}

static const char *page_rows(struct testing *t, struct store_page p)
{
	struct store_reader *r = take(t);
	struct store_cursor *c;
	const char *rows;

	if (p.audience.may == NULL)
		p.audience = EVERYBODY;
	if (p.collection == 0)
		p.collection = 1;
	if (p.after_us == 0)
		p.after_us = INT64_MIN;
	ASSERT_OK(t, store_page_open(r, &p, &c, &t->e));
	rows = testing_rows(t, c);
	store_reader_give(r);
	return rows;
}

static const char *search_rows(struct testing *t, struct store_search q)
{
	struct store_reader *r = take(t);
	struct store_cursor *c;
	const char *rows;

	if (q.audience.may == NULL)
		q.audience = EVERYBODY;
	ASSERT_OK(t, store_search_open(r, &q, &c, &t->e));
	rows = testing_rows(t, c);
	store_reader_give(r);
	return rows;
}

#define PAGE(...)   page_rows(t, (struct store_page){__VA_ARGS__})
#define SEARCH(...) search_rows(t, (struct store_search){__VA_ARGS__})

static void remove_one(struct testing *t, int64_t collection, unsigned id)
{
	struct uuid uuid = id_of(id);
	uint64_t removed;

	ASSERT_OK(t, store_remove(t->store, collection, SLICE("indicator"), &uuid,
			     STORE_ALL_VERSIONS, &removed, &t->e));
	assert_int_equal(removed, 1);
}

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

static bool may_label(void *context, uint32_t label)
{
	return label != *(const uint32_t *)context;
}

static bool may_none(void *context, uint32_t label)
{
	(void)context;
	(void)label;
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
	r = take(t);
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

	r = take(t);
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
	r = take(t);
	ASSERT_OK(t, store_page_open(r, &p, &cursor, &t->e));
	ASSERT_OK(t, store_cursor_next(cursor, &row, &more, &t->e));
	testing_put(t, (struct object_words){.id = 4, .version_us = 1}, c);
	testing_put(t, (struct object_words){.id = 2, .version_us = 2}, c);
	remove_one(t, c[0], 3);
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
	r = take(t);
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
	r = take(t);
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

/* ---- search ---------------------------------------------------------------------------------- */

static struct stix_value value_of(struct testing *t, const char *text)
{
	struct stix_value v;

	if (stix_value_guess(slice_of(text), t->arena, &v))
		return v;
	v = (struct stix_value){.kind = STIX_VALUE_NAME}; /* one label alone is no guess */
	if (!stix_value_key(v.kind, slice_of(text), t->arena, &v.key))
		fail_msg("no value: %s", text);
	return v;
}

static const char *find(struct testing *t, const char *text, bool suffix)
{
	struct stix_value v = value_of(t, text);

	return SEARCH(.value = &v, .value_suffix = suffix);
}

/* Everything is asked twice: while the values wait, and when they are merged into the index. */
static void merge(struct testing *t)
{
	ASSERT_OK(t, store_idle(t->store, &t->e));
	ASSERT_OK(t, store_idle(t->store, &t->e));
}

static void test_values(void **state)
{
	struct testing *t = *state;

	testing_put(t,
		(struct object_words){
			.id = 1, .version_us = 1, .values = {"198.51.100.7", "evil.example"}
        },
		NULL);
	testing_put(t,
		(struct object_words){
			.id = 2, .version_us = 1, .values = {"198.51.100.0/24", "a.evil.example"}
        },
		NULL);
	testing_put(t,
		(struct object_words){
			.id = 3, .version_us = 1, .values = {"198.51.0.0/16", "notevil.example"}
        },
		NULL);
	testing_put(t,
		(struct object_words){
			.id = 4,
			.version_us = 1,
			.values = {"2001:db8::/32", "2001:db8::1", "http://evil.example/x"}
        },
		NULL);
	testing_put(t,
		(struct object_words){
			.id = 5,
			.version_us = 1,
			.values = {"d41d8cd98f00b204e9800998ecf8427e", "198.51.101.0"}
        },
		NULL);
	testing_put(
		t, (struct object_words){.id = 6, .version_us = 1, .values = {"0.0.0.0/0"}}, NULL);
	/* twice in one object */
	testing_put(t,
		(struct object_words){
			.id = 7, .version_us = 1, .values = {"203.0.113.9", "203.0.113.9"}
        },
		NULL);
	for (int round = 0; round < 2; round++) {
		/* an address: itself, and the networks around it */
		assert_string_equal(find(t, "198.51.100.7", false), "6@1 3@1 2@1 1@1");
		assert_string_equal(find(t, "198.51.100.8", false), "6@1 3@1 2@1");
		assert_string_equal(find(t, "198.51.99.255", false), "6@1 3@1");
		assert_string_equal(find(t, "192.0.2.1", false), "6@1");
		/* a network: what is in it, and what it is in */
		assert_string_equal(find(t, "198.51.100.0/25", false), "6@1 3@1 2@1 1@1");
		assert_string_equal(find(t, "198.51.100.0/23", false), "6@1 5@1 3@1 2@1 1@1");
		assert_string_equal(find(t, "198.51.100.8/29", false), "6@1 3@1 2@1");
		assert_string_equal(find(t, "2001:db8::1", false), "4@1");
		assert_string_equal(find(t, "2001:db8:1::/48", false), "4@1");
		assert_string_equal(find(t, "203.0.113.9", false), "7@1 6@1");
		/* names: exact, or with all below, at the dot only */
		assert_string_equal(find(t, "evil.example", false), "1@1");
		assert_string_equal(find(t, "evil.example", true), "2@1 1@1");
		assert_string_equal(find(t, "example", true), "3@1 2@1 1@1");
		assert_string_equal(find(t, "vil.example", true), "");
		assert_string_equal(find(t, "http://evil.example/x", false), "4@1");
		assert_string_equal(find(t, "D41D8CD98F00B204E9800998ECF8427E", false), "5@1");
		merge(t);
	}
	testing_verify(t);
	/* some merged, some waiting */
	testing_put(t,
		(struct object_words){
			.id = 8, .version_us = 1, .values = {"198.51.100.7", "b.evil.example"}
        },
		NULL);
	assert_string_equal(find(t, "198.51.100.7", false), "8@1 6@1 3@1 2@1 1@1");
	assert_string_equal(find(t, "evil.example", true), "8@1 2@1 1@1");
	assert_string_equal(find(t, "b.evil.example", false), "8@1");
	testing_verify(t);
}

/* More hits than are collected: then they are met one by one, in the same order. */
static void test_common_values(void **state)
{
	struct testing *t = *state;
	struct stix_value name = value_of(t, "example"), address = value_of(t, "10.0.0.0/8");
	struct store_object *objects = ARENA_ARRAY(t->arena, struct store_object, 3000);
	struct store_result *results = ARENA_ARRAY(t->arena, struct store_result, 3000);
	struct store_batch batch = {.objects = objects, .count = 3000, .member = SLICE("self")};
	struct slice tool = SLICE("tool");
	int64_t last = INT64_MAX;

	for (unsigned round = 0; round < 6; round++) {
		for (unsigned i = 0; i < 3000; i++) {
			unsigned n = round * 3000 + i + 1;

			objects[i] = testing_object(
				t, (struct object_words){
					   .id = n,
					   .version_us = 1,
					   .values = {arena_printf(t->arena, "h%u.example", n).data,
						      arena_printf(
							   t->arena, "10.0.%u.%u", n / 250, n % 250)
							   .data}
                        });
		}
		ASSERT_OK(t, store_append(t->store, &batch, results, &t->e));
	}
	testing_put(t,
		(struct object_words){
			.type = "tool",
			.id = 99999,
			.version_us = 1,
			.values = {"rare.example", "192.0.2.1"}
        },
		NULL);
	merge(t);
	for (int round = 0; round < 2; round++) {
		struct store_search q = {.value = round == 0 ? &name : &address,
			.value_suffix = true,
			.audience = EVERYBODY};
		struct store_reader *r = take(t);
		struct store_cursor *c;
		struct store_row row;
		unsigned count = 0;
		bool more = true;

		ASSERT_OK(t, store_search_open(r, &q, &c, &t->e));
		for (last = INT64_MAX;; count++) {
			ASSERT_OK(t, store_cursor_next(c, &row, &more, &t->e));
			if (!more)
				break;
			assert_true(row.serial < last);
			last = row.serial;
		}
		store_cursor_free(c);
		store_reader_give(r);
		assert_int_equal(count, round == 0 ? 18001 : 18000);
	}
	/* with something rare it is quick, and right */
	assert_string_equal(
		SEARCH(.value = &name, .value_suffix = true, .types = &tool, .types_count = 1),
		"99999@1");
	testing_verify(t);
}

static void test_fields(void **state)
{
	struct testing *t = *state;
	int64_t one[] = {testing_collection(t, 1), 0}, two[] = {testing_collection(t, 2), 0};
	const struct slice types[] = {SLICE("malware"), SLICE("indicator")};
	const struct stix_id creator = {SLICE("indicator"), id_of(50)};
	const struct stix_id target = {SLICE("indicator"), id_of(51)};
	const struct uuid marks[] = {id_of(90), id_of(91)};

	testing_put(t,
		(struct object_words){.id = 1,
			.version_us = 100,
			.refs = {50},
			.property = "created_by_ref",
			.labels = "red\nblue team"},
		one);
	testing_put(t,
		(struct object_words){.type = "malware",
			.id = 2,
			.version_us = 200,
			.refs = {51},
			.marks = {90},
			.labels = "blue"},
		two);
	testing_put(t,
		(struct object_words){
			.id = 3, .version_us = 300, .refs = {50, 51}
        },
		one);
	testing_put(t,
		(struct object_words){
			.id = 3,
			.version_us = 400,
			.refs = {51 },
			.property = "created_by_ref",
			.marks = { 91, 92}
        },
		one);
	for (int round = 0; round < 2; round++) {
		assert_string_equal(SEARCH(.every_version = true), "3@400 3@300 2@200 1@100");
		assert_string_equal(SEARCH(.every_version = false), "3@400 2@200 1@100");
		assert_string_equal(SEARCH(.types = types, .types_count = 1), "2@200");
		assert_string_equal(SEARCH(.types = types, .types_count = 2), "3@400 2@200 1@100");
		assert_string_equal(SEARCH(.creator = &creator), "1@100");
		assert_string_equal(SEARCH(.creator = &target), "3@400");
		assert_string_equal(SEARCH(.refers_to = &target), "3@400 2@200");
		assert_string_equal(SEARCH(.refers_to = &creator), "1@100"); /* 3@300 is old */
		assert_string_equal(
			SEARCH(.refers_to = &creator, .every_version = true), "3@300 1@100");
		assert_string_equal(SEARCH(.label = SLICE("blue team")), "1@100");
		assert_string_equal(SEARCH(.label = SLICE("blue")), "2@200");
		assert_string_equal(SEARCH(.label = SLICE("team")), "");
		assert_string_equal(
			SEARCH(.markings_any = marks, .markings_any_count = 2), "3@400 2@200");
		assert_string_equal(
			SEARCH(.markings_any = marks, .markings_any_count = 1), "2@200");
		assert_string_equal(SEARCH(.collection = one[0]), "3@400 1@100");
		assert_string_equal(SEARCH(.collection = two[0]), "2@200");
		assert_string_equal(SEARCH(.since_us = 200), "3@400 2@200");
		assert_string_equal(SEARCH(.until_us = 200), "1@100");
		assert_string_equal(SEARCH(.since_us = 200, .until_us = 201), "2@200");
		assert_string_equal(SEARCH(.before_serial = 3), "2@200 1@100");
		assert_string_equal(SEARCH(.before_serial = 1), "");
		/* all of them at once */
		assert_string_equal(SEARCH(.refers_to = &target, .types = types, .types_count = 2,
					    .markings_any = marks, .markings_any_count = 2,
					    .since_us = 1, .collection = two[0]),
			"2@200");
		assert_string_equal(
			SEARCH(.refers_to = &target, .collection = two[0], .label = SLICE("red")),
			"");
		merge(t);
	}
}

/* In a collection the newest is the collection's newest. */
static void test_search_collection_latest(void **state)
{
	struct testing *t = *state;
	int64_t one[] = {testing_collection(t, 1), 0}, two[] = {testing_collection(t, 2), 0};

	testing_put(t, (struct object_words){.id = 1, .version_us = 1}, one);
	testing_put(t, (struct object_words){.id = 1, .version_us = 2}, two);
	assert_string_equal(SEARCH(.collection = one[0]), "1@1");
	assert_string_equal(SEARCH(.collection = two[0]), "1@2");
	assert_string_equal(SEARCH(.collection = 0), "1@2");
}

static void test_referrers(void **state)
{
	struct testing *t = *state;
	struct uuid id = id_of(1), none = id_of(77);
	struct store_cursor *c;
	struct store_reader *r;

	testing_put(t, (struct object_words){.id = 2, .version_us = 1, .refs = {1}}, NULL);
	testing_put(t,
		(struct object_words){
			.id = 3, .version_us = 1, .refs = {1, 1},
                                .property = "source_ref"
        },
		NULL);
	testing_put(t, (struct object_words){.id = 2, .version_us = 2}, NULL); /* no longer */
	r = take(t);
	ASSERT_OK(t, store_referrers_open(r, SLICE("indicator"), &id, EVERYBODY, &c, &t->e));
	assert_string_equal(testing_rows(t, c), "3@1");
	ASSERT_OK(t, store_referrers_open(r, SLICE("indicator"), &none, EVERYBODY, &c, &t->e));
	assert_string_equal(testing_rows(t, c), "");
	store_reader_give(r);
	testing_verify(t);
}

/* Many referrers share rows; rows are cut, emptied and begun anew. */
static void test_many_referrers(void **state)
{
	struct testing *t = *state;
	int64_t c[] = {testing_collection(t, 1), 0};
	struct store_object *objects = ARENA_ARRAY(t->arena, struct store_object, 1300);
	struct store_result *results = ARENA_ARRAY(t->arena, struct store_result, 1300);
	struct store_batch batch = {.objects = objects,
		.count = 1300,
		.collections = c,
		.collections_count = 1,
		.member = SLICE("self")};
	const struct stix_id target = {SLICE("indicator"), id_of(5000)};
	const unsigned gone[] = {1, 2, 512, 513, 600, 1024, 1025, 1300, 1299, 1301};
	struct store_search q = {.refers_to = &target, .audience = EVERYBODY};
	struct store_reader *r;
	struct store_cursor *cursor;
	struct store_row row;
	unsigned count = 0;
	bool more = true;

	for (unsigned i = 0; i < 1300; i++)
		objects[i] = testing_object(
			t, (struct object_words){
				   .id = i + 1, .version_us = 1, .refs = {5000, 5000}
                });
	ASSERT_OK(t, store_append(t->store, &batch, results, &t->e));
	testing_put(t, (struct object_words){.id = 1301, .version_us = 1, .refs = {5000}}, c);
	testing_put(t, (struct object_words){.id = 1302, .version_us = 1, .refs = {5000}}, c);
	testing_verify(t);
	for (size_t i = 0; i < COUNT_OF(gone); i++)
		remove_one(t, c[0], gone[i]);
	testing_verify(t);
	r = take(t);
	ASSERT_OK(t, store_search_open(r, &q, &cursor, &t->e));
	for (unsigned id = 1302; more; id--) {
		bool is_gone = false;

		for (size_t i = 0; i < COUNT_OF(gone); i++)
			is_gone = is_gone || gone[i] == id;
		if (is_gone)
			continue;
		ASSERT_OK(t, store_cursor_next(cursor, &row, &more, &t->e));
		if (!more)
			break;
		assert_int_equal(row.serial, id);
		count++;
	}
	assert_int_equal(count, 1302 - COUNT_OF(gone));
	store_cursor_free(cursor);
	store_reader_give(r);
	/* far down at once, with something rare */
	testing_put(t,
		(struct object_words){.type = "tool", .id = 7, .version_us = 1, .refs = {5000}},
		NULL);
	assert_string_equal(SEARCH(.refers_to = &target, .before_serial = 6), "5@1 4@1 3@1");
	/* the target's marking reaches all of them */
	testing_put(t, (struct object_words){.id = 5000, .version_us = 1, .marks = {9}}, NULL);
	testing_verify(t);
}

/* ---- text ------------------------------------------------------------------------------------ */

static const char *words(struct testing *t, const char *text)
{
	return SEARCH(.text = slice_of(text));
}

static void test_text(void **state)
{
	struct testing *t = *state;
	const struct slice types[] = {SLICE("malware")};

	testing_put(t,
		(struct object_words){.id = 1,
			.version_us = 1,
			.name = "Cobalt Strike beacon",
			.extra = "\"description\":\"seen by CVE-2021-44228\""},
		NULL);
	testing_put(t,
		(struct object_words){.type = "malware",
			.id = 2,
			.version_us = 1,
			.name = "Beacon in the dark",
			.extra = "\"aliases\":[\"Kobaltstrike\",\"St\\u00e4rke\"]"},
		NULL);
	testing_put(t,
		(struct object_words){.id = 3,
			.version_us = 1,
			.name = "2021 nothing 44228 CVE",
			.extra = "\"external_references\":[{\"source_name\":\"x\","
				 "\"external_id\":\"T1059.001\"}]"},
		NULL);
	testing_put(t,
		(struct object_words){
			.id = 4, .version_us = 1, .extra = "\"value\":\"beacon.example\""},
		NULL);
	for (int round = 0; round < 3; round++) {
		assert_string_equal(words(t, "beacon"), "4@1 2@1 1@1");
		assert_string_equal(words(t, "BEACON dark"), "2@1");
		assert_string_equal(words(t, "  beacon\tstrike "), "1@1");
		assert_string_equal(words(t, "beac"), "");
		assert_string_equal(words(t, "beac*"), "4@1 2@1 1@1");
		assert_string_equal(words(t, "strik* beacon"), "1@1");
		assert_string_equal(words(t, "starke"), "2@1"); /* accents do not matter */
		/* what stands together must be found together */
		assert_string_equal(words(t, "CVE-2021-44228"), "1@1");
		assert_string_equal(words(t, "44228 2021 cve"), "3@1 1@1");
		assert_string_equal(words(t, "T1059.001"), "3@1");
		assert_string_equal(words(t, "T1059.00*"), "3@1");
		assert_string_equal(words(t, "beacon.example"), "4@1");
		assert_string_equal(words(t, "beacon OR dark\""), ""); /* no language, only words */
		assert_string_equal(
			SEARCH(.text = SLICE("beacon"), .types = types, .types_count = 1), "2@1");
		assert_string_equal(
			SEARCH(.text = SLICE("strike"), .types = types, .types_count = 1), "");
		if (round == 0)
			ASSERT_OK(t, store_index_text(t->store, &t->e));
		if (round == 1) {
			testing_close(t);
			testing_open(t, STORE_READ);
		}
	}
}

static void test_text_words_missing(void **state)
{
	struct testing *t = *state;
	struct store_search q = {.audience = EVERYBODY};
	struct store_reader *r = take(t);
	struct buf many = BUF_INIT;
	struct store_cursor *c;

	q.text = SLICE("-- ...");
	assert_int_equal(store_search_open(r, &q, &c, &t->e), ERR_USAGE);
	q.text = SLICE("*");
	assert_int_equal(store_search_open(r, &q, &c, &t->e), ERR_USAGE);
	q.text = SLICE("be*");
	assert_int_equal(store_search_open(r, &q, &c, &t->e), ERR_USAGE);
	q.text = SLICE("bea*");
	ASSERT_OK(t, store_search_open(r, &q, &c, &t->e));
	store_cursor_free(c);
	for (unsigned i = 0; i < 64; i++)
		buf_printf(&many, "w%u ", i);
	q.text = buf_slice(&many);
	ASSERT_OK(t, store_search_open(r, &q, &c, &t->e));
	store_cursor_free(c);
	buf_text(&many, "one-too-many");
	q.text = buf_slice(&many);
	assert_int_equal(store_search_open(r, &q, &c, &t->e), ERR_LIMIT);
	store_reader_give(r);
	buf_fini(&many);
}

/* Partly indexed, removed from, behind and ahead: always the same answer. */
static void test_text_lags(void **state)
{
	struct testing *t = *state;
	int64_t c[] = {testing_collection(t, 1), 0};

	for (unsigned i = 1; i <= 3; i++)
		testing_put(
			t, (struct object_words){.id = i, .version_us = 1, .name = "falcon"}, c);
	ASSERT_OK(t, store_index_text(t->store, &t->e));
	for (unsigned i = 4; i <= 5; i++)
		testing_put(
			t, (struct object_words){.id = i, .version_us = 1, .name = "falcon"}, c);
	remove_one(t, c[0], 2); /* indexed */
	remove_one(t, c[0], 4); /* not yet */
	assert_string_equal(words(t, "falcon"), "5@1 3@1 1@1");
	ASSERT_OK(t, store_index_text(t->store, &t->e));
	assert_string_equal(words(t, "falcon"), "5@1 3@1 1@1");
	remove_one(t, c[0], 5);
	ASSERT_OK(t, store_index_text(t->store, &t->e));
	assert_string_equal(words(t, "falcon"), "3@1 1@1");
	testing_verify(t);
	testing_close(t);
	testing_open(t, STORE_WRITE);
	testing_put(t, (struct object_words){.id = 6, .version_us = 1, .name = "falcon"}, c);
	ASSERT_OK(t, store_index_text(t->store, &t->e));
	assert_string_equal(words(t, "falcon"), "6@1 3@1 1@1");
	testing_verify(t);
}

/* The index is lost, empty, of another store or no database at all: it is made again. */
static void test_text_remade(void **state)
{
	static const char *const contents[] = {NULL, "",
		"this is no database, but long enough to be "
		"looked at as if it were one"};
	struct testing *t = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/text.db", t->folder);
	testing_put(t, (struct object_words){.id = 1, .version_us = 1, .name = "falcon"}, NULL);
	for (size_t i = 0; i < COUNT_OF(contents); i++) {
		testing_close(t);
		remove(path);
		if (contents[i] != NULL)
			ASSERT_OK(t, file_write_atomic(path, slice_of(contents[i]), 0600, &t->e));
		testing_open(t, STORE_READ); /* nobody to make it: found all the same */
		assert_string_equal(words(t, "falcon"), "1@1");
		testing_close(t);
		testing_open(t, STORE_WRITE);
		assert_string_equal(words(t, "falcon"), "1@1");
		ASSERT_OK(t, store_index_text(t->store, &t->e));
		assert_string_equal(words(t, "falcon"), "1@1");
		testing_verify(t);
	}
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
	merge(t);
	remove_one(t, c[0], 1);
	assert_string_equal(find(t, "192.0.2.1", false), "");
	assert_string_equal(words(t, "secretword"), "");
	assert_string_equal(SEARCH(.refers_to = &target), "");
	assert_string_equal(SEARCH(.label = SLICE("x")), "");
	assert_string_equal(PAGE(.versions = STORE_EVERY), "2@1");
	ASSERT_OK(t, store_index_text(t->store, &t->e));
	r = take(t);
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
	struct store_reader *r = take(t);
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
	r = take(t);
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
		TEST(test_values),
		TEST(test_common_values),
		TEST(test_fields),
		TEST(test_search_collection_latest),
		TEST(test_referrers),
		TEST(test_many_referrers),
		TEST(test_text),
		TEST(test_text_words_missing),
		TEST(test_text_lags),
		TEST(test_text_remade),
		TEST(test_remove_leaves_nothing),
		TEST(test_collection_delete),
		TEST(test_stats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
