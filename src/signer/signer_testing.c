/* SPDX-License-Identifier: MPL-2.0 */
#include "signer_testing.h"

#include <stdlib.h>

void tree_init(struct tree *t, uint64_t seed, uint64_t fork)
{
	*t = (struct tree){.seed = seed, .fork = fork};
	t->leaves = calloc(TREE_MAX, sizeof(*t->leaves));
	if (t->leaves == NULL)
		abort();
	for (uint64_t i = 0; i < TREE_MAX; i++) {
		char entry[24];

		put_u64(entry, seed);
		put_u64(entry + 8, i);
		put_u64(entry + 16, fork != 0 && i >= fork ? fork : 0);
		ledger_hash_leaf((struct slice){entry, sizeof(entry)}, t->leaves[i]);
	}
}

void tree_fini(struct tree *t)
{
	free(t->leaves);
	*t = (struct tree){0};
}

/* Largest power of two below n. */
static uint64_t split(uint64_t n)
{
	uint64_t k = 1;

	while (k * 2 < n)
		k *= 2;
	return k;
}

static void range_root(const struct tree *t, uint64_t from, uint64_t count, uint8_t *ret)
{
	uint8_t left[LEDGER_HASH_LEN], right[LEDGER_HASH_LEN];
	uint64_t k;

	if (count == 0) {
		ledger_hash_empty(ret);
		return;
	}
	if (count == 1) {
		memcpy(ret, t->leaves[from], LEDGER_HASH_LEN);
		return;
	}
	k = split(count);
	range_root(t, from, k, left);
	range_root(t, from + k, count - k, right);
	ledger_hash_node(left, right, ret);
}

void tree_root(const struct tree *t, uint64_t size, uint8_t ret_root[LEDGER_HASH_LEN])
{
	range_root(t, 0, size, ret_root);
}

/* SUBPROOF(m, D[from:from+n], whole) */
static void subproof(const struct tree *t, uint64_t m, uint64_t from, uint64_t n, bool whole,
	struct ledger_path *ret)
{
	uint64_t k;

	if (m == n) {
		if (!whole)
			range_root(t, from, n, ret->hashes[ret->count++]);
		return;
	}
	k = split(n);
	if (m <= k) {
		subproof(t, m, from, k, whole, ret);
		range_root(t, from + k, n - k, ret->hashes[ret->count++]);
	} else {
		subproof(t, m - k, from + k, n - k, false, ret);
		range_root(t, from, k, ret->hashes[ret->count++]);
	}
}

void tree_path(const struct tree *t, uint64_t old_size, uint64_t size, struct ledger_path *ret)
{
	ret->count = 0;
	if (old_size != 0 && old_size < size)
		subproof(t, old_size, 0, size, true, ret);
}

void note_of(const struct note_secret *key, const struct tree *t, uint64_t size, struct buf *out)
{
	struct note_checkpoint c = {.origin = slice_of(key->key.name), .size = size};
	struct buf text = BUF_INIT, line = BUF_INIT;

	tree_root(t, size, c.root);
	note_checkpoint_format(&c, &text);
	note_sign(key, buf_slice(&text), &line);
	note_write(buf_slice(&text), buf_slice(&line), out);
	buf_fini(&text);
	buf_fini(&line);
}
