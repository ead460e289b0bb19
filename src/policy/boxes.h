/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The algebra that answers questions about all cases. A policy permits the union of its permit
 * boxes minus the union of its deny boxes (forbids, nevers, and where obligations contradict each
 * other), so every question comes down to: does something of this box lie outside all of those?
 */
#ifndef POLICY_BOXES_H
#define POLICY_BOXES_H

#include "inside.h"

/* One family of a policy as boxes in a given space. */
struct side {
	const struct policy *p;
	enum policy_family family;
	unsigned attributes;
	unsigned count; /* rules, by their place in the family's table */
	const struct rule **rules;
	struct box *boxes;
	struct box *meets; /* of conflicts, by their place */
	unsigned meets_count;
	const struct box **permits, **denies; /* into boxes and meets */
	uint16_t *permit_rules;               /* place of each permit */
	unsigned permits_count, denies_count;
};
/* members: number in the space of each member of p; NULL: the same. False: no memory. */
bool side_init(struct side *s, const struct policy *p, enum policy_family f,
	const struct space *space, const uint8_t *members, struct arena *a);

/* A box in a list of what is subtracted, and the attributes in which it does not take all. */
struct cover {
	const struct box *box;
	uint32_t care;
};
/* A question being asked: what is subtracted, and the budget. */
struct search {
	unsigned attributes;
	uint64_t *steps;
	const struct box **cover; /* room for COVER_MAX */
	size_t cover_count;
	struct cover *lists; /* while asked: what meets each piece, list after list */
	struct box found;    /* YES: a box that lies outside all of cover */
};
/* False: no memory. search_fini in any case. */
bool search_init(struct search *s, unsigned attributes, uint64_t *steps);
void search_fini(struct search *s);
void search_clear(struct search *s);                         /* subtract nothing */
void search_subtract(struct search *s, const struct box *b); /* a side's box, for its `care` */
void search_subtract_all(struct search *s, const struct box *const *boxes, size_t count);
/*
 * For several questions about parts of one box: subtract only what meets it, until search_widen
 * with what this returned. The order of what is subtracted changes.
 */
size_t search_narrow(struct search *s, const struct box *b);
void search_widen(struct search *s, size_t before);
/* Does something of the box remain? */
enum policy_answer search_remains(struct search *s, const struct box *b);

bool box_meet(const struct box *a, const struct box *b, unsigned attributes, struct box *ret_both);
bool box_holds(const struct box *outer, const struct box *inner, unsigned attributes);
/* Some case of the box; numbers from `least` of the range when given. */
void box_case(const struct box *b, const struct space *space, enum policy_family f,
	const struct range *ranges, struct policy_case *ret_case);

/* Of several answers to parts of "is there any". */
static inline enum policy_answer answer_or(enum policy_answer a, enum policy_answer b)
{
	if (a == POLICY_YES || b == POLICY_YES)
		return POLICY_YES;
	return a == POLICY_UNDECIDED || b == POLICY_UNDECIDED ? POLICY_UNDECIDED : POLICY_NO;
}

struct policy_box {
	enum policy_family family;
	struct box box;
	struct range range[POLICY_ATTRIBUTES_MAX];
};

#endif
