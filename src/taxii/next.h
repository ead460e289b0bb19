/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The opaque `next` of TAXII 2.1 section 3.4: where a walk goes on. Nothing is remembered here for
 * it: the value carries the position and a tag that only this store can make.
 *
 *   offset  size  field
 *        0     8  position  date_added of the last object of the page before, microseconds
 *        8    16  tag       first bytes of HMAC-SHA256 over the binding and the position
 *
 * in base64url: 32 characters.
 */
#ifndef TAXII_NEXT_H
#define TAXII_NEXT_H

#include "base/base.h"

#define NEXT_KEY_LEN  32
#define NEXT_TEXT_LEN 32

/* What a value is good for; with anything else it is refused. */
struct next_binding {
	uint8_t resource; /* of the collection: objects, manifest, versions */
	int64_t account;  /* 0: nobody */
	struct uuid collection;
	uint8_t filters[SHA256_LEN]; /* filter_digest */
};

void next_make(const uint8_t key[NEXT_KEY_LEN], const struct next_binding *binding,
	int64_t position_us, char ret_text[NEXT_TEXT_LEN]);
/* False: not made here, altered, or made for another question. */
bool next_read(const uint8_t key[NEXT_KEY_LEN], const struct next_binding *binding,
	struct slice text, int64_t *ret_position_us);

#endif
