/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Out of files into the store: finds out what a file is, lets its importer read it, and hands what
 * that emits to an intake. A broken file loses nothing of what stood before the break, and reading
 * the same file again changes nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "import.h"

static const struct importer *const importers[] = {
	&import_stix,
	&import_stix20,
	&import_misp,
	&import_misp_feed,
	&import_zeek,
	&import_csv,
	&import_list,
};

const struct importer *import_find(const char *format)
{
	for (size_t k = 0; k < COUNT_OF(importers); k++) {
		if (strcmp(importers[k]->format.name, format) == 0)
			return importers[k];
	}
	return NULL;
}

const struct intel_format *import_format(size_t k)
{
	return k < COUNT_OF(importers) ? &importers[k]->format : NULL;
}

/* Ids that were asked for and not there, since the last flush: the store does not have them yet. */
#define PENDING_SLOTS 32768 /* power of two */
#define PENDING_MAX   16384 /* then flush and forget: bounds memory for a list of any length */

#define PROGRESS_EVERY_US INT64_C(100000) /* a person sees no more than ten steps a second */

struct run {
	struct intel *intel;
	const struct intel_import *options;
	struct import_job job;
	struct intel_intake *intake;
	uint64_t resume_from; /* elements below this index were kept by a run before */
	uint64_t losses;
	uint64_t skipped_known;      /* converted objects that were never emitted */
	struct store_reader *reader; /* NULL: to be taken when needed */
	struct buf scratch;
	struct uuid *pending; /* open addressing; all zeros: free */
	size_t pending_count;
	uint8_t pending_key[16];
	enum err_kind failed; /* of a flush inside `known` */
	struct err failure;
	int64_t progress_us;
	bool stopped;
};

/* ---- the sink ------------------------------------------------------------------------------- */

static enum err_kind run_check(struct run *run, struct err *e)
{
	if (run->failed != OK && e != NULL)
		*e = run->failure;
	return run->failed;
}

static enum err_kind run_emit(
	void *context, struct slice object, const struct intel_place *place, struct err *e)
{
	struct run *run = context;

	if (run->failed != OK)
		return run_check(run, e);
	if (place->index < run->resume_from)
		return OK;
	return intel_intake_push(run->intake, object, place, e);
}

static enum err_kind run_refuse(void *context, const struct intel_place *place, struct slice id,
	struct slice why, struct err *e)
{
	struct run *run = context;

	if (run->failed != OK)
		return run_check(run, e);
	if (place->index < run->resume_from)
		return OK;
	buf_clear(&run->scratch);
	if (id.len > 0) {
		buf_slice_append(&run->scratch, id);
		buf_text(&run->scratch, ": ");
	}
	buf_slice_append(&run->scratch, why);
	buf_char(&run->scratch, '\0');
	if (run->scratch.bad)
		return err_set(e, ERR_NOMEM, "out of memory");
	return intel_intake_problem(run->intake, run->scratch.data, place, e);
}

static void run_lose(void *context, const struct intel_place *place, struct slice what)
{
	struct run *run = context;

	if (place->index < run->resume_from)
		return;
	run->losses++;
	if (run->options->lost != NULL)
		run->options->lost(run->options->context, place, what);
}

static bool audience_everything(void *context, const struct store_row *row)
{
	(void)context;
	(void)row;
	return true;
}

/* True when it is pending already; else it is from now on. */
static bool pending_add(struct run *run, struct slice type, const struct uuid *uuid)
{
	static const struct uuid zero;
	struct uuid mixed = *uuid;
	uint64_t type_hash = hash_table(run->pending_key, type);
	size_t slot;

	/* The same UUID may stand for objects of two types. */
	for (size_t i = 0; i < sizeof(type_hash); i++)
		mixed.bytes[i] ^= (uint8_t)(type_hash >> (8 * i));
	slot = hash_table(run->pending_key,
		       (struct slice){(const char *)mixed.bytes, sizeof(mixed.bytes)}) %
	       PENDING_SLOTS;
	while (!uuid_equal(&run->pending[slot], &zero)) {
		if (uuid_equal(&run->pending[slot], &mixed))
			return true;
		slot = (slot + 1) % PENDING_SLOTS;
	}
	run->pending[slot] = mixed;
	run->pending_count++;
	return false;
}

static void pending_forget(struct run *run)
{
	memset(run->pending, 0, PENDING_SLOTS * sizeof(run->pending[0]));
	run->pending_count = 0;
}

