/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Two histories of one member, whether it lies, was restored from a backup or runs twice: who finds
 * out, what proves it, and whom it parts.
 */
#include "coalition_testing.h"

/* ---- two histories --------------------------------------------------------------------------- */

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

/* Nine objects of the first member, of which the second fetched four when the line was cut. */
static uint64_t cut_on_the_way(struct bench *b, struct signed_head *ret_head)
{
	struct ledger *log = node_log(&b->nodes[0], &b->nodes[0]);
	struct origin *o = origin_of_member(b->nodes[1].coalition, SLICE("m0"));
	struct buf answer = BUF_INIT;
	struct ledger_path path;
	uint64_t size, got;

	for (unsigned i = 0; i < 9; i++)
		node_add(&b->nodes[0], "an object", BENCH_ALL);
	MUST(coalition_publish(b->nodes[0].coalition, &got, &(bool){false}, &e));
	size = ledger_size(o->log) + 4;
	assert_true(size < ledger_size(log));
	MUST(ledger_consistency(log, size, ledger_size(log), &path, &e));
	wire_u32(&answer, 4);
	wire_path(&answer, &path);
	MUST(ledger_leaves(log, size - 4, 4, &answer, &e));
	MUST(head_copy(ret_head, &b->nodes[0].coalition->own->head, &e));
	MUST(leaves_take(b->nodes[1].coalition, o, ret_head, buf_slice(&answer), &got, &e));
	assert_int_equal(got, 4);
	assert_true(o->head.size < size);
	buf_fini(&answer);
	return size;
}

/* Leaves on the way to a head that was never reached: whoever signed it cannot deny them, after a
 * start either. */
static void test_leaves_on_the_way_are_proved(void **state)
{
	struct bench b;
	struct signed_head head = {0};
	struct branch mine;
	uint64_t size;

	(void)state;
	bench_init(&b, 2, 14, true);
	size = cut_on_the_way(&b, &head);
	for (unsigned round = 0; round < 2; round++) {
		struct origin *o = origin_of_member(b.nodes[1].coalition, SLICE("m0"));
		uint64_t at;

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
	bench_fini(&b);
}

/* A second copy of the first member, whom everybody has told what they saw of its log. */
static struct node *twin_known(struct bench *b)
{
	struct node *twin = bench_twin(b, &b->nodes[0]);

	node_open(twin);
	for (unsigned k = 1; k < b->count; k++)
		node_meet(twin, k);
	return twin;
}

/* A fourth member sees neither history, only the evidence in another's log. */
static void test_third_party_learns_from_the_log(void **state)
{
	struct bench b;
	struct node *twin;

	(void)state;
	bench_init(&b, 4, 12, true);
	twin = twin_known(&b);
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

/* ---- restored, and twice --------------------------------------------------------------------- */

/* Its disks are lost; it starts from what the other was copied to before. */
static void node_restore(struct node *n, struct node *backup)
{
	struct ledger_disk_fake *disk = n->fake, *keys = n->keys_fake;
	struct node_store store = n->store;

	node_close(n);
	n->fake = backup->fake;
	n->keys_fake = backup->keys_fake;
	n->store = backup->store;
	backup->fake = disk;
	backup->keys_fake = keys;
	backup->store = store;
	node_open(n);
}

static void test_restored_backup(void **state)
{
	struct bench b;
	struct node *old;
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

	node_restore(&b.nodes[0], old);
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

/* Who fetched but a part of what was signed since the backup says so, and gives what it has: an old
 * copy signs nothing else, and is held up in nothing else. */
static void test_restored_while_another_fetched(void **state)
{
	struct bench b;
	struct signed_head head = {0};
	struct node *old;
	struct err ignored;
	uint64_t size;

	(void)state;
	bench_init(&b, 3, 22, true);
	node_add(&b.nodes[0], "before the backup", BENCH_ALL);
	bench_rounds(&b, 2);
	old = bench_twin(&b, &b.nodes[0]);
	size = cut_on_the_way(&b, &head);
	node_restore(&b.nodes[0], old);
	for (unsigned round = 0; round < 2; round++) {
		(void)!node_try_meet(&b.nodes[0], 1, &ignored);
		node_meet(&b.nodes[0], 2);
	}
	assert_int_equal(ledger_size(node_log(&b.nodes[0], &b.nodes[0])), size);
	node_add(&b.nodes[0], "a new thing", BENCH_ALL);
	assert_int_equal(node_try_publish(&b.nodes[0], &ignored), ERR_DENIED);
	node_add(&b.nodes[1], "of another", BENCH_ALL);
	node_publish(&b.nodes[1]);
	node_meet(&b.nodes[0], 1);
	assert_non_null(node_holds(&b.nodes[0], "of another"));
	head_fini(&head);
	bench_fini(&b);
}

/* A crash between the last leaf and the head that it reaches: the head is there after the start. */
static void test_crash_before_the_head(void **state)
{
	struct bench b;
	struct err ignored;
	uint64_t size;

	(void)state;
	bench_init(&b, 2, 23, true);
	bench_rounds(&b, 2);
	for (uint64_t n = 1; n <= 12; n++) {
		struct origin *o;

		node_add(&b.nodes[0], "an object", BENCH_ALL);
		node_publish(&b.nodes[0]);
		ledger_disk_fake_fail_at(b.nodes[1].fake, n);
		(void)!node_try_meet(&b.nodes[1], 0, &ignored);
		node_close(&b.nodes[1]);
		ledger_disk_fake_fail_at(b.nodes[1].fake, 0);
		ledger_disk_fake_crash(b.nodes[1].fake);
		node_open(&b.nodes[1]);
		o = origin_of_member(b.nodes[1].coalition, SLICE("m0"));
		size = ledger_size(o->log);
		assert_int_equal(o->head.size, size);
		node_meet(&b.nodes[1], 0);
	}
	bench_fini(&b);
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
	twin = twin_known(&b);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_roots_of_one_size),
		cmocka_unit_test(test_branch_behind_a_larger_head),
		cmocka_unit_test(test_leaves_on_the_way_are_proved),
		cmocka_unit_test(test_third_party_learns_from_the_log),
		cmocka_unit_test(test_forged_evidence),
		cmocka_unit_test(test_restored_backup),
		cmocka_unit_test(test_restored_while_another_fetched),
		cmocka_unit_test(test_crash_before_the_head),
		cmocka_unit_test(test_two_copies_heard),
		cmocka_unit_test(test_two_copies_one_heard),
		cmocka_unit_test(test_half_a_branch_parts_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
