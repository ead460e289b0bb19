/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What was forgotten is in no file of the store any more: not its words, its values, its bytes, nor
 * copies of them where no row is. Looked for in the files themselves; the same look finds all of it
 * before, so that the test can fail.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inside.h"
#include "store_testing.h"

#define MARK  "Zauberwort"
#define COUNT 2000 /* more than a dictionary is trained for */
#define STEP  100

/* ---- looking into files ---------------------------------------------------------------------- */

/* How often `what` stands in the files of the folder, and in which; case does not matter. */
static unsigned found_in(struct testing *t, const char *what, struct buf *ret_where)
{
	DIR *folder = opendir(t->folder);
	size_t len = strlen(what);
	unsigned count = 0;
	struct dirent *d;

	assert_non_null(folder);
	while ((d = readdir(folder)) != NULL) {
		struct buf bytes = BUF_INIT;
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", t->folder, d->d_name);
		if (d->d_name[0] == '.' || strcmp(d->d_name, "lock") == 0)
			continue;
		ASSERT_OK(t, file_read(path, MIB(256), &bytes, &t->e));
		for (size_t i = 0; i + len <= bytes.len; i++) {
			if (strncasecmp(bytes.data + i, what, len) != 0)
				continue;
			count++;
			if (ret_where != NULL)
				buf_printf(ret_where, " %s@%zu", d->d_name, i);
		}
		buf_fini(&bytes);
	}
	closedir(folder);
	return count;
}

/* Bodies are packed: some of the packed bytes of an object, as they lie in the file. */
struct piece {
	char bytes[12];
};

static struct piece piece_of(struct testing *t, const char *sql, int64_t number)
{
	struct conn c = {0};
	struct piece piece;
	sqlite3_stmt *st;
	struct slice packed;

	ASSERT_OK(t, conn_open(t->store, t->store->path, KIB(64), false, &c, &t->e));
	assert_int_equal(sqlite3_prepare_v2(c.db, sql, -1, &st, NULL), SQLITE_OK);
	bind_int(st, 1, number);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	packed = column_slice(st, 0);
	assert_true(packed.len > 40 + sizeof(piece));
	memcpy(piece.bytes, packed.data + 40, sizeof(piece));
	sqlite3_finalize(st);
	conn_close(&c);
	return piece;
}

static bool piece_there(struct testing *t, const struct piece *piece)
{
	static const char *const names[] = {"store.db", "store.db-wal", "text.db", "text.db-wal"};
	bool there = false;

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct buf bytes = BUF_INIT;
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", t->folder, names[i]);
		if (access(path, F_OK) == 0)
			ASSERT_OK(t, file_read(path, MIB(256), &bytes, &t->e));
		there = there || (bytes.len > 0 && memmem(bytes.data, bytes.len, piece->bytes,
							   sizeof(piece->bytes)) != NULL);
		buf_fini(&bytes);
	}
	return there;
}

static void assert_nowhere(struct testing *t, const char *what)
{
	struct buf where = BUF_INIT;

	if (found_in(t, what, &where) > 0)
		fail_msg("\"%s\" stands in%.*s", what, SLICE_ARG(buf_slice(&where)));
	buf_fini(&where);
}

/* ---- what is put in -------------------------------------------------------------------------- */

/* A long body lies on pages of its own. */
static struct store_object object(struct testing *t, unsigned id, const char *mark, bool large)
{
	const char *name = arena_printf(t->arena, "object %u %s%u%c", id, mark, id, 0).data;
	const char *value = arena_printf(t->arena, "%s%u.example.org%c", mark, id, 0).data;
	const char *other =
		arena_printf(t->arena, "h%u.%s%u.example.net%c", id * 7919 % 10007, mark, id, 0)
			.data;
	struct buf extra = BUF_INIT;
	struct store_object o;

