/* SPDX-License-Identifier: MPL-2.0 */
/* See next.h. */
#include "next.h"

#define TAG_LEN   16 /* 128 bits: not to be guessed within the life of a store */
#define VALUE_LEN (8 + TAG_LEN)

static const char domain[] = "serai/taxii/next/v1";

static void value_make(const uint8_t key[NEXT_KEY_LEN], const struct next_binding *binding,
	int64_t position_us, uint8_t ret_value[VALUE_LEN])
{
	uint8_t text[sizeof(domain) + 1 + 8 + sizeof(struct uuid) + SHA256_LEN + 8];
	uint8_t mac[SHA256_LEN];
	uint8_t *p = text;

	memcpy(p, domain, sizeof(domain)); /* with its NUL */
	p += sizeof(domain);
	*p++ = binding->resource;
	put_u64(p, (uint64_t)binding->account);
	p += 8;
	memcpy(p, binding->collection.bytes, sizeof(binding->collection.bytes));
	p += sizeof(binding->collection.bytes);
	memcpy(p, binding->filters, SHA256_LEN);
	p += SHA256_LEN;
	put_u64(p, (uint64_t)position_us);
	hmac_sha256((struct slice){(const char *)key, NEXT_KEY_LEN},
		(struct slice){(const char *)text, sizeof(text)}, mac);
	put_u64(ret_value, (uint64_t)position_us);
	memcpy(ret_value + 8, mac, TAG_LEN);
}

void next_make(const uint8_t key[NEXT_KEY_LEN], const struct next_binding *binding,
	int64_t position_us, char ret_text[NEXT_TEXT_LEN])
{
	/* The URL alphabet, three bytes to four characters; VALUE_LEN leaves no rest. */
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t value[VALUE_LEN];

	_Static_assert(VALUE_LEN % 3 == 0 && VALUE_LEN / 3 * 4 == NEXT_TEXT_LEN, "no padding");
	value_make(key, binding, position_us, value);
	for (size_t i = 0; i < VALUE_LEN / 3; i++) {
		uint32_t bits = (uint32_t)value[3 * i] << 16 | (uint32_t)value[3 * i + 1] << 8 |
				value[3 * i + 2];

		for (size_t k = 0; k < 4; k++)
			ret_text[4 * i + k] = alphabet[bits >> (18 - 6 * k) & 63];
	}
}

bool next_read(const uint8_t key[NEXT_KEY_LEN], const struct next_binding *binding,
	struct slice text, int64_t *ret_position_us)
{
	uint8_t expected[VALUE_LEN];
	struct buf value = BUF_INIT;
	struct reader r;
	int64_t position;
	bool fits;

	if (text.len != NEXT_TEXT_LEN)
		return false;
	fits = base64url_decode(text, &value) && value.len == VALUE_LEN;
	if (fits) {
		r = (struct reader){.rest = buf_slice(&value)};
		position = (int64_t)read_u64(&r);
		value_make(key, binding, position, expected);
		fits = secret_equal(expected, value.data, VALUE_LEN);
		if (fits)
			*ret_position_us = position;
	}
	buf_fini(&value);
	return fits;
}
