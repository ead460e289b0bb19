/* SPDX-License-Identifier: MPL-2.0 */
/* Attributes, one by one, with what hangs on them: content, sightings, galaxies. */
#include "import_misp.h"

void misp_unit_read(struct misp *m, const char *structure, struct json_value v, enum stix_tlp outer,
	struct misp_unit *unit)
{
	struct slice uuid = json_get_string(v, "uuid");

	unit->modified_us = misp_time(m->scratch, v, "timestamp");
	if (unit->modified_us == MISP_TIME_NONE)
		unit->modified_us = m->modified_us;
	/*
	 * MISP knows when a thing was last changed, not when it was made. The event's date does not
	 * change from version to version, so it is what stays the same, as created must (section
	 * 3.6); it cannot lie behind the change.
	 */
	unit->created_us = m->created_us < unit->modified_us ? m->created_us : unit->modified_us;
	unit->first_us = misp_time(m->scratch, v, "first_seen");
	unit->last_us = misp_time(m->scratch, v, "last_seen");
	if (unit->first_us != MISP_TIME_NONE && unit->last_us != MISP_TIME_NONE &&
		unit->last_us < unit->first_us) {
		misp_lose(m, structure, SLICE("last_seen (before first_seen)"), uuid);
		unit->last_us = MISP_TIME_NONE;
	}
	unit->valid_until_us = MISP_TIME_NONE;
	unit->comment = json_get_string(v, "comment");
	unit->tlp = misp_marking(
		m, structure, unit->tags->tlp, misp_number(v, "distribution", 5), outer);
	if (!misp_uuid(v, "uuid", &unit->uuid))
		import_uuid((const struct slice[]){slice_of(structure), m->event_text,
				    json_get_string(v, "type"), misp_text(m->scratch, v, "value"),
				    json_get_string(v, "name")},
			5, &unit->uuid);
}

static struct misp_head unit_head(const struct misp_unit *unit, const char *type)
{
	return (struct misp_head){
		.type = type,
		.uuid = unit->uuid,
		.created_us = unit->created_us,
		.modified_us = unit->modified_us,
		.tlp = unit->tlp,
		.labels = unit->tags->labels,
		.labels_count = unit->tags->labels_count,
	};
}

/* ---- a unit: indicator and observed-data ---------------------------------------------------- */

static enum err_kind observed_emit(struct misp *m, const struct misp_unit *unit,
	const struct misp_list *ids, struct slice *ret_id, struct err *e)
{
	struct misp_head head = unit_head(unit, "observed-data");
	int64_t first_us = unit->first_us != MISP_TIME_NONE ? unit->first_us : unit->last_us;
	int64_t last_us = unit->last_us != MISP_TIME_NONE ? unit->last_us : unit->first_us;
	struct json_writer w;

	/* Both are required (section 4.14); without them it was seen by whoever wrote it down. */
	if (first_us == MISP_TIME_NONE)
		first_us = last_us = unit->modified_us;
	misp_begin(m, &w, &head);
	json_member_time(&w, "first_observed", first_us, 3);
	json_member_time(&w, "last_observed", last_us, 3);
	json_member_i64(&w, "number_observed", 1);
	json_write_name(&w, "object_refs");
	json_write_array(&w);
	for (size_t k = 0; k < ids->count; k++)
		json_write_string(&w, ids->items[k]);
	json_write_end(&w, ']');
	return misp_end(m, &w, &head, ret_id, e);
}

static enum err_kind indicator_emit(struct misp *m, const struct misp_unit *unit,
	struct slice pattern, const char *pattern_type, struct slice *ret_id, struct err *e)
{
	struct misp_head head = unit_head(unit, "indicator");
	int64_t from_us = unit->first_us != MISP_TIME_NONE ? unit->first_us : unit->created_us;
	struct json_writer w;

	misp_begin(m, &w, &head);
	json_member_string(&w, "name", unit->name);
	if (unit->comment.len > 0)
		json_member_string(&w, "description", unit->comment);
	json_write_name(&w, "indicator_types");
	json_write_array(&w);
	json_write_text(&w, "malicious-activity");
	json_write_end(&w, ']');
	json_member_string(&w, "pattern", pattern);
	json_member_text(&w, "pattern_type", pattern_type);
	json_member_time(&w, "valid_from", from_us, 3);
	if (unit->valid_until_us != MISP_TIME_NONE && unit->valid_until_us / 1000 > from_us / 1000)
		json_member_time(&w, "valid_until", unit->valid_until_us, 3);
	return misp_end(m, &w, &head, ret_id, e);
}

