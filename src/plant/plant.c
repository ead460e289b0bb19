/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What all protocols share: names, which protocol it is, and holding the bytes of each direction
 * until a message is whole, or until the next one begins after something was lost.
 */
#include <stdlib.h>

#include "plant_parts.h"

/* One line per protocol that is decoded. GOOSE has no connection and no port: plant_goose. */
static const struct plant_row *const rows[PLANT_PROTOCOLS] = {
	[PLANT_MODBUS] = &plant_row_modbus,
	[PLANT_DNP3] = &plant_row_dnp3,
	[PLANT_IEC104] = &plant_row_iec104,
	[PLANT_BACNET] = &plant_row_bacnet,
	[PLANT_S7COMM] = &plant_row_s7comm,
	[PLANT_ENIP] = &plant_row_enip,
	[PLANT_MMS] = &plant_row_mms,
};

static const char *const protocol_names[PLANT_PROTOCOLS] = {
	[PLANT_NONE] = "none",
	[PLANT_MODBUS] = "modbus",
	[PLANT_DNP3] = "dnp3",
	[PLANT_IEC104] = "iec104",
	[PLANT_S7COMM] = "s7comm",
	[PLANT_ENIP] = "enip",
	[PLANT_BACNET] = "bacnet",
	[PLANT_GOOSE] = "goose",
	[PLANT_MMS] = "mms",
};

const char *plant_protocol_name(enum plant_protocol p)
{
	return (unsigned)p < PLANT_PROTOCOLS ? protocol_names[p] : "none";
}

static const char *const operation_names[PLANT_OPERATIONS] = {
	[PLANT_OTHER] = "other",
	[PLANT_READ] = "read",
	[PLANT_REPORT] = "report",
	[PLANT_BROWSE] = "browse",
	[PLANT_UPLOAD] = "upload",
	[PLANT_WRITE] = "write",
	[PLANT_OPERATE] = "operate",
	[PLANT_STOP] = "stop",
	[PLANT_START] = "start",
	[PLANT_RESTART] = "restart",
	[PLANT_DOWNLOAD] = "download",
	[PLANT_DELETE] = "delete",
	[PLANT_MODE] = "mode",
	[PLANT_FIRMWARE] = "firmware",
	[PLANT_TIME] = "time",
	[PLANT_CONFIGURE] = "configure",
};

const char *plant_direction_name(enum plant_direction d)
{
	static const char *const names[] = {"unknown", "request", "response", "unsolicited"};

	return (unsigned)d < COUNT_OF(names) ? names[d] : names[0];
}

const char *plant_operation_name(enum plant_operation o)
{
	return (unsigned)o < PLANT_OPERATIONS ? operation_names[o] : "other";
}

/* ---- which protocol -------------------------------------------------------------------------- */

static bool port_fits(const struct plant_ports ranges[PLANT_PORT_RANGES], uint16_t port)
{
	for (unsigned k = 0; k < PLANT_PORT_RANGES; k++) {
		if (ranges[k].from != 0 && port >= ranges[k].from && port <= ranges[k].to)
			return true;
	}
	return false;
}

enum plant_protocol plant_guess_stream(
	uint16_t source_port, uint16_t destination_port, struct slice head)
{
	if (head.len == 0)
		return PLANT_NONE;
	for (unsigned p = 0; p < PLANT_PROTOCOLS; p++) {
		const struct plant_row *row = rows[p];

		if (row == NULL || row->frame == NULL)
			continue;
		if (!port_fits(row->stream_ports, source_port) &&
			!port_fits(row->stream_ports, destination_port))
			continue;
		if (row->starts(head) || (row->opens != NULL && row->opens(head)))
			return (enum plant_protocol)p;
	}
	return PLANT_NONE;
}

enum plant_protocol plant_guess_datagram(
	uint16_t source_port, uint16_t destination_port, struct slice bytes)
{
	if (bytes.len == 0)
		return PLANT_NONE;
	for (unsigned p = 0; p < PLANT_PROTOCOLS; p++) {
		const struct plant_row *row = rows[p];

		if (row == NULL || row->datagram == NULL)
			continue;
		if (!port_fits(row->datagram_ports, source_port) &&
			!port_fits(row->datagram_ports, destination_port))
			continue;
		if (bytes.len >= row->head_bytes && row->starts(bytes))
			return (enum plant_protocol)p;
	}
	return PLANT_NONE;
}

