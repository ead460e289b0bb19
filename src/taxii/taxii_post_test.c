/* SPDX-License-Identifier: MPL-2.0 */
/* Adding objects, their status, and deleting them (sections 4.3, 5.5, 5.7). */
#include "taxii_cases.h"

#define OBJECT(n) "/api/collections/a/objects/indicator--0000000" n "-0000-4000-8000-000000000000/"

static int setup(void **state)
{
	struct testing *t = calloc(1, sizeof(*t));
	int64_t a;

	assert_non_null(t);
	testing_open(t, NULL);
	a = testing_collection(t, "a", STIX_TLP_AMBER, false);
	testing_account(t, "writer", STORE_CONTRIBUTOR);
	testing_account(t, "second", STORE_CONTRIBUTOR);
	testing_account(t, "admin", STORE_ADMINISTRATOR);
	testing_right(t, "writer", a, STORE_MAY_READ | STORE_MAY_WRITE);
	testing_right(t, "second", a, STORE_MAY_READ | STORE_MAY_WRITE);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	testing_close(*state);
	free(*state);
	return 0;
}

static int64_t count_of(struct testing *t, const char *name)
{
	struct json_value v;
	int64_t n;

	assert_true(json_get(testing_json(t), name, &v));
	assert_true(json_to_i64(v, &n));
	return n;
}

/* Element `at` of a list of the last status. */
static struct json_value element(struct testing *t, const char *list, size_t at)
{
	struct json_value array, v;
	struct json_iter it;

	assert_true(json_get(testing_json(t), list, &array));
	it = json_iter(array);
	for (size_t i = 0; i <= at; i++)
		assert_true(json_array_next(&it, &v));
	return v;
}

static size_t objects_in_collection(struct testing *t)
{
	struct json_value list;

	assert_int_equal(
		testing_get(t, "writer", "/api/collections/a/manifest/?match[version]=all"), 200);
	return json_get(testing_json(t), "objects", &list) ? json_count(list) : 0;
}

/* An envelope of indicators from..to-1 of a version. */
static struct slice envelope(struct buf *text, unsigned from, unsigned to, unsigned version)
{
	buf_clear(text);
	buf_text(text, "{\"objects\":[");
	for (unsigned n = from; n < to; n++) {
		if (n > from)
			buf_char(text, ',');
		testing_indicator(text, n, version, NULL);
	}
	buf_text(text, "]}");
	return buf_slice(text);
}

static void test_post(void **state)
{
	struct testing *t = *state;
	struct buf text = BUF_INIT;
	char id[64];

	assert_int_equal(testing_post(t, "writer", "a", envelope(&text, 0, 3, 0)), 202);
	assert_string_equal(t->reply.content_type, TAXII_TYPE);
	assert_int_equal(testing_member(t, "id").len, UUID_TEXT_LEN);
	assert_true(slice_is(testing_member(t, "status"), "complete"));
	assert_timestamp(testing_member(t, "request_timestamp"));
	assert_int_equal(count_of(t, "total_count"), 3);
	assert_int_equal(count_of(t, "success_count"), 3);
	assert_int_equal(count_of(t, "failure_count"), 0);
	assert_int_equal(count_of(t, "pending_count"), 0);
	for (unsigned n = 0; n < 3; n++) {
		testing_id(n, id);
		assert_true(slice_is(json_get_string(element(t, "successes", n), "id"), id));
		assert_true(slice_is(json_get_string(element(t, "successes", n), "version"),
			"2026-01-01T00:00:00.000000Z"));
	}
	/* empty lists are prohibited */
	assert_true(slice_find_text(buf_slice(&t->body), SLICE("\"failures\"")) == t->body.len);
	assert_true(slice_find_text(buf_slice(&t->body), SLICE("\"pendings\"")) == t->body.len);
	assert_int_equal(objects_in_collection(t), 3);
	buf_fini(&text);
}

