/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Pages of a collection: objects (sections 5.4 and 5.6), manifest (5.3), versions (5.8). One
 * question, one walk over the collection in the order of date_added, one page; how a row is written
 * is all in which they differ.
 *
 * A page that fits PAGE_BUFFER_MAX is made whole and kept in the cache. A larger one is counted to
 * its end first, for its headers, and then streamed: what did not fit the buffer is read again in
 * chunks, so that memory stays the same whatever the page, and no snapshot is held for a slow
 * client.
 */
#include <stdlib.h>

#include "filter.h"
#include "server.h"

#define PAGE_BUFFER_MAX KIB(512) /* several times a page of 100 objects of the usual 1 KB */
#define STREAM_CHUNK    KIB(128) /* bytes read at a time after that */
#define ROW_GUESS       KIB(1)   /* first guess at the room a row needs */

/* Stand in keys and in `next`, so the numbers never change. */
enum resource { RESOURCE_OBJECTS = 1, RESOURCE_MANIFEST = 2, RESOURCE_VERSIONS = 3, RESOURCES };

/* A request for a page, understood. */
struct question {
	struct taxii_server *t;
	const struct http_request *q;
	struct access access;
	enum resource resource;
	bool one; /* the path names an object: unknown is 404 */
	struct filter filter;
	int64_t after_us; /* where the walk goes on, exclusive; INT64_MIN: from the beginning */
	size_t limit;
	struct next_binding binding;
	uint8_t key[PAGE_KEY_LEN];
};

/* ---- rows ------------------------------------------------------------------------------ */

/* Section 5.3.1: the version is modified, else created, else (observables) the date added. */
static int64_t version_of(const struct store_row *row)
{
	return row->version_us != 0 ? row->version_us : row->date_added_us;
}

static void time_append(struct buf *out, int64_t us)
{
	char text[TIME_TEXT_MAX];
	size_t len = time_format(us, 6, text);

	buf_char(out, '"');
	buf_append(out, text, len);
	buf_char(out, '"');
}

static enum err_kind row_object(
	struct store_cursor *c, const struct store_row *row, struct buf *out, struct err *e)
{
	(void)row;
	return store_cursor_body(c, out, e);
}

static enum err_kind row_manifest(
	struct store_cursor *c, const struct store_row *row, struct buf *out, struct err *e)
{
	char uuid[UUID_TEXT_LEN + 1];

	(void)c;
	(void)e;
	uuid_format(&row->uuid, uuid);
	buf_text(out, "{\"id\":\"");
	buf_slice_append(out, row->type);
	buf_text(out, "--");
	buf_append(out, uuid, UUID_TEXT_LEN);
	buf_text(out, "\",\"date_added\":");
	time_append(out, row->date_added_us);
	buf_text(out, ",\"version\":");
	time_append(out, version_of(row));
	buf_text(out, ",\"media_type\":\"" TAXII_STIX_TYPE "\"}");
	return OK;
}

static enum err_kind row_version(
	struct store_cursor *c, const struct store_row *row, struct buf *out, struct err *e)
{
	(void)c;
	(void)e;
	time_append(out, version_of(row));
	return OK;
}

static const struct {
	const char *list; /* name of the list in the resource */
	enum err_kind (*write)(struct store_cursor *c, const struct store_row *row, struct buf *out,
		struct err *e);
} resources[RESOURCES] = {
	[RESOURCE_OBJECTS] = {"objects",  row_object  },
	[RESOURCE_MANIFEST] = {"objects",  row_manifest},
	[RESOURCE_VERSIONS] = {"versions", row_version },
};

/* ---- the head of a page ---------------------------------------------------------------- */

/* {"more":true,"next":"…","objects":[ with the value of next always at the same place. */
static const char head_more[] = "{\"more\":true,\"next\":\"";
#define NEXT_AT (sizeof(head_more) - 1)

static void head_reserve(enum resource resource, struct buf *out)
{
	char *next;

	buf_text(out, head_more);
	next = buf_reserve(out, NEXT_TEXT_LEN);
	if (next == NULL)
		return;
	memset(next, '-', NEXT_TEXT_LEN);
	out->len += NEXT_TEXT_LEN;
	buf_printf(out, "\",\"%s\":[", resources[resource].list);
}

