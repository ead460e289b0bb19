/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Any bytes as frames of one capture: two bytes of length and one that chooses link, cut and time
 * before each. Each frame lies in memory of its own, so that a byte read too far is seen.
 */
#include <stdlib.h>

#include "inside.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool drop(void *context, struct batch *b)
{
	*(uint64_t *)context += b->records_count;
	b->records_count = b->fields_count = 0;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned links[8] = {1, 1, 101, 113, 276, 0, 9, 108};
	struct world_fake w;
	struct packet_options options = {.roles = UINT64_MAX,
		.plant = true,
		.flows_max = 4,
		.buffered_max = KIB(64),
		.world = &w.world};
	struct packet_reader *r;
	uint64_t records = 0;
	int64_t time_us = 0;

	world_fake_init(&w, 1, 0);
	if (packet_reader_new(&options, (struct batch_sink){drop, &records}, &r, NULL) != OK)
		abort();
	while (size >= 3) {
		size_t len = (size_t)(data[0] << 8 | data[1]);
		uint8_t choice = data[2];
		char *frame;

		data += 3;
		size -= 3;
		if (len > size)
			len = size;
		frame = malloc(len == 0 ? 1 : len);
		if (frame == NULL)
			break;
		memcpy(frame, data, len);
		time_us += (choice >> 4) * US_PER_SECOND;
		if (!packet_frame(r, links[choice & 7], time_us, (struct slice){frame, len},
			    (uint32_t)len + ((choice & 8) != 0 ? 100 : 0)))
			abort();
		free(frame);
		data += len;
		size -= len;
		if (flows_count(r->flows) > 4 || flows_bytes(r->flows) > KIB(48) ||
			fragments_bytes(r->fragments) > KIB(16))
			abort();
	}
	(void)packet_end(r);
	if (r->counts.records != records || flows_bytes(r->flows) != 0)
		abort();
	PLANTED(records > 1 && r->counts.gaps > 0 && r->counts.malformed > 0 &&
		r->counts.overlaps > 0);
	packet_reader_free(r);
	return 0;
}
