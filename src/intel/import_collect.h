/* SPDX-License-Identifier: MPL-2.0 */
/* For tests and fuzzing: a sink that keeps what an importer emits, and checks it. */
#ifndef IMPORT_COLLECT_H
#define IMPORT_COLLECT_H

#include "import.h"

struct collect_id {
	char text[STIX_ID_MAX + 1];
};

struct collect {
	struct import_sink sink;
	struct world_fake world;
	struct json_parser *parser;
	struct stix_report report;
	bool exact;      /* objects come as they are, valid or not: they are not checked */
	bool parse_only; /* what is wrong with them may have been wrong before */

	struct buf objects;  /* one a line */
	struct buf refusals; /* "LINE: WHY" each, one a line */
	struct buf losses;
	struct buf faults;   /* what the check holds against emitted objects */
	struct buf original; /* the last one */
	size_t objects_count, refused, lost, invalid, originals, skipped;
	struct collect_id *known;
	size_t known_count, known_capacity;
	struct slice source; /* when not empty: what objects are compared with, at their offset */
	size_t misplaced;    /* objects that do not stand there byte for byte, or not in order */
	uint64_t reached;    /* where the last one ended */
	size_t stop_after;   /* go_on says no after so many questions; 0: never */
	size_t asked;
};

void collect_init(struct collect *c);
void collect_fini(struct collect *c);
/* Import bytes; the ids that are known stay from run to run, everything else begins anew. */
enum err_kind collect_bytes(struct collect *c, const struct importer *importer, struct slice bytes,
	const struct intel_import *options, struct err *e) MUST_USE;
/* A file or, for folder formats, a folder. */
enum err_kind collect_path(struct collect *c, const struct importer *importer, const char *path,
	const struct intel_import *options, struct err *e) MUST_USE;
/* Options with a name, no marking, no confidence. */
struct intel_import collect_options(void);

/* What came of one import. */
struct collect_outcome {
	size_t objects, refused, lost, skipped;
};
/* For fuzzing: import data, and abort when something that was emitted is unsound. */
struct collect_outcome collect_fuzz(const struct importer *importer, const uint8_t *data,
	size_t size, const struct intel_import *options);

#endif
