/* SPDX-License-Identifier: MPL-2.0 */
/*
 * STIX 2.0 upgraded to 2.1, object by object, each change told. What says it is 2.1 already goes on
 * untouched, so mixed bundles come in as far as they can.
 */
#include <stdlib.h>

#include "import_stix20.h"

#define OBJECT_ARENA_MAX MIB(64) /* for one object and what is made of it */

/* Where 2.1 put the labels that said what kind of thing an object is (sections 4.5 to 4.18). */
static const struct {
	const char *type;
	const char *to;
} label_moves[] = {
	{"identity",     "roles"             },
	{"indicator",    "indicator_types"   },
	{"malware",      "malware_types"     },
	{"report",       "report_types"      },
	{"threat-actor", "threat_actor_types"},
	{"tool",         "tool_types"        },
};

/* ---- recognition ---------------------------------------------------------------------------- */

struct look {
	bool bundle, bundle20, version21;
	/* of the element that is being looked at */
	bool created;
	bool spec_version;
	unsigned elements20; /* have created but no spec_version */
};

static void look_member(void *context, const char *path, struct slice name, struct slice value)
{
	struct look *look = context;
	bool element = strcmp(path, "oao") == 0 || strcmp(path, "ao") == 0;

	if (strcmp(path, "o") == 0) {
		look->bundle |= slice_is(name, "type") && slice_is(value, "bundle");
		look->bundle20 |= slice_is(name, "spec_version") && slice_is(value, "2.0");
		return;
	}
	if (!element)
		return;
	if (slice_is(name, "spec_version")) {
		look->spec_version = true;
		look->version21 |= slice_is(value, "2.1");
	}
	/* created and modified stand beside each other in any order of members but a strange one */
	if (slice_is(name, "modified") && look->created && !look->spec_version)
		look->elements20++;
	if (slice_is(name, "created"))
		look->created = true;
	if (slice_is(name, "type"))
		look->created = look->spec_version = false;
}

static int stix20_recognise(struct slice head, const char *name)
{
	struct look look = {0};

	(void)name;
	if (import_head_first(head) != '{' && import_head_first(head) != '[')
		return 0;
	import_head_members(head, look_member, &look);
	if (look.bundle20)
		return 90;
	return look.elements20 > 0 && !look.version21 ? 85 : 0;
}

/* ---- telling -------------------------------------------------------------------------------- */

#define CHANGES_MAX 200 /* bytes of one message beside a long id; ERR_TEXT_MAX would cut it */

static void tell_changes(struct stix20 *x)
{
	if (x->changes.len > 0)
		import_lose(x->job, &x->place, "%.*s upgraded: %.*s", SLICE_ARG(x->id),
			SLICE_ARG(buf_slice(&x->changes)));
	buf_clear(&x->changes);
}

void stix20_change(struct stix20 *x, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (x->changes.len + strlen(text) > CHANGES_MAX)
		tell_changes(x);
	if (x->changes.len > 0)
		buf_text(&x->changes, "; ");
	buf_text(&x->changes, text);
}

enum err_kind stix20_emit(struct stix20 *x, const struct intel_place *place, struct err *e)
{
	struct intel_place at = *place;

	if (x->out.bad)
		return err_set(e, ERR_LIMIT, "the upgraded object is longer than %zu bytes",
			JSON_OBJECT_MAX);
	at.index = x->index++;
	return x->job->sink->emit(x->job->sink->context, buf_slice(&x->out), &at, e);
}

/* ---- patterns ------------------------------------------------------------------------------- */

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c == '-';
}

/* The property at a path's beginning that 2.1 calls otherwise: "process:binary_ref". */
static const struct stix20_rename *rename_at(struct slice pattern, size_t at, size_t *ret_len)
{
	for (size_t k = 0; k < stix20_renames_count; k++) {
		const struct stix20_rename *r = &stix20_renames[k];
		size_t type_len = strlen(r->type), len = type_len + 1 + strlen(r->from);

		if (r->extension != NULL ||
			!slice_is(slice_cut(pattern, at, at + type_len), r->type) ||
			slice_cut(pattern, at + type_len, at + len).len != len - type_len ||
			pattern.data[at + type_len] != ':' ||
			!slice_is(slice_cut(pattern, at + type_len + 1, at + len), r->from) ||
			(at + len < pattern.len && is_word(pattern.data[at + len])))
			continue;
		*ret_len = len;
		return r;
	}
	return NULL;
}

/* Does START or STOP stand here with a plain string behind it, as 2.0 wrote times? */
static size_t qualifier_at(struct slice pattern, size_t at)
{
	size_t end;

	if (!slice_starts(slice_cut(pattern, at, pattern.len), SLICE("START")) &&
		!slice_starts(slice_cut(pattern, at, pattern.len), SLICE("STOP")))
		return 0;
	end = at + (pattern.data[at + 2] == 'A' ? strlen("START") : strlen("STOP"));
	while (end < pattern.len && (pattern.data[end] == ' ' || pattern.data[end] == '\t'))
		end++;
	return end < pattern.len && pattern.data[end] == '\'' ? end - at : 0;
}

