/* SPDX-License-Identifier: MPL-2.0 */
/* What the filters let pass: looked up exactly, with parents, networks and prefixes. */
#include "match.h"

#define URL_STEPS_MAX                                                                              \
	128 /* '/' in a path at which an indicator may end; the rest is passed over                \
	     */

static bool hit_entry(void *context, uint32_t entry)
{
	struct index_matcher *m = context;

	m->found.entry = entry;
	return m->hit(m->context, m->batch, &m->found);
}

static bool report(struct index_matcher *m, const struct probe *p, enum field_kind kind,
	enum index_how how, struct slice indicator, uint64_t number)
{
	m->found = (struct index_hit){
		.field = p->field,
		.kind = kind,
		.how = how,
		.indicator = indicator,
		.value = {p->data, p->len}
        };
	return look_entries(m->x, number, hit_entry, m);
}

/* An indicator that is kept as bytes, in words. */
static struct slice in_words(struct index_matcher *m, enum field_kind kind, struct slice normal)
{
	return (struct slice){m->indicator, normal_print(kind, normal, m->indicator)};
}

/* The name and every parent of at least two labels, the longest first. */
static bool resolve_name(struct index_matcher *m, const struct probe *p)
{
	const struct table *t = &m->x->tables[FIELD_NAME];
	struct slice name, stored;
	size_t two, three, at = 0, labels = 0;

	if (!normal_field(FIELD_NAME, (struct slice){p->data, p->len}, &m->normal))
		return true;
	name = (struct slice){m->normal.text, m->normal.len};
	if (!name_labels(name, &two, &three))
		return true;
	/* what is longer than a name can be still has parents */
	if (name.len > NAME_BYTES_MAX) {
		at = slice_find(name, '.', name.len - NAME_BYTES_MAX - 1) + 1;
	}
	for (; at <= two && labels < INDEX_LABELS_MAX; labels++) {
		struct slice suffix = slice_cut(name, at, name.len);
		uint64_t hash = hash_bytes(&m->x->key, suffix.data, suffix.len);

		if (look_filter(t, hash)) {
			uint64_t number = look_table(m->x, t, hash, suffix, &stored);

			if (number != NUMBER_NONE &&
				!report(m, p, FIELD_NAME, at == 0 ? INDEX_EXACT : INDEX_PARENT,
					stored, number))
				return false;
		}
		at = slice_find(name, '.', at) + 1;
	}
	return true;
}

static bool resolve_value(struct index_matcher *m, const struct probe *p)
{
	enum field_kind kind = (enum field_kind)p->table;
	struct slice text = {p->data, p->len}, value, stored;
	uint64_t number;

	if (!(p->type == PROBE_BINARY ? normal_binary(kind, text, &m->normal)
				      : normal_field(kind, text, &m->normal)))
		return true;
	value = (struct slice){m->normal.text, m->normal.len};
	number = look_table(m->x, &m->x->tables[kind], p->hash, value, &stored);
	if (number == NUMBER_NONE)
		return true;
	return report(m, p, kind, INDEX_EXACT, in_words(m, kind, stored), number);
}

/* ---- addresses ----------------------------------------------------------------------------- */

struct network_hit {
	struct index_matcher *m;
	const struct probe *p;
};

static bool hit_network(void *context, const uint8_t first[16], unsigned prefix, uint64_t number)
{
	struct network_hit *h = context;
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool four = prefix >= 96 && memcmp(first, mapped, sizeof(mapped)) == 0;
	char normal[17];

	memcpy(normal, four ? first + 12 : first, four ? 4 : 16);
	normal[four ? 4 : 16] = (char)(four ? prefix - 96 : prefix);
	return report(h->m, h->p, FIELD_ADDRESS, INDEX_NETWORK,
		in_words(h->m, FIELD_ADDRESS, (struct slice){normal, four ? 5 : 17}), number);
}

static bool resolve_ipv4(struct index_matcher *m, const struct probe *p)
{
	uint32_t address = (uint32_t)p->hash;
	uint8_t bytes[16] = {[10] = 0xff, [11] = 0xff};
	struct network_hit h = {m, p};
	uint64_t number = look_ipv4(m->x, address);

	put_u32(bytes + 12, address);
	if (number != NUMBER_NONE &&
		!report(m, p, FIELD_ADDRESS, INDEX_EXACT,
			in_words(m, FIELD_ADDRESS, (struct slice){(const char *)bytes + 12, 4}),
			number))
		return false;
	return m->x->sections[SECTION_NETWORKS].bytes == 0 ||
	       look_networks(m->x, bytes, hit_network, &h);
}

