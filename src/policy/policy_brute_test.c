/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The engine against a naive reading of docs/policy.md: random small policies, whose every case is
 * decided one by one, rule by rule, value by value. Decisions, obligations, who can receive, dead
 * and shadowed rules, meetings, flows and comparisons must be the same. That the comparison sees
 * anything at all is shown by readings that are wrong on purpose.
 *
 * SERAI_POLICY_CASES (20,000): decisions and, apart from them, questions compared.
 * SERAI_POLICY_SEED (1).
 */
#include "policy_testing.h"

#define UNKNOWN     POLICY_UNKNOWN
#define RULES_MOST  10
#define LARGE_MOST  320 /* rules of a policy whose cases are only sampled: five words of bits */
#define LARGE_CASES 200
#define ACTIVE_MOST 5
#define VALUES_MOST 10
#define TEXT_MAX    POLICY_BYTES_MAX

/* ---- random numbers ------------------------------------------------------------------------- */

static uint64_t seed;

static unsigned dice(unsigned sides)
{
	seed += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t x = seed;

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (unsigned)((x ^ (x >> 31)) % sides);
}

/* ---- the naive policy ----------------------------------------------------------------------- */

/* The attributes that rules may mention, and the values that can make a difference. */
static const struct field {
	int attribute;
	const char *name;
	bool order, number, guarded, none_apart, none_guarded;
	unsigned count;
	int32_t values[VALUES_MOST];
	const char *names[VALUES_MOST];
	int32_t fixed; /* when no rule mentions it */
} fields[] = {
	{POLICY_TO,          "to",          0, 0, 1, 0, 0, 5, {0, 1, 2, POLICY_PUBLIC, UNKNOWN},
         {"kg", "kz", "tj", "public", "unknown"},                                                     0 },
	{POLICY_TLP,         "tlp",         1, 0, 1, 1, 1, 7, {0, 1, 2, 3, 4, 5, UNKNOWN},
         {"none", "clear", "green", "amber", "amber+strict", "red", "unknown"},                       2 },
	{POLICY_CONFIDENCE,  "confidence",  1, 1, 0, 0, 0, 5, {0, 20, 50, 51, UNKNOWN},          {0}, 50},
	{POLICY_PII,         "pii",         0, 0, 1, 0, 0, 4, {0, 1, 2, UNKNOWN},
         {"none", "pseudonymous", "personal", "unknown"},                                             0 },
	{POLICY_ACT,         "act",         0, 0, 1, 0, 0, 4, {0, 1, 2, UNKNOWN},
         {"share", "reshare", "publish", "unknown"},                                                  0 },
	{POLICY_SECTOR,      "sector",      0, 0, 0, 0, 0, 5, {0, 1, 2, 3, UNKNOWN},
         {"energy", "transport", "telecom", "industry", "unknown"},                                   0 },
	{POLICY_TO_AFFECTED, "to_affected", 0, 0, 0, 0, 0, 3, {0, 1, UNKNOWN},
         {"false", "true", "unknown"},								0 },
	{POLICY_PAP,         "pap",         1, 0, 1, 1, 0, 6, {0, 1, 2, 3, 4, UNKNOWN},
         {"none", "clear", "green", "amber", "red", "unknown"},                                       0 },
};
#define FIELDS COUNT_OF(fields)
#define TO     0

enum mode { LEFT_OUT, LIST, NOT, ORDER };
struct set {
	enum mode mode;
	bool has[VALUES_MOST]; /* LIST, NOT: by place */
	int32_t least, most;   /* ORDER */
	bool unknown;
};
/* Obligations: 0 is absent. */
struct demand {
	int32_t retain, delay, approvals, encrypt, named, hidden;
};
struct naive_rule {
	enum policy_effect effect;
	struct set sets[FIELDS];
	struct demand must;
};
struct naive {
	unsigned count;
	struct naive_rule rules[LARGE_MOST];
};

/* Readings that are wrong on purpose. */
enum bug {
	NO_BUG,
	FORBID_LOSES,
	UNKNOWN_IN_ORDER,
	PUBLIC_LEFT_OUT,
	LOOSEST,
	NO_CONTRADICTION,
	NOT_KNOWS_UNKNOWN,
	BUGS
};

