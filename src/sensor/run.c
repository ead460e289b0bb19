/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The life of a sensor: load, read or follow, keep places, tell, end. Whatever is reloaded is built
 * beside what runs and takes its place only when it is whole.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "baseline.h"
#include "inside.h"
#include "sandbox/sandbox.h"

#define HIT_ARENA_BYTES MIB(8) /* one record in full, and its finding */

/* Learned for a week of days with traffic, then whatever is new stands out. */
#define LEARNING_DAYS 7

/* ---- loading --------------------------------------------------------------------------------- */

static enum err_kind patterns_load(
	struct watch *w, struct index *x, struct pattern_set **ret_set, struct err *e)
{
	const struct pattern_set_options options = {.world = w->world};
	struct pattern_set *set = NULL;
	struct index_info info;
	enum err_kind kind;
	struct err why = {0};

	index_info(x, &info);
	if (info.counts.patterns == 0) {
		*ret_set = NULL;
		return OK;
	}
	kind = pattern_set_new(&options, &set, e);
	for (uint32_t i = 0; kind == OK && i < info.counts.patterns; i++) {
		struct slice text;
		uint32_t entry;

		if (!index_pattern_get(x, i, &text, &entry)) {
			kind = err_set(e, ERR_CORRUPT, "index \"%s\": pattern %u is damaged",
				w->o->index, i);
		} else if (pattern_set_add(set, text, i, &why) == ERR_NOMEM) {
			kind = err_set(e, ERR_NOMEM, "out of memory for the patterns");
		} else if (why.text[0] != 0) {
			/* One that can never match here is told and left out; the others work. */
			log_line(w->o->log, LOG_WARN, "pattern", "why", why.text, NULL);
			why.text[0] = 0;
		}
	}
	if (kind == OK)
		kind = pattern_set_ready(set, e);
	if (kind != OK) {
		pattern_set_free(set);
		return kind;
	}
	*ret_set = set;
	return OK;
}

static enum err_kind gate_load(struct watch *w, struct gate **ret_gate, struct err *e)
{
	struct gate *g;
	enum err_kind kind = OK;
	size_t values;

	*ret_gate = NULL;
	if (w->o->no_gate)
		return OK;
	g = gate_new(w->world);
	if (g == NULL)
		return err_set(e, ERR_NOMEM, "out of memory for the noise lists");
	for (size_t i = 0; i < w->o->noise_count && kind == OK; i++)
		kind = gate_list_read(g, w->o->noise[i], &values, e);
	if (kind != OK) {
		gate_free(g);
		return kind;
	}
	*ret_gate = g;
	return OK;
}

enum err_kind watch_load(struct watch *w, struct err *e)
{
	struct index *x = NULL;
	struct index_matcher *matcher = NULL;
	struct pattern_set *patterns = NULL;
	struct gate *gate = NULL;
	enum err_kind kind = OK;

	if (w->o->index != NULL) {
		kind = index_open(w->o->index, &w->o->trust, &x, e);
		if (kind == OK) {
			matcher = index_matcher_new(x);
			if (matcher == NULL)
				kind = err_set(e, ERR_NOMEM, "out of memory for matching");
		}
		if (kind == OK)
			kind = patterns_load(w, x, &patterns, e);
	}
	if (kind == OK)
		kind = gate_load(w, &gate, e);
	if (kind != OK) {
		pattern_set_free(patterns);
		index_matcher_free(matcher);
		index_close(x);
		return kind;
	}
	/* Findings that wait hold copies of their texts: the old index may go. */
	pattern_set_free(w->patterns);
	index_matcher_free(w->matcher);
	index_close(w->index);
	gate_free(w->gate);
	w->index = x;
	w->matcher = matcher;
	w->patterns = patterns;
	w->gate = gate;
	w->loads++;
	if (x != NULL)
		index_info(x, &w->info);
	w->roles = x == NULL && !w->o->history && w->o->history_folder == NULL
			   ? 0
			   : event_roles_matched();
	if (patterns != NULL)
		w->roles |= pattern_set_roles(patterns);
	if (w->o->plant) {
		for (unsigned role = ROLE_PLANT_PROTOCOL; role < EVENT_ROLES; role++)
			w->roles |= event_role_bit((enum event_role)role);
		w->roles |= event_role_bit(ROLE_SOURCE_ADDRESS) |
			    event_role_bit(ROLE_DESTINATION_ADDRESS);
	}
	return OK;
}

