/* SPDX-License-Identifier: MPL-2.0 */
/* Labels: joined, widened, never narrowed. */
#include "store_testing.h"

/* The newest version's row and body. */
static struct store_row get(struct testing *t, unsigned id, struct buf *body)
{
	struct uuid uuid = id_of(id);
	struct store_reader *r;
	struct store_row row;
	bool found;

	ASSERT_OK(t, store_reader_take(t->store, &r, &t->e));
	ASSERT_OK(t, store_get(r, SLICE("indicator"), &uuid, EVERYBODY, &row, body, &found, &t->e));
	store_reader_give(r);
	assert_true(found);
	return row;
}

/* The markings of the newest version, as numbers: "1 2". */
static const char *label_of(struct testing *t, unsigned id)
{
	struct store_row row = get(t, id, NULL);
	enum stix_marking_kind *kinds;
	struct store_reader *r;
	struct uuid *markings;
	struct slice text = SLICE("");
	size_t count;

	ASSERT_OK(t, store_reader_take(t->store, &r, &t->e));
	ASSERT_OK(t, store_label_get(r, row.label, t->arena, &markings, &kinds, &count, &t->e));
	store_reader_give(r);
	for (size_t i = 0; i < count; i++)
		text = arena_printf(t->arena, "%.*s%s%u", SLICE_ARG(text), i > 0 ? " " : "",
			markings[i].bytes[15]);
	return text.data;
}

static void test_labels_join(void **state)
{
	struct testing *t = *state;

	testing_put(t, (struct object_words){.id = 1, .version_us = 1, .marks = {10}}, NULL);
	/* own and the target's */
	testing_put(t, (struct object_words){.id = 2, .version_us = 1, .refs = {1}, .marks = {11}},
		NULL);
	assert_string_equal(label_of(t, 2), "10 11");
	/* one step only: 3 refers to 2, whose own marking is 11 */
	testing_put(t, (struct object_words){.id = 3, .version_us = 1, .refs = {2}}, NULL);
	assert_string_equal(label_of(t, 3), "11");
	/* the same set has the same number */
	testing_put(t,
		(struct object_words){
			.id = 4, .version_us = 1, .marks = {10, 11}
        },
		NULL);
	assert_int_equal(get(t, 4, NULL).label, get(t, 2, NULL).label);
	testing_put(t, (struct object_words){.id = 5, .version_us = 1}, NULL);
	assert_int_equal(get(t, 5, NULL).label, 0);
	testing_verify(t);
}

static void test_labels_widen(void **state)
{
	struct testing *t = *state;
	uint64_t epoch = store_label_epoch(t->store);

	/* the target comes after those who refer to it: in a later transaction ... */
	testing_put(t, (struct object_words){.id = 1, .version_us = 1, .refs = {9}}, NULL);
	testing_put(t, (struct object_words){.id = 2, .version_us = 1, .refs = {9}, .marks = {3}},
		NULL);
	assert_string_equal(label_of(t, 1), "");
	assert_int_equal(store_label_epoch(t->store), epoch);
	testing_put(t, (struct object_words){.id = 9, .version_us = 5, .marks = {7}}, NULL);
	assert_string_equal(label_of(t, 1), "7");
	assert_string_equal(label_of(t, 2), "3 7");
	assert_true(store_label_epoch(t->store) > epoch);
	/* ... with other markings in another version, also an older one ... */
	testing_put(t, (struct object_words){.id = 9, .version_us = 6, .marks = {8}}, NULL);
	testing_put(t, (struct object_words){.id = 9, .version_us = 4, .marks = {6}}, NULL);
	assert_string_equal(label_of(t, 1), "6 7 8");
	/* ... and without: labels never narrow */
	testing_put(t, (struct object_words){.id = 9, .version_us = 7}, NULL);
	assert_string_equal(label_of(t, 1), "6 7 8");
	assert_string_equal(label_of(t, 9), "");
	testing_verify(t);
}

/* Within one batch, in both orders, and to itself. */
static void test_labels_batch(void **state)
{
	struct testing *t = *state;
	struct store_object objects[] = {
		testing_object(t, (struct object_words){.id = 1,          .version_us = 1,   .refs = {2, 1}}
                  ),
		testing_object(t,
			(struct object_words){ .id = 2, .version_us = 1,       .refs = {1},   .marks = {5}}
                  ),
		testing_object(t,
			(struct object_words){
							.id = 3, .version_us = 1, .refs = {2, 2, 3},   .marks = {4}}
                  ),
	};
	struct store_batch batch = {.objects = objects, .count = 3, .member = SLICE("self")};
	struct store_result results[3];

	ASSERT_OK(t, store_append(t->store, &batch, results, &t->e));
	assert_string_equal(label_of(t, 1), "5");
	assert_string_equal(label_of(t, 2), "5");
	assert_string_equal(label_of(t, 3), "4 5");
	testing_verify(t);
}

static void put_marking(
	struct testing *t, unsigned id, enum stix_marking_kind kind, int64_t version)
{
	testing_put(t,
		(struct object_words){.type = "marking-definition",
			.id = id,
			.version_us = version,
			.marking_kind = kind},
		NULL);
}

