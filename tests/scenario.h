/* SPDX-License-Identifier: MPL-2.0 */
/* What the scenarios share: a folder that goes away, made-up objects, a node served in this
 * process. */
#ifndef SCENARIO_H
#define SCENARIO_H

#include "base/base.h"
#include "http/http.h"
#include "intel/intel.h"
#include "node/node.h"
#include "store/store.h"
#include "taxii/taxii.h"
#include "testing/testing.h"

#define SCENARIO_PASSWORD "correct horse battery"

/* A new folder under /tmp; scenario_remove takes it away with all that is in it. */
void scenario_folder(char ret_path[64]);
void scenario_remove(const char *path);
/* <source>/../shared/data/NAME (or $SERAI_DATA/NAME) when it is there; NULL else. Free it. */
char *scenario_data(const char *name);

/* The k-th made-up indicator: valid, its id and bytes the same each time. */
void scenario_object(uint64_t k, struct buf *out);
void scenario_object_id(uint64_t k, struct uuid *ret_uuid);

/* A node made in a folder, with account "writer" (contributor, SCENARIO_PASSWORD) that may read and
 * write the collection "main", whose URL is returned by scenario_collection_url. */
void scenario_node_make(const char *folder);

/* The program as a child: `serai serve --node folder` on a free port. */
struct scenario_server {
	int pid;
	unsigned port;
	char url[256]; /* of the collection main */
};
void scenario_serve(const char *folder, struct scenario_server *ret_server);
void scenario_client(const char *folder, struct http_client **ret_client);

#endif
