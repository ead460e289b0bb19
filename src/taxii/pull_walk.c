/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The fetching side of a pull: one page after the other, and from each page the place where the
 * next one begins. All versions are asked for: a version that was superseded before we came belongs
 * to what the other one knew. How a walk goes on, in this order:
 *
 *   1. `next`, with the added_after that the walk began with (section 3.4). When the server does
 * not take its own `next` any more (it ran out between two runs), 2.
 *   2. X-TAXII-Date-Added-Last less one microsecond. Less one, because servers give many objects
 * one date (all of a POST, say) and may cut a page among them; what comes twice is known already.
 *   3. Without that header: the manifest's date for the page's last object.
 *   4. Without that: everything again with twice the limit. `modified` is no substitute: it is the
 *      producer's clock, not the server's, and going on from it can lose objects.
 *
 * A page that was there before, to the byte, means that the server does not move on: then the next
 * of these ways is tried, and at last the pull fails rather than running for ever.
 */
#include <stdlib.h>

#include "pull.h"

#define PAGES_REMEMBERED 16    /* their fingerprints: a loop longer than this still moves on */
#define EMPTY_PAGES_MAX  100   /* in a row, each with `more` */
#define LIMIT_MAX        65536 /* objects per page that are ever asked for */
#define ANSWER_MAX       GIB_4 /* bytes of one page: a server that ignores limits may send all it has */
#define GIB_4            ((size_t)4 << 30)
/* A server without any dates: go back this far from its clock. */
#define CLOCK_MARGIN_US (60 * US_PER_SECOND)

/* A page being received. */
struct receiving {
	struct pull_walk *w;
	struct json_split *split;
	struct pull_item *item; /* being filled */
	struct json_parser *parser;
	struct buf whole; /* an object that may turn out to be the envelope itself */
	bool whole_is_set;
	uint64_t first_at; /* offset of the first byte that is no blank; UINT64_MAX: none yet */
	uint64_t bytes;
	uint64_t objects; /* of this page */
	uint64_t fingerprint;
	char last_id[STIX_ID_MAX + 1]; /* of the page's last object, for the manifest */
	struct buf last_object;
	enum err_kind
		failed; /* of the splitter, told again when the call has failed because of it */
	struct err failure;
};

/* What a page says beside its objects. */
struct page_end {
	bool more;
	struct slice next; /* in next_text */
	char next_text[PULL_NEXT_MAX + 1];
	char last[TIME_TEXT_MAX]; /* X-TAXII-Date-Added-Last; empty: none */
	char etag[PULL_ETAG_MAX];
	int64_t date_us; /* the server's clock; 0: it tells none */
};

struct walking {
	struct pull_walk *w;
	struct receiving r;
	uint8_t key[16]; /* of the fingerprints */
	uint64_t seen[PAGES_REMEMBERED];
	size_t seen_count;
	unsigned limit;
	unsigned empty;   /* pages in a row */
	bool warned_same; /* told once */
	bool warned_order;
	bool last_versions_only; /* the server does not take match[version] */
	bool is_first;           /* nothing was asked yet */
	int64_t began_us;        /* the server's clock at the first answer */
	bool undated;            /* objects came of which nothing tells when they were added */
	bool by_date_only;       /* its `next` goes round in circles */
	bool stepped;            /* past a date of which the server did not give all, which was: */
	char stepped_over[TIME_TEXT_MAX];
};

/* ---- receiving ------------------------------------------------------------------------- */

static void receiving_reset(void *context)
{
	struct receiving *r = context;

	json_split_free(r->split);
	r->split = json_split_new(JSON_OBJECT_MAX);
	buf_clear(&r->whole);
	buf_clear(&r->last_object);
	r->whole_is_set = false;
	r->first_at = UINT64_MAX;
	r->bytes = 0;
	r->objects = 0;
	r->fingerprint = 0;
	r->failed = OK;
}

