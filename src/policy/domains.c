/* SPDX-License-Identifier: MPL-2.0 */
/* What rules may speak of: the attributes of each family, their values, and sets of them as words.
 */
#include "inside.h"

static const char *const families[] = {"exchange", "measure", "duty"};
static const char *const effects[] = {"permit", "forbid", "require", "never"};

const char *policy_family_name(enum policy_family f)
{
	return (unsigned)f < COUNT_OF(families) ? families[f] : "?";
}

const char *policy_effect_name(enum policy_effect f)
{
	return (unsigned)f < COUNT_OF(effects) ? effects[f] : "?";
}

/* ---- values --------------------------------------------------------------------------------- */

static const char *const exchange_acts[] = {"share", "reshare", "publish"};
/* STIX 2.1 sections 4, 5, 6 and 7; then what we count ourselves. */
static const char *const kinds[] = {"attack-pattern", "campaign", "course-of-action", "grouping",
	"identity", "incident", "indicator", "infrastructure", "intrusion-set", "location",
	"malware", "malware-analysis", "note", "observed-data", "opinion", "report", "threat-actor",
	"tool", "vulnerability", "relationship", "sighting", "artifact", "autonomous-system",
	"directory", "domain-name", "email-addr", "email-message", "file", "ipv4-addr", "ipv6-addr",
	"mac-addr", "mutex", "network-traffic", "process", "software", "url", "user-account",
	"windows-registry-key", "x509-certificate", "marking-definition", "language-content",
	"extension-definition", "measure-stats", "sighting-stats", "other"};
/* In the order of enum stix_tlp. */
static const char *const tlps[] = {"none", "clear", "green", "amber", "amber+strict", "red"};
static const char *const paps[] = {"none", "clear", "green", "amber", "red"};
static const char *const sectors[] = {"energy", "transport", "telecom", "industry", "water",
	"health", "finance", "government", "defence", "food", "digital", "space", "education",
	"media", "other"};
static const char *const pii[] = {"none", "pseudonymous", "personal"};
static const char *const origins[] = {"own", "received"};
static const char *const purposes[] = {
	"none", "defence", "law-enforcement", "research", "statistics"};
static const char *const contents[] = {"technical", "expression", "mixed"};
static const char *const severities[] = {"low", "medium", "high", "critical"};
static const char *const measure_acts[] = {"monitor", "notify", "rate-limit", "sinkhole", "block"};
static const char *const targets[] = {"ip", "network", "domain", "url", "file"};
static const char *const jurisdictions[] = {"own", "member", "foreign"};
static const char *const events[] = {"cii-incident", "incident", "vulnerability", "data-breach",
	"key-compromise", "withdrawal", "measure", "request"};

#define VALUES(array) array, COUNT_OF(array)

#define NAMED(name, array, says)                                                                   \
	{                                                                                          \
		name, POLICY_NAMED, VALUES(array), 0, 0, says, 0, 0, 0                             \
	}
#define GUARDED(name, array, says)                                                                 \
	{                                                                                          \
		name, POLICY_NAMED, VALUES(array), 0, 0, says, 1, 0, 0                             \
	}
#define ORDERED(name, array, says)                                                                 \
	{                                                                                          \
		name, POLICY_ORDERED, VALUES(array), 0, 0, says, 0, 0, 0                           \
	}
#define NUMBER(name, most, says)                                                                   \
	{                                                                                          \
		name, POLICY_NUMBER, NULL, 0, 0, most, says, 0, 0, 0                               \
	}
#define FLAG(name, says)                                                                           \
	{                                                                                          \
		name, POLICY_FLAG, NULL, 0, 0, 0, says, 0, 0, 0                                    \
	}
#define PARTY(name, says)                                                                          \
	{                                                                                          \
		name, POLICY_PARTY, NULL, 0, 0, 0, says, 1, 0, 0                                   \
	}
#define TLP(guarded)                                                                               \
	{                                                                                          \
		"tlp", POLICY_ORDERED, VALUES(tlps), 0, 0, "the strictest Traffic Light marking",  \
			guarded, 1, guarded                                                        \
	}
#define PAP                                                                                        \
	{                                                                                          \
		"pap", POLICY_ORDERED, VALUES(paps), 0, 0,                                         \
			"the strictest Permissible Actions marking", 1, 1, 0                       \
	}

#define AGE_MOST 36500 /* days: a hundred years */

