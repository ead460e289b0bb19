/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Gossip: who holds which heads of all logs. Whoever hears of a head that does not fit what it
 * holds has found two histories.
 *
 *   request   u16 count | count x (text origin, u64 size, root[32], digest[8], u64 quorum's size)
 *   answer    u64 epoch | u16 count | count x (text origin, u64 opened, u8 bits,
 *             bytes head when bit 0, bytes quorum when bit 1; bit 2: the head is the asker's)
 *
 * A head is sent when it differs from the asker's in any way, a quorum when it is larger.
 */
#include "inside.h"

#define BIT_HEAD   1
#define BIT_QUORUM 2
#define BIT_SAME   4

enum err_kind heads_ask(struct coalition *c, struct peer *p, struct buf *out, struct err *e)
{
	(void)p;
	wire_u16(out, (uint16_t)c->origins_count);
	for (size_t i = 0; i < c->origins_count; i++) {
		const struct origin *o = c->origins[i];

		wire_text(out, slice_of(o->key.name));
		wire_u64(out, o->head.size);
		buf_append(out, o->head.root, LEDGER_HASH_LEN);
		buf_append(out, o->head.digest, sizeof(o->head.digest));
		wire_u64(out, o->quorum.size);
	}
	return out->bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

static void row_write(const struct origin *o, const struct signed_head *head, bool same,
	bool with_quorum, struct buf *out)
{
	bool with_head = !same && head->note.len != 0;

	wire_text(out, slice_of(o->key.name));
	wire_u64(out, o->opened);
	wire_u8(out, (uint8_t)((with_head ? BIT_HEAD : 0) | (with_quorum ? BIT_QUORUM : 0) |
			       (same ? BIT_SAME : 0)));
	if (with_head)
		wire_bytes(out, buf_slice(&head->note));
	if (with_quorum)
		wire_bytes(out, buf_slice(&o->quorum.note));
}

/* A member is told of its own log also what leads beyond the leaves that are here: its disk may be
 * lost, and it must not sign another history. */
static const struct signed_head *head_told(struct origin *o, struct slice to)
{
	const struct led *led = slice_is(to, o->member) ? led_now(o) : NULL;

	return led != NULL && led->head.size > o->head.size ? &led->head : &o->head;
}

void heads_all(struct coalition *c, struct buf *out)
{
	wire_u64(out, 0);
	wire_u16(out, (uint16_t)c->origins_count);
	for (size_t i = 0; i < c->origins_count; i++)
		row_write(c->origins[i], &c->origins[i]->head, false,
			c->origins[i]->quorum.note.len != 0, out);
}

struct asked {
	uint64_t size, quorum;
	uint8_t root[LEDGER_HASH_LEN], digest[8];
	bool given;
};

static enum err_kind asked_read(
	struct coalition *c, struct slice request, struct asked *asked, struct err *e)
{
	struct reader r = {.rest = request};
	unsigned count = read_u16(&r);

	for (unsigned i = 0; i < count && !r.bad; i++) {
		struct origin *o = origin_find(c, wire_read_text(&r));
		struct asked one = {.given = true};
		struct slice digest;

		one.size = read_u64(&r);
		wire_read_hash(&r, one.root);
		digest = read_bytes(&r, sizeof(one.digest));
		one.quorum = read_u64(&r);
		if (!r.bad && o != NULL) {
			memcpy(one.digest, digest.data, sizeof(one.digest));
			asked[origin_number(c, o)] = one;
		}
	}
	return r.bad || r.rest.len != 0
		       ? err_set(e, ERR_PARSE, "request for heads does not fit its layout")
		       : OK;
}

enum err_kind heads_answer(
	struct coalition *c, struct peer *p, struct slice request, struct buf *out, struct err *e)
{
	struct asked asked[ORIGINS_MAX] = {0};
	enum err_kind kind = asked_read(c, request, asked, e);

	if (kind != OK)
		return kind;
	wire_u64(out, c->sink->epoch(c->sink->context));
	wire_u16(out, (uint16_t)c->origins_count);
	for (size_t i = 0; i < c->origins_count; i++) {
		struct origin *o = c->origins[i];
		const struct asked *a = &asked[i];
		const struct signed_head *head = head_told(o, slice_of(p->member));
		bool same = a->given && a->size == head->size &&
			    memcmp(a->root, head->root, LEDGER_HASH_LEN) == 0 &&
			    memcmp(a->digest, head->digest, sizeof(a->digest)) == 0;

		row_write(
			o, head, same, o->quorum.note.len != 0 && o->quorum.size > a->quorum, out);
	}
	return out->bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

/* ---- taking ---------------------------------------------------------------------------------- */

/* Does a signed head fit the leaves that are here? Only for sizes that are. */
static enum err_kind head_fits(
	struct origin *o, const struct signed_head *h, bool *ret_fits, struct err *e)
{
	uint8_t root[LEDGER_HASH_LEN];
	enum err_kind kind = ledger_root(o->log, h->size, root, e);

	*ret_fits = kind == OK && memcmp(root, h->root, LEDGER_HASH_LEN) == 0;
	return kind;
}

/* A head of theirs for a size that we have leaves of. */
static enum err_kind head_compare(
	struct coalition *c, struct origin *o, const struct signed_head *h, struct err *e)
{
	struct branch mine, theirs = branch_of_head(h);
	bool fits;
	enum err_kind kind = head_fits(o, h, &fits, e);

	if (kind != OK)
		return kind;
	if (fits)
		return head_keep(c, o, h, e);
	if (o == c->own)
		own_forked(c, "another member holds a checkpoint of our log that is not ours");
	if (!branch_at(o, h->size, &mine)) {
		/* Ours is not under a signed head yet, so nothing can be proved. It must not keep
		 * us from the rest of the answer. */
		log_line(c->log, LOG_WARN, "head", "log", o->key.name, "error",
			"a signed checkpoint does not fit the leaves held, which are unproved",
			NULL);
		return OK;
	}
	return evidence_make(c, o, h->size, &mine, &theirs, e);
}

static enum err_kind head_take(
	struct coalition *c, struct origin *o, const struct signed_head *h, struct err *e)
{
	return h->size <= ledger_size(o->log) ? head_compare(c, o, h, e) : OK;
}

static enum err_kind row_take(struct coalition *c, struct peer *p, struct origin *o, bool same,
	struct slice head, struct slice quorum, struct err *e)
{
	struct offer *offer = &p->offers[origin_number(c, o)];
	enum err_kind kind = OK;

	if (head.len != 0) {
		kind = head_read(c, o, head, &offer->head, e);
		if (kind == OK)
			kind = head_take(c, o, &offer->head, e);
	} else if (same) {
		kind = head_copy(&offer->head, &o->head, e);
	} else {
		head_fini(&offer->head);
	}
	if (kind == OK && quorum.len != 0) {
		kind = head_read(c, o, quorum, &offer->quorum, e);
		if (kind == OK)
			kind = head_take(c, o, &offer->quorum, e);
	}
	return kind;
}

/* What a member saw of our log goes to the signer, once. */
static enum err_kind seen_take(
	struct coalition *c, struct peer *p, struct slice head, struct err *e)
{
	const struct charter_member *m = charter_member_find(c->charter, slice_of(p->member));
	enum err_kind kind;

	if (p->seen_given || p->of_old || m == NULL || c->own == NULL)
		return OK;
	if (head.len == 0)
		head = buf_slice(&c->own->head.note);
	kind = signer_seen(&c->signer, slice_of(m->witness.name), head, e);
	if (kind == OK)
		kind = signer_signed_size(&c->signer, &c->signed_size, e);
	if (kind == OK)
		p->seen_given = true;
	return kind;
}

/* What a failing disk left undone: leaves that nobody looked at, entries that are open and were not
 * applied. Nothing new need come for it. */
static enum err_kind origin_resume(struct coalition *c, struct origin *o, struct err *e)
{
	enum err_kind kind = OK;

	if (o->scanned < origin_valid(o))
		kind = origin_scan(o, e);
	if (kind == OK && o->specials_open < o->specials_count &&
		o->specials[o->specials_open].opened)
		kind = specials_apply(c, o, e);
	return kind;
}

enum err_kind heads_take(struct coalition *c, struct peer *p, struct slice answer, struct err *e)
{
	struct reader r = {.rest = answer};
	uint64_t epoch = read_u64(&r);
	unsigned count = read_u16(&r);
	enum err_kind kind = OK;

	if (epoch != p->epoch && epoch != 0) {
		p->epoch = epoch;
		for (size_t i = 0; i < ORIGINS_MAX; i++)
			p->offers[i].asked_to = 0;
	}
	if (count > ORIGINS_MAX)
		return err_set(e, ERR_PARSE, "answer with heads of %u logs, at most %d", count,
			ORIGINS_MAX);
	for (unsigned i = 0; i < count && !r.bad && kind == OK; i++) {
		struct slice name = wire_read_text(&r), head = {0}, quorum = {0};
		uint64_t opened = read_u64(&r);
		uint8_t bits = read_u8(&r);
		struct origin *o = origin_find(c, name);

		if ((bits & BIT_HEAD) != 0)
			head = wire_read_bytes(&r);
		if ((bits & BIT_QUORUM) != 0)
			quorum = wire_read_bytes(&r);
		if (r.bad || o == NULL)
			continue; /* a log of a charter that we do not have yet */
		p->offers[origin_number(c, o)].opened = opened;
		p->offers[origin_number(c, o)].asked_specials = false;
		kind = origin_resume(c, o, e);
		if (kind == OK)
			kind = row_take(c, p, o, (bits & BIT_SAME) != 0, head, quorum, e);
		if (kind == OK && o == c->own)
			kind = seen_take(c, p, head, e);
	}
	if (kind == OK && (r.bad || r.rest.len != 0))
		kind = err_set(e, ERR_PARSE, "answer with heads does not fit its layout");
	if (kind == OK)
		kind = candidates_settle(c, e);
	if (kind == OK)
		kind = acknowledge_rest(c, e);
	return kind;
}
