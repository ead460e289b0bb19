/* SPDX-License-Identifier: MPL-2.0 */
/* Streams of events: what is said, who sleeps, who is cut, and how they are heard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_talk.h"

/* ---- a board on which a number stands, and streams that tell it ------------------------ */

#define STREAMS_MAX 64

struct board {
	pthread_mutex_t lock;
	uint64_t number;
	size_t filling; /* bytes of each event beside the number */
	struct line {
		struct board *board;
		struct http_events *events; /* NULL: free */
		uint64_t told;
		bool heard_id;
	} lines[STREAMS_MAX];
	atomic_int ended, said;
	char last_id[64];
};

static struct board board;

static void say(void *state, struct buf *out)
{
	struct line *line = state;

	pthread_mutex_lock(&line->board->lock);
	if (line->told != line->board->number) {
		line->told = line->board->number;
		buf_printf(out, "id: %llu\nevent: number\ndata: %llu ",
			(unsigned long long)line->told, (unsigned long long)line->told);
		for (size_t i = 0; i < line->board->filling; i++)
			buf_char(out, '.');
		buf_text(out, "\n\n");
		atomic_fetch_add(&line->board->said, 1);
	}
	pthread_mutex_unlock(&line->board->lock);
}

static void ended(void *state)
{
	struct line *line = state;

	pthread_mutex_lock(&line->board->lock);
	http_events_drop(line->events);
	line->events = NULL;
	pthread_mutex_unlock(&line->board->lock);
	atomic_fetch_add(&line->board->ended, 1);
}

static void handle_events(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct slice last = http_request_header(q, "Last-Event-ID");
	size_t i = 0;

	(void)context;
	pthread_mutex_lock(&board.lock);
	while (i < STREAMS_MAX && board.lines[i].events != NULL)
		i++;
	assert_true(i < STREAMS_MAX);
	board.lines[i] = (struct line){.board = &board, .told = UINT64_MAX};
	if (last.len != 0)
		assert_true(slice_to_u64(last, &board.lines[i].told));
	board.lines[i].events =
		http_events_new(&(struct http_events_source){say, ended, &board.lines[i]});
	assert_non_null(board.lines[i].events);
	snprintf(board.last_id, sizeof(board.last_id), "%.*s", SLICE_ARG(last));
	reply->status = 200;
	reply->events = http_events_keep(board.lines[i].events);
	pthread_mutex_unlock(&board.lock);
}

static void handle_hello(void *context, const struct http_request *q, struct http_reply *reply)
{
	(void)context;
	(void)q;
	reply->status = 200;
	reply->content_type = "text/plain";
	reply->body = SLICE("hello\n");
}

static void board_set(uint64_t number)
{
	pthread_mutex_lock(&board.lock);
	board.number = number;
	for (size_t i = 0; i < STREAMS_MAX; i++)
		if (board.lines[i].events != NULL)
			http_events_ring(board.lines[i].events);
	pthread_mutex_unlock(&board.lock);
}

static const struct http_route routes[] = {
	{HTTP_GET, "/events/", HTTP_OPEN, 0, handle_events, "events", NULL},
	{HTTP_GET, "/hello/",  HTTP_OPEN, 0, handle_hello,  "hello",  NULL},
};

static void begin(struct site *s)
{
	memset(&board, 0, sizeof(board));
	pthread_mutex_init(&board.lock, NULL);
	s->config.routes = routes;
	s->config.routes_count = COUNT_OF(routes);
}

static int set_up(void **state)
{
	int rc = site_set_up_only(state);

	begin(*state);
	site_start(*state);
	return rc;
}

static int set_up_tls(void **state)
{
	int rc = site_set_up_tls_only(state);

	begin(*state);
	site_start(*state);
	return rc;
}

/* ---- a client that reads bytes ---------------------------------------------------------- */

static void events_open(struct site *s, struct talk *t)
{
	talk_open(t, s->port);
	talk_send(t, SLICE("GET /events/" HOST "Accept-Encoding: gzip, zstd\r\n\r\n"));
}

