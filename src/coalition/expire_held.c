/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Contents of others that the store refused, of which only our copy of the log has something: they
 * go by time as what the store took does. Nobody knows what they are, so the caller says how long
 * anything of that member may be kept. Below a log's folder:
 *
 *   held    when they came: records of u64be index | i64be time, microseconds; only ever longer,
 *           but for when all of them are gone
 *   keep    u64 records before which all are gone | i64 how long | policy[32] | text rule (*)
 *
 * Which places a record speaks of is asked of the log, so damaged records and those of leaves that
 * were erased otherwise are nothing. A content without a record, from an older program or after a
 * disk that failed, gets one at the next start.
 */
#include <stdlib.h>

#include "inside.h"

#define RECORD_BYTES 16
#define RECORDS      4096 /* looked at in one call: 64 KiB */
#define PLACES       4096 /* of these logs, that are looked at for contents without a record */

static enum err_kind held_path(
	const struct origin *o, const char *name, char ret_path[PATH_MAX_BYTES], struct err *e)
{
	return path_make(ret_path, "%s/%s", o->folder, name)
		       ? OK
		       : err_set(e, ERR_LIMIT, "path too long");
}

/* ---- records --------------------------------------------------------------------------------- */

/* Records [from, from + count) into ret[count * RECORD_BYTES]. */
static enum err_kind records_read(struct coalition *c, const struct origin *o, uint64_t from,
	size_t count, uint8_t *ret, struct err *e)
{
	char path[PATH_MAX_BYTES];
	enum err_kind kind = held_path(o, "held", path, e);

	return kind == OK ? c->disk.read(c->disk.context, path, from * RECORD_BYTES, ret,
				    count * RECORD_BYTES, e)
			  : kind;
}

static struct coalition_held record_at(const uint8_t *bytes, size_t i)
{
	struct reader r = {
		.rest = {(const char *)bytes + i * RECORD_BYTES, RECORD_BYTES}
        };
	uint64_t index = read_u64(&r);

	return (struct coalition_held){index, (int64_t)read_u64(&r)};
}

static enum err_kind held_known(struct coalition *c, struct origin *o, struct err *e)
{
	uint8_t *bytes = malloc((size_t)RECORDS * RECORD_BYTES);
	enum err_kind kind = bytes == NULL ? err_set(e, ERR_NOMEM, "out of memory") : OK;

	for (uint64_t at = 0; kind == OK && at < o->held_count;) {
		size_t count =
			o->held_count - at < RECORDS ? (size_t)(o->held_count - at) : RECORDS;

		kind = records_read(c, o, at, count, bytes, e);
		for (size_t i = 0; kind == OK && i < count; i++) {
			uint64_t index = record_at(bytes, i).index;

			if (index < ledger_size(o->log))
				kind = index_set_add(&o->held, index, e);
		}
		at += count;
	}
	free(bytes);
	return kind;
}

static enum err_kind keep_load(struct coalition *c, struct origin *o, struct err *e)
{
	struct buf bytes = BUF_INIT;
	char path[PATH_MAX_BYTES];
	struct slice policy, rule;
	struct reader r;
	enum err_kind kind = held_path(o, "keep", path, e);

	if (kind == OK)
		kind = kept_get(c, path, &bytes, e);
	r = (struct reader){.rest = buf_slice(&bytes)};
	if (kind == OK && bytes.len > 0) {
		o->held_done = read_u64(&r);
		o->keep.us = (int64_t)read_u64(&r);
		policy = read_bytes(&r, SHA256_LEN);
		rule = wire_read_text(&r);
		if (r.bad || rule.len > COALITION_RULE_MAX) {
			kind = ERR_CORRUPT;
		} else {
			memcpy(o->keep.policy, policy.data, SHA256_LEN);
			memcpy(o->keep.rule, rule.data, rule.len);
			o->keep.rule[rule.len] = '\0';
		}
	}
	/* All of it is found anew: what is erased is looked at once more. */
	if (kind == ERR_CORRUPT) {
		o->held_done = 0;
		o->keep = (struct coalition_keep){0};
		kind = OK;
	}
	buf_fini(&bytes);
	return kind;
}

static enum err_kind held_load(struct coalition *c, struct origin *o, struct err *e)
{
	char path[PATH_MAX_BYTES];
	uint64_t bytes = 0;
	enum err_kind kind = o->held_loaded ? OK : held_path(o, "held", path, e);

