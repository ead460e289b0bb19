/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The part of a pattern outside the brackets (section 9.5), first as a tree with flat chains and
 * the START and STOP pushed down to the brackets they are about, then as a program for bind.c:
 *
 *   [a] AND [b]              BIND a; BIND b
 *   [a] FOLLOWEDBY [b]       FRAME f; BIND a; NEXT f; BIND b
 *   x OR y                   OR 1; x; JUMP 2; 1: y; 2:
 *   x WITHIN 5 SECONDS       FRAME w; x
 *   x REPEATS 3 TIMES        LOOP l; 1: x; AGAIN l 1
 *
 * A REPEATS is "a AND a AND ...", as the clause says, and all bound observations are distinct.
 */
#include <math.h>

#include "compiled.h"

#define TIME_FAR INT64_MAX

static enum err_kind no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "pattern: out of memory");
}

/* ---- the tree -------------------------------------------------------------------------------- */

struct span {
	int64_t from_us, before_us;
};

struct builder {
	struct pattern *p;
	size_t leaves_capacity, ops_count, ops_capacity, frames_capacity, loops_capacity;
};

/* Room for one more of `size` bytes in an array that doubles in the arena. */
static bool array_room(struct arena *a, void **array, size_t count, size_t *capacity, size_t size)
{
	size_t more = *capacity == 0 ? 2 : *capacity * 2;
	void *grown;

	if (count < *capacity)
		return true;
	grown = arena_zalloc(a, more * size);
	if (grown == NULL)
		return false;
	if (count > 0)
		memcpy(grown, *array, count * size);
	*array = grown;
	*capacity = more;
	return true;
}

static enum plan_kind plan_kind_of(enum stix_node_kind kind)
{
	static const enum plan_kind kinds[] = {
		[STIX_NODE_OBSERVATION] = PLAN_LEAF,
		[STIX_NODE_OBSERVED_AND] = PLAN_AND,
		[STIX_NODE_OBSERVED_OR] = PLAN_OR,
		[STIX_NODE_FOLLOWEDBY] = PLAN_FOLLOWEDBY,
		[STIX_NODE_WITHIN] = PLAN_WITHIN,
		[STIX_NODE_REPEATS] = PLAN_REPEATS,
	};

	return kinds[kind];
}

static enum err_kind plan_node(struct builder *b, const struct stix_node *node, struct span span,
	struct plan **ret_plan, struct err *e);

static enum err_kind plan_leaf(struct builder *b, const struct stix_node *node, struct span span,
	struct plan *plan, struct err *e)
{
	struct pattern *p = b->p;

	if (!array_room(p->arena, (void **)&p->leaves, p->leaves_count, &b->leaves_capacity,
		    sizeof(struct test *)))
		return no_memory(e);
	plan->leaf = (uint32_t)p->leaves_count;
	plan->from_us = span.from_us;
	plan->before_us = span.before_us;
	return test_make(p, node->a, &p->leaves[p->leaves_count++], e);
}

static enum err_kind plan_children(struct builder *b, const struct stix_node *node,
	struct span span, struct plan *plan, struct err *e)
{
	bool one = plan->kind == PLAN_WITHIN || plan->kind == PLAN_REPEATS;
	const struct stix_node *n = node;
	enum err_kind kind = OK;

	plan->count = 1;
	if (!one) {
		for (; n->kind == node->kind; n = n->a)
			plan->count++;
	}
	plan->children = ARENA_ARRAY(b->p->arena, struct plan *, plan->count);
	if (plan->children == NULL)
		return no_memory(e);
	if (one)
		return plan_node(b, node->a, span, &plan->children[0], e);
	n = node;
	for (size_t k = plan->count; k-- > 0 && kind == OK; n = n->a)
		kind = plan_node(b, k > 0 ? n->b : n, span, &plan->children[k], e);
	return kind;
}

/* Nested as deep as parentheses and qualifiers allow: some 64 times 17. */
static enum err_kind plan_node(struct builder *b, const struct stix_node *node, struct span span,
	struct plan **ret_plan, struct err *e)
{
	struct plan *plan;
	double window;

