/* SPDX-License-Identifier: MPL-2.0 */
/* What the tests of the signer as a process share: keys and marks in a real folder. */
#ifndef PROCESS_SCENE_H
#define PROCESS_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "signer_testing.h"

/* Ends of a process that was not killed. */
enum { DONE = 0, REFUSED = 1, NOT_READY = 2 };

struct scene {
	char folder[64], marks[96], keys[96];
	struct signer_secrets secrets;
	struct note_secret other;
	struct tree tree, fork;
};

/* For cmocka: *state is the scene. */
int scene_begin(void **state);
int scene_end(void **state);
/* The signer of the scene over its real folder; NULL: it does not open. */
struct signer *signer_make(const struct scene *s, struct ledger_disk *disk);

#endif
