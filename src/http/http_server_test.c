/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A real server on loopback: replies of every kind, bodies, accounts, TLS and client certificates,
 * deadlines under virtual time, draining and reload.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_talk.h"

#define HOST " HTTP/1.1\r\nHost: here\r\n"

static int set_up_only(void **state)
{
	struct site *s = calloc(1, sizeof(*s));

	site_init(s);
	*state = s;
	return 0;
}

static int set_up(void **state)
{
	set_up_only(state);
	site_start(*state);
	return 0;
}

static int set_up_tls_only(void **state)
{
	struct site *s;

	set_up_only(state);
	s = *state;
	site_certificate(s, "server", s->certificate, s->key);
	s->config.certificate_file = s->certificate;
	s->config.key_file = s->key;
	return 0;
}

static int set_up_tls(void **state)
{
	struct site *s;

	set_up_tls_only(state);
	s = *state;
	s->config.ask_client_certificate = true;
	site_start(s);
	return 0;
}

static int tear_down(void **state)
{
	site_fini(*state);
	free(*state);
	return 0;
}

static void ask(struct talk *t, struct reply *r, const char *format, ...) PRINTF(3, 4);

/* Send a request and read its reply. */
static void ask(struct talk *t, struct reply *r, const char *format, ...)
{
	char text[8192];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	assert_true(len > 0 && (size_t)len < sizeof(text));
	talk_send(t, (struct slice){text, (size_t)len});
	talk_reply(t, strncmp(text, "HEAD ", 5) == 0, r);
}

static bool has(const struct reply *r, const char *text)
{
	return slice_find_text(buf_slice(&r->body), slice_of(text)) < r->body.len;
}

static void unpack(struct slice packed, struct buf *out)
{
	struct input *in;
	size_t len;

	assert_int_equal(input_of_memory(packed, "packed", &in, NULL), OK);
	do {
		char piece[1000];

		assert_int_equal(input_read(in, piece, sizeof(piece), &len, NULL), OK);
		buf_append(out, piece, len);
	} while (len != 0);
	input_free(in);
}

/* ---- replies -------------------------------------------------------------------------- */

