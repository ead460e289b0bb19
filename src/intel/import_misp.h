/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Inside the MISP importer. An event becomes a report or a grouping with what it holds:
 *
 *   Event          report (published) or grouping; its own document is kept as it came
 *   Orgc           identity, created_by_ref of everything
 *   Attribute      indicator (to_ids), else observed-data with observables, else a note
 *   Object         one indicator and one observed-data made of its attributes
 *   ObjectReference relationship
 *   Galaxy, tags   attack-pattern, malware, threat-actor ...; other tags are labels; TLP tags
 * markings Sighting       sighting, or opinion (a false positive) EventReport    note
 *
 * The same event gives the same bytes again: ids are MISP's own UUIDs or hashes, times MISP's own.
 */
#ifndef IMPORT_MISP_H
#define IMPORT_MISP_H

#include "import.h"

#define MISP_ARENA_MAX  MIB(256) /* for one event of at most JSON_DOCUMENT_MAX bytes */
#define MISP_FACTS_MAX  1000     /* attributes of one MISP object that can be composed */
#define MISP_LABELS_MAX 500      /* of one object */
#define MISP_TIME_NONE  INT64_MIN

/* ---- small helpers (import_misp_data.c) ----------------------------------------------------- */

/* Strings by key; keys and values live elsewhere. */
struct misp_map {
	struct misp_slot {
		struct slice key, value;
	} * slots;
	size_t count, capacity; /* a power of two or 0 */
	uint8_t seed[16];
};
/* False: out of memory. *ret_new: the key was not there. An existing value stays. */
bool misp_map_put(struct misp_map *map, struct slice key, struct slice value, bool *ret_new);
struct slice misp_map_get(const struct misp_map *map, struct slice key); /* empty: not there */
void misp_map_clear(struct misp_map *map);
void misp_map_fini(struct misp_map *map);

struct misp_list {
	struct slice *items;
	size_t count, capacity;
};
bool misp_list_add(struct misp_list *list, struct slice item);
void misp_list_fini(struct misp_list *list);

/* MISP writes numbers and truth as strings or as themselves, depending on its version. */
struct slice misp_text(struct arena *a, struct json_value v, const char *name);
int64_t misp_number(struct json_value v, const char *name, int64_t otherwise);
bool misp_truth(struct json_value v, const char *name);
/* A time in seconds or as text; MISP_TIME_NONE when absent, zero or none. */
int64_t misp_time(struct arena *a, struct json_value v, const char *name);
bool misp_uuid(struct json_value v, const char *name, struct uuid *ret_uuid);

/* ---- an event on its way in ----------------------------------------------------------------- */

/* Fields without a place, told once per event and field. */
struct misp_loss {
	const char *structure;
	struct slice field;
	uint64_t count;
	struct slice first; /* uuid of the first that had it */
};
#define MISP_LOSSES_MAX 500 /* different fields in one event */

/* What tags and clusters say of one thing. */
struct misp_tags {
	struct slice labels[MISP_LABELS_MAX];
	size_t labels_count;
	enum stix_tlp tlp;                      /* NONE: no tag says it */
	struct slice galaxies[MISP_LABELS_MAX]; /* ids of what galaxy tags and clusters stand for */
	size_t galaxies_count;
};
enum misp_tags_of { MISP_TAGS_EVENT, MISP_TAGS_OBJECT, MISP_TAGS_ATTRIBUTE, MISP_TAGS_COUNT };

struct misp {
	struct import_job *job;
	struct json_parser *parser; /* the document */
	struct json_parser *small;  /* what is written, to compute ids */
	struct stix_report report;  /* of one observable */
	struct arena *arena;        /* one event: ids, and what is told at its end */
	struct arena *scratch;      /* one attribute or object of it */
	struct buf out, body, mended;
	uint64_t index; /* of the next object emitted */
	struct intel_place place;
	struct slice creator_name; /* of attribute lists: no organisation is named there */

	/* The event at hand; for an attribute list only some of it. */
	bool has_event;
	struct uuid event_uuid;
	struct slice event_text; /* its uuid as text */
	struct slice about;      /* the id of what notes are about: report, grouping or identity */
	struct uuid creator;     /* identity */
	enum stix_tlp tlp;
	int64_t created_us, modified_us;
	struct misp_map seen; /* ids in refs */
	/* What the report refers to, in order: what all who may read it may have, and by TLP what
	 * is for fewer. */
	struct misp_list refs[STIX_TLP_RED + 1];
	struct misp_map
		targets; /* 16 bytes of a MISP uuid -> id of the object that stands for it */
	struct misp_map galaxies;               /* tag name -> id */
	struct misp_list references;            /* JSON of the report's external references */
	struct misp_tags tags[MISP_TAGS_COUNT]; /* too large for every stack and attribute */
	struct misp_loss losses[MISP_LOSSES_MAX];
	size_t losses_count;
	bool rows_lost; /* row numbers of the sending database */
};

