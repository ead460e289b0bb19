/* SPDX-License-Identifier: MPL-2.0 */
/* What the scenarios of the sensor share: an index of given values, findings read back, waiting for
 * what must come. */
#ifndef SENSOR_SCENE_H
#define SENSOR_SCENE_H

#include "base/base.h"
#include "testing/testing.h"

/* A new folder under /tmp; scene_remove takes it away with all that is in it. */
void scene_folder(char ret_path[64]);
void scene_remove(const char *path);

/* An index of one list: a value a line, its kind by its form. */
void scene_index(const char *path, struct slice lines);
/* A file with this text, in place of what was there; scene_append: behind it. */
void scene_put(const char *path, struct slice text);
void scene_append(const char *path, struct slice text);

struct scene_finding {
	char *indicator, *type, *host, *value, *field, *file, *match;
	int64_t line, frame, created_us, count;
	bool update;
};

/* Findings of a file (ECS, a line each), read on from where the last call ended. Fails the test at
 * a line that is no JSON. */
struct scene_findings {
	struct scene_finding *rows;
	size_t count, capacity;
	uint64_t read;  /* bytes of whole lines */
	uint64_t lines; /* of them */
};
void scene_findings_read(struct scene_findings *f, const char *path);
void scene_findings_free(struct scene_findings *f);
/* How many first findings of this value there are. */
size_t scene_count(const struct scene_findings *f, const char *value);

/* A moment in which others work. Who waits for something looks again after each, and gives up at a
 * deadline. */
void scene_breathe(void);
int64_t scene_deadline(unsigned seconds);
bool scene_over(int64_t deadline);

#endif
