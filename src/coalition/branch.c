/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Branches: what is held of a log's history, as anybody can check it against what its origin
 * signed.
 *
 *   branch    root[32] at a size | path from it to the middle | u64 middle | root[32] at the middle
 *             | path from the middle to the head | bytes head
 *   led       u8 count | count x (u64 from, path, bytes head)
 *
 * Leaves may be here before the head that they lead to is reached. Who handed them on may deny it
 * later; so the head and the path to it are kept with them, over a crash too.
 */
#include "inside.h"

/* ---- showing --------------------------------------------------------------------------------- */

struct led *led_now(struct origin *o)
{
	uint64_t size = ledger_size(o->log);
	uint8_t root[LEDGER_HASH_LEN];

	for (size_t i = 0; i < COUNT_OF(o->led); i++) {
		struct led *led = &o->led[i];

		/* Leaves that were refused left their record. */
		if (led->head.note.len != 0 && led->from == size &&
			ledger_root(o->log, size, root, NULL) == OK &&
			ledger_consistency_verify(
				size, led->head.size, &led->path, root, led->head.root))
			return led;
	}
	return NULL;
}

static bool own_path(struct origin *o, uint64_t from, uint64_t to, struct ledger_path *ret_path)
{
	ret_path->count = 0;
	return from == 0 || from == to ||
	       ledger_consistency(o->log, from, to, ret_path, NULL) == OK;
}

bool branch_at(struct origin *o, uint64_t size, struct branch *ret_branch)
{
	const struct led *led = led_now(o);
	uint64_t held = ledger_size(o->log);

	if (size > held)
		return false;
	if (o->head.note.len != 0 && size <= o->head.size) {
		ret_branch->middle = size;
		ret_branch->near.count = 0;
		ret_branch->note = buf_slice(&o->head.note);
		return ledger_root(o->log, size, ret_branch->root, NULL) == OK &&
		       ledger_root(o->log, size, ret_branch->middle_root, NULL) == OK &&
		       own_path(o, size, o->head.size, &ret_branch->far);
	}
	if (led == NULL)
		return false;
	ret_branch->middle = held;
	ret_branch->far = led->path;
	ret_branch->note = buf_slice(&led->head.note);
	return ledger_root(o->log, size, ret_branch->root, NULL) == OK &&
	       ledger_root(o->log, held, ret_branch->middle_root, NULL) == OK &&
	       own_path(o, size, held, &ret_branch->near);
}

bool branch_own(struct origin *o, uint64_t *ret_size, struct branch *ret_branch)
{
	*ret_size = led_now(o) != NULL ? ledger_size(o->log) : o->head.size;
	return *ret_size > 0 && branch_at(o, *ret_size, ret_branch);
}

struct branch branch_of_head(const struct signed_head *h)
{
	struct branch b = {.middle = h->size, .note = buf_slice(&h->note)};

	memcpy(b.root, h->root, LEDGER_HASH_LEN);
	memcpy(b.middle_root, h->root, LEDGER_HASH_LEN);
	return b;
}

bool branch_grew(const struct branch *b, uint64_t size, uint64_t head_size,
	const uint8_t head_root[LEDGER_HASH_LEN])
{
	return ledger_consistency_verify(size, b->middle, &b->near, b->root, b->middle_root) &&
	       ledger_consistency_verify(b->middle, head_size, &b->far, b->middle_root, head_root);
}

void branch_write(const struct branch *b, struct buf *out)
{
	buf_append(out, b->root, LEDGER_HASH_LEN);
	wire_path(out, &b->near);
	wire_u64(out, b->middle);
	buf_append(out, b->middle_root, LEDGER_HASH_LEN);
	wire_path(out, &b->far);
	wire_bytes(out, b->note);
}

void branch_read(struct reader *r, struct branch *ret_branch)
{
	wire_read_hash(r, ret_branch->root);
	wire_read_path(r, &ret_branch->near);
	ret_branch->middle = read_u64(r);
	wire_read_hash(r, ret_branch->middle_root);
	wire_read_path(r, &ret_branch->far);
	ret_branch->note = wire_read_bytes(r);
}

/* ---- keeping --------------------------------------------------------------------------------- */

static enum err_kind led_put(struct coalition *c, const struct origin *o, struct err *e)
{
	struct buf bytes = BUF_INIT;
	char path[PATH_MAX_BYTES];
	enum err_kind kind;

	wire_u8(&bytes, COUNT_OF(o->led));
	for (size_t i = 0; i < COUNT_OF(o->led); i++) {
		wire_u64(&bytes, o->led[i].from);
		wire_path(&bytes, &o->led[i].path);
		wire_bytes(&bytes, buf_slice(&o->led[i].head.note));
	}
	if (bytes.bad)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	else if (!path_make(path, "%s/led", o->folder))
		kind = err_set(e, ERR_LIMIT, "path too long");
	else
		kind = kept_put(c, path, buf_slice(&bytes), e);
	buf_fini(&bytes);
	return kind;
}

enum err_kind led_keep(struct coalition *c, struct origin *o, const struct signed_head *head,
	uint64_t size, const struct ledger_path *path, struct err *e)
{
	/* What speaks of the leaves that are here stays: the new ones may not come. */
	struct led *now = led_now(o), *led = now == &o->led[0] ? &o->led[1] : &o->led[0];
	enum err_kind kind;

	if (head->note.len == 0)
		return OK;
	kind = head_copy(&led->head, head, e);
	if (kind != OK)
		return kind;
	led->path = *path;
	led->from = size;
	return led_put(c, o, e);
}

static enum err_kind led_read(
	struct coalition *c, struct origin *o, struct slice bytes, struct err *e)
{
	struct reader r = {.rest = bytes};
	unsigned count = read_u8(&r);
	enum err_kind kind = OK;

	for (unsigned i = 0; i < count && i < COUNT_OF(o->led) && kind == OK; i++) {
		struct led *led = &o->led[i];
		struct slice note;

		led->from = read_u64(&r);
		wire_read_path(&r, &led->path);
		note = wire_read_bytes(&r);
		head_fini(&led->head);
		if (!r.bad && note.len != 0)
			kind = head_read(c, o, note, &led->head, e);
	}
	if (kind == OK && (r.bad || r.rest.len != 0))
		kind = err_set(e, ERR_CORRUPT, "%s/led does not fit its layout", o->folder);
	return kind;
}

/* A crash came between its last leaf and the head itself. */
static enum err_kind led_reached(struct coalition *c, struct origin *o, struct err *e)
{
	const struct led *led = led_now(o);

	return led != NULL && led->head.size == led->from && led->head.size > o->head.size
		       ? head_keep(c, o, &led->head, e)
		       : OK;
}

enum err_kind led_load(struct coalition *c, struct origin *o, struct err *e)
{
	struct buf bytes = BUF_INIT;
	char path[PATH_MAX_BYTES];
	enum err_kind kind = path_make(path, "%s/led", o->folder)
				     ? kept_get(c, path, &bytes, e)
				     : err_set(e, ERR_LIMIT, "path too long");

	if (kind == OK && bytes.len != 0)
		kind = led_read(c, o, buf_slice(&bytes), e);
	if (kind == OK)
		kind = led_reached(c, o, e);
	buf_fini(&bytes);
	return kind;
}
