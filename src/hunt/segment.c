/* SPDX-License-Identifier: MPL-2.0 */
/* Writing and reading segment files. Little-endian, every size checked before it is used. */
#include "segment.h"

#include <endian.h>

#include "hunt.h"

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
	AT_KEYS = 116,
	AT_SEED = 120,
	AT_SEGMENT_LENGTH = 128,
	AT_SEGMENTS = 132,
	AT_CELLS = 136,
	AT_PATH_LEN = 140,
	AT_FORMAT_LEN = 142,
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

enum err_kind segment_layout(const struct segment_facts *facts, uint32_t keys, struct fuse *f,
	struct buf *ret_file, struct err *e)
{
	size_t path_len = strlen(facts->path), format_len = strlen(facts->format);
	size_t cells_at = head_size(path_len, format_len), size;
	char *file;

	if (path_len >= SEGMENT_PATH_MAX || format_len >= SEGMENT_FORMAT_MAX)
		return err_set(e, ERR_LIMIT,
			"filter of a log: its path has %zu bytes and its format %zu, at most %d "
			"and %d are kept",
			path_len, format_len, SEGMENT_PATH_MAX - 1, SEGMENT_FORMAT_MAX - 1);
	fuse_layout(f, keys);
	size = cells_at + (size_t)f->cells * 2 + SHA256_LEN;
	buf_clear(ret_file);
	file = buf_reserve(ret_file, size);
	if (file == NULL)
		return err_set(e, ERR_NOMEM, "filter of \"%s\": out of memory for %zu bytes",
			facts->path, size);
	memset(file, 0, cells_at);
	ret_file->len = size;
	f->cell = (uint16_t *)(void *)(file + cells_at);
	return OK;
}

void segment_seal(const struct segment_facts *facts, struct fuse *f, struct buf *file)
{
	size_t path_len = strlen(facts->path), format_len = strlen(facts->format);
	size_t cells_at = head_size(path_len, format_len);
	char *h = file->data;

	memcpy(h + AT_MAGIC, MAGIC, 8);
	put32(h + AT_VERSION, SEGMENT_VERSION);
	put32(h + AT_CELLS_AT, (uint32_t)cells_at);
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
	put32(h + AT_KEYS, facts->keys);
	put64(h + AT_SEED, f->seed);
	put32(h + AT_SEGMENT_LENGTH, f->segment_length);
	put32(h + AT_SEGMENTS, f->segments);
	put32(h + AT_CELLS, f->cells);
	put32(h + AT_PATH_LEN, (uint32_t)(path_len | format_len << 16));
	memcpy(h + AT_NAMES, facts->path, path_len + 1);
	memcpy(h + AT_NAMES + path_len + 1, facts->format, format_len + 1);
	put64(h + AT_CHECK, head_check((struct slice){h, cells_at}));
	for (uint32_t i = 0; i < f->cells; i++)
		f->cell[i] = htole16(f->cell[i]);
	hash_sha256(
		(struct slice){h, file->len - SHA256_LEN}, (uint8_t *)h + file->len - SHA256_LEN);
}

enum err_kind segment_head(struct slice head, uint64_t file_size, struct segment_facts *ret_facts,
	struct fuse *ret_fuse, size_t *ret_cells_at, struct err *e)
{
	const char *h = head.data, *format;
	size_t path_len, format_len, cells_at;
	struct fuse f = {0};

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
	f.seed = get64(h + AT_SEED);
	f.segment_length = get32(h + AT_SEGMENT_LENGTH);
	f.segments = get32(h + AT_SEGMENTS);
	f.cells = get32(h + AT_CELLS);
	if (!fuse_sane(&f) || file_size != cells_at + (uint64_t)f.cells * 2 + SHA256_LEN)
		return err_set(e, ERR_CORRUPT,
			"cut off or contradicting itself: %u cells in %llu bytes", f.cells,
			(unsigned long long)file_size);
	*ret_facts = (struct segment_facts){
		.key_id = get64(h + AT_KEY_ID),
		.first_record = get64(h + AT_FIRST_RECORD),
		.records = get64(h + AT_RECORDS),
		.offset = get64(h + AT_OFFSET),
		.bytes = get64(h + AT_BYTES),
		.first_us = (int64_t)get64(h + AT_FIRST_US),
		.last_us = (int64_t)get64(h + AT_LAST_US),
		.log = {.device = get64(h + AT_DEVICE),
			.inode = get64(h + AT_INODE),
			.size = get64(h + AT_SIZE),
			.head_len = get32(h + AT_HEAD_LEN),
			.head_hash = get64(h + AT_HEAD_HASH)},
		.keys = get32(h + AT_KEYS),
		.path = h + AT_NAMES,
		.format = format,
	};
	*ret_fuse = f;
	*ret_cells_at = cells_at;
	return OK;
}

enum err_kind segment_parse(
	struct slice file, struct segment_facts *ret_facts, struct fuse *ret_fuse, struct err *e)
{
	struct segment_facts facts;
	struct fuse f;
	size_t cells_at;
	uint8_t digest[SHA256_LEN];
	enum err_kind kind = segment_head(
		slice_cut(file, 0, SEGMENT_HEAD_MAX), file.len, &facts, &f, &cells_at, e);

	if (kind != OK)
		return kind;
	hash_sha256(slice_cut(file, 0, file.len - SHA256_LEN), digest);
	if (memcmp(digest, file.data + file.len - SHA256_LEN, SHA256_LEN) != 0)
		return err_set(e, ERR_CORRUPT, "its cells were altered");
	/* The cells are only read, but a filter that is built writes them. */
	memcpy(&f.cell, &(const char *){file.data + cells_at}, sizeof(f.cell));
	*ret_facts = facts;
	*ret_fuse = f;
	return OK;
}

bool segment_resum(char *bytes, size_t len)
{
	size_t cells_at;

	if (len < SEGMENT_HEADER + SHA256_LEN)
		return false;
	cells_at = get32(bytes + AT_CELLS_AT);
	if (cells_at < SEGMENT_HEADER || cells_at > len - SHA256_LEN || cells_at > SEGMENT_HEAD_MAX)
		return false;
	put64(bytes + AT_CHECK, head_check((struct slice){bytes, cells_at}));
	hash_sha256((struct slice){bytes, len - SHA256_LEN}, (uint8_t *)bytes + len - SHA256_LEN);
	return true;
}
