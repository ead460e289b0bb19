/* SPDX-License-Identifier: MPL-2.0 */
/* What is taken back: everywhere, acknowledged, by nobody else, and with nothing left behind. */
#include "coalition_testing.h"

static uint64_t index_of(struct node *n, uint64_t serial)
{
	uint64_t index = 0;
	bool found = false;

	MUST(coalition_index_of(n->coalition, serial, &index, &found, &e));
	assert_true(found);
	return index;
}

/* How many members acknowledged the last withdrawal, as n knows. */
static unsigned acknowledged(struct node *n)
{
	struct arena *a = arena_new(MIB(1));
	struct coalition_withdrawal *list;
	size_t count;
	unsigned sum = 0;

	MUST(coalition_withdrawals(n->coalition, a, &list, &count, &e));
	assert_true(count > 0);
	for (unsigned i = 0; i < n->bench->count; i++)
		sum += list[count - 1].acknowledged[i];
	arena_free(a);
	return sum;
}

static void test_withdrawal_acknowledged_by_all(void **state)
{
	struct bench b;
	uint64_t serial;

	(void)state;
	bench_init(&b, 4, 41, true);
	serial = node_add(&b.nodes[0], "a mistake", BENCH_ALL);
	bench_rounds(&b, 2);
	node_close(&b.nodes[3]); /* one is dark */
	MUST(coalition_withdraw(b.nodes[0].coalition, index_of(&b.nodes[0], serial), WITHDRAW_ORDER,
		SLICE("by order"), &e));
	assert_int_equal(acknowledged(&b.nodes[0]), 1);
	bench_rounds(&b, 3);
	assert_int_equal(acknowledged(&b.nodes[0]), 3);
	node_open(&b.nodes[3]);
	bench_rounds(&b, 3);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(acknowledged(&b.nodes[i]), 4);
		assert_null(node_holds(&b.nodes[i], "a mistake"));
	}
	/* The list survives a start. */
	node_close(&b.nodes[0]);
	node_open(&b.nodes[0]);
	assert_int_equal(acknowledged(&b.nodes[0]), 4);
	bench_fini(&b);
}

static void test_withdrawals_refused(void **state)
{
	static char reason[COALITION_REASON_MAX + 1];
	struct bench b;
	struct coalition *c;
	uint64_t serial, index, size;

	(void)state;
	bench_init(&b, 3, 42, true);
	c = b.nodes[0].coalition;
	serial = node_add(&b.nodes[0], "an object", BENCH_ALL);
	bench_rounds(&b, 2);
	index = index_of(&b.nodes[0], serial);
	size = ledger_size(node_log(&b.nodes[0], &b.nodes[0]));
	REFUSED(ERR_USAGE, coalition_withdraw(c, size, WITHDRAW_ERROR, SLICE(""), &e));
	REFUSED(ERR_USAGE, coalition_withdraw(c, 0, WITHDRAW_ERROR, SLICE(""), &e)); /* policy */
	memset(reason, 'a', sizeof(reason));
	REFUSED(ERR_USAGE, coalition_withdraw(c, index, WITHDRAW_ERROR,
				   (struct slice){reason, sizeof(reason)}, &e));
	REFUSED(ERR_USAGE, coalition_withdraw(c, index, WITHDRAW_ERROR, SLICE("\xff"), &e));
	assert_int_equal(ledger_size(node_log(&b.nodes[0], &b.nodes[0])), size);
	MUST(coalition_withdraw(
		c, index, WITHDRAW_ERROR, (struct slice){reason, COALITION_REASON_MAX}, &e));
	REFUSED(ERR_CONFLICT, coalition_withdraw(c, index, WITHDRAW_ERROR, SLICE(""), &e));
	bench_fini(&b);
}

