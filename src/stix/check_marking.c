/* SPDX-License-Identifier: MPL-2.0 */
/* Marking definitions, above all those of the Traffic Light Protocol, and granular markings (7.2).
 */
#include "check.h"

#define TLP_CLAUSE "7.2.1.4 TLP Marking"

/* ---- Traffic Light Protocol ------------------------------------------------------------------ */

/* "TLP:GREEN", "tlp amber+strict": a text that says nothing but a colour. */
static bool is_label(struct slice text)
{
	enum stix_tlp tlp;

	text = slice_trim(text);
	if (text.len < 5 || !slice_equal_nocase(slice_cut(text, 0, 3), SLICE("tlp")) ||
		strchr(": -_", text.data[3]) == NULL)
		return false;
	return stix_tlp_parse(slice_trim(slice_cut(text, 4, text.len)), &tlp);
}

/* 7.2.1.4: the standard definitions must be used to represent TLP, and no others. So whatever says
 * that it is one, in whichever place, is held against them. */
static bool looks_like_tlp(const struct walk *w)
{
	struct json_value definition = walk_at(w, MARK_C), v;

	if (walk_has(w, MARK_C) && (json_get(definition, "tlp", &v) ||
					   is_label(json_get_string(definition, "statement"))))
		return true;
	return (walk_has(w, MARK_B) && slice_is(json_string(walk_at(w, MARK_B)), "tlp")) ||
	       (walk_has(w, MARK_A) && is_label(json_string(walk_at(w, MARK_A)))) ||
	       (w->check->uses & USE_TLP_2) || tlp_marking_find(&w->check->facts->key.uuid) != NULL;
}

/* {"tlp": colour} and nothing else. */
static bool is_tlp_1(struct json_value definition, const struct tlp_marking *marking)
{
	return json_count(definition) == 1 &&
	       slice_is(json_get_string(definition, "tlp"), marking->colour);
}

/* The one extension of TLP 2.0 and nothing else. */
static bool is_tlp_2(struct json_value extensions, const struct tlp_marking *marking)
{
	struct json_value extension;

	return json_count(extensions) == 1 &&
	       json_get(extensions, "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d",
		       &extension) &&
	       json_count(extension) == 2 &&
	       slice_is(json_get_string(extension, "extension_type"), "property-extension") &&
	       slice_is(json_get_string(extension, "tlp_2_0"), marking->colour);
}

/* Every property of the standard definition, and no other. */
static bool is_standard(const struct walk *w, const struct tlp_marking *marking)
{
	struct json_iter it = json_iter(w->value);
	struct json_value v;
	struct slice name;
	unsigned found = 0, wanted = marking->version_2 ? 6 : 7;

	/* STIX 2.0 had neither spec_version nor name. */
	if (w->check->version_20 && !marking->version_2) {
		wanted -= (w->present & SET(MARK_VERSION)) == 0;
		wanted -= (w->present & SET(MARK_A)) == 0;
	}
	while (json_object_next(&it, &name, &v)) {
		bool same = slice_is(name, "type") || slice_is(name, "id") ||
			    slice_is(name, "spec_version");

		if (slice_is(name, "created"))
			same = walk_has(w, MARK_CREATED) &&
			       w->number[MARK_CREATED] == marking->created_us;
		else if (slice_is(name, "name"))
			same = slice_is(json_string(v), marking->name);
		else if (slice_is(name, "definition_type"))
			same = !marking->version_2 && slice_is(json_string(v), "tlp");
		else if (slice_is(name, "definition"))
			same = !marking->version_2 && is_tlp_1(v, marking);
		else if (slice_is(name, "extensions"))
			same = marking->version_2 && is_tlp_2(v, marking);
		if (!same)
			return false;
		found++;
	}
	return found == wanted;
}

static void check_tlp(struct walk *w)
{
	const struct tlp_marking *marking = tlp_marking_find(&w->check->facts->key.uuid);

	if (marking == NULL)
		check_error(w->check, TLP_CLAUSE, NULL,
			"says TLP, but is none of the standard TLP marking definitions");
	else if (!is_standard(w, marking))
		check_error(w->check, TLP_CLAUSE, NULL,
			"has the id of %s, but is not that standard marking definition",
			marking->name);
}

