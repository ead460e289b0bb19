/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Pulling from servers as they are: whatever oddity, every object arrives once, in order, and the
 * next pull goes on where this one ended. One case per oddity.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pull.h"
#include "taxii_odd.h"

struct pulled {
	struct testing t;
	struct odd odd;
	struct http_client *http;
	struct intel_counts counts;
	struct err e;
	char warnings[KIB(4)];
	int64_t waited_us;
	unsigned waits;
	uint64_t stop_after; /* objects; 0: never */
	unsigned limit;
	bool from_start;
};

static int setup(void **state)
{
	struct pulled *p = calloc(1, sizeof(*p));
	struct http_client_config config = {0};
	struct err e;

	assert_non_null(p);
	testing_open(&p->t, NULL);
	assert_int_equal(http_client_new(&config, &p->http, &e), OK);
	p->odd.count = 1000;
	p->limit = 100;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pulled *p = *state;

	http_client_free(p->http);
	if (p->odd.http != NULL)
		odd_stop(&p->odd);
	testing_close(&p->t);
	free(p);
	return 0;
}

static void on_warning(void *context, const char *what)
{
	struct pulled *p = context;
	size_t len = strlen(p->warnings);

	snprintf(p->warnings + len, sizeof(p->warnings) - len, "%s\n", what);
}

/* No sleeping: the fake clock moves. */
static bool on_wait(void *context, int64_t us)
{
	struct pulled *p = context;

	p->waits++;
	p->waited_us += us;
	return true;
}

static bool on_progress(void *context, const struct intel_counts *counts, uint64_t pages)
{
	struct pulled *p = context;

	(void)pages;
	return p->stop_after == 0 || counts->objects < p->stop_after;
}

static enum err_kind pull_url(struct pulled *p, const char *path)
{
	char url[128];
	struct taxii_pull job = {
		.http = p->http,
		.url = odd_url(&p->odd, path, url),
		.source = {.member = SLICE("odd")},
		.limit = p->limit,
		.once = true,
		.from_start = p->from_start,
		.progress = on_progress,
		.warned = on_warning,
		.wait = on_wait,
		.context = p,
	};

	p->warnings[0] = '\0';
	p->counts = (struct intel_counts){0};
	return taxii_pull_run(p->t.intel, &job, &p->counts, &p->e);
}

static void pull(struct pulled *p)
{
	if (p->odd.http == NULL)
		odd_start(&p->odd);
	if (pull_url(p, "/api/collections/" ODD_COLLECTION "/") != OK)
		fail_msg("%s", p->e.text);
}

static bool warned(const struct pulled *p, const char *words)
{
	return strstr(p->warnings, words) != NULL;
}

/* The numbers of what is kept, in order; counts how many stand where they should. */
static unsigned kept_in_order(struct pulled *p)
{
	struct store_collection c;
	struct store_reader *r = NULL;
	struct store_cursor *cursor = NULL;
	struct intel_recipient us = {.reach = INTEL_OPERATOR};
	struct store_page page = {.after_us = INT64_MIN, .versions = STORE_EVERY};
	bool found, there = true;
	unsigned n = 0;
	struct err e;

	arena_reset(p->t.arena);
	assert_int_equal(
		store_collection_get(p->t.store, SLICE(ODD_COLLECTION), p->t.arena, &c, &found, &e),
		OK);
	if (!found)
		return 0;
	page.collection = c.number;
	assert_int_equal(store_reader_take(p->t.store, &r, &e), OK);
	assert_int_equal(intel_release_page(p->t.intel, r, &us, &page, &cursor, &e), OK);
	for (;;) {
		struct store_row row;
		char id[STIX_ID_MAX + 1], expected[64];

		assert_int_equal(store_cursor_next(cursor, &row, &there, &e), OK);
		if (!there)
			break;
		stix_id_format(row.type, &row.uuid, id);
		testing_id(n, expected);
		assert_string_equal(id, expected); /* nothing left out, nothing twice, in order */
		n++;
	}
	store_cursor_free(cursor);
	store_reader_give(r);
	return n;
}

