/* SPDX-License-Identifier: MPL-2.0 */
/* For tests and fuzzing: a sink that keeps what an importer emits, and checks it. */
#include "import_collect.h"

#include <assert.h>
#include <stdlib.h>

static void collect_fault(struct collect *c, struct slice object, const char *what)
{
	c->invalid++;
	buf_printf(&c->faults, "%s\n    in ", what);
	buf_slice_append(&c->faults, slice_cut(object, 0, 2000));
	buf_char(&c->faults, '\n');
}

static void collect_check(struct collect *c, struct slice object)
{
	struct stix_facts facts;
	struct json_doc doc;
	struct err e;

	stix_report_reset(&c->report);
	if (json_parse(c->parser, object, &doc, &e) != OK) {
		collect_fault(c, object, e.text);
		return;
	}
	if (c->parse_only)
		return;
	if (stix_check(json_root(&doc), &c->report, &facts, &e) != OK) {
		collect_fault(c, object, e.text);
		return;
	}
	for (size_t k = 0; k < c->report.count; k++) {
		const struct stix_finding *f = &c->report.findings[k];
		char text[1024];

		if (f->level != STIX_ERROR)
			continue;
		snprintf(text, sizeof(text), "%s: %.*s: %.*s", f->clause, SLICE_ARG(f->path),
			SLICE_ARG(f->message));
		collect_fault(c, object, text);
	}
}

static enum err_kind collect_emit(
	void *context, struct slice object, const struct intel_place *place, struct err *e)
{
	struct collect *c = context;

	(void)e;
	assert(object.len > 1 && object.data[0] == '{' && object.data[object.len - 1] == '}');
	c->objects_count++;
	if (c->source.len > 0) {
		c->misplaced += place->offset < c->reached ||
				!slice_equal(object, slice_cut(c->source, place->offset,
							     place->offset + object.len));
		c->reached = place->offset + object.len;
	}
	buf_slice_append(&c->objects, object);
	buf_char(&c->objects, '\n');
	if (!c->exact)
		collect_check(c, object);
	return OK;
}

static enum err_kind collect_refuse(void *context, const struct intel_place *place, struct slice id,
	struct slice why, struct err *e)
{
	struct collect *c = context;

	(void)e;
	c->refused++;
	buf_printf(&c->refusals, "%llu: %.*s%s%.*s\n", (unsigned long long)place->line,
		SLICE_ARG(id), id.len > 0 ? ": " : "", SLICE_ARG(why));
	return OK;
}

static void collect_lose(void *context, const struct intel_place *place, struct slice what)
{
	struct collect *c = context;

	c->lost++;
	buf_printf(&c->losses, "%llu: %.*s\n", (unsigned long long)place->line, SLICE_ARG(what));
}

static bool collect_known(void *context, struct slice type, const struct uuid *uuid)
{
	struct collect *c = context;
	struct collect_id id;

	stix_id_format(type, uuid, id.text);
	for (size_t k = 0; k < c->known_count; k++) {
		if (strcmp(c->known[k].text, id.text) == 0) {
			c->skipped++;
			return true;
		}
	}
	if (c->known_count == c->known_capacity) {
		size_t capacity = c->known_capacity == 0 ? 256 : c->known_capacity * 2;
		struct collect_id *known = realloc(c->known, capacity * sizeof(*known));

		assert(known != NULL);
		c->known = known;
		c->known_capacity = capacity;
	}
	c->known[c->known_count++] = id;
	return false;
}

static enum err_kind collect_original(
	void *context, struct slice kind, struct slice key, struct slice body, struct err *e)
{
	struct collect *c = context;

	(void)e;
	assert(kind.len > 0 && key.len == UUID_TEXT_LEN);
	c->originals++;
	buf_clear(&c->original);
	buf_slice_append(&c->original, body);
	return OK;
}

static bool collect_go_on(void *context)
{
	struct collect *c = context;

	return ++c->asked != c->stop_after;
}

