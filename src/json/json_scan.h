/* SPDX-License-Identifier: MPL-2.0 */
/* The slow, exact reading of a text that simdjson or the tape check refused. Private. */
#ifndef JSON_SCAN_H
#define JSON_SCAN_H

#include "json.h"

struct json_scan {
	enum err_kind kind;       /* OK: nothing wrong up to where it stopped */
	size_t offset;            /* of the offence, or of the tape word asked for */
	char what[128];           /* the offence */
	char path[JSON_PATH_MAX]; /* of the value around it; "" at the top */
	/* An integer outside int64 and uint64: RFC 8259 has it, simdjson not. */
	bool has_big_integer;
};

/*
 * Reads text as RFC 8259 and RFC 7493 demand, but for duplicate names, and stops at the first
 * offence or at the value or name that stands at index stop_at of the tape (0: nowhere).
 */
void json_scan(struct slice text, uint32_t stop_at, struct json_scan *ret_scan);

/*
 * Append text to *out with "e0" behind each integer that fits neither int64 nor uint64, so that
 * simdjson reads it as a double. text passed json_scan.
 */
void json_scan_widen(struct slice text, struct buf *out);

/* err_set with "line L, column C, at PATH: what". */
enum err_kind json_scan_report(struct slice text, const struct json_scan *scan, struct err *e);

#endif