static void test_statements_stay(void **state)
{
	struct testing *t = *state;

	/* a marking known to be a statement concerns only what it marks */
	put_marking(t, 50, STIX_MARKING_STATEMENT, 1);
	testing_put(t,
		(struct object_words){
			.id = 1, .version_us = 1, .marks = {50, 51}
        },
		NULL);
	testing_put(t, (struct object_words){.id = 2, .version_us = 1, .refs = {1}}, NULL);
	assert_string_equal(label_of(t, 1), "50 51");
	assert_string_equal(label_of(t, 2), "51");
	/* one that nobody knows is passed on, and stays so when it turns out to be a statement */
	put_marking(t, 51, STIX_MARKING_STATEMENT, 1);
	assert_string_equal(label_of(t, 2), "51");
	testing_put(t, (struct object_words){.id = 3, .version_us = 1, .refs = {1}}, NULL);
	assert_string_equal(label_of(t, 3), "");
	testing_verify(t);
	/* a second definition of the same id that says otherwise: it is not to be trusted, and is
	 * passed on after all */
	put_marking(t, 50, STIX_MARKING_UNKNOWN, 2);
	assert_string_equal(label_of(t, 2), "50 51");
	assert_string_equal(label_of(t, 3), "50");
	put_marking(t, 50, STIX_MARKING_STATEMENT, 3);
	testing_put(t, (struct object_words){.id = 4, .version_us = 1, .refs = {1}}, NULL);
	assert_string_equal(label_of(t, 4), "50");
	testing_verify(t);
}

static void test_marking_kinds(void **state)
{
	struct testing *t = *state;
	int64_t c[] = {testing_collection(t, 1), 0};
	struct uuid red, statement = id_of(50);
	struct store_object o = testing_object(t, (struct object_words){.id = 1, .version_us = 1});
	struct uuid marks[4] = {id_of(50), id_of(51), id_of(52)};
	struct store_batch batch = {.objects = &o, .count = 1, .member = SLICE("self")};
	enum stix_marking_kind *kinds;
	struct store_reader *r;
	struct store_result result;
	struct uuid *markings;
	uint64_t removed, epoch;
	size_t count;

	assert_true(uuid_parse(SLICE("5e57c739-391a-4eb3-b6be-7d15ca92d5ed"), &red));
	marks[3] = red;
	o.markings = marks;
	o.markings_count = 4;
	ASSERT_OK(t, store_append(t->store, &batch, &result, &t->e));
	epoch = store_label_epoch(t->store);
	testing_put(t,
		(struct object_words){.type = "marking-definition",
			.id = 50,
			.version_us = 1,
			.marking_kind = STIX_MARKING_STATEMENT},
		c);
	assert_true(store_label_epoch(t->store) > epoch);
	put_marking(t, 51, STIX_MARKING_TLP, 1); /* so it says, but under an id that is no TLP */
	ASSERT_OK(t, store_reader_take(t->store, &r, &t->e));
	ASSERT_OK(t, store_label_get(r, 1, t->arena, &markings, &kinds, &count, &t->e));
	assert_int_equal(count, 4);
	assert_int_equal(kinds[0], STIX_MARKING_STATEMENT);
	assert_int_equal(kinds[1], STIX_MARKING_UNKNOWN);
	assert_int_equal(kinds[2], STIX_MARKING_UNKNOWN);
	assert_int_equal(kinds[3], STIX_MARKING_TLP);
	store_reader_give(r);

	/* its definition goes: it is unknown again */
	epoch = store_label_epoch(t->store);
	ASSERT_OK(t, store_remove(t->store, c[0], SLICE("marking-definition"), &statement,
			     STORE_ALL_VERSIONS, &removed, &t->e));
	assert_true(store_label_epoch(t->store) > epoch);
	ASSERT_OK(t, store_reader_take(t->store, &r, &t->e));
	ASSERT_OK(t, store_label_get(r, 1, t->arena, &markings, &kinds, &count, &t->e));
	assert_int_equal(kinds[0], STIX_MARKING_UNKNOWN);
	ASSERT_OK(t, store_label_get(r, 0, t->arena, &markings, &kinds, &count, &t->e));
	assert_int_equal(count, 0);
	assert_int_equal(
		store_label_get(r, 77, t->arena, &markings, &kinds, &count, &t->e), ERR_CORRUPT);
	store_reader_give(r);
	testing_verify(t);
}

static enum stix_marking_kind kind_of(struct testing *t, uint32_t label)
{
	enum stix_marking_kind *kinds, kind;
	struct store_reader *r;
	struct uuid *markings;
	size_t count;

	ASSERT_OK(t, store_reader_take(t->store, &r, &t->e));
	ASSERT_OK(t, store_label_get(r, label, t->arena, &markings, &kinds, &count, &t->e));
	assert_int_equal(count, 1);
	kind = kinds[0];
	store_reader_give(r);
	return kind;
}

/* What restricts is passed on; a second definition of the id, of another version or of the same, is
 * one too many. */
