/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The grammar of STIX patterns (STIX 2.1 section 9 and the ANTLR grammar published with it), by
 * recursive descent: each level of parentheses recurses, chains of operators are loops.
 *
 *   pattern      = or { FOLLOWEDBY or }           or  = and { OR and }
 *   and          = observed { AND observed }
 *   observed     = ( '[' comparison ']' | '(' pattern ')' ) { qualifier }
 *   qualifier    = WITHIN number SECONDS | REPEATS integer TIMES | START time STOP time
 *   comparison   = both { OR both }               both = test { AND test }
 *   test         = path [NOT] operator constant | [NOT] EXISTS path | '(' comparison ')'
 *   path         = type ':' name { '.' name | '[' index ']' | '[' '*' ']' }
 */
#include "pattern_parser.h"

#define QUALIFIERS_MAX 16 /* behind one expression; there are three kinds, so more is an attack */
#define FOUND_MAX      40 /* bytes of a token in a message */

/* ---- messages ------------------------------------------------------------------------------- */

static struct slice token_show(struct arena *a, const struct token *t)
{
	struct slice text = slice_cut(t->text, 0, FOUND_MAX);
	char *copy;

	if (t->kind == TOKEN_END)
		return SLICE("the end");
	/* not in the middle of a character */
	while (text.len < t->text.len && text.len > 0 &&
		((unsigned char)t->text.data[text.len] & 0xc0) == 0x80)
		text.len--;
	copy = arena_string(a, text);
	if (copy == NULL)
		return SLICE("...");
	for (size_t k = 0; k < text.len; k++) {
		if ((unsigned char)copy[k] < 0x20 || copy[k] == 0x7f)
			copy[k] = '?';
	}
	return arena_printf(a, "\"%s%s\"", copy, text.len < t->text.len ? "..." : "");
}

bool parser_expected(struct parser *p, const char *what)
{
	struct slice found = token_show(p->run->arena, &p->token);

	return fault_set(&p->run->fault, p->run->arena, p->token.offset, "expected %s, found %.*s",
		what, SLICE_ARG(found));
}

bool parser_wrong(struct parser *p, size_t offset, const char *message)
{
	return fault_set(&p->run->fault, p->run->arena, offset, "%s", message);
}

void parser_remark(struct parser *p, size_t offset, const char *message)
{
	if (p->run->remark.message.data == NULL)
		fault_set(&p->run->remark, p->run->arena, offset, "%s", message);
}

bool parser_advance(struct parser *p)
{
	return lexer_next(&p->lexer, &p->token);
}

bool parser_take(struct parser *p, enum token_kind kind, const char *what)
{
	return p->token.kind == kind ? parser_advance(p) : parser_expected(p, what);
}

bool parser_count(struct parser *p, size_t offset)
{
	if (p->nodes == STIX_PATTERN_NODES_MAX)
		return fault_set(&p->run->fault, p->run->arena, offset,
			"a pattern has at most %d comparisons, operators and listed values",
			STIX_PATTERN_NODES_MAX);
	p->nodes++;
	return true;
}

bool parser_node(struct parser *p, enum stix_node_kind kind, size_t offset, struct stix_node *a,
	struct stix_node *b, struct stix_node **ret_node)
{
	struct stix_node *n = &p->scratch;

	if (!parser_count(p, offset))
		return false;
	if (p->run->tree) {
		n = ARENA_NEW(p->run->arena, struct stix_node);
		if (n == NULL)
			return fault_no_memory(&p->run->fault);
	}
	n->kind = kind;
	n->offset = (uint32_t)offset;
	n->a = a;
	n->b = b;
	*ret_node = n;
	return true;
}

bool parser_deeper(struct parser *p)
{
	if (p->depth == STIX_PATTERN_DEPTH_MAX)
		return fault_set(&p->run->fault, p->run->arena, p->token.offset,
			"parentheses are nested more than %d deep", STIX_PATTERN_DEPTH_MAX);
	p->depth++;
	return true;
}

/* ---- observations, section 9.5 -------------------------------------------------------------- */

static bool parse_within(struct parser *p, struct stix_node *n)
{
	struct stix_constant c;

	if (p->token.kind != TOKEN_INTEGER && p->token.kind != TOKEN_FLOAT)
		return parser_expected(p, "a number of seconds");
	if (!lexer_constant(&p->lexer, &p->token, &c))
		return false;
	if (!(c.number > 0))
		return parser_wrong(p, p->token.offset, "a number of seconds is positive");
	n->seconds = c.number;
	return parser_advance(p) && parser_take(p, TOKEN_SECONDS, "SECONDS");
}

