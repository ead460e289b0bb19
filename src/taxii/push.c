/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Pushing: what is new here since the saved cursor, in the order in which it came, in envelopes
 * that the other server takes. The cursor moves when a status says that every object of an envelope
 * has got its answer, so what is sent again after a cut is at most one envelope, and a server
 * counts it as a success (section 5.5).
 */
#include <stdlib.h>

#include "remote.h"

#define PUSH_ENVELOPE_MAX   MIB(8)  /* bytes in one POST, if the server takes as much */
#define PUSH_ENVELOPE_LEAST KIB(64) /* never ask a server for smaller ones after a 413 */
#define PUSH_OBJECTS_MAX    5000    /* in one POST: servers answer with a line for each */
#define PUSH_LOOKS          30      /* at a status that is pending */
#define PUSH_LOOK_SECONDS   2
#define PUSH_STATUS_MAX     MIB(4) /* bytes of a status: 5000 objects at 800 */
#define PUSH_ARENA_MAX      MIB(16)

static const char envelope_head[] = "{\"objects\":[";

struct pushing {
	struct intel *intel;
	const struct taxii_push *push;
	struct arena *arena;
	struct json_parser *parser;
	struct remote remote;
	struct slice objects_url, status_url; /* the latter without the id */
	struct slice key;                     /* of the cursor's note */
	size_t envelope_max;
	int64_t done; /* serial of the last object that has its answer */
	/* what is sent, from the store's rows */
	int64_t *found; /* serials of a search, ascending; NULL: everything in order */
	size_t found_count, found_at;
	struct taxii_push_counts counts;
};

/* One envelope on its way. */
struct load {
	struct buf text;
	uint64_t objects;
	uint64_t withheld;
	int64_t last; /* serial up to which it was looked */
	bool at_end;  /* nothing is left behind it */
};

static enum err_kind no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory");
}

/* ---- what to send ---------------------------------------------------------------------- */

static bool may_leave(struct pushing *p, struct store_reader *r, const struct store_row *row)
{
	return intel_release(p->intel, r, &p->push->to, row);
}

/* Newest first is how a search answers; sent is what is older first. */
static enum err_kind search_run(struct pushing *p, struct err *e)
{
	const struct intel_recipient us = {.reach = INTEL_OPERATOR};
	struct store_reader *r = NULL;
	struct store_cursor *c = NULL;
	size_t capacity = 0;
	enum err_kind kind = store_reader_take(intel_store(p->intel), &r, e);

	if (kind == OK)
		kind = intel_release_search(p->intel, r, &us, p->push->search, &c, e);
	while (kind == OK) {
		struct store_row row;
		bool there;

		kind = store_cursor_next(c, &row, &there, e);
		if (kind != OK || !there || row.serial <= p->done)
			break;
		if (!may_leave(p, r, &row)) {
			p->counts.withheld++;
			continue;
		}
		if (p->found_count == capacity) {
			size_t more = capacity * 2 + 256;
			int64_t *grown = realloc(p->found, more * sizeof(*grown));

			if (grown == NULL) {
				kind = no_memory(e);
				break;
			}
			p->found = grown;
			capacity = more;
		}
		p->found[p->found_count++] = row.serial;
	}
	store_cursor_free(c);
	store_reader_give(r);
	for (size_t i = 0; i < p->found_count / 2; i++) {
		int64_t serial = p->found[i];

		p->found[i] = p->found[p->found_count - 1 - i];
		p->found[p->found_count - 1 - i] = serial;
	}
	return kind;
}

static void refuse(struct pushing *p, struct slice id, struct slice message)
{
	p->counts.failed++;
	if (p->push->refused != NULL)
		p->push->refused(p->push->context, id, message);
}

/* Does one more object of this size fit? The first always does, if any envelope could hold it. */
static bool load_fits(const struct pushing *p, const struct load *l, size_t bytes)
{
	return l->objects < PUSH_OBJECTS_MAX && l->text.len + bytes + 3 <= p->envelope_max;
}

static void row_too_large(struct pushing *p, const struct store_row *row)
{
	char id[STIX_ID_MAX + 1];

	stix_id_format(row->type, &row->uuid, id);
	refuse(p, slice_of(id), SLICE("larger than the server takes in one request"));
}

