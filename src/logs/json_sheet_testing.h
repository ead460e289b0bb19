/* SPDX-License-Identifier: MPL-2.0 */
/* What the test and the fuzz target of JSON's sheets share. */
#ifndef JSON_SHEET_TESTING_H
#define JSON_SHEET_TESTING_H

#include "json_sheet.h"

/* One value in eight; commas between elements are none. */
bool json_wanted(struct slice value);

/*
 * How many lines a sink does not get that wants those with a value that is wanted, or with what no
 * sheet shows; ret_rows: how many a sheet showed it. Aborts when such a line is missing, or differs
 * from what it is without a sheet. answers: else the sink wants every line after all; valid: all is
 * JSON, so the counts agree, too.
 */
size_t json_left_out(
	enum logs_format format, struct slice log, bool answers, bool valid, size_t *ret_rows);

#endif
