/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What must not hurt: a full disk, a disk that fails now and then, damaged bytes, kill -9 at any
 * moment. Disks fail in a thin layer between SQLite and the system that this test puts there.
 */
#include "store_testing.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a disk that fails ----------------------------------------------------------------------- */

/* The only globals: SQLite knows its layers by name, for the whole process. */
static struct {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	long writes;   /* writes and syncs so far */
	long fail_at;  /* the write from which on it fails; -1: never */
	bool only_one; /* fail that one, and work again */
	int code;      /* what a failing write returns; syncs return SQLITE_IOERR_FSYNC */
} disk;

struct file {
	sqlite3_file base;
	sqlite3_io_methods methods;
	sqlite3_file *real; /* behind this struct */
};

static sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct file *)(void *)f)->real;
}

static bool disk_fails(void)
{
	long now = disk.writes++;

	return disk.fail_at >= 0 && (disk.only_one ? now == disk.fail_at : now >= disk.fail_at);
}

static int file_close(sqlite3_file *f)
{
	return real_of(f)->pMethods == NULL ? SQLITE_OK : real_of(f)->pMethods->xClose(real_of(f));
}

static int file_read_at(sqlite3_file *f, void *to, int len, sqlite3_int64 at)
{
	return real_of(f)->pMethods->xRead(real_of(f), to, len, at);
}

static int file_write_at(sqlite3_file *f, const void *from, int len, sqlite3_int64 at)
{
	if (disk_fails()) { /* half of it gets there, as on a real disk */
		if (len > 1)
			real_of(f)->pMethods->xWrite(real_of(f), from, len / 2, at);
		return disk.code;
	}
	return real_of(f)->pMethods->xWrite(real_of(f), from, len, at);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int file_sync(sqlite3_file *f, int flags)
{
	if (disk_fails())
		return SQLITE_IOERR_FSYNC;
	return real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int file_lock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int file_unlock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int file_reserved(sqlite3_file *f, int *out)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int file_control(sqlite3_file *f, int op, void *argument)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, argument);
}

static int file_sector(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int file_device(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int file_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **to)
{
	return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, to);
}

static int file_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int file_shm_unmap(sqlite3_file *f, int remove_it)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), remove_it);
}

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
	static const sqlite3_io_methods methods = {2, file_close, file_read_at, file_write_at,
		file_truncate, file_sync, file_size, file_lock, file_unlock, file_reserved,
		file_control, file_sector, file_device, file_shm_map, file_shm_lock,
		file_shm_barrier, file_shm_unmap, NULL, NULL};
	struct file *file = (struct file *)(void *)f;
	int code;

	(void)vfs;
	file->real = (sqlite3_file *)(void *)(file + 1);
	memset(file->real, 0, (size_t)disk.real->szOsFile);
	code = disk.real->xOpen(disk.real, name, file->real, flags, out_flags);
	f->pMethods = file->real->pMethods == NULL ? NULL : &methods;
	return code;
}

static int disk_setup(void **state)
{
	(void)state;
	disk.real = sqlite3_vfs_find(NULL);
	disk.vfs = *disk.real;
	disk.vfs.zName = "failing";
	disk.vfs.szOsFile = (int)sizeof(struct file) + disk.real->szOsFile;
	disk.vfs.xOpen = disk_open;
	disk.fail_at = -1;
	return sqlite3_vfs_register(&disk.vfs, 1);
}

static int disk_teardown(void **state)
{
	(void)state;
	sqlite3_vfs_unregister(&disk.vfs);
	return sqlite3_vfs_register(disk.real, 1);
}

static void disk_fail(long in_writes, bool only_one, int code)
{
	disk.fail_at = disk.writes + in_writes;
	disk.only_one = only_one;
	disk.code = code;
}

static void disk_mend(void)
{
	disk.fail_at = -1;
}

/* ---- full, or failing ------------------------------------------------------------------------ */

#define BATCH 40 /* objects; several pages of log */

