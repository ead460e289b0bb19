/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Records and fields on their way to the sink: a batch, the memory its values lie in, and what is
 * known of each record beyond its fields, for whoever asks in detail.
 */
#include "inside.h"

#include <stdlib.h>

struct packet_out *packet_out_new(
	uint64_t roles, struct batch_sink sink, struct packet_counts *counts)
{
	struct packet_out *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->values = calloc(1, OUT_BYTES + 2 * EVENT_PADDING);
	if (o->values == NULL) {
		free(o);
		return NULL;
	}
	o->sink = sink;
	o->roles = roles;
	o->counts = counts;
	for (unsigned k = 0; k < EVENT_ROLES; k++) {
		const struct event_role_row *row = event_role_row((enum event_role)k);

		for (unsigned binary = 0; binary < 2; binary++)
			o->columns[2 * k + binary] = (struct column){.name = slice_of(row->name),
				.role = (uint8_t)k,
				/* of a name or an address only an address comes as bytes */
				.kind = (uint8_t)(binary != 0 && row->kind == FIELD_HOST
							  ? FIELD_ADDRESS
							  : row->kind),
				.binary = binary != 0};
	}
	o->batch.columns = o->columns;
	o->batch.columns_count = COUNT_OF(o->columns);
	o->batch.frames = true;
	o->batch.reader = o;
	return o;
}

void packet_out_free(struct packet_out *o)
{
	if (o == NULL)
		return;
	free(o->values);
	free(o);
}

bool packet_out_wants(const struct packet_out *o, enum event_role role)
{
	return (o->roles & event_role_bit(role)) != 0;
}

/* ---- detail ---------------------------------------------------------------------------------- */

static bool detail_add(struct event *e, struct arena *a, enum event_role role, struct slice value)
{
	const struct event_role_row *row = event_role_row(role);

	return value.data != NULL && event_add(e, a, slice_of(row->name), role, row->kind, value);
}

static bool detail_address(
	struct event *e, struct arena *a, enum event_role role, const uint8_t *bytes, size_t len)
{
	char text[ADDRESS_TEXT_MAX];
	size_t text_len = event_address_format(bytes, len, text);

	return detail_add(e, a, role, arena_copy(a, (struct slice){text, text_len}));
}

static bool detail_mac(struct event *e, struct arena *a, const uint8_t m[6])
{
	return detail_add(e, a, ROLE_MAC,
		arena_printf(
			a, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]));
}

/* The names that network-traffic:protocols takes (IANA service names, STIX 2.1 section 6.12). */
static const struct {
	uint8_t number;
	const char *name;
} transports[] = {
	{TRANSPORT_ICMP,   "icmp"     },
	{2,		"igmp"     },
	{4,		"ipv4"     },
	{TRANSPORT_TCP,    "tcp"      },
	{TRANSPORT_UDP,    "udp"      },
	{41,	       "ipv6"     },
	{47,	       "gre"      },
	{50,	       "esp"      },
	{51,	       "ah"       },
	{TRANSPORT_ICMPV6, "ipv6-icmp"},
	{89,	       "ospf"     },
	{132,	      "sctp"     },
};

static struct slice transport_name(const struct packet_about *b, char ret_text[8])
{
	if (b->what == PACKET_ARP)
		return SLICE("arp");
	if (b->what == PACKET_GOOSE)
		return SLICE("goose");
	for (size_t i = 0; i < COUNT_OF(transports); i++)
		if (transports[i].number == b->transport)
			return slice_of(transports[i].name);
	return (struct slice){ret_text, (size_t)snprintf(ret_text, 8, "%u", b->transport)};
}

static bool detail_of(const struct packet_about *b, struct event *e, struct arena *a)
{
	char text[8];

	if (b->address_len != 0 &&
		(!detail_address(e, a, ROLE_SOURCE_ADDRESS, b->source, b->address_len) ||
			!detail_address(
				e, a, ROLE_DESTINATION_ADDRESS, b->destination, b->address_len)))
		return false;
	if (b->ports &&
		(!detail_add(e, a, ROLE_SOURCE_PORT, arena_printf(a, "%u", b->source_port)) ||
			!detail_add(e, a, ROLE_DESTINATION_PORT,
				arena_printf(a, "%u", b->destination_port))))
		return false;
	if ((b->address_len != 0 || b->macs) &&
		!detail_add(e, a, ROLE_TRANSPORT, arena_copy(a, transport_name(b, text))))
		return false;
	return !b->macs ||
	       (detail_mac(e, a, b->mac_source) && detail_mac(e, a, b->mac_destination));
}

