/* SPDX-License-Identifier: MPL-2.0 */
/* serai index, watch, sightings, pattern match: the verbs of an operator's site. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "pattern/pattern.h"
#include "sensor/sensor.h"

/* ---- index ----------------------------------------------------------------------------------- */

static const struct option_row index_options_rows[] = {
	{"from",       'f', OPTION_TEXT, "FILE|NODE",
         "a file or a node's folder; more may follow as arguments"                                         },
	{"output",     'o', OPTION_TEXT, "FILE",      "the index to write, such as site.sidx"              },
	{"sign",       's', OPTION_TEXT, "KEY",
         "sign it with this key (made when it is missing: KEY and KEY.pub)"                                },
	{"for",        'F', OPTION_TEXT, "WHOM",
         "of a node: member (default), public, or self: everything, RED too"                               },
	{"kind",       'k', OPTION_TEXT, "KIND",
         "plain lists: address, name, url, email, hash, ja3, ... (guessed)"                                },
	{"name",       'n', OPTION_TEXT, "TEXT",      "name of a list or feed (the file's name)"           },
	{"tlp",        0,   OPTION_TEXT, "TLP",       "of lists, which have no marking of their own (none)"},
	{"confidence", 0,   OPTION_TEXT, "0..100",    "of lists (unknown)"                                 },
	{"trust",      't', OPTION_TEXT, "FILE",
         "with --check: public keys of which one must have signed"                                         },
	{"check",      'c', OPTION_FLAG, NULL,        "read and verify an index instead of making one"     },
};

struct compiling {
	struct cli *cli;
	uint64_t told;
};

#define REFUSED_TOLD 20 /* without --json: the rest is counted */

static void compile_refused(
	void *context, const char *file, uint64_t line, struct slice what, const struct err *why)
{
	struct compiling *c = context;
	struct err safe;

	if (c->cli->json) {
		struct buf out = BUF_INIT;
		struct json_writer w = JSON_WRITER(&out);

		json_write_object(&w);
		json_member_text(&w, "event", "refused");
		json_member_text(&w, "file", file);
		json_member_i64(&w, "line", (int64_t)line);
		json_member_string(&w, "what", what);
		json_member_text(&w, "message", why->text);
		json_write_end(&w, '}');
		cli_print_line(&out);
		return;
	}
	if (++c->told > REFUSED_TOLD)
		return;
	err_set(&safe, ERR_INVALID, "refused: %s, line %llu: %.*s: %s", file,
		(unsigned long long)line, SLICE_ARG(slice_cut(what, 0, 80)), why->text);
	fprintf(stderr, "%s\n", safe.text);
}

/* What may leave the node for this recipient, as STIX beside the index to be; removed afterwards.
 */
static enum err_kind node_compile(struct cli *cli, struct index_builder *b, const char *folder,
	const char *output, const struct sensor_compile_options *options,
	struct sensor_compile_counts *counts, struct err *e)
{
	const char *whom = cli_text(cli, "for");
	struct intel_export job = {.format = "stix"};
	struct intel_export_counts exported = {0};
	struct store_search search;
	struct node n;
	char *path = NULL;
	enum err_kind kind;

	job.to.reach = whom == NULL || strcmp(whom, "member") == 0 ? INTEL_MEMBER
		       : strcmp(whom, "public") == 0               ? INTEL_PUBLIC
								   : INTEL_OPERATOR;
	kind = intel_query_parse(SLICE("type:indicator,identity"), cli->arena, &search, e);
	if (kind == OK && asprintf(&path, "%s.objects", output) < 0)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	if (kind != OK)
		return kind;
	job.search = &search;
	job.path = path;
	kind = node_open(folder, STORE_READ, cli->world, &n, e);
	if (kind == OK) {
		kind = intel_export_run(n.intel, &job, &exported, e);
		node_close(&n);
		if (kind == OK)
			kind = sensor_compile(b, path, options, counts, e);
		(void)unlink(path);
	}
	free(path);
	return kind;
}

