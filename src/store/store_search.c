/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Search: newest first, and only as much work as the caller takes rows.
 *
 * Every index answers with serials in descending order, and can be asked for the next at or below a
 * given one: a *stream*. A search goes down all its streams at once, each jumping to where the
 * others are (a leapfrog join); what they agree on is fetched and looked at closely. So a very
 * common word together with a rare value costs as little as the rare value.
 *
 * Two questions have no index in order of serials: names below a name, and addresses that overlap a
 * range. Their hits are collected and sorted when there are few; when there are many it is quicker
 * to walk all names or addresses from the newest and look at each, as hits then come often.
 *
 * Addresses: a range is kept as one byte, the number of bits it spans, before first and last. A
 * range of n bits that overlaps [a, b] begins in [a - 2^n + 1, b], so that every span has one
 * stretch to look at, whatever contains what.
 */
#include <stdlib.h>

#include "inside.h"

#define COLLECTED_MAX  16384 /* hits collected and sorted: 5 ms; from then on they come often */
#define STEPS_MAX      24    /* down an index one by one before looking up a far serial anew */
#define TEXT_STEPS_MAX 2000  /* the same for words, where looking up is dear */
#define CATCH_UP_MAX   1000  /* objects that a search itself adds to the text index: 10 ms */
#define CATCH_UP_FROM  200   /* fewer are looked at one by one */
#define LABELS_KEPT    256   /* decisions about labels, per search */
#define RANGE_BYTES    16
#define ADDRESS_BYTES  (1 + 2 * RANGE_BYTES)

/* ---- keys ------------------------------------------------------------------------------------ */

/* Bits from first to last: 0 for one address. */
static unsigned range_bits(const uint8_t *first, const uint8_t *last)
{
	uint8_t difference[RANGE_BYTES];
	int borrow = 0;

	for (int i = RANGE_BYTES - 1; i >= 0; i--) {
		int d = last[i] - first[i] - borrow;

		borrow = d < 0;
		difference[i] = (uint8_t)d;
	}
	for (unsigned i = 0; i < RANGE_BYTES; i++)
		if (difference[i] != 0)
			return (RANGE_BYTES - 1 - i) * 8 + 32 -
			       (unsigned)__builtin_clz(difference[i]);
	return 0;
}

struct slice stored_key(int kind, struct slice key, char space[VALUE_KEY_MAX])
{
	if (kind == STIX_VALUE_ADDRESS && key.len == 2 * RANGE_BYTES) {
		const uint8_t *bytes = (const uint8_t *)key.data;

		space[0] = (char)range_bits(bytes, bytes + RANGE_BYTES);
		memcpy(space + 1, key.data, key.len);
		return (struct slice){space, ADDRESS_BYTES};
	}
	if (key.len > STIX_VALUE_KEY_MAX) { /* labels; stix.h cuts values the same way */
		size_t kept = STIX_VALUE_KEY_MAX - SHA256_LEN;

		memcpy(space, key.data, kept);
		hash_sha256(key, (uint8_t *)space + kept);
		return (struct slice){space, STIX_VALUE_KEY_MAX};
	}
	return key;
}

/* What has `key` as its beginning is at or after it and before this. */
static struct slice prefix_end(struct slice key, char space[VALUE_KEY_MAX])
{
	size_t len = key.len;

	memcpy(space, key.data, len);
	while (len > 0 && (uint8_t)space[len - 1] == 0xff)
		len--;
	if (len > 0)
		space[len - 1]++;
	return (struct slice){space, len};
}

/* ---- streams --------------------------------------------------------------------------------- */

