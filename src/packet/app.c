/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The door of the content side: which protocol a connection speaks, and its decoder. What several
 * decoders share (lines, text, mail addresses) is here too.
 */
#include "app_parts.h"

#include <stdlib.h>

/* ---- which protocol ------------------------------------------------------------------------- */

/* A record of TLS or SSL 3.0 with a hello in it (RFC 8446 5.1, 4). */
static enum app_protocol tls_guess(struct slice head)
{
	const uint8_t *h = (const uint8_t *)head.data;

	if (head.len > 0 && h[0] != 22)
		return APP_NONE;
	if ((head.len > 1 && h[1] != 3) || (head.len > 2 && h[2] > 4))
		return APP_NONE;
	if (head.len < 6)
		return APP_UNDECIDED;
	return h[5] == 1 || h[5] == 2 ? APP_TLS : APP_NONE;
}

/* As far as `head` goes, does it begin with `text`, in any case of letters? */
static bool begins(struct slice head, const char *text)
{
	struct slice want = slice_cut(slice_of(text), 0, head.len);

	return slice_equal_nocase(slice_cut(head, 0, want.len), want);
}

/* FTP greets with 220 too: what the client says tells them apart. */
static enum app_protocol smtp_guess(struct slice from_opener, struct slice from_other)
{
	static const char *const first[] = {"EHLO ", "HELO ", "LHLO "};

	if (from_other.len > 0 && !begins(from_other, "220 ") && !begins(from_other, "220-"))
		return APP_NONE;
	if (from_opener.len == 0)
		return from_other.len > 0 ? APP_UNDECIDED : APP_NONE;
	for (size_t i = 0; i < COUNT_OF(first); i++)
		if (begins(from_opener, first[i]))
			return from_opener.len >= 5 ? APP_SMTP : APP_UNDECIDED;
	return APP_NONE;
}

static bool dns_port(uint16_t port)
{
	return port == 53 || port == 5353 || port == 5355;
}

enum app_protocol app_guess(uint16_t source_port, uint16_t destination_port,
	struct slice from_opener, struct slice from_other)
{
	enum app_protocol found[4] = {APP_NONE, APP_NONE, APP_NONE, APP_NONE};
	struct slice head = from_opener.len > 0 ? from_opener : from_other;

	if (head.len == 0)
		return APP_UNDECIDED;
	found[0] = tls_guess(head);
	if (dns_port(source_port) || dns_port(destination_port))
		found[1] = app_dns_guess(head);
	found[2] = app_http_guess(from_opener, from_other);
	found[3] = smtp_guess(from_opener, from_other);
	for (size_t i = 0; i < COUNT_OF(found); i++)
		if (found[i] != APP_NONE && found[i] != APP_UNDECIDED)
			return found[i];
	for (size_t i = 0; i < COUNT_OF(found); i++)
		if (found[i] == APP_UNDECIDED && head.len < APP_GUESS_MAX)
			return APP_UNDECIDED;
	return APP_NONE;
}

/* ---- one connection ------------------------------------------------------------------------- */

static const struct app_decoder *const decoders[] = {
	[APP_DNS] = &app_dns_decoder,
	[APP_HTTP] = &app_http_decoder,
	[APP_TLS] = &app_tls_decoder,
	[APP_SMTP] = &app_smtp_decoder,
};

struct app_stream *app_stream_new(enum app_protocol protocol)
{
	struct app_stream *s;

	if ((size_t)protocol >= COUNT_OF(decoders) || decoders[protocol] == NULL)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (s != NULL)
		s->protocol = (uint8_t)protocol;
	return s;
}

void app_stream_free(struct app_stream *s)
{
	if (s == NULL)
		return;
	decoders[s->protocol]->fini(s);
	free(s);
}

bool app_stream_feed(
	struct app_stream *s, unsigned direction, struct slice bytes, struct packet_out *out)
{
	if (!s->finished && bytes.len > 0)
		s->finished = !decoders[s->protocol]->feed(s, direction & 1, bytes, out);
	return !s->finished;
}

