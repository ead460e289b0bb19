/* SPDX-License-Identifier: MPL-2.0 */
/* What goes in: outcomes, dates, flags, sequences, evidence, packing, many writers at once. */
#include "store_testing.h"

#include <dirent.h>
#include <pthread.h>

static const char *page(struct testing *t, int64_t collection, unsigned versions)
{
	const struct store_page p = {.collection = collection,
		.after_us = INT64_MIN,
		.versions = versions,
		.audience = EVERYBODY};
	struct store_reader *r;
	struct store_cursor *c;
	const char *rows;

	ASSERT_OK(t, store_reader_take(t->store, &r, &t->e));
	ASSERT_OK(t, store_page_open(r, &p, &c, &t->e));
	rows = testing_rows(t, c);
	store_reader_give(r);
	return rows;
}

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

static void test_outcomes(void **state)
{
	struct testing *t = *state;
	int64_t c[] = {testing_collection(t, 1), 0};
	struct store_result first, r;
	struct store_object o;
	struct store_batch batch = {.objects = &o, .count = 1, .member = SLICE("self")};
	struct buf body = BUF_INIT;

	first = testing_put(t, (struct object_words){.id = 1, .version_us = 5, .name = "a"}, c);
	assert_int_equal(first.outcome, STORE_NEW);
	assert_int_equal(first.serial, 1);
	assert_int_equal(first.origin_index, 1);
	assert_int_equal(first.date_added_us, T0);

	/* byte for byte the same */
	r = testing_put(t, (struct object_words){.id = 1, .version_us = 5, .name = "a"}, c);
	assert_int_equal(r.outcome, STORE_DUPLICATE);
	assert_int_equal(r.serial, first.serial);
	assert_int_equal(r.date_added_us, first.date_added_us);
	assert_int_equal(r.origin_index, first.origin_index);

	/* the same but for white space, order and escapes */
	o = testing_object(t, (struct object_words){.id = 1, .version_us = 5});
	o.body = SLICE("{ \"name\" : \"\\u0061\",\"modified\":5.0, \"type\":\"indicator\", \"id\":"
		       "\"indicator--10000000-0000-4000-8000-000000000001\" }");
	ASSERT_OK(t, store_append(t->store, &batch, &r, &t->e));
	assert_int_equal(r.outcome, STORE_DUPLICATE);

	/* other content under the same id and version */
	r = testing_put(t, (struct object_words){.id = 1, .version_us = 5, .name = "b"}, c);
	assert_int_equal(r.outcome, STORE_CONFLICT);
	assert_int_equal(r.serial, first.serial);

	/* another version, another thing: new, each with the next index */
	r = testing_put(t, (struct object_words){.id = 1, .version_us = 6, .name = "b"}, c);
	assert_int_equal(r.outcome, STORE_NEW);
	assert_int_equal(r.origin_index, 2);
	r = testing_put(t, (struct object_words){.id = 2, .name = "b"}, c);
	assert_int_equal(r.outcome, STORE_NEW);
	assert_int_equal(r.origin_index, 3);
	r = testing_put(t, (struct object_words){.id = 2, .name = "c"}, c);
	assert_int_equal(r.outcome, STORE_CONFLICT);

	get(t, 1, &body);
	assert_non_null(strstr(arena_string(t->arena, buf_slice(&body)), "\"name\":\"b\""));
	buf_fini(&body);
	assert_string_equal(page(t, c[0], STORE_EVERY), "1@5 1@6 2");
	testing_verify(t);
}

static void test_same_type_decides(void **state)
{
	struct testing *t = *state;

	/* an id is type and UUID: the same UUID under another type is another thing */
	assert_int_equal(
		testing_put(t, (struct object_words){.id = 1, .version_us = 5}, NULL).outcome,
		STORE_NEW);
	assert_int_equal(
		testing_put(
			t, (struct object_words){.type = "malware", .id = 1, .version_us = 5}, NULL)
			.outcome,
		STORE_NEW);
	testing_verify(t);
}

