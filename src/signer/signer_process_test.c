/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The signer as a process: over a socket, in its sandbox, killed at any point. Each attempt at what
 * it must not do is made in a signer that runs, in a process of its own, which tells by its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "signer_testing.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif

#define KILLS        120 /* points at which the process is killed */
#define REQUESTS_MAX 30  /* that let the log grow, of one life: TREE_MAX must do for all */

/* Ends of a process that was not killed. */
enum { DONE = 0, REFUSED = 1, NOT_READY = 2 };

struct scene {
	char folder[64], marks[96], keys[96];
	struct signer_secrets secrets;
	struct note_secret other;
	struct tree tree, fork;
};

static int scene_begin(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct world_fake w;

	*state = s;
	if (s == NULL || sodium_init() < 0)
		return -1;
	snprintf(s->folder, sizeof(s->folder), "/tmp/serai-signer-XXXXXX");
	if (mkdtemp(s->folder) == NULL)
		return -1;
	snprintf(s->marks, sizeof(s->marks), "%s/marks", s->folder);
	snprintf(s->keys, sizeof(s->keys), "%s/keys", s->folder);
	world_fake_init(&w, 11, 0);
	if (signer_secrets_new(&w.world, SLICE("kz"), &s->secrets, NULL) != OK ||
		signer_secrets_save(s->keys, &s->secrets, NULL) != OK ||
		note_secret_new(&w.world, SLICE("uz/log"), NOTE_ED25519, &s->other, NULL) != OK)
		return -1;
	tree_init(&s->tree, 1, 0);
	tree_init(&s->fork, 1, 5);
	return 0;
}

