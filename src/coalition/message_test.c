/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What travels: requests and answers of every kind cut, flipped and blown up; every bit of leaves
 * and of an opening.
 */
#include "coalition_testing.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_damaged),
		cmocka_unit_test(test_requests_absurd),
		cmocka_unit_test(test_answers_flipped),
		cmocka_unit_test(test_answers_cut),
		cmocka_unit_test(test_answers_absurd),
		cmocka_unit_test(test_every_flip_of_leaves),
		cmocka_unit_test(test_every_flip_of_an_opening),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