static void test_post_duplicate(void **state)
{
	struct testing *t = *state;
	struct buf text = BUF_INIT;

	for (int i = 0; i < 2; i++) { /* the second time by somebody else */
		assert_int_equal(testing_post(t, i == 0 ? "writer" : "second", "a",
					 envelope(&text, 0, 3, 0)),
			202);
		assert_int_equal(count_of(t, "success_count"), 3);
		assert_int_equal(count_of(t, "failure_count"), 0);
	}
	assert_true(slice_is(
		json_get_string(element(t, "successes", 0), "message"), "was here already"));
	assert_int_equal(objects_in_collection(t), 3);
	buf_fini(&text);
}

/* The same id and version with other content is a failure, and the first one stays; what stands
 * beside it in the envelope is kept. */
static void test_post_conflict(void **state)
{
	struct testing *t = *state;
	struct buf text = BUF_INIT;
	struct slice other;

	assert_int_equal(testing_post(t, "writer", "a", envelope(&text, 0, 1, 0)), 202);
	envelope(&text, 0, 2, 0);
	for (char *at = text.data; at < text.data + text.len - 11; at++) {
		if (memcmp(at, "indicator 0", 11) == 0)
			at[10] = 'X';
	}
	other = buf_slice(&text);
	assert_int_equal(testing_post(t, "second", "a", other), 202);
	assert_int_equal(count_of(t, "success_count"), 1);
	assert_int_equal(count_of(t, "failure_count"), 1);
	assert_true(slice_is(json_get_string(element(t, "failures", 0), "id"),
		"indicator--00000000-0000-4000-8000-000000000000"));
	assert_true(
		slice_starts(json_get_string(element(t, "failures", 0), "message"), SLICE("3.6")));
	assert_int_equal(objects_in_collection(t), 2);
	assert_int_equal(testing_get(t, "writer", OBJECT("0")), 200);
	assert_true(slice_find_text(buf_slice(&t->body), SLICE("\"indicator 0\"")) < t->body.len);
	buf_fini(&text);
}

/* What breaks a MUST fails for itself, with the clause; all others go in. */
static void test_post_some_fail(void **state)
{
	struct testing *t = *state;
	struct buf text = BUF_INIT;

	buf_text(&text, "{\"objects\":[");
	testing_indicator(&text, 0, 0, NULL);
	buf_text(&text, ",{\"type\":\"indicator\",\"spec_version\":\"2.1\","
			"\"id\":\"indicator--00000001-0000-4000-8000-000000000000\","
			"\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:"
			"00.000Z\"},");
	buf_text(&text, "17,");
	buf_text(&text, "{\"id\":7},");
	testing_indicator(&text, 2, 0, NULL);
	buf_text(&text, "]}");
	assert_int_equal(testing_post(t, "writer", "a", buf_slice(&text)), 202);
	assert_int_equal(count_of(t, "total_count"), 5);
	assert_int_equal(count_of(t, "success_count"), 2);
	assert_int_equal(count_of(t, "failure_count"), 3);
	for (size_t i = 0; i < 3; i++) {
		struct json_value v = element(t, "failures", i);

		/* every member that section 4.3.1 requires, and why */
		assert_true(json_get_string(v, "id").len > 0);
		assert_timestamp(json_get_string(v, "version"));
		assert_true(json_get_string(v, "message").len > 0);
	}
	assert_int_equal(objects_in_collection(t), 2);
	buf_fini(&text);
}

static void test_post_observable(void **state)
{
	struct testing *t = *state;
	struct buf text = BUF_INIT;
	struct slice version;

	buf_text(&text, "{\"objects\":[");
	testing_address(&text, 1);
	buf_text(&text, "]}");
	assert_int_equal(testing_post(t, "writer", "a", buf_slice(&text)), 202);
	version = json_get_string(element(t, "successes", 0), "version");
	assert_timestamp(version);
	assert_true(slice_starts(version, SLICE("2026-01-01T00:00:00"))); /* when it was added */
	buf_fini(&text);
}

