/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What an exporter is: it gets released objects one by one and writes a foreign format, telling
 * everything that has no place there.
 */
#ifndef EXPORT_H
#define EXPORT_H

#include "intel.h"

struct export_out {
	/* Append to the current file. */
	enum err_kind (*write)(void *context, struct slice bytes, struct err *e);
	/* For folder formats: end the current file and begin this one (a plain name, no '/'). */
	enum err_kind (*file)(void *context, const char *name, struct err *e);
	void (*lose)(void *context, struct slice id, struct slice what);
	/* The newest version of a referenced object, if the recipient may have it. In `a`. */
	bool (*lookup)(void *context, struct slice type, const struct uuid *uuid, struct arena *a,
		struct slice *ret_object);
	/* A foreign document kept at import ("misp-event", its uuid), if its objects are released.
	 */
	bool (*original)(void *context, struct slice kind, struct slice key, struct buf *ret_body);
	void *context;
};

struct export_object {
	struct slice bytes; /* exact */
	struct json_value value;
	struct stix_facts facts;
};

struct export_job {
	const struct intel_export *options;
	const struct world *world;
	const struct export_out *out;
	struct arena *arena; /* for one object; reset between */
	uint64_t records;    /* the exporter counts what it writes */
	void *state;         /* the exporter's own */
};

struct exporter {
	struct intel_format format;
	enum err_kind (*begin)(struct export_job *job, struct err *e);
	enum err_kind (*object)(
		struct export_job *job, const struct export_object *object, struct err *e);
	enum err_kind (*end)(struct export_job *job, struct err *e); /* writes the rest */
	void (*free)(struct export_job *job); /* always called; state may be NULL */
};

/* By name; NULL: no such format. By number; NULL past the last. (export.c) */
const struct exporter *export_find(const char *format);
const struct intel_format *export_format(size_t number);

/* export_stix.c, export_misp.c, export_csv.c, export_zeek.c, export_list.c, export_suricata.c,
 * export_rpz.c */
extern const struct exporter export_stix;
extern const struct exporter export_ndjson;
extern const struct exporter export_misp;
extern const struct exporter export_misp_feed;
extern const struct exporter export_csv;
extern const struct exporter export_zeek;
extern const struct exporter export_list;
extern const struct exporter export_suricata;
extern const struct exporter export_rpz;

#endif
