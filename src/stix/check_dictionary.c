/* SPDX-License-Identifier: MPL-2.0 */
/* Values that are dictionaries: hashes, extensions, embedded observables, translations. */
#include "check.h"
#include "types_vocabulary.h"

/* 2.3: a-z, A-Z, 0-9, '-', '_'; at most 250. */
static bool key_fits(struct slice key)
{
	for (size_t i = 0; i < key.len; i++) {
		char c = key.data[i];

		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
			c != '-' && c != '_')
			return false;
	}
	return key.len != 0 && key.len <= STIX_TYPE_MAX;
}

static void check_key(struct check *c, struct slice key, const struct place *at)
{
	if (!key_fits(key))
		check_error(c, "2.3 Dictionary", at,
			"expected a key of a-z, A-Z, 0-9, - and _, at most 250 characters");
}

static bool is_empty(struct json_value object)
{
	return json_after(object) == object.at + 2;
}

static bool report_empty(struct check *c, struct json_value v, const struct place *at)
{
	if (!is_empty(v))
		return false;
	check_error(c, "2.3 Dictionary", at, "a dictionary must not be empty");
	return true;
}

/* ---- hashes (2.7, 10.7) ---------------------------------------------------------------------- */

static bool is_hex(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];

		if ((c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F'))
			return false;
	}
	return true;
}

/* ssdeep: block size, ':', two chunks of base64 digits with ':' between. */
static bool is_ssdeep(struct slice s)
{
	struct slice part;
	uint64_t size;

	if (!slice_next(&s, ':', &part) || !slice_to_u64(part, &size))
		return false;
	for (int chunk = 0; chunk < 2; chunk++) {
		if (!slice_next(&s, ':', &part))
			return false;
		for (size_t i = 0; i < part.len; i++) {
			char c = part.data[i];

			/* A file name in quotation marks may follow the second chunk. */
			if (chunk == 1 && c == ',')
				return true;
			if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
				c != '+' && c != '/')
				return false;
		}
	}
	return s.len == 0;
}

/* 35 bytes in hexadecimal; later versions of TLSH write T1 before them. */
static bool is_tlsh(struct slice s)
{
	if (s.len == 72 && s.data[0] == 'T' && s.data[1] == '1')
		s = slice_cut(s, 2, s.len);
	return s.len == 70 && is_hex(s);
}

static const struct {
	const char *name;
	size_t digits; /* of hexadecimal; 0: fits() says */
	bool (*fits)(struct slice value);
	const char *expected;
} algorithms[] = {
	{"MD5",      32,  NULL,      "32 hexadecimal digits" },
	{"SHA-1",    40,  NULL,      "40 hexadecimal digits" },
	{"SHA-256",  64,  NULL,      "64 hexadecimal digits" },
	{"SHA-512",  128, NULL,      "128 hexadecimal digits"},
	{"SHA3-256", 64,  NULL,      "64 hexadecimal digits" },
	{"SHA3-512", 128, NULL,      "128 hexadecimal digits"},
	{"SSDEEP",   0,   is_ssdeep, "size:chunk:chunk"      },
	{"TLSH",     0,   is_tlsh,   "70 hexadecimal digits" },
};

static void check_hash(
	struct check *c, struct slice name, struct json_value v, const struct place *at)
{
	struct slice value = json_string(v);

	if (name.len < 3 || !key_fits(name))
		check_error(c, "2.7 Hashes", at,
			"expected an algorithm of a-z, A-Z, 0-9, - and _, 3 to 250 characters");
	if (!json_is_string(v)) {
		check_error(c, "2.7 Hashes", at, "expected a string, found %s", check_kind_name(v));
		return;
	}
	for (size_t i = 0; i < COUNT_OF(algorithms); i++) {
		if (!slice_is(name, algorithms[i].name))
			continue;
		if (algorithms[i].digits != 0 ? value.len != algorithms[i].digits || !is_hex(value)
					      : !algorithms[i].fits(value))
			check_expected(c, STIX_ERROR, "10.7 Hashing Algorithm", at,
				algorithms[i].expected, value);
		return;
	}
	if (c->should)
		check_expected(c, STIX_WARNING, "10.7 Hashing Algorithm", at,
			"a name of this open vocabulary", name);
}