/* An observed-data has no room for words: they are a note about it. */
static enum err_kind comment_emit(
	struct misp *m, const struct misp_unit *unit, struct slice about, struct err *e)
{
	struct misp_head head = unit_head(unit, "note");
	struct slice id;

	head.labels_count = 0;
	import_uuid(
		(const struct slice[]){
			SLICE("comment"), {(const char *)unit->uuid.bytes, 16}
        },
		2, &head.uuid);
	return misp_note(m, &head, (struct slice){0}, unit->comment, about, &id, e);
}

/* What the attribute's galaxies have to do with it. */
static enum err_kind galaxies_relate(
	struct misp *m, const struct misp_unit *unit, struct slice id, struct err *e)
{
	struct misp_head like = unit_head(unit, "relationship");
	bool indicates = slice_starts(id, SLICE("indicator--"));
	enum err_kind kind = OK;

	for (size_t k = 0; k < unit->tags->galaxies_count && kind == OK; k++)
		kind = misp_relate(m, NULL, indicates ? SLICE("indicates") : SLICE("related-to"),
			id, unit->tags->galaxies[k], &like, (struct slice){0}, e);
	return kind;
}

enum err_kind misp_unit_emit(
	struct misp *m, const struct misp_unit *unit, struct slice *ret_id, struct err *e)
{
	struct misp_head like = unit_head(unit, "relationship");
	struct slice pattern, indicator = {0}, observed = {0};
	struct misp_list ids = {0};
	bool resolves = false, beyond = unit->artifact.len > 0;
	enum err_kind kind;

	*ret_id = (struct slice){0};
	kind = misp_facts_pattern(m, unit->facts, unit->facts_count, &pattern, e);
	for (size_t k = 0; k < unit->facts_count; k++) {
		for (size_t i = 0; i < k; i++)
			resolves |= strcmp(unit->facts[i].field->name, "name") == 0 &&
				    strcmp(unit->facts[k].field->name, "ip") == 0;
		beyond |= !unit->facts[k].in_pattern;
	}
	/* The pattern holds everything: there is nothing to observe besides. */
	if (kind == OK && (pattern.len == 0 || beyond || resolves))
		kind = misp_facts_observables(
			m, unit->facts, unit->facts_count, unit->tlp, unit->artifact, &ids, e);
	if (kind == OK && ids.count == 0 && unit->artifact.len > 0 &&
		!misp_list_add(&ids, unit->artifact))
		kind = misp_nomem(e);
	if (kind == OK && ids.count > 0)
		kind = observed_emit(m, unit, &ids, &observed, e);
	if (kind == OK && resolves && ids.count > 0)
		kind = misp_facts_resolve(m, unit->facts, unit->facts_count, &like, e);
	if (kind == OK && pattern.len > 0) {
		if (unit->last_us != MISP_TIME_NONE && observed.len == 0)
			misp_lose(m, "attribute", SLICE("last_seen"), (struct slice){0});
		kind = indicator_emit(m, unit, pattern, "stix", &indicator, e);
	} else if (kind == OK && observed.len > 0 && unit->comment.len > 0) {
		kind = comment_emit(m, unit, observed, e);
	}
	if (kind == OK && indicator.len > 0 && observed.len > 0)
		kind = misp_relate(m, NULL, SLICE("based-on"), indicator, observed, &like,
			(struct slice){0}, e);
	misp_list_fini(&ids);
	if (kind != OK)
		return kind;
	*ret_id = indicator.len > 0 ? indicator : observed;
	return ret_id->len > 0 ? galaxies_relate(m, unit, *ret_id, e) : OK;
}

/* ---- content -------------------------------------------------------------------------------- */

/* Base64 that RFC 4648 would take; MISP's own has line ends at times. */
static bool base64_clean(struct misp *m, struct slice text, struct slice *ret_text)
{
	char *clean = arena_string(m->scratch, text);
	struct buf bytes = BUF_INIT;
	size_t len = 0;
	bool ok;

	if (clean == NULL)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] != '\n' && text.data[i] != '\r' && text.data[i] != ' ')
			clean[len++] = text.data[i];
	}
	*ret_text = (struct slice){clean, len};
	ok = len > 0 && base64_decode(*ret_text, &bytes);
	buf_fini(&bytes);
	return ok;
}

