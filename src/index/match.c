/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Batches of fields against an index. First pass: what could be there is hashed, and the line of
 * the filter that knows is asked for. Second pass: nearly all end at that line. The few that are
 * left are looked up with care (resolve.c).
 */
#include <stdlib.h>

#include "match.h"

#define CACHE_LINE 64
#define STRETCH_AHEAD                                                                              \
	512 /* bytes asked for at the most: a /16 has more only where it is crowded                \
	     */

const char *index_how_name(enum index_how how)
{
	static const char *const names[] = {"exact", "parent", "network", "prefix"};

	return (unsigned)how < COUNT_OF(names) ? names[how] : "unknown";
}

enum match_way match_way_best(const struct hash_key *key)
{
	if (!match_fast_supported(key))
		return MATCH_CAREFUL;
	return match_wide_supported() ? MATCH_WIDE : MATCH_FAST;
}

/* Whether the index speaks of any address of 10.0.0.0/8. */
static bool ten_is_quiet(const struct index *x)
{
	uint8_t any = 0;

	for (size_t k = 0; x->wide != NULL && k < 256 / 8; k++)
		any |= x->wide[10 * 256 / 8 + k]; /* a bit for each /16 */
	return any == 0;
}

struct index_matcher *index_matcher_new(const struct index *x)
{
	struct index_matcher *m = aligned_alloc(64, (sizeof(*m) + 63) / 64 * 64);

	if (m == NULL)
		return NULL;
	memset(m, 0, sizeof(*m));
	m->x = x;
	m->way = match_way_best(&x->key);
	for (unsigned k = 0; k < TABLES; k++)
		m->known[k] = x->tables[k].filter != NULL;
	m->addresses = x->wide != NULL || x->tables[TABLE_IPV6].filter != NULL ||
		       x->sections[SECTION_NETWORKS].bytes != 0;
	m->hosts = m->addresses || m->known[FIELD_NAME];
	m->ten_quiet = ten_is_quiet(x);
	return m;
}

void index_matcher_free(struct index_matcher *m)
{
	free(m);
}

/* ---- the second pass ----------------------------------------------------------------------- */

static bool probe_passes(const struct index_matcher *m, const struct probe *p)
{
	const struct index *x = m->x;

	switch (p->type) {
	case PROBE_NAME_DEEP:
		if (look_filter(&x->tables[FIELD_NAME], p->deep))
			return true;
		break;
	case PROBE_IPV4:
		if (x->narrow != NULL)
			return x->narrow[p->hash >> 11] >> (p->hash >> 8 & 7) & 1;
		return x->wide[p->hash >> 19] >> (p->hash >> 16 & 7) & 1;
	case PROBE_SURE:
		return true;
	default:
		break;
	}
	return look_filter(&x->tables[p->table], p->hash);
}

/* The last three labels of a name whose last two are crowded. */
void match_deepen(struct index_matcher *m, struct probe *p)
{
	const struct table *t = &m->x->tables[FIELD_NAME];
	struct slice name = {p->data, p->len};
	size_t two, three;

	/* for this the beginning of an overlong field is not needed */
	if (!normal_field(FIELD_NAME, name, &m->normal))
		return;
	name = (struct slice){m->normal.text, m->normal.len};
	if (!name_labels(name, &two, &three) || three == SIZE_MAX)
		return;
	p->type = PROBE_NAME_DEEP;
	p->deep = hash_bytes(&m->x->key, name.data + three, name.len - three);
	__builtin_prefetch(t->filter + FILTER_BLOCK * filter_line(p->deep, t->lines));
}

/* Between the passes, so that the first need not wait for a hash to know where to go on. */
static void probes_deepen(struct index_matcher *m)
{
	const uint8_t *crowded = m->x->crowded;
	uint16_t found[PROBES_MAX] = {0};
	size_t count = 0;

	if (crowded == NULL)
		return;
	for (size_t k = 0; k < m->count; k++) {
		found[count] = (uint16_t)k;
		count +=
			crowded_has(crowded, m->probes[k].hash) & (m->probes[k].type == PROBE_NAME);
	}
	if (m->way != MATCH_CAREFUL) {
		match_fast_deepen(m, found, count);
		return;
	}
	for (size_t k = 0; k < count; k++)
		match_deepen(m, &m->probes[found[k]]);
}

