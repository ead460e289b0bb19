/* SPDX-License-Identifier: MPL-2.0 */
/*
 * EtherNet/IP's encapsulation of CIP (ODVA volume 2, chapter 2) over TCP and UDP 44818, and the
 * cyclic I/O of UDP 2222.
 *
 *   offset  size  field           (little-endian)
 *        0     2  command
 *        2     2  length          of what follows the 24 octets
 *        4     4  session
 *        8     4  status
 *       12     8  sender context  comes back in the reply
 *       20     4  options
 */
#include "cip.h"

#define ENIP_HEAD 24

enum enip_command_code {
	ENIP_LIST_SERVICES = 0x0004,
	ENIP_LIST_IDENTITY = 0x0063,
	ENIP_SEND_RR_DATA = 0x006f,
	ENIP_SEND_UNIT_DATA = 0x0070,
};

/* Items of the common packet format (volume 2, 2-6). */
enum cpf_item {
	CPF_IDENTITY = 0x000c,
	CPF_CONNECTED_ADDRESS = 0x00a1,
	CPF_CONNECTED_DATA = 0x00b1,
	CPF_UNCONNECTED_DATA = 0x00b2,
	CPF_SERVICES = 0x0100,
	CPF_SEQUENCED_ADDRESS = 0x8002,
};

#define CPF_ITEMS_MAX 16 /* of one packet; volume 2 defines at most four */

/* In front of messages on a connection: their sequence count; this bit keeps them apart from sender
 * contexts among the remembered requests. */
#define KEY_CONNECTED (UINT64_C(1) << 63)

#define IO_HEAD "\2\0\2\x80\10\0" /* two items, the first a sequenced address of eight octets */

static const struct plant_function statuses[] = {
	{0x01, "unsupported command", PLANT_OTHER},
	{0x02, "out of memory",       PLANT_OTHER},
	{0x03, "malformed data",      PLANT_OTHER},
	{0x64, "unknown session",     PLANT_OTHER},
	{0x65, "wrong length",        PLANT_OTHER},
	{0x69, "unsupported version", PLANT_OTHER},
	{0x6a, "service not allowed", PLANT_OTHER},
};

struct cpf {
	uint16_t type;
	struct slice bytes;
};

static bool cpf_next(struct reader *r, struct cpf *ret_item)
{
	uint16_t type = plant_u16le(r), len = plant_u16le(r);
	struct slice bytes = read_bytes(r, len);

	*ret_item = (struct cpf){.type = type, .bytes = bytes};
	return !r->bad;
}

/* Who answers a list identity: volume 2, table 2-4.4. */
static void put_identity(struct plant_message *m, struct slice bytes)
{
	struct reader r = {.rest = bytes};
	uint16_t vendor, type, product, status;
	uint8_t major, minor, len;
	uint32_t serial;
	struct slice name;

	plant_u16le(&r);
	read_bytes(&r, 16); /* its address as a socket has it */
	vendor = plant_u16le(&r);
	type = plant_u16le(&r);
	product = plant_u16le(&r);
	major = read_u8(&r);
	minor = read_u8(&r);
	status = plant_u16le(&r);
	serial = plant_u32le(&r);
	len = read_u8(&r);
	name = read_bytes(&r, len);
	if (r.bad)
		return;
	plant_put_text(m->object, name);
	plant_put(m->value,
		"vendor %u type %u product %u revision %u.%u status 0x%04x serial 0x%08x", vendor,
		type, product, major, minor, status, serial);
}

static void put_service(struct plant_message *m, struct slice bytes)
{
	struct slice name = slice_cut(bytes, 4, bytes.len);

	plant_put_text(m->object, slice_cut(name, 0, slice_find(name, '\0', 0)));
}

/* Interface, timeout, items; the data item holds CIP, on a connection behind a count. */
static bool data_message(struct plant_decoder *d, struct slice data, uint64_t sender_context)
{
	struct reader r = {.rest = data};
	struct cip_place place = {.unit = "", .key = sender_context & ~KEY_CONNECTED};
	uint16_t count;
	struct cpf item;

	read_u32(&r);
	read_u16(&r);
	count = plant_u16le(&r);
	for (unsigned i = 0; i < count && i < CPF_ITEMS_MAX; i++) {
		if (!cpf_next(&r, &item))
			return false;
		if (item.type == CPF_CONNECTED_DATA) {
			struct reader inner = {.rest = item.bytes};

			place.key = KEY_CONNECTED | plant_u16le(&inner);
			return !inner.bad && cip_message(d, inner.rest, &place);
		}
		if (item.type == CPF_UNCONNECTED_DATA)
			return cip_message(d, item.bytes, &place);
	}
	return !r.bad;
}

