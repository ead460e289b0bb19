/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A mutator for inputs in which pieces stand behind their lengths (big-endian), included by a
 * NAME_fuzz.c. libFuzzer's own changes bytes: a piece that grew no longer has its length, and one
 * that was copied is not counted. This one copies a piece, takes it out, or lets libFuzzer change
 * what is in it, and makes the length right again.
 */
#ifndef MUTATE_FRAMES_H
#define MUTATE_FRAMES_H

#include "mutate.h"

#ifdef SERAI_FUZZING

#define MUTATE_FRAMES_MAX 64   /* pieces that are looked at */
#define MUTATE_FRAME_MAX  4096 /* bytes of a piece that is copied or changed */

/* Pieces from `at` on, each behind `width` bytes of length; `most` of them, or all. */
struct mutate_frames {
	size_t at, width, most;
	size_t starts[MUTATE_FRAMES_MAX + 1], count; /* one more start: where they end */
};

static void mutate_frames_find(struct mutate_frames *f, const uint8_t *data, size_t size)
{
	size_t at = f->at;

	f->count = 0;
	f->starts[0] = at;
	while (f->count < f->most && f->count < MUTATE_FRAMES_MAX && at + f->width <= size) {
		size_t len = 0;

		for (size_t i = 0; i < f->width; i++)
			len = len << 8 | data[at + i];
		if (len > size - at - f->width)
			return;
		at += f->width + len;
		f->starts[++f->count] = at;
	}
}

/* The bytes from `from` up to `to` by others, which are none of data. */
static size_t mutate_frames_put(uint8_t *data, size_t size, size_t max_size, size_t from, size_t to,
	const uint8_t *in, size_t in_len)
{
	if (size - (to - from) + in_len > max_size)
		return size;
	memmove(data + from + in_len, data + to, size - to);
	memcpy(data + from, in, in_len);
	return size - (to - from) + in_len;
}

/* *ret_more: how many pieces there are more than before, -1, 0 or 1. */
static size_t mutate_frames(struct mutate_frames *f, uint8_t *data, size_t size, size_t max_size,
	uint64_t *state, int *ret_more)
{
	uint8_t piece[8 + MUTATE_FRAME_MAX];
	size_t from, to, len, before, now;

	*ret_more = 0;
	mutate_frames_find(f, data, size);
	if (f->count == 0)
		return size;
	from = mutate_random(state, f->count);
	to = f->starts[from + 1];
	from = f->starts[from];
	len = to - from;
	if (len > sizeof(piece) || f->width > 8)
		return size;
	memcpy(piece, data + from, len);
	switch (mutate_random(state, 4)) {
	case 0:
		before = f->starts[mutate_random(state, f->count + 1)];
		now = mutate_frames_put(data, size, max_size, before, before, piece, len);
		*ret_more = now > size;
		return now;
	case 1:
		*ret_more = -1;
		return mutate_frames_put(data, size, max_size, from, to, piece, 0);
	default:
		len = LLVMFuzzerMutate(piece + f->width, len - f->width, MUTATE_FRAME_MAX);
		for (size_t i = 0; i < f->width; i++)
			piece[i] = (uint8_t)(len >> 8 * (f->width - 1 - i));
		return mutate_frames_put(data, size, max_size, from, to, piece, f->width + len);
	}
}
#endif

#endif