static void test_exact_bytes(void **state)
{
	struct testing *t = *state;
	char *big = arena_alloc(t->arena, JSON_OBJECT_MAX + 1);
	const struct slice bodies[] = {
		SLICE("{}"),
		SLICE("\r\n {\t\"a\" : 1.50,\"\\u0062\":\"\xc3\xa4\\u00e4\"}  "),
		SLICE("not even JSON \x01\xff"),
		{big, JSON_OBJECT_MAX},
	};
	struct store_result r;

	for (size_t i = 0; i <= JSON_OBJECT_MAX; i++)
		big[i] = (char)(i * 2654435761u >> 13);
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct store_object o =
			testing_object(t, (struct object_words){.id = (unsigned)i + 1});
		struct store_batch batch = {.objects = &o, .count = 1, .member = SLICE("self")};
		struct buf body = BUF_INIT;

		o.body = bodies[i];
		ASSERT_OK(t, store_append(t->store, &batch, &r, &t->e));
		assert_int_equal(
			get(t, (unsigned)i + 1, &body).body_bytes, (uint32_t)bodies[i].len);
		assert_true(slice_equal(buf_slice(&body), bodies[i]));
		buf_fini(&body);
	}
	testing_verify(t);
}

static void test_limits(void **state)
{
	struct testing *t = *state;
	struct store_object o = testing_object(t, (struct object_words){.id = 1, .version_us = 1});
	struct store_object *many = ARENA_ARRAY(t->arena, struct store_object, STORE_BATCH_MAX + 1);
	struct store_result *results =
		ARENA_ARRAY(t->arena, struct store_result, STORE_BATCH_MAX + 1);
	char *big = arena_zalloc(t->arena, JSON_OBJECT_MAX + 1);
	struct store_batch batch = {.objects = &o, .count = 1, .member = SLICE("self")};
	struct uuid marks[] = {id_of(2), id_of(1)};
	int64_t nowhere = 99;

	batch.member = (struct slice){big, 251};
	assert_int_equal(store_append(t->store, &batch, results, &t->e), ERR_LIMIT);
	batch.member = (struct slice){0};
	assert_int_equal(store_append(t->store, &batch, results, &t->e), ERR_LIMIT);
	memset(big, 'm', 250);
	batch.member = (struct slice){big, 250};
	ASSERT_OK(t, store_append(t->store, &batch, results, &t->e));

	o.body = (struct slice){big, JSON_OBJECT_MAX + 1};
	assert_int_equal(store_append(t->store, &batch, results, &t->e), ERR_LIMIT);
	o.body = (struct slice){0};
	assert_int_equal(store_append(t->store, &batch, results, &t->e), ERR_LIMIT);
	o.body = SLICE("{}");
	o.type = (struct slice){big, STIX_TYPE_MAX + 1};
	assert_int_equal(store_append(t->store, &batch, results, &t->e), ERR_LIMIT);
	o.type = SLICE("tool");
	o.markings = marks; /* not sorted */
	o.markings_count = 2;
	assert_int_equal(store_append(t->store, &batch, results, &t->e), ERR_USAGE);
	o.markings_count = 1;
	batch.collections = &nowhere;
	batch.collections_count = 1;
	assert_int_equal(store_append(t->store, &batch, results, &t->e), ERR_USAGE);
	batch.collections_count = 0;
	ASSERT_OK(t, store_append(t->store, &batch, results, &t->e));

	for (unsigned i = 0; i <= STORE_BATCH_MAX; i++)
		many[i] = testing_object(t, (struct object_words){.id = i + 10, .version_us = 1});
	batch.objects = many;
	batch.count = STORE_BATCH_MAX + 1;
	assert_int_equal(store_append(t->store, &batch, results, &t->e), ERR_LIMIT);
	batch.count = STORE_BATCH_MAX;
	ASSERT_OK(t, store_append(t->store, &batch, results, &t->e));
	assert_int_equal(results[STORE_BATCH_MAX - 1].origin_index, STORE_BATCH_MAX + 2);
	testing_verify(t);
}

