/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Between the files of this folder: what a dissected packet is, and which steps it goes through.
 *
 *   capture.c, live.c -> reader_push -> frame.c (headers) -> queue of packets
 *   queue -> reader_drain -> seen.c (conversations), fragment.c, flow.c (TCP) -> content.c -> app,
 * plant every record and field -> out.c -> the sink
 *
 * Packets wait in a short queue between the two halves so that the table slots they need are on
 * their way from memory before they are looked at: a miss costs more than all the parsing.
 */
#ifndef INSIDE_H
#define INSIDE_H

#include "app.h"
#include "packet.h"

__extension__ typedef unsigned __int128 wide; /* gcc and clang on 64 bits have it */

/* ---- a packet as far as its headers tell ----------------------------------------------------- */

enum packet_what {
	PACKET_PLAIN,    /* addresses, and perhaps ports and a payload */
	PACKET_FRAGMENT, /* payload is a piece of a datagram */
	PACKET_OUTER,    /* of a tunnel: addresses only, the inner packet follows */
	PACKET_ARP,
	PACKET_GOOSE /* no addresses but the two of the link */
};

#define TRANSPORT_ICMP   1
#define TRANSPORT_TCP    6
#define TRANSPORT_UDP    17
#define TRANSPORT_ICMPV6 58

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* Everything is borrowed from the frame (or, after reassembly, from the datagram). */
struct packet {
	const uint8_t *frame;
	uint32_t captured, wire_len;
	uint64_t number, offset; /* frame number, and where its record began in the file */
	int64_t time_us;
	uint32_t seconds;                    /* packet time for time-outs: the last one known */
	const uint8_t *macs;                 /* destination then source; NULL: not Ethernet */
	const uint8_t *source, *destination; /* addresses; NULL: none */
	const uint8_t *payload;
	uint32_t payload_len;  /* captured */
	uint32_t payload_wire; /* as the headers say, never below payload_len */
	uint8_t what;          /* enum packet_what */
	uint8_t address_len;   /* 0, 4, 16 */
	uint8_t transport;     /* IP protocol number */
	uint8_t tcp_flags;
	uint8_t depth;  /* tunnels it came through */
	uint8_t sender; /* 0: the client of key sent it, 1: the server */
	bool ports;     /* the two ports were there */
	bool fragment_more;
	uint16_t source_port, destination_port;
	uint32_t sequence,
		acknowledged; /* TCP; of a fragment: its identification, its byte offset */
	/*
	 * Both directions of a connection have the same key. Its client is the end with the higher
	 * port (then the higher address): which end really opened it is decided in flow.c.
	 *   0, 1  client's address, 2, 3 server's (IPv4 in the low half of the first)
	 *   4     server's port | transport << 16 | address_len << 24 | client's port << 32
	 */
	uint64_t key[5];
	uint64_t hash_conversation; /* of key without the client's port */
	uint64_t hash_flow;         /* of all of it */
};

#define KEY_WORDS 5
#define HASH_KEYS                                                                                  \
	11 /* 1 constant, 8 halves of addresses, 1 for port and protocol, 1 for the client's port  \
	    */
#define TUNNELS_MAX 4 /* around each other; real networks have two */
#define QUEUE_PACKETS                                                                              \
	32 /* long enough to hide a miss, short enough to stay in the first cache level */

/* Packets of one capture may go back a little; far back is another capture, and as good as old. */
static inline uint32_t seconds_apart(uint32_t a, uint32_t b)
{
	uint32_t forth = a - b, back = b - a;

	return forth < back ? forth : back;
}

struct packet_list {
	struct packet *items;
	unsigned count, max;
};

/* ---- out.c ----------------------------------------------------------------------------------- */

#define OUT_BYTES     KIB(256) /* of values in a batch: four of the longest, or 128 usual records */
#define OUT_HEAD_ROOM 512      /* bytes a record's own fields may take */

/* What detail() knows beyond a record's fields; the opener is the source. */
struct packet_about {
	uint8_t source[16], destination[16];
	uint8_t address_len, transport, what;
	bool ports, macs;
	uint16_t source_port, destination_port;
	uint8_t mac_source[6], mac_destination[6];
};

