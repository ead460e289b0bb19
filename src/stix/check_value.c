/* SPDX-License-Identifier: MPL-2.0 */
/* The walk over the members of an object, and the kinds of values (section 2 of STIX 2.1). */
#include "check.h"

static const char *clause_of(const struct walk *w, const struct property *p)
{
	return p->clause != NULL ? p->clause : w->shape->clause;
}

static void unexpected(struct walk *w, const struct property *p, struct json_value v,
	const struct place *at, const char *expected)
{
	check_error(w->check, clause_of(w, p), at, "expected %s, found %s", expected,
		check_kind_name(v));
}

/* ---- identifiers ----------------------------------------------------------------------------- */

bool check_id(struct check *c, struct slice text, const struct place *at, struct stix_id *ret_id,
	enum shape_number *ret_type)
{
	unsigned version;

	if (!id_read(text, ret_id, ret_type)) {
		check_expected(
			c, STIX_ERROR, "2.9 Identifier", at, "an identifier type--UUID", text);
		return false;
	}
	version = uuid_version(&ret_id->uuid);
	if ((ret_id->uuid.bytes[8] & 0xc0) != 0x80 || version < 1 || version > 5) {
		check_expected(c, STIX_ERROR, "2.9 Identifier", at,
			"a UUID of RFC 4122, versions 1 to 5", text);
		return false;
	}
	return true;
}

/* "an identity, location or custom object" of a set of types; cut when it does not fit. */
static const char *target_names(uint64_t targets, char *ret_text, size_t size)
{
	static const struct {
		uint64_t targets;
		const char *name;
	} classes[] = {
		{TARGET_OBJECT, "STIX object"        },
		{TARGET_SDO,    "domain object"      },
		{TARGET_SRO,    "relationship object"},
		{TARGET_SCO,    "observable"         },
	};
	size_t len = 0;

	ret_text[0] = '\0';
	for (size_t i = 0; i < COUNT_OF(classes); i++) {
		if ((targets & classes[i].targets) == classes[i].targets) {
			targets &= ~classes[i].targets;
			len += (size_t)snprintf(ret_text + len, size - len, "%s%s",
				len == 0 ? "" : ", ", classes[i].name);
		}
	}
	for (unsigned n = 0; n < SHAPE_CUSTOM && len < size; n++)
		if (targets & BIT(n))
			len += (size_t)snprintf(ret_text + len, size - len, "%s%s",
				len == 0 ? "" : ", ", stix_shapes[n]->name);
	return ret_text;
}

static void reference_add(struct check *c, struct slice property, const struct stix_id *id)
{
	struct stix_facts *f = c->facts;

	if (f->references_count >= STIX_REFERENCES_MAX) {
		c->too_many_references = true;
		return;
	}
	if (f->references_count == c->references_capacity) {
		size_t room = c->references_capacity == 0 ? 8 : c->references_capacity * 2;
		struct stix_reference *grown = arena_alloc(c->report->arena, room * sizeof(*grown));

		if (grown == NULL) {
			c->no_memory = true;
			return;
		}
		if (f->references_count != 0)
			memcpy(grown, f->references, f->references_count * sizeof(*grown));
		f->references = grown;
		c->references_capacity = room;
	}
	f->references[f->references_count++] = (struct stix_reference){property, *id};
}

static void marking_add(struct check *c, const struct uuid *marking)
{
	struct stix_facts *f = c->facts;

	if (f->markings_count == c->markings_capacity) {
		size_t room = c->markings_capacity == 0 ? 4 : c->markings_capacity * 2;
		struct uuid *grown = arena_alloc(c->report->arena, room * sizeof(*grown));

		if (grown == NULL) {
			c->no_memory = true;
			return;
		}
		if (f->markings_count != 0)
			memcpy(grown, f->markings, f->markings_count * sizeof(*grown));
		f->markings = grown;
		c->markings_capacity = room;
	}
	f->markings[f->markings_count++] = *marking;
}

/* 2.13: inside a container, references are keys of it. */
static void check_local(struct walk *w, struct slice text, const struct place *at)
{
	struct json_iter it = json_iter(w->check->container);
	struct json_value member;
	struct slice name;

	while (json_object_next(&it, &name, &member))
		if (slice_equal(name, text) || !check_step(w->check))
			return;
	check_expected(w->check, STIX_ERROR, "2.13 Observable Container", at,
		"a key of this container", text);
}