struct stream {
	enum { STREAM_SQL, STREAM_LIST, STREAM_WALK, STREAM_CHUNKS, STREAM_ANY } what;
	int64_t at; /* where it stands; -1: nowhere yet; 0: at its end */
	/* SQL and WALK */
	struct conn *conn;
	enum sql_id id;
	sqlite3_stmt *st;
	int bound; /* the parameter for the highest serial */
	int steps_max;
	/* LIST, descending */
	int64_t *list;
	size_t count, next;
	/* CHUNKS of references; next: how many of the one at hand may still come */
	struct chunk *chunk;
	/* ANY: the highest of these */
	struct stream *parts;
	size_t parts_count;
	/* WALK: which keys are hits */
	bool (*hit)(const struct stream *t, struct slice key);
	char key[VALUE_KEY_MAX]; /* bound to the statement of SQL too */
	size_t key_len;
};

static enum err_kind sql_seek(struct stream *t, int64_t upto, struct err *e)
{
	enum err_kind kind;
	bool row;

	for (int steps = 0;;) {
		if (t->at < 0 || steps == t->steps_max) {
			sqlite3_reset(t->st);
			bind_int(t->st, t->bound, upto);
			steps = 0;
		}
		kind = conn_row(t->conn, t->st, &row, e);
		if (kind != OK)
			return kind;
		t->at = row ? sqlite3_column_int64(t->st, 0) : 0;
		if (t->at > upto)
			steps++;
		else if (t->what != STREAM_WALK || !row || t->hit(t, column_slice(t->st, 1)))
			return OK;
	}
}

static enum err_kind chunks_seek(struct stream *t, int64_t upto, struct err *e)
{
	enum err_kind kind;
	bool row;

	for (int steps = 0;; steps++) {
		while (t->next > 0 && t->chunk->serials[t->next - 1] > upto)
			t->next--;
		if (t->next > 0) {
			t->at = t->chunk->serials[t->next - 1];
			return OK;
		}
		if (t->at < 0 || steps == t->steps_max) {
			sqlite3_reset(t->st);
			bind_int(t->st, t->bound, upto);
			steps = 0;
		}
		kind = conn_row(t->conn, t->st, &row, e);
		if (kind == OK && row)
			kind = chunk_read(t->conn, t->st, t->chunk, e);
		if (kind != OK)
			return kind;
		t->at = 0;
		if (!row)
			return OK;
		t->next = t->chunk->count;
	}
}

/* Go to the highest serial at or below upto. */
static enum err_kind stream_seek(struct stream *t, int64_t upto, struct err *e)
{
	enum err_kind kind = OK;

	if (t->at >= 0 && t->at <= upto)
		return OK;
	switch (t->what) {
	case STREAM_SQL:
	case STREAM_WALK:
		return sql_seek(t, upto, e);
	case STREAM_CHUNKS:
		return chunks_seek(t, upto, e);
	case STREAM_LIST:
		while (t->next < t->count && t->list[t->next] > upto)
			t->next++;
		t->at = t->next < t->count ? t->list[t->next] : 0;
		return OK;
	case STREAM_ANY:
		t->at = 0;
		for (size_t i = 0; kind == OK && i < t->parts_count; i++) {
			kind = stream_seek(&t->parts[i], upto, e);
			if (t->parts[i].at > t->at)
				t->at = t->parts[i].at;
		}
		return kind;
	}
	return OK;
}

static void stream_fini(struct stream *t)
{
	for (size_t i = 0; i < t->parts_count; i++)
		stream_fini(&t->parts[i]);
	if (t->conn != NULL)
		conn_give(t->conn, t->id, t->st);
	free(t->parts);
	free(t->list);
	free(t->chunk);
}

static enum err_kind stream_sql(
	struct stream *t, struct conn *c, enum sql_id id, int bound, struct err *e)
{
	*t = (struct stream){
		.what = STREAM_SQL, .at = -1, .id = id, .bound = bound, .steps_max = STEPS_MAX};
	t->conn = c;
	return conn_take(c, id, &t->st, e);
}

static enum err_kind stream_any(struct stream *t, size_t parts, struct err *e)
{
	*t = (struct stream){.what = STREAM_ANY, .at = -1};
	t->parts = calloc(parts == 0 ? 1 : parts, sizeof(*t->parts));
	return t->parts != NULL ? OK : err_set(e, ERR_NOMEM, "out of memory");
}