/* More bytes into *in; false at the end. */
static bool more(struct talk *t, struct buf *in)
{
	char piece[KIB(16)];
	ssize_t got = recv(t->fd, piece, sizeof(piece), 0);

	if (got <= 0)
		return false;
	buf_append(in, piece, (size_t)got);
	return true;
}

/* Read until this was said; whatever else came stays in *in. */
static void await(struct talk *t, struct buf *in, const char *text)
{
	while (slice_find_text(buf_slice(in), slice_of(text)) == in->len)
		assert_true(more(t, in));
}

static void await_ended(int count)
{
	while (atomic_load(&board.ended) != count)
		sched_yield();
}

/* ---- saying ---------------------------------------------------------------------------- */

static void said_and_silent(void **state)
{
	struct site *s = *state;
	struct buf in = BUF_INIT;
	struct talk t;

	board.number = 7;
	events_open(s, &t);
	await(&t, &in, "id: 7\nevent: number\ndata: 7 \n\n");
	assert_true(slice_find_text(buf_slice(&in), SLICE("Content-Type: text/event-stream\r\n")) <
		    in.len);
	assert_true(slice_find_text(buf_slice(&in), SLICE("Cache-Control: no-store\r\n")) < in.len);
	assert_int_equal(slice_find_text(buf_slice(&in), SLICE("Content-Encoding")), in.len);
	buf_clear(&in);
	board_set(8);
	await(&t, &in, "data: 8 \n\n");
	/* Rung without news: nothing is said. */
	board_set(8);
	http_server_sweep(s->server);
	assert_false(talk_readable(&t));
	buf_clear(&in);
	/* Silence has an end, and a stream that is heard has none. */
	for (int i = 0; i < 10; i++) {
		fake_advance(&s->fake, HTTP_EVENTS_SECONDS - 1);
		http_server_sweep(s->server);
		assert_false(talk_readable(&t));
		fake_advance(&s->fake, 1);
		http_server_sweep(s->server);
		await(&t, &in, ":\n\n");
		buf_clear(&in);
	}
	board_set(9);
	await(&t, &in, "data: 9 \n\n");
	assert_int_equal(atomic_load(&board.ended), 0);
	/* Nobody looks at the socket of one that sleeps but the watch. */
	talk_close(&t);
	while (atomic_load(&board.ended) == 0)
		http_server_sweep(s->server);
	buf_fini(&in);
}

/* Many more streams than threads: all are heard, and others are served meanwhile. */
static void sleepers_hold_no_thread(void **state)
{
	struct site *s = *state;
	struct talk all[STREAMS_MAX], other;
	struct reply r;

	for (size_t i = 0; i < STREAMS_MAX; i++)
		events_open(s, &all[i]);
	while (http_server_metrics(s->server).requests_total != STREAMS_MAX)
		sched_yield();
	for (uint64_t number = 1; number <= 3; number++) {
		char text[32];

		board_set(number);
		snprintf(text, sizeof(text), "data: %llu \n\n", (unsigned long long)number);
		for (size_t i = 0; i < STREAMS_MAX; i++) {
			struct buf in = BUF_INIT;

			await(&all[i], &in, text);
			buf_fini(&in);
		}
		talk_open(&other, s->port);
		talk_ask(&other, &r, "GET /hello/" HOST "\r\n");
		assert_int_equal(r.status, 200);
		reply_fini(&r);
		talk_close(&other);
	}
	for (size_t i = 0; i < STREAMS_MAX; i++)
		talk_close(&all[i]);
	while (atomic_load(&board.ended) != STREAMS_MAX)
		http_server_sweep(s->server);
}

#define NEWS 2000 /* each of KIB(60): more than any socket takes */

static void slow_readers_hear_the_newest(void **state)
{
	struct site *s = *state;
	struct buf in = BUF_INIT;
	struct talk slow, quick;
	char last[32];

	board.filling = KIB(60);
	events_open(s, &slow);
	events_open(s, &quick);
	for (uint64_t number = 1; number <= NEWS; number++) {
		board_set(number); /* waits for nobody */
		if (number % 100 == 0) {
			snprintf(last, sizeof(last), "data: %llu ", (unsigned long long)number);
			await(&quick, &in, last);
			buf_clear(&in);
		}
	}
	snprintf(last, sizeof(last), "data: %d ", NEWS);
	await(&slow, &in, last);
	assert_true(in.len < (size_t)NEWS * KIB(60) / 2);
	assert_int_equal(atomic_load(&board.ended), 0);
	talk_close(&slow);
	talk_close(&quick);
	buf_fini(&in);
}

