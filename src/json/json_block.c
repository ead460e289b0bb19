/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A block of 64 bytes becomes four masks (quotes, backslashes, opening and closing brackets), and a
 * few operations on masks tell what stands inside strings. Brackets are then counted, not visited:
 * only a block that could hold the end is looked at bit by bit.
 */
#include "json_block.h"

#if defined(__x86_64__)
#define HAVE_AVX2_VERSION 1
#include <immintrin.h>
#endif

#define BLOCK 64 /* bytes: one bit each in a mask */

struct masks {
	uint64_t quotes, backslashes, opens, closes;
	uint64_t name_starts; /* bytes that can follow the quote of "objects": o and backslash */
};

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Bits of the bytes behind a backslash that is not itself escaped. Backslashes are rare. */
ALWAYS_INLINE uint64_t escaped_bits(uint64_t backslashes, uint64_t *escaped)
{
	uint64_t bits = *escaped;

	*escaped = 0;
	for (backslashes &= ~bits; backslashes != 0;) {
		uint64_t first = backslashes & (0 - backslashes);

		bits |= first << 1;
		*escaped = first >> (BLOCK - 1);
		backslashes &= ~(first | first << 1);
	}
	return bits;
}

ALWAYS_INLINE uint64_t bits_below(unsigned at)
{
	return (UINT64_C(1) << at) - 1;
}

/* The first of the opening quotes that stands at depth 1, or BLOCK. */
ALWAYS_INLINE size_t block_name(const struct masks *m, uint64_t names, uint64_t depth)
{
	for (; names != 0; names &= names - 1) {
		unsigned at = (unsigned)__builtin_ctzll(names);
		uint64_t below = bits_below(at);

		if (depth + (uint64_t)__builtin_popcountll(m->opens & below) -
				(uint64_t)__builtin_popcountll(m->closes & below) ==
			1)
			return at;
	}
	return BLOCK;
}

/* Index just behind the bracket that closes all, or 0. */
ALWAYS_INLINE size_t block_end(const struct masks *m, uint64_t depth)
{
	for (uint64_t closes = m->closes; closes != 0; closes &= closes - 1) {
		unsigned at = (unsigned)__builtin_ctzll(closes);

		depth--;
		if (depth + (uint64_t)__builtin_popcountll(m->opens & bits_below(at)) == 0)
			return at + 1;
	}
	return 0;
}

/*
 * The loop over blocks, made anew for each way to get masks. ret_name is NULL where names do not
 * matter; once inlined, that costs nothing.
 */
ALWAYS_INLINE size_t skip_blocks(struct nesting *n, struct slice bytes, bool passed, bool *ret_name,
	void (*block_masks)(const char *, struct masks *), uint64_t (*prefix_xor)(uint64_t))
{
	struct nesting now = *n;
	char tail[BLOCK];
	struct masks m;
	size_t at = 0;

	if (ret_name != NULL)
		*ret_name = false;
	while (at < bytes.len) {
		const char *block = bytes.data + at;
		size_t len = bytes.len - at;
		uint64_t escaped, strings;
		size_t end, name = BLOCK;

		if (len < BLOCK) {
			memset(tail, ' ', sizeof(tail));
			memcpy(tail, block, len);
			block = tail;
		} else {
			len = BLOCK;
		}
		/* doubles the rate on bytes that come from memory; past the end it does no harm */
		__builtin_prefetch(block + 1024);
		block_masks(block, &m);
		escaped = escaped_bits(m.backslashes, &now.escaped);
		if (len < BLOCK)
			now.escaped = escaped >> len & 1;
		m.quotes &= ~escaped;
		strings = prefix_xor(m.quotes) ^ now.in_string;
		now.in_string = 0 - (strings >> (BLOCK - 1));
		m.opens &= ~strings;
		m.closes &= ~strings;

		if (ret_name != NULL) {
			/* the byte behind the last one is not known here: better stop once too
			 * often */
			uint64_t follow = m.name_starts >> 1 | UINT64_C(1) << (len - 1);

			if (at == 0 && passed)
				follow &= ~UINT64_C(1);
			name = block_name(&m, m.quotes & strings & follow, now.depth);
		}
		if ((uint64_t)__builtin_popcountll(m.closes) >= now.depth) {
			end = block_end(&m, now.depth);
			if (end != 0 && end <= name) {
				*n = (struct nesting){0};
				return at + end;
			}
		}
		if (name != BLOCK) {
			*ret_name = true;
			*n = (struct nesting){.depth = 1};
			return at + name;
		}
		now.depth += (uint64_t)__builtin_popcountll(m.opens) -
			     (uint64_t)__builtin_popcountll(m.closes);
		at += len;
	}
	*n = now;
	return bytes.len;
}

