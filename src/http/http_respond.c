/* SPDX-License-Identifier: MPL-2.0 */
/* Replies as responses of the library: of bytes, of shared bytes, of streams and events. */
#include <stdlib.h>
#include <sys/socket.h>

#include "http_library.h"

#define READY_MAX     8       /* finished responses kept with one http_shared */
#define READY_KEY_MAX 1024    /* bytes of headers that tell them apart */
#define BREAK_MAX     KIB(16) /* bytes of a reply written past the library */

/* ---- replies -------------------------------------------------------------------------- */

/* A response of the library over shared bytes, with the headers it was made with. */
struct ready {
	struct ready *next;
	struct MHD_Response *response;
	size_t key_len;
	char key[];
};

static void ready_free(void *first)
{
	for (struct ready *r = first; r != NULL;) {
		struct ready *next = r->next;

		MHD_destroy_response(r->response);
		free(r);
		r = next;
	}
}

static bool headers_put(
	struct MHD_Response *response, const struct http_shape *shape, struct arena *a)
{
	for (size_t i = 0; i < shape->headers_count; i++) {
		const char *name = arena_string(a, shape->headers[i].name);
		const char *value = arena_string(a, shape->headers[i].value);

		if (name == NULL || value == NULL ||
			MHD_add_response_header(response, name, value) != MHD_YES)
			return false;
	}
	return true;
}

static struct MHD_Response *response_of_bytes(struct http_conn *c, const struct http_shape *shape)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		shape->body.len, (void *)(uintptr_t)shape->body.data, MHD_RESPMEM_PERSISTENT);

	if (response != NULL && !headers_put(response, shape, c->x.arena)) {
		MHD_destroy_response(response);
		response = NULL;
	}
	return response;
}

/* The same page with the same headers again: no allocation, no copying. *ret_lasting: the response
 * stays with the shared bytes; else it is the caller's. */
static struct MHD_Response *response_of_shared(struct http_conn *c, struct http_shared *shared,
	const struct http_shape *shape, bool *ret_lasting)
{
	char key[READY_KEY_MAX];
	size_t len = 0, count = 0;
	struct MHD_Response *response = NULL;
	struct ready *r;

	*ret_lasting = false;
	key[len++] = (char)shape->coding;
	for (size_t i = 0; i < shape->headers_count; i++) {
		const struct http_param *h = &shape->headers[i];

		if (h->name.len + h->value.len + 2 > sizeof(key) - len)
			return response_of_bytes(c, shape);
		memcpy(key + len, h->name.data, h->name.len);
		len += h->name.len;
		key[len++] = '\n'; /* cannot stand in either */
		memcpy(key + len, h->value.data, h->value.len);
		len += h->value.len;
		key[len++] = '\n';
	}
	pthread_mutex_lock(&shared->lock);
	for (r = shared->ready; r != NULL; r = r->next, count++)
		if (r->key_len == len && memcmp(r->key, key, len) == 0)
			break;
	if (r == NULL) {
		response = response_of_bytes(c, shape);
		if (response != NULL && count < READY_MAX &&
			(r = malloc(sizeof(*r) + len)) != NULL) {
			*r = (struct ready){
				.next = shared->ready, .response = response, .key_len = len};
			memcpy(r->key, key, len);
			shared->ready = r;
			shared->ready_free = ready_free;
		}
	}
	if (r != NULL) {
		response = r->response;
		*ret_lasting = true;
	}
	pthread_mutex_unlock(&shared->lock);
	return response;
}

static ssize_t on_stream_read(void *context, uint64_t position, char *to, size_t bytes)
{
	struct http_conn *c = context;
	struct err e = {0};
	size_t len = 0;

	(void)position;
	if (http_stream_read(&c->stream, to, bytes, &len, &e) != OK) {
		/* The status is out already: a broken chunk tells the client that it is not whole.
		 */
		log_line(c->server->site.config.log, LOG_ERROR, "reply broken off", "why", e.text,
			NULL);
		return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	c->x.sent += len;
	return len == 0 ? MHD_CONTENT_READER_END_OF_STREAM : (ssize_t)len;
}

/* ---- streams of events ---------------------------------------------------------------- */

static void bed_sleep(void *connection)
{
	MHD_suspend_connection(((struct http_conn *)connection)->mhd);
}

static void bed_wake(void *connection)
{
	MHD_resume_connection(((struct http_conn *)connection)->mhd);
}

static bool bed_closing(void *connection)
{
	return atomic_load(&((struct http_conn *)connection)->server->draining);
}

void http_respond_ring(struct http_watched *watched, bool over)
{
	struct http_conn *c = (struct http_conn *)(void *)watched; /* its first member */

	if (over)
		http_events_end(c->events);
	else
		http_events_beat(c->events);
}

static ssize_t on_events_read(void *context, uint64_t position, char *to, size_t bytes)
{
	struct http_conn *c = context;
	size_t len = 0;

	(void)position;
	switch (http_events_read(c->events, to, bytes, &len)) {
	case HTTP_SAID_BYTES:
		c->x.sent += len;
		return (ssize_t)len;
	case HTTP_SAID_NOTHING:
		return 0; /* suspended: asked again when it was resumed */
	default:
		return MHD_CONTENT_READER_END_OF_STREAM;
	}
}

/* The response whose body comes when it comes. */
static struct MHD_Response *response_of_calls(struct http_conn *c, const struct http_shape *shape)
{
	struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, KIB(4),
		c->events != NULL ? on_events_read : on_stream_read, c, NULL);

	if (response != NULL && !headers_put(response, shape, c->x.arena)) {
		MHD_destroy_response(response);
		response = NULL;
	}
	if (response != NULL && c->x.facts.method == HTTP_HEAD)
		MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
	return response;
}

