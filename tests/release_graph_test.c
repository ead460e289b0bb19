/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Nothing leaves that the policy and the markings do not allow, directly or through a reference.
 *
 * Worlds of random objects, references, markings and policies are put into a real store and read by
 * random recipients in every way there is: page, search, versions, referrers, all, get, by number,
 * export and TAXII. What comes out is compared with a reading of the same world that knows neither
 * store nor policy engine: it keeps what it made as plain structs and tries every rule on every
 * object. A case is one object, one recipient, one way.
 *
 *   release_graph_test [CASES [SEED]]
 *
 * Beside them two leaks are planted (ways out that forget references, and what definitions of PAP
 * and IEP say) and must be found.
 */
#include <stdlib.h>
#include <unistd.h>

#include "taxii/taxii_testing.h"

#define CASES_DEFAULT 20000

#define THINGS   14 /* ids in a world */
#define VERSIONS 2  /* of each, at most */
#define REFS     3
#define MARKS    2
#define RULES    7
#define CONDS    5
#define MEMBERS  4
#define NOW_US   INT64_C(1767225600000000) /* 2026-01-01, where the tests' clock starts */
#define DAY_US   INT64_C(86400000000)
#define UNKNOWN  (-1)
#define PUBLIC   1000
#define STRANGER (-2) /* a member that the policy does not know */

static uint64_t random_state;

static unsigned pick(unsigned n)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)((random_state >> 33) % n);
}

static bool chance(unsigned percent)
{
	return pick(100) < percent;
}

