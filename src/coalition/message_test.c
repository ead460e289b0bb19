/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What travels: requests and answers of every kind cut, flipped and blown up, as many at once as is
 * allowed and one more; files in any order, doubled, cut, flipped, replayed, for another;
 * checkpoints brought by anybody; and what a disk's flipped bit does.
 */
#include "coalition_testing.h"

#define LONG_FLIPS  512  /* bits tried of one long file: spread evenly over it */
#define SMALL_FLIPS 4096 /* of a small one, unless SERAI_FLIPS says how many */

/* ---- requests and answers -------------------------------------------------------------------- */

/* Three members with something of every kind under way; b->requests and answers are filled. */
static void talkative(struct bench *b)
{
	bench_init(b, 3, 71, true);
	for (unsigned i = 0; i < 3; i++) {
		char text[32];

		snprintf(text, sizeof(text), "object of %u", i);
		node_add(&b->nodes[i], text, i == 2 ? 0x3 : BENCH_ALL);
	}
	bench_rounds(b, 2);
	node_add(&b->nodes[0], "one more", BENCH_ALL);
	node_publish(&b->nodes[0]);
	{
		struct buf request = BUF_INIT, answer = BUF_INIT;

		conflict_ask(b->nodes[1].coalition->own, 1, &request);
		MUST(coalition_answer(b->nodes[1].coalition, SLICE("m0"), COALITION_CONFLICT,
			buf_slice(&request), &answer, &e));
		b->requests[COALITION_CONFLICT] = request;
		b->answers[COALITION_CONFLICT] = answer;
		b->asked[COALITION_CONFLICT] = 1;
	}
	for (unsigned ask = 0; ask < COALITION_ASKS; ask++)
		assert_true(b->requests[ask].len > 0 && b->answers[ask].len > 0);
}

/* Roots, objects and decisions of all nodes, as one digest. */
static void everything(struct bench *b, uint8_t ret[SHA256_LEN])
{
	struct buf all = BUF_INIT;

	for (unsigned i = 0; i < b->count; i++) {
		struct node *n = &b->nodes[i];

		for (unsigned k = 0; k < b->count; k++) {
			struct ledger *log = node_log(n, &b->nodes[k]);
			uint8_t root[LEDGER_HASH_LEN];

			MUST(ledger_root(log, ledger_size(log), root, &e));
			buf_append(&all, root, sizeof(root));
			wire_u64(&all, ledger_size(log));
		}
		wire_u64(&all, n->policy);
		wire_u64(&all, n->coalition->evidence);
		wire_u8(&all, n->coalition->forked);
		for (size_t k = 0; k < n->store.count; k++) {
			if (!n->store.objects[k].forgotten)
				buf_append(
					&all, n->store.objects[k].content, n->store.objects[k].len);
		}
	}
	hash_sha256(buf_slice(&all), ret);
	buf_fini(&all);
}

static void test_requests_damaged(void **state)
{
	struct bench b;
	uint8_t before[SHA256_LEN], after[SHA256_LEN];
	unsigned long refused = 0, tried = 0;

	(void)state;
	talkative(&b);
	everything(&b, before);
	for (unsigned ask = 0; ask < COALITION_ASKS; ask++) {
		struct coalition *to = b.nodes[b.asked[ask]].coalition;
		struct slice from = node_name(&b.nodes[b.asker[ask]]);
		struct buf request = BUF_INIT, answer = BUF_INIT;

		buf_slice_append(&request, buf_slice(&b.requests[ask]));
		for (size_t len = 0; len < request.len; len++) {
			struct err e = {0};

			buf_clear(&answer);
			/* Every byte belongs to it, so a shorter one is none. */
			if (coalition_answer(to, from, ask, slice_cut(buf_slice(&request), 0, len),
				    &answer, &e) == OK)
				fail_msg("%s: cut at %zu", coalition_ask_name(ask), len);
			assert_true(e.text[0] != '\0');
			assert_int_equal(answer.len, 0);
		}
		for (size_t i = 0; i < request.len * 8; i++, tried++) {
			struct err e = {0};

			request.data[i / 8] ^= (char)(1u << i % 8);
			buf_clear(&answer);
			refused += coalition_answer(
					   to, from, ask, buf_slice(&request), &answer, &e) != OK;
			request.data[i / 8] ^= (char)(1u << i % 8);
		}
		buf_char(&request, '\0');
		REFUSED(ERR_PARSE,
			coalition_answer(to, from, ask, buf_slice(&request), &answer, &e));
		buf_fini(&request);
		buf_fini(&answer);
	}
	everything(&b, after);
	assert_memory_equal(before, after, SHA256_LEN);
	assert_true(refused > tried / 4);
	/* And all goes on. */
	bench_rounds(&b, 3);
	assert_non_null(node_holds(&b.nodes[2], "one more"));
	bench_fini(&b);
}

