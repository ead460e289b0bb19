/* SPDX-License-Identifier: MPL-2.0 */
/*
 * BACnet/IP (ANSI/ASHRAE 135-2020): the virtual link of annex J, the network layer of clause 6 with
 * its routing, and the services of clauses 13 to 17. Everything is in the datagram, so nothing is
 * remembered; of a message in segments the first is read as far as it goes, the others are named.
 *
 *   offset  size  field      (big-endian; annex J.2)
 *        0     1  type       81
 *        1     1  function
 *        2     2  length     of the whole datagram
 *        4     n  NPDU       clause 6.2: version 1, control, addresses, hops, APDU
 */
#include "bacnet.h"

#define BVLC_TYPE    0x81
#define HEADER_BYTES 4
#define BVLC_MAX     0x0c /* the highest function */
#define NET_MESSAGE  0x80 /* of the NPDU's control */
#define NET_TO       0x20
#define NET_FROM     0x08
#define NET_ALL      0xffff
#define APDU_SEGMENT 0x08
#define APDU_MORE    0x04

/* plant_message.code: confirmed services as they are numbered, the others behind them. */
#define CODE_UNCONFIRMED 0x100u
#define CODE_NETWORK     0x200u
#define CODE_LINK        0x300u
#define CODE_PDU         0x400u

struct service {
	uint32_t code;
	enum plant_operation operation;
	enum plant_direction direction; /* of the unconfirmed */
	const char *name;
	const char *asks; /* shapes of bacnet_parameters; NULL: not read */
	const char *answers;
};

