/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Nothing reaches another member that the policy and the markings do not allow: not directly, not
 * through a reference, not over a third member, not in a file.
 *
 * Worlds of random objects, references, markings and policies are spread over four members, each
 * with its own store, policy engine, log, signer and the node's own sink, in one process. They
 * publish, withdraw, ask one another, hand on what they got, write files and start again, while
 * links are cut and policies change and arrive at each at another time. Every opening in every
 * answer and every file (which is opened here with the recipient's key, apart from the code that
 * imports it) is compared with the reading by hand of what its giver holds at that moment. A case
 * is one object in the hands of one member, one recipient, one way:
 *
 *   asked   what a member is answered in a round, as it asks
 *   taken   all of every log at once, as nobody honest asks
 *   filed   what is in a file for it
 *
 *   release_sync_test [CASES [SEED]]
 *
 * Then leaks are planted (the sink of a member lets an object through) and each must be found; and
 * sinks whose answer alone is wrong, which the check behind it must stop.
 * The members, what they do and how they give are in release_league.h.
 */
#include <stdlib.h>

#include "release_league.h"

#define CASES_DEFAULT 40000
#define CASES_PLANTED 20000 /* at most, until all kinds of leaks were planted */
#define PLANTED_EACH  5     /* over each way, before it is enough */

#define HOUR_US  (3600 * US_PER_SECOND)
#define SECOND_2 (US_PER_SECOND / 2)

/* ---- worlds ---------------------------------------------------------------------------------- */

static void cut_some(struct league *l, unsigned percent)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		for (unsigned k = 0; k < i; k++)
			l->cut[i][k] = l->cut[k][i] = chance(percent);
}

static void look(struct league *l, bool files)
{
	for (unsigned i = 0; i < MEMBERS; i++) {
		for (unsigned k = 0; k < MEMBERS; k++) {
			if (i == k)
				continue;
			take(&l->parties[i], &l->parties[k]);
			if (files)
				send_file(&l->parties[i], &l->parties[k], chance(25));
		}
	}
}

static void phase(struct league *l, unsigned number)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		grow(&l->parties[i]);
	cut_some(l, 30);
	if (number > 0 || chance(70))
		change_policy(l);
	rounds(l, 1);
	look(l, true);
	for (unsigned i = 0; i < MEMBERS; i++)
		if (number > 0 && chance(40) && !l->parties[i].waiting)
			withdraw_one(&l->parties[i]);
	if (chance(30))
		party_again(&l->parties[pick(MEMBERS)]);
	rounds(l, 1 + pick(2));
	if (chance(50)) /* dates pass while what was read is remembered */
		world_fake_advance(&l->clock, pick(40) * HOUR_US + SECOND_2);
	look(l, chance(50));
}

/* What a serial stood for is in the store no more. */
static void gone_check(struct party *p, int64_t serial)
{
	struct buf content = BUF_INIT;
	bool found = false;
	struct err e;

	must_be(p->real.content(p->real.context, (uint64_t)serial, &content, &found, &e), &e,
		"content");
	if (found)
		broken("what was forgotten is still in the store");
	buf_fini(&content);
}

/* When all hear all again: what anybody may have it has, what was taken back nobody has. */
static void settle(struct league *l)
{
	cut_some(l, 0);
	rounds(l, 5);
	for (unsigned log = 0; log < MEMBERS; log++) {
		struct party *owner = &l->parties[log];

		for (uint64_t i = 0; i < LEAVES; i++) {
			unsigned item = l->leaf_items[log][i];
			bool here = item != 0 && holds(owner, log, i);

			for (unsigned m = 0; m < MEMBERS && item != 0; m++) {
				struct party *p = &l->parties[m];

				if (m == log)
					continue;
				if (here && may_give(owner, m, log, i, WITH_ALL) &&
					!p->arrived[log][i])
					broken("what a member may have has not come");
				if (!here && holds(p, log, i))
					broken("what was taken back is still here");
				if (!here && p->serials[log][i] != 0 && !held(p, item - 1)->here)
					gone_check(p, p->serials[log][i]);
			}
		}
	}
	look(l, true);
}

static uint64_t all(const struct tally *tally)
{
	return tally[ASKED].cases + tally[TAKEN].cases + tally[FILED].cases;
}

