/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a member, a relay or a courier may try against one member: floods of what needs no
 * signature, relays that lie, files of yesterday. Each ends with the honest work being done.
 */
#include "coalition_testing.h"

/* The next charter as all would sign it. */
static void charter_next(struct bench *b, struct charter *c, struct buf *ret_note)
{
	buf_clear(ret_note);
	bench_charter_note(b, c, BENCH_ALL, ret_note);
}

/* ---- floods ---------------------------------------------------------------------------------- */

/* One member alone signs charter after charter, as large as they may be: they must not use up the room
 * for the real one. */
static void test_flood_of_charters(void **state)
{
	struct bench b;
	struct charter c;
	struct charter_revoked *revoked = calloc(256, sizeof(*revoked));
	struct buf note = BUF_INIT;

	(void)state;
	assert_non_null(revoked);
	bench_init(&b, 3, 101, true);
	/* As after hundreds of them. */
	for (unsigned i = 0; i < 2; i++)
		assert_non_null(arena_alloc(b.nodes[i].coalition->charters, MIB(62)));
	for (unsigned i = 0; i < 256; i++) {
		struct note_secret secret;
		char name[16];

		snprintf(name, sizeof(name), "x%u/log", i);
		MUST(note_secret_new(&b.nodes[2].world, slice_of(name), NOTE_ED25519, &secret, &e));
		revoked[i].key = secret.key;
	}
	for (unsigned i = 0; i < 40; i++) {
		uint64_t index;

		c = bench_charter_of(&b, 3, 2, coalition_charter(b.nodes[0].coalition));
		c.revoked = revoked;
		c.revoked_count = 256;
		revoked[0].size = i;
		buf_clear(&note);
		bench_charter_note(&b, &c, 0x4, &note);
		MUST(own_append(
			b.nodes[2].coalition, LEDGER_CHARTER, buf_slice(&note), &index, &e));
	}
	bench_rounds(&b, 4);
	assert_int_equal(coalition_charter(b.nodes[0].coalition)->version, 1);
	c = bench_charter_of(&b, 3, 2, coalition_charter(b.nodes[0].coalition));
	charter_next(&b, &c, &note);
	MUST(coalition_charter_publish(b.nodes[0].coalition, buf_slice(&note), &e));
	bench_rounds(&b, 4);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(coalition_charter(b.nodes[i].coalition)->version, 2);
	free(revoked);
	buf_fini(&note);
	bench_fini(&b);
}

static const char *said(char text[160], const char *type, uint64_t index)
{
	snprintf(text, 160,
		"{\"type\":\"%s\",\"origin\":\"m0/log\",\"index\":%llu,"
		"\"code\":\"error\",\"reason\":\"again\"}",
		type, (unsigned long long)index);
	return text;
}

/* The same withdrawn, and acknowledged, again and again: the others say and remember it once. */
static void test_again_and_again(void **state)
{
	struct bench b;
	struct coalition *c;
	uint64_t index, found, size, acks;
	bool there;
	char text[160];

	(void)state;
	bench_init(&b, 3, 105, true);
	node_add(&b.nodes[0], "taken back", BENCH_ALL);
	found = node_add(&b.nodes[2], "taken back often", BENCH_ALL);
	bench_rounds(&b, 2);
	MUST(coalition_index_of(b.nodes[2].coalition, found, &index, &there, &e));
	assert_true(there);
	MUST(coalition_withdraw(b.nodes[0].coalition, 1, WITHDRAW_ERROR, SLICE("once"), &e));
	bench_rounds(&b, 3);
	c = b.nodes[0].coalition;
	size = ledger_size(c->own->log);
	acks = c->acks_count;
	assert_int_equal(acks, 2);
	for (unsigned i = 0; i < 100; i++) {
		MUST(own_append(b.nodes[2].coalition, LEDGER_WITHDRAWAL,
			slice_of(said(text, "withdrawal", index)), &found, &e));
		MUST(own_append(b.nodes[2].coalition, LEDGER_WITHDRAWAL,
			slice_of(said(text, "acknowledgement", size - 1)), &found, &e));
	}
	bench_rounds(&b, 4);
	assert_null(node_holds(&b.nodes[0], "taken back often"));
	assert_int_equal(c->withdrawals_count, 2);
	assert_int_equal(ledger_size(c->own->log), size + 1);
	assert_true(c->acks_count <= acks + 2);
	/* Who asks sees all of it, also in many. */
	for (uint64_t i = 0; i < 1000; i++)
		MUST(own_append(b.nodes[2].coalition, LEDGER_WITHDRAWAL,
			slice_of(said(text, "acknowledgement", 100000 + i)), &found, &e));
	bench_rounds(&b, 3);
	for (uint64_t i = 0; i < 1000; i++)
		assert_true(
			acknowledged_by(c, origin_of_member(c, SLICE("m2")), c->own, 100000 + i));
	assert_false(acknowledged_by(c, origin_of_member(c, SLICE("m1")), c->own, 100000));
	assert_false(acknowledged_by(c, origin_of_member(c, SLICE("m2")), c->own, 101000));
	bench_fini(&b);
}

