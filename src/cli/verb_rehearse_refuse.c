/* SPDX-License-Identifier: MPL-2.0 */
/*
 * serai rehearse, steps 11 and 12: what an outsider can prove, and what must fail: altered content,
 * altered files, stolen folders, a second node, an old copy.
 */
#include <errno.h>
#include <sys/stat.h>

#include "verb_rehearse.h"

/* ---- 11. an outsider ------------------------------------------------------------------------- */

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

bool rehearse_step_outsider(struct rehearsal *r)
{
	const char *proof = rehearse_path(r, "outsider/proof");
	const char *content = rehearse_path(r, "outsider/content");
	const char *quorum = rehearse_path(r, "outsider/quorum");
	const char *bad = rehearse_path(r, "outsider/content-altered");

	rehearse_step(r, "An outsider, with a proof, the content and public keys");
	if (mkdir(rehearse_path(r, "outsider"), 0700) != 0)
		return rehearse_fail(r, "could not make a folder: %s", strerror(errno));
	if (!VERB(r, CLI_OK, "prove", rehearse_folder(r, SOUTH), REHEARSE_GREEN, "--output", proof,
		    "--content", content) ||
		!VERB(r, CLI_OK, "member", "quorum", rehearse_path(r, "charter"), "north",
			"--output", quorum) ||
		!VERB(r, CLI_OK, "verify", proof, "--content", content, "--quorum", quorum))
		return false;
	rehearse_quote(r, "serai verify proof --content content --quorum quorum", 1);
	if (!rehearse_claim(r, true,
		    "that an object at south is north's is proved offline, by three files") ||
		!flipped(r, content, bad, 40))
		return false;
	return rehearse_claim(r,
		RUN(r, "verify", proof, "--content", bad, "--quorum", quorum) == CLI_NO,
		"with one bit of the content changed it is not");
}

/* ---- 12. what must fail ---------------------------------------------------------------------- */

static bool damaged_bundle(struct rehearsal *r)
{
	const char *good = rehearse_bundle(r, NORTH, WEST),
		   *bad = rehearse_path(r, "altered.bundle");
	struct rehearse_status before, after;
	struct stat st;

	if (stat(good, &st) != 0 || !flipped(r, good, bad, (size_t)st.st_size / 2) ||
		!rehearse_status(r, rehearse_folder(r, WEST), &before))
		return rehearse_fail(r, "no bundle");
	if (!rehearse_claim(r, RUN(r, "bundle", "import", rehearse_folder(r, WEST), bad) == CLI_NO,
		    "a bundle with one bit changed is refused"))
		return false;
	rehearse_quote(r, "serai bundle import west altered.bundle", 1);
	return rehearse_status(r, rehearse_folder(r, WEST), &after) &&
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
	rehearse_quote_error(r);
	return true;
}

/* Two of one folder would be two of one member. */
static bool second_node(struct rehearsal *r)
{
	int status = RUN(r, "serve", "--node", rehearse_folder(r, EAST));

	if (!rehearse_claim(
		    r, status == CLI_FAILED, "a second node on east's own folder does not start"))
		return false;
	rehearse_quote_error(r);
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
	rehearse_quote_error(r);
	return true;
}

static bool copy_continues(struct rehearsal *r, const char *folder)
{
	struct rehearse_status east, copy, south;

	if (!rehearse_status(r, rehearse_folder(r, EAST), &east) ||
		!rehearse_serve(r, folder, &r->copy) ||
		!rehearse_until(r, "the copy to learn what east signed", copy_caught_up, &east) ||
		!rehearse_status(r, folder, &copy) ||
		!rehearse_status(r, rehearse_folder(r, SOUTH), &south))
		return false;
	return rehearse_claim(r, east.logged > 0 && copy.logged >= east.logged && !copy.forked,
		       "when it can, it first fetches the %s entries that east signed since",
		       rehearse_count(r, east.logged)) &&
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

bool rehearse_step_refusals(struct rehearsal *r)
{
	rehearse_step(r, "What must fail");
	return damaged_bundle(r) && stolen_folder(r) && second_node(r) && restored_copy(r);
}
