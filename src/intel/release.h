/* SPDX-License-Identifier: MPL-2.0 */
/* Inside intel: decisions on labels, remembered. */
#ifndef RELEASE_H
#define RELEASE_H

#include <pthread.h>
#include <stdatomic.h>

#include "intel.h"

#define RELEASE_CHUNK  16384 /* labels in one piece of the table */
#define RELEASE_CHUNKS 1024  /* pieces: 16 million labels; any past that are worked out each time  \
			      */
#define RELEASE_CONTEXTS 256 /* readers times kinds of recipient that are ever in use at once */

/* What an audience is handed: who asks, through which connection. Lives as long as intel. */
struct release_context {
	struct intel *intel;
	struct store_reader *reader;
	uint8_t limit;     /* strictest level that may pass */
	uint64_t withheld; /* rows held back since the last open; one thread at a time uses a reader
			    */
};

struct intel {
	struct store *store;
	const struct world *world;
	/* One word per label: the epoch in which it was decided and its level; 0 is undecided. */
	_Atomic(_Atomic uint32_t *) levels[RELEASE_CHUNKS];
	pthread_mutex_t lock; /* guards what follows, and the making of chunks */
	struct release_context *contexts[RELEASE_CONTEXTS];
	size_t contexts_count;
};

#endif
