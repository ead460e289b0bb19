/* SPDX-License-Identifier: MPL-2.0 */
/* Rules between the properties of one object: those that rows say, and those that need code. */
#include "check.h"
#include "pattern.h"

/* ---- rules of the tables --------------------------------------------------------------------- */

static enum mark first_mark(unsigned set)
{
	return (enum mark)__builtin_ctz(set);
}

static bool in_order(const struct walk *w, const struct rule *rule, bool strictly)
{
	enum mark from = first_mark(rule->a), until = first_mark(rule->b);

	if (!walk_has(w, from) || !walk_has(w, until))
		return true;
	return strictly ? w->number[until] > w->number[from] : w->number[until] >= w->number[from];
}

static bool has_own(const struct walk *w, unsigned except)
{
	uint64_t own = w->seen >> w->shape->common_count;

	for (; own != 0; own &= own - 1)
		if (!(SET(w->shape->own[__builtin_ctzll(own)].mark) & except & ~SET(MARK_NONE)))
			return true;
	return (w->present & SET(MARK_EXTENSIONS)) != 0;
}

static bool rule_holds(const struct walk *w, const struct rule *rule)
{
	switch (rule->kind) {
	case RULE_ONE_OF:
		return (w->present & rule->a) != 0;
	case RULE_NEEDS:
		return (w->present & rule->a) == 0 || (w->present & rule->b) == rule->b;
	case RULE_EXCLUDES:
		return (w->present & rule->a) == 0 || (w->present & rule->b) == 0;
	case RULE_NOT_BEFORE:
		return in_order(w, rule, false);
	case RULE_AFTER:
		return in_order(w, rule, true);
	case RULE_OWN:
		return has_own(w, rule->a);
	case RULE_SHOULD_HAVE:
		return !w->check->should || (w->present & rule->a) == rule->a;
	}
	return true;
}

void check_rules(struct walk *w)
{
	for (size_t i = 0; i < w->shape->rules_count; i++) {
		const struct rule *rule = &w->shape->rules[i];

		if (rule_holds(w, rule))
			continue;
		if (rule->kind == RULE_SHOULD_HAVE)
			check_remark(w->check, w->shape->clause, w->place, rule->text);
		else
			check_error(w->check, w->shape->clause, w->place, "%s", rule->text);
	}
}

/* ---- versions (3.2, 3.6) --------------------------------------------------------------------- */

void check_version(struct walk *w)
{
	static const struct place modified = {
		NULL, {"modified", 8},
                 0
        };
	static const struct place spec_version = {
		NULL, {"spec_version", 12},
                 0
        };
	struct check *c = w->check;

	if (walk_has(w, MARK_CREATED) && walk_has(w, MARK_MODIFIED) &&
		w->number[MARK_MODIFIED] < w->number[MARK_CREATED])
		check_error(c, "3.2 Common Properties", &modified,
			"expected modified not to be earlier than created");
	/* The version of an observable is 2.1 when it says none; a custom object without the
	 * timestamps of versioning may be one. */
	if (w->shape->class == STIX_SCO ||
		(w->shape->class == STIX_CUSTOM &&
			!(w->present & (SET(MARK_CREATED) | SET(MARK_MODIFIED)))))
		return;
	if (!(w->present & SET(MARK_VERSION)))
		c->version_20 = true;
	if (c->version_20 && c->should)
		check_remark(c, "3.2 Common Properties", &spec_version,
			"an object of STIX 2.0: only what both versions demand is checked");
}

/* ---- identifiers of other systems (4.1, 4.19) ------------------------------------------------ */

/* `digits` digits or more. */
static bool is_number(struct slice s, size_t digits)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
	return s.len >= digits;
}

static bool is_capec(struct slice id)
{
	return slice_starts(id, SLICE("CAPEC-")) && is_number(slice_cut(id, 6, id.len), 1);
}

/* CVE-YYYY-NNNN, or more digits. */
static bool is_cve(struct slice id)
{
	return slice_starts(id, SLICE("CVE-")) && id.len > 8 && id.data[8] == '-' &&
	       is_number(slice_cut(id, 4, 8), 4) && is_number(slice_cut(id, 9, id.len), 4);
}

