/* SPDX-License-Identifier: MPL-2.0 */
/*
 * TLS records (RFC 8446 5.1, RFC 5246 6.2) and the handshake messages that lie in them, in the
 * clear part of a connection: both hellos and, up to TLS 1.2, certificates. After it the connection
 * is of no more interest.
 */
#include "app_parts.h"

#define RECORD_CIPHERS   20
#define RECORD_ALERT     21
#define RECORD_HANDSHAKE 22
#define RECORD_DATA      23
#define RECORD_HEARTBEAT 24
#define RECORD_BYTES_MAX (KIB(16) + KIB(2)) /* RFC 5246 6.2.3 */

#define MESSAGE_HEAD 4 /* type, length of 3 bytes */

static enum tls_next client_hello(struct app_tls_stream *t, struct slice b, struct packet_out *out)
{
	(void)t;
	app_client_hello(b, out);
	return TLS_GO_ON;
}

static enum tls_next server_hello(struct app_tls_stream *t, struct slice b, struct packet_out *out)
{
	struct app_server_hello hello = {0};

	if (!app_server_hello(b, out, &hello))
		return TLS_SIDE_DONE;
	t->retry = hello.retry;
	return hello.encrypted ? TLS_ALL_DONE : TLS_GO_ON;
}

static enum tls_next certificate(struct app_tls_stream *t, struct slice b, struct packet_out *out)
{
	(void)t;
	return app_certificates(b, out) ? TLS_GO_ON : TLS_SIDE_DONE;
}

static enum tls_next wanted(struct app_tls_stream *t, struct slice b, struct packet_out *out)
{
	(void)b;
	(void)out;
	t->certificate_wanted = true;
	return TLS_GO_ON;
}

/* The server has said what it says in the clear; a client that was asked still shows its own. */
static enum tls_next hello_done(struct app_tls_stream *t, struct slice b, struct packet_out *out)
{
	(void)b;
	(void)out;
	return t->certificate_wanted ? TLS_SIDE_DONE : TLS_ALL_DONE;
}

/* A client's certificate comes before its keys. */
static enum tls_next keys(struct app_tls_stream *t, struct slice b, struct packet_out *out)
{
	(void)t;
	(void)b;
	(void)out;
	return TLS_ALL_DONE;
}

static const struct {
	enum tls_next (*read)(struct app_tls_stream *t, struct slice body, struct packet_out *out);
	bool body; /* put together for it */
} messages[] = {
	[1] = {client_hello, true },
	[2] = {server_hello, true },
	[11] = {certificate,  true },
	[13] = {wanted,       false},
	[14] = {hello_done,   false},
	[16] = {keys,         false},
};

