/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The versions of split.h. Each makes a word of bits from 64 bytes: where a separator or a line end
 * is, where a line end is, whether a backslash is there. Then the bits become positions: with
 * AVX-512 VBMI2 by compressing the numbers 0..63 under the mask, which costs the same however many
 * there are and never guesses a branch; elsewhere bit by bit.
 */
#include "split.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

struct masks {
	uint64_t all;  /* separators and line ends */
	uint64_t ends; /* line ends */
};

/* The line ends of one word; a word seldom has two. */
static inline __attribute__((always_inline)) size_t add_ends(
	struct split *s, size_t count, size_t rank, struct masks m)
{
	uint64_t ends = m.ends;

	/* Stored always, counted when it is one: whether a word has a line end cannot be guessed.
	 */
	s->ends[count] =
		(uint16_t)(rank + (size_t)__builtin_popcountll(m.all & ((ends & -ends) - 1)));
	if (__builtin_expect((ends & (ends - 1)) == 0, 1))
		return count + (ends != 0);
	for (; ends != 0; ends &= ends - 1)
		s->ends[count++] = (uint16_t)(rank + (size_t)__builtin_popcountll(
							     m.all & ((ends & -ends) - 1)));
	return count;
}

static inline __attribute__((always_inline)) void add_positions(
	struct split *s, size_t count, size_t base, uint64_t all)
{
	size_t n = (size_t)__builtin_popcountll(all);
	uint16_t *to = s->positions + count;

	/* In strides of eight, past the end too: their number is what the branches guess. */
	for (size_t i = 0; i < n; i += 8)
		for (size_t k = 0; k < 8; k++) {
			to[i + k] =
				(uint16_t)(base + (all == 0 ? 0 : (size_t)__builtin_ctzll(all)));
			all &= all - 1;
		}
}

static inline uint64_t low_bits(size_t n)
{
	return n >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1;
}

/* ---- portable -------------------------------------------------------------------------------- */

static void run_portable(const char *data, size_t len, char separator, struct split *s)
{
	s->positions_count = 0;
	s->ends_count = 0;
	s->escapes = false;
	for (size_t i = 0; i < len; i++) {
		char c = data[i];

		s->escapes |= c == '\\';
		if (c == '\n')
			s->ends[s->ends_count++] = (uint16_t)s->positions_count;
		if (c == '\n' || c == separator)
			s->positions[s->positions_count++] = (uint16_t)i;
	}
}

static bool always(void)
{
	return true;
}

#if defined(__x86_64__)

/* ---- SSE2: every x86-64 ---------------------------------------------------------------------- */

static inline uint64_t sse2_mask(const __m128i v[4], char c)
{
	__m128i wanted = _mm_set1_epi8(c);
	uint64_t mask = 0;

	for (unsigned i = 0; i < 4; i++)
		mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v[i], wanted))
			<< (16 * i);
	return mask;
}

static void run_sse2(const char *data, size_t len, char separator, struct split *s)
{
	size_t positions = 0, ends = 0;
	uint64_t escapes = 0;

	for (size_t at = 0; at < len; at += 64) {
		uint64_t inside = low_bits(len - at);
		__m128i v[4];
		struct masks m;

		for (unsigned i = 0; i < 4; i++)
			v[i] = _mm_loadu_si128((const __m128i *)(const void *)(data + at + 16 * i));
		m.ends = sse2_mask(v, '\n') & inside;
		m.all = (sse2_mask(v, separator) & inside) | m.ends;
		escapes |= sse2_mask(v, '\\') & inside;
		ends = add_ends(s, ends, positions, m);
		add_positions(s, positions, at, m.all);
		positions += (size_t)__builtin_popcountll(m.all);
	}
	s->positions_count = positions;
	s->ends_count = ends;
	s->escapes = escapes != 0;
}

/* ---- AVX2 ------------------------------------------------------------------------------------ */

#define AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt")))

AVX2 static inline uint64_t avx2_mask(__m256i low, __m256i high, char c)
{
	__m256i wanted = _mm256_set1_epi8(c);

	return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)) |
	       (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)) << 32;
}

AVX2 static void run_avx2(const char *data, size_t len, char separator, struct split *s)
{
	size_t positions = 0, ends = 0;
	uint64_t escapes = 0;

	for (size_t at = 0; at < len; at += 64) {
		uint64_t inside = low_bits(len - at);
		__m256i low = _mm256_loadu_si256((const __m256i *)(const void *)(data + at));
		__m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(data + at + 32));
		struct masks m;

		m.ends = avx2_mask(low, high, '\n') & inside;
		m.all = (avx2_mask(low, high, separator) & inside) | m.ends;
		escapes |= avx2_mask(low, high, '\\') & inside;
		ends = add_ends(s, ends, positions, m);
		add_positions(s, positions, at, m.all);
		positions += (size_t)__builtin_popcountll(m.all);
	}
	s->positions_count = positions;
	s->ends_count = ends;
	s->escapes = escapes != 0;
}

static bool avx2_usable(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
	       __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}

/* ---- AVX-512 with VBMI2 ---------------------------------------------------------------------- */

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi2,avx2,bmi,bmi2,popcnt,lzcnt")))

AVX512 static void run_avx512(const char *data, size_t len, char separator, struct split *s)
{
	static const uint8_t numbers[64] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36,
		37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57,
		58, 59, 60, 61, 62, 63};
	const __m512i identity = _mm512_loadu_si512(numbers);
	const __m512i of_line = _mm512_set1_epi8('\n');
	const __m512i of_column = _mm512_set1_epi8(separator);
	const __m512i of_escape = _mm512_set1_epi8('\\');
	size_t positions = 0, ends = 0;
	uint64_t escapes = 0;

	for (size_t at = 0; at < len; at += 64) {
		uint64_t inside = low_bits(len - at);
		__m512i v = _mm512_loadu_si512(data + at);
		__m512i base = _mm512_set1_epi16((short)at);
		__m512i where;
		struct masks m;
		size_t n;

		m.ends = _mm512_cmpeq_epi8_mask(v, of_line) & inside;
		m.all = (_mm512_cmpeq_epi8_mask(v, of_column) & inside) | m.ends;
		escapes |= _mm512_cmpeq_epi8_mask(v, of_escape) & inside;
		ends = add_ends(s, ends, positions, m);
		n = (size_t)__builtin_popcountll(m.all);
		where = _mm512_maskz_compress_epi8(m.all, identity);
		_mm512_storeu_si512(s->positions + positions,
			_mm512_add_epi16(
				base, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(where))));
		if (__builtin_expect(n > 32, 0))
			_mm512_storeu_si512(s->positions + positions + 32,
				_mm512_add_epi16(base,
					_mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(where, 1))));
		positions += n;
	}
	s->positions_count = positions;
	s->ends_count = ends;
	s->escapes = escapes != 0;
}

static bool avx512_usable(void)
{
	return avx2_usable() && __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2");
}

#endif

const struct split_version split_versions[] = {
#if defined(__x86_64__)
	{"avx512",   run_avx512,   avx512_usable},
	{"avx2",     run_avx2,     avx2_usable  },
	{"sse2",     run_sse2,     always       },
#endif
	{"portable", run_portable, always       },
};
const size_t split_versions_count = COUNT_OF(split_versions);

split_run split_best(void)
{
	size_t i = 0;

	while (!split_versions[i].usable())
		i++;
	return split_versions[i].run;
}