static void test_requests_absurd(void **state)
{
	struct bench b;
	struct buf request = BUF_INIT, answer = BUF_INIT;
	struct coalition *c;
	static char much[COALITION_REQUEST_MAX + 1];

	(void)state;
	talkative(&b);
	c = b.nodes[0].coalition;
	for (unsigned ask = 0; ask < COALITION_ASKS; ask++) {
		REFUSED(ERR_LIMIT, coalition_answer(c, SLICE("m1"), ask,
					   (struct slice){much, sizeof(much)}, &answer, &e));
		REFUSED(ERR_PARSE,
			coalition_answer(c, SLICE("m1"), ask,
				(struct slice){much, COALITION_REQUEST_MAX}, &answer, &e));
		REFUSED(ERR_DENIED, coalition_answer(c, SLICE("m9"), ask, SLICE(""), &answer, &e));
		REFUSED(ERR_DENIED, coalition_answer(c, SLICE("m0"), ask, SLICE(""), &answer, &e));
	}
	REFUSED(ERR_USAGE,
		coalition_answer(c, SLICE("m1"), COALITION_ASKS, SLICE(""), &answer, &e));
	assert_string_equal(coalition_ask_name(COALITION_ASKS), "?");
	/* Leaves that are not there; an unknown log. */
	static const struct {
		const char *log;
		uint64_t from, size;
	} leaves[] = {
		{"m0/log", 0,              1000      },
		{"m0/log", 1,              1         },
		{"m0/log", 2,              1         },
		{"m0/log", UINT64_MAX,     UINT64_MAX},
		{"m0/log", UINT64_MAX - 1, UINT64_MAX},
		{"m7/log", 0,              1         },
	};
	for (size_t i = 0; i < COUNT_OF(leaves); i++) {
		buf_clear(&request);
		wire_text(&request, slice_of(leaves[i].log));
		wire_u64(&request, leaves[i].from);
		wire_u64(&request, leaves[i].size);
		REFUSED(ERR_INVALID, coalition_answer(c, SLICE("m1"), COALITION_LEAVES,
					     buf_slice(&request), &answer, &e));
	}
	/* Ranges for openings: as many as allowed, one more, backwards, empty, past the end. */
	for (unsigned more = 0; more < 2; more++) {
		buf_clear(&request);
		wire_text(&request, SLICE("m0/log"));
		wire_u8(&request, 0);
		wire_u64(&request, 1); /* the policy in force */
		wire_u32(&request, COALITION_RANGES_MAX + more);
		for (uint64_t i = 0; i < COALITION_RANGES_MAX + more; i++) {
			wire_u64(&request, 2 * i);
			wire_u64(&request, 2 * i + 1);
		}
		buf_clear(&answer);
		if (more == 0)
			MUST(coalition_answer(c, SLICE("m1"), COALITION_OPENINGS,
				buf_slice(&request), &answer, &e));
		else
			REFUSED(ERR_PARSE, coalition_answer(c, SLICE("m1"), COALITION_OPENINGS,
						   buf_slice(&request), &answer, &e));
	}
	static const uint64_t ranges[][4] = {
		{1, 1,          2, 3                  },
		{2, 1,          2, 3                  },
		{1, 3,          2, 4                  },
		{0, 1,          5, LEDGER_SIZE_MAX + 1},
		{0, UINT64_MAX, 0, 1                  },
	};
	for (size_t i = 0; i < COUNT_OF(ranges); i++) {
		buf_clear(&request);
		wire_text(&request, SLICE("m0/log"));
		wire_u8(&request, 0);
		wire_u64(&request, 1); /* the policy in force */
		wire_u32(&request, 2);
		for (unsigned k = 0; k < 4; k++)
			wire_u64(&request, ranges[i][k]);
		REFUSED(ERR_PARSE, coalition_answer(c, SLICE("m1"), COALITION_OPENINGS,
					   buf_slice(&request), &answer, &e));
	}
	buf_fini(&request);
	buf_fini(&answer);
	bench_fini(&b);
}