/* ---- hits that are collected ----------------------------------------------------------------- */

struct collecting {
	int64_t *list;
	size_t count;
	bool too_many;
};

static int descending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x < y) - (x > y);
}

/* Those of the keys in [from, to) that `hit` (NULL: all). */
static enum err_kind collect(struct store_reader *r, int kind_of_value, struct slice from,
	struct slice to, const struct stream *filter, struct collecting *into, struct err *e)
{
	sqlite3_stmt *st;
	enum err_kind kind = conn_statement(&r->conn, SQL_VALUE_RANGE, &st, e);
	bool row;

	if (kind != OK)
		return kind;
	bind_int(st, 1, kind_of_value);
	bind_blob(st, 2, from);
	bind_blob(st, 3, to);
	while (!into->too_many && (kind = conn_row(&r->conn, st, &row, e)) == OK && row) {
		if (filter != NULL && !filter->hit(filter, column_slice(st, 0)))
			continue;
		if (into->count == COLLECTED_MAX)
			into->too_many = true;
		else
			into->list[into->count++] = sqlite3_column_int64(st, 1);
	}
	sqlite3_reset(st);
	return kind;
}

static bool equal_hit(const struct stream *t, struct slice key)
{
	return slice_equal(key, (struct slice){t->key, t->key_len});
}

static bool prefix_hit(const struct stream *t, struct slice key)
{
	return slice_starts(key, (struct slice){t->key, t->key_len});
}

/* t->key: class, first, last of what is asked for. */
static bool overlap_hit(const struct stream *t, struct slice key)
{
	return key.len == ADDRESS_BYTES &&
	       memcmp(key.data + 1, t->key + 1 + RANGE_BYTES, RANGE_BYTES) <= 0 &&
	       memcmp(key.data + 1 + RANGE_BYTES, t->key + 1, RANGE_BYTES) >= 0;
}

/* first - 2^bits + 1, not below zero. */
static void stretch_begin(const uint8_t *first, unsigned bits, uint8_t *ret_begin)
{
	int borrow = 0;

	for (unsigned i = 0; i < RANGE_BYTES; i++) {
		unsigned at = RANGE_BYTES - 1 - i; /* from the least byte */
		unsigned ones = bits >= 8 * (i + 1) ? 8 : bits > 8 * i ? bits - 8 * i : 0;
		int d = first[at] - (int)((1u << ones) - 1) - borrow;

		borrow = d < 0;
		ret_begin[at] = (uint8_t)d;
	}
	if (borrow)
		memset(ret_begin, 0, RANGE_BYTES);
}

/* All spans that are in use, from the narrowest. */
static enum err_kind collect_overlaps(
	struct store_reader *r, const struct stream *t, struct collecting *into, struct err *e)
{
	enum err_kind kind = OK;
	sqlite3_stmt *st;
	bool row = true;

	for (unsigned bits = 0; kind == OK && row && bits <= 8 * RANGE_BYTES; bits++) {
		char next = (char)bits;
		char from[1 + RANGE_BYTES], to[1 + 2 * RANGE_BYTES + 1];
		struct slice found;

		kind = conn_statement(&r->conn, SQL_VALUE_FIRST, &st, e);
		if (kind != OK)
			break;
		bind_int(st, 1, STIX_VALUE_ADDRESS);
		bind_blob(st, 2, (struct slice){&next, 1});
		kind = conn_row(&r->conn, st, &row, e);
		if (kind != OK || !row)
			break;
		found = column_slice(st, 0);
		bits = found.len > 0 ? (uint8_t)found.data[0] : UINT8_MAX;
		sqlite3_reset(st);
		if (bits > 8 * RANGE_BYTES)
			break;
		from[0] = to[0] = (char)bits;
		stretch_begin((const uint8_t *)t->key + 1, bits, (uint8_t *)from + 1);
		memcpy(to + 1, t->key + 1 + RANGE_BYTES, RANGE_BYTES);
		memset(to + 1 + RANGE_BYTES, 0xff, RANGE_BYTES + 1); /* past every last */
		kind = collect(r, STIX_VALUE_ADDRESS, (struct slice){from, sizeof(from)},
			(struct slice){to, sizeof(to)}, t, into, e);
	}
	return kind;
}

