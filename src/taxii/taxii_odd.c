/* SPDX-License-Identifier: MPL-2.0 */
/* See taxii_odd.h. */
#include <stdlib.h>

#include "taxii_odd.h"

#define ODD_EPOCH INT64_C(1700000000123456) /* date of the first object, microseconds */

/* ---- what is there --------------------------------------------------------------------- */

static int64_t date_of(const struct odd *o, unsigned n)
{
	int64_t step = o->same_date == 0 ? n : n / o->same_date;

	return o->coarse_dates ? (ODD_EPOCH / US_PER_SECOND + step) * US_PER_SECOND
			       : ODD_EPOCH + step * 7;
}

static bool field(const struct http_request *q, const char *name, struct slice *ret_value)
{
	for (size_t i = 0; i < q->params_count; i++) {
		if (slice_is(q->params[i].name, name)) {
			*ret_value = q->params[i].value;
			return true;
		}
	}
	return false;
}

static void reply_text(
	const struct http_request *q, struct http_reply *reply, unsigned status, const char *text)
{
	reply->status = status;
	reply->content_type = TAXII_TYPE;
	reply->body = arena_copy(q->arena, slice_of(text));
}

/* ---- pages ----------------------------------------------------------------------------- */

struct odd_page {
	unsigned from, to; /* objects */
	bool more;
	char next[32];
};

/* Which objects, whatever the resource. False: the request is refused. */
static bool page_of(struct odd *o, const struct http_request *q, struct odd_page *ret_page)
{
	struct odd_page p = {0};
	unsigned most = o->page_max != 0 ? o->page_max : 100;
	struct slice value;
	uint64_t limit = most, at;
	int64_t after;

	if (o->refuses_versions && field(q, "match[version]", &value))
		return false;
	if (field(q, "limit", &value) && slice_to_u64(value, &limit)) {
		if (limit > atomic_load(&o->largest_limit))
			atomic_store(&o->largest_limit, (unsigned)limit);
		if (limit > most || o->ignores_limit)
			limit = most;
	}
	if (field(q, "added_after", &value) && !o->ignores_added_after) {
		if (!time_parse(value, &after, NULL))
			return false;
		while (p.from < o->count && date_of(o, p.from) <= after)
			p.from++;
	}
	if (field(q, "next", &value)) {
		if (o->next == ODD_NEXT_EXPIRED)
			return false;
		if (o->next == ODD_NEXT_CONSTANT)
			p.from = o->cursor;
		else if (slice_to_u64(value, &at))
			p.from = (unsigned)at;
	}
	p.to = p.from + (unsigned)limit;
	if (p.to > o->count)
		p.to = o->count;
	p.more = p.to < o->count || o->always_more;
	switch (o->next) {
	case ODD_NEXT:
	case ODD_NEXT_EXPIRED:
		snprintf(p.next, sizeof(p.next), "%u", p.to);
		break;
	case ODD_NEXT_CONSTANT:
		snprintf(p.next, sizeof(p.next), "session");
		o->cursor = p.to;
		break;
	case ODD_NEXT_CIRCLE:
		snprintf(p.next, sizeof(p.next), "0");
		break;
	case ODD_NEXT_STUCK:
		snprintf(p.next, sizeof(p.next), "%u", p.from);
		break;
	case ODD_NEXT_NONE:
		break;
	}
	*ret_page = p;
	return true;
}

static void header_date(
	const struct http_request *q, struct http_reply *reply, const char *name, int64_t us)
{
	char text[TIME_TEXT_MAX];

	time_format(us, 6, text);
	http_reply_header(reply, name, arena_copy(q->arena, slice_of(text)));
}

static void envelope_write(const struct odd *o, const struct odd_page *p, struct buf *out)
{
	buf_text(out, "{\"objects\":[");
	for (unsigned i = p->from; i < p->to; i++) {
		if (i > p->from)
			buf_char(out, ',');
		testing_indicator(out, o->unsorted ? o->count - 1 - i : i, 0, NULL);
	}
	/* at the end, where a client that reads from the front finds them last */
	buf_printf(out, "],\"more\":%s", p->more ? "true" : "false");
	if (p->more && p->next[0] != '\0')
		buf_printf(out, ",\"next\":\"%s\"", p->next);
	buf_char(out, '}');
}

