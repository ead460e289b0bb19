/* SPDX-License-Identifier: MPL-2.0 */
/*
 * `serai log` and `serai verify PROOF` on a log that a node would keep: what an outsider does with
 * nothing but files and public keys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "ledger/ledger.h"

#define ORIGIN  "a.example/log"
#define LEAVES  300
#define COMMAND 2048

#define MUST(call)                                                                                 \
	do {                                                                                       \
		struct err e = {0};                                                                \
		if ((call) != OK)                                                                  \
			fail_msg("%s: %s", #call, e.text);                                         \
	} while (0)

struct scene {
	char folder[64];
	struct buf out;
};

/* A file below the scene's folder. */
static const char *at(const struct scene *s, const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", s->folder, name);
	return path;
}

/* The program's exit status; what it says is in s->out. */
static int serai(struct scene *s, const char *format, ...) PRINTF(2, 3);
static int serai(struct scene *s, const char *format, ...)
{
	char command[COMMAND] = SERAI_PROGRAM " ";
	size_t len = strlen(command);
	va_list args;
	FILE *pipe;
	size_t got;
	int status;

	va_start(args, format);
	(void)vsnprintf(command + len, sizeof(command) - len - 8, format, args);
	va_end(args);
	strcat(command, " 2>&1");
	pipe = popen(command, "r");
	assert_non_null(pipe);
	buf_clear(&s->out);
	do {
		char *to = buf_reserve(&s->out, KIB(16));

		assert_non_null(to);
		got = fread(to, 1, KIB(16), pipe);
		s->out.len += got;
	} while (got > 0);
	status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void says(const struct scene *s, const char *what)
{
	if (slice_find_text(buf_slice(&s->out), slice_of(what)) == s->out.len)
		fail_msg("\"%.*s\" does not say \"%s\"", SLICE_ARG(buf_slice(&s->out)), what);
}

static void file_put(const char *path, struct slice content)
{
	MUST(file_write_atomic(path, content, 0600, &e));
}

static void key_line(struct buf *out, const char *head, const struct note_secret *secret)
{
	buf_text(out, head);
	note_key_format(&secret->key, out);
	buf_char(out, '\n');
}

/* Sign the log and cosign it; the public keys become the quorum file. */
static void log_sign(struct scene *s, struct ledger *l)
{
	struct note_checkpoint c = {.origin = ledger_origin(l), .size = ledger_size(l)};
	struct buf text = BUF_INIT, lines = BUF_INIT, note = BUF_INIT, quorum = BUF_INIT;
	struct note_secret log, witness;

	MUST(ledger_root(l, c.size, c.root, &e));
	MUST(note_secret_new(world_real(), SLICE(ORIGIN), NOTE_ED25519, &log, &e));
	MUST(note_secret_new(world_real(), SLICE("w.example"), NOTE_COSIGNATURE, &witness, &e));
	note_checkpoint_format(&c, &text);
	note_sign(&log, buf_slice(&text), &lines);
	note_cosign(&witness, buf_slice(&text), 1795392000, &lines);
	note_write(buf_slice(&text), buf_slice(&lines), &note);
	MUST(ledger_checkpoint_put(l, buf_slice(&note), &e));
	key_line(&quorum, "log ", &log);
	key_line(&quorum, "witness w ", &witness);
	buf_text(&quorum, "quorum w\n");
	file_put(at(s, "quorum"), buf_slice(&quorum));
	buf_fini(&text);
	buf_fini(&lines);
	buf_fini(&note);
	buf_fini(&quorum);
}

static int scene_setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct ledger_entry entries[LEAVES];
	struct ledger_options o = {.folder = "a", .origin = SLICE(ORIGIN), .world = world_real()};
	char contents[LEAVES][32];
	struct ledger_disk disk;
	struct ledger *l;
	uint64_t first;

	if (s == NULL)
		return -1;
	(void)snprintf(s->folder, sizeof(s->folder), "/tmp/log_cli_test.XXXXXX");
	if (mkdtemp(s->folder) == NULL)
		return -1;
	MUST(ledger_disk_open(s->folder, false, &disk, &e));
	o.disk = &disk;
	MUST(ledger_open(&o, &l, &e));
	for (size_t i = 0; i < LEAVES; i++) {
		int len = snprintf(contents[i], sizeof(contents[i]), "{\"number\":%zu}", i);

		entries[i] = (struct ledger_entry){
			.class = LEDGER_DECISION,
			.time_us = INT64_C(1795392000000000),
			.content = {contents[i], (size_t)len},
			.serial = i == 7 ? 99 : 0
                };
	}
	MUST(ledger_append(l, entries, LEAVES, NULL, &first, &e));
	MUST(ledger_erase(l, 9, &e));
	log_sign(s, l);
	ledger_close(l);
	ledger_disk_close(&disk);
	*state = s;
	return 0;
}

