/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The common cases in vector registers: names, dotted quads and the keyed hash of short texts. For
 * processors with AVX2, BMI and AES (x86-64-v3 of 2013 and on); every function reads up to 32 bytes
 * before and behind its text, which the callers have promised.
 */
#ifndef INDEX_FAST_H
#define INDEX_FAST_H

#ifdef __x86_64__
#include <immintrin.h>

#include "inside.h"

#define FAST        __attribute__((target("avx2,aes,bmi,bmi2,popcnt")))
#define FAST_INLINE FAST static inline __attribute__((always_inline))
/* With AVX-512 as well (match_wide_supported). */
#define WIDE                                                                                       \
	__attribute__((                                                                            \
		target("avx512f,avx512bw,avx512vl,avx512vbmi2,avx2,aes,bmi,bmi2,popcnt,lzcnt")))

static inline bool fast_supported(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("aes") &&
	       __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
	       __builtin_cpu_supports("popcnt");
}

/* ---- hash ---------------------------------------------------------------------------------- */

/* The key, and constants that the compiler would otherwise make anew for every field. */
struct fast_key {
	__m128i k[HASH_KEYS];
	__m128i before_a, behind_z, small, dot, zero, nine;
};

FAST_INLINE __m128i fast_constant(char c)
{
	__m128i v = _mm_set1_epi8(c);

	__asm__("" : "+x"(v)); /* not to be known as a constant */
	return v;
}

FAST_INLINE struct fast_key fast_key_load(const struct hash_key *k)
{
	struct fast_key f;

	for (unsigned r = 0; r < HASH_KEYS; r++)
		f.k[r] = _mm_load_si128((const __m128i *)(const void *)k->round[r]);
	f.before_a = fast_constant('A' - 1);
	f.behind_z = fast_constant('Z' + 1);
	f.small = fast_constant(0x20);
	f.dot = fast_constant('.');
	f.zero = fast_constant('0');
	f.nine = fast_constant(9);
	return f;
}

