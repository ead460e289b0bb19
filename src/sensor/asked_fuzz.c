/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The file of asked values, as it is and with its checksum made right, so that what stands behind
 * it is reached. What is taken is written again to the same head, and each hash of it is found as
 * long as they ascend.
 */
#include <stdlib.h>

#include "asked.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool good)
{
	if (!good)
		abort();
}

static void look(struct slice file)
{
	uint8_t again[ASKED_HEAD];
	struct asked_head h;
	struct err e = {0};
	bool ascend = true;
	size_t count;

	if (asked_parse(file, "asked", &h, &e) != OK) {
		must(e.kind == ERR_CORRUPT && e.text[0] != '\0');
		return;
	}
	asked_head_write(&h, again);
	/* the last 16 bytes of the head are not looked at */
	must(memcmp(again, file.data, ASKED_HEAD - 16) == 0);
	count = (file.len - ASKED_HEAD - SHA256_LEN) / 8;
	must(h.count == count);
	for (size_t i = 1; i < count; i++)
		ascend = ascend && asked_hash_get(file.data + ASKED_HEAD + 8 * (i - 1)) <
					   asked_hash_get(file.data + ASKED_HEAD + 8 * i);
	for (size_t i = 0; i < count && i < 64; i++) {
		uint64_t hash = asked_hash_get(file.data + ASKED_HEAD + 8 * i);

		must(asked_has(file, hash) || !ascend);
		(void)asked_has(file, hash + 1);
	}
	PLANTED(count > 3 && !h.complete && h.fresh > count && ascend);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	/* An exact copy, so that a sanitizer sees the first byte past the end. */
	char *copy = malloc(len == 0 ? 1 : len);
	uint8_t digest[SHA256_LEN];

	if (copy == NULL)
		return 0;
	memcpy(copy, bytes, len);
	look((struct slice){copy, len});
	if (len >= SHA256_LEN) {
		hash_sha256((struct slice){copy, len - SHA256_LEN}, digest);
		memcpy(copy + len - SHA256_LEN, digest, sizeof(digest));
		look((struct slice){copy, len});
	}
	free(copy);
	return 0;
}
