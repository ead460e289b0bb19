/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Lists of millions of lines. Names and IPv4 addresses, which are nearly all of them, are taken 64
 * bytes at a time; every other line goes the careful way, which decides the same.
 */
#include "build.h"
#include "fast.h"

#define ENDINGS     256
#define ENDING_WAYS 4

/* Last labels of names that the careful way took for names: it knows what is a file's ending. */
struct lines {
	struct index_builder *b;
	enum field_kind kind;
	uint64_t endings[ENDINGS][ENDING_WAYS];
	unsigned learned;
};

static uint64_t ending_of(struct slice name)
{
	size_t from = name.len;
	uint64_t packed = 0;

	while (from > 0 && name.data[from - 1] != '.')
		from--;
	if (name.len - from > 8)
		return 0;
	for (size_t k = from; k < name.len; k++)
		packed = packed << 8 | (uint8_t)(name.data[k] | 0x20);
	return packed;
}

static uint8_t ending_slot(uint64_t ending)
{
	return (uint8_t)(ending * UINT64_C(0x9e3779b97f4a7c15) >> 56);
}

static bool ending_known(const struct lines *l, uint64_t ending)
{
	const uint64_t *ways = l->endings[ending_slot(ending)];

	return ending != 0 &&
	       (ways[0] == ending || ways[1] == ending || ways[2] == ending || ways[3] == ending);
}

#ifdef __x86_64__
struct bytes64 {
	__m256i a, b;
};

FAST_INLINE uint64_t masks(__m256i a, __m256i b)
{
	return (uint32_t)_mm256_movemask_epi8(a) | (uint64_t)(uint32_t)_mm256_movemask_epi8(b)
							   << 32;
}

FAST_INLINE uint64_t equal64(struct bytes64 v, char c)
{
	__m256i all = _mm256_set1_epi8(c);

	return masks(_mm256_cmpeq_epi8(v.a, all), _mm256_cmpeq_epi8(v.b, all));
}

/* Bytes from `first` on, `count` of them. */
FAST_INLINE uint64_t range64(struct bytes64 v, char first, char count)
{
	__m256i from = _mm256_set1_epi8(first), most = _mm256_set1_epi8((char)(count - 1));
	__m256i a = _mm256_sub_epi8(v.a, from), b = _mm256_sub_epi8(v.b, from);

	return masks(_mm256_cmpeq_epi8(_mm256_min_epu8(a, most), a),
		_mm256_cmpeq_epi8(_mm256_min_epu8(b, most), b));
}

/* A name in small letters, in two registers and in text[0 .. len); dots: where it has them. */
FAST_INLINE bool name_fast(struct index_builder *b, const struct fast_key *key, const char *text,
	struct bytes64 v, unsigned len, uint64_t dots)
{
	uint64_t hash = fast_hash(key, text, len);
	uint64_t before = dots & ~(UINT64_C(1) << (63 - (unsigned)__builtin_clzll(dots)));
	unsigned two = 0;
	uint32_t head = len;
	uint8_t *to;

	if (before != 0) {
		two = 64 - (unsigned)__builtin_clzll(before);
		b->crowds[fast_hash(key, text + two, len - two) >> (64 - CROWD_BITS)]++;
	}
	to = pile_take(
		&b->pool, &b->tables[FIELD_NAME][hash >> (64 - PARTS_BITS)], STAGED_HEAD + len);
	if (to == NULL)
		return false;
	head |= two << 16;
	memcpy(to, &hash, 8);
	memcpy(to + 8, &b->entry, 4);
	memcpy(to + 12, &head, 4); /* a byte too many, which the text covers */
	_mm256_storeu_si256((__m256i *)(void *)(to + STAGED_HEAD), v.a);
	if (__builtin_expect(len > 32, 0))
		_mm256_storeu_si256((__m256i *)(void *)(to + STAGED_HEAD + 32), v.b);
	return true;
}

/*
 * Takes names and addresses line by line as long as they are plain and 96 bytes are readable.
 * *at: where it stopped, at the begin of a line; *number: of that line. False: out of memory.
 */
