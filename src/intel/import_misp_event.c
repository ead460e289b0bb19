/* SPDX-License-Identifier: MPL-2.0 */
/* An event: first what it holds, then the report or grouping that names it all. */
#include "import_misp.h"

/*
 * References of one report: at about 52 bytes each they stay below JSON_OBJECT_MAX and
 * STIX_REFERENCES_MAX. What goes beyond stands in groupings that the report refers to. What is for
 * fewer readers than the report stands in groupings that refer to it: whoever may not have a thing
 * that an object names may not have that object, and would lose the report for one attribute.
 */
#define REPORT_REFERENCES_MAX 18000

static const char *const threat_levels[] = {NULL, "high", "medium", "low", "undefined"};
static const char *const analyses[] = {"initial", "ongoing", "completed"};

static void label_number(struct misp *m, struct misp_tags *tags, struct json_value event,
	const char *field, const char *label, const char *const *names, int64_t count)
{
	int64_t number = misp_number(event, field, -1);

	if (number >= 0 && number < count && names[number] != NULL)
		misp_label(m, tags, arena_printf(m->arena, "misp:%s=\"%s\"", label, names[number]));
	else if (number >= 0)
		misp_lose(m, "event", slice_of(field), m->event_text);
}

/* Times, author, marking: what everything in the event takes over. */
static enum err_kind event_begin(
	struct misp *m, struct json_value event, struct slice document, struct err *e)
{
	struct misp_tags *tags = &m->tags[MISP_TAGS_EVENT];
	int64_t distribution = misp_number(event, "distribution", 1);
	struct json_value org, orgc, none = {0};
	int64_t date_us;
	enum err_kind kind;

	m->has_event = true;
	m->event_text = json_get_string(event, "uuid");
	if (!misp_uuid(event, "uuid", &m->event_uuid))
		import_uuid(
			(const struct slice[]){SLICE("misp-event"), document}, 2, &m->event_uuid);
	m->event_text = slice_cut(
		misp_id(m, "misp-event", &m->event_uuid), strlen("misp-event--"), STIX_ID_MAX);
	if (m->event_text.len == 0)
		return misp_nomem(e);
	m->modified_us = misp_time(m->arena, event, "timestamp");
	date_us = misp_time(m->arena, event, "date");
	if (m->modified_us == MISP_TIME_NONE)
		m->modified_us = misp_time(m->arena, event, "publish_timestamp");
	if (m->modified_us == MISP_TIME_NONE)
		m->modified_us = date_us != MISP_TIME_NONE ? date_us : 0;
	m->created_us =
		date_us != MISP_TIME_NONE && date_us < m->modified_us ? date_us : m->modified_us;
	if (!json_get(event, "Orgc", &orgc) || !json_is_object(orgc)) {
		if (!json_get(event, "Org", &orgc) || !json_is_object(orgc))
			orgc = none; /* the name of the file stands for it */
	} else if (json_get(event, "Org", &org) &&
		   !slice_equal(json_get_string(org, "uuid"), json_get_string(orgc, "uuid"))) {
		misp_lose(m, "event", SLICE("Org (which had it, and did not make it)"),
			m->event_text);
	}
	if (!misp_truth(event, "published") &&
		misp_time(m->arena, event, "publish_timestamp") != MISP_TIME_NONE)
		misp_lose(m, "event", SLICE("publish_timestamp (of what is not published)"),
			m->event_text);
	misp_lose_rest(m, "event", event, m->event_text);
	kind = misp_identity(m, orgc, &m->creator, e);
	if (kind == OK)
		kind = misp_tags_read(m, event, tags, e);
	if (kind != OK)
		return kind;
	/* An event cannot inherit. Without a word it was given to us, and we are a community. */
	m->tlp = misp_marking(
		m, "event", tags->tlp, distribution == 5 ? -1 : distribution, STIX_TLP_NONE);
	if (tags->tlp == STIX_TLP_NONE && m->job->options->tlp > m->tlp)
		m->tlp = m->job->options->tlp;
	kind = import_tlp_emit(m->job, m->tlp, &m->place, e);
	if (kind == OK)
		kind = misp_galaxies(m, event, tags, m->tlp, e);
	label_number(m, tags, event, "threat_level_id", "threat-level", threat_levels,
		COUNT_OF(threat_levels));
	label_number(m, tags, event, "analysis", "analysis", analyses, COUNT_OF(analyses));
	return kind;
}

