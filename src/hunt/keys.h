/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Which keys a field leaves behind, and which keys a question asks for: the two sides of "can this
 * segment hold it". What is asked must always have been left.
 */
#ifndef HUNT_KEYS_H
#define HUNT_KEYS_H

#include "event/event.h"
#include "gather.h"
#include "index/index.h"
#include "keyer.h"

/* Steps of a URL's path at which an indicator may end; as many as the index looks at. */
#define KEYS_URL_STEPS_MAX 128
/* Keys that one value of a question may ask for: a network of up to 8 bits more than is kept. */
#define KEYS_ASKED_MAX 256

/* Names below a name that are asked together with it: of three labels, of four, and itself. */
#define KEYS_BELOW_MAX 3
/* Middle labels of suffixes under which names are sold, as "co.uk" and "com.br". */
#define KEYS_SUFFIX_LABEL_MAX 3

/*
 * Names and addresses on their way: the memory that all of them need is asked for before the first
 * one is looked for, and all names are put in lower case before the first one is hashed, so that
 * nothing waits for memory far away or just written.
 */
#define KEYS_NAMES      16
#define KEYS_NAME_BYTES 253 /* longer names (RFC 1035 has none) go the slow way */
#define KEYS_QUADS      64
struct keys_name {
	uint64_t key;
	uint16_t len, dots_count;
	char lower[KEYS_NAME_BYTES + 8 + KEYER_PADDING];
	uint8_t dots[KEYS_NAME_BYTES];
};
/* What is probably "10.1.2.3". */
struct keys_quad {
	struct gather_text text, *place;
	const struct column *column;
	const struct field *field;
};
struct keys_waiting {
	unsigned names_count, quads_count;
	struct keys_quad quad[KEYS_QUADS];
	struct keys_name name[KEYS_NAMES];
};

/* Keys of a field, now or with keys_flush, until when it must stay. Its data has EVENT_PADDING on
 * both sides. */
void keys_field(const struct keyer *k, const struct column *column, const struct field *field,
	struct keys_waiting *w, struct gather *g);
void keys_flush(const struct keyer *k, struct keys_waiting *w, struct gather *g);
/* The same by way of index_field_keys alone, for all kinds: what the fast ways must agree with. */
void keys_field_plain(const struct keyer *k, const struct column *column, const struct field *field,
	struct gather *g);

/* A segment can hold it when it holds all that is told here. */
struct key_asked {
	uint64_t key;     /* of the strong filter */
	uint16_t network; /* the IPv4 /16 it is in, when in_network */
	bool in_network;
	bool only_network; /* the key is of the /16 itself: needed where there is no map of them */
	uint8_t below_count;
	enum tier below_tier[KEYS_BELOW_MAX];
	uint64_t below[KEYS_BELOW_MAX];
};

/*
 * A segment that holds the value holds at least one of these. normal: as index_normal gives it.
 * Returns their number; 0: every segment can hold it (a network too wide for what is kept).
 */
size_t keys_asked(const struct keyer *k, enum field_kind kind, struct slice normal,
	struct key_asked ret_asked[KEYS_ASKED_MAX]);
/* The key under which the /16 stands among the strong ones where there is no map. */
uint64_t keys_network(const struct keyer *k, uint16_t network);

#endif