bool app_stream_turn(
	struct app_stream *s, unsigned direction, struct slice bytes, struct packet_out *out)
{
	decoders[s->protocol]->fini(s);
	*s = (struct app_stream){.protocol = APP_TLS};
	return bytes.len == 0 || app_tls_decoder.feed(s, direction, bytes, out);
}

void app_stream_gap(struct app_stream *s, unsigned direction, uint64_t bytes)
{
	if (!s->finished && bytes > 0)
		decoders[s->protocol]->gap(s, direction & 1, bytes);
}

void app_stream_end(struct app_stream *s, unsigned direction, struct packet_out *out)
{
	if (!s->finished && decoders[s->protocol]->end != NULL)
		decoders[s->protocol]->end(s, direction & 1, out);
}

size_t app_stream_bytes(const struct app_stream *s)
{
	return sizeof(*s) + decoders[s->protocol]->bytes(s);
}

/* ---- lines ---------------------------------------------------------------------------------- */

bool app_line_next(struct app_lines *l, struct slice *bytes, struct slice *ret_line)
{
	const char *end;
	struct slice line;

	if (l->part.len > 0 && l->part.data[l->part.len - 1] == '\n')
		buf_clear(&l->part); /* the one told last */
	if (bytes->len == 0)
		return false;
	end = memchr(bytes->data, '\n', bytes->len);
	line = slice_cut(*bytes, 0, end == NULL ? bytes->len : (size_t)(end - bytes->data) + 1);
	*bytes = slice_cut(*bytes, line.len, bytes->len);
	if (l->part.len > 0 || l->cut || end == NULL) {
		size_t room;

		l->part.bytes_max = APP_LINE_MAX + 1;
		room = APP_LINE_MAX - l->part.len;
		/* The end itself is kept of a line that is cut, so that it is known to be whole. */
		buf_append(&l->part, line.data, line.len < room ? line.len : room);
		l->cut |= line.len > room;
		if (end == NULL)
			return false;
		if (l->cut)
			buf_char(&l->part, '\n');
		l->cut = false;
		if (l->part.bad) { /* no memory: the line is left out */
			buf_fini(&l->part);
			return false;
		}
		line = buf_slice(&l->part);
	} else if (line.len > APP_LINE_MAX + 1) {
		line.len = APP_LINE_MAX + 1; /* as it is cut when it comes in pieces */
	}
	line.len--;
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	*ret_line = line;
	return true;
}

void app_lines_fini(struct app_lines *l)
{
	buf_fini(&l->part);
	l->cut = false;
}

/* ---- text ----------------------------------------------------------------------------------- */

void app_text(struct packet_out *out, enum event_role role, struct slice text)
{
	if (text.len > 0)
		packet_out_field(out, role, text, false);
}

void app_hex(const uint8_t *bytes, size_t len, char *ret_text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		ret_text[2 * i] = digits[bytes[i] >> 4];
		ret_text[2 * i + 1] = digits[bytes[i] & 15];
	}
}

/* Not in a mailbox that stands without quotes (RFC 5322 3.2.3 specials); UTF-8 is (RFC 6532). */
static bool mailbox_char(char c)
{
	uint8_t u = (uint8_t)c;

	return u > ' ' && u != 0x7f && strchr("()<>[]:;@\\,\"", c) == NULL;
}

void app_mailboxes(struct slice value, unsigned most,
	void (*told)(void *context, struct slice address), void *context)
{
	size_t from = 0;

	for (size_t at; most > 0 && (at = slice_find(value, '@', from)) < value.len;) {
		size_t first = at, last = at + 1;

		while (first > from && mailbox_char(value.data[first - 1]))
			first--;
		while (last < value.len && mailbox_char(value.data[last]))
			last++;
		/* A source route "@relay:" has nothing before its sign. */
		if (first < at && last > at + 1 && last - first <= APP_MAILBOX_MAX) {
			told(context, slice_cut(value, first, last));
			most--;
		}
		from = last;
	}
}
