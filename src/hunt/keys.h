/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Which keys a field leaves behind, and which keys a question asks for: the two sides of "can this
 * segment hold it". What is asked must always have been left.
 */
#ifndef HUNT_KEYS_H
#define HUNT_KEYS_H

#include "event/event.h"
#include "index/index.h"
#include "keyer.h"
#include "set.h"

/* Steps of a URL's path at which an indicator may end; as many as the index looks at. */
#define KEYS_URL_STEPS_MAX 128
/* Keys that one value of a question may ask for: a network of up to 8 bits more than is kept. */
#define KEYS_ASKED_MAX 256

/* Keys of a field into the set. */
void keys_field(const struct keyer *k, const struct column *column, const struct field *field,
	struct set *s);
/* The same by way of index_field_keys alone, for all kinds: what the fast ways must agree with. */
void keys_field_plain(const struct keyer *k, const struct column *column, const struct field *field,
	struct set *s);

/*
 * Keys of which a segment that holds the value has at least one. normal: as index_normal gives it.
 * Returns their number; 0: every segment can hold it (a network too wide for what is kept).
 */
size_t keys_asked(const struct keyer *k, enum field_kind kind, struct slice normal,
	uint64_t ret_keys[KEYS_ASKED_MAX]);

#endif
