/* SPDX-License-Identifier: MPL-2.0 */
/*
 * S7 communication, the protocol of Siemens' S7-300/400 (and of the newer ones when asked for it),
 * as its users have described it: there is no public specification. Layout of a message, after
 * transport:
 *
 *   offset  size  field           (big-endian)
 *        0     1  protocol        0x32
 *        1     1  kind            1 job, 2 acknowledgement, 3 the same with data, 7 userdata
 *        2     2  redundancy
 *        4     2  reference       the same in the answer
 *        6     2  length of parameters
 *        8     2  length of data
 *       10     2  error class and code, only in kinds 2 and 3
 *          parameters, data
 */
#include "iso.h"

#define S7_PROTOCOL      0x32
#define S7_PLUS_PROTOCOL 0x72

enum s7_kind { S7_JOB = 1, S7_ACK = 2, S7_ACK_DATA = 3, S7_USERDATA = 7 };

enum s7_function {
	S7_CPU_SERVICES = 0x00,
	S7_READ = 0x04,
	S7_WRITE = 0x05,
	S7_DOWNLOAD_REQUEST = 0x1a,
	S7_DOWNLOAD_BLOCK = 0x1b,
	S7_DOWNLOAD_END = 0x1c,
	S7_UPLOAD_START = 0x1d,
	S7_UPLOAD = 0x1e,
	S7_UPLOAD_END = 0x1f,
	S7_PI_SERVICE = 0x28,
	S7_PLC_STOP = 0x29,
	S7_SETUP = 0xf0,
};

static const struct plant_function functions[] = {
	{S7_CPU_SERVICES,     "CPU services",        PLANT_OTHER   },
	{S7_READ,             "read variable",       PLANT_READ    },
	{S7_WRITE,            "write variable",      PLANT_WRITE   },
	{S7_DOWNLOAD_REQUEST, "request download",    PLANT_DOWNLOAD},
	{S7_DOWNLOAD_BLOCK,   "download block",      PLANT_DOWNLOAD},
	{S7_DOWNLOAD_END,     "download ended",      PLANT_DOWNLOAD},
	{S7_UPLOAD_START,     "start upload",        PLANT_UPLOAD  },
	{S7_UPLOAD,           "upload",              PLANT_UPLOAD  },
	{S7_UPLOAD_END,       "end upload",          PLANT_UPLOAD  },
	{S7_PI_SERVICE,       "program invocation",  PLANT_OPERATE },
	{S7_PLC_STOP,         "PLC stop",            PLANT_STOP    },
	{S7_SETUP,            "setup communication", PLANT_OTHER   },
};

/* Services of function 0x28, by the name at its end. */
static const struct service {
	const char *wire, *name;
	enum plant_operation operation;
} services[] = {
	{"P_PROGRAM", "start program",                        PLANT_START    },
	{"_INSE",     "activate block",                       PLANT_DOWNLOAD },
	{"_INS2",     "activate block",                       PLANT_DOWNLOAD },
	{"_DELE",     "delete block",                         PLANT_DELETE   },
	{"_GARB",     "compress memory",                      PLANT_CONFIGURE},
	{"_MODU",     "copy RAM to ROM",                      PLANT_CONFIGURE},
	{"_N_LOGIN_", "log in",                               PLANT_MODE     },
	{"_N_LOGOUT", "log out",                              PLANT_MODE     },
	{"_N_SETUFR", "activate user data",                   PLANT_WRITE    },
	{"_N_DELECT", "deselect program",                     PLANT_OPERATE  },
	{"_N_SELECT", "select program",                       PLANT_OPERATE  },
	{"_N_F_DELE", "delete file",                          PLANT_DELETE   },
	{"_N_F_RENA", "rename file",                          PLANT_CONFIGURE},
	{"_N_F_PROT", "change protection of file",            PLANT_CONFIGURE},
	{"_N_NCKMOD", "change mode of the numerical control", PLANT_MODE     },
	{"_N_IBN_SS", "set start-up switch",                  PLANT_CONFIGURE},
};