static int scene_teardown(void **state)
{
	struct scene *s = *state;
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf %s", s->folder);
	buf_fini(&s->out);
	if (system(command) != 0)
		return -1;
	free(s);
	return 0;
}

static void an_outsider_verifies_one_entry(void **state)
{
	struct scene *s = *state;

	assert_int_equal(serai(s, "log prove %s 42 -o %s -c %s", at(s, "a"), at(s, "proof"),
				 at(s, "content")),
		0);
	assert_int_equal(serai(s, "verify %s --content %s --quorum %s", at(s, "proof"),
				 at(s, "content"), at(s, "quorum")),
		0);
	says(s, "verified: entry 42");
	says(s, "cosigned by 1, last at 2026-11-23T");
	assert_int_equal(serai(s, "verify --json %s --content %s --quorum %s", at(s, "proof"),
				 at(s, "content"), at(s, "quorum")),
		0);
	says(s, "{\"verified\":true,\"origin\":\"" ORIGIN "\",\"index\":42,\"size\":300,");
	file_put(at(s, "other"), SLICE("{\"number\":43}"));
	assert_int_equal(serai(s, "verify %s --content %s --quorum %s", at(s, "proof"),
				 at(s, "other"), at(s, "quorum")),
		1);
	says(s, "not verified: the content is not at index 42");
	assert_int_equal(serai(s, "verify --json %s --content %s --quorum %s", at(s, "proof"),
				 at(s, "other"), at(s, "quorum")),
		1);
	says(s, "{\"verified\":false,\"reason\":");
}

static void verifying_needs_its_files(void **state)
{
	struct scene *s = *state;

	assert_int_equal(serai(s, "verify %s", at(s, "quorum")), 2);
	assert_int_equal(serai(s, "verify --content x"), 2);
	assert_int_equal(serai(s, "verify %s --content %s --quorum %s", at(s, "none"),
				 at(s, "quorum"), at(s, "quorum")),
		3);
	/* a proof that is none is a no, a quorum file that is none is no answer */
	assert_int_equal(serai(s, "verify %s --content %s --quorum %s", at(s, "quorum"),
				 at(s, "quorum"), at(s, "quorum")),
		1);
	file_put(at(s, "bad"), SLICE("nothing\n"));
	assert_int_equal(serai(s, "verify %s --content %s --quorum %s", at(s, "quorum"),
				 at(s, "quorum"), at(s, "bad")),
		3);
}

static void an_erased_entry_proves_its_leaf(void **state)
{
	struct scene *s = *state;

	assert_int_equal(
		serai(s, "log prove %s 9 -o %s -c %s", at(s, "a"), at(s, "proof"), at(s, "leaf")),
		0);
	assert_int_equal(serai(s, "verify %s --content %s --quorum %s", at(s, "proof"),
				 at(s, "leaf"), at(s, "quorum")),
		0);
	says(s, "verified: entry 9");
	/* a content that the store keeps is not the log's to write */
	assert_int_equal(serai(s, "log prove %s 7 -o %s", at(s, "a"), at(s, "proof")), 0);
	assert_int_equal(
		serai(s, "log prove %s 7 -o %s -c %s", at(s, "a"), at(s, "proof"), at(s, "x")), 2);
	assert_int_equal(serai(s, "log prove %s 300", at(s, "a")), 2);
	assert_int_equal(serai(s, "log prove %s x", at(s, "a")), 2);
}