static void plain_replies(void **state)
{
	struct site *s = *state;
	struct talk t;
	struct reply r;

	talk_open(&t, s->port);
	/* All of this on one connection. */
	ask(&t, &r, "GET /hello/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	assert_true(slice_is(buf_slice(&r.body), "hello\n"));
	assert_true(slice_is(reply_header(&r, "Content-Type"), "text/plain; charset=utf-8"));
	assert_true(slice_is(reply_header(&r, "X-Content-Type-Options"), "nosniff"));
	assert_true(slice_is(reply_header(&r, "Cache-Control"), "no-store"));
	assert_int_equal(reply_header(&r, "Strict-Transport-Security").len, 0);
	assert_true(reply_header(&r, "Date").len != 0);
	assert_int_equal(reply_header(&r, "Server").len, 0);
	reply_fini(&r);
	ask(&t, &r, "HEAD /hello" HOST "\r\n");
	assert_int_equal(r.status, 200);
	assert_true(slice_is(reply_header(&r, "Content-Length"), "6"));
	reply_fini(&r);
	ask(&t, &r, "GET /nothing/" HOST "\r\n");
	assert_int_equal(r.status, 404);
	assert_true(has(&r, "{\"status\":404"));
	reply_fini(&r);
	ask(&t, &r, "PUT /hello/" HOST "Content-Length: 3\r\n\r\nabc");
	assert_int_equal(r.status, 405);
	assert_true(slice_is(reply_header(&r, "Allow"), "GET, HEAD, DELETE"));
	reply_fini(&r);
	ask(&t, &r, "BREW /hello/" HOST "\r\n");
	assert_int_equal(r.status, 405);
	reply_fini(&r);
	ask(&t, &r, "GET /hello/?a=%%zz" HOST "\r\n");
	assert_int_equal(r.status, 400);
	assert_true(has(&r, "percent"));
	reply_fini(&r);
	ask(&t, &r, "GET /none/" HOST "\r\n");
	assert_int_equal(r.status, 500);
	reply_fini(&r);
	/* The handler wants the connection closed. */
	ask(&t, &r, "DELETE /hello/" HOST "\r\n");
	assert_int_equal(r.status, 204);
	assert_true(slice_is(reply_header(&r, "Connection"), "close"));
	reply_fini(&r);
	assert_true(talk_ended(&t));
	talk_close(&t);

	/* So does the client. */
	talk_open(&t, s->port);
	ask(&t, &r, "GET /hello/" HOST "Connection: close\r\n\r\n");
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	assert_true(talk_ended(&t));
	talk_close(&t);
}

static void errors_without_words(void **state)
{
	struct site *s = *state;
	struct talk t;
	struct reply r;

	s->config.error = NULL;
	site_start(s);
	talk_open(&t, s->port);
	ask(&t, &r, "GET /nothing/" HOST "\r\n");
	assert_int_equal(r.status, 404);
	assert_true(slice_is(buf_slice(&r.body), "there is nothing here\n"));
	reply_fini(&r);
	talk_close(&t);
}

static void shared_pages(void **state)
{
	static const struct {
		const char *accept, *coding; /* coding NULL: plain */
	} cases[] = {
		{"",				NULL  },
		{"Accept-Encoding: gzip\r\n",       "gzip"},
		{"Accept-Encoding: gzip, zstd\r\n", "zstd"},
		{"Accept-Encoding: zstd;q=0\r\n",   NULL  },
	};
	struct site *s = *state;
	struct talk t;
	struct reply r;

	talk_open(&t, s->port);
	for (size_t round = 0; round < 3; round++) { /* the second time from what was kept */
		for (size_t i = 0; i < COUNT_OF(cases); i++) {
			struct buf text = BUF_INIT;
			struct slice coding;

			ask(&t, &r, "GET /page/" HOST "%s\r\n", cases[i].accept);
			assert_int_equal(r.status, 200);
			coding = reply_header(&r, "Content-Encoding");
			assert_true(slice_equal(coding, slice_of(cases[i].coding)));
			assert_true(slice_is(reply_header(&r, "Vary"), "Accept-Encoding"));
			assert_true(slice_is(reply_header(&r, "X-Page"), "one"));
			assert_true(
				slice_is(reply_header(&r, "Cache-Control"), "private, no-cache"));
			assert_true(slice_is(reply_header(&r, "ETag"),
				coding.len != 0 ? "W/\"page-1\"" : "\"page-1\""));
			if (coding.len != 0)
				unpack(buf_slice(&r.body), &text);
			else
				buf_slice_append(&text, buf_slice(&r.body));
			assert_true(slice_equal(buf_slice(&text), http_shared_bytes(s->page)));
			buf_fini(&text);
			reply_fini(&r);
			ask(&t, &r, "HEAD /page/" HOST "%s\r\n", cases[i].accept);
			assert_int_equal(r.status, 200);
			assert_true(slice_equal(
				reply_header(&r, "Content-Encoding"), slice_of(cases[i].coding)));
			reply_fini(&r);
		}
	}
	/* What the client has already. */
	ask(&t, &r, "GET /page/" HOST "If-None-Match: \"other\", W/\"page-1\"\r\n\r\n");
	assert_int_equal(r.status, 304);
	assert_true(slice_is(reply_header(&r, "ETag"), "\"page-1\""));
	reply_fini(&r);
	ask(&t, &r, "GET /page/" HOST "If-None-Match: \"other\"\r\n\r\n");
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	/* A reader that leaves in the middle. */
	talk_send(&t, SLICE("GET /page/" HOST "\r\n"));
	talk_close(&t);
	talk_open(&t, s->port);
	ask(&t, &r, "GET /hello/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	talk_close(&t);
}

static void streamed_replies(void **state)
{
	static const char *const codings[] = {"identity", "gzip", "zstd"};
	struct site *s = *state;
	struct talk t;
	struct reply r;

	talk_open(&t, s->port);
	for (size_t i = 0; i < COUNT_OF(codings); i++) {
		struct buf text = BUF_INIT;

		ask(&t, &r, "GET /stream/300000/" HOST "Accept-Encoding: %s\r\n\r\n", codings[i]);
		assert_int_equal(r.status, 200);
		assert_true(r.whole);
		assert_true(slice_is(reply_header(&r, "Transfer-Encoding"), "chunked"));
		if (i == 0)
			buf_slice_append(&text, buf_slice(&r.body));
		else
			unpack(buf_slice(&r.body), &text);
		assert_true(i == 0 || r.body.len < text.len / 2);
		assert_true(slice_starts(buf_slice(&text), SLICE("line 0\nline 1\n")));
		assert_true(slice_ends(buf_slice(&text), SLICE("line 299999\n")));
		assert_int_equal(text.len, 300000 * 12 - 111110);
		buf_fini(&text);
		reply_fini(&r);
	}
	/* HEAD: no body, and nothing of one that could be taken for the next reply. */
	ask(&t, &r, "HEAD /stream/10/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	assert_true(talk_ended(&t));
	talk_close(&t);
	talk_open(&t, s->port);
	ask(&t, &r, "GET /stream/0/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	assert_true(r.whole && r.body.len == 0);
	reply_fini(&r);
	/* A stream that fails cannot look whole. */
	ask(&t, &r, "GET /stream/1000/?break" HOST "\r\n");
	assert_int_equal(r.status, 200);
	assert_false(r.whole);
	reply_fini(&r);
	talk_close(&t);
	/* One that nobody reads to the end. */
	talk_open(&t, s->port);
	talk_send(&t, SLICE("GET /stream/99999999/" HOST "\r\n"));
	assert_true(talk_readable(&t) || talk_readable(&t) || talk_readable(&t));
	talk_close(&t);
	while (atomic_load(&s->freed) < 7) /* each state freed once, whatever happened */
		sched_yield();
}

/* ---- bodies --------------------------------------------------------------------------- */

static void body_line(struct buf *out, size_t bytes, const char *where)
{
	struct buf body = BUF_INIT;
	uint8_t digest[SHA256_LEN];

	for (size_t i = 0; i < bytes; i++)
		buf_char(&body, 'b');
	hash_sha256(buf_slice(&body), digest);
	buf_printf(out, "body %zu %zu %s ", bytes, bytes, where);
	hex_append(out, digest, sizeof(digest));
	buf_char(out, '\0');
	buf_fini(&body);
}

static void send_body(struct talk *t, size_t bytes)
{
	static char piece[KIB(64)];

	memset(piece, 'b', sizeof(piece));
	while (bytes > 0) {
		size_t len = bytes < sizeof(piece) ? bytes : sizeof(piece);

		talk_send(t, (struct slice){piece, len});
		bytes -= len;
	}
}

static void bodies_in_memory_and_files(void **state)
{
	static const size_t sizes[] = {
		1, HTTP_BODY_MEMORY - 1, HTTP_BODY_MEMORY, HTTP_BODY_MEMORY + 1, MIB(1)};
	struct site *s = *state;
	struct talk t;
	struct reply r;

	talk_open(&t, s->port);
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		for (int chunked = 0; chunked < 2; chunked++) {
			struct buf line = BUF_INIT, head = BUF_INIT;

			body_line(&line, sizes[i], sizes[i] > HTTP_BODY_MEMORY ? "file" : "memory");
			buf_text(&head, "POST /echo/x/" HOST);
			if (chunked)
				buf_printf(&head, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n",
					sizes[i]);
			else
				buf_printf(&head, "Content-Length: %zu\r\n\r\n", sizes[i]);
			talk_send(&t, buf_slice(&head));
			send_body(&t, sizes[i]);
			if (chunked)
				talk_send(&t, SLICE("\r\n0\r\n\r\n"));
			talk_reply(&t, false, &r);
			assert_int_equal(r.status, 200);
			assert_true(has(&r, line.data));
			assert_true(
				slice_is(reply_header(&r, "Connection"), chunked ? "close" : ""));
			reply_fini(&r);
			buf_fini(&line);
			buf_fini(&head);
			if (chunked) {
				assert_true(talk_ended(&t));
				talk_close(&t);
				talk_open(&t, s->port);
			}
		}
	}
	talk_close(&t);
	/* The files have no names. */
	DIR *folder = opendir(s->folder);
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
		assert_true(entry->d_name[0] == '.');
	closedir(folder);
}

static void bodies_too_long(void **state)
{
	struct site *s = *state;
	struct talk t;
	struct reply r;
	struct rusage before, after;

	getrusage(RUSAGE_SELF, &before);
	/* Said so: refused before a byte of it is read, also without 100-continue. */
	talk_open(&t, s->port);
	ask(&t, &r, "POST /echo/x/" HOST "Content-Length: 1073741824\r\n\r\n");
	assert_int_equal(r.status, 413);
	assert_true(has(&r, "{\"status\":413"));
	assert_true(slice_is(reply_header(&r, "Connection"), "close"));
	reply_fini(&r);
	/* A client that goes on sending gets its reply all the same, and is not reset. */
	send_body(&t, MIB(32));
	shutdown(t.fd, SHUT_WR);
	assert_true(talk_ended(&t));
	talk_close(&t);

	/* One byte too many. */
	talk_open(&t, s->port);
	ask(&t, &r, "POST /echo/x/" HOST "Content-Length: %zu\r\n\r\n", MIB(1) + 1);
	assert_int_equal(r.status, 413);
	reply_fini(&r);
	talk_close(&t);

	/* Not said: refused as soon as it is passed, and the client learns why. */
	talk_open(&t, s->port);
	talk_send(&t, SLICE("POST /echo/x/" HOST "Transfer-Encoding: chunked\r\n\r\n"));
	for (int i = 0; i < 512; i++) { /* 32 MiB in all */
		talk_send(&t, SLICE("10000\r\n"));
		send_body(&t, KIB(64));
		talk_send(&t, SLICE("\r\n"));
	}
	talk_reply(&t, false, &r);
	assert_int_equal(r.status, 413);
	assert_true(r.whole && has(&r, "{\"status\":413"));
	assert_true(slice_is(reply_header(&r, "Content-Type"), "application/json"));
	assert_true(reply_header(&r, "Date").len != 0);
	reply_fini(&r);
	talk_close(&t);
	getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_maxrss - before.ru_maxrss < 16 * 1024); /* KiB */

	/* A short one costs no connection. */
	talk_open(&t, s->port);
	ask(&t, &r, "POST /small/x/" HOST "Content-Length: 10\r\n\r\n0123456789");
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	ask(&t, &r, "POST /small/x/" HOST "Content-Length: 11\r\n\r\n0123456789a");
	assert_int_equal(r.status, 413);
	reply_fini(&r);
	ask(&t, &r, "GET /hello/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	talk_close(&t);
}

static void expectations(void **state)
{
	struct site *s = *state;
	struct talk t;
	struct reply r;

	/* The body is asked for only when it may come. */
	talk_open(&t, s->port);
	ask(&t, &r, "POST /echo/x/" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	assert_int_equal(r.status, 100);
	reply_fini(&r);
	ask(&t, &r, "abc");
	assert_int_equal(r.status, 200);
	assert_true(has(&r, "body 3 3 memory"));
	reply_fini(&r);
	ask(&t, &r, "POST /account/x/" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	assert_int_equal(r.status, 401);
	reply_fini(&r);
	assert_true(talk_ended(&t)); /* nobody knows whether the body comes */
	talk_close(&t);
}

static void spool_fails(void **state)
{
	struct site *s = *state;
	struct talk t;
	struct reply r;

	s->config.spool_folder = "/nowhere/at/all";
	site_start(s);
	talk_open(&t, s->port);
	ask(&t, &r, "POST /echo/x/" HOST "Content-Length: 1000000\r\n\r\n");
	assert_int_equal(r.status, 503);
	assert_true(slice_is(reply_header(&r, "Retry-After"), "30"));
	reply_fini(&r);
	talk_close(&t);
	/* In the middle of one. */
	talk_open(&t, s->port);
	talk_send(&t, SLICE("POST /echo/x/" HOST "Transfer-Encoding: chunked\r\n\r\n80000\r\n"));
	send_body(&t, 0x80000);
	talk_reply(&t, false, &r);
	assert_int_equal(r.status, 503);
	assert_true(slice_is(reply_header(&r, "Retry-After"), "30"));
	reply_fini(&r);
	talk_close(&t);
}

/* ---- accounts ------------------------------------------------------------------------- */

static const char *basic(const char *name, const char *password)
{
	static char text[256];
	struct buf pair = BUF_INIT, base64 = BUF_INIT;

	buf_printf(&pair, "%s:%s", name, password);
	base64_append(&base64, pair.data, pair.len);
	snprintf(
		text, sizeof(text), "Authorization: Basic %.*s\r\n", SLICE_ARG(buf_slice(&base64)));
	buf_fini(&pair);
	buf_fini(&base64);
	return text;
}

static void accounts(void **state)
{
	struct site *s = *state;
	struct talk t;
	struct reply r;

	talk_open(&t, s->port);
	ask(&t, &r, "GET /account/x/" HOST "\r\n");
	assert_int_equal(r.status, 401);
	/* A challenge for each scheme. */
	assert_true(
		slice_find_text(buf_slice(&r.headers),
			SLICE("WWW-Authenticate: Basic realm=\"serai\", charset=\"UTF-8\"\r\n")) <
		r.headers.len);
	assert_true(slice_find_text(buf_slice(&r.headers),
			    SLICE("WWW-Authenticate: Bearer realm=\"serai\"\r\n")) < r.headers.len);
	reply_fini(&r);
	ask(&t, &r, "GET /account/x/" HOST "%s\r\n", basic("ana", TALK_PASSWORD));
	assert_int_equal(r.status, 200);
	assert_true(has(&r, "account ana\n"));
	reply_fini(&r);
	ask(&t, &r, "GET /account/x/" HOST "Authorization: Bearer %s\r\n\r\n", s->token);
	assert_int_equal(r.status, 200);
	assert_true(has(&r, "account bot\n"));
	reply_fini(&r);
	/* The body of one who may not come is thrown away, not handed on. */
	ask(&t, &r, "POST /account/x/" HOST "%sContent-Length: 3\r\n\r\nabc",
		basic("ana", "wrong"));
	assert_int_equal(r.status, 401);
	reply_fini(&r);
	ask(&t, &r, "GET /maybe/x/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	assert_false(has(&r, "account"));
	reply_fini(&r);
	ask(&t, &r, "GET /maybe/x/" HOST "%s\r\n", basic("ana", "wrong"));
	assert_int_equal(r.status, 401); /* wrong is not nobody */
	reply_fini(&r);
	ask(&t, &r, "GET /hello/" HOST "%s\r\n", basic("ana", "wrong"));
	assert_int_equal(r.status, 200); /* open to anybody: not looked at */
	reply_fini(&r);
	ask(&t, &r, "GET /admin/x/" HOST "%s\r\n", basic("ana", TALK_PASSWORD));
	assert_int_equal(r.status, 403);
	reply_fini(&r);
	ask(&t, &r, "GET /admin/x/" HOST "%s\r\n", basic("root", TALK_PASSWORD));
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	/* Back-off over the wire. */
	for (int i = 0; i <= HTTP_BACKOFF_FREE; i++) {
		char name[8];

		snprintf(name, sizeof(name), "eve%d", i);
		ask(&t, &r, "GET /account/x/" HOST "%s\r\n", basic(name, "wrong"));
		assert_int_equal(r.status, 401);
		reply_fini(&r);
	}
	ask(&t, &r, "GET /account/x/" HOST "%s\r\n", basic("eve", "wrong"));
	assert_int_equal(r.status, 429);
	assert_true(slice_is(reply_header(&r, "Retry-After"), "1"));
	reply_fini(&r);
	/* An account that goes is gone for the next request of an open connection. */
	ask(&t, &r, "GET /account/x/" HOST "%s\r\n", basic("ana", TALK_PASSWORD));
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	s->fake.accounts[0].disabled = true;
	atomic_fetch_add(&s->fake.epoch, 1);
	fake_advance(&s->fake, 2);
	ask(&t, &r, "GET /account/x/" HOST "%s\r\n", basic("ana", TALK_PASSWORD));
	assert_int_equal(r.status, 401);
	reply_fini(&r);
	atomic_store(&s->fake.broken, true);
	atomic_fetch_add(&s->fake.epoch, 1);
	ask(&t, &r, "GET /account/x/" HOST "Authorization: Bearer %s\r\n\r\n", s->token);
	assert_int_equal(r.status, 500);
	reply_fini(&r);
	talk_close(&t);
	assert_true(http_server_metrics(s->server).authentication_failures >= 6);
}

/* ---- TLS ------------------------------------------------------------------------------ */

static unsigned status_with(
	struct site *s, const char *certificate, const char *key, bool *ret_by_pin)
{
	struct talk t;
	struct reply r;
	unsigned status;

	assert_true(talk_open_tls(&t, s->port, certificate, key, NULL));
	/* Twice: the certificate is looked at once per connection and holds for it. */
	ask(&t, &r, "GET /account/x/" HOST "\r\n");
	status = r.status;
	reply_fini(&r);
	ask(&t, &r, "GET /account/x/" HOST "\r\n");
	assert_int_equal(r.status, status);
	*ret_by_pin = has(&r, "account bot by certificate\n");
	reply_fini(&r);
	talk_close(&t);
	return status;
}

/* None, ours, a stranger's: the library alone lets all three in. */
static void client_certificates(void **state)
{
	struct site *s = *state;
	char certificate[128], key[128], stranger[128], stranger_key[128];
	struct talk t;
	struct reply r;
	bool by_pin;

	site_certificate(s, "bot", certificate, key);
	site_certificate(s, "stranger", stranger, stranger_key);
	assert_int_equal(http_certificate_pin(certificate, s->fake.accounts[1].pin, NULL), OK);
	s->fake.accounts[1].has_pin = true;
	atomic_fetch_add(&s->fake.epoch, 1);

	assert_int_equal(status_with(s, NULL, NULL, &by_pin), 401);
	assert_int_equal(status_with(s, certificate, key, &by_pin), 200);
	assert_true(by_pin);
	assert_int_equal(status_with(s, stranger, stranger_key, &by_pin), 401);
	/* Somebody else's name beside our certificate: it is he, and not by certificate. */
	assert_true(talk_open_tls(&t, s->port, certificate, key, NULL));
	ask(&t, &r, "GET /account/x/" HOST "%s\r\n", basic("ana", TALK_PASSWORD));
	assert_int_equal(r.status, 200);
	assert_true(has(&r, "account ana\n"));
	assert_true(has(&r, "tls 1\n"));
	assert_true(reply_header(&r, "Strict-Transport-Security").len != 0);
	reply_fini(&r);
	/* Our token beside it: both. */
	ask(&t, &r, "GET /account/x/" HOST "Authorization: Bearer %s\r\n\r\n", s->token);
	assert_true(has(&r, "account bot by certificate\n"));
	reply_fini(&r);
	talk_close(&t);

	/* The account gone, the open connection is nobody's. */
	assert_true(talk_open_tls(&t, s->port, certificate, key, NULL));
	ask(&t, &r, "GET /account/x/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	s->fake.accounts[1].disabled = true;
	atomic_fetch_add(&s->fake.epoch, 1);
	ask(&t, &r, "GET /account/x/" HOST "\r\n");
	assert_int_equal(r.status, 401);
	reply_fini(&r);
	talk_close(&t);
	s->fake.accounts[1].disabled = false;
	atomic_fetch_add(&s->fake.epoch, 1);

	/* Out of date: no proof of anything. */
	atomic_fetch_add(&s->fake.now_us, INT64_C(11) * 366 * 24 * 3600 * US_PER_SECOND);
	assert_int_equal(status_with(s, certificate, key, &by_pin), 401);
	atomic_fetch_sub(&s->fake.now_us, INT64_C(12) * 366 * 24 * 3600 * US_PER_SECOND);
	assert_int_equal(status_with(s, certificate, key, &by_pin), 401);
}

static void tls_versions(void **state)
{
	static const struct {
		const char *priorities;
		bool accepted;
	} cases[] = {
		{"NORMAL:-VERS-ALL:+VERS-TLS1.3",                                              true },
		{"NORMAL:-VERS-ALL:+VERS-TLS1.2",                                              true },
		{"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM",                     true },
		{"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+CHACHA20-POLY1305",               true },
 /* RFC 7540 appendix A: CBC, and key exchange by RSA alone. */
		{"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:+AES-256-CBC",        false},
		{"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA",                                 false},
		{"NORMAL:-VERS-ALL:+VERS-TLS1.1:+SHA1:+SIGN-ALL:%VERIFY_ALLOW_SIGN_WITH_SHA1",
                 false									      },
		{"NORMAL:-VERS-ALL:+VERS-TLS1.0:+SHA1:+SIGN-ALL:%VERIFY_ALLOW_SIGN_WITH_SHA1",
                 false									      },
	};
	struct site *s = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct talk t;
		struct reply r;

		if (talk_open_tls(&t, s->port, NULL, NULL, cases[i].priorities) !=
			cases[i].accepted)
			fail_msg("%s", cases[i].priorities);
		if (cases[i].accepted) {
			ask(&t, &r, "GET /page/" HOST "\r\n");
			assert_int_equal(r.status, 200);
			assert_true(slice_equal(buf_slice(&r.body), http_shared_bytes(s->page)));
			reply_fini(&r);
		}
		talk_close(&t);
	}
}

static void tls_resumption(void **state)
{
	static const char *const versions[] = {
		"NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2"};
	struct site *s = *state;

	for (int asks = 0; asks < 2; asks++) {
		s->config.ask_client_certificate = asks;
		site_start(s);
		for (size_t i = 0; i < COUNT_OF(versions); i++) {
			struct buf ticket = BUF_INIT;
			struct talk t;
			struct reply r;

			assert_true(talk_open_tls(&t, s->port, NULL, NULL, versions[i]));
			ask(&t, &r, "GET /hello/" HOST "\r\n");
			assert_int_equal(r.status, 200);
			reply_fini(&r);
			talk_ticket(&t, &ticket);
			talk_close(&t);
			assert_true(talk_resume_tls(&t, s->port, &ticket, versions[i]));
			assert_true(asks || talk_resumed(&t));
			ask(&t, &r, "GET /hello/" HOST "\r\n");
			assert_int_equal(r.status, 200);
			reply_fini(&r);
			talk_close(&t);
			buf_fini(&ticket);
		}
		http_server_stop(s->server, 10);
		s->server = NULL;
	}
}

static void tls_bodies(void **state)
{
	struct site *s = *state;
	struct talk t;
	struct reply r;
	struct buf line = BUF_INIT;

	body_line(&line, MIB(1), "file");
	assert_true(talk_open_tls(&t, s->port, NULL, NULL, NULL));
	talk_send(&t, SLICE("POST /echo/x/" HOST "Content-Length: 1048576\r\n\r\n"));
	send_body(&t, MIB(1));
	talk_reply(&t, false, &r);
	assert_int_equal(r.status, 200);
	assert_true(has(&r, line.data));
	reply_fini(&r);
	ask(&t, &r, "GET /stream/100000/" HOST "Accept-Encoding: gzip\r\n\r\n");
	assert_true(r.whole);
	reply_fini(&r);
	/* Refused in the middle, over TLS too. */
	talk_send(&t, SLICE("POST /echo/x/" HOST "Transfer-Encoding: chunked\r\n\r\n"));
	for (int i = 0; i < 64; i++) {
		talk_send(&t, SLICE("10000\r\n"));
		send_body(&t, KIB(64));
		talk_send(&t, SLICE("\r\n"));
	}
	talk_reply(&t, false, &r);
	assert_int_equal(r.status, 413);
	assert_true(r.whole);
	reply_fini(&r);
	talk_close(&t);
	buf_fini(&line);
}

static void reload(void **state)
{
	struct site *s = *state;
	char fresh[128], fresh_key[128];
	uint8_t old_pin[SHA256_LEN], new_pin[SHA256_LEN], seen[SHA256_LEN];
	struct talk before, after;
	struct reply r;
	struct err e;

	assert_int_equal(http_certificate_pin(s->certificate, old_pin, NULL), OK);
	assert_true(talk_open_tls(&before, s->port, NULL, NULL, NULL));
	ask(&before, &r, "GET /hello/" HOST "\r\n");
	reply_fini(&r);
	talk_peer_pin(&before, seen);
	assert_memory_equal(seen, old_pin, SHA256_LEN);

	/* What cannot be read changes nothing. */
	assert_int_equal(rename(s->certificate, "/tmp/serai-http-test-aside"), 0);
	assert_int_equal(http_server_reload(s->server, &e), ERR_IO);
	assert_int_equal(rename("/tmp/serai-http-test-aside", s->certificate), 0);
	site_certificate(s, "fresh", fresh, fresh_key);
	assert_int_equal(rename(fresh, s->certificate), 0);
	assert_int_equal(http_server_reload(s->server, &e), ERR_PARSE); /* not its key */
	assert_true(talk_open_tls(&after, s->port, NULL, NULL, NULL));
	talk_peer_pin(&after, seen);
	assert_memory_equal(seen, old_pin, SHA256_LEN);
	talk_close(&after);

	assert_int_equal(rename(fresh_key, s->key), 0);
	assert_int_equal(http_server_reload(s->server, &e), OK);
	assert_int_equal(http_certificate_pin(s->certificate, new_pin, NULL), OK);
	assert_true(talk_open_tls(&after, s->port, NULL, NULL, NULL));
	talk_peer_pin(&after, seen);
	assert_memory_equal(seen, new_pin, SHA256_LEN);
	talk_close(&after);
	/* The open connection goes on. */
	ask(&before, &r, "GET /hello/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	talk_close(&before);
}

static void certificates_made(void **state)
{
	struct site *s = *state;
	char certificate[128], key[128];
	uint8_t pin[SHA256_LEN];
	struct err e;

	snprintf(certificate, sizeof(certificate), "%s/a.pem", s->folder);
	snprintf(key, sizeof(key), "%s/a.key", s->folder);
	assert_int_equal(http_certificate_make(&s->fake.world,
				 "serai.example.org, 192.0.2.7, 2001:db8::1", certificate, key, &e),
		OK);
	/* Never over one that is there. */
	assert_int_equal(
		http_certificate_make(&s->fake.world, "a", certificate, key, &e), ERR_CONFLICT);
	assert_int_equal(http_certificate_pin(certificate, pin, &e), OK);
	assert_int_equal(http_certificate_pin(key, pin, &e), ERR_PARSE);
	assert_int_equal(http_certificate_pin("/nowhere", pin, &e), ERR_IO);
	unlink(certificate);
	unlink(key);
	assert_int_equal(
		http_certificate_make(&s->fake.world, "a b", certificate, key, &e), ERR_INVALID);
	assert_int_equal(
		http_certificate_make(&s->fake.world, "", certificate, key, &e), ERR_INVALID);
	assert_int_equal(access(key, F_OK), -1);
	site_start(s);
}

/* ---- deadlines ------------------------------------------------------------------------ */

static void wait_open(struct site *s, uint64_t connections)
{
	while (http_server_metrics(s->server).connections_open != connections)
		sched_yield();
}

/* Look at the connections until the server has ended this one. */
static void sweep_until_ended(struct site *s, struct talk *t)
{
	while (!talk_readable(t))
		http_server_sweep(s->server);
	assert_true(talk_ended(t));
}

static void dripping_heads(void **state)
{
	struct site *s = *state;
	struct talk t;
	struct reply r;

	/* Something every second: not inactive, and yet it ends after ten. */
	talk_open(&t, s->port);
	wait_open(s, 1);
	talk_send(&t, SLICE("GET /hello/ HTTP/1.1\r\nHost: a\r\nX: "));
	for (int i = 0; i < HTTP_HEAD_SECONDS - 1; i++) {
		fake_advance(&s->fake, 1);
		http_server_sweep(s->server);
		talk_send(&t, SLICE("x"));
		assert_false(talk_readable(&t));
	}
	fake_advance(&s->fake, 1);
	sweep_until_ended(s, &t);
	talk_close(&t);
	assert_int_equal(http_server_metrics(s->server).deadlines_hit, 1);

	/* One that says nothing at all. */
	wait_open(s, 0);
	talk_open(&t, s->port);
	wait_open(s, 1);
	fake_advance(&s->fake, HTTP_HEAD_SECONDS);
	sweep_until_ended(s, &t);
	talk_close(&t);
	assert_int_equal(http_server_metrics(s->server).deadlines_hit, 2);

	/* A second head on a connection that was kept: its time runs from its first byte. */
	wait_open(s, 0);
	talk_open(&t, s->port);
	ask(&t, &r, "GET /hello/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	while (http_server_metrics(s->server).by_status[2] != 1)
		sched_yield();
	fake_advance(&s->fake, HTTP_IDLE_SECONDS - 2);
	http_server_sweep(s->server); /* idle, and within its time */
	talk_send(&t, SLICE("G"));
	for (int i = 0; i < HTTP_HEAD_SECONDS - 1; i++) {
		assert_false(talk_readable(&t));
		http_server_sweep(s->server); /* sees that a head has begun */
		fake_advance(&s->fake, 1);
		talk_send(&t, SLICE("E"));
	}
	assert_false(talk_readable(&t)); /* past the idle time, but not idle */
	fake_advance(&s->fake, 2);
	sweep_until_ended(s, &t);
	talk_close(&t);
	assert_int_equal(http_server_metrics(s->server).deadlines_hit, 3);

	/* Idle for too long: ended, and no offence. */
	wait_open(s, 0);
	talk_open(&t, s->port);
	ask(&t, &r, "GET /hello/" HOST "\r\n");
	reply_fini(&r);
	while (http_server_metrics(s->server).by_status[2] != 2)
		sched_yield();
	fake_advance(&s->fake, HTTP_IDLE_SECONDS);
	sweep_until_ended(s, &t);
	talk_close(&t);
	assert_int_equal(http_server_metrics(s->server).deadlines_hit, 3);
}

/* The server looks by itself; the one test that lets a second go by. */
static void deadlines_by_itself(void **state)
{
	struct site *s = *state;
	struct talk t;

	s->config.world = world_real();
	s->config.head_seconds = 1;
	site_start(s);
	talk_open(&t, s->port);
	talk_send(&t, SLICE("GET /hello/ HTTP/1.1\r\n"));
	assert_true(talk_ended(&t));
	talk_close(&t);
	assert_int_equal(http_server_metrics(s->server).deadlines_hit, 1);
}

static void dripping_bodies(void **state)
{
	struct site *s = *state;
	struct talk t;
	struct reply r;

	s->config.body_seconds = 20;
	site_start(s);
	talk_open(&t, s->port);
	/* 100 tells that the head was taken and the body's time runs. */
	ask(&t, &r, "POST /echo/x/" HOST "Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n");
	assert_int_equal(r.status, 100);
	reply_fini(&r);
	for (int i = 0; i < 19; i++) {
		fake_advance(&s->fake, 1);
		http_server_sweep(s->server);
		talk_send(&t, SLICE("x"));
		assert_false(talk_readable(&t));
	}
	fake_advance(&s->fake, 1);
	sweep_until_ended(s, &t);
	talk_close(&t);
	assert_int_equal(http_server_metrics(s->server).deadlines_hit, 1);
	assert_int_equal(atomic_load(&s->handled), 0);
}

static void slow_readers(void **state)
{
	struct site *s = *state;
	struct talk t, quick;
	int small = 4096;

	talk_open(&t, s->port);
	setsockopt(t.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	talk_send(&t, SLICE("GET /stream/99999999/" HOST "\r\n"));
	while (!talk_readable(&t))
		;
	/* It reads now and then a little: never inactive, but far too slow. */
	while (atomic_load(&s->freed) == 0) {
		char piece[64];

		if (recv(t.fd, piece, sizeof(piece), 0) <= 0)
			break;
		http_server_sweep(s->server);
		fake_advance(&s->fake, HTTP_REPLY_SECONDS + 1);
	}
	while (atomic_load(&s->freed) == 0)
		sched_yield();
	talk_close(&t);
	assert_int_equal(http_server_metrics(s->server).deadlines_hit, 1);
	/* One that reads is not cut, however long it takes. */
	talk_open(&quick, s->port);
	talk_send(&quick, SLICE("GET /stream/99999999/" HOST "\r\n"));
	for (int i = 0; i < 16; i++) {
		uint64_t before = talk_received(&quick);

		fake_advance(&s->fake, HTTP_REPLY_SECONDS + 1);
		while (talk_received(&quick) < before + KIB(512)) {
			static char piece[KIB(64)];

			assert_true(recv(quick.fd, piece, sizeof(piece), MSG_DONTWAIT) != 0);
		}
		http_server_sweep(s->server);
	}
	assert_int_equal(atomic_load(&s->freed), 1);
	assert_int_equal(http_server_metrics(s->server).deadlines_hit, 1);
	talk_close(&quick);
}

static void connection_limits(void **state)
{
	struct site *s = *state;
	struct talk held[3], more;
	struct reply r;

	s->config.per_address_max = 3;
	site_start(s);
	for (size_t i = 0; i < COUNT_OF(held); i++) {
		talk_open(&held[i], s->port);
		ask(&held[i], &r, "GET /hello/" HOST "\r\n");
		assert_int_equal(r.status, 200);
		reply_fini(&r);
	}
	talk_open(&more, s->port);
	assert_true(talk_ended(&more));
	talk_close(&more);
	for (size_t i = 0; i < COUNT_OF(held); i++)
		talk_close(&held[i]);
}

/* Few descriptors: fewer connections, and still a server. */
static void few_descriptors(void **state)
{
	struct site *s = *state;
	struct rlimit before, low;
	struct talk t;
	struct reply r;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	/* The soft limit is raised as far as it goes. */
	low = (struct rlimit){128, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	s->config.connections_max = 100;
	site_start(s);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(low.rlim_cur, before.rlim_max < 328 ? before.rlim_max : 328);
	talk_open(&t, s->port);
	ask(&t, &r, "GET /hello/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	talk_close(&t);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* ---- the end -------------------------------------------------------------------------- */

static void *stop(void *context)
{
	struct site *s = context;

	http_server_stop(s->server, 60);
	s->server = NULL;
	return NULL;
}

static void draining(void **state)
{
	struct site *s = *state;
	struct talk idle, busy, late;
	struct reply r;
	pthread_t thread;

	talk_open(&idle, s->port);
	ask(&idle, &r, "GET /hello/" HOST "\r\n");
	reply_fini(&r);
	atomic_store(&s->hold, true);
	talk_open(&busy, s->port);
	talk_send(&busy, SLICE("GET /hold/" HOST "\r\n"));
	while (!atomic_load(&s->in_hold))
		sched_yield();
	assert_int_equal(pthread_create(&thread, NULL, stop, s), 0);
	/* Who comes now is turned away ... */
	do {
		talk_open(&late, s->port);
		talk_send(&late, SLICE("GET /hello/" HOST "\r\n"));
		talk_reply(&late, false, &r);
		talk_close(&late);
		reply_fini(&r);
	} while (r.status != 0);
	/* ... who was there is served to the end, and told that it is the end. */
	atomic_store(&s->hold, false);
	talk_reply(&busy, false, &r);
	assert_int_equal(r.status, 200);
	assert_true(slice_is(buf_slice(&r.body), "held\n"));
	assert_true(slice_is(reply_header(&r, "Connection"), "close"));
	reply_fini(&r);
	pthread_join(thread, NULL);
	assert_true(talk_ended(&busy));
	assert_true(talk_ended(&idle));
	talk_close(&busy);
	talk_close(&idle);
}

static void stopping_cuts_what_does_not_end(void **state)
{
	struct site *s = *state;
	struct talk t;
	struct reply r;

	talk_open(&t, s->port);
	ask(&t, &r, "POST /echo/x/" HOST "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n");
	assert_int_equal(r.status, 100);
	reply_fini(&r);
	http_server_stop(s->server, 0);
	s->server = NULL;
	assert_true(talk_ended(&t));
	talk_close(&t);
}

static void starts_refused(void **state)
{
	struct site *s = *state;
	struct http_server *server = NULL;
	struct err e;

	/* Passwords in the clear over a network: never. */
	s->config.listen = "0.0.0.0:0";
	assert_int_equal(http_server_start(&s->config, &server, &e), ERR_USAGE);
	s->config.listen = "127.0.0.1:0";
	s->config.certificate_file = "/nowhere.pem";
	assert_int_equal(http_server_start(&s->config, &server, &e), ERR_USAGE);
	s->config.key_file = "/nowhere.key";
	assert_int_equal(http_server_start(&s->config, &server, &e), ERR_IO);
	s->config.certificate_file = s->config.key_file = NULL;
	s->config.routes_count = 0;
	assert_int_equal(http_server_start(&s->config, &server, &e), OK);
	http_server_stop(server, 0);
	s->config.routes_count = 1;
	site_start(s);
}

static void metrics(void **state)
{
	struct site *s = *state;
	struct buf text = BUF_INIT;
	struct http_metrics m;
	struct talk t;
	struct reply r;

	talk_open(&t, s->port);
	for (int i = 0; i < 3; i++) {
		ask(&t, &r, "GET /hello/" HOST "\r\n");
		reply_fini(&r);
	}
	ask(&t, &r, "GET /nothing/" HOST "\r\n");
	reply_fini(&r);
	ask(&t, &r, "POST /echo/x/" HOST "Content-Length: 3\r\n\r\nabc");
	reply_fini(&r);
	do {
		m = http_server_metrics(s->server);
	} while (m.by_status[2] != 4);
	assert_int_equal(m.connections_open, 1);
	assert_int_equal(m.connections_total, 1);
	assert_int_equal(m.requests_total, 5);
	assert_int_equal(m.by_status[4], 1);
	assert_true(m.bytes_in > 5 * 30 && m.bytes_out > 18);
	http_server_metrics_text(s->server, &text);
	assert_true(
		slice_find_text(buf_slice(&text),
			SLICE("serai_http_request_seconds_count{route=\"hello\"} 3\n")) < text.len);
	assert_true(
		slice_find_text(buf_slice(&text),
			SLICE("serai_http_request_seconds_count{route=\"none\"} 1\n")) < text.len);
	buf_fini(&text);
	talk_close(&t);
}

static void logs(void **state)
{
	struct site *s = *state;
	char path[128];
	struct buf text = BUF_INIT;
	struct talk t;
	struct reply r;

	snprintf(path, sizeof(path), "%s/log", s->folder);
	s->log.to = fopen(path, "w");
	s->log.least = LOG_INFO;
	s->config.access_log = true;
	site_start(s);
	talk_open(&t, s->port);
	ask(&t, &r, "GET /account/x/?secret=hunter2" HOST "%s\r\n", basic("ana", TALK_PASSWORD));
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	ask(&t, &r, "GET /account/x/" HOST "Authorization: Bearer hunter3\r\n\r\n");
	reply_fini(&r);
	talk_close(&t);
	http_server_stop(s->server, 10);
	s->server = NULL;
	fclose(s->log.to);
	s->log.to = NULL;
	assert_int_equal(file_read(path, MIB(1), &text, NULL), OK);
	assert_true(
		slice_find_text(buf_slice(&text),
			SLICE("\"event\":\"request\",\"peer\":\"127.0.0.1\",\"account\":\"ana\","
			      "\"method\":\"GET\",\"path\":\"/account/x/\",\"status\":\"200\"")) <
		text.len);
	assert_true(slice_find_text(buf_slice(&text), SLICE("\"status\":\"401\"")) < text.len);
	/* Neither queries nor credentials. */
	assert_int_equal(slice_find_text(buf_slice(&text), SLICE("hunter")), text.len);
	assert_int_equal(slice_find_text(buf_slice(&text), SLICE("battery")), text.len);
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(plain_replies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(errors_without_words, set_up_only, tear_down),
		cmocka_unit_test_setup_teardown(shared_pages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(streamed_replies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bodies_in_memory_and_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bodies_too_long, set_up, tear_down),
		cmocka_unit_test_setup_teardown(expectations, set_up, tear_down),
		cmocka_unit_test_setup_teardown(spool_fails, set_up_only, tear_down),
		cmocka_unit_test_setup_teardown(accounts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(client_certificates, set_up_tls, tear_down),
		cmocka_unit_test_setup_teardown(tls_versions, set_up_tls, tear_down),
		cmocka_unit_test_setup_teardown(tls_resumption, set_up_tls_only, tear_down),
		cmocka_unit_test_setup_teardown(tls_bodies, set_up_tls, tear_down),
		cmocka_unit_test_setup_teardown(reload, set_up_tls, tear_down),
		cmocka_unit_test_setup_teardown(certificates_made, set_up_only, tear_down),
		cmocka_unit_test_setup_teardown(dripping_heads, set_up, tear_down),
		cmocka_unit_test_setup_teardown(deadlines_by_itself, set_up_only, tear_down),
		cmocka_unit_test_setup_teardown(dripping_bodies, set_up_only, tear_down),
		cmocka_unit_test_setup_teardown(slow_readers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(connection_limits, set_up_only, tear_down),
		cmocka_unit_test_setup_teardown(few_descriptors, set_up_only, tear_down),
		cmocka_unit_test_setup_teardown(draining, set_up, tear_down),
		cmocka_unit_test_setup_teardown(stopping_cuts_what_does_not_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(starts_refused, set_up_only, tear_down),
		cmocka_unit_test_setup_teardown(metrics, set_up, tear_down),
		cmocka_unit_test_setup_teardown(logs, set_up_only, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
