/* SPDX-License-Identifier: MPL-2.0 */
/* What is promised of a coalition, looked at from outside with the truth in hand. */
#include <stdlib.h>

#include "coalition_sim_inside.h"

static void check_decisions(struct sim *s)
{
	for (unsigned i = 0; i < s->options->members; i++) {
		for (unsigned k = 0; k < i; k++) {
			const struct face *a = &s->members[i].faces[0],
					  *b = &s->members[k].faces[0];

			if (s->members[i].colludes || s->members[k].colludes)
				continue;
			for (unsigned n = 1; n < SIM_DECISIONS_MAX && n <= s->decisions_made; n++) {
				if (a->seen[n] != 0 && b->seen[n] != 0 && a->seen[n] != b->seen[n])
					sim_broken(s,
						"split view: %s and %s hold different decisions %u",
						s->members[i].name, s->members[k].name, n);
			}
		}
	}
}

static void check_leaks(struct sim *s)
{
	for (unsigned i = 0; i < s->options->members; i++) {
		const struct face *f = &s->members[i].faces[0];

		for (size_t k = 0; k < f->store.count; k++) {
			const struct sim_object *o = &f->store.objects[k];

			if (!o->own && strcmp(o->origin, s->members[i].name) != 0 &&
				(o->mask >> i & 1) == 0)
				sim_broken(s, "leak: %s has \"%.*s\"", s->members[i].name,
					(int)o->len, o->content);
		}
	}
}

static void check_logs(struct sim *s)
{
	for (unsigned i = 0; i < s->options->members; i++) {
		const struct sim_member *m = &s->members[i];

		if (m->colludes)
			continue;
		for (unsigned k = 0; k < s->options->members; k++) {
			struct ledger *mine, *theirs;
			uint8_t a[LEDGER_HASH_LEN], b[LEDGER_HASH_LEN];
			uint64_t size;

			if (k == i || s->members[k].colludes || !m->faces[0].alive ||
				!s->members[k].faces[0].alive)
				continue;
			mine = coalition_ledger(m->faces[0].coalition, slice_of(m->name));
			theirs = coalition_ledger(
				s->members[k].faces[0].coalition, slice_of(m->name));
			size = ledger_size(mine) < ledger_size(theirs) ? ledger_size(mine)
								       : ledger_size(theirs);
			if (ledger_root(mine, size, a, NULL) != OK ||
				ledger_root(theirs, size, b, NULL) != OK ||
				memcmp(a, b, LEDGER_HASH_LEN) != 0)
				sim_broken(s, "fork: the log of %s differs at %s", m->name,
					s->members[k].name);
		}
	}
}
void sim_check_now(struct sim *s)
{
	check_decisions(s);
	check_leaks(s);
	if (!s->healed)
		check_logs(s);
}

/* ---- in the end ------------------------------------------------------------------------------ */

static size_t heads_guilty(struct sim *s)
{
	size_t guilty = 0;

	for (unsigned i = 0; i < s->options->members; i++) {
		struct arena *a = arena_new(MIB(1));
		struct coalition_status status;
		struct err e;

		if (!s->members[i].colludes &&
			coalition_status(s->members[i].faces[0].coalition, a, &status, &e) == OK) {
			for (size_t k = 0; k < status.origins_count; k++)
				guilty += status.origins[k].trust == COALITION_QUARANTINE;
			if (status.forked)
				sim_broken(s, "%s believes itself forked", s->members[i].name);
		}
		arena_free(a);
	}
	return guilty;
}

/* Two honest members hold signed heads of a colluder that cannot both be true. */
static size_t equivocators_seen(struct sim *s)
{
	size_t count = 0;

	for (unsigned i = 0; i < s->options->members; i++) {
		bool seen = false;

		if (!s->members[i].colludes)
			continue;
		for (unsigned a = 0; a < s->options->members && !seen; a++) {
			for (unsigned b = 0; b < a && !seen; b++) {
				struct ledger *one, *two;
				uint8_t x[LEDGER_HASH_LEN], y[LEDGER_HASH_LEN];
				uint64_t size;

				if (s->members[a].colludes || s->members[b].colludes)
					continue;
				one = coalition_ledger(s->members[a].faces[0].coalition,
					slice_of(s->members[i].name));
				two = coalition_ledger(s->members[b].faces[0].coalition,
					slice_of(s->members[i].name));
				size = ledger_size(one) < ledger_size(two) ? ledger_size(one)
									   : ledger_size(two);
				seen = ledger_root(one, size, x, NULL) == OK &&
				       ledger_root(two, size, y, NULL) == OK &&
				       memcmp(x, y, LEDGER_HASH_LEN) != 0;
			}
		}
		count += seen;
	}
	return count;
}

void sim_check_equivocations(struct sim *s)
{
	size_t honest = s->options->members - s->options->colluders;
	size_t seen = equivocators_seen(s);

	s->result.equivocations += seen;
	for (unsigned round = 1; round <= 2 && seen > 0; round++) {
		sim_everybody_steps(s, true);
		s->now_us += 60 * US_PER_SECOND;
		s->result.found_rounds = round;
		if (heads_guilty(s) >= seen * honest)
			return;
	}
	if (seen > 0)
		sim_broken(s, "%zu showed two histories; after two rounds %zu of %zu verdicts",
			seen, heads_guilty(s), seen * honest);
}

