/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Headers of a frame, from the link to the transport: where the addresses are, which ports, what
 * is left as payload. Looks only at captured bytes; a header that contradicts the length is counted
 * and the packet goes as far as it was clear.
 */
#include "inside.h"

#define TAGS_MAX       4  /* VLAN tags on one frame; two are usual (QinQ) */
#define EXTENSIONS_MAX 16 /* IPv6 extension headers; RFC 8200 has seven kinds */

#define LEN_ETHERNET 14
#define LEN_IPV4     20
#define LEN_IPV6     40
#define LEN_TCP      20
#define LEN_UDP      8
#define LEN_VXLAN    8
#define PORT_VXLAN   4789 /* RFC 7348 */

/* What nearly every packet goes through is one function: calls cost as much as the work. */
#define HOT inline __attribute__((always_inline))

/* One frame on its way down. */
struct walk {
	const struct packet *base;
	const uint8_t *macs;
	uint8_t depth; /* tunnels so far */
	const uint64_t *keys;
	struct packet_list *to;
	bool malformed;
};

/* Bytes at hand: those captured, and how many there were on the wire. */
struct span {
	const uint8_t *p;
	uint32_t len, wire;
};

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, 4);
	return __builtin_bswap32(value);
}

static inline uint64_t get64(const uint8_t *p)
{
	uint64_t value;

	memcpy(&value, p, 8);
	return __builtin_bswap64(value);
}

static inline struct span span_after(struct span s, uint32_t bytes)
{
	return (struct span){s.p + bytes, s.len - bytes, s.wire - bytes};
}

/* A header that is not there: cut by the capture, or a lie. */
static void short_header(struct walk *w, struct span s, uint32_t needed)
{
	if (s.wire < needed)
		w->malformed = true;
}

/* ---- keys ------------------------------------------------------------------------------------ */

#define M61 ((UINT64_C(1) << 61) - 1)

static inline uint64_t mod_m61(wide x)
{
	uint64_t sum = (uint64_t)(x & M61) + (uint64_t)(x >> 61);

	return sum >= M61 ? sum - M61 : sum;
}

/*
 * A sum of 32-bit words times random numbers modulo the prime 2^61-1 is strongly universal: without
 * the random numbers nobody can choose packets whose keys collide more often than by chance.
 */
static HOT void packet_key(struct packet *p, const uint64_t keys[HASH_KEYS])
{
	uint64_t source[2] = {0}, destination[2] = {0};
	wide sum = keys[0];
	bool server_sent;
	uint16_t client_port, server_port;

	if (p->address_len == 4) {
		source[0] = get32(p->source);
		destination[0] = get32(p->destination);
		server_sent = ((uint64_t)p->source_port << 32 | source[0]) <
			      ((uint64_t)p->destination_port << 32 | destination[0]);
	} else {
		source[0] = get64(p->source);
		source[1] = get64(p->source + 8);
		destination[0] = get64(p->destination);
		destination[1] = get64(p->destination + 8);
		if (p->source_port != p->destination_port)
			server_sent = p->source_port < p->destination_port;
		else if (source[0] != destination[0])
			server_sent = source[0] < destination[0];
		else
			server_sent = source[1] < destination[1];
	}
	p->sender = server_sent;
	p->key[0] = server_sent ? destination[0] : source[0];
	p->key[2] = server_sent ? source[0] : destination[0];
	client_port = server_sent ? p->destination_port : p->source_port;
	server_port = server_sent ? p->source_port : p->destination_port;
	p->key[1] = server_sent ? destination[1] : source[1];
	p->key[3] = server_sent ? source[1] : destination[1];
	p->key[4] = server_port | (uint64_t)p->transport << 16 | (uint64_t)p->address_len << 24;
	sum += (wide)keys[1] * (uint32_t)p->key[0];
	sum += (wide)keys[2] * (uint32_t)p->key[2];
	sum += (wide)keys[3] * p->key[4];
	if (p->address_len != 4) {
		sum += (wide)keys[4] * (uint32_t)(p->key[0] >> 32);
		sum += (wide)keys[5] * (uint32_t)p->key[1];
		sum += (wide)keys[6] * (uint32_t)(p->key[1] >> 32);
		sum += (wide)keys[7] * (uint32_t)(p->key[2] >> 32);
		sum += (wide)keys[8] * (uint32_t)p->key[3];
		sum += (wide)keys[9] * (uint32_t)(p->key[3] >> 32);
	}
	p->hash_conversation = mod_m61(sum);
	p->hash_flow = mod_m61(sum + (wide)keys[10] * client_port);
	p->key[4] |= (uint64_t)client_port << 32;
}

