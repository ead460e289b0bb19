/* SPDX-License-Identifier: MPL-2.0 */
/* The signer as a process that is killed at any point: it forgets nothing that it answered. */
#include "process_scene.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILLS        120 /* points at which the process is killed */
#define REQUESTS_MAX 30  /* that let the log grow, of one life: TREE_MAX must do for all */

struct process {
	pid_t pid;
	struct signer_socket *socket;
	struct signer_link link;
};

static void process_start(struct scene *s, struct process *p)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid == 0) {
		struct ledger_disk disk;
		struct signer *signer = signer_make(s, &disk);
		struct err e;
		bool files;

		(void)close(fds[0]);
		if (signer == NULL || signer_sandbox(fds[1], s->marks, &files, &e) != OK)
			_exit(NOT_READY);
		if (signer_run(signer, fds[1], &e) != OK)
			_exit(REFUSED);
		signer_close(signer);
		ledger_disk_close(&disk);
		_exit(DONE);
	}
	(void)close(fds[1]);
	assert_int_equal(signer_socket_new(fds[0], &p->socket, NULL), OK);
	p->link = signer_link_of_socket(p->socket);
}

/* The exit status, or -signal. */
static int process_end(struct process *p)
{
	int status;

	signer_socket_free(p->socket);
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* What was answered so far. */
struct answered {
	uint64_t own, cosigned;
	unsigned count;
};

static enum err_kind ask_own(
	struct scene *s, struct process *p, const struct tree *t, uint64_t old_size, uint64_t size)
{
	struct ledger_path path;
	uint8_t root[LEDGER_HASH_LEN];
	struct buf line = BUF_INIT, whole = BUF_INIT, text = BUF_INIT;
	struct note_checkpoint c = {.origin = SLICE("kz/log"), .size = size};
	struct arena *a = arena_new(MIB(1));
	struct note n;
	struct note_verdict v;
	enum err_kind kind;

	tree_root(t, size, root);
	tree_path(t, old_size, size, &path);
	kind = signer_checkpoint(&p->link, size, root, &path, &line, NULL);
	if (kind == OK) {
		/* No answer holds a wrong signature. */
		memcpy(c.root, root, sizeof(root));
		note_checkpoint_format(&c, &text);
		note_write(buf_slice(&text), buf_slice(&line), &whole);
		assert_int_equal(note_parse(buf_slice(&whole), a, &n, NULL), OK);
		assert_int_equal(
			note_verify(&n, &s->secrets.notes[SIGNER_LOG].key, 1, a, &v, NULL), OK);
		assert_int_equal(v.signed_count, 1);
	}
	arena_free(a);
	buf_fini(&line);
	buf_fini(&whole);
	buf_fini(&text);
	return kind;
}

static enum err_kind ask_cosign(struct scene *s, struct process *p, const struct tree *t,
	uint64_t old_size, uint64_t size, uint64_t *ret_size)
{
	struct ledger_path path;
	struct buf line = BUF_INIT, bytes = BUF_INIT;
	enum err_kind kind;

	note_of(&s->other, t, size, &bytes);
	tree_path(t, old_size, size, &path);
	kind = signer_cosign(&p->link, SIGNER_WITNESS, &s->other.key, buf_slice(&bytes), old_size,
		&path, &line, ret_size, NULL);
	buf_fini(&line);
	buf_fini(&bytes);
	return kind;
}

/* After a kill: the marks are at least what was answered, and no other history is signed. */
static void killed_check(struct scene *s, struct process *p, struct answered *a)
{
	uint64_t own = 0, cosigned = a->cosigned;
	enum err_kind kind;

	assert_int_equal(signer_signed_size(&p->link, &own, NULL), OK);
	assert_true(own >= a->own);
	kind = ask_cosign(s, p, &s->tree, 0, 1, &cosigned);
	assert_true(kind == ERR_CONFLICT || (kind == OK && a->cosigned == 0));
	assert_true(cosigned >= a->cosigned);
	a->own = own;
	a->cosigned = kind == OK ? 1 : cosigned;
	if (own >= 6) {
		assert_int_equal(ask_own(s, p, &s->fork, own, own + 1), ERR_INVALID);
		assert_int_equal(ask_own(s, p, &s->fork, own, own), ERR_CONFLICT);
		assert_int_equal(ask_own(s, p, &s->tree, 0, own - 1), ERR_DENIED);
	}
	if (a->cosigned >= 6) {
		assert_int_equal(
			ask_cosign(s, p, &s->fork, a->cosigned, a->cosigned + 1, &cosigned),
			ERR_INVALID);
		assert_int_equal(
			ask_cosign(s, p, &s->tree, a->cosigned - 1, a->cosigned - 1, &cosigned),
			ERR_CONFLICT);
	}
}

struct killer {
	pid_t pid;
	unsigned after;   /* signatures, */
	int64_t after_us; /* and then a moment */
	atomic_uint count;
};

static void *killer_run(void *context)
{
	struct killer *k = context;
	int64_t until;

	while (atomic_load(&k->count) < k->after)
		sched_yield();
	until = world_monotonic(world_real()) + k->after_us;
	while (world_monotonic(world_real()) < until)
		;
	(void)kill(k->pid, SIGKILL);
	return NULL;
}

/* Asks until the other end is gone. */
static void hammer(struct scene *s, struct process *p, struct answered *a, atomic_uint *signatures)
{
	uint64_t ignored;

	for (unsigned i = 0;; i++) {
		uint64_t by = i < REQUESTS_MAX && a->own + 2 < TREE_MAX ? 1 : 0;

		if (ask_own(s, p, &s->tree, a->own, a->own + by) != OK)
			return;
		a->own += by;
		a->count++;
		(void)atomic_fetch_add(signatures, 1);
		if (ask_cosign(s, p, &s->tree, a->cosigned, a->cosigned + by, &ignored) != OK)
			return;
		a->cosigned += by;
		a->count++;
		(void)atomic_fetch_add(signatures, 1);
	}
}

static void killed_at_any_point_it_forgets_nothing(void **state)
{
	struct scene *s = *state;
	const char *kills = getenv("SERAI_KILLS");
	unsigned count = kills == NULL ? KILLS : (unsigned)strtoul(kills, NULL, 10);
	struct answered a = {0};
	struct process p;
	uint32_t random = 12345;

	for (unsigned i = 0; i < count; i++) {
		struct killer k;
		pthread_t thread;

		process_start(s, &p);
		killed_check(s, &p, &a);
		random = random * 1664525 + 1013904223;
		k = (struct killer){
			.pid = p.pid, .after = 1 + random % 4, .after_us = random >> 20};
		atomic_init(&k.count, 0);
		assert_int_equal(pthread_create(&thread, NULL, killer_run, &k), 0);
		hammer(s, &p, &a, &k.count);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_equal(process_end(&p), -SIGKILL);
	}
	process_start(s, &p);
	killed_check(s, &p, &a);
	assert_true(a.count >= count);
	/* Left in peace it ends well when its socket is closed. */
	assert_int_equal(process_end(&p), DONE);
	print_message("%u kills, %u signatures between them, %llu leaves\n", count, a.count,
		(unsigned long long)a.own);
}

static void one_signer_a_folder(void **state)
{
	struct scene *s = *state;
	struct ledger_disk disk, second;
	struct signer *signer = signer_make(s, &disk);

	assert_non_null(signer);
	assert_int_equal(ledger_disk_open(s->marks, false, &second, NULL), ERR_BUSY);
	signer_close(signer);
	ledger_disk_close(&disk);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
	const struct CMUnitTest tests[] = {
		CASE(killed_at_any_point_it_forgets_nothing),
		CASE(one_signer_a_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
