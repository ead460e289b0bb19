/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The values in an object: of an observable its value properties and hashes, of an indicator what
 * its pattern compares with = or IN (or asks to lie in a network).
 */
#include "pattern.h"
#include "value.h"

#define NESTED_MAX                                                                                 \
	JSON_DEPTH_MAX /* levels of extensions looked into; a parsed text has no more              \
			*/

struct finder {
	struct arena *arena;
	struct stix_value *values;
	size_t count;
	size_t capacity;
	bool all;
	bool defanged; /* section 3.2: the values of this object were made harmless */
	bool no_memory;
};

/* ---- what is a value where ------------------------------------------------------------------ */

/* The observables of section 6. Properties that only say what kind of thing it is are no values. */
static const struct place {
	const char *type;
	const char *property; /* NULL: the type has none but hashes or extensions */
	enum stix_value_kind kind;
} places[] = {
	{"ipv4-addr",            "value",         STIX_VALUE_ADDRESS},
	{"ipv6-addr",            "value",         STIX_VALUE_ADDRESS},
	{"domain-name",          "value",         STIX_VALUE_NAME   },
	{"url",		  "value",         STIX_VALUE_URL    },
	{"file",		 "name",          STIX_VALUE_TEXT   },
	{"email-addr",           "value",         STIX_VALUE_EMAIL  },
	{"email-addr",           "display_name",  STIX_VALUE_TEXT   },
	{"mac-addr",             "value",         STIX_VALUE_MAC    },
	{"autonomous-system",    "number",        STIX_VALUE_ASN    },
	{"autonomous-system",    "name",          STIX_VALUE_TEXT   },
	{"artifact",             "url",           STIX_VALUE_URL    },
	{"directory",            "path",          STIX_VALUE_TEXT   },
	{"email-message",        "subject",       STIX_VALUE_TEXT   },
	{"email-message",        "message_id",    STIX_VALUE_TEXT   },
	{"mutex",                "name",          STIX_VALUE_TEXT   },
	{"network-traffic",      NULL,            STIX_VALUE_TEXT   },
	{"process",              "command_line",  STIX_VALUE_TEXT   },
	{"software",             "name",          STIX_VALUE_TEXT   },
	{"software",             "cpe",           STIX_VALUE_TEXT   },
	{"user-account",         "user_id",       STIX_VALUE_TEXT   },
	{"user-account",         "account_login", STIX_VALUE_TEXT   },
	{"user-account",         "display_name",  STIX_VALUE_TEXT   },
	{"windows-registry-key", "key",           STIX_VALUE_TEXT   },
	{"x509-certificate",     "serial_number", STIX_VALUE_TEXT   },
	{"x509-certificate",     "subject",       STIX_VALUE_TEXT   },
	{"x509-certificate",     "issuer",        STIX_VALUE_TEXT   },
};

/* The first place of a type, the others behind it; NULL when it is no observable of the standard.
 */
static const struct place *places_of(struct slice type)
{
	for (size_t k = 0; k < COUNT_OF(places); k++) {
		if (slice_is(type, places[k].type))
			return &places[k];
	}
	return NULL;
}

static const struct place *place_of(const struct place *first, struct slice property)
{
	for (const struct place *p = first;
		p < places + COUNT_OF(places) && strcmp(p->type, first->type) == 0; p++) {
		if (p->property != NULL && slice_is(property, p->property))
			return p;
	}
	return NULL;
}

/* Fingerprints of how a program speaks, which have no place of their own in the standard. */
static bool is_fingerprint(struct slice name)
{
	static const char *const parts[] = {"ja3", "ja4", "hassh", "jarm", "User-Agent"};

	for (size_t at = 0; at < name.len; at++) {
		for (size_t k = 0; k < COUNT_OF(parts); k++) {
			if (slice_equal_nocase(
				    slice_cut(name, at, at + strlen(parts[k])), slice_of(parts[k])))
				return true;
		}
	}
	return false;
}

/* ---- collecting ----------------------------------------------------------------------------- */

static struct stix_value *room(struct finder *f)
{
	size_t capacity = f->capacity == 0 ? 2 : f->capacity * 2;
	struct stix_value *values;

	if (f->count == STIX_VALUES_MAX) {
		f->all = false;
		return NULL;
	}
	if (f->count == f->capacity) {
		values = ARENA_ARRAY(f->arena, struct stix_value, capacity);
		if (values == NULL) {
			f->no_memory = true;
			return NULL;
		}
		if (f->count > 0)
			memcpy(values, f->values, f->count * sizeof(*values));
		f->values = values;
		f->capacity = capacity;
	}
	return &f->values[f->count];
}

/*
 * What is not of the kind that its property promises (an address among the names, a defanged URL)
 * is kept all the same, as an address or as text, so that it can be found.
 */
