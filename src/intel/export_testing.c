/* SPDX-License-Identifier: MPL-2.0 */
/* Objects in memory instead of a store, for the tests of exporters. */
#include "export_testing.h"

static enum err_kind put(void *context, struct slice bytes, struct err *e)
{
	struct testing *t = context;

	assert_true(t->files_count > 0);
	buf_slice_append(&t->files[t->files_count - 1].text, bytes);
	(void)e;
	return OK;
}

static enum err_kind file(void *context, const char *name, struct err *e)
{
	struct testing *t = context;

	(void)e;
	assert_true(t->files_count < TESTING_FILES_MAX);
	assert_null(strchr(name, '/'));
	t->files[t->files_count].text = BUF_INIT;
	snprintf(t->files[t->files_count++].name, sizeof(t->files[0].name), "%s", name);
	return OK;
}

static void lose(void *context, struct slice id, struct slice what)
{
	struct testing *t = context;

	buf_printf(&t->losses, "%.*s: %.*s\n", SLICE_ARG(id), SLICE_ARG(what));
}

/* The newest version, as a store would give it. */
static bool lookup(void *context, struct slice type, const struct uuid *uuid, struct arena *a,
	struct slice *ret_object)
{
	struct testing *t = context;
	struct json_parser *parser = json_parser_new(JSON_OBJECT_MAX);
	int64_t newest_us = INT64_MIN;
	bool found = false;

	for (size_t k = 0; t->objects[k] != NULL; k++) {
		int64_t modified_us = 0;
		struct json_doc doc;
		struct stix_id id;

		assert_int_equal(json_parse(parser, slice_of(t->objects[k]), &doc, NULL), OK);
		assert_true(stix_id_parse(json_get_string(json_root(&doc), "id"), &id));
		time_parse(json_get_string(json_root(&doc), "modified"), &modified_us, NULL);
		if (!slice_equal(id.type, type) || !uuid_equal(&id.uuid, uuid) ||
			modified_us <= newest_us)
			continue;
		newest_us = modified_us;
		*ret_object = arena_copy(a, slice_of(t->objects[k]));
		found = ret_object->data != NULL;
	}
	json_parser_free(parser);
	return found;
}

static bool original(void *context, struct slice kind, struct slice key, struct buf *ret_body)
{
	struct testing *t = context;

	assert_true(slice_is(kind, "misp-event"));
	if (t->original == NULL || !slice_is(key, t->original_key))
		return false;
	buf_text(ret_body, t->original);
	return true;
}

static enum err_kind objects_run(
	struct testing *t, const struct exporter *exporter, struct export_job *job, struct err *e)
{
	struct stix_report report = {.arena = arena_new(MIB(16)), .errors_only = true};
	struct json_parser *parser = json_parser_new(JSON_OBJECT_MAX);
	enum err_kind kind = OK;

	for (size_t k = 0; t->objects[k] != NULL && kind == OK; k++) {
		struct export_object o = {.bytes = slice_of(t->objects[k])};
		struct json_doc doc;

		arena_reset(job->arena);
		stix_report_reset(&report);
		if (json_parse(parser, o.bytes, &doc, e) != OK)
			fail_msg("%s: %s", t->objects[k], e->text);
		o.value = json_root(&doc);
		assert_int_equal(stix_check(o.value, &report, &o.facts, e), OK);
		if (report.errors > 0)
			fail_msg("%s: %.*s %.*s", t->objects[k], SLICE_ARG(report.findings[0].path),
				SLICE_ARG(report.findings[0].message));
		kind = exporter->object(job, &o, e);
	}
	json_parser_free(parser);
	arena_free(report.arena);
	return kind;
}

enum err_kind testing_run(struct testing *t, const struct exporter *exporter,
	const struct intel_export *options, struct err *e)
{
	struct export_out out = {put, file, lose, lookup, original, t};
	struct export_job job = {.options = options, .out = &out};
	enum err_kind kind;

	testing_clear(t);
	world_fake_init(&t->world, 1, TESTING_NOW_US);
	job.world = &t->world.world;
	job.arena = arena_new(MIB(64));
	if (!exporter->format.folder)
		file(t, "", e);
	kind = exporter->begin(&job, e);
	if (kind == OK)
		kind = objects_run(t, exporter, &job, e);
	if (kind == OK)
		kind = exporter->end(&job, e);
	exporter->free(&job);
	arena_free(job.arena);
	t->records = job.records;
	return kind;
}

void testing_clear(struct testing *t)
{
	for (size_t k = 0; k < t->files_count; k++)
		buf_fini(&t->files[k].text);
	t->files_count = 0;
	buf_fini(&t->losses);
	t->losses = BUF_INIT;
}

static const char *text_of(struct buf *b)
{
	buf_char(b, '\0');
	b->len--;
	return b->data;
}

const char *testing_file(struct testing *t, const char *name)
{
	for (size_t k = 0; k < t->files_count; k++) {
		if (strcmp(t->files[k].name, name) == 0)
			return text_of(&t->files[k].text);
	}
	return NULL;
}

bool testing_lost(struct testing *t, const char *text)
{
	return strstr(text_of(&t->losses), text) != NULL;
}
