/* SPDX-License-Identifier: MPL-2.0 */
/*
 * serai check: verdicts on every object of files of any size, at the speed of the machine. The main
 * thread reads and splits, every processor checks, and the main thread prints in the order read.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"

#define CHUNK_BYTES                                                                                \
	KIB(256) /* of objects checked in one go; one larger object is alone in its own */
#define CHUNK_OBJECTS 1024
#define WORKERS_MAX   16
#define REPORT_BYTES  MIB(64) /* memory for one object's findings */

struct item {
	size_t at, len; /* in the chunk's bytes */
	uint64_t line, index;
	const char *problem; /* instead of an object */
};

struct tally {
	uint64_t objects, invalid, warnings;
};

struct chunk {
	struct buf bytes;
	struct item items[CHUNK_OBJECTS];
	size_t count;
	struct buf out; /* what is printed */
	struct tally tally;
	bool done, no_memory;
	struct chunk *next; /* in the queue of those to be checked */
};

struct checking {
	struct cli *cli;
	bool strict, only_findings;
	const char *file;
	/* a ring in the order read: [first, first + used) */
	struct chunk *ring;
	size_t ring_size, first, used;
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	struct chunk *queue, **queue_end;
	bool closing;
	pthread_t workers[WORKERS_MAX];
	unsigned workers_count;
	struct tally tally;
	bool no_memory;
};

struct checker {
	struct json_parser *parser;
	struct stix_report report;
};

/* ---- one verdict ----------------------------------------------------------------------------- */

/* Written by hand, because a file may have three findings an object: the names and clauses are our
 * own and need no escapes. */
static void finding_json(struct buf *out, bool first, const char *level, const char *clause,
	struct slice path, struct slice message)
{
	buf_slice_append(out, first ? SLICE("{\"level\":\"") : SLICE(",{\"level\":\""));
	buf_text(out, level);
	buf_slice_append(out, SLICE("\",\"clause\":\""));
	buf_text(out, clause);
	buf_slice_append(out, SLICE("\",\"path\":"));
	json_string_append(out, path);
	buf_slice_append(out, SLICE(",\"message\":"));
	json_string_append(out, message);
	buf_char(out, '}');
}

/* {"id":…,"valid":…,"findings":[…]} or lines for people; id.data NULL when it could not be read. */
static void verdict_write(const struct checking *c, struct buf *out, struct slice id, uint64_t line,
	bool valid, const struct stix_report *report, struct slice parse_error)
{
	if (c->cli->json) {
		buf_slice_append(out, SLICE("{\"id\":"));
		if (id.data == NULL)
			buf_slice_append(out, SLICE("null"));
		else
			json_string_append(out, id);
		buf_slice_append(out, valid ? SLICE(",\"valid\":true,\"findings\":[")
					    : SLICE(",\"valid\":false,\"findings\":["));
		if (parse_error.len > 0) {
			finding_json(out, true, "error", "RFC 7493 I-JSON", (struct slice){0},
				parse_error);
		}
		for (size_t i = 0; report != NULL && i < report->count; i++) {
			const struct stix_finding *f = &report->findings[i];

			finding_json(out, i == 0 && parse_error.len == 0,
				f->level == STIX_ERROR ? "error" : "warning", f->clause, f->path,
				f->message);
		}
		buf_slice_append(out, SLICE("]}"));
		buf_char(out, '\n');
		return;
	}
	if (c->only_findings && parse_error.len == 0 && (report == NULL || report->count == 0))
		return;
	buf_text(out, valid ? "valid    " : "INVALID  ");
	if (id.data != NULL)
		buf_slice_append(out, id);
	else
		buf_text(out, "(no id)");
	if (!valid && line > 0)
		buf_printf(out, "  (%s, line %llu)", c->file, (unsigned long long)line);
	else if (!valid)
		buf_printf(out, "  (%s)", c->file);
	buf_char(out, '\n');
	if (parse_error.len > 0)
		buf_printf(out, "  error    %.*s\n", SLICE_ARG(parse_error));
	for (size_t i = 0; report != NULL && i < report->count; i++) {
		const struct stix_finding *f = &report->findings[i];

		buf_printf(out, "  %s  %s%s%.*s: %.*s\n",
			f->level == STIX_ERROR ? "error  " : "warning", f->clause,
			f->path.len > 0 ? ": " : "", SLICE_ARG(f->path), SLICE_ARG(f->message));
	}
	if (report != NULL && report->dropped > 0)
		buf_printf(out, "  … and %zu more findings\n", report->dropped);
}