/* ---- answers: the same, on the way back */

static struct {
	enum coalition_ask ask;
	size_t at, cut; /* bit to flip, or where to cut; SIZE_MAX: not */
	bool longer, huge;
} spoil;

static void spoil_answer(struct bench *b, enum coalition_ask ask, struct buf *answer)
{
	if (ask != spoil.ask)
		return;
	if (spoil.at != SIZE_MAX && spoil.at / 8 < answer->len)
		answer->data[spoil.at / 8] ^= (char)(1u << spoil.at % 8);
	if (spoil.cut != SIZE_MAX && spoil.cut < answer->len)
		answer->len = spoil.cut;
	if (spoil.longer)
		buf_char(answer, '\0');
	for (size_t i = 0; spoil.huge && i < answer->len && i < 64; i++)
		answer->data[i] = '\xff';
	b->meddled++;
}

/* A node that lacks something of every kind. Answers to it are spoiled; what it then holds must be
 * a part of the truth, and with good answers it comes to hold all of it. */
static void answers_spoiled(unsigned ask, unsigned steps, unsigned mode)
{
	struct bench b;
	unsigned tried = 0;

	bench_init(&b, 3, 72, true);
	for (unsigned step = 0; step < steps; step++) {
		char text[40];
		uint8_t mine[LEDGER_HASH_LEN], theirs[LEDGER_HASH_LEN];
		struct ledger *from = node_log(&b.nodes[0], &b.nodes[0]), *to;
		uint64_t size;
		struct err ignored;

		snprintf(text, sizeof(text), "%sobject %u", step % 5 == 4 ? "unfit " : "", step);
		node_add(&b.nodes[0], text, BENCH_ALL);
		node_publish(&b.nodes[0]);
		node_add(&b.nodes[1], text, BENCH_ALL);
		node_publish(&b.nodes[1]);
		memset(&spoil, 0, sizeof(spoil));
		spoil.ask = ask;
		spoil.at = spoil.cut = SIZE_MAX;
		if (mode == 0)
			spoil.at = step * 37 % 4096;
		else if (mode == 1)
			spoil.cut = step * 3;
		else if (mode == 2)
			spoil.longer = true;
		else
			spoil.huge = true;
		b.meddle = spoil_answer;
		b.meddled = 0;
		(void)!node_try_meet(&b.nodes[1], 0, &ignored);
		b.meddle = NULL;
		tried += b.meddled;
		to = node_log(&b.nodes[1], &b.nodes[0]);
		size = ledger_size(to);
		assert_true(size <= ledger_size(from));
		MUST(ledger_root(to, size, mine, &e));
		MUST(ledger_root(from, size, theirs, &e));
		assert_memory_equal(mine, theirs, sizeof(mine));
		for (size_t i = 0; i < b.nodes[1].store.count; i++) {
			const struct node_object *o = &b.nodes[1].store.objects[i];

			assert_true(o->own ||
				    slice_find_text(slice_of("object"), SLICE("object")) == 0);
			if (!o->own) {
				char copy[64];

				snprintf(copy, sizeof(copy), "%.*s", (int)o->len, o->content);
				assert_non_null(node_holds(&b.nodes[0], copy));
			}
		}
	}
	bench_rounds(&b, 3);
	assert_int_equal(ledger_size(node_log(&b.nodes[1], &b.nodes[0])),
		ledger_size(node_log(&b.nodes[0], &b.nodes[0])));
	assert_false(b.nodes[1].coalition->forked);
	assert_int_equal(b.nodes[1].coalition->evidence, 0);
	if (ask != COALITION_CONFLICT)
		assert_true(tried > 0);
	bench_fini(&b);
}

