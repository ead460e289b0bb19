/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The server over a store, asked through its routes: what is there, who may have it, media types
 * and errors. Pages are in taxii_pages_test.c, adding and deleting in taxii_post_test.c, the wire
 * in taxii_http_test.c.
 */
#include "server.h"
#include "taxii_cases.h"

#define AMBER_STRICT "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
#define AMBER        "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
#define RED          "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
#define UNKNOWN      "marking-definition--11111111-2222-4333-8444-555555555555"

/* ---- discovery, API root, collections -------------------------------------------------- */

static void test_discovery(void **state)
{
	struct testing *t = *state;
	struct json_value list, root = {0};
	struct json_iter it;

	assert_int_equal(testing_get(t, "reader", "/taxii2/"), 200);
	assert_string_equal(t->reply.content_type, TAXII_TYPE);
	assert_true(slice_is(testing_member(t, "title"), "Test"));
	assert_true(slice_is(testing_member(t, "description"), "A server for tests"));
	assert_true(slice_is(testing_member(t, "contact"), "nobody@example.org"));
	assert_true(slice_is(testing_member(t, "default"), "/api/"));
	assert_true(json_get(testing_json(t), "api_roots", &list));
	assert_int_equal(json_count(list), 1);
	it = json_iter(list);
	assert_true(json_array_next(&it, &root));
	assert_true(slice_is(json_string(root), "/api/")); /* default is one of them */
}

static void test_discovery_without_account(void **state)
{
	struct testing *t = *state;
	static const char *const targets[] = {"/taxii2/", "/api/", "/api/collections/"};

	/* Nothing is for everybody: who are you? */
	for (size_t i = 0; i < COUNT_OF(targets); i++) {
		testing_get(t, NULL, "%s", targets[i]);
		assert_error(t, 401);
		assert_true(
			slice_starts(testing_header(t, "WWW-Authenticate"), SLICE("Basic realm=")));
	}
	testing_collection(t, "open", STIX_TLP_CLEAR, true);
	for (size_t i = 0; i < COUNT_OF(targets); i++)
		assert_int_equal(testing_get(t, NULL, "%s", targets[i]), 200);
}

static void test_root(void **state)
{
	struct testing *t = *state;
	struct json_value list, version = {0}, number;
	struct json_iter it;
	int64_t n;

	assert_int_equal(testing_get(t, "reader", "/api/"), 200);
	assert_true(slice_is(testing_member(t, "title"), "Test"));
	assert_true(json_get(testing_json(t), "versions", &list));
	it = json_iter(list);
	assert_true(json_array_next(&it, &version));
	assert_true(slice_is(json_string(version), TAXII_TYPE));
	assert_true(json_get(testing_json(t), "max_content_length", &number));
	assert_true(json_to_i64(number, &n));
	assert_int_equal(n, TAXII_CONTENT_MAX);
	assert_true(json_get(testing_json(t), "x_serai_page_max", &number));
	assert_true(json_to_i64(number, &n));
	assert_int_equal(n, TAXII_PAGE_MAX);
}

static void test_root_paths(void **state)
{
	static const struct {
		const char *root;
		bool taken;
	} cases[] = {
		{"/api/",     true },
		{"/a/b/",     true },
		{"/api-2_x/", true },
		{"/",         false},
		{"api/",      false},
		{"/api",      false},
		{"//",        false},
		{"/a//b/",    false},
		{"/../",      false},
		{"/a?b/",     false},
		{"/taxii2/",  false},
		{"/%41/",     false},
	};
	struct testing *t = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct taxii_config config = t->config;
		struct taxii_server *server = NULL;
		struct err e;

		config.root = cases[i].root;
		assert_int_equal(taxii_server_new(&config, &server, &e) == OK, cases[i].taken);
		taxii_server_free(server);
	}
}

static const char *collection_titles(struct testing *t)
{
	static char text[256];
	struct json_value list, v;
	size_t len = 0;

	text[0] = '\0';
	if (!json_get(testing_json(t), "collections", &list))
		return "no key";
	for (struct json_iter it = json_iter(list); json_array_next(&it, &v);)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s",
			len > 0 ? " " : "", SLICE_ARG(json_get_string(v, "title")));
	return text;
}