/* ---- what is kept ---------------------------------------------------------------------------- */

static enum err_kind baseline_start(struct watch *w, struct err *e)
{
	const struct baseline_options options = {.world = w->world, .learning_days = LEARNING_DAYS};
	char *path = NULL;
	enum err_kind kind;

	if (!w->o->plant)
		return OK;
	if (w->o->state == NULL)
		return baseline_new(&options, &w->baseline, e);
	if (asprintf(&path, "%s/baseline", w->o->state) < 0)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = access(path, F_OK) == 0 ? baseline_load(path, &options, &w->baseline, e)
				       : baseline_new(&options, &w->baseline, e);
	free(path);
	return kind;
}

static enum err_kind baseline_keep(struct watch *w, struct err *e)
{
	char *path = NULL;
	enum err_kind kind;

	if (w->baseline == NULL || w->o->state == NULL || w->report.plant_messages == 0)
		return OK;
	if (asprintf(&path, "%s/baseline", w->o->state) < 0)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = baseline_save(w->baseline, path, e);
	free(path);
	return kind;
}

static enum err_kind history_start(struct watch *w, struct err *e)
{
	char *path = NULL;
	enum err_kind kind;

	if (w->o->history_folder != NULL)
		return hunt_writer_open(w->o->history_folder, w->world, &w->history, e);
	if (!w->o->history || w->o->state == NULL)
		return OK;
	if (asprintf(&path, "%s/history", w->o->state) < 0)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = hunt_writer_open(path, w->world, &w->history, e);
	free(path);
	return kind;
}

/* Followed files have a writer each, made when the sandbox makes no folders any more. */
static enum err_kind history_folder_make(const struct watch *w, struct err *e)
{
	char *path = NULL;
	enum err_kind kind;

	if (w->o->history_folder != NULL)
		return folder_make(w->o->history_folder, 0700, e);
	if (!w->o->history || w->o->state == NULL)
		return OK;
	if (asprintf(&path, "%s/history", w->o->state) < 0)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = folder_make(path, 0700, e);
	free(path);
	return kind;
}

static enum err_kind metrics_write(struct watch *w, struct err *e)
{
	const struct sensor_report *r = &w->report;
	const struct {
		const char *name, *says;
		uint64_t value;
		bool gauge;
	} rows[] = {
		{"sources_total",        "Sources read.",                                          r->sources,            false},
		{"bytes_total",          "Bytes read, unpacked.",                                  r->bytes,              false},
		{"records_total",        "Log lines and packet records looked at.",                r->records,            false},
		{"problems_total",       "Lines and files that did not fit their format.",         r->problems,
                 false													 },
		{"hits_total",           "Matches before the quality gate.",                       r->hits,               false},
		{"held_total",           "Matches held back by the quality gate.",                 r->held,               false},
		{"expired_total",        "Matches of indicators outside their validity.",          r->expired,
                 false													 },
		{"findings_total",       "Findings written.",                                      r->findings,           false},
		{"limited_total",        "Findings delayed by the rate limit.",                    r->limited,            false},
		{"plant_messages_total", "Messages of plant protocols.",                           r->plant_messages,     false},
		{"pattern_hits_total",   "STIX patterns matched.",                                 r->pattern_hits,       false},
		{"reloads_total",        "Times the index was loaded again.",                      r->reloads,            false},
		{"bombs_total",          "Packed files given up in the middle.",                   r->bombs,              false},
		{"hunts_total",          "Times the history was asked for what was new.",          r->hunts,              false},
		{"past_findings_total",  "Findings of the history.",                               r->past_findings,      false},
		{"frames_total",         "Frames read.",                                           r->packets.frames,     false},
		{"kernel_dropped_total", "Frames that the kernel dropped.",
                 r->packets.kernel_dropped,									       false},
		{"stream_gaps_total",    "Places where TCP bytes were missing.",                   r->packets.gaps,
                 false													 },
		{"patterns_shed_total",  "Observations of patterns forgotten for want of memory.",
                 r->patterns.shed,											false},
		{"indicators",           "Values in the index.",                                   w->info.counts.values, true },
		{"index_built_seconds",  "When the index was built.",
                 (uint64_t)(w->info.built_us / US_PER_SECOND),                                                            true },
	};
	struct buf out = BUF_INIT;
	enum err_kind kind;

