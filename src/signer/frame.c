/* SPDX-License-Identifier: MPL-2.0 */
/* Fields of frames, and frames on a stream. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "parts.h"

void slice16_put(struct buf *out, struct slice s)
{
	char len[2];

	put_u16(len, (uint16_t)s.len);
	if (s.len > UINT16_MAX)
		out->bad = true;
	buf_append(out, len, sizeof(len));
	buf_slice_append(out, s);
}

void slice32_put(struct buf *out, struct slice s)
{
	char len[4];

	put_u32(len, (uint32_t)s.len);
	buf_append(out, len, sizeof(len));
	buf_slice_append(out, s); /* frames are bounded: a length that does not fit fails here */
}

void u64_put(struct buf *out, uint64_t value)
{
	char bytes[8];

	put_u64(bytes, value);
	buf_append(out, bytes, sizeof(bytes));
}

struct slice slice16_read(struct reader *r)
{
	return read_bytes(r, read_u16(r));
}

struct slice slice32_read(struct reader *r)
{
	return read_bytes(r, read_u32(r));
}

void hash_read(struct reader *r, void *ret_bytes, size_t len)
{
	struct slice s = read_bytes(r, len);

	if (s.len == len && len != 0)
		memcpy(ret_bytes, s.data, len);
	else
		memset(ret_bytes, 0, len);
}

void path_put(struct buf *out, const struct ledger_path *path)
{
	if (path->count > LEDGER_PATH_MAX) {
		out->bad = true;
		return;
	}
	buf_char(out, (char)path->count);
	buf_append(out, path->hashes, path->count * sizeof(path->hashes[0]));
}

void path_read(struct reader *r, struct ledger_path *ret_path)
{
	unsigned count = read_u8(r);

	ret_path->count = 0;
	if (count > LEDGER_PATH_MAX) {
		r->bad = true;
		return;
	}
	hash_read(r, ret_path->hashes, count * sizeof(ret_path->hashes[0]));
	if (!r->bad)
		ret_path->count = count;
}

/* ---- on a stream ----------------------------------------------------------------------------- */

enum err_kind stream_read(int fd, void *to, size_t len, bool *ret_end, struct err *e)
{
	size_t have = 0;

	if (ret_end != NULL)
		*ret_end = false;
	while (have < len) {
		ssize_t got = read(fd, (char *)to + have, len - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(e, ERR_IO, "signer: could not receive: %s", strerror(errno));
		if (got == 0 && have == 0 && ret_end != NULL) {
			*ret_end = true;
			return OK;
		}
		if (got == 0)
			return err_set(e, ERR_IO, "signer: the other end is gone");
		have += (size_t)got;
	}
	return OK;
}

enum err_kind stream_write(int fd, struct slice bytes, struct err *e)
{
	while (bytes.len > 0) {
		ssize_t put = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_set(e, ERR_IO, "signer: could not send: %s", strerror(errno));
		bytes = slice_cut(bytes, (size_t)put, bytes.len);
	}
	return OK;
}