static const struct service services[] = {
	{0,		     PLANT_WRITE,     0,                 "acknowledge-alarm",                   "1O",               NULL           },
	{1,		     PLANT_REPORT,    0,                 "confirmed-cov-notification",          "2O4{0P1I2V}",      NULL           },
	{2,		     PLANT_REPORT,    0,                 "confirmed-event-notification",        "2O",               NULL           },
	{3,		     PLANT_READ,      0,                 "get-alarm-summary",                   "",                 ""             },
	{4,		     PLANT_READ,      0,                 "get-enrollment-summary",              NULL,               NULL           },
	{5,		     PLANT_OTHER,     0,                 "subscribe-cov",                       "1O",               NULL           },
	{6,		     PLANT_UPLOAD,    0,                 "atomic-read-file",                    "0V1V",             "0V1V"         },
	{7,		     PLANT_DOWNLOAD,  0,                 "atomic-write-file",                   "0V1V",             "0N1N"         },
	{8,		     PLANT_WRITE,     0,                 "add-list-element",                    "0O1P2I3V",         NULL           },
	{9,		     PLANT_WRITE,     0,                 "remove-list-element",                 "0O1P2I3V",         NULL           },
	{10,		    PLANT_CONFIGURE, 0,                 "create-object",                       "0{0N1O}1{0P1I2V}", ""             },
	{11,		    PLANT_DELETE,    0,                 "delete-object",                       "",                 NULL           },
	{12,		    PLANT_READ,      0,                 "read-property",                       "0O1P2I",           "0O1P2I3V"     },
	{13,		    PLANT_READ,      0,                 "read-property-conditional",           NULL,               NULL           },
	{14,		    PLANT_READ,      0,                 "read-property-multiple",              "0O1{0P1I}",        "0O1{2P3I4V5V}"},
	{15,		    PLANT_WRITE,     0,                 "write-property",                      "0O1P2I3V4p",       NULL           },
	{16,		    PLANT_WRITE,     0,                 "write-property-multiple",             "0O1{0P1I2V3p}",    NULL           },
	{17,		    PLANT_MODE,      0,                 "device-communication-control",        "",                 NULL           },
	{18,		    PLANT_OTHER,     0,                 "confirmed-private-transfer",          "0N1N2V",           "0N1N2V"       },
	{19,		    PLANT_OTHER,     0,                 "confirmed-text-message",              NULL,               NULL           },
	{20,		    PLANT_RESTART,   0,                 "reinitialize-device",                 "",                 NULL           },
	{21,		    PLANT_OTHER,     0,                 "vt-open",                             "",                 ""             },
	{22,		    PLANT_OTHER,     0,                 "vt-close",                            "",                 NULL           },
	{23,		    PLANT_OTHER,     0,                 "vt-data",                             NULL,               NULL           },
	{24,		    PLANT_OTHER,     0,                 "authenticate",                        NULL,               NULL           },
	{25,		    PLANT_OTHER,     0,                 "request-key",                         NULL,               NULL           },
	{26,		    PLANT_READ,      0,                 "read-range",                          "0O1P2I",           "0O1P2I5V"     },
	{27,		    PLANT_OPERATE,   0,                 "life-safety-operation",               "2N3O",             NULL           },
	{28,		    PLANT_OTHER,     0,                 "subscribe-cov-property",              "1O4{0P1I}",        NULL           },
	{29,		    PLANT_READ,      0,                 "get-event-information",               "0O",               "0{0O}"        },
	{30,		    PLANT_OTHER,     0,                 "subscribe-cov-property-multiple",     NULL,               NULL           },
	{31,		    PLANT_REPORT,    0,                 "confirmed-cov-notification-multiple", NULL,               NULL           },
	{32,		    PLANT_REPORT,    0,                 "confirmed-audit-notification",        NULL,               NULL           },
	{33,		    PLANT_READ,      0,                 "audit-log-query",                     NULL,               NULL           },
	{CODE_UNCONFIRMED + 0,  PLANT_BROWSE,    PLANT_RESPONSE,    "i-am",                                "",                 NULL           },
	{CODE_UNCONFIRMED + 1,  PLANT_BROWSE,    PLANT_RESPONSE,    "i-have",                              "",                 NULL           },
	{CODE_UNCONFIRMED + 2,  PLANT_REPORT,    PLANT_UNSOLICITED, "unconfirmed-cov-notification",
         "2O4{0P1I2V}",													NULL           },
	{CODE_UNCONFIRMED + 3,  PLANT_REPORT,    PLANT_UNSOLICITED, "unconfirmed-event-notification",
         "2O",														 NULL           },
	{CODE_UNCONFIRMED + 4,  PLANT_OTHER,     PLANT_REQUEST,     "unconfirmed-private-transfer",        "0N1N2V",
         NULL																 },
	{CODE_UNCONFIRMED + 5,  PLANT_OTHER,     PLANT_REQUEST,     "unconfirmed-text-message",            NULL,               NULL           },
	{CODE_UNCONFIRMED + 6,  PLANT_TIME,      PLANT_REQUEST,     "time-synchronization",                "",                 NULL           },
	{CODE_UNCONFIRMED + 7,  PLANT_BROWSE,    PLANT_REQUEST,     "who-has",                             "0N1N2O",           NULL           },
	{CODE_UNCONFIRMED + 8,  PLANT_BROWSE,    PLANT_REQUEST,     "who-is",                              "0N1N",             NULL           },
	{CODE_UNCONFIRMED + 9,  PLANT_TIME,      PLANT_REQUEST,     "utc-time-synchronization",            "",                 NULL           },
	{CODE_UNCONFIRMED + 10, PLANT_WRITE,     PLANT_REQUEST,     "write-group",                         "0N1N",             NULL           },
	{CODE_UNCONFIRMED + 11, PLANT_REPORT,    PLANT_UNSOLICITED,
         "unconfirmed-cov-notification-multiple",							  NULL,               NULL           },
	{CODE_UNCONFIRMED + 12, PLANT_REPORT,    PLANT_UNSOLICITED, "unconfirmed-audit-notification",
         NULL,														 NULL           },
	{CODE_UNCONFIRMED + 13, PLANT_BROWSE,    PLANT_REQUEST,     "who-am-i",                            "",                 NULL           },
	{CODE_UNCONFIRMED + 14, PLANT_CONFIGURE, PLANT_REQUEST,     "you-are",                             "",                 NULL           },
};

enum { SERVICE_WRITE = 15, SERVICE_COMMUNICATION = 17, SERVICE_REINITIALIZE = 20 };

/* Annex J.2. A foreign device asks to be sent broadcasts; the tables say where they go. */
static const struct plant_function links[] = {
	{CODE_LINK + 0x00, "bvlc: result",                       PLANT_OTHER    },
	{CODE_LINK + 0x01, "bvlc: write broadcast distribution", PLANT_CONFIGURE},
	{CODE_LINK + 0x02, "bvlc: read broadcast distribution",  PLANT_READ     },
	{CODE_LINK + 0x03, "bvlc: broadcast distribution",       PLANT_READ     },
	{CODE_LINK + 0x04, "bvlc: forwarded",                    PLANT_OTHER    },
	{CODE_LINK + 0x05, "bvlc: register foreign device",      PLANT_CONFIGURE},
	{CODE_LINK + 0x06, "bvlc: read foreign devices",         PLANT_READ     },
	{CODE_LINK + 0x07, "bvlc: foreign devices",              PLANT_READ     },
	{CODE_LINK + 0x08, "bvlc: delete foreign device",        PLANT_CONFIGURE},
	{CODE_LINK + 0x09, "bvlc: distribute broadcast",         PLANT_OTHER    },
	{CODE_LINK + 0x0a, "bvlc: unicast",                      PLANT_OTHER    },
	{CODE_LINK + 0x0b, "bvlc: broadcast",                    PLANT_OTHER    },
	{CODE_LINK + 0x0c, "bvlc: secured",                      PLANT_OTHER    },
};
enum {
	LINK_RESULT = 0,
	LINK_TABLE = 3,
	LINK_FORWARDED = 4,
	LINK_DEVICES = 7,
	LINK_DISTRIBUTE = 9,
	LINK_UNICAST = 10,
	LINK_BROADCAST = 11
};

