/* SPDX-License-Identifier: MPL-2.0 */
/* Who vouches for a version, until when it may be kept, and what is gone. */
#include "inside.h"
#include "store_testing.h"

static void test_goes_with_the_last(void **state)
{
	struct testing *t = *state;
	const int64_t c[] = {testing_collection(t, 1), 0};
	int64_t serial, other = 0, third = 0, again = 0;
	struct store_reader *r;
	struct slice member;
	uint64_t index;
	int64_t added;
	bool found;

	serial = testing_put(t, (struct object_words){.id = 1, .version_us = T0, .name = "x"}, c)
			 .serial;
	ASSERT_OK(t, store_vouch(t->store, serial, SLICE("member/kz"), 7, &other, &t->e));
	ASSERT_OK(t, store_vouch(t->store, serial, SLICE("member/kz"), 7, &again, &t->e));
	assert_int_equal(other, again);
	ASSERT_OK(t, store_vouch(t->store, serial, SLICE("member/uz"), 7, &third, &t->e));
	assert_int_not_equal(other, third);
	assert_int_equal(
		store_vouch(t->store, 999, SLICE("member/kz"), 8, &again, &t->e), ERR_USAGE);
	/* the first goes: the next has it, with a place in its own sequence */
	ASSERT_OK(t, store_forget(t->store, serial, &found, &t->e));
	assert_true(found);
	assert_string_equal(PAGE(.collection = 1), "1@1700000000000000");
	r = testing_reader(t);
	ASSERT_OK(t, store_origin_get(r, serial, t->arena, &member, &index, &added, &t->e));
	store_reader_give(r);
	assert_true(slice_is(member, "member/kz"));
	assert_int_equal(index, 1);
	testing_verify(t);
	ASSERT_OK(t, store_forget(t->store, serial, &found, &t->e)); /* twice is once */
	assert_false(found);
	ASSERT_OK(t, store_forget(t->store, other, &found, &t->e));
	assert_true(found);
	assert_string_equal(PAGE(.collection = 1), "1@1700000000000000");
	testing_verify(t);
	ASSERT_OK(t, store_forget(t->store, third, &found, &t->e));
	assert_true(found);
	assert_string_equal(PAGE(.collection = 1), "");
	ASSERT_OK(t, store_forget(t->store, third, &found, &t->e));
	assert_false(found);
	testing_verify(t);
}

static void test_others_go_first(void **state)
{
	struct testing *t = *state;
	const int64_t c[] = {testing_collection(t, 1), 0};
	int64_t serial, other = 0, was = 0;
	struct store_reader *r;
	bool found;

	serial = testing_put(t, (struct object_words){.id = 1, .version_us = T0}, c).serial;
	ASSERT_OK(t, store_vouch(t->store, serial, SLICE("member/kz"), 7, &other, &t->e));
	r = testing_reader(t);
	ASSERT_OK(t, store_vouched_get(r, other, &was, &found, &t->e));
	store_reader_give(r);
	assert_true(found && was == serial);
	ASSERT_OK(t, store_forget(t->store, other, &found, &t->e));
	assert_true(found);
	assert_string_equal(PAGE(.collection = 1), "1@1700000000000000");
	ASSERT_OK(t, store_forget(t->store, serial, &found, &t->e));
	assert_true(found);
	assert_string_equal(PAGE(.collection = 1), "");
	testing_verify(t);
}

/* ---- times ----------------------------------------------------------------------------------- */

static bool due_keep(void *context, const struct store_due *due)
{
	buf_printf(context, "%lld:%lld:%.*s ", (long long)due->number, (long long)due->at_us,
		SLICE_ARG(due->rule));
	return true;
}

static bool deleted_keep(void *context, const struct store_deleted *d)
{
	bool vouched = d->number >= STORE_VOUCHED;

	buf_printf(context, "%s%lld:%lld:%.*s:%.*s ", vouched ? "v" : "",
		(long long)(vouched ? d->number - STORE_VOUCHED : d->number), (long long)d->due_us,
		SLICE_ARG(d->member), SLICE_ARG(d->rule));
	return true;
}

static const char *told(struct testing *t, int64_t before)
{
	struct store_reader *r = testing_reader(t);
	struct buf out = BUF_INIT;
	struct slice text;

	ASSERT_OK(t, store_due_each(r, before, due_keep, &out, &t->e));
	buf_text(&out, "| ");
	ASSERT_OK(t, store_deleted_each(r, 0, deleted_keep, &out, &t->e));
	store_reader_give(r);
	buf_char(&out, '\0');
	text = arena_copy(t->arena, buf_slice(&out));
	buf_fini(&out);
	return text.data;
}