static bool parse_repeats(struct parser *p, struct stix_node *n)
{
	struct stix_constant c;

	if (p->token.kind != TOKEN_INTEGER)
		return parser_expected(p, "a whole number of times");
	if (!lexer_constant(&p->lexer, &p->token, &c))
		return false;
	if (c.integer < 1)
		return parser_wrong(p, p->token.offset, "a number of times is positive");
	n->times = c.integer;
	return parser_advance(p) && parser_take(p, TOKEN_TIMES, "TIMES");
}

static bool parse_time(struct parser *p, int64_t *ret_us)
{
	struct stix_constant c;

	if (p->token.kind != TOKEN_TIMESTAMP)
		return parser_expected(p, "a timestamp constant t'...'");
	if (!lexer_constant(&p->lexer, &p->token, &c))
		return false;
	*ret_us = c.time_us;
	return parser_advance(p);
}

static bool parse_start(struct parser *p, struct stix_node *n)
{
	int64_t start, stop;
	size_t offset;

	if (!parse_time(p, &start) || !parser_take(p, TOKEN_STOP, "STOP"))
		return false;
	offset = p->token.offset;
	if (!parse_time(p, &stop))
		return false;
	if (stop <= start)
		parser_remark(
			p, offset, "nothing is observed before STOP when STOP is not after START");
	n->start_us = start;
	n->stop_us = stop;
	return true;
}

static const struct qualifier {
	enum token_kind token;
	enum stix_node_kind node;
	bool (*parse)(struct parser *p, struct stix_node *n);
} qualifiers[] = {
	{TOKEN_WITHIN,  STIX_NODE_WITHIN,     parse_within },
	{TOKEN_REPEATS, STIX_NODE_REPEATS,    parse_repeats},
	{TOKEN_START,   STIX_NODE_START_STOP, parse_start  },
};

/*
 * Section 9.5.1: no more than one qualifier of a kind. As in the OASIS validator this holds for
 * what stands directly behind a ']'; parentheses make a new expression.
 */
static bool parse_qualifiers(struct parser *p, bool brackets, struct stix_node **ret_node)
{
	unsigned seen = 0;

	for (unsigned taken = 0;; taken++) {
		const struct qualifier *q = NULL;
		size_t offset = p->token.offset;
		struct stix_node *n;

		for (size_t k = 0; k < COUNT_OF(qualifiers); k++) {
			if (qualifiers[k].token == p->token.kind)
				q = &qualifiers[k];
		}
		if (q == NULL)
			return true;
		if (brackets && (seen & 1u << q->node) != 0)
			return parser_wrong(
				p, offset, "an observation has only one qualifier of a kind");
		if (taken == QUALIFIERS_MAX)
			return fault_set(&p->run->fault, p->run->arena, offset,
				"an expression has at most %d qualifiers", QUALIFIERS_MAX);
		seen |= 1u << q->node;
		p->run->list = false;
		if (!parser_node(p, q->node, offset, *ret_node, NULL, &n) || !parser_advance(p) ||
			!q->parse(p, n))
			return false;
		*ret_node = n;
	}
}

static bool parse_pattern(struct parser *p, struct stix_node **ret_node);

static bool parse_observed(struct parser *p, struct stix_node **ret_node)
{
	size_t offset = p->token.offset;
	struct expression inside;

	if (p->token.kind == TOKEN_OPEN) {
		if (!parser_deeper(p) || !parser_advance(p) || !parse_pattern(p, ret_node))
			return false;
		p->depth--;
		return parser_take(p, TOKEN_CLOSE, "AND, OR, FOLLOWEDBY, a qualifier or ')'") &&
		       parse_qualifiers(p, false, ret_node);
	}
	p->types_count = 0;
	return parser_take(p, TOKEN_BRACKET, "'[' or '('") && parser_comparison(p, &inside) &&
	       parser_take(p, TOKEN_BRACKET_CLOSE, "AND, OR or ']'") &&
	       parser_node(p, STIX_NODE_OBSERVATION, offset, inside.node, NULL, ret_node) &&
	       parse_qualifiers(p, true, ret_node);
}

