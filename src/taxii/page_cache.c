/* SPDX-License-Identifier: MPL-2.0 */
/* Least recently used out first; a table of lists, found by the key's first bytes. */
#include <pthread.h>
#include <stdlib.h>

#include "page_cache.h"

#define BUCKETS                                                                                    \
	1024 /* 8 MiB of pages of 100 objects are some 80 entries; of empty ones, 20,000           \
	      */
#define ENTRY_OVERHEAD 256 /* bytes that an entry costs beside its page */
#define SHARE_MAX      4   /* one page takes at most the fourth part */

struct entry {
	uint8_t key[PAGE_KEY_LEN];
	struct page page;
	size_t bytes;
	struct entry *in_bucket;     /* list */
	struct entry *newer, *older; /* by last use */
};

struct page_cache {
	pthread_mutex_t lock;
	size_t bytes, bytes_max;
	struct entry *newest, *oldest;
	struct entry *buckets[BUCKETS];
};

struct page_cache *page_cache_new(size_t bytes_max)
{
	struct page_cache *c = calloc(1, sizeof(*c));

	if (c != NULL) {
		c->bytes_max = bytes_max;
		pthread_mutex_init(&c->lock, NULL);
	}
	return c;
}

void page_cache_free(struct page_cache *c)
{
	if (c == NULL)
		return;
	while (c->newest != NULL) {
		struct entry *n = c->newest;

		c->newest = n->older;
		http_shared_drop(n->page.bytes);
		http_shared_drop(n->page.notes);
		free(n);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* The key is a SHA-256: its first bytes are spread as well as any hash. */
static struct entry **bucket_of(struct page_cache *c, const uint8_t key[PAGE_KEY_LEN])
{
	return &c->buckets[(key[0] << 8 | key[1]) % BUCKETS];
}

static struct entry *entry_find(struct page_cache *c, const uint8_t key[PAGE_KEY_LEN])
{
	struct entry *n = *bucket_of(c, key);

	while (n != NULL && memcmp(n->key, key, PAGE_KEY_LEN) != 0)
		n = n->in_bucket;
	return n;
}

static void use_unlink(struct page_cache *c, struct entry *n)
{
	*(n->newer != NULL ? &n->newer->older : &c->newest) = n->older;
	*(n->older != NULL ? &n->older->newer : &c->oldest) = n->newer;
}

static void use_now(struct page_cache *c, struct entry *n)
{
	n->newer = NULL;
	n->older = c->newest;
	*(c->newest != NULL ? &c->newest->newer : &c->oldest) = n;
	c->newest = n;
}

static void entry_drop(struct page_cache *c, struct entry *n)
{
	struct entry **at = bucket_of(c, n->key);

	while (*at != n)
		at = &(*at)->in_bucket;
	*at = n->in_bucket;
	use_unlink(c, n);
	c->bytes -= n->bytes;
	http_shared_drop(n->page.bytes);
	http_shared_drop(n->page.notes);
	free(n);
}

bool page_cache_get(struct page_cache *c, const uint8_t key[PAGE_KEY_LEN], struct page *ret_page)
{
	struct entry *n;

	pthread_mutex_lock(&c->lock);
	n = entry_find(c, key);
	if (n != NULL) {
		*ret_page = n->page;
		ret_page->bytes = http_shared_keep(n->page.bytes);
		if (n->page.notes != NULL)
			ret_page->notes = http_shared_keep(n->page.notes);
		if (c->newest != n) {
			use_unlink(c, n);
			use_now(c, n);
		}
	}
	pthread_mutex_unlock(&c->lock);
	return n != NULL;
}

void page_cache_put(struct page_cache *c, const uint8_t key[PAGE_KEY_LEN], const struct page *page)
{
	size_t bytes = http_shared_bytes(page->bytes).len + ENTRY_OVERHEAD +
		       (page->notes != NULL ? http_shared_bytes(page->notes).len : 0);
	struct entry *n;

	if (bytes > c->bytes_max / SHARE_MAX)
		return;
	n = calloc(1, sizeof(*n));
	if (n == NULL)
		return; /* a cache may forget */
	memcpy(n->key, key, PAGE_KEY_LEN);
	n->page = *page;
	n->bytes = bytes;
	pthread_mutex_lock(&c->lock);
	if (entry_find(c, key) != NULL) {
		/* Somebody else built the same page meanwhile. */
		pthread_mutex_unlock(&c->lock);
		free(n);
		return;
	}
	n->page.bytes = http_shared_keep(page->bytes);
	if (page->notes != NULL)
		n->page.notes = http_shared_keep(page->notes);
	while (c->oldest != NULL && c->bytes + bytes > c->bytes_max)
		entry_drop(c, c->oldest);
	c->bytes += bytes;
	n->in_bucket = *bucket_of(c, key);
	*bucket_of(c, key) = n;
	use_now(c, n);
	pthread_mutex_unlock(&c->lock);
}

size_t page_cache_bytes(struct page_cache *c)
{
	size_t bytes;

	pthread_mutex_lock(&c->lock);
	bytes = c->bytes;
	pthread_mutex_unlock(&c->lock);
	return bytes;
}
