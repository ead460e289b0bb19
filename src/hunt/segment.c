/* SPDX-License-Identifier: MPL-2.0 */
/* Writing and reading segment files. Little-endian, every size checked before it is used. */
#include "segment.h"

#include <endian.h>

#include <stdlib.h>

#include "hunt.h"
#include "keys.h"

/* Offsets of the header; docs/hunt.md draws the same table. */
enum {
	AT_MAGIC = 0,
	AT_VERSION = 8,
	AT_CELLS_AT = 12,
	AT_CHECK = 16, /* of the head with this field zero */
	AT_KEY_ID = 24,
	AT_FIRST_RECORD = 32,
	AT_RECORDS = 40,
	AT_OFFSET = 48,
	AT_BYTES = 56,
	AT_FIRST_US = 64,
	AT_LAST_US = 72,
	AT_DEVICE = 80,
	AT_INODE = 88,
	AT_SIZE = 96,
	AT_HEAD_HASH = 104,
	AT_HEAD_LEN = 112,
	AT_PATH_LEN = 116,
	AT_FORMAT_LEN = 118,
	AT_NETWORKS = 120, /* bytes of the map */
	AT_TIERS = 128,    /* one for each filter, TIER_BYTES apart */
	TIER_SEED = 0,
	TIER_CHECK = 8,
	TIER_KEYS = 16,
	TIER_LENGTH = 20,
	TIER_SEGMENTS = 24,
	TIER_CELLS = 28,
	TIER_BYTES = 32,
	AT_NAMES = SEGMENT_HEADER
};

#define MAGIC "SERAIHNT"

static void put32(char *to, uint32_t value)
{
	value = htole32(value);
	memcpy(to, &value, sizeof(value));
}

static void put64(char *to, uint64_t value)
{
	value = htole64(value);
	memcpy(to, &value, sizeof(value));
}

static uint16_t get16(const char *from)
{
	uint16_t value;

	memcpy(&value, from, sizeof(value));
	return le16toh(value);
}

static uint32_t get32(const char *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return le32toh(value);
}

static uint64_t get64(const char *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	return le64toh(value);
}

/* Of the head alone, so that it can be trusted before the cells are read. */
static uint64_t head_check(struct slice head)
{
	char copy[SEGMENT_HEAD_MAX];
	uint8_t digest[SHA256_LEN];

	memcpy(copy, head.data, head.len);
	memset(copy + AT_CHECK, 0, 8);
	hash_sha256((struct slice){copy, head.len}, digest);
	return get64((const char *)digest);
}

static size_t head_size(size_t path_len, size_t format_len)
{
	return (SEGMENT_HEADER + path_len + 1 + format_len + 1 + SEGMENT_ALIGN - 1) /
	       SEGMENT_ALIGN * SEGMENT_ALIGN;
}

/*
 * Against damage, of which SHA-256 would cost more than asking. Eight sums side by side: a change
 * in one word of 8 bytes is always seen, any other is missed once in 2^64. The end of a part is
 * filled up with zeros to whole 64 bytes.
 */
static uint64_t part_check(const char *bytes, size_t len)
{
	uint64_t lane[8], sum = len;

	for (unsigned i = 0; i < 8; i++)
		lane[i] = UINT64_C(0x9e3779b97f4a7c15) * (i + 1);
	for (size_t at = 0; at < len; at += sizeof(lane)) {
		for (unsigned i = 0; i < 8; i++) {
			lane[i] = (lane[i] ^ get64(bytes + at + 8 * (size_t)i)) *
				  UINT64_C(0xff51afd7ed558ccd);
			lane[i] ^= lane[i] >> 32;
		}
	}
	for (unsigned i = 0; i < 8; i++) {
		sum = (sum ^ lane[i]) * UINT64_C(0xc4ceb9fe1a85ec53);
		sum ^= sum >> 29;
	}
	return sum;
}

static size_t aligned(size_t len)
{
	return (len + SEGMENT_ALIGN - 1) / SEGMENT_ALIGN * SEGMENT_ALIGN;
}

/* ---- writing --------------------------------------------------------------------------------- */

static const uint8_t tier_bits[TIERS] = {SEGMENT_STRONG_BITS, SEGMENT_WEAK_BITS};

