/* SPDX-License-Identifier: MPL-2.0 */
#include "log_testing.h"

#include <dirent.h>
#include <unistd.h>

/* ---- a folder for each test ------------------------------------------------------------------ */

static int folder_setup(void **state)
{
	char *path = strdup("/tmp/ledger_disk_test.XXXXXX");

	*state = path;
	return path == NULL || mkdtemp(path) == NULL ? -1 : 0;
}

/* Every file below: `each` with its content, and away with it when `remove`. */
static void files_walk(const char *path, bool remove,
	void (*each)(void *context, const char *path, struct slice content), void *context)
{
	DIR *d = opendir(path);
	struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		struct buf content = BUF_INIT;
		char below[512];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		(void)snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		if (entry->d_type == DT_DIR) {
			files_walk(below, remove, each, context);
			continue;
		}
		if (each != NULL) {
			MUST(file_read(below, MIB(64), &content, &e));
			each(context, below, buf_slice(&content));
			buf_fini(&content);
		}
		if (remove)
			(void)unlink(below);
	}
	if (d != NULL)
		(void)closedir(d);
	if (remove)
		(void)rmdir(path);
}

static int folder_teardown(void **state)
{
	files_walk(*state, true, NULL, NULL);
	free(*state);
	return 0;
}

/* ---- a disk ---------------------------------------------------------------------------------- */

/* The same calls on both kinds of disk have the same outcome. */
static void calls(const struct ledger_disk *d)
{
	char back[16] = "";
	uint64_t bytes;

	MUST(d->size(d->context, "a/b/file", &bytes, &e));
	assert_int_equal(bytes, 0);
	assert_int_not_equal(d->read(d->context, "a/b/file", 0, back, 1, NULL), OK);
	MUST(d->write(d->context, "a/b/file", 4, SLICE("efgh"), &e)); /* zeros before */
	MUST(d->write(d->context, "a/b/file", 0, SLICE("ab"), &e));
	MUST(d->sync(d->context, "a/b/file", &e));
	MUST(d->size(d->context, "a/b/file", &bytes, &e));
	assert_int_equal(bytes, 8);
	MUST(d->read(d->context, "a/b/file", 0, back, 8, &e));
	assert_memory_equal(back, "ab\0\0efgh", 8);
	assert_int_equal(d->read(d->context, "a/b/file", 1, back, 8, NULL), ERR_CORRUPT);
	assert_int_equal(d->read(d->context, "a/b/file", 9, back, 1, NULL), ERR_CORRUPT);
	MUST(d->truncate(d->context, "a/b/file", 5, &e));
	MUST(d->size(d->context, "a/b/file", &bytes, &e));
	assert_int_equal(bytes, 5);
	MUST(d->truncate(d->context, "a/b/file", 7, &e));
	MUST(d->read(d->context, "a/b/file", 3, back, 4, &e));
	assert_memory_equal(back, "\0e\0\0", 4);
	/* a replaced file is read anew, however it was open */
	MUST(d->replace(d->context, "a/b/file", SLICE("new"), &e));
	MUST(d->read(d->context, "a/b/file", 0, back, 3, &e));
	assert_memory_equal(back, "new", 3);
	MUST(d->size(d->context, "a/b/file", &bytes, &e));
	assert_int_equal(bytes, 3);
	MUST(d->replace(d->context, "c/d/other", SLICE(""), &e));
	MUST(d->size(d->context, "c/d/other", &bytes, &e));
	assert_int_equal(bytes, 0);
	MUST(d->make_folder(d->context, "f/g", &e));
	MUST(d->make_folder(d->context, "f/g", &e));
}

static void real_and_fake_do_the_same(void **state)
{
	struct ledger_disk_fake *fake = ledger_disk_fake_new(1);
	struct ledger_disk d;

	d = ledger_disk_of_fake(fake);
	calls(&d);
	ledger_disk_fake_free(fake);
	MUST(ledger_disk_open(*state, false, &d, &e));
	calls(&d);
	ledger_disk_close(&d);
	ledger_disk_close(&d); /* nothing more */
}