/* Give a reply to the library. Takes over what the reply owns, whatever happens. */
static enum MHD_Result reply_send(struct http_conn *c, struct http_reply *reply)
{
	struct http_server *s = c->server;
	bool closes =
		c->x.facts.chunked || atomic_load_explicit(&s->draining, memory_order_relaxed);
	struct MHD_Response *response = NULL;
	struct http_shape shape = {0};
	struct err e = {0};
	bool lasting = false; /* the response belongs to the shared bytes */
	enum MHD_Result result = MHD_NO;

	c->shared = reply->shared;
	if (reply->events != NULL) {
		const struct http_bed bed = {bed_sleep, bed_wake, bed_closing, c};

		c->events = reply->events;
		http_events_attach(c->events, &bed);
	}
	if (http_reply_shape(&c->x.q, &c->x.facts, reply, closes, &shape, &e) == OK) {
		c->packed = shape.packed;
		if (shape.streams && (c->events != NULL || http_stream_begin(&c->stream, reply,
								   shape.coding, &e) == OK)) {
			response = response_of_calls(c, &shape);
		} else if (!shape.streams && c->shared != NULL && shape.body.len != 0) {
			response = response_of_shared(c, c->shared, &shape, &lasting);
		} else if (!shape.streams) {
			if (c->packed.data == NULL)
				shape.body = arena_copy(c->x.arena, shape.body);
			if (shape.body.data != NULL)
				response = response_of_bytes(c, &shape);
		}
	}
	/* A stream that was given but is not used (304) is ended with the request like any other.
	 */
	if (reply->stream != NULL && c->stream.next == NULL)
		c->stream = (struct http_stream){
			.state_free = reply->stream_free, .state = reply->stream_state};
	if (response == NULL) {
		log_line(s->site.config.log, LOG_ERROR, "no reply", "why",
			e.text[0] == '\0' ? "out of memory" : e.text, NULL);
		return MHD_NO;
	}
	c->x.status = shape.status;
	if (!shape.streams && c->x.facts.method != HTTP_HEAD && shape.status != 304)
		c->x.sent = shape.body.len;
	http_watch_set(&c->watched, c->events != NULL ? HTTP_PHASE_EVENTS : HTTP_PHASE_REPLY,
		http_seconds_from(world_monotonic(s->site.config.world),
			c->events != NULL ? HTTP_EVENTS_SECONDS : HTTP_REPLY_SECONDS));
	result = MHD_queue_response(c->mhd, shape.status, response);
	if (!lasting)
		MHD_destroy_response(response);
	return result;
}

static void socket_write(struct http_conn *c, struct slice bytes)
{
	while (bytes.len > 0) {
		ssize_t got = c->session == NULL
				      ? send(c->watched.fd, bytes.data, bytes.len,
						MSG_NOSIGNAL | MSG_DONTWAIT)
				      : gnutls_record_send(c->session, bytes.data, bytes.len);

		if (got <= 0)
			return; /* the client is not reading: it will not read this either */
		bytes = slice_cut(bytes, (size_t)got, bytes.len);
	}
}

/*
 * Refuse in the middle of a body. The library takes a reply only before or after it, and after may
 * be a gigabyte away; so write the reply past it and have the connection closed.
 */
enum MHD_Result http_break_off(struct http_conn *c)
{
	struct buf raw = BUF_MAX(BREAK_MAX);

	http_exchange_break(&c->x, &raw);
	if (!raw.bad)
		socket_write(c, buf_slice(&raw));
	buf_fini(&raw);
	c->linger = true;
	return MHD_NO;
}

enum MHD_Result http_answer(struct http_conn *c)
{
	struct http_reply reply;

	http_watch_set(&c->watched, HTTP_PHASE_RUN, 0);
	http_exchange_answer(&c->x, &reply);
	return reply_send(c, &reply);
}