/* One that takes nothing more of what it is sent loses its place. */
static void dead_readers_are_cut(void **state)
{
	struct site *s = *state;
	struct talk dead, silent;
	struct buf in = BUF_INIT;
	uint64_t number = 1;
	int said;

	events_open(s, &silent); /* there is nothing to take */
	board.filling = KIB(60);
	events_open(s, &dead);
	await(&silent, &in, "data: 0 ");
	do { /* until it is asked no more */
		said = atomic_load(&board.said);
		board_set(number++);
		for (int i = 0; i < 20 && more(&silent, &in); i++)
			if (!talk_readable(&silent))
				break;
		buf_clear(&in);
	} while (atomic_load(&board.said) > said + 1);
	board.filling = 0;
	while (atomic_load(&board.ended) == 0) {
		fake_advance(&s->fake, HTTP_EVENTS_SECONDS);
		http_server_sweep(s->server);
		if (talk_readable(&silent))
			assert_true(more(&silent, &in));
	}
	assert_int_equal(atomic_load(&board.ended), 1);
	assert_int_equal(http_server_metrics(s->server).deadlines_hit, 1);
	buf_clear(&in);
	board_set(1000000);
	await(&silent, &in, "data: 1000000 ");
	talk_close(&dead);
	talk_close(&silent);
	buf_fini(&in);
}

/* The server stops at once, however many sleep. */
static void stopping_ends_streams(void **state)
{
	struct site *s = *state;
	struct buf in = BUF_INIT;
	struct talk t[8];

	for (size_t i = 0; i < COUNT_OF(t); i++) {
		events_open(s, &t[i]);
		await(&t[i], &in, "data: 0 ");
		buf_clear(&in);
	}
	http_server_stop(s->server, 3600);
	s->server = NULL;
	await_ended(COUNT_OF(t));
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		while (more(&t[i], &in))
			;
		/* the last chunk: it is whole, and it is over */
		assert_true(slice_ends(buf_slice(&in), SLICE("0\r\n\r\n")));
		talk_close(&t[i]);
		buf_clear(&in);
	}
	buf_fini(&in);
}

static void head_is_no_stream(void **state)
{
	struct site *s = *state;
	struct reply r;
	struct talk t;

	talk_open(&t, s->port);
	talk_send(&t, SLICE("HEAD /events/" HOST "\r\n"));
	talk_reply(&t, true, &r);
	assert_int_equal(r.status, 200);
	assert_true(slice_is(reply_header(&r, "Content-Type"), "text/event-stream"));
	assert_true(talk_ended(&t));
	await_ended(1);
	reply_fini(&r);
	talk_close(&t);
}

/* ---- hearing --------------------------------------------------------------------------- */

struct heard {
	struct buf all;
	unsigned count;
};

static void hear(void *context, const struct http_event *event)
{
	struct heard *h = context;

	buf_printf(&h->all, "[%.*s|%.*s|%.*s]", SLICE_ARG(event->id), SLICE_ARG(event->type),
		SLICE_ARG(event->data));
	h->count++;
}

static struct http_ear *ear_of(struct site *s, const char *path, const char *pin)
{
	struct http_client_config config = {.pin = pin};
	struct http_ear *ear = NULL;
	struct err e = {0};
	char url[128];

	snprintf(url, sizeof(url), "%s://127.0.0.1:%u%s", pin == NULL ? "http" : "https", s->port,
		path);
	if (http_ear_new(&config, url, &ear, &e) != OK || http_ear_open(ear, &e) != OK)
		fail_msg("%s", e.text);
	return ear;
}

