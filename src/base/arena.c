/* SPDX-License-Identifier: MPL-2.0 */
/* Memory for one request: blocks that are only ever given back together. */
#include <stdlib.h>

#include "base.h"

#define BLOCK_MIN KIB(4) /* bytes; the first block */
#define BLOCK_MAX MIB(1) /* bytes; blocks double up to this, larger pieces get their own */
#define ALIGN     _Alignof(max_align_t)

struct block {
	struct block *next;
	size_t size; /* of the payload */
	size_t used;
	_Alignas(max_align_t) char bytes[];
};

struct arena {
	struct block *current; /* newest first */
	size_t bytes;          /* of payload in all blocks */
	size_t bytes_max;
};

struct arena *arena_new(size_t bytes_max)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a != NULL)
		a->bytes_max = bytes_max;
	return a;
}

static void blocks_free(struct block *b)
{
	while (b != NULL) {
		struct block *next = b->next;

		free(b);
		b = next;
	}
}

void arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	blocks_free(a->current);
	free(a);
}

void arena_reset(struct arena *a)
{
	struct block *keep = a->current;

	if (keep == NULL)
		return;
	blocks_free(keep->next);
	keep->next = NULL;
	keep->used = 0;
	a->bytes = keep->size;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
	struct block *b = a->current;
	size_t size;
	void *p;

	if (bytes > SIZE_MAX / 2)
		return NULL;
	bytes = (bytes + ALIGN - 1) & ~(ALIGN - 1);
	if (b == NULL || b->size - b->used < bytes) {
		size = b == NULL ? BLOCK_MIN : b->size * 2;
		if (size > BLOCK_MAX)
			size = BLOCK_MAX;
		if (size < bytes)
			size = bytes;
		if (size > a->bytes_max - a->bytes) {
			size = bytes;
			if (size > a->bytes_max - a->bytes)
				return NULL;
		}
		b = malloc(sizeof(*b) + size);
		if (b == NULL)
			return NULL;
		b->next = a->current;
		b->size = size;
		b->used = 0;
		a->current = b;
		a->bytes += size;
	}
	p = b->bytes + b->used;
	b->used += bytes;
	return p;
}

void *arena_zalloc(struct arena *a, size_t bytes)
{
	void *p = arena_alloc(a, bytes);

	if (p != NULL)
		memset(p, 0, bytes);
	return p;
}

struct slice arena_copy(struct arena *a, struct slice s)
{
	char *p = s.len == SIZE_MAX ? NULL : arena_alloc(a, s.len + 1);

	if (p == NULL)
		return (struct slice){0};
	if (s.len != 0)
		memcpy(p, s.data, s.len);
	p[s.len] = '\0';
	return (struct slice){p, s.len};
}

char *arena_string(struct arena *a, struct slice s)
{
	struct slice copy = arena_copy(a, s);

	return copy.data == NULL ? NULL : (char *)(uintptr_t)copy.data;
}

struct slice arena_vprintf(struct arena *a, const char *format, va_list args)
{
	va_list again;
	int len;
	char *p;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (len < 0)
		return (struct slice){0};
	p = arena_alloc(a, (size_t)len + 1);
	if (p == NULL)
		return (struct slice){0};
	vsnprintf(p, (size_t)len + 1, format, args);
	return (struct slice){p, (size_t)len};
}

struct slice arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;
	struct slice s;

	va_start(args, format);
	s = arena_vprintf(a, format, args);
	va_end(args);
	return s;
}

size_t arena_bytes(const struct arena *a)
{
	return a->bytes;
}
