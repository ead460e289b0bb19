/* SPDX-License-Identifier: MPL-2.0 */
/* Traits of objects, members of accounts, the release log, and the schema step that brings them. */
#include "store_testing.h"

#include "inside.h"

#define DAY_US INT64_C(86400000000)

static struct store_row row_of(struct testing *t, unsigned id)
{
	struct store_reader *r = testing_reader(t);
	struct uuid uuid = id_of(id);
	struct store_row row;
	bool found;

	ASSERT_OK(t, store_get(r, SLICE("indicator"), &uuid, EVERYBODY, &row, NULL, &found, &t->e));
	assert_true(found);
	store_reader_give(r);
	return row;
}

static const char *traits_of(struct testing *t, unsigned id)
{
	struct store_row row = row_of(t, id);
	struct store_reader *r = testing_reader(t);
	struct slice text;

	ASSERT_OK(t, store_traits_get(r, row.traits, &text, &t->e));
	store_reader_give(r);
	return text.len == 0 ? "" : arena_string(t->arena, text);
}

static void test_traits(void **state)
{
	struct testing *t = *state;
	struct store_reader *r;
	struct slice name;

	testing_put(t, (struct object_words){.id = 1, .version_us = 1, .traits = "a"}, NULL);
	testing_put(t, (struct object_words){.id = 2, .version_us = 1, .traits = "b"}, NULL);
	testing_put(t, (struct object_words){.id = 3, .version_us = 1, .traits = "a"}, NULL);
	testing_put(t, (struct object_words){.id = 4, .version_us = 1}, NULL);
	assert_string_equal(traits_of(t, 1), "a");
	assert_string_equal(traits_of(t, 2), "b");
	assert_string_equal(traits_of(t, 4), "");
	assert_int_equal(row_of(t, 1).traits, row_of(t, 3).traits);
	assert_int_equal(row_of(t, 4).traits, 0);
	r = testing_reader(t);
	ASSERT_OK(t, store_traits_get(r, 99, &name, &t->e));
	assert_int_equal(name.len, 0);
	ASSERT_OK(t, store_member_get(r, row_of(t, 1).member, t->arena, &name, &t->e));
	assert_true(slice_is(name, "self"));
	ASSERT_OK(t, store_member_get(r, 99, t->arena, &name, &t->e));
	assert_int_equal(name.len, 0);
	store_reader_give(r);
	/* they are known after opening again, also to one who only reads */
	testing_close(t);
	testing_open(t, STORE_READ);
	assert_string_equal(traits_of(t, 2), "b");
	testing_close(t);
	testing_open(t, STORE_WRITE);
	testing_verify(t);
}

/* The last length that is taken and the first that is not. */
static void test_traits_limits(void **state)
{
	struct testing *t = *state;
	char text[STORE_TRAITS_BYTES + 2];
	struct store_object o;
	struct store_batch batch = {.objects = &o, .count = 1, .member = SLICE("self")};
	struct store_result result;
	struct store_traits put = {
		1, {text, STORE_TRAITS_BYTES + 1}
        };

	memset(text, 'x', sizeof(text));
	text[STORE_TRAITS_BYTES] = '\0';
	testing_put(t, (struct object_words){.id = 1, .version_us = 1, .traits = text}, NULL);
	assert_string_equal(traits_of(t, 1), text);
	o = testing_object(t, (struct object_words){.id = 2, .version_us = 1});
	o.traits = put.text;
	assert_int_equal(store_append(t->store, &batch, &result, &t->e), ERR_LIMIT);
	assert_int_equal(store_traits_put(t->store, &put, 1, NULL, &t->e), ERR_LIMIT);
	assert_int_equal(
		store_traits_put(t->store, &put, STORE_BATCH_MAX + 1, NULL, &t->e), ERR_LIMIT);
}

static void test_traits_put(void **state)
{
	struct testing *t = *state;
	const struct store_note note = {SLICE("how far"), SLICE("2")};
	struct store_traits list[] = {
		{1,  SLICE("new") },
                {99, SLICE("gone")}
        };
	struct buf value = BUF_INIT;
	bool found;

	testing_put(t, (struct object_words){.id = 1, .version_us = 1, .traits = "old"}, NULL);
	testing_put(t, (struct object_words){.id = 2, .version_us = 1, .traits = "old"}, NULL);
	ASSERT_OK(t, store_traits_put(t->store, list, 2, &note, &t->e));
	assert_string_equal(traits_of(t, 1), "new");
	assert_string_equal(traits_of(t, 2), "old");
	ASSERT_OK(t, store_note_get(t->store, note.key, &value, &found, &t->e));
	assert_true(found && slice_is(buf_slice(&value), "2"));
	buf_fini(&value);
	testing_verify(t);
}