static enum err_kind stopped(struct err *e)
{
	return err_set(e, ERR_BUSY, "the pull was stopped");
}

/* Hand over what was gathered. */
static enum err_kind item_send(struct receiving *r, struct err *e)
{
	struct pull_item *item = r->item;

	r->item = NULL;
	if (item == NULL)
		return OK;
	if (item->count == 0) {
		pull_item_free(item);
		return OK;
	}
	return pull_queue_put(r->w->queue, item) ? OK : stopped(e);
}

static enum err_kind item_add(
	struct receiving *r, const struct json_item *from, bool is_object, struct err *e)
{
	struct pull_item *item = r->item;
	struct pull_object *o;

	if (item == NULL) {
		item = r->item = pull_item_new(PULL_OBJECTS);
		if (item == NULL || buf_reserve(&item->bytes, PULL_CHUNK_BYTES) == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
	}
	if (item->count == item->capacity) {
		size_t more = item->capacity * 2 + 64;
		struct pull_object *grown = realloc(item->objects, more * sizeof(*grown));

		if (grown == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		item->objects = grown;
		item->capacity = more;
	}
	if (is_object)
		buf_slice_append(&item->bytes, from->bytes);
	if (item->bytes.bad)
		return err_set(e, ERR_NOMEM, "out of memory");
	o = &item->objects[item->count++];
	*o = (struct pull_object){
		.end = item->bytes.len,
		.place = {.offset = from->offset, .line = from->line, .index = from->index},
		.problem = is_object ? NULL : from->problem,
	};
	return item->bytes.len >= PULL_CHUNK_BYTES - KIB(4) ? item_send(r, e) : OK;
}

static enum err_kind receive_item(
	struct walking *k, const struct json_item *item, bool is_object, struct err *e)
{
	struct receiving *r = &k->r;
	uint64_t part[2];

	/* The outermost object is the resource itself, not one of its objects: {} or {"more":
	 * false}. */
	if (is_object && item->offset == r->first_at) {
		buf_clear(&r->whole);
		buf_slice_append(&r->whole, item->bytes);
		r->whole_is_set = true;
		return r->whole.bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
	}
	if (is_object) {
		part[0] = r->fingerprint;
		part[1] = hash_table(k->key, item->bytes);
		r->fingerprint =
			hash_table(k->key, (struct slice){(const char *)part, sizeof(part)});
		buf_clear(&r->last_object);
		if (item->bytes.len <= KIB(64)) /* only its id is wanted, and only at times */
			buf_slice_append(&r->last_object, item->bytes);
	}
	r->objects++;
	return item_add(r, item, is_object, e);
}

static enum err_kind receive_all(struct walking *k, struct err *e)
{
	for (;;) {
		enum json_split_kind what;
		struct json_item item;
		enum err_kind kind = json_split_next(k->r.split, &what, &item, e);

		if (kind != OK || what == JSON_SPLIT_MORE || what == JSON_SPLIT_END)
			return kind;
		kind = receive_item(k, &item, what == JSON_SPLIT_OBJECT, e);
		if (kind != OK)
			return kind;
	}
}

/* The sink of a call. */
static enum err_kind receive(void *context, struct slice bytes, struct err *e)
{
	struct walking *k = context;
	struct receiving *r = &k->r;
	enum err_kind kind;

	for (size_t i = 0; r->first_at == UINT64_MAX && i < bytes.len; i++) {
		if (memchr(" \t\r\n", bytes.data[i], 4) == NULL)
			r->first_at = r->bytes + i;
	}
	r->bytes += bytes.len;
	if (r->split == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	json_split_feed(r->split, bytes);
	kind = receive_all(k, e);
	if (kind != OK) {
		r->failed = kind;
		if (e != NULL)
			r->failure = *e;
	}
	return kind;
}

static void receive_again(void *context)
{
	struct walking *k = context;

	receiving_reset(&k->r);
}

/* ---- the end of a page ----------------------------------------------------------------- */

/* A date as a server writes it; kept as it is, for it may be finer than ours. */
static bool date_take(struct slice text, char ret_date[TIME_TEXT_MAX])
{
	int64_t us;

	text = slice_trim(text);
	if (text.len >= TIME_TEXT_MAX || !time_parse(text, &us, NULL))
		return false;
	memcpy(ret_date, text.data, text.len);
	ret_date[text.len] = '\0';
	return true;
}

static int64_t date_us(const char *date)
{
	int64_t us = INT64_MIN;

	(void)time_parse(slice_of(date), &us, NULL);
	return us;
}

static void date_format(int64_t us, char ret_date[TIME_TEXT_MAX])
{
	time_format(us, 6, ret_date);
}

/* more and next of the envelope. */
static enum err_kind envelope_read(struct walking *k, struct page_end *end, struct err *e)
{
	struct receiving *r = &k->r;
	struct slice text = r->whole_is_set ? buf_slice(&r->whole) : json_split_envelope(r->split);
	struct json_value v;
	struct json_doc doc;
	enum err_kind kind;

	if (text.len == 0) {
		if (r->objects == 0)
			return err_set(e, ERR_PARSE, "expected a TAXII envelope, got nothing");
		remote_warn(&k->w->remote, "objects without an envelope around them");
		return OK;
	}
	kind = json_parse(r->parser, text, &doc, e);
	if (kind != OK)
		return kind;
	if (r->whole_is_set && json_get_string(json_root(&doc), "type").len > 0 &&
		!json_get(json_root(&doc), "more", &v))
		return err_set(e, ERR_PARSE,
			"expected a TAXII envelope, got an object of type \"%.*s\"",
			SLICE_ARG(json_get_string(json_root(&doc), "type")));
	end->more = json_get(json_root(&doc), "more", &v) && json_is_true(v);
	if (json_get(json_root(&doc), "next", &v) && json_is_string(v)) {
		struct slice next = json_string(v);

		if (next.len > PULL_NEXT_MAX || memchr(next.data, 0, next.len) != NULL) {
			remote_warn(&k->w->remote, "a `next` of %zu bytes, not used", next.len);
		} else {
			memcpy(end->next_text, next.data, next.len);
			end->next_text[next.len] = '\0';
			end->next = (struct slice){end->next_text, next.len};
		}
	}
	return OK;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" as microseconds; 0 when it is none. */
static int64_t server_clock(const struct http_answer *answer)
{
	/* Against time zero the wait until a date is the date itself. */
	struct slice date = http_answer_header(answer, "Date");
	int64_t seconds = date.len == 29 ? remote_retry_seconds(date, 0) : -1;

	return seconds > 0 ? seconds * US_PER_SECOND : 0;
}

static enum err_kind page_url(struct walking *k, const struct pull_place *from,
	const char *resource, struct buf *url, struct err *e)
{
	char limit[12];

	buf_clear(url);
	buf_slice_append(url, k->w->url);
	buf_text(url, resource);
	if (from->after[0] != '\0')
		url_field(url, "added_after", slice_of(from->after));
	snprintf(limit, sizeof(limit), "%u", k->limit);
	url_field(url, "limit", slice_of(limit));
	if (!k->last_versions_only)
		url_field(url, "match%5Bversion%5D", SLICE("all"));
	if (from->next[0] != '\0')
		url_field(url, "next", slice_of(from->next));
	buf_char(url, '\0');
	if (url->bad)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (url->len > REMOTE_URL_MAX)
		return err_set(e, ERR_LIMIT, "a URL of %zu bytes", url->len);
	return OK;
}

/* Fetch one page; its objects go into the queue. *ret_status 200 or 304, or what the server said.
 */
static enum err_kind page_fetch(struct walking *k, const struct pull_place *from,
	struct page_end *ret_end, unsigned *ret_status, struct err *e)
{
	struct buf url = BUF_INIT;
	struct http_answer answer = {0};
	enum err_kind kind = page_url(k, from, "objects/", &url, e);
	struct slice etag;

	receiving_reset(&k->r);
	*ret_end = (struct page_end){0};
	if (kind == OK && k->r.split == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	if (kind == OK)
		kind = remote_call(&k->w->remote,
			&(struct remote_call){
				.method = HTTP_GET,
				.url = url.data,
				.etag = from->etag[0] != '\0' ? from->etag : NULL,
				.body_max = ANSWER_MAX,
				.sink = receive,
				.again = receive_again,
				.context = k,
			},
			&answer, e);
	if (kind != OK && k->r.failed != OK && e != NULL) {
		*e = k->r.failure;
		kind = err_wrap(e, "%s", url.data);
	}
	if (kind != OK)
		goto out;
	*ret_status = answer.status;
	if (answer.status == 304)
		goto out;
	if (answer.status != 200) {
		kind = remote_refused(&answer, url.data, e);
		goto out;
	}
	kind = remote_media_check(&k->w->remote, &answer, url.data, e);
	if (kind != OK)
		goto out;
	json_split_finish(k->r.split);
	kind = receive_all(k, e);
	if (kind == OK)
		kind = envelope_read(k, ret_end, e);
	if (kind == OK)
		kind = item_send(&k->r, e);
	if (kind != OK) {
		kind = err_wrap(e, "%s", url.data);
		goto out;
	}
	if (!date_take(http_answer_header(&answer, "X-TAXII-Date-Added-Last"), ret_end->last))
		ret_end->last[0] = '\0';
	ret_end->date_us = server_clock(&answer);
	etag = http_answer_header(&answer, "ETag");
	if (etag.len > 0 && etag.len < PULL_ETAG_MAX) {
		memcpy(ret_end->etag, etag.data, etag.len);
		ret_end->etag[etag.len] = '\0';
	}
out:
	buf_fini(&url);
	return kind;
}

/* ---- without the header ---------------------------------------------------------------- */

/* Is this manifest entry the object? By its version, too, where it has one: other versions of it
 * may have been added much later. */
static bool entry_is(struct json_value entry, struct slice id, int64_t version_us)
{
	int64_t us;

	if (!slice_equal(json_get_string(entry, "id"), id))
		return false;
	return version_us == 0 ||
	       (time_parse(json_get_string(entry, "version"), &us, NULL) && us == version_us);
}

static bool manifest_read(struct walking *k, const char *url, struct json_parser *p,
	struct slice id, int64_t version_us, char ret_last[TIME_TEXT_MAX])
{
	struct json_value list, v;
	struct json_doc doc;
	bool found = false;

	if (remote_get(&k->w->remote, url, p, &doc, NULL) != OK ||
		!json_get(json_root(&doc), "objects", &list))
		return false;
	for (struct json_iter it = json_iter(list); json_array_next(&it, &v);) {
		if (entry_is(v, id, version_us) &&
			date_take(json_get_string(v, "date_added"), ret_last))
			found = true;
	}
	return found;
}

/* The manifest tells when the page's last object was added: asked for by its id, or, where that is
 * not understood, as a page like the one at hand. */
static bool manifest_ask(
	struct walking *k, const struct pull_place *from, char ret_last[TIME_TEXT_MAX])
{
	struct json_parser *p = json_parser_new(REMOTE_RESOURCE_MAX);
	struct buf url = BUF_INIT, id = BUF_INIT;
	struct pull_place without_next = *from;
	int64_t version_us = 0;
	struct json_doc doc;
	bool found = false;

	without_next.next[0] = '\0'; /* it is for objects */
	if (p == NULL || k->r.last_object.len == 0 ||
		json_parse(p, buf_slice(&k->r.last_object), &doc, NULL) != OK)
		goto out;
	buf_slice_append(&id, json_get_string(json_root(&doc), "id"));
	if (!time_parse(json_get_string(json_root(&doc), "modified"), &version_us, NULL))
		(void)time_parse(json_get_string(json_root(&doc), "created"), &version_us, NULL);
	buf_slice_append(&url, k->w->url);
	buf_text(&url, "manifest/");
	url_field(&url, "match%5Bid%5D", buf_slice(&id));
	url_field(&url, "match%5Bversion%5D", SLICE("all"));
	buf_char(&url, '\0');
	if (id.len == 0 || id.bad || url.bad)
		goto out;
	found = manifest_read(k, url.data, p, buf_slice(&id), version_us, ret_last) ||
		(page_url(k, &without_next, "manifest/", &url, NULL) == OK &&
			manifest_read(k, url.data, p, buf_slice(&id), version_us, ret_last));
out:
	json_parser_free(p);
	buf_fini(&url);
	buf_fini(&id);
	return found;
}

/* ---- going on -------------------------------------------------------------------------- */

static void last_note(struct walking *k, struct pull_place *place, const char *last)
{
	if (last[0] == '\0')
		return;
	if (place->last[0] != '\0' && date_us(last) < date_us(place->last)) {
		if (!k->warned_order)
			remote_warn(&k->w->remote,
				"objects are not in the order in which they were added (%s after "
				"%s)",
				last, place->last);
		k->warned_order = true;
		return;
	}
	memcpy(place->last, last, TIME_TEXT_MAX);
}

/* Was this page there before? */
static bool page_is_repeated(struct walking *k)
{
	size_t known = k->seen_count < PAGES_REMEMBERED ? k->seen_count : PAGES_REMEMBERED;

	if (k->r.objects == 0)
		return false;
	for (size_t i = 0; i < known; i++) {
		if (k->seen[i] == k->r.fingerprint)
			return true;
	}
	k->seen[k->seen_count++ % PAGES_REMEMBERED] = k->r.fingerprint;
	return false;
}

/* A date that may stand for several objects, some of them not seen yet: whole milliseconds. */
static bool date_is_coarse(const char *date)
{
	unsigned digits = 0;
	int64_t us;

	return !time_parse(slice_of(date), &us, &digits) || digits < 6 || us % 1000 == 0;
}

/* Just before the last date: all of that date comes again. */
static void place_before_last(struct pull_place *place)
{
	date_format(date_us(place->last) - 1, place->after);
	place->next[0] = '\0';
	place->etag[0] = '\0';
}

/* Ask for more at once; false when that is at its end, or did not help. */
static bool limit_grow(struct walking *k, bool repeated)
{
	if (k->limit >= LIMIT_MAX || (repeated && k->limit != k->w->limit))
		return false;
	k->limit = k->limit > LIMIT_MAX / 2 ? LIMIT_MAX : k->limit * 2;
	return true;
}

/* More is left, and there is no `next` to follow. */
static enum err_kind go_on_by_date(
	struct walking *k, struct pull_place *place, bool has_date, bool repeated, struct err *e)
{
	char before[TIME_TEXT_MAX];

	if (k->r.objects == 0 && place->next[0] == '\0')
		return err_set(e, ERR_INVALID,
			"%.*s: a page without objects, with `more` and without "
			"`next`: there is no way to go on",
			SLICE_ARG(k->w->url));
	if (!has_date) {
		/* Nothing tells where this page ends: take more of it. */
		place->next[0] = '\0';
		if (limit_grow(k, repeated))
			return OK;
		return err_set(e, ERR_INVALID,
			"%.*s: `more` without `next`, without X-TAXII-Date-Added-Last and without "
			"a "
			"manifest: there is no way to go on",
			SLICE_ARG(k->w->url));
	}
	memcpy(before, place->after, sizeof(before));
	place_before_last(place);
	if (before[0] == '\0' || date_us(place->after) > date_us(before)) {
		k->limit = k->w->limit;
		return OK;
	}
	/* The whole page has one date. */
	if (limit_grow(k, repeated))
		return OK;
	if (k->stepped && strcmp(k->stepped_over, place->last) == 0)
		return err_set(e, ERR_INVALID,
			"%.*s: the server gives the same page again and again",
			SLICE_ARG(k->w->url));
	k->stepped = true;
	memcpy(k->stepped_over, place->last, sizeof(k->stepped_over));
	if (!k->warned_same)
		remote_warn(&k->w->remote,
			"more than %llu objects were added at %s, it gives no more of them at once "
			"and "
			"no `next`: the others cannot be had",
			(unsigned long long)k->r.objects, place->last);
	k->warned_same = true;
	memcpy(place->after, place->last, sizeof(place->after));
	k->limit = k->w->limit;
	return OK;
}

/* The walk has come to its end: where the next one begins. */
static void place_end(struct walking *k, struct pull_place *place, const struct page_end *end)
{
	bool moved = false;

	place->next[0] = '\0';
	if (place->last[0] != '\0') {
		char after[TIME_TEXT_MAX];

		memcpy(after, place->last, sizeof(after));
		if (date_is_coarse(after))
			date_format(date_us(after) - 1, after);
		moved = strcmp(after, place->after) != 0;
		memcpy(place->after, after, sizeof(after));
	} else if (k->undated && k->began_us != 0) {
		/* All that was added before the first answer has been seen. */
		date_format(k->began_us - CLOCK_MARGIN_US, place->after);
		moved = true;
	}
	/* The tag is for the question that was asked, so it helps once the question stays the same.
	 */
	if (moved)
		place->etag[0] = '\0';
	else
		memcpy(place->etag, end->etag, sizeof(place->etag));
}

static enum err_kind place_go_on(struct walking *k, struct pull_place *place,
	const struct page_end *end, bool has_date, struct err *e)
{
	bool repeated = page_is_repeated(k);

	k->empty = k->r.objects == 0 ? k->empty + 1 : 0;
	if (k->empty > EMPTY_PAGES_MAX)
		return err_set(e, ERR_INVALID,
			"%.*s: %u pages in a row without objects, each with `more`",
			SLICE_ARG(k->w->url), k->empty);
	place->etag[0] = '\0';
	if (end->next.len > 0 && !repeated && !k->by_date_only) {
		memcpy(place->next, end->next_text, end->next.len + 1);
		return OK;
	}
	if (end->next.len > 0 && !k->by_date_only) {
		remote_warn(&k->w->remote, "`next` leads to the same page again: going on by date");
		k->by_date_only = true;
		repeated = false;
	}
	return go_on_by_date(k, place, has_date, repeated, e);
}

/* A field of the query that the server does not take, such as its own `next` after a while. */
static bool is_field_refused(unsigned status)
{
	return status == 400 || status == 404 || status == 410 || status == 422;
}

static enum err_kind walk_page(
	struct walking *k, struct pull_place *place, bool *ret_more, struct err *e)
{
	struct pull_item *item;
	struct page_end end;
	unsigned status = 0;
	bool has_date;
	enum err_kind kind = page_fetch(k, place, &end, &status, e);

	if (kind != OK && place->next[0] != '\0' && is_field_refused(status)) {
		remote_warn(
			&k->w->remote, "`next` is not taken (status %u): going on by date", status);
		place->next[0] = '\0';
		if (place->last[0] != '\0')
			place_before_last(place);
		*ret_more = true;
		return OK;
	}
	if (kind != OK && !k->last_versions_only && (status == 400 || status == 422)) {
		/* Without the field it gives the newest version of each object, which is better
		 * than nothing. */
		k->last_versions_only = true;
		kind = page_fetch(k, place, &end, &status, e);
		if (kind == OK)
			remote_warn(&k->w->remote,
				"match[version] is not taken: only the newest versions come");
	}
	if (kind != OK)
		return kind;
	if (status == 304) {
		*ret_more = false;
		return OK;
	}
	if (k->is_first)
		k->began_us = end.date_us;
	k->is_first = false;
	if (end.last[0] == '\0' && k->r.objects > 0 &&
		(!end.more || end.next.len == 0 || k->by_date_only)) {
		remote_warn(&k->w->remote, "no X-TAXII-Date-Added-Last: asking the manifest");
		k->undated = !manifest_ask(k, place, end.last);
	}
	/* What stands on an empty page is not where an object was added. */
	has_date = end.last[0] != '\0' && k->r.objects > 0;
	if (has_date)
		last_note(k, place, end.last);
	if (end.more)
		kind = place_go_on(k, place, &end, has_date, e);
	else
		place_end(k, place, &end);
	if (kind != OK)
		return kind;
	item = pull_item_new(PULL_PAGE);
	if (item == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	item->place = *place;
	*ret_more = end.more;
	return pull_queue_put(k->w->queue, item) ? OK : stopped(e);
}

void pull_walk_run(struct pull_walk *w)
{
	struct walking k = {.w = w, .limit = w->limit, .is_first = true, .r.w = w};
	struct pull_item *item;
	enum err_kind kind = OK;
	struct err e = {0};
	bool more = true;

	w->remote.world->random(w->remote.world->context, k.key, sizeof(k.key));
	k.r.parser = json_parser_new(JSON_OBJECT_MAX);
	if (k.r.parser == NULL)
		kind = err_set(&e, ERR_NOMEM, "out of memory");
	while (kind == OK && more)
		kind = pull_queue_closed(w->queue) ? stopped(&e)
						   : walk_page(&k, &w->place, &more, &e);
	/* Objects of a page that broke off are good ones, and come again with the page. */
	if (kind != OK)
		(void)item_send(&k.r, NULL);
	pull_item_free(k.r.item);
	item = pull_item_new(PULL_END);
	if (item != NULL) {
		item->kind = kind;
		item->error = e;
		(void)pull_queue_put(w->queue, item);
	} else {
		pull_queue_close(w->queue);
	}
	json_split_free(k.r.split);
	json_parser_free(k.r.parser);
	buf_fini(&k.r.whole);
	buf_fini(&k.r.last_object);
}

/* ---- the place, saved ------------------------------------------------------------------ */

static void text_read(struct json_value v, const char *name, char *ret_text, size_t bytes)
{
	struct slice text = json_get_string(v, name);

	if (text.len < bytes && memchr(text.data == NULL ? "" : text.data, 0, text.len) == NULL) {
		if (text.len > 0)
			memcpy(ret_text, text.data, text.len);
		ret_text[text.len] = '\0';
	}
}

bool pull_place_read(struct slice json, struct pull_place *ret_place)
{
	struct json_parser *p = json_parser_new(KIB(16));
	struct pull_place place = {0};
	struct json_doc doc;
	bool ok = p != NULL && json_parse(p, json, &doc, NULL) == OK &&
		  json_is_object(json_root(&doc));

	if (ok) {
		text_read(json_root(&doc), "after", place.after, sizeof(place.after));
		text_read(json_root(&doc), "last", place.last, sizeof(place.last));
		text_read(json_root(&doc), "etag", place.etag, sizeof(place.etag));
		text_read(json_root(&doc), "next", place.next, sizeof(place.next));
		*ret_place = place;
	}
	json_parser_free(p);
	return ok;
}

void pull_place_write(const struct pull_place *place, struct slice url, struct buf *out)
{
	struct json_writer w = JSON_WRITER(out);

	json_write_object(&w);
	json_member_string(&w, "url", url);
	if (place->after[0] != '\0')
		json_member_text(&w, "after", place->after);
	if (place->last[0] != '\0')
		json_member_text(&w, "last", place->last);
	if (place->etag[0] != '\0')
		json_member_text(&w, "etag", place->etag);
	if (place->next[0] != '\0')
		json_member_text(&w, "next", place->next);
	json_write_end(&w, '}');
}
