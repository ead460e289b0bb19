/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Server-sent events, both sides without the libraries: a reply that sleeps while there is nothing
 * to say, and the reading of what such a reply says.
 */
#include <stdlib.h>

#include "http_parts.h"

#define BEAT ":\n\n" /* a comment, and the end of an event that never began */

/* ---- saying ---------------------------------------------------------------------------- */

struct http_events {
	atomic_uint owners;
	struct http_events_source source;
	pthread_mutex_t lock; /* of what follows */
	struct http_bed bed;  /* functions NULL: no connection, or none any more */
	bool rung, beat, closing, asleep, over;
	/* The serving thread's own. */
	struct buf out;
	size_t taken;
};

struct http_events *http_events_new(const struct http_events_source *source)
{
	struct http_events *ev = calloc(1, sizeof(*ev));

	if (ev == NULL)
		return NULL;
	atomic_init(&ev->owners, 1);
	ev->source = *source;
	ev->out = BUF_MAX(HTTP_EVENTS_SAY_MAX);
	ev->rung = true; /* asked once at the beginning */
	pthread_mutex_init(&ev->lock, NULL);
	return ev;
}

struct http_events *http_events_keep(struct http_events *ev)
{
	atomic_fetch_add_explicit(&ev->owners, 1, memory_order_relaxed);
	return ev;
}

void http_events_drop(struct http_events *ev)
{
	if (ev == NULL || atomic_fetch_sub_explicit(&ev->owners, 1, memory_order_acq_rel) != 1)
		return;
	pthread_mutex_destroy(&ev->lock);
	buf_fini(&ev->out);
	free(ev);
}

/* Under the lock. */
static void get_up(struct http_events *ev)
{
	if (!ev->asleep)
		return;
	ev->asleep = false;
	ev->bed.wake(ev->bed.connection);
}

static void set_and_wake(struct http_events *ev, bool *what)
{
	pthread_mutex_lock(&ev->lock);
	*what = true;
	get_up(ev);
	pthread_mutex_unlock(&ev->lock);
}

void http_events_ring(struct http_events *ev)
{
	set_and_wake(ev, &ev->rung);
}

void http_events_beat(struct http_events *ev)
{
	set_and_wake(ev, &ev->beat);
}

void http_events_end(struct http_events *ev)
{
	set_and_wake(ev, &ev->closing);
}

void http_events_attach(struct http_events *ev, const struct http_bed *bed)
{
	pthread_mutex_lock(&ev->lock);
	ev->bed = *bed;
	pthread_mutex_unlock(&ev->lock);
}

void http_events_detach(struct http_events *ev)
{
	bool first;

	pthread_mutex_lock(&ev->lock);
	first = !ev->over;
	ev->over = true;
	ev->asleep = false;
	ev->bed = (struct http_bed){0};
	pthread_mutex_unlock(&ev->lock);
	if (first && ev->source.ended != NULL)
		ev->source.ended(ev->source.state);
}

/* Lie down, unless somebody rang since we asked. */
static enum http_said lie_down(struct http_events *ev)
{
	enum http_said said = HTTP_SAID_BYTES;

	pthread_mutex_lock(&ev->lock);
	if (ev->closing || ev->bed.closing(ev->bed.connection)) {
		said = HTTP_SAID_END;
	} else if (!ev->rung && !ev->beat) {
		ev->asleep = true;
		ev->bed.sleep(ev->bed.connection);
		said = HTTP_SAID_NOTHING;
	}
	pthread_mutex_unlock(&ev->lock);
	return said;
}

static enum http_said refill(struct http_events *ev)
{
	enum http_said said = HTTP_SAID_BYTES;

	buf_clear(&ev->out);
	ev->taken = 0;
	while (said == HTTP_SAID_BYTES && ev->out.len == 0) {
		bool beat, rung;

		pthread_mutex_lock(&ev->lock);
		rung = ev->rung;
		beat = ev->beat;
		ev->rung = ev->beat = false;
		pthread_mutex_unlock(&ev->lock);
		if (rung)
			ev->source.say(ev->source.state, &ev->out);
		if (ev->out.len == 0 && beat)
			buf_text(&ev->out, BEAT);
		if (ev->out.bad)
			return HTTP_SAID_END; /* no memory: the client comes again */
		if (ev->out.len == 0)
			said = lie_down(ev);
	}
	return said;
}