static enum err_kind object_check(const struct checking *c, struct checker *k, struct slice bytes,
	uint64_t line, struct buf *out, struct tally *tally)
{
	struct json_doc doc;
	struct slice id;
	struct json_value id_value;
	struct err e;
	/* Every chunk has the parser's room behind its last object. */
	enum err_kind kind = json_parse_padded(k->parser, bytes, &doc, &e);
	bool valid;

	tally->objects++;
	if (kind == ERR_NOMEM)
		return kind;
	if (kind != OK) {
		tally->invalid++;
		verdict_write(c, out, (struct slice){0}, line, false, NULL, slice_of(e.text));
		return OK;
	}
	stix_report_reset(&k->report);
	if (slice_is(json_get_string(json_root(&doc), "type"), "bundle"))
		kind = stix_check_bundle(json_root(&doc), &k->report, &e);
	else
		kind = stix_check(json_root(&doc), &k->report, NULL, &e);
	if (kind != OK)
		return kind;
	id = (struct slice){0};
	if (json_get(json_root(&doc), "id", &id_value) && json_is_string(id_value))
		id = json_string(id_value);
	valid = k->report.errors == 0 && !(c->strict && k->report.warnings > 0);
	tally->invalid += !valid;
	tally->warnings += k->report.warnings;
	verdict_write(c, out, id, line, valid, &k->report, (struct slice){0});
	return OK;
}

/* ---- workers --------------------------------------------------------------------------------- */

static bool checker_init(struct checker *k, size_t bytes_max)
{
	*k = (struct checker){.parser = json_parser_new(bytes_max)};
	k->report.arena = arena_new(REPORT_BYTES);
	return k->parser != NULL && k->report.arena != NULL;
}

static void checker_fini(struct checker *k)
{
	json_parser_free(k->parser);
	arena_free(k->report.arena);
}

static void chunk_check(const struct checking *c, struct checker *k, struct chunk *chunk)
{
	for (size_t i = 0; i < chunk->count; i++) {
		const struct item *item = &chunk->items[i];

		if (item->problem != NULL) {
			chunk->tally.objects++;
			chunk->tally.invalid++;
			verdict_write(c, &chunk->out, (struct slice){0}, item->line, false, NULL,
				slice_of(item->problem));
		} else if (object_check(c, k,
				   (struct slice){chunk->bytes.data + item->at, item->len},
				   item->line, &chunk->out, &chunk->tally) != OK) {
			chunk->no_memory = true;
			return;
		}
	}
	chunk->no_memory = chunk->out.bad;
}

static void *worker(void *context)
{
	struct checking *c = context;
	struct checker k;
	bool ready = checker_init(&k, JSON_OBJECT_MAX);

	pthread_mutex_lock(&c->lock);
	for (;;) {
		struct chunk *chunk;

		while (c->queue == NULL && !c->closing)
			pthread_cond_wait(&c->work, &c->lock);
		if (c->queue == NULL)
			break;
		chunk = c->queue;
		c->queue = chunk->next;
		if (c->queue == NULL)
			c->queue_end = &c->queue;
		pthread_mutex_unlock(&c->lock);
		if (ready)
			chunk_check(c, &k, chunk);
		else
			chunk->no_memory = true;
		pthread_mutex_lock(&c->lock);
		chunk->done = true;
		pthread_cond_signal(&c->done);
	}
	pthread_mutex_unlock(&c->lock);
	checker_fini(&k);
	return NULL;
}

static bool checking_start(struct checking *c)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	c->queue_end = &c->queue;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->work, NULL);
	pthread_cond_init(&c->done, NULL);
	if (processors < 1)
		processors = 1;
	if (processors > WORKERS_MAX)
		processors = WORKERS_MAX;
	c->ring_size = (size_t)processors * 2 + 2;
	c->ring = calloc(c->ring_size, sizeof(*c->ring));
	if (c->ring == NULL)
		return false;
	for (; c->workers_count < (unsigned)processors; c->workers_count++) {
		if (pthread_create(&c->workers[c->workers_count], NULL, worker, c) != 0)
			break;
	}
	return c->workers_count > 0;
}

