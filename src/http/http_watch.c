/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The watch over open connections: absolute deadlines for head and body, a least speed for readers,
 * and patience for clients that are still sending what was refused. One thread, one list; the
 * threads that serve only write one word per step.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <linux/tcp.h> /* the kernel's own: that of the C library lacks the byte counts */
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_parts.h"

/* The kernel's number for "the other side has closed"; the header with its name cannot stand beside
 * <linux/tcp.h>. */
#define TCP_CLOSE_WAIT 8
#define TCP_CLOSE_DONE 7 /* both have: TCP_CLOSE there */

#define EVENTS_LOOKED (-1)   /* bytes_word of a stream whose acknowledged bytes are known */
#define SWEEP_MS      1000   /* how often deadlines are looked at */
#define DISCARD_STEP  MIB(1) /* bytes thrown away in one call */

struct lingering {
	int fd;
	int64_t until_us;
};

struct http_watch {
	struct http_watch_config config;
	pthread_mutex_t lock; /* of the list; a socket is closed only after it left the list */
	struct http_watched *first, *last; /* the newest, the oldest */
	unsigned strangers, strangers_max;
	atomic_uint_fast64_t hits;

	pthread_mutex_t linger_lock;
	struct lingering lingering[HTTP_LINGER_MAX];
	size_t lingering_count;

	int wake; /* eventfd */
	atomic_bool ending;
	pthread_t thread;
};

static void *run(void *context);

enum err_kind http_watch_new(
	const struct http_watch_config *config, struct http_watch **ret_watch, struct err *e)
{
	struct http_watch *w = calloc(1, sizeof(*w));
	int rc;

	if (w == NULL)
		return err_set(e, ERR_NOMEM, "watch over connections: out of memory");
	w->config = *config;
	w->strangers_max = UINT_MAX;
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->wake < 0) {
		free(w);
		return err_set(e, ERR_IO, "watch over connections: %s", strerror(errno));
	}
	pthread_mutex_init(&w->lock, NULL);
	pthread_mutex_init(&w->linger_lock, NULL);
	rc = pthread_create(&w->thread, NULL, run, w);
	if (rc != 0) {
		close(w->wake);
		free(w);
		return err_set(e, ERR_IO, "watch over connections: no thread: %s", strerror(rc));
	}
	*ret_watch = w;
	return OK;
}

