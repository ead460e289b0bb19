/* SPDX-License-Identifier: MPL-2.0 */
#include "log_testing.h"

#include <pthread.h>

/* ---- appending and reading ------------------------------------------------------------------- */

static void what_was_appended_is_there_after_opening_again(void **state)
{
	static const size_t batches[] = {1, 1, 2, 255, 1, 256, 300, 4096};
	struct bench b;
	uint8_t root[HASH_LEN], again[HASH_LEN];

	(void)state;
	bench_init(&b, 1);
	assert_int_equal(ledger_size(b.log), 0);
	assert_int_equal(ledger_note(b.log), 0);
	for (size_t i = 0; i < COUNT_OF(batches); i++) {
		MUST(bench_append(&b, batches[i], &e));
		assert_int_equal(ledger_size(b.log), b.written);
		assert_int_equal(ledger_note(b.log), b.written);
		MUST(ledger_root(b.log, b.written, root, &e));
		ledger_close(b.log);
		bench_open(&b);
		assert_int_equal(ledger_size(b.log), b.written);
		assert_int_equal(ledger_note(b.log), b.written);
		MUST(ledger_root(b.log, b.written, again, &e));
		assert_memory_equal(root, again, HASH_LEN);
	}
	assert_true(slice_is(ledger_origin(b.log), ORIGIN));
	for (uint64_t i = 0; i < b.written; i++)
		entry_is(b.log, i);
	MUST(ledger_verify(b.log, NULL, NULL, &e));
	bench_fini(&b);
}

/* Every root, inclusion and consistency of every size, against the tree built anew. */
static void proofs_from_stored_hashes_verify_for_every_size(void **state)
{
	enum { LEAVES = 600, STEP = 7 };
	static uint8_t roots[LEAVES + 1][HASH_LEN], hashes[LEAVES][HASH_LEN];
	struct ledger_edge edge = {0};
	struct buf leaves = BUF_INIT;
	struct ledger_path path;
	struct bench b;

	(void)state;
	bench_init(&b, 2);
	MUST(bench_append(&b, LEAVES, &e));
	MUST(ledger_leaves(b.log, 0, LEAVES, &leaves, &e));
	for (size_t i = 0; i < LEAVES; i++) {
		ledger_edge_root(&edge, roots[i]);
		ledger_hash_leaf(slice_cut(buf_slice(&leaves), i * 48, i * 48 + 48), hashes[i]);
		ledger_edge_add(&edge, hashes[i]);
	}
	ledger_edge_root(&edge, roots[LEAVES]);
	for (uint64_t n = 0; n <= LEAVES; n++) {
		uint8_t root[HASH_LEN];

		MUST(ledger_root(b.log, n, root, &e));
		assert_memory_equal(root, roots[n], HASH_LEN);
		for (uint64_t m = n % STEP; m < n; m += STEP) {
			MUST(ledger_inclusion(b.log, m, n, &path, &e));
			assert_true(ledger_inclusion_verify(m, n, &path, hashes[m], roots[n]));
			MUST(ledger_consistency(b.log, m, n, &path, &e));
			assert_true(ledger_consistency_verify(m, n, &path, roots[m], roots[n]));
		}
		MUST(ledger_consistency(b.log, n, n, &path, &e));
		assert_int_equal(path.count, 0);
		MUST(ledger_recheck(b.log, n / 2, n, roots[n], &e));
	}
	assert_int_equal(ledger_recheck(b.log, 0, LEAVES, roots[LEAVES - 1], NULL), ERR_CORRUPT);
	buf_fini(&leaves);
	bench_fini(&b);
}

