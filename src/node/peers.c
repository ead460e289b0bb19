/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One thread per member that has an address, which asks it whenever something may be new, and one
 * that puts new objects of ours into the log. Between two rounds a member's thread hears its stream
 * of events; while there is none it asks every poll_seconds, and whenever anything is new here.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "parts.h"

#define SHOWN_ARENA_MAX MIB(1) /* EVENTS_ROWS_MAX names and numbers */

/* More than we have, as a member told it. */
struct claim {
	bool any;
	uint64_t size, quorum;
};

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

	/* What follows is its own thread's. */
	struct http_ear *ear;    /* the way's */
	int64_t listen_us;       /* not before this time is its stream opened again */
	unsigned listen_backoff; /* seconds */
	uint64_t epoch;          /* that its stream told last */
	int64_t claim_us;        /* when to ask for what it told; 0: nothing that we do not have */
	unsigned claim_pause_ms; /* after a round that did not bring it */
	struct claim claims[EVENTS_ROWS_MAX + 1]; /* the last: of logs that are unknown here */
	struct err heard;                         /* an event that was none */
};

struct peers {
	struct seat *seat;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t publisher;
	pthread_mutex_t
		telling; /* what there is is looked at and told in one order; before `lock` */
	struct peer *first;
	const struct charter *charter; /* that the list was made for */
	uint64_t news;
	uint64_t grown; /* how often our own log has grown */
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

/* ---- one member ------------------------------------------------------------------------------ */

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

/* Under the lock. */
static void all_wake(struct peers *all)
{
	pthread_cond_broadcast(&all->changed);
	for (struct peer *p = all->first; p != NULL; p = p->next)
		http_ear_wake(p->ear);
}

/* ---- what it tells by itself ----------------------------------------------------------------- */

static int64_t now_of(const struct peer *p)
{
	return world_monotonic(p->all->seat->world);
}

static void claim_at(struct peer *p, int64_t at_us)
{
	if (p->claim_us == 0 || at_us < p->claim_us)
		p->claim_us = at_us;
}

static bool is_of(struct slice origin, const char *member)
{
	return slice_equal(slice_cut(origin, 0, slice_find(origin, '/', 0)), slice_of(member));
}

/* One log that changed there. */
static void row_hear(void *context, const struct coalition_shown *row)
{
	struct peer *p = context;
	struct seat *s = p->all->seat;
	int64_t now = now_of(p) + p->claim_pause_ms * INT64_C(1000);
	size_t at = events_row(s->events, row->origin);

	if (is_of(row->origin, s->node->config.member)) {
		claim_at(p, now); /* it holds more of ours: it may cosign now */
		if (events_hold(s->events, at, row->size, row->quorum))
			return;
	}
	if (at < EVENTS_ROWS_MAX && events_hold(s->events, at, row->size, row->quorum))
		return;
	p->claims[at] = (struct claim){true, row->size, row->quorum};
	claim_at(p, is_of(row->origin, p->member) || at == EVENTS_ROWS_MAX
			    ? now
			    : now + PEERS_RELAY_MS * INT64_C(1000));
}

static void event_hear(void *context, const struct http_event *event)
{
	struct peer *p = context;
	uint64_t epoch = 0;

	if (!slice_is(event->type, "heads"))
		return; /* of a later version */
	if (events_read(event->data, &epoch, row_hear, p, &p->heard) == OK && epoch != p->epoch)
		claim_at(p, now_of(p));
	p->epoch = epoch;
}

/* Is anything left of what it told that we do not have? */
static bool claims_look(struct peer *p)
{
	bool any = false;

	for (size_t i = 0; i < COUNT_OF(p->claims); i++) {
		struct claim *c = &p->claims[i];

		if (c->any && i < EVENTS_ROWS_MAX)
			c->any = !events_hold(p->all->seat->events, i, c->size, c->quorum);
		any = any || c->any;
	}
	return any;
}

/* After a round: who tells of what it does not give is asked again more and more slowly, and at
 * last not before its next event. */
static void claims_settle(struct peer *p)
{
	bool claimed = p->claim_us != 0 && p->claim_us <= now_of(p);

	p->claims[EVENTS_ROWS_MAX].any = false;
	if (!claims_look(p)) {
		p->claim_us = 0;
		p->claim_pause_ms = 0;
		return;
	}
	if (!claimed)
		return;
	p->claim_pause_ms = p->claim_pause_ms == 0 ? PEERS_CLAIM_MS : p->claim_pause_ms * 2;
	p->claim_us = now_of(p) + p->claim_pause_ms * INT64_C(1000);
	if (p->claim_pause_ms > PEERS_CLAIM_MS_MAX) {
		p->claim_pause_ms = PEERS_CLAIM_MS_MAX;
		p->claim_us = 0;
		memset(p->claims, 0, sizeof(p->claims));
	}
}

/* Its stream: opened, heard for at most so long, and given up when it breaks. True: ask at once. */
static bool ear_step(struct peer *p, unsigned wait_ms)
{
	bool was_live = http_ear_is_live(p->ear);
	struct err e = {0};
	enum err_kind kind = OK;

	if (!http_ear_is_open(p->ear) && p->reached && now_of(p) >= p->listen_us)
		kind = http_ear_open(p->ear, &e);
	if (kind == OK)
		kind = http_ear_wait(p->ear, wait_ms, event_hear, p, &e);
	if (kind == OK && p->heard.kind != OK) {
		e = p->heard;
		kind = e.kind;
		http_ear_close(p->ear);
	}
	p->heard = (struct err){0};
	if (kind == OK) {
		if (http_ear_is_live(p->ear))
			p->listen_backoff = 0;
		return false;
	}
	log_line(
		p->all->seat->log, LOG_DEBUG, "events", "member", p->member, "error", e.text, NULL);
	p->listen_backoff = p->listen_backoff == 0 ? 1 : p->listen_backoff * 2;
	if (p->listen_backoff > PEERS_BACKOFF_MAX)
		p->listen_backoff = PEERS_BACKOFF_MAX;
	p->listen_us = now_of(p) + p->listen_backoff * US_PER_SECOND;
	return was_live;
}

/* Between two rounds. */
static unsigned period_of(const struct peer *p)
{
	unsigned poll = p->all->seat->node->config.poll_seconds;

	if (p->backoff != 0)
		return p->backoff;
	return http_ear_is_live(p->ear) && poll < PEERS_STREAM_SECONDS ? PEERS_STREAM_SECONDS
								       : poll;
}

/* Under the lock: is there a reason to ask now? What is new here concerns one whose stream lives
 * when it is our own log; of all else it tells us. */
static bool is_due(const struct peer *p, uint64_t news, uint64_t grown)
{
	const struct peers *all = p->all;

	if (p->backoff != 0)
		return false;
	return http_ear_is_live(p->ear) ? all->grown != grown : all->news != news;
}

/* Under the lock, but not while it waits: until there is a reason for the next round. */
static void peer_wait(struct peer *p, uint64_t news, uint64_t grown, uint64_t asked)
{
	struct peers *all = p->all;
	int64_t begun = now_of(p);
	bool at_once = false;

	while (!all->stop && !p->stop && !at_once && !is_due(p, news, grown)) {
		int64_t now = now_of(p), until = begun + period_of(p) * US_PER_SECOND;

		if (all->asked != asked || p->called) {
			int64_t least = begun + PEERS_ASKED_MS * INT64_C(1000);

			until = until < least ? until : least;
		}
		if (p->backoff == 0 && p->claim_us != 0) {
			/* However often it tells something. */
			int64_t least = begun + PEERS_CLAIM_MS * INT64_C(1000);
			int64_t at = p->claim_us > least ? p->claim_us : least;

			if (now >= at)
				break;
			until = until < at ? until : at;
		}
		if (now >= until)
			break;
		pthread_mutex_unlock(&all->lock);
		at_once = ear_step(p, (unsigned)((until - now + 999) / 1000));
		/* What another has brought meanwhile needs no asking. */
		if (p->claim_us > now_of(p) && !claims_look(p))
			p->claim_us = 0;
		pthread_mutex_lock(&all->lock);
	}
	p->called = false;
}

static void *peer_run(void *context)
{
	struct peer *p = context;
	struct peers *all = p->all;

	pthread_mutex_lock(&all->lock);
	while (!all->stop && !p->stop) {
		uint64_t news = all->news, grown = all->grown, asked = all->asked;
		struct err e = {0};
		enum err_kind kind;

		p->begun = asked;
		pthread_mutex_unlock(&all->lock);
		kind = round_run(p, &e);
		pthread_mutex_lock(&all->lock);
		outcome_take(p, kind);
		claims_settle(p);
		p->done = p->begun;
		pthread_cond_broadcast(&all->changed);
		peer_wait(p, news, grown, asked);
	}
	p->ended = true;
	pthread_cond_broadcast(&all->changed);
	pthread_mutex_unlock(&all->lock);
	return NULL;
}

/* ---- who there is ---------------------------------------------------------------------------- */

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
	if (way_open(all->seat, m, &p->way, &e) == OK)
		p->ear = way_ear(p->way);
	if (p->ear == NULL || pthread_create(&p->thread, NULL, peer_run, p) != 0) {
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
	events_end_all(all->seat->events);
	all_wake(all);
}

static void peer_free(struct peer *p)
{
	pthread_join(p->thread, NULL);
	way_free(p->way);
	free(p);
}

/* Under the lock: those who left, and whose thread has come to its end, are no more. */
static void peers_reap(struct peers *all)
{
	struct peer **at = &all->first;

	while (*at != NULL) {
		struct peer *p = *at;

		if (!p->stop || !p->ended) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		peer_free(p); /* it needs the lock no more */
	}
}

/* ---- telling --------------------------------------------------------------------------------- */

/* What there is here, to those who listen; and to our own threads, when anything is new. */
static void shown_tell(struct peers *all)
{
	struct seat *s = all->seat;
	struct arena *a = arena_new(SHOWN_ARENA_MAX);
	struct coalition_shown *list;
	uint64_t epoch, news;
	size_t count;
	bool grown = false;

	pthread_mutex_lock(&all->telling);
	news = coalition_news(s->coalition);
	if (a != NULL && coalition_shown(s->coalition, a, &epoch, &list, &count, NULL) == OK)
		grown = events_tell(s->events, epoch, list, count);
	pthread_mutex_lock(&all->lock);
	all->grown += grown;
	if (grown || news != all->news)
		all_wake(all);
	all->news = news;
	pthread_mutex_unlock(&all->lock);
	pthread_mutex_unlock(&all->telling);
	arena_free(a);
}

/* ---- publishing ------------------------------------------------------------------------------ */

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
	const struct charter *told = NULL; /* to the signer */

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
		if (charter != NULL && charter != told)
			quorum_tell(s, charter);
		told = charter;
		shown_tell(all); /* what others may have changes by itself, too */
		pthread_mutex_lock(&all->lock);
		trouble_tell(all, kind, &e);
		if (charter != NULL && charter != all->charter && !all->stop)
			peers_fit(all, charter);
		peers_reap(all);
		while (!all->stop &&
			pthread_cond_timedwait(&all->changed, &all->lock, &until) != ETIMEDOUT)
			;
	}
	pthread_mutex_unlock(&all->lock);
	return NULL;
}

