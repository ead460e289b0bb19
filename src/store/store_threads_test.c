/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Everything at once: writers, readers that follow a collection, lookups of what was just
 * acknowledged, and the idle work that moves ids, values, words and the log, while the clock jumps.
 * Nothing is lost, nothing comes twice, the order holds.
 */
#include "store_testing.h"

#include <pthread.h>
#include <stdatomic.h>

#define WRITERS   4
#define FOLLOWERS 4
#define BATCHES   50 /* per writer */
#define PER_BATCH 12
#define TOTAL     (WRITERS * BATCHES * PER_BATCH)

struct together {
	struct testing *t;
	struct store *s;
	int64_t collection;
	atomic_int writing;                /* writers still at it */
	atomic_uint acknowledged[WRITERS]; /* objects */
	struct store_object *objects;      /* [writer][batch][object] */
	atomic_int failures;
	atomic_llong clock;
	struct world world;
};

struct part {
	struct together *all;
	unsigned number;
	pthread_t thread;
	struct err e;
	const char *what;
};

static void fail_part(struct part *p, const char *what)
{
	if (p->what == NULL)
		p->what = what;
	p->all->failures++;
}

/* Jumps to and fro, but is a time. */
static int64_t jumping_now(void *context)
{
	struct together *all = context;
	long long tick = all->clock++;

	return T0 + (tick * 7919) % 100000;
}

static int64_t jumping_monotonic(void *context)
{
	return ((struct together *)context)->clock++;
}

static void no_random(void *context, void *ret_bytes, size_t len)
{
	(void)context;
	memset(ret_bytes, 7, len);
}

static unsigned id_at(unsigned writer, unsigned batch, unsigned object)
{
	return 1 + (writer * BATCHES + batch) * PER_BATCH + object;
}

static void *write_part(void *context)
{
	struct part *p = context;
	struct together *all = p->all;
	int64_t last_us = 0;

	for (unsigned b = 0; b < BATCHES && all->failures == 0; b++) {
		struct store_batch batch = {.objects = &all->objects[id_at(p->number, b, 0) - 1],
			.count = PER_BATCH,
			.collections = &all->collection,
			.collections_count = 1,
			.member = SLICE("self")};
		struct store_result results[PER_BATCH];

		if (store_append(all->s, &batch, results, &p->e) != OK) {
			fail_part(p, "could not append");
			break;
		}
		for (unsigned i = 0; i < PER_BATCH; i++) {
			if (results[i].outcome != STORE_NEW || results[i].date_added_us <= last_us)
				fail_part(p, "an outcome or date is wrong");
			last_us = results[i].date_added_us;
		}
		all->acknowledged[p->number] = (b + 1) * PER_BATCH;
	}
	all->writing--;
	return NULL;
}

/* As a TAXII client does it: pages of some size, each after the last date of the one before. */
static void *follow_part(void *context)
{
	struct part *p = context;
	struct together *all = p->all;
	unsigned page_size = 1 + p->number * 17, count = 0;
	int64_t after_us = INT64_MIN;
	uint8_t *seen = calloc(TOTAL + 1, 1);
	bool finished = false;

	while (!finished && all->failures == 0) {
		bool last_round = all->writing == 0;
		struct store_page page = {
			.collection = all->collection, .after_us = after_us, .audience = EVERYBODY};
		struct store_cursor *c = NULL;
		struct store_reader *r = NULL;
		struct store_row row;
		bool more = true;

		if (store_reader_take(all->s, &r, &p->e) != OK ||
			store_page_open(r, &page, &c, &p->e) != OK)
			fail_part(p, "could not open a page");
		for (unsigned i = 0; c != NULL && i < page_size; i++) {
			unsigned id;

			if (store_cursor_next(c, &row, &more, &p->e) != OK)
				fail_part(p, "could not read a page");
			if (!more || p->what != NULL)
				break;
			id = (unsigned)row.uuid.bytes[14] << 8 | row.uuid.bytes[15];
			if (row.date_added_us <= after_us || seen[id]++)
				fail_part(p, "out of order, or twice");
			after_us = row.date_added_us;
			count++;
		}
		store_cursor_free(c);
		store_reader_give(r);
		finished = last_round && !more;
	}
	if (all->failures == 0 && count != TOTAL)
		fail_part(p, "something is missing");
	free(seen);
	return NULL;
}

