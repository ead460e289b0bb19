/* SPDX-License-Identifier: MPL-2.0 */
/* Pages of objects, manifests and versions: order, paging, filters. */
#include "taxii_cases.h"

#define TWICE_ID "match[id]=" ID_3 "&match[id]=" ID_3

/* ---- pages ----------------------------------------------------------------------------- */

static void test_objects_order_and_headers(void **state)
{
	struct testing *t = *state;
	struct slice first, last;

	assert_int_equal(testing_get(t, "reader", "/api/collections/a/objects/"), 200);
	assert_string_equal(page_numbers(t), "0 1 2 3 4 5 6 7 8 9"); /* oldest first */
	assert_false(page_more(t));
	first = testing_header(t, "X-TAXII-Date-Added-First");
	last = testing_header(t, "X-TAXII-Date-Added-Last");
	assert_timestamp(first);
	assert_timestamp(last);
	/* one microsecond apart each, whatever the clock says */
	assert_true(slice_is(first, "2026-01-01T00:00:01.000000Z"));
	assert_true(slice_is(last, "2026-01-01T00:00:01.000009Z"));
}

static void test_objects_exact_bytes(void **state)
{
	struct testing *t = *state;
	struct slice odd = SLICE("{ \"type\":\"indicator\",\"spec_version\":\"2.1\",\n"
				 "\"id\":\"indicator--aaaaaaaa-0000-4000-8000-000000000000\", "
				 "\"x_own\": [1.50, 1E2, {} ],"
				 "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-"
				 "01T00:00:00.000Z\","
				 "\"name\":\"\\u00e4\\/\",\"pattern\":\"[url:value = "
				 "'a']\",\"pattern_type\":\"stix\","
				 "\"valid_from\":\"2026-01-01T00:00:00Z\"}");

	testing_put(t, number_of(t, "a"), odd);
	assert_int_equal(testing_get(t, "reader",
				 "/api/collections/a/objects/?match[id]="
				 "indicator--aaaaaaaa-0000-4000-8000-000000000000"),
		200);
	assert_true(slice_find_text(buf_slice(&t->body), odd) < t->body.len);
}

static void test_limit(void **state)
{
	struct testing *t = *state;
	static const char *const wrong[] = {"0", "-1", "x", "1.5", "", "01"};

	assert_int_equal(testing_get(t, "reader", "/api/collections/a/objects/?limit=3"), 200);
	assert_string_equal(page_numbers(t), "0 1 2");
	assert_true(page_more(t));
	assert_int_equal(testing_get(t, "reader", "/api/collections/a/objects/?limit=10"), 200);
	assert_false(page_more(t)); /* exactly all of them */
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		testing_get(t, "reader", "/api/collections/a/objects/?limit=%s", wrong[i]);
		assert_error(t, 400);
	}
	/* a larger one than the server gives is lowered; and so is the default */
	t->config.page_max = 4;
	testing_server_again(t);
	assert_int_equal(
		testing_get(t, "reader", "/api/collections/a/objects/?limit=1000000"), 200);
	assert_string_equal(page_numbers(t), "0 1 2 3");
	assert_true(page_more(t));
	assert_int_equal(testing_get(t, "reader", "/api/collections/a/objects/"), 200);
	assert_string_equal(page_numbers(t), "0 1 2 3");
	assert_int_equal(testing_get(t, "reader",
				 "/api/collections/a/objects/?limit=99999999999999999999999999"),
		200);
	assert_string_equal(page_numbers(t), "0 1 2 3");
}

