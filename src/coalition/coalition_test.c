/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Whole members against each other: two histories, restored backups, two copies of one member,
 * partitions, files, stolen keys, withdrawals, decisions, comings and goings.
 */
#include "coalition_testing.h"

/* ---- two histories ----------------------------------------------------------------------------
 */

/* Member 0 runs twice: node 0 is seen by member 1, the twin by member 2. */
static struct node *two_faced(struct bench *b)
{
	struct node *twin;

	bench_init(b, 3, 11, true);
	twin = bench_twin(b, &b->nodes[0]);
	node_open(twin);
	for (unsigned k = 1; k < 3; k++)
		node_meet(twin, k); /* what they saw, while all is one */
	b->route[0][2] = BENCH_CUT;
	b->route[b->nodes_count - 1][1] = BENCH_CUT;
	b->route[1][2] = b->route[2][1] = BENCH_CUT;
	b->route[2][0] = (int)(b->nodes_count - 1);
	return twin;
}

/* The evidence in n's own log; empty: none. */
static void evidence_of(struct node *n, struct buf *out)
{
	struct ledger *log = node_log(n, n);

	buf_clear(out);
	for (uint64_t i = 0; i < ledger_size(log); i++) {
		struct ledger_leaf leaf;
		struct ledger_place place;
		uint8_t salt[LEDGER_SALT_LEN];

		MUST(ledger_leaf_get(log, i, &leaf, &e));
		if (leaf.class == LEDGER_EVIDENCE)
			MUST(ledger_opening_get(log, i, salt, &place, out, &e));
	}
}

static void evidence_flips(const struct charter *charter, const struct buf *evidence)
{
	struct buf bytes = BUF_INIT;
	struct slice member;

	buf_slice_append(&bytes, buf_slice(evidence));
	for (size_t i = 0; i < bytes.len * 8; i++) {
		bytes.data[i / 8] ^= (char)(1u << i % 8);
		if (coalition_evidence_verify(charter, buf_slice(&bytes), &member, NULL) == OK)
			fail_msg("bit %zu of evidence may be flipped", i);
		bytes.data[i / 8] ^= (char)(1u << i % 8);
	}
	for (size_t len = 0; len < bytes.len; len++)
		assert_int_not_equal(coalition_evidence_verify(charter,
					     slice_cut(buf_slice(&bytes), 0, len), &member, NULL),
			OK);
	buf_fini(&bytes);
}

static void found_out(struct bench *b, bool flips)
{
	struct buf evidence = BUF_INIT;
	struct slice member;

	/* The halves meet: two rounds. */
	b->route[1][2] = 2;
	b->route[2][1] = 1;
	bench_rounds(b, 2);
	for (unsigned i = 1; i < 3; i++)
		assert_int_equal(node_trusts(&b->nodes[i], &b->nodes[0]), COALITION_QUARANTINE);
	evidence_of(&b->nodes[1], &evidence);
	if (evidence.len == 0)
		evidence_of(&b->nodes[2], &evidence);
	assert_true(evidence.len > 0);
	MUST(coalition_evidence_verify(
		coalition_charter(b->nodes[1].coalition), buf_slice(&evidence), &member, &e));
	assert_true(slice_is(member, "m0"));
	if (flips)
		evidence_flips(coalition_charter(b->nodes[1].coalition), &evidence);
	/* Nothing newer is taken, and nothing cosigned. */
	{
		uint64_t size = ledger_size(node_log(&b->nodes[1], &b->nodes[0]));
		struct err ignored;

		node_add(&b->nodes[0], "later", BENCH_ALL);
		(void)!node_try_publish(&b->nodes[0], &ignored);
		bench_rounds(b, 2);
		assert_int_equal(ledger_size(node_log(&b->nodes[1], &b->nodes[0])), size);
		assert_null(node_holds(&b->nodes[1], "later"));
	}
	buf_fini(&evidence);
}

static void test_two_roots_of_one_size(void **state)
{
	struct bench b;
	struct node *twin = two_faced(&b);

	(void)state;
	node_add(&b.nodes[0], "to one half", BENCH_ALL);
	node_add(twin, "to another half", BENCH_ALL);
	bench_rounds(&b, 2);
	assert_non_null(node_holds(&b.nodes[1], "to one half"));
	assert_non_null(node_holds(&b.nodes[2], "to another half"));
	assert_null(node_holds(&b.nodes[1], "to another half"));
	found_out(&b, true);
	bench_fini(&b);
}

static void test_branch_behind_a_larger_head(void **state)
{
	struct bench b;
	struct node *twin = two_faced(&b);

	(void)state;
	node_add(&b.nodes[0], "to one half", BENCH_ALL);
	for (unsigned i = 0; i < 9; i++) {
		char text[32];

		snprintf(text, sizeof(text), "to another half %u", i);
		node_add(twin, text, BENCH_ALL);
	}
	bench_rounds(&b, 2);
	assert_true(ledger_size(node_log(&b.nodes[1], &b.nodes[0])) <
		    ledger_size(node_log(&b.nodes[2], &b.nodes[0])));
	found_out(&b, true);
	bench_fini(&b);
}

/* Leaves on the way to a head that was never reached: whoever signed it cannot deny them, after a
 * start either. */