/* From the store in order of arrival, after the cursor. */
static enum err_kind load_rows(
	struct pushing *p, struct store_reader *r, struct load *l, struct err *e)
{
	const struct intel_recipient us = {.reach = INTEL_OPERATOR};
	struct store_cursor *c = NULL;
	enum err_kind kind = intel_release_all(p->intel, r, &us, p->done, true, &c, e);

	while (kind == OK) {
		struct store_row row;
		bool there;

		kind = store_cursor_next(c, &row, &there, e);
		if (kind != OK)
			break;
		if (!there) {
			l->at_end = true;
			break;
		}
		if (!may_leave(p, r, &row)) {
			l->withheld++;
		} else if (sizeof(envelope_head) + row.body_bytes + 3 > p->envelope_max) {
			row_too_large(p, &row);
		} else if (!load_fits(p, l, row.body_bytes)) {
			break;
		} else {
			if (l->objects++ > 0)
				buf_char(&l->text, ',');
			kind = store_cursor_body(c, &l->text, e);
			if (kind == OK)
				intel_released(p->intel, r, &p->push->to, &row);
		}
		l->last = row.serial;
	}
	store_cursor_free(c);
	return kind;
}

/* From what the search found. That was released then, and is asked for again now: a policy may have
 * changed while the server was slow. */
static enum err_kind load_found(
	struct pushing *p, struct store_reader *r, struct load *l, struct err *e)
{
	while (p->found_at < p->found_count) {
		int64_t serial = p->found[p->found_at];
		size_t before = l->text.len;
		struct store_row row;
		bool there;
		enum err_kind kind;

		if (l->objects > 0)
			buf_char(&l->text, ',');
		kind = intel_release_serial(
			p->intel, r, &p->push->to, serial, &row, &l->text, &there, e);
		if (kind != OK)
			return kind;
		if (!there || l->text.len + 3 > p->envelope_max || l->objects == PUSH_OBJECTS_MAX) {
			bool alone = l->objects == 0;

			l->text.len = before;
			if (there && !alone)
				return OK; /* comes with the next envelope */
			if (there)
				refuse(p, SLICE("an object"),
					SLICE("larger than the server takes in one request"));
		} else {
			intel_released(p->intel, r, &p->push->to, &row);
			l->objects++;
		}
		p->found_at++;
		l->last = serial;
	}
	l->at_end = true;
	return OK;
}

static enum err_kind load_fill(struct pushing *p, struct load *l, struct err *e)
{
	struct store_reader *r = NULL;
	enum err_kind kind = store_reader_take(intel_store(p->intel), &r, e);

	buf_clear(&l->text);
	l->objects = l->withheld = 0;
	l->last = p->done;
	l->at_end = false;
	buf_text(&l->text, envelope_head);
	if (kind == OK)
		kind = p->found != NULL || p->push->search != NULL ? load_found(p, r, l, e)
								   : load_rows(p, r, l, e);
	store_reader_give(r);
	buf_text(&l->text, "]}");
	if (kind == OK && l->text.bad)
		kind = no_memory(e);
	return kind;
}

/* ---- what became of it ----------------------------------------------------------------- */

static uint64_t count_get(struct json_value status, const char *name)
{
	struct json_value v;
	int64_t n;

	return json_get(status, name, &v) && json_to_i64(v, &n) && n > 0 ? (uint64_t)n : 0;
}

static void failures_tell(struct pushing *p, struct json_value status)
{
	struct json_value list, v;
	uint64_t told = 0;

	if (json_get(status, "failures", &list)) {
		for (struct json_iter it = json_iter(list); json_array_next(&it, &v); told++)
			refuse(p, json_get_string(v, "id"), json_get_string(v, "message"));
	}
	/* Those that the status only counts. */
	for (uint64_t n = count_get(status, "failure_count"); told < n; told++)
		p->counts.failed++;
}

/* Wait until a status is complete; status is the one that the POST gave. */
static enum err_kind status_settle(
	struct pushing *p, struct json_doc *status, bool *ret_complete, struct err *e)
{
	enum err_kind kind = OK;