static void test_walk_by_next(void **state)
{
	struct testing *t = *state;
	static const char *const resources[] = {"objects", "manifest"};

	for (size_t i = 0; i < COUNT_OF(resources); i++) {
		assert_int_equal(
			testing_get(t, "reader", "/api/collections/a/%s/?limit=4", resources[i]),
			200);
		assert_string_equal(page_numbers(t), "0 1 2 3");
		char next[64];

		snprintf(next, sizeof(next), "%.*s", SLICE_ARG(testing_member(t, "next")));
		/* the step may change on the way */
		assert_int_equal(testing_get(t, "reader", "/api/collections/a/%s/?limit=5&next=%s",
					 resources[i], next),
			200);
		assert_string_equal(page_numbers(t), "4 5 6 7 8");
		assert_true(page_more(t));
		snprintf(next, sizeof(next), "%.*s", SLICE_ARG(testing_member(t, "next")));
		assert_int_equal(testing_get(t, "reader", "/api/collections/a/%s/?next=%s",
					 resources[i], next),
			200);
		assert_string_equal(page_numbers(t), "9");
		assert_false(page_more(t));
		assert_int_equal(testing_member(t, "next").len, 0);
	}
}

static void test_walk_by_header(void **state)
{
	struct testing *t = *state;
	char after[TIME_TEXT_MAX];

	assert_int_equal(testing_get(t, "reader", "/api/collections/a/objects/?limit=6"), 200);
	assert_string_equal(page_numbers(t), "0 1 2 3 4 5");
	snprintf(after, sizeof(after), "%.*s",
		SLICE_ARG(testing_header(t, "X-TAXII-Date-Added-Last")));
	assert_int_equal(testing_get(t, "reader",
				 "/api/collections/a/objects/?limit=6&added_after=%s", after),
		200);
	assert_string_equal(page_numbers(t), "6 7 8 9"); /* "after" is exclusive */
	assert_false(page_more(t));
}

#define CROWD 10000

/* Every number on the last page once more seen; how many. */
static size_t crowd_see(struct testing *t, unsigned char *seen)
{
	const char *at = page_numbers(t);
	size_t count = 0;

	while (*at != '\0') {
		char *end;
		unsigned long n = strtoul(at, &end, 10);

		assert_true(end != at && n < CROWD);
		seen[n]++;
		count++;
		at = end + (*end == ' ');
	}
	return count;
}

/* From the beginning to the end, by `next` or by the header alone. */
static void crowd_walk(struct testing *t, const char *resource, bool by_next, unsigned limit)
{
	unsigned char *seen = calloc(CROWD, 1);
	char where[80] = "";
	size_t count = 0;
	bool more = true;

	assert_non_null(seen);
	while (more) {
		struct slice place;

		assert_int_equal(testing_get(t, "reader", "/api/collections/a/%s/?limit=%u%s",
					 resource, limit, where),
			200);
		count += crowd_see(t, seen);
		more = page_more(t);
		place = by_next ? testing_member(t, "next")
				: testing_header(t, "X-TAXII-Date-Added-Last");
		snprintf(where, sizeof(where), "&%s=%.*s", by_next ? "next" : "added_after",
			SLICE_ARG(place));
	}
	assert_int_equal(count, CROWD);
	for (size_t n = 0; n < CROWD; n++)
		if (seen[n] != 1)
			fail_msg("%s by %s: %zu seen %u times", resource,
				by_next ? "next" : "header", n, seen[n]);
	free(seen);
}

/* Ten thousand objects that came within one microsecond: none is lost between two pages, and none
 * is on both. */
static void test_one_microsecond(void **state)
{
	static const char *const resources[] = {"objects", "manifest"};
	struct testing *t = *state;
	int64_t now = world_now(t->clock);

	testing_fill(t, number_of(t, "a"), 10, CROWD, false);
	assert_int_equal(world_now(t->clock), now); /* the clock stood still */
	for (size_t i = 0; i < COUNT_OF(resources); i++) {
		crowd_walk(t, resources[i], true, 997);
		crowd_walk(t, resources[i], false, 1000); /* pages end where batches do */
		crowd_walk(t, resources[i], false, 37);
	}
}

