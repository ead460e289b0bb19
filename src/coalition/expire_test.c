/* SPDX-License-Identifier: MPL-2.0 */
/* What the store refused goes by its time too, and so does what came from a member that left. */
#include "coalition_testing.h"

#define KEEP_US (10 * BENCH_DAY_US)
#define FIRST   "unfit: name of a person"
#define SECOND  "unfit: name of another"

/* Its copy of the first member's log, also when that one left. */
static struct ledger *log_of(struct node *n)
{
	return origin_find(n->coalition, SLICE("m0/log"))->log;
}

static enum ledger_where where_is(struct node *n, uint64_t index)
{
	struct ledger_place place;

	MUST(ledger_places(log_of(n), index, 1, &place, &e));
	return place.where;
}

static bool salt_is_there(struct node *n, const uint8_t salt[LEDGER_SALT_LEN])
{
	return node_disk_has(n, (struct slice){(const char *)salt, LEDGER_SALT_LEN});
}

static void salt_of(struct node *n, uint64_t index, uint8_t ret_salt[LEDGER_SALT_LEN])
{
	struct ledger_place place;

	MUST(ledger_opening_get(log_of(n), index, ret_salt, &place, NULL, &e));
	assert_true(place.where == LEDGER_STORED || place.where == LEDGER_HELD);
}

static enum err_kind expire_held(struct node *n, struct err *e)
{
	enum err_kind kind = OK;
	bool done = false;
	size_t log = 0;

	while (kind == OK && !done)
		kind = coalition_expire_held(n->coalition, &log, &done, e);
	return kind;
}

static void told_is(struct node *n, const char *expected)
{
	if (!slice_is(buf_slice(&n->expired), expected))
		fail_msg("told \"%.*s\", expected \"%s\"", SLICE_ARG(buf_slice(&n->expired)),
			expected);
}

/* Node 1 holds what its store refused: entry 1 of m0, behind the policy. Its arrival. */
static int64_t held_make(struct bench *b, uint64_t seed)
{
	struct node *n = &b->nodes[1];
	int64_t arrived;

	bench_init(b, 3, seed, true);
	n->keep_us = KEEP_US;
	node_add(&b->nodes[0], FIRST, BENCH_ALL);
	node_publish(&b->nodes[0]);
	arrived = world_now(&n->world);
	node_meet(n, 0);
	assert_int_equal(where_is(n, 1), LEDGER_HELD);
	return arrived;
}

static void test_by_its_arrival(void **state)
{
	struct bench b;
	int64_t arrived = held_make(&b, 70);
	struct node *n = &b.nodes[1];
	uint8_t salt[LEDGER_SALT_LEN], other[LEDGER_SALT_LEN];

	(void)state;
	salt_of(n, 1, salt);
	b.now_us += BENCH_DAY_US;
	node_add(&b.nodes[0], SECOND, BENCH_ALL); /* a day later */
	bench_rounds(&b, 3);
	salt_of(n, 2, other);

	/* The last moment before the hour, and the first of it. */
	b.now_us += arrived + KEEP_US - COALITION_HELD_LEAD_US - world_now(&n->world);
	MUST(expire_held(n, &e));
	assert_int_equal(where_is(n, 1), LEDGER_HELD);
	assert_true(node_disk_has(n, SLICE("name of a person")));
	told_is(n, "");
	b.now_us++;
	MUST(expire_held(n, &e));
	assert_int_equal(where_is(n, 1), LEDGER_ERASED);
	assert_false(node_disk_has(n, SLICE("name of a person")));
	assert_false(salt_is_there(n, salt));
	told_is(n, "m0:1 kept 59;");
	assert_int_equal(where_is(n, 2), LEDGER_HELD);
	assert_true(salt_is_there(n, other));

	/* Once, for good, and nowhere else. */
	for (unsigned starts = 0; starts < 2; starts++) {
		uint64_t reached = n->store.reached;

		bench_rounds(&b, 3);
		MUST(expire_held(n, &e));
		assert_int_equal(n->store.reached, reached);
		assert_int_equal(where_is(n, 1), LEDGER_ERASED);
		told_is(n, "m0:1 kept 59;");
		node_close(n);
		node_open(n);
	}
	assert_true(node_disk_has(&b.nodes[0], SLICE(FIRST)) || node_holds(&b.nodes[0], FIRST));
	b.now_us += 2 * BENCH_DAY_US;
	MUST(expire_held(n, &e));
	assert_int_equal(where_is(n, 2), LEDGER_ERASED);
	assert_false(salt_is_there(n, other));
	MUST(ledger_verify(log_of(n), NULL, NULL, &e));
	bench_fini(&b);
}

