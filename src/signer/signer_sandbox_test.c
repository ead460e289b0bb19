/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The signer in its sandbox. Each attempt at what it must not do is made in a signer that runs, in
 * a process of its own, which tells by its end.
 */
#include "process_scene.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif

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

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
	const struct CMUnitTest tests[] = {
		CASE(all_other_system_calls_end_it),
		CASE(attempts_end_it),
		CASE(a_sandbox_needs_its_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