struct verdict {
	bool allowed, contradiction;
	int rule;
	struct demand must;
};

static bool matches(const struct field *f, const struct set *s, enum policy_effect effect,
	unsigned place, enum bug bug)
{
	int32_t v = f->values[place];
	bool permit = effect == POLICY_PERMIT;
	bool none = f->none_apart && v == 0;
	bool apart = v == UNKNOWN || v == POLICY_PUBLIC || none;

	switch (s->mode) {
	case LEFT_OUT:
		if (!permit || !f->guarded)
			return true;
		if (v == POLICY_PUBLIC && bug == PUBLIC_LEFT_OUT)
			return true;
		return v != UNKNOWN && v != POLICY_PUBLIC && !(none && f->none_guarded);
	case LIST:
		return s->has[place];
	case NOT:
		if (s->has[place])
			return false;
		return !permit ? bug != NOT_KNOWS_UNKNOWN || v != UNKNOWN : !apart;
	default:
		if (v == UNKNOWN)
			return !permit || s->unknown || bug == UNKNOWN_IN_ORDER;
		if (none)
			return !permit;
		return v >= s->least && v <= s->most;
	}
}

static bool rule_matches(const struct naive_rule *r, const unsigned place[FIELDS], enum bug bug)
{
	for (unsigned i = 0; i < FIELDS; i++)
		if (!matches(&fields[i], &r->sets[i], r->effect, place[i], bug))
			return false;
	return true;
}

static void demand_join(struct demand *d, const struct demand *with, bool loosest)
{
	if (with->retain != 0 && (d->retain == 0 || (with->retain < d->retain) != loosest))
		d->retain = with->retain;
	if (with->delay > d->delay)
		d->delay = with->delay;
	if (with->approvals > d->approvals)
		d->approvals = with->approvals;
	d->encrypt |= with->encrypt;
	d->named |= with->named;
	d->hidden |= with->hidden;
}

static bool contradicts(const struct demand *d)
{
	return (d->named && d->hidden) || (d->retain != 0 && d->delay > d->retain * 24);
}

/* but: a rule that is taken out, or -1. */
static struct verdict decide(
	const struct naive *n, const unsigned place[FIELDS], int but, enum bug bug)
{
	struct verdict v = {.rule = -1};
	int permit = -1, deny = -1;

	for (int i = 0; i < (int)n->count; i++) {
		const struct naive_rule *r = &n->rules[i];

		if (i == but || !rule_matches(r, place, bug))
			continue;
		if (r->effect == POLICY_PERMIT && permit < 0)
			permit = i;
		if ((r->effect == POLICY_FORBID || r->effect == POLICY_NEVER) && deny < 0)
			deny = i;
		if (r->effect == POLICY_PERMIT || r->effect == POLICY_REQUIRE)
			demand_join(&v.must, &r->must, bug == LOOSEST);
	}
	if (bug == FORBID_LOSES && permit >= 0)
		deny = -1;
	v.rule = deny >= 0 ? deny : permit;
	v.allowed = permit >= 0 && deny < 0;
	v.contradiction = v.allowed && contradicts(&v.must) && bug != NO_CONTRADICTION;
	if (v.contradiction)
		v.rule = -1;
	v.allowed = v.allowed && !v.contradiction;
	if (!v.allowed)
		v.must = (struct demand){0};
	return v;
}

/* ---- making policies up --------------------------------------------------------------------- */

static const int32_t bounds[] = {20, 50, 51};

