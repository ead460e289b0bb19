/* SPDX-License-Identifier: MPL-2.0 */
/* serai remote, pull, push: talking to other TAXII servers. */
#include <signal.h>
#include <stdlib.h>

#include "cli.h"

#define PULL_COLLECTIONS_MAX 16

#define CREDENTIAL_OPTIONS                                                                         \
	{"user", 'u', OPTION_TEXT, "NAME", "account there"},                                       \
		{"password-file", 'p', OPTION_TEXT, "FILE",                                        \
			"its password (else $SERAI_PASSWORD)"},                                    \
		{"token-file", 0, OPTION_TEXT, "FILE", "bearer token (else $SERAI_TOKEN)"},        \
		{"certificate", 0, OPTION_TEXT, "FILE", "client certificate, PEM"},                \
		{"key", 0, OPTION_TEXT, "FILE", "its private key, PEM"},                           \
		{"ca", 0, OPTION_TEXT, "FILE", "trust only these authorities"},                    \
		{"pin", 0, OPTION_TEXT, "sha256//…", "trust only this server key"},                \
	{                                                                                          \
		"insecure", 0, OPTION_FLAG, NULL,                                                  \
			"do not verify the server: first contact and tests"                        \
	}

static volatile sig_atomic_t stop_asked;

static void stop_ask(int number)
{
	(void)number;
	stop_asked = 1;
}

/* First line of a file, or an environment variable; NULL when neither is there. */
static enum err_kind secret_get(struct cli *cli, const char *option, const char *variable,
	const char **ret_secret, struct err *e)
{
	const char *file = cli_text(cli, option);
	struct buf text = BUF_INIT;
	enum err_kind kind;
	size_t end;

	*ret_secret = getenv(variable);
	if (file == NULL)
		return OK;
	kind = file_read(file, KIB(8), &text, e);
	if (kind == OK) {
		end = slice_find(buf_slice(&text), '\n', 0);
		*ret_secret =
			arena_string(cli->arena, slice_trim(slice_cut(buf_slice(&text), 0, end)));
		if (*ret_secret == NULL)
			kind = err_set(e, ERR_NOMEM, "out of memory");
	}
	if (text.len > 0)
		secret_wipe(text.data, text.len);
	buf_fini(&text);
	return kind;
}

static enum err_kind client_open(struct cli *cli, struct http_client **ret_client, struct err *e)
{
	const char *user = cli_text(cli, "user"), *password, *token;
	struct http_client_config config = {
		.ca_file = cli_text(cli, "ca"),
		.pin = cli_text(cli, "pin"),
		.certificate_file = cli_text(cli, "certificate"),
		.key_file = cli_text(cli, "key"),
		.insecure = cli_flag(cli, "insecure"),
	};
	enum err_kind kind = secret_get(cli, "password-file", "SERAI_PASSWORD", &password, e);

	if (kind == OK)
		kind = secret_get(cli, "token-file", "SERAI_TOKEN", &token, e);
	if (kind != OK)
		return kind;
	if (user != NULL) {
		struct slice pair;

		if (password == NULL)
			return err_set(e, ERR_USAGE,
				"--user without a password: use --password-file or "
				"$SERAI_PASSWORD");
		pair = arena_printf(cli->arena, "%s:%s", user, password);
		if (pair.data == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		config.user = pair.data;
	} else {
		config.token = token;
	}
	return http_client_new(&config, ret_client, e);
}

/* ---- remote ---------------------------------------------------------------------------------- */

static const struct option_row remote_options[] = {CREDENTIAL_OPTIONS};

static enum cli_status remote_run(struct cli *cli)
{
	static const char *const heads[] = {"read", "write", "url", "title"};
	struct taxii_remote_collection *list;
	struct http_client *client = NULL;
	struct table table;
	size_t count = 0;
	struct err e;
	enum err_kind kind = client_open(cli, &client, &e);

