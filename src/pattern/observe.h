/* SPDX-License-Identifier: MPL-2.0 */
/* The observations that pattern_observations_add has read, for match.c. */
#ifndef OBSERVE_H
#define OBSERVE_H

#include "compiled.h"

struct pattern_observations {
	struct arena *arena; /* documents and objects */
	struct json_parser *parser;
	struct buf list; /* of struct observation */
	size_t count;
};

static inline const struct observation *observations_list(const struct pattern_observations *o)
{
	return (const struct observation *)(const void *)o->list.data;
}

#endif
