/* SPDX-License-Identifier: MPL-2.0 */
/* What one flipped bit on a node's disk does. */
#include "coalition_testing.h"

/* While a node is closed. Either it does not open, or its log is found damaged before it signs, or
 * the bit was of no matter: then all goes on, and no signature is wrong. */
static void test_bit_flipped_on_disk(void **state)
{
	unsigned noticed = 0, harmless = 0;
	uint64_t random = 4;

	(void)state;
	for (unsigned path = 0; path < 64; path++) {
		for (unsigned k = 0; k < 6; k++) {
			struct bench b;
			struct node *n;
			struct buf file = BUF_INIT;
			struct err why = {0};
			bool last, found;
			enum err_kind kind;

			bench_init(&b, 3, 100 + path, true);
			n = &b.nodes[0];
			for (unsigned i = 0; i < 3; i++) {
				node_add(&b.nodes[i], i == 1 ? "unfit thing" : "thing", BENCH_ALL);
				node_add(&b.nodes[i], "a", BENCH_ALL);
			}
			bench_rounds(&b, 2);
			MUST(coalition_withdraw(
				b.nodes[1].coalition, 1, WITHDRAW_ERROR, SLICE("because"), &e));
			bench_rounds(&b, 2);
			node_export(n, 1, false, &file);
			node_close(n);
			last = path >= n->paths_count;
			if (!last)
				node_file(n, n->paths[path], &file);
			if (!last && file.len > 0) {
				assert_true(ledger_disk_fake_flip(n->fake, n->paths[path],
					bench_random(&random) % (file.len * 8)));
				kind = node_try_open(n, &why);
				found = kind != OK;
				if (kind == OK) {
					for (unsigned i = 0; i < 3; i++)
						found = found ||
							ledger_verify(node_log(n, &b.nodes[i]),
								NULL, NULL, NULL) != OK;
					node_add(n, "after the flip", BENCH_ALL);
					bench_rounds(&b, 3);
				}
				noticed += found;
				harmless += !found;
				/* Whatever it signed, nobody has seen two histories. */
				for (unsigned i = 1; i < 3; i++) {
					assert_int_equal(
						node_trusts(&b.nodes[i], n), COALITION_GOOD);
					assert_int_equal(b.nodes[i].coalition->evidence, 0);
					assert_non_null(node_holds(&b.nodes[i], "thing"));
				}
				if (!found) {
					/* Nothing of what it believes has changed. */
					struct buf mine = BUF_INIT, theirs = BUF_INIT;
					uint64_t sequence;

					assert_memory_equal(coalition_charter(n->coalition)->digest,
						coalition_charter(b.nodes[1].coalition)->digest,
						SHA256_LEN);
					MUST(coalition_decision_get(n->coalition, SLICE("policy"),
						&sequence, &mine, &e));
					MUST(coalition_decision_get(b.nodes[1].coalition,
						SLICE("policy"), &sequence, &theirs, &e));
					assert_true(
						slice_equal(buf_slice(&mine), buf_slice(&theirs)));
					buf_fini(&mine);
					buf_fini(&theirs);
				}
			}
			buf_fini(&file);
			bench_fini(&b);
			if (last)
				goto out;
		}
	}
out:
	print_message("%u noticed, %u of no matter\n", noticed, harmless);
	assert_true(noticed > 2 * harmless);
}

/* Flips the lowest bit of the byte behind this text, in whatever file of the node has it. */
static void flip_behind(struct node *n, const char *text)
{
	struct buf file = BUF_INIT;
	unsigned flipped = 0;

	for (size_t i = 0; i < n->paths_count; i++) {
		size_t at;

		node_file(n, n->paths[i], &file);
		at = slice_find_text(buf_slice(&file), slice_of(text));
		if (file.len > 0 && at + strlen(text) < file.len) {
			assert_true(ledger_disk_fake_flip(
				n->fake, n->paths[i], (at + strlen(text)) * 8));
			flipped++;
		}
	}
	assert_true(flipped > 0);
	buf_fini(&file);
}

/* Flips that leave everything well-formed, but other than it was: what is withdrawn, who is a
 * member, what was decided. */
static void test_bits_that_read_well(void **state)
{
	static const char *const behind[] = {
		"\"type\":\"withdrawal\",\"index\":", "\"title\": \"m", "the first polic"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(behind); i++) {
		struct bench b;
		struct node *n;

		bench_init(&b, 3, 120, true);
		n = &b.nodes[0];
		for (unsigned k = 0; k < 4; k++) {
			char text[16];

			snprintf(text, sizeof(text), "object %u", k);
			node_add(&b.nodes[1], text, BENCH_ALL);
		}
		bench_rounds(&b, 2);
		MUST(coalition_withdraw(
			b.nodes[1].coalition, 2, WITHDRAW_ERROR, SLICE("because"), &e));
		bench_rounds(&b, 2);
		node_close(n);
		flip_behind(n, behind[i]);
		if (node_try_open(n, NULL) == OK)
			fail_msg("a bit behind %s may be flipped", behind[i]);
		bench_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bit_flipped_on_disk),
		cmocka_unit_test(test_bits_that_read_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