/* Decisions that can never follow wait in no more memory than a log is given; and a chain longer
 * than that is followed in one go by who lost all. */
static void test_flood_of_decisions(void **state)
{
	struct bench b;
	struct buf note = BUF_INIT;
	uint64_t index;

	(void)state;
	bench_init(&b, 3, 106, true);
	for (unsigned i = 0; i < 300; i++) {
		struct decision d = {.kind = SLICE("policy"),
			.sequence = 1000 + i,
			.content = SLICE("what nobody signed")};

		buf_clear(&note);
		bench_decision_note(&b, &d, 0x4, &note);
		MUST(own_append(
			b.nodes[2].coalition, LEDGER_DECISION, buf_slice(&note), &index, &e));
	}
	bench_rounds(&b, 3);
	assert_true(b.nodes[0].coalition->candidates_count > 0);
	assert_true(b.nodes[0].coalition->candidates_count <= 64);
	for (unsigned i = 0; i < 70; i++) {
		MUST(node_decide(&b.nodes[0], "another policy", BENCH_ALL, &e));
		bench_rounds(&b, 3);
	}
	assert_int_equal(b.nodes[1].policy, 71);
	/* After a start only the last is in force, not one after the other. */
	node_close(&b.nodes[1]);
	b.nodes[1].entered = 0;
	node_open(&b.nodes[1]);
	assert_int_equal(b.nodes[1].policy, 71);
	assert_int_equal(b.nodes[1].entered, 1);
	node_close(&b.nodes[1]);
	ledger_disk_fake_free(b.nodes[1].fake);
	b.nodes[1].fake = ledger_disk_fake_new(5);
	b.nodes[1].policy = 0;
	node_open(&b.nodes[1]);
	bench_rounds(&b, 4);
	assert_int_equal(b.nodes[1].policy, 71);
	buf_fini(&note);
	bench_fini(&b);
}

/* A log of 70,000 entries of which the asker may have none: one request does not read all of it. */
static void test_wide_request(void **state)
{
	struct bench b;
	struct ledger_entry *entries = calloc(LEDGER_BATCH_MAX, sizeof(*entries));
	struct buf request = BUF_INIT, answer = BUF_INIT;
	struct reader r;
	uint64_t first, next;

	(void)state;
	assert_non_null(entries);
	bench_init(&b, 3, 107, true);
	for (size_t i = 0; i < LEDGER_BATCH_MAX; i++)
		entries[i] = (struct ledger_entry){
			.class = LEDGER_RESTRICTED, .time_us = b.now_us, .content = SLICE("kept")};
	for (unsigned i = 0; i < 18; i++)
		MUST(ledger_append(node_log(&b.nodes[0], &b.nodes[0]), entries, LEDGER_BATCH_MAX,
			NULL, &first, &e));
	wire_text(&request, SLICE("m0/log"));
	wire_u8(&request, 0);
	wire_u64(&request, 1); /* the policy in force */
	wire_u32(&request, 2);
	wire_u64(&request, 0);
	wire_u64(&request, 10);
	wire_u64(&request, 20);
	wire_u64(&request, LEDGER_SIZE_MAX);
	MUST(coalition_answer(b.nodes[0].coalition, SLICE("m1"), COALITION_OPENINGS,
		buf_slice(&request), &answer, &e));
	r = (struct reader){.rest = buf_slice(&answer)};
	read_u64(&r);
	next = read_u64(&r);
	assert_int_equal(next, 65536 + 10);
	free(entries);
	buf_fini(&request);
	buf_fini(&answer);
	bench_fini(&b);
}

