/* SPDX-License-Identifier: MPL-2.0 */
/* The naive reading: deciding, making up, writing as JSON. */
#include "policy_naive.h"

#define TEXT_MAX POLICY_BYTES_MAX

/* ---- random numbers -------------------------------------------------------------------------- */

static uint64_t seed;

void dice_begin(uint64_t from)
{
	seed = from;
}

uint64_t dice_seed(void)
{
	return seed;
}

unsigned dice(unsigned sides)
{
	seed += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t x = seed;

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (unsigned)((x ^ (x >> 31)) % sides);
}

/* ---- the naive policy ------------------------------------------------------------------------ */

const struct field fields[FIELDS] = {
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

bool rule_matches(const struct naive_rule *r, const unsigned place[FIELDS], enum bug bug)
{
	for (unsigned i = 0; i < FIELDS; i++)
		if (!matches(&fields[i], &r->sets[i], r->effect, place[i], bug))
			return false;
	return true;
}

void demand_join(struct demand *d, const struct demand *with, bool loosest)
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

bool contradicts(const struct demand *d)
{
	return (d->named && d->hidden) || (d->retain != 0 && d->delay > d->retain * 24);
}

struct verdict decide(const struct naive *n, const unsigned place[FIELDS], int but, enum bug bug)
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

void set_random(struct set *s, const struct field *f)
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

void naive_random(struct naive *n, const bool active[FIELDS], unsigned most)
{
	n->count = 1 + dice(most);
	for (unsigned i = 0; i < n->count; i++)
		rule_random(&n->rules[i], active);
}

void naive_amend(struct naive *n, const bool active[FIELDS])
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

void sets_write(struct buf *b, const struct set sets[FIELDS])
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

struct buf naive_text(const struct naive *n)
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

struct policy *naive_parse(const struct naive *n, const struct policy_parties *parties)
{
	struct buf b = naive_text(n);
	struct policy *p = NULL;
	struct err e;

	if (policy_parse(buf_slice(&b), parties, NULL, &p, &e) != OK)
		fail_msg("%s: %.*s", e.text, SLICE_ARG(buf_slice(&b)));
	buf_fini(&b);
	return p;
}
