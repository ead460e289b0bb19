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

#include "coalition/coalition.h"

#define MEMBERS_MAX 30
#define POLL_US     (1 * US_PER_SECOND) /* as a node's poll_seconds */
#define NAP_US      2000

struct side {
	unsigned number;
	char name[8];
	struct coalition_sink sink;
	struct ledger_disk disk, keys_disk;
	struct note_secret root;
	struct signer_secrets secrets;
	struct signer *signer;
	struct signer_link link;
	struct coalition *coalition;
	_Atomic uint64_t sequence; /* of the decision in force */
	_Atomic int64_t entered_us[1024];
};

static struct side sides[MEMBERS_MAX];
static unsigned members;
static int64_t link_us;
static atomic_bool ended;

static void fail(const char *what, const struct err *e)
{
	fprintf(stderr, "%s: %s\n", what, e->text);
	exit(1);
}

static int64_t now_us(void)
{
	return world_monotonic(world_real());
}

static void nap(int64_t us)
{
	const struct timespec t = {us / US_PER_SECOND, (long)(us % US_PER_SECOND) * 1000};

	nanosleep(&t, NULL);
}

/* ---- a sink without objects
 * ---------------------------------------------------------------------- */

static enum err_kind own_none(void *context, uint64_t after, size_t max, struct arena *a,
	struct coalition_own **ret_own, size_t *ret_count, struct err *e)
{
	(void)context;
	(void)after;
	(void)max;
	(void)a;
	(void)e;
	*ret_own = NULL;
	*ret_count = 0;
	return OK;
}

static enum err_kind accept_none(void *context, struct slice origin, const uint64_t *indices,
	const struct slice *contents, size_t count, uint64_t *ret_serials, struct err *e)
{
	(void)context;
	(void)origin;
	(void)indices;
	(void)contents;
	(void)e;
	memset(ret_serials, 0, count * sizeof(*ret_serials));
	return OK;
}

static enum err_kind accepted_none(void *context, struct slice origin, struct arena *a,
	uint64_t **ret_indices, uint64_t **ret_serials, size_t *ret_count, struct err *e)
{
	(void)context;
	(void)origin;
	(void)a;
	(void)e;
	*ret_indices = *ret_serials = NULL;
	*ret_count = 0;
	return OK;
}

static enum err_kind content_none(
	void *context, uint64_t serial, struct buf *out, bool *ret_found, struct err *e)
{
	(void)context;
	(void)serial;
	(void)out;
	(void)e;
	*ret_found = false;
	return OK;
}

static enum err_kind may_none(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, bool *ret_may, struct err *e)
{
	(void)context;
	(void)member;
	(void)origin;
	(void)serials;
	(void)e;
	memset(ret_may, 0, count * sizeof(*ret_may));
	return OK;
}

static enum err_kind released_none(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, struct err *e)
{
	(void)context;
	(void)member;
	(void)origin;
	(void)serials;
	(void)count;
	(void)e;
	return OK;
}

static enum err_kind forget_none(void *context, uint64_t serial, struct err *e)
{
	(void)context;
	(void)serial;
	(void)e;
	return OK;
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

static uint64_t epoch(void *context)
{
	(void)context;
	return 1;
}

/* ---- members
 * ---------------------------------------------------------------------------------------- */

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
		r->to->coalition, slice_of(r->from->name), ask, request, ret_answer, e);
	nap(link_us);
	return kind;
}

static void *peer_thread(void *context)
{
	struct route *r = context;
	const struct coalition_way way = {route_call, r};

	while (!ended) {
		uint64_t news = coalition_news(r->from->coalition);
		int64_t until = now_us() + POLL_US;
		bool more = true;
		struct err e;

		while (more && !ended) {
			if (coalition_step(r->from->coalition, slice_of(r->to->name), &way, &more,
				    &e) != OK)
				break;
		}
		while (!ended && now_us() < until && coalition_news(r->from->coalition) == news)
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

		(void)!coalition_publish(s->coalition, &logged, &more, &e);
		nap(10 * NAP_US);
	}
	return NULL;
}

