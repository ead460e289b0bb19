/* SPDX-License-Identifier: MPL-2.0 */
/* The parts of the server that need no store: media types, filters, `next`, the cache of pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "filter.h"
#include "media.h"
#include "next.h"
#include "page_cache.h"
#include "pull.h"
#include "remote.h"

/* ---- media types ----------------------------------------------------------------------- */

static void test_media_accept(void **state)
{
	static const struct {
		const char *accept;
		bool taken;
	} cases[] = {
		{"application/taxii+json;version=2.1",                                     true },
		{"application/taxii+json; version=2.1",                                    true },
		{" application/taxii+json ; version = 2.1 ",                               true },
		{"application/taxii+json;version=\"2.1\"",                                 true },
		{"Application/TAXII+JSON;Version=2.1",                                     true },
		{"application/taxii+json",						 true }, /* without a version: the newest */
		{"application/*",							  true },
		{"*/*",								    true },
		{"*/*;q=0.1",							      true },
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",        true },
		{"application/vnd.oasis.taxii+json; version=2.0, "
		 "application/taxii+json;version=2.1",                    true },
		{"application/taxii+json;version=2.0, application/taxii+json;version=2.1", true },
		{"application/taxii+json;version=2.1;q=0.5, application/json",             true },
		{"application/taxii+json;version=2.1;charset=utf-8",                       true },
		{"application/json, */*;q=0, application/taxii+json",                      true },
		{"",								       true }, /* none: anything will do */
		{"application/taxii+json;version=2.0",                                     false},
		{"application/taxii+json;version=2.2",                                     false},
		{"application/vnd.oasis.taxii+json;version=2.0",                           false},
		{"application/stix+json;version=2.1",                                      false}, /* of objects, not of resources */
		{"application/json",						       false},
		{"text/html",							      false},
		{"text/*",								 false},
		{"application/taxii+json;version=2.1;q=0",                                 false},
		{"application/taxii+json;version=2.1;q=0.000, */*",
                 false									  }, /* the closest range counts */
		{"*/*;q=0",								false},
		{"application/taxii+jsonx",						false},
		{",;,",								    false},
		{"\"application/taxii+json",					       false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		bool taken = media_accepts_taxii(slice_of(cases[i].accept));

		if (taken != cases[i].taken)
			fail_msg("Accept: %s: taken %d", cases[i].accept, taken);
	}
}

static void test_media_content_type(void **state)
{
	static const struct {
		const char *type;
		bool taken;
	} cases[] = {
		{"application/taxii+json;version=2.1",                 true },
		{"application/taxii+json; version=2.1",                true },
		{"application/taxii+json",                             true },
		{"application/taxii+json; version=2.1; charset=utf-8", true },
		{"",						   false},
		{"application/json",                                   false},
		{"application/stix+json;version=2.1",                  false},
		{"application/taxii+json;version=2.0",                 false},
		{"*/*",						false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (media_is_taxii(slice_of(cases[i].type)) != cases[i].taken)
			fail_msg("Content-Type: %s", cases[i].type);
	}
}

/* ---- filters --------------------------------------------------------------------------- */

#define FILTER_ALL                                                                                 \
	(FILTER_ADDED_AFTER | FILTER_LIMIT | FILTER_NEXT | FILTER_ID | FILTER_TYPE |               \
		FILTER_VERSION | FILTER_SPEC_VERSION)

static enum err_kind filter_of(
	struct arena *a, const char *name, const char *value, struct filter *ret_filter)
{
	struct http_param param = {slice_of(name), slice_of(value)};
	struct http_request q = {.params = &param, .params_count = 1, .arena = a};
	struct err e;

	return filter_parse(&q, FILTER_ALL, 0, ret_filter, &e);
}

static void test_filter_fields(void **state)
{
	static const struct {
		const char *name, *value;
		enum err_kind kind;
	} cases[] = {
		{"added_after",         "2026-01-01T00:00:00.000000Z",                      OK         },
		{"added_after",         "2026-01-01T00:00:00Z",                             OK         },
		{"added_after",         "2026-01-01T00:00:00.123456789Z",                   OK         },
		{"added_after",         "2026-01-01",                                       ERR_INVALID},
		{"added_after",         "2026-01-01T00:00:00+01:00",                        ERR_INVALID},
		{"added_after",         "2026-02-30T00:00:00Z",                             ERR_INVALID},
		{"added_after",         "2026-01-01T00:00:00Z,2026-01-01T00:00:00Z",        ERR_INVALID},
		{"added_after",         "",						 ERR_INVALID},
		{"limit",               "1",						OK         },
		{"limit",               "18446744073709551615",                             OK         },
		{"limit",               "99999999999999999999999",                          OK         }, /* lowered like any other large one */
		{"limit",               "0",						ERR_INVALID},
		{"limit",               "00",					       ERR_INVALID},
		{"limit",               "-1",					       ERR_INVALID},
		{"limit",               "+1",					       ERR_INVALID},
		{"limit",               "1.0",					      ERR_INVALID},
		{"limit",               "ten",					      ERR_INVALID},
		{"limit",               " 1",					       ERR_INVALID},
		{"limit",               "",						 ERR_INVALID},
		{"match[id]",           "indicator--00000001-0000-4000-8000-000000000000",  OK         },
		{"match[id]",
                 "tool--00000001-0000-4000-8000-000000000000,x--00000001-0000-4000-8000-"
			"000000000000",						     ERR_INVALID},
		{"match[id]",           "indicator",                                        ERR_INVALID},
		{"match[id]",           "indicator--00000001-0000-4000-8000-000000000000,", ERR_INVALID},
		{"match[type]",         "indicator",                                        OK         },
		{"match[type]",         "indicator,malware,x-custom-9",                     OK         },
		{"match[type]",         "Indicator",                                        ERR_INVALID},
		{"match[type]",         "a_b_c",					    ERR_INVALID},
		{"match[type]",         "ab",					       ERR_INVALID},
		{"match[type]",         "indicator,,malware",                               ERR_INVALID},
		{"match[version]",      "last",					     OK         },
		{"match[version]",      "first,last",                                       OK         },
		{"match[version]",      "all",					      OK         },
		{"match[version]",      "all,last",                                         ERR_INVALID}, /* all stands alone */
		{"match[version]",      "2026-01-01T00:00:00.000Z,last",                    OK         },
		{"match[version]",      "newest",                                           ERR_INVALID},
		{"match[version]",      "LAST",					     ERR_INVALID},
		{"match[spec_version]", "2.1",                                              OK         },
		{"match[spec_version]", "2.0,2.1",                                          OK         },
		{"match[spec_version]", "2",						ERR_INVALID},
		{"match[spec_version]", "two.one",                                          ERR_INVALID},
		{"match[spec_version]", ".1",					       ERR_INVALID},
		{"next",                "x",						OK         },
		{"next",                "",						 ERR_INVALID},
		{"unknown",             "whatever",					 OK         }, /* may be ignored */
		{"match[unknown]",      "whatever",                                         OK         },
	};
	struct arena *a = arena_new(MIB(1));

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct filter f;

		if (filter_of(a, cases[i].name, cases[i].value, &f) != cases[i].kind)
			fail_msg("%s=%s", cases[i].name, cases[i].value);
		arena_reset(a);
	}
	arena_free(a);
}

static void test_filter_items_max(void **state)
{
	struct arena *a = arena_new(MIB(1));
	struct buf text = BUF_INIT;
	struct filter f;

	(void)state;
	for (int i = 0; i < TAXII_FILTER_MAX; i++)
		buf_printf(&text, "%stype-%d", i == 0 ? "" : ",", i);
	buf_char(&text, '\0');
	assert_int_equal(filter_of(a, "match[type]", text.data, &f), OK);
	assert_int_equal(f.types_count, TAXII_FILTER_MAX);
	text.len--;
	buf_text(&text, ",one-more");
	buf_char(&text, '\0');
	assert_int_equal(filter_of(a, "match[type]", text.data, &f), ERR_INVALID);
	buf_fini(&text);
	arena_free(a);
}

static void test_filter_repeated(void **state)
{
	static const char *const names[] = {"added_after", "limit", "next", "match[id]",
		"match[type]", "match[version]", "match[spec_version]"};
	static const char *const values[] = {"2026-01-01T00:00:00Z", "1", "x",
		"tool--00000001-0000-4000-8000-000000000000", "tool", "last", "2.1"};
	struct arena *a = arena_new(MIB(1));
	struct filter f;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const struct http_param twice[] = {
			{slice_of(names[i]), slice_of(values[i])},
			{slice_of(names[i]), slice_of(values[i])}
                };
		struct http_request q = {.params = twice, .params_count = 2, .arena = a};

		assert_int_equal(filter_parse(&q, FILTER_ALL, 0, &f, &e), ERR_INVALID);
		/* where the field means nothing, it may be there as often as it likes */
		assert_int_equal(filter_parse(&q, 0, 0, &f, &e), OK);
		q.params_count = 1;
		assert_int_equal(filter_parse(&q, FILTER_ALL, 0, &f, &e), OK);
		assert_int_equal(filter_parse(&q, 0, FILTER_ALL, &f, &e), ERR_INVALID);
	}
	arena_free(a);
}

