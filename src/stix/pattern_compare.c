/* SPDX-License-Identifier: MPL-2.0 */
/* Inside of the brackets: object paths (section 9.7) and comparison expressions (section 9.6). */
#include "pattern_parser.h"
#include "value.h"

#define STEPS_MAX 256 /* of one path; an object is nested at most 64 deep, references are few */
#define TYPES_ANY UINT64_MAX

/* ---- object paths, section 9.7 -------------------------------------------------------------- */

static uint64_t type_bit(struct parser *p, struct slice type)
{
	for (size_t k = 0; k < p->types_count; k++) {
		if (slice_equal(p->types[k], type))
			return UINT64_C(1) << k;
	}
	if (p->types_count == PARSER_TYPES)
		return TYPES_ANY;
	p->types[p->types_count] = type;
	return UINT64_C(1) << p->types_count++;
}

static bool path_name(struct parser *p, struct slice *ret_name)
{
	const char *what = "a property name";

	if (p->token.kind == TOKEN_NAME) {
		*ret_name = p->token.text;
		return parser_advance(p);
	}
	if (p->token.kind == TOKEN_NAME_HYPHEN)
		return parser_wrong(
			p, p->token.offset, "a property name with '-' stands in apostrophes");
	if (p->token.kind != TOKEN_STRING)
		return parser_expected(p, what);
	if (p->token.body.len == 0)
		return parser_wrong(p, p->token.offset, "a property name is empty");
	return lexer_string(&p->lexer, &p->token, ret_name) && parser_advance(p);
}

/* Behind the '[' of a step. Section 9.7.2: an index counts from 0, or '*'. */
static bool path_index(struct parser *p, struct stix_step *ret_step)
{
	struct stix_constant index;

	*ret_step = (struct stix_step){.kind = STIX_STEP_ANY};
	if (p->token.kind == TOKEN_INTEGER) {
		if (!lexer_constant(&p->lexer, &p->token, &index))
			return false;
		if (p->token.text.data[0] == '-' || index.integer > UINT32_MAX)
			return parser_wrong(
				p, p->token.offset, "a list index lies between 0 and 4294967295");
		ret_step->kind = STIX_STEP_INDEX;
		ret_step->index = (uint32_t)index.integer;
	} else if (p->token.kind != TOKEN_STAR) {
		return parser_expected(p, "an index or *");
	}
	return parser_advance(p) && parser_take(p, TOKEN_BRACKET_CLOSE, "']'");
}

static bool steps_room(struct parser *p, size_t count)
{
	struct stix_step *steps;

	if (count < p->steps_capacity)
		return true;
	if (count == STEPS_MAX)
		return fault_set(&p->run->fault, p->run->arena, p->token.offset,
			"an object path has at most %d steps", STEPS_MAX);
	steps = ARENA_ARRAY(p->run->arena, struct stix_step, STEPS_MAX);
	if (steps == NULL)
		return fault_no_memory(&p->run->fault);
	memcpy(steps, p->steps, count * sizeof(*steps));
	p->steps = steps;
	p->steps_capacity = STEPS_MAX;
	return true;
}

static bool parse_path(struct parser *p, struct pattern_atom *ret_atom)
{
	size_t steps = 0;

	if (p->token.kind != TOKEN_NAME && p->token.kind != TOKEN_NAME_HYPHEN)
		return parser_expected(p, "an object type, EXISTS or '('");
	ret_atom->object_type = p->token.text;
	if (!parser_advance(p) || !parser_take(p, TOKEN_COLON, "':'"))
		return false;
	p->steps[0] = (struct stix_step){.kind = STIX_STEP_PROPERTY};
	if (!path_name(p, &p->steps[0].name))
		return false;
	for (steps = 1; p->token.kind == TOKEN_DOT || p->token.kind == TOKEN_BRACKET; steps++) {
		bool name = p->token.kind == TOKEN_DOT;

		if (!steps_room(p, steps))
			return false;
		p->steps[steps] = (struct stix_step){.kind = STIX_STEP_PROPERTY};
		if (!parser_advance(p))
			return false;
		if (name ? !path_name(p, &p->steps[steps].name) : !path_index(p, &p->steps[steps]))
			return false;
	}
	ret_atom->steps = p->steps;
	ret_atom->steps_count = steps;
	return true;
}

