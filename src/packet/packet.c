/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The reader: frames in, packets through their steps, records out.
 */
#include <stdlib.h>

#include "inside.h"

#define ROLES_ENDS                                                                                 \
	(event_role_bit(ROLE_SOURCE_ADDRESS) | event_role_bit(ROLE_DESTINATION_ADDRESS) |          \
		event_role_bit(ROLE_SOURCE_PORT) | event_role_bit(ROLE_DESTINATION_PORT) |         \
		event_role_bit(ROLE_TRANSPORT) | event_role_bit(ROLE_MAC))

/* How far ahead of its turn a packet's flow is fetched. */
#define AHEAD 8

static enum err_kind reader_init(struct packet_reader *r, struct batch_sink sink, struct err *e)
{
	const struct world *w = r->options.world;
	uint8_t fragment_key[16];

	w->random(w->context, fragment_key, sizeof(fragment_key));
	w->random(w->context, r->hash_keys, sizeof(r->hash_keys));
	for (unsigned i = 0; i < HASH_KEYS; i++)
		r->hash_keys[i] &= (UINT64_C(1) << 61) - 1;
	r->roles = content_roles(r->options.roles, r->options.plant);
	r->conversations = (r->options.roles & ROLES_ENDS) != 0;
	r->dns = content_wants_dns(r->roles);
	r->queue = (struct packet_list){r->items, 0, COUNT_OF(r->items)};
	r->out = packet_out_new(r->roles, sink, &r->counts);
	/* A quarter for datagrams in pieces, so that they cannot take all of it. */
	r->fragments = fragments_new(fragment_key, r->options.buffered_max / 4, &r->counts);
	r->content = content_new(r);
	if (r->out == NULL || r->fragments == NULL || r->content == NULL ||
		!seen_init(&r->seen, PACKET_SEEN_MAX))
		return err_set(e, ERR_NOMEM, "packet reader: out of memory");
	if (!content_wants_streams(r->roles) && !r->options.plant)
		return OK;
	r->flows = flows_new(r->options.flows_max,
		r->options.buffered_max - r->options.buffered_max / 4, content_consumer(r->content),
		&r->counts);
	if (r->flows == NULL)
		return err_set(e, ERR_NOMEM, "packet reader: no memory for %u connections",
			r->options.flows_max);
	return OK;
}

enum err_kind packet_reader_new(const struct packet_options *options, struct batch_sink sink,
	struct packet_reader **ret_reader, struct err *e)
{
	struct packet_reader *r;
	enum err_kind kind;

	if (options->flows_max > 16 * PACKET_FLOWS_MAX)
		return err_set(e, ERR_LIMIT, "packet reader: %u connections, at most %u",
			options->flows_max, 16 * PACKET_FLOWS_MAX);
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return err_set(e, ERR_NOMEM, "packet reader: out of memory");
	r->options = *options;
	if (r->options.flows_max == 0)
		r->options.flows_max = PACKET_FLOWS_MAX;
	if (r->options.buffered_max == 0)
		r->options.buffered_max = PACKET_BUFFERED_MAX;
	kind = reader_init(r, sink, e);
	if (kind != OK) {
		packet_reader_free(r);
		return kind;
	}
	*ret_reader = r;
	return OK;
}

void packet_reader_free(struct packet_reader *r)
{
	if (r == NULL)
		return;
	flows_free(r->flows); /* its connections still need content */
	content_free(r->content);
	fragments_free(r->fragments);
	seen_fini(&r->seen);
	capture_fini(&r->capture);
	packet_out_free(r->out);
	free(r);
}

void packet_counts(const struct packet_reader *r, struct packet_counts *ret_counts)
{
	*ret_counts = r->counts;
}

/* ---- the second half: tables, content -------------------------------------------------------- */

/* Is the sender the one that was asked? */
static bool looks_reversed(const struct packet *p)
{
	if (p->transport == TRANSPORT_TCP && (p->tcp_flags & TCP_SYN) != 0)
		return (p->tcp_flags & TCP_ACK) != 0;
	return p->ports && p->source_port != p->destination_port && p->sender == 1;
}

static void handle(struct packet_reader *r, const struct packet *p);

static void handle_fragment(struct packet_reader *r, const struct packet *p)
{
	struct packet items[TUNNELS_MAX + 1];
	struct packet_list inner = {items, 0, COUNT_OF(items)};
	struct packet base = *p;
	struct slice bytes;

	/* A datagram in pieces within one that was put together counts as a tunnel. */
	if (p->depth >= TUNNELS_MAX || !fragments_add(r->fragments, p, &bytes, &base.transport))
		return;
	base.depth++;
	frame_dissect_datagram(&base, (const uint8_t *)bytes.data, (uint32_t)bytes.len,
		r->hash_keys, &r->counts, &inner);
	/* Nothing follows a piece in the list, so its datagram may take the place of ours. */
	for (unsigned i = 0; i < inner.count; i++)
		handle(r, &inner.items[i]);
}