static void report_target(
	struct walk *w, const struct property *p, struct slice text, const struct place *at)
{
	char names[128], expected[160];

	snprintf(expected, sizeof(expected), "the id of: %s",
		target_names(p->targets, names, sizeof(names)));
	check_expected(w->check, p->flags & SHOULD ? STIX_WARNING : STIX_ERROR, clause_of(w, p), at,
		expected, text);
}

static void check_reference(
	struct walk *w, const struct property *p, struct json_value v, const struct place *at)
{
	struct check *c = w->check;
	struct slice text = json_string(v);
	enum shape_number type;
	struct stix_id id;

	if (c->container.doc != NULL) {
		check_local(w, text, at);
		return;
	}
	if (!check_id(c, text, at, &id, &type)) {
		w->fit &= ~SET(p->mark);
		return;
	}
	w->number[p->mark] = type;
	if (w->place == NULL || p->fact == FACT_MARKINGS) {
		reference_add(c, c->top, &id);
		if (p->fact == FACT_MARKINGS)
			marking_add(c, &id.uuid);
	}
	if (p->targets & BIT(type))
		return;
	if (!(p->flags & SHOULD) || c->should)
		report_target(w, p, text, at);
}

static void check_own_id(
	struct walk *w, const struct property *p, struct json_value v, const struct place *at)
{
	struct check *c = w->check;
	enum shape_number type;
	struct stix_id id;

	c->facts->id = json_string(v);
	if (!check_id(c, c->facts->id, at, &id, &type))
		return;
	if (!slice_equal(id.type, c->type)) {
		check_expected(c, STIX_ERROR, "2.9 Identifier", at,
			"the type of the object in its id", c->facts->id);
		return;
	}
	c->facts->key = id;
	if (c->should && c->shape->class != STIX_SCO && c->shape->class != STIX_CUSTOM &&
		uuid_version(&id.uuid) != 4)
		check_warning(c, "2.9 Identifier", at, "expected a UUID of version 4, found %u",
			uuid_version(&id.uuid));
	(void)p;
}

/* ---- other kinds ----------------------------------------------------------------------------- */

static void check_timestamp(
	struct walk *w, const struct property *p, struct json_value v, const struct place *at)
{
	int64_t us;
	unsigned digits;

	if (!time_parse(json_string(v), &us, &digits)) {
		check_expected(w->check, STIX_ERROR, "2.16 Timestamp", at,
			"a timestamp YYYY-MM-DDThh:mm:ss[.digits]Z", json_string(v));
		w->fit &= ~SET(p->mark);
		return;
	}
	if ((p->flags & MILLISECONDS) && digits < 3)
		check_error(w->check, clause_of(w, p), at,
			"expected milliseconds: at least three digits behind the second, found %u",
			digits);
	w->number[p->mark] = us;
}

static void check_integer(
	struct walk *w, const struct property *p, struct json_value v, const struct place *at)
{
	int64_t number;

	if (!json_to_i64(v, &number)) {
		if (json_type(v) == JSON_INTEGER)
			check_error(w->check, "2.10 Integer", at,
				"expected an integer within 2^53 - 1");
		else
			unexpected(w, p, v, at, "an integer");
		return;
	}
	if (number < p->least || number > p->most)
		check_error(w->check, clause_of(w, p), at,
			"expected an integer from %lld to %lld, found %lld", (long long)p->least,
			(long long)p->most, (long long)number);
	if (p->fact == FACT_CONFIDENCE && w->place == NULL && number >= 0 && number <= 100)
		w->check->facts->confidence = (int)number;
}

static void check_float(
	struct walk *w, const struct property *p, struct json_value v, const struct place *at)
{
	double number;

	if (!json_to_double(v, &number))
		unexpected(w, p, v, at, "a number");
	else if (number < (double)p->least || number > (double)p->most)
		check_error(w->check, clause_of(w, p), at,
			"expected a number from %lld to %lld, found %g", (long long)p->least,
			(long long)p->most, number);
}

static bool hex_lower(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((s.data[i] < '0' || s.data[i] > '9') && (s.data[i] < 'a' || s.data[i] > 'f'))
			return false;
	return s.len % 2 == 0;
}