static void test_leaves_on_the_way_are_proved(void **state)
{
	struct bench b;
	struct buf answer = BUF_INIT;
	struct ledger_path path;
	struct signed_head head = {0};
	struct branch mine;
	struct ledger *log;
	struct origin *o;
	uint64_t size, got;

	(void)state;
	bench_init(&b, 2, 14, true);
	b.route[1][0] = BENCH_CUT;
	for (unsigned i = 0; i < 9; i++)
		node_add(&b.nodes[0], "an object", BENCH_ALL);
	MUST(coalition_publish(b.nodes[0].coalition, &got, &(bool){false}, &e));
	log = node_log(&b.nodes[0], &b.nodes[0]);
	o = origin_of_member(b.nodes[1].coalition, SLICE("m0"));
	size = ledger_size(o->log) + 4;
	assert_true(size < ledger_size(log));
	MUST(ledger_consistency(log, size, ledger_size(log), &path, &e));
	wire_u32(&answer, 4);
	wire_path(&answer, &path);
	MUST(ledger_leaves(log, size - 4, 4, &answer, &e));
	MUST(head_copy(&head, &b.nodes[0].coalition->own->head, &e));
	MUST(leaves_take(b.nodes[1].coalition, o, &head, buf_slice(&answer), &got, &e));
	assert_int_equal(got, 4);
	assert_true(o->head.size < size);
	for (unsigned round = 0; round < 2; round++) {
		uint64_t at;

		o = origin_of_member(b.nodes[1].coalition, SLICE("m0"));
		assert_true(branch_own(o, &at, &mine));
		assert_int_equal(at, size);
		for (uint64_t n = o->head.size + 1; n <= size; n++) {
			assert_true(branch_at(o, n, &mine));
			assert_true(branch_grew(&mine, n, head.size, head.root));
			mine.middle_root[0] ^= 1;
			assert_false(branch_grew(&mine, n, head.size, head.root));
			mine.middle_root[0] ^= 1;
			mine.root[31] ^= 1;
			assert_false(branch_grew(&mine, n, head.size, head.root));
		}
		assert_false(branch_at(o, size + 1, &mine));
		node_close(&b.nodes[1]);
		node_open(&b.nodes[1]);
	}
	head_fini(&head);
	buf_fini(&answer);
	bench_fini(&b);
}

/* A fourth member sees neither history, only the evidence in another's log. */
static void test_third_party_learns_from_the_log(void **state)
{
	struct bench b;
	struct node *twin;

	(void)state;
	bench_init(&b, 4, 12, true);
	twin = bench_twin(&b, &b.nodes[0]);
	node_open(twin);
	for (unsigned k = 1; k < 4; k++)
		node_meet(twin, k);
	for (unsigned k = 0; k < 4; k++) {
		b.route[0][k] = k == 1 ? 1 : BENCH_CUT;
		b.route[4][k] = k == 2 ? 2 : BENCH_CUT;
		b.route[3][k] = BENCH_CUT;
	}
	b.route[2][0] = 4;
	b.route[1][2] = b.route[2][1] = b.route[1][3] = b.route[2][3] = BENCH_CUT;
	node_add(&b.nodes[0], "one", BENCH_ALL);
	node_add(twin, "other", BENCH_ALL);
	bench_rounds(&b, 2);
	b.route[1][2] = 2;
	b.route[2][1] = 1;
	bench_rounds(&b, 2);
	assert_int_equal(node_trusts(&b.nodes[3], &b.nodes[0]), COALITION_GOOD);
	b.route[3][1] = 1;
	bench_rounds(&b, 2);
	assert_int_equal(node_trusts(&b.nodes[3], &b.nodes[0]), COALITION_QUARANTINE);
	/* And after a start. */
	node_close(&b.nodes[3]);
	node_open(&b.nodes[3]);
	assert_int_equal(node_trusts(&b.nodes[3], &b.nodes[0]), COALITION_QUARANTINE);
	bench_fini(&b);
}

/* What is no evidence, in a member's log, changes nothing and stops nothing. */
static void test_forged_evidence(void **state)
{
	struct bench b;
	struct buf evidence = BUF_INIT;
	uint64_t index;
	struct slice member;

	(void)state;
	bench_init(&b, 3, 13, true);
	{ /* one head, twice */
		struct origin *o = origin_of_member(b.nodes[1].coalition, SLICE("m0"));
		struct branch mine;

		assert_true(branch_at(o, o->head.size, &mine));
		buf_append(&evidence, "SE1", 4);
		wire_text(&evidence, slice_of(o->key.name));
		wire_u64(&evidence, o->head.size);
		for (unsigned i = 0; i < 2; i++) {
			mine.root[0] ^= (uint8_t)i; /* a root that nobody signed */
			branch_write(&mine, &evidence);
		}
	}
	assert_int_not_equal(coalition_evidence_verify(coalition_charter(b.nodes[1].coalition),
				     buf_slice(&evidence), &member, NULL),
		OK);
	MUST(own_append(b.nodes[2].coalition, LEDGER_EVIDENCE, buf_slice(&evidence), &index, &e));
	MUST(own_append(b.nodes[2].coalition, LEDGER_EVIDENCE, SLICE("nonsense"), &index, &e));
	node_add(&b.nodes[2], "after it", BENCH_ALL);
	bench_rounds(&b, 3);
	assert_int_equal(node_trusts(&b.nodes[1], &b.nodes[0]), COALITION_GOOD);
	assert_int_equal(node_trusts(&b.nodes[2], &b.nodes[0]), COALITION_GOOD);
	assert_non_null(node_holds(&b.nodes[1], "after it"));
	buf_fini(&evidence);
	bench_fini(&b);
}

/* ---- restored, and twice ----------------------------------------------------------------------
 */

