/* SPDX-License-Identifier: MPL-2.0 */
/* What is found: by values, fields, references, words. */
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inside.h"
#include "store_testing.h"

/* ---- search ---------------------------------------------------------------------------------- */

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
		assert_string_equal(testing_find(t, "198.51.100.7", false), "6@1 3@1 2@1 1@1");
		assert_string_equal(testing_find(t, "198.51.100.8", false), "6@1 3@1 2@1");
		assert_string_equal(testing_find(t, "198.51.99.255", false), "6@1 3@1");
		assert_string_equal(testing_find(t, "192.0.2.1", false), "6@1");
		/* a network: what is in it, and what it is in */
		assert_string_equal(testing_find(t, "198.51.100.0/25", false), "6@1 3@1 2@1 1@1");
		assert_string_equal(
			testing_find(t, "198.51.100.0/23", false), "6@1 5@1 3@1 2@1 1@1");
		assert_string_equal(testing_find(t, "198.51.100.8/29", false), "6@1 3@1 2@1");
		assert_string_equal(testing_find(t, "2001:db8::1", false), "4@1");
		assert_string_equal(testing_find(t, "2001:db8:1::/48", false), "4@1");
		assert_string_equal(testing_find(t, "203.0.113.9", false), "7@1 6@1");
		/* names: exact, or with all below, at the dot only */
		assert_string_equal(testing_find(t, "evil.example", false), "1@1");
		assert_string_equal(testing_find(t, "evil.example", true), "2@1 1@1");
		assert_string_equal(testing_find(t, "example", true), "3@1 2@1 1@1");
		assert_string_equal(testing_find(t, "vil.example", true), "");
		assert_string_equal(testing_find(t, "http://evil.example/x", false), "4@1");
		assert_string_equal(
			testing_find(t, "D41D8CD98F00B204E9800998ECF8427E", false), "5@1");
		testing_merge(t);
	}
	testing_verify(t);
	/* some merged, some waiting */
	testing_put(t,
		(struct object_words){
			.id = 8, .version_us = 1, .values = {"198.51.100.7", "b.evil.example"}
        },
		NULL);
	assert_string_equal(testing_find(t, "198.51.100.7", false), "8@1 6@1 3@1 2@1 1@1");
	assert_string_equal(testing_find(t, "evil.example", true), "8@1 2@1 1@1");
	assert_string_equal(testing_find(t, "b.evil.example", false), "8@1");
	testing_verify(t);
}