/* Pull everything, then again: nothing new; then some more: exactly those. */
static void pull_three_times(struct pulled *p)
{
	unsigned count = p->odd.count;

	pull(p);
	assert_int_equal(p->counts.by_outcome[INTEL_NEW], count);
	assert_int_equal(kept_in_order(p), count);
	pull(p);
	assert_int_equal(p->counts.by_outcome[INTEL_NEW], 0);
	p->odd.count += 137;
	pull(p);
	assert_int_equal(p->counts.by_outcome[INTEL_NEW], 137);
	assert_int_equal(kept_in_order(p), count + 137);
	assert_int_equal(p->counts.by_outcome[INTEL_REFUSED], 0);
	assert_int_equal(p->counts.by_outcome[INTEL_CONFLICT], 0);
}

/* ---- a server as it should be ---------------------------------------------------------- */

static void test_pull(void **state)
{
	struct pulled *p = *state;

	pull_three_times(p);
	assert_string_equal(p->warnings, "");
	assert_int_equal(
		p->counts.by_outcome[INTEL_KNOWN], 0); /* fine dates: nothing comes twice */
}

static void test_pull_collection_beside(void **state)
{
	struct pulled *p = *state;
	struct store_collection c;
	bool found;

	pull(p);
	assert_int_equal(store_collection_get(
				 p->t.store, SLICE(ODD_COLLECTION), p->t.arena, &c, &found, NULL),
		OK);
	assert_true(found);
	assert_true(slice_is(c.title, "Odd"));
	assert_false(c.public_read); /* what came in does not go out by itself */
	assert_int_equal(c.entries, 1000);
}

/* From the URL of a server, a root, a list, a collection, its objects: the same collection. */
static void test_pull_any_url(void **state)
{
	struct pulled *p = *state;
	static const char *const paths[] = {"", "/", "/taxii2/", "/taxii2", "/api/",
		"/api/collections/", "/api/collections/" ODD_COLLECTION,
		"/api/collections/" ODD_COLLECTION "/objects/",
		"/api/collections/" ODD_COLLECTION "/objects/?limit=3"};

	odd_start(&p->odd);
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		if (pull_url(p, paths[i]) != OK)
			fail_msg("%s: %s", paths[i], p->e.text);
		/* one cursor for all of them */
		assert_int_equal(p->counts.by_outcome[INTEL_NEW], i == 0 ? 1000 : 0);
		assert_int_equal(kept_in_order(p), 1000);
	}
}

static void test_pull_root_elsewhere(void **state)
{
	struct pulled *p = *state;

	p->odd.api_root = "https://elsewhere.example/api/";
	odd_start(&p->odd);
	assert_int_equal(pull_url(p, "/taxii2/"), ERR_DENIED);
	assert_true(warned(p, "on another server"));
}

static void test_pull_killed(void **state)
{
	struct pulled *p = *state;
	unsigned kept = 0;

	/* stopped again and again; each time it goes on, and starting anew costs nothing but time
	 */
	p->limit = 50;
	for (unsigned stop = 200; kept < 1000; stop = 200) {
		p->stop_after = stop;
		pull(p);
		assert_true(kept_in_order(p) >= kept);
		kept = kept_in_order(p);
		testing_restart(&p->t);
	}
	p->stop_after = 0;
	pull(p);
	assert_int_equal(p->counts.by_outcome[INTEL_NEW], 0);
	p->from_start = true;
	pull(p);
	assert_int_equal(p->counts.by_outcome[INTEL_NEW], 0);
	assert_int_equal(p->counts.by_outcome[INTEL_KNOWN], 1000);
	assert_int_equal(kept_in_order(p), 1000);
}

static void test_pull_idle(void **state)
{
	struct pulled *p = *state;

	p->odd.tags = true;
	pull(p);
	pull(p); /* learns the tag of the empty page */
	pull(p);
	assert_int_equal(atomic_load(&p->odd.unchanged), 1);
	pull(p);
	assert_int_equal(atomic_load(&p->odd.unchanged), 2);
	p->odd.count += 10;
	pull(p);
	assert_int_equal(p->counts.by_outcome[INTEL_NEW], 10);
	assert_int_equal(kept_in_order(p), 1010);
}

/* ---- pages ----------------------------------------------------------------------------- */

static void test_pull_without_next(void **state)
{
	struct pulled *p = *state;

	p->odd.next = ODD_NEXT_NONE;
	pull_three_times(p);
}