/* The first n bytes of 16; n from 0 to 16. */
FAST_INLINE __m128i fast_keep(__m128i v, size_t n)
{
	static const uint8_t ones[32] = {
		255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

	return _mm_and_si128(v, _mm_loadu_si128((const __m128i *)(const void *)(ones + 16 - n)));
}

/* ASCII letters to lower case; other bytes stay. */
FAST_INLINE __m128i fast_lower(const struct fast_key *f, __m128i v)
{
	__m128i upper =
		_mm_and_si128(_mm_cmpgt_epi8(v, f->before_a), _mm_cmpgt_epi8(f->behind_z, v));

	return _mm_or_si128(v, _mm_and_si128(upper, f->small));
}

FAST_INLINE __m128i fast_absorb(const struct fast_key *f, __m128i s, __m128i block)
{
	s = _mm_xor_si128(s, block);
	s = _mm_aesenc_si128(s, f->k[1]);
	s = _mm_aesenc_si128(s, f->k[2]);
	s = _mm_aesenc_si128(s, f->k[3]);
	return _mm_aesenc_si128(s, f->k[4]);
}

FAST_INLINE uint64_t fast_finish(const struct fast_key *f, __m128i s, size_t len)
{
	s = _mm_xor_si128(s, _mm_cvtsi64_si128((long long)len));
	s = _mm_aesenc_si128(s, f->k[5]);
	return (uint64_t)_mm_cvtsi128_si64(s);
}

FAST_INLINE __m128i fast_load(const void *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

/* hash_bytes of text that has only small letters; len > 0. */
FAST_INLINE uint64_t fast_hash(const struct fast_key *f, const char *p, size_t len)
{
	__m128i s = f->k[0];
	size_t left = len;

	for (; left > HASH_BLOCK; left -= HASH_BLOCK, p += HASH_BLOCK)
		s = fast_absorb(f, s, fast_load(p));
	return fast_finish(f, fast_absorb(f, s, fast_keep(fast_load(p), left)), len);
}

/* hash_bytes of the text in lower case, 1 to 31 bytes, without a branch: lengths are what a
 * processor guesses worst. */
FAST_INLINE uint64_t fast_hash_short(const struct fast_key *f, const char *p, size_t len)
{
	size_t first = len < HASH_BLOCK ? len : HASH_BLOCK, second = len - first;
	__m128i one = fast_absorb(f, f->k[0], fast_keep(fast_lower(f, fast_load(p)), first));
	__m128i two =
		fast_absorb(f, one, fast_keep(fast_lower(f, fast_load(p + HASH_BLOCK)), second));
	__m128i only = _mm_set1_epi64x(-(long long)(second == 0));

	return fast_finish(
		f, _mm_or_si128(_mm_and_si128(only, one), _mm_andnot_si128(only, two)), len);
}

/* ---- dotted quads -------------------------------------------------------------------------- */

/*
 * "198.51.100.7" without leading zeros; false: it is none. The four ends become indices of the four
 * bytes before each, what lies before a number's start is taken as nothing, and one multiplication
 * adds 100 * a + 10 * b + c in all four at once.
 */
FAST_INLINE bool fast_quad(
	const struct fast_key *f, const char *text, size_t len, uint32_t *ret_address)
{
	__m128i v, ends, starts, at, outside, digits, numbers, least;
	unsigned dots, bits;
	uint32_t e1, e2, e3, marks;

	if (len < 7 || len > 15)
		return false;
	v = fast_load(text);
	bits = (1u << len) - 1;
	dots = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, f->dot)) & bits;
	v = _mm_sub_epi8(v, f->zero);
	if (__builtin_popcount(dots) != 3 ||
		(((unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(v, f->nine), v)) | dots) &
			bits) != bits)
		return false;
	e1 = (uint32_t)__builtin_ctz(dots);
	dots &= dots - 1;
	e2 = (uint32_t)__builtin_ctz(dots);
	dots &= dots - 1;
	e3 = (uint32_t)__builtin_ctz(dots);
	marks = e1 | e2 << 8 | e3 << 16 | (uint32_t)len << 24;
	ends = _mm_shuffle_epi8(_mm_cvtsi32_si128((int)marks),
		_mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3));
	/* a number starts behind the end before it */
	starts = _mm_shuffle_epi8(_mm_cvtsi32_si128((int)((marks << 8) + 0x01010100u)),
		_mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3));
	at = _mm_add_epi8(ends,
		_mm_setr_epi8(-4, -3, -2, -1, -4, -3, -2, -1, -4, -3, -2, -1, -4, -3, -2, -1));
	outside = _mm_cmpgt_epi8(starts, at);
	/* one to three digits each: the fourth is outside, the first is not */
	if ((_mm_movemask_epi8(outside) & 0x9999) != 0x1111)
		return false;
	digits = _mm_shuffle_epi8(v, _mm_or_si128(at, outside));
	numbers = _mm_maddubs_epi16(
		digits, _mm_setr_epi8(0, 100, 10, 1, 0, 100, 10, 1, 0, 100, 10, 1, 0, 100, 10, 1));
	numbers = _mm_madd_epi16(numbers, _mm_set1_epi16(1));
	/* 10 at least with two digits, 100 with three: no leading zeros */
	least = _mm_maddubs_epi16(_mm_andnot_si128(outside, _mm_set1_epi8(1)),
		_mm_setr_epi8(0, 90, 10, 0, 0, 90, 10, 0, 0, 90, 10, 0, 0, 90, 10, 0));
	least = _mm_madd_epi16(least, _mm_set1_epi16(1));
	if (_mm_movemask_epi8(_mm_or_si128(_mm_cmpgt_epi32(least, numbers),
		    _mm_cmpgt_epi32(numbers, _mm_set1_epi32(255)))) != 0)
		return false;
	numbers = _mm_shuffle_epi8(numbers,
		_mm_setr_epi8(12, 8, 4, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
	*ret_address = (uint32_t)_mm_cvtsi128_si32(numbers);
	return true;
}

#endif
#endif
