/* SPDX-License-Identifier: MPL-2.0 */
/* The signer over a socket: streams and answers that break, frames of every size, threads. */
#include "process_scene.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

struct runner {
	struct signer *signer;
	int fd;
	enum err_kind kind;
};

static void *runner_run(void *context)
{
	struct runner *r = context;
	struct err e;

	r->kind = signer_run(r->signer, r->fd, &e);
	(void)shutdown(r->fd, SHUT_RDWR);
	return NULL;
}

/* What signer_run says of a peer that sends these bytes and, if so, no more. */
static enum err_kind run_of(struct scene *s, struct slice bytes, bool ends, struct buf *ret_answer)
{
	struct ledger_disk disk;
	struct runner r = {.signer = signer_make(s, &disk)};
	pthread_t thread;
	int fds[2];
	char byte;

	assert_non_null(r.signer);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	r.fd = fds[1];
	assert_int_equal(pthread_create(&thread, NULL, runner_run, &r), 0);
	assert_int_equal(send(fds[0], bytes.data, bytes.len, MSG_NOSIGNAL), (ssize_t)bytes.len);
	if (ends)
		assert_int_equal(shutdown(fds[0], SHUT_WR), 0);
	while (read(fds[0], &byte, 1) == 1)
		buf_char(ret_answer, byte);
	assert_int_equal(pthread_join(thread, NULL), 0);
	(void)close(fds[0]);
	(void)close(fds[1]);
	signer_close(r.signer);
	ledger_disk_close(&disk);
	return r.kind;
}

static void streams_that_break(void **state)
{
	struct scene *s = *state;
	static const char size[] = "\0\0\0\10SSQ1\2\0\0"; /* and a last zero */
	struct buf answer = BUF_INIT;

	assert_int_equal(run_of(s, (struct slice){0}, true, &answer), OK);
	assert_int_equal(answer.len, 0);
	assert_int_equal(run_of(s, (struct slice){size, 12}, true, &answer), OK);
	assert_int_equal(answer.len, 4 + 8 + 8);
	for (size_t len = 1; len < 12; len++) {
		buf_clear(&answer);
		assert_int_equal(run_of(s, (struct slice){size, len}, true, &answer), ERR_IO);
		assert_int_equal(answer.len, 0);
	}
	/* An empty frame is answered. */
	assert_int_equal(run_of(s, SLICE("\0\0\0\0"), true, &answer), OK);
	assert_int_equal(answer.data[4 + 5], ERR_PARSE);
	/* One byte too many is not waited for. */
	buf_clear(&answer);
	assert_int_equal(run_of(s, SLICE("\0\20\0\1"), false, &answer), ERR_LIMIT);
	assert_int_equal(answer.data[4 + 5], ERR_LIMIT);
	buf_clear(&answer);
	assert_int_equal(run_of(s, SLICE("\377\377\377\377"), false, &answer), ERR_LIMIT);
	assert_int_equal(answer.data[4 + 5], ERR_LIMIT);
	buf_fini(&answer);
}

static void the_largest_frame_goes_through(void **state)
{
	struct scene *s = *state;
	struct ledger_disk disk;
	struct runner r = {.signer = signer_make(s, &disk)};
	struct signer_socket *socket = NULL;
	struct signer_link l;
	struct buf frame = BUF_INIT, answer = BUF_INIT;
	struct err e;
	pthread_t thread;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	r.fd = fds[1];
	assert_int_equal(pthread_create(&thread, NULL, runner_run, &r), 0);
	assert_int_equal(signer_socket_new(fds[0], &socket, NULL), OK);
	l = signer_link_of_socket(socket);
	while (frame.len < SIGNER_FRAME_MAX)
		buf_char(&frame, 'x');
	assert_int_equal(l.call(l.context, buf_slice(&frame), &answer, &e), OK);
	assert_int_equal(answer.data[5], ERR_PARSE);
	buf_char(&frame, 'x');
	assert_int_equal(l.call(l.context, buf_slice(&frame), &answer, &e), ERR_LIMIT);
	/* That was not sent, so the next is answered. */
	frame.len--;
	assert_int_equal(l.call(l.context, buf_slice(&frame), &answer, &e), OK);
	signer_socket_free(socket);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(r.kind, OK);
	(void)close(fds[1]);
	signer_close(r.signer);
	ledger_disk_close(&disk);
	buf_fini(&frame);
	buf_fini(&answer);
}

