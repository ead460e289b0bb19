/* SPDX-License-Identifier: MPL-2.0 */
/* What the signer's process gives up. What it keeps is one table. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "parts.h"
#include "sandbox/sandbox.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif

#define DESCRIPTORS_MAX 4096 /* looked at; more are refused, not left open */

/* Is this descriptor the folder, or below it? */
static bool is_below(int fd, const char *folder)
{
	char link[64], target[4096];
	size_t len = strlen(folder);
	ssize_t got;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	got = readlink(link, target, sizeof(target) - 1);
	if (got < (ssize_t)len)
		return false;
	target[got] = '\0';
	return memcmp(target, folder, len) == 0 && (target[len] == '/' || target[len] == '\0');
}

static enum err_kind descriptors_list(
	int ret_fds[DESCRIPTORS_MAX], size_t *ret_count, struct err *e)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *entry;
	uint64_t number;

	if (d == NULL)
		return err_set(e, ERR_IO, "could not list open files: %s", strerror(errno));
	*ret_count = 0;
	while ((entry = readdir(d)) != NULL && *ret_count < DESCRIPTORS_MAX)
		if (slice_to_u64(slice_of(entry->d_name), &number) && (int)number != dirfd(d))
			ret_fds[(*ret_count)++] = (int)number;
	(void)closedir(d);
	if (*ret_count == DESCRIPTORS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d open files", DESCRIPTORS_MAX - 1);
	return OK;
}

static enum err_kind descriptors_close(int fd, const char *folder, struct err *e)
{
	int fds[DESCRIPTORS_MAX];
	size_t count = 0;
	enum err_kind kind = descriptors_list(fds, &count, e);

	for (size_t i = 0; kind == OK && i < count; i++)
		if (fds[i] != fd && fds[i] != STDERR_FILENO && !is_below(fds[i], folder))
			(void)close(fds[i]);
	return kind;
}

enum err_kind signer_sandbox(int fd, const char *folder, bool *ret_files, struct err *e)
{
	const struct sandbox_call calls[] = {
		{"read",          SANDBOX_ON,      fd           },
                {"sendto",        SANDBOX_TO_PEER, fd           },
		{"write",         SANDBOX_ON,      STDERR_FILENO}, /* the last words of a failing check */
		{"pread64",       SANDBOX_ANY,     0            },
                {"pwrite64",      SANDBOX_ANY,     0            },
		{"fdatasync",     SANDBOX_ANY,     0            },
                {"close",         SANDBOX_ANY,     0            },
                {"brk",           SANDBOX_ANY,     0            },
		{"mmap",          SANDBOX_NO_CODE, 0            },
                {"mprotect",      SANDBOX_NO_CODE, 0            },
		{"mremap",        SANDBOX_ANY,     0            },
                {"munmap",        SANDBOX_ANY,     0            },
                {"madvise",       SANDBOX_ANY,     0            },
		{"munlock",       SANDBOX_ANY,     0            },
                {"futex",         SANDBOX_ANY,     0            },
		{"clock_gettime", SANDBOX_ANY,     0            },
                {"getrandom",     SANDBOX_ANY,     0            },
		{"rt_sigreturn",  SANDBOX_ANY,     0            },
                {"exit",          SANDBOX_ANY,     0            },
		{"exit_group",    SANDBOX_ANY,     0            },
#ifdef SANITIZED
		{"sigaltstack",   SANDBOX_ANY,     0            }, /* asked before the end */
#endif
	};
	char *real = realpath(folder, NULL);
	struct sandbox_path path = {real, SANDBOX_WRITE, false, false};
	const struct sandbox_rules rules = {
		.paths = &path, .paths_count = 1, .only = calls, .only_count = COUNT_OF(calls)};
	enum err_kind kind;

	if (real == NULL)
		return err_set(e, err_kind_of_errno(errno), "could not find \"%s\": %s", folder,
			strerror(errno));
	kind = descriptors_close(fd, real, e);
	if (kind == OK)
		kind = sandbox_enter(&rules, ret_files, e);
	free(real);
	return kind;
}
