/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Sets of marking-definitions as numbers. A store has few distinct sets and very many objects, so
 * an audience decides once per set, and the writer joins sets by looking up a pair of numbers.
 */
#include <stdlib.h>

#include "inside.h"

#define KEPT_SETS  4096  /* in memory; all forgotten when there are more, or more markings */
#define KEPT_UUIDS 65536 /* 1 MiB of markings */
#define HASH_SLOTS 16384 /* at least twice KEPT_SETS */
#define PAIR_SLOTS 4096  /* joins remembered */

struct label_set {
	uint32_t label;
	uint32_t count;
	uint32_t first;     /* in uuids */
	uint32_t passed_on; /* PASSED_UNKNOWN until asked */
};

#define PASSED_UNKNOWN UINT32_MAX

struct pair {
	uint32_t a, b, joined; /* joined 0: free */
};

struct labels {
	struct writer *w;
	struct label_set sets[KEPT_SETS];
	size_t count;
	struct uuid uuids[KEPT_UUIDS];
	size_t uuids_count;
	uint16_t by_markings[HASH_SLOTS]; /* index into sets plus 1 */
	uint16_t by_label[HASH_SLOTS];
	struct pair pairs[PAIR_SLOTS];
	uint8_t key[16];
	/* Room to work in; on the stack it would be cleared with every call. */
	struct uuid one[MARKINGS_MAX], other[MARKINGS_MAX], both[2 * MARKINGS_MAX],
		cut[MARKINGS_MAX];
};

enum err_kind labels_new(struct writer *w, struct labels **ret_labels, struct err *e)
{
	struct labels *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	l->w = w;
	w->s->world->random(w->s->world->context, l->key, sizeof(l->key));
	*ret_labels = l;
	return OK;
}

void labels_free(struct labels *l)
{
	free(l);
}

void labels_forget(struct labels *l)
{
	l->count = 0;
	l->uuids_count = 0;
	memset(l->by_markings, 0, sizeof(l->by_markings));
	memset(l->by_label, 0, sizeof(l->by_label));
	memset(l->pairs, 0, sizeof(l->pairs));
}

void labels_kinds_changed(struct labels *l)
{
	for (size_t i = 0; i < l->count; i++)
		l->sets[i].passed_on = PASSED_UNKNOWN;
}

static struct slice bytes_of(const struct uuid *markings, size_t count)
{
	return (struct slice){(const char *)markings, count * sizeof(*markings)};
}

static const struct uuid *markings_of(const struct labels *l, const struct label_set *set)
{
	return l->uuids + set->first;
}

static size_t markings_slot(const struct labels *l, const struct uuid *markings, size_t count)
{
	struct slice bytes = bytes_of(markings, count);
	size_t at = (size_t)hash_table(l->key, bytes) & (HASH_SLOTS - 1);

	for (; l->by_markings[at] != 0; at = (at + 1) & (HASH_SLOTS - 1)) {
		const struct label_set *set = &l->sets[l->by_markings[at] - 1];

		if (slice_equal(bytes, bytes_of(markings_of(l, set), set->count)))
			break;
	}
	return at;
}

static size_t label_slot(const struct labels *l, uint32_t label)
{
	size_t at = (label * UINT32_C(0x9e3779b9)) >> 8 & (HASH_SLOTS - 1);

	while (l->by_label[at] != 0 && l->sets[l->by_label[at] - 1].label != label)
		at = (at + 1) & (HASH_SLOTS - 1);
	return at;
}

/* Keep a set; markings must not be in l->uuids when everything may have to be forgotten. */
static struct label_set *remember(
	struct labels *l, uint32_t label, const struct uuid *markings, size_t count)
{
	struct label_set *set;

	if (l->count == KEPT_SETS || l->uuids_count + count > KEPT_UUIDS)
		labels_forget(l);
	set = &l->sets[l->count++];
	*set = (struct label_set){label, (uint32_t)count, (uint32_t)l->uuids_count, PASSED_UNKNOWN};
	if (count > 0)
		memcpy(l->uuids + l->uuids_count, markings, count * sizeof(*markings));
	l->uuids_count += count;
	l->by_markings[markings_slot(l, markings, count)] = (uint16_t)l->count;
	l->by_label[label_slot(l, label)] = (uint16_t)l->count;
	return set;
}

