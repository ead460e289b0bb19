/* SPDX-License-Identifier: MPL-2.0 */
/* STIX objects, one type after the other, as attributes, objects, tags and reports of an event. */
#include <stdlib.h>

#include "export_misp.h"

/* ---- what all have in common ---------------------------------------------------------------- */

/* TLP becomes a tag; what else a marking says has no place. */
static void lose_markings(struct misp_state *s, const struct export_object *o)
{
	char text[UUID_TEXT_LEN + 1];

	for (size_t k = 0; k < o->facts.markings_count; k++) {
		if (stix_tlp_of(&o->facts.markings[k]) != STIX_TLP_NONE)
			continue;
		uuid_format(&o->facts.markings[k], text);
		export_lose(s->job, o->facts.id, "no place for marking-definition--%s", text);
	}
}

static void lose_creator(
	struct misp_state *s, const struct misp_event *ev, const struct export_object *o)
{
	struct stix_id id;

	if (stix_id_parse(json_get_string(o->value, "created_by_ref"), &id) &&
		!(ev->has_creator && uuid_equal(&id.uuid, &ev->creator)))
		export_lose(
			s->job, o->facts.id, "no place for created_by_ref: the event has another");
}

/* Kept by all attributes. The rest of `kept` is the type's own. */
#define KEPT_COMMON "object_marking_refs", "created_by_ref", "modified", "created", "labels"

static struct misp_attribute attribute_of(
	const struct export_object *o, const struct misp_member *facts)
{
	return (struct misp_attribute){
		.uuid = o->facts.key.uuid,
		.timestamp_us = o->facts.modified_us,
		.first_us = facts->first_us,
		.last_us = facts->last_us,
		.tlp = export_tlp(&o->facts),
		.labels = o->facts.labels,
		.confidence = -1,
	};
}

/*
 * What the attribute was before it was imported. A type of two parts cannot be restored from one
 * value. The texts live in the arena.
 */
static void restore_fields(
	struct misp_state *s, const struct export_object *o, bool one, struct misp_attribute *a)
{
	struct json_value item;
	struct json_iter it;
	struct slice text;
	const char *kept;

	if (o->facts.labels.doc == NULL || !json_is_array(o->facts.labels))
		return;
	for (it = json_iter(o->facts.labels); json_array_next(&it, &item);) {
		text = misp_own_label(json_string(item), "category");
		kept = text.len > 0 ? arena_string(s->job->arena, text) : NULL;
		if (kept != NULL)
			a->category = kept;
		text = misp_own_label(json_string(item), "type");
		kept = text.len > 0 && one && slice_find(text, '|', 0) == text.len
			       ? arena_string(s->job->arena, text)
			       : NULL;
		if (kept != NULL)
			a->type = kept;
	}
}

/* ---- indicators ----------------------------------------------------------------------------- */

/* Types of patterns that MISP has attributes for. */
static const struct {
	const char *pattern_type;
	const char *type;
	const char *category;
} rules[] = {
	{"stix",     "stix2-pattern", "Payload installation"},
	{"yara",     "yara",          "Payload installation"},
	{"sigma",    "sigma",         "Payload installation"},
	{"snort",    "snort",         "Network activity"    },
	{"suricata", "snort",         "Network activity"    },
	{"zeek",     "zeek",          "Network activity"    },
	{"bro",      "bro",           "Network activity"    },
	{"kusto",    "kusto-query",   "External analysis"   },
};

/* What people see first of all: the description, with the name unless that is only the value. */
static struct slice comment_of(
	struct misp_state *s, const struct export_object *o, struct slice value)
{
	struct slice name = json_get_string(o->value, "name");
	struct slice description = json_get_string(o->value, "description");

	if (name.len == 0 || slice_equal(name, value))
		return description;
	if (description.len == 0)
		return name;
	return arena_printf(s->job->arena, "%.*s: %.*s", SLICE_ARG(name), SLICE_ARG(description));
}

static bool confidence_fits(int confidence)
{
	return confidence < 0 || confidence % 25 == 0;
}

static void lose_indicator(
	struct misp_state *s, const struct misp_event *ev, const struct export_object *o)
{
	static const char *const kept[] = {KEPT_COMMON, "name", "description", "pattern",
		"pattern_type", "valid_from", "confidence", NULL};

