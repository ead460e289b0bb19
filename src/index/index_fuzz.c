/* SPDX-License-Identifier: MPL-2.0 */
/*
 * An index file of any bytes, opened and asked everything. A flag in the first byte says that the
 * checksums are to be made right, so that what lies behind them is reached.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "inside.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool each_value(void *context, enum field_kind kind, struct slice text, uint32_t entry)
{
	(void)kind;
	(void)entry;
	*(size_t *)context += text.len;
	return true;
}

static bool hit_value(void *context, const struct batch *batch, const struct index_hit *hit)
{
	(void)batch;
	*(size_t *)context += hit->indicator.len + hit->value.len;
	return true;
}

static void ask(const struct index *x)
{
	static const char texts[] =
		"................................................................"
		"www.evil.com 198.51.100.7 10.1.2.3 2001:db8::1 http://evil.com/a/b?c bad@evil.com "
		"d41d8cd98f00b204e9800998ecf8427e"
		"................................................................";
	static struct batch batch;
	struct column columns[FIELD_KINDS];
	struct index_matcher *m = index_matcher_new(x);
	struct index_entry entry;
	struct slice pattern;
	size_t sum = 0;
	uint32_t number;

	if (m == NULL)
		return;
	for (unsigned k = 0; k < FIELD_KINDS; k++) {
		columns[k] = (struct column){.kind = (uint8_t)k};
		batch.fields[k] = (struct field){.data = texts + EVENT_PADDING,
			.len = sizeof(texts) - 1 - 2 * EVENT_PADDING,
			.column = (uint16_t)k};
	}
	batch.fields[FIELD_NAME].len = 12;
	batch.fields[FIELD_ADDRESS].data += 13;
	batch.fields[FIELD_ADDRESS].len = 12;
	batch.columns = columns;
	batch.columns_count = batch.fields_count = FIELD_KINDS;
	batch.records_count = 1;
	(void)index_match(m, &batch, hit_value, &sum);
	index_matcher_free(m);
	for (uint32_t k = 0; k < 4; k++) {
		if (index_entry_get(x, k, &entry))
			PLANTED(entry.confidence > 0 && entry.valid_until_us != 0 &&
				entry.valid_from_us > entry.valid_until_us);
		(void)index_pattern_get(x, k, &pattern, &number);
	}
	(void)index_each(x, each_value, &sum);
}

static void sums_right(uint8_t *file, size_t size)
{
	uint64_t sums, count;

	if (size < HEAD_BYTES)
		return;
	sums = le64(file + HEAD_SUMS_AT);
	count = sums / BLOCK_BYTES - 1;
	if (sums >= HEAD_BYTES && sums <= size && size - sums >= count * SHA256_LEN) {
		for (uint64_t k = 0; k < count; k++)
			hash_sha256((struct slice){(const char *)file + (k + 1) * BLOCK_BYTES,
					    BLOCK_BYTES},
				file + sums + k * SHA256_LEN);
		hash_sha256((struct slice){(const char *)file + sums, count * SHA256_LEN},
			file + HEAD_SUMS_DIGEST);
	}
	hash_sha256((struct slice){(const char *)file, HEAD_DIGEST}, file + HEAD_DIGEST);
}

#ifdef SERAI_FUZZING
#define WINDOW 32 /* bytes: a row of the sections' table */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* The smallest index has 40 KB, nearly all of it bits that are zero: mutate where something stands,
 * and leave the rest where it is. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	static const uint8_t zeros[WINDOW];
	uint64_t state = seed;
	uint8_t window[WINDOW];
	size_t at = 0, len;

	if (size < 2 * HEAD_BYTES)
		return LLVMFuzzerMutate(data, size, max_size);
	for (int tries = 0; tries < 64; tries++) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
		at = 1 + (size_t)(state >> 33) % (size - 1 - WINDOW) / WINDOW * WINDOW;
		if (memcmp(data + at, zeros, WINDOW) != 0)
			break;
	}
	memcpy(window, data + at, WINDOW);
	len = LLVMFuzzerMutate(window, WINDOW, WINDOW);
	memcpy(data + at, window, len);
	return size;
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct index_options options = {.verify_all = size > 0 && (data[0] & 2) != 0};
	struct index *x;
	char path[64];
	uint8_t *file;
	int fd;

	if (size < 1)
		return 0;
	file = malloc(size);
	if (file == NULL)
		return 0;
	memcpy(file, data + 1, size - 1);
	if ((data[0] & 1) != 0)
		sums_right(file, size - 1);
	fd = memfd_create("index", MFD_CLOEXEC);
	if (fd >= 0 && write(fd, file, size - 1) == (ssize_t)(size - 1)) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (index_open(path, &options, &x, NULL) == OK) {
			ask(x);
			index_close(x);
		}
	}
	if (fd >= 0)
		close(fd);
	free(file);
	return 0;
}
