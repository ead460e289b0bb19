/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Inside of patterning: the tokens of STIX 2.1 section 9, and one parser that builds a tree, hands
 * out comparisons one by one without a tree, or only judges.
 */
#ifndef STIX_PATTERN_H
#define STIX_PATTERN_H

#include "stix.h"

/* ---- tokens (pattern_lex.c) ------------------------------------------------------------------ */

enum token_kind {
	TOKEN_END,
	TOKEN_NAME,        /* letters, digits, '_': may be a property */
	TOKEN_NAME_HYPHEN, /* with '-' too: only an object type */
	TOKEN_STRING,
	TOKEN_INTEGER,
	TOKEN_FLOAT,
	TOKEN_TIMESTAMP,
	TOKEN_HEX,
	TOKEN_BINARY,
	TOKEN_TRUE,
	TOKEN_FALSE,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_NOT,
	TOKEN_FOLLOWEDBY,
	TOKEN_LIKE,
	TOKEN_MATCHES,
	TOKEN_ISSUPERSET,
	TOKEN_ISSUBSET,
	TOKEN_EXISTS,
	TOKEN_LAST, /* reserved by the published grammar, used nowhere in it */
	TOKEN_IN,
	TOKEN_START,
	TOKEN_STOP,
	TOKEN_SECONDS,
	TOKEN_WITHIN,
	TOKEN_REPEATS,
	TOKEN_TIMES,
	TOKEN_EQUAL,
	TOKEN_NOT_EQUAL,
	TOKEN_LESS,
	TOKEN_LESS_EQUAL,
	TOKEN_GREATER,
	TOKEN_GREATER_EQUAL,
	TOKEN_COLON,
	TOKEN_DOT,
	TOKEN_COMMA,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_BRACKET,
	TOKEN_BRACKET_CLOSE,
	TOKEN_STAR,
	TOKEN_STRAY /* a character that begins nothing */
};

struct token {
	enum token_kind kind;
	bool escaped;      /* STRING: holds a backslash */
	size_t offset;     /* in the pattern */
	struct slice text; /* all of it */
	struct slice body; /* between the quotes */
};

/* What is wrong, and where. message lives in the arena. */
struct pattern_fault {
	size_t offset;
	struct slice message;
	bool no_memory;
};

struct lexer {
	struct slice text;
	size_t at;
	struct arena *arena;
	struct pattern_fault *fault;
};

/* False with the fault set: an open string or comment, or a bad escape. */
bool lexer_next(struct lexer *l, struct token *ret_token);
/* The value of a constant's token; unescaped text and bytes go to the arena. */
bool lexer_constant(struct lexer *l, const struct token *t, struct stix_constant *ret_constant);
/* The text of a STRING token without its escapes. */
bool lexer_string(struct lexer *l, const struct token *t, struct slice *ret_text);
/* May stand as a property name without quotes. */
bool lexer_plain_name(struct slice name);
/* Always false, for `return fault_set(...)`. */
bool fault_set(struct pattern_fault *fault, struct arena *a, size_t offset, const char *format, ...)
	PRINTF(4, 5);
bool fault_no_memory(struct pattern_fault *fault);

/* ---- the parser (pattern.c) ----------------------------------------------------------------- */

/* One comparison, as handed out while parsing; for IN once per value. */
struct pattern_atom {
	struct slice object_type;
	const struct stix_step *steps;
	size_t steps_count;
	bool negated;
	enum stix_comparator comparator;
	const struct stix_constant *constant; /* NULL for EXISTS */
};

struct pattern_run {
	struct slice pattern;
	struct arena *arena;
	bool tree; /* build one, in the arena */
	bool (*atom)(
		void *context, const struct pattern_atom *atom); /* may be NULL; false: no memory */
	void *context;

	struct stix_node *root; /* with `tree` */
	struct pattern_fault fault;
	/* first part that is valid but can never match; empty message: none */
	struct pattern_fault remark;
	size_t atoms;
	bool list; /* nothing but =, IN and ISSUBSET joined by OR */
};

bool pattern_run(struct pattern_run *run);
/* Offset, and its line and column. */
void pattern_error_fill(struct slice pattern, const struct pattern_fault *fault,
	struct stix_pattern_error *ret_error);

/* A value that cannot be of this hash algorithm; unknown algorithms fit anything. */
bool pattern_hash_fits(struct slice algorithm, struct slice value);

#endif
