/* SPDX-License-Identifier: MPL-2.0 */
/* Opening, the lock, the schema's versions. */
#include "store_testing.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inside.h"

static enum err_kind open_as(struct testing *t, const char *folder, enum store_mode mode)
{
	const struct store_options options = {.mode = mode, .world = &t->world.world};
	struct store *s;
	enum err_kind kind = store_open(folder, &options, &s, &t->e);

	if (kind == OK)
		store_close(s);
	return kind;
}

static void path_in(struct testing *t, const char *name, char ret_path[128])
{
	snprintf(ret_path, 128, "%s/%s", t->folder, name);
}

static void file_put(struct testing *t, const char *name, struct slice content)
{
	char path[128];

	path_in(t, name, path);
	ASSERT_OK(t, file_write_atomic(path, content, 0600, &t->e));
}

static void file_run(struct testing *t, const char *sql)
{
	char path[128];
	sqlite3 *db;

	path_in(t, "store.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void test_one_writer(void **state)
{
	struct testing *t = *state;
	char pid[32];
	int status;
	pid_t child;

	snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
	assert_int_equal(open_as(t, t->folder, STORE_WRITE), ERR_BUSY);
	assert_non_null(strstr(t->e.text, pid));
	assert_int_equal(open_as(t, t->folder, STORE_CREATE), ERR_BUSY);
	assert_int_equal(store_migrate(t->folder, STORE_SCHEMA, &t->e), ERR_BUSY);

	child = fork();
	if (child == 0) /* another process: told who it is */
		_exit(open_as(t, t->folder, STORE_WRITE) == ERR_BUSY &&
					strstr(t->e.text, pid) != NULL
				? 0
				: 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);

	/* the pid stays in the file; the lock does not */
	testing_close(t);
	assert_int_equal(open_as(t, t->folder, STORE_WRITE), OK);
	testing_open(t, STORE_WRITE);
}

static void test_readers_beside(void **state)
{
	struct testing *t = *state;
	const struct store_options options = {.mode = STORE_READ, .world = &t->world.world};
	struct uuid id = id_of(1);
	struct store_object o = testing_object(t, (struct object_words){.id = 2, .version_us = 1});
	struct store_batch batch = {.objects = &o, .count = 1, .member = SLICE("self")};
	struct store_result result;
	struct store_reader *r;
	struct store_row row;
	struct store *s;
	bool found;

	ASSERT_OK(t, store_open(t->folder, &options, &s, &t->e));
	/* a type that the reader has not met, and an id that is not in the index yet */
	testing_put(t, (struct object_words){.type = "x-late", .id = 1, .version_us = 1}, NULL);
	ASSERT_OK(t, store_reader_take(s, &r, &t->e));
	ASSERT_OK(t, store_get(r, SLICE("x-late"), &id, EVERYBODY, &row, NULL, &found, &t->e));
	assert_true(found && slice_is(row.type, "x-late"));
	store_reader_give(r);
	assert_int_equal(store_append(s, &batch, &result, &t->e), ERR_USAGE);
	assert_int_equal(store_idle(s, &t->e), ERR_USAGE);
	store_close(s);
}

/* Accounts and collections are changed beside a writer, which learns of it. */
static void test_access_beside(void **state)
{
	struct testing *t = *state;
	const struct store_options options = {.mode = STORE_ACCESS, .world = &t->world.world};
	const struct store_collection c = {
		.uuid = id_of(5), .title = SLICE("beside"), .tlp_max = STIX_TLP_GREEN};
	const struct store_account k = {.name = SLICE("ann"), .role = STORE_READER};
	struct store_object o = testing_object(t, (struct object_words){.id = 2, .version_us = 1});
	struct store_batch batch = {.objects = &o, .count = 1, .member = SLICE("self")};
	int64_t numbers[] = {testing_collection(t, 1), 0};
	uint64_t epoch = store_access_epoch(t->store);
	struct store_account got;
	struct store_result result;
	struct store *s;
	bool found;

	testing_put(t, (struct object_words){.id = 1, .version_us = 1}, numbers);
	ASSERT_OK(t, store_open(t->folder, &options, &s, &t->e));
	ASSERT_OK(t, store_collection_put(s, &c, &numbers[0], &t->e));
	ASSERT_OK(t, store_account_put(s, &k, &t->e));
	assert_int_equal(store_append(s, &batch, &result, &t->e), ERR_USAGE);
	assert_int_equal(store_collection_delete(s, numbers[0], &t->e), ERR_USAGE);
	store_close(s);
	ASSERT_OK(t, store_idle(t->store, &t->e));
	assert_true(store_access_epoch(t->store) > epoch);
	ASSERT_OK(t, store_account_get(t->store, k.name, t->arena, &got, &found, &t->e));
	assert_true(found);
	/* what was here is known still, and the new collection takes objects */
	testing_put(t, (struct object_words){.id = 1, .version_us = 2}, numbers);
	testing_verify(t);
}

static void test_rights(void **state)
{
	static const struct {
		const char *name;
		unsigned mode;
	} files[] = {
		{"",              S_IFDIR | 0700},
                {"/store.db",     S_IFREG | 0600},
		{"/store.db-wal", S_IFREG | 0600},
                {"/store.db-shm", S_IFREG | 0600},
		{"/text.db",      S_IFREG | 0600},
                {"/lock",         S_IFREG | 0600}
        };
	struct testing *t = *state;
	char path[128];
	struct stat file;
	mode_t mask = umask(0);

	testing_close(t);
	snprintf(path, sizeof(path), "%s/deep/er", t->folder);
	assert_int_equal(open_as(t, path, STORE_CREATE), OK);
	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(file.st_mode, S_IFDIR | 0700);
	testing_open(t, STORE_WRITE);
	ASSERT_OK(t, store_index_text(t->store, &t->e));
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		snprintf(path, sizeof(path), "%s%s", t->folder, files[i].name);
		assert_int_equal(stat(path, &file), 0);
		assert_int_equal(file.st_mode, files[i].mode);
	}
	umask(mask);
	snprintf(path, sizeof(path), "rm -rf %s/deep", t->folder);
	assert_int_equal(system(path), 0);
}

static void test_no_store(void **state)
{
	struct testing *t = *state;
	char path[128];

	testing_close(t);
	path_in(t, "empty", path);
	assert_int_equal(open_as(t, path, STORE_WRITE), ERR_USAGE);
	assert_int_equal(open_as(t, path, STORE_READ), ERR_USAGE);
	assert_non_null(strstr(t->e.text, "there is no store in"));
	path_in(t, "store.db", path); /* a file */
	assert_int_equal(open_as(t, path, STORE_WRITE), ERR_INVALID);

	/* killed between making the file and its first table: as if it had not been there */
	file_put(t, "store.db", SLICE(""));
	assert_int_equal(open_as(t, t->folder, STORE_READ), ERR_INVALID);
	assert_int_equal(open_as(t, t->folder, STORE_WRITE), OK);
	assert_int_equal(open_as(t, t->folder, STORE_READ), OK);

	file_run(t, "PRAGMA application_id = 7");
	assert_int_equal(open_as(t, t->folder, STORE_WRITE), ERR_INVALID);
	assert_non_null(strstr(t->e.text, "another program"));
	snprintf(path, sizeof(path), "PRAGMA application_id = %d; PRAGMA user_version = 99",
		STORE_APPLICATION);
	file_run(t, path);
	assert_int_equal(open_as(t, t->folder, STORE_WRITE), ERR_INVALID);
	assert_non_null(strstr(t->e.text, "newer program"));
	assert_int_equal(open_as(t, t->folder, STORE_READ), ERR_INVALID);

	file_put(t, "store.db",
		SLICE("This has been something else entirely, once upon a time ..."));
	assert_int_equal(open_as(t, t->folder, STORE_WRITE), ERR_CORRUPT);
	assert_non_null(strstr(t->e.text, "not a database"));
	assert_int_equal(open_as(t, t->folder, STORE_READ), ERR_CORRUPT);
	path_in(t, "store.db", path);
	remove(path);
	assert_int_equal(open_as(t, t->folder, STORE_CREATE), OK);
}

/* ---- schema ---------------------------------------------------------------------------------- */

static const struct schema_step steps[] = {
	{1, "CREATE TABLE a (x)",                             "DROP TABLE a"},
	{2, "CREATE TABLE b (y); INSERT INTO b VALUES (1)",   "DROP TABLE b"},
	{3, "ALTER TABLE b ADD COLUMN z; CREATE TABLE a (x)", "DROP TABLE c"}, /* both fail */
};

static int version_of(struct testing *t, struct conn *c)
{
	int version;

	ASSERT_OK(t, schema_version(c, &version, &t->e));
	return version;
}

static void test_migration(void **state)
{
	struct testing *t = *state;
	struct conn c;
	char path[128];

	path_in(t, "other.db", path);
	ASSERT_OK(t, file_create(path, &t->e));
	ASSERT_OK(t, conn_open(t->store, path, KIB(64), true, &c, &t->e));
	assert_int_equal(version_of(t, &c), 0);
	ASSERT_OK(t, schema_move(&c, steps, 2, 2, &t->e));
	assert_int_equal(version_of(t, &c), 2);
	/* a step that fails in its second statement leaves nothing of its first */
	assert_int_not_equal(schema_move(&c, steps, 3, 3, &t->e), OK);
	assert_int_equal(version_of(t, &c), 2);
	assert_int_not_equal(conn_exec(&c, "SELECT z FROM b", &t->e), OK);
	ASSERT_OK(t, schema_move(&c, steps, 2, 1, &t->e));
	assert_int_equal(version_of(t, &c), 1);
	assert_int_not_equal(conn_exec(&c, "SELECT y FROM b", &t->e), OK);
	ASSERT_OK(t, schema_move(&c, steps, 2, 2, &t->e));
	ASSERT_OK(t, conn_exec(&c, "SELECT y FROM b", &t->e));
	/* what this program does not know it does not touch */
	assert_int_equal(schema_move(&c, steps, 1, 1, &t->e), ERR_INVALID);
	assert_int_equal(schema_move(&c, steps, 2, 3, &t->e), ERR_USAGE);
	assert_int_equal(schema_move(&c, steps, 2, 0, &t->e), ERR_USAGE);
	conn_close(&c);
}

static void test_store_migrate(void **state)
{
	struct testing *t = *state;

	testing_put(t, (struct object_words){.id = 1, .version_us = 1}, NULL);
	testing_close(t);
	ASSERT_OK(t, store_migrate(t->folder, STORE_SCHEMA, &t->e));
	assert_int_equal(store_migrate(t->folder, STORE_SCHEMA + 1, &t->e), ERR_USAGE);
	assert_int_equal(store_migrate(t->folder, 0, &t->e), ERR_USAGE);
	testing_open(t, STORE_WRITE);
	testing_verify(t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, testing_setup, testing_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_one_writer),
		TEST(test_readers_beside),
		TEST(test_access_beside),
		TEST(test_rights),
		TEST(test_no_store),
		TEST(test_migration),
		TEST(test_store_migrate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