	export_lose_members(s->job, o, kept);
	lose_markings(s, o);
	lose_creator(s, ev, o);
	if (!confidence_fits(o->facts.confidence))
		export_lose(s->job, o->facts.id, "no place for confidence %d", o->facts.confidence);
}

/* Values one by one when they are all that the pattern says and MISP has a type for each. */
static bool values_fit(struct misp_state *s, const struct export_object *o,
	struct stix_value **ret_values, size_t *ret_count)
{
	struct slice pattern = json_get_string(o->value, "pattern");
	const char *type, *category;
	size_t atoms, count = 0;
	bool all = true;

	if (!slice_is(json_get_string(o->value, "pattern_type"), "stix") ||
		!stix_pattern_is_list(pattern, s->job->arena, &atoms) ||
		stix_values(o->value, s->job->arena, ret_values, &count, &all, NULL) != OK ||
		!all || count != atoms)
		return false;
	for (size_t k = 0; k < count; k++) {
		if (!misp_type_of(&(*ret_values)[k], &type, &category))
			return false;
	}
	*ret_count = count;
	return count > 0;
}

static enum err_kind sightings_of(struct misp_state *s, const struct misp_event *ev,
	const struct misp_member *facts, struct slice *ret_json, struct err *e)
{
	struct buf list = BUF_INIT;

	*ret_json = (struct slice){0};
	for (uint32_t k = facts->sighting; k != 0; k = ev->sightings[k - 1].next) {
		const struct misp_sighting *one = &ev->sightings[k - 1];

		buf_char(&list, list.len == 0 ? '[' : ',');
		buf_append(&list, ev->sightings_text.data + one->from, one->to - one->from);
	}
	if (list.len > 0) {
		buf_char(&list, ']');
		*ret_json = arena_copy(s->job->arena, buf_slice(&list));
	}
	if (list.bad || (list.len > 0 && ret_json->data == NULL)) {
		buf_fini(&list);
		return export_nomem(e);
	}
	buf_fini(&list);
	return OK;
}

static enum err_kind convert_indicator(struct misp_state *s, struct misp_event *ev,
	const struct export_object *o, const struct misp_member *facts, struct err *e)
{
	struct misp_attribute a = attribute_of(o, facts);
	struct slice pattern_type = json_get_string(o->value, "pattern_type");
	struct stix_value *values = NULL;
	size_t count = 0, rule;
	int64_t from_us;
	enum err_kind kind;

	if (o->facts.revoked) {
		export_lose(s->job, o->facts.id, "not exported: it is revoked");
		return OK;
	}
	a.to_ids = true;
	a.confidence = o->facts.confidence;
	if (time_parse(json_get_string(o->value, "valid_from"), &from_us, NULL) &&
		from_us != o->facts.created_us && a.first_us == INT64_MIN)
		a.first_us = from_us;
	kind = sightings_of(s, ev, facts, &a.sightings, e);
	if (kind != OK)
		return kind;
	if (values_fit(s, o, &values, &count)) {
		for (size_t k = 0; k < count; k++) {
			if (!misp_type_of(&values[k], &a.type, &a.category))
				return OK;
			restore_fields(s, o, count == 1, &a);
			a.value = export_value_text(&values[k], s->job->arena);
			a.comment = comment_of(s, o, values[k].text);
			if (a.value.data == NULL)
				return export_nomem(e);
			if (k > 0)
				misp_uuid_of(o->facts.id, a.value, &a.uuid);
			misp_attribute_write(s, ev, &ev->attributes, &a);
			a.sightings = (struct slice){0};
		}
		lose_indicator(s, ev, o);
		return OK;
	}
	for (rule = 0; rule < COUNT_OF(rules); rule++) {
		if (slice_is(pattern_type, rules[rule].pattern_type))
			break;
	}
	if (rule == COUNT_OF(rules)) {
		export_lose(s->job, o->facts.id, "no place for a pattern of type %.*s",
			SLICE_ARG(pattern_type));
		return OK;
	}
	if (slice_is(pattern_type, "suricata"))
		export_lose(
			s->job, o->facts.id, "no place for pattern_type suricata: it became snort");
	a.type = rules[rule].type;
	a.category = rules[rule].category;
	a.value = json_get_string(o->value, "pattern");
	a.comment = comment_of(s, o, (struct slice){0});
	misp_attribute_write(s, ev, &ev->attributes, &a);
	lose_indicator(s, ev, o);
	return OK;
}

