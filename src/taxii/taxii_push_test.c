/* SPDX-License-Identifier: MPL-2.0 */
/* Pushing to a server of ours, and to one that is odd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "taxii_odd.h"

struct pushed {
	struct testing t; /* where the objects are */
	struct odd odd;
	int64_t collection; /* ours */
	struct http_client *http;
	struct taxii_push job;
	struct taxii_push_counts counts;
	struct err e;
	char refused[KIB(4)];
	unsigned waits;
	uint64_t stop_after; /* objects; 0: never */
};

static void on_refused(void *context, struct slice id, struct slice message)
{
	struct pushed *p = context;
	size_t len = strlen(p->refused);

	snprintf(p->refused + len, sizeof(p->refused) - len, "%.*s: %.*s\n", SLICE_ARG(id),
		SLICE_ARG(message));
}

static bool on_wait(void *context, int64_t us)
{
	struct pushed *p = context;

	(void)us;
	p->waits++;
	return true;
}

static bool on_progress(void *context, uint64_t objects, uint64_t bytes)
{
	struct pushed *p = context;

	(void)bytes;
	return p->stop_after == 0 || objects < p->stop_after;
}

static int setup(void **state)
{
	struct pushed *p = calloc(1, sizeof(*p));
	struct http_client_config config = {0};
	struct err e;

	assert_non_null(p);
	testing_open(&p->t, NULL);
	p->collection = testing_collection(&p->t, "ours", STIX_TLP_AMBER, false);
	testing_fill(&p->t, p->collection, 0, 500, false);
	assert_int_equal(http_client_new(&config, &p->http, &e), OK);
	p->job = (struct taxii_push){
		.http = p->http,
		.to = {.reach = INTEL_MEMBER},
		.refused = on_refused,
		.progress = on_progress,
		.wait = on_wait,
		.context = p,
	};
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pushed *p = *state;

	http_client_free(p->http);
	if (p->odd.http != NULL)
		odd_stop(&p->odd);
	testing_close(&p->t);
	free(p);
	return 0;
}

static enum err_kind push_try(struct pushed *p)
{
	char url[128];

	if (p->odd.http == NULL)
		odd_start(&p->odd);
	p->job.url = odd_url(&p->odd, "/api/collections/" ODD_COLLECTION "/", url);
	p->refused[0] = '\0';
	return taxii_push_run(p->t.intel, &p->job, &p->counts, &p->e);
}

static void push(struct pushed *p)
{
	if (push_try(p) != OK)
		fail_msg("%s", p->e.text);
}

/* ---- what is sent ---- */

static void test_push(void **state)
{
	struct pushed *p = *state;

	push(p);
	assert_int_equal(p->counts.objects, 500);
	assert_int_equal(p->counts.accepted, 500);
	assert_int_equal(p->counts.failed, 0);
	assert_int_equal(atomic_load(&p->odd.posted), 500);
	/* the root publishes 100,000 bytes: so many envelopes, and none larger (413 would show) */
	assert_true(p->counts.posts >= 2);
	push(p); /* nothing new */
	assert_int_equal(p->counts.objects, 0);
	assert_int_equal(p->counts.posts, 0);
	testing_fill(&p->t, p->collection, 500, 520, false);
	push(p);
	assert_int_equal(p->counts.objects, 20);
	p->job.from_start = true;
	push(p);
	assert_int_equal(p->counts.objects, 520);
}

static void test_push_killed(void **state)
{
	struct pushed *p = *state;

	p->job.envelope_max = 20000;
	p->stop_after = 1;
	for (int i = 0; i < 5; i++) {
		push(p);
		assert_int_equal(p->counts.posts, 1);
		testing_restart(&p->t);
	}
	p->stop_after = 0;
	push(p);
	assert_int_equal(atomic_load(&p->odd.posted), 500); /* nothing twice, nothing left out */
}

static void test_push_envelope_max(void **state)
{
	struct pushed *p = *state;
	struct buf text = BUF_INIT;

	p->job.envelope_max = KIB(64) + 10;
	testing_indicator(&text, 600, 0, NULL);
	text.len--;
	buf_text(&text, ",\"description\":\"");
	for (size_t i = 0; i < KIB(64); i++)
		buf_char(&text, 'x');
	buf_text(&text, "\"}");
	testing_put(&p->t, p->collection, buf_slice(&text)); /* never fits */
	testing_fill(&p->t, p->collection, 601, 602, false);
	push(p);
	assert_int_equal(p->counts.accepted, 501);
	assert_int_equal(p->counts.failed, 1);
	assert_non_null(strstr(p->refused, "larger than the server takes"));
	assert_non_null(strstr(p->refused, "indicator--00000258-"));
	push(p); /* it was told, and is not tried again */
	assert_int_equal(p->counts.failed, 0);
	buf_fini(&text);
}

