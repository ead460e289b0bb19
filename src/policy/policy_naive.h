/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A naive reading of docs/policy.md, for tests of the engine: small policies over a few attributes,
 * made up at random, whose every case is decided one by one, rule by rule, value by value. A
 * reading may be wrong on purpose.
 */
#ifndef POLICY_NAIVE_H
#define POLICY_NAIVE_H

#include "policy_testing.h"

#define UNKNOWN     POLICY_UNKNOWN
#define RULES_MOST  10
#define LARGE_MOST  320 /* rules of a policy whose cases are only sampled: five words of bits */
#define VALUES_MOST 10

/* ---- random numbers -------------------------------------------------------------------------- */

void dice_begin(uint64_t seed);
/* What dice_begin needs to throw from here on once more. */
uint64_t dice_seed(void);
unsigned dice(unsigned sides);

/* ---- the naive policy ------------------------------------------------------------------------ */

/* The attributes that rules may mention, and the values that can make a difference. */
struct field {
	int attribute;
	const char *name;
	bool order, number, guarded, none_apart, none_guarded;
	unsigned count;
	int32_t values[VALUES_MOST];
	const char *names[VALUES_MOST];
	int32_t fixed; /* when no rule mentions it */
};
#define FIELDS 8
#define TO     0 /* of fields */
extern const struct field fields[FIELDS];

enum mode { LEFT_OUT, LIST, NOT, ORDER };
struct set {
	enum mode mode;
	bool has[VALUES_MOST]; /* LIST, NOT: by place */
	int32_t least, most;   /* ORDER */
	bool unknown;
};
/* Obligations: 0 is absent. */
struct demand {
	int32_t retain, delay, approvals, encrypt, named, hidden;
};
struct naive_rule {
	enum policy_effect effect;
	struct set sets[FIELDS];
	struct demand must;
};
struct naive {
	unsigned count;
	struct naive_rule rules[LARGE_MOST];
};

/* Readings that are wrong on purpose. */
enum bug {
	NO_BUG,
	FORBID_LOSES,
	UNKNOWN_IN_ORDER,
	PUBLIC_LEFT_OUT,
	LOOSEST,
	NO_CONTRADICTION,
	NOT_KNOWS_UNKNOWN,
	BUGS
};

struct verdict {
	bool allowed, contradiction;
	int rule;
	struct demand must;
};

bool rule_matches(const struct naive_rule *r, const unsigned place[FIELDS], enum bug bug);
void demand_join(struct demand *d, const struct demand *with, bool loosest);
bool contradicts(const struct demand *d);
/* but: a rule that is taken out, or -1. */
struct verdict decide(const struct naive *n, const unsigned place[FIELDS], int but, enum bug bug);

/* ---- making policies up ---------------------------------------------------------------------- */

void set_random(struct set *s, const struct field *f);
/* 1 to `most` rules over the attributes that are active. */
void naive_random(struct naive *n, const bool active[FIELDS], unsigned most);
/* As amendments are: a rule more, a rule less, a rule changed. */
void naive_amend(struct naive *n, const bool active[FIELDS]);

/* ---- as JSON --------------------------------------------------------------------------------- */

void sets_write(struct buf *b, const struct set sets[FIELDS]);
struct buf naive_text(const struct naive *n);
/* What the engine makes of it; policy_free. */
struct policy *naive_parse(const struct naive *n, const struct policy_parties *parties);

#endif
