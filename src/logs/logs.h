/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Log readers: bytes of a log in, batches of fields out. Recognises the format, never trusts a
 * line, never stops at a bad one.
 */
#ifndef LOGS_H
#define LOGS_H

#include "base/base.h"
#include "event/event.h"
#include "json/json.h"

#define LOGS_LINE_MAX  MIB(1)  /* bytes; a longer line is skipped and counted: no tool writes any */
#define LOGS_GUESS_MAX KIB(64) /* bytes that logs_guess wants to see at the most */

enum logs_format {
	LOGS_UNKNOWN,
	LOGS_ZEEK_TSV,
	LOGS_ZEEK_JSON,
	LOGS_EVE,     /* Suricata */
	LOGS_BIND,    /* query log */
	LOGS_UNBOUND, /* log-queries, log-replies */
	LOGS_DNSMASQ,
	LOGS_POWERDNS,
	LOGS_SQUID,    /* native access.log */
	LOGS_COMBINED, /* Apache, nginx: common and combined, with a virtual host or without */
	LOGS_W3C,      /* extended log format: IIS, proxies; #Fields decides */
	LOGS_SYSLOG,   /* RFC 3164 and 5424: header fields, then free text */
	LOGS_CSV,      /* with a header line; a mapping names columns */
	LOGS_NDJSON,   /* with a mapping, or by well-known names (ECS, Sysmon, CloudTrail, ...) */
	LOGS_NFDUMP,   /* text of nfdump -o csv, -o pipe and the default line; IPFIX tools' CSV */
	LOGS_STIX,     /* observed-data bundles, one object or bundle a line or run together */
	LOGS_TEXT,     /* anything else: every line is free text */
	LOGS_FORMATS
};

const char *logs_format_name(enum logs_format format); /* "zeek-tsv", "eve", ... */
bool logs_format_parse(struct slice name, enum logs_format *ret_format);

/*
 * By the first bytes (complete lines, as many as there are) and, only where they leave a doubt, the
 * name. TEXT when it is text of no known kind, UNKNOWN when it is no text.
 */
enum logs_format logs_guess(struct slice head, const char *name);

/* Column or JSON path ("a.b.c") -> role, one a line: `source_ip = source.address`; '#' comments;
 * `time = column [format]`, `delimiter = ;`. */
struct logs_mapping;
enum err_kind logs_mapping_read(
	const char *path, struct logs_mapping **ret_mapping, struct err *e) MUST_USE;
enum err_kind logs_mapping_parse(struct slice text, const char *name,
	struct logs_mapping **ret_mapping, struct err *e) MUST_USE;
void logs_mapping_free(struct logs_mapping *m);

struct logs_options {
	enum logs_format format;            /* not UNKNOWN */
	uint64_t roles;                     /* fields wanted in the fast path; detail() gives all */
	const struct logs_mapping *mapping; /* may be NULL */
	const struct world *world;          /* the year of RFC 3164 times */
	/* Asked with the sink's context before lines become records, by formats that can; may be
	 * NULL. */
	sheet_sift *sift;
};

/* What a reader met; "problems" are lines that do not fit their format (a few are described). */
struct logs_counts {
	uint64_t lines, records, problems, too_long, cut_fields;
	char first_problem[256]; /* "line 17: 22 columns, the header has 24" */
};

struct logs_reader;
/* ERR_NOMEM. mapping and world are borrowed until logs_reader_free. */
enum err_kind logs_reader_new(const struct logs_options *options, struct batch_sink sink,
	struct logs_reader **ret_reader, struct err *e) MUST_USE;
void logs_reader_free(struct logs_reader *r);
/*
 * Complete lines are read, *ret_taken says how many bytes (the rest is fed again, with more behind
 * it); with `last` also a line without its end. EVENT_PADDING bytes before and behind `bytes` must
 * be readable. The batch is flushed before it returns. False: the sink stopped it, or no memory.
 */
bool logs_feed(struct logs_reader *r, struct slice bytes, bool last, size_t *ret_taken);
/* The source continues elsewhere (rotation, a place kept over a restart): numbers of the next byte.
 * `head`: the header lines that hold there (Zeek, W3C, CSV), may be empty. */
bool logs_resume(struct logs_reader *r, uint64_t offset, uint64_t line, struct slice head);
/* The header lines that hold now, to be kept with the place; borrowed. Empty when the format has
 * none. */
struct slice logs_head(const struct logs_reader *r);
void logs_counts(const struct logs_reader *r, struct logs_counts *ret_counts);

#endif