static void check_binary(struct walk *w, struct json_value v, const struct place *at)
{
	bool spare_bits;

	if (!text_base64(json_string(v), &spare_bits))
		check_error(w->check, "2.1 Binary", at, "expected base64 (RFC 4648 section 4)");
	else if (spare_bits && w->check->should)
		check_warning(w->check, "2.1 Binary", at,
			"the unused bits of the last base64 digit are not zero (RFC 4648 section "
			"3.5)");
}

static bool in_vocabulary(const struct vocabulary *vocabulary, struct slice term)
{
	for (size_t i = 0; i < vocabulary->count; i++)
		if (slice_is(term, vocabulary->terms[i]))
			return true;
	return false;
}

static void check_term(
	struct walk *w, const struct property *p, struct json_value v, const struct place *at)
{
	struct check *c = w->check;
	struct slice term = json_string(v);

	if (p->kind == KIND_VOCABULARY && !c->should)
		return;
	if (in_vocabulary(p->vocabulary, term))
		return;
	if (p->kind == KIND_ENUM)
		check_expected(c, STIX_ERROR, p->vocabulary->clause, at,
			"a term of this enumeration", term);
	else
		check_expected(c, STIX_WARNING, p->vocabulary->clause, at,
			"a term of this open vocabulary", term);
}

static void check_spec_version(
	struct walk *w, const struct property *p, struct json_value v, const struct place *at)
{
	struct slice version = json_string(v);

	if (slice_equal(version, SLICE("2.1")))
		return;
	if (slice_equal(version, SLICE("2.0")) && w->check->shape->class != STIX_SCO) {
		w->check->version_20 = true;
		return;
	}
	check_expected(w->check, STIX_ERROR, clause_of(w, p), at, "2.1", version);
}

/* What each kind must be in JSON. */
static const struct {
	char kind; /* of the tape */
	const char *name;
} expected_of[] = {
	[KIND_STRING] = {'"', "a string"                      },
	[KIND_TIMESTAMP] = {'"', "a timestamp"                   },
	[KIND_ID] = {'"', "an identifier"                 },
	[KIND_HEX] = {'"', "a string of hexadecimal digits"},
	[KIND_BINARY] = {'"', "a string in base64"            },
	[KIND_HASHES] = {'{', "an object of hashes"           },
	[KIND_DICTIONARY] = {'{', "a dictionary"                  },
	[KIND_ENUM] = {'"', "a string"                      },
	[KIND_VOCABULARY] = {'"', "a string"                      },
	[KIND_TEXT] = {'"', "a string"                      },
	[KIND_OBJECT] = {'{', "an object"                     },
	[KIND_EXTENSIONS] = {'{', "a dictionary of extensions"    },
	[KIND_CONTAINER] = {'{', "a dictionary of observables"   },
	[KIND_CONTENTS] = {'{', "a dictionary of languages"     },
	[KIND_MARKING] = {'{', "an object"                     },
	[KIND_TYPE] = {'"', "a string"                      },
	[KIND_OWN_ID] = {'"', "an identifier"                 },
	[KIND_SPEC_VERSION] = {'"', "a string"                      },
	[KIND_ANY] = {0,   NULL                            },
};

void check_value(
	struct walk *w, const struct property *p, struct json_value v, const struct place *at)
{
	if (expected_of[p->kind].kind != 0 && json_kind(v) != expected_of[p->kind].kind) {
		unexpected(w, p, v, at, expected_of[p->kind].name);
		w->fit &= ~SET(p->mark);
		return;
	}
	switch (p->kind) {
	case KIND_STRING:
	case KIND_TYPE:
	case KIND_MARKING:
	case KIND_ANY:
		break;
	case KIND_BOOLEAN:
		if (!json_is_bool(v))
			unexpected(w, p, v, at, "true or false");
		break;
	case KIND_INTEGER:
		check_integer(w, p, v, at);
		break;
	case KIND_FLOAT:
		check_float(w, p, v, at);
		break;
	case KIND_TIMESTAMP:
		check_timestamp(w, p, v, at);
		break;
	case KIND_ID:
		check_reference(w, p, v, at);
		break;
	case KIND_HEX:
		if (!hex_lower(json_string(v)))
			check_error(w->check, "2.8 Hexadecimal", at,
				"expected an even number of digits 0-9 and a-f");
		break;
	case KIND_BINARY:
		check_binary(w, v, at);
		break;
	case KIND_HASHES:
		check_hashes(w, p, v, at);
		break;
	case KIND_DICTIONARY:
		check_dictionary(w, p, v, at);
		break;
	case KIND_ENUM:
	case KIND_VOCABULARY:
		check_term(w, p, v, at);
		break;
	case KIND_TEXT:
		check_text(w, p, json_string(v), at);
		break;
	case KIND_OBJECT: {
		struct walk inner;

		check_object(w->check, p->shape, v, at, &inner);
		break;
	}
	case KIND_EXTENSIONS:
		check_extensions(w, v, at);
		break;
	case KIND_CONTAINER:
		check_container(w, v, at);
		break;
	case KIND_CONTENTS:
		check_contents(w, v, at);
		break;
	case KIND_OWN_ID:
		check_own_id(w, p, v, at);
		break;
	case KIND_SPEC_VERSION:
		check_spec_version(w, p, v, at);
		break;
	case KIND_RESERVED:
		check_error(w->check, clause_of(w, p), at, "this name is reserved");
		break;
	}
}