static void leaves_are_listed(void **state)
{
	struct scene *s = *state;

	assert_int_equal(serai(s, "log show --json --from 7 -n 3 %s", at(s, "a")), 0);
	says(s, "{\"index\":7,\"class\":\"decision\",\"time\":\"2026-11-23T");
	says(s, "\"content\":\"in the store\",\"opened\":true}\n{\"index\":8,");
	says(s, "\"content\":\"held\",\"opened\":true}\n{\"index\":9,");
	says(s, "\"content\":\"erased\",\"opened\":false}\n");
	assert_int_equal(serai(s, "log show %s", at(s, "a")), 0);
	says(s, "log   " ORIGIN "\nsize  300\nroot  ");
	says(s, "\n299\tdecision\t");
	assert_int_equal(serai(s, "log show --from 300 --quiet %s", at(s, "a")), 0);
	assert_int_equal(serai(s, "log show %s", s->folder), 2); /* no log, and none is made */
	assert_int_equal(access(at(s, "state"), F_OK), -1);
	assert_int_equal(serai(s, "log show %s", at(s, "nowhere")), 3);
}

static void damage_is_found(void **state)
{
	struct scene *s = *state;
	FILE *f;

	assert_int_equal(serai(s, "log verify %s", at(s, "a")), 0);
	says(s, "the log is whole: 300 leaves");
	f = fopen(at(s, "a/entries"), "r+b");
	assert_non_null(f);
	assert_int_equal(fseek(f, 50 * 100 + 20, SEEK_SET), 0);
	assert_int_not_equal(fputc('?', f), EOF);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(serai(s, "log verify %s", at(s, "a")), 1);
	says(s, "leaf 100: \"entries\" at 5000");
	assert_int_equal(truncate(at(s, "a/entries"), 100), 0);
	assert_int_equal(serai(s, "log verify --json %s", at(s, "a")), 1);
	says(s, "{\"fault\":\"log");
}

static void tiles_are_plain_files(void **state)
{
	struct scene *s = *state;
	struct buf checkpoint = BUF_INIT, stored = BUF_INIT, tile = BUF_INIT;

	assert_int_equal(serai(s, "log tiles %s %s", at(s, "a"), at(s, "static")), 0);
	assert_int_equal(serai(s, "log tiles %s %s", at(s, "a"), at(s, "static")), 0);
	MUST(file_read(at(s, "static/checkpoint"), KIB(16), &checkpoint, &e));
	MUST(file_read(at(s, "a/checkpoint"), KIB(16), &stored, &e));
	assert_true(slice_equal(buf_slice(&checkpoint), buf_slice(&stored)));
	MUST(file_read(at(s, "static/tile/0/000"), KIB(16), &tile, &e));
	assert_int_equal(tile.len, 8192);
	assert_int_equal(access(at(s, "static/tile/0/001.p/44"), F_OK), 0);
	assert_int_equal(access(at(s, "static/tile/1/000.p/1"), F_OK), 0);
	assert_int_equal(access(at(s, "static/tile/entries/000"), F_OK), 0);
	assert_int_equal(access(at(s, "static/tile/entries/001.p/44"), F_OK), 0);
	buf_fini(&checkpoint);
	buf_fini(&stored);
	buf_fini(&tile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_outsider_verifies_one_entry, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(
			verifying_needs_its_files, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(
			an_erased_entry_proves_its_leaf, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(leaves_are_listed, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(damage_is_found, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(tiles_are_plain_files, scene_setup, scene_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
