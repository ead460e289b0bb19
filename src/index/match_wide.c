/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The first pass for processors with AVX-512 (VBMI2): four dotted quads are read at a time, and
 * sixteen addresses asked for in the bitmaps. A log's fields come as a mix that cannot be guessed,
 * so they are sorted first, without a branch: what may be a dotted quad into a list, the rest into
 * a set of field numbers, which goes the way of match_fast.c.
 */
#include "fast.h"
#include "match.h"

#ifdef __x86_64__

#define WIDE_INLINE WIDE static inline __attribute__((always_inline))

#define QUAD_LEAST 7  /* bytes: 1.1.1.1 */
#define QUAD_MOST  15 /* 255.255.255.255 */
#define LANES      4  /* texts in a register */
#define EIGHT      8  /* fields in two registers */

/* ---- four dotted quads ----------------------------------------------------------------------- */

#define FOUR(...)    __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__
#define SPREAD(n)    FOUR(n), FOUR(n + 1), FOUR(n + 2), FOUR(n + 3)
#define SIXTEEN(...) FOUR(FOUR(__VA_ARGS__))

enum lanes {
	EACH,    /* 0 to 63 */
	PLACE,   /* in its lane */
	LANE,    /* which it is of */
	NUMBER,  /* which of the sixteen it is of, four bytes each */
	BEFORE,  /* its number's end */
	WEIGHT,  /* of a digit */
	LEAST,   /* that a number must be for having that digit: no leading zeros */
	ADDRESS, /* a lane's numbers in the order of an address */
	LANE_TABLES
};

static const _Alignas(64) int8_t lane_tables[LANE_TABLES][64] = {
	[EACH] = {0,           1,  2,      3,                             4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
		  23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
		  44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63},
	[PLACE] = {FOUR(0,         1,         2,             3,					4,				       5,                                      6,							      7,							     8,							    9,							   10,							   11,                                                           12,                                                           13,                                                           14,                                                           15)                                                          },
	[LANE] = {SIXTEEN(0),         SIXTEEN(1),         SIXTEEN(2),             SIXTEEN(3)                                       },
	[NUMBER] = {SPREAD(0),         SPREAD(4),         SPREAD(8),             SPREAD(12)                                       },
	[BEFORE] = {SIXTEEN(-4,          -3,           -2,    -1)},
	[WEIGHT] = {SIXTEEN(0, 100,   10,1)},
	[LEAST] = {SIXTEEN(0,   90, 10,     0)                           },
	[ADDRESS] = {FOUR(12,         8,         4,             0,				       -1,                                       -1,                                      -1,                                     -1,                                    -1,                                   -1,                                  -1,									   -1,									   -1,									   -1,                                                                           -1,                                                                           -1)                                                                          },
};

WIDE_INLINE __m512i lanes(enum lanes t)
{
	return _mm512_load_si512(lane_tables[t]);
}

WIDE_INLINE __m512i four_texts(const char *const text[LANES])
{
	__m512i v = _mm512_castsi128_si512(fast_load(text[0]));

	v = _mm512_inserti32x4(v, fast_load(text[1]), 1);
	v = _mm512_inserti32x4(v, fast_load(text[2]), 2);
	return _mm512_inserti32x4(v, fast_load(text[3]), 3);
}

/*
 * Four texts of QUAD_LEAST to QUAD_MOST bytes; false: not all are dotted quads without leading
 * zeros. As fast_quad, a lane each; where the numbers end comes of one compression of all sixteen.
 */
