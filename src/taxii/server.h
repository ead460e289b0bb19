/* SPDX-License-Identifier: MPL-2.0 */
/* Inside taxii: what the server's handlers share. */
#ifndef TAXII_SERVER_H
#define TAXII_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "next.h"
#include "page_cache.h"
#include "taxii.h"

#define RIGHTS_SLOTS 512 /* remembered answers of store_right_get, 24 bytes each */

struct right_slot {
	int64_t account, collection; /* account 0: free */
	unsigned rights;
};

#define TOLD_SLOTS 4096 /* pages lately told to the release log, 16 bytes each */
#define TOLD_US    INT64_C(3600000000)

struct told_slot {
	uint64_t key; /* of page and account */
	int64_t at_us;
};

enum counter {
	COUNT_PAGES,        /* answered with a page */
	COUNT_PAGES_CACHED, /* ... out of the cache */
	COUNT_PAGES_STREAMED,
	COUNT_UNCHANGED, /* answered with 304 */
	COUNT_POSTS,
	COUNT_ACCEPTED, /* objects posted, by what became of them */
	COUNT_KNOWN,
	COUNT_REFUSED,
	COUNT_CONFLICT,
	COUNT_DELETED, /* versions */
	COUNTERS
};

struct taxii_server {
	struct intel *intel;
	struct store *store;
	const struct world *world;
	const struct log *log;
	struct arena *arena; /* for the texts below and the routes' patterns */
	const char *title, *description, *contact, *root, *root_title;
	unsigned page_default, page_max;
	size_t content_max;
	struct http_route *routes;
	size_t routes_count;
	uint8_t next_key[NEXT_KEY_LEN];
	/* Part of every page's key: the counters that tell one content from another are the
	 * store's, and a store may be put back from a copy while clients still hold tags of the
	 * lost time. */
	uint8_t life[16];
	struct page_cache *cache;
	_Atomic uint64_t counters[COUNTERS];

	pthread_mutex_t rights_lock; /* guards: */
	uint64_t rights_epoch;
	struct right_slot rights[RIGHTS_SLOTS];
	struct told_slot told[TOLD_SLOTS];
};

/* ---- replies (server.c) ---------------------------------------------------------------- */

/* An error resource, section 3.6.1; `why` is its description. */
void reply_error(struct taxii_server *t, const struct http_request *q, struct http_reply *reply,
	unsigned status, const char *why);
/* The one for a failure of ours; the error is logged, clients get an id to ask about. */
void reply_failed(struct taxii_server *t, const struct http_request *q, struct http_reply *reply,
	enum err_kind kind, const struct err *e);
/* A resource; takes over *json. */
void reply_json(struct taxii_server *t, const struct http_request *q, struct http_reply *reply,
	unsigned status, struct buf *json);
/* First step of every handler: media type, Accept. False: answered with 406. */
bool reply_begin(struct taxii_server *t, const struct http_request *q, struct http_reply *reply);
void count_add(struct taxii_server *t, enum counter counter, uint64_t n);

/* ---- who may what (access.c) ----------------------------------------------------------- */

enum access_need {
	NEED_ANY,   /* to know that the collection is there */
	NEED_READ,  /* manifest, objects, versions */
	NEED_WRITE, /* POST */
	NEED_DELETE,
	NEEDS
};

struct access {
	struct store_collection collection; /* in the request's arena */
	bool can_read, can_write;
	struct intel_recipient to;
	uint64_t label_epoch; /* read before the collection: see page_key */
	uint64_t release_epoch;
};

/* The collection that the path names, if the account has the right; else the reply is filled. */
bool access_get(struct taxii_server *t, const struct http_request *q, struct http_reply *reply,
	enum access_need need, struct access *ret_access);
/* What an account may do with a collection. */
enum err_kind access_rights(struct taxii_server *t, const struct http_request *q,
	const struct store_collection *collection, bool *ret_read, bool *ret_write,
	struct err *e) MUST_USE;
/* Whoever asks, as a reader of a collection. */
struct intel_recipient access_recipient(
	const struct http_request *q, const struct store_collection *collection);
/* Is there anything for somebody without an account? Else the reply becomes 401. */
bool access_known(struct taxii_server *t, const struct http_request *q, struct http_reply *reply);

/* ---- handlers -------------------------------------------------------------------------- */

typedef void handler(void *context, const struct http_request *q, struct http_reply *reply);

/* discovery.c */
handler handle_discovery, handle_root, handle_collections, handle_collection;
/* pages.c */
handler handle_manifest, handle_objects, handle_object, handle_versions;
/* post.c */
handler handle_post, handle_status;
/* remove.c */
handler handle_delete;
/* may_read.c */
handler handle_may_read;

#endif
