/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A list of any bytes made into an index, then every line of it looked up: what was taken as an
 * indicator must be found again, in every way.
 */
#include <stdlib.h>
#include <unistd.h>

#include "match.h"
#include "mutate_text.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good)
{
	if (!good)
		abort();
}

struct again {
	struct index_matcher *m;
	struct batch batch;
	struct column column;
	char room[2 * EVENT_PADDING + FIELD_BYTES_MAX];
	size_t hits;
	size_t listed; /* indicators that the index says it has */
	enum field_kind kind;
	struct slice text;
};

static bool count_hit(void *context, const struct batch *batch, const struct index_hit *hit)
{
	struct again *g = context;

	require(hit->value.data >= batch->fields[0].data &&
		hit->value.data + hit->value.len <= batch->fields[0].data + batch->fields[0].len);
	if (g->kind == FIELD_NONE || (hit->kind == g->kind && slice_equal(hit->indicator, g->text)))
		g->hits++;
	return true;
}

static void field_set(struct again *g, enum field_kind kind, struct slice text)
{
	if (text.len > FIELD_BYTES_MAX)
		text.len = FIELD_BYTES_MAX;
	memcpy(g->room + EVENT_PADDING, text.data, text.len);
	g->column = (struct column){.kind = (uint8_t)kind};
	g->batch.columns = &g->column;
	g->batch.columns_count = g->batch.fields_count = g->batch.records_count = 1;
	g->batch.fields[0] =
		(struct field){.data = g->room + EVENT_PADDING, .len = (uint32_t)text.len};
	g->hits = 0;
}

/* What an index lists is found in a field of its own kind that holds it. */
static bool look_again(void *context, enum field_kind kind, struct slice text, uint32_t entry)
{
	struct again *g = context;
	bool network = kind == FIELD_ADDRESS && slice_find(text, '/', 0) < text.len;

	(void)entry;
	g->listed++;
	g->kind = kind;
	g->text = text;
	field_set(g, kind, network ? slice_cut(text, 0, slice_find(text, '/', 0)) : text);
	require(index_match(g->m, &g->batch, count_hit, g));
	require(g->hits > 0);
	return true;
}

static void key_seen(void *context, enum field_kind kind, struct slice normal)
{
	(void)kind;
	*(size_t *)context += normal.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice list = {(const char *)data, size}, rest = list, line;
	struct index_builder *b;
	struct index_entry entry = {.id = SLICE("fuzz"), .confidence = -1};
	struct world_fake world;
	struct again *g = calloc(1, sizeof(*g));
	struct index *x = NULL;
	char path[64];
	struct err e;

	world_fake_init(&world, 1, 0);
	b = index_builder_new(&world.world);
	if (g == NULL || b == NULL)
		goto done;
	require(index_builder_entry(b, &entry, NULL) == OK);
	require(index_builder_lines(b, size % 3 == 0 ? FIELD_NAME : FIELD_NONE, list, 1, NULL, NULL,
			NULL) == OK);
	if (size > 0 &&
		index_builder_value(b, (enum field_kind)(data[0] % FIELD_KINDS), list, &e) != OK)
		require(e.kind == ERR_INVALID);
	snprintf(path, sizeof(path), "/dev/shm/index_fuzz.%d", (int)getpid());
	require(index_builder_write(b, path, NULL, NULL) == OK);
	require(index_open(path, NULL, &x, NULL) == OK);
	unlink(path);
	g->m = index_matcher_new(x);
	require(g->m != NULL);
	for (int way = 0; way <= (int)match_way_best(&x->key); way++) {
		g->m->way = (enum match_way)way;
		g->listed = 0;
		require(index_each(x, look_again, g));
	}
	while (slice_next(&rest, '\n', &line)) {
		for (unsigned kind = 0; kind < FIELD_KINDS; kind++) {
			size_t first, sum = 0;

			if (line.len == 0)
				continue;
			g->kind = FIELD_NONE;
			field_set(g, (enum field_kind)kind, line);
			g->m->way = MATCH_CAREFUL;
			require(index_match(g->m, &g->batch, count_hit, g));
			first = g->hits;
			PLANTED(g->listed > 3 && kind == FIELD_FREE && first > 1);
			for (int way = 0; way <= (int)match_way_best(&x->key); way++) {
				g->hits = 0;
				g->m->way = (enum match_way)way;
				require(index_match(g->m, &g->batch, count_hit, g) &&
					g->hits == first);
			}
			index_field_keys(&g->column, &g->batch.fields[0], key_seen, &sum);
		}
	}
done:
	if (g != NULL)
		index_matcher_free(g->m);
	index_close(x);
	index_builder_free(b);
	free(g);
	return 0;
}
