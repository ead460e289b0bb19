/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Finds distinct observations for a pattern's brackets, so that every FOLLOWEDBY, WITHIN, START and
 * STOP holds: a search that goes back over its choices, with three things that keep the patterns of
 * real life linear: what cannot be for want of candidates is seen before the search, candidates are
 * sorted by time, and where a later candidate could not do better only the first is tried. What is
 * left can be exponential (the question is NP-hard), and ends with its steps.
 *
 * An observation lasts from first_observed to last_observed; it was made at some time in between,
 * and a condition holds when such times can be chosen for it: a set is WITHIN x when its latest
 * beginning is at most x after its earliest end; b may follow a when b's end is not before a's
 * beginning.
 */
#include <stdlib.h>

#include "compiled.h"

#define TRAIL_MAX   MIB(128) /* bytes; 1,000 frames around 8,000 bindings */
#define CHOICES_MAX MIB(16)

struct frame_state {
	int64_t latest_first; /* INT64_MIN: nothing bound yet */
	int64_t earliest_last;
	int64_t bound; /* FOLLOWEDBY: what comes must not have ended before */
};

struct loop_state {
	int64_t left;                       /* rounds, with the one that runs */
	int64_t before_leaf, before_choice; /* what the round before bound first; -1: nothing */
	int64_t now_leaf, now_choice;
};

struct trail {
	int64_t *cell;
	int64_t old;
};

struct choice {
	uint32_t op;
	uint32_t next; /* BIND: candidate to try; OR: unused */
	size_t bound, trail;
};

struct machine {
	const struct pattern *p;
	struct binding *b;
	struct frame_state *frames;
	struct loop_state *loops;
};

void binding_fini(struct binding *b)
{
	buf_fini(&b->bound);
	buf_fini(&b->cells);
	buf_fini(&b->trail);
	buf_fini(&b->choices);
}

/* ---- time
 * ------------------------------------------------------------------------------------------------
 */

static int64_t add_us(int64_t a, int64_t b)
{
	int64_t sum;

	if (!__builtin_add_overflow(a, b, &sum))
		return sum;
	return b > 0 ? INT64_MAX : INT64_MIN;
}