static void set_random(struct set *s, const struct field *f)
{
	*s = (struct set){0};
	if (dice(3) == 0)
		return;
	if (f->order && dice(2) == 0) {
		s->mode = ORDER;
		s->unknown = dice(4) == 0;
		s->least = f->number ? 0 : 1;
		s->most = f->number ? 100 : f->values[f->count - 2];
		if (f->number && dice(2) == 0)
			s->least = bounds[dice(3)];
		else if (f->number)
			s->most = bounds[dice(3)] - 1;
		else if (dice(2) == 0)
			s->least += (int32_t)dice(3);
		else
			s->most -= (int32_t)dice(3);
		return;
	}
	if (f->number) {
		s->mode = LIST;
		s->has[f->count - 1] = true;
		return;
	}
	s->mode = dice(4) == 0 ? NOT : LIST;
	s->has[dice(3)] = true;
	for (unsigned i = 0; i < f->count; i++)
		s->has[i] |= dice(s->mode == NOT ? 5 : 2) == 0;
	if (f->attribute == POLICY_SECTOR)
		s->has[3] = false; /* stands for the sectors that no rule names */
}

static void demand_random(struct demand *d)
{
	static const int32_t days[] = {30, 90, 365}, hours[] = {24, 1000, 3000};

	*d = (struct demand){0};
	switch (dice(7)) {
	case 0:
		d->retain = days[dice(3)];
		break;
	case 1:
		d->delay = hours[dice(3)];
		break;
	case 2:
		d->approvals = 1 + (int32_t)dice(2);
		break;
	case 3:
		d->named = 1;
		break;
	case 4:
		d->hidden = dice(2) == 0;
		d->encrypt = 1;
		break;
	case 5:
		d->encrypt = 1;
		break;
	default:
		d->retain = days[1 + dice(2)];
		d->approvals = 1;
	}
}

static void rule_random(struct naive_rule *r, const bool active[FIELDS])
{
	static const enum policy_effect effects[] = {POLICY_PERMIT, POLICY_PERMIT, POLICY_PERMIT,
		POLICY_FORBID, POLICY_FORBID, POLICY_REQUIRE, POLICY_REQUIRE, POLICY_NEVER};

	*r = (struct naive_rule){.effect = effects[dice(COUNT_OF(effects))]};
	for (unsigned i = 0; i < FIELDS; i++)
		if (active[i])
			set_random(&r->sets[i], &fields[i]);
	if (r->effect == POLICY_REQUIRE || (r->effect == POLICY_PERMIT && dice(3) == 0))
		demand_random(&r->must);
}

static void naive_random(struct naive *n, const bool active[FIELDS], unsigned most)
{
	n->count = 1 + dice(most);
	for (unsigned i = 0; i < n->count; i++)
		rule_random(&n->rules[i], active);
}

/* As amendments are: a rule more, a rule less, a rule changed. */
static void naive_amend(struct naive *n, const bool active[FIELDS])
{
	unsigned at = dice(n->count);

	switch (dice(4)) {
	case 0:
		if (n->count < RULES_MOST)
			rule_random(&n->rules[n->count++], active);
		break;
	case 1:
		if (n->count > 1)
			n->rules[at] = n->rules[--n->count];
		break;
	case 2:
		if (n->rules[at].effect == POLICY_PERMIT || n->rules[at].effect == POLICY_REQUIRE)
			demand_random(&n->rules[at].must);
		break;
	default: {
		unsigned f = dice(FIELDS);

		if (active[f])
			set_random(&n->rules[at].sets[f], &fields[f]);
	}
	}
}

/* ---- as JSON -------------------------------------------------------------------------------- */

static void bound_write(struct buf *b, const struct field *f, int32_t v)
{
	if (f->number)
		buf_printf(b, "%d", v);
	else
		buf_printf(b, "\"%s\"", f->names[v]);
}

static void set_write(struct buf *b, const struct field *f, const struct set *s)
{
	const char *comma = "";

	buf_printf(b, "\"%s\":", f->name);
	if (s->mode == ORDER) {
		buf_text(b, "{\"ge\":");
		bound_write(b, f, s->least);
		buf_text(b, ",\"le\":");
		bound_write(b, f, s->most);
		buf_text(b, s->unknown ? ",\"unknown\":true}" : "}");
		return;
	}
	buf_text(b, s->mode == NOT ? "{\"not\":[" : "[");
	for (unsigned i = 0; i < f->count; i++) {
		bool bare = f->attribute == POLICY_TO_AFFECTED && f->values[i] != UNKNOWN;

		if (!s->has[i])
			continue;
		buf_printf(b, "%s%s%s%s", comma, bare ? "" : "\"",
			f->number ? "unknown" : f->names[i], bare ? "" : "\"");
		comma = ",";
	}
	buf_text(b, s->mode == NOT ? "]}" : "]");
}