	for (unsigned looks = 0;; looks++) {
		struct slice id = json_get_string(json_root(status), "id");
		struct slice url;

		*ret_complete = slice_is(json_get_string(json_root(status), "status"), "complete");
		if (*ret_complete || looks == PUSH_LOOKS || id.len == 0 || p->remote.wait == NULL ||
			!p->remote.wait(p->remote.context, PUSH_LOOK_SECONDS * US_PER_SECOND))
			return OK;
		url = arena_printf(p->arena, "%.*s%.*s/", SLICE_ARG(p->status_url), SLICE_ARG(id));
		if (url.data == NULL)
			return no_memory(e);
		kind = remote_get(&p->remote, url.data, p->parser, status, e);
		if (kind != OK)
			return kind;
	}
}

static enum err_kind cursor_save(struct pushing *p, struct err *e)
{
	char number[24];
	int len = snprintf(number, sizeof(number), "%lld", (long long)p->done);
	struct store_note note = {
		p->key, {number, (size_t)len}
        };

	return store_notes_put(intel_store(p->intel), &note, 1, e);
}

/* *ret_smaller: the envelope was too large (413), and a smaller one may pass. */
static enum err_kind load_send(struct pushing *p, const struct load *l, bool *ret_smaller,
	bool *ret_pending, struct err *e)
{
	const struct remote_call call = {
		.method = HTTP_POST,
		.url = p->objects_url.data,
		.content_type = TAXII_TYPE,
		.body = buf_slice(&l->text),
		.body_max = PUSH_STATUS_MAX,
	};
	struct http_answer answer = {0};
	struct json_doc status;
	bool complete;
	uint64_t failed_before = p->counts.failed;
	enum err_kind kind = remote_call(&p->remote, &call, &answer, e);

	if (kind != OK)
		return kind;
	if (answer.status == 413 && p->envelope_max > PUSH_ENVELOPE_LEAST) {
		*ret_smaller = true;
		return OK;
	}
	if (answer.status / 100 != 2)
		return remote_refused(&answer, call.url, e);
	kind = json_parse(p->parser, buf_slice(&answer.body), &status, e);
	if (kind != OK)
		return err_wrap(e, "%s: status", call.url);
	p->counts.posts++;
	p->counts.bytes += l->text.len;
	p->counts.objects += l->objects;
	kind = status_settle(p, &status, &complete, e);
	if (kind != OK)
		return kind;
	if (!complete) {
		p->counts.pending += l->objects;
		*ret_pending = true;
		return OK;
	}
	failures_tell(p, json_root(&status));
	failed_before = p->counts.failed - failed_before;
	p->counts.accepted += l->objects > failed_before ? l->objects - failed_before : 0;
	return OK;
}

/* ---- the whole ------------------------------------------------------------------------- */

static enum err_kind push_loads(struct pushing *p, struct err *e)
{
	struct load l = {0};
	enum err_kind kind = OK;
	bool pending = false;

	while (kind == OK && !l.at_end && !pending) {
		size_t found_at = p->found_at;
		uint64_t failed = p->counts.failed;
		bool smaller = false;

		kind = load_fill(p, &l, e);
		if (kind == OK && l.objects > 0)
			kind = load_send(p, &l, &smaller, &pending, e);
		if (kind != OK || pending)
			break;
		if (smaller) {
			p->envelope_max /= 2;
			p->found_at = found_at;
			p->counts.failed = failed;
			l.at_end = false;
			continue;
		}
		p->counts.withheld += l.withheld;
		if (l.last > p->done) {
			p->done = l.last;
			kind = cursor_save(p, e);
		}
		if (kind == OK && p->push->progress != NULL &&
			!p->push->progress(p->push->context, p->counts.objects, p->counts.bytes))
			break;
	}
	buf_fini(&l.text);
	return kind;
}

static void text_add(struct buf *b, struct slice s)
{
	buf_printf(b, "%zu:", s.len);
	buf_slice_append(b, s);
}

/* "push/" and a hash of where to and what: another search has a cursor of its own. */
static struct slice push_key(struct pushing *p, struct slice url)
{
	const struct store_search *s = p->push->search;
	struct buf text = BUF_INIT, key = BUF_INIT;
	uint8_t digest[SHA256_LEN];
	struct slice kept = {0};

