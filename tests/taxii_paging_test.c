/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Eight writers post while eight readers page through the same collection, over sockets, with every
 * limit from 1 to 1000, by `next` and by the X-TAXII-Date-Added-Last header alone, under a clock
 * that jumps both ways. What each walk saw must be exactly the beginning of what the collection
 * holds in the end: nothing lost, nothing repeated, order kept.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "taxii_testing.h"

#define WRITERS     8
#define READERS     8
#define LIMITS      1000 /* 1 to 1000 */
#define WALKS       (2 * LIMITS)
#define POSTS       70 /* by each writer */
#define OBJECTS_MAX 8  /* in a post */
#define ENTRIES_MAX (WRITERS * POSTS * OBJECTS_MAX)
#define START_US    INT64_C(1767225600000000)

/* An object as a walk sees it: the indicator's number and its version. */
struct entry {
	uint32_t number, version;
};

struct paging {
	struct testing t;
	struct http_server *http;
	struct world clock;
	atomic_uint_fast64_t ticks;
	char tokens[2][64]; /* writer, reader */

	pthread_mutex_t lock;
	pthread_cond_t moved;
	unsigned walks_begun, walks_done;
	struct entry *walks[WALKS]; /* what each one saw */
	size_t walk_lens[WALKS];
	unsigned posted;   /* objects that were acknowledged */
	char failure[512]; /* the first one */
};

/* ---- a clock that jumps --------------------------------------------------------------------- */

/* Three microseconds a look; now and then a second or an hour back for one look, and twice for
 * good. */
static int64_t jumping_now(void *context)
{
	struct paging *p = context;
	int64_t n = (int64_t)atomic_fetch_add(&p->ticks, 1);
	int64_t now = START_US + n * 3;

	if (n % 11 == 0)
		now -= US_PER_SECOND;
	if (n % 101 == 0)
		now -= 3600 * US_PER_SECOND;
	if (n > 300)
		now -= 600 * US_PER_SECOND;
	if (n > 600)
		now += 1200 * US_PER_SECOND;
	return now;
}

static int64_t jumping_monotonic(void *context)
{
	(void)context;
	return world_monotonic(world_real());
}

static void jumping_random(void *context, void *ret_bytes, size_t len)
{
	(void)context;
	world_real()->random(world_real()->context, ret_bytes, len);
}

/* ---- threads' own troubles ------------------------------------------------------------------ */

PRINTF(2, 3)
static void failed(struct paging *p, const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&p->lock);
	if (p->failure[0] == '\0') {
		va_start(args, format);
		vsnprintf(p->failure, sizeof(p->failure), format, args);
		va_end(args);
	}
	pthread_cond_broadcast(&p->moved);
	pthread_mutex_unlock(&p->lock);
}

static bool is_failed(struct paging *p)
{
	bool is;

	pthread_mutex_lock(&p->lock);
	is = p->failure[0] != '\0';
	pthread_mutex_unlock(&p->lock);
	return is;
}

/* ---- writers --------------------------------------------------------------------------------- */

struct writer {
	struct paging *p;
	unsigned number;
	pthread_t thread;
};

