/* SPDX-License-Identifier: MPL-2.0 */
/* serai import, serai export. */
#include <signal.h>
#include <stdlib.h>

#include "cli.h"

#define IMPORT_COLLECTIONS_MAX 16 /* --to fields */

struct importing {
	struct cli *cli;
	struct progress progress;
	const char *file;
	bool tell_losses;
	uint64_t told;
};

static const struct option_row import_options[] = {
	{"to",         't', OPTION_TEXT, "COLLECTION,…", "put the objects into these collections (main)"     },
	{"format",     'f', OPTION_TEXT, "NAME",           "instead of recognising it: see below"              },
	{"from",       0,   OPTION_TEXT, "MEMBER",         "who it came from (the node's own name)"            },
	{"map",        'm', OPTION_TEXT, "value=2,…",    "CSV: columns by name or number; see below"         },
	{"kind",       'k', OPTION_TEXT, "KIND",
         "plain lists: address, name, url, email, hash (guessed)"                                              },
	{"name",       'n', OPTION_TEXT, "TEXT",           "name of the list or feed (the file's name)"        },
	{"tlp",        0,   OPTION_TEXT, "TLP",            "marking of converted objects that bring none"      },
	{"confidence", 0,   OPTION_TEXT, "0..100",         "of converted indicators"                           },
	{"losses",     0,   OPTION_FLAG, NULL,             "print everything that a conversion could not carry"},
	{"tolerant",   0,   OPTION_FLAG, NULL,             "keep objects that break a MUST, and tell each"     },
	{"resume",     0,   OPTION_FLAG, NULL,             "go on where a killed import of this file stopped"  },
};

static void said(struct importing *im, const char *kind, const struct intel_place *place,
	struct slice id, struct slice text)
{
	struct cli *cli = im->cli;

	progress_end(&im->progress);
	if (cli->json) {
		struct buf out = BUF_INIT;
		struct json_writer w = JSON_WRITER(&out);

		json_write_object(&w);
		json_member_text(&w, "event", kind);
		json_member_text(&w, "file", im->file);
		if (place->line > 0)
			json_member_i64(&w, "line", (int64_t)place->line);
		json_member_i64(&w, "index", (int64_t)place->index);
		if (id.len > 0)
			json_member_string(&w, "id", id);
		json_member_string(&w, "message", text);
		json_write_end(&w, '}');
		cli_print_line(&out);
		return;
	}
	printf("%s: ", kind);
	cli_print_safe(slice_of(im->file), 0);
	if (place->line > 0)
		printf(", line %llu", (unsigned long long)place->line);
	printf(", object %llu", (unsigned long long)place->index + 1);
	if (id.len > 0) {
		fputs(", ", stdout);
		cli_print_safe(id, 0);
	}
	fputs(": ", stdout);
	cli_print_safe(text, 0);
	putchar('\n');
}

static void import_refused(void *context, const struct intel_verdict *v)
{
	said(context, v->tolerated ? "tolerated" : intel_outcome_name(v->outcome), &v->place, v->id,
		v->message);
}

static void import_lost(void *context, const struct intel_place *place, struct slice what)
{
	struct importing *im = context;

	if (im->tell_losses)
		said(im, "lost", place, (struct slice){0}, what);
}

static volatile sig_atomic_t stop_asked;

static void stop_ask(int number)
{
	(void)number;
	stop_asked = 1;
}

static bool import_progress(
	void *context, uint64_t done, uint64_t total, const struct intel_counts *counts)
{
	struct importing *im = context;

	progress_show(&im->progress, done, total, counts->objects);
	return !stop_asked;
}