FAST static bool lines_fast(struct lines *l, const char **at, const char *end, uint64_t *number)
{
	struct index_builder *b = l->b;
	struct fast_key key = fast_key_load(&b->key);
	const __m256i bit = _mm256_set1_epi8(0x20), under = _mm256_set1_epi8('_');
	_Alignas(32) char text[64 + 2 * HASH_BLOCK];
	const char *line = *at;
	uint64_t names = 0, addresses = 0, most = INDEX_VALUES_MAX - b->counts.values;
	unsigned longest = b->longest[FIELD_NAME];
	bool good = true;

	for (; end - line > 96 && names + addresses < most && good; ++*number) {
		struct bytes64 v = {_mm256_loadu_si256((const __m256i *)(const void *)line),
			_mm256_loadu_si256((const __m256i *)(const void *)(line + 32))};
		uint64_t ends = equal64(v, '\n'), dots = equal64(v, '.'),
			 digits = range64(v, '0', 10);
		uint64_t bits, letters, top;
		struct bytes64 small;
		uint32_t address;
		unsigned len, next;

		if (ends == 0)
			break;
		len = (unsigned)__builtin_ctzll(ends);
		next = len + 1;
		if (len > 0 && line[len - 1] == '\r')
			len--;
		if (len < 4)
			break;
		bits = (UINT64_C(1) << len) - 1;
		dots &= bits;
		if (dots == 0)
			break;
		if (((dots | digits) & bits) == bits) {
			if (l->kind == FIELD_NAME || !fast_quad(&key, line, len, &address))
				break;
			good = stage_ipv4(b, address);
			addresses++;
			line += next;
			continue;
		}
		small.a = _mm256_or_si256(v.a, bit);
		small.b = _mm256_or_si256(v.b, bit);
		letters = range64(small, 'a', 26);
		top = bits & (UINT64_MAX << (63 - (unsigned)__builtin_clzll(dots)) << 1);
		/* no empty label; the last one of letters, two at least; and no MAC address in
		 * fours */
		if (l->kind == FIELD_ADDRESS || (dots & (dots << 1 | 1)) != 0 ||
			(letters & top) != top || (top & (top - 1)) == 0 ||
			((letters | digits | dots | equal64(v, '-') | equal64(v, '_')) & bits) !=
				bits ||
			(len == 14 && dots == (1u << 4 | 1u << 9)))
			break;
		if (l->kind == FIELD_NONE) {
			uint64_t ending = ending_of((struct slice){line, len});

			if (!ending_known(l, ending))
				break;
		}
		/* letters become small ones; the bit would change one other byte */
		small.a = _mm256_blendv_epi8(small.a, v.a, _mm256_cmpeq_epi8(v.a, under));
		small.b = _mm256_blendv_epi8(small.b, v.b, _mm256_cmpeq_epi8(v.b, under));
		_mm256_store_si256((__m256i *)(void *)text, small.a);
		_mm256_store_si256((__m256i *)(void *)(text + 32), small.b);
		good = name_fast(b, &key, text, small, len, dots);
		if (len > longest)
			longest = len;
		names++;
		line += next;
	}
	b->staged[FIELD_NAME] += names;
	b->longest[FIELD_NAME] = longest;
	b->counts.kinds[FIELD_NAME] += names;
	b->counts.kinds[FIELD_ADDRESS] += addresses;
	b->counts.values += names + addresses;
	*at = line;
	return good;
}
#endif
/* ---- lists --------------------------------------------------------------------------------- */

/* A name that was taken tells that its ending is one of names. */
static void ending_learn(struct lines *l, struct slice line)
{
	uint64_t ending = ending_of(line);

	if (ending != 0 && !ending_known(l, ending))
		l->endings[ending_slot(ending)][l->learned++ % ENDING_WAYS] = ending;
}

enum err_kind index_builder_lines(struct index_builder *b, enum field_kind kind, struct slice lines,
	uint64_t first_line,
	void (*refused)(void *context, uint64_t line, struct slice text, const struct err *why),
	void *context, struct err *e)
{
	struct lines l = {.b = b, .kind = kind};
	uint64_t number = first_line;
	struct slice line;
#ifdef __x86_64__
	bool fast = b->key.aes && fast_supported() &&
		    (kind == FIELD_NONE || kind == FIELD_NAME || kind == FIELD_ADDRESS);
#endif

	if (!b->has_entry)
		return err_set(e, ERR_USAGE, "a list before the entry that it belongs to");
	while (lines.len > 0) {
		uint64_t names;
		struct err why;
		enum err_kind result;

#ifdef __x86_64__
		if (fast) {
			const char *at = lines.data;

			if (!lines_fast(&l, &at, lines.data + lines.len, &number))
				return err_set(e, ERR_NOMEM, "a list: out of memory");
			lines = slice_cut(lines, (size_t)(at - lines.data), lines.len);
		}
#endif
		if (!slice_next(&lines, '\n', &line))
			break;
		line = slice_trim(line);
		names = b->counts.kinds[FIELD_NAME];
		result = line.len == 0 || line.data[0] == '#'
				 ? OK
				 : index_builder_value(b, kind, line, &why);
		if (result == OK && b->counts.kinds[FIELD_NAME] != names)
			ending_learn(&l, line);
		if (result != OK && result != ERR_INVALID) {
			if (e != NULL)
				*e = why;
			return result;
		}
		if (result == ERR_INVALID && refused != NULL)
			refused(context, number, line, &why);
		number++;
	}
	return OK;
}