static size_t probes_pass(const struct index_matcher *m, size_t count, uint16_t *ret_found)
{
	size_t found = 0;

	for (size_t k = 0; k < count; k++) {
		ret_found[found] = (uint16_t)k;
		found += probe_passes(m, &m->probes[k]);
	}
	return found;
}

/* What the search for an address will read first: its neighbours in its /16's stretch. */
static void stretch_ahead(const struct index *x, const uint8_t *row, uint32_t address)
{
	const struct section *low = &x->sections[SECTION_IPV4_LOW];
	uint32_t from = le32(row), end = le32(row + 4);
	uint64_t guess;

	/* whether these rows were verified does not matter: nothing is done but asking */
	if (from >= end || end > low->count)
		return;
	guess = from + ipv4_guess(end - from, address);
	if (guess < IPV4_NEAR)
		guess = IPV4_NEAR;
	/* Read, not prefetched: a processor may leave a prefetch whose page it has to look up
	 * first, and in a virtual machine that is nearly each. Behind the section others follow. */
	(void)*(const volatile uint8_t *)(x->memory + low->offset + 2 * (guess - IPV4_NEAR));
	(void)*(const volatile uint8_t *)(x->memory + low->offset + 2 * (guess + IPV4_NEAR));
}

static bool has_stretches(const struct index *x)
{
	return x->sections[SECTION_IPV4_LOW].width == 2 &&
	       x->sections[SECTION_IPV4_DIRECTORY].bytes != 0;
}

/* Of IPv4 addresses with listed neighbours, which are many in a large index, asks for what will be
 * read: first the rows of the directory, then the stretches that they name. */
static void look_ahead(const struct index_matcher *m, const uint16_t *found, size_t count)
{
	const struct index *x = m->x;
	const uint8_t *rows = x->memory + x->sections[SECTION_IPV4_DIRECTORY].offset;

	if (!has_stretches(x))
		return;
	for (size_t k = 0; k < count; k++) {
		const struct probe *p = &m->probes[found[k]];

		if (p->type == PROBE_IPV4)
			__builtin_prefetch(rows + 4 * (p->hash >> 16));
	}
	for (size_t k = 0; k < count; k++) {
		const struct probe *p = &m->probes[found[k]];

		if (p->type == PROBE_IPV4)
			stretch_ahead(x, rows + 4 * (p->hash >> 16), (uint32_t)p->hash);
	}
}

void match_addresses_ahead(const struct index *x, const struct match_addresses *a)
{
	const uint8_t *rows = x->memory + x->sections[SECTION_IPV4_DIRECTORY].offset;

	if (!has_stretches(x))
		return;
	for (size_t k = 0; k < a->count; k++)
		__builtin_prefetch(rows + 4 * (a->addresses[k] >> 16));
	for (size_t k = 0; k < a->count; k++)
		stretch_ahead(x, rows + 4 * (a->addresses[k] >> 16), a->addresses[k]);
}

/* Looks up the addresses that match_wide found in fields before this one, so that hits come in the
 * order of fields. False: stopped. */
static bool addresses_resolve(struct index_matcher *m, size_t field)
{
	struct match_addresses *a = &m->addresses_found;

	for (; a->next < a->count && a->fields[a->next] < field; a->next++) {
		const struct field *f = &m->batch->fields[a->fields[a->next]];
		const struct probe p = {
			.hash = a->addresses[a->next],
			.data = f->data,
			.len = f->len,
			.field = a->fields[a->next],
			.type = PROBE_IPV4,
		};

		if (!match_resolve(m, &p)) {
			m->stopped = true;
			return false;
		}
	}
	return true;
}

size_t match_passed(struct index_matcher *m, uint16_t ret_found[PROBES_MAX])
{
	size_t count = m->count;

	probes_deepen(m);
	m->count = 0;
	return m->way != MATCH_CAREFUL ? match_fast_pass(m, count, ret_found)
				       : probes_pass(m, count, ret_found);
}

/* Look at what has been gathered; false when the caller wants no more. */
bool match_flush(struct index_matcher *m)
{
	uint16_t found[PROBES_MAX] = {0};
	size_t passed = match_passed(m, found);

	look_ahead(m, found, passed);
	for (size_t k = 0; k < passed; k++) {
		const struct probe *p = &m->probes[found[k]];

		if (!addresses_resolve(m, p->field))
			return false;
		if (!match_resolve(m, p)) {
			m->stopped = true;
			return false;
		}
	}
	return true;
}