static const struct plant_function error_classes[] = {
	{0x81, "application relationship", PLANT_OTHER},
	{0x82, "object definition",        PLANT_OTHER},
	{0x83, "no resources",             PLANT_OTHER},
	{0x84, "service processing",       PLANT_OTHER},
	{0x85, "supplies",                 PLANT_OTHER},
	{0x87, "access",                   PLANT_OTHER},
	{0xd0, "protocol",                 PLANT_OTHER},
	{0xd2, "block",                    PLANT_OTHER},
};

/* Return codes of single items. */
static const struct plant_function item_errors[] = {
	{0x01, "hardware fault",        PLANT_OTHER},
	{0x03, "access denied",         PLANT_OTHER},
	{0x05, "invalid address",       PLANT_OTHER},
	{0x06, "type not supported",    PLANT_OTHER},
	{0x07, "type inconsistent",     PLANT_OTHER},
	{0x0a, "object does not exist", PLANT_OTHER},
};

/* ---- addresses ------------------------------------------------------------------------------- */

#define AREA_DB 0x84
#define AREA_DI 0x85

static const struct plant_function areas[] = {
	{0x03,    "SYS", PLANT_OTHER}, /* of the S7-200: system information, flags, analog */
	{0x05,    "SF",  PLANT_OTHER},
	{0x06,    "AI",  PLANT_OTHER},
	{0x07,    "AQ",  PLANT_OTHER},
	{0x1c,    "C",   PLANT_OTHER},
	{0x1d,    "T",   PLANT_OTHER},
	{0x1e,    "C",   PLANT_OTHER},
	{0x1f,    "T",   PLANT_OTHER},
	{0x80,    "P",   PLANT_OTHER},
	{0x81,    "I",   PLANT_OTHER},
	{0x82,    "Q",   PLANT_OTHER},
	{0x83,    "M",   PLANT_OTHER},
	{AREA_DB, "DB",  PLANT_OTHER},
	{AREA_DI, "DI",  PLANT_OTHER},
	{0x86,    "L",   PLANT_OTHER},
	{0x87,    "V",   PLANT_OTHER},
};

/* Width letter of an address, by transport size. */
static char size_letter(uint8_t size)
{
	static const char letters[] = {
		[0x01] = 'X',
		[0x02] = 'B',
		[0x03] = 'B',
		[0x04] = 'W',
		[0x05] = 'W',
		[0x06] = 'D',
		[0x07] = 'D',
		[0x08] = 'D',
		[0x09] = 'W',
		[0x0a] = 'D',
		[0x0b] = 'D',
		[0x0c] = 'W',
		[0x0f] = 'B',
	};

	return size < sizeof(letters) && letters[size] != 0 ? letters[size] : 'B';
}

static void put_any(char text[PLANT_TEXT_MAX], struct reader *r)
{
	uint8_t size = read_u8(r);
	uint16_t count = read_u16(r), block = read_u16(r);
	uint8_t area = read_u8(r);
	uint32_t address = (uint32_t)read_u8(r) << 16;
	const struct plant_function *row = PLANT_FUNCTION(areas, area);
	char letter = size_letter(size);

	address |= read_u16(r);
	if (row == NULL) {
		plant_put(text, "area 0x%02x %u", area, address >> 3);
	} else if (row->name[0] == 'C' || row->name[0] == 'T') {
		plant_put(text, "%s%u", row->name, address);
	} else {
		if (area == AREA_DB || area == AREA_DI)
			plant_put(text, "%s%u.DB%c%u", row->name, block, letter, address >> 3);
		else if (letter == 'X') /* a bit of the other areas goes without letter: M0.0 */
			plant_put(text, "%s%u", row->name, address >> 3);
		else
			plant_put(text, "%s%c%u", row->name, letter, address >> 3);
		if (letter == 'X')
			plant_put(text, ".%u", address & 7);
	}
	if (count > 1)
		plant_put(text, " x%u", count);
}

