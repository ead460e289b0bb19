/* SPDX-License-Identifier: MPL-2.0 */
/* The URL fields of TAXII 2.1 section 3.4, read strictly. */
#ifndef TAXII_FILTER_H
#define TAXII_FILTER_H

#include "http/http.h"
#include "stix/stix.h"
#include "store/store.h"

enum filter_field {
	FILTER_ADDED_AFTER = 1,
	FILTER_LIMIT = 2,
	FILTER_NEXT = 4,
	FILTER_ID = 8,
	FILTER_TYPE = 16,
	FILTER_VERSION = 32,
	FILTER_SPEC_VERSION = 64
};

#define FILTER_DIGITS_MAX 20 /* of a limit that fits u64; a longer one is simply too large */

struct filter {
	bool has_after;
	int64_t after_us; /* exclusive */
	uint64_t limit;   /* 0: none given */
	struct slice next;
	/* Lists are sorted and without duplicates, in the request's arena. */
	struct stix_id *ids;
	size_t ids_count;
	struct slice *types;
	size_t types_count;
	unsigned versions; /* bits of enum store_versions; 0 when the field is absent */
	int64_t *at_us;
	size_t at_count;
	bool nothing; /* match[spec_version] names only versions of STIX that are not kept here */
};

/*
 * Read the fields of `allowed` (bits of enum filter_field) out of the query; other fields are
 * ignored, but those of `forbidden` are errors. ERR_INVALID names the field, for a 400.
 */
enum err_kind filter_parse(const struct http_request *q, unsigned allowed, unsigned forbidden,
	struct filter *ret_filter, struct err *e) MUST_USE;

/* SHA-256 of what is asked for, whatever the order of its fields and items: everything but limit
 * and next, which may differ from page to page. */
enum err_kind filter_digest(
	const struct filter *f, uint8_t ret_digest[SHA256_LEN], struct err *e) MUST_USE;

#endif