/* ---- relays ---------------------------------------------------------------------------------- */

static void false_leaves(struct bench *b, enum coalition_ask ask, struct buf *answer)
{
	uint64_t used = origin_of_member(b->nodes[2].coalition, SLICE("m0"))->hour_leaves;
	uint32_t count = COALITION_LEAVES_MAX;
	size_t bytes;
	char *to;

	if (ask != COALITION_LEAVES)
		return;
	if (used < COALITION_HOURLY_MAX && COALITION_HOURLY_MAX - used < count)
		count = (uint32_t)(COALITION_HOURLY_MAX - used);
	bytes = (size_t)count * LEDGER_LEAF_LEN;
	b->meddled++;
	buf_clear(answer);
	wire_u32(answer, count);
	wire_u8(answer, 0);
	to = buf_reserve(answer, bytes);
	assert_non_null(to);
	memset(to, 0, bytes);
	answer->len += bytes;
}

/* A relay that hands on false leaves uses up nothing of what their origin may send in an hour. */
static void test_false_leaves_cost_their_origin_nothing(void **state)
{
	struct bench b;
	struct err ignored;

	(void)state;
	bench_init(&b, 3, 102, true);
	b.route[2][0] = BENCH_CUT;
	node_add(&b.nodes[0], "what they do not want to be seen", BENCH_ALL);
	node_publish(&b.nodes[0]);
	node_meet(&b.nodes[1], 0);
	/* It has sent almost as much as it may. */
	origin_of_member(b.nodes[2].coalition, SLICE("m0"))->hour_leaves =
		COALITION_HOURLY_MAX - COALITION_LEAVES_MAX;
	b.meddle = false_leaves;
	for (unsigned i = 0; i < 3; i++)
		(void)!node_try_meet(&b.nodes[2], 1, &ignored);
	assert_int_equal(b.meddled, 3);
	b.meddle = NULL;
	b.route[2][0] = 0;
	node_meet(&b.nodes[2], 0);
	assert_non_null(node_holds(&b.nodes[2], "what they do not want to be seen"));
	bench_fini(&b);
}

/* ---- who leaves while it is heard ------------------------------------------------------------ */

/* The key of a member's log, taken back as of what n has of it. */
static void revoked_now(
	struct bench *b, unsigned n, unsigned member, struct charter_revoked *ret_revoked)
{
	struct ledger *log = node_log(&b->nodes[n], &b->nodes[member]);

	*ret_revoked =
		(struct charter_revoked){.key = b->rows[member].log, .size = ledger_size(log)};
	MUST(ledger_root(log, ret_revoked->size, ret_revoked->root, &e));
}

/* A file whose own contents bring the charter by which its sender is no member any more. */
static void test_file_that_ends_its_sender(void **state)
{
	struct bench b;
	struct charter c;
	struct buf note = BUF_INIT, file = BUF_INIT;
	struct charter_revoked revoked;
	const struct charter *first;
	struct origin *theirs;
	struct coalition_imported imported;
	struct err ignored;

	(void)state;
	bench_init(&b, 7, 103, true);
	first = coalition_charter(b.nodes[6].coalition);
	bench_part(&b, 0x1); /* m0 hears nothing of it */
	c = bench_charter_of(&b, 6, 2, first);
	revoked_now(&b, 1, 6, &revoked);
	c.revoked = &revoked;
	c.revoked_count = 1;
	charter_next(&b, &c, &note);
	MUST(coalition_charter_publish(b.nodes[1].coalition, buf_slice(&note), &e));
	node_add(&b.nodes[1], "behind the charter", BENCH_ALL);
	node_add(&b.nodes[2], "in the log after it", BENCH_ALL);
	node_publish(&b.nodes[1]);
	node_publish(&b.nodes[2]);
	for (unsigned i = 2; i < 7; i++)
		node_meet(&b.nodes[i], 1);
	for (unsigned i = 2; i < 7; i++)
		(void)!node_try_meet(&b.nodes[1], i, &ignored);
	assert_int_equal(coalition_charter(b.nodes[1].coalition)->version, 2);
	/* What is under a quorum is public; m6 has it, and goes on under the charter before. */
	theirs = origin_of_member(b.nodes[6].coalition, SLICE("m1"));
	MUST(head_copy(&theirs->quorum, &b.nodes[1].coalition->own->quorum, &e));
	assert_int_equal(coalition_charter(b.nodes[6].coalition)->version, 1);
	node_export(&b.nodes[6], 0, true, &file);
	REFUSED(ERR_DENIED, node_import(&b.nodes[0], buf_slice(&file), &imported, &e));
	assert_int_equal(coalition_charter(b.nodes[0].coalition)->version, 2);
	buf_fini(&note);
	buf_fini(&file);
	bench_fini(&b);
}