static void test_restored_backup(void **state)
{
	struct bench b;
	struct node *old;
	struct ledger_disk_fake *disk, *keys;
	uint64_t size;
	uint8_t root[LEDGER_HASH_LEN], now[LEDGER_HASH_LEN];
	struct err ignored;

	(void)state;
	bench_init(&b, 3, 21, true);
	node_add(&b.nodes[0], "before the backup", BENCH_ALL);
	bench_rounds(&b, 2);
	old = bench_twin(&b, &b.nodes[0]); /* the backup: never opened */
	for (unsigned i = 0; i < 5; i++) {
		char text[32];

		snprintf(text, sizeof(text), "since then %u", i);
		node_add(&b.nodes[0], text, BENCH_ALL);
	}
	bench_rounds(&b, 3);
	size = ledger_size(node_log(&b.nodes[0], &b.nodes[0]));
	MUST(ledger_root(node_log(&b.nodes[0], &b.nodes[0]), size, root, &e));

	node_close(&b.nodes[0]);
	disk = b.nodes[0].fake;
	keys = b.nodes[0].keys_fake;
	b.nodes[0].fake = old->fake;
	b.nodes[0].keys_fake = old->keys_fake;
	old->fake = disk;
	old->keys_fake = keys;
	{
		struct node_store store = b.nodes[0].store;

		b.nodes[0].store = old->store;
		old->store = store;
	}
	node_open(&b.nodes[0]);
	assert_true(ledger_size(node_log(&b.nodes[0], &b.nodes[0])) < size);
	node_add(&b.nodes[0], "a new thing", BENCH_ALL);
	/* Nothing before anybody was asked, nor when one was. */
	assert_int_equal(node_try_publish(&b.nodes[0], &ignored), ERR_DENIED);
	b.route[0][2] = BENCH_CUT;
	(void)!node_try_meet(&b.nodes[0], 1, &ignored);
	assert_int_equal(node_try_publish(&b.nodes[0], &ignored), ERR_DENIED);
	b.route[0][2] = 2;
	bench_rounds(&b, 4);
	/* Caught up, and on without a fork. */
	assert_true(ledger_size(node_log(&b.nodes[0], &b.nodes[0])) > size);
	MUST(ledger_root(node_log(&b.nodes[0], &b.nodes[0]), size, now, &e));
	assert_memory_equal(root, now, sizeof(root));
	for (unsigned i = 0; i < 5; i++) {
		char text[32];

		snprintf(text, sizeof(text), "since then %u", i);
		assert_non_null(node_holds(&b.nodes[0], text)); /* its own came back */
	}
	for (unsigned k = 1; k < 3; k++) {
		assert_int_equal(node_trusts(&b.nodes[k], &b.nodes[0]), COALITION_GOOD);
		assert_non_null(node_holds(&b.nodes[k], "a new thing"));
	}
	bench_fini(&b);
}

static bool forked(struct node *n)
{
	struct arena *a = arena_new(MIB(1));
	struct coalition_status status;
	bool is;

	node_status(n, a, &status);
	is = status.forked;
	arena_free(a);
	return is;
}

static void stopped(struct node *n)
{
	struct err why = {0};

	assert_true(forked(n));
	node_add(n, "more", BENCH_ALL);
	assert_int_equal(node_try_publish(n, &why), ERR_DENIED);
	assert_true(slice_find_text(slice_of(why.text), SLICE("another copy")) < strlen(why.text));
}

static bool has_quorum(const struct node *n)
{
	const struct origin *o = n->coalition->own;

	return o->quorum.size > 0 && o->quorum.size == ledger_size(o->log);
}

/* Each is heard by another member first: both stop, and the member is found out. */
static void test_two_copies_heard(void **state)
{
	struct bench b;
	struct node *twin = two_faced(&b);

	(void)state;
	node_add(&b.nodes[0], "said by one", BENCH_ALL);
	node_add(twin, "said by the other", BENCH_ALL);
	bench_rounds(&b, 2);
	assert_false(has_quorum(&b.nodes[0]) && has_quorum(twin));
	b.route[1][2] = 2;
	b.route[2][1] = 1;
	bench_rounds(&b, 3);
	assert_false(has_quorum(&b.nodes[0]) && has_quorum(twin));
	stopped(&b.nodes[0]);
	stopped(twin);
	bench_fini(&b);
}

/* One is heard by all before the other says a word: the other stops before anybody hears it, and
 * there is one history. */
static void test_two_copies_one_heard(void **state)
{
	struct bench b;
	struct node *twin;

	(void)state;
	bench_init(&b, 3, 22, true);
	twin = bench_twin(&b, &b.nodes[0]);
	node_open(twin);
	for (unsigned k = 1; k < 3; k++)
		node_meet(twin, k);
	node_add(&b.nodes[0], "said by one", BENCH_ALL);
	node_add(twin, "said by the other", BENCH_ALL);
	node_publish(&b.nodes[0]);
	node_publish(twin);
	bench_rounds(&b, 3);
	stopped(twin);
	assert_false(has_quorum(twin));
	assert_true(has_quorum(&b.nodes[0]));
	for (unsigned k = 1; k < 3; k++) {
		assert_non_null(node_holds(&b.nodes[k], "said by one"));
		assert_null(node_holds(&b.nodes[k], "said by the other"));
	}
	bench_fini(&b);
}

/* ---- partitions -------------------------------------------------------------------------------
 */

/* Nothing new for days, and all in good health: nobody looks stale; who is dark does. */
static void test_a_log_that_rests(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 3, 33, true);
	for (unsigned i = 0; i < 8; i++) {
		b.now_us += BENCH_DAY_US / 2;
		bench_rounds(&b, 2);
	}
	assert_int_equal(node_trusts(&b.nodes[1], &b.nodes[0]), COALITION_GOOD);
	assert_int_equal(node_trusts(&b.nodes[2], &b.nodes[0]), COALITION_GOOD);
	bench_part(&b, 0x01);
	for (unsigned i = 0; i < 3; i++) {
		b.now_us += BENCH_DAY_US / 2;
		bench_rounds(&b, 2);
	}
	assert_int_equal(node_trusts(&b.nodes[1], &b.nodes[0]), COALITION_STALE);
	bench_fini(&b);
}

