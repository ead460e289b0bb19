/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What an event costs when a set of patterns watches: CPU time per event, with 1 to 100,000
 * patterns, when none applies and when 1 % do, for patterns of several observations, and beside it
 * every pattern asked about every event in turn. Usage: pattern_bench [events]
 */
#include <stdlib.h>
#include <time.h>

#include "pattern/pattern.h"

#define NAMES  100000
#define ROUNDS 3 /* the least of so many is told: the machine is shared */

struct bench {
	struct pattern_set *set;
	struct batch batch;
	struct column columns[EVENT_ROLES];
	char (*text)[80]; /* one per field of a batch */
	uint64_t seed, hits;
	unsigned per_mille; /* events that some pattern is about */
};

static uint32_t roll(struct bench *b, uint32_t sides)
{
	b->seed = b->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(b->seed >> 33) % sides;
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool on_hit(void *context, const struct batch *batch, const struct pattern_hit *hit)
{
	struct bench *b = context;

	(void)batch;
	(void)hit;
	b->hits++;
	return true;
}

/* Nine of ten patterns in circulation are values; the rest conditions, names' ends and networks. */
static void pattern_write(struct bench *b, size_t number, struct buf *out)
{
	buf_clear(out);
	switch (number % 20) {
	case 0:
		buf_printf(out, "[domain-name:value LIKE '%%.bad%zu.example']", number);
		break;
	case 1:
		buf_printf(out, "[ipv4-addr:value ISSUBSET '203.%u.%u.0/24']", roll(b, 256),
			roll(b, 256));
		break;
	case 2:
	case 3:
		buf_printf(out,
			"[network-traffic:dst_ref.value = '198.%u.%u.%u' AND "
			"network-traffic:dst_port = 443]",
			18 + roll(b, 2), roll(b, 256), roll(b, 256));
		break;
	case 4:
		buf_printf(out,
			"[url:value = 'http://bad%zu.example/x' OR domain-name:value = "
			"'bad%zu.example']",
			number, number);
		break;
	case 5:
	case 6:
	case 7:
		buf_printf(out, "[ipv4-addr:value = '198.%u.%u.%u']", 18 + roll(b, 2), roll(b, 256),
			roll(b, 256));
		break;
	default:
		buf_printf(out, "[domain-name:value = 'bad%zu.example']", number);
	}
}

static void temporal_write(size_t number, struct buf *out)
{
	buf_clear(out);
	buf_printf(out,
		"([domain-name:value = 'bad%zu.example'] FOLLOWEDBY [domain-name:value = "
		"'bad%zu.example' AND "
		"domain-name:resolves_to_refs[*].value = '192.0.2.1']) WITHIN 60 SECONDS",
		number, number);
}

static void batch_field(struct bench *b, size_t record, enum event_role role)
{
	char *text = b->text[b->batch.fields_count];

	b->batch.fields[b->batch.fields_count++] = (struct field){
		text + 8, (uint32_t)strlen(text + 8), (uint16_t)record, (uint16_t)role};
}

#define FIELD(...) snprintf(b->text[b->batch.fields_count] + 8, 72, __VA_ARGS__)

/* A line as of a resolver's or a connection log: seven values. */
static void batch_fill(struct bench *b, uint64_t *number)
{
	b->batch.fields_count = b->batch.records_count = 0;
	while (b->batch.records_count < BATCH_RECORDS &&
		b->batch.fields_count + 8 <= BATCH_FIELDS) {
		size_t r = b->batch.records_count++;

		b->batch.records[r] = (struct record){"", 0, 0, ++*number, *number,
			INT64_C(1600000000000000) + (int64_t)*number * 1000};
		FIELD("10.%u.%u.%u", roll(b, 4), roll(b, 256), roll(b, 256));
		batch_field(b, r, ROLE_SOURCE_ADDRESS);
		FIELD("151.%u.%u.%u", roll(b, 256), roll(b, 256), roll(b, 256));
		batch_field(b, r, ROLE_DESTINATION_ADDRESS);
		FIELD("%u", 1024 + roll(b, 60000));
		batch_field(b, r, ROLE_SOURCE_PORT);
		FIELD("443");
		batch_field(b, r, ROLE_DESTINATION_PORT);
		FIELD("tcp");
		batch_field(b, r, ROLE_TRANSPORT);
		if (roll(b, 1000) < b->per_mille)
			FIELD("bad%u.example", 20 * roll(b, NAMES / 20) + 8);
		else
			FIELD("www%u.good%u.example", roll(b, 10), roll(b, 3000000));
		batch_field(b, r, ROLE_QUERY);
		FIELD("151.%u.%u.%u", roll(b, 256), roll(b, 256), roll(b, 256));
		batch_field(b, r, ROLE_ANSWER);
	}
}

static void set_make(struct bench *b, size_t patterns, bool temporal)
{
	struct pattern_set_options options = {0, world_real()};
	double begin = cpu_seconds();
	struct buf text = BUF_INIT;
	struct err e;

	if (pattern_set_new(&options, &b->set, &e) != OK)
		exit(1);
	for (size_t k = 0; k < patterns; k++) {
		if (temporal)
			temporal_write(k, &text);
		else
			pattern_write(b, patterns == 1 ? 8 : k, &text);
		if (pattern_set_add(b->set, buf_slice(&text), (uint32_t)k, &e) != OK) {
			fprintf(stderr, "%s\n", e.text);
			exit(1);
		}
	}
	if (pattern_set_ready(b->set, &e) != OK)
		exit(1);
	buf_fini(&text);
	if (patterns >= 100000)
		printf("  (compiled in %.2f s)\n", cpu_seconds() - begin);
}

static void measure(struct bench *b, const char *name, size_t patterns, unsigned per_mille,
	bool temporal, uint64_t events)
{
	double best = 1e9, begin;
	struct pattern_counts counts = {0};
	uint64_t number, batches = 0;

	b->per_mille = per_mille;
	set_make(b, patterns, temporal);
	for (int round = 0; round < ROUNDS; round++) {
		double spent = 0;

		b->hits = 0;
		batches = 0;
		for (number = 0; number < events; batches += b->batch.records_count) {
			batch_fill(b, &number);
			begin = cpu_seconds();
			if (!pattern_set_batch(b->set, &b->batch, on_hit, b))
				exit(1);
			spent += cpu_seconds() - begin;
		}
		best = spent < best ? spent : best;
	}
	pattern_counts(b->set, &counts);
	printf("%-44s %8zu patterns %7.0f ns/event  %llu hits, %.1f MB of state\n", name, patterns,
		best / (double)batches * 1e9, (unsigned long long)b->hits,
		(double)counts.memory / 1e6);
	pattern_set_free(b->set);
}

/* An event as observed-data, with its objects within. */
static void observe(struct bench *b, size_t record, struct pattern_observations *o,
	struct json_parser *parser, struct arena *a, uint64_t number)
{
	struct buf list = BUF_INIT, json = BUF_INIT, object = BUF_INIT;
	struct json_writer w = JSON_WRITER(&json);
	struct json_value value;
	struct event event;
	struct json_doc doc;
	char id[64];
	struct err e;

	arena_reset(a);
	if (!event_of_batch(&b->batch, record, a, &event) ||
		!event_stix(&event, UINT64_MAX, a, &list) ||
		json_parse(parser, buf_slice(&list), &doc, &e) != OK)
		exit(1);
	snprintf(id, sizeof(id), "observed-data--%llu", (unsigned long long)number);
	json_write_object(&w);
	json_member_text(&w, "type", "observed-data");
	json_member_text(&w, "id", id);
	json_member_time(&w, "first_observed", event.time_us, 6);
	json_member_time(&w, "last_observed", event.time_us, 6);
	json_member_i64(&w, "number_observed", 1);
	json_write_name(&w, "objects");
	json_write_object(&w);
	for (struct json_iter it = json_iter(json_root(&doc)); json_array_next(&it, &value);) {
		buf_clear(&object);
		if (json_canon(value, &object, &e) != OK)
			exit(1);
		json_write_name_slice(&w, json_get_string(value, "id"));
		json_write_raw(&w, buf_slice(&object));
	}
	json_write_end(&w, '}');
	json_write_end(&w, '}');
	if (pattern_observations_add(o, buf_slice(&json), &e) != OK)
		exit(1);
	buf_fini(&list);
	buf_fini(&json);
	buf_fini(&object);
}

/* Every pattern on every event, by the same evaluator: what there is without an index. */
static void naive(struct bench *b, size_t patterns, uint64_t events)
{
	struct pattern **list = calloc(patterns, sizeof(struct pattern *));
	struct pattern_observations *o = pattern_observations_new();
	struct json_parser *parser = json_parser_new(MIB(1));
	struct arena *a = arena_new(MIB(16));
	struct buf text = BUF_INIT;
	uint64_t number = 0, done = 0;
	double spent;
	bool answer;
	struct err e;

	b->per_mille = 0;
	for (size_t k = 0; k < patterns; k++) {
		pattern_write(b, k, &text);
		if (pattern_new(buf_slice(&text), &list[k], &e) != OK)
			exit(1);
	}
	while (done < events) {
		batch_fill(b, &number);
		for (size_t r = 0; r < b->batch.records_count && done < events; r++)
			observe(b, r, o, parser, a, done++);
	}
	spent = cpu_seconds();
	for (size_t k = 0; k < patterns; k++) {
		if (pattern_match(list[k], o, &answer, NULL, NULL, NULL, &e) != OK)
			exit(1);
	}
	spent = cpu_seconds() - spent;
	printf("%-44s %8zu patterns %7.0f ns/event  %.0f ns per pattern and event\n",
		"each pattern asked about each event", patterns, spent / (double)events * 1e9,
		spent / (double)events / (double)patterns * 1e9);
	for (size_t k = 0; k < patterns; k++)
		pattern_free(list[k]);
	free(list);
	pattern_observations_free(o);
	json_parser_free(parser);
	arena_free(a);
	buf_fini(&text);
}

int main(int argc, char **argv)
{
	uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 500000;
	struct bench *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return 1;
	b->text = calloc(BATCH_FIELDS + 2, sizeof(*b->text));
	if (b->text == NULL)
		return 1;
	b->seed = 1;
	for (unsigned k = 0; k < EVENT_ROLES; k++)
		b->columns[k] = (struct column){slice_of(event_role_row((enum event_role)k)->name),
			(uint8_t)k, (uint8_t)event_role_row((enum event_role)k)->kind, false};
	b->batch.columns = b->columns;
	b->batch.columns_count = EVENT_ROLES;
	b->batch.detail = event_of_batch;
	measure(b, "none applies", 1, 0, false, events);
	measure(b, "none applies", 1000, 0, false, events);
	measure(b, "none applies", NAMES, 0, false, events);
	measure(b, "1 % of the events are about one", NAMES, 10, false, events);
	measure(b, "FOLLOWEDBY WITHIN, none applies", NAMES, 0, true, events);
	measure(b, "FOLLOWEDBY WITHIN, 1 % see a first half", NAMES, 10, true, events);
	naive(b, 100, 1000);
	free(b->text);
	free(b);
	return 0;
}
