/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Every call to memory and to the system fails once, in every operation: each failure is told, no
 * output is half, no file is left beside, and the next try goes well. The linker puts the functions
 * below in place of the library's (--wrap).
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ledger_testing.h"
#include "signer_testing.h"

static unsigned countdown; /* the call that fails; 0: none */
static unsigned calls;     /* since the countdown began */
static int with;           /* errno */

static bool fails(void)
{
	calls++;
	if (countdown == 0 || calls != countdown)
		return false;
	errno = with;
	return true;
}

#define WRAP(type, name, args, pass, bad)                                                          \
	type __real_##name args;                                                                   \
	type __wrap_##name args;                                                                   \
	type __wrap_##name args                                                                    \
	{                                                                                          \
		return fails() ? bad : __real_##name pass;                                         \
	}

WRAP(void *, malloc, (size_t n), (n), NULL)
WRAP(void *, calloc, (size_t n, size_t m), (n, m), NULL)
WRAP(void *, realloc, (void *p, size_t n), (p, n), NULL)
WRAP(void *, sodium_malloc, (size_t n), (n), NULL)
WRAP(int, sodium_init, (void), (), -1)
WRAP(char *, strndup, (const char *s, size_t n), (s, n), NULL)
/* open by its real name */
WRAP(int, open64, (const char *path, int flags, mode_t mode), (path, flags, mode), -1)
WRAP(int, fsync, (int fd), (fd), -1)
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode), -1)
WRAP(int, fstat64, (int fd, struct stat64 *st), (fd, st), -1) /* fstat by its real name */
WRAP(int, link, (const char *a, const char *b), (a, b), -1)
WRAP(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n), -1)
/* read by its name in a hardened build */
WRAP(ssize_t, __read_chk, (int fd, void *p, size_t n, size_t m), (fd, p, n, m), -1)
WRAP(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n), -1)
WRAP(ssize_t, send, (int fd, const void *p, size_t n, int f), (fd, p, n, f), -1)

struct scene {
	char folder[64], path[96];
	struct world_fake world;
	struct signer_secrets secrets;
	struct note_secret other;
	struct tree tree;
	struct ledger_disk_fake *fake;
	struct ledger_disk disk;
	struct signer *signer;
	struct buf note, frames; /* of the other's log; requests as they go over a socket */
};

/* ---- what is tried --------------------------------------------------------------------------- */

static enum err_kind try_save(struct scene *s, struct err *e)
{
	(void)unlink(s->path);
	return signer_secrets_save(s->path, &s->secrets, e);
}

static enum err_kind try_load(struct scene *s, struct err *e)
{
	struct signer_secrets got = {0};
	static const struct signer_secrets none;
	enum err_kind kind = signer_secrets_load(s->path, &got, e);

	if (kind != OK)
		assert_memory_equal(&got, &none, sizeof(got));
	return kind;
}

static enum err_kind try_open(struct scene *s, struct err *e)
{
	struct signer_options options = {&s->secrets, &s->disk, &s->world.world, 0};
	struct signer *signer = NULL;
	enum err_kind kind = signer_open(&options, &signer, e);

	assert_true((kind == OK) == (signer != NULL));
	signer_close(signer);
	return kind;
}

static enum err_kind try_public(struct scene *s, struct err *e)
{
	struct signer_link l = signer_link_of(s->signer);
	struct signer_public public;

	return signer_public_get(&l, &public, e);
}

static enum err_kind try_checkpoint(struct scene *s, struct err *e)
{
	struct signer_link l = signer_link_of(s->signer);
	struct ledger_path path = {.count = 0};
	uint8_t root[LEDGER_HASH_LEN];
	struct buf line = BUF_INIT;
	enum err_kind kind;

	tree_root(&s->tree, 0, root);
	kind = signer_checkpoint(&l, 0, root, &path, &line, e);
	assert_true(kind == OK || line.len == 0);
	buf_fini(&line);
	return kind;
}