/* ---- observables ---------------------------------------------------------------------------- */

static void lose_observable(
	struct misp_state *s, const struct misp_event *ev, const struct export_object *o)
{
	static const char *const kept[] = {KEPT_COMMON, "value", "number", "name", "hashes", "path",
		"key", "subject", "message_id", "command_line", "cpe", "user_id", "account_login",
		"display_name", "serial_number", "issuer", "url", "size", "mime_type", "defanged",
		NULL};

	export_lose_members(s->job, o, kept);
	lose_markings(s, o);
	lose_creator(s, ev, o);
}

/* A value that MISP has no type for is text with the name of its place. */
static enum err_kind value_attribute(struct misp_state *s, struct misp_event *ev, struct buf *list,
	const struct stix_value *v, struct misp_attribute *a, struct err *e)
{
	a->value = export_value_text(v, s->job->arena);
	a->comment = (struct slice){0};
	if (!misp_type_of(v, &a->type, &a->category)) {
		a->type = "text";
		a->category = "Other";
		a->comment = arena_printf(s->job->arena, "%.*s:%.*s", SLICE_ARG(v->object_type),
			SLICE_ARG(v->property));
	}
	if (a->value.data == NULL || (a->comment.len > 0 && a->comment.data == NULL))
		return export_nomem(e);
	misp_attribute_write(s, ev, list, a);
	return OK;
}

/* Attributes of a MISP object have UUIDs of their own. */
static enum err_kind relation_attribute(struct misp_state *s, struct misp_event *ev,
	struct buf *list, const struct export_object *o, const char *relation, const char *type,
	const char *category, struct slice value, struct misp_attribute *a, struct err *e)
{
	struct slice part = arena_printf(s->job->arena, "%s %.*s", relation, SLICE_ARG(value));

	if (part.data == NULL)
		return export_nomem(e);
	misp_uuid_of(o->facts.id, part, &a->uuid);
	a->relation = relation;
	a->type = type;
	a->category = category;
	a->value = value;
	a->comment = (struct slice){0};
	misp_attribute_write(s, ev, list, a);
	return OK;
}

#define FILE_TEMPLATE         "688c46fb-5edb-40a3-8273-1af7923e2215" /* of MISP's object "file" */
#define FILE_TEMPLATE_VERSION "24"

static void object_begin(
	struct misp_event *ev, const struct export_object *o, const struct misp_attribute *a)
{
	struct json_writer w = JSON_WRITER(&ev->objects);
	char uuid[UUID_TEXT_LEN + 1], seconds[32];

	if (ev->objects.len > 0)
		buf_char(&ev->objects, ',');
	uuid_format(&o->facts.key.uuid, uuid);
	snprintf(seconds, sizeof(seconds), "%lld", (long long)(a->timestamp_us / US_PER_SECOND));
	json_write_object(&w);
	json_member_text(&w, "uuid", uuid);
	json_member_text(&w, "name", "file");
	json_member_text(&w, "meta-category", "file");
	json_member_text(&w, "template_uuid", FILE_TEMPLATE);
	json_member_text(&w, "template_version", FILE_TEMPLATE_VERSION);
	json_member_text(&w, "timestamp", seconds);
	json_member_text(&w, "distribution", a->tlp > ev->tlp ? misp_distribution(a->tlp) : "5");
	json_member_text(&w, "comment", "");
	json_member_bool(&w, "deleted", false);
	json_write_name(&w, "Attribute");
}

/* A file with more than one thing known about it. */
static enum err_kind convert_file(struct misp_state *s, struct misp_event *ev,
	const struct export_object *o, const struct stix_value *values, size_t count,
	struct misp_attribute *a, struct err *e)
{
	struct slice mime = json_get_string(o->value, "mime_type"), size_text;
	struct buf list = BUF_INIT;
	enum err_kind kind = OK;
	struct json_value size;
	int64_t bytes;

