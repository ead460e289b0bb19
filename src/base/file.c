/* SPDX-License-Identifier: MPL-2.0 */
/* Whole files and folders; replacing a file so that it is old or new, never half. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base.h"

#define READ_STEP KIB(64) /* bytes asked for at a time */

enum err_kind file_read(const char *path, size_t bytes_max, struct buf *b, struct err *e)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	enum err_kind kind = OK;
	size_t before = b->len;

	if (fd < 0)
		return err_set(e, err_kind_of_errno(errno), "could not open \"%s\": %s", path,
			strerror(errno));
	for (;;) {
		char *to = buf_reserve(b, READ_STEP);
		ssize_t got;

		if (to == NULL) {
			kind = err_set(e, ERR_NOMEM, "could not read \"%s\": out of memory", path);
			break;
		}
		got = read(fd, to, READ_STEP);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			kind = err_set(e, err_kind_of_errno(errno), "could not read \"%s\": %s",
				path, strerror(errno));
			break;
		}
		if (got == 0)
			break;
		b->len += (size_t)got;
		if (b->len - before > bytes_max) {
			kind = err_set(
				e, ERR_LIMIT, "\"%s\" is longer than %zu bytes", path, bytes_max);
			break;
		}
	}
	if (!is_stdin)
		close(fd);
	if (kind != OK)
		b->len = before;
	return kind;
}

static enum err_kind write_all(int fd, struct slice content, const char *path, struct err *e)
{
	while (content.len > 0) {
		ssize_t put = write(fd, content.data, content.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_set(e, err_kind_of_errno(errno), "could not write \"%s\": %s",
				path, strerror(errno));
		content = slice_cut(content, (size_t)put, content.len);
	}
	return OK;
}

static enum err_kind folder_sync(const char *file, struct err *e)
{
	char *folder = strdup(file);
	char *slash;
	int fd;

	if (folder == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	slash = strrchr(folder, '/');
	if (slash == folder)
		slash[1] = '\0';
	else if (slash != NULL)
		*slash = '\0';
	fd = open(slash == NULL ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0) {
		enum err_kind kind = err_set(e, err_kind_of_errno(errno),
			"could not sync the folder of \"%s\": %s", file, strerror(errno));

		if (fd >= 0)
			close(fd);
		free(folder);
		return kind;
	}
	close(fd);
	free(folder);
	return OK;
}

enum err_kind file_write_atomic(
	const char *path, struct slice content, unsigned mode, struct err *e)
{
	enum err_kind kind;
	char *beside;
	int fd;

	if (asprintf(&beside, "%s.XXXXXX", path) < 0)
		return err_set(e, ERR_NOMEM, "out of memory");
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0) {
		kind = err_set(e, err_kind_of_errno(errno), "could not write beside \"%s\": %s",
			path, strerror(errno));
		free(beside);
		return kind;
	}
	kind = write_all(fd, content, beside, e);
	if (kind == OK && (fchmod(fd, (mode_t)mode) != 0 || fsync(fd) != 0))
		kind = err_set(e, err_kind_of_errno(errno), "could not write \"%s\": %s", beside,
			strerror(errno));
	close(fd);
	if (kind == OK && rename(beside, path) != 0)
		kind = err_set(e, err_kind_of_errno(errno), "could not replace \"%s\": %s", path,
			strerror(errno));
	if (kind != OK)
		unlink(beside);
	else
		kind = folder_sync(path, e);
	free(beside);
	return kind;
}

enum err_kind folder_make(const char *path, unsigned mode, struct err *e)
{
	char *partial = strdup(path);
	struct stat st;

	if (partial == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (char *p = partial + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(partial, (mode_t)mode) != 0 && errno != EEXIST) {
			enum err_kind kind = err_set(e, err_kind_of_errno(errno),
				"could not make folder \"%s\": %s", partial, strerror(errno));

			free(partial);
			return kind;
		}
		*p = c;
		if (c == '\0')
			break;
	}
	free(partial);
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return err_set(e, ERR_IO, "\"%s\" is not a folder", path);
	return OK;
}
