/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Patterns over the stream. A batch is gone through twice: once to hash every value that some
 * pattern could want and have the table's lines fetched, once to look; so the many records that no
 * pattern is about cost a few hashes. A record of which some expression could be true becomes
 * observables, and the evaluator of match.c judges it.
 */
#include <stdlib.h>

#include "set.h"

#define JUDGE_WORK 100000 /* comparisons and path steps for one expression on one record */

enum pending_kind { PENDING_HASH, PENDING_GRAM, PENDING_LEAF };

struct pending {
	uint64_t value; /* a hash; or a leaf that is a candidate already */
	uint64_t role;
	uint16_t record;
	uint16_t field;
	uint8_t kind;
};

/* ---- first: what to look for ----------------------------------------------------------------- */

/* The field at hand. */
struct spot {
	uint64_t role;
	uint16_t record, field;
};

static void pend(
	struct pattern_set *s, enum pending_kind kind, uint64_t value, const struct spot *spot)
{
	struct pending p = {value, spot->role, spot->record, spot->field, (uint8_t)kind};

	if (kind != PENDING_LEAF)
		__builtin_prefetch(&s->slots[value & s->slots_mask]);
	buf_append(&s->pending, &p, sizeof(p));
}

/* A field as text: what it holds, or an address or digest written out into *text. */
static struct slice field_text(const struct column *c, const struct field *f,
	char address[ADDRESS_TEXT_MAX], struct buf *text)
{
	if (!c->binary)
		return (struct slice){f->data, f->len};
	if (c->kind == FIELD_ADDRESS)
		return (struct slice){address, event_address_format(f->data, f->len, address)};
	buf_clear(text);
	hex_append(text, f->data, f->len);
	return buf_slice(text);
}

/* Dotted quads, the usual case, without the general parser. event_said wrote them: they are strict.
 */
static void quad_network(struct slice text, uint8_t network[NETWORK_LEN])
{
	uint8_t *to = network + 12;
	unsigned value = 0;

	memset(network, 0, 10);
	memset(network + 10, 0xff, 2);
	for (size_t k = 0; k < text.len; k++) {
		if (text.data[k] == '.') {
			*to++ = (uint8_t)value;
			value = 0;
		} else {
			value = value * 10 + (unsigned)(text.data[k] - '0');
		}
	}
	*to = (uint8_t)value;
}

static void pend_networks(
	struct pattern_set *s, struct slice address, bool quad, const struct spot *spot)
{
	uint8_t network[NETWORK_LEN];
	uint64_t lengths;
	bool v4;
	char key[17];

	if (quad)
		quad_network(address, network);
	else if (!network_parse(address, network))
		return;
	v4 = memcmp(network, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;
	for (unsigned part = 0; part < (v4 ? 1 : 3); part++) {
		for (lengths = v4 ? s->v4_lengths : s->v6_lengths[part]; lengths != 0;
			lengths &= lengths - 1) {
			unsigned bits = (v4 ? 96 : part * 64) + (unsigned)__builtin_ctzll(lengths);

			set_network_key(network, bits, key);
			pend(s, PENDING_HASH,
				set_hash(s, ATOM_NETWORK, (struct slice){key, sizeof(key)}), spot);
		}
	}
}

static void pend_grams(struct pattern_set *s, struct slice text, bool wide, const struct spot *spot)
{
	const uint64_t *bitmap = wide ? s->wides : s->grams;
	size_t len = wide ? WIDE_LEN : GRAM_LEN;

	for (size_t k = 0; k + len <= text.len; k++) {
		uint64_t word = 0, bit;

		memcpy(&word, text.data + k, len);
		bit = set_gram_bit(s, word);
		if ((bitmap[bit / 64] >> (bit % 64) & 1) != 0)
			pend(s, PENDING_GRAM,
				set_hash(s, wide ? ATOM_WIDE : ATOM_GRAM,
					slice_cut(text, k, k + len)),
				spot);
	}
}

/* The value as a JSON text of its own, for the evaluator's comparisons. */
static bool side_holds(struct pattern_set *s, const struct side *side, struct slice value)
{
	uint64_t tape[4] = {0}, number = 0;
	struct json_doc doc = {.tape = tape};
	struct json_value v = {&doc, 1};
	uint32_t len = (uint32_t)value.len;

	if (side->comparison == NULL)
		return true;
	if (side->number) {
		(void)slice_to_u64(value, &number);
		tape[1] = (uint64_t)'l' << 56;
		tape[2] = number;
	} else {
		buf_clear(&s->text);
		buf_append(&s->text, &len, sizeof(len));
		buf_slice_append(&s->text, value);
		buf_append(&s->text, "\0\0\0\0\0\0\0", 8);
		if (s->text.bad)
			return true; /* the judge will see */
		tape[1] = (uint64_t)'"' << 56;
		doc.strings = (const uint8_t *)s->text.data;
	}
	s->judge.work = JUDGE_WORK;
	s->judge.limit = false;
	return comparison_holds(&s->judge, side->comparison, v, (struct slice){0}) ||
	       s->judge.limit;
}

static void pend_sides(
	struct pattern_set *s, struct slice value, bool said, const struct spot *spot)
{
	const struct side *sides = (const struct side *)(const void *)s->sides.data;

