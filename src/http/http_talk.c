/* SPDX-License-Identifier: MPL-2.0 */
/* A client and a server for the tests of this folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "http_talk.h"

#define WAIT_SECONDS 10

/* ---- a client ------------------------------------------------------------------------- */

void talk_open(struct talk *t, unsigned port)
{
	talk_open_from(t, port, INADDR_LOOPBACK);
}

void talk_open_from(struct talk *t, unsigned port, uint32_t address)
{
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval wait = {.tv_sec = WAIT_SECONDS};
	int on = 1;

	*t = (struct talk){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	assert_true(t->fd >= 0);
	setsockopt(t->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(t->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	assert_int_equal(bind(t->fd, (const struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(t->fd, (const struct sockaddr *)&to, sizeof(to)), 0);
}

static bool handshake(struct talk *t, const char *certificate_file, const char *key_file,
	const char *priorities, const struct buf *ticket)
{
	int rc;

	assert_int_equal(gnutls_certificate_allocate_credentials(&t->credentials), 0);
	if (certificate_file != NULL)
		assert_int_equal(gnutls_certificate_set_x509_key_file(t->credentials,
					 certificate_file, key_file, GNUTLS_X509_FMT_PEM),
			0);
	assert_int_equal(gnutls_init(&t->session, GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT), 0);
	assert_int_equal(gnutls_priority_set_direct(
				 t->session, priorities == NULL ? "NORMAL" : priorities, NULL),
		0);
	gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE, t->credentials);
	if (ticket != NULL)
		assert_int_equal(gnutls_session_set_data(t->session, ticket->data, ticket->len), 0);
	gnutls_transport_set_int(t->session, t->fd);
	gnutls_handshake_set_timeout(t->session, WAIT_SECONDS * 1000);
	do {
		rc = gnutls_handshake(t->session);
	} while (rc < 0 && !gnutls_error_is_fatal(rc));
	return rc == 0;
}

bool talk_open_tls(struct talk *t, unsigned port, const char *certificate_file,
	const char *key_file, const char *priorities)
{
	talk_open(t, port);
	return handshake(t, certificate_file, key_file, priorities, NULL);
}

bool talk_resume_tls(
	struct talk *t, unsigned port, const struct buf *ticket, const char *priorities)
{
	talk_open(t, port);
	return handshake(t, NULL, NULL, priorities, ticket);
}

void talk_ticket(struct talk *t, struct buf *ret_ticket)
{
	gnutls_datum_t data;

	assert_int_equal(gnutls_session_get_data2(t->session, &data), 0);
	buf_append(ret_ticket, data.data, data.size);
	gnutls_free(data.data);
}

bool talk_resumed(const struct talk *t)
{
	return gnutls_session_is_resumed(t->session) != 0;
}

void talk_peer_pin(const struct talk *t, uint8_t ret_pin[SHA256_LEN])
{
	unsigned count = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(t->session, &count);
	gnutls_x509_crt_t certificate;
	size_t len = SHA256_LEN;

	assert_true(count > 0);
	assert_int_equal(gnutls_x509_crt_init(&certificate), 0);
	assert_int_equal(gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER), 0);
	assert_int_equal(
		gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, ret_pin, &len), 0);
	gnutls_x509_crt_deinit(certificate);
}

uint64_t talk_received(const struct talk *t)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	assert_int_equal(getsockopt(t->fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	return info.tcpi_bytes_received;
}

void talk_close(struct talk *t)
{
	if (t->session != NULL)
		gnutls_deinit(t->session);
	if (t->credentials != NULL)
		gnutls_certificate_free_credentials(t->credentials);
	if (t->fd >= 0)
		close(t->fd);
	buf_fini(&t->in);
	*t = (struct talk){.fd = -1};
}

void talk_send(struct talk *t, struct slice bytes)
{
	while (bytes.len > 0) {
		ssize_t got = t->session == NULL
				      ? send(t->fd, bytes.data, bytes.len, MSG_NOSIGNAL)
				      : gnutls_record_send(t->session, bytes.data, bytes.len);

		if (got == GNUTLS_E_AGAIN && t->session != NULL)
			continue;
		if (got <= 0)
			return;
		bytes = slice_cut(bytes, (size_t)got, bytes.len);
	}
}

bool talk_readable(const struct talk *t)
{
	struct pollfd polled = {.fd = t->fd, .events = POLLIN};

	return poll(&polled, 1, 5) == 1;
}

/* More into t->in; false at the end. */
static bool receive(struct talk *t)
{
	char piece[16384];
	ssize_t got;

	do {
		got = t->session == NULL ? recv(t->fd, piece, sizeof(piece), 0)
					 : gnutls_record_recv(t->session, piece, sizeof(piece));
	} while (t->session != NULL && got == GNUTLS_E_AGAIN);
	if (t->session == NULL && got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		fail_msg("nothing came for %d seconds", WAIT_SECONDS);
	if (got <= 0)
		return false;
	buf_append(&t->in, piece, (size_t)got);
	return true;
}

static void consume(struct talk *t, size_t len)
{
	memmove(t->in.data, t->in.data + len, t->in.len - len);
	t->in.len -= len;
}

struct slice reply_header(const struct reply *r, const char *name)
{
	struct http_answer answer = {.headers = buf_slice(&r->headers)};

	return http_answer_header(&answer, name);
}

static bool take_line(struct talk *t, struct buf *to, size_t *ret_len)
{
	size_t end;

	while ((end = slice_find_text(buf_slice(&t->in), SLICE("\r\n"))) == t->in.len)
		if (!receive(t))
			return false;
	buf_append(to, t->in.data, end + 2);
	*ret_len = end;
	consume(t, end + 2);
	return true;
}

static bool take_bytes(struct talk *t, struct buf *to, size_t len)
{
	while (t->in.len < len)
		if (!receive(t))
			return false;
	buf_append(to, t->in.data, len);
	consume(t, len);
	return true;
}

static bool take_chunks(struct talk *t, struct buf *to)
{
	for (;;) {
		struct buf line = BUF_INIT, ends = BUF_INIT;
		size_t len;
		unsigned long size;
		bool good = take_line(t, &line, &len);

		buf_char(&line, '\0');
		size = good ? strtoul(line.data, NULL, 16) : 0;
		good = good && take_bytes(t, to, size) && take_bytes(t, &ends, 2);
		if (good)
			assert_true(slice_is(buf_slice(&ends), "\r\n"));
		buf_fini(&line);
		buf_fini(&ends);
		if (!good || size == 0)
			return good;
	}
}

void talk_reply(struct talk *t, bool is_head, struct reply *ret_reply)
{
	struct reply r = {0};
	size_t len;
	uint64_t length;

	do {
		if (!take_line(t, &r.headers, &len)) {
			*ret_reply = r;
			return;
		}
	} while (len != 0);
	assert_true(slice_starts(buf_slice(&r.headers), SLICE("HTTP/1.1 ")));
	r.status = (unsigned)strtoul(r.headers.data + 9, NULL, 10);
	if (is_head || r.status == 304 || r.status == 204 || r.status == 100)
		r.whole = true;
	else if (slice_is(reply_header(&r, "Transfer-Encoding"), "chunked"))
		r.whole = take_chunks(t, &r.body);
	else if (slice_to_u64(reply_header(&r, "Content-Length"), &length))
		r.whole = take_bytes(t, &r.body, (size_t)length);
	*ret_reply = r;
}

bool talk_ended(struct talk *t)
{
	size_t before = t->in.len;

	return before == 0 && !receive(t);
}

void reply_fini(struct reply *r)
{
	buf_fini(&r->headers);
	buf_fini(&r->body);
}

/* ---- a server ------------------------------------------------------------------------- */

static void text(struct http_reply *reply, struct slice body)
{
	reply->status = 200;
	reply->content_type = "text/plain; charset=utf-8";
	reply->body = body;
}

static void hello(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct site *s = context;

	(void)q;
	atomic_fetch_add(&s->handled, 1);
	text(reply, SLICE("hello\n"));
}

/* Everything the handler was given, in lines. */
static void echo(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct site *s = context;
	struct buf out = BUF_INIT, file = BUF_INIT;
	uint8_t digest[SHA256_LEN];
	struct slice body = q->body;

	atomic_fetch_add(&s->handled, 1);
	buf_printf(&out, "method %d\npath %.*s\n", (int)q->method, SLICE_ARG(q->path));
	for (size_t i = 0; i < q->params_count; i++)
		buf_printf(&out, "param %.*s=%.*s\n", SLICE_ARG(q->params[i].name),
			SLICE_ARG(q->params[i].value));
	for (size_t i = 0; i < q->parts_count; i++)
		buf_printf(&out, "part %.*s\n", SLICE_ARG(q->parts[i]));
	if (q->body_fd >= 0) {
		for (;;) {
			char *to = buf_reserve(&file, KIB(64));
			ssize_t got = read(q->body_fd, to, KIB(64));

			if (got <= 0)
				break;
			file.len += (size_t)got;
		}
		body = buf_slice(&file);
	}
	hash_sha256(body, digest);
	buf_printf(&out, "body %llu %zu %s ", (unsigned long long)q->body_bytes, body.len,
		q->body_fd >= 0 ? "file" : "memory");
	hex_append(&out, digest, sizeof(digest));
	buf_printf(&out, "\nhost %.*s\npeer %.*s\nx %.*s\n", SLICE_ARG(q->host), SLICE_ARG(q->peer),
		SLICE_ARG(http_request_header(q, "X-Test")));
	if (q->account != NULL)
		buf_printf(&out, "account %.*s%s\n", SLICE_ARG(q->account->name),
			q->client_certificate ? " by certificate" : "");
	buf_printf(&out, "tls %d\n", q->tls);
	text(reply, arena_copy(q->arena, buf_slice(&out)));
	buf_fini(&out);
	buf_fini(&file);
}

static void page(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct site *s = context;

	(void)q;
	atomic_fetch_add(&s->handled, 1);
	reply->status = 200;
	reply->content_type = "application/json";
	reply->etag = SLICE("\"page-1\"");
	reply->shared = http_shared_keep(s->page);
	http_reply_header(reply, "X-Page", SLICE("one"));
}

struct lines {
	struct site *site;
	uint64_t next, last;
	bool breaks;
};

static enum err_kind lines_next(void *context, struct buf *out, bool *ret_more, struct err *e)
{
	struct lines *l = context;

	for (int i = 0; i < 100 && l->next < l->last; i++)
		buf_printf(out, "line %llu\n", (unsigned long long)l->next++);
	*ret_more = l->next < l->last;
	if (l->breaks && !*ret_more)
		return err_set(e, ERR_IO, "broken on purpose");
	return OK;
}

static void lines_free(void *context)
{
	struct lines *l = context;

	atomic_fetch_add(&l->site->freed, 1);
	l->last = 0; /* its memory must still be there: it lives in the request's arena */
}

static void stream(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct lines *l = ARENA_NEW(q->arena, struct lines);

	l->site = context;
	slice_to_u64(q->parts[0], &l->last);
	l->breaks = q->params_count != 0;
	reply->status = 200;
	reply->content_type = "text/plain";
	reply->stream = lines_next;
	reply->stream_free = lines_free;
	reply->stream_state = l;
}

static void none(void *context, const struct http_request *q, struct http_reply *reply)
{
	(void)context;
	(void)q;
	(void)reply;
}

static void hold(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct site *s = context;

	(void)q;
	atomic_store(&s->in_hold, true);
	while (atomic_load(&s->hold))
		sched_yield();
	text(reply, SLICE("held\n"));
}

static void created(void *context, const struct http_request *q, struct http_reply *reply)
{
	(void)context;
	(void)q;
	reply->status = 204;
	reply->close = true;
}

/* To where the query says. */
static void redirect(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct site *s = context;

	atomic_fetch_add(&s->handled, 1);
	reply->status = 302;
	http_reply_header(reply, "Location", q->params[0].value);
}

static void busy(void *context, const struct http_request *q, struct http_reply *reply)
{
	(void)context;
	reply->status = 503;
	http_reply_header(reply, "Retry-After", q->params[0].value);
}

static const struct http_route site_routes[] = {
	{HTTP_GET,			"/redirect/",    HTTP_OPEN,    0,      redirect, "redirect"},
	{HTTP_GET,			"/busy/",        HTTP_OPEN,    0,      busy,     "busy"    },
	{HTTP_GET,			"/hello/",       HTTP_OPEN,    0,      hello,    "hello"   },
	{HTTP_GET | HTTP_POST | HTTP_PUT, "/echo/{a}/",    HTTP_OPEN,    MIB(1), echo,     "echo"    },
	{HTTP_GET | HTTP_POST,            "/account/{a}/", HTTP_ACCOUNT, MIB(1), echo,     "account" },
	{HTTP_GET,			"/maybe/{a}/",   HTTP_MAYBE,   0,      echo,     "maybe"   },
	{HTTP_GET,			"/admin/{a}/",   HTTP_ADMIN,   0,      echo,     "admin"   },
	{HTTP_POST,		       "/small/{a}/",   HTTP_OPEN,    10,     echo,     "small"   },
	{HTTP_GET,			"/page/",        HTTP_OPEN,    0,      page,     "page"    },
	{HTTP_GET,			"/stream/{n}/",  HTTP_OPEN,    0,      stream,   "stream"  },
	{HTTP_GET,			"/none/",        HTTP_OPEN,    0,      none,     "none_"   },
	{HTTP_GET,			"/hold/",        HTTP_OPEN,    0,      hold,     "hold"    },
	{HTTP_DELETE,                     "/hello/",       HTTP_OPEN,    0,      created,  "created" },
};

static void error(void *context, const struct http_request *q, unsigned status, const char *why,
	struct http_reply *reply)
{
	(void)context;
	reply->content_type = "application/json";
	reply->body = arena_printf(q->arena, "{\"status\":%u,\"why\":\"%s\"}", status, why);
}

void site_certificate(
	struct site *s, const char *name, char ret_certificate[128], char ret_key[128])
{
	struct err e;

	snprintf(ret_certificate, 128, "%s/%s.pem", s->folder, name);
	snprintf(ret_key, 128, "%s/%s.key", s->folder, name);
	assert_int_equal(
		http_certificate_make(&s->fake.world, name, ret_certificate, ret_key, &e), OK);
}

void site_init(struct site *s)
{
	struct buf text_of_page = BUF_INIT;
	struct store_account *account;

	memset(s, 0, sizeof(*s));
	fake_init(&s->fake);
	snprintf(s->folder, sizeof(s->folder), "/tmp/serai-http-test-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	fake_account(&s->fake, "ana", STORE_READER, TALK_PASSWORD);
	account = fake_account(&s->fake, "bot", STORE_CONTRIBUTOR, NULL);
	http_token_new(&s->fake.world, s->token, account->token);
	account->has_token = true;
	fake_account(&s->fake, "root", STORE_ADMINISTRATOR, TALK_PASSWORD);
	for (int i = 0; i < 2000; i++)
		buf_printf(&text_of_page, "{\"number\":%d,\"text\":\"some words\"}\n", i);
	s->page = http_shared_new(&text_of_page);
	assert_non_null(s->page);
	s->log = (struct log){.world = &s->fake.world};
	s->config = (struct http_server_config){.listen = "127.0.0.1:0",
		.routes = site_routes,
		.routes_count = COUNT_OF(site_routes),
		.spool_folder = s->folder,
		.context = s,
		.accounts = &s->fake.table,
		.world = &s->fake.world,
		.log = &s->log,
		.error = error};
}

void site_start(struct site *s)
{
	struct err e = {0};

	if (http_server_start(&s->config, &s->server, &e) != OK)
		fail_msg("%s", e.text);
	s->port = http_server_port(s->server);
}

void site_fini(struct site *s)
{
	char command[128];

	http_server_stop(s->server, 10);
	http_shared_drop(s->page);
	fake_fini(&s->fake);
	snprintf(command, sizeof(command), "rm -rf '%s'", s->folder);
	assert_int_equal(system(command), 0);
}

/* ---- shorthand ------------------------------------------------------------------------ */

/* Send a request and read its reply. */
void talk_ask(struct talk *t, struct reply *r, const char *format, ...)
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

bool reply_has(const struct reply *r, const char *text)
{
	return slice_find_text(buf_slice(&r->body), slice_of(text)) < r->body.len;
}

void unpack(struct slice packed, struct buf *out)
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

void body_line(struct buf *out, size_t bytes, const char *where)
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

void talk_send_body(struct talk *t, size_t bytes)
{
	static char piece[KIB(64)];

	memset(piece, 'b', sizeof(piece));
	while (bytes > 0) {
		size_t len = bytes < sizeof(piece) ? bytes : sizeof(piece);

		talk_send(t, (struct slice){piece, len});
		bytes -= len;
	}
}

const char *basic_header(const char *name, const char *password)
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

int site_set_up_only(void **state)
{
	struct site *s = calloc(1, sizeof(*s));

	site_init(s);
	*state = s;
	return 0;
}

int site_set_up(void **state)
{
	site_set_up_only(state);
	site_start(*state);
	return 0;
}

int site_set_up_tls_only(void **state)
{
	struct site *s;

	site_set_up_only(state);
	s = *state;
	site_certificate(s, "server", s->certificate, s->key);
	s->config.certificate_file = s->certificate;
	s->config.key_file = s->key;
	return 0;
}

int site_set_up_tls(void **state)
{
	struct site *s;

	site_set_up_tls_only(state);
	s = *state;
	s->config.ask_client_certificate = true;
	site_start(s);
	return 0;
}

int site_tear_down(void **state)
{
	site_fini(*state);
	free(*state);
	return 0;
}
