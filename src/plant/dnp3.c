/* SPDX-License-Identifier: MPL-2.0 */
/*
 * DNP3 (IEEE 1815-2012): link frames with checked CRCs, transport segments put together, and the
 * application's functions. Objects are in dnp3_object.c.
 *
 *   offset  size  field     (little-endian; clause 9.2)
 *        0     2  start     05 64
 *        2     1  length    5..255: control, addresses and user data, without CRCs
 *        3     1  control   80 from a master, 40 primary, 0f function
 *        4     2  to
 *        6     2  from
 *        8     2  CRC of the eight before
 *       10     n  user data in blocks of 16, each with its CRC
 */
#include "dnp3.h"

#define HEADER_BYTES         10
#define LENGTH_MIN           5
#define BLOCK_BYTES          16
#define CRC_BYTES            2
#define USER_MAX             250
#define CONTROL_MASTER       0x80
#define CONTROL_PRIMARY      0x40
#define CONTROL_FUNCTION     0x0f
#define LINK_USER_DATA       3 /* confirmed; 4: not */
#define LINK_USER_DATA_QUIET 4
#define TRANSPORT_FINAL      0x80
#define TRANSPORT_FIRST      0x40
#define TRANSPORT_SEQUENCE   0x3f
#define ADDRESS_SELF         0xfffc
#define ADDRESS_BROADCAST    0xfffd /* and the two above it */

/* Numbers of link functions in plant_message.code, clear of the application's one byte. */
#define CODE_LINK_PRIMARY   0x100u
#define CODE_LINK_SECONDARY 0x200u

/* Clause 9.2.4.1.3. */
static const struct plant_function link_functions[] = {
	{CODE_LINK_PRIMARY + 0,    "link: reset states",    PLANT_OTHER},
	{CODE_LINK_PRIMARY + 1,    "link: reset user",      PLANT_OTHER},
	{CODE_LINK_PRIMARY + 2,    "link: test",            PLANT_OTHER},
	{CODE_LINK_PRIMARY + 9,    "link: request status",  PLANT_OTHER},
	{CODE_LINK_SECONDARY + 0,  "link: acknowledged",    PLANT_OTHER},
	{CODE_LINK_SECONDARY + 1,  "link: refused",         PLANT_OTHER},
	{CODE_LINK_SECONDARY + 11, "link: status",          PLANT_OTHER},
	{CODE_LINK_SECONDARY + 14, "link: not functioning", PLANT_OTHER},
	{CODE_LINK_SECONDARY + 15, "link: not supported",   PLANT_OTHER},
};

/* Clause 4.4 and table 4-2. Freezing copies, or copies and clears, what counters show. */
static const struct plant_function functions[] = {
	{0,   "confirm",		       PLANT_OTHER    },
	{1,   "read",			  PLANT_READ     },
	{2,   "write",			 PLANT_WRITE    },
	{3,   "select",			PLANT_OPERATE  },
	{4,   "operate",		       PLANT_OPERATE  },
	{5,   "direct operate",                PLANT_OPERATE  },
	{6,   "direct operate, no answer",     PLANT_OPERATE  },
	{7,   "freeze",			PLANT_WRITE    },
	{8,   "freeze, no answer",             PLANT_WRITE    },
	{9,   "freeze and clear",              PLANT_WRITE    },
	{10,  "freeze and clear, no answer",   PLANT_WRITE    },
	{11,  "freeze at time",                PLANT_WRITE    },
	{12,  "freeze at time, no answer",     PLANT_WRITE    },
	{13,  "cold restart",                  PLANT_RESTART  },
	{14,  "warm restart",                  PLANT_RESTART  },
	{15,  "initialize data",               PLANT_CONFIGURE},
	{16,  "initialize application",        PLANT_RESTART  },
	{17,  "start application",             PLANT_START    },
	{18,  "stop application",              PLANT_STOP     },
	{19,  "save configuration",            PLANT_CONFIGURE},
	{20,  "enable unsolicited responses",  PLANT_MODE     },
	{21,  "disable unsolicited responses", PLANT_MODE     },
	{22,  "assign class",                  PLANT_CONFIGURE},
	{23,  "delay measurement",             PLANT_OTHER    },
	{24,  "record current time",           PLANT_TIME     },
	{25,  "open file",                     PLANT_UPLOAD   },
	{26,  "close file",                    PLANT_OTHER    },
	{27,  "delete file",                   PLANT_DELETE   },
	{28,  "get file information",          PLANT_BROWSE   },
	{29,  "authenticate file",             PLANT_OTHER    },
	{30,  "abort file transfer",           PLANT_OTHER    },
	{31,  "activate configuration",        PLANT_CONFIGURE},
	{32,  "authentication request",        PLANT_OTHER    },
	{33,  "authentication, no answer",     PLANT_OTHER    },
	{129, "response",                      PLANT_READ     },
	{130, "unsolicited response",          PLANT_REPORT   },
	{131, "authentication response",       PLANT_OTHER    },
};