/* ---- dates ----------------------------------------------------------------------------------- */

static void test_clock_jumps(void **state)
{
	struct testing *t = *state;
	int64_t c[] = {testing_collection(t, 1), testing_collection(t, 2), 0};
	struct store_result r;
	int64_t last = 0;

	for (unsigned i = 1; i <= 20; i++) {
		/* to and fro, and across a restart: what counts is in the database */
		world_fake_advance(&t->world, i % 3 == 0 ? -US_PER_SECOND * 3600 : 50);
		if (i == 10) {
			testing_close(t);
			testing_open(t, STORE_WRITE);
		}
		r = testing_put(t, (struct object_words){.id = i, .version_us = 1}, c);
		assert_true(r.date_added_us > last);
		last = r.date_added_us;
	}
	assert_string_equal(page(t, c[0], STORE_LAST),
		"1@1 2@1 3@1 4@1 5@1 6@1 7@1 8@1 9@1 10@1 11@1 12@1 13@1 14@1 15@1 16@1 17@1 18@1 "
		"19@1 20@1");
	assert_string_equal(page(t, c[1], STORE_LAST), page(t, c[0], STORE_LAST));
	testing_verify(t);
}

static void test_never_reused(void **state)
{
	struct testing *t = *state;
	int64_t c[] = {testing_collection(t, 1), 0};
	struct store_result before, after;
	struct uuid id = id_of(1);
	uint64_t removed;

	/* after the newest is gone its serial, its date and its place in the sequence stay taken */
	before = testing_put(t, (struct object_words){.id = 1, .version_us = 1}, c);
	ASSERT_OK(t, store_remove(t->store, c[0], SLICE("indicator"), &id, STORE_ALL_VERSIONS,
			     &removed, &t->e));
	assert_int_equal(removed, 1);
	world_fake_advance(&t->world, -5000);
	testing_close(t);
	testing_open(t, STORE_WRITE);
	after = testing_put(t, (struct object_words){.id = 1, .version_us = 1}, c);
	assert_int_equal(after.outcome, STORE_NEW);
	assert_true(after.serial > before.serial);
	assert_true(after.date_added_us > before.date_added_us);
	assert_int_equal(after.origin_index, before.origin_index + 1);
	testing_verify(t);
}

/* ---- flags: every order of arrival of three versions ----------------------------------------- */

static void test_flags(void **state)
{
	static const int orders[][3] = {
		{1, 2, 3},
                {1, 3, 2},
                {2, 1, 3},
                {2, 3, 1},
                {3, 1, 2},
                {3, 2, 1}
        };
	struct testing *t = *state;

	for (unsigned i = 0; i < COUNT_OF(orders); i++) {
		int64_t c[] = {testing_collection(t, i + 1), 0};
		char expected[3][16];

		for (unsigned j = 0; j < 3; j++)
			testing_put(t,
				(struct object_words){.id = i + 1, .version_us = orders[i][j]}, c);
		for (unsigned j = 0; j < 3; j++)
			snprintf(expected[j], sizeof(expected[j]), "%u@%u", i + 1, j + 1);
		assert_string_equal(page(t, c[0], STORE_LAST), expected[2]);
		assert_string_equal(page(t, c[0], STORE_FIRST), expected[0]);
		assert_int_equal(get(t, i + 1, NULL).version_us, 3);
	}
	testing_verify(t);
}

