/* SPDX-License-Identifier: MPL-2.0 */
/* One attribute of a rule's "when": a list, {"not": list}, or {"ge":..,"le":..}, as bits. */
#include "inside.h"

int member_find(const struct policy_parties *parties, struct slice name)
{
	for (size_t i = 0; i < parties->members_count; i++)
		if (slice_equal(parties->members[i], name))
			return (int)i;
	return -1;
}

static bool fail(struct set_reading *r, struct slice at, struct slice message)
{
	r->at = at;
	r->message = message;
	return false;
}

/* Bits of what one word in a list of parties means. */
static bool party_bits(
	struct set_reading *r, unsigned attribute, struct slice word, uint64_t *ret_bits)
{
	uint64_t known = domain_known(r->space, r->family, attribute);
	int member;

	if (slice_is(word, "public") && (known & BIT(BIT_PUBLIC)) != 0) {
		*ret_bits = BIT(BIT_PUBLIC);
		return true;
	}
	if (slice_is(word, "@members")) {
		*ret_bits = known & ~BIT(BIT_PUBLIC);
		return true;
	}
	if (slice_starts(word, SLICE("@"))) {
		for (size_t i = 0; i < r->naming->groups_count; i++) {
			if (slice_equal(r->naming->groups[i].name, slice_cut(word, 1, word.len))) {
				*ret_bits = r->naming->groups[i].members;
				return true;
			}
		}
		r->message =
			arena_printf(r->arena, "no group \"%.*s\" in \"groups\"", SLICE_ARG(word));
		return false;
	}
	member = member_find(r->naming->parties, word);
	if (member < 0) {
		r->message = arena_printf(r->arena,
			"no member \"%.*s\"; expected a member, \"@members\", a group%s or "
			"\"unknown\"",
			SLICE_ARG(word),
			(known & BIT(BIT_PUBLIC)) != 0 ? " with @, \"public\"" : " with @");
		return false;
	}
	*ret_bits = BIT(member);
	return true;
}

static struct slice value_names(struct arena *a, const struct policy_attribute *attribute)
{
	struct buf text = BUF_INIT;
	struct slice s;

	for (size_t i = 0; i < attribute->values_count; i++)
		buf_printf(&text, "%s%s", i == 0 ? "" : ", ", attribute->values[i]);
	s = arena_copy(a, buf_slice(&text));
	buf_fini(&text);
	return s;
}

static bool word_bits(
	struct set_reading *r, unsigned attribute, struct json_value v, uint64_t *ret_bits)
{
	const struct policy_attribute *a = policy_attribute_get(r->family, attribute);
	struct slice word = json_string(v);
	int32_t value;

	if (json_is_string(v) && slice_is(word, "unknown")) {
		*ret_bits = BIT(BIT_UNKNOWN);
		return true;
	}
	if (a->domain == POLICY_FLAG) {
		if (json_is_bool(v)) {
			*ret_bits = BIT(json_is_true(v));
			return true;
		}
		r->message = SLICE("expected true, false or \"unknown\"");
		return false;
	}
	if (a->domain == POLICY_NUMBER) {
		r->message = SLICE("expected {\"ge\":..}, {\"le\":..} or [\"unknown\"]");
		return false;
	}
	if (!json_is_string(v)) {
		r->message = SLICE("expected a string");
		return false;
	}
	if (a->domain == POLICY_PARTY)
		return party_bits(r, attribute, word, ret_bits);
	if (!policy_value_find(r->family, attribute, word, &value)) {
		r->message = arena_printf(r->arena, "no value \"%.*s\"; expected one of: %.*s",
			SLICE_ARG(word), SLICE_ARG(value_names(r->arena, a)));
		return false;
	}
	*ret_bits = BIT(value);
	return true;
}

static bool list_bits(struct set_reading *r, unsigned attribute, struct json_value v,
	const char *at, uint64_t *ret_bits)
{
	struct json_iter it = json_iter(v);
	struct json_value item;
	uint64_t bits = 0, more = 0;
	size_t i = 0;

	while (json_array_next(&it, &item)) {
		if (!word_bits(r, attribute, item, &more)) {
			r->at = arena_printf(r->arena, "%s[%zu]", at, i);
			return false;
		}
		bits |= more;
		i++;
	}
	if (i == 0)
		return fail(r, slice_of(at),
			SLICE("an empty list matches nothing; leave the "
			      "rule out, or name a value"));
	*ret_bits = bits;
	return true;
}

static bool bound_read(
	struct set_reading *r, unsigned attribute, struct json_value v, int32_t *ret_bound)
{
	const struct policy_attribute *a = policy_attribute_get(r->family, attribute);
	int64_t number;
	int32_t value;

