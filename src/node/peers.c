/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One thread per member that has an address, which asks it whenever something may be new, and one
 * that puts new objects of ours into the log. All sleep on one condition.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "parts.h"

struct peer {
	struct peers *all;
	pthread_t thread;
	char member[COALITION_NAME_MAX + 1];
	char address[512];
	uint8_t pin[SHA256_LEN];
	struct way *way;
	bool stop, ended;
	bool called; /* it asked us: it can be reached again */
	bool reached;
	uint64_t begun, done; /* rounds */
	unsigned backoff;     /* seconds; 0: the last round went well */
	struct peer *next;
};

struct peers {
	struct seat *seat;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t publisher;
	struct peer *first;
	const struct charter *charter; /* that the list was made for */
	uint64_t news;
	uint64_t asked; /* grows when somebody wants a round at once */
	char trouble[ERR_TEXT_MAX];
	bool stop;
};

static struct timespec after_ms(int64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

/* ---- one member --------------------------------------------------------------------------------
 */

/* One whole round, without the lock. */
static enum err_kind round_run(struct peer *p, struct err *e)
{
	struct coalition_way way = way_of(p->way);
	struct seat *s = p->all->seat;
	bool more = true;
	enum err_kind kind = OK;

	while (kind == OK && more && !__atomic_load_n(&p->all->stop, __ATOMIC_RELAXED)) {
		kind = coalition_step(s->coalition, slice_of(p->member), &way, &more, e);
		peers_wake(s, (struct slice){0});
	}
	return kind;
}

static void outcome_take(struct peer *p, enum err_kind kind)
{
	if (kind == OK) {
		p->backoff = 0;
	} else {
		p->backoff = p->backoff == 0 ? 1 : p->backoff * 2;
		if (p->backoff > PEERS_BACKOFF_MAX)
			p->backoff = PEERS_BACKOFF_MAX;
	}
	p->reached = kind == OK;
}

/* Under the lock: until there is a reason for the next round. */
static void peer_wait(struct peer *p, uint64_t news, uint64_t asked)
{
	struct peers *all = p->all;
	unsigned seconds = p->backoff != 0 ? p->backoff : all->seat->node->config.poll_seconds;
	struct timespec until = after_ms((int64_t)seconds * 1000);

	while (!all->stop && !p->stop) {
		if (all->asked != asked || p->called || (p->backoff == 0 && all->news != news))
			break;
		if (pthread_cond_timedwait(&all->changed, &all->lock, &until) == ETIMEDOUT)
			break;
	}
	p->called = false;
}

static void *peer_run(void *context)
{
	struct peer *p = context;
	struct peers *all = p->all;

	pthread_mutex_lock(&all->lock);
	while (!all->stop && !p->stop) {
		uint64_t news = all->news, asked = all->asked;
		struct err e = {0};
		enum err_kind kind;

		p->begun = asked;
		pthread_mutex_unlock(&all->lock);
		kind = round_run(p, &e);
		pthread_mutex_lock(&all->lock);
		outcome_take(p, kind);
		p->done = p->begun;
		pthread_cond_broadcast(&all->changed);
		peer_wait(p, news, asked);
	}
	p->ended = true;
	pthread_cond_broadcast(&all->changed);
	pthread_mutex_unlock(&all->lock);
	return NULL;
}

/* ---- who there is ------------------------------------------------------------------------------
 */

static bool peer_fits(const struct peer *p, const struct charter_member *m)
{
	return strcmp(p->member, m->name) == 0 && slice_is(m->address, p->address) &&
	       memcmp(p->pin, m->pin, SHA256_LEN) == 0;
}

/* Under the lock. */
static void peer_add(struct peers *all, const struct charter_member *m)
{
	struct peer *p = calloc(1, sizeof(*p));
	struct err e = {0};

	if (p == NULL)
		return;
	p->all = all;
	memcpy(p->member, m->name, sizeof(p->member));
	memcpy(p->pin, m->pin, SHA256_LEN);
	if (m->address.len < sizeof(p->address))
		memcpy(p->address, m->address.data, m->address.len);
	if (way_open(all->seat, m, &p->way, &e) != OK ||
		pthread_create(&p->thread, NULL, peer_run, p) != 0) {
		log_line(all->seat->log, LOG_ERROR, "peer", "member", p->member, "error", e.text,
			NULL);
		way_free(p->way);
		free(p);
		return;
	}
	p->next = all->first;
	all->first = p;
}

/* Under the lock: threads of those who left, or moved, end; new ones begin. */
static void peers_fit(struct peers *all, const struct charter *charter)
{
	const char *self = all->seat->node->config.member;

	for (struct peer *p = all->first; p != NULL; p = p->next) {
		const struct charter_member *m = charter_member_find(charter, slice_of(p->member));

		if (m == NULL || !peer_fits(p, m))
			p->stop = true;
	}
	for (size_t i = 0; i < charter->members_count; i++) {
		const struct charter_member *m = &charter->members[i];
		bool there = strcmp(m->name, self) == 0 || m->address.len == 0;

		for (const struct peer *p = all->first; p != NULL && !there; p = p->next)
			there = !p->stop && peer_fits(p, m);
		if (!there)
			peer_add(all, m);
	}
	all->charter = charter;
	pthread_cond_broadcast(&all->changed);
}

/* ---- publishing --------------------------------------------------------------------------------
 */

/* The same trouble is told once. */
static void trouble_tell(struct peers *all, enum err_kind kind, const struct err *e)
{
	const char *text = kind == OK ? "" : e->text;

	if (strcmp(text, all->trouble) == 0)
		return;
	snprintf(all->trouble, sizeof(all->trouble), "%s", text);
	if (kind != OK)
		log_line(all->seat->log, kind == ERR_DENIED ? LOG_INFO : LOG_WARN, "publish", "why",
			text, NULL);
}

static void *publisher_run(void *context)
{
	struct peers *all = context;
	struct seat *s = all->seat;

	pthread_mutex_lock(&all->lock);
	while (!all->stop) {
		const struct charter *charter;
		struct timespec until = after_ms(PEERS_PUBLISH_MS);
		uint64_t logged;
		bool more = true;
		struct err e = {0};
		enum err_kind kind = OK;

		pthread_mutex_unlock(&all->lock);
		charter = coalition_charter(s->coalition);
		while (charter != NULL && kind == OK && more &&
			!__atomic_load_n(&all->stop, __ATOMIC_RELAXED)) {
			kind = coalition_publish(s->coalition, &logged, &more, &e);
			peers_wake(s, (struct slice){0});
		}
		pthread_mutex_lock(&all->lock);
		trouble_tell(all, kind, &e);
		if (charter != NULL && charter != all->charter && !all->stop)
			peers_fit(all, charter);
		while (!all->stop && pthread_cond_timedwait(&all->changed, &all->lock, &until) !=
					     ETIMEDOUT)
			;
	}
	pthread_mutex_unlock(&all->lock);
	return NULL;
}

/* ---- from outside ------------------------------------------------------------------------------
 */

void peers_wake(struct seat *s, struct slice from)
{
	struct peers *all = s->peers;
	uint64_t news;

	if (all == NULL)
		return;
	news = coalition_news(s->coalition);
	pthread_mutex_lock(&all->lock);
	for (struct peer *p = all->first; p != NULL && from.len > 0; p = p->next) {
		if (p->backoff != 0 && slice_is(from, p->member)) {
			p->called = true;
			pthread_cond_broadcast(&all->changed);
		}
	}
	if (news != all->news) {
		all->news = news;
		pthread_cond_broadcast(&all->changed);
	}
	pthread_mutex_unlock(&all->lock);
}

enum err_kind peers_start(struct seat *s, struct err *e)
{
	struct peers *all = calloc(1, sizeof(*all));
	pthread_condattr_t monotonic;

	if (all == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	all->seat = s;
	pthread_mutex_init(&all->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&all->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	s->peers = all;
	if (pthread_create(&all->publisher, NULL, publisher_run, all) != 0) {
		s->peers = NULL;
		pthread_cond_destroy(&all->changed);
		pthread_mutex_destroy(&all->lock);
		free(all);
		return err_set(e, ERR_NOMEM, "could not start a thread");
	}
	return OK;
}

void peers_quit(struct seat *s)
{
	struct peers *all = s->peers;

	if (all == NULL)
		return;
	pthread_mutex_lock(&all->lock);
	__atomic_store_n(&all->stop, true, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&all->changed);
	pthread_mutex_unlock(&all->lock);
}

bool peers_quiet(struct seat *s, unsigned seconds)
{
	struct timespec until = after_ms((int64_t)seconds * 1000);
	struct peers *all = s->peers;
	bool quiet = false, late = false;

	if (all == NULL)
		return true;
	pthread_mutex_lock(&all->lock);
	while (!quiet && !late) {
		quiet = true;
		for (const struct peer *p = all->first; p != NULL; p = p->next)
			quiet = quiet && p->ended;
		if (!quiet)
			late = pthread_cond_timedwait(&all->changed, &all->lock, &until) ==
			       ETIMEDOUT;
	}
	pthread_mutex_unlock(&all->lock);
	return quiet;
}

void peers_stop(struct seat *s)
{
	struct peers *all = s->peers;

	if (all == NULL)
		return;
	peers_quit(s);
	pthread_join(all->publisher, NULL);
	while (all->first != NULL) {
		struct peer *p = all->first;

		pthread_join(p->thread, NULL);
		all->first = p->next;
		way_free(p->way);
		free(p);
	}
	s->peers = NULL;
	pthread_cond_destroy(&all->changed);
	pthread_mutex_destroy(&all->lock);
	free(all);
}

/* Without threads: one round with each, one after another. */
static enum err_kind sync_here(struct seat *s, struct err *e)
{
	const struct charter *charter = coalition_charter(s->coalition);
	enum err_kind kind = OK;

	for (size_t i = 0; charter != NULL && i < charter->members_count && kind == OK; i++) {
		const struct charter_member *m = &charter->members[i];
		struct peer p = {0};
		struct peers all = {.seat = s};
		struct err why;

		if (strcmp(m->name, s->node->config.member) == 0 || m->address.len == 0)
			continue;
		p.all = &all;
		memcpy(p.member, m->name, sizeof(p.member));
		kind = way_open(s, m, &p.way, e);
		if (kind == OK && round_run(&p, &why) != OK)
			log_line(s->log, LOG_WARN, "sync", "member", p.member, "error", why.text,
				NULL);
		way_free(p.way);
	}
	return kind;
}

static bool all_done(const struct peers *all, uint64_t asked)
{
	for (const struct peer *p = all->first; p != NULL; p = p->next) {
		if (!p->stop && p->done < asked)
			return false;
	}
	return true;
}

enum err_kind peers_sync(struct seat *s, struct err *e)
{
	struct peers *all = s->peers;
	struct timespec until = after_ms(PEERS_SYNC_SECONDS * 1000);
	enum err_kind kind = OK;
	uint64_t asked;

	if (all == NULL)
		return sync_here(s, e);
	pthread_mutex_lock(&all->lock);
	if (coalition_charter(s->coalition) != NULL &&
		coalition_charter(s->coalition) != all->charter)
		peers_fit(all, coalition_charter(s->coalition));
	asked = ++all->asked;
	pthread_cond_broadcast(&all->changed);
	while (!all->stop && !all_done(all, asked)) {
		if (pthread_cond_timedwait(&all->changed, &all->lock, &until) == ETIMEDOUT) {
			kind = err_set(e, ERR_BUSY, "not all members have answered in %d seconds",
				PEERS_SYNC_SECONDS);
			break;
		}
	}
	pthread_mutex_unlock(&all->lock);
	return kind;
}