	if (w->o->metrics == NULL)
		return OK;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		buf_printf(&out,
			"# HELP serai_watch_%s %s\n# TYPE serai_watch_%s %s\nserai_watch_%s %llu\n",
			rows[i].name, rows[i].says, rows[i].name,
			rows[i].gauge ? "gauge" : "counter", rows[i].name,
			(unsigned long long)rows[i].value);
	kind = out.bad ? err_set(e, ERR_NOMEM, "out of memory")
		       : file_write_atomic(w->o->metrics, buf_slice(&out), 0644, e);
	buf_fini(&out);
	return kind;
}

/* What the sensor did not see is a finding too: an operator must not take silence for peace. */
static enum err_kind loss_tell(struct watch *w, struct err *e)
{
	const struct sensor_report *r = &w->report;
	bool damaged = w->index != NULL && index_damaged(w->index);
	uint64_t lost = r->packets.kernel_dropped + r->packets.flows_dropped +
			r->packets.fragments_dropped + r->patterns.shed + r->bombs + damaged;
	struct finding f = {.type = FINDING_LOSS,
		.time_us = TIME_UNKNOWN,
		.first_us = TIME_UNKNOWN,
		.last_us = TIME_UNKNOWN,
		.found_us = world_now(w->world),
		.count = lost,
		.site = w->site_name,
		.indicator = SLICE("not seen"),
		.entry.confidence = -1};

	if (lost <= w->loss_told)
		return OK;
	w->loss_told = lost;
	arena_reset(w->arena);
	f.reason = arena_printf(w->arena,
		"%llu frames dropped by the kernel, %llu connections and %llu fragmented datagrams "
		"given up, %llu observations of patterns forgotten, %llu packed files given up in "
		"the middle%s",
		(unsigned long long)r->packets.kernel_dropped,
		(unsigned long long)r->packets.flows_dropped,
		(unsigned long long)r->packets.fragments_dropped,
		(unsigned long long)r->patterns.shed, (unsigned long long)r->bombs,
		damaged ? "; a part of the index is damaged and matches nothing: bring it anew"
			: "");
	uuid_v4(w->world, &f.id);
	w->report.findings++;
	return output_finding(&w->output, &f, e);
}

enum err_kind watch_checkpoint(struct watch *w, struct err *e)
{
	struct output_mark mark;
	enum err_kind kind;

	if (w->packets != NULL)
		packet_counts(w->packets, &w->report.packets);
	if (w->patterns != NULL)
		pattern_counts(w->patterns, &w->report.patterns);
	kind = loss_tell(w, e);
	if (kind == OK)
		kind = output_sync(&w->output, &mark, e);
	if (kind == OK && w->state != NULL)
		kind = places_commit(w->state, &mark, w->tally, w->site, e);
	if (kind == OK)
		kind = metrics_write(w, e);
	return kind;
}

/* ---- from beginning to end ------------------------------------------------------------------- */

static enum err_kind start(struct watch *w, struct err *e)
{
	const struct sensor_options *o = w->o;
	struct output_mark mark;
	bool marked = false;
	char host[256] = "";
	enum err_kind kind;

