/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Capture files, as they come in pieces: pcap of both byte orders with micro- or nanoseconds, and
 * pcapng with any number of sections and interfaces. Frames are handed on where they lie.
 *
 * pcap (draft-ietf-opsawg-pcap)           pcapng block (draft-ietf-opsawg-pcapng)
 *   0  4  magic, says the byte order        0  4  type
 *   4  4  version 2.x                       4  4  total length, a multiple of 4
 *   8  8  not used                          8  n  body, options at its end
 *  16  4  longest frame                  8+n   4  total length again
 *  20  4  link type in the low 16 bits
 *  then records: seconds, fraction, captured length, length on the wire
 */
#include <stdlib.h>

#include "inside.h"

#define PCAP_HEADER  24
#define PCAP_RECORD  16
#define PCAP_PATCHED 24 /* Kuznetsov's: interface, protocol, packet type behind the four */
#define BLOCK_LEAST  12
/* Of those that are read: a frame and its options */
#define BLOCK_MAX        (PACKET_FRAME_MAX + KIB(64))
#define BLOCK_SECTION    0x0a0d0d0aU
#define BLOCK_INTERFACE  1U
#define BLOCK_PACKET     2U /* obsolete */
#define BLOCK_SIMPLE     3U
#define BLOCK_ENHANCED   6U
#define BYTE_ORDER_MAGIC 0x1a2b3c4dU
#define OPTION_END       0
#define OPTION_TSRESOL   9
#define OPTION_TSOFFSET  14
#define SECONDS_MAX      INT64_C(253402300799) /* year 9999; later ones are nonsense */

static const struct {
	uint32_t magic;
	bool nanoseconds;
	uint8_t record_header;
} pcap_kinds[] = {
	{0xa1b2c3d4, false, PCAP_RECORD },
	{0xa1b23c4d, true,  PCAP_RECORD },
	{0xa1b2cd34, false, PCAP_PATCHED},
};

void capture_reset(struct capture *c)
{
	c->interfaces_count = 0;
	c->format = CAPTURE_UNKNOWN;
	c->swapped = c->broken = c->nanoseconds = false;
	c->offset = c->skip = c->number = 0;
}

void capture_fini(struct capture *c)
{
	free(c->interfaces);
	c->interfaces = NULL;
}

static inline uint16_t load16(const struct capture *c, const uint8_t *p)
{
	uint16_t value;

	memcpy(&value, p, 2);
	return c->swapped ? __builtin_bswap16(value) : value;
}

static inline uint32_t load32(const struct capture *c, const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, 4);
	return c->swapped ? __builtin_bswap32(value) : value;
}

static bool pcap_kind(uint32_t magic, struct capture *ret_capture)
{
	for (size_t i = 0; i < COUNT_OF(pcap_kinds); i++) {
		bool swapped = pcap_kinds[i].magic == __builtin_bswap32(magic);

		if (!swapped && pcap_kinds[i].magic != magic)
			continue;
		ret_capture->format = CAPTURE_PCAP;
		ret_capture->swapped = swapped;
		ret_capture->nanoseconds = pcap_kinds[i].nanoseconds;
		ret_capture->record_header = pcap_kinds[i].record_header;
		return true;
	}
	return false;
}

static bool is_byte_order_magic(uint32_t value)
{
	return value == BYTE_ORDER_MAGIC || value == __builtin_bswap32(BYTE_ORDER_MAGIC);
}

bool packet_is_capture(struct slice head)
{
	struct capture c = {0};
	uint32_t magic, order;

	if (head.len < 4)
		return false;
	memcpy(&magic, head.data, 4);
	if (pcap_kind(magic, &c))
		return true;
	/* The type of a section reads the same in both orders. */
	if (magic != BLOCK_SECTION || head.len < 12)
		return false;
	memcpy(&order, head.data + 8, 4);
	return is_byte_order_magic(order);
}

/* ---- pcap ------------------------------------------------------------------------------------ */

/* A part of the file that is at hand. */
struct view {
	const uint8_t *p;
	size_t len, at;
};

enum step { STEP_ON, STEP_MORE, STEP_STOPPED, STEP_BROKEN };

