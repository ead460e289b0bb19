/* SPDX-License-Identifier: MPL-2.0 */
/* Parses arguments, looks up a row, returns its result. */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"

const struct verb *const cli_verbs[] = {
	/* a node */
	&verb_init,
	&verb_serve,
	&verb_user_add,
	&verb_user_list,
	&verb_user_remove,
	&verb_user_grant,
	&verb_user_token,
	&verb_collection_add,
	&verb_collection_list,
	&verb_collection_set,
	&verb_collection_remove,
	/* intelligence in it */
	&verb_import,
	&verb_export,
	&verb_search,
	&verb_show,
	&verb_stats,
	&verb_verify,
	&verb_evidence,
	&verb_policy_dry_run,
	/* transparency logs */
	&verb_log_show,
	&verb_log_prove,
	&verb_log_verify,
	&verb_log_tiles,
	/* the coalition: files and offline keys */
	&verb_member_root,
	&verb_member_card,
	&verb_member_charter,
	&verb_member_decision,
	&verb_member_sign,
	&verb_member_show,
	&verb_member_quorum,
	/* the coalition: what a node is asked */
	&verb_member_found,
	&verb_member_publish,
	&verb_status,
	&verb_peer,
	&verb_withdraw,
	&verb_withdrawals,
	&verb_prove,
	&verb_explain,
	&verb_releases,
	&verb_deletions,
	&verb_bundle_export,
	&verb_bundle_import,
	&verb_rehearse,
	/* other nodes */
	&verb_remote,
	&verb_pull,
	&verb_push,
	/* files */
	&verb_check,
	&verb_id,
	&verb_canon,
	&verb_pattern_check,
	&verb_pattern_match,
	&verb_policy_check,
	&verb_policy_explain,
	&verb_policy_who,
	&verb_policy_diff,
	&verb_index,
	&verb_watch,
	&verb_hunt,
	&verb_sightings,
	/* itself */
	&verb_formats,
	&verb_help,
	&verb_version,
	&verb_man,
	&verb_completion,
};
const size_t cli_verbs_count = COUNT_OF(cli_verbs);

const struct option_row cli_common[] = {
	{"node",  'C', OPTION_TEXT, "FOLDER",
         "the node's folder (else $SERAI_NODE, else /var/lib/serai)"             },
	{"json",  'j', OPTION_FLAG, NULL,     "answer in JSON, one object a line"},
	{"quiet", 'q', OPTION_FLAG, NULL,     "no progress and no summary"       },
	{"help",  'h', OPTION_FLAG, NULL,     "say how this verb is used"        },
};
const size_t cli_common_count = COUNT_OF(cli_common);

/* The verb with the most words that fit the front of the arguments. */
static const struct verb *verb_find(int argc, char **argv, unsigned *ret_words)
{
	const struct verb *found = NULL;

	*ret_words = 0;
	for (size_t i = 0; i < cli_verbs_count; i++) {
		struct slice rest = slice_of(cli_verbs[i]->name), word;
		unsigned words = 0;
		bool fits = true;

		while (fits && slice_next(&rest, ' ', &word)) {
			fits = (int)words + 1 < argc && slice_is(word, argv[words + 1]);
			words++;
		}
		if (fits && words > *ret_words) {
			found = cli_verbs[i];
			*ret_words = words;
		}
	}
	return found;
}

/* Row k of the verb's options followed by the common ones. */
static const struct option_row *option_at(const struct verb *verb, size_t k)
{
	if (k < verb->options_count)
		return &verb->options[k];
	k -= verb->options_count;
	return k < cli_common_count ? &cli_common[k] : NULL;
}

static const struct option_row *option_find(
	const struct verb *verb, struct slice name, char letter, size_t *ret_k)
{
	const struct option_row *row;

	for (size_t k = 0; (row = option_at(verb, k)) != NULL; k++) {
		if (letter != 0 ? row->letter == letter : slice_is(name, row->name)) {
			*ret_k = k;
			return row;
		}
	}
	return NULL;
}

/* --name, --name=value, --name value, -n, -n value, -nvalue. Returns the arguments used, 0 on
 * error. */