	buf_printf(&extra, "\"x_note\":\"");
	/* what zstd cannot fold, so that what is packed is seen as it is */
	for (unsigned i = 0, x = id; i < (large ? 20000U : 60U); i++) {
		x = x * 1103515245U + 12345U;
		buf_char(&extra, (char)('a' + (x >> 16) % 26));
	}
	buf_printf(&extra, " %s%u\"%c", mark, id, 0);
	o = testing_object(t, (struct object_words){
				      .id = id,
				      .version_us = T0,
				      .name = name,
				      .extra = extra.data,
				      .values = {value, other}
        });
	buf_fini(&extra);
	return o;
}

/* Objects [from, to); every tenth says the word, each with its number. Values come in no order. */
static void fill(struct testing *t, int64_t *serials, unsigned from, unsigned to, const char *mark)
{
	const int64_t collection = 1;
	struct store_object some[STEP];
	struct store_result results[STEP];

	for (unsigned at = from; at < to; at += STEP) {
		struct store_batch batch = {some, 0, &collection, 1, SLICE("self"), NULL, 0};

		for (unsigned id = at; id < to && id < at + STEP; id++)
			some[batch.count++] = object(t, id, id % 10 == 3 ? mark : "plain",
				id % 100 == 3 || id % 100 == 4);
		ASSERT_OK(t, store_append(t->store, &batch, results, &t->e));
		for (size_t i = 0; i < batch.count; i++)
			serials[at + i] = results[i].serial;
		ASSERT_OK(t, store_index_text(t->store, &t->e));
		testing_merge(t);
	}
}

static void forget(struct testing *t, int64_t serial)
{
	bool found = false;

	ASSERT_OK(t, store_forget(t->store, serial, &found, &t->e));
	assert_true(found);
}

static bool purged(struct testing *t)
{
	bool is = false;

	ASSERT_OK(t, store_purged(t->store, &is, &t->e));
	return is;
}

/* ---- tests ----------------------------------------------------------------------------------- */

#define PACKED "SELECT body FROM object WHERE serial = ?1"

static void nothing_is_left(struct testing *t)
{
	struct piece pieces[COUNT / 10];
	int64_t serials[COUNT + 1];
	size_t count = 0;

	fill(t, serials, 1, COUNT, MARK);
	assert_true(found_in(t, MARK, NULL) > COUNT / 10);
	for (unsigned id = 3; id < COUNT; id += 10)
		pieces[count++] = piece_of(t, PACKED, serials[id]);
	for (size_t i = 0; i < count; i += 20)
		assert_true(piece_there(t, &pieces[i]));
	for (unsigned id = 3; id < COUNT; id += 10)
		forget(t, serials[id]);
	assert_false(purged(t));
	/* Nobody is shown them, and still words and copies are there: what a purge is for. */
	ASSERT_OK(t, store_index_text(t->store, &t->e));
	assert_string_equal(testing_words(t, MARK "1003"), "");
	assert_true(found_in(t, MARK, NULL) > 0);
	ASSERT_OK(t, store_purge(t->store, &t->e));
	assert_true(purged(t));
	assert_nowhere(t, MARK);
	for (size_t i = 0; i < count; i++)
		assert_false(piece_there(t, &pieces[i]));
	testing_verify(t);
	assert_true(found_in(t, "plain1004", NULL) > 0);
	assert_string_equal(testing_words(t, "plain1004"), "1004@1700000000000000");
	/* Nor does anything bring it back that somebody still had in memory. */
	fill(t, serials, COUNT, COUNT + 1, "later");
	forget(t, serials[COUNT]);
	ASSERT_OK(t, store_index_text(t->store, &t->e));
	testing_close(t);
	testing_open(t, STORE_WRITE);
	assert_nowhere(t, MARK);
	testing_verify(t);
}

static void test_nothing_is_left(void **state)
{
	struct testing *t = *state;

	testing_collection(t, 1);
	ASSERT_OK(t, store_purge(t->store, &t->e)); /* of a fresh store: nothing to do */
	assert_true(purged(t));
	nothing_is_left(t);
}

/* A file in which nothing was overwritten: rows that went, and copies where rows once were. */
static void test_old_files(void **state)
{
	struct testing *t = *state;

	testing_collection(t, 1);
	ASSERT_OK(t, store_index_text(t->store, &t->e));
	ASSERT_OK(t, conn_exec(&t->store->writer.conn, "PRAGMA secure_delete = OFF", &t->e));
	ASSERT_OK(t, conn_exec(&t->store->text.index, "PRAGMA secure_delete = OFF", &t->e));
	nothing_is_left(t);
}

