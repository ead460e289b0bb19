/* SPDX-License-Identifier: MPL-2.0 */
/* The standing questions about a policy, asked before it is put on the table. */
#include <stdlib.h>

#include "boxes.h"

#define SIDE_BYTES_MAX MIB(16)

struct analysis {
	const struct policy *p;
	const struct side *s;
	struct search search;
	uint64_t budget, left;
	void (*each)(void *context, const struct policy_result *result);
	void *context;
};

static struct search *begin(struct analysis *a)
{
	a->left = a->budget;
	search_clear(&a->search);
	return &a->search;
}

static int place_rule(const struct analysis *a, unsigned place)
{
	return a->p->tables[a->s->family].rules[place];
}

/* Tell a YES or an UNDECIDED; the witness lies in `box`, if there is one. */
static void tell(struct analysis *a, enum policy_trouble trouble, enum policy_answer answer,
	int rule, int other, int attribute, const struct box *box)
{
	struct policy_result r = {.trouble = trouble,
		.answer = answer,
		.family = a->s->family,
		.rule = rule,
		.other = other,
		.attribute = attribute,
		.has_witness = box != NULL && answer == POLICY_YES};

	if (answer == POLICY_NO)
		return;
	if (r.has_witness)
		box_case(box, &a->p->space, a->s->family, NULL, &r.witness);
	a->each(a->context, &r);
}

/* ---- dead and shadowed ---------------------------------------------------------------------- */

static void subtract_denies_but(struct analysis *a, unsigned place)
{
	const struct table *t = &a->p->tables[a->s->family];

	for (unsigned i = 0; i < a->s->count; i++)
		if (i != place && (a->s->rules[i]->effect == POLICY_FORBID ||
					  a->s->rules[i]->effect == POLICY_NEVER))
			search_subtract(&a->search, &a->s->boxes[i]);
	for (unsigned i = 0; i < t->conflicts_count; i++)
		if (t->conflicts[i].a != place && t->conflicts[i].b != place)
			search_subtract(&a->search, &a->s->meets[i]);
}

/* Rules other than `place` that demand at least as much of one obligation. */
static void subtract_as_strict(
	struct analysis *a, unsigned place, unsigned duty, int64_t strictness)
{
	for (unsigned i = 0; i < a->s->count; i++)
		if (i != place && duty_strictness(&a->s->rules[i]->duties, duty) >= strictness)
			search_subtract(&a->search, &a->s->boxes[i]);
}

/* Does some permitted case of the region owe an obligation to this rule alone? */
static enum policy_answer duty_lost(struct analysis *a, unsigned place, const struct box *region)
{
	enum policy_answer answer = POLICY_NO;

	for (unsigned d = 0; d < duties_count && answer != POLICY_YES; d++) {
		int64_t strictness = duty_strictness(&a->s->rules[place]->duties, d);

		if (strictness == INT64_MIN)
			continue;
		search_clear(&a->search);
		search_subtract_all(&a->search, a->s->denies, a->s->denies_count);
		subtract_as_strict(a, place, d, strictness);
		answer = answer_or(answer, search_remains(&a->search, region));
	}
	return answer;
}

/* Is some case denied only because this rule's obligations contradict another's? */
static enum policy_answer contradiction_lost(struct analysis *a, unsigned place)
{
	const struct table *t = &a->p->tables[a->s->family];
	enum policy_answer answer = POLICY_NO;

	search_clear(&a->search);
	subtract_denies_but(a, place);
	for (unsigned i = 0; i < t->conflicts_count; i++) {
		if (t->conflicts[i].a != place && t->conflicts[i].b != place)
			continue;
		for (unsigned k = 0; k < a->s->permits_count && answer != POLICY_YES; k++) {
			struct box both;

			if (a->s->permit_rules[k] != place &&
				box_meet(
					&a->s->meets[i], a->s->permits[k], a->s->attributes, &both))
				answer = answer_or(answer, search_remains(&a->search, &both));
		}
	}
	return answer;
}

/* Would a case be decided otherwise without this permit? */
static enum policy_answer permit_matters(struct analysis *a, unsigned place)
{
	struct search *search = begin(a);
	enum policy_answer answer;

	search_subtract_all(search, a->s->denies, a->s->denies_count);
	for (unsigned i = 0; i < a->s->permits_count; i++)
		if (a->s->permit_rules[i] != place)
			search_subtract(search, a->s->permits[i]);
	answer = search_remains(search, &a->s->boxes[place]);
	if (answer != POLICY_YES)
		answer = answer_or(answer, duty_lost(a, place, &a->s->boxes[place]));
	if (answer != POLICY_YES)
		answer = answer_or(answer, contradiction_lost(a, place));
	return answer;
}

