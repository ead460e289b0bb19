/* SPDX-License-Identifier: MPL-2.0 */
/* What was given up is gone: each case in a process of its own, which tells by its end. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/serai-sandbox-XXXXXX";
static char inside[64], outside[64];

enum { DONE = 0, REFUSED = 1, NOT_ENTERED = 2 };

static int file_make(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return REFUSED;
	close(fd);
	return DONE;
}

static int write_inside(void)
{
	return file_make(inside);
}
static int write_outside(void)
{
	return file_make(outside);
}
static int read_elsewhere(void)
{
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return REFUSED;
	close(fd);
	return DONE;
}
static int start_program(void)
{
	execl("/bin/true", "true", NULL);
	return REFUSED;
}
static int open_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return REFUSED;
	close(fd);
	return DONE;
}

/* The exit status, or -signal; *ret_files: Landlock is there. */
static int run(int (*what)(void), bool no_sending, bool *ret_files)
{
	char sub[80];
	int status, pipes[2];
	bool files = false;
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	snprintf(sub, sizeof(sub), "%s/in", folder);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		const struct sandbox_path paths[] = {
			{sub,               SANDBOX_WRITE, false, false},
			{"/nowhere/at/all", SANDBOX_READ,  false, true },
		};
		const struct sandbox_rules rules = {paths, COUNT_OF(paths), no_sending};
		struct err e;

		if (sandbox_enter(&rules, &files, &e) != OK)
			_exit(NOT_ENTERED);
		(void)!write(pipes[1], &files, sizeof(files));
		_exit(what());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	close(pipes[1]);
	*ret_files = read(pipes[0], &files, sizeof(files)) == (ssize_t)sizeof(files) && files;
	close(pipes[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void files_are_those_named(void **state)
{
	bool files;

	(void)state;
	assert_int_equal(run(write_inside, false, &files), DONE);
	if (!files) {
		print_message("skipped: this kernel has no Landlock\n");
		skip();
	}
	assert_int_equal(run(write_outside, false, &files), REFUSED);
	assert_int_equal(run(read_elsewhere, false, &files), REFUSED);
}

static void no_program_starts(void **state)
{
	bool files;

	(void)state;
	assert_int_equal(run(start_program, false, &files), -SIGSYS);
}

static void a_sensor_opens_no_socket(void **state)
{
	bool files;

	(void)state;
	assert_int_equal(run(open_socket, false, &files), DONE);
	assert_int_equal(run(open_socket, true, &files), -SIGSYS);
}

static void a_missing_path_is_told(void **state)
{
	const struct sandbox_path path = {"/nowhere/at/all", SANDBOX_READ, false, false};
	const struct sandbox_rules rules = {&path, 1, false};
	struct err e = {0};
	int status;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		bool files;
		enum err_kind kind = sandbox_enter(&rules, &files, &e);

		/* Without Landlock no path is looked at. */
		_exit(kind == OK && files ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- nothing but ----------------------------------------------------------------------------- */

static int write_to_errors(void)
{
	return write(STDERR_FILENO, "", 0) == 0 ? DONE : REFUSED;
}
static int write_to_output(void)
{
	return write(STDOUT_FILENO, "", 0) == 0 ? DONE : REFUSED;
}
static int open_at(void)
{
	return openat(AT_FDCWD, inside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 && errno == EMFILE
		       ? REFUSED
		       : DONE;
}
static int have_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct have[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &head, have) != 0)
		return NOT_ENTERED;
	return have[0].effective == 0 && have[0].permitted == 0 && have[1].effective == 0 &&
			       have[1].permitted == 0
		       ? REFUSED
		       : DONE;
}
static int map_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED
		       ? REFUSED
		       : DONE;
}
static int map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0) == MAP_FAILED
		       ? REFUSED
		       : DONE;
}
static int nothing(void)
{
	return DONE;
}

static int run_only(int (*what)(void), const char *one_more)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		const struct sandbox_path paths[] = {
			{folder, SANDBOX_WRITE, false, false},
		};
		/* sigaltstack: the address sanitizer asks it before the end. */
		const struct sandbox_call only[] = {
			{"write",       SANDBOX_ON,      STDERR_FILENO},
			{"openat",      SANDBOX_ANY,     0            },
			{"mmap",        SANDBOX_NO_CODE, 0            },
			{"capget",      SANDBOX_ANY,     0            },
			{"exit_group",  SANDBOX_ANY,     0            },
			{"sigaltstack", SANDBOX_ANY,     0            },
			{one_more,      SANDBOX_TO_PEER, STDERR_FILENO},
		};
		const struct sandbox_rules rules = {
			paths, COUNT_OF(paths), false, only, COUNT_OF(only)};
		struct err e;
		bool files;
		enum err_kind kind = sandbox_enter(&rules, &files, &e);

		_exit(kind == OK ? what() : kind == ERR_USAGE ? NOT_ENTERED + 1 : NOT_ENTERED);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void nothing_but_what_is_named(void **state)
{
	static const struct {
		const char *why;
		int (*what)(void);
		int end;
	} cases[] = {
		{"nothing at all",            nothing,           DONE   },
		{"on the descriptor",         write_to_errors,   DONE   },
		{"on another",                write_to_output,   -SIGSYS},
		{"no new descriptor",         open_at,           REFUSED},
		{"no socket",                 open_socket,       -SIGSYS},
		{"no program",                start_program,     -SIGSYS},
		{"memory",                    map_memory,        DONE   },
		{"memory that is code",       map_code,          -SIGSYS},
		{"capabilities, also root's", have_capabilities, REFUSED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int end = run_only(cases[i].what, "sendto");

		if (end != cases[i].end)
			fail_msg("%s: ended with %d", cases[i].why, end);
	}
	assert_int_equal(run_only(nothing, "no_such_call"), NOT_ENTERED + 1);
}

static int set_up(void **state)
{
	char sub[80];

	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(sub, sizeof(sub), "%s/in", folder);
	snprintf(inside, sizeof(inside), "%s/in/file", folder);
	snprintf(outside, sizeof(outside), "%s/file", folder);
	return folder_make(sub, 0700, NULL) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
	char sub[80];

	(void)state;
	snprintf(sub, sizeof(sub), "%s/in", folder);
	(void)unlink(inside);
	(void)unlink(outside);
	(void)rmdir(sub);
	(void)rmdir(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_those_named),
		cmocka_unit_test(no_program_starts),
		cmocka_unit_test(a_sensor_opens_no_socket),
		cmocka_unit_test(a_missing_path_is_told),
		cmocka_unit_test(nothing_but_what_is_named),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