static void add(struct finder *f, enum stix_value_kind kind, struct slice text, struct slice type,
	struct slice property)
{
	const enum stix_value_kind tries[] = {kind, STIX_VALUE_ADDRESS, STIX_VALUE_TEXT};
	struct stix_value *v = room(f);
	enum value_result result = VALUE_UNFIT;
	struct slice whole = f->defanged ? stix_refang(text, f->arena) : text;

	if (v == NULL)
		return;
	for (size_t k = 0; k < COUNT_OF(tries) && result == VALUE_UNFIT; k++) {
		*v = (struct stix_value){
			.kind = tries[k], .text = text, .object_type = type, .property = property};
		if (k != 1 || kind == STIX_VALUE_NAME)
			result = value_key(tries[k], whole, f->arena, &v->key);
	}
	f->no_memory |= result == VALUE_NO_MEMORY;
	f->count += result == VALUE_FITS;
}

/* ---- observables ---------------------------------------------------------------------------- */

static void add_hashes(struct finder *f, struct json_value hashes, struct slice type)
{
	struct json_iter it = json_iter(hashes);
	struct json_value value;
	struct slice name;

	if (!json_is_object(hashes))
		return;
	while (json_object_next(&it, &name, &value)) {
		if (json_is_string(value))
			add(f, STIX_VALUE_HASH, json_string(value), type, name);
	}
}

/* A header's values: a string, or a list of them. */
static void add_strings(
	struct finder *f, struct json_value value, struct slice type, struct slice name)
{
	struct json_iter it = json_iter(value);
	struct json_value item;

	if (json_is_string(value))
		add(f, STIX_VALUE_TEXT, json_string(value), type, name);
	if (!json_is_array(value))
		return;
	while (json_array_next(&it, &item)) {
		if (json_is_string(item))
			add(f, STIX_VALUE_TEXT, json_string(item), type, name);
	}
}

/* Inside of extensions: hashes of sections and streams, imphash, user agents, fingerprints. */
static void add_nested(struct finder *f, struct json_value value, struct slice type, unsigned depth)
{
	struct json_iter it = json_iter(value);
	struct json_value item;
	struct slice name;

	if (depth == NESTED_MAX)
		return;
	if (json_is_array(value)) {
		while (json_array_next(&it, &item))
			add_nested(f, item, type, depth + 1);
		return;
	}
	if (!json_is_object(value))
		return;
	while (json_object_next(&it, &name, &item)) {
		if (slice_is(name, "hashes") || slice_ends(name, SLICE("_hashes")))
			add_hashes(f, item, type);
		else if (slice_is(name, "imphash") && json_is_string(item))
			add(f, STIX_VALUE_HASH, json_string(item), type, name);
		else if (is_fingerprint(name))
			add_strings(f, item, type, name);
		else
			add_nested(f, item, type, depth + 1);
	}
}

static void add_number(
	struct finder *f, struct json_value value, struct slice type, struct slice name)
{
	struct slice text;
	int64_t number;

	if (!json_to_i64(value, &number))
		return;
	text = arena_printf(f->arena, "%lld", (long long)number);
	if (text.data == NULL)
		f->no_memory = true;
	else
		add(f, STIX_VALUE_ASN, text, type, name);
}

static void find_observable(
	struct finder *f, struct json_value object, const struct place *o, struct slice type)
{
	struct json_iter it = json_iter(object);
	const struct place *p;
	struct json_value value;
	struct slice name;

	f->defanged = json_get(object, "defanged", &value) && json_is_true(value);
	while (json_object_next(&it, &name, &value)) {
		p = place_of(o, name);
		if (p != NULL && p->kind == STIX_VALUE_ASN)
			add_number(f, value, type, name);
		else if (p != NULL && json_is_string(value))
			add(f, p->kind, json_string(value), type, name);
		else if (slice_is(name, "hashes"))
			add_hashes(f, value, type);
		else if (slice_is(name, "extensions"))
			add_nested(f, value, type, 0);
		else if (p == NULL && is_fingerprint(name))
			add_strings(f, value, type, name);
	}
}

/* ---- indicators
 * -----------------------------------------------------------------------------------------------
 */

static bool is_reference(struct slice name)
{
	return slice_ends(name, SLICE("_ref")) || slice_ends(name, SLICE("_refs"));
}

/* Where a path ends: its last name, the name before it, and whether it follows a reference. */
struct ending {
	struct slice last;
	struct slice before;
	size_t names;
	bool reference;
};

static struct ending ending_of(const struct pattern_atom *atom)
{
	struct ending e = {0};

