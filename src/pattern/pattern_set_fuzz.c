/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Patterns, one a line, an empty line, then events, one a line: "seconds
 * role=value<TAB>role=value". No crash, and memory within its limit.
 */
#include <stdlib.h>

#include "mutate_text.h"
#include "pattern.h"
#include "planted.h"

#define STATE_MAX KIB(256)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good)
{
	if (!good)
		abort();
}

static bool on_hit(void *context, const struct batch *batch, const struct pattern_hit *hit)
{
	(void)context;
	require(hit->record < batch->records_count && hit->observations > 0);
	require(hit->evidence.len > 0 && hit->first_us <= hit->last_us);
	PLANTED(hit->observations > 1 && hit->last_us - hit->first_us > 30 * US_PER_SECOND);
	return true;
}

static void flush(struct pattern_set *set, struct batch *b)
{
	struct pattern_counts counts;

	require(pattern_set_batch(set, b, on_hit, NULL));
	b->records_count = b->fields_count = 0;
	pattern_counts(set, &counts);
	require(counts.memory <= STATE_MAX);
}

/* Values are copied, so that readers past their ends are seen. */
static void event_put(struct batch *b, struct slice line, uint64_t number, struct arena *a)
{
	struct record *r = &b->records[b->records_count];
	struct slice rest = line, part, head;
	enum event_role role;
	uint64_t seconds = 0;

	(void)slice_next(&rest, ' ', &head);
	*r = (struct record){"line", 4, 0, number, number, TIME_UNKNOWN};
	if (slice_to_u64(head, &seconds) && seconds < 4000000000u)
		r->time_us = (int64_t)seconds * US_PER_SECOND;
	while (b->fields_count < BATCH_FIELDS && slice_next(&rest, '\t', &part)) {
		size_t equal = slice_find(part, '=', 0);
		struct slice value = arena_copy(a, slice_cut(part, equal + 1, part.len));

		if (value.data != NULL && event_role_parse(slice_cut(part, 0, equal), &role))
			b->fields[b->fields_count++] = (struct field){value.data,
				(uint32_t)value.len, (uint16_t)b->records_count, (uint16_t)role};
	}
	b->records_count++;
}

static void run(struct pattern_set *set, struct slice events, struct batch *b, struct arena *a)
{
	struct slice line;
	uint64_t number = 0;

	while (slice_next(&events, '\n', &line)) {
		if (b->records_count == BATCH_RECORDS || b->fields_count + 16 > BATCH_FIELDS)
			flush(set, b);
		event_put(b, line, ++number, a);
	}
	flush(set, b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = {(const char *)data, size}, line;
	struct column columns[EVENT_ROLES];
	static struct batch *b; /* made once: that takes longer than most inputs */
	struct arena *a = arena_new(MIB(64));
	struct pattern_set *set = NULL;
	struct world_fake world;
	uint32_t number = 0;
	struct err e;

	if (b == NULL)
		b = calloc(1, sizeof(*b));
	world_fake_init(&world, 1, 0);
	if (b == NULL || a == NULL ||
		pattern_set_new(&(struct pattern_set_options){STATE_MAX, &world.world}, &set, &e) !=
			OK)
		goto done;
	for (unsigned k = 0; k < EVENT_ROLES; k++)
		columns[k] = (struct column){slice_of(event_role_row((enum event_role)k)->name),
			(uint8_t)k, (uint8_t)event_role_row((enum event_role)k)->kind, false};
	b->columns = columns;
	b->columns_count = EVENT_ROLES;
	b->detail = event_of_batch;
	while (slice_next(&rest, '\n', &line) && line.len > 0)
		(void)!pattern_set_add(set, line, number++, &e);
	if (pattern_set_ready(set, &e) == OK)
		run(set, rest, b, a);
done:
	pattern_set_free(set);
	arena_free(a);
	return 0;
}