WIDE_INLINE bool four_quads(
	const char *const text[LANES], const uint8_t len[LANES], uint32_t ret_addresses[LANES])
{
	__m512i v = four_texts(text), numbers, at;
	__m128i ends, starts;
	__m512i lens;
	uint64_t inside, marks, digits, outside;
	uint32_t packed;

	memcpy(&packed, len, sizeof(packed));
	lens = _mm512_shuffle_epi8(_mm512_set1_epi32((int)packed), lanes(LANE));
	inside = _mm512_cmplt_epu8_mask(lanes(PLACE), lens);
	/* dots, and behind each text its end */
	marks = _mm512_mask_cmpeq_epi8_mask(inside, v, _mm512_set1_epi8('.')) |
		_mm512_cmpeq_epi8_mask(lanes(PLACE), lens);
	v = _mm512_sub_epi8(v, _mm512_set1_epi8('0'));
	digits = _mm512_mask_cmple_epu8_mask(inside, v, _mm512_set1_epi8(9));
	ends = _mm512_castsi512_si128(_mm512_maskz_compress_epi8(marks, lanes(EACH)));
	/* sixteen marks, four of each lane, and nothing else but digits */
	if (__builtin_popcountll(marks) != 4 * LANES || (inside & ~marks & ~digits) != 0 ||
		_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(ends, _mm_set1_epi8(0x30)),
			_mm_setr_epi8(0, 0, 0, 0, 16, 16, 16, 16, 32, 32, 32, 32, 48, 48, 48,
				48))) != 0xffff)
		return false;
	ends = _mm_and_si128(ends, _mm_set1_epi8(15));
	/* a number starts behind the end before it; a lane's first at 0 */
	starts = _mm_add_epi8(_mm_slli_epi32(ends, 8), _mm_set1_epi32(0x01010100));
	at = _mm512_add_epi8(
		_mm512_shuffle_epi8(_mm512_broadcast_i32x4(ends), lanes(NUMBER)), lanes(BEFORE));
	outside = _mm512_cmpgt_epi8_mask(
		_mm512_shuffle_epi8(_mm512_broadcast_i32x4(starts), lanes(NUMBER)), at);
	numbers = _mm512_maddubs_epi16(_mm512_maskz_shuffle_epi8(~outside, v, at), lanes(WEIGHT));
	numbers = _mm512_madd_epi16(numbers, _mm512_set1_epi16(1));
	lens = _mm512_maddubs_epi16(_mm512_maskz_set1_epi8(~outside, 1), lanes(LEAST));
	lens = _mm512_madd_epi16(lens, _mm512_set1_epi16(1));
	/* one to three digits each: the fourth is outside, the first is not */
	if ((outside & 0x9999999999999999) != 0x1111111111111111 ||
		(_mm512_cmpgt_epi32_mask(lens, numbers) |
			_mm512_cmpgt_epi32_mask(numbers, _mm512_set1_epi32(255))) != 0)
		return false;
	numbers = _mm512_shuffle_epi8(numbers, lanes(ADDRESS));
	_mm_storeu_si128((__m128i *)(void *)ret_addresses,
		_mm512_castsi512_si128(_mm512_maskz_compress_epi32(0x1111, numbers)));
	return true;
}

/* ---- fields, sorted -------------------------------------------------------------------------- */

/* Fields 8 * n to 8 * n + 7 that stand in two registers each: their pointers, and the lengths with
 * records and columns behind them. */
struct eight {
	__m512i data, rest;
};

WIDE_INLINE struct eight eight_load(const struct field *f)
{
	const __m512i even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
	const __m512i odd = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
	__m512i low = _mm512_loadu_si512(f), high = _mm512_loadu_si512(f + 4);

	return (struct eight){_mm512_permutex2var_epi64(low, even, high),
		_mm512_permutex2var_epi64(low, odd, high)};
}

/* What may be a dotted quad, and what has to be looked at otherwise. */
WIDE static void fields_sort(const struct batch *batch, const uint8_t plan[MATCH_PLANS],
	struct match_texts *ret_texts, uint64_t ret_rest[MATCH_WORDS])
{
	const __m512i word = _mm512_set1_epi64(sizeof(uint64_t));
	size_t count = 0;

	memset(ret_rest, 0, MATCH_WORDS * sizeof(*ret_rest));
	for (size_t k = 0; k < batch->fields_count; k += EIGHT) {
		size_t here = batch->fields_count - k;
		__mmask8 inside = (__mmask8)(here < EIGHT ? (1U << here) - 1 : 0xff), quad, wanted;
		struct eight f = eight_load(&batch->fields[k]);
		__m512i len = _mm512_and_si512(f.rest, _mm512_set1_epi64(UINT32_MAX));
		__m512i what = _mm512_mask_i64gather_epi64(
			_mm512_setzero_si512(), inside, _mm512_srli_epi64(f.rest, 48), plan, 1);
		/* the last byte highest; bytes in front of a text are readable */
		__m512i last = _mm512_mask_i64gather_epi64(_mm512_setzero_si512(), inside,
			_mm512_sub_epi64(_mm512_add_epi64(f.data, len), word), NULL, 1);
		__m512i number = _mm512_add_epi64(
			_mm512_set1_epi64((long long)k), _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));

		what = _mm512_and_si512(what, _mm512_set1_epi64(0xff));
		wanted = _mm512_mask_cmpneq_epi64_mask(inside, what, _mm512_set1_epi64(PLAN_NONE));
		quad = _mm512_mask_cmpneq_epi64_mask(wanted, what, _mm512_set1_epi64(PLAN_NAME)) &
		       _mm512_mask_cmpneq_epi64_mask(
			       wanted, what, _mm512_set1_epi64(PLAN_CAREFUL)) &
		       _mm512_cmple_epu64_mask(_mm512_sub_epi64(_mm512_srli_epi64(last, 56),
						       _mm512_set1_epi64('0')),
			       _mm512_set1_epi64(9)) &
		       _mm512_cmple_epu64_mask(_mm512_sub_epi64(len, _mm512_set1_epi64(QUAD_LEAST)),
			       _mm512_set1_epi64(QUAD_MOST - QUAD_LEAST));
		_mm512_storeu_si512(
			&ret_texts->data[count], _mm512_maskz_compress_epi64(quad, f.data));
		_mm_storel_epi64((__m128i *)(void *)&ret_texts->lens[count],
			_mm512_cvtepi64_epi8(_mm512_maskz_compress_epi64(quad, len)));
		_mm_storeu_si128((__m128i *)(void *)&ret_texts->fields[count],
			_mm512_cvtepi64_epi16(_mm512_maskz_compress_epi64(quad, number)));
		count += (size_t)__builtin_popcount(quad);
		ret_rest[k / 64] |= (uint64_t)(wanted & (unsigned)~quad) << (k % 64);
	}
	ret_texts->count = count;
}