static void test_answers_flipped(void **state)
{
	(void)state;
	for (unsigned ask = 0; ask < COALITION_CONFLICT; ask++)
		answers_spoiled(ask, 120, 0);
}

static void test_answers_cut(void **state)
{
	(void)state;
	for (unsigned ask = 0; ask < COALITION_CONFLICT; ask++)
		answers_spoiled(ask, 120, 1);
}

static void test_answers_absurd(void **state)
{
	(void)state;
	for (unsigned ask = 0; ask < COALITION_CONFLICT; ask++) {
		answers_spoiled(ask, 5, 2);
		answers_spoiled(ask, 5, 3);
	}
}

/* ---- files only ------------------------------------------------------------------------------ */

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
 * Not only some of the bits: SERAI_FLIPS=1000000 message_test. */
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

/* ---- leaves and openings, every bit ---------------------------------------------------------- */

/* Leaves in an answer lead to the signed head, or none of them is kept. */
static void test_every_flip_of_leaves(void **state)
{
	struct bench b;
	struct coalition *c;
	struct origin *o;
	struct buf *answer;
	uint64_t count, held;
	const struct offer *offer;

	(void)state;
	bench_behind(&b);
	c = b.nodes[1].coalition;
	o = origin_of_member(c, SLICE("m0"));
	offer = &peer_find(c, SLICE("m0"))->offers[origin_number(c, o)];
	answer = &b.answers[COALITION_LEAVES];
	held = ledger_size(o->log);
	for (size_t i = 0; i < answer->len * 8; i++) {
		answer->data[i / 8] ^= (char)(1u << i % 8);
		if (leaves_take(c, o, &offer->head, buf_slice(answer), &count, NULL) == OK)
			fail_msg("bit %zu of leaves may be flipped", i);
		answer->data[i / 8] ^= (char)(1u << i % 8);
	}
	for (size_t len = 0; len < answer->len; len++)
		assert_int_not_equal(leaves_take(c, o, &offer->head,
					     slice_cut(buf_slice(answer), 0, len), &count, NULL),
			OK);
	assert_int_equal(ledger_size(o->log), held);
	MUST(leaves_take(c, o, &offer->head, buf_slice(answer), &count, &e));
	assert_int_equal(count, 2);
	bench_fini(&b);
}

/* The one opening of an answer: index, salt, length and content, each bit of them. What stands
 * before (epoch, next, how many were withheld) is its giver's word, and opens nothing. */
static void test_every_flip_of_an_opening(void **state)
{
	static const size_t head = 8 + 8 + 4 + 4;
	struct bench b;
	struct coalition *c;
	struct peer *p;
	struct origin *o;
	struct buf request = BUF_INIT, answer = BUF_INIT;
	uint64_t index, before;

	(void)state;
	bench_behind(&b);
	c = b.nodes[1].coalition;
	p = peer_find(c, SLICE("m0"));
	o = origin_of_member(c, SLICE("m0"));
	index = ledger_size(o->log) - 1;
	before = o->opened;
	wire_text(&request, SLICE("m0/log"));
	wire_u8(&request, 0);
	wire_u64(&request, 1); /* the policy in force */
	wire_u32(&request, 1);
	wire_u64(&request, index);
	wire_u64(&request, index + 1);
	MUST(coalition_answer(b.nodes[0].coalition, SLICE("m1"), COALITION_OPENINGS,
		buf_slice(&request), &answer, &e));
	assert_int_equal(answer.len, head + 8 + LEDGER_SALT_LEN + 4 + strlen("second"));
	for (size_t i = (head - 4) * 8; i < answer.len * 8; i++) {
		bool of_index = i >= head * 8 && i < (head + 8) * 8;

		answer.data[i / 8] ^= (char)(1u << i % 8);
		/* Of another leaf, which is here or nowhere, it is passed over. */
		if (openings_answer_take(c, p, o, buf_slice(&answer), NULL) == OK && !of_index)
			fail_msg("bit %zu of an opening may be flipped", i);
		assert_int_equal(o->opened, before);
		p->offers[origin_number(c, o)].asked_to = 0;
		answer.data[i / 8] ^= (char)(1u << i % 8);
	}
	for (size_t len = 0; len < answer.len; len++)
		assert_int_not_equal(
			openings_answer_take(c, p, o, slice_cut(buf_slice(&answer), 0, len), NULL),
			OK);
	assert_null(node_holds(&b.nodes[1], "second"));
	MUST(openings_answer_take(c, p, o, buf_slice(&answer), &e));
	assert_non_null(node_holds(&b.nodes[1], "second"));
	buf_fini(&request);
	buf_fini(&answer);
	bench_fini(&b);
}

