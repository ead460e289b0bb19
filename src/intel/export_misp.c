/* SPDX-License-Identifier: MPL-2.0 */
/*
 * MISP events and feeds. Objects only announce themselves while they come: what is an event is
 * known when all are there, for a report may come before or behind what it refers to.
 *
 *   1. events that were imported and have not changed since, as they came
 *   2. the other reports and groupings, each an event
 *   3. what is left, by creator
 */
#include <stdlib.h>

#include "export_misp.h"

/* Drawn once at random; UUIDs made from it mean nothing to STIX. */
const struct uuid misp_namespace = {
	{0x5c, 0x0e, 0x3d, 0x6a, 0x0f, 0x1b, 0x4a, 0x5e, 0x9d, 0x27, 0x8e, 0x41, 0xb6, 0xf2, 0x73,
         0x19}
};

#define PARTS_DEPTH_MAX 2 /* a large event is a report of groupings of objects */

void misp_uuid_of(struct slice a, struct slice b, struct uuid *ret_uuid)
{
	struct buf both = BUF_INIT;

	buf_slice_append(&both, a);
	buf_char(&both, ' ');
	buf_slice_append(&both, b);
	uuid_v5(&misp_namespace, buf_slice(&both), ret_uuid);
	buf_fini(&both);
}

enum err_kind misp_load(struct misp_state *s, struct slice type, const struct uuid *uuid,
	struct export_object *ret_object, bool *ret_found, struct err *e)
{
	const struct export_out *out = s->job->out;
	struct slice bytes;
	struct json_doc doc;

	*ret_found = out->lookup(out->context, type, uuid, s->job->arena, &bytes);
	if (!*ret_found)
		return OK;
	if (json_parse(s->parser, bytes, &doc, e) != OK)
		return err_wrap(e, "a kept object does not parse");
	stix_report_reset(&s->report);
	*ret_object = (struct export_object){.bytes = bytes};
	/* the parser's document is its own until the next load */
	s->document = doc;
	ret_object->value = json_root(&s->document);
	return stix_check(ret_object->value, &s->report, &ret_object->facts, e);
}

void misp_cover(struct misp_state *s, const struct stix_id *id)
{
	size_t number;

	if (misp_ids_find(&s->ids, id->type, &id->uuid, &number))
		s->done[number] = true;
}

/* md5 of each part of a value, for hashes.csv; types of two parts have a '|'. */
void misp_hash_add(struct misp_state *s, struct slice type, struct slice value)
{
	bool parts = slice_find(type, '|', 0) < type.len || slice_is(type, "malware-sample");
	struct slice part;

	if (!s->feed)
		return;
	do {
		part = value;
		if (parts)
			slice_next(&value, '|', &part);
		if (s->hashes_count == s->hashes_room) {
			size_t room = s->hashes_room == 0 ? 1024 : s->hashes_room * 2;
			uint8_t(*hashes)[32] = realloc(s->hashes, room * sizeof(*hashes));

			if (hashes == NULL) {
				s->failed = true;
				return;
			}
			s->hashes = hashes;
			s->hashes_room = room;
		}
		hash_md5(part, s->hashes[s->hashes_count]);
		memcpy(s->hashes[s->hashes_count++] + MD5_LEN, s->event.bytes, 16);
	} while (parts && value.len > 0);
}

/* ---- while they come ------------------------------------------------------------------------ */

static enum err_kind state_begin(struct export_job *job, bool feed, struct err *e)
{
	struct misp_state *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return export_nomem(e);
	job->state = s;
	s->job = job;
	s->feed = feed;
	s->parser = json_parser_new(JSON_OBJECT_MAX);
	s->report = (struct stix_report){.arena = arena_new(MIB(64)), .errors_only = true};
	job->world->random(job->world->context, s->ids.seed, sizeof(s->ids.seed));
	return s->parser == NULL || s->report.arena == NULL ? export_nomem(e) : OK;
}

