/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Messages of CIP's message router (ODVA volume 1, 2-4): a service, a path that says what it is
 * for, data; or the reply with its status. Messages inside messages are taken out.
 */
#include "cip.h"

#define REPLY 0x80

enum cip_service_code {
	SERVICE_GET_LIST = 0x03,
	SERVICE_SET_LIST = 0x04,
	SERVICE_MULTIPLE = 0x0a,
	SERVICE_EXECUTE_PCCC = 0x4b,
	SERVICE_WRITE_TAG = 0x4d,
	SERVICE_FORWARD_CLOSE = 0x4e,
	SERVICE_UNCONNECTED_SEND = 0x52,
	SERVICE_WRITE_FRAGMENT = 0x53,
	SERVICE_FORWARD_OPEN = 0x54,
	SERVICE_LARGE_FORWARD_OPEN = 0x5b,
};

#define CLASS_MESSAGE_ROUTER     0x02
#define CLASS_CONNECTION_MANAGER 0x06
#define CLASS_PCCC               0x67

#define STATUS_PARTIAL 0x06 /* more follows: not a refusal */

/* An unconnected send may hold a multiple service packet, and that plain messages. */
#define CIP_DEPTH_MAX 2
/* Messages of one multiple service packet: each takes at least four bytes and two of the table, and
 * encapsulated packets are 64 KiB; real ones have some dozens. */
#define CIP_SERVICES_MAX 512

/* ---- paths (volume 1, appendix C) ------------------------------------------------------------ */

struct cip_path {
	uint32_t class; /* the last one; CIP_CLASS_SYMBOLIC when a name follows; CIP_CLASS_ANY: none
			 */
	bool attribute;
	char route[PLANT_TEXT_MAX];  /* port segments: "1/0" is the backplane, slot 0 */
	char object[PLANT_TEXT_MAX]; /* the rest */
};

static void put_separator(char text[PLANT_TEXT_MAX])
{
	if (text[0] != '\0')
		plant_put(text, "/");
}

/* Bits 4 to 2: what it is; bits 1 and 0: 8, 16 or 32 bits wide. */
static bool logical_segment(struct reader *r, uint8_t segment, struct cip_path *path)
{
	enum { CLASS, INSTANCE, MEMBER, CONNECTION_POINT, ATTRIBUTE, SPECIAL, SERVICE };
	unsigned type = segment >> 2 & 7, width = segment & 3;
	uint32_t number;

	if (type == SPECIAL) { /* the electronic key: which device is meant */
		uint8_t format = read_u8(r);

		read_bytes(r, format == 4 ? 8 : 0);
		return !r->bad && format == 4;
	}
	if (width == 0) {
		number = read_u8(r);
	} else if (width == 1 || width == 2) {
		read_u8(r); /* pad */
		number = width == 1 ? plant_u16le(r) : plant_u32le(r);
	} else {
		return false;
	}
	if (r->bad)
		return false;
	if (type == CLASS) {
		const char *name = cip_class_name(number);

		path->class = number;
		put_separator(path->object);
		plant_put(path->object, "0x%02x", number);
		if (name != NULL)
			plant_put(path->object, " %s", name);
	} else if (type == MEMBER && path->class == CIP_CLASS_SYMBOLIC) {
		plant_put(path->object, "[%u]", number);
	} else {
		put_separator(path->object);
		plant_put(path->object,
			type == ATTRIBUTE          ? "@%u"
			: type == CONNECTION_POINT ? "point %u"
			: type == MEMBER           ? "member %u"
						   : "%u",
			number);
		path->attribute = path->attribute || type == ATTRIBUTE;
	}
	return true;
}

/* Bit 4: the address of the link has its own length; bits 3 to 0: the port, 15 for two more octets.
 */
static bool port_segment(struct reader *r, uint8_t segment, struct cip_path *path)
{
	unsigned port = segment & 0xf;
	uint8_t len = (segment & 0x10) != 0 ? read_u8(r) : 1;
	struct slice link;

	if (port == 0xf)
		port = plant_u16le(r);
	link = read_bytes(r, len);
	if (r->bad || len == 0)
		return false;
	put_separator(path->route);
	if (len == 1) {
		plant_put(path->route, "%u/%u", port, (uint8_t)link.data[0]);
	} else { /* an address as text */
		plant_put(path->route, "%u/", port);
		plant_put_text(path->route, link);
		if ((len & 1) != 0)
			read_u8(r);
	}
	return true;
}