static enum cli_status index_say(struct cli *cli, const char *path, const struct index_info *info,
	const struct sensor_compile_counts *counts)
{
	struct buf digest = BUF_INIT;

	hex_append(&digest, info->digest, sizeof(info->digest));
	if (cli->json) {
		struct buf out = BUF_INIT;
		struct json_writer w = JSON_WRITER(&out);

		json_write_object(&w);
		json_member_text(&w, "event", counts == NULL ? "checked" : "written");
		json_member_text(&w, "file", path);
		json_member_i64(&w, "bytes", (int64_t)info->bytes);
		json_member_i64(&w, "values", (int64_t)info->counts.values);
		json_member_i64(&w, "patterns", (int64_t)info->counts.patterns);
		json_member_i64(&w, "entries", (int64_t)info->counts.entries);
		for (unsigned k = 1; k < FIELD_KINDS_STORED; k++) {
			if (info->counts.kinds[k] > 0)
				json_member_i64(&w, field_kind_name((enum field_kind)k),
					(int64_t)info->counts.kinds[k]);
		}
		json_member_string(&w, "digest", buf_slice(&digest));
		json_member_string(&w, "signer", info->signer);
		json_member_time(&w, "built", info->built_us, 0);
		if (counts != NULL) {
			json_member_i64(&w, "refused", (int64_t)counts->refused);
			json_member_i64(&w, "revoked", (int64_t)counts->revoked);
			json_member_i64(&w, "superseded", (int64_t)counts->superseded);
			json_member_i64(&w, "other_languages", (int64_t)counts->other_languages);
		}
		json_write_end(&w, '}');
		cli_print_line(&out);
	} else if (!cli->quiet) {
		printf("%s: %s values, %s patterns from %s sources, %s, %s\n", path,
			cli_count(cli, info->counts.values), cli_count(cli, info->counts.patterns),
			cli_count(cli, info->counts.entries), cli_bytes(cli, info->bytes),
			info->signer.len == 0 ? "not signed" : "signed");
		for (unsigned k = 1; k < FIELD_KINDS_STORED; k++) {
			if (info->counts.kinds[k] > 0)
				printf("  %-12s %s\n", field_kind_name((enum field_kind)k),
					cli_count(cli, info->counts.kinds[k]));
		}
		printf("  digest       %.16s…\n", digest.data == NULL ? "" : digest.data);
		if (counts != NULL && counts->refused + counts->revoked + counts->superseded +
						      counts->other_languages >
					      0)
			printf("left out: %s refused, %s revoked, %s older versions, %s in other "
			       "pattern "
			       "languages\n",
				cli_count(cli, counts->refused), cli_count(cli, counts->revoked),
				cli_count(cli, counts->superseded),
				cli_count(cli, counts->other_languages));
	}
	buf_fini(&digest);
	return counts != NULL && counts->refused > 0 ? CLI_NO : CLI_OK;
}

static enum err_kind trust_read(
	struct cli *cli, struct buf *text, struct index_options *ret_trust, struct err *e)
{
	const char *path = cli_text(cli, "trust");
	enum err_kind kind = path == NULL ? OK : file_read(path, KIB(64), text, e);

	if (kind == OK && path != NULL)
		ret_trust->trusted = buf_slice(text);
	return kind;
}

static enum cli_status index_check(struct cli *cli)
{
	struct buf trusted = BUF_INIT;
	struct index_options options = {.verify_all = true};
	struct index *x = NULL;
	struct index_info info;
	enum cli_status status;
	struct err e;

	if (cli->args_count != 1)
		return cli_usage(cli, "--check wants one index");
	if (trust_read(cli, &trusted, &options, &e) != OK ||
		index_open(cli->args[0], &options, &x, &e) != OK) {
		status = cli_fail(cli, &e);
		if (e.kind == ERR_CORRUPT || e.kind == ERR_DENIED || e.kind == ERR_INVALID)
			status = CLI_NO;
	} else {
		index_info(x, &info);
		status = index_say(cli, cli->args[0], &info, NULL);
		index_close(x);
	}
	buf_fini(&trusted);
	return status;
}