	for (; node->kind == STIX_NODE_START_STOP; node = node->a) {
		if (node->start_us > span.from_us)
			span.from_us = node->start_us;
		if (node->stop_us < span.before_us)
			span.before_us = node->stop_us;
	}
	plan = ARENA_NEW(b->p->arena, struct plan);
	if (plan == NULL)
		return no_memory(e);
	window = node->seconds * (double)US_PER_SECOND;
	plan->kind = plan_kind_of(node->kind);
	plan->times = node->times;
	plan->window_us = window < 9e18 ? (int64_t)ceil(window) : TIME_FAR;
	*ret_plan = plan;
	if (plan->kind == PLAN_LEAF)
		return plan_leaf(b, node, span, plan, e);
	return plan_children(b, node, span, plan, e);
}

/* How many observations the largest way takes; saturates past the limit. */
static int64_t plan_demand(const struct plan *plan)
{
	const int64_t over = PATTERN_OBSERVATIONS_MAX + 1;
	int64_t sum = 0, one;

	if (plan->kind == PLAN_LEAF)
		return 1;
	for (size_t k = 0; k < plan->count; k++) {
		one = plan_demand(plan->children[k]);
		if (plan->kind == PLAN_REPEATS)
			one = plan->times > over ? over : one * plan->times;
		if (plan->kind == PLAN_OR)
			sum = sum > one ? sum : one;
		else
			sum += one;
		if (sum > over)
			sum = over;
	}
	return sum;
}

/* All observations of one match lie within so much time of each other. */
static int64_t plan_window(const struct plan *plan)
{
	int64_t window = 0, one;

	switch (plan->kind) {
	case PLAN_LEAF:
		return 0;
	case PLAN_OR:
		for (size_t k = 0; k < plan->count; k++) {
			one = plan_window(plan->children[k]);
			window = one > window ? one : window;
		}
		return window;
	case PLAN_WITHIN:
		one = plan_window(plan->children[0]);
		return one < plan->window_us ? one : plan->window_us;
	case PLAN_REPEATS:
		return plan->times == 1 ? plan_window(plan->children[0]) : TIME_FAR;
	default:
		return TIME_FAR;
	}
}

/* ---- the program ----------------------------------------------------------------------------- */

struct place {
	uint32_t frame, loop;
	uint32_t loops; /* how many are around */
};

static struct op *op_add(struct builder *b, enum op_kind kind)
{
	struct op *op;

	if (!array_room(b->p->arena, (void **)&b->p->ops, b->ops_count, &b->ops_capacity,
		    sizeof(struct op)))
		return NULL;
	op = &b->p->ops[b->ops_count++];
	*op = (struct op){.kind = kind, .frame = NONE, .loop = NONE};
	return op;
}

static bool write_plan(struct builder *b, const struct plan *plan, struct place place);

static bool write_leaf(struct builder *b, const struct plan *plan, struct place place, bool alone)
{
	struct op *op = op_add(b, OP_BIND);

	if (op == NULL)
		return false;
	op->leaf = plan->leaf;
	op->frame = place.frame;
	op->loop = place.loop;
	op->from_us = plan->from_us;
	op->before_us = plan->before_us;
	op->only = alone;
	/* each pair of brackets is a leaf of its own, so its BIND is the only one */
	op->single = place.loops == (alone ? 1 : 0);
	return true;
}

static bool frame_open(struct builder *b, struct place *place, bool follows, int64_t window_us)
{
	struct pattern *p = b->p;
	struct op *op = op_add(b, OP_FRAME);

	if (op == NULL || !array_room(p->arena, (void **)&p->frames, p->frames_count,
				  &b->frames_capacity, sizeof(struct frame)))
		return false;
	p->frames[p->frames_count] = (struct frame){place->frame, follows, window_us};
	op->frame = place->frame = (uint32_t)p->frames_count++;
	return true;
}

