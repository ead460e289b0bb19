/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the processes of `serai serve` must not do, tried in the processes themselves: the test
 * stops a running node or signer as a debugger does, makes it call the kernel with arguments of the
 * test's choosing, as code that took it over would, and looks what comes of it.
 */
#include "members.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)

#define RED_ZONE 1024 /* bytes below the stack that nobody uses */
#define KILLED   (-100000)

static int setup(void **state)
{
	static const char *const names[] = {"kz"};
	struct members *m = calloc(1, sizeof(*m));

	members_make(m, names, 1);
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	members_free(*state);
	return 0;
}

static bool text_put(int pid, unsigned long long at, const char *text)
{
	size_t len = strlen(text) + 1;

	for (size_t i = 0; i < len; i += sizeof(long)) {
		long word = 0;

		memcpy(&word, text + i, len - i < sizeof(long) ? len - i : sizeof(long));
		if (ptrace(PTRACE_POKEDATA, pid, at + i, word) != 0)
			return false;
	}
	return true;
}

/*
 * The result of one system call in that process: below zero an errno, KILLED when the kernel ended
 * the process. The instruction is the one in which it waits. `text`, when not NULL, is put into its
 * memory and its address is the argument numbered `text_at`.
 */
static long call_in(int pid, long number, const long args[6], const char *text, int text_at)
{
	struct user_regs_struct before, regs;
	unsigned long long *const places[] = {
		&regs.rdi, &regs.rsi, &regs.rdx, &regs.r10, &regs.r8, &regs.r9};
	int status;

	assert_int_equal(ptrace(PTRACE_SEIZE, pid, 0, 0), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, 0, 0), 0);
	assert_int_equal(waitpid(pid, &status, __WALL), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(ptrace(PTRACE_GETREGS, pid, 0, &before), 0);
	regs = before;
	assert_int_not_equal((long)before.orig_rax, -1); /* it waits in a call */
	for (int i = 0; i < 6; i++)
		*places[i] = (unsigned long long)args[i];
	if (text != NULL) {
		*places[text_at] = regs.rsp - RED_ZONE;
		assert_true(text_put(pid, regs.rsp - RED_ZONE, text));
	}
	regs.rax = (unsigned long long)number;
	regs.orig_rax = (unsigned long long)-1; /* nothing is called again behind our back */
	regs.rip -= 2;                          /* `syscall` is two bytes */
	assert_int_equal(ptrace(PTRACE_SETREGS, pid, 0, &regs), 0);
	assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, 0, 0), 0);
	assert_int_equal(waitpid(pid, &status, __WALL), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGSYS);
		return KILLED;
	}
	assert_true(WIFSTOPPED(status));
	assert_int_equal(ptrace(PTRACE_GETREGS, pid, 0, &regs), 0);
	/* and on as if nothing had been */
	assert_int_equal(ptrace(PTRACE_SETREGS, pid, 0, &before), 0);
	assert_int_equal(ptrace(PTRACE_DETACH, pid, 0, 0), 0);
	return (long)regs.rax;
}

static bool can_trace(void)
{
	int pid = fork(), status;
	bool can;

	if (pid == 0) {
		pause();
		_exit(0);
	}
	can = ptrace(PTRACE_SEIZE, pid, 0, 0) == 0;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return can;
}

/* Until the process waits in a call, as the leader of an idle node and the signer always do. */
static int process_of(struct member *m, const char *name)
{
	int pid = member_process(m, name);

	assert_true(pid > 0);
	/* An answer means that it is through with starting. */
	assert_int_equal(member_status(m, "charter"), 0);
	return pid;
}

/* ---- paths ----------------------------------------------------------------------------------- */