static void what_is_not_there_is_a_wrong_question(void **state)
{
	uint8_t hash[HASH_LEN] = {0};
	struct ledger_opening o = {.index = 3};
	struct ledger_place places[4];
	struct ledger_path path;
	struct ledger_leaf leaf;
	struct buf out = BUF_INIT;
	struct bench b;
	uint64_t serial = 0;
	bool found;

	(void)state;
	bench_init(&b, 3);
	MUST(bench_append(&b, 3, &e));
	assert_int_equal(ledger_root(b.log, 4, hash, NULL), ERR_USAGE);
	assert_int_equal(ledger_leaf_get(b.log, 3, &leaf, NULL), ERR_USAGE);
	assert_int_equal(ledger_leaves(b.log, 0, 4, &out, NULL), ERR_USAGE);
	assert_int_equal(ledger_leaves(b.log, 4, 0, &out, NULL), ERR_USAGE);
	assert_int_equal(ledger_leaves(b.log, 1, UINT64_MAX, &out, NULL), ERR_USAGE);
	assert_int_equal(ledger_inclusion(b.log, 3, 3, &path, NULL), ERR_USAGE);
	assert_int_equal(ledger_inclusion(b.log, 0, 4, &path, NULL), ERR_USAGE);
	assert_int_equal(ledger_consistency(b.log, 1, 4, &path, NULL), ERR_USAGE);
	assert_int_equal(ledger_consistency(b.log, 3, 2, &path, NULL), ERR_USAGE);
	assert_int_equal(ledger_recheck(b.log, 0, 4, hash, NULL), ERR_USAGE);
	assert_int_equal(ledger_recheck(b.log, 3, 2, hash, NULL), ERR_USAGE);
	assert_int_equal(ledger_opening_check(b.log, &o, NULL), ERR_USAGE);
	assert_int_equal(ledger_openings_put(b.log, &o, &serial, 1, NULL), ERR_USAGE);
	assert_int_equal(ledger_erase(b.log, 3, NULL), ERR_USAGE);
	assert_int_equal(ledger_erase_many(b.log, (const uint64_t[]){0, 3}, 2, NULL), ERR_USAGE);
	assert_int_equal(ledger_places(b.log, 0, 4, places, NULL), ERR_USAGE);
	assert_int_equal(ledger_opening_get(b.log, 3, hash, places, NULL, NULL), ERR_USAGE);
	assert_int_equal(ledger_tile_get(b.log, 4, 0, 0, 1, &out, &found, NULL), ERR_USAGE);
	assert_int_equal(out.len, 0);
	buf_fini(&out);
	bench_fini(&b);
}

static void entries_that_do_not_fit_are_refused_whole(void **state)
{
	static char big[LEDGER_CONTENT_MAX + 1];
	static struct ledger_entry many[LEDGER_BATCH_MAX + 1];
	struct ledger_entry entry = {.class = LEDGER_COALITION, .time_us = NOW};
	struct bench b;
	uint64_t first;

	(void)state;
	bench_init(&b, 4);
	assert_int_equal(ledger_append(b.log, &entry, 0, NULL, &first, NULL), ERR_USAGE);
	assert_int_equal(ledger_append(b.log, many, COUNT_OF(many), NULL, &first, NULL), ERR_USAGE);
	entry.class = LEDGER_CLASSES;
	assert_int_equal(ledger_append(b.log, &entry, 1, NULL, &first, NULL), ERR_USAGE);
	entry.class = LEDGER_COALITION;
	entry.time_us = -1;
	assert_int_equal(ledger_append(b.log, &entry, 1, NULL, &first, NULL), ERR_USAGE);
	entry.time_us = 0;
	entry.content = slice_of_bytes(big, sizeof(big));
	assert_int_equal(ledger_append(b.log, &entry, 1, NULL, &first, NULL), ERR_LIMIT);
	entry.content.len--;
	MUST(ledger_append(b.log, &entry, 1, NULL, &first, &e));
	MUST(ledger_append(b.log, many, LEDGER_BATCH_MAX, NULL, &first, &e));
	assert_int_equal(first, 1);
	assert_int_equal(ledger_size(b.log), 1 + LEDGER_BATCH_MAX);
	bench_fini(&b);
}

static void a_log_has_one_name(void **state)
{
	struct ledger_options o;
	struct ledger *other;
	struct bench b;
	char long_name[NOTE_NAME_MAX + 1];

	(void)state;
	memset(long_name, 'n', sizeof(long_name));
	bench_init(&b, 5);
	o = (struct ledger_options){.disk = &b.disk, .folder = "logs/a", .world = &b.world.world};
	assert_int_equal(ledger_open(&o, &other, NULL), ERR_USAGE); /* nothing is there yet */
	MUST(bench_append(&b, 1, &e));
	MUST(ledger_open(&o, &other, &e));
	assert_true(slice_is(ledger_origin(other), ORIGIN));
	ledger_close(other);
	o.origin = SLICE("b.example/log");
	assert_int_equal(ledger_open(&o, &other, NULL), ERR_CONFLICT);
	o.folder = "logs/b";
	o.origin = SLICE("two\nlines");
	assert_int_equal(ledger_open(&o, &other, NULL), ERR_USAGE);
	o.origin = slice_of_bytes(long_name, sizeof(long_name));
	assert_int_equal(ledger_open(&o, &other, NULL), ERR_USAGE);
	o.origin.len--;
	MUST(ledger_open(&o, &other, &e));
	ledger_close(other);
	bench_fini(&b);
}

