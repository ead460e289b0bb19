/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What is common on this site. A value that half of the hosts ask for on day after day is part of
 * the site's normal life, whatever a feed says of it; on its first day it may as well be an
 * outbreak.
 */
#include <math.h>

#include "gate.h"

#define US_PER_DAY (86400 * US_PER_SECOND)
/* After this many samples without a new host only every sixteenth is looked at. */
#define IDLE_SAMPLES 4096
#define IDLE_SKIP    15
/* With so few zeros left a value's bitmap counts no further. */
#define SATURATED_ZEROS 8

static bool bit_set(uint8_t *bits, uint64_t count, uint64_t hash)
{
	uint64_t at = hash & (count - 1);
	uint8_t mask = (uint8_t)(1 << (at & 7));

	if (bits[at >> 3] & mask)
		return false;
	bits[at >> 3] |= mask;
	return true;
}

double prevalence_count(unsigned set, unsigned bits)
{
	double zeros = set >= bits ? 1 : bits - set;

	return -(double)bits * log(zeros / bits);
}

void prevalence_site_host(struct prevalence_site *s, uint64_t hash)
{
	if (s->idle >= IDLE_SAMPLES && s->skipped < IDLE_SKIP) {
		s->skipped++;
		return;
	}
	s->skipped = 0;
	if (bit_set(s->bits, PREVALENCE_SITE_BITS, hash)) {
		s->set++;
		s->idle = 0;
	} else {
		s->idle++;
	}
}

static bool common(const struct prevalence *p, const struct prevalence_site *s)
{
	double hosts = prevalence_count(s->set, PREVALENCE_SITE_BITS);

	if (hosts < PREVALENCE_HOSTS_MIN - 0.5)
		return false;
	return p->set >= PREVALENCE_VALUE_BITS - SATURATED_ZEROS ||
	       prevalence_count(p->set, PREVALENCE_VALUE_BITS) >= hosts / 2;
}

void prevalence_add(struct prevalence *p, const struct prevalence_site *s, int64_t time_us,
	int64_t now_us, uint64_t hash)
{
	int64_t last_us = now_us + PREVALENCE_AHEAD_US;
	int32_t day;

	/* A line dated in the far future would make all that follow late ones. */
	if (time_us == TIME_UNKNOWN || time_us > last_us)
		return;
	day = (int32_t)(time_us / US_PER_DAY);
	if (p->day > last_us / US_PER_DAY) {
		/* kept when the clock was wrong: its days are none */
		*p = (struct prevalence){0};
	}
	if (day > p->day) {
		if (p->set > 0 && common(p, s) && p->days < UINT16_MAX)
			p->days++;
		memset(p->bits, 0, sizeof(p->bits));
		p->set = 0;
		p->day = day;
	} else if (day < p->day) {
		return; /* a late line of a day that is counted */
	}
	if (bit_set(p->bits, PREVALENCE_VALUE_BITS, hash))
		p->set++;
}

unsigned prevalence_days(const struct prevalence *p, const struct prevalence_site *s)
{
	return (unsigned)p->days + (p->set > 0 && common(p, s) ? 1 : 0);
}