static bool wrong(const struct tally *tally)
{
	uint64_t n = 0;

	for (unsigned way = 0; way < WAYS; way++)
		n += tally[way].leaks + tally[way].missing;
	return n > 0;
}

struct counts {
	struct tally tally[WAYS];
	uint64_t worlds, classes, planted[WAYS], planted_by_reference, stopped;
};

static void run_world(struct counts *k, uint64_t seed, bool planting)
{
	struct league *l = calloc(1, sizeof(*l));

	if (l == NULL)
		broken("out of memory");
	random_begin(seed);
	l->tally = k->tally;
	league_found(l, seed);
	rounds(l, 2);
	l->planting = planting;
	for (unsigned n = 0; n < PHASES && (planting || !wrong(k->tally)); n++)
		phase(l, n);
	l->planting = false;
	if (!planting && !wrong(k->tally))
		settle(l);
	k->worlds++;
	k->classes += l->classes;
	for (unsigned way = 0; way < WAYS; way++)
		k->planted[way] += l->planted[way];
	k->planted_by_reference += l->planted_by_reference;
	k->stopped += l->stopped;
	league_free(l);
}

static void say(const struct counts *k)
{
	for (unsigned way = 0; way < WAYS; way++) {
		const struct tally *t = &k->tally[way];

		printf("  %s: %llu cases, %llu came, %llu of them relayed; held back by references "
		       "alone %llu, gone %llu; %llu leaks, %llu wrongly withheld\n",
			channel_names[way], (unsigned long long)t->cases,
			(unsigned long long)t->released, (unsigned long long)t->relayed,
			(unsigned long long)t->by_reference, (unsigned long long)t->gone,
			(unsigned long long)t->leaks, (unsigned long long)t->missing);
	}
}

/* Every kind of case was there, and each leak that was planted is found, no other. */
static bool enough(const struct counts *k, const struct counts *planted)
{
	bool good = true;

	for (unsigned way = 0; way < WAYS; way++) {
		const struct tally *t = &k->tally[way];

		good = good && t->relayed > 0 && t->released > t->relayed && t->by_reference > 0 &&
		       t->gone > 0 && planted->planted[way] >= PLANTED_EACH &&
		       planted->tally[way].leaks == planted->planted[way];
	}
	return good && planted->planted_by_reference > 0 && planted->stopped > 0;
}

static bool planted_all(const struct counts *k)
{
	bool good = k->planted_by_reference > 0 && k->stopped > 0;

	for (unsigned way = 0; way < WAYS; way++)
		good = good && k->planted[way] >= PLANTED_EACH;
	return good;
}

int main(int count, char **args)
{
	uint64_t cases = count > 1 ? strtoull(args[1], NULL, 10) : CASES_DEFAULT;
	uint64_t seed = count > 2 ? strtoull(args[2], NULL, 10) : 1;
	static struct counts k, planted;

	for (uint64_t n = 0; all(k.tally) < cases && !wrong(k.tally); n++) {
		run_world(&k, seed * 1000003 + n, false);
		if (wrong(k.tally))
			fprintf(stderr, "seed %llu, world %llu\n", (unsigned long long)seed,
				(unsigned long long)n);
	}
	for (uint64_t n = 0; all(planted.tally) < CASES_PLANTED && !planted_all(&planted); n++)
		run_world(&planted, seed * 1000003 + n, true);
	printf("%llu cases in %llu worlds, %llu classes of leaves\n",
		(unsigned long long)all(k.tally), (unsigned long long)k.worlds,
		(unsigned long long)k.classes);
	say(&k);
	printf("planted: %llu asked, %llu taken, %llu filed, %llu of them by reference; found: "
	       "%llu, %llu, %llu; stopped when they left: %llu\n",
		(unsigned long long)planted.planted[ASKED],
		(unsigned long long)planted.planted[TAKEN],
		(unsigned long long)planted.planted[FILED],
		(unsigned long long)planted.planted_by_reference,
		(unsigned long long)planted.tally[ASKED].leaks,
		(unsigned long long)planted.tally[TAKEN].leaks,
		(unsigned long long)planted.tally[FILED].leaks,
		(unsigned long long)planted.stopped);
	if (!wrong(k.tally) && !enough(&k, &planted))
		printf("not every kind of case was met, or not every planted leak found\n");
	return wrong(k.tally) || !enough(&k, &planted);
}