struct flow;
struct packet_out {
	struct batch_sink sink;
	uint64_t roles;
	bool stopped;
	/* The packet at hand (NULL: none, as in tests of the content side), and whether its sender
	 * is the end that was asked, so that source and destination change places. */
	const struct packet *packet;
	bool reversed;
	uint32_t flow;
	/* Without a packet, at the end of a capture: whose connection is handed over (NULL: nobody's),
	 * and the last frame there was. */
	const struct flow *ended;
	uint64_t last_number;
	int64_t last_time_us;
	/* The record that was begun: again when a batch is full in the middle of it. */
	struct record record;
	struct packet_about record_about;
	size_t record_fields, record_values; /* where its fields and their bytes begin */
	size_t values_len;
	char *values; /* EVENT_PADDING, OUT_BYTES, EVENT_PADDING */
	struct packet_counts *counts;
	struct column columns[2 * EVENT_ROLES]; /* 2 * role + binary */
	struct packet_about about[BATCH_RECORDS];
	struct batch batch;
};

/* roles: what packet_out_wants answers. counts may be NULL. NULL: out of memory. */
struct packet_out *packet_out_new(
	uint64_t roles, struct batch_sink sink, struct packet_counts *counts) MUST_USE;
void packet_out_free(struct packet_out *o);
/* False: the sink stopped. */
bool packet_out_flush(struct packet_out *o);
/* A record about the packet's ends only, with the link's addresses. */
void packet_out_conversation(struct packet_out *o);

/* ---- seen.c: which conversations were reported a moment ago ---------------------------------- */

/*
 * 8 ways of a tag of 32 bits and a time in seconds: a bucket is a cache line. The hash is keyed, so
 * that two conversations are taken for one in 1 of 2^29 looks, and nobody can arrange it.
 */
#define SEEN_WAYS 8
struct seen_bucket {
	uint32_t tags[SEEN_WAYS]; /* 0: free */
	uint32_t seconds[SEEN_WAYS];
};
struct seen {
	struct seen_bucket *buckets;
	uint64_t mask;
};
bool seen_init(struct seen *s, uint32_t entries); /* false: out of memory */
void seen_fini(struct seen *s);
static inline void seen_prefetch(const struct seen *s, uint64_t hash)
{
	__builtin_prefetch(&s->buckets[(hash >> 32) & s->mask], 1);
}
/* True: not reported for PACKET_AGAIN_SECONDS; it is noted as reported now. */
bool seen_first(struct seen *s, uint64_t hash, uint32_t now_seconds);

/* ---- table.c: from a keyed hash to an entry's number ----------------------------------------- */

/* Open addressing at a quarter full: a look is one cache line nearly always. */
struct table_slot {
	uint32_t tag;
	uint32_t entry; /* number + 1; 0: free */
};
struct table {
	struct table_slot *slots;
	uint32_t mask;
};
bool table_init(struct table *t, uint32_t entries_max);
void table_fini(struct table *t);
static inline void table_prefetch(const struct table *t, uint64_t hash)
{
	__builtin_prefetch(&t->slots[(uint32_t)hash & t->mask]);
}
#define TABLE_NONE UINT32_MAX
/* The first candidate with this tag, without comparing keys; for prefetching. */
uint32_t table_peek(const struct table *t, uint64_t hash);
/* Walk the candidates: *at starts as table_start, TABLE_NONE ends. */
static inline uint32_t table_start(const struct table *t, uint64_t hash)
{
	return (uint32_t)hash & t->mask;
}
static inline uint32_t table_next(const struct table *t, uint64_t hash, uint32_t *at)
{
	for (;;) {
		const struct table_slot *s = &t->slots[*at];

		*at = (*at + 1) & t->mask;
		if (s->entry == 0)
			return TABLE_NONE;
		if (s->tag == (uint32_t)hash)
			return s->entry - 1;
	}
}
/* The caller keeps to entries_max. */
void table_add(struct table *t, uint64_t hash, uint32_t entry);
void table_remove(struct table *t, uint32_t tag, uint32_t entry);

