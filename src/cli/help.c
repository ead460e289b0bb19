/* SPDX-License-Identifier: MPL-2.0 */
/* Help, man page and completion, all from the rows of verbs and options. */
#include "cli.h"

#define SERAI_VERSION_TEXT "serai " SERAI_VERSION

static const char statuses[] = "0 done; 1 done, but some of it was refused or the answer is no; 2 "
			       "not understood; 3 not done";

static void option_print(const struct option_row *row)
{
	char left[64];

	if (row->letter != 0)
		snprintf(left, sizeof(left), "-%c, --%s%s%s", row->letter, row->name,
			row->argument != NULL ? " " : "",
			row->argument != NULL ? row->argument : "");
	else
		snprintf(left, sizeof(left), "    --%s%s%s", row->name,
			row->argument != NULL ? " " : "",
			row->argument != NULL ? row->argument : "");
	printf("  %-26s %s\n", left, row->says);
}

void cli_help(const struct cli *cli, const struct verb *verb)
{
	if (verb == NULL) {
		cli_colour(cli, COLOUR_BOLD, SLICE("serai"));
		printf(": exchange threat intelligence, one node per member\n\n");
		for (size_t i = 0; i < cli_verbs_count; i++)
			printf("  %-18s %s\n", cli_verbs[i]->name, cli_verbs[i]->says);
		printf("\nserai help VERB says more. Exit status: %s.\n"
		       "First steps: serai init ~/node; export SERAI_NODE=~/node; serai import "
		       "FILE; "
		       "serai search WORD; serai serve\n",
			statuses);
		return;
	}
	printf("usage: serai %s%s%s [OPTION...]\n\n%s\n", verb->name,
		verb->arguments[0] == '\0' ? "" : " ", verb->arguments, verb->says);
	if (verb->more != NULL)
		printf("\n%s\n", verb->more);
	printf("\noptions:\n");
	for (size_t k = 0; k < verb->options_count; k++)
		option_print(&verb->options[k]);
	for (size_t k = 0; k < cli_common_count; k++)
		option_print(&cli_common[k]);
	printf("\nexit status: %s\n", statuses);
}

bool cli_help_group(struct slice first)
{
	bool any = false;

	for (size_t i = 0; i < cli_verbs_count; i++) {
		struct slice name = slice_of(cli_verbs[i]->name);

		if (!slice_starts(name, first) || name.len <= first.len ||
			name.data[first.len] != ' ')
			continue;
		printf("  %-18s %s\n", cli_verbs[i]->name, cli_verbs[i]->says);
		any = true;
	}
	return any;
}

static enum cli_status help_run(struct cli *cli)
{
	struct buf name = BUF_INIT;

	for (unsigned i = 0; i < cli->args_count; i++)
		buf_printf(&name, "%s%s", i > 0 ? " " : "", cli->args[i]);
	if (name.len == 0) {
		cli_help(cli, NULL);
		return CLI_OK;
	}
	for (size_t i = 0; i < cli_verbs_count; i++) {
		if (slice_is(buf_slice(&name), cli_verbs[i]->name)) {
			cli_help(cli, cli_verbs[i]);
			buf_fini(&name);
			return CLI_OK;
		}
	}
	bool any = cli_help_group(buf_slice(&name));
	if (!any)
		cli_usage(cli, "no verb \"%.*s\"; try: serai help", SLICE_ARG(buf_slice(&name)));
	buf_fini(&name);
	return any ? CLI_OK : CLI_USAGE;
}

const struct verb verb_help = {
	"help", "[VERB]", "say what a verb does", NULL, 0, 3, NULL, 0, help_run};

static enum cli_status version_run(struct cli *cli)
{
	(void)cli;
	printf("%s (store schema %d)\n", SERAI_VERSION_TEXT, STORE_SCHEMA);
	return CLI_OK;
}

const struct verb verb_version = {
	"version", "", "say which Serai this is", NULL, 0, 0, NULL, 0, version_run};

static enum cli_status formats_run(struct cli *cli)
{
	static const char *const heads[] = {"format", "import", "export", "what it is"};
	struct intel_format f;
	struct table table;

	table_start(&table, cli, heads, COUNT_OF(heads));
	for (size_t k = 0; intel_format_get(k, &f); k++) {
		struct slice cells[] = {slice_of(f.name), f.reads ? SLICE("yes") : SLICE("no"),
			f.writes ? SLICE("yes") : SLICE("no"), slice_of(f.says)};

		if (!table_row(&table, cells))
			return CLI_FAILED;
	}
	table_print(&table);
	return CLI_OK;
}