/* Append the pattern as 2.1 writes it. Quoted text is never touched. */
static void pattern_upgrade(struct stix20 *x, struct slice pattern, struct buf *out)
{
	bool quoted = false;

	for (size_t i = 0; i < pattern.len; i++) {
		const struct stix20_rename *r = NULL;
		bool begin = !quoted && (i == 0 || !is_word(pattern.data[i - 1]));
		size_t len = 0;

		if (begin && (len = qualifier_at(pattern, i)) > 0) {
			buf_slice_append(out, slice_cut(pattern, i, i + len));
			buf_char(out, 't');
			stix20_change(x, "the times of the pattern's qualifier are timestamps");
			i += len - 1;
			continue;
		}
		if (begin)
			r = rename_at(pattern, i, &len);
		if (r != NULL && r->to == NULL) {
			stix20_change(x, "the pattern compares %s:%s, which 2.1 does not have",
				r->type, r->from);
		} else if (r != NULL) {
			buf_printf(out, "%s:%s", r->type, r->to);
			stix20_change(x, "%s:%s of the pattern is %s", r->type, r->from, r->to);
			i += len - 1;
			continue;
		}
		if (quoted && pattern.data[i] == '\\' && i + 1 < pattern.len)
			buf_char(out, pattern.data[i++]);
		else if (pattern.data[i] == '\'')
			quoted = !quoted;
		buf_char(out, pattern.data[i]);
	}
}

/* ---- objects -------------------------------------------------------------------------------- */

/* What one object needs besides its members. */
struct upgrade {
	struct slice type;
	struct slice id;
	const char *labels_to;     /* NULL: labels stay */
	struct slice *object_refs; /* of an observed-data; count 0: it has its own */
	size_t object_refs_count;
	struct slice
		markings[STIX20_MARKINGS_MAX]; /* object_marking_refs, with those moved there */
	size_t markings_count;
	bool too_many_markings;
};

static void markings_add(struct upgrade *u, struct slice marking)
{
	for (size_t k = 0; k < u->markings_count; k++) {
		if (slice_equal(u->markings[k], marking))
			return;
	}
	if (u->markings_count < STIX20_MARKINGS_MAX)
		u->markings[u->markings_count++] = marking;
	else
		u->too_many_markings = true;
}

/* A selector into "objects" points to what is an object of its own now. */
static bool selects_observable(struct slice selector)
{
	return slice_is(selector, "objects") || slice_starts(selector, SLICE("objects."));
}

/* The markings of the whole object. A marking on a part of an observed-data's observables becomes
 * one on everything: stricter than it was, never freer. */
static void markings_collect(struct stix20 *x, struct json_value object, struct upgrade *u)
{
	struct json_value list, item, selector, selectors;
	struct json_iter it, inner;

	if (json_get(object, "object_marking_refs", &list)) {
		for (it = json_iter(list); json_array_next(&it, &item);)
			markings_add(u, json_string(item));
	}
	if (!slice_is(u->type, "observed-data") || !json_get(object, "granular_markings", &list))
		return;
	for (it = json_iter(list); json_array_next(&it, &item);) {
		if (!json_get(item, "selectors", &selectors))
			continue;
		for (inner = json_iter(selectors); json_array_next(&inner, &selector);) {
			if (!selects_observable(json_string(selector)))
				continue;
			markings_add(u, json_get_string(item, "marking_ref"));
			stix20_change(x, "the marking of %.*s holds for the whole object",
				SLICE_ARG(json_string(selector)));
		}
	}
}

static void write_selectors(struct stix20 *x, struct json_writer *w, struct json_value selectors,
	const struct upgrade *u)
{
	struct json_iter it = json_iter(selectors);
	struct json_value item;
	struct slice moved;

	json_write_array(w);
	while (json_array_next(&it, &item)) {
		struct slice text = json_string(item);

		if (slice_is(u->type, "observed-data") && selects_observable(text))
			continue;
		if (u->labels_to != NULL &&
			(slice_is(text, "labels") || slice_starts(text, SLICE("labels.")))) {
			moved = arena_printf(x->arena, "%s%.*s", u->labels_to,
				SLICE_ARG(slice_cut(text, strlen("labels"), text.len)));
			json_write_string(w, moved);
		} else {
			import_write_value(w, item);
		}
	}
	json_write_end(w, ']');
}