static void test_minority_waits(void **state)
{
	struct bench b;
	uint64_t index;
	bool found;

	(void)state;
	bench_init(&b, 7, 31, true);
	for (unsigned i = 0; i < 7; i++)
		b.nodes[i].skew_us = (i % 3 == 0 ? 1 : i % 3 == 1 ? -1 : 0) * BENCH_DAY_US;
	node_add(&b.nodes[4], "to be taken back", BENCH_ALL);
	/* 0, 1, 2 against 3, 4, 5, 6: k is 4 of the others, so neither half decides alone. */
	bench_part(&b, 0x07);
	MUST(node_decide(&b.nodes[0], "the minority's", BENCH_ALL, &e));
	node_add(&b.nodes[1], "flows within", BENCH_ALL);
	bench_rounds(&b, 3);
	b.now_us += BENCH_DAY_US;
	bench_rounds(&b, 3);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(b.nodes[i].policy, 1);
	assert_non_null(node_holds(&b.nodes[2], "flows within"));
	assert_null(node_holds(&b.nodes[3], "flows within"));
	assert_non_null(node_holds(&b.nodes[5], "to be taken back"));
	/* Withdrawn during the cut, with newer things behind it. */
	MUST(coalition_index_of(b.nodes[4].coalition, 1, &index, &found, &e));
	for (uint64_t serial = 1; serial <= b.nodes[4].store.count; serial++) {
		if (b.nodes[4].store.objects[serial - 1].own)
			MUST(coalition_index_of(b.nodes[4].coalition, serial, &index, &found, &e));
	}
	assert_true(found);
	MUST(coalition_withdraw(b.nodes[4].coalition, index, WITHDRAW_ERROR, SLICE("wrong"), &e));
	node_add(&b.nodes[4], "newer", BENCH_ALL);
	bench_rounds(&b, 2);
	assert_null(node_holds(&b.nodes[5], "to be taken back"));

	bench_heal(&b);
	{
		uint64_t reached[3];

		for (unsigned i = 0; i < 3; i++)
			reached[i] = b.nodes[i].store.reached;
		bench_rounds(&b, 4);
		for (unsigned i = 0; i < 7; i++) {
			assert_int_equal(b.nodes[i].policy, 2);
			assert_null(node_holds(&b.nodes[i], "to be taken back"));
			if (i != 4)
				assert_non_null(node_holds(&b.nodes[i], "newer"));
		}
		for (unsigned i = 0; i < 3; i++) {
			/* It never reached their sinks, not even to be forgotten. */
			for (size_t k = 0; k < b.nodes[i].store.count; k++)
				assert_false(
					slice_starts(slice_of(b.nodes[i].store.objects[k].content),
						SLICE("to be taken back")));
			assert_true(b.nodes[i].store.reached > reached[i]);
		}
	}
	bench_fini(&b);
}

/* ---- withdrawals ------------------------------------------------------------------------------
 */

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

/* ---- decisions --------------------------------------------------------------------------------
 */

static void test_decision_needs_quorum(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 7, 51, true); /* k = 4 */
	MUST(node_decide(&b.nodes[0], "two", BENCH_ALL, &e));
	bench_part(&b, 0x0f); /* 0 and three others */
	bench_rounds(&b, 4);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(b.nodes[i].policy, 1);
	bench_part(&b, 0x1f); /* and a fourth */
	bench_rounds(&b, 4);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(b.nodes[i].policy, i < 5 ? 2 : 1);
	/* It survives a start, without being asked again. */
	node_close(&b.nodes[1]);
	node_open(&b.nodes[1]);
	assert_int_equal(b.nodes[1].policy, 2);
	assert_int_equal(b.nodes[1].entered, 1);
	bench_heal(&b);
	bench_rounds(&b, 3);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(b.nodes[i].policy, 2);
	bench_fini(&b);
}

static void test_decision_chain(void **state)
{
	struct bench b;
	struct decision d = {.kind = SLICE("policy"), .content = SLICE("other\n")}, was;
	struct buf note = BUF_INIT, before = BUF_INIT;
	struct arena *a = arena_new(MIB(1));
	uint64_t sequence;

	(void)state;
	bench_init(&b, 3, 52, true);
	/* Too few signatures. */
	REFUSED(ERR_DENIED, node_decide(&b.nodes[0], "by one", 1, &e));
	MUST(coalition_decision_get(b.nodes[0].coalition, SLICE("policy"), &sequence, &before, &e));
	assert_int_equal(sequence, 1);
	MUST(decision_parse(buf_slice(&before), a, &was, &e));
	/* The number after next; another of the number in force; the next without the digest. */
	d.sequence = 3;
	memcpy(d.previous, was.digest, SHA256_LEN);
	bench_decision_note(&b, &d, BENCH_ALL, &note);
	MUST(coalition_decision_publish(b.nodes[0].coalition, buf_slice(&note), &e));
	d.sequence = 1;
	memset(d.previous, 0, SHA256_LEN);
	buf_clear(&note);
	bench_decision_note(&b, &d, BENCH_ALL, &note);
	MUST(coalition_decision_publish(b.nodes[0].coalition, buf_slice(&note), &e));
	d.sequence = 2;
	buf_clear(&note);
	bench_decision_note(&b, &d, BENCH_ALL, &note);
	MUST(coalition_decision_publish(b.nodes[0].coalition, buf_slice(&note), &e));
	bench_rounds(&b, 4);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(b.nodes[i].policy, 1);
		assert_int_equal(b.nodes[i].entered, 1);
	}
	MUST(node_decide(&b.nodes[1], "two", 0x3, &e)); /* exactly the threshold */
	bench_rounds(&b, 4);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(b.nodes[i].policy, 2);
	REFUSED(ERR_PARSE, coalition_decision_publish(b.nodes[0].coalition, SLICE("none"), &e));
	buf_fini(&note);
	buf_fini(&before);
	arena_free(a);
	bench_fini(&b);
}

