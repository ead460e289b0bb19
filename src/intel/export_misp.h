/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Inside the MISP exporter. A report or grouping becomes an event of what it refers to; what no
 * report refers to is gathered in events by its creator. An event that was imported and has not
 * changed since is given back as it came.
 */
#ifndef EXPORT_MISP_H
#define EXPORT_MISP_H

#include "export_value.h"

#define MISP_EVENT_MEMBERS_MAX 10000 /* of a gathered event; larger ones are slow in MISP */

/* ---- maps (export_misp_map.c) ---------------------------------------------------------------- */

/* Objects by type and uuid, numbered from 0 in the order in which they came. */
struct misp_key {
	struct uuid uuid;
	uint16_t type; /* number in the map's list of types */
};
struct misp_ids {
	struct misp_key *keys;
	size_t count, room;
	uint32_t *slots; /* number + 1; 0 is empty */
	size_t capacity;
	char **types;
	size_t types_count;
	uint8_t seed[16];
};
#define MISP_TYPES_MAX 4096 /* different types of objects in one export */
/* False: out of memory, or too many types. */
bool misp_ids_add(struct misp_ids *ids, struct slice type, const struct uuid *uuid,
	size_t *ret_number, bool *ret_new);
bool misp_ids_find(
	const struct misp_ids *ids, struct slice type, const struct uuid *uuid, size_t *ret_number);
struct slice misp_ids_type(const struct misp_ids *ids, size_t number);
void misp_ids_clear(struct misp_ids *ids);
void misp_ids_fini(struct misp_ids *ids);

/* ---- an event on its way out (export_misp_event.c) ------------------------------------------- */

/* What is known of a member besides itself. */
struct misp_member {
	int64_t first_us, last_us; /* from an observed-data; INT64_MIN: none */
	uint32_t sighting;         /* number + 1 of the first, a chain; 0: none */
};

struct misp_sighting {
	uint32_t next;   /* number + 1 */
	size_t from, to; /* JSON in sightings_text */
};

struct misp_event {
	struct uuid uuid;
	char id[STIX_ID_MAX + 1]; /* of the report, for losses; "" when gathered */
	bool gathered;            /* of what no report refers to */
	int64_t date_us, timestamp_us, published_us; /* published INT64_MIN: not */
	enum stix_tlp tlp;
	int threat_level, analysis;
	struct uuid creator;
	bool has_creator;
	struct buf info, orgc, description;
	struct buf tags, attributes, objects,
		reports; /* elements of the arrays, with commas between */
	size_t attributes_count;
	struct export_seen tag_names;

	struct misp_ids members;
	struct misp_member *facts;
	size_t facts_room;
	struct misp_sighting *sightings;
	size_t sightings_count, sightings_room;
	struct buf sightings_text;
};

struct misp_state;

void misp_event_init(struct misp_event *ev, const struct world *world);
void misp_event_fini(struct misp_event *ev);
enum err_kind misp_event_member(struct misp_event *ev, struct slice type, const struct uuid *uuid,
	int64_t first_us, int64_t last_us, struct err *e) MUST_USE;
/* All members, in their order; then the event as JSON into *out: {"Event":{..}}. Nothing is written
 * when it is gathered and nothing had a place in it. */
enum err_kind misp_event_build(
	struct misp_state *s, struct misp_event *ev, struct buf *out, struct err *e) MUST_USE;

/* ---- attributes (export_misp_attribute.c) --------------------------------------------------- */

struct misp_attribute {
	const char *type;
	const char *category;
	const char *relation; /* object_relation inside of a MISP object; NULL: none */
	struct slice value;
	struct slice comment;
	bool to_ids;
	struct uuid uuid;
	int64_t timestamp_us, first_us, last_us; /* INT64_MIN: none */
	enum stix_tlp tlp;
	struct json_value labels; /* .doc NULL: none */
	int confidence;           /* -1: none */
	struct slice sightings;   /* JSON array or empty */
};

/* The MISP type and category of a value; NULL when MISP has none for it. */
bool misp_type_of(const struct stix_value *v, const char **ret_type, const char **ret_category);
/* Append to a list of attributes and count its value for hashes.csv. */
void misp_attribute_write(struct misp_state *s, struct misp_event *ev, struct buf *list,
	const struct misp_attribute *a);
/* Import keeps a type and category as labels: the X of misp:FIELD="X"; empty when it is none. */
struct slice misp_own_label(struct slice label, const char *field);
/* Append {"name":..} unless it is there. */
void misp_tag(struct misp_event *ev, struct slice name);
/* The distribution that lets an event go no further than its TLP. */
const char *misp_distribution(enum stix_tlp tlp);

/* ---- objects (export_misp_object.c) --------------------------------------------------------- */

/* Put one member into the event; what has no place is told. */
enum err_kind misp_convert(struct misp_state *s, struct misp_event *ev,
	const struct export_object *o, const struct misp_member *facts, struct err *e) MUST_USE;
/* Those that speak about other members: observed-data and sightings; others are left alone. */
enum err_kind misp_convert_before(struct misp_state *s, struct misp_event *ev,
	const struct export_object *o, struct err *e) MUST_USE;

/* ---- the exporter (export_misp.c) ----------------------------------------------------------- */

struct misp_state {
	struct export_job *job;
	struct json_parser *parser, *documents;
	struct stix_report report; /* for facts */
	struct misp_ids ids;       /* everything that came */
	int64_t *modified_us;
	bool *done;
	size_t room;
	struct buf manifest;   /* feed: members */
	uint8_t (*hashes)[32]; /* feed: md5 of a value, uuid of its event */
	size_t hashes_count, hashes_room;
	struct json_doc document; /* of the last load */
	size_t events;
	bool feed;
	bool failed;       /* out of memory where nothing can be returned */
	struct uuid event; /* that is being written, for hashes */
	struct buf out;
};

/* Look up, parse and read an object; *ret_found false: not here, or not for this recipient. */
enum err_kind misp_load(struct misp_state *s, struct slice type, const struct uuid *uuid,
	struct export_object *ret_object, bool *ret_found, struct err *e) MUST_USE;
/* It has its place: it needs no event of its own. */
void misp_cover(struct misp_state *s, const struct stix_id *id);
void misp_hash_add(struct misp_state *s, struct slice type, struct slice value);
/* The namespace of UUIDs that MISP needs and STIX has not. */
extern const struct uuid misp_namespace;
void misp_uuid_of(struct slice a, struct slice b, struct uuid *ret_uuid);

#endif