/* How many of its selectors stay where they are? */
static size_t selectors_left(struct json_value marking, const struct upgrade *u)
{
	struct json_value selectors, item;
	struct json_iter it;
	size_t left = 0;

	if (!json_get(marking, "selectors", &selectors))
		return 1;
	for (it = json_iter(selectors); json_array_next(&it, &item);)
		left += !slice_is(u->type, "observed-data") ||
			!selects_observable(json_string(item));
	return left;
}

static void write_granular(
	struct stix20 *x, struct json_writer *w, struct json_value list, const struct upgrade *u)
{
	struct json_iter it = json_iter(list), members;
	struct json_value item, value;
	struct slice name;
	bool any = false;

	while (json_array_next(&it, &item))
		any |= selectors_left(item, u) > 0;
	if (!any)
		return;
	json_write_name(w, "granular_markings");
	json_write_array(w);
	for (it = json_iter(list); json_array_next(&it, &item);) {
		if (selectors_left(item, u) == 0)
			continue;
		if (!json_is_object(item)) {
			import_write_value(w, item);
			continue;
		}
		json_write_object(w);
		for (members = json_iter(item); json_object_next(&members, &name, &value);) {
			json_write_name_slice(w, name);
			if (slice_is(name, "selectors") && json_is_array(value))
				write_selectors(x, w, value, u);
			else
				import_write_value(w, value);
		}
		json_write_end(w, '}');
	}
	json_write_end(w, ']');
}

static void write_strings(
	struct json_writer *w, const char *name, const struct slice *list, size_t count)
{
	if (count == 0)
		return;
	json_write_name(w, name);
	json_write_array(w);
	for (size_t k = 0; k < count; k++)
		json_write_string(w, list[k]);
	json_write_end(w, ']');
}

static void write_pattern(struct stix20 *x, struct json_writer *w, struct slice pattern)
{
	struct buf upgraded = BUF_MAX(JSON_OBJECT_MAX);

	pattern_upgrade(x, pattern, &upgraded);
	if (upgraded.bad)
		w->out->bad = true;
	json_member_string(w, "pattern", buf_slice(&upgraded));
	buf_fini(&upgraded);
}

static void write_member(struct stix20 *x, struct json_writer *w, const struct upgrade *u,
	struct slice name, struct json_value value)
{
	if (slice_is(name, "labels") && u->labels_to != NULL) {
		stix20_change(x, "labels are %s", u->labels_to);
		json_write_name(w, u->labels_to);
		import_write_value(w, value);
	} else if (slice_is(name, "pattern") && slice_is(u->type, "indicator") &&
		   json_is_string(value)) {
		write_pattern(x, w, json_string(value));
	} else if (slice_is(name, "objects") && u->object_refs_count > 0) {
		stix20_change(x, "objects are objects of their own, object_refs name them");
		write_strings(w, "object_refs", u->object_refs, u->object_refs_count);
	} else if (slice_is(name, "granular_markings")) {
		write_granular(x, w, value, u);
	} else {
		json_write_name_slice(w, name);
		import_write_value(w, value);
	}
}

static void write_object(struct stix20 *x, struct json_value object, const struct upgrade *u)
{
	struct json_writer w = JSON_WRITER(&x->out);
	struct json_iter it = json_iter(object);
	struct json_value value, other;
	struct slice name;

	buf_clear(&x->out);
	json_write_object(&w);
	json_member_string(&w, "type", u->type);
	json_member_text(&w, "spec_version", "2.1");
	stix20_change(x, "spec_version is 2.1");
	while (json_object_next(&it, &name, &value)) {
		if (!slice_is(name, "type") && !slice_is(name, "spec_version") &&
			!slice_is(name, "object_marking_refs"))
			write_member(x, &w, u, name, value);
	}
	write_strings(&w, "object_marking_refs", u->markings, u->markings_count);
	if (slice_is(u->type, "indicator") && !json_get(object, "pattern_type", &other)) {
		json_member_text(&w, "pattern_type", "stix");
		stix20_change(x, "pattern_type is stix");
	}
	/* 2.0 described kinds of malware; a sample had no place in it (section 4.11 of 2.1). */
	if (slice_is(u->type, "malware") && !json_get(object, "is_family", &other)) {
		json_member_bool(&w, "is_family", true);
		stix20_change(x, "is_family is true");
	}
	json_write_end(&w, '}');
}

/* Its observables first, so that their ids are known. */
static enum err_kind observed_upgrade(struct stix20 *x, struct json_value objects,
	struct upgrade *u, const struct intel_place *place, struct err *e)
{
	struct uuid markings[STIX20_MARKINGS_MAX];
	struct stix_id marking;
	size_t count = 0;

	for (size_t k = 0; k < u->markings_count; k++) {
		/* What anybody may see needs no marking, and then the id is the standard's. */
		if (stix_id_parse(u->markings[k], &marking) &&
			stix_tlp_of(&marking.uuid) != STIX_TLP_CLEAR)
			markings[count++] = marking.uuid;
	}
	return stix20_observables(x, objects, u->id, markings, count, place, &u->object_refs,
		&u->object_refs_count, e);
}

