/* SPDX-License-Identifier: MPL-2.0 */
/*
 * MISP documents: events as exported singly or by the hundred, lists of attributes and of objects.
 * Each element of a list is read by itself, so a file may be longer than memory; one element may be
 * as long as JSON_DOCUMENT_MAX.
 */
#include <stdlib.h>

#include "import_misp.h"
#include "import_value.h"

/* ---- recognition ---------------------------------------------------------------------------- */

struct look {
	bool event, response, attribute, info, uuid, category, value, template_uuid, sharing;
};

static void look_member(void *context, const char *path, struct slice name, struct slice value)
{
	struct look *look = context;

	(void)value;
	if (strlen(path) > 4)
		return;
	look->event |= slice_is(name, "Event");
	look->response |= slice_is(name, "response");
	look->attribute |= slice_is(name, "Attribute");
	look->info |= slice_is(name, "info");
	look->uuid |= slice_is(name, "uuid");
	look->category |= slice_is(name, "category");
	look->value |= slice_is(name, "value");
	look->template_uuid |= slice_is(name, "template_uuid");
	look->sharing |= slice_is(name, "SharingGroup");
}

static int misp_recognise(struct slice head, const char *name)
{
	struct look look = {0};

	(void)name;
	if (import_head_first(head) != '{' && import_head_first(head) != '[')
		return 0;
	import_head_members(head, look_member, &look);
	if (look.event && (look.info || look.uuid))
		return 90;
	if ((look.attribute && look.uuid) || (look.category && look.value) || look.template_uuid)
		return 70;
	return look.sharing || (look.response && look.uuid) ? 50 : 0;
}

/* ---- one element ---------------------------------------------------------------------------- */

void misp_reset(struct misp *m)
{
	arena_reset(m->arena);
	arena_reset(m->scratch);
	misp_map_clear(&m->seen);
	misp_map_clear(&m->targets);
	misp_map_clear(&m->galaxies);
	for (size_t k = 0; k < COUNT_OF(m->refs); k++)
		m->refs[k].count = 0;
	m->references.count = 0;
	m->losses_count = 0;
	m->has_event = m->rows_lost = false;
	m->event_text = m->about = (struct slice){0};
}

/*
 * Without an event there is no author, no date and nothing to inherit a distribution from: the file
 * stands for the author, the attribute's own time for all times, and what inherits is kept to one's
 * own organisation unless whoever imports it says otherwise.
 */
static enum err_kind loose_begin(struct misp *m, struct err *e)
{
	const struct json_value none = {0};
	enum err_kind kind;

	m->event_text = SLICE("(none)");
	m->created_us = INT64_MAX;
	m->modified_us = 0;
	m->tlp = m->job->options->tlp != STIX_TLP_NONE ? m->job->options->tlp
						       : STIX_TLP_AMBER_STRICT;
	kind = misp_identity(m, none, &m->creator, e);
	if (kind != OK)
		return kind;
	m->about = misp_id(m, "identity", &m->creator);
	return m->about.data == NULL ? misp_nomem(e) : OK;
}

/* A search's answer says of each attribute which event it is from. */
static enum err_kind loose_attribute(struct misp *m, struct json_value attribute, struct err *e)
{
	enum stix_tlp outer = m->tlp;
	struct json_value event;

	if (json_get(attribute, "Event", &event) && json_is_object(event) &&
		m->job->options->tlp == STIX_TLP_NONE)
		outer = misp_marking(m, "event", STIX_TLP_NONE,
			misp_number(event, "distribution", 0), STIX_TLP_NONE);
	return misp_attribute(m, attribute, outer, e);
}

static enum err_kind loose_list(struct misp *m, struct json_value v, struct err *e)
{
	enum err_kind kind = loose_begin(m, e);

	if (kind == OK)
		kind = misp_each(m, v, "Attribute", loose_attribute, e);
	if (kind == OK)
		kind = misp_each(m, v, "Object", misp_object, e);
	if (kind == OK)
		kind = misp_each(m, v, "Object", misp_object_references, e);
	misp_lose_tell(m);
	return kind;
}

static enum err_kind loose_one(struct misp *m, struct json_value v,
	enum err_kind (*one)(struct misp *m, struct json_value item, struct err *e), struct err *e)
{
	enum err_kind kind = loose_begin(m, e);

	if (kind == OK)
		kind = one(m, v, e);
	if (kind == OK && one == misp_object)
		kind = misp_object_references(m, v, e);
	misp_lose_tell(m);
	return kind;
}

static bool has_object(struct json_value v, const char *name, struct json_value *ret_value)
{
	return json_get(v, name, ret_value) && json_is_object(*ret_value);
}