void collect_init(struct collect *c)
{
	*c = (struct collect){
		.sink = {collect_emit,   collect_refuse, collect_lose, collect_known,
			 collect_original, collect_go_on, NULL},
		.parser = json_parser_new(JSON_OBJECT_MAX),
		.report = {.arena = arena_new(MIB(64)), .errors_only = true              },
	};
	c->sink.context = c;
	world_fake_init(&c->world, 1, INT64_C(1767225600123456)); /* 2026-01-01 */
	assert(c->parser != NULL && c->report.arena != NULL);
}

static void collect_clear(struct collect *c)
{
	struct buf *bufs[] = {&c->objects, &c->refusals, &c->losses, &c->faults, &c->original};

	for (size_t k = 0; k < COUNT_OF(bufs); k++)
		buf_clear(bufs[k]);
	c->objects_count = c->refused = c->lost = c->invalid = c->originals = c->skipped = 0;
	c->asked = c->misplaced = 0;
	c->reached = 0;
}

void collect_fini(struct collect *c)
{
	struct buf *bufs[] = {&c->objects, &c->refusals, &c->losses, &c->faults, &c->original};

	for (size_t k = 0; k < COUNT_OF(bufs); k++)
		buf_fini(bufs[k]);
	json_parser_free(c->parser);
	arena_free(c->report.arena);
	free(c->known);
}

static enum err_kind collect_run(struct collect *c, const struct importer *importer,
	struct input *in, const struct intel_import *options, struct err *e)
{
	struct import_job job = {
		.options = options, .world = &c->world.world, .in = in, .sink = &c->sink};
	enum err_kind kind;

	collect_clear(c);
	kind = importer->run(&job, e);
	/* So that a test may read them as text. */
	buf_char(&c->objects, '\0');
	buf_char(&c->refusals, '\0');
	buf_char(&c->losses, '\0');
	buf_char(&c->faults, '\0');
	return kind;
}

enum err_kind collect_bytes(struct collect *c, const struct importer *importer, struct slice bytes,
	const struct intel_import *options, struct err *e)
{
	struct input *in;
	enum err_kind kind = input_of_memory(bytes, "memory", &in, e);

	if (kind != OK)
		return kind;
	kind = collect_run(c, importer, in, options, e);
	input_free(in);
	return kind;
}

enum err_kind collect_path(struct collect *c, const struct importer *importer, const char *path,
	const struct intel_import *options, struct err *e)
{
	struct intel_import at = *options;
	struct input *in = NULL;
	enum err_kind kind = OK;

	at.path = path;
	if (!importer->format.folder)
		kind = input_open(path, &in, e);
	if (kind != OK)
		return kind;
	kind = collect_run(c, importer, in, &at, e);
	input_free(in);
	return kind;
}

struct collect_outcome collect_fuzz(const struct importer *importer, const uint8_t *data,
	size_t size, const struct intel_import *options)
{
	struct import_job job = {
		.options = options, .head = {(const char *)data, size}
        };
	struct collect c;
	struct err e;

	collect_init(&c);
	/* What comes in as STIX 2.1 goes on as it is: then it must at least stand in the input. */
	c.exact = importer == &import_stix;
	if (c.exact)
		c.source = job.head;
	c.parse_only = importer == &import_stix20;
	job.world = &c.world.world;
	job.sink = &c.sink;
	if (importer->run(&job, &e) != OK && e.text[0] == '\0')
		abort();
	if (c.misplaced > 0 || c.invalid > 0) {
		fprintf(stderr, "%zu misplaced\n%.*s", c.misplaced,
			SLICE_ARG(buf_slice(&c.faults)));
		abort();
	}
	collect_fini(&c);
	return (struct collect_outcome){c.objects_count, c.refused, c.lost, c.skipped};
}

struct intel_import collect_options(void)
{
	return (struct intel_import){.path = "list.txt", .name = "Test list", .confidence = -1};
}