static enum err_kind misp_begin_events(struct export_job *job, struct err *e)
{
	enum err_kind kind = state_begin(job, false, e);

	return kind == OK ? job->out->write(job->out->context, SLICE("{\"response\":["), e) : kind;
}

static enum err_kind misp_begin_feed(struct export_job *job, struct err *e)
{
	return state_begin(job, true, e);
}

static enum err_kind misp_object_came(
	struct export_job *job, const struct export_object *o, struct err *e)
{
	struct misp_state *s = job->state;
	size_t number;
	bool is_new;

	if (!misp_ids_add(&s->ids, o->facts.key.type, &o->facts.key.uuid, &number, &is_new))
		return export_nomem(e);
	if (number >= s->room) {
		size_t room = s->room == 0 ? 1024 : s->room * 2;
		int64_t *modified = realloc(s->modified_us, room * sizeof(*modified));
		bool *done;

		if (modified != NULL)
			s->modified_us = modified;
		done = realloc(s->done, room * sizeof(*done));
		if (done != NULL)
			s->done = done;
		if (modified == NULL || done == NULL)
			return export_nomem(e);
		s->room = room;
	}
	if (!is_new) {
		export_lose(job, o->facts.id, "no place for older versions");
		if (o->facts.modified_us > s->modified_us[number])
			s->modified_us[number] = o->facts.modified_us;
		return OK;
	}
	s->modified_us[number] = o->facts.modified_us;
	s->done[number] = false;
	return OK;
}

/* ---- one event out -------------------------------------------------------------------------- */

static enum err_kind event_put(
	struct misp_state *s, const struct uuid *uuid, struct slice json, struct err *e)
{
	const struct export_out *out = s->job->out;
	char name[UUID_TEXT_LEN + sizeof(".json")];
	enum err_kind kind;

	if (s->feed) {
		uuid_format(uuid, name);
		memcpy(name + UUID_TEXT_LEN, ".json", sizeof(".json"));
		kind = out->file(out->context, name, e);
	} else {
		kind = s->events == 0 ? OK : out->write(out->context, SLICE(",\n"), e);
	}
	s->events++;
	return kind == OK ? out->write(out->context, json, e) : kind;
}

static enum err_kind event_finish(struct misp_state *s, struct misp_event *ev, struct err *e)
{
	enum err_kind kind;

	buf_clear(&s->out);
	kind = misp_event_build(s, ev, &s->out, e);
	if (kind != OK || s->out.len == 0)
		return kind;
	return event_put(s, &ev->uuid, buf_slice(&s->out), e);
}

/* {"name","uuid"} of who made it. */
static enum err_kind event_creator(struct misp_state *s, struct misp_event *ev, bool known,
	const struct uuid *uuid, struct err *e)
{
	struct json_writer w = JSON_WRITER(&ev->orgc);
	struct slice name = SLICE("unknown");
	char text[UUID_TEXT_LEN + 1];
	struct export_object o;
	struct uuid own;
	enum err_kind kind;
	bool found = false;

	misp_uuid_of(SLICE("organisation"), name, &own);
	ev->has_creator = known;
	if (known) {
		own = ev->creator = *uuid;
		kind = misp_load(s, SLICE("identity"), uuid, &o, &found, e);
		if (kind != OK)
			return kind;
		if (found && json_get_string(o.value, "name").len > 0)
			name = json_get_string(o.value, "name");
	}
	uuid_format(&own, text);
	json_write_object(&w);
	json_member_string(&w, "name", name);
	json_member_text(&w, "uuid", text);
	json_write_end(&w, '}');
	return OK;
}

/* ---- 1. events that came and have not changed ----------------------------------------------- */

/* Everything that a report refers to is in the event, and what is in the groupings of a large one.
 */