/* What cannot be enforced here counts all the same. */
static void test_unenforceable(void **state)
{
	struct bench b;
	struct buf note = BUF_INIT;
	uint64_t sequence;

	(void)state;
	bench_init(&b, 3, 53, true);
	MUST(node_decide(&b.nodes[0], "unenforceable", BENCH_ALL, &e));
	bench_rounds(&b, 4);
	MUST(coalition_decision_get(b.nodes[1].coalition, SLICE("policy"), &sequence, &note, &e));
	assert_int_equal(sequence, 2);
	MUST(node_decide(&b.nodes[0], "good again", BENCH_ALL, &e));
	bench_rounds(&b, 4);
	assert_int_equal(b.nodes[1].policy, 3);
	buf_fini(&note);
	bench_fini(&b);
}

/* ---- coming, going, changing keys -------------------------------------------------------------
 */

/* The next charter, published by node `by`. */
static void charter_next(struct bench *b, struct charter *c, unsigned by)
{
	struct buf note = BUF_INIT;

	bench_charter_note(b, c, BENCH_ALL, &note);
	MUST(coalition_charter_publish(b->nodes[by].coalition, buf_slice(&note), &e));
	buf_clear(&b->charter);
	buf_slice_append(&b->charter, buf_slice(&note));
	buf_fini(&note);
}

static void test_member_joins(void **state)
{
	struct bench b;
	struct charter c;
	unsigned told;

	(void)state;
	bench_keys(&b, 4, 61);
	b.count = 3;
	c = bench_charter_of(&b, 3, 1, NULL);
	bench_charter_note(&b, &c, 0x7, &b.charter);
	for (unsigned i = 0; i < 3; i++)
		node_open(&b.nodes[i]);
	bench_rounds(&b, 2);
	MUST(node_decide(&b.nodes[0], "one", 0x7, &e));
	bench_rounds(&b, 3);
	MUST(node_decide(&b.nodes[0], "two", 0x7, &e));
	node_add(&b.nodes[1], "from before", BENCH_ALL);
	bench_rounds(&b, 3);
	/* Nobody of this charter is asked or answered by who is not in it. */
	{
		struct buf answer = BUF_INIT;

		REFUSED(ERR_DENIED, coalition_answer(b.nodes[0].coalition, SLICE("m3"),
					    COALITION_HEADS, SLICE("\0\0"), &answer, &e));
		buf_fini(&answer);
	}
	b.count = 4;
	c = bench_charter_of(&b, 4, 2, coalition_charter(b.nodes[0].coalition));
	told = b.nodes[0].entered;
	charter_next(&b, &c, 0);
	bench_rounds(&b, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(coalition_charter(b.nodes[i].coalition)->version, 2);
	/* The policy in force is told again: it speaks of one member more now. */
	assert_int_equal(b.nodes[0].entered, told + 1);
	node_open(&b.nodes[3]);
	bench_rounds(&b, 4);
	assert_int_equal(b.nodes[3].policy, 2);
	assert_non_null(node_holds(&b.nodes[3], "from before"));
	node_add(&b.nodes[3], "from the new one", BENCH_ALL);
	bench_rounds(&b, 3);
	assert_non_null(node_holds(&b.nodes[0], "from the new one"));
	bench_fini(&b);
}

static void test_member_leaves(void **state)
{
	struct bench b;
	struct charter c;
	struct charter_revoked revoked = {0};
	struct buf answer = BUF_INIT;
	uint64_t size;
	struct err ignored;

	(void)state;
	bench_init(&b, 4, 62, true);
	node_add(&b.nodes[3], "while it was one of us", BENCH_ALL);
	bench_rounds(&b, 3);
	size = ledger_size(node_log(&b.nodes[0], &b.nodes[3]));
	revoked.key = b.rows[3].log;
	revoked.size = size;
	MUST(ledger_root(node_log(&b.nodes[0], &b.nodes[3]), size, revoked.root, &e));
	c = bench_charter_of(&b, 3, 2, coalition_charter(b.nodes[0].coalition));
	c.revoked = &revoked;
	c.revoked_count = 1;
	charter_next(&b, &c, 0);
	bench_rounds(&b, 4);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(coalition_charter(b.nodes[i].coalition)->version, 2);
		REFUSED(ERR_DENIED, coalition_answer(b.nodes[i].coalition, SLICE("m3"),
					    COALITION_HEADS, SLICE("\0\0"), &answer, &e));
		REFUSED(ERR_USAGE, node_try_meet(&b.nodes[i], 3, &e));
		assert_non_null(node_holds(&b.nodes[i], "while it was one of us"));
	}
	/* Who lost everything gets back what counts of it, from the others. */
	node_close(&b.nodes[2]);
	ledger_disk_fake_free(b.nodes[2].fake);
	b.nodes[2].fake = ledger_disk_fake_new(5);
	for (size_t i = 0; i < b.nodes[2].store.count; i++)
		b.nodes[2].store.objects[i].forgotten = true;
	memset(b.nodes[2].store.last, 0, sizeof(b.nodes[2].store.last));
	node_open(&b.nodes[2]);
	bench_rounds(&b, 4);
	assert_non_null(node_holds(&b.nodes[2], "while it was one of us"));
	assert_int_equal(b.nodes[2].policy, 1);
	node_add(&b.nodes[3], "after it left", BENCH_ALL);
	(void)!node_try_publish(&b.nodes[3], &ignored);
	bench_rounds(&b, 2);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(ledger_size(coalition_ledger(
					 b.nodes[i].coalition, slice_of(b.rows[3].log.name))),
			size);
		assert_null(node_holds(&b.nodes[i], "after it left"));
	}
	buf_fini(&answer);
	bench_fini(&b);
}