/* ---- threads --------------------------------------------------------------------------------- */

struct writer {
	struct bench *b;
	uint64_t number;
	unsigned count;
	uint64_t *seen; /* which writer has which index */
};

static void *writer_run(void *context)
{
	struct writer *w = context;

	for (unsigned i = 0; i < w->count; i++) {
		char room[64];
		int len = snprintf(room, sizeof(room), "%llu/%u", (unsigned long long)w->number, i);
		struct ledger_entry entries[2] = {
			{.class = LEDGER_COALITION,
                         .time_us = (int64_t)w->number,
                         .content = {room, (size_t)len}                                       },
			{.class = LEDGER_COALITION, .time_us = (int64_t)w->number, .serial = 1}
                };
		size_t count = 1 + i % 2;
		uint64_t first;

		if (ledger_append(w->b->log, entries, count, NULL, &first, NULL) != OK)
			return NULL;
		if (first + count > ledger_size(w->b->log)) /* acknowledged, so it counts */
			return NULL;
		for (size_t k = 0; k < count; k++)
			w->seen[first + k] = w->number;
	}
	return w;
}

static void threads_share_syncs_and_each_has_its_own(void **state)
{
	enum { WRITERS = 8, EACH = 60, ALL = WRITERS * EACH * 3 / 2 };
	static uint64_t seen[ALL];
	struct writer writers[WRITERS];
	pthread_t threads[WRITERS];
	struct bench b;
	uint64_t calls;

	(void)state;
	bench_init(&b, 6);
	ledger_disk_fake_fail_at(b.fake, 0);
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){&b, i + 1, EACH, seen};
		assert_int_equal(pthread_create(&threads[i], NULL, writer_run, &writers[i]), 0);
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		void *ret;

		assert_int_equal(pthread_join(threads[i], &ret), 0);
		assert_non_null(ret);
	}
	calls = ledger_disk_fake_calls(b.fake);
	print_message("%d appends in %llu calls of the disk\n", WRITERS * EACH,
		(unsigned long long)calls);
	assert_int_equal(ledger_size(b.log), ALL);
	for (uint64_t i = 0; i < ALL; i++) {
		struct ledger_leaf leaf;

		MUST(ledger_leaf_get(b.log, i, &leaf, &e));
		assert_int_equal(leaf.time_us, seen[i]);
	}
	MUST(ledger_verify(b.log, NULL, NULL, &e));
	bench_fini(&b);
}

/* ---- the state ------------------------------------------------------------------------------- */

static void a_damaged_slot_is_made_up_for_by_the_other(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 10);
	MUST(bench_append(&b, 10, &e));
	MUST(bench_append(&b, JOURNAL_ENTRIES_MAX + 1, &e)); /* nothing is left to the journal */
	ledger_close(b.log);
	for (uint64_t bit = 0; bit < STATE_SLOT_BYTES * 8; bit += 3) {
		for (unsigned slot = 0; slot < 2; slot++) {
			uint64_t at = slot * STATE_SLOT_OFFSET * 8 + bit;

			assert_true(ledger_disk_fake_flip(b.fake, "logs/a/state", at));
			bench_open(&b);
			assert_int_equal(ledger_size(b.log), b.written);
			assert_int_equal(ledger_verify(b.log, NULL, NULL, NULL), ERR_CORRUPT);
			ledger_close(b.log);
			assert_true(ledger_disk_fake_flip(b.fake, "logs/a/state", at));
		}
	}
	/* Both: what was acknowledged is not to be found, and must not be taken for a new log. */
	assert_true(ledger_disk_fake_flip(b.fake, "logs/a/state", 8 * 20));
	assert_true(ledger_disk_fake_flip(b.fake, "logs/a/state", 8 * (STATE_SLOT_OFFSET + 20)));
	b.log = NULL;
	assert_int_equal(bench_try_open(&b, NULL), ERR_CORRUPT);
	bench_fini(&b);
}