/* Pairs of a data block in one item (S7-400): bytes, block, first byte. */
static void put_db_reads(char text[PLANT_TEXT_MAX], struct reader *r)
{
	uint8_t count = read_u8(r);

	for (unsigned i = 0; i < count && !r->bad && !plant_full(text); i++) {
		uint8_t bytes = read_u8(r);
		uint16_t block = read_u16(r), at = read_u16(r);

		if (!r->bad)
			plant_put(text, "%sDB%u.DBB%u x%u", i == 0 ? "" : ", ", block, at, bytes);
	}
}

#define ITEM_SPECIFICATION 0x12
#define SYNTAX_ANY         0x10
#define SYNTAX_NCK         0x82
#define SYNTAX_DB_READ     0xb0
#define SYNTAX_SYMBOL      0xb2

/* The addresses of a read or write, as one text. */
static bool put_items(char text[PLANT_TEXT_MAX], struct reader *r, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint8_t specification = read_u8(r), len = read_u8(r);
		struct reader item = {.rest = read_bytes(r, len)};
		uint8_t syntax = read_u8(&item);

		if (r->bad || item.bad || specification != ITEM_SPECIFICATION)
			return false;
		if ((len & 1) != 0 && i + 1 < count)
			read_u8(r); /* all but the last begin at even offsets */
		if (plant_full(text))
			continue;
		if (i > 0)
			plant_put(text, ", ");
		switch (syntax) {
		case SYNTAX_ANY:
			put_any(text, &item);
			if (item.bad)
				return false;
			break;
		case SYNTAX_DB_READ:
			put_db_reads(text, &item);
			break;
		case SYNTAX_NCK:
			plant_put(text, "NCK ");
			plant_put_hex(text, item.rest);
			break;
		case SYNTAX_SYMBOL:
			plant_put(text, "symbol ");
			plant_put_hex(text, item.rest);
			break;
		default:
			plant_put(text, "syntax 0x%02x", syntax);
			break;
		}
	}
	return true;
}

#define ITEM_GOOD 0xff

/* Values of a write, or of the answer to a read: code, size, length (in bits for sizes 3 to 5),
 * bytes, padded to even but for the last. */
static bool put_values(struct plant_message *m, struct reader *r, unsigned count, bool answer)
{
	for (unsigned i = 0; i < count && r->rest.len > 0; i++) {
		uint8_t code = read_u8(r), size = read_u8(r);
		uint16_t len = read_u16(r);
		struct slice bytes;

		if (answer && code != ITEM_GOOD) {
			const struct plant_function *row = PLANT_FUNCTION(item_errors, code);

			m->refused = true;
			plant_put(m->value, "%s%s", i == 0 ? "" : ", ",
				row == NULL ? "refused" : row->name);
			continue;
		}
		if (size >= 3 && size <= 5)
			len = (uint16_t)((len + 7u) / 8);
		bytes = read_bytes(r, len);
		if (r->bad)
			return false;
		if ((len & 1) != 0 && i + 1 < count)
			read_u8(r);
		if (plant_full(m->value))
			continue;
		if (i > 0)
			plant_put(m->value, ", ");
		plant_put_hex(m->value, bytes);
	}
	return !r->bad;
}

/* ---- blocks and services --------------------------------------------------------------------- */

static const struct plant_function block_types[] = {
	{'8', "OB",  PLANT_OTHER},
	{'A', "DB",  PLANT_OTHER},
	{'B', "SDB", PLANT_OTHER},
	{'C', "FC",  PLANT_OTHER},
	{'D', "SFC", PLANT_OTHER},
	{'E', "FB",  PLANT_OTHER},
	{'F', "SFB", PLANT_OTHER},
};

const char *s7_block_type(char digit)
{
	const struct plant_function *row = PLANT_FUNCTION(block_types, (uint8_t)digit);

	return row == NULL ? NULL : row->name;
}

