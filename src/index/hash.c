/* SPDX-License-Identifier: MPL-2.0 */
/* The keyed hash, twice: with AES instructions and with a table. */
#include "hash.h"

#ifdef __x86_64__
#include <immintrin.h>
#define AES __attribute__((target("aes,sse4.1")))
#endif

/* ---- the round in plain C (FIPS 197, section 5.1) ------------------------------------------ */

static const uint8_t sbox[256] = {
	0x63,
	0x7c,
	0x77,
	0x7b,
	0xf2,
	0x6b,
	0x6f,
	0xc5,
	0x30,
	0x01,
	0x67,
	0x2b,
	0xfe,
	0xd7,
	0xab,
	0x76,
	0xca,
	0x82,
	0xc9,
	0x7d,
	0xfa,
	0x59,
	0x47,
	0xf0,
	0xad,
	0xd4,
	0xa2,
	0xaf,
	0x9c,
	0xa4,
	0x72,
	0xc0,
	0xb7,
	0xfd,
	0x93,
	0x26,
	0x36,
	0x3f,
	0xf7,
	0xcc,
	0x34,
	0xa5,
	0xe5,
	0xf1,
	0x71,
	0xd8,
	0x31,
	0x15,
	0x04,
	0xc7,
	0x23,
	0xc3,
	0x18,
	0x96,
	0x05,
	0x9a,
	0x07,
	0x12,
	0x80,
	0xe2,
	0xeb,
	0x27,
	0xb2,
	0x75,
	0x09,
	0x83,
	0x2c,
	0x1a,
	0x1b,
	0x6e,
	0x5a,
	0xa0,
	0x52,
	0x3b,
	0xd6,
	0xb3,
	0x29,
	0xe3,
	0x2f,
	0x84,
	0x53,
	0xd1,
	0x00,
	0xed,
	0x20,
	0xfc,
	0xb1,
	0x5b,
	0x6a,
	0xcb,
	0xbe,
	0x39,
	0x4a,
	0x4c,
	0x58,
	0xcf,
	0xd0,
	0xef,
	0xaa,
	0xfb,
	0x43,
	0x4d,
	0x33,
	0x85,
	0x45,
	0xf9,
	0x02,
	0x7f,
	0x50,
	0x3c,
	0x9f,
	0xa8,
	0x51,
	0xa3,
	0x40,
	0x8f,
	0x92,
	0x9d,
	0x38,
	0xf5,
	0xbc,
	0xb6,
	0xda,
	0x21,
	0x10,
	0xff,
	0xf3,
	0xd2,
	0xcd,
	0x0c,
	0x13,
	0xec,
	0x5f,
	0x97,
	0x44,
	0x17,
	0xc4,
	0xa7,
	0x7e,
	0x3d,
	0x64,
	0x5d,
	0x19,
	0x73,
	0x60,
	0x81,
	0x4f,
	0xdc,
	0x22,
	0x2a,
	0x90,
	0x88,
	0x46,
	0xee,
	0xb8,
	0x14,
	0xde,
	0x5e,
	0x0b,
	0xdb,
	0xe0,
	0x32,
	0x3a,
	0x0a,
	0x49,
	0x06,
	0x24,
	0x5c,
	0xc2,
	0xd3,
	0xac,
	0x62,
	0x91,
	0x95,
	0xe4,
	0x79,
	0xe7,
	0xc8,
	0x37,
	0x6d,
	0x8d,
	0xd5,
	0x4e,
	0xa9,
	0x6c,
	0x56,
	0xf4,
	0xea,
	0x65,
	0x7a,
	0xae,
	0x08,
	0xba,
	0x78,
	0x25,
	0x2e,
	0x1c,
	0xa6,
	0xb4,
	0xc6,
	0xe8,
	0xdd,
	0x74,
	0x1f,
	0x4b,
	0xbd,
	0x8b,
	0x8a,
	0x70,
	0x3e,
	0xb5,
	0x66,
	0x48,
	0x03,
	0xf6,
	0x0e,
	0x61,
	0x35,
	0x57,
	0xb9,
	0x86,
	0xc1,
	0x1d,
	0x9e,
	0xe1,
	0xf8,
	0x98,
	0x11,
	0x69,
	0xd9,
	0x8e,
	0x94,
	0x9b,
	0x1e,
	0x87,
	0xe9,
	0xce,
	0x55,
	0x28,
	0xdf,
	0x8c,
	0xa1,
	0x89,
	0x0d,
	0xbf,
	0xe6,
	0x42,
	0x68,
	0x41,
	0x99,
	0x2d,
	0x0f,
	0xb0,
	0x54,
	0xbb,
	0x16,
};

static uint8_t twice(uint8_t a)
{
	return (uint8_t)(a << 1 ^ (a >> 7) * 0x1b);
}

/* What AESENC does: ShiftRows, SubBytes, MixColumns, then the key. */
static void round_plain(uint8_t s[HASH_BLOCK], const uint8_t key[HASH_BLOCK])
{
	uint8_t out[HASH_BLOCK];

	for (unsigned c = 0; c < 4; c++) {
		uint8_t a[4];

		for (unsigned r = 0; r < 4; r++)
			a[r] = sbox[s[4 * ((c + r) & 3) + r]];
		for (unsigned r = 0; r < 4; r++) {
			uint8_t x = a[r], y = a[(r + 1) & 3];

			out[4 * c + r] = (uint8_t)(twice(x) ^ twice(y) ^ y ^ a[(r + 2) & 3] ^
						   a[(r + 3) & 3] ^ key[4 * c + r]);
		}
	}
	memcpy(s, out, HASH_BLOCK);
}