static void sets_write(struct buf *b, const struct set sets[FIELDS])
{
	const char *comma = "";

	buf_char(b, '{');
	for (unsigned i = 0; i < FIELDS; i++) {
		if (sets[i].mode == LEFT_OUT)
			continue;
		buf_text(b, comma);
		set_write(b, &fields[i], &sets[i]);
		comma = ",";
	}
	buf_char(b, '}');
}

static void demand_write(struct buf *b, const struct demand *d)
{
	const char *comma = "";

	buf_text(b, ",\"must\":{");
	if (d->retain != 0)
		buf_printf(b, "\"retain_days\":%d", d->retain), comma = ",";
	if (d->delay != 0)
		buf_printf(b, "%s\"delay_hours\":%d", comma, d->delay), comma = ",";
	if (d->approvals != 0)
		buf_printf(b, "%s\"approvals\":%d", comma, d->approvals), comma = ",";
	if (d->encrypt)
		buf_printf(b, "%s\"encrypt\":true", comma), comma = ",";
	if (d->named || d->hidden)
		buf_printf(
			b, "%s\"attribution\":\"%s\"", comma, d->named ? "as-marked" : "withheld");
	buf_char(b, '}');
}

static struct buf naive_text(const struct naive *n)
{
	struct buf b = BUF_MAX(TEXT_MAX);

	buf_text(&b, "{\"type\":\"policy\",\"name\":\"p\",\"version\":1,"
		     "\"expires\":\"2030-01-01T00:00:00Z\",\"rules\":[");
	for (unsigned i = 0; i < n->count; i++) {
		const struct naive_rule *r = &n->rules[i];

		buf_printf(&b,
			"%s{\"id\":\"r%u\",\"family\":\"exchange\",\"effect\":\"%s\","
			"\"when\":",
			i == 0 ? "" : ",", i, policy_effect_name(r->effect));
		sets_write(&b, r->sets);
		if (memcmp(&r->must, &(struct demand){0}, sizeof(r->must)) != 0)
			demand_write(&b, &r->must);
		buf_char(&b, '}');
	}
	buf_text(&b, "]}");
	return b;
}

static struct policy *naive_parse(const struct naive *n, const struct policy_parties *parties)
{
	struct buf b = naive_text(n);
	struct policy *p = NULL;
	struct err e;

	if (policy_parse(buf_slice(&b), parties, NULL, &p, &e) != OK)
		fail_msg("%s: %.*s", e.text, SLICE_ARG(buf_slice(&b)));
	buf_fini(&b);
	return p;
}

/* ---- one round ------------------------------------------------------------------------------ */

/* The same members in two orders: a comparison goes by name. */
static const struct slice members_forth[] = {
	{"kg", 2},
        {"kz", 2},
        {"tj", 2}
};
static const struct slice members_back[] = {
	{"tj", 2},
        {"kg", 2},
        {"kz", 2}
};
static const struct policy_parties forth = {members_forth, 3}, back = {members_back, 3};

struct round {
	bool active[FIELDS];
	unsigned place[FIELDS];
	unsigned fixed[FIELDS];
	struct naive before, after;
	struct policy *was, *is;
	enum bug bug;
	bool questions_only;
	uint64_t decisions, questions;
	const char *difference; /* the first that was found */
};

static void differ(struct round *r, const char *what)
{
	if (r->difference == NULL)
		r->difference = what;
}

static void same(struct round *r, bool is_same, const char *what)
{
	r->questions++;
	if (!is_same)
		differ(r, what);
}

static bool first_place(struct round *r)
{
	for (unsigned i = 0; i < FIELDS; i++)
		r->place[i] = r->active[i] ? 0 : r->fixed[i];
	return true;
}

static bool next_place(struct round *r)
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

