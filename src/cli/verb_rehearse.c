/* SPDX-License-Identifier: MPL-2.0 */
/*
 * serai rehearse: a whole coalition on one machine, with real processes, real TLS and real
 * intelligence, in under a minute. Every sentence of its account is a claim that was checked by
 * asking the nodes; one that does not hold ends it with status 1.
 */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verb_rehearse.h"

#define EXPIRES    "2099-01-01T00:00:00Z"
#define ANSWER_MAX MIB(64) /* bytes of one answer in JSON */
#define FILES_MAX  48      /* taken in at once */
#define RULES_MAX  8

/* Of rehearse_late. */
#define LATE_OBJECTS 3
#define LATE_GREEN   2

const char *const rehearse_names[REHEARSE_MEMBERS] = {"north", "south", "east", "west"};
#define MEMBERS_LIST "north,south,east,west"

/* ---- the account --------------------------------------------------------------------------------
 */

static void account_json(struct rehearsal *r, const char *kind, const char *text, int holds)
{
	struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER(&out);

	json_write_object(&w);
	json_member_i64(&w, "step", r->steps);
	json_member_text(&w, kind, text);
	if (holds >= 0)
		json_member_bool(&w, "holds", holds > 0);
	json_write_end(&w, '}');
	printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
	buf_fini(&out);
}

void rehearse_step(struct rehearsal *r, const char *title)
{
	r->steps++;
	if (r->cli->json) {
		account_json(r, "title", title, -1);
	} else if (!r->cli->quiet) {
		char line[160];

		snprintf(line, sizeof(line), "%s%u. %s", r->steps > 1 ? "\n" : "", r->steps, title);
		if (r->steps > 1)
			putchar('\n');
		cli_colour(r->cli, COLOUR_BOLD, slice_of(line + (r->steps > 1)));
		putchar('\n');
	}
	fflush(stdout);
}

