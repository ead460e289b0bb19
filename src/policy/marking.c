/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Markings of the originator as a layer: what TLP, the Permissible Actions Protocol and FIRST's
 * Information Exchange Policy 2.0 say becomes attributes, obligations and one forbid. Whatever
 * cannot be read makes the marking unknown, which no permit covers unless it writes so.
 */
#include "inside.h"

enum { PAP_NONE, PAP_CLEAR, PAP_GREEN, PAP_AMBER, PAP_RED };

/* What IEP lets a recipient do, as the PAP colour that lets no more be done. */
static const struct {
	const char *action;
	int32_t pap;
} actions[] = {
	{"none",				PAP_RED  },
	{"contact-for-instruction",             PAP_RED  },
	{"internally-visible-actions",          PAP_RED  },
	{"externally-visible-indirect-actions", PAP_AMBER},
	{"externally-visible-direct-actions",   PAP_GREEN},
};

static void unreadable(struct policy_marking *m)
{
	m->tlp = m->pap = POLICY_UNKNOWN;
}

static int32_t strictest(int32_t a, int32_t b)
{
	if (a == POLICY_UNKNOWN || b == POLICY_UNKNOWN)
		return POLICY_UNKNOWN;
	return a > b ? a : b;
}

void policy_marking_init(struct policy_marking *m)
{
	*m = (struct policy_marking){.changes_us = INT64_MAX};
	duties_init(&m->duties);
}

void policy_marking_join(struct policy_marking *m, const struct policy_marking *with)
{
	m->tlp = strictest(m->tlp, with->tlp);
	m->pap = strictest(m->pap, with->pap);
	m->no_affected |= with->no_affected;
	if (with->changes_us < m->changes_us)
		m->changes_us = with->changes_us;
	duties_join(&m->duties, &with->duties);
}

static bool pap_colour(struct slice word, int32_t *ret_pap)
{
	if (slice_equal_nocase(word, SLICE("white")))
		word = SLICE("clear");
	for (int32_t pap = PAP_CLEAR; pap <= PAP_RED; pap++) {
		if (slice_equal_nocase(
			    word, slice_of(policy_attribute_get(POLICY_EXCHANGE, POLICY_PAP)
						   ->values[pap]))) {
			*ret_pap = pap;
			return true;
		}
	}
	return false;
}

/* {"extension_type":"property-extension","pap":"amber"} and nothing else. */
static bool pap_read(struct json_value extension, struct policy_marking *m)
{
	struct json_iter it = json_iter(extension);
	struct json_value v;
	struct slice name;
	int32_t pap = PAP_NONE;

	while (json_object_next(&it, &name, &v))
		if (!slice_is(name, "extension_type") &&
			!(slice_is(name, "pap") && pap_colour(json_string(v), &pap)))
			return false;
	m->pap = strictest(m->pap, pap);
	return pap != PAP_NONE;
}

static bool action_read(struct json_value v, struct policy_marking *m)
{
	struct json_iter it = json_iter(v);
	struct json_value item;
	int32_t pap = POLICY_UNKNOWN;

	if (json_is_string(v)) {
		for (size_t i = 0; i < COUNT_OF(actions); i++)
			if (slice_is(json_string(v), actions[i].action))
				pap = actions[i].pap;
	}
	/* A list lets any of its actions be taken: the loosest of them. */
	while (json_is_array(v) && json_array_next(&it, &item)) {
		struct policy_marking one = {0};

		if (!json_is_string(item) || !action_read(item, &one))
			return false;
		pap = pap == POLICY_UNKNOWN || one.pap < pap ? one.pap : pap;
	}
	if (pap == POLICY_UNKNOWN)
		return false;
	m->pap = strictest(m->pap, pap);
	return true;
}

/* "may" says nothing; false: none of the words. */
static bool word_read(struct json_value v, bool *ret_must, bool *ret_must_not)
{
	struct slice word = json_string(v);

	if (ret_must != NULL && slice_is(word, "must"))
		*ret_must = true;
	else if (ret_must_not != NULL && slice_is(word, "must-not"))
		*ret_must_not = true;
	else
		return slice_is(word, "may");
	return true;
}

static bool version_is_2(struct json_value v)
{
	double version;

	return slice_is(json_string(v), "2.0") || (json_to_double(v, &version) && version == 2.0);
}

/* A moment, and whether it has come; one that is still to come changes what is read. */
static bool moment_read(
	struct json_value v, int64_t now_us, struct policy_marking *m, bool *ret_come)
{
	int64_t at;

	if (!time_parse(json_string(v), &at, NULL))
		return false;
	if (now_us < at && at < m->changes_us)
		m->changes_us = at;
	*ret_come = now_us >= at;
	return true;
}

