/* SPDX-License-Identifier: MPL-2.0 */
/*
 * IEC 60870-5-104 (edition 2.0), with the ASDUs of IEC 60870-5-101: cause of transmission two
 * bytes, common address two, information object address three, as 104 fixes them.
 *
 *   offset  size  field      (little-endian; 60870-5-104 clause 5)
 *        0     1  start      68
 *        1     1  length     4..253
 *        2     4  control    bit 0 of the first 0: numbered (I), 01: supervisory (S), 11: U
 *        6     n  ASDU, of I only: type, structure, cause, originator, common address, objects
 */
#include "plant_parts.h"

#define START        0x68
#define LENGTH_MIN   4
#define LENGTH_MAX   253
#define HEADER_BYTES 6
#define ASDU_MIN     6
#define ADDRESS_ALL  0xffff

/* plant_message.code of what is no ASDU, clear of the types' one byte. */
#define CODE_U 0x100u
#define CODE_S 0x200u

#define SEQUENCE 0x80 /* of the structure byte: one address, then consecutive elements */
#define COUNT    0x7f
#define TEST     0x80 /* of the cause */
#define NEGATIVE 0x40
#define CAUSE    0x3f

/* Figure 7: exactly one of the six bits. Stopping the transfer silences the station. */
static const struct plant_function transfers[] = {
	{CODE_U + 0x07, "STARTDT act start data transfer",           PLANT_OTHER},
	{CODE_U + 0x0b, "STARTDT con start data transfer confirmed", PLANT_OTHER},
	{CODE_U + 0x13, "STOPDT act stop data transfer",             PLANT_MODE },
	{CODE_U + 0x23, "STOPDT con stop data transfer confirmed",   PLANT_MODE },
	{CODE_U + 0x43, "TESTFR act test frame",                     PLANT_OTHER},
	{CODE_U + 0x83, "TESTFR con test frame confirmed",           PLANT_OTHER},
};
#define U_CONFIRMATIONS (0x08 | 0x20 | 0x80)

/*
 * One letter per field of an information element (60870-5-101 clause 7.2.6), for size and looks:
 *
 *   s d  single, double point with quality     x y z  single, double, step command
 *   v    step position     b  32 bits          Q      qualifier of a set point
 *   n a  normalized, scaled value              i c r  qualifiers: interrogation, counters, reset
 *   f    float             q  quality          m u    parameter: kind, activation
 *   C    counter reading   S  16 states with changes
 *   e E  events of protection: one, packed with quality
 *   2 3 7  times of so many bytes, not shown   T      time, the value
 *   o    cause of initialization               t      test pattern
 *   l    time in milliseconds                  F      file (iec104_file)
 */
struct type {
	uint8_t id;
	const char *fields; /* NULL: opaque */
	enum plant_operation operation;
	const char *name;
};

