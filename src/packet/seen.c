/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Conversations that were reported a moment ago, so that the thousands of packets behind the first
 * cost one look and no record. A cache: a conversation that is pushed out is reported once more.
 */
#include <stdlib.h>

#include "inside.h"

bool seen_init(struct seen *s, uint32_t entries)
{
	uint64_t buckets = 1;

	while (buckets * SEEN_WAYS < entries)
		buckets *= 2;
	s->buckets = aligned_alloc(64, buckets * sizeof(*s->buckets));
	if (s->buckets == NULL)
		return false;
	memset(s->buckets, 0, buckets * sizeof(*s->buckets));
	s->mask = buckets - 1;
	return true;
}

void seen_fini(struct seen *s)
{
	free(s->buckets);
	s->buckets = NULL;
}

bool seen_first(struct seen *s, uint64_t hash, uint32_t now_seconds)
{
	struct seen_bucket *b = &s->buckets[(hash >> 32) & s->mask];
	uint32_t tag = (uint32_t)hash | 1; /* 0 is a free way */
	unsigned oldest = 0;
	uint32_t oldest_age = 0;

	for (unsigned i = 0; i < SEEN_WAYS; i++) {
		uint32_t age = seconds_apart(now_seconds, b->seconds[i]);

		if (b->tags[i] == tag) {
			if (age < PACKET_AGAIN_SECONDS)
				return false;
			b->seconds[i] = now_seconds;
			return true;
		}
		if (b->tags[i] == 0)
			age = UINT32_MAX;
		if (age >= oldest_age) {
			oldest_age = age;
			oldest = i;
		}
	}
	b->tags[oldest] = tag;
	b->seconds[oldest] = now_seconds;
	return true;
}
