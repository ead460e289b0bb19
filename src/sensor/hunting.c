/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Hunting the past: the filters name the segments that can hold a value, the logs themselves are
 * the proof. What the operator typed becomes a small index of its own, so that the same matcher
 * answers.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inside.h"

#define CANDIDATES_MAX 100000 /* segments: eleven years of hours */

struct candidate {
	struct sensor_hunt_segment segment;
	char *path, *format, *filter;
};

struct hunting {
	const struct sensor_hunt_options *o;
	struct sensor_hunt_report report;
	struct candidate *candidates;
	size_t count, capacity;
	uint64_t damaged;
	bool no_memory;
};

/* Not what was written later: that was read with the new index already. */
static bool wanted(const struct sensor_hunt_options *o, const char *filter)
{
	char path[PATH_MAX];
	struct stat st;

	if (o->written_by_us == 0)
		return true;
	snprintf(path, sizeof(path), "%s/%s", o->history, filter);
	return stat(path, &st) == 0 &&
	       (int64_t)st.st_mtim.tv_sec * US_PER_SECOND + st.st_mtim.tv_nsec / 1000 <=
		       o->written_by_us;
}

static bool on_found(void *context, const struct hunt_segment *s, size_t values)
{
	struct hunting *h = context;
	struct candidate *c;

	if (!wanted(h->o, s->filter))
		return true;
	if (s->damaged) {
		/* Not asked, and said so: "not found" would be a lie. */
		h->damaged++;
		log_line(h->o->log, LOG_WARN, "filter", "path", s->filter, "why", s->why, NULL);
		return true;
	}
	if (h->count == h->capacity) {
		size_t capacity = h->capacity == 0 ? 64 : 2 * h->capacity;
		struct candidate *more = h->count >= CANDIDATES_MAX
						 ? NULL
						 : realloc(h->candidates, capacity * sizeof(*more));

		if (more == NULL) {
			h->no_memory = true;
			return false;
		}
		h->candidates = more;
		h->capacity = capacity;
	}
	c = &h->candidates[h->count];
	*c = (struct candidate){
		.path = strdup(s->path), .format = strdup(s->format), .filter = strdup(s->filter)};
	h->count++;
	if (c->path == NULL || c->format == NULL || c->filter == NULL) {
		h->no_memory = true;
		return false;
	}
	c->segment = (struct sensor_hunt_segment){.path = c->path,
		.format = c->format,
		.filter = c->filter,
		.first_record = s->first_record,
		.records = s->records,
		.first_us = s->first_us,
		.last_us = s->last_us,
		.values = values,
		.gone = s->gone};
	return true;
}

static void on_progress(void *context, uint64_t done, uint64_t total)
{
	struct hunting *h = context;

	if (h->o->progress != NULL)
		h->o->progress(h->o->context, done, total);
}

enum err_kind temporary_path(const char *name, char *ret_path, size_t bytes, struct err *e)
{
	const char *folder = getenv("TMPDIR");
	int n = snprintf(
		ret_path, bytes, "%s/%s", folder == NULL || folder[0] == 0 ? "/tmp" : folder, name);

	if (n < 0 || (size_t)n >= bytes)
		return err_set(e, ERR_LIMIT, "TMPDIR \"%s\": too long for a path", folder);
	return OK;
}

/* Kinds that a value by itself can be, as an index guesses them. */
static enum err_kind value_ask(struct hunt_question *q, struct index_builder *b, const char *text,
	struct arena *a, struct err *e)
{
	struct stix_value guess;
	enum err_kind kind;

	if (!stix_value_guess(slice_of(text), a, &guess))
		return err_set(e, ERR_USAGE,
			"\"%s\" is no address, name, URL, e-mail, hash, MAC or AS number", text);
	/* The first eight kinds are the same in both. */
	kind = hunt_question_value(q, (enum field_kind)guess.kind, guess.text, e);
	if (kind == OK)
		kind = index_builder_value(b, (enum field_kind)guess.kind, guess.text, e);
	return kind;
}

static enum err_kind values_ask(
	struct hunting *h, struct hunt_question *q, const char *index_path, struct err *e)
{
	const struct index_entry entry = {.id = SLICE("feed:hunt"),
		.producer = SLICE("asked for by hand"),
		.confidence = 100};
	struct index_builder *b = index_builder_new(h->o->world);
	struct arena *a = arena_new(MIB(4));
	enum err_kind kind = b == NULL || a == NULL ? err_set(e, ERR_NOMEM, "out of memory")
						    : index_builder_entry(b, &entry, e);