/* Clause 6.2.4. */
static const struct plant_function networks[] = {
	{CODE_NETWORK + 0x00, "network: who-is-router",            PLANT_BROWSE   },
	{CODE_NETWORK + 0x01, "network: i-am-router",              PLANT_BROWSE   },
	{CODE_NETWORK + 0x02, "network: i-could-be-router",        PLANT_BROWSE   },
	{CODE_NETWORK + 0x03, "network: reject message",           PLANT_OTHER    },
	{CODE_NETWORK + 0x04, "network: router busy",              PLANT_OTHER    },
	{CODE_NETWORK + 0x05, "network: router available",         PLANT_OTHER    },
	{CODE_NETWORK + 0x06, "network: initialize routing table", PLANT_CONFIGURE},
	{CODE_NETWORK + 0x07, "network: routing table",            PLANT_READ     },
	{CODE_NETWORK + 0x08, "network: establish connection",     PLANT_CONFIGURE},
	{CODE_NETWORK + 0x09, "network: disconnect connection",    PLANT_CONFIGURE},
	{CODE_NETWORK + 0x12, "network: what-is-network-number",   PLANT_BROWSE   },
	{CODE_NETWORK + 0x13, "network: network-number-is",        PLANT_BROWSE   },
};

static const struct plant_function rejects[] = {
	{0, "other",		       PLANT_OTHER},
	{1, "buffer overflow",             PLANT_OTHER},
	{2, "inconsistent parameters",     PLANT_OTHER},
	{3, "invalid parameter data type", PLANT_OTHER},
	{4, "invalid tag",                 PLANT_OTHER},
	{5, "missing required parameter",  PLANT_OTHER},
	{6, "parameter out of range",      PLANT_OTHER},
	{7, "too many arguments",          PLANT_OTHER},
	{8, "undefined enumeration",       PLANT_OTHER},
	{9, "unrecognized service",        PLANT_OTHER},
};

/* Clause 16.4: states to which a device is told to go. */
static const struct plant_function reinitializations[] = {
	{0, "coldstart",        PLANT_RESTART  },
	{1, "warmstart",        PLANT_RESTART  },
	{2, "start backup",     PLANT_UPLOAD   },
	{3, "end backup",       PLANT_UPLOAD   },
	{4, "start restore",    PLANT_DOWNLOAD },
	{5, "end restore",      PLANT_DOWNLOAD },
	{6, "abort restore",    PLANT_DOWNLOAD },
	{7, "activate changes", PLANT_CONFIGURE},
};

/* Clause 16.1. */
static const char *const communications[] = {"enable", "disable", "disable initiation"};

/* Values of program-change (clause 12.22). */
static const struct plant_function program_changes[] = {
	{0, "ready",   PLANT_MODE    },
	{1, "load",    PLANT_DOWNLOAD},
	{2, "run",     PLANT_START   },
	{3, "halt",    PLANT_STOP    },
	{4, "restart", PLANT_RESTART },
	{5, "unload",  PLANT_DELETE  },
};

static const struct service *service_find(uint32_t code)
{
	for (size_t k = 0; k < COUNT_OF(services); k++) {
		if (services[k].code == code)
			return &services[k];
	}
	return NULL;
}

/* ---- services -------------------------------------------------------------------------------- */