/* First candidate that ends at or after `least` at the earliest; those before it do not. */
static size_t candidates_from(const struct candidates *c, const struct seen *pool, int64_t least)
{
	size_t low = 0, high = c->count;

	if (least == INT64_MIN)
		return 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int64_t last =
			c->last_max != NULL ? c->last_max[middle] : pool[c->list[middle]].first_us;

		if (last < least)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* First candidate that begins after `most`. */
static size_t candidates_to(const struct candidates *c, const struct seen *pool, int64_t most)
{
	size_t low = 0, high = c->count;

	if (most == INT64_MAX)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pool[c->list[middle]].first_us <= most)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int64_t candidates_sum(const struct candidates *c, size_t from, size_t to)
{
	if (from >= to)
		return 0;
	if (c->sum == NULL)
		return (int64_t)(to - from);
	return c->sum[to - 1] - (from == 0 ? 0 : c->sum[from - 1]);
}

/* ---- what cannot be -------------------------------------------------------------------------- */

static bool leaf_reach(struct binding *b, const struct plan *plan, int64_t times, int64_t least,
	int64_t *ret_first)
{
	const struct candidates *c = &b->leaves[plan->leaf];
	int64_t from = plan->from_us > least ? plan->from_us : least;
	int64_t most = plan->before_us == INT64_MAX ? INT64_MAX : plan->before_us - 1;
	size_t at, end;

	if (b->from_us > from)
		from = b->from_us;
	if (b->to_us < most)
		most = b->to_us;
	at = candidates_from(c, b->pool, from);
	end = candidates_to(c, b->pool, most);
	if (candidates_sum(c, at, end) < times)
		return false;
	*ret_first = b->pool[c->list[at]].first_us;
	return true;
}

/*
 * Leaving aside that observations must be distinct and WITHIN: can the plan be met by observations
 * that end at or after `least`, and when has the last of them begun at the earliest? What fails
 * here fails for certain.
 */
static bool plan_reach(struct binding *b, const struct plan *plan, int64_t times, int64_t least,
	int64_t *ret_first)
{
	int64_t latest = INT64_MIN, earliest = INT64_MAX, first;
	bool any = false;

	switch (plan->kind) {
	case PLAN_LEAF:
		return leaf_reach(b, plan, times, least, ret_first);
	case PLAN_REPEATS:
		return plan_reach(b, plan->children[0], times * plan->times, least, ret_first);
	case PLAN_WITHIN:
		return plan_reach(b, plan->children[0], times, least, ret_first);
	case PLAN_OR:
		/* the rounds of a REPEATS may each take another way */
		for (size_t k = 0; k < plan->count; k++) {
			if (plan_reach(b, plan->children[k], 1, least, &first)) {
				any = true;
				earliest = first < earliest ? first : earliest;
			}
		}
		*ret_first = earliest;
		return any;
	default:
		for (size_t k = 0; k < plan->count; k++) {
			if (!plan_reach(b, plan->children[k], times, least, &first))
				return false;
			latest = first > latest ? first : latest;
			/* only a FOLLOWEDBY that is met once is one row in time */
			if (plan->kind == PLAN_FOLLOWEDBY && times == 1 && latest > least)
				least = latest;
		}
		*ret_first = latest;
		return true;
	}
}

/* ---- the machine ----------------------------------------------------------------------------- */

static void cell_set(struct machine *m, int64_t *cell, int64_t value)
{
	struct trail t = {cell, *cell};

	if (*cell == value)
		return;
	buf_append(&m->b->trail, &t, sizeof(t));
	if (!m->b->trail.bad) /* else it could not be taken back; the machine stops */
		*cell = value;
}

static void trail_undo(struct machine *m, size_t mark)
{
	struct buf *trail = &m->b->trail;
	struct trail t;

	while (trail->len > mark) {
		trail->len -= sizeof(t);
		memcpy(&t, trail->data + trail->len, sizeof(t));
		*t.cell = t.old;
	}
}

static bool choice_push(struct machine *m, uint32_t op, size_t next, size_t bound, size_t trail)
{
	struct choice c = {op, (uint32_t)next, bound, trail};

	buf_append(&m->b->choices, &c, sizeof(c));
	return !m->b->choices.bad;
}

struct range {
	int64_t least; /* last_us at the least */
	int64_t most;  /* first_us at the most */
	size_t at, end;
};

static struct range bind_range(
	const struct machine *m, const struct op *op, const struct candidates *c, size_t at)
{
	struct range r = {.least = op->from_us,
		.most = op->before_us == INT64_MAX ? INT64_MAX : op->before_us - 1};
	size_t from;

	if (m->b->from_us > r.least)
		r.least = m->b->from_us;
	if (m->b->to_us < r.most)
		r.most = m->b->to_us;
	for (uint32_t f = op->frame; f != NONE; f = m->p->frames[f].parent) {
		const struct frame_state *state = &m->frames[f];
		int64_t window = m->p->frames[f].window_us;
		int64_t least = state->bound, most = INT64_MAX;

		if (!m->p->frames[f].follows && state->latest_first != INT64_MIN) {
			least = add_us(state->latest_first, -window);
			most = add_us(state->earliest_last, window);
		}
		if (least > r.least)
			r.least = least;
		if (most < r.most)
			r.most = most;
	}
	/* Rounds of a REPEATS are all alike: one order of them is enough. */
	for (uint32_t l = op->loop; l != NONE; l = m->p->loops[l].parent) {
		const struct loop_state *state = &m->loops[l];

		if (state->now_leaf >= 0 || state->before_leaf < 0)
			continue;
		if ((int64_t)op->leaf < state->before_leaf)
			return r; /* empty */
		if ((int64_t)op->leaf == state->before_leaf && (size_t)state->before_choice > at)
			at = (size_t)state->before_choice;
	}
	from = candidates_from(c, m->b->pool, r.least);
	r.at = from > at ? from : at;
	r.end = candidates_to(c, m->b->pool, r.most);
	if (op->only && r.at < r.end &&
		candidates_sum(c, r.at, r.end) - m->b->pool[c->list[r.at]].used <
			m->loops[op->loop].left)
		r.end = r.at;
	return r;
}

/* No later candidate can do better: it is wanted by nothing else, and it takes no window back. */
static bool bind_is_best(const struct machine *m, const struct op *op, const struct seen *s)
{
	if (!op->single || s->leaves != 1)
		return false;
	for (uint32_t f = op->frame; f != NONE; f = m->p->frames[f].parent) {
		if (s->first_us != s->last_us)
			return false;
		if (!m->p->frames[f].follows && (m->frames[f].latest_first == INT64_MIN ||
							s->last_us < m->frames[f].earliest_last))
			return false;
	}
	return true;
}

static void bind_take(struct machine *m, const struct op *op, size_t choice, uint32_t index)
{
	struct seen *s = &m->b->pool[index];

	for (uint32_t f = op->frame; f != NONE; f = m->p->frames[f].parent) {
		struct frame_state *state = &m->frames[f];

		if (s->first_us > state->latest_first)
			cell_set(m, &state->latest_first, s->first_us);
		if (s->last_us < state->earliest_last)
			cell_set(m, &state->earliest_last, s->last_us);
	}
	for (uint32_t l = op->loop; l != NONE; l = m->p->loops[l].parent) {
		if (m->loops[l].now_leaf < 0) {
			cell_set(m, &m->loops[l].now_leaf, op->leaf);
			cell_set(m, &m->loops[l].now_choice, (int64_t)choice);
		}
	}
	cell_set(m, &s->used, s->used + 1);
	buf_append(&m->b->bound, &index, sizeof(index));
}

/* Take the next candidate at or after `at`; false when there is none. */
static bool bind_next(struct machine *m, uint32_t op_at, size_t at)
{
	const struct op *op = &m->p->ops[op_at];
	const struct candidates *c = &m->b->leaves[op->leaf];
	struct range r = bind_range(m, op, c, at);
	size_t bound = m->b->bound.len, trail = m->b->trail.len;

	for (; r.at < r.end && m->b->steps > 0; r.at++) {
		struct seen *s = &m->b->pool[c->list[r.at]];

		m->b->steps--;
		if (s->used >= (int64_t)s->count || s->last_us < r.least)
			continue;
		if (!bind_is_best(m, op, s) && r.at + 1 < r.end &&
			!choice_push(m, op_at, r.at + 1, bound, trail))
			return false;
		bind_take(m, op, r.at, c->list[r.at]);
		return true;
	}
	return false;
}

/* One instruction that is no BIND; returns where to go on. */
static uint32_t op_run(struct machine *m, uint32_t at)
{
	const struct op *op = &m->p->ops[at];
	struct loop_state *loop;

	switch (op->kind) {
	case OP_FRAME:
		cell_set(m, &m->frames[op->frame].latest_first, INT64_MIN);
		cell_set(m, &m->frames[op->frame].earliest_last, INT64_MAX);
		cell_set(m, &m->frames[op->frame].bound, INT64_MIN);
		return at + 1;
	case OP_NEXT:
		cell_set(m, &m->frames[op->frame].bound, m->frames[op->frame].latest_first);
		return at + 1;
	case OP_LOOP:
		loop = &m->loops[op->loop];
		cell_set(m, &loop->left, m->p->loops[op->loop].times);
		cell_set(m, &loop->before_leaf, -1);
		cell_set(m, &loop->now_leaf, -1);
		return at + 1;
	case OP_AGAIN:
		loop = &m->loops[op->loop];
		if (loop->left == 1)
			return at + 1;
		cell_set(m, &loop->left, loop->left - 1);
		cell_set(m, &loop->before_leaf, loop->now_leaf);
		cell_set(m, &loop->before_choice, loop->now_choice);
		cell_set(m, &loop->now_leaf, -1);
		return op->to;
	case OP_OR:
		(void)choice_push(m, at, 0, m->b->bound.len, m->b->trail.len);
		return at + 1;
	default: /* JUMP */
		return op->to;
	}
}

/* Back to the last choice and on with the next; false when there is none. */
static bool machine_back(struct machine *m, uint32_t *at)
{
	struct buf *choices = &m->b->choices;
	struct choice c;

	while (choices->len > 0) {
		choices->len -= sizeof(c);
		memcpy(&c, choices->data + choices->len, sizeof(c));
		trail_undo(m, c.trail);
		m->b->bound.len = c.bound;
		if (m->p->ops[c.op].kind == OP_OR) {
			*at = m->p->ops[c.op].to;
			return true;
		}
		if (bind_next(m, c.op, c.next)) {
			*at = c.op + 1;
			return true;
		}
		if (m->b->steps == 0)
			return false;
	}
	return false;
}

static bool machine_run(struct machine *m)
{
	uint32_t at = 0;

	for (;;) {
		if (m->b->steps == 0 || m->b->trail.bad || m->b->choices.bad || m->b->bound.bad)
			return false;
		m->b->steps--;
		if (m->p->ops[at].kind == OP_DONE)
			return true;
		if (m->p->ops[at].kind != OP_BIND)
			at = op_run(m, at);
		else if (bind_next(m, at, 0))
			at++;
		else if (!machine_back(m, &at))
			return false;
	}
}

enum err_kind bind_search(
	const struct pattern *p, struct binding *b, bool *ret_found, struct err *e)
{
	size_t frames = p->frames_count * sizeof(struct frame_state);
	size_t loops = p->loops_count * sizeof(struct loop_state);
	struct machine m = {.p = p, .b = b};
	int64_t first;
	bool found, gave_up;

	buf_clear(&b->bound);
	if (!plan_reach(b, p->plan, 1, INT64_MIN, &first)) {
		*ret_found = false;
		return OK;
	}
	buf_clear(&b->cells);
	buf_clear(&b->trail);
	buf_clear(&b->choices);
	b->trail.bytes_max = TRAIL_MAX;
	b->choices.bytes_max = CHOICES_MAX;
	m.frames = (struct frame_state *)(void *)buf_reserve(&b->cells, frames + loops + 1);
	if (m.frames == NULL)
		return err_set(e, ERR_NOMEM, "pattern: out of memory");
	m.loops = (struct loop_state *)(void *)((char *)m.frames + frames);
	memset(m.frames, 0, frames + loops);
	found = machine_run(&m);
	gave_up = !found && (b->steps == 0 || b->trail.bad || b->choices.bad || b->bound.bad);
	trail_undo(&m, 0);
	if (gave_up)
		return err_set(e, ERR_LIMIT,
			"pattern: not decided after trying %d combinations of observations",
			PATTERN_STEPS_MAX);
	*ret_found = found;
	return OK;
}