/* Objects that use every index: references to each other, values, labels, markings. */
static struct store_object object_rich(struct testing *t, unsigned id, int64_t version)
{
	return testing_object(
		t, (struct object_words){
			   .id = id,
			   .version_us = version,
			   .name = arena_printf(t->arena, "object %u word%u", id, id % 7).data,
			   .refs = {id + 1,					      id / 2 + 1},
			   .marks = { 1000 + id % 3},
			   .labels = id % 2 == 0 ? "even" : "odd",
			   .values = { arena_printf(t->arena, "10.%u.%u.%u", id / 40000,
                                    id / 200 % 200, id % 200)
					      .data,
				    arena_printf(t->arena, "h%u.example", id).data}
        });
}

static enum err_kind append_rich(
	struct testing *t, unsigned from, int64_t version, const int64_t *collection)
{
	struct store_object objects[BATCH];
	struct store_result results[BATCH];
	struct store_batch batch = {.objects = objects,
		.count = BATCH,
		.member = SLICE("self"),
		.collections = collection,
		.collections_count = 1};

	for (unsigned i = 0; i < BATCH; i++)
		objects[i] = object_rich(t, from + i, version);
	return store_append(t->store, &batch, results, &t->e);
}

static uint64_t objects_count(struct testing *t)
{
	struct store_type_count *types;
	struct store_stats stats;
	struct store_reader *r;
	size_t count;

	ASSERT_OK(t, store_reader_take(t->store, &r, &t->e));
	ASSERT_OK(t, store_stats(r, t->arena, &stats, &types, &count, &t->e));
	store_reader_give(r);
	return stats.objects;
}

static void test_full_disk(void **state)
{
	struct testing *t = *state;
	int64_t collection = testing_collection(t, 1);
	unsigned next = 1, failed = 0;

	ASSERT_OK(t, append_rich(t, next, 1, &collection));
	next += BATCH;
	/* full from the first write on, from the second, ... until the batch fits after all */
	for (long n = 0;; n++) {
		uint64_t before = objects_count(t);
		enum err_kind kind;

		disk_fail(n, false, SQLITE_FULL);
		kind = append_rich(t, next, 1, &collection);
		if (kind == OK)
			break;
		/* the last step of a commit is a sync, and that a full disk fails otherwise */
		assert_true(kind == ERR_FULL || kind == ERR_IO);
		failed += kind == ERR_FULL;
		/* what was there is there, and can be read; nothing of the rest is */
		assert_int_equal(objects_count(t), before);
		disk_mend();
		if (n % 4 == 0)
			testing_verify(t);
		/* there is room again */
		ASSERT_OK(t, append_rich(t, next, 1, &collection));
		assert_int_equal(objects_count(t), before + BATCH);
		next += BATCH;
	}
	disk_mend();
	assert_true(failed > 5);
	testing_verify(t);
	testing_close(t);
	testing_open(t, STORE_WRITE);
	testing_verify(t);
}

/* Each write and each sync fails once, in everything that writes. */
static void test_failing_disk(void **state)
{
	struct testing *t = *state;
	int64_t collection = testing_collection(t, 1), number;
	struct store_note note = {SLICE("k"), SLICE("v")};
	unsigned next = 1, failed = 0;

	for (long n = 0; n < 40; n++) {
		struct uuid id = id_of(next + 1);
		struct store_collection c = {.uuid = id_of(100000 + (unsigned)n),
			.title = SLICE("more"),
			.tlp_max = STIX_TLP_AMBER};
		uint64_t removed;
		enum err_kind kinds[6];

		disk_fail(n, true, SQLITE_IOERR_WRITE);
		kinds[0] = append_rich(t, next, n + 1, &collection);
		kinds[1] = store_notes_put(t->store, &note, 1, &t->e);
		kinds[2] = store_remove(t->store, collection, SLICE("indicator"), &id,
			STORE_ALL_VERSIONS, &removed, &t->e);
		kinds[3] = store_collection_put(t->store, &c, &number, &t->e);
		kinds[4] = store_index_text(t->store, &t->e);
		kinds[5] = store_idle(t->store, &t->e);
		disk_mend();
		for (size_t i = 0; i < COUNT_OF(kinds); i++) {
			assert_true(kinds[i] == OK || kinds[i] == ERR_IO);
			failed += kinds[i] != OK;
		}
		ASSERT_OK(t, append_rich(t, next, n + 1, &collection));
		ASSERT_OK(t, store_index_text(t->store, &t->e));
		if (n % 3 == 0)
			testing_verify(t);
		next += BATCH / 2; /* half of them in two versions */
	}
	assert_true(failed > 20);
	testing_close(t);
	testing_open(t, STORE_WRITE);
	testing_verify(t);
}

