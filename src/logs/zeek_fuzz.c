/* SPDX-License-Identifier: MPL-2.0 */
/* Any bytes as a Zeek log: read at once and in pieces, with the same result. */
#include <stdlib.h>

#include "logs_testing.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice log = {(const char *)data, size};
	struct logs_look look = {.format = LOGS_ZEEK_TSV, .roles = ~UINT64_C(0), .details = true};
	struct logs_counts once, pieces;
	struct buf a, b;

	if (size == 0 || size > KIB(64))
		return 0;
	(void)logs_guess(log, "x.log");
	a = logs_look_at(&look, log, &once);
	look.chunk = 1 + data[size - 1] + size / 64;
	b = logs_look_at(&look, log, &pieces);
	if (a.len != b.len || memcmp(a.data, b.data, a.len) != 0 ||
		memcmp(&once, &pieces, sizeof(once)) != 0)
		abort();
	PLANTED(once.records > 5 && once.problems > 2 && once.cut_fields == 0);
	buf_fini(&a);
	buf_fini(&b);
	look.sift = size; /* lines left out: counted all the same */
	b = logs_look_at(&look, log, &pieces);
	if (memcmp(&once, &pieces, sizeof(once)) != 0)
		abort();
	buf_fini(&b);
	return 0;
}
