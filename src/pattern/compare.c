/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One value against one comparison: the operators of section 9.6.1 on the constants of 9.2.
 *
 * Where the kinds of value and constant cannot be compared, = and all others are false and only !=
 * is true; NOT turns the outcome of any operator on a value that is there.
 */
#include <stdlib.h>
#include <uninorm.h>
#include <unistr.h>

#include "compiled.h"

enum order { BEFORE, SAME, BEHIND, APART };

/* ---- text, bytes, networks ------------------------------------------------------------------- */

bool name_is_hex(struct slice property)
{
	return slice_ends(property, SLICE("_hex"));
}

bool name_is_binary(struct slice property)
{
	return slice_ends(property, SLICE("_bin"));
}

bool text_to_bytes(struct slice text, struct buf *out)
{
	buf_clear(out);
	while (text.len > 0) {
		uint32_t point = utf8_next(&text);

		if (point > 0xff)
			return false;
		buf_char(out, (char)point);
	}
	return !out->bad;
}

static bool text_is_ascii(struct slice text)
{
	for (size_t k = 0; k < text.len; k++) {
		if ((unsigned char)text.data[k] >= 0x80)
			return false;
	}
	return true;
}

struct slice text_normal(struct slice text, struct buf *out)
{
	uint8_t *normal;
	size_t len = 0;

	if (text_is_ascii(text))
		return text;
	normal = u8_normalize(UNINORM_NFC, (const uint8_t *)text.data, text.len, NULL, &len);
	buf_clear(out);
	if (normal == NULL)
		return text; /* no memory, or no UTF-8: as it is */
	buf_append(out, normal, len);
	free(normal);
	return buf_slice(out);
}

bool network_parse(struct slice text, uint8_t ret_network[NETWORK_LEN])
{
	size_t slash = slice_find(text, '/', 0);
	struct slice bits = slice_cut(text, slash + 1, text.len);
	uint8_t address[16], network[NETWORK_LEN];
	uint64_t prefix, fixed;
	size_t len = event_address_parse(slice_cut(text, 0, slash), address);

	if (len == 0 || (text.len > 0 && text.data[0] == '['))
		return false;
	prefix = 8 * len;
	if (slash < text.len && (!slice_to_u64(bits, &prefix) || prefix > 128))
		return false;
	if (len == 4) {
		bool mapped = slice_find(text, ':', 0) < slash;

		/* ::ffff:a.b.c.d/n counts its bits over all 128 */
		if (mapped && slash < text.len)
			prefix = prefix < 96 ? 33 : prefix - 96;
		if (prefix > 32)
			return false;
		memset(network, 0, 10);
		memset(network + 10, 0xff, 2);
		memcpy(network + 12, address, 4);
		prefix += 96;
	} else {
		memcpy(network, address, 16);
	}
	memcpy(network + 16, network, 16);
	for (size_t k = 0; k < 16; k++) {
		fixed = prefix > 8 * k ? prefix - 8 * k : 0;
		if (fixed < 8) {
			uint8_t free_bits = (uint8_t)(0xff >> fixed);

			network[k] = (uint8_t)(network[k] & ~free_bits);
			network[16 + k] |= free_bits;
		}
	}
	memcpy(ret_network, network, NETWORK_LEN);
	return true;
}

bool network_within(const uint8_t inner[NETWORK_LEN], const uint8_t outer[NETWORK_LEN])
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	bool inner_v4 = memcmp(inner, mapped, sizeof(mapped)) == 0;
	bool outer_v4 = memcmp(outer, mapped, sizeof(mapped)) == 0;

	return inner_v4 == outer_v4 && memcmp(outer, inner, 16) <= 0 &&
	       memcmp(inner + 16, outer + 16, 16) <= 0;
}

/* ---- order ----------------------------------------------------------------------------------- */

static enum order order_of(int difference)
{
	return difference < 0 ? BEFORE : difference > 0 ? BEHIND : SAME;
}

static enum order order_numbers(double a, double b)
{
	return a < b ? BEFORE : a > b ? BEHIND : a == b ? SAME : APART;
}

