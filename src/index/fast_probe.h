/* SPDX-License-Identifier: MPL-2.0 */
/* Probes of names and addresses as they stand in a text, for the first passes over fields and over
 * sheets. */
#ifndef INDEX_FAST_PROBE_H
#define INDEX_FAST_PROBE_H

#include "fast.h"
#include "match.h"

#ifdef __x86_64__

struct fast {
	struct index_matcher *m;
	struct fast_key key;
	__m256i dot;
	const uint8_t *names; /* filter */
	uint64_t lines;
	const uint8_t *wide, *narrow;
};

FAST_INLINE struct probe *fast_add(struct index_matcher *m, unsigned type, const char *data,
	size_t len, size_t field, uint64_t hash)
{
	struct probe *p = &m->probes[m->count++];

	p->hash = hash;
	p->data = data;
	p->len = (uint32_t)len;
	p->field = (uint16_t)field;
	p->type = (uint8_t)type;
	p->table = FIELD_NAME;
	return p;
}

/* False: the careful way. v and bits: the last 32 bytes of the name and which of them belong to it.
 */
FAST_INLINE bool fast_name(
	struct fast *f, const char *data, size_t len, size_t field, __m256i v, uint32_t bits)
{
	uint32_t dots, high, two;
	size_t two_len;
	uint64_t hash;

	dots = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, f->dot)) & bits;
	high = (uint32_t)_mm256_movemask_epi8(v) & bits;
	/* the last dot, then the one before it: a name of two labels has none, and begins there */
	two = dots & ~(uint32_t)(UINT64_C(1) << (31 - (unsigned)__builtin_clz(dots | 1)));
	two_len = two != 0 ? (unsigned)__builtin_clz(two | 1) : len;
	if (__builtin_expect(two_len > 31 || high >> (32 - two_len) != 0, 0))
		return false;
	if (__builtin_expect(dots == 0, 0))
		return true;
	hash = fast_hash_short(&f->key, data + len - two_len, two_len);
	__builtin_prefetch(f->names + FILTER_BLOCK * filter_line(hash, f->lines));
	fast_add(f->m, PROBE_NAME, data, len, field, hash);
	return true;
}

FAST_INLINE void fast_ipv4(
	struct fast *f, uint32_t address, const char *data, size_t len, size_t field)
{
	if (f->wide == NULL)
		return;
	if (f->narrow != NULL)
		__builtin_prefetch(f->narrow + (address >> 11));
	fast_add(f->m, PROBE_IPV4, data, len, field, address);
	/* no branch here either: whether a /16 has indicators cannot be guessed */
	f->m->count -= !(f->wide[address >> 19] >> (address >> 16 & 7) & 1);
}

FAST_INLINE uint32_t fast_bits(size_t len)
{
	return len >= 32 ? UINT32_MAX : ~(UINT32_MAX >> len);
}

FAST_INLINE struct fast fast_of(struct index_matcher *m)
{
	const struct index *x = m->x;
	struct fast f = {.m = m,
		.key = fast_key_load(&x->key),
		.names = x->tables[FIELD_NAME].filter,
		.lines = x->tables[FIELD_NAME].lines,
		.wide = x->wide,
		.narrow = x->narrow};

	f.dot = _mm256_broadcastb_epi8(f.key.dot);
	return f;
}

#endif
#endif
