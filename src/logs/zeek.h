/* SPDX-License-Identifier: MPL-2.0 */
/* What Zeek's two forms, tab-separated and JSON, share: the meaning of its columns. */
#ifndef ZEEK_H
#define ZEEK_H

#include "parts.h"

struct zeek_meaning {
	enum event_role role;
	enum field_kind kind;
	bool many; /* a set or a vector, its elements between set separators */
};

/*
 * What a column says. path: the log's name ("dns"), may be empty; type: as in #types, may be empty
 * (JSON, stripped headers), then the name alone decides. A column of no known name is taken by its
 * type: an address is an address wherever it stands.
 */
struct zeek_meaning zeek_column(struct slice path, struct slice name, struct slice type);

/* Columns that are one URL together, in the manner of Zeek's own build_url. */
struct zeek_url {
	struct slice host, uri, address, port; /* empty: unset */
};
#define ZEEK_URL_MORE 16 /* bytes that the joined URL is longer than its parts, at the most */

/*
 * host + uri without a scheme, the server's address where the client named no host, its port where
 * it is no usual one and the host has none; a URI that is a URL itself (a proxy was asked) as it
 * is. `to` holds the parts' lengths and ZEEK_URL_MORE. Returns the length; 0: no URL (CONNECT,
 * OPTIONS *).
 */
size_t zeek_url_join(const struct zeek_url *url, char *to);

#endif
