/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Cosigning: a member shows its newest checkpoint to each of the others. As witness one says "this
 * continues what I saw before"; as mirror "and what binds me in it was applied". We say neither
 * before we hold the leaves: then whatever was cosigned can be given back to a member whose disk
 * was lost, and nobody who saw a checkpoint forgets it.
 *
 *   request   u64 size last witnessed | path from it to the checkpoint | bytes note
 *   answer    u8 0 | u64 size | bytes signature lines
 *             u8 1 | u64 size last witnessed | bytes nothing         (ask again from there)
 *             u8 2 | u64 leaves held | bytes nothing                 (ask again later)
 */
#include "inside.h"

#define STATUS_DONE  0
#define STATUS_AGAIN 1
#define STATUS_LATER 2

enum err_kind cosign_ask(struct coalition *c, struct peer *p, struct buf *out, struct err *e)
{
	struct origin *o = c->own;
	struct ledger_path path = {.count = 0};
	enum err_kind kind = OK;

	if (p->witness_size > o->head.size)
		p->witness_size = 0;
	if (p->witness_size > 0)
		kind = ledger_consistency(o->log, p->witness_size, o->head.size, &path, e);
	if (kind != OK)
		return kind;
	wire_u64(out, p->witness_size);
	wire_path(out, &path);
	wire_bytes(out, buf_slice(&o->head.note));
	return out->bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

/* ---- answering ------------------------------------------------------------------------------- */

/* What is special in it was applied. */
static bool applied(const struct origin *o, const struct signed_head *h)
{
	return o->specials_open == o->specials_count ||
	       o->specials[o->specials_open].index >= h->size;
}

/* Its leaves are here, and are these: else it is another history, or we fetch them first. */
static enum err_kind held(struct coalition *c, struct origin *o, const struct signed_head *h,
	bool *ret_held, struct err *e)
{
	struct branch mine, theirs = branch_of_head(h);
	uint8_t root[LEDGER_HASH_LEN];
	enum err_kind kind;

	*ret_held = false;
	if (ledger_size(o->log) < h->size)
		return OK;
	kind = ledger_root(o->log, h->size, root, e);
	if (kind != OK)
		return kind;
	if (memcmp(root, h->root, LEDGER_HASH_LEN) == 0) {
		*ret_held = true;
		return head_keep(c, o, h, e);
	}
	if (branch_at(o, h->size, &mine))
		kind = evidence_make(c, o, h->size, &mine, &theirs, e);
	return kind == OK ? err_set(e, ERR_INVALID, "\"%s\": this is not the history that we hold",
				    o->key.name)
			  : kind;
}

/* As mirror we make the proof from what we hold; the signer knows from where. */
static enum err_kind mirror_line(struct coalition *c, struct origin *o, const struct signed_head *h,
	struct buf *lines, struct err *e)
{
	uint64_t old = 0, known;
	enum err_kind kind = ERR_CONFLICT;

	for (unsigned i = 0; i < 2 && kind == ERR_CONFLICT; i++) {
		struct ledger_path path = {.count = 0};

		if (old > h->size)
			return OK; /* signed a later one already */
		if (old > 0 && ledger_consistency(o->log, old, h->size, &path, e) != OK)
			return e->kind;
		known = old;
		kind = signer_cosign(&c->signer, SIGNER_MIRROR, &o->key, buf_slice(&h->note), old,
			&path, lines, &known, e);
		old = known;
	}
	return kind == ERR_CONFLICT ? OK : kind;
}

enum err_kind cosign_answer(
	struct coalition *c, struct peer *p, struct slice request, struct buf *out, struct err *e)
{
	struct reader r = {.rest = request};
	uint64_t old = read_u64(&r), known = old;
	struct ledger_path path;
	struct slice note;
	struct origin *o = origin_of_member(c, slice_of(p->member));
	struct offer *offer;
	struct buf lines = BUF_MAX(NOTE_BYTES_MAX);
	bool holds = false;
	enum err_kind kind;

	wire_read_path(&r, &path);
	note = wire_read_bytes(&r);
	if (r.bad || r.rest.len != 0)
		return err_set(e, ERR_PARSE, "request for a cosignature does not fit its layout");
	if (o == NULL)
		return err_set(e, ERR_DENIED, "\"%s\" has no log in the charter", p->member);
	if (o->guilty)
		return err_set(e, ERR_DENIED, "\"%s\" showed two histories", o->key.name);
	offer = &p->offers[origin_number(c, o)];
	kind = head_read(c, o, note, &offer->head, e);
	if (kind == OK)
		kind = held(c, o, &offer->head, &holds, e);
	if (kind == OK && holds)
		kind = signer_cosign(
			&c->signer, SIGNER_WITNESS, &o->key, note, old, &path, &lines, &known, e);
	if (kind == ERR_CONFLICT) {
		wire_u8(out, STATUS_AGAIN);
		wire_u64(out, known);
		wire_u32(out, 0);
		kind = OK;
	} else if (kind == OK && !holds) {
		wire_u8(out, STATUS_LATER);
		wire_u64(out, ledger_size(o->log));
		wire_u32(out, 0);
	} else if (kind == OK) {
		if (applied(o, &offer->head))
			kind = mirror_line(c, o, &offer->head, &lines, e);
		wire_u8(out, STATUS_DONE);
		wire_u64(out, offer->head.size);
		wire_bytes(out, buf_slice(&lines));
	}
	buf_fini(&lines);
	if (kind == OK && !holds)
		c->news++; /* it has leaves for us */
	return kind == OK && out->bad ? err_set(e, ERR_NOMEM, "out of memory") : kind;
}

/* ---- the public form ------------------------------------------------------------------------- */

static struct origin *origin_of_note(struct coalition *c, struct slice note)
{
	struct slice rest = note, name = {0};