static void files_that_are_too_short_are_told(void **state)
{
	static const char *const names[] = {
		"logs/a/entries", "logs/a/hashes.0", "logs/a/hashes.1", "logs/a/contents"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct bench b;
		uint64_t bytes;
		struct err why;

		bench_init(&b, 11);
		MUST(bench_append(&b, 300, &e));
		ledger_close(b.log);
		b.log = NULL;
		MUST(b.disk.size(b.fake, names[i], &bytes, &e));
		assert_int_not_equal(bytes, 0);
		MUST(b.disk.truncate(b.fake, names[i], bytes - 1, &e));
		assert_int_equal(bench_try_open(&b, &why), ERR_CORRUPT);
		assert_non_null(strstr(why.text, names[i] + sizeof("logs/a/") - 1));
		bench_fini(&b);
	}
}

static void fault_add(void *context, const char *text)
{
	buf_printf(context, "%s\n", text);
}

/* ---- crashes --------------------------------------------------------------------------------- */

struct memory { /* of what was acknowledged */
	uint64_t size;
	bool erased, erased_many;
	bool checkpoint;
};

#define ERASED_LEAF 4
/* Contents here and in a store, side by side and in other blocks of the disk, one of them twice. */
static const uint64_t erased_leaves[] = {301, 9, 7, 8, 300, 299, 33, 9};

static bool is_erased_leaf(uint64_t index)
{
	for (size_t i = 0; i < COUNT_OF(erased_leaves); i++)
		if (erased_leaves[i] == index)
			return true;
	return false;
}

/* Some of everything. Stops at the first failure; remembers what was acknowledged. */
static void scenario(struct bench *b, struct memory *m)
{
	static const size_t batches[] = {3, 1, 252, 1, 260};
	struct ledger_opening o = {.index = 1};
	uint64_t serial = 77;
	char room[256];
	struct ledger_place place;

	for (size_t i = 0; i < COUNT_OF(batches); i++) {
		if (bench_append(b, batches[i], NULL) != OK)
			return;
		m->size = b->written;
	}
	if (ledger_opening_get(b->log, 1, o.salt, &place, NULL, NULL) != OK)
		return;
	o.content = content_of(1, room);
	if (ledger_openings_put(b->log, &o, &serial, 1, NULL) != OK)
		return;
	if (ledger_erase(b->log, ERASED_LEAF, NULL) != OK)
		return;
	m->erased = true;
	if (ledger_erase_many(b->log, erased_leaves, COUNT_OF(erased_leaves), NULL) != OK)
		return;
	m->erased_many = true;
	if (bench_append(b, 5, NULL) == OK)
		m->size = b->written;
}

/* After the crash: what was acknowledged is there, all that is there fits, and it goes on. */
static void survived(struct bench *b, const struct memory *m)
{
	struct buf faults = BUF_INIT;
	struct slice rest, line;
	uint64_t size, erased[1 + COUNT_OF(erased_leaves)];
	size_t erased_count = 0;

	bench_open(b);
	size = ledger_size(b->log);
	if (size < m->size)
		fail_msg("%llu leaves, acknowledged were %llu", (unsigned long long)size,
			(unsigned long long)m->size);
	assert_int_equal(ledger_note(b->log), size);
	for (uint64_t i = 0; i < size; i++) {
		struct ledger_place place;
		uint8_t salt[LEDGER_SALT_LEN];

		/* being erased: any step of it, but never another content */
		if (i == ERASED_LEAF || is_erased_leaf(i)) {
			MUST(ledger_opening_get(b->log, i, salt, &place, NULL, &e));
			assert_true(place.where == LEDGER_ERASED ||
				    !(i == ERASED_LEAF ? m->erased : m->erased_many));
			if (place.where == LEDGER_ERASED) {
				erased[erased_count++] = i;
				continue;
			}
		}
		if (i == 1) /* being put elsewhere */
			continue;
		entry_is(b->log, i);
	}
	MUST(ledger_erase_many(b->log, erased, erased_count, &e));
	/* Only a copy of the state may be behind, and the next append makes it whole. */
	if (ledger_verify(b->log, fault_add, &faults, NULL) == OK)
		assert_int_equal(faults.len, 0);
	rest = buf_slice(&faults);
	while (slice_next(&rest, '\n', &line)) {
		if (line.len != 0 && !slice_starts(line, SLICE("\"state\": slot")))
			fail_msg("%.*s", SLICE_ARG(line));
	}
	buf_fini(&faults);
	b->written = size;
	MUST(bench_append(b, 300, &e));
	MUST(ledger_verify(b->log, NULL, NULL, &e));
}