	if (kind == OK && h->o->values_count > SENSOR_HUNT_VALUES_MAX)
		kind = err_set(e, ERR_LIMIT, "%zu values; more than %d come as an index",
			h->o->values_count, SENSOR_HUNT_VALUES_MAX);
	for (size_t i = 0; kind == OK && i < h->o->values_count; i++)
		kind = value_ask(q, b, h->o->values[i], a, e);
	if (kind == OK)
		kind = index_builder_write(b, index_path, NULL, e);
	index_builder_free(b);
	arena_free(a);
	return kind;
}

static enum err_kind prove(
	struct hunting *h, struct candidate *c, const char *index_path, struct err *e)
{
	const char *source = c->path;
	struct sensor_options o = {.index = index_path,
		.sources = &source,
		.sources_count = 1,
		.once = true,
		.all = !h->o->joined,
		.no_gate = !h->o->joined || h->o->no_gate,
		.noise = h->o->noise,
		.noise_count = h->o->noise_count,
		.site = h->o->site,
		.past = &c->segment,
		.output = h->o->output,
		.findings = h->o->findings,
		.mapping = h->o->mapping,
		.first_record = c->segment.first_record,
		.records = c->segment.records,
		.world = h->o->world,
		.log = h->o->log,
		.stop = h->o->stop};
	struct sensor_report report;
	enum err_kind kind;

	if (h->o->index != NULL)
		o.trust = h->o->trust;
	(void)logs_format_parse(slice_of(c->format), &o.format);
	kind = sensor_watch(&o, &report, e);
	if (kind == OK) {
		c->segment.hits = report.hits;
		c->segment.findings = report.findings;
		h->report.hits += report.hits;
		h->report.proved++;
		h->report.findings += report.findings;
	}
	return kind;
}

enum err_kind sensor_hunt(const struct sensor_hunt_options *options,
	struct sensor_hunt_report *ret_report, struct err *e)
{
	struct hunting h = {.o = options};
	struct hunt_question *q = hunt_question_new();
	struct hunt_totals totals = {0};
	struct index *x = NULL;
	char made[PATH_MAX] = "";
	const char *index_path = options->index;
	int fd = -1;
	enum err_kind kind = q == NULL ? err_set(e, ERR_NOMEM, "out of memory") : OK;

	if (kind == OK)
		kind = hunt_totals(options->history, &totals, e);
	if (kind == OK && options->index != NULL) {
		kind = index_open(options->index, &options->trust, &x, e);
		if (kind == OK)
			kind = hunt_question_index(q, x, e);
		index_close(x);
	} else if (kind == OK) {
		kind = temporary_path("serai-hunt-XXXXXX", made, sizeof(made), e);
		if (kind == OK)
			fd = mkstemp(made);
		if (kind == OK && fd < 0)
			kind = err_set(e, err_kind_of_errno(errno), "could not make \"%s\": %s",
				made, strerror(errno));
		index_path = made;
		if (kind == OK)
			kind = values_ask(&h, q, made, e);
	}
	if (kind == OK)
		kind = hunt_ask(options->history, q, on_found, on_progress, &h, e);
	if (kind == OK && h.no_memory)
		kind = err_set(
			e, ERR_LIMIT, "more than %d segments, or out of memory", CANDIDATES_MAX);
	for (size_t i = 0; kind == OK && i < h.count; i++) {
		struct candidate *c = &h.candidates[i];

		if (options->stop != NULL && *options->stop)
			break;
		h.report.candidates++;
		h.report.gone += c->segment.gone;
		if (options->after != NULL && strcmp(c->filter, options->after) <= 0)
			continue;
		if (options->prove && !c->segment.gone)
			kind = prove(&h, c, index_path, e);
		if (kind == OK && options->segment != NULL &&
			!options->segment(options->context, &c->segment))
			break;
	}
	h.report.segments = totals.segments;
	h.report.records = totals.records;
	h.report.log_bytes = totals.log_bytes;
	h.report.filter_bytes = totals.filter_bytes;
	h.report.damaged = h.damaged > totals.damaged ? h.damaged : totals.damaged;
	h.report.first_us = totals.first_us;
	h.report.last_us = totals.last_us;
	if (kind == OK)
		*ret_report = h.report;
	if (fd >= 0) {
		close(fd);
		(void)unlink(made);
	}
	for (size_t i = 0; i < h.count; i++) {
		free(h.candidates[i].path);
		free(h.candidates[i].format);
		free(h.candidates[i].filter);
	}
	free(h.candidates);
	hunt_question_free(q);
	return kind;
}