/* A collection's newest and first are its own, whatever the store has besides. */
static void test_flags_per_collection(void **state)
{
	struct testing *t = *state;
	int64_t one[] = {testing_collection(t, 1), 0}, two[] = {testing_collection(t, 2), 0};
	struct uuid id = id_of(1);
	uint64_t removed;

	testing_put(t, (struct object_words){.id = 1, .version_us = 1}, one);
	testing_put(t, (struct object_words){.id = 1, .version_us = 2}, two);
	testing_put(t, (struct object_words){.id = 1, .version_us = 3}, one);
	assert_string_equal(page(t, one[0], STORE_LAST), "1@3");
	assert_string_equal(page(t, two[0], STORE_LAST), "1@2");
	assert_string_equal(page(t, two[0], STORE_FIRST), "1@2");
	/* a known version added to a second collection */
	assert_int_equal(
		testing_put(t, (struct object_words){.id = 1, .version_us = 1}, two).outcome,
		STORE_DUPLICATE);
	assert_string_equal(page(t, two[0], STORE_EVERY), "1@2 1@1");
	assert_string_equal(page(t, two[0], STORE_FIRST), "1@1");
	assert_string_equal(page(t, two[0], STORE_LAST), "1@2");
	testing_verify(t);

	/* the newest is taken out of one: the older is its newest again; the store still has it not
	 */
	ASSERT_OK(t, store_remove(t->store, one[0], SLICE("indicator"), &id, 3, &removed, &t->e));
	assert_int_equal(removed, 1);
	assert_string_equal(page(t, one[0], STORE_LAST), "1@1");
	assert_int_equal(get(t, 1, NULL).version_us, 2);
	/* what another collection holds stays */
	ASSERT_OK(t, store_remove(t->store, two[0], SLICE("indicator"), &id, STORE_ALL_VERSIONS,
			     &removed, &t->e));
	assert_int_equal(removed, 2);
	assert_string_equal(page(t, two[0], STORE_EVERY), "");
	assert_int_equal(get(t, 1, NULL).version_us, 1);
	ASSERT_OK(t, store_remove(t->store, two[0], SLICE("indicator"), &id, 1, &removed, &t->e));
	assert_int_equal(removed, 0);
	testing_verify(t);
}

/* How many of the store's files hold these bytes. */
static unsigned files_with(struct testing *t, const char *bytes)
{
	DIR *d = opendir(t->folder);
	const struct dirent *entry;
	unsigned count = 0;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		struct buf text = BUF_INIT;
		char path[400];

		snprintf(path, sizeof(path), "%s/%s", t->folder, entry->d_name);
		if (entry->d_type == DT_REG && file_read(path, MIB(64), &text, NULL) == OK)
			count += slice_find_text(buf_slice(&text), slice_of(bytes)) < text.len;
		buf_fini(&text);
	}
	closedir(d);
	return count;
}

/* One version, wherever it is; body and values are overwritten, and the others stay. Words that the
 * text index has forgotten stay in its file until it merges what they stand in. */
static void test_forget(void **state)
{
	struct testing *t = *state;
	int64_t both[] = {testing_collection(t, 1), testing_collection(t, 2), 0};
	const int64_t none[] = {0};
	const struct object_words secret = {.id = 1,
		.version_us = 2,
		.name = "unforgettable",
		.values = {"hidden.evil.example"}};
	struct store_result second, alone;
	bool found;

	testing_put(t, (struct object_words){.id = 1, .version_us = 1, .name = "first"}, both);
	second = testing_put(t, secret, both);
	testing_put(t, (struct object_words){.id = 1, .version_us = 3, .name = "third"}, both);
	alone = testing_put(t, (struct object_words){.id = 2, .name = "apart"}, none);
	ASSERT_OK(t, store_index_text(t->store, &t->e));
	testing_merge(t);
	assert_string_equal(testing_words(t, "apart"), "2");
	assert_true(files_with(t, "hidden") > 0);

	ASSERT_OK(t, store_forget(t->store, second.serial, &found, &t->e));
	assert_true(found);
	assert_string_equal(page(t, both[0], STORE_EVERY), "1@1 1@3");
	assert_string_equal(page(t, both[1], STORE_EVERY), "1@1 1@3");
	assert_string_equal(page(t, both[0], STORE_LAST), "1@3");
	assert_string_equal(testing_words(t, "unforgettable"), "");
	assert_string_equal(testing_find(t, "hidden.evil.example", false), "");
	testing_verify(t);
	ASSERT_OK(t, store_idle(t->store, &t->e));
	testing_close(t);
	assert_int_equal(files_with(t, "hidden"), 0);
	testing_open(t, STORE_WRITE);

	/* what no collection holds, and what is not here any more */
	ASSERT_OK(t, store_forget(t->store, alone.serial, &found, &t->e));
	assert_true(found);
	assert_string_equal(testing_words(t, "apart"), "");
	ASSERT_OK(t, store_forget(t->store, alone.serial, &found, &t->e));
	assert_false(found);
	ASSERT_OK(t, store_forget(t->store, 1000000, &found, &t->e));
	assert_false(found);
	testing_verify(t);
}

