/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A MISP feed: a folder with manifest.json, which names the events, and one file for each. Its
 * hashes.csv only says again what the events hold.
 */
#include <stdlib.h>
#include <sys/stat.h>

#include "import_misp.h"

/* "folder/NAME.json", "folder/NAME.json.gz" or "folder/NAME.json.zst", whichever is there. */
static char *feed_path(const char *folder, const char *name, uint64_t *ret_bytes)
{
	static const char *const endings[] = {".json", ".json.gz", ".json.zst"};
	struct stat st;
	char *path;

	for (size_t k = 0; k < COUNT_OF(endings); k++) {
		if (asprintf(&path, "%s/%s%s", folder, name, endings[k]) < 0)
			return NULL;
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
			*ret_bytes = (uint64_t)st.st_size;
			return path;
		}
		free(path);
	}
	return NULL;
}

/* One event's file. What is wrong with it is told; the others come in all the same. */
static enum err_kind feed_event(
	struct misp *m, const char *folder, const struct uuid *uuid, struct err *e)
{
	struct import_job *job = m->job, one = *m->job;
	char name[UUID_TEXT_LEN + 1];
	uint64_t bytes = 0;
	struct err broken;
	enum err_kind kind;
	char *path;

	uuid_format(uuid, name);
	path = feed_path(folder, name, &bytes);
	if (path == NULL)
		return import_refuse(job, &m->place, slice_of(name), e,
			"the manifest names this event, but %s.json is not there", name);
	one.head = (struct slice){0};
	one.in = NULL;
	m->job = &one;
	kind = input_open(path, &one.in, &broken);
	if (kind == OK)
		kind = misp_read(m, &broken);
	input_free(one.in);
	m->job = job;
	job->tlps_emitted = one.tlps_emitted;
	job->folder_read += bytes;
	free(path);
	if (kind == ERR_PARSE || kind == ERR_LIMIT || kind == ERR_DENIED)
		return import_refuse(
			job, &m->place, slice_of(name), e, "%s.json: %s", name, broken.text);
	if (kind != OK && e != NULL)
		*e = broken;
	return kind;
}

/* For progress: the bytes of all that will be read. */
static uint64_t feed_total(const char *folder, struct json_value manifest)
{
	struct json_iter it = json_iter(manifest);
	struct json_value value;
	uint64_t total = 0;
	struct slice key;

	while (json_object_next(&it, &key, &value)) {
		char name[UUID_TEXT_LEN + 1];
		uint64_t bytes = 0;
		struct uuid uuid;

		if (!uuid_parse(key, &uuid))
			continue;
		uuid_format(&uuid, name);
		free(feed_path(folder, name, &bytes));
		total += bytes;
	}
	return total;
}

static enum err_kind feed_events(
	struct misp *m, const char *folder, struct json_value manifest, struct err *e)
{
	struct import_sink *sink = m->job->sink;
	struct json_iter it = json_iter(manifest);
	struct json_value value;
	enum err_kind kind = OK;
	struct slice key;

	if (!json_is_object(manifest))
		return err_set(
			e, ERR_PARSE, "manifest.json: expected an object with a member per event");
	m->job->folder_total = feed_total(folder, manifest);
	while (kind == OK && json_object_next(&it, &key, &value)) {
		struct uuid uuid;

		if (!sink->go_on(sink->context))
			break;
		m->place = (struct intel_place){0};
		if (uuid_parse(key, &uuid))
			kind = feed_event(m, folder, &uuid, e);
		else
			kind = import_refuse(m->job, &m->place, (struct slice){0}, e,
				"manifest.json: \"%.*s\" is no UUID",
				SLICE_ARG(slice_cut(key, 0, 100)));
	}
	return kind;
}

static enum err_kind manifest_read(const char *folder, struct buf *ret_text, struct err *e)
{
	struct import_job job = {0};
	uint64_t bytes;
	char *path = feed_path(folder, "manifest", &bytes);
	enum err_kind kind;

	if (path == NULL)
		return err_set(
			e, ERR_USAGE, "the folder has no manifest.json; expected a MISP feed");
	kind = input_open(path, &job.in, e);
	if (kind == OK)
		kind = import_read_all(&job, ret_text, e);
	input_free(job.in);
	free(path);
	return kind;
}

static enum err_kind feed_run(struct import_job *job, struct err *e)
{
	struct json_parser *parser = json_parser_new(JSON_DOCUMENT_MAX);
	struct misp *m = calloc(1, sizeof(*m));
	const char *folder = job->options->path;
	struct buf text = BUF_INIT;
	struct json_doc doc;
	enum err_kind kind;

	if (m == NULL || parser == NULL) {
		kind = misp_nomem(e);
		goto out;
	}
	kind = misp_init(m, job, e);
	if (kind == OK)
		kind = manifest_read(folder, &text, e);
	if (kind == OK) {
		kind = json_parse(parser, buf_slice(&text), &doc, e);
		if (kind != OK)
			err_wrap(e, "manifest.json");
	}
	if (kind == OK)
		kind = feed_events(m, folder, json_root(&doc), e);
	misp_fini(m);
out:
	buf_fini(&text);
	json_parser_free(parser);
	free(m);
	return kind;
}

static int feed_recognise(struct slice head, const char *name)
{
	(void)head;
	(void)name;
	return 0; /* a folder is recognised by being one */
}

const struct importer import_misp_feed = {
	.format = {"misp-feed", "a MISP feed: a folder with manifest.json and events", true, true,
		   true},
	.recognise = feed_recognise,
	.run = feed_run,
};