/* The next packet of the frame, in its place in the list; push makes it count. */
static HOT struct packet *next_packet(struct walk *w)
{
	const struct packet *b = w->base;
	struct packet *p = &w->to->items[w->to->count];

	/* One by one: clearing all of it first takes the compiler a string instruction, which costs
	 * more than all these. The key is written with the addresses. */
	p->frame = b->frame;
	p->captured = b->captured;
	p->wire_len = b->wire_len;
	p->number = b->number;
	p->offset = b->offset;
	p->time_us = b->time_us;
	p->seconds = b->seconds;
	p->macs = w->macs;
	p->source = p->destination = p->payload = NULL;
	p->payload_len = p->payload_wire = 0;
	p->what = PACKET_PLAIN;
	p->address_len = p->transport = p->tcp_flags = 0;
	p->depth = w->depth;
	p->sender = 0;
	p->ports = p->fragment_more = false;
	p->source_port = p->destination_port = 0;
	p->sequence = p->acknowledged = 0;
	p->hash_conversation = p->hash_flow = 0;
	return p;
}

static HOT void push_hot(struct walk *w, struct packet *p)
{
	if (p->address_len != 0)
		packet_key(p, w->keys);
	w->to->count++;
}

/* The same for the rarer kinds. */
static __attribute__((noinline)) void push(struct walk *w, struct packet *p)
{
	push_hot(w, p);
}

/* ---- transport ------------------------------------------------------------------------------- */

static void walk_ethernet(struct walk *w, struct span s);
static void walk_type(struct walk *w, uint16_t type, struct span s);
static void walk_ipv4(struct walk *w, struct span s);
static void walk_ipv6(struct walk *w, struct span s);

/* Room for another packet behind this one? Outer packets take one each. */
static bool deeper(struct walk *w, struct packet *p)
{
	if (w->depth >= TUNNELS_MAX)
		return false;
	p->what = PACKET_OUTER;
	p->payload_len = p->payload_wire = 0;
	push(w, p);
	w->depth++;
	return true;
}

static void set_payload(struct packet *p, struct span s)
{
	p->payload = s.p;
	p->payload_len = s.len;
	p->payload_wire = s.wire;
}

static HOT void walk_tcp(struct walk *w, struct packet *p, struct span s)
{
	uint32_t header;

	if (s.len >= 4) {
		p->source_port = get16(s.p);
		p->destination_port = get16(s.p + 2);
		p->ports = true;
	}
	if (s.len < LEN_TCP) {
		short_header(w, s, LEN_TCP);
		p->transport = TRANSPORT_TCP;
		p->what = PACKET_OUTER; /* addresses only */
		push(w, p);
		return;
	}
	header = (uint32_t)(s.p[12] >> 4) * 4;
	p->sequence = get32(s.p + 4);
	p->acknowledged = get32(s.p + 8);
	p->tcp_flags = s.p[13];
	if (header < LEN_TCP || header > s.wire) {
		w->malformed = true;
		p->what = PACKET_OUTER;
	} else {
		if (header > s.len)
			header = s.len;
		set_payload(p, span_after(s, header));
	}
	push_hot(w, p);
}

static HOT void walk_udp(struct walk *w, struct packet *p, struct span s)
{
	uint32_t len;

	if (s.len < LEN_UDP) {
		short_header(w, s, LEN_UDP);
		if (s.len >= 4) {
			p->source_port = get16(s.p);
			p->destination_port = get16(s.p + 2);
			p->ports = true;
		}
		push(w, p);
		return;
	}
	p->source_port = get16(s.p);
	p->destination_port = get16(s.p + 2);
	p->ports = true;
	len = get16(s.p + 4);
	/* 0: a jumbogram (RFC 2675), or left to the network card */
	if (len != 0) {
		if (len < LEN_UDP || len > s.wire)
			w->malformed = true;
		else
			s = (struct span){s.p, len < s.len ? len : s.len, len};
	}
	s = span_after(s, LEN_UDP);
	if (p->destination_port == PORT_VXLAN && s.len >= LEN_VXLAN && (s.p[0] & 0x08) != 0 &&
		deeper(w, p)) {
		walk_ethernet(w, span_after(s, LEN_VXLAN));
		return;
	}
	set_payload(p, s);
	push_hot(w, p);
}

