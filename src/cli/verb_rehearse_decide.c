/* SPDX-License-Identifier: MPL-2.0 */
/*
 * serai rehearse, steps 5 to 8: a policy decided and what each received under it, what was withheld
 * and why, an amendment tried before it is adopted, and a withdrawal.
 */
#include "verb_rehearse.h"

/* ---- 5. a policy ----------------------------------------------------------------------------- */

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
	if (!VERB(r, CLI_OK, "member", "publish", rehearse_folder(r, by), note))
		return false;
	for (int m = NORTH; m <= EAST; m++) {
		if (!rehearse_expect(r, "the policy to be in force",
			    (struct rehearse_expected){.at = m, .of = m, .policy = sequence}))
			return false;
	}
	return true;
}

/* Dry run, release log, the recipient's own count: three accounts of one thing. */
static bool received_check(struct rehearsal *r, int to, struct rehearse_cell expected)
{
	struct rehearse_given g;
	uint64_t opened;

	if (!rehearse_expect(r, "objects to arrive",
		    (struct rehearse_expected){.at = to,
			    .of = NORTH,
			    .opened = expected.small ? 1 : expected.number}) ||
		!rehearse_given(r, NORTH, to, &g) || !rehearse_opened(r, to, NORTH, &opened))
		return false;
	r->opened1[to] = opened;
	r->policy1[to] = g.all;
	return rehearse_claim(r, rehearse_cell_is(expected, opened) && g.all == opened,
		"%s received %s of %s: %s. The dry run had said %s, north's release log says %s",
		rehearse_names[to], rehearse_count(r, opened), rehearse_count(r, r->taken_in),
		rehearse_given_text(r, &g), rehearse_cell_text(r, expected),
		rehearse_count(r, g.all));
}

bool rehearse_step_policy(struct rehearsal *r)
{
	const char *policy = rehearse_path(r, "policy-1.json");
	struct rehearse_trial trials[REHEARSE_MEMBERS] = {0};
	struct rehearse_given south, east;

	rehearse_step(r, "A policy is decided, and what each received");
	rehearse_say(r,
		"indicators up to AMBER to all; what was observed in the energy sector to the "
		"affected member alone;");
	rehearse_say(r, "received GREEN may be told on; RED and personal data never; unmarked: no "
			"rule says so");
	if (!rehearse_write(r, policy, slice_of(rehearse_policy_1)) ||
		!VERB(r, CLI_OK, "policy", "check", "--members", REHEARSE_LIST, policy) ||
		!rehearse_dry_run(r, NORTH, NULL, policy, trials) ||
		!decide(r, policy, NULL, SOUTH, 1) ||
		!received_check(r, SOUTH, trials[SOUTH].would_have) ||
		!received_check(r, EAST, trials[EAST].would_have) ||
		!rehearse_given(r, NORTH, SOUTH, &south) || !rehearse_given(r, NORTH, EAST, &east))
		return false;
	return rehearse_claim(r,
		rehearse_given_by(&south, "R2") == 0 && rehearse_given_by(&east, "R2") == 1,
		"what was observed at a plant of east went to east alone, under R2");
}

/* ---- 6. withheld, and why -------------------------------------------------------------------- */

/* `named`: the rule or attribute that the explanation must name. */
static bool withheld(struct rehearsal *r, const char *id, int to, const char *why,
	const char *named, unsigned lines)
{
	bool allowed, told;

	if (!rehearse_may(r, NORTH, id, to, &allowed))
		return false;
	told = slice_find_text(buf_slice(&r->out), slice_of(named)) < r->out.len;
	if (lines > 0)
		rehearse_quote(r,
			arena_printf(r->cli->arena, "serai explain north %s --to %s", id,
				rehearse_names[to])
				.data,
			lines);
	return rehearse_claim(r, !allowed && told && !rehearse_has(r, to, id),
		"%s is not at %s: %s, as the explanation says (%s)", id, rehearse_names[to], why,
		named);
}

bool rehearse_step_withheld(struct rehearsal *r)
{
	rehearse_step(r, "What was withheld, and why");
	return withheld(r, REHEARSE_RED, EAST, "RED", "denied by N1", 7) &&
	       withheld(r, REHEARSE_OBSERVED, SOUTH, "south is not affected",
		       "to_affected is false", 10) &&
	       withheld(r, REHEARSE_PERSONAL, SOUTH, "personal data", "denied by N2", 0) &&
	       withheld(r, REHEARSE_UNMARKED, SOUTH, "nobody marked it", "tlp is none", 0) &&
	       rehearse_claim(r,
		       rehearse_has(r, EAST, REHEARSE_OBSERVED) &&
			       rehearse_has(r, SOUTH, REHEARSE_GREEN),
		       "what was allowed is there: the observation at east, a GREEN indicator at "
		       "south");
}

