/* SPDX-License-Identifier: MPL-2.0 */
/* The network between faces: it parts, loses and doubles; who is hostile spoils what it answers. */
#include <stdlib.h>

#include "coalition_sim_inside.h"

struct route {
	struct face *from;
	unsigned to;
};

/* Which of its faces a member shows to whom: halves of the honest see different ones. */
static struct face *face_shown(struct sim *s, unsigned to, const struct face *from)
{
	struct sim_member *m = &s->members[to];

	if (!m->colludes)
		return &m->faces[0];
	return &m->faces[s->members[from->member].colludes ? from->side
							   : s->members[from->member].half];
}

static bool connected(struct sim *s, const struct face *from, unsigned to)
{
	const struct sim_member *m = &s->members[from->member];

	/* A face of a colluder talks to its own half of the honest only. */
	if (s->founded && m->colludes && !s->members[to].colludes &&
		s->members[to].half != from->side)
		return false;
	/* Against so many the halves are kept apart, or they would find out first. */
	if (s->options->fault == SIM_WEAK_QUORUM && s->founded && !s->healed && !m->colludes &&
		!s->members[to].colludes)
		return false;
	return s->group[from->member] == s->group[to];
}

static void replay_keep(
	struct sim *s, const struct route *r, enum coalition_ask ask, struct slice request)
{
	struct replay *kept;

	if (s->replays_count < SIM_REPLAYS) {
		kept = &s->replays[s->replays_count++];
	} else {
		kept = &s->replays[sim_pick(s, SIM_REPLAYS)];
		buf_clear(&kept->request);
	}
	kept->to = r->to;
	kept->ask = ask;
	memcpy(kept->from, s->members[r->from->member].name, sizeof(kept->from));
	buf_slice_append(&kept->request, request);
}

/* What a hostile member may answer: altered, cut off, nothing, noise, an older answer, far too
 * much. */
static void answer_spoil(struct sim *s, struct buf *answer)
{
	switch (sim_pick(s, 6)) {
	case 0:
		if (answer->len > 0)
			answer->data[sim_pick(s, answer->len)] ^= (char)(1u << sim_pick(s, 8));
		break;
	case 1:
		answer->len = (size_t)sim_pick(s, answer->len + 1);
		break;
	case 2:
		answer->len = 0;
		break;
	case 3:
		for (size_t i = 0; i < answer->len; i++)
			answer->data[i] = (char)sim_random(&s->random);
		break;
	case 4:
		buf_slice_append(&s->spoils, buf_slice(answer));
		if (sim_chance(s, 50)) {
			buf_clear(answer);
			buf_slice_append(answer, buf_slice(&s->spoils));
			buf_clear(&s->spoils);
		}
		break;
	default:
		for (unsigned i = 0; i < 100; i++)
			buf_slice_append(answer, SLICE("\xff\xff\xff\xff\xff\xff\xff\xff"));
		break;
	}
}

static enum err_kind route_call(void *context, enum coalition_ask ask, struct slice request,
	struct buf *ret_answer, struct err *e)
{
	const struct route *r = context;
	struct sim *s = r->from->sim;
	struct face *to = face_shown(s, r->to, r->from);
	struct slice name = slice_of(s->members[r->from->member].name);
	enum err_kind kind;

	s->result.requests++;
	if (!to->alive || !connected(s, r->from, r->to))
		return err_set(e, ERR_IO, "cannot be reached");
	if (s->founded && !s->healed && sim_chance(s, 5)) {
		s->result.lost++;
		return err_set(e, ERR_IO, "the request was lost");
	}
	if (!s->healed && sim_chance(s, 5))
		replay_keep(s, r, ask, request);
	if (!s->healed && sim_chance(s, 5)) {
		struct buf twice = BUF_INIT;
		struct err ignored;

		s->result.doubled++;
		if (coalition_answer(to->coalition, name, ask, request, &twice, &ignored) != OK)
			s->result.lost++;
		buf_fini(&twice);
	}
	kind = coalition_answer(to->coalition, name, ask, request, ret_answer, e);
	if (kind == OK && s->founded && !s->healed && sim_chance(s, 5)) {
		s->result.lost++;
		return err_set(e, ERR_IO, "the answer was lost");
	}
	if (kind == OK && s->founded && s->members[r->to].colludes && sim_chance(s, 8))
		answer_spoil(s, ret_answer);
	return kind;
}

void sim_face_steps(struct face *f, unsigned to, unsigned steps)
{
	struct route route = {f, to};
	struct coalition_way way = {route_call, &route};
	bool more = true;

	while (f->alive && steps-- > 0 && more) {
		struct err e;
		enum err_kind kind = coalition_step(
			f->coalition, slice_of(f->sim->members[to].name), &way, &more, &e);

		if (kind != OK && f->sim->options->verbose)
			fprintf(stderr, "  %s -> %s: %s\n", f->sim->members[f->member].name,
				f->sim->members[to].name, e.text);
		if (kind == ERR_NOMEM || kind == ERR_CORRUPT)
			sim_broken(f->sim, "%s: %s", f->sim->members[f->member].name, e.text);
	}
}