void check_hashes(
	struct walk *w, const struct property *p, struct json_value v, const struct place *at)
{
	struct check *c = w->check;
	struct json_iter it = json_iter(v);
	struct place in = {.up = at};
	struct json_value value;
	bool sha256 = false;

	(void)p;
	if (report_empty(c, v, at))
		return;
	while (json_object_next(&it, &in.name, &value)) {
		sha256 |= slice_equal(in.name, SLICE("SHA-256"));
		check_hash(c, in.name, value, &in);
	}
	if (!sha256 && c->should && !(c->once & ONCE_SHA256)) {
		c->once |= ONCE_SHA256;
		check_remark(c, "2.7 Hashes", at, "a SHA-256 should be among the hashes");
	}
}

/* ---- dictionaries (2.3) ---------------------------------------------------------------------- */

static bool all_strings(struct json_value v)
{
	struct json_iter it = json_iter(v);
	struct json_value member;

	while (json_array_next(&it, &member))
		if (!json_is_string(member))
			return false;
	return json_is_array(v) && !is_empty(v);
}

static bool is_integer(struct json_value v)
{
	int64_t number;

	return json_to_i64(v, &number);
}

void check_dictionary(
	struct walk *w, const struct property *p, struct json_value v, const struct place *at)
{
	static const char *const expected[] = {
		[VALUES_ANY] = "a value",
		[VALUES_STRING] = "a string",
		[VALUES_INTEGER] = "an integer",
		[VALUES_INTEGER_OR_STRING] = "an integer or a string",
		[VALUES_STRINGS] = "a list of strings",
	};
	struct check *c = w->check;
	struct json_iter it = json_iter(v);
	struct place in = {.up = at};
	struct json_value value;

	if (report_empty(c, v, at))
		return;
	while (json_object_next(&it, &in.name, &value)) {
		bool fits = false;

		check_key(c, in.name, &in);
		switch (p->values) {
		case VALUES_ANY:
			fits = json_type(value) != JSON_NULL;
			break;
		case VALUES_STRING:
			fits = json_is_string(value);
			break;
		case VALUES_INTEGER:
			fits = is_integer(value);
			break;
		case VALUES_INTEGER_OR_STRING:
			fits = json_is_string(value) || is_integer(value);
			break;
		case VALUES_STRINGS:
			fits = all_strings(value);
			break;
		}
		if (!fits)
			check_error(c, w->shape->clause, &in, "expected %s, found %s",
				expected[p->values], check_kind_name(value));
	}
}

/* ---- extensions (3.2, 3.10, 7.3, 11.3) ------------------------------------------------------- */

#define EXTENSION_CLAUSE "7.3 Extension Definition"

static const struct {
	const char *name;
	enum extension_use use;
} extension_types[] = {
	{"new-sdo",		     USE_NEW_SDO },
	{"new-sco",		     USE_NEW_SCO },
	{"new-sro",		     USE_NEW_SRO },
	{"property-extension",          USE_PROPERTY},
	{"toplevel-property-extension", USE_TOPLEVEL},
};

/* TLP 2.0 is an extension of this id. */
static bool is_tlp_2(const struct uuid *id)
{
	static const struct uuid tlp_2 = {
		{0x60, 0xa3, 0xc5, 0xc5, 0x0d, 0x10, 0x41, 0x3e, 0xaa, 0xb3, 0x9e, 0x08, 0xdd, 0xe9,
                 0xe8, 0x8d}
        };

	return uuid_equal(id, &tlp_2);
}

/* An instance that a STIX Extension Definition defines: its key is that object's id. */
static void check_defined(
	struct check *c, struct slice key, struct json_value v, const struct place *at)
{
	struct place in = {at, SLICE("extension_type"), 0}, name = {.up = at};
	struct json_iter it = json_iter(v);
	enum shape_number target;
	struct json_value type, value;
	struct stix_id id;