/* ---- any machine ---- */

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* One bit for each of the eight bytes of word that is c: the first byte gives the lowest. */
static inline uint64_t equal_bits_u64(uint64_t word, unsigned char c)
{
	uint64_t lows = EACH_BYTE(0x7f);
	uint64_t differs = word ^ EACH_BYTE(c);

	/* the top bit of each byte: is it zero? No carry leaves a byte. */
	differs = ~(((differs & lows) + lows) | differs | lows);
	/* gathered by one multiplication: no two bits meet */
	return ((differs >> 7) * UINT64_C(0x0102040810204080)) >> 56;
}

static inline void masks_portable(const char *block, struct masks *ret)
{
	struct masks m = {0};

	for (unsigned i = 0; i < BLOCK; i += 8) {
		uint64_t word, curly;

		memcpy(&word, block + i, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		word = __builtin_bswap64(word);
#endif
		curly = word | EACH_BYTE(0x20); /* [ and ] differ from { and } in this bit only */
		m.quotes |= equal_bits_u64(word, '"') << i;
		m.backslashes |= equal_bits_u64(word, '\\') << i;
		m.opens |= equal_bits_u64(curly, '{') << i;
		m.closes |= equal_bits_u64(curly, '}') << i;
		m.name_starts |= equal_bits_u64(word, 'o') << i;
	}
	m.name_starts |= m.backslashes;
	*ret = m;
}

/* Bit i of the result: is the number of bits at and below i odd? */
static inline uint64_t prefix_xor_portable(uint64_t bits)
{
	for (unsigned by = 1; by < 64; by *= 2)
		bits ^= bits << by;
	return bits;
}

static size_t skip_portable(struct nesting *n, struct slice bytes)
{
	return skip_blocks(n, bytes, false, NULL, masks_portable, prefix_xor_portable);
}

static size_t skip_to_name_portable(
	struct nesting *n, struct slice bytes, bool passed, bool *ret_name)
{
	return skip_blocks(n, bytes, passed, ret_name, masks_portable, prefix_xor_portable);
}

static size_t count_newlines_portable(struct slice bytes)
{
	size_t count = 0;

	for (size_t i = 0; i < bytes.len; i++)
		count += bytes.data[i] == '\n';
	return count;
}

static size_t find_high_portable(struct slice bytes, size_t from)
{
	while (from < bytes.len && (unsigned char)bytes.data[from] < BLOCK_HIGH)
		from++;
	return from < bytes.len ? from : bytes.len;
}

const struct block_ops *block_ops_portable(void)
{
	static const struct block_ops ops = {"portable", skip_portable, skip_to_name_portable,
		count_newlines_portable, find_high_portable};

	return &ops;
}

/* ---- AVX2 ---- */

#ifdef HAVE_AVX2_VERSION

#define AVX2 __attribute__((target("avx2,pclmul,popcnt,bmi,lzcnt")))

AVX2 static inline uint64_t bits_of(__m256i low, __m256i high)
{
	return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high)
							     << 32;
}

