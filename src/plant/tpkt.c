/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ISO transport over TCP (RFC 1006): packets of a length, in them transport units of class 0 (ISO
 * 8073, RFC 905), whose data pieces are put together. S7 communication and MMS share port 102, and
 * nothing before the first data says which it is; so both rows decode both.
 */
#include "iso.h"

/* RFC 1006 section 6: version 3, a reserved octet, the length with these four. A unit has at least
 * a length indicator, a type, and one octet more. */
#define TPKT_VERSION   3
#define TPKT_HEAD      4
#define TPKT_BYTES_MIN 7

/* RFC 905 section 13, upper halves of the type. */
enum cotp_type {
	COTP_ED = 0x10,
	COTP_EA = 0x20,
	COTP_RJ = 0x50,
	COTP_AK = 0x60,
	COTP_ER = 0x70,
	COTP_DR = 0x80,
	COTP_DC = 0xc0,
	COTP_CC = 0xd0,
	COTP_CR = 0xe0,
	COTP_DT = 0xf0,
};

#define COTP_DT_LENGTH  2    /* of class 0: type and number */
#define COTP_EOT        0x80 /* the last piece */
#define COTP_CALLED     0xc2 /* parameter: the selector of the one who is called */
#define COTP_FIXED      6    /* octets of a connection request before its parameters */
#define COTP_PARAMETERS 16   /* looked at */

static const uint8_t cotp_types[] = {
	COTP_ED, COTP_EA, COTP_RJ, COTP_AK, COTP_ER, COTP_DR, COTP_DC, COTP_CC, COTP_CR, COTP_DT};

static bool cotp_known(uint8_t type)
{
	for (size_t i = 0; i < COUNT_OF(cotp_types); i++) {
		if ((type & 0xf0) == cotp_types[i])
			return true;
	}
	return false;
}

/* The called selector of a connection request's header, empty when there is none. */
static struct slice cotp_called(struct slice unit)
{
	struct reader r = {
		.rest = slice_cut(unit, 2 + COTP_FIXED - 1, (size_t)(uint8_t)unit.data[0] + 1)};

	for (unsigned i = 0; i < COTP_PARAMETERS; i++) {
		uint8_t code = read_u8(&r);
		uint8_t len = read_u8(&r);
		struct slice value = read_bytes(&r, len);

		if (r.bad)
			break;
		if (code == COTP_CALLED)
			return value;
	}
	return (struct slice){0};
}

/* Siemens' selectors: the kind of connection (1 programming device, 2 operator panel, 3 other),
 * then three bits of rack and five of slot; the newer controllers take a name. */
static bool selector_is_s7(struct slice selector)
{
	return (selector.len == 2 && selector.data[0] >= 1 && selector.data[0] <= 3) ||
	       slice_starts(selector, SLICE("SIMATIC-"));
}

enum payload { PAYLOAD_OPEN, PAYLOAD_S7, PAYLOAD_MMS };

/* What the first octets of data say. Session connect (0x0d) and data (1, 0, 1, 0) come before MMS;
 * some leave the session out and begin with MMS's own initiate or confirmed request. */
static enum payload payload_guess(struct slice data)
{
	if (data.len == 0)
		return PAYLOAD_OPEN;
	switch ((uint8_t)data.data[0]) {
	case 0x32:
	case 0x72:
		return PAYLOAD_S7;
	case 0x0d:
	case 0x0e:
	case 0xa0:
	case 0xa1:
	case 0xa8:
	case 0xa9:
		return PAYLOAD_MMS;
	default:
		return slice_starts(data, SLICE("\1\0\1\0")) ? PAYLOAD_MMS : PAYLOAD_OPEN;
	}
}

/* Does a packet begin so, as far as `head` goes, and whose would it be? */
static bool tpkt_starts(struct slice head, enum payload *ret_payload)
{
	struct reader r = {.rest = head};
	uint8_t version = read_u8(&r), reserved = read_u8(&r);
	uint16_t len = read_u16(&r);
	struct slice unit = r.rest;
	uint8_t indicator = read_u8(&r), type = read_u8(&r);

	*ret_payload = PAYLOAD_OPEN;
	if (version != TPKT_VERSION || reserved != 0)
		return false;
	if (head.len < TPKT_HEAD)
		return true;
	if (len < TPKT_BYTES_MIN)
		return false;
	if (head.len < TPKT_HEAD + 2)
		return true;
	if (!cotp_known(type) || indicator < COTP_DT_LENGTH || indicator >= len - TPKT_HEAD)
		return false;
	if ((type & 0xf0) == COTP_DT) {
		if (indicator != COTP_DT_LENGTH)
			return false;
		if (head.len > TPKT_HEAD + 1 + COTP_DT_LENGTH)
			*ret_payload =
				payload_guess(slice_cut(head, TPKT_HEAD + 1 + COTP_DT_LENGTH, len));
	} else if ((type & 0xf0) == COTP_CR && unit.len > indicator) {
		struct slice called = cotp_called(unit);

		if (called.len != 0)
			*ret_payload = selector_is_s7(called) ? PAYLOAD_S7 : PAYLOAD_MMS;
	}
	return true;
}

