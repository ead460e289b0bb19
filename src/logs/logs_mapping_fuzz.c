/* SPDX-License-Identifier: MPL-2.0 */
/* Any bytes as a mapping file; one that is taken is used on a table. */
#include "logs_testing.h"
#include "mutate_text.h"
#include "parts.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has(const struct buf *found, const char *text)
{
	return slice_find_text(buf_slice(found), slice_of(text)) < found->len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = {(const char *)data, size};
	struct logs_look look = {.format = LOGS_CSV, .roles = ~UINT64_C(0), .details = true};
	struct logs_mapping *m = NULL;
	struct logs_counts counts;
	struct err e;
	struct buf found;

	if (size > KIB(64) || logs_mapping_parse(text, "fuzz", &m, &e) != OK)
		return 0;
	look.mapping = m;
	found = logs_look_at(&look, SLICE("a,b,time\n192.0.2.1,b.example,2026-11-23\n"), &counts);
	PLANTED(counts.records == 1 && has(&found, "1795392000000000") &&
		has(&found, ":destination.address:") && has(&found, ":dns.answer:"));
	buf_fini(&found);
	logs_mapping_free(m);
	return 0;
}
