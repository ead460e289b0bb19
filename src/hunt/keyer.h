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

#define KEYER_BYTES 32 /* of the folder's secret, from which all numbers are drawn */
#define KEYER_WORDS 33 /* secret numbers: kind and length, then 32 times 7 bytes */
#define KEYER_PRIME ((UINT64_C(1) << 61) - 1)

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

/* padded: 8 bytes behind the last may be read. kind: below 256. Never 0. */
static inline uint64_t keyer_hash(
	const struct keyer *k, unsigned kind, const char *data, size_t len, bool padded)
{
	const uint64_t mask = (UINT64_C(1) << 56) - 1;
	keyer_wide sum = (keyer_wide)((uint64_t)len << 8 | kind) * k->word[0];
	uint64_t folded = 0, chunk;
	size_t at = 0, i = 1;

	for (; at + 8 <= len; at += 7) {
		memcpy(&chunk, data + at, 8);
		sum += (keyer_wide)(le64toh(chunk) & mask) * k->word[i++];
		if (i == KEYER_WORDS) {
			folded = keyer_fold(sum + (keyer_wide)folded * k->turn);
			sum = 0;
			i = 1;
		}
	}
	if (at < len) {
		chunk = 0;
		if (padded) {
			memcpy(&chunk, data + at, 8);
			chunk = le64toh(chunk) & ((UINT64_C(1) << 8 * (len - at)) - 1);
		} else {
			memcpy(&chunk, data + at, len - at);
			chunk = le64toh(chunk);
		}
		sum += (keyer_wide)chunk * k->word[i];
	}
	chunk = keyer_mix(keyer_fold(sum + (keyer_wide)folded * k->turn));
	return chunk == 0 ? 1 : chunk; /* 0 is an empty place in sets */
}

#endif