static void test_pull_versions_refused(void **state)
{
	struct pulled *p = *state;

	p->odd.refuses_versions = true;
	pull(p);
	assert_int_equal(kept_in_order(p), 1000);
	assert_true(warned(p, "only the newest versions"));
}

static void test_pull_limit_ignored(void **state)
{
	struct pulled *p = *state;

	p->odd.ignores_limit = true;
	p->odd.page_max = 333;
	p->limit = 10;
	pull_three_times(p);
}

static void test_pull_limit_lowered(void **state)
{
	struct pulled *p = *state;

	p->odd.page_max = 7;
	pull_three_times(p);
	p->odd.next = ODD_NEXT_NONE;
	p->from_start = true;
	pull(p);
	assert_int_equal(p->counts.by_outcome[INTEL_NEW], 0);
	assert_int_equal(kept_in_order(p), 1137);
}

/* Pages cut among objects of one date, and only that date to go on by. */
static void test_pull_same_dates(void **state)
{
	struct pulled *p = *state;

	p->odd.next = ODD_NEXT_NONE;
	p->odd.same_date = 30;
	p->odd.count = 990; /* what is added later has a later date */
	pull_three_times(p);
}

/* More of one date than fit a page: ask for larger ones. */
static void test_pull_same_dates_over_page(void **state)
{
	struct pulled *p = *state;

	p->odd.next = ODD_NEXT_NONE;
	p->odd.same_date = 350;
	p->odd.page_max = 1000;
	pull(p);
	assert_int_equal(p->counts.by_outcome[INTEL_NEW], 1000);
	assert_int_equal(kept_in_order(p), 1000);
	assert_true(atomic_load(&p->odd.largest_limit) >= 350);
	assert_string_equal(p->warnings, "");
}

/* More of one date than the server ever gives: it says so, and takes the rest. */
static void test_pull_same_dates_hopeless(void **state)
{
	struct pulled *p = *state;

	p->odd.next = ODD_NEXT_NONE;
	p->odd.same_date = 350;
	p->odd.page_max = 100;
	pull(p);
	assert_true(warned(p, "cannot be had"));
	assert_int_equal(
		p->counts.by_outcome[INTEL_NEW], 300); /* a hundred of each of three dates */
}

static void test_pull_coarse_dates(void **state)
{
	struct pulled *p = *state;

	/* the second in which the pull ended may get more objects: it is asked for again */
	p->odd.coarse_dates = true;
	p->odd.same_date = 100;
	p->odd.count = 950;
	pull(p);
	assert_int_equal(p->counts.by_outcome[INTEL_NEW], 950);
	p->odd.count = 1000; /* all of them in that second */
	pull(p);
	assert_int_equal(p->counts.by_outcome[INTEL_NEW], 50);
	assert_int_equal(kept_in_order(p), 1000);
}

static void test_pull_without_headers(void **state)
{
	struct pulled *p = *state;

	p->odd.no_headers = true;
	pull_three_times(p);
	assert_true(warned(p, "X-TAXII-Date-Added-Last"));
	assert_true(atomic_load(&p->odd.manifests) > 0);
}

static void test_pull_without_headers_and_next(void **state)
{
	struct pulled *p = *state;

	p->odd.no_headers = true;
	p->odd.next = ODD_NEXT_NONE;
	pull_three_times(p);
}

/* No dates at all: everything at once, with a larger limit. */
static void test_pull_without_dates(void **state)
{
	struct pulled *p = *state;

	p->odd.no_headers = true;
	p->odd.no_manifest = true;
	p->odd.next = ODD_NEXT_NONE;
	p->odd.page_max = 5000;
	pull(p);
	assert_int_equal(p->counts.by_outcome[INTEL_NEW], 1000);
	assert_int_equal(kept_in_order(p), 1000);
	pull(p); /* from a minute before the server's clock on */
	assert_int_equal(p->counts.objects, 0);
}

static void test_pull_without_dates_hopeless(void **state)
{
	struct pulled *p = *state;

	p->odd.no_headers = true;
	p->odd.no_manifest = true;
	p->odd.next = ODD_NEXT_NONE;
	p->odd.page_max = 100;
	odd_start(&p->odd);
	assert_int_equal(pull_url(p, "/api/collections/" ODD_COLLECTION "/"), ERR_INVALID);
	assert_non_null(strstr(p->e.text, "no way to go on"));
	assert_int_equal(kept_in_order(p), 100); /* what came is kept */
}