/* ---- members --------------------------------------------------------------------------------- */

static void test_sequences(void **state)
{
	struct testing *t = *state;
	const struct slice members[] = {SLICE("alpha"), SLICE("beta"), SLICE("alpha")};
	const uint64_t indexes[] = {1, 1, 2};
	struct store_reader *reader;

	for (unsigned i = 0; i < 3; i++) {
		struct store_object o =
			testing_object(t, (struct object_words){.id = i + 1, .version_us = 1});
		struct store_batch batch = {.objects = &o, .count = 1, .member = members[i]};
		struct store_result r;

		ASSERT_OK(t, store_append(t->store, &batch, &r, &t->e));
		assert_int_equal(r.origin_index, indexes[i]);
		/* who sends what is here already gets no index for it */
		batch.member = SLICE("gamma");
		ASSERT_OK(t, store_append(t->store, &batch, &r, &t->e));
		assert_int_equal(r.outcome, STORE_DUPLICATE);
	}
	ASSERT_OK(t, store_reader_take(t->store, &reader, &t->e));
	for (unsigned i = 0; i < 3; i++) {
		struct slice member;
		uint64_t index;
		int64_t added;

		ASSERT_OK(t,
			store_origin_get(reader, i + 1, t->arena, &member, &index, &added, &t->e));
		assert_true(slice_equal(member, members[i]));
		assert_int_equal(index, indexes[i]);
	}
	store_reader_give(reader);
	testing_verify(t);
}

/* ---- evidence -------------------------------------------------------------------------------- */

static bool evidence_count(void *context, const struct store_evidence *evidence)
{
	unsigned *count = context;

	assert_true(slice_is(evidence->member, "mallory"));
	assert_true(slice_is(evidence->id.type, "indicator"));
	assert_int_equal(evidence->version_us, 1);
	assert_true(slice_starts(evidence->body, SLICE("{\"lie\":")));
	++*count;
	return true;
}

static void test_evidence(void **state)
{
	struct testing *t = *state;
	struct store_object o = testing_object(t, (struct object_words){.id = 1, .version_us = 1});
	struct store_batch batch = {.objects = &o, .count = 1, .member = SLICE("mallory")};
	struct store_reader *reader;
	struct store_result r;
	unsigned count = 0;

	testing_put(t, (struct object_words){.id = 1, .version_us = 1}, NULL);
	for (unsigned i = 0; i < 1010; i++) {
		o.body = arena_printf(t->arena, "{\"lie\":%u}", i);
		ASSERT_OK(t, store_append(t->store, &batch, &r, &t->e));
		assert_int_equal(r.outcome, STORE_CONFLICT);
	}
	/* the same lie told again is one lie, also with other white space */
	o.body = SLICE("{\"lie\":0}");
	ASSERT_OK(t, store_append(t->store, &batch, &r, &t->e));
	o.body = SLICE("{\"lie\": 0 }");
	ASSERT_OK(t, store_append(t->store, &batch, &r, &t->e));
	assert_int_equal(r.outcome, STORE_CONFLICT);
	ASSERT_OK(t, store_reader_take(t->store, &reader, &t->e));
	ASSERT_OK(t, store_evidence_each(reader, evidence_count, &count, &t->e));
	store_reader_give(reader);
	assert_int_equal(count, 1000); /* a member's share; the oldest stay */
	testing_verify(t);
}