/* These are told from what the reader knows of the packet, whether or not they were fields. */
#define ROLES_OF_ENDS                                                                              \
	(event_role_bit(ROLE_SOURCE_ADDRESS) | event_role_bit(ROLE_DESTINATION_ADDRESS) |          \
		event_role_bit(ROLE_SOURCE_PORT) | event_role_bit(ROLE_DESTINATION_PORT) |         \
		event_role_bit(ROLE_TRANSPORT) | event_role_bit(ROLE_MAC))

static bool out_detail(
	const struct batch *b, size_t record, struct arena *a, struct event *ret_event)
{
	const struct packet_out *o = b->reader;
	struct event ends = {0}, rest;

	if (!detail_of(&o->about[record], &ends, a) || !event_of_batch(b, record, a, &rest))
		return false;
	for (size_t i = 0; i < rest.count; i++) {
		const struct event_field *f = &rest.fields[i];

		if ((event_role_bit((enum event_role)f->role) & ROLES_OF_ENDS) == 0 &&
			!event_add(&ends, a, f->name, (enum event_role)f->role,
				(enum field_kind)f->kind, f->value))
			return false;
	}
	rest.fields = ends.fields;
	rest.count = ends.count;
	rest.dropped += ends.dropped;
	*ret_event = rest;
	return true;
}

/* ---- the batch ------------------------------------------------------------------------------- */

bool packet_out_flush(struct packet_out *o)
{
	if (o->batch.records_count > 0 && !o->stopped) {
		o->batch.detail = out_detail;
		if (!o->sink.flush(o->sink.context, &o->batch))
			o->stopped = true;
	}
	o->batch.records_count = 0;
	o->batch.fields_count = 0;
	o->values_len = 0;
	return !o->stopped;
}

static void record_begin(struct packet_out *o)
{
	size_t n = o->batch.records_count++;

	o->record_fields = o->batch.fields_count;
	o->record_values = o->values_len;
	o->batch.records[n] = o->record;
	o->about[n] = o->record_about;
}

/* Hand over the records before the one at hand, and go on with it in the next batch, so that it
 * stays whole. One that fills a batch alone comes in several. */
static bool record_alone(struct packet_out *o)
{
	struct batch *b = &o->batch;
	size_t first = o->record_fields, from = o->record_values;
	size_t count = b->fields_count - first, len = o->values_len - from;

	if (b->records_count < 2)
		return packet_out_flush(o);
	b->records_count--;
	b->fields_count = first;
	if (!packet_out_flush(o))
		return false;
	/* The sink may have touched nothing but the counts. */
	memmove(b->fields, b->fields + first, count * sizeof(*b->fields));
	memmove(o->values + EVENT_PADDING, o->values + EVENT_PADDING + from, len);
	for (size_t i = 0; i < count; i++) {
		b->fields[i].data -= from;
		b->fields[i].record = 0;
	}
	record_begin(o);
	b->fields_count = count;
	o->values_len = len;
	return true;
}

/* Room was there, or made. */
static void field_put(
	struct packet_out *o, enum event_role role, const void *bytes, size_t len, bool binary)
{
	struct batch *b = &o->batch;
	char *to = o->values + EVENT_PADDING + o->values_len;

	memcpy(to, bytes, len);
	o->values_len += len;
	b->fields[b->fields_count++] = (struct field){.data = to,
		.len = (uint32_t)len,
		.record = (uint16_t)(b->records_count - 1),
		.column = (uint16_t)(2 * role + binary)};
}

void packet_out_field(struct packet_out *o, enum event_role role, struct slice value, bool binary)
{
	if (value.len == 0 || o->stopped || !packet_out_wants(o, role))
		return;
	if (value.len > FIELD_BYTES_MAX) {
		if (o->counts != NULL)
			o->counts->fields_dropped++;
		return;
	}
	if ((o->batch.fields_count == BATCH_FIELDS || value.len > OUT_BYTES - o->values_len) &&
		!record_alone(o))
		return;
	if (o->batch.records_count == 0)
		record_begin(o);
	field_put(o, role, value.data, value.len, binary);
}