/* Integers are compared as such; an integer and a float as numbers (section 9.2). */
static enum order order_number(const struct stix_constant *c, struct json_value value)
{
	int64_t whole;
	double number;

	if (json_type(value) == JSON_INTEGER && c->kind == STIX_CONSTANT_INTEGER) {
		if (!json_to_i64(value, &whole))
			return BEHIND; /* over every int64 */
		return whole < c->integer ? BEFORE : whole > c->integer ? BEHIND : SAME;
	}
	if ((json_type(value) != JSON_INTEGER && json_type(value) != JSON_DOUBLE) ||
		!json_to_double(value, &number))
		return APART;
	return order_numbers(number, c->number);
}

/* The value's bytes, when its property holds bytes and it is well-formed. */
static bool value_bytes(struct slice text, struct slice property, struct buf *out)
{
	buf_clear(out);
	if (name_is_hex(property)) {
		char *to = buf_reserve(out, text.len / 2 + 1);

		if (to == NULL || text.len % 2 != 0 || !hex_decode(text, to, text.len / 2))
			return false;
		out->len = text.len / 2;
		return true;
	}
	return name_is_binary(property) && base64_decode(text, out) && !out->bad;
}

static enum order order_text(
	struct judge *j, const struct stix_constant *c, struct slice text, struct slice property)
{
	bool binary = value_bytes(text, property, &j->bytes);
	int64_t us;

	switch (c->kind) {
	case STIX_CONSTANT_STRING:
		if (!binary)
			return order_of(slice_compare(text, c->text));
		/* section 9.2: a string against bytes is read as bytes, one per character */
		if (!text_to_bytes(c->text, &j->text))
			return APART;
		return order_of(slice_compare(buf_slice(&j->bytes), buf_slice(&j->text)));
	case STIX_CONSTANT_HEX:
	case STIX_CONSTANT_BINARY:
		if (!binary && !text_to_bytes(text, &j->bytes))
			return APART;
		return order_of(slice_compare(buf_slice(&j->bytes), c->text));
	case STIX_CONSTANT_TIMESTAMP:
		if (!time_parse(text, &us, NULL))
			return APART;
		return us < c->time_us ? BEFORE : us > c->time_us ? BEHIND : SAME;
	default:
		return APART;
	}
}

static enum order order_value(struct judge *j, const struct stix_constant *c,
	struct json_value value, struct slice property)
{
	if (json_is_string(value))
		return order_text(j, c, json_string(value), property);
	if (json_is_bool(value))
		return c->kind == STIX_CONSTANT_BOOLEAN && c->boolean == json_is_true(value)
			       ? SAME
			       : APART;
	if (c->kind == STIX_CONSTANT_INTEGER || c->kind == STIX_CONSTANT_FLOAT)
		return order_number(c, value);
	return APART;
}

int constant_order(const void *a, const void *b)
{
	const struct stix_constant *x = a, *y = b;

	switch (x->kind) {
	case STIX_CONSTANT_INTEGER:
	case STIX_CONSTANT_FLOAT:
		return (x->number > y->number) - (x->number < y->number);
	case STIX_CONSTANT_TIMESTAMP:
		return (x->time_us > y->time_us) - (x->time_us < y->time_us);
	case STIX_CONSTANT_BOOLEAN:
		return x->boolean - y->boolean;
	default:
		return slice_compare(x->text, y->text);
	}
}

/* Sets of one kind have one order (test: in), so half of what is left goes with each look. */
static bool in_set(
	struct judge *j, const struct comparison *c, struct json_value value, struct slice property)
{
	size_t low = 0, high = c->node->constants_count;

	if (json_is_bool(value)) { /* false and true are no order */
		for (size_t k = 0; k < high; k++) {
			if (order_value(j, &c->constants[k], value, property) == SAME)
				return true;
		}
		return false;
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		enum order o = order_value(j, &c->constants[middle], value, property);

		if (o == SAME)
			return true;
		if (o == APART) { /* the value's kind; or a constant with no bytes, which has no
				     order */
			if (c->constants[middle].kind != STIX_CONSTANT_STRING)
				return false;
			break;
		}
		if (o == BEFORE)
			high = middle;
		else
			low = middle + 1;
	}
	for (; low < high && judge_spend(j); low++) {
		if (order_value(j, &c->constants[low], value, property) == SAME)
			return true;
	}
	return false;
}