AVX2 static inline uint64_t equal_bits(__m256i low, __m256i high, char c)
{
	__m256i wanted = _mm256_set1_epi8(c);

	return bits_of(_mm256_cmpeq_epi8(low, wanted), _mm256_cmpeq_epi8(high, wanted));
}

AVX2 static inline void masks_avx2(const char *block, struct masks *ret)
{
	__m256i low = _mm256_loadu_si256((const __m256i *)(const void *)block);
	__m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(block + 32));
	__m256i bit = _mm256_set1_epi8(0x20);
	__m256i low_curly = _mm256_or_si256(low, bit);
	__m256i high_curly = _mm256_or_si256(high, bit);

	ret->quotes = equal_bits(low, high, '"');
	ret->backslashes = equal_bits(low, high, '\\');
	ret->opens = equal_bits(low_curly, high_curly, '{');
	ret->closes = equal_bits(low_curly, high_curly, '}');
	ret->name_starts = equal_bits(low, high, 'o') | ret->backslashes;
}

AVX2 static inline uint64_t prefix_xor_avx2(uint64_t bits)
{
	__m128i product = _mm_clmulepi64_si128(
		_mm_set_epi64x(0, (long long)bits), _mm_set1_epi8((char)0xff), 0);

	return (uint64_t)_mm_cvtsi128_si64(product);
}

AVX2 static size_t skip_avx2(struct nesting *n, struct slice bytes)
{
	return skip_blocks(n, bytes, false, NULL, masks_avx2, prefix_xor_avx2);
}

AVX2 static size_t skip_to_name_avx2(
	struct nesting *n, struct slice bytes, bool passed, bool *ret_name)
{
	return skip_blocks(n, bytes, passed, ret_name, masks_avx2, prefix_xor_avx2);
}

AVX2 static size_t count_newlines_avx2(struct slice bytes)
{
	size_t count = 0, i = 0;

	for (; i + BLOCK <= bytes.len; i += BLOCK) {
		const char *block = bytes.data + i;
		__m256i low = _mm256_loadu_si256((const __m256i *)(const void *)block);
		__m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(block + 32));

		count += (size_t)__builtin_popcountll(equal_bits(low, high, '\n'));
	}
	return count + count_newlines_portable(slice_cut(bytes, i, bytes.len));
}

/* Not zero where a byte is BLOCK_HIGH or more. */
AVX2 static inline __m256i high_avx2(const char *at)
{
	return _mm256_subs_epu8(_mm256_loadu_si256((const __m256i *)(const void *)at),
		_mm256_set1_epi8((char)(BLOCK_HIGH - 1)));
}

AVX2 static size_t find_high_avx2(struct slice bytes, size_t from)
{
	/* four vectors at a time while there is nothing */
	while (bytes.len - from >= 4 * sizeof(__m256i)) {
		const char *at = bytes.data + from;
		__m256i low = _mm256_or_si256(high_avx2(at), high_avx2(at + 32));
		__m256i high = _mm256_or_si256(high_avx2(at + 64), high_avx2(at + 96));

		low = _mm256_or_si256(low, high);
		if (!_mm256_testz_si256(low, low))
			break;
		from += 4 * sizeof(__m256i);
	}
	while (from < bytes.len) {
		__m256i high = high_avx2(bytes.data + from);

		if (!_mm256_testz_si256(high, high)) {
			uint32_t zeros = (uint32_t)_mm256_movemask_epi8(
				_mm256_cmpeq_epi8(high, _mm256_setzero_si256()));

			from += (size_t)__builtin_ctz(~zeros);
			break;
		}
		from += sizeof(high);
	}
	return from < bytes.len ? from : bytes.len;
}

const struct block_ops *block_ops_best(void)
{
	static const struct block_ops ops = {
		"avx2", skip_avx2, skip_to_name_avx2, count_newlines_avx2, find_high_avx2};

	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") &&
		__builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi"))
		return &ops;
	return block_ops_portable();
}

#else

const struct block_ops *block_ops_best(void)
{
	return block_ops_portable();
}

#endif