/* Count a field that has no place. */
void misp_lose(struct misp *m, const char *structure, struct slice field, struct slice uuid);
void misp_lose_tell(struct misp *m);
/* Go through the members of v and count all that are neither taken nor empty
 * (import_misp_fields.c). */
void misp_lose_rest(struct misp *m, const char *structure, struct json_value v, struct slice uuid);

/* What every object made of an event begins and ends with. */
struct misp_head {
	const char *type;
	struct uuid uuid;
	int64_t created_us, modified_us;
	enum stix_tlp tlp;
	const struct slice *labels;
	size_t labels_count;
};
/* Clears m->out, opens the object and writes up to "modified". */
void misp_begin(struct misp *m, struct json_writer *w, const struct misp_head *head);
/* Writes labels and marking, closes, emits, and adds it to the report. *ret_id lives in the arena;
 * it is empty when the object was too long and was refused. */
enum err_kind misp_end(struct misp *m, struct json_writer *w, const struct misp_head *head,
	struct slice *ret_id, struct err *e) MUST_USE;
/* Emit m->out, which is a whole object of that id and marking, and have the report refer to it. */
enum err_kind misp_emit(struct misp *m, struct slice id, enum stix_tlp tlp, struct err *e) MUST_USE;
enum err_kind misp_refer(
	struct misp *m, struct slice id, enum stix_tlp tlp, struct err *e) MUST_USE;
/* "type--uuid" in the arena. */
struct slice misp_id(struct misp *m, const char *type, const struct uuid *uuid);
enum err_kind misp_nomem(struct err *e);

/* A relationship between two ids; its uuid is a hash of all three unless one is given. */
enum err_kind misp_relate(struct misp *m, const struct uuid *uuid, struct slice type,
	struct slice source, struct slice target, const struct misp_head *like,
	struct slice description, struct err *e) MUST_USE;
/* A note about `about` (one id). abstract may be empty. */
enum err_kind misp_note(struct misp *m, const struct misp_head *head, struct slice abstract,
	struct slice content, struct slice about, struct slice *ret_id, struct err *e) MUST_USE;

/* An organisation, as an identity, unless it is here. One without a UUID is known by its name, one
 * without that (org.doc NULL: there is none) by the name of what is read. */
enum err_kind misp_identity(
	struct misp *m, struct json_value org, struct uuid *ret_uuid, struct err *e) MUST_USE;

/* ---- tags, TLP, galaxies (import_misp_tags.c) ----------------------------------------------- */

void misp_label(struct misp *m, struct misp_tags *tags, struct slice label);
/* Reads "Tag" and "Galaxy" of v. tlp_of_event: how clusters that are not public are marked. */
enum err_kind misp_tags_read(
	struct misp *m, struct json_value v, struct misp_tags *ret_tags, struct err *e) MUST_USE;
/* Emits what the galaxies stand for; fills tags->galaxies. */
enum err_kind misp_galaxies(struct misp *m, struct json_value v, struct misp_tags *tags,
	enum stix_tlp tlp, struct err *e) MUST_USE;
/* The marking of what has these tags and this distribution, inside of something of `outer`. */
enum stix_tlp misp_marking(struct misp *m, const char *structure, enum stix_tlp tagged,
	int64_t distribution, enum stix_tlp outer);

/* ---- attributes and objects ----------------------------------------------------------------- */

/* How a value stands in an observable. */
enum misp_shape {
	MISP_VALUE,  /* an observable of its own */
	MISP_STRING, /* a property */
	MISP_INTEGER,
	MISP_HASH, /* in "hashes" */
	MISP_REF,  /* a property that refers to an observable made of the value */
	MISP_REFS,
	MISP_HEADER, /* of an e-mail */
	MISP_DATA,   /* of a registry value */
	MISP_PATTERN /* only in patterns: no observable has it without inventing the rest */
};

/* One row: where a kind of value stands in an observable, and with that in a pattern. */
struct misp_field {
	const char *name;     /* by which the tables of attributes and objects call it */
	const char *type;     /* of observable; NULL: ipv4-addr or ipv6-addr */
	const char *property; /* MISP_PATTERN: the whole path behind "type:" */
	enum misp_shape shape;
	const char *kind; /* of import_kind_find, to check and normalise; NULL: text */
	bool strong;      /* alone enough to recognise the thing: joined by OR, the others by AND */
};
const struct misp_field *misp_field_find(const char *name);

