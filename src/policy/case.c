/* SPDX-License-Identifier: MPL-2.0 */
/* A question as JSON: {"family":"exchange","act":"share","to":"kz","sector":["energy"],...}. */
#include "inside.h"

#define CASE_BYTES_MAX KIB(64)

static void value_json(const struct policy *p, const struct policy_case *c, unsigned a,
	int32_t value, struct json_writer *w)
{
	const struct policy_attribute *row = policy_attribute_get(c->family, a);
	struct buf text = BUF_INIT;

	value_write(p, c->family, a, value, &text);
	if (value != POLICY_UNKNOWN && row->domain == POLICY_NUMBER &&
		!slice_is(buf_slice(&text), "unknown"))
		json_write_i64(w, value);
	else if (value != POLICY_UNKNOWN && row->domain == POLICY_FLAG)
		json_write_bool(w, value != 0);
	else
		json_write_string(w, buf_slice(&text));
	buf_fini(&text);
}

void policy_case_write(const struct policy *p, const struct policy_case *c, struct buf *out)
{
	struct json_writer w = JSON_WRITER(out);
	int sector = attribute_sector(c->family);

	json_write_object(&w);
	json_member_text(&w, "family", policy_family_name(c->family));
	for (unsigned a = 0; a < attributes_count(c->family); a++) {
		const struct policy_attribute *row = policy_attribute_get(c->family, a);

		json_write_name(&w, row->name);
		if ((int)a == sector && c->sectors != 0) {
			json_write_array(&w);
			for (uint64_t rest = c->sectors; rest != 0; rest &= rest - 1)
				value_json(p, c, a, (int32_t)__builtin_ctzll(rest), &w);
			json_write_end(&w, ']');
		} else {
			value_json(p, c, a, c->values[a], &w);
		}
	}
	if (c->now_us != 0)
		json_member_time(&w, "now", c->now_us, 6);
	json_write_end(&w, '}');
}

void policy_case_text(const struct policy *p, const struct policy_case *c, struct buf *out)
{
	int sector = attribute_sector(c->family);

	for (unsigned a = 0; a < attributes_count(c->family); a++) {
		const char *between = " ";

		buf_printf(
			out, "%s%s", a == 0 ? "" : ", ", policy_attribute_get(c->family, a)->name);
		if ((int)a != sector || c->sectors == 0) {
			buf_char(out, ' ');
			value_write(p, c->family, a, c->values[a], out);
			continue;
		}
		for (uint64_t rest = c->sectors; rest != 0; rest &= rest - 1) {
			buf_text(out, between);
			value_write(p, c->family, a, (int32_t)__builtin_ctzll(rest), out);
			between = "+";
		}
	}
}

struct slice policy_recipient_name(const struct policy *p, int32_t to)
{
	if (to == POLICY_PUBLIC)
		return SLICE("public");
	if (to < 0 || (size_t)to >= p->parties.members_count)
		return SLICE("unknown");
	return p->parties.members[to];
}

static enum err_kind value_parse(const struct policy *p, enum policy_family f, unsigned a,
	struct json_value v, int32_t *ret_value, struct err *e)
{
	const struct policy_attribute *row = policy_attribute_get(f, a);
	struct slice word = json_string(v);
	int64_t number;
	int member;

	if (json_is_string(v) && slice_is(word, "unknown")) {
		*ret_value = POLICY_UNKNOWN;
		return OK;
	}
	switch (row->domain) {
	case POLICY_FLAG:
		if (!json_is_bool(v))
			return err_set(e, ERR_INVALID,
				"case: %s: expected true, false or "
				"\"unknown\"",
				row->name);
		*ret_value = json_is_true(v);
		return OK;
	case POLICY_NUMBER:
		if (!json_to_i64(v, &number) || number < row->least || number > row->most)
			return err_set(e, ERR_INVALID,
				"case: %s: expected a whole number from %d to %d", row->name,
				row->least, row->most);
		*ret_value = (int32_t)number;
		return OK;
	case POLICY_PARTY:
		member = member_find(&p->parties, word);
		if (slice_is(word, "public") && f == POLICY_EXCHANGE && a == POLICY_TO)
			*ret_value = POLICY_PUBLIC;
		else if (json_is_string(v) && member >= 0)
			*ret_value = member;
		else
			return err_set(e, ERR_INVALID, "case: %s: no member \"%.*s\"", row->name,
				SLICE_ARG(word));
		return OK;
	default:
		if (!json_is_string(v) || !policy_value_find(f, a, word, ret_value))
			return err_set(e, ERR_INVALID, "case: %s: no value \"%.*s\"", row->name,
				SLICE_ARG(word));
		return OK;
	}
}

static enum err_kind member_parse(const struct policy *p, struct policy_case *c, struct slice name,
	struct json_value v, struct err *e)
{
	int a = policy_attribute_find(c->family, name);
	struct json_iter it = json_iter(v);
	struct json_value one;

	if (slice_is(name, "family"))
		return OK;
	if (slice_is(name, "now")) {
		if (!json_is_string(v) || !time_parse(json_string(v), &c->now_us, NULL))
			return err_set(e, ERR_INVALID,
				"case: now: expected a time such as 2027-01-01T00:00:00Z");
		return OK;
	}
	if (a < 0)
		return err_set(e, ERR_INVALID, "case: the %s family has no attribute \"%.*s\"",
			policy_family_name(c->family), SLICE_ARG(name));
	if (a != attribute_sector(c->family) || !json_is_array(v))
		return value_parse(p, c->family, (unsigned)a, v, &c->values[a], e);
	while (json_array_next(&it, &one)) {
		int32_t value = POLICY_UNKNOWN;
		enum err_kind kind = value_parse(p, c->family, (unsigned)a, one, &value, e);

		if (kind != OK)
			return kind;
		c->sectors |= value == POLICY_UNKNOWN ? BIT(BIT_UNKNOWN) : BIT(value);
	}
	return OK;
}

enum err_kind policy_case_parse(
	const struct policy *p, struct slice text, struct policy_case *ret_case, struct err *e)
{
	struct json_parser *parser = json_parser_new(CASE_BYTES_MAX);
	enum policy_family family = POLICY_EXCHANGE;
	struct json_doc doc;
	struct json_value v;
	struct policy_case c;
	enum err_kind kind;

	if (parser == NULL)
		return err_set(e, ERR_NOMEM, "case: out of memory");
	kind = json_parse(parser, text, &doc, e);
	if (kind != OK)
		err_wrap(e, "case");
	else if (!json_is_object(json_root(&doc)))
		kind = err_set(e, ERR_INVALID, "case: expected an object");
	if (kind == OK && json_get(json_root(&doc), "family", &v)) {
		while (family < POLICY_FAMILIES &&
			!slice_is(json_string(v), policy_family_name(family)))
			family++;
		if (family == POLICY_FAMILIES)
			kind = err_set(e, ERR_INVALID,
				"case: family: expected \"exchange\", "
				"\"measure\" or \"duty\"");
	}
	if (kind == OK) {
		struct json_iter it = json_iter(json_root(&doc));
		struct slice name;

		policy_case_init(&c, family);
		while (kind == OK && json_object_next(&it, &name, &v))
			kind = member_parse(p, &c, name, v, e);
	}
	if (kind == OK)
		*ret_case = c;
	json_parser_free(parser);
	return kind;
}
