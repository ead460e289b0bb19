/* SPDX-License-Identifier: MPL-2.0 */
/* Notes, originals, statuses, collections, accounts, rights. */
#include "store_testing.h"

static bool note_is(struct testing *t, const char *key, const char *expected)
{
	struct buf value = BUF_INIT;
	bool found, same;

	ASSERT_OK(t, store_note_get(t->store, slice_of(key), &value, &found, &t->e));
	same = expected == NULL ? !found : found && slice_is(buf_slice(&value), expected);
	buf_fini(&value);
	return same;
}

static void test_notes(void **state)
{
	struct testing *t = *state;
	char *big = arena_zalloc(t->arena, MIB(1) + 1);
	struct store_note notes[] = {
		{SLICE("pull/a"), SLICE("1")},
                {SLICE("pull/b"), SLICE("2")}
        };
	struct store_note limit = {
		{big, 512   },
                {big, MIB(1)}
        };

	assert_true(note_is(t, "pull/a", NULL));
	ASSERT_OK(t, store_notes_put(t->store, notes, 2, &t->e));
	assert_true(note_is(t, "pull/a", "1"));
	notes[0].value = SLICE("");
	notes[1].value = SLICE("3");
	ASSERT_OK(t, store_notes_put(t->store, notes, 2, &t->e));
	testing_close(t);
	testing_open(t, STORE_WRITE);
	assert_true(note_is(t, "pull/a", NULL));
	assert_true(note_is(t, "pull/b", "3"));
	ASSERT_OK(t, store_notes_put(t->store, &limit, 1, &t->e));
	limit.key.len++;
	assert_int_equal(store_notes_put(t->store, &limit, 1, &t->e), ERR_LIMIT);
	limit.key.len = 0;
	assert_int_equal(store_notes_put(t->store, &limit, 1, &t->e), ERR_LIMIT);
	limit = (struct store_note){
		SLICE("k"), {big, MIB(1) + 1}
        };
	assert_int_equal(store_notes_put(t->store, &limit, 1, &t->e), ERR_LIMIT);
}

static bool key_note(void *context, struct slice key)
{
	struct buf *out = context;

	buf_slice_append(out, key);
	buf_char(out, ' ');
	return !slice_is(key, "stop");
}

static void test_originals(void **state)
{
	struct testing *t = *state;
	char *big = arena_zalloc(t->arena, JSON_DOCUMENT_MAX + 1);
	struct buf body = BUF_INIT, keys = BUF_INIT;
	struct store_reader *r;
	bool found;

	ASSERT_OK(t, store_original_put(
			     t->store, SLICE("misp"), SLICE("b"), SLICE("{\"Event\": 1}"), &t->e));
	ASSERT_OK(t, store_original_put(t->store, SLICE("misp"), SLICE("a"), SLICE("old"), &t->e));
	ASSERT_OK(t, store_original_put(t->store, SLICE("misp"), SLICE("a"), SLICE("new"), &t->e));
	ASSERT_OK(t, store_original_put(t->store, SLICE("misp"), SLICE("stop"), SLICE(""), &t->e));
	ASSERT_OK(t, store_original_put(t->store, SLICE("misp"), SLICE("zzz"), SLICE("x"), &t->e));
	ASSERT_OK(
		t, store_original_put(t->store, SLICE("zeek"), SLICE("a"), SLICE("other"), &t->e));
	ASSERT_OK(t, store_original_put(t->store, SLICE("big"), SLICE("a"),
			     (struct slice){big, JSON_DOCUMENT_MAX}, &t->e));
	assert_int_equal(store_original_put(t->store, SLICE("big"), SLICE("b"),
				 (struct slice){big, JSON_DOCUMENT_MAX + 1}, &t->e),
		ERR_LIMIT);
	ASSERT_OK(t, store_reader_take(t->store, &r, &t->e));
	ASSERT_OK(t, store_original_get(r, SLICE("misp"), SLICE("a"), &body, &found, &t->e));
	assert_true(found && slice_is(buf_slice(&body), "new"));
	buf_clear(&body);
	ASSERT_OK(t, store_original_get(r, SLICE("misp"), SLICE("stop"), &body, &found, &t->e));
	assert_true(found && body.len == 0);
	ASSERT_OK(t, store_original_get(r, SLICE("misp"), SLICE("c"), &body, &found, &t->e));
	assert_false(found);
	ASSERT_OK(t, store_originals(r, SLICE("misp"), key_note, &keys, &t->e));
	assert_true(slice_is(buf_slice(&keys), "a b stop "));
	store_reader_give(r);
	buf_fini(&body);
	buf_fini(&keys);
	testing_verify(t);
}

