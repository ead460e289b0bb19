/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Inside taxii: a pull has two threads. One fetches pages, splits them into objects straight from
 * the network and decides where to go on; the other checks and keeps them. Between them is a queue
 * with a limit, so that the next page is on its way while the last one is being kept.
 *
 *   pull.c        which collections; the keeping side
 *   pull_walk.c   the fetching side: pages, and how to go on from each
 *   pull_queue.c  what lies between
 */
#ifndef TAXII_PULL_H
#define TAXII_PULL_H

#include <pthread.h>

#include "remote.h"

/* ---- the place reached (saved as JSON in a note) --------------------------------------- */

#define PULL_NEXT_MAX KIB(4) /* bytes of a server's `next`; a longer one is as good as none */
#define PULL_ETAG_MAX 256    /* bytes */

struct pull_place {
	char after[TIME_TEXT_MAX];    /* added_after of the requests; empty: from the beginning */
	char last[TIME_TEXT_MAX];     /* newest date added that was seen, as the server wrote it */
	char etag[PULL_ETAG_MAX];     /* of the last answer to exactly this place; empty: none */
	char next[PULL_NEXT_MAX + 1]; /* goes with `after`; empty: none */
};

/* ---- queue ----------------------------------------------------------------------------- */

#define PULL_CHUNK_BYTES KIB(256) /* objects handed over at a time */
#define PULL_QUEUE_BYTES MIB(8)   /* that may wait; then the network waits too */

enum pull_what { PULL_OBJECTS, PULL_PAGE, PULL_WARNING, PULL_END };

struct pull_item {
	enum pull_what what;
	struct pull_item *next;
	size_t cost; /* bytes it counts for */
	/* OBJECTS: one behind the other in bytes */
	struct buf bytes;
	struct pull_object {
		size_t end; /* within bytes */
		struct intel_place place;
		const char *problem; /* no object: why */
	} * objects;
	size_t count, capacity;
	struct pull_place place; /* PAGE: reached with all objects before */
	/* WARNING; END with the failure, if kind is one */
	enum err_kind kind;
	struct err error;
};

struct pull_queue {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct pull_item *first, **end;
	size_t bytes;
	bool closed; /* the keeping side has stopped */
};

void pull_queue_init(struct pull_queue *q);
void pull_queue_fini(struct pull_queue *q);
struct pull_item *pull_item_new(enum pull_what what) MUST_USE; /* NULL: no memory */
void pull_item_free(struct pull_item *item);                   /* accepts NULL */
/* Waits for room; takes the item. False: the other side has stopped. */
bool pull_queue_put(struct pull_queue *q, struct pull_item *item);
/* The next item, or NULL after wait_ms without one. */
struct pull_item *pull_queue_take(struct pull_queue *q, unsigned wait_ms);
void pull_queue_close(struct pull_queue *q);
bool pull_queue_closed(struct pull_queue *q);
/* Let time pass; false when the other side has stopped. */
bool pull_queue_sleep(struct pull_queue *q, int64_t us);

/* ---- walking --------------------------------------------------------------------------- */

struct pull_walk {
	struct remote remote;
	struct pull_queue *queue;
	struct slice url; /* of the collection, ends in '/' */
	unsigned limit;
	struct pull_place place; /* where to begin; then, the place reached */
};

/* Fetch everything past the place, item by item into the queue; ends with a PULL_END. */
void pull_walk_run(struct pull_walk *w);

bool pull_place_read(struct slice json, struct pull_place *ret_place);
void pull_place_write(const struct pull_place *place, struct slice url, struct buf *out);

#endif