/* The last page of a walk has a shorter head: move the rest up. */
static void head_shorten(enum resource resource, struct buf *out)
{
	char text[64];
	size_t reserved = NEXT_AT + NEXT_TEXT_LEN + 6 + strlen(resources[resource].list);
	int len =
		snprintf(text, sizeof(text), "{\"more\":false,\"%s\":[", resources[resource].list);

	if (out->bad)
		return;
	memcpy(out->data, text, (size_t)len);
	memmove(out->data + len, out->data + reserved, out->len - reserved);
	out->len -= reserved - (size_t)len;
}

/* ---- what a page depends on ------------------------------------------------------------ */

static void key_u64(uint8_t **at, uint64_t value)
{
	put_u64(*at, value);
	*at += 8;
}

/*
 * Everything that the bytes of a page (but for the account in `next`) depend on:
 *
 *   life of the server, resource, collection and its change counter, label epoch, who asks,
 *   the filters, where the walk goes on, how many objects
 *
 * The change counter and the epoch were read before the snapshot that the page is made from, so a
 * page may be newer than its key says, and never older. "Who asks" is what intel_release decides by
 * (intel.h): no account or one, its role, the collection's limit, whose account it is, and
 * intel_release_epoch, by which the policy's answers are told apart.
 */
static void page_key(struct question *w)
{
	uint8_t text[sizeof(w->t->life) + sizeof(struct uuid) + 2 * SHA256_LEN + 12 * 8];
	uint8_t *at = text;

	memcpy(at, w->t->life, sizeof(w->t->life));
	at += sizeof(w->t->life);
	memcpy(at, w->access.collection.uuid.bytes, sizeof(struct uuid));
	at += sizeof(struct uuid);
	memcpy(at, w->binding.filters, SHA256_LEN);
	at += SHA256_LEN;
	hash_sha256(w->access.to.member, at);
	at += SHA256_LEN;
	key_u64(&at, w->access.release_epoch);
	key_u64(&at, w->resource);
	key_u64(&at, w->one);
	key_u64(&at, (uint64_t)w->access.collection.number);
	key_u64(&at, w->access.collection.change);
	key_u64(&at, w->access.label_epoch);
	key_u64(&at, w->access.to.account != 0);
	key_u64(&at, w->access.to.role);
	key_u64(&at, w->access.to.tlp_max);
	key_u64(&at, (uint64_t)w->after_us);
	key_u64(&at, w->limit);
	key_u64(&at, w->filter.nothing);
	hash_sha256((struct slice){(const char *)text, (size_t)(at - text)}, w->key);
}

static struct slice etag_of(const struct question *w)
{
	struct buf text = BUF_INIT;
	struct slice etag = {0};

	/* Weak: the same page may travel packed. */
	buf_text(&text, "W/\"");
	base64url_append(&text, w->key, 16);
	buf_char(&text, '"');
	if (!text.bad)
		etag = arena_copy(w->q->arena, buf_slice(&text));
	buf_fini(&text);
	return etag;
}

static struct store_page page_of(const struct question *w)
{
	const struct filter *f = &w->filter;

	return (struct store_page){
		.collection = w->access.collection.number,
		.after_us = w->after_us,
		.ids = f->ids,
		.ids_count = f->ids_count,
		.types = f->types,
		.types_count = f->types_count,
		.versions = w->resource == RESOURCE_VERSIONS ? STORE_EVERY : f->versions,
		.at_us = f->at_us,
		.at_count = f->at_count,
	};
}

/* ---- streaming what is too large ------------------------------------------------------- */

struct page_stream {
	struct taxii_server *t;
	struct intel_recipient to;
	enum resource resource;
	struct arena *arena; /* holds the lists of page */
	struct store_page page;
	struct buf head; /* what pass one made */
	size_t head_at;
	int64_t *dates; /* of the rows that follow, ascending */
	size_t count, at;
};

static void stream_free(void *state)
{
	struct page_stream *s = state;

	if (s == NULL)
		return;
	buf_fini(&s->head);
	arena_free(s->arena);
	free(s->dates);
	free(s);
}

/*
 * The next rows. The walk is asked again for every chunk, and so is the audience: what was removed,
 * superseded or withheld since it was counted is left out (a newer version comes later in the
 * walk), and what was not counted does not slip in.
 */