/* The operators between observations, the tightest first (section 9.5.3). */
static const struct joiner {
	enum token_kind token;
	enum stix_node_kind node;
	bool list; /* any one of the two matches */
} joiners[] = {
	{TOKEN_AND,        STIX_NODE_OBSERVED_AND, false},
	{TOKEN_OR,         STIX_NODE_OBSERVED_OR,  true },
	{TOKEN_FOLLOWEDBY, STIX_NODE_FOLLOWEDBY,   false},
};

static bool parse_joined(struct parser *p, size_t level, struct stix_node **ret_node)
{
	const struct joiner *j = &joiners[level];
	struct stix_node *right;

	if (level == 0 ? !parse_observed(p, ret_node) : !parse_joined(p, level - 1, ret_node))
		return false;
	while (p->token.kind == j->token) {
		size_t offset = p->token.offset;

		p->run->list &= j->list;
		if (!parser_advance(p) ||
			(level == 0 ? !parse_observed(p, &right)
				    : !parse_joined(p, level - 1, &right)) ||
			!parser_node(p, j->node, offset, *ret_node, right, ret_node))
			return false;
	}
	return true;
}

static bool parse_pattern(struct parser *p, struct stix_node **ret_node)
{
	return parse_joined(p, COUNT_OF(joiners) - 1, ret_node);
}

/* ---- doors
 * ------------------------------------------------------------------------------------------------
 */

static bool pattern_text_fits(struct pattern_run *run)
{
	struct slice rest = run->pattern;

	if (rest.len > STIX_PATTERN_MAX)
		return fault_set(&run->fault, run->arena, STIX_PATTERN_MAX,
			"a pattern has at most %zu bytes", STIX_PATTERN_MAX);
	if (utf8_valid(rest))
		return true;
	while (rest.len > 0) {
		size_t offset = run->pattern.len - rest.len;
		unsigned char first = (unsigned char)rest.data[0];

		utf8_next(&rest);
		if (first >= 0x80 && run->pattern.len - rest.len == offset + 1)
			return fault_set(&run->fault, run->arena, offset, "this is no UTF-8");
	}
	return fault_set(&run->fault, run->arena, 0, "this is no UTF-8");
}

bool pattern_run(struct pattern_run *run)
{
	struct parser p;

	p.run = run;
	p.lexer = (struct lexer){run->pattern, 0, run->arena, &run->fault};
	p.nodes = 0;
	p.depth = 0;
	p.types_count = 0;
	p.steps = p.steps_inline;
	p.steps_capacity = PARSER_STEPS;
	run->list = true;
	run->atoms = 0;
	run->root = NULL;
	return pattern_text_fits(run) && parser_advance(&p) && parse_pattern(&p, &run->root) &&
	       (p.token.kind == TOKEN_END ||
		       parser_expected(&p, "AND, OR, FOLLOWEDBY, a qualifier or the end"));
}

void pattern_error_fill(struct slice pattern, const struct pattern_fault *fault,
	struct stix_pattern_error *ret_error)
{
	struct slice before = slice_cut(pattern, 0, fault->offset);

	*ret_error = (struct stix_pattern_error){
		.offset = fault->offset, .line = 1, .column = 1, .message = fault->message};
	while (before.len > 0) {
		if (utf8_next(&before) == '\n') {
			ret_error->line++;
			ret_error->column = 1;
		} else {
			ret_error->column++;
		}
	}
}

bool stix_pattern_parse(struct slice pattern, struct arena *a, struct stix_node **ret_root,
	struct stix_pattern_error *ret_error)
{
	struct pattern_run run = {.pattern = pattern, .arena = a, .tree = ret_root != NULL};

	if (!pattern_run(&run)) {
		pattern_error_fill(pattern, &run.fault, ret_error);
		return false;
	}
	if (ret_root != NULL)
		*ret_root = run.root;
	return true;
}

bool stix_pattern_remark(
	struct slice pattern, struct arena *a, struct stix_pattern_error *ret_remark)
{
	struct pattern_run run = {.pattern = pattern, .arena = a};

	if (!pattern_run(&run) || run.remark.message.data == NULL)
		return false;
	pattern_error_fill(pattern, &run.remark, ret_remark);
	return true;
}

bool stix_pattern_is_list(struct slice pattern, struct arena *a, size_t *ret_atoms)
{
	struct pattern_run run = {.pattern = pattern, .arena = a};

	if (!pattern_run(&run) || !run.list)
		return false;
	*ret_atoms = run.atoms;
	return true;
}