static void wake_up(struct http_watch *w)
{
	uint64_t one = 1;

	while (write(w->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void http_watch_free(struct http_watch *w)
{
	if (w == NULL)
		return;
	atomic_store(&w->ending, true);
	wake_up(w);
	pthread_join(w->thread, NULL);
	for (size_t i = 0; i < w->lingering_count; i++)
		close(w->lingering[i].fd);
	close(w->wake);
	pthread_mutex_destroy(&w->lock);
	pthread_mutex_destroy(&w->linger_lock);
	free(w);
}

/* Under the lock: the serving thread sees the end of the stream and cleans up. */
static void cut(struct http_watch *w, struct http_watched *c)
{
	shutdown(c->fd, SHUT_RDWR);
	http_watch_set(c, HTTP_PHASE_RUN, 0);
	w->strangers -= c->stranger;
	c->stranger = false;
}

/* Under the lock: the oldest stranger for whom nobody is working makes room. */
static void push_out(struct http_watch *w)
{
	for (struct http_watched *c = w->last; c != NULL; c = c->prev) {
		if (c->stranger && http_watch_phase(c) != HTTP_PHASE_RUN) {
			cut(w, c);
			return;
		}
	}
}

void http_watch_places(struct http_watch *w, unsigned strangers_max)
{
	pthread_mutex_lock(&w->lock);
	w->strangers_max = strangers_max;
	pthread_mutex_unlock(&w->lock);
}

void http_watch_known(struct http_watch *w, struct http_watched *c, struct slice account)
{
	uint8_t digest[SHA256_LEN];
	size_t same = 0;
	uint64_t who;

	hash_sha256(account, digest);
	memcpy(&who, digest, sizeof(who));
	pthread_mutex_lock(&w->lock);
	for (const struct http_watched *other = w->first; other != NULL && c->stranger;
		other = other->next)
		same += !other->stranger && other->who == who;
	if (c->stranger && same < HTTP_KNOWN_MAX) {
		c->stranger = false;
		c->who = who;
		w->strangers--;
	}
	pthread_mutex_unlock(&w->lock);
}

void http_watch_add(struct http_watch *w, struct http_watched *c, int fd, int64_t deadline_us)
{
	c->fd = fd;
	c->bytes = 0;
	c->bytes_word = 0;
	c->ended = false;
	c->stranger = true;
	c->who = 0;
	http_watch_set(c, HTTP_PHASE_HEAD, deadline_us);
	pthread_mutex_lock(&w->lock);
	c->prev = NULL;
	c->next = w->first;
	if (w->first != NULL)
		w->first->prev = c;
	else
		w->last = c;
	w->first = c;
	if (++w->strangers > w->strangers_max)
		push_out(w);
	pthread_mutex_unlock(&w->lock);
}

void http_watch_remove(struct http_watch *w, struct http_watched *c)
{
	pthread_mutex_lock(&w->lock);
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		w->first = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	else
		w->last = c->prev;
	w->strangers -= c->stranger;
	pthread_mutex_unlock(&w->lock);
}

static bool socket_info(int fd, struct tcp_info *ret_info)
{
	socklen_t len = sizeof(*ret_info);

	memset(ret_info, 0, sizeof(*ret_info));
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, ret_info, &len) == 0;
}

static bool nothing_unsent(int fd)
{
	int queued = 0;

	return ioctl(fd, SIOCOUTQ, &queued) == 0 && queued == 0;
}

/*
 * The client has ended its side, all it sent was read, and it was not a whole request. The library
 * waits on edges and misses an end that comes together with data; without this, a client that gives
 * up in the middle of a body would keep its connection to the deadline. Seen twice in a row, as the
 * serving thread may be just about to go on.
 */
static bool gave_up(struct http_watched *c)
{
	struct tcp_info info;
	int unread = 0;
	bool ended = socket_info(c->fd, &info) && info.tcpi_state == TCP_CLOSE_WAIT &&
		     ioctl(c->fd, SIOCINQ, &unread) == 0 && unread == 0;
	bool before = c->ended;

	c->ended = ended;
	return ended && before;
}

/* An idle connection on which bytes arrived: a head has begun, and its time runs. */
static void look_at_idle(struct http_watch *w, struct http_watched *c, int64_t word, int64_t now)
{
	struct tcp_info info;

	if (!socket_info(c->fd, &info))
		return;
	if (c->bytes_word != word) { /* first look since it fell idle */
		c->bytes_word = word;
		c->bytes = info.tcpi_bytes_received;
	} else if (c->bytes != info.tcpi_bytes_received) {
		int64_t head = (now + (int64_t)w->config.head_seconds * US_PER_SECOND) * 8 +
			       HTTP_PHASE_HEAD;

		/* Only if the serving thread has not gone on meanwhile. */
		atomic_compare_exchange_strong(&c->word, &word, head);
	}
}

/* True when the client took too little since the last look, a window ago. */
static bool reply_stalls(struct http_watch *w, struct http_watched *c, int64_t word, int64_t now)
{
	int64_t later =
		(now + (int64_t)w->config.reply_seconds * US_PER_SECOND) * 8 + HTTP_PHASE_REPLY;
	uint64_t before = c->bytes;
	struct tcp_info info;

	if (nothing_unsent(c->fd) || !socket_info(c->fd, &info)) {
		/* It is the handler that is slow, not the client. */
		atomic_compare_exchange_strong(&c->word, &word, later);
		return false;
	}
	if (info.tcpi_bytes_acked - before < w->config.reply_least)
		return true;
	c->bytes = info.tcpi_bytes_acked;
	if (atomic_compare_exchange_strong(&c->word, &word, later))
		c->bytes_word = later;
	return false;
}

/* A stream of events sleeps, so that nobody else looks at its socket: has the client gone? What it
 * sent, if anything, is of no interest. */
static bool events_left(const struct http_watched *c)
{
	struct tcp_info info;

	return socket_info(c->fd, &info) &&
	       (info.tcpi_state == TCP_CLOSE_WAIT || info.tcpi_state == TCP_CLOSE_DONE);
}

/* True when the client took nothing of what was sent to it since the last look. */
static bool events_stall(struct http_watch *w, struct http_watched *c, int64_t word, int64_t now)
{
	int64_t later = (now + HTTP_EVENTS_SECONDS * US_PER_SECOND) * 8 + HTTP_PHASE_EVENTS;
	struct tcp_info info;

	if (!socket_info(c->fd, &info))
		return true;
	if (c->bytes_word == EVENTS_LOOKED && c->bytes == info.tcpi_bytes_acked &&
		!nothing_unsent(c->fd))
		return true;
	c->bytes = info.tcpi_bytes_acked;
	c->bytes_word = EVENTS_LOOKED;
	if (atomic_compare_exchange_strong(&c->word, &word, later))
		w->config.ring(c, false);
	return false;
}

void http_watch_end_events(struct http_watch *w)
{
	pthread_mutex_lock(&w->lock);
	for (struct http_watched *c = w->first; c != NULL; c = c->next)
		if (http_watch_phase(c) == HTTP_PHASE_EVENTS)
			w->config.ring(c, true);
	pthread_mutex_unlock(&w->lock);
}

void http_watch_sweep(struct http_watch *w)
{
	int64_t now = world_monotonic(w->config.world);

	pthread_mutex_lock(&w->lock);
	for (struct http_watched *c = w->first; c != NULL; c = c->next) {
		int64_t word = atomic_load_explicit(&c->word, memory_order_acquire);
		enum http_phase phase = (enum http_phase)(word & 7);
		bool late = now >= word >> 3;
		bool ends = false;

		switch (phase) {
		case HTTP_PHASE_HEAD:
		case HTTP_PHASE_BODY:
			ends = late || gave_up(c);
			break;
		case HTTP_PHASE_IDLE:
			ends = late;
			if (!ends)
				look_at_idle(w, c, word, now);
			break;
		case HTTP_PHASE_REPLY:
			if (c->bytes_word != word) {
				struct tcp_info info;

				c->bytes_word = word;
				c->bytes = socket_info(c->fd, &info) ? info.tcpi_bytes_acked : 0;
			} else {
				ends = late && reply_stalls(w, c, word, now);
			}
			break;
		case HTTP_PHASE_EVENTS:
			ends = events_left(c) || (late && events_stall(w, c, word, now));
			break;
		case HTTP_PHASE_RUN:
			break;
		}
		if (ends) {
			/* Counted first: whoever saw the end sees the count. */
			if (phase != HTTP_PHASE_IDLE && late)
				http_count(&w->hits, 1);
			cut(w, c);
			if (phase == HTTP_PHASE_EVENTS)
				w->config.ring(c, true);
		}
	}
	pthread_mutex_unlock(&w->lock);
}

uint64_t http_watch_hits(const struct http_watch *w)
{
	return atomic_load_explicit(&w->hits, memory_order_relaxed);
}

/* ---- sockets that linger: real time, as it is the kernel's buffers we wait for -------- */

void http_watch_linger(struct http_watch *w, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	bool kept = false;

	if (copy < 0)
		return;
	pthread_mutex_lock(&w->linger_lock);
	if (w->lingering_count < HTTP_LINGER_MAX && !atomic_load(&w->ending)) {
		w->lingering[w->lingering_count++] = (struct lingering){
			copy, world_monotonic(world_real()) + HTTP_LINGER_SECONDS * US_PER_SECOND};
		kept = true;
	}
	pthread_mutex_unlock(&w->linger_lock);
	if (kept)
		wake_up(w);
	else
		close(copy);
}

/* Throw away what is there; true when the client is done or gone. */
static bool drain(int fd)
{
	for (;;) {
		/* TCP with MSG_TRUNC drops the bytes without copying them. */
		ssize_t got = recv(fd, NULL, DISCARD_STEP, MSG_TRUNC | MSG_DONTWAIT);

		if (got == 0)
			return true;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno != EAGAIN && errno != EWOULDBLOCK;
		if ((size_t)got < DISCARD_STEP)
			return false;
	}
}

static void *run(void *context)
{
	struct http_watch *w = context;
	int64_t next_us = 0;

	while (!atomic_load(&w->ending)) {
		struct pollfd polled[HTTP_LINGER_MAX + 1];
		int64_t now = world_monotonic(world_real());
		size_t count;
		uint64_t woken;

		/* Under a clock that somebody moves by hand, he also says when to look. */
		if (now >= next_us && w->config.world == world_real()) {
			http_watch_sweep(w);
			next_us = now + SWEEP_MS * INT64_C(1000);
		}
		polled[0] = (struct pollfd){.fd = w->wake, .events = POLLIN};
		pthread_mutex_lock(&w->linger_lock);
		count = w->lingering_count;
		for (size_t i = 0; i < count; i++)
			polled[i + 1] = (struct pollfd){.fd = w->lingering[i].fd, .events = POLLIN};
		pthread_mutex_unlock(&w->linger_lock);
		poll(polled, count + 1, SWEEP_MS);
		if (polled[0].revents != 0)
			while (read(w->wake, &woken, sizeof(woken)) < 0 && errno == EINTR)
				;
		now = world_monotonic(world_real());
		/* Only this thread takes away, so the first `count` are those polled; from the
		 * back, as the last one moves into the gap. */
		for (size_t i = count; i-- > 0;) {
			if (!(polled[i + 1].revents != 0 && drain(polled[i + 1].fd)) &&
				now < w->lingering[i].until_us)
				continue;
			close(polled[i + 1].fd);
			pthread_mutex_lock(&w->linger_lock);
			w->lingering[i] = w->lingering[--w->lingering_count];
			pthread_mutex_unlock(&w->linger_lock);
		}
	}
	return NULL;
}