#define BLOCK_NAME_BYTES                                                                           \
	8 /* type of two characters, five digits, and where: P passive, A active                   \
	   */

void s7_put_block(char text[PLANT_TEXT_MAX], struct slice name)
{
	struct slice whole = name;
	const char *type;
	uint64_t number = 0;

	if (name.len == BLOCK_NAME_BYTES + 1)
		name = slice_cut(name, 1, name.len); /* '_' complete, '$' only the head */
	if (name.len < BLOCK_NAME_BYTES - 1 || name.len > BLOCK_NAME_BYTES || name.data[0] != '0')
		goto plain;
	type = s7_block_type(name.data[1]);
	if (type == NULL)
		goto plain;
	for (size_t i = 2; i < 7; i++) {
		if (name.data[i] < '0' || name.data[i] > '9')
			goto plain;
		number = number * 10 + (uint64_t)(name.data[i] - '0');
	}
	plant_put(text, "%s%u", type, (unsigned)number);
	if (name.len == BLOCK_NAME_BYTES && name.data[7] == 'P')
		plant_put(text, " passive");
	return;
plain:
	plant_put_text(text, whole);
}

static bool download_or_upload(struct plant_message *m, struct reader *r, bool has_name)
{
	uint32_t id;
	uint8_t len;
	struct slice name;

	read_u8(r);  /* status: more follows */
	read_u16(r); /* error code, or reserved */
	id = read_u32(r);
	if (!has_name) {
		plant_put(m->object, "upload %u", id);
		return !r->bad;
	}
	len = read_u8(r);
	name = read_bytes(r, len);
	if (r->bad)
		return false;
	s7_put_block(m->object, name);
	return true;
}

/* Function 0x28: seven octets, a length and a block of parameters, a length and the service. */
static bool program_invocation(struct plant_message *m, struct reader *r)
{
	uint16_t block_len;
	struct slice block, service;
	uint8_t count;

	read_bytes(r, 7);
	block_len = read_u16(r);
	block = read_bytes(r, block_len);
	count = read_u8(r);
	service = read_bytes(r, count);
	if (r->bad)
		return false;
	for (size_t i = 0; i < COUNT_OF(services); i++) {
		if (!slice_is(service, services[i].wire))
			continue;
		m->function = services[i].name;
		m->operation = services[i].operation;
		break;
	}
	if (slice_is(service, "_INSE") || slice_is(service, "_DELE") ||
		slice_is(service, "_INS2")) {
		/* number of blocks, an octet, then their names */
		struct reader names = {.rest = block};
		uint8_t blocks = read_u8(&names);

		read_u8(&names);
		for (unsigned i = 0; i < blocks && !plant_full(m->object); i++) {
			struct slice name = read_bytes(&names, BLOCK_NAME_BYTES);

			if (names.bad)
				break;
			if (i > 0)
				plant_put(m->object, ", ");
			s7_put_block(m->object, name);
		}
		return true;
	}
	plant_put_text(m->object, service);
	if (block.len > 0) {
		/* "C " behind the start of a program: cold */
		if (slice_is(slice_trim(block), "C") && slice_is(service, "P_PROGRAM"))
			m->function = "cold start program";
		else
			plant_put_text(m->value, slice_trim(block));
	}
	return true;
}