static bool s7_starts(struct slice head)
{
	enum payload payload;

	return tpkt_starts(head, &payload) && payload != PAYLOAD_MMS;
}

static bool mms_starts(struct slice head)
{
	enum payload payload;

	return tpkt_starts(head, &payload) && payload != PAYLOAD_S7;
}

static enum plant_frame tpkt_frame(struct slice bytes, size_t *ret_len)
{
	uint16_t len;

	if (bytes.data[0] != TPKT_VERSION)
		return PLANT_FRAME_LOST;
	if (bytes.len < TPKT_HEAD)
		return PLANT_FRAME_MORE;
	len = (uint16_t)((uint8_t)bytes.data[2] << 8 | (uint8_t)bytes.data[3]);
	if (len < TPKT_BYTES_MIN)
		return PLANT_FRAME_LOST;
	*ret_len = len;
	return PLANT_FRAME_KNOWN;
}

static bool message(struct plant_decoder *d, struct slice bytes)
{
	if (bytes.len == 0) /* wincc and step 7 send empty ones to keep a connection alive */
		return true;
	if ((uint8_t)bytes.data[0] == 0x32 || (uint8_t)bytes.data[0] == 0x72)
		return s7comm_message(d, bytes);
	return mms_message(d, bytes);
}

static bool data(struct plant_decoder *d, struct slice piece, bool last)
{
	struct iso_state *s = d->state;
	struct plant_held *parts = &s->parts[d->direction];
	bool good;

	if (s->skipping[d->direction]) {
		s->skipping[d->direction] = !last;
		return true;
	}
	if (last && parts->len == 0)
		return message(d, piece);
	if (!plant_held_add(parts, piece)) {
		/* longer than any message of either protocol */
		plant_held_fini(parts);
		s->skipping[d->direction] = !last;
		return false;
	}
	if (!last)
		return true;
	good = message(d, plant_held_slice(parts));
	plant_held_drop(parts, parts->len);
	return good;
}

static void selector_keep(struct iso_state *s, struct slice called)
{
	s->selector_len = called.len < sizeof(s->selector) ? called.len : sizeof(s->selector);
	if (s->selector_len != 0)
		memcpy(s->selector, called.data, s->selector_len);
}

void iso_put_selector(char text[PLANT_TEXT_MAX], const struct iso_state *s)
{
	if (s->selector_len == 0)
		return;
	plant_put(text, "selector ");
	plant_put_hex(text, (struct slice){s->selector, s->selector_len});
}

/* With so many of a packet, what is data says whose it is. */
#define ISO_HEAD_BYTES (TPKT_HEAD + 1 + COTP_DT_LENGTH + 4)

static bool iso_decode(struct plant_decoder *d, struct slice bytes)
{
	struct slice unit = slice_cut(bytes, TPKT_HEAD, bytes.len);
	uint8_t indicator = (uint8_t)unit.data[0], type = (uint8_t)unit.data[1] & 0xf0;

	if (indicator < COTP_DT_LENGTH || indicator >= unit.len || !cotp_known(type))
		return false;
	if (type == COTP_CR) {
		selector_keep(d->state, cotp_called(unit));
	} else if (type == COTP_DT) {
		return data(d, slice_cut(unit, (size_t)indicator + 1, unit.len),
			((uint8_t)unit.data[2] & COTP_EOT) != 0);
	}
	return true;
}

static void iso_gap(void *state, unsigned direction)
{
	struct iso_state *s = state;

	plant_held_fini(&s->parts[direction]);
	/* What comes next may be the middle of a message; its beginning would not make sense, and
	 * says so. */
	s->skipping[direction] = false;
}

static void iso_fini(void *state)
{
	struct iso_state *s = state;

	plant_held_fini(&s->parts[0]);
	plant_held_fini(&s->parts[1]);
}

const struct plant_row plant_row_s7comm = {
	.name = "s7comm",
	.stream_ports = {{102, 102}},
	.starts = s7_starts,
	.head_bytes = ISO_HEAD_BYTES,
	.frame = tpkt_frame,
	.decode = iso_decode,
	.state_bytes = sizeof(struct iso_state),
	.state_gap = iso_gap,
	.state_fini = iso_fini,
};

const struct plant_row plant_row_mms = {
	.name = "mms",
	.stream_ports = {{102, 102}},
	.starts = mms_starts,
	.head_bytes = ISO_HEAD_BYTES,
	.frame = tpkt_frame,
	.decode = iso_decode,
	.state_bytes = sizeof(struct iso_state),
	.state_gap = iso_gap,
	.state_fini = iso_fini,
};