static enum err_kind stream_rows(struct page_stream *s, struct buf *out, struct err *e)
{
	struct store_reader *r = NULL;
	struct store_cursor *c = NULL;
	size_t start = out->len;
	enum err_kind kind = store_reader_take(s->t->store, &r, e);

	if (kind == OK)
		kind = intel_release_page(s->t->intel, r, &s->to, &s->page, &c, e);
	while (kind == OK && s->at < s->count && out->len - start < STREAM_CHUNK) {
		struct store_row row;
		bool there;

		kind = store_cursor_next(c, &row, &there, e);
		if (kind != OK)
			break;
		if (!there) {
			s->at = s->count;
			break;
		}
		while (s->at < s->count && s->dates[s->at] < row.date_added_us)
			s->at++;
		s->page.after_us = row.date_added_us;
		if (s->at == s->count || s->dates[s->at] != row.date_added_us)
			continue;
		s->at++;
		buf_char(out, ','); /* the head holds a row */
		kind = resources[s->resource].write(c, &row, out, e);
		if (kind == OK && s->resource == RESOURCE_OBJECTS)
			intel_released(s->t->intel, r, &s->to, &row);
	}
	store_cursor_free(c);
	store_reader_give(r);
	if (kind == OK && out->bad)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	return kind;
}

static enum err_kind stream_next(void *state, struct buf *out, bool *ret_more, struct err *e)
{
	struct page_stream *s = state;
	enum err_kind kind = OK;

	if (s->head_at < s->head.len) {
		struct slice part =
			slice_cut(buf_slice(&s->head), s->head_at, s->head_at + STREAM_CHUNK);

		buf_slice_append(out, part);
		s->head_at += part.len;
		if (s->head_at == s->head.len)
			buf_fini(&s->head);
		if (s->head.data == NULL)
			s->head_at = 0;
		*ret_more = true;
		return out->bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
	}
	if (s->at < s->count)
		kind = stream_rows(s, out, e);
	*ret_more = s->at < s->count;
	if (!*ret_more)
		buf_text(out, "]}");
	return kind;
}

/* The lists of a page, copied: the request's arena may be gone before the stream is. */
static bool lists_keep(struct page_stream *s)
{
	struct store_page *p = &s->page;
	struct stix_id *ids = ARENA_ARRAY(s->arena, struct stix_id, p->ids_count + 1);
	struct slice *types = ARENA_ARRAY(s->arena, struct slice, p->types_count + 1);
	int64_t *at_us = ARENA_ARRAY(s->arena, int64_t, p->at_count + 1);

	if (ids == NULL || types == NULL || at_us == NULL)
		return false;
	for (size_t i = 0; i < p->ids_count; i++) {
		ids[i] = p->ids[i];
		ids[i].type = arena_copy(s->arena, ids[i].type);
		if (ids[i].type.data == NULL)
			return false;
	}
	for (size_t i = 0; i < p->types_count; i++) {
		types[i] = arena_copy(s->arena, p->types[i]);
		if (types[i].data == NULL)
			return false;
	}
	if (p->at_count > 0)
		memcpy(at_us, p->at_us, p->at_count * sizeof(*at_us));
	p->ids = ids;
	p->types = types;
	p->at_us = at_us;
	return true;
}

static struct page_stream *stream_new(const struct question *w, size_t rows_max)
{
	struct page_stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->t = w->t;
	s->to = w->access.to;
	s->resource = w->resource;
	s->page = page_of(w);
	s->arena = arena_new(MIB(1));
	if (s->arena != NULL)
		s->to.member = arena_copy(s->arena, s->to.member);
	s->dates = malloc((rows_max + 1) * sizeof(*s->dates));
	if (s->arena == NULL || s->to.member.data == NULL || s->dates == NULL || !lists_keep(s)) {
		stream_free(s);
		return NULL;
	}
	return s;
}

/* ---- building -------------------------------------------------------------------------- */

struct built {
	struct buf out;
	struct page_stream *stream; /* NULL: all is in out */
	struct buf notes;           /* what is in out, for the release log */
	size_t count;
	int64_t first_us, last_us;
	bool more;
};

/* Does this row go into the buffer? The first always does. */
static bool row_fits(const struct built *b, enum resource resource, const struct store_row *row)
{
	size_t bytes = resource == RESOURCE_OBJECTS ? row->body_bytes : 0;

	return b->stream == NULL && (b->count == 0 || b->out.len + bytes <= PAGE_BUFFER_MAX);
}