static void test_next_refused(void **state)
{
	struct testing *t = *state;
	const char *page = "/api/collections/a/objects/?limit=2&match[type]=indicator";
	char next[64], after[TIME_TEXT_MAX];

	testing_right(t, "reader", number_of(t, "b"), STORE_MAY_READ);
	assert_int_equal(testing_get(t, "reader", "%s", page), 200);
	snprintf(next, sizeof(next), "%.*s", SLICE_ARG(testing_member(t, "next")));
	snprintf(after, sizeof(after), "%.*s",
		SLICE_ARG(testing_header(t, "X-TAXII-Date-Added-Last")));
	assert_int_equal(testing_get(t, "reader", "%s&next=%s", page, next), 200);
	assert_string_equal(page_numbers(t), "2 3");

	testing_get(t, "other", "%s&next=%s", page, next); /* somebody else's */
	assert_error(t, 400);
	testing_get(t, "reader", "/api/collections/b/objects/?match[type]=indicator&next=%s", next);
	assert_error(t, 400);
	testing_get(
		t, "reader", "/api/collections/a/manifest/?match[type]=indicator&next=%s", next);
	assert_error(t, 400);
	testing_get(
		t, "reader", "/api/collections/a/objects/?next=%s", next); /* without its filters */
	assert_error(t, 400);
	testing_get(t, "reader", "/api/collections/a/objects/?match[type]=tool&next=%s", next);
	assert_error(t, 400);
	testing_get(t, "reader", "%s&next=%s&added_after=%s", page, next, after);
	assert_error(t, 400);
	next[5] = next[5] == 'x' ? 'y' : 'x'; /* altered */
	testing_get(t, "reader", "%s&next=%s", page, next);
	assert_error(t, 400);
	testing_get(t, "reader", "%s&next=abc", page);
	assert_error(t, 400);
}

static void test_next_survives_restart(void **state)
{
	struct testing *t = *state;
	char next[64];

	assert_int_equal(testing_get(t, "reader", "/api/collections/a/objects/?limit=2"), 200);
	snprintf(next, sizeof(next), "%.*s", SLICE_ARG(testing_member(t, "next")));
	testing_restart(t);
	assert_int_equal(
		testing_get(t, "reader", "/api/collections/a/objects/?limit=2&next=%s", next), 200);
	assert_string_equal(page_numbers(t), "2 3");
}

static void test_empty_page(void **state)
{
	struct testing *t = *state;
	static const char *const resources[] = {"objects", "manifest"};
	int64_t before = t->world.now_us;

	for (size_t i = 0; i < COUNT_OF(resources); i++) {
		/* the header says where the walk stands: at added_after */
		assert_int_equal(
			testing_get(t, "reader",
				"/api/collections/a/%s/?added_after=2030-05-05T05:05:05.000005Z",
				resources[i]),
			200);
		assert_true(slice_is(buf_slice(&t->body), "{}"));
		assert_true(slice_is(testing_header(t, "X-TAXII-Date-Added-First"),
			"2030-05-05T05:05:05.000005Z"));
		assert_true(slice_is(testing_header(t, "X-TAXII-Date-Added-Last"),
			"2030-05-05T05:05:05.000005Z"));
		/* or where the collection began */
		assert_int_equal(
			testing_get(t, "admin", "/api/collections/b/%s/", resources[i]), 200);
		assert_true(slice_is(buf_slice(&t->body), "{}"));
		assert_true(slice_is(testing_header(t, "X-TAXII-Date-Added-Last"),
			"2026-01-01T00:00:00.000000Z"));
	}
	assert_int_equal(t->world.now_us, before);
}

/* ---- filters --------------------------------------------------------------------------- */