/* The disk fails at every call in turn; then power is lost, with several outcomes each. */
static void a_crash_at_every_call_loses_nothing_acknowledged(void **state)
{
	enum { OUTCOMES = 6 };
	uint64_t calls;
	struct memory m = {0};
	struct bench b;

	(void)state;
	bench_init(&b, 12);
	ledger_disk_fake_fail_at(b.fake, 0);
	scenario(&b, &m);
	calls = ledger_disk_fake_calls(b.fake);
	assert_int_equal(m.size, 522);
	assert_true(m.erased && m.erased_many);
	bench_fini(&b);
	for (uint64_t at = 1; at <= calls; at++) {
		for (uint64_t seed = 0; seed < OUTCOMES; seed++) {
			bench_init(&b, 100 + at * OUTCOMES + seed);
			ledger_disk_fake_fail_at(b.fake, at);
			m = (struct memory){0};
			scenario(&b, &m);
			ledger_close(b.log);
			b.log = NULL;
			ledger_disk_fake_crash(b.fake);
			survived(&b, &m);
			bench_fini(&b);
		}
	}
	print_message("%llu calls, %d outcomes each\n", (unsigned long long)calls, OUTCOMES);
}

static struct {
	enum err_kind (*sync)(void *context, const char *path, struct err *e);
	unsigned count;
} syncs;

static enum err_kind sync_count(void *context, const char *path, struct err *e)
{
	syncs.count++;
	return syncs.sync(context, path, e);
}

/* Any number of leaves costs the syncs of one; what is there already is no work at all. */
static void many_are_erased_with_the_syncs_of_one(void **state)
{
	enum { LEAVES = 600 };
	uint64_t all[LEAVES], calls;
	unsigned one;
	struct ledger_place place;
	uint8_t salt[LEDGER_SALT_LEN];
	struct bench b;

	(void)state;
	bench_init(&b, 16);
	MUST(bench_append(&b, LEAVES, &e));
	for (uint64_t i = 0; i < LEAVES; i++)
		all[i] = LEAVES - 1 - i;
	/* one is refused: none is erased */
	all[5] = LEAVES;
	assert_int_equal(ledger_erase_many(b.log, all, LEAVES, NULL), ERR_USAGE);
	all[5] = LEAVES - 6;
	for (uint64_t i = 0; i < LEAVES; i++)
		entry_is(b.log, i);
	MUST(ledger_erase_many(b.log, all, 0, &e));
	entry_is(b.log, 0);
	syncs.sync = b.log->disk.sync;
	b.log->disk.sync = sync_count;
	/* some is in a store, some here: all files wait for a sync */
	MUST(bench_append(&b, 3, &e));
	syncs.count = 0;
	MUST(ledger_erase(b.log, 1, &e));
	one = syncs.count;
	/* some is in a store, some here: all files wait for a sync */
	MUST(bench_append(&b, 3, &e));
	syncs.count = 0;
	MUST(ledger_erase_many(b.log, all, LEAVES, &e));
	assert_in_range(syncs.count, 5, one);
	for (uint64_t i = 0; i < LEAVES; i++) {
		MUST(ledger_opening_get(b.log, i, salt, &place, NULL, &e));
		assert_int_equal(place.where, LEDGER_ERASED);
	}
	MUST(ledger_verify(b.log, NULL, NULL, &e));
	calls = ledger_disk_fake_calls(b.fake);
	MUST(ledger_erase_many(b.log, all, LEAVES, &e));
	assert_int_equal(ledger_disk_fake_calls(b.fake), calls);
	bench_fini(&b);
}

