/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Operational technology: bytes of a connection or datagram in, messages out: protocol, function,
 * direction, unit, object, and what the message does to the plant. Passive; knows no packet.
 */
#ifndef PLANT_H
#define PLANT_H

#include "base/base.h"

enum plant_protocol {
	PLANT_NONE,
	PLANT_MODBUS,
	PLANT_DNP3,
	PLANT_IEC104,
	PLANT_S7COMM,
	PLANT_ENIP, /* EtherNet/IP with CIP */
	PLANT_BACNET,
	PLANT_GOOSE,
	PLANT_MMS,
	PLANT_PROTOCOLS
};
const char *plant_protocol_name(enum plant_protocol p);

/* What a message does. Everything from PLANT_WRITE on changes something or stops something. */
enum plant_operation {
	PLANT_OTHER, /* session set-up, keep-alive, anything that reads or changes nothing */
	PLANT_READ,
	PLANT_REPORT,  /* unsolicited or cyclic values: GOOSE, DNP3 unsolicited, IEC 104 spontaneous
			*/
	PLANT_BROWSE,  /* lists what is there: identity, names, directories */
	PLANT_UPLOAD,  /* program or file out of the device */
	PLANT_WRITE,   /* values */
	PLANT_OPERATE, /* commands to the process: select, operate, IEC 104 commands */
	PLANT_STOP,
	PLANT_START,
	PLANT_RESTART,
	PLANT_DOWNLOAD, /* program or file into the device */
	PLANT_DELETE,
	PLANT_MODE, /* run, program, maintenance; enable or disable reporting */
	PLANT_FIRMWARE,
	PLANT_TIME,      /* sets the clock */
	PLANT_CONFIGURE, /* addresses, names, passwords, communication parameters */
	PLANT_OPERATIONS
};
const char *plant_operation_name(enum plant_operation o);
static inline bool plant_operation_acts(enum plant_operation o)
{
	return o >= PLANT_WRITE;
}

enum plant_direction { PLANT_UNKNOWN_DIRECTION, PLANT_REQUEST, PLANT_RESPONSE, PLANT_UNSOLICITED };
const char *plant_direction_name(enum plant_direction d); /* "request", ...; "unknown" */

/* Bytes of unit, object and value with NUL; longer is cut with "...". */
#define PLANT_TEXT_MAX 160

struct plant_message {
	enum plant_protocol protocol;
	enum plant_operation operation;
	enum plant_direction direction;
	bool refused;         /* exception, error status, negative confirmation */
	uint32_t code;        /* the protocol's function, service or type number */
	const char *function; /* its name, from a table: "write multiple registers" */
	char unit[PLANT_TEXT_MAX];
	char object[PLANT_TEXT_MAX];
	char value[PLANT_TEXT_MAX];
};

typedef void (*plant_message_fn)(void *context, const struct plant_message *message);

/* Which protocol a TCP connection or UDP datagram carries, by port and by its first bytes: both
 * must fit. NONE: not one of ours. */
enum plant_protocol plant_guess_stream(
	uint16_t source_port, uint16_t destination_port, struct slice head);
enum plant_protocol plant_guess_datagram(
	uint16_t source_port, uint16_t destination_port, struct slice bytes);

/* ---- streams (TCP) --------------------------------------------------------------------------- */

/* Bytes held of one direction until a message is whole: the largest TPKT or DNP3 application
 * message. */
#define PLANT_HELD_MAX KIB(70)

struct plant_stream;
struct plant_stream *plant_stream_new(enum plant_protocol protocol) MUST_USE;
void plant_stream_free(struct plant_stream *s);
/*
 * The next bytes in order of one direction (0: from the opener). Messages are told as they become
 * whole, also several per call. False: this is not the protocol after all, or it lost its way;
 * plant_stream_gap or free.
 */
bool plant_stream_feed(struct plant_stream *s, unsigned direction, struct slice bytes,
	plant_message_fn message, void *context);
/* Bytes were lost in this direction: find the next message's beginning. */
void plant_stream_gap(struct plant_stream *s, unsigned direction);
/* How often the beginning of the next message had to be sought, after gaps or among bytes of none.
 */
uint64_t plant_stream_sought(const struct plant_stream *s);

/* ---- datagrams and frames -------------------------------------------------------------------- */

/* One whole UDP payload. to_server: towards the protocol's port. False: malformed. */
bool plant_datagram(enum plant_protocol protocol, bool to_server, struct slice bytes,
	plant_message_fn message, void *context);
/* An Ethernet payload of type 0x88b8 (GOOSE). False: malformed. */
bool plant_goose(struct slice bytes, plant_message_fn message, void *context);

#endif
