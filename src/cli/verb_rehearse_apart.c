/* SPDX-License-Identifier: MPL-2.0 */
/*
 * serai rehearse, steps 9 and 10: members apart. One is cut off and comes back; one never has a
 * network, and lives by files.
 */
#include "verb_rehearse.h"

/* Of rehearse_late. */
#define LATE_OBJECTS 3
#define LATE_GREEN   2

/* ---- 9. a partition -------------------------------------------------------------------------- */

/* An analyst's desk at north posts to the node that serves. */
static bool post_late(struct rehearsal *r)
{
	const char *late = rehearse_path(r, "late.json"), *desk = rehearse_path(r, "desk");
	const char *url = arena_printf(r->cli->arena, "https://127.0.0.1:%u", r->ports[NORTH]).data;

	return rehearse_write(r, late, slice_of(rehearse_late)) &&
	       VERB(r, CLI_OK, "init", "--json", desk) && rehearse_take_in(r, desk, &late, 1) &&
	       VERB(r, CLI_OK, "push", "--quiet", "--node", desk, "--for", "self", "--user",
		       "admin", "--password-file", rehearse_path(r, "north.password"), "--ca",
		       rehearse_path(r, "north/tls.crt"), url);
}

bool rehearse_step_partition(struct rehearsal *r)
{
	struct rehearse_status north, south, east;
	int64_t began;
	bool good;

	rehearse_step(r, "East is cut off, and comes back");
	if (!rehearse_status(r, rehearse_folder(r, NORTH), &north))
		return false;
	rehearse_stop(&r->nodes[EAST]);
	if (!post_late(r) ||
		!rehearse_expect(r, "what is new at south",
			(struct rehearse_expected){.at = SOUTH,
				.of = NORTH,
				.size = north.logged + LATE_OBJECTS,
				.opened = r->opened2[SOUTH] + LATE_GREEN}) ||
		!rehearse_until(r, "north to miss east", rehearse_unreachable,
			&(struct rehearse_expected){.at = NORTH, .of = EAST}) ||
		!rehearse_status(r, rehearse_folder(r, SOUTH), &south))
		return false;
	good = rehearse_claim(r,
		south.logs[NORTH].size == north.logged + LATE_OBJECTS &&
			south.logs[NORTH].opened == r->opened2[SOUTH] + LATE_GREEN,
		"while east is unreachable, %d new entries of north's log reach south, which may "
		"open %d: one is AMBER",
		LATE_OBJECTS, LATE_GREEN);
	began = world_monotonic(r->cli->world);
	if (!good || !rehearse_serve(r, rehearse_folder(r, EAST), &r->nodes[EAST]) ||
		!rehearse_expect(r, "east to catch up",
			(struct rehearse_expected){.at = EAST,
				.of = NORTH,
				.size = south.logs[NORTH].size,
				.opened = r->opened2[EAST] + LATE_GREEN,
				.cosigned = true}) ||
		!rehearse_status(r, rehearse_folder(r, EAST), &east))
		return false;
	return rehearse_claim(r,
		east.logs[NORTH].size == south.logs[NORTH].size && east.logs[NORTH].good,
		"%.1f s after its start east has all %s entries of north's log",
		(double)(world_monotonic(r->cli->world) - began) / (double)US_PER_SECOND,
		rehearse_count(r, east.logs[NORTH].size));
}

/* ---- 10. by files only ----------------------------------------------------------------------- */

static bool west_takes(struct rehearsal *r)
{
	for (int m = NORTH; m <= EAST; m++) {
		if (!VERB(r, CLI_OK, "bundle", "export", rehearse_folder(r, m), "--to", "west",
			    "--everything", "--output", rehearse_bundle(r, m, WEST)))
			return false;
	}
	/* Out of order, one of them twice. */
	return VERB(r, CLI_OK, "bundle", "import", rehearse_folder(r, WEST),
		rehearse_bundle(r, EAST, WEST), rehearse_bundle(r, SOUTH, WEST),
		rehearse_bundle(r, NORTH, WEST), rehearse_bundle(r, SOUTH, WEST));
}

/* One file from west to north; the others have its object from there, or from each other: south may
 * have asked both at once. West's second entry says that it obeyed the withdrawal; it is for all
 * and may come first. */
static bool told_on(struct rehearsal *r)
{
	struct rehearse_given north, east;

	if (!rehearse_carry(r, WEST, NORTH) ||
		!rehearse_expect(r, "west's object at south",
			(struct rehearse_expected){
				.at = SOUTH, .of = WEST, .opened = 2, .size = 2}) ||
		!rehearse_given(r, NORTH, SOUTH, &north) || !rehearse_given(r, EAST, SOUTH, &east))
		return false;
	return rehearse_claim(r,
		rehearse_has(r, SOUTH, REHEARSE_WEST_GREEN) &&
			rehearse_given_by(&north, "R3") + rehearse_given_by(&east, "R3") >= 1,
		"one file from west to north: south has west's GREEN indicator too, told on under "
		"R3");
}

bool rehearse_step_files(struct rehearsal *r)
{
	static const int all[REHEARSE_MEMBERS] = {[SOUTH] = 1, [EAST] = 1, [WEST] = 1};
	struct rehearse_trial trials[REHEARSE_MEMBERS] = {0};
	struct rehearse_status south, west;
	struct rehearse_given g;
	bool same;

	rehearse_step(r, "West, by files only, both ways");
	if (!west_takes(r) || !rehearse_status(r, rehearse_folder(r, WEST), &west) ||
		!rehearse_status(r, rehearse_folder(r, SOUTH), &south) ||
		!rehearse_dry_run(r, NORTH, NULL, rehearse_path(r, "policy-2.json"), trials) ||
		!rehearse_given(r, NORTH, WEST, &g))
		return false;
	same = west.logs[NORTH].size == south.logs[NORTH].size && west.policy == 2 &&
	       west.logs[NORTH].good;
	if (!rehearse_claim(r,
		    same && !west.reachable[NORTH] && !west.reachable[SOUTH] &&
			    !west.reachable[EAST],
		    "three files, out of order and one twice: west has north's log of %s entries "
		    "and "
		    "the policy, and reached nobody",
		    rehearse_count(r, west.logs[NORTH].size)) ||
		!rehearse_claim(r, rehearse_cell_is(trials[WEST].would_have, g.all),
			"west was given %s objects of north's: %s", rehearse_count(r, g.all),
			rehearse_given_text(r, &g)))
		return false;
	if (!told_on(r))
		return false;
	for (int m = SOUTH; m <= EAST; m++) {
		if (!rehearse_carry(r, WEST, m))
			return false;
	}
	return rehearse_until(r, "everybody's acknowledgement", rehearse_acknowledged, all) &&
	       rehearse_claim(r, true, "and the withdrawal is acknowledged by everybody, west too");
}