/* What a member writes into its log without asking our code: it binds nobody. */
static void test_wrong_withdrawals_bind_nobody(void **state)
{
	static const char *const texts[] = {
		"{\"type\":\"withdrawal\",\"index\":0,\"code\":\"error\","
		"\"reason\":\"\"}", /* a
				       decision
				     */
		"{\"type\":\"withdrawal\",\"index\":999,\"code\":\"error\","
		"\"reason\":\"\"}",
		"{\"type\":\"withdrawal\",\"index\":-1,\"code\":\"error\","
		"\"reason\":\"\"}",
		"{\"type\":\"withdrawal\",\"index\":\"1\",\"code\":\"error\","
		"\"reason\":\"\"}",
		"{\"type\":\"withdrawal\",\"index\":1,\"code\":\"whim\",\"reason\":"
		"\"\"}",
		"{\"type\":\"withdrawal\",\"code\":\"error\"}",
		"{\"type\":\"acknowledgement\",\"origin\":\"m9/log\",\"index\":1}",
		"{\"type\":\"acknowledgement\",\"origin\":\"m1/log\",\"index\":-1}",
		"{\"type\":\"lost\",\"index\":999999}",
		"{\"type\":\"praise\"}",
		"[]",
		"",
		"{\"type\":\"withdrawal\",\"index\":1",
	};
	struct bench b;
	uint64_t index;

	(void)state;
	bench_init(&b, 3, 43, true);
	node_add(&b.nodes[0], "stays", BENCH_ALL);
	bench_rounds(&b, 2);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		MUST(own_append(
			b.nodes[0].coalition, LEDGER_WITHDRAWAL, slice_of(texts[i]), &index, &e));
	MUST(own_append(b.nodes[0].coalition, LEDGER_DECISION, SLICE("no decision"), &index, &e));
	MUST(own_append(b.nodes[0].coalition, LEDGER_CHARTER, SLICE("no charter"), &index, &e));
	node_add(&b.nodes[0], "comes after", BENCH_ALL);
	bench_rounds(&b, 3);
	for (unsigned k = 1; k < 3; k++) {
		struct arena *a = arena_new(MIB(1));
		struct coalition_withdrawal *list;
		size_t count;

		assert_non_null(node_holds(&b.nodes[k], "stays"));
		assert_non_null(node_holds(&b.nodes[k], "comes after"));
		assert_int_equal(b.nodes[k].policy, 1);
		MUST(coalition_withdrawals(b.nodes[k].coalition, a, &list, &count, &e));
		assert_int_equal(count, 0);
		arena_free(a);
	}
	bench_fini(&b);
}

/* B8: neither salt nor content is left in any file, at the author or at the others. What no store
 * wanted is held in the log's own files, so there are content bytes to be wiped. */
static void test_erase_leaves_nothing(void **state)
{
	struct bench b;
	struct ledger_place place;
	uint8_t salts[4][LEDGER_SALT_LEN];
	uint64_t serial, index;
	struct buf proof = BUF_INIT, content = BUF_INIT;

	(void)state;
	bench_init(&b, 4, 44, true);
	node_add(&b.nodes[0], "stays for a proof", BENCH_ALL);
	serial = node_add(&b.nodes[0], "unfit: name of a person", BENCH_ALL);
	bench_rounds(&b, 3);
	index = index_of(&b.nodes[0], serial);
	for (unsigned i = 0; i < 4; i++) {
		struct ledger *log = node_log(&b.nodes[i], &b.nodes[0]);

		MUST(ledger_opening_get(log, index, salts[i], &place, NULL, &e));
		assert_int_equal(place.where, i == 0 ? LEDGER_STORED : LEDGER_HELD);
		assert_true(node_disk_has(
			&b.nodes[i], (struct slice){(const char *)salts[i], LEDGER_SALT_LEN}));
		if (i > 0)
			assert_true(node_disk_has(&b.nodes[i], SLICE("name of a person")));
	}
	MUST(coalition_withdraw(
		b.nodes[0].coalition, index, WITHDRAW_ERASE, SLICE("on request"), &e));
	bench_rounds(&b, 3);
	assert_int_equal(acknowledged(&b.nodes[0]), 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_false(node_disk_has(
			&b.nodes[i], (struct slice){(const char *)salts[i], LEDGER_SALT_LEN}));
		assert_false(node_disk_has(&b.nodes[i], SLICE("name of a person")));
		/* Nor in what a power cut leaves. */
		ledger_disk_fake_crash(b.nodes[i].fake);
		assert_false(node_disk_has(
			&b.nodes[i], (struct slice){(const char *)salts[i], LEDGER_SALT_LEN}));
		assert_false(node_disk_has(&b.nodes[i], SLICE("name of a person")));
		/* All that is left still proves what it proved. */
		MUST(ledger_verify(node_log(&b.nodes[i], &b.nodes[0]), NULL, NULL, &e));
	}
	MUST(coalition_prove(b.nodes[1].coalition, SLICE("m0"), index - 1, &proof, &content, &e));
	assert_true(slice_is(buf_slice(&content), "stays for a proof"));
	REFUSED(ERR_USAGE,
		coalition_prove(b.nodes[1].coalition, SLICE("m0"), index, &proof, &content, &e));
	buf_fini(&proof);
	buf_fini(&content);
	bench_fini(&b);
}

