/* SPDX-License-Identifier: MPL-2.0 */
/* Universally unique identifiers, RFC 4122. */
#include "base.h"

/* One more than the value of a hex digit; 0 for every other byte. */
static const uint8_t hex_value[256] = {
	['0'] = 1,
	['1'] = 2,
	['2'] = 3,
	['3'] = 4,
	['4'] = 5,
	['5'] = 6,
	['6'] = 7,
	['7'] = 8,
	['8'] = 9,
	['9'] = 10,
	['a'] = 11,
	['b'] = 12,
	['c'] = 13,
	['d'] = 14,
	['e'] = 15,
	['f'] = 16,
	['A'] = 11,
	['B'] = 12,
	['C'] = 13,
	['D'] = 14,
	['E'] = 15,
	['F'] = 16,
};

/* Where each byte's first digit stands in the text. */
static const uint8_t digit_at[16] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};

bool uuid_parse(struct slice text, struct uuid *ret_uuid)
{
	const unsigned char *p = (const unsigned char *)text.data;
	struct uuid u;
	bool bad = false;

	if (text.len != UUID_TEXT_LEN || p[8] != '-' || p[13] != '-' || p[18] != '-' ||
		p[23] != '-')
		return false;
	for (unsigned i = 0; i < 16; i++) {
		unsigned high = hex_value[p[digit_at[i]]];
		unsigned low = hex_value[p[digit_at[i] + 1]];

		bad |= high == 0 || low == 0;
		u.bytes[i] = (uint8_t)((high - 1) << 4 | ((low - 1) & 15));
	}
	if (bad)
		return false;
	*ret_uuid = u;
	return true;
}

void uuid_format(const struct uuid *u, char ret_text[UUID_TEXT_LEN + 1])
{
	static const char hex[] = "0123456789abcdef";

	memcpy(ret_text, "--------------------------------------", UUID_TEXT_LEN);
	for (unsigned i = 0; i < 16; i++) {
		ret_text[digit_at[i]] = hex[u->bytes[i] >> 4];
		ret_text[digit_at[i] + 1] = hex[u->bytes[i] & 15];
	}
	ret_text[UUID_TEXT_LEN] = '\0';
}

static void uuid_stamp(struct uuid *u, unsigned version)
{
	u->bytes[6] = (uint8_t)((u->bytes[6] & 0x0f) | version << 4);
	u->bytes[8] = (uint8_t)((u->bytes[8] & 0x3f) | 0x80);
}

void uuid_v4(const struct world *w, struct uuid *ret_uuid)
{
	w->random(w->context, ret_uuid->bytes, sizeof(ret_uuid->bytes));
	uuid_stamp(ret_uuid, 4);
}

void uuid_v5(const struct uuid *space, struct slice name, struct uuid *ret_uuid)
{
	uint8_t digest[SHA1_LEN];

	hash_sha1_pair(
		(struct slice){(const char *)space->bytes, sizeof(space->bytes)}, name, digest);
	memcpy(ret_uuid->bytes, digest, sizeof(ret_uuid->bytes));
	uuid_stamp(ret_uuid, 5);
}
