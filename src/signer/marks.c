/* SPDX-License-Identifier: MPL-2.0 */
/*
 * High-water marks on disk. Each stands there twice, a sector apart, written one after the other
 * with a sync between: a crash can damage one of the two, and so can a rotten sector; either is
 * mended at the next start. A signature leaves only when both are durable, so whatever is found
 * after a crash is at least what was ever answered.
 *
 *   copy c of mark i stands at (2 i + c) * MARK_STRIDE
 *
 *   offset  size  field
 *        0     8  "SERAIHW1"
 *        8     1  which key (enum signer_key)
 *        9     1  1: two roots of one size were signed
 *       10     1  bytes of the origin, 1..255
 *       11     5  zeros
 *       16     8  size, u64be
 *       24    32  root
 *       56    32  public key of ours
 *       88    32  public key of the log
 *      120   256  origin, then zeros
 *      376   104  zeros
 *      480    32  SHA-256 of the 480 bytes before
 */
#include "parts.h"

#define CHECK_AT  480
#define ORIGIN_AT 120

static const uint8_t magic[8] = {'S', 'E', 'R', 'A', 'I', 'H', 'W', '1'};

static void mark_write(const struct marks *m, const struct mark *k, uint8_t ret[MARK_LEN])
{
	size_t origin = strlen(k->origin);

	memset(ret, 0, MARK_LEN);
	memcpy(ret, magic, sizeof(magic));
	ret[8] = (uint8_t)m->key;
	ret[9] = k->forked;
	ret[10] = (uint8_t)origin;
	put_u64(ret + 16, k->size);
	memcpy(ret + 24, k->root, sizeof(k->root));
	memcpy(ret + 56, m->own, sizeof(m->own));
	memcpy(ret + 88, k->log, sizeof(k->log));
	memcpy(ret + ORIGIN_AT, k->origin, origin);
	hash_sha256((struct slice){(const char *)ret, CHECK_AT}, ret + CHECK_AT);
}

/* What stands where a copy should. */
enum copy {
	COPY_NONE,    /* zeros, or behind the end of the file */
	COPY_DAMAGED, /* torn or rotten */
	COPY_OTHERS,  /* whole, but of another key */
	COPY_GOOD
};

static enum copy mark_parse(
	const struct marks *m, const uint8_t bytes[MARK_LEN], struct mark *ret_mark)
{
	static const uint8_t zeros[MARK_LEN];
	uint8_t check[SHA256_LEN], again[MARK_LEN];
	struct mark k = {0};
	struct reader r = {
		{(const char *)bytes + 16, 8},
                false
        };

	if (memcmp(bytes, zeros, MARK_LEN) == 0)
		return COPY_NONE;
	hash_sha256((struct slice){(const char *)bytes, CHECK_AT}, check);
	if (memcmp(check, bytes + CHECK_AT, sizeof(check)) != 0)
		return COPY_DAMAGED;
	if (bytes[8] != (uint8_t)m->key || memcmp(bytes + 56, m->own, sizeof(m->own)) != 0)
		return COPY_OTHERS;
	k.forked = bytes[9] != 0;
	k.size = read_u64(&r);
	memcpy(k.root, bytes + 24, sizeof(k.root));
	memcpy(k.log, bytes + 88, sizeof(k.log));
	memcpy(k.origin, bytes + ORIGIN_AT, bytes[10]);
	/* Whatever else is not as we write it was not written by us. */
	mark_write(m, &k, again);
	if (memcmp(again, bytes, MARK_LEN) != 0 || bytes[10] == 0)
		return COPY_DAMAGED;
	*ret_mark = k;
	return COPY_GOOD;
}

static uint64_t copy_offset(size_t index, unsigned copy)
{
	return (2 * (uint64_t)index + copy) * MARK_STRIDE;
}

static enum err_kind copy_read(const struct marks *m, uint64_t file_bytes, size_t index,
	unsigned copy, enum copy *ret_state, struct mark *ret_mark, struct err *e)
{
	uint8_t bytes[MARK_LEN] = {0};
	uint64_t offset = copy_offset(index, copy);
	size_t len = 0;
	enum err_kind kind = OK;

	if (offset < file_bytes)
		len = file_bytes - offset < MARK_LEN ? (size_t)(file_bytes - offset) : MARK_LEN;
	if (len != 0)
		kind = m->disk->read(m->disk->context, m->path, offset, bytes, len, e);
	if (kind == OK)
		*ret_state = mark_parse(m, bytes, ret_mark);
	return kind;
}

static enum err_kind copy_write(
	struct marks *m, size_t index, unsigned copy, const struct mark *mark, struct err *e)
{
	uint8_t bytes[MARK_LEN];
	struct slice s = {(const char *)bytes, sizeof(bytes)};
	enum err_kind kind;

	mark_write(m, mark, bytes);
	kind = m->disk->write(m->disk->context, m->path, copy_offset(index, copy), s, e);
	if (kind != OK)
		return kind;
	kind = m->disk->sync(m->disk->context, m->path, e);
	m->unsure = kind != OK;
	return kind;
}