static void twice_in_one_answer(struct bench *b, enum coalition_ask ask, struct buf *answer)
{
	struct buf twice = BUF_INIT;
	struct slice all = buf_slice(answer), head, body;
	struct reader r = {.rest = all};

	if (ask != COALITION_OPENINGS || answer->len < 24)
		return;
	(void)read_u64(&r);
	(void)read_u64(&r);
	(void)read_u32(&r);
	head = slice_cut(all, 0, 20);
	body = slice_cut(all, 24, all.len);
	buf_slice_append(&twice, head);
	wire_u32(&twice, 2 * read_u32(&r));
	buf_slice_append(&twice, body);
	buf_slice_append(&twice, body);
	buf_clear(answer);
	buf_slice_append(answer, buf_slice(&twice));
	buf_fini(&twice);
	b->meddled++;
}

/* A member that gives each opening twice in one answer must not leave a second copy behind, which
 * no erasing would find. */
static void test_erase_of_what_came_twice(void **state)
{
	struct bench b;
	uint64_t serial;
	struct err ignored;

	(void)state;
	bench_init(&b, 3, 45, true);
	serial = node_add(&b.nodes[0], "unfit: name of a person", BENCH_ALL);
	node_publish(&b.nodes[0]);
	b.meddle = twice_in_one_answer;
	(void)!node_try_meet(&b.nodes[1], 0, &ignored);
	assert_true(b.meddled > 0);
	b.meddle = NULL;
	bench_rounds(&b, 2);
	{
		struct arena *a = arena_new(MIB(1));
		struct coalition_status status;

		node_status(&b.nodes[1], a, &status);
		for (size_t i = 0; i < status.origins_count; i++)
			assert_true(status.origins[i].opened <= status.origins[i].size);
		arena_free(a);
	}
	assert_true(node_disk_has(&b.nodes[1], SLICE("name of a person")));
	MUST(coalition_withdraw(b.nodes[0].coalition, index_of(&b.nodes[0], serial), WITHDRAW_ERASE,
		SLICE(""), &e));
	bench_rounds(&b, 3);
	assert_false(node_disk_has(&b.nodes[1], SLICE("name of a person")));
	bench_fini(&b);
}

static void no_openings(struct bench *b, enum coalition_ask ask, struct buf *answer)
{
	if (ask != COALITION_OPENINGS)
		return;
	b->meddled++;
	buf_clear(answer);
}

/* A withdrawal whose content went with its author's disk: nobody can open it, so its author says
 * so, and what stands behind it is taken. */
static void test_lost_entry(void **state)
{
	struct bench b;
	struct node *n;
	uint64_t serial;

	(void)state;
	bench_init(&b, 3, 66, true);
	n = &b.nodes[0];
	serial = node_add(n, "kept by the others", BENCH_ALL);
	bench_rounds(&b, 2);
	MUST(coalition_withdraw(
		n->coalition, index_of(n, serial), WITHDRAW_ERROR, SLICE("wrong"), &e));
	node_publish(n);
	b.meddle = no_openings;
	for (unsigned k = 1; k < 3; k++) {
		struct err ignored;

		(void)!node_try_meet(&b.nodes[k], 0, &ignored);
		assert_non_null(node_holds(&b.nodes[k], "kept by the others"));
	}
	assert_true(b.meddled > 0);
	b.meddle = NULL;
	node_close(n);
	ledger_disk_fake_free(n->fake);
	n->fake = ledger_disk_fake_new(6);
	for (size_t i = 0; i < n->store.count; i++)
		n->store.objects[i].forgotten = true;
	memset(n->store.last, 0, sizeof(n->store.last));
	node_open(n);
	bench_rounds(&b, 4);
	node_add(n, "after the loss", BENCH_ALL);
	bench_rounds(&b, 4);
	for (unsigned k = 0; k < 3; k++) {
		assert_non_null(node_holds(&b.nodes[k], "after the loss"));
		assert_non_null(node_holds(&b.nodes[k], "kept by the others"));
		assert_int_equal(b.nodes[k].policy, 1);
	}
	/* It may be withdrawn once more. */
	MUST(coalition_withdraw(n->coalition, 1, WITHDRAW_ERROR, SLICE("again"), &e));
	bench_rounds(&b, 3);
	for (unsigned k = 0; k < 3; k++)
		assert_null(node_holds(&b.nodes[k], "kept by the others"));
	/* And all starts again from the disk. */
	node_close(&b.nodes[1]);
	node_open(&b.nodes[1]);
	assert_int_equal(b.nodes[1].policy, 1);
	assert_int_equal(acknowledged(&b.nodes[1]), 3);
	bench_fini(&b);
}

