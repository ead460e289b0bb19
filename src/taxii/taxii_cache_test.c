/* SPDX-License-Identifier: MPL-2.0 */
/* Pages that are kept, tags, and pages that are streamed. */
#include "taxii_cases.h"

/* ---- cache and tags -------------------------------------------------------------------- */

static uint64_t figure(struct testing *t, const char *name)
{
	struct buf out = BUF_INIT;
	char line[128];
	unsigned long long n = 0;
	const char *at;

	taxii_metrics_text(t->server, &out);
	buf_char(&out, '\0');
	snprintf(line, sizeof(line), "\nserai_taxii_%s ", name);
	at = strstr(out.data, line);
	assert_non_null(at);
	sscanf(at + strlen(line), "%llu", &n);
	buf_fini(&out);
	return n;
}

static void test_cache_shared(void **state)
{
	struct testing *t = *state;
	const char *page = "/api/collections/a/objects/?limit=4";
	char next[2][64];

	assert_int_equal(testing_get(t, "reader", "%s", page), 200);
	snprintf(next[0], sizeof(next[0]), "%.*s", SLICE_ARG(testing_member(t, "next")));
	assert_int_equal(figure(t, "pages_cached_total"), 0);
	assert_int_equal(testing_get(t, "reader", "%s", page), 200);
	assert_true(slice_is(testing_member(t, "next"), next[0]));
	assert_int_equal(testing_get(t, "other", "%s", page), 200);
	assert_int_equal(figure(t, "pages_cached_total"), 2);
	assert_string_equal(page_numbers(t), "0 1 2 3");
	assert_true(slice_is(
		testing_header(t, "X-TAXII-Date-Added-Last"), "2026-01-01T00:00:01.000003Z"));
	/* the same page, but each has a `next` of their own */
	snprintf(next[1], sizeof(next[1]), "%.*s", SLICE_ARG(testing_member(t, "next")));
	assert_string_not_equal(next[0], next[1]);
	assert_int_equal(testing_get(t, "other", "%s&next=%s", page, next[1]), 200);
	assert_string_equal(page_numbers(t), "4 5 6 7");
	testing_get(t, "other", "%s&next=%s", page, next[0]);
	assert_error(t, 400);
	/* filters in another order are the same question */
	assert_int_equal(testing_get(t, "other", "%s&match[type]=tool,indicator", page), 200);
	assert_int_equal(testing_get(t, "other", "%s&match[type]=indicator,tool", page), 200);
	assert_int_equal(figure(t, "pages_cached_total"), 3);
	/* an administrator may see more, so this is another page even where it looks the same */
	assert_int_equal(testing_get(t, "admin", "%s", page), 200);
	assert_int_equal(figure(t, "pages_cached_total"), 3);
	assert_true(figure(t, "cache_bytes") > 0);
}

static void test_cache_follows_changes(void **state)
{
	struct testing *t = *state;
	struct buf text = BUF_INIT;

	testing_get(t, "reader", "/api/collections/a/objects/?limit=2");
	assert_string_equal(page_numbers(t), "0 1");
	testing_indicator(&text, 0, 5, NULL); /* a newer version of the first */
	testing_put(t, number_of(t, "a"), buf_slice(&text));
	testing_get(t, "reader", "/api/collections/a/objects/?limit=2");
	assert_string_equal(page_numbers(t), "1 2");
	assert_int_equal(testing_delete(t, "writer",
				 "/api/collections/a/objects/"
				 "indicator--00000001-0000-4000-8000-000000000000/"),
		200);
	testing_get(t, "reader", "/api/collections/a/objects/?limit=2");
	assert_string_equal(page_numbers(t), "2 3");
	buf_fini(&text);
}

static void test_etag(void **state)
{
	struct testing *t = *state;
	static const char *const targets[] = {"/api/collections/a/objects/?limit=2",
		"/api/collections/a/manifest/",
		"/api/collections/a/objects/?added_after=2030-01-01T00:00:00Z", OBJECT_3,
		OBJECT_3 "versions/"};
	char tags[COUNT_OF(targets)][64];

	for (size_t i = 0; i < COUNT_OF(targets); i++) {
		assert_int_equal(testing_get(t, "reader", "%s", targets[i]), 200);
		assert_true(t->reply.etag.len > 4);
		snprintf(tags[i], sizeof(tags[i]), "%.*s", SLICE_ARG(t->reply.etag));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(tags[k], tags[i]);
		assert_int_equal(testing_ask(t, &(struct asked){.method = HTTP_GET,
							.as = "reader",
							.target = targets[i],
							.accept = TAXII_TYPE,
							.etag = tags[i]}),
			304);
		assert_int_equal(t->body.len, 0);
		assert_int_equal(testing_ask(t, &(struct asked){.method = HTTP_GET,
							.as = "reader",
							.target = targets[i],
							.accept = TAXII_TYPE,
							.etag = "W/\"AAAAAAAAAAAAAAAAAAAAAA\""}),
			200);
	}
	assert_int_equal(figure(t, "unchanged_total"), COUNT_OF(targets));
	testing_fill(t, number_of(t, "a"), 40, 41, false);
	for (size_t i = 0; i < COUNT_OF(targets); i++)
		assert_int_equal(testing_ask(t, &(struct asked){.method = HTTP_GET,
							.as = "reader",
							.target = targets[i],
							.accept = TAXII_TYPE,
							.etag = tags[i]}),
			200);
	/* what happens in another collection does not matter */
	snprintf(tags[0], sizeof(tags[0]), "%.*s", SLICE_ARG(t->reply.etag));
	testing_fill(t, number_of(t, "b"), 40, 41, false);
	assert_int_equal(testing_ask(t, &(struct asked){.method = HTTP_GET,
						.as = "reader",
						.target = targets[4],
						.accept = TAXII_TYPE,
						.etag = tags[0]}),
		304);
}