/* Services of which a parameter says what is done. */
static void refine(uint32_t code, struct slice bytes, struct plant_message *m)
{
	const struct plant_function *f = NULL;
	uint32_t number;

	switch (code) {
	case SERVICE_COMMUNICATION:
		if (!bacnet_number(bytes, 1, &number))
			break;
		plant_put(m->value, "%s",
			number < COUNT_OF(communications) ? communications[number] : "undefined");
		if (bacnet_number(bytes, 0, &number))
			plant_put(m->value, " for %u minutes", number);
		break;
	case SERVICE_REINITIALIZE:
		if (!bacnet_number(bytes, 0, &number))
			break;
		f = PLANT_FUNCTION(reinitializations, number);
		plant_put(m->value, "%s", f != NULL ? f->name : "undefined");
		break;
	case SERVICE_WRITE:
		if (!bacnet_number(bytes, 1, &number))
			break;
		if (number == BACNET_PROPERTY_PROGRAM_CHANGE) {
			if (bacnet_number(bytes, 3, &number))
				f = PLANT_FUNCTION(program_changes, number);
			if (f != NULL)
				plant_put(m->value, " (%s)", f->name);
		} else if (number == BACNET_PROPERTY_OUT_OF_SERVICE) {
			m->operation = PLANT_MODE;
		} else if (number == BACNET_PROPERTY_OBJECT_NAME) {
			m->operation = PLANT_CONFIGURE;
		}
		break;
	default:
		break;
	}
	if (f != NULL)
		m->operation = f->operation;
}

static void name_service(struct plant_message *m, const struct service *s, uint32_t code)
{
	m->code = code;
	if (s != NULL) {
		m->function = s->name;
		m->operation = s->operation;
	}
}

/* A segment, or the whole. False: it contradicts itself. */
static bool parameters(struct plant_message *m, const char *shape, struct slice bytes,
	bool segmented, bool more, unsigned number)
{
	bool good = true;

	/* only the first segment begins where a parameter begins; its end is cut anywhere */
	if (shape != NULL && number == 0)
		good = bacnet_parameters(bytes, shape, m) || more;
	if (segmented)
		plant_put(m->value, "%ssegment %u%s", m->value[0] != 0 ? ", " : "", number,
			more ? "" : ", the last");
	return good;
}

/* Clause 20.1: kind in the upper four bits of the first byte. */
static bool apdu(struct slice bytes, struct plant_message *m)
{
	struct reader r = {.rest = bytes};
	uint8_t head = read_u8(&r);
	unsigned kind = head >> 4, number = 0;
	bool segmented = (head & APDU_SEGMENT) != 0 && (kind == 0 || kind == 3);
	bool more = segmented && (head & APDU_MORE) != 0, good = true;
	const struct service *s;
	uint8_t code;

	if (kind == 0)
		read_u8(&r); /* how large the answer may be */
	if (kind != 1)
		read_u8(&r); /* invoke id */
	if (segmented) {
		number = read_u8(&r);
		read_u8(&r); /* window */
	}
	code = read_u8(&r); /* service; of others a sequence number or a reason */
	if (r.bad || kind > 7)
		return false;
	s = service_find(kind == 1 ? CODE_UNCONFIRMED + code : code);
	m->direction = kind == 0 ? PLANT_REQUEST : PLANT_RESPONSE;
	switch (kind) {
	case 0:
		name_service(m, s, code);
		good = parameters(m, s != NULL ? s->asks : NULL, r.rest, segmented, more, number);
		if (number == 0)
			refine(code, r.rest, m);
		break;
	case 1:
		name_service(m, s, CODE_UNCONFIRMED + code);
		m->direction = s != NULL ? s->direction : PLANT_REQUEST;
		good = parameters(m, s != NULL ? s->asks : NULL, r.rest, false, false, 0);
		break;
	case 2:
		name_service(m, s, code);
		break;
	case 3:
		name_service(m, s, code);
		good = parameters(
			m, s != NULL ? s->answers : NULL, r.rest, segmented, more, number);
		break;
	case 5: /* class and code of the error */
		name_service(m, s, code);
		m->refused = true;
		good = bacnet_error(r.rest, m);
		break;
	case 4:
		m->code = CODE_PDU + kind;
		m->function = "segment acknowledged";
		break;
	default: {
		const struct plant_function *f = PLANT_FUNCTION(rejects, code);

		m->code = CODE_PDU + kind;
		m->function = kind == 6 ? "reject" : "abort";
		m->refused = true;
		if (kind == 6 && f != NULL)
			plant_put(m->value, "%s (%u)", f->name, code);
		else
			plant_put(m->value, "reason %u", code);
	}
	}
	return good;
}

/* ---- network: clause 6.2 --------------------------------------------------------------------- */

struct address {
	bool there;
	uint16_t net;
	struct slice bytes;
};

