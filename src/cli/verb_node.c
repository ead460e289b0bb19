/* SPDX-License-Identifier: MPL-2.0 */
/* serai init, serai serve. */
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"

static const struct option_row init_options[] = {
	{"title",  't', OPTION_TEXT, "TEXT",      "the node's name for people"                           },
	{"listen", 'l', OPTION_TEXT, "ADDR:PORT", "where it will listen (127.0.0.1:6443)"                },
	{"host",   0,   OPTION_TEXT, "NAME",      "name for the self-signed certificate (this machine's)"},
};

static enum cli_status init_run(struct cli *cli)
{
	const char *folder = cli->args_count > 0 ? cli->args[0] : cli_node(cli);
	const char *host = cli_text(cli, "host");
	char name[256], password[64];
	struct err e;

	if (host == NULL) {
		if (gethostname(name, sizeof(name)) != 0)
			snprintf(name, sizeof(name), "localhost");
		name[sizeof(name) - 1] = '\0';
		host = name;
	}
	if (node_init(folder, cli_text(cli, "title"), cli_text(cli, "listen"), host, cli->world,
		    password, &e) != OK)
		return cli_fail(cli, &e);
	if (cli->json) {
		struct buf out = BUF_INIT;
		struct json_writer w = JSON_WRITER(&out);

		json_write_object(&w);
		json_member_text(&w, "folder", folder);
		json_member_text(&w, "account", "admin");
		json_member_text(&w, "password", password);
		json_member_text(&w, "collection", "main");
		json_write_end(&w, '}');
		cli_print_line(&out);
	} else {
		printf("A node was made in %s\n"
		       "  configuration  %s/" NODE_CONFIG_FILE "\n"
		       "  collection     main\n"
		       "  account        admin (administrator)\n"
		       "  password       %s   (shown once, stored only as a hash)\n"
		       "Next: serai import --node %s FILE, then serai serve --node %s\n",
			folder, folder, password, folder, folder);
	}
	secret_wipe(password, sizeof(password));
	return CLI_OK;
}

const struct verb verb_init = {"init", "[FOLDER]",
	"make a node: folder, store, certificate, first account", NULL, 0, 1, OPTIONS(init_options),
	init_run};

static void serve_ready(void *context, unsigned port)
{
	const struct cli *cli = context;

	if (!cli->quiet) {
		printf("serving on port %u\n", port);
		fflush(stdout);
	}
}

static enum cli_status serve_run(struct cli *cli)
{
	struct err e;

	if (node_serve(cli_node(cli), cli->world, serve_ready, cli, &e) != OK)
		return cli_fail(cli, &e);
	return CLI_OK;
}

const struct verb verb_serve = {"serve", "", "serve the node over TAXII 2.1 until SIGTERM",
	"Logs one JSON object a line on standard error. SIGHUP reloads the certificate and the\n"
	"configuration; accounts, rights and collections are always read fresh.",
	0, 0, NULL, 0, serve_run};
