/* SPDX-License-Identifier: MPL-2.0 */
/*
 * PCCC (Rockwell 1770-6.5.16), the commands of PLC-5, SLC 500 and MicroLogix, wrapped in a service
 * of CIP: who asks, then command, status, transaction, and with some commands a function.
 */
#include "cip.h"

#define COMMAND_REPLY 0x40

/* Files of a data table by type, as programmers name them. */
static const struct plant_function file_types[] = {
	{0x82, "O",  PLANT_OTHER},
	{0x83, "I",  PLANT_OTHER},
	{0x84, "S",  PLANT_OTHER},
	{0x85, "B",  PLANT_OTHER},
	{0x86, "T",  PLANT_OTHER},
	{0x87, "C",  PLANT_OTHER},
	{0x88, "R",  PLANT_OTHER},
	{0x89, "N",  PLANT_OTHER},
	{0x8a, "F",  PLANT_OTHER},
	{0x8b, "O",  PLANT_OTHER},
	{0x8c, "I",  PLANT_OTHER},
	{0x8d, "ST", PLANT_OTHER},
	{0x8e, "A",  PLANT_OTHER},
	{0x91, "L",  PLANT_OTHER},
	{0x92, "MG", PLANT_OTHER},
	{0x93, "PD", PLANT_OTHER},
};

/* Modes by the number that goes with "change mode" (0x80) and "set CPU mode" (0x3a). */
static const struct mode {
	uint16_t function;
	uint8_t number;
	const char *name;
	enum plant_operation operation;
} modes[] = {
	{0x80, 0x01, "program",           PLANT_STOP },
	{0x80, 0x06, "run",               PLANT_START},
	{0x80, 0x07, "test, continuous",  PLANT_MODE },
	{0x80, 0x08, "test, single scan", PLANT_MODE },
	{0x80, 0x09, "test, debug",       PLANT_MODE },
	{0x3a, 0x01, "program",           PLANT_STOP },
	{0x3a, 0x02, "run",               PLANT_START},
};

/* An octet, or 0xff and two of them. */
static uint16_t address_part(struct reader *r)
{
	uint8_t part = read_u8(r);

	return part == 0xff ? plant_u16le(r) : part;
}

/* Logical addresses of the SLC family: bytes, file, type, element, perhaps sub-element. */
static void put_logical(struct plant_message *m, struct reader *r, bool sub)
{
	uint8_t bytes = read_u8(r), type;
	uint16_t file = address_part(r), element, part = 0;
	const struct plant_function *row;

	type = read_u8(r);
	element = address_part(r);
	if (sub)
		part = address_part(r);
	if (r->bad)
		return;
	row = PLANT_FUNCTION(file_types, type);
	if (row == NULL)
		plant_put(m->object, "file %u type 0x%02x:%u", file, type, element);
	else
		plant_put(m->object, "%s%u:%u", row->name, file, element);
	if (part != 0)
		plant_put(m->object, ".%u", part);
	plant_put(m->value, "%u bytes", bytes);
}

/* Behind who asks: its own length first, then vendor and serial number. */
static struct reader requestor_skip(struct slice data)
{
	struct reader r = {.rest = data};
	uint8_t len = read_u8(&r);

	if (len == 0)
		r.bad = true;
	else
		read_bytes(&r, len - 1u);
	return r;
}

bool pccc_request(struct slice data, struct plant_message *m)
{
	struct reader r = requestor_skip(data);
	uint8_t command = read_u8(&r);
	uint16_t function = PCCC_FUNCTION_NONE;
	const struct pccc_command *row;

	read_u8(&r);
	read_u16(&r);
	if (r.bad)
		return false;
	if (command == 0x06 || command == 0x07 || command == 0x0f) {
		function = read_u8(&r);
		if (r.bad)
			return false;
	}
	row = pccc_command_find(command, function);
	m->function = row->name;
	m->operation = row->operation;
	m->code = m->code << 16 | (uint32_t)command << 8 | (function & 0xff);
	switch (command << 8 | function) {
	case 0x0fa1:
	case 0x0fa9:
		put_logical(m, &r, false);
		break;
	case 0x0fa2:
	case 0x0faa:
	case 0x0fab:
		put_logical(m, &r, true);
		break;
	case 0x0f80:
	case 0x0f3a: {
		uint8_t number = read_u8(&r);

		for (size_t i = 0; i < COUNT_OF(modes); i++) {
			if (modes[i].function != function || modes[i].number != number)
				continue;
			plant_put(m->value, "%s", modes[i].name);
			m->operation = modes[i].operation;
		}
		if (m->value[0] == '\0' && !r.bad)
			plant_put(m->value, "mode %u", number);
		break;
	}
	default:
		break;
	}
	return true;
}

bool pccc_reply(struct slice data, struct plant_message *m)
{
	struct reader r = requestor_skip(data);
	uint8_t command = read_u8(&r), status = read_u8(&r), extended = 0;

	read_u16(&r);
	if (r.bad || (command & COMMAND_REPLY) == 0)
		return false;
	if (status == 0xf0)
		extended = read_u8(&r);
	if (status != 0) {
		m->refused = true;
		plant_put(m->value, "PCCC status 0x%02x", status);
		if (status == 0xf0)
			plant_put(m->value, " 0x%02x", extended);
	}
	return true;
}