static bool status_is(struct testing *t, unsigned id, const char *account, const char *expected)
{
	struct uuid uuid = id_of(id);
	struct buf json = BUF_INIT;
	bool found, same;

	ASSERT_OK(t, store_status_get(t->store, &uuid, slice_of(account), &json, &found, &t->e));
	same = expected == NULL ? !found : found && slice_is(buf_slice(&json), expected);
	buf_fini(&json);
	return same;
}

static void test_statuses(void **state)
{
	const int64_t day = INT64_C(86400) * US_PER_SECOND;
	struct testing *t = *state;
	struct uuid id = id_of(1);

	ASSERT_OK(t, store_status_put(t->store, &id, SLICE("ann"), SLICE("{}"), &t->e));
	assert_true(status_is(t, 1, "ann", "{}"));
	assert_true(status_is(t, 1, "bob", NULL)); /* another's */
	assert_true(status_is(t, 2, "ann", NULL));
	ASSERT_OK(t, store_status_put(t->store, &id, SLICE("ann"), SLICE("{\"x\":1}"), &t->e));
	testing_close(t);
	testing_open(t, STORE_WRITE);
	world_fake_advance(&t->world, STORE_STATUS_DAYS * day - 1);
	ASSERT_OK(t, store_idle(t->store, &t->e));
	assert_true(status_is(t, 1, "ann", "{\"x\":1}"));
	world_fake_advance(&t->world, 1);
	assert_true(status_is(t, 1, "ann", NULL)); /* over, whether swept or not */
	ASSERT_OK(t, store_idle(t->store, &t->e));
	world_fake_advance(&t->world, -2 * day);
	assert_true(status_is(t, 1, "ann", NULL)); /* and gone */
}

/* ---- collections ----------------------------------------------------------------------------- */

static struct store_collection collection_get(struct testing *t, const char *name, bool expected)
{
	struct store_collection c = {0};
	bool found;

	ASSERT_OK(t, store_collection_get(t->store, slice_of(name), t->arena, &c, &found, &t->e));
	assert_int_equal(found, expected);
	return c;
}

static void test_collections(void **state)
{
	struct testing *t = *state;
	struct store_collection c = {.uuid = id_of(1),
		.title = SLICE("One"),
		.alias = SLICE("one"),
		.description = SLICE("what it is"),
		.tlp_max = STIX_TLP_GREEN,
		.public_read = true};
	struct store_collection *list;
	uint64_t epoch = store_access_epoch(t->store);
	int64_t one, two, to[] = {0, 0};
	size_t count;

	ASSERT_OK(t, store_collection_put(t->store, &c, &one, &t->e));
	assert_true(store_access_epoch(t->store) > epoch);
	c = collection_get(t, "one", true);
	assert_true(slice_is(c.title, "One") && slice_is(c.description, "what it is"));
	assert_int_equal(c.number, one);
	assert_int_equal(c.tlp_max, STIX_TLP_GREEN);
	assert_true(c.public_read);
	assert_int_equal(c.created_us, T0);
	assert_int_equal(c.last_added_us, 0);
	assert_int_equal(
		collection_get(t, "10000000-0000-4000-8000-000000000001", true).number, one);
	assert_int_equal(collection_get(t, "1", true).number, one);
	collection_get(t, "2", false);
	collection_get(t, "", false);
	collection_get(t, "One", false); /* a title is no name */

	/* alias and id are taken; without alias there may be many */
	c.number = 0;
	c.uuid = id_of(2);
	assert_int_equal(store_collection_put(t->store, &c, &two, &t->e), ERR_CONFLICT);
	c.alias = SLICE("");
	ASSERT_OK(t, store_collection_put(t->store, &c, &two, &t->e));
	assert_int_equal(store_collection_put(t->store, &c, &two, &t->e), ERR_CONFLICT);
	c.uuid = id_of(3);
	ASSERT_OK(t, store_collection_put(t->store, &c, &two, &t->e));
	/* an alias that is another's number goes before it */
	c.uuid = id_of(4);
	c.alias = SLICE("1");
	ASSERT_OK(t, store_collection_put(t->store, &c, &two, &t->e));
	assert_int_equal(collection_get(t, "1", true).number, two);

	/* change */
	c.number = one;
	c.uuid = id_of(1);
	c.alias = SLICE("uno");
	c.title = SLICE("Uno");
	ASSERT_OK(t, store_collection_put(t->store, &c, &two, &t->e));
	assert_int_equal(two, one);
	collection_get(t, "one", false);
	assert_true(slice_is(collection_get(t, "uno", true).title, "Uno"));
	c.number = 99;
	assert_int_equal(store_collection_put(t->store, &c, &two, &t->e), ERR_USAGE);

	/* what is counted */
	to[0] = one;
	testing_put(t, (struct object_words){.id = 1, .version_us = 1}, to);
	c = collection_get(t, "uno", true);
	assert_int_equal(c.entries, 1);
	assert_int_equal(c.last_added_us, T0);
	epoch = c.change;
	testing_put(t, (struct object_words){.id = 1, .version_us = 1}, to); /* nothing new */
	assert_int_equal(collection_get(t, "uno", true).change, epoch);
	testing_put(t, (struct object_words){.id = 2, .version_us = 1}, to);
	assert_true(collection_get(t, "uno", true).change > epoch);
	ASSERT_OK(t, store_collections(t->store, t->arena, &list, &count, &t->e));
	assert_int_equal(count, 4);
	for (size_t i = 1; i < count; i++)
		assert_true(list[i].number > list[i - 1].number);
}

