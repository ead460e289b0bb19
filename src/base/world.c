/* SPDX-License-Identifier: MPL-2.0 */
/* The seam to clock and randomness: the real one, and one under a seed for tests. */
#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#include "base.h"

static int64_t clock_read(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * US_PER_SECOND + t.tv_nsec / 1000;
}

static int64_t real_now(void *context)
{
	(void)context;
	return clock_read(CLOCK_REALTIME);
}

static int64_t real_monotonic(void *context)
{
	(void)context;
	return clock_read(CLOCK_MONOTONIC);
}

static void real_random(void *context, void *ret_bytes, size_t len)
{
	(void)context;
	randombytes_buf(ret_bytes, len);
}

const struct world *world_real(void)
{
	static const struct world real = {real_now, real_monotonic, real_random, NULL};

	if (sodium_init() < 0)
		abort(); /* no randomness: nothing safe can follow */
	return &real;
}

static int64_t fake_now(void *context)
{
	return ((struct world_fake *)context)->now_us;
}

static int64_t fake_monotonic(void *context)
{
	return ((struct world_fake *)context)->monotonic_us;
}

/* splitmix64: well spread, and the same everywhere. */
static void fake_random(void *context, void *ret_bytes, size_t len)
{
	struct world_fake *w = context;
	unsigned char *to = ret_bytes;

	for (size_t i = 0; i < len; i++) {
		uint64_t z;

		w->seed += UINT64_C(0x9e3779b97f4a7c15);
		z = w->seed;
		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		to[i] = (unsigned char)((z ^ z >> 31) >> 24);
	}
}

void world_fake_init(struct world_fake *w, uint64_t seed, int64_t now_us)
{
	*w = (struct world_fake){.seed = seed, .now_us = now_us};
	w->world = (struct world){fake_now, fake_monotonic, fake_random, w};
}

void world_fake_advance(struct world_fake *w, int64_t us)
{
	w->now_us += us;
	if (us > 0)
		w->monotonic_us += us;
}
