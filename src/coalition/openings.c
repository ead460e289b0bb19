/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Openings: the salt and content behind a leaf, given to whom the policy names, kept by whoever
 * they open the leaf for. What is special (a withdrawal above all) is asked for first, and nothing
 * that stands behind it is taken before it was applied.
 *
 *   request   text origin | u8 specials | u64 policy | u32 count
 *             | count x (u64 from, u64 to), ascending
 *   answer    u64 epoch | u64 next | u32 withheld | u32 count
 *             | count x (u64 index, salt[32], u32 length, content)
 *
 * `next`: everything asked for below it was considered. `epoch` grows when the giver might decide
 * otherwise: then its asker begins anew. `policy`: the number of the one that is in force at the
 * asker. While it is not the giver's, objects wait: what flows is allowed by both.
 */
#include <stdlib.h>

#include "inside.h"

#define WINDOW      65536  /* leaves asked for in one request: as many are decided at once */
#define GIVE_CHUNK  4096   /* leaves whose places are read at once */
#define GIVE_BYTES  MIB(6) /* contents in one answer; what is begun may go past it by one object */
#define RANGE_BYTES 16

/* ---- taking ---------------------------------------------------------------------------------- */

static uint64_t first_closed(const struct origin *o)
{
	return o->specials_open < o->specials_count ? o->specials[o->specials_open].index
						    : UINT64_MAX;
}

static struct special *special_find(struct origin *o, uint64_t index)
{
	size_t low = 0, high = o->specials_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (o->specials[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low < o->specials_count && o->specials[low].index == index ? &o->specials[low]
									  : NULL;
}

bool is_special(struct origin *o, uint64_t index)
{
	return special_find(o, index) != NULL;
}

/* Wanted: here as a leaf that counts, not withdrawn, not open yet, not behind what is closed. */
static bool wanted(struct origin *o, uint64_t index)
{
	if (index >= origin_valid(o) || index >= o->scanned)
		return false;
	if (index_set_has(&o->known, index) || index_set_has(&o->withdrawn, index))
		return false;
	return index <= first_closed(o) || special_find(o, index) != NULL;
}

struct taking {
	struct ledger_opening *openings; /* objects first, then special ones */
	struct slice *contents;
	uint64_t *serials, *indices;
	size_t objects, count;
	uint64_t refused;
};

static enum err_kind taking_sort(struct origin *o, const struct ledger_opening *openings,
	size_t count, bool specials, struct taking *t, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		bool special = is_special(o, openings[i].index);
		enum err_kind kind;

		if (special != specials || !wanted(o, openings[i].index))
			continue;
		kind = ledger_opening_check(o->log, &openings[i], e);
		if (kind == ERR_INVALID || kind == ERR_LIMIT) {
			t->refused++;
			continue;
		}
		if (kind != OK)
			return kind;
		t->contents[t->count] = openings[i].content;
		t->serials[t->count] = 0;
		t->indices[t->count] = openings[i].index;
		t->openings[t->count++] = openings[i];
	}
	return OK;
}

/* Those that the store did not take stand in our copy of the log, and go by their time. */
static enum err_kind refused_note(
	struct coalition *c, struct origin *o, const struct taking *t, struct err *e)
{
	uint64_t *indices = calloc(t->objects + 1, sizeof(*indices));
	size_t count = 0;
	enum err_kind kind;

	if (indices == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < t->objects; i++)
		if (t->serials[i] == 0)
			indices[count++] = t->indices[i];
	kind = o == c->own ? OK : held_note(c, o, indices, count, e);
	free(indices);
	return kind;
}

static enum err_kind taking_keep(
	struct coalition *c, struct origin *o, struct taking *t, struct err *e)
{
	enum err_kind kind = OK;