static void test_restrictions(void **state)
{
	struct testing *t = *state;
	int64_t c[] = {testing_collection(t, 1), 0};
	struct object_words words = {.type = "marking-definition",
		.id = 50,
		.version_us = 1,
		.marking_kind = STIX_MARKING_RESTRICTION};
	struct uuid id = id_of(50);
	uint64_t removed, epoch;

	testing_put(t, words, c);
	testing_put(t, (struct object_words){.id = 1, .version_us = 1, .marks = {50}}, NULL);
	testing_put(t, (struct object_words){.id = 2, .version_us = 1, .refs = {1}}, NULL);
	assert_string_equal(label_of(t, 2), "50");
	assert_int_equal(kind_of(t, 1), STIX_MARKING_RESTRICTION);
	epoch = store_label_epoch(t->store);
	assert_int_equal(testing_put(t, words, c).outcome, STORE_DUPLICATE);
	assert_int_equal(store_label_epoch(t->store), epoch);
	/* taken out and put back */
	ASSERT_OK(t, store_remove(t->store, c[0], SLICE("marking-definition"), &id,
			     STORE_ALL_VERSIONS, &removed, &t->e));
	assert_int_equal(kind_of(t, 1), STIX_MARKING_UNKNOWN);
	testing_put(t, words, c);
	assert_int_equal(kind_of(t, 1), STIX_MARKING_RESTRICTION);
	/* another version of it */
	words.version_us = 2;
	epoch = store_label_epoch(t->store);
	testing_put(t, words, c);
	assert_int_equal(kind_of(t, 1), STIX_MARKING_UNKNOWN);
	assert_true(store_label_epoch(t->store) > epoch);
	testing_verify(t);
}

static void test_definitions_conflict(void **state)
{
	static const enum stix_marking_kind kinds[] = {
		STIX_MARKING_STATEMENT, STIX_MARKING_RESTRICTION};
	struct testing *t = *state;
	uint64_t epoch;

	for (unsigned i = 0; i < COUNT_OF(kinds); i++) {
		struct object_words words = {.type = "marking-definition",
			.id = 50 + i,
			.version_us = 1,
			.name = "a",
			.marking_kind = kinds[i]};

		testing_put(t, words, NULL);
		testing_put(t,
			(struct object_words){.id = 1 + i, .version_us = 1, .marks = {50 + i}},
			NULL);
		assert_int_equal(kind_of(t, i + 1), kinds[i]);
		words.name = "b";
		words.marking_kind = STIX_MARKING_RESTRICTION;
		epoch = store_label_epoch(t->store);
		assert_int_equal(testing_put(t, words, NULL).outcome, STORE_CONFLICT);
		assert_int_equal(kind_of(t, i + 1), STIX_MARKING_UNKNOWN);
		assert_true(store_label_epoch(t->store) > epoch);
		/* and once more changes nothing */
		epoch = store_label_epoch(t->store);
		assert_int_equal(testing_put(t, words, NULL).outcome, STORE_CONFLICT);
		assert_int_equal(store_label_epoch(t->store), epoch);
	}
	testing_verify(t);
}

/* More markings than a label can have: it is cut, and has the nil UUID, which no audience knows. */
static void test_label_cut(void **state)
{
	struct testing *t = *state;
	static const struct uuid nil;
	struct uuid *marks = ARENA_ARRAY(t->arena, struct uuid, 2000);
	struct store_object o = testing_object(t, (struct object_words){.id = 1, .version_us = 1});
	struct store_batch batch = {.objects = &o, .count = 1, .member = SLICE("self")};
	enum stix_marking_kind *kinds;
	struct store_reader *r;
	struct store_result result;
	struct uuid *markings;
	size_t count;

	for (unsigned i = 0; i < 2000; i++)
		marks[i] = id_of(i + 1);
	o.markings = marks;
	o.markings_count = 1024;
	ASSERT_OK(t, store_append(t->store, &batch, &result, &t->e));
	o = testing_object(t, (struct object_words){.id = 2, .version_us = 1, .refs = {1}});
	o.markings = marks + 500;
	o.markings_count = 1025;
	ASSERT_OK(t, store_append(t->store, &batch, &result, &t->e));
	ASSERT_OK(t, store_reader_take(t->store, &r, &t->e));
	ASSERT_OK(t, store_label_get(
			     r, get(t, 1, NULL).label, t->arena, &markings, &kinds, &count, &t->e));
	assert_int_equal(count, 1024);
	assert_true(uuid_equal(&markings[0], &marks[0]));
	ASSERT_OK(t, store_label_get(
			     r, get(t, 2, NULL).label, t->arena, &markings, &kinds, &count, &t->e));
	assert_int_equal(count, 1024);
	assert_true(uuid_equal(&markings[0], &nil));
	store_reader_give(r);
	testing_verify(t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, testing_setup, testing_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_labels_join),
		TEST(test_labels_widen),
		TEST(test_labels_batch),
		TEST(test_statements_stay),
		TEST(test_marking_kinds),
		TEST(test_restrictions),
		TEST(test_definitions_conflict),
		TEST(test_label_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