static enum err_kind collections_of(struct cli *cli, struct node *n, const char *names,
	int64_t numbers[IMPORT_COLLECTIONS_MAX], size_t *ret_count, struct err *e)
{
	struct slice rest = slice_of(names), name;
	struct store_collection c;
	size_t count = 0;

	while (slice_next(&rest, ',', &name)) {
		bool found = false;
		enum err_kind kind;

		if (count == IMPORT_COLLECTIONS_MAX)
			return err_set(
				e, ERR_USAGE, "more than %d collections", IMPORT_COLLECTIONS_MAX);
		kind = store_collection_get(n->store, name, cli->arena, &c, &found, e);
		if (kind != OK)
			return kind;
		if (!found)
			return err_set(e, ERR_USAGE,
				"no collection \"%.*s\" (serai collection list)", SLICE_ARG(name));
		numbers[count++] = c.number;
	}
	*ret_count = count;
	return OK;
}

static void import_summary(
	struct cli *cli, const char *file, const struct intel_counts *c, double seconds)
{
	double rate = seconds > 0 ? (double)c->objects / seconds : 0;

	if (cli->json) {
		struct buf out = BUF_INIT;
		struct json_writer w = JSON_WRITER(&out);

		json_write_object(&w);
		json_member_text(&w, "event", "imported");
		json_member_text(&w, "file", file);
		json_member_i64(&w, "objects", (int64_t)c->objects);
		for (int k = 0; k < INTEL_OUTCOMES; k++)
			json_member_i64(&w, intel_outcome_name((enum intel_outcome)k),
				(int64_t)c->by_outcome[k]);
		json_member_i64(&w, "tolerated", (int64_t)c->tolerated);
		json_member_i64(&w, "losses", (int64_t)c->losses);
		json_member_i64(&w, "bytes", (int64_t)c->bytes);
		json_write_name(&w, "seconds");
		json_write_double(&w, seconds);
		json_write_end(&w, '}');
		cli_print_line(&out);
		return;
	}
	cli_print_safe(slice_of(file), 0);
	printf(": %s objects: %s new, %s known", cli_count(cli, c->objects),
		cli_count(cli, c->by_outcome[INTEL_NEW]),
		cli_count(cli, c->by_outcome[INTEL_KNOWN]));
	if (c->by_outcome[INTEL_REFUSED] > 0) {
		fputs(", ", stdout);
		cli_colour(cli, COLOUR_RED,
			arena_printf(cli->arena, "%s refused",
				cli_count(cli, c->by_outcome[INTEL_REFUSED])));
	}
	if (c->by_outcome[INTEL_CONFLICT] > 0) {
		fputs(", ", stdout);
		cli_colour(cli, COLOUR_RED,
			arena_printf(cli->arena, "%s in conflict",
				cli_count(cli, c->by_outcome[INTEL_CONFLICT])));
	}
	if (c->tolerated > 0)
		printf(", %s of them tolerated", cli_count(cli, c->tolerated));
	if (c->losses > 0)
		printf(", %s losses%s", cli_count(cli, c->losses),
			cli_flag(cli, "losses") ? "" : " (--losses tells)");
	printf("; %s in %.2f s, %s objects/s\n", cli_bytes(cli, c->bytes), seconds,
		cli_count(cli, (uint64_t)rate));
}

static enum cli_status import_run(struct cli *cli)
{
	const char *to = cli_text(cli, "to"), *tlp = cli_text(cli, "tlp"),
		   *from = cli_text(cli, "from");
	int64_t collections[IMPORT_COLLECTIONS_MAX];
	struct intel_import job = {0};
	struct importing im = {.cli = cli, .tell_losses = cli_flag(cli, "losses")};
	enum cli_status status = CLI_OK;
	uint64_t confidence;
	struct node n;
	struct err e;