const struct verb verb_formats = {
	"formats", "", "list the formats of import and export", NULL, 0, 0, NULL, 0, formats_run};

/* ---- man page -------------------------------------------------------------------------------- */

/* Text for roff: backslashes and leading dots must not be commands. */
static void roff(FILE *to, const char *text)
{
	bool line_begins = true;

	for (; *text != '\0'; text++) {
		if (line_begins && (*text == '.' || *text == '\''))
			fputs("\\&", to);
		if (*text == '\\')
			fputs("\\e", to);
		else if (*text == '-')
			fputs("\\-", to);
		else
			fputc(*text, to);
		line_begins = *text == '\n';
	}
}

static void roff_options(FILE *to, const struct option_row *rows, size_t count)
{
	for (size_t k = 0; k < count; k++) {
		fprintf(to, ".TP\n");
		if (rows[k].letter != 0)
			fprintf(to, "\\fB\\-%c\\fR, ", rows[k].letter);
		fprintf(to, "\\fB\\-\\-");
		roff(to, rows[k].name);
		fprintf(to, "\\fR");
		if (rows[k].argument != NULL)
			fprintf(to, " \\fI%s\\fR", rows[k].argument);
		fputc('\n', to);
		roff(to, rows[k].says);
		fputc('\n', to);
	}
}

void cli_man(FILE *to)
{
	fprintf(to,
		".TH SERAI 1 \"\" \"%s\" \"Serai\"\n.SH NAME\nserai \\- exchange threat "
		"intelligence, "
		"one node per member\n.SH SYNOPSIS\n.B serai\n.I VERB\n[\\fIoptions\\fR] "
		"[\\fIarguments\\fR]\n.SH DESCRIPTION\n",
		SERAI_VERSION_TEXT);
	roff(to, "A node takes in intelligence as STIX 2.1 (and MISP, Zeek, lists and more), "
		 "checks it "
		 "against every rule of the standard, keeps its exact bytes, finds it again by "
		 "word, value, "
		 "network or relation, and serves it over TAXII 2.1 to whom it may be given.\n");
	fprintf(to, ".SH VERBS\n");
	for (size_t i = 0; i < cli_verbs_count; i++) {
		const struct verb *v = cli_verbs[i];

		fprintf(to, ".SS serai ");
		roff(to, v->name);
		fputc(' ', to);
		roff(to, v->arguments);
		fputc('\n', to);
		roff(to, v->says);
		fputs(".\n", to);
		if (v->more != NULL) {
			fputs(".PP\n.nf\n", to);
			roff(to, v->more);
			fputs("\n.fi\n", to);
		}
		roff_options(to, v->options, v->options_count);
	}
	fprintf(to, ".SH COMMON OPTIONS\n");
	roff_options(to, cli_common, cli_common_count);
	fprintf(to, ".SH EXIT STATUS\n");
	roff(to, statuses);
	fprintf(to, "\n.SH ENVIRONMENT\n.TP\n.B SERAI_NODE\nThe node's folder.\n.TP\n.B "
		    "NO_COLOR\nWhen set, "
		    "no colours.\n.SH FILES\n.TP\n.I /var/lib/serai\nThe node's folder when none "
		    "is named.\n"
		    ".TP\n.I serai.conf\nIn the node's folder: its configuration, every setting "
		    "explained.\n");
}

static enum cli_status man_run(struct cli *cli)
{
	(void)cli;
	cli_man(stdout);
	return CLI_OK;
}

const struct verb verb_man = {
	"man", "", "print the manual page (roff)", NULL, 0, 0, NULL, 0, man_run};

/* ---- completion ------------------------------------------------------------------------------ */

static void complete_words(FILE *to, const struct verb *v)
{
	for (size_t k = 0; k < v->options_count; k++)
		fprintf(to, " --%s", v->options[k].name);
	for (size_t k = 0; k < cli_common_count; k++)
		fprintf(to, " --%s", cli_common[k].name);
}