static void one_writer_and_any_number_of_readers(void **state)
{
	struct ledger_disk writer, second, reader;
	char back[3];

	MUST(ledger_disk_open(*state, false, &writer, &e));
	MUST(writer.write(writer.context, "file", 0, SLICE("abc"), &e));
	assert_int_equal(ledger_disk_open(*state, false, &second, NULL), ERR_BUSY);
	MUST(ledger_disk_open(*state, true, &reader, &e));
	MUST(reader.read(reader.context, "file", 0, back, 3, &e));
	assert_memory_equal(back, "abc", 3);
	assert_int_equal(reader.write(reader.context, "file", 0, SLICE("x"), NULL), ERR_DENIED);
	assert_int_equal(reader.truncate(reader.context, "file", 0, NULL), ERR_DENIED);
	assert_int_equal(reader.sync(reader.context, "file", NULL), ERR_DENIED);
	assert_int_equal(reader.replace(reader.context, "file", SLICE("x"), NULL), ERR_DENIED);
	assert_int_equal(reader.make_folder(reader.context, "folder", NULL), ERR_DENIED);
	ledger_disk_close(&reader);
	ledger_disk_close(&writer);
	MUST(ledger_disk_open(*state, false, &second, &e));
	ledger_disk_close(&second);
	assert_int_not_equal(
		ledger_disk_open("/nonexistent-ledger/folder", true, &reader, NULL), OK);
}

/* Folders are named after logs, whose names strangers choose. */
static void no_path_leads_out(void **state)
{
	static const char *const paths[] = {
		"../x", "a/../../x", "..", ".", "a//b", "/etc/passwd", "a/./b", "a/"};
	struct ledger_disk d;
	uint64_t bytes;
	char back;

	MUST(ledger_disk_open(*state, false, &d, &e));
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		assert_int_equal(d.size(d.context, paths[i], &bytes, NULL), ERR_USAGE);
		assert_int_equal(d.read(d.context, paths[i], 0, &back, 1, NULL), ERR_USAGE);
		assert_int_equal(d.write(d.context, paths[i], 0, SLICE("x"), NULL), ERR_USAGE);
		assert_int_equal(d.replace(d.context, paths[i], SLICE("x"), NULL), ERR_USAGE);
		assert_int_equal(d.make_folder(d.context, paths[i], NULL), ERR_USAGE);
	}
	ledger_disk_close(&d);
}

/* More files than descriptors are kept. */
static void many_files_are_kept_apart(void **state)
{
	struct ledger_disk d;
	char path[32], back[8];

	MUST(ledger_disk_open(*state, false, &d, &e));
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 600; i++) {
			(void)snprintf(path, sizeof(path), "f%03u", i);
			if (round == 0)
				MUST(d.write(d.context, path, 0, slice_of(path), &e));
			MUST(d.read(d.context, path, 0, back, 4, &e));
			assert_memory_equal(back, path, 4);
		}
	}
	ledger_disk_close(&d);
}

/* ---- the fake one ---------------------------------------------------------------------------- */

static void a_crash_keeps_what_was_synced_and_some_of_the_rest(void **state)
{
	bool kept_old = false, kept_new = false, lost_file = false, kept_file = false;

	(void)state;
	for (uint64_t seed = 0; seed < 64; seed++) {
		struct ledger_disk_fake *f = ledger_disk_fake_new(seed), *copy;
		struct ledger_disk d = ledger_disk_of_fake(f), c;
		char back[4] = "", same[4] = "";
		uint64_t bytes;

		MUST(d.write(f, "file", 0, SLICE("old!"), &e));
		MUST(d.sync(f, "file", &e));
		MUST(d.write(f, "file", 0, SLICE("new!"), &e));
		MUST(d.write(f, "unsynced", 0, SLICE("x"), &e));
		copy = ledger_disk_fake_copy(f);
		c = ledger_disk_of_fake(copy);
		ledger_disk_fake_crash(f);
		ledger_disk_fake_crash(copy);
		MUST(d.read(f, "file", 0, back, 4, &e));
		MUST(c.read(copy, "file", 0, same, 4, &e));
		assert_memory_equal(back, same, 4); /* the same seed, the same crash */
		assert_true(memcmp(back, "old!", 4) == 0 || memcmp(back, "new!", 4) == 0);
		kept_old |= back[0] == 'o';
		kept_new |= back[0] == 'n';
		MUST(d.size(f, "unsynced", &bytes, &e));
		lost_file |= bytes == 0;
		kept_file |= bytes == 1;
		ledger_disk_fake_free(f);
		ledger_disk_fake_free(copy);
	}
	assert_true(kept_old && kept_new && lost_file && kept_file);
}