static bool enip_decode(struct plant_decoder *d, struct slice bytes)
{
	struct reader r = {.rest = bytes};
	struct plant_message m = {.protocol = PLANT_ENIP};
	uint16_t code = plant_u16le(&r), len = plant_u16le(&r), count;
	uint32_t status;
	uint64_t sender_context;
	const struct enip_command *row = enip_command_find(code);
	struct slice data;
	struct cpf item;

	plant_u32le(&r);
	status = plant_u32le(&r);
	sender_context = read_u64(&r);
	plant_u32le(&r);
	data = read_bytes(&r, len);
	if (r.bad || row == NULL)
		return false;
	if (status == 0 && len > 0 && (code == ENIP_SEND_RR_DATA || code == ENIP_SEND_UNIT_DATA))
		return data_message(d, data, sender_context);

	m.code = (uint32_t)code << 16;
	m.function = row->name;
	m.operation = row->operation;
	m.direction = d->direction == 0 ? PLANT_REQUEST : PLANT_RESPONSE;
	if (status != 0) {
		const struct plant_function *name = PLANT_FUNCTION(statuses, status);

		m.refused = true;
		plant_put(m.value, "0x%02x", status);
		if (name != NULL)
			plant_put(m.value, " %s", name->name);
	} else if (len > 0 && (code == ENIP_LIST_IDENTITY || code == ENIP_LIST_SERVICES)) {
		m.direction = PLANT_RESPONSE; /* questions carry nothing */
		r = (struct reader){.rest = data};
		count = plant_u16le(&r);
		for (unsigned i = 0; i < count && i < CPF_ITEMS_MAX && cpf_next(&r, &item); i++) {
			if (item.type == CPF_IDENTITY)
				put_identity(&m, item.bytes);
			else if (item.type == CPF_SERVICES)
				put_service(&m, item.bytes);
		}
	}
	plant_tell(d, &m);
	return true;
}

/* Cyclic I/O: connection and sequence number, then the values, whose meaning only the two know. */
static bool io_message(struct plant_decoder *d, struct slice bytes)
{
	struct reader r = {.rest = slice_cut(bytes, sizeof(IO_HEAD) - 1, bytes.len)};
	struct plant_message m = {.protocol = PLANT_ENIP,
		.operation = PLANT_REPORT,
		.direction = PLANT_UNSOLICITED,
		.code = (uint32_t)CPF_SEQUENCED_ADDRESS << 16,
		.function = "cyclic I/O"};
	uint32_t connection = plant_u32le(&r);
	struct cpf item;

	plant_u32le(&r);
	if (!cpf_next(&r, &item) || item.type != CPF_CONNECTED_DATA)
		return false;
	plant_put(m.object, "connection 0x%08x", connection);
	plant_put_hex(m.value, item.bytes);
	plant_tell(d, &m);
	return true;
}

static bool enip_datagram(struct plant_decoder *d, struct slice bytes)
{
	size_t len;

	if (slice_starts(bytes, SLICE(IO_HEAD)))
		return io_message(d, bytes);
	if (bytes.len < ENIP_HEAD)
		return false;
	len = (size_t)ENIP_HEAD + ((uint8_t)bytes.data[2] | (size_t)(uint8_t)bytes.data[3] << 8);
	return len <= bytes.len && enip_decode(d, slice_cut(bytes, 0, len));
}

/* A known command, and options zero (volume 2, 2-3.7); or the beginning of cyclic I/O. */
static bool enip_starts(struct slice head)
{
	struct reader r = {.rest = head};
	struct slice io = SLICE(IO_HEAD);
	uint16_t code;

	if (slice_starts(head, io) || (head.len < io.len && slice_starts(io, head)))
		return true;
	if (head.len == 1)
		return enip_command_find((uint8_t)head.data[0]) != NULL;
	code = plant_u16le(&r);
	if (enip_command_find(code) == NULL)
		return false;
	if (head.len < ENIP_HEAD)
		return true;
	read_bytes(&r, ENIP_HEAD - 2 - 4);
	return plant_u32le(&r) == 0;
}

static enum plant_frame enip_frame(struct slice bytes, size_t *ret_len)
{
	struct reader r = {.rest = bytes};
	uint16_t code, len;

	if (bytes.len < 4)
		return PLANT_FRAME_MORE;
	code = plant_u16le(&r);
	len = plant_u16le(&r);
	if (enip_command_find(code) == NULL)
		return PLANT_FRAME_LOST;
	*ret_len = (size_t)ENIP_HEAD + len;
	return PLANT_FRAME_KNOWN;
}

/* No state_gap: requests stay remembered when bytes are lost, for their replies may still come. */
const struct plant_row plant_row_enip = {
	.name = "enip",
	.stream_ports = {{44818, 44818}},
	.datagram_ports = { {44818, 44818},  {2222, 2222}},
	.starts = enip_starts,
	.head_bytes = ENIP_HEAD,
	.frame = enip_frame,
	.decode = enip_decode,
	.datagram = enip_datagram,
	.state_bytes = sizeof(struct cip_state),
};
