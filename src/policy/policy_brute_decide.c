/* SPDX-License-Identifier: MPL-2.0 */
/* Decisions, obligations and who can receive, against the naive reading. */
#include "policy_brute.h"

#define LARGE_CASES 200

void differ(struct round *r, const char *what)
{
	if (r->difference == NULL)
		r->difference = what;
}

void same(struct round *r, bool is_same, const char *what)
{
	r->questions++;
	if (!is_same)
		differ(r, what);
}

bool first_place(struct round *r)
{
	for (unsigned i = 0; i < FIELDS; i++)
		r->place[i] = r->active[i] ? 0 : r->fixed[i];
	return true;
}

bool next_place(struct round *r)
{
	for (unsigned i = 0; i < FIELDS; i++) {
		if (!r->active[i])
			continue;
		if (++r->place[i] < fields[i].count)
			return true;
		r->place[i] = 0;
	}
	return false;
}

static struct policy_case case_of(const unsigned place[FIELDS])
{
	struct policy_case c;

	policy_case_init(&c, POLICY_EXCHANGE);
	c.values[POLICY_FROM] = 0;
	c.values[POLICY_KIND] = 6;
	c.values[POLICY_ORIGIN] = 0;
	for (unsigned i = 0; i < FIELDS; i++)
		c.values[fields[i].attribute] = fields[i].values[place[i]];
	return c;
}

void places_of(const struct policy_case *c, unsigned place[FIELDS])
{
	for (unsigned i = 0; i < FIELDS; i++) {
		const struct field *f = &fields[i];
		int32_t v = c->values[f->attribute];

		if (f->attribute == POLICY_SECTOR && v > 3)
			v = 3; /* no rule names these: all alike */
		place[i] = f->count - 1;
		for (unsigned k = 0; k + 1 < f->count; k++) {
			if (f->number ? v != UNKNOWN && f->values[k] <= v : f->values[k] == v)
				place[i] = k;
		}
	}
}

static bool duties_same(const struct policy_duties *d, const struct demand *m)
{
	return d->retain_days == (m->retain == 0 ? -1 : m->retain) &&
	       d->delay_hours == (m->delay == 0 ? -1 : m->delay) &&
	       d->approvals == (m->approvals == 0 ? -1 : m->approvals) &&
	       d->encrypt == m->encrypt && d->attribution == m->named && d->anonymous == m->hidden;
}

void decisions_check(struct round *r)
{
	FOR_ALL_CASES(r)
	{
		struct policy_case c = case_of(r->place);
		struct verdict v = decide(&r->after, r->place, -1, r->bug);
		struct policy_decision d;

		policy_decide(r->is, &c, &d);
		r->decisions++;
		if (d.allowed != v.allowed || d.rule != v.rule ||
			d.contradiction != v.contradiction || !duties_same(&d.duties, &v.must))
			differ(r, "decision");
	}
}

void sectors_check(struct round *r)
{
	for (unsigned n = 0; n < 8; n++) {
		unsigned place[FIELDS];
		struct policy_case c;
		struct policy_decision d;
		struct verdict all = {.allowed = true};
		uint64_t sectors = 1 + dice(7);

		for (unsigned i = 0; i < FIELDS; i++)
			place[i] = r->active[i] ? dice(fields[i].count) : r->fixed[i];
		c = case_of(place);
		c.sectors = sectors;
		for (unsigned s = 0; s < 3 && all.allowed; s++) {
			struct verdict one;

			if ((sectors >> s & 1) == 0)
				continue;
			place[5] = s;
			one = decide(&r->after, place, -1, r->bug);
			/* a contradiction within one sector is one of the whole */
			all.allowed = one.allowed || one.contradiction;
			for (unsigned k = 0; k < r->after.count; k++)
				if (r->after.rules[k].effect != POLICY_FORBID &&
					rule_matches(&r->after.rules[k], place, r->bug))
					demand_join(&all.must, &r->after.rules[k].must,
						r->bug == LOOSEST);
		}
		all.allowed = all.allowed && !contradicts(&all.must);
		policy_decide(r->is, &c, &d);
		r->decisions++;
		if (d.allowed != all.allowed || (d.allowed && !duties_same(&d.duties, &all.must)))
			differ(r, "decision over several sectors");
	}
}

/* A question's set: what is written, and nothing more. */
static bool asked(const struct field *f, const struct set *s, unsigned place)
{
	int32_t v = f->values[place];

	switch (s->mode) {
	case LEFT_OUT:
		return true;
	case LIST:
		return s->has[place];
	case NOT:
		return v != UNKNOWN && !s->has[place];
	default:
		if (v == UNKNOWN)
			return s->unknown;
		return !(f->none_apart && v == 0) && v >= s->least && v <= s->most;
	}
}

