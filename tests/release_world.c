/* SPDX-License-Identifier: MPL-2.0 */
/* See release_world.h. */
#include "release_world.h"

#include <stdlib.h>

static uint64_t random_state;

void random_begin(uint64_t seed)
{
	random_state = seed;
}

unsigned pick(unsigned n)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)((random_state >> 33) % n);
}

bool chance(unsigned percent)
{
	return pick(100) < percent;
}

_Noreturn void broken(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

void must_be(enum err_kind kind, const struct err *e, const char *doing)
{
	if (kind == OK)
		return;
	fprintf(stderr, "%s: %s\n", doing, e->text);
	abort();
}

/* ---- what there is --------------------------------------------------------------------------- */

const char *const members[MEMBERS] = {"kg", "kz", "tj", "uz"};

static const char *const marks[MARK_KINDS] = {
	[CLEAR] = "94868c89-83c2-464b-929b-a1a8aa3c8487",
	[GREEN] = "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
	[AMBER] = "55d920b0-5e8b-4f79-9ee9-91f868d9b421",
	[STRICT] = "939a9414-2ddd-4d32-a0cd-375ea402b003",
	[RED] = "e828b379-4e03-4974-9ac4-e53a884c97c1",
	[MARK_STATEMENT] = "00000000-0000-4000-8000-0000000000aa",
	[MARK_MISSING] = "00000000-0000-4000-8000-0000000000bb",
	[MARK_EXTENSION] = "00000000-0000-4000-8000-0000000000cc",
	[MARK_DEFINED] = "00000000-0000-4000-8000-0000000000d1",
	[MARK_DEFINED + 1] = "00000000-0000-4000-8000-0000000000d2",
	[MARK_DEFINED + 2] = "00000000-0000-4000-8000-0000000000d3",
	[MARK_DEFINED + 3] = "00000000-0000-4000-8000-0000000000d4",
	[MARK_DEFINED + 4] = "00000000-0000-4000-8000-0000000000d5",
	[MARK_DEFINED + 5] = "00000000-0000-4000-8000-0000000000d6",
};

/* Kinds of objects with what is known of them; the rest of the JSON. The last: FLAVOUR_DEFINITION,
 * whose kind no rule names. */
#define INDIVIDUAL   ",\"name\":\"i\",\"identity_class\":\"individual\""
#define ORGANIZATION ",\"name\":\"i\",\"identity_class\":\"organization\""
#define REPORT       ",\"name\":\"r\",\"published\":\"2026-01-01T00:00:00.000Z\""
enum { PII_NO, PII_PSEUDO, PII_PERSON };
enum { TECHNICAL, EXPRESSION, MIXED };
static const struct {
	const char *type, *kind;
	int pii, content;
	const char *more;
} flavours[FLAVOURS + 1] = {
	{"malware",            "malware",            PII_NO,     TECHNICAL,  ",\"is_family\":false"       },
	{"tool",               "tool",               PII_NO,     TECHNICAL,  ",\"name\":\"t\""            },
	{"vulnerability",      "vulnerability",      PII_NO,     TECHNICAL,  ",\"name\":\"CVE-2026-0001\""},
	{"identity",           "identity",           PII_PERSON, TECHNICAL,  INDIVIDUAL                   },
	{"identity",           "identity",           PII_NO,     TECHNICAL,  ORGANIZATION                 },
	{"threat-actor",       "threat-actor",       PII_PSEUDO, TECHNICAL,  ",\"name\":\"x\""            },
	{"note",               "note",               UNKNOWN,    MIXED,      ",\"content\":\"n\""         },
	{"opinion",            "opinion",            UNKNOWN,    EXPRESSION, ",\"opinion\":\"agree\""     },
	{"report",             "report",             UNKNOWN,    UNKNOWN,    REPORT                       },
	{"x-mine",             "other",              UNKNOWN,    UNKNOWN,    ""                           },
	{"marking-definition", "marking-definition", PII_NO,     TECHNICAL,  ""                           },
};

static const char *const sector_names[] = {"energy", "telecom", "water"};

#define BIT_OF_UNKNOWN     UINT64_C(1) << 63
#define BIT_OF_PUBLIC      UINT64_C(1) << 62
#define KIND_NO_RULE_NAMES 40 /* a bit that no rule sets */

/* Names of values, in the order of their bits. */
static const char *const act_names[] = {"share", "reshare", "publish"};
static const char *const kind_names[] = {"malware", "tool", "vulnerability", "identity",
	"threat-actor", "note", "opinion", "report", "other"};
static const char *const tlp_names[] = {"none", "clear", "green", "amber", "amber+strict", "red"};
static const char *const pii_names[] = {"none", "pseudonymous", "personal"};
static const char *const origin_names[] = {"own", "received"};
static const char *const content_names[] = {"technical", "expression", "mixed"};
static const char *const pap_names[] = {"none", "clear", "green", "amber", "red"};
static const struct {
	const char *name;
	const char *const *values;
	unsigned count;
	bool number, guarded;
} attributes[ATTRIBUTES] = {
	[ACT] = {"act",         act_names,     3,       false, true },
	[TO] = {"to",          members,       MEMBERS, false, true },
	[KIND] = {"kind",        kind_names,    9,       false, true },
	[TLP] = {"tlp",         tlp_names,     6,       false, true },
	[SECTOR] = {"sector",      sector_names,  3,       false, false},
	[CONFIDENCE] = {"confidence",  NULL,          0,       true,  false},
	[AGE] = {"age_days",    NULL,          0,       true,  false},
	[PII] = {"pii",         pii_names,     3,       false, true },
	[ORIGIN] = {"origin",      origin_names,  2,       false, true },
	[AFFECTED] = {"to_affected", NULL,          0,       false, false},
	[CONTENT] = {"content",     content_names, 3,       false, false},
	[PAP] = {"pap",         pap_names,     5,       false, true },
};

/* ---- making a policy ------------------------------------------------------------------------- */

static void make_cond(struct cond *c, bool permit, enum attribute a)
{
	*c = (struct cond){.attribute = a};
	if (attributes[a].number) {
		c->form = chance(50) ? LE : GE;
		c->bound = (int)pick(a == AGE ? 700 : 100);
		return;
	}
	if ((a == TLP || a == PAP) && chance(50)) {
		c->form = chance(80) ? LE : GE;
		c->bound = 1 + (int)pick(attributes[a].count - 1);
		return;
	}
	c->form = chance(20) && a != AFFECTED ? NOT : LIST;
	do {
		unsigned count = a == AFFECTED ? 2 : attributes[a].count;

		for (unsigned v = 0; v < count; v++)
			if (chance(permit && c->form == LIST ? 65 : 25))
				c->values |= UINT64_C(1) << v;
		if (chance(25))
			c->values |= BIT_OF_UNKNOWN;
		if (a == TO && chance(40))
			c->values |= BIT_OF_PUBLIC;
	} while (c->values == 0);
}

static void make_rule(struct rule *r, bool permit)
{
	bool used[ATTRIBUTES] = {false};

	*r = (struct rule){.permit = permit};
	r->count = r->permit ? pick(CONDS) : 1 + pick(CONDS - 1);
	for (unsigned k = 0; k < r->count; k++) {
		enum attribute a;

		do
			a = (enum attribute)pick(ATTRIBUTES);
		while (used[a]);
		used[a] = true;
		make_cond(&r->conds[k], r->permit, a);
	}
	r->delay_hours = r->permit && chance(15) ? 1 + (int)pick(48) : 0;
	r->encrypt = r->permit && chance(15);
}

static void make_rules(struct world_of *w)
{
	w->rules_count = 1 + pick(RULES - 1);
	for (unsigned i = 0; i < w->rules_count; i++)
		make_rule(&w->rules[i], i == 0 || chance(65));
}

static void put_value(struct buf *out, enum attribute a, unsigned v)
{
	if (a == AFFECTED)
		buf_text(out, v == 1 ? "true" : "false");
	else
		buf_printf(out, "\"%s\"", attributes[a].values[v]);
}

static void put_cond(struct buf *out, const struct cond *c)
{
	bool any = false;

	buf_printf(out, "\"%s\":", attributes[c->attribute].name);
	if (c->form == LE || c->form == GE) {
		buf_printf(out, "{\"%s\":", c->form == LE ? "le" : "ge");
		if (!attributes[c->attribute].number)
			buf_printf(out, "\"%s\"}", attributes[c->attribute].values[c->bound]);
		else
			buf_printf(out, "%d}", c->bound);
		return;
	}
	buf_text(out, c->form == NOT ? "{\"not\":[" : "[");
	for (unsigned v = 0; v < 64; v++) {
		if ((c->values >> v & 1) == 0)
			continue;
		if (any)
			buf_char(out, ',');
		any = true;
		if (v == 63)
			buf_text(out, "\"unknown\"");
		else if (v == 62)
			buf_text(out, "\"public\"");
		else
			put_value(out, c->attribute, v);
	}
	buf_text(out, c->form == NOT ? "]}" : "]");
}

static void put_rule(struct buf *out, unsigned n, const struct rule *r)
{
	buf_printf(out, "%s{\"id\":\"r%u\",\"family\":\"exchange\",\"effect\":\"%s\",\"when\":{",
		n > 0 ? "," : "", n, r->permit ? "permit" : "forbid");
	for (unsigned k = 0; k < r->count; k++) {
		if (k > 0)
			buf_char(out, ',');
		put_cond(out, &r->conds[k]);
	}
	buf_char(out, '}');
	if (r->delay_hours > 0 || r->encrypt)
		buf_printf(out, ",\"must\":{%s", r->encrypt ? "\"encrypt\":true" : "");
	if (r->delay_hours > 0)
		buf_printf(out, "%s\"delay_hours\":%d", r->encrypt ? "," : "", r->delay_hours);
	if (r->delay_hours > 0 || r->encrypt)
		buf_char(out, '}');
	buf_char(out, '}');
}

void make_policy(struct world_of *w, struct buf *text)
{
	make_rules(w);
	buf_printf(text,
		"{\"type\":\"policy\",\"name\":\"p\",\"version\":1,\"expires\":\"%s-01-"
		"01T00:00:00Z\",\"rules\":[",
		w->expired ? "2026" : "2027");
	for (unsigned i = 0; i < w->rules_count; i++)
		put_rule(text, i, &w->rules[i]);
	buf_text(text, "]}");
}

void make_overlay(struct rule *r, struct buf *text)
{
	make_rule(r, false);
	buf_text(text, "{\"type\":\"overlay\",\"name\":\"o\",\"version\":1,\"expires\":\"2027-01-"
		       "01T00:00:00Z\",\"rules\":[");
	put_rule(text, 0, r);
	buf_text(text, "]}");
}

/* ---- making objects -------------------------------------------------------------------------- */

static void put_time(struct buf *out, const char *name, int64_t us)
{
	char text[TIME_TEXT_MAX];
	size_t len = time_format(us, 3, text);

	buf_printf(out, ",\"%s\":\"%.*s\"", name, (int)len, text);
}

static void put_labels(struct buf *out, const struct version *v)
{
	const char *comma = "";

	if (v->sectors == 0 && v->affected == UNKNOWN)
		return;
	buf_text(out, ",\"labels\":[");
	for (unsigned s = 0; s < COUNT_OF(sector_names); s++) {
		if ((v->sectors >> s & 1) == 0)
			continue;
		buf_printf(out, "%s\"sector:%s\"", comma, sector_names[s]);
		comma = ",";
	}
	if (v->affected != UNKNOWN)
		buf_printf(out, "%s\"affected:%s\"", comma, members[v->affected]);
	buf_char(out, ']');
}

/* Which properties an object of this kind may refer by. */
static void put_refs(
	struct buf *out, const struct world_of *w, const struct thing *thing, struct version *v)
{
	bool list = strcmp(flavours[thing->flavour].type, "note") == 0 ||
		    strcmp(flavours[thing->flavour].type, "opinion") == 0 ||
		    strcmp(flavours[thing->flavour].type, "report") == 0;
	const char *comma = "";

	if (!list) { /* x_related_refs: any *_refs counts as a reference */
		if (v->refs[0] < 0)
			return;
		buf_text(out, ",\"x_related_refs\":[");
	} else {
		if (v->refs[0] < 0)
			v->refs[0] = 0; /* must refer to something */
		buf_text(out, ",\"object_refs\":[");
	}
	for (unsigned k = 0; k < REFS; k++) {
		if (v->refs[k] < 0)
			continue;
		buf_printf(out, "%s\"%s\"", comma, w->things[v->refs[k]].id);
		comma = ",";
	}
	buf_char(out, ']');
}

static void put_marks(struct buf *out, const struct version *v)
{
	const char *comma = "";
	bool any = false;

	for (unsigned m = 0; m < MARK_KINDS; m++)
		any = any || v->marked[m];
	if (!any)
		return;
	buf_text(out, ",\"object_marking_refs\":[");
	for (unsigned m = 0; m < MARK_KINDS; m++) {
		if (!v->marked[m])
			continue;
		buf_printf(out, "%s\"marking-definition--%s\"", comma, marks[m]);
		comma = ",";
	}
	buf_char(out, ']');
}

void make_version(const struct world_of *w, const struct thing *thing, struct version *v)
{
	*v = (struct version){.confidence = chance(40) ? UNKNOWN : (int)pick(101),
		.affected = chance(70) ? UNKNOWN : (int)pick(MEMBERS)};
	/* later versions are later, by the object's own time too */
	v->modified_us = thing->count == 0 ? NOW_US - (int64_t)(300 + pick(500)) * DAY_US
					   : NOW_US - (int64_t)pick(300) * DAY_US;
	for (unsigned k = 0; k < MARKS; k++) {
		unsigned m = chance(40)   ? CLEAR + pick(2)
			     : chance(60) ? MARK_DEFINED + pick(DEFINITIONS)
					  : pick(MARK_KINDS);

		if (m != NONE && chance(70))
			v->marked[m] = true;
	}
	for (unsigned s = 0; s < COUNT_OF(sector_names); s++)
		v->sectors |= (unsigned)chance(20) << s;
	for (unsigned k = 0; k < REFS; k++)
		v->refs[k] = chance(k == 0 ? 50 : 25) && (k == 0 || v->refs[k - 1] >= 0)
				     ? (int)pick(w->things_count)
				     : -1;
}

void version_text(
	const struct world_of *w, const struct thing *thing, struct version *v, struct buf *text)
{
	buf_printf(text, "{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%s\"",
		flavours[thing->flavour].type, thing->id);
	put_time(text, "created", NOW_US - 900 * DAY_US);
	put_time(text, "modified", v->modified_us);
	buf_text(text, flavours[thing->flavour].more);
	if (v->confidence != UNKNOWN)
		buf_printf(text, ",\"confidence\":%d", v->confidence);
	put_labels(text, v);
	put_refs(text, w, thing, v);
	put_marks(text, v);
	buf_char(text, '}');
}
#define PAP_EXTENSION "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b"
#define IEP_EXTENSION "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"

/* What IEP lets somebody do, and the colour that lets no more be done. */
static const struct {
	const char *word;
	int pap;
} iep_actions[] = {
	{"none",				4},
	{"contact-for-instruction",             4},
	{"internally-visible-actions",          4},
	{"externally-visible-indirect-actions", 3},
	{"externally-visible-direct-actions",   2},
};

static void make_pap(struct definition *d, struct buf *out)
{
	d->says.pap = 1 + (int)pick(4);
	buf_printf(out, "\"%s\":{\"extension_type\":\"property-extension\",\"pap\":\"%s\"",
		PAP_EXTENSION,
		d->says.pap == CLEAR && chance(50) ? "WHITE" : pap_names[d->says.pap]);
	if (chance(10)) {
		d->says.unknown = true;
		buf_text(out, ",\"but\":\"only on Mondays\"");
	}
	buf_char(out, '}');
}

static void make_actions(struct definition *d, struct buf *out)
{
	unsigned one = pick(COUNT_OF(iep_actions)), two = pick(COUNT_OF(iep_actions));
	int pap = iep_actions[one].pap;

	if (chance(60)) {
		buf_printf(out, ",\"permitted_actions\":\"%s\"", iep_actions[one].word);
	} else { /* any of them: the loosest */
		buf_printf(out, ",\"permitted_actions\":[\"%s\",\"%s\"]", iep_actions[one].word,
			iep_actions[two].word);
		if (iep_actions[two].pap < pap)
			pap = iep_actions[two].pap;
	}
	if (pap > d->says.pap)
		d->says.pap = pap;
}

static void make_date(const char *name, int64_t *us, struct buf *out)
{
	char text[TIME_TEXT_MAX];
	size_t len;

	*us = NOW_US + ((int64_t)pick(140) - 20) * INT64_C(3600000000);
	len = time_format(*us, 3, text);
	buf_printf(out, ",\"%s\":\"%.*s\"", name, (int)len, text);
}

static void make_iep(struct definition *d, struct buf *out)
{
	static const char *const other[] = {",\"encrypt_in_transit\":\"should\"",
		",\"permitted_actions\":\"dance\"", ",\"id_ref\":\"elsewhere\"",
		",\"tlp\":\"none\""};

	buf_printf(out, "\"%s\":{\"extension_type\":\"property-extension\",\"iep_version\":%s",
		IEP_EXTENSION, chance(50) ? "2.0" : "\"2.0\"");
	if (chance(30)) {
		d->says.tlp = CLEAR + (int)pick(5);
		buf_printf(out, ",\"tlp\":\"%s\"", tlp_names[d->says.tlp]);
	}
	if (chance(35))
		make_actions(d, out);
	if (chance(30)) {
		d->says.encrypt = chance(60);
		buf_printf(out, ",\"encrypt_in_transit\":\"%s\"", d->says.encrypt ? "must" : "may");
	}
	if (chance(20)) {
		d->says.no_source = chance(40);
		buf_printf(out, ",\"provider_attribution\":\"%s\"",
			d->says.no_source ? "must-not" : "must");
	}
	if (chance(30)) {
		d->says.not_to_affected = chance(70);
		buf_printf(out, ",\"affected_party_notifications\":\"%s\"",
			d->says.not_to_affected ? "must-not" : "may");
	}
	if (chance(20))
		buf_text(out, ",\"unmodified_resale\":\"must-not\",\"description\":\"d\"");
	if (chance(15))
		make_date("start_date", &d->start_us, out);
	if (chance(15))
		make_date("end_date", &d->end_us, out);
	if (chance(8) && d->says.tlp == NONE && d->says.pap == NONE) {
		const char *word = other[pick(COUNT_OF(other))];

		if (strstr(word, "encrypt") == NULL ||
			slice_find_text(buf_slice(out), SLICE("encrypt_in_transit")) == out->len) {
			d->says.unknown = true;
			buf_text(out, word);
		}
	}
	buf_char(out, '}');
}

/* The first of its id; or a second one, of the same or another version, which makes both doubtful.
 */
void definition_id(unsigned mark, char ret_id[64])
{
	snprintf(ret_id, 64, "marking-definition--%s", marks[mark]);
}

static void definition_begin(unsigned mark, unsigned year, struct buf *text)
{
	buf_printf(text,
		"{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"marking-"
		"definition--%s\",\"created\":\"%u-01-01T00:00:00.000Z\",",
		marks[mark], year);
}

void make_definition(struct definition *d, unsigned mark, unsigned year, struct buf *text)
{
	*d = (struct definition){0};
	definition_begin(mark, year, text);
	buf_printf(text, "\"name\":\"%u\",\"extensions\":{", pick(1u << 30));
	if (chance(50)) {
		make_pap(d, text);
	} else {
		make_iep(d, text);
		if (chance(10)) { /* both in one */
			int pap = d->says.pap;

			buf_char(text, ',');
			make_pap(d, text);
			if (pap > d->says.pap)
				d->says.pap = pap;
		}
	}
	buf_text(text, "}}");
}

void plain_definition(unsigned mark, struct buf *text)
{
	definition_begin(mark, 2020, text);
	buf_text(text,
		mark == MARK_STATEMENT
			? "\"definition_type\":\"statement\",\"definition\":{\"statement\":\"c\"}}"
			: "\"extensions\":{\"extension-definition--00000000-0000-4000-8000-"
			  "0000000000dd\":{\"extension_type\":\"property-extension\",\"pap\":"
			  "\"red\"}}}");
}

void make_things(struct world_of *w)
{
	for (unsigned i = 0; i < w->things_count; i++) {
		struct thing *thing = &w->things[i];

		*thing = (struct thing){.flavour = pick(FLAVOURS)};
		snprintf(thing->id, sizeof(thing->id), "%s--%08x-0000-4000-8000-%012x",
			flavours[thing->flavour].type, i, pick(1u << 30));
	}
}
/* ---- the reading by hand --------------------------------------------------------------------- */

static int strictest(int a, int b)
{
	return a > b ? a : b;
}

/* Without a policy a definition says nothing that anybody understands. */
static void join_defined(
	const struct world_of *w, const struct definition *d, int64_t now_us, struct says *all)
{
	all->unknown = all->unknown || !w->policy || !d->here || d->doubted || d->says.unknown ||
		       (d->start_us != 0 && now_us < d->start_us) ||
		       (d->end_us != 0 && now_us >= d->end_us);
	all->defined = true;
	all->tlp = strictest(all->tlp, d->says.tlp);
	all->pap = strictest(all->pap, d->says.pap);
	all->encrypt = all->encrypt || d->says.encrypt;
	all->no_source = all->no_source || d->says.no_source;
	all->not_to_affected = all->not_to_affected || d->says.not_to_affected;
}

struct says says_of(
	const struct world_of *w, const struct version *v, unsigned with, int64_t now_us)
{
	bool marked[MARK_KINDS];
	struct says all = {.tlp = NONE, .pap = NONE};

	memcpy(marked, v->marked, sizeof(marked));
	for (unsigned k = 0; (with & WITH_REFERENCES) != 0 && k < REFS; k++) {
		const struct thing *to = v->refs[k] >= 0 ? &w->things[v->refs[k]] : NULL;

		for (unsigned n = 0; to != NULL && n < to->count; n++)
			for (unsigned m = 0; m < MARK_KINDS; m++)
				marked[m] = marked[m] || to->versions[n].marked[m];
	}
	all.unknown = marked[MARK_MISSING] || marked[MARK_EXTENSION] ||
		      (marked[MARK_STATEMENT] && !w->statement_here);
	for (int m = CLEAR; m <= RED; m++)
		if (marked[m])
			all.tlp = m;
	for (unsigned m = 0; (with & WITH_DEFINITIONS) != 0 && m < DEFINITIONS; m++)
		if (marked[MARK_DEFINED + m])
			join_defined(w, &w->definitions[m], now_us, &all);
	return all;
}

struct question {
	int values[ATTRIBUTES];
};

/* Of these none is no part of the order. */
static bool none_apart(enum attribute a)
{
	return a == TLP || a == PAP;
}

static bool cond_holds(const struct cond *c, bool permit, int value)
{
	switch (c->form) {
	case LE:
	case GE:
		if (value == UNKNOWN || (none_apart(c->attribute) && value == NONE))
			return !permit;
		return c->form == LE ? value <= c->bound : value >= c->bound;
	case NOT:
		if (value == UNKNOWN)
			return !permit && (c->values & (BIT_OF_UNKNOWN)) == 0;
		if (value == PUBLIC)
			return !permit && (c->values & (BIT_OF_PUBLIC)) == 0;
		if (none_apart(c->attribute) && value == NONE && permit)
			return false;
		return (c->values >> value & 1) == 0;
	default:
		return (c->values >> (value == UNKNOWN         ? 63
					     : value == PUBLIC ? 62
							       : value) &
			       1) != 0;
	}
}

static bool rule_holds(const struct rule *r, const struct question *q)
{
	for (int a = 0; a < ATTRIBUTES; a++) {
		const struct cond *c = NULL;
		int value = q->values[a];

		for (unsigned k = 0; k < r->count; k++)
			if ((int)r->conds[k].attribute == a)
				c = &r->conds[k];
		if (c != NULL) {
			if (!cond_holds(c, r->permit, value))
				return false;
		} else if (r->permit && attributes[a].guarded &&
			   (value == UNKNOWN || value == PUBLIC || (a == TLP && value == NONE))) {
			return false;
		}
	}
	return true;
}

/* One sector (or none) of one question. */
static bool rules_allow(
	const struct world_of *w, const struct question *q, int *delay_hours, bool *encrypt)
{
	bool permitted = false;

	for (unsigned i = 0; i < w->rules_count; i++) {
		const struct rule *r = &w->rules[i];

		if (!rule_holds(r, q))
			continue;
		if (!r->permit)
			return false;
		permitted = true;
		if (r->delay_hours > *delay_hours)
			*delay_hours = r->delay_hours;
		*encrypt = *encrypt || r->encrypt;
	}
	return permitted;
}

static bool policy_allows(const struct world_of *w, const struct thing *thing,
	const struct version *v, const struct says *says, int to, bool file, int64_t now_us)
{
	struct question q = {
		.values = {
			   [ACT] = to == PUBLIC ? 2
				: v->own     ? 0
					     : 1,
			   [TO] = to == STRANGER ? UNKNOWN : to,
			   [TLP] = says->tlp,
			   [PAP] = says->pap,
			   [CONFIDENCE] = v->confidence,
			   [AGE] = (int)((now_us - v->modified_us) / DAY_US),
			   [PII] = flavours[thing->flavour].pii,
			   [ORIGIN] = v->own ? 0 : 1,
			   [CONTENT] = flavours[thing->flavour].content,
			   [AFFECTED] = v->affected == UNKNOWN || to == PUBLIC || to == STRANGER
					     ? UNKNOWN
					     : v->affected == to,
			   }
        };
	int delay_hours = 0;
	bool encrypt = says->encrypt;

	if (says->no_source ||
		(says->not_to_affected && !v->own && q.values[AFFECTED] != 0 /* false */))
		return false;
	q.values[KIND] = KIND_NO_RULE_NAMES;
	for (unsigned k = 0; k < COUNT_OF(kind_names); k++)
		if (strcmp(kind_names[k], flavours[thing->flavour].kind) == 0)
			q.values[KIND] = (int)k;
	q.values[SECTOR] = UNKNOWN;
	if (v->sectors == 0 && !rules_allow(w, &q, &delay_hours, &encrypt))
		return false;
	for (int s = 0; s < (int)COUNT_OF(sector_names); s++) {
		q.values[SECTOR] = s;
		if ((v->sectors >> s & 1) != 0 && !rules_allow(w, &q, &delay_hours, &encrypt))
			return false;
	}
	return !(encrypt && file) && now_us - v->added_us >= delay_hours * INT64_C(3600000000);
}

bool allowed_at(const struct world_of *w, const struct recipient *r, const struct thing *thing,
	const struct version *v, const struct says *says, int64_t now_us)
{
	int ceiling = RED, to = r->member;
	bool file = false;

	if (r->as == AS_OPERATOR)
		return true;
	if (r->as == AS_PEER)
		ceiling = STRICT;
	if (r->as == AS_MEMBER)
		ceiling = AMBER;
	if (r->as == AS_PUBLIC || r->as == AS_NOBODY || (r->as == AS_ACCOUNT && to == PUBLIC)) {
		ceiling = CLEAR;
		to = PUBLIC;
	} else if (r->as == AS_ACCOUNT) {
		ceiling = r->administrator ? STRICT : AMBER;
	}
	if ((r->as == AS_ACCOUNT || r->as == AS_NOBODY) && r->tlp_max < ceiling)
		ceiling = r->tlp_max;
	file = r->as == AS_MEMBER || r->as == AS_PUBLIC;
	if (says->unknown || says->tlp > ceiling)
		return false;
	if (r->as == AS_ACCOUNT && (to == UNKNOWN || to == 0))
		return true; /* our own people */
	if (!w->policy)
		return r->as != AS_PEER;
	if (w->expired)
		return false;
	if (r->as == AS_MEMBER && to == UNKNOWN) {
		for (int m = 1; m < MEMBERS; m++)
			if (!policy_allows(w, thing, v, says, m, file, now_us))
				return false;
		return true;
	}
	return policy_allows(w, thing, v, says, to, file, now_us);
}

bool allowed(const struct world_of *w, const struct recipient *r, const struct thing *thing,
	const struct version *v, int64_t now_us)
{
	const struct says says = says_of(w, v, WITH_ALL, now_us);

	return allowed_at(w, r, thing, v, &says, now_us);
}
