/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The disk of a log as it is: real files below one folder. Descriptors stay open, because a log is
 * written thousands of times a second; the folder is locked, because two writers are a fork.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inside.h"

#define FILES_OPEN_MAX 256 /* descriptors; 30 logs of 8 files fit, and 1,024 is the usual limit */
#define FILE_MODE      0600
#define FOLDER_MODE    0700
#define BESIDE         ".new" /* a file that is to replace another */

struct file {
	char *path;
	int fd;
	unsigned users;
	uint64_t used; /* the higher, the later */
};

struct real {
	char *root;
	int fd; /* of root */
	bool read_only;
	pthread_mutex_t mutex; /* over what follows */
	struct file files[FILES_OPEN_MAX];
	uint64_t clock;
	pthread_mutex_t replacing; /* one temporary name a file */
};

static enum err_kind fail(const struct real *r, const char *path, const char *what, struct err *e)
{
	return err_set(e, err_kind_of_errno(errno), "could not %s \"%s/%s\": %s", what, r->root,
		path, strerror(errno));
}

/* Paths come from names of logs, which strangers choose: none may lead out of the root. */
static enum err_kind path_check(const struct real *r, const char *path, struct err *e)
{
	struct slice rest = slice_of(path), part;

	while (slice_next(&rest, '/', &part)) {
		if (part.len == 0 || slice_is(part, "..") || slice_is(part, "."))
			return err_set(
				e, ERR_USAGE, "\"%s\" is no path below \"%s\"", path, r->root);
	}
	return OK;
}

static enum err_kind writable(const struct real *r, const char *path, struct err *e)
{
	if (r->read_only)
		return err_set(e, ERR_DENIED, "could not write \"%s/%s\": opened for reading only",
			r->root, path);
	return path_check(r, path, e);
}

static size_t parent_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? 0 : (size_t)(slash - path);
}

/* What stands in a folder is durable when the folder is synced. */
static enum err_kind parent_sync(const struct real *r, const char *path, struct err *e)
{
	char *parent = strndup(path, parent_len(path));
	enum err_kind kind = OK;
	int fd;