static const struct type types[] = {
	{1,   "s",   PLANT_REPORT,    "M_SP_NA_1 single-point information"                         },
	{2,   "s3",  PLANT_REPORT,    "M_SP_TA_1 single-point information with time"               },
	{3,   "d",   PLANT_REPORT,    "M_DP_NA_1 double-point information"                         },
	{4,   "d3",  PLANT_REPORT,    "M_DP_TA_1 double-point information with time"               },
	{5,   "vq",  PLANT_REPORT,    "M_ST_NA_1 step position"                                    },
	{6,   "vq3", PLANT_REPORT,    "M_ST_TA_1 step position with time"                          },
	{7,   "bq",  PLANT_REPORT,    "M_BO_NA_1 bitstring"                                        },
	{8,   "bq3", PLANT_REPORT,    "M_BO_TA_1 bitstring with time"                              },
	{9,   "nq",  PLANT_REPORT,    "M_ME_NA_1 measured value, normalized"                       },
	{10,  "nq3", PLANT_REPORT,    "M_ME_TA_1 measured value, normalized, with time"            },
	{11,  "aq",  PLANT_REPORT,    "M_ME_NB_1 measured value, scaled"                           },
	{12,  "aq3", PLANT_REPORT,    "M_ME_TB_1 measured value, scaled, with time"                },
	{13,  "fq",  PLANT_REPORT,    "M_ME_NC_1 measured value, float"                            },
	{14,  "fq3", PLANT_REPORT,    "M_ME_TC_1 measured value, float, with time"                 },
	{15,  "C",   PLANT_REPORT,    "M_IT_NA_1 integrated totals"                                },
	{16,  "C3",  PLANT_REPORT,    "M_IT_TA_1 integrated totals with time"                      },
	{17,  "e23", PLANT_REPORT,    "M_EP_TA_1 event of protection with time"                    },
	{18,  "E23", PLANT_REPORT,    "M_EP_TB_1 start events of protection with time"             },
	{19,  "E23", PLANT_REPORT,    "M_EP_TC_1 output circuits of protection with time"          },
	{20,  "Sq",  PLANT_REPORT,    "M_PS_NA_1 single points with status change"                 },
	{21,  "n",   PLANT_REPORT,    "M_ME_ND_1 measured value, normalized, without quality"      },
	{30,  "s7",  PLANT_REPORT,    "M_SP_TB_1 single-point information with time"               },
	{31,  "d7",  PLANT_REPORT,    "M_DP_TB_1 double-point information with time"               },
	{32,  "vq7", PLANT_REPORT,    "M_ST_TB_1 step position with time"                          },
	{33,  "bq7", PLANT_REPORT,    "M_BO_TB_1 bitstring with time"                              },
	{34,  "nq7", PLANT_REPORT,    "M_ME_TD_1 measured value, normalized, with time"            },
	{35,  "aq7", PLANT_REPORT,    "M_ME_TE_1 measured value, scaled, with time"                },
	{36,  "fq7", PLANT_REPORT,    "M_ME_TF_1 measured value, float, with time"                 },
	{37,  "C7",  PLANT_REPORT,    "M_IT_TB_1 integrated totals with time"                      },
	{38,  "e27", PLANT_REPORT,    "M_EP_TD_1 event of protection with time"                    },
	{39,  "E27", PLANT_REPORT,    "M_EP_TE_1 start events of protection with time"             },
	{40,  "E27", PLANT_REPORT,    "M_EP_TF_1 output circuits of protection with time"          },
	{41,  NULL,  PLANT_REPORT,    "S_IT_TC_1 security statistics with time"                    },
	{45,  "x",   PLANT_OPERATE,   "C_SC_NA_1 single command"                                   },
	{46,  "y",   PLANT_OPERATE,   "C_DC_NA_1 double command"                                   },
	{47,  "z",   PLANT_OPERATE,   "C_RC_NA_1 regulating step command"                          },
	{48,  "nQ",  PLANT_OPERATE,   "C_SE_NA_1 set point, normalized"                            },
	{49,  "aQ",  PLANT_OPERATE,   "C_SE_NB_1 set point, scaled"                                },
	{50,  "fQ",  PLANT_OPERATE,   "C_SE_NC_1 set point, float"                                 },
	{51,  "b",   PLANT_OPERATE,   "C_BO_NA_1 bitstring command"                                },
	{58,  "x7",  PLANT_OPERATE,   "C_SC_TA_1 single command with time"                         },
	{59,  "y7",  PLANT_OPERATE,   "C_DC_TA_1 double command with time"                         },
	{60,  "z7",  PLANT_OPERATE,   "C_RC_TA_1 regulating step command with time"                },
	{61,  "nQ7", PLANT_OPERATE,   "C_SE_TA_1 set point, normalized, with time"                 },
	{62,  "aQ7", PLANT_OPERATE,   "C_SE_TB_1 set point, scaled, with time"                     },
	{63,  "fQ7", PLANT_OPERATE,   "C_SE_TC_1 set point, float, with time"                      },
	{64,  "b7",  PLANT_OPERATE,   "C_BO_TA_1 bitstring command with time"                      },
	{70,  "o",   PLANT_REPORT,    "M_EI_NA_1 end of initialization"                            },
	{81,  NULL,  PLANT_OTHER,     "S_CH_NA_1 authentication challenge"                         },
	{82,  NULL,  PLANT_OTHER,     "S_RP_NA_1 authentication reply"                             },
	{83,  NULL,  PLANT_OTHER,     "S_AR_NA_1 aggressive mode authentication request"           },
	{84,  NULL,  PLANT_OTHER,     "S_KR_NA_1 session key status request"                       },
	{85,  NULL,  PLANT_OTHER,     "S_KS_NA_1 session key status"                               },
	{86,  NULL,  PLANT_CONFIGURE, "S_KC_NA_1 session key change"                               },
	{87,  NULL,  PLANT_OTHER,     "S_ER_NA_1 authentication error"                             },
	{90,  NULL,  PLANT_CONFIGURE, "S_US_NA_1 user status change"                               },
	{91,  NULL,  PLANT_CONFIGURE, "S_UQ_NA_1 update key change request"                        },
	{92,  NULL,  PLANT_CONFIGURE, "S_UR_NA_1 update key change reply"                          },
	{93,  NULL,  PLANT_CONFIGURE, "S_UK_NA_1 update key change, symmetric"                     },
	{94,  NULL,  PLANT_CONFIGURE, "S_UA_NA_1 update key change, asymmetric"                    },
	{95,  NULL,  PLANT_CONFIGURE, "S_UC_NA_1 update key change confirmation"                   },
	{100, "i",   PLANT_READ,      "C_IC_NA_1 interrogation command"                            },
	{101, "c",   PLANT_READ,      "C_CI_NA_1 counter interrogation command"                    },
	{102, "",    PLANT_READ,      "C_RD_NA_1 read command"                                     },
	{103, "T",   PLANT_TIME,      "C_CS_NA_1 clock synchronization command"                    },
	{104, "t",   PLANT_OTHER,     "C_TS_NA_1 test command"                                     },
	{105, "r",   PLANT_RESTART,   "C_RP_NA_1 reset process command"                            },
	{106, "l",   PLANT_TIME,      "C_CD_NA_1 delay acquisition command"                        },
	{107, "t7",  PLANT_OTHER,     "C_TS_TA_1 test command with time"                           },
	{110, "nm",  PLANT_CONFIGURE, "P_ME_NA_1 parameter of measured value, normalized"          },
	{111, "am",  PLANT_CONFIGURE, "P_ME_NB_1 parameter of measured value, scaled"              },
	{112, "fm",  PLANT_CONFIGURE, "P_ME_NC_1 parameter of measured value, float"               },
	{113, "u",   PLANT_CONFIGURE, "P_AC_NA_1 parameter activation"                             },
	{120, "F",   PLANT_UPLOAD,    "F_FR_NA_1 file ready"                                       },
	{121, "F",   PLANT_UPLOAD,    "F_SR_NA_1 section ready"                                    },
	{122, "F",   PLANT_UPLOAD,    "F_SC_NA_1 call directory, select file, call file or section"},
	{123, "F",   PLANT_UPLOAD,    "F_LS_NA_1 last section, last segment"                       },
	{124, "F",   PLANT_OTHER,     "F_AF_NA_1 acknowledge file or section"                      },
	{125, "F",   PLANT_UPLOAD,    "F_SG_NA_1 segment"                                          },
	{126, "F",   PLANT_BROWSE,    "F_DR_TA_1 directory"                                        },
	{127, "F",   PLANT_UPLOAD,    "F_SC_NB_1 query log"                                        },
};