static void check_external_reference(struct walk *w)
{
	static const struct place references = {
		NULL, {"external_references", 19},
                 0
        };
	static const struct {
		enum shape_number shape;
		const char *source;
		bool (*fits)(struct slice id);
		const char *clause;
		const char *expected;
	} rows[] = {
		{SHAPE_ATTACK_PATTERN, "capec", is_capec, "4.1 Attack Pattern", "CAPEC-number"   },
		{SHAPE_VULNERABILITY,  "cve",   is_cve,   "4.19 Vulnerability", "CVE-year-number"},
	};
	struct check *c = w->check;
	struct slice source = json_string(walk_at(w, MARK_A));
	struct slice id = json_string(walk_at(w, MARK_E));
	struct place at = {.up = w->place};

	if (c->should && walk_has(w, MARK_C) && !(w->present & SET(MARK_D)) &&
		!(c->once & ONCE_URL_HASHES)) {
		c->once |= ONCE_URL_HASHES;
		check_remark(c, "2.5 External Reference", &references,
			"hashes should be given for the content of a url");
	}
	if (!walk_has(w, MARK_A) || !walk_has(w, MARK_E))
		return;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (c->shape->number != rows[i].shape ||
			!slice_equal_nocase(source, slice_of(rows[i].source)))
			continue;
		at.name = SLICE("source_name");
		if (!slice_is(source, rows[i].source))
			check_expected(c, STIX_ERROR, rows[i].clause, &at, rows[i].source, source);
		at.name = SLICE("external_id");
		if (!rows[i].fits(id))
			check_expected(c, STIX_ERROR, rows[i].clause, &at, rows[i].expected, id);
	}
}

/* ---- domain objects -------------------------------------------------------------------------- */

/* 3.1 asks for names of three characters or more; the standard's own are no shorter, but for id. */
struct short_names {
	struct check *check;
	bool type_said, property_said;
};

static bool check_pattern_names(void *context, const struct pattern_atom *atom)
{
	static const struct place at = {
		NULL, {"pattern", 7},
                 0
        };
	struct short_names *names = context;
	const struct stix_step *first = atom->steps;

	if (atom->object_type.len < 3 && !names->type_said) {
		names->type_said = true;
		check_expected(names->check, STIX_ERROR, "3.1 Property Names", &at,
			"an object type of at least 3 characters", atom->object_type);
	}
	if (atom->steps_count != 0 && first->kind == STIX_STEP_PROPERTY && first->name.len < 3 &&
		!slice_is(first->name, "id") && !names->property_said) {
		names->property_said = true;
		check_expected(names->check, STIX_ERROR, "3.1 Property Names", &at,
			"a property of at least 3 characters", first->name);
	}
	return true;
}

static void report_pattern(struct check *c, enum stix_level level, struct slice pattern,
	const struct pattern_fault *fault)
{
	static const struct place at = {
		NULL, {"pattern", 7},
                 0
        };
	struct stix_pattern_error problem;
	char clean[CLEAN_MAX];

	pattern_error_fill(pattern, fault, &problem);
	check_clean(problem.message, clean);
	if (level == STIX_ERROR)
		check_error(c, "4.7 Indicator", &at, "no STIX pattern: line %llu, column %llu: %s",
			(unsigned long long)problem.line, (unsigned long long)problem.column,
			clean);
	else
		check_warning(c, "9 STIX Patterning", &at, "line %llu, column %llu: %s",
			(unsigned long long)problem.line, (unsigned long long)problem.column,
			clean);
}

static void check_indicator(struct walk *w)
{
	struct check *c = w->check;
	struct slice type = json_string(walk_at(w, MARK_F));
	struct short_names names = {.check = c};
	struct pattern_run run = {
		.pattern = json_string(walk_at(w, MARK_E)),
		.arena = c->report->arena,
		.atom = check_pattern_names,
		.context = &names,
	};

	if (!walk_has(w, MARK_E) || (walk_has(w, MARK_F) && !slice_is(type, "stix")))
		return;
	if (!pattern_run(&run)) {
		c->no_memory |= run.fault.no_memory;
		report_pattern(c, STIX_ERROR, run.pattern, &run.fault);
	} else if (c->should && run.remark.message.len != 0) {
		report_pattern(c, STIX_WARNING, run.pattern, &run.remark);
	}
}

static void check_malware(struct walk *w)
{
	static const struct place at = {
		NULL, {"name", 4},
                 0
        };

	if (json_is_true(walk_at(w, MARK_D)) && !(w->present & SET(MARK_C)))
		check_error(w->check, "4.11 Malware", &at, "a malware family must have a name");
}