static void side_open(struct side *s, const char *folder)
{
	static struct log log;
	char path[512], name[NOTE_NAME_MAX];
	struct err e;

	log = (struct log){world_real(), NULL, LOG_ERROR};
	snprintf(s->name, sizeof(s->name), "m%02u", s->number);
	snprintf(name, sizeof(name), "%s/root", s->name);
	if (note_secret_new(world_real(), slice_of(name), NOTE_ED25519, &s->root, &e) != OK ||
		signer_secrets_new(world_real(), slice_of(s->name), &s->secrets, &e) != OK)
		fail("keys", &e);
	for (unsigned i = 0; i < 2; i++) {
		struct ledger_disk *disk = i == 0 ? &s->disk : &s->keys_disk;

		snprintf(path, sizeof(path), "%s/%s%s", folder, s->name, i == 0 ? "" : "-keys");
		if (folder_make(path, 0700, &e) != OK ||
			ledger_disk_open(path, false, disk, &e) != OK)
			fail("disk", &e);
	}
	if (signer_open(&(struct signer_options){&s->secrets, &s->keys_disk, world_real(), 1},
		    &s->signer, &e) != OK)
		fail("signer", &e);
	s->link = signer_link_of(s->signer);
	s->sink = (struct coalition_sink){own_none, accept_none, accepted_none, content_none,
		may_none, released_none, forget_none, in_force, epoch, s};
	if (coalition_open(&(struct coalition_options){&s->disk, "c", slice_of(s->name),
				   world_real(), &s->link, &s->sink, &log},
		    &s->coalition, &e) != OK)
		fail("coalition", &e);
}

static void charter_take_all(void)
{
	struct charter_member list[MEMBERS_MAX] = {0};
	struct charter c = {.name = SLICE("bench"),
		.version = 1,
		.expires_us = world_now(world_real()) + 86400 * US_PER_SECOND,
		.threshold = members,
		.members = list,
		.members_count = members};
	struct buf text = BUF_INIT, lines = BUF_INIT, note = BUF_INIT;
	struct err e;

	for (size_t i = 0; i < members; i++) {
		struct signer_public keys;

		signer_secrets_public(&sides[i].secrets, &keys);
		memcpy(list[i].name, sides[i].name, sizeof(sides[i].name));
		list[i].title = slice_of(sides[i].name);
		list[i].root = sides[i].root.key;
		list[i].log = keys.keys[SIGNER_LOG];
		list[i].witness = keys.keys[SIGNER_WITNESS];
		list[i].mirror = keys.keys[SIGNER_MIRROR];
		memcpy(list[i].box, keys.box, SIGNER_BOX_LEN);
		hash_sha256(slice_of(sides[i].name), list[i].pin);
	}
	charter_write(&c, &text);
	for (size_t i = 0; i < members; i++)
		note_sign(&sides[i].root, buf_slice(&text), &lines);
	note_write(buf_slice(&text), buf_slice(&lines), &note);
	for (size_t i = 0; i < members; i++) {
		if (coalition_charter_take(sides[i].coalition, buf_slice(&note), &e) != OK)
			fail("charter", &e);
	}
	buf_fini(&text);
	buf_fini(&lines);
	buf_fini(&note);
}

/* ---- measuring
 * --------------------------------------------------------------------------------------- */

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
		note_sign(&sides[i].root, buf_slice(&text), &lines);
	note_write(buf_slice(&text), buf_slice(&lines), &note);
	if (coalition_decision_publish(s->coalition, buf_slice(&note), &e) != OK)
		fail("decision", &e);
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
		bool waiting = coalition_status(sides[i].coalition, a, &status, &e) != OK ||
			       status.waiting;

		arena_free(a);
		if (waiting)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	static pthread_t threads[MEMBERS_MAX * MEMBERS_MAX];
	static struct route routes[MEMBERS_MAX * MEMBERS_MAX];
	static int64_t at_author[1024], at_all[1024];
	uint8_t digest[SHA256_LEN] = {0};
	size_t threads_count = 0, decisions = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;

	members = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
	link_us = argc > 3 ? atoi(argv[3]) * 1000 : 0;
	if (members < 2 || members > MEMBERS_MAX || decisions == 0 || decisions >= 1024 ||
		sodium_init() < 0) {
		fprintf(stderr, "usage: %s FOLDER MEMBERS LINK_MS DECISIONS\n", argv[0]);
		return 2;
	}
	for (unsigned i = 0; i < members; i++) {
		sides[i].number = i;
		side_open(&sides[i], argv[1]);
	}
	charter_take_all();
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
	for (unsigned i = 0; i < members; i++) {
		coalition_close(sides[i].coalition);
		signer_close(sides[i].signer);
		ledger_disk_close(&sides[i].disk);
		ledger_disk_close(&sides[i].keys_disk);
	}
	return 0;
}