/* For ever, and while nobody can say how long: what was said before counts, also after a start. */
static void test_without_an_end(void **state)
{
	struct bench b;
	struct node *n = &b.nodes[1];

	(void)state;
	held_make(&b, 71);
	n->keep_us = 0;
	b.now_us += 1000 * BENCH_DAY_US;
	MUST(expire_held(n, &e));
	assert_int_equal(where_is(n, 1), LEDGER_HELD);
	n->keep_us = -1;
	MUST(expire_held(n, &e));
	assert_int_equal(where_is(n, 1), LEDGER_HELD);
	n->keep_us = 1001 * BENCH_DAY_US;
	MUST(expire_held(n, &e));
	assert_int_equal(where_is(n, 1), LEDGER_HELD);
	n->keep_us = -1;
	node_close(n);
	node_open(n);
	b.now_us += 2 * BENCH_DAY_US;
	MUST(expire_held(n, &e));
	assert_int_equal(where_is(n, 1), LEDGER_ERASED);
	bench_fini(&b);
}

/* An older program noted no arrival: it counts from the first look. */
static void test_without_a_record(void **state)
{
	struct bench b;
	struct node *n = &b.nodes[1];
	unsigned emptied = 0;

	(void)state;
	held_make(&b, 72);
	for (size_t i = 0; i < n->paths_count; i++) {
		size_t len = strlen(n->paths[i]);

		if (len < 5 || strcmp(n->paths[i] + len - 5, "/held") != 0)
			continue;
		MUST(n->real.truncate(n->real.context, n->paths[i], 0, &e));
		emptied++;
	}
	assert_true(emptied > 0);
	node_close(n);
	b.now_us += 5 * BENCH_DAY_US;
	node_open(n);
	MUST(expire_held(n, &e));
	b.now_us += 6 * BENCH_DAY_US;
	MUST(expire_held(n, &e));
	assert_int_equal(where_is(n, 1), LEDGER_HELD);
	b.now_us += 4 * BENCH_DAY_US;
	MUST(expire_held(n, &e));
	assert_int_equal(where_is(n, 1), LEDGER_ERASED);
	bench_fini(&b);
}

/* More than are erased together, and more than fit one look. */
static void test_many(void **state)
{
	enum { MANY = 2 * EXPIRE_ERASED + 3 };
	struct bench b;
	struct node *n = &b.nodes[1];

	(void)state;
	bench_init(&b, 3, 73, true);
	n->keep_us = KEEP_US;
	for (unsigned i = 0; i < MANY; i++) {
		char text[32];

		snprintf(text, sizeof(text), "unfit %u", i);
		node_add(&b.nodes[0], text, BENCH_ALL);
	}
	for (unsigned rounds = 0; n->store.reached < MANY; rounds++) {
		assert_true(rounds < MANY);
		bench_rounds(&b, 1);
	}
	b.now_us += KEEP_US;
	MUST(expire_held(n, &e));
	for (unsigned i = 1; i <= MANY; i++)
		assert_int_equal(where_is(n, i), LEDGER_ERASED);
	assert_false(node_disk_has(n, SLICE("unfit")));
	bench_fini(&b);
}

