/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a server must refuse, byte for byte over a socket: the table of what libmicrohttpd by itself
 * lets through, and bodies that lie about their length. These tests stay for ever.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_talk.h"

static int set_up(void **state)
{
	struct site *s = calloc(1, sizeof(*s));

	site_init(s);
	site_start(s);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	site_fini(*state);
	free(*state);
	return 0;
}

/* Send all, say that no more comes, and return the status (0: closed without a word). */
static unsigned say(struct site *s, struct slice bytes, unsigned expected)
{
	struct talk t;
	struct reply r;
	unsigned status;

	talk_open(&t, s->port);
	talk_send(&t, bytes);
	shutdown(t.fd, SHUT_WR);
	/* What is not a whole request gets no answer; the watch sees that nothing more comes. */
	while (expected == 0 && !talk_readable(&t))
		http_server_sweep(s->server);
	talk_reply(&t, false, &r);
	status = r.status;
	reply_fini(&r);
	talk_close(&t);
	return status;
}

#define TO(text) "POST /echo/a/ HTTP/1.1\r\n" text

#define S(text)                                                                                    \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}

static void heads(void **state)
{
	static const struct {
		const char *why;
		struct slice bytes;
		unsigned status; /* 0: the connection is just closed */
	} cases[] = {
		{"as it should be",                S(TO("Host: a\r\nContent-Length: 2\r\n\r\nab")),               200},
		{"two different Content-Length",
                 S(TO("Host: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc")),                           400},
		{"two equal Content-Length",
                 S(TO("Host: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab")),                            400},
		{"chunked and Content-Length",
                 S(TO("Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: "
			     "5\r\n\r\n0\r\n\r\n")),
                 400												 },
		{"Content-Length: +3",             S(TO("Host: a\r\nContent-Length: +3\r\n\r\nabc")),             400},
		{"Content-Length: 3 4",            S(TO("Host: a\r\nContent-Length: 3 4\r\n\r\nabc")),            400},
		{"Content-Length past 64 bits",
                 S(TO("Host: a\r\nContent-Length: 99999999999999999999\r\n\r\n")),                                413},
		{"no Host",                        S(TO("Content-Length: 2\r\n\r\nab")),                          400},
		{"two Hosts",                      S(TO("Host: a\r\nHost: b\r\nContent-Length: 2\r\n\r\nab")),    400},
		{"space before colon",             S(TO("Host: a\r\nContent-Length : 2\r\n\r\nab")),              400},
		{"NUL in a value",                 S(TO("Host: a\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nab")),    400},
		{"NUL in Host",                    S(TO("Host: a\0b\r\nContent-Length: 2\r\n\r\nab")),            400},
		{"NUL that hides a length",
                 S(TO("Host: a\r\nX: a\0\r\nContent-Length: 2\r\n\r\nab")),                                       400},
		{"NUL in a name",                  S(TO("Host: a\r\nX\0: a\r\nContent-Length: 2\r\n\r\nab")),     400},
		{"NUL in the target",              S("GET /hello\0/ HTTP/1.1\r\nHost: a\r\n\r\n"),                400},
		{"chunk-size overflow",
                 S(TO("Host: a\r\nTransfer-Encoding: chunked\r\n\r\n"
			     "fffffffffffffffff\r\nab\r\n0\r\n\r\n")),
                 413												 },
		{"not exactly chunked",
                 S(TO("Host: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")),                                400},
		{"chunked after something else",
                 S(TO("Host: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")),                           400},
		{"Transfer-Encoding twice",
                 S(TO("Host: a\r\nTransfer-Encoding: chunked\r\n"
			     "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n")),
                 400												 },
		{"chunked in HTTP/1.0",
                 S("POST /echo/a/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                 400												 },
		{"folded line",                    S(TO("Host: a\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nab")), 400},
		{"folded Content-Length",          S(TO("Host: a\r\nContent-Length:\r\n 2\r\n\r\nab")),           400},
		{"folded first line",              S(TO(" Host: a\r\nHost: a\r\nContent-Length: 2\r\n\r\nab")),
                 400												 },
		{"bare LF between headers",        S(TO("Host: a\nContent-Length: 2\r\n\r\nab")),                 400},
		{"bare LF at the end of the head", S(TO("Host: a\r\nContent-Length: 2\r\n\nab")),
                 400												 },
		{"bare LF after the request line", S("GET /hello/ HTTP/1.1\nHost: a\r\n\r\n"),                    400},
		{"bare CR in a value",             S(TO("Host: a\r\nX: a\rb\r\nContent-Length: 2\r\n\r\nab")),
                 400												 },
		{"two blanks in the request line", S("GET  /hello/ HTTP/1.1\r\nHost: a\r\n\r\n"),
                 400												 },
		{"a blank in the target",          S("GET /hel lo/ HTTP/1.1\r\nHost: a\r\n\r\n"),                 0  },
		{"a blank after the version",      S("GET /hello/ HTTP/1.1 \r\nHost: a\r\n\r\n"),                 400},
		{"no version",                     S("GET /hello/\r\nHost: a\r\n\r\n"),                           400},
		{"another protocol",               S("GET /hello/ HTTQ/1.1\r\nHost: a\r\n\r\n"),                  400},
		{"HTTP/2",                         S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),                         505},
		{"HTTP/0.9",                       S("GET /hello/ HTTP/0.9\r\n\r\n"),                             505},
		{"a line without a colon",         S(TO("Host: a\r\nnonsense\r\n\r\n")),                          400},
		{"control in a value",             S(TO("Host: a\r\nX: \x01\r\nContent-Length: 2\r\n\r\nab")),
                 400												 },
		{"TLS to a plain port",            S("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),             0  },
		{"nothing but noise",              S("\xff\xfe\xfd\r\n\r\n"),                                     0  },
		{"authority form",                 S("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"),                400},
		{"asterisk",                       S("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),                    400},
		{"absolute form",                  S("GET http://a/hello/ HTTP/1.1\r\nHost: a\r\n\r\n"),          200},
		{"an empty line first",            S("\r\nGET /hello/ HTTP/1.1\r\nHost: a\r\n\r\n"),              200},
		{"HTTP/1.0",                       S("GET /hello/ HTTP/1.0\r\n\r\n"),                             200},
	};
	struct site *s = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int handled = atomic_load(&s->handled);
		unsigned status = say(s, cases[i].bytes, cases[i].status);

		if (status != cases[i].status)
			print_error("%s: %u\n", cases[i].why, status);
		assert_int_equal(status, cases[i].status);
		/* No handler ever saw what was refused. */
		assert_int_equal(atomic_load(&s->handled) - handled, status == 200 ? 1 : 0);
	}
	assert_true(http_server_metrics(s->server).refused_malformed >= 30);
}

/* Refused heads end the connection: what follows them may be a second request or half a body. */
static void refused_heads_end_the_connection(void **state)
{
	static const struct slice cases[] = {
		S(TO("Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: "
		     "4\r\n\r\n0\r\n\r\n")),
		S(TO("Host: a\nContent-Length: 2\r\n\r\nab")),
		S(TO("Host: a\r\nX: a\0\r\nContent-Length: 2\r\n\r\nab")),
		S(TO("Host: a\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nab")),
		S(TO("Host: a\r\nHost: a\r\nContent-Length: 2\r\n\r\nab")),
		S("GET  /hello/ HTTP/1.1\r\nHost: a\r\n\r\n"),
	};
	struct site *s = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct talk t;
		struct reply r;

		talk_open(&t, s->port);
		talk_send(&t, cases[i]);
		talk_send(&t, SLICE("GET /hello/ HTTP/1.1\r\nHost: a\r\n\r\n"));
		talk_reply(&t, false, &r);
		assert_int_equal(r.status, 400);
		assert_true(slice_is(reply_header(&r, "Connection"), "close"));
		assert_true(slice_is(reply_header(&r, "Content-Type"), "application/json"));
		assert_true(slice_starts(buf_slice(&r.body), SLICE("{\"status\":400,")));
		reply_fini(&r);
		shutdown(t.fd, SHUT_WR);
		assert_true(talk_ended(&t));
		talk_close(&t);
	}
	assert_int_equal(atomic_load(&s->handled), 0);
}

static void head_limits(void **state)
{
	struct site *s = *state;
	struct buf text = BUF_INIT;
	static const struct {
		size_t bytes; /* of the head */
		bool target;  /* long target instead of a long header */
		unsigned status, other;
	} cases[] = {
		{HTTP_HEAD_MAX,     false, 200, 200},
		{HTTP_HEAD_MAX,     true,  404, 404},
		{HTTP_HEAD_MAX + 1, false, 431, 431},
		{HTTP_HEAD_MAX + 1, true,  431, 431},
		{KIB(64),           false, 431, 431},
		{KIB(64),           true,  414, 414},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		unsigned status;

		buf_clear(&text);
		buf_text(&text, "GET /hello/");
		while (cases[i].target && text.len < cases[i].bytes - 22)
			buf_char(&text, 'x');
		buf_text(&text, " HTTP/1.1\r\nHost: a\r\nX: ");
		if (cases[i].target)
			text.len -= 3;
		while (!cases[i].target && text.len < cases[i].bytes - 4)
			buf_char(&text, 'x');
		buf_text(&text, cases[i].target ? "\r\n" : "\r\n\r\n");
		assert_int_equal(text.len, cases[i].bytes);
		status = say(s, buf_slice(&text), cases[i].status);
		if (status != cases[i].status)
			print_error("%zu bytes: %u\n", cases[i].bytes, status);
		assert_int_equal(status, cases[i].status);
	}
	buf_fini(&text);
}

/* Bodies that lie about their length. */
static void lying_bodies(void **state)
{
	struct site *s = *state;
	struct talk t;
	struct reply r;

	/* Shorter than said: no handler, no reply. */
	assert_int_equal(say(s, SLICE(TO("Host: a\r\nContent-Length: 5\r\n\r\nab")), 0), 0);
	assert_int_equal(
		say(s, SLICE(TO("Host: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")), 0), 0);
	assert_int_equal(
		say(s, SLICE(TO("Host: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")), 0),
		0);
	assert_int_equal(
		say(s, SLICE(TO("Host: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n")),
			0),
		0);
	assert_int_equal(atomic_load(&s->handled), 0);

	/* Longer than said: the rest is a request of its own, and none. */
	talk_open(&t, s->port);
	talk_send(&t, SLICE(TO("Host: a\r\nContent-Length: 2\r\n\r\nabcd\r\n\r\n")));
	shutdown(t.fd, SHUT_WR);
	talk_reply(&t, false, &r);
	assert_int_equal(r.status, 200);
	assert_true(slice_find_text(buf_slice(&r.body), SLICE("body 2 2 memory")) < r.body.len);
	reply_fini(&r);
	assert_true(talk_ended(&t));
	talk_close(&t);
	assert_int_equal(atomic_load(&s->handled), 1);

	/* Chunks whose frames are wrong. */
	assert_int_equal(say(s,
				 SLICE(TO("Host: a\r\nTransfer-Encoding: "
					  "chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n")),
				 400),
		400);
	assert_int_equal(say(s,
				 SLICE(TO("Host: a\r\nTransfer-Encoding: "
					  "chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n")),
				 400),
		400);
	assert_int_equal(say(s,
				 SLICE(TO("Host: a\r\nTransfer-Encoding: "
					  "chunked\r\n\r\n-2\r\nab\r\n0\r\n\r\n")),
				 400),
		400);
	assert_int_equal(say(s,
				 SLICE(TO("Host: a\r\nTransfer-Encoding: "
					  "chunked\r\n\r\n\r\nab\r\n0\r\n\r\n")),
				 400),
		400);
	assert_int_equal(atomic_load(&s->handled), 1);
	/* And one that is right, with an extension and a trailer. */
	assert_int_equal(say(s,
				 SLICE(TO("Host: a\r\nTransfer-Encoding: chunked\r\n\r\n"
					  "2;x=y\r\nab\r\n1\r\nc\r\n0\r\nX-Sum: 1\r\n\r\n")),
				 200),
		200);
	assert_int_equal(atomic_load(&s->handled), 2);
}

static void requests_in_a_row(void **state)
{
	struct site *s = *state;
	struct talk t;
	struct reply r;

	/* Three at once, answered in order on one connection. */
	talk_open(&t, s->port);
	talk_send(&t, SLICE("GET /hello/ HTTP/1.1\r\nHost: a\r\n\r\n"
			    "POST /echo/x/?a=b HTTP/1.1\r\nHost: a\r\nX-Test: "
			    "yes\r\nContent-Length: 3\r\n\r\nabc"
			    "HEAD /hello/ HTTP/1.1\r\nHost: a\r\n\r\n"));
	talk_reply(&t, false, &r);
	assert_int_equal(r.status, 200);
	assert_true(slice_is(buf_slice(&r.body), "hello\n"));
	reply_fini(&r);
	talk_reply(&t, false, &r);
	assert_int_equal(r.status, 200);
	assert_true(slice_starts(buf_slice(&r.body),
		SLICE("method 4\npath /echo/x/\nparam a=b\npart x\nbody 3 3 memory ")));
	assert_true(slice_find_text(buf_slice(&r.body),
			    SLICE("host a\npeer 127.0.0.1\nx yes\ntls 0\n")) < r.body.len);
	reply_fini(&r);
	talk_reply(&t, true, &r);
	assert_int_equal(r.status, 200);
	assert_true(slice_is(reply_header(&r, "Content-Length"), "6"));
	reply_fini(&r);
	talk_close(&t);

	/* One byte at a time. */
	struct slice text =
		SLICE("POST /echo/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		      "3\r\nabc\r\n0\r\n\r\n");
	talk_open(&t, s->port);
	for (size_t i = 0; i < text.len; i++)
		talk_send(&t, slice_cut(text, i, i + 1));
	talk_reply(&t, false, &r);
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	talk_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(heads, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			refused_heads_end_the_connection, set_up, tear_down),
		cmocka_unit_test_setup_teardown(head_limits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lying_bodies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(requests_in_a_row, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
