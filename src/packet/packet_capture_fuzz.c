/* SPDX-License-Identifier: MPL-2.0 */
/* Any bytes as a capture file, whole and in pieces: the same records, and counters within limits.
 */
#include <stdlib.h>

#include "inside.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
	uint64_t records, fields, hash;
};

static bool add_up(void *context, struct batch *b)
{
	struct sum *s = context;
	struct arena *a = arena_new(MIB(4));
	struct event e;

	s->records += b->records_count;
	s->fields += b->fields_count;
	for (size_t i = 0; i < b->fields_count; i++)
		for (size_t k = 0; k < b->fields[i].len; k++)
			s->hash = s->hash * 31 + (uint8_t)b->fields[i].data[k];
	if (a == NULL || !b->detail(b, b->records_count - 1, a, &e))
		abort();
	arena_free(a);
	b->records_count = b->fields_count = 0;
	return true;
}

static struct sum read_all(const char *bytes, size_t len, size_t piece)
{
	struct sum s = {0};
	struct world_fake w;
	struct packet_options options = {.roles = UINT64_MAX,
		.plant = true,
		.flows_max = 8,
		.buffered_max = KIB(256),
		.world = &w.world};
	struct packet_reader *r;
	struct packet_counts c;
	size_t at = 0, end = 0, taken;
	enum err_kind kind;

	world_fake_init(&w, 1, 0);
	if (packet_reader_new(&options, (struct batch_sink){add_up, &s}, &r, NULL) != OK)
		abort();
	do {
		end = piece == 0 || len - end < piece ? len : end + piece;
		kind = packet_feed(
			r, (struct slice){bytes + at, end - at}, end == len, &taken, NULL);
		if (taken > end - at)
			abort();
		at += taken;
	} while (kind == OK && end < len);
	(void)packet_end(r);
	packet_counts(r, &c);
	if (c.records != s.records || c.frames > len / 16 + 1)
		abort();
	if (r->flows != NULL && (flows_count(r->flows) > 8 || flows_bytes(r->flows) != 0))
		abort();
	PLANTED(c.records > 2 && c.malformed > 1 && c.cut > 0);
	packet_reader_free(r);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *padded = calloc(1, size + 2 * EVENT_PADDING);
	struct sum whole, pieces;

	if (padded == NULL || size > MIB(1)) {
		free(padded);
		return 0;
	}
	memcpy(padded + EVENT_PADDING, data, size);
	whole = read_all(padded + EVENT_PADDING, size, 0);
	pieces = read_all(padded + EVENT_PADDING, size, 1 + size % 97);
	if (memcmp(&whole, &pieces, sizeof(whole)) != 0)
		abort();
	free(padded);
	return 0;
}
