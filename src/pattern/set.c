/* SPDX-License-Identifier: MPL-2.0 */
/* Making a set of patterns, and the table that finds what could match. */
#include <stdlib.h>

#include "set.h"

#define EVENT_MEMORY MIB(16)
#define JSON_MEMORY  MIB(8) /* bytes of one record's observables */

static enum err_kind no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "patterns: out of memory");
}

/* ---- making
 * ------------------------------------------------------------------------------------------------------
 */

enum err_kind pattern_set_new(
	const struct pattern_set_options *options, struct pattern_set **ret_set, struct err *e)
{
	struct pattern_set *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return no_memory(e);
	s->memory_max = options->memory_max != 0 ? options->memory_max : PATTERN_MEMORY_MAX;
	options->world->random(options->world->context, s->key, sizeof(s->key));
	options->world->random(options->world->context, &s->multiplier, sizeof(s->multiplier));
	s->multiplier |= 1;
	s->binding = binding_init();
	s->arena = arena_new(PATTERN_SET_MAX);
	s->scratch = arena_new(EVENT_MEMORY);
	s->parser = json_parser_new(JSON_MEMORY);
	if (s->arena == NULL || s->scratch == NULL || s->parser == NULL) {
		pattern_set_free(s);
		return no_memory(e);
	}
	*ret_set = s;
	return OK;
}

void pattern_set_free(struct pattern_set *s)
{
	if (s == NULL)
		return;
	for (size_t k = 0; k < s->patterns.len / sizeof(struct set_pattern); k++) {
		state_free(s, &set_patterns(s)[k]);
		pattern_fini(&set_patterns(s)[k].compiled);
	}
	buf_fini(&s->patterns);
	buf_fini(&s->leaves);
	buf_fini(&s->atoms);
	buf_fini(&s->sides);
	buf_fini(&s->wishes);
	buf_fini(&s->pending);
	buf_fini(&s->said);
	buf_fini(&s->normal);
	buf_fini(&s->json);
	buf_fini(&s->objects);
	buf_fini(&s->text);
	buf_fini(&s->last_leaves);
	judge_fini(&s->judge);
	binding_fini(&s->binding);
	json_parser_free(s->parser);
	arena_free(s->scratch);
	arena_free(s->arena);
	free(s->slots);
	free(s->grams);
	free(s->wides);
	free(s);
}

/* Can the plan be met when some leaves never are? */
static bool plan_alive(const struct plan *plan, struct test *const *leaves)
{
	bool any = false, all = true;

	if (plan->kind == PLAN_LEAF)
		return leaves[plan->leaf]->cost != UINT32_MAX && plan->from_us < plan->before_us;
	for (size_t k = 0; k < plan->count; k++) {
		bool alive = plan_alive(plan->children[k], leaves);

		any |= alive;
		all &= alive;
	}
	return plan->kind == PLAN_OR ? any : all;
}

/* Where the set stood before a pattern that is refused. */
struct mark {
	size_t leaves, atoms, sides, wishes;
};

static enum err_kind set_take(
	struct pattern_set *s, struct pattern *p, uint32_t number, struct err *e)
{
	struct set_pattern pattern = {.compiled = *p, .number = number, .single = p->demand == 1};
	uint32_t at = (uint32_t)(s->patterns.len / sizeof(pattern));
	enum err_kind kind = OK;

	for (size_t k = 0; k < p->leaves_count && kind == OK; k++) {
		struct set_leaf leaf = {p->leaves[k], at, (uint32_t)k, 0, 0};
		uint32_t index = (uint32_t)(s->leaves.len / sizeof(leaf));

		buf_append(&s->leaves, &leaf, sizeof(leaf));
		if (p->leaves[k]->cost != UINT32_MAX)
			kind = cover_write(s, p->leaves[k], index, e);
	}
	if (kind == OK)
		buf_append(&s->patterns, &pattern, sizeof(pattern));
	if (kind == OK &&
		(s->patterns.bad || s->leaves.bad || s->atoms.bad || s->sides.bad || s->wishes.bad))
		kind = no_memory(e);
	return kind;
}

enum err_kind pattern_set_add(
	struct pattern_set *s, struct slice pattern, uint32_t number, struct err *e)
{
	struct mark mark = {s->leaves.len, s->atoms.len, s->sides.len, s->wishes.len};
	const char *why = "a part of it can never match";
	struct pattern p;
	enum err_kind kind;

	if (s->is_ready)
		return err_set(e, ERR_USAGE, "pattern added to a set that is ready");
	kind = pattern_compile(s->arena, pattern, &p, e);
	if (kind != OK)
		return kind;
	for (size_t k = 0; k < p.leaves_count; k++)
		(void)cover_cost(s, p.leaves[k], &why);
	if (!plan_alive(p.plan, p.leaves))
		kind = err_set(e, ERR_INVALID, "pattern can never match on this stream: %s", why);
	else
		kind = set_take(s, &p, number, e);
	if (kind != OK) {
		s->leaves.len = mark.leaves;
		s->atoms.len = mark.atoms;
		s->sides.len = mark.sides;
		s->wishes.len = mark.wishes;
		pattern_fini(&p);
		return kind;
	}
	s->counts.patterns++;
	return OK;
}

static int atom_order(const void *a, const void *b)
{
	const struct atom *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->leaf > y->leaf) - (x->leaf < y->leaf);
}

static unsigned log2_over(size_t count)
{
	unsigned bits = 6;

	while (((size_t)1 << bits) < count)
		bits++;
	return bits;
}

enum err_kind pattern_set_ready(struct pattern_set *s, struct err *e)
{
	size_t wishes = s->wishes.len / sizeof(struct wish), count;
	unsigned gram_bits = log2_over(wishes * 16 + 8192), bits;
	struct atom *atoms;
	enum err_kind kind;

	if (s->is_ready)
		return err_set(e, ERR_USAGE, "set of patterns made ready twice");
	s->grams = calloc(((size_t)1 << gram_bits) / 64, sizeof(*s->grams));
	s->wides = calloc(((size_t)1 << gram_bits) / 64, sizeof(*s->wides));
	if (s->grams == NULL || s->wides == NULL)
		return no_memory(e);
	s->gram_shift = 64 - gram_bits;
	kind = cover_grams(s, e);
	if (kind != OK)
		return kind;
	buf_fini(&s->wishes);
	atoms = (struct atom *)(void *)s->atoms.data;
	count = s->atoms.len / sizeof(*atoms);
	bits = log2_over(count * 2 + 1);
	s->slots = calloc((size_t)1 << bits, sizeof(*s->slots));
	if (s->slots == NULL)
		return no_memory(e);
	s->slots_mask = ((size_t)1 << bits) - 1;
	if (count > 1)
		qsort(atoms, count, sizeof(*atoms), atom_order);
	for (size_t k = 0; k < count; k++) {
		struct slot *slot = set_slot(s, atoms[k].hash);

		if (slot->count++ == 0) {
			slot->hash = atoms[k].hash;
			slot->first = (uint32_t)k;
		}
	}
	s->is_ready = true;
	return OK;
}

uint64_t pattern_set_roles(const struct pattern_set *s)
{
	return s->roles;
}

void pattern_counts(const struct pattern_set *s, struct pattern_counts *ret_counts)
{
	*ret_counts = s->counts;
	ret_counts->memory = s->memory;
}