static void test_post_media(void **state)
{
	struct testing *t = *state;
	static const struct {
		const char *type, *accept, *encoding;
		unsigned status;
	} cases[] = {
		{TAXII_TYPE,                            TAXII_TYPE,               NULL,       202},
		{"application/taxii+json; version=2.1", "*/*",                    NULL,       202},
		{"application/taxii+json",              "application/taxii+json", "identity", 202},
		{NULL,				  TAXII_TYPE,               NULL,       415},
		{"application/json",                    TAXII_TYPE,               NULL,       415},
		{TAXII_STIX_TYPE,                       TAXII_TYPE,               NULL,       415},
		{"application/taxii+json;version=2.0",  TAXII_TYPE,               NULL,       415},
		{TAXII_TYPE,                            TAXII_TYPE,               "gzip",     415},
		{TAXII_TYPE,                            "text/html",              NULL,       406},
	};
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		unsigned status = testing_ask(
			t, &(struct asked){.method = HTTP_POST,
				   .target = "/api/collections/a/objects/",
				   .as = "writer",
				   .accept = cases[i].accept,
				   .content_type = cases[i].type,
				   .encoding = cases[i].encoding,
				   .body = envelope(&text, (unsigned)i, (unsigned)i + 1, 0)});

		if (status != cases[i].status)
			fail_msg("case %zu: %u", i, status);
		if (status != 202)
			assert_error(t, status);
	}
	assert_int_equal(objects_in_collection(t), 3);
	buf_fini(&text);
}

/* Broken JSON anywhere: nothing of it is kept. */
static void test_post_broken(void **state)
{
	struct testing *t = *state;
	static const char *const ends[] = {
		"",                       /* cut off */
		"]",                      /* cut off */
		",]}",                    /* a comma too many */
		",{\"a\":tru}]}",         /* no JSON inside an object */
		",{\"a\":1,\"a\":2}]}",   /* I-JSON: a name twice */
		",{\"a\":\"\\ud800\"}]}", /* I-JSON: half a character */
		",{\"a\":\"\xff\"}]}",    /* no UTF-8 */
		"]} x",                   /* something behind it */
		"],}",
		"],\"next\":}",
	};
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		envelope(&text, 0, 3, 0);
		text.len -= 2;
		buf_text(&text, ends[i]);
		testing_post(t, "writer", "a", buf_slice(&text));
		if (t->reply.status != 400)
			fail_msg("\"%s\": %u", ends[i], t->reply.status);
		assert_error(t, 400);
		assert_int_equal(objects_in_collection(t), 0);
	}
	buf_fini(&text);
}

static void test_post_no_envelope(void **state)
{
	struct testing *t = *state;
	static const struct {
		const char *body;
		unsigned status;
	} cases[] = {
		{"{\"objects\":[%s]}",							 202},
		{" \n {\"next\":\"x\", \"objects\" : [ %s ] , \"more\":false, \"x_own\":[1]}", 202},
		{"",									   422},
		{"{}",									 422},
		{"[]",									 422},
		{"{\"objects\":[]}",							   422}, /* empty lists are prohibited */
		{"{\"more\":false}",							   422},
		{"{\"objects\":{}}",							   422},
		{"%s",									 422},
		{" %s",									422},
		{"[%s]",								       422},
		{"{\"Objects\":[%s]}",							 422},
		{"{\"more\":\"no\",\"objects\":[%s]}",                                         422},
		{"{\"objects\":[%s],\"next\":7}",                                              422},
		{"{\"objects\":[%s]}{\"id\":7}",                                               422},
		{"nonsense",								   400},
		{"7",									  400},
	};
	struct buf object = BUF_INIT;
	char body[KIB(2)];

	testing_indicator(&object, 1, 0, NULL);
	buf_char(&object, '\0');
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *mark = strstr(cases[i].body, "%s");
		int before =
			mark == NULL ? (int)strlen(cases[i].body) : (int)(mark - cases[i].body);

		snprintf(body, sizeof(body), "%.*s%s%s", before, cases[i].body,
			mark == NULL ? "" : object.data, mark == NULL ? "" : mark + 2);
		testing_post(t, "writer", "a", slice_of(body));
		if (t->reply.status != cases[i].status)
			fail_msg("%s: %u", cases[i].body, t->reply.status);
		if (cases[i].status != 202)
			assert_error(t, cases[i].status);
	}
	assert_int_equal(objects_in_collection(t), 1);
	buf_fini(&object);
}