/* ---- many at once ---------------------------------------------------------------------------- */

static void many_add(struct bench *b, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char text[32];

		snprintf(text, sizeof(text), "object %04u", i);
		node_add(&b->nodes[0], text, BENCH_ALL);
	}
	for (unsigned rounds = 0; b->nodes[1].store.reached < count; rounds++) {
		assert_true(rounds < count);
		bench_rounds(b, 3);
	}
}

static void many_withdraw(struct bench *b, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		MUST(coalition_withdraw(b->nodes[0].coalition, 1 + i, WITHDRAW_ERASE,
			SLICE("erased"), &e)); /* entry 0 is the policy */
}

static void many_gone(struct bench *b, unsigned node, unsigned count)
{
	struct node *n = &b->nodes[node];

	for (unsigned i = 0; i < count; i++) {
		struct ledger_place place;
		char text[32];

		snprintf(text, sizeof(text), "object %04u", i);
		assert_null(node_holds(n, text));
		MUST(ledger_places(node_log(n, &b->nodes[0]), 1 + i, 1, &place, &e));
		assert_int_equal(place.where, LEDGER_ERASED);
	}
	MUST(ledger_verify(node_log(n, &b->nodes[0]), NULL, NULL, &e));
}

/* More than are erased together; who hears of them all at once acknowledges each of them. */
static void test_many_withdrawn(void **state)
{
	enum { MANY = EXPIRE_ERASED + 10 };
	struct bench b;

	(void)state;
	bench_init(&b, 3, 50, true);
	many_add(&b, MANY + 1);
	many_withdraw(&b, MANY);
	bench_rounds(&b, 6);
	for (unsigned i = 0; i < 3; i++) {
		many_gone(&b, i, MANY);
		assert_int_equal(acknowledged(&b.nodes[i]), 3);
	}
	assert_non_null(node_holds(&b.nodes[1], "object 0522"));
	bench_fini(&b);
}

/* Nothing is acknowledged whose salt is still there, whatever call of the disk fails. */
static void many_cut_short(bool power)
{
	enum { MANY = 3 };
	uint64_t steps = 0, fewer = 0;
	bool whole = false;

	for (uint64_t at = 1; !whole; at++) {
		uint8_t salts[MANY][LEDGER_SALT_LEN];
		struct ledger_place place;
		struct bench b;
		struct node *n;

		bench_init(&b, 3, 51, true);
		n = &b.nodes[1];
		many_add(&b, MANY);
		for (unsigned i = 0; i < MANY; i++)
			MUST(ledger_opening_get(
				node_log(n, &b.nodes[0]), 1 + i, salts[i], &place, NULL, &e));
		many_withdraw(&b, MANY);
		ledger_disk_fake_fail_at(n->fake, at);
		bench_rounds(&b, 3);
		whole = acknowledged(&b.nodes[0]) == 3;
		fewer += !whole;
		if (power)
			ledger_disk_fake_crash(n->fake);
		ledger_disk_fake_fail_at(n->fake, 0);
		if (power) {
			node_close(n);
			node_open(n);
		}
		for (unsigned i = 0; i < MANY && whole; i++)
			assert_false(node_disk_has(
				n, (struct slice){(const char *)salts[i], LEDGER_SALT_LEN}));
		bench_rounds(&b, 4);
		assert_int_equal(acknowledged(&b.nodes[0]), 3);
		many_gone(&b, 1, MANY);
		for (unsigned i = 0; i < MANY; i++)
			assert_false(node_disk_has(
				n, (struct slice){(const char *)salts[i], LEDGER_SALT_LEN}));
		bench_fini(&b);
		steps = at;
	}
	assert_true(steps > 10 && fewer > 10);
}