static unsigned logs_revoked(struct node *n)
{
	struct arena *a = arena_new(MIB(1));
	struct coalition_status status;
	unsigned sum = 0;

	node_status(n, a, &status);
	for (size_t i = 0; i < status.origins_count; i++)
		sum += status.origins[i].trust == COALITION_REVOKED;
	arena_free(a);
	return sum;
}

/* B7: every key of every member is changed by charter; then who stole an old log key writes on. */
static void test_rotation_and_theft(void **state)
{
	struct bench b;
	struct charter c;
	struct charter_revoked revoked[3] = {0};
	struct note_secret old_roots[3];
	struct node *thief;
	struct signer_secrets fresh[3];
	struct buf text = BUF_INIT, lines = BUF_INIT, note = BUF_INIT;
	uint64_t frozen;

	(void)state;
	bench_init(&b, 3, 63, true);
	node_add(&b.nodes[0], "under the old key", BENCH_ALL);
	bench_rounds(&b, 3);
	frozen = ledger_size(node_log(&b.nodes[0], &b.nodes[0]));
	/* The thief has the key and the disk, and writes before anybody knows. */
	thief = bench_twin(&b, &b.nodes[0]);
	node_close(&b.nodes[0]);
	node_open(thief);
	b.route[1][0] = b.route[2][0] = 3;
	bench_rounds(&b, 2);
	node_add(thief, "forged by the thief", BENCH_ALL);
	bench_rounds(&b, 3);
	assert_non_null(node_holds(&b.nodes[1], "forged by the thief"));
	node_close(thief);

	memcpy(old_roots, b.roots, sizeof(old_roots));
	for (unsigned i = 0; i < 3; i++) {
		struct node *n = &b.nodes[i];
		struct signer_public keys;
		char name[32];
		uint64_t size = i == 0 ? frozen : ledger_size(node_log(&b.nodes[1], n));

		revoked[i].key = b.rows[i].log;
		revoked[i].size = size;
		if (i == 0)
			MUST(ledger_root(node_log(&b.nodes[1], n), size, revoked[i].root, &e));
		else
			MUST(ledger_root(node_log(&b.nodes[1], n), size, revoked[i].root, &e));
		snprintf(name, sizeof(name), "m%u/root.2", i);
		MUST(note_secret_new(&n->world, slice_of(name), NOTE_ED25519, &b.roots[i], &e));
		snprintf(name, sizeof(name), "m%u/2", i);
		MUST(signer_secrets_new(&n->world, slice_of(name), &fresh[i], &e));
		signer_secrets_public(&fresh[i], &keys);
		b.rows[i].root = b.roots[i].key;
		b.rows[i].log = keys.keys[SIGNER_LOG];
		b.rows[i].witness = keys.keys[SIGNER_WITNESS];
		b.rows[i].mirror = keys.keys[SIGNER_MIRROR];
		memcpy(b.rows[i].box, keys.box, SIGNER_BOX_LEN);
		hash_sha256(slice_of(name), b.rows[i].pin);
	}
	c = bench_charter_of(&b, 3, 2, coalition_charter(b.nodes[1].coalition));
	c.revoked = revoked;
	c.revoked_count = 3;
	charter_write(&c, &text);
	for (unsigned i = 0; i < 3; i++) {
		note_sign(&old_roots[i], buf_slice(&text), &lines);
		note_sign(&b.roots[i], buf_slice(&text), &lines);
	}
	note_write(buf_slice(&text), buf_slice(&lines), &note);
	for (unsigned i = 0; i < 3; i++) {
		struct node *n = &b.nodes[i];

		if (n->coalition != NULL) {
			/* Still with the old keys: it says so, and keeps the old charter. */
			REFUSED(ERR_INVALID,
				coalition_charter_take(n->coalition, buf_slice(&note), &e));
			node_close(n);
		}
		n->secrets = fresh[i];
		/* A new signer has new marks. */
		ledger_disk_fake_free(n->keys_fake);
		n->keys_fake = ledger_disk_fake_new(77 + i);
		node_open(n);
		MUST(coalition_charter_take(n->coalition, buf_slice(&note), &e));
	}
	bench_heal(&b);
	for (unsigned i = 1; i < 3; i++) {
		assert_null(node_holds(&b.nodes[i], "forged by the thief"));
		assert_non_null(node_holds(&b.nodes[i], "under the old key"));
	}
	bench_rounds(&b, 4);
	node_add(&b.nodes[0], "under the new key", BENCH_ALL);
	bench_rounds(&b, 3);
	for (unsigned i = 1; i < 3; i++) {
		assert_non_null(node_holds(&b.nodes[i], "under the new key"));
		assert_null(node_holds(&b.nodes[i], "forged by the thief"));
		assert_int_equal(node_trusts(&b.nodes[i], &b.nodes[0]), COALITION_GOOD);
		assert_int_equal(logs_revoked(&b.nodes[i]), 3);
	}
	buf_fini(&text);
	buf_fini(&lines);
	buf_fini(&note);
	bench_fini(&b);
}

