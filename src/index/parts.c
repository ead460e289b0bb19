/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What in a field is looked up: the host of a URL, the domain of an e-mail, the words of a message
 * that could be values. Linear in the text, nothing copied.
 */
#include "normal.h"

/* How the bytes of free text hang together. */
enum {
	BYTE_NAME = 1,  /* of names and addresses: letters, digits, '-', '_', from 0x80 on */
	BYTE_LOCAL = 2, /* in front of '@' as well: '%', '+', ... (RFC 5322 atext that is in use) */
	BYTE_WORD = 4,  /* everything but blanks, quotes and brackets: URLs run on through these */
	BYTE_HEX = 8,
	BYTE_DIGIT = 16
};

#define W  BYTE_WORD
#define L  (BYTE_WORD | BYTE_LOCAL)
#define N  (BYTE_WORD | BYTE_LOCAL | BYTE_NAME)
#define H  (BYTE_WORD | BYTE_LOCAL | BYTE_NAME | BYTE_HEX)
#define D  (BYTE_WORD | BYTE_LOCAL | BYTE_NAME | BYTE_HEX | BYTE_DIGIT)
#define NX N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N

static const uint8_t byte_class[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x00 */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x10 */
	0, W, 0, W, W, L, W, 0, 0, 0, W, L, 0, N, W, W, /* 0x20: !"#$%&'()*+,-./ */
	D, D, D, D, D, D, D, D, D, D, W, 0, 0, W, 0, W, /* 0x30: 0-9:;<=>? */
	W, H, H, H, H, H, H, N, N, N, N, N, N, N, N, N, /* 0x40: @A-O */
	N, N, N, N, N, N, N, N, N, N, N, 0, 0, 0, 0, N, /* 0x50: P-Z[\]^_ */
	0, H, H, H, H, H, H, N, N, N, N, N, N, N, N, N, /* 0x60: `a-o */
	N, N, N, N, N, N, N, N, N, N, N, 0, 0, 0, W, 0, /* 0x70: p-z{|}~ */
	NX, NX, NX, NX, NX, NX, NX, NX                  /* 0x80 and on */
};

#undef W
#undef L
#undef N
#undef H
#undef D
#undef NX

static bool is(char c, unsigned what)
{
	return (byte_class[(unsigned char)c] & what) != 0;
}

static bool all(struct slice text, unsigned what)
{
	for (size_t k = 0; k < text.len; k++) {
		if (!is(text.data[k], what))
			return false;
	}
	return text.len != 0;
}

/* ---- hosts --------------------------------------------------------------------------------- */

/* "name", "name:443", "1.2.3.4:80", "[::1]:80", "::1": what is left without the port. */
static struct slice host_without_port(struct slice text)
{
	size_t digits = text.len, colon;

	if (text.len > 0 && text.data[0] == '[') {
		size_t end = slice_find(text, ']', 0);

		return end < text.len ? slice_cut(text, 1, end) : text;
	}
	while (digits > 0 && is(text.data[digits - 1], BYTE_DIGIT))
		digits--;
	if (digits < 2 || text.data[digits - 1] != ':')
		return text;
	colon = digits - 1;
	/* more than one colon: an IPv6 address without brackets has no port */
	return slice_find(text, ':', 0) == colon ? slice_cut(text, 0, colon) : text;
}

static bool address_form(struct slice host)
{
	bool digits = true;

	for (size_t k = 0; k < host.len; k++) {
		if (host.data[k] == ':')
			return true;
		if (!is(host.data[k], BYTE_DIGIT) && host.data[k] != '.')
			digits = false;
	}
	return digits;
}

static void host_parts(struct slice text, part_seen *seen, void *context)
{
	struct slice host = host_without_port(text);

	if (host.len > 0)
		seen(context, address_form(host) ? FIELD_ADDRESS : FIELD_NAME, host);
}

/* ---- URLs ---------------------------------------------------------------------------------- */

