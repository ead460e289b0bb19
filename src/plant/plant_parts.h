/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Between plant.c, which holds bytes until a message is whole, and one file per protocol, which
 * says how long a message is and what it means. A protocol is one row: a const struct plant_row in
 * its file, declared here, one line in the table of plant.c.
 */
#ifndef PLANT_PARTS_H
#define PLANT_PARTS_H

#include "plant.h"

/* ---- what a decoder is handed ---------------------------------------------------------------- */

struct plant_decoder {
	unsigned direction; /* 0: from the opener, or to the server of a datagram; 1: the other way
			     */
	void *state; /* the row's state_bytes, zero at first; of one connection, or of one datagram
		      */
	plant_message_fn message;
	void *context;
};

static inline void plant_tell(const struct plant_decoder *d, const struct plant_message *m)
{
	d->message(d->context, m);
}

/* ---- one row per protocol -------------------------------------------------------------------- */

enum plant_frame {
	PLANT_FRAME_MORE,  /* too few bytes to know the length */
	PLANT_FRAME_KNOWN, /* *ret_len, at least 1; fewer bytes may be there */
	PLANT_FRAME_LOST,  /* no message begins here */
};

struct plant_ports {
	uint16_t from, to;
};
#define PLANT_PORT_RANGES 3
#define PLANT_STATE_MAX   KIB(1) /* bytes of state_bytes; memory behind pointers comes on top */

struct plant_row {
	const char *name; /* of the protocol, as in findings: "modbus" */
	struct plant_ports stream_ports[PLANT_PORT_RANGES]; /* 0: none */
	struct plant_ports datagram_ports[PLANT_PORT_RANGES];
	/*
	 * Could a message begin with these bytes, however few (at least one)? Stricter than
	 * frame(): it decides which protocol a connection carries and where the next message
	 * begins after a gap. Constant time.
	 */
	bool (*starts)(struct slice head);
	/* May be NULL. Could a connection begin with these bytes, although no known message does?
	 * What an attacker sends first must not hide what he sends next. */
	bool (*opens)(struct slice head);
	size_t head_bytes; /* with so many, starts() is sure enough to begin after a gap; no
			      message is shorter */
	/* NULL: datagrams only. Length of the message at the beginning of `bytes` (at least one).
	 * Constant time. */
	enum plant_frame (*frame)(struct slice bytes, size_t *ret_len);
	/* One whole message as frame() cut it. False: its content contradicts itself (it may be
	 * told all the same, as plant_put_malformed). It may tell no message (a piece of a longer
	 * one) or several, also of another protocol. */
	bool (*decode)(struct plant_decoder *d, struct slice message);
	/* One whole UDP payload; NULL: streams only. */
	bool (*datagram)(struct plant_decoder *d, struct slice bytes);
	size_t state_bytes; /* 0..PLANT_STATE_MAX */
	/* May be NULL. Bytes of that direction were lost: forget half-assembled messages. */
	void (*state_gap)(void *state, unsigned direction);
	void (*state_fini)(void *state); /* may be NULL */
};

extern const struct plant_row plant_row_bacnet;
extern const struct plant_row plant_row_dnp3;
extern const struct plant_row plant_row_iec104;
extern const struct plant_row plant_row_modbus;
extern const struct plant_row plant_row_s7comm, plant_row_mms; /* tpkt.c */
extern const struct plant_row plant_row_enip;

/* ---- function tables ------------------------------------------------------------------------- */

struct plant_function {
	uint32_t code;
	const char *name;
	enum plant_operation operation;
};

/* NULL when there is none. Tables are short; the look-up is linear. */
const struct plant_function *plant_function_find(
	const struct plant_function *table, size_t count, uint32_t code);
#define PLANT_FUNCTION(table, code) plant_function_find((table), COUNT_OF(table), (code))

#define PLANT_FUNCTION_UNKNOWN "unknown function"

/* ---- texts of PLANT_TEXT_MAX bytes ----------------------------------------------------------- */

/* Append; what does not fit is cut with "...", and later appends do nothing. */
void plant_put(char text[PLANT_TEXT_MAX], const char *format, ...) PRINTF(2, 3);
/* Append a peer's text: what is not UTF-8 or is a control or bidi character becomes '?'. */
void plant_put_text(char text[PLANT_TEXT_MAX], struct slice foreign);
void plant_put_hex(char text[PLANT_TEXT_MAX], struct slice bytes);
/* The value ends in "malformed": for a message that is told although it contradicts itself. */
void plant_put_malformed(struct plant_message *m);
/* Nothing more will fit: a loop over values may end. */
bool plant_full(const char text[PLANT_TEXT_MAX]);

/* ---- bytes held until they are whole --------------------------------------------------------- */

/* Zero-initialised; never more than PLANT_HELD_MAX. Also for what a protocol reassembles itself. */
struct plant_held {
	char *bytes;
	size_t len, capacity;
};

bool plant_held_add(
	struct plant_held *h, struct slice bytes);      /* false: limit or memory; unchanged */
void plant_held_drop(struct plant_held *h, size_t len); /* from the front */
void plant_held_fini(struct plant_held *h);             /* may be used again */
static inline struct slice plant_held_slice(const struct plant_held *h)
{
	return (struct slice){h->bytes, h->len};
}

/* ---- little-endian numbers from a reader (base's are big-endian) ----------------------------- */

static inline uint16_t plant_u16le(struct reader *r)
{
	uint16_t low = read_u8(r);

	return (uint16_t)(low | (unsigned)read_u8(r) << 8);
}
static inline uint32_t plant_u24le(struct reader *r)
{
	uint32_t low = plant_u16le(r);

	return low | (uint32_t)read_u8(r) << 16;
}
static inline uint32_t plant_u32le(struct reader *r)
{
	uint32_t low = plant_u16le(r);

	return low | (uint32_t)plant_u16le(r) << 16;
}
static inline uint64_t plant_u64le(struct reader *r)
{
	uint64_t low = plant_u32le(r);

	return low | (uint64_t)plant_u32le(r) << 32;
}
static inline float plant_f32(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}
static inline double plant_f64(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

#endif
