/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Behind the patterns' door: a pattern made ready (compile.c, plan.c), one observation judged by
 * the expression in one pair of brackets (judge.c, compare.c, regex.c), and observations bound to
 * a pattern's expressions (bind.c).
 */
#ifndef COMPILED_H
#define COMPILED_H

#include "pattern.h"

#define PATTERN_TREE_MAX  MIB(96) /* bytes of the largest pattern's tree, tests and constants */
#define REGEX_LENGTH_MAX  KIB(64) /* bytes of a regular expression; PCRE2 takes little more */
#define REGEX_HEAP_KIB    8192    /* KiB that PCRE2 may take for the backtracking of one MATCHES */
#define REGEX_NESTING_MAX 100     /* parentheses of a regular expression */
#define NETWORK_LEN       32      /* first and last address of a network, 16 bytes each */

/* ---- regular expressions (regex.c) ----------------------------------------------------------- */

struct regex;
/* bytes: over bytes instead of code points. ERR_INVALID with the place when PCRE2 refuses it. */
enum err_kind regex_new(
	struct slice text, bool bytes, struct regex **ret_regex, struct err *e) MUST_USE;
void regex_free(struct regex *r); /* accepts NULL */
/* True when it was found; *limit is set when the search was given up. subject is valid UTF-8 unless
 * the expression is one over bytes. */
bool regex_search(const struct regex *r, struct slice subject, bool *limit);

/* ---- the expression in one pair of brackets -------------------------------------------------- */

struct comparison {
	const struct stix_node *node;
	const struct stix_constant *constants; /* those of IN sorted by constant_order */
	struct slice like;                     /* NFC */
	struct slice like_bytes; /* its code points as bytes; data NULL when one is over 255 */
	struct regex *text;
	struct regex *bytes; /* for values of _hex and _bin properties; NULL: none can match */
	uint8_t network[NETWORK_LEN];
};

enum test_kind { TEST_COMPARISON, TEST_AND, TEST_OR };

/* Chains are flat: a AND b AND c is one test with three children. */
struct test {
	enum test_kind kind;
	uint32_t count;
	struct test **children;
	struct comparison *comparison;
	uint32_t cost; /* set_cover.c */
};

/* ---- what observations must do together (section 9.5) ---------------------------------------- */

enum plan_kind { PLAN_LEAF, PLAN_AND, PLAN_OR, PLAN_FOLLOWEDBY, PLAN_WITHIN, PLAN_REPEATS };

/* Chains are flat here too. */
struct plan {
	enum plan_kind kind;
	uint32_t count;
	struct plan **children;
	uint32_t leaf;
	int64_t from_us, before_us; /* LEAF: START and STOP of everything around it */
	int64_t window_us;          /* WITHIN */
	int64_t times;              /* REPEATS */
};

enum op_kind {
	OP_BIND,  /* leaf: another observation */
	OP_FRAME, /* a WITHIN or FOLLOWEDBY begins anew */
	OP_NEXT,  /* of a FOLLOWEDBY: what comes is not earlier than all before */
	OP_LOOP,  /* the first round of a REPEATS */
	OP_AGAIN, /* back to `to` until all rounds are done */
	OP_OR,    /* go on; should that fail, go to `to` */
	OP_JUMP,  /* to `to` */
	OP_DONE
};

#define NONE UINT32_MAX

struct op {
	enum op_kind kind;
	uint32_t leaf;
	uint32_t frame; /* BIND: the innermost around it; FRAME, NEXT: its own */
	uint32_t loop;  /* the same */
	uint32_t to;
	bool only;   /* BIND: alone in its loop, or in none */
	bool single; /* BIND: the only one of its leaf, and in no other loop than its own */
	int64_t from_us, before_us;
};

struct frame {
	uint32_t parent; /* NONE at the outside */
	bool follows;
	int64_t window_us;
};

struct loop {
	uint32_t parent;
	int64_t times;
};

struct pattern {
	struct arena *arena;
	bool owns_arena;
	struct comparison **comparisons; /* that have regular expressions to free */
	size_t regexes_count;
	struct test **leaves;
	size_t leaves_count;
	struct plan *plan;
	struct op *ops;
	struct frame *frames;
	size_t frames_count;
	struct loop *loops;
	size_t loops_count;
	int64_t demand; /* observations that the largest way to match it takes */
	/* STREAM: all observations of a match lie within so many microseconds; INT64_MAX: no bound
	 */
	int64_t window_us;
};