	if (!cli_number(cli, "confidence", 101, 0, 100, &confidence))
		return CLI_USAGE;
	if (tlp != NULL && !stix_tlp_parse(slice_of(tlp), &job.tlp))
		return cli_usage(cli,
			"--tlp \"%s\": expected clear, green, amber, amber+strict or red", tlp);
	if (node_open(cli_node(cli), STORE_WRITE, cli->world, &n, &e) != OK)
		return cli_fail(cli, &e);
	job.format = cli_text(cli, "format");
	job.mapping = cli_text(cli, "map");
	job.kind = cli_text(cli, "kind");
	job.name = cli_text(cli, "name");
	job.confidence = confidence <= 100 ? (int)confidence : -1;
	job.source.tolerant = cli_flag(cli, "tolerant");
	job.resume = cli_flag(cli, "resume");
	job.source.tolerant = cli_flag(cli, "tolerant");
	job.source.member = slice_of(from != NULL ? from : n.config.member);
	job.source.collections = collections;
	job.refused = import_refused;
	job.lost = import_lost;
	job.progress = import_progress;
	job.context = &im;
	if (collections_of(cli, &n, to != NULL ? to : "main", collections,
		    &job.source.collections_count, &e) != OK) {
		node_close(&n);
		return cli_fail(cli, &e);
	}
	signal(SIGINT, stop_ask);
	signal(SIGTERM, stop_ask);
	for (unsigned i = 0; i < cli->args_count && !stop_asked; i++) {
		struct intel_counts counts = {0};
		int64_t start = world_monotonic(cli->world);
		enum err_kind kind;

		job.path = im.file = cli->args[i];
		progress_start(&im.progress, cli, cli->args[i]);
		kind = intel_import_run(n.intel, &job, &counts, &e);
		progress_end(&im.progress);
		if (!cli->quiet)
			import_summary(cli, cli->args[i], &counts,
				(double)(world_monotonic(cli->world) - start) /
					(double)US_PER_SECOND);
		if (counts.by_outcome[INTEL_REFUSED] + counts.by_outcome[INTEL_CONFLICT] > 0 &&
			status == CLI_OK)
			status = CLI_NO;
		if (kind != OK)
			status = cli_fail(cli, &e);
	}
	/* So that the first search is quick. */
	if (store_index_text(n.store, &e) != OK)
		status = cli_fail(cli, &e);
	node_close(&n);
	if (stop_asked) {
		cli_warn(cli, "stopped; what was acknowledged is kept, --resume goes on");
		return CLI_FAILED;
	}
	return status;
}

const struct verb verb_import = {"import", "FILE...",
	"take intelligence in: STIX, MISP, Zeek, CSV, plain lists; also gzip and zstd; - is "
	"standard input",
	"Formats: stix, stix20, misp, misp-feed (a folder), zeek, csv, list.\n"
	"Each object is checked against every MUST of STIX 2.1; one that fails is reported and the "
	"rest\n"
	"goes in (exit status 1); --tolerant keeps it all the same. CSV columns: --map "
	"value=ip,kind=type,name=2,description=note.",
	1, ARGS_ANY, OPTIONS(import_options), import_run};

/* ---- export ---------------------------------------------------------------------------------- */

static const struct option_row export_options[] = {
	{"format",   'f', OPTION_TEXT, "NAME",
         "stix (default), ndjson, misp, misp-feed, csv, zeek, list, "
		"suricata, rpz"									},
	{"output",   'o', OPTION_TEXT, "PATH", "file or folder (standard output)"                      },
	{"for",      'F', OPTION_TEXT, "WHOM", "member (default), public, or self: everything, RED too"},
	{"kind",     'k', OPTION_TEXT, "KIND", "lists: only address, name, url, email or hash"         },
	{"zone",     'z', OPTION_TEXT, "NAME", "RPZ: name of the zone"                                 },
	{"versions", 0,   OPTION_FLAG, NULL,   "every version, not only the newest"                    },
	{"losses",   0,   OPTION_FLAG, NULL,   "print everything that the format could not carry"      },
};

struct exporting {
	struct cli *cli;
	struct progress progress;
	bool tell_losses;
};

/* Losses go to standard error: standard output may be the export. */
static void export_lost(void *context, struct slice id, struct slice what)
{
	struct exporting *ex = context;

	if (!ex->tell_losses)
		return;
	progress_end(&ex->progress);
	if (ex->cli->json) {
		struct buf out = BUF_INIT;
		struct json_writer w = JSON_WRITER(&out);

		json_write_object(&w);
		json_member_text(&w, "event", "lost");
		json_member_string(&w, "id", id);
		json_member_string(&w, "message", what);
		json_write_end(&w, '}');
		fprintf(stderr, "%.*s\n", SLICE_ARG(buf_slice(&out)));
		buf_fini(&out);
	} else {
		struct err safe;

		err_set(&safe, ERR_USAGE, "lost: %.*s: %.*s", SLICE_ARG(id), SLICE_ARG(what));
		fprintf(stderr, "%s\n", safe.text);
	}
}