/* ---- as many as allowed, and one more -------------------------------------------------------- */

static uint32_t counted[8]; /* in answers of one kind, one after the other */
static enum coalition_ask counted_ask;

static void count_answer(struct bench *b, enum coalition_ask ask, struct buf *answer)
{
	struct reader r = {.rest = buf_slice(answer)};

	if (ask != counted_ask)
		return;
	if (ask == COALITION_OPENINGS)
		read_bytes(&r, 8 + 8 + 4);
	assert_true(b->meddled < COUNT_OF(counted));
	counted[b->meddled++] = read_u32(&r);
}

static void count_begin(struct bench *b, enum coalition_ask ask)
{
	counted_ask = ask;
	b->meddle = count_answer;
	b->meddled = 0;
}

/* What a member knows of node 0's log, without asking for more. */
static const struct signed_head *head_now(struct bench *b, unsigned node)
{
	struct coalition *c = b->nodes[node].coalition;
	struct peer *p = peer_find(c, SLICE("m0"));
	struct buf request = BUF_INIT, answer = BUF_INIT;

	MUST(heads_ask(c, p, &request, &e));
	MUST(coalition_answer(b->nodes[0].coalition, node_name(&b->nodes[node]), COALITION_HEADS,
		buf_slice(&request), &answer, &e));
	MUST(heads_take(c, p, buf_slice(&answer), &e));
	buf_fini(&request);
	buf_fini(&answer);
	return &p->offers[origin_number(c, origin_of_member(c, SLICE("m0")))].head;
}

/* An answer with so many leaves, as an honest member would make it. */
static void leaves_make(
	struct bench *b, uint64_t from, uint64_t count, uint64_t size, struct buf *ret_answer)
{
	struct ledger *log = node_log(&b->nodes[0], &b->nodes[0]);
	struct ledger_path path = {.count = 0};

	MUST(ledger_consistency(log, from + count, size, &path, &e));
	buf_clear(ret_answer);
	wire_u32(ret_answer, (uint32_t)count);
	wire_path(ret_answer, &path);
	MUST(ledger_leaves(log, from, count, ret_answer, &e));
}

