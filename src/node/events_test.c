/* SPDX-License-Identifier: MPL-2.0 */
/* What members are told: the difference, to as many as may listen; and what is made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "parts.h"

struct scene {
	struct http_server *server;
	struct events *events;
	unsigned status; /* of the last stream that was refused */
};

/* Any member that the path names: who it is was asked before. */
static void handle(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct scene *s = context;
	char member[COALITION_NAME_MAX + 1];

	snprintf(member, sizeof(member), "%.*s", SLICE_ARG(q->parts[0]));
	reply->events = events_begin(
		s->events, member, http_request_header(q, "Last-Event-ID"), &s->status);
	reply->status = reply->events == NULL ? s->status : 200;
}

static const struct http_route routes[] = {
	{HTTP_GET, "/{member}/", HTTP_OPEN, 0, handle, "events", NULL},
};

static enum err_kind nobody(void *context, const uint8_t pin[SHA256_LEN], struct arena *a,
	struct store_account *ret_account, bool *ret_found, struct err *e)
{
	(void)context;
	(void)pin;
	(void)a;
	(void)ret_account;
	(void)e;
	*ret_found = false;
	return OK;
}

static enum err_kind no_name(void *context, struct slice name, struct arena *a,
	struct store_account *ret_account, bool *ret_found, struct err *e)
{
	(void)name;
	return nobody(context, NULL, a, ret_account, ret_found, e);
}

static uint64_t no_epoch(void *context)
{
	(void)context;
	return 1;
}

static int set_up(void **state)
{
	static const struct http_accounts accounts = {no_name, nobody, nobody, no_epoch, NULL};
	struct scene *s = calloc(1, sizeof(*s));
	const struct http_server_config config = {.listen = "127.0.0.1:0",
		.routes = routes,
		.routes_count = COUNT_OF(routes),
		.context = s,
		.accounts = &accounts};
	struct err e = {0};

	if (events_open(world_real(), &s->events, &e) != OK ||
		http_server_start(&config, &s->server, &e) != OK)
		fail_msg("%s", e.text);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	http_server_stop(s->server, 60);
	events_free(s->events);
	free(s);
	return 0;
}

/* ---- somebody who listens -------------------------------------------------------------------- */

struct listener {
	struct http_ear *ear;
	struct buf all; /* data of what came, with ";" for line ends */
};

static void hear(void *context, const struct http_event *event)
{
	struct listener *l = context;

	assert_true(slice_is(event->type, "heads"));
	for (size_t i = 0; i < event->data.len; i++)
		buf_char(&l->all, event->data.data[i] == '\n' ? ';' : event->data.data[i]);
	buf_char(&l->all, '\n');
}

static enum err_kind listen_to(struct scene *s, struct listener *l, const char *member)
{
	const struct http_client_config config = {0};
	enum err_kind kind = OK;
	struct err e = {0};
	char url[128];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/%s/", http_server_port(s->server), member);
	*l = (struct listener){0};
	if (http_ear_new(&config, url, &l->ear, &e) != OK || http_ear_open(l->ear, &e) != OK)
		fail_msg("%s", e.text);
	while (kind == OK && !http_ear_is_live(l->ear))
		kind = http_ear_wait(l->ear, 10000, hear, l, &e);
	return kind;
}

static void await(struct listener *l, const char *text)
{
	struct err e = {0};

	while (slice_find_text(buf_slice(&l->all), slice_of(text)) == l->all.len)
		if (http_ear_wait(l->ear, 10000, hear, l, &e) != OK)
			fail_msg("%s, after %.*s", e.text, SLICE_ARG(buf_slice(&l->all)));
}

static void listener_fini(struct listener *l)
{
	http_ear_free(l->ear);
	buf_fini(&l->all);
}

#define SHOWN(name, mine, a, b, c)                                                                 \
	(struct coalition_shown)                                                                   \
	{                                                                                          \
		.origin = SLICE(name), .ours = (mine), .size = (a), .quorum = (b), .applied = (c)  \
	}