static void test_collections(void **state)
{
	struct testing *t = *state;

	for (int i = 0; i < 2; i++) { /* the order stays */
		assert_int_equal(testing_get(t, "admin", "/api/collections/"), 200);
		assert_string_equal(collection_titles(t), "a b");
	}
	assert_int_equal(testing_get(t, "reader", "/api/collections/"), 200);
	assert_string_equal(collection_titles(t), "a");
	testing_account(t, "nobody", STORE_READER);
	assert_int_equal(testing_get(t, "nobody", "/api/collections/"), 200);
	assert_string_equal(collection_titles(t), "no key"); /* empty lists are prohibited */
	assert_true(slice_is(buf_slice(&t->body), "{}"));
	testing_collection(t, "open", STIX_TLP_CLEAR, true);
	assert_int_equal(testing_get(t, NULL, "/api/collections/"), 200);
	assert_string_equal(collection_titles(t), "open");
	testing_right(
		t, "nobody", number_of(t, "b"), STORE_MAY_WRITE); /* a reader writes nowhere */
	assert_int_equal(testing_get(t, "nobody", "/api/collections/"), 200);
	assert_string_equal(collection_titles(t), "open");
}

static void test_collection(void **state)
{
	struct testing *t = *state;
	struct slice id;
	struct json_value v, type = {0};
	struct json_iter it;
	char by_id[64];

	assert_int_equal(testing_get(t, "writer", "/api/collections/a/"), 200);
	id = testing_collection_id(t, "a");
	snprintf(by_id, sizeof(by_id), "%.*s", SLICE_ARG(id));
	assert_true(slice_is(testing_member(t, "id"), by_id));
	assert_true(slice_is(testing_member(t, "title"), "a"));
	assert_true(slice_is(testing_member(t, "description"), "for tests"));
	assert_true(slice_is(testing_member(t, "alias"), "a"));
	assert_true(json_get(testing_json(t), "can_read", &v) && json_is_true(v));
	assert_true(json_get(testing_json(t), "can_write", &v) && json_is_true(v));
	assert_true(json_get(testing_json(t), "media_types", &v));
	it = json_iter(v);
	assert_true(json_array_next(&it, &type));
	assert_true(slice_is(json_string(type), TAXII_STIX_TYPE));

	assert_int_equal(testing_get(t, "reader", "/api/collections/%s/", by_id), 200);
	assert_true(json_get(testing_json(t), "can_write", &v) && !json_is_true(v));

	testing_get(t, "reader", "/api/collections/b/");
	assert_error(t, 404);
	testing_get(t, "reader", "/api/collections/00000000-0000-4000-8000-000000000000/");
	assert_error(t, 404);
	testing_get(t, "reader", "/api/collections/1/"); /* its number in the store is no name */
	assert_error(t, 404);
	testing_get(t, NULL, "/api/collections/a/");
	assert_error(t, 401);
}

/* ---- media types ----------------------------------------------------------------------- */

static void test_accept_everywhere(void **state)
{
	struct testing *t = *state;
	static const char *const targets[] = {"/taxii2/", "/api/", "/api/collections/",
		"/api/collections/a/", "/api/collections/a/manifest/",
		"/api/collections/a/objects/", OBJECT_1, OBJECT_1 "versions/"};
	static const struct {
		const char *accept;
		unsigned status;
	} cases[] = {
		{TAXII_TYPE,					    200},
		{"application/taxii+json; version=2.1",                 200},
		{"application/taxii+json",                              200},
		{"*/*",						 200},
		{"text/html, application/taxii+json;version=2.1;q=0.3", 200},
		{NULL,						  200},
		{TAXII_STIX_TYPE,				       406},
		{"application/taxii+json;version=2.0",                  406},
		{"text/html",					   406},
	};

	for (size_t i = 0; i < COUNT_OF(targets); i++) {
		for (size_t k = 0; k < COUNT_OF(cases); k++) {
			unsigned status = testing_ask(t, &(struct asked){.method = HTTP_GET,
								 .target = targets[i],
								 .as = "reader",
								 .accept = cases[k].accept});

			if (status != cases[k].status)
				fail_msg("%s, Accept: %s: %u", targets[i],
					cases[k].accept == NULL ? "none" : cases[k].accept, status);
			assert_string_equal(t->reply.content_type, TAXII_TYPE);
			if (status == 406)
				assert_error(t, 406);
		}
	}
	/* also where there is nothing to read */
	assert_int_equal(
		testing_ask(
			t, &(struct asked){.method = HTTP_GET,
				   .as = "reader",
				   .target = "/api/status/00000000-0000-4000-8000-000000000000/",
				   .accept = "text/html"}),
		406);
}

