/* SPDX-License-Identifier: MPL-2.0 */
/*
 * MISP objects: several attributes that describe one thing. Where a table knows the template, its
 * attributes are composed; what is left of it, and the objects of other templates, come in as
 * single attributes where they are for detection, and word for word in a note.
 */
#include "import_misp.h"

/* Where the relations of a template stand. Rows of one template stand together. */
static const struct {
	const char *object;
	const char *relation;
	const char *field;
} templates[] = {
	{"file",               "md5",                     "md5"          },
	{"file",               "sha1",                    "sha1"         },
	{"file",               "sha224",                  "sha224"       },
	{"file",               "sha256",                  "sha256"       },
	{"file",               "sha384",                  "sha384"       },
	{"file",               "sha512",                  "sha512"       },
	{"file",               "sha3-256",                "sha3-256"     },
	{"file",               "sha3-512",                "sha3-512"     },
	{"file",               "ssdeep",                  "ssdeep"       },
	{"file",               "tlsh",                    "tlsh"         },
	{"file",               "authentihash",            "authentihash" },
	{"file",               "vhash",                   "vhash"        },
	{"file",               "filename",                "filename"     },
	{"file",               "size-in-bytes",           "size"         },
	{"file",               "mimetype",                "mime-type"    },
	{"pe",		 "imphash",                 "imphash"      },
	{"pe",		 "authentihash",            "authentihash" },
	{"domain-ip",          "domain",                  "name"         },
	{"domain-ip",          "hostname",                "name"         },
	{"domain-ip",          "ip",                      "ip"           },
	{"url",		"url",                     "url"          },
	{"url",		"domain",                  "name"         },
	{"url",		"host",                    "name"         },
	{"url",		"ip",		      "ip"           },
	{"email",              "from",                    "email-from"   },
	{"email",              "to",                      "email-to"     },
	{"email",              "cc",                      "email-cc"     },
	{"email",              "subject",                 "email-subject"},
	{"email",              "email-body",              "email-body"   },
	{"email",              "message-id",              "email-id"     },
	{"email",              "x-mailer",                "x-mailer"     },
	{"email",              "reply-to",                "reply-to"     },
	{"network-connection", "ip-src",                  "src-ip"       },
	{"network-connection", "ip-dst",                  "dst-ip"       },
	{"network-connection", "hostname-src",            "src-name"     },
	{"network-connection", "hostname-dst",            "dst-name"     },
	{"network-connection", "src-port",                "src-port"     },
	{"network-connection", "dst-port",                "dst-port"     },
	{"network-socket",     "ip-src",                  "src-ip"       },
	{"network-socket",     "ip-dst",                  "dst-ip"       },
	{"network-socket",     "src-port",                "src-port"     },
	{"network-socket",     "dst-port",                "dst-port"     },
	{"ip-port",            "ip",                      "dst-ip"       },
	{"ip-port",            "ip-src",                  "src-ip"       },
	{"ip-port",            "ip-dst",                  "dst-ip"       },
	{"ip-port",            "hostname",                "dst-name"     },
	{"ip-port",            "domain",                  "dst-name"     },
	{"ip-port",            "src-port",                "src-port"     },
	{"ip-port",            "dst-port",                "dst-port"     },
	{"http-request",       "user-agent",              "user-agent"   },
	{"http-request",       "url",                     "url"          },
	{"x509",               "x509-fingerprint-md5",    "x509-md5"     },
	{"x509",               "x509-fingerprint-sha1",   "x509-sha1"    },
	{"x509",               "x509-fingerprint-sha256", "x509-sha256"  },
	{"x509",               "serial-number",           "x509-serial"  },
	{"x509",               "issuer",                  "x509-issuer"  },
	{"x509",               "subject",                 "x509-subject" },
	{"x509",               "version",                 "x509-version" },
	{"registry-key",       "key",                     "regkey"       },
	{"registry-key",       "data",                    "regdata"      },
	{"process",            "command-line",            "command-line" },
	{"mutex",              "name",                    "mutex"        },
	{"asn",		"asn",                     "asn"          },
	{"user-account",       "username",                "login"        },
	{"user-account",       "user-id",                 "user-id"      },
	{"user-account",       "account-type",            "account-type" },
	{"user-account",       "display-name",            "display-name" },
	{"ja3",		"ja3-fingerprint-md5",     "ja3"          },
	{"ja3",		"ip-src",                  "src-ip"       },
	{"ja3",		"ip-dst",                  "dst-ip"       },
	{"coin-address",       "address",                 "user-id"      },
	{"coin-address",       "symbol",                  "account-type" },
};

