/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Any bytes as a conversation of any protocol. The first byte picks the protocol; then pieces: a
 * byte with the direction (bit 7), a gap before it (bit 6) and the length of what follows. The same
 * bytes without the pieces' borders must tell the same, as long as nothing was lost.
 */
#include <stdlib.h>

#include "plant.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PIECE_DIRECTION 0x80
#define PIECE_GAP       0x40
#define PIECE_LEN       0x3f

static void require(bool good)
{
	if (!good)
		abort();
}

struct told {
	uint64_t count, sum; /* in the order of each direction */
};

static void take(void *context, const struct plant_message *m)
{
	struct told *told = context;
	const char *texts[] = {m->unit, m->object, m->value};

	require(m->protocol > PLANT_NONE && m->protocol < PLANT_PROTOCOLS);
	require((unsigned)m->operation < PLANT_OPERATIONS && m->function != NULL);
	for (size_t k = 0; k < COUNT_OF(texts); k++) {
		size_t len = strnlen(texts[k], PLANT_TEXT_MAX);

		require(len < PLANT_TEXT_MAX && utf8_valid((struct slice){texts[k], len}));
		for (size_t at = 0; at < len; at++)
			told->sum = told->sum * 31 + (unsigned char)texts[k][at];
	}
	told->sum = told->sum * 31 + m->code;
	told->count++;
	PLANTED(told->count > 9 && plant_operation_acts(m->operation) && m->refused);
}

/* An exact copy, so that a sanitizer sees the first byte past the end. */
static bool feed(struct plant_stream *s, unsigned direction, const uint8_t *bytes, size_t len,
	struct told *told)
{
	char *exact = malloc(len == 0 ? 1 : len);
	bool good;

	require(exact != NULL);
	if (len != 0)
		memcpy(exact, bytes, len);
	good = plant_stream_feed(s, direction, (struct slice){exact, len}, take, told);
	free(exact);
	return good;
}

/* together: one direction's bytes at once, if there is but one direction and no gap. */
static void same_together(
	enum plant_protocol p, const uint8_t *data, size_t size, const struct told *pieces)
{
	struct plant_stream *s = plant_stream_new(p);
	uint8_t *all = malloc(size == 0 ? 1 : size);
	struct told told = {0};
	size_t len = 0;

	require(s != NULL && all != NULL);
	while (size > 0) {
		size_t take_len = data[0] & PIECE_LEN;

		if (take_len > size - 1)
			take_len = size - 1;
		memcpy(all + len, data + 1, take_len);
		len += take_len;
		data += 1 + take_len;
		size -= 1 + take_len;
	}
	if (feed(s, 0, all, len, &told) && plant_stream_sought(s) == 0)
		require(told.count == pieces->count && told.sum == pieces->sum);
	plant_stream_free(s);
	free(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum plant_protocol p;
	struct plant_stream *s;
	struct told told = {0};
	bool plain = true;
	const uint8_t *at;
	size_t rest;

	if (size == 0)
		return 0;
	p = (enum plant_protocol)(data[0] % PLANT_PROTOCOLS);
	s = plant_stream_new(p);
	if (s == NULL)
		return 0;
	for (at = data + 1, rest = size - 1; rest > 0;) {
		uint8_t piece = at[0];
		size_t len = piece & PIECE_LEN;
		unsigned direction = (piece & PIECE_DIRECTION) != 0;

		if (len > rest - 1)
			len = rest - 1;
		if ((piece & PIECE_GAP) != 0)
			plant_stream_gap(s, direction);
		plain = plain && (piece & (PIECE_GAP | PIECE_DIRECTION)) == 0;
		if (!feed(s, direction, at + 1, len, &told)) {
			plain = false;
			plant_stream_gap(s, direction);
		}
		at += 1 + len;
		rest -= 1 + len;
	}
	plain = plain && plant_stream_sought(s) == 0;
	plant_stream_free(s);
	if (plain)
		same_together(p, data + 1, size - 1, &told);
	return 0;
}