static void test_filters(void **state)
{
	struct testing *t = *state;
	static const struct {
		const char *query, *numbers;
	} cases[] = {
		{"match[id]=indicator--00000003-0000-4000-8000-000000000000",                       "3"  },
		{"match[id]=indicator--00000007-0000-4000-8000-000000000000,"
		 "indicator--00000003-0000-4000-8000-000000000000",                "3 7"},
		{"match[id]=indicator--000000ff-0000-4000-8000-000000000000",                       ""   },
		{"match[type]=indicator&limit=2",						   "0 1"},
		{"match[type]=malware,indicator&limit=2",                                           "0 1"},
		{"match[type]=malware",							     ""   },
		{"match[type]=x-unheard-of",							""   },
 /* fields AND */
		{"match[type]=malware&match[id]=indicator--00000003-0000-4000-8000-000000000000",
                 ""										      },
		{"match[type]=indicator&match[id]=indicator--00000003-0000-4000-8000-000000000000",
                 "3"										     },
		{"match[spec_version]=2.1&limit=1",                                                 "0"  },
		{"match[spec_version]=2.0,2.1&limit=1",                                             "0"  },
		{"match[spec_version]=2.0",							 ""   },
		{"match[version]=first&limit=1",						    "0"  },
		{"match[version]=all&limit=1",						      "0"  },
		{"match[version]=2026-01-01T00:00:00.000Z&limit=1",                                 "0"  },
		{"match[version]=2026-01-02T00:00:00.000Z",                                         ""   },
		{"added_after=2026-01-01T00:00:01.000007Z",                                         "8 9"},
		{"added_after=2026-01-01T00:00:01.000007Z&match[type]=indicator&limit=1",           "8"  },
		{"unknown=field&limit=1",							   "0"  },
		{"match[unknown]=field&limit=1",						    "0"  },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		unsigned status =
			testing_get(t, "reader", "/api/collections/a/objects/?%s", cases[i].query);

		if (status != 200 || strcmp(page_numbers(t), cases[i].numbers) != 0)
			fail_msg("%s: %u: %s", cases[i].query, status, page_numbers(t));
	}
}

static void test_filters_malformed(void **state)
{
	struct testing *t = *state;
	static const char *const queries[] = {
		"added_after=yesterday",
		"added_after=2026-01-01T00:00:00%2B01:00",
		"limit=0",
		"limit=-5",
		"limit=many",
		"next=",
		"match[id]=3",
		"match[id]=indicator--3",
		"match[type]=Indicator",
		"match[type]=",
		"match[type]=tool,",
		"match[version]=all,last",
		"match[version]=oldest",
		"match[spec_version]=latest",
		"limit=1&limit=1",
		"match[type]=tool&match[type]=tool",
		"added_after=2026-01-01T00:00:00Z&added_after=2026-01-01T00:00:00Z",
		TWICE_ID,
		"match[version]=last&match[version]=first",
		"match[spec_version]=2.1&match[spec_version]=2.1",
	};
	static const char *const resources[] = {"objects", "manifest"};

	for (size_t i = 0; i < COUNT_OF(queries); i++) {
		for (size_t k = 0; k < COUNT_OF(resources); k++) {
			unsigned status = testing_get(
				t, "reader", "/api/collections/a/%s/?%s", resources[k], queries[i]);

			if (status != 400)
				fail_msg("%s?%s: %u", resources[k], queries[i], status);
			assert_error(t, 400);
		}
	}
	/* a field that an endpoint does not have may be there, and say anything */
	assert_int_equal(testing_get(t, "reader", OBJECT_3 "?match[type]=Tool&match[id]=x"), 200);
	assert_int_equal(testing_get(t, "reader",
				 OBJECT_3 "versions/"
					  "?match[version]=oldest"),
		200);
}

/* Versions 0 ms, 1 ms, 2 ms of indicator 20, and one address without any. */
static void versions_fill(struct testing *t)
{
	struct buf text = BUF_INIT;

	for (unsigned v = 0; v < 3; v++) {
		buf_clear(&text);
		testing_indicator(&text, 20, v, NULL);
		testing_put(t, number_of(t, "a"), buf_slice(&text));
	}
	buf_clear(&text);
	testing_address(&text, 1);
	testing_put(t, number_of(t, "a"), buf_slice(&text));
	buf_fini(&text);
}

/* The milliseconds of modified on the last page. */
static const char *page_versions(struct testing *t)
{
	static char text[256];
	struct json_value list, v;
	size_t len = 0;

	text[0] = '\0';
	if (!json_get(testing_json(t), "objects", &list))
		return text;
	for (struct json_iter it = json_iter(list); json_array_next(&it, &v);)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s",
			len > 0 ? " " : "",
			SLICE_ARG(slice_cut(json_get_string(v, "modified"), 20, 23)));
	return text;
}