static void test_pull_next_constant(void **state)
{
	struct pulled *p = *state;

	p->odd.next = ODD_NEXT_CONSTANT;
	pull_three_times(p);
}

static void test_pull_next_circle(void **state)
{
	struct pulled *p = *state;

	p->odd.next = ODD_NEXT_CIRCLE;
	pull(p);
	assert_int_equal(kept_in_order(p), 1000);
	assert_true(warned(p, "same page again"));
}

static void test_pull_next_stuck(void **state)
{
	struct pulled *p = *state;

	p->odd.next = ODD_NEXT_STUCK;
	pull(p);
	assert_int_equal(kept_in_order(p), 1000);
	assert_true(warned(p, "same page again"));
}

static void test_pull_next_expired(void **state)
{
	struct pulled *p = *state;

	p->odd.next = ODD_NEXT_EXPIRED;
	pull(p);
	assert_int_equal(kept_in_order(p), 1000);
	assert_true(warned(p, "not taken"));
}

/* Neither `next` nor added_after move it: an end, not a loop. */
static void test_pull_server_stands(void **state)
{
	struct pulled *p = *state;

	p->odd.next = ODD_NEXT_STUCK;
	p->odd.ignores_added_after = true;
	odd_start(&p->odd);
	assert_int_equal(pull_url(p, "/api/collections/" ODD_COLLECTION "/"), ERR_INVALID);
	assert_non_null(strstr(p->e.text, "again and again"));
	assert_true(atomic_load(&p->odd.requests) < 50);
	assert_int_equal(kept_in_order(p), 100);
}

static void test_pull_empty_pages(void **state)
{
	struct pulled *p = *state;

	p->odd.empty_pages = true;
	pull(p);
	assert_int_equal(kept_in_order(p), 1000);
}

static void test_pull_empty_forever(void **state)
{
	struct pulled *p = *state;

	p->odd.empty_forever = true;
	odd_start(&p->odd);
	assert_int_equal(pull_url(p, "/api/collections/" ODD_COLLECTION "/"), ERR_INVALID);
	assert_non_null(strstr(p->e.text, "without objects"));
}

static void test_pull_always_more(void **state)
{
	struct pulled *p = *state;

	/* `more` on the last page, and then nothing to go on by */
	p->odd.always_more = true;
	p->odd.next = ODD_NEXT_NONE;
	odd_start(&p->odd);
	(void)pull_url(p, "/api/collections/" ODD_COLLECTION "/");
	assert_int_equal(kept_in_order(p), 1000);
	assert_true(atomic_load(&p->odd.requests) < 50);
}

static void test_pull_bare_envelopes(void **state)
{
	struct pulled *p = *state;

	p->odd.no_envelope = true; /* " {} \n" where there is nothing */
	p->odd.count = 0;
	pull(p);
	assert_int_equal(p->counts.objects, 0);
	p->odd.count = 100;
	pull(p);
	assert_int_equal(kept_in_order(p), 100);
}

static void test_pull_unsorted(void **state)
{
	struct pulled *p = *state;

	p->odd.unsorted =
		true; /* with dates that do not go with the objects: next still leads through */
	pull(p);
	assert_int_equal(p->counts.by_outcome[INTEL_NEW], 1000);
}

/* ---- media, bodies, statuses ----------------------------------------------------------- */

static void test_pull_media(void **state)
{
	struct pulled *p = *state;
	static const struct {
		const char *type;
		bool taken, warned;
	} cases[] = {
		{"application/taxii+json;version=2.1",                 true,  false},
		{"application/taxii+json; version=2.1; charset=utf-8", true,  false},
		{"application/taxii+json",                             true,  false},
		{"application/json",                                   true,  true },
		{"application/stix+json;version=2.1",                  true,  true },
		{"application/taxii+json;version=2.0",                 false, false},
		{"application/vnd.oasis.taxii+json; version=2.0",      false, false},
		{"text/html; charset=utf-8",                           false, false},
	};

	p->odd.count = 50;
	odd_start(&p->odd);
	p->from_start = true;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		enum err_kind kind;

		p->odd.content_type = cases[i].type;
		kind = pull_url(p, "/api/collections/" ODD_COLLECTION "/");
		if ((kind == OK) != cases[i].taken || warned(p, "media type") != cases[i].warned)
			fail_msg("%s: %s", cases[i].type, p->warnings);
	}
}

