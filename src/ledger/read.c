/* SPDX-License-Identifier: MPL-2.0 */
/* Leaves, roots and proofs from what is stored. */
#include "inside.h"

/* Hashes below one that is stored, at the most: half a tile. */
#define BELOW_MAX (LEDGER_TILE / 2)

#define ENTRIES_READ 64 /* at a time: 3 kB on the stack */

/* Hash of the complete subtree of leaves [from, from + 2^height). */
static enum err_kind subtree_hash(
	struct ledger *l, uint64_t from, unsigned height, uint8_t ret_hash[HASH_LEN], struct err *e)
{
	unsigned level = height / TILE_HEIGHT;
	unsigned below = height % TILE_HEIGHT;
	uint8_t hashes[BELOW_MAX][HASH_LEN];
	char name[FILE_NAME_MAX];
	enum err_kind kind;

	hashes_name(level, name);
	kind = log_read(l, name, (from >> (TILE_HEIGHT * level)) * HASH_LEN, hashes,
		((size_t)1 << below) * HASH_LEN, e);
	if (kind == OK)
		tree_fold(hashes[0], below, ret_hash);
	return kind;
}

/* The complete subtrees that make up [from, from + edge->size), largest first. */
static enum err_kind edge_read(
	struct ledger *l, uint64_t from, struct ledger_edge *edge, struct err *e)
{
	enum err_kind kind = OK;

	edge->count = 0;
	for (uint64_t rest = edge->size; kind == OK && rest != 0; edge->count++) {
		unsigned height = 63 - (unsigned)__builtin_clzll(rest);

		kind = subtree_hash(l, from, height, edge->hashes[edge->count], e);
		from += UINT64_C(1) << height;
		rest ^= UINT64_C(1) << height;
	}
	return kind;
}

enum err_kind log_edge(struct ledger *l, uint64_t size, struct ledger_edge *ret_edge, struct err *e)
{
	ret_edge->size = size;
	return edge_read(l, 0, ret_edge, e);
}

enum err_kind log_range_hash(
	struct ledger *l, uint64_t from, uint64_t to, uint8_t ret_hash[HASH_LEN], struct err *e)
{
	struct ledger_edge edge = {.size = to - from};
	enum err_kind kind = edge_read(l, from, &edge, e);

	if (kind == OK)
		ledger_edge_root(&edge, ret_hash);
	return kind;
}

static enum err_kind past_end(const struct ledger *l, uint64_t asked, struct err *e)
{
	return err_set(e, ERR_USAGE, "log \"%s\": %llu leaves asked for, it has %llu", l->folder,
		(unsigned long long)asked, (unsigned long long)ledger_size(l));
}

enum err_kind ledger_root(
	struct ledger *l, uint64_t size, uint8_t ret_root[HASH_LEN], struct err *e)
{
	bool all;

	(void)pthread_mutex_lock(&l->mutex);
	all = size == l->state.size;
	if (all)
		memcpy(ret_root, l->state.root, HASH_LEN);
	(void)pthread_mutex_unlock(&l->mutex);
	if (all)
		return OK;
	if (size > ledger_size(l))
		return past_end(l, size, e);
	return log_range_hash(l, 0, size, ret_root, e);
}

enum err_kind ledger_leaves(
	struct ledger *l, uint64_t from, uint64_t count, struct buf *out, struct err *e)
{
	uint8_t entries[ENTRIES_READ * ENTRY_BYTES];
	uint64_t size = ledger_size(l);
	size_t before = out->len;
	enum err_kind kind = OK;

	if (from > size || count > size - from)
		return past_end(l, from + count, e);
	while (kind == OK && count > 0) {
		size_t some = count < ENTRIES_READ ? (size_t)count : ENTRIES_READ;

		kind = log_read(l, "entries", from * ENTRY_BYTES, entries, some * ENTRY_BYTES, e);
		for (size_t i = 0; kind == OK && i < some; i++)
			buf_append(out, entries + i * ENTRY_BYTES + 2, LEDGER_LEAF_LEN);
		from += some;
		count -= some;
	}
	if (kind == OK && out->bad)
		kind = err_set(e, ERR_NOMEM, "log \"%s\": no room for leaves", l->folder);
	if (kind != OK)
		out->len = before;
	return kind;
}

enum err_kind ledger_leaf_get(
	struct ledger *l, uint64_t index, struct ledger_leaf *ret_leaf, struct err *e)
{
	uint8_t entry[ENTRY_BYTES];
	enum err_kind kind;

