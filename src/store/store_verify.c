/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Is everything as it must be? Every fault is told, in words, and the rest is looked at all the
 * same. The rules:
 *
 *   1. SQLite's own check of its pages and indexes, and that of the text index.
 *   2. Every body unpacks to its exact size, and its checksum holds.
 *   3. date_added grows strictly, in the store and in every collection.
 *   4. The newest version of a thing, and no other, is the latest; likewise in every collection,
 *      where the oldest is the first.
 *   5. A label has the object's own markings, and what those it refers to pass on. (It may have
 *      more: labels never narrow.)
 *   6. Each reference of an object is in the index, and nothing else is; the two indexes of values
 *      agree.
 *   7. A member's sequence has no gap: each index is an object, or one that was removed.
 *   8. The counters are what one counts.
 */
#include <stdlib.h>

#include "inside.h"

#define MEMO_SLOTS 8192 /* "does label a cover label b": few distinct pairs, many objects */
#define FAULT_MAX  600  /* bytes of a fault's text */

struct check {
	struct store *s;
	struct store_reader *r;
	void (*fault)(void *context, const char *text);
	void *context;
	uint64_t faults;
	struct counters counted;
	int64_t references; /* distinct ones, by the objects */
	struct chunk chunk;
	struct ident_slot *tail;
	size_t tail_count;
	struct {
		uint32_t label, part;
		bool known, covers;
	} own_memo[MEMO_SLOTS], passed_memo[MEMO_SLOTS];
	struct buf body;
	struct uuid have[MARKINGS_MAX], want[MARKINGS_MAX]; /* the labels at hand */
};

