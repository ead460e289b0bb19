/* SPDX-License-Identifier: MPL-2.0 */
/*
 * HTTP/1.x (RFC 9112): where requests, responses and their bodies begin and end. What their heads
 * say is app_head.c's. Which direction carries requests is told by the bytes, as a capture may
 * begin in the middle.
 */
#include "app_body.h"
#include "app_head.h"

#include <stdlib.h>

#define CHUNK_DIGITS_MAX 15 /* hexadecimal: under 2^60, so that nothing overflows */
#define CHUNK_REST_MAX   KIB(4)
#define TRAILER_MAX      KIB(16)
#define RESYNCS_MAX      64 /* starts of pieces looked at after a gap, before we give up */

/* ---- requests that wait for their response -------------------------------------------------- */

static void await(struct app_http_stream *h, const struct http_head *head)
{
	struct app_http_request *q;

	if (h->unpaired)
		return;
	if (h->count == HTTP_AWAITED) {
		h->unpaired = true;
		for (unsigned i = 0; i < HTTP_AWAITED; i++) {
			free(h->awaited[i].name);
			h->awaited[i] = (struct app_http_request){0};
		}
		h->count = 0;
		return;
	}
	q = &h->awaited[(h->first + h->count++) % HTTP_AWAITED];
	*q = (struct app_http_request){.head = slice_is(head->method, "HEAD"),
		.connect = slice_is(head->method, "CONNECT")};
	if (head->name_len > 0)
		q->name = strndup(head->name, head->name_len);
}

/* The caller frees its name. */
static struct app_http_request awaited_take(struct app_http_stream *h)
{
	struct app_http_request q;

	if (h->count == 0)
		return (struct app_http_request){0};
	q = h->awaited[h->first];
	h->awaited[h->first] = (struct app_http_request){0};
	h->first = (uint8_t)((h->first + 1) % HTTP_AWAITED);
	h->count--;
	return q;
}

static void awaited_forget(struct app_http_stream *h)
{
	while (h->count > 0)
		free(awaited_take(h).name);
	h->unpaired = false;
}

/* ---- heads ---------------------------------------------------------------------------------- */

/* Bytes up to and with the empty line; 0 when it has not come. *searched: where to go on. */
static size_t head_len(struct slice s, uint32_t *searched)
{
	size_t at = *searched;

	while ((at = slice_find(s, '\n', at)) < s.len) {
		if (at + 1 < s.len && s.data[at + 1] == '\n')
			return at + 2;
		if (at + 2 < s.len && s.data[at + 1] == '\r' && s.data[at + 2] == '\n')
			return at + 3;
		if (at + 1 >= s.len || (s.data[at + 1] == '\r' && at + 2 >= s.len))
			break; /* undecided: look here again */
		at++;
	}
	*searched = (uint32_t)at;
	return 0;
}

/* RFC 9112 6.3 in its order. */
static void framing(struct app_http_side *d, const struct http_head *head, bool no_body)
{
	if (no_body) {
		d->state = HTTP_HEAD;
	} else if (head->chunked) {
		d->state = HTTP_CHUNK_SIZE;
	} else if (head->has_length) {
		d->left = head->length;
		d->state = head->length > 0 ? HTTP_LENGTH : HTTP_HEAD;
	} else {
		d->state = head->status != 0 ? HTTP_CLOSE : HTTP_HEAD;
	}
}

static void response_begun(struct app_http_stream *h, struct app_http_side *d,
	struct http_head *head, struct packet_out *out)
{
	struct app_http_request q;
	bool no_body;

	if (head->status == 101) {
		d->state = HTTP_DONE;
		return;
	}
	if (head->status < 200) {
		d->state = HTTP_HEAD; /* an interim response: the real one follows */
		return;
	}
	q = awaited_take(h);
	no_body = q.head || head->status == 204 || head->status == 304 ||
		  (q.connect && head->status < 300);
	framing(d, head, no_body);
	if (d->state != HTTP_HEAD) {
		struct slice name = {head->name, head->name_len};

		if (name.len == 0)
			name = slice_of(q.name);
		/* A part of a file (206) has nobody's digest. */
		if (packet_out_wants(out, ROLE_FILE_HASH) && head->status != 206)
			d->body = app_body_new(name, head->mime);
		if (d->body == NULL) {
			app_text(out, ROLE_FILE_NAME, name);
			app_text(out, ROLE_MIME, head->mime);
		}
	} else {
		app_text(out, ROLE_MIME, head->mime);
	}
	free(q.name);
}