/* Internal indications, clause 4.5, bit 0 of the first byte first. */
static const char *const indications[16] = {"broadcast", "class 1 events", "class 2 events",
	"class 3 events", "need time", "local control", "device trouble", "restart",
	"function not supported", "object unknown", "parameter error", "event buffer overflow",
	"already executing", "configuration corrupt", "reserved 1", "reserved 2"};
#define INDICATIONS_REFUSAL 0x1700 /* function, object, parameter, already executing */

/* Segments of one direction until the last is there. Several outstations may share a connection;
 * frames of another pair of addresses begin anew. */
struct assembly {
	struct plant_held held;
	bool running;
	uint8_t sequence; /* of the last segment */
	uint16_t to, from;
};

struct dnp3_state {
	struct assembly ways[2];
	/* What was asked last under each application sequence number: an answer does not say. */
	uint8_t asked[16];
};

/* ---- link ------------------------------------------------------------------------------------ */

/* Annex E: polynomial 0x3d65, reflected, complemented at the end; a nibble at a time. */
static uint16_t crc_of(struct slice bytes)
{
	static const uint16_t table[16] = {0x0000, 0xb26b, 0x29af, 0x9bc4, 0x535e, 0xe135, 0x7af1,
		0xc89a, 0xa6bc, 0x14d7, 0x8f13, 0x3d78, 0xf5e2, 0x4789, 0xdc4d, 0x6e26};
	unsigned crc = 0;

	for (size_t k = 0; k < bytes.len; k++) {
		crc ^= (unsigned char)bytes.data[k];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return (uint16_t)~crc;
}

static bool crc_good(struct slice bytes, struct reader *crc)
{
	return plant_u16le(crc) == crc_of(bytes) && !crc->bad;
}

static bool header_good(struct slice bytes)
{
	struct reader crc = {.rest = slice_cut(bytes, 8, HEADER_BYTES)};

	return crc_good(slice_cut(bytes, 0, 8), &crc);
}

static bool starts(struct slice head)
{
	static const uint8_t sync[2] = {0x05, 0x64};

	if (memcmp(head.data, sync, head.len < 2 ? head.len : 2) != 0)
		return false;
	if (head.len >= 3 && (uint8_t)head.data[2] < LENGTH_MIN)
		return false;
	return head.len < HEADER_BYTES || header_good(head);
}

/* Devices skip noise until a header has its checksum (clause 9.2.4.1), so it hides nothing here. */
static bool opens(struct slice head)
{
	for (size_t at = 1; at + HEADER_BYTES <= head.len; at++) {
		if (starts(slice_cut(head, at, head.len)))
			return true;
	}
	return false;
}

static enum plant_frame frame(struct slice bytes, size_t *ret_len)
{
	size_t user;

	if (!starts(bytes))
		return PLANT_FRAME_LOST;
	if (bytes.len < HEADER_BYTES)
		return PLANT_FRAME_MORE;
	user = (size_t)(uint8_t)bytes.data[2] - LENGTH_MIN;
	*ret_len = HEADER_BYTES + user + (user + BLOCK_BYTES - 1) / BLOCK_BYTES * CRC_BYTES;
	return PLANT_FRAME_KNOWN;
}

struct link {
	uint8_t control;
	uint16_t to, from;
	size_t user_len;
	char user[USER_MAX];
};

/* User data without its CRCs. False: one of them is wrong. */
static bool link_read(struct slice message, struct link *ret_link)
{
	struct reader r = {.rest = message};
	struct link *l = ret_link;
	size_t user;

	read_u16(&r);
	user = (size_t)read_u8(&r) - LENGTH_MIN;
	l->control = read_u8(&r);
	l->to = plant_u16le(&r);
	l->from = plant_u16le(&r);
	read_u16(&r); /* checked by frame() */
	l->user_len = 0;
	while (l->user_len < user && !r.bad) {
		size_t len = user - l->user_len < BLOCK_BYTES ? user - l->user_len : BLOCK_BYTES;
		struct slice block = read_bytes(&r, len);

		if (!crc_good(block, &r))
			return false;
		memcpy(l->user + l->user_len, block.data, len);
		l->user_len += len;
	}
	return !r.bad;
}

static void put_unit(struct plant_message *m, const struct link *l)
{
	uint16_t outstation = (l->control & CONTROL_MASTER) != 0 ? l->to : l->from;

	if (outstation >= ADDRESS_BROADCAST)
		plant_put(m->unit, "broadcast");
	else if (outstation == ADDRESS_SELF)
		plant_put(m->unit, "self");
	else
		plant_put(m->unit, "%u", outstation);
}

static void tell_link(struct plant_decoder *d, const struct link *l)
{
	bool primary = (l->control & CONTROL_PRIMARY) != 0;
	uint32_t code = (primary ? CODE_LINK_PRIMARY : CODE_LINK_SECONDARY) |
			(uint32_t)(l->control & CONTROL_FUNCTION);
	const struct plant_function *f = PLANT_FUNCTION(link_functions, code);
	struct plant_message m = {.protocol = PLANT_DNP3, .code = code};

	m.function = f != NULL ? f->name : "link: " PLANT_FUNCTION_UNKNOWN;
	m.direction = primary ? PLANT_REQUEST : PLANT_RESPONSE;
	m.refused = code == CODE_LINK_SECONDARY + 1 || code == CODE_LINK_SECONDARY + 15;
	put_unit(&m, l);
	plant_tell(d, &m);
}

/* ---- application ----------------------------------------------------------------------------- */

static void put_indications(struct plant_message *m, uint16_t bits)
{
	const char *before = m->value[0] == 0 ? "iin " : ", iin ";

	for (unsigned k = 0; k < COUNT_OF(indications); k++) {
		if ((bits >> k & 1) != 0) {
			plant_put(m->value, "%s%s", before, indications[k]);
			before = ", ";
		}
	}
}

/*
 *   offset  size  field      (clause 4.2.2)
 *        0     1  control    80 first, 40 final, 20 confirm, 10 unsolicited, 0f sequence
 *        1     1  function
 *        2     2  indications, of answers only
 *        .     n  objects
 */
static bool application(struct plant_decoder *d, const struct link *l, struct slice bytes)
{
	struct dnp3_state *s = d->state;
	struct reader r = {.rest = bytes};
	struct plant_message m = {.protocol = PLANT_DNP3, .function = PLANT_FUNCTION_UNKNOWN};
	uint8_t control = read_u8(&r), code = read_u8(&r);
	bool answer = code >= DNP3_RESPONSE, good = true;
	const struct plant_function *f = PLANT_FUNCTION(functions, code);
	uint16_t bits = answer ? plant_u16le(&r) : 0;

	if (bytes.len < 2)
		return false;
	m.code = code;
	m.direction = code == DNP3_UNSOLICITED ? PLANT_UNSOLICITED
		      : answer                 ? PLANT_RESPONSE
					       : PLANT_REQUEST;
	put_unit(&m, l);
	if (f != NULL) {
		m.function = f->name;
		m.operation = f->operation;
		good = dnp3_objects(r.rest, code, &m);
	}
	if (code == DNP3_RESPONSE) {
		/* nothing asked that was seen: values are a read, none are a mere "done" */
		uint8_t asked = s->asked[control & 15];

		m.operation = asked != 0       ? (enum plant_operation)(asked - 1)
			      : r.rest.len > 0 ? PLANT_READ
					       : PLANT_OTHER;
	} else if (!answer && code != 0) {
		s->asked[control & 15] = (uint8_t)(m.operation + 1);
	}
	if (answer) {
		put_indications(&m, bits);
		m.refused = m.refused || (bits & INDICATIONS_REFUSAL) != 0;
		good = good && !r.bad;
	} else {
		m.refused = false; /* a status in a request refuses nothing */
	}
	if (!good)
		plant_put_malformed(&m);
	plant_tell(d, &m);
	return good;
}

/* ---- transport: clause 8 --------------------------------------------------------------------- */

static bool transport(struct plant_decoder *d, const struct link *l)
{
	struct assembly *a = &((struct dnp3_state *)d->state)->ways[d->direction];
	struct slice user = {l->user, l->user_len};
	uint8_t head;
	bool good = true;

	if (user.len == 0)
		return false;
	head = (uint8_t)user.data[0];
	user = slice_cut(user, 1, user.len);
	if ((head & TRANSPORT_FIRST) != 0) {
		plant_held_drop(&a->held, a->held.len);
		if ((head & TRANSPORT_FINAL) != 0) {
			a->running = false;
			return application(d, l, user);
		}
		a->running = true;
		a->to = l->to;
		a->from = l->from;
	} else {
		/* a segment sent again is not taken twice; one that does not fit ends the whole */
		if (a->running && a->to == l->to && a->from == l->from &&
			(head & TRANSPORT_SEQUENCE) == a->sequence)
			return true;
		if (!a->running || a->to != l->to || a->from != l->from ||
			(head & TRANSPORT_SEQUENCE) != ((a->sequence + 1) & TRANSPORT_SEQUENCE)) {
			a->running = false;
			return true;
		}
	}
	a->sequence = head & TRANSPORT_SEQUENCE;
	if (!plant_held_add(&a->held, user)) {
		a->running = false;
		return false;
	}
	if ((head & TRANSPORT_FINAL) != 0) {
		good = application(d, l, plant_held_slice(&a->held));
		a->running = false;
		plant_held_drop(&a->held, a->held.len);
	}
	return good;
}

static bool decode(struct plant_decoder *d, struct slice message)
{
	struct link l;
	unsigned function;

	if (!link_read(message, &l))
		return false;
	function = l.control & CONTROL_FUNCTION;
	if ((l.control & CONTROL_PRIMARY) != 0 &&
		(function == LINK_USER_DATA || function == LINK_USER_DATA_QUIET))
		return transport(d, &l);
	tell_link(d, &l);
	return true;
}

/* Over UDP: whole frames in one datagram. */
static bool datagram(struct plant_decoder *d, struct slice bytes)
{
	bool good = bytes.len > 0;

	while (bytes.len > 0) {
		size_t len = 0;

		if (frame(bytes, &len) != PLANT_FRAME_KNOWN || len > bytes.len)
			return false;
		if (!decode(d, slice_cut(bytes, 0, len)))
			good = false;
		bytes = slice_cut(bytes, len, bytes.len);
	}
	return good;
}

static void state_gap(void *state, unsigned direction)
{
	struct assembly *a = &((struct dnp3_state *)state)->ways[direction];

	plant_held_fini(&a->held);
	a->running = false;
}

static void state_fini(void *state)
{
	state_gap(state, 0);
	state_gap(state, 1);
}

const struct plant_row plant_row_dnp3 = {
	.name = "dnp3",
	.stream_ports = {{20000, 20000}},
	.datagram_ports = {{20000, 20000}},
	.starts = starts,
	.opens = opens,
	.head_bytes = HEADER_BYTES,
	.frame = frame,
	.decode = decode,
	.datagram = datagram,
	.state_bytes = sizeof(struct dnp3_state),
	.state_gap = state_gap,
	.state_fini = state_fini,
};