/* The texts as addresses; those that are none join the rest. */
WIDE static void quads_read(const struct fast_key *key, struct match_texts *t,
	uint64_t rest[MATCH_WORDS], struct match_addresses *ret_addresses)
{
	size_t count = 0;

	/* the last register is filled up with the last text */
	for (size_t k = t->count; k % LANES != 0; k++) {
		t->lens[k] = t->lens[t->count - 1];
		t->data[k] = t->data[t->count - 1];
	}
	for (size_t k = 0; k < t->count; k += LANES) {
		size_t here = t->count - k < LANES ? t->count - k : LANES;

		if (__builtin_expect(
			    four_quads(&t->data[k], &t->lens[k], &ret_addresses->addresses[count]),
			    1)) {
			memcpy(&ret_addresses->fields[count], &t->fields[k],
				LANES * sizeof(t->fields[0]));
			count += here;
			continue;
		}
		for (size_t i = k; i < k + here; i++) {
			uint16_t field = t->fields[i];

			ret_addresses->fields[count] = field;
			if (fast_quad(
				    key, t->data[i], t->lens[i], &ret_addresses->addresses[count]))
				count++;
			else
				rest[field / 64] |= UINT64_C(1) << (field % 64);
		}
	}
	ret_addresses->count = count;
}

/* ---- bitmaps --------------------------------------------------------------------------------- */

/* Keeps the addresses whose bit is set: bit address >> skip of `bits`, which are whole words. */
WIDE static void addresses_keep(struct match_addresses *a, const uint8_t *bits, unsigned skip)
{
	const __m512i low = _mm512_set1_epi32(31);
	size_t kept = 0;

	for (size_t k = 0; k < a->count; k += MATCH_GATHERED) {
		size_t here = a->count - k < MATCH_GATHERED ? a->count - k : MATCH_GATHERED;
		__mmask16 inside = (__mmask16)((1U << here) - 1), set;
		__m512i v = _mm512_loadu_si512(&a->addresses[k]);
		__m512i number = _mm512_srl_epi32(v, _mm_cvtsi32_si128((int)skip));
		__m512i words = _mm512_mask_i32gather_epi32(
			_mm512_setzero_si512(), inside, _mm512_srli_epi32(number, 5), bits, 4);
		__m256i fields = _mm256_loadu_si256((const __m256i *)(const void *)&a->fields[k]);

		set = _mm512_mask_test_epi32_mask(inside,
			_mm512_srlv_epi32(words, _mm512_and_si512(number, low)),
			_mm512_set1_epi32(1));
		_mm512_storeu_si512(&a->addresses[kept], _mm512_maskz_compress_epi32(set, v));
		_mm256_storeu_si256((__m256i *)(void *)&a->fields[kept],
			_mm256_maskz_compress_epi16(set, fields));
		kept += (size_t)__builtin_popcount(set);
	}
	a->count = kept;
}

/* ---- door ---------------------------------------------------------------------------------- */

WIDE void match_wide_texts(struct index_matcher *m, uint64_t rest[MATCH_WORDS])
{
	const struct index *x = m->x;
	const struct fast_key key = fast_key_load(&x->key);
	struct match_addresses *a = &m->addresses_found;

	quads_read(&key, &m->texts, rest, a);
	if (x->wide == NULL)
		a->count = 0;
	else
		addresses_keep(a, x->wide, 16);
	if (x->narrow != NULL)
		addresses_keep(a, x->narrow, 8);
	match_addresses_ahead(x, a);
}

WIDE bool match_wide(
	struct index_matcher *m, const struct batch *batch, const uint8_t *plan, size_t columns)
{
	uint64_t rest[MATCH_WORDS];

	fields_sort(batch, plan, &m->texts, rest);
	match_wide_texts(m, rest);
	return match_fast(m, batch, plan, columns, rest);
}

bool match_wide_supported(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi2");
}

#else

bool match_wide(
	struct index_matcher *m, const struct batch *batch, const uint8_t *plan, size_t columns)
{
	(void)plan;
	(void)columns;
	return m->batch == batch;
}

void match_wide_texts(struct index_matcher *m, uint64_t rest[MATCH_WORDS])
{
	(void)rest;
	m->addresses_found.count = 0;
}

bool match_wide_supported(void)
{
	return false;
}

#endif