/* A dictionary keeps pieces of objects for ever: only of what many say. */
static void test_dictionary_knows_nobody(void **state)
{
	struct testing *t = *state;
	int64_t serials[COUNT];

	testing_collection(t, 1);
	fill(t, serials, 1, COUNT, MARK);
	assert_true(t->store->packing.count > 0);
	for (unsigned id = 1; id < COUNT; id++)
		forget(t, serials[id]);
	ASSERT_OK(t, store_purge(t->store, &t->e));
	assert_nowhere(t, MARK "1"); /* many begin so, */
	assert_nowhere(t, "plain1"); /* but each goes on otherwise */
	assert_true(found_in(t, "example", NULL) == 0);
	assert_true(found_in(t, "indicator--", NULL) > 0); /* what all had in common */
	testing_verify(t);
}

/* What somebody sent in its place speaks of the same. */
static void test_evidence_goes_too(void **state)
{
	struct testing *t = *state;
	struct store_result r;
	struct piece other;

	testing_collection(t, 1);
	r = testing_put(t, (struct object_words){.id = 1, .version_us = T0, .name = MARK "1"},
		(const int64_t[]){1, 0});
	assert_int_equal(testing_put(t,
				 (struct object_words){
					 .id = 1, .version_us = T0, .name = "the other " MARK "2"},
				 (const int64_t[]){1, 0})
				 .outcome,
		STORE_CONFLICT);
	other = piece_of(t, "SELECT body FROM evidence WHERE number >= ?1", 0);
	assert_true(piece_there(t, &other));
	forget(t, r.serial);
	ASSERT_OK(t, store_purge(t->store, &t->e));
	assert_nowhere(t, MARK);
	assert_false(piece_there(t, &other));
	testing_verify(t);
}

/* Who still reads an older state must go on seeing it, so the log that holds it stays until then.
 */
static void test_reader_in_the_way(void **state)
{
	struct testing *t = *state;
	struct store_reader *r;
	int64_t serials[STEP + 1];
	struct buf body = BUF_INIT;
	bool found = false;

	testing_collection(t, 1);
	fill(t, serials, 1, STEP, MARK);
	r = testing_reader(t);
	ASSERT_OK(t, store_get_serial(r, serials[13], &body, &found, &t->e));
	forget(t, serials[13]);
	assert_int_equal(store_purge(t->store, &t->e), ERR_BUSY);
	assert_false(purged(t));
	buf_clear(&body);
	ASSERT_OK(t, store_get_serial(r, serials[13], &body, &found, &t->e));
	assert_true(found && body.len > 0);
	/* writing goes on */
	fill(t, serials, STEP, STEP + 1, MARK);
	store_reader_give(r);
	ASSERT_OK(t, store_purge(t->store, &t->e));
	assert_nowhere(t, MARK "13");
	buf_fini(&body);
}

/* By itself: after a second, with all that came meanwhile. */
static void test_idle(void **state)
{
	struct testing *t = *state;
	int64_t serials[STEP];

	testing_collection(t, 1);
	fill(t, serials, 1, STEP, MARK);
	ASSERT_OK(t, store_idle(t->store, &t->e)); /* a store's first, of nothing */
	world_fake_advance(&t->world, 2 * US_PER_SECOND);
	ASSERT_OK(t, store_idle(t->store, &t->e));
	assert_true(purged(t));
	forget(t, serials[3]);
	ASSERT_OK(t, store_idle(t->store, &t->e));
	world_fake_advance(&t->world, US_PER_SECOND - 1);
	ASSERT_OK(t, store_idle(t->store, &t->e));
	assert_false(purged(t));
	forget(t, serials[13]);
	world_fake_advance(&t->world, 1);
	ASSERT_OK(t, store_idle(t->store, &t->e));
	assert_true(purged(t));
	assert_nowhere(t, MARK "3\"");
	assert_nowhere(t, MARK "13");
	/* One that takes long is not repeated at once. */
	t->store->purge.took_us = 10 * US_PER_SECOND;
	forget(t, serials[23]);
	ASSERT_OK(t, store_idle(t->store, &t->e));
	world_fake_advance(&t->world, STORE_PURGE_REST * 10 * US_PER_SECOND - 1);
	ASSERT_OK(t, store_idle(t->store, &t->e));
	assert_false(purged(t));
	world_fake_advance(&t->world, 1);
	ASSERT_OK(t, store_idle(t->store, &t->e));
	assert_true(purged(t));
	assert_nowhere(t, MARK "23");
}

