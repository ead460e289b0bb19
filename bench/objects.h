/* SPDX-License-Identifier: MPL-2.0 */
/* Objects for benchmarks: read from a file or made up, with what the store's indexes want of them.
 */
#ifndef BENCH_OBJECTS_H
#define BENCH_OBJECTS_H

#include "store/store.h"

struct objects {
	struct arena *arena; /* everything below lives here */
	struct store_object *list;
	struct slice *texts; /* of each: what a full-text index would take */
	size_t count;
	uint64_t bytes;
};

enum err_kind objects_new(size_t bytes_max, struct objects *ret_objects, struct err *e) MUST_USE;
void objects_free(struct objects *o);
void objects_clear(struct objects *o);
/* All objects of a bundle or of lines; may be packed. */
enum err_kind objects_read(struct objects *o, const char *path, struct err *e) MUST_USE;

/* ---- made up --------------------------------------------------------------------------------- */

/* The nth object of a seed: always the same bytes. Like ATT&CK in size and in what refers to what,
 * with indicators and observables besides. Not ended by a line feed. */
void object_make(uint64_t seed, uint64_t n, struct buf *out);
const char *object_type(uint64_t seed, uint64_t n);
/* The objects [from, from + count), ready for the store. */
enum err_kind objects_make(
	struct objects *o, uint64_t seed, uint64_t from, size_t count, struct err *e) MUST_USE;
/* Values that are in them, for searches: text as a person would type it. */
void value_make(uint64_t seed, uint64_t n, const char *kind, char *ret_text, size_t len);
const char *word_make(uint64_t n, char ret_text[32]);

uint64_t mix(uint64_t x); /* splitmix64's last step */

#endif