/* RFC 2784 and 2890: flags, protocol, then checksum, key and sequence number as the flags say. */
static void walk_gre(struct walk *w, struct packet *p, struct span s)
{
	uint32_t header = 4;
	uint16_t flags, type;

	if (s.len < header) {
		short_header(w, s, header);
		push(w, p);
		return;
	}
	flags = get16(s.p);
	type = get16(s.p + 2);
	header += ((flags & 0x8000) != 0 ? 4U : 0) + ((flags & 0x2000) != 0 ? 4U : 0) +
		  ((flags & 0x1000) != 0 ? 4U : 0);
	/* Routing (RFC 1701) and version 1 (PPTP) are not taken apart. */
	if ((flags & 0x4007) != 0 || s.len < header || !deeper(w, p)) {
		if ((flags & 0x4007) == 0)
			short_header(w, s, header);
		push(w, p);
		return;
	}
	if (type == 0x6558) /* Ethernet */
		walk_ethernet(w, span_after(s, header));
	else
		walk_type(w, type, span_after(s, header));
}

static void walk_transport(struct walk *w, struct packet *p, struct span s)
{
	switch (p->transport) {
	case TRANSPORT_TCP:
		walk_tcp(w, p, s);
		break;
	case TRANSPORT_UDP:
		walk_udp(w, p, s);
		break;
	case 4:
		if (deeper(w, p))
			walk_ipv4(w, s);
		else
			push(w, p);
		break;
	case 41:
		if (deeper(w, p))
			walk_ipv6(w, s);
		else
			push(w, p);
		break;
	case 47:
		walk_gre(w, p, s);
		break;
	default:
		set_payload(p, s);
		push(w, p);
	}
}

/* ---- IP
 * ----------------------------------------------------------------------------------------------------
 */

static void walk_ipv4(struct walk *w, struct span s)
{
	struct packet *p;
	uint32_t header, total;
	uint16_t fragment;

	if (s.len < LEN_IPV4) {
		short_header(w, s, LEN_IPV4);
		return;
	}
	header = (uint32_t)(s.p[0] & 15) * 4;
	total = get16(s.p + 2);
	if (s.p[0] >> 4 != 4 || header < LEN_IPV4) {
		w->malformed = true;
		return;
	}
	if (total == 0) /* segmentation left to the network card */
		total = s.wire;
	if (total < header || total > s.wire) {
		w->malformed = true;
		total = total < header ? header : s.wire;
	}
	if (total < s.wire) /* padding of short Ethernet frames */
		s = (struct span){s.p, total < s.len ? total : s.len, total};
	p = next_packet(w);
	p->source = s.p + 12;
	p->destination = s.p + 16;
	p->address_len = 4;
	p->transport = s.p[9];
	fragment = get16(s.p + 6);
	if (header > s.len || header > s.wire) {
		push(w, p);
		return;
	}
	if ((fragment & 0x3fff) != 0) {
		p->what = PACKET_FRAGMENT;
		p->sequence = get16(s.p + 4);
		p->acknowledged = (uint32_t)(fragment & 0x1fff) * 8;
		p->fragment_more = (fragment & 0x2000) != 0;
		set_payload(p, span_after(s, header));
		push(w, p);
		return;
	}
	walk_transport(w, p, span_after(s, header));
}

