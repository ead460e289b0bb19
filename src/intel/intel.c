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
	pthread_rwlock_init(&i->policy_lock, NULL);
	i->generation = 1;
	i->expires_us = INT64_MAX;
	i->log = release_log_new();
	i->markings = release_markings_new();
	if (i->log == NULL || i->markings == NULL) {
		intel_free(i);
		return NULL;
	}
	release_policy_load(i);
	return i;
}

void intel_free(struct intel *i)
{
	if (i == NULL)
		return;
	if (i->log != NULL && store_is_writer(i->store) && intel_released_flush(i, NULL) != OK) {
		/* nobody is left to be told; who must know asks intel_released_flush before */
	}
	for (size_t k = 0; k < RELEASE_CHUNKS; k++)
		free((void *)(uintptr_t)atomic_load(&i->levels[k]));
	for (size_t k = 0; k < COUNT_OF(i->contexts); k++)
		release_context_free(i->contexts[k]);
	policy_free(i->policy);
	release_log_free(i->log);
	release_markings_free(i->markings);
	pthread_rwlock_destroy(&i->policy_lock);
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