static const struct {
	const char *scheme;
	unsigned port;
} default_ports[] = {
	{"ftp",   21 },
	{"ftps",  990},
	{"sftp",  22 },
	{"ssh",   22 },
	{"rtsp",  554},
	{"ldap",  389},
	{"ldaps", 636},
};

static bool port_is_default(struct slice scheme, struct slice port)
{
	uint64_t number;

	if (!slice_to_u64(port, &number))
		return false;
	/* Logs leave the scheme out, so the two usual ones never count: else "https://a:80/" in a
	 * feed would miss "a:80/" in a log. */
	if (number == 80 || number == 443)
		return true;
	for (size_t k = 0; k < COUNT_OF(default_ports); k++) {
		if (default_ports[k].port == number &&
			slice_equal_nocase(scheme, slice_of(default_ports[k].scheme)))
			return true;
	}
	return false;
}

/* Bytes of the scheme of "scheme://", 0 when there is none (RFC 3986 section 3.1). */
static size_t scheme_length(struct slice text)
{
	size_t k = 0;

	while (k < text.len && k < 32 &&
		((is(text.data[k], BYTE_NAME) && (unsigned char)text.data[k] < 0x80 &&
			 text.data[k] != '_') ||
			text.data[k] == '+' || text.data[k] == '.'))
		k++;
	return slice_starts(slice_cut(text, k, text.len), SLICE("://")) ? k : 0;
}

bool url_split(struct slice text, struct url_parts *ret_parts)
{
	struct slice scheme, authority, port = {0};
	size_t end = 0, at = 0, hash;

	text = slice_trim(text);
	scheme = slice_cut(text, 0, scheme_length(text));
	if (scheme.len != 0)
		text = slice_cut(text, scheme.len + 3, text.len);
	else if (slice_starts(text, SLICE("//")))
		text = slice_cut(text, 2, text.len);
	hash = slice_find(text, '#', 0);
	text = slice_cut(text, 0, hash);
	for (; end < text.len && text.data[end] != '/' && text.data[end] != '?'; end++) {
		if (text.data[end] == '@')
			at = end + 1;
	}
	/* "mailto:a@b.example" has no host; nobody logs userinfo without a scheme */
	if (at != 0 && scheme.len == 0)
		return false;
	authority = slice_cut(text, at, end);
	if (authority.len > 0 && authority.data[0] == '[') {
		size_t close = slice_find(authority, ']', 0);

		if (close == authority.len)
			return false;
		ret_parts->host = slice_cut(authority, 1, close);
		authority = slice_cut(authority, close + 1, authority.len);
		if (authority.len > 0 && authority.data[0] != ':')
			return false;
	} else {
		size_t colon = slice_find(authority, ':', 0);

		ret_parts->host = slice_cut(authority, 0, colon);
		authority = slice_cut(authority, colon, authority.len);
	}
	port = slice_cut(authority, 1, authority.len);
	/* 16-bit numbers; leading zeros mean the same port */
	while (port.len > 1 && port.data[0] == '0')
		port = slice_cut(port, 1, port.len);
	if (ret_parts->host.len == 0 || port.len > 5 || (port.len > 0 && !all(port, BYTE_DIGIT)))
		return false;
	ret_parts->port = port_is_default(scheme, port) ? (struct slice){0} : port;
	ret_parts->path = slice_cut(text, end, text.len);
	return true;
}

static void url_parts_of(struct slice text, part_seen *seen, void *context)
{
	struct url_parts u;

	if (!url_split(text, &u))
		return;
	seen(context, FIELD_URL, text);
	seen(context, address_form(u.host) ? FIELD_ADDRESS : FIELD_NAME, u.host);
}

/* ---- e-mails ------------------------------------------------------------------------------- */

bool email_local_byte(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f && strchr("<>()[],;:\\\"@", c) == NULL;
}

/* Around the '@' at `at`: "local@domain"; empty when one of them is missing. In free text the local
 * part is narrower, for quotes and equals signs stand around addresses there. */
static struct slice email_around(struct slice text, size_t from_min, size_t at, bool narrow)
{
	size_t from = at, end = at + 1;

