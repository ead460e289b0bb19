/* SPDX-License-Identifier: MPL-2.0 */
/* How long what was received may be kept: by which rule, from when, and that it then goes. */
#include "release_testing.h"

#define FROM_KZ(days)                                                                              \
	PERMIT_MUST("kept", "'act':['share'],'from':['kz'],'to':['kg']," ANY_TLP,                  \
		"'retain_days':" days)
#define HANDED_ON                                                                                  \
	PERMIT_MUST("handed", "'act':['reshare'],'from':['uz'],'to':['kg']," ANY_TLP,              \
		"'retain_days':7")

/* 0: no end. */
static int64_t due_of(struct fixture *f, int64_t number)
{
	struct store_reader *r;
	int64_t at = -1;

	for (int i = 0; i < 3; i++) /* traits first, then this */
		MUST(intel_idle(f->intel, e));
	MUST(store_reader_take(f->store, &r, e));
	MUST(store_due_get(r, number, &at, e));
	store_reader_give(r);
	return at;
}

static bool is_here(struct fixture *f, int64_t serial)
{
	struct buf body = BUF_INIT;
	struct store_reader *r;
	bool found;

	MUST(store_reader_take(f->store, &r, e));
	MUST(store_get_serial(r, serial, &body, &found, e));
	store_reader_give(r);
	buf_fini(&body);
	return found;
}

static bool deleted_tell(void *context, const struct store_deleted *d)
{
	bool vouched = d->number >= STORE_VOUCHED;

	buf_printf(context, "%s%lld %.*s %.*s %lld;", vouched ? "v" : "",
		(long long)(vouched ? d->number - STORE_VOUCHED : d->number), SLICE_ARG(d->member),
		SLICE_ARG(d->rule), (long long)((d->due_us - d->at_us) / HOUR_US));
	return true;
}

/* "SERIAL MEMBER RULE HOURS-BEFORE;" each. */
static const char *deleted(struct fixture *f)
{
	struct buf out = BUF_INIT;
	struct store_reader *r;
	struct slice text;

	MUST(store_reader_take(f->store, &r, e));
	MUST(store_deleted_each(r, 0, deleted_tell, &out, e));
	store_reader_give(r);
	buf_char(&out, '\0');
	text = arena_copy(f->arena, buf_slice(&out));
	buf_fini(&out);
	return text.data;
}

static void test_by_the_rule_under_which_it_came(void **state)
{
	struct fixture *f = *state;
	int64_t from_kz = put_as(f, "member/kz", 1, ""), ours = put_as(f, "self", 2, "");
	int64_t from_uz = put_as(f, "member/uz", 3, "");

	in_force(f, FROM_KZ("10"));
	assert_int_equal(due_of(f, from_kz) - NOW, 10 * DAY_US);
	assert_int_equal(due_of(f, ours), 0);    /* binds who receives */
	assert_int_equal(due_of(f, from_uz), 0); /* no rule let it come */
	/* Nobody but a third could have handed it on: that rule counts. */
	in_force(f, FROM_KZ("10") "," HANDED_ON);
	assert_int_equal(due_of(f, from_kz) - NOW, 10 * DAY_US);
	in_force(f, HANDED_ON);
	assert_int_equal(due_of(f, from_kz) - NOW, 7 * DAY_US);
	assert_int_equal(due_of(f, from_uz), 0); /* it has not received its own */
}

static void test_another_policy(void **state)
{
	struct fixture *f = *state;
	int64_t serial = put_as(f, "member/kz", 1, "");

	in_force(f, FROM_KZ("10"));
	assert_int_equal(due_of(f, serial) - NOW, 10 * DAY_US);
	/* It counts from the arrival, whenever the policy came. */
	world_fake_advance(&f->world, 2 * DAY_US);
	in_force(f, FROM_KZ("5"));
	assert_int_equal(due_of(f, serial) - NOW, 5 * DAY_US);
	in_force(f, FROM_KZ("20"));
	assert_int_equal(due_of(f, serial) - NOW, 20 * DAY_US);
	/* None lets it come any more, or none is in force: it keeps what it had. */
	in_force(f, TO_KZ);
	assert_int_equal(due_of(f, serial) - NOW, 20 * DAY_US);
	in_force(f, NULL);
	assert_int_equal(due_of(f, serial) - NOW, 20 * DAY_US);
	/* One that wants no end takes it away. */
	in_force(f, PERMIT("open", "'from':['kz'],'to':['kg']," ANY_TLP));
	assert_int_equal(due_of(f, serial), 0);
}

