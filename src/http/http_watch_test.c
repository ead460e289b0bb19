/* SPDX-License-Identifier: MPL-2.0 */
/* Deadlines under virtual time, limits on connections, starting, draining and stopping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "http_talk.h"

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
	talk_ask(&t, &r, "GET /hello/" HOST "\r\n");
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
	talk_ask(&t, &r, "GET /hello/" HOST "\r\n");
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
	talk_ask(&t, &r,
		"POST /echo/x/" HOST "Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n");
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
		talk_ask(&held[i], &r, "GET /hello/" HOST "\r\n");
		assert_int_equal(r.status, 200);
		reply_fini(&r);
	}
	talk_open(&more, s->port);
	assert_true(talk_ended(&more));
	talk_close(&more);
	for (size_t i = 0; i < COUNT_OF(held); i++)
		talk_close(&held[i]);
}

/* What nobody set: so many of one address, not one more, and another address does not suffer. */
static void address_limit(void **state)
{
	static struct talk held[HTTP_PER_ADDRESS_MAX];
	struct site *s = *state;
	struct talk more, other;
	struct reply r;

	site_start(s);
	for (size_t i = 0; i < COUNT_OF(held); i++)
		talk_open(&held[i], s->port);
	wait_open(s, HTTP_PER_ADDRESS_MAX);
	talk_open(&more, s->port);
	assert_true(talk_ended(&more));
	talk_close(&more);
	/* the last that came in, the first, and one of another address */
	talk_ask(&held[HTTP_PER_ADDRESS_MAX - 1], &r, "GET /hello/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	talk_ask(&held[0], &r, "GET /hello/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	talk_open_from(&other, s->port, INADDR_LOOPBACK + 1);
	talk_ask(&other, &r, "GET /hello/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	/* who leaves makes room */
	talk_close(&held[7]);
	wait_open(s, HTTP_PER_ADDRESS_MAX);
	talk_open(&more, s->port);
	talk_ask(&more, &r, "GET /hello/" HOST "\r\n");
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	talk_close(&more);
	talk_close(&other);
	for (size_t i = 0; i < COUNT_OF(held); i++)
		if (i != 7)
			talk_close(&held[i]);
}

static bool answers(struct site *s, struct talk *t, bool as_bot)
{
	struct reply r;
	unsigned status;

	talk_send(t, SLICE("GET /maybe/x/ HTTP/1.1\r\nHost: here\r\n"));
	if (as_bot) {
		talk_send(t, SLICE("Authorization: Bearer "));
		talk_send(t, slice_of(s->token));
		talk_send(t, SLICE("\r\n"));
	}
	talk_send(t, SLICE("\r\n"));
	talk_reply(t, false, &r);
	status = r.status;
	reply_fini(&r);
	return status == 200;
}

/* Strangers take three of four places, and whoever comes then costs the oldest of them its own; one
 * who has shown who it is is out of their reach. */
static void strangers_make_room(void **state)
{
	struct site *s = *state;
	struct talk known, strangers[9];

	s->config.threads = 1;
	s->config.connections_max = 8;
	site_start(s);
	talk_open(&known, s->port);
	assert_true(answers(s, &known, true));
	for (size_t i = 0; i < 6; i++) {
		talk_open(&strangers[i], s->port);
		if (i % 2 == 0)
			assert_true(answers(s, &strangers[i], false));
	}
	wait_open(s, 7);
	for (size_t i = 0; i < 6; i++)
		assert_false(talk_readable(&strangers[i]));
	for (size_t i = 6; i < 9; i++) {
		talk_open(&strangers[i], s->port);
		assert_true(talk_ended(&strangers[i - 6]));
		assert_true(answers(s, &strangers[i], false));
	}
	assert_true(answers(s, &strangers[3], false));
	assert_true(answers(s, &known, false));
	talk_close(&known);
	for (size_t i = 0; i < 9; i++)
		talk_close(&strangers[i]);
}

#define PLACES    (4 * HTTP_KNOWN_MAX + 4)
#define STRANGERS (PLACES - PLACES / HTTP_KNOWN_PART) /* places for them */

/* Of one account so many; one more of it has a stranger's place. */
static void known_have_a_limit(void **state)
{
	static struct talk known[HTTP_KNOWN_MAX + 1], strangers[STRANGERS];
	struct site *s = *state;

	s->config.threads = 1;
	s->config.connections_max = PLACES;
	site_start(s);
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		talk_open(&known[i], s->port);
		assert_true(answers(s, &known[i], true));
	}
	for (size_t i = 0; i < STRANGERS; i++) {
		assert_false(talk_readable(&known[HTTP_KNOWN_MAX]));
		talk_open(&strangers[i], s->port);
	}
	assert_true(talk_ended(&known[HTTP_KNOWN_MAX]));
	for (size_t i = 0; i < HTTP_KNOWN_MAX; i++)
		assert_true(answers(s, &known[i], false));
	for (size_t i = 0; i < COUNT_OF(known); i++)
		talk_close(&known[i]);
	for (size_t i = 0; i < STRANGERS; i++)
		talk_close(&strangers[i]);
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
	talk_ask(&t, &r, "GET /hello/" HOST "\r\n");
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
	talk_ask(&idle, &r, "GET /hello/" HOST "\r\n");
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
	talk_ask(&t, &r, "POST /echo/x/" HOST "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(dripping_heads, site_set_up, site_tear_down),
		cmocka_unit_test_setup_teardown(
			deadlines_by_itself, site_set_up_only, site_tear_down),
		cmocka_unit_test_setup_teardown(dripping_bodies, site_set_up_only, site_tear_down),
		cmocka_unit_test_setup_teardown(slow_readers, site_set_up, site_tear_down),
		cmocka_unit_test_setup_teardown(
			connection_limits, site_set_up_only, site_tear_down),
		cmocka_unit_test_setup_teardown(address_limit, site_set_up_only, site_tear_down),
		cmocka_unit_test_setup_teardown(
			strangers_make_room, site_set_up_only, site_tear_down),
		cmocka_unit_test_setup_teardown(
			known_have_a_limit, site_set_up_only, site_tear_down),
		cmocka_unit_test_setup_teardown(few_descriptors, site_set_up_only, site_tear_down),
		cmocka_unit_test_setup_teardown(draining, site_set_up, site_tear_down),
		cmocka_unit_test_setup_teardown(
			stopping_cuts_what_does_not_end, site_set_up, site_tear_down),
		cmocka_unit_test_setup_teardown(starts_refused, site_set_up_only, site_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