enum {
	TYPE_COUNTERS = 101,
	TYPE_READ = 102,
	TYPE_FILE_READY = 120,
	TYPE_SECTION_READY = 121,
	TYPE_CALL = 122,
	TYPE_LAST = 123,
	TYPE_ACKNOWLEDGE = 124,
	TYPE_SEGMENT = 125,
	TYPE_DIRECTORY = 126,
};

/* 60870-5-101 clause 7.2.3, with what each says about who speaks. */
static const struct cause {
	const char *name;
	enum plant_direction direction;
} causes[64] = {
	[1] = {"periodic",                    PLANT_UNSOLICITED      },
	[2] = {"background scan",             PLANT_UNSOLICITED      },
	[3] = {"spontaneous",                 PLANT_UNSOLICITED      },
	[4] = {"initialized",                 PLANT_UNSOLICITED      },
	[5] = {"requested",                   PLANT_RESPONSE         },
	[6] = {"activation",                  PLANT_REQUEST          },
	[7] = {"activation confirmed",        PLANT_RESPONSE         },
	[8] = {"deactivation",                PLANT_REQUEST          },
	[9] = {"deactivation confirmed",      PLANT_RESPONSE         },
	[10] = {"activation terminated",       PLANT_RESPONSE         },
	[11] = {"return by remote command",    PLANT_RESPONSE         },
	[12] = {"return by local command",     PLANT_UNSOLICITED      },
	[13] = {"file transfer",               PLANT_UNKNOWN_DIRECTION},
	[14] = {"authentication",              PLANT_UNKNOWN_DIRECTION},
	[15] = {"session key",                 PLANT_UNKNOWN_DIRECTION},
	[16] = {"user and update key",         PLANT_UNKNOWN_DIRECTION},
	[20] = {"interrogated by station",     PLANT_RESPONSE         },
	[37] = {"counters by general request", PLANT_RESPONSE         },
	[44] = {"unknown type",                PLANT_RESPONSE         },
	[45] = {"unknown cause",               PLANT_RESPONSE         },
	[46] = {"unknown common address",      PLANT_RESPONSE         },
	[47] = {"unknown object address",      PLANT_RESPONSE         },
};
#define CAUSE_UNKNOWN_FIRST 44
#define CAUSE_UNKNOWN_LAST  47