/* ---- rights ---------------------------------------------------------------------------- */

static void test_rights(void **state)
{
	struct testing *t = *state;
	static const char *const object = "indicator--00000003-0000-4000-8000-000000000000";
	static const struct {
		unsigned rights, get, post, delete;
	} cases[] = {
		{0,				404, 404, 404},
		{STORE_MAY_READ,                   200, 403, 403},
		{STORE_MAY_WRITE,                  403, 202, 403},
		{STORE_MAY_READ | STORE_MAY_WRITE, 200, 202, 200},
	};
	struct buf text = BUF_INIT;

	testing_account(t, "someone", STORE_CONTRIBUTOR);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		testing_right(t, "someone", number_of(t, "a"), cases[i].rights);
		assert_int_equal(
			testing_get(t, "someone", "/api/collections/a/objects/"), cases[i].get);
		assert_int_equal(
			testing_get(t, "someone", "/api/collections/a/manifest/"), cases[i].get);
		assert_int_equal(
			testing_get(t, "someone", "/api/collections/a/objects/%s/", object),
			cases[i].get);
		assert_int_equal(testing_get(t, "someone",
					 "/api/collections/a/objects/%s/versions/", object),
			cases[i].get);
		buf_clear(&text);
		buf_text(&text, "{\"objects\":[");
		testing_indicator(&text, 30, 0, NULL);
		buf_text(&text, "]}");
		assert_int_equal(testing_post(t, "someone", "a", buf_slice(&text)), cases[i].post);
		assert_int_equal(
			testing_delete(t, "someone", "/api/collections/a/objects/%s/", object),
			cases[i].delete);
	}
	/* a right that is taken away is gone at once */
	testing_right(t, "someone", number_of(t, "a"), 0);
	assert_int_equal(testing_get(t, "someone", "/api/collections/a/objects/"), 404);
	buf_fini(&text);
}

static void test_rights_without_account(void **state)
{
	struct testing *t = *state;
	struct buf text = BUF_INIT;

	testing_collection(t, "open", STIX_TLP_CLEAR, true);
	testing_fill(t, number_of(t, "open"), 0, 3, false);
	assert_int_equal(testing_get(t, NULL, "/api/collections/open/objects/"), 200);
	assert_string_equal(page_numbers(t), "0 1 2");
	assert_int_equal(testing_get(t, "other", "/api/collections/open/objects/"), 200);
	/* of what is not public nothing is said, not even whether it is there */
	testing_get(t, NULL, "/api/collections/a/objects/");
	assert_error(t, 401);
	testing_get(t, NULL, "/api/collections/nothing/objects/");
	assert_error(t, 401);
	buf_text(&text, "{\"objects\":[");
	testing_indicator(&text, 30, 0, NULL);
	buf_text(&text, "]}");
	testing_post(t, NULL, "open", buf_slice(&text));
	assert_error(t, 401);
	testing_delete(t, NULL,
		"/api/collections/open/objects/indicator--00000001-0000-4000-8000-000000000000/");
	assert_error(t, 401);
	testing_post(t, "other", "open", buf_slice(&text)); /* to read is not to write */
	assert_error(t, 403);
	buf_fini(&text);
}

