/* SPDX-License-Identifier: MPL-2.0 */
/* What the tests of notes share: a log and two witnesses that sign, and the public vectors. */
#ifndef NOTE_TESTING_H
#define NOTE_TESTING_H

#include "testing/testing.h"
#include "json/json.h"

#include "parts.h"

#define ARENA_MAX MIB(4)

/* A slice in a table. */
#define TEXT(literal)                                                                              \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}

#define CHECKPOINT "kz/log\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"

struct scene {
	struct world_fake world;
	struct arena *arena;
	struct note_secret log, witness, mirror;
	struct note_key keys[3];
};

/* For cmocka: *state is the scene. */
int scene_begin(void **state);
int scene_end(void **state);

/* The checkpoint signed by the log and cosigned twice. */
struct buf whole_note(const struct scene *s);
/* Parsed and verified. */
enum err_kind open_note(struct slice bytes, const struct note_key *keys, size_t keys_count,
	struct arena *a, struct note *ret_note, struct note_verdict *ret_verdict);

/* A parsed file of the public vectors; skips the test when it is not there. */
struct json_value vectors(const char *name, struct buf *text, struct json_parser **parser);
/* A member that has to be there. */
struct json_value member(struct json_value v, const char *name);

#endif
