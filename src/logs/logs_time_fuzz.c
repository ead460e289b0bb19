/* SPDX-License-Identifier: MPL-2.0 */
/* Any bytes as a time, and split at the first line end as a format and a time. */
#include <stdlib.h>

#include "lines.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is a time is one that can be written and read again. */
static void check(int64_t us)
{
	char text[TIME_TEXT_MAX];
	size_t len;

	if (us == TIME_UNKNOWN)
		return;
	/* offsets may lead out of the years 1 to 9999 */
	if (us < -INT64_C(62135596800) * US_PER_SECOND ||
		us >= INT64_C(253402300800) * US_PER_SECOND)
		return;
	len = time_format(us, 6, text);
	if (logs_time((struct slice){text, len}, NULL) != us)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = {(const char *)data, size};
	size_t cut = slice_find(text, '\n', 0);
	struct slice format = slice_cut(text, 0, cut);
	struct world_fake world;

	world_fake_init(&world, 1, INT64_C(1795500000000000));
	check(logs_time(text, &world.world));
	if (time_format_known(format)) {
		int64_t us = time_by_format(slice_cut(text, cut + 1, size), format, &world.world);

		check(us);
		PLANTED(us > INT64_C(4102444800) * US_PER_SECOND && us % 60000000 == 0 &&
			us / 60000000 % 60 < 10);
	}
	return 0;
}