static bool all_asked(const struct set sets[FIELDS], const unsigned place[FIELDS])
{
	for (unsigned i = 0; i < FIELDS; i++)
		if (!asked(&fields[i], &sets[i], place[i]))
			return false;
	return true;
}

void who_check(struct round *r)
{
	struct set sets[FIELDS] = {0};
	bool can[5] = {false};
	struct buf text = BUF_INIT;
	struct json_parser *parser = json_parser_new(KIB(16));
	struct arena *a = arena_new(MIB(1));
	struct json_doc doc;
	struct policy_box *box;
	enum policy_answer answers[4];
	struct policy_case witnesses[4], one;
	uint64_t steps = POLICY_STEPS;
	enum policy_answer any;
	unsigned place[FIELDS];
	struct err e;

	for (unsigned i = 0; i < FIELDS; i++)
		if (r->active[i] && dice(2) == 0)
			set_random(&sets[i], &fields[i]);
	sets_write(&text, sets);
	assert_int_equal(json_parse(parser, buf_slice(&text), &doc, &e), OK);
	if (policy_box_parse(r->is, POLICY_EXCHANGE, json_root(&doc), a, &box, &e) != OK)
		fail_msg("%s", e.text);
	FOR_ALL_CASES(r)
	{
		if (all_asked(sets, r->place) && decide(&r->after, r->place, -1, r->bug).allowed)
			can[r->place[TO]] = true;
	}
	assert_int_equal(policy_who(r->is, box, &steps, answers, witnesses, &e), OK);
	for (unsigned i = 0; i < 4; i++) {
		same(r, answers[i] == (can[i] ? POLICY_YES : POLICY_NO), "who can receive");
		if (answers[i] != POLICY_YES)
			continue;
		places_of(&witnesses[i], place);
		same(r,
			place[TO] == i && all_asked(sets, place) &&
				decide(&r->after, place, -1, r->bug).allowed,
			"witness of who can receive");
	}
	any = policy_any(r->is, box, &steps, &one);
	same(r, (any == POLICY_YES) == (can[0] || can[1] || can[2] || can[3] || can[4]), "any");
	buf_fini(&text);
	json_parser_free(parser);
	arena_free(a);
}

/* ---- large policies ------------------------------------------------------------------------- */

static void place_random(unsigned place[FIELDS])
{
	for (unsigned i = 0; i < FIELDS; i++)
		place[i] = dice(fields[i].count);
}

void large_check(struct round *r, const struct policy_parties *parties)
{
	static const bool all[FIELDS] = {1, 1, 1, 1, 1, 1, 1, 1};
	enum policy_answer answers[4];
	struct policy_case witnesses[4];
	bool seen[5] = {false};
	uint64_t steps = POLICY_STEPS;
	unsigned place[FIELDS];
	struct arena *a = arena_new(MIB(1));
	struct policy_box *box;
	struct err e;

	naive_random(&r->after, all, LARGE_MOST);
	/* Forbids that say more, or a hundred of them leave nothing. */
	for (unsigned i = 0; i < r->after.count; i++)
		for (unsigned k = 0; k < 2 * FIELDS; k++)
			if ((r->after.rules[i].effect == POLICY_FORBID ||
				    r->after.rules[i].effect == POLICY_NEVER) &&
				r->after.rules[i].sets[k % FIELDS].mode == LEFT_OUT)
				set_random(
					&r->after.rules[i].sets[k % FIELDS], &fields[k % FIELDS]);
	r->is = naive_parse(&r->after, parties);
	for (unsigned n = 0; n < LARGE_CASES; n++) {
		struct verdict v;
		struct policy_decision d;
		struct policy_case c;

		place_random(place);
		c = case_of(place);
		v = decide(&r->after, place, -1, r->bug);
		policy_decide(r->is, &c, &d);
		r->decisions++;
		if (d.allowed != v.allowed || d.rule != v.rule ||
			d.contradiction != v.contradiction || !duties_same(&d.duties, &v.must))
			differ(r, "decision of a large policy");
		seen[place[TO]] |= v.allowed;
	}
	if (policy_box_parse(r->is, POLICY_EXCHANGE, (struct json_value){0}, a, &box, &e) != OK ||
		policy_who(r->is, box, &steps, answers, witnesses, &e) != OK)
		fail_msg("%s", e.text);
	for (unsigned i = 0; i < 4; i++) {
		same(r, answers[i] != POLICY_NO || !seen[i], "who can receive by a large policy");
		if (answers[i] != POLICY_YES)
			continue;
		places_of(&witnesses[i], place);
		same(r, decide(&r->after, place, -1, r->bug).allowed,
			"witness of who can receive by a large policy");
	}
	policy_free(r->is);
	arena_free(a);
}
