/* SPDX-License-Identifier: MPL-2.0 */
/*
 * For tests and fuzzing only: a TAXII server over a store in a temporary folder, under a fake
 * world, asked through its table of routes without a socket; and objects to put into it.
 */
#ifndef TAXII_TESTING_H
#define TAXII_TESTING_H

#include "taxii.h"

struct testing {
	char folder[64];
	struct world_fake world;
	const struct world *clock; /* &world.world, or another one given to testing_open */
	struct store *store;
	struct intel *intel;
	struct taxii_server *server;
	struct taxii_config config;
	struct log log;
	/* Of the last answer; valid until the next one. */
	struct arena *arena;
	struct http_reply reply;
	struct buf body;
	struct json_parser *parser;
	struct json_doc doc; /* of the body, after testing_json */
};

/* Everything fresh; ends the program when that fails. clock: NULL for the fake one. */
void testing_open(struct testing *t, const struct world *clock);
void testing_close(struct testing *t); /* removes the folder */
/* Close store and server, and open them again on the same folder: a restart. */
void testing_restart(struct testing *t);
/* With other settings in t->config. */
void testing_server_again(struct testing *t);

/* The collection's number; its id is told by testing_collection_id. */
int64_t testing_collection(
	struct testing *t, const char *alias, enum stix_tlp tlp_max, bool is_public);
struct slice testing_collection_id(struct testing *t, const char *alias); /* in t->arena */
void testing_account(struct testing *t, const char *name, enum store_role role);
void testing_right(struct testing *t, const char *account, int64_t collection, unsigned rights);

/* A request as the HTTP server would hand it over. */
struct asked {
	enum http_method method;
	const char *target; /* "/api/collections/a/objects/?limit=2" */
	const char *as;     /* account; NULL: none */
	const char *accept; /* NULL: none */
	const char *content_type;
	const char *etag;     /* If-None-Match */
	const char *encoding; /* Content-Encoding */
	struct slice body;
	bool body_in_file;
};
/* Returns the status; headers in t->reply, whole body in t->body. */
unsigned testing_ask(struct testing *t, const struct asked *asked);
/* GET with the right Accept. */
unsigned testing_get(struct testing *t, const char *as, const char *format, ...) PRINTF(3, 4);
unsigned testing_post(struct testing *t, const char *as, const char *collection, struct slice body);
unsigned testing_delete(struct testing *t, const char *as, const char *format, ...) PRINTF(3, 4);
/* A header of the last answer; empty when absent. */
struct slice testing_header(const struct testing *t, const char *name);
/* The last body as JSON; ends the test when it is none. */
struct json_value testing_json(struct testing *t);
/* "title" etc. of the last body. */
struct slice testing_member(struct testing *t, const char *name);

/* ---- objects --------------------------------------------------------------------------- */

/* "indicator--0000000n-0000-4000-8000-000000000000" */
void testing_id(unsigned n, char ret_id[64]);
/* A valid indicator; version counts milliseconds. marking: an id, or NULL. */
void testing_indicator(struct buf *out, unsigned n, unsigned version, const char *marking);
/* ipv4-addr number n. */
void testing_address(struct buf *out, unsigned n);
/* Put objects in as "self", past the network; numbers from..to-1, each its own transaction when
 * `apart`. */
void testing_fill(struct testing *t, int64_t collection, unsigned from, unsigned to, bool apart);
void testing_put(struct testing *t, int64_t collection, struct slice object);

#endif
