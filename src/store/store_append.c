/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Objects going in. Every caller packs its bodies in its own thread, then queues; one of those who
 * wait leads: it takes all that is queued into one transaction, so that many callers share one
 * fsync. The others sleep until the leader says what became of their batch.
 */
#include <stdlib.h>

#include "inside.h"

struct packed_body {
	size_t offset, len; /* in the request's bytes */
	int64_t dictionary;
};

struct append_request {
	const struct store_batch *batch;
	struct packed_body *bodies;
	struct buf bytes;
	struct store_result *results;
	struct err error;
	enum err_kind kind;
	bool done;
	struct append_request *next;
};

/* ---- flags: which version is the newest, which the first ------------------------------------- */

static enum err_kind object_flags_put(struct writer *w, int64_t serial, int flags, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_OBJECT_FLAGS, &st, e);

	if (kind != OK)
		return kind;
	bind_int(st, 1, serial);
	bind_int(st, 2, flags);
	return conn_done(&w->conn, st, e);
}

/* The nearest version of a thing on one side, in the whole store; *ret_serial 0: none. */
static enum err_kind neighbour(struct writer *w, enum sql_id side, int64_t ident,
	int64_t version_us, int64_t *ret_serial, int *ret_flags, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, side, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	bind_int(st, 1, ident);
	bind_int(st, 2, version_us);
	kind = conn_row(&w->conn, st, &row, e);
	if (kind != OK)
		return kind;
	*ret_serial = row ? sqlite3_column_int64(st, 0) : 0;
	*ret_flags = row ? sqlite3_column_int(st, 1) : 0;
	sqlite3_reset(st);
	return OK;
}

struct entry {
	int64_t added_us; /* 0: none */
	int flags;
};

static enum err_kind entry_of(struct writer *w, int64_t collection, int64_t serial,
	struct entry *ret_entry, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_ENTRY_OF, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	bind_int(st, 1, collection);
	bind_int(st, 2, serial);
	kind = conn_row(&w->conn, st, &row, e);
	if (kind != OK)
		return kind;
	*ret_entry = (struct entry){0};
	if (row)
		*ret_entry = (struct entry){sqlite3_column_int64(st, 0), sqlite3_column_int(st, 1)};
	sqlite3_reset(st);
	return OK;
}

/* The nearest version on one side that the collection has. */
static enum err_kind entry_neighbour(struct writer *w, enum sql_id side, int64_t collection,
	int64_t ident, int64_t version_us, struct entry *ret_entry, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, side, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	bind_int(st, 1, ident);
	bind_int(st, 2, version_us);
	*ret_entry = (struct entry){0};
	while ((kind = conn_row(&w->conn, st, &row, e)) == OK && row) {
		kind = entry_of(w, collection, sqlite3_column_int64(st, 0), ret_entry, e);
		if (kind != OK || ret_entry->added_us != 0)
			break;
	}
	sqlite3_reset(st);
	return kind;
}

static enum err_kind entry_flags_put(
	struct writer *w, int64_t collection, const struct entry *entry, int flags, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_ENTRY_FLAGS, &st, e);

	if (kind != OK)
		return kind;
	bind_int(st, 1, collection);
	bind_int(st, 2, entry->added_us);
	bind_int(st, 3, flags);
	return conn_done(&w->conn, st, e);
}

/* Put an object into a collection; *ret_added_us: where it is now, or was already. alone: the thing
 * has no other version here. */