static void check_list(
	struct walk *w, const struct property *p, struct json_value v, const struct place *at)
{
	struct json_iter it = json_iter(v);
	struct place in = {.up = at};
	struct json_value member;

	if (!json_is_array(v)) {
		unexpected(w, p, v, at, "a list");
		w->fit &= ~SET(p->mark);
		return;
	}
	for (; json_array_next(&it, &member); in.index++)
		check_value(w, p, member, &in);
	if (in.index == 0)
		check_error(w->check, "2.12 List", at, "a list must not be empty");
}

/* ---- the walk -------------------------------------------------------------------------------- */

/* Of each byte of x, all below 0x80: 0x80 when it is at least n. */
static uint64_t at_least(uint64_t x, unsigned char n)
{
	return (x + UINT64_C(0x0101010101010101) * (0x80 - n)) & UINT64_C(0x8080808080808080);
}

/* Eight bytes at a time: a-z, 0-9 and '_' only. */
static bool is_name(struct slice s)
{
	for (; s.len != 0; s = slice_cut(s, 8, s.len)) {
		uint64_t x = json_head(s), high = UINT64_C(0x8080808080808080), fits;

		if (s.len < 8)
			x |= UINT64_C(0x6161616161616161) << (8 * s.len);
		if (x & high)
			return false;
		fits = (at_least(x, 'a') & ~at_least(x, 'z' + 1)) |
		       (at_least(x, '0') & ~at_least(x, '9' + 1)) |
		       (at_least(x, '_') & ~at_least(x, '_' + 1));
		if ((fits & high) != high)
			return false;
	}
	return true;
}

bool check_custom_name(struct check *c, struct slice name, const struct place *at)
{
	bool fits = name.len >= 3 && name.len <= STIX_TYPE_MAX && name.data[0] >= 'a' &&
		    name.data[0] <= 'z' && is_name(name);

	if (!fits)
		check_error(c, "3.1 Property Names", at,
			"expected a-z, 0-9 and _, a letter first, 3 to 250 characters");
	return fits;
}

static bool ends_in_ref(struct slice name)
{
	return slice_ends(name, SLICE("_ref")) || slice_ends(name, SLICE("_refs"));
}

/* References in properties that are not the standard's: kept as facts, never judged. */
static void take_custom_references(struct check *c, struct json_value v)
{
	struct json_iter it = json_iter(v);
	struct json_value member;
	enum shape_number type;
	struct stix_id id;

	if (json_is_string(v)) {
		if (id_read(json_string(v), &id, &type))
			reference_add(c, c->top, &id);
		return;
	}
	while (json_is_array(v) && json_array_next(&it, &member))
		if (id_read(json_string(member), &id, &type))
			reference_add(c, c->top, &id);
}

static void check_unknown(
	struct walk *w, struct slice name, struct json_value v, const struct place *at)
{
	struct check *c = w->check;

	if (!check_custom_name(c, name, at))
		return;
	if (json_is_array(v) && json_after(v) == v.at + 2)
		check_error(c, "2.12 List", at, "a list must not be empty");
	if (w->custom.data == NULL)
		w->custom = name;
	if (w->custom_plain.data == NULL && !slice_starts(name, SLICE("x_")))
		w->custom_plain = name;
	if (w->place == NULL && ends_in_ref(name))
		take_custom_references(c, v);
}