static void test_match_version(void **state)
{
	struct testing *t = *state;
	static const struct {
		const char *query, *versions;
	} cases[] = {
		{"",						 "002"        }, /* without it: the last */
		{"match[version]=last",                              "002"        },
		{"match[version]=first",                             "000"        },
		{"match[version]=all",                               "000 001 002"},
		{"match[version]=first,last",                        "000 002"    },
		{"match[version]=2026-01-01T00:00:00.001Z",          "001"        },
		{"match[version]=2026-01-01T00:00:00.001000Z,first", "000 001"    },
		{"match[version]=2026-01-01T00:00:00.002Z,last",     "002"        }, /* no duplicates */
		{"match[version]=2026-01-01T00:00:00.009Z",          ""           },
		{"match[spec_version]=2.1",                          "002"        },
		{"match[spec_version]=2.0",                          ""           },
	};

	versions_fill(t);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		unsigned status = testing_get(t, "reader",
			"/api/collections/a/objects/"
			"indicator--00000014-0000-4000-8000-000000000000/?%s",
			cases[i].query);

		if (status != 200 || strcmp(page_versions(t), cases[i].versions) != 0)
			fail_msg("object?%s: %u: %s", cases[i].query, status, page_versions(t));
		status = testing_get(t, "reader",
			"/api/collections/a/objects/?match[id]="
			"indicator--00000014-0000-4000-8000-000000000000&%s",
			cases[i].query);
		if (status != 200 || strcmp(page_versions(t), cases[i].versions) != 0)
			fail_msg("objects?%s: %u: %s", cases[i].query, status, page_versions(t));
	}
	testing_get(t, "reader",
		"/api/collections/a/objects/"
		"indicator--00000014-0000-4000-8000-000000000000/?match[version]=all,first");
	assert_error(t, 400);
}

static void test_manifest(void **state)
{
	struct testing *t = *state;
	struct json_value list, v;
	struct json_iter it;
	unsigned rows = 0;

	versions_fill(t);
	assert_int_equal(testing_get(t, "reader",
				 "/api/collections/a/manifest/?match[version]=all&"
				 "added_after=2026-01-01T00:00:01.000009Z"),
		200);
	assert_true(json_get(testing_json(t), "objects", &list));
	for (it = json_iter(list); json_array_next(&it, &v); rows++) {
		assert_int_equal(json_count(v), 4);
		assert_timestamp(json_get_string(v, "date_added"));
		assert_timestamp(json_get_string(v, "version"));
		assert_true(slice_is(json_get_string(v, "media_type"), TAXII_STIX_TYPE));
		if (slice_starts(json_get_string(v, "id"), SLICE("ipv4-addr--")))
			/* without a version of its own: when it was added */
			assert_true(slice_equal(
				json_get_string(v, "version"), json_get_string(v, "date_added")));
		else
			assert_true(slice_starts(
				json_get_string(v, "version"), SLICE("2026-01-01T00:00:00.00")));
	}
	assert_int_equal(rows, 4);
	assert_true(testing_header(t, "X-TAXII-Date-Added-First").len > 0);
	assert_true(testing_header(t, "X-TAXII-Date-Added-Last").len > 0);
}

/* What the manifest calls an observable's version leads to it. */
static void test_observable_version(void **state)
{
	struct testing *t = *state;
	struct json_value list, v;
	struct json_iter it;
	char id[80], version[TIME_TEXT_MAX];

	versions_fill(t);
	assert_int_equal(
		testing_get(t, "reader", "/api/collections/a/manifest/?match[type]=ipv4-addr"),
		200);
	assert_true(json_get(testing_json(t), "objects", &list));
	it = json_iter(list);
	assert_true(json_array_next(&it, &v));
	snprintf(id, sizeof(id), "%.*s", SLICE_ARG(json_get_string(v, "id")));
	snprintf(version, sizeof(version), "%.*s", SLICE_ARG(json_get_string(v, "version")));
	assert_int_equal(testing_get(t, "reader",
				 "/api/collections/a/objects/%s/?match[version]=%s", id, version),
		200);
	assert_true(json_get(testing_json(t), "objects", &list));
	assert_int_equal(json_count(list), 1);
	assert_int_equal(
		testing_get(t, "reader",
			"/api/collections/a/objects/%s/?match[version]=2026-01-01T00:00:00Z", id),
		200);
	assert_true(slice_is(buf_slice(&t->body), "{}"));
}