static void test_leaves_in_one_answer(void **state)
{
	struct ledger_entry *entries = calloc(LEDGER_BATCH_MAX, sizeof(*entries));
	struct bench b;
	struct buf answer = BUF_INIT;
	const struct signed_head *head;
	struct origin *o;
	uint64_t first, from, count;

	(void)state;
	assert_non_null(entries);
	bench_init(&b, 3, 74, true);
	for (size_t i = 0; i < LEDGER_BATCH_MAX; i++)
		entries[i] = (struct ledger_entry){
			.class = LEDGER_RESTRICTED, .time_us = b.now_us, .content = SLICE("kept")};
	for (size_t left = COALITION_LEAVES_MAX; left > 0; left -= (size_t)count) {
		count = left < LEDGER_BATCH_MAX ? left : LEDGER_BATCH_MAX;
		MUST(ledger_append(
			node_log(&b.nodes[0], &b.nodes[0]), entries, count, NULL, &first, &e));
	}
	node_add(&b.nodes[0], "one more", BENCH_ALL);
	node_publish(&b.nodes[0]);
	/* Asked for all: as many as allowed, then the rest. */
	count_begin(&b, COALITION_LEAVES);
	node_meet(&b.nodes[1], 0);
	assert_int_equal(b.meddled, 2);
	assert_int_equal(counted[0], COALITION_LEAVES_MAX);
	assert_int_equal(counted[1], 1);
	assert_non_null(node_holds(&b.nodes[1], "one more"));
	/* Who gives one more than that, true as it is, has it refused. */
	b.meddle = NULL;
	o = origin_of_member(b.nodes[2].coalition, SLICE("m0"));
	head = head_now(&b, 2);
	from = ledger_size(o->log);
	assert_int_equal(head->size, from + COALITION_LEAVES_MAX + 1);
	leaves_make(&b, from, COALITION_LEAVES_MAX + 1, head->size, &answer);
	REFUSED(ERR_PARSE,
		leaves_take(b.nodes[2].coalition, o, head, buf_slice(&answer), &count, &e));
	assert_int_equal(ledger_size(o->log), from);
	leaves_make(&b, from, COALITION_LEAVES_MAX, head->size, &answer);
	MUST(leaves_take(b.nodes[2].coalition, o, head, buf_slice(&answer), &count, &e));
	assert_int_equal(count, COALITION_LEAVES_MAX);
	free(entries);
	buf_fini(&answer);
	bench_fini(&b);
}

/* As many in an hour as one origin may send, and one more; in the next hour all is well again. */
static void test_leaves_in_an_hour(void **state)
{
	struct bench b;
	struct coalition *c;
	struct origin *o;
	struct buf answer = BUF_INIT;
	const struct signed_head *head;
	uint64_t count, from, began;

	(void)state;
	bench_init(&b, 3, 75, true);
	c = b.nodes[2].coalition;
	o = origin_of_member(c, SLICE("m0"));
	for (unsigned i = 0; i < 3; i++)
		node_add(&b.nodes[0], "an object", BENCH_ALL);
	node_publish(&b.nodes[0]);
	head = head_now(&b, 2);
	from = ledger_size(o->log);
	assert_int_equal(head->size, from + 3);
	began = o->hour_leaves;
	assert_true(began < 1000);
	leaves_make(&b, from, 2, head->size, &answer);
	o->hour_leaves = COALITION_HOURLY_MAX - 1;
	REFUSED(ERR_LIMIT, leaves_take(c, o, head, buf_slice(&answer), &count, &e));
	assert_int_equal(ledger_size(o->log), from);
	assert_int_equal(o->hour_leaves, COALITION_HOURLY_MAX - 1); /* counted when they are kept */
	o->hour_leaves = COALITION_HOURLY_MAX - 2;
	MUST(leaves_take(c, o, head, buf_slice(&answer), &count, &e));
	assert_int_equal(count, 2);
	assert_int_equal(o->hour_leaves, COALITION_HOURLY_MAX);
	leaves_make(&b, from + 2, 1, head->size, &answer);
	REFUSED(ERR_LIMIT, leaves_take(c, o, head, buf_slice(&answer), &count, &e));
	b.now_us = o->hour_us + 3600 * US_PER_SECOND - 1;
	REFUSED(ERR_LIMIT, leaves_take(c, o, head, buf_slice(&answer), &count, &e));
	b.now_us++;
	MUST(leaves_take(c, o, head, buf_slice(&answer), &count, &e));
	assert_int_equal(o->hour_leaves, 1);
	buf_fini(&answer);
	bench_fini(&b);
}

/* Openings of all of node 0's objects, in one answer, however many. */
static void openings_make(struct bench *b, uint64_t from, uint32_t count, struct buf *ret_answer)
{
	struct coalition *c = b->nodes[0].coalition;
	uint64_t next, withheld = 0;
	size_t given = 0;
	struct buf openings = BUF_INIT;

	MUST(openings_give(c, c->own, SLICE("m2"), from, from + count, false, count, SIZE_MAX,
		&openings, &next, &given, &withheld, &e));
	assert_int_equal(given, count);
	buf_clear(ret_answer);
	wire_u64(ret_answer, 1);
	wire_u64(ret_answer, next);
	wire_u32(ret_answer, 0);
	wire_u32(ret_answer, count);
	buf_slice_append(ret_answer, buf_slice(&openings));
	buf_fini(&openings);
}

