/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A stream of bytes from a file, standard input or memory, unpacked on the way when it begins with
 * the magic number of gzip (RFC 1952) or zstd (RFC 8878). Members and frames may follow each other.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base.h"

#define PACKED_BYTES KIB(128) /* bytes read from the file at a time */

enum packing { PACKING_NONE, PACKING_GZIP, PACKING_ZSTD };

struct input {
	char *name;
	int fd; /* -1: memory */
	bool fd_is_ours;
	struct slice memory; /* what of the memory was not taken yet */
	uint64_t packed_read, packed_total;
	enum packing packing;
	bool at_end;        /* nothing more comes from the file */
	bool inside_member; /* a gzip member or zstd frame has begun and not ended */
	z_stream gzip;
	bool gzip_ready;
	ZSTD_DStream *zstd;
	size_t at, len; /* packed bytes not used yet: packed[at, at + len) */
	unsigned char packed[PACKED_BYTES];
};

/* Fetch more packed bytes when there are none. */
static enum err_kind input_fill(struct input *in, struct err *e)
{
	ssize_t got;

	if (in->len > 0 || in->at_end)
		return OK;
	in->at = 0;
	if (in->fd < 0) {
		size_t take = in->memory.len < PACKED_BYTES ? in->memory.len : PACKED_BYTES;

		if (take > 0)
			memcpy(in->packed, in->memory.data, take);
		in->memory = slice_cut(in->memory, take, in->memory.len);
		got = (ssize_t)take;
	} else {
		do
			got = read(in->fd, in->packed, PACKED_BYTES);
		while (got < 0 && errno == EINTR);
		if (got < 0)
			return err_set(e, err_kind_of_errno(errno), "could not read \"%s\": %s",
				in->name, strerror(errno));
	}
	in->len = (size_t)got;
	in->packed_read += (uint64_t)got;
	in->at_end = got == 0;
	return OK;
}

static enum err_kind input_start(struct input *in, struct err *e)
{
	enum err_kind kind;

