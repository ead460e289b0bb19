/* SPDX-License-Identifier: MPL-2.0 */
/* Analyses and comparisons of policies, against the naive reading. */
#include "policy_brute.h"

/* ---- analyses ------------------------------------------------------------------------------- */

struct found {
	struct round *r;
	bool dead[RULES_MOST], shadowed[RULES_MOST];
	bool meets[RULES_MOST][RULES_MOST], contradictory[RULES_MOST][RULES_MOST];
	bool unknown[FIELDS], pii_public;
};

static void analysis_take(void *context, const struct policy_result *result)
{
	struct found *f = context;
	unsigned place[FIELDS];

	if (result->answer != POLICY_YES)
		differ(f->r, "an analysis that could not be decided");
	if (result->has_witness)
		places_of(&result->witness, place);
	switch (result->trouble) {
	case POLICY_DEAD:
		f->dead[result->rule] = true;
		break;
	case POLICY_SHADOWED:
		f->shadowed[result->rule] = true;
		break;
	case POLICY_OVERLAP:
	case POLICY_BREACH:
		f->meets[result->rule][result->other] = true;
		same(f->r,
			rule_matches(&f->r->after.rules[result->rule], place, f->r->bug) &&
				rule_matches(&f->r->after.rules[result->other], place, f->r->bug),
			"witness of a meeting");
		break;
	case POLICY_CONTRADICTORY:
		f->contradictory[result->rule][result->other] = true;
		break;
	case POLICY_UNKNOWN_FLOWS:
		for (unsigned i = 0; i < FIELDS; i++)
			if (fields[i].attribute == result->attribute)
				f->unknown[i] = true;
		break;
	case POLICY_PII_PUBLIC:
		f->pii_public = true;
		break;
	default:
		break;
	}
}

static bool verdicts_same(const struct verdict *a, const struct verdict *b)
{
	return a->allowed == b->allowed && memcmp(&a->must, &b->must, sizeof(a->must)) == 0;
}

static void rules_check(struct round *r, const struct found *f)
{
	for (unsigned i = 0; i < r->after.count; i++) {
		const struct naive_rule *rule = &r->after.rules[i];
		bool dead = true, shadowed = true;

		FOR_ALL_CASES(r)
		{
			struct verdict with = decide(&r->after, r->place, -1, r->bug);
			struct verdict without = decide(&r->after, r->place, (int)i, r->bug);

			if (with.allowed && rule_matches(rule, r->place, r->bug))
				dead = false;
			if (!verdicts_same(&with, &without))
				shadowed = false;
		}
		if (rule->effect == POLICY_NEVER) {
			same(r, !f->dead[i] && !f->shadowed[i], "a never is no idle rule");
			continue;
		}
		if (rule->effect == POLICY_PERMIT)
			same(r, f->dead[i] == dead, "dead");
		if (rule->effect != POLICY_PERMIT || !dead)
			same(r, f->shadowed[i] == shadowed, "shadowed");
	}
}

static bool permitted_but_for_contradictions(struct round *r)
{
	bool permit = false;

	for (unsigned i = 0; i < r->after.count; i++) {
		if (!rule_matches(&r->after.rules[i], r->place, r->bug))
			continue;
		permit |= r->after.rules[i].effect == POLICY_PERMIT;
		if (r->after.rules[i].effect == POLICY_FORBID ||
			r->after.rules[i].effect == POLICY_NEVER)
			return false;
	}
	return permit;
}

static void pairs_check(struct round *r, const struct found *f)
{
	for (unsigned i = 0; i < r->after.count; i++) {
		for (unsigned k = 0; k < r->after.count; k++) {
			const struct naive_rule *a = &r->after.rules[i], *b = &r->after.rules[k];
			bool meet = false, contradict = false;
			struct demand both = a->must;

			demand_join(&both, &b->must, false);
			FOR_ALL_CASES(r)
			{
				if (!rule_matches(a, r->place, r->bug) ||
					!rule_matches(b, r->place, r->bug))
					continue;
				meet = true;
				contradict |= i < k && contradicts(&both) &&
					      permitted_but_for_contradictions(r);
			}
			meet = meet && a->effect == POLICY_PERMIT &&
			       (b->effect == POLICY_FORBID || b->effect == POLICY_NEVER);
			same(r, f->meets[i][k] == meet, "overlap or breach");
			same(r, f->contradictory[i][k] == contradict, "contradictory");
		}
	}
}