	for (size_t k = 0; k < count && kind == OK; k++) {
		const char *type, *category, *relation;

		if (!misp_type_of(&values[k], &type, &category)) {
			export_lose(s->job, o->facts.id, "no place for %.*s %.*s",
				SLICE_ARG(values[k].property), SLICE_ARG(values[k].text));
			continue;
		}
		/* the template has no imphash, but a place for any text */
		relation = strcmp(type, "imphash") == 0 ? "text" : type;
		kind = relation_attribute(s, ev, &list, o, relation, relation, category,
			export_value_text(&values[k], s->job->arena), a, e);
	}
	if (kind == OK && mime.len > 0)
		kind = relation_attribute(
			s, ev, &list, o, "mimetype", "mime-type", "Artifacts dropped", mime, a, e);
	if (kind == OK && json_get(o->value, "size", &size) && json_to_i64(size, &bytes)) {
		size_text = arena_printf(s->job->arena, "%lld", (long long)bytes);
		kind = relation_attribute(s, ev, &list, o, "size-in-bytes", "size-in-bytes",
			"Other", size_text, a, e);
	}
	if (kind == OK && list.len > 0) {
		object_begin(ev, o, a);
		buf_char(&ev->objects, '[');
		buf_slice_append(&ev->objects, buf_slice(&list));
		buf_text(&ev->objects, "]}");
	}
	if (list.bad)
		kind = export_nomem(e);
	buf_fini(&list);
	return kind;
}

/* "ip-dst|port": an address or name that traffic goes to, and the port. */
static enum err_kind convert_end(struct misp_state *s, struct misp_event *ev,
	const struct export_object *o, bool destination, struct misp_attribute *a, bool *ret_any,
	struct err *e)
{
	struct slice ref = json_get_string(o->value, destination ? "dst_ref" : "src_ref");
	struct export_object end;
	struct slice id = o->facts.id, text;
	struct json_value port;
	enum err_kind kind;
	struct stix_id target;
	int64_t number;
	bool found, name;

	if (!json_get(o->value, destination ? "dst_port" : "src_port", &port) ||
		!json_to_i64(port, &number) || !stix_id_parse(ref, &target))
		return OK;
	name = slice_is(target.type, "domain-name");
	if (!name && !slice_is(target.type, "ipv4-addr") && !slice_is(target.type, "ipv6-addr"))
		return OK;
	if (name && !destination)
		return OK;
	misp_cover(s, &target);
	/* o's document goes with the next load: keep what is needed of it */
	id = arena_copy(s->job->arena, id);
	kind = misp_load(s, target.type, &target.uuid, &end, &found, e);
	if (kind != OK || !found)
		return kind;
	text = arena_printf(s->job->arena, "%.*s|%lld",
		SLICE_ARG(json_get_string(end.value, "value")), (long long)number);
	if (text.data == NULL || id.data == NULL)
		return export_nomem(e);
	a->type = name ? "hostname|port" : destination ? "ip-dst|port" : "ip-src|port";
	a->category = "Network activity";
	a->value = text;
	a->comment = (struct slice){0};
	if (*ret_any)
		misp_uuid_of(id, text, &a->uuid);
	misp_attribute_write(s, ev, &ev->attributes, a);
	*ret_any = true;
	return OK;
}

static enum err_kind convert_traffic(struct misp_state *s, struct misp_event *ev,
	const struct export_object *o, struct misp_attribute *a, struct err *e)
{
	static const char *const kept[] = {
		KEPT_COMMON, "src_ref", "dst_ref", "src_port", "dst_port", NULL};
	struct slice type = SLICE("network-traffic");
	struct uuid uuid = o->facts.key.uuid;
	struct export_object again;
	enum err_kind kind;
	bool any = false, found;

	/* labels live in the document that the ends replace */
	a->labels = (struct json_value){0};
	export_lose_members(s->job, o, kept);
	if (o->facts.labels.doc != NULL)
		export_lose(s->job, o->facts.id, "no place for labels");
	lose_markings(s, o);
	lose_creator(s, ev, o);
	kind = convert_end(s, ev, o, true, a, &any, e);
	if (kind == OK)
		kind = misp_load(s, type, &uuid, &again, &found, e);
	if (kind != OK || !found)
		return kind;
	kind = convert_end(s, ev, &again, false, a, &any, e);
	if (kind == OK && !any)
		kind = misp_load(s, type, &uuid, &again, &found, e);
	if (kind == OK && !any && found)
		export_lose(s->job, again.facts.id, "no place for network-traffic without a port");
	return kind;
}