	if (index >= ledger_size(l))
		return past_end(l, index, e);
	kind = log_read(l, "entries", index * ENTRY_BYTES, entry, sizeof(entry), e);
	if (kind != OK)
		return kind;
	if (ledger_leaf_parse(entry_leaf(entry), ret_leaf, e) != OK)
		return err_set(e, ERR_CORRUPT, "log \"%s\": \"entries\" is damaged at %llu",
			l->folder, offset_of(index, ENTRY_BYTES));
	return OK;
}

/* ---- proofs ---------------------------------------------------------------------------------- */

/* Paths are found from the root down and told from the leaf up. */
static void path_turn(struct ledger_path *path)
{
	for (unsigned i = 0; i < path->count / 2; i++) {
		uint8_t kept[HASH_LEN];

		memcpy(kept, path->hashes[i], HASH_LEN);
		memcpy(path->hashes[i], path->hashes[path->count - 1 - i], HASH_LEN);
		memcpy(path->hashes[path->count - 1 - i], kept, HASH_LEN);
	}
}

/* PATH of RFC 9162 section 2.1.3.1. */
enum err_kind ledger_inclusion(struct ledger *l, uint64_t index, uint64_t size,
	struct ledger_path *ret_path, struct err *e)
{
	uint64_t from = 0, to = size;
	enum err_kind kind = OK;

	if (size > ledger_size(l))
		return past_end(l, size, e);
	if (index >= size)
		return err_set(e, ERR_USAGE, "log \"%s\": leaf %llu is not in a tree of %llu",
			l->folder, (unsigned long long)index, (unsigned long long)size);
	ret_path->count = 0;
	while (kind == OK && to - from > 1) {
		uint64_t middle = from + tree_split(to - from);
		uint8_t *sibling = ret_path->hashes[ret_path->count++];

		if (index < middle) {
			kind = log_range_hash(l, middle, to, sibling, e);
			to = middle;
		} else {
			kind = log_range_hash(l, from, middle, sibling, e);
			from = middle;
		}
	}
	path_turn(ret_path);
	return kind;
}

/* PROOF and SUBPROOF of RFC 9162 section 2.1.4.1. */
enum err_kind ledger_consistency(struct ledger *l, uint64_t old_size, uint64_t size,
	struct ledger_path *ret_path, struct err *e)
{
	uint64_t from = 0, to = size;
	enum err_kind kind = OK;

	if (size > ledger_size(l))
		return past_end(l, size, e);
	if (old_size > size)
		return err_set(e, ERR_USAGE, "log \"%s\": no consistency of %llu with %llu leaves",
			l->folder, (unsigned long long)old_size, (unsigned long long)size);
	ret_path->count = 0;
	if (old_size == 0)
		return OK;
	while (kind == OK && old_size != to) {
		uint64_t middle = from + tree_split(to - from);
		uint8_t *other = ret_path->hashes[ret_path->count++];

		if (old_size <= middle) {
			kind = log_range_hash(l, middle, to, other, e);
			to = middle;
		} else {
			kind = log_range_hash(l, from, middle, other, e);
			from = middle;
		}
	}
	/* Whoever holds the old root knows the subtree when it is the whole old tree. */
	if (kind == OK && from != 0)
		kind = log_range_hash(l, from, to, ret_path->hashes[ret_path->count++], e);
	path_turn(ret_path);
	return kind;
}

enum err_kind ledger_recheck(
	struct ledger *l, uint64_t from, uint64_t size, const uint8_t root[HASH_LEN], struct err *e)
{
	uint8_t entries[ENTRIES_READ * ENTRY_BYTES], hash[HASH_LEN];
	struct ledger_edge edge;
	enum err_kind kind;

	if (size > ledger_size(l))
		return past_end(l, size, e);
	if (from > size)
		return err_set(e, ERR_USAGE, "log \"%s\": no leaves [%llu, %llu)", l->folder,
			(unsigned long long)from, (unsigned long long)size);
	kind = log_edge(l, from, &edge, e);
	for (uint64_t i = from; kind == OK && i < size;) {
		size_t some = size - i < ENTRIES_READ ? (size_t)(size - i) : ENTRIES_READ;

		kind = log_read(l, "entries", i * ENTRY_BYTES, entries, some * ENTRY_BYTES, e);
		for (size_t k = 0; kind == OK && k < some; k++, i++) {
			ledger_hash_leaf(entry_leaf(entries + k * ENTRY_BYTES), hash);
			ledger_edge_add(&edge, hash);
		}
	}
	if (kind != OK)
		return kind;
	ledger_edge_root(&edge, hash);
	if (memcmp(hash, root, HASH_LEN) != 0)
		return err_set(e, ERR_CORRUPT,
			"log \"%s\": leaves [%llu, %llu) as they stand on the disk do not lead to "
			"the root",
			l->folder, (unsigned long long)from, (unsigned long long)size);
	return OK;
}
