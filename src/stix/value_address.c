/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Internet and hardware addresses, read strictly: what two programs read differently (leading
 * zeros, missing parts, hexadecimal parts) is no address here.
 */
#include "value.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Digits of a number up to max, without leading zeros; advances *at. */
static bool decimal(struct slice text, size_t *at, unsigned max, unsigned *ret_value)
{
	size_t from = *at;
	unsigned value = 0;

	while (*at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9' && *at - from < 3)
		value = value * 10 + (unsigned)(text.data[(*at)++] - '0');
	if (*at == from || value > max || (*at - from > 1 && text.data[from] == '0'))
		return false;
	*ret_value = value;
	return true;
}

bool value_ipv4(struct slice text, uint8_t ret_bytes[4])
{
	unsigned parts[4];
	size_t at = 0;

	for (size_t k = 0; k < 4; k++) {
		if (k > 0 && (at >= text.len || text.data[at++] != '.'))
			return false;
		if (!decimal(text, &at, 255, &parts[k]))
			return false;
	}
	if (at != text.len)
		return false;
	for (size_t k = 0; k < 4; k++)
		ret_bytes[k] = (uint8_t)parts[k];
	return true;
}

/* One group of up to four hex digits; advances *at. */
static bool group(struct slice text, size_t *at, uint8_t ret_two[2])
{
	size_t from = *at;
	unsigned value = 0;

	while (*at < text.len && *at - from < 4 && hex_digit(text.data[*at]) >= 0)
		value = value << 4 | (unsigned)hex_digit(text.data[(*at)++]);
	ret_two[0] = (uint8_t)(value >> 8);
	ret_two[1] = (uint8_t)value;
	return *at > from;
}

/* RFC 4291 section 2.2: eight groups; "::" once for one or more of zeros; the last two as IPv4. */
bool value_ipv6(struct slice text, uint8_t ret_bytes[16])
{
	uint8_t bytes[16] = {0};
	size_t at = 0, filled = 0;
	size_t gap = SIZE_MAX; /* bytes in front of the "::" */

	if (text.len < 2 || text.len > 45)
		return false;
	if (text.data[0] == ':') {
		if (text.data[1] != ':')
			return false;
		gap = 0;
		at = 2;
	}
	while (at < text.len) {
		size_t end = slice_find(text, ':', at);

		if (end == text.len && slice_find(text, '.', at) < text.len) {
			if (filled > 12 || !value_ipv4(slice_cut(text, at, end), bytes + filled))
				return false;
			filled += 4;
			at = end;
			break;
		}
		if (filled == 16 || !group(text, &at, bytes + filled) || at != end)
			return false;
		filled += 2;
		if (at == text.len)
			break;
		at++; /* ':' */
		if (at == text.len)
			return false; /* a single ':' at the end */
		if (text.data[at] == ':') {
			if (gap != SIZE_MAX)
				return false;
			gap = filled;
			at++;
		}
	}
	if (gap == SIZE_MAX ? filled != 16 : filled > 14)
		return false;
	if (gap != SIZE_MAX) {
		size_t tail = filled - gap;

		memmove(bytes + 16 - tail, bytes + gap, tail);
		memset(bytes + gap, 0, 16 - filled);
	}
	memcpy(ret_bytes, bytes, 16);
	return true;
}

bool value_address(struct slice text, uint8_t ret_range[VALUE_RANGE_LEN])
{
	size_t slash = slice_find(text, '/', 0);
	struct slice host = slice_cut(text, 0, slash);
	uint8_t bytes[16] = {[10] = 0xff, [11] = 0xff};
	bool four = slice_find(host, ':', 0) == host.len;
	unsigned width = four ? 32 : 128;
	unsigned prefix = width;
	size_t at = slash + 1;

	if (four ? !value_ipv4(host, bytes + 12) : !value_ipv6(host, bytes))
		return false;
	if (slash < text.len && (!decimal(text, &at, width, &prefix) || at != text.len))
		return false;
	prefix += 128 - width;
	for (unsigned k = 0; k < 16; k++) {
		unsigned fixed = prefix >= 8 * (k + 1) ? 8 : prefix <= 8 * k ? 0 : prefix - 8 * k;
		uint8_t host_bits = (uint8_t)(0xff >> fixed);

		ret_range[k] = (uint8_t)(bytes[k] & ~host_bits);
		ret_range[16 + k] = bytes[k] | host_bits;
	}
	return true;
}

bool value_mac(struct slice text, uint8_t ret_bytes[6])
{
	char digits[12];
	size_t len = 0;
	char mark = 0;
	size_t every = 0; /* digits between two marks */

	if (text.len == 17 && (text.data[2] == ':' || text.data[2] == '-'))
		every = 2;
	else if (text.len == 14 && text.data[4] == '.')
		every = 4;
	else if (text.len != 12)
		return false;
	if (every != 0)
		mark = text.data[every];
	for (size_t k = 0; k < text.len; k++) {
		if (every != 0 && (k + 1) % (every + 1) == 0) {
			if (text.data[k] != mark)
				return false;
		} else {
			digits[len++] = text.data[k];
		}
	}
	return hex_decode((struct slice){digits, len}, ret_bytes, 6);
}
