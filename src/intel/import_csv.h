/* SPDX-License-Identifier: MPL-2.0 */
/* Inside the CSV importer: records of a file, one by one. */
#ifndef IMPORT_CSV_H
#define IMPORT_CSV_H

#include "import.h"

#define CSV_FIELDS_MAX       256
#define CSV_RECORD_MAX       KIB(256) /* bytes of one record, with its quotes */
#define CSV_RECORD_LINES_MAX 100      /* a quote left open must not swallow the file */

enum csv_what {
	CSV_RECORD,
	CSV_COMMENT, /* a line beginning with '#': fields[0] is what stands behind it */
	CSV_BAD,     /* `why` says what is wrong; the next line is read as if nothing had been */
	CSV_END
};

struct csv_reader {
	struct import_lines lines;
	char separator;
	struct slice fields[CSV_FIELDS_MAX]; /* unquoted; valid until the next record */
	size_t count;
	struct intel_place place;
	const char *why;
	struct buf raw;   /* the record as it stood */
	struct buf plain; /* its fields without quotes */
	struct buf again; /* lines behind a bad record's first one, to be read once more */
	size_t again_from;
	struct intel_place again_place;
	bool long_pending; /* a line too long came inside a record: to be told after it */
	struct intel_place long_place;
};

enum err_kind csv_init(struct csv_reader *r, struct import_job *job, struct err *e) MUST_USE;
void csv_fini(struct csv_reader *r);
enum err_kind csv_next(struct csv_reader *r, enum csv_what *ret_what, struct err *e) MUST_USE;
/* Split one line; false when a quote stays open or stands where none may. For headers in comments
 * and for looking at a head. Fields live in `plain`. */
bool csv_split(struct slice record, char separator, struct buf *plain,
	struct slice fields[CSV_FIELDS_MAX], size_t *ret_count, const char **ret_why);
/* The separator of a line: of ',', ';', tab and '|' the one that stands there most often. */
char csv_separator(struct slice line);

#endif