/* ---- the first pass, with care ------------------------------------------------------------- */

static struct probe *probe_add(struct index_matcher *m, unsigned type, struct slice text)
{
	struct probe *p = &m->probes[m->count++];

	*p = (struct probe){.data = text.data,
		.len = (uint32_t)text.len,
		.field = m->field,
		.type = (uint8_t)type};
	return p;
}

static void probe_filter(struct index_matcher *m, struct probe *p, unsigned table, uint64_t hash)
{
	const struct table *t = &m->x->tables[table];

	p->hash = hash;
	p->table = (uint8_t)table;
	__builtin_prefetch(t->filter + FILTER_BLOCK * filter_line(hash, t->lines));
}

/* A name as it stands in the field. */
static void name_probe(struct index_matcher *m, struct slice name)
{
	const struct index *x = m->x;
	struct normal *n = &m->normal;
	size_t two, three;

	if (!m->known[FIELD_NAME] || !normal_field(FIELD_NAME, name, n) ||
		!name_labels((struct slice){n->text, n->len}, &two, &three))
		return;
	probe_filter(m, probe_add(m, PROBE_NAME, name), FIELD_NAME,
		hash_bytes(&x->key, n->text + two, n->len - two));
}

static void ipv4_probe(struct index_matcher *m, uint32_t address, struct slice text)
{
	const struct index *x = m->x;
	struct probe *p;

	if (x->wide == NULL || !(x->wide[address >> 19] >> (address >> 16 & 7) & 1))
		return;
	p = probe_add(m, PROBE_IPV4, text);
	p->hash = address;
	if (x->narrow != NULL)
		__builtin_prefetch(x->narrow + (address >> 11));
}

static void address_probe(
	struct index_matcher *m, const uint8_t *bytes, size_t len, struct slice text)
{
	const struct index *x = m->x;
	struct reader r = {
		.rest = {(const char *)bytes, 4}
        };
	struct probe *p;

	if (len == 4) {
		ipv4_probe(m, read_u32(&r), text);
		return;
	}
	if (len != 16 || (!m->known[TABLE_IPV6] && x->sections[SECTION_NETWORKS].bytes == 0))
		return;
	/* networks are few: the walk through them is as cheap as a filter for them would be */
	p = probe_add(m, PROBE_IPV6, text);
	if (x->sections[SECTION_NETWORKS].bytes != 0)
		p->type = PROBE_SURE;
	else
		probe_filter(m, p, TABLE_IPV6, hash_bytes(&x->key, bytes, IPV6_FILTER_BYTES));
}

static void url_probe(struct index_matcher *m, struct slice text)
{
	struct normal *n = &m->normal;
	size_t end = 0;

	if (!m->known[FIELD_URL] || !normal_field(FIELD_URL, text, n))
		return;
	if (n->text[0] == '[')
		end = slice_find((struct slice){n->text, n->len}, ']', 0);
	while (end < n->len && n->text[end] != ':' && n->text[end] != '/')
		end++;
	probe_filter(
		m, probe_add(m, PROBE_URL, text), FIELD_URL, hash_bytes(&m->x->key, n->text, end));
}

/* One part of a field, of the kind that it is looked up as. */
void match_part(void *context, enum field_kind kind, struct slice text)
{
	struct index_matcher *m = context;
	struct normal *n = &m->normal;

	if (m->stopped || (m->count == PROBES_MAX && !match_flush(m)))
		return;
	switch (kind) {
	case FIELD_NAME:
		if (m->way == MATCH_CAREFUL || !match_fast_name(m, text))
			name_probe(m, text);
		break;
	case FIELD_ADDRESS:
		if (m->addresses && !(m->way != MATCH_CAREFUL && match_fast_address(m, text)) &&
			normal_field(FIELD_ADDRESS, text, n))
			address_probe(m, (const uint8_t *)n->text, n->len, text);
		break;
	case FIELD_URL:
		url_probe(m, text);
		break;
	default:
		if (kind < TABLES && m->known[kind] && normal_field(kind, text, n)) {
			struct probe *p = probe_add(m, PROBE_VALUE, text);

			probe_filter(m, p, kind, hash_bytes(&m->x->key, n->text, n->len));
		}
	}
}

