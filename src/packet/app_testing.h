/* SPDX-License-Identifier: MPL-2.0 */
/* The frame side as tests of the content side see it: what is told is written down as text. */
#ifndef APP_TESTING_H
#define APP_TESTING_H

#include "app.h"

struct packet_out {
	struct buf
		text; /* "record\n", then "role=value\n"; binary values in hexadecimal behind '#' */
	uint64_t unwanted; /* roles */
	size_t records, fields;
	bool silent; /* only counts, for the speed and for the fuzzers */
};

/* Feeds both directions, each in pieces of `piece` bytes (0: at once), one side after the other, to
 * the end. False: the stream was done before. */
bool app_testing_run(enum app_protocol protocol, struct slice opener, struct slice other,
	size_t piece, struct packet_out *out);

#endif
