/* SPDX-License-Identifier: MPL-2.0 */
/*
 * serai rehearse: what its members are asked, as a person would ask them, through the verbs: a dry
 * run, the release log, the explanation of one object, and what has come since.
 */
#include "verb_rehearse.h"

const char *rehearse_folder(struct rehearsal *r, int member)
{
	return rehearse_path(r, "%s", rehearse_names[member]);
}

/* ---- counts, and what was given -------------------------------------------------------------- */

bool rehearse_cell_is(struct rehearse_cell c, uint64_t number)
{
	return c.small ? number > 0 && number < INTEL_CELL_MIN : c.number == number;
}

static struct rehearse_cell cell_of(struct slice text)
{
	struct rehearse_cell c = {.small = slice_starts(text, SLICE("<"))};

	for (size_t i = 0; i < text.len && !c.small; i++) {
		if (text.data[i] >= '0' && text.data[i] <= '9')
			c.number = c.number * 10 + (uint64_t)(text.data[i] - '0');
	}
	return c;
}

const char *rehearse_cell_text(struct rehearsal *r, struct rehearse_cell c)
{
	return c.small ? "fewer than 5" : rehearse_count(r, c.number);
}

/* A dry run at one member's store, for each other. */
bool rehearse_dry_run(struct rehearsal *r, int at, const char *before, const char *after,
	struct rehearse_trial trials[REHEARSE_MEMBERS])
{
	struct json_value root, list, one;
	const char *words[] = {"policy", "dry-run", "--json", "--node", rehearse_folder(r, at),
		"--members", REHEARSE_LIST, "--self", rehearse_names[at], "--after", after,
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
				trials[m] = (struct rehearse_trial){
					cell_of(json_get_string(one, "has")),
					cell_of(json_get_string(one, "would_have")),
					cell_of(json_get_string(one, "gains")),
					cell_of(json_get_string(one, "loses"))};
		}
	}
	return true;
}

static void given_add(struct rehearse_given *g, struct slice rule, uint64_t objects)
{
	size_t k = 0;

	while (k < g->rules_count && !slice_is(rule, g->rules[k]))
		k++;
	if (k == REHEARSE_RULES || rule.len >= sizeof(g->rules[0]))
		return;
	if (k == g->rules_count) {
		memcpy(g->rules[k], rule.data, rule.len);
		g->rules_count++;
	}
	g->counts[k] += objects;
	g->all += objects;
}

bool rehearse_given(struct rehearsal *r, int from, int to, struct rehearse_given *g)
{
	struct json_value root, list, one, objects;

	*g = (struct rehearse_given){0};
	if (!VERB(r, CLI_OK, "releases", "--json", rehearse_folder(r, from), "--to",
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

uint64_t rehearse_given_by(const struct rehearse_given *g, const char *rule)
{
	for (size_t k = 0; k < g->rules_count; k++) {
		if (strcmp(g->rules[k], rule) == 0)
			return g->counts[k];
	}
	return 0;
}

/* "675 under R1, 1 under R2" */
const char *rehearse_given_text(struct rehearsal *r, const struct rehearse_given *g)
{
	struct slice text = {0};

	for (size_t k = 0; k < g->rules_count; k++)
		text = arena_printf(r->cli->arena, "%.*s%s%s under %s", SLICE_ARG(text),
			k > 0 ? ", " : "", rehearse_count(r, g->counts[k]), g->rules[k]);
	return text.data == NULL ? "nothing" : text.data;
}

/* ---- one object ------------------------------------------------------------------------------ */

/* May `to` have this object of `at`'s? The text for people stays in r->out. */
bool rehearse_may(struct rehearsal *r, int at, const char *id, int to, bool *ret_may)
{
	if (!VERB(r, CLI_OK, "explain", rehearse_folder(r, at), id, "--to", rehearse_names[to]))
		return false;
	*ret_may = slice_find_text(buf_slice(&r->out), SLICE(": released")) < r->out.len;
	return true;
}

bool rehearse_has(struct rehearsal *r, int at, const char *id)
{
	return RUN(r, "prove", rehearse_folder(r, at), id) == CLI_OK;
}

/* ---- waiting --------------------------------------------------------------------------------- */

static bool has_come(struct rehearsal *r, const void *context)
{
	const struct rehearse_expected *x = context;
	struct rehearse_status s;

	return rehearse_status(r, rehearse_folder(r, x->at), &s) && s.logs[x->of].size >= x->size &&
	       s.logs[x->of].opened >= x->opened && s.policy >= x->policy &&
	       (!x->cosigned || (s.logs[x->of].cosigned >= x->size && s.logs[x->of].good)) &&
	       !(x->ready && s.waiting);
}

bool rehearse_expect(struct rehearsal *r, const char *what, struct rehearse_expected x)
{
	struct rehearse_status s;
	struct slice why;

	if (rehearse_until(r, what, has_come, &x))
		return true;
	why = arena_copy(r->cli->arena, slice_of(r->why));
	if (rehearse_asked_to_stop() || !rehearse_status(r, rehearse_folder(r, x.at), &s))
		return false;
	r->broken = false; /* the same reason, in numbers */
	return rehearse_fail(r,
		"%.*s: %llu entries, %llu open, %llu cosigned, policy %llu; wanted %llu, %llu, "
		"%llu, %llu",
		SLICE_ARG(why), (unsigned long long)s.logs[x.of].size,
		(unsigned long long)s.logs[x.of].opened, (unsigned long long)s.logs[x.of].cosigned,
		(unsigned long long)s.policy, (unsigned long long)x.size,
		(unsigned long long)x.opened, (unsigned long long)(x.cosigned ? x.size : 0),
		(unsigned long long)x.policy);
}

bool rehearse_opened(struct rehearsal *r, int at, int of, uint64_t *ret_opened)
{
	struct rehearse_status s;

	if (!rehearse_status(r, rehearse_folder(r, at), &s))
		return false;
	*ret_opened = s.logs[of].opened;
	return true;
}

bool rehearse_unreachable(struct rehearsal *r, const void *context)
{
	const struct rehearse_expected *x = context;
	struct rehearse_status s;

	return rehearse_status(r, rehearse_folder(r, x->at), &s) && !s.reachable[x->of];
}

/* Everybody else wrote that it took the withdrawal. */
bool rehearse_acknowledged(struct rehearsal *r, const void *context)
{
	const int *wanted = context; /* [REHEARSE_MEMBERS] */
	struct json_value root, list, one, acks, yes;

	if (!VERB(r, CLI_OK, "withdrawals", "--json", rehearse_folder(r, NORTH)) ||
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

/* ---- files between members ------------------------------------------------------------------- */

const char *rehearse_bundle(struct rehearsal *r, int from, int to)
{
	return rehearse_path(r, "%s-to-%s.bundle", rehearse_names[from], rehearse_names[to]);
}

bool rehearse_carry(struct rehearsal *r, int from, int to)
{
	return VERB(r, CLI_OK, "bundle", "export", rehearse_folder(r, from), "--to",
		       rehearse_names[to], "--output", rehearse_bundle(r, from, to)) &&
	       VERB(r, CLI_OK, "bundle", "import", rehearse_folder(r, to),
		       rehearse_bundle(r, from, to));
}