static enum cli_status index_run(struct cli *cli)
{
	const char *from = cli_text(cli, "from"), *output = cli_text(cli, "output"),
		   *key = cli_text(cli, "sign");
	const char *kind_name = cli_text(cli, "kind"), *tlp = cli_text(cli, "tlp"),
		   *whom = cli_text(cli, "for");
	struct compiling compiling = {.cli = cli};
	struct sensor_compile_options options = {.confidence = -1,
		.world = cli->world,
		.refused = compile_refused,
		.context = &compiling};
	struct sensor_compile_counts counts = {0};
	struct index_signer signer;
	struct index_builder *b = NULL;
	struct index *x = NULL;
	struct index_info info;
	enum err_kind kind = OK;
	enum cli_status status;
	uint64_t confidence;
	struct err e;

	if (cli_flag(cli, "check"))
		return index_check(cli);
	if (output == NULL || (from == NULL && cli->args_count == 0))
		return cli_usage(cli, "expected --from FILE or NODE and --output FILE");
	if (whom != NULL && strcmp(whom, "member") != 0 && strcmp(whom, "public") != 0 &&
		strcmp(whom, "self") != 0)
		return cli_usage(cli, "--for \"%s\": expected member, public or self", whom);
	if (kind_name != NULL && (!field_kind_parse(slice_of(kind_name), &options.kind) ||
					 options.kind >= FIELD_KINDS_STORED))
		return cli_usage(cli,
			"--kind \"%s\": expected address, name, url, email, hash, asn, mac, text, "
			"certificate, ja3, ja3s, ja4, imphash or ssdeep",
			kind_name);
	if (tlp != NULL && !stix_tlp_parse(slice_of(tlp), &options.tlp))
		return cli_usage(cli,
			"--tlp \"%s\": expected clear, green, amber, amber+strict or red", tlp);
	if (cli_text(cli, "confidence") != NULL) {
		if (!cli_number(cli, "confidence", 0, 0, 100, &confidence))
			return CLI_USAGE;
		options.confidence = (int)confidence;
	}
	options.name = slice_of(cli_text(cli, "name"));
	b = index_builder_new(cli->world);
	if (b == NULL)
		kind = err_set(&e, ERR_NOMEM, "out of memory");
	for (unsigned i = 0; kind == OK && i < cli->args_count + (from != NULL); i++) {
		const char *path = from != NULL ? (i == 0 ? from : cli->args[i - 1]) : cli->args[i];
		struct stat st;

		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			kind = node_compile(cli, b, path, output, &options, &counts, &e);
		else
			kind = sensor_compile(b, path, &options, &counts, &e);
	}
	if (kind == OK && key != NULL) {
		if (access(key, F_OK) != 0)
			kind = index_signer_make(key, "serai-index", cli->world, &e);
		if (kind == OK)
			kind = index_signer_read(key, &signer, &e);
	}
	if (kind == OK)
		kind = index_builder_write(b, output, key != NULL ? &signer : NULL, &e);
	secret_wipe(&signer, sizeof(signer));
	index_builder_free(b);
	if (kind == OK)
		kind = index_open(output, &(struct index_options){0}, &x, &e);
	if (kind != OK)
		return cli_fail(cli, &e);
	if (!cli->json && compiling.told > REFUSED_TOLD)
		fprintf(stderr, "... and %s more (--json tells all)\n",
			cli_count(cli, compiling.told - REFUSED_TOLD));
	index_info(x, &info);
	status = index_say(cli, output, &info, &counts);
	index_close(x);
	return status;
}

const struct verb verb_index = {"index", "[FILE|NODE...]",
	"compile indicators into one file for sensors",
	"Takes STIX 2.1, Zeek's intel format, plain lists (packed or not) and nodes' folders. Of a "
	"node only\n"
	"what may go to the recipient is taken. A running sensor takes the new file by itself.\n"
	"serai index --check site.sidx verifies every byte. docs/index.md draws the format.",
	0, ARGS_ANY, OPTIONS(index_options_rows), index_run};

/* ---- watch ----------------------------------------------------------------------------------- */