/* Of a forbid or a require: only where something is permitted can it matter. */
static enum policy_answer other_matters(struct analysis *a, unsigned place)
{
	enum policy_answer answer = POLICY_NO;
	bool forbid = a->s->rules[place]->effect == POLICY_FORBID;

	(void)begin(a);
	if (forbid)
		subtract_denies_but(a, place);
	for (unsigned i = 0; i < a->s->permits_count && answer != POLICY_YES; i++) {
		struct box both;

		if (!box_meet(&a->s->boxes[place], a->s->permits[i], a->s->attributes, &both))
			continue;
		answer = answer_or(answer,
			forbid ? search_remains(&a->search, &both) : duty_lost(a, place, &both));
	}
	if (!forbid && answer != POLICY_YES)
		answer = answer_or(answer, contradiction_lost(a, place));
	return answer;
}

static enum policy_answer turned(enum policy_answer answer)
{
	if (answer == POLICY_UNDECIDED)
		return answer;
	return answer == POLICY_YES ? POLICY_NO : POLICY_YES;
}

static void idle_rules(struct analysis *a)
{
	for (unsigned i = 0; i < a->s->count; i++) {
		enum policy_effect effect = a->s->rules[i]->effect;
		enum policy_answer dead = POLICY_NO;

		if (effect == POLICY_NEVER)
			continue; /* never clauses are there to change nothing */
		if (effect == POLICY_PERMIT) {
			struct search *search = begin(a);

			search_subtract_all(search, a->s->denies, a->s->denies_count);
			dead = turned(search_remains(search, &a->s->boxes[i]));
			tell(a, POLICY_DEAD, dead, place_rule(a, i), -1, -1, NULL);
		}
		if (dead != POLICY_YES)
			tell(a, POLICY_SHADOWED,
				turned(effect == POLICY_PERMIT ? permit_matters(a, i)
							       : other_matters(a, i)),
				place_rule(a, i), -1, -1, NULL);
	}
}

/* ---- pairs of rules ------------------------------------------------------------------------- */

static void meetings(struct analysis *a)
{
	for (unsigned i = 0; i < a->s->permits_count; i++) {
		for (unsigned k = 0; k < a->s->count; k++) {
			enum policy_effect effect = a->s->rules[k]->effect;
			struct box both;

			if ((effect == POLICY_FORBID || effect == POLICY_NEVER) &&
				box_meet(
					a->s->permits[i], &a->s->boxes[k], a->s->attributes, &both))
				tell(a, effect == POLICY_NEVER ? POLICY_BREACH : POLICY_OVERLAP,
					POLICY_YES, place_rule(a, a->s->permit_rules[i]),
					place_rule(a, k), -1, &both);
		}
	}
}

static void contradictions(struct analysis *a)
{
	const struct table *t = &a->p->tables[a->s->family];

	for (unsigned i = 0; i < t->conflicts_count; i++) {
		struct search *search = begin(a);
		enum policy_answer answer = POLICY_NO;

		for (unsigned k = 0; k < a->s->count; k++)
			if (a->s->rules[k]->effect == POLICY_FORBID ||
				a->s->rules[k]->effect == POLICY_NEVER)
				search_subtract(search, &a->s->boxes[k]);
		for (unsigned k = 0; k < a->s->permits_count && answer != POLICY_YES; k++) {
			struct box both;

			if (box_meet(&a->s->meets[i], a->s->permits[k], a->s->attributes, &both))
				answer = answer_or(answer, search_remains(search, &both));
		}
		tell(a, POLICY_CONTRADICTORY, answer, place_rule(a, t->conflicts[i].a),
			place_rule(a, t->conflicts[i].b), -1, &search->found);
	}
}

/* ---- what can flow -------------------------------------------------------------------------- */

static void everything(const struct analysis *a, struct box *ret_box)
{
	for (unsigned i = 0; i < a->s->attributes; i++)
		ret_box->set[i] = domain_known(&a->p->space, a->s->family, i) | BIT(BIT_UNKNOWN);
}

/* Rule: the permit by which; the case need not be the first that a decision would name. */
static void flow(
	struct analysis *a, enum policy_trouble trouble, int attribute, const struct box *region)
{
	struct search *search = begin(a);
	enum policy_answer answer = POLICY_NO;
	int rule = -1;

	search_subtract_all(search, a->s->denies, a->s->denies_count);
	for (unsigned i = 0; i < a->s->permits_count && answer != POLICY_YES; i++) {
		struct box piece;

		if (!box_meet(region, a->s->permits[i], a->s->attributes, &piece))
			continue;
		answer = answer_or(answer, search_remains(search, &piece));
		rule = answer == POLICY_YES ? place_rule(a, a->s->permit_rules[i]) : -1;
	}
	tell(a, trouble, answer, rule, -1, attribute, &search->found);
}