/* An index that was put back from a copy still has words whose bodies are gone. */
static void test_older_index(void **state)
{
	struct testing *t = *state;
	struct buf copy = BUF_INIT;
	char path[128];
	int64_t serials[STEP];

	snprintf(path, sizeof(path), "%s/text.db", t->folder);
	testing_collection(t, 1);
	fill(t, serials, 1, STEP, MARK);
	testing_close(t);
	ASSERT_OK(t, file_read(path, MIB(64), &copy, &t->e));
	testing_open(t, STORE_WRITE);
	forget(t, serials[13]);
	ASSERT_OK(t, store_purge(t->store, &t->e));
	testing_close(t);
	ASSERT_OK(t, file_write_atomic(path, buf_slice(&copy), 0600, &t->e));
	assert_true(found_in(t, MARK "13", NULL) > 0);
	testing_open(t, STORE_WRITE);
	ASSERT_OK(t, store_index_text(t->store, &t->e));
	assert_nowhere(t, MARK "13");
	assert_string_equal(testing_words(t, MARK "23"), "23@1700000000000000");
	/* and it is made again once, not at each start */
	testing_close(t);
	testing_open(t, STORE_WRITE);
	ASSERT_OK(t, store_index_text(t->store, &t->e));
	assert_int_equal(t->store->text.generation, 0);
	buf_fini(&copy);
}

/* ---- kill -9 --------------------------------------------------------------------------------- */

struct mortal {
	struct world world;
	int64_t calls, last; /* the one that kills */
};

static int64_t mortal_clock(void *context)
{
	struct mortal *m = context;

	if (++m->calls == m->last)
		raise(SIGKILL);
	return m->calls;
}

/* The child asks for the time once a step; *ret_killed false: it came to the end. */
static void purge_killed(struct testing *t, int64_t at_call, bool *ret_killed)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		struct mortal m = {.world = t->world.world, .last = at_call};
		const struct store_options options = {.mode = STORE_WRITE, .world = &m.world};
		struct store *s;
		struct err e;

		m.world.context = &m;
		m.world.monotonic_us = mortal_clock;
		m.world.now_us = mortal_clock;
		m.world.random = world_real()->random;
		if (store_open(t->folder, &options, &s, &e) != OK || store_purge(s, &e) != OK)
			_exit(2);
		_exit(0); /* as killed at the end: nothing is closed */
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	*ret_killed = WIFSIGNALED(status);
	if (!*ret_killed)
		assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_kill(void **state)
{
	struct testing *t = *state;
	int64_t serials[COUNT];
	bool killed = true;
	int64_t at = 1;

	testing_collection(t, 1);
	fill(t, serials, 1, 12 * STEP, MARK);
	for (unsigned id = 3; id < 12 * STEP; id += 10)
		forget(t, serials[id]);
	for (; killed; at++) {
		testing_close(t);
		assert_true(found_in(t, MARK, NULL) > 0 || at > 1);
		purge_killed(t, at, &killed);
		testing_open(t, STORE_WRITE);
		testing_verify(t);
		assert_true(purged(t) || killed);
	}
	assert_true(at > 5);
	assert_nowhere(t, MARK);
	assert_string_equal(testing_words(t, "plain4"), "4@1700000000000000");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, testing_setup, testing_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_is_left),
		TEST(test_old_files),
		TEST(test_dictionary_knows_nobody),
		TEST(test_evidence_goes_too),
		TEST(test_reader_in_the_way),
		TEST(test_idle),
		TEST(test_older_index),
		TEST(test_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