/* A store of the schema before: its rows have no traits; and back. */
static void test_schema_2(void **state)
{
	struct testing *t = *state;
	const struct store_options options = {.mode = STORE_READ, .world = &t->world.world};
	struct store *s;

	testing_put(t, (struct object_words){.id = 1, .version_us = 1, .traits = "a"}, NULL);
	testing_close(t);
	ASSERT_OK(t, store_migrate(t->folder, 1, &t->e));
	assert_int_equal(store_open(t->folder, &options, &s, &t->e), ERR_INVALID);
	ASSERT_OK(t, store_migrate(t->folder, 2, &t->e));
	testing_open(t, STORE_WRITE);
	assert_int_equal(row_of(t, 1).traits, 0);
	testing_put(t, (struct object_words){.id = 2, .version_us = 1, .traits = "a"}, NULL);
	assert_string_equal(traits_of(t, 2), "a");
	testing_verify(t);
}

static void test_account_member(void **state)
{
	struct testing *t = *state;
	struct store_account k = {
		.name = SLICE("ann"), .role = STORE_READER, .member = SLICE("kz")};
	char name[66];
	struct store_account got, *list;
	size_t count;
	bool found;

	ASSERT_OK(t, store_account_put(t->store, &k, &t->e));
	ASSERT_OK(t, store_account_get(t->store, k.name, t->arena, &got, &found, &t->e));
	assert_true(found && slice_is(got.member, "kz"));
	k.member = (struct slice){0}; /* no longer */
	ASSERT_OK(t, store_account_put(t->store, &k, &t->e));
	ASSERT_OK(t, store_accounts(t->store, t->arena, &list, &count, &t->e));
	assert_true(count == 1 && list[0].member.len == 0);
	memset(name, 'm', sizeof(name));
	k.member = (struct slice){name, 64};
	ASSERT_OK(t, store_account_put(t->store, &k, &t->e));
	k.member.len = 65;
	assert_int_equal(store_account_put(t->store, &k, &t->e), ERR_INVALID);
}

/* ---- the release log ------------------------------------------------------------------------- */

static bool record_append(void *context, const struct store_released *r)
{
	struct buf *out = context;

	buf_printf(out, "%s%.*s/%.*s@%lld:", out->len > 0 ? " " : "", SLICE_ARG(r->recipient),
		SLICE_ARG(r->rule), (long long)(r->at_us / DAY_US));
	for (size_t i = 0; i < r->count; i++)
		buf_printf(out, "%s%lld", i > 0 ? "," : "", (long long)r->serials[i]);
	return true;
}

static const char *records(struct testing *t, struct store_released_query query)
{
	struct store_reader *r = testing_reader(t);
	struct buf out = BUF_INIT;
	const char *text;

	ASSERT_OK(t, store_released_each(r, &query, record_append, &out, &t->e));
	store_reader_give(r);
	text = arena_string(t->arena, buf_slice(&out));
	buf_fini(&out);
	return text;
}
#define RECORDS(...) records(t, (struct store_released_query){__VA_ARGS__})

static void release(struct testing *t, const char *recipient, const char *rule, int64_t at_us,
	const int64_t *serials, size_t count)
{
	struct store_released r = {.at_us = at_us,
		.recipient = slice_of(recipient),
		.rule = slice_of(rule),
		.policy = {7},
		.serials = serials,
		.count = count};

	ASSERT_OK(t, store_released_put(t->store, &r, 1, &t->e));
}