static void check_observed_data(struct walk *w)
{
	static const struct place at = {
		NULL, {"object_refs", 11},
                 0
        };
	struct json_iter it = json_iter(walk_at(w, MARK_D));
	struct json_value member;
	struct stix_id id;

	if (!walk_has(w, MARK_D))
		return;
	while (json_array_next(&it, &member))
		if (stix_id_parse(json_string(member), &id) &&
			((TARGET_SCO | TARGET_CUSTOM) & BIT(type_find(id.type))) != 0)
			return;
	check_error(w->check, "4.14 Observed Data", &at, "expected at least one observable");
}

/* Appendix B and 3.7; what custom types may be joined by, nobody has said, and what must not be
 * joined at all is an error elsewhere. */
static bool relationship_defined(
	enum shape_number source, enum shape_number target, struct slice type)
{
	const uint64_t nodes = TARGET_SDO | TARGET_SCO;

	if ((nodes & BIT(source)) == 0 || (nodes & BIT(target)) == 0 ||
		slice_is(type, "related-to"))
		return true;
	if (slice_is(type, "derived-from") || slice_is(type, "duplicate-of"))
		return source == target;
	for (size_t i = 0; i < stix_relationships_count; i++)
		if (stix_relationships[i].source == source &&
			(stix_relationships[i].targets & BIT(target)) != 0 &&
			slice_is(type, stix_relationships[i].type))
			return true;
	return false;
}

static void check_relationship(struct walk *w)
{
	static const struct place at = {
		NULL, {"relationship_type", 17},
                 0
        };
	struct check *c = w->check;
	struct slice type = json_string(walk_at(w, MARK_C));
	char quoted[QUOTE_MAX];

	if (!c->should || !walk_has(w, MARK_C) || !walk_has(w, MARK_D) || !walk_has(w, MARK_E))
		return;
	if (!relationship_defined((enum shape_number)w->number[MARK_D],
		    (enum shape_number)w->number[MARK_E], type))
		check_warning(c, "5.1 Relationship", &at,
			"%s is not defined between %s and %s (Appendix B)",
			check_quote(type, quoted), stix_shapes[w->number[MARK_D]]->name,
			stix_shapes[w->number[MARK_E]]->name);
}

/* ---- observables
 * --------------------------------------------------------------------------------------------------
 */

static void check_email_message(struct walk *w)
{
	bool multipart = json_is_true(walk_at(w, MARK_A));
	struct place body = {w->place, SLICE("body"), 0};
	struct place parts = {w->place, SLICE("body_multipart"), 0};

	if (!walk_has(w, MARK_A))
		return;
	if (multipart && (w->present & SET(MARK_B)))
		check_error(w->check, "6.6 Email Message", &body,
			"expected body only when is_multipart is false");
	if (!multipart && (w->present & SET(MARK_C)))
		check_error(w->check, "6.6 Email Message", &parts,
			"expected body_multipart only when is_multipart is true");
}

static bool lists_protocol(const struct walk *w, const char *protocol)
{
	struct json_iter it = json_iter(walk_at(w, MARK_H));
	struct json_value member;

	while (json_array_next(&it, &member))
		if (slice_is(json_string(member), protocol))
			return true;
	return false;
}

static void check_network_traffic(struct walk *w)
{
	static const char *const protocols[][2] = {
		{"http-request-ext", "http"},
                {"icmp-ext",         "icmp"},
                {"tcp-ext",          "tcp" }
        };
	struct check *c = w->check;
	struct place active = {w->place, SLICE("is_active"), 0};
	struct place at = {w->place, SLICE("protocols"), 0};
	struct json_value extension;

	if (json_is_true(walk_at(w, MARK_C)) && (w->present & SET(MARK_B)))
		check_error(c, "6.12 Network Traffic", &active,
			"expected is_active to be false when there is an end");
	if (!c->should || !walk_has(w, MARK_EXTENSIONS) || !walk_has(w, MARK_H))
		return;
	for (size_t i = 0; i < COUNT_OF(protocols); i++)
		if (json_get(walk_at(w, MARK_EXTENSIONS), protocols[i][0], &extension) &&
			!lists_protocol(w, protocols[i][1]))
			check_warning(c, "6.12 Network Traffic", &at, "expected %s because of %s",
				protocols[i][1], protocols[i][0]);
}

