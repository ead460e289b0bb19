/* SPDX-License-Identifier: MPL-2.0 */
/* Bytes with several owners: a page in a cache and the replies that are sending it. */
#include <stdlib.h>

#include "http_parts.h"

struct http_shared *http_shared_new(struct buf *take)
{
	struct http_shared *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	atomic_init(&s->owners, 1);
	pthread_mutex_init(&s->lock, NULL);
	s->bytes = *take;
	*take = (struct buf){.bytes_max = take->bytes_max};
	return s;
}

struct http_shared *http_shared_keep(struct http_shared *s)
{
	atomic_fetch_add_explicit(&s->owners, 1, memory_order_relaxed);
	return s;
}

void http_shared_drop(struct http_shared *s)
{
	if (s == NULL || atomic_fetch_sub_explicit(&s->owners, 1, memory_order_acq_rel) != 1)
		return;
	if (s->ready != NULL)
		s->ready_free(s->ready);
	for (size_t i = 0; i < HTTP_CODINGS; i++)
		buf_fini(&s->coded[i]);
	buf_fini(&s->bytes);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct slice http_shared_bytes(const struct http_shared *s)
{
	return buf_slice(&s->bytes);
}

struct slice http_shared_coded(struct http_shared *s, enum http_coding *coding)
{
	struct buf *packed = &s->coded[*coding];
	char *fitted;

	if (*coding != HTTP_IDENTITY) {
		pthread_mutex_lock(&s->lock);
		if (!s->tried[*coding]) {
			/* No larger than what it stands for: else it does not pay. */
			*packed = BUF_MAX(s->bytes.len + KIB(16));
			if (http_encode_whole(*coding, buf_slice(&s->bytes), packed, NULL) != OK ||
				packed->len >= s->bytes.len)
				buf_fini(packed);
			fitted = packed->len == 0 ? NULL : realloc(packed->data, packed->len);
			if (fitted != NULL) {
				packed->data = fitted;
				packed->capacity = packed->len;
			}
			s->tried[*coding] = true;
		}
		pthread_mutex_unlock(&s->lock);
		if (packed->len != 0)
			return buf_slice(packed);
		*coding = HTTP_IDENTITY;
	}
	return buf_slice(&s->bytes);
}