/* What was acknowledged is found: by its id, its value, its word. */
static void *look_part(void *context)
{
	struct part *p = context;
	struct together *all = p->all;
	struct arena *a = arena_new(MIB(1));

	for (unsigned round = 0; all->writing > 0 && all->failures == 0; round++) {
		unsigned writer = round % WRITERS, count = all->acknowledged[writer];
		unsigned id = count == 0 ? 0 : id_at(writer, 0, round * 31 % count);
		struct uuid uuid = id_of(id);
		struct store_search search = {.audience = EVERYBODY};
		struct store_reader *r = NULL;
		struct store_cursor *c = NULL;
		struct store_row row;
		struct stix_value value;
		bool found = false;

		if (id == 0)
			continue;
		arena_reset(a);
		if (store_reader_take(all->s, &r, &p->e) != OK ||
			store_get(r, SLICE("indicator"), &uuid, EVERYBODY, &row, NULL, &found,
				&p->e) != OK ||
			!found)
			fail_part(p, "an acknowledged object is not found by its id");
		if (round % 3 == 0)
			search.text = arena_printf(a, "word%u", id);
		else if (stix_value_guess(arena_printf(a, "h%u.example", id), a, &value))
			search.value = &value;
		if (p->what == NULL && (store_search_open(r, &search, &c, &p->e) != OK ||
					       store_cursor_next(c, &row, &found, &p->e) != OK ||
					       !found || !uuid_equal(&row.uuid, &uuid)))
			fail_part(p, "an acknowledged object is not found by search");
		store_cursor_free(c);
		store_reader_give(r);
	}
	arena_free(a);
	return NULL;
}

static void *idle_part(void *context)
{
	struct part *p = context;
	struct together *all = p->all;

	while (all->writing > 0 && all->failures == 0)
		if (store_idle(all->s, &p->e) != OK || store_index_text(all->s, &p->e) != OK)
			fail_part(p, "idle work failed");
	return NULL;
}

static void test_together(void **state)
{
	struct testing *t = *state;
	struct together *all = calloc(1, sizeof(*all));
	struct part parts[WRITERS + FOLLOWERS + 2];
	struct store_options options = {.mode = STORE_WRITE, .readers_max = 3};
	size_t count = 0;

	assert_non_null(all);
	all->t = t;
	all->collection = testing_collection(t, 1);
	all->objects = ARENA_ARRAY(t->arena, struct store_object, TOTAL);
	for (unsigned id = 1; id <= TOTAL; id++)
		all->objects[id - 1] = testing_object(
			t, (struct object_words){
				   .id = id,
				   .version_us = 1,
				   .name = arena_printf(t->arena, "word%u all", id).data,
				   .refs = {id / 3 + 1, id + 5              },
				   .marks = {                       5000 + id % 4         },
				   .values = { arena_printf(t->arena,          "h%u.example", id).data}
                });
	testing_close(t);
	all->world = (struct world){jumping_now, jumping_monotonic, no_random, all};
	options.world = &all->world;
	ASSERT_OK(t, store_open(t->folder, &options, &all->s, &t->e));
	all->writing = WRITERS;
	memset(parts, 0, sizeof(parts));
	for (unsigned i = 0; i < WRITERS; i++)
		parts[count++].number = i;
	for (unsigned i = 0; i < FOLLOWERS; i++)
		parts[count++].number = i;
	count += 2;
	for (size_t i = 0; i < count; i++) {
		void *(*run)(void *) = i < WRITERS                ? write_part
				       : i < WRITERS + FOLLOWERS  ? follow_part
				       : i == WRITERS + FOLLOWERS ? look_part
								  : idle_part;

		parts[i].all = all;
		assert_int_equal(pthread_create(&parts[i].thread, NULL, run, &parts[i]), 0);
	}
	for (size_t i = 0; i < count; i++)
		pthread_join(parts[i].thread, NULL);
	for (size_t i = 0; i < count; i++)
		if (parts[i].what != NULL)
			fail_msg("part %zu: %s: %s", i, parts[i].what, parts[i].e.text);
	store_close(all->s);
	free(all);
	testing_open(t, STORE_WRITE);
	testing_verify(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_together, testing_setup, testing_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
