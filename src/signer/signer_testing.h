/* SPDX-License-Identifier: MPL-2.0 */
/* What the tests of this folder share: trees after RFC 9162's definitions, and other members. */
#ifndef SIGNER_TESTING_H
#define SIGNER_TESTING_H

#include "parts.h"

#define TREE_MAX 4096 /* leaves of a tree of the tests */

/* Leaf hashes; two trees of one seed are the same up to the smaller size. */
struct tree {
	uint64_t seed;
	uint8_t (*leaves)[LEDGER_HASH_LEN];
	uint64_t fork; /* leaves from here on differ from the seed's other trees; 0: none */
};
void tree_init(struct tree *t, uint64_t seed, uint64_t fork); /* TREE_MAX leaves */
void tree_fini(struct tree *t);
/* Sections 2.1.1 and 2.1.4.1, as they are written there: slow and plain. */
void tree_root(const struct tree *t, uint64_t size, uint8_t ret_root[LEDGER_HASH_LEN]);
void tree_path(const struct tree *t, uint64_t old_size, uint64_t size, struct ledger_path *ret);

/* The note of a checkpoint by a key, appended. */
void note_of(const struct note_secret *key, const struct tree *t, uint64_t size, struct buf *out);

#endif