static int option_take(struct cli *cli, int left, char **argv)
{
	struct slice whole = slice_of(argv[0]), name = {0};
	const char *value = NULL;
	const struct option_row *row;
	char letter = 0;
	size_t k = 0;

	if (slice_starts(whole, SLICE("--"))) {
		size_t equals = slice_find(whole, '=', 2);

		name = slice_cut(whole, 2, equals);
		if (equals < whole.len)
			value = argv[0] + equals + 1;
	} else {
		letter = argv[0][1];
		if (argv[0][2] != '\0')
			value = argv[0] + 2;
	}
	row = option_find(cli->verb, name, letter, &k);
	if (row == NULL) {
		cli_usage(cli, "no option %s; try: serai help %s", argv[0], cli->verb->name);
		return 0;
	}
	if (row->kind == OPTION_FLAG) {
		if (value != NULL) {
			cli_usage(cli, "%s takes no value", argv[0]);
			return 0;
		}
		cli->values[k] = "";
		return 1;
	}
	if (value != NULL) {
		cli->values[k] = value;
		return 1;
	}
	if (left < 2) {
		cli_usage(cli, "%s wants %s", argv[0], row->argument);
		return 0;
	}
	cli->values[k] = argv[1];
	return 2;
}

static bool arguments_take(struct cli *cli, int argc, char **argv)
{
	bool options_over = false;

	for (int i = 0; i < argc;) {
		if (!options_over && strcmp(argv[i], "--") == 0) {
			options_over = true;
			i++;
		} else if (!options_over && argv[i][0] == '-' && argv[i][1] != '\0') {
			int used = option_take(cli, argc - i, argv + i);

			if (used == 0)
				return false;
			i += used;
		} else {
			cli->args[cli->args_count++] = argv[i++];
		}
	}
	return true;
}

static void terminal_look(struct cli *cli)
{
	const char *term = getenv("TERM");
	struct winsize size;

	cli->terminal = isatty(STDERR_FILENO) == 1;
	if (isatty(STDOUT_FILENO) != 1)
		return;
	cli->colour = getenv("NO_COLOR") == NULL && term != NULL && strcmp(term, "dumb") != 0;
	cli->width = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
		cli->width = size.ws_col;
}

static enum cli_status run(struct cli *cli, int argc, char **argv)
{
	const struct verb *verb;
	unsigned words;
	size_t rows = 0;

	verb = verb_find(argc, argv, &words);
	if (verb == NULL) {
		if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
			cli_help(cli, NULL);
			return argc < 2 ? CLI_USAGE : CLI_OK;
		}
		if (strcmp(argv[1], "--version") == 0)
			return verb_version.run(cli);
		/* "policy", "policy --help": what begins so; "policy foo" is no verb. */
		if ((argc == 2 || argv[2][0] == '-') && cli_help_group(slice_of(argv[1])))
			return argc == 2 ? CLI_USAGE : CLI_OK;
		if (argc > 2 && argv[2][0] != '-')
			return cli_usage(cli, "no verb \"%s %s\"; try: serai help %s", argv[1],
				argv[2], argv[1]);
		return cli_usage(cli, "no verb \"%s\"; try: serai help", argv[1]);
	}
	cli->verb = verb;
	while (option_at(verb, rows) != NULL)
		rows++;
	cli->values = arena_zalloc(cli->arena, (rows + 1) * sizeof(*cli->values));
	cli->args = arena_zalloc(cli->arena, ((size_t)argc + 1) * sizeof(*cli->args));
	if (cli->values == NULL || cli->args == NULL)
		return CLI_FAILED;
	if (!arguments_take(cli, argc - 1 - (int)words, argv + 1 + words))
		return CLI_USAGE;
	if (cli_flag(cli, "help")) {
		cli_help(cli, verb);
		return CLI_OK;
	}
	cli->json = cli_flag(cli, "json");
	cli->quiet = cli_flag(cli, "quiet");
	if (cli->args_count < verb->args_min || cli->args_count > verb->args_max)
		return cli_usage(cli, "expected: serai %s %s", verb->name, verb->arguments);
	return verb->run(cli);
}

int main(int argc, char **argv)
{
	struct cli cli = {.world = world_real(), .arena = arena_new(MIB(256))};
	enum cli_status status;

	if (cli.arena == NULL)
		return CLI_FAILED;
	terminal_look(&cli);
	status = run(&cli, argc, argv);
	/* An answer that did not reach its reader is no answer. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		if (status == CLI_OK)
			status = CLI_FAILED;
	}
	arena_free(cli.arena);
	return (int)status;
}
