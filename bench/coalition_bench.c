/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Two members in one process, logs on real files: what publishing, catching up and saying "nothing
 * new" cost without store and network. coalition_bench FOLDER COUNT: COUNT entries of 600 bytes.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "founding.h"

#define CONTENT_BYTES 600
#define MEMBERS       2

struct side {
	struct member m;
	uint64_t count;    /* own objects */
	uint64_t accepted; /* of the other */
	uint64_t bytes_in, bytes_out, requests;
	struct side *other;
};

static size_t content_write(uint64_t serial, char to[CONTENT_BYTES])
{
	size_t len = (size_t)snprintf(to, CONTENT_BYTES,
		"{\"type\":\"x\",\"serial\":%llu,\"pad\":\"", (unsigned long long)serial);

	memset(to + len, 'p', CONTENT_BYTES - len - 2);
	memcpy(to + CONTENT_BYTES - 2, "\"}", 2);
	return CONTENT_BYTES;
}

static enum err_kind own_after(void *context, uint64_t after, size_t max, struct arena *a,
	struct coalition_own **ret_own, size_t *ret_count, struct err *e)
{
	struct side *s = context;
	struct coalition_own *own = ARENA_ARRAY(a, struct coalition_own, max);
	size_t count = 0;

	for (uint64_t i = after + 1; own != NULL && i <= s->count && count < max; i++) {
		char *content = arena_alloc(a, CONTENT_BYTES);

		if (content == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		own[count++] = (struct coalition_own){
			i, {content, content_write(i, content)},
                         true
                };
	}
	*ret_own = own;
	*ret_count = count;
	return own == NULL ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

static enum err_kind accept_all(void *context, struct slice origin, const uint64_t *indices,
	const struct slice *contents, size_t count, uint64_t *ret_serials, struct err *e)
{
	struct side *s = context;

	(void)origin;
	(void)indices;
	(void)contents;
	(void)e;
	for (size_t i = 0; i < count; i++)
		ret_serials[i] = ++s->accepted;
	return OK;
}

static enum err_kind content_get(
	void *context, uint64_t serial, struct buf *out, bool *ret_found, struct err *e)
{
	char content[CONTENT_BYTES];

	(void)context;
	(void)e;
	buf_append(out, content, content_write(serial, content));
	*ret_found = true;
	return OK;
}

static enum err_kind may_all(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, bool *ret_may, struct err *e)
{
	(void)context;
	(void)member;
	(void)origin;
	(void)serials;
	(void)e;
	for (size_t i = 0; i < count; i++)
		ret_may[i] = true;
	return OK;
}

static enum err_kind way_call(void *context, enum coalition_ask ask, struct slice request,
	struct buf *ret_answer, struct err *e)
{
	struct side *s = context;
	enum err_kind kind = coalition_answer(
		s->other->m.coalition, slice_of(s->m.name), ask, request, ret_answer, e);

	s->requests++;
	s->bytes_out += request.len;
	s->bytes_in += ret_answer->len;
	return kind;
}

static double cpu_now(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
	       ((double)u.ru_utime.tv_usec + (double)u.ru_stime.tv_usec) / 1e6;
}

static double wall_now(void)
{
	return (double)world_monotonic(world_real()) / 1e6;
}

/* Rounds until there is nothing more to ask. */
static void meet(struct side *s)
{
	const struct coalition_way way = {way_call, s};
	bool more = true;
	struct err e;

	while (more) {
		if (coalition_step(s->m.coalition, slice_of(s->other->m.name), &way, &more, &e) !=
			OK)
			founding_fail("step", &e);
	}
}

static void publish(struct side *s)
{
	bool more = true;
	uint64_t logged;
	struct err e;

	while (more) {
		if (coalition_publish(s->m.coalition, &logged, &more, &e) != OK)
			founding_fail("publish", &e);
	}
}

static void tell(const char *what, uint64_t count, double cpu, double wall)
{
	printf("%-28s %9llu in %7.2f s (%6.2f s CPU): %9.0f a second\n", what,
		(unsigned long long)count, wall, cpu, (double)count / wall);
}

int main(int argc, char **argv)
{
	static struct side sides[MEMBERS] = {{.m.name = "a"}, {.m.name = "b"}};
	struct member *const members[MEMBERS] = {&sides[0].m, &sides[1].m};
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	double cpu, wall;

	if (count == 0 || sodium_init() < 0) {
		fprintf(stderr, "usage: %s FOLDER COUNT\n", argv[0]);
		return 2;
	}
	for (size_t i = 0; i < MEMBERS; i++) {
		sides[i].other = &sides[1 - i];
		sides[i].m.sink = sink_none(&sides[i]);
		sides[i].m.sink.own_after = own_after;
		sides[i].m.sink.accept = accept_all;
		sides[i].m.sink.content = content_get;
		sides[i].m.sink.may = may_all;
		founding_open(&sides[i].m, argv[1]);
	}
	founding_charter(members, MEMBERS);
	meet(&sides[0]);
	meet(&sides[1]);

	sides[0].count = count;
	cpu = cpu_now(), wall = wall_now();
	publish(&sides[0]);
	tell("published, synced, signed", count, cpu_now() - cpu, wall_now() - wall);

	cpu = cpu_now(), wall = wall_now();
	meet(&sides[1]);
	tell("caught up and opened", sides[1].accepted, cpu_now() - cpu, wall_now() - wall);
	printf("%-28s %9llu requests, %llu bytes\n", "  in", (unsigned long long)sides[1].requests,
		(unsigned long long)(sides[1].bytes_in + sides[1].bytes_out));

	meet(&sides[0]);
	meet(&sides[1]);
	sides[1].bytes_in = sides[1].bytes_out = sides[1].requests = 0;
	cpu = cpu_now(), wall = wall_now();
	meet(&sides[1]);
	printf("%-28s %9llu bytes, %llu requests, %.2f ms\n", "nothing new",
		(unsigned long long)(sides[1].bytes_in + sides[1].bytes_out),
		(unsigned long long)sides[1].requests, (wall_now() - wall) * 1e3);
	for (size_t i = 0; i < MEMBERS; i++)
		founding_close(&sides[i].m);
	return sides[1].accepted == count ? 0 : 1;
}
