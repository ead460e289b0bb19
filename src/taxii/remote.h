/* SPDX-License-Identifier: MPL-2.0 */
/* Inside taxii: one request to somebody else's TAXII server, with patience. */
#ifndef TAXII_REMOTE_H
#define TAXII_REMOTE_H

#include "taxii.h"

#define REMOTE_TRIES        6   /* of one request, the first one included */
#define REMOTE_WAIT_SECONDS 300 /* a server that wants more time is asked again by the next run */
#define REMOTE_RESOURCE_MAX MIB(4) /* bytes of a discovery, a list of collections, a status */
#define REMOTE_URL_MAX      KIB(6) /* bytes; servers take 8 KiB for all of a request's head */

/* Who is asked, and how to wait and tell. */
struct remote {
	struct http_client *http;
	const struct world *world;
	/* Let the time pass; false: stop. NULL: do not wait, give up instead. */
	bool (*wait)(void *context, int64_t us);
	void (*warned)(void *context, const char *what); /* may be NULL */
	void *context;
	unsigned accept; /* the spelling of the media type that this server takes */
};

struct remote_call {
	enum http_method method;
	const char *url;
	const char *content_type;
	struct slice body;
	const char *etag;
	size_t body_max;
	enum err_kind (*sink)(void *context, struct slice bytes, struct err *e); /* or NULL */
	void (*again)(void *context); /* before bytes come a second time; or NULL */
	void *context;
};

bool remote_sleep(int64_t us); /* really; true */
void remote_warn(const struct remote *r, const char *format, ...) PRINTF(2, 3);
/*
 * Ask until there is an answer that waiting does not change: after lost connections, 408, 429, 502,
 * 503 and 504 it asks again. Any other status is OK here. ERR_BUSY when the server stays busy.
 */
enum err_kind remote_call(struct remote *r, const struct remote_call *call,
	struct http_answer *ret_answer, struct err *e) MUST_USE;
/* What a status that is no success means, with the words of the server's error resource. */
enum err_kind remote_refused(const struct http_answer *answer, const char *url, struct err *e);
/* Is the answer's media type that of TAXII 2.1, or close enough to be read? */
enum err_kind remote_media_check(const struct remote *r, const struct http_answer *answer,
	const char *url, struct err *e) MUST_USE;
/* GET a resource and parse it; the document lives in `p`. */
enum err_kind remote_get(struct remote *r, const char *url, struct json_parser *p,
	struct json_doc *ret_doc, struct err *e) MUST_USE;

/* Retry-After (RFC 9110 section 10.2.3), seconds or a date; -1: none. */
int64_t remote_retry_seconds(struct slice value, int64_t now_us);

/* ---- URLs ------------------------------------------------------------------------------ */

/* "https://host:port" of a URL; empty when it is none. */
struct slice url_origin(struct slice url);
/* A reference as api_roots has it, against `base`; in `a`, ends in '/'. Empty when it leads to
 * another server. */
struct slice url_join(struct slice base, struct slice reference, struct arena *a);
/* Append `?name=value` or `&name=value`, percent-encoded. */
void url_field(struct buf *url, const char *name, struct slice value);

/* ---- what is there --------------------------------------------------------------------- */

/* As taxii_discover. */
enum err_kind remote_discover(struct remote *r, const char *url, struct arena *a,
	struct taxii_remote_collection **ret_list, size_t *ret_count, struct err *e) MUST_USE;
/* max_content_length of the API root above a collection; 0 when it cannot be learned. */
uint64_t remote_content_max(struct remote *r, struct slice collection_url, struct arena *a);

#endif