bool plant_datagram(enum plant_protocol protocol, bool to_server, struct slice bytes,
	plant_message_fn message, void *context)
{
	const struct plant_row *row = (unsigned)protocol < PLANT_PROTOCOLS ? rows[protocol] : NULL;
	_Alignas(max_align_t) char state[PLANT_STATE_MAX];
	bool good;

	if (row == NULL || row->datagram == NULL || bytes.len == 0)
		return false;
	memset(state, 0, row->state_bytes);
	good = row->datagram(&(struct plant_decoder){.direction = to_server ? 0 : 1,
				     .state = state,
				     .message = message,
				     .context = context},
		bytes);
	if (row->state_fini != NULL)
		row->state_fini(state);
	return good;
}

/* ---- streams --------------------------------------------------------------------------------- */

/*
 * Messages that contradict themselves before the first that does not: then it is another protocol
 * on the same port. After one good message a stream is never given up: otherwise a few damaged
 * messages would blind the sensor to the commands behind them.
 */
#define PLANT_BAD_MAX 64
/* Bytes taken at once while the next message is sought. */
#define PLANT_SEEK_BYTES 512

struct plant_way {
	struct plant_held held;
	bool seeking;
};

struct plant_stream {
	const struct plant_row *row;
	struct plant_way ways[2];
	bool found;   /* a message was whole and made sense */
	unsigned bad; /* messages before it */
	uint64_t sought;
	_Alignas(max_align_t) char state[]; /* row->state_bytes */
};

struct plant_stream *plant_stream_new(enum plant_protocol protocol)
{
	const struct plant_row *row = (unsigned)protocol < PLANT_PROTOCOLS ? rows[protocol] : NULL;
	struct plant_stream *s;

	if (row == NULL || row->frame == NULL)
		return NULL;
	s = calloc(1, sizeof(*s) + row->state_bytes);
	if (s != NULL)
		s->row = row;
	return s;
}

void plant_stream_free(struct plant_stream *s)
{
	if (s == NULL)
		return;
	if (s->row->state_fini != NULL)
		s->row->state_fini(s->state);
	plant_held_fini(&s->ways[0].held);
	plant_held_fini(&s->ways[1].held);
	free(s);
}

static void lose(struct plant_stream *s, unsigned direction)
{
	s->ways[direction].seeking = true;
	s->sought++;
	if (s->row->state_gap != NULL)
		s->row->state_gap(s->state, direction);
}

uint64_t plant_stream_sought(const struct plant_stream *s)
{
	return s->sought;
}

void plant_stream_gap(struct plant_stream *s, unsigned direction)
{
	struct plant_way *way = &s->ways[direction & 1];

	plant_held_fini(&way->held);
	lose(s, direction & 1);
}

/*
 * Offset of the first place where a message may begin: all of its head fits, and if another follows
 * in the same bytes, so does that. Without one, false, and how many bytes surely are none's.
 */
static bool seek(const struct plant_row *row, struct slice view, size_t *ret_offset)
{
	for (size_t at = 0; at < view.len; at++) {
		struct slice here = slice_cut(view, at, view.len);
		size_t len;

		if (here.len < row->head_bytes) {
			*ret_offset = at;
			return false;
		}
		if (!row->starts(here) || row->frame(here, &len) != PLANT_FRAME_KNOWN)
			continue;
		if (len < here.len && !row->starts(slice_cut(here, len, here.len)))
			continue;
		*ret_offset = at;
		return true;
	}
	*ret_offset = view.len;
	return false;
}

/*
 * Every whole message at the beginning of `view`. *ret_used: bytes that are done with; *ret_need:
 * bytes from there on without which nothing more can be told. False: given up.
 */