/* ---- comparisons, section 9.6 --------------------------------------------------------------- */

#define STRING_ONLY 1u
#define ORDERED     2u /* the published grammar leaves true and false out */
#define NETWORK     4u /* an address or network, section 9.6.1 */

/* What may stand behind each comparison operator. */
static const struct operator_rule {
	enum token_kind token;
	enum stix_comparator comparator;
	unsigned rules;
} operators[] = {
	{TOKEN_EQUAL,         STIX_EQUAL,         0                    },
	{TOKEN_NOT_EQUAL,     STIX_NOT_EQUAL,     0                    },
	{TOKEN_GREATER,       STIX_GREATER,       ORDERED              },
	{TOKEN_LESS,          STIX_LESS,          ORDERED              },
	{TOKEN_GREATER_EQUAL, STIX_GREATER_EQUAL, ORDERED              },
	{TOKEN_LESS_EQUAL,    STIX_LESS_EQUAL,    ORDERED              },
	{TOKEN_IN,            STIX_IN,            0                    },
	{TOKEN_LIKE,          STIX_LIKE,          STRING_ONLY          },
	{TOKEN_MATCHES,       STIX_MATCHES,       STRING_ONLY          },
	{TOKEN_ISSUBSET,      STIX_ISSUBSET,      STRING_ONLY | NETWORK},
	{TOKEN_ISSUPERSET,    STIX_ISSUPERSET,    STRING_ONLY | NETWORK},
};

/* Digits of a hexadecimal digest; section 10.6 and the algorithms that the OASIS validator knows.
 */
static const struct {
	const char *name; /* upper case, without '-' */
	size_t digits;
} hashes[] = {
	{"MD5",       32 },
	{"SHA1",      40 },
	{"SHA224",    56 },
	{"SHA256",    64 },
	{"SHA384",    96 },
	{"SHA512",    128},
	{"SHA3224",   56 },
	{"SHA3256",   64 },
	{"SHA3384",   96 },
	{"SHA3512",   128},
	{"RIPEMD160", 40 },
	{"WHIRLPOOL", 128},
};

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool pattern_hash_fits(struct slice algorithm, struct slice value)
{
	char name[16];
	size_t len = 0;

	for (size_t k = 0; k < algorithm.len && len < sizeof(name); k++) {
		char c = algorithm.data[k];

		if (c != '-')
			name[len++] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
	}
	for (size_t k = 0; k < COUNT_OF(hashes); k++) {
		if (!slice_is((struct slice){name, len}, hashes[k].name))
			continue;
		if (value.len != hashes[k].digits)
			return false;
		for (size_t d = 0; d < value.len; d++) {
			if (!is_hex(value.data[d]))
				return false;
		}
	}
	return true;
}

static bool constant_fits(struct parser *p, const struct pattern_atom *atom,
	const struct operator_rule *rule, const struct stix_constant *c)
{
	const struct stix_step *last = &atom->steps[atom->steps_count - 1];
	uint8_t range[VALUE_RANGE_LEN];

	if ((rule->rules & NETWORK) != 0 && !value_address(c->text, range))
		return parser_wrong(
			p, p->token.offset, "expected an IPv4 or IPv6 address or network");
	if ((rule->comparator == STIX_EQUAL || rule->comparator == STIX_NOT_EQUAL ||
		    rule->comparator == STIX_IN) &&
		c->kind == STIX_CONSTANT_STRING && atom->steps_count >= 2 &&
		last->kind == STIX_STEP_PROPERTY && slice_is(last[-1].name, "hashes") &&
		!pattern_hash_fits(last->name, c->text))
		return fault_set(&p->run->fault, p->run->arena, p->token.offset,
			"this is no %.*s hash", SLICE_ARG(last->name));
	return true;
}

static bool is_constant(enum token_kind kind)
{
	return kind >= TOKEN_STRING && kind <= TOKEN_FALSE;
}