static void test_evidence_bytes(void **state)
{
	struct testing *t = *state;
	char *big = arena_alloc(t->arena, JSON_OBJECT_MAX);
	struct store_object o = testing_object(t, (struct object_words){.id = 1, .version_us = 1});
	struct store_batch batch = {.objects = &o, .count = 1, .member = SLICE("mallory")};
	struct store_reader *reader;
	struct store_result r;
	unsigned count = 0;

	testing_put(t, (struct object_words){.id = 1, .version_us = 1}, NULL);
	memset(big, ' ', JSON_OBJECT_MAX);
	for (unsigned i = 0; i < 20; i++) {
		memset(big, ' ', 20);
		big[snprintf(big, 20, "{\"lie\":%u}", i)] = ' ';
		o.body = (struct slice){big, JSON_OBJECT_MAX};
		ASSERT_OK(t, store_append(t->store, &batch, &r, &t->e));
	}
	ASSERT_OK(t, store_reader_take(t->store, &reader, &t->e));
	ASSERT_OK(t, store_evidence_each(reader, evidence_count, &count, &t->e));
	store_reader_give(reader);
	assert_int_equal(count, 16); /* of 1 MiB each */
}

/* ---- packing --------------------------------------------------------------------------------- */

static void test_dictionary(void **state)
{
	struct testing *t = *state;
	struct store_object *objects = ARENA_ARRAY(t->arena, struct store_object, 500);
	struct store_result *results = ARENA_ARRAY(t->arena, struct store_result, 500);
	struct store_batch batch = {.objects = objects, .count = 500, .member = SLICE("self")};
	struct store_type_count *types;
	struct store_stats before, after;
	struct store_reader *r;
	size_t types_count;

	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < 500; i++)
			objects[i] = testing_object(
				t, (struct object_words){.id = round * 500 + i + 1,
					   .version_us = 1,
					   .name = arena_printf(t->arena,
						   "Beacon %u of 203.0.113.%u", i * 7919, i % 256)
							   .data,
					   .extra = "\"spec_version\":\"2.1\",\"pattern_type\":"
						    "\"stix\","
						    "\"created_by_ref\":\"identity--1\""});
		ASSERT_OK(t, store_append(t->store, &batch, results, &t->e));
		ASSERT_OK(t, store_reader_take(t->store, &r, &t->e));
		if (round == 1)
			ASSERT_OK(
				t, store_stats(r, t->arena, &before, &types, &types_count, &t->e));
		if (round == 3)
			ASSERT_OK(t, store_stats(r, t->arena, &after, &types, &types_count, &t->e));
		store_reader_give(r);
	}
	/* after the first thousand a dictionary makes the same a good deal smaller */
	assert_true((after.packed_bytes - before.packed_bytes) * 2 < before.packed_bytes);
	/* and all can be read, also after opening anew and by a reader alone */
	testing_verify(t);
	testing_close(t);
	testing_open(t, STORE_READ);
	testing_verify(t);
}

/* ---- many writers ---------------------------------------------------------------------------- */

#define WRITERS       8
#define WRITER_ROUNDS 40

struct writing {
	struct testing *t;
	pthread_t thread;
	unsigned number;
	int64_t collection;
	enum err_kind kind;
	struct err e;
	int64_t last_us;
	uint64_t last_index;
	struct store_object objects[WRITER_ROUNDS];
};

static void *write_some(void *context)
{
	struct writing *w = context;
	char member[16];

	snprintf(member, sizeof(member), "writer-%u", w->number);
	for (unsigned i = 0; i < WRITER_ROUNDS && w->kind == OK; i++) {
		struct store_batch batch = {.objects = &w->objects[i],
			.count = 1,
			.collections = &w->collection,
			.collections_count = 1,
			.member = slice_of(member)};
		struct store_result r;

		w->kind = store_append(w->t->store, &batch, &r, &w->e);
		/* in a writer's own eyes: in order, without a gap */
		if (w->kind == OK &&
			(r.date_added_us <= w->last_us || r.origin_index != w->last_index + 1))
			w->kind = err_set(&w->e, ERR_CONFLICT, "out of order");
		w->last_us = r.date_added_us;
		w->last_index = r.origin_index;
	}
	return NULL;
}