/* Look at each value of a kind whose object came after `after`, from the newest. */
static enum err_kind stream_walk(
	struct stream *t, struct conn *c, int kind_of_value, int64_t after, struct err *e)
{
	enum err_kind kind = stream_sql(t, c, SQL_VALUE_WALK, 2, e);

	t->what = STREAM_WALK;
	if (kind == OK) {
		bind_int(t->st, 1, kind_of_value);
		bind_int(t->st, 3, after);
	}
	return kind;
}

static void stream_key(struct stream *t, struct slice key)
{
	memcpy(t->key, key.data, key.len);
	t->key_len = key.len;
}

typedef bool (*hit_function)(const struct stream *t, struct slice key);

/* A value is in the index, or has come so lately that it waits: then all that wait are looked at.
 */
static enum err_kind stream_waiting(struct store_reader *r, struct stream *any, int kind_of_value,
	struct slice key, hit_function hit, struct err *e)
{
	struct stream *t = &any->parts[any->parts_count];
	enum err_kind kind;

	if (r->values_last >= r->serial_last)
		return OK;
	any->parts_count++;
	kind = stream_walk(t, &r->conn, kind_of_value, r->values_last, e);
	t->hit = hit;
	stream_key(t, key);
	return kind;
}

static enum err_kind stream_exact(struct store_reader *r, struct stream *any, int kind_of_value,
	struct slice key, struct err *e)
{
	struct stream *t;
	enum err_kind kind = stream_any(any, 2, e);

	if (kind == OK)
		kind = stream_waiting(r, any, kind_of_value, key, equal_hit, e);
	if (kind != OK)
		return kind;
	t = &any->parts[any->parts_count++];
	kind = stream_sql(t, &r->conn, SQL_VALUE_STREAM, 3, e);
	if (kind != OK)
		return kind;
	stream_key(t, key);
	bind_int(t->st, 1, kind_of_value);
	bind_blob(t->st, 2, (struct slice){t->key, t->key_len});
	return OK;
}

/* A value that stands for many keys. */
static enum err_kind stream_many(struct store_reader *r, struct stream *any, int kind_of_value,
	struct slice key, struct err *e)
{
	hit_function hit = kind_of_value == STIX_VALUE_ADDRESS ? overlap_hit : prefix_hit;
	struct collecting into = {.list = malloc(COLLECTED_MAX * sizeof(*into.list))};
	char end[VALUE_KEY_MAX];
	struct stream *t;
	size_t kept = 0;
	enum err_kind kind = stream_any(any, 2, e);