/* Hand one comparison out, and note what it means for the pattern as a whole. */
static bool atom_done(struct parser *p, struct pattern_atom *atom, const struct stix_constant *c)
{
	atom->constant = c;
	p->run->atoms++;
	if (p->run->atom != NULL && !p->run->atom(p->run->context, atom))
		return fault_no_memory(&p->run->fault);
	return true;
}

static bool parse_constant(struct parser *p, struct pattern_atom *atom,
	const struct operator_rule *rule, struct stix_constant *ret_constant)
{
	if ((rule->rules & STRING_ONLY) != 0 && p->token.kind != TOKEN_STRING)
		return parser_expected(p, "a string in apostrophes");
	if (!is_constant(p->token.kind))
		return parser_expected(p, "a constant");
	if ((rule->rules & ORDERED) != 0 &&
		(p->token.kind == TOKEN_TRUE || p->token.kind == TOKEN_FALSE))
		return parser_expected(p, "a constant that has an order");
	return lexer_constant(&p->lexer, &p->token, ret_constant) &&
	       constant_fits(p, atom, rule, ret_constant) && parser_advance(p);
}

static bool same_kind(enum stix_constant_kind a, enum stix_constant_kind b)
{
	bool a_number = a == STIX_CONSTANT_INTEGER || a == STIX_CONSTANT_FLOAT;
	bool b_number = b == STIX_CONSTANT_INTEGER || b == STIX_CONSTANT_FLOAT;

	return a == b || (a_number && b_number);
}

/* The set of IN: a table that doubles, or only its first value when no tree is built. */
struct set {
	struct stix_constant *items;
	size_t count;
	size_t capacity;
};

static bool set_room(struct parser *p, struct set *set)
{
	size_t capacity = set->capacity == 0 ? 4 : set->capacity * 2;
	struct stix_constant *items;

	if (set->count < set->capacity || (!p->run->tree && set->capacity > 1))
		return true;
	items = ARENA_ARRAY(p->run->arena, struct stix_constant, capacity);
	if (items == NULL)
		return fault_no_memory(&p->run->fault);
	if (set->count > 0)
		memcpy(items, set->items, set->count * sizeof(*items));
	set->items = items;
	set->capacity = capacity;
	return true;
}

static bool parse_set(struct parser *p, struct pattern_atom *atom, const struct operator_rule *rule,
	struct set *set)
{
	size_t open = p->token.offset;
	struct stix_constant *c;
	size_t offset;

	if (!parser_take(p, TOKEN_OPEN, "'('"))
		return false;
	if (p->token.kind == TOKEN_CLOSE) {
		if (!atom->negated)
			parser_remark(p, open, "nothing is in an empty set");
		return parser_advance(p);
	}
	for (;;) {
		offset = p->token.offset;
		if (!parser_count(p, offset) || !set_room(p, set))
			return false;
		c = &set->items[p->run->tree || set->count == 0 ? set->count : 1];
		if (!parse_constant(p, atom, rule, c))
			return false;
		/* section 9.6.1, IN: constants of homogeneous data type */
		if (!same_kind(set->items[0].kind, c->kind))
			return parser_wrong(p, offset, "the values of a set are of one kind");
		set->count++;
		if (!atom_done(p, atom, c))
			return false;
		if (p->token.kind != TOKEN_COMMA)
			break;
		if (!parser_advance(p))
			return false;
	}
	return parser_take(p, TOKEN_CLOSE, "',' or ')'");
}

static bool comparison_keep(struct parser *p, const struct pattern_atom *atom,
	const struct set *set, struct stix_node *n)
{
	struct stix_step *steps;

	if (!p->run->tree)
		return true;
	steps = ARENA_ARRAY(p->run->arena, struct stix_step, atom->steps_count);
	if (steps == NULL)
		return fault_no_memory(&p->run->fault);
	memcpy(steps, atom->steps, atom->steps_count * sizeof(*steps));
	n->object_type = atom->object_type;
	n->steps = steps;
	n->steps_count = atom->steps_count;
	n->negated = atom->negated;
	n->comparator = atom->comparator;
	n->constants = set->items;
	n->constants_count = set->count;
	return true;
}