static enum err_kind entry_add(struct writer *w, int64_t number, int64_t serial, uint32_t type,
	int64_t ident, int64_t version_us, bool alone, int64_t *ret_added_us, struct err *e)
{
	struct collection_state *c = writer_collection(w, number);
	struct entry older = {0}, newer = {0};
	int flags = ENTRY_ANY | ENTRY_LAST | ENTRY_FIRST;
	sqlite3_stmt *st;
	enum err_kind kind = OK;
	int64_t added;

	if (!alone) {
		kind = entry_neighbour(w, SQL_OBJECT_OLDER, number, ident, version_us, &older, e);
		if (kind == OK)
			kind = entry_neighbour(
				w, SQL_OBJECT_NEWER, number, ident, version_us, &newer, e);
		if (kind == OK && older.added_us != 0) {
			flags &= ~ENTRY_FIRST;
			if (newer.added_us == 0)
				kind = entry_flags_put(
					w, number, &older, older.flags & ~ENTRY_LAST, e);
		}
		if (kind == OK && newer.added_us != 0) {
			flags &= ~ENTRY_LAST;
			if (older.added_us == 0)
				kind = entry_flags_put(
					w, number, &newer, newer.flags & ~ENTRY_FIRST, e);
		}
	}
	if (kind == OK)
		kind = conn_statement(&w->conn, SQL_ENTRY_ADD, &st, e);
	if (kind != OK)
		return kind;
	added = time_after(w->s, c->clock_us);
	bind_int(st, 1, number);
	bind_int(st, 2, added);
	bind_int(st, 3, serial);
	bind_int(st, 4, type);
	bind_int(st, 5, flags);
	kind = conn_done(&w->conn, st, e);
	if (kind != OK)
		return kind;
	c->clock_us = c->last_added_us = added;
	c->entries++;
	c->dirty = true;
	*ret_added_us = added;
	return OK;
}

/* ---- what is here already -------------------------------------------------------------------- */

static enum err_kind canonical(
	struct writer *w, struct slice body, struct buf *out, bool *ret_parsed, struct err *e)
{
	struct json_doc doc;
	enum err_kind kind;

	if (w->parser == NULL) {
		w->parser = json_parser_new(JSON_OBJECT_MAX);
		if (w->parser == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
	}
	buf_clear(out);
	kind = json_parse(w->parser, body, &doc, e);
	if (kind == OK)
		kind = json_canon(json_root(&doc), out, e);
	*ret_parsed = kind == OK;
	return kind == ERR_NOMEM ? kind : OK;
}

/* Same content? White space and the order of members do not count; what cannot be parsed must be
 * the same byte for byte. Leaves the canonical form of `body`, or itself, in w->canon_new. */
static enum err_kind same_content(
	struct writer *w, struct slice body, bool *ret_same, struct err *e)
{
	bool new_parsed, old_parsed;
	enum err_kind kind;

	if (slice_equal(body, buf_slice(&w->old_body))) {
		*ret_same = true;
		return OK;
	}
	kind = canonical(w, body, &w->canon_new, &new_parsed, e);
	if (kind == OK)
		kind = canonical(w, buf_slice(&w->old_body), &w->canon_old, &old_parsed, e);
	if (kind != OK)
		return kind;
	*ret_same = new_parsed && old_parsed &&
		    slice_equal(buf_slice(&w->canon_new), buf_slice(&w->canon_old));
	if (!new_parsed) {
		buf_clear(&w->canon_new);
		buf_slice_append(&w->canon_new, body);
	}
	return OK;
}

/* Keep a refused object and who sent it; once, and no more than a member's share. */
static enum err_kind evidence_add(struct writer *w, const struct store_object *o, uint32_t type,
	struct member_state *m, struct slice packed, int64_t dictionary, struct err *e)
{
	uint8_t digest[SHA256_LEN];
	sqlite3_stmt *st;
	enum err_kind kind;

	if (m->evidence_count >= EVIDENCE_COUNT_MAX ||
		m->evidence_bytes + (int64_t)o->body.len > (int64_t)EVIDENCE_BYTES_MAX)
		return OK;
	if (w->canon_new.bad)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = conn_statement(&w->conn, SQL_EVIDENCE_ADD, &st, e);
	if (kind != OK)
		return kind;
	hash_sha256(buf_slice(&w->canon_new), digest);
	bind_int(st, 1, type);
	bind_uuid(st, 2, &o->uuid);
	bind_int(st, 3, o->version_us);
	bind_int(st, 4, m->number);
	bind_int(st, 5, world_now(w->s->world));
	bind_blob(st, 6, (struct slice){(const char *)digest, sizeof(digest)});
	bind_int(st, 7, (int64_t)o->body.len);
	bind_int(st, 8, dictionary);
	bind_blob(st, 9, packed);
	kind = conn_done(&w->conn, st, e);
	if (kind != OK || sqlite3_changes(w->conn.db) == 0)
		return kind;
	m->evidence_count++;
	m->evidence_bytes += (int64_t)o->body.len;
	m->dirty = true;
	return OK;
}

static enum err_kind append_known(struct writer *w, const struct store_batch *batch,
	const struct store_object *o, uint32_t type, int64_t ident, struct member_state *m,
	sqlite3_stmt *st, struct slice packed, int64_t dictionary, struct store_result *ret_result,
	struct err *e)
{
	struct store_result result = {
		.outcome = STORE_DUPLICATE,
		.serial = sqlite3_column_int64(st, 0),
		.origin_index = (uint64_t)sqlite3_column_int64(st, 1),
	};
	enum err_kind kind;
	bool same;