enum err_kind misp_artifact(struct misp *m, struct json_value attribute, bool sample,
	enum stix_tlp tlp, struct slice *ret_id, struct err *e)
{
	struct slice data = json_get_string(attribute, "data"), clean;
	struct slice uuid = json_get_string(attribute, "uuid");
	struct json_writer w = JSON_WRITER(&m->body);
	struct uuid marking, id;
	size_t markings_count;
	enum err_kind kind;

	*ret_id = (struct slice){0};
	if (data.len == 0)
		return OK;
	if (data.len > JSON_OBJECT_MAX - KIB(1)) {
		import_lose(m->job, &m->place,
			"attribute %.*s: data of %zu bytes, an object has at most %zu",
			SLICE_ARG(uuid), data.len, JSON_OBJECT_MAX);
		return OK;
	}
	if (!base64_clean(m, data, &clean)) {
		import_lose(
			m->job, &m->place, "attribute %.*s: data is no base64", SLICE_ARG(uuid));
		return OK;
	}
	buf_clear(&m->body);
	json_write_object(&w);
	json_member_text(&w, "type", "artifact");
	if (sample)
		json_member_text(&w, "mime_type", "application/zip");
	json_member_string(&w, "payload_bin", clean);
	if (sample) { /* MISP packs samples with the password that everybody uses (6.1) */
		json_member_text(&w, "encryption_algorithm", "mime-type-indicated");
		json_member_text(&w, "decryption_key", "infected");
	}
	json_write_end(&w, '}');
	markings_count = tlp != STIX_TLP_CLEAR && import_tlp_uuid(tlp, &marking) ? 1 : 0;
	kind = import_observable_id(
		m->small, buf_slice(&m->body), (struct slice){0}, &marking, markings_count, &id, e);
	if (kind != OK)
		return kind;
	*ret_id = misp_id(m, "artifact", &id);
	if (ret_id->data == NULL)
		return misp_nomem(e);
	buf_clear(&m->out);
	import_observable_append(&m->out, buf_slice(&m->body), &id, &marking, markings_count);
	return misp_emit(m, *ret_id, tlp, e);
}

/* ---- sightings ------------------------------------------------------------------------------ */

enum sighting_type { SIGHTED = 0, FALSE_POSITIVE = 1, EXPIRATION = 2 };

static enum err_kind sighting_emit(struct misp *m, struct json_value sighting, struct slice target,
	const struct misp_head *like, struct err *e)
{
	int64_t at_us = misp_time(m->scratch, sighting, "date_sighting");
	bool opinion = misp_number(sighting, "type", SIGHTED) == FALSE_POSITIVE;
	struct slice source = misp_text(m->scratch, sighting, "source"), id;
	struct misp_head head = *like;
	struct json_value org;
	struct json_writer w;
	struct uuid where;
	bool has_where = false;
	enum err_kind kind;

	misp_lose_rest(m, "sighting", sighting, json_get_string(sighting, "uuid"));
	if (at_us == MISP_TIME_NONE)
		at_us = like->modified_us;
	head.created_us = head.modified_us = at_us;
	head.labels_count = 0;
	if (json_get(sighting, "Organisation", &org) && json_is_object(org)) {
		has_where = true;
		kind = misp_identity(m, org, &where, e);
		if (kind != OK)
			return kind;
	}
	if (!misp_uuid(sighting, "uuid", &head.uuid))
		import_uuid((const struct slice[]){SLICE("sighting"), target,
				    misp_text(m->scratch, sighting, "date_sighting"), source},
			4, &head.uuid);
	head.type = opinion ? "opinion" : "sighting";
	misp_begin(m, &w, &head);
	if (opinion) {
		/* "This is no sign of anything bad" is what the strongest disagreement says. */
		json_member_text(&w, "explanation", "False positive.");
		if (source.len > 0) {
			json_write_name(&w, "authors");
			json_write_array(&w);
			json_write_string(&w, source);
			json_write_end(&w, ']');
		}
		json_member_text(&w, "opinion", "strongly-disagree");
		json_write_name(&w, "object_refs");
		json_write_array(&w);
		json_write_string(&w, target);
		json_write_end(&w, ']');
		if (has_where)
			misp_lose(
				m, "sighting", SLICE("Organisation (of a false positive)"), target);
		return misp_end(m, &w, &head, &id, e);
	}
	if (source.len > 0)
		json_member_string(&w, "description", source);
	json_member_time(&w, "first_seen", at_us, 3);
	json_member_time(&w, "last_seen", at_us, 3);
	json_member_i64(&w, "count", 1);
	json_member_string(&w, "sighting_of_ref", target);
	if (has_where) {
		json_write_name(&w, "where_sighted_refs");
		json_write_array(&w);
		char text[STIX_ID_MAX + 1];
		stix_id_format(SLICE("identity"), &where, text);
		json_write_text(&w, text);
		json_write_end(&w, ']');
	}
	return misp_end(m, &w, &head, &id, e);
}