static void note_row(const struct question *w, struct store_reader *r, const struct store_row *row,
	struct built *b)
{
	struct intel_note note;

	intel_released_note(w->t->intel, r, &w->access.to, row, &note);
	buf_append(&b->notes, &note, sizeof(note));
}

static enum err_kind page_walk(
	const struct question *w, struct store_reader *r, struct built *b, struct err *e)
{
	struct store_page page = page_of(w);
	struct store_cursor *c = NULL;
	enum err_kind kind = intel_release_page(w->t->intel, r, &w->access.to, &page, &c, e);

	while (kind == OK) {
		struct store_row row;
		bool there;

		kind = store_cursor_next(c, &row, &there, e);
		if (kind != OK || !there)
			break;
		if (b->count == w->limit) {
			b->more = true;
			break;
		}
		if (row_fits(b, w->resource, &row)) {
			if (b->count > 0)
				buf_char(&b->out, ',');
			kind = resources[w->resource].write(c, &row, &b->out, e);
			if (w->resource == RESOURCE_OBJECTS)
				note_row(w, r, &row, b);
		} else if (b->stream == NULL) {
			b->stream = stream_new(w, w->limit - b->count);
			if (b->stream == NULL)
				kind = err_set(e, ERR_NOMEM, "out of memory");
			else
				b->stream->page.after_us = b->last_us;
		}
		if (kind == OK && b->stream != NULL)
			b->stream->dates[b->stream->count++] = row.date_added_us;
		if (b->count++ == 0)
			b->first_us = row.date_added_us;
		b->last_us = row.date_added_us;
	}
	store_cursor_free(c);
	return kind;
}

/* An object of which nothing came: is it here at all? */
static enum err_kind object_is_here(
	const struct question *w, struct store_reader *r, bool *ret_here, struct err *e)
{
	const struct stix_id *id = &w->filter.ids[0];
	struct store_cursor *c = NULL;
	struct store_row row;
	enum err_kind kind =
		intel_release_versions(w->t->intel, r, &w->access.to, id->type, &id->uuid, &c, e);

	if (kind == OK)
		kind = store_cursor_next(c, &row, ret_here, e);
	store_cursor_free(c);
	return kind;
}

static enum err_kind page_build(
	const struct question *w, struct built *b, bool *ret_here, struct err *e)
{
	struct store_reader *r = NULL;
	enum err_kind kind = store_reader_take(w->t->store, &r, e);
	size_t guess = w->limit < PAGE_BUFFER_MAX / ROW_GUESS / 2 ? w->limit * ROW_GUESS
								  : PAGE_BUFFER_MAX / 2;

	if (kind != OK)
		return kind;
	if (w->resource == RESOURCE_OBJECTS && w->filter.ids_count == 0)
		(void)buf_reserve(&b->out, guess);
	head_reserve(w->resource, &b->out);
	if (!w->filter.nothing)
		kind = page_walk(w, r, b, e);
	if (kind == OK && w->one && b->count == 0)
		kind = object_is_here(w, r, ret_here, e);
	store_reader_give(r);
	if (kind == OK && b->count == 0) {
		buf_clear(&b->out);
		buf_text(&b->out, "{}"); /* empty lists are prohibited, section 1.6.7 */
	} else if (kind == OK) {
		if (!b->more)
			head_shorten(w->resource, &b->out);
		else if (!b->out.bad)
			next_make(w->t->next_key, &w->binding, b->last_us, b->out.data + NEXT_AT);
		if (b->stream == NULL)
			buf_text(&b->out, "]}");
	}
	if (kind == OK && b->out.bad)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	return kind;
}

/* ---- replying -------------------------------------------------------------------------- */

static void header_time(
	const struct question *w, struct http_reply *reply, const char *name, int64_t us)
{
	char text[TIME_TEXT_MAX];
	size_t len = time_format(us, 6, text);
	struct slice value = arena_copy(w->q->arena, (struct slice){text, len});

	if (value.data != NULL)
		http_reply_header(reply, name, value);
}

/* Section 3.3: both headers on every page. Where nothing came, the walk stands where it stood; a
 * walk that never began stands before the collection's first object. */
