/* SPDX-License-Identifier: MPL-2.0 */
/* Between the reading of a STIX stream and the values of its observables. */
#ifndef STIX_LOGS_H
#define STIX_LOGS_H

#include "lines.h"

/* Roles that other observables give: who is source, destination, sender, answer. */
#define STIX_REFERENCES_MAX 256 /* of one observed-data; more keep the role of their own type */

struct stix_reference {
	struct slice id; /* in 2.0 the key in "objects" */
	uint8_t role;
};

struct stix_references {
	struct stix_reference all[STIX_REFERENCES_MAX];
	size_t count;
};

/* What this observable says of others; ids are copied into the arena. False: out of memory. */
bool stix_references_add(struct stix_references *refs, struct arena *a, struct json_value object);
/* Its values; `a` holds them until they are put. */
void stix_values_put(struct line_out *o, struct arena *a, const struct stix_references *refs,
	struct slice id, struct json_value object);

#endif
