/* SPDX-License-Identifier: MPL-2.0 */
/* What the members of JSON logs say, by their paths. */
#ifndef JSON_NAMES_H
#define JSON_NAMES_H

#include "parts.h"

/* Parts of a URL that is joined when the record ends (zeek_url_join). */
enum json_part { PART_NONE, PART_HOST, PART_URI, PART_ADDRESS, PART_PORT, JSON_PARTS };

struct json_meaning {
	enum event_role role;
	enum field_kind kind;
	enum json_part part;
	bool time; /* of the record */
};

/*
 * path: names joined by dots, arrays without an index ("dns.answers.rdata"); name: the last of
 * them, whole even if it holds dots ("id.orig_h").
 */
struct json_meaning json_meaning(enum logs_format format, const struct logs_mapping *mapping,
	struct slice path, struct slice name);

#endif