static void test_paths_of_the_node(void **state)
{
	struct members *m = *state;
	struct member *kz = &m->list[0];
	struct {
		const char *below, *path; /* below: "", the folder, or beside it */
		int flags;
		long expected; /* 0: opens */
	} cases[] = {
		{"in",     "/serai.conf",       O_RDONLY,         0      },
		{"in",     "/spool/new",        O_RDWR | O_CREAT, 0      },
		{"beside", "-keys/secrets",     O_RDONLY,         -EACCES},
		{"beside", "-keys/public",      O_RDONLY,         -EACCES},
		{"beside", "-keys/marks/log",   O_RDWR,           -EACCES},
		{"beside", "-keys",             O_RDONLY,         -EACCES},
		{"beside", "-keys/new",         O_RDWR | O_CREAT, -EACCES},
		{"",       "/etc/passwd",       O_RDONLY,         -EACCES},
		{"",       "/etc/shadow",       O_RDONLY,         -EACCES},
		{"",       "/proc/1/environ",   O_RDONLY,         -EACCES},
		{"",       "/root",             O_RDONLY,         -EACCES},
		{"",       "/tmp/serai-escape", O_RDWR | O_CREAT, -EACCES},
		{"",       "/bin/sh",           O_RDONLY,         -EACCES},
		{"",       "/dev/mem",          O_RDWR,           -EACCES},
	};
	int pid = process_of(kz, "serai-node");

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char path[300];
		long args[6] = {AT_FDCWD, 0, cases[i].flags | O_CLOEXEC, 0600}, got;

		snprintf(path, sizeof(path), "%s%s", cases[i].below[0] == '\0' ? "" : kz->folder,
			cases[i].path);
		got = call_in(pid, SYS_openat, args, path, 1);
		if (got == -ENOENT && cases[i].below[0] == '\0')
			continue; /* not on this machine */
		if (cases[i].expected == 0 ? got < 0 : got != cases[i].expected)
			fail_msg("%s: %ld", path, got);
		if (got >= 0) {
			const long closing[6] = {got};

			assert_int_equal(call_in(pid, SYS_close, closing, NULL, 0), 0);
		}
	}
	/* Nor by another name of it: a link into the folder would be one. */
	{
		char path[300], secrets[300];
		long args[6] = {0};

		snprintf(secrets, sizeof(secrets), "%s-keys/secrets", kz->folder);
		snprintf(path, sizeof(path), "%s/spool/key", kz->folder);
		assert_int_equal(link(secrets, path), 0);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(symlink(secrets, path), 0);
		args[0] = AT_FDCWD;
		args[2] = O_RDONLY | O_CLOEXEC;
		assert_int_equal(call_in(pid, SYS_openat, args, path, 1), -EACCES);
	}
	assert_int_equal(member_status(kz, "charter"), 0); /* it lives and answers */
}

/* ---- calls ----------------------------------------------------------------------------------- */

struct attempt {
	const char *name;
	long number;
	long args[6];
	const char *text; /* argument text_at */
	int text_at;
};

static void attempts_run(
	struct member *kz, const char *victim, const struct attempt *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		long got;
		int status;

		if (kz->server.pid == 0)
			member_serve(kz);
		got = call_in(process_of(kz, victim), list[i].number, list[i].args, list[i].text,
			list[i].text_at);
		if (got != KILLED)
			fail_msg("%s in %s: %ld", list[i].name, victim, got);
		/* With it all end, and the parent says that something was wrong. */
		member_stop(kz, 0, &status);
		assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}

static void test_calls_of_the_node(void **state)
{
	static const struct attempt list[] = {
		{"execve",            SYS_execve,            {0},              "/bin/sh", 0},
		{"execveat",          SYS_execveat,          {AT_FDCWD},       "/bin/sh", 1},
		{"fork",              SYS_fork,              {0},              NULL,      0},
		{"vfork",             SYS_vfork,             {0},              NULL,      0},
		{"ptrace",            SYS_ptrace,            {PTRACE_TRACEME}, NULL,      0},
		{"process_vm_readv",  SYS_process_vm_readv,  {1},              NULL,      0},
		{"process_vm_writev", SYS_process_vm_writev, {1},              NULL,      0},
		{"mount",             SYS_mount,             {0},              "/",       1},
		{"chroot",            SYS_chroot,            {0},              "/",       0},
		{"unshare",           SYS_unshare,           {0},              NULL,      0},
		{"setns",             SYS_setns,             {0},              NULL,      0},
		{"bpf",               SYS_bpf,               {0},              NULL,      0},
		{"perf_event_open",   SYS_perf_event_open,   {0},              NULL,      0},
		{"init_module",       SYS_init_module,       {0},              NULL,      0},
		{"keyctl",            SYS_keyctl,            {0},              NULL,      0},
		{"io_uring_setup",    425,                   {0},              NULL,      0},
		{"userfaultfd",       SYS_userfaultfd,       {0},              NULL,      0},
		{"clock_settime",     SYS_clock_settime,     {0},              NULL,      0},
		{"open_by_handle_at", SYS_open_by_handle_at, {0},              NULL,      0},
		{"listen",            SYS_listen,            {0},              NULL,      0},
	};
	struct members *m = *state;
	const long nothing[6] = {0};

	attempts_run(&m->list[0], "serai-node", list, COUNT_OF(list));
	/* Refused, not deadly: looking up names tries it. */
	member_serve(&m->list[0]);
	assert_int_equal(call_in(process_of(&m->list[0], "serai-node"), SYS_bind, nothing, NULL, 0),
		-EACCES);
	assert_int_equal(member_status(&m->list[0], "charter"), 0);
}

