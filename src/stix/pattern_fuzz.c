/* SPDX-License-Identifier: MPL-2.0 */
/* Any bytes as a pattern: a tree that prints and reads again as itself, or a fault with a place. */
#include <stdlib.h>

#include "mutate_text.h"
#include "planted.h"
#include "stix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good)
{
	if (!good)
		abort();
}

static void print_and_read(struct arena *a, const struct stix_node *root)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct stix_pattern_error error;
	struct stix_node *again;

	stix_pattern_print(root, &once);
	require(!once.bad);
	if (stix_pattern_parse(buf_slice(&once), a, &again, &error)) {
		stix_pattern_print(again, &twice);
		require(slice_equal(buf_slice(&once), buf_slice(&twice)));
	} else {
		/* the parentheses that printing adds may pass the limits of depth and size */
		require(slice_find_text(error.message, SLICE("nested more than")) <
				error.message.len ||
			slice_find_text(error.message, SLICE("at most 524288 bytes")) <
				error.message.len);
	}
	buf_fini(&once);
	buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(MIB(64));
	struct slice pattern = {(const char *)data, size};
	struct stix_pattern_error error, other;
	struct stix_node *root;
	bool good, remarked;
	size_t atoms;

	if (a == NULL)
		return 0;
	good = stix_pattern_parse(pattern, a, &root, &error);
	require(good == stix_pattern_parse(pattern, a, NULL, &other));
	remarked = stix_pattern_remark(pattern, a, &other);
	require(good || !remarked);
	require(good || !stix_pattern_is_list(pattern, a, &atoms));
	if (remarked)
		require(other.offset < size);
	if (good) {
		PLANTED(root->kind == STIX_NODE_WITHIN && root->seconds > 100 &&
			root->a->kind == STIX_NODE_REPEATS && root->a->times > 1);
		print_and_read(a, root);
	} else {
		require(error.offset <= size && error.line >= 1 && error.column >= 1);
		require(error.message.len > 0 && utf8_valid(error.message));
	}
	arena_free(a);
	return 0;
}