static enum err_kind object_upgrade(
	struct stix20 *x, struct json_value object, const struct intel_place *place, struct err *e)
{
	struct upgrade u = {
		.type = json_get_string(object, "type"),
		.id = json_get_string(object, "id"),
	};
	struct json_value value;
	struct stix_id id;
	struct slice tlp;
	enum err_kind kind;

	if (u.type.len == 0 || !stix_id_parse(u.id, &id))
		return err_set(e, ERR_INVALID, "expected an object with \"type\" and \"id\"");
	if (slice_is(u.type, "marking-definition")) {
		/* The four of TLP have the same ids in 2.1, and exactly one text (section 7.2.1.4).
		 */
		tlp = stix_tlp_object(&id.uuid);
		if (tlp.len > 0) {
			buf_clear(&x->out);
			buf_slice_append(&x->out, tlp);
			stix20_change(x, "it is the standard's own object");
			return stix20_emit(x, place, e);
		}
	}
	for (size_t k = 0; k < COUNT_OF(label_moves); k++) {
		if (slice_is(u.type, label_moves[k].type) &&
			!json_get(object, label_moves[k].to, &value))
			u.labels_to = label_moves[k].to;
	}
	markings_collect(x, object, &u);
	if (u.too_many_markings) /* one left out would make the object freer than it was */
		return err_set(e, ERR_LIMIT, "more than %d markings", STIX20_MARKINGS_MAX);
	if (slice_is(u.type, "observed-data") && json_get(object, "objects", &value)) {
		kind = observed_upgrade(x, value, &u, place, e);
		if (kind != OK)
			return kind;
	}
	write_object(x, object, &u);
	return stix20_emit(x, place, e);
}

/* 2.1 says so, or is an observable, which stands alone only in 2.1. */
static bool is_21(struct json_value object)
{
	struct json_value value;

	return json_get(object, "spec_version", &value)
		       ? !slice_is(json_string(value), "2.0")
		       : stix_class_of(json_get_string(object, "type")) == STIX_SCO;
}

static enum err_kind stix20_object(void *context, const struct json_item *item, struct err *e)
{
	struct stix20 *x = context;
	struct intel_place place = import_place(item);
	struct import_sink *sink = x->job->sink;
	struct json_value object;
	struct err broken;
	struct json_doc doc;
	enum err_kind kind;

	arena_reset(x->arena);
	buf_clear(&x->changes);
	kind = json_parse(x->parser, item->bytes, &doc, &broken);
	if (kind == ERR_NOMEM)
		return err_set(e, kind, "out of memory");
	if (kind != OK)
		return sink->refuse(
			sink->context, &place, (struct slice){0}, slice_of(broken.text), e);
	object = json_root(&doc);
	if (is_21(object)) {
		place.index = x->index++;
		return sink->emit(sink->context, item->bytes, &place, e);
	}
	x->place = place;
	x->id = slice_cut(json_get_string(object, "id"), 0, STIX_ID_MAX);
	kind = object_upgrade(x, object, &place, &broken);
	/* What is wrong with one object is its own affair. */
	if (kind == ERR_INVALID || kind == ERR_LIMIT || kind == ERR_PARSE)
		return sink->refuse(sink->context, &place, json_get_string(object, "id"),
			slice_of(broken.text), e);
	if (kind != OK) {
		if (e != NULL)
			*e = broken;
		return kind;
	}
	tell_changes(x);
	return OK;
}

static enum err_kind stix20_run(struct import_job *job, struct err *e)
{
	struct stix20 x = {
		.job = job,
		.parser = json_parser_new(JSON_OBJECT_MAX),
		.small = json_parser_new(JSON_OBJECT_MAX),
		.arena = arena_new(OBJECT_ARENA_MAX),
		.out = BUF_MAX(JSON_OBJECT_MAX),
		.body = BUF_MAX(JSON_OBJECT_MAX),
	};
	struct import_elements elements = {
		.element_max = JSON_OBJECT_MAX,
		.object = stix20_object,
		.context = &x,
	};
	enum err_kind kind;

	if (x.parser == NULL || x.small == NULL || x.arena == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	else
		kind = import_elements_run(job, &elements, e);
	json_parser_free(x.parser);
	json_parser_free(x.small);
	arena_free(x.arena);
	buf_fini(&x.out);
	buf_fini(&x.body);
	buf_fini(&x.changes);
	return kind;
}

const struct importer import_stix20 = {
	.format = {"stix20", "STIX 2.0 bundles, upgraded to 2.1 with every change told", true,
		   false, false},
	.recognise = stix20_recognise,
	.run = stix20_run,
};
