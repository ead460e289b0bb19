/* SPDX-License-Identifier: MPL-2.0 */
/* The body of a request: in memory while short, in a file without a name when long. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "http_parts.h"

void http_body_init(struct http_body *b, uint64_t bytes_max, const char *folder)
{
	*b = (struct http_body){.memory = BUF_MAX(HTTP_BODY_MEMORY),
		.fd = -1,
		.bytes_max = bytes_max,
		.folder = folder};
}

void http_body_fini(struct http_body *b)
{
	buf_fini(&b->memory);
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
}

static int file_open(const char *folder)
{
	char path[4096];
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return fd;
	/* A file system without O_TMPFILE: a name for a moment. */
	if ((size_t)snprintf(path, sizeof(path), "%s/serai-body-XXXXXX", folder) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static enum err_kind write_all(int fd, struct slice bytes, struct err *e)
{
	while (bytes.len > 0) {
		ssize_t got = write(fd, bytes.data, bytes.len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(e, err_kind_of_errno(errno),
				"could not write a body to its file: %s", strerror(errno));
		bytes = slice_cut(bytes, (size_t)got, bytes.len);
	}
	return OK;
}

/* From memory into a file. */
static enum err_kind spill(struct http_body *b, struct err *e)
{
	enum err_kind kind;

	b->fd = file_open(b->folder);
	if (b->fd < 0)
		return err_set(e, err_kind_of_errno(errno),
			"could not make a file for a body in \"%s\": %s", b->folder,
			strerror(errno));
	kind = write_all(b->fd, buf_slice(&b->memory), e);
	buf_fini(&b->memory);
	return kind;
}

enum err_kind http_body_expect(struct http_body *b, uint64_t bytes, struct err *e)
{
	if (bytes > b->bytes_max)
		return err_set(e, ERR_LIMIT, "a body of %llu bytes, at most %llu",
			(unsigned long long)bytes, (unsigned long long)b->bytes_max);
	if (bytes > HTTP_BODY_MEMORY)
		return spill(b, e);
	if (bytes != 0 && buf_reserve(&b->memory, (size_t)bytes) == NULL)
		return err_set(e, ERR_NOMEM, "a body of %llu bytes: out of memory",
			(unsigned long long)bytes);
	return OK;
}

enum err_kind http_body_take(struct http_body *b, struct slice bytes, struct err *e)
{
	enum err_kind kind = OK;

	if (bytes.len > b->bytes_max - b->bytes)
		return err_set(e, ERR_LIMIT, "the body is longer than %llu bytes",
			(unsigned long long)b->bytes_max);
	if (b->fd < 0 && bytes.len > HTTP_BODY_MEMORY - b->memory.len)
		kind = spill(b, e);
	if (kind == OK && b->fd >= 0) {
		kind = write_all(b->fd, bytes, e);
	} else if (kind == OK) {
		buf_slice_append(&b->memory, bytes);
		if (b->memory.bad)
			kind = err_set(e, ERR_NOMEM, "body: out of memory");
	}
	if (kind == OK)
		b->bytes += bytes.len;
	return kind;
}

enum err_kind http_body_end(struct http_body *b, struct err *e)
{
	if (b->fd >= 0 && lseek(b->fd, 0, SEEK_SET) < 0)
		return err_set(
			e, ERR_IO, "could not go to the start of a body: %s", strerror(errno));
	return OK;
}