static enum err_kind convert_observable(struct misp_state *s, struct misp_event *ev,
	const struct export_object *o, const struct misp_member *facts, struct err *e)
{
	struct misp_attribute a = attribute_of(o, facts);
	struct stix_value *values;
	enum err_kind kind;
	size_t count;
	bool all;

	/* an observable has no time of its own */
	a.timestamp_us = ev->timestamp_us;
	kind = stix_values(o->value, s->job->arena, &values, &count, &all, e);
	if (kind != OK)
		return kind;
	if (slice_is(o->facts.key.type, "network-traffic") && count == 0)
		return convert_traffic(s, ev, o, &a, e);
	if (count == 0) {
		export_lose(s->job, o->facts.id, "no place for an object of type %.*s",
			SLICE_ARG(o->facts.key.type));
		return OK;
	}
	if (!all)
		export_lose(s->job, o->facts.id, "only the first %d values were taken",
			STIX_VALUES_MAX);
	lose_observable(s, ev, o);
	if (slice_is(o->facts.key.type, "file") && (count > 1 || json_count(o->value) > 5))
		return convert_file(s, ev, o, values, count, &a, e);
	for (size_t k = 0; k < count && kind == OK; k++) {
		if (k > 0)
			misp_uuid_of(o->facts.id, values[k].text, &a.uuid);
		kind = value_attribute(s, ev, &ev->attributes, &values[k], &a, e);
	}
	return kind;
}

/* ---- galaxies ------------------------------------------------------------------------------- */

/* The clusters that MISP has for types of objects; ATT&CK's bear their number in the name. */
static const struct galaxy {
	const char *type;
	const char *galaxy;
	bool numbered;
} galaxies[] = {
	{"attack-pattern",   "mitre-attack-pattern",   true },
	{"course-of-action", "mitre-course-of-action", true },
	{"intrusion-set",    "mitre-intrusion-set",    true },
	{"malware",          "mitre-malware",          true },
	{"tool",             "mitre-tool",             true },
	{"threat-actor",     "threat-actor",           false},
};

static struct slice external_id(struct json_value object, const char *source)
{
	struct json_value list, item;
	struct json_iter it;

	if (!json_get(object, "external_references", &list) || !json_is_array(list))
		return (struct slice){0};
	it = json_iter(list);
	while (json_array_next(&it, &item)) {
		if (slice_is(json_get_string(item, "source_name"), source))
			return json_get_string(item, "external_id");
	}
	return (struct slice){0};
}

static enum err_kind convert_cluster(struct misp_state *s, struct misp_event *ev,
	const struct export_object *o, const struct galaxy *galaxy, struct err *e)
{
	static const char *const kept[] = {"name", "object_marking_refs", NULL};
	struct slice tag = external_id(o->value, "misp-galaxy"); /* from our own import */
	struct slice number = external_id(o->value, "mitre-attack");
	struct slice name = json_get_string(o->value, "name");
	char *text;

	if (ev->gathered) {
		export_lose(s->job, o->facts.id,
			"no place for an object of type %s outside of a report", galaxy->type);
		return OK;
	}
	if (tag.len > 0)
		tag = arena_printf(s->job->arena, "misp-galaxy:%.*s", SLICE_ARG(tag));
	else if (galaxy->numbered && number.len > 0)
		tag = arena_printf(s->job->arena, "misp-galaxy:%s=\"%.*s - %.*s\"", galaxy->galaxy,
			SLICE_ARG(name), SLICE_ARG(number));
	else
		tag = arena_printf(
			s->job->arena, "misp-galaxy:%s=\"%.*s\"", galaxy->galaxy, SLICE_ARG(name));
	text = arena_string(s->job->arena, tag);
	if (tag.data == NULL || text == NULL)
		return export_nomem(e);
	/* a machine tag ends at the second quotation mark */
	for (char *c = strchr(text, '"'); c != NULL && (size_t)(c - text) + 1 < tag.len;
		c = strchr(c + 1, '"')) {
		if (c != strchr(text, '"')) {
			*c = '\'';
			export_lose(
				s->job, o->facts.id, "no place for a quotation mark in the name");
		}
	}
	misp_tag(ev, slice_of(text));
	s->job->records++;
	export_lose_members(s->job, o, kept);
	lose_markings(s, o);
	return OK;
}

/* ---- the other types ------------------------------------------------------------------------ */