	if (a->domain == POLICY_NUMBER) {
		if (!json_to_i64(v, &number) || number < a->least || number > a->most) {
			r->message = arena_printf(r->arena, "expected a whole number from %d to %d",
				a->least, a->most);
			return false;
		}
		*ret_bound = (int32_t)number;
		return true;
	}
	if (!json_is_string(v) ||
		!policy_value_find(r->family, attribute, json_string(v), &value) ||
		value == POLICY_UNKNOWN || (a->none_apart && value == 0)) {
		r->message = arena_printf(r->arena, "expected one of: %.*s%s",
			SLICE_ARG(value_names(r->arena, a)),
			a->none_apart ? "; \"none\" stands outside the order" : "");
		return false;
	}
	*ret_bound = value;
	return true;
}

/* {"ge":..,"le":..,"unknown":true}: each at most once, at least one. */
static bool order_read(
	struct set_reading *r, unsigned attribute, struct json_value v, struct range *ret_range)
{
	const struct policy_attribute *a = policy_attribute_get(r->family, attribute);
	struct json_iter it = json_iter(v);
	struct json_value member;
	struct slice name;
	bool bounded = false;
	struct range range = {
		.least = a->domain == POLICY_NUMBER ? a->least : a->none_apart,
		.most = a->domain == POLICY_NUMBER ? a->most : (int32_t)a->values_count - 1,
	};

	while (json_object_next(&it, &name, &member)) {
		r->at = arena_printf(r->arena, ".%.*s", SLICE_ARG(name));
		if (slice_is(name, "ge") || slice_is(name, "le")) {
			bounded = true;
			if (!bound_read(r, attribute, member,
				    slice_is(name, "ge") ? &range.least : &range.most))
				return false;
		} else if (slice_is(name, "unknown")) {
			range.unknown = true;
			if (!json_is_true(member))
				return fail(r, r->at, SLICE("expected true; else leave it out"));
		} else {
			return fail(r, r->at,
				SLICE("expected \"ge\", \"le\", \"unknown\" or, "
				      "alone, \"not\""));
		}
	}
	r->at = (struct slice){0};
	if (!bounded && !range.unknown)
		return fail(r, r->at, SLICE("expected \"ge\" or \"le\""));
	if (bounded && range.least > range.most)
		return fail(r, r->at, SLICE("no value is both ge and le"));
	if (!bounded)
		range.least = range.most + 1;
	*ret_range = range;
	return true;
}

bool set_read(struct set_reading *r, unsigned attribute, struct json_value v, uint64_t *ret_bits,
	struct range *ret_range)
{
	const struct policy_attribute *a = policy_attribute_get(r->family, attribute);
	uint64_t known = domain_known(r->space, r->family, attribute);
	uint64_t apart = domain_apart(r->family, attribute);
	uint64_t bits = 0;
	bool wide = !r->literal && r->effect != POLICY_PERMIT; /* catches what is not known */
	struct json_value not ;

	if (json_is_array(v)) {
		if (!list_bits(r, attribute, v, "", ret_bits))
			return false;
		/* of a number only ["unknown"] comes here */
		*ret_range = (struct range){1, 0, true};
		return true;
	}
	if (!json_is_object(v))
		return fail(r, (struct slice){0}, SLICE("expected a list or an object"));
	if (json_get(v, "not", &not )) {
		if (json_count(v) != 1)
			return fail(r, (struct slice){0}, SLICE("\"not\" stands alone"));
		if (a->domain == POLICY_NUMBER || !json_is_array(not ))
			return fail(r, SLICE(".not"),
				a->domain == POLICY_NUMBER ? SLICE("numbers take ge and le")
							   : SLICE("expected a list"));
		if (!list_bits(r, attribute, not, ".not", &bits))
			return false;
		if (wide)
			known |= BIT(BIT_UNKNOWN);
		else
			known &= r->literal ? ~BIT(BIT_UNKNOWN) : ~apart;
		*ret_bits = known & ~bits;
		return true;
	}
	if (a->domain != POLICY_NUMBER && a->domain != POLICY_ORDERED)
		return fail(r, (struct slice){0}, SLICE("expected a list or {\"not\": list}"));
	if (!order_read(r, attribute, v, ret_range))
		return false;
	ret_range->unknown |= wide;
	if (a->domain == POLICY_ORDERED) {
		for (int32_t value = ret_range->least; value <= ret_range->most; value++)
			bits |= BIT(value);
		if (ret_range->unknown)
			bits |= BIT(BIT_UNKNOWN);
		*ret_bits = wide ? bits | apart : bits;
	}
	return true;
}

void value_write(const struct policy *p, enum policy_family f, unsigned attribute, int32_t value,
	struct buf *out)
{
	const struct policy_attribute *a = policy_attribute_get(f, attribute);

	if (value_bit(&p->space, f, attribute, value) == BIT_UNKNOWN)
		buf_text(out, "unknown");
	else if (a->domain == POLICY_FLAG)
		buf_text(out, value != 0 ? "true" : "false");
	else if (a->domain == POLICY_NUMBER)
		buf_i64(out, value);
	else if (a->domain != POLICY_PARTY)
		buf_text(out, a->values[value]);
	else if (value == POLICY_PUBLIC)
		buf_text(out, "public");
	else
		buf_slice_append(out, p->parties.members[value]);
}