/* Said once per object: most objects of a producer have the same ones. */
static void remark_custom(struct walk *w)
{
	struct check *c = w->check;
	struct place at = {w->place, w->custom, 0};

	if (w->place == NULL && (w->shape->number == SHAPE_CUSTOM || (c->uses & USE_TOPLEVEL)))
		return;
	if (!(c->once & ONCE_CUSTOM_PROPERTY)) {
		c->once |= ONCE_CUSTOM_PROPERTY;
		check_remark(c, "11.1 Custom Properties", &at,
			"custom properties are deprecated, an extension should define this one");
	}
	if (w->custom_plain.data != NULL && !(c->once & ONCE_CUSTOM_NAME)) {
		c->once |= ONCE_CUSTOM_NAME;
		at.name = w->custom_plain;
		check_remark(c, "11.1 Custom Properties", &at,
			"the name of a custom property should start with x_ and its source");
	}
}

static void take_fact(struct check *c, enum fact fact, const struct walk *w, struct json_value v)
{
	struct stix_facts *f = c->facts;

	switch (fact) {
	case FACT_CREATED:
		if (walk_has(w, MARK_CREATED))
			f->created_us = w->number[MARK_CREATED];
		break;
	case FACT_MODIFIED:
		if (walk_has(w, MARK_MODIFIED)) {
			f->versioned = true;
			f->modified_us = w->number[MARK_MODIFIED];
		}
		break;
	case FACT_REVOKED:
		f->revoked = json_is_true(v);
		break;
	case FACT_NAME:
		if (json_is_string(v))
			f->name = json_string(v);
		break;
	case FACT_VALUE:
		if (f->name.data == NULL)
			f->name = json_string(v);
		break;
	case FACT_DESCRIPTION:
		f->description = json_string(v);
		break;
	case FACT_LABELS:
		if (json_is_array(v))
			f->labels = v;
		break;
	case FACT_LANG:
		f->lang = json_string(v);
		break;
	default:
		break;
	}
}

static void check_not_applicable(struct walk *w, const struct property *p, const struct place *at)
{
	struct check *c = w->check;

	if (p->flags & FORBIDDEN) {
		check_error(
			c, clause_of(w, p), at, "a %s must not have this property", w->shape->name);
	} else if (c->should && !(c->once & ONCE_NOT_APPLICABLE)) {
		c->once |= ONCE_NOT_APPLICABLE;
		check_warning(
			c, clause_of(w, p), at, "a %s does not use this property", w->shape->name);
	}
}

static void check_required(struct walk *w)
{
	const struct name_index *index = &stix_row_index[w->shape->number];
	uint64_t missing = (w->check->version_20 ? index->required_20 : index->required) & ~w->seen;

	while (missing != 0) {
		unsigned row = (unsigned)__builtin_ctzll(missing);
		const struct property *p = shape_row(w->shape, row);
		struct place at = {w->place, slice_of(p->name), 0};

		check_error(w->check, clause_of(w, p), &at, "this property is required");
		missing &= missing - 1;
	}
}

void check_object(struct check *c, const struct shape *shape, struct json_value value,
	const struct place *place, struct walk *w)
{
	const struct name_index *index = &stix_row_index[shape->number];
	struct json_iter it = json_iter(value);
	struct place at = {.up = place};
	struct json_value v;

	/* Not at and number: they are looked at only where fit says that they were set. */
	w->check = c;
	w->shape = shape;
	w->place = place;
	w->value = value;
	w->seen = 0;
	w->present = w->fit = 0;
	w->custom = w->custom_plain = (struct slice){0};
	while (json_object_next(&it, &at.name, &v)) {
		int row = name_find(index, at.name);
		const struct property *p;

		if (place == NULL)
			c->top = at.name;
		if (row < 0) {
			check_unknown(w, at.name, v, &at);
			continue;
		}
		p = shape_row(shape, (size_t)row);
		w->seen |= BIT(row);
		w->present |= SET(p->mark);
		w->fit |= SET(p->mark);
		w->at[p->mark] = v.at;
		if (p->flags & (FORBIDDEN | NOT_APPLICABLE))
			check_not_applicable(w, p, &at);
		if (p->flags & LIST)
			check_list(w, p, v, &at);
		else
			check_value(w, p, v, &at);
		if (p->fact != FACT_NONE && place == NULL)
			take_fact(c, p->fact, w, v);
	}
	if (place == NULL && shape->number != SHAPE_BUNDLE)
		check_version(w);
	check_required(w);
	check_rules(w);
	check_special(w);
	if (w->custom.data != NULL && c->should)
		remark_custom(w);
}