enum err_kind misp_sightings(struct misp *m, struct json_value attribute, struct slice target,
	const struct misp_head *like, struct err *e)
{
	struct json_value list, sighting;
	enum err_kind kind = OK;
	struct json_iter it;

	if (!json_get(attribute, "Sighting", &list) || !json_is_array(list))
		return OK;
	for (it = json_iter(list); kind == OK && json_array_next(&it, &sighting);) {
		if (misp_number(sighting, "type", SIGHTED) == EXPIRATION)
			continue; /* it ended the indicator */
		kind = sighting_emit(m, sighting, target, like, e);
	}
	return kind;
}

/* The last "expiration" ends an indicator. */
static int64_t expiration_of(struct misp *m, struct json_value attribute)
{
	int64_t until_us = MISP_TIME_NONE;
	struct json_value list, sighting;
	struct json_iter it;

	if (!json_get(attribute, "Sighting", &list) || !json_is_array(list))
		return until_us;
	for (it = json_iter(list); json_array_next(&it, &sighting);) {
		int64_t at_us = misp_time(m->scratch, sighting, "date_sighting");

		if (misp_number(sighting, "type", SIGHTED) == EXPIRATION && at_us > until_us)
			until_us = at_us;
	}
	return until_us;
}

/* ---- attributes ----------------------------------------------------------------------------- */

static enum err_kind vulnerability_emit(struct misp *m, const struct misp_unit *unit,
	struct slice value, struct slice *ret_id, struct err *e)
{
	struct misp_head head = unit_head(unit, "vulnerability");
	struct json_writer w;

	misp_begin(m, &w, &head);
	json_member_string(&w, "name", value);
	if (unit->comment.len > 0)
		json_member_string(&w, "description", unit->comment);
	/* Section 2.13: "cve" only with an id of CVE's form. */
	if (slice_starts(value, SLICE("CVE-")) && value.len >= strlen("CVE-1999-0001") &&
		value.len < 24 && value.data[8] == '-') {
		uint64_t number;
		bool fits = slice_to_u64(slice_cut(value, 4, 8), &number);

		for (size_t i = 9; i < value.len; i++)
			fits &= value.data[i] >= '0' && value.data[i] <= '9';
		if (fits) {
			json_write_name(&w, "external_references");
			json_write_array(&w);
			json_write_object(&w);
			json_member_text(&w, "source_name", "cve");
			json_member_string(&w, "external_id", value);
			json_write_end(&w, '}');
			json_write_end(&w, ']');
		}
	}
	return misp_end(m, &w, &head, ret_id, e);
}

/* A link belongs to the report itself. Its UUID finds it again. */
static bool reference_add(
	struct misp *m, struct json_value attribute, struct slice value, struct slice comment)
{
	struct buf text = BUF_INIT;
	struct json_writer w = JSON_WRITER(&text);
	struct slice copy;
	bool ok;

	json_write_object(&w);
	json_member_text(&w, "source_name", "misp-attribute");
	if (comment.len > 0)
		json_member_string(&w, "description", comment);
	json_member_string(&w, "url", value);
	if (json_get_string(attribute, "uuid").len > 0)
		json_member_string(&w, "external_id", json_get_string(attribute, "uuid"));
	json_write_end(&w, '}');
	copy = arena_copy(m->arena, buf_slice(&text));
	ok = !text.bad && copy.data != NULL && misp_list_add(&m->references, copy);
	buf_fini(&text);
	return ok;
}

static bool is_web(struct slice value)
{
	if (!slice_starts(value, SLICE("http://")) && !slice_starts(value, SLICE("https://")))
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] <= ' ' || value.data[i] == '"' || value.data[i] == '<' ||
			value.data[i] == '>')
			return false; /* also what is not ASCII */
	}
	return value.len > strlen("https://");
}