static const struct option_row watch_options_rows[] = {
	{"index",     'i', OPTION_TEXT, "FILE",     "the compiled indicators (serai index)"                 },
	{"once",      0,   OPTION_FLAG, NULL,
         "read the files to their end and stop, instead of following them"                                  },
	{"all",       'a', OPTION_FLAG, NULL,
         "every match by itself, also what the quality gate holds back"                                     },
	{"interface", 0,   OPTION_TEXT, "NAME",     "capture from a network interface (receives only)"      },
	{"plant",     0,   OPTION_FLAG, NULL,
         "decode plant protocols in captures; judge them by the baseline"                                   },
	{"output",    'o', OPTION_TEXT, "FILE",     "append findings to this file (standard output)"        },
	{"form",      0,   OPTION_TEXT, "NAME",     "text, ecs, eve or cef (text on a terminal, else ecs)"  },
	{"state",     0,   OPTION_TEXT, "FOLDER",
         "keep places, tallies and the baseline here over restarts"                                         },
	{"history",   0,   OPTION_FLAG, NULL,
         "keep filters of what was read, for serai hunt (in --state)"                                       },
	{"no-hunt",   0,   OPTION_FLAG, NULL,
         "do not ask the history by itself for what is new in the index"                                    },
	{"noise",     0,   OPTION_TEXT, "FILE,…", "further lists of what is nearly always noise"          },
	{"no-gate",   0,   OPTION_FLAG, NULL,       "no quality gate: hold nothing back"                    },
	{"format",    'f', OPTION_TEXT, "NAME",
         "of the logs, instead of recognising it (serai formats)"                                           },
	{"map",       'm', OPTION_TEXT, "FILE",     "which column or JSON path means what (docs/readers.md)"},
	{"trust",     't', OPTION_TEXT, "FILE",     "public keys of which one must have signed the index"   },
	{"metrics",   0,   OPTION_TEXT, "FILE",
         "counters in Prometheus' text form, replaced as they change"                                       },
	{"site",      0,   OPTION_TEXT, "NAME",     "name of this sensor in findings (the host's name)"     },
	{"self-test", 0,   OPTION_FLAG, NULL,       "plant an indicator, and see whether it is found"       },
};

static volatile sig_atomic_t watch_stop, watch_reload;

static void on_stop(int number)
{
	(void)number;
	watch_stop = 1;
}

static void on_reload(int number)
{
	(void)number;
	watch_reload = !watch_reload;
}

static void watch_progress(void *context, uint64_t bytes, uint64_t total, uint64_t records)
{
	progress_show(context, bytes, total, records);
}

static void self_test_say(void *context, const char *step, bool good)
{
	(void)context;
	printf("%s  %s\n", good ? "good" : "BAD ", step);
}

static void report_text(struct cli *cli, const struct sensor_report *r)
{
	fprintf(stderr,
		"%s records, %s in %s %s: %s matches, %s held back, %s expired; %s findings\n",
		cli_count(cli, r->records), cli_bytes(cli, r->bytes), cli_count(cli, r->sources),
		r->sources == 1 ? "source" : "sources", cli_count(cli, r->hits),
		cli_count(cli, r->held), cli_count(cli, r->expired), cli_count(cli, r->findings));
	if (r->plant_messages > 0)
		fprintf(stderr, "%s plant messages, %s stand out\n",
			cli_count(cli, r->plant_messages), cli_count(cli, r->plant_findings));
	if (r->problems > 0)
		fprintf(stderr, "%s lines or files did not fit their format, such as %s\n",
			cli_count(cli, r->problems), r->first_problem);
	if (r->packets.gaps + r->packets.kernel_dropped + r->packets.flows_dropped > 0)
		fprintf(stderr,
			"not seen: %s gaps in streams, %s frames dropped by the kernel, %s "
			"connections "
			"forgotten\n",
			cli_count(cli, r->packets.gaps), cli_count(cli, r->packets.kernel_dropped),
			cli_count(cli, r->packets.flows_dropped));
	if (r->patterns.shed + r->patterns.gave_up > 0)
		fprintf(stderr,
			"patterns: %s observations forgotten for want of memory, %s judgements "
			"given up\n",
			cli_count(cli, r->patterns.shed), cli_count(cli, r->patterns.gave_up));
}

