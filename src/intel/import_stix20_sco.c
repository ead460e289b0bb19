/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Cyber observable objects of STIX 2.0: members of a dictionary that name each other by its keys.
 * In 2.1 they are objects of their own that name each other by id, and the id depends on what they
 * hold, so those that are referred to come first.
 */
#include "import_stix20.h"

#define OBSERVABLES_MAX  2000 /* in one dictionary: keys are looked up one by one */
#define NUMBER_DEPTH_MAX 100  /* references in a chain; real ones have three or four */

/* STIX 2.1 sections 6.1 to 6.18 against 2.0 Part 4. */
const struct stix20_rename stix20_renames[] = {
	{"directory",            NULL,               "created",                     "ctime"                  },
	{"directory",            NULL,               "modified",                    "mtime"                  },
	{"directory",            NULL,               "accessed",                    "atime"                  },
	{"file",		 NULL,               "created",                     "ctime"                  },
	{"file",		 NULL,               "modified",                    "mtime"                  },
	{"file",		 NULL,               "accessed",                    "atime"                  },
	{"file",		 NULL,               "is_encrypted",                NULL                     },
	{"file",		 NULL,               "encryption_algorithm",        NULL                     },
	{"file",		 NULL,               "decryption_key",              NULL                     },
	{"file",		 "archive-ext",      "version",                     NULL                     },
	{"file",		 "raster-image-ext", "image_compression_algorithm", NULL                     },
	{"network-traffic",      "socket-ext",       "protocol_family",             NULL                     },
	{"process",              NULL,               "created",                     "created_time"           },
	{"process",              NULL,               "binary_ref",                  "image_ref"              },
	{"process",              NULL,               "name",                        NULL                     },
	{"process",              NULL,               "arguments",                   NULL                     },
	{"user-account",         NULL,               "password_last_changed",       "credential_last_changed"},
	{"windows-registry-key", NULL,               "modified",                    "modified_time"          },
};
const size_t stix20_renames_count = COUNT_OF(stix20_renames);

/* Names of 2.0's and of everyday use to those of 2.1's hash-algorithm-ov (section 10.7). */
static const struct {
	const char *from;
	const char *to;
} hash_names[] = {
	{"md5",      "MD5"     },
	{"sha1",     "SHA-1"   },
	{"sha-1",    "SHA-1"   },
	{"sha256",   "SHA-256" },
	{"sha-256",  "SHA-256" },
	{"sha512",   "SHA-512" },
	{"sha-512",  "SHA-512" },
	{"sha3-256", "SHA3-256"},
	{"sha3-512", "SHA3-512"},
	{"ssdeep",   "SSDEEP"  },
	{"tlsh",     "TLSH"    },
};

enum state { UNTOUCHED, BUSY, NUMBERED };

struct observable {
	struct slice key;
	struct json_value value;
	struct slice type;
	enum state state;
	struct uuid uuid;
	char id[STIX_ID_MAX + 1];
};

struct dictionary {
	struct stix20 *x;
	struct observable *list;
	size_t count;
	struct slice observed_id;
	const struct uuid *markings;
	size_t markings_count;
	/* of the observable being written */
	const struct observable *current;
	unsigned depth;
	bool id_only; /* leave out references that do not contribute to the id */
};

static enum err_kind number(struct dictionary *d, struct observable *o, struct err *e);

static struct observable *find(struct dictionary *d, struct slice key)
{
	for (size_t k = 0; k < d->count; k++) {
		if (slice_equal(d->list[k].key, key))
			return &d->list[k];
	}
	return NULL;
}

static bool is_reference(struct slice name)
{
	return slice_ends(name, SLICE("_ref")) || slice_ends(name, SLICE("_refs"));
}

/* References that the id of 2.1 is computed from (section 6, "ID contributing properties"). */
static bool contributes(struct slice name)
{
	return slice_is(name, "src_ref") || slice_is(name, "dst_ref") ||
	       slice_is(name, "from_ref") || slice_is(name, "parent_directory_ref");
}