/* "value|value" into facts; false when a part is not what its type says. */
static bool facts_make(struct misp *m, const struct misp_type *type, struct slice value,
	bool to_ids, struct misp_fact facts[3], size_t *ret_count)
{
	size_t bar = slice_find(value, '|', 0);
	size_t count = 0;

	/* Feeds leave the second part of a malware-sample out at times, but never its bar. */
	if (type->b == NULL)
		bar = value.len;
	else if (bar == value.len)
		return false;
	if (!misp_fact_make(
		    m, misp_field_find(type->a), slice_cut(value, 0, bar), to_ids, &facts[count++]))
		return false;
	if (type->b != NULL &&
		!misp_fact_make(m, misp_field_find(type->b), slice_cut(value, bar + 1, value.len),
			to_ids, &facts[count++]))
		return false;
	if (type->account != NULL && !misp_fact_make(m, misp_field_find("account-type"),
					     slice_of(type->account), to_ids, &facts[count++]))
		return false;
	*ret_count = count;
	return true;
}

static void add_own_labels(struct misp *m, struct json_value attribute, struct misp_tags *tags)
{
	misp_label(m, tags,
		arena_printf(m->scratch, "misp:type=\"%.*s\"",
			SLICE_ARG(slice_cut(json_get_string(attribute, "type"), 0, 200))));
	if (json_get_string(attribute, "category").len > 0)
		misp_label(m, tags,
			arena_printf(m->scratch, "misp:category=\"%.*s\"",
				SLICE_ARG(slice_cut(
					json_get_string(attribute, "category"), 0, 200))));
}

bool misp_carries_more(struct json_value attribute)
{
	static const char *const lists[] = {"Tag", "Galaxy", "Sighting"};
	struct json_value list;

	for (size_t k = 0; k < COUNT_OF(lists); k++) {
		if (json_get(attribute, lists[k], &list) && json_count(list) > 0)
			return true;
	}
	return misp_number(attribute, "distribution", 5) != 5;
}

/* What has no type of its own in STIX is written down word for word. */
static enum err_kind attribute_note(struct misp *m, const struct misp_unit *unit,
	struct json_value attribute, struct slice value, struct slice *ret_id, struct err *e)
{
	struct misp_head head = unit_head(unit, "note");
	struct slice content = value;

	if (misp_truth(attribute, "to_ids"))
		misp_lose(m, "attribute", SLICE("to_ids (of what has no pattern)"),
			json_get_string(attribute, "uuid"));
	if (unit->comment.len > 0)
		content = arena_printf(
			m->scratch, "%.*s\n\n%.*s", SLICE_ARG(value), SLICE_ARG(unit->comment));
	if (content.data == NULL)
		return misp_nomem(e);
	return misp_note(
		m, &head, json_get_string(attribute, "type"), content, m->about, ret_id, e);
}

static enum err_kind attribute_fields(struct misp *m, const struct misp_type *type,
	struct misp_unit *unit, struct json_value attribute, struct slice value,
	struct slice *ret_id, struct err *e)
{
	bool sample = slice_is(json_get_string(attribute, "type"), "malware-sample");
	struct misp_fact facts[3];
	enum err_kind kind;

	if (!facts_make(
		    m, type, value, misp_truth(attribute, "to_ids"), facts, &unit->facts_count)) {
		misp_lose(m, "attribute",
			arena_printf(m->arena, "value (not what type %s says, kept as a note)",
				type->type),
			json_get_string(attribute, "uuid"));
		return attribute_note(m, unit, attribute, value, ret_id, e);
	}
	unit->facts = facts;
	kind = misp_artifact(m, attribute, sample, unit->tlp, &unit->artifact, e);
	if (kind == OK)
		kind = misp_unit_emit(m, unit, ret_id, e);
	/* Nothing came of it: a port alone, say. */
	if (kind == OK && ret_id->len == 0)
		kind = attribute_note(m, unit, attribute, value, ret_id, e);
	unit->facts = NULL; /* they lived here */
	return kind;
}

static enum err_kind attribute_rule(struct misp *m, const struct misp_type *type,
	struct misp_unit *unit, struct json_value attribute, struct slice value,
	struct slice *ret_id, struct err *e)
{
	bool stix = strcmp(type->a, "stix") == 0;
	struct stix_pattern_error error;
	struct stix_node *root;
	enum err_kind kind;