	while (from > from_min &&
		(narrow ? is(text.data[from - 1], BYTE_LOCAL) || text.data[from - 1] == '.'
			: email_local_byte(text.data[from - 1])))
		from--;
	while (end < text.len && (is(text.data[end], BYTE_NAME) || text.data[end] == '.'))
		end++;
	while (end > at + 1 && text.data[end - 1] == '.')
		end--;
	if (from == at || end == at + 1)
		return (struct slice){0};
	return slice_cut(text, from, end);
}

static void email_seen(struct slice email, size_t at, part_seen *seen, void *context)
{
	seen(context, FIELD_EMAIL, email);
	seen(context, FIELD_NAME, slice_cut(email, at, email.len));
}

/* "a@b", "<a@b>", "Name <a@b>, c@d", "mailto:a@b" */
static void email_parts(struct slice text, part_seen *seen, void *context)
{
	size_t done = 0, count = 0;

	for (size_t at = slice_find(text, '@', 0); at < text.len && count < PARTS_MAX;
		at = slice_find(text, '@', at + 1), count++) {
		struct slice email = email_around(text, done, at, false);

		if (email.len == 0)
			continue;
		email_seen(email, (size_t)(text.data + at + 1 - email.data), seen, context);
		done = (size_t)(email.data + email.len - text.data);
	}
}

/* ---- digests
 * ------------------------------------------------------------------------------------------------
 */

static bool digest_length(size_t digits)
{
	return digits == 32 || digits == 40 || digits == 64 || digits == 128;
}

/* One digest, or several with their names: "SHA1=...,MD5=..." */
static void digest_parts(enum field_kind kind, struct slice text, part_seen *seen, void *context)
{
	size_t count = 0;

	if ((digest_length(text.len) && all(text, BYTE_HEX)) || slice_find(text, ':', 0) == 2) {
		seen(context, kind, text);
		return;
	}
	for (size_t at = 0; at < text.len && count < PARTS_MAX;) {
		size_t from = at;

		while (at < text.len && is(text.data[at], BYTE_NAME))
			at++;
		if (digest_length(at - from) && all(slice_cut(text, from, at), BYTE_HEX)) {
			seen(context, kind, slice_cut(text, from, at));
			count++;
		}
		while (at < text.len && !is(text.data[at], BYTE_NAME))
			at++;
	}
}

/* ---- free text
 * ------------------------------------------------------------------------------------------------
 */

struct words {
	struct slice text;
	part_seen *seen;
	void *context;
	size_t count; /* parts handed out */
};

static void word_part(struct words *w, enum field_kind kind, struct slice text)
{
	if (w->count < PARTS_MAX && text.len > 0) {
		w->count++;
		w->seen(w->context, kind, text);
	}
}

/* "http://evil.example/x." at the end of a sentence. */
static struct slice without_full_stop(struct slice text)
{
	while (text.len > 0 && strchr(".,:!?&", text.data[text.len - 1]) != NULL)
		text.len--;
	return text;
}

#define IPV6_TEXT_MAX 45 /* bytes: eight groups, the last two as a dotted quad */

/* Hexadecimal digits and colons around `at`, at least two colons: an IPv6 address, or nothing. */
static size_t word_ipv6(struct words *w, size_t from, size_t end)
{
	size_t at = from, colons = 0;
	struct slice text;

	while (at < end && at - from <= IPV6_TEXT_MAX &&
		(is(w->text.data[at], BYTE_HEX) || w->text.data[at] == ':' ||
			(w->text.data[at] == '.' && colons >= 2))) {
		colons += w->text.data[at] == ':';
		at++;
	}
	if (colons < 2 || at - from > IPV6_TEXT_MAX)
		return from;
	text = slice_cut(w->text, from, at);
	while (text.len > 2 &&
		(text.data[text.len - 1] == '.' ||
			(text.data[text.len - 1] == ':' && text.data[text.len - 2] != ':')))
		text.len--;
	word_part(w, FIELD_ADDRESS, text);
	return at;
}