enum misp_use {
	MISP_USE_FIELDS, /* indicator or observables */
	MISP_USE_RULE,   /* indicator whose pattern is the value, of pattern_type `a` */
	MISP_USE_VULNERABILITY,
	MISP_USE_REFERENCE, /* external reference of the report */
	MISP_USE_NOTE
};

/* One row per MISP attribute type. */
struct misp_type {
	const char *type;
	enum misp_use use;
	const char *a, *b;   /* fields of the value, or of its two parts around '|' */
	const char *account; /* account_type of an account; NULL: none */
};
/* Types that are not in the table are notes. */
const struct misp_type *misp_type_find(struct slice type);

/* One value in its place. */
struct misp_fact {
	const struct misp_field *field;
	struct slice text; /* normalised */
	struct slice term; /* of a pattern; empty: none */
	bool to_ids;
	bool in_pattern, in_observable;
};

/* Check, normalise; false: the value is not what its type says. */
bool misp_fact_make(struct misp *m, const struct misp_field *field, struct slice text, bool to_ids,
	struct misp_fact *ret_fact);
/* The pattern of all that are for detection; empty when there is none. Sets in_pattern. */
enum err_kind misp_facts_pattern(struct misp *m, struct misp_fact *facts, size_t count,
	struct slice *ret_pattern, struct err *e) MUST_USE;
/* Emits the observables; ids in the arena. Sets in_observable. artifact: id of a file's content, or
 * empty. */
enum err_kind misp_facts_observables(struct misp *m, struct misp_fact *facts, size_t count,
	enum stix_tlp tlp, struct slice artifact, struct misp_list *ids, struct err *e) MUST_USE;
/* "resolves-to" for each name and address among them. */
enum err_kind misp_facts_resolve(struct misp *m, const struct misp_fact *facts, size_t count,
	const struct misp_head *like, struct err *e) MUST_USE;

/* What an attribute and an object have in common once their values are facts. */
struct misp_unit {
	struct uuid uuid;
	int64_t created_us, modified_us, first_us, last_us;
	enum stix_tlp tlp;
	struct misp_tags *tags;
	struct slice name, comment;
	struct slice artifact; /* id of content that came with it */
	struct misp_fact *facts;
	size_t facts_count;
	int64_t valid_until_us; /* an expiration sighting */
};
/* Emits indicator, observed-data and what belongs to them. *ret_id: what stands for the unit; empty
 * when nothing came of it. */
enum err_kind misp_unit_emit(
	struct misp *m, const struct misp_unit *unit, struct slice *ret_id, struct err *e) MUST_USE;

/* The times and marking of an attribute or object. */
void misp_unit_read(struct misp *m, const char *structure, struct json_value v, enum stix_tlp outer,
	struct misp_unit *unit);
/* Content in "data": an artifact. *ret_id empty: none, or too long (which is told). */
enum err_kind misp_artifact(struct misp *m, struct json_value attribute, bool sample,
	enum stix_tlp tlp, struct slice *ret_id, struct err *e) MUST_USE;
/* Has it tags, sightings or a distribution of its own, so that it cannot melt into something? */
bool misp_carries_more(struct json_value attribute);
enum err_kind misp_attribute(
	struct misp *m, struct json_value attribute, enum stix_tlp outer, struct err *e) MUST_USE;
enum err_kind misp_sightings(struct misp *m, struct json_value attribute, struct slice target,
	const struct misp_head *like, struct err *e) MUST_USE;
enum err_kind misp_object(struct misp *m, struct json_value object, struct err *e) MUST_USE;
/* Once every object is there: its references. */
enum err_kind misp_object_references(
	struct misp *m, struct json_value object, struct err *e) MUST_USE;

/* ---- documents ------------------------------------------------------------------------------ */

/* For each object of the list of that name. */
enum err_kind misp_each(struct misp *m, struct json_value v, const char *name,
	enum err_kind (*one)(struct misp *m, struct json_value item, struct err *e),
	struct err *e) MUST_USE;
enum err_kind misp_event(
	struct misp *m, struct json_value event, struct slice document, struct err *e) MUST_USE;

enum err_kind misp_init(struct misp *m, struct import_job *job, struct err *e) MUST_USE;
void misp_fini(struct misp *m);
/* Forget the event before. */
void misp_reset(struct misp *m);
/* Read what job->in and job->head hold. */
enum err_kind misp_read(struct misp *m, struct err *e) MUST_USE;

#endif
