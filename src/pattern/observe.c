/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Observed-data as observations: from bundles, lists and single objects, of STIX 2.1 (object_refs
 * into what came in the same bundle or list) and 2.0 (objects within).
 */
#include <stdlib.h>

#include "observe.h"

#define NUMBER_OBSERVED_MAX 999999999 /* section 4.14 */

static const char out_of_memory[] = "observations: out of memory";

struct pattern_observations *pattern_observations_new(void)
{
	struct pattern_observations *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->arena = arena_new(PATTERN_OBSERVED_MAX);
	o->parser = json_parser_new(PATTERN_DOCUMENT_MAX);
	if (o->arena == NULL || o->parser == NULL) {
		pattern_observations_free(o);
		return NULL;
	}
	return o;
}

void pattern_observations_free(struct pattern_observations *o)
{
	if (o == NULL)
		return;
	buf_fini(&o->list);
	json_parser_free(o->parser);
	arena_free(o->arena);
	free(o);
}

/* ---- a document that outlives its parser ----------------------------------------------------- */

static const struct json_doc *doc_keep(struct arena *a, const struct json_doc *doc)
{
	uint32_t words = json_after(json_root(doc)) + 1;
	struct json_doc *kept = ARENA_NEW(a, struct json_doc);
	uint64_t *tape = arena_alloc(a, words * sizeof(*tape));
	size_t strings = 0;
	uint8_t *copy;

	if (kept == NULL || tape == NULL)
		return NULL;
	for (struct json_value v = {doc, 1}; v.at + 1 < words; v.at++) {
		char kind = json_kind(v);

		if (kind == '"') {
			struct slice s = json_string(v);
			size_t end = (size_t)((const uint8_t *)s.data - doc->strings) + s.len + 1;

			strings = end > strings ? end : strings;
		} else if (kind == 'l' || kind == 'u' || kind == 'd') {
			v.at++; /* its number is the next word */
		}
	}
	copy = arena_zalloc(a, strings + JSON_PADDING);
	if (copy == NULL)
		return NULL;
	memcpy(tape, doc->tape, (words - 1) * sizeof(*tape));
	tape[words - 1] = 0;
	if (strings > 0)
		memcpy(copy, doc->strings, strings);
	*kept = (struct json_doc){tape, copy};
	return kept;
}

/* ---- observed-data --------------------------------------------------------------------------- */

/* Objects that references may mean: those of one bundle or list, sorted by id. */
struct scope {
	struct object *objects;
	size_t count;
};

static bool object_read(struct json_value value, struct slice key, struct object *ret_object)
{
	*ret_object = (struct object){key, json_get_string(value, "type"), value};
	return json_is_object(value);
}

static enum err_kind refuse(struct slice id, const char *why, struct err *e)
{
	return err_set(e, ERR_INVALID, "observed-data \"%.*s\": %s", SLICE_ARG(id), why);
}

static bool time_get(struct json_value object, const char *name, int64_t *ret_us)
{
	return time_parse(json_get_string(object, name), ret_us, NULL);
}

static struct json_iter member_iter(struct json_value object, const char *name, bool array)
{
	struct json_value v;

	if (json_get(object, name, &v) && (array ? json_is_array(v) : json_is_object(v)))
		return json_iter(v);
	return (struct json_iter){object, object.at}; /* nothing */
}

/* The objects of one observation: those within, and those that object_refs finds in the scope. */
static enum err_kind objects_collect(struct arena *a, struct json_value observed,
	const struct scope *scope, struct observation *o, struct err *e)
{
	struct json_value within, refs, value;
	struct object *objects;
	struct object *found, sought = {0};
	size_t room = 0, count = 0, kept = 0;
	struct slice name;

	if (json_get(observed, "objects", &within))
		room += json_count(within);
	if (json_get(observed, "object_refs", &refs))
		room += json_count(refs);
	objects = ARENA_ARRAY(a, struct object, room + 1);
	if (objects == NULL)
		return err_set(e, ERR_NOMEM, "%s", out_of_memory);
	for (struct json_iter it = member_iter(observed, "objects", false);
		json_object_next(&it, &name, &value);)
		count += object_read(value, name, &objects[count]);
	for (struct json_iter it = member_iter(observed, "object_refs", true);
		json_array_next(&it, &value);) {
		sought.key = json_string(value);
		found = scope->count == 0 ? NULL
					  : bsearch(&sought, scope->objects, scope->count,
						    sizeof(sought), object_order);
		if (found != NULL)
			objects[count++] = *found;
	}
	qsort(objects, count, sizeof(*objects), object_order);
	for (size_t k = 0; k < count; k++) {
		if (kept == 0 || !slice_equal(objects[kept - 1].key, objects[k].key))
			objects[kept++] = objects[k];
	}
	o->objects = objects;
	o->objects_count = kept;
	return OK;
}

