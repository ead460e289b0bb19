/* SPDX-License-Identifier: MPL-2.0 */
/* add-checkpoint: anybody brings a member's checkpoint (c2sp.org/tlog-witness). */
#include "coalition_testing.h"

static void add_is(struct node *n, struct slice body, unsigned expected, const char *answer)
{
	struct buf out = BUF_INIT;
	unsigned status = 0;

	MUST(coalition_add_checkpoint(n->coalition, body, &status, &out, &e));
	if (status != expected)
		fail_msg("%u instead of %u: %.*s", status, expected, (int)out.len, out.data);
	if (answer != NULL)
		assert_true(slice_find_text(buf_slice(&out), slice_of(answer)) < out.len);
	buf_fini(&out);
}

static void add_body(struct node *of, uint64_t old, struct slice note, struct buf *ret_body)
{
	struct ledger_add add = {.old_size = old, .checkpoint = note};
	uint64_t size = of->coalition->own->head.size;

	if (old > 0 && old < size)
		MUST(ledger_consistency(of->coalition->own->log, old, size, &add.path, &e));
	buf_clear(ret_body);
	ledger_add_write(&add, ret_body);
}

static void test_add_checkpoint(void **state)
{
	struct bench b;
	struct buf body = BUF_INIT, note = BUF_INIT, forged = BUF_INIT, line = BUF_INIT;
	struct node *witness;
	uint64_t size;

	(void)state;
	bench_init(&b, 3, 91, true);
	witness = &b.nodes[1];
	node_add(&b.nodes[0], "an object", BENCH_ALL);
	node_add(witness, "another", BENCH_ALL);
	bench_rounds(&b, 3);
	size = b.nodes[0].coalition->own->head.size;
	buf_slice_append(&note, buf_slice(&b.nodes[0].coalition->own->head.note));
	assert_true(size > 1);
	/* 200: what was witnessed last, once more. */
	add_body(&b.nodes[0], size, buf_slice(&note), &body);
	add_is(witness, buf_slice(&body), 200, "m1/witness");
	/* 409: not from what is witnessed; the answer says from where. */
	add_body(&b.nodes[0], 1, buf_slice(&note), &body);
	{
		char expected[24];

		snprintf(expected, sizeof(expected), "%llu\n", (unsigned long long)size);
		add_is(witness, buf_slice(&body), 409, expected);
	}
	/* 400: no such form; an old size past the new one. */
	add_is(witness, SLICE("old x\n\n"), 400, NULL);
	add_is(witness, SLICE(""), 400, NULL);
	add_body(&b.nodes[0], size + 1, buf_slice(&note), &body);
	add_is(witness, buf_slice(&body), 400, NULL);
	/* 403: not signed by its key; a wrong signature. */
	{
		struct note_checkpoint checkpoint = {SLICE("m0/log"), size, {1}};
		struct buf text = BUF_INIT;

		note_checkpoint_format(&checkpoint, &text);
		note_sign(&b.roots[0], buf_slice(&text), &line);
		note_write(buf_slice(&text), buf_slice(&line), &forged);
		add_body(&b.nodes[0], size, buf_slice(&forged), &body);
		add_is(witness, buf_slice(&body), 403, NULL);
		buf_clear(&forged);
		buf_slice_append(&forged, buf_slice(&note));
		forged.data[8] ^= 1; /* the size's digits */
		add_body(&b.nodes[0], size, buf_slice(&forged), &body);
		add_is(witness, buf_slice(&body), 403, NULL);
		/* 422: signed, and another history than the one held. */
		buf_clear(&forged);
		buf_clear(&line);
		note_sign(&b.nodes[0].secrets.notes[SIGNER_LOG], buf_slice(&text), &line);
		note_write(buf_slice(&text), buf_slice(&line), &forged);
		buf_fini(&text);
	}
	/* 404: no member's log; the witness's own; leaves that are not here yet. */
	add_body(witness, size,
		SLICE("m9/log\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
		      "\n\xe2\x80\x94 m9/log AAAAAAAAAA==\n"),
		&body);
	add_is(witness, buf_slice(&body), 404, NULL);
	add_body(witness, 0, buf_slice(&witness->coalition->own->head.note), &body);
	add_is(witness, buf_slice(&body), 404, NULL);
	node_add(&b.nodes[0], "newer", BENCH_ALL);
	node_publish(&b.nodes[0]);
	add_body(&b.nodes[0], size, buf_slice(&b.nodes[0].coalition->own->head.note), &body);
	add_is(witness, buf_slice(&body), 404, "not here yet");
	node_meet(witness, 0);
	add_is(witness, buf_slice(&body), 200, "m1/witness");
	/* And 422, after which it is quarantined: 403. */
	add_body(&b.nodes[0], size, buf_slice(&forged), &body);
	{
		struct ledger_add add = {.old_size = size, .checkpoint = buf_slice(&forged)};

		buf_clear(&body);
		ledger_add_write(&add, &body);
	}
	add_is(witness, buf_slice(&body), 422, NULL);
	assert_int_equal(node_trusts(witness, &b.nodes[0]), COALITION_QUARANTINE);
	add_is(witness, buf_slice(&body), 403, NULL);
	buf_fini(&body);
	buf_fini(&note);
	buf_fini(&forged);
	buf_fini(&line);
	bench_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_checkpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