/* Padded segments, one after the other. */
static bool path_read(struct slice bytes, struct cip_path *ret_path)
{
	struct reader r = {.rest = bytes};

	*ret_path = (struct cip_path){.class = CIP_CLASS_ANY};
	while (r.rest.len > 0) {
		uint8_t segment = read_u8(&r);

		switch (segment >> 5) {
		case 0:
			if (!port_segment(&r, segment, ret_path))
				return false;
			break;
		case 1:
			if (!logical_segment(&r, segment, ret_path))
				return false;
			break;
		case 2: /* network: schedules, times; from 0x50 on with a length in words */
			if (segment >= 0x50)
				read_bytes(&r, (size_t)read_u8(&r) * 2);
			else
				read_u8(&r);
			break;
		case 3: /* symbolic, the old form: up to 31 characters */
			ret_path->class = CIP_CLASS_SYMBOLIC;
			put_separator(ret_path->object);
			plant_put_text(ret_path->object, read_bytes(&r, segment & 0x1f));
			if ((segment & 1) == 0)
				read_u8(&r);
			break;
		case 4:
			if (segment == 0x91) { /* a name; structures join them with dots */
				uint8_t len = read_u8(&r);
				struct slice name = read_bytes(&r, len);

				if (r.bad)
					return false;
				if (ret_path->class == CIP_CLASS_SYMBOLIC)
					plant_put(ret_path->object, ".");
				else
					put_separator(ret_path->object);
				ret_path->class = CIP_CLASS_SYMBOLIC;
				plant_put_text(ret_path->object, name);
				if ((len & 1) != 0)
					read_u8(&r);
			} else if (segment == 0x80) {
				read_bytes(&r, (size_t)read_u8(&r) * 2);
			} else {
				return false;
			}
			break;
		default: /* data types and reserved ones have no place here */
			return false;
		}
		if (r.bad)
			return false;
	}
	return true;
}

/* ---- requests remembered --------------------------------------------------------------------- */

static void pending_keep(struct plant_decoder *d, const struct cip_place *place, uint8_t service,
	uint32_t class, const struct plant_message *m)
{
	struct cip_state *s = d->state;

	s->pending[s->next++ % CIP_PENDING_MAX] = (struct cip_pending){.key = place->key,
		.index = place->index,
		.service = service,
		.operation = (uint8_t)m->operation,
		.class = class,
		.function = m->function};
}

/* The newest first: sequence counts come again. */
static struct cip_pending *pending_find(
	struct plant_decoder *d, const struct cip_place *place, uint8_t service)
{
	struct cip_state *s = d->state;

	for (uint32_t i = 1; i <= CIP_PENDING_MAX; i++) {
		struct cip_pending *p = &s->pending[(s->next - i) % CIP_PENDING_MAX];

		if (p->function != NULL && p->key == place->key && p->index == place->index &&
			p->service == service)
			return p;
	}
	return NULL;
}

/* ---- requests -------------------------------------------------------------------------------- */

/* Count, then offsets from the count's own place, then the messages in that order (volume 1,
 * Offsets have to rise, so that no byte is read twice. */
static bool multiple(struct plant_decoder *d, struct slice data, const struct cip_place *place)
{
	struct reader r = {.rest = data};
	uint16_t count = plant_u16le(&r);
	uint16_t from, to;
	bool good = true;

	if (r.bad || count == 0 || count > CIP_SERVICES_MAX || place->depth >= CIP_DEPTH_MAX)
		return false;
	from = plant_u16le(&r);
	if (from < 2 + 2 * (size_t)count)
		return false;
	for (unsigned i = 0; i < count && !r.bad; i++) {
		struct cip_place inner = *place;

		to = i + 1 < count ? plant_u16le(&r)
				   : (uint16_t)(data.len < 0xffff ? data.len : 0xffff);
		if (to <= from || to > data.len)
			return false;
		inner.index = (uint16_t)(i + 1);
		inner.depth++;
		good = cip_message(d, slice_cut(data, from, to), &inner) && good;
		from = to;
	}
	return good && !r.bad;
}

/* Priority, ticks, a message with its length, its route (volume 1, 3-5.5.4). */
static bool unconnected_send(
	struct plant_decoder *d, struct slice data, const struct cip_place *place)
{
	struct reader r = {.rest = data};
	struct cip_place inner = *place;
	struct cip_path route;
	uint16_t len;
	struct slice message, path;

