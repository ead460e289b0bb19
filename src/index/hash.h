/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The keyed hash of the index. Whoever writes indicators or names on the wire does not know the
 * key, which is new in every file, so nothing can be made to collide. The same on every machine:
 * with the processor's AES rounds, or with tables where it has none.
 *
 *   s = k0; for each 16 bytes b (the last filled up with zeros): s ^= b, four rounds with k1..k4;
 *   s ^= length; one round with k5; the low 64 bits, little-endian.
 *
 * Four rounds between two blocks bound the chance of any chosen difference to cancel by 2^-113 (the
 * argument of Pelican-MAC, Daemen and Rijmen 2005).
 */
#ifndef INDEX_HASH_H
#define INDEX_HASH_H

#include "base/base.h"

#define HASH_KEYS      6
#define HASH_BLOCK     16
#define HASH_KEY_BYTES (HASH_KEYS * HASH_BLOCK)

struct hash_key {
	_Alignas(16) uint8_t round[HASH_KEYS][HASH_BLOCK];
	bool aes; /* the processor has the rounds */
};

void hash_key_set(struct hash_key *k, const uint8_t bytes[HASH_KEY_BYTES]);

uint64_t hash_bytes(const struct hash_key *k, const void *data, size_t len);
uint64_t hash_bytes_plain(const struct hash_key *k, const void *data, size_t len);

/* Hashes of ever longer beginnings of the same bytes, each byte absorbed once. */
struct hash_run {
	_Alignas(16) uint8_t state[HASH_BLOCK];
	size_t done; /* whole blocks absorbed, in bytes */
};

void hash_run_begin(const struct hash_key *k, struct hash_run *r);
/* Of data[0 .. len); len may not shrink from call to call. */
uint64_t hash_run_at(const struct hash_key *k, struct hash_run *r, const void *data, size_t len);

#endif