static enum err_kind try_seen(struct scene *s, struct err *e)
{
	struct signer_link l = signer_link_of(s->signer);
	struct buf own = BUF_INIT;
	enum err_kind kind;
	unsigned after = countdown;

	countdown = 0;
	note_of(&s->secrets.notes[SIGNER_LOG], &s->tree, 0, &own);
	countdown = after;
	calls = 0;
	kind = signer_seen(&l, SLICE("uz/witness"), buf_slice(&own), e);
	buf_fini(&own);
	return kind;
}

static enum err_kind try_cosign(struct scene *s, struct err *e)
{
	struct signer_link l = signer_link_of(s->signer);
	struct ledger_path path = {.count = 0};
	struct buf line = BUF_INIT;
	uint64_t size, old_size = 0;
	enum err_kind kind = signer_cosign(&l, SIGNER_WITNESS, &s->other.key, buf_slice(&s->note),
		0, &path, &line, &old_size, e);

	/* The mark may be kept although the answer was lost: then that size is told. */
	if (kind == ERR_CONFLICT)
		kind = signer_cosign(&l, SIGNER_WITNESS, &s->other.key, buf_slice(&s->note),
			old_size, &path, &line, &size, e);
	assert_true(kind == OK || line.len == 0);
	buf_fini(&line);
	return kind;
}

static enum err_kind try_manifest(struct scene *s, struct err *e)
{
	struct signer_link l = signer_link_of(s->signer);
	struct buf line = BUF_INIT;
	enum err_kind kind = signer_manifest(&l, SLICE(SIGNER_MANIFEST_HEAD), &line, e);

	assert_true(kind == OK || line.len == 0);
	buf_fini(&line);
	return kind;
}

static enum err_kind try_run(struct scene *s, struct err *e)
{
	int fds[2];
	enum err_kind kind;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(
		__real_send(fds[0], s->frames.data, s->frames.len, 0), (ssize_t)s->frames.len);
	assert_int_equal(shutdown(fds[0], SHUT_WR), 0);
	kind = signer_run(s->signer, fds[1], e);
	(void)close(fds[0]);
	(void)close(fds[1]);
	return kind;
}

/* Against an answer that waits in the socket already. */
static enum err_kind try_socket(struct scene *s, struct err *e)
{
	static const char answer[] = "\0\0\0\20SSA1\2\0\0\0\0\0\0\0\0\0\0\5"; /* a size */
	struct signer_socket *socket = NULL;
	struct signer_link l;
	uint64_t size = 0;
	int fds[2];
	enum err_kind kind;

	(void)s;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(__real_send(fds[1], answer, 20, 0), 20);
	kind = signer_socket_new(fds[0], &socket, e);
	if (kind != OK) {
		(void)close(fds[0]);
	} else {
		l = signer_link_of_socket(socket);
		kind = signer_signed_size(&l, &size, e);
	}
	assert_int_equal(size, kind == OK ? 5 : 0);
	signer_socket_free(socket);
	(void)close(fds[1]);
	return kind;
}

static enum err_kind try_note(struct scene *s, struct err *e)
{
	struct buf line = BUF_INIT;
	bool bad;

