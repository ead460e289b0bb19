/* SPDX-License-Identifier: MPL-2.0 */
/* A pattern, a line feed, and observations: no crash, and an answer or a kind of error that is
 * said. */
#include <stdlib.h>

#include "mutate_text.h"
#include "pattern.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good)
{
	if (!good)
		abort();
}

/* bundle: what was observed stands in one, and is referred to */
static void ask(const struct pattern *p, const struct pattern_observations *o, bool bundle)
{
	struct arena *a = arena_new(MIB(16));
	struct slice *ids = NULL;
	bool matched, again;
	size_t count = 0;
	struct err e;
	enum err_kind kind;

	if (a == NULL)
		return;
	kind = pattern_match(p, o, &matched, a, &ids, &count, &e);
	require(kind == OK || kind == ERR_LIMIT || kind == ERR_NOMEM);
	if (kind == OK) {
		require(matched == (count > 0));
		PLANTED(matched && bundle);
		require(pattern_match(p, o, &again, NULL, NULL, NULL, &e) == OK);
		require(again == matched);
	}
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = {(const char *)data, size};
	size_t line = slice_find(input, '\n', 0);
	struct slice json = slice_cut(input, line + 1, size);
	struct pattern_observations *o;
	struct pattern *p;
	struct err e;

	if (pattern_new(slice_cut(input, 0, line), &p, &e) != OK)
		return 0;
	o = pattern_observations_new();
	if (o != NULL) {
		(void)!pattern_observations_add(o, json, &e);
		ask(p, o, slice_starts(json, SLICE("{")));
	}
	pattern_observations_free(o);
	pattern_free(p);
	return 0;
}