	text_add(&text, url);
	if (s != NULL) {
		text_add(&text, s->text);
		text_add(&text, s->label);
		for (size_t i = 0; i < s->types_count; i++)
			text_add(&text, s->types[i]);
		if (s->value != NULL)
			text_add(&text, s->value->key);
		if (s->creator != NULL)
			buf_append(&text, s->creator->uuid.bytes, sizeof(struct uuid));
		if (s->refers_to != NULL)
			buf_append(&text, s->refers_to->uuid.bytes, sizeof(struct uuid));
		for (size_t i = 0; i < s->markings_any_count; i++)
			buf_append(&text, s->markings_any[i].bytes, sizeof(struct uuid));
		buf_printf(&text, "%lld %lld %lld %d %d", (long long)s->collection,
			(long long)s->since_us, (long long)s->until_us, s->value_suffix,
			s->every_version);
	}
	hash_sha256(buf_slice(&text), digest);
	buf_text(&key, "push/");
	hex_append(&key, digest, 16);
	if (!text.bad && !key.bad)
		kept = arena_copy(p->arena, buf_slice(&key));
	buf_fini(&text);
	buf_fini(&key);
	return kept;
}

static enum err_kind cursor_load(struct pushing *p, struct err *e)
{
	struct buf text = BUF_INIT;
	uint64_t serial;
	bool found;
	enum err_kind kind;

	if (p->push->from_start)
		return OK;
	kind = store_note_get(intel_store(p->intel), p->key, &text, &found, e);
	if (kind == OK && found) {
		if (slice_to_u64(buf_slice(&text), &serial) && serial <= INT64_MAX)
			p->done = (int64_t)serial;
		else
			kind = err_set(e, ERR_CORRUPT,
				"the saved cursor cannot be read: push from the start");
	}
	buf_fini(&text);
	return kind;
}

static enum err_kind push_prepare(struct pushing *p, struct err *e)
{
	struct taxii_remote_collection *list;
	size_t count;
	uint64_t content_max;
	size_t at;
	enum err_kind kind = remote_discover(&p->remote, p->push->url, p->arena, &list, &count, e);

	if (kind != OK)
		return kind;
	if (count != 1)
		return err_set(e, ERR_USAGE, "%s: %zu collections, expected the URL of one",
			p->push->url, count);
	if (!list[0].can_write)
		return err_set(
			e, ERR_DENIED, "%s: the collection is not for writing", p->push->url);
	p->objects_url = arena_printf(p->arena, "%.*sobjects/", SLICE_ARG(list[0].url));
	at = slice_find_text(list[0].url, SLICE("/collections/"));
	p->status_url =
		arena_printf(p->arena, "%.*s/status/", SLICE_ARG(slice_cut(list[0].url, 0, at)));
	p->key = push_key(p, list[0].url);
	if (p->objects_url.data == NULL || p->status_url.data == NULL || p->key.data == NULL)
		return no_memory(e);
	p->envelope_max = p->push->envelope_max;
	if (p->envelope_max == 0) {
		content_max = remote_content_max(&p->remote, list[0].url, p->arena);
		p->envelope_max = content_max > 0 && content_max < PUSH_ENVELOPE_MAX
					  ? (size_t)content_max
					  : PUSH_ENVELOPE_MAX;
	}
	return cursor_load(p, e);
}

static bool push_wait(void *context, int64_t us)
{
	const struct taxii_push *push = context;

	return push->wait != NULL ? push->wait(push->context, us) : remote_sleep(us);
}

enum err_kind taxii_push_run(struct intel *i, const struct taxii_push *push,
	struct taxii_push_counts *ret_counts, struct err *e)
{
	struct taxii_push job = *push;
	struct pushing p = {
		.intel = i,
		.push = push,
		.arena = arena_new(PUSH_ARENA_MAX),
		.parser = json_parser_new(PUSH_STATUS_MAX),
		.remote = {.http = push->http,
			   .world = intel_world(i),
			   .wait = push_wait,
			   .context = &job},
	};
	enum err_kind kind;

	if (p.arena == NULL || p.parser == NULL)
		kind = no_memory(e);
	else
		kind = push_prepare(&p, e);
	if (kind == OK && push->search != NULL)
		kind = search_run(&p, e);
	if (kind == OK)
		kind = push_loads(&p, e);
	if (ret_counts != NULL)
		*ret_counts = p.counts;
	free(p.found);
	json_parser_free(p.parser);
	arena_free(p.arena);
	return kind;
}