/* Posts are spread over the time that the walks take: the n-th waits for its share of them. */
static void wait_for_turn(struct paging *p, unsigned post)
{
	unsigned share = post * (WALKS - READERS) / POSTS;

	pthread_mutex_lock(&p->lock);
	while (p->walks_done < share && p->failure[0] == '\0')
		pthread_cond_wait(&p->moved, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

/* New objects and, from the second post on, newer versions of the writer's own. */
static unsigned envelope_make(unsigned writer, unsigned post, struct buf *text)
{
	unsigned count = 1 + (post * 7 + writer) % OBJECTS_MAX;

	buf_clear(text);
	buf_text(text, "{\"objects\":[");
	for (unsigned i = 0; i < count; i++) {
		bool newer = post > 0 && i % 3 == 2;
		unsigned number = writer * 100000 + (newer ? 0 : post) * 100 + (newer ? 0 : i);

		if (i > 0)
			buf_char(text, ',');
		testing_indicator(text, number, newer ? post * OBJECTS_MAX + i : 0, NULL);
	}
	buf_text(text, "]}");
	return count;
}

static void *writer_run(void *context)
{
	struct writer *w = context;
	struct paging *p = w->p;
	struct http_client_config config = {.token = p->tokens[0]};
	struct json_parser *parser = json_parser_new(MIB(1));
	struct http_client *client = NULL;
	struct buf text = BUF_INIT;
	char url[128];
	struct err e;

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/api/collections/all/objects/",
		http_server_port(p->http));
	if (parser == NULL || http_client_new(&config, &client, &e) != OK)
		failed(p, "writer: no client");
	for (unsigned post = 0; post < POSTS && !is_failed(p); post++) {
		struct http_call call = {.method = HTTP_POST,
			.url = url,
			.accept = TAXII_TYPE,
			.content_type = TAXII_TYPE,
			.body_max = MIB(1)};
		unsigned count = envelope_make(w->number, post, &text);
		struct http_answer answer;
		struct json_value v;
		struct json_doc doc;
		int64_t successes = 0;
		bool again;

		wait_for_turn(p, post);
		call.body = buf_slice(&text);
		if (http_client_call(client, &call, &answer, &again, &e) != OK) {
			failed(p, "post: %s", e.text);
		} else if (answer.status != 202 ||
			   json_parse(parser, buf_slice(&answer.body), &doc, &e) != OK ||
			   !json_get(json_root(&doc), "success_count", &v) ||
			   !json_to_i64(v, &successes) || successes != count) {
			failed(p, "post: %u: %.*s", answer.status,
				SLICE_ARG(buf_slice(&answer.body)));
		}
		pthread_mutex_lock(&p->lock);
		p->posted += count;
		pthread_mutex_unlock(&p->lock);
	}
	http_client_free(client);
	json_parser_free(parser);
	buf_fini(&text);
	return NULL;
}

/* ---- readers --------------------------------------------------------------------------------- */

struct walk {
	struct paging *p;
	struct http_client *client;
	struct json_parser *parser;
	unsigned limit;
	bool by_next;
	struct entry *seen;
	size_t count;
	char place[64]; /* next, or the header */
	bool more;
};

static struct entry entry_of(struct json_value object)
{
	struct slice modified = json_get_string(object, "modified");
	struct entry entry = {0, 0};
	unsigned seconds = 0, milliseconds = 0;

	sscanf(json_get_string(object, "id").data, "indicator--%8x", &entry.number);
	if (modified.len == 24)
		sscanf(modified.data + 17, "%2u.%3u", &seconds, &milliseconds);
	entry.version = seconds * 1000 + milliseconds;
	return entry;
}

static void page_take(struct walk *w, const struct http_answer *answer)
{
	struct json_value list, v;
	struct json_doc doc;
	size_t count = 0;
	struct slice place;
	struct err e;

	if (answer->status != 200 ||
		json_parse(w->parser, buf_slice(&answer->body), &doc, &e) != OK) {
		failed(w->p, "page: %u: %.200s", answer->status, answer->body.data);
		return;
	}
	w->more = json_get(json_root(&doc), "more", &v) && json_is_true(v);
	if (json_get(json_root(&doc), "objects", &list)) {
		for (struct json_iter it = json_iter(list); json_array_next(&it, &v); count++) {
			if (w->count < ENTRIES_MAX)
				w->seen[w->count++] = entry_of(v);
		}
	}
	if (count > w->limit)
		failed(w->p, "limit %u: %zu objects", w->limit, count);
	if (count < w->limit && w->more)
		failed(w->p, "limit %u: %zu objects and more", w->limit, count);
	place = w->by_next ? json_get_string(json_root(&doc), "next")
			   : http_answer_header(answer, "X-TAXII-Date-Added-Last");
	if (place.len >= sizeof(w->place) || (w->more && place.len == 0))
		failed(w->p, "limit %u: more, and nothing to go on by", w->limit);
	else
		snprintf(w->place, sizeof(w->place), "%.*s", SLICE_ARG(place));
}

static void walk_run(struct walk *w)
{
	struct err e;

	w->place[0] = '\0';
	w->count = 0;
	w->more = true;
	while (w->more && !is_failed(w->p)) {
		struct http_call call = {
			.method = HTTP_GET, .accept = TAXII_TYPE, .body_max = MIB(64)};
		struct http_answer answer;
		char url[256];
		bool again;

		snprintf(url, sizeof(url),
			"http://127.0.0.1:%u/api/collections/all/objects/"
			"?match[version]=all&limit=%u%s%s",
			http_server_port(w->p->http), w->limit,
			w->place[0] == '\0' ? ""
			: w->by_next        ? "&next="
					    : "&added_after=",
			w->place);
		call.url = url;
		if (http_client_call(w->client, &call, &answer, &again, &e) != OK)
			failed(w->p, "page: %s", e.text);
		else
			page_take(w, &answer);
	}
}

/* Takes the next walk until all are done; the k-th has every limit once by next and once by header,
 * small ones spread among large ones. */
static void *reader_run(void *context)
{
	struct paging *p = context;
	struct http_client_config config = {.token = p->tokens[1]};
	struct walk w = {.p = p,
		.parser = json_parser_new(MIB(16)),
		.seen = calloc(ENTRIES_MAX, sizeof(struct entry))};
	struct err e;

	if (w.parser == NULL || w.seen == NULL || http_client_new(&config, &w.client, &e) != OK)
		failed(p, "reader: no client");
	while (!is_failed(p)) {
		struct entry *kept;
		unsigned k;

		pthread_mutex_lock(&p->lock);
		k = p->walks_begun < WALKS ? p->walks_begun++ : WALKS;
		pthread_mutex_unlock(&p->lock);
		if (k == WALKS)
			break;
		w.limit = k % LIMITS * 387 % LIMITS + 1;
		w.by_next = k < LIMITS;
		walk_run(&w);
		kept = malloc((w.count + 1) * sizeof(*kept));
		if (kept == NULL)
			abort();
		memcpy(kept, w.seen, w.count * sizeof(*kept));
		pthread_mutex_lock(&p->lock);
		p->walks[k] = kept;
		p->walk_lens[k] = w.count;
		p->walks_done++;
		pthread_cond_broadcast(&p->moved);
		pthread_mutex_unlock(&p->lock);
	}
	http_client_free(w.client);
	json_parser_free(w.parser);
	free(w.seen);
	return NULL;
}

/* ---- the truth ------------------------------------------------------------------------------- */

/* What the collection holds in the end, from the store itself. */
static size_t truth_read(struct paging *p, int64_t collection, struct entry *ret_entries)
{
	const struct intel_recipient us = {.reach = INTEL_OPERATOR};
	struct store_page page = {
		.collection = collection, .after_us = INT64_MIN, .versions = STORE_EVERY};
	struct store_reader *r = NULL;
	struct store_cursor *c = NULL;
	int64_t last_us = INT64_MIN;
	size_t count = 0;
	bool there = true;
	struct err e;

	assert_int_equal(store_reader_take(p->t.store, &r, &e), OK);
	assert_int_equal(intel_release_page(p->t.intel, r, &us, &page, &c, &e), OK);
	for (;;) {
		struct buf body = BUF_INIT;
		struct json_doc doc;
		struct store_row row;

		assert_int_equal(store_cursor_next(c, &row, &there, &e), OK);
		if (!there)
			break;
		assert_true(row.date_added_us > last_us); /* strictly, whatever the clock did */
		last_us = row.date_added_us;
		assert_true(count < ENTRIES_MAX);
		assert_int_equal(store_cursor_body(c, &body, &e), OK);
		assert_int_equal(json_parse(p->t.parser, buf_slice(&body), &doc, &e), OK);
		ret_entries[count++] = entry_of(json_root(&doc));
		buf_fini(&body);
	}
	store_cursor_free(c);
	store_reader_give(r);
	return count;
}

static void token_account(struct paging *p, const char *name, enum store_role role, char token[64])
{
	struct store_account account = {.name = slice_of(name), .role = role, .has_token = true};
	struct err e;

	http_token_new(world_real(), token, account.token);
	assert_int_equal(store_account_put(p->t.store, &account, &e), OK);
}

static void server_start(struct paging *p)
{
	struct http_server_config config = {.listen = "127.0.0.1:0"};
	struct err e;

	config.routes = taxii_routes(p->t.server, &config.routes_count);
	config.context = p->t.server;
	config.store = p->t.store;
	config.world = world_real();
	config.log = &p->t.log;
	config.error = taxii_error;
	assert_int_equal(http_server_start(&config, &p->http, &e), OK);
}

/* Objects of one writer stand in the order in which it posted them: by post, then by place. */
static void assert_writers_order(const struct entry *truth, size_t count)
{
	unsigned last_post[WRITERS] = {0};

	for (size_t i = 0; i < count; i++) {
		unsigned writer = truth[i].number / 100000;
		unsigned post = truth[i].version > 0 ? truth[i].version / OBJECTS_MAX
						     : truth[i].number % 100000 / 100;

		assert_true(writer < WRITERS);
		assert_true(post >= last_post[writer]);
		last_post[writer] = post;
	}
}

static void test_paging_while_posting(void **state)
{
	struct paging *p = calloc(1, sizeof(*p));
	struct entry *truth = calloc(ENTRIES_MAX, sizeof(*truth));
	struct writer writers[WRITERS];
	pthread_t readers[READERS];
	size_t count, shorter = 0;
	int64_t collection;

	(void)state;
	assert_non_null(p);
	assert_non_null(truth);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->moved, NULL);
	p->clock = (struct world){jumping_now, jumping_monotonic, jumping_random, p};
	testing_open(&p->t, &p->clock);
	collection = testing_collection(&p->t, "all", STIX_TLP_AMBER, false);
	token_account(p, "writer", STORE_CONTRIBUTOR, p->tokens[0]);
	token_account(p, "reader", STORE_READER, p->tokens[1]);
	testing_right(&p->t, "writer", collection, STORE_MAY_WRITE);
	testing_right(&p->t, "reader", collection, STORE_MAY_READ);
	server_start(p);

	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){.p = p, .number = i};
		assert_int_equal(
			pthread_create(&writers[i].thread, NULL, writer_run, &writers[i]), 0);
	}
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, reader_run, p), 0);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	http_server_stop(p->http, 5);
	if (p->failure[0] != '\0')
		fail_msg("%s", p->failure);

	count = truth_read(p, collection, truth);
	assert_int_equal(count, p->posted); /* nothing that was acknowledged is missing */
	assert_writers_order(truth, count);
	for (unsigned k = 0; k < WALKS; k++) {
		assert_true(p->walk_lens[k] <= count);
		shorter += p->walk_lens[k] < count;
		/* exactly the beginning of it: nothing lost, nothing repeated, order kept */
		if (p->walk_lens[k] > 0 &&
			memcmp(p->walks[k], truth, p->walk_lens[k] * sizeof(*truth)) != 0)
			fail_msg("limit %u by %s", k % LIMITS * 387 % LIMITS + 1,
				k < LIMITS ? "next" : "header");
		free(p->walks[k]);
	}
	assert_true(shorter > WALKS / 2); /* most of them ran while there was still writing */
	print_message("%zu objects, %d walks, %zu while writing\n", count, WALKS, shorter);
	testing_close(&p->t);
	pthread_cond_destroy(&p->moved);
	pthread_mutex_destroy(&p->lock);
	free(truth);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_paging_while_posting)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