static void test_calls_of_the_signer(void **state)
{
	static const struct attempt list[] = {
		{"socket",     SYS_socket,     {AF_INET, SOCK_STREAM},    NULL,          0},
		{"socket",     SYS_socket,     {AF_UNIX, SOCK_DGRAM},     NULL,          0},
		{"socketpair", SYS_socketpair, {AF_UNIX, SOCK_STREAM},    NULL,          0},
		{"connect",    SYS_connect,    {0},                       NULL,          0},
		{"bind",       SYS_bind,       {0},                       NULL,          0},
		{"listen",     SYS_listen,     {0},                       NULL,          0},
		{"sendmsg",    SYS_sendmsg,    {0},                       NULL,          0},
		{"openat",     SYS_openat,     {AT_FDCWD},                "/etc/passwd", 1},
		{"open",       SYS_open,       {0},                       "secrets",     0},
		{"unlink",     SYS_unlink,     {0},                       "log",         0},
		{"rename",     SYS_rename,     {0},                       "log",         0},
		{"mkdir",      SYS_mkdir,      {0},                       "new",         0},
		{"readlink",   SYS_readlink,   {0},                       "log",         0},
		{"stat",       SYS_stat,       {0},                       "log",         0},
		{"chdir",      SYS_chdir,      {0},                       "/",           0},
		{"execve",     SYS_execve,     {0},                       "/bin/sh",     0},
		{"fork",       SYS_fork,       {0},                       NULL,          0},
		{"clone",      SYS_clone,      {SIGCHLD},                 NULL,          0},
		{"kill",       SYS_kill,       {1, 0},                    NULL,          0},
		{"ptrace",     SYS_ptrace,     {PTRACE_TRACEME},          NULL,          0},
		{"prctl",      SYS_prctl,      {0},                       NULL,          0},
		{"dup",        SYS_dup,        {2},                       NULL,          0},
		{"pipe",       SYS_pipe,       {0},                       NULL,          0},
		{"ioctl",      SYS_ioctl,      {2, 0},                    NULL,          0},
		{"fcntl",      SYS_fcntl,      {2, F_GETFL},              NULL,          0},
		{"mmap, code", SYS_mmap,       {0, 4096, 7, 0x22, -1, 0}, NULL,          0},
		{"setuid",     SYS_setuid,     {0},                       NULL,          0},
	};
	struct members *m = *state;

	attempts_run(&m->list[0], "serai-signer", list, COUNT_OF(list));
}

/* ---- what they hold -------------------------------------------------------------------------- */

static uint64_t field_of(int pid, const char *name, int base)
{
	struct buf text = BUF_INIT;
	struct slice rest, line;
	uint64_t value = UINT64_MAX;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	MUST(file_read(path, KIB(16), &text, e));
	rest = buf_slice(&text);
	while (slice_next(&rest, '\n', &line)) {
		if (slice_starts(line, slice_of(name)))
			value = strtoull(line.data + strlen(name) + 1, NULL, base);
	}
	buf_fini(&text);
	return value;
}