static enum err_kind cover_all(struct misp_state *s, struct slice type, const struct uuid *uuid,
	int64_t event_us, unsigned depth, struct err *e)
{
	struct stix_reference *references;
	struct export_object o;
	enum err_kind kind;
	size_t count, number;
	bool found;

	kind = misp_load(s, type, uuid, &o, &found, e);
	if (kind != OK || !found)
		return kind;
	count = o.facts.references_count;
	references = calloc(count == 0 ? 1 : count, sizeof(*references));
	if (references == NULL)
		return export_nomem(e);
	for (size_t k = 0; k < count; k++) {
		references[k] = o.facts.references[k];
		references[k].target.type = arena_copy(s->job->arena, references[k].target.type);
	}
	for (size_t k = 0; k < count && kind == OK; k++) {
		const struct stix_id *id = &references[k].target;

		misp_cover(s, id);
		if (misp_ids_find(&s->ids, id->type, &id->uuid, &number) &&
			event_us / US_PER_SECOND < s->modified_us[number] / US_PER_SECOND) {
			char text[STIX_ID_MAX + 1];

			stix_id_format(id->type, &id->uuid, text);
			export_lose(s->job, slice_of(text),
				"changed since its MISP event was imported, which was given back");
		}
		if (slice_is(id->type, "grouping") && depth < PARTS_DEPTH_MAX)
			kind = cover_all(s, id->type, &id->uuid, event_us, depth + 1, e);
	}
	free(references);
	return kind;
}

static int64_t seconds_of(struct json_value v, const char *name)
{
	struct slice text = json_get_string(v, name);
	struct json_value number;
	uint64_t seconds;
	int64_t integer;

	if (slice_to_u64(text, &seconds) && seconds < UINT64_C(253402300800)) /* year 10000 */
		return (int64_t)seconds;
	return json_get(v, name, &number) && json_to_i64(number, &integer) ? integer : 0;
}

static void original_hashes(struct misp_state *s, struct json_value event)
{
	struct json_value list, item, object;
	struct json_iter it, inner;

	if (json_get(event, "Attribute", &list) && json_is_array(list)) {
		for (it = json_iter(list); json_array_next(&it, &item); s->job->records++)
			misp_hash_add(
				s, json_get_string(item, "type"), json_get_string(item, "value"));
	}
	if (!json_get(event, "Object", &list) || !json_is_array(list))
		return;
	for (it = json_iter(list); json_array_next(&it, &object);) {
		if (!json_get(object, "Attribute", &item) || !json_is_array(item))
			continue;
		for (inner = json_iter(item); json_array_next(&inner, &item); s->job->records++)
			misp_hash_add(
				s, json_get_string(item, "type"), json_get_string(item, "value"));
	}
}

/* A member of the manifest, as it stands in the event. */
static void manifest_copy(struct misp_state *s, struct json_value event, const char *name)
{
	struct json_value v;
	struct buf text = BUF_INIT;

	if (!json_get(event, name, &v))
		return;
	if (json_canon(v, &text, NULL) == OK)
		buf_printf(&s->manifest, ",\"%s\":%.*s", name, (int)text.len, text.data);
	buf_fini(&text);
}

static void original_manifest(
	struct misp_state *s, struct json_value event, const struct uuid *uuid)
{
	static const char *const members[] = {
		"info", "date", "analysis", "threat_level_id", "Orgc", "Tag"};
	char text[UUID_TEXT_LEN + 1];

	uuid_format(uuid, text);
	buf_printf(&s->manifest, "%s\"%s\":{\"timestamp\":\"%lld\"",
		s->manifest.len == 0 ? "" : ",\n", text, (long long)seconds_of(event, "timestamp"));
	for (size_t k = 0; k < COUNT_OF(members); k++)
		manifest_copy(s, event, members[k]);
	buf_char(&s->manifest, '}');
}