/* A sync fails, and the process lives: what reads as erased is written once more. */
static void what_a_failure_left_half_erased_is_done_again(void **state)
{
	enum { OUTCOMES = 8 };
	uint64_t failed = 0;
	bool whole = false;

	(void)state;
	for (uint64_t at = 1; !whole; at++) {
		for (uint64_t seed = 0; seed < OUTCOMES; seed++) {
			struct buf faults = BUF_INIT;
			struct bench b;

			bench_init(&b, 5000 + at * OUTCOMES + seed);
			MUST(bench_append(&b, 400, &e));
			ledger_disk_fake_fail_at(b.fake, at);
			whole = ledger_erase_many(
					b.log, erased_leaves, COUNT_OF(erased_leaves), NULL) == OK;
			failed += !whole;
			ledger_disk_fake_fail_at(b.fake, 0);
			MUST(ledger_erase_many(b.log, erased_leaves, COUNT_OF(erased_leaves), &e));
			ledger_close(b.log);
			b.log = NULL;
			ledger_disk_fake_crash(b.fake);
			bench_open(&b);
			if (ledger_verify(b.log, fault_add, &faults, NULL) != OK &&
				slice_find_text(buf_slice(&faults), SLICE("erasure")) < faults.len)
				fail_msg("call %llu: %.*s", (unsigned long long)at,
					SLICE_ARG(buf_slice(&faults)));
			for (size_t i = 0; i < COUNT_OF(erased_leaves); i++) {
				struct ledger_place place;

				MUST(ledger_places(b.log, erased_leaves[i], 1, &place, &e));
				assert_int_equal(place.where, LEDGER_ERASED);
			}
			buf_fini(&faults);
			bench_fini(&b);
		}
	}
	assert_true(failed > OUTCOMES * 10);
}

/* Past what the journal holds; and power is lost before the log is closed. */
static void a_full_journal_gives_way_to_the_files(void **state)
{
	enum { BATCHES = 260 };
	struct memory m = {0};
	struct bench b;
	uint64_t bytes;

	(void)state;
	bench_init(&b, 15);
	for (unsigned i = 0; i < BATCHES; i++)
		MUST(bench_append(&b, JOURNAL_ENTRIES_MAX, &e));
	m.size = b.written;
	MUST(b.disk.size(b.fake, "logs/a/journal", &bytes, &e));
	assert_in_range(bytes, JOURNAL_FULL, JOURNAL_FULL + MIB(1));
	ledger_disk_fake_fail_at(b.fake, 1);
	ledger_close(b.log);
	ledger_disk_fake_crash(b.fake);
	bench_open(&b);
	assert_int_equal(ledger_size(b.log), m.size);
	for (uint64_t i = 0; i < m.size; i += 97)
		entry_is(b.log, i);
	MUST(ledger_verify(b.log, NULL, NULL, &e));
	bench_fini(&b);
}

/* The disk fails for a while and comes back: what failed is not there, what follows is whole. */
static void after_a_failing_disk_the_log_goes_on_as_it_was(void **state)
{
	struct bench b;

	(void)state;
	for (uint64_t at = 1; at < 20; at++) {
		bench_init(&b, 13 + at);
		MUST(bench_append(&b, 250, &e));
		ledger_disk_fake_fail_at(b.fake, at);
		while (bench_append(&b, 9, NULL) == OK)
			;
		ledger_disk_fake_fail_at(b.fake, 0);
		assert_int_equal(ledger_size(b.log), b.written);
		MUST(bench_append(&b, 2, &e));
		MUST(ledger_verify(b.log, NULL, NULL, &e));
		ledger_close(b.log);
		bench_open(&b);
		assert_int_equal(ledger_size(b.log), b.written);
		for (uint64_t i = 0; i < b.written; i++)
			entry_is(b.log, i);
		bench_fini(&b);
	}
}

/* ---- decay ----------------------------------------------------------------------------------- */