/* ---- frame.c --------------------------------------------------------------------------------- */

struct packet_reader;

/* The packets of one frame (`base` holds number, time, bytes and lengths) appended to `to`, which
 * has room for TUNNELS_MAX + 1. False: the link type is not known. */
bool frame_dissect(unsigned link, const struct packet *base, const uint64_t hash_keys[HASH_KEYS],
	struct packet_counts *counts, struct packet_list *to);
/* The same for the payload of an IP datagram that was put together; addresses are those of base. */
void frame_dissect_datagram(const struct packet *base, const uint8_t *bytes, uint32_t len,
	const uint64_t hash_keys[HASH_KEYS], struct packet_counts *counts, struct packet_list *to);

/* ---- fragment.c ------------------------------------------------------------------------------ */

struct fragments;
/* held_max: bytes of all pieces together. */
struct fragments *fragments_new(
	const uint8_t key[16], size_t held_max, struct packet_counts *counts) MUST_USE;
void fragments_free(struct fragments *f);
/* Adds one piece. True: the datagram is whole; *ret_bytes is lent until the next call,
 * *ret_transport is what the first piece names. */
bool fragments_add(struct fragments *f, const struct packet *p, struct slice *ret_bytes,
	uint8_t *ret_transport);
uint32_t fragments_count(const struct fragments *f);
size_t fragments_bytes(const struct fragments *f);

/* ---- flow.c, segment.c ----------------------------------------------------------------------- */

struct extents;

struct flow_side {
	uint32_t next;    /* sequence number of the next byte to hand over */
	uint32_t fin;     /* where the direction ends, when SIDE_FIN */
	uint32_t suspect; /* where bytes far from `next` would go on, when SIDE_SUSPECT */
	uint32_t flags;
	struct extents *held; /* what came too early */
};
#define SIDE_SYNCED  1U /* `next` is known */
#define SIDE_FIN     2U
#define SIDE_ENDED   4U
#define SIDE_SUSPECT 8U
#define SIDE_RENEWED 16U /* suspect is of a SYN: what follows it is another connection */

/* One TCP connection; 128 bytes. */
struct flow {
	uint64_t key[KEY_WORDS];
	uint32_t tag;          /* in the table */
	uint32_t newer, older; /* in its list by last use */
	uint32_t moved;        /* tick of the last move to the list's head */
	uint32_t id;           /* told as record.flow */
	uint8_t state;         /* enum flow_state */
	uint8_t opener;        /* which side opened it */
	uint8_t list;          /* 0: cheap to lose, 1: being followed */
	uint32_t reported;     /* seconds: when it made a record of the conversation */
	struct flow_side sides[2];
	void *content; /* of the consumer */
};
enum flow_state {
	FLOW_NEW, /* no payload yet */
	FLOW_FOLLOWED,
	FLOW_IGNORED, /* nothing more of interest */
	FLOW_CLOSED
};

/* Who gets the ordered bytes: content.c, or a test. direction 0 is from the opener. */
struct flow_consumer {
	/* False: nothing more is wanted of this connection. */
	bool (*bytes)(void *context, struct flow *f, unsigned direction, struct slice bytes);
	void (*gap)(void *context, struct flow *f, unsigned direction, uint64_t bytes);
	void (*end)(void *context, struct flow *f, unsigned direction);
	/* Free f->content; it is set NULL afterwards. */
	void (*forget)(void *context, struct flow *f);
	void *context;
};

struct flows;
/* held_max: bytes of all that waits for missing ones. */
struct flows *flows_new(uint32_t flows_max, size_t held_max, const struct flow_consumer *consumer,
	struct packet_counts *counts) MUST_USE;
