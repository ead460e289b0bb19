/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Finished pages, kept for those who ask the same. A key names everything that the bytes depend on,
 * so a page never has to be thrown out because it became wrong, only because room is needed.
 */
#ifndef TAXII_PAGE_CACHE_H
#define TAXII_PAGE_CACHE_H

#include "http/http.h"

#define PAGE_KEY_LEN SHA256_LEN

/* One page as it was sent. */
struct page {
	struct http_shared *bytes;
	struct http_shared *notes; /* struct intel_note of each object in it; NULL: none */
	int64_t first_us, last_us; /* the two X-TAXII headers */
	bool more;                 /* bytes hold a next token, and it is that of: */
	int64_t account;
};

struct page_cache;

struct page_cache *page_cache_new(size_t bytes_max) MUST_USE;
void page_cache_free(struct page_cache *c); /* accepts NULL */
/* *ret_page's bytes and notes get one more owner: the caller. */
bool page_cache_get(struct page_cache *c, const uint8_t key[PAGE_KEY_LEN], struct page *ret_page);
/* Keep it, with an ownership of its own. Pages over a quarter of the cache are not kept. */
void page_cache_put(struct page_cache *c, const uint8_t key[PAGE_KEY_LEN], const struct page *page);
size_t page_cache_bytes(struct page_cache *c);

#endif
