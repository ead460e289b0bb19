/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What an importer is: it reads one foreign format and emits STIX objects as bytes into a sink. The
 * sink checks and keeps them (import.c: an intake), or collects them (tests, fuzzing).
 */
#ifndef IMPORT_H
#define IMPORT_H

#include "intel.h"

struct import_sink {
	/* Keep one object. An error ends the import. */
	enum err_kind (*emit)(void *context, struct slice object, const struct intel_place *place,
		struct err *e);
	/* An element that is nothing we can read: told, counted as refused, the import goes on. */
	enum err_kind (*refuse)(void *context, const struct intel_place *place, struct slice id,
		struct slice why, struct err *e);
	/* Something of the source that has no place in STIX. */
	void (*lose)(void *context, const struct intel_place *place, struct slice what);
	/* Is some version of this id here already? A list read twice makes no second versions. */
	bool (*known)(void *context, struct slice type, const struct uuid *uuid);
	/* Keep a foreign document as it came (MISP events), so that export can give it back. */
	enum err_kind (*original)(void *context, struct slice kind, struct slice key,
		struct slice body, struct err *e);
	/* Now and then; false: stop cleanly. */
	bool (*go_on)(void *context);
	void *context;
};

struct import_job {
	const struct intel_import *options; /* format, mapping, kind, name, tlp, confidence, path */
	const struct world *world;
	struct input *in; /* NULL for a folder */
	struct slice head; /* the first bytes, read ahead for recognition and still to be read: */
	struct import_sink *sink;
};

/* Read on: first what is left of job->head, then the input. */
enum err_kind import_read(struct import_job *job, void *to, size_t bytes, size_t *ret_len,
	struct err *e) MUST_USE;
/* The whole rest, at most JSON_DOCUMENT_MAX bytes. */
enum err_kind import_read_all(struct import_job *job, struct buf *ret_bytes, struct err *e) MUST_USE;

#define IMPORT_HEAD_BYTES KIB(64) /* looked at to recognise a format */

struct importer {
	struct intel_format format;
	/* 0: not mine; higher is surer. head is the beginning of the file, name its name. */
	int (*recognise)(struct slice head, const char *name);
	enum err_kind (*run)(struct import_job *job, struct err *e);
};

/* import_stix.c, import_stix20.c, import_misp.c, import_zeek.c, import_list.c */
extern const struct importer import_stix;
extern const struct importer import_stix20;
extern const struct importer import_misp;
extern const struct importer import_misp_feed;
extern const struct importer import_zeek;
extern const struct importer import_csv;
extern const struct importer import_list;

#endif