static void write_references(struct misp *m, struct json_writer *w, struct json_value event)
{
	struct slice extends = json_get_string(event, "extends_uuid");

	if (m->references.count == 0 && extends.len == 0)
		return;
	json_write_name(w, "external_references");
	json_write_array(w);
	if (extends.len > 0) {
		json_write_object(w);
		json_member_text(w, "source_name", "misp-event");
		json_member_text(w, "description", "The event that this one extends.");
		json_member_string(w, "external_id", extends);
		json_write_end(w, '}');
	}
	for (size_t k = 0; k < m->references.count; k++)
		json_write_raw(w, m->references.items[k]);
	json_write_end(w, ']');
}

static void write_refs(struct misp *m, struct json_writer *w, struct slice first,
	const struct misp_list *refs, size_t from, size_t to)
{
	json_write_name(w, "object_refs");
	json_write_array(w);
	if (first.len > 0)
		json_write_string(w, first);
	for (size_t k = from; k < to; k++)
		json_write_string(w, refs->items[k]);
	if (from == to && first.len == 0) { /* an empty event still has an author */
		char id[STIX_ID_MAX + 1];

		stix_id_format(SLICE("identity"), &m->creator, id);
		json_write_text(w, id);
	}
	json_write_end(w, ']');
}

/*
 * Name a part of what the event holds in groupings: what is too much for one report, or for fewer
 * readers than it. first: an id that stands in each of them, or empty. *ids gets theirs.
 */
static enum err_kind parts_emit(struct misp *m, const struct misp_list *refs, enum stix_tlp tlp,
	struct slice name, struct slice first, struct misp_list *ids, struct err *e)
{
	enum err_kind kind = OK;

	for (size_t from = 0; kind == OK && from < refs->count; from += REPORT_REFERENCES_MAX) {
		size_t to = from + REPORT_REFERENCES_MAX < refs->count
				    ? from + REPORT_REFERENCES_MAX
				    : refs->count;
		uint8_t number[8];
		struct misp_head head = {.type = "grouping",
			.created_us = m->created_us,
			.modified_us = m->modified_us,
			.tlp = tlp};
		struct json_writer w;
		struct slice id;

		put_u64(number, from);
		import_uuid(
			(const struct slice[]){
				SLICE("part"), m->event_text, slice_of(stix_tlp_name(tlp)),
				{(const char *)number, sizeof(number)}
                },
			4, &head.uuid);
		misp_begin(m, &w, &head);
		json_member_string(&w, "name",
			arena_printf(m->arena, "%.*s (TLP:%s, objects from number %zu)",
				SLICE_ARG(name), stix_tlp_name(tlp), from + 1));
		json_member_text(&w, "context", "suspicious-activity");
		write_refs(m, &w, first, refs, from, to);
		kind = misp_end(m, &w, &head, &id, e);
		if (kind == OK && id.len > 0 && !misp_list_add(ids, id))
			kind = misp_nomem(e);
	}
	return kind;
}

static enum err_kind event_emit(struct misp *m, struct json_value event, struct slice name,
	const struct misp_list *refs, struct err *e)
{
	struct misp_tags *tags = &m->tags[MISP_TAGS_EVENT];
	bool report = misp_truth(event, "published");
	struct misp_head head = {
		.type = report ? "report" : "grouping",
		.uuid = m->event_uuid,
		.created_us = m->created_us,
		.modified_us = m->modified_us,
		.tlp = m->tlp,
		.labels = tags->labels,
		.labels_count = tags->labels_count,
	};
	int64_t published_us = misp_time(m->arena, event, "publish_timestamp");
	struct json_writer w;
	struct slice id;

	misp_begin(m, &w, &head);
	json_member_string(&w, "name", name);
	if (report) {
		json_write_name(&w, "report_types");
		json_write_array(&w);
		json_write_text(&w, "threat-report");
		json_write_end(&w, ']');
		json_member_time(&w, "published",
			published_us != MISP_TIME_NONE ? published_us : m->modified_us, 3);
	} else {
		json_member_text(&w, "context", "suspicious-activity");
	}
	write_refs(m, &w, (struct slice){0}, refs, 0, refs->count);
	write_references(m, &w, event);
	return misp_end(m, &w, &head, &id, e);
}