static bool has_array(struct json_value v, const char *name, struct json_value *ret_value)
{
	return json_get(v, name, ret_value) && json_is_array(*ret_value);
}

/* document: the bytes of v as they stood; empty when v is a part of something larger. */
static enum err_kind element(
	struct misp *m, struct json_value v, struct slice document, unsigned depth, struct err *e)
{
	struct json_value inner, item;
	struct buf text = BUF_INIT;
	struct json_writer w = JSON_WRITER(&text);
	bool bare = json_get(v, "info", &inner) && json_get(v, "uuid", &inner);
	enum err_kind kind = OK;
	struct json_iter it;

	misp_reset(m);
	if (!json_is_object(v) || depth > 2)
		return import_refuse(m->job, &m->place, (struct slice){0}, e,
			"expected a MISP event, attribute or object");
	if (has_array(v, "response", &inner)) {
		for (it = json_iter(inner); kind == OK && json_array_next(&it, &item);)
			kind = element(m, item, (struct slice){0}, depth + 1, e);
		return kind;
	}
	if (has_object(v, "response", &inner))
		return element(m, inner, (struct slice){0}, depth + 1, e);
	if ((has_object(v, "Event", &inner) && json_count(v) == 1) || bare) {
		if (!bare && document.len > 0)
			return misp_event(m, inner, document, e);
		/* Kept in the one form in which MISP takes an event. */
		json_write_object(&w);
		json_write_name(&w, "Event");
		if (document.len > 0)
			json_write_raw(&w, document);
		else
			import_write_value(&w, bare ? v : inner);
		json_write_end(&w, '}');
		if (text.bad)
			kind = misp_nomem(e);
		else
			kind = misp_event(m, bare ? v : inner, buf_slice(&text), e);
		buf_fini(&text);
		return kind;
	}
	if (has_object(v, "Attribute", &inner))
		return loose_one(m, inner, loose_attribute, e);
	if (has_object(v, "Object", &inner))
		return loose_one(m, inner, misp_object, e);
	if (json_get_string(v, "type").len > 0 && json_get(v, "value", &inner))
		return loose_one(m, v, loose_attribute, e);
	if (json_get_string(v, "name").len > 0 && has_array(v, "Attribute", &inner))
		return loose_one(m, v, misp_object, e);
	if (has_array(v, "Attribute", &inner) || has_array(v, "Object", &inner))
		return loose_list(m, v, e);
	if (has_object(v, "SharingGroup", &inner)) {
		import_lose(m->job, &m->place, "sharing group \"%.*s\" has no place in STIX",
			SLICE_ARG(json_get_string(inner, "name")));
		return OK;
	}
	return import_refuse(m->job, &m->place, json_get_string(v, "uuid"), e,
		"expected a MISP event, attribute or object");
}

/*
 * A comma behind the last member is the mistake that people make who edit JSON by hand, and it has
 * one meaning. It is read as a blank, so that places stay true, and told.
 */
static size_t commas_mend(struct slice text, struct buf *mended, size_t *ret_first)
{
	size_t count = 0, comma = 0;
	bool quoted = false, pending = false;

	buf_clear(mended);
	buf_slice_append(mended, text);
	if (mended->bad)
		return 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (quoted) {
			i += c == '\\';
			quoted = c != '"';
			continue;
		}
		if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
			continue;
		if (pending && (c == ']' || c == '}')) {
			mended->data[comma] = ' ';
			if (count++ == 0)
				*ret_first = comma;
		}
		pending = c == ',';
		comma = i;
		quoted = c == '"';
	}
	return count;
}

static enum err_kind misp_element(void *context, const struct json_item *item, struct err *e)
{
	struct misp *m = context;
	struct import_sink *sink = m->job->sink;
	struct slice document = item->bytes;
	uint64_t line, column;
	struct json_doc doc;
	struct err broken;
	size_t commas, first = 0;
	enum err_kind kind;

	m->place = import_place(item);
	if (!sink->go_on(sink->context))
		return OK; /* what is left of the chunk is passed over */
	kind = json_parse(m->parser, document, &doc, &broken);
	if (kind == ERR_PARSE) {
		commas = commas_mend(document, &m->mended, &first);
		if (commas > 0 &&
			json_parse(m->parser, buf_slice(&m->mended), &doc, &broken) == OK) {
			json_position(document, first, &line, &column);
			import_lose(m->job, &m->place,
				"%zu commas too many were passed over, the first in line %llu",
				commas, (unsigned long long)(item->line + line - 1));
			document = buf_slice(&m->mended);
			kind = OK;
		}
	}
	if (kind == ERR_NOMEM)
		return err_set(e, kind, "out of memory");
	if (kind != OK)
		return import_refuse(m->job, &m->place, (struct slice){0}, e,
			"in the element that begins in line %llu: %s",
			(unsigned long long)item->line, broken.text);
	return element(m, json_root(&doc), document, 0, e);
}

