/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The one way in. An object is parsed strictly, checked against every MUST, taken apart for the
 * indexes, and handed to the store in its exact bytes; a refusal says why and stops nothing else.
 */
#include <stdlib.h>

#include "accept.h"
#include "traits.h"

#define REPORT_ARENA_MAX MIB(64) /* bytes one object's findings, references and values may need */
#define BATCH_ARENA_MAX                                                                            \
	MIB(256) /* bytes of one batch: 4 MiB of objects at its fullest index rows */

enum err_kind accept_checker_init(struct accept_checker *c, struct err *e)
{
	*c = (struct accept_checker){0};
	c->parser = json_parser_new(JSON_OBJECT_MAX);
	c->report.arena = arena_new(REPORT_ARENA_MAX);
	c->report.errors_only = true;
	if (c->parser == NULL || c->report.arena == NULL) {
		accept_checker_fini(c);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	return OK;
}

void accept_checker_fini(struct accept_checker *c)
{
	json_parser_free(c->parser);
	arena_free(c->report.arena);
	buf_fini(&c->traits);
	*c = (struct accept_checker){0};
}

/* The arrays live in the arena, so a reset allocates them anew from its first block. */
static bool batch_arrays(struct accept_batch *b)
{
	b->objects = arena_alloc(b->arena, b->capacity * sizeof(*b->objects));
	b->of_verdict = arena_alloc(b->arena, b->capacity * sizeof(*b->of_verdict));
	b->verdicts = arena_alloc(b->arena, b->capacity * sizeof(*b->verdicts));
	b->objects_count = b->verdicts_count = b->bytes = 0;
	return b->objects != NULL && b->of_verdict != NULL && b->verdicts != NULL;
}

enum err_kind accept_batch_init(struct accept_batch *b, size_t capacity, struct err *e)
{
	*b = (struct accept_batch){.capacity = capacity};
	b->arena = arena_new(BATCH_ARENA_MAX);
	if (b->arena == NULL || !batch_arrays(b)) {
		accept_batch_fini(b);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	return OK;
}

void accept_batch_reset(struct accept_batch *b)
{
	arena_reset(b->arena);
	/* What fitted into the arena once fits again. */
	if (!batch_arrays(b))
		b->capacity = 0;
}

void accept_batch_fini(struct accept_batch *b)
{
	arena_free(b->arena);
	*b = (struct accept_batch){0};
}

static enum err_kind no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory while checking an object");
}

enum err_kind accept_batch_refuse(struct accept_batch *b, struct slice id, struct slice why,
	const struct intel_place *place, struct err *e)
{
	struct intel_verdict *v;

	if (b->verdicts_count >= b->capacity)
		return err_set(e, ERR_LIMIT, "more than %zu objects in one batch", b->capacity);
	v = &b->verdicts[b->verdicts_count];
	*v = (struct intel_verdict){.outcome = INTEL_REFUSED};
	if (place != NULL)
		v->place = *place;
	v->id = arena_copy(b->arena, slice_cut(id, 0, STIX_ID_MAX));
	v->message = arena_copy(b->arena, why);
	if (v->id.data == NULL || v->message.data == NULL)
		return no_memory(e);
	b->verdicts_count++;
	return OK;
}

/* "3.2 created: at created: expected … (and 2 more errors)" */
static struct slice refusal_text(const struct stix_report *report, struct arena *a)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct stix_finding *f = &report->findings[i];
		struct slice text;

		if (f->level != STIX_ERROR)
			continue;
		text = f->path.len == 0
			       ? arena_printf(a, "%s: %.*s", f->clause, SLICE_ARG(f->message))
			       : arena_printf(a, "%s: %.*s: %.*s", f->clause, SLICE_ARG(f->path),
					 SLICE_ARG(f->message));
		if (report->errors > 1)
			text = arena_printf(a, "%.*s (and %zu more error%s)", SLICE_ARG(text),
				report->errors - 1, report->errors > 2 ? "s" : "");
		return text;
	}
	return SLICE("refused");
}

/* May an object with these errors be kept all the same? Not when we could not tell which object it
 * is, or who may see it. */
static bool tolerable(
	const struct stix_report *report, const struct stix_facts *facts, struct json_value object)
{
	static const char *const vital[] = {
		"type", "id", "created", "modified", "object_marking_refs", "granular_markings"};
	struct stix_id id;

	if (!stix_id_parse(facts->id, &id) || report->dropped > 0 ||
		!slice_equal(json_get_string(object, "type"), id.type) ||
		slice_is(id.type, "marking-definition"))
		return false;
	for (size_t i = 0; i < report->count; i++) {
		if (report->findings[i].level != STIX_ERROR)
			continue;
		for (size_t k = 0; k < COUNT_OF(vital); k++) {
			if (slice_starts(report->findings[i].path, slice_of(vital[k])))
				return false;
		}
	}
	return true;
}

