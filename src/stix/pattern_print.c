/* SPDX-License-Identifier: MPL-2.0 */
/* A pattern's tree as text again. Chains lean left and may be long, so they are walked, not
 * recursed. */
#include <inttypes.h>
#include <stdlib.h>

#include "pattern.h"

#define EXPONENT_MAX 400                /* of a double, generously */
#define INTEGER_MAX  9007199254740991.0 /* section 2.10 */

static const char *const comparator_names[] = {
	[STIX_EQUAL] = "=",
	[STIX_NOT_EQUAL] = "!=",
	[STIX_GREATER] = ">",
	[STIX_LESS] = "<",
	[STIX_GREATER_EQUAL] = ">=",
	[STIX_LESS_EQUAL] = "<=",
	[STIX_IN] = "IN",
	[STIX_LIKE] = "LIKE",
	[STIX_MATCHES] = "MATCHES",
	[STIX_ISSUBSET] = "ISSUBSET",
	[STIX_ISSUPERSET] = "ISSUPERSET",
	[STIX_EXISTS] = "EXISTS",
};

const char *stix_comparator_name(enum stix_comparator c)
{
	return comparator_names[c];
}

void stix_pattern_quote(struct buf *out, struct slice text)
{
	buf_char(out, '\'');
	for (size_t k = 0; k < text.len; k++) {
		if (text.data[k] == '\'' || text.data[k] == '\\')
			buf_char(out, '\\');
		buf_char(out, text.data[k]);
	}
	buf_char(out, '\'');
}

/* A number in plain digits: patterns know no exponents. */
static void print_digits(struct buf *out, double number)
{
	struct buf text = BUF_INIT;
	struct slice digits;
	int64_t exponent = 0;
	size_t e, point;

	json_number_append(&text, number);
	digits = buf_slice(&text);
	e = slice_find(digits, 'e', 0);
	if (e == digits.len) {
		buf_slice_append(out, digits);
		buf_fini(&text);
		return;
	}
	for (size_t k = e + 2; k < digits.len && exponent < EXPONENT_MAX; k++)
		exponent = exponent * 10 + (digits.data[k] - '0');
	if (digits.data[e + 1] == '-')
		exponent = -exponent;
	digits.len = e;
	if (digits.data[0] == '-') {
		buf_char(out, '-');
		digits = slice_cut(digits, 1, digits.len);
	}
	/* d[.ddd]e+-x: move the point */
	point = slice_find(digits, '.', 0);
	exponent += (int64_t)point;
	if (exponent <= 0) {
		buf_text(out, "0.");
		for (; exponent < 0; exponent++)
			buf_char(out, '0');
	}
	for (size_t k = 0; k < digits.len; k++) {
		if (k == point)
			continue;
		buf_char(out, digits.data[k]);
		exponent--;
	}
	for (; exponent > 0; exponent--)
		buf_char(out, '0');
	buf_fini(&text);
}

/* With a point when `point` asks for it, or an integer would be out of range. */
static void print_number(struct buf *out, double number, bool point)
{
	size_t from = out->len;
	struct slice digits;

	print_digits(out, number);
	digits = slice_cut(buf_slice(out), from, out->len);
	if ((point || number > INTEGER_MAX) && slice_find(digits, '.', 0) == digits.len)
		buf_text(out, ".0");
}

static void print_constant(struct buf *out, const struct stix_constant *c)
{
	switch (c->kind) {
	case STIX_CONSTANT_STRING:
		stix_pattern_quote(out, c->text);
		break;
	case STIX_CONSTANT_INTEGER:
		buf_i64(out, c->integer);
		break;
	case STIX_CONSTANT_FLOAT:
		print_number(out, c->number, true);
		break;
	case STIX_CONSTANT_BOOLEAN:
		buf_text(out, c->boolean ? "true" : "false");
		break;
	case STIX_CONSTANT_TIMESTAMP:
		buf_printf(out, "t'%.*s'", SLICE_ARG(c->text));
		break;
	case STIX_CONSTANT_HEX:
		buf_text(out, "h'");
		hex_append(out, c->text.data, c->text.len);
		buf_char(out, '\'');
		break;
	case STIX_CONSTANT_BINARY:
		buf_text(out, "b'");
		base64_append(out, c->text.data, c->text.len);
		buf_char(out, '\'');
		break;
	}
}

static void print_path(struct buf *out, const struct stix_node *n)
{
	buf_slice_append(out, n->object_type);
	for (size_t k = 0; k < n->steps_count; k++) {
		const struct stix_step *s = &n->steps[k];

		if (s->kind == STIX_STEP_ANY) {
			buf_text(out, "[*]");
		} else if (s->kind == STIX_STEP_INDEX) {
			buf_printf(out, "[%" PRIu32 "]", s->index);
		} else {
			buf_char(out, k == 0 ? ':' : '.');
			if (lexer_plain_name(s->name))
				buf_slice_append(out, s->name);
			else
				stix_pattern_quote(out, s->name);
		}
	}
}