static void test_collection_limits(void **state)
{
	struct testing *t = *state;
	char *big = arena_alloc(t->arena, KIB(16) + 1);
	struct store_collection c = {
		.uuid = id_of(1), .title = SLICE("x"), .tlp_max = STIX_TLP_RED};
	int64_t number;

	memset(big, 'b', KIB(16) + 1);
	c.title = (struct slice){big, 251};
	assert_int_equal(store_collection_put(t->store, &c, &number, &t->e), ERR_INVALID);
	c.title = SLICE("");
	assert_int_equal(store_collection_put(t->store, &c, &number, &t->e), ERR_INVALID);
	c.title = SLICE("\xff");
	assert_int_equal(store_collection_put(t->store, &c, &number, &t->e), ERR_INVALID);
	c.title = (struct slice){big, 250};
	c.description = (struct slice){big, KIB(16) + 1};
	assert_int_equal(store_collection_put(t->store, &c, &number, &t->e), ERR_INVALID);
	c.description.len--;
	c.alias = (struct slice){big, 251};
	assert_int_equal(store_collection_put(t->store, &c, &number, &t->e), ERR_INVALID);
	c.alias.len--;
	ASSERT_OK(t, store_collection_put(t->store, &c, &number, &t->e));
	c.uuid = (struct uuid){0};
	assert_int_equal(store_collection_put(t->store, &c, &number, &t->e), ERR_INVALID);
}

/* ---- accounts -------------------------------------------------------------------------------- */