/* Opening fails with a reason, and leaves nothing that hinders the next. */
static void test_open_on_full_disk(void **state)
{
	struct testing *t = *state;
	struct store_options options = {.mode = STORE_CREATE, .world = &t->world.world};
	struct store *s;
	unsigned failed = 0;

	testing_close(t);
	for (long n = 0;; n++) {
		char path[128];
		enum err_kind kind;

		snprintf(path, sizeof(path), "rm -f %s/*", t->folder);
		assert_int_equal(system(path), 0);
		disk_fail(n, false, SQLITE_FULL);
		kind = store_open(t->folder, &options, &s, &t->e);
		disk_mend();
		if (kind == OK) {
			store_close(s);
			break;
		}
		assert_true(kind == ERR_FULL || kind == ERR_IO);
		failed++;
		ASSERT_OK(t, store_open(t->folder, &options, &s, &t->e));
		store_close(s);
	}
	assert_true(failed > 2);
	testing_open(t, STORE_WRITE);
	testing_verify(t);
}

/* ---- damaged bytes --------------------------------------------------------------------------- */

#define FLIPS 150

static void fault_ignore(void *context, const char *text)
{
	unsigned *count = context;

	assert_true(strlen(text) > 10);
	++*count;
}

/* Read everything in every way: bytes are exact, or there is an error that says so. */
static void read_all(struct testing *t, struct store *s, unsigned objects, unsigned *errors)
{
	struct store_page page = {.collection = 1,
		.after_us = INT64_MIN,
		.audience = EVERYBODY,
		.versions = STORE_EVERY};
	struct store_search search = {.audience = EVERYBODY, .text = SLICE("object word3")};
	struct store_reader *r;
	struct store_cursor *c;
	struct buf body = BUF_INIT;
	struct store_row row;
	enum err_kind kind = store_reader_take(s, &r, &t->e);
	bool found, more;

	if (kind != OK) {
		assert_int_equal(kind, ERR_CORRUPT);
		++*errors;
		return;
	}
	for (unsigned i = 1; i <= objects; i++) {
		buf_clear(&body);
		kind = store_get_serial(r, i, &body, &found, &t->e);
		assert_true(kind == OK || kind == ERR_CORRUPT);
		*errors += kind != OK;
		/* a damaged row number may make one object answer for another, but not a wrong byte
		 */
		if (kind == OK && found) {
			unsigned id = 0;
			const char *text = arena_string(t->arena, buf_slice(&body));

			assert_int_equal(sscanf(strstr(text, "object "), "object %u", &id), 1);
			assert_true(slice_equal(buf_slice(&body), object_rich(t, id, 1).body));
		}
	}
	for (int round = 0; round < 2; round++) {
		c = NULL;
		kind = round == 0 ? store_page_open(r, &page, &c, &t->e)
				  : store_search_open(r, &search, &c, &t->e);
		for (more = true; kind == OK && more;) {
			kind = store_cursor_next(c, &row, &more, &t->e);
			buf_clear(&body);
			if (kind == OK && more)
				kind = store_cursor_body(c, &body, &t->e);
		}
		if (kind != OK) {
			assert_int_equal(kind, ERR_CORRUPT);
			assert_true(strlen(t->e.text) > 10);
			++*errors;
		}
		store_cursor_free(c);
	}
	store_reader_give(r);
	buf_fini(&body);
}

