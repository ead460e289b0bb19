/* SPDX-License-Identifier: MPL-2.0 */
/* For the tests of this folder: conversations in hex, and what is told about them as text. */
#ifndef PLANT_TESTING_H
#define PLANT_TESTING_H

#include "plant.h"

/* One direction's bytes in hex, blanks allowed. The talk ends with hex NULL. */
struct plant_step {
	unsigned direction;
	const char *hex;
};

#define PLANT_STEPS_MAX 12

/*
 * says: one line per message, each ended by '\n':
 *
 *   "modbus 16 write multiple registers, write, request, unit 1, holding register 1..2 = 10,258\n"
 *
 * ", refused" behind the direction; ", unit", ", object" and " = value" only when not empty.
 */
struct plant_talk {
	const char *what;
	struct plant_step steps[PLANT_STEPS_MAX];
	const char *says;
	bool bad; /* a feed returns false */
};

/* Each talk whole, byte by byte, and each step cut in two at every place: always the same said. */
void plant_talks_check(enum plant_protocol protocol, const struct plant_talk *talks, size_t count);

struct plant_gram {
	const char *what;
	bool to_server;
	const char *hex;
	const char *says;
	bool bad;
};
/* Each datagram whole; every shorter one must neither crash nor read past its end. */
void plant_grams_check(enum plant_protocol protocol, const struct plant_gram *grams, size_t count);

/* Appends a line to the struct buf that is the context. */
void plant_say(void *context, const struct plant_message *message);
/* The bytes behind hex with blanks, in a block of exactly their length, for free(). */
struct slice plant_hex(const char *hex);

#endif