static uint32_t u24_at(const char *data)
{
	const uint8_t *p = (const uint8_t *)data;

	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static enum tls_next side_done(struct app_tls_side *d)
{
	d->done = true;
	buf_fini(&d->part);
	return TLS_SIDE_DONE;
}

/* The first bytes of a message are there: read it, put it together, or skip it. */
static enum tls_next message_begun(struct app_tls_stream *t, struct app_tls_side *d,
	struct slice *bytes, struct packet_out *out)
{
	uint8_t type = (uint8_t)bytes->data[0];
	uint32_t len = u24_at(bytes->data + 1);
	bool known = type < COUNT_OF(messages) && messages[type].read != NULL;
	enum tls_next next = TLS_GO_ON;

	if (++d->messages > TLS_MESSAGES_MAX)
		return side_done(d);
	if (!known || !messages[type].body || len > TLS_HANDSHAKE_MAX) {
		if (known && !messages[type].body)
			next = messages[type].read(t, (struct slice){0}, out);
		d->skip = len;
		*bytes = slice_cut(*bytes, MESSAGE_HEAD, bytes->len);
		return next;
	}
	if (bytes->len - MESSAGE_HEAD >= len) {
		next = messages[type].read(
			t, slice_cut(*bytes, MESSAGE_HEAD, MESSAGE_HEAD + (size_t)len), out);
		*bytes = slice_cut(*bytes, MESSAGE_HEAD + (size_t)len, bytes->len);
		return next;
	}
	d->part = BUF_MAX(MESSAGE_HEAD + TLS_HANDSHAKE_MAX);
	buf_append(&d->part, bytes->data, bytes->len);
	*bytes = (struct slice){0};
	return d->part.bad ? side_done(d) : TLS_GO_ON;
}

/* Part of a message waits in d->part. */
static enum tls_next message_goes_on(struct app_tls_stream *t, struct app_tls_side *d,
	struct slice *bytes, struct packet_out *out)
{
	size_t have = d->part.len, need = MESSAGE_HEAD, n;
	enum tls_next next;

	if (have >= MESSAGE_HEAD)
		need += u24_at(d->part.data + 1);
	n = need - have < bytes->len ? need - have : bytes->len;
	buf_append(&d->part, bytes->data, n);
	if (d->part.bad)
		return side_done(d);
	*bytes = slice_cut(*bytes, n, bytes->len);
	if (d->part.len < need)
		return TLS_GO_ON;
	if (have < MESSAGE_HEAD) {
		/* Its head only now: what kind it is decides whether more is kept. */
		char head[MESSAGE_HEAD];
		struct slice all = {head, MESSAGE_HEAD};

		memcpy(head, d->part.data, MESSAGE_HEAD);
		buf_fini(&d->part);
		return message_begun(t, d, &all, out);
	}
	next = messages[(uint8_t)d->part.data[0]].read(
		t, slice_cut(buf_slice(&d->part), MESSAGE_HEAD, d->part.len), out);
	buf_fini(&d->part);
	return next;
}

static enum tls_next handshake(struct app_tls_stream *t, struct app_tls_side *d, struct slice bytes,
	struct packet_out *out)
{
	enum tls_next next = TLS_GO_ON;

	while (bytes.len > 0 && next == TLS_GO_ON) {
		if (d->skip > 0) {
			size_t n = d->skip < bytes.len ? d->skip : bytes.len;

			d->skip -= (uint32_t)n;
			bytes = slice_cut(bytes, n, bytes.len);
		} else if (d->part.len > 0) {
			next = message_goes_on(t, d, &bytes, out);
		} else if (bytes.len >= MESSAGE_HEAD) {
			next = message_begun(t, d, &bytes, out);
		} else {
			d->part = BUF_MAX(MESSAGE_HEAD + TLS_HANDSHAKE_MAX);
			buf_append(&d->part, bytes.data, bytes.len);
			return d->part.bad ? side_done(d) : TLS_GO_ON;
		}
	}
	return next;
}

/* A record's head is there. False: nothing follows that is read. */
static enum tls_next record_begun(struct app_tls_stream *t, struct app_tls_side *d, bool server)
{
	uint32_t len = (uint32_t)d->head[3] << 8 | d->head[4];

	d->type = d->head[0];
	d->left = len;
	d->head_len = 0;
	if (d->head[1] != 3 || len > RECORD_BYTES_MAX || ++d->records > TLS_RECORDS_MAX)
		return side_done(d);
	switch (d->type) {
	case RECORD_HANDSHAKE:
		return len == 0 ? side_done(d) : TLS_GO_ON;
	case RECORD_ALERT:
	case RECORD_HEARTBEAT:
		return TLS_GO_ON;
	case RECORD_CIPHERS:
		/* After a HelloRetryRequest it changes nothing (RFC 8446 D.4). */
		if (t->retry)
			return TLS_GO_ON;
		side_done(d);
		return server ? TLS_ALL_DONE : TLS_SIDE_DONE;
	default:
		return side_done(d);
	}
}

static bool tls_feed(
	struct app_stream *s, unsigned direction, struct slice bytes, struct packet_out *out)
{
	struct app_tls_stream *t = &s->tls;
	struct app_tls_side *d = &t->sides[direction];

	while (bytes.len > 0 && !d->done) {
		enum tls_next next = TLS_GO_ON;
		size_t n;

		if (d->left == 0) {
			n = sizeof(d->head) - d->head_len;
			if (n > bytes.len)
				n = bytes.len;
			memcpy(d->head + d->head_len, bytes.data, n);
			d->head_len = (uint8_t)(d->head_len + n);
			bytes = slice_cut(bytes, n, bytes.len);
			if (d->head_len == sizeof(d->head))
				next = record_begun(t, d, direction == 1);
		} else {
			n = d->left < bytes.len ? d->left : bytes.len;
			d->left -= (uint32_t)n;
			if (d->type == RECORD_HANDSHAKE)
				next = handshake(t, d, slice_cut(bytes, 0, n), out);
			bytes = slice_cut(bytes, n, bytes.len);
		}
		if (next == TLS_ALL_DONE) {
			side_done(&t->sides[0]);
			side_done(&t->sides[1]);
		} else if (next == TLS_SIDE_DONE) {
			side_done(d);
		}
	}
	return !t->sides[0].done || !t->sides[1].done;
}

static void tls_gap(struct app_stream *s, unsigned direction, uint64_t bytes)
{
	(void)bytes;
	side_done(&s->tls.sides[direction]);
}

static size_t tls_bytes(const struct app_stream *s)
{
	return s->tls.sides[0].part.capacity + s->tls.sides[1].part.capacity;
}

static void tls_fini(struct app_stream *s)
{
	buf_fini(&s->tls.sides[0].part);
	buf_fini(&s->tls.sides[1].part);
}

const struct app_decoder app_tls_decoder = {
	.feed = tls_feed, .gap = tls_gap, .bytes = tls_bytes, .fini = tls_fini};