static bool export_progress(void *context, const struct intel_counts *counts)
{
	struct exporting *ex = context;

	progress_show(&ex->progress, 0, 0, counts->objects);
	return true;
}

static enum cli_status export_run(struct cli *cli)
{
	static const struct {
		const char *name;
		enum intel_reach reach;
	} whom[] = {
		{"member", INTEL_MEMBER  },
		{"public", INTEL_PUBLIC  },
		{"self",   INTEL_OPERATOR},
	};
	const char *to = cli_text(cli, "for"), *format = cli_text(cli, "format");
	const char *output = cli_text(cli, "output");
	struct exporting ex = {.cli = cli, .tell_losses = cli_flag(cli, "losses")};
	struct intel_export job = {
		.format = format != NULL ? format : "stix",
		.path = output != NULL ? output : "-",
		.every_version = cli_flag(cli, "versions"),
		.name = cli_text(cli, "zone"),
		.kind = cli_text(cli, "kind"),
		.lost = export_lost,
		.progress = export_progress,
		.context = &ex,
	};
	struct intel_export_counts counts = {0};
	struct store_search search;
	struct buf query = BUF_INIT;
	struct node n;
	struct err e;
	enum err_kind kind;
	bool found = false;

	for (size_t i = 0; i < COUNT_OF(whom); i++) {
		if (strcmp(to != NULL ? to : "member", whom[i].name) == 0) {
			job.to.reach = whom[i].reach;
			found = true;
		}
	}
	if (!found)
		return cli_usage(cli, "--for \"%s\": expected member, public or self", to);
	for (unsigned i = 0; i < cli->args_count; i++)
		buf_printf(&query, "%s%s", i > 0 ? " " : "", cli->args[i]);
	if (query.len > 0) {
		if (intel_query_parse(buf_slice(&query), cli->arena, &search, &e) != OK) {
			buf_fini(&query);
			return cli_fail(cli, &e);
		}
		search.every_version |= job.every_version;
		job.search = &search;
	}
	if (node_open(cli_node(cli), STORE_READ, cli->world, &n, &e) != OK) {
		buf_fini(&query);
		return cli_fail(cli, &e);
	}
	progress_start(&ex.progress, cli, "export");
	kind = intel_export_run(n.intel, &job, &counts, &e);
	progress_end(&ex.progress);
	node_close(&n);
	buf_fini(&query);
	if (kind != OK)
		return cli_fail(cli, &e);
	if (cli->quiet)
		return CLI_OK;
	if (cli->json)
		fprintf(stderr,
			"{\"event\":\"exported\",\"objects\":%llu,\"withheld\":%llu,\"records\":%"
			"llu,"
			"\"losses\":%llu,\"bytes\":%llu}\n",
			(unsigned long long)counts.objects, (unsigned long long)counts.withheld,
			(unsigned long long)counts.records, (unsigned long long)counts.losses,
			(unsigned long long)counts.bytes);
	else
		fprintf(stderr,
			"%s objects, %s records, %s; %s withheld from this recipient, %s "
			"losses%s\n",
			cli_count(cli, counts.objects), cli_count(cli, counts.records),
			cli_bytes(cli, counts.bytes), cli_count(cli, counts.withheld),
			cli_count(cli, counts.losses),
			counts.losses > 0 && !ex.tell_losses ? " (--losses tells)" : "");
	return CLI_OK;
}

const struct verb verb_export = {"export", "[QUERY...]",
	"write what a query finds (else everything) in another format",
	"What may not go to the recipient is withheld whole and counted. The query is as in serai "
	"search.\n"
	"RPZ: --zone rpz.example. Suricata and misp-feed write a folder.",
	0, ARGS_ANY, OPTIONS(export_options), export_run};