	if (o->site == NULL)
		gethostname(host, sizeof(host) - 1);
	w->site_name = strdup(o->site != NULL ? o->site : host);
	w->arena = arena_new(HIT_ARENA_BYTES);
	w->tally = tally_new(o->world, SENSOR_TALLY_MAX);
	w->site = calloc(1, sizeof(*w->site));
	if (w->site_name == NULL || w->arena == NULL || w->tally == NULL || w->site == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = watch_load(w, e);
	if (kind == OK && o->state != NULL)
		kind = folder_make(o->state, 0750, e);
	if (kind == OK && o->state != NULL && !o->once)
		kind = places_open(o->state, &w->state, e);
	if (kind == OK && w->state != NULL) {
		marked = places_mark(w->state, &mark);
		places_restore(w->state, w->tally, w->site);
	}
	if (kind == OK)
		kind = baseline_start(w, e);
	if (kind == OK && o->once)
		kind = history_start(w, e); /* followed files have one each */
	else if (kind == OK)
		kind = history_folder_make(w, e);
	if (kind == OK)
		kind = output_open(&w->output, o->findings, o->output, marked ? &mark : NULL, e);
	return kind;
}

enum err_kind watch_confine(struct watch *w, struct err *e)
{
	const struct sensor_options *o = w->o;
	size_t count = 0, most = 2 * o->sources_count + o->noise_count + 5;
	struct sandbox_path *paths = calloc(most, sizeof(*paths));
	bool files = false;
	enum err_kind kind;

	if (!o->confine) {
		free(paths);
		return OK;
	}
	if (paths == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < o->sources_count; i++) {
		if (strcmp(o->sources[i], "-") == 0)
			continue;
		paths[count++] = (struct sandbox_path){o->sources[i], SANDBOX_READ, false, true};
		/* What a file that is followed was renamed to stands beside it. */
		if (!o->once)
			paths[count++] =
				(struct sandbox_path){o->sources[i], SANDBOX_READ, true, true};
	}
	for (size_t i = 0; i < o->noise_count; i++)
		paths[count++] = (struct sandbox_path){o->noise[i], SANDBOX_READ, true, true};
	if (o->index != NULL)
		paths[count++] = (struct sandbox_path){o->index, SANDBOX_READ, true, false};
	if (o->state != NULL)
		paths[count++] = (struct sandbox_path){o->state, SANDBOX_WRITE, false, false};
	if (o->history_folder != NULL)
		paths[count++] =
			(struct sandbox_path){o->history_folder, SANDBOX_WRITE, false, false};
	if (w->output.path != NULL)
		paths[count++] = (struct sandbox_path){o->findings, SANDBOX_WRITE, true, false};
	if (o->metrics != NULL)
		paths[count++] = (struct sandbox_path){o->metrics, SANDBOX_WRITE, true, false};
	kind = sandbox_enter(&(struct sandbox_rules){paths, count, true}, &files, e);
	free(paths);
	if (kind == OK && !files)
		log_line(o->log, LOG_INFO, "sandbox", "files", "this kernel has no Landlock", NULL);
	return kind;
}

/* Reading once there is no yesterday to compare with: what acts and is rare in this very capture
 * stands out. */
static bool rare_tell(void *context, const struct baseline_tuple *t)
{
	struct watch *w = context;
	char reason[BASELINE_REASON_MAX];
	uint64_t hash;
	struct finding f = {.type = FINDING_PLANT,
		.found_us = world_now(w->world),
		.time_us = t->last_us,
		.host = t->source,
		.site = w->site_name,
		.field = SLICE("plant.function"),
		.role = ROLE_PLANT_FUNCTION,
		.count = t->count,
		.first_us = t->first_us,
		.last_us = t->last_us,
		.entry.confidence = -1};
	struct slice id;

	if (!plant_operation_acts(t->operation) || !baseline_rare(w->baseline, t, reason))
		return true;
	arena_reset(w->arena);
	hash = plant_tuple_hash(w, t->source, t->destination, plant_protocol_name(t->protocol),
		t->function, t->unit);
	for (size_t i = 0; i < w->acted_count; i++) {
		if (w->acted[i].hash == hash) {
			f.file = slice_of(w->acted[i].file);
			f.number = w->acted[i].number;
			f.frame = true;
		}
	}
	f.indicator = arena_printf(
		w->arena, "%s %.*s", plant_protocol_name(t->protocol), SLICE_ARG(t->function));
	f.value = arena_printf(w->arena, "%s to %.*s%s%.*s", plant_operation_name(t->operation),
		SLICE_ARG(t->destination), t->unit.len > 0 ? " unit " : "", SLICE_ARG(t->unit));
	f.reason = slice_of(reason);
	/* One for each two machines and what they do: a file of findings is known by its ids. */
	id = arena_printf(w->arena, "%zu:%.*s%zu:%.*s%.*s", f.host.len, SLICE_ARG(f.host),
		f.indicator.len, SLICE_ARG(f.indicator), SLICE_ARG(f.value));
	uuid_v5(
		&(struct uuid){
			{0x5e, 0x7a}
        },
		id, &f.id);
	w->failed = output_finding(&w->output, &f, &w->error);
	w->report.findings++;
	w->report.plant_findings++;
	return w->failed == OK;
}

static enum err_kind read_once(struct watch *w, struct source_buffer *b, struct err *e)
{
	enum err_kind kind = watch_confine(w, e);