/* A member followed a thief, who wrote another history than the one that the charter then names. */
static void test_void_history(void **state)
{
	struct bench b;
	struct node *thief;
	struct charter c;
	struct charter_revoked revoked = {0};
	uint64_t size;

	(void)state;
	bench_init(&b, 4, 64, true);
	node_add(&b.nodes[3], "before", BENCH_ALL);
	bench_rounds(&b, 2);
	thief = bench_twin(&b, &b.nodes[3]);
	node_open(thief);
	for (unsigned k = 0; k < 3; k++)
		node_meet(thief, k);
	/* 2 hears the thief alone, 0 and 1 the member. */
	for (unsigned i = 0; i < 4; i++) {
		b.route[2][i] = i == 3 ? 4 : BENCH_CUT;
		b.route[4][i] = i == 2 ? 2 : BENCH_CUT;
	}
	b.route[0][2] = b.route[1][2] = b.route[3][2] = BENCH_CUT;
	node_add(&b.nodes[3], "true", BENCH_ALL);
	node_add(&b.nodes[3], "true too", BENCH_ALL);
	for (unsigned i = 0; i < 3; i++) {
		char text[16];

		snprintf(text, sizeof(text), "false %u", i);
		node_add(thief, text, BENCH_ALL);
	}
	bench_rounds(&b, 2);
	assert_non_null(node_holds(&b.nodes[2], "false 2"));
	node_close(thief);
	node_close(&b.nodes[3]);
	size = ledger_size(node_log(&b.nodes[0], &b.nodes[3]));
	revoked.key = b.rows[3].log;
	revoked.size = size;
	MUST(ledger_root(node_log(&b.nodes[0], &b.nodes[3]), size, revoked.root, &e));
	c = bench_charter_of(&b, 3, 2, coalition_charter(b.nodes[0].coalition));
	c.revoked = &revoked;
	c.revoked_count = 1;
	charter_next(&b, &c, 0);
	/* By hand: as from a file, so that no evidence comes first. */
	MUST(coalition_charter_take(b.nodes[2].coalition, buf_slice(&b.charter), &e));
	assert_null(node_holds(&b.nodes[2], "false"));
	bench_heal(&b);
	bench_rounds(&b, 4);
	assert_non_null(node_holds(&b.nodes[1], "true too"));
	assert_null(node_holds(&b.nodes[2], "false"));
	bench_fini(&b);
}

/* One leaf of what was asked for, with its right proof; then nothing. */
static void one_leaf(struct bench *b, enum coalition_ask ask, struct buf *answer)
{
	struct origin *mine = origin_of_member(b->nodes[2].coalition, SLICE("m0"));
	struct ledger *theirs = b->nodes[3].coalition->own->log;
	struct ledger_path path;
	struct buf leaf = BUF_INIT;

	if (ask != COALITION_LEAVES)
		return;
	buf_clear(answer);
	if (b->meddled++ > 0)
		return;
	MUST(ledger_consistency(
		theirs, ledger_size(mine->log) + 1, ledger_size(theirs), &path, &e));
	MUST(ledger_leaves(theirs, ledger_size(mine->log), 1, &leaf, &e));
	wire_u32(answer, 1);
	wire_path(answer, &path);
	buf_slice_append(answer, buf_slice(&leaf));
	buf_fini(&leaf);
}

/* A liar that stops in the middle of a catch-up must not part two honest members, who then hold
 * what does not fit, but can prove nothing yet. */