	for (size_t k = 0; k < s->sides.len / sizeof(*sides); k++) {
		if ((sides[k].roles & spot->role) != 0 && (said || sides[k].comparison == NULL) &&
			side_holds(s, &sides[k], value))
			pend(s, PENDING_LEAF, sides[k].leaf, spot);
	}
}

static void pend_field(struct pattern_set *s, const struct batch *batch, const struct field *f)
{
	const struct column *c = &batch->columns[f->column];
	uint64_t role = event_role_bit((enum event_role)c->role);
	struct spot spot = {role, f->record, (uint16_t)(f - batch->fields)};
	char address[ADDRESS_TEXT_MAX];
	struct slice text, rest, one;
	enum event_said kind;
	bool said;

	if ((role & s->roles) == 0)
		return;
	text = field_text(c, f, address, &s->text);
	kind = event_said((enum event_role)c->role, text, &s->said);
	said = kind != SAID_NOTHING;
	text = buf_slice(&s->said);
	if (said && (role & s->equal_roles) != 0) {
		if (c->role == ROLE_TRANSPORT || c->role == ROLE_SERVICE) {
			for (rest = text; slice_next(&rest, ',', &one);)
				pend(s, PENDING_HASH, set_hash(s, ATOM_EQUAL, slice_trim(one)),
					&spot);
		} else {
			pend(s, PENDING_HASH, set_hash(s, ATOM_EQUAL, text), &spot);
		}
	}
	if (said && (role & s->network_roles) != 0 && kind != SAID_NAME)
		pend_networks(s, text, kind == SAID_IPV4, &spot);
	if (said && (role & (s->gram_roles | s->wide_roles)) != 0) {
		struct slice normal = text_normal(text, &s->normal);

		if ((role & s->gram_roles) != 0)
			pend_grams(s, normal, false, &spot);
		if ((role & s->wide_roles) != 0)
			pend_grams(s, normal, true, &spot);
	}
	if ((role & s->side_roles) != 0)
		pend_sides(s, text, said, &spot);
}

/* ---- then: who could be met ------------------------------------------------------------------ */

/* One record's work: its candidates, and what came of them. */
struct visit {
	struct pattern_set *s;
	const struct batch *batch;
	size_t record;
	struct buf leaves; /* of uint32_t: candidates */
	bool (*hit)(void *context, const struct batch *batch, const struct pattern_hit *hit);
	void *context;
	bool goes_on;        /* the record began in the batch before */
	uint32_t said_field; /* whose value s->said holds */
};

static void candidate_add(struct visit *v, uint32_t leaf)
{
	struct set_leaf *l = &set_leaves(v->s)[leaf];

	if (l->stamp == v->s->stamp)
		return;
	l->stamp = v->s->stamp;
	if (v->leaves.len / sizeof(leaf) == PATTERN_CANDIDATES_MAX) {
		v->s->counts.gave_up++;
		return;
	}
	buf_append(&v->leaves, &leaf, sizeof(leaf));
}

/* What a gram stands for, on the whole value: few of those that hold the gram meet it. */
static bool gram_holds(struct visit *v, const struct atom *atom, struct slice value)
{
	struct side side = {atom->comparison, atom->roles, atom->leaf, false};
	struct set_leaf *leaf = &set_leaves(v->s)[atom->leaf];

	if (leaf->tried == v->s->value_stamp)
		return false; /* the gram stands there twice */
	leaf->tried = v->s->value_stamp;
	return side_holds(v->s, &side, value);
}

static void pending_look(struct visit *v, const struct pending *p)
{
	struct pattern_set *s = v->s;
	const struct atom *atom = (const struct atom *)(const void *)s->atoms.data;
	const struct slot *slot;

	if (p->kind == PENDING_LEAF) {
		candidate_add(v, (uint32_t)p->value);
		return;
	}
	slot = set_slot(s, p->value);
	if (slot->count == 0)
		return;
	if (p->kind == PENDING_GRAM && v->said_field != p->field) {
		const struct field *f = &v->batch->fields[p->field];
		const struct column *c = &v->batch->columns[f->column];
		char address[ADDRESS_TEXT_MAX];

		(void)event_said(
			(enum event_role)c->role, field_text(c, f, address, &s->text), &s->said);
		v->said_field = p->field;
		s->value_stamp++;
	}
	atom += slot->first;
	for (uint32_t k = 0; k < slot->count; k++, atom++) {
		if ((atom->roles & p->role) != 0 &&
			(p->kind != PENDING_GRAM || gram_holds(v, atom, buf_slice(&s->said))))
			candidate_add(v, atom->leaf);
	}
}

/* ---- and: is it so
 * -------------------------------------------------------------------------------------------------------
 */

/* The record's observables as one observation; its objects are in s->objects. False: no memory. */
static bool record_observe(struct visit *v, const struct event *e, struct json_doc *doc,
	struct observation *ret_observation)
{
	struct pattern_set *s = v->s;
	struct json_value value;
	struct json_iter it;

