/* SPDX-License-Identifier: MPL-2.0 */
/* A log of another's: taken answer by answer, each verified. */
#include "log_testing.h"

static struct ledger *mirror_open(struct bench *b)
{
	struct ledger_options o = {.disk = &b->disk,
		.folder = "mirrors/a",
		.origin = SLICE(ORIGIN),
		.world = &b->world.world};
	struct ledger *m;

	MUST(ledger_open(&o, &m, &e));
	return m;
}

static struct note_checkpoint checkpoint_at(struct ledger *log, uint64_t size)
{
	struct note_checkpoint c = {.origin = ledger_origin(log), .size = size};

	MUST(ledger_root(log, size, c.root, &e));
	return c;
}

/* Answers of any length, each verified against the newest checkpoint, with a crash between all. */
static void mirror_follows_answer_by_answer(void **state)
{
	enum { LEAVES = 1000 };
	static const uint64_t answers[] = {1, 2, 253, 256, 488};
	struct note_checkpoint c;
	struct ledger_path path;
	struct bench b;
	struct ledger *m;
	uint64_t from = 0;
	uint8_t root[HASH_LEN];

	(void)state;
	bench_init(&b, 7);
	MUST(bench_append(&b, LEAVES, &e));
	c = checkpoint_at(b.log, LEAVES);
	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		struct buf leaves = BUF_INIT;

		m = mirror_open(&b);
		assert_int_equal(ledger_size(m), from);
		MUST(ledger_leaves(b.log, from, answers[i], &leaves, &e));
		MUST(ledger_consistency(b.log, from + answers[i], LEAVES, &path, &e));
		MUST(ledger_mirror(m, from, buf_slice(&leaves), &path, &c, &e));
		from += answers[i];
		assert_int_equal(
			ledger_mirror(m, from - 1, buf_slice(&leaves), &path, &c, NULL), ERR_USAGE);
		buf_fini(&leaves);
		ledger_close(m);
		ledger_disk_fake_crash(b.fake);
	}
	m = mirror_open(&b);
	MUST(ledger_root(m, LEAVES, root, &e));
	assert_memory_equal(root, c.root, HASH_LEN);
	MUST(ledger_verify(m, NULL, NULL, &e));
	ledger_close(m);
	bench_fini(&b);
}

static void mirror_refuses_what_was_not_signed(void **state)
{
	struct note_checkpoint c, other;
	struct ledger_path none = {.count = 0}, path;
	struct buf leaves = BUF_INIT;
	struct ledger *m;
	struct bench b;

	(void)state;
	bench_init(&b, 8);
	MUST(bench_append(&b, 20, &e));
	c = checkpoint_at(b.log, 20);
	m = mirror_open(&b);
	MUST(ledger_leaves(b.log, 0, 20, &leaves, &e));
	for (size_t bit = 0; bit < leaves.len * 8; bit += 5) {
		enum err_kind kind;

		leaves.data[bit / 8] ^= (char)(1 << bit % 8);
		kind = ledger_mirror(m, 0, buf_slice(&leaves), &none, &c, NULL);
		assert_true(kind == ERR_INVALID || kind == ERR_PARSE);
		leaves.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t len = 0; len < leaves.len; len++)
		assert_int_not_equal(
			ledger_mirror(m, 0, slice_cut(buf_slice(&leaves), 0, len), &none, &c, NULL),
			OK);
	other = c;
	other.origin = SLICE("b.example/log");
	assert_int_equal(ledger_mirror(m, 0, buf_slice(&leaves), &none, &other, NULL), ERR_INVALID);
	other = c;
	other.size = 19;
	assert_int_equal(ledger_mirror(m, 0, buf_slice(&leaves), &none, &other, NULL), ERR_INVALID);
	other.size = LEDGER_SIZE_MAX + 1;
	assert_int_equal(ledger_mirror(m, 0, buf_slice(&leaves), &none, &other, NULL), ERR_INVALID);
	/* the proof of another stretch */
	MUST(ledger_consistency(b.log, 9, 20, &path, &e));
	assert_int_equal(
		ledger_mirror(m, 0, slice_cut(buf_slice(&leaves), 0, 480), &path, &c, NULL),
		ERR_INVALID);
	assert_int_equal(ledger_size(m), 0);
	MUST(ledger_mirror(m, 0, buf_slice(&leaves), &none, &c, &e));
	assert_int_equal(ledger_size(m), 20);
	buf_fini(&leaves);
	ledger_close(m);
	bench_fini(&b);
}

/* ---- openings -------------------------------------------------------------------------------- */

/* The openings of the log's own entries, into a mirror. */
static void openings_reach_a_mirror(void **state)
{
	enum { LEAVES = 200 };
	struct ledger_path none = {.count = 0};
	struct ledger_place places[LEAVES];
	struct buf leaves = BUF_INIT, content = BUF_INIT;
	struct note_checkpoint c;
	uint8_t salt[LEDGER_SALT_LEN];
	struct ledger *m;
	struct bench b;
	char room[256];

	(void)state;
	bench_init(&b, 9);
	MUST(bench_append(&b, LEAVES, &e));
	c = checkpoint_at(b.log, LEAVES);
	m = mirror_open(&b);
	MUST(ledger_leaves(b.log, 0, LEAVES, &leaves, &e));
	MUST(ledger_mirror(m, 0, buf_slice(&leaves), &none, &c, &e));
	MUST(ledger_opening_get(m, 17, salt, places, &content, &e));
	assert_int_equal(places[0].where, LEDGER_NOWHERE);
	MUST(ledger_openings_put(m, NULL, NULL, 0, &e));
	for (uint64_t i = 1; i < LEAVES; i += 2) { /* the odd ones are for us */
		struct ledger_opening o = {.index = i, .content = content_of(i, room)};
		uint64_t serial = i % 4 == 1 ? 0 : i;

		MUST(ledger_opening_get(b.log, i, o.salt, places, NULL, &e));
		MUST(ledger_opening_check(m, &o, &e));
		MUST(ledger_openings_put(m, &o, &serial, 1, &e));
		MUST(ledger_openings_put(m, &o, &serial, 1, &e)); /* doubled */
		o.salt[i % 32] ^= 4;
		assert_int_equal(ledger_opening_check(m, &o, NULL), ERR_INVALID);
	}
	ledger_close(m);
	ledger_disk_fake_crash(b.fake);
	m = mirror_open(&b);
	MUST(ledger_places(m, 0, LEAVES, places, &e));
	for (uint64_t i = 0; i < LEAVES; i++) {
		enum ledger_where want = i % 2 == 0   ? LEDGER_NOWHERE
					 : i % 4 == 1 ? LEDGER_HELD
						      : LEDGER_STORED;

		assert_int_equal(places[i].where, want);
		if (want != LEDGER_HELD)
			continue;
		buf_clear(&content);
		MUST(ledger_opening_get(m, i, salt, places, &content, &e));
		assert_true(slice_equal(buf_slice(&content), content_of(i, room)));
	}
	MUST(ledger_verify(m, NULL, NULL, &e));
	buf_fini(&content);
	buf_fini(&leaves);
	ledger_close(m);
	bench_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mirror_follows_answer_by_answer),
		cmocka_unit_test(mirror_refuses_what_was_not_signed),
		cmocka_unit_test(openings_reach_a_mirror),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
