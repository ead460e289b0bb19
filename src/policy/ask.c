/* SPDX-License-Identifier: MPL-2.0 */
/* Questions about all cases of a box: can any of them happen, and who can receive one. */
#include "boxes.h"

#define SIDE_BYTES_MAX MIB(16)

enum err_kind policy_box_parse(const struct policy *p, enum policy_family f, struct json_value when,
	struct arena *a, struct policy_box **ret_box, struct err *e)
{
	struct naming naming = {.parties = &p->parties};
	struct set_reading r = {
		.naming = &naming, .space = &p->space, .family = f, .literal = true, .arena = a};
	struct policy_box *box = ARENA_NEW(a, struct policy_box);
	struct json_iter it;
	struct json_value v;
	struct slice name;

	if (box == NULL)
		return err_set(e, ERR_NOMEM, "question: out of memory");
	if (when.doc != NULL && !json_is_object(when))
		return err_set(e, ERR_INVALID, "question: expected an object");
	box->family = f;
	for (unsigned k = 0; k < attributes_count(f); k++) {
		const struct policy_attribute *row = policy_attribute_get(f, k);

		box->box.set[k] = domain_known(&p->space, f, k) | BIT(BIT_UNKNOWN);
		box->range[k] = (struct range){row->least, row->most, true};
	}
	if (when.doc == NULL) {
		*ret_box = box;
		return OK;
	}
	it = json_iter(when);
	while (json_object_next(&it, &name, &v)) {
		int k = policy_attribute_find(f, name);

		if (k < 0)
			return err_set(e, ERR_INVALID,
				"question: the %s family has no attribute \"%.*s\"",
				policy_family_name(f), SLICE_ARG(name));
		if (!set_read(&r, (unsigned)k, v, &box->box.set[k], &box->range[k]))
			return err_set(e, ERR_INVALID, "question: %.*s%.*s: %.*s", SLICE_ARG(name),
				SLICE_ARG(r.at), SLICE_ARG(r.message));
		if (policy_attribute_get(f, (unsigned)k)->domain == POLICY_NUMBER)
			box->box.set[k] = range_bits(&box->range[k], &p->space.cuts[f][k],
				policy_attribute_get(f, (unsigned)k)->most);
	}
	*ret_box = box;
	return OK;
}

/* Is any case of the box permitted? */
static enum policy_answer permitted(
	struct search *search, const struct side *s, const struct box *box)
{
	enum policy_answer answer = POLICY_NO;

	for (unsigned i = 0; i < s->permits_count && answer != POLICY_YES; i++) {
		struct box piece;

		if (box_meet(box, s->permits[i], s->attributes, &piece))
			answer = answer_or(answer, search_remains(search, &piece));
	}
	return answer;
}

enum policy_answer policy_any(const struct policy *p, const struct policy_box *box, uint64_t *steps,
	struct policy_case *ret_witness)
{
	struct arena *a = arena_new(SIDE_BYTES_MAX);
	enum policy_answer answer = POLICY_UNDECIDED;
	struct search search = {0};
	struct side s = {0};

	if (a != NULL && side_init(&s, p, box->family, &p->space, NULL, a) &&
		search_init(&search, s.attributes, steps)) {
		search_subtract_all(&search, s.denies, s.denies_count);
		answer = permitted(&search, &s, &box->box);
	}
	if (answer == POLICY_YES && ret_witness != NULL)
		box_case(&search.found, &p->space, box->family, box->range, ret_witness);
	search_fini(&search);
	arena_free(a);
	return answer;
}

enum err_kind policy_who(const struct policy *p, const struct policy_box *box, uint64_t *steps,
	enum policy_answer *ret_answers, struct policy_case *ret_witnesses, struct err *e)
{
	size_t recipients = p->parties.members_count + 1;
	struct arena *a;
	struct search search = {0};
	struct side s = {0};
	enum err_kind kind = OK;

	if (box->family != POLICY_EXCHANGE)
		return err_set(e, ERR_USAGE, "question: only an exchange has recipients");
	a = arena_new(SIDE_BYTES_MAX);
	if (a == NULL || !side_init(&s, p, POLICY_EXCHANGE, &p->space, NULL, a) ||
		!search_init(&search, s.attributes, steps))
		kind = err_set(e, ERR_NOMEM, "question: out of memory");
	else
		search_subtract_all(&search, s.denies, s.denies_count);
	for (size_t i = 0; kind == OK && i < recipients; i++) {
		struct box one = box->box;

		one.set[POLICY_TO] &= BIT(i + 1 < recipients ? i : BIT_PUBLIC);
		ret_answers[i] = permitted(&search, &s, &one);
		if (ret_answers[i] == POLICY_YES && ret_witnesses != NULL)
			box_case(&search.found, &p->space, POLICY_EXCHANGE, box->range,
				&ret_witnesses[i]);
	}
	search_fini(&search);
	arena_free(a);
	return kind;
}
