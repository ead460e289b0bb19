/* SPDX-License-Identifier: MPL-2.0 */
/* What the fuzz targets of this folder share: streams in pieces, and messages that are well made.
 */
#ifndef PLANT_FUZZING_H
#define PLANT_FUZZING_H

#include <stdlib.h>

#include "plant.h"

static inline void plant_fuzz_text(const char text[PLANT_TEXT_MAX])
{
	size_t len = strnlen(text, PLANT_TEXT_MAX);

	if (len == PLANT_TEXT_MAX || !utf8_valid((struct slice){text, len}))
		abort();
}

/* Of one input. */
struct plant_fuzz_told {
	size_t count, acting, refused;
};

static inline void plant_fuzz_message(void *context, const struct plant_message *m)
{
	struct plant_fuzz_told *told = context;

	if (m->protocol == PLANT_NONE || m->protocol >= PLANT_PROTOCOLS ||
		m->operation >= PLANT_OPERATIONS || m->function == NULL)
		abort();
	plant_fuzz_text(m->unit);
	plant_fuzz_text(m->object);
	plant_fuzz_text(m->value);
	told->count++;
	told->acting += plant_operation_acts(m->operation);
	told->refused += m->refused;
}

static inline void plant_fuzz_stream(enum plant_protocol protocol, const uint8_t *bytes, size_t len,
	struct plant_fuzz_told *told)
{
	struct plant_stream *s = plant_stream_new(protocol);

	if (s == NULL)
		return;
	while (len >= 2) {
		size_t piece = bytes[1];
		unsigned direction = bytes[0] & 1;

		if ((bytes[0] & 2) != 0)
			plant_stream_gap(s, direction);
		bytes += 2;
		len -= 2;
		if (piece > len)
			piece = len;
		if (!plant_stream_feed(s, direction, (struct slice){(const char *)bytes, piece},
			    plant_fuzz_message, told))
			plant_stream_gap(s, direction);
		bytes += piece;
		len -= piece;
	}
	plant_stream_free(s);
}

#ifdef SERAI_FUZZING
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* A mutator: now and then a piece of the stream once more, before another piece. libFuzzer's own
 * seldom hit upon where one begins and ends. */
static inline size_t plant_fuzz_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	size_t begin[32], count = 0, from, len, before;
	uint8_t copy[2 + UINT8_MAX];

	for (size_t at = 0; at + 2 <= size && count < COUNT_OF(begin);
		at += 2 + (size_t)data[at + 1])
		begin[count++] = at;
	if (count == 0 || seed % 3 != 0)
		return LLVMFuzzerMutate(data, size, max_size);
	from = begin[seed / 3 % count];
	before = begin[seed / 128 % count];
	len = 2 + (size_t)data[from + 1];
	if (len > size - from)
		len = size - from;
	if (size + len > max_size)
		return LLVMFuzzerMutate(data, size, max_size);
	memcpy(copy, data + from, len);
	memmove(data + before + len, data + before, size - before);
	memcpy(data + before, copy, len);
	return size + len;
}
#endif

#endif
