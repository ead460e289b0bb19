/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The journal of one's own log: small groups of entries are acknowledged when their record here is
 * synced, and the five files that they belong to are synced together, seldom.
 *
 * offset  bytes
 *      0  4   "SLj1"
 *      4  4   bytes of the record, u32be
 *      8  8   sequence of the state that it follows, u64be
 *     16  8   index of the first leaf, u64be
 *     24  8   offset of its contents in `contents`, u64be
 *     32  8   note, u64be
 *     40  4   leaves, u32be
 *     44  4   bytes of contents, u32be
 *     48  96  for each leaf: leaf, salt, place
 *          .. contents
 *          32 SHA-256 of all before
 *
 * Records lie one behind another from the beginning of the file. The first that does not fit the
 * state and the records before it is the end: a new state makes all of them old at once.
 */
#include <stdlib.h>

#include "inside.h"

#define HEAD_BYTES    48
#define JOURNAL_MAGIC "SLj1" /* without its NUL */
#define PER_LEAF      (LEDGER_LEAF_LEN + LEDGER_SALT_LEN + PLACE_BYTES)
#define RECORD_MAX    (HEAD_BYTES + JOURNAL_ENTRIES_MAX * PER_LEAF + JOURNAL_CONTENTS_MAX + HASH_LEN)

static size_t record_len(size_t leaves, size_t contents)
{
	return HEAD_BYTES + leaves * PER_LEAF + contents + HASH_LEN;
}

void journal_record(const struct group *g, struct buf *out)
{
	size_t leaves = g->places.len / PLACE_BYTES, len = record_len(leaves, g->contents.len);
	uint8_t head[HEAD_BYTES], sum[HASH_LEN];

	memcpy(head, JOURNAL_MAGIC, sizeof(JOURNAL_MAGIC) - 1);
	put_u32(head + 4, (uint32_t)len);
	put_u64(head + 8, g->next.sequence);
	put_u64(head + 16, g->stage.size);
	put_u64(head + 24, g->next.contents);
	put_u64(head + 32, g->next.note);
	put_u32(head + 40, (uint32_t)leaves);
	put_u32(head + 44, (uint32_t)g->contents.len);
	buf_append(out, head, sizeof(head));
	for (size_t i = 0; i < leaves; i++) {
		buf_append(out, g->stage.entries.data + i * ENTRY_BYTES + 2, LEDGER_LEAF_LEN);
		buf_append(out, g->salts.data + i * LEDGER_SALT_LEN, LEDGER_SALT_LEN);
		buf_append(out, g->places.data + i * PLACE_BYTES, PLACE_BYTES);
	}
	buf_slice_append(out, buf_slice(&g->contents));
	hash_sha256(buf_slice(out), sum);
	buf_append(out, sum, sizeof(sum));
}

enum err_kind log_journal_put(struct ledger *l, const struct buf *record, struct err *e)
{
	enum err_kind kind;

	if (record->bad)
		return err_set(e, ERR_NOMEM, "log \"%s\": out of memory", l->folder);
	kind = log_write(l, "journal", l->journal, buf_slice(record), e);
	if (kind == OK)
		kind = log_sync(l, "journal", e);
	if (kind == OK)
		l->journal += record->len;
	return kind;
}

/* ---- after a crash --------------------------------------------------------------------------- */

struct head {
	uint64_t sequence, first, contents, note;
	uint32_t len, leaves, contents_len;
};

/* Does a record that follows `state` begin here? */
static bool head_parse(struct slice bytes, const struct state *state, struct head *ret)
{
	struct reader r = {.rest = bytes};
	bool magic = slice_is(read_bytes(&r, 4), JOURNAL_MAGIC);

	ret->len = read_u32(&r);
	ret->sequence = read_u64(&r);
	ret->first = read_u64(&r);
	ret->contents = read_u64(&r);
	ret->note = read_u64(&r);
	ret->leaves = read_u32(&r);
	ret->contents_len = read_u32(&r);
	return magic && !r.bad && ret->sequence == state->sequence && ret->first == state->size &&
	       ret->contents == state->contents && ret->leaves <= JOURNAL_ENTRIES_MAX &&
	       ret->contents_len <= JOURNAL_CONTENTS_MAX &&
	       ret->len == record_len(ret->leaves, ret->contents_len);
}

