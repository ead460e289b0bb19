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

#define HUNT_SEGMENT_RECORDS 1000000 /* a segment ends here, or with its file */
/* Different values of one segment, give or take those of one field. With seven eighths of them it
 * may end early, with all of them it does. Gathering them takes 64 MB at the most, making the
 * filters 130 MB more for a moment. */
#define HUNT_KEYS_MAX   UINT32_C(4000000)
#define HUNT_VALUES_MAX UINT32_C(20000000) /* of one question; 48 bytes and the value each */

/* ---- writing --------------------------------------------------------------------------------- */

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

/* ---- asking ---------------------------------------------------------------------------------- */

struct hunt_segment {
	const char *path; /* of the log, where it is now; "" when the filter does not tell it */
	const char *format;
	uint64_t first_record, records; /* numbers of lines or frames that are covered */
	uint64_t offset, bytes;         /* of the unpacked source */
	int64_t first_us, last_us;      /* TIME_UNKNOWN when the log has no times */
	bool gone;                      /* the log is no longer there or is another file */
	/* The filter cannot be asked: cut off, altered, of a later version or under another key.
	 * Whether the log holds a value is unknown; found is called with 0 values. */
	bool damaged;
	const char *why;    /* it is damaged, or "" */
	const char *filter; /* the filter's file, in the folder */
};

struct hunt_question; /* values sought, hashed once */
struct hunt_question *hunt_question_new(void) MUST_USE;
void hunt_question_free(struct hunt_question *q);
/*
 * ERR_INVALID: no such value, or a name of one label (that would be found as a whole only).
 * A network is asked by what segments keep of addresses: IPv4 from /24 on by its addresses, else by
 * the /16 around it or those inside; IPv6 by its addresses from /120 on, else by the /64, /48 and
 * /32. One wider than an IPv4 /8 or an IPv6 /24 names every segment.
 */
enum err_kind hunt_question_value(
	struct hunt_question *q, enum field_kind kind, struct slice text, struct err *e) MUST_USE;
/* All values of an index; patterns are not asked. */
enum err_kind hunt_question_index(
	struct hunt_question *q, const struct index *x, struct err *e) MUST_USE;
size_t hunt_question_count(const struct hunt_question *q);

/*
 * Every segment of the folder that can hold one of them, oldest first, with how many it can hold;
 * and every damaged one. A segment that holds a value is always named; one that does not, once in
 * 65,536 values; but for a name below another that it does hold (a.site.example when site.example
 * is there), once in 4,096. Of a filter only what the question needs is read and checked. found
 * returns false to stop. progress (bytes of filters) may be NULL.
 */
enum err_kind hunt_ask(const char *folder, const struct hunt_question *q,
	bool (*found)(void *context, const struct hunt_segment *segment, size_t values),
	void (*progress)(void *context, uint64_t done, uint64_t total), void *context,
	struct err *e) MUST_USE;

struct hunt_totals {
	uint64_t segments, records, log_bytes, filter_bytes, damaged;
	int64_t first_us, last_us;
};
/* From the heads of all files: a filter whose cells were altered is only found by asking. */
enum err_kind hunt_totals(
	const char *folder, struct hunt_totals *ret_totals, struct err *e) MUST_USE;
/* Forget segments whose logs ended before then; without times (and of damaged files) the time of
 * the file itself counts. What writers that were killed left behind goes with them. */
enum err_kind hunt_prune(
	const char *folder, int64_t before_us, uint64_t *ret_removed, struct err *e) MUST_USE;

#endif