	read_u16(&r);
	len = plant_u16le(&r);
	message = read_bytes(&r, len);
	if ((len & 1) != 0)
		read_u8(&r);
	len = read_u8(&r);
	read_u8(&r);
	path = read_bytes(&r, (size_t)len * 2);
	if (r.bad || place->depth >= CIP_DEPTH_MAX || !path_read(path, &route))
		return false;
	inner.unit = route.route;
	inner.depth++;
	return cip_message(d, message, &inner);
}

/* Where a connection leads: the path at the end (volume 1, 3-5.5.2 and 3-5.5.3). */
static bool forward(struct plant_message *m, uint8_t service, struct slice data)
{
	struct reader r = {.rest = data};
	struct cip_path path;
	uint16_t vendor, serial;
	uint32_t originator;
	uint8_t words;

	read_u16(&r);
	if (service != SERVICE_FORWARD_CLOSE)
		read_u64(&r); /* both connection ids */
	serial = plant_u16le(&r);
	vendor = plant_u16le(&r);
	originator = plant_u32le(&r);
	if (service == SERVICE_FORWARD_CLOSE) {
		words = read_u8(&r);
		read_u8(&r);
	} else {
		read_u32(&r);
		/* interval and parameters of both ways, transport */
		read_bytes(&r, service == SERVICE_FORWARD_OPEN ? 2 * (4 + 2) + 1 : 2 * (4 + 4) + 1);
		words = read_u8(&r);
	}
	if (r.bad || !path_read(read_bytes(&r, (size_t)words * 2), &path) || r.bad)
		return false;
	m->object[0] = '\0';
	plant_put(m->object, "%s", path.object);
	if (path.route[0] != '\0' && m->unit[0] == '\0')
		plant_put(m->unit, "%s", path.route);
	plant_put(m->value, "connection %u of vendor %u serial 0x%08x", serial, vendor, originator);
	return true;
}

static const struct plant_function data_types[] = {
	{0xc1, "BOOL",  PLANT_OTHER},
	{0xc2, "SINT",  PLANT_OTHER},
	{0xc3, "INT",   PLANT_OTHER},
	{0xc4, "DINT",  PLANT_OTHER},
	{0xc5, "LINT",  PLANT_OTHER},
	{0xc6, "USINT", PLANT_OTHER},
	{0xc7, "UINT",  PLANT_OTHER},
	{0xc8, "UDINT", PLANT_OTHER},
	{0xca, "REAL",  PLANT_OTHER},
	{0xcb, "LREAL", PLANT_OTHER},
	{0xd3, "DWORD", PLANT_OTHER},
};

/* Type (structures have a second word), number of elements, with fragments an offset, bytes. */
static void put_tag_data(struct plant_message *m, struct slice data, bool fragment)
{
	struct reader r = {.rest = data};
	uint16_t type = plant_u16le(&r), count;
	const struct plant_function *row = PLANT_FUNCTION(data_types, type);

	if (type == 0x02a0)
		read_u16(&r);
	count = plant_u16le(&r);
	if (fragment)
		read_u32(&r);
	if (r.bad)
		return;
	if (row == NULL)
		plant_put(m->value, "type 0x%04x ", type);
	else
		plant_put(m->value, "%s ", row->name);
	if (count != 1)
		plant_put(m->value, "x%u ", count);
	if (count == 1 && r.rest.len == 4 && type == 0xca)
		plant_put(m->value, "%g", (double)plant_f32(plant_u32le(&r)));
	else if (count == 1 && r.rest.len == 4 && type == 0xc4)
		plant_put(m->value, "%d", (int32_t)plant_u32le(&r));
	else if (count == 1 && r.rest.len == 2 && type == 0xc3)
		plant_put(m->value, "%d", (int16_t)plant_u16le(&r));
	else if (count == 1 && r.rest.len == 1 && type == 0xc2)
		plant_put(m->value, "%d", (int8_t)read_u8(&r));
	else
		plant_put_hex(m->value, r.rest);
}

/* A count, then attributes: with set, each is followed by a value of a length that only the object
 * knows, so the first alone is named. */
static void put_attributes(struct plant_message *m, uint8_t service, struct slice data)
{
	struct reader r = {.rest = data};
	uint16_t count = plant_u16le(&r);

	for (unsigned i = 0; i < count && r.rest.len >= 2 && !plant_full(m->object); i++) {
		plant_put(m->object, i == 0 ? "/@%u" : ",%u", plant_u16le(&r));
		if (service == SERVICE_SET_LIST) {
			plant_put_hex(m->value, r.rest);
			break;
		}
	}
}