static void hear_until(struct http_ear *ear, struct heard *h, const char *text)
{
	struct err e = {0};

	while (slice_find_text(buf_slice(&h->all), slice_of(text)) == h->all.len)
		if (http_ear_wait(ear, 10000, hear, h, &e) != OK)
			fail_msg("%s", e.text);
}

static void heard_over(struct site *s, const char *pin)
{
	struct http_ear *ear = ear_of(s, "/events/", pin);
	struct heard h = {0};
	struct err e = {0};

	board.number = 3;
	assert_true(http_ear_is_open(ear));
	assert_false(http_ear_is_live(ear));
	hear_until(ear, &h, "[3|number|3 ]");
	assert_true(http_ear_is_live(ear));
	assert_string_equal(board.last_id, "");
	board_set(4);
	hear_until(ear, &h, "[4|number|4 ]");
	/* Nothing comes: a wait has its end, or is woken. */
	assert_int_equal(http_ear_wait(ear, 1, hear, &h, &e), OK);
	http_ear_wake(ear);
	assert_int_equal(http_ear_wait(ear, 3600 * 1000, hear, &h, &e), OK);
	assert_int_equal(h.count, 2);
	/* Anew: behind what was heard. */
	assert_int_equal(http_ear_open(ear, &e), OK);
	while (!http_ear_is_live(ear) && board.last_id[0] == '\0')
		assert_int_equal(http_ear_wait(ear, 20, hear, &h, &e), OK);
	assert_string_equal(board.last_id, "4");
	board_set(5);
	hear_until(ear, &h, "[5|number|5 ]");
	assert_int_equal(h.count, 3);
	/* The server goes. */
	http_server_stop(s->server, 3600);
	s->server = NULL;
	while (http_ear_wait(ear, 10000, hear, &h, &e) == OK)
		;
	assert_int_equal(e.kind, ERR_IO);
	assert_false(http_ear_is_open(ear));
	/* It sleeps and is woken all the same. */
	http_ear_wake(ear);
	assert_int_equal(http_ear_wait(ear, 3600 * 1000, hear, &h, &e), OK);
	assert_int_equal(http_ear_open(ear, &e), OK);
	while (http_ear_wait(ear, 10000, hear, &h, &e) == OK)
		;
	assert_int_equal(e.kind, ERR_IO); /* nobody there */
	http_ear_free(ear);
	buf_fini(&h.all);
}

static void heard_plain(void **state)
{
	heard_over(*state, NULL);
}

static void heard_tls(void **state)
{
	struct site *s = *state;
	struct buf pin = BUF_INIT;
	uint8_t digest[SHA256_LEN];

	assert_int_equal(http_certificate_pin(s->certificate, digest, NULL), OK);
	buf_text(&pin, "sha256//");
	base64_append(&pin, digest, sizeof(digest));
	buf_char(&pin, '\0');
	heard_over(s, pin.data);
	buf_fini(&pin);
}

static void heard_something_else(void **state)
{
	static const char *const paths[] = {"/hello/", "/nothing/"};

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		struct http_ear *ear = ear_of(*state, paths[i], NULL);
		struct heard h = {0};
		struct err e = {0};

		while (http_ear_wait(ear, 10000, hear, &h, &e) == OK)
			;
		assert_int_equal(e.kind, ERR_DENIED);
		assert_false(http_ear_is_open(ear));
		assert_int_equal(h.count, 0);
		http_ear_free(ear);
	}
}

/* ---- reading --------------------------------------------------------------------------- */

