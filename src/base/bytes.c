/* SPDX-License-Identifier: MPL-2.0 */
/* Slices, growing buffers, and the reader through which every peer's bytes pass. */
#include <stdlib.h>

#include "base.h"

int slice_compare(struct slice a, struct slice b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter == 0 ? 0 : memcmp(a.data, b.data, shorter);

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

static char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (ascii_lower(a.data[i]) != ascii_lower(b.data[i]))
			return false;
	}
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct slice slice_trim(struct slice a)
{
	while (a.len > 0 && is_blank(a.data[0]))
		a = slice_cut(a, 1, a.len);
	while (a.len > 0 && is_blank(a.data[a.len - 1]))
		a.len--;
	return a;
}

size_t slice_find(struct slice a, char c, size_t from)
{
	const char *p = from >= a.len ? NULL : memchr(a.data + from, c, a.len - from);

	return p == NULL ? a.len : (size_t)(p - a.data);
}

size_t slice_find_text(struct slice a, struct slice what)
{
	const char *p = a.len == 0 ? NULL : memmem(a.data, a.len, what.data, what.len);

	return p == NULL ? a.len : (size_t)(p - a.data);
}

bool slice_next(struct slice *rest, char separator, struct slice *ret_part)
{
	size_t end;

	if (rest->data == NULL)
		return false;
	end = slice_find(*rest, separator, 0);
	*ret_part = (struct slice){rest->data, end};
	if (end == rest->len)
		*rest = (struct slice){0};
	else
		*rest = (struct slice){rest->data + end + 1, rest->len - end - 1};
	return true;
}

bool slice_to_u64(struct slice a, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (a.len == 0 || (a.len > 1 && a.data[0] == '0'))
		return false;
	for (size_t i = 0; i < a.len; i++) {
		unsigned digit = (unsigned)(unsigned char)a.data[i] - '0';

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*ret_value = value;
	return true;
}

void buf_fini(struct buf *b)
{
	free(b->data);
	*b = (struct buf){.bytes_max = b->bytes_max};
}

char *buf_reserve(struct buf *b, size_t more)
{
	size_t limit = b->bytes_max != 0 ? b->bytes_max : SIZE_MAX / 2;
	size_t capacity;
	char *grown;

	if (b->bad || more > limit || b->len > limit - more) {
		b->bad = true;
		return NULL;
	}
	if (more > b->capacity - b->len) {
		capacity = b->capacity < 128 ? 256 : b->capacity * 2;
		if (capacity < b->len + more)
			capacity = b->len + more;
		if (capacity > limit)
			capacity = limit;
		grown = realloc(b->data, capacity);
		if (grown == NULL) {
			b->bad = true;
			return NULL;
		}
		b->data = grown;
		b->capacity = capacity;
	}
	return b->data + b->len;
}

void buf_append_slow(struct buf *b, const void *bytes, size_t len)
{
	char *to = buf_reserve(b, len);

	if (to == NULL)
		return;
	if (len != 0)
		memcpy(to, bytes, len);
	b->len += len;
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	int len;
	char *to;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0 || (to = buf_reserve(b, (size_t)len + 1)) == NULL) {
		b->bad = true;
		return;
	}
	va_start(args, format);
	vsnprintf(to, (size_t)len + 1, format, args);
	va_end(args);
	b->len += (size_t)len;
}

void buf_u64(struct buf *b, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	buf_append(b, digits + at, sizeof(digits) - at);
}

void buf_i64(struct buf *b, int64_t value)
{
	if (value < 0) {
		buf_char(b, '-');
		buf_u64(b, 0 - (uint64_t)value);
	} else {
		buf_u64(b, (uint64_t)value);
	}
}

struct slice read_bytes(struct reader *r, size_t len)
{
	struct slice s;

	if (r->bad || r->rest.len < len) {
		r->bad = true;
		r->rest.len = 0;
		return (struct slice){0};
	}
	s = (struct slice){r->rest.data, len};
	if (len != 0)
		r->rest = (struct slice){r->rest.data + len, r->rest.len - len};
	return s;
}

static uint64_t read_big_endian(struct reader *r, size_t len)
{
	struct slice s = read_bytes(r, len);
	uint64_t value = 0;

	for (size_t i = 0; i < s.len; i++)
		value = value << 8 | (unsigned char)s.data[i];
	return value;
}

uint8_t read_u8(struct reader *r)
{
	return (uint8_t)read_big_endian(r, 1);
}

uint16_t read_u16(struct reader *r)
{
	return (uint16_t)read_big_endian(r, 2);
}

uint32_t read_u32(struct reader *r)
{
	return (uint32_t)read_big_endian(r, 4);
}

uint64_t read_u64(struct reader *r)
{
	return read_big_endian(r, 8);
}

static void put_big_endian(void *to, uint64_t value, size_t len)
{
	unsigned char *p = to;

	while (len-- > 0) {
		p[len] = (unsigned char)value;
		value >>= 8;
	}
}

void put_u16(void *to, uint16_t value)
{
	put_big_endian(to, value, 2);
}

void put_u32(void *to, uint32_t value)
{
	put_big_endian(to, value, 4);
}

void put_u64(void *to, uint64_t value)
{
	put_big_endian(to, value, 8);
}
