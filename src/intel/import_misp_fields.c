/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What of MISP's structures has a place in STIX. Everything else that is not empty is told, once
 * per event and field, so that no loss stays unseen and none drowns the others.
 */
#include "import_misp.h"

/*
 * Row numbers and counts of the database that exported the event. They mean nothing anywhere else,
 * and are told all together.
 */
static const char *const rows[] = {"id", "event_id", "object_id", "org_id", "orgc_id",
	"attribute_id", "attribute_count", "sharing_group_id", "referenced_id", "event_tag_id",
	"attribute_tag_id", "tag_id", "galaxy_id", "user_id", "galaxy_cluster_id",
	"galaxy_cluster_collection_id"};

#define FIELDS_MAX 40

/* Fields that the conversion reads. Every other one is lost. */
/* clang-format off */
static const struct {
	const char *structure;
	const char *fields[FIELDS_MAX];
} taken[] = {
	{"event",
		{"uuid", "info", "date", "timestamp", "publish_timestamp", "published", "distribution",
		"threat_level_id", "analysis", "extends_uuid", "Org", "Orgc", "Tag", "Galaxy", "Attribute",
		"Object", "EventReport"}},
	{"attribute",
		{"uuid", "type", "category", "value", "value1", "value2", "to_ids", "timestamp", "comment",
		"deleted", "distribution", "first_seen", "last_seen", "object_relation", "data", "Tag",
		"Galaxy", "Sighting"}},
	{"object",
		{"uuid", "name", "meta-category", "timestamp", "comment", "deleted", "distribution",
		"first_seen", "last_seen", "Attribute", "ObjectReference"}},
	/* Object and Attribute are copies of what stands in the event itself */
	{"object reference",
		{"uuid", "timestamp", "relationship_type", "comment", "deleted", "object_uuid",
		"source_uuid", "referenced_uuid", "referenced_type", "Object", "Attribute"}},
	{"event report",
		{"uuid", "name", "content", "timestamp", "deleted", "distribution"}},
	{"sighting",
		{"uuid", "date_sighting", "type", "source", "Organisation", "attribute_uuid"}},
	{"tag",
		{"name", "exportable", "is_galaxy", "is_custom_galaxy"}},
	/* told in one word: what describes the galaxy itself, which every MISP has */
	{"galaxy",
		{"type", "GalaxyCluster", "uuid", "name", "description", "version", "icon", "namespace",
		"kill_chain_order", "enabled"}},
	{"galaxy cluster",
		{"uuid", "type", "value", "tag_name", "description", "version", "default", "meta"}},
	{"organisation",
		{"uuid", "name"}},
};
/* clang-format on */

static bool in(const char *const *list, size_t count, struct slice name)
{
	for (size_t k = 0; k < count && list[k] != NULL; k++) {
		if (slice_is(name, list[k]))
			return true;
	}
	return false;
}

/* What MISP writes when there is nothing. */
static bool is_empty(struct json_value value)
{
	int64_t number;

	switch (json_type(value)) {
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return !json_is_true(value);
	case JSON_STRING:
		return json_string(value).len == 0 || slice_is(json_string(value), "0");
	case JSON_ARRAY:
	case JSON_OBJECT:
		return json_count(value) == 0;
	default:
		return json_to_i64(value, &number) && number == 0;
	}
}

void misp_lose(struct misp *m, const char *structure, struct slice field, struct slice uuid)
{
	struct misp_loss *loss;

	for (size_t k = 0; k < m->losses_count; k++) {
		loss = &m->losses[k];
		if (strcmp(loss->structure, structure) == 0 && slice_equal(loss->field, field)) {
			loss->count++;
			return;
		}
	}
	if (m->losses_count == MISP_LOSSES_MAX) {
		/* a document of nothing but inventions: then each is told by itself */
		import_lose(m->job, &m->place, "%s %.*s: %.*s has no place in STIX", structure,
			SLICE_ARG(uuid), SLICE_ARG(slice_cut(field, 0, 100)));
		return;
	}
	/* Copies: what is lost may have been put together for one attribute only. */
	m->losses[m->losses_count++] = (struct misp_loss){
		structure, arena_copy(m->arena, field), 1, arena_copy(m->arena, uuid)};
}

void misp_lose_tell(struct misp *m)
{
	for (size_t k = 0; k < m->losses_count; k++) {
		const struct misp_loss *loss = &m->losses[k];

		import_lose(m->job, &m->place,
			"event %.*s: %s: %.*s: %llu without a place in STIX%s%.*s",
			SLICE_ARG(m->event_text), loss->structure,
			SLICE_ARG(slice_cut(loss->field, 0, 200)), (unsigned long long)loss->count,
			loss->first.len > 0 ? ", first in " : "", SLICE_ARG(loss->first));
	}
	if (m->rows_lost)
		import_lose(m->job, &m->place,
			"event %.*s: row numbers and counts of the sending database are left out",
			SLICE_ARG(m->event_text));
	m->losses_count = 0;
	m->rows_lost = false;
}

void misp_lose_rest(struct misp *m, const char *structure, struct json_value v, struct slice uuid)
{
	struct json_iter it = json_iter(v);
	const char *const *fields = NULL;
	struct json_value value;
	struct slice name;

	for (size_t k = 0; k < COUNT_OF(taken); k++) {
		if (strcmp(taken[k].structure, structure) == 0)
			fields = taken[k].fields;
	}
	if (!json_is_object(v))
		return;
	while (json_object_next(&it, &name, &value)) {
		if (is_empty(value) || (fields != NULL && in(fields, FIELDS_MAX, name)))
			continue;
		if (in(rows, COUNT_OF(rows), name))
			m->rows_lost = true;
		else
			misp_lose(m, structure, name, uuid);
	}
}