static void test_many_withdrawn_cut_short(void **state)
{
	(void)state;
	many_cut_short(true);
	many_cut_short(false);
}

/* ---- what may be kept no longer -------------------------------------------------------------- */

static uint64_t serial_of(struct node *n, const char *text)
{
	const struct node_object *o = node_holds(n, text);

	assert_non_null(o);
	return (uint64_t)(o - n->store.objects) + 1;
}

/* As its store does by the time. */
static enum err_kind expire(struct node *n, uint64_t serial, struct err *e)
{
	struct coalition_expired at = {0};
	bool done = false;
	enum err_kind kind = OK;

	n->store.objects[serial - 1].forgotten = true;
	while (kind == OK && !done)
		kind = coalition_expire(n->coalition, SLICE("m0"), &serial, 1, &at, &done, e);
	return kind;
}

static void salt_of(struct node *n, uint64_t index, uint8_t ret_salt[LEDGER_SALT_LEN])
{
	struct ledger_place place;

	MUST(ledger_opening_get(
		node_log(n, &n->bench->nodes[0]), index, ret_salt, &place, NULL, &e));
	assert_int_equal(place.where, LEDGER_STORED);
}

static enum ledger_where where_is(struct node *n, uint64_t index)
{
	struct ledger_place place;

	MUST(ledger_places(node_log(n, &n->bench->nodes[0]), index, 1, &place, &e));
	return place.where;
}

/* Only here, for good, and of nothing else. */
static void test_expired(void **state)
{
	struct bench b;
	uint8_t salt[LEDGER_SALT_LEN], other[LEDGER_SALT_LEN];
	struct buf old = BUF_INIT, fresh = BUF_INIT, content = BUF_INIT;
	struct node *n;
	uint64_t index, beside;

	(void)state;
	bench_init(&b, 3, 46, true);
	n = &b.nodes[1];
	index = node_add(&b.nodes[0], "for ten days", BENCH_ALL);
	beside = node_add(&b.nodes[0], "for ever", BENCH_ALL);
	bench_rounds(&b, 3);
	index = index_of(&b.nodes[0], index);
	beside = index_of(&b.nodes[0], beside);
	salt_of(n, index, salt);
	salt_of(n, beside, other);
	MUST(coalition_prove(n->coalition, SLICE("m0"), beside, &old, &content, &e));
	assert_true(node_disk_has(n, (struct slice){(const char *)salt, LEDGER_SALT_LEN}));
	MUST(expire(n, serial_of(n, "for ten days"), &e));
	assert_int_equal(where_is(n, index), LEDGER_ERASED);
	assert_false(node_disk_has(n, (struct slice){(const char *)salt, LEDGER_SALT_LEN}));
	assert_true(node_disk_has(n, (struct slice){(const char *)other, LEDGER_SALT_LEN}));
	/* asked for no more, nor after a start; the others have it still */
	for (unsigned starts = 0; starts < 2; starts++) {
		uint64_t reached = n->store.reached;

		bench_rounds(&b, 3);
		assert_int_equal(n->store.reached, reached);
		assert_null(node_holds(n, "for ten days"));
		assert_non_null(node_holds(&b.nodes[2], "for ten days"));
		assert_int_equal(where_is(n, index), LEDGER_ERASED);
		node_close(n);
		node_open(n);
	}
	MUST(ledger_verify(node_log(n, &b.nodes[0]), NULL, NULL, &e));
	buf_clear(&content);
	MUST(coalition_prove(n->coalition, SLICE("m0"), beside, &fresh, &content, &e));
	assert_true(slice_is(buf_slice(&content), "for ever"));
	REFUSED(ERR_USAGE, coalition_prove(n->coalition, SLICE("m0"), index, &fresh, &content, &e));
	buf_fini(&old);
	buf_fini(&fresh);
	buf_fini(&content);
	bench_fini(&b);
}