/* The id behind a key. *ret_id NULL: there is no such object, or it refers to itself in a circle.
 */
static enum err_kind reference(
	struct dictionary *d, struct json_value key, const char **ret_id, struct err *e)
{
	struct observable *o = json_is_string(key) ? find(d, json_string(key)) : NULL;
	enum err_kind kind = OK;

	*ret_id = NULL;
	if (o != NULL && o->state == UNTOUCHED) {
		const struct observable *current = d->current;
		bool id_only = d->id_only;

		kind = number(d, o, e);
		d->current = current;
		d->id_only = id_only;
	}
	if (kind == OK && o != NULL && o->state == NUMBERED)
		*ret_id = o->id;
	return kind;
}

static void reference_lost(struct dictionary *d, struct slice name, struct json_value key)
{
	stix20_change(d->x, "%.*s \"%.*s\" of object \"%.*s\" leads nowhere and is left out",
		SLICE_ARG(name), SLICE_ARG(json_string(key)), SLICE_ARG(d->current->key));
}

static enum err_kind write_reference(struct dictionary *d, struct json_writer *w, struct slice name,
	struct json_value value, struct err *e)
{
	struct json_iter it = json_iter(value);
	enum err_kind kind = OK;
	struct json_value item;
	const char *id;
	bool any = false;

	if (json_is_string(value)) {
		kind = reference(d, value, &id, e);
		if (kind == OK && id != NULL) {
			json_write_name_slice(w, name);
			json_write_text(w, id);
		} else if (kind == OK && !d->id_only) {
			reference_lost(d, name, value);
		}
		return kind;
	}
	while (json_is_array(value) && kind == OK && json_array_next(&it, &item)) {
		kind = reference(d, item, &id, e);
		if (kind == OK && id == NULL && !d->id_only)
			reference_lost(d, name, item);
		if (kind != OK || id == NULL)
			continue;
		if (!any) {
			json_write_name_slice(w, name);
			json_write_array(w);
		}
		any = true;
		json_write_text(w, id);
	}
	if (any)
		json_write_end(w, ']');
	return kind;
}

static void write_hashes(struct dictionary *d, struct json_writer *w, struct json_value hashes)
{
	struct json_iter it = json_iter(hashes);
	struct json_value value, other;
	struct slice name;

	json_write_object(w);
	while (json_object_next(&it, &name, &value)) {
		const char *to = NULL;

		for (size_t k = 0; k < COUNT_OF(hash_names); k++) {
			if (slice_equal_nocase(name, slice_of(hash_names[k].from)) &&
				!slice_is(name, hash_names[k].to))
				to = hash_names[k].to;
		}
		if (to != NULL && json_get(hashes, to, &other))
			to = NULL; /* both are there: leave them */
		if (to != NULL && !d->id_only)
			stix20_change(d->x, "hash \"%.*s\" is %s", SLICE_ARG(name), to);
		if (to != NULL)
			json_write_name(w, to);
		else
			json_write_name_slice(w, name);
		import_write_value(w, value);
	}
	json_write_end(w, '}');
}

/* Section 6.6: each value of an additional header field is a list of strings. */
static void write_headers(struct dictionary *d, struct json_writer *w, struct json_value fields)
{
	struct json_iter it = json_iter(fields);
	struct json_value value;
	struct slice name;

	json_write_object(w);
	while (json_object_next(&it, &name, &value)) {
		json_write_name_slice(w, name);
		if (json_is_string(value)) {
			json_write_array(w);
			import_write_value(w, value);
			json_write_end(w, ']');
			if (!d->id_only)
				stix20_change(d->x, "header \"%.*s\" is a list", SLICE_ARG(name));
		} else {
			import_write_value(w, value);
		}
	}
	json_write_end(w, '}');
}

