/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Lines of a sheet that no indicator can speak of, told before anything is made of them. A column
 * of addresses is read sixteen lines at a time; sets, as DNS answers are, are cut into elements by
 * one walk over all lines, so that how many a line has is nothing to guess. All go the way of
 * match_wide.c and match_fast.c, but what passes says only that its line is to be looked at: so do
 * all that look unusual.
 */
#include "fast_probe.h"

#ifdef __x86_64__

#define LANES         16        /* lines at a time */
#define ELEMENT_BYTES 64        /* that are sought through for separators at a time */
#define NAME_BYTES    UINT8_MAX /* longer ones are looked at with care */
#define NAME_LEAST    3         /* bytes: a.b */
#define QUAD_LEAST    7         /* 1.1.1.1 */
#define QUAD_MOST     15        /* 255.255.255.255 */
#define RUNS          256

/* Elements of one cell: they begin at `at` and end at the bits of `ends`, counted from there. */
struct run {
	const char *at;
	uint64_t ends;
	uint16_t line;
};

struct sift {
	struct index_matcher *m;
	const struct sheet *sheet;
	uint64_t *keep;
	struct fast fast;
	uint8_t plan; /* of the column in hand */
	size_t runs_count, elements_count;
	struct run runs[RUNS + 1]; /* one behind the last is looked at */
};

static inline void line_keep(struct sift *s, size_t line, bool keep)
{
	s->keep[line / 64] |= (uint64_t)keep << (line % 64);
}

/* ---- what was gathered ----------------------------------------------------------------------- */

static void probes_look(struct sift *s)
{
	uint16_t found[PROBES_MAX];
	size_t passed = match_passed(s->m, found);

	for (size_t k = 0; k < passed; k++)
		line_keep(s, s->m->probes[found[k]].field, true);
}

static void addresses_look(struct sift *s)
{
	const struct index *x = s->m->x;
	struct match_addresses *a = &s->m->addresses_found;
	bool networks = x->sections[SECTION_NETWORKS].bytes != 0;

	match_wide_texts(s->m, s->keep);
	for (size_t k = 0; k < a->count; k++)
		line_keep(
			s, a->fields[k], networks || look_ipv4(x, a->addresses[k]) != NUMBER_NONE);
	s->m->texts.count = 0;
}

/* False: the line has to be looked at. */
FAST_INLINE bool name_look(struct sift *s, const char *data, size_t len, size_t line)
{
	__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(data + len - 32));

	/* a colon is of a port or an IPv6 address, which has one among its last bytes */
	if (((uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(':'))) &
		    fast_bits(len)) != 0 ||
		data[len - 1] == ']')
		return false;
	if (s->fast.names == NULL)
		return true;
	if (__builtin_expect(data[len - 1] == '.', 0)) {
		len--;
		v = _mm256_loadu_si256((const __m256i *)(const void *)(data + len - 32));
	}
	if (__builtin_expect(s->m->count == PROBES_MAX, 0))
		probes_look(s);
	/* two dots at the end leave an empty label behind */
	return data[len - 1] != '.' && fast_name(&s->fast, data, len, line, v, fast_bits(len));
}

FAST static void names_look(struct sift *s)
{
	const struct match_texts *names = &s->m->names;

	for (size_t k = 0; k < names->count; k++)
		if (__builtin_expect(
			    !name_look(s, names->data[k], names->lens[k], names->fields[k]), 0))
			line_keep(s, names->fields[k], true);
	probes_look(s);
	s->m->names.count = 0;
}

/* Room for `more` of each. */
static void make_room(struct sift *s, size_t more)
{
	if (s->m->texts.count + more > BATCH_FIELDS)
		addresses_look(s);
	if (s->m->names.count + more > BATCH_FIELDS)
		names_look(s);
}

/* ---- elements -------------------------------------------------------------------------------- */

static inline void text_put(
	struct match_texts *t, const char *data, size_t len, uint16_t line, bool counts)
{
	t->data[t->count] = data;
	t->lens[t->count] = (uint8_t)len;
	t->fields[t->count] = line;
	t->count += counts;
}

/* Each element is written where addresses and where names are gathered and counted where it
 * belongs; runs follow each other without a branch. */
