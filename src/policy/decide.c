/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One decision. For every attribute a row of bits says which rules have the case's value; the rows
 * ANDed are the rules that match. No memory, no branch per rule.
 */
#include "decide.h"

void policy_case_init(struct policy_case *c, enum policy_family family)
{
	*c = (struct policy_case){.family = family};
	for (unsigned a = 0; a < POLICY_ATTRIBUTES_MAX; a++)
		c->values[a] = POLICY_UNKNOWN;
}

/* As value_bit, which the schema's tables answer; a test holds them together. */
static inline unsigned lane_bit(const struct lane *lane, int32_t value)
{
	unsigned k;

	if ((uint32_t)value < lane->values)
		return (unsigned)value;
	if (!lane->number)
		return lane->party && value == POLICY_PUBLIC ? BIT_PUBLIC : BIT_UNKNOWN;
	if (value < lane->cuts->start[0] || value > lane->most)
		return BIT_UNKNOWN;
	for (k = lane->cuts->count - 1; lane->cuts->start[k] > value; k--)
		;
	return k;
}

void case_matches(const struct policy *p, const struct policy_case *c, int sector,
	unsigned sector_bit, uint64_t ret_matches[TABLE_WORDS_MAX])
{
	const struct table *t = &p->tables[c->family];
	const uint64_t *rows[POLICY_ATTRIBUTES_MAX];

	for (unsigned a = 0; a < t->attributes; a++) {
		unsigned bit = (int)a == sector ? sector_bit : lane_bit(&t->lanes[a], c->values[a]);

		rows[a] = t->has + ((size_t)a * POLICY_VALUES_MAX + bit) * t->words;
	}
	for (unsigned w = 0; w < t->words; w++) {
		uint64_t matches = ~UINT64_C(0);

		for (unsigned a = 0; a < t->attributes; a++)
			matches &= rows[a][w];
		ret_matches[w] = matches;
	}
}

static int first_of(const struct table *t, const uint64_t *matches, const uint64_t *wanted)
{
	for (unsigned w = 0; w < t->words; w++) {
		uint64_t both = matches[w] & wanted[w];

		if (both != 0)
			return t->rules[w * 64 + (unsigned)__builtin_ctzll(both)];
	}
	return -1;
}

/* With one value of the sector; obligations join to those already there. */
static bool decide_one(const struct policy *p, const struct policy_case *c, int sector,
	unsigned sector_bit, struct policy_decision *d)
{
	const struct table *t = &p->tables[c->family];
	uint64_t matches[TABLE_WORDS_MAX];
	int permit, deny;

	case_matches(p, c, sector, sector_bit, matches);
	if (c->family == POLICY_DUTY) {
		int applies = first_of(t, matches, t->duties);

		if (applies >= 0 && d->rule < 0)
			d->rule = (int16_t)applies;
		d->allowed |= applies >= 0;
	} else {
		deny = first_of(t, matches, t->denies);
		permit = first_of(t, matches, t->permits);
		if (deny >= 0 || permit < 0) {
			d->allowed = false;
			d->rule = (int16_t)deny;
			return false;
		}
		if (d->rule < 0)
			d->rule = (int16_t)permit;
	}
	for (unsigned w = 0; w < t->words; w++)
		for (uint64_t both = matches[w] & t->duties[w]; both != 0; both &= both - 1)
			duties_join(&d->duties,
				&p->rules[t->rules[w * 64 + (unsigned)__builtin_ctzll(both)]]
					 .duties);
	return true;
}

void policy_decide(
	const struct policy *p, const struct policy_case *c, struct policy_decision *ret_decision)
{
	struct policy_decision d = {.allowed = c->family != POLICY_DUTY, .rule = -1};
	const struct table *t = &p->tables[c->family];
	int sector = t->sector;
	uint64_t sectors = 1;
	bool go_on = true;

	duties_init(&d.duties);
	if (sector >= 0) {
		sectors = c->sectors & (BIT(t->lanes[sector].values) - 1);
		/* A sector that nobody knows is unknown, not left out. */
		if (c->sectors == 0)
			sectors = BIT(value_bit(
				&p->space, c->family, (unsigned)sector, c->values[sector]));
		else if (sectors != c->sectors)
			sectors |= BIT(BIT_UNKNOWN);
	}
	for (; go_on && sectors != 0; sectors &= sectors - 1)
		go_on = decide_one(p, c, sector, (unsigned)__builtin_ctzll(sectors), &d);
	if (c->now_us != 0 && c->now_us >= p->expires_us) {
		d.allowed = false;
		d.expired = true;
		d.rule = -1;
	}
	if (d.allowed && duties_contradiction(&d.duties) != NULL) {
		d.allowed = false;
		d.contradiction = true;
		d.rule = -1;
	}
	if (!d.allowed)
		duties_init(&d.duties);
	*ret_decision = d;
}

int32_t policy_retain_least(const struct policy *p, int32_t to, int *ret_rule)
{
	uint64_t bit = BIT(value_bit(&p->space, POLICY_EXCHANGE, POLICY_TO, to));
	int32_t least = -1;

	*ret_rule = -1;
	for (unsigned i = 0; i < p->rules_count; i++) {
		const struct rule *r = &p->rules[i];

		if (r->family != POLICY_EXCHANGE || r->duties.retain_days <= 0 ||
			(r->effect != POLICY_PERMIT && r->effect != POLICY_REQUIRE) ||
			(r->box.set[POLICY_TO] & bit) == 0 ||
			(least > 0 && least <= r->duties.retain_days))
			continue;
		least = r->duties.retain_days;
		*ret_rule = (int)i;
	}
	return least;
}