	if (parent == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	fd = openat(r->fd, *parent == '\0' ? "." : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		kind = fail(r, path, "sync the folder of", e);
	if (fd >= 0)
		(void)close(fd);
	free(parent);
	return kind;
}

static enum err_kind folders_make(const struct real *r, const char *path, size_t len, struct err *e)
{
	for (size_t i = 1; i <= len; i++) {
		enum err_kind kind = OK;
		char *part;

		if (i != len && path[i] != '/')
			continue;
		part = strndup(path, i);
		if (part == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		if (mkdirat(r->fd, part, FOLDER_MODE) == 0)
			kind = parent_sync(r, part, e);
		else if (errno != EEXIST)
			kind = fail(r, part, "make", e);
		free(part);
		if (kind != OK)
			return kind;
	}
	return OK;
}

/* ---- open files ------------------------------------------------------------------------------ */

static enum err_kind file_open(
	const struct real *r, const char *path, bool make, int *ret_fd, struct err *e)
{
	int mode = r->read_only ? O_RDONLY : O_RDWR;
	enum err_kind kind = OK;
	int fd = openat(r->fd, path, mode | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && make) {
		kind = folders_make(r, path, parent_len(path), e);
		if (kind != OK)
			return kind;
		fd = openat(r->fd, path, mode | O_CREAT | O_CLOEXEC, FILE_MODE);
		if (fd >= 0)
			kind = parent_sync(r, path, e);
	}
	if (fd < 0)
		return fail(r, path, "open", e);
	if (kind != OK) {
		(void)close(fd);
		return kind;
	}
	*ret_fd = fd;
	return OK;
}

static void file_forget(struct file *f)
{
	(void)close(f->fd);
	free(f->path);
	*f = (struct file){0};
}

/* Under the mutex: the open file, or the place where it is to be kept; NULL: all are in use. */
static struct file *file_find(struct real *r, const char *path)
{
	struct file *oldest = NULL;

	for (size_t i = 0; i < FILES_OPEN_MAX; i++) {
		struct file *f = &r->files[i];

		if (f->path != NULL && strcmp(f->path, path) == 0)
			return f;
		if (f->users == 0 && (oldest == NULL || f->used < oldest->used))
			oldest = f;
	}
	return oldest;
}

static enum err_kind file_take(
	struct real *r, const char *path, bool make, struct file **ret_file, struct err *e)
{
	enum err_kind kind = OK;
	struct file *f;
	int fd = -1;

	(void)pthread_mutex_lock(&r->mutex);
	f = file_find(r, path);
	if (f == NULL)
		kind = err_set(e, ERR_BUSY, "more than %d files of \"%s\" in use", FILES_OPEN_MAX,
			r->root);
	else if (f->path == NULL || strcmp(f->path, path) != 0) {
		char *copy = strdup(path);

		kind = copy == NULL ? err_set(e, ERR_NOMEM, "out of memory")
				    : file_open(r, path, make, &fd, e);
		if (kind == OK) {
			if (f->path != NULL)
				file_forget(f);
			f->path = copy;
			f->fd = fd;
		} else {
			free(copy);
		}
	}
	if (kind == OK && f != NULL) {
		f->users++;
		f->used = ++r->clock;
		*ret_file = f;
	}
	(void)pthread_mutex_unlock(&r->mutex);
	return kind;
}

static void file_give(struct real *r, struct file *f)
{
	(void)pthread_mutex_lock(&r->mutex);
	f->users--;
	(void)pthread_mutex_unlock(&r->mutex);
}

/* ---- the calls ------------------------------------------------------------------------------- */

static enum err_kind real_size(void *context, const char *path, uint64_t *ret_bytes, struct err *e)
{
	struct real *r = context;
	enum err_kind kind = path_check(r, path, e);
	struct stat st;

	if (kind != OK)
		return kind;
	*ret_bytes = 0;
	if (fstatat(r->fd, path, &st, 0) == 0)
		*ret_bytes = (uint64_t)st.st_size;
	else if (errno != ENOENT && errno != ENOTDIR)
		return fail(r, path, "look at", e);
	return OK;
}

static enum err_kind real_read(
	void *context, const char *path, uint64_t offset, void *to, size_t len, struct err *e)
{
	struct real *r = context;
	enum err_kind kind = path_check(r, path, e);
	struct file *f = NULL;
	char *at = to;

	if (kind == OK)
		kind = file_take(r, path, false, &f, e);
	if (kind != OK || f == NULL)
		return kind;
	while (kind == OK && len > 0) {
		ssize_t got = pread(f->fd, at, len, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			kind = fail(r, path, "read", e);
		} else if (got == 0) {
			kind = err_set(e, ERR_CORRUPT, "\"%s/%s\" ends at %llu, %zu bytes early",
				r->root, path, (unsigned long long)offset, len);
		} else {
			at += got;
			offset += (uint64_t)got;
			len -= (size_t)got;
		}
	}
	file_give(r, f);
	return kind;
}

static bool write_all(int fd, uint64_t offset, struct slice bytes)
{
	while (bytes.len > 0) {
		ssize_t put = pwrite(fd, bytes.data, bytes.len, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		offset += (uint64_t)put;
		bytes = slice_cut(bytes, (size_t)put, bytes.len);
	}
	return true;
}

static enum err_kind real_write(
	void *context, const char *path, uint64_t offset, struct slice bytes, struct err *e)
{
	struct real *r = context;
	enum err_kind kind = writable(r, path, e);
	struct file *f = NULL;

	if (kind == OK)
		kind = file_take(r, path, true, &f, e);
	if (kind != OK || f == NULL)
		return kind;
	if (!write_all(f->fd, offset, bytes))
		kind = fail(r, path, "write", e);
	file_give(r, f);
	return kind;
}

static enum err_kind real_truncate(void *context, const char *path, uint64_t bytes, struct err *e)
{
	struct real *r = context;
	enum err_kind kind = writable(r, path, e);
	struct file *f = NULL;

	if (kind == OK)
		kind = file_take(r, path, true, &f, e);
	if (kind != OK || f == NULL)
		return kind;
	if (ftruncate(f->fd, (off_t)bytes) != 0)
		kind = fail(r, path, "cut", e);
	file_give(r, f);
	return kind;
}

static enum err_kind real_sync(void *context, const char *path, struct err *e)
{
	struct real *r = context;
	enum err_kind kind = writable(r, path, e);
	struct file *f = NULL;

	if (kind == OK)
		kind = file_take(r, path, true, &f, e);
	if (kind != OK || f == NULL)
		return kind;
	if (fdatasync(f->fd) != 0)
		kind = fail(r, path, "sync", e);
	file_give(r, f);
	return kind;
}

/* Under r->replacing. */
static enum err_kind replace_beside(
	struct real *r, const char *path, const char *beside, struct slice content, struct err *e)
{
	enum err_kind kind = folders_make(r, path, parent_len(path), e);
	int fd;

	if (kind != OK)
		return kind;
	fd = openat(r->fd, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return fail(r, beside, "open", e);
	if (!write_all(fd, 0, content) || fsync(fd) != 0)
		kind = fail(r, beside, "write", e);
	(void)close(fd);
	if (kind == OK && renameat(r->fd, beside, r->fd, path) != 0)
		kind = fail(r, path, "replace", e);
	if (kind != OK)
		(void)unlinkat(r->fd, beside, 0);
	else
		kind = parent_sync(r, path, e);
	return kind;
}

static enum err_kind real_replace(
	void *context, const char *path, struct slice content, struct err *e)
{
	struct real *r = context;
	enum err_kind kind = writable(r, path, e);
	char *beside;

	if (kind != OK)
		return kind;
	if (asprintf(&beside, "%s" BESIDE, path) < 0)
		return err_set(e, ERR_NOMEM, "out of memory");
	(void)pthread_mutex_lock(&r->replacing);
	kind = replace_beside(r, path, beside, content, e);
	(void)pthread_mutex_unlock(&r->replacing);
	free(beside);
	/* An open descriptor still reads the old file. */
	(void)pthread_mutex_lock(&r->mutex);
	for (size_t i = 0; i < FILES_OPEN_MAX; i++) {
		struct file *f = &r->files[i];

		if (f->path == NULL || strcmp(f->path, path) != 0)
			continue;
		if (f->users == 0)
			file_forget(f);
		else
			f->path[0] = '\0'; /* no path: closed when its place is needed */
	}
	(void)pthread_mutex_unlock(&r->mutex);
	return kind;
}

static enum err_kind real_make_folder(void *context, const char *path, struct err *e)
{
	struct real *r = context;
	enum err_kind kind = writable(r, path, e);

	return kind == OK ? folders_make(r, path, strlen(path), e) : kind;
}

enum err_kind ledger_disk_open(
	const char *root, bool read_only, struct ledger_disk *ret_disk, struct err *e)
{
	struct real *r;
	enum err_kind kind = OK;

	if (!read_only)
		kind = folder_make(root, FOLDER_MODE, e);
	if (kind != OK)
		return kind;
	r = calloc(1, sizeof(*r));
	if (r == NULL || (r->root = strdup(root)) == NULL) {
		free(r);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	r->read_only = read_only;
	r->fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->fd < 0)
		kind = err_set(e, err_kind_of_errno(errno), "could not open \"%s\": %s", root,
			strerror(errno));
	else if (!read_only && flock(r->fd, LOCK_EX | LOCK_NB) != 0)
		kind = err_set(e, errno == EWOULDBLOCK ? ERR_BUSY : err_kind_of_errno(errno),
			"could not lock \"%s\": %s", root,
			errno == EWOULDBLOCK ? "somebody else writes there" : strerror(errno));
	if (kind != OK) {
		if (r->fd >= 0)
			(void)close(r->fd);
		free(r->root);
		free(r);
		return kind;
	}
	(void)pthread_mutex_init(&r->mutex, NULL);
	(void)pthread_mutex_init(&r->replacing, NULL);
	*ret_disk = (struct ledger_disk){.size = real_size,
		.read = real_read,
		.write = real_write,
		.truncate = real_truncate,
		.sync = real_sync,
		.replace = real_replace,
		.make_folder = real_make_folder,
		.context = r};
	return OK;
}

void ledger_disk_close(struct ledger_disk *d)
{
	struct real *r = d->context;

	if (r == NULL)
		return;
	for (size_t i = 0; i < FILES_OPEN_MAX; i++) {
		if (r->files[i].path != NULL)
			file_forget(&r->files[i]);
	}
	(void)close(r->fd);
	(void)pthread_mutex_destroy(&r->mutex);
	(void)pthread_mutex_destroy(&r->replacing);
	free(r->root);
	free(r);
	*d = (struct ledger_disk){0};
}