	buf_clear(&s->json);
	buf_clear(&s->objects);
	if (!event_stix(e, UINT64_MAX, s->scratch, &s->json))
		return false;
	ret_observation->objects_count = 0;
	if (json_parse(s->parser, buf_slice(&s->json), doc, NULL) != OK) {
		s->counts.gave_up++; /* longer than JSON_MEMORY */
		return true;
	}
	for (it = json_iter(json_root(doc)); json_array_next(&it, &value);) {
		struct object o = {
			json_get_string(value, "id"), json_get_string(value, "type"), value};

		buf_append(&s->objects, &o, sizeof(o));
	}
	if (s->objects.bad)
		return false;
	ret_observation->objects_count = s->objects.len / sizeof(struct object);
	ret_observation->objects = (const struct object *)(const void *)s->objects.data;
	if (ret_observation->objects_count > 1)
		qsort(s->objects.data, ret_observation->objects_count, sizeof(struct object),
			object_order);
	return true;
}

static bool leaf_judge(
	struct pattern_set *s, const struct set_leaf *leaf, const struct observation *o)
{
	bool meets;

	s->judge.work = JUDGE_WORK;
	s->judge.limit = false;
	s->counts.evaluated++;
	meets = judge_observation(&s->judge, leaf->test, o);
	s->counts.gave_up += s->judge.limit;
	return meets;
}

static bool leaf_is_known(const struct pattern_set *s, uint32_t leaf)
{
	uint32_t known;

	for (size_t k = 0; k < s->last_leaves.len; k += sizeof(known)) {
		memcpy(&known, s->last_leaves.data + k, sizeof(known));
		if (known == leaf)
			return true;
	}
	return false;
}

/* START and STOP of the one place where this leaf stands. */
static bool leaf_in_time(const struct set_pattern *p, uint32_t at, int64_t time_us)
{
	const struct op *op = p->compiled.ops;

	while (op->kind != OP_BIND || op->leaf != at)
		op++;
	if (op->from_us == INT64_MIN && op->before_us == INT64_MAX)
		return true;
	return time_us != TIME_UNKNOWN && time_us >= op->from_us && time_us < op->before_us;
}

static bool hit_tell(struct visit *v, struct set_pattern *p, struct pattern_hit *hit)
{
	v->s->counts.matched++;
	hit->number = p->number;
	hit->record = (uint32_t)v->record;
	return v->hit(v->context, v->batch, hit);
}

static bool single_tell(struct visit *v, struct set_pattern *p, const struct place *place)
{
	struct pattern_hit hit = {
		.first_us = place->time_us, .last_us = place->time_us, .observations = 1};

	if (p->stamp == v->s->stamp)
		return true; /* once for a record */
	p->stamp = v->s->stamp;
	buf_clear(&v->s->text);
	buf_printf(&v->s->text, "%s %llu", place->frame ? "frame" : "line",
		(unsigned long long)place->number);
	hit.evidence = buf_slice(&v->s->text);
	return hit_tell(v, p, &hit);
}

/* Of one pattern: the leaves that the record has met, [from, to) of v->leaves. */
static bool pattern_see(struct visit *v, size_t from, size_t to, const struct place *place)
{
	const uint32_t *met = (const uint32_t *)(const void *)v->leaves.data;
	struct set_leaf *leaves = set_leaves(v->s);
	struct set_pattern *p = &set_patterns(v->s)[leaves[met[from]].pattern];
	struct pattern_hit hit = {0};
	uint32_t *own;
	bool is_hit;

	if (p->single) {
		for (size_t k = from; k < to; k++) {
			if (leaf_in_time(p, leaves[met[k]].at, place->time_us))
				return single_tell(v, p, place);
		}
		return true;
	}
	own = ARENA_ARRAY(v->s->scratch, uint32_t, to - from);
	if (own == NULL)
		return false;
	for (size_t k = from; k < to; k++)
		own[k - from] = leaves[met[k]].at;
	if (!state_see(v->s, p, own, to - from, place, &is_hit, &hit))
		return false;
	return !is_hit || hit_tell(v, p, &hit);
}

static int leaf_order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Judge all candidates; those that the record meets stay in v->leaves, by pattern. */
static bool candidates_judge(struct visit *v, const struct observation *o)
{
	uint32_t *leaves = (uint32_t *)(void *)v->leaves.data;
	size_t count = v->leaves.len / sizeof(*leaves), kept = 0;

	for (size_t k = 0; k < count; k++) {
		if (v->goes_on && leaf_is_known(v->s, leaves[k]))
			continue;
		if (leaf_judge(v->s, &set_leaves(v->s)[leaves[k]], o))
			leaves[kept++] = leaves[k];
	}
	v->leaves.len = kept * sizeof(*leaves);
	if (kept > 1) /* leaves of one pattern have neighbouring numbers */
		qsort(leaves, kept, sizeof(*leaves), leaf_order);
	return true;
}

static bool visit_record(struct visit *v)
{
	struct pattern_set *s = v->s;
	const struct record *r = &v->batch->records[v->record];
	struct observation o = {0};
	struct event e = {0};
	struct json_doc doc;
	struct place place;
	size_t count;

	arena_reset(s->scratch);
	s->counts.candidates++;
	if (!v->batch->detail(v->batch, v->record, s->scratch, &e))
		return false;
	place = (struct place){
		r->time_us != TIME_UNKNOWN ? r->time_us : e.time_us, r->number, v->batch->frames};
	e.time_us = place.time_us;
	if (!record_observe(v, &e, &doc, &o) || !candidates_judge(v, &o))
		return false;
	count = v->leaves.len / sizeof(uint32_t);
	for (size_t from = 0, to; from < count; from = to) {
		const uint32_t *met = (const uint32_t *)(const void *)v->leaves.data;
		uint32_t pattern = set_leaves(s)[met[from]].pattern;

		for (to = from + 1; to < count && set_leaves(s)[met[to]].pattern == pattern;)
			to++;
		if (!pattern_see(v, from, to, &place))
			return false;
	}
	/* should the record go on in the next batch, this much of it is told */
	if (v->record + 1 == v->batch->records_count) {
		if (!v->goes_on)
			buf_clear(&s->last_leaves);
		buf_slice_append(&s->last_leaves, buf_slice(&v->leaves));
	}
	return !s->last_leaves.bad;
}

bool pattern_set_batch(struct pattern_set *s, const struct batch *batch,
	bool (*hit)(void *context, const struct batch *batch, const struct pattern_hit *hit),
	void *context)
{
	struct visit v = {
		.s = s, .batch = batch, .hit = hit, .context = context, .said_field = UINT32_MAX};
	const struct record *last = NULL;
	const struct pending *pending;
	size_t count, k = 0;
	bool good = true, goes_on;

	if (batch->records_count == 0)
		return true;
	goes_on = s->goes_on && batch->records[0].number == s->last_number &&
		  batch->records[0].offset == s->last_offset;
	last = &batch->records[batch->records_count - 1];
	if (!goes_on || batch->records_count > 1)
		s->goes_on = false;
	if (!goes_on)
		buf_clear(&s->last_leaves);
	s->counts.events += batch->records_count - (goes_on ? 1 : 0);
	buf_clear(&s->pending);
	for (size_t f = 0; f < batch->fields_count; f++)
		pend_field(s, batch, &batch->fields[f]);
	good = !s->pending.bad && !s->said.bad && !s->normal.bad;
	pending = (const struct pending *)(const void *)s->pending.data;
	count = s->pending.len / sizeof(*pending);
	while (k < count && good) {
		v.record = pending[k].record;
		v.goes_on = goes_on && v.record == 0;
		v.leaves.len = 0;
		s->stamp++;
		for (; k < count && pending[k].record == v.record; k++)
			pending_look(&v, &pending[k]);
		if (v.leaves.len > 0)
			good = !v.leaves.bad && visit_record(&v);
	}
	if (batch->records_count > 1 &&
		(count == 0 || pending[count - 1].record + 1u != batch->records_count))
		buf_clear(&s->last_leaves);
	s->goes_on = batch->fields_count == BATCH_FIELDS;
	s->last_number = last->number;
	s->last_offset = last->offset;
	buf_fini(&v.leaves);
	return good;
}