	if (kind == OK && into.list == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	if (kind != OK) {
		free(into.list);
		return kind;
	}
	t = &any->parts[any->parts_count++];
	*t = (struct stream){.what = STREAM_LIST, .at = -1, .hit = hit};
	stream_key(t, key);
	if (kind_of_value == STIX_VALUE_ADDRESS)
		kind = collect_overlaps(r, t, &into, e);
	else
		kind = collect(r, kind_of_value, key, prefix_end(key, end), NULL, &into, e);
	if (kind != OK || into.too_many) {
		free(into.list);
		if (kind == OK)
			kind = stream_walk(t, &r->conn, kind_of_value, 0, e);
		t->hit = hit;
		stream_key(t, key);
		return kind;
	}
	if (into.count > 1)
		qsort(into.list, into.count, sizeof(*into.list), descending);
	for (size_t i = 0; i < into.count; i++)
		if (kept == 0 || into.list[kept - 1] != into.list[i])
			into.list[kept++] = into.list[i];
	t->list = into.list;
	t->count = kept;
	return stream_waiting(r, any, kind_of_value, key, hit, e);
}

/* ---- the cursor ------------------------------------------------------------------------------ */

#define STREAMS_MAX 8 /* of one search: types, value, creator, refers, label, collection, text */

struct search_cursor {
	struct store_cursor base;
	struct stream streams[STREAMS_MAX];
	size_t count;
	struct stream text;
	bool by_text; /* the text stream is open, for serials up to text_last */
	int64_t text_last;
	struct text_query *query;
	char *match; /* bound to the text stream */
	struct type_set types;
	bool by_type;
	struct uuid *markings; /* sorted or not, few */
	size_t markings_count;
	struct {
		uint32_t label;
		bool known, has;
	} labels[LABELS_KEPT];
	int64_t collection, since_us, until_us;
	bool every_version;
	int64_t upto; /* the next to look for is at or below */
	struct buf body;
};

/* Has the row's label one of the markings that are asked for? */
static enum err_kind label_has(
	struct search_cursor *k, uint32_t label, bool *ret_has, struct err *e)
{
	struct conn *c = &k->base.r->conn;
	size_t slot = label % LABELS_KEPT;
	struct slice markings;
	sqlite3_stmt *st;
	enum err_kind kind;
	bool row, has = false;

	if (k->labels[slot].known && k->labels[slot].label == label) {
		*ret_has = k->labels[slot].has;
		return OK;
	}
	kind = conn_statement(c, SQL_LABEL_GET, &st, e);
	if (kind != OK)
		return kind;
	bind_int(st, 1, label);
	kind = conn_row(c, st, &row, e);
	if (kind != OK)
		return kind;
	markings = row ? column_slice(st, 0) : (struct slice){0};
	for (size_t i = 0; i + sizeof(struct uuid) <= markings.len; i += sizeof(struct uuid))
		for (size_t j = 0; j < k->markings_count; j++)
			if (memcmp(markings.data + i, &k->markings[j], sizeof(struct uuid)) == 0)
				has = true;
	sqlite3_reset(st);
	k->labels[slot].label = label;
	k->labels[slot].known = true;
	*ret_has = k->labels[slot].has = has;
	return OK;
}

static enum err_kind text_matches(
	struct search_cursor *k, int64_t serial, bool *ret_matches, struct err *e)
{
	enum err_kind kind;

	*ret_matches = true;
	if (k->query == NULL || (serial <= k->text_last && !text_query_needs_body(k->query)))
		return OK;
	buf_clear(&k->body);
	kind = row_body(k->base.r, k->base.row, &k->body, e);
	if (kind != OK)
		return kind;
	return text_query_test(k->query, buf_slice(&k->body), ret_matches, e);
}

/* The row is there and all streams agree on it: does everything else hold, the cheap things first?
 */
static enum err_kind row_passes(
	struct search_cursor *k, struct store_row *row, bool *ret_passes, struct err *e)
{
	struct store_cursor *c = &k->base;
	int64_t version = row->version_us != 0 ? row->version_us : row->date_added_us;
	enum err_kind kind = OK;
	bool passes = true;

	if (k->by_type)
		passes = type_set_has(&k->types, sqlite3_column_int64(c->row, 1));
	passes = passes && (k->since_us == 0 || version >= k->since_us) &&
		 (k->until_us == 0 || version < k->until_us);
	if (passes && k->collection != 0)
		kind = row_in_collection(c->r, k->collection, row, &passes, e);
	passes = passes && (row->latest || k->every_version);
	if (kind == OK && passes && k->markings_count > 0)
		kind = label_has(k, row->label, &passes, e);
	if (kind == OK && passes)
		passes = audience_may(&c->audience, row->label);
	if (kind == OK && passes)
		kind = text_matches(k, row->serial, &passes, e);
	*ret_passes = passes;
	return kind;
}

/* The highest serial at or below k->upto on which all streams agree; 0: there is none. */
static enum err_kind agree(struct search_cursor *k, int64_t *ret_serial, struct err *e)
{
	int64_t serial = k->upto;
	enum err_kind kind = OK;
	bool moved = true;