static bool resolve_ipv6(struct index_matcher *m, const struct probe *p)
{
	const struct table *t = &m->x->tables[TABLE_IPV6];
	struct network_hit h = {m, p};
	struct slice address, stored;
	uint8_t bytes[16];

	/* as bytes, or as text: text of 16 bytes is told apart by its column */
	if (m->batch->columns[m->batch->fields[p->field].column].binary && p->len == 16) {
		memcpy(bytes, p->data, 16);
	} else {
		if (!normal_field(FIELD_ADDRESS, (struct slice){p->data, p->len}, &m->normal) ||
			m->normal.len != 16)
			return true;
		memcpy(bytes, m->normal.text, 16);
	}
	address = (struct slice){(const char *)bytes, 16};
	if (t->filter != NULL) {
		uint64_t hash = hash_bytes(&m->x->key, bytes, 16);

		if (look_filter(t, hash)) {
			uint64_t number = look_table(m->x, t, hash, address, &stored);

			if (number != NUMBER_NONE &&
				!report(m, p, FIELD_ADDRESS, INDEX_EXACT,
					in_words(m, FIELD_ADDRESS, stored), number))
				return false;
		}
	}
	return m->x->sections[SECTION_NETWORKS].bytes == 0 ||
	       look_networks(m->x, bytes, hit_network, &h);
}

/* ---- URLs ---------------------------------------------------------------------------------- */

/* An indicator without a query whose path ends in '/', or in a segment without a dot, stands for
 * everything below it. */
static bool url_is_folder(struct slice normal)
{
	for (size_t k = normal.len; k > 0; k--) {
		char c = normal.data[k - 1];

		if (c == '/')
			return slice_find(normal, '?', 0) == normal.len;
		if (c == '.' || c == '?')
			return false;
	}
	return false;
}

static bool url_try(struct index_matcher *m, const struct probe *p, struct hash_run *run,
	size_t len, enum index_how how, bool folder)
{
	const struct table *t = &m->x->tables[FIELD_URL];
	struct slice value = {m->normal.text, len}, stored;
	uint64_t hash = hash_run_at(&m->x->key, run, value.data, len);
	uint64_t number;

	if (!look_filter(t, hash))
		return true;
	number = look_table(m->x, t, hash, value, &stored);
	if (number == NUMBER_NONE || (folder && !url_is_folder(stored)))
		return true;
	return report(m, p, FIELD_URL, how, stored, number);
}

/* The shortest first, so that each byte is hashed once: host/, host/a, host/a/, ..., without the
 * query, all of it. */
static bool resolve_url(struct index_matcher *m, const struct probe *p)
{
	const struct section *heap = &m->x->tables[FIELD_URL].heap;
	struct hash_run run;
	size_t path, query, steps = 0;
	struct slice url;

	if (!normal_field(FIELD_URL, (struct slice){p->data, p->len}, &m->normal))
		return true;
	url = (struct slice){m->normal.text, m->normal.len};
	path = slice_find(url, '/', 0);
	query = slice_find(url, '?', path);
	hash_run_begin(&m->x->key, &run);
	for (size_t at = path; at < query && at <= heap->extra && steps < URL_STEPS_MAX;
		at = slice_find(slice_cut(url, 0, query), '/', at + 1), steps++) {
		/* "host/a" for "host/a/b" */
		if (at > path && !url_try(m, p, &run, at, INDEX_PREFIX, true))
			return false;
		if (at + 1 < query && at + 1 <= heap->extra &&
			!url_try(m, p, &run, at + 1, INDEX_PREFIX, true))
			return false;
	}
	/* a resource whatever is asked of it */
	if (query < url.len && query <= heap->extra &&
		!url_try(m, p, &run, query, INDEX_PREFIX, false))
		return false;
	return url.len > heap->extra || url_try(m, p, &run, url.len, INDEX_EXACT, false);
}

/* ---- door ---------------------------------------------------------------------------------- */

bool match_resolve(struct index_matcher *m, const struct probe *p)
{
	switch (p->type) {
	case PROBE_NAME:
	case PROBE_NAME_DEEP:
		return resolve_name(m, p);
	case PROBE_VALUE:
	case PROBE_BINARY:
		return resolve_value(m, p);
	case PROBE_URL:
		return resolve_url(m, p);
	case PROBE_IPV4:
		return resolve_ipv4(m, p);
	default:
		return resolve_ipv6(m, p);
	}
}
