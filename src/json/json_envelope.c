/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A bundle or TAXII envelope around the objects of a stream: is this member "objects", and what do
 * the others say? The bytes here are few, so they are read one by one.
 */
#include "json_envelope.h"
#include "json_block.h"

/* ---- "objects": [ ---- */

static const char objects_name[] = "objects";

enum step { STEP_QUOTE, STEP_LETTER, STEP_BACKSLASH, STEP_HEX, STEP_COLON, STEP_ARRAY };

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int hex_value(char c)
{
	uint8_t value;
	char pair[2] = {'0', c};

	return hex_decode((struct slice){pair, 2}, &value, 1) ? value : -1;
}

static enum match match_letter(struct objects_match *m, uint32_t c)
{
	if (m->letter >= sizeof(objects_name) - 1 || c != (unsigned char)objects_name[m->letter])
		return MATCH_NO;
	m->letter++;
	m->step = STEP_LETTER;
	return MATCH_MORE;
}

static enum match match_byte(struct objects_match *m, char c)
{
	int hex;

	switch ((enum step)m->step) {
	case STEP_QUOTE:
		m->step = STEP_LETTER;
		return c == '"' ? MATCH_MORE : MATCH_NO;
	case STEP_LETTER:
		if (c == '"') {
			m->step = STEP_COLON;
			return m->letter == sizeof(objects_name) - 1 ? MATCH_MORE : MATCH_NO;
		}
		if (c != '\\')
			return match_letter(m, (unsigned char)c);
		m->step = STEP_BACKSLASH;
		return MATCH_MORE;
	case STEP_BACKSLASH:
		/* no letter of the name has a short escape */
		m->step = STEP_HEX;
		m->digits = 4;
		m->unit = 0;
		return c == 'u' ? MATCH_MORE : MATCH_NO;
	case STEP_HEX:
		hex = hex_value(c);
		if (hex < 0)
			return MATCH_NO;
		m->unit = m->unit << 4 | (uint32_t)hex;
		return --m->digits != 0 ? MATCH_MORE : match_letter(m, m->unit);
	case STEP_COLON:
		if (is_blank(c))
			return MATCH_MORE;
		m->step = STEP_ARRAY;
		return c == ':' ? MATCH_MORE : MATCH_NO;
	case STEP_ARRAY:
		if (is_blank(c))
			return MATCH_MORE;
		return c == '[' ? MATCH_YES : MATCH_NO;
	}
	return MATCH_NO;
}

enum match objects_match_feed(struct objects_match *m, struct slice bytes, size_t *ret_used)
{
	enum match match = MATCH_MORE;
	size_t used = 0;

	while (used < bytes.len && match == MATCH_MORE)
		match = match_byte(m, bytes.data[used++]);
	*ret_used = used;
	return match;
}

/* ---- the other members ---- */

struct members {
	struct slice text;
	size_t at;
	const char *fault; /* NULL, or what is wrong at `at` */
};

static bool fault(struct members *m, const char *what)
{
	m->fault = what;
	return false;
}

/* The next byte behind white space; -1 at the end. */
static int next_byte(struct members *m)
{
	while (m->at < m->text.len && is_blank(m->text.data[m->at]))
		m->at++;
	return m->at < m->text.len ? (unsigned char)m->text.data[m->at] : -1;
}

static bool skip_string(struct members *m)
{
	for (size_t at = m->at + 1; at < m->text.len; at++) {
		if (m->text.data[at] == '\\') {
			at++;
		} else if (m->text.data[at] == '"') {
			m->at = at + 1;
			return true;
		}
	}
	return fault(m, "string without its closing quote");
}

static bool skip_value(struct members *m)
{
	int c = next_byte(m);
	size_t from = m->at;

	if (c == '"')
		return skip_string(m);
	if (c == '{' || c == '[') {
		struct nesting n = {0};
		struct slice rest = slice_cut(m->text, m->at, m->text.len);
		size_t len = block_ops_portable()->skip(&n, rest);

		if (n.depth != 0)
			return fault(m, "brackets that do not close");
		m->at += len;
		return true;
	}
	while (m->at < m->text.len && !is_blank(m->text.data[m->at]) &&
		memchr(",:{}[]\"", m->text.data[m->at], 7) == NULL)
		m->at++;
	return m->at > from ? true : fault(m, "expected a value");
}

static bool is_objects(struct slice name)
{
	struct objects_match m = {0};
	size_t used;

	return objects_match_feed(&m, name, &used) == MATCH_MORE && m.step == STEP_COLON;
}

/* One member and the byte behind it, which must be one of `follow`. */
static bool take_member(struct members *m, const char *follow, struct buf *out)
{
	struct slice name, value;
	size_t from;
	int c = next_byte(m);

	from = m->at;
	if (c != '"')
		return fault(m, "expected a name in quotes");
	if (!skip_string(m))
		return false;
	name = slice_cut(m->text, from, m->at);
	if (is_objects(name)) {
		m->at = from;
		return fault(m, "duplicate name \"objects\"");
	}
	if (next_byte(m) != ':')
		return fault(m, "expected : behind the name");
	m->at++;
	next_byte(m);
	from = m->at;
	if (!skip_value(m))
		return false;
	value = slice_cut(m->text, from, m->at);
	c = next_byte(m);
	if (c <= 0 || strchr(follow, c) == NULL)
		return fault(m, "expected , or } behind the value");
	if (name.len + value.len > JSON_ENVELOPE_MEMBER_MAX)
		return true;
	if (out->data[out->len - 1] != '{')
		buf_char(out, ',');
	buf_slice_append(out, name);
	buf_char(out, ':');
	buf_slice_append(out, value);
	return true;
}

static bool members_end(const struct members *m, bool is_cut, struct envelope_fault *ret_fault)
{
	if (m->fault == NULL || is_cut)
		return true;
	*ret_fault = (struct envelope_fault){m->at, m->fault};
	return false;
}

bool envelope_head(
	struct slice head, bool is_cut, struct buf *out, struct envelope_fault *ret_fault)
{
	struct members m = {.text = head, .at = 1};

	while (next_byte(&m) >= 0 && take_member(&m, ",", out))
		m.at++;
	return members_end(&m, is_cut, ret_fault);
}

bool envelope_tail(
	struct slice tail, bool is_cut, struct buf *out, struct envelope_fault *ret_fault)
{
	struct members m = {.text = tail};

	while (next_byte(&m) == ',') {
		m.at++;
		if (!take_member(&m, ",}", out))
			break;
	}
	if (m.fault == NULL && next_byte(&m) != '}')
		fault(&m, "expected , or } behind the array");
	return members_end(&m, is_cut, ret_fault);
}