/* ---- meta objects and custom objects --------------------------------------------------------- */

static void check_extension_definition(struct walk *w)
{
	static const struct place at = {
		NULL, {"extension_properties", 20},
                 0
        };
	struct json_iter it = json_iter(walk_at(w, MARK_B));
	struct json_value member;
	bool toplevel = false, listed = (w->present & SET(MARK_C)) != 0;

	if (!walk_has(w, MARK_B))
		return;
	while (json_array_next(&it, &member))
		toplevel |= slice_is(json_string(member), "toplevel-property-extension");
	if (listed && !toplevel)
		check_error(w->check, "7.3 Extension Definition", &at,
			"expected toplevel-property-extension among the extension_types");
	if (!listed && toplevel && w->check->should)
		check_remark(w->check, "7.3 Extension Definition", &at,
			"the names of the new properties should be listed");
}

static bool custom_type_fits(struct slice type)
{
	for (size_t i = 0; i < type.len; i++) {
		char ch = type.data[i];

		if ((ch < 'a' || ch > 'z') && (ch < '0' || ch > '9') &&
			(ch != '-' || (i > 0 && type.data[i - 1] == '-')))
			return false;
	}
	return type.len >= 3 && type.len <= STIX_TYPE_MAX && type.data[0] >= 'a' &&
	       type.data[0] <= 'z';
}

/* 3.2: what domain and relationship objects must have, observables must not. */
static void check_custom_required(struct walk *w)
{
	static const struct place created = {
		NULL, {"created", 7},
                 0
        };
	static const struct place modified = {
		NULL, {"modified", 8},
                 0
        };
	static const struct place defanged = {
		NULL, {"defanged", 8},
                 0
        };
	struct check *c = w->check;
	bool is_sdo = (c->uses & (USE_NEW_SDO | USE_NEW_SRO)) != 0;
	const char *clause = c->uses & USE_NEW ? "7.3 Extension Definition" : w->shape->clause;
	struct json_value v;

	/* An object that nobody has defined may be an observable, unless it has one of the two. */
	if (!is_sdo && ((c->uses & USE_NEW_SCO) ||
			       !(w->present & (SET(MARK_CREATED) | SET(MARK_MODIFIED)))))
		return;
	if (!(w->present & SET(MARK_CREATED)))
		check_error(c, clause, &created, "this property is required");
	if (!(w->present & SET(MARK_MODIFIED)))
		check_error(c, clause, &modified, "this property is required");
	if (is_sdo && json_get(w->value, "defanged", &v))
		check_error(c, "3.2 Common Properties", &defanged,
			"only observables must have this property");
}

static void check_custom(struct walk *w)
{
	static const struct place at = {
		NULL, {"type", 4},
                 0
        };
	struct check *c = w->check;

	if (c->type.data != NULL && !custom_type_fits(c->type))
		check_error(c, c->uses & USE_NEW ? "7.3 Extension Definition" : w->shape->clause,
			&at,
			"expected a-z, 0-9 and single hyphens, a letter first, 3 to 250 "
			"characters");
	check_custom_required(w);
	if (c->uses & USE_NEW || !c->should)
		return;
	check_remark(c, w->shape->clause, &at,
		"custom objects are deprecated, an extension should define this type");
	if (!slice_starts(c->type, SLICE("x-")))
		check_remark(c, w->shape->clause, &at,
			"the type of a custom object should start with x- and its source");
}

void check_special(struct walk *w)
{
	static void (*const specials[SPECIALS])(struct walk * w) = {
		[SPECIAL_INDICATOR] = check_indicator,
		[SPECIAL_MALWARE] = check_malware,
		[SPECIAL_OBSERVED_DATA] = check_observed_data,
		[SPECIAL_RELATIONSHIP] = check_relationship,
		[SPECIAL_EMAIL_MESSAGE] = check_email_message,
		[SPECIAL_NETWORK_TRAFFIC] = check_network_traffic,
		[SPECIAL_MARKING_DEFINITION] = check_marking_definition,
		[SPECIAL_EXTENSION_DEFINITION] = check_extension_definition,
		[SPECIAL_CUSTOM] = check_custom,
		[SPECIAL_EXTERNAL_REFERENCE] = check_external_reference,
		[SPECIAL_GRANULAR_MARKING] = check_selectors,
	};

	if (w->shape->special != SPECIAL_NONE)
		specials[w->shape->special](w);
}