static void checking_end(struct checking *c)
{
	pthread_mutex_lock(&c->lock);
	c->closing = true;
	pthread_cond_broadcast(&c->work);
	pthread_mutex_unlock(&c->lock);
	for (unsigned i = 0; i < c->workers_count; i++)
		pthread_join(c->workers[i], NULL);
	for (size_t i = 0; c->ring != NULL && i < c->ring_size; i++) {
		buf_fini(&c->ring[i].bytes);
		buf_fini(&c->ring[i].out);
	}
	free(c->ring);
	pthread_cond_destroy(&c->done);
	pthread_cond_destroy(&c->work);
	pthread_mutex_destroy(&c->lock);
}

/* ---- the main thread's side ------------------------------------------------------------------ */

/* Wait for the oldest chunk, print it, and make it free. */
static void oldest_print(struct checking *c)
{
	struct chunk *chunk = &c->ring[c->first];

	pthread_mutex_lock(&c->lock);
	while (!chunk->done)
		pthread_cond_wait(&c->done, &c->lock);
	pthread_mutex_unlock(&c->lock);
	fwrite(chunk->out.data, 1, chunk->out.len, stdout);
	c->tally.objects += chunk->tally.objects;
	c->tally.invalid += chunk->tally.invalid;
	c->tally.warnings += chunk->tally.warnings;
	c->no_memory |= chunk->no_memory;
	buf_clear(&chunk->bytes);
	buf_clear(&chunk->out);
	chunk->count = 0;
	chunk->tally = (struct tally){0};
	chunk->done = chunk->no_memory = false;
	c->first = (c->first + 1) % c->ring_size;
	c->used--;
}

/* The chunk being filled is the one behind those in use. */
static struct chunk *filling(struct checking *c)
{
	while (c->used == c->ring_size)
		oldest_print(c);
	return &c->ring[(c->first + c->used) % c->ring_size];
}

static void submit(struct checking *c)
{
	struct chunk *chunk = filling(c);

	if (chunk->count == 0)
		return;
	c->used++;
	pthread_mutex_lock(&c->lock);
	chunk->next = NULL;
	*c->queue_end = chunk;
	c->queue_end = &chunk->next;
	pthread_cond_signal(&c->work);
	pthread_mutex_unlock(&c->lock);
}

static void drain(struct checking *c)
{
	submit(c);
	while (c->used > 0)
		oldest_print(c);
}

static bool item_add(struct checking *c, const struct json_item *item, bool problem)
{
	struct chunk *chunk = filling(c);
	struct item *to;

	if (chunk->count == CHUNK_OBJECTS ||
		(chunk->count > 0 && !problem &&
			chunk->bytes.len + item->bytes.len > CHUNK_BYTES)) {
		submit(c);
		chunk = filling(c);
	}
	to = &chunk->items[chunk->count];
	*to = (struct item){.line = item->line, .index = item->index};
	if (problem) {
		to->problem = item->problem;
	} else {
		to->at = chunk->bytes.len;
		to->len = item->bytes.len;
		if (buf_reserve(&chunk->bytes, item->bytes.len + JSON_PADDING) == NULL)
			return false;
		buf_slice_append(&chunk->bytes, item->bytes);
	}
	chunk->count++;
	return true;
}

/* The members around "objects", when they say that this is a bundle or try to. */
static enum err_kind envelope_check(
	struct checking *c, struct slice envelope, uint64_t elements, struct err *e)
{
	struct checker k;
	struct buf out = BUF_INIT;
	struct json_doc doc;
	struct json_value unused;
	enum err_kind kind = OK;