static void absorb_plain(const struct hash_key *k, uint8_t s[HASH_BLOCK], const uint8_t *block)
{
	for (unsigned i = 0; i < HASH_BLOCK; i++)
		s[i] ^= block[i];
	for (unsigned r = 1; r < HASH_KEYS - 1; r++)
		round_plain(s, k->round[r]);
}

static uint64_t finish_plain(
	const struct hash_key *k, const uint8_t state[HASH_BLOCK], const uint8_t *rest, size_t len)
{
	uint8_t s[HASH_BLOCK], last[HASH_BLOCK] = {0};
	uint64_t h = 0;

	memcpy(s, state, HASH_BLOCK);
	if (len % HASH_BLOCK != 0) {
		memcpy(last, rest, len % HASH_BLOCK);
		absorb_plain(k, s, last);
	}
	for (unsigned i = 0; i < 8; i++)
		s[i] ^= (uint8_t)((uint64_t)len >> 8 * i);
	round_plain(s, k->round[HASH_KEYS - 1]);
	for (unsigned i = 0; i < 8; i++)
		h |= (uint64_t)s[i] << 8 * i;
	return h;
}

uint64_t hash_bytes_plain(const struct hash_key *k, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint8_t s[HASH_BLOCK];
	size_t at;

	memcpy(s, k->round[0], HASH_BLOCK);
	for (at = 0; at + HASH_BLOCK <= len; at += HASH_BLOCK)
		absorb_plain(k, s, p + at);
	return finish_plain(k, s, p + at, len);
}

/* ---- with the processor's rounds ------------------------------------------------------------- */

#ifdef __x86_64__
AES static inline __m128i key_load(const struct hash_key *k, unsigned r)
{
	return _mm_load_si128((const __m128i *)(const void *)k->round[r]);
}

AES static inline __m128i absorb_aes(const struct hash_key *k, __m128i s, __m128i block)
{
	s = _mm_xor_si128(s, block);
	s = _mm_aesenc_si128(s, key_load(k, 1));
	s = _mm_aesenc_si128(s, key_load(k, 2));
	s = _mm_aesenc_si128(s, key_load(k, 3));
	return _mm_aesenc_si128(s, key_load(k, 4));
}

AES static inline uint64_t finish_aes(
	const struct hash_key *k, __m128i s, const uint8_t *rest, size_t len)
{
	if (len % HASH_BLOCK != 0) {
		_Alignas(16) uint8_t last[HASH_BLOCK] = {0};

		memcpy(last, rest, len % HASH_BLOCK);
		s = absorb_aes(k, s, _mm_load_si128((const __m128i *)(const void *)last));
	}
	s = _mm_xor_si128(s, _mm_set_epi64x(0, (long long)len));
	s = _mm_aesenc_si128(s, key_load(k, 5));
	return (uint64_t)_mm_cvtsi128_si64(s);
}

AES static uint64_t bytes_aes(const struct hash_key *k, const uint8_t *p, size_t len)
{
	__m128i s = key_load(k, 0);
	size_t at;

	for (at = 0; at + HASH_BLOCK <= len; at += HASH_BLOCK)
		s = absorb_aes(k, s, _mm_loadu_si128((const __m128i *)(const void *)(p + at)));
	return finish_aes(k, s, p + at, len);
}

AES static uint64_t run_aes(
	const struct hash_key *k, struct hash_run *r, const uint8_t *p, size_t len)
{
	__m128i s = _mm_load_si128((const __m128i *)(const void *)r->state);

	for (; r->done + HASH_BLOCK <= len; r->done += HASH_BLOCK)
		s = absorb_aes(k, s, _mm_loadu_si128((const __m128i *)(const void *)(p + r->done)));
	_mm_store_si128((__m128i *)(void *)r->state, s);
	return finish_aes(k, s, p + r->done, len);
}
#endif

/* ---- door ---------------------------------------------------------------------------------- */

void hash_key_set(struct hash_key *k, const uint8_t bytes[HASH_KEY_BYTES])
{
	memcpy(k->round, bytes, HASH_KEY_BYTES);
	k->aes = false;
#ifdef __x86_64__
	k->aes = __builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1");
#endif
}

uint64_t hash_bytes(const struct hash_key *k, const void *data, size_t len)
{
#ifdef __x86_64__
	if (k->aes)
		return bytes_aes(k, data, len);
#endif
	return hash_bytes_plain(k, data, len);
}

void hash_run_begin(const struct hash_key *k, struct hash_run *r)
{
	memcpy(r->state, k->round[0], HASH_BLOCK);
	r->done = 0;
}

uint64_t hash_run_at(const struct hash_key *k, struct hash_run *r, const void *data, size_t len)
{
	const uint8_t *p = data;

#ifdef __x86_64__
	if (k->aes)
		return run_aes(k, r, p, len);
#endif
	for (; r->done + HASH_BLOCK <= len; r->done += HASH_BLOCK)
		absorb_plain(k, r->state, p + r->done);
	return finish_plain(k, r->state, p + r->done, len);
}