	if (kind != OK || o->held_loaded)
		return kind;
	kind = c->disk.size(c->disk.context, path, &bytes, e);
	o->held_count = bytes / RECORD_BYTES; /* what was cut short is written over */
	if (kind == OK)
		kind = keep_load(c, o, e);
	if (o->held_done > o->held_count)
		o->held_done = 0;
	if (kind == OK)
		kind = held_known(c, o, e);
	o->held_loaded = kind == OK;
	return kind;
}

enum err_kind held_note(
	struct coalition *c, struct origin *o, const uint64_t *indices, size_t count, struct err *e)
{
	int64_t now = world_now(c->world);
	struct buf bytes = BUF_INIT;
	char path[PATH_MAX_BYTES];
	uint64_t added = 0;
	enum err_kind kind = count == 0 ? OK : held_load(c, o, e);

	for (size_t i = 0; i < count && kind == OK; i++) {
		if (index_set_has(&o->held, indices[i]))
			continue;
		wire_u64(&bytes, indices[i]);
		wire_u64(&bytes, (uint64_t)now);
		added++;
	}
	if (kind == OK && bytes.bad)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	if (kind == OK && added > 0)
		kind = held_path(o, "held", path, e);
	if (kind == OK && added > 0)
		kind = c->disk.write(
			c->disk.context, path, o->held_count * RECORD_BYTES, buf_slice(&bytes), e);
	if (kind == OK && added > 0)
		kind = c->disk.sync(c->disk.context, path, e);
	for (size_t i = 0; i < count && kind == OK; i++)
		kind = index_set_add(&o->held, indices[i], e);
	if (kind == OK)
		o->held_count += added;
	buf_fini(&bytes);
	return kind;
}

/* ---- those without a record ------------------------------------------------------------------ */

static enum err_kind adopt(struct coalition *c, struct origin *o, struct err *e)
{
	uint64_t size = origin_valid(o), some = 0;
	struct ledger_place *places = calloc(PLACES, sizeof(*places));
	uint64_t *indices = calloc(PLACES, sizeof(*indices));
	enum err_kind kind = OK;
	size_t count = 0;

	if (size > o->scanned)
		size = o->scanned;
	if (size > o->held_looked)
		some = size - o->held_looked < PLACES ? size - o->held_looked : PLACES;
	if (places == NULL || indices == NULL) {
		free(places);
		free(indices);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	if (some > 0)
		kind = ledger_places(o->log, o->held_looked, some, places, e);
	for (uint64_t i = 0; i < some && kind == OK; i++) {
		uint64_t index = o->held_looked + i;

		if (places[i].where == LEDGER_HELD && !is_special(o, index))
			indices[count++] = index;
	}
	if (kind == OK)
		kind = held_note(c, o, indices, count, e);
	if (kind == OK)
		o->held_looked += some;
	free(places);
	free(indices);
	return kind;
}

/* ---- those whose time has come --------------------------------------------------------------- */

static enum err_kind keep_put(struct coalition *c, const struct origin *o, struct err *e)
{
	struct buf bytes = BUF_INIT;
	char path[PATH_MAX_BYTES];
	enum err_kind kind = held_path(o, "keep", path, e);

	wire_u64(&bytes, o->held_done);
	wire_u64(&bytes, (uint64_t)o->keep.us);
	buf_append(&bytes, o->keep.policy, SHA256_LEN);
	wire_text(&bytes, slice_of(o->keep.rule));
	if (kind == OK)
		kind = bytes.bad ? err_set(e, ERR_NOMEM, "out of memory")
				 : kept_put(c, path, buf_slice(&bytes), e);
	buf_fini(&bytes);
	return kind;
}

/* What is said now counts for all that are still here; while nobody can say, what was said last. */
static enum err_kind keep_ask(struct coalition *c, struct origin *o, struct err *e)
{
	struct coalition_keep keep = {0};
	enum err_kind kind = c->sink->keep(c->sink->context, slice_of(o->member), &keep, e);

