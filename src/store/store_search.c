/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Search: newest first, and only as much work as the caller takes rows.
 *
 * Every index answers with serials in descending order, and can be asked for the next at or below a
 * given one: a *stream*. A search goes down all its streams at once, each jumping to where the
 * others are (a leapfrog join); what they agree on is fetched and looked at closely. So a very
 * common word together with a rare value costs as little as the rare value.
 */
#include <stdlib.h>

#include "stream.h"

#define TEXT_STEPS_MAX 2000 /* down the words one by one: looking up a far serial anew is dear */
#define CATCH_UP_MAX   1000 /* objects that a search itself adds to the text index: 10 ms */
#define CATCH_UP_FROM  200  /* fewer are looked at one by one */
#define LABELS_KEPT    256  /* decisions about labels, per search */

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
	bool has = false;

	if (k->labels[slot].known && k->labels[slot].label == label) {
		*ret_has = k->labels[slot].has;
		return OK;
	}
	kind = label_bytes(c, label, &st, &markings, e);
	if (kind != OK)
		return kind;
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
		passes = audience_may(&c->audience, row);
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
			if (kind == ERR_CORRUPT) { /* go on without it, by the bodies */
				k->base.r->s->text.damaged = true;
				k->text_last = 0;
				kind = OK;
				continue;
			}
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
	return stream_references(k->base.r, &k->streams[k->count++], ident, property, e);
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
		kind = stream_references(
			k->base.r, &any->parts[any->parts_count++], ident, property, e);
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