static void filters_place(struct segment_filters *s, size_t cells_at)
{
	s->cells_at = cells_at;
	s->weak_at = aligned(cells_at + (s->networks_there ? GATHER_NETWORKS : 0) +
			     fuse_bytes(&s->tier[TIER_STRONG]));
	s->weak_end = aligned(s->weak_at + fuse_bytes(&s->tier[TIER_WEAK]));
}

/* Few networks are keys like others. */
static void networks_add(const struct keyer *k, struct gather *g)
{
	for (unsigned n = 0; n < 65536; n++) {
		if ((g->networks[n >> 3] >> (n & 7) & 1) != 0)
			gather_add(g, TIER_STRONG, keys_network(k, (uint16_t)n));
	}
}

static enum err_kind filter_make(const struct segment_facts *facts, const struct gather *g,
	enum tier tier, uint64_t first_seed, struct fuse *f, struct err *e)
{
	size_t count = facts->keys[tier];
	uint64_t *keys;
	bool built;

	if (count == 0)
		return OK;
	keys = malloc(count * sizeof(*keys));
	if (keys != NULL)
		gather_collect(g, tier, keys);
	built = keys != NULL && fuse_build(f, keys, (uint32_t)count, first_seed);
	free(keys);
	return built ? OK
		     : err_set(e, ERR_NOMEM,
			       "history of \"%s\": out of memory for a filter of %zu values",
			       facts->path, count);
}

static void head_put(
	const struct segment_facts *facts, const struct segment_filters *s, struct buf *file)
{
	size_t path_len = strlen(facts->path), format_len = strlen(facts->format);
	char *h = file->data;

	memcpy(h + AT_MAGIC, MAGIC, 8);
	put32(h + AT_VERSION, SEGMENT_VERSION);
	put32(h + AT_CELLS_AT, (uint32_t)s->cells_at);
	put64(h + AT_KEY_ID, facts->key_id);
	put64(h + AT_FIRST_RECORD, facts->first_record);
	put64(h + AT_RECORDS, facts->records);
	put64(h + AT_OFFSET, facts->offset);
	put64(h + AT_BYTES, facts->bytes);
	put64(h + AT_FIRST_US, (uint64_t)facts->first_us);
	put64(h + AT_LAST_US, (uint64_t)facts->last_us);
	put64(h + AT_DEVICE, facts->log.device);
	put64(h + AT_INODE, facts->log.inode);
	put64(h + AT_SIZE, facts->log.size);
	put64(h + AT_HEAD_HASH, facts->log.head_hash);
	put32(h + AT_HEAD_LEN, facts->log.head_len);
	put32(h + AT_PATH_LEN, (uint32_t)(path_len | format_len << 16));
	put32(h + AT_NETWORKS, s->networks_there ? GATHER_NETWORKS : 0);
	for (unsigned tier = 0; tier < TIERS; tier++) {
		char *at = h + AT_TIERS + (size_t)tier * TIER_BYTES;

		put64(at + TIER_SEED, s->tier[tier].seed);
		put64(at + TIER_CHECK, s->check[tier]);
		put32(at + TIER_KEYS, facts->keys[tier]);
		put32(at + TIER_LENGTH, s->tier[tier].segment_length);
		put32(at + TIER_SEGMENTS, s->tier[tier].segments);
		put32(at + TIER_CELLS, s->tier[tier].cells);
	}
	memcpy(h + AT_NAMES, facts->path, path_len + 1);
	memcpy(h + AT_NAMES + path_len + 1, facts->format, format_len + 1);
	put64(h + AT_CHECK, head_check((struct slice){h, s->cells_at}));
}