	if (kind == OK)
		kind = taxii_discover(client, cli->args[0], cli->arena, &list, &count, &e);
	http_client_free(client);
	if (kind != OK)
		return cli_fail(cli, &e);
	table_start(&table, cli, heads, COUNT_OF(heads));
	for (size_t i = 0; i < count; i++) {
		const struct taxii_remote_collection *c = &list[i];

		if (cli->json) {
			struct buf out = BUF_INIT;
			struct json_writer w = JSON_WRITER(&out);

			json_write_object(&w);
			json_member_string(&w, "url", c->url);
			json_member_string(&w, "id", c->id);
			json_member_string(&w, "title", c->title);
			json_member_string(&w, "description", c->description);
			json_member_bool(&w, "can_read", c->can_read);
			json_member_bool(&w, "can_write", c->can_write);
			json_write_end(&w, '}');
			cli_print_line(&out);
		} else {
			struct slice cells[] = {c->can_read ? SLICE("yes") : SLICE("no"),
				c->can_write ? SLICE("yes") : SLICE("no"), c->url, c->title};

			table_row(&table, cells);
		}
	}
	if (!cli->json)
		table_print(&table);
	return count > 0 ? CLI_OK : CLI_NO;
}

const struct verb verb_remote = {"remote", "URL", "list the collections of another TAXII server",
	NULL, 1, 1, OPTIONS(remote_options), remote_run};

/* ---- pull ------------------------------------------------------------------------------------ */

static const struct option_row pull_options[] = {
	{"to",         't', OPTION_TEXT, "COLLECTION,…",
         "into these (else one beside the remote's, same title)"                                          },
	{"from",       0,   OPTION_TEXT, "MEMBER",         "name of the member behind it (the URL's host)"},
	{"limit",      'n', OPTION_TEXT, "N",              "objects asked for in one page (1000)"         },
	{"from-start", 0,   OPTION_FLAG, NULL,             "forget the saved cursor"                      },
	{"tolerant",   0,   OPTION_FLAG, NULL,             "keep objects that break a MUST, and tell each"},
	CREDENTIAL_OPTIONS,
};

struct pulling {
	struct cli *cli;
	struct progress progress;
};

static void pull_refused(void *context, const struct intel_verdict *v)
{
	struct pulling *p = context;

	progress_end(&p->progress);
	cli_warn(p->cli, "%s: %.*s: %.*s",
		v->tolerated ? "tolerated" : intel_outcome_name(v->outcome), SLICE_ARG(v->id),
		SLICE_ARG(v->message));
}

static bool pull_progress(void *context, const struct intel_counts *counts, uint64_t pages)
{
	struct pulling *p = context;

	(void)pages;
	progress_show(&p->progress, 0, 0, counts->objects);
	return !stop_asked;
}

static void pull_warned(void *context, const char *what)
{
	struct pulling *p = context;

	progress_end(&p->progress);
	cli_warn(p->cli, "the server: %s", what);
}

static struct slice host_of(struct slice url)
{
	size_t at = slice_find_text(url, SLICE("://"));
	struct slice rest = at == url.len ? url : slice_cut(url, at + 3, url.len);

	return slice_cut(rest, 0, slice_find(rest, '/', 0));
}

static void counts_print(struct cli *cli, const struct intel_counts *c, int64_t took_us)
{
	double seconds = (double)took_us / (double)US_PER_SECOND;

	if (cli->json)
		printf("{\"event\":\"pulled\",\"objects\":%llu,\"new\":%llu,\"known\":%llu,"
		       "\"refused\":%llu,"
		       "\"conflict\":%llu,\"bytes\":%llu,\"seconds\":%.3f}\n",
			(unsigned long long)c->objects,
			(unsigned long long)c->by_outcome[INTEL_NEW],
			(unsigned long long)c->by_outcome[INTEL_KNOWN],
			(unsigned long long)c->by_outcome[INTEL_REFUSED],
			(unsigned long long)c->by_outcome[INTEL_CONFLICT],
			(unsigned long long)c->bytes, seconds);
	else
		printf("%s objects: %s new, %s known, %s refused, %s in conflict; %s in %.2f s, %s "
		       "objects/s\n",
			cli_count(cli, c->objects), cli_count(cli, c->by_outcome[INTEL_NEW]),
			cli_count(cli, c->by_outcome[INTEL_KNOWN]),
			cli_count(cli, c->by_outcome[INTEL_REFUSED]),
			cli_count(cli, c->by_outcome[INTEL_CONFLICT]), cli_bytes(cli, c->bytes),
			seconds,
			cli_count(cli, (uint64_t)(seconds > 0 ? (double)c->objects / seconds : 0)));
}

static enum cli_status pull_run(struct cli *cli)
{
	const char *to = cli_text(cli, "to"), *from = cli_text(cli, "from");
	int64_t collections[PULL_COLLECTIONS_MAX];
	struct pulling pulling = {.cli = cli};
	struct taxii_pull job = {.url = cli->args[0]};
	struct intel_counts counts = {0};
	struct slice rest = slice_of(to), name;
	uint64_t limit;
	int64_t start;
	struct node n;
	struct err e;
	enum err_kind kind;