static void about_of(struct packet_about *b, const struct packet *p, bool reversed)
{
	const uint8_t *from = reversed ? p->destination : p->source;
	const uint8_t *to = reversed ? p->source : p->destination;

	b->what = p->what;
	b->transport = p->transport;
	b->address_len = p->source == NULL ? 0 : p->address_len;
	b->ports = p->ports;
	b->macs = p->macs != NULL;
	if (b->address_len != 0) {
		memcpy(b->source, from, b->address_len);
		memcpy(b->destination, to, b->address_len);
	}
	b->source_port = reversed ? p->destination_port : p->source_port;
	b->destination_port = reversed ? p->source_port : p->destination_port;
	if (b->macs) {
		memcpy(b->mac_source, p->macs + (reversed ? 0 : 6), 6);
		memcpy(b->mac_destination, p->macs + (reversed ? 6 : 0), 6);
	}
}

static void put_address(uint8_t *to, const uint64_t *key, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		to[i] = (uint8_t)(len == 4 ? key[0] >> (24 - 8 * i)
					   : key[i / 8] >> (56 - 8 * (i % 8)));
}

/* Of a connection without its packets: what its key says. */
static void about_of_flow(struct packet_about *b, const struct flow *f)
{
	bool client = f->opener == 0; /* who opened it */
	uint16_t client_port = (uint16_t)(f->key[4] >> 32), server_port = (uint16_t)f->key[4];

	b->what = PACKET_PLAIN;
	b->transport = (uint8_t)(f->key[4] >> 16);
	b->address_len = (uint8_t)(f->key[4] >> 24);
	b->ports = true;
	put_address(b->source, f->key + (client ? 0 : 2), b->address_len);
	put_address(b->destination, f->key + (client ? 2 : 0), b->address_len);
	b->source_port = client ? client_port : server_port;
	b->destination_port = client ? server_port : client_port;
}

static void field_number(struct packet_out *o, enum event_role role, unsigned value)
{
	char text[8];

	if (packet_out_wants(o, role))
		field_put(o, role, text, (size_t)snprintf(text, sizeof(text), "%u", value), false);
}

static void ends_fields(struct packet_out *o)
{
	const struct packet_about *b = &o->record_about;
	char text[8];

	if (b->address_len != 0) {
		if (packet_out_wants(o, ROLE_SOURCE_ADDRESS))
			field_put(o, ROLE_SOURCE_ADDRESS, b->source, b->address_len, true);
		if (packet_out_wants(o, ROLE_DESTINATION_ADDRESS))
			field_put(
				o, ROLE_DESTINATION_ADDRESS, b->destination, b->address_len, true);
	}
	if (b->ports) {
		field_number(o, ROLE_SOURCE_PORT, b->source_port);
		field_number(o, ROLE_DESTINATION_PORT, b->destination_port);
	}
	if ((b->address_len != 0 || b->macs) && packet_out_wants(o, ROLE_TRANSPORT)) {
		struct slice name = transport_name(b, text);

		field_put(o, ROLE_TRANSPORT, name.data, name.len, false);
	}
}

void packet_out_record(struct packet_out *o)
{
	const struct packet *p = o->packet;

	if (o->stopped)
		return;
	if (o->batch.records_count == BATCH_RECORDS || o->batch.fields_count + 8 > BATCH_FIELDS ||
		o->values_len + OUT_HEAD_ROOM > OUT_BYTES) {
		if (!packet_out_flush(o))
			return;
	}
	o->record = (struct record){.time_us = TIME_UNKNOWN, .flow = o->flow};
	o->record_about = (struct packet_about){0};
	if (p != NULL) {
		o->record.raw = (const char *)p->frame;
		o->record.raw_len = p->captured;
		o->record.number = p->number;
		o->record.offset = p->offset;
		o->record.time_us = p->time_us;
		about_of(&o->record_about, p, o->reversed);
	} else if (o->ended != NULL) {
		o->record.number = o->last_number;
		o->record.time_us = o->last_time_us;
		about_of_flow(&o->record_about, o->ended);
	}
	record_begin(o);
	ends_fields(o);
	if (o->counts != NULL)
		o->counts->records++;
}

static void field_mac(struct packet_out *o, const uint8_t m[6])
{
	static const char digits[] = "0123456789abcdef";
	char text[17];

	for (unsigned i = 0; i < 6; i++) {
		text[3 * i] = digits[m[i] >> 4];
		text[3 * i + 1] = digits[m[i] & 15];
		if (i < 5)
			text[3 * i + 2] = ':';
	}
	packet_out_field(o, ROLE_MAC, (struct slice){text, sizeof(text)}, false);
}

void packet_out_conversation(struct packet_out *o)
{
	packet_out_record(o);
	if (o->record_about.macs && packet_out_wants(o, ROLE_MAC)) {
		field_mac(o, o->record_about.mac_source);
		field_mac(o, o->record_about.mac_destination);
	}
}