PRINTF(2, 3) static void tell(struct check *k, const char *format, ...)
{
	char text[FAULT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	k->faults++;
	if (k->fault != NULL)
		k->fault(k->context, text);
}

/* What cannot be read is a fault, and not the end; everything else ends the check. */
static enum err_kind tell_unreadable(
	struct check *k, enum err_kind kind, const struct err *e, struct err *ret_error)
{
	if (kind == ERR_CORRUPT) {
		tell(k, "%s", e->text);
		return OK;
	}
	if (kind != OK && ret_error != NULL)
		*ret_error = *e;
	return kind;
}

/* ---- rule 1 ---------------------------------------------------------------------------------- */

static enum err_kind check_pages(struct check *k, struct err *e)
{
	struct conn *c = &k->r->conn;
	bool row, sound = true;
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(c, SQL_CHECK_PAGES, &st, e);

	while (kind == OK && (kind = conn_row(c, st, &row, e)) == OK && row) {
		struct slice text = column_slice(st, 0);

		if (!slice_is(text, "ok"))
			tell(k, "store.db: %.*s", SLICE_ARG(text));
	}
	if (kind != OK || !is_writer(k->s))
		return kind;
	kind = text_check(k->s, &sound, e);
	if (!sound)
		tell(k, "text.db: the text index is damaged; it will be made again");
	return kind;
}

/* ---- rule 5 ---------------------------------------------------------------------------------- */

static enum err_kind label_copy(struct check *k, uint32_t label, struct uuid ret_set[MARKINGS_MAX],
	size_t *ret_count, struct err *e)
{
	struct slice markings;
	sqlite3_stmt *st;
	enum err_kind kind;

	*ret_count = 0;
	if (label == 0)
		return OK;
	kind = label_bytes(&k->r->conn, label, &st, &markings, e);
	if (kind != OK)
		return kind;
	if (markings.len == 0 || markings.len % sizeof(struct uuid) != 0 ||
		markings.len > MARKINGS_MAX * sizeof(struct uuid)) {
		tell(k, "label %u is missing or damaged", label);
	} else {
		memcpy(ret_set, markings.data, markings.len);
		*ret_count = markings.len / sizeof(struct uuid);
	}
	sqlite3_reset(st);
	return OK;
}

/* Has `label` every marking of `part` (passed_on: every one that is no statement)? */
static enum err_kind label_covers(struct check *k, uint32_t label, uint32_t part, bool passed_on,
	bool *ret_covers, struct err *e)
{
	struct uuid *have = k->have, *want = k->want;
	size_t have_count, want_count;
	size_t slot = (label * UINT32_C(31) + part) % MEMO_SLOTS;
	bool covers = true;
	enum err_kind kind;

	if (part == 0 || part == label) {
		*ret_covers = true;
		return OK;
	}
	if (passed_on ? k->passed_memo[slot].known && k->passed_memo[slot].label == label &&
				k->passed_memo[slot].part == part
		      : k->own_memo[slot].known && k->own_memo[slot].label == label &&
				k->own_memo[slot].part == part) {
		*ret_covers = passed_on ? k->passed_memo[slot].covers : k->own_memo[slot].covers;
		return OK;
	}
	kind = label_copy(k, label, have, &have_count, e);
	if (kind == OK)
		kind = label_copy(k, part, want, &want_count, e);
	for (size_t i = 0; kind == OK && covers && i < want_count && have_count < MARKINGS_MAX;
		i++) {
		bool has = false, statement = false;

		for (size_t j = 0; j < have_count && !has; j++)
			has = uuid_equal(&have[j], &want[i]);
		if (!has && passed_on)
			kind = marking_is_statement(&k->r->conn, &want[i], &statement, e);
		covers = has || statement;
	}
	if (kind != OK)
		return kind;
	if (passed_on) {
		k->passed_memo[slot].label = label;
		k->passed_memo[slot].part = part;
		k->passed_memo[slot].known = true;
		k->passed_memo[slot].covers = covers;
	} else {
		k->own_memo[slot].label = label;
		k->own_memo[slot].part = part;
		k->own_memo[slot].known = true;
		k->own_memo[slot].covers = covers;
	}
	*ret_covers = covers;
	return OK;
}

static enum err_kind check_reference_label(
	struct check *k, int64_t serial, uint32_t label, int64_t target, struct err *e)
{
	struct conn *c = &k->r->conn;
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(c, SQL_CHECK_OWN, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	bind_int(st, 1, target);
	while ((kind = conn_row(c, st, &row, e)) == OK && row) {
		uint32_t own = (uint32_t)sqlite3_column_int64(st, 0);
		bool covers;

		kind = label_covers(k, label, own, true, &covers, e);
		if (kind != OK)
			break;
		if (!covers)
			tell(k, "object %lld: label %u lacks markings of what it refers to",
				(long long)serial, label);
	}
	sqlite3_reset(st);
	return kind;
}

/* ---- rules 2, 3, 5, 6: object by object ------------------------------------------------------ */

struct pair {
	int64_t target, property;
};

static int pair_order(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	return (x->property > y->property) - (x->property < y->property);
}

static enum err_kind check_refs(
	struct check *k, int64_t serial, uint32_t label, struct slice refs, struct err *e)
{
	struct conn *c = &k->r->conn;
	struct pair *pairs = calloc(refs.len / 2 + 1, sizeof(*pairs));
	size_t count = 0, at;
	enum err_kind kind = OK;

	if (pairs == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	while (refs_next(&refs, &pairs[count].target, &pairs[count].property))
		count++;
	if (refs.len != 0)
		tell(k, "object %lld: its list of references is damaged", (long long)serial);
	if (count > 1)
		qsort(pairs, count, sizeof(*pairs), pair_order);
	for (size_t i = 0; kind == OK && i < count; i++) {
		if (i > 0 && pair_order(&pairs[i - 1], &pairs[i]) == 0)
			continue;
		k->references++;
		kind = chunk_find(c, pairs[i].target, pairs[i].property, serial, &k->chunk, &at, e);
		if (kind != OK)
			break;
		if (at == k->chunk.count)
			tell(k, "object %lld: a reference is not in the index", (long long)serial);
		kind = check_reference_label(k, serial, label, pairs[i].target, e);
	}
	free(pairs);
	return kind;
}

static int slot_order(const void *a, const void *b)
{
	const struct ident_slot *x = a, *y = b;
	int order = memcmp(&x->uuid, &y->uuid, sizeof(x->uuid));

	return order != 0 ? order : (x->type > y->type) - (x->type < y->type);
}

/* The ids that are not in the index yet, sorted, as the snapshot has them. */
static enum err_kind tail_read(struct check *k, struct err *e)
{
	struct conn *c = &k->r->conn;
	size_t capacity = 0;
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(c, SQL_TAIL_GET, &st, e);
	bool row;

	while (kind == OK && (kind = conn_row(c, st, &row, e)) == OK && row) {
		struct ident_slot *id;

		if (k->tail_count == capacity) {
			capacity = capacity * 2 + 1024;
			id = realloc(k->tail, capacity * sizeof(*id));
			if (id == NULL) {
				sqlite3_reset(st);
				return err_set(e, ERR_NOMEM, "out of memory");
			}
			k->tail = id;
		}
		id = &k->tail[k->tail_count];
		id->number = sqlite3_column_int64(st, 0);
		id->type = (uint32_t)sqlite3_column_int64(st, 2);
		id->own = (uint32_t)sqlite3_column_int64(st, 3);
		if (column_uuid(st, 1, &id->uuid))
			k->tail_count++;
	}
	if (kind == OK && k->tail_count > 1)
		qsort(k->tail, k->tail_count, sizeof(*k->tail), slot_order);
	return kind;
}

/* Its id leads to it, and knows at least its own markings. */
static enum err_kind check_ident(struct check *k, int64_t serial, const struct uuid *uuid,
	int64_t type, int64_t ident, uint32_t own, struct err *e)
{
	struct ident_slot key = {.uuid = *uuid, .type = (uint32_t)type}, *waits = NULL;
	struct conn *c = &k->r->conn;
	int64_t number = 0;
	uint32_t known = 0;
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(c, SQL_IDENT_GET, &st, e);
	bool row, covers;

	if (kind != OK)
		return kind;
	bind_uuid(st, 1, uuid);
	bind_int(st, 2, type);
	kind = conn_row(c, st, &row, e);
	if (kind != OK)
		return kind;
	if (k->tail_count > 0)
		waits = bsearch(&key, k->tail, k->tail_count, sizeof(key), slot_order);
	if (row) {
		number = sqlite3_column_int64(st, 0);
		known = (uint32_t)sqlite3_column_int64(st, 1);
		sqlite3_reset(st);
	} else if (waits != NULL) {
		number = waits->number;
		known = waits->own;
	}
	if (number != ident || (row && waits != NULL)) {
		tell(k, "object %lld: its id does not lead to it", (long long)serial);
		return OK;
	}
	kind = label_covers(k, known, own, false, &covers, e);
	if (kind == OK && !covers)
		tell(k, "object %lld: its thing's label %u lacks its own markings %u",
			(long long)serial, known, own);
	return kind;
}

static enum err_kind check_object(struct check *k, sqlite3_stmt *st, struct err *e)
{
	struct store_reader *r = k->r;
	int64_t serial = sqlite3_column_int64(st, 0);
	int64_t added_us = sqlite3_column_int64(st, 6);
	uint32_t label = (uint32_t)sqlite3_column_int64(st, 7);
	uint32_t own = (uint32_t)sqlite3_column_int64(st, 8);
	uint64_t body_bytes = (uint64_t)sqlite3_column_int64(st, 9);
	struct slice type, packed = column_slice(st, 12);
	struct uuid uuid;
	struct err fault;
	bool covers;
	enum err_kind kind;

	kind = names_text(&k->s->types, &r->conn, sqlite3_column_int64(st, 3), &type, e);
	if (kind != OK)
		return kind;
	if (type.len == 0 || !column_uuid(st, 4, &uuid)) {
		tell(k, "object %lld: it has no type or id", (long long)serial);
		return OK;
	}
	buf_clear(&k->body);
	kind = body_unpack(&k->s->packing, &r->conn, r->zstd, packed, sqlite3_column_int64(st, 10),
		body_bytes, &k->body, &fault);
	if (kind == ERR_CORRUPT) {
		char id[STIX_ID_MAX + 1];

		stix_id_format(type, &uuid, id);
		tell(k, "object %lld, %s: %s", (long long)serial, id, fault.text);
	} else if (kind != OK) {
		*e = fault;
		return kind;
	}
	if (serial > r->serial_last)
		tell(k, "object %lld: its serial is past the last, %lld", (long long)serial,
			(long long)r->serial_last);
	if (added_us <= k->counted.added_last_us)
		tell(k, "object %lld: date_added %lld is not after the one before",
			(long long)serial, (long long)added_us);
	k->counted.added_last_us = added_us;
	k->counted.objects++;
	k->counted.body_bytes += (int64_t)body_bytes;
	k->counted.packed_bytes += (int64_t)packed.len;
	kind = label_covers(k, label, own, false, &covers, e);
	if (kind == OK && !covers)
		tell(k, "object %lld: label %u lacks its own markings %u", (long long)serial, label,
			own);
	if (kind == OK)
		kind = check_ident(k, serial, &uuid, sqlite3_column_int64(st, 3),
			sqlite3_column_int64(st, 1), own, e);
	if (kind == OK)
		kind = check_refs(k, serial, label, column_slice(st, 11), e);
	return kind;
}

static enum err_kind check_objects(struct check *k, struct err *e)
{
	struct conn *c = &k->r->conn;
	sqlite3_stmt *st;
	enum err_kind kind = tail_read(k, e);
	bool row;

	if (kind == OK)
		kind = conn_statement(c, SQL_CHECK_OBJECTS, &st, e);

	while (kind == OK && (kind = conn_row(c, st, &row, e)) == OK && row)
		kind = check_object(k, st, e);
	if (kind != OK)
		sqlite3_reset(c->statements[SQL_CHECK_OBJECTS]);
	return kind;
}

/* ---- rule 4: latest in the store ------------------------------------------------------------- */

static enum err_kind check_versions(struct check *k, struct err *e)
{
	struct conn *c = &k->r->conn;
	int64_t ident = 0, serial = 0;
	bool row, latest = true;
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(c, SQL_CHECK_VERSIONS, &st, e);

	if (kind != OK)
		return kind;
	do {
		int64_t next;

		kind = conn_row(c, st, &row, e);
		if (kind != OK)
			return kind;
		next = row ? sqlite3_column_int64(st, 0) : 0;
		if (ident != 0 && latest != (next != ident))
			tell(k, "object %lld: it is %s", (long long)serial,
				latest ? "called the latest, and is not"
				       : "the latest, and not called so");
		k->counted.things += row && next != ident;
		if (row) {
			ident = next;
			serial = sqlite3_column_int64(st, 1);
			latest = (sqlite3_column_int(st, 2) & OBJECT_LATEST) != 0;
		}
	} while (row);
	return OK;
}

/* ---- rules 3 and 4 in collections ------------------------------------------------------------ */

/* Has the collection a version on that side? */
static enum err_kind has_neighbour(struct check *k, enum sql_id side, int64_t collection,
	int64_t ident, int64_t version_us, bool *ret_has, struct err *e)
{
	struct conn *c = &k->r->conn;
	sqlite3_stmt *st, *of;
	enum err_kind kind = conn_statement(c, side, &st, e);
	bool row, in = false;

	if (kind == OK)
		kind = conn_statement(c, SQL_ENTRY_OF, &of, e);
	if (kind != OK)
		return kind;
	bind_int(st, 1, ident);
	bind_int(st, 2, version_us);
	while (!in && (kind = conn_row(c, st, &row, e)) == OK && row) {
		bind_int(of, 1, collection);
		bind_int(of, 2, sqlite3_column_int64(st, 0));
		kind = conn_row(c, of, &in, e);
		sqlite3_reset(of);
		if (kind != OK)
			break;
	}
	sqlite3_reset(st);
	*ret_has = in;
	return kind;
}

static enum err_kind check_entry(
	struct check *k, const struct store_collection *n, sqlite3_stmt *st, struct err *e)
{
	int64_t serial = sqlite3_column_int64(st, 0);
	int64_t ident = sqlite3_column_int64(st, 5), version_us = sqlite3_column_int64(st, 6);
	int flags = sqlite3_column_int(st, 3), expected;
	bool older = false, newer = false;
	enum err_kind kind;

	if (ident == 0) {
		tell(k, "collection %lld: object %lld is in it, but not in the store",
			(long long)n->number, (long long)serial);
		return OK;
	}
	if (sqlite3_column_int64(st, 2) != sqlite3_column_int64(st, 4))
		tell(k, "collection %lld: object %lld has another type there", (long long)n->number,
			(long long)serial);
	kind = has_neighbour(k, SQL_OBJECT_OLDER, n->number, ident, version_us, &older, e);
	if (kind == OK)
		kind = has_neighbour(k, SQL_OBJECT_NEWER, n->number, ident, version_us, &newer, e);
	expected = ENTRY_ANY | (older ? 0 : ENTRY_FIRST) | (newer ? 0 : ENTRY_LAST);
	if (kind == OK && flags != expected)
		tell(k, "collection %lld: object %lld has flags %d instead of %d",
			(long long)n->number, (long long)serial, flags, expected);
	return kind;
}

static enum err_kind check_collection(
	struct check *k, const struct store_collection *n, int64_t clock_us, struct err *e)
{
	struct conn *c = &k->r->conn;
	int64_t last_us = 0;
	uint64_t entries = 0;
	sqlite3_stmt *st;
	enum err_kind kind = conn_take(c, SQL_CHECK_ENTRIES, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	bind_int(st, 1, n->number);
	while ((kind = conn_row(c, st, &row, e)) == OK && row) {
		if (sqlite3_column_int64(st, 1) <= last_us)
			tell(k, "collection %lld: date_added %lld is not after the one before",
				(long long)n->number, (long long)sqlite3_column_int64(st, 1));
		last_us = sqlite3_column_int64(st, 1);
		entries++;
		kind = check_entry(k, n, st, e);
		if (kind != OK)
			break;
	}
	conn_give(c, SQL_CHECK_ENTRIES, st);
	if (kind != OK)
		return kind;
	if (entries != n->entries || last_us != n->last_added_us || clock_us < last_us)
		tell(k, "collection %lld: %llu entries up to %lld, but it says %llu up to %lld",
			(long long)n->number, (unsigned long long)entries, (long long)last_us,
			(unsigned long long)n->entries, (long long)n->last_added_us);
	return OK;
}

static enum err_kind check_collections(struct check *k, struct err *e)
{
	struct conn *c = &k->r->conn;
	sqlite3_stmt *st;
	enum err_kind kind = conn_take(c, SQL_COLLECTIONS_GET, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	while ((kind = conn_row(c, st, &row, e)) == OK && row) {
		struct store_collection n = {
			.number = sqlite3_column_int64(st, 0),
			.last_added_us = sqlite3_column_int64(st, 8),
			.entries = (uint64_t)sqlite3_column_int64(st, 9),
		};

		kind = check_collection(k, &n, sqlite3_column_int64(st, 11), e);
		if (kind != OK)
			break;
	}
	conn_give(c, SQL_COLLECTIONS_GET, st);
	return kind;
}

/* ---- rule 7 ---------------------------------------------------------------------------------- */

static enum err_kind check_origins(struct check *k, struct err *e)
{
	struct conn *c = &k->r->conn;
	sqlite3_stmt *st, *of;
	enum err_kind kind = conn_statement(c, SQL_CHECK_MEMBERS, &st, e);
	bool row, more;

	if (kind == OK)
		kind = conn_statement(c, SQL_CHECK_ORIGINS, &of, e);
	while (kind == OK && (kind = conn_row(c, st, &row, e)) == OK && row) {
		int64_t expected = 1, last = sqlite3_column_int64(st, 2);

		bind_int(of, 1, sqlite3_column_int64(st, 0));
		while ((kind = conn_row(c, of, &more, e)) == OK && more) {
			if (sqlite3_column_int64(of, 0) != expected) {
				tell(k, "member \"%.*s\": index %lld where %lld should be",
					SLICE_ARG(column_slice(st, 1)),
					(long long)sqlite3_column_int64(of, 0),
					(long long)expected);
				expected = sqlite3_column_int64(of, 0);
			}
			expected++;
		}
		if (kind == OK && expected != last + 1)
			tell(k, "member \"%.*s\": its sequence ends at %lld instead of %lld",
				SLICE_ARG(column_slice(st, 1)), (long long)expected - 1,
				(long long)last);
	}
	if (kind != OK)
		sqlite3_reset(c->statements[SQL_CHECK_MEMBERS]);
	return kind;
}

/* ---- rules 2, 6 and 8: the rest -------------------------------------------------------------- */

static enum err_kind check_bodies(struct check *k, enum sql_id id, const char *what, struct err *e)
{
	struct store_reader *r = k->r;
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&r->conn, id, &st, e);
	struct err fault;
	bool row;

	while (kind == OK && (kind = conn_row(&r->conn, st, &row, e)) == OK && row) {
		buf_clear(&k->body);
		kind = body_unpack(&k->s->packing, &r->conn, r->zstd, column_slice(st, 3),
			sqlite3_column_int64(st, 2), (uint64_t)sqlite3_column_int64(st, 1),
			&k->body, &fault);
		if (kind == ERR_CORRUPT) {
			tell(k, "%s %lld: %s", what, (long long)sqlite3_column_int64(st, 0),
				fault.text);
			kind = OK;
		} else if (kind != OK) {
			*e = fault;
		}
	}
	if (kind != OK)
		sqlite3_reset(r->conn.statements[id]);
	return kind;
}

static enum err_kind check_evidence(struct check *k, struct err *e)
{
	return check_bodies(k, SQL_CHECK_EVIDENCE, "evidence", e);
}

static enum err_kind check_originals(struct check *k, struct err *e)
{
	return check_bodies(k, SQL_CHECK_ORIGINALS, "original", e);
}

static enum err_kind references_count(struct check *k, int64_t *ret_count, struct err *e)
{
	struct conn *c = &k->r->conn;
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(c, SQL_CHECK_REFERENCES, &st, e);
	int64_t count = 0;
	bool row;

	while (kind == OK && (kind = conn_row(c, st, &row, e)) == OK && row) {
		kind = chunk_read(c, st, &k->chunk, e);
		count += (int64_t)k->chunk.count;
	}
	if (kind != OK)
		sqlite3_reset(c->statements[SQL_CHECK_REFERENCES]);
	*ret_count = count;
	return kind;
}

static void expect(struct check *k, const char *what, int64_t counted, int64_t expected)
{
	if (counted != expected)
		tell(k, "%lld %s, expected %lld", (long long)counted, what, (long long)expected);
}

static enum err_kind check_counters(struct check *k, struct err *e)
{
	const struct counters *n = &k->counted;
	struct conn *c = &k->r->conn;
	sqlite3_stmt *state, *indexes;
	int64_t references;
	enum err_kind kind = references_count(k, &references, e);
	bool row;

	if (kind == OK)
		kind = conn_statement(c, SQL_STATE_GET, &state, e);
	if (kind == OK)
		kind = conn_row(c, state, &row, e);
	if (kind == OK)
		kind = conn_statement(c, SQL_CHECK_INDEXES, &indexes, e);
	if (kind == OK)
		kind = conn_row(c, indexes, &row, e);
	if (kind == OK) {
		int64_t values = sqlite3_column_int64(indexes, 1);

		expect(k, "objects", n->objects, sqlite3_column_int64(state, STATE_OBJECTS));
		expect(k, "ids", n->things, sqlite3_column_int64(state, STATE_THINGS));
		expect(k, "bytes of bodies", n->body_bytes,
			sqlite3_column_int64(state, STATE_BODY_BYTES));
		expect(k, "packed bytes", n->packed_bytes,
			sqlite3_column_int64(state, STATE_PACKED_BYTES));
		expect(k, "references", k->references,
			sqlite3_column_int64(state, STATE_REFERENCES));
		expect(k, "references in the index", references, k->references);
		expect(k, "values", values, sqlite3_column_int64(state, STATE_VALUES));
		expect(k, "values in the index", sqlite3_column_int64(indexes, 0),
			sqlite3_column_int64(indexes, 2));
		expect(k, "values that are in the index and of an object",
			sqlite3_column_int64(indexes, 3), values);
	}
	sqlite3_reset(c->statements[SQL_STATE_GET]);
	sqlite3_reset(c->statements[SQL_CHECK_INDEXES]);
	return kind;
}

enum err_kind store_verify(struct store *s, void (*fault)(void *context, const char *text),
	void *context, struct err *e)
{
	static enum err_kind (*const rules[])(struct check *, struct err *) = {check_pages,
		check_objects, check_versions, check_collections, check_origins, check_evidence,
		check_originals, check_counters};
	struct check *k = calloc(1, sizeof(*k));
	uint64_t faults;
	enum err_kind kind;

	if (k == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	k->s = s;
	k->fault = fault;
	k->context = context;
	kind = reader_connect(s, &k->r, e); /* of its own: this takes long */
	if (kind == OK)
		kind = snapshot_begin(k->r, e);
	for (size_t i = 0; kind == OK && i < COUNT_OF(rules); i++) {
		struct err found;

		kind = rules[i](k, &found);
		kind = tell_unreadable(k, kind, &found, e);
	}
	reader_close(k->r);
	buf_fini(&k->body);
	free(k->tail);
	faults = k->faults;
	free(k);
	if (kind == OK && faults > 0)
		kind = err_set(e, ERR_CORRUPT, "store \"%s\": %llu faults", s->folder,
			(unsigned long long)faults);
	return kind;
}
