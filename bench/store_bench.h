/* SPDX-License-Identifier: MPL-2.0 */
/* What the verbs of store_bench share: time, memory, the folder. */
#ifndef STORE_BENCH_H
#define STORE_BENCH_H

#include <stdlib.h>

#include "objects.h"

#define SEED       42
#define BATCH      1000 /* objects in one transaction */
#define LIST_BYTES MIB(3000)

struct lap {
	double wall, processor; /* seconds */
};

double seconds(void);
struct lap lap_begin(void);
struct lap lap_since(struct lap began);

/* Tells standard error; 1, for main. */
int fail(const struct err *e);
/* Resident memory now and at its highest, and what was written so far, in MB. */
void memory_print(void);
int rate_print(const char *what, const struct objects *o, struct lap lap);
enum err_kind folder_open(
	const char *folder, enum store_mode mode, struct store **ret_store, struct err *e);

/* ---- verbs: store_bare.c, the yardstick -------------------------------------------------------
 */

int verb_bare(char **args, bool text);

/* ---- store_ask.c, reading ----------------------------------------------------------------------
 */

int verb_search(char **args);
int verb_places(char **args);

#endif