static const struct policy_attribute exchange[POLICY_EXCHANGE_ATTRIBUTES] = {
	[POLICY_ACT] = GUARDED("act", exchange_acts, "what is done with the object"),
	[POLICY_FROM] = PARTY("from", "the member that sends"),
	[POLICY_TO] = PARTY("to", "the member that receives, or \"public\": anybody"),
	[POLICY_KIND] = GUARDED("kind", kinds, "the STIX type; \"other\": a custom one"),
	[POLICY_TLP] = TLP(1),
	[POLICY_SECTOR] = NAMED("sector", sectors, "a sector that the object touches"),
	[POLICY_CONFIDENCE] = NUMBER("confidence", 100, "the confidence that the object states"),
	[POLICY_AGE_DAYS] =
		NUMBER("age_days", AGE_MOST, "whole days since it was modified, else created"),
	[POLICY_PII] = GUARDED("pii", pii, "personal data in the object"),
	[POLICY_ORIGIN] = GUARDED("origin", origins, "the sender's own, or received from another"),
	[POLICY_PURPOSE] = NAMED("purpose", purposes, "what the recipient says it is for"),
	[POLICY_REQUEST_OPEN] =
		FLAG("request_open", "the recipient has an open request that this answers"),
	[POLICY_TO_AFFECTED] =
		FLAG("to_affected", "the object says that the recipient is affected"),
	[POLICY_CONTENT] =
		NAMED("content", contents, "technical facts, somebody's expression, or both"),
	[POLICY_PAP] = PAP,
};

static const struct policy_attribute measure[] = {
	GUARDED("act", measure_acts, "what is done"),
	PARTY("from", "the member that orders it"),
	GUARDED("target", targets, "what it is done to"),
	GUARDED("jurisdiction", jurisdictions, "whose the target is"),
	GUARDED("content", contents, "what the target carries"),
	NUMBER("confidence", 100, "confidence in the finding behind it"),
	ORDERED("severity", severities, "of the danger averted"),
	FLAG("emergency", "ordered as an emergency"),
	NAMED("sector", sectors, "a sector that it protects"),
	/* Not guarded: who may block on an unmarked or RED indicator is no question of sharing. */
	TLP(0),
	PAP,
	NAMED("origin", origins, "whose intelligence it rests on"),
};

static const struct policy_attribute duty[] = {
	NAMED("event", events, "what happened"),
	ORDERED("severity", severities, "how bad it is"),
	NAMED("sector", sectors, "a sector that it touches"),
	PARTY("from", "the member where it happened"),
	NAMED("pii", pii, "personal data that it touches"),
	FLAG("cross_border", "it touches another member"),
};

static const struct {
	const struct policy_attribute *rows;
	unsigned count;
} schemas[] = {
	[POLICY_EXCHANGE] = {exchange, COUNT_OF(exchange)},
	[POLICY_MEASURE] = {measure,  COUNT_OF(measure) },
	[POLICY_DUTY] = {duty,     COUNT_OF(duty)    },
};
_Static_assert(COUNT_OF(kinds) < BIT_PUBLIC, "a domain is one word");
_Static_assert(
	COUNT_OF(exchange) <= POLICY_ATTRIBUTES_MAX && COUNT_OF(measure) <= POLICY_ATTRIBUTES_MAX,
	"attributes fit a case");
_Static_assert(POLICY_MEMBERS_MAX <= BIT_PUBLIC, "members and public are one word");
_Static_assert(2 * CUTS_MAX + 1 <= BIT_UNKNOWN, "the cuts of two policies fit one word");

unsigned attributes_count(enum policy_family f)
{
	return (unsigned)f < COUNT_OF(schemas) ? schemas[f].count : 0;
}

const struct policy_attribute *policy_attribute_get(enum policy_family f, unsigned number)
{
	return number < attributes_count(f) ? &schemas[f].rows[number] : NULL;
}

int policy_attribute_find(enum policy_family f, struct slice name)
{
	for (unsigned i = 0; i < attributes_count(f); i++)
		if (slice_is(name, schemas[f].rows[i].name))
			return (int)i;
	return -1;
}

int attribute_sector(enum policy_family f)
{
	for (unsigned i = 0; i < attributes_count(f); i++)
		if (schemas[f].rows[i].values == sectors)
			return (int)i;
	return -1;
}

bool policy_value_find(
	enum policy_family f, unsigned attribute, struct slice name, int32_t *ret_value)
{
	const struct policy_attribute *a = policy_attribute_get(f, attribute);

	if (a == NULL)
		return false;
	if (slice_is(name, "unknown")) {
		*ret_value = POLICY_UNKNOWN;
		return true;
	}
	if (a->domain == POLICY_FLAG && (slice_is(name, "true") || slice_is(name, "false"))) {
		*ret_value = slice_is(name, "true");
		return true;
	}
	for (size_t i = 0; i < a->values_count; i++) {
		if (slice_is(name, a->values[i])) {
			*ret_value = (int32_t)i;
			return true;
		}
	}
	return false;
}

/* ---- sets as words -------------------------------------------------------------------------- */

void cuts_init(struct cuts *c, int32_t least)
{
	c->start[0] = least;
	c->count = 1;
}

bool cuts_add(struct cuts *c, int32_t start, int32_t least, int32_t most, unsigned count_max)
{
	unsigned k = c->count;

	if (start <= least || start > most)
		return true;
	while (k > 0 && c->start[k - 1] > start)
		k--;
	if (k > 0 && c->start[k - 1] == start)
		return true;
	if (c->count > count_max)
		return false;
	memmove(&c->start[k + 1], &c->start[k], (c->count - k) * sizeof(c->start[0]));
	c->start[k] = start;
	c->count++;
	return true;
}