#define FOR_ALL_CASES(r) for (bool more_ = first_place(r); more_; more_ = next_place(r))

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

/* A witness as places; a number falls to the greatest of ours that is not above it. */
static void places_of(const struct policy_case *c, unsigned place[FIELDS])
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

static void decisions_check(struct round *r)
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

/* Several sectors: each must be permitted, obligations join. */
static void sectors_check(struct round *r)
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

static void who_check(struct round *r)
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

static void analyses_check(struct round *r)
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

static void compare_check(struct round *r)
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

/* ---- large policies ------------------------------------------------------------------------- */

static void place_random(unsigned place[FIELDS])
{
	for (unsigned i = 0; i < FIELDS; i++)
		place[i] = dice(fields[i].count);
}

/* Too many cases to decide them all: decisions of some, and what they say of who can receive. */
static void large_check(struct round *r)
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
	r->is = naive_parse(&r->after, &forth);
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

/* ---- all of it ------------------------------------------------------------------------------ */

static void round_run(struct round *r)
{
	unsigned others = 2 + dice(2);

	r->difference = NULL;
	if (!r->questions_only && dice(20) == 0) {
		large_check(r);
		r->before.count = 0;
		return;
	}
	for (unsigned i = 0; i < FIELDS; i++) {
		r->active[i] = i == TO;
		r->fixed[i] = fields[i].count - 1;
		for (unsigned k = 0; k < fields[i].count; k++)
			if (fields[i].values[k] == fields[i].fixed)
				r->fixed[i] = k;
	}
	for (unsigned i = 0; i < others; i++)
		r->active[1 + dice(FIELDS - 1)] = true;
	naive_random(&r->before, r->active, RULES_MOST);
	r->after = r->before;
	if (dice(4) == 0)
		naive_random(&r->after, r->active, RULES_MOST);
	else
		naive_amend(&r->after, r->active);
	r->was = naive_parse(&r->before, dice(2) == 0 ? &forth : &back);
	r->is = naive_parse(&r->after, &forth);
	if (!r->questions_only) {
		decisions_check(r);
		sectors_check(r);
	}
	who_check(r);
	analyses_check(r);
	compare_check(r);
	policy_free(r->was);
	policy_free(r->is);
}

static uint64_t wanted(const char *name, uint64_t preset)
{
	uint64_t n;

	return slice_to_u64(slice_of(getenv(name)), &n) ? n : preset;
}

static void test_same(void **state)
{
	uint64_t cases = wanted("SERAI_POLICY_CASES", 20000), rounds = 0;
	struct round r = {.bug = NO_BUG};

	(void)state;
	seed = wanted("SERAI_POLICY_SEED", 1);
	while (r.decisions < cases || r.questions < cases) {
		uint64_t began = seed;

		round_run(&r);
		rounds++;
		if (r.difference != NULL) {
			struct buf before = naive_text(&r.before), after = naive_text(&r.after);

			fail_msg("%s (SERAI_POLICY_SEED=%llu)\n%.*s\n%.*s", r.difference,
				(unsigned long long)began, SLICE_ARG(buf_slice(&before)),
				SLICE_ARG(buf_slice(&after)));
		}
	}
	print_message("%llu policies, %llu decisions, %llu answers: no difference\n",
		(unsigned long long)rounds, (unsigned long long)r.decisions,
		(unsigned long long)r.questions);
}

/* Each wrong reading is found out, and soon: by decisions, and by questions alone. */
static void test_wrong_readings(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 2 * (BUGS - 1); n++) {
		struct round r = {.bug = NO_BUG + 1 + n / 2, .questions_only = n % 2 == 1};

		seed = 7;
		do
			round_run(&r);
		while (r.difference == NULL && r.questions < 20000);
		if (r.difference == NULL)
			fail_msg("wrong reading %d was not found", (int)r.bug);
		print_message("wrong reading %d: \"%s\" after %llu decisions, %llu answers\n",
			(int)r.bug, r.difference, (unsigned long long)r.decisions,
			(unsigned long long)r.questions);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_wrong_readings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