static void broken(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void must_be(enum err_kind kind, const struct err *e, const char *doing)
{
	if (kind == OK)
		return;
	fprintf(stderr, "%s: %s\n", doing, e->text);
	abort();
}

/* ---- what there is -----------------------------------------------------------------------------
 */

static const char *const members[MEMBERS] = {"kg", "kz", "tj", "uz"}; /* kg is ourselves */

/* TLP, each with its id; then a statement, a definition that is never here, an extension that
 * nobody knows, and definitions of PAP and IEP 2.0 that are made up for each world. */
enum { NONE, CLEAR, GREEN, AMBER, STRICT, RED, LEVELS };
#define DEFINITIONS 6
enum {
	MARK_STATEMENT = LEVELS,
	MARK_MISSING,
	MARK_EXTENSION,
	MARK_DEFINED,
	MARK_KINDS = MARK_DEFINED + DEFINITIONS
};
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

/* Kinds of objects with what is known of them; the rest of the JSON. */
enum { PII_NO, PII_PSEUDO, PII_PERSON };
enum { TECHNICAL, EXPRESSION, MIXED };
static const struct {
	const char *type, *kind, *more;
	int pii, content;
} flavours[] = {
	{"malware",       "malware",       ",\"is_family\":false",                                       PII_NO,     TECHNICAL },
	{"tool",          "tool",          ",\"name\":\"t\"",					    PII_NO,     TECHNICAL },
	{"vulnerability", "vulnerability", ",\"name\":\"CVE-2026-0001\"",                                PII_NO,     TECHNICAL },
	{"identity",      "identity",      ",\"name\":\"i\",\"identity_class\":\"individual\"",          PII_PERSON,
         TECHNICAL													     },
	{"identity",      "identity",      ",\"name\":\"i\",\"identity_class\":\"organization\"",        PII_NO,
         TECHNICAL													     },
	{"threat-actor",  "threat-actor",  ",\"name\":\"x\"",                                            PII_PSEUDO, TECHNICAL },
	{"note",          "note",          ",\"content\":\"n\"",                                         UNKNOWN,    MIXED     },
	{"opinion",       "opinion",       ",\"opinion\":\"agree\"",                                     UNKNOWN,    EXPRESSION},
	{"report",        "report",        ",\"name\":\"r\",\"published\":\"2026-01-01T00:00:00.000Z\"", UNKNOWN,
         UNKNOWN													       },
	{"x-mine",        "other",         "",							   UNKNOWN,    UNKNOWN   },
};

static const char *const sector_names[] = {"energy", "telecom", "water"};

struct version {
	bool here;
	int64_t modified_us;
	bool marked[MARK_KINDS];
	int refs[REFS]; /* things; -1: none */
	int confidence; /* UNKNOWN */
	unsigned sectors;
	int affected; /* member; UNKNOWN: not stated */
	bool own;
	int64_t added_us;
	int64_t serial;
};

struct thing {
	unsigned flavour;
	char id[64];
	struct version versions[VERSIONS];
	unsigned count;
};

enum attribute {
	ACT,
	TO,
	KIND,
	TLP,
	SECTOR,
	CONFIDENCE,
	AGE,
	PII,
	ORIGIN,
	AFFECTED,
	CONTENT,
	PAP,
	ATTRIBUTES
};
enum form { LIST, NOT, LE, GE };
struct cond {
	enum attribute attribute;
	enum form form;
	uint64_t values; /* bits; bit 63: unknown; of TO bit 62: public */
	int bound;
};
struct rule {
	bool permit;
	struct cond conds[CONDS];
	unsigned count;
	int delay_hours;
	bool encrypt;
};

/* What markings ask for, one or several of them. */
struct says {
	bool unknown; /* nobody could say */
	int tlp, pap; /* NONE: nothing */
	bool encrypt, no_source, not_to_affected;
	bool defined; /* a definition is among them */
};

/* A definition of PAP or IEP 2.0 as it was made up, and what has become of it. */
struct definition {
	struct says says;
	int64_t start_us, end_us; /* 0: none */
	bool here, doubted;       /* doubted: there was another of the same id */
};

struct world_of {
	struct thing things[THINGS];
	struct definition definitions[DEFINITIONS];
	bool statement_here, extension_here;
	struct rule rules[RULES];
	unsigned rules_count;
	bool policy, expired;
};

#define BIT_OF_UNKNOWN UINT64_C(1) << 63
#define BIT_OF_PUBLIC  UINT64_C(1) << 62

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

/* ---- making a policy ---------------------------------------------------------------------------
 */

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

static void make_rules(struct world_of *w)
{
	w->rules_count = 1 + pick(RULES);
	for (unsigned i = 0; i < w->rules_count; i++) {
		struct rule *r = &w->rules[i];
		bool used[ATTRIBUTES] = {false};

		*r = (struct rule){.permit = i == 0 || chance(65)};
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

static void set_policy(struct testing *t, struct world_of *w)
{
	struct slice names[MEMBERS];
	struct policy_parties parties = {names, MEMBERS};
	struct policy *p = NULL;
	struct buf text = BUF_INIT;
	struct err e;

	w->policy = chance(92);
	w->expired = w->policy && chance(4);
	if (w->policy) {
		make_rules(w);
		for (unsigned i = 0; i < MEMBERS; i++)
			names[i] = slice_of(members[i]);
		buf_printf(&text,
			"{\"type\":\"policy\",\"name\":\"p\",\"version\":1,\"expires\":\"%s-01-"
			"01T00:00:00Z\",\"rules\":[",
			w->expired ? "2026" : "2027");
		for (unsigned i = 0; i < w->rules_count; i++)
			put_rule(&text, i, &w->rules[i]);
		buf_text(&text, "]}");
		if (policy_parse(buf_slice(&text), &parties, NULL, &p, &e) != OK) {
			fprintf(stderr, "%.*s\n", SLICE_ARG(buf_slice(&text)));
			broken(e.text);
		}
	}
	must_be(intel_policy_set(t->intel, p, SLICE("kg"), &e), &e, "set a policy");
	buf_fini(&text);
}

/* ---- making objects ----------------------------------------------------------------------------
 */

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

static const char *const sources[] = {"self", "kg", "ann", "kz", "joe", "somewhere"};
static const bool sources_own[] = {true, true, true, false, false, false};

static void accept_as(struct testing *t, int64_t collection, const char *source, struct slice text,
	enum intel_outcome outcome)
{
	struct intel_source from = {
		.member = slice_of(source), .collections = &collection, .collections_count = 1};
	struct arena *a = arena_new(MIB(4));
	struct intel_verdict verdict;
	struct err e;

	must_be(intel_accept(t->intel, &from, &text, 1, NULL, 0, a, &verdict, &e), &e, "accept");
	if (verdict.outcome != outcome) {
		fprintf(stderr, "%.*s\n%.*s\n", SLICE_ARG(text), SLICE_ARG(verdict.message));
		broken("an object was not taken as it should be");
	}
	arena_free(a);
}

static void accept(struct testing *t, int64_t collection, const char *source, struct slice text)
{
	accept_as(t, collection, source, text, INTEL_NEW);
}

static void make_version(
	struct testing *t, struct world_of *w, int64_t collection, struct thing *thing)
{
	struct version *v = &thing->versions[thing->count];
	struct buf text = BUF_INIT;
	unsigned source = pick(COUNT_OF(sources));

	*v = (struct version){.confidence = chance(40) ? UNKNOWN : (int)pick(101),
		.affected = chance(70) ? UNKNOWN : (int)pick(MEMBERS),
		.own = sources_own[source]};
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
				     ? (int)pick(THINGS)
				     : -1;
	buf_printf(&text, "{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%s\"",
		flavours[thing->flavour].type, thing->id);
	put_time(&text, "created", NOW_US - 900 * DAY_US);
	put_time(&text, "modified", v->modified_us);
	buf_text(&text, flavours[thing->flavour].more);
	if (v->confidence != UNKNOWN)
		buf_printf(&text, ",\"confidence\":%d", v->confidence);
	put_labels(&text, v);
	put_refs(&text, w, thing, v);
	put_marks(&text, v);
	buf_char(&text, '}');
	world_fake_advance(&t->world, 1000);
	v->added_us = t->world.now_us;
	accept(t, collection, sources[source], buf_slice(&text));
	v->here = true;
	thing->count++;
	buf_fini(&text);
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
static void make_defined(struct testing *t, struct definition *d, unsigned mark, int64_t collection)
{
	struct definition made = {0};
	struct buf text = BUF_INIT;
	bool again = d->here && chance(50);

	buf_printf(&text,
		"{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"marking-"
		"definition--%s\",\"created\":\"202%d-01-01T00:00:00.000Z\",\"name\":\"%u\","
		"\"extensions\":{",
		marks[mark], d->here && !again ? 1 : 0, pick(1u << 30));
	if (chance(50)) {
		make_pap(&made, &text);
	} else {
		make_iep(&made, &text);
		if (chance(10)) { /* both in one */
			int pap = made.says.pap;

			buf_char(&text, ',');
			make_pap(&made, &text);
			if (pap > made.says.pap)
				made.says.pap = pap;
		}
	}
	buf_text(&text, "}}");
	world_fake_advance(&t->world, 1000);
	accept_as(t, collection, "self", buf_slice(&text), again ? INTEL_CONFLICT : INTEL_NEW);
	buf_fini(&text);
	made.doubted = d->here;
	made.here = true;
	*d = made;
}

/* A definition of a marking arrives; what is marked with it may be here already. */
static void make_definition(struct testing *t, struct world_of *w, int64_t collection)
{
	bool statement = chance(50);
	bool *here = statement ? &w->statement_here : &w->extension_here;
	char text[1024];

	if (*here)
		return;
	*here = true;
	snprintf(text, sizeof(text),
		"{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"marking-"
		"definition--%s\",\"created\":\"2020-01-01T00:00:00.000Z\",%s}",
		marks[statement ? MARK_STATEMENT : MARK_EXTENSION],
		statement ? "\"definition_type\":\"statement\",\"definition\":{\"statement\":\"c\"}"
			  : "\"extensions\":{\"extension-definition--00000000-0000-4000-8000-"
			    "0000000000dd\":{\"extension_type\":\"property-extension\",\"pap\":"
			    "\"red\"}}");
	world_fake_advance(&t->world, 1000);
	accept(t, collection, "self", slice_of(text));
}

static void make_definitions(struct testing *t, struct world_of *w, int64_t collection)
{
	if (chance(40))
		make_definition(t, w, collection);
	for (unsigned i = 0; i < DEFINITIONS; i++) {
		struct definition *d = &w->definitions[i];

		if (!d->doubted && chance(d->here ? 3 : 40))
			make_defined(t, d, MARK_DEFINED + i, collection);
	}
}

static void make_things(struct world_of *w)
{
	for (unsigned i = 0; i < THINGS; i++) {
		struct thing *thing = &w->things[i];

		*thing = (struct thing){.flavour = pick(COUNT_OF(flavours))};
		snprintf(thing->id, sizeof(thing->id), "%s--%08x-0000-4000-8000-%012x",
			flavours[thing->flavour].type, i, pick(1u << 30));
	}
}

/* ---- the reading by hand -----------------------------------------------------------------------
 */

/* Whether references and definitions are looked at: a leak forgets one of them. */
enum { WITH_REFERENCES = 1, WITH_DEFINITIONS = 2, WITH_ALL = 3 };

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

/* What the markings of a version say together: its own, and those of all versions that are here of
 * whatever it refers to. */
static struct says says_of(
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

enum { AS_PEER, AS_MEMBER, AS_PUBLIC, AS_OPERATOR, AS_ACCOUNT, AS_NOBODY };
struct recipient {
	int as;
	int member; /* AS_PEER, AS_ACCOUNT: of whom; PUBLIC; UNKNOWN: nobody's */
	bool administrator;
	int tlp_max; /* AS_ACCOUNT, AS_NOBODY: of the collection */
	const char *account;
	struct intel_recipient to;
};

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

static bool allowed_at(const struct world_of *w, const struct recipient *r,
	const struct thing *thing, const struct version *v, const struct says *says, int64_t now_us)
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

static bool allowed(const struct world_of *w, const struct recipient *r, const struct thing *thing,
	const struct version *v, int64_t now_us)
{
	const struct says says = says_of(w, v, WITH_ALL, now_us);

	return allowed_at(w, r, thing, v, &says, now_us);
}

/* ---- the ways ----------------------------------------------------------------------------------
 */

struct tally {
	uint64_t cases, released, defined, leaks, missing;
};

/* What came out, by thing and version. */
struct seen {
	bool it[THINGS][VERSIONS];
};

static void see(const struct world_of *w, struct seen *seen, struct slice id, int64_t version_us)
{
	for (unsigned i = 0; i < THINGS; i++) {
		if (!slice_is(id, w->things[i].id))
			continue;
		for (unsigned n = 0; n < w->things[i].count; n++)
			if (w->things[i].versions[n].modified_us == version_us)
				seen->it[i][n] = true;
	}
}

static void see_row(const struct world_of *w, struct seen *seen, const struct store_row *row)
{
	char id[STIX_ID_MAX + 1];

	stix_id_format(row->type, &row->uuid, id);
	see(w, seen, slice_of(id), row->version_us);
}

static void see_rows(const struct world_of *w, struct seen *seen, struct store_cursor *c)
{
	struct err e;

	for (;;) {
		struct store_row row;
		bool more;

		must_be(store_cursor_next(c, &row, &more, &e), &e, "next");
		if (!more)
			break;
		see_row(w, seen, &row);
	}
	store_cursor_free(c);
}

static bool refers(const struct version *v, int target)
{
	for (unsigned k = 0; k < REFS; k++)
		if (v->refs[k] == target)
			return true;
	return false;
}

/* Compare: all that must come (every or the newest only, of one thing, or referring to one). */
struct expected {
	bool every;
	int thing;  /* -1: all */
	int target; /* -1: no matter */
};

static void compare(const struct world_of *w, const struct recipient *r, const struct seen *seen,
	struct expected x, int64_t now_us, const char *way, struct tally *k)
{
	for (int i = 0; i < THINGS; i++) {
		const struct thing *thing = &w->things[i];

		for (unsigned n = 0; n < thing->count; n++) {
			const struct version *v = &thing->versions[n];
			bool may = allowed(w, r, thing, v, now_us);
			bool asked = (x.every || n + 1 == thing->count) &&
				     (x.thing < 0 || x.thing == i) &&
				     (x.target < 0 || refers(v, x.target));

			k->cases++;
			k->released += seen->it[i][n];
			k->defined += seen->it[i][n] && says_of(w, v, WITH_ALL, now_us).defined;
			k->leaks += seen->it[i][n] && !may;
			k->missing += asked && may && !seen->it[i][n];
			if (seen->it[i][n] != (asked && may) && way != NULL) {
				const struct says says = says_of(w, v, WITH_ALL, now_us);

				fprintf(stderr,
					"%s, as %d member %d: %s version %u %s (tlp %d, pap %d%s, "
					"by hand %d)\n",
					way, r->as, r->member, thing->id, n,
					seen->it[i][n] ? "came" : "did not come", says.tlp,
					says.pap, says.unknown ? ", unknown" : "", may);
			}
		}
	}
}

static void thing_key(const struct world_of *w, unsigned i, struct stix_id *ret_id)
{
	if (!stix_id_parse(slice_of(w->things[i].id), ret_id))
		broken("an id that is none");
}

/* One thing at a time: versions, referrers, get. */
static void ways_of_thing(struct testing *t, const struct world_of *w, const struct recipient *r,
	struct store_reader *reader, int64_t now_us, struct tally *k)
{
	unsigned i = pick(THINGS);
	struct store_cursor *c;
	struct store_row row;
	struct buf body = BUF_INIT;
	struct stix_id id;
	struct seen seen;
	struct err e;
	bool found;

	thing_key(w, i, &id);
	seen = (struct seen){0};
	must_be(intel_release_versions(t->intel, reader, &r->to, id.type, &id.uuid, &c, &e), &e,
		"versions");
	see_rows(w, &seen, c);
	compare(w, r, &seen, (struct expected){true, (int)i, -1}, now_us, "versions", k);
	seen = (struct seen){0};
	must_be(intel_release_referrers(t->intel, reader, &r->to, id.type, &id.uuid, &c, &e), &e,
		"referrers");
	see_rows(w, &seen, c);
	compare(w, r, &seen, (struct expected){false, -1, (int)i}, now_us, "referrers", k);
	seen = (struct seen){0};
	must_be(intel_release_get(
			t->intel, reader, &r->to, id.type, &id.uuid, &row, &body, &found, &e),
		&e, "get");
	if (found)
		see_row(w, &seen, &row);
	compare(w, r, &seen, (struct expected){false, (int)i, -1}, now_us, "get", k);
	seen = (struct seen){0};
	for (int64_t serial = 1; serial <= THINGS * VERSIONS + 2 + 2 * DEFINITIONS; serial++) {
		must_be(intel_release_serial(
				t->intel, reader, &r->to, serial, &row, &body, &found, &e),
			&e, "serial");
		if (found)
			see_row(w, &seen, &row);
	}
	compare(w, r, &seen, (struct expected){true, -1, -1}, now_us, "serial", k);
	buf_fini(&body);
}

static void ways_of_store(struct testing *t, const struct world_of *w, const struct recipient *r,
	int64_t collection, int64_t now_us, struct tally *k)
{
	const struct store_search search = {.every_version = chance(50)};
	const struct store_page page = {.collection = collection,
		.after_us = INT64_MIN,
		.versions = chance(50) ? STORE_EVERY : STORE_LAST};
	bool every = chance(50);
	struct store_reader *reader;
	struct store_cursor *c;
	struct seen seen;
	struct err e;

	must_be(store_reader_take(t->store, &reader, &e), &e, "reader");
	seen = (struct seen){0};
	must_be(intel_release_all(t->intel, reader, &r->to, 0, every, &c, &e), &e, "all");
	see_rows(w, &seen, c);
	compare(w, r, &seen, (struct expected){every, -1, -1}, now_us, "all", k);
	seen = (struct seen){0};
	must_be(intel_release_search(t->intel, reader, &r->to, &search, &c, &e), &e, "search");
	see_rows(w, &seen, c);
	compare(w, r, &seen, (struct expected){search.every_version, -1, -1}, now_us, "search", k);
	seen = (struct seen){0};
	must_be(intel_release_page(t->intel, reader, &r->to, &page, &c, &e), &e, "page");
	see_rows(w, &seen, c);
	compare(w, r, &seen, (struct expected){page.versions == STORE_EVERY, -1, -1}, now_us,
		"page", k);
	ways_of_thing(t, w, r, reader, now_us, k);
	store_reader_give(reader);
}

/* Objects in a list, or one a line: those that are ours. */
static void see_object(const struct world_of *w, struct seen *seen, struct json_value object)
{
	int64_t us;

	if (time_parse(json_get_string(object, "modified"), &us, NULL))
		see(w, seen, json_get_string(object, "id"), us);
}

static void way_of_export(struct testing *t, const struct world_of *w, const struct recipient *r,
	int64_t now_us, struct tally *k)
{
	char path[128];
	const struct intel_export export = {
		.to = r->to, .format = "ndjson", .path = path, .every_version = true};
	struct intel_export_counts counts;
	struct seen seen = {0};
	struct buf text = BUF_INIT;
	struct slice rest, line;
	struct err e;

	snprintf(path, sizeof(path), "%s/export", t->folder);
	must_be(intel_export_run(t->intel, &export, &counts, &e), &e, "export");
	must_be(file_read(path, MIB(16), &text, &e), &e, "read the export");
	for (rest = buf_slice(&text); slice_next(&rest, '\n', &line);) {
		struct json_doc doc;

		if (line.len == 0)
			continue;
		must_be(json_parse(t->parser, line, &doc, &e), &e, "parse the export");
		see_object(w, &seen, json_root(&doc));
	}
	compare(w, r, &seen, (struct expected){true, -1, -1}, now_us, "export", k);
	buf_fini(&text);
	remove(path);
}

/* Page by page, and each object by its own address. */
static void way_of_taxii(struct testing *t, const struct world_of *w, const struct recipient *r,
	int64_t now_us, struct tally *k)
{
	struct seen seen = {0};
	char next[256] = "";
	unsigned status, one = pick(THINGS);

	for (;;) {
		struct json_value list, object;

		status = testing_get(t, r->account,
			"/api/collections/c/objects/?limit=5&match%%5Bversion%%5D=all%s%s",
			next[0] != '\0' ? "&next=" : "", next);
		if (status != 200)
			broken("a page was refused");
		(void)testing_json(t);
		if (json_get(json_root(&t->doc), "objects", &list))
			for (struct json_iter it = json_iter(list); json_array_next(&it, &object);)
				see_object(w, &seen, object);
		if (testing_member(t, "next").len == 0)
			break;
		snprintf(next, sizeof(next), "%.*s", SLICE_ARG(testing_member(t, "next")));
	}
	compare(w, r, &seen, (struct expected){true, -1, -1}, now_us, "TAXII objects", k);
	seen = (struct seen){0};
	status = testing_get(t, r->account,
		"/api/collections/c/objects/%s/?match%%5Bversion%%5D=all", w->things[one].id);
	if (status == 200) {
		struct json_value list, object;

		(void)testing_json(t);
		if (json_get(json_root(&t->doc), "objects", &list))
			for (struct json_iter it = json_iter(list); json_array_next(&it, &object);)
				see_object(w, &seen, object);
	} else if (status != 404) {
		broken("an object's page was refused");
	}
	compare(w, r, &seen, (struct expected){true, (int)one, -1}, now_us, "TAXII object", k);
}

/* A planted leak: as if labels did not hold what an object refers to, or nobody read definitions.
 */
static void way_planted(const struct world_of *w, const struct recipient *r, unsigned with,
	int64_t now_us, struct tally *k)
{
	struct seen seen = {0};

	for (unsigned i = 0; i < THINGS; i++)
		for (unsigned n = 0; n < w->things[i].count; n++) {
			const struct version *v = &w->things[i].versions[n];
			const struct says says = says_of(w, v, with, now_us);

			seen.it[i][n] = allowed_at(w, r, &w->things[i], v, &says, now_us);
		}
	compare(w, r, &seen, (struct expected){true, -1, -1}, now_us, NULL, k);
}

/* ---- worlds ------------------------------------------------------------------------------------
 */

/* Accounts: of our own people, of two members, of anybody, of ourselves. */
static const struct {
	const char *name;
	const char *member;
	int number;
	enum store_role role;
} accounts[] = {
	{"ann",   "",       UNKNOWN,  STORE_READER       },
	{"boss",  "",       UNKNOWN,  STORE_ADMINISTRATOR},
	{"joe",   "kz",     1,        STORE_READER       },
	{"jim",   "uz",     3,        STORE_ADMINISTRATOR},
	{"all",   "public", PUBLIC,   STORE_READER       },
	{"us",    "kg",     0,        STORE_READER       },
	{"exile", "xx",     STRANGER, STORE_READER       },
};

static void make_accounts(struct testing *t, int64_t collection)
{
	for (unsigned i = 0; i < COUNT_OF(accounts); i++) {
		struct store_account a = {.name = slice_of(accounts[i].name),
			.role = accounts[i].role,
			.member = slice_of(accounts[i].member)};
		struct err e;

		must_be(store_account_put(t->store, &a, &e), &e, "account");
		testing_right(t, accounts[i].name, collection, STORE_MAY_READ);
	}
}

static void as_account(struct testing *t, struct recipient *r, unsigned i, int64_t collection)
{
	struct store_account a;
	bool found;
	struct err e;

	must_be(store_account_get(t->store, slice_of(accounts[i].name), t->arena, &a, &found, &e),
		&e, "account");
	r->account = accounts[i].name;
	r->member = accounts[i].number;
	r->administrator = a.role == STORE_ADMINISTRATOR;
	r->to = (struct intel_recipient){.reach = INTEL_COLLECTION,
		.account = a.number,
		.role = a.role,
		.collection = collection,
		.tlp_max = (enum stix_tlp)r->tlp_max,
		.member = slice_of(accounts[i].member)};
}

static struct recipient make_recipient(struct testing *t, int64_t collection, int tlp_max)
{
	struct recipient r = {.as = (int)pick(6), .member = UNKNOWN, .tlp_max = tlp_max};

	switch (r.as) {
	case AS_PEER:
		r.member = 1 + (int)pick(MEMBERS - 1);
		r.to = (struct intel_recipient){
			.reach = INTEL_PEER, .member = slice_of(members[r.member])};
		break;
	case AS_MEMBER:
		r.member = chance(50) ? UNKNOWN : 1 + (int)pick(MEMBERS - 1);
		r.to = (struct intel_recipient){.reach = INTEL_MEMBER};
		if (r.member != UNKNOWN)
			r.to.member = slice_of(members[r.member]);
		break;
	case AS_PUBLIC:
		r.to = (struct intel_recipient){.reach = INTEL_PUBLIC};
		break;
	case AS_OPERATOR:
		r.to = (struct intel_recipient){.reach = INTEL_OPERATOR};
		break;
	case AS_ACCOUNT:
		as_account(t, &r, pick(COUNT_OF(accounts)), collection);
		break;
	default:
		r.member = PUBLIC;
		r.to = (struct intel_recipient){.reach = INTEL_COLLECTION,
			.role = STORE_READER,
			.collection = collection,
			.tlp_max = (enum stix_tlp)tlp_max};
		break;
	}
	return r;
}

static void grow(struct testing *t, struct world_of *w, int64_t collection)
{
	for (unsigned i = 0; i < THINGS; i++)
		if (w->things[i].count < VERSIONS && chance(45))
			make_version(t, w, collection, &w->things[i]);
	make_definitions(t, w, collection);
}

/* A world: objects come, policies change, recipients read, in between and after. */
static void run_world(struct tally *k, struct tally *planted, uint64_t cases)
{
	static struct world_of w;
	struct testing t;
	int64_t collection;
	int tlp_max = CLEAR + (int)pick(4);

	w = (struct world_of){0};
	testing_open(&t, NULL);
	collection = testing_collection(&t, "c", (enum stix_tlp)tlp_max, true);
	make_accounts(&t, collection);
	make_things(&w);
	for (unsigned phase = 0; phase < 4 && k->cases < cases; phase++) {
		grow(&t, &w, collection);
		if (chance(80) || phase == 0)
			set_policy(&t, &w);
		if (chance(50))
			world_fake_advance(&t.world, (int64_t)pick(40) * 3600 * 1000000);
		for (unsigned n = 0; n < 8; n++) {
			struct recipient r = make_recipient(&t, collection, tlp_max);
			int64_t now_us;

			if (chance(20)) /* dates pass while what was read is remembered */
				world_fake_advance(
					&t.world, (int64_t)(1 + pick(30)) * 3600 * 1000000);
			now_us = t.world.now_us;
			ways_of_store(&t, &w, &r, collection, now_us, k);
			if (r.as == AS_ACCOUNT || r.as == AS_NOBODY)
				way_of_taxii(&t, &w, &r, now_us, k);
			if (r.as != AS_ACCOUNT && r.as != AS_NOBODY && chance(40))
				way_of_export(&t, &w, &r, now_us, k);
			way_planted(&w, &r, WITH_DEFINITIONS, now_us, &planted[0]);
			way_planted(&w, &r, WITH_REFERENCES, now_us, &planted[1]);
			arena_reset(t.arena);
		}
	}
	testing_close(&t);
}

int main(int count, char **args)
{
	uint64_t cases = count > 1 ? strtoull(args[1], NULL, 10) : CASES_DEFAULT;
	uint64_t seed = count > 2 ? strtoull(args[2], NULL, 10) : 1;
	struct tally k = {0}, planted[2] = {{0}, {0}};

	for (uint64_t n = 0; k.cases < cases; n++) {
		random_state = seed * 1000003 + n;
		run_world(&k, planted, cases);
		if (k.leaks + k.missing > 0) {
			fprintf(stderr, "seed %llu, world %llu\n", (unsigned long long)seed,
				(unsigned long long)n);
			break;
		}
	}
	printf("%llu cases, %llu released, %llu of them under PAP or IEP, %llu leaks, %llu wrongly "
	       "withheld; planted, with "
	       "references forgotten: %llu of %llu found, with definitions: %llu of %llu\n",
		(unsigned long long)k.cases, (unsigned long long)k.released,
		(unsigned long long)k.defined, (unsigned long long)k.leaks,
		(unsigned long long)k.missing, (unsigned long long)planted[0].leaks,
		(unsigned long long)planted[0].cases, (unsigned long long)planted[1].leaks,
		(unsigned long long)planted[1].cases);
	if (k.leaks + k.missing > 0 || k.defined == 0 || planted[0].leaks == 0 ||
		planted[1].leaks == 0)
		return 1;
	return 0;
}
