/* SPDX-License-Identifier: MPL-2.0 */
/* A baseline's file: what is read can be written, and read again to the same bytes. */
#include <stdlib.h>

#include "baseline.h"
#include "mutate_text.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct world_fake world;
	struct baseline_options o = {.world = &world.world, .tuples_max = 16};
	struct baseline *b, *again;
	struct buf text = BUF_INIT, back = BUF_INIT;
	struct baseline_counts counts;
	struct err e;

	world_fake_init(&world, 1, 0);
	if (baseline_read((struct slice){(const char *)bytes, len}, &o, &b, &e) != OK)
		return 0;
	baseline_counts(b, &counts);
	PLANTED(counts.known > 2 && counts.fresh > 1 && counts.days > 9);
	if (baseline_write(b, &text, &e) != OK ||
		baseline_read(buf_slice(&text), &o, &again, &e) != OK ||
		baseline_write(again, &back, &e) != OK ||
		!slice_equal(buf_slice(&text), buf_slice(&back)))
		abort();
	baseline_free(b);
	baseline_free(again);
	buf_fini(&text);
	buf_fini(&back);
	return 0;
}