/* Too deep or too large is a matter of that one object. */
static void test_post_object_limits(void **state)
{
	struct testing *t = *state;
	struct buf text = BUF_INIT;

	buf_text(&text, "{\"objects\":[");
	testing_indicator(&text, 0, 0, NULL);
	buf_text(&text, ",{\"deep\":");
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		buf_char(&text, '[');
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		buf_char(&text, ']');
	buf_text(&text, "},{\"large\":\"");
	for (size_t i = 0; i < JSON_OBJECT_MAX; i++)
		buf_char(&text, 'x');
	buf_text(&text, "\"},");
	testing_indicator(&text, 1, 0, NULL);
	buf_text(&text, "]}");
	assert_int_equal(testing_post(t, "writer", "a", buf_slice(&text)), 202);
	assert_int_equal(count_of(t, "success_count"), 2);
	assert_int_equal(count_of(t, "failure_count"), 2);
	assert_true(slice_is(json_get_string(element(t, "failures", 0), "id"), "objects[2]") ||
		    slice_is(json_get_string(element(t, "failures", 1), "id"), "objects[2]"));
	buf_fini(&text);
}

/* More than one batch, from a file as large bodies come. */
static void test_post_large(void **state)
{
	struct testing *t = *state;
	struct buf text = BUF_INIT;
	struct json_value list, v;
	unsigned expected = 0;

	assert_int_equal(testing_ask(t, &(struct asked){.method = HTTP_POST,
						.as = "writer",
						.target = "/api/collections/a/objects/",
						.accept = TAXII_TYPE,
						.content_type = TAXII_TYPE,
						.body = envelope(&text, 0, 2500, 0),
						.body_in_file = true}),
		202);
	assert_int_equal(count_of(t, "success_count"), 2500);
	assert_int_equal(count_of(t, "failure_count"), 0);
	for (unsigned page = 0; page < 3; page++) {
		char after[TIME_TEXT_MAX] = "2000-01-01T00:00:00Z";

		if (page > 0)
			snprintf(after, sizeof(after), "%.*s",
				SLICE_ARG(testing_header(t, "X-TAXII-Date-Added-Last")));
		assert_int_equal(
			testing_get(t, "writer",
				"/api/collections/a/manifest/?limit=1000&added_after=%s", after),
			200);
		assert_true(json_get(testing_json(t), "objects", &list));
		for (struct json_iter it = json_iter(list); json_array_next(&it, &v); expected++) {
			char id[64];

			testing_id(expected, id); /* in the order in which they stood */
			assert_true(slice_is(json_get_string(v, "id"), id));
		}
	}
	assert_int_equal(expected, 2500);
	buf_fini(&text);
}

static void test_post_too_large(void **state)
{
	struct testing *t = *state;
	struct buf text = BUF_INIT;
	struct json_value v;
	int64_t most = 0;

	t->config.content_max = 2000;
	testing_server_again(t);
	assert_int_equal(testing_get(t, "writer", "/api/"), 200);
	assert_true(json_get(testing_json(t), "max_content_length", &v) && json_to_i64(v, &most));
	assert_int_equal(most, 2000);
	envelope(&text, 0, 5, 0);
	while (text.len < 2000) /* exactly what is published is taken */
		buf_char(&text, ' ');
	assert_int_equal(testing_post(t, "writer", "a", buf_slice(&text)), 202);
	buf_char(&text, ' ');
	testing_post(t, "writer", "a", buf_slice(&text));
	assert_error(t, 413);
	buf_fini(&text);
}

