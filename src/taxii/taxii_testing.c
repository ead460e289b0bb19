/* SPDX-License-Identifier: MPL-2.0 */
/* See taxii_testing.h. */
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "taxii_testing.h"

#define TESTING_START INT64_C(1767225600000000) /* 2026-01-01T00:00:00Z */

static void must(enum err_kind kind, const struct err *e, const char *doing)
{
	if (kind == OK)
		return;
	fprintf(stderr, "%s: %s\n", doing, e->text);
	abort();
}

/* ---- life ------------------------------------------------------------------------------ */

static void store_start(struct testing *t)
{
	struct store_options options = {.mode = STORE_CREATE, .world = t->clock};
	struct err e;

	must(store_open(t->folder, &options, &t->store, &e), &e, "open the store");
	t->intel = intel_new(t->store, t->clock);
	if (t->intel == NULL)
		abort();
	t->config.intel = t->intel;
	must(taxii_server_new(&t->config, &t->server, &e), &e, "start the server");
}

static void store_stop(struct testing *t)
{
	taxii_server_free(t->server);
	intel_free(t->intel);
	store_close(t->store);
	t->server = NULL;
	t->intel = NULL;
	t->store = NULL;
}

void testing_open(struct testing *t, const struct world *clock)
{
	*t = (struct testing){0};
	snprintf(t->folder, sizeof(t->folder), "/tmp/taxii-test-XXXXXX");
	if (mkdtemp(t->folder) == NULL)
		abort();
	world_real(); /* starts libsodium */
	world_fake_init(&t->world, 1, TESTING_START);
	t->clock = clock != NULL ? clock : &t->world.world;
	t->log = (struct log){.world = t->clock};
	t->config = (struct taxii_config){
		.world = t->clock,
		.log = &t->log,
		.title = "Test",
		.description = "A server for tests",
		.contact = "nobody@example.org",
	};
	t->arena = arena_new(MIB(64));
	t->parser = json_parser_new(MIB(64));
	if (t->arena == NULL || t->parser == NULL)
		abort();
	store_start(t);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void testing_close(struct testing *t)
{
	store_stop(t);
	nftw(t->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	buf_fini(&t->body);
	arena_free(t->arena);
	json_parser_free(t->parser);
}

void testing_restart(struct testing *t)
{
	store_stop(t);
	store_start(t);
}

void testing_server_again(struct testing *t)
{
	struct err e;

	taxii_server_free(t->server);
	t->server = NULL;
	must(taxii_server_new(&t->config, &t->server, &e), &e, "start the server");
}

int64_t testing_collection(
	struct testing *t, const char *alias, enum stix_tlp tlp_max, bool is_public)
{
	struct store_collection c = {
		.title = slice_of(alias),
		.description = SLICE("for tests"),
		.alias = slice_of(alias),
		.tlp_max = tlp_max,
		.public_read = is_public,
		.created_us = world_now(t->clock),
	};
	int64_t number = 0;
	struct err e;

	uuid_v4(t->clock, &c.uuid);
	must(store_collection_put(t->store, &c, &number, &e), &e, "make a collection");
	return number;
}

struct slice testing_collection_id(struct testing *t, const char *alias)
{
	struct store_collection c;
	char id[UUID_TEXT_LEN + 1];
	bool found;
	struct err e;

	must(store_collection_get(t->store, slice_of(alias), t->arena, &c, &found, &e), &e,
		"look for a collection");
	if (!found)
		abort();
	uuid_format(&c.uuid, id);
	return arena_copy(t->arena, slice_of(id));
}

void testing_account(struct testing *t, const char *name, enum store_role role)
{
	struct store_account a = {
		.name = slice_of(name), .role = role, .created_us = world_now(t->clock)};
	struct err e;

	must(store_account_put(t->store, &a, &e), &e, "make an account");
}

void testing_right(struct testing *t, const char *account, int64_t collection, unsigned rights)
{
	struct err e;

	must(store_right_put(t->store, slice_of(account), collection, rights, &e), &e,
		"give a right");
}

/* ---- asking ---------------------------------------------------------------------------- */

static struct slice percent_decoded(struct testing *t, struct slice text)
{
	char *to = arena_alloc(t->arena, text.len + 1);
	size_t len = 0;

	if (to == NULL)
		abort();
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte;

		if (text.data[i] == '%' && i + 2 < text.len &&
			hex_decode(slice_cut(text, i + 1, i + 3), &byte, 1)) {
			to[len++] = (char)byte;
			i += 2;
		} else {
			to[len++] = text.data[i];
		}
	}
	return (struct slice){to, len};
}

/* Does the path fit the pattern? Parts in braces are handed out. */
static bool route_fits(
	const char *pattern, struct slice path, struct slice *parts, size_t *ret_count)
{
	struct slice want = slice_of(pattern), have = path, a, b;
	size_t count = 0;

	if (slice_ends(want, SLICE("/")))
		want.len--;
	if (slice_ends(have, SLICE("/")))
		have.len--;
	while (slice_next(&want, '/', &a)) {
		if (!slice_next(&have, '/', &b))
			return false;
		if (slice_starts(a, SLICE("{"))) {
			if (b.len == 0)
				return false;
			parts[count++] = b;
		} else if (!slice_equal(a, b)) {
			return false;
		}
	}
	*ret_count = count;
	return !slice_next(&have, '/', &b);
}

static void header_add(
	struct http_param *headers, size_t *count, const char *name, const char *value)
{
	if (value != NULL)
		headers[(*count)++] = (struct http_param){slice_of(name), slice_of(value)};
}

static int body_to_file(struct slice body)
{
	FILE *f = tmpfile();
	int fd;

	if (f == NULL || fwrite(body.data, 1, body.len, f) != body.len || fflush(f) != 0)
		abort();
	fd = dup(fileno(f));
	fclose(f);
	return fd;
}

/* The whole body, as a client would get it. */
static void reply_drain(struct testing *t)
{
	struct http_reply *r = &t->reply;

	buf_clear(&t->body);
	if (r->shared != NULL) {
		buf_slice_append(&t->body, http_shared_bytes(r->shared));
		http_shared_drop(r->shared);
	} else if (r->stream != NULL) {
		struct buf part = BUF_INIT;
		bool more = true;

		while (more) {
			struct err e;

			buf_clear(&part);
			must(r->stream(r->stream_state, &part, &more, &e), &e, "stream");
			buf_slice_append(&t->body, buf_slice(&part));
		}
		buf_fini(&part);
		r->stream_free(r->stream_state);
	} else {
		buf_slice_append(&t->body, r->body);
	}
	r->shared = NULL;
}

static void run_route(struct testing *t, const struct http_route *route, struct http_request *q)
{
	if (route->access == HTTP_ACCOUNT && q->account == NULL)
		taxii_error(t->server, q, 401, "no account", &t->reply);
	else if (q->body_bytes > route->body_max && (q->method & (HTTP_POST | HTTP_PUT)) != 0)
		taxii_error(t->server, q, 413, "too large", &t->reply);
	else
		route->handle(route->context, q, &t->reply);
}

unsigned testing_ask(struct testing *t, const struct asked *asked)
{
	struct http_param headers[8], params[HTTP_PARAMS_MAX];
	struct slice parts[8], rest = slice_of(asked->target), query, field;
	struct store_account account;
	struct http_request q = {
		.method = asked->method,
		.headers = headers,
		.params = params,
		.parts = parts,
		.body = asked->body,
		.body_fd = -1,
		.body_bytes = asked->body.len,
		.arena = t->arena,
		.peer = SLICE("127.0.0.1"),
		.host = SLICE("localhost"),
	};
	const struct http_route *routes;
	size_t count;
	bool found = false;
	struct err e;

	arena_reset(t->arena);
	t->reply = (struct http_reply){0};
	query = slice_cut(rest, slice_find(rest, '?', 0) + 1, rest.len);
	q.path = percent_decoded(t, slice_cut(rest, 0, slice_find(rest, '?', 0)));
	while (query.len > 0 && slice_next(&query, '&', &field)) {
		size_t equals = slice_find(field, '=', 0);

		if (q.params_count == HTTP_PARAMS_MAX)
			break;
		params[q.params_count++] =
			(struct http_param){percent_decoded(t, slice_cut(field, 0, equals)),
				percent_decoded(t, slice_cut(field, equals + 1, field.len))};
	}
	header_add(headers, &q.headers_count, "Accept", asked->accept);
	header_add(headers, &q.headers_count, "Content-Type", asked->content_type);
	header_add(headers, &q.headers_count, "If-None-Match", asked->etag);
	header_add(headers, &q.headers_count, "Content-Encoding", asked->encoding);
	if (asked->as != NULL) {
		must(store_account_get(
			     t->store, slice_of(asked->as), t->arena, &account, &found, &e),
			&e, "look for an account");
		q.account = found ? &account : NULL;
	}
	if (asked->body_in_file) {
		q.body_fd = body_to_file(asked->body);
		q.body = (struct slice){0};
	}
	routes = taxii_routes(t->server, &count);
	found = false;
	for (size_t i = 0; i < count && !found; i++) {
		found = (routes[i].methods & asked->method) != 0 &&
			route_fits(routes[i].pattern, q.path, parts, &q.parts_count);
		if (found)
			run_route(t, &routes[i], &q);
	}
	if (!found)
		taxii_error(t->server, &q, 404, "nothing here", &t->reply);
	if (q.body_fd >= 0)
		close(q.body_fd);
	reply_drain(t);
	return t->reply.status;
}

PRINTF(4, 0)
static unsigned ask_format(struct testing *t, enum http_method method, const char *as,
	const char *format, va_list args)
{
	char target[KIB(8)];
	int len = vsnprintf(target, sizeof(target), format, args);

	if (len < 0 || (size_t)len >= sizeof(target))
		abort();
	return testing_ask(
		t, &(struct asked){
			   .method = method, .target = target, .as = as, .accept = TAXII_TYPE});
}

unsigned testing_get(struct testing *t, const char *as, const char *format, ...)
{
	va_list args;
	unsigned status;

	va_start(args, format);
	status = ask_format(t, HTTP_GET, as, format, args);
	va_end(args);
	return status;
}

unsigned testing_delete(struct testing *t, const char *as, const char *format, ...)
{
	va_list args;
	unsigned status;

	va_start(args, format);
	status = ask_format(t, HTTP_DELETE, as, format, args);
	va_end(args);
	return status;
}

unsigned testing_post(struct testing *t, const char *as, const char *collection, struct slice body)
{
	char target[256];

	snprintf(target, sizeof(target), "/api/collections/%s/objects/", collection);
	return testing_ask(t, &(struct asked){.method = HTTP_POST,
				      .target = target,
				      .as = as,
				      .accept = TAXII_TYPE,
				      .content_type = TAXII_TYPE,
				      .body = body});
}

struct slice testing_header(const struct testing *t, const char *name)
{
	for (size_t i = 0; i < t->reply.headers_count; i++) {
		if (slice_equal_nocase(t->reply.headers[i].name, slice_of(name)))
			return t->reply.headers[i].value;
	}
	return (struct slice){0};
}

struct json_value testing_json(struct testing *t)
{
	struct err e;

	must(json_parse(t->parser, buf_slice(&t->body), &t->doc, &e), &e, "parse an answer");
	return json_root(&t->doc);
}

struct slice testing_member(struct testing *t, const char *name)
{
	return json_get_string(testing_json(t), name);
}

/* ---- objects --------------------------------------------------------------------------- */

void testing_id(unsigned n, char ret_id[64])
{
	snprintf(ret_id, 64, "indicator--%08x-0000-4000-8000-000000000000", n);
}

void testing_indicator(struct buf *out, unsigned n, unsigned version, const char *marking)
{
	char id[64];

	testing_id(n, id);
	buf_printf(out,
		"{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"%s\","
		"\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:%02u.%"
		"03uZ\","
		"\"name\":\"indicator %u\",\"pattern\":\"[ipv4-addr:value = '198.51.%u.%u']\","
		"\"pattern_type\":\"stix\",\"valid_from\":\"2026-01-01T00:00:00Z\"",
		id, version / 1000 % 60, version % 1000, n, n / 256 % 256, n % 256);
	if (marking != NULL)
		buf_printf(out, ",\"object_marking_refs\":[\"%s\"]", marking);
	buf_char(out, '}');
}

void testing_address(struct buf *out, unsigned n)
{
	char value[32];
	struct buf key = BUF_INIT;
	struct uuid uuid;
	char id[UUID_TEXT_LEN + 1];

	snprintf(value, sizeof(value), "203.0.%u.%u", n / 256 % 256, n % 256);
	buf_printf(&key, "{\"value\":\"%s\"}", value);
	uuid_v5(&stix_namespace, buf_slice(&key), &uuid);
	uuid_format(&uuid, id);
	buf_printf(out,
		"{\"type\":\"ipv4-addr\",\"spec_version\":\"2.1\",\"id\":\"ipv4-addr--%s\","
		"\"value\":\"%s\"}",
		id, value);
	buf_fini(&key);
}

static void put_all(
	struct testing *t, int64_t collection, const struct slice *objects, size_t count)
{
	const struct intel_source source = {
		.member = SLICE("self"), .collections = &collection, .collections_count = 1};
	struct arena *a = arena_new(MIB(64));
	struct intel_verdict *verdicts = calloc(count, sizeof(*verdicts));
	struct err e;

	if (a == NULL || verdicts == NULL)
		abort();
	must(intel_accept(t->intel, &source, objects, count, NULL, 0, a, verdicts, &e), &e,
		"put objects");
	for (size_t i = 0; i < count; i++) {
		if (verdicts[i].outcome == INTEL_REFUSED || verdicts[i].outcome == INTEL_CONFLICT) {
			fprintf(stderr, "not kept: %.*s\n", SLICE_ARG(verdicts[i].message));
			abort();
		}
	}
	free(verdicts);
	arena_free(a);
}

void testing_put(struct testing *t, int64_t collection, struct slice object)
{
	put_all(t, collection, &object, 1);
}

void testing_fill(struct testing *t, int64_t collection, unsigned from, unsigned to, bool apart)
{
	struct slice objects[500];
	size_t ends[500];
	struct buf text = BUF_INIT;
	size_t count = 0;

	for (unsigned n = from; n < to; n++) {
		testing_indicator(&text, n, 0, NULL);
		ends[count++] = text.len;
		if (count < COUNT_OF(objects) && n + 1 < to && !apart)
			continue;
		for (size_t i = 0; i < count; i++)
			objects[i] = slice_cut(buf_slice(&text), i == 0 ? 0 : ends[i - 1], ends[i]);
		put_all(t, collection, objects, count);
		buf_clear(&text);
		count = 0;
	}
	buf_fini(&text);
}