static void handle(struct packet_reader *r, const struct packet *p)
{
	struct packet_out *o = r->out;
	struct flow *f = NULL;

	o->packet = p;
	o->flow = 0;
	if (p->what == PACKET_GOOSE) {
		o->reversed = false;
		if (r->options.plant)
			content_goose(r->content, p);
		return;
	}
	if (p->what == PACKET_PLAIN && p->transport == TRANSPORT_TCP && r->flows != NULL)
		f = flows_find(r->flows, p);
	if (f != NULL)
		o->flow = f->id;
	o->reversed = f != NULL && (p->tcp_flags & TCP_SYN) == 0 ? !flow_from_opener(f, p)
								 : looks_reversed(p);
	/* A connection that made the record needs no look at the others. */
	if (r->conversations &&
		(f == NULL || seconds_apart(p->seconds, f->reported) >= PACKET_AGAIN_SECONDS) &&
		seen_first(&r->seen, p->hash_conversation, p->seconds)) {
		packet_out_conversation(o);
		if (f != NULL)
			f->reported = p->seconds;
	}
	if (f != NULL)
		flows_packet(r->flows, f, p);
	else if (p->what == PACKET_FRAGMENT)
		handle_fragment(r, p);
	else if (p->what == PACKET_PLAIN && p->transport == TRANSPORT_UDP && p->payload_len > 0)
		content_datagram(r->content, p);
}

static void fetch_flow(const struct packet_reader *r, const struct packet *p)
{
	if (r->flows != NULL && p->transport == TRANSPORT_TCP)
		flows_prefetch2(r->flows, p->hash_flow);
}

bool reader_drain(struct packet_reader *r)
{
	struct packet *items = r->queue.items;
	unsigned count = r->queue.count;

	for (unsigned i = 0; i < AHEAD && i < count; i++)
		fetch_flow(r, &items[i]);
	for (unsigned i = 0; i < count; i++) {
		if (i + AHEAD < count)
			fetch_flow(r, &items[i + AHEAD]);
		handle(r, &items[i]);
	}
	if (count > 0) {
		r->out->last_number = items[count - 1].number;
		r->out->last_time_us = items[count - 1].time_us;
	}
	r->queue.count = 0;
	r->out->packet = NULL;
	r->out->ended = NULL;
	return !r->out->stopped;
}

/* ---- the first half: headers ----------------------------------------------------------------- */

void reader_push(struct packet_reader *r, unsigned link, struct packet *base)
{
	unsigned before = r->queue.count;

	r->counts.frames++;
	r->counts.bytes += base->captured;
	r->counts.cut += base->captured < base->wire_len;
	if (base->wire_len < base->captured)
		base->wire_len = base->captured;
	if (base->time_us != TIME_UNKNOWN)
		r->now_seconds = (uint32_t)(base->time_us / US_PER_SECOND);
	base->seconds = r->now_seconds;
	if (!frame_dissect(link, base, r->hash_keys, &r->counts, &r->queue))
		r->counts.unknown_link++;
	for (unsigned i = before; i < r->queue.count; i++) {
		const struct packet *p = &r->queue.items[i];

		if (r->flows != NULL && p->transport == TRANSPORT_TCP)
			flows_prefetch(r->flows, p->hash_flow);
		else
			seen_prefetch(&r->seen, p->hash_conversation);
	}
	if (r->queue.count >= QUEUE_PACKETS)
		(void)reader_drain(r);
}

bool packet_frame(struct packet_reader *r, unsigned link, int64_t time_us, struct slice captured,
	uint32_t wire_len)
{
	struct packet base = {.frame = (const uint8_t *)captured.data,
		.captured = (uint32_t)captured.len,
		.wire_len = wire_len,
		.number = ++r->capture.number,
		.time_us = time_us};

	if (captured.len > PACKET_FRAME_MAX)
		base.captured = PACKET_FRAME_MAX;
	reader_push(r, link, &base);
	/* The bytes are the caller's again. */
	(void)reader_drain(r);
	return packet_out_flush(r->out);
}

bool packet_end(struct packet_reader *r)
{
	if (r->flows != NULL)
		flows_end(r->flows);
	return packet_out_flush(r->out);
}

bool packet_flush(struct packet_reader *r)
{
	(void)reader_drain(r);
	return packet_out_flush(r->out);
}

void packet_next_file(struct packet_reader *r)
{
	capture_reset(&r->capture);
}