/* Half a page, then nothing: the connection goes. */
static enum err_kind stream_break(void *state, struct buf *out, bool *ret_more, struct err *e)
{
	struct buf *half = state;

	if (half->len > 0) {
		buf_slice_append(out, buf_slice(half));
		buf_clear(half);
		*ret_more = true;
		return OK;
	}
	return err_set(e, ERR_IO, "meant to break");
}

static void stream_break_free(void *state)
{
	buf_fini(state);
	free(state);
}

static void reply_break(struct http_reply *reply, struct buf *page)
{
	struct buf *half = calloc(1, sizeof(*half));

	if (half == NULL)
		abort();
	*half = *page;
	*page = BUF_INIT;
	half->len = half->len * 2 / 3;
	reply->status = 200;
	reply->content_type = TAXII_TYPE;
	reply->stream = stream_break;
	reply->stream_free = stream_break_free;
	reply->stream_state = half;
}

/* The next event of the script; a page when there is none. */
static struct odd_event event_next(struct odd *o)
{
	unsigned at = atomic_fetch_add(&o->requests, 1);

	return at < o->script_len ? o->script[at] : (struct odd_event){0};
}

static bool is_accepted(const struct odd *o, const struct http_request *q, struct http_reply *reply)
{
	if (o->accept == NULL || slice_is(http_request_header(q, "Accept"), o->accept))
		return true;
	reply_text(q, reply, 406, "{\"title\":\"no\",\"http_status\":\"406\"}");
	return false;
}

static void handle_objects_odd(
	void *context, const struct http_request *q, struct http_reply *reply)
{
	struct odd *o = context;
	struct odd_event event;
	struct odd_page p;
	struct buf out = BUF_INIT;

	if (!is_accepted(o, q, reply))
		return;
	event = event_next(o);
	if (event.retry_after != NULL)
		http_reply_header(reply, "Retry-After", slice_of(event.retry_after));
	if (event.status > 1) {
		reply_text(
			q, reply, event.status, "{\"title\":\"busy\",\"description\":\"later\"}");
		return;
	}
	if (o->body != NULL) {
		reply_text(q, reply, 200, o->body);
		if (o->content_type != NULL)
			reply->content_type = o->content_type;
		return;
	}
	if (!page_of(o, q, &p)) {
		reply_text(q, reply, 400, "{\"title\":\"malformed\"}");
		return;
	}
	if (o->empty_forever) {
		reply_text(q, reply, 200, "{\"more\":true,\"next\":\"again\"}");
		return;
	}
	if (o->empty_pages && atomic_load(&o->requests) % 2 == 0 && p.from < p.to) {
		buf_printf(&out, "{\"more\":true,\"next\":\"%u\"}%c", p.from, 0);
		reply_text(q, reply, 200, out.data);
		buf_fini(&out);
		return;
	}
	if (o->tags) {
		reply->etag = arena_printf(q->arena, "\"%u-%u-%u\"", p.from, p.to, o->count);
		if (http_request_has_etag(q, reply->etag))
			atomic_fetch_add(&o->unchanged, 1);
	}
	if (p.from == p.to && !p.more) {
		reply_text(q, reply, 200, o->no_envelope ? " {} \n" : "{\"more\":false}");
	} else {
		envelope_write(o, &p, &out);
		if (event.status == 1) {
			reply_break(reply, &out);
			return;
		}
		reply->status = 200;
		reply->content_type = o->content_type != NULL ? o->content_type : TAXII_TYPE;
		reply->shared = http_shared_new(&out);
	}
	if (!o->no_headers && p.from < p.to) {
		header_date(q, reply, "X-TAXII-Date-Added-First", date_of(o, p.from));
		header_date(q, reply, "X-TAXII-Date-Added-Last", date_of(o, p.to - 1));
	}
	buf_fini(&out);
}