static bool run(struct plant_stream *s, struct plant_decoder *d, struct slice view,
	size_t *ret_used, size_t *ret_need)
{
	const struct plant_row *row = s->row;
	struct plant_way *way = &s->ways[d->direction];
	size_t used = 0;

	*ret_need = 1;
	while (used < view.len) {
		struct slice rest = slice_cut(view, used, view.len);
		enum plant_frame step;
		size_t len = 0;

		if (way->seeking) {
			bool found = seek(row, rest, &len);

			used += len;
			if (!found) {
				*ret_need = view.len - used + PLANT_SEEK_BYTES;
				break;
			}
			way->seeking = false;
			continue;
		}
		step = row->frame(rest, &len);
		if (step == PLANT_FRAME_KNOWN && len > PLANT_HELD_MAX)
			step = PLANT_FRAME_LOST;
		if (step == PLANT_FRAME_LOST) {
			used++; /* it does not begin here */
			lose(s, d->direction);
			if (!s->found)
				return false;
			continue;
		}
		if (step == PLANT_FRAME_MORE || len > rest.len) {
			*ret_need = step == PLANT_FRAME_MORE ? rest.len + 1 : len;
			break;
		}
		if (row->decode(d, slice_cut(rest, 0, len)))
			s->found = true;
		else if (!s->found && ++s->bad >= PLANT_BAD_MAX)
			return false;
		used += len;
	}
	*ret_used = used;
	return true;
}

bool plant_stream_feed(struct plant_stream *s, unsigned direction, struct slice bytes,
	plant_message_fn message, void *context)
{
	struct plant_way *way = &s->ways[direction & 1];
	struct plant_decoder d = {.direction = direction & 1,
		.state = s->state,
		.message = message,
		.context = context};
	size_t used, need = way->held.len + 1;

	while (bytes.len > 0) {
		struct slice view = bytes;
		bool good;

		if (way->held.len == 0) {
			good = run(s, &d, view, &used, &need);
			bytes = slice_cut(bytes, used, bytes.len);
			if (good)
				good = plant_held_add(&way->held, bytes);
			if (good)
				return true;
		} else {
			size_t take = need - way->held.len;

			if (take > bytes.len)
				take = bytes.len;
			good = plant_held_add(&way->held, slice_cut(bytes, 0, take));
			bytes = slice_cut(bytes, take, bytes.len);
			if (good)
				good = run(s, &d, plant_held_slice(&way->held), &used, &need);
			if (good)
				plant_held_drop(&way->held, used);
		}
		if (!good) {
			plant_held_fini(&way->held);
			lose(s, direction & 1);
			return false;
		}
		if (need <= way->held.len)
			need = way->held.len + 1;
	}
	return true;
}

/* ---- parts ----------------------------------------------------------------------------------- */

const struct plant_function *plant_function_find(
	const struct plant_function *table, size_t count, uint32_t code)
{
	for (size_t k = 0; k < count; k++) {
		if (table[k].code == code)
			return &table[k];
	}
	return NULL;
}

bool plant_held_add(struct plant_held *h, struct slice bytes)
{
	if (bytes.len == 0)
		return true;
	if (bytes.len > PLANT_HELD_MAX - h->len)
		return false;
	if (h->len + bytes.len > h->capacity) {
		size_t capacity = h->capacity == 0 ? 256 : h->capacity;
		char *grown;

		while (capacity < h->len + bytes.len)
			capacity *= 2;
		if (capacity > PLANT_HELD_MAX)
			capacity = PLANT_HELD_MAX;
		grown = realloc(h->bytes, capacity);
		if (grown == NULL)
			return false;
		h->bytes = grown;
		h->capacity = capacity;
	}
	memcpy(h->bytes + h->len, bytes.data, bytes.len);
	h->len += bytes.len;
	return true;
}

/* Thousands of idle connections hold nothing: the memory goes with the last byte, unless small. */
#define HELD_KEEP_BYTES KIB(1)

void plant_held_drop(struct plant_held *h, size_t len)
{
	if (len >= h->len) {
		h->len = 0;
		if (h->capacity > HELD_KEEP_BYTES)
			plant_held_fini(h);
		return;
	}
	memmove(h->bytes, h->bytes + len, h->len - len);
	h->len -= len;
}

void plant_held_fini(struct plant_held *h)
{
	free(h->bytes);
	*h = (struct plant_held){0};
}