static bool run_known(void *context, struct slice type, const struct uuid *uuid)
{
	struct store_audience everything = {audience_everything, NULL};
	struct run *run = context;
	struct store_row row;
	bool found = false;

	if (run->failed == OK && run->pending_count >= PENDING_MAX) {
		store_reader_give(run->reader);
		run->reader = NULL;
		run->failed = intel_intake_flush(run->intake, NULL, NULL, &run->failure);
		pending_forget(run);
	}
	if (run->failed == OK && run->reader == NULL)
		run->failed =
			store_reader_take(intel_store(run->intel), &run->reader, &run->failure);
	if (run->failed != OK)
		return false;
	found = pending_add(run, type, uuid);
	if (!found) {
		buf_clear(&run->scratch);
		run->failed = store_get(run->reader, type, uuid, everything, &row, &run->scratch,
			&found, &run->failure);
	}
	if (run->failed != OK)
		return false;
	run->skipped_known += found;
	return found;
}

static enum err_kind run_original(
	void *context, struct slice kind, struct slice key, struct slice body, struct err *e)
{
	struct run *run = context;

	return store_original_put(intel_store(run->intel), kind, key, body, e);
}

static struct intel_counts run_counts(struct run *run, struct intel_counts counts)
{
	counts.losses += run->losses;
	counts.objects += run->skipped_known;
	counts.by_outcome[INTEL_KNOWN] += run->skipped_known;
	return counts;
}

static bool run_go_on(void *context)
{
	struct run *run = context;
	int64_t now_us = world_monotonic(intel_world(run->intel));
	uint64_t read = run->job.folder_read, total = run->job.folder_total;
	struct intel_counts counts;

	if (run->stopped || now_us - run->progress_us < PROGRESS_EVERY_US)
		return !run->stopped;
	run->progress_us = now_us;
	/* A snapshot held for long would keep the store's log from being folded in. */
	store_reader_give(run->reader);
	run->reader = NULL;
	if (run->options->progress == NULL)
		return true;
	if (run->job.in != NULL && total == 0) {
		read = input_packed_read(run->job.in);
		total = input_packed_total(run->job.in);
	}
	counts = run_counts(run, intel_intake_counts(run->intake));
	run->stopped = !run->options->progress(run->options->context, read, total, &counts);
	return !run->stopped;
}

/* ---- opening -------------------------------------------------------------------------------- */

/* Read the beginning of the file into head: it shows the format, and names the file for resuming.
 */
static enum err_kind run_head(struct run *run, char head[IMPORT_HEAD_BYTES], struct err *e)
{
	size_t have = 0;

	while (have < IMPORT_HEAD_BYTES) {
		size_t len;
		enum err_kind kind =
			input_read(run->job.in, head + have, IMPORT_HEAD_BYTES - have, &len, e);

		if (kind != OK)
			return kind;
		if (len == 0)
			break;
		have += len;
	}
	run->job.head = (struct slice){head, have};
	if (slice_starts(
		    run->job.head, SLICE("\xef\xbb\xbf"))) /* a byte order mark says nothing here */
		run->job.head = slice_cut(run->job.head, 3, have);
	if (slice_starts(run->job.head, SLICE("\xff\xfe")) ||
		slice_starts(run->job.head, SLICE("\xfe\xff")))
		return err_set(e, ERR_PARSE, "the text is UTF-16, expected UTF-8");
	return OK;
}

static const struct importer *run_recognise(struct run *run)
{
	const struct importer *best = NULL;
	int best_score = 0;

	for (size_t k = 0; k < COUNT_OF(importers); k++) {
		int score;

		if (importers[k]->format.folder)
			continue;
		score = importers[k]->recognise(run->job.head, run->options->path);
		if (score > best_score) {
			best = importers[k];
			best_score = score;
		}
	}
	return best;
}

static enum err_kind run_importer(
	struct run *run, bool folder, const struct importer **ret_importer, struct err *e)
{
	const char *format = run->options->format;
	const struct importer *importer;

	if (format == NULL && folder)
		format = import_misp_feed.format.name;
	else if (format == NULL && run->options->mapping != NULL)
		format = import_csv.format.name;
	else if (format == NULL && run->options->kind != NULL)
		format = import_list.format.name;
	importer = format == NULL ? run_recognise(run) : import_find(format);
	if (importer == NULL && format != NULL)
		return err_set(e, ERR_USAGE, "no import format \"%s\"", format);
	if (importer == NULL)
		return err_set(e, ERR_PARSE,
			"the format was not recognised; expected STIX, MISP, Zeek intel, CSV or a "
			"list");
	if (importer->format.folder != folder)
		return err_set(e, ERR_USAGE, "format %s reads a %s", importer->format.name,
			folder ? "file, not a folder" : "folder, not a file");
	*ret_importer = importer;
	return OK;
}

/*
 * The note under which an import of this file on this account goes on: by content and size, not by
 * name, because files are moved. Only formats whose elements are the stored objects, one to one,
 * need it; converters find by themselves what is here already.
 */