static void test_filter_digest(void **state)
{
	static const struct {
		const char *name, *a, *b;
		bool same;
	} cases[] = {
		{"match[type]",         "tool,malware",         "malware,tool",                true },
		{"match[type]",         "tool,tool",            "tool",                        true },
		{"match[type]",         "tool",                 "malware",                     false},
		{"match[version]",      "last,first",           "first,last",                  true },
		{"match[version]",      "last",                 "first",                       false},
		{"match[version]",      "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000Z", true },
		{"match[spec_version]", "2.1",                  "2.1,2.0",                     true },
		{"match[spec_version]", "2.1",                  "2.0",                         false},
		{"added_after",         "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z",        false},
		{"limit",               "1",                    "2",                           true }, /* a walk may change its step */
	};
	struct arena *a = arena_new(MIB(1));
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint8_t x[SHA256_LEN], y[SHA256_LEN];
		struct filter f;

		assert_int_equal(filter_of(a, cases[i].name, cases[i].a, &f), OK);
		assert_int_equal(filter_digest(&f, x, &e), OK);
		assert_int_equal(filter_of(a, cases[i].name, cases[i].b, &f), OK);
		assert_int_equal(filter_digest(&f, y, &e), OK);
		if ((memcmp(x, y, SHA256_LEN) == 0) != cases[i].same)
			fail_msg("%s: %s and %s", cases[i].name, cases[i].a, cases[i].b);
	}
	arena_free(a);
}