/* NULL: keep the name; "": leave the property out. */
static const char *renamed(struct slice type, struct slice extension, struct slice name)
{
	for (size_t k = 0; k < stix20_renames_count; k++) {
		const struct stix20_rename *r = &stix20_renames[k];

		if (slice_is(type, r->type) && slice_is(name, r->from) &&
			(r->extension == NULL ? extension.len == 0
					      : slice_is(extension, r->extension)))
			return r->to == NULL ? "" : r->to;
	}
	return NULL;
}

static enum err_kind write_members(struct dictionary *d, struct json_writer *w,
	struct json_value object, struct slice extension, struct err *e);

/* Lists of dictionaries hold references too: body_multipart[].body_raw_ref. */
static enum err_kind write_nested(struct dictionary *d, struct json_writer *w,
	struct json_value value, struct slice extension, struct err *e)
{
	struct json_iter it = json_iter(value);
	enum err_kind kind = OK;
	struct json_value item;

	if (json_is_object(value)) {
		json_write_object(w);
		kind = write_members(d, w, value, extension, e);
		json_write_end(w, '}');
	} else if (json_is_array(value)) {
		json_write_array(w);
		while (kind == OK && json_array_next(&it, &item))
			kind = write_nested(d, w, item, extension, e);
		json_write_end(w, ']');
	} else {
		import_write_value(w, value);
	}
	return kind;
}

static enum err_kind write_extensions(
	struct dictionary *d, struct json_writer *w, struct json_value extensions, struct err *e)
{
	struct json_iter it = json_iter(extensions);
	enum err_kind kind = OK;
	struct json_value value;
	struct slice name;

	json_write_object(w);
	while (kind == OK && json_object_next(&it, &name, &value)) {
		json_write_name_slice(w, name);
		kind = write_nested(d, w, value, name, e);
	}
	json_write_end(w, '}');
	return kind;
}

static enum err_kind write_members(struct dictionary *d, struct json_writer *w,
	struct json_value object, struct slice extension, struct err *e)
{
	struct json_iter it = json_iter(object);
	bool top = object.at == d->current->value.at;
	enum err_kind kind = OK;
	struct json_value value, other;
	struct slice name;

	while (kind == OK && json_object_next(&it, &name, &value)) {
		const char *to = top || extension.len > 0
					 ? renamed(d->current->type, extension, name)
					 : NULL;

		if (top && (slice_is(name, "type") || slice_is(name, "id") ||
				   slice_is(name, "spec_version")))
			continue;
		if (to != NULL && (to[0] == '\0' || json_get(object, to, &other))) {
			if (!d->id_only)
				stix20_change(d->x,
					"%.*s of object \"%.*s\" has no place and is left out",
					SLICE_ARG(name), SLICE_ARG(d->current->key));
			continue;
		}
		if (to != NULL && !d->id_only)
			stix20_change(d->x, "%.*s is %s", SLICE_ARG(name), to);
		if (to != NULL)
			name = slice_of(to);
		if (is_reference(name)) {
			if (!d->id_only || !top || contributes(name))
				kind = write_reference(d, w, name, value, e);
			continue;
		}
		json_write_name_slice(w, name);
		if (slice_is(name, "hashes") || slice_ends(name, SLICE("_hashes")))
			write_hashes(d, w, value);
		else if (top && slice_is(name, "extensions") && json_is_object(value))
			kind = write_extensions(d, w, value, e);
		else if (top && slice_is(name, "additional_header_fields") && json_is_object(value))
			write_headers(d, w, value);
		else
			kind = write_nested(d, w, value, extension, e);
	}
	return kind;
}

static enum err_kind write_body(struct dictionary *d, const struct observable *o, bool id_only,
	struct buf *body, struct err *e)
{
	struct json_writer w = JSON_WRITER(body);
	enum err_kind kind;

	d->current = o;
	d->id_only = id_only;
	json_write_object(&w);
	json_member_string(&w, "type", o->type);
	kind = write_members(d, &w, o->value, (struct slice){0}, e);
	json_write_end(&w, '}');
	if (kind == OK && body->bad)
		kind = err_set(e, ERR_LIMIT, "an observable is nested too deeply or too long");
	return kind;
}

