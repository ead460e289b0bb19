/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What asking the policy costs on the way out: pages of 100 objects with and without it, in turn,
 * at random places of a large collection; and how soon a change of policy holds.
 *
 *   release_bench STORE COLLECTION [SECONDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "intel/intel.h"

#define PERMITS 200
#define FORBIDS 80
#define PAGE    100
#define PLACES  512
#define ROUNDS  9

static void must(enum err_kind kind, const struct err *e)
{
	if (kind == OK)
		return;
	fprintf(stderr, "release_bench: %s\n", e->text);
	exit(1);
}

static double seconds(void)
{
	return (double)world_monotonic(world_real()) / 1e6;
}

/* The first permits everything to kz; the others and the forbids are about somebody else, and are
 * looked at all the same. `last` tells one policy from another. */
static struct policy *policy_make(unsigned last)
{
	static const struct slice names[] = {
		{"kg", 2},
                {"kz", 2},
                {"uz", 2}
        };
	const struct policy_parties parties = {names, COUNT_OF(names)};
	struct buf text = BUF_INIT;
	struct policy *p = NULL;
	struct err e;

	buf_text(&text,
		"{\"type\":\"policy\",\"name\":\"bench\",\"version\":1,\"expires\":\"2999-01-"
		"01T00:00:00Z\",\"rules\":[{\"id\":\"all\",\"family\":\"exchange\",\"effect\":"
		"\"permit\",\"when\":{\"act\":[\"share\",\"reshare\"],\"to\":[\"kz\"],"
		"\"kind\":{\"not\":[\"opinion\"]},"
		"\"pii\":[\"none\",\"pseudonymous\",\"personal\",\"unknown\"],"
		"\"tlp\":[\"none\",\"clear\",\"green\",\"amber\"],\"pap\":[\"none\"]}}");
	for (unsigned i = 1; i < PERMITS; i++)
		buf_printf(&text,
			",{\"id\":\"p%u\",\"family\":\"exchange\",\"effect\":\"permit\",\"when\":{"
			"\"to\":[\"uz\"],\"kind\":[\"indicator\",\"malware\"],\"confidence\":{"
			"\"ge\":%u},"
			"\"age_days\":{\"le\":%u},\"sector\":[\"energy\"]}}",
			i, i % 20 * 5, 30 * (1 + (i + last) % 12));
	for (unsigned i = 0; i < FORBIDS; i++)
		buf_printf(&text,
			",{\"id\":\"f%u\",\"family\":\"exchange\",\"effect\":\"forbid\",\"when\":{"
			"\"to\":[\"uz\"],\"kind\":[\"report\"],\"confidence\":{\"ge\":%u},"
			"\"sector\":[\"water\"]}}",
			i, i % 20 * 5);
	buf_text(&text, "]}");
	must(policy_parse(buf_slice(&text), &parties, NULL, &p, &e), &e);
	buf_fini(&text);
	return p;
}

static void policy_in_force(struct intel *i, bool on, unsigned last)
{
	struct err e;

	must(intel_policy_set(i, on ? policy_make(last) : NULL, SLICE("kg"), &e), &e);
}

/* A page with its bodies; how many objects. */
static size_t page_read(
	struct intel *i, const struct intel_recipient *to, int64_t after_us, struct buf *body)
{
	const struct store_page page = {.collection = to->collection, .after_us = after_us};
	struct store_reader *r;
	struct store_cursor *c;
	size_t count = 0;
	struct err e;

	must(store_reader_take(intel_store(i), &r, &e), &e);
	must(intel_release_page(i, r, to, &page, &c, &e), &e);
	buf_clear(body);
	while (count < PAGE) {
		struct store_row row;
		struct intel_note note;
		bool more;

		must(store_cursor_next(c, &row, &more, &e), &e);
		if (!more)
			break;
		must(store_cursor_body(c, body, &e), &e);
		intel_released_note(i, r, to, &row, &note);
		count++;
	}
	store_cursor_free(c);
	store_reader_give(r);
	return count;
}

/* Of this thread, which reads, decides and unpacks all by itself: others do not count. */
static double processor_seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/*
 * The same pages asked of both in turn, so that whatever else the machine does meets both alike.
 * ret_rates: pages a second of processor time, of each.
 */
static void pages_in_turn(struct intel *const asked[2], const struct intel_recipient *to,
	const int64_t *places, double for_seconds, double ret_rates[2])
{
	struct buf body = BUF_INIT;
	double took[2] = {0}, from;
	uint64_t pages = 0, objects = 0;

	for (; took[0] + took[1] < 2 * for_seconds; pages++) {
		for (unsigned k = 0; k < 2; k++) {
			unsigned turn = (unsigned)(pages + k) % 2; /* the second finds it warm */

			from = processor_seconds();
			objects += page_read(asked[turn], to, places[pages % PLACES], &body);
			took[turn] += processor_seconds() - from;
		}
	}
	buf_fini(&body);
	if (objects < 2 * pages * PAGE * 9 / 10) {
		fprintf(stderr, "release_bench: pages of %.1f objects\n",
			(double)objects / (double)(2 * pages));
		exit(1);
	}
	for (unsigned k = 0; k < 2; k++)
		ret_rates[k] = (double)pages / took[k];
}

static uint64_t scan(struct intel *i, const struct intel_recipient *to)
{
	struct store_reader *r;
	struct store_cursor *c;
	uint64_t count = 0;
	struct err e;

	must(store_reader_take(intel_store(i), &r, &e), &e);
	must(intel_release_all(i, r, to, 0, true, &c, &e), &e);
	for (;;) {
		struct store_row row;
		bool more;

		must(store_cursor_next(c, &row, &more, &e), &e);
		if (!more)
			break;
		count++;
	}
	store_cursor_free(c);
	store_reader_give(r);
	return count;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *list)
{
	qsort(list, ROUNDS, sizeof(*list), ascending);
	return list[ROUNDS / 2];
}

/* Places all over the collection. */
static void places_find(struct intel *i, const struct store_collection *k, int64_t *places)
{
	struct store_reader *r;
	struct store_cursor *c;
	uint64_t n = 0, step = k->entries / (PLACES + 1);
	const struct store_page page = {.collection = k->number, .after_us = INT64_MIN};
	const struct intel_recipient us = {.reach = INTEL_OPERATOR};
	size_t found = 0;
	struct err e;

	must(store_reader_take(intel_store(i), &r, &e), &e);
	must(intel_release_page(i, r, &us, &page, &c, &e), &e);
	while (found < PLACES) {
		struct store_row row;
		bool more;

		must(store_cursor_next(c, &row, &more, &e), &e);
		if (!more)
			break;
		if (n++ % (step == 0 ? 1 : step) == 0)
			places[found++] = row.date_added_us;
	}
	store_cursor_free(c);
	store_reader_give(r);
	if (found < PLACES) {
		fprintf(stderr, "release_bench: a collection of %zu objects is too small\n", found);
		exit(1);
	}
	for (size_t k2 = PLACES - 1; k2 > 0; k2--) { /* in no order, always the same */
		size_t other = (k2 * 2654435761u) % (k2 + 1);
		int64_t place = places[k2];

		places[k2] = places[other];
		places[other] = place;
	}
}

static void changes_measure(
	struct intel *i, const struct intel_recipient *to, const int64_t *places)
{
	double set[ROUNDS], first[ROUNDS];
	struct buf body = BUF_INIT;
	double from, with, without;
	uint64_t count;

	for (unsigned n = 0; n < ROUNDS; n++) {
		struct policy *p = policy_make(n + 1);
		struct err e;

		from = seconds();
		must(intel_policy_set(i, p, SLICE("kg"), &e), &e);
		set[n] = seconds() - from;
		(void)page_read(i, to, places[n], &body);
		first[n] = seconds() - from;
	}
	printf("change of policy: %.3f ms, and its first page %.3f ms\n", median(set) * 1e3,
		median(first) * 1e3);
	policy_in_force(i, true, 99);
	from = seconds();
	count = scan(i, to);
	with = seconds() - from;
	policy_in_force(i, false, 0);
	from = seconds();
	(void)scan(i, to);
	without = seconds() - from;
	printf("every object decided after a change: %llu in %.2f s; without a policy %.2f s; the "
	       "policy's part %.2f s\n",
		(unsigned long long)count, with, without, with - without);
	buf_fini(&body);
}

int main(int count, char **args)
{
	const struct store_options options = {.mode = STORE_WRITE}; /* as a node */
	double for_seconds = count > 3 ? atof(args[3]) : 1;
	double with[ROUNDS], without[ROUNDS], ratio[ROUNDS];
	int64_t places[PLACES];
	struct arena *a = arena_new(MIB(16));
	struct store_collection collection;
	struct intel_recipient to = {.reach = INTEL_COLLECTION,
		.account = 1,
		.role = STORE_ADMINISTRATOR,
		.member = SLICE("kz")};
	struct store *s;
	struct intel *i, *asked[2];
	double rates[2];
	struct err e;
	bool found;

	if (count < 3 || a == NULL) {
		fprintf(stderr, "usage: release_bench STORE COLLECTION [SECONDS]\n");
		return 2;
	}
	must(store_open(args[1], &options, &s, &e), &e);
	must(store_collection_get(s, slice_of(args[2]), a, &collection, &found, &e), &e);
	if (!found) {
		fprintf(stderr, "release_bench: no collection \"%s\"\n", args[2]);
		return 2;
	}
	to.collection = collection.number;
	to.tlp_max = STIX_TLP_AMBER_STRICT;
	i = intel_new(s, world_real());
	if (i == NULL)
		return 1;
	places_find(i, &collection, places);
	policy_in_force(i, false, 0);
	asked[1] = intel_new(s, world_real());
	if (asked[1] == NULL)
		return 1;
	asked[0] = i;
	policy_in_force(asked[1], true, 0);
	pages_in_turn(asked, &to, places, for_seconds, rates); /* warm */
	for (unsigned n = 0; n < ROUNDS; n++) {
		pages_in_turn(asked, &to, places, for_seconds, rates);
		without[n] = rates[0];
		with[n] = rates[1];
		ratio[n] = with[n] / without[n];
	}
	intel_free(asked[1]);
	printf("pages of %d at %llu objects: %.0f a second of processor time without a policy, "
	       "%.0f with %d "
	       "permits and %d forbids: %.3f",
		PAGE, (unsigned long long)collection.entries, median(without), median(with),
		PERMITS, FORBIDS, median(ratio));
	printf(" [%.3f-%.3f]\n", ratio[0], ratio[ROUNDS - 1]); /* median sorted them */
	changes_measure(i, &to, places);
	intel_free(i);
	store_close(s);
	arena_free(a);
	return 0;
}