/* ---- next ------------------------------------------------------------------------------ */

static void test_next_round_trip(void **state)
{
	static const int64_t positions[] = {
		0, 1, -1, INT64_MAX, INT64_MIN, INT64_C(1767225600000001)};
	uint8_t key[NEXT_KEY_LEN] = {1, 2, 3};
	struct next_binding binding = {.resource = 1, .account = 7};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(positions); i++) {
		char text[NEXT_TEXT_LEN];
		int64_t position = 42;

		next_make(key, &binding, positions[i], text);
		assert_true(
			next_read(key, &binding, (struct slice){text, sizeof(text)}, &position));
		assert_int_equal(position, positions[i]);
	}
}

static void test_next_refused(void **state)
{
	uint8_t key[NEXT_KEY_LEN] = {1, 2, 3}, other_key[NEXT_KEY_LEN] = {1, 2, 4};
	const struct next_binding binding = {.resource = 1, .account = 7};
	struct next_binding others[] = {binding, binding, binding, binding};
	char text[NEXT_TEXT_LEN + 1];
	int64_t position = 42;

	(void)state;
	next_make(key, &binding, 1000, text);
	for (size_t i = 0; i < NEXT_TEXT_LEN; i++) {
		char right = text[i];

		text[i] = right == 'A' ? 'B' : 'A';
		assert_false(
			next_read(key, &binding, (struct slice){text, NEXT_TEXT_LEN}, &position));
		text[i] = right;
	}
	others[0].resource = 2;
	others[1].account = 8;
	others[2].collection.bytes[15] = 1;
	others[3].filters[0] = 1;
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_false(
			next_read(key, &others[i], (struct slice){text, NEXT_TEXT_LEN}, &position));
	assert_false(
		next_read(other_key, &binding, (struct slice){text, NEXT_TEXT_LEN}, &position));
	assert_false(next_read(key, &binding, (struct slice){text, NEXT_TEXT_LEN - 1}, &position));
	text[NEXT_TEXT_LEN] = 'A';
	assert_false(next_read(key, &binding, (struct slice){text, NEXT_TEXT_LEN + 1}, &position));
	text[3] = '=';
	assert_false(next_read(key, &binding, (struct slice){text, NEXT_TEXT_LEN}, &position));
	assert_int_equal(position, 42);
}

