/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The first pass for plain columns of names, addresses and hosts, which are nearly all fields of a
 * log. What looks unusual goes the careful way of match.c; both find the same.
 */
#include "fast_probe.h"

#ifdef __x86_64__

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
		/* a colon is of a port or an IPv6 address, which has one among its last bytes; what
		 * has one before them is no host */
		if (((uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(':'))) &
			    fast_bits(len)) != 0 ||
			data[len - 1] == ']' || (len > 32 && memchr(data, ':', len - 32) != NULL))
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
