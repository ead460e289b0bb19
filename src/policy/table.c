/* SPDX-License-Identifier: MPL-2.0 */
/*
 * From rules to what deciding reads: cuts of the numbers, boxes as bits, and for every value of
 * every attribute the rules that have it.
 */
#include <stdlib.h>

#include "inside.h"

struct policy *policy_new(const struct policy_parties *parties)
{
	struct policy *p = calloc(1, sizeof(*p));
	struct slice *members;

	if (p == NULL)
		return NULL;
	p->arena = arena_new(ARENA_MAX);
	members = p->arena == NULL
			  ? NULL
			  : ARENA_ARRAY(p->arena, struct slice, parties->members_count + 1);
	if (members == NULL) {
		policy_free(p);
		return NULL;
	}
	for (size_t i = 0; i < parties->members_count; i++)
		members[i] = arena_copy(p->arena, parties->members[i]);
	p->parties = (struct policy_parties){members, parties->members_count};
	p->space.members = parties->members_count;
	for (unsigned f = 0; f < POLICY_FAMILIES; f++)
		for (unsigned a = 0; a < attributes_count((enum policy_family)f); a++)
			cuts_init(&p->space.cuts[f][a],
				policy_attribute_get((enum policy_family)f, a)->least);
	return p;
}

void policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	arena_free(p->arena);
	free(p);
}

static enum err_kind cut(struct policy *p, const struct rule *r, struct err *e)
{
	for (unsigned a = 0; a < attributes_count(r->family); a++) {
		const struct policy_attribute *row = policy_attribute_get(r->family, a);
		struct cuts *c = &p->space.cuts[r->family][a];

		if (row->domain != POLICY_NUMBER || r->range[a].least > r->range[a].most)
			continue;
		if (!cuts_add(c, r->range[a].least, row->least, row->most, CUTS_MAX) ||
			!cuts_add(c, r->range[a].most + 1, row->least, row->most, CUTS_MAX))
			return err_set(e, ERR_LIMIT,
				"policy: rule \"%.*s\": more than %d different bounds of \"%s\" in "
				"one policy",
				SLICE_ARG(r->id), CUTS_MAX, row->name);
	}
	return OK;
}

static uint64_t *has_of(const struct table *t, unsigned attribute, unsigned bit)
{
	return t->has + ((size_t)attribute * POLICY_VALUES_MAX + bit) * t->words;
}

static void lanes_fill(struct policy *p, enum policy_family f)
{
	struct table *t = &p->tables[f];

	t->attributes = attributes_count(f);
	t->sector = attribute_sector(f);
	for (unsigned a = 0; a < t->attributes; a++) {
		const struct policy_attribute *row = policy_attribute_get(f, a);
		struct lane *lane = &t->lanes[a];

		lane->party = row->domain == POLICY_PARTY;
		lane->number = row->domain == POLICY_NUMBER;
		lane->most = row->most;
		lane->cuts = &p->space.cuts[f][a];
		if (lane->party)
			lane->values = (uint32_t)p->space.members;
		else if (row->domain == POLICY_FLAG)
			lane->values = 2;
		else
			lane->values = (uint32_t)row->values_count;
	}
}

static bool table_fill(struct policy *p, enum policy_family f)
{
	struct table *t = &p->tables[f];
	unsigned attributes = attributes_count(f);

	lanes_fill(p, f);
	for (unsigned i = 0; i < p->rules_count; i++)
		t->count += p->rules[i].family == f;
	t->words = (t->count + 63) / 64;
	t->rules = ARENA_ARRAY(p->arena, uint16_t, t->count + 1);
	t->has = ARENA_ARRAY(
		p->arena, uint64_t, (size_t)attributes * POLICY_VALUES_MAX * t->words + 1);
	t->permits = ARENA_ARRAY(p->arena, uint64_t, 3 * (size_t)t->words + 1);
	if (t->rules == NULL || t->has == NULL || t->permits == NULL)
		return false;
	t->denies = t->permits + t->words;
	t->duties = t->denies + t->words;
	for (unsigned i = 0, n = 0; i < p->rules_count; i++) {
		const struct rule *r = &p->rules[i];
		unsigned word = n / 64;
		uint64_t bit = BIT(n % 64);

		if (r->family != f)
			continue;
		t->rules[n++] = (uint16_t)i;
		for (unsigned a = 0; a < attributes; a++)
			for (uint64_t set = r->box.set[a]; set != 0; set &= set - 1)
				has_of(t, a, (unsigned)__builtin_ctzll(set))[word] |= bit;
		if (r->effect == POLICY_PERMIT)
			t->permits[word] |= bit;
		if (r->effect == POLICY_FORBID || r->effect == POLICY_NEVER)
			t->denies[word] |= bit;
		if (r->effect == POLICY_PERMIT || r->effect == POLICY_REQUIRE)
			t->duties[word] |= bit;
	}
	return true;
}

