/* SPDX-License-Identifier: MPL-2.0 */
/* A small reader of captures for tests of this folder, which may not use the one of src/packet. */
#include <stdlib.h>
#include <unistd.h>

#include "capture_testing.h"
#include "plant_parts.h"

#define STREAMS_MAX   512
#define CAPTURE_BYTES MIB(16)

struct way {
	bool known;
	uint32_t next;
};

struct flow {
	char key[12]; /* of the opener: addresses, ports */
	struct plant_stream *stream;
	enum plant_protocol protocol;
	struct way ways[2];
};

struct reading {
	struct capture_use *use;
	struct flow *flows;
	size_t count;
};

const char *capture_folder(void)
{
	const char *folder = getenv("SERAI_DATA");
	static char path[512];

	snprintf(path, sizeof(path), "%s/sensor/ot",
		folder != NULL ? folder : SOURCE_ROOT "/../shared/data");
	return access(path, R_OK) == 0 ? path : NULL;
}

static void feed(struct reading *c, struct flow *f, unsigned direction, struct slice bytes)
{
	while (bytes.len > 0) {
		size_t take =
			c->use->piece == 0 || c->use->piece > bytes.len ? bytes.len : c->use->piece;

		if (!plant_stream_feed(f->stream, direction, slice_cut(bytes, 0, take),
			    c->use->message, c->use->context)) {
			c->use->bad++;
			plant_stream_gap(f->stream, direction);
		}
		bytes = slice_cut(bytes, take, bytes.len);
	}
}

static void segment(struct reading *c, const char addresses[8], struct slice tcp)
{
	struct reader r = {.rest = tcp};
	uint16_t source = read_u16(&r), destination = read_u16(&r), offset_flags;
	uint32_t sequence = read_u32(&r);
	char key[12], back[12];
	struct flow *f = NULL;
	unsigned direction = 0;
	struct slice bytes;
	struct way *way;

	read_u32(&r);
	offset_flags = read_u16(&r);
	if (r.bad)
		return;
	bytes = slice_cut(tcp, (size_t)(offset_flags >> 12) * 4, tcp.len);
	memcpy(key, addresses, 8);
	memcpy(key + 8, tcp.data, 4);
	memcpy(back, addresses + 4, 4);
	memcpy(back + 4, addresses, 4);
	memcpy(back + 8, tcp.data + 2, 2);
	memcpy(back + 10, tcp.data, 2);
	for (size_t i = 0; i < c->count && f == NULL; i++) {
		if (memcmp(c->flows[i].key, key, 12) == 0)
			f = &c->flows[i];
		else if (memcmp(c->flows[i].key, back, 12) == 0)
			f = &c->flows[i], direction = 1;
	}
	if (f == NULL) {
		enum plant_protocol p = plant_guess_stream(source, destination, bytes);

		if (bytes.len == 0 || p == PLANT_NONE || c->count == STREAMS_MAX)
			return;
		f = &c->flows[c->count++];
		*f = (struct flow){.protocol = p, .stream = plant_stream_new(p)};
		/* the lower port answers */
		direction = source < destination ? 1 : 0;
		memcpy(f->key, direction == 0 ? key : back, 12);
		c->use->streams++;
	}
	way = &f->ways[direction];
	if ((offset_flags & 2) != 0) { /* SYN: a new connection with the same ports */
		way->known = true;
		way->next = sequence + 1;
		plant_stream_gap(f->stream, direction);
		return;
	}
	if (bytes.len == 0)
		return;
	if (way->known && (int32_t)(sequence - way->next) < 0) {
		bytes = slice_cut(bytes, way->next - sequence, bytes.len);
		sequence = way->next;
	} else if (way->known && sequence != way->next) {
		plant_stream_gap(f->stream, direction);
	}
	way->known = true;
	if (bytes.len == 0)
		return;
	way->next = sequence + (uint32_t)bytes.len;
	feed(c, f, direction, bytes);
}

static void frame(struct reading *c, struct slice bytes)
{
	struct reader r = {.rest = bytes};
	uint16_t type, total;
	uint8_t head, protocol;
	struct slice ip;

	c->use->frames++;
	if (c->use->frame != NULL)
		c->use->frame(c->use->context, c->use->frames);
	read_bytes(&r, 12);
	type = read_u16(&r);
	while (type == 0x8100) {
		read_u16(&r);
		type = read_u16(&r);
	}
	if (r.bad)
		return;
	if (type == 0x88b8) {
		if (!plant_goose(r.rest, c->use->message, c->use->context))
			c->use->bad++;
		return;
	}
	ip = r.rest;
	if (type != 0x0800 || ip.len < 20)
		return;
	head = (uint8_t)((ip.data[0] & 0xf) * 4);
	protocol = (uint8_t)ip.data[9];
	total = (uint16_t)((uint8_t)ip.data[2] << 8 | (uint8_t)ip.data[3]);
	ip = slice_cut(ip, 0, total);
	if (protocol == 6) {
		segment(c, bytes.data + (ip.data - bytes.data) + 12, slice_cut(ip, head, ip.len));
	} else if (protocol == 17) {
		struct reader udp = {.rest = slice_cut(ip, head, ip.len)};
		uint16_t source = read_u16(&udp), destination = read_u16(&udp);
		enum plant_protocol p;

		read_u32(&udp);
		p = udp.bad ? PLANT_NONE : plant_guess_datagram(source, destination, udp.rest);
		if (p != PLANT_NONE && !plant_datagram(p, destination < source, udp.rest,
					       c->use->message, c->use->context))
			c->use->bad++;
	}
}

static uint32_t number(bool big, const char *at)
{
	uint32_t v;

	memcpy(&v, at, 4);
	return big ? __builtin_bswap32(v) : v;
}

bool capture_read(const char *path, struct capture_use *use)
{
	struct buf file = BUF_INIT;
	struct reading c = {.use = use};
	struct err e;
	struct slice rest;
	bool next_generation, big;

	if (file_read(path, CAPTURE_BYTES, &file, &e) != OK)
		return false;
	c.flows = calloc(STREAMS_MAX, sizeof(*c.flows));
	rest = buf_slice(&file);
	next_generation = slice_starts(rest, SLICE("\x0a\x0d\x0d\x0a"));
	big = !next_generation && slice_starts(rest, SLICE("\xa1\xb2"));
	if (!next_generation)
		rest = slice_cut(rest, 24, rest.len);
	while (c.flows != NULL && rest.len >= (next_generation ? 12 : 16)) {
		size_t len = number(big, rest.data + (next_generation ? 4 : 8));

		if (next_generation) {
			if (number(false, rest.data) == 6 && rest.len >= 28)
				frame(&c, slice_cut(rest, 28,
						  28 + (size_t)number(false, rest.data + 20)));
			if (len < 12)
				break;
			rest = slice_cut(rest, len, rest.len);
		} else {
			frame(&c, slice_cut(rest, 16, 16 + len));
			rest = slice_cut(rest, 16 + len, rest.len);
		}
	}
	for (size_t i = 0; i < c.count; i++)
		plant_stream_free(c.flows[i].stream);
	free(c.flows);
	buf_fini(&file);
	return true;
}