static struct buf leaving; /* the charter that comes while a request is under way */

static void left_meanwhile(struct bench *b, enum coalition_ask ask, struct buf *answer)
{
	if (ask != COALITION_COSIGN || b->meddled > 0)
		return;
	b->meddled++;
	MUST(coalition_charter_take(b->nodes[0].coalition, buf_slice(&leaving), &e));
	buf_clear(answer);
	wire_u8(answer, 1); /* ask again, from there */
	wire_u64(answer, 1000000);
	wire_u32(answer, 0);
}

/* We are put out of the coalition while a member is asked for its cosignature. */
static void test_out_while_asking(void **state)
{
	struct bench b;
	struct charter c;
	struct charter_revoked revoked;
	struct err ignored;

	(void)state;
	bench_init(&b, 4, 104, true);
	node_add(&b.nodes[0], "something to cosign", BENCH_ALL);
	node_publish(&b.nodes[0]);
	revoked_now(&b, 1, 0, &revoked);
	{
		struct charter_member mine = b.rows[0];

		b.rows[0] = b.rows[3]; /* the others come first */
		c = bench_charter_of(&b, 3, 2, coalition_charter(b.nodes[0].coalition));
		c.revoked = &revoked;
		c.revoked_count = 1;
		bench_charter_note(&b, &c, BENCH_ALL, &leaving);
		b.rows[3] = b.rows[0];
		b.rows[0] = mine;
	}
	b.meddle = left_meanwhile;
	(void)!node_try_meet(&b.nodes[0], 1, &ignored);
	assert_int_equal(b.meddled, 1);
	assert_int_equal(coalition_charter(b.nodes[0].coalition)->version, 2);
	assert_null(b.nodes[0].coalition->own);
	buf_fini(&leaving);
	bench_fini(&b);
}

/* ---- files ----------------------------------------------------------------------------------- */

/* An old backup runs, cut off, and is handed the files that it took before. */
static void test_old_files_say_nothing_of_now(void **state)
{
	struct bench b;
	struct node *old;
	struct buf files[2] = {BUF_INIT, BUF_INIT};
	struct coalition_imported imported;

	(void)state;
	bench_init(&b, 3, 109, true);
	node_add(&b.nodes[0], "before the backup", BENCH_ALL);
	bench_rounds(&b, 2);
	for (unsigned i = 0; i < 2; i++)
		node_export(&b.nodes[i + 1], 0, true, &files[i]);
	old = bench_twin(&b, &b.nodes[0]);
	b.now_us += 3 * BENCH_DAY_US;
	node_add(&b.nodes[0], "since then", BENCH_ALL);
	bench_rounds(&b, 2);
	node_close(&b.nodes[0]);
	node_open(old);
	for (unsigned k = 0; k < 3; k++)
		b.route[3][k] = BENCH_CUT;
	for (unsigned i = 0; i < 2; i++)
		MUST(node_import(old, buf_slice(&files[i]), &imported, &e));
	node_add(old, "a fork", BENCH_ALL);
	REFUSED(ERR_DENIED, node_try_publish(old, &e));
	/* Those of today do. */
	for (unsigned i = 0; i < 2; i++) {
		node_export(&b.nodes[i + 1], 0, true, &files[i]);
		MUST(node_import(old, buf_slice(&files[i]), &imported, &e));
	}
	node_publish(old);
	assert_non_null(node_holds(old, "since then"));
	for (unsigned i = 0; i < 2; i++)
		buf_fini(&files[i]);
	bench_fini(&b);
}

