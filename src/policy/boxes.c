/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Subtraction of boxes. What is left of a box is looked for by splitting it along the box that
 * takes most of it away: first-come splitting did not end on policies of a few hundred rules.
 */
#include <stdlib.h>

#include "boxes.h"

#define COVER_MAX (2 * (POLICY_RULES_MAX + CONFLICTS_MAX)) /* both sides of a comparison */
#define LISTS_MAX (COVER_MAX + (1 << 18))                  /* of 16 bytes, touched as needed */
#define DEPTH_MAX 1000 /* splits within splits: about half a megabyte of stack */

bool box_meet(const struct box *a, const struct box *b, unsigned attributes, struct box *ret_both)
{
	for (unsigned i = 0; i < attributes; i++) {
		ret_both->set[i] = a->set[i] & b->set[i];
		if (ret_both->set[i] == 0)
			return false;
	}
	return true;
}

bool box_holds(const struct box *outer, const struct box *inner, unsigned attributes)
{
	for (unsigned i = 0; i < attributes; i++)
		if ((inner->set[i] & ~outer->set[i]) != 0)
			return false;
	return true;
}

/* ---- searching ------------------------------------------------------------------------------ */

bool search_init(struct search *s, unsigned attributes, uint64_t *steps)
{
	*s = (struct search){.attributes = attributes, .steps = steps};
	s->cover = malloc(COVER_MAX * sizeof(*s->cover));
	s->lists = malloc(LISTS_MAX * sizeof(*s->lists));
	return s->cover != NULL && s->lists != NULL;
}

void search_fini(struct search *s)
{
	free(s->cover);
	free(s->lists);
}

void search_clear(struct search *s)
{
	s->cover_count = 0;
}

void search_subtract(struct search *s, const struct box *b)
{
	if (s->cover_count < COVER_MAX)
		s->cover[s->cover_count++] = b;
}

void search_subtract_all(struct search *s, const struct box *const *boxes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		search_subtract(s, boxes[i]);
}

static bool meets(const struct box *b, const struct box *other)
{
	for (uint32_t care = other->care; care != 0; care &= care - 1) {
		unsigned a = (unsigned)__builtin_ctz(care);

		if ((b->set[a] & other->set[a]) == 0)
			return false;
	}
	return true;
}

size_t search_narrow(struct search *s, const struct box *b)
{
	size_t before = s->cover_count, kept = 0;

	for (size_t i = 0; i < before; i++) {
		const struct box *other = s->cover[i];

		if (!meets(b, other))
			continue;
		s->cover[i] = s->cover[kept];
		s->cover[kept++] = other;
	}
	*s->steps -= *s->steps < before ? *s->steps : before;
	s->cover_count = kept;
	return before;
}

void search_widen(struct search *s, size_t before)
{
	s->cover_count = before;
}

/* What is left to be looked at: a box, and of each attribute 1 / how many values it has. */
struct piece {
	struct box box;
	float share[POLICY_ATTRIBUTES_MAX];
};

static float ones(uint64_t x)
{
	x -= x >> 1 & UINT64_C(0x5555555555555555);
	x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
	x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (float)(x * UINT64_C(0x0101010101010101) >> 56);
}

static void piece_set(struct piece *p, unsigned attribute, uint64_t set)
{
	p->box.set[attribute] = set;
	p->share[attribute] = 1 / ones(set);
}

/*
 * Attributes of which the other box has not every value that the piece has. 0: it takes all of the
 * piece; APART: nothing.
 */
#define APART UINT32_MAX
static uint32_t attributes_cut(const struct piece *p, const struct cover *other)
{
	uint32_t cut = other->care;

	for (uint32_t care = other->care; care != 0; care &= care - 1) {
		unsigned a = (unsigned)__builtin_ctz(care);

		if ((p->box.set[a] & other->box->set[a]) == 0)
			return APART;
		if ((p->box.set[a] & ~other->box->set[a]) == 0)
			cut &= ~(uint32_t)BIT(a);
	}
	return cut;
}

/* What part of the piece a box takes away that meets it. */
static float taken(const struct piece *p, const struct cover *other)
{
	float part = 1;

	for (uint32_t care = other->care; care != 0; care &= care - 1) {
		unsigned a = (unsigned)__builtin_ctz(care);

		part *= ones(p->box.set[a] & other->box->set[a]) * p->share[a];
	}
	return part;
}

/* Copies what meets the piece from `from` to `to`, for its parts. False: one takes all of it. */
static bool meeting(const struct piece *p, const struct cover *from, size_t count, struct cover *to,
	size_t *ret_kept)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t cut = attributes_cut(p, &from[i]);

		if (cut == 0)
			return false;
		if (cut != APART)
			to[kept++] = (struct cover){from[i].box, cut};
	}
	*ret_kept = kept;
	return true;
}

/* Looks at s->lists[list..list + count); what meets the piece is copied to s->lists + top. */
static enum policy_answer remains(
	struct search *s, struct piece *p, size_t list, size_t count, size_t top, unsigned depth)
{
	struct cover best = {0};
	enum policy_answer answer = POLICY_NO;
	float most = -1;
	size_t kept;

