/* SPDX-License-Identifier: MPL-2.0 */
/* What is decided together: policies, and who is a member with which keys. */
#include "coalition_testing.h"

/* ---- decisions ------------------------------------------------------------------------------- */

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

/* How many openings of log `of` node `by` gives member `to`, who says that policy `number` is in
 * force there. */
static uint32_t given(
	struct bench *b, unsigned by, unsigned to, unsigned of, uint64_t number, bool specials)
{
	struct origin *o = origin_of_member(b->nodes[by].coalition, node_name(&b->nodes[of]));
	struct buf request = BUF_INIT, answer = BUF_INIT;
	struct reader r;
	uint64_t size = ledger_size(o->log);
	uint32_t count;

	wire_text(&request, slice_of(o->key.name));
	wire_u8(&request, specials);
	wire_u64(&request, number);
	wire_u32(&request, 1);
	wire_u64(&request, 0);
	wire_u64(&request, size);
	MUST(coalition_answer(b->nodes[by].coalition, node_name(&b->nodes[to]), COALITION_OPENINGS,
		buf_slice(&request), &answer, &e));
	r = (struct reader){.rest = buf_slice(&answer)};
	(void)read_u64(&r);
	assert_int_equal(read_u64(&r), size); /* it was looked at, nobody asks for ever */
	(void)read_u32(&r);
	count = read_u32(&r);
	assert_false(r.bad);
	buf_fini(&request);
	buf_fini(&answer);
	return count;
}

/* Nodes below `some` decide while they reach nobody else. */
static void some_decide(struct bench *b, unsigned some)
{
	bench_part(b, (UINT64_C(1) << some) - 1);
	MUST(node_decide(&b->nodes[0], "two", BENCH_ALL, &e));
}

/* It comes into force at these, and at no others. */
static void some_enter(struct bench *b, unsigned some)
{
	bench_rounds(b, 4);
	for (unsigned i = 0; i < b->count; i++)
		assert_int_equal(b->nodes[i].policy, i < some ? 2 : 1);
}

/* T29: between two versions nothing flows but what brings the one behind up to the other. */
static void test_mixed_versions(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 7, 54, true); /* k = 4 */
	some_decide(&b, 5);
	node_add(&b.nodes[0], "of the first", BENCH_ALL);
	node_add(&b.nodes[6], "of the last", BENCH_ALL);
	some_enter(&b, 5);
	/* On each side the version is one, and it flows. */
	assert_non_null(node_holds(&b.nodes[4], "of the first"));
	assert_non_null(node_holds(&b.nodes[5], "of the last"));
	/* The sender is ahead; the sender is behind; it is ahead of two. */
	assert_int_equal(given(&b, 0, 6, 0, 1, false), 0);
	assert_int_equal(given(&b, 0, 6, 0, 0, false), 0);
	assert_int_equal(given(&b, 0, 6, 0, 2, false), 1);
	assert_int_equal(given(&b, 6, 0, 6, 2, false), 0);
	assert_int_equal(given(&b, 6, 0, 6, 1, false), 1);
	/* A relay asks the same; who lost its own has it back. */
	assert_int_equal(given(&b, 4, 6, 0, 1, false), 0);
	assert_int_equal(given(&b, 5, 6, 6, 7, false), 1);
	/* The decision itself waits for nothing. */
	assert_true(given(&b, 0, 6, 0, 1, true) > 0);
	bench_heal(&b);
	bench_rounds(&b, 3);
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(b.nodes[i].policy, 2);
		assert_non_null(node_holds(&b.nodes[i], "of the first"));
		assert_non_null(node_holds(&b.nodes[i], "of the last"));
	}
	bench_fini(&b);
}

/* A decision came under its quorum, and then its author was found to have shown two histories: who
 * had not taken it yet takes it from another. */
static void test_decision_out_of_a_quarantined_log(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 4, 55, true); /* k = 2 */
	some_decide(&b, 3);
	some_enter(&b, 3);
	node_close(&b.nodes[0]);
	for (unsigned i = 1; i < 4; i++)
		origin_of_member(b.nodes[i].coalition, SLICE("m0"))->guilty = true;
	bench_heal(&b);
	node_add(&b.nodes[1], "after it", BENCH_ALL);
	bench_rounds(&b, 6);
	assert_int_equal(b.nodes[3].policy, 2);
	assert_non_null(node_holds(&b.nodes[3], "after it"));
	bench_fini(&b);
}

/* ---- coming, going, changing keys ------------------------------------------------------------ */

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
		cmocka_unit_test(test_decision_needs_quorum),
		cmocka_unit_test(test_decision_chain),
		cmocka_unit_test(test_unenforceable),
		cmocka_unit_test(test_mixed_versions),
		cmocka_unit_test(test_decision_out_of_a_quarantined_log),
		cmocka_unit_test(test_member_joins),
		cmocka_unit_test(test_member_leaves),
		cmocka_unit_test(test_rotation_and_theft),
		cmocka_unit_test(test_void_history),
		cmocka_unit_test(test_charter_by_a_wrong_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