static bool write_followedby(struct builder *b, const struct plan *plan, struct place place)
{
	struct op *op;

	if (!frame_open(b, &place, true, 0))
		return false;
	for (size_t k = 0; k < plan->count; k++) {
		if (k > 0) {
			op = op_add(b, OP_NEXT);
			if (op == NULL)
				return false;
			op->frame = place.frame;
		}
		if (!write_plan(b, plan->children[k], place))
			return false;
	}
	return true;
}

static bool write_or(struct builder *b, const struct plan *plan, struct place place)
{
	size_t or, jumps = b->ops_count;

	for (size_t k = 0; k + 1 < plan->count; k++) {
		or = b->ops_count;
		if (op_add(b, OP_OR) == NULL || !write_plan(b, plan->children[k], place) ||
			op_add(b, OP_JUMP) == NULL)
			return false;
		/* linked through `to` until the end is known */
		b->p->ops[b->ops_count - 1].to = (uint32_t)jumps;
		jumps = b->ops_count - 1;
		b->p->ops[or].to = (uint32_t)b->ops_count;
	}
	if (!write_plan(b, plan->children[plan->count - 1], place))
		return false;
	for (size_t k = 0; k + 1 < plan->count; k++) {
		size_t before = b->p->ops[jumps].to;

		b->p->ops[jumps].to = (uint32_t)b->ops_count;
		jumps = before;
	}
	return true;
}

static bool write_repeats(struct builder *b, const struct plan *plan, struct place place)
{
	const struct plan *inner = plan->children[0];
	int64_t times = plan->times;
	struct pattern *p = b->p;
	struct op *op;
	size_t begin;

	/* REPEATS 2 TIMES REPEATS 3 TIMES is 6 TIMES */
	for (; inner->kind == PLAN_REPEATS; inner = inner->children[0])
		times *= inner->times;
	if (times == 1)
		return write_plan(b, inner, place);
	op = op_add(b, OP_LOOP);
	if (op == NULL || !array_room(p->arena, (void **)&p->loops, p->loops_count,
				  &b->loops_capacity, sizeof(struct loop)))
		return false;
	p->loops[p->loops_count] = (struct loop){place.loop, times};
	op->loop = place.loop = (uint32_t)p->loops_count++;
	place.loops++;
	begin = b->ops_count;
	if (inner->kind == PLAN_LEAF ? !write_leaf(b, inner, place, true)
				     : !write_plan(b, inner, place))
		return false;
	op = op_add(b, OP_AGAIN);
	if (op == NULL)
		return false;
	op->loop = place.loop;
	op->to = (uint32_t)begin;
	return true;
}

static bool write_plan(struct builder *b, const struct plan *plan, struct place place)
{
	switch (plan->kind) {
	case PLAN_LEAF:
		return write_leaf(b, plan, place, false);
	case PLAN_FOLLOWEDBY:
		return write_followedby(b, plan, place);
	case PLAN_OR:
		return write_or(b, plan, place);
	case PLAN_REPEATS:
		return write_repeats(b, plan, place);
	case PLAN_WITHIN:
		return frame_open(b, &place, false, plan->window_us) &&
		       write_plan(b, plan->children[0], place);
	default:
		for (size_t k = 0; k < plan->count; k++) {
			if (!write_plan(b, plan->children[k], place))
				return false;
		}
		return true;
	}
}

enum err_kind plan_make(struct pattern *p, const struct stix_node *root, struct err *e)
{
	const struct span always = {INT64_MIN, TIME_FAR};
	struct builder b = {.p = p};
	enum err_kind kind = plan_node(&b, root, always, &p->plan, e);

	if (kind != OK)
		return kind;
	p->demand = plan_demand(p->plan);
	if (p->demand > PATTERN_OBSERVATIONS_MAX)
		return err_set(e, ERR_LIMIT, "pattern: takes more than %d observations",
			PATTERN_OBSERVATIONS_MAX);
	p->window_us = plan_window(p->plan);
	if (!write_plan(&b, p->plan, (struct place){NONE, NONE, 0}) || op_add(&b, OP_DONE) == NULL)
		return no_memory(e);
	return OK;
}
