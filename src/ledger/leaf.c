/* SPDX-License-Identifier: MPL-2.0 */
/* Leaves and the commitments in them. */
#include "inside.h"

#define LEAF_MAGIC  "SL1"             /* and its NUL */
#define COMMIT_WORD "serai/commit/v1" /* and its NUL */
#define HOUR_US     (3600 * US_PER_SECOND)

const char *ledger_class_name(enum ledger_class c)
{
	static const char *const names[LEDGER_CLASSES] = {
		[LEDGER_RESTRICTED] = "restricted",
		[LEDGER_COALITION] = "coalition",
		[LEDGER_DECISION] = "decision",
		[LEDGER_CHARTER] = "charter",
		[LEDGER_WITHDRAWAL] = "withdrawal",
		[LEDGER_EVIDENCE] = "evidence",
	};

	return (unsigned)c < LEDGER_CLASSES ? names[c] : "unknown";
}

void ledger_leaf_write(const struct ledger_leaf *l, uint8_t ret_bytes[LEDGER_LEAF_LEN])
{
	memset(ret_bytes, 0, LEDGER_LEAF_LEN);
	memcpy(ret_bytes, LEAF_MAGIC, sizeof(LEAF_MAGIC));
	ret_bytes[4] = (uint8_t)l->class;
	put_u64(ret_bytes + 8, (uint64_t)l->time_us);
	memcpy(ret_bytes + 16, l->commitment, HASH_LEN);
}

enum err_kind ledger_leaf_parse(struct slice bytes, struct ledger_leaf *ret_leaf, struct err *e)
{
	struct reader r = {.rest = bytes};
	struct slice magic = read_bytes(&r, sizeof(LEAF_MAGIC));
	uint8_t class = read_u8(&r);
	struct slice filling = read_bytes(&r, 3);
	uint64_t time = read_u64(&r);
	struct slice commitment = read_bytes(&r, HASH_LEN);

	if (r.bad || r.rest.len != 0)
		return err_set(
			e, ERR_PARSE, "leaf: %zu bytes, expected %d", bytes.len, LEDGER_LEAF_LEN);
	if (memcmp(magic.data, LEAF_MAGIC, sizeof(LEAF_MAGIC)) != 0)
		return err_set(e, ERR_PARSE, "leaf: does not begin with \"SL1\" and a zero byte");
	if (class >= LEDGER_CLASSES)
		return err_set(
			e, ERR_PARSE, "leaf: class %u, expected 0..%d", class, LEDGER_CLASSES - 1);
	if (memcmp(filling.data, "\0\0\0", 3) != 0)
		return err_set(e, ERR_PARSE, "leaf: bytes 5 to 7 are not zero");
	if (time > INT64_MAX)
		return err_set(e, ERR_PARSE, "leaf: time %llu does not fit 63 bits",
			(unsigned long long)time);
	if (class == LEDGER_RESTRICTED && (int64_t)time % HOUR_US != 0)
		return err_set(e, ERR_PARSE, "leaf: restricted, but its time is no whole hour");

	ret_leaf->class = (enum ledger_class) class;
	ret_leaf->time_us = (int64_t)time;
	memcpy(ret_leaf->commitment, commitment.data, HASH_LEN);
	return OK;
}

void ledger_commit(struct slice origin, const uint8_t salt[LEDGER_SALT_LEN], struct slice content,
	uint8_t ret_commitment[HASH_LEN])
{
	char near[KIB(2)], origin_len[2], content_len[8];
	const struct slice parts[] = {
		{COMMIT_WORD,        sizeof(COMMIT_WORD)},
		{origin_len,         sizeof(origin_len) },
		origin,
		{(const char *)salt, LEDGER_SALT_LEN    },
		{content_len,        sizeof(content_len)},
		content,
	};
	size_t len = 0;

	put_u16(origin_len, (uint16_t)origin.len);
	put_u64(content_len, content.len);
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		len += parts[i].len;
	if (len > sizeof(near)) {
		hash_sha256_parts(parts, COUNT_OF(parts), ret_commitment);
		return;
	}
	/* Short ones are hashed several times faster when they lie together. */
	len = 0;
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		if (parts[i].len != 0)
			memcpy(near + len, parts[i].data, parts[i].len);
		len += parts[i].len;
	}
	hash_sha256((struct slice){near, len}, ret_commitment);
}
