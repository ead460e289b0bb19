/* SPDX-License-Identifier: MPL-2.0 */
/*
 * STIX 2.1 as it comes: bundles, TAXII envelopes, arrays and newline-delimited objects. Each object
 * goes on as the exact bytes in which it stood; checking them is the sink's work.
 */
#include <stdlib.h>

#include "import.h"

struct look {
	bool bundle;     /* "type": "bundle" at the top */
	bool bundle20;   /* ... with "spec_version": "2.0" */
	bool objects;    /* an "objects" array at the top */
	bool element_id; /* some element has an id of STIX's form */
	bool version21;  /* some element says 2.1 */
};

static void look_member(void *context, const char *path, struct slice name, struct slice value)
{
	struct look *look = context;
	struct stix_id id;
	bool top = strcmp(path, "o") == 0;

	if (top && slice_is(name, "type") && slice_is(value, "bundle"))
		look->bundle = true;
	if (top && slice_is(name, "spec_version") && slice_is(value, "2.0"))
		look->bundle20 = true;
	if (top && slice_is(name, "objects"))
		look->objects = true;
	if (!top && strcmp(path, "oao") != 0 && strcmp(path, "ao") != 0)
		return;
	if (slice_is(name, "id") && stix_id_parse(value, &id) && !slice_is(id.type, "bundle"))
		look->element_id = true;
	if (slice_is(name, "spec_version") && slice_is(value, "2.1"))
		look->version21 = true;
}

static int stix_recognise(struct slice head, const char *name)
{
	struct look look = {0};

	(void)name;
	if (import_head_first(head) != '{' && import_head_first(head) != '[')
		return 0;
	import_head_members(head, look_member, &look);
	if (look.bundle20)
		return 0;
	if (look.bundle || (look.element_id && look.version21))
		return 80;
	return look.element_id || look.objects ? 60 : 0;
}

static enum err_kind stix_object(void *context, const struct json_item *item, struct err *e)
{
	struct import_job *job = context;
	struct intel_place place = import_place(item);

	return job->sink->emit(job->sink->context, item->bytes, &place, e);
}

#define ENVELOPE_ARENA_MAX MIB(4) /* for the findings of one envelope */

/* What is wrong with the bundle itself says nothing about its objects: told, and that is all. */
static enum err_kind stix_envelope(void *context, struct slice members, struct err *e)
{
	struct import_job *job = context;
	struct stix_report report = {.arena = arena_new(ENVELOPE_ARENA_MAX), .errors_only = true};
	struct json_parser *parser = json_parser_new(JSON_OBJECT_MAX);
	const struct intel_place place = {0};
	enum err_kind kind = OK;
	struct err broken;
	struct json_doc doc;

	if (report.arena == NULL || parser == NULL) {
		kind = err_set(e, ERR_NOMEM, "out of memory");
	} else if (json_parse(parser, members, &doc, &broken) != OK) {
		import_lose(job, &place, "the members around the objects: %s", broken.text);
	} else if (slice_is(json_get_string(json_root(&doc), "type"), "bundle")) {
		kind = stix_check_bundle(json_root(&doc), &report, e);
		for (size_t k = 0; kind == OK && k < report.count; k++) {
			const struct stix_finding *f = &report.findings[k];

			import_lose(job, &place, "bundle: %s: %.*s%s%.*s", f->clause,
				SLICE_ARG(f->path), f->path.len > 0 ? ": " : "",
				SLICE_ARG(f->message));
		}
	}
	json_parser_free(parser);
	arena_free(report.arena);
	return kind;
}

static enum err_kind stix_run(struct import_job *job, struct err *e)
{
	struct import_elements elements = {
		.element_max = JSON_OBJECT_MAX,
		.object = stix_object,
		.envelope = stix_envelope,
		.context = job,
	};

	return import_elements_run(job, &elements, e);
}

const struct importer import_stix = {
	.format = {"stix", "STIX 2.1: bundles, TAXII envelopes, arrays, newline-delimited objects",
		   true, true, false},
	.recognise = stix_recognise,
	.run = stix_run,
};