static void headers_put(const struct question *w, struct http_reply *reply, bool any,
	int64_t first_us, int64_t last_us)
{
	if (!any) {
		last_us = w->after_us != INT64_MIN ? w->after_us : w->access.collection.created_us;
		first_us = last_us;
	}
	header_time(w, reply, "X-TAXII-Date-Added-First", first_us);
	header_time(w, reply, "X-TAXII-Date-Added-Last", last_us);
}

/* Tell the release log. The same page to the same account again is told once an hour: somebody who
 * asks for it all the time shall not push the others out of the log. */
static void page_released(const struct question *w, struct slice notes)
{
	struct taxii_server *t = w->t;
	uint64_t key;
	struct told_slot *slot;
	int64_t now = world_now(t->world);
	bool told;

	memcpy(&key, w->key, sizeof(key));
	key ^= (uint64_t)w->access.to.account;
	slot = &t->told[key % TOLD_SLOTS];
	pthread_mutex_lock(&t->rights_lock);
	told = slot->key == key && now >= slot->at_us && now - slot->at_us < TOLD_US;
	if (!told)
		*slot = (struct told_slot){key, now};
	pthread_mutex_unlock(&t->rights_lock);
	if (!told && notes.len > 0)
		intel_released_notes(t->intel, &w->access.to,
			(const struct intel_note *)(const void *)notes.data,
			notes.len / sizeof(struct intel_note));
}

/* A page out of the cache. When it goes on, its `next` belongs to one account: others get a copy
 * with their own. */
static bool reply_cached(const struct question *w, struct http_reply *reply)
{
	struct page page;
	bool any;

	if (!page_cache_get(w->t->cache, w->key, &page))
		return false;
	if (page.more && page.account != w->binding.account) {
		struct slice bytes = http_shared_bytes(page.bytes);
		struct buf copy = BUF_INIT;

		(void)buf_reserve(&copy, bytes.len);
		buf_slice_append(&copy, bytes);
		http_shared_drop(page.bytes);
		if (copy.bad) {
			buf_fini(&copy);
			http_shared_drop(page.notes);
			return false;
		}
		next_make(w->t->next_key, &w->binding, page.last_us, copy.data + NEXT_AT);
		page.bytes = http_shared_new(&copy);
		if (page.bytes == NULL) {
			buf_fini(&copy);
			http_shared_drop(page.notes);
			return false;
		}
	}
	if (page.notes != NULL)
		page_released(w, http_shared_bytes(page.notes));
	http_shared_drop(page.notes);
	any = page.first_us != INT64_MIN;
	headers_put(w, reply, any, page.first_us, page.last_us);
	reply->status = 200;
	reply->shared = page.bytes;
	count_add(w->t, COUNT_PAGES, 1);
	count_add(w->t, COUNT_PAGES_CACHED, 1);
	return true;
}

/* The buffer grew by doubling: give back what a kept page does not need. */
static void buf_fit(struct buf *b)
{
	char *fitted;

	if (b->capacity - b->len < KIB(4))
		return;
	fitted = realloc(b->data, b->len);
	if (fitted != NULL) {
		b->data = fitted;
		b->capacity = b->len;
	}
}

