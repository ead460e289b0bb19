/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Deleting an object from a collection (section 5.7). Without match[version] every version goes, as
 * the object must then be 404. What the account may not see is not there for it, and stays.
 */
#include "filter.h"
#include "server.h"

#define DELETE_VERSIONS_MAX 10000 /* of one object in one request: 400 past it */

/* A field that would narrow a page does not narrow a deletion: ignored, it would destroy more than
 * was meant. So it is refused. */
#define FILTER_NOT_HERE (FILTER_ADDED_AFTER | FILTER_LIMIT | FILTER_NEXT | FILTER_ID | FILTER_TYPE)

struct removal {
	struct taxii_server *t;
	const struct access *access;
	struct stix_id id;
	int64_t *versions; /* as the store knows them */
	size_t count;
	bool here; /* some version is, whether it is asked for or not */
};

static bool is_asked_for(const struct filter *f, const struct store_row *row)
{
	int64_t version = row->version_us != 0 ? row->version_us : row->date_added_us;

	for (size_t i = 0; i < f->at_count; i++) {
		if (f->at_us[i] == version)
			return true;
	}
	return false;
}

static enum err_kind versions_add(struct removal *d, int64_t version, struct err *e)
{
	if (d->count > 0 && d->versions[d->count - 1] == version)
		return OK; /* the last one, asked for in two ways */
	if (d->count == DELETE_VERSIONS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d versions: name some with match[version]",
			DELETE_VERSIONS_MAX);
	d->versions[d->count++] = version;
	return OK;
}

/* Which of the versions that the account sees are meant: oldest first. */
static enum err_kind versions_find(struct removal *d, const struct filter *f, struct err *e)
{
	unsigned wanted = f->versions == 0 ? STORE_EVERY : f->versions;
	struct store_reader *r = NULL;
	struct store_cursor *c = NULL;
	int64_t last = 0;
	enum err_kind kind = store_reader_take(d->t->store, &r, e);

	if (kind == OK)
		kind = intel_release_versions(
			d->t->intel, r, &d->access->to, d->id.type, &d->id.uuid, &c, e);
	while (kind == OK) {
		struct store_row row;
		bool there;

		kind = store_cursor_next(c, &row, &there, e);
		if (kind != OK || !there)
			break;
		if (!f->nothing &&
			((wanted & STORE_EVERY) != 0 || ((wanted & STORE_FIRST) != 0 && !d->here) ||
				is_asked_for(f, &row)))
			kind = versions_add(d, row.version_us, e);
		d->here = true;
		last = row.version_us;
	}
	if (kind == OK && d->here && !f->nothing && (wanted & STORE_LAST) != 0)
		kind = versions_add(d, last, e);
	store_cursor_free(c);
	store_reader_give(r);
	return kind;
}

void handle_delete(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct taxii_server *t = context;
	struct access access;
	struct removal d = {.t = t, .access = &access};
	struct filter f;
	uint64_t removed = 0;
	struct err e;
	enum err_kind kind;

	if (!reply_begin(t, q, reply) || !access_get(t, q, reply, NEED_DELETE, &access))
		return;
	kind = filter_parse(q, FILTER_VERSION | FILTER_SPEC_VERSION, FILTER_NOT_HERE, &f, &e);
	if (kind == OK && stix_id_parse(q->parts[1], &d.id)) {
		d.versions = ARENA_ARRAY(q->arena, int64_t, DELETE_VERSIONS_MAX);
		kind = d.versions == NULL ? err_set(&e, ERR_NOMEM, "out of memory")
					  : versions_find(&d, &f, &e);
	}
	for (size_t i = 0; i < d.count && kind == OK; i++) {
		uint64_t gone = 0;

		kind = store_remove(t->store, access.collection.number, d.id.type, &d.id.uuid,
			d.versions[i], &gone, &e);
		removed += gone;
	}
	count_add(t, COUNT_DELETED, removed);
	if (kind == ERR_INVALID || kind == ERR_LIMIT)
		reply_error(t, q, reply, 400, e.text);
	else if (kind != OK)
		reply_failed(t, q, reply, kind, &e);
	else if (removed == 0)
		reply_error(t, q, reply, 404,
			d.here ? "no such version in the collection"
			       : "no such object in the collection");
	else
		reply->status = 200; /* no body */
}
