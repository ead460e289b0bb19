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
	enum err_kind (*emit)(
		void *context, struct slice object, const struct intel_place *place, struct err *e);
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
	struct input *in;  /* NULL for a folder */
	struct slice head; /* the first bytes, read ahead for recognition and still to be read: */
	struct import_sink *sink;
	uint64_t folder_read, folder_total; /* bytes of a folder's files, for progress */
	unsigned tlps_emitted;              /* bit per enum stix_tlp */
};

/* Read on: first what is left of job->head, then the input (which may be NULL). */
enum err_kind import_read(
	struct import_job *job, void *to, size_t bytes, size_t *ret_len, struct err *e) MUST_USE;
/* The whole rest, at most JSON_DOCUMENT_MAX bytes. */
enum err_kind import_read_all(
	struct import_job *job, struct buf *ret_bytes, struct err *e) MUST_USE;

#define IMPORT_HEAD_BYTES  KIB(64)  /* looked at to recognise a format */
#define IMPORT_CHUNK_BYTES KIB(256) /* read at a time; large enough that calls do not show */

struct importer {
	struct intel_format format;
	/* 0: not mine; higher is surer. head is the beginning of the file, name its name. */
	int (*recognise)(struct slice head, const char *name);
	enum err_kind (*run)(struct import_job *job, struct err *e);
};

/* ---- reading a stream of JSON elements ------------------------------------------------------ */

struct import_elements {
	size_t element_max; /* bytes of one */
	/*
	 * Bytes at the beginning of the stream that are no part of the array to be read, such as
	 * `{"response":`, and how many '}' at the end belong to them. They are read as blanks, so
	 * that offsets and lines stay true.
	 */
	size_t skip;
	unsigned closers;
	enum err_kind (*object)(void *context, const struct json_item *item, struct err *e);
	/* The members of a bundle or envelope other than "objects"; may be NULL. */
	enum err_kind (*envelope)(void *context, struct slice members, struct err *e);
	void *context;
};

/* What the splitter cannot hand out is refused through the sink; ERR_PARSE when the stream breaks.
 */
enum err_kind import_elements_run(
	struct import_job *job, const struct import_elements *elements, struct err *e) MUST_USE;

static inline struct intel_place import_place(const struct json_item *item)
{
	return (struct intel_place){item->offset, item->line, item->index};
}

/* ---- looking at the beginning of a JSON text ------------------------------------------------ */

/*
 * Calls `member` for each member name met before the head ends, with its string value (empty when
 * it is none) and the path of the containers around it: one letter each, 'o' an object, 'a' an
 * array, "oa" for {"objects":[..]}. Nothing is checked: it only helps to guess.
 */
void import_head_members(struct slice head,
	void (*member)(void *context, const char *path, struct slice name, struct slice value),
	void *context);
/* First byte that is no white space; 0 when there is none. */
char import_head_first(struct slice head);

/* ---- reading lines --------------------------------------------------------------------------- */

#define IMPORT_LINE_MAX KIB(64) /* bytes of a line of text; longer ones are refused, not kept */

struct import_lines {
	struct import_job *job;
	char *buffer; /* IMPORT_LINE_MAX + 1 */
	size_t from, to;
	uint64_t offset; /* of buffer[from] */
	uint64_t line;
	bool over;
};

enum import_line { IMPORT_LINE, IMPORT_LINE_TOO_LONG, IMPORT_LINES_END };

enum err_kind import_lines_init(
	struct import_lines *l, struct import_job *job, struct err *e) MUST_USE;
void import_lines_fini(struct import_lines *l);
/* The next line without its end (LF or CR LF), valid until the next call; place.index is 0. */
enum err_kind import_lines_next(struct import_lines *l, enum import_line *ret_what,
	struct slice *ret_line, struct intel_place *ret_place, struct err *e) MUST_USE;

/* ---- what converters share ------------------------------------------------------------------- */

/*
 * The namespace of the identifiers Serai makes for converted objects that bring none. Not the
 * standard's: STIX 2.1 section 2.9 keeps that for observables.
 */
extern const struct uuid import_namespace;
#define IMPORT_NAME_MAX 250 /* bytes of a source's name; the rest is cut */
/* The name given, or that of the file without its folder and packing. */
struct slice import_source_name(const struct intel_import *options);

/* The same parts in the same order give the same UUID; no two lists of parts share an input. */
void import_uuid(const struct slice *parts, size_t count, struct uuid *ret_uuid);

/* The TLP 2.0 marking-definition of a level; false for NONE. */
bool import_tlp_uuid(enum stix_tlp tlp, struct uuid *ret_uuid);
/* Emit the marking-definition object itself, once, unless it is here. */
enum err_kind import_tlp_emit(struct import_job *job, enum stix_tlp tlp,
	const struct intel_place *place, struct err *e) MUST_USE;

/* A parsed value written again: the same members in the same order. */
void import_write_value(struct json_writer *w, struct json_value value);
/* Name and "type--uuid". */
void import_member_id(
	struct json_writer *w, const char *name, struct slice type, const struct uuid *uuid);
/* "object_marking_refs" with that TLP; nothing for NONE. */
void import_member_tlp(struct json_writer *w, enum stix_tlp tlp);

/*
 * The id of an observable. body is an object as a json_writer wrote it whose first member is "type"
 * and which has neither id nor spec_version nor markings.
 *
 * Without markings the id is the standard's (STIX 2.1 section 2.9). With markings it is one of our
 * own over the standard's and the markings: an observable has no versions, so the same address out
 * of a RED and of a CLEAR report would otherwise be two contents under one id, of which only one
 * can be kept, too open for the one or too closed for the other.
 * `unique` names an observable that has no deterministic id (a process): what it was part of.
 */
enum err_kind import_observable_id(struct json_parser *p, struct slice body, struct slice unique,
	const struct uuid *markings, size_t markings_count, struct uuid *ret_uuid,
	struct err *e) MUST_USE;
/* Append the whole object: such a body with its id and its markings. */
void import_observable_append(struct buf *out, struct slice body, const struct uuid *uuid,
	const struct uuid *markings, size_t markings_count);

/* Seconds since 1970, RFC 3339 with any offset, "YYYY-MM-DD" or "YYYY-MM-DD hh:mm:ss" (UTC). False:
 * none of these, or a year outside 1 to 9999. */
bool import_time(struct slice text, int64_t *ret_us);

/* lose() with a formatted text. */
void import_lose(struct import_job *job, const struct intel_place *place, const char *format, ...)
	PRINTF(3, 4);
/* refuse() with a formatted text. */
enum err_kind import_refuse(struct import_job *job, const struct intel_place *place,
	struct slice id, struct err *e, const char *format, ...) PRINTF(5, 6);

/* By name; NULL when there is none. The k-th, for lists; NULL past the end. */
const struct importer *import_find(const char *format);
const struct intel_format *import_format(size_t k);

/* import_stix.c, import_stix20.c, import_misp.c, import_zeek.c, import_list.c */
extern const struct importer import_stix;
extern const struct importer import_stix20;
extern const struct importer import_misp;
extern const struct importer import_misp_feed;
extern const struct importer import_zeek;
extern const struct importer import_csv;
extern const struct importer import_list;

#endif
