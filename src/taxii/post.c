/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Adding objects (section 5.5) and the status resource (section 4.3).
 *
 *   1. The whole envelope is read once: broken JSON is refused before anything is kept.
 *   2. It is read again, and its objects go in batch by batch. Each one stands for itself: those
 * that break a rule are failures in the status, the others are kept.
 *   3. The status is written down, and then told: whatever it says is on the disk by then.
 *
 * A post that was cut off between two batches may be sent again: what is here already counts as a
 * success.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "media.h"
#include "server.h"

#define BODY_CHUNK      KIB(64)
#define BATCH_OBJECTS   1000    /* in one transaction; past this the sync no longer shows */
#define BATCH_BYTES     MIB(4)  /* of objects that wait for their transaction */
#define BATCH_ARENA_MAX MIB(64) /* verdicts: the longest of 1000 messages stay far below */
#define STATUS_LISTED   10000   /* objects named on either list of a status; all are counted */

struct post {
	struct taxii_server *t;
	const struct http_request *q;
	const struct access *access;
	struct json_split *split;
	char *chunk; /* BODY_CHUNK bytes, when the body is in a file */
	/* first pass */
	struct json_parser *parser;
	uint64_t outermost; /* offset of the body's first byte that is no blank */
	uint64_t elements;
	/* second pass */
	int64_t now_us;
	struct arena *arena; /* for one batch */
	struct buf bytes;    /* of the batch's objects, one behind the other */
	size_t *ends;        /* [BATCH_OBJECTS], within bytes */
	uint64_t *indexes;   /* [BATCH_OBJECTS], within the envelope */
	struct slice *objects;
	struct intel_verdict *verdicts;
	size_t count;
	struct buf successes, failures; /* elements of the status's lists */
	uint64_t success_count, failure_count;
};

/* ---- walking the body ------------------------------------------------------------------ */

typedef enum err_kind post_each(
	struct post *p, const struct json_item *item, bool is_object, struct err *e);

/* The next bytes of the body; none at its end. */
static enum err_kind body_read(struct post *p, uint64_t at, struct slice *ret_bytes, struct err *e)
{
	ssize_t got;