static void the_fake_fails_when_told(void **state)
{
	struct ledger_disk_fake *f = ledger_disk_fake_new(1);
	struct ledger_disk d = ledger_disk_of_fake(f);
	uint64_t bytes;
	char back;

	(void)state;
	ledger_disk_fake_fail_at(f, 2);
	MUST(d.write(f, "a", 0, SLICE("x"), &e));
	MUST(d.read(f, "a", 0, &back, 1, &e)); /* reading does not count */
	assert_int_equal(d.sync(f, "a", NULL), ERR_IO);
	assert_int_equal(d.read(f, "a", 0, &back, 1, NULL), ERR_IO);
	assert_int_equal(d.size(f, "a", &bytes, NULL), ERR_IO);
	assert_int_equal(d.truncate(f, "a", 0, NULL), ERR_IO);
	assert_int_equal(d.replace(f, "a", SLICE(""), NULL), ERR_IO);
	assert_int_equal(d.make_folder(f, "b", NULL), ERR_IO);
	assert_int_equal(ledger_disk_fake_calls(f), 5);
	ledger_disk_fake_fail_at(f, 0);
	MUST(d.sync(f, "a", &e));
	assert_false(ledger_disk_fake_flip(f, "a", 8));
	assert_false(ledger_disk_fake_flip(f, "b", 0));
	assert_true(ledger_disk_fake_flip(f, "a", 0));
	MUST(d.read(f, "a", 0, &back, 1, &e));
	assert_int_equal(back, 'y');
	ledger_disk_fake_free(f);
	ledger_disk_fake_free(NULL);
}

/* ---- a log on a real disk -------------------------------------------------------------------- */

struct needle {
	struct slice bytes;
	unsigned found;
};

static void needle_look(void *context, const char *path, struct slice content)
{
	struct needle *n = context;

	(void)path;
	n->found += slice_find_text(content, n->bytes) != content.len;
}

static unsigned files_with(const char *folder, const void *bytes, size_t len)
{
	struct needle n = {.bytes = slice_of_bytes(bytes, len)};

	files_walk(folder, false, needle_look, &n);
	return n.found;
}

/* Small batches are only in the journal, yet a reader sees them; and nothing is written for it. */
static void readers_see_what_only_the_journal_holds(void **state)
{
	struct ledger_entry entry = {.class = LEDGER_COALITION, .content = SLICE("content")};
	struct ledger_options o = {.folder = "log", .origin = SLICE(ORIGIN), .world = world_real()};
	struct ledger_disk writing, reading;
	struct ledger *l, *seen;
	uint64_t first;
	uint8_t root[HASH_LEN], same[HASH_LEN];

	MUST(ledger_disk_open(*state, false, &writing, &e));
	MUST(ledger_disk_open(*state, true, &reading, &e));
	o.disk = &writing;
	MUST(ledger_open(&o, &l, &e));
	for (unsigned i = 0; i < 5; i++)
		MUST(ledger_append(l, &entry, 1, NULL, &first, &e));
	assert_true(l->journal > 0);
	o.disk = &reading;
	MUST(ledger_open(&o, &seen, &e));
	assert_int_equal(ledger_size(seen), 5);
	MUST(ledger_root(l, 5, root, &e));
	MUST(ledger_root(seen, 5, same, &e));
	assert_memory_equal(root, same, HASH_LEN);
	MUST(ledger_verify(seen, NULL, NULL, &e));
	assert_int_equal(ledger_append(seen, &entry, 1, NULL, &first, NULL), ERR_DENIED);
	ledger_close(seen);
	/* what the files do not have yet is not seen */
	MUST(writing.truncate(writing.context, "log/entries", 3 * ENTRY_BYTES, &e));
	MUST(ledger_open(&o, &seen, &e));
	assert_int_equal(ledger_size(seen), 3);
	ledger_close(seen);
	ledger_close(l);
	/* whoever writes makes it whole again */
	o.disk = &writing;
	MUST(ledger_open(&o, &l, &e));
	assert_int_equal(ledger_size(l), 5);
	MUST(ledger_verify(l, NULL, NULL, &e));
	ledger_close(l);
	ledger_disk_close(&reading);
	ledger_disk_close(&writing);
}

