/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Hashes values under the folder's key, so that a question is hashed once for all its segments.
 *
 * Multilinear over the prime p = 2^61 - 1 (Carter and Wegman 1979): (kind and length) and each 7
 * bytes of the value are multiplied with a secret number each and added; every 32 products are
 * folded into a polynomial in one more secret number. Two different values of n blocks have the
 * same sum with a chance of at most (n + 1) / 2^61 whoever chose them, as long as the key is not
 * known: a bound by counting, not by trust in a cipher. The mixing at the end is a bijection.
 */
#ifndef HUNT_KEYER_H
#define HUNT_KEYER_H

#include <endian.h>

#include "base/base.h"

#define KEYER_BYTES   32 /* of the folder's secret, from which all numbers are drawn */
#define KEYER_WORDS   33 /* secret numbers: kind and length, then 32 times 7 bytes */
#define KEYER_SHORT   21 /* bytes: three times 7 */
#define KEYER_MIDDLE  42
#define KEYER_PADDING 48 /* bytes behind a value that may be read */
#define KEYER_PRIME   ((UINT64_C(1) << 61) - 1)

__extension__ typedef unsigned __int128 keyer_wide;

struct keyer {
	uint64_t word[KEYER_WORDS];
	uint64_t turn; /* between blocks of 32 times 7 bytes */
	uint64_t id;   /* tells keys apart, says nothing about them */
};

void keyer_init(struct keyer *k, const uint8_t secret[KEYER_BYTES]);

/* a < 2^125; below p. */
static inline uint64_t keyer_fold(keyer_wide a)
{
	uint64_t x = ((uint64_t)a & KEYER_PRIME) + (uint64_t)(a >> 61 & KEYER_PRIME) +
		     (uint64_t)(a >> 122);

	x = (x & KEYER_PRIME) + (x >> 61);
	return x >= KEYER_PRIME ? x - KEYER_PRIME : x;
}

static inline uint64_t keyer_mix(uint64_t h)
{
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

/* Below `chunk` times 7 bytes of a value: as many of its bytes as it has, the others zero. */
static inline uint64_t keyer_chunk(const char *data, size_t len, size_t chunk)
{
	size_t rest = len < 7 * chunk ? 0 : len - 7 * chunk;
	uint64_t word;

	memcpy(&word, data + 7 * chunk, sizeof(word));
	return le64toh(word) & ((UINT64_C(1) << 8 * (rest < 7 ? rest : 7)) - 1);
}

/* Zero never: sets take it for an empty place. */
static inline uint64_t keyer_finish(keyer_wide sum)
{
	uint64_t hash = keyer_mix(keyer_fold(sum));

	return hash == 0 ? 1 : hash;
}

/* keyer_hash of 4 bytes, the first one lowest. */
static inline uint64_t keyer_hash_4(const struct keyer *k, unsigned kind, uint32_t word)
{
	return keyer_finish(
		(keyer_wide)(4U << 8 | kind) * k->word[0] + (keyer_wide)word * k->word[1]);
}

/* keyer_hash of any length. */
uint64_t keyer_hash_long(
	const struct keyer *k, unsigned kind, const char *data, size_t len, bool padded);

/* padded: KEYER_PADDING bytes behind the last may be read. kind: below 256. Never 0. */
static inline uint64_t keyer_hash(
	const struct keyer *k, unsigned kind, const char *data, size_t len, bool padded)
{
	keyer_wide sum;

	if (!padded || len > KEYER_MIDDLE)
		return keyer_hash_long(k, kind, data, len, padded);
	/* Nearly all names: no loop whose end would have to be guessed. */
	sum = (keyer_wide)((uint64_t)len << 8 | kind) * k->word[0] +
	      (keyer_wide)keyer_chunk(data, len, 0) * k->word[1] +
	      (keyer_wide)keyer_chunk(data, len, 1) * k->word[2] +
	      (keyer_wide)keyer_chunk(data, len, 2) * k->word[3];
	if (len > KEYER_SHORT)
		sum += (keyer_wide)keyer_chunk(data, len, 3) * k->word[4] +
		       (keyer_wide)keyer_chunk(data, len, 4) * k->word[5] +
		       (keyer_wide)keyer_chunk(data, len, 5) * k->word[6];
	return keyer_finish(sum);
}

#endif