	if (check_id(c, key, at, &id, &target) && is_tlp_2(&id.uuid))
		c->uses |= USE_TLP_2;
	while (json_object_next(&it, &name.name, &value))
		check_custom_name(c, name.name, &name);
	if (!json_get(v, "extension_type", &type)) {
		check_error(c, EXTENSION_CLAUSE, &in, "this property is required");
		return;
	}
	for (size_t i = 0; i < COUNT_OF(extension_types); i++) {
		if (!slice_is(json_string(type), extension_types[i].name))
			continue;
		c->uses |= extension_types[i].use;
		if ((extension_types[i].use & (USE_NEW_SDO | USE_NEW_SCO | USE_NEW_SRO)) &&
			c->shape->number != SHAPE_CUSTOM)
			check_error(c, EXTENSION_CLAUSE, &in,
				"an extension must not define the standard's type %s anew",
				c->shape->name);
		return;
	}
	if (json_is_string(type))
		check_expected(c, STIX_ERROR, "10.5 Extension Types", &in,
			"a term of this enumeration", json_string(type));
	else
		check_error(c, "10.5 Extension Types", &in, "expected a string, found %s",
			check_kind_name(type));
}

static bool custom_extension_fits(struct slice key)
{
	for (size_t i = 0; i < key.len; i++)
		if ((key.data[i] < 'a' || key.data[i] > 'z') &&
			(key.data[i] < '0' || key.data[i] > '9') && key.data[i] != '-')
			return false;
	return key.len >= 3 && key.len <= STIX_TYPE_MAX && slice_ends(key, SLICE("-ext"));
}

static void check_custom_extension(
	struct check *c, struct slice key, struct json_value v, const struct place *at)
{
	struct json_iter it = json_iter(v);
	struct place in = {.up = at};
	struct json_value value;

	if (!custom_extension_fits(key))
		check_error(c, "11.3 Custom Object Extensions", at,
			"expected the id of an extension-definition, or a-z, 0-9 and - with -ext "
			"at "
			"the end");
	while (json_object_next(&it, &in.name, &value))
		check_custom_name(c, in.name, &in);
	if (!c->should)
		return;
	check_remark(c, "11.3 Custom Object Extensions", at,
		c->shape->class == STIX_SCO || c->shape->class == STIX_CUSTOM
			? "custom extensions are deprecated, an extension-definition should define "
			  "it"
			: "custom extensions are deprecated, and only for observables");
}

static void check_extension(
	struct check *c, struct slice key, struct json_value v, const struct place *at)
{
	int number = name_find(&stix_shape_index, key);
	struct walk inner;

	if (!json_is_object(v)) {
		check_error(c, "3.2 Common Properties", at, "expected an object, found %s",
			check_kind_name(v));
		return;
	}
	if (slice_starts(key, SLICE("extension-definition--"))) {
		check_defined(c, key, v, at);
		return;
	}
	if (is_empty(v)) {
		check_error(
			c, "3.2 Common Properties", at, "expected the contents of the extension");
		return;
	}
	if (number < SHAPE_ARCHIVE_EXT) {
		check_custom_extension(c, key, v, at);
		return;
	}
	if ((stix_shapes[number]->hosts & BIT(c->shape->number)) == 0 && c->should)
		check_warning(c, "3.10 Predefined Object Extensions", at,
			"the standard defines this extension for another type than %s",
			c->shape->name);
	check_object(c, stix_shapes[number], v, at, &inner);
}

void check_extensions(struct walk *w, struct json_value v, const struct place *at)
{
	struct json_iter it = json_iter(v);
	struct place in = {.up = at};
	struct json_value value;

	if (report_empty(w->check, v, at))
		return;
	while (json_object_next(&it, &in.name, &value))
		check_extension(w->check, in.name, value, &in);
}

/* ---- embedded observables (2.13) ------------------------------------------------------------- */

/*
 * They may be of STIX 2.0, whose properties had other names, so only what 2.13 says is checked:
 * that each is an object with a type, and that what they refer to is in the same container.
 */
static void check_embedded(struct walk *w, struct json_value object, const struct place *at)
{
	static const struct property reference = {.name = "", .kind = KIND_ID};
	struct json_iter it = json_iter(object);
	struct place in = {.up = at};
	struct json_value v, member;

	if (json_get_string(object, "type").len == 0)
		check_error(w->check, "2.13 Observable Container", at,
			"expected an observable with a type");
	while (json_object_next(&it, &in.name, &v)) {
		struct json_iter list = json_iter(v);
		struct place item = {.up = &in};

		if (slice_ends(in.name, SLICE("_ref")))
			check_value(w, &reference, v, &in);
		else if (slice_ends(in.name, SLICE("_refs")) && json_is_array(v))
			for (; json_array_next(&list, &member); item.index++)
				check_value(w, &reference, member, &item);
	}
}