void analyses_check(struct round *r)
{
	struct found f = {.r = r};
	bool unknown[FIELDS] = {false}, pii_public = false, breach = false;
	enum err_kind tabling;
	struct err e;

	assert_int_equal(policy_analyse(r->is, POLICY_STEPS, analysis_take, &f, &e), OK);
	rules_check(r, &f);
	pairs_check(r, &f);
	FOR_ALL_CASES(r)
	{
		if (!decide(&r->after, r->place, -1, r->bug).allowed)
			continue;
		for (unsigned i = 0; i < FIELDS; i++)
			unknown[i] |= fields[i].values[r->place[i]] == UNKNOWN;
		pii_public |= fields[TO].values[r->place[TO]] == POLICY_PUBLIC && r->place[3] != 0;
	}
	for (unsigned i = 0; i < FIELDS; i++)
		if (r->active[i])
			same(r, f.unknown[i] == unknown[i], "unknown flows");
	if (r->active[3])
		same(r, f.pii_public == pii_public, "personal data to the public");
	for (unsigned i = 0; i < r->after.count; i++)
		for (unsigned k = 0; k < r->after.count; k++)
			breach |= f.meets[i][k] && r->after.rules[k].effect == POLICY_NEVER;
	tabling = policy_tabling(r->is, POLICY_STEPS, &e);
	same(r, tabling == (breach ? ERR_INVALID : OK), "tabling");
}

/* ---- comparing ------------------------------------------------------------------------------ */

#define DUTIES 6
static const char *const duty_names[DUTIES] = {
	"retain_days", "delay_hours", "approvals", "encrypt", "attribution", "anonymous"};

static int32_t strictness(const struct demand *d, unsigned duty)
{
	const int32_t values[DUTIES] = {d->retain == 0 ? 0 : 100000 - d->retain, d->delay,
		d->approvals, d->encrypt, d->named, d->hidden};

	return values[duty];
}

struct changes {
	struct round *r;
	bool gained[5], lost[5], loosened[5][DUTIES], tightened[5][DUTIES];
};

static void change_take(void *context, const struct policy_difference *d)
{
	struct changes *c = context;
	unsigned place[FIELDS], duty = 0;
	struct verdict was, is;
	bool *flag, true_of_witness;

	if (d->answer != POLICY_YES) {
		differ(c->r, "a comparison that could not be decided");
		return;
	}
	places_of(&d->witness, place);
	was = decide(&c->r->before, place, -1, c->r->bug);
	is = decide(&c->r->after, place, -1, c->r->bug);
	while (d->duty != NULL && strcmp(d->duty, duty_names[duty]) != 0)
		duty++;
	switch (d->change) {
	case POLICY_GAINED:
		flag = &c->gained[place[TO]];
		true_of_witness = !was.allowed && is.allowed && is.rule == d->rule;
		break;
	case POLICY_LOST:
		flag = &c->lost[place[TO]];
		true_of_witness = was.allowed && !is.allowed && was.rule == d->rule;
		break;
	case POLICY_LOOSENED:
		flag = &c->loosened[place[TO]][duty];
		true_of_witness = was.allowed && is.allowed &&
				  strictness(&was.must, duty) > strictness(&is.must, duty);
		break;
	default:
		flag = &c->tightened[place[TO]][duty];
		true_of_witness = was.allowed && is.allowed &&
				  strictness(&was.must, duty) < strictness(&is.must, duty);
	}
	same(c->r, true_of_witness, "witness of a change");
	same(c->r, !*flag, "a change is told once");
	same(c->r, fields[TO].values[place[TO]] == d->to, "recipient of a change");
	*flag = true;
}

void compare_check(struct round *r)
{
	struct changes found = {.r = r}, true_ones = {.r = r};
	struct err e;

	assert_int_equal(policy_compare(r->was, r->is, POLICY_STEPS, change_take, &found, &e), OK);
	FOR_ALL_CASES(r)
	{
		struct verdict was = decide(&r->before, r->place, -1, r->bug);
		struct verdict is = decide(&r->after, r->place, -1, r->bug);
		unsigned to = r->place[TO];

		true_ones.gained[to] |= !was.allowed && is.allowed;
		true_ones.lost[to] |= was.allowed && !is.allowed;
		for (unsigned d = 0; d < DUTIES && was.allowed && is.allowed; d++) {
			int32_t a = strictness(&was.must, d), b = strictness(&is.must, d);

			true_ones.loosened[to][d] |= a > b;
			true_ones.tightened[to][d] |= a < b;
		}
	}
	for (unsigned to = 0; to < 5; to++) {
		same(r, found.gained[to] == true_ones.gained[to], "gained");
		same(r, found.lost[to] == true_ones.lost[to], "lost");
		for (unsigned d = 0; d < DUTIES; d++) {
			same(r, found.loosened[to][d] == true_ones.loosened[to][d], "loosened");
			same(r, found.tightened[to][d] == true_ones.tightened[to][d], "tightened");
		}
	}
}
