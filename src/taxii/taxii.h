/* SPDX-License-Identifier: MPL-2.0 */
/*
 * TAXII 2.1 (OASIS Standard, 2021-06-10): a server as a table of routes over intel, and a client
 * that loses and repeats nothing whatever real servers do. Knows nothing of federation.
 */
#ifndef TAXII_H
#define TAXII_H

#include "base/base.h"
#include "http/http.h"
#include "intel/intel.h"

#define TAXII_TYPE      "application/taxii+json;version=2.1"
#define TAXII_STIX_TYPE "application/stix+json;version=2.1"

/* ---- server ---------------------------------------------------------------------------------- */

#define TAXII_PAGE_DEFAULT 100     /* objects in a page when the client names no limit; settable */
#define TAXII_PAGE_MAX     1000    /* published as the most per page; a larger limit is lowered */
#define TAXII_CONTENT_MAX  MIB(10) /* max_content_length of the API root: 413 past it; settable */
#define TAXII_FILTER_MAX   100     /* items in one match field; more is 400 */
#define TAXII_CACHE_BYTES  MIB(8)  /* finished pages kept, for those who ask the same */

struct taxii_config {
	struct intel *intel;
	const struct world *world;
	const struct log *log;
	const char *title;       /* of the discovery resource */
	const char *description; /* or NULL */
	const char *contact;     /* or NULL */
	const char *root;        /* path of the one API root, default "/api/" */
	const char *root_title;
	unsigned page_default, page_max; /* 0: the defaults above */
	size_t content_max;
	size_t cache_bytes;
};

struct taxii_server;
enum err_kind taxii_server_new(const struct taxii_config *config, struct taxii_server **ret_server,
	struct err *e) MUST_USE;
void taxii_server_free(struct taxii_server *t);
/* Rows for http_server_config.routes; their context must be the taxii_server. */
const struct http_route *taxii_routes(struct taxii_server *t, size_t *ret_count);
/* For http_server_config.error: a TAXII error resource. */
void taxii_error(void *context, const struct http_request *q, unsigned status, const char *why,
	struct http_reply *reply);
/* Prometheus text: objects accepted and refused, pages served, cache hits. */
void taxii_metrics_text(const struct taxii_server *t, struct buf *out);

/* ---- client ---------------------------------------------------------------------------------- */

struct taxii_pull {
	struct http_client *http;
	const char *
		url; /* of a collection (…/collections/ID/), or of a root or server: all readable */
	struct intel_source source; /* collections empty: made beside the remote's, same title */
	unsigned limit;             /* objects per page asked for; 0: 1000 */
	bool from_start;            /* forget the saved cursor */
	bool once; /* stop at the first end; else go on until an end brought nothing new */
	/* From the writing thread. */
	void (*refused)(void *context, const struct intel_verdict *verdict);
	/* From the calling thread, several times a second; false: stop, keeping what came. */
	bool (*progress)(void *context, const struct intel_counts *counts, uint64_t pages);
	void (*warned)(void *context, const char *what); /* what the server does against the text */
	/* Let time pass before asking a busy server again; false: give up. NULL: really sleep. May
	 * be called from another thread. */
	bool (*wait)(void *context, int64_t us);
	void *context;
};
/*
 * Pull what is new since the saved cursor; the cursor is saved with the objects of each page in one
 * transaction, so a pull that was killed goes on and nothing comes twice.
 */
enum err_kind taxii_pull_run(struct intel *i, const struct taxii_pull *pull,
	struct intel_counts *ret_counts, struct err *e) MUST_USE;

struct taxii_push {
	struct http_client *http;
	const char *url;                   /* of one collection */
	struct intel_recipient to;         /* what may leave */
	const struct store_search *search; /* NULL: everything */
	size_t envelope_max; /* bytes in one POST; 0: what the root publishes, at most 8 MiB */
	bool from_start;
	void (*refused)(void *context, struct slice id, struct slice message);
	bool (*progress)(void *context, uint64_t objects, uint64_t bytes); /* false: stop */
	bool (*wait)(void *context, int64_t us); /* as for pulls; between looks at a status, too */
	void *context;
};
struct taxii_push_counts {
	uint64_t objects, accepted, failed, pending, withheld, bytes, posts;
};
/* Push what is new here since the saved cursor (the serial of the last object that got its status).
 */
enum err_kind taxii_push_run(struct intel *i, const struct taxii_push *push,
	struct taxii_push_counts *ret_counts, struct err *e) MUST_USE;

/* Collections of a server or root, as the server gave them: {"url","id","title","can_read",...}. */
struct taxii_remote_collection {
	struct slice url; /* ends in '/' */
	struct slice id, title, description;
	bool can_read, can_write;
};
enum err_kind taxii_discover(struct http_client *http, const char *url, struct arena *a,
	struct taxii_remote_collection **ret_list, size_t *ret_count, struct err *e) MUST_USE;

#endif