/* A field that a packet or a binary log gave as bytes. */
static void binary_field(struct index_matcher *m, enum field_kind kind, const struct field *f)
{
	struct slice bytes = {f->data, f->len};
	struct probe *p;

	if (m->count == PROBES_MAX && !match_flush(m))
		return;
	if (kind == FIELD_ADDRESS) {
		uint8_t four[16];
		static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

		if (f->len == 16 && memcmp(f->data, mapped, sizeof(mapped)) == 0) {
			memcpy(four, f->data + 12, 4);
			address_probe(m, four, 4, bytes);
		} else if (m->addresses) {
			address_probe(m, (const uint8_t *)f->data, f->len, bytes);
		}
		return;
	}
	if (kind >= TABLES || !m->known[kind] || !normal_binary(kind, bytes, &m->normal))
		return;
	p = probe_add(m, PROBE_BINARY, bytes);
	probe_filter(m, p, kind, hash_bytes(&m->x->key, m->normal.text, m->normal.len));
}

/* Any field, whatever it holds. */
void match_careful(struct index_matcher *m, const struct field *f)
{
	const struct column *c = &m->batch->columns[f->column];

	if (c->binary)
		binary_field(m, (enum field_kind)c->kind, f);
	else
		parts_of((enum field_kind)c->kind, (struct slice){f->data, f->len}, match_part, m);
}

/* Word w of the bits of the first `count` fields. */
static uint64_t fields_below(size_t count, size_t w)
{
	if (count >= 64 * (w + 1))
		return UINT64_MAX;
	return count <= 64 * w ? 0 : (UINT64_C(1) << (count - 64 * w)) - 1;
}

bool index_match(struct index_matcher *m, const struct batch *batch,
	bool (*hit)(void *context, const struct batch *batch, const struct index_hit *hit),
	void *context)
{
	uint8_t plan[MATCH_PLANS] = {PLAN_NONE};
	size_t columns = batch->columns_count < COLUMNS_MAX ? batch->columns_count : COLUMNS_MAX;

	m->batch = batch;
	m->hit = hit;
	m->context = context;
	m->stopped = false;
	m->count = 0;
	for (size_t k = 0; k < columns; k++)
		plan[k] = match_plan(m, &batch->columns[k]);
	m->addresses_found.count = 0;
	m->addresses_found.next = 0;
	if (m->way == MATCH_WIDE) {
		if (!match_wide(m, batch, plan, columns))
			return false;
		return match_flush(m) && addresses_resolve(m, BATCH_FIELDS);
	}
	if (m->way == MATCH_FAST) {
		uint64_t bits[MATCH_WORDS];

		for (size_t w = 0; w < MATCH_WORDS; w++)
			bits[w] = fields_below(batch->fields_count, w);
		return match_fast(m, batch, plan, columns, bits) && match_flush(m);
	}
	for (size_t k = 0; k < batch->fields_count && !m->stopped; k++) {
		const struct field *f = &batch->fields[k];

		if (f->column >= columns || f->len == 0 || plan[f->column] == PLAN_NONE)
			continue;
		m->field = (uint16_t)k;
		match_careful(m, f);
	}
	return !m->stopped && match_flush(m);
}

/* What has to be done for a column, given what the index holds. */
uint8_t match_plan(const struct index_matcher *m, const struct column *column)
{
	bool wanted;

	switch (column->kind) {
	case FIELD_NONE:
		return PLAN_NONE;
	case FIELD_ADDRESS:
		wanted = m->addresses;
		break;
	case FIELD_HOST:
		wanted = m->hosts;
		break;
	case FIELD_URL:
		wanted = m->hosts || m->known[FIELD_URL];
		break;
	case FIELD_EMAIL:
		wanted = m->known[FIELD_NAME] || m->known[FIELD_EMAIL];
		break;
	case FIELD_FREE:
		wanted = m->hosts || m->known[FIELD_URL] || m->known[FIELD_EMAIL] ||
			 m->known[FIELD_HASH];
		break;
	default:
		wanted = column->kind < TABLES && m->known[column->kind];
	}
	if (!wanted)
		return PLAN_NONE;
	if (column->binary)
		return PLAN_CAREFUL;
	switch (column->kind) {
	case FIELD_ADDRESS:
		return PLAN_ADDRESS;
	case FIELD_NAME:
		return PLAN_NAME;
	case FIELD_HOST:
		return PLAN_HOST;
	default:
		return PLAN_CAREFUL;
	}
}