	for (size_t i = 0; i < w->o->sources_count && kind == OK && !watch_stopped(w) && !w->enough;
		i++)
		kind = source_read(w, b, w->o->sources[i], e);
	if (kind == OK && w->packets != NULL && !packet_end(w->packets) && w->failed != OK) {
		*e = w->error;
		kind = w->failed;
	}
	if (kind == OK && w->baseline != NULL && w->report.plant_messages > 0 &&
		!baseline_each(w->baseline, rare_tell, w)) {
		*e = w->error;
		kind = w->failed != OK ? w->failed : err_set(e, ERR_NOMEM, "out of memory");
	}
	return kind;
}

static void finish(struct watch *w)
{
	output_close(&w->output);
	places_free(w->state);
	hunt_writer_free(w->history);
	packet_reader_free(w->packets);
	baseline_free(w->baseline);
	pattern_set_free(w->patterns);
	index_matcher_free(w->matcher);
	index_close(w->index);
	gate_free(w->gate);
	tally_free(w->tally);
	arena_free(w->arena);
	buf_fini(&w->text);
	free(w->site);
	free(w->site_name);
	for (size_t i = 0; i < w->acted_count; i++)
		free(w->acted[i].file);
	free(w->acted);
}

enum err_kind sensor_watch(
	const struct sensor_options *options, struct sensor_report *ret_report, struct err *e)
{
	struct watch w = {.o = options, .world = options->world, .output = {.fd = -1}};
	struct source_buffer buffer = {0};
	enum err_kind kind = start(&w, e);
	struct err later;

	if (kind == OK && !source_buffer_init(&buffer))
		kind = err_set(e, ERR_NOMEM, "out of memory");
	if (kind == OK && options->ready != NULL)
		options->ready(options->ready_context);
	if (kind == OK)
		kind = options->once ? read_once(&w, &buffer, e) : follow_run(&w, &buffer, e);
	/* What was found is told even when something failed on the way. */
	if (w.tally != NULL && w.output.fd >= 0) {
		enum err_kind telling = watch_tell(&w, true, kind == OK ? e : &later);

		if (kind == OK)
			kind = telling;
	}
	if (kind == OK && w.history != NULL)
		kind = hunt_writer_finish(w.history, e);
	if (kind == OK)
		kind = baseline_keep(&w, e);
	if (w.output.fd >= 0) {
		enum err_kind keeping = watch_checkpoint(&w, kind == OK ? e : &later);

		if (kind == OK)
			kind = keeping;
	}
	*ret_report = w.report;
	source_buffer_fini(&buffer);
	finish(&w);
	return kind;
}
