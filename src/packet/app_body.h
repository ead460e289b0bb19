/* SPDX-License-Identifier: MPL-2.0 */
/* A file on its way: three digests at once, and what it is called. */
#ifndef APP_BODY_H
#define APP_BODY_H

#include "app_parts.h"

/* NULL: out of memory, or the library refuses; then the body is not hashed. */
struct app_body *app_body_new(struct slice name, struct slice mime) MUST_USE;
void app_body_add(struct app_body *b, struct slice bytes);
/* A record with name, type and, when it is complete, the digests; frees it. */
void app_body_tell(struct app_body *b, bool complete, struct packet_out *out);
void app_body_free(struct app_body *b); /* accepts NULL */
size_t app_body_bytes(const struct app_body *b);

#endif
