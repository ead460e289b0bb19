/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Between the files of this folder. One row per format; formats read whole buffers (Zeek and JSON,
 * where speed counts) or line by line (the others, through lines.c).
 */
#ifndef PARTS_H
#define PARTS_H

#include "logs.h"

struct logs_reader;

#define LOGS_SCRATCH_BYTES KIB(256) /* unescaped values of one batch; four of the longest fit */

struct logs_format_row {
	const char *name;
	/* 0: certainly not; 100: certainly. head holds complete lines (one cut line when there is
	 * no complete one), without a byte order mark; name: of the file, may be NULL. The highest
	 * row wins, the earlier of two; text answers 1 for what is text at all. */
	unsigned (*guess)(struct slice head, const char *name);
	/* The format's own state, in reader->state; NULL functions are not called. */
	enum err_kind (*open)(struct logs_reader *r, struct err *e);
	void (*close)(struct logs_reader *r);
	/* One of the two: complete lines as a block, returns bytes taken in *ret_taken; during the
	 * call r->offset is that of bytes.data[0] and stays (the core adds what was taken); the
	 * block advances r->line and counts.lines, and skips and counts lines longer than
	 * LOGS_LINE_MAX. What it leaves behind holds no line end ... */
	bool (*block)(struct logs_reader *r, struct slice bytes, bool last, size_t *ret_taken);
	/* ... or one line without its end (CR LF counts as the end), from logs_lines: r->line is
	 * its number, r->line_offset where it begins. False: stopped or no memory. */
	bool (*line)(struct logs_reader *r, struct slice line);
	/* All fields and the time of one record, from its raw line (which is in the arena); number,
	 * offset and raw are set. */
	bool (*detail)(
		struct logs_reader *r, struct slice line, struct arena *a, struct event *ret_event);
	struct slice (*head)(const struct logs_reader *r);
	bool (*resume)(struct logs_reader *r, struct slice head);
};

/* By enum logs_format (formats.c); NULL for UNKNOWN. */
extern const struct logs_format_row *const logs_format_rows[LOGS_FORMATS];

extern const struct logs_format_row logs_zeek_tsv, logs_zeek_json, logs_eve,
	logs_ndjson; /* fast side */
extern const struct logs_format_row logs_bind, logs_unbound, logs_dnsmasq, logs_powerdns,
	logs_squid, logs_combined, logs_w3c, logs_syslog, logs_csv, logs_nfdump, logs_stix,
	logs_text;

struct logs_reader {
	const struct logs_format_row *row;
	enum logs_format format;
	uint64_t roles;
	const struct logs_mapping *mapping;
	const struct world *world;
	struct batch_sink sink;
	sheet_sift *sift; /* may be NULL */
	void *state;
	struct logs_counts counts;
	uint64_t line;        /* number of the next line; in row->line of the one in hand */
	uint64_t offset;      /* of the first byte fed */
	uint64_t line_offset; /* in row->line: of the line in hand */
	bool stopped;
	bool skipping;                      /* inside a line that is too long */
	struct arena *names;                /* of the columns */
	struct column columns[COLUMNS_MAX]; /* what batch.columns points to */
	size_t columns_count;
	char *scratch; /* LOGS_SCRATCH_BYTES between two paddings; logs_scratch hands it out */
	size_t scratch_len;
	struct batch batch;
};

/* ---- helpers (logs.c) ---- */

/* Begin a record; flushes when the batch is full. False: stopped. */
bool logs_record(
	struct logs_reader *r, struct slice raw, uint64_t number, uint64_t offset, int64_t time_us);
/* A field of the current record; flushes and begins the record again when fields are full. Empty
 * values and the column COLUMNS_MAX are passed over; too long ones are cut (kind FREE) or dropped,
 * and counted. False: stopped. */
bool logs_field(struct logs_reader *r, size_t column, struct slice value);
/* Room for an unescaped or joined value of at most `bytes` (1 .. FIELD_BYTES_MAX), readable around,
 * which lives until the flush; flushes and begins the record again when there is none left. The
 * caller fills it, says how much of it stays, and calls logs_field before it asks again. NULL:
 * stopped. */
char *logs_scratch(struct logs_reader *r, size_t bytes);
void logs_scratch_keep(struct logs_reader *r, size_t bytes);
bool logs_flush(struct logs_reader *r);
/* In the middle of a record: what it has so far goes out, the rest follows under its number. */
bool logs_flush_midway(struct logs_reader *r);
/* Flush and forget all columns, before a header line brings others. False: stopped. */
bool logs_columns_clear(struct logs_reader *r);
/* A column by name and role; the existing one when there is one. COLUMNS_MAX: full. The name is
 * copied. */
size_t logs_column(
	struct logs_reader *r, struct slice name, enum event_role role, enum field_kind kind);
bool logs_wanted(const struct logs_reader *r, enum event_role role);
/* A bad line: counted, the first described. */
void logs_problem(struct logs_reader *r, uint64_t line, const char *format, ...) PRINTF(3, 4);
/* Without a CR at its end. */
static inline struct slice logs_line_trim(struct slice line)
{
	return line.len != 0 && line.data[line.len - 1] == '\r' ? slice_cut(line, 0, line.len - 1)
								: line;
}

/* ---- lines.c, time.c, mapping.c ---- */

/* What block is for rows that have `line`. */
bool logs_lines(struct logs_reader *r, struct slice bytes, bool last, size_t *ret_taken);
/* Times of logs: RFC 3339 with any offset, "2026-11-23 06:18:00.123", epoch seconds with fraction,
 * epoch milliseconds, RFC 3164 "Nov 23 06:18:00" (year from `world`), Apache "23/Nov/2026:06:18:00
 * +0100". TIME_UNKNOWN when it is none of them. */
int64_t logs_time(struct slice text, const struct world *world);

/* Role of a column by the mapping, for CSV and NDJSON. False: the mapping does not name it. */
bool logs_mapping_role(const struct logs_mapping *m, struct slice name, enum event_role *ret_role,
	enum field_kind *ret_kind);
bool logs_mapping_is_time(const struct logs_mapping *m, struct slice name);
char logs_mapping_delimiter(const struct logs_mapping *m); /* 0: none given */

#endif