static const struct misp_field *template_field(struct slice object, struct slice relation)
{
	for (size_t k = 0; k < COUNT_OF(templates); k++) {
		if (slice_is(object, templates[k].object) &&
			slice_is(relation, templates[k].relation))
			return misp_field_find(templates[k].field);
	}
	return NULL;
}

/* An object on its way in. */
struct object {
	struct json_value v;
	struct slice name;
	struct misp_unit unit;
	struct buf rest;     /* lines of what has no place: "relation: value" */
	struct slice target; /* id of what stands for the object */
};

static bool attribute_is_live(struct misp *m, struct json_value attribute)
{
	if (!misp_truth(attribute, "deleted"))
		return true;
	import_lose(m->job, &m->place, "attribute %.*s is deleted and left out",
		SLICE_ARG(json_get_string(attribute, "uuid")));
	return false;
}

/*
 * Take an attribute into the composition; false when it does not belong there. One that carries
 * more than a value (its own marking, tags, sightings) stays an attribute of its own: composed,
 * that would have to hold for the whole.
 */
static bool compose(struct misp *m, struct object *o, struct json_value attribute)
{
	struct slice relation = json_get_string(attribute, "object_relation");
	const struct misp_field *field = template_field(o->name, relation);
	struct slice value = misp_text(m->scratch, attribute, "value");

	if (field == NULL || o->unit.facts_count == MISP_FACTS_MAX || misp_carries_more(attribute))
		return false;
	if (!misp_fact_make(m, field, value, misp_truth(attribute, "to_ids"),
		    &o->unit.facts[o->unit.facts_count]))
		return false;
	o->unit.facts_count++;
	return true;
}

static void rest_add(struct misp *m, struct object *o, struct json_value attribute)
{
	struct slice relation = json_get_string(attribute, "object_relation");
	struct slice comment = json_get_string(attribute, "comment");

	if (relation.len == 0)
		relation = json_get_string(attribute, "type");
	if (o->rest.len > 0)
		buf_char(&o->rest, '\n');
	buf_slice_append(&o->rest, relation);
	buf_text(&o->rest, ": ");
	buf_slice_append(&o->rest, misp_text(m->scratch, attribute, "value"));
	if (comment.len > 0) {
		buf_text(&o->rest, " (");
		buf_slice_append(&o->rest, comment);
		buf_char(&o->rest, ')');
	}
}

/* Has it a place of its own, though the template has none for it? */
static bool stands_alone(struct json_value attribute)
{
	const struct misp_type *type = misp_type_find(json_get_string(attribute, "type"));

	if (misp_carries_more(attribute))
		return true;
	if (type->use == MISP_USE_NOTE)
		return false;
	return type->use != MISP_USE_FIELDS || misp_truth(attribute, "to_ids") ||
	       json_get_string(attribute, "data").len > 0;
}

/* What an attribute gives up when it becomes a part of something. */
static void composed_lose(struct misp *m, struct json_value attribute, bool note)
{
	struct slice uuid = json_get_string(attribute, "uuid");

	misp_lose_rest(m, "attribute", attribute, uuid);
	misp_lose(m, "attribute",
		SLICE("uuid, timestamp, category and seen times (of a part of an object)"), uuid);
	if (note && misp_truth(attribute, "to_ids"))
		misp_lose(m, "attribute", SLICE("to_ids (of what has no pattern)"), uuid);
}

static enum err_kind attributes_read(struct misp *m, struct object *o, struct err *e)
{
	struct json_value list, attribute;
	enum err_kind kind = OK;
	struct json_iter it;

