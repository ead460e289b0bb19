/* SPDX-License-Identifier: MPL-2.0 */
/* The parser's state, shared by its two halves: observations (pattern.c), comparisons
 * (pattern_compare.c). */
#ifndef STIX_PATTERN_PARSER_H
#define STIX_PATTERN_PARSER_H

#include "pattern.h"

#define PARSER_STEPS 8  /* of a path without memory from the arena: enough for nearly all */
#define PARSER_TYPES 64 /* different object types told apart in one observation, for a remark */

struct parser {
	struct pattern_run *run;
	struct lexer lexer;
	struct token token; /* the next one */
	size_t nodes;
	unsigned depth;
	struct stix_node scratch; /* stands for every node when no tree is built */
	struct slice types[PARSER_TYPES];
	size_t types_count;
	struct stix_step *steps; /* of the path being read */
	size_t steps_capacity;
	struct stix_step steps_inline[PARSER_STEPS];
};

/* A comparison expression, and the set of object types (bits) that could satisfy it. */
struct expression {
	struct stix_node *node;
	uint64_t types;
};

/* comparison = both { OR both } */
bool parser_comparison(struct parser *p, struct expression *ret);

/* Always false, for `return parser_wrong(...)`. */
bool parser_expected(struct parser *p, const char *what);
bool parser_wrong(struct parser *p, size_t offset, const char *message);
/* The first of what is valid but can never match is kept. */
void parser_remark(struct parser *p, size_t offset, const char *message);

/* The next token; take: after this one is of that kind. */
bool parser_advance(struct parser *p);
bool parser_take(struct parser *p, enum token_kind kind, const char *what);
/* One more comparison, operator or listed value. */
bool parser_count(struct parser *p, size_t offset);
bool parser_node(struct parser *p, enum stix_node_kind kind, size_t offset, struct stix_node *a,
	struct stix_node *b, struct stix_node **ret_node);
/* One more level of parentheses, at the token. */
bool parser_deeper(struct parser *p);

#endif