/* What tells observables without a deterministic id apart. */
static struct slice unique_of(struct dictionary *d, const struct observable *o)
{
	return arena_printf(
		d->x->arena, "%.*s\n%.*s", SLICE_ARG(d->observed_id), SLICE_ARG(o->key));
}

/* Give it its id. A circle of references ends where one that is BUSY is met again. */
static enum err_kind number(struct dictionary *d, struct observable *o, struct err *e)
{
	struct buf body = BUF_MAX(JSON_OBJECT_MAX);
	enum err_kind kind;

	if (d->depth == NUMBER_DEPTH_MAX)
		return err_set(e, ERR_LIMIT, "observables refer to each other more than %d deep",
			NUMBER_DEPTH_MAX);
	d->depth++;
	o->state = BUSY;
	kind = write_body(d, o, true, &body, e);
	if (kind == OK)
		kind = import_observable_id(d->x->small, buf_slice(&body), unique_of(d, o),
			d->markings, d->markings_count, &o->uuid, e);
	buf_fini(&body);
	d->depth--;
	if (kind != OK)
		return kind;
	stix_id_format(o->type, &o->uuid, o->id);
	o->state = NUMBERED;
	return OK;
}

static enum err_kind emit(
	struct dictionary *d, struct observable *o, const struct intel_place *place, struct err *e)
{
	struct stix20 *x = d->x;
	enum err_kind kind;

	buf_clear(&x->body);
	buf_clear(&x->out);
	kind = write_body(d, o, false, &x->body, e);
	if (kind != OK)
		return kind;
	import_observable_append(
		&x->out, buf_slice(&x->body), &o->uuid, d->markings, d->markings_count);
	return stix20_emit(x, place, e);
}

/* As STIX 2.1 section 3.1 wants them; an id is made of it. */
static bool type_fits(struct slice type)
{
	for (size_t i = 0; i < type.len; i++) {
		char c = type.data[i];

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-')
			return false;
	}
	return type.len >= 3 && type.len <= STIX_TYPE_MAX;
}

enum err_kind stix20_observables(struct stix20 *x, struct json_value objects,
	struct slice observed_id, const struct uuid *markings, size_t markings_count,
	const struct intel_place *place, struct slice **ret_ids, size_t *ret_count, struct err *e)
{
	struct dictionary d = {.x = x,
		.observed_id = observed_id,
		.markings = markings,
		.markings_count = markings_count};
	struct json_iter it = json_iter(objects);
	size_t count = json_count(objects);
	enum err_kind kind = OK;
	struct json_value value;
	struct slice name;
	struct slice *ids;

	if (!json_is_object(objects) || count == 0)
		return err_set(e, ERR_INVALID, "\"objects\": expected a dictionary of observables");
	if (count > OBSERVABLES_MAX)
		return err_set(e, ERR_LIMIT, "more than %d observables", OBSERVABLES_MAX);
	d.list = ARENA_ARRAY(x->arena, struct observable, count);
	ids = ARENA_ARRAY(x->arena, struct slice, count);
	if (d.list == NULL || ids == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	while (json_object_next(&it, &name, &value)) {
		struct observable *o = &d.list[d.count++];

		*o = (struct observable){
			.key = name, .value = value, .type = json_get_string(value, "type")};
		if (!type_fits(o->type))
			return err_set(e, ERR_INVALID,
				"object \"%.*s\": expected the name of a type", SLICE_ARG(name));
	}
	for (size_t k = 0; k < d.count && kind == OK; k++) {
		if (d.list[k].state == UNTOUCHED)
			kind = number(&d, &d.list[k], e);
	}
	for (size_t k = 0; k < d.count && kind == OK; k++) {
		kind = emit(&d, &d.list[k], place, e);
		ids[k] = slice_of(d.list[k].id);
	}
	if (kind != OK)
		return kind;
	*ret_ids = ids;
	*ret_count = d.count;
	return OK;
}