	if (!json_get(o->v, "Attribute", &list) || !json_is_array(list))
		return OK;
	for (it = json_iter(list); kind == OK && json_array_next(&it, &attribute);) {
		struct slice uuid = json_get_string(attribute, "uuid");

		if (!attribute_is_live(m, attribute))
			continue;
		if (misp_text(m->scratch, attribute, "value").len == 0) {
			kind = import_refuse(
				m->job, &m->place, uuid, e, "attribute without a value");
			continue;
		}
		if (compose(m, o, attribute)) {
			composed_lose(m, attribute, false);
			if (json_get_string(attribute, "comment").len > 0)
				rest_add(m, o, attribute);
			if (o->unit.artifact.len > 0 && json_get_string(attribute, "data").len > 0)
				misp_lose(m, "attribute", SLICE("data (a second one in an object)"),
					uuid);
			if (json_get_string(attribute, "data").len > 0 && o->unit.artifact.len == 0)
				kind = misp_artifact(
					m, attribute, false, o->unit.tlp, &o->unit.artifact, e);
		} else if (stands_alone(attribute)) {
			/* it tells its own losses */
			kind = misp_attribute(m, attribute, o->unit.tlp, e);
		} else {
			composed_lose(m, attribute, true);
			rest_add(m, o, attribute);
		}
	}
	return kind;
}

/* "file: evil.exe" */
static void name_object(struct misp *m, struct object *o)
{
	struct slice best = {0};

	for (size_t k = 0; k < o->unit.facts_count && best.len == 0; k++) {
		if (strcmp(o->unit.facts[k].field->name, "filename") == 0)
			best = o->unit.facts[k].text;
	}
	for (size_t k = 0; k < o->unit.facts_count && best.len == 0; k++) {
		if (o->unit.facts[k].field->strong)
			best = o->unit.facts[k].text;
	}
	if (best.len == 0 && o->unit.facts_count > 0)
		best = o->unit.facts[0].text;
	o->unit.name = arena_printf(m->scratch, "%.*s: %.*s", SLICE_ARG(o->name), SLICE_ARG(best));
	if (o->unit.name.data == NULL)
		o->unit.name = o->name;
}

/* Facts that found no room, a second name of a file, say. */
static void rest_add_facts(struct object *o)
{
	for (size_t k = 0; k < o->unit.facts_count; k++) {
		const struct misp_fact *f = &o->unit.facts[k];

		if (f->in_pattern || f->in_observable)
			continue;
		if (o->rest.len > 0)
			buf_char(&o->rest, '\n');
		buf_printf(&o->rest, "%s: ", f->field->name);
		buf_slice_append(&o->rest, f->text);
	}
}

static enum err_kind rest_emit(struct misp *m, struct object *o, struct err *e)
{
	struct misp_head head = {
		.type = "note",
		.uuid = o->unit.uuid,
		.created_us = o->unit.created_us,
		.modified_us = o->unit.modified_us,
		.tlp = o->unit.tlp,
		.labels = o->unit.tags->labels,
		.labels_count = o->unit.tags->labels_count,
	};
	struct slice id;
	enum err_kind kind;

	if (o->target.len == 0 && o->unit.comment.len > 0) {
		if (o->rest.len > 0)
			buf_text(&o->rest, "\n\n");
		buf_slice_append(&o->rest, o->unit.comment);
	}
	if (o->rest.bad)
		return misp_nomem(e);
	if (o->rest.len == 0)
		return OK;
	kind = misp_note(m, &head, o->name, buf_slice(&o->rest),
		o->target.len > 0 ? o->target : m->about, &id, e);
	if (o->target.len == 0)
		o->target = id;
	return kind;
}

enum err_kind misp_object(struct misp *m, struct json_value v, struct err *e)
{
	struct misp_tags *tags = &m->tags[MISP_TAGS_OBJECT];
	struct object o = {.v = v, .name = json_get_string(v, "name"), .unit = {.tags = tags}};
	struct slice uuid = json_get_string(v, "uuid");
	enum err_kind kind;
	bool is_new;