static void test_what_they_hold(void **state)
{
	struct members *m = *state;
	struct member *kz = &m->list[0];
	int node = process_of(kz, "serai-node"), signer = process_of(kz, "serai-signer");
	const int both[] = {node, signer};
	size_t sockets = 0;

	for (size_t i = 0; i < COUNT_OF(both); i++) {
		assert_int_equal(field_of(both[i], "Seccomp:", 10), 2);
		assert_int_equal(field_of(both[i], "NoNewPrivs:", 10), 1);
		assert_int_equal(field_of(both[i], "CapEff:", 16), 0);
		assert_int_equal(field_of(both[i], "CapPrm:", 16), 0);
		assert_int_equal(field_of(both[i], "CapInh:", 16), 0);
	}
	assert_int_equal(field_of(signer, "Threads:", 10), 1);
	/* One socket, standard error, and files below its marks. */
	for (int fd = 0; fd < 256; fd++) {
		char link[64], target[512] = "", marks[300];

		snprintf(link, sizeof(link), "/proc/%d/fd/%d", signer, fd);
		if (readlink(link, target, sizeof(target) - 1) <= 0 || fd == STDERR_FILENO)
			continue;
		snprintf(marks, sizeof(marks), "%s-keys/marks", kz->folder);
		if (strncmp(target, "socket:", 7) == 0)
			sockets++;
		else if (strncmp(target, marks, strlen(marks)) != 0)
			fail_msg("the signer has \"%s\" open", target);
	}
	assert_int_equal(sockets, 1);
	for (int fd = 0; fd < 256; fd++) {
		char link[64], target[512] = "";

		snprintf(link, sizeof(link), "/proc/%d/fd/%d", node, fd);
		if (readlink(link, target, sizeof(target) - 1) > 0 &&
			strstr(target, "-keys") != NULL)
			fail_msg("the node has \"%s\" open", target);
	}
}

/* ---- a port that needs a privilege ----------------------------------------------------------- */

/* A port below 1024 that is free and that we may open; 0: none. */
static unsigned low_port(void)
{
	for (unsigned port = 1023; port > 512; port--) {
		char where[32];
		int fd;

		snprintf(where, sizeof(where), "127.0.0.1:%u", port);
		if (http_listen_open(where, &fd, NULL) == OK) {
			close(fd);
			return port;
		}
	}
	return 0;
}

/* The parent opens it; the node, which has no privilege, serves on it. */
static void test_low_port(void **state)
{
	struct members *m = *state;
	struct member *kz = &m->list[0];
	unsigned port = low_port();
	char path[200];
	FILE *to;

	if (port == 0)
		skip();
	member_stop(kz, SIGTERM, NULL);
	snprintf(path, sizeof(path), "%s/" NODE_CONFIG_FILE, kz->folder);
	to = fopen(path, "a");
	assert_non_null(to);
	assert_true(fprintf(to, "listen = 127.0.0.1:%u\n", port) > 0);
	assert_int_equal(fclose(to), 0);
	member_serve(kz);
	assert_int_equal(kz->server.port, port);
	assert_int_equal(field_of(process_of(kz, "serai-node"), "CapEff:", 16), 0);
	{
		struct http_client *client;
		struct http_answer answer;
		char url[64];
		bool again;

		scenario_client(kz->folder, &client);
		snprintf(url, sizeof(url), "https://127.0.0.1:%u/healthz", port);
		MUST(http_client_call(client,
			&(struct http_call){.method = HTTP_GET, .url = url, .body_max = KIB(4)},
			&answer, &again, e));
		assert_int_equal(answer.status, 200);
		http_client_free(client);
	}
	/* The parent has let go of it: with the node nobody listens there. */
	kill(process_of(kz, "serai-node"), SIGKILL);
	member_stop(kz, 0, NULL);
	assert_int_equal(low_port(), port);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_low_port, setup, teardown),
		cmocka_unit_test_setup_teardown(test_paths_of_the_node, setup, teardown),
		cmocka_unit_test_setup_teardown(test_calls_of_the_node, setup, teardown),
		cmocka_unit_test_setup_teardown(test_calls_of_the_signer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_they_hold, setup, teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	if (!can_trace())
		return 77; /* skipped: no right to look into processes */
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
	return 77; /* skipped: registers of another machine */
}

#endif
