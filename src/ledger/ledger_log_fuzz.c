/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A log under any order of events on a disk that fails, crashes and decays: appends, openings,
 * erasures, mirrors, closings, power cuts, flipped bits. Whatever comes: nothing acknowledged is
 * lost or changes its root, unless a bit was flipped, and then the log says so or reads right.
 */
#include <stdlib.h>

#include "ledger_testing.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define EVENTS_MAX 64 /* of one input */
#define ORIGIN     "fuzz.example/log"

struct scene {
	struct ledger_disk_fake *fake;
	struct ledger_disk disk;
	struct world_fake world;
	struct ledger *log, *mirror;
	struct ledger_edge acked; /* of all leaves that were acknowledged */
	uint64_t mirrored;
	uint64_t erased; /* bits of leaves 0..63 */
	bool flipped;
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static struct ledger *open_one(struct scene *s, const char *folder)
{
	struct ledger_options o = {.disk = &s->disk,
		.folder = folder,
		.origin = SLICE(ORIGIN),
		.world = &s->world.world};
	struct ledger *l = NULL;
	enum err_kind kind = ledger_open(&o, &l, NULL);

	must(kind == OK || s->flipped || kind == ERR_IO);
	return l;
}

/* The leaves behind `from` join what was acknowledged; those before must be what they were. */
static bool leaves_join(struct scene *s, uint64_t from)
{
	uint64_t size = ledger_size(s->log);
	struct buf leaves = BUF_INIT;
	bool read = ledger_leaves(s->log, from, size - from, &leaves, NULL) == OK;

	for (size_t at = 0; read && at < leaves.len; at += LEDGER_LEAF_LEN) {
		uint8_t hash[LEDGER_HASH_LEN];

		ledger_hash_leaf((struct slice){leaves.data + at, LEDGER_LEAF_LEN}, hash);
		ledger_edge_add(&s->acked, hash);
	}
	buf_fini(&leaves);
	return read;
}

static void look(struct scene *s)
{
	uint8_t root[LEDGER_HASH_LEN], want[LEDGER_HASH_LEN];

	must(ledger_size(s->log) >= s->acked.size);
	ledger_edge_root(&s->acked, want);
	if (ledger_root(s->log, s->acked.size, root, NULL) == OK)
		must(memcmp(root, want, sizeof(root)) == 0 || s->flipped);
	for (uint64_t i = 0; i < 64 && i < ledger_size(s->log); i++) {
		struct ledger_place place;
		uint8_t salt[LEDGER_SALT_LEN];

		if ((s->erased >> i & 1) != 0 &&
			ledger_opening_get(s->log, i, salt, &place, NULL, NULL) == OK)
			must(place.where == LEDGER_ERASED);
	}
}

static void append(struct scene *s, uint8_t argument)
{
	struct ledger_entry entries[9];
	size_t count = 1 + argument % COUNT_OF(entries);
	uint64_t first, before = s->acked.size;

	for (size_t i = 0; i < count; i++)
		entries[i] = (struct ledger_entry){.class = (enum ledger_class)(argument % 6),
			.time_us = argument,
			.content = slice_cut(SLICE("some content"), 0, argument % 13),
			.serial = argument & 1};
	if (ledger_append(s->log, entries, count, NULL, &first, NULL) != OK)
		return;
	must(first == before && ledger_size(s->log) == first + count);
	must(leaves_join(s, first) || s->flipped);
}

static void erase(struct scene *s, uint8_t argument)
{
	uint64_t size = ledger_size(s->log);

	if (size == 0 || ledger_erase(s->log, argument % size, NULL) != OK)
		return;
	if (argument % size < 64)
		s->erased |= UINT64_C(1) << argument % size;
}

static void put(struct scene *s, uint8_t argument)
{
	uint64_t size = ledger_size(s->log), serial = argument & 1;
	struct ledger_opening o = {.index = size == 0 ? 0 : argument % size};
	struct buf content = BUF_INIT;
	struct ledger_place place;

	if (size != 0 &&
		ledger_opening_get(s->log, o.index, o.salt, &place, &content, NULL) == OK &&
		place.where == LEDGER_HELD) {
		o.content = buf_slice(&content);
		must(ledger_opening_check(s->log, &o, NULL) != ERR_INVALID || s->flipped);
		if (ledger_openings_put(s->log, &o, &serial, 1, NULL) == OK)
			must(ledger_opening_get(s->log, o.index, o.salt, &place, NULL, NULL) ==
					OK ||
				s->flipped);
	}
	buf_fini(&content);
}

static void mirror(struct scene *s, uint8_t argument)
{
	uint64_t from = ledger_size(s->mirror), size = s->acked.size;
	uint64_t count = size - from < argument ? size - from : argument;
	struct note_checkpoint c = {.origin = SLICE(ORIGIN), .size = size};
	struct buf leaves = BUF_INIT;
	struct ledger_path path;

	ledger_edge_root(&s->acked, c.root);
	if (count > 0 && ledger_leaves(s->log, from, count, &leaves, NULL) == OK &&
		ledger_consistency(s->log, from + count, size, &path, NULL) == OK) {
		if ((argument & 0x80) != 0) /* a byte that was never signed */
			leaves.data[argument % leaves.len] ^= 1;
		if (ledger_mirror(s->mirror, from, buf_slice(&leaves), &path, &c, NULL) == OK) {
			must((argument & 0x80) == 0 || s->flipped);
			s->mirrored = from + count;
		}
	}
	buf_fini(&leaves);
}

static void close_both(struct scene *s)
{
	ledger_close(s->log);
	ledger_close(s->mirror);
	s->log = s->mirror = NULL;
}

/* Open again; false: a flipped bit was found, which ends the input. */
static bool open_both(struct scene *s)
{
	uint64_t size;

	ledger_disk_fake_fail_at(s->fake, 0);
	s->log = open_one(s, "own");
	s->mirror = open_one(s, "mirror");
	if (s->log == NULL || s->mirror == NULL)
		return false;
	size = ledger_size(s->log);
	if (s->flipped && size < s->acked.size) /* both slots, or the journal */
		return false;
	must(size >= s->acked.size && ledger_size(s->mirror) >= s->mirrored);
	look(s);
	/* What was written and not acknowledged may have come to stay. */
	return size == s->acked.size || leaves_join(s, s->acked.size);
}

static void flip(struct scene *s, uint8_t argument)
{
	static const char *const names[] = {"own/entries", "own/hashes.0", "own/salts",
		"own/places", "own/contents", "own/state", "own/journal", "mirror/entries"};

	if (ledger_disk_fake_flip(
		    s->fake, names[argument % COUNT_OF(names)], (uint64_t)argument * 37))
		s->flipped = true;
}

static bool event(struct scene *s, uint8_t what, uint8_t argument)
{
	switch (what % 10) {
	case 0:
	case 1:
	case 2:
		append(s, argument);
		break;
	case 3:
		erase(s, argument);
		break;
	case 4:
		put(s, argument);
		break;
	case 5:
		mirror(s, argument);
		break;
	case 6:
		ledger_disk_fake_fail_at(s->fake, argument % 24);
		break;
	case 7:
		close_both(s);
		return open_both(s);
	case 8: /* power is lost, at the latest now */
		ledger_disk_fake_fail_at(s->fake, 1);
		close_both(s);
		ledger_disk_fake_crash(s->fake);
		return open_both(s);
	default:
		if (argument >= 200)
			flip(s, argument);
		break;
	}
	look(s);
	PLANTED(s->acked.size > 25 && s->mirrored > 8 && s->erased != 0);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct scene s = {0};
	uint64_t seed = len > 0 ? bytes[0] : 0;

	s.fake = ledger_disk_fake_new(seed);
	if (s.fake == NULL)
		return 0;
	s.disk = ledger_disk_of_fake(s.fake);
	world_fake_init(&s.world, seed, 0);
	if (open_both(&s)) {
		for (size_t i = 1; i + 1 < len && i < 2 * EVENTS_MAX; i += 2) {
			if (!event(&s, bytes[i], bytes[i + 1]))
				break;
		}
	}
	close_both(&s);
	ledger_disk_fake_free(s.fake);
	return 0;
}