void rehearse_say(struct rehearsal *r, const char *format, ...)
{
	char text[REHEARSE_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (r->cli->json) {
		account_json(r, "says", text, -1);
	} else if (!r->cli->quiet) {
		fputs("       ", stdout);
		cli_print_safe(slice_of(text), 0);
		putchar('\n');
	}
	fflush(stdout);
}

bool rehearse_claim(struct rehearsal *r, bool holds, const char *format, ...)
{
	char text[REHEARSE_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	r->claims++;
	if (!holds) {
		r->broken = true;
		snprintf(r->why, sizeof(r->why), "does not hold: %.400s", text);
	}
	if (r->cli->json) {
		account_json(r, "claim", text, holds);
	} else if (!r->cli->quiet || !holds) {
		fputs("  ", stdout);
		cli_colour(r->cli, holds ? COLOUR_GREEN : COLOUR_RED,
			holds ? SLICE("ok") : SLICE("NO"));
		fputs("   ", stdout);
		cli_print_safe(slice_of(text), 0);
		putchar('\n');
	}
	fflush(stdout);
	return holds;
}

bool rehearse_fail(struct rehearsal *r, const char *format, ...)
{
	va_list args;

	if (r->broken)
		return false; /* the first reason is the reason */
	va_start(args, format);
	vsnprintf(r->why, sizeof(r->why), format, args);
	va_end(args);
	r->broken = true;
	return false;
}

/* ---- small questions ----------------------------------------------------------------------------
 */

static const char *folder_of(struct rehearsal *r, int member)
{
	return rehearse_path(r, "%s", rehearse_names[member]);
}

static const char *count(struct rehearsal *r, uint64_t n)
{
	return cli_count(r->cli, n);
}

/* A count that was told as text: 0, "<5", or the number. */
struct cell {
	uint64_t number;
	bool small;
};

static bool cell_is(struct cell c, uint64_t number)
{
	return c.small ? number > 0 && number < INTEL_CELL_MIN : c.number == number;
}

static struct cell cell_of(struct slice text)
{
	struct cell c = {.small = slice_starts(text, SLICE("<"))};

	for (size_t i = 0; i < text.len && !c.small; i++) {
		if (text.data[i] >= '0' && text.data[i] <= '9')
			c.number = c.number * 10 + (uint64_t)(text.data[i] - '0');
	}
	return c;
}

static const char *cell_text(struct rehearsal *r, struct cell c)
{
	return c.small ? "fewer than 5" : count(r, c.number);
}

struct trial {
	struct cell has, would_have, gains, loses;
};

/* A dry run at one member's store, for each other. */
static bool trial_run(struct rehearsal *r, int at, const char *before, const char *after,
	struct trial trials[REHEARSE_MEMBERS])
{
	struct json_value root, list, one;
	const char *words[] = {"policy", "dry-run", "--json", "--node", folder_of(r, at),
		"--members", MEMBERS_LIST, "--self", rehearse_names[at], "--after", after,
		"--before", before, NULL};

	if (before == NULL)
		words[11] = NULL;
	if (!rehearse_verb(r, CLI_OK, words) || !rehearse_json(r, &root))
		return false;
	if (!json_get(root, "recipients", &list))
		return rehearse_fail(r, "the dry run tells of no recipients");
	for (struct json_iter it = json_iter(list); json_array_next(&it, &one);) {
		for (int m = 0; m < REHEARSE_MEMBERS; m++) {
			if (slice_is(json_get_string(one, "to"), rehearse_names[m]))
				trials[m] = (struct trial){cell_of(json_get_string(one, "has")),
					cell_of(json_get_string(one, "would_have")),
					cell_of(json_get_string(one, "gains")),
					cell_of(json_get_string(one, "loses"))};
		}
	}
	return true;
}

/* What the release log says one member was given by another, by rule. */
struct given {
	char rules[RULES_MAX][32];
	uint64_t counts[RULES_MAX], all;
	size_t rules_count;
};

static void given_add(struct given *g, struct slice rule, uint64_t objects)
{
	size_t k = 0;

	while (k < g->rules_count && !slice_is(rule, g->rules[k]))
		k++;
	if (k == RULES_MAX || rule.len >= sizeof(g->rules[0]))
		return;
	if (k == g->rules_count) {
		memcpy(g->rules[k], rule.data, rule.len);
		g->rules_count++;
	}
	g->counts[k] += objects;
	g->all += objects;
}

static bool given_read(struct rehearsal *r, int from, int to, struct given *g)
{
	struct json_value root, list, one, objects;

	*g = (struct given){0};
	if (!VERB(r, CLI_OK, "releases", "--json", folder_of(r, from), "--to",
		    rehearse_names[to]) ||
		!rehearse_json(r, &root))
		return false;
	if (!json_get(root, "releases", &list))
		return rehearse_fail(r, "the release log tells of no releases");
	for (struct json_iter it = json_iter(list); json_array_next(&it, &one);) {
		if (json_get(one, "objects", &objects))
			given_add(g, json_get_string(one, "rule"), json_count(objects));
	}
	return true;
}

static uint64_t given_by(const struct given *g, const char *rule)
{
	for (size_t k = 0; k < g->rules_count; k++) {
		if (strcmp(g->rules[k], rule) == 0)
			return g->counts[k];
	}
	return 0;
}

/* "675 under R1, 1 under R2" */
static const char *given_text(struct rehearsal *r, const struct given *g)
{
	struct slice text = {0};

	for (size_t k = 0; k < g->rules_count; k++)
		text = arena_printf(r->cli->arena, "%.*s%s%s under %s", SLICE_ARG(text),
			k > 0 ? ", " : "", count(r, g->counts[k]), g->rules[k]);
	return text.data == NULL ? "nothing" : text.data;
}

/* May `to` have this object of `at`'s? The text for people stays in r->out. */
static bool may(struct rehearsal *r, int at, const char *id, int to, bool *ret_may)
{
	if (!VERB(r, CLI_OK, "explain", folder_of(r, at), id, "--to", rehearse_names[to]))
		return false;
	*ret_may = slice_find_text(buf_slice(&r->out), SLICE(": released")) < r->out.len;
	return true;
}

/* The text of the last answer, line by line. */
static void quote(struct rehearsal *r, const char *command, unsigned lines)
{
	struct slice text = buf_slice(&r->out), line;

	rehearse_say(r, "$ %s", command);
	for (unsigned i = 0; i < lines && slice_next(&text, '\n', &line); i++)
		rehearse_say(r, "  %.*s", line.len > 150 ? 150 : (int)line.len, line.data);
}

/* The last line that a verb said on standard error. */
static void quote_error(struct rehearsal *r)
{
	struct slice text = slice_trim(buf_slice(&r->err)), line = {0};

	while (slice_next(&text, '\n', &line))
		;
	rehearse_say(r, "%.*s", SLICE_ARG(line));
}

static bool has_object(struct rehearsal *r, int at, const char *id)
{
	return RUN(r, "prove", folder_of(r, at), id) == CLI_OK;
}

/* ---- waiting ------------------------------------------------------------------------------------
 */

struct expected {
	int at, of;                    /* at this member, of that one's log */
	uint64_t size, opened, policy; /* at least; 0: not asked */
	bool cosigned;                 /* as far as size, by a quorum, and fresh */
	bool ready;                    /* its signer waits for nobody */
};

static bool has_come(struct rehearsal *r, const void *context)
{
	const struct expected *x = context;
	struct rehearse_status s;

	return rehearse_status(r, folder_of(r, x->at), &s) && s.logs[x->of].size >= x->size &&
	       s.logs[x->of].opened >= x->opened && s.policy >= x->policy &&
	       (!x->cosigned || (s.logs[x->of].cosigned >= x->size && s.logs[x->of].good)) &&
	       !(x->ready && s.waiting);
}

static bool expect(struct rehearsal *r, const char *what, struct expected x)
{
	return rehearse_until(r, what, has_come, &x);
}

static bool opened_now(struct rehearsal *r, int at, int of, uint64_t *ret_opened)
{
	struct rehearse_status s;

	if (!rehearse_status(r, folder_of(r, at), &s))
		return false;
	*ret_opened = s.logs[of].opened;
	return true;
}

static bool unreachable(struct rehearsal *r, const void *context)
{
	const struct expected *x = context;
	struct rehearse_status s;

	return rehearse_status(r, folder_of(r, x->at), &s) && !s.reachable[x->of];
}

/* Everybody else wrote that it took the withdrawal. */
static bool acknowledged(struct rehearsal *r, const void *context)
{
	const int *wanted = context; /* [REHEARSE_MEMBERS] */
	struct json_value root, list, one, acks, yes;

	if (!VERB(r, CLI_OK, "withdrawals", "--json", folder_of(r, NORTH)) ||
		!rehearse_json(r, &root) || !json_get(root, "withdrawals", &list))
		return false;
	for (struct json_iter it = json_iter(list); json_array_next(&it, &one);) {
		for (int m = 0; m < REHEARSE_MEMBERS; m++) {
			if (wanted[m] && !(json_get(one, "acknowledged", &acks) &&
						 json_get(acks, rehearse_names[m], &yes) &&
						 json_is_true(yes)))
				return false;
		}
	}
	return json_count(list) > 0;
}

/* ---- files between members ----------------------------------------------------------------------
 */

static const char *bundle_of(struct rehearsal *r, int from, int to)
{
	return rehearse_path(r, "%s-to-%s.bundle", rehearse_names[from], rehearse_names[to]);
}

static bool carry(struct rehearsal *r, int from, int to)
{
	return VERB(r, CLI_OK, "bundle", "export", folder_of(r, from), "--to", rehearse_names[to],
		       "--output", bundle_of(r, from, to)) &&
	       VERB(r, CLI_OK, "bundle", "import", folder_of(r, to), bundle_of(r, from, to));
}

/* ---- 1. nodes and keys --------------------------------------------------------------------------
 */

static bool node_make(struct rehearsal *r, int m)
{
	const char *name = rehearse_names[m];
	const char *listen = arena_printf(r->cli->arena, "127.0.0.1:%u", r->ports[m]).data;
	struct json_value root;

	if (!VERB(r, CLI_OK, "init", "--json", "--title", name, "--listen", listen, "--host",
		    "127.0.0.1", folder_of(r, m)) ||
		!rehearse_json(r, &root) ||
		!rehearse_write(r, rehearse_path(r, "%s.password", name),
			json_get_string(root, "password")))
		return false;
	return VERB(r, CLI_OK, "member", "root", rehearse_path(r, "offline/%s.key", name), "--name",
		name);
}

/* West has neither an address nor a certificate: nobody reaches it, and nobody would answer it. */
static bool card_make(struct rehearsal *r, int m)
{
	const char *name = rehearse_names[m];
	const char *key = arena_string(r->cli->arena, slice_trim(buf_slice(&r->out)));
	const char *address =
		m == WEST ? ""
			  : arena_printf(r->cli->arena, "https://127.0.0.1:%u", r->ports[m]).data;
	struct buf conf = BUF_INIT;
	struct err e;
	bool good;

	if (!VERB(r, CLI_OK, "member", "card", folder_of(r, m), "--root", key, "--title", name,
		    "--address", address, "--output", rehearse_path(r, "%s.card", name)))
		return false;
	if (m != WEST)
		return true;
	if (file_read(rehearse_path(r, "west/" NODE_CONFIG_FILE), NODE_CONFIG_MAX, &conf, &e) != OK)
		return rehearse_fail(r, "%s", e.text);
	buf_text(&conf, "\ncertificate = none\nkey = none\n");
	good = rehearse_write(r, rehearse_path(r, "west/" NODE_CONFIG_FILE), buf_slice(&conf));
	buf_fini(&conf);
	return good;
}

static bool step_nodes(struct rehearsal *r)
{
	struct stat secret;

	rehearse_step(r, "Four members, each with a node and keys of its own");
	if (mkdir(rehearse_path(r, "offline"), 0700) != 0)
		return rehearse_fail(r, "could not make a folder: %s", strerror(errno));
	for (int m = 0; m < REHEARSE_MEMBERS; m++) {
		if (!node_make(r, m) || !card_make(r, m))
			return false;
	}
	rehearse_say(r, "north, south and east meet over TLS; west is reached by files only");
	return rehearse_claim(r,
		stat(rehearse_path(r, "offline/north.key"), &secret) == 0 &&
			(secret.st_mode & 0777) == 0600,
		"the members' offline keys are files of their own, that no node reads");
}

/* ---- 2. real intelligence -----------------------------------------------------------------------
 */

static const char *data_folder(void)
{
	const char *data = getenv("SERAI_DATA");

	return data != NULL ? data : "../shared/data";
}

/* Our own samples, of a checkout. */
#define SAMPLES "tests/samples"

static const char *files_find(struct rehearsal *r, glob_t *files)
{
	static const struct {
		const char *pattern;
		bool data; /* below the data folder; else the project's own samples */
	} wanted[] = {
		{"stix/ics-attack-*.json.gz",   true },
		{"misp/eset-*.json.gz",         true },
		{SAMPLES "/stix21-bundle.json", false},
		{SAMPLES "/misp-event.json",    false},
		{SAMPLES "/zeek.intel",         false},
		{SAMPLES "/list.txt",           false},
	};
	bool any = false;

	for (size_t i = 0; i < COUNT_OF(wanted) && (wanted[i].data || files->gl_pathc == 0 || !any);
		i++) {
		struct slice path = wanted[i].data ? arena_printf(r->cli->arena, "%s/%s",
							     data_folder(), wanted[i].pattern)
						   : slice_of(wanted[i].pattern);

		(void)glob(path.data, files->gl_pathc > 0 ? GLOB_APPEND : 0, NULL, files);
		any |= wanted[i].data && files->gl_pathc > 0;
	}
	return any ? "MITRE ATT&CK for ICS, and incidents that ESET published as MISP events"
	       : files->gl_pathc > 0
		       ? "the project's own samples"
		       : "the rehearsal's own few objects alone: there is no data here";
}

static bool take_in(struct rehearsal *r, const char *node, const char *const *files, size_t n)
{
	const char *words[FILES_MAX + 8] = {"import", "--quiet", "--tolerant", "--node", node};
	size_t at = 5;
	int status;

	if (n == 0)
		return true;
	for (size_t i = 0; i < n && i < FILES_MAX; i++)
		words[at++] = files[i];
	words[at] = NULL;
	status = rehearse_run(r, words);
	/* What breaks a rule of its format is refused and told: status 1. */
	return status == CLI_OK || status == CLI_NO ||
	       rehearse_fail(r, "serai import: exit status %d: %s", status, r->err.data);
}

static bool step_data(struct rehearsal *r)
{
	const char *objects = rehearse_path(r, "objects.json"),
		   *west = rehearse_path(r, "west.json");
	glob_t found = {0};
	const char *says = files_find(r, &found);
	struct json_value root;
	bool good;

	rehearse_step(r, "Intelligence at north, some of which must not travel");
	good = rehearse_write(r, objects, slice_of(rehearse_objects)) &&
	       rehearse_write(r, west, slice_of(rehearse_west)) &&
	       take_in(r, folder_of(r, NORTH), (const char *const *)found.gl_pathv,
		       found.gl_pathc) &&
	       take_in(r, folder_of(r, NORTH), &objects, 1) &&
	       take_in(r, folder_of(r, WEST), &west, 1) &&
	       VERB(r, CLI_OK, "stats", "--json", "--node", folder_of(r, NORTH)) &&
	       rehearse_json(r, &root);
	globfree(&found);
	if (!good)
		return false;
	r->taken_in = (uint64_t)rehearse_number(root, "objects");
	rehearse_say(r, "%s", says);
	return rehearse_claim(r, rehearse_number(root, "objects") > 0, "north holds %s objects",
		count(r, r->taken_in));
}

/* ---- 3. the charter -----------------------------------------------------------------------------
 */

static bool step_charter(struct rehearsal *r)
{
	const char *charter = rehearse_path(r, "charter");

	rehearse_step(r, "A charter, signed offline by three of four");
	if (!VERB(r, CLI_OK, "member", "charter", "--name", "Rehearsal", "--threshold", "3",
		    "--expires", EXPIRES, "--output", charter, rehearse_path(r, "north.card"),
		    rehearse_path(r, "south.card"), rehearse_path(r, "east.card"),
		    rehearse_path(r, "west.card")))
		return false;
	for (int m = NORTH; m <= EAST; m++) {
		if (m == EAST &&
			!rehearse_claim(r,
				RUN(r, "member", "found", folder_of(r, NORTH), charter) != CLI_OK,
				"with two signatures no node takes it"))
			return false;
		if (!VERB(r, CLI_OK, "member", "sign", "--quiet", "--key",
			    rehearse_path(r, "offline/%s.key", rehearse_names[m]), charter))
			return false;
	}
	if (!VERB(r, CLI_OK, "member", "show", charter))
		return false;
	quote(r, "serai member show charter", 4);
	for (int m = 0; m < REHEARSE_MEMBERS; m++) {
		if (!VERB(r, CLI_OK, "member", "found", folder_of(r, m), charter))
			return false;
	}
	/* What a thief of disks has, or an old backup: for the end. */
	if (!rehearse_copy(r, folder_of(r, EAST), rehearse_path(r, "stolen/east")) ||
		!rehearse_copy(r, folder_of(r, EAST), rehearse_path(r, "restored/east")) ||
		!rehearse_copy(
			r, rehearse_path(r, "east-keys"), rehearse_path(r, "restored/east-keys")))
		return false;
	return rehearse_claim(r, true, "with three, each of the four nodes takes it");
}

/* ---- 4. they meet -------------------------------------------------------------------------------
 */

static bool step_meet(struct rehearsal *r)
{
	struct rehearse_status s;

	rehearse_step(r, "The nodes start, and meet");
	for (int m = 0; m < REHEARSE_MEMBERS; m++) {
		if (!rehearse_serve(r, folder_of(r, m), &r->nodes[m]))
			return false;
	}
	/* A signer signs nothing until those that can be asked told what they last saw; west by a
	 * file. */
	for (int m = NORTH; m <= EAST; m++) {
		if (!carry(r, WEST, m) || !carry(r, m, WEST))
			return false;
	}
	for (int m = NORTH; m <= EAST; m++) {
		if (!expect(r, "all signers to have their answers",
			    (struct expected){.at = m, .of = m, .ready = true}))
			return false;
	}
	for (int m = SOUTH; m <= EAST; m++) {
		if (!expect(r, "north's log at the others",
			    (struct expected){
				    .at = m, .of = NORTH, .size = r->taken_in, .cosigned = true}))
			return false;
	}
	if (!rehearse_status(r, folder_of(r, SOUTH), &s))
		return false;
	if (!rehearse_claim(r, s.logs[NORTH].size == r->taken_in && s.logs[NORTH].good,
		    "north's log of %s entries is at south and east, cosigned by a quorum",
		    count(r, s.logs[NORTH].size)))
		return false;
	return rehearse_claim(r, s.logs[NORTH].opened == 0,
		"without a policy nothing is given: %s of them opened at south",
		count(r, s.logs[NORTH].opened));
}

/* ---- 5. a policy --------------------------------------------------------------------------------
 */

/* Written, signed offline by three, put into `by`'s log; in force at the three that are connected.
 */
static bool decide(
	struct rehearsal *r, const char *policy, const char *after, int by, uint64_t sequence)
{
	const char *note = rehearse_path(r, "decision-%llu", (unsigned long long)sequence);
	const char *words[] = {"member", "decision", "--charter", rehearse_path(r, "charter"),
		"--output", note, policy, after == NULL ? NULL : "--after", after, NULL};

	if (!rehearse_verb(r, CLI_OK, words))
		return false;
	for (int m = NORTH; m <= EAST; m++) {
		if (!VERB(r, CLI_OK, "member", "sign", "--quiet", "--key",
			    rehearse_path(r, "offline/%s.key", rehearse_names[m]), note))
			return false;
	}
	if (!VERB(r, CLI_OK, "member", "publish", folder_of(r, by), note))
		return false;
	for (int m = NORTH; m <= EAST; m++) {
		if (!expect(r, "the policy to be in force",
			    (struct expected){.at = m, .of = m, .policy = sequence}))
			return false;
	}
	return true;
}

/* Dry run, release log, the recipient's own count: three accounts of one thing. */
static bool received_check(struct rehearsal *r, int to, struct cell expected)
{
	struct given g;
	uint64_t opened;

	if (!expect(r, "objects to arrive",
		    (struct expected){.at = to,
			    .of = NORTH,
			    .opened = expected.small ? 1 : expected.number}) ||
		!given_read(r, NORTH, to, &g) || !opened_now(r, to, NORTH, &opened))
		return false;
	r->opened1[to] = opened;
	r->policy1[to] = g.all;
	return rehearse_claim(r, cell_is(expected, opened) && g.all == opened,
		"%s received %s of %s: %s. The dry run had said %s, north's release log says %s",
		rehearse_names[to], count(r, opened), count(r, r->taken_in), given_text(r, &g),
		cell_text(r, expected), count(r, g.all));
}

static bool step_policy(struct rehearsal *r)
{
	const char *policy = rehearse_path(r, "policy-1.json");
	struct trial trials[REHEARSE_MEMBERS] = {0};
	struct given south, east;

	rehearse_step(r, "A policy is decided, and what each received");
	rehearse_say(r,
		"indicators up to AMBER to all; what was observed in the energy sector to the "
		"affected member alone;");
	rehearse_say(r, "received GREEN may be told on; RED and personal data never; unmarked: no "
			"rule says so");
	if (!rehearse_write(r, policy, slice_of(rehearse_policy_1)) ||
		!VERB(r, CLI_OK, "policy", "check", "--members", MEMBERS_LIST, policy) ||
		!trial_run(r, NORTH, NULL, policy, trials) || !decide(r, policy, NULL, SOUTH, 1) ||
		!received_check(r, SOUTH, trials[SOUTH].would_have) ||
		!received_check(r, EAST, trials[EAST].would_have) ||
		!given_read(r, NORTH, SOUTH, &south) || !given_read(r, NORTH, EAST, &east))
		return false;
	return rehearse_claim(r, given_by(&south, "R2") == 0 && given_by(&east, "R2") == 1,
		"what was observed at a plant of east went to east alone, under R2");
}

/* ---- 6. withheld, and why -----------------------------------------------------------------------
 */

/* `named`: the rule or attribute that the explanation must name. */
static bool withheld(struct rehearsal *r, const char *id, int to, const char *why,
	const char *named, unsigned lines)
{
	bool allowed, told;

	if (!may(r, NORTH, id, to, &allowed))
		return false;
	told = slice_find_text(buf_slice(&r->out), slice_of(named)) < r->out.len;
	if (lines > 0)
		quote(r,
			arena_printf(r->cli->arena, "serai explain north %s --to %s", id,
				rehearse_names[to])
				.data,
			lines);
	return rehearse_claim(r, !allowed && told && !has_object(r, to, id),
		"%s is not at %s: %s, as the explanation says (%s)", id, rehearse_names[to], why,
		named);
}

static bool step_withheld(struct rehearsal *r)
{
	rehearse_step(r, "What was withheld, and why");
	return withheld(r, REHEARSE_RED, EAST, "RED", "denied by N1", 7) &&
	       withheld(r, REHEARSE_OBSERVED, SOUTH, "south is not affected",
		       "to_affected is false", 10) &&
	       withheld(r, REHEARSE_PERSONAL, SOUTH, "personal data", "denied by N2", 0) &&
	       withheld(r, REHEARSE_UNMARKED, SOUTH, "nobody marked it", "tlp is none", 0) &&
	       rehearse_claim(r,
		       has_object(r, EAST, REHEARSE_OBSERVED) &&
			       has_object(r, SOUTH, REHEARSE_GREEN),
		       "what was allowed is there: the observation at east, a GREEN indicator at "
		       "south");
}

/* ---- 7. an amendment ----------------------------------------------------------------------------
 */

static bool amendment_write(struct rehearsal *r, const char *path)
{
	uint8_t digest[SHA256_LEN];
	struct buf hex = BUF_INIT, text = BUF_INIT;
	bool good;

	hash_sha256(slice_of(rehearse_policy_1), digest);
	hex_append(&hex, digest, sizeof(digest));
	buf_char(&hex, '\0');
	for (const char *at = rehearse_policy_2; *at != '\0'; at++) {
		if (at[0] == '%' && at[1] == 's') {
			buf_text(&text, hex.data);
			at++;
		} else {
			buf_char(&text, *at);
		}
	}
	good = rehearse_write(r, path, buf_slice(&text));
	buf_fini(&hex);
	buf_fini(&text);
	return good;
}

/* Gained and lost, each with a case, by what the text says of each recipient. */
static bool compare(struct rehearsal *r, const char *before, const char *after)
{
	struct slice text, line;
	unsigned gained = 0, lost = 0;

	if (!VERB(r, CLI_NO, "policy", "diff", "--members", MEMBERS_LIST, before, after))
		return false;
	text = buf_slice(&r->out);
	while (slice_next(&text, '\n', &line)) {
		gained += slice_starts(line, SLICE("gained"));
		lost += slice_starts(line, SLICE("lost"));
	}
	quote(r, "serai policy diff policy-1.json policy-2.json", 4);
	return rehearse_claim(r, gained > 0 && lost > 0,
		"compared for all cases: %u gains and %u losses, each with a case that shows it",
		gained, lost);
}

static bool adopted_check(struct rehearsal *r, int to, const struct trial *t)
{
	uint64_t opened, gained;
	struct given g;

	if (!expect(r, "newly allowed objects to arrive",
		    (struct expected){.at = to,
			    .of = NORTH,
			    .opened = r->opened1[to] + (t->gains.small ? 1 : t->gains.number)}) ||
		!given_read(r, NORTH, to, &g) || !opened_now(r, to, NORTH, &opened))
		return false;
	gained = opened - r->opened1[to];
	r->opened2[to] = opened;
	return rehearse_claim(r,
		cell_is(t->gains, gained) && g.all - r->policy1[to] == gained &&
			given_by(&g, "R4") == gained,
		"adopted: %s newly received %s, all under R4; the dry run had said %s",
		rehearse_names[to], count(r, gained), cell_text(r, t->gains));
}

static bool step_amendment(struct rehearsal *r)
{
	const char *before = rehearse_path(r, "policy-1.json");
	const char *after = rehearse_path(r, "policy-2.json");
	struct trial trials[REHEARSE_MEMBERS] = {0};
	bool was, is;

	rehearse_step(r, "An amendment, analysed and tried before it is adopted");
	rehearse_say(r,
		"AMBER indicators to nobody any more; attack patterns and mitigations to all, "
		"unmarked too");
	if (!amendment_write(r, after) || !compare(r, before, after) ||
		!trial_run(r, NORTH, before, after, trials))
		return false;
	for (int m = SOUTH; m <= WEST; m++)
		rehearse_say(r,
			"dry run on north's store: newly shares %s objects with %s, stops %s",
			cell_text(r, trials[m].gains), rehearse_names[m],
			cell_text(r, trials[m].loses));
	if (!may(r, NORTH, REHEARSE_AMBER, SOUTH, &was) ||
		!rehearse_claim(r,
			was && (trials[SOUTH].loses.small || trials[SOUTH].loses.number > 0),
			"an AMBER indicator may still go to south") ||
		!decide(r, after, rehearse_path(r, "decision-1"), EAST, 2) ||
		!adopted_check(r, SOUTH, &trials[SOUTH]) ||
		!adopted_check(r, EAST, &trials[EAST]) ||
		!may(r, NORTH, REHEARSE_AMBER, SOUTH, &is))
		return false;
	return rehearse_claim(r, !is, "the same AMBER indicator may no longer");
}

/* ---- 8. a withdrawal ----------------------------------------------------------------------------
 */

static bool step_withdrawal(struct rehearsal *r)
{
	static const int online[REHEARSE_MEMBERS] = {[SOUTH] = 1, [EAST] = 1};

	rehearse_step(r, "A mistake is withdrawn");
	if (!rehearse_claim(r,
		    has_object(r, SOUTH, REHEARSE_MISTAKE) && has_object(r, EAST, REHEARSE_MISTAKE),
		    "south and east have %s", REHEARSE_MISTAKE) ||
		!VERB(r, CLI_OK, "withdraw", folder_of(r, NORTH), REHEARSE_MISTAKE, "--code",
			"error", "--reason", "a mirror of a distribution, wrongly listed") ||
		!rehearse_until(r, "acknowledgements of south and east", acknowledged, online))
		return false;
	return rehearse_claim(r,
		!has_object(r, SOUTH, REHEARSE_MISTAKE) && !has_object(r, EAST, REHEARSE_MISTAKE),
		"it is gone at both, and each wrote that into its own log; west is still to hear");
}

/* ---- 9. a partition -----------------------------------------------------------------------------
 */

/* An analyst's desk at north posts to the node that serves. */
static bool post_late(struct rehearsal *r)
{
	const char *late = rehearse_path(r, "late.json"), *desk = rehearse_path(r, "desk");
	const char *url = arena_printf(r->cli->arena, "https://127.0.0.1:%u", r->ports[NORTH]).data;

	return rehearse_write(r, late, slice_of(rehearse_late)) &&
	       VERB(r, CLI_OK, "init", "--json", desk) && take_in(r, desk, &late, 1) &&
	       VERB(r, CLI_OK, "push", "--quiet", "--node", desk, "--for", "self", "--user",
		       "admin", "--password-file", rehearse_path(r, "north.password"), "--ca",
		       rehearse_path(r, "north/tls.crt"), url);
}

static bool step_partition(struct rehearsal *r)
{
	struct rehearse_status north, south, east;
	int64_t began;
	bool good;

	rehearse_step(r, "East is cut off, and comes back");
	if (!rehearse_status(r, folder_of(r, NORTH), &north))
		return false;
	rehearse_stop(&r->nodes[EAST]);
	if (!post_late(r) ||
		!expect(r, "what is new at south",
			(struct expected){.at = SOUTH,
				.of = NORTH,
				.size = north.logged + LATE_OBJECTS,
				.opened = r->opened2[SOUTH] + LATE_GREEN}) ||
		!rehearse_until(r, "north to miss east", unreachable,
			&(struct expected){.at = NORTH, .of = EAST}) ||
		!rehearse_status(r, folder_of(r, SOUTH), &south))
		return false;
	good = rehearse_claim(r,
		south.logs[NORTH].size == north.logged + LATE_OBJECTS &&
			south.logs[NORTH].opened == r->opened2[SOUTH] + LATE_GREEN,
		"while east is unreachable, %d new entries of north's log reach south, which may "
		"open %d: one is AMBER",
		LATE_OBJECTS, LATE_GREEN);
	began = world_monotonic(r->cli->world);
	if (!good || !rehearse_serve(r, folder_of(r, EAST), &r->nodes[EAST]) ||
		!expect(r, "east to catch up",
			(struct expected){.at = EAST,
				.of = NORTH,
				.size = south.logs[NORTH].size,
				.opened = r->opened2[EAST] + LATE_GREEN,
				.cosigned = true}) ||
		!rehearse_status(r, folder_of(r, EAST), &east))
		return false;
	return rehearse_claim(r,
		east.logs[NORTH].size == south.logs[NORTH].size && east.logs[NORTH].good,
		"%.1f s after its start east has all %s entries of north's log",
		(double)(world_monotonic(r->cli->world) - began) / (double)US_PER_SECOND,
		count(r, east.logs[NORTH].size));
}

/* ---- 10. by files only --------------------------------------------------------------------------
 */

static bool west_takes(struct rehearsal *r)
{
	for (int m = NORTH; m <= EAST; m++) {
		if (!VERB(r, CLI_OK, "bundle", "export", folder_of(r, m), "--to", "west",
			    "--everything", "--output", bundle_of(r, m, WEST)))
			return false;
	}
	/* Out of order, one of them twice. */
	return VERB(r, CLI_OK, "bundle", "import", folder_of(r, WEST), bundle_of(r, EAST, WEST),
		bundle_of(r, SOUTH, WEST), bundle_of(r, NORTH, WEST), bundle_of(r, SOUTH, WEST));
}

/* One file from west to north; the others have its object from there, or from each other: south may
 * have asked both at once. */
static bool told_on(struct rehearsal *r)
{
	struct given north, east;

	if (!carry(r, WEST, NORTH) ||
		!expect(r, "west's object at south",
			(struct expected){.at = SOUTH, .of = WEST, .opened = 1, .size = 2}) ||
		!given_read(r, NORTH, SOUTH, &north) || !given_read(r, EAST, SOUTH, &east))
		return false;
	return rehearse_claim(r,
		has_object(r, SOUTH, REHEARSE_WEST_GREEN) &&
			given_by(&north, "R3") + given_by(&east, "R3") >= 1,
		"one file from west to north: south has west's GREEN indicator too, told on under "
		"R3");
}

static bool step_files(struct rehearsal *r)
{
	static const int all[REHEARSE_MEMBERS] = {[SOUTH] = 1, [EAST] = 1, [WEST] = 1};
	struct trial trials[REHEARSE_MEMBERS] = {0};
	struct rehearse_status south, west;
	struct given g;
	bool same;

	rehearse_step(r, "West, by files only, both ways");
	if (!west_takes(r) || !rehearse_status(r, folder_of(r, WEST), &west) ||
		!rehearse_status(r, folder_of(r, SOUTH), &south) ||
		!trial_run(r, NORTH, NULL, rehearse_path(r, "policy-2.json"), trials) ||
		!given_read(r, NORTH, WEST, &g))
		return false;
	same = west.logs[NORTH].size == south.logs[NORTH].size && west.policy == 2 &&
	       west.logs[NORTH].good;
	if (!rehearse_claim(r,
		    same && !west.reachable[NORTH] && !west.reachable[SOUTH] &&
			    !west.reachable[EAST],
		    "three files, out of order and one twice: west has north's log of %s entries "
		    "and "
		    "the policy, and reached nobody",
		    count(r, west.logs[NORTH].size)) ||
		!rehearse_claim(r, cell_is(trials[WEST].would_have, g.all),
			"west was given %s objects of north's: %s", count(r, g.all),
			given_text(r, &g)))
		return false;
	if (!told_on(r))
		return false;
	for (int m = SOUTH; m <= EAST; m++) {
		if (!carry(r, WEST, m))
			return false;
	}
	return rehearse_until(r, "everybody's acknowledgement", acknowledged, all) &&
	       rehearse_claim(r, true, "and the withdrawal is acknowledged by everybody, west too");
}

/* ---- 11. an outsider ----------------------------------------------------------------------------
 */

static bool flipped(struct rehearsal *r, const char *from, const char *to, size_t at)
{
	struct buf bytes = BUF_INIT;
	struct err e;
	bool good;

	if (file_read(from, MIB(64), &bytes, &e) != OK)
		return rehearse_fail(r, "%s", e.text);
	if (bytes.len > 0)
		bytes.data[at % bytes.len] ^= 1;
	good = rehearse_write(r, to, buf_slice(&bytes));
	buf_fini(&bytes);
	return good;
}

static bool step_outsider(struct rehearsal *r)
{
	const char *proof = rehearse_path(r, "outsider/proof");
	const char *content = rehearse_path(r, "outsider/content");
	const char *quorum = rehearse_path(r, "outsider/quorum");
	const char *bad = rehearse_path(r, "outsider/content-altered");

	rehearse_step(r, "An outsider, with a proof, the content and public keys");
	if (mkdir(rehearse_path(r, "outsider"), 0700) != 0)
		return rehearse_fail(r, "could not make a folder: %s", strerror(errno));
	if (!VERB(r, CLI_OK, "prove", folder_of(r, SOUTH), REHEARSE_GREEN, "--output", proof,
		    "--content", content) ||
		!VERB(r, CLI_OK, "member", "quorum", rehearse_path(r, "charter"), "north",
			"--output", quorum) ||
		!VERB(r, CLI_OK, "verify", proof, "--content", content, "--quorum", quorum))
		return false;
	quote(r, "serai verify proof --content content --quorum quorum", 1);
	if (!rehearse_claim(r, true,
		    "that an object at south is north's is proved offline, by three files") ||
		!flipped(r, content, bad, 40))
		return false;
	return rehearse_claim(r,
		RUN(r, "verify", proof, "--content", bad, "--quorum", quorum) == CLI_NO,
		"with one bit of the content changed it is not");
}

/* ---- 12. what must fail -------------------------------------------------------------------------
 */

static bool damaged_bundle(struct rehearsal *r)
{
	const char *good = bundle_of(r, NORTH, WEST), *bad = rehearse_path(r, "altered.bundle");
	struct rehearse_status before, after;
	struct stat st;

	if (stat(good, &st) != 0 || !flipped(r, good, bad, (size_t)st.st_size / 2) ||
		!rehearse_status(r, folder_of(r, WEST), &before))
		return rehearse_fail(r, "no bundle");
	if (!rehearse_claim(r, RUN(r, "bundle", "import", folder_of(r, WEST), bad) == CLI_NO,
		    "a bundle with one bit changed is refused"))
		return false;
	quote(r, "serai bundle import west altered.bundle", 1);
	return rehearse_status(r, folder_of(r, WEST), &after) &&
	       rehearse_claim(
		       r, after.logs[NORTH].size == before.logs[NORTH].size, "and changed nothing");
}

/* The folder alone has no keys, so it is nobody. */
static bool stolen_folder(struct rehearsal *r)
{
	int status = RUN(r, "bundle", "export", rehearse_path(r, "stolen/east"), "--to", "west",
		"--output", rehearse_path(r, "stolen/bundle"));

	if (!rehearse_claim(r, status == CLI_USAGE || status == CLI_FAILED,
		    "a stolen folder of east's signs nothing: the keys are not in it"))
		return false;
	quote_error(r);
	return true;
}

/* Two of one folder would be two of one member. */
static bool second_node(struct rehearsal *r)
{
	int status = RUN(r, "serve", "--node", folder_of(r, EAST));

	if (!rehearse_claim(
		    r, status == CLI_FAILED, "a second node on east's own folder does not start"))
		return false;
	quote_error(r);
	return true;
}

static bool copy_caught_up(struct rehearsal *r, const void *context)
{
	const struct rehearse_status *east = context;
	struct rehearse_status s;

	return rehearse_status(r, rehearse_path(r, "restored/east"), &s) &&
	       s.logs[EAST].size >= east->logged;
}

static bool conf_with(struct rehearsal *r, const char *path, struct slice before, const char *more)
{
	struct buf text = BUF_INIT;
	bool good;

	buf_slice_append(&text, before);
	buf_text(&text, more);
	good = rehearse_write(r, path, buf_slice(&text));
	buf_fini(&text);
	return good;
}

/* Whom nobody answers does not know what was signed since. */
static bool copy_alone(struct rehearsal *r, const char *folder)
{
	int status = RUN(r, "member", "publish", folder, rehearse_path(r, "decision-1"));

	if (!rehearse_claim(r, status == CLI_FAILED,
		    "an old copy of east with its keys signs nothing while it cannot ask the "
		    "others"))
		return false;
	quote_error(r);
	return true;
}

static bool copy_continues(struct rehearsal *r, const char *folder)
{
	struct rehearse_status east, copy, south;

	if (!rehearse_status(r, folder_of(r, EAST), &east) ||
		!rehearse_serve(r, folder, &r->copy) ||
		!rehearse_until(r, "the copy to learn what east signed", copy_caught_up, &east) ||
		!rehearse_status(r, folder, &copy) ||
		!rehearse_status(r, folder_of(r, SOUTH), &south))
		return false;
	return rehearse_claim(r, east.logged > 0 && copy.logged >= east.logged && !copy.forked,
		       "when it can, it first fetches the %s entries that east signed since",
		       count(r, east.logged)) &&
	       rehearse_claim(r, south.logs[EAST].good && !south.forked,
		       "and the others see one history of east");
}

/* With the keys, and older: the others know what it signed since. */
static bool restored_copy(struct rehearsal *r)
{
	const char *folder = rehearse_path(r, "restored/east");
	const char *conf = rehearse_path(r, "restored/east/" NODE_CONFIG_FILE);
	struct buf text = BUF_INIT;
	struct err e;
	bool good;

	if (file_read(conf, NODE_CONFIG_MAX, &text, &e) != OK)
		return rehearse_fail(r, "%s", e.text);
	good = conf_with(r, conf, buf_slice(&text), "\ncertificate = none\nkey = none\n") &&
	       copy_alone(r, folder) &&
	       conf_with(r, conf, buf_slice(&text), "\nlisten = 127.0.0.1:0\n") &&
	       copy_continues(r, folder);
	buf_fini(&text);
	return good;
}

static bool step_refusals(struct rehearsal *r)
{
	rehearse_step(r, "What must fail");
	return damaged_bundle(r) && stolen_folder(r) && second_node(r) && restored_copy(r);
}

/* ---- all of it ----------------------------------------------------------------------------------
 */

static bool (*const steps[])(struct rehearsal *r) = {step_nodes, step_data, step_charter, step_meet,
	step_policy, step_withheld, step_amendment, step_withdrawal, step_partition, step_files,
	step_outsider, step_refusals};

static enum err_kind place_make(struct rehearsal *r, struct err *e)
{
	const char *dir = cli_text(r->cli, "folder"), *tmp = getenv("TMPDIR");
	ssize_t len = readlink("/proc/self/exe", r->program, sizeof(r->program) - 1);
	struct slice made = {0};

	if (len <= 0)
		return err_set(e, ERR_IO, "could not find this program: %s", strerror(errno));
	r->program[len] = '\0';
	if (dir == NULL) {
		made = arena_printf(r->cli->arena, "%s/serai-rehearse-XXXXXX",
			tmp == NULL || tmp[0] != '/' ? "/tmp" : tmp);
		dir = made.data == NULL ? NULL : mkdtemp((char *)(uintptr_t)made.data);
	} else if (mkdir(dir, 0700) != 0) {
		dir = NULL;
	}
	if (dir != NULL && dir[0] != '/') {
		char whole[REHEARSE_TEXT];

		made = slice_of(realpath(dir, whole));
		dir = made.data == NULL ? NULL : arena_string(r->cli->arena, made);
	}
	if (dir == NULL)
		return err_set(e, err_kind_of_errno(errno), "could not make a folder: %s",
			strerror(errno));
	r->dir = dir;
	return OK;
}

static void ending(struct rehearsal *r)
{
	double seconds =
		(double)(world_monotonic(r->cli->world) - r->began_us) / (double)US_PER_SECOND;

	if (r->cli->json) {
		struct buf out = BUF_INIT;
		struct json_writer w = JSON_WRITER(&out);

		json_write_object(&w);
		json_member_bool(&w, "holds", !r->broken);
		json_member_i64(&w, "steps", r->steps);
		json_member_i64(&w, "claims", r->claims);
		json_write_name(&w, "seconds");
		json_write_double(&w, seconds);
		if (r->broken)
			json_member_text(&w, "reason", r->why);
		json_write_end(&w, '}');
		printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
		buf_fini(&out);
	} else if (!r->broken) {
		printf("%s%u steps, %u claims, all of them hold; %.1f seconds\n",
			r->cli->quiet ? "" : "\n", r->steps, r->claims, seconds);
	}
	if (r->broken)
		cli_warn(r->cli, "step %u: %s", r->steps, r->why);
	if (cli_flag(r->cli, "keep"))
		cli_warn(r->cli, "kept: %s", r->dir);
}

static enum cli_status rehearse_all(struct cli *cli)
{
	struct rehearsal *r = ARENA_NEW(cli->arena, struct rehearsal);
	struct err e;

	if (r == NULL)
		return CLI_FAILED;
	r->cli = cli;
	r->began_us = world_monotonic(cli->world);
	r->parser = json_parser_new(ANSWER_MAX);
	if (r->parser == NULL)
		return CLI_FAILED;
	rehearse_catch_signals();
	if (place_make(r, &e) != OK) {
		json_parser_free(r->parser);
		return cli_fail(cli, &e);
	}
	if (rehearse_ports(r)) {
		for (size_t i = 0; i < COUNT_OF(steps) && !r->broken; i++) {
			if (!steps[i](r))
				rehearse_fail(r, "it could not be done");
		}
	}
	rehearse_clean(r);
	ending(r);
	return r->broken ? CLI_NO : CLI_OK;
}

static const struct option_row rehearse_options[] = {
	{"folder", 'd', OPTION_TEXT, "DIR", "a new folder to do it in (else a temporary one)"},
	{"keep",   'k', OPTION_FLAG, NULL,  "leave the folder as it is at the end"           },
};

const struct verb verb_rehearse = {"rehearse", "",
	"rehearse a whole coalition on this machine, in under a minute",
	"Four members with nodes of their own, as real processes: a charter signed offline, a "
	"policy decided, intelligence\n"
	"exchanged over mutual TLS and by files, an amendment tried and adopted, a withdrawal, a "
	"partition, a proof for an\n"
	"outsider, and what must fail. Each line of the account was checked by asking the nodes. "
	"Intelligence is taken from\n"
	"$SERAI_DATA, else ../shared/data, else the samples of a checkout. Exit status 1: "
	"something did not hold.",
	0, 0, OPTIONS(rehearse_options), rehearse_all};