enum err_kind segment_make(struct segment_facts *facts, const struct keyer *k, struct gather *g,
	uint64_t first_seed, struct buf *ret_file, struct err *e)
{
	size_t path_len = strlen(facts->path), format_len = strlen(facts->format), cells_at;
	struct segment_filters s = {
		.networks_there = gather_networks_count(g) >= SEGMENT_NETWORKS_MIN};
	enum err_kind kind = OK;
	char *file;

	if (path_len >= SEGMENT_PATH_MAX || format_len >= SEGMENT_FORMAT_MAX)
		return err_set(e, ERR_LIMIT,
			"filter of a log: its path has %zu bytes and its format %zu, at most %d "
			"and %d are kept",
			path_len, format_len, SEGMENT_PATH_MAX - 1, SEGMENT_FORMAT_MAX - 1);
	if (!s.networks_there)
		networks_add(k, g);
	gather_settle(g);
	for (unsigned tier = 0; tier < TIERS; tier++) {
		facts->keys[tier] = (uint32_t)gather_count(g, (enum tier)tier);
		s.tier[tier].bits = tier_bits[tier];
		if (facts->keys[tier] > 0)
			fuse_layout(&s.tier[tier], facts->keys[tier]);
	}
	cells_at = head_size(path_len, format_len);
	filters_place(&s, cells_at);
	buf_clear(ret_file);
	file = g->failed ? NULL : buf_reserve(ret_file, s.weak_end);
	if (file == NULL)
		return err_set(e, ERR_NOMEM, "filter of \"%s\": out of memory for %zu bytes",
			facts->path, s.weak_end);
	memset(file, 0, cells_at);
	memset(file + s.weak_at - SEGMENT_ALIGN, 0, SEGMENT_ALIGN);
	memset(file + s.weak_end - SEGMENT_ALIGN, 0, SEGMENT_ALIGN);
	ret_file->len = s.weak_end;
	if (s.networks_there)
		memcpy(file + cells_at, g->networks, GATHER_NETWORKS);
	s.tier[TIER_STRONG].cell =
		(uint8_t *)file + cells_at + (s.networks_there ? GATHER_NETWORKS : 0);
	s.tier[TIER_WEAK].cell = (uint8_t *)file + s.weak_at;
	for (unsigned tier = 0; tier < TIERS && kind == OK; tier++)
		kind = filter_make(facts, g, (enum tier)tier, first_seed, &s.tier[tier], e);
	if (kind != OK)
		return kind;
	s.check[TIER_STRONG] = part_check(file + cells_at, s.weak_at - cells_at);
	s.check[TIER_WEAK] = part_check(file + s.weak_at, s.weak_end - s.weak_at);
	head_put(facts, &s, ret_file);
	return OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool tier_get(
	const char *at, enum tier tier, struct segment_facts *facts, struct segment_filters *s)
{
	struct fuse *f = &s->tier[tier];

	facts->keys[tier] = get32(at + TIER_KEYS);
	s->check[tier] = get64(at + TIER_CHECK);
	*f = (struct fuse){.seed = get64(at + TIER_SEED),
		.segment_length = get32(at + TIER_LENGTH),
		.segments = get32(at + TIER_SEGMENTS),
		.cells = get32(at + TIER_CELLS),
		.bits = tier_bits[tier]};
	return facts->keys[tier] == 0 ? f->cells == 0 : fuse_sane(f);
}

/* The rest of the header, whose checksum was right. */
static enum err_kind head_get(const char *h, size_t cells_at, uint64_t file_size,
	struct segment_facts *f, struct segment_filters *s, struct err *e)
{
	uint32_t networks = get32(h + AT_NETWORKS);
	bool sane = networks == 0 || networks == GATHER_NETWORKS;

	s->networks_there = networks != 0;
	for (unsigned tier = 0; tier < TIERS; tier++)
		sane = tier_get(h + AT_TIERS + (size_t)tier * TIER_BYTES, (enum tier)tier, f, s) &&
		       sane;
	if (sane)
		filters_place(s, cells_at);
	if (!sane || file_size != s->weak_end)
		return err_set(e, ERR_CORRUPT,
			"cut off or contradicting itself: %u and %u cells in %llu bytes",
			s->tier[TIER_STRONG].cells, s->tier[TIER_WEAK].cells,
			(unsigned long long)file_size);
	f->key_id = get64(h + AT_KEY_ID);
	f->first_record = get64(h + AT_FIRST_RECORD);
	f->records = get64(h + AT_RECORDS);
	f->offset = get64(h + AT_OFFSET);
	f->bytes = get64(h + AT_BYTES);
	f->first_us = (int64_t)get64(h + AT_FIRST_US);
	f->last_us = (int64_t)get64(h + AT_LAST_US);
	f->log = (struct segment_log){.device = get64(h + AT_DEVICE),
		.inode = get64(h + AT_INODE),
		.size = get64(h + AT_SIZE),
		.head_len = get32(h + AT_HEAD_LEN),
		.head_hash = get64(h + AT_HEAD_HASH)};
	return OK;
}

enum err_kind segment_head(struct slice head, uint64_t file_size, struct segment_facts *ret_facts,
	struct segment_filters *ret_filters, struct err *e)
{
	const char *h = head.data, *format;
	size_t path_len, format_len, cells_at;
	struct segment_filters s = {0};
	struct segment_facts f = {0};
	enum err_kind kind;

	if (head.len < 12 || memcmp(h + AT_MAGIC, MAGIC, 8) != 0)
		return err_set(
			e, ERR_CORRUPT, "no filter of a log: it does not begin with \"%s\"", MAGIC);
	if (get32(h + AT_VERSION) != SEGMENT_VERSION)
		return err_set(e, ERR_INVALID, "filter of version %u, only %d is known",
			get32(h + AT_VERSION), SEGMENT_VERSION);
	if (head.len < SEGMENT_HEADER)
		return err_set(e, ERR_CORRUPT, "cut off in its header, %zu bytes", head.len);
	path_len = get16(h + AT_PATH_LEN);
	format_len = get16(h + AT_FORMAT_LEN);
	cells_at = get32(h + AT_CELLS_AT);
	if (path_len >= SEGMENT_PATH_MAX || format_len >= SEGMENT_FORMAT_MAX ||
		cells_at != head_size(path_len, format_len))
		return err_set(e, ERR_CORRUPT,
			"its header contradicts itself: names of %zu and %zu "
			"bytes, cells at %zu",
			path_len, format_len, cells_at);
	if (head.len < cells_at)
		return err_set(e, ERR_CORRUPT, "cut off in its names, %zu bytes", head.len);
	if (get64(h + AT_CHECK) != head_check((struct slice){h, cells_at}))
		return err_set(e, ERR_CORRUPT, "its header was altered");
	format = h + AT_NAMES + path_len + 1;
	if (strnlen(h + AT_NAMES, path_len + 1) != path_len ||
		strnlen(format, format_len + 1) != format_len)
		return err_set(e, ERR_CORRUPT, "its names have NUL bytes in them");
	f.path = h + AT_NAMES;
	f.format = format;
	kind = head_get(h, cells_at, file_size, &f, &s, e);
	if (kind != OK)
		return kind;
	*ret_facts = f;
	*ret_filters = s;
	return OK;
}

enum err_kind segment_part(
	struct slice file, enum tier part, struct segment_filters *s, struct err *e)
{
	size_t from = part == TIER_STRONG ? s->cells_at : s->weak_at;
	size_t to = part == TIER_STRONG ? s->weak_at : s->weak_end;
	const char *cells = file.data + from;

	if (file.len < to || part_check(cells, to - from) != s->check[part])
		return err_set(e, ERR_CORRUPT, "its cells were altered");
	if (part == TIER_STRONG && s->networks_there) {
		s->networks = (const uint8_t *)cells;
		cells += GATHER_NETWORKS;
	}
	/* The cells are only read, but a filter that is built writes them. */
	memcpy(&s->tier[part].cell, &cells, sizeof(s->tier[part].cell));
	return OK;
}

enum err_kind segment_parse(struct slice file, struct segment_facts *ret_facts,
	struct segment_filters *ret_filters, struct err *e)
{
	struct segment_facts facts;
	struct segment_filters s;
	enum err_kind kind =
		segment_head(slice_cut(file, 0, SEGMENT_HEAD_MAX), file.len, &facts, &s, e);

	for (unsigned part = 0; part < TIERS && kind == OK; part++)
		kind = segment_part(file, (enum tier)part, &s, e);
	if (kind != OK)
		return kind;
	*ret_facts = facts;
	*ret_filters = s;
	return OK;
}

bool segment_resum(char *bytes, size_t len)
{
	struct segment_facts facts;
	struct segment_filters s;
	size_t cells_at;

	if (len < SEGMENT_HEADER)
		return false;
	cells_at = get32(bytes + AT_CELLS_AT);
	if (cells_at < SEGMENT_HEADER || cells_at > len || cells_at > SEGMENT_HEAD_MAX)
		return false;
	put64(bytes + AT_CHECK, head_check((struct slice){bytes, cells_at}));
	if (segment_head((struct slice){bytes, len < SEGMENT_HEAD_MAX ? len : SEGMENT_HEAD_MAX},
		    len, &facts, &s, NULL) != OK)
		return true;
	put64(bytes + AT_TIERS + TIER_CHECK,
		part_check(bytes + s.cells_at, s.weak_at - s.cells_at));
	put64(bytes + AT_TIERS + TIER_BYTES + TIER_CHECK,
		part_check(bytes + s.weak_at, s.weak_end - s.weak_at));
	put64(bytes + AT_CHECK, head_check((struct slice){bytes, cells_at}));
	return true;
}
