/* SPDX-License-Identifier: MPL-2.0 */
/* The folder of filters: its key, its files in order of time. */
#ifndef HUNT_FOLDER_H
#define HUNT_FOLDER_H

#include "hunt.h"
#include "keyer.h"
#include "segment.h"

#define FOLDER_SEGMENTS_MAX 1000000 /* files; one an hour of 100 logs for a year */
#define FOLDER_TIME_DIGITS  20      /* of microseconds, so that names sort by time */

struct folder_names {
	char **name;
	size_t count, capacity;
};

/* Files of segments, oldest first; names without the folder. Leftovers of interrupted writing are
 * listed instead with `leftovers`. */
enum err_kind folder_list(
	const char *folder, bool leftovers, struct folder_names *ret_names, struct err *e) MUST_USE;
void folder_names_free(struct folder_names *n);
/* Time in a file's name. */
int64_t folder_name_time(const char *name);
char *folder_path(const char *folder, const char *name) MUST_USE;

/* world NULL: only an existing key; ERR_CORRUPT when there is none. */
enum err_kind folder_key(const char *folder, const struct world *world, struct keyer *ret_key,
	struct err *e) MUST_USE;

/* What a path leads to now; false: nothing that can be read. */
bool folder_log_look(const struct keyer *k, const char *path, struct segment_log *ret_log);
/* Is this still the log of then: the same file, not cut since, with the same beginning? */
bool folder_log_same(const struct keyer *k, const char *path, const struct segment_log *then);

#endif