/* *ret_given: there is an original, and it says what the report says. */
static enum err_kind original_put(
	struct misp_state *s, size_t number, bool *ret_given, struct err *e)
{
	const struct export_out *out = s->job->out;
	const struct uuid uuid = s->ids.keys[number].uuid;
	char text[UUID_TEXT_LEN + 1];
	struct buf body = BUF_INIT;
	struct json_value event;
	struct json_doc doc;
	enum err_kind kind = OK;
	bool wrapped;

	*ret_given = false;
	uuid_format(&uuid, text);
	if (!out->original(out->context, SLICE("misp-event"), slice_of(text), &body) || body.bad)
		goto out;
	if (s->documents == NULL)
		s->documents = json_parser_new(JSON_DOCUMENT_MAX);
	if (s->documents == NULL) {
		kind = export_nomem(e);
		goto out;
	}
	if (json_parse(s->documents, buf_slice(&body), &doc, NULL) != OK)
		goto out; /* then it is written anew */
	wrapped = json_get(json_root(&doc), "Event", &event);
	if (!wrapped)
		event = json_root(&doc);
	if (seconds_of(event, "timestamp") < s->modified_us[number] / US_PER_SECOND) {
		struct slice id = arena_printf(
			s->job->arena, "%.*s--%s", SLICE_ARG(misp_ids_type(&s->ids, number)), text);

		export_lose(s->job, id,
			"newer than the MISP event it came from, which is not given back");
		goto out;
	}
	s->event = uuid;
	original_hashes(s, event);
	if (s->feed)
		original_manifest(s, event, &uuid);
	buf_clear(&s->out);
	if (!wrapped)
		buf_text(&s->out, "{\"Event\":");
	buf_slice_append(&s->out, buf_slice(&body));
	if (!wrapped)
		buf_char(&s->out, '}');
	*ret_given = true;
	s->done[number] = true;
	kind = s->out.bad || s->manifest.bad ? export_nomem(e)
					     : event_put(s, &uuid, buf_slice(&s->out), e);
	if (kind == OK)
		kind = cover_all(s, misp_ids_type(&s->ids, number), &uuid,
			seconds_of(event, "timestamp") * US_PER_SECOND, 0, e);
out:
	buf_fini(&body);
	return kind;
}

static bool is_container(struct slice type)
{
	return slice_is(type, "report") || slice_is(type, "grouping");
}

/* ---- 2. reports and groupings --------------------------------------------------------------- */

/* Labels of our own import go back into their fields. */
static const struct {
	const char *label;
	bool threat;
	int number;
} own_labels[] = {
	{"misp:threat-level=\"high\"",      true,  1},
	{"misp:threat-level=\"medium\"",    true,  2},
	{"misp:threat-level=\"low\"",       true,  3},
	{"misp:threat-level=\"undefined\"", true,  4},
	{"misp:analysis=\"initial\"",       false, 0},
	{"misp:analysis=\"ongoing\"",       false, 1},
	{"misp:analysis=\"completed\"",     false, 2},
};

static void container_label(struct misp_event *ev, struct slice label)
{
	for (size_t k = 0; k < COUNT_OF(own_labels); k++) {
		if (!slice_is(label, own_labels[k].label))
			continue;
		if (own_labels[k].threat)
			ev->threat_level = own_labels[k].number;
		else
			ev->analysis = own_labels[k].number;
		return;
	}
	misp_tag(ev, label);
}

/* External references with a URL are links; others have no place. */
static void container_links(
	struct misp_state *s, struct misp_event *ev, const struct export_object *o)
{
	struct json_value list, item;
	struct json_iter it;