static void test_damage(void **state)
{
	struct testing *t = *state;
	int64_t collection = testing_collection(t, 1);
	struct store_options options = {.mode = STORE_WRITE, .world = &t->world.world};
	struct buf good = BUF_INIT;
	unsigned told = 0, errors = 0, refused = 0;
	uint64_t random = 11;
	char path[128], text[128];

	for (unsigned i = 0; i < 10; i++)
		ASSERT_OK(t, append_rich(t, 1 + i * BATCH, 1, &collection));
	ASSERT_OK(t, store_index_text(t->store, &t->e));
	testing_verify(t);
	testing_close(t);
	snprintf(path, sizeof(path), "%s/store.db", t->folder);
	snprintf(text, sizeof(text), "%s/text.db", t->folder);
	ASSERT_OK(t, file_read(path, MIB(16), &good, &t->e));
	for (unsigned i = 0; i < FLIPS; i++) {
		struct buf bad = BUF_INIT;
		struct store *s;
		enum err_kind kind;

		buf_slice_append(&bad, buf_slice(&good));
		/* a byte, or a whole sector of zeros, anywhere */
		random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		if (i % 3 == 0)
			memset(bad.data + (random >> 20) % (bad.len / 512) * 512, 0, 512);
		else
			bad.data[(random >> 20) % bad.len] ^= (char)(1 << (random >> 61));
		ASSERT_OK(t, file_write_atomic(path, buf_slice(&bad), 0600, &t->e));
		buf_fini(&bad);
		kind = store_open(t->folder, &options, &s, &t->e);
		if (kind != OK) {
			assert_true(kind == ERR_CORRUPT || kind == ERR_INVALID);
			assert_true(strlen(t->e.text) > 10);
			refused++;
			continue;
		}
		read_all(t, s, 10 * BATCH, &errors);
		kind = store_verify(s, fault_ignore, &told, &t->e);
		assert_true(kind == OK || kind == ERR_CORRUPT);
		store_close(s);
	}
	/* not all damage is where something stands, but most is */
	assert_true(told > FLIPS / 2);
	assert_true(errors > 10);
	assert_true(refused > 0);

	/* the text index is made again when it is damaged; what is found stays right */
	ASSERT_OK(t, file_write_atomic(path, buf_slice(&good), 0600, &t->e));
	buf_clear(&good);
	ASSERT_OK(t, file_read(text, MIB(16), &good, &t->e));
	for (unsigned i = 0; i < 20; i++) {
		struct buf bad = BUF_INIT;
		struct store *s;
		unsigned sound = 0;
		enum err_kind kind;

		buf_slice_append(&bad, buf_slice(&good));
		memset(bad.data + (i * 4801 % (bad.len / 512)) * 512, (int)i, 512);
		ASSERT_OK(t, file_write_atomic(text, buf_slice(&bad), 0600, &t->e));
		buf_fini(&bad);
		ASSERT_OK(t, store_open(t->folder, &options, &s, &t->e));
		read_all(t, s, 1, &sound);
		kind = store_verify(s, fault_ignore, &told, &t->e);
		assert_true(kind == OK || kind == ERR_CORRUPT);
		ASSERT_OK(t, store_index_text(s, &t->e));
		read_all(t, s, 1, &sound);
		assert_int_equal(sound, 0);
		store_close(s);
	}
	buf_fini(&good);
	testing_open(t, STORE_WRITE);
	testing_verify(t);
}

