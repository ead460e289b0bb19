/* SPDX-License-Identifier: MPL-2.0 */
/* What another node says in a stream of events: read at once or byte by byte, it says the same. */
#include <stdlib.h>

#include "http_parts.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hear(void *context, const struct http_event *event)
{
	struct buf *all = context;

	if (event->type.len == 0 || event->data.len > HTTP_EVENT_MAX ||
		event->id.len > HTTP_EVENT_ID_MAX ||
		slice_find(event->id, '\0', 0) != event->id.len)
		abort();
	PLANTED(event->id.len > 3 && event->type.len > 7 && slice_find(event->data, '\n', 0) > 3 &&
		slice_find(event->data, '\n', 0) < event->data.len);
	buf_printf(all, "%.*s\n%.*s\n", SLICE_ARG(event->id), SLICE_ARG(event->type));
	buf_slice_append(all, event->data);
}

static enum err_kind parse(struct slice bytes, size_t step, struct buf *ret_all)
{
	struct http_event_parser p;
	enum err_kind kind = OK;

	http_event_parser_init(&p);
	for (size_t at = 0; at < bytes.len && kind == OK; at += step)
		kind = http_event_parse(&p, slice_cut(bytes, at, at + step), hear, ret_all, NULL);
	http_event_parser_fini(&p);
	return kind;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = {(const char *)data, size};
	struct buf once = BUF_INIT, single = BUF_INIT;

	if (parse(bytes, size == 0 ? 1 : size, &once) != parse(bytes, 1, &single) ||
		!slice_equal(buf_slice(&once), buf_slice(&single)))
		abort();
	buf_fini(&once);
	buf_fini(&single);
	return 0;
}
