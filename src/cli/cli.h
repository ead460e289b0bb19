/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The command line: one row per verb, one row per option; parser, help, man page and completion
 * read the rows.
 */
#ifndef CLI_H
#define CLI_H

#include "base/base.h"
#include "intel/intel.h"
#include "node/node.h"

/* Exit statuses, in `serai help` and the man page. */
enum cli_status {
	CLI_OK = 0,    /* done, and the answer is yes */
	CLI_NO = 1,    /* done, but some of it was refused, or the answer is no */
	CLI_USAGE = 2, /* not understood; nothing was done */
	CLI_FAILED = 3 /* not done: the message says why */
};

enum option_kind { OPTION_FLAG, OPTION_TEXT };

struct option_row {
	const char *name; /* "output" for --output */
	char letter;      /* 'o' for -o; 0: none */
	enum option_kind kind;
	const char *argument; /* "FILE", for help */
	const char *says;
};

struct cli;

struct verb {
	const char *name;      /* "user add" */
	const char *arguments; /* "NAME [FILE...]" */
	const char *says;
	const char *more; /* paragraphs for help; or NULL */
	unsigned args_min, args_max;
	const struct option_row *options;
	size_t options_count;
	enum cli_status (*run)(struct cli *cli);
};

#define ARGS_ANY 100000

struct cli {
	const struct world *world;
	const struct verb *verb;
	const char **args;
	unsigned args_count;
	const char **values; /* by option row; NULL: absent; flags: "" */
	bool json;           /* --json */
	bool quiet;          /* --quiet */
	bool colour;         /* standard output is a terminal that takes colour */
	bool terminal;       /* standard error is a terminal: progress is shown */
	unsigned width;      /* of the terminal; 0: a pipe, do not cut */
	struct arena *arena;
};

/* ---- options --------------------------------------------------------------------------------- */

/* Value of an option of the verb; NULL when absent. */
const char *cli_text(const struct cli *cli, const char *option);
bool cli_flag(const struct cli *cli, const char *option);
/* A whole number; false after printing what was expected. */
bool cli_number(const struct cli *cli, const char *option, uint64_t preset, uint64_t least,
	uint64_t most, uint64_t *ret_value);
/* The node's folder: --node, SERAI_NODE, else /var/lib/serai. */
const char *cli_node(const struct cli *cli);

/* --members: from a file (one a line, # comments) or a list with commas. */
enum err_kind cli_members(
	struct cli *cli, struct policy_parties *ret_parties, struct err *e) MUST_USE;

/* ---- talking --------------------------------------------------------------------------------- */

/* "serai import: text" on standard error; returns the status for the kind. */
enum cli_status cli_fail(const struct cli *cli, const struct err *e);
enum cli_status cli_usage(const struct cli *cli, const char *format, ...) PRINTF(2, 3);
void cli_warn(const struct cli *cli, const char *format, ...) PRINTF(2, 3);

enum cli_colour { COLOUR_BOLD, COLOUR_RED, COLOUR_GREEN, COLOUR_YELLOW, COLOUR_DIM };
/* Print in colour when the terminal takes it; control characters in the text become '?'. */
void cli_colour(const struct cli *cli, enum cli_colour colour, struct slice text);
/* Text of foreign origin: control characters become '?'; cut to `columns` when not 0. */
void cli_print_safe(struct slice text, unsigned columns);
/* One line on standard output, and the buffer is no more. */
void cli_print_line(struct buf *line);
/* 12345678 -> "12,345,678", in the arena. */
const char *cli_count(const struct cli *cli, uint64_t value);
const char *cli_bytes(const struct cli *cli, uint64_t bytes); /* "33.9 MB" */
const char *cli_time(const struct cli *cli, int64_t us);      /* seconds digits; "-" for 0 */

/* Progress on a terminal: one line that is drawn over, silent in a pipe. */
struct progress {
	const struct cli *cli;
	const char *what;
	int64_t started_us, shown_us;
	bool drawn;
};
void progress_start(struct progress *p, const struct cli *cli, const char *what);
/* done and total in the same unit (0: unknown total); units as the user counts. */
void progress_show(struct progress *p, uint64_t done, uint64_t total, uint64_t objects);
void progress_end(struct progress *p);

/* A table whose last column takes what is left of the terminal's width; tab-separated in a pipe. */
struct table {
	const struct cli *cli;
	const char *const *heads;
	size_t columns;
	struct slice *cells; /* rows x columns, in the arena */
	size_t rows, capacity;
};
void table_start(struct table *t, const struct cli *cli, const char *const *heads, size_t columns);
bool table_row(struct table *t, const struct slice *cells); /* false: no memory */
void table_print(const struct table *t);

/* ---- verbs ----------------------------------------------------------------------------------- */

extern const struct verb *const cli_verbs[];
extern const size_t cli_verbs_count;
extern const struct option_row cli_common[]; /* every verb takes them */
extern const size_t cli_common_count;

/* `serai verify PROOF`, which shares its name with the check of the store. */
enum cli_status cli_proof_verify(struct cli *cli);

/* The verbs whose first word is this one; false: there are none. */
bool cli_help_group(struct slice first);
void cli_help(const struct cli *cli, const struct verb *verb); /* NULL: of all */
void cli_man(FILE *to);
bool cli_completion(FILE *to, const char *shell);

#define OPTIONS(rows) rows, COUNT_OF(rows)

extern const struct verb verb_init, verb_serve, verb_user_add, verb_user_list, verb_user_remove,
	verb_user_grant, verb_user_token, verb_collection_add, verb_collection_list,
	verb_collection_set, verb_collection_remove, verb_import, verb_export, verb_search,
	verb_show, verb_stats, verb_verify, verb_evidence, verb_log_show, verb_log_prove,
	verb_log_verify, verb_log_tiles, verb_check, verb_id, verb_canon, verb_pattern_check,
	verb_pattern_match, verb_policy_check, verb_policy_explain, verb_policy_who,
	verb_policy_diff, verb_index, verb_watch, verb_sightings, verb_hunt, verb_pull, verb_push,
	verb_remote, verb_formats, verb_help, verb_man, verb_completion, verb_version,
	verb_policy_dry_run, verb_member_root, verb_member_charter, verb_member_decision,
	verb_member_sign, verb_member_show, verb_member_quorum, verb_member_card, verb_member_found,
	verb_member_publish, verb_status, verb_peer, verb_withdraw, verb_withdrawals, verb_prove,
	verb_explain, verb_releases, verb_deletions, verb_bundle_export, verb_bundle_import,
	verb_rehearse;

#endif
