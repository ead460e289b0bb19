/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Packets: capture files, live interfaces, and what is inside them, as batches of fields. Only ever
 * receives. Every table has a stated limit; what is shed is counted.
 *
 * What becomes a record
 *   1. The first packet of a conversation: both addresses (ports, transport, MAC addresses), with
 *      that packet's frame number and time. A conversation is a pair of addresses, a transport and
 *      the lower of the two ports, so a client's hundredth connection to the same service is none
 *      of its own. Its further packets cost no record, until PACKET_AGAIN_SECONDS of packet time
 *      later the next one makes a record again. The outer addresses of a tunnel (IP in IP, GRE,
 *      VXLAN) and both addresses of an ARP packet are conversations as well.
 *   2. Each content message: a DNS message, an HTTP request or response, a TLS hello, a
 *      certificate, a mail, a file. It carries the frame that completed it, and the connection's
 *      addresses.
 *   3. Each plant message, when `plant` is set, likewise.
 * The source is who opened the connection: the sender of the SYN, else the end with the higher
 * port, else the sender. batch.detail tells ports, transport and MAC addresses of every record,
 * whether asked for or not.
 *
 * What is believed: checksums are not looked at (the network card of the capturing machine often
 * fills them in later); where two segments or IPv4 fragments overlap, the bytes that came first
 * win; IPv6 datagrams with overlapping fragments are dropped (RFC 5722). VLANs do not tell
 * connections apart. An attacker who controls an end can use each of these to show a sensor
 * something else than the other end sees.
 */
#ifndef PACKET_H
#define PACKET_H

#include "base/base.h"
#include "event/event.h"
#include "plant/plant.h"

#define PACKET_FRAME_MAX     KIB(256) /* bytes; jumbo frames and offloaded segments fit */
#define PACKET_FLOWS_MAX     65536    /* TCP connections followed at once; the oldest idle goes */
#define PACKET_BUFFERED_MAX  MIB(64)  /* bytes held for reassembly, all connections together */
#define PACKET_STREAM_MAX    MIB(1)   /* bytes held for one direction of one connection */
#define PACKET_FRAGMENTS_MAX 4096     /* IP datagrams in pieces at once */
/* Holes in one direction at once; with more the first is given up. */
#define PACKET_EXTENTS_MAX      64
#define PACKET_AGAIN_SECONDS    300   /* packet time until a conversation makes a record again */
#define PACKET_SEEN_MAX         65536 /* conversations remembered as reported */
#define PACKET_FRAGMENT_SECONDS 30    /* packet time to complete a datagram; Linux waits as long */
/* Of one pcapng section; mergecap writes one per input file. */
#define PACKET_INTERFACES_MAX 65536
#define PACKET_BODY_MAX       (UINT64_C(1) << 30) /* bytes of an HTTP body that are hashed */

struct packet_options {
	uint64_t roles;            /* fields wanted in the fast path */
	bool plant;                /* decode operational technology */
	uint32_t flows_max;        /* 0: PACKET_FLOWS_MAX */
	size_t buffered_max;       /* 0: PACKET_BUFFERED_MAX */
	const struct world *world; /* for the key of the flow table */
};

struct packet_counts {
	uint64_t frames, bytes, records;
	uint64_t cut;       /* captured shorter than they were */
	uint64_t malformed; /* headers that contradict the length */
	uint64_t unknown_link;
	uint64_t fragments_dropped; /* datagrams in pieces that were given up */
	uint64_t flows_dropped;     /* connections forgotten for a newer one */
	uint64_t segments_dropped;  /* TCP segments that fit nowhere or found no room */
	uint64_t gaps;              /* places where a stream went on without missing bytes */
	uint64_t overlaps;          /* segments and fragments that brought bytes once more */
	uint64_t fields_dropped;    /* longer than FIELD_BYTES_MAX */
	uint64_t kernel_dropped;    /* live capture */
	uint64_t messages[PLANT_PROTOCOLS];
};

struct packet_reader;
enum err_kind packet_reader_new(const struct packet_options *options, struct batch_sink sink,
	struct packet_reader **ret_reader, struct err *e) MUST_USE;
void packet_reader_free(struct packet_reader *r);
void packet_counts(const struct packet_reader *r, struct packet_counts *ret_counts);

/* Does it start like a capture file (pcap of either byte order, micro- or nanoseconds; pcapng)? */
bool packet_is_capture(struct slice head);
/*
 * Bytes of one capture file. Complete records are read, *ret_taken says how many bytes (the rest is
 * fed again, with more behind it). EVENT_PADDING bytes before and behind must be readable.
 * ERR_PARSE: the file's own structure is broken, with the offset; everything before counted.
 */
enum err_kind packet_feed(struct packet_reader *r, struct slice bytes, bool last, size_t *ret_taken,
	struct err *e) MUST_USE;
/* Another file follows: frame numbers start again, connections are kept. */
void packet_next_file(struct packet_reader *r);
/* One frame from anywhere; link: LINKTYPE_ number of the tcpdump registry. False: the sink stopped.
 */
bool packet_frame(struct packet_reader *r, unsigned link, int64_t time_us, struct slice captured,
	uint32_t wire_len);
/* The capture is over: what waits in connections is handed over with its gaps, directions end (a
 * body without a length is complete). packet_feed with `last` does not do that, because the next
 * file may go on with the same connections. False: the sink stopped. */
bool packet_end(struct packet_reader *r);
/* Hand over what is still gathered (end of a file, a quiet moment). False: the sink stopped. */
bool packet_flush(struct packet_reader *r);

/* ---- live ------------------------------------------------------------------------------------ */

#define PACKET_RING_BYTES MIB(64) /* of kernel ring; what does not fit is counted as dropped */

struct packet_live;
/* AF_PACKET with TPACKET_V3, else libpcap. Opens promiscuous, never sends. ERR_DENIED says which
 * capability is missing. */
enum err_kind packet_live_open(
	const char *interface, struct packet_live **ret_live, struct err *e) MUST_USE;
/* Readable when packets wait. */
int packet_live_descriptor(const struct packet_live *l);
/* Feed what waits to the reader, at most `frames_max`. False: the sink stopped, or the interface is
 * gone. */
bool packet_live_take(
	struct packet_live *l, struct packet_reader *r, uint32_t frames_max, struct err *e);
void packet_live_free(struct packet_live *l);

#endif