static bool job(struct plant_message *m, uint8_t function, struct reader *p, struct slice data)
{
	struct reader values = {.rest = data};
	uint8_t count;

	switch (function) {
	case S7_READ:
		count = read_u8(p);
		return !p->bad && put_items(m->object, p, count);
	case S7_WRITE:
		count = read_u8(p);
		return !p->bad && put_items(m->object, p, count) &&
		       put_values(m, &values, count, false);
	case S7_DOWNLOAD_REQUEST:
	case S7_DOWNLOAD_BLOCK:
	case S7_DOWNLOAD_END:
	case S7_UPLOAD_START:
		return download_or_upload(m, p, true);
	case S7_UPLOAD:
	case S7_UPLOAD_END:
		return download_or_upload(m, p, false);
	case S7_PI_SERVICE:
		return program_invocation(m, p);
	case S7_PLC_STOP: {
		struct slice name;

		read_bytes(p, 5);
		count = read_u8(p);
		name = read_bytes(p, count);
		if (p->bad)
			return false;
		plant_put_text(m->object, name);
		return true;
	}
	case S7_SETUP:
		read_bytes(p, 5); /* reserved, jobs at once in both directions */
		plant_put(m->value, "messages of %u bytes", read_u16(p));
		return !p->bad;
	default:
		return true;
	}
}

static bool answer(struct plant_message *m, uint8_t function, struct reader *p, struct slice data)
{
	struct reader values = {.rest = data};

	if (function == S7_READ)
		return put_values(m, &values, read_u8(p), true);
	if (function == S7_WRITE) {
		uint8_t count = read_u8(p);

		/* one code each */
		for (unsigned i = 0; i < count && values.rest.len > 0; i++) {
			uint8_t code = read_u8(&values);
			const struct plant_function *row = PLANT_FUNCTION(item_errors, code);

			if (code == ITEM_GOOD)
				continue;
			if (m->value[0] != '\0')
				plant_put(m->value, ", ");
			m->refused = true;
			plant_put(m->value, "%s", row == NULL ? "refused" : row->name);
		}
	}
	return true;
}

/* Siemens' selectors: the kind of connection, then three bits of rack and five of slot. */
static void put_unit(char text[PLANT_TEXT_MAX], const struct iso_state *s)
{
	uint8_t place = (uint8_t)s->selector[1];

	if (s->selector_len == 2)
		plant_put(text, "rack %u slot %u", place >> 5, place & 0x1fu);
	else if (slice_starts((struct slice){s->selector, s->selector_len}, SLICE("SIMATIC-")))
		plant_put_text(text, (struct slice){s->selector, s->selector_len});
	else
		iso_put_selector(text, s);
}

/* ---- S7comm-plus ----------------------------------------------------------------------------- */

/* The protocol of the S7-1200 and 1500, as far as users have named it: a head of protocol, version
 * and length; from version 3 on an authentication code, then kind and function in the open. */
static const struct plant_function plus_functions[] = {
	{0x04b1, "plus: error",                      PLANT_OTHER  },
	{0x04bb, "plus: explore",                    PLANT_BROWSE },
	{0x04ca, "plus: create object",              PLANT_OTHER  },
	{0x04d4, "plus: delete object",              PLANT_OTHER  },
	{0x04f2, "plus: set variable",               PLANT_WRITE  },
	{0x04fc, "plus: get variable",               PLANT_READ   },
	{0x0524, "plus: get link",                   PLANT_READ   },
	{0x0542, "plus: set variables",              PLANT_WRITE  },
	{0x054c, "plus: get variables",              PLANT_READ   },
	{0x0556, "plus: begin sequence",             PLANT_OTHER  },
	{0x0560, "plus: end sequence",               PLANT_OTHER  },
	{0x056b, "plus: invoke",                     PLANT_OPERATE},
	{0x057c, "plus: set part of variable",       PLANT_WRITE  },
	{0x0586, "plus: get part of variable",       PLANT_READ   },
	{0x0590, "plus: get addresses of variables", PLANT_BROWSE },
	{0x059a, "plus: abort",                      PLANT_OTHER  },
	{0x05b3, "plus: start TLS",                  PLANT_OTHER  },
};

#define PLUS_CODE_BYTES   32 /* of the authentication code, behind its length */
#define PLUS_REQUEST      0x31
#define PLUS_RESPONSE     0x32
#define PLUS_NOTIFICATION 0x33
#define PLUS_RESPONSE_2   0x02
#define PLUS_KEEP_ALIVE   0xff