/* All second words behind the first word of this verb, when it is the first that has it. */
static void complete_second(FILE *to, size_t at)
{
	struct slice rest = slice_of(cli_verbs[at]->name), first, other, word;

	slice_next(&rest, ' ', &first);
	if (rest.data == NULL || rest.len == 0)
		return;
	for (size_t i = 0; i < cli_verbs_count; i++) {
		other = slice_of(cli_verbs[i]->name);
		slice_next(&other, ' ', &word);
		if (i < at && slice_equal(word, first) && other.len > 0)
			return;
	}
	fprintf(to, "\t\t'%.*s '*) words=\"", SLICE_ARG(first));
	for (size_t i = 0; i < cli_verbs_count; i++) {
		other = slice_of(cli_verbs[i]->name);
		slice_next(&other, ' ', &word);
		if (slice_equal(word, first) && other.len > 0)
			fprintf(to, " %.*s", SLICE_ARG(other));
	}
	fprintf(to, "\" ;;\n");
}

static void complete_bash(FILE *to)
{
	fprintf(to, "# bash completion of serai; put it into /etc/bash_completion.d or source it\n"
		    "_serai() {\n\tlocal word=${COMP_WORDS[COMP_CWORD]} words\n"
		    "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\twords=\"");
	for (size_t i = 0; i < cli_verbs_count; i++) {
		struct slice rest = slice_of(cli_verbs[i]->name), first;

		slice_next(&rest, ' ', &first);
		fprintf(to, "%s%.*s", i > 0 ? " " : "", SLICE_ARG(first));
	}
	fprintf(to, "\"\n\telse\n\t\tcase \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n");
	/* two-word verbs first: the pattern of one word would hide them */
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < cli_verbs_count; i++) {
			const struct verb *v = cli_verbs[i];
			bool two = strchr(v->name, ' ') != NULL;

			if (two == (pass == 1))
				continue;
			fprintf(to, two ? "\t\t'%s') words=\"" : "\t\t'%s '*) words=\"", v->name);
			complete_words(to, v);
			fprintf(to, "\" ;;\n");
		}
	}
	/* the second word of two-word verbs */
	for (size_t i = 0; i < cli_verbs_count; i++)
		complete_second(to, i);
	fprintf(to,
		"\t\tesac\n\tfi\n"
		"\tcase $word in\n\t-*|'') COMPREPLY=($(compgen -W \"$words\" -- \"$word\")) ;;\n"
		"\t*) COMPREPLY=($(compgen -W \"$words\" -- \"$word\") $(compgen -f -- \"$word\")) "
		";;\n"
		"\tesac\n}\ncomplete -o filenames -F _serai serai\n");
}

static void complete_fish(FILE *to)
{
	fprintf(to, "# fish completion of serai\n");
	for (size_t i = 0; i < cli_verbs_count; i++) {
		const struct verb *v = cli_verbs[i];
		struct slice rest = slice_of(v->name), first;

		slice_next(&rest, ' ', &first);
		if (rest.data == NULL)
			fprintf(to, "complete -c serai -n __fish_use_subcommand -f -a %s -d '%s'\n",
				v->name, v->says);
		else
			fprintf(to,
				"complete -c serai -n __fish_use_subcommand -f -a %.*s\n"
				"complete -c serai -n '__fish_seen_subcommand_from %.*s' -f -a "
				"%.*s -d '%s'\n",
				SLICE_ARG(first), SLICE_ARG(first), SLICE_ARG(rest), v->says);
		for (size_t k = 0; k < v->options_count; k++)
			fprintf(to,
				"complete -c serai -n '__fish_seen_subcommand_from %.*s' -l %s -d "
				"'%s'\n",
				SLICE_ARG(first), v->options[k].name, v->options[k].says);
	}
}

bool cli_completion(FILE *to, const char *shell)
{
	if (strcmp(shell, "bash") == 0)
		complete_bash(to);
	else if (strcmp(shell, "zsh") == 0) {
		fprintf(to, "#compdef serai\nautoload -U +X bashcompinit && bashcompinit\n");
		complete_bash(to);
	} else if (strcmp(shell, "fish") == 0)
		complete_fish(to);
	else
		return false;
	return true;
}

static enum cli_status completion_run(struct cli *cli)
{
	if (!cli_completion(stdout, cli->args[0]))
		return cli_usage(
			cli, "no completion for \"%s\": expected bash, zsh or fish", cli->args[0]);
	return CLI_OK;
}

const struct verb verb_completion = {"completion", "SHELL",
	"print completion for bash, zsh or fish", NULL, 1, 1, NULL, 0, completion_run};
