/* SPDX-License-Identifier: MPL-2.0 */
/* A real server on loopback: replies of every kind, bodies, accounts, metrics and logs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "http_talk.h"

/* ---- replies -------------------------------------------------------------------------- */

static void plain_replies(void **state)
{
	struct site *s = *state;
	struct talk t;
	struct reply r;

	talk_open(&t, s->port);
	/* All of this on one connection. */
	talk_ask(&t, &r, "GET /hello/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	assert_true(slice_is(buf_slice(&r.body), "hello\n"));
	assert_true(slice_is(reply_header(&r, "Content-Type"), "text/plain; charset=utf-8"));
	assert_true(slice_is(reply_header(&r, "X-Content-Type-Options"), "nosniff"));
	assert_true(slice_is(reply_header(&r, "Cache-Control"), "no-store"));
	assert_int_equal(reply_header(&r, "Strict-Transport-Security").len, 0);
	assert_true(reply_header(&r, "Date").len != 0);
	assert_int_equal(reply_header(&r, "Server").len, 0);
	reply_fini(&r);
	talk_ask(&t, &r, "HEAD /hello" HOST "\r\n");
	assert_int_equal(r.status, 200);
	assert_true(slice_is(reply_header(&r, "Content-Length"), "6"));
	reply_fini(&r);
	talk_ask(&t, &r, "GET /nothing/" HOST "\r\n");
	assert_int_equal(r.status, 404);
	assert_true(reply_has(&r, "{\"status\":404"));
	reply_fini(&r);
	talk_ask(&t, &r, "PUT /hello/" HOST "Content-Length: 3\r\n\r\nabc");
	assert_int_equal(r.status, 405);
	assert_true(slice_is(reply_header(&r, "Allow"), "GET, HEAD, DELETE"));
	reply_fini(&r);
	talk_ask(&t, &r, "BREW /hello/" HOST "\r\n");
	assert_int_equal(r.status, 405);
	reply_fini(&r);
	talk_ask(&t, &r, "GET /hello/?a=%%zz" HOST "\r\n");
	assert_int_equal(r.status, 400);
	assert_true(reply_has(&r, "percent"));
	reply_fini(&r);
	talk_ask(&t, &r, "GET /none/" HOST "\r\n");
	assert_int_equal(r.status, 500);
	reply_fini(&r);
	/* The handler wants the connection closed. */
	talk_ask(&t, &r, "DELETE /hello/" HOST "\r\n");
	assert_int_equal(r.status, 204);
	assert_true(slice_is(reply_header(&r, "Connection"), "close"));
	reply_fini(&r);
	assert_true(talk_ended(&t));
	talk_close(&t);

	/* So does the client. */
	talk_open(&t, s->port);
	talk_ask(&t, &r, "GET /hello/" HOST "Connection: close\r\n\r\n");
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
	talk_ask(&t, &r, "GET /nothing/" HOST "\r\n");
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

			talk_ask(&t, &r, "GET /page/" HOST "%s\r\n", cases[i].accept);
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
			talk_ask(&t, &r, "HEAD /page/" HOST "%s\r\n", cases[i].accept);
			assert_int_equal(r.status, 200);
			assert_true(slice_equal(
				reply_header(&r, "Content-Encoding"), slice_of(cases[i].coding)));
			reply_fini(&r);
		}
	}
	/* What the client has already. */
	talk_ask(&t, &r, "GET /page/" HOST "If-None-Match: \"other\", W/\"page-1\"\r\n\r\n");
	assert_int_equal(r.status, 304);
	assert_true(slice_is(reply_header(&r, "ETag"), "\"page-1\""));
	reply_fini(&r);
	talk_ask(&t, &r, "GET /page/" HOST "If-None-Match: \"other\"\r\n\r\n");
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	/* A reader that leaves in the middle. */
	talk_send(&t, SLICE("GET /page/" HOST "\r\n"));
	talk_close(&t);
	talk_open(&t, s->port);
	talk_ask(&t, &r, "GET /hello/" HOST "\r\n");
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

		talk_ask(&t, &r, "GET /stream/300000/" HOST "Accept-Encoding: %s\r\n\r\n",
			codings[i]);
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
	talk_ask(&t, &r, "HEAD /stream/10/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	assert_true(talk_ended(&t));
	talk_close(&t);
	talk_open(&t, s->port);
	talk_ask(&t, &r, "GET /stream/0/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	assert_true(r.whole && r.body.len == 0);
	reply_fini(&r);
	/* A stream that fails cannot look whole. */
	talk_ask(&t, &r, "GET /stream/1000/?break" HOST "\r\n");
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
			talk_send_body(&t, sizes[i]);
			if (chunked)
				talk_send(&t, SLICE("\r\n0\r\n\r\n"));
			talk_reply(&t, false, &r);
			assert_int_equal(r.status, 200);
			assert_true(reply_has(&r, line.data));
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
	talk_ask(&t, &r, "POST /echo/x/" HOST "Content-Length: 1073741824\r\n\r\n");
	assert_int_equal(r.status, 413);
	assert_true(reply_has(&r, "{\"status\":413"));
	assert_true(slice_is(reply_header(&r, "Connection"), "close"));
	reply_fini(&r);
	/* A client that goes on sending gets its reply all the same, and is not reset. */
	talk_send_body(&t, MIB(32));
	shutdown(t.fd, SHUT_WR);
	assert_true(talk_ended(&t));
	talk_close(&t);

	/* One byte too many. */
	talk_open(&t, s->port);
	talk_ask(&t, &r, "POST /echo/x/" HOST "Content-Length: %zu\r\n\r\n", MIB(1) + 1);
	assert_int_equal(r.status, 413);
	reply_fini(&r);
	talk_close(&t);

	/* Not said: refused as soon as it is passed, and the client learns why. */
	talk_open(&t, s->port);
	talk_send(&t, SLICE("POST /echo/x/" HOST "Transfer-Encoding: chunked\r\n\r\n"));
	for (int i = 0; i < 512; i++) { /* 32 MiB in all */
		talk_send(&t, SLICE("10000\r\n"));
		talk_send_body(&t, KIB(64));
		talk_send(&t, SLICE("\r\n"));
	}
	talk_reply(&t, false, &r);
	assert_int_equal(r.status, 413);
	assert_true(r.whole && reply_has(&r, "{\"status\":413"));
	assert_true(slice_is(reply_header(&r, "Content-Type"), "application/json"));
	assert_true(reply_header(&r, "Date").len != 0);
	reply_fini(&r);
	talk_close(&t);
	getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_maxrss - before.ru_maxrss < 16 * 1024); /* KiB */

	/* A short one costs no connection. */
	talk_open(&t, s->port);
	talk_ask(&t, &r, "POST /small/x/" HOST "Content-Length: 10\r\n\r\n0123456789");
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	talk_ask(&t, &r, "POST /small/x/" HOST "Content-Length: 11\r\n\r\n0123456789a");
	assert_int_equal(r.status, 413);
	reply_fini(&r);
	talk_ask(&t, &r, "GET /hello/" HOST "\r\n");
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
	talk_ask(&t, &r, "POST /echo/x/" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	assert_int_equal(r.status, 100);
	reply_fini(&r);
	talk_ask(&t, &r, "abc");
	assert_int_equal(r.status, 200);
	assert_true(reply_has(&r, "body 3 3 memory"));
	reply_fini(&r);
	talk_ask(&t, &r,
		"POST /account/x/" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
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
	talk_ask(&t, &r, "POST /echo/x/" HOST "Content-Length: 1000000\r\n\r\n");
	assert_int_equal(r.status, 503);
	assert_true(slice_is(reply_header(&r, "Retry-After"), "30"));
	reply_fini(&r);
	talk_close(&t);
	/* In the middle of one. */
	talk_open(&t, s->port);
	talk_send(&t, SLICE("POST /echo/x/" HOST "Transfer-Encoding: chunked\r\n\r\n80000\r\n"));
	talk_send_body(&t, 0x80000);
	talk_reply(&t, false, &r);
	assert_int_equal(r.status, 503);
	assert_true(slice_is(reply_header(&r, "Retry-After"), "30"));
	reply_fini(&r);
	talk_close(&t);
}

/* ---- accounts ------------------------------------------------------------------------- */

static void accounts(void **state)
{
	struct site *s = *state;
	struct talk t;
	struct reply r;

	talk_open(&t, s->port);
	talk_ask(&t, &r, "GET /account/x/" HOST "\r\n");
	assert_int_equal(r.status, 401);
	/* A challenge for each scheme. */
	assert_true(
		slice_find_text(buf_slice(&r.headers),
			SLICE("WWW-Authenticate: Basic realm=\"serai\", charset=\"UTF-8\"\r\n")) <
		r.headers.len);
	assert_true(slice_find_text(buf_slice(&r.headers),
			    SLICE("WWW-Authenticate: Bearer realm=\"serai\"\r\n")) < r.headers.len);
	reply_fini(&r);
	talk_ask(&t, &r, "GET /account/x/" HOST "%s\r\n", basic_header("ana", TALK_PASSWORD));
	assert_int_equal(r.status, 200);
	assert_true(reply_has(&r, "account ana\n"));
	reply_fini(&r);
	talk_ask(&t, &r, "GET /account/x/" HOST "Authorization: Bearer %s\r\n\r\n", s->token);
	assert_int_equal(r.status, 200);
	assert_true(reply_has(&r, "account bot\n"));
	reply_fini(&r);
	/* The body of one who may not come is thrown away, not handed on. */
	talk_ask(&t, &r, "POST /account/x/" HOST "%sContent-Length: 3\r\n\r\nabc",
		basic_header("ana", "wrong"));
	assert_int_equal(r.status, 401);
	reply_fini(&r);
	talk_ask(&t, &r, "GET /maybe/x/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	assert_false(reply_has(&r, "account"));
	reply_fini(&r);
	talk_ask(&t, &r, "GET /maybe/x/" HOST "%s\r\n", basic_header("ana", "wrong"));
	assert_int_equal(r.status, 401); /* wrong is not nobody */
	reply_fini(&r);
	talk_ask(&t, &r, "GET /hello/" HOST "%s\r\n", basic_header("ana", "wrong"));
	assert_int_equal(r.status, 200); /* open to anybody: not looked at */
	reply_fini(&r);
	talk_ask(&t, &r, "GET /admin/x/" HOST "%s\r\n", basic_header("ana", TALK_PASSWORD));
	assert_int_equal(r.status, 403);
	reply_fini(&r);
	talk_ask(&t, &r, "GET /admin/x/" HOST "%s\r\n", basic_header("root", TALK_PASSWORD));
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	/* Back-off over the wire. */
	for (int i = 0; i <= HTTP_BACKOFF_FREE; i++) {
		char name[8];

		snprintf(name, sizeof(name), "eve%d", i);
		talk_ask(&t, &r, "GET /account/x/" HOST "%s\r\n", basic_header(name, "wrong"));
		assert_int_equal(r.status, 401);
		reply_fini(&r);
	}
	talk_ask(&t, &r, "GET /account/x/" HOST "%s\r\n", basic_header("eve", "wrong"));
	assert_int_equal(r.status, 429);
	assert_true(slice_is(reply_header(&r, "Retry-After"), "1"));
	reply_fini(&r);
	/* An account that goes is gone for the next request of an open connection. */
	talk_ask(&t, &r, "GET /account/x/" HOST "%s\r\n", basic_header("ana", TALK_PASSWORD));
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	s->fake.accounts[0].disabled = true;
	atomic_fetch_add(&s->fake.epoch, 1);
	fake_advance(&s->fake, 2);
	talk_ask(&t, &r, "GET /account/x/" HOST "%s\r\n", basic_header("ana", TALK_PASSWORD));
	assert_int_equal(r.status, 401);
	reply_fini(&r);
	atomic_store(&s->fake.broken, true);
	atomic_fetch_add(&s->fake.epoch, 1);
	talk_ask(&t, &r, "GET /account/x/" HOST "Authorization: Bearer %s\r\n\r\n", s->token);
	assert_int_equal(r.status, 500);
	reply_fini(&r);
	talk_close(&t);
	assert_true(http_server_metrics(s->server).authentication_failures >= 6);
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
		talk_ask(&t, &r, "GET /hello/" HOST "\r\n");
		reply_fini(&r);
	}
	talk_ask(&t, &r, "GET /nothing/" HOST "\r\n");
	reply_fini(&r);
	talk_ask(&t, &r, "POST /echo/x/" HOST "Content-Length: 3\r\n\r\nabc");
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
	talk_ask(&t, &r, "GET /account/x/?secret=hunter2" HOST "%s\r\n",
		basic_header("ana", TALK_PASSWORD));
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	talk_ask(&t, &r, "GET /account/x/" HOST "Authorization: Bearer hunter3\r\n\r\n");
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
		cmocka_unit_test_setup_teardown(plain_replies, site_set_up, site_tear_down),
		cmocka_unit_test_setup_teardown(
			errors_without_words, site_set_up_only, site_tear_down),
		cmocka_unit_test_setup_teardown(shared_pages, site_set_up, site_tear_down),
		cmocka_unit_test_setup_teardown(streamed_replies, site_set_up, site_tear_down),
		cmocka_unit_test_setup_teardown(
			bodies_in_memory_and_files, site_set_up, site_tear_down),
		cmocka_unit_test_setup_teardown(bodies_too_long, site_set_up, site_tear_down),
		cmocka_unit_test_setup_teardown(expectations, site_set_up, site_tear_down),
		cmocka_unit_test_setup_teardown(spool_fails, site_set_up_only, site_tear_down),
		cmocka_unit_test_setup_teardown(accounts, site_set_up, site_tear_down),
		cmocka_unit_test_setup_teardown(metrics, site_set_up, site_tear_down),
		cmocka_unit_test_setup_teardown(logs, site_set_up_only, site_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