	if (p->q->body_fd < 0) {
		*ret_bytes = slice_cut(p->q->body, (size_t)at, p->q->body.len);
		return OK;
	}
	do
		got = pread(p->q->body_fd, p->chunk, BODY_CHUNK, (off_t)at);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_set(e, err_kind_of_errno(errno), "could not read a posted body: %s",
			strerror(errno));
	*ret_bytes = (struct slice){p->chunk, (size_t)got};
	return OK;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static enum err_kind body_walk(struct post *p, post_each *each, struct err *e)
{
	uint64_t at = 0;
	enum err_kind kind = OK;

	json_split_free(p->split);
	p->split = json_split_new(JSON_OBJECT_MAX);
	if (p->split == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	while (kind == OK) {
		enum json_split_kind what;
		struct json_item item;
		struct slice bytes;

		kind = json_split_next(p->split, &what, &item, e);
		if (kind != OK || what == JSON_SPLIT_END)
			break;
		if (what != JSON_SPLIT_MORE) {
			kind = each(p, &item, what == JSON_SPLIT_OBJECT, e);
			continue;
		}
		kind = body_read(p, at, &bytes, e);
		if (kind != OK)
			break;
		for (size_t i = 0;
			i < bytes.len && p->outermost == at + i && is_blank(bytes.data[i]); i++)
			p->outermost++;
		at += bytes.len;
		if (bytes.len > 0)
			json_split_feed(p->split, bytes);
		else
			json_split_finish(p->split);
	}
	return kind;
}

/* ---- first pass ------------------------------------------------------------------------ */

/* Too deep or too large is a matter of one object; what is no JSON breaks the envelope. */
static enum err_kind each_check(
	struct post *p, const struct json_item *item, bool is_object, struct err *e)
{
	struct json_doc doc;
	enum err_kind kind;

	/* Objects beside an envelope, or instead of one. */
	if (item->offset == p->outermost || json_split_envelope(p->split).len > 0)
		return err_set(
			e, ERR_INVALID, "expected nothing but an envelope: {\"objects\": [...]}");
	p->elements++;
	if (!is_object)
		return OK;
	kind = json_parse(p->parser, item->bytes, &doc, e);
	if (kind == ERR_LIMIT)
		return OK;
	if (kind != OK)
		err_wrap(e, "objects[%llu]", (unsigned long long)item->index);
	return kind;
}

/* The rest of the envelope, section 3.7: more is a boolean, next a string; others are ignored. */
static enum err_kind envelope_check(struct post *p, struct err *e)
{
	struct slice envelope = json_split_envelope(p->split);
	struct json_doc doc;
	struct json_value v;
	enum err_kind kind;

	if (envelope.len == 0 || p->elements == 0)
		return err_set(e, ERR_INVALID,
			"expected an envelope: {\"objects\": [...]} with at least one object");
	kind = json_parse(p->parser, envelope, &doc, e);
	if (kind != OK)
		return kind;
	if (json_get(json_root(&doc), "more", &v) && !json_is_bool(v))
		return err_set(e, ERR_INVALID, "envelope: more: expected true or false");
	if (json_get(json_root(&doc), "next", &v) && !json_is_string(v))
		return err_set(e, ERR_INVALID, "envelope: next: expected a string");
	return OK;
}

/* ---- second pass ----------------------------------------------------------------------- */

/* A status-details element, section 4.3.1. What has no readable id is named by its place, what has
 * no version by the time of the request. */
static void status_add(struct post *p, bool success, uint64_t index, struct slice id,
	int64_t version_us, struct slice message)
{
	struct buf *out = success ? &p->successes : &p->failures;
	uint64_t *count = success ? &p->success_count : &p->failure_count;
	struct json_writer w = JSON_WRITER(out);
	char place[32];

	if ((*count)++ >= STATUS_LISTED)
		return;
	if (id.len == 0) {
		int len =
			snprintf(place, sizeof(place), "objects[%llu]", (unsigned long long)index);

		id = (struct slice){place, (size_t)len};
	}
	if (out->len > 0)
		buf_char(out, ',');
	json_write_object(&w);
	json_member_string(&w, "id", id);
	json_member_time(&w, "version", version_us != 0 ? version_us : p->now_us, 6);
	if (message.len > 0)
		json_member_string(&w, "message", message);
	json_write_end(&w, '}');
}

static const struct {
	bool success;
	enum counter counter;
	struct slice message;
} outcomes[INTEL_OUTCOMES] = {
	[INTEL_NEW] = {true,  COUNT_ACCEPTED, {0}                     },
	[INTEL_KNOWN] = {true,  COUNT_KNOWN,    {"was here already", 16}},
	[INTEL_REFUSED] = {false, COUNT_REFUSED,  {0}                     },
	[INTEL_CONFLICT] = {false, COUNT_CONFLICT, {0}                     },
};

static enum err_kind batch_write(struct post *p, struct err *e)
{
	const struct intel_source source = {
		.member = p->q->account->name,
		.collections = &p->access->collection.number,
		.collections_count = 1,
	};
	size_t start = 0;
	enum err_kind kind;

	if (p->bytes.bad)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (p->count == 0)
		return OK;
	for (size_t i = 0; i < p->count; i++) {
		p->objects[i] = slice_cut(buf_slice(&p->bytes), start, p->ends[i]);
		start = p->ends[i];
	}
	kind = intel_accept(
		p->t->intel, &source, p->objects, p->count, NULL, 0, p->arena, p->verdicts, e);
	for (size_t i = 0; i < p->count && kind == OK; i++) {
		const struct intel_verdict *v = &p->verdicts[i];

		status_add(p, outcomes[v->outcome].success, p->indexes[i], v->id,
			v->version_us != 0 ? v->version_us : v->date_added_us,
			v->message.len > 0 ? v->message : outcomes[v->outcome].message);
		count_add(p->t, outcomes[v->outcome].counter, 1);
	}
	p->count = 0;
	buf_clear(&p->bytes);
	arena_reset(p->arena);
	return kind;
}

static enum err_kind each_keep(
	struct post *p, const struct json_item *item, bool is_object, struct err *e)
{
	if (!is_object) {
		status_add(p, false, item->index, (struct slice){0}, 0, slice_of(item->problem));
		count_add(p->t, COUNT_REFUSED, 1);
		return OK;
	}
	buf_slice_append(&p->bytes, item->bytes);
	p->indexes[p->count] = item->index;
	p->ends[p->count++] = p->bytes.len;
	if (p->count < BATCH_OBJECTS && p->bytes.len < BATCH_BYTES)
		return OK;
	return batch_write(p, e);
}

static void list_write(struct json_writer *w, const char *name, const struct buf *elements)
{
	if (elements->len == 0)
		return; /* empty lists are prohibited */
	json_write_name(w, name);
	json_write_array(w);
	json_write_raw(w, buf_slice(elements));
	json_write_end(w, ']');
}

static enum err_kind status_write(struct post *p, struct buf *out, struct err *e)
{
	struct json_writer w = JSON_WRITER(out);
	char text[UUID_TEXT_LEN + 1];
	struct uuid id;

	uuid_v4(p->t->world, &id);
	uuid_format(&id, text);
	json_write_object(&w);
	json_member_text(&w, "id", text);
	json_member_text(&w, "status", "complete");
	json_member_time(&w, "request_timestamp", p->now_us, 6);
	json_member_i64(&w, "total_count", (int64_t)(p->success_count + p->failure_count));
	json_member_i64(&w, "success_count", (int64_t)p->success_count);
	list_write(&w, "successes", &p->successes);
	json_member_i64(&w, "failure_count", (int64_t)p->failure_count);
	list_write(&w, "failures", &p->failures);
	json_member_i64(&w, "pending_count", 0);
	json_write_end(&w, '}');
	if (out->bad || p->successes.bad || p->failures.bad)
		return err_set(e, ERR_NOMEM, "out of memory");
	return store_status_put(p->t->store, &id, p->q->account->name, buf_slice(out), e);
}

/* ---- the whole ------------------------------------------------------------------------- */

static enum err_kind post_prepare(struct post *p, struct err *e)
{
	p->parser = json_parser_new(JSON_OBJECT_MAX);
	p->arena = arena_new(BATCH_ARENA_MAX);
	p->ends = calloc(BATCH_OBJECTS, sizeof(*p->ends));
	p->indexes = calloc(BATCH_OBJECTS, sizeof(*p->indexes));
	p->objects = calloc(BATCH_OBJECTS, sizeof(*p->objects));
	p->verdicts = calloc(BATCH_OBJECTS, sizeof(*p->verdicts));
	p->chunk = p->q->body_fd < 0 ? NULL : malloc(BODY_CHUNK);
	p->now_us = world_now(p->t->world);
	if (p->parser == NULL || p->arena == NULL || p->ends == NULL || p->indexes == NULL ||
		p->objects == NULL || p->verdicts == NULL ||
		(p->q->body_fd >= 0 && p->chunk == NULL))
		return err_set(e, ERR_NOMEM, "out of memory");
	return OK;
}

static void post_fini(struct post *p)
{
	json_split_free(p->split);
	json_parser_free(p->parser);
	arena_free(p->arena);
	free(p->ends);
	free(p->indexes);
	free(p->objects);
	free(p->verdicts);
	free(p->chunk);
	buf_fini(&p->bytes);
	buf_fini(&p->successes);
	buf_fini(&p->failures);
}

static bool content_is_taken(
	struct taxii_server *t, const struct http_request *q, struct http_reply *reply)
{
	struct slice packing = http_request_header(q, "Content-Encoding");

	if (!media_is_taxii(http_request_header(q, "Content-Type"))) {
		reply_error(t, q, reply, 415, "Content-Type: expected " TAXII_TYPE);
		return false;
	}
	if (packing.len > 0 && !slice_equal_nocase(packing, SLICE("identity"))) {
		reply_error(t, q, reply, 415, "Content-Encoding: bodies are taken unpacked only");
		return false;
	}
	return true;
}

void handle_post(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct taxii_server *t = context;
	struct access access;
	struct post p = {.t = t, .q = q, .access = &access};
	struct buf status = BUF_INIT;
	struct err e;
	enum err_kind kind;

	if (!reply_begin(t, q, reply) || !access_get(t, q, reply, NEED_WRITE, &access) ||
		!content_is_taken(t, q, reply))
		return;
	kind = post_prepare(&p, &e);
	if (kind == OK)
		kind = body_walk(&p, each_check, &e);
	if (kind == OK)
		kind = envelope_check(&p, &e);
	if (kind == ERR_PARSE || kind == ERR_INVALID || kind == ERR_LIMIT) {
		reply_error(t, q, reply, kind == ERR_PARSE ? 400 : 422, e.text);
		post_fini(&p);
		return;
	}
	if (kind == OK)
		kind = body_walk(&p, each_keep, &e);
	if (kind == OK)
		kind = batch_write(&p, &e);
	if (kind == OK)
		kind = status_write(&p, &status, &e);
	if (kind == OK) {
		count_add(t, COUNT_POSTS, 1);
		reply_json(t, q, reply, 202, &status);
	} else {
		reply_failed(t, q, reply, kind, &e);
	}
	buf_fini(&status);
	post_fini(&p);
}

/* A status is for the account whose post it tells of; for all others, and when its time is over, it
 * is not there. */
void handle_status(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct taxii_server *t = context;
	struct buf json = BUF_INIT;
	bool found = false;
	struct uuid id;
	struct err e;
	enum err_kind kind = OK;

	if (!reply_begin(t, q, reply))
		return;
	if (uuid_parse(q->parts[0], &id))
		kind = store_status_get(t->store, &id, q->account->name, &json, &found, &e);
	if (kind != OK)
		reply_failed(t, q, reply, kind, &e);
	else if (!found)
		reply_error(t, q, reply, 404, "no such status");
	else
		reply_json(t, q, reply, 200, &json);
	buf_fini(&json);
}