/* RFC 8200 section 4, RFC 4302 for the length of AH. */
static void walk_extensions(struct walk *w, struct packet *p, struct span s)
{
	for (unsigned n = 0; n < EXTENSIONS_MAX; n++) {
		uint32_t len;

		switch (p->transport) {
		case 0:   /* hop by hop */
		case 43:  /* routing */
		case 60:  /* destination */
		case 135: /* mobility */
		case 139: /* HIP */
		case 140: /* shim6 */
			len = s.len >= 2 ? 8 + (uint32_t)s.p[1] * 8 : 8;
			break;
		case 51:
			len = s.len >= 2 ? 8 + (uint32_t)s.p[1] * 4 : 8;
			break;
		case 44:
			len = 8;
			break;
		default:
			walk_transport(w, p, s);
			return;
		}
		if (s.len < len) {
			short_header(w, s, len);
			push(w, p);
			return;
		}
		if (p->transport == 44) {
			uint16_t at = get16(s.p + 2);

			p->transport = s.p[0];
			if ((at & 0xfff9) != 0) { /* not the whole datagram (RFC 6946) */
				p->what = PACKET_FRAGMENT;
				p->sequence = get32(s.p + 4);
				p->acknowledged = at & 0xfff8;
				p->fragment_more = (at & 1) != 0;
				set_payload(p, span_after(s, len));
				push(w, p);
				return;
			}
		} else {
			p->transport = s.p[0];
		}
		s = span_after(s, len);
	}
	w->malformed = true;
	push(w, p);
}

static void walk_ipv6(struct walk *w, struct span s)
{
	struct packet *p;
	uint32_t total;

	if (s.len < LEN_IPV6) {
		short_header(w, s, LEN_IPV6);
		return;
	}
	if (s.p[0] >> 4 != 6) {
		w->malformed = true;
		return;
	}
	total = get16(s.p + 4);
	total = total == 0 ? s.wire
			   : total + LEN_IPV6; /* 0: a jumbogram, or the network card's work */
	if (total > s.wire) {
		w->malformed = true;
		total = s.wire;
	}
	if (total < s.wire)
		s = (struct span){s.p, total < s.len ? total : s.len, total};
	p = next_packet(w);
	p->source = s.p + 8;
	p->destination = s.p + 24;
	p->address_len = 16;
	p->transport = s.p[6];
	walk_extensions(w, p, span_after(s, LEN_IPV6));
}

/* ---- link
 * ---------------------------------------------------------------------------------------------------
 */

static void walk_arp(struct walk *w, struct span s)
{
	struct packet *p;

	if (s.len < 28) {
		short_header(w, s, 28);
		return;
	}
	/* Ethernet and IPv4 only (RFC 826) */
	if (get32(s.p) != 0x00010800 || get16(s.p + 4) != 0x0604)
		return;
	p = next_packet(w);
	p->what = PACKET_ARP;
	p->source = s.p + 14;
	p->destination = s.p + 24;
	p->address_len = 4;
	push(w, p);
}

/* RFC 1661: protocol of two bytes, or of one when its low bit is set; RFC 1662: ff 03 before it. */
static void walk_ppp(struct walk *w, struct span s)
{
	uint16_t protocol;
	uint32_t header = 1;

	if (s.len >= 2 && s.p[0] == 0xff && s.p[1] == 0x03)
		s = span_after(s, 2);
	if (s.len < 2) {
		short_header(w, s, 2);
		return;
	}
	protocol = s.p[0];
	if ((protocol & 1) == 0) {
		protocol = get16(s.p);
		header = 2;
	}
	if (protocol == 0x0021)
		walk_ipv4(w, span_after(s, header));
	else if (protocol == 0x0057)
		walk_ipv6(w, span_after(s, header));
}

static void walk_type(struct walk *w, uint16_t type, struct span s)
{
	for (unsigned tags = 0; type == 0x8100 || type == 0x88a8 || type == 0x9100; tags++) {
		if (s.len < 4) {
			short_header(w, s, 4);
			return;
		}
		if (tags == TAGS_MAX) {
			w->malformed = true;
			return;
		}
		type = get16(s.p + 2);
		s = span_after(s, 4);
	}
	switch (type) {
	case 0x0800:
		walk_ipv4(w, s);
		break;
	case 0x86dd:
		walk_ipv6(w, s);
		break;
	case 0x0806:
		walk_arp(w, s);
		break;
	case 0x8864: /* PPPoE session, RFC 2516 */
		if (s.len < 6) {
			short_header(w, s, 6);
		} else if (s.p[0] == 0x11 && s.p[1] == 0) {
			uint32_t len = get16(s.p + 4);

			if (len > s.wire - 6)
				w->malformed = true;
			s = span_after(s, 6);
			if (len < s.wire)
				s = (struct span){s.p, len < s.len ? len : s.len, len};
			walk_ppp(w, s);
		}
		break;
	case 0x88b8: /* GOOSE; by its own length, because frames are padded */
		if (w->depth == 0) {
			struct packet *p = next_packet(w);

			p->what = PACKET_GOOSE;
			set_payload(p, s);
			push(w, p);
		}
		break;
	default:
		break;
	}
}