/* The text is copied. The pattern lives in `a` and must be given to pattern_fini before it goes. */
enum err_kind pattern_compile(
	struct arena *a, struct slice text, struct pattern *ret_pattern, struct err *e) MUST_USE;
void pattern_fini(struct pattern *p);
/* plan.c: fills plan, ops, frames, loops, demand, window_us and the leaves' tests. */
enum err_kind plan_make(struct pattern *p, const struct stix_node *root, struct err *e) MUST_USE;
/* compile.c: the tests of one pair of brackets. */
enum err_kind test_make(struct pattern *p, const struct stix_node *node, struct test **ret_test,
	struct err *e) MUST_USE;
/* For qsort and bsearch over constants of one kind. */
int constant_order(const void *a, const void *b);
/* Code points up to 255 as bytes; false when there are others. */
bool text_to_bytes(struct slice text, struct buf *out);
/* In NFC: text itself when nothing changes, else a copy in *out. ERR_NOMEM makes it empty. */
struct slice text_normal(struct slice text, struct buf *out);
/* "192.0.2.0/24" as first and last address, IPv4 as ::ffff:a.b.c.d. */
bool network_parse(struct slice text, uint8_t ret_network[NETWORK_LEN]);
bool network_within(const uint8_t inner[NETWORK_LEN], const uint8_t outer[NETWORK_LEN]);
bool name_is_hex(struct slice property);
bool name_is_binary(struct slice property);

/* ---- judging one observation (judge.c) ------------------------------------------------------- */

struct object {
	struct slice key; /* its id, or its key in a 2.0 container */
	struct slice type;
	struct json_value value;
};

struct observation {
	struct slice id;
	int64_t modified_us;
	int64_t first_us, last_us;
	uint32_t count; /* number_observed */
	size_t objects_count;
	const struct object *objects; /* sorted by key */
};

/* What judging needs: room for values made comparable, and a budget. */
struct judge {
	struct buf bytes, text;
	uint64_t work; /* steps of paths and comparisons still allowed */
	bool limit;    /* ran out of it, or of what a MATCHES may take */
};

void judge_fini(struct judge *j);
static inline bool judge_spend(struct judge *j)
{
	if (j->work == 0) {
		j->limit = true;
		return false;
	}
	j->work--;
	return true;
}
/* Section 9.5: one object of the observation must meet the whole expression. */
bool judge_observation(struct judge *j, const struct test *t, const struct observation *o);
bool comparison_holds(struct judge *j, const struct comparison *c, struct json_value value,
	struct slice property);
int object_order(const void *a, const void *b);

/* ---- binding (bind.c) ------------------------------------------------------------------------ */

/* An observation that some leaf has matched. A time unknown is first INT64_MAX, last INT64_MIN: it
 * meets no condition on times. */
struct seen {
	int64_t first_us, last_us;
	int64_t used;    /* zero between searches */
	uint64_t number; /* the caller's */
	uint32_t count;
	uint32_t leaves; /* how many it matches; 1 lets the search cut corners */
};

/* Those of one leaf as indexes into the pool, sorted by first_us. */
struct candidates {
	const uint32_t *list;
	size_t count;
	const int64_t *last_max; /* greatest last_us up to here; NULL: all are points in time */
	const int64_t *sum;      /* of count up to and with here; NULL: all are 1 */
};

struct binding {
	struct seen *pool;
	const struct candidates *leaves;
	int64_t from_us, to_us; /* only observations that overlap it */
	uint64_t steps;         /* still allowed; counts down */
	struct buf bound;       /* the result: uint32_t indexes into the pool */
	struct buf cells, trail, choices;
};

static inline struct binding binding_init(void)
{
	return (struct binding){
		.from_us = INT64_MIN, .to_us = INT64_MAX, .steps = PATTERN_STEPS_MAX};
}
void binding_fini(struct binding *b);
/* Is there a way? Then `bound` holds it. ERR_LIMIT when the steps ran out first. */
enum err_kind bind_search(
	const struct pattern *p, struct binding *b, bool *ret_found, struct err *e) MUST_USE;

#endif