static void request_begun(struct app_http_stream *h, struct app_http_side *d,
	struct http_head *head, struct packet_out *out)
{
	await(h, head);
	framing(d, head, false);
	if (d->state == HTTP_HEAD)
		return;
	if (!slice_is(head->method, "PUT") && !head->disposition)
		head->name_len = 0; /* what a POST goes to is not what it carries */
	if (packet_out_wants(out, ROLE_FILE_HASH))
		d->body = app_body_new((struct slice){head->name, head->name_len}, head->mime);
}

static void head_done(struct app_http_stream *h, struct app_http_side *d, struct slice bytes,
	struct packet_out *out)
{
	struct http_head head UNCLEARED;

	if (!http_head_read(bytes, &head)) {
		d->state = HTTP_DONE;
		return;
	}
	packet_out_record(out);
	http_head_tell(&head, out);
	if (head.contradiction) /* two lengths: where the body ends is anybody's guess */
		d->state = HTTP_DONE;
	else if (head.status != 0)
		response_begun(h, d, &head, out);
	else
		request_begun(h, d, &head, out);
}

/* Takes bytes into the head. */
static void head_feed(struct app_http_stream *h, struct app_http_side *d, struct slice *bytes,
	struct packet_out *out)
{
	size_t len;

	if (d->head.len == 0) {
		/* RFC 9112 2.2: empty lines before a request are passed over. */
		while (bytes->len > 0 && (bytes->data[0] == '\r' || bytes->data[0] == '\n'))
			*bytes = slice_cut(*bytes, 1, bytes->len);
		if (bytes->len == 0)
			return;
		d->searched = 0;
		len = head_len(slice_cut(*bytes, 0, HTTP_HEAD_MAX), &d->searched);
		if (len > 0) {
			struct slice head = slice_cut(*bytes, 0, len);

			*bytes = slice_cut(*bytes, len, bytes->len);
			head_done(h, d, head, out);
			return;
		}
		d->head = BUF_MAX(HTTP_HEAD_MAX);
	}
	{
		size_t had = d->head.len, room = HTTP_HEAD_MAX - had;
		size_t n = bytes->len < room ? bytes->len : room;

		buf_append(&d->head, bytes->data, n);
		len = d->head.bad ? 0 : head_len(buf_slice(&d->head), &d->searched);
		if (len > 0) {
			*bytes = slice_cut(*bytes, len - had, bytes->len);
			head_done(h, d, slice_cut(buf_slice(&d->head), 0, len), out);
		} else if (d->head.bad || d->head.len == HTTP_HEAD_MAX) {
			/* Too long: what it said so far counts, where it ends is not looked for. */
			if (!d->head.bad)
				head_done(h, d, buf_slice(&d->head), out);
			app_body_free(d->body);
			d->body = NULL;
			d->state = HTTP_DONE;
		} else {
			*bytes = (struct slice){0};
			return;
		}
		buf_fini(&d->head);
		d->searched = 0;
	}
}

/* ---- bodies --------------------------------------------------------------------------------- */

static void body_done(struct app_http_side *d, struct packet_out *out)
{
	app_body_tell(d->body, true, out);
	d->body = NULL;
	d->state = HTTP_HEAD;
}