static enum step broken(
	struct packet_reader *r, size_t at, struct err *e, const char *what, uint64_t value)
{
	err_set(e, ERR_PARSE, "capture: %s %llu at offset %llu", what, (unsigned long long)value,
		(unsigned long long)(r->capture.offset + at));
	return STEP_BROKEN;
}

static enum step pcap_open(struct packet_reader *r, struct view *v, struct err *e)
{
	struct capture *c = &r->capture;
	struct capture_interface *i;

	if (v->len - v->at < PCAP_HEADER)
		return STEP_MORE;
	if (load16(c, v->p + v->at + 4) != 2)
		return broken(r, v->at, e, "pcap of version", load16(c, v->p + v->at + 4));
	i = realloc(c->interfaces, sizeof(*i));
	if (i == NULL) {
		err_set(e, ERR_NOMEM, "capture: out of memory");
		return STEP_BROKEN;
	}
	c->interfaces = i;
	c->interfaces_capacity = c->interfaces_count = 1;
	*i = (struct capture_interface){.link = (uint16_t)load32(c, v->p + v->at + 20)};
	v->at += PCAP_HEADER;
	return STEP_ON;
}

/* All complete records. */
static enum step pcap_records(struct packet_reader *r, struct view *v, struct err *e)
{
	struct capture *c = &r->capture;
	uint32_t header = c->record_header;
	unsigned link = c->interfaces[0].link;
	struct packet base = {0};

	while (v->len - v->at >= header) {
		const uint8_t *p = v->p + v->at;
		uint32_t captured = load32(c, p + 8);
		uint32_t fraction = load32(c, p + 4);

		if (captured > PACKET_FRAME_MAX)
			return broken(r, v->at, e, "frame of bytes:", captured);
		if (v->len - v->at - header < captured)
			return STEP_MORE;
		/* The next record's headers: their place is known only now. Behind the end it is
		 * harmless. */
		__builtin_prefetch(p + header + captured);
		__builtin_prefetch(p + header + captured + 64);
		base.frame = p + header;
		base.captured = captured;
		base.wire_len = load32(c, p + 12);
		base.number = ++c->number;
		base.offset = c->offset + v->at;
		base.time_us = (int64_t)load32(c, p) * US_PER_SECOND +
			       (c->nanoseconds ? fraction / 1000 : fraction);
		reader_push(r, link, &base);
		v->at += header + captured;
		if (r->out->stopped)
			return STEP_STOPPED;
	}
	return STEP_MORE;
}

/* ---- pcapng ---------------------------------------------------------------------------------- */

static int64_t interface_time(const struct capture_interface *i, uint64_t units)
{
	uint64_t seconds = units / i->per_second, rest = units % i->per_second;
	int64_t all;

	if (seconds > (uint64_t)SECONDS_MAX ||
		__builtin_add_overflow((int64_t)seconds, i->offset_s, &all) || all > SECONDS_MAX ||
		all < -SECONDS_MAX)
		return TIME_UNKNOWN;
	return all * US_PER_SECOND +
	       (int64_t)((wide)rest * (uint64_t)US_PER_SECOND / i->per_second);
}

/* if_tsresol: a power of ten, or of two when the highest bit is set. */
static bool interface_resolution(struct capture_interface *i, uint8_t value)
{
	unsigned exponent = value & 0x7f;

	if ((value & 0x80) != 0) {
		if (exponent > 63)
			return false;
		i->per_second = UINT64_C(1) << exponent;
		return true;
	}
	if (exponent > 19)
		return false;
	for (i->per_second = 1; exponent > 0; exponent--)
		i->per_second *= 10;
	return true;
}

static enum step block_interface(
	struct packet_reader *r, size_t at, const uint8_t *p, uint32_t len, struct err *e)
{
	struct capture *c = &r->capture;
	struct capture_interface i = {.per_second = (uint64_t)US_PER_SECOND};