/* Servers that compare the header as text. */
static void test_pull_accept_spelling(void **state)
{
	struct pulled *p = *state;
	static const char *const spellings[] = {"application/taxii+json;version=2.1",
		"application/taxii+json; version=2.1", "application/taxii+json"};

	odd_start(&p->odd);
	p->from_start = true;
	for (size_t i = 0; i < COUNT_OF(spellings); i++) {
		p->odd.accept = spellings[i];
		if (pull_url(p, "/api/collections/" ODD_COLLECTION "/") != OK)
			fail_msg("%s: %s", spellings[i], p->e.text);
		assert_int_equal(kept_in_order(p), 1000);
	}
	p->odd.accept = "text/plain";
	assert_int_equal(pull_url(p, "/api/collections/" ODD_COLLECTION "/"), ERR_INVALID);
}

static void test_pull_bodies(void **state)
{
	struct pulled *p = *state;
	static const struct {
		const char *body;
		enum err_kind kind;
	} cases[] = {
		{"{}",			     OK       },
		{"{\"more\":false}",               OK       },
		{"{\"objects\":[]}",               OK       },
		{"{\"objects\":[],\"more\":null}", OK       },
		{"{\"objects\":[17]}",             OK       }, /* one that is none: refused, told, the rest goes on */
		{"",			       ERR_PARSE},
		{"[]",			     ERR_PARSE},
		{"<html>",                         ERR_PARSE},
		{"{\"objects\":[",                 ERR_PARSE},
		{"{\"type\":\"indicator\"}",       ERR_PARSE},
	};

	odd_start(&p->odd);
	p->from_start = true;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		enum err_kind kind;

		p->odd.body = cases[i].body;
		kind = pull_url(p, "/api/collections/" ODD_COLLECTION "/");
		if (kind != cases[i].kind)
			fail_msg("%s: %d %s", cases[i].body, kind, kind == OK ? "" : p->e.text);
	}
	p->odd.body = "{\"objects\":[17]}";
	assert_int_equal(pull_url(p, "/api/collections/" ODD_COLLECTION "/"), OK);
	assert_int_equal(p->counts.by_outcome[INTEL_REFUSED], 1);
}

static void test_pull_busy(void **state)
{
	struct pulled *p = *state;
	static const struct odd_event script[] = {
		{429, "7" },
                {503, NULL},
                {502, "2" },
                {0,   NULL},
                {504, NULL}
        };

	memcpy(p->odd.script, script, sizeof(script));
	p->odd.script_len = COUNT_OF(script);
	pull(p);
	assert_int_equal(kept_in_order(p), 1000);
	assert_int_equal(p->waits, 4);
	/* 7 as told, 2 by itself (the second wait), 2 as told; then anew: 1 */
	assert_int_equal(p->waited_us, (7 + 2 + 2 + 1) * US_PER_SECOND);
}

static void test_pull_too_busy(void **state)
{
	struct pulled *p = *state;

	for (size_t i = 0; i < ODD_SCRIPT_MAX; i++)
		p->odd.script[i] = (struct odd_event){503, NULL};
	p->odd.script_len = ODD_SCRIPT_MAX;
	odd_start(&p->odd);
	assert_int_equal(pull_url(p, "/api/collections/" ODD_COLLECTION "/"), ERR_BUSY);
	assert_int_equal(p->waits, REMOTE_TRIES - 1);
	assert_int_equal(atomic_load(&p->odd.requests), REMOTE_TRIES);
	/* a wait that is too long is left to the next run */
	p->odd.script[REMOTE_TRIES] = (struct odd_event){429, "301"};
	p->waits = 0;
	assert_int_equal(pull_url(p, "/api/collections/" ODD_COLLECTION "/"), ERR_BUSY);
	assert_non_null(strstr(p->e.text, "301 seconds"));
	assert_int_equal(p->waits, 0);
	p->odd.script[REMOTE_TRIES + 1] = (struct odd_event){429, "300"};
	pull(p);
	assert_int_equal(p->waits, 1);
	assert_int_equal(kept_in_order(p), 1000);
}