/* ---- cache ----------------------------------------------------------------------------- */

static struct page page_of_bytes(size_t bytes, char fill)
{
	struct buf b = BUF_INIT;
	char *to = buf_reserve(&b, bytes);

	assert_non_null(to);
	memset(to, fill, bytes);
	b.len = bytes;
	return (struct page){.bytes = http_shared_new(&b), .first_us = fill};
}

static void cache_put(struct page_cache *c, uint8_t number, size_t bytes)
{
	uint8_t key[PAGE_KEY_LEN] = {number};
	struct page page = page_of_bytes(bytes, (char)number);

	page_cache_put(c, key, &page);
	http_shared_drop(page.bytes);
}

static bool cache_has(struct page_cache *c, uint8_t number)
{
	uint8_t key[PAGE_KEY_LEN] = {number};
	struct page page;

	if (!page_cache_get(c, key, &page))
		return false;
	assert_int_equal(page.first_us, number);
	assert_int_equal((uint8_t)http_shared_bytes(page.bytes).data[0], number);
	http_shared_drop(page.bytes);
	return true;
}

static void test_cache_bounds(void **state)
{
	struct page_cache *c = page_cache_new(10000);

	(void)state;
	assert_non_null(c);
	for (uint8_t i = 1; i <= 20; i++) {
		cache_put(c, i, 1000);
		assert_true(page_cache_bytes(c) <= 10000);
		assert_true(cache_has(c, i));
		assert_true(cache_has(c, 1)); /* used all the time: stays */
	}
	assert_false(cache_has(c, 2)); /* the longest unused went first */
	assert_true(cache_has(c, 20));
	cache_put(c, 21, 2500); /* more than a quarter with what it costs to keep it */
	assert_false(cache_has(c, 21));
	cache_put(c, 22, 2000);
	assert_true(cache_has(c, 22));
	page_cache_free(c);
}

static void test_cache_same_twice(void **state)
{
	struct page_cache *c = page_cache_new(10000);
	size_t bytes;

	(void)state;
	cache_put(c, 1, 100);
	bytes = page_cache_bytes(c);
	cache_put(c, 1, 100);
	assert_int_equal(page_cache_bytes(c), bytes);
	assert_true(cache_has(c, 1));
	page_cache_free(c);
	page_cache_free(NULL);
}

/* ---- the client's small parts ---------------------------------------------------------- */

static void test_retry_after(void **state)
{
	static const struct {
		const char *value;
		int64_t seconds;
	} cases[] = {
		{"0",			     0        },
		{"120",			   120      },
		{" 7 ",			   7        },
		{"99999999999",                   INT32_MAX},
		{"Thu, 01 Jan 1970 00:01:40 GMT", 40       }, /* 40 s after the minute it is now */
		{"Thu, 01 Jan 1970 00:00:10 GMT", 0        }, /* over */
		{"",			      -1       },
		{"soon",			  -1       },
		{"-1",			    -1       },
		{"Thu, 01 Foo 1970 00:01:40 GMT", -1       },
		{"Thu, 01 anF 1970 00:01:40 GMT", -1       }, /* within "JanFeb", but no month */
		{"Thu, 01 Jan 1970 00:01:40 UTC", -1       },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t s = remote_retry_seconds(slice_of(cases[i].value), 60 * US_PER_SECOND);

		if (s != cases[i].seconds)
			fail_msg("Retry-After: %s: %lld", cases[i].value, (long long)s);
	}
}