/* ---- markings -------------------------------------------------------------------------- */

static void marked_put(struct testing *t, const char *collection, unsigned n, const char *marking)
{
	struct buf text = BUF_INIT;

	testing_indicator(&text, n, 0, marking);
	testing_put(t, number_of(t, collection), buf_slice(&text));
	buf_fini(&text);
}

static void test_withheld(void **state)
{
	struct testing *t = *state;
	int64_t c = testing_collection(t, "marked", STIX_TLP_AMBER_STRICT, true);

	testing_right(t, "reader", c, STORE_MAY_READ);
	marked_put(t, "marked", 51, NULL);
	marked_put(t, "marked", 52, AMBER);
	marked_put(t, "marked", 53, AMBER_STRICT);
	marked_put(t, "marked", 54, RED);
	marked_put(t, "marked", 55, UNKNOWN);
	marked_put(t, "marked", 56, NULL);
	/* each in their own way, also when the pages come out of the cache */
	for (int i = 0; i < 2; i++) {
		testing_get(t, NULL, "/api/collections/marked/objects/");
		assert_string_equal(page_numbers(t), "51 56");
		testing_get(t, "reader", "/api/collections/marked/objects/");
		assert_string_equal(page_numbers(t), "51 52 56");
		testing_get(t, "admin", "/api/collections/marked/objects/");
		assert_string_equal(page_numbers(t), "51 52 53 56");
	}
	testing_get(t, "reader", "/api/collections/marked/manifest/");
	assert_string_equal(page_numbers(t), "51 52 56");
	testing_get(t, "reader",
		"/api/collections/marked/objects/indicator--00000036-0000-4000-8000-000000000000/");
	assert_error(t, 404);
	testing_get(t, "reader",
		"/api/collections/marked/objects/"
		"indicator--00000036-0000-4000-8000-000000000000/versions/");
	assert_error(t, 404);
	/* what is left out does not count for the limit, nor for `more` */
	testing_get(t, NULL, "/api/collections/marked/objects/?limit=2");
	assert_string_equal(page_numbers(t), "51 56");
	assert_false(page_more(t));
}

/* A page in the cache must not outlive what its objects may be seen as: here a marking-definition
 * arrives that turns out to be a mere statement. */
static void test_withheld_changes(void **state)
{
	struct testing *t = *state;
	struct slice statement =
		SLICE("{\"type\":\"marking-definition\",\"spec_version\":\"2.1\","
		      "\"id\":\"" UNKNOWN "\",\"created\":\"2026-01-01T00:00:00.000Z\","
		      "\"definition_type\":\"statement\",\"definition\":{\"statement\":\"(c)\"}}");

	testing_collection(t, "marked", STIX_TLP_GREEN, true);
	marked_put(t, "marked", 51, UNKNOWN);
	testing_get(t, NULL, "/api/collections/marked/objects/");
	assert_string_equal(page_numbers(t), "");
	testing_put(t, number_of(t, "b"), statement); /* elsewhere */
	testing_get(t, NULL, "/api/collections/marked/objects/");
	assert_string_equal(page_numbers(t), "51");
}

/* ---- errors ---------------------------------------------------------------------------- */

static void test_error_resources(void **state)
{
	struct testing *t = *state;
	static const unsigned statuses[] = {
		400, 401, 403, 404, 405, 406, 413, 415, 418, 422, 429, 431, 500, 503};
	struct http_request q = {.arena = t->arena, .body_fd = -1};

	for (size_t i = 0; i < COUNT_OF(statuses); i++) {
		t->reply = (struct http_reply){0};
		taxii_error(t->server, &q, statuses[i], "because \"of\" this", &t->reply);
		buf_clear(&t->body);
		buf_slice_append(&t->body, t->reply.body);
		assert_error(t, statuses[i]);
		assert_true(slice_is(testing_member(t, "description"), "because \"of\" this"));
	}
	testing_get(t, "reader", "/api/elsewhere/");
	assert_error(t, 404);
}