static void flips_are_found(const char *name, uint64_t bytes, unsigned flips, uint64_t seed)
{
	struct world_fake random;
	struct bench b;
	char path[64];

	(void)snprintf(path, sizeof(path), "logs/a/%s", name);
	world_fake_init(&random, seed, 0);
	bench_init(&b, seed);
	MUST(bench_append(&b, 700, &e));
	for (unsigned i = 0; i < flips; i++) {
		uint64_t bit;

		random.world.random(random.world.context, &bit, sizeof(bit));
		bit %= bytes * 8;
		assert_true(ledger_disk_fake_flip(b.fake, path, bit));
		if (ledger_verify(b.log, NULL, NULL, NULL) != ERR_CORRUPT)
			fail_msg("%s: bit %llu flipped and not found", name,
				(unsigned long long)bit);
		assert_true(ledger_disk_fake_flip(b.fake, path, bit));
	}
	MUST(ledger_verify(b.log, NULL, NULL, &e));
	bench_fini(&b);
}

static void every_flipped_bit_is_found(void **state)
{
	const char *flips = getenv("SERAI_FLIPS"); /* of each kind; 10,000 before a release */
	unsigned each = flips != NULL ? (unsigned)strtoul(flips, NULL, 10) : 150;

	(void)state;
	flips_are_found("entries", 700 * ENTRY_BYTES, each, 20);
	flips_are_found("hashes.0", 700 * HASH_LEN, each, 21);
	flips_are_found("hashes.1", 2 * HASH_LEN, each, 22);
	flips_are_found("salts", 700 * LEDGER_SALT_LEN, each, 23);
	flips_are_found("places", 700 * PLACE_BYTES, each, 24);
	flips_are_found("contents", 10000, each, 25);
	flips_are_found("state", STATE_SLOT_BYTES, each, 26);
}

static void faults_name_file_and_offset(void **state)
{
	static const struct {
		const char *path;
		uint64_t bit;
		const char *says;
	} cases[] = {
		{"logs/a/entries",  8 * 503,  "leaf 10: no leaf at 500 of \"entries\""      },
		{"logs/a/entries",  8 * 520,  "leaf 10: \"entries\" at 500"                 },
		{"logs/a/hashes.0", 8 * 321,  "\"hashes.0\" at 320"                         },
		{"logs/a/hashes.1", 8 * 33,   "\"hashes.1\" at 32 is not the hash of tile 1"},
		{"logs/a/salts",    8 * 64,   "\"salts\" at 64"                             },
		{"logs/a/places",   8 * 37,   "\"places\" at 32"                            },
		{"logs/a/contents", 3,        "do not open leaf 1"                          },
		{"logs/a/state",    8 * 4100, "slot 1, at 4096"                             },
	};
	struct bench b;

	(void)state;
	bench_init(&b, 14);
	MUST(bench_append(&b, 700, &e));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf all = BUF_INIT;

		assert_true(ledger_disk_fake_flip(b.fake, cases[i].path, cases[i].bit));
		assert_int_equal(ledger_verify(b.log, fault_add, &all, NULL), ERR_CORRUPT);
		if (slice_find_text(buf_slice(&all), slice_of(cases[i].says)) == all.len)
			fail_msg("\"%.*s\" does not say \"%s\"", SLICE_ARG(buf_slice(&all)),
				cases[i].says);
		assert_true(ledger_disk_fake_flip(b.fake, cases[i].path, cases[i].bit));
		buf_fini(&all);
	}
	bench_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_appended_is_there_after_opening_again),
		cmocka_unit_test(proofs_from_stored_hashes_verify_for_every_size),
		cmocka_unit_test(what_is_not_there_is_a_wrong_question),
		cmocka_unit_test(entries_that_do_not_fit_are_refused_whole),
		cmocka_unit_test(a_log_has_one_name),
		cmocka_unit_test(threads_share_syncs_and_each_has_its_own),
		cmocka_unit_test(a_damaged_slot_is_made_up_for_by_the_other),
		cmocka_unit_test(files_that_are_too_short_are_told),
		cmocka_unit_test(a_crash_at_every_call_loses_nothing_acknowledged),
		cmocka_unit_test(many_are_erased_with_the_syncs_of_one),
		cmocka_unit_test(what_a_failure_left_half_erased_is_done_again),
		cmocka_unit_test(a_full_journal_gives_way_to_the_files),
		cmocka_unit_test(after_a_failing_disk_the_log_goes_on_as_it_was),
		cmocka_unit_test(every_flipped_bit_is_found),
		cmocka_unit_test(faults_name_file_and_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