/* ---- status ---------------------------------------------------------------------------- */

static void test_status(void **state)
{
	struct testing *t = *state;
	struct buf text = BUF_INIT, told = BUF_INIT;
	char id[UUID_TEXT_LEN + 1];

	assert_int_equal(testing_post(t, "writer", "a", envelope(&text, 0, 3, 0)), 202);
	buf_slice_append(&told, buf_slice(&t->body));
	snprintf(id, sizeof(id), "%.*s", SLICE_ARG(testing_member(t, "id")));
	testing_restart(t);
	assert_int_equal(testing_get(t, "writer", "/api/status/%s/", id), 200);
	assert_true(slice_equal(buf_slice(&t->body), buf_slice(&told)));
	testing_get(t, "second", "/api/status/%s/", id); /* of somebody else's post */
	assert_error(t, 404);
	testing_get(t, NULL, "/api/status/%s/", id);
	assert_error(t, 401);
	testing_get(t, "writer", "/api/status/00000000-0000-4000-8000-000000000000/");
	assert_error(t, 404);
	testing_get(t, "writer", "/api/status/none/");
	assert_error(t, 404);
	/* kept for days, then gone */
	world_fake_advance(&t->world, INT64_C(86400) * US_PER_SECOND);
	assert_int_equal(testing_get(t, "writer", "/api/status/%s/", id), 200);
	world_fake_advance(&t->world, INT64_C(86400) * STORE_STATUS_DAYS * US_PER_SECOND);
	testing_get(t, "writer", "/api/status/%s/", id);
	assert_error(t, 404);
	buf_fini(&text);
	buf_fini(&told);
}

/* ---- deleting -------------------------------------------------------------------------- */

/* Indicators 1 and 2, number 1 in three versions. */
static void versions_post(struct testing *t)
{
	struct buf text = BUF_INIT;

	for (unsigned v = 0; v < 3; v++)
		assert_int_equal(testing_post(t, "writer", "a", envelope(&text, 1, 2, v)), 202);
	assert_int_equal(testing_post(t, "writer", "a", envelope(&text, 2, 3, 0)), 202);
	buf_fini(&text);
}

static size_t versions_left(struct testing *t)
{
	struct json_value list;

	if (testing_get(t, "writer", OBJECT("1") "versions/") != 200)
		return 0;
	assert_true(json_get(testing_json(t), "versions", &list));
	return json_count(list);
}

static void test_delete(void **state)
{
	struct testing *t = *state;

	versions_post(t);
	assert_int_equal(testing_delete(t, "writer", OBJECT("1")), 200);
	assert_int_equal(t->body.len, 0);
	assert_string_equal(t->reply.content_type, TAXII_TYPE);
	testing_get(t, "writer", OBJECT("1"));
	assert_error(t, 404);
	testing_get(t, "writer", OBJECT("1") "versions/");
	assert_error(t, 404);
	assert_int_equal(objects_in_collection(t), 1); /* the manifest leaves it out, too */
	testing_delete(t, "writer", OBJECT("1"));
	assert_error(t, 404);
	testing_delete(t, "writer", "/api/collections/a/objects/nonsense/");
	assert_error(t, 404);
	assert_int_equal(testing_get(t, "writer", OBJECT("2")), 200);
	/* it may come back, and is new then */
	versions_post(t);
	assert_int_equal(versions_left(t), 3);
}

