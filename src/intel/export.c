/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Out of the store into files: opens the right cursor for the recipient, hands released objects to
 * an exporter one by one, and takes care that a file is either whole or not there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "export.h"

#define OBJECT_ARENA_MAX MIB(128) /* bytes one object and what is made of it may take */
#define OUT_BYTES        KIB(256) /* gathered before a write */
#define PROGRESS_EVERY   1024     /* objects between two calls of progress */

static const struct exporter *const exporters[] = {
	&export_stix,
	&export_ndjson,
	&export_misp,
	&export_misp_feed,
	&export_csv,
	&export_zeek,
	&export_list,
	&export_suricata,
	&export_rpz,
};

const struct exporter *export_find(const char *format)
{
	for (size_t k = 0; k < COUNT_OF(exporters); k++) {
		if (strcmp(exporters[k]->format.name, format) == 0)
			return exporters[k];
	}
	return NULL;
}

const struct intel_format *export_format(size_t k)
{
	return k < COUNT_OF(exporters) ? &exporters[k]->format : NULL;
}

struct run {
	struct intel *intel;
	const struct intel_export *options;
	struct intel_export_counts counts;
	struct store_reader *reader;
	struct json_parser *parser;
	/* where the bytes go */
	bool folder;
	char *path; /* of the file being written, beside its final name */
	char *final_path;
	int fd;
	struct buf pending;
};

static enum err_kind out_flush(struct run *run, struct err *e)
{
	struct slice rest = buf_slice(&run->pending);

	while (rest.len > 0) {
		ssize_t put = write(run->fd, rest.data, rest.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_set(e, err_kind_of_errno(errno), "could not write \"%s\": %s",
				run->final_path, strerror(errno));
		rest = slice_cut(rest, (size_t)put, rest.len);
	}
	buf_clear(&run->pending);
	return OK;
}

static enum err_kind out_write(void *context, struct slice bytes, struct err *e)
{
	struct run *run = context;