static void report_json(const struct sensor_report *r)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"sources",        r->sources               },
                {"bytes",          r->bytes                 },
                {"records",        r->records               },
		{"problems",       r->problems              },
                {"hits",           r->hits                  },
                {"held",           r->held                  },
		{"expired",        r->expired               },
                {"findings",       r->findings              },
                {"limited",        r->limited               },
		{"plant_messages", r->plant_messages        },
                {"plant_findings", r->plant_findings        },
		{"pattern_hits",   r->pattern_hits          },
                {"reloads",        r->reloads               },
		{"frames",         r->packets.frames        },
                {"gaps",           r->packets.gaps          },
		{"kernel_dropped", r->packets.kernel_dropped},
                {"patterns_shed",  r->patterns.shed         }
        };
	struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER(&out);

	json_write_object(&w);
	json_member_text(&w, "event", "watched");
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		json_member_i64(&w, rows[i].name, (int64_t)rows[i].value);
	if (r->first_problem[0] != 0)
		json_member_text(&w, "first_problem", r->first_problem);
	json_write_end(&w, '}');
	fprintf(stderr, "%.*s\n", SLICE_ARG(buf_slice(&out)));
	buf_fini(&out);
}

/* "a,b" -> array in the arena. */
static const char *const *list_split(struct cli *cli, const char *text, size_t *ret_count)
{
	struct slice rest = slice_of(text), part;
	size_t count = 0, most = 1;
	const char **list;

	for (size_t at = 0; (at = slice_find(rest, ',', at)) < rest.len; at++)
		most++;
	list = ARENA_ARRAY(cli->arena, const char *, most);
	while (list != NULL && slice_next(&rest, ',', &part))
		list[count++] = arena_string(cli->arena, part);
	*ret_count = count;
	return list;
}

static enum cli_status watch_run(struct cli *cli)
{
	const char *form = cli_text(cli, "form"), *format = cli_text(cli, "format"),
		   *map = cli_text(cli, "map");
	const char *noise = cli_text(cli, "noise");
	struct progress progress;
	struct log log = {.world = cli->world, .to = cli->quiet ? NULL : stderr, .least = LOG_WARN};
	struct sensor_options o = {.index = cli_text(cli, "index"),
		.sources = cli->args,
		.sources_count = cli->args_count,
		.interface = cli_text(cli, "interface"),
		.confine = true,
		.once = cli_flag(cli, "once"),
		.all = cli_flag(cli, "all"),
		.plant = cli_flag(cli, "plant"),
		.state = cli_text(cli, "state"),
		.history = cli_flag(cli, "history"),
		.no_hunt = cli_flag(cli, "no-hunt"),
		.no_gate = cli_flag(cli, "no-gate"),
		.findings = cli_text(cli, "output"),
		.metrics = cli_text(cli, "metrics"),
		.site = cli_text(cli, "site"),
		.world = cli->world,
		.log = &log,
		.stop = &watch_stop,
		.reload = &watch_reload};
	struct logs_mapping *mapping = NULL;
	struct buf trusted = BUF_INIT;
	struct sensor_report report = {0};
	enum err_kind kind = OK;
	struct err e;