static const struct type *type_find(uint8_t id)
{
	for (size_t k = 0; k < COUNT_OF(types); k++) {
		if (types[k].id == id)
			return &types[k];
	}
	return NULL;
}

/* ---- framing --------------------------------------------------------------------------------- */

static bool starts(struct slice head)
{
	const uint8_t *b = (const uint8_t *)head.data;

	if (b[0] != START || (head.len > 1 && (b[1] < LENGTH_MIN || b[1] > LENGTH_MAX)))
		return false;
	if (head.len < HEADER_BYTES)
		return true;
	if ((b[2] & 3) == 3) /* U */
		return b[1] == LENGTH_MIN && PLANT_FUNCTION(transfers, CODE_U + b[2]) != NULL &&
		       b[3] == 0 && b[4] == 0 && b[5] == 0;
	if ((b[2] & 3) == 1) /* S */
		return b[1] == LENGTH_MIN && b[2] == 1 && b[3] == 0 && (b[4] & 1) == 0;
	if (b[1] < LENGTH_MIN + ASDU_MIN || (b[4] & 1) != 0)
		return false;
	return head.len <= HEADER_BYTES || type_find(b[HEADER_BYTES]) != NULL;
}

static enum plant_frame frame(struct slice bytes, size_t *ret_len)
{
	const uint8_t *b = (const uint8_t *)bytes.data;

	if (b[0] != START)
		return PLANT_FRAME_LOST;
	if (bytes.len < 2)
		return PLANT_FRAME_MORE;
	if (b[1] < LENGTH_MIN || b[1] > LENGTH_MAX)
		return PLANT_FRAME_LOST;
	*ret_len = 2 + (size_t)b[1];
	return PLANT_FRAME_KNOWN;
}

/* ---- elements -------------------------------------------------------------------------------- */

static void put_select(struct plant_message *m, uint8_t command)
{
	plant_put(m->value, (command & 0x80) != 0 ? " select" : " execute");
}

