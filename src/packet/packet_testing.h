/* SPDX-License-Identifier: MPL-2.0 */
/*
 * For tests: frames and capture files built in memory, and a sink that writes every record down as
 * a line of text, so that two ways of reading are compared by comparing two texts.
 */
#ifndef PACKET_TESTING_H
#define PACKET_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "inside.h"

/* ---- frames ---------------------------------------------------------------------------------- */

#define FRAME_ROOM 70000

/* A frame is built from the inside: payload first, then each header is put before it. */
struct frame {
	uint8_t room[FRAME_ROOM];
	size_t at; /* where it begins */
};

static inline struct slice frame_slice(const struct frame *f)
{
	return (struct slice){(const char *)f->room + f->at, FRAME_ROOM - f->at};
}
void frame_begin(struct frame *f, struct slice payload);
uint8_t *frame_header(struct frame *f, size_t len); /* zeroed, put before what is there */

struct ends {
	const char *source, *destination; /* addresses as text, both IPv4 or both IPv6 */
	uint16_t source_port, destination_port;
};
/* The same, seen from the other end. */
static inline struct ends ends_back(struct ends e)
{
	return (struct ends){e.destination, e.source, e.destination_port, e.source_port};
}

void frame_add_ethernet(struct frame *f, uint16_t type);
void frame_add_vlan(
	struct frame *f, uint16_t type); /* before the Ethernet header; then type 0x8100 */
void frame_add_ip(struct frame *f, const struct ends *e, uint8_t transport);
/* A piece of an IP datagram; offset in bytes. */
void frame_add_fragment(struct frame *f, const struct ends *e, uint8_t transport, uint32_t id,
	uint32_t offset, bool more);
void frame_add_udp(struct frame *f, const struct ends *e);
void frame_add_tcp(struct frame *f, const struct ends *e, uint8_t flags, uint32_t sequence,
	uint32_t acknowledged);
uint16_t frame_ip_type(const struct ends *e); /* 0x0800 or 0x86dd */

/* Whole Ethernet frames. */
void frame_udp(struct frame *f, const struct ends *e, struct slice payload);
void frame_tcp(struct frame *f, const struct ends *e, uint8_t flags, uint32_t sequence,
	uint32_t acknowledged, struct slice payload);

/* ---- capture files --------------------------------------------------------------------------- */

struct capture_builder {
	struct buf out;
	bool swapped, nanoseconds, patched;
};

/* EVENT_PADDING bytes stand before the file; builder_file leaves them out. */
void builder_begin(struct capture_builder *b);
struct slice builder_file(struct capture_builder *b); /* with padding behind it too */
void builder_fini(struct capture_builder *b);
void builder_u16(struct capture_builder *b, uint16_t value);
void builder_u32(struct capture_builder *b, uint32_t value);
void builder_pcap(struct capture_builder *b, uint32_t link);
void builder_pcap_frame(
	struct capture_builder *b, int64_t time_us, struct slice frame, uint32_t wire_len);
void builder_section(struct capture_builder *b);
/* resolution: if_tsresol, or -1 for none; offset_s: if_tsoffset, or 0 for none */
void builder_interface(
	struct capture_builder *b, uint16_t link, uint32_t snap, int resolution, int64_t offset_s);
void builder_enhanced(struct capture_builder *b, uint32_t interface, uint64_t units,
	struct slice frame, uint32_t wire_len);
void builder_obsolete(struct capture_builder *b, uint16_t interface, uint64_t units,
	struct slice frame, uint32_t wire_len);
void builder_simple(struct capture_builder *b, struct slice frame, uint32_t wire_len);
void builder_block(struct capture_builder *b, uint32_t type, struct slice body);

/* ---- what comes out -------------------------------------------------------------------------- */

/* "frame time role=value role=value\n" for every record; addresses as text, digests as hex. */
struct told {
	struct buf text;
	size_t records, batches;
	size_t stop_after; /* batches; 0: never */
	bool detail;       /* also what detail() says: " | role=value ..." */
};
struct batch_sink told_sink(struct told *t);
void told_fini(struct told *t);
/* How often `what` stands in the text. */
size_t told_count(const struct told *t, const char *what);

struct packet_reader *reader_for(uint64_t roles, bool plant, struct told *t);
/* The whole file in pieces of `piece` bytes (0: at once); what it returned last. */
enum err_kind reader_read(struct packet_reader *r, struct slice file, size_t piece, struct err *e);

#endif
