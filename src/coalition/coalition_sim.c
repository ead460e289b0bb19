/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The simulated coalition. An event is one thing that one member does; between two requests of one
 * member anything may happen to all others. After each event the promises that must hold at any
 * moment are checked, and after the healing those that must hold in the end.
 */
#include <stdlib.h>

#include "coalition_sim_inside.h"

#define OBJECTS_BATCH 12
#define STEPS_BURST   6
#define HONEST_WEAK   2 /* members that do not collude under SIM_WEAK_QUORUM: one of each half */

uint64_t sim_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t sim_pick(struct sim *s, uint64_t below)
{
	return sim_random(&s->random) % below;
}

bool sim_chance(struct sim *s, unsigned percent)
{
	return sim_pick(s, 100) < percent;
}

void sim_broken(struct sim *s, const char *format, ...)
{
	va_list args;

	if (s->broken[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(s->broken, sizeof(s->broken), format, args);
	va_end(args);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void face_publish(struct face *f)
{
	struct sim_member *m = &f->sim->members[f->member];
	bool more = true;

	while (more) {
		uint64_t logged;
		struct err e;
		enum err_kind kind = coalition_publish(f->coalition, &logged, &more, &e);

		if (kind == ERR_CORRUPT || kind == ERR_INVALID || kind == ERR_CONFLICT)
			sim_broken(f->sim, "%s could not publish: %s", m->name, e.text);
		if (kind != OK && f->sim->options->verbose)
			fprintf(stderr, "  %s could not publish: %s\n", m->name, e.text);
		if (kind != OK)
			return;
		f->sim->result.entries += logged;
	}
	m->acknowledged = m->objects_made;
}

static void objects_make(struct sim *s, struct face *f)
{
	struct sim_member *m = &s->members[f->member];
	unsigned count = 1 + (unsigned)sim_pick(s, OBJECTS_BATCH);
	uint64_t all = (UINT64_C(1) << s->options->members) - 1;

	for (unsigned i = 0; i < count; i++) {
		char text[160];
		uint64_t mask = sim_chance(s, 50) ? all : sim_random(&s->random) & all;
		int len = snprintf(text, sizeof(text), "object %s%u %llu %llu %s", m->name, f->side,
			(unsigned long long)++m->objects_made, (unsigned long long)mask,
			sim_chance(s, 2) ? "unfit" : "");

		sim_store_add(
			&f->store, (struct slice){text, (size_t)len}, slice_of(m->name), true);
	}
}

/* The planted fault of a node that loses what it acknowledged, though nobody withdrew it. */
static void forget_one(struct sim *s, struct face *f)
{
	struct ledger *log = coalition_ledger(f->coalition, slice_of(s->members[f->member].name));
	uint64_t serial = f->store.count == 0 ? 0 : 1 + sim_pick(s, f->store.count), index;
	struct err e;
	bool found;

	if (log != NULL && serial != 0 && f->store.objects[serial - 1].own &&
		coalition_index_of(f->coalition, serial, &index, &found, &e) == OK && found &&
		ledger_erase(log, index, &e) != OK)
		sim_broken(s, "could not forget: %s", e.text);
}

static void withdrawal_make(struct sim *s, struct face *f)
{
	struct ledger *log = coalition_ledger(f->coalition, slice_of(s->members[f->member].name));
	struct err e;

	if (log == NULL || ledger_size(log) == 0)
		return;
	if (coalition_withdraw(f->coalition, sim_pick(s, ledger_size(log)),
		    (enum withdrawal_code)sim_pick(s, 4), SLICE("it was wrong"), &e) == OK)
		s->result.withdrawals++;
}

/* Honest members put their root key under one text per number only. Two colluders' texts may both
 * be carried when `stolen`. */
void sim_decision_make(struct sim *s, struct face *f)
{
	struct buf note = BUF_INIT, text = BUF_INIT, lines = BUF_INIT, before = BUF_INIT;
	struct arena *a = arena_new(MIB(4));
	struct decision was, d = {.kind = SLICE("policy")};
	char content[64];
	uint64_t sequence;
	unsigned *owner;
	struct err e;

	if (coalition_decision_get(f->coalition, SLICE("policy"), &sequence, &before, &e) != OK)
		goto out;
	d.sequence = sequence + 1;
	if (sequence > 0) {
		if (decision_parse(buf_slice(&before), a, &was, &e) != OK)
			goto out;
		memcpy(d.previous, was.digest, SHA256_LEN);
	}
	if (d.sequence >= SIM_DECISIONS_MAX)
		goto out;
	/* Of one number either a colluder's two texts are carried, with stolen keys, or one of the
	 * honest: more members that sign twice than f are not borne. */
	owner = &s->author[d.sequence];
	if (s->options->fault != SIM_WEAK_QUORUM && *owner != 0 && *owner != f->member + 1 &&
		(s->members[f->member].colludes || s->members[*owner - 1].colludes))
		goto out;
	*owner = f->member + 1;
	snprintf(content, sizeof(content), "policy %u/%u at %llu", f->member, f->side,
		(unsigned long long)s->result.events);
	d.content = slice_of(content);
	decision_write(&d, &text);
	for (unsigned i = 0; i < s->options->members; i++) {
		struct sim_member *m = &s->members[i];

		if (m->colludes || s->members[f->member].colludes ||
			m->voted_sequence < d.sequence) {
			note_sign(&m->root, buf_slice(&text), &lines);
			if (!m->colludes && !s->members[f->member].colludes)
				m->voted_sequence = d.sequence;
		}
	}
	if (lines.len == 0)
		goto out;
	note_write(buf_slice(&text), buf_slice(&lines), &note);
	if (coalition_decision_publish(f->coalition, buf_slice(&note), &e) == OK)
		s->decisions_made++;
out:
	buf_fini(&note);
	buf_fini(&text);
	buf_fini(&lines);
	buf_fini(&before);
	arena_free(a);
}

static void backup_take(struct face *f)
{
	struct ledger *log =
		coalition_ledger(f->coalition, slice_of(f->sim->members[f->member].name));

	ledger_disk_fake_free(f->disk_backup);
	ledger_disk_fake_free(f->keys_backup);
	f->disk_backup = ledger_disk_fake_copy(f->disk_fake);
	f->keys_backup = ledger_disk_fake_copy(f->keys_fake);
	sim_store_copy(&f->store_backup, &f->store);
	f->backup_size = log == NULL ? 0 : ledger_size(log);
}

/*
 * One disk at a time: what is promised after a lost disk rests on the others still having theirs.
 * So before the next one is lost everybody meets everybody.
 */
static void backup_restore(struct face *f)
{
	struct sim *s = f->sim;

	if (f->disk_backup == NULL)
		return;
	if (s->lost_disk) {
		unsigned groups[SIM_MEMBERS_MAX];

		memcpy(groups, s->group, sizeof(groups));
		memset(s->group, 0, sizeof(s->group));
		s->healed = true;
		for (unsigned i = 0; i < s->options->members; i++) {
			if (!s->members[i].faces[0].alive)
				sim_face_open(&s->members[i].faces[0]);
		}
		for (unsigned round = 0; round < 3; round++)
			sim_everybody_steps(s, true);
		s->healed = false;
		memcpy(s->group, groups, sizeof(groups));
	}
	s->lost_disk = true;
	sim_face_close(f);
	ledger_disk_fake_free(f->disk_fake);
	ledger_disk_fake_free(f->keys_fake);
	f->disk_fake = ledger_disk_fake_copy(f->disk_backup);
	f->keys_fake = ledger_disk_fake_copy(f->keys_backup);
	sim_store_copy(&f->store, &f->store_backup);
	f->sim->result.restores++;
	f->sim->members[f->member].restored = true;
	/* What only it ever had is lost with the disk; what others saw must come back. */
	f->sim->members[f->member].acknowledged = 0;
	sim_face_open(f);
}

static void replay_one(struct sim *s)
{
	struct replay *r;
	struct face *to;
	struct buf answer = BUF_INIT;
	struct err e;

	if (s->replays_count == 0)
		return;
	r = &s->replays[sim_pick(s, s->replays_count)];
	to = &s->members[r->to].faces[0];
	if (to->alive && coalition_answer(to->coalition, slice_of(r->from), r->ask,
				 buf_slice(&r->request), &answer, &e) == ERR_NOMEM)
		sim_broken(s, "replay: %s", e.text);
	buf_fini(&answer);
}

static void partition_make(struct sim *s)
{
	bool whole = sim_chance(s, 40);

	for (unsigned i = 0; i < s->options->members; i++)
		s->group[i] = whole ? 0 : (unsigned)sim_pick(s, 2);
}

static struct face *any_face(struct sim *s)
{
	unsigned member = (unsigned)sim_pick(s, s->options->members);

	return &s->members[member].faces[s->members[member].colludes ? sim_pick(s, SIM_FACES) : 0];
}

static void event(struct sim *s)
{
	struct face *f = any_face(s);
	bool honest = !s->members[f->member].colludes;
	uint64_t what = sim_pick(s, 1000);
	unsigned to = (unsigned)sim_pick(s, s->options->members);

	s->now_us += (int64_t)sim_pick(s, 2 * US_PER_SECOND);
	if (!f->alive) {
		sim_face_open(f);
		return;
	}
	if (s->options->verbose) {
		struct ledger *log =
			coalition_ledger(f->coalition, slice_of(s->members[f->member].name));

		fprintf(stderr, "event %llu %s %llu -> %u (%llu leaves)\n",
			(unsigned long long)s->result.events, s->members[f->member].name,
			(unsigned long long)what, to, (unsigned long long)ledger_size(log));
	}
	if (what < 120) {
		objects_make(s, f);
		face_publish(f);
		if (s->options->fault == SIM_FORGETS && honest)
			forget_one(s, f);
	} else if (what < 150) {
		withdrawal_make(s, f);
		face_publish(f);
	} else if (what < 175) {
		sim_decision_make(s, f);
		face_publish(f);
	} else if (what < 190 && s->options->crashes && honest) {
		/* The disk fails some calls from now, and then the power. */
		ledger_disk_fake_fail_at(
			sim_chance(s, 80) ? f->disk_fake : f->keys_fake, 1 + sim_pick(s, 30));
		objects_make(s, f);
		{
			uint64_t logged;
			bool more;
			struct err e;

			if (coalition_publish(f->coalition, &logged, &more, &e) == OK)
				s->members[f->member].acknowledged =
					s->members[f->member].objects_made;
		}
		if (to != f->member)
			sim_face_steps(f, to, STEPS_BURST);
		sim_face_crash(f);
	} else if (what < 200 && s->options->restores && honest) {
		backup_take(f);
	} else if (what < 205 && s->options->restores && honest) {
		backup_restore(f);
	} else if (what < 215 && s->options->partitions) {
		partition_make(s);
	} else if (what < 245) {
		replay_one(s);
	} else if (what < 252) {
		/* A quiet hour: who can be reached is met, so that quorums form before the end. */
		sim_everybody_steps(s, false);
	} else if (to != f->member) {
		sim_face_steps(f, to, 1 + (unsigned)sim_pick(s, STEPS_BURST));
	}
}
void sim_everybody_steps(struct sim *s, bool honest_only)
{
	for (unsigned i = 0; i < s->options->members; i++) {
		struct sim_member *m = &s->members[i];

		for (unsigned side = 0; side < (m->colludes ? SIM_FACES : 1); side++) {
			if ((honest_only && m->colludes) || !m->faces[side].alive)
				continue;
			face_publish(&m->faces[side]);
			for (unsigned k = 0; k < s->options->members; k++) {
				if (k != i && !(honest_only && s->members[k].colludes))
					sim_face_steps(&m->faces[side], k, 1000);
			}
		}
	}
}

static void heal(struct sim *s)
{
	s->healed = true;
	memset(s->group, 0, sizeof(s->group));
	for (unsigned i = 0; i < s->options->members; i++) {
		for (unsigned side = 0; side < (s->members[i].colludes ? SIM_FACES : 1); side++) {
			struct face *f = &s->members[i].faces[side];

			if (!f->alive && !sim_face_open(f))
				sim_broken(s, "%s does not come back", s->members[i].name);
		}
	}
	if (s->broken[0] != '\0')
		return;
	sim_check_equivocations(s);
	/* Everybody has met everybody; colluders may never tell what they saw. */
	sim_everybody_steps(s, true);
	s->now_us += COALITION_ANSWERS_US;
	for (unsigned round = 0; round < 6 && s->broken[0] == '\0'; round++) {
		sim_everybody_steps(s, true);
		s->now_us += 60 * US_PER_SECOND;
		sim_check_now(s);
	}
}

static void sim_end(struct sim *s)
{
	for (unsigned i = 0; i < s->options->members; i++) {
		for (unsigned side = 0; side < SIM_FACES; side++)
			sim_face_fini(&s->members[i].faces[side]);
		note_secret_wipe(&s->members[i].root);
		signer_secrets_wipe(&s->members[i].secrets);
	}
	for (unsigned i = 0; i < s->replays_count; i++)
		buf_fini(&s->replays[i].request);
	buf_fini(&s->charter);
	buf_fini(&s->spoils);
	buf_fini(&s->decision_notes);
}

enum err_kind sim_run(
	const struct sim_options *options, struct sim_result *ret_result, struct err *e)
{
	struct sim *s = calloc(1, sizeof(*s));
	enum err_kind kind = OK;

	if (s == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	s->weak = *options;
	/* So many that every history finds its quorum: k is too few against them. */
	if (options->fault == SIM_WEAK_QUORUM)
		s->weak.colluders = options->members - HONEST_WEAK;
	s->options = &s->weak;
	s->random = options->seed;
	s->now_us = SIM_START_US;
	s->log = (struct log){NULL, NULL, LOG_ERROR};
	if (sim_found(s)) {
		for (unsigned i = 0; i < options->events && s->broken[0] == '\0'; i++) {
			event(s);
			s->result.events++;
			sim_check_now(s);
		}
	}
	if (s->broken[0] == '\0')
		heal(s);
	if (s->broken[0] == '\0')
		sim_check_end(s);
	s->result.decisions = s->decisions_made;
	if (s->broken[0] != '\0')
		kind = err_set(e, ERR_INVALID, "seed %llu, event %llu: %s",
			(unsigned long long)options->seed, (unsigned long long)s->result.events,
			s->broken);
	*ret_result = s->result;
	sim_end(s);
	free(s);
	return kind;
}