/* The server takes less than it says: half as much, then. */
static void test_push_too_large(void **state)
{
	struct pushed *p = *state;

	p->odd.post_max = 60000;
	p->job.envelope_max = 200000;
	push(p);
	assert_int_equal(p->counts.accepted, 500);
	assert_int_equal(atomic_load(&p->odd.posted), 500);
}

static void test_push_withheld(void **state)
{
	struct pushed *p = *state;
	struct buf text = BUF_INIT;
	static const char *const markings[] = {
		"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",  /* AMBER */
		"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",  /* AMBER+STRICT */
		"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",  /* RED */
		"marking-definition--11111111-2222-4333-8444-555555555555"}; /* not known */

	for (unsigned i = 0; i < COUNT_OF(markings); i++) {
		buf_clear(&text);
		testing_indicator(&text, 700 + i, 0, markings[i]);
		testing_put(&p->t, p->collection, buf_slice(&text));
	}
	push(p);
	assert_int_equal(p->counts.accepted, 501);
	assert_int_equal(p->counts.withheld, 3);
	push(p);
	assert_int_equal(p->counts.withheld, 0); /* told once */
	buf_fini(&text);
}

static void test_push_search(void **state)
{
	struct pushed *p = *state;
	struct slice type = SLICE("ipv4-addr");
	struct store_search search = {.types = &type, .types_count = 1};
	struct buf text = BUF_INIT;

	for (unsigned n = 0; n < 10; n++) {
		buf_clear(&text);
		testing_address(&text, n);
		testing_put(&p->t, p->collection, buf_slice(&text));
	}
	p->job.search = &search;
	push(p);
	assert_int_equal(p->counts.accepted, 10);
	push(p);
	assert_int_equal(p->counts.objects, 0);
	buf_clear(&text);
	testing_address(&text, 11);
	testing_put(&p->t, p->collection, buf_slice(&text));
	push(p);
	assert_int_equal(p->counts.accepted, 1);
	p->job.search = NULL; /* has a cursor of its own */
	push(p);
	assert_int_equal(p->counts.accepted, 511);
	buf_fini(&text);
}

/* ---- what the server says ---- */

static void test_push_failures(void **state)
{
	struct pushed *p = *state;

	p->odd.post_fails_every = 100;
	p->job.envelope_max = MIB(1);
	push(p);
	assert_int_equal(p->counts.accepted, 495);
	assert_int_equal(p->counts.failed, 5);
	assert_non_null(
		strstr(p->refused, "indicator--00000063-0000-4000-8000-000000000000: not wanted"));
	p->odd.post_counts_only = true; /* a status that does not name them */
	p->job.from_start = true;
	push(p);
	assert_int_equal(p->counts.accepted, 495);
	assert_int_equal(p->counts.failed, 5);
	assert_string_equal(p->refused, "");
}

static void test_push_pending(void **state)
{
	struct pushed *p = *state;

	p->odd.post_pending = true;
	p->job.envelope_max = MIB(1);
	push(p);
	assert_int_equal(atomic_load(&p->odd.looks), 3);
	assert_int_equal(p->waits, 3);
	assert_int_equal(p->counts.accepted, 500);
	assert_int_equal(p->counts.pending, 0);
}

/* Never complete: told so, and sent again by the next push. */
static void test_push_pending_forever(void **state)
{
	struct pushed *p = *state;

	p->odd.post_pending_forever = true;
	p->job.envelope_max = MIB(1);
	push(p);
	assert_int_equal(p->counts.accepted, 0);
	assert_int_equal(p->counts.pending, 500);
	assert_true(p->waits <= 30);
	p->odd.post_pending_forever = false;
	push(p);
	assert_int_equal(p->counts.accepted, 500);
}

static void test_push_wrong_url(void **state)
{
	struct pushed *p = *state;
	char url[128];

	odd_start(&p->odd);
	p->job.url = odd_url(&p->odd, "/api/", url); /* a root with more than one collection */
	assert_int_equal(taxii_push_run(p->t.intel, &p->job, &p->counts, &p->e), ERR_USAGE);
	p->job.url = odd_url(&p->odd, "/elsewhere/", url);
	assert_int_equal(taxii_push_run(p->t.intel, &p->job, &p->counts, &p->e), ERR_USAGE);
	p->job.url = "nonsense";
	assert_int_equal(taxii_push_run(p->t.intel, &p->job, &p->counts, &p->e), ERR_USAGE);
}