	while (moved && serial > 0) {
		moved = false;
		for (size_t i = 0; kind == OK && serial > 0 && i < k->count; i++) {
			kind = stream_seek(&k->streams[i], serial, e);
			moved = moved || k->streams[i].at < serial;
			serial = k->streams[i].at < serial ? k->streams[i].at : serial;
		}
		if (kind == OK && k->by_text && serial > 0 && serial <= k->text_last) {
			kind = stream_seek(&k->text, serial, e);
			moved = moved || k->text.at < serial;
			serial = k->text.at < serial ? k->text.at : serial;
		}
		if (kind != OK)
			return kind;
	}
	*ret_serial = serial;
	return OK;
}

/* Put c->row on the next candidate; *ret_row false: there is none. */
static enum err_kind candidate_next(struct search_cursor *k, bool *ret_row, struct err *e)
{
	struct store_cursor *c = &k->base;

	if (c->row_id == SQL_OLDER)
		return conn_row(&c->r->conn, c->row, ret_row, e);
	for (;;) {
		int64_t serial;
		enum err_kind kind = agree(k, &serial, e);

		if (kind != OK)
			return kind;
		*ret_row = false;
		if (serial <= 0)
			return OK;
		k->upto = serial - 1;
		sqlite3_reset(c->row);
		bind_int(c->row, 1, serial);
		kind = conn_row(&c->r->conn, c->row, ret_row, e);
		if (kind != OK || *ret_row)
			return kind;
		/* removed since the text index last looked */
	}
}

static enum err_kind search_next(
	struct store_cursor *c, struct store_row *ret_row, bool *ret_more, struct err *e)
{
	struct search_cursor *k = (struct search_cursor *)c;

	for (;;) {
		struct store_row row;
		bool more, passes = false;
		enum err_kind kind = candidate_next(k, &more, e);

		if (kind == OK && !more) {
			*ret_more = false;
			return OK;
		}
		if (kind == OK)
			kind = row_read(c->r, c->row, &row, e);
		if (kind == OK)
			kind = row_passes(k, &row, &passes, e);
		if (kind != OK)
			return kind;
		if (passes) {
			*ret_row = row;
			*ret_more = true;
			return OK;
		}
	}
}

static void search_fini(struct store_cursor *c)
{
	struct search_cursor *k = (struct search_cursor *)c;

	for (size_t i = 0; i < k->count; i++)
		stream_fini(&k->streams[i]);
	if (k->by_text)
		stream_fini(&k->text);
	text_query_free(k->query);
	free(k->match);
	free(k->types.bits);
	free(k->markings);
	buf_fini(&k->body);
}

/* ---- what is asked, as streams --------------------------------------------------------------- */

static enum err_kind ask_types(struct search_cursor *k, struct err *e)
{
	struct stream *any = &k->streams[k->count], *t;
	enum err_kind kind;

	if (!k->by_type || k->by_text) /* the text index knows the types too */
		return OK;
	kind = stream_any(any, k->types.count, e);
	if (kind != OK)
		return kind;
	k->count++;
	for (size_t i = 0; kind == OK && i < k->types.len; i++) {
		if (k->types.bits[i] == 0)
			continue;
		t = &any->parts[any->parts_count++];
		kind = stream_sql(t, &k->base.r->conn, SQL_TYPE_STREAM, 2, e);
		if (kind == OK)
			bind_int(t->st, 1, (int64_t)i);
	}
	return kind;
}

static enum err_kind ask_value(struct search_cursor *k, const struct store_search *q, struct err *e)
{
	const struct stix_value *v = q->value;
	char space[VALUE_KEY_MAX];
	struct slice key;
	bool many;

