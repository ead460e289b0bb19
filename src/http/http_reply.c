/* SPDX-License-Identifier: MPL-2.0 */
/* From what a handler says to what goes out: conditional requests, codings, headers, streams. */
#include <stdlib.h>

#include "http_parts.h"

/* One year; only ever sent over TLS (RFC 6797 section 7.2). */
#define STRICT_TRANSPORT "max-age=31536000"

void http_reply_header(struct http_reply *reply, const char *name, struct slice value)
{
	if (reply->headers_count < COUNT_OF(reply->headers))
		reply->headers[reply->headers_count++] = (struct http_param){slice_of(name), value};
}

static void add(struct http_shape *shape, const char *name, struct slice value)
{
	if (shape->headers_count < HTTP_REPLY_HEADERS_MAX && value.len != 0)
		shape->headers[shape->headers_count++] = (struct http_param){slice_of(name), value};
}

static bool given(const struct http_reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->headers_count; i++)
		if (slice_equal_nocase(reply->headers[i].name, slice_of(name)))
			return true;
	return false;
}

/* A line feed in a value would begin a header of somebody else's making. */
static bool header_safe(const struct http_param *h)
{
	for (size_t i = 0; i < h->value.len; i++) {
		unsigned char c = (unsigned char)h->value.data[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return h->name.len != 0 && h->value.len != 0;
}

/* Choose the coding and pack what is there whole. */
static enum err_kind pack(const struct http_facts *facts, const struct http_reply *reply,
	struct http_shape *shape, struct err *e)
{
	enum http_coding coding = http_coding_choose(facts->accept_encoding);

	if (reply->stream != NULL) {
		shape->coding = coding;
		return OK;
	}
	if (reply->shared != NULL) {
		shape->body = http_shared_coded(reply->shared, &coding);
		shape->coding = coding;
		return OK;
	}
	if (coding == HTTP_IDENTITY)
		return OK;
	if (http_encode_whole(coding, reply->body, &shape->packed, e) != OK) {
		buf_fini(&shape->packed);
		return ERR_NOMEM;
	}
	if (shape->packed.len >= reply->body.len) {
		buf_fini(&shape->packed);
		return OK;
	}
	shape->body = buf_slice(&shape->packed);
	shape->coding = coding;
	return OK;
}

enum err_kind http_reply_shape(const struct http_request *q, const struct http_facts *facts,
	const struct http_reply *reply, bool close, struct http_shape *ret_shape, struct err *e)
{
	struct http_shape shape = {
		.status = reply->status, .streams = reply->stream != NULL || reply->events != NULL};
	bool reads = (facts->method & (HTTP_GET | HTTP_HEAD)) != 0;
	struct slice etag = reply->etag;
	bool packs;

	if (!shape.streams)
		shape.body = reply->shared != NULL ? http_shared_bytes(reply->shared) : reply->body;
	close = close || reply->events != NULL;
	/* Packed, an event would wait for the next ones. */
	packs = reply->events == NULL && reply->content_type != NULL &&
		http_type_packs(slice_of(reply->content_type)) &&
		(shape.streams || shape.body.len >= HTTP_COMPRESS_LEAST) &&
		!given(reply, "content-encoding");
	if (packs) {
		enum err_kind kind = pack(facts, reply, &shape, e);

		if (kind != OK)
			return kind;
	}
	/* The bytes stay: their length belongs to the 304, though they are not sent (RFC 9110 8.6).
	 */
	if (reads && reply->status == 200 && http_request_has_etag(q, etag))
		shape.status = 304;
	if (shape.status == 204)
		shape.body = (struct slice){0};
	if (shape.status == 304 || shape.status == 204)
		shape.streams = false;

	if (reply->events != NULL)
		add(&shape, "Content-Type", SLICE("text/event-stream"));
	else if (reply->content_type != NULL && shape.status != 304 && shape.status != 204)
		add(&shape, "Content-Type", slice_of(reply->content_type));
	if (shape.coding != HTTP_IDENTITY) {
		if (shape.status != 304)
			add(&shape, "Content-Encoding", slice_of(http_coding_name(shape.coding)));
		/* Packed bytes are another representation: a strong tag would lie. */
		if (etag.len != 0 && !slice_starts(etag, SLICE("W/"))) {
			etag = arena_printf(q->arena, "W/%.*s", SLICE_ARG(etag));
			if (etag.data == NULL) {
				buf_fini(&shape.packed);
				return err_set(e, ERR_NOMEM, "reply: out of memory");
			}
		}
	}
	if (packs)
		add(&shape, "Vary", SLICE("Accept-Encoding"));
	add(&shape, "ETag", etag);
	/* Intelligence is for who asked. With a tag a client may keep it if it asks again each
	 * time. */
	if (!given(reply, "cache-control"))
		add(&shape, "Cache-Control",
			etag.len != 0 ? SLICE("private, no-cache") : SLICE("no-store"));
	add(&shape, "X-Content-Type-Options", SLICE("nosniff"));
	if (q->tls)
		add(&shape, "Strict-Transport-Security", SLICE(STRICT_TRANSPORT));
	for (size_t i = 0; i < reply->headers_count; i++)
		if (header_safe(&reply->headers[i]) && shape.headers_count < HTTP_REPLY_HEADERS_MAX)
			shape.headers[shape.headers_count++] = reply->headers[i];
	if (close || reply->close)
		add(&shape, "Connection", SLICE("close"));
	*ret_shape = shape;
	return OK;
}

/* ---- streams -------------------------------------------------------------------------- */

enum err_kind http_stream_begin(struct http_stream *s, const struct http_reply *reply,
	enum http_coding coding, struct err *e)
{
	*s = (struct http_stream){.next = reply->stream,
		.state_free = reply->stream_free,
		.state = reply->stream_state};
	if (coding != HTTP_IDENTITY) {
		s->encoder = http_encoder_new(coding);
		if (s->encoder == NULL)
			return err_set(e, ERR_NOMEM, "stream: no memory to pack it");
	}
	return OK;
}

/* Ask the handler until there is something to send, or nothing more to come. */
static enum err_kind refill(struct http_stream *s, struct err *e)
{
	buf_clear(&s->ready);
	s->ready_taken = 0;
	while (s->ready.len == 0 && !s->ended) {
		struct buf *to = s->encoder == NULL ? &s->ready : &s->plain;
		bool more = false;
		enum err_kind kind;

		buf_clear(&s->plain);
		kind = s->next(s->state, to, &more, e);
		if (kind == OK && to->bad)
			kind = err_set(e, ERR_NOMEM, "stream: out of memory");
		s->ended = !more;
		if (kind == OK && s->encoder != NULL)
			kind = http_encoder_push(
				s->encoder, buf_slice(&s->plain), s->ended, &s->ready, e);
		if (kind != OK)
			return kind;
	}
	return OK;
}

enum err_kind http_stream_read(
	struct http_stream *s, char *to, size_t bytes, size_t *ret_len, struct err *e)
{
	size_t len;

	if (s->ready_taken == s->ready.len) {
		enum err_kind kind = refill(s, e);

		if (kind != OK)
			return kind;
	}
	len = s->ready.len - s->ready_taken;
	if (len > bytes)
		len = bytes;
	if (len != 0)
		memcpy(to, s->ready.data + s->ready_taken, len);
	s->ready_taken += len;
	*ret_len = len;
	return OK;
}

void http_stream_end(struct http_stream *s)
{
	if (s->state_free != NULL)
		s->state_free(s->state);
	http_encoder_free(s->encoder);
	buf_fini(&s->plain);
	buf_fini(&s->ready);
	*s = (struct http_stream){0};
}