/* Find the set's number in the database, or add it. */
static enum err_kind number_of(struct labels *l, const struct uuid *markings, size_t count,
	uint32_t *ret_label, struct err *e)
{
	struct conn *c = &l->w->conn;
	uint8_t digest[SHA256_LEN];
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(c, SQL_LABEL_FIND, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	hash_sha256(bytes_of(markings, count), digest);
	bind_blob(st, 1, (struct slice){(const char *)digest, sizeof(digest)});
	kind = conn_row(c, st, &row, e);
	if (kind != OK)
		return kind;
	if (row) {
		*ret_label = (uint32_t)sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
		return OK;
	}
	kind = conn_statement(c, SQL_LABEL_ADD, &st, e);
	if (kind != OK)
		return kind;
	bind_blob(st, 1, (struct slice){(const char *)digest, sizeof(digest)});
	bind_blob(st, 2, bytes_of(markings, count));
	kind = conn_done(c, st, e);
	if (kind != OK)
		return kind;
	if (sqlite3_last_insert_rowid(c->db) >= UINT32_MAX)
		return err_set(e, ERR_LIMIT, "store \"%s\": too many distinct sets of markings",
			l->w->s->folder);
	*ret_label = (uint32_t)sqlite3_last_insert_rowid(c->db);
	return OK;
}

/*
 * Too many markings for one label: keep the first, and add the nil UUID, which is no
 * marking-definition and so never lets the object out.
 */
static void set_cut(const struct uuid *markings, struct uuid ret_markings[MARKINGS_MAX])
{
	static const struct uuid nil;

	if (uuid_equal(&markings[0], &nil)) { /* cut before; nil sorts first */
		memcpy(ret_markings, markings, MARKINGS_MAX * sizeof(*markings));
		return;
	}
	ret_markings[0] = nil;
	memcpy(ret_markings + 1, markings, (MARKINGS_MAX - 1) * sizeof(*markings));
}

static enum err_kind intern(struct labels *l, const struct uuid *markings, size_t count,
	uint32_t *ret_label, struct err *e)
{
	size_t slot = markings_slot(l, markings, count);
	enum err_kind kind;

	if (l->by_markings[slot] != 0) {
		*ret_label = l->sets[l->by_markings[slot] - 1].label;
		return OK;
	}
	kind = number_of(l, markings, count, ret_label, e);
	if (kind == OK)
		remember(l, *ret_label, markings, count);
	return kind;
}

enum err_kind label_intern(struct labels *l, const struct uuid *markings, size_t count,
	uint32_t *ret_label, struct err *e)
{
	if (count == 0) {
		*ret_label = 0;
		return OK;
	}
	if (count <= MARKINGS_MAX)
		return intern(l, markings, count, ret_label, e);
	set_cut(markings, l->cut);
	return intern(l, l->cut, MARKINGS_MAX, ret_label, e);
}

enum err_kind label_bytes(struct conn *c, uint32_t label, sqlite3_stmt **ret_st,
	struct slice *ret_bytes, struct err *e)
{
	enum err_kind kind = conn_statement(c, SQL_LABEL_GET, ret_st, e);
	bool row;

	if (kind != OK)
		return kind;
	bind_int(*ret_st, 1, label);
	kind = conn_row(c, *ret_st, &row, e);
	if (kind == OK)
		*ret_bytes = row ? column_slice(*ret_st, 0) : (struct slice){0};
	return kind;
}

/* Copy a label's markings, sorted, to the caller's array of MARKINGS_MAX. */
static enum err_kind set_copy(struct labels *l, uint32_t label, struct uuid *ret_markings,
	size_t *ret_count, struct err *e)
{
	uint16_t at = l->by_label[label_slot(l, label)];
	struct slice bytes;
	sqlite3_stmt *st;
	enum err_kind kind;

	if (label == 0) {
		*ret_count = 0;
		return OK;
	}
	if (at != 0) {
		const struct label_set *set = &l->sets[at - 1];

		memcpy(ret_markings, markings_of(l, set), set->count * sizeof(*ret_markings));
		*ret_count = set->count;
		return OK;
	}
	kind = label_bytes(&l->w->conn, label, &st, &bytes, e);
	if (kind != OK)
		return kind;
	if (bytes.len == 0 || bytes.len % sizeof(struct uuid) != 0 ||
		bytes.len > MARKINGS_MAX * sizeof(struct uuid)) {
		sqlite3_reset(st);
		return err_set(e, ERR_CORRUPT, "store \"%s\": label %u is damaged or missing",
			l->w->s->folder, label);
	}
	memcpy(ret_markings, bytes.data, bytes.len);
	*ret_count = bytes.len / sizeof(struct uuid);
	sqlite3_reset(st);
	remember(l, label, ret_markings, *ret_count);
	return OK;
}

enum err_kind label_union(
	struct labels *l, uint32_t a, uint32_t b, uint32_t *ret_label, struct err *e)
{
	struct uuid *x = l->one, *y = l->other, *both = l->both;
	size_t x_count, y_count, count = 0, i = 0, j = 0;
	struct pair *pair;
	enum err_kind kind;

	if (a == b || b == 0 || a == 0) {
		*ret_label = a == 0 ? b : a;
		return OK;
	}
	pair = &l->pairs[(a * UINT32_C(0x9e3779b9) ^ b * UINT32_C(0x85ebca6b)) >> 8 &
			 (PAIR_SLOTS - 1)];
	if (pair->joined != 0 && pair->a == a && pair->b == b) {
		*ret_label = pair->joined;
		return OK;
	}
	kind = set_copy(l, a, x, &x_count, e);
	if (kind == OK)
		kind = set_copy(l, b, y, &y_count, e);
	if (kind != OK)
		return kind;
	while (i < x_count || j < y_count) {
		int order = i == x_count   ? 1
			    : j == y_count ? -1
					   : memcmp(&x[i], &y[j], sizeof(x[i]));

		both[count++] = order <= 0 ? x[i] : y[j];
		i += order <= 0;
		j += order >= 0;
	}
	kind = label_intern(l, both, count, ret_label, e);
	if (kind == OK)
		*pair = (struct pair){a, b, *ret_label};
	return kind;
}

enum err_kind marking_is_statement(
	struct conn *c, const struct uuid *marking, bool *ret_is, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(c, SQL_MARKING_GET, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	bind_uuid(st, 1, marking);
	kind = conn_row(c, st, &row, e);
	if (kind != OK)
		return kind;
	*ret_is = row && sqlite3_column_int64(st, 0) == STIX_MARKING_STATEMENT;
	if (row)
		sqlite3_reset(st);
	return OK;
}

enum err_kind label_passed_on(struct labels *l, uint32_t label, uint32_t *ret_label, struct err *e)
{
	struct uuid *markings = l->one;
	size_t count, kept = 0;
	enum err_kind kind;
	uint16_t at;

	if (label == 0) {
		*ret_label = 0;
		return OK;
	}
	at = l->by_label[label_slot(l, label)];
	if (at != 0 && l->sets[at - 1].passed_on != PASSED_UNKNOWN) {
		*ret_label = l->sets[at - 1].passed_on;
		return OK;
	}
	kind = set_copy(l, label, markings, &count, e);
	for (size_t i = 0; kind == OK && i < count; i++) {
		bool statement;

		kind = marking_is_statement(&l->w->conn, &markings[i], &statement, e);
		if (kind == OK && !statement)
			markings[kept++] = markings[i];
	}
	if (kind == OK)
		kind = label_intern(l, markings, kept, ret_label, e);
	if (kind != OK)
		return kind;
	at = l->by_label[label_slot(l, label)]; /* interning may have forgotten it */
	if (at != 0)
		l->sets[at - 1].passed_on = *ret_label;
	return OK;
}

/* ---- for readers ----------------------------------------------------------------------------- */

enum err_kind store_label_get(struct store_reader *r, uint32_t label, struct arena *a,
	struct uuid **ret_markings, enum stix_marking_kind **ret_kinds, size_t *ret_count,
	struct err *e)
{
	sqlite3_stmt *st;
	struct uuid *markings;
	enum stix_marking_kind *kinds;
	struct slice bytes;
	enum err_kind kind;
	size_t count;
	bool row;

	if (label == 0) {
		*ret_markings = NULL;
		*ret_kinds = NULL;
		*ret_count = 0;
		return OK;
	}
	kind = label_bytes(&r->conn, label, &st, &bytes, e);
	if (kind != OK)
		return kind;
	count = bytes.len / sizeof(struct uuid);
	if (bytes.len == 0 || bytes.len % sizeof(struct uuid) != 0) {
		sqlite3_reset(st);
		return err_set(e, ERR_CORRUPT, "store \"%s\": label %u is damaged or missing",
			r->s->folder, label);
	}
	markings = arena_alloc(a, bytes.len);
	kinds = ARENA_ARRAY(a, enum stix_marking_kind, count);
	if (markings != NULL)
		memcpy(markings, bytes.data, bytes.len);
	sqlite3_reset(st);
	if (markings == NULL || kinds == NULL)
		return err_set(e, ERR_NOMEM, "no room for a label of %zu markings", count);
	kind = conn_statement(&r->conn, SQL_MARKING_GET, &st, e);
	for (size_t i = 0; kind == OK && i < count; i++) {
		if (stix_tlp_of(&markings[i]) != STIX_TLP_NONE) {
			kinds[i] = STIX_MARKING_TLP;
			continue;
		}
		bind_uuid(st, 1, &markings[i]);
		kind = conn_row(&r->conn, st, &row, e);
		if (kind != OK || !row)
			continue;
		/* one that calls itself TLP under another id is none: it stays unknown */
		if (sqlite3_column_int(st, 1) != 0 &&
			(sqlite3_column_int(st, 0) == STIX_MARKING_STATEMENT ||
				sqlite3_column_int(st, 0) == STIX_MARKING_RESTRICTION))
			kinds[i] = (enum stix_marking_kind)sqlite3_column_int(st, 0);
		sqlite3_reset(st);
	}
	if (kind != OK)
		return kind;
	*ret_markings = markings;
	*ret_kinds = kinds;
	*ret_count = count;
	return OK;
}