	if (v == NULL)
		return OK;
	if (v->key.len == 0 || v->key.len > STIX_VALUE_KEY_MAX)
		return err_set(e, ERR_USAGE, "a value of %zu bytes to search for", v->key.len);
	key = stored_key((int)v->kind, v->key, space);
	many = (v->kind == STIX_VALUE_ADDRESS && key.len == ADDRESS_BYTES) ||
	       (v->kind == STIX_VALUE_NAME && q->value_suffix);
	return (many ? stream_many : stream_exact)(
		k->base.r, &k->streams[k->count++], (int)v->kind, key, e);
}

static enum err_kind ask_label(struct search_cursor *k, const struct store_search *q, struct err *e)
{
	char space[VALUE_KEY_MAX];

	if (q->label.len == 0)
		return OK;
	return stream_exact(k->base.r, &k->streams[k->count++], VALUE_LABEL,
		stored_key(VALUE_LABEL, q->label, space), e);
}

static enum err_kind reference_stream(
	struct search_cursor *k, struct stream *t, int64_t target, int64_t property, struct err *e)
{
	enum err_kind kind = stream_sql(t, &k->base.r->conn, SQL_REFERENCE_STREAM, 3, e);

	if (kind != OK)
		return kind;
	t->what = STREAM_CHUNKS;
	t->chunk = malloc(sizeof(*t->chunk));
	if (t->chunk == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	bind_int(t->st, 1, target);
	bind_int(t->st, 2, property);
	return OK;
}

static enum err_kind ask_creator(
	struct search_cursor *k, const struct store_search *q, struct err *e)
{
	struct store_reader *r = k->base.r;
	int64_t ident, property;
	enum err_kind kind;

	if (q->creator == NULL)
		return OK;
	kind = reader_ident(r, q->creator->type, &q->creator->uuid, &ident, e);
	if (kind == OK && !is_writer(r->s))
		kind = names_load(&r->s->properties, &r->conn, e);
	if (kind != OK)
		return kind;
	property = names_find(&r->s->properties, SLICE("created_by_ref"));
	/* 0 is what properties beyond the limit share */
	if (property == 0)
		ident = 0;
	return reference_stream(k, &k->streams[k->count++], ident, property, e);
}

static enum err_kind ask_refers(
	struct search_cursor *k, const struct store_search *q, struct err *e)
{
	struct conn *c = &k->base.r->conn;
	struct stream *any;
	int64_t ident, property = -1;
	sqlite3_stmt *st;
	enum err_kind kind;
	bool row = true;

	if (q->refers_to == NULL)
		return OK;
	any = &k->streams[k->count++];
	kind = reader_ident(k->base.r, q->refers_to->type, &q->refers_to->uuid, &ident, e);
	if (kind == OK)
		kind = stream_any(any, 0, e);
	while (kind == OK && ident != 0) {
		struct stream *grown;

		kind = conn_statement(c, SQL_REFERENCE_PROPERTY, &st, e);
		if (kind != OK)
			break;
		bind_int(st, 1, ident);
		bind_int(st, 2, property);
		kind = conn_row(c, st, &row, e);
		if (kind != OK || !row)
			break;
		property = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
		grown = realloc(any->parts, (any->parts_count + 1) * sizeof(*grown));
		if (grown == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		any->parts = grown;
		kind = reference_stream(k, &any->parts[any->parts_count++], ident, property, e);
	}
	return kind;
}

static enum err_kind ask_collection(struct search_cursor *k, struct err *e)
{
	struct stream *t;
	enum err_kind kind;

	if (k->collection == 0)
		return OK;
	t = &k->streams[k->count++];
	kind = stream_sql(t, &k->base.r->conn, SQL_ENTRY_STREAM, 2, e);
	if (kind == OK)
		bind_int(t->st, 1, k->collection);
	return kind;
}

/*
 * Words. What the index does not have yet is looked at object by object, so it must not be much: a
 * writer's search brings the index up to date a bit itself, should nobody else have.
 */
static enum err_kind ask_text(struct search_cursor *k, const struct store_search *q, struct err *e)
{
	struct store_reader *r = k->base.r;
	struct buf match = BUF_INIT;
	enum err_kind kind;