/* Clause 7.2.6.18: minutes with an invalid bit, weekday in the day's upper bits. Local time. */
static void put_time(struct plant_message *m, struct reader *r)
{
	unsigned ms = plant_u16le(r), minute = read_u8(r), hour = read_u8(r), day = read_u8(r);
	unsigned month = read_u8(r), year = read_u8(r);

	plant_put(m->value, "20%02u-%02u-%02uT%02u:%02u:%02u.%03u", year & 127, month & 15,
		day & 31, hour & 31, minute & 63, ms / 1000, ms % 1000);
}

static void put_file(struct plant_message *m, const struct type *type, struct reader *r)
{
	plant_put(m->value, "file %u", plant_u16le(r));
	switch (type->id) {
	case TYPE_FILE_READY:
	case TYPE_DIRECTORY:
		plant_put(m->value, " of %u bytes", plant_u24le(r));
		read_u8(r);
		if (type->id == TYPE_DIRECTORY)
			read_bytes(r, 7);
		break;
	case TYPE_SECTION_READY:
		plant_put(m->value, " section %u", read_u8(r));
		plant_put(m->value, " of %u bytes", plant_u24le(r));
		read_u8(r);
		break;
	case TYPE_CALL: {
		static const char *const calls[16] = {"default", "select file", "request file",
			"deactivate file", "delete file", "select section", "request section",
			"deactivate section"};
		const char *call;

		plant_put(m->value, " section %u", read_u8(r));
		call = calls[read_u8(r) & 15];
		plant_put(m->value, " %s", call != NULL ? call : "call");
		if (call == calls[4])
			m->operation = PLANT_DELETE;
		break;
	}
	case TYPE_LAST:
		plant_put(m->value, " section %u", read_u8(r));
		read_bytes(r, 2);
		break;
	case TYPE_ACKNOWLEDGE:
		plant_put(m->value, " section %u", read_u8(r));
		read_u8(r);
		break;
	case TYPE_SEGMENT:
		plant_put(m->value, " section %u", read_u8(r));
		{
			size_t len = read_u8(r);

			plant_put(m->value, " %zu bytes", len);
			read_bytes(r, len);
		}
		break;
	default: /* query log: from, to */
		read_bytes(r, 14);
		break;
	}
}

/* Which counters (bits 0..5) and what becomes of them (6..7): 1 freeze, 2 freeze and reset, 3
 * reset. */
static void put_counters(struct plant_message *m, uint8_t qualifier)
{
	static const char *const freezes[4] = {"read", "freeze", "freeze and reset", "reset"};

	plant_put(m->value, "%s group %u", freezes[qualifier >> 6], qualifier & 63u);
	if (qualifier >> 6 != 0)
		m->operation = PLANT_WRITE;
}

static void put_field(
	struct plant_message *m, const struct type *type, char field, struct reader *r)
{
	static const char *const doubles[4] = {"neither", "off", "on", "neither"};
	static const char *const steps[4] = {"none", "lower", "higher", "none"};
	uint8_t b;