	o.output = o.findings == NULL && isatty(STDOUT_FILENO) ? SENSOR_TEXT : SENSOR_ECS;
	if (form != NULL && !sensor_output_parse(slice_of(form), &o.output))
		return cli_usage(cli, "--form \"%s\": expected text, ecs, eve or cef", form);
	if (format != NULL && !logs_format_parse(slice_of(format), &o.format))
		return cli_usage(cli,
			"--format \"%s\": not a format of logs; docs/readers.md lists them",
			format);
	if (trust_read(cli, &trusted, &o.trust, &e) != OK)
		return cli_fail(cli, &e);
	if (cli_flag(cli, "self-test")) {
		kind = sensor_self_test(&o, self_test_say, NULL, &e);
		buf_fini(&trusted);
		return kind == OK ? CLI_OK : cli_fail(cli, &e);
	}
	if (o.index == NULL && !o.plant && !o.history)
		return cli_usage(cli, "expected --index FILE (or --plant, or --history)");
	if (cli->args_count == 0 && o.interface == NULL)
		return cli_usage(cli, "expected files, folders, - or --interface NAME");
	if (o.history && o.state == NULL)
		return cli_usage(cli, "--history wants --state FOLDER");
	for (unsigned i = 0; !o.once && i < cli->args_count; i++) {
		if (strcmp(cli->args[i], "-") == 0)
			return cli_usage(cli, "standard input cannot be followed; add --once");
	}
	if (o.once && o.interface != NULL)
		return cli_usage(cli, "an interface has no end; leave --once out");
	if (noise != NULL)
		o.noise = list_split(cli, noise, &o.noise_count);
	if (map != NULL)
		kind = logs_mapping_read(map, &mapping, &e);
	if (kind == OK) {
		struct sigaction stop = {.sa_handler = on_stop}, reload = {.sa_handler = on_reload};

		o.mapping = mapping;
		sigaction(SIGINT, &stop, NULL);
		sigaction(SIGTERM, &stop, NULL);
		sigaction(SIGHUP, &reload, NULL);
		progress_start(&progress, cli, "watch");
		if (cli->terminal && o.once && (o.findings != NULL || !isatty(STDOUT_FILENO))) {
			o.progress = watch_progress;
			o.progress_context = &progress;
		}
		kind = sensor_watch(&o, &report, &e);
		progress_end(&progress);
	}
	logs_mapping_free(mapping);
	buf_fini(&trusted);
	if (kind != OK)
		return cli_fail(cli, &e);
	fflush(stdout);
	if (cli->json)
		report_json(&report);
	else if (!cli->quiet)
		report_text(cli, &report);
	return report.findings > 0 ? CLI_OK : CLI_NO;
}

const struct verb verb_watch = {"watch", "[FILE|FOLDER...]",
	"look for indicators in logs, captures and on an interface",
	"Recognises Zeek, Suricata, name server, proxy, web and flow logs, syslog, CSV, JSON "
	"lines, STIX\n"
	"observed-data, pcap and pcapng. Follows what grows and rotates; with --once it reads to "
	"the end.\n"
	"Passive: it sends nothing and blocks nothing. Status 0: something was found, 1: nothing.\n"
	"SIGHUP: findings file and index are opened again (a new index is also taken by itself).",
	0, ARGS_ANY, OPTIONS(watch_options_rows), watch_run};

/* ---- sightings ------------------------------------------------------------------------------- */

static const struct option_row sightings_options_rows[] = {
	{"output",   'o', OPTION_TEXT, "FILE", "the bundle to write (standard output)"          },
	{"identity", 0,   OPTION_TEXT, "ID",
         "the site's identity: created_by_ref, where_sighted_refs"                              },
	{"name",     'n', OPTION_TEXT, "TEXT", "write the identity object too, with this name"  },
	{"observed", 0,   OPTION_FLAG, NULL,   "observed-data too: what was seen, without hosts"},
	{"hosts",    0,   OPTION_FLAG, NULL,   "and with the addresses of the site's hosts"     },
};

static enum cli_status sightings_run(struct cli *cli)
{
	const char *output = cli_text(cli, "output");
	const struct sensor_sightings_options options = {
		.identity = slice_of(cli_text(cli, "identity")),
		.site_name = slice_of(cli_text(cli, "name")),
		.observed = cli_flag(cli, "observed"),
		.hosts = cli_flag(cli, "hosts"),
		.world = cli->world};
	struct sensor_sightings_counts counts;
	struct buf out = BUF_INIT;
	enum err_kind kind;
	struct err e;