/* What the store says is gone is gone here: after the next start, or when it is tried again. */
static void expired_cut_short(bool power)
{
	uint64_t steps = 0;
	bool whole = false;

	for (uint64_t at = 1; !whole; at++) {
		struct bench b;
		struct node *n;
		uint8_t salt[LEDGER_SALT_LEN];
		uint64_t index, serial;
		struct err why;

		bench_init(&b, 3, 47, true);
		n = &b.nodes[1];
		index = node_add(&b.nodes[0], "for ten days", BENCH_ALL);
		bench_rounds(&b, 3);
		index = index_of(&b.nodes[0], index);
		salt_of(n, index, salt);
		serial = serial_of(n, "for ten days");
		ledger_disk_fake_fail_at(n->fake, at);
		whole = expire(n, serial, &why) == OK;
		if (power)
			ledger_disk_fake_crash(n->fake);
		ledger_disk_fake_fail_at(n->fake, 0);
		if (power) {
			node_close(n);
			node_open(n);
		}
		MUST(expire(n, serial, &e)); /* the record is followed anew */
		assert_int_equal(where_is(n, index), LEDGER_ERASED);
		assert_false(node_disk_has(n, (struct slice){(const char *)salt, LEDGER_SALT_LEN}));
		MUST(ledger_verify(node_log(n, &b.nodes[0]), NULL, NULL, &e));
		bench_rounds(&b, 2);
		assert_null(node_holds(n, "for ten days"));
		bench_fini(&b);
		steps = at;
	}
	assert_true(steps > 5);
}

static void test_expired_cut_short(void **state)
{
	(void)state;
	expired_cut_short(true);  /* the power goes at each step */
	expired_cut_short(false); /* the disk fails, and is well again */
}

/* More than one call takes. */
static void test_many_expired(void **state)
{
	enum { MANY = 2 * EXPIRE_ERASED + 50 };
	uint64_t serials[MANY];
	struct coalition_expired at = {0};
	unsigned calls = 0;
	bool done = false;
	struct bench b;
	struct node *n;

	(void)state;
	bench_init(&b, 3, 48, true);
	n = &b.nodes[1];
	for (unsigned i = 0; i < MANY; i++) {
		char text[32];

		snprintf(text, sizeof(text), "object %04u", i);
		node_add(&b.nodes[0], text, BENCH_ALL);
	}
	for (unsigned rounds = 0; n->store.reached < MANY; rounds++) {
		assert_true(rounds < MANY);
		bench_rounds(&b, 3);
	}
	for (unsigned i = 0; i < MANY; i++) {
		char text[32];

		snprintf(text, sizeof(text), "object %04u", i);
		serials[i] = serial_of(n, text);
		assert_true(i == 0 || serials[i] > serials[i - 1]);
	}
	for (; !done; calls++)
		MUST(coalition_expire(
			n->coalition, SLICE("m0"), serials, MANY - 1, &at, &done, &e));
	/* two that are full, what is left, and that there is no other log */
	assert_int_equal(calls, 4);
	for (unsigned i = 1; i < MANY; i++)
		assert_int_equal(where_is(n, i), LEDGER_ERASED); /* 0: the policy */
	assert_int_equal(where_is(n, MANY), LEDGER_STORED);
	/* nobody's, and our own */
	at = (struct coalition_expired){0};
	MUST(coalition_expire(n->coalition, SLICE("m9"), serials, MANY, &at, &done, &e));
	assert_true(done);
	at = (struct coalition_expired){0};
	done = false;
	while (!done)
		MUST(coalition_expire(
			b.nodes[0].coalition, SLICE("m0"), serials, MANY, &at, &done, &e));
	assert_int_equal(where_is(&b.nodes[0], 1), LEDGER_STORED);
	bench_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_withdrawal_acknowledged_by_all),
		cmocka_unit_test(test_withdrawals_refused),
		cmocka_unit_test(test_wrong_withdrawals_bind_nobody),
		cmocka_unit_test(test_erase_leaves_nothing),
		cmocka_unit_test(test_erase_of_what_came_twice),
		cmocka_unit_test(test_lost_entry),
		cmocka_unit_test(test_many_withdrawn),
		cmocka_unit_test(test_many_withdrawn_cut_short),
		cmocka_unit_test(test_expired),
		cmocka_unit_test(test_expired_cut_short),
		cmocka_unit_test(test_many_expired),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