	for (size_t k = 0; k < atom->steps_count; k++) {
		if (atom->steps[k].kind != STIX_STEP_PROPERTY)
			continue;
		e.reference |= e.names > 0 && is_reference(e.last);
		e.before = e.last;
		e.last = atom->steps[k].name;
		e.names++;
	}
	return e;
}

/* Behind a reference the type is not written: what the value looks like says it. */
static void add_referenced(struct finder *f, const struct ending *e, struct slice text)
{
	struct stix_value guess;

	if (slice_is(e->last, "value")) {
		if (value_guess(text, f->arena, &guess))
			add(f, guess.kind, text, guess.object_type, guess.property);
		else
			add(f, STIX_VALUE_TEXT, text, (struct slice){0}, e->last);
	} else if (slice_is(e->last, "name")) {
		add(f, STIX_VALUE_TEXT, text, SLICE("file"), e->last);
	} else if (slice_is(e->last, "path")) {
		add(f, STIX_VALUE_TEXT, text, SLICE("directory"), e->last);
	} else if (slice_is(e->last, "number")) {
		add(f, STIX_VALUE_ASN, text, SLICE("autonomous-system"), e->last);
	}
}

static bool find_atom(void *context, const struct pattern_atom *atom)
{
	struct finder *f = context;
	const struct place *o = places_of(atom->object_type);
	const struct place *p = NULL;
	struct ending e = ending_of(atom);
	struct slice text;

	if (atom->negated || (atom->comparator != STIX_EQUAL && atom->comparator != STIX_IN &&
				     atom->comparator != STIX_ISSUBSET))
		return true;
	if (o != NULL && e.names == 1)
		p = place_of(o, e.last);
	text = atom->constant->text;
	if (atom->constant->kind == STIX_CONSTANT_INTEGER && p != NULL &&
		p->kind == STIX_VALUE_ASN) {
		text = arena_printf(f->arena, "%lld", (long long)atom->constant->integer);
		if (text.data == NULL)
			return false;
	} else if (atom->constant->kind != STIX_CONSTANT_STRING) {
		return true;
	}
	if (p != NULL)
		add(f, p->kind, text, atom->object_type, e.last);
	else if (slice_is(e.before, "hashes") || slice_is(e.last, "imphash"))
		add(f, STIX_VALUE_HASH, text, atom->object_type, e.last);
	else if (is_fingerprint(e.last))
		add(f, STIX_VALUE_TEXT, text, atom->object_type, e.last);
	else if (e.reference)
		add_referenced(f, &e, text);
	else if (o == NULL || slice_starts(e.last, SLICE("x_")))
		add(f, STIX_VALUE_TEXT, text, atom->object_type, e.last);
	return !f->no_memory;
}

static void find_indicator(struct finder *f, struct slice pattern)
{
	struct pattern_run run = {
		.pattern = pattern, .arena = f->arena, .atom = find_atom, .context = f};

	if (pattern_run(&run))
		return;
	f->no_memory |= run.fault.no_memory;
	/* an invalid pattern matches nothing (section 9.4) */
	f->count = 0;
	f->all = true;
}

/* ---- door
 * -------------------------------------------------------------------------------------------------------
 */

/* The deprecated way of section 4.14: observables inside of an observed-data. */
static void find_embedded(struct finder *f, struct json_value objects)
{
	struct json_iter it = json_iter(objects);
	const struct place *o;
	struct json_value object;
	struct slice name, type;

	if (!json_is_object(objects))
		return;
	while (json_object_next(&it, &name, &object)) {
		type = json_get_string(object, "type");
		o = places_of(type);
		if (o != NULL)
			find_observable(f, object, o, type);
	}
}

enum err_kind stix_values(struct json_value object, struct arena *a, struct stix_value **ret_values,
	size_t *ret_count, bool *ret_all, struct err *e)
{
	struct finder f = {.arena = a, .all = true};
	struct slice type = json_get_string(object, "type");
	const struct place *o = places_of(type);
	struct json_value member;
	struct slice text;

	if (o != NULL) {
		find_observable(&f, object, o, type);
	} else if (slice_is(type, "indicator")) {
		if (slice_is(json_get_string(object, "pattern_type"), "stix"))
			find_indicator(&f, json_get_string(object, "pattern"));
	} else if (slice_is(type, "observed-data")) {
		if (json_get(object, "objects", &member))
			find_embedded(&f, member);
	} else if (stix_class_of(type) == STIX_CUSTOM) {
		text = json_get_string(object, "value");
		if (text.len > 0)
			add(&f, STIX_VALUE_TEXT, text, type, SLICE("value"));
	}
	if (f.no_memory)
		return err_set(e, ERR_NOMEM, "out of memory for the values of an object");
	*ret_values = f.values;
	*ret_count = f.count;
	*ret_all = f.all;
	return OK;
}