	if (options.hosts && !options.observed)
		return cli_usage(
			cli, "--hosts wants --observed: a sighting by itself names no host");
	if (options.site_name.len > 0 && options.identity.len == 0)
		return cli_usage(cli, "--name wants --identity");
	kind = sensor_sightings(cli->args, cli->args_count, &options, &out, &counts, &e);
	if (kind == OK && output != NULL && strcmp(output, "-") != 0)
		kind = file_write_atomic(output, buf_slice(&out), 0640, &e);
	else if (kind == OK && fwrite(out.data, 1, out.len, stdout) != out.len)
		kind = err_set(&e, ERR_IO, "could not write the bundle: %s", strerror(errno));
	buf_fini(&out);
	if (kind != OK)
		return cli_fail(cli, &e);
	if (counts.problems > 0)
		cli_warn(cli, "%s lines are no findings and were left out, the first: %s",
			cli_count(cli, counts.problems), counts.first_problem);
	if (cli->json)
		fprintf(stderr,
			"{\"event\":\"sightings\",\"findings\":%llu,\"held\":%llu,\"sightings\":%"
			"llu,"
			"\"without_id\":%llu,\"problems\":%llu}\n",
			(unsigned long long)counts.findings, (unsigned long long)counts.held,
			(unsigned long long)counts.sightings, (unsigned long long)counts.without_id,
			(unsigned long long)counts.problems);
	else if (!cli->quiet)
		fprintf(stderr,
			"%s findings: %s sightings; %s held back, %s from lists without STIX ids, "
			"%s not "
			"understood\n",
			cli_count(cli, counts.findings), cli_count(cli, counts.sightings),
			cli_count(cli, counts.held), cli_count(cli, counts.without_id),
			cli_count(cli, counts.problems));
	return counts.problems > 0 ? CLI_NO : CLI_OK;
}

const struct verb verb_sightings = {"sightings", "FINDINGS...",
	"pack findings as STIX sightings for the coalition",
	"Takes the ecs form that serai watch writes. Counts and times by indicator leave the site, "
	"nothing\n"
	"else, unless asked for. The bundle goes back with serai push, serai import or on a "
	"medium.",
	1, ARGS_ANY, OPTIONS(sightings_options_rows), sightings_run};

/* ---- pattern match --------------------------------------------------------------------------- */

static const struct option_row match_options_rows[] = {
	{"pattern",  'p', OPTION_TEXT, "PATTERN", "a STIX pattern"   },
	{"observed", 'o', OPTION_TEXT, "FILE",
         "a bundle, or a list of bundles or observed-data (-: input)"},
};

/* Status as in matchers of the field: 0 matched, 1 not, 2 error. */
static enum cli_status match_run(struct cli *cli)
{
	const char *text = cli_text(cli, "pattern"), *path = cli_text(cli, "observed");
	struct pattern_observations *observations = pattern_observations_new();
	struct pattern *pattern = NULL;
	struct buf json = BUF_INIT;
	struct slice *ids = NULL;
	size_t ids_count = 0;
	bool matched = false;
	enum err_kind kind = OK;
	struct err e;

	if (text == NULL || path == NULL) {
		pattern_observations_free(observations);
		return cli_usage(cli, "expected --pattern PATTERN and --observed FILE");
	}
	if (observations == NULL)
		kind = err_set(&e, ERR_NOMEM, "out of memory");
	if (kind == OK)
		kind = pattern_new(slice_of(text), &pattern, &e);
	if (kind == OK)
		kind = file_read(path, JSON_DOCUMENT_MAX, &json, &e);
	if (kind == OK)
		kind = pattern_observations_add(observations, buf_slice(&json), &e);
	if (kind == OK)
		kind = pattern_match(
			pattern, observations, &matched, cli->arena, &ids, &ids_count, &e);
	buf_fini(&json);
	pattern_free(pattern);
	if (kind != OK) {
		pattern_observations_free(observations);
		(void)cli_fail(cli, &e);
		return CLI_USAGE;
	}
	if (cli->json) {
		struct buf out = BUF_INIT;
		struct json_writer w = JSON_WRITER(&out);

		json_write_object(&w);
		json_member_bool(&w, "matched", matched);
		json_write_name(&w, "observations");
		json_write_array(&w);
		for (size_t i = 0; i < ids_count; i++)
			json_write_string(&w, ids[i]);
		json_write_end(&w, ']');
		json_write_end(&w, '}');
		cli_print_line(&out);
	} else if (!cli->quiet) {
		puts(matched ? "matched" : "not matched");
		for (size_t i = 0; i < ids_count; i++) {
			fputs("  ", stdout);
			cli_print_safe(ids[i], 0);
			putchar('\n');
		}
	}
	pattern_observations_free(observations);
	return matched ? CLI_OK : CLI_NO;
}

const struct verb verb_pattern_match = {"pattern match", "",
	"say whether a STIX pattern matches given observations",
	"Status 0: matched, 1: not matched, 2: error.", 0, 0, OPTIONS(match_options_rows),
	match_run};