static void handle_manifest_odd(
	void *context, const struct http_request *q, struct http_reply *reply)
{
	struct odd *o = context;
	struct odd_page p;
	struct buf out = BUF_INIT;
	struct slice wanted;
	bool by_id;

	atomic_fetch_add(&o->manifests, 1);
	if (o->no_manifest || !page_of(o, q, &p)) {
		reply_text(q, reply, 404, "{\"title\":\"none\"}");
		return;
	}
	buf_text(&out, "{\"objects\":[");
	by_id = field(q, "match[id]", &wanted);
	if (by_id) {
		p.from = 0;
		p.to = o->count;
	}
	for (unsigned i = p.from; i < p.to; i++) {
		char id[64], date[TIME_TEXT_MAX];

		testing_id(i, id);
		if (by_id && !slice_is(wanted, id))
			continue;
		time_format(date_of(o, i), 6, date);
		buf_printf(&out, "%s{\"id\":\"%s\",\"date_added\":\"%s\",\"version\":\"%s\"}",
			out.len > 12 ? "," : "", id, date, "2026-01-01T00:00:00.000000Z");
	}
	buf_text(&out, "]}");
	reply->status = 200;
	reply->content_type = TAXII_TYPE;
	reply->shared = http_shared_new(&out);
	buf_fini(&out);
}

/* ---- the other resources --------------------------------------------------------------- */

static const char collection_text[] = "{\"id\":\"" ODD_COLLECTION "\",\"title\":\"Odd\","
				      "\"can_read\":true,\"can_write\":true}";

static void handle_discovery_odd(
	void *context, const struct http_request *q, struct http_reply *reply)
{
	const struct odd *o = context;
	struct slice text = arena_printf(q->arena, "{\"title\":\"odd\",\"api_roots\":[\"%s\"]}",
		o->api_root != NULL ? o->api_root : "/api/");

	reply_text(q, reply, 200, text.data);
}

static void handle_root_odd(void *context, const struct http_request *q, struct http_reply *reply)
{
	(void)context;
	reply_text(q, reply, 200,
		"{\"title\":\"odd\",\"versions\":[\"" TAXII_TYPE
		"\"],\"max_content_length\":100000}");
}

static void handle_collections_odd(
	void *context, const struct http_request *q, struct http_reply *reply)
{
	struct slice text = arena_printf(q->arena,
		"{\"collections\":[%s,{\"id\":\"22222222-2222-4222-"
		"8222-222222222222\",\"title\":\"shut\",\"can_read\":false,\"can_write\":false},"
		"{\"id\":\"../up\",\"title\":\"bad\",\"can_read\":true,\"can_write\":true}]}",
		collection_text);

	(void)context;
	reply_text(q, reply, 200, text.data);
}

static void handle_collection_odd(
	void *context, const struct http_request *q, struct http_reply *reply)
{
	if (is_accepted(context, q, reply))
		reply_text(q, reply, 200, collection_text);
}

/* ---- taking ---------------------------------------------------------------------------- */

static const char status_id[] = "33333333-3333-4333-8333-333333333333";

static void handle_post_odd(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct odd *o = context;
	struct json_parser *parser = json_parser_new(MIB(8));
	struct json_value list, v;
	struct json_doc doc;
	struct buf out = BUF_INIT, failed = BUF_INIT;
	unsigned total = 0, failures = 0;

	atomic_fetch_add(&o->posts, 1);
	if (o->post_max != 0 && q->body_bytes > o->post_max) {
		reply_text(q, reply, 413, "{\"title\":\"too large\"}");
		json_parser_free(parser);
		return;
	}
	if (parser == NULL || json_parse(parser, q->body, &doc, NULL) != OK ||
		!json_get(json_root(&doc), "objects", &list)) {
		reply_text(q, reply, 400, "{\"title\":\"malformed\"}");
		json_parser_free(parser);
		return;
	}
	for (struct json_iter it = json_iter(list); json_array_next(&it, &v);) {
		if (++total, o->post_fails_every != 0 && total % o->post_fails_every == 0) {
			buf_printf(&failed,
				"%s{\"id\":\"%.*s\",\"version\":\"2026-01-01T00:00:00.000000Z\","
				"\"message\":\"not wanted\"}",
				failures > 0 ? "," : "", SLICE_ARG(json_get_string(v, "id")));
			failures++;
		}
	}
	json_parser_free(parser);
	atomic_fetch_add(&o->posted, total);
	buf_printf(&out,
		"{\"id\":\"%s\",\"status\":\"%s\",\"total_count\":%u,\"success_count\":%u,"
		"\"failure_count\":%u,\"pending_count\":0",
		status_id, o->post_pending || o->post_pending_forever ? "pending" : "complete",
		total, total - failures, failures);
	if (failures > 0 && !o->post_counts_only)
		buf_printf(&out, ",\"failures\":[%.*s]", SLICE_ARG(buf_slice(&failed)));
	buf_char(&out, '}');
	reply->status = 202;
	reply->content_type = TAXII_TYPE;
	reply->shared = http_shared_new(&out);
	buf_fini(&out);
	buf_fini(&failed);
}

