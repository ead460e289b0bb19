/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Failed logins slow down those who fail: the wait doubles with each failure. The table is bounded
 * and keyed, so that nobody can fill it up or aim at one slot; what is pushed out was the oldest.
 */
#include <pthread.h>
#include <stdlib.h>

#include "http_parts.h"

#define WAYS 8 /* places one key may take */

struct slot {
	uint64_t key; /* 0: free */
	int64_t last_us;
	int64_t until_us;
	uint32_t failures;
};

struct http_backoff {
	const struct world *world;
	pthread_mutex_t lock;
	uint8_t hash_key[16];
	struct slot slots[HTTP_BACKOFF_SLOTS];
};

struct http_backoff *http_backoff_new(const struct world *w)
{
	struct http_backoff *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->world = w;
	pthread_mutex_init(&b->lock, NULL);
	w->random(w->context, b->hash_key, sizeof(b->hash_key));
	return b;
}

void http_backoff_free(struct http_backoff *b)
{
	if (b == NULL)
		return;
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static uint64_t key_of(const struct http_backoff *b, enum http_backoff_kind kind, struct slice key)
{
	uint64_t hash = hash_table(b->hash_key, key);

	/* The lowest bit keeps addresses and names apart; the next keeps 0 for "free". */
	return (hash << 2) | 2u | (uint64_t)kind;
}

/* The slot of a key, or with `make` the one it may take over. Under the lock. */
static struct slot *slot_find(struct http_backoff *b, uint64_t key, int64_t now, bool make)
{
	struct slot *set = &b->slots[(key >> 32) % (HTTP_BACKOFF_SLOTS / WAYS) * WAYS];
	struct slot *oldest = set;

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == key) {
			if (now - set[i].last_us <= HTTP_BACKOFF_FORGET_SECONDS * US_PER_SECOND)
				return &set[i];
			set[i].key = 0;
		}
		if (set[i].key == 0) {
			if (oldest->key != 0)
				oldest = &set[i];
		} else if (oldest->key != 0 && set[i].last_us < oldest->last_us) {
			oldest = &set[i];
		}
	}
	if (!make)
		return NULL;
	*oldest = (struct slot){.key = key};
	return oldest;
}

unsigned http_backoff_wait(struct http_backoff *b, enum http_backoff_kind kind, struct slice key)
{
	int64_t now = world_monotonic(b->world);
	int64_t left = 0;
	const struct slot *slot;

	pthread_mutex_lock(&b->lock);
	slot = slot_find(b, key_of(b, kind, key), now, false);
	if (slot != NULL)
		left = slot->until_us - now;
	pthread_mutex_unlock(&b->lock);
	return left <= 0 ? 0 : (unsigned)((left + US_PER_SECOND - 1) / US_PER_SECOND);
}

void http_backoff_fail(struct http_backoff *b, enum http_backoff_kind kind, struct slice key)
{
	static const int64_t longest[] = {
		[HTTP_BACKOFF_ADDRESS] = HTTP_BACKOFF_ADDRESS_SECONDS,
		[HTTP_BACKOFF_NAME] = HTTP_BACKOFF_NAME_SECONDS,
	};
	int64_t now = world_monotonic(b->world);
	struct slot *slot;

	pthread_mutex_lock(&b->lock);
	slot = slot_find(b, key_of(b, kind, key), now, true);
	if (slot->failures < 64)
		slot->failures++;
	slot->last_us = now;
	if (slot->failures > HTTP_BACKOFF_FREE) {
		unsigned doublings = slot->failures - HTTP_BACKOFF_FREE - 1;
		int64_t seconds = doublings < 20 ? INT64_C(1) << doublings : longest[kind];

		if (seconds > longest[kind])
			seconds = longest[kind];
		slot->until_us = now + seconds * US_PER_SECOND;
	}
	pthread_mutex_unlock(&b->lock);
}

void http_backoff_clear(struct http_backoff *b, enum http_backoff_kind kind, struct slice key)
{
	struct slot *slot;

	pthread_mutex_lock(&b->lock);
	slot = slot_find(b, key_of(b, kind, key), world_monotonic(b->world), false);
	if (slot != NULL)
		slot->key = 0;
	pthread_mutex_unlock(&b->lock);
}
