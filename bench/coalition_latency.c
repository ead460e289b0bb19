/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How long a decision takes: N members in one process, logs on real files, every request of one to
 * another delayed as over a slow link, each member with one thread for each other as a node has.
 * coalition_latency FOLDER MEMBERS LINK_MS DECISIONS
 */
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "founding.h"

#define POLL_US (1 * US_PER_SECOND) /* as a node's poll_seconds */
#define NAP_US  2000

struct side {
	struct member m;
	_Atomic uint64_t sequence; /* of the decision in force */
	_Atomic int64_t entered_us[1024];
};

static struct side sides[FOUNDING_MEMBERS_MAX];
static unsigned members;
static int64_t link_us;
static atomic_bool ended;

static int64_t now_us(void)
{
	return world_monotonic(world_real());
}

static void nap(int64_t us)
{
	const struct timespec t = {us / US_PER_SECOND, (long)(us % US_PER_SECOND) * 1000};

	nanosleep(&t, NULL);
}

static enum err_kind in_force(void *context, const struct charter *charter,
	const struct decision *decision, struct err *e)
{
	struct side *s = context;

	(void)charter;
	(void)e;
	s->entered_us[decision->sequence] = now_us();
	s->sequence = decision->sequence;
	return OK;
}

/* ---- members --------------------------------------------------------------------------------- */

struct route {
	struct side *from, *to;
};

static enum err_kind route_call(void *context, enum coalition_ask ask, struct slice request,
	struct buf *ret_answer, struct err *e)
{
	const struct route *r = context;
	enum err_kind kind;

	nap(link_us);
	kind = coalition_answer(
		r->to->m.coalition, slice_of(r->from->m.name), ask, request, ret_answer, e);
	nap(link_us);
	return kind;
}

static void *peer_thread(void *context)
{
	struct route *r = context;
	const struct coalition_way way = {route_call, r};

	while (!ended) {
		uint64_t news = coalition_news(r->from->m.coalition);
		int64_t until = now_us() + POLL_US;
		bool more = true;
		struct err e;

		while (more && !ended) {
			if (coalition_step(r->from->m.coalition, slice_of(r->to->m.name), &way,
				    &more, &e) != OK)
				break;
		}
		while (!ended && now_us() < until && coalition_news(r->from->m.coalition) == news)
			nap(NAP_US);
	}
	return NULL;
}

static void *publisher_thread(void *context)
{
	struct side *s = context;

	while (!ended) {
		uint64_t logged;
		bool more;
		struct err e;

		(void)!coalition_publish(s->m.coalition, &logged, &more, &e);
		nap(10 * NAP_US);
	}
	return NULL;
}

/* ---- measuring ------------------------------------------------------------------------------- */

static void decide(struct side *s, uint64_t sequence, const uint8_t previous[SHA256_LEN],
	uint8_t ret_digest[SHA256_LEN])
{
	struct decision d = {
		.kind = SLICE("policy"), .sequence = sequence, .content = SLICE("{}\n")};
	struct buf text = BUF_INIT, lines = BUF_INIT, note = BUF_INIT;
	struct err e;

	memcpy(d.previous, previous, SHA256_LEN);
	decision_write(&d, &text);
	hash_sha256(buf_slice(&text), ret_digest);
	for (size_t i = 0; i < members; i++)
		note_sign(&sides[i].m.root, buf_slice(&text), &lines);
	note_write(buf_slice(&text), buf_slice(&lines), &note);
	if (coalition_decision_publish(s->m.coalition, buf_slice(&note), &e) != OK)
		founding_fail("decision", &e);
	buf_fini(&text);
	buf_fini(&lines);
	buf_fini(&note);
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void tell(const char *what, int64_t *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_value);
	printf("%-44s median %5.0f ms, p99 %5.0f ms, most %5.0f ms\n", what,
		(double)values[count / 2] / 1e3, (double)values[(count * 99 + 99) / 100 - 1] / 1e3,
		(double)values[count - 1] / 1e3);
}

static bool all_ready(void)
{
	for (unsigned i = 0; i < members; i++) {
		struct arena *a = arena_new(MIB(4));
		struct coalition_status status;
		struct err e;
		bool waiting = coalition_status(sides[i].m.coalition, a, &status, &e) != OK ||
			       status.waiting;

		arena_free(a);
		if (waiting)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	static pthread_t threads[FOUNDING_MEMBERS_MAX * FOUNDING_MEMBERS_MAX];
	static struct route routes[FOUNDING_MEMBERS_MAX * FOUNDING_MEMBERS_MAX];
	static int64_t at_author[1024], at_all[1024];
	struct member *list[FOUNDING_MEMBERS_MAX];
	uint8_t digest[SHA256_LEN] = {0};
	size_t threads_count = 0, decisions = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;

	members = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
	link_us = argc > 3 ? atoi(argv[3]) * 1000 : 0;
	if (members < 2 || members > FOUNDING_MEMBERS_MAX || decisions == 0 || decisions >= 1024 ||
		sodium_init() < 0) {
		fprintf(stderr, "usage: %s FOLDER MEMBERS LINK_MS DECISIONS\n", argv[0]);
		return 2;
	}
	for (unsigned i = 0; i < members; i++) {
		struct member *m = &sides[i].m;

		snprintf(m->name, sizeof(m->name), "m%02u", i);
		m->sink = sink_none(&sides[i]);
		m->sink.in_force = in_force;
		founding_open(m, argv[1]);
		list[i] = m;
	}
	founding_charter(list, members);
	for (unsigned i = 0; i < members; i++) {
		for (unsigned k = 0; k < members; k++) {
			struct route *r = &routes[threads_count];

			*r = (struct route){&sides[i], &sides[k]};
			if (i == k)
				pthread_create(&threads[threads_count++], NULL, publisher_thread,
					&sides[i]);
			else
				pthread_create(&threads[threads_count++], NULL, peer_thread, r);
		}
	}
	while (!all_ready())
		nap(10 * NAP_US);
	for (size_t n = 1; n <= decisions; n++) {
		struct side *author = &sides[n % members];
		int64_t begin = now_us();
		bool everywhere = false;

		decide(author, n, digest, digest);
		while (!everywhere) {
			everywhere = true;
			for (unsigned i = 0; i < members; i++)
				everywhere = everywhere && sides[i].sequence >= n;
			nap(NAP_US);
		}
		at_author[n - 1] = author->entered_us[n] - begin;
		for (unsigned i = 0; i < members; i++) {
			int64_t took = sides[i].entered_us[n] - begin;

			if (took > at_all[n - 1])
				at_all[n - 1] = took;
		}
	}
	ended = true;
	for (size_t i = 0; i < threads_count; i++)
		pthread_join(threads[i], NULL);
	printf("%u members, %lld ms each way, %zu decisions\n", members,
		(long long)(link_us / 1000), decisions);
	tell("cosigned by a quorum, in force at its author", at_author, decisions);
	tell("in force at every member", at_all, decisions);
	for (unsigned i = 0; i < members; i++)
		founding_close(&sides[i].m);
	return 0;
}
