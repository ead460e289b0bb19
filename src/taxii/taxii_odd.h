/* SPDX-License-Identifier: MPL-2.0 */
/*
 * For tests only: a TAXII server on a loopback socket that does what real servers do against the
 * text. Each oddity is a member; all zero is a server as it should be.
 */
#ifndef TAXII_ODD_H
#define TAXII_ODD_H

#include <pthread.h>
#include <stdatomic.h>

#include "taxii_testing.h"

#define ODD_COLLECTION  "11111111-1111-4111-8111-111111111111"
#define ODD_OBJECTS_MAX 2000
#define ODD_SCRIPT_MAX  8

enum odd_next {
	ODD_NEXT,          /* as it should be */
	ODD_NEXT_NONE,     /* pages by added_after alone */
	ODD_NEXT_CONSTANT, /* the same value all the time, advancing nevertheless */
	ODD_NEXT_CIRCLE,   /* leads back to the first page */
	ODD_NEXT_STUCK,    /* leads to the page it came from */
	ODD_NEXT_EXPIRED   /* is never taken: 400 */
};

/* What happens to one request for objects, instead of a page. */
struct odd_event {
	unsigned status;         /* 0: a page; 1: a page that breaks off in the middle */
	const char *retry_after; /* or NULL */
};

struct odd {
	/* what is there: indicators 0..count-1 */
	unsigned count;
	unsigned same_date; /* so many objects share each date; 0: each has its own */
	bool coarse_dates;  /* whole seconds */
	/* how it answers */
	unsigned page_max; /* objects in a page; 0: 100 */
	bool ignores_limit;
	bool ignores_added_after;
	bool refuses_versions; /* 400 for match[version] */
	bool no_headers;
	bool no_manifest;
	enum odd_next next;
	bool empty_pages;         /* every second page has none */
	bool always_more;         /* also on the last page */
	bool empty_forever;       /* more, and nothing else */
	bool no_envelope;         /* a page with nothing on it is {} or less */
	bool unsorted;            /* newest first */
	const char *content_type; /* NULL: as it should be */
	const char *accept;       /* the only spelling it takes; NULL: any */
	bool tags;                /* ETag, If-None-Match */
	const char *body;         /* this instead of any page */
	struct odd_event script[ODD_SCRIPT_MAX];
	size_t script_len;
	const char *api_root; /* in its discovery; NULL: "/api/" */
	/* what it takes: see push */
	bool post_pending; /* pending at first, complete at the third look */
	bool post_pending_forever;
	size_t post_max;           /* bytes; more is 413 */
	bool post_counts_only;     /* failures are counted, not listed */
	unsigned post_fails_every; /* n-th object of an envelope fails; 0: none */

	/* what it saw */
	atomic_uint requests; /* for objects */
	atomic_uint unchanged, manifests, posts, posted, looks, largest_limit;

	/* its own */
	unsigned cursor; /* of ODD_NEXT_CONSTANT */
	struct http_server *http;
	struct http_route routes[8];
	struct log log;
};

void odd_start(struct odd *o);
void odd_stop(struct odd *o);
/* "http://127.0.0.1:PORT" and the path. */
const char *odd_url(const struct odd *o, const char *path, char ret_url[128]);

#endif