static void test_gone_by_then(void **state)
{
	struct fixture *f = *state;
	int64_t serial = put_as(f, "member/kz", 1, ""), ours = put_as(f, "self", 2, "");
	bool purged = false;

	in_force(f, FROM_KZ("10"));
	assert_int_equal(due_of(f, serial) - NOW, 10 * DAY_US);
	world_fake_advance(&f->world, 10 * DAY_US - INTEL_RETAIN_LEAD_US);
	MUST(intel_idle(f->intel, e));
	assert_true(is_here(f, serial)); /* the last moment */
	assert_string_equal(deleted(f), "");
	world_fake_advance(&f->world, 1);
	MUST(intel_idle(f->intel, e));
	assert_false(is_here(f, serial));
	assert_true(is_here(f, ours));
	assert_string_equal(deleted(f), "1 member/kz kept 0;");
	/* and out of the files, long before the hour is over */
	MUST(intel_idle(f->intel, e));
	world_fake_advance(&f->world, 2 * US_PER_SECOND);
	MUST(intel_idle(f->intel, e));
	MUST(store_purged(f->store, &purged, e));
	assert_true(purged);
	/* a start does not forget what was deleted, nor delete again */
	start_again(f);
	assert_int_equal(due_of(f, serial), 0);
	assert_string_equal(deleted(f), "1 member/kz kept 0;");
}

/* The clock stood still for us: what ended meanwhile goes at once, also without a policy. */
static void test_after_the_node_was_off(void **state)
{
	struct fixture *f = *state;
	int64_t serial = put_as(f, "member/kz", 1, "");

	in_force(f, FROM_KZ("10"));
	assert_int_equal(due_of(f, serial) - NOW, 10 * DAY_US);
	world_fake_advance(&f->world, 60 * DAY_US); /* the policy has lapsed, too */
	start_again(f);
	MUST(intel_idle(f->intel, e));
	assert_false(is_here(f, serial));
	assert_string_equal(deleted(f), "1 member/kz kept -1200;");
}

/* Kept for another who vouches for it, as long as that one's rule says. */
static void test_two_vouch(void **state)
{
	struct fixture *f = *state;
	int64_t serial = put_as(f, "member/kz", 1, ""), number = 0;

	MUST(store_vouch(f->store, serial, SLICE("member/uz"), 4, &number, e));
	in_force(f, FROM_KZ("2") "," PERMIT_MUST(
			    "uz", "'from':['uz'],'to':['kg']," ANY_TLP, "'retain_days':9"));
	assert_int_equal(due_of(f, serial) - NOW, 2 * DAY_US);
	world_fake_advance(&f->world, 2 * DAY_US);
	assert_int_equal(due_of(f, serial) - NOW, 9 * DAY_US);
	assert_true(is_here(f, serial));
	assert_string_equal(deleted(f), "1 member/kz kept 0;");
	world_fake_advance(&f->world, 7 * DAY_US);
	MUST(intel_idle(f->intel, e));
	assert_false(is_here(f, serial));
	assert_string_equal(deleted(f), "v1 member/uz uz 0;1 member/kz kept 0;");
}

/* Of what the store refused nobody can ask which rule let it come: the strictest counts. */
static void test_least(void **state)
{
	struct fixture *f = *state;
	struct intel_keep keep = {.days = 77};

	in_force(f, NULL);
	assert_false(intel_keep_least(f->intel, &keep));
	assert_int_equal(keep.days, 77);
	in_force(f, TO_KZ); /* demands nothing, and not of us */
	assert_true(intel_keep_least(f->intel, &keep));
	assert_int_equal(keep.days, 0);
	in_force(f, FROM_KZ("10") "," HANDED_ON);
	assert_true(intel_keep_least(f->intel, &keep));
	assert_int_equal(keep.days, 7);
	assert_string_equal(keep.rule, "handed");
	world_fake_advance(&f->world, 60 * DAY_US); /* the policy has lapsed */
	assert_false(intel_keep_least(f->intel, &keep));
	assert_int_equal(keep.days, 7);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_by_the_rule_under_which_it_came),
		TEST(test_another_policy),
		TEST(test_gone_by_then),
		TEST(test_after_the_node_was_off),
		TEST(test_two_vouch),
		TEST(test_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
