/* SPDX-License-Identifier: MPL-2.0 */
/*
 * BACnet's tagged encoding (ANSI/ASHRAE 135-2020 clause 20.2): which objects and properties a
 * message names, and the values it carries. Nesting is counted, never followed by recursion
 * deeper than a shape's own braces.
 */
#include "bacnet.h"

#define NEST_MAX 16 /* brackets within one value; the standard's own constructs have 6 */

enum tag_kind { TAG_PRIMITIVE, TAG_OPEN, TAG_CLOSE };

struct tag {
	uint8_t number;
	bool context;
	enum tag_kind kind;
	uint32_t length; /* of a boolean application tag: its value */
	struct slice content;
};

enum {
	APP_NULL,
	APP_BOOLEAN,
	APP_UNSIGNED,
	APP_SIGNED,
	APP_REAL,
	APP_DOUBLE,
	APP_OCTETS,
	APP_TEXT,
	APP_BITS,
	APP_ENUMERATED,
	APP_DATE,
	APP_TIME,
	APP_OBJECT
};

/* Clause 20.2.1: number in the upper half, class in bit 3, length, or 6 and 7 for brackets. */
static bool tag_read(struct reader *r, struct tag *ret_tag)
{
	struct tag *t = ret_tag;
	uint8_t head = read_u8(r);

	*t = (struct tag){.number = head >> 4, .context = (head & 8) != 0, .length = head & 7};
	if (t->number == 15)
		t->number = read_u8(r);
	if (t->context && t->length >= 6) {
		t->kind = t->length == 6 ? TAG_OPEN : TAG_CLOSE;
		return !r->bad;
	}
	if (!t->context && t->number == APP_BOOLEAN)
		return !r->bad && t->length <= 1;
	if (t->length > 5)
		return false;
	if (t->length == 5) {
		t->length = read_u8(r);
		if (t->length == 254)
			t->length = read_u16(r);
		else if (t->length == 255)
			t->length = read_u32(r);
	}
	t->content = read_bytes(r, t->length);
	return !r->bad;
}

static uint64_t number_of(struct slice content)
{
	uint64_t value = 0;

	for (size_t k = 0; k < content.len && k < 8; k++)
		value = value << 8 | (uint8_t)content.data[k];
	return value;
}