static void parsed(void **state)
{
	static const struct {
		const char *bytes, *heard;
	} cases[] = {
		{"data: a\n\n",                        "[|message|a]"              },
		{"data:a\n\n",                         "[|message|a]"              },
		{"data:  a\n\n",                       "[|message| a]"             },
		{"data: a\r\n\r\n",                    "[|message|a]"              },
		{"data: a\r\rdata: b\r\r",             "[|message|a][|message|b]"  },
		{"data: a\ndata: b\n\n",               "[|message|a\nb]"           },
		{"data\n\n",                           "[|message|]"               },
		{"data\ndata\n\n",                     "[|message|\n]"             },
		{"event: x\ndata: a\n\ndata: b\n\n",   "[|x|a][|message|b]"        },
		{"id: 1\ndata: a\n\ndata: b\n\n",      "[1|message|a][1|message|b]"},
		{"id: 1\n\nid\ndata: b\n\n",           "[|message|b]"              },
		{"event: x\n\n",                       ""                          },
		{": silence\n\n:\n\n",                 ""                          },
		{"retry: 10\nunknown: y\ndata: a\n\n", "[|message|a]"              },
		{"data: a\n",                          ""                          },
		{"data: a",			    ""                          },
		{"\xef\xbb\xbf"
		 "data: a\n\n",       "[|message|a]"              },
		{"data: a\n\n\xef\xbb\xbf"
		 "data: b\n\n",       "[|message|a]"              },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct slice bytes = slice_of(cases[i].bytes);

		/* In one piece, in two at any place. */
		for (size_t cut = 0; cut <= bytes.len; cut++) {
			struct http_event_parser p;
			struct heard h = {0};

			http_event_parser_init(&p);
			assert_int_equal(
				http_event_parse(&p, slice_cut(bytes, 0, cut), hear, &h, NULL), OK);
			assert_int_equal(http_event_parse(&p, slice_cut(bytes, cut, bytes.len),
						 hear, &h, NULL),
				OK);
			if (!slice_is(buf_slice(&h.all), cases[i].heard))
				fail_msg("case %zu: %.*s", i, SLICE_ARG(buf_slice(&h.all)));
			http_event_parser_fini(&p);
			buf_fini(&h.all);
		}
	}
}

/* A line, an event, an id: as long as may be, and one byte more. */
static void parsed_within_limits(void **state)
{
	static const struct {
		const char *name;
		size_t lines, bytes;
		enum err_kind kind;
	} cases[] = {
		{"data:", 1,  HTTP_EVENT_MAX - 5,      OK       },
		{"data:", 1,  HTTP_EVENT_MAX - 4,      ERR_LIMIT},
		{"data:", 16, HTTP_EVENT_MAX / 16 - 1, OK       },
		{"data:", 16, HTTP_EVENT_MAX / 16,     ERR_LIMIT},
		{"id:",   1,  HTTP_EVENT_ID_MAX,       OK       },
		{"id:",   1,  HTTP_EVENT_ID_MAX + 1,   ERR_LIMIT},
		{":",     50, HTTP_EVENT_MAX - 1,      OK       },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct http_event_parser p;
		struct buf bytes = BUF_INIT;
		struct heard h = {0};
		struct err e = {0};

		for (size_t k = 0; k < cases[i].lines; k++) {
			buf_text(&bytes, cases[i].name);
			for (size_t n = 0; n < cases[i].bytes; n++)
				buf_char(&bytes, 'x');
			buf_char(&bytes, '\n');
		}
		buf_char(&bytes, '\n');
		http_event_parser_init(&p);
		assert_int_equal(
			http_event_parse(&p, buf_slice(&bytes), hear, &h, &e), cases[i].kind);
		http_event_parser_fini(&p);
		buf_fini(&bytes);
		buf_fini(&h.all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(said_and_silent, set_up, site_tear_down),
		cmocka_unit_test_setup_teardown(sleepers_hold_no_thread, set_up, site_tear_down),
		cmocka_unit_test_setup_teardown(
			slow_readers_hear_the_newest, set_up, site_tear_down),
		cmocka_unit_test_setup_teardown(dead_readers_are_cut, set_up, site_tear_down),
		cmocka_unit_test_setup_teardown(stopping_ends_streams, set_up, site_tear_down),
		cmocka_unit_test_setup_teardown(head_is_no_stream, set_up, site_tear_down),
		cmocka_unit_test_setup_teardown(heard_plain, set_up, site_tear_down),
		cmocka_unit_test_setup_teardown(heard_tls, set_up_tls, site_tear_down),
		cmocka_unit_test_setup_teardown(heard_something_else, set_up, site_tear_down),
		cmocka_unit_test(parsed),
		cmocka_unit_test(parsed_within_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