/* Failures of ours: an id to ask about, nothing of the inside, and when to come back. */
static void test_error_failures(void **state)
{
	struct testing *t = *state;
	static const struct {
		enum err_kind kind;
		unsigned status;
		bool later;
	} cases[] = {
		{ERR_BUSY,    503, true },
		{ERR_NOMEM,   503, true },
		{ERR_FULL,    503, true },
		{ERR_IO,      500, false},
		{ERR_CORRUPT, 500, false},
	};
	struct http_request q = {.arena = t->arena, .body_fd = -1};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct err e;

		t->reply = (struct http_reply){0};
		err_set(&e, cases[i].kind, "/var/lib/secret/place");
		reply_failed(t->server, &q, &t->reply, cases[i].kind, &e);
		buf_clear(&t->body);
		buf_slice_append(&t->body, t->reply.body);
		assert_error(t, cases[i].status);
		assert_int_equal(testing_member(t, "error_id").len, UUID_TEXT_LEN);
		assert_true(slice_find_text(buf_slice(&t->body), SLICE("secret")) == t->body.len);
		assert_int_equal(testing_header(t, "Retry-After").len > 0, cases[i].later);
	}
}

/* ---- what may I read? ------------------------------------------------------------------ */

static void policy_put(struct testing *t, const char *when)
{
	static const struct slice names[] = {
		{"kg", 2},
                {"kz", 2}
        };
	const struct policy_parties parties = {names, COUNT_OF(names)};
	struct policy *p = NULL;
	struct slice text = arena_printf(t->arena,
		"{\"type\":\"policy\",\"name\":\"test\",\"version\":3,\"expires\":\"2027-01-01T00:"
		"00:00Z\",\"rules\":[{\"id\":\"X1\",\"family\":\"exchange\",\"effect\":"
		"\"permit\",\"clause\":\"3.1\",\"when\":{%s}}]}",
		when);
	struct err e;

	if (policy_parse(text, &parties, NULL, &p, &e) != OK ||
		intel_policy_set(t->intel, p, SLICE("kg"), &e) != OK)
		fail_msg("%s", e.text);
}

/* A member of the first collection told. */
static struct json_value told(struct testing *t, const char *name)
{
	struct json_value list, one = {0}, value = {0};
	struct json_iter it;

	assert_true(json_get(testing_json(t), "collections", &list));
	it = json_iter(list);
	assert_true(json_array_next(&it, &one));
	if (!json_get(one, name, &value))
		value.doc = NULL;
	return value;
}

static int64_t told_number(struct testing *t, const char *name)
{
	int64_t n = -1;

	assert_true(json_to_i64(told(t, name), &n));
	return n;
}