static int64_t signed_of(struct slice content)
{
	uint64_t value = number_of(content);

	if (content.len > 0 && content.len < 8 && ((uint8_t)content.data[0] & 0x80) != 0)
		value |= ~UINT64_C(0) << (content.len * 8);
	return (int64_t)value;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static void put_object(char text[PLANT_TEXT_MAX], struct slice content)
{
	uint32_t id = (uint32_t)number_of(content);
	const char *name = bacnet_object_name(id >> 22);

	if (name != NULL)
		plant_put(text, "%s %u", name, id & 0x3fffff);
	else
		plant_put(text, "type-%u %u", id >> 22, id & 0x3fffff);
}

static void put_property(char text[PLANT_TEXT_MAX], struct slice content)
{
	uint32_t id = (uint32_t)number_of(content);
	const char *name = bacnet_property_name(id);

	if (name != NULL)
		plant_put(text, "%s", name);
	else
		plant_put(text, "property-%u", id);
}

/* Clause 20.2.9: the character set in front; 0 UTF-8, 4 two bytes a character, 5 Latin 1. */
static void put_characters(char text[PLANT_TEXT_MAX], struct slice content)
{
	uint8_t set;

	if (content.len == 0)
		return;
	set = (uint8_t)content.data[0];
	content = slice_cut(content, 1, content.len);
	plant_put(text, "\"");
	if (set == 4 || set == 5) {
		size_t wide = set == 4 ? 2 : 1;

		for (size_t k = 0; k + wide <= content.len && !plant_full(text); k += wide) {
			char bytes[4];
			struct buf b = {.data = bytes, .capacity = sizeof(bytes)};

			utf8_append(&b, (uint32_t)number_of(slice_cut(content, k, k + wide)));
			plant_put_text(text, buf_slice(&b));
		}
	} else {
		plant_put_text(text, content);
	}
	plant_put(text, "\"");
}

/* 255 stands for "any" in dates and times (clause 20.2.12). */
static void put_two(char text[PLANT_TEXT_MAX], const char *before, uint8_t value)
{
	if (value == 255)
		plant_put(text, "%s*", before);
	else
		plant_put(text, "%s%02u", before, value);
}

static void put_date(char text[PLANT_TEXT_MAX], const uint8_t b[4])
{
	if (b[0] == 255)
		plant_put(text, "*");
	else
		plant_put(text, "%u", 1900u + b[0]);
	put_two(text, "-", b[1]);
	put_two(text, "-", b[2]);
}

static void put_time(char text[PLANT_TEXT_MAX], const uint8_t b[4])
{
	put_two(text, "", b[0]);
	put_two(text, ":", b[1]);
	put_two(text, ":", b[2]);
	put_two(text, ".", b[3]);
}

static void put_value(char text[PLANT_TEXT_MAX], const struct tag *t)
{
	struct slice c = t->content;
	const uint8_t *b = (const uint8_t *)c.data;

	if (text[0] != 0)
		plant_put(text, ",");
	if (t->context) {
		plant_put_hex(text, c);
		return;
	}
	switch (t->number) {
	case APP_NULL:
		plant_put(text, "null");
		break;
	case APP_BOOLEAN:
		plant_put(text, "%s", t->length != 0 ? "true" : "false");
		break;
	case APP_UNSIGNED:
	case APP_ENUMERATED:
		plant_put(text, "%llu", (unsigned long long)number_of(c));
		break;
	case APP_SIGNED:
		plant_put(text, "%lld", (long long)signed_of(c));
		break;
	case APP_REAL:
		plant_put(text, "%.7g", (double)plant_f32((uint32_t)number_of(c)));
		break;
	case APP_DOUBLE:
		plant_put(text, "%.15g", plant_f64(number_of(c)));
		break;
	case APP_TEXT:
		put_characters(text, c);
		break;
	case APP_BITS: /* the first byte says how many bits at the end are none */
		for (size_t k = 0; c.len > 0 && k < (c.len - 1) * 8 && !plant_full(text); k++) {
			if (k + b[0] < (c.len - 1) * 8)
				plant_put(text, "%u", (unsigned)(b[1 + k / 8] >> (7 - k % 8) & 1));
		}
		break;
	case APP_DATE:
		if (c.len == 4)
			put_date(text, b);
		break;
	case APP_TIME:
		if (c.len == 4)
			put_time(text, b);
		break;
	case APP_OBJECT:
		put_object(text, c);
		break;
	default:
		plant_put_hex(text, c);
		break;
	}
}

/* ---- shapes ---------------------------------------------------------------------------------- */

/* What the tag means at this level: its letter, '{', or 0; *ret_inside: behind the brace. */
static char meaning(const char *shape, uint8_t number, const char **ret_inside)
{
	unsigned depth = 0;

	for (; *shape != 0; shape++) {
		if (*shape == '}') {
			if (depth-- == 0)
				break;
		} else if (*shape == '{') {
			depth++;
		} else if (depth == 0 && *shape == (char)('0' + number) && number <= 9) {
			*ret_inside = shape + 2;
			return shape[1];
		}
	}
	return 0;
}

/* To the closing bracket; shown when `show`. */
static bool inside(struct reader *r, bool show, struct plant_message *m)
{
	unsigned depth = 1;
	struct tag t;

	while (depth > 0) {
		if (!tag_read(r, &t))
			return false;
		if (t.kind == TAG_OPEN && ++depth > NEST_MAX)
			return false;
		if (t.kind == TAG_CLOSE)
			depth--;
		if (t.kind == TAG_PRIMITIVE && show)
			put_value(m->value, &t);
	}
	return true;
}

/* State of one message: what stands between two names of the object. */
static void put_object_comma(struct plant_message *m)
{
	if (m->object[0] != 0)
		plant_put(m->object, ", ");
}

static void primitive(char letter, const struct tag *t, struct plant_message *m)
{
	switch (letter) {
	case 'O':
		put_object_comma(m);
		put_object(m->object, t->content);
		break;
	case 'P':
		plant_put(m->object, " ");
		put_property(m->object, t->content);
		break;
	case 'I':
		plant_put(m->object, "[%llu]", (unsigned long long)number_of(t->content));
		break;
	case 'N':
		plant_put(m->value, "%s%llu", m->value[0] != 0 ? "," : "",
			(unsigned long long)number_of(t->content));
		break;
	case 'p':
		plant_put(m->value, " priority %llu", (unsigned long long)number_of(t->content));
		break;
	case 'V':
		put_value(m->value, t);
		break;
	default:
		break;
	}
}

/* Clause 20.2.1.3: a level ends with its closing bracket, the outermost with the bytes. */
static bool level(struct reader *r, const char *shape, bool outermost, struct plant_message *m)
{
	while (r->rest.len > 0) {
		const char *next = "";
		struct tag t;
		char letter;

		if (!tag_read(r, &t))
			return false;
		if (t.kind == TAG_CLOSE)
			return !outermost;
		if (!t.context) {
			if (t.number == APP_OBJECT)
				primitive('O', &t, m);
			else
				put_value(m->value, &t);
			continue;
		}
		letter = meaning(shape, t.number, &next);
		if (t.kind == TAG_PRIMITIVE)
			primitive(letter, &t, m);
		else if (letter == '{' ? !level(r, next, false, m) : !inside(r, letter == 'V', m))
			return false;
	}
	return outermost;
}

bool bacnet_parameters(struct slice bytes, const char *shape, struct plant_message *m)
{
	struct reader r = {.rest = bytes};

	return level(&r, shape, true, m);
}

bool bacnet_number(struct slice bytes, unsigned tag, uint32_t *ret_number)
{
	struct reader r = {.rest = bytes};
	unsigned depth = 0;
	bool within = false;
	struct tag t;

	while (r.rest.len > 0) {
		if (!tag_read(&r, &t))
			return false;
		if (t.kind == TAG_OPEN) {
			if (depth++ == 0)
				within = t.number == tag;
			continue;
		}
		if (t.kind == TAG_CLOSE) {
			if (depth-- == 0)
				return false;
			continue;
		}
		if ((depth == 0 && t.context && t.number == tag) || (depth == 1 && within)) {
			if (!t.context && t.number != APP_UNSIGNED && t.number != APP_ENUMERATED)
				return false;
			if (t.content.len == 0 || t.content.len > 4)
				return false;
			*ret_number = (uint32_t)number_of(t.content);
			return true;
		}
	}
	return false;
}

bool bacnet_error(struct slice bytes, struct plant_message *m)
{
	struct reader r = {.rest = bytes};
	uint32_t numbers[2];
	const char *name;
	struct tag t;

	for (unsigned k = 0; k < 2;) {
		if (!tag_read(&r, &t))
			return false;
		if (t.kind == TAG_OPEN && k == 0)
			continue; /* wrapped */
		if (t.kind != TAG_PRIMITIVE || t.context || t.number != APP_ENUMERATED)
			return false;
		numbers[k++] = (uint32_t)number_of(t.content);
	}
	name = bacnet_error_class(numbers[0]);
	if (name != NULL)
		plant_put(m->value, "%s: ", name);
	else
		plant_put(m->value, "class %u: ", numbers[0]);
	name = bacnet_error_code(numbers[1]);
	if (name != NULL)
		plant_put(m->value, "%s", name);
	else
		plant_put(m->value, "code %u", numbers[1]);
	return true;
}
