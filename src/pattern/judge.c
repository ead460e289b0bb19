/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One observation against the expression in one pair of brackets. Section 9.5: all comparisons must
 * hold for the same object of the observation; an object path begins at it and may go on, through
 * references, into others of the same observation (section 9.7).
 */
#include <stdlib.h>

#include "compiled.h"

void judge_fini(struct judge *j)
{
	buf_fini(&j->bytes);
	buf_fini(&j->text);
}

int object_order(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	return slice_compare(x->key, y->key);
}

/* ---- object paths ---------------------------------------------------------------------------- */

struct walk {
	struct judge *judge;
	const struct observation *observation;
	const struct comparison *comparison;
};

static bool member_find(struct json_value object, struct slice name, struct json_value *ret_value)
{
	struct json_value value;
	struct slice member;

	if (!json_is_object(object))
		return false;
	for (struct json_iter it = json_iter(object); json_object_next(&it, &member, &value);) {
		if (slice_equal(member, name)) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

/* What "…_ref" or an item of "…_refs" means, when the observation has it (section 9.7.3). */
static bool follow(const struct walk *w, struct json_value *value)
{
	struct object key = {.key = json_string(*value)};
	const struct object *o;

	if (!json_is_string(*value) || w->observation->objects_count == 0)
		return false;
	o = bsearch(&key, w->observation->objects, w->observation->objects_count, sizeof(*o),
		object_order);
	if (o == NULL)
		return false;
	*value = o->value;
	return true;
}

/* Does any value at the end of the steps from `at` meet the comparison? property: the name that led
 * here. Recursion ends with the steps, of which a path has at most 256. */
static bool walk_any(
	const struct walk *w, size_t at, struct json_value value, struct slice property)
{
	const struct stix_node *node = w->comparison->node;
	const struct stix_step *step = &node->steps[at];
	struct json_value next;
	uint32_t index = 0;

	if (!judge_spend(w->judge))
		return false;
	if (at == node->steps_count)
		return comparison_holds(w->judge, w->comparison, value, property);
	if (step->kind == STIX_STEP_PROPERTY) {
		bool refers =
			slice_ends(property, SLICE("_ref")) || slice_ends(property, SLICE("_refs"));

		if (refers && !follow(w, &value))
			return false;
		return member_find(value, step->name, &next) &&
		       walk_any(w, at + 1, next, step->name);
	}
	if (!json_is_array(value))
		return false;
	for (struct json_iter it = json_iter(value); json_array_next(&it, &next); index++) {
		if (step->kind == STIX_STEP_INDEX && index != step->index) {
			if (index > step->index || !judge_spend(w->judge))
				return false;
			continue;
		}
		if (walk_any(w, at + 1, next, property))
			return true;
		if (w->judge->limit)
			return false;
	}
	return false;
}

static bool comparison_meets(struct judge *j, const struct comparison *c,
	const struct observation *o, const struct object *object)
{
	struct walk w = {j, o, c};
	bool any;

	if (!slice_equal(object->type, c->node->object_type) || j->limit)
		return false;
	any = walk_any(&w, 0, object->value, (struct slice){0});
	/* [NOT EXISTS a:b] asks for an object without it; else what is not there is false. */
	if (c->node->comparator == STIX_EXISTS && c->node->negated)
		return !any && !j->limit;
	return any;
}

/* ---- expressions ----------------------------------------------------------------------------- */

/* Nested as deep as the pattern's parentheses, at most STIX_PATTERN_DEPTH_MAX times two. */
static bool test_meets(struct judge *j, const struct test *t, const struct observation *o,
	const struct object *object)
{
	if (!judge_spend(j))
		return false;
	if (t->kind == TEST_COMPARISON)
		return comparison_meets(j, t->comparison, o, object);
	for (size_t k = 0; k < t->count && !j->limit; k++) {
		if (test_meets(j, t->children[k], o, object) == (t->kind == TEST_OR))
			return t->kind == TEST_OR;
	}
	return t->kind == TEST_AND && !j->limit;
}

bool judge_observation(struct judge *j, const struct test *t, const struct observation *o)
{
	for (size_t k = 0; k < o->objects_count && !j->limit; k++) {
		if (test_meets(j, t, o, &o->objects[k]))
			return !j->limit;
	}
	return false;
}