static void test_released(void **state)
{
	struct testing *t = *state;
	const int64_t some[] = {9, 3, 3, 1000000};
	const int64_t others[] = {4};

	assert_string_equal(RECORDS(0), "");
	release(t, "kz", "X1", 5 * DAY_US, some, 4);
	release(t, "uz", "", 6 * DAY_US, others, 1);
	release(t, "kz", "X2", 7 * DAY_US, others, 1);
	assert_string_equal(RECORDS(0), "kz/X2@7:4 uz/@6:4 kz/X1@5:3,9,1000000");
	assert_string_equal(RECORDS(.recipient = SLICE("uz")), "uz/@6:4");
	assert_string_equal(RECORDS(.recipient = SLICE("nobody")), "");
	assert_string_equal(RECORDS(.serial = 9), "kz/X1@5:9");
	assert_string_equal(RECORDS(.serial = 5), ""); /* between those of a record */
	assert_string_equal(RECORDS(.serial = 4, .recipient = SLICE("kz")), "kz/X2@7:4");
	assert_string_equal(RECORDS(.since_us = 6 * DAY_US), "kz/X2@7:4 uz/@6:4");
	assert_string_equal(RECORDS(.since_us = 6 * DAY_US, .until_us = 7 * DAY_US), "uz/@6:4");
	testing_close(t);
	testing_open(t, STORE_WRITE);
	assert_string_equal(RECORDS(.serial = 1000000), "kz/X1@5:1000000");
}

static void test_released_limits(void **state)
{
	struct testing *t = *state;
	int64_t serials[STORE_RELEASED_ROW + 1];
	char name[130];
	struct store_released r = {
		.at_us = 1, .recipient = {name, 128},
                     .serials = serials
        };

	memset(name, 'n', sizeof(name));
	for (size_t i = 0; i < COUNT_OF(serials); i++) /* as far apart as can be */
		serials[i] = 1 + (int64_t)i * (INT64_MAX / STORE_RELEASED_ROW / 2);
	r.count = STORE_RELEASED_ROW;
	ASSERT_OK(t, store_released_put(t->store, &r, 1, &t->e));
	assert_string_equal(RECORDS(.serial = serials[999]),
		arena_string(t->arena,
			arena_printf(t->arena, "%.128s/@0:%lld", name, (long long)serials[999])));
	r.count = STORE_RELEASED_ROW + 1;
	assert_int_equal(store_released_put(t->store, &r, 1, &t->e), ERR_LIMIT);
	r.count = 0;
	assert_int_equal(store_released_put(t->store, &r, 1, &t->e), ERR_LIMIT);
	r.count = 1;
	r.recipient.len = 129;
	assert_int_equal(store_released_put(t->store, &r, 1, &t->e), ERR_LIMIT);
	r.recipient.len = 0;
	assert_int_equal(store_released_put(t->store, &r, 1, &t->e), ERR_LIMIT);
	r.recipient.len = 1;
	r.rule = (struct slice){name, 129};
	assert_int_equal(store_released_put(t->store, &r, 1, &t->e), ERR_LIMIT);
	r.rule.len = 128;
	serials[0] = 0;
	assert_int_equal(store_released_put(t->store, &r, 1, &t->e), ERR_USAGE);
}

static void test_released_age(void **state)
{
	struct testing *t = *state;
	const int64_t one[] = {1};
	int64_t now = world_now(&t->world.world);

	release(t, "old", "", now - (STORE_RELEASED_DAYS + 1) * DAY_US, one, 1);
	release(t, "kept", "", now - (STORE_RELEASED_DAYS - 1) * DAY_US, one, 1);
	release(t, "late", "", now - (STORE_RELEASED_DAYS + 1) * DAY_US, one,
		1); /* a clock's step */
	ASSERT_OK(t, store_idle(t->store, &t->e));
	assert_int_equal(RECORDS(.recipient = SLICE("old"))[0], '\0');
	assert_int_not_equal(RECORDS(.recipient = SLICE("kept"))[0], '\0');
	assert_int_not_equal(RECORDS(.recipient = SLICE("late"))[0], '\0');
	t->world.now_us += 2 * DAY_US;
	ASSERT_OK(t, store_idle(t->store, &t->e));
	assert_string_equal(RECORDS(0), "");
	release(t, "again", "", now, one, 1);
	assert_int_not_equal(RECORDS(.recipient = SLICE("again"))[0], '\0');
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, testing_setup, testing_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_traits),
		TEST(test_traits_limits),
		TEST(test_traits_put),
		TEST(test_schema_2),
		TEST(test_account_member),
		TEST(test_released),
		TEST(test_released_limits),
		TEST(test_released_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