	/* A pipe may hand out single bytes: gather the four that the magic numbers need. */
	while (in->len < 4 && !in->at_end && in->fd >= 0) {
		ssize_t got = read(in->fd, in->packed + in->len, PACKED_BYTES - in->len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(e, err_kind_of_errno(errno), "could not read \"%s\": %s",
				in->name, strerror(errno));
		in->len += (size_t)got;
		in->packed_read += (uint64_t)got;
		in->at_end = got == 0;
	}
	kind = input_fill(in, e);
	if (kind != OK)
		return kind;
	if (in->len >= 2 && in->packed[0] == 0x1f && in->packed[1] == 0x8b) {
		in->packing = PACKING_GZIP;
		if (inflateInit2(&in->gzip, 15 + 16) != Z_OK)
			return err_set(e, ERR_NOMEM, "out of memory");
		in->gzip_ready = true;
		in->inside_member = true;
	} else if (in->len >= 4 && in->packed[0] == 0x28 && in->packed[1] == 0xb5 &&
		   in->packed[2] == 0x2f && in->packed[3] == 0xfd) {
		in->packing = PACKING_ZSTD;
		in->zstd = ZSTD_createDStream();
		if (in->zstd == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		ZSTD_DCtx_setParameter(in->zstd, ZSTD_d_windowLogMax, INPUT_WINDOW_LOG_MAX);
	}
	return OK;
}

static struct input *input_alloc(const char *name)
{
	struct input *in = malloc(sizeof(*in));

	if (in == NULL)
		return NULL;
	memset(in, 0, offsetof(struct input, packed));
	in->fd = -1;
	in->name = strdup(name);
	if (in->name == NULL) {
		free(in);
		return NULL;
	}
	return in;
}

enum err_kind input_open(const char *path, struct input **ret_input, struct err *e)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct input *in = input_alloc(is_stdin ? "standard input" : path);
	enum err_kind kind;
	struct stat st;

	if (in == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	in->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	in->fd_is_ours = !is_stdin;
	if (in->fd < 0) {
		kind = err_set(e, err_kind_of_errno(errno), "could not open \"%s\": %s", path,
			strerror(errno));
		goto fail;
	}
	if (fstat(in->fd, &st) == 0) {
		if (S_ISDIR(st.st_mode)) {
			kind = err_set(e, ERR_IO, "could not read \"%s\": it is a folder", path);
			goto fail;
		}
		if (S_ISREG(st.st_mode))
			in->packed_total = (uint64_t)st.st_size;
	}
	kind = input_start(in, e);
	if (kind != OK)
		goto fail;
	*ret_input = in;
	return OK;

fail:
	input_free(in);
	return kind;
}

enum err_kind input_of_memory(
	struct slice bytes, const char *name, struct input **ret_input, struct err *e)
{
	struct input *in = input_alloc(name);
	enum err_kind kind;

	if (in == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	in->memory = bytes;
	in->packed_total = bytes.len;
	kind = input_start(in, e);
	if (kind != OK) {
		input_free(in);
		return kind;
	}
	*ret_input = in;
	return OK;
}

void input_free(struct input *in)
{
	if (in == NULL)
		return;
	if (in->gzip_ready)
		inflateEnd(&in->gzip);
	ZSTD_freeDStream(in->zstd);
	if (in->fd >= 0 && in->fd_is_ours)
		close(in->fd);
	free(in->name);
	free(in);
}

static enum err_kind cut_off(struct input *in, const char *what, struct err *e)
{
	return err_set(e, ERR_PARSE,
		"\"%s\": the %s stream ends in the middle, after %llu packed bytes", in->name, what,
		(unsigned long long)in->packed_read);
}

static enum err_kind read_gzip(
	struct input *in, void *to, size_t bytes, size_t *ret_len, struct err *e)
{
	in->gzip.next_out = to;
	in->gzip.avail_out = (uInt)bytes;
	while (in->gzip.avail_out == bytes) {
		enum err_kind kind = input_fill(in, e);
		int status;

		if (kind != OK)
			return kind;
		if (in->len == 0) {
			if (in->inside_member)
				return cut_off(in, "gzip", e);
			break;
		}
		if (!in->inside_member) {
			/* Another member; anything else behind the last one is padding (zeros) or
			 * rubbish. */
			if (in->packed[in->at] == 0) {
				in->at++;
				in->len--;
				continue;
			}
			if (inflateReset(&in->gzip) != Z_OK)
				return err_set(e, ERR_NOMEM, "out of memory");
			in->inside_member = true;
		}
		in->gzip.next_in = in->packed + in->at;
		in->gzip.avail_in = (uInt)in->len;
		status = inflate(&in->gzip, Z_NO_FLUSH);
		in->at += in->len - in->gzip.avail_in;
		in->len = in->gzip.avail_in;
		if (status == Z_STREAM_END)
			in->inside_member = false;
		else if (status == Z_MEM_ERROR)
			return err_set(e, ERR_NOMEM, "out of memory");
		else if (status != Z_OK && status != Z_BUF_ERROR)
			return err_set(e, ERR_PARSE,
				"\"%s\": damaged gzip stream near packed byte %llu: %s", in->name,
				(unsigned long long)(in->packed_read - in->len),
				in->gzip.msg != NULL ? in->gzip.msg : "unknown");
	}
	*ret_len = bytes - in->gzip.avail_out;
	return OK;
}

static enum err_kind read_zstd(
	struct input *in, void *to, size_t bytes, size_t *ret_len, struct err *e)
{
	ZSTD_outBuffer out = {to, bytes, 0};

	while (out.pos == 0) {
		enum err_kind kind = input_fill(in, e);
		ZSTD_inBuffer from;
		size_t left;

		if (kind != OK)
			return kind;
		/* With no packed bytes left the decoder may still hold unpacked ones. */
		if (in->len == 0 && !in->inside_member)
			break;
		from = (ZSTD_inBuffer){in->packed + in->at, in->len, 0};
		left = ZSTD_decompressStream(in->zstd, &out, &from);
		if (ZSTD_isError(left)) {
			bool window =
				ZSTD_getErrorCode(left) == ZSTD_error_frameParameter_windowTooLarge;

			return err_set(e, window ? ERR_LIMIT : ERR_PARSE,
				"\"%s\": damaged zstd stream near packed byte %llu: %s", in->name,
				(unsigned long long)(in->packed_read - in->len),
				ZSTD_getErrorName(left));
		}
		if (in->len == 0 && out.pos == 0 && left != 0)
			return cut_off(in, "zstd", e);
		in->at += from.pos;
		in->len -= from.pos;
		in->inside_member = left != 0;
	}
	*ret_len = out.pos;
	return OK;
}

/* Straight into the caller's memory: copying once more would cost as much as reading. */
static enum err_kind read_plain(
	struct input *in, void *to, size_t bytes, size_t *ret_len, struct err *e)
{
	ssize_t got;

	do
		got = read(in->fd, to, bytes);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_set(e, err_kind_of_errno(errno), "could not read \"%s\": %s", in->name,
			strerror(errno));
	in->packed_read += (uint64_t)got;
	in->at_end = got == 0;
	*ret_len = (size_t)got;
	return OK;
}

enum err_kind input_read(struct input *in, void *to, size_t bytes, size_t *ret_len, struct err *e)
{
	enum err_kind kind;
	size_t take;

	if (bytes > MIB(256))
		bytes = MIB(256); /* zlib counts in unsigned int */
	if (in->packing == PACKING_GZIP)
		return read_gzip(in, to, bytes, ret_len, e);
	if (in->packing == PACKING_ZSTD)
		return read_zstd(in, to, bytes, ret_len, e);
	if (in->len == 0 && in->fd >= 0 && !in->at_end)
		return read_plain(in, to, bytes, ret_len, e);
	kind = input_fill(in, e);
	if (kind != OK)
		return kind;
	take = in->len < bytes ? in->len : bytes;
	memcpy(to, in->packed + in->at, take);
	in->at += take;
	in->len -= take;
	*ret_len = take;
	return OK;
}

const char *input_name(const struct input *in)
{
	return in->name;
}

uint64_t input_packed_read(const struct input *in)
{
	return in->packed_read - in->len;
}

uint64_t input_packed_total(const struct input *in)
{
	return in->packed_total;
}
