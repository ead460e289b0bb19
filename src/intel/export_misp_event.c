/* SPDX-License-Identifier: MPL-2.0 */
/* An event: gathering its members, and writing it in the MISP core format. */
#include <stdlib.h>

#include "export_misp.h"

void misp_event_init(struct misp_event *ev, const struct world *world)
{
	*ev = (struct misp_event){.published_us = INT64_MIN, .threat_level = 4, .analysis = 2};
	world->random(world->context, ev->members.seed, sizeof(ev->members.seed));
	export_seen_init(&ev->tag_names, world);
}

void misp_event_fini(struct misp_event *ev)
{
	buf_fini(&ev->info);
	buf_fini(&ev->orgc);
	buf_fini(&ev->description);
	buf_fini(&ev->tags);
	buf_fini(&ev->attributes);
	buf_fini(&ev->objects);
	buf_fini(&ev->reports);
	buf_fini(&ev->sightings_text);
	export_seen_fini(&ev->tag_names);
	misp_ids_fini(&ev->members);
	free(ev->facts);
	free(ev->sightings);
}

enum err_kind misp_event_member(struct misp_event *ev, struct slice type, const struct uuid *uuid,
	int64_t first_us, int64_t last_us, struct err *e)
{
	struct misp_member *facts;
	size_t number;
	bool is_new;

	if (!misp_ids_add(&ev->members, type, uuid, &number, &is_new))
		return export_nomem(e);
	if (number >= ev->facts_room) {
		size_t room = ev->facts_room == 0 ? 64 : ev->facts_room * 2;

		facts = realloc(ev->facts, room * sizeof(*facts));
		if (facts == NULL)
			return export_nomem(e);
		ev->facts = facts;
		ev->facts_room = room;
	}
	if (is_new)
		ev->facts[number] = (struct misp_member){INT64_MIN, INT64_MIN, 0};
	if (first_us != INT64_MIN)
		ev->facts[number].first_us = first_us;
	if (last_us != INT64_MIN)
		ev->facts[number].last_us = last_us;
	return OK;
}

/* ---- writing -------------------------------------------------------------------------------- */

static void member_seconds(struct json_writer *w, const char *name, int64_t us)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", us == INT64_MIN ? 0 : (long long)(us / US_PER_SECOND));
	json_member_text(w, name, text);
}

static void member_list(struct json_writer *w, const char *name, const struct buf *elements)
{
	json_write_name(w, name);
	json_write_array(w);
	if (elements->len > 0)
		json_write_raw(w, buf_slice(elements));
	json_write_end(w, ']');
}

/* What feeds say of an event in their manifest as well. */
static void write_summary(struct json_writer *w, const struct misp_event *ev)
{
	char date[TIME_TEXT_MAX], number[16];

	json_member_string(w, "info", buf_slice(&ev->info));
	time_format(ev->date_us, 0, date);
	date[10] = '\0';
	json_member_text(w, "date", date);
	snprintf(number, sizeof(number), "%d", ev->threat_level);
	json_member_text(w, "threat_level_id", number);
	snprintf(number, sizeof(number), "%d", ev->analysis);
	json_member_text(w, "analysis", number);
	member_seconds(w, "timestamp", ev->timestamp_us);
	json_write_name(w, "Orgc");
	json_write_raw(w, buf_slice(&ev->orgc));
	member_list(w, "Tag", &ev->tags);
}

static void write_event(const struct misp_event *ev, struct buf *out)
{
	struct json_writer w = JSON_WRITER(out);
	char uuid[UUID_TEXT_LEN + 1];

	uuid_format(&ev->uuid, uuid);
	json_write_object(&w);
	json_write_name(&w, "Event");
	json_write_object(&w);
	json_member_text(&w, "uuid", uuid);
	write_summary(&w, ev);
	json_member_bool(&w, "published", ev->published_us != INT64_MIN);
	member_seconds(&w, "publish_timestamp", ev->published_us);
	json_member_text(&w, "distribution", misp_distribution(ev->tlp));
	json_member_text(&w, "sharing_group_id", "0");
	json_member_text(&w, "extends_uuid", "");
	member_list(&w, "Attribute", &ev->attributes);
	member_list(&w, "Object", &ev->objects);
	member_list(&w, "EventReport", &ev->reports);
	json_write_end(&w, '}');
	json_write_end(&w, '}');
}