/* ---- 7. an amendment ------------------------------------------------------------------------- */

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

	if (!VERB(r, CLI_NO, "policy", "diff", "--members", REHEARSE_LIST, before, after))
		return false;
	text = buf_slice(&r->out);
	while (slice_next(&text, '\n', &line)) {
		gained += slice_starts(line, SLICE("gained"));
		lost += slice_starts(line, SLICE("lost"));
	}
	rehearse_quote(r, "serai policy diff policy-1.json policy-2.json", 4);
	return rehearse_claim(r, gained > 0 && lost > 0,
		"compared for all cases: %u gains and %u losses, each with a case that shows it",
		gained, lost);
}

static bool adopted_check(struct rehearsal *r, int to, const struct rehearse_trial *t)
{
	uint64_t opened, gained;
	struct rehearse_given g;

	if (!rehearse_expect(r, "newly allowed objects to arrive",
		    (struct rehearse_expected){.at = to,
			    .of = NORTH,
			    .opened = r->opened1[to] + (t->gains.small ? 1 : t->gains.number)}) ||
		!rehearse_given(r, NORTH, to, &g) || !rehearse_opened(r, to, NORTH, &opened))
		return false;
	gained = opened - r->opened1[to];
	r->opened2[to] = opened;
	return rehearse_claim(r,
		rehearse_cell_is(t->gains, gained) && g.all - r->policy1[to] == gained &&
			rehearse_given_by(&g, "R4") == gained,
		"adopted: %s newly received %s, all under R4; the dry run had said %s",
		rehearse_names[to], rehearse_count(r, gained), rehearse_cell_text(r, t->gains));
}

bool rehearse_step_amendment(struct rehearsal *r)
{
	const char *before = rehearse_path(r, "policy-1.json");
	const char *after = rehearse_path(r, "policy-2.json");
	struct rehearse_trial trials[REHEARSE_MEMBERS] = {0};
	bool was, is;

	rehearse_step(r, "An amendment, analysed and tried before it is adopted");
	rehearse_say(r,
		"AMBER indicators to nobody any more; attack patterns and mitigations to all, "
		"unmarked too");
	if (!amendment_write(r, after) || !compare(r, before, after) ||
		!rehearse_dry_run(r, NORTH, before, after, trials))
		return false;
	for (int m = SOUTH; m <= WEST; m++)
		rehearse_say(r,
			"dry run on north's store: newly shares %s objects with %s, stops %s",
			rehearse_cell_text(r, trials[m].gains), rehearse_names[m],
			rehearse_cell_text(r, trials[m].loses));
	if (!rehearse_may(r, NORTH, REHEARSE_AMBER, SOUTH, &was) ||
		!rehearse_claim(r,
			was && (trials[SOUTH].loses.small || trials[SOUTH].loses.number > 0),
			"an AMBER indicator may still go to south") ||
		!decide(r, after, rehearse_path(r, "decision-1"), EAST, 2) ||
		!adopted_check(r, SOUTH, &trials[SOUTH]) ||
		!adopted_check(r, EAST, &trials[EAST]) ||
		!rehearse_may(r, NORTH, REHEARSE_AMBER, SOUTH, &is))
		return false;
	return rehearse_claim(r, !is, "the same AMBER indicator may no longer");
}

/* ---- 8. a withdrawal ------------------------------------------------------------------------- */

bool rehearse_step_withdrawal(struct rehearsal *r)
{
	static const int online[REHEARSE_MEMBERS] = {[SOUTH] = 1, [EAST] = 1};

	rehearse_step(r, "A mistake is withdrawn");
	if (!rehearse_claim(r,
		    rehearse_has(r, SOUTH, REHEARSE_MISTAKE) &&
			    rehearse_has(r, EAST, REHEARSE_MISTAKE),
		    "south and east have %s", REHEARSE_MISTAKE) ||
		!VERB(r, CLI_OK, "withdraw", rehearse_folder(r, NORTH), REHEARSE_MISTAKE, "--code",
			"error", "--reason", "a mirror of a distribution, wrongly listed") ||
		!rehearse_until(
			r, "acknowledgements of south and east", rehearse_acknowledged, online))
		return false;
	return rehearse_claim(r,
		!rehearse_has(r, SOUTH, REHEARSE_MISTAKE) &&
			!rehearse_has(r, EAST, REHEARSE_MISTAKE),
		"it is gone at both, and each wrote that into its own log; west is still to hear");
}
