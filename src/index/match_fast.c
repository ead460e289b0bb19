/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The first pass for plain columns of names, addresses and hosts, which are nearly all fields of a
 * log. What looks unusual goes the careful way of match.c; both find the same.
 */
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

FAST bool match_fast_name(struct index_matcher *m, struct slice name)
{
	struct fast f = fast_of(m);

	if (f.names == NULL)
		return true;
	if (name.len > 0 && name.data[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.data[name.len - 1] == '.')
		return name.len == 0;
	return fast_name(&f, name.data, name.len, m->field,
		_mm256_loadu_si256((const __m256i *)(const void *)(name.data + name.len - 32)),
		fast_bits(name.len));
}

FAST bool match_fast_address(struct index_matcher *m, struct slice text)
{
	struct fast f = fast_of(m);
	uint32_t address;

	if (!fast_quad(&f.key, text.data, text.len, &address))
		return false;
	fast_ipv4(&f, address, text.data, text.len, m->field);
	return true;
}

/* One field. False: the careful way. */
FAST_INLINE bool fast_field(struct fast *f, const struct field *field, size_t k, uint8_t what)
{
	const char *data = field->data;
	size_t len = field->len;
	uint32_t address;
	__m256i v;

	if (what == PLAN_CAREFUL)
		return false;
	if (what == PLAN_ADDRESS) {
		if (!fast_quad(&f->key, data, len, &address))
			return len < 2; /* "-" */
		fast_ipv4(f, address, data, len, k);
		return true;
	}
	v = _mm256_loadu_si256((const __m256i *)(const void *)(data + len - 32));
	if (what == PLAN_HOST) {
		/* a colon is of a port or an IPv6 address, which has one among its last bytes */
		if (((uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(':'))) &
			    fast_bits(len)) != 0 ||
			data[len - 1] == ']')
			return false;
		if ((unsigned char)(data[len - 1] - '0') <= 9) {
			if (!fast_quad(&f->key, data, len, &address))
				return false;
			fast_ipv4(f, address, data, len, k);
			return true;
		}
	}
	if (f->names == NULL)
		return true;
	if (__builtin_expect(data[len - 1] == '.', 0)) {
		if (--len == 0)
			return true;
		v = _mm256_loadu_si256((const __m256i *)(const void *)(data + len - 32));
	}
	/* two dots at the end leave an empty label behind */
	return data[len - 1] != '.' && fast_name(f, data, len, k, v, fast_bits(len));
}

FAST bool match_fast(struct index_matcher *m, const struct batch *batch, const uint8_t *plan,
	size_t columns, const uint64_t bits[MATCH_WORDS])
{
	struct fast f = fast_of(m);

	for (size_t w = 0; w < MATCH_WORDS; w++) {
		for (uint64_t left = bits[w]; left != 0; left &= left - 1) {
			size_t k = 64 * w + (size_t)__builtin_ctzll(left);
			const struct field *field = &batch->fields[k];

			if (field->column >= columns || field->len == 0 ||
				plan[field->column] == PLAN_NONE)
				continue;
			if (__builtin_expect(m->count == PROBES_MAX, 0) && !match_flush(m))
				return false;
			if (__builtin_expect(fast_field(&f, field, k, plan[field->column]), 1))
				continue;
			m->field = (uint16_t)k;
			match_careful(m, field);
			if (m->stopped)
				return false;
		}
	}
	return true;
}

FAST void match_fast_deepen(struct index_matcher *m, const uint16_t *found, size_t count)
{
	const struct table *t = &m->x->tables[FIELD_NAME];
	struct fast_key key = fast_key_load(&m->x->key);

	for (size_t k = 0; k < count; k++) {
		struct probe *p = &m->probes[found[k]];
		const char *end = p->data + p->len;
		__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(end - 32));
		uint32_t bits = fast_bits(p->len);
		uint32_t dots = (uint32_t)_mm256_movemask_epi8(
					_mm256_cmpeq_epi8(v, _mm256_set1_epi8('.'))) &
				bits;
		uint32_t high = (uint32_t)_mm256_movemask_epi8(v) & bits;
		uint32_t two =
			dots & ~(uint32_t)(UINT64_C(1) << (31 - (unsigned)__builtin_clz(dots | 1)));
		uint32_t three =
			two & ~(uint32_t)(UINT64_C(1) << (31 - (unsigned)__builtin_clz(two | 1)));
		size_t len = three != 0 ? (unsigned)__builtin_clz(three) : p->len;

		if (two == 0 && p->len < 32)
			continue; /* two labels are all there is */
		if (two == 0 || len > 31 || len == 0 || end[-1] == '.' || high >> (32 - len) != 0) {
			match_deepen(m, p);
			continue;
		}
		p->type = PROBE_NAME_DEEP;
		p->deep = fast_hash_short(&key, end - len, len);
		__builtin_prefetch(t->filter + FILTER_BLOCK * filter_line(p->deep, t->lines));
	}
}

/* The numbers of the probes that pass their filters, without a branch on what the filter says. */
FAST size_t match_fast_pass(const struct index_matcher *m, size_t count, uint16_t *ret_found)
{
	const struct index *x = m->x;
	const uint8_t *bits = x->narrow != NULL ? x->narrow : x->wide;
	unsigned skip =
		x->narrow != NULL ? 8 : 16; /* bits of an address below those of the bitmap */
	size_t found = 0;

	for (size_t k = 0; k < count; k++) {
		const struct probe *p = &m->probes[k];
		bool passes;

		if (p->type == PROBE_IPV4)
			passes = bits[p->hash >> skip >> 3] >> (p->hash >> skip & 7) & 1;
		else if (__builtin_expect(p->type == PROBE_SURE, 0))
			passes = true;
		else
			passes = look_filter(&x->tables[p->table], p->hash);
		if (__builtin_expect(p->type == PROBE_NAME_DEEP, 0))
			passes |= look_filter(&x->tables[FIELD_NAME], p->deep);
		ret_found[found] = (uint16_t)k;
		found += passes;
	}
	return found;
}

bool match_fast_supported(const struct hash_key *key)
{
	return key->aes && fast_supported();
}

#else

bool match_fast_supported(const struct hash_key *key)
{
	(void)key;
	return false;
}

bool match_fast(struct index_matcher *m, const struct batch *batch, const uint8_t *plan,
	size_t columns, const uint64_t bits[MATCH_WORDS])
{
	(void)plan;
	(void)columns;
	(void)bits;
	return m->batch == batch;
}

bool match_fast_name(struct index_matcher *m, struct slice name)
{
	(void)name;
	return m->stopped;
}

bool match_fast_address(struct index_matcher *m, struct slice text)
{
	(void)text;
	return m->stopped;
}

size_t match_fast_pass(const struct index_matcher *m, size_t count, uint16_t *ret_found)
{
	(void)ret_found;
	return m->count - count;
}

void match_fast_deepen(struct index_matcher *m, const uint16_t *found, size_t count)
{
	for (size_t k = 0; k < count; k++)
		match_deepen(m, &m->probes[found[k]]);
}

#endif
