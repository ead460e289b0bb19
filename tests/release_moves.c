/* SPDX-License-Identifier: MPL-2.0 */
/* What members do: take in, publish, take back, ask one another, change the policy. */
#include "release_league.h"

#define ROUND_US (61 * US_PER_SECOND)

static const struct {
	const char *name; /* NULL: the member's own; "": another member's */
	bool own, ours;
} sources[] = {
	{"self",      true,  true },
	{NULL,        true,  true },
	{"ann",       true,  true },
	{"",          false, true },
	{"joe",       false, false},
	{"somewhere", false, true },
};

static void take_in(struct party *p, unsigned item)
{
	const struct item *it = &p->league->items[item];
	unsigned source = is_definition(it) ? 0 : pick(COUNT_OF(sources));
	const char *name = sources[source].name == NULL      ? members[p->number]
			   : sources[source].name[0] == '\0' ? members[(p->number + 1) % MEMBERS]
							     : sources[source].name;
	const struct intel_source from = {
		.member = slice_of(name), .collections = &p->collection, .collections_count = 1};
	struct slice text = buf_slice(&it->text);
	struct arena *a = arena_new(MIB(4));
	enum intel_outcome outcome = outcome_of(p, item);
	struct intel_verdict verdict;
	struct err e;

	world_fake_advance(&p->league->clock, 1000);
	must_be(intel_accept(p->t.intel, &from, &text, 1, NULL, 0, a, &verdict, &e), &e, "accept");
	if (verdict.outcome != outcome) {
		fprintf(stderr, "%.*s\n%.*s\n", SLICE_ARG(text), SLICE_ARG(verdict.message));
		broken("an object was not taken as it should be");
	}
	if (outcome == INTEL_NEW)
		p->ours_to_publish[item] = sources[source].ours;
	arrive(p, item, outcome, sources[source].own, verdict.serial);
	arena_free(a);
}

/* The item of this text; a new one, unless somebody made the same. */
static unsigned item_add(struct league *l, unsigned thing, const struct version *v,
	const struct definition *d, struct buf *text)
{
	struct item *it = &l->items[l->items_count];

	for (unsigned i = 0; i < l->items_count; i++) {
		if (slice_equal(buf_slice(&l->items[i].text), buf_slice(text))) {
			buf_fini(text);
			return i;
		}
	}
	*it = (struct item){thing, l->things.things[thing].count++, *v, *d, *text};
	return l->items_count++;
}

static unsigned make_object(struct league *l, unsigned thing)
{
	const struct definition none = {0};
	struct buf text = BUF_INIT;
	struct version v;

	make_version(&l->things, &l->things.things[thing], &v);
	version_text(&l->things, &l->things.things[thing], &v, &text);
	return item_add(l, thing, &v, &none, &text);
}

static unsigned make_named(struct league *l, unsigned k)
{
	struct version v = {
		.confidence = UNKNOWN, .affected = UNKNOWN, .refs = {-1, -1, -1}
        };
	struct definition d = {0};
	struct buf text = BUF_INIT;
	unsigned year = chance(50) ? 2020 : 2021;

	if (k < DEFINITIONS) {
		make_definition(&d, MARK_DEFINED + k, year, &text);
	} else {
		year = 2020;
		plain_definition(k == DEFINITIONS ? MARK_STATEMENT : MARK_EXTENSION, &text);
	}
	v.modified_us = NOW_US - (year == 2020 ? 2192 : 1826) * DAY_US;
	return item_add(l, THINGS + k, &v, &d, &text);
}

void grow(struct party *p)
{
	struct league *l = p->league;

	for (unsigned n = pick(8); n > 0; n--) {
		unsigned thing = pick(THINGS);

		if (l->items_count > 0 && chance(15))
			take_in(p, pick(l->items_count));
		else if (l->things.things[thing].count < VERSIONS_MAX)
			take_in(p, make_object(l, thing));
	}
	for (unsigned k = 0; k < NAMED; k++) {
		bool again = l->things.things[THINGS + k].count > 0;

		if (l->things.things[THINGS + k].count < 2 && chance(again ? 2 : 12))
			take_in(p, make_named(l, k));
	}
}

/* Our log's new leaves: which are of what. */
static void publish(struct party *p)
{
	struct league *l = p->league;
	uint64_t logged;
	bool more = true;

	while (more) {
		enum err_kind kind;
		struct err e;

		kind = coalition_publish(p->coalition, &logged, &more, &e);
		if (kind == ERR_DENIED && p->waiting)
			return; /* until it has met the others */
		must_be(kind, &e, "publish");
	}
	p->waiting = false;
	for (unsigned i = 0; i < l->items_count; i++) {
		uint64_t index;
		bool found;
		struct err e;

		if (!held(p, i)->here || !p->ours_to_publish[i] || p->row_dropped[i])
			continue;
		must_be(coalition_index_of(
				p->coalition, (uint64_t)held(p, i)->serial, &index, &found, &e),
			&e, "look for a leaf");
		if (!found || index >= LEAVES)
			broken("an object of ours is not in our log");
		l->leaf_items[p->number][index] = i + 1;
		p->serials[p->number][index] = held(p, i)->serial;
		p->arrived[p->number][index] = true;
	}
}

void withdraw_one(struct party *p)
{
	unsigned item = pick(p->league->items_count);
	struct err e;

	for (uint64_t i = 0; i < LEAVES; i++) {
		if (p->league->leaf_items[p->number][i] != item + 1 || !held(p, item)->here ||
			is_definition(&p->league->items[item]) ||
			held(p, item)->serial != p->serials[p->number][i])
			continue;
		must_be(coalition_withdraw(p->coalition, i,
				chance(50) ? WITHDRAW_ERROR : WITHDRAW_ERASE, SLICE("taken back"),
				&e),
			&e, "withdraw");
		return;
	}
}

void rounds(struct league *l, unsigned count)
{
	while (count-- > 0) {
		for (unsigned i = 0; i < MEMBERS; i++) {
			publish(&l->parties[i]);
			for (unsigned k = 0; k < MEMBERS; k++)
				if (k != i)
					meet(&l->parties[i], &l->parties[k]);
		}
		world_fake_advance(&l->clock, ROUND_US);
	}
}

/* The next policy, by somebody in whose eyes the one before is in force. */
void change_policy(struct league *l)
{
	struct party *p = &l->parties[pick(MEMBERS)];
	struct made_policy *made = &l->policies[l->policies_count];
	struct decision was, d = {.kind = SLICE("policy"), .sequence = l->policies_count + 1};
	struct buf before = BUF_INIT, text = BUF_INIT, note = BUF_INIT;
	struct arena *a = arena_new(MIB(4));
	uint64_t sequence;
	struct err e;

	if (p->policy != l->policies_count || p->waiting) {
		arena_free(a);
		return;
	}
	made->rules.expired = chance(4);
	make_policy(&made->rules, &made->text);
	d.content = buf_slice(&made->text);
	must_be(coalition_decision_get(p->coalition, SLICE("policy"), &sequence, &before, &e), &e,
		"decision");
	if (sequence > 0) {
		must_be(decision_parse(buf_slice(&before), a, &was, &e), &e, "decision");
		memcpy(d.previous, was.digest, SHA256_LEN);
	}
	l->policies_count++;
	decision_write(&d, &text);
	sign_all(l, buf_slice(&text), &note);
	must_be(coalition_decision_publish(p->coalition, buf_slice(&note), &e), &e,
		"publish a policy");
	buf_fini(&before);
	buf_fini(&text);
	buf_fini(&note);
	arena_free(a);
}