	if (envelope.len == 0)
		return OK;
	if (!checker_init(&k, JSON_DOCUMENT_MAX))
		kind = err_set(e, ERR_NOMEM, "out of memory");
	if (kind == OK && json_parse(k.parser, envelope, &doc, e) == OK &&
		!json_get(json_root(&doc), "type", &unused)) {
		/* A TAXII envelope has no type; its objects were checked. */
	} else if (kind == OK) {
		struct buf padded = BUF_INIT;

		buf_reserve(&padded, envelope.len + JSON_PADDING);
		buf_slice_append(&padded, envelope);
		kind = padded.bad ? err_set(e, ERR_NOMEM, "out of memory")
				  : object_check(c, &k, buf_slice(&padded), 1, &out, &c->tally);
		buf_fini(&padded);
		if (kind == OK && elements == 0) {
			c->tally.invalid++;
			verdict_write(c, &out, (struct slice){0}, 1, false, NULL,
				SLICE("8 Bundle: objects: an empty list, expected at least one "
				      "object or no such "
				      "property"));
		}
		fwrite(out.data, 1, out.len, stdout);
	}
	checker_fini(&k);
	buf_fini(&out);
	return kind;
}

static enum err_kind file_check(
	struct checking *c, const char *path, struct progress *progress, struct err *e)
{
	enum json_split_kind what = JSON_SPLIT_MORE;
	struct json_file *f = NULL;
	uint64_t elements = 0, shown = 0;
	enum err_kind kind = json_file_open(path, &f, e);

	c->file = path;
	while (kind == OK && what != JSON_SPLIT_END) {
		const struct input *in = json_file_input(f);
		struct json_item item;

		kind = json_file_next(f, &what, &item, e);
		if (kind == OK && what != JSON_SPLIT_END) {
			elements++;
			if (!item_add(c, &item, what == JSON_SPLIT_PROBLEM))
				kind = err_set(e, ERR_NOMEM, "out of memory");
		}
		if (input_packed_read(in) != shown) {
			shown = input_packed_read(in);
			progress_show(progress, shown, input_packed_total(in), c->tally.objects);
		}
	}
	drain(c);
	if (kind == OK)
		kind = envelope_check(c, json_file_envelope(f), elements, e);
	if (kind == OK && c->no_memory)
		kind = err_set(e, ERR_NOMEM, "out of memory while checking \"%s\"", path);
	if (kind == ERR_PARSE || kind == ERR_LIMIT) {
		/* A broken file is a verdict too. */
		struct buf out = BUF_INIT;

		c->tally.objects++;
		c->tally.invalid++;
		verdict_write(c, &out, (struct slice){0}, 0, false, NULL, slice_of(e->text));
		fwrite(out.data, 1, out.len, stdout);
		buf_fini(&out);
		kind = OK;
	}
	json_file_close(f);
	return kind;
}

static const struct option_row check_options[] = {
	{"strict",   's', OPTION_FLAG, NULL, "a warning makes an object invalid too"},
	{"findings", 'f', OPTION_FLAG, NULL, "list only objects with findings"      },
};

static enum cli_status check_run(struct cli *cli)
{
	struct checking c = {
		.cli = cli,
		.strict = cli_flag(cli, "strict"),
		.only_findings = cli_flag(cli, "findings"),
	};
	enum cli_status status = CLI_OK;
	struct progress progress;
	struct err e;

	if (!checking_start(&c)) {
		checking_end(&c);
		err_set(&e, ERR_NOMEM, "out of memory");
		return cli_fail(cli, &e);
	}
	for (unsigned i = 0; i < cli->args_count; i++) {
		enum err_kind kind;

		progress_start(&progress, cli, cli->args[i]);
		kind = file_check(&c, cli->args[i], &progress, &e);
		progress_end(&progress);
		if (kind != OK)
			status = cli_fail(cli, &e);
	}
	if (!cli->json && !cli->quiet)
		printf("%s objects: %s valid, %s invalid, %s warnings\n",
			cli_count(cli, c.tally.objects),
			cli_count(cli, c.tally.objects - c.tally.invalid),
			cli_count(cli, c.tally.invalid), cli_count(cli, c.tally.warnings));
	checking_end(&c);
	if (status == CLI_OK && c.tally.invalid > 0)
		status = CLI_NO;
	return status;
}

const struct verb verb_check = {"check", "FILE...",
	"check objects against STIX 2.1: every MUST an error, every SHOULD a warning; - is "
	"standard input",
	"--json: one line per object, "
	"{\"id\",\"valid\",\"findings\":[{\"level\",\"clause\",\"path\","
	"\"message\"}]}.\nBundles, TAXII envelopes, arrays and newline-delimited objects; gzip and "
	"zstd.",
	1, ARGS_ANY, OPTIONS(check_options), check_run};