static enum err_kind observed_add(struct pattern_observations *set, struct json_value observed,
	const struct scope *scope, struct err *e)
{
	struct observation o = {.id = json_get_string(observed, "id")};
	struct json_value v;
	int64_t number = 0;
	enum err_kind kind;

	if (o.id.len == 0)
		return refuse(o.id, "has no id", e);
	if (!time_get(observed, "first_observed", &o.first_us) ||
		!time_get(observed, "last_observed", &o.last_us))
		return refuse(o.id, "first_observed and last_observed must be timestamps", e);
	if (o.last_us < o.first_us)
		return refuse(o.id, "last_observed is before first_observed", e);
	if (!json_get(observed, "number_observed", &v) || !json_to_i64(v, &number) || number < 1 ||
		number > NUMBER_OBSERVED_MAX)
		return refuse(o.id, "number_observed must be 1 to 999999999", e);
	if (!time_get(observed, "modified", &o.modified_us))
		o.modified_us = INT64_MIN;
	o.count = (uint32_t)number;
	if (set->count == PATTERN_OBSERVATIONS_MAX)
		return err_set(
			e, ERR_LIMIT, "observations: more than %d", PATTERN_OBSERVATIONS_MAX);
	kind = objects_collect(set->arena, observed, scope, &o, e);
	if (kind != OK)
		return kind;
	buf_append(&set->list, &o, sizeof(o));
	if (set->list.bad)
		return err_set(e, ERR_NOMEM, "%s", out_of_memory);
	set->count++;
	return OK;
}

/* ---- bundles and lists ----------------------------------------------------------------------- */

static bool is_observed(struct json_value v)
{
	return slice_is(json_get_string(v, "type"), "observed-data");
}

/* A bundle or a TAXII envelope; not an observed-data of 2.0, whose objects are no list. */
static bool is_bundle(struct json_value v, struct json_value *ret_list)
{
	return json_get(v, "objects", ret_list) && json_is_array(*ret_list);
}

static enum err_kind list_add(
	struct pattern_observations *set, struct json_value list, bool bundles, struct err *e)
{
	struct scope scope = {0};
	struct json_value v, inner;
	enum err_kind kind = OK;
	size_t kept = 0, index = 0;

	scope.objects = ARENA_ARRAY(set->arena, struct object, json_count(list) + 1);
	if (scope.objects == NULL)
		return err_set(e, ERR_NOMEM, "%s", out_of_memory);
	for (struct json_iter it = json_iter(list); json_array_next(&it, &v); index++) {
		if (!json_is_object(v))
			return err_set(
				e, ERR_INVALID, "element %zu of the list is no object", index);
		scope.count +=
			object_read(v, json_get_string(v, "id"), &scope.objects[scope.count]);
	}
	qsort(scope.objects, scope.count, sizeof(*scope.objects), object_order);
	for (size_t k = 0; k < scope.count; k++) {
		if (kept == 0 || !slice_equal(scope.objects[kept - 1].key, scope.objects[k].key))
			scope.objects[kept++] = scope.objects[k];
	}
	scope.count = kept;
	for (struct json_iter it = json_iter(list); kind == OK && json_array_next(&it, &v);) {
		if (is_observed(v))
			kind = observed_add(set, v, &scope, e);
		else if (bundles && is_bundle(v, &inner))
			kind = list_add(set, inner, false, e);
	}
	return kind;
}

enum err_kind pattern_observations_add(
	struct pattern_observations *o, struct slice json, struct err *e)
{
	struct json_doc parsed;
	const struct json_doc *doc;
	struct json_value root, list;
	struct scope nothing = {0};
	size_t count = o->count;
	enum err_kind kind;

	kind = json_parse(o->parser, json, &parsed, e);
	if (kind != OK)
		return kind;
	doc = doc_keep(o->arena, &parsed);
	if (doc == NULL)
		return err_set(e, ERR_LIMIT, "observations: more than %zu bytes in all",
			PATTERN_OBSERVED_MAX);
	root = json_root(doc);
	if (json_is_array(root))
		kind = list_add(o, root, true, e);
	else if (is_observed(root))
		kind = observed_add(o, root, &nothing, e);
	else if (is_bundle(root, &list))
		kind = list_add(o, list, false, e);
	else
		kind = err_set(e, ERR_INVALID,
			"expected a bundle, an observed-data object or a list of them");
	if (kind != OK) { /* all or nothing */
		o->count = count;
		o->list.len = count * sizeof(struct observation);
	}
	return kind;
}
