/* SPDX-License-Identifier: MPL-2.0 */
/* The server on a socket: what only shows with the HTTP server around it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "taxii_testing.h"

#define OBJECT_1_VERSIONS                                                                          \
	"/api/collections/a/objects/indicator--00000001-0000-4000-8000-000000000000/versions"

struct wire {
	struct testing t;
	struct http_server *http;
	struct http_client *client;   /* of the account "writer" */
	struct http_client *nobody;   /* without credentials */
	struct http_client *impostor; /* with wrong ones */
	struct http_answer answer;
};

static struct http_client *client_new(const char *token)
{
	struct http_client_config config = {.token = token};
	struct http_client *c = NULL;
	struct err e;

	assert_int_equal(http_client_new(&config, &c, &e), OK);
	return c;
}

static int setup(void **state)
{
	struct wire *w = calloc(1, sizeof(*w));
	struct store_account account = {
		.name = SLICE("writer"), .role = STORE_CONTRIBUTOR, .has_token = true};
	struct http_server_config config = {.listen = "127.0.0.1:0"};
	char token[64];
	int64_t a;
	struct err e;

	assert_non_null(w);
	testing_open(&w->t, world_real());
	w->t.config.content_max = KIB(64);
	testing_server_again(&w->t);
	a = testing_collection(&w->t, "a", STIX_TLP_AMBER, false);
	http_token_new(world_real(), token, account.token);
	assert_int_equal(store_account_put(w->t.store, &account, &e), OK);
	testing_right(&w->t, "writer", a, STORE_MAY_READ | STORE_MAY_WRITE);
	testing_fill(&w->t, a, 0, 50, false);
	config.routes = taxii_routes(w->t.server, &config.routes_count);
	config.context = w->t.server;
	config.store = w->t.store;
	config.world = world_real();
	config.log = &w->t.log;
	config.error = taxii_error;
	assert_int_equal(http_server_start(&config, &w->http, &e), OK);
	w->client = client_new(token);
	w->nobody = client_new(NULL);
	w->impostor = client_new("not-a-token");
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct wire *w = *state;

	http_client_free(w->client);
	http_client_free(w->nobody);
	http_client_free(w->impostor);
	http_server_stop(w->http, 5);
	testing_close(&w->t);
	free(w);
	return 0;
}

static unsigned call(
	struct wire *w, struct http_client *client, const char *path, struct http_call c)
{
	char url[512];
	bool again;
	struct err e;

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", http_server_port(w->http), path);
	c.url = url;
	c.body_max = MIB(16);
	if (c.accept == NULL)
		c.accept = TAXII_TYPE;
	if (http_client_call(client, &c, &w->answer, &again, &e) != OK)
		fail_msg("%s", e.text);
	return w->answer.status;
}

static unsigned get(struct wire *w, const char *path)
{
	return call(w, w->client, path, (struct http_call){.method = HTTP_GET});
}

static struct slice header(struct wire *w, const char *name)
{
	return http_answer_header(&w->answer, name);
}

static void assert_error(struct wire *w, unsigned status)
{
	char number[12];
	struct json_doc doc;

	snprintf(number, sizeof(number), "%u", status);
	assert_int_equal(w->answer.status, status);
	assert_true(slice_is(header(w, "Content-Type"), TAXII_TYPE));
	assert_int_equal(json_parse(w->t.parser, buf_slice(&w->answer.body), &doc, NULL), OK);
	assert_true(json_get_string(json_root(&doc), "title").len > 0);
	assert_true(slice_is(json_get_string(json_root(&doc), "http_status"), number));
}

static void test_wire_page(void **state)
{
	struct wire *w = *state;
	struct json_value list;
	struct json_doc doc;

	assert_int_equal(get(w, "/api/collections/a/objects/?limit=20"), 200);
	assert_true(slice_is(header(w, "Content-Type"), TAXII_TYPE));
	assert_int_equal(header(w, "X-TAXII-Date-Added-First").len, 27);
	assert_int_equal(header(w, "X-TAXII-Date-Added-Last").len, 27);
	assert_true(slice_starts(header(w, "Cache-Control"), SLICE("private")));
	assert_int_equal(json_parse(w->t.parser, buf_slice(&w->answer.body), &doc, NULL), OK);
	assert_true(json_get(json_root(&doc), "objects", &list));
	assert_int_equal(json_count(list), 20);
	/* the two brackets as clients write them */
	assert_int_equal(get(w, "/api/collections/a/objects/?match%5Btype%5D=malware"), 200);
	assert_true(slice_is(buf_slice(&w->answer.body), "{}"));
	assert_int_equal(get(w, "/api/collections/a/objects/?match%5Btype%5D=Malware"), 400);
	assert_error(w, 400);
}

static void test_wire_slash(void **state)
{
	struct wire *w = *state;
	static const char *const paths[] = {"/taxii2", "/api", "/api/collections",
		"/api/collections/a", "/api/collections/a/objects",
		"/api/collections/a/objects?limit=1", "/api/collections/a/manifest",
		"/api/collections/a/objects/indicator--00000001-0000-4000-8000-000000000000",
		OBJECT_1_VERSIONS};

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		if (get(w, paths[i]) != 200)
			fail_msg("%s: %u", paths[i], w->answer.status);
	}
}

static unsigned challenges(struct wire *w)
{
	struct slice rest = w->answer.headers, line;
	unsigned n = 0;

	while (slice_next(&rest, '\n', &line)) {
		if (slice_equal_nocase(slice_cut(line, 0, 17), SLICE("WWW-Authenticate:")))
			n++;
	}
	return n;
}