/* Copy what the indexes need out of the parser's memory. False: no memory. */
static bool object_fill(struct store_object *o, const struct stix_facts *facts,
	struct json_value value, struct slice body, struct arena *a)
{
	struct stix_reference *references;

	*o = (struct store_object){
		.uuid = facts->key.uuid,
		.version_us = facts->modified_us,
		.created_us = facts->created_us,
		.versioned = facts->versioned,
		.revoked = facts->revoked,
		.body = body,
		.references_count = facts->references_count,
		.markings_count = facts->markings_count,
	};
	o->type = arena_copy(a, facts->key.type);
	if (o->type.data == NULL)
		return false;
	if (facts->references_count > 0) {
		references = arena_alloc(a, facts->references_count * sizeof(*references));
		if (references == NULL)
			return false;
		for (size_t i = 0; i < facts->references_count; i++) {
			references[i] = facts->references[i];
			references[i].property = arena_copy(a, facts->references[i].property);
			references[i].target.type = arena_copy(a, facts->references[i].target.type);
			if (references[i].property.data == NULL ||
				references[i].target.type.data == NULL)
				return false;
		}
		o->references = references;
	}
	if (facts->markings_count > 0) {
		struct slice copy =
			arena_copy(a, (struct slice){(const char *)facts->markings,
					      facts->markings_count * sizeof(struct uuid)});

		if (copy.data == NULL)
			return false;
		o->markings = (const struct uuid *)(const void *)copy.data;
	}
	if (facts->labels.doc != NULL) {
		struct buf joined = BUF_INIT;
		struct json_iter it = json_iter(facts->labels);

		for (struct json_value label; json_array_next(&it, &label);) {
			if (joined.len > 0)
				buf_char(&joined, '\n');
			buf_slice_append(&joined, json_string(label));
		}
		o->labels = arena_copy(a, buf_slice(&joined));
		buf_fini(&joined);
		if (o->labels.data == NULL)
			return false;
	}
	if (facts->class == STIX_META && slice_is(facts->key.type, "marking-definition"))
		o->marking_kind = stix_marking_kind_of(value);
	return true;
}

/* Observable values; they borrow from the document, so copy them. *ret_found: as they were found.
 */
static enum err_kind object_values(struct store_object *o, const struct stix_facts *facts,
	struct json_value value, struct arena *scratch, struct arena *a,
	struct stix_value **ret_found, struct err *e)
{
	struct stix_value *found, *kept;
	size_t count;
	bool all;
	enum err_kind kind;

	*ret_found = NULL;
	if (facts->class != STIX_SCO && !slice_is(facts->key.type, "indicator"))
		return OK;
	kind = stix_values(value, scratch, &found, &count, &all, e);
	if (kind != OK || count == 0)
		return kind;
	*ret_found = found;
	kept = arena_alloc(a, count * sizeof(*kept));
	if (kept == NULL)
		return no_memory(e);
	for (size_t i = 0; i < count; i++) {
		/* The store indexes kind and key; the text stays in the body. */
		kept[i] = (struct stix_value){
			.kind = found[i].kind, .key = arena_copy(a, found[i].key)};
		if (kept[i].key.data == NULL)
			return no_memory(e);
	}
	o->values = kept;
	o->values_count = count;
	return OK;
}

/* What a policy may look at. */
static enum err_kind object_traits(struct store_object *o, struct accept_checker *c,
	const struct stix_facts *facts, struct json_value value, const struct stix_value *found,
	struct arena *a, struct err *e)
{
	buf_clear(&c->traits);
	traits_append(value, facts, found, o->values_count, &c->traits);
	if (c->traits.bad)
		return no_memory(e);
	o->traits = arena_copy(a, buf_slice(&c->traits));
	return o->traits.data != NULL ? OK : no_memory(e);
}