static enum err_kind run_resume(
	struct run *run, const struct importer *importer, struct buf *ret_key, struct err *e)
{
	const struct intel_source *source = &run->options->source;
	struct buf key = BUF_INIT, what = BUF_INIT, value = BUF_INIT;
	uint8_t digest[SHA256_LEN];
	bool found = false;
	enum err_kind kind = OK;

	if (importer != &import_stix || input_packed_total(run->job.in) == 0)
		return OK;
	buf_printf(&what, "%zu,%llu,%zu", run->job.head.len,
		(unsigned long long)input_packed_total(run->job.in), source->collections_count);
	for (size_t k = 0; k < source->collections_count; k++)
		buf_printf(&what, ",%lld", (long long)source->collections[k]);
	buf_char(&what, '\n');
	buf_slice_append(&what, source->member);
	buf_char(&what, '\n');
	buf_slice_append(&what, run->job.head);
	hash_sha256(buf_slice(&what), digest);
	buf_text(&key, "import/");
	hex_append(&key, digest, sizeof(digest));
	if (what.bad || key.bad)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	if (kind == OK && run->options->resume) {
		kind = store_note_get(intel_store(run->intel), buf_slice(&key), &value, &found, e);
		if (kind == OK && found && !slice_to_u64(buf_slice(&value), &run->resume_from))
			kind = err_set(
				e, ERR_CORRUPT, "the note of the import's progress is damaged");
	}
	buf_fini(&what);
	buf_fini(&value);
	if (kind != OK) {
		buf_fini(&key);
		return kind;
	}
	*ret_key = key;
	return OK;
}

static void run_report(void *context, const struct intel_verdict *verdict)
{
	struct run *run = context;

	if (run->options->refused != NULL)
		run->options->refused(run->options->context, verdict);
}

/* Read, then write what is left also when the reading broke off. */
static enum err_kind run_all(struct run *run, const struct importer *importer,
	struct slice resume_key, struct intel_counts *ret_counts, struct err *e)
{
	struct intel_intake_options options = {
		.source = run->options->source,
		.report = run_report,
		.context = run,
		.resume_key = resume_key,
	};
	struct store_note done = {resume_key, SLICE("0")};
	struct intel_counts counts;
	struct err flush_error;
	enum err_kind kind = intel_intake_open(run->intel, &options, &run->intake, e);
	enum err_kind flushed;

	if (kind != OK)
		return kind;
	kind = importer->run(&run->job, e);
	if (kind == OK)
		kind = run_check(run, e);
	store_reader_give(run->reader);
	run->reader = NULL;
	flushed = intel_intake_flush(run->intake,
		resume_key.len > 0 && kind == OK && !run->stopped ? &done : NULL, &counts,
		&flush_error);
	if (flushed == OK)
		*ret_counts = run_counts(run, counts);
	if (kind == OK && flushed != OK) {
		kind = flushed;
		if (e != NULL)
			*e = flush_error;
	}
	return kind;
}

enum err_kind intel_import_run(struct intel *i, const struct intel_import *import,
	struct intel_counts *ret_counts, struct err *e)
{
	struct import_sink sink = {
		.emit = run_emit,
		.refuse = run_refuse,
		.lose = run_lose,
		.known = run_known,
		.original = run_original,
		.go_on = run_go_on,
	};
	struct run run = {.intel = i, .options = import};
	const struct importer *importer = &import_stix; /* until it is known */
	struct buf resume_key = BUF_INIT;
	char *head = malloc(IMPORT_HEAD_BYTES);
	enum err_kind kind = OK;
	struct stat st;
	bool folder;

	sink.context = &run;
	run.job = (struct import_job){.options = import, .world = intel_world(i), .sink = &sink};
	run.pending = calloc(PENDING_SLOTS, sizeof(run.pending[0]));
	if (head == NULL || run.pending == NULL) {
		kind = err_set(e, ERR_NOMEM, "out of memory");
		goto out;
	}
	intel_world(i)->random(intel_world(i)->context, run.pending_key, sizeof(run.pending_key));
	folder = stat(import->path, &st) == 0 && S_ISDIR(st.st_mode);
	if (!folder)
		kind = input_open(import->path, &run.job.in, e);
	if (kind != OK)
		goto out; /* it names the file already */
	if (!folder)
		kind = run_head(&run, head, e);
	if (kind == OK)
		kind = run_importer(&run, folder, &importer, e);
	if (kind == OK && !folder)
		kind = run_resume(&run, importer, &resume_key, e);
	if (kind == OK)
		kind = run_all(&run, importer, buf_slice(&resume_key), ret_counts, e);
	if (kind != OK)
		err_wrap(e, "%s", strcmp(import->path, "-") == 0 ? "standard input" : import->path);
out:
	intel_intake_close(run.intake);
	store_reader_give(run.reader);
	input_free(run.job.in);
	buf_fini(&resume_key);
	buf_fini(&run.scratch);
	free(run.pending);
	free(head);
	return kind;
}