/* ---- to a server of ours and back ---- */

struct node {
	struct testing t;
	struct http_server *http;
	struct http_client *client;
};

static void node_start(struct node *n)
{
	struct store_account account = {
		.name = SLICE("partner"), .role = STORE_CONTRIBUTOR, .has_token = true};
	struct http_server_config config = {.listen = "127.0.0.1:0"};
	struct http_client_config client = {0};
	char token[64];
	struct err e;

	testing_open(&n->t, world_real());
	http_token_new(world_real(), token, account.token);
	assert_int_equal(store_account_put(n->t.store, &account, &e), OK);
	testing_right(&n->t, "partner", testing_collection(&n->t, "in", STIX_TLP_AMBER, false),
		STORE_MAY_READ | STORE_MAY_WRITE);
	config.routes = taxii_routes(n->t.server, &config.routes_count);
	config.context = n->t.server;
	config.store = n->t.store;
	config.world = world_real();
	config.log = &n->t.log;
	config.error = taxii_error;
	assert_int_equal(http_server_start(&config, &n->http, &e), OK);
	client.token = token;
	assert_int_equal(http_client_new(&client, &n->client, &e), OK);
}

static void node_stop(struct node *n)
{
	http_client_free(n->client);
	http_server_stop(n->http, 5);
	testing_close(&n->t);
}

/* The bytes of every object of a collection, in order, as one digest. */
static void digest_of(struct testing *t, int64_t collection, uint8_t ret_digest[SHA256_LEN])
{
	const struct intel_recipient us = {.reach = INTEL_OPERATOR};
	struct store_page page = {
		.collection = collection, .after_us = INT64_MIN, .versions = STORE_EVERY};
	struct store_reader *r = NULL;
	struct store_cursor *c = NULL;
	struct buf all = BUF_INIT;
	bool there = true;
	struct err e;

	assert_int_equal(store_reader_take(t->store, &r, &e), OK);
	assert_int_equal(intel_release_page(t->intel, r, &us, &page, &c, &e), OK);
	while (there) {
		struct store_row row;

		assert_int_equal(store_cursor_next(c, &row, &there, &e), OK);
		if (there)
			assert_int_equal(store_cursor_body(c, &all, &e), OK);
	}
	store_cursor_free(c);
	store_reader_give(r);
	assert_true(all.len > 0);
	hash_sha256(buf_slice(&all), ret_digest);
	buf_fini(&all);
}

/* What is pushed to a node and pulled from it by a third one is the same, byte for byte. */
static void test_push_then_pull(void **state)
{
	struct pushed *p = *state;
	struct node *middle = calloc(1, sizeof(*middle));
	struct testing *third = calloc(1, sizeof(*third));
	uint8_t digests[3][SHA256_LEN];
	struct taxii_pull pull = {.limit = 64, .once = true};
	struct intel_counts counts;
	struct buf text = BUF_INIT;
	char url[128];

	assert_non_null(middle);
	assert_non_null(third);
	for (unsigned v = 1; v < 4; v++) { /* versions, too */
		buf_clear(&text);
		testing_indicator(&text, 7, v, NULL);
		testing_put(&p->t, p->collection, buf_slice(&text));
	}
	node_start(middle);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/api/collections/in/",
		http_server_port(middle->http));
	p->job.http = middle->client;
	p->job.url = url;
	if (taxii_push_run(p->t.intel, &p->job, &p->counts, &p->e) != OK)
		fail_msg("%s", p->e.text);
	assert_int_equal(p->counts.accepted, 503);

	testing_open(third, NULL);
	pull.http = middle->client;
	pull.url = url;
	pull.source.member = SLICE("middle");
	if (taxii_pull_run(third->intel, &pull, &counts, &p->e) != OK)
		fail_msg("%s", p->e.text);
	assert_int_equal(counts.by_outcome[INTEL_NEW], 503);
	digest_of(&p->t, p->collection, digests[0]);
	digest_of(&middle->t, 1, digests[1]);
	digest_of(third, 1, digests[2]);
	assert_memory_equal(digests[0], digests[1], SHA256_LEN);
	assert_memory_equal(digests[0], digests[2], SHA256_LEN);
	testing_close(third);
	node_stop(middle);
	free(third);
	free(middle);
	buf_fini(&text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_push),
		TEST(test_push_killed),
		TEST(test_push_envelope_max),
		TEST(test_push_too_large),
		TEST(test_push_withheld),
		TEST(test_push_search),
		TEST(test_push_failures),
		TEST(test_push_pending),
		TEST(test_push_pending_forever),
		TEST(test_push_wrong_url),
		TEST(test_push_then_pull),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