static enum err_kind mark_damaged(const struct marks *m, size_t index, struct err *e)
{
	return err_set(
		e, ERR_CORRUPT, "high-water file \"%s\": mark %zu is damaged", m->path, index);
}

static enum err_kind of_another_key(const struct marks *m, struct err *e)
{
	return err_set(e, ERR_CONFLICT,
		"high-water file \"%s\" belongs to another key; a new key wants a new folder",
		m->path);
}

/* Both are whole: do they tell of one log, and which is the later? */
static bool copies_order(const struct mark *a, const struct mark *b, unsigned *ret_later)
{
	if (strcmp(a->origin, b->origin) != 0 || memcmp(a->log, b->log, sizeof(a->log)) != 0)
		return false;
	if (a->size == b->size) {
		*ret_later = b->forked && !a->forked;
		return memcmp(a->root, b->root, sizeof(a->root)) == 0;
	}
	*ret_later = b->size > a->size;
	return true;
}

static bool marks_same(const struct mark *a, const struct mark *b)
{
	return a->size == b->size && a->forked == b->forked;
}

/* *ret_used false: no mark was ever answered from here. */
static enum err_kind mark_open(
	struct marks *m, uint64_t file_bytes, size_t index, bool *ret_used, struct err *e)
{
	struct mark copies[2];
	enum copy state[2] = {COPY_NONE, COPY_NONE};
	enum err_kind kind = OK;
	unsigned later;

	for (unsigned c = 0; c < 2 && kind == OK; c++)
		kind = copy_read(m, file_bytes, index, c, &state[c], &copies[c], e);
	if (kind != OK)
		return kind;
	if (state[0] == COPY_OTHERS || state[1] == COPY_OTHERS)
		return of_another_key(m, e);
	/* The first copy is written first: without a second nothing was answered. */
	*ret_used = state[0] == COPY_GOOD || state[1] == COPY_GOOD;
	if (!*ret_used)
		return state[1] == COPY_NONE ? OK : mark_damaged(m, index, e);
	later = state[0] != COPY_GOOD;
	if (state[0] == COPY_GOOD && state[1] == COPY_GOOD &&
		!copies_order(&copies[0], &copies[1], &later))
		return mark_damaged(m, index, e);
	m->items[index] = copies[later];
	if (state[!later] != COPY_GOOD || !marks_same(&copies[0], &copies[1]))
		kind = copy_write(m, index, !later, &copies[later], e);
	return kind;
}

enum err_kind marks_open(struct marks *m, const struct ledger_disk *disk, enum signer_key key,
	const struct note_key *own, struct err *e)
{
	static const char *const paths[SIGNER_KEYS] = {"log", "witness", "mirror"};
	size_t limit = key == SIGNER_LOG ? 1 : SIGNER_ORIGINS_MAX;
	bool used = true;
	uint64_t bytes;
	enum err_kind kind;

	*m = (struct marks){.disk = disk, .path = paths[key], .key = key};
	memcpy(m->own, own->public, sizeof(m->own));
	/* Also opens it: later, in the sandbox, nothing can be opened. */
	kind = disk->sync(disk->context, m->path, e);
	if (kind == OK)
		kind = disk->size(disk->context, m->path, &bytes, e);
	if (kind == OK && bytes > copy_offset(limit, 0))
		kind = err_set(e, ERR_CORRUPT, "high-water file \"%s\": longer than %zu marks",
			m->path, limit);
	for (size_t i = 0; kind == OK && copy_offset(i, 0) < bytes; i++) {
		bool before = used;

		kind = mark_open(m, bytes, i, &used, e);
		if (kind == OK && used && !before)
			kind = mark_damaged(m, i - 1, e);
		m->count += kind == OK && used;
	}
	/* The same key under another name would be another log. */
	if (kind == OK && key == SIGNER_LOG && m->count == 1 &&
		strcmp(m->items[0].origin, own->name) != 0)
		kind = of_another_key(m, e);
	return kind;
}

size_t marks_find(const struct marks *m, struct slice origin)
{
	size_t i = 0;

	while (i < m->count && !slice_is(origin, m->items[i].origin))
		i++;
	return i;
}

enum err_kind marks_put(struct marks *m, size_t index, const struct mark *mark, struct err *e)
{
	enum err_kind kind = OK;

	if (m->unsure)
		return err_set(e, ERR_IO,
			"high-water file \"%s\": a sync failed before; the signer must be started "
			"anew",
			m->path);
	if (index >= SIGNER_ORIGINS_MAX)
		return err_set(e, ERR_LIMIT, "high-water file \"%s\": %d logs, at most that many",
			m->path, SIGNER_ORIGINS_MAX);
	for (unsigned c = 0; c < 2 && kind == OK; c++)
		kind = copy_write(m, index, c, mark, e);
	if (kind != OK)
		return kind;
	m->items[index] = *mark;
	if (index == m->count)
		m->count++;
	return OK;
}