static void test_wire_unauthorized(void **state)
{
	struct wire *w = *state;
	static const char *const paths[] = {"/taxii2/", "/api/", "/api/collections/",
		"/api/collections/a/", "/api/collections/a/objects/",
		"/api/collections/zzz/objects/",
		"/api/status/00000000-0000-4000-8000-000000000000/"};

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		call(w, w->nobody, paths[i], (struct http_call){.method = HTTP_GET});
		assert_error(w, 401);
		assert_true(challenges(w) >= 1);
	}
	call(w, w->impostor, "/taxii2/", (struct http_call){.method = HTTP_GET});
	assert_error(w, 401);
	assert_true(challenges(w) >= 1);
	call(w, w->nobody, "/api/collections/a/objects/",
		(struct http_call){
			.method = HTTP_POST, .content_type = TAXII_TYPE, .body = SLICE("{}")});
	assert_error(w, 401);
	assert_true(challenges(w) >= 1);
}

static void test_wire_errors(void **state)
{
	struct wire *w = *state;

	get(w, "/elsewhere/");
	assert_error(w, 404);
	get(w, "/api/collections/b/objects/");
	assert_error(w, 404);
	call(w, w->client, "/api/collections/a/", (struct http_call){.method = HTTP_DELETE});
	assert_error(w, 405);
	assert_true(header(w, "Allow").len > 0);
	call(w, w->client, "/api/collections/a/objects/",
		(struct http_call){.method = HTTP_GET, .accept = "text/html"});
	assert_error(w, 406);
	get(w, "/api/collections/a/objects/?limit=%zz");
	assert_error(w, 400);
}

static void test_wire_post(void **state)
{
	struct wire *w = *state;
	struct buf text = BUF_INIT;
	struct http_call c = {.method = HTTP_POST, .content_type = TAXII_TYPE};
	struct json_doc doc;
	char path[128];

	buf_text(&text, "{\"objects\":[");
	testing_indicator(&text, 70, 0, NULL);
	buf_text(&text, "]}");
	c.body = buf_slice(&text);
	assert_int_equal(call(w, w->client, "/api/collections/a/objects/", c), 202);
	assert_int_equal(json_parse(w->t.parser, buf_slice(&w->answer.body), &doc, NULL), OK);
	snprintf(path, sizeof(path), "/api/status/%.*s/",
		SLICE_ARG(json_get_string(json_root(&doc), "id")));
	assert_int_equal(get(w, path), 200);
	c.content_type = "application/json";
	call(w, w->client, "/api/collections/a/objects/", c);
	assert_error(w, 415);
	c.content_type = TAXII_TYPE;
	while (text.len <= KIB(64)) /* one byte past what is published */
		buf_char(&text, ' ');
	c.body = buf_slice(&text);
	call(w, w->client, "/api/collections/a/objects/", c);
	assert_error(w, 413);
	c.body.len--;
	assert_int_equal(call(w, w->client, "/api/collections/a/objects/", c), 202);
	assert_int_equal(call(w, w->client,
				 "/api/collections/a/objects/"
				 "indicator--00000046-0000-4000-8000-000000000000/",
				 (struct http_call){.method = HTTP_DELETE}),
		200);
	assert_int_equal(w->answer.body.len, 0);
	buf_fini(&text);
}

static void test_wire_unchanged(void **state)
{
	struct wire *w = *state;
	char tag[64];

	assert_int_equal(get(w, "/api/collections/a/objects/"), 200);
	snprintf(tag, sizeof(tag), "%.*s", SLICE_ARG(header(w, "ETag")));
	assert_int_equal(call(w, w->client, "/api/collections/a/objects/",
				 (struct http_call){.method = HTTP_GET, .etag = tag}),
		304);
	assert_int_equal(w->answer.body.len, 0);
	testing_fill(&w->t, 1, 80, 81, false);
	assert_int_equal(call(w, w->client, "/api/collections/a/objects/",
				 (struct http_call){.method = HTTP_GET, .etag = tag}),
		200);
}

/* HEAD is GET without the body, on every page. */
static void test_wire_head(void **state)
{
	struct wire *w = *state;

	assert_int_equal(call(w, w->client, "/api/collections/a/objects/",
				 (struct http_call){.method = HTTP_HEAD}),
		200);
	assert_int_equal(header(w, "X-TAXII-Date-Added-Last").len, 27);
	assert_int_equal(w->answer.body.len, 0);
}

/* A page too large for one buffer, chunked on the wire and packed (the client asks for it). */
static void test_wire_streamed(void **state)
{
	struct wire *w = *state;
	struct buf text = BUF_INIT;
	struct json_value list;
	struct json_doc doc;

	for (unsigned n = 100; n < 140; n++) {
		buf_clear(&text);
		testing_indicator(&text, n, 0, NULL);
		text.len--;
		buf_text(&text, ",\"description\":\"");
		for (int i = 0; i < 3000; i++)
			buf_printf(&text, "%u-%d ", n, i);
		buf_text(&text, "\"}");
		testing_put(&w->t, 1, buf_slice(&text));
	}
	assert_int_equal(get(w, "/api/collections/a/objects/?limit=1000"), 200);
	assert_true(header(w, "Content-Encoding").len > 0);
	assert_int_equal(header(w, "Content-Length").len, 0);
	assert_true(w->answer.body.len > MIB(1));
	assert_int_equal(json_parse(w->t.parser, buf_slice(&w->answer.body), &doc, NULL), OK);
	assert_true(json_get(json_root(&doc), "objects", &list));
	assert_int_equal(json_count(list), 90);
	buf_fini(&text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_wire_page),
		TEST(test_wire_slash),
		TEST(test_wire_unauthorized),
		TEST(test_wire_errors),
		TEST(test_wire_post),
		TEST(test_wire_unchanged),
		TEST(test_wire_head),
		TEST(test_wire_streamed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