/* ---- LIKE and MATCHES ------------------------------------------------------------------------ */

static size_t step_over(struct slice text, size_t at, bool bytes)
{
	size_t next = at + 1;

	while (!bytes && next < text.len && ((unsigned char)text.data[next] & 0xc0) == 0x80)
		next++;
	return next;
}

/* % any run of characters, _ any one; after a failure only the last % can help. */
static bool like_holds(struct judge *j, struct slice text, struct slice like, bool bytes)
{
	size_t at = 0, p = 0, back_at = 0, back_p = 0;
	bool back = false;

	while (at < text.len) {
		if (!judge_spend(j))
			return false;
		if (p < like.len && like.data[p] == '%') {
			back = true;
			back_p = ++p;
			back_at = at;
		} else if (p < like.len && like.data[p] == '_') {
			p++;
			at = step_over(text, at, bytes);
		} else if (p < like.len && like.data[p] == text.data[at]) {
			p++;
			at++;
		} else if (back) {
			back_at = step_over(text, back_at, bytes);
			at = back_at;
			p = back_p;
		} else {
			return false;
		}
	}
	while (p < like.len && like.data[p] == '%')
		p++;
	return p == like.len;
}

static bool text_holds(
	struct judge *j, const struct comparison *c, struct json_value value, struct slice property)
{
	bool like = c->node->comparator == STIX_LIKE;

	if (!json_is_string(value))
		return false;
	if (value_bytes(json_string(value), property, &j->bytes)) {
		if (like)
			return c->like_bytes.data != NULL &&
			       like_holds(j, buf_slice(&j->bytes), c->like_bytes, true);
		return c->bytes != NULL && regex_search(c->bytes, buf_slice(&j->bytes), &j->limit);
	}
	if (like)
		return like_holds(j, text_normal(json_string(value), &j->text), c->like, false);
	return regex_search(c->text, text_normal(json_string(value), &j->text), &j->limit);
}

static bool network_holds(const struct comparison *c, struct json_value value)
{
	uint8_t network[NETWORK_LEN];

	if (!json_is_string(value) || !network_parse(json_string(value), network))
		return false;
	return c->node->comparator == STIX_ISSUBSET ? network_within(network, c->network)
						    : network_within(c->network, network);
}

/* ---- the operators --------------------------------------------------------------------------- */

#define BIT(order) (1u << (order))

/* Which outcomes of a comparison make each operator true. */
static const unsigned good[] = {
	[STIX_EQUAL] = BIT(SAME),
	[STIX_NOT_EQUAL] = BIT(BEFORE) | BIT(BEHIND) | BIT(APART),
	[STIX_GREATER] = BIT(BEHIND),
	[STIX_LESS] = BIT(BEFORE),
	[STIX_GREATER_EQUAL] = BIT(BEHIND) | BIT(SAME),
	[STIX_LESS_EQUAL] = BIT(BEFORE) | BIT(SAME),
};

bool comparison_holds(
	struct judge *j, const struct comparison *c, struct json_value value, struct slice property)
{
	bool holds;

	if (json_type(value) == JSON_NULL)
		return false; /* STIX has no null: the property is not there */
	switch (c->node->comparator) {
	case STIX_EXISTS:
		return true; /* `NOT EXISTS` is for those who know that nothing was found */
	case STIX_IN:
		holds = in_set(j, c, value, property);
		break;
	case STIX_LIKE:
	case STIX_MATCHES:
		holds = text_holds(j, c, value, property);
		break;
	case STIX_ISSUBSET:
	case STIX_ISSUPERSET:
		holds = network_holds(c, value);
		break;
	default:
		holds = (good[c->node->comparator] &
				BIT(order_value(j, &c->constants[0], value, property))) != 0;
	}
	return holds != c->node->negated;
}
