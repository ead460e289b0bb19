/* SPDX-License-Identifier: MPL-2.0 */
/* A question under the key of one folder: what filters are probed with. */
#ifndef HUNT_QUESTION_H
#define HUNT_QUESTION_H

#include "hunt.h"
#include "keys.h"

struct asked_key {
	uint64_t key;
	uint32_t value; /* keys of one value are neighbours */
};

struct asked {
	struct asked_key *key;
	size_t count, capacity;
	size_t everywhere; /* values that every segment can hold */
};

enum err_kind asked_of(const struct hunt_question *q, const struct keyer *k,
	struct asked *ret_asked, struct err *e) MUST_USE;
void asked_fini(struct asked *a);

#endif