static enum err_kind convert_vulnerability(struct misp_state *s, struct misp_event *ev,
	const struct export_object *o, const struct misp_member *facts, struct err *e)
{
	static const char *const kept[] = {KEPT_COMMON, "name", "description", NULL};
	struct slice cve = external_id(o->value, "cve");
	struct misp_attribute a = attribute_of(o, facts);

	(void)e;
	a.type = "vulnerability";
	a.category = "External analysis";
	a.value = cve.len > 0 ? cve : json_get_string(o->value, "name");
	a.comment = json_get_string(o->value, "description");
	misp_attribute_write(s, ev, &ev->attributes, &a);
	export_lose_members(s->job, o, kept);
	lose_markings(s, o);
	lose_creator(s, ev, o);
	return OK;
}

static enum err_kind convert_campaign(struct misp_state *s, struct misp_event *ev,
	const struct export_object *o, const struct misp_member *facts, struct err *e)
{
	static const char *const kept[] = {KEPT_COMMON, "name", "description", NULL};
	struct misp_attribute a = attribute_of(o, facts);

	(void)e;
	a.type = "campaign-name";
	a.category = "Attribution";
	a.value = json_get_string(o->value, "name");
	a.comment = json_get_string(o->value, "description");
	misp_attribute_write(s, ev, &ev->attributes, &a);
	export_lose_members(s->job, o, kept);
	lose_markings(s, o);
	lose_creator(s, ev, o);
	return OK;
}

static enum err_kind convert_note(
	struct misp_state *s, struct misp_event *ev, const struct export_object *o, struct err *e)
{
	static const char *const kept[] = {"object_marking_refs", "created_by_ref", "modified",
		"created", "abstract", "content", NULL};
	struct json_writer w = JSON_WRITER(&ev->reports);
	struct slice name = json_get_string(o->value, "abstract");
	enum stix_tlp tlp = export_tlp(&o->facts);
	char uuid[UUID_TEXT_LEN + 1], seconds[32];

	(void)e;
	if (ev->reports.len > 0)
		buf_char(&ev->reports, ',');
	uuid_format(&o->facts.key.uuid, uuid);
	snprintf(seconds, sizeof(seconds), "%lld",
		(long long)(o->facts.modified_us / US_PER_SECOND));
	json_write_object(&w);
	json_member_text(&w, "uuid", uuid);
	json_member_string(&w, "name", name.len > 0 ? name : SLICE("Note"));
	json_member_string(&w, "content", json_get_string(o->value, "content"));
	json_member_text(&w, "timestamp", seconds);
	json_member_text(&w, "distribution", tlp > ev->tlp ? misp_distribution(tlp) : "5");
	json_member_bool(&w, "deleted", false);
	json_write_end(&w, '}');
	s->job->records++;
	export_lose_members(s->job, o, kept);
	lose_markings(s, o);
	lose_creator(s, ev, o);
	return OK;
}

/* The creator stands in Orgc; its other members have no place. */
static void convert_identity(
	struct misp_state *s, const struct misp_event *ev, const struct export_object *o)
{
	static const char *const kept[] = {
		"name", "object_marking_refs", "created", "modified", NULL};

	if (ev->has_creator && uuid_equal(&o->facts.key.uuid, &ev->creator))
		export_lose_members(s->job, o, kept);
	else
		export_lose(s->job, o->facts.id, "no place for an identity that made nothing here");
}

/* ---- doors ---------------------------------------------------------------------------------- */

enum err_kind misp_convert(struct misp_state *s, struct misp_event *ev,
	const struct export_object *o, const struct misp_member *facts, struct err *e)
{
	struct slice type = o->facts.key.type;

	if (slice_is(type, "indicator"))
		return convert_indicator(s, ev, o, facts, e);
	if (slice_is(type, "vulnerability"))
		return convert_vulnerability(s, ev, o, facts, e);
	if (slice_is(type, "campaign"))
		return convert_campaign(s, ev, o, facts, e);
	if (slice_is(type, "note"))
		return convert_note(s, ev, o, e);
	if (slice_is(type, "identity")) {
		convert_identity(s, ev, o);
		return OK;
	}
	for (size_t k = 0; k < COUNT_OF(galaxies); k++) {
		if (slice_is(type, galaxies[k].type))
			return convert_cluster(s, ev, o, &galaxies[k], e);
	}
	if (slice_is(type, "marking-definition") &&
		stix_tlp_of(&o->facts.key.uuid) != STIX_TLP_NONE)
		return OK; /* a tag stands for it wherever it is used */
	if (slice_is(type, "observed-data") || slice_is(type, "sighting"))
		return OK; /* done before */
	if (o->facts.class == STIX_SCO || o->facts.class == STIX_CUSTOM)
		return convert_observable(s, ev, o, facts, e);
	export_lose(s->job, o->facts.id, "no place for an object of type %.*s", SLICE_ARG(type));
	return OK;
}