static void counted_feed(struct app_http_side *d, struct slice *bytes, struct packet_out *out)
{
	size_t n = d->left < bytes->len ? (size_t)d->left : bytes->len;

	app_body_add(d->body, slice_cut(*bytes, 0, n));
	*bytes = slice_cut(*bytes, n, bytes->len);
	d->left -= n;
	if (d->left > 0)
		return;
	if (d->state == HTTP_LENGTH)
		body_done(d, out);
	else
		d->state = HTTP_CHUNK_END;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte between chunks (RFC 9112 7.1). */
static void chunk_byte(struct app_http_side *d, char c, struct packet_out *out)
{
	int digit;

	switch (d->state) {
	case HTTP_CHUNK_SIZE:
		digit = hex_digit(c);
		if (digit >= 0 && d->digits < CHUNK_DIGITS_MAX) {
			d->left = (d->digits == 0 ? 0 : d->left << 4) | (uint64_t)digit;
			d->digits++;
			return;
		}
		if (digit >= 0 || d->digits == 0) {
			d->state = HTTP_DONE;
			return;
		}
		d->state = HTTP_CHUNK_REST;
		d->line = 0;
		__attribute__((fallthrough));
	case HTTP_CHUNK_REST:
		if (++d->line > CHUNK_REST_MAX) {
			d->state = HTTP_DONE;
		} else if (c == '\n') {
			d->digits = 0;
			d->line = 0;
			d->line_empty = true;
			d->state = d->left > 0 ? HTTP_CHUNK : HTTP_TRAILER;
		}
		return;
	case HTTP_CHUNK_END:
		if (c == '\n')
			d->state = HTTP_CHUNK_SIZE;
		else if (c != '\r')
			d->state = HTTP_DONE;
		return;
	default: /* HTTP_TRAILER */
		if (c == '\n' && d->line_empty)
			body_done(d, out);
		else if (++d->line > TRAILER_MAX)
			d->state = HTTP_DONE;
		else if (c == '\n')
			d->line_empty = true;
		else if (c != '\r')
			d->line_empty = false;
	}
}

/* ---- the stream ----------------------------------------------------------------------------- */

static void resync(struct app_http_stream *h, struct app_http_side *d, struct slice *bytes)
{
	if (app_http_guess(*bytes, (struct slice){0}) == APP_HTTP) {
		awaited_forget(h);
		d->state = HTTP_HEAD;
		return;
	}
	*bytes = (struct slice){0};
	if (++d->resyncs > RESYNCS_MAX)
		d->state = HTTP_DONE;
}

static bool http_feed(
	struct app_stream *s, unsigned direction, struct slice bytes, struct packet_out *out)
{
	struct app_http_stream *h = &s->http;
	struct app_http_side *d = &h->sides[direction];

	while (bytes.len > 0 && d->state != HTTP_DONE) {
		switch ((enum app_http_state)d->state) {
		case HTTP_HEAD:
			/* CONNECT, or an upgrade (RFC 2817): a handshake record is no HTTP. */
			if (d->head.len == 0 && bytes.data[0] == 22)
				return app_stream_turn(s, direction, bytes, out);
			head_feed(h, d, &bytes, out);
			break;
		case HTTP_LENGTH:
		case HTTP_CHUNK:
			counted_feed(d, &bytes, out);
			break;
		case HTTP_CLOSE:
			app_body_add(d->body, bytes);
			bytes = (struct slice){0};
			break;
		case HTTP_LOST:
			resync(h, d, &bytes);
			break;
		default:
			chunk_byte(d, bytes.data[0], out);
			bytes = slice_cut(bytes, 1, bytes.len);
		}
	}
	if (d->state == HTTP_DONE && d->body != NULL) {
		app_body_tell(d->body, false, out);
		d->body = NULL;
	}
	return h->sides[0].state != HTTP_DONE || h->sides[1].state != HTTP_DONE;
}

static void http_gap(struct app_stream *s, unsigned direction, uint64_t bytes)
{
	struct app_http_side *d = &s->http.sides[direction];

	if (d->state == HTTP_DONE)
		return;
	app_body_free(d->body); /* a digest of what is not whole says nothing */
	d->body = NULL;
	if ((d->state == HTTP_LENGTH || d->state == HTTP_CHUNK) && bytes <= d->left) {
		d->left -= bytes;
		if (d->left == 0)
			d->state = d->state == HTTP_LENGTH ? HTTP_HEAD : HTTP_CHUNK_END;
		return;
	}
	if (d->state == HTTP_CLOSE)
		return;
	buf_fini(&d->head);
	d->digits = 0;
	d->searched = 0;
	d->state = HTTP_LOST;
}

static void http_end(struct app_stream *s, unsigned direction, struct packet_out *out)
{
	struct app_http_side *d = &s->http.sides[direction];

	if (d->state == HTTP_CLOSE)
		app_body_tell(d->body, true, out);
	else
		app_body_tell(d->body, false, out);
	d->body = NULL;
	buf_fini(&d->head);
	d->state = HTTP_DONE;
}

static size_t http_bytes(const struct app_stream *s)
{
	size_t bytes = (size_t)s->http.count * HTTP_NAME_MAX;

	for (unsigned i = 0; i < 2; i++)
		bytes += s->http.sides[i].head.capacity + app_body_bytes(s->http.sides[i].body);
	return bytes;
}

static void http_fini(struct app_stream *s)
{
	awaited_forget(&s->http);
	for (unsigned i = 0; i < 2; i++) {
		buf_fini(&s->http.sides[i].head);
		app_body_free(s->http.sides[i].body);
	}
}

const struct app_decoder app_http_decoder = {.feed = http_feed,
	.gap = http_gap,
	.end = http_end,
	.bytes = http_bytes,
	.fini = http_fini};