/* What store_verify finds, each fault by its rule. */
static void test_verify_tells(void **state)
{
	static const struct {
		const char *harm, *told;
	} cases[] = {
		{"UPDATE object SET label = 0 WHERE serial = 7",                   "lacks"                    },
		{"UPDATE object SET label = own WHERE label <> own",               "of what it refers to"     },
		{"UPDATE object SET flags = flags & 3 WHERE serial = 5",           "not called so"            },
		{"UPDATE object SET flags = flags | 4 WHERE serial = 1",           "is not"                   },
		{"UPDATE object SET added_us = 5 WHERE serial = 9",                "date_added"               },
		{"UPDATE object SET body = zeroblob(40) WHERE serial = 3",         "indicator--"              },
		{"UPDATE object SET body_bytes = body_bytes + 1 WHERE serial = 3", "instead of"               },
		{"UPDATE object SET dictionary = 9 WHERE serial = 3",              "dictionary 9"             },
		{"UPDATE object SET uuid = zeroblob(16) WHERE serial = 3",         "does not lead to it"      },
		{"UPDATE object SET type = 99 WHERE serial = 3",                   "no type"                  },
		{"DELETE FROM object WHERE serial = 4",                            "index 5 where 4 should be"},
		{"UPDATE member SET origin_last = origin_last + 1",                "sequence ends"            },
		{"DELETE FROM reference WHERE first = 6",                          "not in the index"         },
		{"UPDATE reference SET serials = x\'80\' WHERE first = 6",         "references from 6"        },
		{"INSERT INTO reference VALUES (1, 1, 999, x'0103')",              "references in the index"  },
		{"DELETE FROM value WHERE serial = 6",                             "values"                   },
		{"UPDATE entry SET flags = 4 WHERE serial = 2",                    "has flags 4"              },
		{"UPDATE entry SET type = 9 WHERE serial = 2",                     "another type"             },
		{"DELETE FROM entry WHERE serial = 2",                             "entries"                  },
		{"INSERT INTO entry VALUES (1, 99, 999, 1, 7)",                    "not in the store"         },
		{"UPDATE state SET objects = objects + 1",                         "objects, expected"        },
		{"UPDATE state SET things = things + 1",                           "ids, expected"            },
		{"DELETE FROM label",					      "label"                    },
		{"UPDATE original SET body = zeroblob(3)",                         "original"                 },
		{"UPDATE evidence SET body = zeroblob(3)",                         "evidence"                 },
		{"UPDATE ident SET own = 0",                                       "its thing's label"        },
	};
	struct testing *t = *state;
	int64_t c[] = {testing_collection(t, 1), 0};
	struct buf good = BUF_INIT;
	char path[128];

	/* 1@1 is not the latest, 1@2 is */
	testing_put(t, (struct object_words){.id = 1, .version_us = 1, .marks = {9}}, c);
	testing_put(t, (struct object_words){.id = 1, .version_us = 2}, c);
	testing_put(t, (struct object_words){.id = 1, .version_us = 2, .name = "lie"}, c);
	for (unsigned i = 2; i < 10; i++)
		testing_put(t,
			(struct object_words){.id = i,
				.version_us = 1,
				.refs = {1},
				.marks = {i},
				.values = {"192.0.2.1"}},
			c);
	ASSERT_OK(t, store_original_put(t->store, SLICE("misp"), SLICE("1"), SLICE("{}"), &t->e));
	ASSERT_OK(t, store_idle(t->store, &t->e));
	ASSERT_OK(t, store_idle(t->store, &t->e)); /* ids and values are merged */
	testing_verify(t);
	testing_close(t);
	snprintf(path, sizeof(path), "%s/store.db", t->folder);
	ASSERT_OK(t, file_read(path, MIB(16), &good, &t->e));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *faults;
		sqlite3 *db;

		ASSERT_OK(t, file_write_atomic(path, buf_slice(&good), 0600, &t->e));
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		if (sqlite3_exec(db, cases[i].harm, NULL, NULL, NULL) != SQLITE_OK)
			fail_msg("%s: %s", cases[i].harm, sqlite3_errmsg(db));
		sqlite3_close(db);
		testing_open(t, STORE_READ);
		faults = testing_faults(t);
		if (strstr(faults, cases[i].told) == NULL)
			fail_msg(
				"%s: expected \"%s\" in: %s", cases[i].harm, cases[i].told, faults);
		testing_close(t);
	}
	buf_fini(&good);
	testing_open(t, STORE_READ);
}

/* ---- kill -9 --------------------------------------------------------------------------------- */

#define KILLS 60

/* What the child does until it is killed: batches of some objects, now and then something else;
 * after each that is acknowledged it writes to the pipe which. */