static bool request(struct plant_decoder *d, struct slice bytes, const struct cip_place *place)
{
	struct reader r = {.rest = bytes};
	struct plant_message m = {.protocol = PLANT_ENIP, .direction = PLANT_REQUEST};
	uint8_t service = read_u8(&r), words = read_u8(&r);
	struct slice path_bytes = read_bytes(&r, (size_t)words * 2);
	const struct cip_service *row;
	struct cip_path path;

	if (r.bad || !path_read(path_bytes, &path))
		return false;
	row = cip_service_find(service, path.class);
	m.code = service;
	m.function = row->name;
	m.operation = row->operation;
	plant_put(m.unit, "%s", path.route[0] != '\0' ? path.route : place->unit);
	plant_put(m.object, "%s", path.object);

	if (service == SERVICE_MULTIPLE && path.class == CLASS_MESSAGE_ROUTER)
		return multiple(d, r.rest, place);
	if (path.class == CLASS_CONNECTION_MANAGER) {
		if (service == SERVICE_UNCONNECTED_SEND)
			return unconnected_send(d, r.rest, place);
		if ((service == SERVICE_FORWARD_OPEN || service == SERVICE_LARGE_FORWARD_OPEN ||
			    service == SERVICE_FORWARD_CLOSE) &&
			!forward(&m, service, r.rest))
			return false;
	} else if (service == SERVICE_EXECUTE_PCCC && path.class == CLASS_PCCC) {
		m.object[0] = '\0';
		if (!pccc_request(r.rest, &m))
			return false;
	} else if (service == SERVICE_GET_LIST || service == SERVICE_SET_LIST) {
		put_attributes(&m, service, r.rest);
	} else if (row->operation == PLANT_WRITE && service == SERVICE_WRITE_TAG) {
		put_tag_data(&m, r.rest, false);
	} else if (row->operation == PLANT_WRITE && service == SERVICE_WRITE_FRAGMENT) {
		put_tag_data(&m, r.rest, true);
	} else if (plant_operation_acts(row->operation)) {
		plant_put_hex(m.value, r.rest);
	}
	pending_keep(d, place, service, path.class, &m);
	plant_tell(d, &m);
	return true;
}

/* ---- replies --------------------------------------------------------------------------------- */

static bool reply(struct plant_decoder *d, struct slice bytes, const struct cip_place *place)
{
	struct reader r = {.rest = bytes};
	struct plant_message m = {.protocol = PLANT_ENIP, .direction = PLANT_RESPONSE};
	uint8_t service = read_u8(&r) & (uint8_t)~REPLY;
	uint8_t status, extended;
	struct cip_pending *asked;
	const struct cip_service *row;

	read_u8(&r);
	status = read_u8(&r);
	extended = read_u8(&r);
	if (r.bad || (size_t)extended * 2 > r.rest.len)
		return false;
	/* 0x1e: one of the messages failed, and says so itself */
	if (service == SERVICE_MULTIPLE && (status == 0 || status == 0x1e))
		return multiple(d, slice_cut(r.rest, (size_t)extended * 2, r.rest.len), place);

	asked = pending_find(d, place, service);
	row = cip_service_find(service, asked == NULL ? CIP_CLASS_ANY : asked->class);
	m.code = service;
	m.function = row->name;
	m.operation = row->operation;
	if (asked != NULL) {
		const char *name = cip_class_name(asked->class);

		m.function = asked->function;
		m.operation = (enum plant_operation)asked->operation;
		if (asked->class < CIP_CLASS_SYMBOLIC)
			plant_put(m.object, "0x%02x", asked->class);
		if (name != NULL)
			plant_put(m.object, " %s", name);
	}
	if (status != 0 && status != STATUS_PARTIAL) {
		const char *name = cip_status_name(status);

		m.refused = true;
		plant_put(m.value, "0x%02x", status);
		if (extended > 0)
			plant_put(m.value, "/0x%04x", plant_u16le(&r));
		if (name != NULL)
			plant_put(m.value, " %s", name);
	} else if (service == SERVICE_EXECUTE_PCCC && asked != NULL && asked->class == CLASS_PCCC &&
		   !pccc_reply(slice_cut(r.rest, (size_t)extended * 2, r.rest.len), &m)) {
		return false;
	}
	if (asked != NULL)
		asked->function = NULL;
	plant_tell(d, &m);
	return true;
}

bool cip_message(struct plant_decoder *d, struct slice bytes, const struct cip_place *place)
{
	if (bytes.len < 2)
		return false;
	if (((uint8_t)bytes.data[0] & REPLY) != 0)
		return reply(d, bytes, place);
	return request(d, bytes, place);
}
