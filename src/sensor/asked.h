/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The file of the values that the history was asked for (STATE/hunt/asked), as bytes: written and
 * read back by the sensor that hunts by itself (hunter.c), and read from a disk that may have been
 * damaged or tampered with.
 */
#ifndef SENSOR_ASKED_H
#define SENSOR_ASKED_H

#include "base/base.h"

#define ASKED_HEAD       120                 /* bytes before the hashes */
#define ASKED_VALUES_MAX UINT64_C(100000000) /* 800 MB: a larger index is no index of ours */
#define ASKED_BYTES_MAX  (ASKED_HEAD + 8 * ASKED_VALUES_MAX + SHA256_LEN)

/* What stands before the hashes. */
struct asked_head {
	bool complete;   /* false: more new values of this index wait for the next hunt */
	uint8_t key[16]; /* of the hashes */
	uint8_t digest[SHA256_LEN]; /* of the index that was asked for */
	int64_t loaded_us; /* when the sensor took it: what was written later was read with it */
	uint64_t job;      /* random, never 0 */
	uint64_t fresh;    /* values that are new, in new.sidx */
	uint64_t count;    /* hashes */
};

void asked_head_write(const struct asked_head *h, uint8_t ret_bytes[ASKED_HEAD]);
/* The head alone; false: none of ours. */
bool asked_head_parse(struct slice bytes, struct asked_head *ret_head);
/*
 * A whole file: head, count hashes in ascending order, SHA-256 of all before. ERR_CORRUPT: cut off,
 * altered, or no such file; path is for the message.
 */
enum err_kind asked_parse(
	struct slice file, const char *path, struct asked_head *ret_head, struct err *e) MUST_USE;
/* Is the hash in a file that asked_parse took? */
bool asked_has(struct slice file, uint64_t hash);

uint64_t asked_hash_get(const void *bytes); /* 8, little-endian */
void asked_hash_put(void *ret_bytes, uint64_t hash);

#endif
