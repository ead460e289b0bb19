/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A filter's file as an attacker would write it: as it is, and with its two checksums made right,
 * so that what stands behind them is reached. Whatever is taken can be probed.
 */
#include <stdlib.h>

#include "planted.h"
#include "segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void try(const char *bytes, size_t len)
{
	struct segment_facts facts;
	struct segment_filters f;
	uint64_t key = 1;

	if (segment_parse((struct slice){bytes, len}, &facts, &f, NULL) != OK)
		return;
	if (strlen(facts.path) >= SEGMENT_PATH_MAX || strlen(facts.format) >= SEGMENT_FORMAT_MAX)
		abort();
	PLANTED(facts.log.inode >> 32 != 0 && facts.first_record >> 32 != 0);
	for (unsigned i = 0; i < 1000; i++, key = key * UINT64_C(6364136223846793005) + 1) {
		for (unsigned tier = 0; tier < TIERS; tier++) {
			volatile bool has = f.tier[tier].cells > 0 && fuse_has(&f.tier[tier], key);

			(void)has;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	/* Aligned as a file that is read is; an exact copy, so that a sanitizer sees its end. */
	char *copy = malloc(len == 0 ? 1 : len);

	if (copy == NULL)
		return 0;
	memcpy(copy, bytes, len);
	try(copy, len);
	if (segment_resum(copy, len))
		try(copy, len);
	free(copy);
	return 0;
}
