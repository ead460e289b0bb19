/* SPDX-License-Identifier: MPL-2.0 */
/* As many leaves and openings at once, and in an hour, as are allowed; and one more. */
#include "coalition_testing.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaves_in_one_answer),
		cmocka_unit_test(test_leaves_in_an_hour),
		cmocka_unit_test(test_openings_in_one_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