	if (run->fd < 0)
		return err_set(e, ERR_USAGE, "this format writes a folder: no file is open");
	run->counts.bytes += bytes.len;
	buf_slice_append(&run->pending, bytes);
	if (run->pending.bad)
		return err_set(e, ERR_NOMEM, "out of memory");
	return run->pending.len >= OUT_BYTES ? out_flush(run, e) : OK;
}

static enum err_kind out_open(struct run *run, const char *final_path, struct err *e)
{
	run->final_path = strdup(final_path);
	if (run->final_path == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (strcmp(final_path, "-") == 0) {
		run->fd = STDOUT_FILENO;
		return OK;
	}
	if (asprintf(&run->path, "%s.XXXXXX", final_path) < 0) {
		run->path = NULL;
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	run->fd = mkostemp(run->path, O_CLOEXEC);
	if (run->fd < 0)
		return err_set(e, err_kind_of_errno(errno), "could not write \"%s\": %s",
			final_path, strerror(errno));
	return OK;
}

/* Finish the open file: whole and under its name, or (keep false) gone. */
static enum err_kind out_close(struct run *run, bool keep, struct err *e)
{
	enum err_kind kind = OK;
	mode_t mask;

	if (run->fd >= 0 && keep)
		kind = out_flush(run, e);
	buf_clear(&run->pending);
	if (run->fd >= 0 && run->path != NULL) {
		mask = umask(0);
		umask(mask);
		if (kind == OK && keep &&
			(fchmod(run->fd, 0666 & ~mask) != 0 || fsync(run->fd) != 0 ||
				rename(run->path, run->final_path) != 0))
			kind = err_set(e, err_kind_of_errno(errno), "could not write \"%s\": %s",
				run->final_path, strerror(errno));
		if (kind != OK || !keep)
			unlink(run->path);
		close(run->fd);
	}
	free(run->path);
	free(run->final_path);
	run->path = run->final_path = NULL;
	run->fd = -1;
	return kind;
}

static enum err_kind out_file(void *context, const char *name, struct err *e)
{
	struct run *run = context;
	char *path;
	enum err_kind kind = out_close(run, true, e);

	if (kind != OK)
		return kind;
	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
		return err_set(e, ERR_USAGE, "\"%s\" is no plain file name", name);
	if (asprintf(&path, "%s/%s", run->options->path, name) < 0)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = out_open(run, path, e);
	free(path);
	return kind;
}

static void out_lose(void *context, struct slice id, struct slice what)
{
	struct run *run = context;

	run->counts.losses++;
	if (run->options->lost != NULL)
		run->options->lost(run->options->context, id, what);
}

static bool out_lookup(void *context, struct slice type, const struct uuid *uuid, struct arena *a,
	struct slice *ret_object)
{
	struct run *run = context;
	struct buf body = BUF_INIT;
	struct store_row row;
	bool found = false;
	struct slice copy;

	if (intel_release_get(run->intel, run->reader, &run->options->to, type, uuid, &row, &body,
		    &found, NULL) != OK)
		found = false;
	if (found) {
		copy = arena_copy(a, buf_slice(&body));
		found = copy.data != NULL;
		if (found)
			*ret_object = copy;
	}
	buf_fini(&body);
	return found;
}

/* An original holds all that was once converted, so it leaves only to the member's own people. */
static bool out_original(void *context, struct slice kind, struct slice key, struct buf *ret_body)
{
	struct run *run = context;
	bool found = false;

	if (run->options->to.reach != INTEL_OPERATOR)
		return false;
	return store_original_get(run->reader, kind, key, ret_body, &found, NULL) == OK && found;
}

static enum err_kind export_row(struct run *run, const struct exporter *exporter,
	struct export_job *job, struct stix_report *report, struct slice body, struct err *e)
{
	struct export_object object = {.bytes = body};
	struct json_doc doc;
	enum err_kind kind;

	arena_reset(job->arena);
	stix_report_reset(report);
	kind = json_parse(run->parser, body, &doc, e);
	if (kind != OK)
		return err_wrap(e, "a kept object does not parse");
	object.value = json_root(&doc);
	kind = stix_check(object.value, report, &object.facts, e);
	if (kind != OK)
		return kind;
	run->counts.objects++;
	return exporter->object(job, &object, e);
}

static enum err_kind export_rows(
	struct run *run, const struct exporter *exporter, struct export_job *job, struct err *e)
{
	const struct intel_export *options = run->options;
	struct stix_report report = {.arena = arena_new(OBJECT_ARENA_MAX), .errors_only = true};
	struct store_cursor *cursor = NULL;
	struct buf body = BUF_INIT;
	struct intel_counts progress = {0};
	enum err_kind kind;
	struct store_row row;
	bool more = true;

	if (report.arena == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (options->search != NULL)
		kind = intel_release_search(
			run->intel, run->reader, &options->to, options->search, &cursor, e);
	else
		kind = intel_release_all(run->intel, run->reader, &options->to, 0,
			options->every_version, &cursor, e);
	while (kind == OK) {
		kind = store_cursor_next(cursor, &row, &more, e);
		if (kind != OK || !more)
			break;
		buf_clear(&body);
		kind = store_cursor_body(cursor, &body, e);
		if (kind == OK)
			intel_released(run->intel, run->reader, &options->to, &row);
		if (kind == OK)
			kind = export_row(run, exporter, job, &report, buf_slice(&body), e);
		progress.objects = run->counts.objects;
		progress.bytes += body.len;
		if (kind == OK && options->progress != NULL &&
			run->counts.objects % PROGRESS_EVERY == 0 &&
			!options->progress(options->context, &progress))
			kind = err_set(e, ERR_USAGE, "the export was stopped");
	}
	/* A store that is only read has no log to write; the operator's own hand gave this out. */
	if (kind == OK && store_is_writer(intel_store(run->intel)))
		kind = intel_released_flush(run->intel, e);
	run->counts.withheld = intel_release_withheld(run->intel, run->reader, &options->to);
	store_cursor_free(cursor);
	buf_fini(&body);
	arena_free(report.arena);
	return kind;
}

enum err_kind intel_export_run(struct intel *i, const struct intel_export *options,
	struct intel_export_counts *ret_counts, struct err *e)
{
	const struct exporter *exporter = export_find(options->format);
	struct run run = {.intel = i, .options = options, .fd = -1};
	struct export_out out = {out_write, out_file, out_lose, out_lookup, out_original, &run};
	struct export_job job = {
		.options = options, .world = i != NULL ? intel_world(i) : NULL, .out = &out};
	enum err_kind kind;

	if (exporter == NULL)
		return err_set(e, ERR_USAGE, "no export format \"%s\"", options->format);
	run.folder = exporter->format.folder;
	if (run.folder && strcmp(options->path, "-") == 0)
		return err_set(e, ERR_USAGE,
			"format %s writes a folder of files: name one with --output",
			options->format);
	job.arena = arena_new(OBJECT_ARENA_MAX);
	run.parser = json_parser_new(JSON_OBJECT_MAX);
	if (job.arena == NULL || run.parser == NULL) {
		kind = err_set(e, ERR_NOMEM, "out of memory");
		goto out;
	}
	kind = store_reader_take(intel_store(i), &run.reader, e);
	if (kind != OK)
		goto out;
	kind = run.folder ? folder_make(options->path, 0777, e) : out_open(&run, options->path, e);
	if (kind == OK)
		kind = exporter->begin(&job, e);
	if (kind == OK)
		kind = export_rows(&run, exporter, &job, e);
	if (kind == OK)
		kind = exporter->end(&job, e);
	exporter->free(&job);
	if (kind == OK)
		kind = out_close(&run, true, e);
	else
		out_close(&run, false, NULL);
out:
	run.counts.records = job.records;
	store_reader_give(run.reader);
	json_parser_free(run.parser);
	arena_free(job.arena);
	buf_fini(&run.pending);
	if (kind == OK)
		*ret_counts = run.counts;
	return kind;
}
