/* SPDX-License-Identifier: MPL-2.0 */
/* A question under the key of one folder: what filters are probed with. */
#ifndef HUNT_QUESTION_H
#define HUNT_QUESTION_H

#include "hunt.h"
#include "keys.h"

/* One way in which a segment can hold a value; the ways of one value are neighbours. */
struct asked_key {
	uint64_t key;
	uint32_t value;
	uint32_t below; /* where the names below begin that must be there too */
	uint16_t network;
	uint8_t below_count;
	bool in_network, only_network; /* as struct key_asked says */
};
struct asked_below {
	uint64_t key;
	enum tier tier;
};

struct asked {
	struct asked_key *key;
	struct asked_below *below;
	size_t count, capacity, below_count, below_capacity;
	size_t everywhere; /* values that every segment can hold */
};

enum err_kind asked_of(const struct hunt_question *q, const struct keyer *k,
	struct asked *ret_asked, struct err *e) MUST_USE;
void asked_fini(struct asked *a);

#endif