	return slice_next(&rest, '\n', &name) ? origin_find(c, name) : NULL;
}

static unsigned witness(
	struct coalition *c, const struct ledger_add *add, struct buf *out, struct err *e)
{
	struct origin *o = origin_of_note(c, add->checkpoint);
	struct signed_head head = {0};
	uint64_t known = add->old_size;
	bool holds = false;
	unsigned status = 200;
	enum err_kind kind;

	if (o == NULL || o == c->own || o->gone) {
		err_set(e, ERR_INVALID, "no such log is witnessed here");
		return 404;
	}
	kind = o->guilty ? err_set(e, ERR_INVALID, "\"%s\" showed two histories", o->key.name)
			 : head_read(c, o, add->checkpoint, &head, e);
	if (kind != OK) {
		head_fini(&head);
		return 403;
	}
	kind = add->old_size > head.size ? err_set(e, ERR_PARSE, "the old size is past the new one")
					 : held(c, o, &head, &holds, e);
	if (kind != OK) {
		status = kind == ERR_PARSE ? 400 : 422;
	} else if (!holds) {
		err_set(e, ERR_BUSY, "the leaves of this checkpoint are not here yet");
		status = 404;
	} else {
		kind = signer_cosign(&c->signer, SIGNER_WITNESS, &o->key, add->checkpoint,
			add->old_size, &add->path, out, &known, e);
		status = kind == OK ? 200 : kind == ERR_CONFLICT ? 409 : 422;
		if (kind == ERR_CONFLICT)
			buf_printf(out, "%llu\n", (unsigned long long)known);
	}
	head_fini(&head);
	return status;
}

enum err_kind coalition_add_checkpoint(struct coalition *c, struct slice body, unsigned *ret_status,
	struct buf *out, struct err *e)
{
	struct err why = {0};
	struct ledger_add add;

	if (ledger_add_parse(body, &add, &why) != OK) {
		*ret_status = 400;
	} else {
		pthread_mutex_lock(&c->lock);
		*ret_status = c->charter == NULL ? 404 : witness(c, &add, out, &why);
		pthread_mutex_unlock(&c->lock);
	}
	if (*ret_status != 200 && *ret_status != 409)
		buf_printf(out, "%s\n", why.text);
	return out->bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

/* ---- taking ---------------------------------------------------------------------------------- */

static enum err_kind lines_take(struct coalition *c, struct slice lines, struct err *e)
{
	struct signed_head more = {0};
	struct buf note = BUF_MAX(NOTE_BYTES_MAX);
	struct arena *a = arena_new(NOTE_ARENA_MAX);
	struct note parsed;
	enum err_kind kind;

	if (a == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	/* Our own line first; what is not a line breaks the note and is refused. */
	kind = note_parse(buf_slice(&c->own->head.note), a, &parsed, e);
	if (kind == OK) {
		buf_slice_append(&note, buf_slice(&c->own->head.note));
		buf_slice_append(&note, lines);
		kind = note.bad ? err_set(e, ERR_LIMIT, "too many signatures")
				: head_read(c, c->own, buf_slice(&note), &more, e);
	}
	if (kind == OK)
		kind = head_keep(c, c->own, &more, e);
	head_fini(&more);
	buf_fini(&note);
	arena_free(a);
	return kind;
}

enum err_kind cosign_take(struct coalition *c, struct peer *p, struct slice answer, struct err *e)
{
	const struct charter_member *m = charter_member_find(c->charter, slice_of(p->member));
	struct reader r = {.rest = answer};
	uint8_t status = read_u8(&r);
	uint64_t size = read_u64(&r);
	struct slice lines = wire_read_bytes(&r);
	enum err_kind kind;

	if (r.bad || r.rest.len != 0 || status > STATUS_LATER)
		return err_set(e, ERR_PARSE, "answer with a cosignature does not fit its layout");
	if (status == STATUS_LATER)
		return OK; /* it fetches them now */
	if (status == STATUS_AGAIN) {
		p->witness_size = size;
		return OK;
	}
	if (m == NULL || c->own == NULL || size != c->own->head.size)
		return OK; /* meanwhile there is a newer one */
	kind = lines_take(c, lines, e);
	if (kind != OK)
		return kind;
	p->witness_size = p->cosigned_size = p->status.their_size = size;
	p->cosigned_us = world_monotonic(c->world);
	if (slice_find_text(lines, slice_of(m->mirror.name)) < lines.len)
		p->mirrored_size = size;
	return candidates_settle(c, e);
}