static void test_many_writers(void **state)
{
	struct testing *t = *state;
	struct writing *writing = ARENA_ARRAY(t->arena, struct writing, WRITERS);
	int64_t collection = testing_collection(t, 1);
	struct store_page p = {
		.collection = collection, .after_us = INT64_MIN, .audience = EVERYBODY};
	struct store_reader *r;
	struct store_cursor *c;
	struct store_row row;
	unsigned count = 0;
	bool more = true;

	for (unsigned i = 0; i < WRITERS; i++) {
		writing[i].t = t;
		writing[i].number = i;
		writing[i].collection = collection;
		for (unsigned j = 0; j < WRITER_ROUNDS; j++)
			writing[i].objects[j] = testing_object(
				t, (struct object_words){
					   .id = 1 + i * WRITER_ROUNDS + j, .version_us = 1});
	}
	for (unsigned i = 0; i < WRITERS; i++)
		assert_int_equal(
			pthread_create(&writing[i].thread, NULL, write_some, &writing[i]), 0);
	for (unsigned i = 0; i < WRITERS; i++) {
		pthread_join(writing[i].thread, NULL);
		if (writing[i].kind != OK)
			fail_msg("writer %u: %s", i, writing[i].e.text);
	}
	ASSERT_OK(t, store_reader_take(t->store, &r, &t->e));
	ASSERT_OK(t, store_page_open(r, &p, &c, &t->e));
	for (; more; count += more)
		ASSERT_OK(t, store_cursor_next(c, &row, &more, &t->e));
	store_cursor_free(c);
	store_reader_give(r);
	assert_int_equal(count, WRITERS * WRITER_ROUNDS);
	testing_verify(t);
}

/* One batch that is refused does not drag others down; a note goes with its batch or not at all. */
static void test_notes_with_batch(void **state)
{
	struct testing *t = *state;
	struct store_note note = {SLICE("import/x"), SLICE("1")};
	struct store_object o = testing_object(t, (struct object_words){.id = 1, .version_us = 1});
	int64_t nowhere = 5;
	struct store_batch batch = {.objects = &o,
		.count = 1,
		.member = SLICE("self"),
		.notes = &note,
		.notes_count = 1,
		.collections = &nowhere,
		.collections_count = 1};
	struct buf value = BUF_INIT;
	struct store_result r;
	bool found;

	assert_int_equal(store_append(t->store, &batch, &r, &t->e), ERR_USAGE);
	ASSERT_OK(t, store_note_get(t->store, note.key, &value, &found, &t->e));
	assert_false(found);
	batch.collections_count = 0;
	ASSERT_OK(t, store_append(t->store, &batch, &r, &t->e));
	ASSERT_OK(t, store_note_get(t->store, note.key, &value, &found, &t->e));
	assert_true(found && slice_is(buf_slice(&value), "1"));
	/* notes alone; empty deletes */
	note.value = SLICE("");
	batch.count = 0;
	ASSERT_OK(t, store_append(t->store, &batch, &r, &t->e));
	ASSERT_OK(t, store_note_get(t->store, note.key, &value, &found, &t->e));
	assert_false(found);
	buf_fini(&value);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, testing_setup, testing_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_outcomes),
		TEST(test_same_type_decides),
		TEST(test_exact_bytes),
		TEST(test_limits),
		TEST(test_clock_jumps),
		TEST(test_never_reused),
		TEST(test_flags),
		TEST(test_flags_per_collection),
		TEST(test_forget),
		TEST(test_sequences),
		TEST(test_evidence),
		TEST(test_evidence_bytes),
		TEST(test_dictionary),
		TEST(test_many_writers),
		TEST(test_notes_with_batch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