	buf_clear(&w->old_body);
	kind = body_unpack(&w->s->packing, &w->conn, w->zstd, column_slice(st, 4),
		sqlite3_column_int64(st, 3), (uint64_t)sqlite3_column_int64(st, 2), &w->old_body,
		e);
	sqlite3_reset(st);
	if (kind != OK) {
		char id[STIX_ID_MAX + 1];

		stix_id_format(o->type, &o->uuid, id);
		err_wrap(e, "store \"%s\": %s", w->s->folder, id);
		return kind;
	}
	kind = same_content(w, o->body, &same, e);
	if (kind != OK)
		return kind;
	if (!same) {
		result.outcome = STORE_CONFLICT;
		*ret_result = result;
		return evidence_add(w, o, type, m, packed, dictionary, e);
	}
	for (size_t i = 0; i < batch->collections_count; i++) {
		struct entry entry;

		kind = entry_of(w, batch->collections[i], result.serial, &entry, e);
		if (kind == OK && entry.added_us == 0)
			kind = entry_add(w, batch->collections[i], result.serial, type, ident,
				o->version_us, false, &entry.added_us, e);
		if (kind != OK)
			return kind;
		if (i == 0)
			result.date_added_us = entry.added_us;
	}
	*ret_result = result;
	return OK;
}

/* ---- a new object ---------------------------------------------------------------------------- */

/*
 * Number what it refers to. Leaves in w->refs pairs of varints, target and property, which go with
 * the object: they say what to undo when it goes, and make the reference index checkable. *label is
 * joined with what the targets pass on.
 */
static enum err_kind references_add(struct writer *w, const struct store_object *o, int64_t serial,
	uint32_t *label, struct err *e)
{
	struct names *properties = &w->s->properties;

	buf_clear(&w->refs);
	for (size_t i = 0; i < o->references_count; i++) {
		const struct stix_reference *r = &o->references[i];
		struct ident target;
		uint32_t type, property, passed_on;
		enum err_kind kind;

		kind = names_intern(&w->s->types, &w->conn, r->target.type, &type, e);
		if (kind == OK && type == 0)
			kind = err_set(e, ERR_LIMIT, "more than %d types of objects in one store",
				TYPES_MAX);
		if (kind == OK)
			kind = names_intern(properties, &w->conn, r->property, &property, e);
		if (kind == OK)
			kind = ident_intern(w, type, &r->target.uuid, 0, &target, e);
		if (kind == OK && target.own != 0) {
			kind = label_passed_on(w->labels, target.own, &passed_on, e);
			if (kind == OK)
				kind = label_union(w->labels, *label, passed_on, label, e);
		}
		if (kind == OK)
			kind = writer_reference(w, target.number, property, serial, e);
		if (kind != OK)
			return kind;
		refs_append(&w->refs, target.number, property);
	}
	return w->refs.bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

static enum err_kind values_add(
	struct writer *w, const struct store_object *o, int64_t serial, struct err *e)
{
	struct slice rest = o->labels, label;
	enum err_kind kind = OK;

	for (size_t i = 0; kind == OK && i < o->values_count; i++)
		kind = writer_value(w, (int)o->values[i].kind, o->values[i].key, serial, e);
	while (kind == OK && slice_next(&rest, '\n', &label))
		if (label.len > 0)
			kind = writer_value(w, VALUE_LABEL, label, serial, e);
	return kind;
}

/*
 * A marking that was known to be a mere statement has turned out to be something else: what it
 * marks now passes it on, as from the beginning.
 */
static enum err_kind marked_widen(struct writer *w, const struct uuid *marking, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&w->conn, SQL_MARKED, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	bind_uuid(st, 1, marking);
	while ((kind = conn_row(&w->conn, st, &row, e)) == OK && row) {
		uint32_t passed_on;

		kind = label_passed_on(
			w->labels, (uint32_t)sqlite3_column_int64(st, 1), &passed_on, e);
		if (kind == OK)
			kind = writer_widen(w, sqlite3_column_int64(st, 0), passed_on, e);
		if (kind != OK)
			break;
	}
	sqlite3_reset(st);
	return kind;
}

/*
 * A marking-definition came: from now on it is known what it says. Should a second one of the same
 * id say something else, then it is unknown for ever: nobody may talk a marking down. Two
 * statements bind a program alike; another RESTRICTION (the 3 in SQL_MARKING_PUT) is another limit.
 */
static enum err_kind marking_add(struct writer *w, const struct store_object *o, struct err *e)
{
	sqlite3_stmt *get, *put;
	bool row, statement, settled;
	enum err_kind kind = conn_statement(&w->conn, SQL_MARKING_GET, &get, e);

	if (kind == OK)
		kind = conn_statement(&w->conn, SQL_MARKING_PUT, &put, e);
	if (kind != OK)
		return kind;
	bind_uuid(get, 1, &o->uuid);
	kind = conn_row(&w->conn, get, &row, e);
	if (kind != OK)
		return kind;
	statement = row && sqlite3_column_int64(get, 0) == STIX_MARKING_STATEMENT;
	settled = row && sqlite3_column_int(get, 1) != 0 &&
		  (statement ? o->marking_kind == STIX_MARKING_STATEMENT
			     : sqlite3_column_int64(get, 0) == STIX_MARKING_UNKNOWN);
	sqlite3_reset(get);
	if (settled)
		return OK;
	bind_uuid(put, 1, &o->uuid);
	bind_int(put, 2, (int64_t)o->marking_kind);
	kind = conn_done(&w->conn, put, e);
	if (kind != OK)
		return kind;
	labels_kinds_changed(w->labels);
	w->counters.label_epoch++;
	if (statement && o->marking_kind != STIX_MARKING_STATEMENT)
		kind = marked_widen(w, &o->uuid, e);
	return kind;
}

/* The thing's own label grows by this version's; those who refer must then learn of it. */
static enum err_kind own_grow(struct writer *w, const struct store_object *o, uint32_t type,
	struct ident *ident, uint32_t own, struct err *e)
{
	uint32_t joined, before, after;
	enum err_kind kind = label_union(w->labels, ident->own, own, &joined, e);

	if (kind != OK || joined == ident->own)
		return kind;
	kind = ident_own_put(w, type, &o->uuid, ident, joined, e);
	if (kind == OK)
		kind = label_passed_on(w->labels, ident->own, &before, e);
	if (kind == OK)
		kind = label_passed_on(w->labels, joined, &after, e);
	if (kind == OK && after != before)
		kind = writer_widen(w, ident->number, after, e);
	return kind;
}

static enum err_kind append_object(struct writer *w, const struct store_batch *batch,
	const struct store_object *o, struct member_state *m, struct slice packed,
	int64_t dictionary, struct store_result *ret_result, struct err *e)
{
	struct store_result result = {.outcome = STORE_NEW};
	struct counters *k = &w->counters;
	int64_t older = 0, newer = 0;
	int older_flags = 0, newer_flags = 0;
	int flags = OBJECT_LATEST | (o->versioned ? OBJECT_VERSIONED : 0) |
		    (o->revoked ? OBJECT_REVOKED : 0);
	uint32_t type, own, label, traits;
	struct ident ident;
	sqlite3_stmt *st;
	enum err_kind kind;
	bool row;

	kind = names_intern(&w->s->types, &w->conn, o->type, &type, e);
	if (kind == OK && type == 0)
		kind = err_set(
			e, ERR_LIMIT, "more than %d types of objects in one store", TYPES_MAX);
	if (kind == OK)
		kind = label_intern(w->labels, o->markings, o->markings_count, &own, e);
	if (kind == OK)
		kind = ident_intern(w, type, &o->uuid, own, &ident, e);
	if (kind != OK)
		return kind;

	if (ident.existed) {
		kind = conn_statement(&w->conn, SQL_OBJECT_AT, &st, e);
		if (kind != OK)
			return kind;
		bind_int(st, 1, ident.number);
		bind_int(st, 2, o->version_us);
		kind = conn_row(&w->conn, st, &row, e);
		if (kind != OK)
			return kind;
		if (row) {
			kind = append_known(w, batch, o, type, ident.number, m, st, packed,
				dictionary, ret_result, e);
			/* not kept, but it shows that there are two */
			if (kind == OK && ret_result->outcome == STORE_CONFLICT &&
				slice_is(o->type, "marking-definition"))
				kind = marking_add(w, o, e);
			return kind;
		}
		kind = neighbour(
			w, SQL_OBJECT_OLDER, ident.number, o->version_us, &older, &older_flags, e);
		if (kind == OK)
			kind = neighbour(w, SQL_OBJECT_NEWER, ident.number, o->version_us, &newer,
				&newer_flags, e);
		if (kind == OK && newer != 0)
			flags &= ~OBJECT_LATEST;
		else if (kind == OK && older != 0)
			kind = object_flags_put(w, older, older_flags & ~OBJECT_LATEST, e);
		if (kind == OK)
			kind = own_grow(w, o, type, &ident, own, e);
		if (kind != OK)
			return kind;
	}

	kind = writer_make_room(w, e);
	if (kind != OK)
		return kind;
	result.serial = ++k->serial_last;
	label = own;
	kind = references_add(w, o, result.serial, &label, e);
	if (kind == OK)
		kind = values_add(w, o, result.serial, e);
	if (kind == OK)
		kind = traits_intern(w, o->traits, &traits, e);
	if (kind == OK)
		kind = conn_statement(&w->conn, SQL_OBJECT_ADD, &st, e);
	if (kind != OK)
		return kind;
	k->added_last_us = time_after(w->s, k->added_last_us);
	result.origin_index = (uint64_t)++m->origin_last;
	m->dirty = true;
	bind_int(st, 1, result.serial);
	bind_int(st, 2, ident.number);
	bind_int(st, 3, o->version_us);
	bind_int(st, 4, type);
	bind_uuid(st, 5, &o->uuid);
	bind_int(st, 6, o->created_us);
	bind_int(st, 7, flags);
	bind_int(st, 8, k->added_last_us);
	bind_int(st, 9, label);
	bind_int(st, 10, own);
	bind_int(st, 11, m->number);
	bind_int(st, 12, m->origin_last);
	bind_int(st, 13, (int64_t)o->body.len);
	bind_int(st, 14, dictionary);
	bind_blob(st, 15, buf_slice(&w->refs));
	bind_blob(st, 16, packed);
	bind_int(st, 17, traits);
	kind = conn_done(&w->conn, st, e);
	for (size_t i = 0; kind == OK && i < batch->collections_count; i++) {
		int64_t added_us;
		struct entry entry = {0};

		for (size_t j = 0; j < i; j++) /* named twice */
			if (batch->collections[j] == batch->collections[i])
				entry.added_us = 1;
		if (entry.added_us != 0)
			continue;
		kind = entry_add(w, batch->collections[i], result.serial, type, ident.number,
			o->version_us, older == 0 && newer == 0, &added_us, e);
		if (kind == OK && i == 0)
			result.date_added_us = added_us;
	}
	if (kind == OK)
		kind = writer_type_count(w, type, 1, e);
	if (kind == OK && slice_is(o->type, "marking-definition"))
		kind = marking_add(w, o, e);
	if (kind != OK)
		return kind;
	k->objects++;
	k->things += older == 0 && newer == 0;
	k->body_bytes += (int64_t)o->body.len;
	k->packed_bytes += (int64_t)packed.len;
	*ret_result = result;
	return OK;
}

/* ---- group commit ---------------------------------------------------------------------------- */

/* What concerns this batch alone, before anything of it is written: the others do not suffer. */
static enum err_kind batch_check_here(
	struct writer *w, const struct store_batch *batch, struct err *e)
{
	for (size_t i = 0; i < batch->collections_count; i++)
		if (writer_collection(w, batch->collections[i]) == NULL)
			return err_set(e, ERR_USAGE, "there is no collection number %lld",
				(long long)batch->collections[i]);
	return OK;
}

static enum err_kind batch_append(struct writer *w, struct append_request *q, struct err *e)
{
	const struct store_batch *batch = q->batch;
	struct member_state *m = NULL;
	enum err_kind kind = OK;

	if (batch->count > 0)
		kind = writer_member(w, batch->member, &m, e);
	for (size_t i = 0; kind == OK && i < batch->count; i++) {
		const struct packed_body *b = &q->bodies[i];

		kind = append_object(w, batch, &batch->objects[i], m,
			(struct slice){q->bytes.data + b->offset, b->len}, b->dictionary,
			&q->results[i], e);
	}
	if (kind == OK && batch->notes_count > 0)
		kind = notes_write(&w->conn, batch->notes, batch->notes_count, e);
	return kind;
}

/* One transaction for a list of requests; what concerns all is told to each. */
static void group_write(struct writer *w, struct append_request *group)
{
	struct err e = {0};
	enum err_kind kind = writer_begin_locked(w, &e);
	bool open = kind == OK;

	for (struct append_request *q = group; kind == OK && q != NULL; q = q->next) {
		q->kind = batch_check_here(w, q->batch, &q->error);
		if (q->kind == OK)
			kind = batch_append(w, q, &e);
	}
	if (open && kind == OK)
		kind = writer_commit_locked(w, &e);
	else if (open)
		writer_rollback_locked(w);
	for (struct append_request *q = group; kind != OK && q != NULL; q = q->next)
		if (q->kind == OK) {
			q->kind = kind;
			q->error = e;
		}
}

/* Cut from the queue what goes into one transaction. With the queue's mutex held. */
static struct append_request *group_take(struct store *s)
{
	struct append_request *group = s->queue, *last = group;
	size_t objects = group->batch->count, bytes = group->bytes.len;

	while (last->next != NULL && objects + last->next->batch->count <= GROUP_OBJECTS_MAX &&
		bytes + last->next->bytes.len <= GROUP_BYTES_MAX) {
		last = last->next;
		objects += last->batch->count;
		bytes += last->bytes.len;
	}
	s->queue = last->next;
	if (s->queue == NULL)
		s->queue_end = &s->queue;
	last->next = NULL;
	return group;
}

/* Lead until our own batch is done; whoever still waits then leads in turn. */
static void group_lead(struct store *s, const struct append_request *own)
{
	struct writer *w = &s->writer;

	while (!own->done) {
		struct append_request *group, *next;

		pthread_mutex_unlock(&s->queue_mutex);
		pthread_mutex_lock(&w->mutex);
		pthread_mutex_lock(&s->queue_mutex); /* as late as can be: more have come by now */
		group = group_take(s);
		pthread_mutex_unlock(&s->queue_mutex);

		group_write(w, group);

		pthread_mutex_lock(&s->queue_mutex);
		for (; group != NULL; group = next) {
			next = group->next; /* its owner may be gone as soon as it is done */
			group->done = true;
		}
		pthread_cond_broadcast(&s->queue_moved);
		pthread_mutex_unlock(&s->queue_mutex);

		writer_after_commit_locked(w);
		pthread_mutex_unlock(&w->mutex);
		pthread_mutex_lock(&s->queue_mutex);
	}
}

static void queue_and_wait(struct store *s, struct append_request *q)
{
	pthread_mutex_lock(&s->queue_mutex);
	*s->queue_end = q;
	s->queue_end = &q->next;
	while (!q->done) {
		if (s->leading) {
			pthread_cond_wait(&s->queue_moved, &s->queue_mutex);
			continue;
		}
		s->leading = true;
		group_lead(s, q);
		s->leading = false;
		pthread_cond_broadcast(&s->queue_moved);
	}
	pthread_mutex_unlock(&s->queue_mutex);
}

/* ---- the door -------------------------------------------------------------------------------- */

static enum err_kind object_check(const struct store_object *o, struct err *e)
{
	if (o->type.len == 0 || o->type.len > STIX_TYPE_MAX)
		return err_set(e, ERR_LIMIT, "a type of %zu bytes, expected 1..%d", o->type.len,
			STIX_TYPE_MAX);
	if (o->traits.len > STORE_TRAITS_BYTES)
		return err_set(e, ERR_LIMIT, "traits of %zu bytes, expected at most %d",
			o->traits.len, STORE_TRAITS_BYTES);
	if (o->body.len == 0 || o->body.len > JSON_OBJECT_MAX)
		return err_set(e, ERR_LIMIT, "an object of %zu bytes, expected 1..%zu", o->body.len,
			JSON_OBJECT_MAX);
	if (o->references_count > STIX_REFERENCES_MAX)
		return err_set(e, ERR_LIMIT, "%zu references in one object, expected at most %d",
			o->references_count, STIX_REFERENCES_MAX);
	for (size_t i = 0; i < o->references_count; i++) {
		const struct stix_reference *r = &o->references[i];

		if (r->target.type.len == 0 || r->target.type.len > STIX_TYPE_MAX ||
			r->property.len > STIX_TYPE_MAX)
			return err_set(e, ERR_LIMIT,
				"a reference with names of %zu and %zu bytes, expected at most %d",
				r->property.len, r->target.type.len, STIX_TYPE_MAX);
	}
	if (o->values_count > STIX_VALUES_MAX)
		return err_set(e, ERR_LIMIT, "%zu values in one object, expected at most %d",
			o->values_count, STIX_VALUES_MAX);
	for (size_t i = 0; i < o->values_count; i++)
		if (o->values[i].kind < 1 || (int)o->values[i].kind >= VALUE_LABEL)
			return err_set(
				e, ERR_USAGE, "a value of unknown kind %d", (int)o->values[i].kind);
	for (size_t i = 1; i < o->markings_count; i++)
		if (memcmp(&o->markings[i - 1], &o->markings[i], sizeof(o->markings[i])) >= 0)
			return err_set(e, ERR_USAGE, "markings are not sorted and unique");
	return OK;
}

static enum err_kind batch_check(const struct store_batch *batch, struct err *e)
{
	enum err_kind kind = OK;

	if (batch->count > STORE_BATCH_MAX)
		return err_set(e, ERR_LIMIT, "a batch of %zu objects, expected at most %d",
			batch->count, STORE_BATCH_MAX);
	if (batch->count > 0 && (batch->member.len == 0 || batch->member.len > MEMBER_MAX))
		return err_set(e, ERR_LIMIT, "a member's name of %zu bytes, expected 1..%d",
			batch->member.len, MEMBER_MAX);
	for (size_t i = 0; kind == OK && i < batch->count; i++)
		kind = object_check(&batch->objects[i], e);
	if (kind == OK)
		kind = notes_check(batch->notes, batch->notes_count, e);
	return kind;
}

static enum err_kind request_pack(struct store *s, struct append_request *q, struct err *e)
{
	const struct store_batch *batch = q->batch;
	struct packer *packer;
	enum err_kind kind = packer_take(&s->packing, &packer, e);

	for (size_t i = 0; kind == OK && i < batch->count; i++) {
		struct packed_body *b = &q->bodies[i];

		b->offset = q->bytes.len;
		kind = body_pack(&s->packing, packer, false, batch->objects[i].body, &q->bytes,
			&b->dictionary, e);
		b->len = q->bytes.len - b->offset;
	}
	if (packer != NULL)
		packer_give(&s->packing, packer);
	return kind;
}

enum err_kind store_append(struct store *s, const struct store_batch *batch,
	struct store_result *ret_results, struct err *e)
{
	struct append_request q = {.batch = batch};
	enum err_kind kind = need_writer(s, e);

	if (kind == OK)
		kind = batch_check(batch, e);
	if (kind != OK || (batch->count == 0 && batch->notes_count == 0))
		return kind;
	if (batch->count > 0) {
		q.bodies = calloc(batch->count, sizeof(*q.bodies));
		q.results = calloc(batch->count, sizeof(*q.results));
		if (q.bodies == NULL || q.results == NULL)
			kind = err_set(e, ERR_NOMEM, "out of memory for %zu objects", batch->count);
		else
			kind = request_pack(s, &q, e);
	}
	if (kind == OK) {
		queue_and_wait(s, &q);
		kind = q.kind;
		if (kind == OK && batch->count > 0)
			memcpy(ret_results, q.results, batch->count * sizeof(*ret_results));
		else if (kind != OK && e != NULL)
			*e = q.error;
	}
	free(q.bodies);
	free(q.results);
	buf_fini(&q.bytes);
	return kind;
}