static void write_until_killed(struct testing *t, unsigned from, int pipe_fd)
{
	const struct store_options options = {
		.mode = STORE_WRITE}; /* the real clock and randomness */
	int64_t collection = 1;

	if (store_open(t->folder, &options, &t->store, &t->e) != OK)
		_exit(1);
	for (unsigned next = from, round = 0;; round++) {
		struct store_object objects[16];
		struct store_result results[16];
		struct store_batch batch = {.objects = objects,
			.count = 1 + (next * 7 + round) % 16,
			.member = SLICE("self"),
			.collections = &collection,
			.collections_count = 1};

		for (unsigned i = 0; i < batch.count; i++)
			objects[i] = object_rich(t, next + i, 1);
		if (store_append(t->store, &batch, results, &t->e) != OK)
			_exit(1);
		next += (unsigned)batch.count;
		if (write(pipe_fd, &next, sizeof(next)) != sizeof(next))
			_exit(1);
		if (round % 8 == 7 && store_index_text(t->store, &t->e) != OK)
			_exit(1);
		if (round % 16 == 15 && store_idle(t->store, &t->e) != OK)
			_exit(1);
		arena_reset(t->arena);
	}
}

/* Every acknowledged object is here, byte for byte. */
static void check_acknowledged(struct testing *t, unsigned from, unsigned to)
{
	struct store_reader *r;
	struct buf body = BUF_INIT;

	ASSERT_OK(t, store_reader_take(t->store, &r, &t->e));
	for (unsigned id = from; id < to; id++) {
		struct uuid uuid = id_of(id);
		struct store_row row;
		bool found;

		buf_clear(&body);
		ASSERT_OK(t, store_get(r, SLICE("indicator"), &uuid, EVERYBODY, &row, &body, &found,
				     &t->e));
		if (!found)
			fail_msg("object %u was acknowledged, and is lost", id);
		assert_true(slice_equal(buf_slice(&body), object_rich(t, id, 1).body));
	}
	store_reader_give(r);
	buf_fini(&body);
}

static int64_t wall_us(void)
{
	const struct world *w = world_real();

	return w->monotonic_us(w->context);
}

static void test_kill(void **state)
{
	struct testing *t = *state;
	unsigned acknowledged = 1, random = 5;

	testing_collection(t, 1);
	testing_close(t);
	for (unsigned i = 0; i < KILLS; i++) {
		unsigned from = acknowledged, got;
		int64_t until;
		int fds[2], status;
		pid_t child;

		assert_int_equal(pipe(fds), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			close(fds[0]);
			write_until_killed(t, from, fds[1]);
		}
		close(fds[1]);
		/* some acknowledged batches, then at any moment of what follows */
		random = random * 1103515245 + 12345;
		for (unsigned n = 0; n < (random >> 16 & 15); n++)
			if (read(fds[0], &got, sizeof(got)) == sizeof(got))
				acknowledged = got;
		random = random * 1103515245 + 12345;
		for (until = wall_us() + (random >> 16) % 3000; wall_us() < until;)
			;
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		while (read(fds[0], &got, sizeof(got)) == sizeof(got))
			acknowledged = got;
		close(fds[0]);

		testing_open(t, STORE_WRITE);
		check_acknowledged(t, from, acknowledged);
		if (i % 6 == 0 || i == KILLS - 1)
			testing_verify(t);
		/* what was written and not acknowledged may be here: go on behind it */
		acknowledged = (unsigned)objects_count(t) + 1;
		testing_close(t);
		arena_reset(t->arena);
	}
	assert_true(acknowledged > KILLS);
	testing_open(t, STORE_WRITE);
	check_acknowledged(t, 1, acknowledged);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, testing_setup, testing_teardown)
	const struct CMUnitTest failing[] = {
		TEST(test_full_disk),
		TEST(test_failing_disk),
		TEST(test_open_on_full_disk),
	};
	const struct CMUnitTest others[] = {
		TEST(test_damage),
		TEST(test_verify_tells),
		TEST(test_kill),
	};

	return cmocka_run_group_tests(failing, disk_setup, disk_teardown) +
	       cmocka_run_group_tests(others, NULL, NULL);
}