static int scene_end(void **state)
{
	static const char *const files[] = {"marks/log", "marks/witness", "marks/mirror", "keys"};
	struct scene *s = *state;
	char path[128];

	for (size_t i = 0; i < COUNT_OF(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", s->folder, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(s->marks);
	(void)rmdir(s->folder);
	tree_fini(&s->tree);
	tree_fini(&s->fork);
	free(s);
	return 0;
}

/* The signer of the scene over its real folder. */
static struct signer *signer_make(const struct scene *s, struct ledger_disk *disk)
{
	struct signer_options options = {&s->secrets, disk, world_real(), 0};
	struct signer *made;
	struct err e;

	if (ledger_disk_open(s->marks, false, disk, &e) != OK ||
		signer_open(&options, &made, &e) != OK)
		return NULL;
	return made;
}

/* ---- over a socket --------------------------------------------------------------------------- */

struct runner {
	struct signer *signer;
	int fd;
	enum err_kind kind;
};

static void *runner_run(void *context)
{
	struct runner *r = context;
	struct err e;

	r->kind = signer_run(r->signer, r->fd, &e);
	(void)shutdown(r->fd, SHUT_RDWR);
	return NULL;
}

/* What signer_run says of a peer that sends these bytes and, if so, no more. */
static enum err_kind run_of(struct scene *s, struct slice bytes, bool ends, struct buf *ret_answer)
{
	struct ledger_disk disk;
	struct runner r = {.signer = signer_make(s, &disk)};
	pthread_t thread;
	int fds[2];
	char byte;

	assert_non_null(r.signer);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	r.fd = fds[1];
	assert_int_equal(pthread_create(&thread, NULL, runner_run, &r), 0);
	assert_int_equal(send(fds[0], bytes.data, bytes.len, MSG_NOSIGNAL), (ssize_t)bytes.len);
	if (ends)
		assert_int_equal(shutdown(fds[0], SHUT_WR), 0);
	while (read(fds[0], &byte, 1) == 1)
		buf_char(ret_answer, byte);
	assert_int_equal(pthread_join(thread, NULL), 0);
	(void)close(fds[0]);
	(void)close(fds[1]);
	signer_close(r.signer);
	ledger_disk_close(&disk);
	return r.kind;
}

static void streams_that_break(void **state)
{
	struct scene *s = *state;
	static const char size[] = "\0\0\0\10SSQ1\2\0\0"; /* and a last zero */
	struct buf answer = BUF_INIT;

	assert_int_equal(run_of(s, (struct slice){0}, true, &answer), OK);
	assert_int_equal(answer.len, 0);
	assert_int_equal(run_of(s, (struct slice){size, 12}, true, &answer), OK);
	assert_int_equal(answer.len, 4 + 8 + 8);
	for (size_t len = 1; len < 12; len++) {
		buf_clear(&answer);
		assert_int_equal(run_of(s, (struct slice){size, len}, true, &answer), ERR_IO);
		assert_int_equal(answer.len, 0);
	}
	/* An empty frame is answered. */
	assert_int_equal(run_of(s, SLICE("\0\0\0\0"), true, &answer), OK);
	assert_int_equal(answer.data[4 + 5], ERR_PARSE);
	/* One byte too many is not waited for. */
	buf_clear(&answer);
	assert_int_equal(run_of(s, SLICE("\0\20\0\1"), false, &answer), ERR_LIMIT);
	assert_int_equal(answer.data[4 + 5], ERR_LIMIT);
	buf_clear(&answer);
	assert_int_equal(run_of(s, SLICE("\377\377\377\377"), false, &answer), ERR_LIMIT);
	assert_int_equal(answer.data[4 + 5], ERR_LIMIT);
	buf_fini(&answer);
}

static void the_largest_frame_goes_through(void **state)
{
	struct scene *s = *state;
	struct ledger_disk disk;
	struct runner r = {.signer = signer_make(s, &disk)};
	struct signer_socket *socket = NULL;
	struct signer_link l;
	struct buf frame = BUF_INIT, answer = BUF_INIT;
	struct err e;
	pthread_t thread;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	r.fd = fds[1];
	assert_int_equal(pthread_create(&thread, NULL, runner_run, &r), 0);
	assert_int_equal(signer_socket_new(fds[0], &socket, NULL), OK);
	l = signer_link_of_socket(socket);
	while (frame.len < SIGNER_FRAME_MAX)
		buf_char(&frame, 'x');
	assert_int_equal(l.call(l.context, buf_slice(&frame), &answer, &e), OK);
	assert_int_equal(answer.data[5], ERR_PARSE);
	buf_char(&frame, 'x');
	assert_int_equal(l.call(l.context, buf_slice(&frame), &answer, &e), ERR_LIMIT);
	/* That was not sent, so the next is answered. */
	frame.len--;
	assert_int_equal(l.call(l.context, buf_slice(&frame), &answer, &e), OK);
	signer_socket_free(socket);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(r.kind, OK);
	(void)close(fds[1]);
	signer_close(r.signer);
	ledger_disk_close(&disk);
	buf_fini(&frame);
	buf_fini(&answer);
}

/* The asking side against a peer that answers this. */
static void answers_that_break(void **state)
{
	static const struct {
		const char *why;
		const char *bytes;
		size_t len;
		enum err_kind kind;
	} cases[] = {
		{"nothing",           "",				      0,  ERR_IO   },
		{"half a length",     "\0\0",                                  2,  ERR_IO   },
		{"half a frame",      "\0\0\0\20SSA1",                         8,  ERR_IO   },
		{"too long a frame",  "\0\20\0\1",                             4,  ERR_LIMIT},
		{"no frame",          "\0\0\0\0",                              4,  ERR_PARSE},
		{"another operation", "\0\0\0\10SSA1\1\0\0\0",                 12, ERR_PARSE},
		{"a size",            "\0\0\0\20SSA1\2\0\0\0\0\0\0\0\0\0\0\5", 20, OK       },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct signer_socket *socket = NULL;
		struct signer_link l;
		uint64_t size = 0;
		enum err_kind kind;
		int fds[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		assert_int_equal(send(fds[1], cases[i].bytes, cases[i].len, MSG_NOSIGNAL),
			(ssize_t)cases[i].len);
		assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
		assert_int_equal(signer_socket_new(fds[0], &socket, NULL), OK);
		l = signer_link_of_socket(socket);
		kind = signer_signed_size(&l, &size, NULL);
		if (kind != cases[i].kind)
			fail_msg("%s: %s", cases[i].why, err_kind_name(kind));
		assert_int_equal(size, kind == OK ? 5 : 0);
		/* After a break nothing is asked any more. */
		(void)close(fds[1]);
		assert_int_equal(signer_signed_size(&l, &size, NULL), ERR_IO);
		assert_int_equal(signer_signed_size(&l, &size, NULL), ERR_IO);
		signer_socket_free(socket);
	}
	signer_socket_free(NULL);
	signer_close(NULL);
}

struct asker {
	struct signer_link link;
	unsigned good;
};

static void *asker_run(void *context)
{
	struct asker *a = context;

	for (unsigned i = 0; i < 500; i++) {
		struct signer_public public;

		a->good += signer_public_get(&a->link, &public, NULL) == OK;
	}
	return NULL;
}

static void threads_take_turns(void **state)
{
	struct scene *s = *state;
	struct ledger_disk disk;
	struct runner r = {.signer = signer_make(s, &disk)};
	struct signer_socket *socket = NULL;
	struct asker askers[4];
	pthread_t thread, threads[COUNT_OF(askers)];
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	r.fd = fds[1];
	assert_int_equal(pthread_create(&thread, NULL, runner_run, &r), 0);
	assert_int_equal(signer_socket_new(fds[0], &socket, NULL), OK);
	for (size_t i = 0; i < COUNT_OF(askers); i++) {
		/* Half of them over the socket, half straight. */
		askers[i].link =
			i % 2 == 0 ? signer_link_of_socket(socket) : signer_link_of(r.signer);
		askers[i].good = 0;
		assert_int_equal(pthread_create(&threads[i], NULL, asker_run, &askers[i]), 0);
	}
	for (size_t i = 0; i < COUNT_OF(askers); i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(askers[i].good, 500);
	}
	signer_socket_free(socket);
	assert_int_equal(pthread_join(thread, NULL), 0);
	(void)close(fds[1]);
	signer_close(r.signer);
	ledger_disk_close(&disk);
}

/* ---- in its sandbox -------------------------------------------------------------------------- */

/* What the attempts need; made before the sandbox is entered. */
struct tried {
	const struct scene *scene;
	int fd;       /* the signer's end */
	int peer;     /* the node's end: not the signer's */
	int spare;    /* a descriptor that the process had before */
	long number;  /* a system call */
	void *memory; /* a page */
};

/* A signer that runs and has signed something in its sandbox, and then tries this. */
static int try_in_signer(struct scene *s, int (*what)(struct tried *t), long number)
{
	int fds[2], status;
	pid_t child;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct tried t = {.scene = s, .fd = fds[1], .peer = fds[0], .number = number};
		struct ledger_disk disk;
		struct signer *signer = signer_make(s, &disk);
		struct signer_link l;
		struct ledger_path path = {.count = 0};
		uint8_t root[LEDGER_HASH_LEN];
		struct buf line = BUF_INIT;
		uint64_t size;
		struct err e;
		bool files;

		t.spare = open(s->keys, O_RDONLY);
		t.memory = mmap(
			NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		(void)alarm(20);
		if (signer == NULL || t.spare < 0 || t.memory == MAP_FAILED ||
			signer_sandbox(t.fd, s->marks, &files, &e) != OK)
			_exit(NOT_READY);
		l = signer_link_of(signer);
		tree_root(&s->tree, 3, root);
		if (signer_signed_size(&l, &size, &e) != OK)
			_exit(NOT_READY);
		tree_path(&s->tree, size, 3, &path);
		if (signer_checkpoint(&l, 3, root, &path, &line, &e) != OK)
			_exit(NOT_READY);
		_exit(what(&t));
	}
	(void)close(fds[0]);
	(void)close(fds[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		return -WTERMSIG(status);
	return WEXITSTATUS(status);
}

static int try_nothing(struct tried *t)
{
	(void)t;
	return DONE;
}

static int try_number(struct tried *t)
{
	(void)syscall(t->number, -1L, -1L, -1L, -1L, -1L, -1L);
	return DONE;
}

/* The whole of what a signer may ask of the kernel, whatever the arguments; the test's own list. */
static const long kept[] = {
	SYS_pread64,
	SYS_pwrite64,
	SYS_fdatasync,
	SYS_close,
	SYS_brk,
	SYS_mremap,
	SYS_munmap,
	SYS_madvise,
	SYS_munlock,
	SYS_futex,
	SYS_clock_gettime,
	SYS_getrandom,
	SYS_rt_sigreturn,
	SYS_exit,
	SYS_exit_group,
#ifdef SANITIZED
	SYS_sigaltstack,
#endif
};

static bool is_kept(long number)
{
	for (size_t i = 0; i < COUNT_OF(kept); i++)
		if (kept[i] == number)
			return true;
	return false;
}

/*
 * Every number, also those that no kernel knows yet. Descriptor -1 is not the signer's, and memory
 * of protection -1 would be code. Linux from 6.11 on lets uretprobe and uprobe past every filter;
 * they refuse whoever does not come from a probe of the kernel's own.
 */
static void all_other_system_calls_end_it(void **state)
{
	enum { URETPROBE = 335, UPROBE = 336 };
	struct scene *s = *state;

	assert_int_equal(try_in_signer(s, try_nothing, 0), DONE);
	for (long number = 0; number < 600; number++) {
		int end;

		if (is_kept(number) || number == URETPROBE || number == UPROBE)
			continue;
		end = try_in_signer(s, try_number, number);
		if (end != -SIGSYS)
			fail_msg("system call %ld: ended with %d", number, end);
	}
}

static int try_open_keys(struct tried *t)
{
	return open(t->scene->keys, O_RDONLY) < 0 ? REFUSED : DONE;
}
static int try_open_own(struct tried *t)
{
	(void)t;
	return open("log", O_RDONLY) < 0 ? REFUSED : DONE;
}
static int try_make_file(struct tried *t)
{
	return creat(t->scene->keys, 0600) < 0 ? REFUSED : DONE;
}
static int try_remove(struct tried *t)
{
	return unlink(t->scene->keys) != 0 ? REFUSED : DONE;
}
static int try_rename(struct tried *t)
{
	return rename(t->scene->keys, t->scene->marks) != 0 ? REFUSED : DONE;
}
static int try_list(struct tried *t)
{
	return chdir(t->scene->folder) != 0 ? REFUSED : DONE;
}
static int try_socket(struct tried *t)
{
	(void)t;
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? REFUSED : DONE;
}
static int try_connect(struct tried *t)
{
	const struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/run/x"};

	return connect(t->fd, (const struct sockaddr *)&to, sizeof(to)) != 0 ? REFUSED : DONE;
}
static int try_bind(struct tried *t)
{
	const struct sockaddr_un to = {.sun_family = AF_UNIX};

	return bind(t->fd, (const struct sockaddr *)&to, sizeof(sa_family_t)) != 0 ? REFUSED : DONE;
}
static int try_send_to_another(struct tried *t)
{
	return send(t->peer, "x", 1, MSG_NOSIGNAL) < 0 ? REFUSED : DONE;
}
static int try_send_to_an_address(struct tried *t)
{
	const struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/run/x"};

	return sendto(t->fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)) < 0 ? REFUSED
										      : DONE;
}
static int try_pass_a_descriptor(struct tried *t)
{
	struct msghdr m = {0};

	return sendmsg(t->fd, &m, 0) < 0 ? REFUSED : DONE;
}
static int try_read_another(struct tried *t)
{
	char byte;

	return read(t->peer, &byte, 1) < 0 ? REFUSED : DONE;
}
static int try_write_another(struct tried *t)
{
	return write(t->fd, "x", 1) < 0 ? REFUSED : DONE;
}
static int try_program(struct tried *t)
{
	(void)t;
	execl("/bin/true", "true", NULL);
	return REFUSED;
}
static int try_fork(struct tried *t)
{
	(void)t;
	return fork() < 0 ? REFUSED : DONE;
}
static int try_kill(struct tried *t)
{
	(void)t;
	return kill(getppid(), 0) != 0 ? REFUSED : DONE;
}
static int try_trace(struct tried *t)
{
	(void)t;
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 ? REFUSED : DONE;
}
static int try_map_code(struct tried *t)
{
	(void)t;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED
		       ? REFUSED
		       : DONE;
}
static int try_make_code(struct tried *t)
{
	return mprotect(t->memory, 4096, PROT_READ | PROT_EXEC) != 0 ? REFUSED : DONE;
}
static int try_privileges(struct tried *t)
{
	(void)t;
	return prctl(PR_SET_DUMPABLE, 1) != 0 ? REFUSED : DONE;
}
static int try_copy_descriptor(struct tried *t)
{
	return dup(t->fd) < 0 ? REFUSED : DONE;
}
static int try_clock_set(struct tried *t)
{
	const struct timespec zero = {0};

	(void)t;
	return clock_settime(CLOCK_REALTIME, &zero) != 0 ? REFUSED : DONE;
}
/* Not a system call that is denied, but a descriptor that is gone. */
static int try_read_what_was_open(struct tried *t)
{
	char byte;

	return pread(t->spare, &byte, 1, 0) < 0 && errno == EBADF ? REFUSED : DONE;
}
static int try_write_what_was_open(struct tried *t)
{
	(void)t;
	return pwrite(STDOUT_FILENO, "x", 1, 0) < 0 && errno == EBADF ? REFUSED : DONE;
}
static int try_use_what_stays(struct tried *t)
{
	void *more = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct timespec now;
	uint8_t random[8];
	char *heap = malloc(MIB(4));

	if (heap == NULL)
		return NOT_READY;
	memset(heap, 1, MIB(4));
	free(heap);
	if (more == MAP_FAILED || mprotect(t->memory, 4096, PROT_READ) != 0 ||
		syscall(SYS_clock_gettime, CLOCK_REALTIME, &now) != 0 ||
		syscall(SYS_getrandom, random, sizeof(random), 0) != sizeof(random))
		return NOT_READY;
	return munmap(more, 4096) == 0 && write(STDERR_FILENO, "", 0) == 0 ? DONE : NOT_READY;
}

static void attempts_end_it(void **state)
{
	struct scene *s = *state;
	static const struct {
		const char *what;
		int (*attempt)(struct tried *t);
		int end;
	} cases[] = {
		{"reads the file of keys",         try_open_keys,           -SIGSYS},
		{"opens a file of its own",        try_open_own,            -SIGSYS},
		{"makes a file",                   try_make_file,           -SIGSYS},
		{"removes a file",                 try_remove,              -SIGSYS},
		{"renames a file",                 try_rename,              -SIGSYS},
		{"goes to a folder",               try_list,                -SIGSYS},
		{"opens a socket",                 try_socket,              -SIGSYS},
		{"connects its socket elsewhere",  try_connect,             -SIGSYS},
		{"binds its socket",               try_bind,                -SIGSYS},
		{"sends on another socket",        try_send_to_another,     -SIGSYS},
		{"sends to an address",            try_send_to_an_address,  -SIGSYS},
		{"passes a descriptor",            try_pass_a_descriptor,   -SIGSYS},
		{"reads another socket",           try_read_another,        -SIGSYS},
		{"writes past the frames",         try_write_another,       -SIGSYS},
		{"starts a program",               try_program,             -SIGSYS},
		{"starts a process",               try_fork,                -SIGSYS},
		{"sends a signal",                 try_kill,                -SIGSYS},
		{"traces",                         try_trace,               -SIGSYS},
		{"maps code",                      try_map_code,            -SIGSYS},
		{"makes memory code",              try_make_code,           -SIGSYS},
		{"lets itself be dumped",          try_privileges,          -SIGSYS},
		{"copies a descriptor",            try_copy_descriptor,     -SIGSYS},
		{"sets the clock",                 try_clock_set,           -SIGSYS},
		{"reads what was open before",     try_read_what_was_open,  REFUSED},
		{"writes what was open before",    try_write_what_was_open, REFUSED},
		{"uses memory, clock, randomness", try_use_what_stays,      DONE   },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int end = try_in_signer(s, cases[i].attempt, 0);

		if (end != cases[i].end)
			fail_msg("a signer that %s ended with %d", cases[i].what, end);
	}
}

static void a_sandbox_needs_its_folder(void **state)
{
	struct scene *s = *state;
	bool files;
	struct err e;

	(void)s;
	assert_int_equal(signer_sandbox(0, "/nowhere/at/all", &files, &e), ERR_IO);
}

/* ---- killed ---------------------------------------------------------------------------------- */

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
		CASE(streams_that_break),
		CASE(the_largest_frame_goes_through),
		CASE(answers_that_break),
		CASE(threads_take_turns),
		CASE(all_other_system_calls_end_it),
		CASE(attempts_end_it),
		CASE(a_sandbox_needs_its_folder),
		CASE(killed_at_any_point_it_forgets_nothing),
		CASE(one_signer_a_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