	switch (field) {
	case 's':
		b = read_u8(r);
		plant_put(m->value, "%u%s", b & 1u, (b & 0x80) != 0 ? " invalid" : "");
		break;
	case 'd':
		b = read_u8(r);
		plant_put(m->value, "%u%s", b & 3u, (b & 0x80) != 0 ? " invalid" : "");
		break;
	case 'q':
		if ((read_u8(r) & 0x80) != 0)
			plant_put(m->value, " invalid");
		break;
	case 'v': /* seven bits, signed; bit 7: moving */
		b = read_u8(r);
		plant_put(
			m->value, "%d", (b & 0x40) != 0 ? (int)(b & 0x7f) - 128 : (int)(b & 0x7f));
		break;
	case 'b':
		plant_put(m->value, "0x%08x", plant_u32le(r));
		break;
	case 'n':
		plant_put(m->value, "%.5g", (int16_t)plant_u16le(r) / 32768.0);
		break;
	case 'a':
		plant_put(m->value, "%d", (int16_t)plant_u16le(r));
		break;
	case 'f':
		plant_put(m->value, "%.7g", (double)plant_f32(plant_u32le(r)));
		break;
	case 'C':
		plant_put(m->value, "%d", (int32_t)plant_u32le(r));
		if ((read_u8(r) & 0x80) != 0)
			plant_put(m->value, " invalid");
		break;
	case 'S':
		plant_put(m->value, "0x%04x", plant_u16le(r));
		read_u16(r); /* which changed */
		break;
	case 'e':
		plant_put(m->value, "%u", read_u8(r) & 3u);
		break;
	case 'E':
		plant_put(m->value, "0x%02x", read_u8(r));
		read_u8(r); /* quality */
		break;
	case 'x':
		b = read_u8(r);
		plant_put(m->value, (b & 1) != 0 ? "on" : "off");
		put_select(m, b);
		break;
	case 'y':
		b = read_u8(r);
		plant_put(m->value, "%s", doubles[b & 3]);
		put_select(m, b);
		break;
	case 'z':
		b = read_u8(r);
		plant_put(m->value, "%s", steps[b & 3]);
		put_select(m, b);
		break;
	case 'Q':
		put_select(m, read_u8(r));
		break;
	case 'i':
		b = read_u8(r);
		if (b == 20)
			plant_put(m->value, "station");
		else if (b > 20 && b <= 36)
			plant_put(m->value, "group %u", b - 20u);
		else
			plant_put(m->value, "qualifier %u", b);
		break;
	case 'c':
		put_counters(m, read_u8(r));
		break;
	case 'r':
		b = read_u8(r);
		plant_put(m->value, "%s",
			b == 1   ? "general reset"
			: b == 2 ? "reset of pending events"
				 : "qualifier");
		if (b != 1 && b != 2)
			plant_put(m->value, " %u", b);
		break;
	case 'm':
	case 'u':
		plant_put(m->value, "%squalifier %u", field == 'm' ? " " : "", read_u8(r));
		break;
	case 'o':
		plant_put(m->value, "cause %u", read_u8(r) & 0x7fu);
		break;
	case 't':
		plant_put(m->value, "0x%04x", plant_u16le(r));
		break;
	case 'l':
		plant_put(m->value, "%u ms", plant_u16le(r));
		break;
	case 'T':
		put_time(m, r);
		break;
	case 'F':
		put_file(m, type, r);
		break;
	case '2':
	case '3':
	case '7':
		read_bytes(r, (size_t)(field - '0'));
		break;
	default:
		break;
	}
}

static bool objects(
	struct plant_message *m, const struct type *type, uint8_t structure, struct reader *r)
{
	unsigned count = structure & COUNT;
	uint32_t first = 0;

	for (unsigned k = 0; k < count && !r->bad; k++) {
		if (k == 0 || (structure & SEQUENCE) == 0) {
			uint32_t address = plant_u24le(r);

			if (k == 0)
				first = address;
			plant_put(m->object, "%s%u", k == 0 ? "ioa " : ",", address);
		}
		if (type->fields == NULL) {
			read_bytes(r, r->rest.len);
			break;
		}
		if (k > 0 && type->fields[0] != 0)
			plant_put(m->value, ",");
		for (const char *f = type->fields; *f != 0; f++)
			put_field(m, type, *f, r);
	}
	if ((structure & SEQUENCE) != 0 && count > 1)
		plant_put(m->object, "..%u", first + count - 1);
	return !r->bad && r->rest.len == 0;
}

/* ---- messages -------------------------------------------------------------------------------- */

/* The controlling station opens the connection (60870-5-104 clause 7.1), and file messages look the
 * same both ways: from it they carry a file into the station. */
static void file_direction(struct plant_message *m, uint8_t type, unsigned direction)
{
	m->direction = direction == 0 ? PLANT_REQUEST : PLANT_RESPONSE;
	if (direction == 0 && m->operation == PLANT_UPLOAD &&
		(type == TYPE_FILE_READY || type == TYPE_SECTION_READY || type == TYPE_SEGMENT ||
			type == TYPE_LAST))
		m->operation = PLANT_DOWNLOAD;
}