static bool plus_message(struct plant_decoder *d, struct slice bytes)
{
	struct reader r = {.rest = bytes};
	struct plant_message m = {.protocol = PLANT_S7COMM, .function = "plus"};
	const struct plant_function *row;
	uint8_t version, kind;

	read_u8(&r);
	version = read_u8(&r);
	read_u16(&r);
	if (r.bad || version == PLUS_KEEP_ALIVE || version > 3)
		return !r.bad;
	kind = read_u8(&r);
	if (version == 3 && kind == PLUS_CODE_BYTES) {
		read_bytes(&r, PLUS_CODE_BYTES);
		kind = read_u8(&r);
	}
	if (kind == PLUS_NOTIFICATION) {
		m.function = "plus: notification";
		m.operation = PLANT_REPORT;
		m.direction = PLANT_UNSOLICITED;
	} else if (kind == PLUS_REQUEST || kind == PLUS_RESPONSE || kind == PLUS_RESPONSE_2) {
		read_u16(&r);
		m.code = read_u16(&r);
		row = PLANT_FUNCTION(plus_functions, m.code);
		m.function = row == NULL ? PLANT_FUNCTION_UNKNOWN : row->name;
		m.operation = row == NULL ? PLANT_OTHER : row->operation;
		m.direction = kind == PLUS_REQUEST ? PLANT_REQUEST : PLANT_RESPONSE;
	} else {
		return !r.bad; /* pieces of a longer one begin with content; encrypted ones too */
	}
	if (r.bad)
		return false;
	put_unit(m.unit, d->state);
	plant_tell(d, &m);
	return true;
}

/* ---- one message ----------------------------------------------------------------------------- */

bool s7comm_message(struct plant_decoder *d, struct slice bytes)
{
	struct reader r = {.rest = bytes};
	struct plant_message m = {.protocol = PLANT_S7COMM};
	uint8_t protocol = read_u8(&r), kind, function, error_class = 0, error_code = 0;
	uint16_t parameters_len, data_len;
	struct slice parameters, data;
	struct reader p;
	const struct plant_function *row;

	if (protocol == S7_PLUS_PROTOCOL)
		return plus_message(d, bytes);
	kind = read_u8(&r);
	read_u32(&r);
	parameters_len = read_u16(&r);
	data_len = read_u16(&r);
	if (kind == S7_ACK || kind == S7_ACK_DATA) {
		error_class = read_u8(&r);
		error_code = read_u8(&r);
	}
	parameters = read_bytes(&r, parameters_len);
	data = read_bytes(&r, data_len);
	if (r.bad || protocol != S7_PROTOCOL)
		return false;
	put_unit(m.unit, d->state);

	if (kind == S7_USERDATA) {
		if (!s7_userdata(&m, parameters, data))
			return false;
		plant_tell(d, &m);
		return true;
	}
	if (kind != S7_JOB && kind != S7_ACK && kind != S7_ACK_DATA)
		return false;
	p = (struct reader){.rest = parameters};
	function = read_u8(&p);
	row = PLANT_FUNCTION(functions, function);
	m.direction = kind == S7_JOB ? PLANT_REQUEST : PLANT_RESPONSE;
	if (parameters.len == 0 && kind == S7_JOB)
		return false;
	if (parameters.len == 0) { /* a bare acknowledgement */
		m.function = "acknowledgement";
	} else {
		m.code = function;
		m.function = row == NULL ? PLANT_FUNCTION_UNKNOWN : row->name;
		m.operation = row == NULL ? PLANT_OTHER : row->operation;
	}
	if (error_class != 0) {
		row = PLANT_FUNCTION(error_classes, error_class);
		m.refused = true;
		plant_put(m.value, "%s error 0x%02x%02x", row == NULL ? "unknown" : row->name,
			error_class, error_code);
	} else if (parameters.len != 0) {
		if (kind == S7_JOB ? !job(&m, function, &p, data) : !answer(&m, function, &p, data))
			return false;
	}
	plant_tell(d, &m);
	return true;
}