static void elements_look(struct sift *s)
{
	const struct run *run = s->runs;
	const bool digits = s->plan != PLAN_NAME, letters = s->plan != PLAN_ADDRESS;
	uint64_t ends;
	const char *at;

	if (s->elements_count == 0)
		return;
	ends = run->ends;
	at = run->at;
	s->runs[s->runs_count] = (struct run){.at = s->sheet->data}; /* looked at, never used */
	make_room(s, s->elements_count);
	for (size_t left = s->elements_count; left > 0; left--) {
		const char *end = run->at + __builtin_ctzll(ends);
		size_t len = (size_t)(end - at);
		bool digit = digits & ((unsigned char)(end[-1] - '0') <= 9);
		bool quad = digit & (len - QUAD_LEAST <= QUAD_MOST - QUAD_LEAST);
		bool name = letters & !digit;

		text_put(&s->m->texts, at, len, run->line, quad);
		text_put(&s->m->names, at, len, run->line, name & (len >= NAME_LEAST));
		line_keep(s, run->line, (len > 1) & !quad & !name);
		ends &= ends - 1;
		at = end + 1;
		run += ends == 0;
		at = ends == 0 ? run->at : at;
		ends = ends == 0 ? run->ends : ends;
	}
	s->runs_count = 0;
	s->elements_count = 0;
}

static inline void run_put(struct sift *s, const char *at, uint64_t ends, size_t line)
{
	size_t count = (size_t)__builtin_popcountll(ends);

	if (s->runs_count == RUNS || s->elements_count + count > BATCH_FIELDS)
		elements_look(s);
	s->runs[s->runs_count++] = (struct run){at, ends, (uint16_t)line};
	s->elements_count += count;
}

WIDE static uint64_t separators_of(const char *at, char separator)
{
	return _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(at), _mm512_set1_epi8(separator));
}

/* The elements of a cell; `many`: else all of it is one. */
WIDE static void cell_cut(struct sift *s, const char *at, size_t len, size_t line, bool many)
{
	for (;;) {
		uint64_t ends = many ? separators_of(at, s->sheet->set_separator) : 0;
		size_t passed;

		if (__builtin_expect(len < ELEMENT_BYTES, 1)) {
			ends = (ends & ((UINT64_C(1) << len) - 1)) | UINT64_C(1) << len;
			run_put(s, at, ends, line);
			return;
		}
		if (ends == 0) { /* a long one */
			line_keep(s, line, true);
			return;
		}
		run_put(s, at, ends, line);
		passed = 64 - (size_t)__builtin_clzll(ends);
		at += passed;
		len -= passed;
	}
}

static void cells_cut(struct sift *s, const struct sheet_cell *c)
{
	const struct sheet *sheet = s->sheet;
	const uint16_t *ends = sheet->ends + c->position;

	for (size_t k = 0; k < sheet->lines; k++, ends += sheet->width) {
		size_t from = (uint16_t)(ends[-1] + 1);

		cell_cut(s, sheet->data + from, ends[0] - from, k, c->many);
	}
	elements_look(s);
}

/* ---- columns of one value -------------------------------------------------------------------- */

static void column_of_names(struct sift *s, const struct sheet_cell *c)
{
	const struct sheet *sheet = s->sheet;
	const uint16_t *ends = sheet->ends + c->position;

	make_room(s, sheet->lines);
	for (size_t k = 0; k < sheet->lines; k++, ends += sheet->width) {
		size_t from = (uint16_t)(ends[-1] + 1), len = ends[0] - from;

		text_put(&s->m->names, sheet->data + from, len, (uint16_t)k,
			(len >= NAME_LEAST) & (len <= NAME_BYTES));
		line_keep(s, k, len > NAME_BYTES);
	}
}

/*
 * Sixteen addresses: where they begin and end comes of one load each. Those in networks of the
 * site's own of which the index knows nothing, which are half of all, are told by their first
 * bytes.
 */