static bool boxes_meet(const struct box *a, const struct box *b, unsigned attributes)
{
	for (unsigned i = 0; i < attributes; i++)
		if ((a->set[i] & b->set[i]) == 0)
			return false;
	return true;
}

static bool demands_something(const struct rule *r)
{
	return (r->effect == POLICY_PERMIT || r->effect == POLICY_REQUIRE) &&
	       (r->duties.attribution || r->duties.anonymous || r->duties.retain_days >= 0 ||
		       r->duties.delay_hours >= 0);
}

/* Pairs whose obligations contradict each other, where they meet. Twice: counted, then kept. */
static enum err_kind conflicts_find(struct policy *p, enum policy_family f, struct err *e)
{
	struct table *t = &p->tables[f];
	unsigned attributes = attributes_count(f), found = 0;

	for (unsigned i = 0; i < t->count; i++) {
		const struct rule *a = &p->rules[t->rules[i]];

		for (unsigned j = i + 1; demands_something(a) && j < t->count; j++) {
			const struct rule *b = &p->rules[t->rules[j]];
			struct policy_duties both = a->duties;
			struct conflict *c;

			if (!demands_something(b))
				continue;
			duties_join(&both, &b->duties);
			if (duties_contradiction(&both) == NULL ||
				!boxes_meet(&a->box, &b->box, attributes))
				continue;
			if (found == CONFLICTS_MAX)
				return err_set(e, ERR_LIMIT,
					"policy: more than %d pairs of rules with obligations that "
					"cannot both be kept, among them \"%.*s\" and \"%.*s\"",
					CONFLICTS_MAX, SLICE_ARG(a->id), SLICE_ARG(b->id));
			if (t->conflicts == NULL)
				t->conflicts =
					ARENA_ARRAY(p->arena, struct conflict, CONFLICTS_MAX);
			if (t->conflicts == NULL)
				return err_set(e, ERR_NOMEM, "policy: out of memory");
			c = &t->conflicts[found++];
			c->a = (uint16_t)i;
			c->b = (uint16_t)j;
			for (unsigned k = 0; k < attributes; k++)
				c->box.set[k] = a->box.set[k] & b->box.set[k];
		}
	}
	t->conflicts_count = found;
	return OK;
}

enum err_kind policy_finish(struct policy *p, struct err *e)
{
	for (unsigned i = 0; i < p->rules_count; i++) {
		enum err_kind kind = cut(p, &p->rules[i], e);

		if (kind != OK)
			return kind;
		if (p->rules[i].id.data == NULL)
			return err_set(e, ERR_NOMEM, "policy: out of memory");
	}
	for (unsigned i = 0; i < p->rules_count; i++) {
		struct box box;

		rule_box(&p->rules[i], &p->space, &box);
		p->rules[i].box = box;
	}
	for (unsigned f = 0; f < POLICY_FAMILIES; f++) {
		enum err_kind kind;

		if (!table_fill(p, (enum policy_family)f))
			return err_set(e, ERR_NOMEM, "policy: out of memory");
		kind = conflicts_find(p, (enum policy_family)f, e);
		if (kind != OK)
			return kind;
	}
	return OK;
}

struct policy_facts policy_facts(const struct policy *p)
{
	struct policy_facts facts = {.name = p->name,
		.layer = p->layer,
		.version = p->version,
		.expires_us = p->expires_us,
		.parties = &p->parties};

	memcpy(facts.digest, p->digest, sizeof(facts.digest));
	for (unsigned i = 0; i < p->rules_count; i++)
		facts.rules[p->rules[i].family][p->rules[i].effect]++;
	return facts;
}

struct slice policy_rule_id(const struct policy *p, int rule)
{
	return rule >= 0 && (unsigned)rule < p->rules_count ? p->rules[rule].id : (struct slice){0};
}

struct slice policy_rule_clause(const struct policy *p, int rule)
{
	return rule >= 0 && (unsigned)rule < p->rules_count ? p->rules[rule].clause
							    : (struct slice){0};
}