/* The asking side against a peer that answers this. */
static void answers_that_break(void **state)
{
	static const struct {
		const char *why;
		const char *bytes;
		size_t len;
		enum err_kind kind;
	} cases[] = {
		{"nothing",           "",				      0,  ERR_IO   },
		{"half a length",     "\0\0",                                  2,  ERR_IO   },
		{"half a frame",      "\0\0\0\20SSA1",                         8,  ERR_IO   },
		{"too long a frame",  "\0\20\0\1",                             4,  ERR_LIMIT},
		{"no frame",          "\0\0\0\0",                              4,  ERR_PARSE},
		{"another operation", "\0\0\0\10SSA1\1\0\0\0",                 12, ERR_PARSE},
		{"a size",            "\0\0\0\20SSA1\2\0\0\0\0\0\0\0\0\0\0\5", 20, OK       },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct signer_socket *socket = NULL;
		struct signer_link l;
		uint64_t size = 0;
		enum err_kind kind;
		int fds[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		assert_int_equal(send(fds[1], cases[i].bytes, cases[i].len, MSG_NOSIGNAL),
			(ssize_t)cases[i].len);
		assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
		assert_int_equal(signer_socket_new(fds[0], &socket, NULL), OK);
		l = signer_link_of_socket(socket);
		kind = signer_signed_size(&l, &size, NULL);
		if (kind != cases[i].kind)
			fail_msg("%s: %s", cases[i].why, err_kind_name(kind));
		assert_int_equal(size, kind == OK ? 5 : 0);
		/* After a break nothing is asked any more. */
		(void)close(fds[1]);
		assert_int_equal(signer_signed_size(&l, &size, NULL), ERR_IO);
		assert_int_equal(signer_signed_size(&l, &size, NULL), ERR_IO);
		signer_socket_free(socket);
	}
	signer_socket_free(NULL);
	signer_close(NULL);
}

struct asker {
	struct signer_link link;
	unsigned good;
};

static void *asker_run(void *context)
{
	struct asker *a = context;

	for (unsigned i = 0; i < 500; i++) {
		struct signer_public public;

		a->good += signer_public_get(&a->link, &public, NULL) == OK;
	}
	return NULL;
}

static void threads_take_turns(void **state)
{
	struct scene *s = *state;
	struct ledger_disk disk;
	struct runner r = {.signer = signer_make(s, &disk)};
	struct signer_socket *socket = NULL;
	struct asker askers[4];
	pthread_t thread, threads[COUNT_OF(askers)];
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	r.fd = fds[1];
	assert_int_equal(pthread_create(&thread, NULL, runner_run, &r), 0);
	assert_int_equal(signer_socket_new(fds[0], &socket, NULL), OK);
	for (size_t i = 0; i < COUNT_OF(askers); i++) {
		/* Half of them over the socket, half straight. */
		askers[i].link =
			i % 2 == 0 ? signer_link_of_socket(socket) : signer_link_of(r.signer);
		askers[i].good = 0;
		assert_int_equal(pthread_create(&threads[i], NULL, asker_run, &askers[i]), 0);
	}
	for (size_t i = 0; i < COUNT_OF(askers); i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(askers[i].good, 500);
	}
	signer_socket_free(socket);
	assert_int_equal(pthread_join(thread, NULL), 0);
	(void)close(fds[1]);
	signer_close(r.signer);
	ledger_disk_close(&disk);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
	const struct CMUnitTest tests[] = {
		CASE(streams_that_break),
		CASE(the_largest_frame_goes_through),
		CASE(answers_that_break),
		CASE(threads_take_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
