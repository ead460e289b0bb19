/* SPDX-License-Identifier: MPL-2.0 */
/*
 * URLs as they are compared: scheme and host in lower case, no default port, no fragment, "/" for
 * an empty path. Path and query stay byte for byte, for servers tell them apart.
 */
#include "value.h"

#define HOST_MAX (VALUE_NAME_MAX + 2) /* bytes; an address in brackets fits too */
#define GROWTH   (HOST_MAX + 8)       /* bytes by which a key may be longer than its text */

static const struct {
	const char *scheme;
	unsigned port;
} default_ports[] = {
	{"http",   80 },
	{"https",  443},
	{"ws",     80 },
	{"wss",    443},
	{"ftp",    21 },
	{"ftps",   990},
	{"sftp",   22 },
	{"ssh",    22 },
	{"ldap",   389},
	{"ldaps",  636},
	{"rtsp",   554},
	{"telnet", 23 },
};

static bool is_alpha(char c)
{
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 3986 section 3.1; bytes before the ':', 0 when there is no scheme. */
static size_t scheme_length(struct slice text)
{
	size_t k = 0;

	if (text.len == 0 || !is_alpha(text.data[0]))
		return 0;
	while (k < text.len &&
		(is_alpha(text.data[k]) || is_digit(text.data[k]) || text.data[k] == '+' ||
			text.data[k] == '-' || text.data[k] == '.'))
		k++;
	return k < text.len && text.data[k] == ':' ? k : 0;
}

struct key {
	char *data;
	size_t len;
};

static void put(struct key *k, struct slice s)
{
	if (s.len != 0)
		memcpy(k->data + k->len, s.data, s.len);
	k->len += s.len;
}

static void put_lower(struct key *k, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];

		k->data[k->len++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
}

/* An IPv6 address in brackets in lower case and without leading zeros, any spelling alike. */
static bool put_ipv6(struct key *k, struct slice inside)
{
	char text[48];
	uint8_t b[16];
	int len;

	if (!value_ipv6(inside, b))
		return false;
	len = snprintf(text, sizeof(text), "[%x:%x:%x:%x:%x:%x:%x:%x]", b[0] << 8 | b[1],
		b[2] << 8 | b[3], b[4] << 8 | b[5], b[6] << 8 | b[7], b[8] << 8 | b[9],
		b[10] << 8 | b[11], b[12] << 8 | b[13], b[14] << 8 | b[15]);
	put(k, (struct slice){text, (size_t)len});
	return true;
}

static bool put_host(struct key *k, struct slice host)
{
	char name[VALUE_NAME_MAX];
	uint8_t bytes[4];
	size_t len;

	if (host.len >= 2 && host.data[0] == '[' && host.data[host.len - 1] == ']')
		return put_ipv6(k, slice_cut(host, 1, host.len - 1));
	if (value_ipv4(host, bytes)) {
		put(k, host);
		return true;
	}
	if (!value_name(host, name, &len))
		return false;
	put(k, (struct slice){name, len});
	return true;
}

/* What stands behind a host's ':'; nothing, or digits. */
static bool put_port(struct key *k, struct slice scheme, struct slice port)
{
	unsigned number = 0;
	char text[8];
	int len;

	if (port.len == 0)
		return true;
	for (size_t i = 0; i < port.len; i++) {
		if (!is_digit(port.data[i]))
			return false;
		number = number * 10 + (unsigned)(port.data[i] - '0');
		if (number > 65535)
			return false;
	}
	for (size_t i = 0; i < COUNT_OF(default_ports); i++) {
		if (default_ports[i].port == number &&
			slice_equal_nocase(scheme, slice_of(default_ports[i].scheme)))
			return true;
	}
	len = snprintf(text, sizeof(text), ":%u", number);
	put(k, (struct slice){text, (size_t)len});
	return true;
}

/* [userinfo '@'] host [':' port], RFC 3986 section 3.2 */
static bool put_authority(struct key *k, struct slice scheme, struct slice authority)
{
	size_t at = 0, colon;
	struct slice host, port = {0};

	for (size_t i = 0; i < authority.len; i++) {
		if (authority.data[i] == '@')
			at = i + 1;
	}
	put(k, slice_cut(authority, 0, at));
	host = slice_cut(authority, at, authority.len);
	colon = host.len;
	while (colon > 0 && is_digit(host.data[colon - 1]))
		colon--;
	if (colon > 0 && host.data[colon - 1] == ':') {
		port = slice_cut(host, colon, host.len);
		host = slice_cut(host, 0, colon - 1);
	}
	return put_host(k, host) && put_port(k, scheme, port);
}

enum value_result value_url(struct slice text, struct arena *a, struct slice *ret_key)
{
	size_t scheme = scheme_length(text);
	struct slice rest = slice_cut(text, 0, slice_find(text, '#', 0));
	struct key k = {0};
	size_t end = 0;
	bool authority;

	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
			return VALUE_UNFIT;
	}
	k.data = arena_alloc(a, text.len + GROWTH);
	if (k.data == NULL)
		return VALUE_NO_MEMORY;
	authority = scheme != 0 && slice_starts(slice_cut(rest, scheme, rest.len), SLICE("://"));
	if (authority) {
		put_lower(&k, slice_cut(rest, 0, scheme));
		put(&k, SLICE("://"));
		rest = slice_cut(rest, scheme + 3, rest.len);
	} else if (scheme != 0 && scheme + 1 < rest.len && !is_digit(rest.data[scheme + 1])) {
		/* mailto:, urn:, data: — only the scheme is alike in any case */
		put_lower(&k, slice_cut(rest, 0, scheme));
		put(&k, slice_cut(rest, scheme, rest.len));
		*ret_key = (struct slice){k.data, k.len};
		return VALUE_FITS;
	}
	while (end < rest.len && rest.data[end] != '/' && rest.data[end] != '?')
		end++;
	/* "evil.example/path", as people write it: a host, and something behind it */
	if (!authority && end == rest.len)
		return VALUE_UNFIT;
	if (end == 0) {
		/* file:///path */
		if (!authority || rest.len == 0 || rest.data[0] != '/')
			return VALUE_UNFIT;
	} else if (!put_authority(&k, slice_cut(text, 0, scheme), slice_cut(rest, 0, end))) {
		return VALUE_UNFIT;
	}
	rest = slice_cut(rest, end, rest.len);
	if (rest.len == 0 || rest.data[0] == '?')
		put(&k, SLICE("/"));
	put(&k, rest);
	*ret_key = (struct slice){k.data, k.len};
	return VALUE_FITS;
}
