/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What came too early in one direction of a TCP connection: extents in order, without overlap, with
 * holes between them. Bytes that continue an extent join it, so a window of a thousand segments
 * behind one lost one is a few extents; their number is limited, because each is a hole.
 */
#include <stdlib.h>

#include "inside.h"

#define EXTENT_LEAST KIB(2)
#define EXTENT_MOST  KIB(64)

struct extent {
	uint32_t sequence, len, capacity;
	uint8_t *bytes;
};

struct extents {
	uint32_t count;
	size_t memory;
	struct extent items[PACKET_EXTENTS_MAX];
};

struct extents *extents_new(size_t *held, size_t held_max)
{
	struct extents *x;

	if (*held + sizeof(*x) > held_max)
		return NULL;
	x = calloc(1, sizeof(*x));
	if (x != NULL) {
		x->memory = sizeof(*x);
		*held += sizeof(*x);
	}
	return x;
}

void extents_free(struct extents *x, size_t *held)
{
	if (x == NULL)
		return;
	for (uint32_t i = 0; i < x->count; i++)
		free(x->items[i].bytes);
	*held -= x->memory;
	free(x);
}

bool extents_empty(const struct extents *x)
{
	return x == NULL || x->count == 0;
}

size_t extents_bytes(const struct extents *x)
{
	return x == NULL ? 0 : x->memory;
}

/* How far b is behind a; all numbers here are within half the circle of each other. */
static int32_t behind(uint32_t a, uint32_t b)
{
	return (int32_t)(b - a);
}

/* The first extent that begins behind `sequence`. */
static uint32_t extent_after(const struct extents *x, uint32_t sequence)
{
	uint32_t low = 0, high = x->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (behind(sequence, x->items[middle].sequence) > 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Bytes that overlap nothing, in front of item `at`. */
static bool extent_insert(struct extents *x, uint32_t at, uint32_t sequence, struct slice bytes,
	size_t *held, size_t held_max)
{
	struct extent *before = at > 0 ? &x->items[at - 1] : NULL;
	size_t capacity = EXTENT_LEAST;
	bool joins = before != NULL && before->sequence + before->len == sequence;
	struct extent fresh;

	if (joins) {
		size_t room = before->capacity - before->len;

		if (bytes.len <= room) {
			memcpy(before->bytes + before->len, bytes.data, bytes.len);
			before->len += (uint32_t)bytes.len;
			return true;
		}
		/* A long run: the next part of it is larger. */
		capacity = 2 * (size_t)before->capacity;
		if (capacity > EXTENT_MOST)
			capacity = EXTENT_MOST;
	}
	if (capacity < bytes.len)
		capacity = bytes.len;
	if (x->count == PACKET_EXTENTS_MAX || x->memory + capacity > PACKET_STREAM_MAX ||
		*held + capacity > held_max)
		return false;
	fresh = (struct extent){.sequence = sequence,
		.len = (uint32_t)bytes.len,
		.capacity = (uint32_t)capacity,
		.bytes = malloc(capacity)};
	if (fresh.bytes == NULL)
		return false;
	memcpy(fresh.bytes, bytes.data, bytes.len);
	memmove(&x->items[at + 1], &x->items[at], (x->count - at) * sizeof(fresh));
	x->items[at] = fresh;
	x->count++;
	x->memory += capacity;
	*held += capacity;
	return true;
}

bool extents_add(struct extents *x, uint32_t sequence, struct slice bytes, size_t *held,
	size_t held_max, bool *ret_overlap)
{
	uint32_t at = extent_after(x, sequence);

	/* The part that an extent already has is left out, what is between two goes in. */
	if (at > 0) {
		const struct extent *before = &x->items[at - 1];
		int32_t inside = behind(sequence, before->sequence + before->len);

		if (inside > 0) {
			*ret_overlap = true;
			if ((size_t)inside >= bytes.len)
				return true;
			sequence += (uint32_t)inside;
			bytes = slice_cut(bytes, (size_t)inside, bytes.len);
		}
	}
	while (bytes.len > 0) {
		size_t free_len = bytes.len, skip = bytes.len;
		uint32_t count = x->count;

		if (at < x->count) {
			size_t until = (size_t)behind(sequence, x->items[at].sequence);

			if (until < bytes.len) {
				*ret_overlap = true;
				free_len = until;
				skip = until + x->items[at].len;
			}
		}
		if (free_len > 0 && !extent_insert(x, at, sequence, slice_cut(bytes, 0, free_len),
					    held, held_max))
			return false;
		/* Behind the extent that was in the way, whether or not one came before it. */
		at += x->count - count + 1;
		sequence += (uint32_t)skip;
		bytes = slice_cut(bytes, skip, bytes.len);
	}
	return true;
}

bool extents_first(const struct extents *x, uint32_t *ret_sequence, struct slice *ret_bytes)
{
	if (extents_empty(x))
		return false;
	*ret_sequence = x->items[0].sequence;
	*ret_bytes = (struct slice){(const char *)x->items[0].bytes, x->items[0].len};
	return true;
}

void extents_drop_first(struct extents *x, size_t *held)
{
	x->memory -= x->items[0].capacity;
	*held -= x->items[0].capacity;
	free(x->items[0].bytes);
	memmove(&x->items[0], &x->items[1], --x->count * sizeof(x->items[0]));
}
