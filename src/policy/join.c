/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Layers: the unified policy, and what overlays and reservations add to it. They add forbids and
 * requires, and these can only tighten: a forbid denies more, and obligations join to the
 * strictest. So the proof is that nothing else is in them.
 */
#include "boxes.h"

static bool parties_same(const struct policy *a, const struct policy *b)
{
	bool same = a->parties.members_count == b->parties.members_count;

	for (size_t i = 0; same && i < a->parties.members_count; i++)
		same = slice_equal(a->parties.members[i], b->parties.members[i]);
	return same;
}

/* A permit in a layer would loosen: say what it would let through that the policy does not. */
static enum err_kind loosens(const struct policy *unified, const struct policy *layer,
	const struct rule *r, struct err *e)
{
	uint64_t steps = POLICY_STEPS;
	struct arena *a = arena_new(MIB(32));
	struct buf text = BUF_INIT;
	struct search search = {0};
	struct policy_case witness;
	struct side s;
	bool found = false;
	struct box box;

	rule_box(r, &unified->space, &box);
	/* Cases of its box that nobody permits, else that are denied; its bounds stay its own. */
	if (a != NULL && side_init(&s, unified, r->family, &unified->space, NULL, a) &&
		search_init(&search, s.attributes, &steps)) {
		search_subtract_all(&search, s.permits, s.permits_count);
		found = search_remains(&search, &box) == POLICY_YES;
		for (unsigned i = 0; !found && i < s.denies_count; i++) {
			struct box both;

			search_clear(&search);
			found = box_meet(&box, s.denies[i], s.attributes, &both) &&
				search_remains(&search, &both) == POLICY_YES;
		}
		if (found)
			box_case(&search.found, &unified->space, r->family, r->range, &witness);
	}
	if (found)
		policy_case_write(unified, &witness, &text);
	err_set(e, ERR_INVALID,
		"layer \"%.*s\": rule \"%.*s\" is a %s, and layers only forbid and "
		"require%s%.*s",
		SLICE_ARG(layer->name), SLICE_ARG(r->id), policy_effect_name(r->effect),
		found ? "; it would let through " : "; it would add nothing",
		SLICE_ARG(buf_slice(&text)));
	buf_fini(&text);
	search_fini(&search);
	arena_free(a);
	return ERR_INVALID;
}

static enum err_kind layer_check(
	const struct policy *unified, const struct policy *layer, struct err *e)
{
	if (!parties_same(unified, layer))
		return err_set(e, ERR_INVALID,
			"layer \"%.*s\": not about the same members as the policy",
			SLICE_ARG(layer->name));
	for (unsigned i = 0; i < layer->rules_count; i++) {
		const struct rule *r = &layer->rules[i];

		if (r->effect == POLICY_PERMIT)
			return loosens(unified, layer, r, e);
		if (r->family == POLICY_DUTY || r->effect == POLICY_NEVER)
			return err_set(e, ERR_INVALID,
				"layer \"%.*s\": rule \"%.*s\": layers only forbid and require",
				SLICE_ARG(layer->name), SLICE_ARG(r->id));
	}
	return OK;
}

static bool rules_add(struct policy *p, const struct policy *from)
{
	for (unsigned i = 0; i < from->rules_count; i++) {
		struct rule *r = &p->rules[p->rules_count++];

		*r = from->rules[i];
		switch (from->layer) {
		case POLICY_OVERLAY:
			r->id = arena_printf(p->arena, "overlay:%.*s", SLICE_ARG(r->id));
			break;
		case POLICY_RESERVATION:
			r->id = arena_printf(p->arena, "reservation-of-%.*s:%.*s",
				SLICE_ARG(from->member), SLICE_ARG(r->id));
			break;
		default:
			r->id = arena_copy(p->arena, r->id);
		}
		r->clause = arena_copy(p->arena, r->clause);
		if (r->id.data == NULL)
			return false;
	}
	return true;
}

/* The digest of the joined policy is that of the digests in order. */
static bool head_join(struct policy *p, const struct policy *unified,
	const struct policy *const *layers, size_t layers_count)
{
	struct buf digests = BUF_INIT;
	bool good;

	p->name = arena_copy(p->arena, unified->name);
	p->layer = unified->layer;
	p->version = unified->version;
	p->expires_us = unified->expires_us;
	buf_append(&digests, unified->digest, SHA256_LEN);
	for (size_t i = 0; i < layers_count; i++)
		buf_append(&digests, layers[i]->digest, SHA256_LEN);
	if (layers_count == 0)
		memcpy(p->digest, unified->digest, SHA256_LEN);
	else if (!digests.bad)
		hash_sha256(buf_slice(&digests), p->digest);
	good = !digests.bad;
	buf_fini(&digests);
	return good;
}

enum err_kind policy_join(const struct policy *unified, const struct policy *const *layers,
	size_t layers_count, struct policy **ret_policy, struct err *e)
{
	size_t rules = unified->rules_count;
	enum err_kind kind = OK;
	struct policy *p;

	for (size_t i = 0; kind == OK && i < layers_count; i++) {
		kind = layer_check(unified, layers[i], e);
		rules += layers[i]->rules_count;
	}
	if (kind != OK)
		return kind;
	if (rules > POLICY_RULES_MAX)
		return err_set(e, ERR_LIMIT, "policy: %zu rules with all layers, at most %d", rules,
			POLICY_RULES_MAX);
	p = policy_new(&unified->parties);
	if (p == NULL)
		return err_set(e, ERR_NOMEM, "policy: out of memory");
	p->rules = ARENA_ARRAY(p->arena, struct rule, rules + 1);
	if (p->rules == NULL || !head_join(p, unified, layers, layers_count) ||
		!rules_add(p, unified))
		kind = err_set(e, ERR_NOMEM, "policy: out of memory");
	for (size_t i = 0; kind == OK && i < layers_count; i++)
		if (!rules_add(p, layers[i]))
			kind = err_set(e, ERR_NOMEM, "policy: out of memory");
	if (kind == OK)
		kind = policy_finish(p, e);
	if (kind == OK)
		*ret_policy = p;
	else
		policy_free(p);
	return kind;
}
