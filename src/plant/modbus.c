/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Modbus/TCP ("MODBUS Messaging on TCP/IP Implementation Guide" V1.0b for the header, "MODBUS
 * Application Protocol Specification" V1.1b3 for functions). Function 90 is Schneider's UMAS
 * (modbus_umas.c).
 *
 *   offset  size  field       (big-endian)
 *        0     2  transaction the answer repeats it
 *        2     2  protocol    0
 *        4     2  length      bytes from `unit` on
 *        6     1  unit
 *        7     1  function    with bit 7: an exception
 *        8     n  data
 *
 * A message does not say whether it asks or answers. The opener asks, until a message has a length
 * that only the other role gives it (a capture that began in the middle of a connection).
 */
#include "modbus.h"

#define HEADER_BYTES       7
#define LENGTH_MIN         2      /* unit and function */
#define LENGTH_MAX         254    /* V1.1b3 section 4.1: a PDU is at most 253 bytes */
#define LENGTH_MAX_UMAS    KIB(4) /* UMAS agrees on more; 1,024 is common */
#define FUNCTION_UMAS      90
#define FIFO_MAX           31 /* section 6.18 */
#define FUNCTION_EXCEPTION 0x80

/* How an ordinary request and answer look, for the functions that need no code of their own. */
enum shape {
	SHAPE_NONE, /* opaque: any length */
	SHAPE_READ, /* asks address, count; answers bytes */
	SHAPE_ONE,  /* asks address, value; answers the same */
	SHAPE_MANY, /* asks address, count, bytes; answers address, count */
	SHAPE_MASK, /* address, and-mask, or-mask; both ways */
	SHAPE_BOTH, /* 23: read address, count, write address, count, bytes; answers bytes */
	SHAPE_FIFO,
	SHAPE_GET, /* of file records */
	SHAPE_PUT,
	SHAPE_DIAG,
	SHAPE_EMPTY, /* asks nothing; answers something */
	SHAPE_MEI,   /* encapsulated interface transport */
	SHAPE_UMAS,
};

struct row {
	uint8_t function;
	uint8_t shape; /* enum shape */
	bool bits;     /* coils and inputs: one bit each */
	const char *object;
	const char *name;
	enum plant_operation operation;
};

/* Public functions of V1.1b3 section 6; reserved ones as Modicon's reference guide PI-MBUS-300
 * names them; 125 to 127 as Schneider's tools use them. */
static const struct row rows[] = {
	{1,   SHAPE_READ,  true,  "coil",             "read coils",                    PLANT_READ    },
	{2,   SHAPE_READ,  true,  "discrete input",   "read discrete inputs",          PLANT_READ    },
	{3,   SHAPE_READ,  false, "holding register", "read holding registers",        PLANT_READ    },
	{4,   SHAPE_READ,  false, "input register",   "read input registers",          PLANT_READ    },
	{5,   SHAPE_ONE,   true,  "coil",             "write single coil",             PLANT_WRITE   },
	{6,   SHAPE_ONE,   false, "holding register", "write single register",         PLANT_WRITE   },
	{7,   SHAPE_EMPTY, false, NULL,               "read exception status",         PLANT_READ    },
	{8,   SHAPE_DIAG,  false, NULL,               "diagnostics",                   PLANT_OTHER   },
	{9,   SHAPE_NONE,  false, NULL,               "program 484",                   PLANT_DOWNLOAD},
	{10,  SHAPE_NONE,  false, NULL,               "poll 484",                      PLANT_OTHER   },
	{11,  SHAPE_EMPTY, false, NULL,               "get comm event counter",        PLANT_READ    },
	{12,  SHAPE_EMPTY, false, NULL,               "get comm event log",            PLANT_READ    },
	{13,  SHAPE_NONE,  false, NULL,               "program controller",            PLANT_DOWNLOAD},
	{14,  SHAPE_NONE,  false, NULL,               "poll controller",               PLANT_OTHER   },
	{15,  SHAPE_MANY,  true,  "coil",             "write multiple coils",          PLANT_WRITE   },
	{16,  SHAPE_MANY,  false, "holding register", "write multiple registers",      PLANT_WRITE   },
	{17,  SHAPE_EMPTY, false, NULL,               "report server id",              PLANT_BROWSE  },
	{18,  SHAPE_NONE,  false, NULL,               "program 884",                   PLANT_DOWNLOAD},
	{19,  SHAPE_NONE,  false, NULL,               "reset communications link",     PLANT_RESTART },
	{20,  SHAPE_GET,   false, "file",             "read file record",              PLANT_UPLOAD  },
	{21,  SHAPE_PUT,   false, "file",             "write file record",             PLANT_DOWNLOAD},
	{22,  SHAPE_MASK,  false, "holding register", "mask write register",           PLANT_WRITE   },
	{23,  SHAPE_BOTH,  false, "holding register", "read/write multiple registers", PLANT_WRITE   },
	{24,  SHAPE_FIFO,  false, "fifo",             "read fifo queue",               PLANT_READ    },
	{40,  SHAPE_NONE,  false, NULL,               "program concept",               PLANT_DOWNLOAD},
	{41,  SHAPE_NONE,  false, NULL,               "reserved function 41",          PLANT_OTHER   },
	{42,  SHAPE_NONE,  false, NULL,               "reserved function 42",          PLANT_OTHER   },
	{43,  SHAPE_MEI,   false, NULL,               "encapsulated interface",        PLANT_OTHER   },
	{90,  SHAPE_UMAS,  false, NULL,               "umas",                          PLANT_OTHER   },
	{91,  SHAPE_NONE,  false, NULL,               "reserved function 91",          PLANT_OTHER   },
	{125, SHAPE_NONE,  false, NULL,               "firmware replacement",          PLANT_FIRMWARE},
	{126, SHAPE_NONE,  false, NULL,               "program 584/984",               PLANT_DOWNLOAD},
	{127, SHAPE_NONE,  false, NULL,               "report local address",          PLANT_BROWSE  },
};

static const struct row *row_find(uint8_t function)
{
	for (size_t k = 0; k < COUNT_OF(rows); k++) {
		if (rows[k].function == function)
			return &rows[k];
	}
	return NULL;
}

/* V1.1b3 section 5.1: 65..72 and 100..110 are for the user. */
static bool user_defined(uint8_t function)
{
	return (function >= 65 && function <= 72) || (function >= 100 && function <= 110);
}

/* Section 6.8.1. Listen only silences the device; a restart wakes it. */
static const struct plant_function diagnostics[] = {
	{0,  "diagnostics: return query data",                      PLANT_OTHER    },
	{1,  "diagnostics: restart communications option",          PLANT_RESTART  },
	{2,  "diagnostics: return diagnostic register",             PLANT_READ     },
	{3,  "diagnostics: change ascii input delimiter",           PLANT_CONFIGURE},
	{4,  "diagnostics: force listen only mode",                 PLANT_MODE     },
	{10, "diagnostics: clear counters and diagnostic register", PLANT_DELETE   },
	{11, "diagnostics: return bus message count",               PLANT_READ     },
	{12, "diagnostics: return bus communication error count",   PLANT_READ     },
	{13, "diagnostics: return bus exception error count",       PLANT_READ     },
	{14, "diagnostics: return server message count",            PLANT_READ     },
	{15, "diagnostics: return server no response count",        PLANT_READ     },
	{16, "diagnostics: return server nak count",                PLANT_READ     },
	{17, "diagnostics: return server busy count",               PLANT_READ     },
	{18, "diagnostics: return bus character overrun count",     PLANT_READ     },
	{19, "diagnostics: return iop overrun count",               PLANT_READ     },
	{20, "diagnostics: clear overrun counter and flag",         PLANT_DELETE   },
	{21, "diagnostics: modbus plus statistics",                 PLANT_READ     },
};

/* Section 7. */
static const struct plant_function exceptions[] = {
	{1,  "illegal function",                        PLANT_OTHER},
	{2,  "illegal data address",                    PLANT_OTHER},
	{3,  "illegal data value",                      PLANT_OTHER},
	{4,  "server device failure",                   PLANT_OTHER},
	{5,  "acknowledge",			     PLANT_OTHER},
	{6,  "server device busy",                      PLANT_OTHER},
	{7,  "negative acknowledge",                    PLANT_OTHER},
	{8,  "memory parity error",                     PLANT_OTHER},
	{10, "gateway path unavailable",                PLANT_OTHER},
	{11, "gateway target device failed to respond", PLANT_OTHER},
};

/* Section 6.21.1. */
static const char *const identity_objects[] = {
	"vendor", "product code", "revision", "vendor url", "product name", "model", "application"};

/* ---- framing --------------------------------------------------------------------------------- */

static bool starts(struct slice head)
{
	struct reader r = {.rest = head};
	uint16_t protocol, length;
	uint8_t function;

	read_u16(&r);
	protocol = read_u16(&r);
	if (head.len >= 3 && head.data[2] != 0)
		return false;
	if (r.bad)
		return true;
	if (protocol != 0)
		return false;
	length = read_u16(&r);
	if (r.bad)
		return true;
	read_u8(&r);
	function = read_u8(&r);
	if (r.bad)
		return length >= LENGTH_MIN && length <= LENGTH_MAX_UMAS;
	if (length < LENGTH_MIN ||
		length > (function == FUNCTION_UMAS ? LENGTH_MAX_UMAS : LENGTH_MAX))
		return false;
	function &= 0x7f;
	return row_find(function) != NULL || user_defined(function);
}

static enum plant_frame frame(struct slice bytes, size_t *ret_len)
{
	struct reader r = {.rest = bytes};
	uint16_t protocol, length;
	uint8_t function;

	read_u16(&r);
	protocol = read_u16(&r);
	length = read_u16(&r);
	read_u8(&r);
	function = read_u8(&r);
	if (r.bad)
		return starts(bytes) ? PLANT_FRAME_MORE : PLANT_FRAME_LOST;
	if (protocol != 0 || length < LENGTH_MIN ||
		length > (function == FUNCTION_UMAS ? LENGTH_MAX_UMAS : LENGTH_MAX))
		return PLANT_FRAME_LOST;
	*ret_len = HEADER_BYTES - 1 + (size_t)length;
	return PLANT_FRAME_KNOWN;
}

/* A client that begins with a function that no device has is a scanner, and goes on. */
static bool opens(struct slice head)
{
	size_t len;

	return head.len >= HEADER_BYTES + 1 && frame(head, &len) == PLANT_FRAME_KNOWN;
}

/* ---- who asks -------------------------------------------------------------------------------- */

/* Lengths that only one of the roles gives a message; a slice without the function byte. */
static enum plant_direction role_of_length(const struct row *row, struct slice data)
{
	bool request = false, response = false;

	switch (row->shape) {
	case SHAPE_READ:
		request = data.len == 4;
		response = data.len >= 2 && data.len == 1 + (size_t)(uint8_t)data.data[0];
		break;
	case SHAPE_MANY:
		request = data.len >= 6 && data.len == 5 + (size_t)(uint8_t)data.data[4];
		response = data.len == 4;
		break;
	case SHAPE_BOTH:
		request = data.len >= 11 && data.len == 9 + (size_t)(uint8_t)data.data[8];
		response = data.len >= 3 && data.len == 1 + (size_t)(uint8_t)data.data[0];
		break;
	case SHAPE_EMPTY:
		request = data.len == 0;
		response = data.len > 0;
		break;
	case SHAPE_UMAS:
		response = data.len >= 2 && modbus_umas_answers((uint8_t)data.data[1]);
		request = data.len >= 2 && !response;
		break;
	default:
		break;
	}
	if (request == response)
		return PLANT_UNKNOWN_DIRECTION;
	return request ? PLANT_REQUEST : PLANT_RESPONSE;
}

static enum plant_direction role_of(struct modbus_state *s, unsigned direction,
	const struct row *row, bool exception, struct slice data)
{
	enum plant_direction known = PLANT_UNKNOWN_DIRECTION;

	if (exception)
		known = PLANT_RESPONSE;
	else if (row != NULL)
		known = role_of_length(row, data);
	if (known != PLANT_UNKNOWN_DIRECTION && !s->decided) {
		s->decided = true;
		s->server_opened = (known == PLANT_RESPONSE) == (direction == 0);
	}
	/* Once decided it stays: one odd message must not turn a connection round. */
	return (direction == 0) != s->server_opened ? PLANT_REQUEST : PLANT_RESPONSE;
}

/* ---- what was asked -------------------------------------------------------------------------- */

static struct modbus_asked *asked_new(struct modbus_state *s, const struct modbus_pdu *p)
{
	struct modbus_asked *asked = &s->asked[s->next++ % MODBUS_ASKED_MAX];

	*asked = (struct modbus_asked){.used = true,
		.transaction = p->transaction,
		.unit = p->unit,
		.function = p->function};
	return asked;
}

static struct modbus_asked *asked_find(struct modbus_state *s, const struct modbus_pdu *p)
{
	for (unsigned k = 0; k < MODBUS_ASKED_MAX; k++) {
		struct modbus_asked *a = &s->asked[(s->next - 1 - k) % MODBUS_ASKED_MAX];

		if (a->used && a->transaction == p->transaction && a->unit == p->unit &&
			a->function == p->function)
			return a;
	}
	return NULL;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static void put_object(
	struct plant_message *m, const char *object, unsigned address, unsigned count)
{
	if (count <= 1)
		plant_put(m->object, "%s %u", object, address);
	else
		plant_put(m->object, "%s %u..%u", object, address, address + count - 1);
}

static void put_bits(struct plant_message *m, struct slice bytes, size_t count)
{
	if (count > bytes.len * 8)
		count = bytes.len * 8;
	for (size_t k = 0; k < count && !plant_full(m->value); k++)
		plant_put(m->value, "%s%u", k == 0 ? "" : ",",
			(unsigned)((uint8_t)bytes.data[k / 8] >> k % 8 & 1));
}

static void put_registers(struct plant_message *m, struct slice bytes)
{
	struct reader r = {.rest = bytes};

	for (size_t k = 0; r.rest.len >= 2 && !plant_full(m->value); k++)
		plant_put(m->value, "%s%u", k == 0 ? "" : ",", read_u16(&r));
}

static void put_values(
	struct plant_message *m, const struct row *row, struct slice bytes, size_t count)
{
	if (row->bits)
		put_bits(m, bytes, count);
	else
		put_registers(m, bytes);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

struct talk {
	struct modbus_state *state;
	struct modbus_pdu pdu;
	const struct row *row;
	struct plant_message *m;
	bool request;
};

static bool shape_read(struct talk *t)
{
	struct reader r = {.rest = t->pdu.data};
	struct modbus_asked *asked;

	if (t->request) {
		unsigned address = read_u16(&r), count = read_u16(&r);

		asked = asked_new(t->state, &t->pdu);
		asked->address = (uint16_t)address;
		asked->count = (uint16_t)count;
		put_object(t->m, t->row->object, address, count);
		return !r.bad && r.rest.len == 0;
	}
	{
		size_t len = read_u8(&r);
		struct slice bytes = read_bytes(&r, len);

		asked = asked_find(t->state, &t->pdu);
		if (asked != NULL)
			put_object(t->m, t->row->object, asked->address, asked->count);
		put_values(t->m, t->row, bytes, asked != NULL ? asked->count : bytes.len * 8);
		return !r.bad && r.rest.len == 0 && (t->row->bits || len % 2 == 0);
	}
}

static bool shape_one(struct talk *t)
{
	struct reader r = {.rest = t->pdu.data};
	unsigned address = read_u16(&r), value = read_u16(&r);

	put_object(t->m, t->row->object, address, 1);
	if (t->row->bits && (value == 0xff00 || value == 0))
		plant_put(t->m->value, "%u", value == 0 ? 0u : 1u);
	else
		plant_put(t->m->value, "%u", value);
	return !r.bad && r.rest.len == 0;
}

static bool shape_many(struct talk *t)
{
	struct reader r = {.rest = t->pdu.data};
	unsigned address = read_u16(&r), count = read_u16(&r);

	put_object(t->m, t->row->object, address, count);
	if (t->request) {
		size_t len = read_u8(&r);

		put_values(t->m, t->row, read_bytes(&r, len), count);
		if (len != (t->row->bits ? (count + 7) / 8 : (size_t)count * 2))
			return false;
	}
	return !r.bad && r.rest.len == 0;
}

static bool shape_mask(struct talk *t)
{
	struct reader r = {.rest = t->pdu.data};
	unsigned address = read_u16(&r), and_mask = read_u16(&r), or_mask = read_u16(&r);

	put_object(t->m, t->row->object, address, 1);
	plant_put(t->m->value, "and 0x%04x or 0x%04x", and_mask, or_mask);
	return !r.bad && r.rest.len == 0;
}

static bool shape_both(struct talk *t)
{
	struct reader r = {.rest = t->pdu.data};

	if (t->request) {
		unsigned from = read_u16(&r), from_count = read_u16(&r);
		unsigned to = read_u16(&r), to_count = read_u16(&r);
		size_t len = read_u8(&r);

		put_object(t->m, t->row->object, to, to_count);
		plant_put(t->m->object, ", read ");
		put_object(t->m, t->row->object, from, from_count);
		put_registers(t->m, read_bytes(&r, len));
		return !r.bad && r.rest.len == 0 && len == (size_t)to_count * 2;
	}
	put_registers(t->m, read_bytes(&r, read_u8(&r)));
	return !r.bad && r.rest.len == 0;
}

static bool shape_fifo(struct talk *t)
{
	struct reader r = {.rest = t->pdu.data};

	if (t->request) {
		plant_put(t->m->object, "fifo %u", read_u16(&r));
	} else {
		size_t len = read_u16(&r), count = read_u16(&r);

		if (count > FIFO_MAX || len != 2 + count * 2)
			return false;
		put_registers(t->m, read_bytes(&r, count * 2));
	}
	return !r.bad && r.rest.len == 0;
}

/* Section 6.14: byte count, then groups of type 6, file, record, length. */
static bool shape_get(struct talk *t)
{
	struct reader r = {.rest = t->pdu.data};
	struct reader groups = {.rest = read_bytes(&r, read_u8(&r))};

	for (unsigned k = 0; groups.rest.len > 0 && !groups.bad; k++) {
		if (t->request) {
			unsigned type = read_u8(&groups), file = read_u16(&groups);
			unsigned record = read_u16(&groups), count = read_u16(&groups);

			plant_put(t->m->object, "%sfile %u record %u..%u", k == 0 ? "" : ", ", file,
				record, record + (count == 0 ? 0 : count - 1));
			if (type != 6)
				return false;
		} else {
			size_t len = read_u8(&groups);

			if (len == 0)
				return false;
			read_u8(&groups); /* type */
			if (k > 0)
				plant_put(t->m->value, ",");
			put_registers(t->m, read_bytes(&groups, len - 1));
		}
	}
	return !r.bad && !groups.bad && r.rest.len == 0;
}

static bool shape_put(struct talk *t)
{
	struct reader r = {.rest = t->pdu.data};
	struct reader groups = {.rest = read_bytes(&r, read_u8(&r))};

	for (unsigned k = 0; groups.rest.len > 0 && !groups.bad; k++) {
		unsigned type = read_u8(&groups), file = read_u16(&groups);
		unsigned record = read_u16(&groups), count = read_u16(&groups);

		plant_put(t->m->object, "%sfile %u record %u..%u", k == 0 ? "" : ", ", file, record,
			record + (count == 0 ? 0 : count - 1));
		if (k > 0)
			plant_put(t->m->value, ",");
		put_registers(t->m, read_bytes(&groups, (size_t)count * 2));
		if (type != 6)
			return false;
	}
	return !r.bad && !groups.bad && r.rest.len == 0;
}

static bool shape_diag(struct talk *t)
{
	struct reader r = {.rest = t->pdu.data};
	const struct plant_function *f = PLANT_FUNCTION(diagnostics, read_u16(&r));

	if (f != NULL) {
		t->m->function = f->name;
		t->m->operation = f->operation;
	}
	plant_put_hex(t->m->value, r.rest);
	return !r.bad;
}

/* Section 6.21: objects of an answer are id, length, text. */
static bool shape_mei(struct talk *t)
{
	struct reader r = {.rest = t->pdu.data};
	uint8_t type = read_u8(&r);

	if (type == 13) {
		t->m->function = "encapsulated interface: canopen general reference";
		plant_put_hex(t->m->value, r.rest);
		return !r.bad;
	}
	if (type != 14) {
		plant_put(t->m->object, "type %u", type);
		return !r.bad;
	}
	t->m->function = "encapsulated interface: read device identification";
	t->m->operation = PLANT_BROWSE;
	if (t->request) {
		unsigned code = read_u8(&r), object = read_u8(&r);

		plant_put(t->m->object, "%s from %u",
			code == 1   ? "basic"
			: code == 2 ? "regular"
			: code == 3 ? "extended"
				    : "one object",
			object);
	} else {
		unsigned count;

		read_bytes(&r, 4); /* code, conformity, more follows, next object */
		count = read_u8(&r);
		for (unsigned k = 0; k < count && !r.bad; k++) {
			unsigned id = read_u8(&r);
			struct slice text = read_bytes(&r, read_u8(&r));

			plant_put(t->m->value, "%s", k == 0 ? "" : ", ");
			if (id < COUNT_OF(identity_objects))
				plant_put(t->m->value, "%s ", identity_objects[id]);
			else
				plant_put(t->m->value, "object %u ", id);
			plant_put_text(t->m->value, text);
		}
	}
	return !r.bad && r.rest.len == 0;
}

static bool shape_empty(struct talk *t)
{
	if (t->request)
		return t->pdu.data.len == 0;
	/* the server's id is text in practice; counters and status are numbers */
	if (t->pdu.function == 17 && t->pdu.data.len > 1)
		plant_put_text(t->m->value, slice_cut(t->pdu.data, 1, t->pdu.data.len));
	else
		plant_put_hex(t->m->value, t->pdu.data);
	return t->pdu.data.len > 0;
}

static bool shape_none(struct talk *t)
{
	plant_put_hex(t->m->value, t->pdu.data);
	return true;
}

static bool shape_umas(struct talk *t)
{
	struct modbus_asked *asked =
		t->request ? asked_new(t->state, &t->pdu) : asked_find(t->state, &t->pdu);

	return modbus_umas(t->pdu.data, t->request, asked, t->m);
}

static bool (*const shapes[])(struct talk *t) = {
	[SHAPE_NONE] = shape_none,
	[SHAPE_READ] = shape_read,
	[SHAPE_ONE] = shape_one,
	[SHAPE_MANY] = shape_many,
	[SHAPE_MASK] = shape_mask,
	[SHAPE_BOTH] = shape_both,
	[SHAPE_FIFO] = shape_fifo,
	[SHAPE_GET] = shape_get,
	[SHAPE_PUT] = shape_put,
	[SHAPE_DIAG] = shape_diag,
	[SHAPE_EMPTY] = shape_empty,
	[SHAPE_MEI] = shape_mei,
	[SHAPE_UMAS] = shape_umas,
};

/* ---- messages -------------------------------------------------------------------------------- */

static bool decode(struct plant_decoder *d, struct slice message)
{
	struct reader r = {.rest = message};
	struct plant_message m = {.protocol = PLANT_MODBUS, .function = PLANT_FUNCTION_UNKNOWN};
	struct talk t = {.state = d->state, .m = &m};
	bool exception, good;
	uint8_t function;

	t.pdu.transaction = read_u16(&r);
	read_bytes(&r, 4);
	t.pdu.unit = read_u8(&r);
	function = read_u8(&r);
	if (r.bad)
		return false;
	exception = (function & FUNCTION_EXCEPTION) != 0;
	t.pdu.function = function & (FUNCTION_EXCEPTION - 1);
	t.pdu.data = r.rest;
	t.row = row_find(t.pdu.function);
	m.direction = role_of(t.state, d->direction, t.row, exception, t.pdu.data);
	t.request = m.direction == PLANT_REQUEST;
	m.code = t.pdu.function;
	plant_put(m.unit, "%u", t.pdu.unit);
	if (t.row != NULL) {
		m.function = t.row->name;
		m.operation = t.row->operation;
	} else if (user_defined(t.pdu.function)) {
		m.function = "user defined function";
	}
	if (exception) {
		uint8_t code = read_u8(&r);
		const struct plant_function *f = PLANT_FUNCTION(exceptions, code);
		const struct modbus_asked *asked = asked_find(t.state, &t.pdu);

		m.refused = true;
		if (asked != NULL && t.row != NULL && t.row->object != NULL)
			put_object(&m, t.row->object, asked->address, asked->count);
		plant_put(m.value, "%s (%u)", f != NULL ? f->name : "exception", code);
		good = !r.bad;
	} else {
		good = shapes[t.row != NULL ? t.row->shape : SHAPE_NONE](&t);
	}
	/* What contradicts itself was sent to a device all the same. */
	if (!good)
		plant_put_malformed(&m);
	plant_tell(d, &m);
	return good;
}

/* Modbus over UDP: the same message in one datagram. */
static bool datagram(struct plant_decoder *d, struct slice bytes)
{
	size_t len = 0;

	return frame(bytes, &len) == PLANT_FRAME_KNOWN && len == bytes.len && decode(d, bytes);
}

const struct plant_row plant_row_modbus = {
	.name = "modbus",
	.stream_ports = {{502, 502}},
	.datagram_ports = {{502, 502}},
	.starts = starts,
	.opens = opens,
	.head_bytes = HEADER_BYTES + 1,
	.frame = frame,
	.decode = decode,
	.datagram = datagram,
	.state_bytes = sizeof(struct modbus_state),
};
