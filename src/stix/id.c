/* SPDX-License-Identifier: MPL-2.0 */
/* Identifiers, section 2.9: "type--uuid". Every object has several, so their text is read eight
 * bytes at a time. */
#include "check.h"

#define UUID_AND_HYPHENS (UUID_TEXT_LEN + 2)

const struct uuid stix_namespace = {
	{0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9,
         0xb7}
};

/* Type names: a-z, 0-9 and single hyphens, a letter first, 3 to 250 bytes (3.1, 7.3.2.2, 11.2.1).
 */
static bool type_name_fits(struct slice type)
{
	if (type.len < 3 || type.len > STIX_TYPE_MAX || type.data[0] < 'a' || type.data[0] > 'z')
		return false;
	for (size_t i = 1; i < type.len; i++) {
		char c = type.data[i];

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') &&
			(c != '-' || type.data[i - 1] == '-'))
			return false;
	}
	return type.data[type.len - 1] != '-';
}

/* ---- UUIDs: uuid_parse for the inner loop ---------------------------------------------------- */

#define EACH_BYTE(n) (UINT64_C(0x0101010101010101) * (n))
#define HIGH_BITS    EACH_BYTE(0x80)

/* Of each byte of x, all below 0x80: 0x80 when it is at least n. */
static uint64_t at_least(uint64_t x, unsigned n)
{
	return (x + EACH_BYTE(0x80 - n)) & HIGH_BITS;
}

/* Eight hexadecimal digits to four bytes; what is none of them lowers *fit. */
static uint32_t hex_read(const char *p, uint64_t *fit)
{
	uint64_t x, lower, value;

	memcpy(&x, p, sizeof(x));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	*fit &= ~x; /* below 0x80 */
	x &= ~HIGH_BITS;
	lower = x | EACH_BYTE(0x20);
	*fit &= (at_least(x, '0') & ~at_least(x, '9' + 1)) |
		(at_least(lower, 'a') & ~at_least(lower, 'f' + 1) & x << 1);
	value = (x & EACH_BYTE(0x0f)) + (x >> 6 & EACH_BYTE(1)) * 9;
	/* The first digit is in the lowest byte: join pairs, then draw the bytes together. */
	value = (value << 4 | value >> 8) & UINT64_C(0x00ff00ff00ff00ff);
	value = (value | value >> 8) & UINT64_C(0x0000ffff0000ffff);
	return (uint32_t)(value | value >> 16);
}

static bool uuid_read(const char *p, struct uuid *ret_uuid)
{
	uint64_t fit = HIGH_BITS;
	uint32_t words[4];
	char middle[8], last[8];

	/* 01234567-0123-0123-0123-012345678901 */
	memcpy(middle, p + 9, 4);
	memcpy(middle + 4, p + 14, 4);
	memcpy(last, p + 19, 4);
	memcpy(last + 4, p + 24, 4);
	words[0] = hex_read(p, &fit);
	words[1] = hex_read(middle, &fit);
	words[2] = hex_read(last, &fit);
	words[3] = hex_read(p + 28, &fit);
	if ((fit & HIGH_BITS) != HIGH_BITS || p[8] != '-' || p[13] != '-' || p[18] != '-' ||
		p[23] != '-')
		return false;
	for (unsigned i = 0; i < 4; i++) {
		ret_uuid->bytes[4 * i] = (uint8_t)words[i];
		ret_uuid->bytes[4 * i + 1] = (uint8_t)(words[i] >> 8);
		ret_uuid->bytes[4 * i + 2] = (uint8_t)(words[i] >> 16);
		ret_uuid->bytes[4 * i + 3] = (uint8_t)(words[i] >> 24);
	}
	return true;
}

/* ---- identifiers ----------------------------------------------------------------------------- */

bool id_read(struct slice text, struct stix_id *ret_id, enum shape_number *ret_type)
{
	struct stix_id id;

	if (text.len <= UUID_AND_HYPHENS || text.len > STIX_ID_MAX)
		return false;
	id.type = (struct slice){text.data, text.len - UUID_AND_HYPHENS};
	if (id.type.data[id.type.len] != '-' || id.type.data[id.type.len + 1] != '-' ||
		!uuid_read(id.type.data + id.type.len + 2, &id.uuid))
		return false;
	*ret_type = type_find(id.type);
	/* The names of the standard's types need no look at their letters. */
	if (*ret_type == SHAPE_CUSTOM && !type_name_fits(id.type))
		return false;
	*ret_id = id;
	return true;
}

bool stix_id_parse(struct slice text, struct stix_id *ret_id)
{
	struct stix_id id;

	if (text.len <= UUID_AND_HYPHENS || text.len > STIX_ID_MAX)
		return false;
	id.type = (struct slice){text.data, text.len - UUID_AND_HYPHENS};
	if (memcmp(text.data + id.type.len, "--", 2) != 0 || !type_name_fits(id.type) ||
		!uuid_read(text.data + text.len - UUID_TEXT_LEN, &id.uuid))
		return false;
	*ret_id = id;
	return true;
}

void stix_id_format(struct slice type, const struct uuid *uuid, char ret_text[STIX_ID_MAX + 1])
{
	size_t len = type.len > STIX_TYPE_MAX ? STIX_TYPE_MAX : type.len;

	memcpy(ret_text, type.data, len);
	memcpy(ret_text + len, "--", 2);
	uuid_format(uuid, ret_text + len + 2);
}