static void print_comparison(struct buf *out, const struct stix_node *n)
{
	if (n->comparator == STIX_EXISTS) {
		buf_text(out, n->negated ? "NOT EXISTS " : "EXISTS ");
		print_path(out, n);
		return;
	}
	print_path(out, n);
	buf_printf(out, "%s %s ", n->negated ? " NOT" : "", stix_comparator_name(n->comparator));
	if (n->comparator != STIX_IN) {
		print_constant(out, &n->constants[0]);
		return;
	}
	buf_char(out, '(');
	for (size_t k = 0; k < n->constants_count; k++) {
		if (k > 0)
			buf_text(out, ", ");
		print_constant(out, &n->constants[k]);
	}
	buf_char(out, ')');
}

static void print_time(struct buf *out, int64_t us)
{
	char text[TIME_TEXT_MAX];
	unsigned digits = us % US_PER_SECOND == 0 ? 0 : us % 1000 == 0 ? 3 : 6;

	time_format(us, digits, text);
	buf_printf(out, "t'%s'", text);
}

static const char *joiner(enum stix_node_kind kind)
{
	switch (kind) {
	case STIX_NODE_AND:
	case STIX_NODE_OBSERVED_AND:
		return " AND ";
	case STIX_NODE_OR:
	case STIX_NODE_OBSERVED_OR:
		return " OR ";
	case STIX_NODE_FOLLOWEDBY:
		return " FOLLOWEDBY ";
	default:
		return NULL;
	}
}

static bool is_qualifier(enum stix_node_kind kind)
{
	return kind == STIX_NODE_WITHIN || kind == STIX_NODE_REPEATS ||
	       kind == STIX_NODE_START_STOP;
}

/*
 * A second qualifier of one kind directly behind a ']' needs parentheses between, to be read again:
 * ([a] WITHIN 5 SECONDS) WITHIN 6 SECONDS.
 */
static bool repeats_kind(const struct stix_node *n)
{
	const struct stix_node *below = n->a;
	bool same = false;

	for (; is_qualifier(below->kind); below = below->a)
		same |= below->kind == n->kind;
	return same && below->kind == STIX_NODE_OBSERVATION;
}

static void print_node(struct buf *out, const struct stix_node *n, bool inside);

/* a and b and c, where a's parent is first in `n`'s chain. */
static void print_chain(struct buf *out, const struct stix_node *n)
{
	const struct stix_node **parts;
	const struct stix_node *at = n;
	size_t count = 1;

	for (at = n; at->a->kind == n->kind; at = at->a)
		count++;
	parts = calloc(count, sizeof(*parts));
	if (parts == NULL) {
		out->bad = true;
		return;
	}
	at = n;
	for (size_t k = count; k-- > 0; at = at->a)
		parts[k] = at;
	print_node(out, parts[0]->a, true);
	for (size_t k = 0; k < count; k++) {
		buf_text(out, joiner(n->kind));
		print_node(out, parts[k]->b, true);
	}
	free(parts);
}

static void print_qualified(struct buf *out, const struct stix_node *n)
{
	bool apart = repeats_kind(n);

	if (apart)
		buf_char(out, '(');
	print_node(out, n->a, true);
	if (apart)
		buf_char(out, ')');
	if (n->kind == STIX_NODE_WITHIN) {
		buf_text(out, " WITHIN ");
		print_number(out, n->seconds, false);
		buf_text(out, " SECONDS");
	} else if (n->kind == STIX_NODE_REPEATS) {
		buf_printf(out, " REPEATS %" PRId64 " TIMES", n->times);
	} else {
		buf_text(out, " START ");
		print_time(out, n->start_us);
		buf_text(out, " STOP ");
		print_time(out, n->stop_us);
	}
}

/* inside: a chain needs parentheses. */
static void print_node(struct buf *out, const struct stix_node *n, bool inside)
{
	if (n->kind == STIX_NODE_COMPARISON) {
		print_comparison(out, n);
	} else if (n->kind == STIX_NODE_OBSERVATION) {
		buf_char(out, '[');
		print_node(out, n->a, false);
		buf_char(out, ']');
	} else if (is_qualifier(n->kind)) {
		print_qualified(out, n);
	} else {
		if (inside)
			buf_char(out, '(');
		print_chain(out, n);
		if (inside)
			buf_char(out, ')');
	}
}

void stix_pattern_print(const struct stix_node *root, struct buf *out)
{
	print_node(out, root, false);
}