	note_cosign(&s->secrets.notes[SIGNER_WITNESS], SLICE("kz/log\n"), 1, &line);
	bad = line.bad;
	buf_fini(&line);
	return bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

static const struct {
	const char *what;
	enum err_kind (*attempt)(struct scene *s, struct err *e);
	unsigned least; /* so many of its calls must have failed */
} attempts[] = {
	{"save",       try_save,       7},
	{"load",       try_load,       2},
	{"open",       try_open,       3},
	{"public",     try_public,     4},
	{"checkpoint", try_checkpoint, 4},
	{"seen",       try_seen,       4},
	{"cosign",     try_cosign,     4},
	{"manifest",   try_manifest,   3},
	{"run",        try_run,        4},
	{"socket",     try_socket,     5},
	{"note",       try_note,       2},
};

/* ---- the scene ------------------------------------------------------------------------------- */

static int scene_begin(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct signer_options options;

	*state = s;
	if (s == NULL || sodium_init() < 0)
		return -1;
	snprintf(s->folder, sizeof(s->folder), "/tmp/serai-fault-XXXXXX");
	if (mkdtemp(s->folder) == NULL)
		return -1;
	snprintf(s->path, sizeof(s->path), "%s/keys", s->folder);
	world_fake_init(&s->world, 5, 0);
	if (signer_secrets_new(&s->world.world, SLICE("kz"), &s->secrets, NULL) != OK ||
		signer_secrets_save(s->path, &s->secrets, NULL) != OK ||
		note_secret_new(&s->world.world, SLICE("uz/log"), NOTE_ED25519, &s->other, NULL) !=
			OK)
		return -1;
	tree_init(&s->tree, 1, 0);
	note_of(&s->other, &s->tree, 4, &s->note);
	s->fake = ledger_disk_fake_new(1);
	s->disk = ledger_disk_of_fake(s->fake);
	options = (struct signer_options){&s->secrets, &s->disk, &s->world.world, 0};
	if (signer_open(&options, &s->signer, NULL) != OK)
		return -1;
	/* A size, then all that is public, which does not fit into the room of the first. */
	buf_append(&s->frames, "\0\0\0\10SSQ1\2\0\0\0", 12);
	buf_append(&s->frames, "\0\0\0\10SSQ1\1\0\0\0", 12);
	return 0;
}

static int scene_end(void **state)
{
	struct scene *s = *state;

	signer_close(s->signer);
	ledger_disk_fake_free(s->fake);
	tree_fini(&s->tree);
	buf_fini(&s->note);
	buf_fini(&s->frames);
	(void)unlink(s->path);
	(void)rmdir(s->folder);
	free(s);
	return 0;
}

static unsigned files_in(const char *folder)
{
	DIR *d = opendir(folder);
	unsigned count = 0;
	const struct dirent *entry;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL)
		count += entry->d_name[0] != '.';
	(void)closedir(d);
	return count;
}

static enum err_kind attempt(struct scene *s, size_t i, unsigned n, int number)
{
	struct err e = {0};
	enum err_kind kind;

	countdown = n;
	calls = 0;
	with = number;
	kind = attempts[i].attempt(s, &e);
	countdown = 0;
	assert_true(kind == OK || e.text[0] != '\0');
	return kind;
}

static void each_call_fails_once(void **state)
{
	struct scene *s = *state;

	for (size_t i = 0; i < COUNT_OF(attempts); i++) {
		unsigned failed = 0;

		for (unsigned n = 1;; n++) {
			enum err_kind kind = attempt(s, i, n, EIO);
			bool was_reached = calls >= n;

			failed += kind != OK;
			assert_true(files_in(s->folder) <= 1);
			if (attempt(s, i, 0, 0) != OK)
				fail_msg("%s: not well again after call %u", attempts[i].what, n);
			if (!was_reached)
				break;
		}
		if (failed < attempts[i].least)
			fail_msg("%s: only %u calls failed", attempts[i].what, failed);
	}
}

/* A signal in between is no failure, wherever the system may be asked again. */
static void interrupted_calls_are_repeated(void **state)
{
	struct scene *s = *state;
	unsigned repeated[COUNT_OF(attempts)] = {0};

	for (size_t i = 0; i < COUNT_OF(attempts); i++)
		for (unsigned n = 1; n < 40; n++)
			repeated[i] += attempt(s, i, n, EINTR) == OK && calls >= n;
	/* save writes, load reads, run and socket do both. */
	assert_true(repeated[0] >= 1 && repeated[1] >= 1);
	assert_true(repeated[8] >= 5 && repeated[9] >= 3);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
	const struct CMUnitTest tests[] = {
		CASE(each_call_fails_once),
		CASE(interrupted_calls_are_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
