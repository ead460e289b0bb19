/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Mirroring: leaves of a log from where ours ends, with the proof that leads from the last of them
 * to the signed head. Any member may hand on any log; who hands on others' leaves is found out.
 *
 *   request   text origin | u64 from | u64 size of the head
 *   answer    u32 count | path from (from + count) to size | count x leaf[48]
 */
#include "inside.h"

#define HOUR_US (3600 * US_PER_SECOND)

void leaves_ask(const struct origin *o, uint64_t from, uint64_t size, struct buf *out)
{
	wire_text(out, slice_of(o->key.name));
	wire_u64(out, from);
	wire_u64(out, size);
}

/* How many from there, and how they lead to the head; which may be one that the leaves held here do
 * not reach. */
static enum err_kind leaves_choose(struct origin *o, uint64_t from, uint64_t size,
	uint64_t *ret_count, struct ledger_path *ret_path, struct err *e)
{
	uint64_t held = ledger_size(o->log), to = size < held ? size : held;
	const struct led *led = size > held ? led_now(o) : NULL;

	if (from >= to || (size > held && (led == NULL || led->head.size != size ||
						  held - from > COALITION_LEAVES_MAX)))
		return err_set(e, ERR_INVALID, "\"%s\" has no leaves from %llu to %llu here",
			o->key.name, (unsigned long long)from, (unsigned long long)size);
	*ret_count = to - from < COALITION_LEAVES_MAX ? to - from : COALITION_LEAVES_MAX;
	if (led == NULL)
		return ledger_consistency(o->log, from + *ret_count, size, ret_path, e);
	*ret_path = led->path;
	return OK;
}

enum err_kind leaves_answer(struct coalition *c, const struct peer *p, struct slice request,
	struct buf *out, struct err *e)
{
	struct reader r = {.rest = request};
	struct slice name = wire_read_text(&r);
	uint64_t from = read_u64(&r), size = read_u64(&r), count = 0;
	struct origin *o = origin_find(c, name);
	struct ledger_path path = {.count = 0};
	enum err_kind kind;

	if (r.bad || r.rest.len != 0)
		return err_set(e, ERR_PARSE, "request for leaves does not fit its layout");
	if (o == NULL)
		return err_set(e, ERR_INVALID, "no log \"%.*s\"", SLICE_ARG(name));
	kind = leaves_choose(o, from, size, &count, &path, e);
	if (kind != OK)
		return kind;
	if (p != NULL && o == c->own && from + count == size && p->cosigned_size < size)
		c->news++; /* who has them can cosign now */
	wire_u32(out, (uint32_t)count);
	wire_path(out, &path);
	return ledger_leaves(o->log, from, count, out, e);
}

/* A member that floods: no more than so many leaves in an hour. Asked before they are hashed,
 * counted when they were proved to be its own: a relay's false ones are not charged to their
 * origin. */
static bool within_rate(struct coalition *c, struct origin *o, uint64_t count)
{
	int64_t now = world_monotonic(c->world);

	if (o->hour_us == 0 || now - o->hour_us >= HOUR_US) {
		o->hour_us = now;
		o->hour_leaves = 0;
	}
	return o->hour_leaves + count <= COALITION_HOURLY_MAX;
}

/* Heads that waited for their leaves. */
static enum err_kind heads_reached(struct coalition *c, struct origin *o, struct err *e)
{
	unsigned number = origin_number(c, o);
	uint64_t size = ledger_size(o->log);
	enum err_kind kind = OK;

	for (size_t i = 0; i < c->peers_count && kind == OK; i++) {
		struct signed_head *q = &c->peers[i]->offers[number].quorum;
		uint8_t root[LEDGER_HASH_LEN];

		if (q->size == 0 || q->size > size || q->size <= o->quorum.size)
			continue;
		kind = ledger_root(o->log, q->size, root, e);
		if (kind == OK && memcmp(root, q->root, LEDGER_HASH_LEN) == 0)
			kind = head_keep(c, o, q, e);
	}
	return kind;
}

enum err_kind leaves_take(struct coalition *c, struct origin *o, const struct signed_head *head,
	struct slice answer, uint64_t *ret_count, struct err *e)
{
	struct reader r = {.rest = answer};
	uint32_t count = read_u32(&r);
	struct note_checkpoint checkpoint = {slice_of(o->key.name), head->size, {0}};
	uint64_t from = ledger_size(o->log);
	struct ledger_path path;
	enum err_kind kind;

	*ret_count = 0;
	memcpy(checkpoint.root, head->root, LEDGER_HASH_LEN);
	wire_read_path(&r, &path);
	if (r.bad || count == 0 || count > COALITION_LEAVES_MAX ||
		r.rest.len != (size_t)count * LEDGER_LEAF_LEN)
		return err_set(e, ERR_PARSE, "answer with leaves does not fit its layout");
	if (!within_rate(c, o, count))
		return err_set(e, ERR_LIMIT, "\"%s\": more than %d leaves in an hour", o->key.name,
			COALITION_HOURLY_MAX);
	kind = led_keep(c, o, head, from + count, &path, e);
	if (kind == OK)
		kind = ledger_mirror(o->log, from, r.rest, &path, &checkpoint, e);
	if (kind == ERR_INVALID)
		return err_wrap(e, "\"%s\"", o->key.name), ERR_CONFLICT;
	if (kind == OK) {
		o->hour_leaves += count;
		kind = origin_scan(o, e);
	}
	if (kind == OK && o->gone)
		kind = frozen_check(c, o, e);
	if (kind == OK && head->note.len != 0 && ledger_size(o->log) == head->size)
		kind = head_keep(c, o, head, e);
	if (kind == OK)
		kind = heads_reached(c, o, e);
	if (kind == OK)
		*ret_count = count;
	return kind;
}
