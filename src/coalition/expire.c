/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a member received and may keep no longer: the store has let it go already, and the salt goes
 * from the copy of its author's log here. As after a withdrawal the leaf stays, every proof of
 * another one verifies, and the content is asked for no more. Nobody else is told.
 *
 *   expiring   leaves whose erasing was begun last: count x (text origin, u64 index)
 */
#include <stdlib.h>

#include "inside.h"

#define EXPIRE_LEAVES 32768 /* whose places are looked at in one call: 1.5 MB */
#define EXPIRE_CHUNK  4096

static int serial_compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

static enum err_kind expiring_path(
	const struct coalition *c, char ret_path[PATH_MAX_BYTES], struct err *e)
{
	return path_make(ret_path, "%s/expiring", c->folder)
		       ? OK
		       : err_set(e, ERR_LIMIT, "path too long");
}

/* Leaves that are erased, or whose erasing has begun. */
static enum err_kind finish(struct origin *o, const uint64_t *indices, size_t count, struct err *e)
{
	enum err_kind kind = ledger_erase_many(o->log, indices, count, e);

	for (size_t i = 0; i < count && kind == OK; i++)
		kind = index_set_add(&o->known, indices[i], e);
	return kind;
}

/* A leaf that is half erased says no more under which serial it was: so which ones are begun is on
 * the disk before. */
enum err_kind leaves_erase(
	struct coalition *c, struct origin *o, const uint64_t *indices, size_t count, struct err *e)
{
	struct buf list = BUF_INIT;
	char path[PATH_MAX_BYTES];
	enum err_kind kind = expiring_path(c, path, e);

	if (count == 0)
		return kind;
	for (size_t i = 0; i < count; i++) {
		wire_text(&list, slice_of(o->key.name));
		wire_u64(&list, indices[i]);
	}
	if (kind == OK)
		kind = list.bad ? err_set(e, ERR_NOMEM, "out of memory")
				: kept_put(c, path, buf_slice(&list), e);
	buf_fini(&list);
	if (kind != OK)
		return kind;
	o->opened = o->opened > count ? o->opened - count : 0;
	kind = finish(o, indices, count, e);
	c->expiring_left = kind != OK;
	return kind;
}

/* One line of the list: those of one log, and one call, are finished together. */
static enum err_kind begun_add(struct origin *o, uint64_t index, uint64_t indices[EXPIRE_ERASED],
	size_t *count, struct err *e)
{
	struct ledger_place place = {.where = LEDGER_NOWHERE};
	enum err_kind kind = OK;

	/* The power may have gone before the first of them: that one is found again. */
	if (index < ledger_size(o->log))
		kind = ledger_places(o->log, index, 1, &place, e);
	if (kind != OK || place.where != LEDGER_ERASED)
		return kind;
	indices[(*count)++] = index;
	if (*count == EXPIRE_ERASED) {
		kind = finish(o, indices, *count, e);
		*count = 0;
	}
	return kind;
}

enum err_kind expiring_finish(struct coalition *c, struct err *e)
{
	struct buf list = BUF_INIT;
	char path[PATH_MAX_BYTES];
	uint64_t indices[EXPIRE_ERASED];
	struct origin *before = NULL;
	size_t count = 0;
	struct reader r;
	enum err_kind kind = expiring_path(c, path, e);

	if (kind == OK)
		kind = kept_get(c, path, &list, e);
	r = (struct reader){.rest = buf_slice(&list)};
	while (kind == OK && r.rest.len > 0) {
		struct origin *o = origin_find(c, wire_read_text(&r));
		uint64_t index = read_u64(&r);

		if (r.bad)
			kind = err_set(e, ERR_CORRUPT, "%s does not fit its layout", path);
		if (kind == OK && o != before && count > 0) {
			kind = finish(before, indices, count, e);
			count = 0;
		}
		before = o;
		if (kind == OK && o != NULL)
			kind = begun_add(o, index, indices, &count, e);
	}
	if (kind == OK && count > 0)
		kind = finish(before, indices, count, e);
	buf_fini(&list);
	return kind;
}

struct expiring {
	const uint64_t *serials; /* ascending */
	size_t count;
	struct ledger_place *places;
	uint64_t indices[EXPIRE_ERASED];
	size_t found;
};

/* Leaves of [from, from + count); *ret_next: up to where it was looked. */
static enum err_kind chunk_look(struct expiring *x, struct origin *o, uint64_t from, uint64_t count,
	uint64_t *ret_next, struct err *e)
{
	enum err_kind kind = ledger_places(o->log, from, count, x->places, e);

	for (uint64_t i = 0; i < count && kind == OK && x->found < EXPIRE_ERASED; i++) {
		const struct ledger_place *p = &x->places[i];

		*ret_next = from + i + 1;
		if (p->where == LEDGER_STORED &&
			bsearch(&p->serial, x->serials, x->count, sizeof(*x->serials),
				serial_compare) != NULL)
			x->indices[x->found++] = from + i;
	}
	return kind;
}

static enum err_kind expire(
	struct coalition *c, struct expiring *x, struct coalition_expired *at, struct err *e)
{
	struct origin *o = c->origins[at->log];
	uint64_t size = ledger_size(o->log), to = at->index + EXPIRE_LEAVES, next = at->index;
	enum err_kind kind = OK;

	if (to > size)
		to = size;
	while (kind == OK && next < to && x->found < EXPIRE_ERASED) {
		uint64_t count = to - next < EXPIRE_CHUNK ? to - next : EXPIRE_CHUNK;

		kind = chunk_look(x, o, next, count, &next, e);
	}
	if (kind == OK)
		kind = leaves_erase(c, o, x->indices, x->found, e);
	if (kind == OK)
		at->index = next;
	if (kind == OK && next >= size)
		*at = (struct coalition_expired){.log = at->log + 1};
	return kind;
}

enum err_kind coalition_expire(struct coalition *c, struct slice member, const uint64_t *serials,
	size_t count, struct coalition_expired *at, bool *ret_done, struct err *e)
{
	struct expiring x = {.serials = serials, .count = count};
	enum err_kind kind = OK;

	*ret_done = false;
	x.places = calloc(EXPIRE_CHUNK, sizeof(*x.places));
	if (x.places == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	pthread_mutex_lock(&c->lock);
	/* What failed is in the list, and nowhere else. */
	if (c->expiring_left)
		kind = expiring_finish(c, e);
	c->expiring_left = c->expiring_left && kind != OK;
	/* All logs of this member, those of its former keys too. */
	while (kind == OK && at->log < c->origins_count &&
		(c->origins[at->log]->ours || !slice_is(member, c->origins[at->log]->member)))
		*at = (struct coalition_expired){.log = at->log + 1};
	if (kind == OK && at->log < c->origins_count)
		kind = expire(c, &x, at, e);
	else
		*ret_done = kind == OK;
	pthread_mutex_unlock(&c->lock);
	free(x.places);
	return kind;
}