	if (t->objects > 0)
		kind = c->sink->accept(c->sink->context, slice_of(o->member), t->indices,
			t->contents, t->objects, t->serials, e);
	if (kind == OK)
		kind = refused_note(c, o, t, e);
	if (kind == OK && t->count > 0)
		kind = ledger_openings_put(o->log, t->openings, t->serials, t->count, e);
	if (kind != OK)
		return kind;
	for (size_t i = t->objects; i < t->count; i++)
		special_find(o, t->openings[i].index)->opened = true;
	for (size_t i = 0; i < t->count && kind == OK; i++)
		kind = index_set_add(&o->known, t->indices[i], e);
	if (kind != OK)
		return kind;
	o->opened += t->count;
	if (t->count > 0)
		c->news++;
	if (t->count > t->objects) {
		kind = specials_apply(c, o, e);
		if (kind == OK)
			kind = candidates_settle(c, e);
		if (kind == OK)
			kind = acknowledge_rest(c, e);
	}
	return kind;
}

enum err_kind openings_take(struct coalition *c, struct origin *o,
	const struct ledger_opening *openings, size_t count, uint64_t *ret_kept,
	uint64_t *ret_refused, struct err *e)
{
	struct taking t = {0};
	enum err_kind kind = OK;

	*ret_kept = 0;
	if (count == 0)
		return OK;
	t.openings = calloc(count, sizeof(*t.openings));
	t.contents = calloc(count, sizeof(*t.contents));
	t.serials = calloc(count, sizeof(*t.serials));
	t.indices = calloc(count, sizeof(*t.indices));
	if (t.openings == NULL || t.contents == NULL || t.serials == NULL || t.indices == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	/* First what is special: a withdrawal in this very answer counts for its objects. */
	for (int specials = 1; specials >= 0 && kind == OK; specials--) {
		t.count = t.objects = 0;
		kind = taking_sort(o, openings, count, specials == 1, &t, e);
		if (specials == 0)
			t.objects = t.count;
		if (kind == OK)
			kind = taking_keep(c, o, &t, e);
		if (kind == OK)
			*ret_kept += t.count;
	}
	if (ret_refused != NULL)
		*ret_refused += t.refused;
	free(t.openings);
	free(t.contents);
	free(t.serials);
	free(t.indices);
	return kind;
}

/* ---- giving ---------------------------------------------------------------------------------- */

struct giving {
	struct coalition *c;
	struct origin *o;
	struct slice member;
	struct ledger_place *places;
	uint64_t *serials, *indices;
	bool *may;
	size_t candidates;
};

static void giving_fini(struct giving *g)
{
	free(g->places);
	free(g->serials);
	free(g->indices);
	free(g->may);
}

static enum err_kind giving_init(struct giving *g, struct err *e)
{
	g->places = calloc(GIVE_CHUNK, sizeof(*g->places));
	g->serials = calloc(GIVE_CHUNK, sizeof(*g->serials));
	g->indices = calloc(GIVE_CHUNK, sizeof(*g->indices));
	g->may = calloc(GIVE_CHUNK, sizeof(*g->may));
	if (g->places == NULL || g->serials == NULL || g->indices == NULL || g->may == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	return OK;
}

/* Which of [from, from + count) may go: what is special to every member, objects as the policy
 * says. What a log keeps of objects that the store refused goes to nobody. */
static enum err_kind giving_decide(struct giving *g, uint64_t from, uint64_t count, bool specials,
	uint64_t *ret_withheld, struct err *e)
{
	struct coalition *c = g->c;
	bool to_origin = slice_is(g->member, g->o->member); /* a restored member asks for its own */
	enum err_kind kind = ledger_places(g->o->log, from, count, g->places, e);

	g->candidates = 0;
	for (uint64_t i = 0; i < count && kind == OK; i++) {
		bool special = is_special(g->o, from + i);

		if (special != specials)
			continue; /* what is special the policy is never asked about */
		if (g->places[i].where == LEDGER_HELD && special) {
			g->serials[g->candidates] = 0;
		} else if (g->places[i].where == LEDGER_STORED && !special) {
			g->serials[g->candidates] = g->places[i].serial;
		} else {
			*ret_withheld += g->places[i].where == LEDGER_HELD && !special;
			continue;
		}
		g->may[g->candidates] = true;
		g->indices[g->candidates++] = from + i;
	}
	if (kind == OK && !specials && !to_origin && g->candidates > 0)
		kind = c->sink->may(c->sink->context, g->member, slice_of(g->o->member), g->serials,
			g->candidates, g->may, e);
	for (size_t i = 0; i < g->candidates && kind == OK; i++)
		*ret_withheld += !g->may[i];
	return kind;
}

/* *ret_given false: the store has it no more. */
static enum err_kind opening_write(
	struct giving *g, size_t i, struct buf *out, bool *ret_given, struct err *e)
{
	struct coalition *c = g->c;
	uint8_t salt[LEDGER_SALT_LEN];
	struct ledger_place place;
	struct buf content = BUF_INIT;
	bool found = true;
	enum err_kind kind =
		ledger_opening_get(g->o->log, g->indices[i], salt, &place, &content, e);

	if (kind == OK && g->serials[i] != 0)
		kind = c->sink->content(c->sink->context, g->serials[i], &content, &found, e);
	*ret_given = kind == OK && found;
	if (*ret_given) {
		wire_u64(out, g->indices[i]);
		buf_append(out, salt, sizeof(salt));
		wire_bytes(out, buf_slice(&content));
	}
	secret_wipe(salt, sizeof(salt));
	buf_fini(&content);
	return kind == OK && out->bad ? err_set(e, ERR_NOMEM, "out of memory") : kind;
}

static enum err_kind giving_write(struct giving *g, size_t most, size_t bytes_most, struct buf *out,
	uint64_t *ret_next, size_t *ret_given, struct err *e)
{
	struct coalition *c = g->c;
	uint64_t *sent = calloc(GIVE_CHUNK, sizeof(*sent));
	size_t sent_count = 0;
	enum err_kind kind = sent == NULL ? err_set(e, ERR_NOMEM, "out of memory") : OK;

	for (size_t i = 0; i < g->candidates && kind == OK; i++) {
		bool given = false;

		if (!g->may[i])
			continue;
		if (*ret_given == most || out->len >= bytes_most) {
			*ret_next = g->indices[i];
			break;
		}
		kind = opening_write(g, i, out, &given, e);
		*ret_given += given;
		if (given && g->serials[i] != 0)
			sent[sent_count++] = g->serials[i];
	}
	/* Told before it leaves: what is in the release log may not have arrived, never the
	 * reverse. */
	if (kind == OK && sent_count > 0)
		kind = c->sink->released(
			c->sink->context, g->member, slice_of(g->o->member), sent, sent_count, e);
	free(sent);
	return kind;
}

enum err_kind openings_give(struct coalition *c, struct origin *o, struct slice member,
	uint64_t from, uint64_t to, bool specials, size_t most, size_t bytes_most, struct buf *out,
	uint64_t *ret_next, size_t *ret_given, uint64_t *ret_withheld, struct err *e)
{
	struct giving g = {.c = c, .o = o, .member = member};
	uint64_t size = origin_valid(o);
	enum err_kind kind = giving_init(&g, e);

	if (to > size)
		to = size;
	*ret_next = from < to ? from : to;
	while (kind == OK && *ret_next < to) {
		uint64_t count = to - *ret_next, begin = *ret_next;

		if (count > GIVE_CHUNK)
			count = GIVE_CHUNK;
		*ret_next = begin + count;
		kind = giving_decide(&g, begin, count, specials, ret_withheld, e);
		if (kind == OK)
			kind = giving_write(&g, most, bytes_most, out, ret_next, ret_given, e);
		if (*ret_next != begin + count)
			break; /* full */
	}
	giving_fini(&g);
	return kind;
}

/* ---- the messages ---------------------------------------------------------------------------- */

struct ranges {
	struct buf bytes;
	uint32_t count;
	uint64_t from, to; /* the one that is open */
	bool open;
};

static void range_close(struct ranges *r)
{
	if (!r->open)
		return;
	wire_u64(&r->bytes, r->from);
	wire_u64(&r->bytes, r->to);
	r->count++;
	r->open = false;
}

static void range_add(struct ranges *r, uint64_t index)
{
	if (r->open && r->to == index) {
		r->to++;
		return;
	}
	range_close(r);
	r->open = true;
	r->from = index;
	r->to = index + 1;
}

static void ranges_write(struct coalition *c, struct ranges *r, const struct origin *o,
	bool specials, struct buf *out)
{
	range_close(r);
	wire_text(out, slice_of(o->key.name));
	wire_u8(out, specials ? 1 : 0);
	wire_u64(out, policy_number(c));
	wire_u32(out, r->count);
	buf_slice_append(out, buf_slice(&r->bytes));
	buf_fini(&r->bytes);
}

static bool specials_ranges(struct origin *o, struct ranges *r)
{
	for (size_t i = o->specials_open;
		i < o->specials_count && r->count + 1 < COALITION_RANGES_MAX; i++) {
		if (!o->specials[i].opened && o->specials[i].index < o->frozen_size)
			range_add(r, o->specials[i].index);
	}
	return r->open;
}

/* The first leaf in [at, to) that is neither here nor withdrawn. */
static uint64_t missing_from(const struct origin *o, uint64_t at, uint64_t to)
{
	at = index_set_gap(&o->known, at, to);
	while (at < to && index_set_has(&o->withdrawn, at))
		at = index_set_gap(&o->known, at + 1, to);
	return at;
}

/* Leaves from offer->asked_to on that are not open; the offer moves past what is complete. */
static void objects_ranges(struct origin *o, struct offer *offer, struct ranges *r)
{
	uint64_t to = origin_valid(o), at;

	if (to > first_closed(o))
		to = first_closed(o);
	if (offer->head.size < to)
		to = offer->head.size; /* it cannot open what it does not have */
	if (offer->asked_to >= to)
		return;
	at = offer->asked_to = missing_from(o, offer->asked_to, to);
	if (to - at > WINDOW)
		to = at + WINDOW;
	for (; at < to && r->count + 1 < COALITION_RANGES_MAX; at = missing_from(o, at + 1, to))
		range_add(r, at);
}

enum err_kind openings_ask(struct coalition *c, struct peer *p, struct origin *o, bool *ret_any,
	struct buf *out, struct err *e)
{
	struct offer *offer = &p->offers[origin_number(c, o)];
	struct ranges r = {0};
	bool specials = !offer->asked_specials && specials_ranges(o, &r);

	offer->asking_specials = specials;
	if (!specials)
		objects_ranges(o, offer, &r);
	*ret_any = r.open || r.count > 0;
	if (*ret_any)
		ranges_write(c, &r, o, specials, out);
	else
		buf_fini(&r.bytes);
	return out->bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

enum err_kind openings_answer(
	struct coalition *c, struct peer *p, struct slice request, struct buf *out, struct err *e)
{
	struct reader r = {.rest = request};
	struct slice name = wire_read_text(&r);
	bool specials = read_u8(&r) == 1;
	uint64_t policy = read_u64(&r);
	uint32_t count = read_u32(&r);
	struct origin *o = origin_find(c, name);
	uint64_t next = 0, last = 0, withheld = 0, to = 0, left = WINDOW, end;
	struct buf body = BUF_MAX(COALITION_ANSWER_MAX);
	size_t given = 0;
	bool waits;
	enum err_kind kind = OK;

	if (r.bad || count > COALITION_RANGES_MAX || r.rest.len != (size_t)count * RANGE_BYTES)
		return err_set(e, ERR_PARSE, "request for openings does not fit its layout");
	if (o == NULL)
		return err_set(e, ERR_INVALID, "no log \"%.*s\"", SLICE_ARG(name));
	/* A restored member's own objects go back to it whatever is in force there. */
	waits = !specials && policy != policy_number(c) &&
		!slice_is(slice_of(p->member), o->member);
	for (uint32_t i = 0; i < count && kind == OK; i++) {
		uint64_t from = read_u64(&r);

		to = read_u64(&r);
		if (from >= to || from < last || to > LEDGER_SIZE_MAX) {
			kind = err_set(e, ERR_PARSE, "request for openings: range %u is wrong", i);
			break;
		}
		last = to;
		/* Whoever asks for all at once gets as far as who asks for as much as we do. */
		end = to < origin_valid(o) ? to : origin_valid(o);
		if (end > from && end - from > left)
			end = from + left;
		left -= end > from ? end - from : 0;
		if (waits) {
			next = end;
			continue;
		}
		kind = openings_give(c, o, slice_of(p->member), from, end, specials,
			COALITION_OPENINGS_MAX, GIVE_BYTES, &body, &next, &given, &withheld, e);
		if (next < to && next < origin_valid(o))
			break; /* full */
	}
	if (kind == OK) {
		wire_u64(out, c->sink->epoch(c->sink->context));
		wire_u64(out, next);
		wire_u32(out, (uint32_t)withheld);
		wire_u32(out, (uint32_t)given);
		buf_slice_append(out, buf_slice(&body));
		p->status.sent_openings += given;
		p->status.sent_withheld += withheld;
	}
	buf_fini(&body);
	return kind == OK && out->bad ? err_set(e, ERR_NOMEM, "out of memory") : kind;
}

static enum err_kind openings_read(
	struct reader *r, uint32_t count, struct ledger_opening *openings, struct err *e)
{
	for (uint32_t i = 0; i < count; i++) {
		struct ledger_opening *o = &openings[i];

		o->index = read_u64(r);
		wire_read_hash(r, o->salt);
		o->content = wire_read_bytes(r);
		if (r->bad || o->content.len > LEDGER_CONTENT_MAX)
			return err_set(
				e, ERR_PARSE, "answer with openings: opening %u is cut off", i);
		/* One twice would be kept twice, and erased once. */
		if (i > 0 && o->index <= openings[i - 1].index)
			return err_set(e, ERR_PARSE,
				"answer with openings: opening %u is out of order", i);
	}
	return r->rest.len == 0
		       ? OK
		       : err_set(e, ERR_PARSE, "answer with openings: bytes behind its end");
}

enum err_kind openings_answer_take(
	struct coalition *c, struct peer *p, struct origin *o, struct slice answer, struct err *e)
{
	struct offer *offer = &p->offers[origin_number(c, o)];
	struct reader r = {.rest = answer};
	uint64_t epoch = read_u64(&r), next = read_u64(&r);
	uint32_t withheld = read_u32(&r), count = read_u32(&r);
	struct ledger_opening *openings;
	uint64_t kept = 0, refused = 0;
	enum err_kind kind;

	(void)withheld;
	if (r.bad || count > COALITION_OPENINGS_MAX)
		return err_set(e, ERR_PARSE, "answer with openings does not fit its layout");
	openings = calloc(count + 1, sizeof(*openings));
	if (openings == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = openings_read(&r, count, openings, e);
	if (kind == OK)
		kind = openings_take(c, o, openings, count, &kept, &refused, e);
	free(openings);
	if (kind != OK)
		return kind;
	if (refused > 0)
		return err_set(e, ERR_INVALID, "%llu openings of \"%s\" open nothing",
			(unsigned long long)refused, o->key.name);
	if (epoch != p->epoch) {
		p->epoch = epoch;
		for (size_t i = 0; i < c->origins_count; i++)
			p->offers[i].asked_to = 0;
		p->phase =
			PHASE_DONE; /* anew, but not at once: who says so each time is no burden */
	} else if (offer->asking_specials) {
		offer->asked_specials = kept == 0;
		if (kept == 0 && o == c->own && next > offer->none_to)
			offer->none_to = next;
	} else if (next > offer->asked_to) {
		offer->asked_to = next;
	} else {
		return err_set(e, ERR_INVALID,
			"asked for openings of \"%s\" from %llu, got to %llu", o->key.name,
			(unsigned long long)offer->asked_to, (unsigned long long)next);
	}
	return OK;
}
