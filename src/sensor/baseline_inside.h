/* SPDX-License-Identifier: MPL-2.0 */
/* Between the baseline's table (baseline.c) and its file (baseline_file.c). */
#ifndef BASELINE_INSIDE_H
#define BASELINE_INSIDE_H

#include "baseline.h"

/* A tuple; or what known tuples stand behind: a pair, a source that acts. */
enum entry_kind { ENTRY_TUPLE, ENTRY_PAIR, ENTRY_WRITER };

struct entry {
	struct entry *chain;
	struct entry *newer, *older; /* by last use; tuples only */
	int64_t first_us, last_us;
	uint64_t count; /* messages; of pairs and writers: tuples */
	uint8_t kind, verdict, protocol, operation;
	size_t key_len;
	char key[];
};

static inline struct slice entry_key(const struct entry *t)
{
	return (struct slice){t->key, t->key_len};
}

struct use_list {
	struct entry *newest, *oldest;
	size_t count;
};

struct baseline {
	struct baseline_options options;
	uint8_t key[16];
	struct entry **buckets;
	size_t mask;
	struct use_list known, fresh;
	uint64_t messages, of_protocol[PLANT_PROTOCOLS]; /* judged since it was made or loaded */
	uint64_t dropped_known, dropped_new;
	int64_t first_us, last_us; /* of messages; 0: none yet */
	uint32_t days;
	bool learning;
	char reviewed[BASELINE_NAME_MAX + 1];
};

/* NULL: out of memory. Makes room first. key: fields by tabs, as in the file. */
struct entry *baseline_tuple_add(struct baseline *b, struct slice key, enum plant_protocol protocol,
	enum plant_operation operation, enum baseline_verdict verdict);
bool baseline_tuple_there(const struct baseline *b, struct slice key);

#endif