void check_container(struct walk *w, struct json_value v, const struct place *at)
{
	struct check *c = w->check;
	struct json_iter it = json_iter(v);
	struct place in = {.up = at};
	struct json_value object;

	if (c->should)
		check_remark(c, "2.13 Observable Container", at,
			"embedded observables are deprecated, object_refs should be used");
	if (report_empty(c, v, at))
		return;
	c->container = v;
	while (json_object_next(&it, &in.name, &object)) {
		if (json_is_object(object))
			check_embedded(w, object, &in);
		else
			check_error(c, "2.13 Observable Container", &in,
				"expected an observable, found %s", check_kind_name(object));
	}
	c->container = (struct json_value){0};
}

/* ---- translations (7.1) ---------------------------------------------------------------------- */

#define LANGUAGE_CLAUSE "7.1 Language Content"

/* What stands in a translation: strings, lists of it, objects of it. */
static void check_translated(struct check *c, struct json_value v, const struct place *at)
{
	struct json_iter it = json_iter(v);
	struct place in = {.up = at};
	struct json_value member;

	if (json_is_array(v))
		for (; json_array_next(&it, &member); in.index++)
			check_translated(c, member, &in);
	else if (json_is_object(v))
		while (json_object_next(&it, &in.name, &member))
			check_translated(c, member, &in);
	else if (!json_is_string(v))
		check_error(c, LANGUAGE_CLAUSE, at,
			"expected a text, a list or an object of texts, found %s",
			check_kind_name(v));
}

/* A translation mirrors its target: text for a text, a list for a list, an object for an object. */
static void check_mirror(struct check *c, const struct shape *target, struct slice name,
	struct json_value v, const struct place *at)
{
	int row = name_find(&stix_row_index[target->number], name);
	const struct property *p;

	check_translated(c, v, at);
	if (row < 0 || target->number == SHAPE_CUSTOM)
		return;
	p = shape_row(target, (size_t)row);
	if ((p->flags & LIST) && !json_is_array(v))
		check_error(c, LANGUAGE_CLAUSE, at, "the property of a %s is a list, found %s",
			target->name, check_kind_name(v));
	else if (!(p->flags & LIST) && p->kind == KIND_STRING && !json_is_string(v))
		check_error(c, LANGUAGE_CLAUSE, at, "the property of a %s is a string, found %s",
			target->name, check_kind_name(v));
	else if (!(p->flags & LIST) && p->kind == KIND_OBJECT && !json_is_object(v))
		check_error(c, LANGUAGE_CLAUSE, at, "the property of a %s is an object, found %s",
			target->name, check_kind_name(v));
}

void check_contents(struct walk *w, struct json_value v, const struct place *at)
{
	struct check *c = w->check;
	struct json_iter it = json_iter(v);
	struct place in = {.up = at};
	struct json_value language;
	const struct shape *target = stix_shapes[SHAPE_CUSTOM];
	struct stix_id id;

	/* Wherever object_ref stands among the members. */
	if (stix_id_parse(json_get_string(w->value, "object_ref"), &id))
		target = stix_shapes[type_find(id.type)];
	if (report_empty(c, v, at))
		return;
	while (json_object_next(&it, &in.name, &language)) {
		struct json_iter inner = json_iter(language);
		struct place property = {.up = &in};
		struct json_value translation;

		if (!text_language(in.name))
			check_error(
				c, LANGUAGE_CLAUSE, &in, "expected a language code of RFC 5646");
		if (!json_is_object(language)) {
			check_error(c, LANGUAGE_CLAUSE, &in, "expected a dictionary, found %s",
				check_kind_name(language));
			continue;
		}
		if (report_empty(c, language, &in))
			continue;
		while (json_object_next(&inner, &property.name, &translation))
			check_mirror(c, target, property.name, translation, &property);
	}
}
