/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A round of the engine against the naive reading: two random policies, and what is compared. Each
 * check notes the first difference it finds in the round.
 */
#ifndef POLICY_BRUTE_H
#define POLICY_BRUTE_H

#include "policy_naive.h"

struct round {
	bool active[FIELDS];
	unsigned place[FIELDS];
	unsigned fixed[FIELDS];
	struct naive before, after;
	struct policy *was, *is;
	enum bug bug;
	bool questions_only;
	uint64_t decisions, questions;
	const char *difference; /* the first that was found */
};

void differ(struct round *r, const char *what);
/* A question that was answered, and whether alike. */
void same(struct round *r, bool is_same, const char *what);

bool first_place(struct round *r);
bool next_place(struct round *r);
#define FOR_ALL_CASES(r) for (bool more_ = first_place(r); more_; more_ = next_place(r))

/* A witness as places; a number falls to the greatest of ours that is not above it. */
void places_of(const struct policy_case *c, unsigned place[FIELDS]);

void decisions_check(struct round *r);
/* Several sectors: each must be permitted, obligations join. */
void sectors_check(struct round *r);
void who_check(struct round *r);
/* A policy with too many cases to decide them all: some, and what they say of who can receive. */
void large_check(struct round *r, const struct policy_parties *parties);
/* Dead and shadowed rules, meetings, flows, tabling. */
void analyses_check(struct round *r);
/* What changed from r->was to r->is. */
void compare_check(struct round *r);

#endif
