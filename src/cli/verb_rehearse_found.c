/* SPDX-License-Identifier: MPL-2.0 */
/*
 * serai rehearse, steps 1 to 4: nodes with keys of their own, real intelligence at one of them, a
 * charter signed offline, and the first meeting.
 */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "verb_rehearse.h"

#define EXPIRES   "2099-01-01T00:00:00Z"
#define FILES_MAX 48 /* taken in at once */

/* ---- 1. nodes and keys ----------------------------------------------------------------------- */

static bool node_make(struct rehearsal *r, int m)
{
	const char *name = rehearse_names[m];
	const char *listen = arena_printf(r->cli->arena, "127.0.0.1:%u", r->ports[m]).data;
	struct json_value root;

	if (!VERB(r, CLI_OK, "init", "--json", "--title", name, "--listen", listen, "--host",
		    "127.0.0.1", rehearse_folder(r, m)) ||
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

	if (!VERB(r, CLI_OK, "member", "card", rehearse_folder(r, m), "--root", key, "--title",
		    name, "--address", address, "--output", rehearse_path(r, "%s.card", name)))
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

bool rehearse_step_nodes(struct rehearsal *r)
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

/* ---- 2. real intelligence -------------------------------------------------------------------- */

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

bool rehearse_take_in(struct rehearsal *r, const char *node, const char *const *files, size_t n)
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

bool rehearse_step_data(struct rehearsal *r)
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
	       rehearse_take_in(r, rehearse_folder(r, NORTH), (const char *const *)found.gl_pathv,
		       found.gl_pathc) &&
	       rehearse_take_in(r, rehearse_folder(r, NORTH), &objects, 1) &&
	       rehearse_take_in(r, rehearse_folder(r, WEST), &west, 1) &&
	       VERB(r, CLI_OK, "stats", "--json", "--node", rehearse_folder(r, NORTH)) &&
	       rehearse_json(r, &root);
	globfree(&found);
	if (!good)
		return false;
	r->taken_in = (uint64_t)rehearse_number(root, "objects");
	rehearse_say(r, "%s", says);
	return rehearse_claim(r, rehearse_number(root, "objects") > 0, "north holds %s objects",
		rehearse_count(r, r->taken_in));
}

/* ---- 3. the charter -------------------------------------------------------------------------- */

bool rehearse_step_charter(struct rehearsal *r)
{
	const char *charter = rehearse_path(r, "charter");

	rehearse_step(r, "A charter, signed offline by three of four");
	if (!VERB(r, CLI_OK, "member", "charter", "--name", "Rehearsal", "--threshold", "3",
		    "--expires", EXPIRES, "--output", charter, rehearse_path(r, "north.card"),
		    rehearse_path(r, "south.card"), rehearse_path(r, "east.card"),
		    rehearse_path(r, "west.card")))
		return false;
	for (int m = NORTH; m <= EAST; m++) {
		if (m == EAST && !rehearse_claim(r,
					 RUN(r, "member", "found", rehearse_folder(r, NORTH),
						 charter) != CLI_OK,
					 "with two signatures no node takes it"))
			return false;
		if (!VERB(r, CLI_OK, "member", "sign", "--quiet", "--key",
			    rehearse_path(r, "offline/%s.key", rehearse_names[m]), charter))
			return false;
	}
	if (!VERB(r, CLI_OK, "member", "show", charter))
		return false;
	rehearse_quote(r, "serai member show charter", 4);
	for (int m = 0; m < REHEARSE_MEMBERS; m++) {
		if (!VERB(r, CLI_OK, "member", "found", rehearse_folder(r, m), charter))
			return false;
	}
	/* What a thief of disks has, or an old backup: for the end. */
	if (!rehearse_copy(r, rehearse_folder(r, EAST), rehearse_path(r, "stolen/east")) ||
		!rehearse_copy(r, rehearse_folder(r, EAST), rehearse_path(r, "restored/east")) ||
		!rehearse_copy(
			r, rehearse_path(r, "east-keys"), rehearse_path(r, "restored/east-keys")))
		return false;
	return rehearse_claim(r, true, "with three, each of the four nodes takes it");
}

/* ---- 4. they meet ---------------------------------------------------------------------------- */

bool rehearse_step_meet(struct rehearsal *r)
{
	struct rehearse_status s;

	rehearse_step(r, "The nodes start, and meet");
	for (int m = 0; m < REHEARSE_MEMBERS; m++) {
		if (!rehearse_serve(r, rehearse_folder(r, m), &r->nodes[m]))
			return false;
	}
	/* A signer signs nothing until those that can be asked told what they last saw; west by a
	 * file. */
	for (int m = NORTH; m <= EAST; m++) {
		if (!rehearse_carry(r, WEST, m) || !rehearse_carry(r, m, WEST))
			return false;
	}
	for (int m = NORTH; m <= EAST; m++) {
		if (!rehearse_expect(r, "all signers to have their answers",
			    (struct rehearse_expected){.at = m, .of = m, .ready = true}))
			return false;
	}
	for (int m = SOUTH; m <= EAST; m++) {
		if (!rehearse_expect(r, "north's log at the others",
			    (struct rehearse_expected){
				    .at = m, .of = NORTH, .size = r->taken_in, .cosigned = true}))
			return false;
	}
	if (!rehearse_status(r, rehearse_folder(r, SOUTH), &s))
		return false;
	if (!rehearse_claim(r, s.logs[NORTH].size == r->taken_in && s.logs[NORTH].good,
		    "north's log of %s entries is at south and east, cosigned by a quorum",
		    rehearse_count(r, s.logs[NORTH].size)))
		return false;
	return rehearse_claim(r, s.logs[NORTH].opened == 0,
		"without a policy nothing is given: %s of them opened at south",
		rehearse_count(r, s.logs[NORTH].opened));
}