/* Whatever call fails, of taking it or of letting it go: it goes by its time, and it is told. */
static void cut_short(bool power)
{
	uint64_t steps = 0;
	bool whole = false, taken;

	for (uint64_t at = 1; !whole; at++) {
		struct bench b;
		struct node *n = &b.nodes[1];
		uint8_t salt[LEDGER_SALT_LEN];
		struct err why;

		bench_init(&b, 3, 74, true);
		n->keep_us = KEEP_US;
		node_add(&b.nodes[0], FIRST, BENCH_ALL);
		node_publish(&b.nodes[0]);
		ledger_disk_fake_fail_at(n->fake, at);
		taken = node_try_meet(n, 0, &why) == OK;
		if (!taken && power)
			ledger_disk_fake_crash(n->fake);
		ledger_disk_fake_fail_at(n->fake, 0);
		if (!taken && power) {
			node_close(n);
			node_open(n);
		}
		if (!taken)
			bench_rounds(&b, 3);
		assert_int_equal(where_is(n, 1), LEDGER_HELD);
		salt_of(n, 1, salt);
		MUST(expire_held(n, &e));
		b.now_us += KEEP_US;
		ledger_disk_fake_fail_at(n->fake, at);
		whole = expire_held(n, &why) == OK && taken;
		if (power)
			ledger_disk_fake_crash(n->fake);
		ledger_disk_fake_fail_at(n->fake, 0);
		if (power) {
			node_close(n);
			node_open(n);
		}
		MUST(expire_held(n, &e));
		assert_int_equal(where_is(n, 1), LEDGER_ERASED);
		assert_false(salt_is_there(n, salt));
		/* What was being taken when a call failed may stand there twice. */
		assert_true(!taken || !node_disk_has(n, SLICE("name of a person")));
		assert_true(slice_starts(buf_slice(&n->expired), SLICE("m0:1 kept ")));
		MUST(ledger_verify(log_of(n), NULL, NULL, &e));
		bench_fini(&b);
		steps = at;
	}
	assert_true(steps > 10);
}

static void test_cut_short(void **state)
{
	(void)state;
	cut_short(true);
	cut_short(false);
}

/* A member that left: its log is kept for its proofs, and what came in it goes all the same. */
static void test_from_who_left(void **state)
{
	struct bench b;
	struct charter c;
	struct charter_revoked revoked = {0};
	struct charter_member rows[BENCH_MEMBERS];
	struct buf note = BUF_INIT;
	struct node *n = &b.nodes[1];
	uint8_t stored[LEDGER_SALT_LEN], held[LEDGER_SALT_LEN];
	struct coalition_expired at = {0};
	uint64_t serial, size;
	bool done = false;

	(void)state;
	held_make(&b, 75);
	node_add(&b.nodes[0], "for ten days", BENCH_ALL);
	bench_rounds(&b, 3);
	serial = (uint64_t)(node_holds(n, "for ten days") - n->store.objects) + 1;
	salt_of(n, 1, held);
	salt_of(n, 2, stored);
	size = ledger_size(log_of(&b.nodes[2]));
	revoked.key = b.rows[0].log;
	revoked.size = size;
	MUST(ledger_root(log_of(&b.nodes[2]), size, revoked.root, &e));
	memcpy(rows, b.rows, sizeof(rows));
	c = bench_charter_of(&b, 3, 2, coalition_charter(n->coalition));
	c.members = rows + 1;
	c.members_count = 2;
	c.threshold = 2;
	c.revoked = &revoked;
	c.revoked_count = 1;
	bench_charter_note(&b, &c, 6, &note);
	node_close(&b.nodes[0]);
	for (unsigned i = 1; i < 3; i++)
		MUST(coalition_charter_take(b.nodes[i].coalition, buf_slice(&note), &e));
	bench_rounds(&b, 3);
	node_close(n);
	node_open(n); /* what is open now is open by the charter alone */
	assert_int_equal(where_is(n, 1), LEDGER_HELD);
	assert_int_equal(where_is(n, 2), LEDGER_STORED);

	b.now_us += KEEP_US;
	MUST(expire_held(n, &e));
	assert_int_equal(where_is(n, 1), LEDGER_ERASED);
	assert_false(salt_is_there(n, held));
	n->store.objects[serial - 1].forgotten = true;
	while (!done)
		MUST(coalition_expire(n->coalition, SLICE("m0"), &serial, 1, &at, &done, &e));
	assert_int_equal(where_is(n, 2), LEDGER_ERASED);
	assert_false(salt_is_there(n, stored));
	MUST(ledger_verify(log_of(n), NULL, NULL, &e));
	buf_fini(&note);
	bench_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_its_arrival),
		cmocka_unit_test(test_without_an_end),
		cmocka_unit_test(test_without_a_record),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_from_who_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