/*
 *   offset  size  field           (60870-5-101 clause 7.1)
 *        0     1  type
 *        1     1  structure       80 sequence, 7f count
 *        2     1  cause           80 test, 40 negative
 *        3     1  originator
 *        4     2  common address
 *        6     n  objects
 */
static bool asdu(struct plant_decoder *d, struct slice bytes)
{
	struct reader r = {.rest = bytes};
	struct plant_message m = {.protocol = PLANT_IEC104, .function = PLANT_FUNCTION_UNKNOWN};
	uint8_t id = read_u8(&r), structure = read_u8(&r), cause = read_u8(&r),
		originator = read_u8(&r);
	uint16_t address = plant_u16le(&r);
	const struct type *type = type_find(id);
	const struct cause *why = &causes[cause & CAUSE];
	bool good = !r.bad;

	if (!good)
		return false;
	m.code = id;
	if (address == ADDRESS_ALL)
		plant_put(m.unit, "broadcast");
	else
		plant_put(m.unit, "%u", address);
	m.direction = why->direction;
	if (why->name == NULL && (cause & CAUSE) > 20 && (cause & CAUSE) <= 41)
		m.direction = PLANT_RESPONSE; /* groups of interrogation and of counters */
	m.refused = (cause & NEGATIVE) != 0 || ((cause & CAUSE) >= CAUSE_UNKNOWN_FIRST &&
						       (cause & CAUSE) <= CAUSE_UNKNOWN_LAST);
	if (type != NULL) {
		m.function = type->name;
		m.operation = type->operation;
		if (id >= TYPE_FILE_READY)
			file_direction(&m, id, d->direction);
		else if (id == TYPE_READ && (cause & CAUSE) == 5)
			m.direction = PLANT_REQUEST;
		else if (m.operation == PLANT_REPORT && m.direction == PLANT_RESPONSE)
			m.operation = PLANT_READ;
		good = objects(&m, type, structure, &r);
	}
	/* A request that carries the mark refuses nothing. */
	m.refused = m.refused && m.direction != PLANT_REQUEST;
	plant_put(m.value, "%s", m.value[0] != 0 ? "; " : "");
	if (why->name != NULL)
		plant_put(m.value, "%s", why->name);
	else
		plant_put(m.value, "cause %u", cause & CAUSE);
	if ((cause & NEGATIVE) != 0)
		plant_put(m.value, ", negative");
	if ((cause & TEST) != 0)
		plant_put(m.value, ", test");
	if (originator != 0)
		plant_put(m.value, ", originator %u", originator);
	if (!good)
		plant_put_malformed(&m);
	plant_tell(d, &m);
	return good;
}

static bool decode(struct plant_decoder *d, struct slice message)
{
	const uint8_t *b = (const uint8_t *)message.data;
	struct plant_message m = {.protocol = PLANT_IEC104, .function = PLANT_FUNCTION_UNKNOWN};

	if ((b[2] & 1) == 0)
		return asdu(d, slice_cut(message, HEADER_BYTES, message.len));
	if (message.len != HEADER_BYTES)
		return false;
	if ((b[2] & 3) == 1) {
		m.code = CODE_S;
		m.function = "S supervisory";
		plant_put(m.value, "%u", (unsigned)(b[4] | b[5] << 8) >> 1);
	} else {
		const struct plant_function *f = PLANT_FUNCTION(transfers, CODE_U + b[2]);

		m.code = CODE_U + b[2];
		if (f == NULL)
			return false;
		m.function = f->name;
		m.operation = f->operation;
		m.direction = (b[2] & U_CONFIRMATIONS) != 0 ? PLANT_RESPONSE : PLANT_REQUEST;
	}
	plant_tell(d, &m);
	return true;
}

const struct plant_row plant_row_iec104 = {
	.name = "iec104",
	.stream_ports = {{2404, 2404}},
	.starts = starts,
	.head_bytes = HEADER_BYTES,
	.frame = frame,
	.decode = decode,
};