static uint64_t bits_below(size_t n)
{
	return n >= 64 ? ~UINT64_C(0) : BIT(n) - 1;
}

uint64_t domain_known(const struct space *s, enum policy_family f, unsigned attribute)
{
	const struct policy_attribute *a = &schemas[f].rows[attribute];

	switch (a->domain) {
	case POLICY_FLAG:
		return bits_below(2);
	case POLICY_NUMBER:
		return bits_below(s->cuts[f][attribute].count);
	case POLICY_PARTY:
		return bits_below(s->members) |
		       (f == POLICY_EXCHANGE && attribute == POLICY_TO ? BIT(BIT_PUBLIC) : 0);
	default:
		return bits_below(a->values_count);
	}
}

uint64_t domain_apart(enum policy_family f, unsigned attribute)
{
	const struct policy_attribute *a = &schemas[f].rows[attribute];

	return BIT(BIT_UNKNOWN) | (a->none_apart ? BIT(0) : 0) |
	       (a->domain == POLICY_PARTY ? BIT(BIT_PUBLIC) : 0);
}

uint64_t domain_left_out(
	const struct space *s, enum policy_family f, unsigned attribute, enum policy_effect effect)
{
	const struct policy_attribute *a = &schemas[f].rows[attribute];
	uint64_t all = domain_known(s, f, attribute) | BIT(BIT_UNKNOWN);

	if (effect != POLICY_PERMIT || !a->guarded)
		return all;
	all &= ~(BIT(BIT_UNKNOWN) | (a->domain == POLICY_PARTY ? BIT(BIT_PUBLIC) : 0));
	return a->none_guarded ? all & ~BIT(0) : all;
}

unsigned value_bit(const struct space *s, enum policy_family f, unsigned attribute, int32_t value)
{
	const struct policy_attribute *a = &schemas[f].rows[attribute];
	const struct cuts *c = &s->cuts[f][attribute];
	unsigned k;

	switch (a->domain) {
	case POLICY_FLAG:
		return value == 0 || value == 1 ? (unsigned)value : BIT_UNKNOWN;
	case POLICY_NUMBER:
		if (value < a->least || value > a->most)
			return BIT_UNKNOWN;
		for (k = c->count - 1; c->start[k] > value; k--)
			;
		return k;
	case POLICY_PARTY:
		if (value == POLICY_PUBLIC)
			return BIT_PUBLIC;
		return value >= 0 && (size_t)value < s->members ? (unsigned)value : BIT_UNKNOWN;
	default:
		return value >= 0 && (size_t)value < a->values_count ? (unsigned)value
								     : BIT_UNKNOWN;
	}
}

int32_t bit_value(const struct space *s, enum policy_family f, unsigned attribute, unsigned bit)
{
	if (bit == BIT_UNKNOWN)
		return POLICY_UNKNOWN;
	switch (schemas[f].rows[attribute].domain) {
	case POLICY_NUMBER:
		return s->cuts[f][attribute].start[bit];
	case POLICY_PARTY:
		return bit == BIT_PUBLIC ? POLICY_PUBLIC : (int32_t)bit;
	default:
		return (int32_t)bit;
	}
}

uint64_t range_bits(const struct range *r, const struct cuts *c, int32_t most)
{
	uint64_t bits = r->unknown ? BIT(BIT_UNKNOWN) : 0;

	for (unsigned k = 0; k < c->count; k++) {
		int32_t last = k + 1 < c->count ? c->start[k + 1] - 1 : most;

		if (r->least <= r->most && r->least <= last && r->most >= c->start[k])
			bits |= BIT(k);
	}
	return bits;
}

void rule_box(const struct rule *r, const struct space *s, struct box *ret_box)
{
	*ret_box = r->box;
	for (unsigned a = 0; a < attributes_count(r->family); a++)
		if (schemas[r->family].rows[a].domain == POLICY_NUMBER)
			ret_box->set[a] = range_bits(&r->range[a], &s->cuts[r->family][a],
				schemas[r->family].rows[a].most);
}

unsigned policy_interval(const struct policy *p, enum policy_family f, unsigned attribute,
	int32_t value, int32_t *ret_end)
{
	const struct policy_attribute *a = policy_attribute_get(f, attribute);
	const struct cuts *c;
	unsigned k;

	*ret_end = INT32_MAX;
	if (a == NULL || a->domain != POLICY_NUMBER)
		return BIT_UNKNOWN;
	c = &p->space.cuts[f][attribute];
	k = value_bit(&p->space, f, attribute, value);
	if (k == BIT_UNKNOWN) {
		/* Below the domain it ends where the domain begins: an age may grow into it. */
		*ret_end = value != POLICY_UNKNOWN && value < a->least ? a->least : INT32_MAX;
	} else if (k + 1 < c->count) {
		*ret_end = c->start[k + 1];
	} else {
		*ret_end = a->most == INT32_MAX ? INT32_MAX : a->most + 1;
	}
	return k;
}