	if (len < 8)
		return broken(r, at, e, "interface block of bytes:", len);
	i.link = load16(c, p);
	i.snap = load32(c, p + 4);
	p += 8;
	len -= 8;
	while (len >= 4) {
		uint16_t code = load16(c, p);
		uint32_t size = load16(c, p + 2), padded = (size + 3) & ~3U;

		if (code == OPTION_END)
			break;
		if (padded > len - 4)
			return broken(r, at, e, "interface option of bytes:", size);
		if (code == OPTION_TSRESOL && size == 1 && !interface_resolution(&i, p[4]))
			return broken(r, at, e, "interface with time resolution", p[4]);
		if (code == OPTION_TSOFFSET && size == 8) {
			bool big = c->swapped == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
			uint64_t low = load32(c, p + (big ? 8 : 4));
			uint64_t high = load32(c, p + (big ? 4 : 8));

			i.offset_s = (int64_t)(high << 32 | low);
		}
		p += 4 + padded;
		len -= 4 + padded;
	}
	if (c->interfaces_count == PACKET_INTERFACES_MAX) {
		err_set(e, ERR_LIMIT, "capture: more than %u interfaces in one section",
			PACKET_INTERFACES_MAX);
		return STEP_BROKEN;
	}
	if (c->interfaces_count == c->interfaces_capacity) {
		uint32_t capacity = c->interfaces_capacity == 0 ? 8 : 2 * c->interfaces_capacity;
		struct capture_interface *more = realloc(c->interfaces, capacity * sizeof(*more));

		if (more == NULL) {
			err_set(e, ERR_NOMEM, "capture: out of memory");
			return STEP_BROKEN;
		}
		c->interfaces = more;
		c->interfaces_capacity = capacity;
	}
	c->interfaces[c->interfaces_count++] = i;
	return STEP_ON;
}

/* Where the parts of a packet block lie; the obsolete one has 16 bits for the interface and counts
 * drops. */
static enum step block_packet(struct packet_reader *r, size_t at, uint32_t type, const uint8_t *p,
	uint32_t len, struct err *e)
{
	struct capture *c = &r->capture;
	uint32_t header = type == BLOCK_SIMPLE ? 4 : 20;
	uint32_t interface = 0;
	struct packet base = {
		.number = c->number + 1, .offset = c->offset + at, .time_us = TIME_UNKNOWN};
	const struct capture_interface *i;

	if (len < header)
		return broken(r, at, e, "packet block of bytes:", len);
	if (type == BLOCK_ENHANCED)
		interface = load32(c, p);
	else if (type == BLOCK_PACKET)
		interface = load16(c, p);
	if (interface >= c->interfaces_count)
		return broken(r, at, e, "packet of unknown interface", interface);
	i = &c->interfaces[interface];
	if (type == BLOCK_SIMPLE) {
		base.wire_len = load32(c, p);
		base.captured = base.wire_len;
		if (i->snap != 0 && base.captured > i->snap)
			base.captured = i->snap;
		/* A writer may have cut it without saying so in the interface block. */
		if (base.captured > len - header)
			base.captured = len - header;
	} else {
		base.time_us =
			interface_time(i, (uint64_t)load32(c, p + 4) << 32 | load32(c, p + 8));
		base.captured = load32(c, p + 12);
		base.wire_len = load32(c, p + 16);
	}
	if (base.captured > len - header || base.captured > PACKET_FRAME_MAX)
		return broken(r, at, e, "frame of bytes:", base.captured);
	base.frame = p + header;
	c->number++;
	reader_push(r, i->link, &base);
	return r->out->stopped ? STEP_STOPPED : STEP_ON;
}

/* The byte order of a section is only known behind its length. */
static enum step block_section(struct packet_reader *r, struct view *v, struct err *e)
{
	struct capture *c = &r->capture;
	uint32_t order;

	if (v->len - v->at < 16)
		return STEP_MORE;
	memcpy(&order, v->p + v->at + 8, 4);
	if (!is_byte_order_magic(order))
		return broken(r, v->at, e, "section with byte order", order);
	c->swapped = order != BYTE_ORDER_MAGIC;
	if (load16(c, v->p + v->at + 12) != 1)
		return broken(r, v->at, e, "pcapng of version", load16(c, v->p + v->at + 12));
	c->interfaces_count = 0;
	return STEP_ON;
}