static enum err_kind before_observed(
	struct misp_state *s, struct misp_event *ev, const struct export_object *o, struct err *e)
{
	static const char *const kept[] = {"object_marking_refs", "created_by_ref", "created",
		"modified", "first_observed", "last_observed", "object_refs", NULL};
	int64_t first_us = INT64_MIN, last_us = INT64_MIN;
	struct json_value refs, ref, number;
	enum err_kind kind = OK;
	struct json_iter it;
	struct stix_id id;
	int64_t times;

	time_parse(json_get_string(o->value, "first_observed"), &first_us, NULL);
	time_parse(json_get_string(o->value, "last_observed"), &last_us, NULL);
	if (json_get(o->value, "object_refs", &refs) && json_is_array(refs)) {
		it = json_iter(refs);
		while (kind == OK && json_array_next(&it, &ref)) {
			if (stix_id_parse(json_string(ref), &id))
				kind = misp_event_member(
					ev, id.type, &id.uuid, first_us, last_us, e);
		}
	}
	export_lose_members(s->job, o, kept);
	if (json_get(o->value, "number_observed", &number) && json_to_i64(number, &times) &&
		times > 1)
		export_lose(
			s->job, o->facts.id, "no place for %lld observations", (long long)times);
	lose_markings(s, o);
	lose_creator(s, ev, o);
	return kind;
}

/* A sighting stands with the attribute that was seen; type 0: seen. */
static enum err_kind before_sighting(
	struct misp_state *s, struct misp_event *ev, const struct export_object *o, struct err *e)
{
	static const char *const kept[] = {"object_marking_refs", "created_by_ref", "created",
		"modified", "sighting_of_ref", "last_seen", NULL};
	int64_t seen_us = o->facts.modified_us;
	struct misp_sighting *sightings;
	struct json_writer w = JSON_WRITER(&ev->sightings_text);
	char uuid[UUID_TEXT_LEN + 1], seconds[32];
	struct stix_id target;
	size_t number, from;

	if (!stix_id_parse(json_get_string(o->value, "sighting_of_ref"), &target) ||
		!slice_is(target.type, "indicator") ||
		!misp_ids_find(&ev->members, target.type, &target.uuid, &number)) {
		export_lose(
			s->job, o->facts.id, "no place for a sighting of what is not in the event");
		return OK;
	}
	if (ev->sightings_count == ev->sightings_room) {
		size_t room = ev->sightings_room == 0 ? 16 : ev->sightings_room * 2;

		sightings = realloc(ev->sightings, room * sizeof(*sightings));
		if (sightings == NULL)
			return export_nomem(e);
		ev->sightings = sightings;
		ev->sightings_room = room;
	}
	time_parse(json_get_string(o->value, "last_seen"), &seen_us, NULL);
	from = ev->sightings_text.len;
	uuid_format(&o->facts.key.uuid, uuid);
	snprintf(seconds, sizeof(seconds), "%lld", (long long)(seen_us / US_PER_SECOND));
	json_write_object(&w);
	json_member_text(&w, "uuid", uuid);
	json_member_text(&w, "date_sighting", seconds);
	json_member_text(&w, "source", "");
	json_member_text(&w, "type", "0");
	json_write_end(&w, '}');
	ev->sightings[ev->sightings_count] =
		(struct misp_sighting){ev->facts[number].sighting, from, ev->sightings_text.len};
	ev->facts[number].sighting = (uint32_t)++ev->sightings_count;
	export_lose_members(s->job, o, kept);
	lose_markings(s, o);
	lose_creator(s, ev, o);
	return OK;
}

enum err_kind misp_convert_before(
	struct misp_state *s, struct misp_event *ev, const struct export_object *o, struct err *e)
{
	if (slice_is(o->facts.key.type, "observed-data"))
		return before_observed(s, ev, o, e);
	if (slice_is(o->facts.key.type, "sighting"))
		return before_sighting(s, ev, o, e);
	return OK;
}
