/* SPDX-License-Identifier: MPL-2.0 */
/* Files: in any order, doubled, cut, flipped, replayed, for another. */
#include "coalition_testing.h"

#define LONG_FLIPS  512  /* bits tried of one long file: spread evenly over it */
#define SMALL_FLIPS 4096 /* of a small one, unless SERAI_FLIPS says how many */

/* Members 0 and 1 by network; 2 by files. Ends with everybody holding everything. */
static void by_files(struct bench *b, struct buf files[6])
{
	struct coalition_imported imported;

	bench_init(b, 3, 81, true);
	for (unsigned i = 0; i < BENCH_NODES; i++)
		b->route[i][2] = BENCH_CUT;
	b->route[2][0] = b->route[2][1] = BENCH_CUT;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 2; i++) {
			for (unsigned k = 0; k < 20; k++) {
				char text[40];

				snprintf(text, sizeof(text), "%s%u of %u in %u",
					k == 7 ? "unfit " : "", k, i, round);
				node_add(&b->nodes[i], text, k % 4 == 3 ? 0x3 : BENCH_ALL);
			}
			node_publish(&b->nodes[i]);
		}
		bench_rounds(b, 2);
		for (unsigned i = 0; i < 2; i++) {
			files[2 * round + i] = BUF_INIT;
			node_export(&b->nodes[i], 2, round == 2, &files[2 * round + i]);
		}
	}
	(void)imported;
}

static void files_fini(struct buf files[6])
{
	for (unsigned i = 0; i < 6; i++)
		buf_fini(&files[i]);
}

static void holds_all(struct bench *b, struct node *n)
{
	for (unsigned i = 0; i < 2; i++) {
		struct node *from = &b->nodes[i];
		uint8_t mine[LEDGER_HASH_LEN], theirs[LEDGER_HASH_LEN];
		struct ledger *log = node_log(from, from), *copy = node_log(n, from);

		assert_int_equal(ledger_size(copy), ledger_size(log));
		MUST(ledger_root(log, ledger_size(log), theirs, &e));
		MUST(ledger_root(copy, ledger_size(log), mine, &e));
		assert_memory_equal(mine, theirs, sizeof(mine));
		for (size_t k = 0; k < from->store.count; k++) {
			const struct node_object *o = &from->store.objects[k];
			char copy_of[64];
			bool should =
				(o->mask >> 2 & 1) != 0 &&
				!slice_starts((struct slice){o->content, o->len}, SLICE("unfit"));

			if (!o->own)
				continue;
			snprintf(copy_of, sizeof(copy_of), "%.*s", (int)o->len, o->content);
			if (should != (node_holds(n, copy_of) != NULL))
				fail_msg("\"%s\"", copy_of);
		}
	}
}

static void test_files_in_any_order(void **state)
{
	static const unsigned orders[][6] = {
		{0, 1, 2, 3, 4, 5},
		{5, 4, 3, 2, 1, 0},
		{3, 0, 5, 1, 4, 2},
	};
	struct bench b;
	struct buf files[6];

	(void)state;
	by_files(&b, files);
	for (size_t way = 0; way < COUNT_OF(orders); way++) {
		struct node *n = bench_twin(&b, &b.nodes[2]);

		node_open(n);
		for (unsigned twice = 0; twice < 2; twice++) {
			for (unsigned i = 0; i < 6; i++) {
				struct coalition_imported imported;

				MUST(node_import(
					n, buf_slice(&files[orders[way][i]]), &imported, &e));
				assert_true(imported.number >= 1);
				if (twice == 1) /* a replay brings nothing */
					assert_int_equal(imported.leaves + imported.openings, 0);
			}
		}
		holds_all(&b, n);
		/* The policy came by file as well, and releases by file ask it. */
		assert_int_equal(n->policy, 1);
		node_close(n);
	}
	files_fini(files);
	bench_fini(&b);
}

