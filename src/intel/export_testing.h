/* SPDX-License-Identifier: MPL-2.0 */
/* What the tests of exporters share: a few objects in memory instead of a store, and what came out.
 */
#ifndef EXPORT_TESTING_H
#define EXPORT_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "export.h"

#define TESTING_NOW_US    INT64_C(1767225600000000) /* 2026-01-01T00:00:00Z */
#define TESTING_FILES_MAX 16

struct testing {
	const char *const *objects; /* ends in NULL */
	const char *original;       /* a MISP event and the key it is found under; NULL: none */
	const char *original_key;
	struct world_fake world;
	struct {
		char name[64];
		struct buf text;
	} files[TESTING_FILES_MAX];
	size_t files_count;
	struct buf losses; /* "id: what\n" */
	uint64_t records;
};

/* Run an exporter over the objects; gives its result. options->format is not looked at. */
enum err_kind testing_run(struct testing *t, const struct exporter *exporter,
	const struct intel_export *options, struct err *e);
void testing_clear(struct testing *t);
/* The text of a file, "" for the only one of a format that is no folder; NULL: not there. */
const char *testing_file(struct testing *t, const char *name);
bool testing_lost(struct testing *t, const char *text);

#endif