/* More hits than are collected: then they are met one by one, in the same order. */
static void test_common_values(void **state)
{
	struct testing *t = *state;
	struct stix_value name = testing_value(t, "example"),
			  address = testing_value(t, "10.0.0.0/8");
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
	testing_merge(t);
	for (int round = 0; round < 2; round++) {
		struct store_search q = {.value = round == 0 ? &name : &address,
			.value_suffix = true,
			.audience = EVERYBODY};
		struct store_reader *r = testing_reader(t);
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
		testing_merge(t);
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
	r = testing_reader(t);
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
		testing_remove(t, c[0], gone[i]);
	testing_verify(t);
	r = testing_reader(t);
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
		assert_string_equal(testing_words(t, "beacon"), "4@1 2@1 1@1");
		assert_string_equal(testing_words(t, "BEACON dark"), "2@1");
		assert_string_equal(testing_words(t, "  beacon\tstrike "), "1@1");
		assert_string_equal(testing_words(t, "beac"), "");
		assert_string_equal(testing_words(t, "beac*"), "4@1 2@1 1@1");
		assert_string_equal(testing_words(t, "strik* beacon"), "1@1");
		assert_string_equal(testing_words(t, "starke"), "2@1"); /* accents do not matter */
		/* what stands together must be found together */
		assert_string_equal(testing_words(t, "CVE-2021-44228"), "1@1");
		assert_string_equal(testing_words(t, "44228 2021 cve"), "3@1 1@1");
		assert_string_equal(testing_words(t, "T1059.001"), "3@1");
		assert_string_equal(testing_words(t, "T1059.00*"), "3@1");
		assert_string_equal(testing_words(t, "beacon.example"), "4@1");
		assert_string_equal(
			testing_words(t, "beacon OR dark\""), ""); /* no language, only words */
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
	struct store_reader *r = testing_reader(t);
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
	testing_remove(t, c[0], 2); /* indexed */
	testing_remove(t, c[0], 4); /* not yet */
	assert_string_equal(testing_words(t, "falcon"), "5@1 3@1 1@1");
	ASSERT_OK(t, store_index_text(t->store, &t->e));
	assert_string_equal(testing_words(t, "falcon"), "5@1 3@1 1@1");
	testing_remove(t, c[0], 5);
	ASSERT_OK(t, store_index_text(t->store, &t->e));
	assert_string_equal(testing_words(t, "falcon"), "3@1 1@1");
	testing_verify(t);
	testing_close(t);
	testing_open(t, STORE_WRITE);
	testing_put(t, (struct object_words){.id = 6, .version_us = 1, .name = "falcon"}, c);
	ASSERT_OK(t, store_index_text(t->store, &t->e));
	assert_string_equal(testing_words(t, "falcon"), "6@1 3@1 1@1");
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
		assert_string_equal(testing_words(t, "falcon"), "1@1");
		testing_close(t);
		testing_open(t, STORE_WRITE);
		assert_string_equal(testing_words(t, "falcon"), "1@1");
		ASSERT_OK(t, store_index_text(t->store, &t->e));
		assert_string_equal(testing_words(t, "falcon"), "1@1");
		testing_verify(t);
	}
}

/* A reader that cannot open it finds all the same. */
static void test_text_shut(void **state)
{
	struct testing *t = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/text.db", t->folder);
	testing_put(t, (struct object_words){.id = 1, .version_us = 1, .name = "falcon"}, NULL);
	testing_close(t);
	remove(path);
	assert_int_equal(mkdir(path, 0700), 0);
	testing_open(t, STORE_READ);
	assert_string_equal(testing_words(t, "falcon"), "1@1");
	testing_close(t);
	testing_open(t, STORE_WRITE);
	assert_string_equal(testing_words(t, "falcon"), "1@1");
	assert_int_not_equal(store_index_text(t->store, &t->e), OK); /* it says why */
	assert_string_equal(testing_words(t, "falcon"), "1@1");
	assert_int_equal(rmdir(path), 0);
	ASSERT_OK(t, store_index_text(t->store, &t->e));
	assert_string_equal(testing_words(t, "falcon"), "1@1");
	testing_verify(t);
}

#define REMADE 300 /* times, while readers open it */

struct remaking {
	struct store *store;
	_Atomic bool done;
	bool good;
};

static void *remake(void *argument)
{
	struct remaking *m = argument;
	struct err e;

	m->good = true;
	for (unsigned i = 0; i < REMADE && m->good; i++) {
		m->store->text.damaged = true;
		m->good = store_index_text(m->store, &e) == OK;
	}
	m->done = true;
	return NULL;
}

/* It is made again and again while readers open it. */
static void test_text_remade_beside(void **state)
{
	struct testing *t = *state;
	struct remaking m = {.store = t->store};
	unsigned wrong = 0;
	pthread_t thread;

	testing_put(t, (struct object_words){.id = 1, .version_us = 1, .name = "falcon"}, NULL);
	assert_int_equal(pthread_create(&thread, NULL, remake, &m), 0);
	while (!m.done)
		wrong += strcmp(testing_words(t, "falcon"), "1@1") != 0;
	pthread_join(thread, NULL);
	assert_true(m.good);
	assert_int_equal(wrong, 0);
	assert_int_equal(t->store->text.generation, REMADE);
	testing_verify(t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, testing_setup, testing_teardown)
	const struct CMUnitTest tests[] = {
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
		TEST(test_text_shut),
		TEST(test_text_remade_beside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