static void test_url_join(void **state)
{
	static const struct {
		const char *base, *reference, *joined;
	} cases[] = {
		{"https://a.example/taxii2/",      "/api/",                       "https://a.example/api/"     },
		{"https://a.example/taxii2/",      "/api",                        "https://a.example/api/"     },
		{"https://a.example/taxii2/",      "api/",                        "https://a.example/api/"     },
		{"https://a.example:8443/taxii2/", "/api/",                       "https://a.example:8443/api/"},
		{"https://a.example/taxii2/",      "https://a.example/api/",      "https://a.example/api/"     },
		{"https://a.example/taxii2/",      "HTTPS://A.example/api/",      "HTTPS://A.example/api/"     },
		{"https://a.example/taxii2/",      "https://b.example/api/",      ""                           }, /* another server */
		{"https://a.example/taxii2/",      "https://a.example:444/api/",  ""                           }, /* another port */
		{"https://a.example/taxii2/",      "http://a.example/api/",       ""                           }, /* not that openly */
		{"https://a.example/taxii2/",      "https://a.example.evil/api/", ""                           },
	};
	struct arena *a = arena_new(KIB(64));

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct slice joined =
			url_join(slice_of(cases[i].base), slice_of(cases[i].reference), a);

		if (!slice_is(joined, cases[i].joined))
			fail_msg("%s: %.*s", cases[i].reference, SLICE_ARG(joined));
	}
	arena_free(a);
}

static void test_url_field(void **state)
{
	struct buf url = BUF_INIT;

	(void)state;
	buf_text(&url, "https://a.example/");
	url_field(&url, "added_after", SLICE("2026-01-01T00:00:00.5Z"));
	url_field(&url, "next", SLICE("a+/=& b"));
	assert_true(slice_is(buf_slice(&url),
		"https://a.example/"
		"?added_after=2026-01-01T00%3A00%3A00.5Z&next=a%2B%2F%3D%26%20b"));
	buf_fini(&url);
}

static void *queue_filler(void *context)
{
	struct pull_queue *q = context;
	uintptr_t put = 0;

	for (;;) {
		struct pull_item *item = pull_item_new(PULL_OBJECTS);

		if (item == NULL || buf_reserve(&item->bytes, MIB(1)) == NULL)
			abort();
		if (!pull_queue_put(q, item))
			return (void *)put;
		put++;
	}
}

/* What is fetched waits for what is kept: within bytes, in order, and not for ever. */
static void test_queue(void **state)
{
	struct pull_queue q;
	struct pull_item *item;
	pthread_t thread;
	void *put = NULL;
	size_t bytes = 0;

	(void)state;
	pull_queue_init(&q);
	assert_null(pull_queue_take(&q, 0)); /* nothing yet */
	assert_int_equal(pthread_create(&thread, NULL, queue_filler, &q), 0);
	for (int i = 0; i < 100; i++) {
		item = pull_queue_take(&q, 60000);
		assert_non_null(item);
		pull_item_free(item);
		pthread_mutex_lock(&q.lock);
		bytes = q.bytes > bytes ? q.bytes : bytes;
		pthread_mutex_unlock(&q.lock);
	}
	assert_true(bytes <= PULL_QUEUE_BYTES);
	pull_queue_close(&q); /* the filler waits for room, or is about to */
	assert_int_equal(pthread_join(thread, &put), 0);
	assert_true((uintptr_t)put >= 100 && (uintptr_t)put <= 100 + PULL_QUEUE_BYTES / MIB(1));
	assert_false(pull_queue_sleep(&q, INT64_C(3600) * US_PER_SECOND));
	item = pull_item_new(PULL_END);
	assert_false(pull_queue_put(&q, item));
	pull_queue_fini(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_media_accept),
		cmocka_unit_test(test_media_content_type),
		cmocka_unit_test(test_filter_fields),
		cmocka_unit_test(test_filter_items_max),
		cmocka_unit_test(test_filter_repeated),
		cmocka_unit_test(test_filter_digest),
		cmocka_unit_test(test_next_round_trip),
		cmocka_unit_test(test_next_refused),
		cmocka_unit_test(test_cache_bounds),
		cmocka_unit_test(test_cache_same_twice),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_url_join),
		cmocka_unit_test(test_url_field),
		cmocka_unit_test(test_queue),
	};

	world_real();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
