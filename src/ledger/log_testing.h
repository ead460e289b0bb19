/* SPDX-License-Identifier: MPL-2.0 */
/* What the tests of a log share: a fake disk with a log on it, entries, and a signed checkpoint. */
#ifndef LEDGER_LOG_TESTING_H
#define LEDGER_LOG_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inside.h"
#include "ledger_testing.h"

#define NOW    INT64_C(1795392000000000) /* 2026-11-23, a whole hour */
#define ORIGIN "a.example/log"

struct bench {
	struct ledger_disk_fake *fake;
	struct ledger_disk disk;
	struct world_fake world;
	struct ledger *log;
	uint64_t written; /* entries, for their contents */
};

#define MUST(call)                                                                                 \
	do {                                                                                       \
		struct err e = {0};                                                                \
		if ((call) != OK)                                                                  \
			fail_msg("%s: %s", #call, e.text);                                         \
	} while (0)

static inline enum err_kind bench_try_open(struct bench *b, struct err *e)
{
	struct ledger_options o = {.disk = &b->disk,
		.folder = "logs/a",
		.origin = SLICE(ORIGIN),
		.world = &b->world.world};

	b->disk = ledger_disk_of_fake(b->fake);
	return ledger_open(&o, &b->log, e);
}

static inline void bench_open(struct bench *b)
{
	MUST(bench_try_open(b, &e));
}

static inline void bench_init(struct bench *b, uint64_t seed)
{
	*b = (struct bench){.fake = ledger_disk_fake_new(seed)};
	assert_non_null(b->fake);
	world_fake_init(&b->world, seed, NOW);
	bench_open(b);
}

static inline void bench_fini(struct bench *b)
{
	ledger_close(b->log);
	ledger_disk_fake_free(b->fake);
}

/* The content of entry i: any length from 0 on, told by i alone. */
static inline struct slice content_of(uint64_t i, char room[256])
{
	int len = snprintf(room, 256, "{\"n\":%llu,\"fill\":\"%.*s\"}", (unsigned long long)i,
		(int)(i * 7 % 60),
		"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij");

	return (struct slice){room, i == 5 ? 0 : (size_t)len};
}

/* Append `count` entries whose contents follow on; every third is kept by a store. */
static inline enum err_kind bench_append(struct bench *b, size_t count, struct err *e)
{
	struct ledger_entry *entries = calloc(count, sizeof(*entries));
	char(*rooms)[256] = calloc(count, sizeof(*rooms));
	uint64_t note = b->written + count, first;
	enum err_kind kind;

	assert_true(entries != NULL && rooms != NULL);
	for (size_t i = 0; i < count; i++) {
		uint64_t n = b->written + i;

		entries[i] = (struct ledger_entry){.class = (enum ledger_class)(n % LEDGER_CLASSES),
			.time_us = NOW + (int64_t)n,
			.content = content_of(n, rooms[i]),
			.serial = n % 3 == 0 ? n + 1000 : 0};
	}
	kind = ledger_append(b->log, entries, count, &note, &first, e);
	if (kind == OK) {
		assert_int_equal(first, b->written);
		b->written += count;
	}
	free(entries);
	free(rooms);
	return kind;
}

/* Leaf i and its opening are what bench_append wrote. */
static inline void entry_is(struct ledger *log, uint64_t i)
{
	struct ledger_opening o = {.index = i};
	struct buf content = BUF_INIT;
	struct ledger_place place;
	struct ledger_leaf leaf;
	char room[256];

	MUST(ledger_leaf_get(log, i, &leaf, &e));
	assert_int_equal(leaf.class, i % LEDGER_CLASSES);
	assert_int_equal(leaf.time_us, leaf.class == LEDGER_RESTRICTED ? NOW : NOW + (int64_t)i);
	MUST(ledger_opening_get(log, i, o.salt, &place, &content, &e));
	assert_int_equal(place.where, i % 3 == 0 ? LEDGER_STORED : LEDGER_HELD);
	if (place.where == LEDGER_STORED)
		assert_int_equal(place.serial, i + 1000);
	else
		assert_true(slice_equal(buf_slice(&content), content_of(i, room)));
	o.content = content_of(i, room);
	MUST(ledger_opening_check(log, &o, &e));
	buf_fini(&content);
}

static inline struct slice slice_of_bytes(const void *bytes, size_t len)
{
	return (struct slice){bytes, len};
}

#endif