static void test_the_difference(void **state)
{
	struct scene *s = *state;
	struct coalition_shown list[] = {
		SHOWN("kz/log", true, 5, 3, 5), SHOWN("uz/log", false, 9, 9, 9)};
	struct listener early, late;

	assert_true(events_tell(s->events, 77, list, 2));
	assert_int_equal(listen_to(s, &early, "kg"), OK);
	await(&early, "77;kz/log 5 3 5;uz/log 9 9 9\n");
	/* the same again is no news */
	assert_false(events_tell(s->events, 77, list, 2));
	list[1].quorum = 10;
	assert_false(events_tell(s->events, 77, list, 2)); /* news, but not of our own log */
	await(&early, "\n77;uz/log 9 10 9\n");
	list[0].size = 6;
	assert_true(events_tell(s->events, 77, list, 2));
	await(&early, "\n77;kz/log 6 3 5\n");
	assert_false(events_tell(s->events, 78, list, 2)); /* allowed more, perhaps */
	await(&early, "\n78\n");
	/* It comes again, and missed one; another is told all. */
	http_ear_close(early.ear);
	buf_clear(&early.all);
	list[0].applied = 6;
	events_tell(s->events, 78, list, 2);
	assert_int_equal(http_ear_open(early.ear, NULL), OK);
	await(&early, "78;kz/log 6 3 6\n");
	assert_int_equal(slice_find_text(buf_slice(&early.all), SLICE("uz")), early.all.len);
	assert_int_equal(listen_to(s, &late, "uz"), OK);
	await(&late, "78;kz/log 6 3 6;uz/log 9 10 9\n");
	/* A new charter: all come again, if they may. */
	events_end_all(s->events);
	while (http_ear_wait(late.ear, 10000, hear, &late, NULL) == OK)
		;
	listener_fini(&early);
	listener_fini(&late);
}

static void test_limits(void **state)
{
	struct scene *s = *state;
	struct coalition_shown one = SHOWN("kz/log", true, 1, 0, 1);
	struct listener *all = calloc(EVENTS_MAX, sizeof(*all)), more;
	char member[16];

	assert_non_null(all);
	events_tell(s->events, 1, &one, 1);
	for (size_t i = 0; i < EVENTS_MAX; i++) {
		snprintf(member, sizeof(member), "m%zu", i / EVENTS_PER_MEMBER);
		assert_int_equal(listen_to(s, &all[i], member), OK);
		if (i == EVENTS_PER_MEMBER - 1) { /* one more of the first */
			assert_int_equal(listen_to(s, &more, "m0"), ERR_DENIED);
			assert_int_equal(s->status, 429);
			listener_fini(&more);
		}
	}
	assert_int_equal(listen_to(s, &more, "another"), ERR_DENIED);
	assert_int_equal(s->status, 503);
	listener_fini(&more);
	one.size = 2;
	events_tell(s->events, 1, &one, 1);
	for (size_t i = 0; i < EVENTS_MAX; i++)
		await(&all[i], "kz/log 2 0 1\n");
	/* A place that is given up is there for the next. */
	listener_fini(&all[0]);
	while (listen_to(s, &all[0], "m0") != OK)
		listener_fini(&all[0]);
	for (size_t i = 0; i < EVENTS_MAX; i++)
		listener_fini(&all[i]);
	free(all);
}

/* ---- what is held, what is read -------------------------------------------------------------- */

