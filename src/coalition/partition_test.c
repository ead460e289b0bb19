/* SPDX-License-Identifier: MPL-2.0 */
/* Logs that rest, minorities that wait, and clocks that are not believed. */
#include "coalition_testing.h"

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
	note_cosign(&b.nodes[2].secrets.notes[SIGNER_WITNESS], buf_slice(&text), (uint64_t)now_s,
		&line);
	note_cosign(
		&b.nodes[2].secrets.notes[SIGNER_MIRROR], buf_slice(&text), (uint64_t)now_s, &line);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_log_that_rests),
		cmocka_unit_test(test_minority_waits),
		cmocka_unit_test(test_future_cosignature),
		cmocka_unit_test(test_freshness_is_not_one_members_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