static void flows(struct analysis *a)
{
	struct box region = {0};

	for (unsigned i = 0; i < a->s->attributes; i++) {
		everything(a, &region);
		region.set[i] = BIT(BIT_UNKNOWN);
		flow(a, POLICY_UNKNOWN_FLOWS, (int)i, &region);
	}
	if (a->s->family == POLICY_EXCHANGE) {
		everything(a, &region);
		region.set[POLICY_TO] = BIT(BIT_PUBLIC);
		region.set[POLICY_PII] &= ~BIT(0); /* all but "none" */
		flow(a, POLICY_PII_PUBLIC, POLICY_PII, &region);
	}
}

/* A measure must end, be reviewed, and be open to appeal, whichever rules apply to it. */
static void endless(struct analysis *a)
{
	static const size_t wanted[] = {offsetof(struct policy_duties, max_hours),
		offsetof(struct policy_duties, review_hours),
		offsetof(struct policy_duties, appeal)};

	for (unsigned i = 0; i < a->s->permits_count; i++) {
		enum policy_answer answer = POLICY_NO;

		(void)begin(a);
		for (unsigned d = 0; d < duties_count && answer != POLICY_YES; d++) {
			if (duties[d].offset != wanted[0] && duties[d].offset != wanted[1] &&
				duties[d].offset != wanted[2])
				continue;
			search_clear(&a->search);
			search_subtract_all(&a->search, a->s->denies, a->s->denies_count);
			subtract_as_strict(a, a->s->count, d, INT64_MIN + 1);
			answer = answer_or(answer, search_remains(&a->search, a->s->permits[i]));
		}
		tell(a, POLICY_ENDLESS, answer, place_rule(a, a->s->permit_rules[i]), -1, -1,
			&a->search.found);
	}
}

enum err_kind policy_analyse(const struct policy *p, uint64_t steps,
	void (*each)(void *context, const struct policy_result *result), void *context,
	struct err *e)
{
	enum err_kind kind = OK;

	for (unsigned f = POLICY_EXCHANGE; kind == OK && f <= POLICY_MEASURE; f++) {
		struct arena *arena = arena_new(SIDE_BYTES_MAX);
		struct side s;
		struct analysis a = {
			.p = p, .s = &s, .budget = steps, .each = each, .context = context};

		if (arena == NULL ||
			!side_init(&s, p, (enum policy_family)f, &p->space, NULL, arena) ||
			!search_init(&a.search, s.attributes, &a.left)) {
			kind = err_set(e, ERR_NOMEM, "policy: out of memory");
		} else {
			idle_rules(&a);
			meetings(&a);
			contradictions(&a);
			flows(&a);
			if (f == POLICY_MEASURE)
				endless(&a);
		}
		search_fini(&a.search);
		arena_free(arena);
	}
	return kind;
}

/* ---- what may be tabled --------------------------------------------------------------------- */

struct tabling {
	const struct policy *p;
	struct err *e;
	enum err_kind kind;
};

static void tabling_look(void *context, const struct policy_result *r)
{
	struct tabling *t = context;
	struct slice rule = policy_rule_id(t->p, r->rule), other = policy_rule_id(t->p, r->other);
	struct buf witness = BUF_INIT;

	if (t->kind == ERR_INVALID || (r->trouble != POLICY_BREACH && r->answer == POLICY_YES))
		return;
	if (r->answer == POLICY_UNDECIDED) {
		if (t->kind == OK)
			t->kind = err_set(t->e, ERR_LIMIT,
				"policy: whether rule \"%.*s\" is %s could not be decided within "
				"the budget",
				SLICE_ARG(rule), policy_trouble_name(r->trouble));
		return;
	}
	policy_case_write(t->p, &r->witness, &witness);
	t->kind = err_set(t->e, ERR_INVALID,
		"policy: rule \"%.*s\" permits what \"%.*s\" says is never to be, such as %.*s",
		SLICE_ARG(rule), SLICE_ARG(other), SLICE_ARG(buf_slice(&witness)));
	buf_fini(&witness);
}

enum err_kind policy_tabling(const struct policy *p, uint64_t steps, struct err *e)
{
	struct tabling t = {p, e, OK};
	enum err_kind kind = policy_analyse(p, steps, tabling_look, &t, e);

	return kind != OK ? kind : t.kind;
}

static const char *const troubles[] = {
	[POLICY_DEAD] = "dead",
	[POLICY_SHADOWED] = "shadowed",
	[POLICY_OVERLAP] = "overlap",
	[POLICY_BREACH] = "breach",
	[POLICY_UNKNOWN_FLOWS] = "unknown-flows",
	[POLICY_CONTRADICTORY] = "contradictory",
	[POLICY_PII_PUBLIC] = "pii-public",
	[POLICY_ENDLESS] = "endless",
};

const char *policy_trouble_name(enum policy_trouble t)
{
	return (unsigned)t < COUNT_OF(troubles) ? troubles[t] : "?";
}