	if (q->text.len == 0)
		return OK;
	kind = text_query_new(r, q->text, &k->query, e);
	if (kind != OK)
		return kind;
	if (is_writer(r->s) && r->s->serial_last - r->s->text.serial_last > CATCH_UP_FROM &&
		text_catch_up(r->s, CATCH_UP_MAX, false, NULL) != OK) {
		/* that failed, but the search need not: what is not indexed is looked at */
	}
	kind = text_snapshot(r, &k->text_last, e);
	if (kind != OK || k->text_last == 0)
		return kind;
	text_query_match(k->query, k->by_type ? &k->types : NULL, &match);
	if (match.bad) {
		buf_fini(&match);
		return err_set(e, ERR_NOMEM, "out of memory for words");
	}
	k->match = match.data;
	k->by_text = true;
	kind = stream_sql(&k->text, &r->text, SQL_TEXT_STREAM, 2, e);
	if (kind != OK)
		return kind;
	k->text.steps_max = TEXT_STEPS_MAX;
	bind_text(k->text.st, 1, (struct slice){match.data, match.len});
	return OK;
}

static enum err_kind ask(struct search_cursor *k, const struct store_search *q, struct err *e)
{
	struct store_cursor *c = &k->base;
	enum err_kind kind = OK;

	if (k->by_type)
		kind = type_set_make(c->r, q->types, q->types_count, &k->types, e);
	if (kind == OK && k->by_type && k->types.count == 0)
		c->ended = true; /* no object of these types is here */
	if (kind == OK && q->markings_any_count > 0) {
		k->markings = calloc(q->markings_any_count, sizeof(*k->markings));
		if (k->markings == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		memcpy(k->markings, q->markings_any, q->markings_any_count * sizeof(*k->markings));
		k->markings_count = q->markings_any_count;
	}
	if (kind == OK)
		kind = ask_text(k, q, e);
	if (kind == OK)
		kind = ask_types(k, e);
	if (kind == OK)
		kind = ask_value(k, q, e);
	if (kind == OK)
		kind = ask_creator(k, q, e);
	if (kind == OK)
		kind = ask_refers(k, q, e);
	if (kind == OK)
		kind = ask_label(k, q, e);
	if (kind == OK)
		kind = ask_collection(k, e);
	if (kind != OK)
		return kind;
	c->row_id = k->count == 0 && k->query == NULL ? SQL_OLDER : SQL_BY_SERIAL;
	kind = conn_take(&c->r->conn, c->row_id, &c->row, e);
	if (kind == OK)
		bind_int(c->row, 1, k->upto);
	return kind;
}

enum err_kind store_search_open(struct store_reader *r, const struct store_search *search,
	struct store_cursor **ret_cursor, struct err *e)
{
	struct search_cursor *k = calloc(1, sizeof(*k));
	enum err_kind kind;

	if (k == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	k->base = (struct store_cursor){
		.r = r, .next = search_next, .fini = search_fini, .audience = search->audience};
	k->by_type = search->types_count > 0;
	k->collection = search->collection;
	k->since_us = search->since_us;
	k->until_us = search->until_us;
	k->every_version = search->every_version;
	k->upto = search->before_serial != 0 ? search->before_serial - 1 : r->serial_last;
	if (k->upto > r->serial_last)
		k->upto = r->serial_last;
	kind = ask(k, search, e);
	if (kind != OK) {
		store_cursor_free(&k->base);
		return kind;
	}
	*ret_cursor = &k->base;
	return OK;
}

enum err_kind store_referrers_open(struct store_reader *r, struct slice type,
	const struct uuid *uuid, struct store_audience audience, struct store_cursor **ret_cursor,
	struct err *e)
{
	const struct stix_id target = {type, *uuid};
	const struct store_search search = {.refers_to = &target, .audience = audience};

	return store_search_open(r, &search, ret_cursor, e);
}