static enum step pcapng_block(struct packet_reader *r, struct view *v, struct err *e)
{
	struct capture *c = &r->capture;
	uint32_t type, total;
	enum step step = STEP_ON;
	const uint8_t *p = v->p + v->at;

	if (v->len - v->at < 8)
		return STEP_MORE;
	type = load32(c, p);
	if (type == BLOCK_SECTION) {
		step = block_section(r, v, e);
		if (step != STEP_ON)
			return step;
	}
	total = load32(c, p + 4);
	if (total < BLOCK_LEAST || total % 4 != 0 || (type == BLOCK_SECTION && total < 28))
		return broken(r, v->at, e, "block of bytes:", total);
	if (type != BLOCK_INTERFACE && type != BLOCK_PACKET && type != BLOCK_SIMPLE &&
		type != BLOCK_ENHANCED) {
		/* Names, statistics, keys: nothing of them is needed, however long they are. */
		c->skip = total;
		return STEP_ON;
	}
	if (total > BLOCK_MAX)
		return broken(r, v->at, e, "block of bytes:", total);
	if (total > v->len - v->at)
		return STEP_MORE;
	if (load32(c, p + total - 4) != total)
		return broken(r, v->at, e,
			"block that ends with another length:", load32(c, p + total - 4));
	if (type == BLOCK_INTERFACE)
		step = block_interface(r, v->at, p + 8, total - 12, e);
	else
		step = block_packet(r, v->at, type, p + 8, total - 12, e);
	if (step == STEP_ON)
		v->at += total;
	return step;
}

static enum step pcapng_blocks(struct packet_reader *r, struct view *v, struct err *e)
{
	struct capture *c = &r->capture;
	enum step step = STEP_ON;

	while (step == STEP_ON) {
		if (c->skip > 0) {
			size_t n = v->len - v->at < c->skip ? v->len - v->at : (size_t)c->skip;

			v->at += n;
			c->skip -= n;
			if (c->skip > 0)
				return STEP_MORE;
		}
		step = pcapng_block(r, v, e);
	}
	return step;
}

/* ---- both
 * --------------------------------------------------------------------------------------------------
 */

static enum step capture_open(struct packet_reader *r, struct view *v, struct err *e)
{
	uint32_t magic;

	if (v->len - v->at < 4)
		return STEP_MORE;
	memcpy(&magic, v->p + v->at, 4);
	if (magic == BLOCK_SECTION) {
		r->capture.format = CAPTURE_PCAPNG;
		return STEP_ON;
	}
	if (!pcap_kind(magic, &r->capture))
		return broken(r, v->at, e, "no capture file begins with", magic);
	return pcap_open(r, v, e);
}

enum err_kind packet_feed(
	struct packet_reader *r, struct slice bytes, bool last, size_t *ret_taken, struct err *e)
{
	struct capture *c = &r->capture;
	struct view v = {(const uint8_t *)bytes.data, bytes.len, 0};
	enum step step = STEP_ON;
	struct err why = {.kind = ERR_PARSE};

	if (c->broken)
		return err_set(e, ERR_PARSE, "capture: broken before offset %llu",
			(unsigned long long)c->offset);
	if (c->format == CAPTURE_UNKNOWN) {
		step = capture_open(r, &v, &why);
		/* The header of a pcap file comes whole or not at all. */
		if (step == STEP_MORE)
			c->format = CAPTURE_UNKNOWN;
	}
	if (step == STEP_ON)
		step = c->format == CAPTURE_PCAP ? pcap_records(r, &v, &why)
						 : pcapng_blocks(r, &v, &why);
	(void)reader_drain(r);
	(void)packet_out_flush(r->out);
	if (step == STEP_MORE && last && (v.at < v.len || c->skip > 0))
		step = broken(
			r, v.at, &why, "the file ends within a record; bytes left:", v.len - v.at);
	c->offset += v.at;
	*ret_taken = v.at;
	if (step != STEP_BROKEN)
		return OK;
	c->broken = true;
	if (e != NULL)
		*e = why;
	return why.kind;
}