/* Names, addresses and digests of one word: text without blanks and quotes. url: one is known. */
static void word_inside(struct words *w, size_t from, size_t end, bool url)
{
	size_t at = from, email_end = from;

	while (at < end && w->count < PARTS_MAX) {
		size_t start = at;
		struct slice token;
		bool dot = false, number = true, hex = true;

		if (!is(w->text.data[at], BYTE_NAME) &&
			!(w->text.data[at] == ':' && at + 1 < end && w->text.data[at + 1] == ':')) {
			if (w->text.data[at] == '@') {
				struct slice email = email_around(
					slice_cut(w->text, 0, end), email_end, at, true);

				if (email.len != 0) {
					word_part(w, FIELD_EMAIL, email);
					email_end = (size_t)(email.data + email.len - w->text.data);
				}
			}
			at++;
			continue;
		}
		for (; at < end && (is(w->text.data[at], BYTE_NAME) || w->text.data[at] == '.');
			at++) {
			char c = w->text.data[at];

			dot |= c == '.';
			number &= c == '.' || is(c, BYTE_DIGIT);
			hex &= is(c, BYTE_HEX);
		}
		if (at < end && w->text.data[at] == ':' && hex && at - start <= 4) {
			size_t after = word_ipv6(w, start, end);

			if (after != start) {
				at = after;
				continue;
			}
		}
		if (at == start) { /* "::" that is no address */
			at++;
			continue;
		}
		token = slice_cut(w->text, start, at);
		while (token.len > 0 && token.data[token.len - 1] == '.')
			token.len--;
		while (token.len > 0 && token.data[0] == '-')
			token = slice_cut(token, 1, token.len);
		if (dot && number)
			word_part(w, FIELD_ADDRESS, token);
		else if (dot)
			word_part(w, FIELD_NAME, token);
		else if (hex && digest_length(token.len))
			word_part(w, FIELD_HASH, token);
		/* "evil.example/path" and "evil.example:8080/path"; one in a word, so that a word
		 * costs no more than its length */
		if (dot && !url && at < end &&
			(w->text.data[at] == '/' ||
				(w->text.data[at] == ':' && at + 1 < end &&
					is(w->text.data[at + 1], BYTE_DIGIT)))) {
			struct slice rest = without_full_stop(slice_cut(w->text, start, end));
			struct url_parts u;

			url = true;
			if (slice_find(rest, '/', 0) < rest.len && url_split(rest, &u))
				word_part(w, FIELD_URL, rest);
		}
	}
}

static void free_parts(struct slice text, part_seen *seen, void *context)
{
	struct words w = {text, seen, context, 0};
	size_t at = 0;

	while (at < text.len && w.count < PARTS_MAX) {
		size_t from, mark;
		bool url;

		while (at < text.len && !is(text.data[at], BYTE_WORD))
			at++;
		from = at;
		while (at < text.len && is(text.data[at], BYTE_WORD))
			at++;
		if (at - from < 3)
			continue;
		mark = from + slice_find_text(slice_cut(text, from, at), SLICE("://"));
		url = mark < at && mark > from;
		if (url) {
			size_t scheme = mark;

			while (scheme > from && is(text.data[scheme - 1], BYTE_NAME))
				scheme--;
			word_part(&w, FIELD_URL, without_full_stop(slice_cut(text, scheme, at)));
		}
		word_inside(&w, from, at, url);
	}
}

/* ---- door
 * -----------------------------------------------------------------------------------------------------
 */

void parts_of(enum field_kind kind, struct slice text, part_seen *seen, void *context)
{
	if (text.len == 0)
		return;
	switch (kind) {
	case FIELD_HOST:
		host_parts(text, seen, context);
		break;
	case FIELD_URL:
		url_parts_of(text, seen, context);
		break;
	case FIELD_EMAIL:
		email_parts(text, seen, context);
		break;
	case FIELD_HASH:
	case FIELD_CERTIFICATE:
		digest_parts(kind, text, seen, context);
		break;
	case FIELD_FREE:
		free_parts(text, seen, context);
		break;
	case FIELD_NONE:
		break;
	default:
		seen(context, kind, text);
	}
}