	if (*s->steps < count + 1 || depth == DEPTH_MAX || top + count > LISTS_MAX) {
		if (*s->steps < count + 1)
			*s->steps = 0;
		return POLICY_UNDECIDED;
	}
	*s->steps -= count + 1;
	if (!meeting(p, s->lists + list, count, s->lists + top, &kept))
		return POLICY_NO;
	if (kept == 0) {
		s->found = p->box;
		return POLICY_YES;
	}
	for (size_t i = 0; i < kept; i++) {
		float part = taken(p, &s->lists[top + i]);

		if (part > most) {
			most = part;
			best = s->lists[top + i];
		}
	}
	for (uint32_t care = best.care; care != 0; care &= care - 1) {
		unsigned a = (unsigned)__builtin_ctz(care);
		struct piece outside = *p;

		piece_set(&outside, a, p->box.set[a] & ~best.box->set[a]);
		answer = answer_or(answer, remains(s, &outside, top, kept, top + kept, depth + 1));
		if (answer == POLICY_YES)
			return answer;
		piece_set(p, a, p->box.set[a] & best.box->set[a]);
	}
	return answer;
}

enum policy_answer search_remains(struct search *s, const struct box *b)
{
	struct piece p = {.box = *b};

	for (unsigned a = 0; a < s->attributes; a++) {
		if (b->set[a] == 0)
			return POLICY_NO;
		piece_set(&p, a, b->set[a]);
	}
	for (size_t i = 0; i < s->cover_count; i++)
		s->lists[i] = (struct cover){s->cover[i], s->cover[i]->care};
	return remains(s, &p, 0, s->cover_count, s->cover_count, 0);
}

/* ---- a family as boxes ---------------------------------------------------------------------- */

static uint64_t bits_moved(uint64_t bits, size_t members, const uint8_t *to)
{
	uint64_t moved = bits & (BIT(BIT_PUBLIC) | BIT(BIT_UNKNOWN));

	for (size_t i = 0; i < members; i++)
		if ((bits & BIT(i)) != 0)
			moved |= BIT(to[i]);
	return moved;
}

static void side_box(const struct side *s, const struct rule *r, const struct space *space,
	const uint8_t *members, struct box *ret_box)
{
	rule_box(r, space, ret_box);
	for (unsigned a = 0; members != NULL && a < s->attributes; a++)
		if (policy_attribute_get(s->family, a)->domain == POLICY_PARTY)
			ret_box->set[a] =
				bits_moved(ret_box->set[a], s->p->parties.members_count, members);
	ret_box->care = 0;
	for (unsigned a = 0; a < s->attributes; a++)
		if (ret_box->set[a] != (domain_known(space, s->family, a) | BIT(BIT_UNKNOWN)))
			ret_box->care |= (uint32_t)BIT(a);
}

bool side_init(struct side *s, const struct policy *p, enum policy_family f,
	const struct space *space, const uint8_t *members, struct arena *a)
{
	const struct table *t = &p->tables[f];

	*s = (struct side){.p = p,
		.family = f,
		.attributes = attributes_count(f),
		.count = t->count,
		.meets_count = t->conflicts_count};
	s->rules = ARENA_ARRAY(a, const struct rule *, t->count + 1);
	s->boxes = ARENA_ARRAY(a, struct box, t->count + 1);
	s->meets = ARENA_ARRAY(a, struct box, t->conflicts_count + 1);
	s->permits = ARENA_ARRAY(a, const struct box *, t->count + 1);
	s->denies = ARENA_ARRAY(a, const struct box *, t->count + t->conflicts_count + 1);
	s->permit_rules = ARENA_ARRAY(a, uint16_t, t->count + 1);
	if (s->rules == NULL || s->boxes == NULL || s->meets == NULL || s->permits == NULL ||
		s->denies == NULL || s->permit_rules == NULL)
		return false;
	for (unsigned i = 0; i < t->count; i++) {
		s->rules[i] = &p->rules[t->rules[i]];
		side_box(s, s->rules[i], space, members, &s->boxes[i]);
		if (s->rules[i]->effect == POLICY_PERMIT) {
			s->permit_rules[s->permits_count] = (uint16_t)i;
			s->permits[s->permits_count++] = &s->boxes[i];
		} else if (s->rules[i]->effect != POLICY_REQUIRE) {
			s->denies[s->denies_count++] = &s->boxes[i];
		}
	}
	for (unsigned i = 0; i < t->conflicts_count; i++) {
		(void)box_meet(&s->boxes[t->conflicts[i].a], &s->boxes[t->conflicts[i].b],
			s->attributes, &s->meets[i]);
		s->meets[i].care =
			s->boxes[t->conflicts[i].a].care | s->boxes[t->conflicts[i].b].care;
		s->denies[s->denies_count++] = &s->meets[i];
	}
	return true;
}

/* ---- one case of a box ---------------------------------------------------------------------- */

void box_case(const struct box *b, const struct space *space, enum policy_family f,
	const struct range *ranges, struct policy_case *ret_case)
{
	int sector = attribute_sector(f);

	policy_case_init(ret_case, f);
	for (unsigned a = 0; a < attributes_count(f); a++) {
		unsigned bit = (unsigned)__builtin_ctzll(b->set[a]);
		int32_t value = bit_value(space, f, a, bit);
		const struct policy_attribute *row = policy_attribute_get(f, a);

		if (row->domain == POLICY_NUMBER && ranges != NULL && bit != BIT_UNKNOWN &&
			value < ranges[a].least)
			value = ranges[a].least;
		/* A sender other than the recipient reads better. */
		if (f == POLICY_EXCHANGE && a == POLICY_TO &&
			value == ret_case->values[POLICY_FROM] &&
			(b->set[POLICY_FROM] & (b->set[POLICY_FROM] - 1)) != 0)
			ret_case->values[POLICY_FROM] = bit_value(space, f, POLICY_FROM,
				(unsigned)__builtin_ctzll(
					b->set[POLICY_FROM] & (b->set[POLICY_FROM] - 1)));
		ret_case->values[a] = value;
	}
	if (sector >= 0 && ret_case->values[sector] != POLICY_UNKNOWN)
		ret_case->sectors = BIT(ret_case->values[sector]);
}