/* [NOT] EXISTS path: section 9.6.1 lets NOT stand before any operator. */
static bool parse_exists(struct parser *p, struct pattern_atom *atom)
{
	if (p->token.kind == TOKEN_NOT) {
		atom->negated = true;
		if (!parser_advance(p))
			return false;
	}
	atom->comparator = STIX_EXISTS;
	return parser_take(p, TOKEN_EXISTS, "EXISTS") && parse_path(p, atom) &&
	       atom_done(p, atom, NULL);
}

static bool parse_operator(struct parser *p, struct pattern_atom *atom, struct set *set)
{
	const struct operator_rule *rule = NULL;

	if (p->token.kind == TOKEN_NOT) {
		atom->negated = true;
		if (!parser_advance(p))
			return false;
	}
	for (size_t k = 0; k < COUNT_OF(operators); k++) {
		if (operators[k].token == p->token.kind)
			rule = &operators[k];
	}
	if (rule == NULL)
		return parser_expected(p, atom->negated ? "a comparison operator"
							: "'.', '[', NOT or a comparison operator");
	atom->comparator = rule->comparator;
	if (!parser_advance(p))
		return false;
	if (rule->comparator == STIX_IN)
		return parse_set(p, atom, rule, set);
	if (!set_room(p, set) || !parse_constant(p, atom, rule, &set->items[0]))
		return false;
	set->count = 1;
	return atom_done(p, atom, &set->items[0]);
}

static bool parse_test(struct parser *p, struct expression *ret)
{
	size_t offset = p->token.offset;
	struct pattern_atom atom = {0};
	struct set set = {0};
	struct stix_constant alone[2]; /* without a tree there is nothing to keep */
	struct stix_node *n;

	if (p->token.kind == TOKEN_OPEN) {
		if (!parser_deeper(p) || !parser_advance(p) || !parser_comparison(p, ret))
			return false;
		p->depth--;
		return parser_take(p, TOKEN_CLOSE, "AND, OR or ')'");
	}
	if (!p->run->tree)
		set = (struct set){alone, 0, COUNT_OF(alone)};
	if (p->token.kind == TOKEN_EXISTS || p->token.kind == TOKEN_NOT) {
		if (!parse_exists(p, &atom))
			return false;
	} else if (!parse_path(p, &atom) || !parse_operator(p, &atom, &set)) {
		return false;
	}
	if (!parser_node(p, STIX_NODE_COMPARISON, offset, NULL, NULL, &n) ||
		!comparison_keep(p, &atom, &set, n))
		return false;
	if (atom.negated || (atom.comparator != STIX_EQUAL && atom.comparator != STIX_IN &&
				    atom.comparator != STIX_ISSUBSET))
		p->run->list = false;
	*ret = (struct expression){n, type_bit(p, atom.object_type)};
	return true;
}

static bool parse_both(struct parser *p, struct expression *ret)
{
	struct expression left, right;

	if (!parse_test(p, &left))
		return false;
	while (p->token.kind == TOKEN_AND) {
		size_t offset = p->token.offset;

		p->run->list = false;
		if (!parser_advance(p) || !parse_test(p, &right))
			return false;
		/*
		 * Section 9.5: all operands of AND must be satisfiable with the same object. The
		 * verdicts of OASIS's own tests accept such patterns, so it is a remark, not a
		 * refusal.
		 */
		if ((left.types & right.types) == 0)
			parser_remark(p, offset,
				"AND joins comparisons that no single object can satisfy");
		left.types &= right.types;
		if (!parser_node(p, STIX_NODE_AND, offset, left.node, right.node, &left.node))
			return false;
	}
	*ret = left;
	return true;
}

bool parser_comparison(struct parser *p, struct expression *ret)
{
	struct expression left, right;

	if (!parse_both(p, &left))
		return false;
	while (p->token.kind == TOKEN_OR) {
		size_t offset = p->token.offset;

		if (!parser_advance(p) || !parse_both(p, &right))
			return false;
		left.types |= right.types;
		if (!parser_node(p, STIX_NODE_OR, offset, left.node, right.node, &left.node))
			return false;
	}
	*ret = left;
	return true;
}