static void test_half_a_branch_parts_nobody(void **state)
{
	struct bench b;
	struct node *twin = two_faced(&b);
	struct err ignored;

	(void)state;
	node_add(&b.nodes[0], "to one half", BENCH_ALL);
	for (unsigned i = 0; i < 9; i++) {
		char text[32];

		snprintf(text, sizeof(text), "to another half %u", i);
		node_add(twin, text, BENCH_ALL);
	}
	node_publish(&b.nodes[0]);
	node_publish(twin);
	node_meet(&b.nodes[1], 0);
	b.meddle = one_leaf;
	(void)!node_try_meet(&b.nodes[2], 0, &ignored);
	b.meddle = NULL;
	assert_true(b.meddled > 1);
	assert_int_equal(ledger_size(node_log(&b.nodes[2], twin)), 2);
	/* The liar is silent from now on. */
	b.route[2][0] = BENCH_CUT;
	b.route[1][2] = 2;
	b.route[2][1] = 1;
	node_add(&b.nodes[1], "from an honest one", BENCH_ALL);
	bench_rounds(&b, 2);
	assert_non_null(node_holds(&b.nodes[2], "from an honest one"));
	/* When it goes on, it is found out. */
	b.route[2][0] = 3;
	bench_rounds(&b, 3);
	assert_int_equal(node_trusts(&b.nodes[2], twin), COALITION_QUARANTINE);
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

/* No clock of a member keeps a log fresh for ever. */
static void test_future_cosignature(void **state)
{
	struct bench b;
	struct buf line = BUF_INIT, note = BUF_INIT, text = BUF_INIT;
	struct signed_head head = {0};
	struct origin *o;
	struct note_checkpoint checkpoint;

	(void)state;
	bench_init(&b, 3, 65, true);
	node_add(&b.nodes[0], "an object", BENCH_ALL);
	bench_rounds(&b, 2);
	o = origin_of_member(b.nodes[1].coalition, SLICE("m0"));
	checkpoint = (struct note_checkpoint){SLICE("m0/log"), o->head.size, {0}};
	memcpy(checkpoint.root, o->head.root, sizeof(checkpoint.root));
	note_checkpoint_format(&checkpoint, &text);
	note_sign(&b.nodes[0].secrets.notes[SIGNER_LOG], buf_slice(&text), &line);
	note_cosign(&b.nodes[2].secrets.notes[SIGNER_WITNESS], buf_slice(&text),
		(uint64_t)(b.now_us / US_PER_SECOND) + 100 * 86400, &line);
	note_write(buf_slice(&text), buf_slice(&line), &note);
	MUST(head_read(b.nodes[1].coalition, o, buf_slice(&note), &head, &e));
	assert_int_equal(head.witnesses, 1);
	assert_int_equal(head.cosigned_s, 0);
	MUST(head_keep(b.nodes[1].coalition, o, &head, &e));
	assert_int_equal(node_trusts(&b.nodes[1], &b.nodes[0]), COALITION_GOOD);
	b.now_us += 3 * BENCH_DAY_US;
	assert_int_equal(node_trusts(&b.nodes[1], &b.nodes[0]), COALITION_STALE);
	head_fini(&head);
	buf_fini(&line);
	buf_fini(&note);
	buf_fini(&text);
	bench_fini(&b);
}

/* Of five members one may collude: its word alone keeps no log of another fresh. */
static void test_freshness_is_not_one_members_word(void **state)
{
	struct bench b;
	struct buf line = BUF_INIT, note = BUF_INIT, text = BUF_INIT;
	struct signed_head head = {0};
	struct origin *o;
	struct note_checkpoint checkpoint = {.origin = SLICE("m0/log")};
	int64_t now_s;

	(void)state;
	bench_init(&b, 5, 66, true);
	node_add(&b.nodes[0], "an object", BENCH_ALL);
	bench_rounds(&b, 2);
	now_s = b.now_us / US_PER_SECOND;
	o = origin_of_member(b.nodes[1].coalition, SLICE("m0"));
	checkpoint.size = o->head.size;
	memcpy(checkpoint.root, o->head.root, sizeof(checkpoint.root));
	note_checkpoint_format(&checkpoint, &text);
	note_sign(&b.nodes[0].secrets.notes[SIGNER_LOG], buf_slice(&text), &line);
	/* Both keys of one member, and then another's, an hour older. */
	note_cosign(&b.nodes[2].secrets.notes[SIGNER_WITNESS], buf_slice(&text),
		(uint64_t)now_s, &line);
	note_cosign(&b.nodes[2].secrets.notes[SIGNER_MIRROR], buf_slice(&text),
		(uint64_t)now_s, &line);
	note_write(buf_slice(&text), buf_slice(&line), &note);
	MUST(head_read(b.nodes[1].coalition, o, buf_slice(&note), &head, &e));
	assert_int_equal(head.cosigned_s, 0);
	note_cosign(&b.nodes[3].secrets.notes[SIGNER_MIRROR], buf_slice(&text),
		(uint64_t)now_s - 3600, &line);
	buf_clear(&note);
	note_write(buf_slice(&text), buf_slice(&line), &note);
	MUST(head_read(b.nodes[1].coalition, o, buf_slice(&note), &head, &e));
	assert_int_equal(head.cosigned_s, now_s - 3600);
	head_fini(&head);
	buf_fini(&line);
	buf_fini(&note);
	buf_fini(&text);
	bench_fini(&b);
}

/* A node whose clock is wrong by years refuses a charter as lapsed, and takes it when the clock is
 * right. */
static void test_charter_by_a_wrong_clock(void **state)
{
	struct bench b;
	struct charter c;

	(void)state;
	bench_init(&b, 3, 67, true);
	b.nodes[1].skew_us = 3000 * BENCH_DAY_US;
	c = bench_charter_of(&b, 3, 2, coalition_charter(b.nodes[0].coalition));
	charter_next(&b, &c, 0);
	bench_rounds(&b, 3);
	assert_int_equal(coalition_charter(b.nodes[0].coalition)->version, 2);
	assert_int_equal(coalition_charter(b.nodes[1].coalition)->version, 1);
	b.nodes[1].skew_us = 0;
	b.now_us += 61 * US_PER_SECOND;
	bench_rounds(&b, 1);
	assert_int_equal(coalition_charter(b.nodes[1].coalition)->version, 2);
	bench_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_roots_of_one_size),
		cmocka_unit_test(test_branch_behind_a_larger_head),
		cmocka_unit_test(test_leaves_on_the_way_are_proved),
		cmocka_unit_test(test_third_party_learns_from_the_log),
		cmocka_unit_test(test_forged_evidence),
		cmocka_unit_test(test_restored_backup),
		cmocka_unit_test(test_two_copies_heard),
		cmocka_unit_test(test_two_copies_one_heard),
		cmocka_unit_test(test_a_log_that_rests),
		cmocka_unit_test(test_minority_waits),
		cmocka_unit_test(test_withdrawal_acknowledged_by_all),
		cmocka_unit_test(test_withdrawals_refused),
		cmocka_unit_test(test_wrong_withdrawals_bind_nobody),
		cmocka_unit_test(test_erase_leaves_nothing),
		cmocka_unit_test(test_erase_of_what_came_twice),
		cmocka_unit_test(test_decision_needs_quorum),
		cmocka_unit_test(test_decision_chain),
		cmocka_unit_test(test_unenforceable),
		cmocka_unit_test(test_member_joins),
		cmocka_unit_test(test_member_leaves),
		cmocka_unit_test(test_rotation_and_theft),
		cmocka_unit_test(test_void_history),
		cmocka_unit_test(test_half_a_branch_parts_nobody),
		cmocka_unit_test(test_lost_entry),
		cmocka_unit_test(test_future_cosignature),
		cmocka_unit_test(test_freshness_is_not_one_members_word),
		cmocka_unit_test(test_charter_by_a_wrong_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