static void test_held(void **state)
{
	struct scene *s = *state;
	struct coalition_shown one = SHOWN("kz/log", false, 5, 3, 5);
	struct coalition_shown *many = calloc(EVENTS_ROWS_MAX + 1, sizeof(*many));
	char names[EVENTS_ROWS_MAX + 1][16];

	assert_non_null(many);
	assert_int_equal(events_row(s->events, SLICE("kz/log")), EVENTS_ROWS_MAX);
	events_tell(s->events, 1, &one, 1);
	assert_int_equal(events_row(s->events, SLICE("kz/log")), 0);
	assert_true(events_hold(s->events, 0, 5, 3));
	assert_true(events_hold(s->events, 0, 4, 0));
	assert_false(events_hold(s->events, 0, 6, 3));
	assert_false(events_hold(s->events, 0, 5, 4));
	assert_false(events_hold(s->events, 1, 0, 0));
	assert_false(events_hold(s->events, EVENTS_ROWS_MAX, 0, 0));
	/* as many logs as there is room for */
	for (size_t i = 0; i <= EVENTS_ROWS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "m%zu/log", i);
		many[i].origin = slice_of(names[i]);
		many[i].size = 1;
	}
	events_tell(s->events, 1, many, EVENTS_ROWS_MAX + 1);
	assert_int_equal(events_row(s->events, SLICE("m254/log")), 255);
	assert_int_equal(events_row(s->events, SLICE("m255/log")), EVENTS_ROWS_MAX);
	free(many);
}

static void gather(void *context, const struct coalition_shown *row)
{
	buf_printf(context, "%.*s=%llu,%llu,%llu;", SLICE_ARG(row->origin),
		(unsigned long long)row->size, (unsigned long long)row->quorum,
		(unsigned long long)row->applied);
}

static void test_read(void **state)
{
	static const struct {
		const char *data;
		enum err_kind kind;
		const char *rows;
	} cases[] = {
		{"7",				  OK,        ""				},
		{"7\nkz/log 1 2 3",                    OK,        "kz/log=1,2,3;"                   },
		{"7\nkz/log 1 2 3\nuz/log 4 5 6",      OK,        "kz/log=1,2,3;uz/log=4,5,6;"      },
		{"7\nkz/log 18446744073709551615 0 0", OK,        "kz/log=18446744073709551615,0,0;"},
		{"7\nkz/log 18446744073709551616 0 0", ERR_PARSE, ""                                },
		{"",				   ERR_PARSE, ""                                },
		{"x",				  ERR_PARSE, ""                                },
		{"-7",				 ERR_PARSE, ""                                },
		{"7\n",				ERR_PARSE, ""                                },
		{"7\nkz/log",                          ERR_PARSE, ""                                },
		{"7\nkz/log 1 2",                      ERR_PARSE, ""                                },
		{"7\nkz/log 1 2 3 4",                  ERR_PARSE, ""                                },
		{"7\nkz/log 1  2 3",                   ERR_PARSE, ""                                },
		{"7\n 1 2 3",                          ERR_PARSE, ""                                },
		{"7\nkz+log 1 2 3",                    ERR_PARSE, ""                                },
		{"7\nkz/log 1 2 3\nuz/log 01 5 6",     ERR_PARSE, "kz/log=1,2,3;"                   },
	};
	struct buf big = BUF_INIT;
	uint64_t epoch;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf rows = BUF_INIT;
		struct err e = {0};

		if (events_read(slice_of(cases[i].data), &epoch, gather, &rows, &e) !=
				cases[i].kind ||
			!slice_is(buf_slice(&rows), cases[i].rows))
			fail_msg("case %zu: %.*s %s", i, SLICE_ARG(buf_slice(&rows)), e.text);
		if (cases[i].kind == OK)
			assert_int_equal(epoch, 7);
		buf_fini(&rows);
	}
	buf_text(&big, "7");
	for (size_t i = 0; i <= EVENTS_ROWS_MAX; i++) {
		struct buf rows = BUF_INIT;

		buf_text(&big, "\na 1 2 3");
		if (i >= EVENTS_ROWS_MAX - 1)
			assert_int_equal(events_read(buf_slice(&big), &epoch, gather, &rows, NULL),
				i < EVENTS_ROWS_MAX ? OK : ERR_LIMIT);
		buf_fini(&rows);
	}
	buf_fini(&big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_difference, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_held, set_up, tear_down),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