static enum err_kind event_end(struct misp *m, struct json_value event, struct err *e)
{
	struct slice name = misp_text(m->arena, event, "info");
	struct misp_list refs[COUNT_OF(m->refs)], parts = {0}, narrower = {0};
	enum err_kind kind = OK;

	/* From here on nothing more is added to what it refers to. */
	memcpy(refs, m->refs, sizeof(refs));
	memset(m->refs, 0, sizeof(m->refs));
	if (name.len == 0)
		name = arena_printf(m->arena, "MISP event %.*s", SLICE_ARG(m->event_text));
	if (refs[STIX_TLP_NONE].count > REPORT_REFERENCES_MAX)
		kind = parts_emit(
			m, &refs[STIX_TLP_NONE], m->tlp, name, (struct slice){0}, &parts, e);
	if (kind == OK)
		kind = event_emit(
			m, event, name, parts.count > 0 ? &parts : &refs[STIX_TLP_NONE], e);
	for (enum stix_tlp tlp = STIX_TLP_CLEAR; tlp <= STIX_TLP_RED && kind == OK; tlp++)
		kind = parts_emit(m, &refs[tlp], tlp, name, m->about, &narrower, e);
	for (size_t k = 0; k < COUNT_OF(refs); k++)
		misp_list_fini(&refs[k]);
	misp_list_fini(&parts);
	misp_list_fini(&narrower);
	return kind;
}

static enum err_kind event_report(struct misp *m, struct json_value v, struct err *e)
{
	struct slice uuid = json_get_string(v, "uuid"), content = json_get_string(v, "content"), id;
	struct misp_tags *tags = &m->tags[MISP_TAGS_OBJECT];
	struct misp_unit unit = {.tags = tags};
	struct misp_head head;

	if (misp_truth(v, "deleted")) {
		import_lose(m->job, &m->place, "event report %.*s is deleted and left out",
			SLICE_ARG(uuid));
		return OK;
	}
	misp_lose_rest(m, "event report", v, uuid);
	tags->labels_count = 0;
	tags->tlp = STIX_TLP_NONE;
	misp_unit_read(m, "event report", v, m->tlp, &unit);
	head = (struct misp_head){.uuid = unit.uuid,
		.created_us = unit.created_us,
		.modified_us = unit.modified_us,
		.tlp = unit.tlp};
	if (content.len == 0)
		content = SLICE("(empty)");
	return misp_note(m, &head, json_get_string(v, "name"), content, m->about, &id, e);
}

enum err_kind misp_each(struct misp *m, struct json_value v, const char *name,
	enum err_kind (*one)(struct misp *m, struct json_value item, struct err *e), struct err *e)
{
	struct json_value list, item;
	enum err_kind kind = OK;
	struct json_iter it;

	if (!json_get(v, name, &list) || !json_is_array(list))
		return OK;
	for (it = json_iter(list); kind == OK && json_array_next(&it, &item);) {
		arena_reset(m->scratch);
		if (json_is_object(item))
			kind = one(m, item, e);
		else
			kind = import_refuse(m->job, &m->place, m->event_text, e,
				"%s: expected an object", name);
	}
	return kind;
}

static enum err_kind event_attribute(struct misp *m, struct json_value attribute, struct err *e)
{
	return misp_attribute(m, attribute, m->tlp, e);
}

enum err_kind misp_event(
	struct misp *m, struct json_value event, struct slice document, struct err *e)
{
	struct import_sink *sink = m->job->sink;
	enum err_kind kind = event_begin(m, event, document, e);

	if (kind != OK)
		return kind;
	kind = sink->original(sink->context, SLICE("misp-event"), m->event_text, document, e);
	if (kind != OK)
		return kind;
	m->about =
		misp_id(m, misp_truth(event, "published") ? "report" : "grouping", &m->event_uuid);
	if (m->about.data == NULL)
		return misp_nomem(e);
	kind = misp_each(m, event, "Attribute", event_attribute, e);
	if (kind == OK)
		kind = misp_each(m, event, "Object", misp_object, e);
	if (kind == OK)
		kind = misp_each(m, event, "Object", misp_object_references, e);
	if (kind == OK)
		kind = misp_each(m, event, "EventReport", event_report, e);
	if (kind == OK)
		kind = event_end(m, event, e);
	misp_lose_tell(m);
	return kind;
}