	if (!cli_number(cli, "limit", 1000, 1, 1000000, &limit))
		return CLI_USAGE;
	if (node_open(cli_node(cli), STORE_WRITE, cli->world, &n, &e) != OK)
		return cli_fail(cli, &e);
	kind = client_open(cli, &job.http, &e);
	while (kind == OK && slice_next(&rest, ',', &name)) {
		struct store_collection c;
		bool found = false;

		kind = store_collection_get(n.store, name, cli->arena, &c, &found, &e);
		if (kind == OK && (!found || job.source.collections_count == PULL_COLLECTIONS_MAX))
			kind = err_set(&e, ERR_USAGE, "no collection \"%.*s\"", SLICE_ARG(name));
		if (kind == OK)
			collections[job.source.collections_count++] = c.number;
	}
	job.source.collections = collections;
	job.source.member = from != NULL ? slice_of(from) : host_of(slice_of(cli->args[0]));
	job.source.tolerant = cli_flag(cli, "tolerant");
	job.limit = (unsigned)limit;
	job.source.tolerant = cli_flag(cli, "tolerant");
	job.from_start = cli_flag(cli, "from-start");
	job.once = true;
	job.refused = pull_refused;
	job.progress = pull_progress;
	job.warned = pull_warned;
	job.context = &pulling;
	signal(SIGINT, stop_ask);
	signal(SIGTERM, stop_ask);
	start = world_monotonic(cli->world);
	progress_start(&pulling.progress, cli, "pull");
	if (kind == OK)
		kind = taxii_pull_run(n.intel, &job, &counts, &e);
	progress_end(&pulling.progress);
	if (!cli->quiet)
		counts_print(cli, &counts, world_monotonic(cli->world) - start);
	http_client_free(job.http);
	if (kind == OK)
		kind = store_index_text(n.store, &e);
	node_close(&n);
	if (kind != OK)
		return cli_fail(cli, &e);
	if (stop_asked) {
		cli_warn(cli, "stopped; the next pull goes on from here");
		return CLI_FAILED;
	}
	return counts.by_outcome[INTEL_REFUSED] + counts.by_outcome[INTEL_CONFLICT] > 0 ? CLI_NO
											: CLI_OK;
}

const struct verb verb_pull = {"pull", "URL", "take in what is new at another TAXII server",
	"URL is that of a collection, or of a server or API root: then every readable collection.\n"
	"The place reached is kept with the objects in one transaction: nothing is lost or taken "
	"twice,\n"
	"also after a kill.",
	1, 1, OPTIONS(pull_options), pull_run};

/* ---- push ------------------------------------------------------------------------------------ */

static const struct option_row push_options[] = {
	{"query",      'Q', OPTION_TEXT, "QUERY", "only what this search finds"                           },
	{"for",        'F', OPTION_TEXT, "WHOM",  "member (default), public, or self: everything, RED too"},
	{"from-start", 0,   OPTION_FLAG, NULL,    "forget the saved cursor"                               },
	CREDENTIAL_OPTIONS,
};

static void push_refused(void *context, struct slice id, struct slice message)
{
	struct pulling *p = context;

	progress_end(&p->progress);
	cli_warn(p->cli, "not taken: %.*s: %.*s", SLICE_ARG(id), SLICE_ARG(message));
}

static bool push_progress(void *context, uint64_t objects, uint64_t bytes)
{
	struct pulling *p = context;

	(void)bytes;
	progress_show(&p->progress, 0, 0, objects);
	return !stop_asked;
}

static enum cli_status push_run(struct cli *cli)
{
	const char *to = cli_text(cli, "for"), *query = cli_text(cli, "query");
	struct pulling pulling = {.cli = cli};
	struct taxii_push job = {.url = cli->args[0], .to.reach = INTEL_MEMBER};
	struct taxii_push_counts counts = {0};
	struct store_search search;
	struct node n;
	struct err e;
	enum err_kind kind = OK;

	if (to != NULL && strcmp(to, "public") == 0)
		job.to.reach = INTEL_PUBLIC;
	else if (to != NULL && strcmp(to, "self") == 0)
		job.to.reach = INTEL_OPERATOR;
	else if (to != NULL && strcmp(to, "member") != 0)
		return cli_usage(cli, "--for \"%s\": expected member, public or self", to);
	if (query != NULL) {
		if (intel_query_parse(slice_of(query), cli->arena, &search, &e) != OK)
			return cli_fail(cli, &e);
		job.search = &search;
	}
	if (node_open(cli_node(cli), STORE_WRITE, cli->world, &n, &e) != OK)
		return cli_fail(cli, &e);
	kind = client_open(cli, &job.http, &e);
	job.from_start = cli_flag(cli, "from-start");
	job.refused = push_refused;
	job.progress = push_progress;
	job.context = &pulling;
	signal(SIGINT, stop_ask);
	signal(SIGTERM, stop_ask);
	progress_start(&pulling.progress, cli, "push");
	if (kind == OK)
		kind = taxii_push_run(n.intel, &job, &counts, &e);
	progress_end(&pulling.progress);
	if (!cli->quiet && cli->json)
		printf("{\"event\":\"pushed\",\"objects\":%llu,\"accepted\":%llu,\"failed\":%llu,"
		       "\"pending\":%llu,\"withheld\":%llu,\"bytes\":%llu}\n",
			(unsigned long long)counts.objects, (unsigned long long)counts.accepted,
			(unsigned long long)counts.failed, (unsigned long long)counts.pending,
			(unsigned long long)counts.withheld, (unsigned long long)counts.bytes);
	else if (!cli->quiet)
		printf("%s objects: %s taken, %s refused there, %s pending; %s withheld; %s in %s "
		       "requests\n",
			cli_count(cli, counts.objects), cli_count(cli, counts.accepted),
			cli_count(cli, counts.failed), cli_count(cli, counts.pending),
			cli_count(cli, counts.withheld), cli_bytes(cli, counts.bytes),
			cli_count(cli, counts.posts));
	http_client_free(job.http);
	node_close(&n);
	if (kind != OK)
		return cli_fail(cli, &e);
	return counts.failed > 0 ? CLI_NO : CLI_OK;
}

const struct verb verb_push = {"push", "URL",
	"send what is new here to a collection of another server",
	"What may not go to the recipient is withheld whole and counted.", 1, 1,
	OPTIONS(push_options), push_run};