static void write_manifest(struct misp_state *s, const struct misp_event *ev)
{
	struct json_writer w = JSON_WRITER(&s->manifest);
	char uuid[UUID_TEXT_LEN + 1];

	uuid_format(&ev->uuid, uuid);
	buf_printf(&s->manifest, "%s\"%s\":", s->manifest.len == 0 ? "" : ",\n", uuid);
	json_write_object(&w);
	write_summary(&w, ev);
	json_write_end(&w, '}');
}

/* The report's own description, as the first of the event's reports. */
static void write_description(struct misp_event *ev)
{
	struct json_writer w = JSON_WRITER(&ev->reports);
	char text[UUID_TEXT_LEN + 1];
	struct uuid uuid;

	if (ev->description.len == 0)
		return;
	uuid_format(&ev->uuid, text);
	misp_uuid_of(SLICE("description"), slice_of(text), &uuid);
	uuid_format(&uuid, text);
	json_write_object(&w);
	json_member_text(&w, "uuid", text);
	json_member_text(&w, "name", "Description");
	json_member_string(&w, "content", buf_slice(&ev->description));
	member_seconds(&w, "timestamp", ev->timestamp_us);
	json_member_text(&w, "distribution", "5");
	json_member_bool(&w, "deleted", false);
	json_write_end(&w, '}');
}

/* ---- members -------------------------------------------------------------------------------- */

static enum err_kind member_each(
	struct misp_state *s, struct misp_event *ev, bool before, struct err *e)
{
	struct export_object o;
	enum err_kind kind = OK;
	size_t number;
	bool found;

	/* observed-data adds members while they are walked */
	for (size_t k = 0; k < ev->members.count && kind == OK; k++) {
		struct slice type = misp_ids_type(&ev->members, k);
		struct uuid uuid = ev->members.keys[k].uuid;
		bool speaks = slice_is(type, "observed-data") || slice_is(type, "sighting");

		if (before && !speaks)
			continue;
		arena_reset(s->job->arena);
		kind = misp_load(s, type, &uuid, &o, &found, e);
		if (kind != OK)
			return kind;
		if (misp_ids_find(&s->ids, type, &uuid, &number))
			s->done[number] = true;
		if (!found) {
			char text[UUID_TEXT_LEN + 1];

			uuid_format(&uuid, text);
			if (!before || speaks)
				export_lose(s->job, slice_of(ev->id),
					"%.*s--%s is not here, or not for this recipient",
					SLICE_ARG(type), text);
			continue;
		}
		kind = before ? misp_convert_before(s, ev, &o, e)
			      : misp_convert(s, ev, &o, &ev->facts[k], e);
	}
	return kind;
}

enum err_kind misp_event_build(
	struct misp_state *s, struct misp_event *ev, struct buf *out, struct err *e)
{
	enum err_kind kind;
	char tlp[32];

	s->event = ev->uuid;
	if (ev->tlp != STIX_TLP_NONE) {
		snprintf(tlp, sizeof(tlp), "tlp:%s", stix_tlp_name(ev->tlp));
		misp_tag(ev, slice_of(tlp));
	}
	write_description(ev);
	kind = member_each(s, ev, true, e);
	if (kind == OK)
		kind = member_each(s, ev, false, e);
	if (kind != OK)
		return kind;
	if (ev->gathered && ev->attributes.len == 0 && ev->objects.len == 0 && ev->reports.len == 0)
		return OK;
	write_event(ev, out);
	if (s->feed)
		write_manifest(s, ev);
	if (out->bad || ev->info.bad || ev->orgc.bad || ev->tags.bad || ev->attributes.bad ||
		ev->objects.bad || ev->reports.bad || ev->sightings_text.bad ||
		ev->description.bad || s->manifest.bad || s->failed)
		return export_nomem(e);
	return OK;
}