static void test_due(void **state)
{
	struct testing *t = *state;
	const int64_t c[] = {testing_collection(t, 1), 0};
	struct store_retention r;
	struct store_reader *reader;
	int64_t at;

	for (unsigned i = 1; i < 4; i++)
		testing_put(t, (struct object_words){.id = i, .version_us = T0}, c);
	ASSERT_OK(t, store_due_put(t->store,
			     (struct store_due[]){
				     {1, 500, SLICE("X1")  },
                                     {2, 400, SLICE("X2")  },
				     {9, 1,   SLICE("gone")}
        },
			     3, NULL, 0, &t->e));
	assert_string_equal(told(t, 500), "2:400:X2 | ");
	assert_string_equal(told(t, 501), "2:400:X2 1:500:X1 | ");
	/* later, and never */
	ASSERT_OK(t, store_due_put(t->store,
			     (struct store_due[]){
				     {1, 600, SLICE("X3")},
                                     {2, 0,   {0}        }
        },
			     2, NULL, 0, &t->e));
	assert_string_equal(told(t, INT64_MAX), "1:600:X3 | ");
	reader = testing_reader(t);
	ASSERT_OK(t, store_due_get(reader, 1, &at, &t->e));
	assert_int_equal(at, 600);
	ASSERT_OK(t, store_due_get(reader, 2, &at, &t->e));
	assert_int_equal(at, 0);
	ASSERT_OK(t, store_retention_get(reader, 601, 0, &r, &t->e));
	assert_true(r.due == 1 && r.soon == 1 && r.lately == 0);
	ASSERT_OK(t, store_retention_get(reader, 600, 0, &r, &t->e));
	assert_int_equal(r.soon, 0);
	store_reader_give(reader);
	ASSERT_OK(t, store_expire(t->store,
			     &(struct store_deleted){.at_us = 550,
				     .number = 1,
				     .due_us = 600,
				     .member = SLICE("member/kz"),
				     .rule = SLICE("X3")},
			     1, &t->e));
	assert_string_equal(told(t, INT64_MAX), "| 1:600:member/kz:X3 ");
	assert_string_equal(PAGE(.collection = 1), "2@1700000000000000 3@1700000000000000");
	reader = testing_reader(t);
	ASSERT_OK(t, store_retention_get(reader, 600, 550, &r, &t->e));
	assert_true(r.due == 0 && r.next_us == 0 && r.deleted == 1 && r.deleted_us == 550);
	assert_true(r.soon == 0 && r.lately == 1);
	ASSERT_OK(t, store_retention_get(reader, 600, 551, &r, &t->e));
	assert_int_equal(r.lately, 0);
	store_reader_give(reader);
	testing_verify(t);
}

static void deleted_as(struct testing *t, int64_t number, const char *member)
{
	ASSERT_OK(t, store_expire(t->store,
			     &(struct store_deleted){.at_us = 1,
				     .number = number,
				     .due_us = 2,
				     .member = slice_of(member),
				     .rule = SLICE("X")},
			     1, &t->e));
}

/* Each record has the number under which its member knows the version. */
static void test_whose_is_deleted(void **state)
{
	struct testing *t = *state;
	const int64_t c[] = {testing_collection(t, 1), 0};
	struct buf after = BUF_INIT;
	struct store_reader *r;
	int64_t serial, other = 0;
	bool rests = true;

	serial = testing_put(t, (struct object_words){.id = 1, .version_us = T0}, c).serial;
	ASSERT_OK(t, store_vouch(t->store, serial, SLICE("member/kz"), 7, &other, &t->e));
	r = testing_reader(t);
	ASSERT_OK(t, store_rests_on_vouch(r, serial, &rests, &t->e));
	store_reader_give(r);
	assert_false(rests);
	deleted_as(t, serial, "first");
	r = testing_reader(t);
	ASSERT_OK(t, store_rests_on_vouch(r, serial, &rests, &t->e));
	store_reader_give(r);
	assert_true(rests);
	assert_string_equal(PAGE(.collection = 1), "1@1700000000000000");
	deleted_as(t, serial, "member/kz");
	assert_string_equal(PAGE(.collection = 1), "");
	assert_string_equal(told(t, 0), "| v1:2:member/kz:X 1:2:first:X ");
	r = testing_reader(t);
	ASSERT_OK(t, store_deleted_after(r, 0, deleted_keep, &after, &t->e));
	ASSERT_OK(t, store_deleted_after(r, 2, deleted_keep, &after, &t->e));
	store_reader_give(r);
	assert_true(slice_is(buf_slice(&after), "1:2:first:X v1:2:member/kz:X "));
	buf_fini(&after);
	testing_verify(t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, testing_setup, testing_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_goes_with_the_last),
		TEST(test_others_go_first),
		TEST(test_due),
		TEST(test_whose_is_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