	if (o.name.len == 0)
		return import_refuse(m->job, &m->place, uuid, e, "object without a name");
	if (misp_truth(v, "deleted")) {
		import_lose(
			m->job, &m->place, "object %.*s is deleted and left out", SLICE_ARG(uuid));
		return OK;
	}
	misp_lose_rest(m, "object", v, uuid);
	kind = misp_tags_read(m, v, tags, e);
	if (kind != OK)
		return kind;
	misp_unit_read(m, "object", v, m->tlp, &o.unit);
	kind = import_tlp_emit(m->job, o.unit.tlp, &m->place, e);
	if (kind != OK)
		return kind;
	misp_label(m, tags,
		arena_printf(
			m->scratch, "misp:name=\"%.*s\"", SLICE_ARG(slice_cut(o.name, 0, 200))));
	if (json_get_string(v, "meta-category").len > 0)
		misp_label(m, tags,
			arena_printf(m->scratch, "misp:meta-category=\"%.*s\"",
				SLICE_ARG(slice_cut(json_get_string(v, "meta-category"), 0, 200))));
	o.unit.facts = ARENA_ARRAY(m->scratch, struct misp_fact, MISP_FACTS_MAX);
	if (o.unit.facts == NULL)
		return misp_nomem(e);
	kind = attributes_read(m, &o, e);
	if (kind == OK && o.unit.facts_count > 0) {
		name_object(m, &o);
		kind = misp_unit_emit(m, &o.unit, &o.target, e);
		rest_add_facts(&o);
	}
	if (kind == OK)
		kind = rest_emit(m, &o, e);
	buf_fini(&o.rest);
	if (kind != OK || o.target.len == 0)
		return kind;
	if (!misp_map_put(&m->targets,
		    arena_copy(m->arena, (struct slice){(const char *)o.unit.uuid.bytes, 16}),
		    o.target, &is_new))
		return misp_nomem(e);
	return OK;
}

/* ---- references ----------------------------------------------------------------------------- */

static enum err_kind reference_emit(struct misp *m, struct json_value reference,
	struct slice source, const struct misp_unit *unit, struct err *e)
{
	struct slice uuid_text = json_get_string(reference, "uuid"), target = {0};
	struct misp_head like = {.created_us = unit->created_us, .tlp = unit->tlp};
	struct uuid uuid, to;
	bool has_uuid = misp_uuid(reference, "uuid", &uuid);

	if (misp_truth(reference, "deleted")) {
		import_lose(m->job, &m->place, "object reference %.*s is deleted and left out",
			SLICE_ARG(uuid_text));
		return OK;
	}
	misp_lose_rest(m, "object reference", reference, uuid_text);
	if (misp_uuid(reference, "referenced_uuid", &to))
		target = misp_map_get(&m->targets, (struct slice){(const char *)to.bytes, 16});
	if (source.len == 0 || target.len == 0) {
		misp_lose(m, "object reference",
			SLICE("(an end that is not in the event, or has no object)"), uuid_text);
		return OK;
	}
	like.modified_us = misp_time(m->scratch, reference, "timestamp");
	if (like.modified_us == MISP_TIME_NONE)
		like.modified_us = unit->modified_us;
	if (like.created_us > like.modified_us)
		like.created_us = like.modified_us;
	return misp_relate(m, has_uuid ? &uuid : NULL,
		json_get_string(reference, "relationship_type"), source, target, &like,
		json_get_string(reference, "comment"), e);
}

enum err_kind misp_object_references(struct misp *m, struct json_value object, struct err *e)
{
	struct misp_unit unit = {.tags = &m->tags[MISP_TAGS_OBJECT]};
	struct json_value list, reference;
	enum err_kind kind = OK;
	struct json_iter it;
	struct slice source;

	if (misp_truth(object, "deleted") || !json_get(object, "ObjectReference", &list) ||
		!json_is_array(list) || json_count(list) == 0)
		return OK;
	unit.tags->labels_count = 0;
	unit.tags->tlp = STIX_TLP_NONE;
	misp_unit_read(m, "object", object, m->tlp, &unit);
	source = misp_map_get(&m->targets, (struct slice){(const char *)unit.uuid.bytes, 16});
	for (it = json_iter(list); kind == OK && json_array_next(&it, &reference);)
		kind = reference_emit(m, reference, source, &unit, e);
	return kind;
}