	if (!json_get(o->value, "external_references", &list) || !json_is_array(list))
		return;
	for (it = json_iter(list); json_array_next(&it, &item);) {
		struct misp_attribute a = {.type = "link",
			.category = "External analysis",
			.value = json_get_string(item, "url"),
			.comment = json_get_string(item, "description"),
			.timestamp_us = ev->timestamp_us,
			.first_us = INT64_MIN,
			.last_us = INT64_MIN,
			.tlp = ev->tlp,
			.confidence = -1};

		if (a.value.len == 0) {
			export_lose(s->job, o->facts.id,
				"no place for the external reference to %.*s",
				SLICE_ARG(json_get_string(item, "source_name")));
			continue;
		}
		misp_uuid_of(o->facts.id, a.value, &a.uuid);
		misp_attribute_write(s, ev, &ev->attributes, &a);
	}
}

static enum err_kind container_read(
	struct misp_state *s, struct misp_event *ev, const struct export_object *o, struct err *e)
{
	static const char *const kept[] = {"created_by_ref", "created", "modified", "name",
		"description", "published", "object_refs", "labels", "object_marking_refs",
		"external_references", NULL};
	struct json_value refs, item;
	enum err_kind kind = OK;
	struct json_iter it;
	struct stix_id id;

	stix_id_format(o->facts.key.type, &o->facts.key.uuid, ev->id);
	ev->uuid = s->event = o->facts.key.uuid;
	ev->date_us = o->facts.created_us;
	ev->timestamp_us = o->facts.modified_us;
	ev->tlp = export_tlp(&o->facts);
	ev->analysis = slice_is(o->facts.key.type, "report") ? 2 : 1;
	time_parse(json_get_string(o->value, "published"), &ev->published_us, NULL);
	buf_slice_append(&ev->info, json_get_string(o->value, "name"));
	buf_slice_append(&ev->description, json_get_string(o->value, "description"));
	if (o->facts.labels.doc != NULL && json_is_array(o->facts.labels)) {
		for (it = json_iter(o->facts.labels); json_array_next(&it, &item);)
			container_label(ev, json_string(item));
	}
	container_links(s, ev, o);
	export_lose_members(s->job, o, kept);
	for (size_t k = 0; k < o->facts.markings_count; k++) {
		if (stix_tlp_of(&o->facts.markings[k]) == STIX_TLP_NONE)
			export_lose(s->job, o->facts.id, "no place for a marking that is no TLP");
	}
	if (json_get(o->value, "object_refs", &refs) && json_is_array(refs)) {
		for (it = json_iter(refs); kind == OK && json_array_next(&it, &item);) {
			/* reports inside of reports are events of their own */
			if (!stix_id_parse(json_string(item), &id))
				continue;
			if (is_container(id.type))
				export_lose(s->job, o->facts.id,
					"no place for the reference to %.*s",
					SLICE_ARG(json_string(item)));
			else
				kind = misp_event_member(
					ev, id.type, &id.uuid, INT64_MIN, INT64_MIN, e);
		}
	}
	if (kind == OK && stix_id_parse(json_get_string(o->value, "created_by_ref"), &id)) {
		misp_cover(s, &id);
		return event_creator(s, ev, true, &id.uuid, e);
	}
	return kind == OK ? event_creator(s, ev, false, NULL, e) : kind;
}

static enum err_kind container_put(struct misp_state *s, size_t number, struct err *e)
{
	struct uuid uuid = s->ids.keys[number].uuid;
	struct misp_event ev;
	struct export_object o;
	enum err_kind kind;
	bool found;

	s->done[number] = true;
	kind = misp_load(s, misp_ids_type(&s->ids, number), &uuid, &o, &found, e);
	if (kind != OK || !found)
		return kind;
	if (o.facts.revoked) {
		export_lose(s->job, o.facts.id, "not exported: it is revoked");
		return OK;
	}
	misp_event_init(&ev, s->job->world);
	kind = container_read(s, &ev, &o, e);
	if (kind == OK)
		kind = event_finish(s, &ev, e);
	misp_event_fini(&ev);
	return kind;
}

/* ---- 3. what is left, by creator ------------------------------------------------------------ */

struct rest {
	struct uuid creator;
	bool known;
	uint32_t number; /* in s->ids */
};