/* The record at `offset` into bytes[RECORD_MAX]; *ret_found false: the journal ends here. */
static enum err_kind record_read(struct ledger *l, uint64_t offset, char *bytes,
	struct head *ret_head, bool *ret_found, struct err *e)
{
	uint8_t sum[HASH_LEN];
	enum err_kind kind = log_read_sparse(l, "journal", offset, bytes, HEAD_BYTES, e);

	*ret_found =
		kind == OK && head_parse((struct slice){bytes, HEAD_BYTES}, &l->state, ret_head);
	if (!*ret_found)
		return kind;
	kind = log_read_sparse(l, "journal", offset, bytes, ret_head->len, e);
	if (kind != OK)
		return kind;
	hash_sha256((struct slice){bytes, ret_head->len - HASH_LEN}, sum);
	*ret_found = memcmp(sum, bytes + ret_head->len - HASH_LEN, HASH_LEN) == 0;
	return OK;
}

static enum err_kind record_apply(
	struct ledger *l, const struct head *head, const char *bytes, bool *reading, struct err *e)
{
	const char *at = bytes + HEAD_BYTES;
	enum err_kind kind;
	struct group g;

	group_init(&g, l);
	for (uint32_t i = 0; i < head->leaves; i++, at += PER_LEAF) {
		stage_add(&g.stage, (const uint8_t *)at);
		buf_append(&g.salts, at + LEDGER_LEAF_LEN, LEDGER_SALT_LEN);
		buf_append(&g.places, at + LEDGER_LEAF_LEN + LEDGER_SALT_LEN, PLACE_BYTES);
	}
	buf_append(&g.contents, at, head->contents_len);
	g.next.note = head->note;
	kind = group_write(&g, l, e);
	/* Who only reads sees what whoever writes has written by now. */
	if (kind == ERR_DENIED) {
		*reading = true;
		kind = group_there(&g, l, e);
	}
	group_finish(&g);
	if (kind == OK)
		log_state_set(l, &g.next, &g.stage.edge);
	group_fini(&g);
	return kind;
}

enum err_kind log_journal_replay(struct ledger *l, struct err *e)
{
	char *bytes = malloc(RECORD_MAX);
	uint64_t offset = 0;
	struct head head;
	enum err_kind kind;
	bool found, reading = false;

	if (bytes == NULL)
		return err_set(e, ERR_NOMEM, "log \"%s\": out of memory", l->folder);
	for (;;) {
		kind = record_read(l, offset, bytes, &head, &found, e);
		if (kind != OK || !found)
			break;
		kind = record_apply(l, &head, bytes, &reading, e);
		if (kind != OK)
			break;
		offset += head.len;
	}
	secret_wipe(bytes, RECORD_MAX);
	free(bytes);
	if (reading) {
		l->dirty = 0;
		return kind == ERR_DENIED ? OK : kind;
	}
	if (kind != OK || offset == 0)
		return kind;
	kind = log_files_sync(l, e);
	return kind == OK ? log_state_put(l, &l->state, &l->edge, e) : kind;
}

/* Salts and contents are in old records too. */
enum err_kind log_journal_wipe(struct ledger *l, struct err *e)
{
	uint64_t bytes = 0;
	enum err_kind kind = log_file_size(l, "journal", &bytes, e);

	if (kind != OK || bytes == 0)
		return kind;
	kind = log_zeros_write(l, "journal", 0, bytes, e);
	return kind == OK ? log_sync(l, "journal", e) : kind;
}
