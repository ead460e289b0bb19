/* SPDX-License-Identifier: MPL-2.0 */
/*
 *   offset  size  field     (little-endian; docs/hunt.md)
 *        0     8  SERAIASK
 *        8     8  version: 1
 *       16     8  1: complete, 0: more new values wait
 *       24    16  key
 *       40    32  digest of the index
 *       72     8  loaded, microseconds since 1970
 *       80     8  job
 *       88     8  new values
 *       96     8  count
 *      104    16  zeros
 *      120   8 c  hashes
 *  120+8c    32  SHA-256 of everything before
 */
#include "asked.h"

#include <endian.h>

#define ASKED_MAGIC   "SERAIASK"
#define ASKED_VERSION 1

uint64_t asked_hash_get(const void *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return le64toh(value);
}

void asked_hash_put(void *ret_bytes, uint64_t hash)
{
	hash = htole64(hash);
	memcpy(ret_bytes, &hash, sizeof(hash));
}

void asked_head_write(const struct asked_head *h, uint8_t ret_bytes[ASKED_HEAD])
{
	memset(ret_bytes, 0, ASKED_HEAD);
	memcpy(ret_bytes, ASKED_MAGIC, 8);
	asked_hash_put(ret_bytes + 8, ASKED_VERSION);
	asked_hash_put(ret_bytes + 16, h->complete);
	memcpy(ret_bytes + 24, h->key, sizeof(h->key));
	memcpy(ret_bytes + 40, h->digest, sizeof(h->digest));
	asked_hash_put(ret_bytes + 72, (uint64_t)h->loaded_us);
	asked_hash_put(ret_bytes + 80, h->job);
	asked_hash_put(ret_bytes + 88, h->fresh);
	asked_hash_put(ret_bytes + 96, h->count);
}

bool asked_head_parse(struct slice bytes, struct asked_head *ret_head)
{
	const char *at = bytes.data;
	struct asked_head h;

	if (bytes.len < ASKED_HEAD || memcmp(at, ASKED_MAGIC, 8) != 0 ||
		asked_hash_get(at + 8) != ASKED_VERSION || asked_hash_get(at + 16) > 1)
		return false;
	h.complete = asked_hash_get(at + 16) == 1;
	memcpy(h.key, at + 24, sizeof(h.key));
	memcpy(h.digest, at + 40, sizeof(h.digest));
	h.loaded_us = (int64_t)asked_hash_get(at + 72);
	h.job = asked_hash_get(at + 80);
	h.fresh = asked_hash_get(at + 88);
	h.count = asked_hash_get(at + 96);
	if (h.job == 0 || h.count > ASKED_VALUES_MAX)
		return false;
	*ret_head = h;
	return true;
}

enum err_kind asked_parse(
	struct slice file, const char *path, struct asked_head *ret_head, struct err *e)
{
	uint8_t digest[SHA256_LEN];
	struct asked_head h;
	size_t bytes;

	if (!asked_head_parse(file, &h))
		return err_set(e, ERR_CORRUPT, "\"%s\" is no list of asked values", path);
	bytes = ASKED_HEAD + 8 * (size_t)h.count;
	if (file.len != bytes + SHA256_LEN)
		return err_set(e, ERR_CORRUPT, "\"%s\" has %zu bytes, expected %zu", path, file.len,
			bytes + SHA256_LEN);
	hash_sha256(slice_cut(file, 0, bytes), digest);
	if (memcmp(digest, file.data + bytes, sizeof(digest)) != 0)
		return err_set(e, ERR_CORRUPT, "\"%s\" is damaged: its checksum differs", path);
	*ret_head = h;
	return OK;
}

bool asked_has(struct slice file, uint64_t hash)
{
	size_t from = 0, to = (file.len - ASKED_HEAD - SHA256_LEN) / 8;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		uint64_t there = asked_hash_get(file.data + ASKED_HEAD + 8 * middle);

		if (there == hash)
			return true;
		if (there < hash)
			from = middle + 1;
		else
			to = middle;
	}
	return false;
}