enum http_said http_events_read(struct http_events *ev, char *to, size_t bytes, size_t *ret_len)
{
	size_t len;

	*ret_len = 0;
	if (ev->taken == ev->out.len) {
		enum http_said said = refill(ev);

		if (said != HTTP_SAID_BYTES)
			return said;
	}
	len = ev->out.len - ev->taken;
	if (len > bytes)
		len = bytes;
	memcpy(to, ev->out.data + ev->taken, len);
	ev->taken += len;
	*ret_len = len;
	return HTTP_SAID_BYTES;
}

/* ---- hearing --------------------------------------------------------------------------- */

void http_event_parser_init(struct http_event_parser *p)
{
	*p = (struct http_event_parser){.line = BUF_MAX(HTTP_EVENT_MAX),
		.type = BUF_MAX(HTTP_EVENT_MAX),
		.data = BUF_MAX(HTTP_EVENT_MAX),
		.id = BUF_MAX(HTTP_EVENT_ID_MAX),
		.first = true};
}

void http_event_parser_fini(struct http_event_parser *p)
{
	buf_fini(&p->line);
	buf_fini(&p->type);
	buf_fini(&p->data);
	buf_fini(&p->id);
}

static void put(struct buf *to, struct slice value)
{
	buf_clear(to);
	buf_slice_append(to, value);
}

/* An empty line: the event is whole. */
static void dispatch(struct http_event_parser *p, http_hear *hear, void *context)
{
	if (p->data.len != 0) {
		struct http_event event = {
			.id = buf_slice(&p->id),
			.type = p->type.len == 0 ? SLICE("message") : buf_slice(&p->type),
			.data = {p->data.data, p->data.len - 1}
                }; /* without the last line's end */

		hear(context, &event);
	}
	buf_clear(&p->type);
	buf_clear(&p->data);
}

/* Section 9.2.6: name, colon, one space that may be missing, value. */
static void line_take(struct http_event_parser *p, http_hear *hear, void *context)
{
	struct slice line = buf_slice(&p->line), name, value;
	size_t colon;

	if (line.len == 0) {
		dispatch(p, hear, context);
		return;
	}
	colon = slice_find(line, ':', 0);
	name = slice_cut(line, 0, colon);
	value = slice_cut(line, colon < line.len ? colon + 1 : line.len, line.len);
	if (slice_starts(value, SLICE(" ")))
		value = slice_cut(value, 1, value.len);
	if (slice_is(name, "data")) {
		buf_slice_append(&p->data, value);
		buf_char(&p->data, '\n');
	} else if (slice_is(name, "event")) {
		put(&p->type, value);
	} else if (slice_is(name, "id") && slice_find(value, '\0', 0) == value.len) {
		put(&p->id, value);
	}
	/* comments, retry, and names that nobody has given a meaning */
}

enum err_kind http_event_parse(struct http_event_parser *p, struct slice bytes, http_hear *hear,
	void *context, struct err *e)
{
	for (size_t i = 0; i < bytes.len; i++) {
		char c = bytes.data[i];
		bool after_return = p->returned;

		p->returned = c == '\r';
		if (c == '\n' && after_return)
			continue; /* CR LF is one end */
		if (c != '\n' && c != '\r') {
			buf_char(&p->line, c);
		} else {
			/* A byte order mark may stand before everything. */
			if (p->first && slice_starts(buf_slice(&p->line), SLICE("\xef\xbb\xbf"))) {
				p->line.len -= 3;
				memmove(p->line.data, p->line.data + 3, p->line.len);
			}
			p->first = false;
			line_take(p, hear, context);
			buf_clear(&p->line);
		}
		if (p->line.bad || p->data.bad || p->type.bad || p->id.bad)
			return err_set(
				e, ERR_LIMIT, "an event of more than %zu bytes", HTTP_EVENT_MAX);
	}
	return OK;
}