/* B8 of the acceptance tests, for the ledger's part: no byte of salt or content is left. */
static void what_is_erased_is_in_no_file(void **state)
{
	static const char secret[] = "the personal data of one person, 192.0.2.77";
	struct ledger_entry entries[3] = {
		{.class = LEDGER_COALITION, .content = SLICE("before")         },
		{.class = LEDGER_COALITION, .content = {secret, sizeof(secret)}},
		{.class = LEDGER_COALITION, .content = SLICE("after")          },
	};
	struct ledger_options o = {.folder = "log", .origin = SLICE(ORIGIN), .world = world_real()};
	uint8_t salt[LEDGER_SALT_LEN], gone[LEDGER_SALT_LEN], root[HASH_LEN], again[HASH_LEN];
	struct ledger_opening opening = {
		.index = 1, .content = {secret, sizeof(secret)}
        };
	struct ledger_place place;
	struct buf content = BUF_INIT;
	struct ledger_disk d;
	struct ledger *l;
	uint64_t first, serial = 0;

	MUST(ledger_disk_open(*state, false, &d, &e));
	o.disk = &d;
	MUST(ledger_open(&o, &l, &e));
	MUST(ledger_append(l, entries, 3, NULL, &first, &e));
	MUST(ledger_opening_get(l, 1, salt, &place, NULL, &e));
	MUST(ledger_root(l, 3, root, &e));
	memcpy(opening.salt, salt, sizeof(salt));
	assert_int_equal(files_with(*state, secret, sizeof(secret)), 2); /* and the journal */
	assert_int_equal(files_with(*state, salt, sizeof(salt)), 2);
	MUST(ledger_erase(l, 1, &e));
	MUST(ledger_erase(l, 1, &e)); /* again does no harm */
	assert_int_equal(files_with(*state, secret, 8), 0);
	assert_int_equal(files_with(*state, salt, 8), 0);
	/* it does not come back when a peer sends it once more */
	MUST(ledger_opening_check(l, &opening, &e));
	MUST(ledger_openings_put(l, &opening, &serial, 1, &e));
	assert_int_equal(files_with(*state, secret, 8), 0);
	MUST(ledger_opening_get(l, 1, gone, &place, &content, &e));
	assert_int_equal(place.where, LEDGER_ERASED);
	assert_int_equal(content.len, 0);
	MUST(ledger_root(l, 3, again, &e));
	assert_memory_equal(root, again, HASH_LEN);
	ledger_close(l);
	MUST(ledger_open(&o, &l, &e));
	MUST(ledger_verify(l, NULL, NULL, &e));
	MUST(ledger_opening_get(l, 2, gone, &place, &content, &e));
	assert_true(slice_is(buf_slice(&content), "after"));
	buf_fini(&content);
	ledger_close(l);
	ledger_disk_close(&d);
}

/* What was never opened here must not be fetched later either. */
static void a_leaf_can_be_erased_before_its_opening_came(void **state)
{
	struct ledger_place place;
	uint8_t salt[LEDGER_SALT_LEN];
	struct bench b;

	(void)state;
	bench_init(&b, 1);
	MUST(bench_append(&b, 6, &e));
	MUST(ledger_erase(b.log, 3, &e)); /* its content is in a store */
	MUST(ledger_opening_get(b.log, 3, salt, &place, NULL, &e));
	assert_int_equal(place.where, LEDGER_ERASED);
	MUST(ledger_erase(b.log, 5, &e)); /* an empty content */
	MUST(ledger_verify(b.log, NULL, NULL, &e));
	bench_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			real_and_fake_do_the_same, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			one_writer_and_any_number_of_readers, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(no_path_leads_out, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			many_files_are_kept_apart, folder_setup, folder_teardown),
		cmocka_unit_test(a_crash_keeps_what_was_synced_and_some_of_the_rest),
		cmocka_unit_test(the_fake_fails_when_told),
		cmocka_unit_test_setup_teardown(
			what_is_erased_is_in_no_file, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			readers_see_what_only_the_journal_holds, folder_setup, folder_teardown),
		cmocka_unit_test(a_leaf_can_be_erased_before_its_opening_came),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