static void handle_status_odd(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct odd *o = context;
	unsigned looks = atomic_fetch_add(&o->looks, 1);
	struct slice text = arena_printf(q->arena,
		"{\"id\":\"%s\",\"status\":\"%s\",\"total_count\":1,"
		"\"success_count\":1,\"failure_count\":0,\"pending_count\":0}",
		status_id, looks < 2 || o->post_pending_forever ? "pending" : "complete");

	reply_text(q, reply, 200, text.data);
}

/* ---- life ------------------------------------------------------------------------------ */

static enum err_kind nobody(void *context, struct slice name, struct arena *a,
	struct store_account *ret_account, bool *ret_found, struct err *e)
{
	(void)context;
	(void)name;
	(void)a;
	(void)ret_account;
	(void)e;
	*ret_found = false;
	return OK;
}

static enum err_kind nobody_either(void *context, const uint8_t key[SHA256_LEN], struct arena *a,
	struct store_account *ret_account, bool *ret_found, struct err *e)
{
	(void)key;
	return nobody(context, (struct slice){0}, a, ret_account, ret_found, e);
}

static uint64_t never(void *context)
{
	(void)context;
	return 1;
}

void odd_start(struct odd *o)
{
	static const struct http_route routes[] = {
		{HTTP_GET,  "/taxii2/",                        HTTP_OPEN, 0,      handle_discovery_odd,   "discovery", NULL},
		{HTTP_GET,  "/api/",                           HTTP_OPEN, 0,      handle_root_odd,        "root",      NULL},
		{HTTP_GET,  "/api/collections/",               HTTP_OPEN, 0,      handle_collections_odd, "list",      NULL},
		{HTTP_GET,  "/api/collections/{id}/",          HTTP_OPEN, 0,      handle_collection_odd,  "one",
                 NULL												      },
		{HTTP_GET,  "/api/collections/{id}/objects/",  HTTP_OPEN, 0,      handle_objects_odd,
                 "objects",											    NULL},
		{HTTP_POST, "/api/collections/{id}/objects/",  HTTP_OPEN, MIB(8), handle_post_odd,
                 "post",											       NULL},
		{HTTP_GET,  "/api/collections/{id}/manifest/", HTTP_OPEN, 0,      handle_manifest_odd,
                 "manifest",											   NULL},
		{HTTP_GET,  "/api/status/{id}/",               HTTP_OPEN, 0,      handle_status_odd,      "status",    NULL},
	};
	const struct http_accounts accounts = {nobody, nobody_either, nobody_either, never, NULL};
	struct http_server_config config = {.listen = "127.0.0.1:0", .threads = 1};
	struct err e;

	_Static_assert(sizeof(routes) == sizeof(o->routes), "one row each");
	memcpy(o->routes, routes, sizeof(routes));
	o->log = (struct log){.world = world_real()};
	config.routes = o->routes;
	config.routes_count = COUNT_OF(routes);
	config.context = o;
	config.accounts = &accounts;
	config.world = world_real();
	config.log = &o->log;
	if (http_server_start(&config, &o->http, &e) != OK) {
		fprintf(stderr, "%s\n", e.text);
		abort();
	}
}

void odd_stop(struct odd *o)
{
	http_server_stop(o->http, 5);
}

const char *odd_url(const struct odd *o, const char *path, char ret_url[128])
{
	snprintf(ret_url, 128, "http://127.0.0.1:%u%s", http_server_port(o->http), path);
	return ret_url;
}