static void test_accounts(void **state)
{
	struct testing *t = *state;
	struct store_account k = {.name = SLICE("ann@cert.example"),
		.role = STORE_CONTRIBUTOR,
		.password = SLICE("$argon2id$..."),
		.has_token = true};
	struct store_account got, *list;
	uint8_t other[SHA256_LEN] = {9};
	uint64_t epoch = store_access_epoch(t->store);
	unsigned rights;
	int64_t c = testing_collection(t, 1), number;
	size_t count;
	bool found;

	k.token[0] = 1;
	ASSERT_OK(t, store_account_put(t->store, &k, &t->e));
	assert_true(store_access_epoch(t->store) > epoch);
	ASSERT_OK(t, store_account_get(t->store, k.name, t->arena, &got, &found, &t->e));
	assert_true(
		found && slice_equal(got.name, k.name) && slice_equal(got.password, k.password));
	assert_int_equal(got.role, STORE_CONTRIBUTOR);
	assert_true(got.has_token && !got.has_pin && !got.disabled);
	assert_int_equal(got.created_us, T0);
	number = got.number;
	ASSERT_OK(t, store_account_by_token(t->store, k.token, t->arena, &got, &found, &t->e));
	assert_true(found && got.number == number);
	ASSERT_OK(t, store_account_by_token(t->store, other, t->arena, &got, &found, &t->e));
	assert_false(found);
	ASSERT_OK(t, store_account_by_pin(t->store, k.token, t->arena, &got, &found, &t->e));
	assert_false(found); /* a token is no pin */

	/* rights: none without a row; they go with 0 */
	ASSERT_OK(t, store_right_get(t->store, number, c, &rights, &t->e));
	assert_int_equal(rights, 0);
	ASSERT_OK(t, store_right_put(t->store, k.name, c, STORE_MAY_READ | STORE_MAY_WRITE, &t->e));
	ASSERT_OK(t, store_right_get(t->store, number, c, &rights, &t->e));
	assert_int_equal(rights, STORE_MAY_READ | STORE_MAY_WRITE);
	ASSERT_OK(t, store_right_put(t->store, k.name, c, STORE_MAY_READ, &t->e));
	ASSERT_OK(t, store_right_get(t->store, number, c, &rights, &t->e));
	assert_int_equal(rights, STORE_MAY_READ);
	assert_int_equal(store_right_put(t->store, SLICE("nobody"), c, 1, &t->e), ERR_USAGE);
	assert_int_equal(store_right_put(t->store, k.name, c + 1, 1, &t->e), ERR_USAGE);
	assert_int_equal(store_right_put(t->store, k.name, c, 4, &t->e), ERR_USAGE);

	/* replaced by name: the number, and so the rights, stay */
	k.has_token = false;
	k.has_pin = true;
	k.pin[0] = 7;
	k.disabled = true;
	ASSERT_OK(t, store_account_put(t->store, &k, &t->e));
	ASSERT_OK(t, store_account_by_token(t->store, k.token, t->arena, &got, &found, &t->e));
	assert_false(found);
	ASSERT_OK(t, store_account_by_pin(t->store, k.pin, t->arena, &got, &found, &t->e));
	assert_true(found && got.number == number && got.disabled);

	/* one token or pin, one account */
	k.name = SLICE("bob");
	assert_int_equal(store_account_put(t->store, &k, &t->e), ERR_CONFLICT);
	k.has_pin = false;
	ASSERT_OK(t, store_account_put(t->store, &k, &t->e));
	ASSERT_OK(t, store_accounts(t->store, t->arena, &list, &count, &t->e));
	assert_int_equal(count, 2);
	assert_true(slice_is(list[1].name, "bob"));

	/* deleted with its rights, and its number is not used again */
	ASSERT_OK(t, store_account_delete(t->store, SLICE("ann@cert.example"), &found, &t->e));
	assert_true(found);
	ASSERT_OK(t, store_account_delete(t->store, SLICE("ann@cert.example"), &found, &t->e));
	assert_false(found);
	ASSERT_OK(t, store_right_get(t->store, number, c, &rights, &t->e));
	assert_int_equal(rights, 0);
	k.name = SLICE("carol");
	ASSERT_OK(t, store_account_put(t->store, &k, &t->e));
	ASSERT_OK(t, store_account_get(t->store, k.name, t->arena, &got, &found, &t->e));
	assert_true(got.number > list[1].number);
}

static void test_account_names(void **state)
{
	static const struct {
		const char *name;
		enum err_kind kind;
	} cases[] = {
		{"",								  ERR_INVALID},
		{"a",								 OK         },
		{"A.b_c-d@9",							 OK         },
		{"a b",							       ERR_INVALID},
		{"a/b",							       ERR_INVALID},
		{"\xc3\xa4",							  ERR_INVALID},
		{"0123456789012345678901234567890123456789012345678901234567890123",  OK         },
		{"01234567890123456789012345678901234567890123456789012345678901234", ERR_INVALID},
	};
	struct testing *t = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct store_account k = {.name = slice_of(cases[i].name), .role = STORE_READER};

		assert_int_equal(store_account_put(t->store, &k, &t->e), cases[i].kind);
	}
	assert_int_equal(store_account_put(t->store,
				 &(struct store_account){.name = SLICE("x"), .role = 0}, &t->e),
		ERR_INVALID);
	assert_int_equal(store_account_put(t->store,
				 &(struct store_account){.name = SLICE("x"), .role = 4}, &t->e),
		ERR_INVALID);
}

/* Rights go with their collection. */
static void test_rights_cascade(void **state)
{
	struct testing *t = *state;
	struct store_account k = {.name = SLICE("ann"), .role = STORE_READER};
	int64_t c = testing_collection(t, 1);
	unsigned rights;

	ASSERT_OK(t, store_account_put(t->store, &k, &t->e));
	ASSERT_OK(t, store_right_put(t->store, k.name, c, STORE_MAY_READ, &t->e));
	ASSERT_OK(t, store_collection_delete(t->store, c, &t->e));
	ASSERT_OK(t, store_right_get(t->store, 1, c, &rights, &t->e));
	assert_int_equal(rights, 0);
	testing_verify(t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, testing_setup, testing_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_notes),
		TEST(test_originals),
		TEST(test_statuses),
		TEST(test_collections),
		TEST(test_collection_limits),
		TEST(test_accounts),
		TEST(test_account_names),
		TEST(test_rights_cascade),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
