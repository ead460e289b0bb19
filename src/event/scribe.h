/* SPDX-License-Identifier: MPL-2.0 */
/* Inside event_stix: one event on its way into a JSON array of observables. */
#ifndef SCRIBE_H
#define SCRIBE_H

#include "event.h"
#include "stix/stix.h"
#include "json/json.h"

struct scribe {
	const struct event *e;
	uint64_t roles;
	struct arena *arena;
	struct buf *out;
	struct json_writer w;
	struct buf said;  /* the value at hand */
	struct buf canon; /* contributing properties of the object at hand */
	struct buf uuids; /* of struct uuid: what is written already */
};

/* Is the field's role among those that may be said? */
bool scribe_wanted(const struct scribe *s, const struct event_field *f);
/* First field of the role that says something; then s->said holds it. */
enum event_said scribe_say(struct scribe *s, enum event_role role);
bool scribe_has(const struct scribe *s, enum event_role role);

/* One more contributing property of the object at hand, in the order of RFC 8785. */
void scribe_canon(struct scribe *s, const char *name); /* its value is appended to s->canon */
void scribe_canon_string(struct scribe *s, const char *name, struct slice value);
void scribe_canon_raw(struct scribe *s, const char *name, struct slice json);
/* The id for s->canon, which is used up; *ret_new is false when that object is written already. */
struct slice scribe_id(struct scribe *s, const char *type, bool random, bool *ret_new);
/* Type, spec_version and id; the caller writes the rest and ends the object. */
void scribe_open(struct scribe *s, const char *type, struct slice id);
/* An observable that is one string; returns its id. */
struct slice scribe_string(
	struct scribe *s, const char *type, const char *property, struct slice value);
/* What s->said holds, as an address or a name; empty when it is neither. */
struct slice scribe_said(struct scribe *s, enum event_said said);
struct slice scribe_first(struct scribe *s, enum event_role role); /* of the role's first value */
/* A list of ids as JSON in *out. */
void scribe_refs(struct buf *out, struct slice id);

/* ---- objects --------------------------------------------------------------------------------- */

void event_put_query(struct scribe *s);
/* network-traffic; *ret_id: its id, empty when the event tells of none. */
void event_put_traffic(struct scribe *s, struct slice *ret_id);
void event_put_files(struct scribe *s);
void event_put_certificates(struct scribe *s);
void event_put_process(struct scribe *s);

#endif
