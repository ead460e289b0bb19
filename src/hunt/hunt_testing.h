/* SPDX-License-Identifier: MPL-2.0 */
/* What the tests of history share: a folder for each, batches filled by hand, questions asked. */
#ifndef HUNT_TESTING_H
#define HUNT_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hunt.h"

#define NOW INT64_C(1795392000000000) /* 2026-11-23 */

/* ---- a folder for each test ------------------------------------------------------------------ */

struct site {
	char folder[64];
	char history[80];
	char log[80];
	struct world_fake world;
};

/* For cmocka: *state is the site. */
int site_setup(void **state);
int site_teardown(void **state);
/* With all that is in it. */
void folder_remove(const char *path);
void file_put(const char *path, const char *text);

/* ---- batches by hand ------------------------------------------------------------------------- */

struct filler {
	struct batch batch;
	struct column columns[FIELD_KINDS * 2];
	char bytes[KIB(64)];
	size_t used;
	uint64_t number, offset;
	int64_t time_us;
};

/* Has two columns of each kind: as text, and FIELD_KINDS further on as bytes. free(). */
struct filler *filler_new(void);
void record_add(struct filler *f);
/* Of the record that was added last. */
void field_add(struct filler *f, unsigned column, struct slice value);
/* What was added goes to the writer, and is gone. */
void flush(struct filler *f, struct hunt_writer *w);
/* Over the site's history, reading its log. */
struct hunt_writer *writer(struct site *s);
void finish(struct hunt_writer *w);
/* A segment with one record that holds one value. */
void segment_put(struct site *s, unsigned column, const char *value, int64_t time_us);

/* ---- asking ---------------------------------------------------------------------------------- */

struct answer {
	size_t segments, values, damaged, gone;
	char path[256], why[256];
	struct hunt_segment last;
	int64_t times[16];
	uint64_t done, total;
};

bool on_segment(void *context, const struct hunt_segment *segment, size_t values);
void on_progress(void *context, uint64_t done, uint64_t total);
struct answer ask(struct site *s, const struct hunt_question *q);
struct answer ask_one(struct site *s, enum field_kind kind, const char *value);

#endif
