/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The tree: RFC 9162 section 2.1, which is that of RFC 6962. Nothing here reads a file.
 */
#include "inside.h"

void ledger_hash_leaf(struct slice entry, uint8_t ret_hash[HASH_LEN])
{
	struct slice parts[] = {
		{"\0", 1},
                entry
        };
	char near[256];

	/* One call on bytes that lie together is several times faster than a state on the heap. */
	if (entry.len < sizeof(near)) {
		near[0] = 0x00;
		if (entry.len != 0)
			memcpy(near + 1, entry.data, entry.len);
		hash_sha256((struct slice){near, 1 + entry.len}, ret_hash);
		return;
	}
	hash_sha256_parts(parts, COUNT_OF(parts), ret_hash);
}

void ledger_hash_node(
	const uint8_t left[HASH_LEN], const uint8_t right[HASH_LEN], uint8_t ret_hash[HASH_LEN])
{
	char both[1 + 2 * HASH_LEN];

	both[0] = 0x01;
	memcpy(both + 1, left, HASH_LEN);
	memcpy(both + 1 + HASH_LEN, right, HASH_LEN);
	hash_sha256((struct slice){both, sizeof(both)}, ret_hash);
}

void ledger_hash_empty(uint8_t ret_hash[HASH_LEN])
{
	hash_sha256((struct slice){0}, ret_hash);
}

uint64_t tree_split(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

void tree_add(struct ledger_edge *edge, const uint8_t leaf_hash[HASH_LEN],
	void (*kept)(void *context, unsigned height, const uint8_t hash[HASH_LEN]), void *context)
{
	uint8_t hash[HASH_LEN];
	unsigned height = 0;

	memcpy(hash, leaf_hash, HASH_LEN);
	if (kept != NULL)
		kept(context, 0, hash);
	/* As a binary counter carries: two subtrees of one height become one of the next. */
	for (uint64_t carry = edge->size; (carry & 1) != 0; carry >>= 1) {
		ledger_hash_node(edge->hashes[--edge->count], hash, hash);
		height++;
		if (kept != NULL)
			kept(context, height, hash);
	}
	memcpy(edge->hashes[edge->count++], hash, HASH_LEN);
	edge->size++;
}

void ledger_edge_add(struct ledger_edge *edge, const uint8_t leaf_hash[HASH_LEN])
{
	tree_add(edge, leaf_hash, NULL, NULL);
}

void ledger_edge_root(const struct ledger_edge *edge, uint8_t ret_root[HASH_LEN])
{
	uint8_t hash[HASH_LEN];

	if (edge->count == 0) {
		ledger_hash_empty(ret_root);
		return;
	}
	memcpy(hash, edge->hashes[edge->count - 1], HASH_LEN);
	for (unsigned i = edge->count - 1; i > 0; i--)
		ledger_hash_node(edge->hashes[i - 1], hash, hash);
	memcpy(ret_root, hash, HASH_LEN);
}

void tree_fold(uint8_t *hashes, unsigned height, uint8_t ret_hash[HASH_LEN])
{
	for (size_t count = (size_t)1 << height; count > 1; count /= 2) {
		for (size_t i = 0; i < count; i += 2)
			ledger_hash_node(hashes + i * HASH_LEN, hashes + (i + 1) * HASH_LEN,
				hashes + i / 2 * HASH_LEN);
	}
	memcpy(ret_hash, hashes, HASH_LEN);
}

/* RFC 9162 section 2.1.3.2; the numbers are its steps. */
bool ledger_inclusion_verify(uint64_t index, uint64_t size, const struct ledger_path *path,
	const uint8_t leaf_hash[HASH_LEN], const uint8_t root[HASH_LEN])
{
	uint8_t r[HASH_LEN];
	uint64_t fn = index, sn;

	if (index >= size) /* 1 */
		return false;
	sn = size - 1;                               /* 2 */
	memcpy(r, leaf_hash, HASH_LEN);              /* 3 */
	for (unsigned i = 0; i < path->count; i++) { /* 4 */
		if (sn == 0)
			return false;
		if ((fn & 1) != 0 || fn == sn) {
			ledger_hash_node(path->hashes[i], r, r);
			/* An even fn is sn here, which is not 0: this ends. */
			while ((fn & 1) == 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			ledger_hash_node(r, path->hashes[i], r);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && memcmp(r, root, HASH_LEN) == 0; /* 5 */
}

static bool is_power_of_two(uint64_t n)
{
	return (n & (n - 1)) == 0;
}

/* RFC 9162 section 2.1.4.2 for 0 < old_size < size; the numbers are its steps. */
static bool consistency_walk(uint64_t old_size, uint64_t size, const struct ledger_path *path,
	const uint8_t old_root[HASH_LEN], const uint8_t root[HASH_LEN])
{
	const uint8_t(*next)[HASH_LEN] = path->hashes;
	const uint8_t(*end)[HASH_LEN] = path->hashes + path->count;
	uint8_t fr[HASH_LEN], sr[HASH_LEN];
	uint64_t fn = old_size - 1, sn = size - 1; /* 3 */

	if (path->count == 0) /* 1 */
		return false;
	memcpy(fr, is_power_of_two(old_size) ? old_root : *next++, HASH_LEN); /* 2 and 5 */
	memcpy(sr, fr, HASH_LEN);
	for (; (fn & 1) != 0; fn >>= 1) /* 4 */
		sn >>= 1;
	for (; next < end; next++) { /* 6 */
		if (sn == 0)
			return false;
		if ((fn & 1) != 0 || fn == sn) {
			ledger_hash_node(*next, fr, fr);
			ledger_hash_node(*next, sr, sr);
			/* An even fn is sn here, which is not 0: this ends. */
			while ((fn & 1) == 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			ledger_hash_node(sr, *next, sr);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && memcmp(fr, old_root, HASH_LEN) == 0 &&
	       memcmp(sr, root, HASH_LEN) == 0; /* 7 */
}

bool ledger_consistency_verify(uint64_t old_size, uint64_t size, const struct ledger_path *path,
	const uint8_t old_root[HASH_LEN], const uint8_t root[HASH_LEN])
{
	uint8_t empty[HASH_LEN];

	if (old_size > size)
		return false;
	if (old_size == size && (path->count != 0 || memcmp(old_root, root, HASH_LEN) != 0))
		return false;
	if (old_size == 0) {
		ledger_hash_empty(empty);
		return path->count == 0 && memcmp(old_root, empty, HASH_LEN) == 0;
	}
	return old_size == size || consistency_walk(old_size, size, path, old_root, root);
}