void flows_free(struct flows *t); /* ends nothing, forgets everything */
/* What waits is handed over with gaps, every direction ends. */
void flows_end(struct flows *t);
void flows_prefetch(const struct flows *t, uint64_t hash);  /* the table's slot */
void flows_prefetch2(const struct flows *t, uint64_t hash); /* the flow itself */
/* NULL: not followed (no payload and no SYN). */
struct flow *flows_find(struct flows *t, const struct packet *p);
/* Is the packet's sender the end that opened the connection? */
static inline bool flow_from_opener(const struct flow *f, const struct packet *p)
{
	return f->opener == p->sender;
}
/* SYN, data, FIN, RST, acknowledgement: everything the packet says. */
void flows_packet(struct flows *t, struct flow *f, const struct packet *p);
uint32_t flows_count(const struct flows *t);
size_t flows_bytes(const struct flows *t); /* held */

/* segment.c: bytes that came too early, in order, without overlap (the first bytes to come win) */
struct extents *extents_new(size_t *held, size_t held_max) MUST_USE;
void extents_free(struct extents *x, size_t *held);
bool extents_empty(const struct extents *x);
size_t extents_bytes(const struct extents *x); /* memory taken */
/* *ret_overlap is set when bytes were there already. False: a limit; not all was added. */
bool extents_add(struct extents *x, uint32_t sequence, struct slice bytes, size_t *held,
	size_t held_max, bool *ret_overlap);
/* First extent; *ret_sequence is its first byte. False: none. */
bool extents_first(const struct extents *x, uint32_t *ret_sequence, struct slice *ret_bytes);
void extents_drop_first(struct extents *x, size_t *held);

/* ---- content.c ------------------------------------------------------------------------------- */

struct content_table;
/* Which content roles lead to which work. */
bool content_wants_streams(uint64_t roles);
bool content_wants_dns(uint64_t roles);
/* Roles that are of no use to an index but belong to a record when others are wanted. */
uint64_t content_roles(uint64_t roles, bool plant);
struct content_table *content_new(struct packet_reader *r) MUST_USE;
void content_free(struct content_table *c);
const struct flow_consumer *content_consumer(struct content_table *c);
void content_datagram(struct content_table *c, const struct packet *p);
void content_goose(struct content_table *c, const struct packet *p);

/* ---- capture.c ------------------------------------------------------------------------------- */

struct capture_interface {
	uint16_t link;
	bool binary;         /* resolution is a power of two */
	uint8_t exponent;    /* of the resolution: 6 is microseconds */
	uint32_t snap;       /* 0: none */
	uint64_t per_second; /* units of a time stamp */
	int64_t offset_s;
};
enum capture_format { CAPTURE_UNKNOWN, CAPTURE_PCAP, CAPTURE_PCAPNG };
struct capture {
	uint8_t format; /* enum capture_format */
	bool swapped;   /* not the byte order of this machine */
	bool broken;    /* an error was returned */
	bool nanoseconds;
	uint8_t record_header; /* pcap: 16, or 24 of a patched libpcap */
	uint64_t offset;       /* of the next byte */
	uint64_t skip;         /* bytes of an uninteresting block still to come */
	uint64_t number;       /* of the last frame */
	struct capture_interface *interfaces;
	uint32_t interfaces_count, interfaces_capacity;
};
void capture_reset(struct capture *c);
void capture_fini(struct capture *c);

/* ---- packet.c -------------------------------------------------------------------------------- */

struct packet_reader {
	struct packet_options options;
	uint64_t roles; /* options.roles and what belongs to them */
	struct packet_counts counts;
	struct packet_out *out;
	struct capture capture;
	struct seen seen;
	struct fragments *fragments;
	struct flows *flows; /* NULL: no content of streams wanted */
	struct content_table *content;
	bool conversations, dns;
	uint32_t now_seconds; /* of the last packet that had a time */
	uint64_t hash_keys[HASH_KEYS];
	struct packet_list queue;
	struct packet items[QUEUE_PACKETS + TUNNELS_MAX + 1];
};

/* Take a frame apart and queue it; its bytes stay readable until reader_drain. base: frame,
 * lengths, number, offset and time. */
void reader_push(struct packet_reader *r, unsigned link, struct packet *base);
/* Handle what is queued. False: the sink stopped. */
bool reader_drain(struct packet_reader *r);

#endif
