/* SPDX-License-Identifier: MPL-2.0 */
/* serai hunt: was this ever seen here? */
#include <signal.h>
#include <unistd.h>

#include "cli.h"
#include "sensor/sensor.h"

static const struct option_row hunt_options_rows[] = {
	{"history",   'H', OPTION_TEXT, "FOLDER",
         "filters that serai watch --history keeps: STATE/history"                                         },
	{"index",     'i', OPTION_TEXT, "FILE",      "ask for everything in this index"                    },
	{"trust",     't', OPTION_TEXT, "FILE",      "public keys of which one must have signed the index" },
	{"indicator", 0,   OPTION_TEXT, "VALUE,…", "ask for these; also as arguments"                    },
	{"no-proof",  0,   OPTION_FLAG, NULL,        "only name the segments, do not read them again"      },
	{"output",    'o', OPTION_TEXT, "FILE",      "append findings to this file (standard output)"      },
	{"form",      0,   OPTION_TEXT, "NAME",      "text, ecs, eve or cef (text on a terminal, else ecs)"},
	{"map",       'm', OPTION_TEXT, "FILE",      "which column or JSON path means what, for proof"     },
};

struct hunting {
	struct cli *cli;
	struct progress progress;
};

static bool hunt_segment_say(void *context, const struct sensor_hunt_segment *s)
{
	struct hunting *h = context;
	struct cli *cli = h->cli;

	progress_end(&h->progress);
	if (cli->json) {
		struct buf out = BUF_INIT;
		struct json_writer w = JSON_WRITER(&out);

		json_write_object(&w);
		json_member_text(&w, "event", "segment");
		json_member_text(&w, "file", s->path);
		json_member_i64(&w, "first_record", (int64_t)s->first_record);
		json_member_i64(&w, "records", (int64_t)s->records);
		if (s->first_us != TIME_UNKNOWN) {
			json_member_time(&w, "first_seen", s->first_us, 6);
			json_member_time(&w, "last_seen", s->last_us, 6);
		}
		json_member_i64(&w, "values", (int64_t)s->values);
		json_member_bool(&w, "gone", s->gone);
		json_member_i64(&w, "hits", (int64_t)s->hits);
		json_write_end(&w, '}');
		fprintf(stderr, "%.*s\n", SLICE_ARG(buf_slice(&out)));
		buf_fini(&out);
	} else if (!cli->quiet) {
		struct err safe;

		err_set(&safe, ERR_USAGE, "%s, records %llu to %llu: %s", s->path,
			(unsigned long long)s->first_record,
			(unsigned long long)(s->first_record + s->records - 1),
			s->gone ? "can hold it, but is no longer there: ask where it is kept"
			: cli_flag(cli, "no-proof") ? "can hold it"
			: s->hits > 0               ? "holds it"
						    : "does not hold it after all");
		fprintf(stderr, "%s\n", safe.text);
	}
	return true;
}

static void hunt_progress(void *context, uint64_t done, uint64_t total)
{
	struct hunting *h = context;

	progress_show(&h->progress, done, total, done);
}

static enum cli_status hunt_run(struct cli *cli)
{
	const char *form = cli_text(cli, "form"), *typed = cli_text(cli, "indicator"),
		   *trust = cli_text(cli, "trust");
	const char *map = cli_text(cli, "map");
	struct hunting h = {.cli = cli};
	struct log log = {.world = cli->world, .to = cli->quiet ? NULL : stderr, .least = LOG_WARN};
	struct sensor_hunt_options o = {.history = cli_text(cli, "history"),
		.index = cli_text(cli, "index"),
		.prove = !cli_flag(cli, "no-proof"),
		.findings = cli_text(cli, "output"),
		.world = cli->world,
		.log = &log,
		.segment = hunt_segment_say,
		.progress = hunt_progress,
		.context = &h};
	struct sensor_hunt_report report;
	struct logs_mapping *mapping = NULL;
	struct buf trusted = BUF_INIT;
	struct slice rest = slice_of(typed), part;
	const char **values = ARENA_ARRAY(cli->arena, const char *, SENSOR_HUNT_VALUES_MAX + 1);
	enum err_kind kind = OK;
	struct err e;

	if (values == NULL)
		return CLI_FAILED;
	while (o.values_count <= SENSOR_HUNT_VALUES_MAX && slice_next(&rest, ',', &part))
		values[o.values_count++] = arena_string(cli->arena, part);
	for (unsigned i = 0; i < cli->args_count && o.values_count <= SENSOR_HUNT_VALUES_MAX; i++)
		values[o.values_count++] = cli->args[i];
	o.values = values;
	if (o.history == NULL || (o.index == NULL) == (o.values_count == 0))
		return cli_usage(cli, "expected --history FOLDER, and --index FILE or indicators");
	o.output = o.findings == NULL && isatty(STDOUT_FILENO) ? SENSOR_TEXT : SENSOR_ECS;
	if (form != NULL && !sensor_output_parse(slice_of(form), &o.output))
		return cli_usage(cli, "--form \"%s\": expected text, ecs, eve or cef", form);
	if (trust != NULL)
		kind = file_read(trust, KIB(64), &trusted, &e);
	if (kind == OK && trust != NULL)
		o.trust.trusted = buf_slice(&trusted);
	if (kind == OK && map != NULL)
		kind = logs_mapping_read(map, &mapping, &e);
	o.mapping = mapping;
	progress_start(&h.progress, cli, "hunt");
	if (kind == OK)
		kind = sensor_hunt(&o, &report, &e);
	progress_end(&h.progress);
	logs_mapping_free(mapping);
	buf_fini(&trusted);
	if (kind != OK)
		return cli_fail(cli, &e);
	fflush(stdout);
	if (cli->json)
		fprintf(stderr,
			"{\"event\":\"hunted\",\"segments\":%llu,\"records\":%llu,\"candidates\":%"
			"llu,"
			"\"gone\":%llu,\"damaged\":%llu,\"hits\":%llu}\n",
			(unsigned long long)report.segments, (unsigned long long)report.records,
			(unsigned long long)report.candidates, (unsigned long long)report.gone,
			(unsigned long long)report.damaged, (unsigned long long)report.hits);
	else if (!cli->quiet)
		fprintf(stderr,
			"%s segments of %s records (filters %s): %s can hold it, %s matches\n",
			cli_count(cli, report.segments), cli_count(cli, report.records),
			cli_bytes(cli, report.filter_bytes), cli_count(cli, report.candidates),
			cli_count(cli, report.hits));
	if (report.damaged > 0)
		cli_warn(cli, "%s filters are damaged: their logs were not asked",
			cli_count(cli, report.damaged));
	return report.hits > 0 || (!o.prove && report.candidates > 0) ? CLI_OK : CLI_NO;
}

const struct verb verb_hunt = {"hunt", "[VALUE...]",
	"was this ever seen here? in seconds, over years of logs",
	"Asks the filters that serai watch --history keeps (about one percent of the logs), and "
	"reads only the\n"
	"segments that can hold a value again, for proof. Status 0: seen, 1: not seen.",
	0, SENSOR_HUNT_VALUES_MAX, OPTIONS(hunt_options_rows), hunt_run};
