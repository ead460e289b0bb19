/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Finding where an object ends without parsing it, 64 bytes at a time as bit masks, and other
 * things that want vectors. Private.
 *
 * There is a version for AVX2 with carry-less multiplication and one for any machine; they give the
 * same answers, and the same ones however the bytes are cut.
 */
#ifndef JSON_BLOCK_H
#define JSON_BLOCK_H

#include "json.h"

/* Where a scan stands between two bytes; zero before the opening bracket. */
struct nesting {
	uint64_t depth;
	uint64_t in_string; /* all ones inside a string */
	uint64_t escaped;   /* 1 when a backslash stands before the next byte */
};

#define BLOCK_HIGH  0xef /* lead byte of U+F000 and above: rare in most texts */
#define BLOCK_SPARE 32   /* bytes */

struct block_ops {
	const char *name;
	/*
	 * Advance over bytes, from an opening bracket on, up to just behind the bracket that closes
	 * it (then n->depth is 0) or to the end. Returns how many bytes that were. Both kinds of
	 * brackets count alike.
	 */
	size_t (*skip)(struct nesting *n, struct slice bytes);
	/*
	 * The same, but stops in front of a string at depth 1 that may be "objects" (it begins with
	 * o or a backslash, or the block ends behind its quote) and sets *ret_name. passed: the
	 * string at the very front is one it stopped at before.
	 */
	size_t (*skip_to_name)(struct nesting *n, struct slice bytes, bool passed, bool *ret_name);
	size_t (*count_newlines)(struct slice bytes);
	/*
	 * Index of the first byte at or after `from` that is BLOCK_HIGH or more; bytes.len when
	 * there is none. BLOCK_SPARE bytes behind may be read.
	 */
	size_t (*find_high)(struct slice bytes, size_t from);
};

/* The fastest this machine has. */
const struct block_ops *block_ops_best(void);
/* The one that runs anywhere. */
const struct block_ops *block_ops_portable(void);

/* json_split_new with a version of one's choice. */
struct json_split *json_split_new_with(size_t object_max, const struct block_ops *ops) MUST_USE;

#endif