/* ---- marking definitions (7.2.1) ------------------------------------------------------------- */

static void check_definition(struct walk *w)
{
	static const struct place definition_type = {
		NULL, {"definition_type", 15},
                 0
        };
	static const struct place definition = {
		NULL, {"definition", 10},
                 0
        };
	struct place statement = {&definition, SLICE("statement"), 0};
	struct check *c = w->check;
	struct json_value v;

	if (!(w->present & SET(MARK_EXTENSIONS))) {
		if (!(w->present & SET(MARK_B)))
			check_error(c, w->shape->clause, &definition_type,
				"this property is required without extensions");
		if (!(w->present & SET(MARK_C)))
			check_error(c, w->shape->clause, &definition,
				"this property is required without extensions");
	}
	if (!walk_has(w, MARK_B) || !slice_is(json_string(walk_at(w, MARK_B)), "statement"))
		return;
	if (c->should)
		check_remark(c, w->shape->clause, &definition_type,
			"new marking definitions should be defined by an extension");
	if (!walk_has(w, MARK_C))
		return;
	if (!json_get(walk_at(w, MARK_C), "statement", &v) || !json_is_string(v))
		check_error(c, "7.2.1.3 Statement Marking", &statement, "expected a string");
}

void check_marking_definition(struct walk *w)
{
	const struct stix_facts *f = w->check->facts;

	check_definition(w);
	if (looks_like_tlp(w))
		check_tlp(w);
	/* 3.2: a marking must not mark itself; longer circles need other objects to be seen. */
	for (size_t i = 0; f->key.type.data != NULL && i < f->markings_count; i++) {
		if (uuid_equal(&f->markings[i], &f->key.uuid)) {
			check_error(w->check, "3.2 Common Properties", NULL,
				"a marking definition must not be marked with itself");
			break;
		}
	}
}

/* ---- selectors (7.2.3.1) --------------------------------------------------------------------- */

/* "[4]" of a list; false when it is no such step, or there is no such item. */
static bool step_into_list(
	struct check *c, struct json_value list, struct slice step, struct json_value *ret_value)
{
	struct json_iter it = json_iter(list);
	uint64_t index;

	if (!json_is_array(list) || step.len < 3 || step.data[0] != '[' ||
		step.data[step.len - 1] != ']' ||
		!slice_to_u64(slice_cut(step, 1, step.len - 1), &index))
		return false;
	do {
		if (!check_step(c) || !json_array_next(&it, ret_value))
			return false;
	} while (index-- != 0);
	return true;
}

static bool step_into_object(
	struct check *c, struct json_value object, struct slice step, struct json_value *ret_value)
{
	struct json_iter it = json_iter(object);
	struct slice name;

	while (json_is_object(object) && json_object_next(&it, &name, ret_value) && check_step(c))
		if (slice_equal(name, step))
			return true;
	return false;
}

static bool selects(struct check *c, struct slice selector)
{
	struct json_value at = c->object;
	struct slice step;

	if (selector.len == 0 || selector.data[selector.len - 1] == '.')
		return false;
	while (slice_next(&selector, '.', &step))
		if (!step_into_list(c, at, step, &at) && !step_into_object(c, at, step, &at))
			return false;
	return true;
}

void check_selectors(struct walk *w)
{
	struct json_iter it = json_iter(walk_at(w, MARK_C));
	struct place selectors = {w->place, SLICE("selectors"), 0};
	struct place at = {.up = &selectors};
	struct json_value member;

	if (!walk_has(w, MARK_C))
		return;
	for (; json_array_next(&it, &member); at.index++)
		if (json_is_string(member) && !selects(w->check, json_string(member)) &&
			w->check->steps <= CHECK_STEPS_MAX)
			check_expected(w->check, STIX_ERROR, w->shape->clause, &at,
				"a selector of what is in this object", json_string(member));
}