static void walk_ethernet(struct walk *w, struct span s)
{
	if (s.len < LEN_ETHERNET) {
		short_header(w, s, LEN_ETHERNET);
		return;
	}
	w->macs = s.p;
	walk_type(w, get16(s.p + 12), span_after(s, LEN_ETHERNET));
}

static void walk_ip(struct walk *w, struct span s)
{
	if (s.len == 0)
		short_header(w, s, 1);
	else if (s.p[0] >> 4 == 4)
		walk_ipv4(w, s);
	else if (s.p[0] >> 4 == 6)
		walk_ipv6(w, s);
	else
		w->malformed = true;
}

/* BSD loopback: an address family in the byte order of the capturing machine (NULL) or the
 * network's (LOOP). IPv6 is 24, 28 or 30 on the BSDs and 10 on Linux. */
static void walk_null(struct walk *w, struct span s)
{
	uint32_t family;

	if (s.len < 4) {
		short_header(w, s, 4);
		return;
	}
	family = get32(s.p);
	if (family > 0xffff)
		family = __builtin_bswap32(family);
	s = span_after(s, 4);
	if (family == 2)
		walk_ipv4(w, s);
	else if (family == 10 || family == 24 || family == 28 || family == 30)
		walk_ipv6(w, s);
}

static void walk_sll(struct walk *w, struct span s)
{
	if (s.len < 16)
		short_header(w, s, 16);
	else
		walk_type(w, get16(s.p + 14), span_after(s, 16));
}

static void walk_sll2(struct walk *w, struct span s)
{
	if (s.len < 20)
		short_header(w, s, 20);
	else
		walk_type(w, get16(s.p), span_after(s, 20));
}

/* Numbers of tcpdump.org/linktypes.html; 12 and 14 are what some systems write for raw IP. */
static const struct {
	unsigned link;
	void (*walk)(struct walk *w, struct span s);
} links[] = {
	{1,   walk_ethernet},
	{0,   walk_null    },
	{9,   walk_ppp     },
	{12,  walk_ip      },
	{14,  walk_ip      },
	{50,  walk_ppp     },
	{101, walk_ip      },
	{108, walk_null    },
	{113, walk_sll     },
	{228, walk_ipv4    },
	{229, walk_ipv6    },
	{276, walk_sll2    },
};

bool frame_dissect(unsigned link, const struct packet *base, const uint64_t hash_keys[HASH_KEYS],
	struct packet_counts *counts, struct packet_list *to)
{
	struct walk w = {.base = base, .keys = hash_keys, .to = to};

	/* Ethernet stands first in the table. */
	for (size_t i = 0; i < COUNT_OF(links); i++) {
		if (links[i].link == link) {
			links[i].walk(
				&w, (struct span){base->frame, base->captured, base->wire_len});
			counts->malformed += w.malformed;
			return true;
		}
	}
	return false;
}

void frame_dissect_datagram(const struct packet *base, const uint8_t *bytes, uint32_t len,
	const uint64_t hash_keys[HASH_KEYS], struct packet_counts *counts, struct packet_list *to)
{
	struct walk w = {.base = base,
		.macs = base->macs,
		.depth = base->depth,
		.keys = hash_keys,
		.to = to};
	struct packet *p = next_packet(&w);
	struct span s = {bytes, len, len};

	p->source = base->source;
	p->destination = base->destination;
	p->address_len = base->address_len;
	p->transport = base->transport;
	if (p->address_len == 16)
		walk_extensions(&w, p, s);
	else
		walk_transport(&w, p, s);
	counts->malformed += w.malformed;
}
