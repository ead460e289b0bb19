/* SPDX-License-Identifier: MPL-2.0 */
/* What was fetched and is not kept yet: bounded by bytes, closed by whoever stops first. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "pull.h"

void pull_queue_init(struct pull_queue *q)
{
	pthread_condattr_t attributes;

	*q = (struct pull_queue){0};
	q->end = &q->first;
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&q->changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

struct pull_item *pull_item_new(enum pull_what what)
{
	struct pull_item *item = calloc(1, sizeof(*item));

	if (item != NULL)
		item->what = what;
	return item;
}

void pull_item_free(struct pull_item *item)
{
	if (item == NULL)
		return;
	buf_fini(&item->bytes);
	free(item->objects);
	free(item);
}

void pull_queue_fini(struct pull_queue *q)
{
	while (q->first != NULL) {
		struct pull_item *item = q->first;

		q->first = item->next;
		pull_item_free(item);
	}
	pthread_cond_destroy(&q->changed);
	pthread_mutex_destroy(&q->lock);
}

bool pull_queue_put(struct pull_queue *q, struct pull_item *item)
{
	bool closed;

	item->cost = sizeof(*item) + item->bytes.capacity + item->capacity * sizeof(*item->objects);
	item->next = NULL;
	pthread_mutex_lock(&q->lock);
	/* One item always has room, however large. */
	while (!q->closed && q->bytes > 0 && q->bytes + item->cost > PULL_QUEUE_BYTES)
		pthread_cond_wait(&q->changed, &q->lock);
	closed = q->closed;
	if (!closed) {
		*q->end = item;
		q->end = &item->next;
		q->bytes += item->cost;
		pthread_cond_broadcast(&q->changed);
	}
	pthread_mutex_unlock(&q->lock);
	if (closed)
		pull_item_free(item);
	return !closed;
}

static struct timespec time_in(int64_t us)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	us += t.tv_nsec / 1000;
	t.tv_sec += us / US_PER_SECOND;
	t.tv_nsec = us % US_PER_SECOND * 1000;
	return t;
}

struct pull_item *pull_queue_take(struct pull_queue *q, unsigned wait_ms)
{
	struct timespec until = time_in((int64_t)wait_ms * 1000);
	struct pull_item *item;

	pthread_mutex_lock(&q->lock);
	while (q->first == NULL &&
		pthread_cond_timedwait(&q->changed, &q->lock, &until) != ETIMEDOUT)
		;
	item = q->first;
	if (item != NULL) {
		q->first = item->next;
		if (q->first == NULL)
			q->end = &q->first;
		q->bytes -= item->cost;
		pthread_cond_broadcast(&q->changed);
	}
	pthread_mutex_unlock(&q->lock);
	return item;
}

void pull_queue_close(struct pull_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
}

bool pull_queue_closed(struct pull_queue *q)
{
	bool closed;

	pthread_mutex_lock(&q->lock);
	closed = q->closed;
	pthread_mutex_unlock(&q->lock);
	return closed;
}

bool pull_queue_sleep(struct pull_queue *q, int64_t us)
{
	struct timespec until = time_in(us);
	bool closed;

	pthread_mutex_lock(&q->lock);
	while (!q->closed && pthread_cond_timedwait(&q->changed, &q->lock, &until) != ETIMEDOUT)
		;
	closed = q->closed;
	pthread_mutex_unlock(&q->lock);
	return !closed;
}
