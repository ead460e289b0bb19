/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The history of a site: for each segment of log a filter of all values in it, so that "was this
 * ever seen" is answered for a year in seconds, and only the segments that can hold it are read
 * again.
 */
#ifndef HUNT_H
#define HUNT_H

#include "base/base.h"
#include "event/event.h"
#include "index/index.h"

#define HUNT_SEGMENT_RECORDS 1000000            /* a segment ends here, or with its file */
#define HUNT_KEYS_MAX        UINT32_C(64000000) /* distinct values of one segment */

/* ---- writing
 * -------------------------------------------------------------------------------------- */

struct hunt_writer;
/* folder: where filters are kept, made when missing. Files are written beside and renamed. */
enum err_kind hunt_writer_open(const char *folder, const struct world *world,
	struct hunt_writer **ret_writer, struct err *e) MUST_USE;
/* What follows comes from this file (a path that will still name it after rotation, if any; its
 * device, inode and size tell whether it is still the same). */
enum err_kind hunt_writer_source(
	struct hunt_writer *w, const char *path, const char *format, struct err *e) MUST_USE;
/* Values of every matched role, of every record. False: no memory or disk; the error is kept for
 * finish. */
bool hunt_writer_batch(struct hunt_writer *w, const struct batch *batch);
/* End the segment and write its filter; nothing when empty. */
enum err_kind hunt_writer_finish(struct hunt_writer *w, struct err *e) MUST_USE;
void hunt_writer_free(struct hunt_writer *w); /* without finish: the open segment is not written */

/* ---- asking
 * --------------------------------------------------------------------------------------- */

struct hunt_segment {
	const char *path; /* of the log */
	const char *format;
	uint64_t first_record, records; /* lines or frames */
	uint64_t offset, bytes;         /* of the unpacked source */
	int64_t first_us, last_us;      /* TIME_UNKNOWN when the log has no times */
	bool gone;                      /* the log is no longer there or is another file */
};

struct hunt_question; /* values sought, hashed once */
struct hunt_question *hunt_question_new(void) MUST_USE;
void hunt_question_free(struct hunt_question *q);
/* ERR_INVALID: no such value. A network asks for... see docs/hunt.md. */
enum err_kind hunt_question_value(
	struct hunt_question *q, enum field_kind kind, struct slice text, struct err *e) MUST_USE;
enum err_kind hunt_question_index(
	struct hunt_question *q, const struct index *x, struct err *e) MUST_USE;

/* Every segment of the folder that can hold one of them, oldest first. progress may be NULL. */
enum err_kind hunt_ask(const char *folder, const struct hunt_question *q,
	bool (*found)(void *context, const struct hunt_segment *segment, size_t values),
	void (*progress)(void *context, uint64_t done, uint64_t total), void *context,
	struct err *e) MUST_USE;

struct hunt_totals {
	uint64_t segments, records, log_bytes, filter_bytes, damaged;
	int64_t first_us, last_us;
};
enum err_kind hunt_totals(
	const char *folder, struct hunt_totals *ret_totals, struct err *e) MUST_USE;
/* Forget segments whose logs ended before then. */
enum err_kind hunt_prune(
	const char *folder, int64_t before_us, uint64_t *ret_removed, struct err *e) MUST_USE;

#endif