static enum err_kind reply_built(
	const struct question *w, struct http_reply *reply, struct built *b, struct err *e)
{
	struct page page;

	if (b->notes.bad)
		return err_set(e, ERR_NOMEM, "out of memory");
	page_released(w, buf_slice(&b->notes));
	if (b->stream != NULL) {
		b->stream->head = b->out;
		b->out = BUF_INIT;
		reply->stream = stream_next;
		reply->stream_free = stream_free;
		reply->stream_state = b->stream;
		b->stream = NULL;
		count_add(w->t, COUNT_PAGES_STREAMED, 1);
	} else {
		buf_fit(&b->out);
		page = (struct page){
			.bytes = http_shared_new(&b->out),
			.first_us = b->count > 0 ? b->first_us : INT64_MIN,
			.last_us = b->last_us,
			.more = b->more,
			.account = w->binding.account,
		};
		if (page.bytes == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		page.notes = b->notes.len > 0 ? http_shared_new(&b->notes) : NULL;
		page_cache_put(w->t->cache, w->key, &page);
		http_shared_drop(page.notes);
		reply->shared = page.bytes;
	}
	headers_put(w, reply, b->count > 0, b->first_us, b->last_us);
	reply->status = 200;
	count_add(w->t, COUNT_PAGES, 1);
	return OK;
}

static void page_answer(struct question *w, struct http_reply *reply)
{
	struct built b = {0};
	bool here = true;
	struct err e;
	enum err_kind kind;
	struct slice etag = etag_of(w);

	if (etag.data != NULL && http_request_has_etag(w->q, etag)) {
		reply->status = 304;
		reply->etag = etag;
		count_add(w->t, COUNT_UNCHANGED, 1);
		return;
	}
	reply->etag = etag;
	if (reply_cached(w, reply))
		return;
	kind = page_build(w, &b, &here, &e);
	if (kind == OK && !here)
		reply_error(w->t, w->q, reply, 404, "no such object in the collection");
	else if (kind == OK)
		kind = reply_built(w, reply, &b, &e);
	if (kind != OK)
		reply_failed(w->t, w->q, reply, kind, &e);
	buf_fini(&b.out);
	buf_fini(&b.notes);
	stream_free(b.stream);
}

/* ---- questions ------------------------------------------------------------------------- */

static bool question_read(
	struct question *w, struct http_reply *reply, unsigned allowed, struct err *e)
{
	enum err_kind kind = filter_parse(w->q, allowed, 0, &w->filter, e);

	if (kind == OK && w->one) {
		w->filter.ids = ARENA_NEW(w->q->arena, struct stix_id);
		if (w->filter.ids == NULL) {
			kind = err_set(e, ERR_NOMEM, "out of memory");
		} else if (!stix_id_parse(w->q->parts[1], w->filter.ids)) {
			reply_error(w->t, w->q, reply, 404, "no such object in the collection");
			return false;
		}
		w->filter.ids_count = 1;
	}
	if (kind == OK)
		kind = filter_digest(&w->filter, w->binding.filters, e);
	if (kind == ERR_INVALID)
		reply_error(w->t, w->q, reply, 400, e->text);
	else if (kind != OK)
		reply_failed(w->t, w->q, reply, kind, e);
	return kind == OK;
}

static void handle_page(struct taxii_server *t, const struct http_request *q,
	struct http_reply *reply, enum resource resource, bool one, unsigned allowed)
{
	struct question w = {.t = t, .q = q, .resource = resource, .one = one};
	struct err e;

	if (!reply_begin(t, q, reply) || !access_get(t, q, reply, NEED_READ, &w.access) ||
		!question_read(&w, reply, allowed, &e))
		return;
	w.binding.resource = (uint8_t)resource;
	w.binding.account = w.access.to.account;
	w.binding.collection = w.access.collection.uuid;
	w.after_us = w.filter.has_after ? w.filter.after_us : INT64_MIN;
	if (w.filter.next.len > 0 &&
		!next_read(t->next_key, &w.binding, w.filter.next, &w.after_us)) {
		reply_error(t, q, reply, 400,
			"next: not the value that this server gave for the same filters");
		return;
	}
	w.limit = t->page_default;
	if (w.filter.limit != 0)
		w.limit = w.filter.limit < t->page_max ? (size_t)w.filter.limit : t->page_max;
	page_key(&w);
	page_answer(&w, reply);
}

#define FILTER_PAGING (FILTER_ADDED_AFTER | FILTER_LIMIT | FILTER_NEXT)

void handle_objects(void *context, const struct http_request *q, struct http_reply *reply)
{
	handle_page(context, q, reply, RESOURCE_OBJECTS, false,
		FILTER_PAGING | FILTER_ID | FILTER_TYPE | FILTER_VERSION | FILTER_SPEC_VERSION);
}

void handle_manifest(void *context, const struct http_request *q, struct http_reply *reply)
{
	handle_page(context, q, reply, RESOURCE_MANIFEST, false,
		FILTER_PAGING | FILTER_ID | FILTER_TYPE | FILTER_VERSION | FILTER_SPEC_VERSION);
}

void handle_object(void *context, const struct http_request *q, struct http_reply *reply)
{
	handle_page(context, q, reply, RESOURCE_OBJECTS, true,
		FILTER_PAGING | FILTER_VERSION | FILTER_SPEC_VERSION);
}

void handle_versions(void *context, const struct http_request *q, struct http_reply *reply)
{
	handle_page(
		context, q, reply, RESOURCE_VERSIONS, true, FILTER_PAGING | FILTER_SPEC_VERSION);
}