/* The connection goes in the middle of a page: the page is asked for again. */
static void test_pull_broken_pages(void **state)
{
	struct pulled *p = *state;
	static const struct odd_event script[] = {
		{1, NULL},
                {0, NULL},
                {1, NULL},
                {1, NULL}
        };

	memcpy(p->odd.script, script, sizeof(script));
	p->odd.script_len = COUNT_OF(script);
	pull(p);
	assert_int_equal(p->counts.by_outcome[INTEL_NEW], 1000);
	assert_int_equal(kept_in_order(p), 1000);
	assert_true(p->waits >= 3);
}

static void test_pull_refusals(void **state)
{
	struct pulled *p = *state;
	static const struct {
		unsigned status;
		enum err_kind kind;
	} cases[] = {
		{401, ERR_DENIED },
		{403, ERR_DENIED },
		{404, ERR_USAGE  },
		{400, ERR_INVALID},
		{500, ERR_IO     },
	};

	odd_start(&p->odd);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		p->odd.script_len = ODD_SCRIPT_MAX;
		for (size_t k = 0; k < ODD_SCRIPT_MAX; k++)
			p->odd.script[k].status = cases[i].status;
		atomic_store(&p->odd.requests, 0);
		assert_int_equal(
			pull_url(p, "/api/collections/" ODD_COLLECTION "/"), cases[i].kind);
		assert_non_null(strstr(p->e.text, "busy: later")); /* in the server's own words */
		assert_true(atomic_load(&p->odd.requests) <= 2);
	}
	assert_int_equal(p->waits, 0);
}

/* ---- the place, saved ------------------------------------------------------------------ */

static void test_place_saved(void **state)
{
	static const char *const damaged[] = {"", "{", "[]", "7"};
	struct pull_place place = {.after = "2026-01-01T00:00:00.000001Z",
		.last = "2026-01-01T00:00:00.123456789Z",
		.etag = "W/\"x\"",
		.next = "a\"b\\c"};
	struct pull_place again = {0};
	struct buf text = BUF_INIT;

	(void)state;
	pull_place_write(&place, SLICE("https://a.example/"), &text);
	assert_true(pull_place_read(buf_slice(&text), &again));
	assert_string_equal(again.after, place.after);
	assert_string_equal(again.last, place.last);
	assert_string_equal(again.etag, place.etag);
	assert_string_equal(again.next, place.next);
	for (size_t i = 0; i < COUNT_OF(damaged); i++)
		assert_false(pull_place_read(slice_of(damaged[i]), &again));
	buf_fini(&text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_pull),
		TEST(test_pull_collection_beside),
		TEST(test_pull_any_url),
		TEST(test_pull_root_elsewhere),
		TEST(test_pull_killed),
		TEST(test_pull_idle),
		TEST(test_pull_without_next),
		TEST(test_pull_versions_refused),
		TEST(test_pull_limit_ignored),
		TEST(test_pull_limit_lowered),
		TEST(test_pull_same_dates),
		TEST(test_pull_same_dates_over_page),
		TEST(test_pull_same_dates_hopeless),
		TEST(test_pull_coarse_dates),
		TEST(test_pull_without_headers),
		TEST(test_pull_without_headers_and_next),
		TEST(test_pull_without_dates),
		TEST(test_pull_without_dates_hopeless),
		TEST(test_pull_next_constant),
		TEST(test_pull_next_circle),
		TEST(test_pull_next_stuck),
		TEST(test_pull_next_expired),
		TEST(test_pull_server_stands),
		TEST(test_pull_empty_pages),
		TEST(test_pull_empty_forever),
		TEST(test_pull_always_more),
		TEST(test_pull_bare_envelopes),
		TEST(test_pull_unsorted),
		TEST(test_pull_media),
		TEST(test_pull_accept_spelling),
		TEST(test_pull_bodies),
		TEST(test_pull_busy),
		TEST(test_pull_too_busy),
		TEST(test_pull_broken_pages),
		TEST(test_pull_refusals),
		cmocka_unit_test(test_place_saved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
