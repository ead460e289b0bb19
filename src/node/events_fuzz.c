/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What another member says of its logs in an event: what was taken, written again as we would say
 * it, is taken as the same; and once it is told here, it is what we hold.
 */
#include <stdlib.h>

#include "mutate_text.h"
#include "parts.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
	struct coalition_shown rows[EVENTS_ROWS_MAX];
	size_t count;
	uint64_t epoch;
};

static void hear(void *context, const struct coalition_shown *row)
{
	struct heard *h = context;

	if (h->count == EVENTS_ROWS_MAX || !note_name_valid(row->origin) || row->ours)
		abort();
	h->rows[h->count++] = *row;
}

static void rows_write(const struct heard *h, struct buf *out)
{
	buf_printf(out, "%llu", (unsigned long long)h->epoch);
	for (size_t i = 0; i < h->count; i++)
		buf_printf(out, "\n%.*s %llu %llu %llu", SLICE_ARG(h->rows[i].origin),
			(unsigned long long)h->rows[i].size, (unsigned long long)h->rows[i].quorum,
			(unsigned long long)h->rows[i].applied);
}

static bool row_equal(const struct coalition_shown *a, const struct coalition_shown *b)
{
	return slice_equal(a->origin, b->origin) && a->size == b->size && a->quorum == b->quorum &&
	       a->applied == b->applied;
}

static void read_again(const struct heard *h)
{
	struct heard *again = calloc(1, sizeof(*again));
	struct buf text = BUF_INIT;

	if (again == NULL)
		abort();
	rows_write(h, &text);
	if (events_read(buf_slice(&text), &again->epoch, hear, again, NULL) != OK ||
		again->epoch != h->epoch || again->count != h->count)
		abort();
	for (size_t i = 0; i < h->count; i++)
		if (!row_equal(&h->rows[i], &again->rows[i]))
			abort();
	buf_fini(&text);
	free(again);
}

/* Of a log that is told twice the last counts. */
static void hold(const struct heard *h)
{
	struct events *ev = NULL;

	if (events_open(world_real(), &ev, NULL) != OK)
		abort();
	(void)events_tell(ev, h->epoch, h->rows, h->count);
	for (size_t i = 0; i < h->count; i++) {
		const struct coalition_shown *last = &h->rows[i];
		size_t row = events_row(ev, last->origin);

		for (size_t k = i + 1; k < h->count; k++)
			if (slice_equal(h->rows[k].origin, last->origin))
				last = &h->rows[k];
		/* zeros alone are no news */
		if (row == EVENTS_ROWS_MAX || !events_hold(ev, row, last->size, last->quorum) ||
			(last->size < UINT64_MAX && events_hold(ev, row, last->size + 1, 0)))
			abort();
	}
	events_free(ev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard *h = calloc(1, sizeof(*h));
	const struct slice bytes = {(const char *)data, size};

	if (h == NULL)
		abort();
	if (events_read(bytes, &h->epoch, hear, h, NULL) == OK) {
		read_again(h);
		hold(h);
		PLANTED(h->count >= 3 && h->epoch > UINT32_MAX && h->rows[0].size > 1000 &&
			h->rows[1].applied > h->rows[1].size &&
			slice_equal(h->rows[0].origin, h->rows[2].origin));
	}
	free(h);
	return 0;
}