enum err_kind accept_batch_add(struct accept_batch *b, struct accept_checker *c, struct slice bytes,
	bool keep_bytes, const struct intel_place *place, struct err *e)
{
	struct stix_report *report = &c->report;
	struct json_doc doc;
	struct stix_facts facts;
	struct stix_value *found;
	struct store_object *o;
	struct intel_verdict *v;
	struct err why;
	enum err_kind kind;

	if (b->verdicts_count >= b->capacity)
		return err_set(e, ERR_LIMIT, "more than %zu objects in one batch", b->capacity);
	if (keep_bytes) {
		/* The copy that is kept anyway is made with the room that the parser wants. */
		char *copy = arena_alloc(b->arena, bytes.len + JSON_PADDING);

		if (copy == NULL)
			return no_memory(e);
		memcpy(copy, bytes.data, bytes.len);
		bytes.data = copy;
		kind = json_parse_padded(c->parser, bytes, &doc, &why);
	} else {
		kind = json_parse(c->parser, bytes, &doc, &why);
	}
	if (kind == ERR_NOMEM)
		return no_memory(e);
	if (kind != OK)
		return accept_batch_refuse(b, (struct slice){0}, slice_of(why.text), place, e);
	if (slice_is(json_get_string(json_root(&doc), "type"), "bundle"))
		return accept_batch_refuse(b, json_get_string(json_root(&doc), "id"),
			SLICE("8 bundle: a bundle is no object; expected one of its objects"),
			place, e);
	stix_report_reset(report);
	kind = stix_check(json_root(&doc), report, &facts, e);
	if (kind != OK)
		return kind;
	if (report->errors > 0 && !(c->tolerant && tolerable(report, &facts, json_root(&doc))))
		return accept_batch_refuse(b, facts.id, refusal_text(report, b->arena), place, e);

	o = &b->objects[b->objects_count];
	if (!object_fill(o, &facts, json_root(&doc), bytes, b->arena))
		return no_memory(e);
	kind = object_values(o, &facts, json_root(&doc), report->arena, b->arena, &found, e);
	if (kind == OK)
		kind = object_traits(o, c, &facts, json_root(&doc), found, b->arena, e);
	if (kind != OK)
		return kind;
	v = &b->verdicts[b->verdicts_count];
	*v = (struct intel_verdict){.version_us = o->version_us};
	if (place != NULL)
		v->place = *place;
	v->id = arena_copy(b->arena, facts.id);
	if (v->id.data == NULL)
		return no_memory(e);
	if (report->errors > 0) {
		v->tolerated = true;
		v->message = refusal_text(report, b->arena);
	}
	b->of_verdict[b->objects_count++] = (uint32_t)b->verdicts_count++;
	b->bytes += bytes.len;
	return OK;
}

enum err_kind accept_batch_write(struct accept_batch *b, struct store *store,
	const struct intel_source *source, const struct store_note *notes, size_t notes_count,
	struct err *e)
{
	struct store_batch batch = {
		.objects = b->objects,
		.count = b->objects_count,
		.collections = source->collections,
		.collections_count = source->collections_count,
		.member = source->member,
		.notes = notes,
		.notes_count = notes_count,
	};
	struct store_result *results;
	enum err_kind kind;

	if (b->objects_count == 0 && notes_count == 0)
		return OK;
	results = arena_zalloc(b->arena, (b->objects_count + 1) * sizeof(*results));
	if (results == NULL)
		return no_memory(e);
	kind = store_append(store, &batch, results, e);
	if (kind != OK)
		return kind;
	for (size_t i = 0; i < b->objects_count; i++) {
		struct intel_verdict *v = &b->verdicts[b->of_verdict[i]];

		switch (results[i].outcome) {
		case STORE_NEW:
			v->outcome = INTEL_NEW;
			break;
		case STORE_DUPLICATE:
			v->outcome = INTEL_KNOWN;
			break;
		case STORE_CONFLICT:
			v->outcome = INTEL_CONFLICT;
			v->message = SLICE("3.6 Versioning: this id and version is here with other "
					   "content; the "
					   "first stays, this one is kept as evidence");
			break;
		}
		v->date_added_us = results[i].date_added_us;
		v->serial = v->outcome == INTEL_CONFLICT ? 0 : results[i].serial;
	}
	return OK;
}

enum err_kind intel_accept(struct intel *i, const struct intel_source *source,
	const struct slice *objects, size_t count, const struct store_note *notes,
	size_t notes_count, struct arena *a, struct intel_verdict *ret_verdicts, struct err *e)
{
	struct accept_checker checker;
	struct accept_batch batch = {0};
	enum err_kind kind;

	if (count > STORE_BATCH_MAX)
		return err_set(e, ERR_LIMIT, "a batch of %zu objects, at most %d are taken", count,
			STORE_BATCH_MAX);
	kind = accept_checker_init(&checker, e);
	if (kind != OK)
		return kind;
	checker.tolerant = source->tolerant;
	kind = accept_batch_init(&batch, count == 0 ? 1 : count, e);
	for (size_t k = 0; k < count && kind == OK; k++) {
		struct intel_place place = {.index = k};

		kind = accept_batch_add(&batch, &checker, objects[k], false, &place, e);
	}
	if (kind == OK)
		kind = accept_batch_write(&batch, intel_store(i), source, notes, notes_count, e);
	/* The verdicts outlive the batch. */
	for (size_t k = 0; k < batch.verdicts_count && kind == OK; k++) {
		struct intel_verdict v = batch.verdicts[k];

		v.id = arena_copy(a, v.id);
		v.message = arena_copy(a, v.message);
		if (v.id.data == NULL || v.message.data == NULL)
			kind = no_memory(e);
		batch.verdicts[k] = v;
	}
	if (kind == OK && count > 0)
		memcpy(ret_verdicts, batch.verdicts, count * sizeof(*ret_verdicts));
	accept_batch_fini(&batch);
	accept_checker_fini(&checker);
	return kind;
}