static void test_files_cut_and_flipped(void **state)
{
	struct bench b;
	struct buf files[6];
	struct coalition_imported imported;
	struct node *n;
	size_t step;

	(void)state;
	by_files(&b, files);
	n = bench_twin(&b, &b.nodes[2]);
	node_open(n);
	/* Cut at each thousandth byte, ascending, so that what verified before stays and grows. */
	{
		uint64_t size = 0;

		for (size_t len = 0; len < files[4].len; len += 1000) {
			struct ledger *log = node_log(n, &b.nodes[0]);
			enum err_kind kind = node_import(
				n, slice_cut(buf_slice(&files[4]), 0, len), &imported, NULL);

			assert_int_not_equal(kind, OK);
			assert_true(ledger_size(log) >= size);
			size = ledger_size(log);
		}
		assert_true(size > 0);
	}
	node_close(n);
	/* A flipped bit anywhere: refused, and nothing wrong is kept. */
	n = bench_twin(&b, &b.nodes[2]);
	node_open(n);
	step = files[5].len * 8 / LONG_FLIPS + 1;
	for (size_t i = 0; i < files[5].len * 8; i += step) {
		struct buf file = BUF_INIT;

		buf_slice_append(&file, buf_slice(&files[5]));
		file.data[i / 8] ^= (char)(1u << i % 8);
		if (node_import(n, buf_slice(&file), &imported, NULL) == OK)
			fail_msg("bit %zu of a file may be flipped", i);
		buf_fini(&file);
	}
	/* Then the good ones: all is there, as if nothing had been. */
	for (unsigned i = 0; i < 6; i++)
		MUST(node_import(n, buf_slice(&files[i]), &imported, &e));
	holds_all(&b, n);
	assert_int_equal(n->coalition->evidence, 0);
	/* For another; from nobody; no file. */
	REFUSED(ERR_DENIED, node_import(&b.nodes[1], buf_slice(&files[0]), &imported, &e));
	REFUSED(ERR_PARSE, node_import(n, SLICE("SERAIB2\nxxxx"), &imported, &e));
	REFUSED(ERR_PARSE, node_import(n, SLICE("SERAIB1\n\xff\xff\xff\xff"), &imported, &e));
	REFUSED(ERR_PARSE, node_import(n, SLICE(""), &imported, &e));
	{
		struct coalition_export export = {.to = SLICE("m1")};

		REFUSED(ERR_USAGE, coalition_bundle_export(b.nodes[1].coalition, &export, &e));
		export.to = SLICE("m8");
		REFUSED(ERR_USAGE, coalition_bundle_export(b.nodes[1].coalition, &export, &e));
	}
	files_fini(files);
	bench_fini(&b);
}

/* The smallest file with a record of every kind: two members, one object, one withdrawal. */
static void small_file(struct bench *b, struct buf *file)
{
	bench_init(b, 2, 82, true);
	for (unsigned i = 0; i < BENCH_NODES; i++)
		b->route[i][1] = BENCH_CUT;
	node_add(&b->nodes[0], "taken back", BENCH_ALL);
	node_add(&b->nodes[0], "kept", BENCH_ALL);
	node_publish(&b->nodes[0]);
	MUST(coalition_withdraw(b->nodes[0].coalition,
		ledger_size(node_log(&b->nodes[0], &b->nodes[0])) - 2, WITHDRAW_ERROR,
		SLICE("because"), &e));
	node_publish(&b->nodes[0]);
	node_export(&b->nodes[0], 1, true, file);
}

/* Every cut and every flipped bit of a small file is refused; nothing else than the truth is kept.
 * Not only some of the bits: SERAI_FLIPS=1000000 bundle_test. */
static void test_small_file_cut_and_flipped(void **state)
{
	const char *flips = getenv("SERAI_FLIPS");
	size_t most = flips != NULL ? strtoul(flips, NULL, 10) : SMALL_FLIPS, bits, step;
	struct bench b;
	struct buf file = BUF_INIT;
	struct coalition_imported imported;
	struct node *n;
	unsigned long flipped = 0, cuts = 0;

	(void)state;
	small_file(&b, &file);
	n = bench_twin(&b, &b.nodes[1]);
	node_open(n);
	bits = file.len * 8;
	step = most >= bits ? 1 : bits / (most + 1) + 1;
	for (size_t i = 0; i < bits; i += step, flipped++) {
		file.data[i / 8] ^= (char)(1u << i % 8);
		if (node_import(n, buf_slice(&file), &imported, NULL) == OK)
			fail_msg("bit %zu of a small file may be flipped", i);
		file.data[i / 8] ^= (char)(1u << i % 8);
	}
	/* Flips beyond the leaves were refused after these had been kept; cuts begin anew. */
	node_close(n);
	n = bench_twin(&b, &b.nodes[1]);
	node_open(n);
	for (size_t len = 0; len < file.len; len++, cuts++) {
		if (node_import(n, slice_cut(buf_slice(&file), 0, len), &imported, NULL) == OK)
			fail_msg("a small file may be cut at %zu", len);
	}
	print_message(
		"a file of %zu bytes: %lu flips, %lu cuts, all refused\n", file.len, flipped, cuts);
	assert_null(node_holds(n, "taken back"));
	MUST(node_import(n, buf_slice(&file), &imported, &e));
	assert_non_null(node_holds(n, "kept"));
	assert_null(node_holds(n, "taken back"));
	assert_int_equal(n->coalition->evidence, 0);
	buf_fini(&file);
	bench_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_in_any_order),
		cmocka_unit_test(test_files_cut_and_flipped),
		cmocka_unit_test(test_small_file_cut_and_flipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
