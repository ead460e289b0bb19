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

static bool count_keep(void *context, const struct store_due_count *c)
{
	buf_printf(context, "%.*s:%.*s:%llu:%lld ", SLICE_ARG(c->member), SLICE_ARG(c->rule),
		(unsigned long long)c->versions, (long long)c->first_us);
	return true;
}

static void counts_are(struct testing *t, int64_t before, const char *expected)
{
	struct store_reader *r = testing_reader(t);
	struct buf out = BUF_INIT;

	ASSERT_OK(t, store_due_counts_each(r, before, count_keep, &out, &t->e));
	store_reader_give(r);
	if (!slice_is(buf_slice(&out), expected))
		fail_msg("before %lld: \"%.*s\"", (long long)before, SLICE_ARG(buf_slice(&out)));
	buf_fini(&out);
}

/* By whose they are, also when another vouches for the same version, and by which rule. */
static void test_due_counts(void **state)
{
	struct testing *t = *state;
	const int64_t c[] = {testing_collection(t, 1), 0};
	int64_t other = 0;

	for (unsigned i = 1; i < 5; i++)
		testing_put(t, (struct object_words){.id = i, .version_us = T0}, c);
	ASSERT_OK(t, store_vouch(t->store, 1, SLICE("member/kz"), 7, &other, &t->e));
	counts_are(t, INT64_MAX, "");
	ASSERT_OK(t, store_due_put(t->store,
			     (struct store_due[]){
				     {1,     500, SLICE("X1")},
				     {2,     300, SLICE("X1")},
				     {3,     400, SLICE("X2")},
				     {other, 450, SLICE("X1")},
        },
			     4, NULL, 0, &t->e));
	counts_are(t, 300, "");
	counts_are(t, 301, "self:X1:1:300 ");
	counts_are(t, INT64_MAX, "self:X1:2:300 self:X2:1:400 member/kz:X1:1:450 ");
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

/* ---- what was refused ------------------------------------------------------------------------ */

static bool evidence_count(void *context, const struct store_evidence *evidence)
{
	(void)evidence;
	++*(unsigned *)context;
	return true;
}

static unsigned evidence(struct testing *t)
{
	struct store_reader *r = testing_reader(t);
	unsigned count = 0;

	ASSERT_OK(t, store_evidence_each(r, evidence_count, &count, &t->e));
	store_reader_give(r);
	return count;
}

/* The record, and what the store kept of it: of this member, up to this time. */
static void test_refused_goes(void **state)
{
	struct testing *t = *state;
	const int64_t c[] = {testing_collection(t, 1), 0};
	struct store_deleted d[2] = {
		{.at_us = 5, .number = STORE_REFUSED + 7, .due_us = 9, .rule = SLICE("X")},
		{.at_us = 5, .number = STORE_REFUSED + 8, .due_us = 9, .rule = SLICE("X")},
	};
	int64_t then;

	testing_put(t, (struct object_words){.id = 1, .version_us = T0, .name = "a"}, c);
	testing_put(t, (struct object_words){.id = 1, .version_us = T0, .name = "b"}, c);
	assert_int_equal(evidence(t), 1);
	then = world_now(&t->world.world);
	d[0].member = SLICE("member/kz");
	d[1].member = SLICE("self");
	assert_int_equal(store_refused_expire(t->store, d, 2, then, &t->e), ERR_USAGE);
	d[0].number = 7;
	d[0].member = d[1].member;
	assert_int_equal(store_refused_expire(t->store, d, 2, then, &t->e), ERR_USAGE);
	assert_string_equal(told(t, 0), "| ");
	d[0].number = STORE_REFUSED + 7;
	ASSERT_OK(t, store_refused_expire(t->store, d, 2, then - 1000000, &t->e));
	assert_int_equal(evidence(t), 1); /* it came later */
	d[0].member = SLICE("member/kz");
	ASSERT_OK(t, store_refused_expire(t->store, d, 1, then, &t->e));
	assert_int_equal(evidence(t), 1); /* another's */
	d[0].member = d[1].member;
	ASSERT_OK(t, store_refused_expire(t->store, d, 1, then, &t->e));
	assert_int_equal(evidence(t), 0);
	testing_verify(t);
}

/* ---- by their time --------------------------------------------------------------------------- */

static void assert_by_index(struct testing *t, enum sql_id id)
{
	static const char *const texts[] = {
#define X(name, text) text,
		STORE_STATEMENTS(X)
#undef X
	};
	struct store_reader *r = testing_reader(t);
	struct buf plan = BUF_INIT, sql = BUF_INIT;
	sqlite3_stmt *st;

	buf_printf(&sql, "EXPLAIN QUERY PLAN %s", texts[id]);
	buf_char(&sql, '\0');
	assert_int_equal(sqlite3_prepare_v2(r->conn.db, sql.data, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW)
		buf_printf(&plan, "%s\n", (const char *)sqlite3_column_text(st, 3));
	sqlite3_finalize(st);
	buf_char(&plan, '\0');
	if (strstr(plan.data, "INDEX deleted_at (at_us>?)") == NULL ||
		strstr(plan.data, "TEMP B-TREE") != NULL)
		fail_msg("%s", plan.data);
	buf_fini(&plan);
	buf_fini(&sql);
	store_reader_give(r);
}

/* Records that an older program wrote, and whose times do not ascend: a clock was set back. */
static void test_by_time(void **state)
{
	static const int64_t times[] = {100, 400, 200, 300, 400};
	struct testing *t = *state;
	struct store_retention kept;
	struct store_reader *r;
	struct buf out = BUF_INIT;

	testing_close(t);
	ASSERT_OK(t, store_migrate(t->folder, 3, &t->e));
	{
		char path[sizeof(t->folder) + 32];
		sqlite3 *db;

		snprintf(path, sizeof(path), "%s/store.db", t->folder);
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		for (size_t i = 0; i < COUNT_OF(times); i++) {
			struct buf sql = BUF_INIT;

			buf_printf(&sql,
				"INSERT INTO deleted (at_us, serial, due_us, member, rule, policy)"
				" VALUES (%lld, %zu, 1, 'member/kz', 'X', x'00')",
				(long long)times[i], i + 1);
			buf_char(&sql, '\0');
			assert_int_equal(sqlite3_exec(db, sql.data, NULL, NULL, NULL), SQLITE_OK);
			buf_fini(&sql);
		}
		sqlite3_close(db);
	}
	testing_open(t, STORE_WRITE);
	r = testing_reader(t);
	ASSERT_OK(t, store_deleted_each(r, 300, deleted_keep, &out, &t->e));
	assert_true(slice_is(buf_slice(&out), "5:1:member/kz:X 2:1:member/kz:X 4:1:member/kz:X "));
	ASSERT_OK(t, store_retention_get(r, 0, 200, &kept, &t->e));
	assert_true(kept.deleted == 5 && kept.lately == 4 && kept.deleted_us == 400);
	ASSERT_OK(t, store_retention_get(r, 0, 401, &kept, &t->e));
	assert_true(kept.lately == 0);
	store_reader_give(r);
	buf_fini(&out);
	assert_by_index(t, SQL_DELETED_SINCE);
	assert_by_index(t, SQL_RETENTION);
	testing_verify(t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, testing_setup, testing_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_goes_with_the_last),
		TEST(test_others_go_first),
		TEST(test_due),
		TEST(test_due_counts),
		TEST(test_whose_is_deleted),
		TEST(test_refused_goes),
		TEST(test_by_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