static void test_delete_versions(void **state)
{
	struct testing *t = *state;
	static const struct {
		const char *query;
		unsigned status;
		size_t left;
	} cases[] = {
		{"match[version]=first",                                      200, 2},
		{"match[version]=last",                                       200, 2},
		{"match[version]=first,last",                                 200, 1},
		{"match[version]=2026-01-01T00:00:00.001Z",                   200, 2},
		{"match[version]=2026-01-01T00:00:00.002Z,last",              200, 2},
		{"match[version]=2026-01-01T00:00:00.009Z",                   404, 3},
		{"match[version]=all",					200, 0},
		{"match[spec_version]=2.1",                                   200, 0},
		{"match[spec_version]=2.0",                                   404, 3},
		{"match[spec_version]=2.0&match[version]=last",               404, 3},
 /* malformed, or fields that would narrow a page but not a deletion */
		{"match[version]=all,first",                                  400, 3},
		{"match[version]=last&match[version]=last",                   400, 3},
		{"limit=1",						   400, 3},
		{"added_after=2026-01-01T00:00:00Z",                          400, 3},
		{"next=x",						    400, 3},
		{"match[id]=indicator--00000001-0000-4000-8000-000000000000", 400, 3},
		{"match[type]=indicator",                                     400, 3},
		{"unknown=field",					     200, 0},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		versions_post(t);
		assert_int_equal(versions_left(t), 3);
		testing_delete(t, "writer", OBJECT("1") "?%s", cases[i].query);
		if (t->reply.status != cases[i].status)
			fail_msg("%s: %u", cases[i].query, t->reply.status);
		if (versions_left(t) != cases[i].left)
			fail_msg("%s: %zu left", cases[i].query, versions_left(t));
	}
}

/* The last version goes: the one before is the last now. */
static void test_delete_last_uncovers(void **state)
{
	struct testing *t = *state;

	versions_post(t);
	assert_int_equal(testing_delete(t, "writer", OBJECT("1") "?match[version]=last"), 200);
	assert_int_equal(testing_get(t, "writer", OBJECT("1")), 200);
	assert_true(slice_find_text(buf_slice(&t->body), SLICE("00:00:00.001Z")) < t->body.len);
}

static void test_delete_observable(void **state)
{
	struct testing *t = *state;
	struct buf text = BUF_INIT;
	struct slice id;
	char target[128];

	buf_text(&text, "{\"objects\":[");
	testing_address(&text, 1);
	buf_text(&text, "]}");
	assert_int_equal(testing_post(t, "writer", "a", buf_slice(&text)), 202);
	id = json_get_string(element(t, "successes", 0), "id");
	snprintf(target, sizeof(target), "/api/collections/a/objects/%.*s/", SLICE_ARG(id));
	testing_delete(t, "writer", "%s?match[version]=2020-01-01T00:00:00Z", target);
	assert_error(t, 404);
	assert_int_equal(testing_delete(t, "writer", "%s", target), 200);
	testing_get(t, "writer", "%s", target);
	assert_error(t, 404);
	buf_fini(&text);
}

/* What an account may not see is not there for it, and stays. */
static void test_delete_withheld(void **state)
{
	struct testing *t = *state;
	struct buf text = BUF_INIT;

	buf_text(&text, "{\"objects\":[");
	testing_indicator(
		&text, 1, 0, "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"); /* RED */
	buf_text(&text, "]}");
	assert_int_equal(testing_post(t, "writer", "a", buf_slice(&text)), 202);
	assert_int_equal(count_of(t, "success_count"), 1);
	testing_delete(t, "writer", OBJECT("1"));
	assert_error(t, 404);
	buf_fini(&text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_post),
		TEST(test_post_duplicate),
		TEST(test_post_conflict),
		TEST(test_post_some_fail),
		TEST(test_post_observable),
		TEST(test_post_media),
		TEST(test_post_broken),
		TEST(test_post_no_envelope),
		TEST(test_post_object_limits),
		TEST(test_post_large),
		TEST(test_post_too_large),
		TEST(test_status),
		TEST(test_delete),
		TEST(test_delete_versions),
		TEST(test_delete_last_uncovers),
		TEST(test_delete_observable),
		TEST(test_delete_withheld),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