static struct address read_address(struct reader *r)
{
	struct address a = {.there = true};

	a.net = read_u16(r);
	a.bytes = read_bytes(r, read_u8(r));
	return a;
}

static void put_address(struct plant_message *m, const struct address *a)
{
	if (!a->there)
		return;
	if (a->net == NET_ALL) {
		plant_put(m->unit, "all networks");
		return;
	}
	plant_put(m->unit, "network %u", a->net);
	if (a->bytes.len == 1)
		plant_put(m->unit, " station %u", (uint8_t)a->bytes.data[0]);
	else if (a->bytes.len > 1) {
		plant_put(m->unit, " station ");
		plant_put_hex(m->unit, a->bytes);
	}
}

static bool network_message(struct reader *r, struct plant_message *m)
{
	uint8_t type = read_u8(r);
	const struct plant_function *f = PLANT_FUNCTION(networks, CODE_NETWORK + type);

	m->code = CODE_NETWORK + type;
	m->function = f != NULL ? f->name : "network: " PLANT_FUNCTION_UNKNOWN;
	m->operation = f != NULL ? f->operation : PLANT_OTHER;
	m->direction = type == 1 || type == 2 || type == 7 || type == 0x13 ? PLANT_RESPONSE
									   : PLANT_REQUEST;
	m->refused = type == 3;
	plant_put_hex(m->value, r->rest);
	return !r->bad;
}

static bool npdu(struct slice bytes, struct plant_message *m)
{
	struct reader r = {.rest = bytes};
	uint8_t version = read_u8(&r), control = read_u8(&r);
	struct address to = {0}, from = {0};
	bool good;

	if (version != 1)
		return false;
	if ((control & NET_TO) != 0)
		to = read_address(&r);
	if ((control & NET_FROM) != 0)
		from = read_address(&r);
	if ((control & NET_TO) != 0)
		read_u8(&r); /* hops */
	if (r.bad)
		return false;
	good = (control & NET_MESSAGE) != 0 ? network_message(&r, m) : apdu(r.rest, m);
	/* the device that is spoken to, or that speaks */
	put_address(m, m->direction == PLANT_REQUEST ? &to : &from);
	return good;
}

/* ---- datagrams ------------------------------------------------------------------------------- */

static bool starts(struct slice head)
{
	const uint8_t *b = (const uint8_t *)head.data;

	return b[0] == BVLC_TYPE && (head.len < 2 || b[1] <= BVLC_MAX);
}

static bool link_message(struct slice rest, uint8_t function, struct plant_message *m)
{
	const struct plant_function *f = PLANT_FUNCTION(links, CODE_LINK + function);

	m->code = CODE_LINK + function;
	m->function = f != NULL ? f->name : "bvlc: " PLANT_FUNCTION_UNKNOWN;
	m->operation = f != NULL ? f->operation : PLANT_OTHER;
	m->direction = function == LINK_RESULT || function == LINK_TABLE || function == LINK_DEVICES
			       ? PLANT_RESPONSE
			       : PLANT_REQUEST;
	if (function == LINK_RESULT) {
		struct reader r = {.rest = rest};
		uint16_t code = read_u16(&r);

		m->refused = code != 0;
		plant_put(m->value, "0x%04x", code);
		return !r.bad;
	}
	plant_put_hex(m->value, rest);
	return true;
}

static bool datagram(struct plant_decoder *d, struct slice bytes)
{
	struct reader r = {.rest = bytes};
	struct plant_message m = {.protocol = PLANT_BACNET, .function = PLANT_FUNCTION_UNKNOWN};
	uint8_t type = read_u8(&r), function = read_u8(&r);
	uint16_t length = read_u16(&r);
	bool good;

	if (r.bad || type != BVLC_TYPE || length != bytes.len)
		return false;
	if (function == LINK_FORWARDED)
		read_bytes(&r, 6); /* who sent it: address and port */
	if (function == LINK_FORWARDED || function == LINK_DISTRIBUTE || function == LINK_UNICAST ||
		function == LINK_BROADCAST)
		good = !r.bad && npdu(r.rest, &m);
	else
		good = link_message(r.rest, function, &m);
	if (!good)
		plant_put_malformed(&m);
	plant_tell(d, &m);
	return good;
}

const struct plant_row plant_row_bacnet = {
	.name = "bacnet",
	.datagram_ports = {{47808,
		47823}}, /* 0xbac0 to 0xbacf, as sites with several networks use */
	.starts = starts,
	.head_bytes = HEADER_BYTES,
	.datagram = datagram,
};