	if (stix && !stix_pattern_parse(value, m->scratch, &root, &error)) {
		misp_lose(m, "attribute",
			SLICE("value (a pattern that does not parse, kept as a note)"),
			json_get_string(attribute, "uuid"));
		return attribute_note(m, unit, attribute, value, ret_id, e);
	}
	if (!misp_truth(attribute, "to_ids"))
		misp_lose(m, "attribute", SLICE("to_ids (false, of a rule)"),
			json_get_string(attribute, "uuid"));
	unit->name = unit->comment.len > 0 ? unit->comment
					   : arena_printf(m->scratch, "%s rule", type->type);
	kind = indicator_emit(m, unit, value, type->a, ret_id, e);
	return kind == OK && ret_id->len > 0 ? galaxies_relate(m, unit, *ret_id, e) : kind;
}

enum err_kind misp_attribute(
	struct misp *m, struct json_value attribute, enum stix_tlp outer, struct err *e)
{
	struct slice value = slice_trim(misp_text(m->scratch, attribute, "value")), id = {0};
	struct slice type_name = json_get_string(attribute, "type");
	const struct misp_type *type = misp_type_find(type_name);
	struct misp_tags *tags = &m->tags[MISP_TAGS_ATTRIBUTE];
	struct misp_unit unit = {.tags = tags};
	struct misp_head like;
	enum err_kind kind;
	bool is_new;

	if (type_name.len == 0 || value.len == 0)
		return import_refuse(m->job, &m->place, json_get_string(attribute, "uuid"), e,
			"attribute without type or value");
	if (misp_truth(attribute, "deleted")) {
		import_lose(m->job, &m->place, "attribute %.*s is deleted and left out",
			SLICE_ARG(json_get_string(attribute, "uuid")));
		return OK;
	}
	misp_lose_rest(m, "attribute", attribute, json_get_string(attribute, "uuid"));
	kind = misp_tags_read(m, attribute, tags, e);
	if (kind != OK)
		return kind;
	misp_unit_read(m, "attribute", attribute, outer, &unit);
	kind = import_tlp_emit(m->job, unit.tlp, &m->place, e);
	if (kind == OK)
		kind = misp_galaxies(m, attribute, tags, unit.tlp, e);
	if (kind != OK)
		return kind;
	add_own_labels(m, attribute, tags);
	unit.name = value;
	unit.valid_until_us = expiration_of(m, attribute);
	if (type->use == MISP_USE_FIELDS && is_web(value) && !misp_truth(attribute, "to_ids") &&
		slice_is(json_get_string(attribute, "category"), "External analysis"))
		type = misp_type_find(SLICE("link"));
	if (type->use != MISP_USE_FIELDS &&
		(unit.first_us != MISP_TIME_NONE || unit.last_us != MISP_TIME_NONE))
		misp_lose(m, "attribute",
			SLICE("first_seen and last_seen (of what is no observation)"),
			json_get_string(attribute, "uuid"));
	switch (type->use) {
	case MISP_USE_FIELDS:
		kind = attribute_fields(m, type, &unit, attribute, value, &id, e);
		break;
	case MISP_USE_RULE:
		kind = attribute_rule(m, type, &unit, attribute, value, &id, e);
		break;
	case MISP_USE_VULNERABILITY:
		kind = vulnerability_emit(m, &unit, value, &id, e);
		break;
	case MISP_USE_REFERENCE:
		/* The report is read by all who may have it, so what is for fewer is a note. */
		if (m->has_event && is_web(value) && unit.tlp <= m->tlp &&
			!misp_carries_more(attribute)) {
			misp_lose(m, "attribute", SLICE("timestamp and category (of a link)"),
				json_get_string(attribute, "uuid"));
			if (!reference_add(m, attribute, value, unit.comment))
				return misp_nomem(e);
			return OK;
		}
		__attribute__((fallthrough));
	case MISP_USE_NOTE:
		kind = attribute_note(m, &unit, attribute, value, &id, e);
		break;
	}
	if (kind != OK || id.len == 0)
		return kind;
	if (!misp_map_put(&m->targets,
		    arena_copy(m->arena, (struct slice){(const char *)unit.uuid.bytes, 16}), id,
		    &is_new))
		return misp_nomem(e);
	like = unit_head(&unit, "sighting");
	return misp_sightings(m, attribute, id, &like, e);
}