/* ---- from outside ---------------------------------------------------------------------------- */

void peers_wake(struct seat *s, struct slice from)
{
	struct peers *all = s->peers;
	uint64_t news;

	if (all == NULL)
		return;
	pthread_mutex_lock(&all->lock);
	for (struct peer *p = all->first; p != NULL && from.len > 0; p = p->next) {
		if (p->backoff != 0 && slice_is(from, p->member)) {
			p->called = true;
			http_ear_wake(p->ear);
		}
	}
	news = all->news;
	pthread_mutex_unlock(&all->lock);
	if (coalition_news(s->coalition) != news)
		shown_tell(all);
}

enum err_kind peers_start(struct seat *s, struct err *e)
{
	struct peers *all = calloc(1, sizeof(*all));
	pthread_condattr_t monotonic;

	if (all == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	all->seat = s;
	pthread_mutex_init(&all->lock, NULL);
	pthread_mutex_init(&all->telling, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&all->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	s->peers = all;
	if (pthread_create(&all->publisher, NULL, publisher_run, all) != 0) {
		s->peers = NULL;
		pthread_cond_destroy(&all->changed);
		pthread_mutex_destroy(&all->lock);
		pthread_mutex_destroy(&all->telling);
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
	all_wake(all);
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

		all->first = p->next;
		peer_free(p);
	}
	s->peers = NULL;
	pthread_cond_destroy(&all->changed);
	pthread_mutex_destroy(&all->lock);
	pthread_mutex_destroy(&all->telling);
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
	all_wake(all);
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