static int rest_compare(const void *a, const void *b)
{
	const struct rest *x = a, *y = b;
	int order = memcmp(x->creator.bytes, y->creator.bytes, sizeof(x->creator.bytes));

	if (order != 0)
		return order;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* Those that go into no event by themselves would make empty ones. */
static bool says_nothing(struct slice type, const struct uuid *uuid)
{
	return slice_is(type, "marking-definition") && stix_tlp_of(uuid) != STIX_TLP_NONE;
}

static enum err_kind rest_collect(
	struct misp_state *s, struct rest *rest, size_t *ret_count, struct err *e)
{
	struct export_object o;
	struct stix_id id;
	enum err_kind kind;
	bool found;

	*ret_count = 0;
	for (size_t k = 0; k < s->ids.count; k++) {
		if (s->done[k] || says_nothing(misp_ids_type(&s->ids, k), &s->ids.keys[k].uuid))
			continue;
		arena_reset(s->job->arena);
		kind = misp_load(s, misp_ids_type(&s->ids, k), &s->ids.keys[k].uuid, &o, &found, e);
		if (kind != OK)
			return kind;
		if (!found)
			continue;
		rest[*ret_count] = (struct rest){.number = (uint32_t)k};
		if (slice_is(o.facts.key.type, "identity")) {
			rest[*ret_count].creator = o.facts.key.uuid; /* with what it made */
			rest[*ret_count].known = true;
		} else if (stix_id_parse(json_get_string(o.value, "created_by_ref"), &id)) {
			rest[*ret_count].creator = id.uuid;
			rest[*ret_count].known = true;
		}
		++*ret_count;
	}
	return OK;
}

static enum err_kind rest_event(
	struct misp_state *s, const struct rest *rest, size_t count, size_t part, struct err *e)
{
	const char *title = s->job->options->name;
	struct misp_event ev;
	enum err_kind kind;
	char text[64];

	misp_event_init(&ev, s->job->world);
	uuid_format(&rest->creator, text);
	snprintf(text + UUID_TEXT_LEN, sizeof(text) - UUID_TEXT_LEN, " %zu", part);
	misp_uuid_of(slice_of(title == NULL ? "gathered" : title), slice_of(text), &ev.uuid);
	s->event = ev.uuid;
	ev.analysis = 1;
	ev.gathered = true;
	buf_text(&ev.info, title == NULL ? "Objects of no report" : title);
	if (part > 0)
		buf_printf(&ev.info, " (%zu)", part + 1);
	kind = event_creator(s, &ev, rest->known, &rest->creator, e);
	for (size_t k = 0; k < count && kind == OK; k++) {
		size_t number = rest[k].number;

		if (s->modified_us[number] > ev.timestamp_us)
			ev.timestamp_us = s->modified_us[number];
		kind = misp_event_member(&ev, misp_ids_type(&s->ids, number),
			&s->ids.keys[number].uuid, INT64_MIN, INT64_MIN, e);
	}
	/* observables have no time: then it is when they were written down here */
	if (ev.timestamp_us == 0)
		ev.timestamp_us = world_now(s->job->world);
	ev.date_us = ev.timestamp_us;
	if (kind == OK)
		kind = event_finish(s, &ev, e);
	misp_event_fini(&ev);
	return kind;
}

static enum err_kind rest_put(struct misp_state *s, struct err *e)
{
	struct rest *rest = calloc(s->ids.count == 0 ? 1 : s->ids.count, sizeof(*rest));
	size_t count = 0, from, to, part = 0;
	enum err_kind kind;

	if (rest == NULL)
		return export_nomem(e);
	kind = rest_collect(s, rest, &count, e);
	qsort(rest, count, sizeof(*rest), rest_compare);
	for (from = 0; from < count && kind == OK; from = to) {
		for (to = from; to < count && to - from < MISP_EVENT_MEMBERS_MAX &&
				uuid_equal(&rest[to].creator, &rest[from].creator);)
			to++;
		part = from > 0 && uuid_equal(&rest[from - 1].creator, &rest[from].creator)
			       ? part + 1
			       : 0;
		arena_reset(s->job->arena);
		kind = rest_event(s, rest + from, to - from, part, e);
	}
	free(rest);
	return kind;
}

/* ---- the end -------------------------------------------------------------------------------- */

static enum err_kind events_put(struct misp_state *s, struct err *e)
{
	enum err_kind kind = OK;

	for (size_t k = 0; k < s->ids.count && kind == OK; k++) {
		bool given;

		if (s->done[k] || !is_container(misp_ids_type(&s->ids, k)))
			continue;
		arena_reset(s->job->arena);
		kind = original_put(s, k, &given, e);
	}
	for (size_t k = 0; k < s->ids.count && kind == OK; k++) {
		if (s->done[k] || !is_container(misp_ids_type(&s->ids, k)))
			continue;
		arena_reset(s->job->arena);
		kind = container_put(s, k, e);
	}
	return kind == OK ? rest_put(s, e) : kind;
}

static enum err_kind misp_end_events(struct export_job *job, struct err *e)
{
	enum err_kind kind = events_put(job->state, e);

	return kind == OK ? job->out->write(job->out->context, SLICE("]}\n"), e) : kind;
}

static enum err_kind hashes_put(struct misp_state *s, struct err *e)
{
	char uuid[UUID_TEXT_LEN + 1];
	enum err_kind kind = OK;

	buf_clear(&s->out);
	for (size_t k = 0; k < s->hashes_count && kind == OK; k++) {
		struct uuid event;

		memcpy(event.bytes, s->hashes[k] + MD5_LEN, sizeof(event.bytes));
		uuid_format(&event, uuid);
		hex_append(&s->out, s->hashes[k], MD5_LEN);
		buf_printf(&s->out, ",%s\n", uuid);
		if (s->out.len > KIB(64))
			kind = export_flush(s->job, &s->out, e);
	}
	return kind == OK ? export_flush(s->job, &s->out, e) : kind;
}

static enum err_kind misp_end_feed(struct export_job *job, struct err *e)
{
	struct misp_state *s = job->state;
	enum err_kind kind = events_put(s, e);

	if (kind == OK && s->failed)
		kind = export_nomem(e);
	if (kind == OK)
		kind = job->out->file(job->out->context, "hashes.csv", e);
	if (kind == OK)
		kind = hashes_put(s, e);
	/* last, so that a reader never finds an event named that is not there */
	if (kind == OK)
		kind = job->out->file(job->out->context, "manifest.json", e);
	if (kind == OK)
		kind = job->out->write(job->out->context, SLICE("{"), e);
	if (kind == OK)
		kind = export_flush(job, &s->manifest, e);
	return kind == OK ? job->out->write(job->out->context, SLICE("}\n"), e) : kind;
}

static void misp_free(struct export_job *job)
{
	struct misp_state *s = job->state;

	if (s == NULL)
		return;
	json_parser_free(s->parser);
	json_parser_free(s->documents);
	arena_free(s->report.arena);
	misp_ids_fini(&s->ids);
	free(s->modified_us);
	free(s->done);
	free(s->hashes);
	buf_fini(&s->manifest);
	buf_fini(&s->out);
	free(s);
}

const struct exporter export_misp = {
	.format = {"misp", "MISP events", false, true, false},
	.begin = misp_begin_events,
	.object = misp_object_came,
	.end = misp_end_events,
	.free = misp_free,
};

const struct exporter export_misp_feed = {
	.format = {"misp-feed", "MISP feed: manifest.json, hashes.csv and a file per event", false,
		   true, true},
	.begin = misp_begin_feed,
	.object = misp_object_came,
	.end = misp_end_feed,
	.free = misp_free,
};