static bool iep_member(
	struct slice name, struct json_value v, int64_t now_us, struct policy_marking *m)
{
	/* Words for people, and what nothing here could break. */
	static const char *const told[] = {"extension_type", "iep_id", "policy_name", "name",
		"description", "external_reference", "external_references"};
	enum stix_tlp tlp;
	bool resale, come;

	for (size_t i = 0; i < COUNT_OF(told); i++)
		if (slice_is(name, told[i]))
			return true;
	if (slice_is(name, "iep_version"))
		return version_is_2(v);
	if (slice_is(name, "tlp")) {
		if (!stix_tlp_parse(json_string(v), &tlp) || tlp == STIX_TLP_NONE)
			return false;
		m->tlp = strictest(m->tlp, (int32_t)tlp);
		return true;
	}
	if (slice_is(name, "permitted_actions"))
		return action_read(v, m);
	if (slice_is(name, "encrypt_in_transit"))
		return word_read(v, &m->duties.encrypt, NULL);
	if (slice_is(name, "provider_attribution") || slice_is(name, "attribution"))
		return word_read(v, &m->duties.attribution, &m->duties.anonymous);
	if (slice_is(name, "affected_party_notifications"))
		return word_read(v, NULL, &m->no_affected);
	if (slice_is(name, "unmodified_resale"))
		return word_read(v, NULL, &resale); /* nobody sells here */
	/* Before it begins and after it ends nobody knows what holds. */
	if (slice_is(name, "start_date"))
		return moment_read(v, now_us, m, &come) && come;
	if (slice_is(name, "end_date"))
		return moment_read(v, now_us, m, &come) && !come;
	return false;
}

static bool iep_read(struct json_value extension, int64_t now_us, struct policy_marking *m)
{
	struct json_iter it = json_iter(extension);
	struct json_value v;
	struct slice name;
	bool version = false;

	while (json_object_next(&it, &name, &v)) {
		if (!iep_member(name, v, now_us, m))
			return false;
		version |= slice_is(name, "iep_version");
	}
	return version;
}

static bool extensions_read(struct json_value extensions, int64_t now_us, struct policy_marking *m)
{
	struct json_iter it = json_iter(extensions);
	struct json_value v;
	struct slice id;

	while (json_object_next(&it, &id, &v)) {
		if (slice_is(id, STIX_PAP_EXTENSION)) {
			if (!pap_read(v, m))
				return false;
		} else if (!slice_is(id, STIX_IEP_EXTENSION) || !iep_read(v, now_us, m)) {
			return false;
		}
	}
	return json_count(extensions) > 0;
}

void policy_marking_read(
	struct json_value marking_definition, int64_t now_us, struct policy_marking *ret_marking)
{
	struct policy_marking m;
	struct json_value extensions;
	struct stix_id id;

	policy_marking_init(&m);
	switch (stix_marking_kind_of(marking_definition)) {
	case STIX_MARKING_TLP:
		(void)stix_id_parse(json_get_string(marking_definition, "id"), &id);
		m.tlp = (int32_t)stix_tlp_of(&id.uuid);
		break;
	case STIX_MARKING_STATEMENT:
		break;
	default:
		/* Another definition beside the extensions could say anything. */
		if (!slice_is(json_get_string(marking_definition, "type"), "marking-definition") ||
			json_get_string(marking_definition, "definition_type").len > 0 ||
			json_get(marking_definition, "definition", &extensions) ||
			!json_get(marking_definition, "extensions", &extensions) ||
			!json_is_object(extensions) || !extensions_read(extensions, now_us, &m))
			unreadable(&m);
	}
	*ret_marking = m;
}

void policy_decide_marked(const struct policy *p, const struct policy_marking *m,
	const struct policy_case *c, struct policy_decision *ret_decision)
{
	struct policy_case marked = *c;
	struct policy_decision d;
	int tlp = policy_attribute_find(c->family, SLICE("tlp"));
	int pap = policy_attribute_find(c->family, SLICE("pap"));

	if (tlp >= 0)
		marked.values[tlp] = strictest(c->values[tlp], m->tlp);
	if (pap >= 0)
		marked.values[pap] = strictest(c->values[pap], m->pap);
	policy_decide(p, &marked, &d);
	if (d.allowed && c->family == POLICY_EXCHANGE) {
		duties_join(&d.duties, &m->duties);
		d.contradiction = duties_contradiction(&d.duties) != NULL;
		/* A recipient who may not tell the affected cannot hand it to them. */
		d.by_marking = m->no_affected && c->values[POLICY_ORIGIN] != 0 &&
			       c->values[POLICY_TO_AFFECTED] != 0;
		if (d.contradiction || d.by_marking) {
			d.allowed = false;
			d.rule = -1;
			duties_init(&d.duties);
		}
	}
	*ret_decision = d;
}
