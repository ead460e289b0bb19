/* SPDX-License-Identifier: MPL-2.0 */
/* What the doors share: the store, the world, remembered decisions; and the list of formats. */
#include <stdlib.h>

#include "export.h"
#include "import.h"
#include "release.h"

struct intel *intel_new(struct store *store, const struct world *world)
{
	struct intel *i = calloc(1, sizeof(*i));

	if (i == NULL)
		return NULL;
	i->store = store;
	i->world = world;
	pthread_mutex_init(&i->lock, NULL);
	return i;
}

void intel_free(struct intel *i)
{
	if (i == NULL)
		return;
	for (size_t k = 0; k < RELEASE_CHUNKS; k++)
		free((void *)(uintptr_t)atomic_load(&i->levels[k]));
	for (size_t k = 0; k < i->contexts_count; k++)
		free(i->contexts[k]);
	pthread_mutex_destroy(&i->lock);
	free(i);
}

struct store *intel_store(struct intel *i)
{
	return i->store;
}

const struct world *intel_world(struct intel *i)
{
	return i->world;
}

const char *intel_outcome_name(enum intel_outcome o)
{
	static const char *const names[INTEL_OUTCOMES] = {
		[INTEL_NEW] = "new",
		[INTEL_KNOWN] = "known",
		[INTEL_REFUSED] = "refused",
		[INTEL_CONFLICT] = "conflict",
	};

	return (unsigned)o < INTEL_OUTCOMES ? names[o] : "unknown";
}