/* ---- large pages ----------------------------------------------------------------------- */

/* An indicator with a long description; 60 of them are more than a page's buffer. */
static void long_put(struct testing *t, int64_t collection, unsigned n, struct buf *all)
{
	struct buf text = BUF_INIT;

	testing_indicator(&text, n, 0, NULL);
	text.len--;
	buf_text(&text, ",\"description\":\"");
	for (int i = 0; i < 2000; i++)
		buf_printf(&text, "%u %d ", n, i);
	buf_text(&text, "\"}");
	testing_put(t, collection, buf_slice(&text));
	if (all != NULL) {
		if (all->len > 0)
			buf_char(all, ',');
		buf_slice_append(all, buf_slice(&text));
	}
	buf_fini(&text);
}

static void test_page_streamed(void **state)
{
	struct testing *t = *state;
	struct buf all = BUF_INIT;
	struct slice head = SLICE("{\"more\":false,\"objects\":[");
	char last[TIME_TEXT_MAX];

	for (unsigned n = 100; n < 180; n++)
		long_put(t, number_of(t, "b"), n, &all);
	assert_true(all.len > MIB(1));
	assert_int_equal(testing_get(t, "admin", "/api/collections/b/objects/?limit=1000"), 200);
	assert_int_equal(figure(t, "pages_streamed_total"), 1);
	assert_int_equal(t->body.len, head.len + all.len + 2);
	assert_true(slice_starts(buf_slice(&t->body), head));
	assert_memory_equal(t->body.data + head.len, all.data, all.len);
	assert_true(slice_ends(buf_slice(&t->body), SLICE("]}")));
	assert_int_equal(json_parse(t->parser, buf_slice(&t->body), &t->doc, NULL), OK);
	snprintf(last, sizeof(last), "%.*s",
		SLICE_ARG(testing_header(t, "X-TAXII-Date-Added-Last")));
	assert_int_equal(
		testing_get(t, "admin", "/api/collections/b/objects/?added_after=%s", last), 200);
	assert_true(slice_is(buf_slice(&t->body), "{}"));
	/* with more behind it, and lists that must outlive the request */
	assert_int_equal(testing_get(t, "admin",
				 "/api/collections/b/objects/?limit=70&match[type]=indicator,tool"),
		200);
	assert_true(page_more(t));
	assert_int_equal(testing_member(t, "next").len, 32);
	buf_fini(&all);
}

/* While a page is being sent its objects may go, change or come: what is left is still a page. */
static void test_page_streamed_while_changed(void **state)
{
	struct testing *t = *state;
	struct http_reply *r = &t->reply;
	const struct http_route *routes;
	struct store_account admin;
	struct slice parts[] = {SLICE("b")};
	struct http_param limit = {SLICE("limit"), SLICE("70")};
	struct http_request q = {.method = HTTP_GET,
		.parts = parts,
		.parts_count = 1,
		.params = &limit,
		.params_count = 1,
		.body_fd = -1,
		.arena = arena_new(MIB(1))};
	struct buf body = BUF_INIT;
	struct json_value list, v;
	size_t count, seen = 0;
	bool found, more = true;
	unsigned last = 0;
	struct err e;

	for (unsigned n = 100; n < 180; n++)
		long_put(t, number_of(t, "b"), n, NULL);
	assert_int_equal(
		store_account_get(t->store, SLICE("admin"), q.arena, &admin, &found, &e), OK);
	q.account = &admin;
	routes = taxii_routes(t->server, &count);
	*r = (struct http_reply){0};
	for (size_t i = 0; i < count; i++) {
		if (strcmp(routes[i].says, "taxii_objects") == 0)
			routes[i].handle(routes[i].context, &q, r);
	}
	assert_non_null(r->stream);
	/* the request is over, its arena goes */
	arena_free(q.arena);
	assert_int_equal(r->stream(r->stream_state, &body, &more, &e), OK);
	assert_true(more);
	{
		struct http_reply reply = *r;
		struct buf text = BUF_INIT;

		testing_delete(t, "admin",
			"/api/collections/b/objects/"
			"indicator--000000a5-0000-4000-8000-000000000000/"); /* 165 is removed */
		testing_indicator(&text, 166, 7, NULL); /* 166 gets a newer version, at the end */
		testing_put(t, number_of(t, "b"), buf_slice(&text));
		buf_fini(&text);
		*r = reply;
	}
	while (more)
		assert_int_equal(r->stream(r->stream_state, &body, &more, &e), OK);
	r->stream_free(r->stream_state);
	*r = (struct http_reply){0};
	assert_int_equal(json_parse(t->parser, buf_slice(&body), &t->doc, &e), OK);
	assert_true(json_get(json_root(&t->doc), "objects", &list));
	for (struct json_iter it = json_iter(list); json_array_next(&it, &v); seen++) {
		unsigned n = 0;

		sscanf(json_get_string(v, "id").data, "indicator--%8x", &n);
		assert_true(n > last && n != 165 && n != 166 && n < 170);
		last = n;
	}
	assert_int_equal(seen, 68);
	buf_fini(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_cache_shared),
		CASE(test_cache_follows_changes),
		CASE(test_etag),
		CASE(test_page_streamed),
		CASE(test_page_streamed_while_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