/* ---- a file --------------------------------------------------------------------------------- */

static size_t skip_space(struct slice head, size_t at)
{
	while (at < head.len && (head.data[at] == ' ' || head.data[at] == '\n' ||
					head.data[at] == '\r' || head.data[at] == '\t'))
		at++;
	return at;
}

/* {"response": before what is to be read; 0 when it is not there. */
static size_t response_before(struct slice head)
{
	static const struct slice name = {"\"response\"", 10};
	size_t at = skip_space(head, 0);

	if (at >= head.len || head.data[at] != '{')
		return 0;
	at = skip_space(head, at + 1);
	if (!slice_starts(slice_cut(head, at, head.len), name))
		return 0;
	at = skip_space(head, at + name.len);
	if (at >= head.len || head.data[at] != ':')
		return 0;
	at = skip_space(head, at + 1);
	return at < head.len && (head.data[at] == '[' || head.data[at] == '{') ? at : 0;
}

#define PEEK_BYTES KIB(4) /* enough to see what is around the elements */

enum err_kind misp_read(struct misp *m, struct err *e)
{
	struct import_elements elements = {
		.element_max = JSON_DOCUMENT_MAX,
		.object = misp_element,
		.context = m,
	};
	char peek[PEEK_BYTES];
	size_t have = 0, len = 1;
	enum err_kind kind;

	while (m->job->head.len == 0 && have < sizeof(peek) && len > 0) {
		kind = import_read(m->job, peek + have, sizeof(peek) - have, &len, e);
		if (kind != OK)
			return kind;
		have += len;
	}
	if (m->job->head.len == 0)
		m->job->head = (struct slice){peek, have};
	elements.skip = response_before(m->job->head);
	elements.closers = elements.skip > 0;
	kind = import_elements_run(m->job, &elements, e);
	m->job->head = (struct slice){0}; /* it may have been peek */
	return kind;
}

enum err_kind misp_init(struct misp *m, struct import_job *job, struct err *e)
{
	m->job = job;
	m->parser = json_parser_new(JSON_DOCUMENT_MAX);
	m->small = json_parser_new(JSON_OBJECT_MAX);
	m->arena = arena_new(MISP_ARENA_MAX);
	m->scratch = arena_new(MISP_ARENA_MAX);
	m->out = m->body = BUF_MAX(JSON_OBJECT_MAX);
	m->report = (struct stix_report){.arena = arena_new(MISP_ARENA_MAX), .errors_only = true};
	m->creator_name = import_source_name(job->options);
	/* Documents are foreign: their keys must not find each other's slots. */
	job->world->random(job->world->context, m->seen.seed, sizeof(m->seen.seed));
	memcpy(m->targets.seed, m->seen.seed, sizeof(m->seen.seed));
	memcpy(m->galaxies.seed, m->seen.seed, sizeof(m->seen.seed));
	if (m->parser == NULL || m->small == NULL || m->arena == NULL || m->scratch == NULL ||
		m->report.arena == NULL)
		return misp_nomem(e);
	return OK;
}

void misp_fini(struct misp *m)
{
	json_parser_free(m->parser);
	json_parser_free(m->small);
	arena_free(m->arena);
	arena_free(m->scratch);
	arena_free(m->report.arena);
	buf_fini(&m->out);
	buf_fini(&m->body);
	buf_fini(&m->mended);
	misp_map_fini(&m->seen);
	misp_map_fini(&m->targets);
	misp_map_fini(&m->galaxies);
	for (size_t k = 0; k < COUNT_OF(m->refs); k++)
		misp_list_fini(&m->refs[k]);
	misp_list_fini(&m->references);
}

static enum err_kind misp_run(struct import_job *job, struct err *e)
{
	struct misp *m = calloc(1, sizeof(*m));
	enum err_kind kind;

	if (m == NULL)
		return misp_nomem(e);
	kind = misp_init(m, job, e);
	if (kind == OK)
		kind = misp_read(m, e);
	misp_fini(m);
	free(m);
	return kind;
}

const struct importer import_misp = {
	.format = {"misp", "MISP: events, lists of attributes and objects, as JSON", true, true,
		   false},
	.recognise = misp_recognise,
	.run = misp_run,
};