static bool holds(const struct face *f, const struct sim_object *o)
{
	for (size_t i = 0; i < f->store.count; i++) {
		const struct sim_object *mine = &f->store.objects[i];

		if (!mine->forgotten && mine->len == o->len &&
			memcmp(mine->content, o->content, o->len) == 0)
			return true;
	}
	return false;
}

/* Its disk was lost, and a colluder alone still holds what it signed then: it waits for that, says
 * so, and publishes nothing. It needs a new key. */
static bool stuck(struct sim *s, unsigned member)
{
	struct arena *a = arena_new(MIB(1));
	struct coalition_status status = {0};
	struct err e;
	bool waits =
		s->options->colluders > 0 && s->members[member].restored &&
		coalition_status(s->members[member].faces[0].coalition, a, &status, &e) == OK &&
		status.waiting;

	arena_free(a);
	return waits;
}

/* What an honest member published and its policy allows has arrived; what it took back is gone. */
static void check_arrived(struct sim *s)
{
	for (unsigned i = 0; i < s->options->members; i++) {
		const struct face *from = &s->members[i].faces[0];

		if (s->members[i].colludes || stuck(s, i))
			continue;
		for (size_t n = 0; n < from->store.count; n++) {
			const struct sim_object *o = &from->store.objects[n];

			if (!o->own)
				continue;
			for (unsigned k = 0; k < s->options->members; k++) {
				const struct face *to = &s->members[k].faces[0];
				bool unfit = slice_find_text((struct slice){o->content, o->len},
						     SLICE("unfit")) < o->len;
				bool should = (o->mask >> k & 1) != 0 && !o->forgotten && !unfit &&
					      from->policy > 0;

				if (k == i || s->members[k].colludes)
					continue;
				if (should && !holds(to, o) && s->options->verbose) {
					uint64_t index = 0;
					bool found = false;
					struct ledger_place place = {0};
					struct ledger *log = coalition_ledger(
						to->coalition, slice_of(s->members[i].name));
					struct err e = {0};

					(void)!coalition_index_of(
						from->coalition, n + 1, &index, &found, &e);
					(void)!ledger_places(log, index, 1, &place, &e);
					fprintf(stderr,
						"lost: serial %zu index %llu found %d there %llu "
						"leaves, where %u, policies %llu and %llu %s\n",
						n + 1, (unsigned long long)index, found,
						(unsigned long long)ledger_size(log), place.where,
						(unsigned long long)from->policy,
						(unsigned long long)to->policy, e.text);
				}
				if (should && !holds(to, o))
					sim_broken(s, "lost: %s does not have \"%.*s\"",
						s->members[k].name, (int)o->len, o->content);
				if (o->forgotten && holds(to, o))
					sim_broken(s, "%s still has withdrawn \"%.*s\"",
						s->members[k].name, (int)o->len, o->content);
			}
		}
	}
}

/* Every object that was acknowledged is in the log, or was withdrawn. */
static void check_acknowledged(struct sim *s)
{
	for (unsigned i = 0; i < s->options->members; i++) {
		struct sim_member *m = &s->members[i];
		struct face *f = &m->faces[0];

		if (m->colludes || stuck(s, i))
			continue;
		for (size_t n = 0; n < f->store.count; n++) {
			const struct sim_object *o = &f->store.objects[n];
			uint64_t index;
			bool found;
			struct err e;

			if (!o->own || o->forgotten)
				continue;
			if (coalition_index_of(f->coalition, n + 1, &index, &found, &e) != OK ||
				!found)
				sim_broken(s, "%s lost its entry of \"%.*s\"", m->name, (int)o->len,
					o->content);
		}
	}
}

static void check_acknowledgements(struct sim *s)
{
	for (unsigned i = 0; i < s->options->members; i++) {
		struct arena *a = arena_new(MIB(16));
		struct coalition_withdrawal *list = NULL;
		size_t count = 0;
		struct err e;

		if (s->members[i].colludes ||
			coalition_withdrawals(
				s->members[i].faces[0].coalition, a, &list, &count, &e) != OK)
			count = 0;
		for (size_t n = 0; n < count; n++) {
			if (!slice_starts(list[n].origin, slice_of(s->members[i].name)))
				continue;
			for (unsigned k = 0; k < s->options->members; k++) {
				if (!s->members[k].colludes && !list[n].acknowledged[k] &&
					!stuck(s, k))
					sim_broken(s, "%s did not acknowledge withdrawal %zu of %s",
						s->members[k].name, n, s->members[i].name);
			}
		}
		arena_free(a);
	}
}

void sim_check_end(struct sim *s)
{
	check_logs(s);
	check_acknowledged(s);
	check_arrived(s);
	check_acknowledgements(s);
	heads_guilty(s);
}