WIDE static void column_of_addresses(struct sift *s, const struct sheet_cell *c)
{
	const struct sheet *sheet = s->sheet;
	struct match_texts *t = &s->m->texts;
	const __m512i lane =
		_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	const __m512i every = _mm512_mullo_epi32(lane, _mm512_set1_epi32((int)sheet->width));
	const __m512i ten = _mm512_set1_epi32('1' | '0' << 8 | '.' << 16);
	const __m512i three = _mm512_set1_epi32(s->m->ten_quiet ? 0xffffff : 0);
	const __m512i data = _mm512_set1_epi64((long long)(uintptr_t)sheet->data);

	make_room(s, sheet->lines);
	for (size_t k = 0; k < sheet->lines; k += LANES) {
		size_t here = sheet->lines - k;
		__mmask16 inside = (__mmask16)(here < LANES ? (1U << here) - 1 : 0xffff);
		__m512i pair = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), inside, every,
			sheet->ends + k * sheet->width + c->position - 1, sizeof(uint16_t));
		__m512i from = _mm512_and_si512(
			_mm512_add_epi32(pair, _mm512_set1_epi32(1)), _mm512_set1_epi32(0xffff));
		__m512i len = _mm512_sub_epi32(_mm512_srli_epi32(pair, 16), from);
		__m512i begin = _mm512_mask_i32gather_epi32(
			_mm512_setzero_si512(), inside, from, sheet->data, 1);
		__m512i line = _mm512_add_epi32(_mm512_set1_epi32((int)k), lane);
		__mmask16 something =
			_mm512_mask_cmpgt_epi32_mask(inside, len, _mm512_set1_epi32(1));
		__mmask16 loud = _mm512_mask_cmpneq_epi32_mask(
			something, _mm512_and_si512(begin, three), ten);
		__mmask16 quad = _mm512_mask_cmple_epu32_mask(loud,
			_mm512_sub_epi32(len, _mm512_set1_epi32(QUAD_LEAST)),
			_mm512_set1_epi32(QUAD_MOST - QUAD_LEAST));
		size_t at = t->count;

		s->keep[k / 64] |= (uint64_t)(loud & (unsigned)~quad) << (k % 64);
		from = _mm512_maskz_compress_epi32(quad, from);
		_mm512_storeu_si512(
			&t->data[at], _mm512_add_epi64(data,
					      _mm512_cvtepu32_epi64(_mm512_castsi512_si256(from))));
		_mm512_storeu_si512(&t->data[at + LANES / 2],
			_mm512_add_epi64(
				data, _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(from, 1))));
		_mm_storeu_si128((__m128i *)(void *)&t->lens[at],
			_mm512_cvtepi32_epi8(_mm512_maskz_compress_epi32(quad, len)));
		_mm256_storeu_si256((__m256i *)(void *)&t->fields[at],
			_mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(quad, line)));
		t->count += (size_t)__builtin_popcount(quad);
	}
}

/* ---- door ------------------------------------------------------------------------------------ */

WIDE static void cells_sift(struct index_matcher *m, const struct sheet *sheet,
	const uint8_t *plans, uint64_t *ret_keep)
{
	struct sift s;

	s.m = m;
	s.sheet = sheet;
	s.keep = ret_keep;
	s.fast = fast_of(m);
	s.runs_count = 0;
	s.elements_count = 0;
	for (size_t k = 0; k < sheet->cells_count; k++) {
		const struct sheet_cell *c = &sheet->cells[k];

		s.plan = plans[k];
		if (s.plan == PLAN_NONE)
			continue;
		if (s.plan == PLAN_ADDRESS && !c->many)
			column_of_addresses(&s, c);
		else if (s.plan == PLAN_NAME && !c->many)
			column_of_names(&s, c);
		else
			cells_cut(&s, c);
	}
	names_look(&s);
	addresses_look(&s);
}

bool index_sift(struct index_matcher *m, const struct sheet *sheet, uint64_t ret_keep[SHEET_WORDS])
{
	uint8_t plans[COLUMNS_MAX] = {PLAN_NONE};

	if (m->way != MATCH_WIDE || sheet->cells_count > COLUMNS_MAX)
		return false;
	for (size_t k = 0; k < sheet->cells_count; k++) {
		plans[k] = match_plan(m, &sheet->columns[sheet->cells[k].column]);
		if (plans[k] == PLAN_CAREFUL)
			return false;
	}
	m->count = 0;
	m->texts.count = 0;
	m->names.count = 0;
	memset(ret_keep, 0, SHEET_WORDS * sizeof(*ret_keep));
	cells_sift(m, sheet, plans, ret_keep);
	return true;
}

#else

bool index_sift(struct index_matcher *m, const struct sheet *sheet, uint64_t ret_keep[SHEET_WORDS])
{
	(void)m;
	(void)sheet;
	(void)ret_keep;
	return false;
}

#endif