static void test_versions(void **state)
{
	struct testing *t = *state;
	const char *target = "/api/collections/a/objects/"
			     "indicator--00000014-0000-4000-8000-000000000000/versions/";
	struct json_value list, v;
	char next[64];
	unsigned n = 0;

	versions_fill(t);
	assert_int_equal(testing_get(t, "reader", "%s", target), 200);
	assert_true(json_get(testing_json(t), "versions", &list));
	for (struct json_iter it = json_iter(list); json_array_next(&it, &v); n++) {
		char expected[TIME_TEXT_MAX];

		snprintf(expected, sizeof(expected), "2026-01-01T00:00:00.%03u000Z", n);
		assert_true(slice_is(json_string(v), expected));
	}
	assert_int_equal(n, 3);
	assert_true(testing_header(t, "X-TAXII-Date-Added-First").len > 0);
	assert_int_equal(testing_get(t, "reader", "%s?limit=2", target), 200);
	assert_true(page_more(t));
	snprintf(next, sizeof(next), "%.*s", SLICE_ARG(testing_member(t, "next")));
	assert_int_equal(testing_get(t, "reader", "%s?limit=2&next=%s", target, next), 200);
	assert_true(json_get(testing_json(t), "versions", &list));
	assert_int_equal(json_count(list), 1);
	assert_int_equal(testing_get(t, "reader", "%s?match[spec_version]=2.0", target), 200);
	assert_true(slice_is(buf_slice(&t->body), "{}"));
	testing_get(t, "reader", "%s?limit=0", target);
	assert_error(t, 400);
}

static void test_object_unknown(void **state)
{
	struct testing *t = *state;
	static const char *const unknown[] = {"indicator--000000ff-0000-4000-8000-000000000000",
		"malware--00000003-0000-4000-8000-000000000000", "indicator", "x"};
	static const char *const known = "indicator--00000003-0000-4000-8000-000000000000";

	for (size_t i = 0; i < COUNT_OF(unknown); i++) {
		testing_get(t, "reader", "/api/collections/a/objects/%s/", unknown[i]);
		assert_error(t, 404);
		testing_get(t, "reader", "/api/collections/a/objects/%s/versions/", unknown[i]);
		assert_error(t, 404);
		/* whatever the filter */
		testing_get(t, "reader", "/api/collections/a/objects/%s/?match[spec_version]=2.0",
			unknown[i]);
		assert_error(t, 404);
	}
	/* there, but filtered away */
	assert_int_equal(
		testing_get(t, "reader",
			"/api/collections/a/objects/%s/?added_after=2030-01-01T00:00:00Z", known),
		200);
	assert_true(slice_is(buf_slice(&t->body), "{}"));
	assert_true(slice_is(
		testing_header(t, "X-TAXII-Date-Added-Last"), "2030-01-01T00:00:00.000000Z"));
	/* in another collection it is not there */
	testing_get(t, "admin", "/api/collections/b/objects/%s/", known);
	assert_error(t, 404);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_objects_order_and_headers),
		CASE(test_objects_exact_bytes),
		CASE(test_limit),
		CASE(test_walk_by_next),
		CASE(test_walk_by_header),
		CASE(test_one_microsecond),
		CASE(test_next_refused),
		CASE(test_next_survives_restart),
		CASE(test_empty_page),
		CASE(test_filters),
		CASE(test_filters_malformed),
		CASE(test_match_version),
		CASE(test_manifest),
		CASE(test_observable_version),
		CASE(test_versions),
		CASE(test_object_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