static void openings_refused(struct bench *b, struct slice answer)
{
	struct coalition *c = b->nodes[2].coalition;
	struct origin *o = origin_of_member(c, SLICE("m0"));
	struct coalition_imported imported = {0};
	struct buf record = BUF_INIT;

	REFUSED(ERR_PARSE, openings_answer_take(c, peer_find(c, SLICE("m0")), o, answer, &e));
	wire_u8(&record, 4); /* the same in a file */
	wire_text(&record, SLICE("m0/log"));
	buf_slice_append(&record, answer);
	REFUSED(ERR_PARSE, bundle_record_take(c, SLICE("m0"), buf_slice(&record), &imported, &e));
	assert_int_equal(imported.openings, 0);
	buf_fini(&record);
}

static void no_openings(struct bench *b, enum coalition_ask ask, struct buf *answer)
{
	if (ask == COALITION_OPENINGS)
		answer->len = 0;
	b->meddled++;
}

static void test_openings_in_one_answer(void **state)
{
	struct bench b;
	struct coalition *c;
	struct origin *o;
	struct buf answer = BUF_INIT;
	uint64_t from, before;
	struct err ignored;

	(void)state;
	bench_init(&b, 3, 76, true);
	from = ledger_size(node_log(&b.nodes[0], &b.nodes[0]));
	for (unsigned i = 0; i <= COALITION_OPENINGS_MAX; i++) {
		char text[32];

		snprintf(text, sizeof(text), "object %u", i);
		node_add(&b.nodes[0], text, BENCH_ALL);
	}
	node_publish(&b.nodes[0]);
	count_begin(&b, COALITION_OPENINGS);
	node_meet(&b.nodes[1], 0);
	assert_int_equal(b.meddled, 2);
	assert_int_equal(counted[0], COALITION_OPENINGS_MAX);
	assert_int_equal(counted[1], 1);
	/* Who gives one more than that has all of them refused. */
	b.meddle = no_openings;
	(void)!node_try_meet(&b.nodes[2], 0, &ignored);
	b.meddle = NULL;
	c = b.nodes[2].coalition;
	o = origin_of_member(c, SLICE("m0"));
	assert_int_equal(ledger_size(o->log), from + COALITION_OPENINGS_MAX + 1);
	before = o->opened;
	openings_make(&b, from, COALITION_OPENINGS_MAX + 1, &answer);
	openings_refused(&b, buf_slice(&answer));
	assert_int_equal(o->opened, before);
	openings_make(&b, from, COALITION_OPENINGS_MAX, &answer);
	MUST(openings_answer_take(c, peer_find(c, SLICE("m0")), o, buf_slice(&answer), &e));
	assert_int_equal(o->opened, before + COALITION_OPENINGS_MAX);
	buf_fini(&answer);
	bench_fini(&b);
}

/* ---- add-checkpoint: anybody brings a member's checkpoint (c2sp.org/tlog-witness) ------------ */

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

/* ---- one flipped bit on a disk --------------------------------------------------------------- */

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
		cmocka_unit_test(test_requests_damaged),
		cmocka_unit_test(test_requests_absurd),
		cmocka_unit_test(test_answers_flipped),
		cmocka_unit_test(test_answers_cut),
		cmocka_unit_test(test_answers_absurd),
		cmocka_unit_test(test_files_in_any_order),
		cmocka_unit_test(test_files_cut_and_flipped),
		cmocka_unit_test(test_small_file_cut_and_flipped),
		cmocka_unit_test(test_every_flip_of_leaves),
		cmocka_unit_test(test_every_flip_of_an_opening),
		cmocka_unit_test(test_leaves_in_one_answer),
		cmocka_unit_test(test_leaves_in_an_hour),
		cmocka_unit_test(test_openings_in_one_answer),
		cmocka_unit_test(test_add_checkpoint),
		cmocka_unit_test(test_bit_flipped_on_disk),
		cmocka_unit_test(test_bits_that_read_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