	if (kind != OK || keep.us < 0 ||
		(keep.us == o->keep.us && strcmp(keep.rule, o->keep.rule) == 0 &&
			memcmp(keep.policy, o->keep.policy, SHA256_LEN) == 0))
		return kind;
	o->keep = keep;
	return keep_put(c, o, e);
}

struct due {
	struct coalition_held list[EXPIRE_ERASED];
	uint64_t indices[EXPIRE_ERASED];
	size_t count;
	uint64_t done; /* records before which nothing is left */
};

static enum err_kind due_find(struct coalition *c, struct origin *o, struct due *d, struct err *e)
{
	int64_t now = world_now(c->world);
	size_t count = o->held_count - o->held_done < RECORDS
			       ? (size_t)(o->held_count - o->held_done)
			       : RECORDS;
	uint8_t *bytes = malloc(count * RECORD_BYTES + 1);
	bool all = true;
	enum err_kind kind = bytes == NULL ? err_set(e, ERR_NOMEM, "out of memory")
					   : records_read(c, o, o->held_done, count, bytes, e);

	for (size_t i = 0; i < count && kind == OK && d->count < EXPIRE_ERASED; i++) {
		const struct coalition_held h = record_at(bytes, i);
		struct ledger_place place = {.where = LEDGER_NOWHERE};
		bool due = now - h.arrived_us > o->keep.us - COALITION_HELD_LEAD_US;

		if (due && h.index < ledger_size(o->log))
			kind = ledger_places(o->log, h.index, 1, &place, e);
		if (due && kind == OK && place.where == LEDGER_HELD && !is_special(o, h.index)) {
			d->indices[d->count] = h.index;
			d->list[d->count++] = h;
		}
		all = all && due;
		d->done += all && kind == OK;
	}
	free(bytes);
	return kind;
}

static enum err_kind origin_expire(
	struct coalition *c, struct origin *o, bool *ret_more, struct err *e)
{
	struct due *d = calloc(1, sizeof(*d));
	uint64_t was = o->held_done;
	char path[PATH_MAX_BYTES];
	enum err_kind kind;

	if (d == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = due_find(c, o, d, e);
	/* The record first: what is gone without one cannot be shown to be. */
	if (kind == OK && d->count > 0)
		kind = c->sink->expired(
			c->sink->context, slice_of(o->member), &o->keep, d->list, d->count, e);
	if (kind == OK)
		kind = leaves_erase(c, o, d->indices, d->count, e);
	if (kind == OK) {
		o->held_done += d->done;
		*ret_more = d->count == EXPIRE_ERASED || d->done == RECORDS;
	}
	if (kind == OK && o->held_done == o->held_count && o->held_done > 0) {
		kind = held_path(o, "held", path, e);
		if (kind == OK)
			kind = c->disk.truncate(c->disk.context, path, 0, e);
		if (kind == OK)
			kind = c->disk.sync(c->disk.context, path, e);
		if (kind == OK)
			o->held_done = o->held_count = 0;
	}
	if (kind == OK && o->held_done != was)
		kind = keep_put(c, o, e);
	free(d);
	return kind;
}

static enum err_kind origin_step(
	struct coalition *c, struct origin *o, bool *ret_more, struct err *e)
{
	uint64_t looked = o->held_looked;
	enum err_kind kind = held_load(c, o, e);

	*ret_more = false;
	if (kind == OK)
		kind = adopt(c, o, e);
	if (kind != OK || o->held_count == o->held_done)
		return *ret_more = kind == OK && o->held_looked != looked, kind;
	kind = keep_ask(c, o, e);
	if (kind == OK && o->keep.us > 0)
		kind = origin_expire(c, o, ret_more, e);
	*ret_more = kind == OK && (*ret_more || o->held_looked != looked);
	return kind;
}

enum err_kind coalition_expire_held(struct coalition *c, size_t *log, bool *ret_done, struct err *e)
{
	enum err_kind kind = OK;
	bool more = false;

	*ret_done = false;
	pthread_mutex_lock(&c->lock);
	if (c->expiring_left)
		kind = expiring_finish(c, e);
	c->expiring_left = c->expiring_left && kind != OK;
	if (kind == OK && c->sink->keep != NULL && *log < c->origins_count &&
		c->origins[*log] != c->own)
		kind = origin_step(c, c->origins[*log], &more, e);
	if (kind == OK && !more)
		(*log)++;
	*ret_done = kind == OK && *log >= c->origins_count;
	pthread_mutex_unlock(&c->lock);
	return kind;
}