struct slow {
	struct coalition *c;
	struct slice charter; /* taken while the file is written; empty: none */
	unsigned calls;
};

static enum err_kind slow_write(void *context, struct slice bytes, struct err *e)
{
	struct slow *s = context;

	(void)bytes;
	s->calls++;
	assert_int_not_equal(coalition_news(s->c), 0); /* nobody waits for us */
	return s->calls == 3 && s->charter.len > 0 ? coalition_charter_take(s->c, s->charter, e)
						   : OK;
}

/* Who reads a file slowly stops nobody; who is put out meanwhile gets no more of it. */
static void test_slow_reader(void **state)
{
	struct bench b;
	struct charter c;
	struct charter_revoked revoked;
	struct buf note = BUF_INIT;
	struct slow slow = {0};
	struct coalition_export export = {SLICE("m3"), true, slow_write, &slow};
	unsigned whole;

	(void)state;
	bench_init(&b, 4, 110, true);
	node_add(&b.nodes[0], "an object", BENCH_ALL);
	bench_rounds(&b, 2);
	slow.c = b.nodes[0].coalition;
	MUST(coalition_bundle_export(slow.c, &export, &e));
	whole = slow.calls;
	revoked_now(&b, 0, 3, &revoked);
	c = bench_charter_of(&b, 3, 2, coalition_charter(slow.c));
	c.revoked = &revoked;
	c.revoked_count = 1;
	charter_next(&b, &c, &note);
	slow = (struct slow){slow.c, buf_slice(&note), 0};
	REFUSED(ERR_DENIED, coalition_bundle_export(slow.c, &export, &e));
	assert_true(slow.calls == 3 && slow.calls < whole);
	buf_fini(&note);
	bench_fini(&b);
}

/* What came last under a key that was then changed is no half-kept object at the next start. */
static void test_what_came_last_under_an_old_key(void **state)
{
	struct bench b;
	struct charter c;
	struct charter_revoked revoked;
	struct note_secret fresh;
	struct buf note = BUF_INIT;

	(void)state;
	bench_init(&b, 3, 108, true);
	node_add(&b.nodes[0], "under the old key", BENCH_ALL);
	bench_rounds(&b, 2);
	assert_non_null(node_holds(&b.nodes[1], "under the old key"));
	node_close(&b.nodes[0]);
	revoked_now(&b, 1, 0, &revoked);
	MUST(note_secret_new(&b.nodes[1].world, SLICE("m0/log.2"), NOTE_ED25519, &fresh, &e));
	b.rows[0].log = fresh.key;
	c = bench_charter_of(&b, 3, 2, coalition_charter(b.nodes[1].coalition));
	c.revoked = &revoked;
	c.revoked_count = 1;
	charter_next(&b, &c, &note);
	MUST(coalition_charter_take(b.nodes[1].coalition, buf_slice(&note), &e));
	assert_non_null(node_holds(&b.nodes[1], "under the old key"));
	node_close(&b.nodes[1]);
	node_open(&b.nodes[1]);
	assert_non_null(node_holds(&b.nodes[1], "under the old key"));
	buf_fini(&note);
	bench_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flood_of_charters),
		cmocka_unit_test(test_again_and_again),
		cmocka_unit_test(test_flood_of_decisions),
		cmocka_unit_test(test_wide_request),
		cmocka_unit_test(test_false_leaves_cost_their_origin_nothing),
		cmocka_unit_test(test_file_that_ends_its_sender),
		cmocka_unit_test(test_out_while_asking),
		cmocka_unit_test(test_what_came_last_under_an_old_key),
		cmocka_unit_test(test_old_files_say_nothing_of_now),
		cmocka_unit_test(test_slow_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
