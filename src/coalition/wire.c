/* SPDX-License-Identifier: MPL-2.0 */
/* The few shapes of which messages between members are made; docs/coalition.md draws them. */
#include "inside.h"

void wire_u8(struct buf *out, uint8_t v)
{
	buf_append(out, &v, 1);
}

void wire_u16(struct buf *out, uint16_t v)
{
	uint8_t bytes[2];

	put_u16(bytes, v);
	buf_append(out, bytes, sizeof(bytes));
}

void wire_u32(struct buf *out, uint32_t v)
{
	uint8_t bytes[4];

	put_u32(bytes, v);
	buf_append(out, bytes, sizeof(bytes));
}

void wire_u64(struct buf *out, uint64_t v)
{
	uint8_t bytes[8];

	put_u64(bytes, v);
	buf_append(out, bytes, sizeof(bytes));
}

void wire_text(struct buf *out, struct slice text)
{
	wire_u16(out, (uint16_t)text.len);
	buf_append(out, text.data, (uint16_t)text.len);
}

void wire_bytes(struct buf *out, struct slice bytes)
{
	wire_u32(out, (uint32_t)bytes.len);
	buf_append(out, bytes.data, (uint32_t)bytes.len);
}

void wire_path(struct buf *out, const struct ledger_path *path)
{
	wire_u8(out, (uint8_t)path->count);
	for (unsigned i = 0; i < path->count; i++)
		buf_append(out, path->hashes[i], LEDGER_HASH_LEN);
}

struct slice wire_read_text(struct reader *r)
{
	return read_bytes(r, read_u16(r));
}

struct slice wire_read_bytes(struct reader *r)
{
	return read_bytes(r, read_u32(r));
}

void wire_read_hash(struct reader *r, uint8_t ret_hash[LEDGER_HASH_LEN])
{
	struct slice bytes = read_bytes(r, LEDGER_HASH_LEN);

	if (r->bad)
		memset(ret_hash, 0, LEDGER_HASH_LEN);
	else
		memcpy(ret_hash, bytes.data, LEDGER_HASH_LEN);
}

void wire_read_path(struct reader *r, struct ledger_path *ret_path)
{
	ret_path->count = read_u8(r);
	if (ret_path->count > LEDGER_PATH_MAX) {
		ret_path->count = 0;
		r->bad = true;
	}
	for (unsigned i = 0; i < ret_path->count; i++)
		wire_read_hash(r, ret_path->hashes[i]);
}