static void test_may_read(void **state)
{
	struct testing *t = *state;
	struct store_account a;
	struct json_value policy;
	struct err e;
	bool found;

	testing_get(t, NULL, "/api/may-read/");
	assert_error(t, 401);
	/* ten unmarked indicators; one more that is too strict for a reader */
	testing_put(t, number_of(t, "a"),
		SLICE("{\"type\":\"tool\",\"spec_version\":\"2.1\",\"id\":\"tool--00000001-0000-"
		      "4000-8000-000000000000\",\"created\":\"2026-01-01T00:00:00.000Z\","
		      "\"modified\":\"2026-01-01T00:00:00.000Z\",\"name\":\"t\","
		      "\"object_marking_refs\":[\"" AMBER_STRICT "\"]}"));
	assert_int_equal(testing_get(t, "reader", "/api/may-read/"), 200);
	assert_true(slice_is(testing_member(t, "account"), "reader"));
	assert_false(json_get(testing_json(t), "policy", &policy));
	assert_int_equal(told_number(t, "readable"), 10);
	assert_true(slice_is(json_string(told(t, "withheld")), "<5"));
	assert_true(json_is_true(told(t, "complete")));
	/* its account becomes that of a member, to which the policy permits nothing of the kind */
	assert_int_equal(
		store_account_get(t->store, SLICE("reader"), t->arena, &a, &found, &e), OK);
	a.member = SLICE("kz");
	assert_int_equal(store_account_put(t->store, &a, &e), OK);
	policy_put(t, "\"to\":[\"kz\"],\"kind\":[\"tool\"]");
	assert_int_equal(testing_get(t, "reader", "/api/may-read/"), 200);
	assert_true(slice_is(testing_member(t, "member"), "kz"));
	assert_int_equal(told_number(t, "readable"), 0);
	assert_true(slice_is(json_string(told(t, "withheld")), "11"));
	assert_null(told(t, "rules").doc);
	assert_int_equal(testing_get(t, "reader", "/api/collections/a/objects/"), 200);
	assert_string_equal(page_numbers(t), "");
	/* and then it does */
	policy_put(t, "\"to\":[\"kz\"],\"kind\":[\"indicator\"],\"tlp\":[\"none\"]");
	assert_int_equal(testing_get(t, "reader", "/api/may-read/"), 200);
	assert_int_equal(told_number(t, "readable"), 10);
	assert_int_equal(json_count(told(t, "rules")), 1);
	assert_true(json_get(testing_json(t), "policy", &policy));
	assert_true(slice_is(json_get_string(policy, "name"), "test"));
	assert_true(slice_starts(json_get_string(policy, "digest"), SLICE("sha256:")));
	/* the same page as before is not the page of before */
	assert_int_equal(testing_get(t, "reader", "/api/collections/a/objects/"), 200);
	assert_string_equal(page_numbers(t), "0 1 2 3 4 5 6 7 8 9");
}

static bool count_records(void *context, const struct store_released *r)
{
	*(size_t *)context += r->count;
	return true;
}

static size_t records(struct testing *t, const char *recipient)
{
	const struct store_released_query query = {.recipient = slice_of(recipient)};
	struct store_reader *r;
	size_t count = 0;
	struct err e;

	assert_int_equal(intel_released_flush(t->intel, &e), OK);
	assert_int_equal(store_reader_take(t->store, &r, &e), OK);
	assert_int_equal(store_released_each(r, &query, count_records, &count, &e), OK);
	store_reader_give(r);
	return count;
}

/* What was handed on is in the log, out of the cache too; the same page again once an hour. */
static void test_pages_are_logged(void **state)
{
	struct testing *t = *state;
	struct store_account reader, other;
	char first[64], second[64];
	struct err e;
	bool found;

	assert_int_equal(
		store_account_get(t->store, SLICE("reader"), t->arena, &reader, &found, &e), OK);
	assert_int_equal(
		store_account_get(t->store, SLICE("other"), t->arena, &other, &found, &e), OK);
	snprintf(first, sizeof(first), "account %lld", (long long)reader.number);
	snprintf(second, sizeof(second), "account %lld", (long long)other.number);
	assert_int_equal(testing_get(t, "reader", "/api/collections/a/manifest/"), 200);
	assert_int_equal(records(t, first), 0); /* no object */
	assert_int_equal(testing_get(t, "reader", "/api/collections/a/objects/"), 200);
	assert_int_equal(records(t, first), 10);
	assert_int_equal(testing_get(t, "reader", "/api/collections/a/objects/"), 200);
	assert_int_equal(records(t, first), 10);
	assert_int_equal(testing_get(t, "other", "/api/collections/a/objects/"), 200);
	assert_int_equal(records(t, second), 10); /* the page was in the cache */
	world_fake_advance(&t->world, INT64_C(3600000000));
	assert_int_equal(testing_get(t, "other", "/api/collections/a/objects/"), 200);
	assert_int_equal(records(t, second), 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_discovery),
		CASE(test_discovery_without_account),
		CASE(test_root),
		CASE(test_root_paths),
		CASE(test_collections),
		CASE(test_collection),
		CASE(test_accept_everywhere),
		CASE(test_rights),
		CASE(test_rights_without_account),
		CASE(test_withheld),
		CASE(test_withheld_changes),
		CASE(test_error_resources),
		CASE(test_error_failures),
		CASE(test_may_read),
		CASE(test_pages_are_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
