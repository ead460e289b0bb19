/* SPDX-License-Identifier: MPL-2.0 */
/* What was given up is gone: each case in a process of its own, which tells by its end. */
#include "sandbox.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
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
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
