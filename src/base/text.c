/* SPDX-License-Identifier: MPL-2.0 */
/* UTF-8, hexadecimal and base64. */
#include "base.h"

/*
 * Length of the well-formed sequence at the front (Unicode table 3-7), 0 when there is none.
 * Fills *ret_code_point.
 */
static size_t utf8_sequence(struct slice s, uint32_t *ret_code_point)
{
	const unsigned char *p = (const unsigned char *)s.data;
	uint32_t c;
	size_t len;

	if (s.len == 0)
		return 0;
	if (p[0] < 0x80) {
		*ret_code_point = p[0];
		return 1;
	}
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (s.len < len)
		return 0;
	c = (uint32_t)p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((uint32_t)p[i] & 0x3f);
	}
	if ((len == 3 && c < 0x800) || (len == 4 && c < 0x10000) || c > 0x10ffff ||
		(c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret_code_point = c;
	return len;
}

bool utf8_valid(struct slice s)
{
	uint32_t c;

	while (s.len > 0) {
		size_t len;

		/* eight ASCII bytes at a time */
		while (s.len >= 8) {
			uint64_t word;

			memcpy(&word, s.data, 8);
			if ((word & UINT64_C(0x8080808080808080)) != 0)
				break;
			s = (struct slice){s.data + 8, s.len - 8};
		}
		if (s.len == 0)
			break;
		len = utf8_sequence(s, &c);
		if (len == 0)
			return false;
		s = (struct slice){s.data + len, s.len - len};
	}
	return true;
}

uint32_t utf8_next(struct slice *rest)
{
	uint32_t c = 0xfffd;
	size_t len = utf8_sequence(*rest, &c);

	if (len == 0 && rest->len > 0) {
		len = 1;
		c = 0xfffd;
	}
	*rest = (struct slice){rest->data + len, rest->len - len};
	return c;
}

void utf8_append(struct buf *b, uint32_t c)
{
	char bytes[4];
	size_t len;

	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		c = 0xfffd;
	if (c < 0x80) {
		bytes[0] = (char)c;
		len = 1;
	} else if (c < 0x800) {
		bytes[0] = (char)(0xc0 | c >> 6);
		bytes[1] = (char)(0x80 | (c & 0x3f));
		len = 2;
	} else if (c < 0x10000) {
		bytes[0] = (char)(0xe0 | c >> 12);
		bytes[1] = (char)(0x80 | (c >> 6 & 0x3f));
		bytes[2] = (char)(0x80 | (c & 0x3f));
		len = 3;
	} else {
		bytes[0] = (char)(0xf0 | c >> 18);
		bytes[1] = (char)(0x80 | (c >> 12 & 0x3f));
		bytes[2] = (char)(0x80 | (c >> 6 & 0x3f));
		bytes[3] = (char)(0x80 | (c & 0x3f));
		len = 4;
	}
	buf_append(b, bytes, len);
}

void hex_append(struct buf *b, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = bytes;
	char *to = len > SIZE_MAX / 4 ? NULL : buf_reserve(b, len * 2);

	if (to == NULL) {
		b->bad = true;
		return;
	}
	for (size_t i = 0; i < len; i++) {
		to[2 * i] = digits[p[i] >> 4];
		to[2 * i + 1] = digits[p[i] & 15];
	}
	b->len += len * 2;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_decode(struct slice hex, void *ret_bytes, size_t ret_len)
{
	unsigned char *to = ret_bytes;

	if (hex.len % 2 != 0 || hex.len / 2 != ret_len)
		return false;
	for (size_t i = 0; i < hex.len; i++) {
		if (hex_digit(hex.data[i]) < 0)
			return false;
	}
	for (size_t i = 0; i < ret_len; i++)
		to[i] = (unsigned char)(hex_digit(hex.data[2 * i]) << 4 |
					hex_digit(hex.data[2 * i + 1]));
	return true;
}

static const char base64_standard[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void base64_encode(
	struct buf *b, const char *alphabet, bool pad, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t word = (uint32_t)p[i] << 16;
		char out[4];

		if (left > 1)
			word |= (uint32_t)p[i + 1] << 8;
		if (left > 2)
			word |= p[i + 2];
		for (int k = 0; k < 4; k++)
			out[k] = alphabet[word >> (18 - 6 * k) & 63];
		if (left >= 3) {
			buf_append(b, out, 4);
		} else {
			buf_append(b, out, left + 1);
			if (pad)
				buf_append(b, "==", 3 - left);
		}
	}
}

/* Strict: only the alphabet, the right length, spare bits zero. */
static bool base64_decode_with(struct slice text, const char *alphabet, struct buf *ret_bytes)
{
	signed char value[256];
	uint32_t word = 0;
	unsigned bits = 0;

	if (text.len % 4 == 1)
		return false;
	memset(value, -1, sizeof(value));
	for (int i = 0; i < 64; i++)
		value[(unsigned char)alphabet[i]] = (signed char)i;
	for (size_t i = 0; i < text.len; i++) {
		if (value[(unsigned char)text.data[i]] < 0)
			return false;
	}
	if (text.len % 4 != 0) {
		unsigned last = (unsigned)value[(unsigned char)text.data[text.len - 1]];

		if ((last & (text.len % 4 == 2 ? 15U : 3U)) != 0)
			return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		word = word << 6 | (uint32_t)(unsigned char)value[(unsigned char)text.data[i]];
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf_char(ret_bytes, (char)(word >> bits & 0xff));
		}
	}
	return !ret_bytes->bad;
}

void base64_append(struct buf *b, const void *bytes, size_t len)
{
	base64_encode(b, base64_standard, true, bytes, len);
}

bool base64_decode(struct slice text, struct buf *ret_bytes)
{
	if (text.len % 4 != 0)
		return false;
	for (int i = 0; i < 2 && text.len > 0 && text.data[text.len - 1] == '='; i++)
		text.len--;
	return base64_decode_with(text, base64_standard, ret_bytes);
}

void base64url_append(struct buf *b, const void *bytes, size_t len)
{
	base64_encode(b, base64_url, false, bytes, len);
}

bool base64url_decode(struct slice text, struct buf *ret_bytes)
{
	return base64_decode_with(text, base64_url, ret_bytes);
}
