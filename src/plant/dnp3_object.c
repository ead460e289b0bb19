/* SPDX-License-Identifier: MPL-2.0 */
/*
 * DNP3's objects (IEEE 1815-2012 clause 4.2.2.7 and annex A): which points a message names, and the
 * values it carries, as far as their layout is in the table. A group without a layout ends the
 * reading of values, not of the message.
 */
#include "dnp3.h"

/*
 * One letter per field of an object, which gives its size and how it is shown.
 *
 *   b B  one, two bits, packed         g G  flags, of which bit 7, bits 6..7 are the value
 *   f    flags, not shown              A    attribute: type, length, bytes
 *   u s  16 bits without, with sign    U i  32 bits without, with sign
 *   F D  float, double                 x    status of a command; not 0: refused
 *   t    absolute time, not shown      T    absolute time, the value
 *   r    relative time, not shown      C    control relay output block
 *   y    one byte                      I    interval behind a time
 */
struct layout {
	uint8_t group, variation;
	const char *fields;
};

static const struct layout layouts[] = {
	{1,   1,  "b"  },
	{1,   2,  "g"  },
	{2,   1,  "g"  },
	{2,   2,  "gt" },
	{2,   3,  "gr" },
	{3,   1,  "B"  },
	{3,   2,  "G"  },
	{4,   1,  "G"  },
	{4,   2,  "Gt" },
	{4,   3,  "Gr" },
	{10,  1,  "b"  },
	{10,  2,  "g"  },
	{11,  1,  "g"  },
	{11,  2,  "gt" },
	{12,  1,  "C"  },
	{12,  2,  "C"  },
	{12,  3,  "b"  },
	{13,  1,  "g"  },
	{13,  2,  "gt" },
	{20,  1,  "fU" },
	{20,  2,  "fu" },
	{20,  3,  "fU" },
	{20,  4,  "fu" },
	{20,  5,  "U"  },
	{20,  6,  "u"  },
	{20,  7,  "U"  },
	{20,  8,  "u"  },
	{21,  1,  "fU" },
	{21,  2,  "fu" },
	{21,  3,  "fU" },
	{21,  4,  "fu" },
	{21,  5,  "fUt"},
	{21,  6,  "fut"},
	{21,  7,  "fUt"},
	{21,  8,  "fut"},
	{21,  9,  "U"  },
	{21,  10, "u"  },
	{21,  11, "U"  },
	{21,  12, "u"  },
	{22,  1,  "fU" },
	{22,  2,  "fu" },
	{22,  3,  "fU" },
	{22,  4,  "fu" },
	{22,  5,  "fUt"},
	{22,  6,  "fut"},
	{22,  7,  "fUt"},
	{22,  8,  "fut"},
	{23,  1,  "fU" },
	{23,  2,  "fu" },
	{23,  3,  "fU" },
	{23,  4,  "fu" },
	{23,  5,  "fUt"},
	{23,  6,  "fut"},
	{23,  7,  "fUt"},
	{23,  8,  "fut"},
	{30,  1,  "fi" },
	{30,  2,  "fs" },
	{30,  3,  "i"  },
	{30,  4,  "s"  },
	{30,  5,  "fF" },
	{30,  6,  "fD" },
	{31,  1,  "fi" },
	{31,  2,  "fs" },
	{31,  3,  "fit"},
	{31,  4,  "fst"},
	{31,  5,  "i"  },
	{31,  6,  "s"  },
	{31,  7,  "fF" },
	{31,  8,  "fD" },
	{32,  1,  "fi" },
	{32,  2,  "fs" },
	{32,  3,  "fit"},
	{32,  4,  "fst"},
	{32,  5,  "fF" },
	{32,  6,  "fD" },
	{32,  7,  "fFt"},
	{32,  8,  "fDt"},
	{33,  1,  "fi" },
	{33,  2,  "fs" },
	{33,  3,  "fit"},
	{33,  4,  "fst"},
	{33,  5,  "fF" },
	{33,  6,  "fD" },
	{33,  7,  "fFt"},
	{33,  8,  "fDt"},
	{34,  1,  "u"  },
	{34,  2,  "U"  },
	{34,  3,  "F"  },
	{40,  1,  "fi" },
	{40,  2,  "fs" },
	{40,  3,  "fF" },
	{40,  4,  "fD" },
	{41,  1,  "ix" },
	{41,  2,  "sx" },
	{41,  3,  "Fx" },
	{41,  4,  "Dx" },
	{42,  1,  "fi" },
	{42,  2,  "fs" },
	{42,  3,  "fit"},
	{42,  4,  "fst"},
	{42,  5,  "fF" },
	{42,  6,  "fD" },
	{42,  7,  "fFt"},
	{42,  8,  "fDt"},
	{43,  1,  "fi" },
	{43,  2,  "fs" },
	{43,  3,  "fit"},
	{43,  4,  "fst"},
	{43,  5,  "fF" },
	{43,  6,  "fD" },
	{43,  7,  "fFt"},
	{43,  8,  "fDt"},
	{50,  1,  "T"  },
	{50,  2,  "TI" },
	{50,  3,  "T"  },
	{50,  4,  "TIy"},
	{51,  1,  "T"  },
	{51,  2,  "T"  },
	{52,  1,  "u"  },
	{52,  2,  "u"  },
	{80,  1,  "b"  },
	{101, 1,  "u"  },
	{101, 2,  "U"  },
	{102, 1,  "y"  },
};

/* Groups whose variation is the length in bytes. */
static const uint8_t text_groups[] = {110, 111, 112, 113, 114, 115};
/* Groups that only name a class of others: never with data. */
#define GROUP_CLASSES 60
#define GROUP_COMMAND 12
#define GROUP_FILE    70

/* Group 0: every variation is an attribute of the device (annex A, group 0). */
static const struct layout attribute = {0, 0, "A"};

static const struct layout *layout_find(uint8_t group, uint8_t variation)
{
	if (group == 0)
		return &attribute;
	for (size_t k = 0; k < COUNT_OF(layouts); k++) {
		if (layouts[k].group == group && layouts[k].variation == variation)
			return &layouts[k];
	}
	return NULL;
}

static bool is_text(uint8_t group)
{
	return memchr(text_groups, group, sizeof(text_groups)) != NULL;
}

/* What writing to a group does, where it is more than values. */
static const struct plant_function written[] = {
	{0,   "device attributes",    PLANT_CONFIGURE},
	{12,  "pattern mask",         PLANT_OPERATE  },
	{34,  "deadband",             PLANT_CONFIGURE},
	{50,  "time",                 PLANT_TIME     },
	{51,  "common time",          PLANT_TIME     },
	{70,  "file",                 PLANT_DOWNLOAD },
	{81,  "device storage",       PLANT_CONFIGURE},
	{85,  "data set prototype",   PLANT_CONFIGURE},
	{86,  "data set descriptor",  PLANT_CONFIGURE},
	{91,  "active configuration", PLANT_CONFIGURE},
	{120, "authentication",       PLANT_CONFIGURE},
};

/* A message that writes several things is known by the weightiest. */
static enum plant_operation weightier(enum plant_operation a, enum plant_operation b)
{
	static const uint8_t weights[PLANT_OPERATIONS] = {[PLANT_TIME] = 1,
		[PLANT_WRITE] = 2,
		[PLANT_CONFIGURE] = 3,
		[PLANT_DOWNLOAD] = 4,
		[PLANT_OPERATE] = 5};

	return weights[a] >= weights[b] ? a : b;
}

/* Control status codes, annex A, group 12. */
static const struct plant_function statuses[] = {
	{1,   "timeout",                   PLANT_OTHER},
	{2,   "no select",                 PLANT_OTHER},
	{3,   "format error",              PLANT_OTHER},
	{4,   "not supported",             PLANT_OTHER},
	{5,   "already active",            PLANT_OTHER},
	{6,   "hardware error",            PLANT_OTHER},
	{7,   "local",		     PLANT_OTHER},
	{8,   "too many operations",       PLANT_OTHER},
	{9,   "not authorized",            PLANT_OTHER},
	{10,  "automation inhibit",        PLANT_OTHER},
	{11,  "processing limited",        PLANT_OTHER},
	{12,  "out of range",              PLANT_OTHER},
	{13,  "downstream local",          PLANT_OTHER},
	{14,  "already complete",          PLANT_OTHER},
	{15,  "blocked",                   PLANT_OTHER},
	{16,  "canceled",                  PLANT_OTHER},
	{17,  "blocked by another master", PLANT_OTHER},
	{18,  "downstream failed",         PLANT_OTHER},
	{126, "non-participating",         PLANT_OTHER},
	{127, "undefined",                 PLANT_OTHER},
};

/* ---- values ---------------------------------------------------------------------------------- */

static void put_status(struct plant_message *m, uint8_t status)
{
	const struct plant_function *f = PLANT_FUNCTION(statuses, status);

	if (status == 0)
		return;
	m->refused = true;
	plant_put(m->value, " %s (%u)", f != NULL ? f->name : "status", status);
}

/* Annex A, group 12 variation 1: control code, count, on and off in milliseconds, status. */
static void put_command(struct plant_message *m, struct reader *r)
{
	static const char *const kinds[16] = {
		"nul", "pulse on", "pulse off", "latch on", "latch off"};
	static const char *const relays[4] = {"", " close", " trip", " reserved"};
	uint8_t code = read_u8(r), count = read_u8(r);
	uint32_t on = plant_u32le(r), off = plant_u32le(r);
	uint8_t status = read_u8(r);
	const char *kind = kinds[code & 15];

	plant_put(m->value, "%s%s", kind != NULL ? kind : "undefined", relays[code >> 6]);
	if (kind == NULL)
		plant_put(m->value, " (0x%02x)", code);
	if ((code & 0x20) != 0)
		plant_put(m->value, " clear");
	if (count != 1)
		plant_put(m->value, " %u times", count);
	if (on != 0 || off != 0)
		plant_put(m->value, " %u/%u ms", on, off);
	put_status(m, status);
}

static uint64_t read_u48le(struct reader *r)
{
	uint64_t low = plant_u32le(r);

	return low | (uint64_t)plant_u16le(r) << 32;
}

static void put_time(struct plant_message *m, struct reader *r)
{
	char text[TIME_TEXT_MAX];

	time_format((int64_t)read_u48le(r) * 1000, 3, text);
	plant_put(m->value, "%s", text);
}

static void put_attribute(struct plant_message *m, struct reader *r)
{
	uint8_t type = read_u8(r);
	struct slice bytes = read_bytes(r, read_u8(r));

	if (type == 1) /* text */
		plant_put_text(m->value, bytes);
	else
		plant_put_hex(m->value, bytes);
}

static void put_field(struct plant_message *m, char field, struct reader *r)
{
	switch (field) {
	case 'f':
		read_u8(r);
		break;
	case 'g':
		plant_put(m->value, "%u", (unsigned)(read_u8(r) >> 7));
		break;
	case 'G':
		plant_put(m->value, "%u", (unsigned)(read_u8(r) >> 6));
		break;
	case 'x':
		put_status(m, read_u8(r));
		break;
	case 'y':
		plant_put(m->value, " %u", read_u8(r));
		break;
	case 'u':
		plant_put(m->value, "%u", plant_u16le(r));
		break;
	case 's':
		plant_put(m->value, "%d", (int16_t)plant_u16le(r));
		break;
	case 'U':
		plant_put(m->value, "%u", plant_u32le(r));
		break;
	case 'I':
		plant_put(m->value, " every %u", plant_u32le(r));
		break;
	case 'i':
		plant_put(m->value, "%d", (int32_t)plant_u32le(r));
		break;
	case 'F':
		plant_put(m->value, "%.7g", (double)plant_f32(plant_u32le(r)));
		break;
	case 'D':
		plant_put(m->value, "%.15g", plant_f64(plant_u64le(r)));
		break;
	case 't':
		read_bytes(r, 6);
		break;
	case 'T':
		put_time(m, r);
		break;
	case 'r':
		read_bytes(r, 2);
		break;
	case 'C':
		put_command(m, r);
		break;
	case 'A':
		put_attribute(m, r);
		break;
	default:
		break;
	}
}

/* Between the values of one header a comma, between headers "; ". */
static bool ends_list(const char text[PLANT_TEXT_MAX])
{
	size_t len = strnlen(text, PLANT_TEXT_MAX);

	return len >= 2 && text[len - 2] == ';';
}

static void put_comma(char text[PLANT_TEXT_MAX])
{
	if (text[0] != 0 && !ends_list(text))
		plant_put(text, ",");
}

/* Annex A, group 70. Every variation comes with its size in front. */
static void put_file(
	struct plant_message *m, uint8_t variation, uint8_t function, struct slice bytes)
{
	static const char *const modes[] = {"null", "read", "write", "append"};
	struct reader r = {.rest = bytes};
	unsigned name_from, name_len, mode;

	switch (variation) {
	case 3: /* file command: open and delete */
		name_from = plant_u16le(&r);
		name_len = plant_u16le(&r);
		read_bytes(&r, 6 + 2 + 4 + 4); /* created, permissions, key, size */
		mode = plant_u16le(&r);
		if (function == DNP3_OPEN_FILE) {
			plant_put(m->value, "%s ", mode < COUNT_OF(modes) ? modes[mode] : "mode");
			if (mode >= 2 && !r.bad)
				m->operation = PLANT_DOWNLOAD;
		}
		plant_put_text(m->value, slice_cut(bytes, name_from, (size_t)name_from + name_len));
		break;
	case 4: /* status: handle, size, block, request, status */
		plant_put(m->value, "handle %u", plant_u32le(&r));
		read_bytes(&r, 4 + 2 + 2);
		mode = read_u8(&r);
		if (mode != 0 && !r.bad) {
			m->refused = true;
			plant_put(m->value, " status %u", mode);
		}
		break;
	case 5: /* transport: handle, block with bit 31 for the last */
		plant_put(m->value, "handle %u", plant_u32le(&r));
		plant_put(m->value, " block %u", plant_u32le(&r) & 0x7fffffff);
		plant_put(m->value, " of %zu bytes", r.rest.len);
		break;
	case 7: /* descriptor */
		name_from = plant_u16le(&r);
		name_len = plant_u16le(&r);
		plant_put_text(m->value, slice_cut(bytes, name_from, (size_t)name_from + name_len));
		break;
	default:
		plant_put_hex(m->value, bytes);
		break;
	}
}

/* ---- headers --------------------------------------------------------------------------------- */

struct header {
	uint8_t group, variation;
	uint8_t prefix_bytes; /* 0, 1, 2, 4 */
	bool prefix_size;     /* the prefix is the object's size, not its index */
	bool all, counted;
	uint32_t from, count;
};

static uint32_t read_sized(struct reader *r, unsigned bytes)
{
	return bytes == 0   ? 0
	       : bytes == 1 ? read_u8(r)
	       : bytes == 2 ? plant_u16le(r)
			    : plant_u32le(r);
}

/* Clause 4.2.2.7.3, figure 4-17: prefix in bits 4..6, range in bits 0..3. */
static bool header_read(struct reader *r, struct header *ret_header)
{
	static const uint8_t prefix_sizes[8] = {0, 1, 2, 4, 1, 2, 4, 0};
	static const uint8_t range_sizes[16] = {1, 2, 4, 1, 2, 4, 0, 1, 2, 4, 0, 1};
	struct header *h = ret_header;
	unsigned qualifier, range, size;

	*h = (struct header){.group = read_u8(r), .variation = 0};
	h->variation = read_u8(r);
	qualifier = read_u8(r);
	range = qualifier & 15;
	h->prefix_bytes = prefix_sizes[qualifier >> 4 & 7];
	h->prefix_size = (qualifier >> 4 & 7) >= 4;
	size = range_sizes[range];
	if (r->bad || (qualifier & 0x80) != 0 || (qualifier >> 4) == 7 || range == 10 || range > 11)
		return false;
	if (range <= 5) { /* start and stop; 3 to 5 are virtual addresses of old devices */
		uint32_t to;

		h->from = read_sized(r, size);
		to = read_sized(r, size);
		if (to < h->from)
			return false;
		h->count = to - h->from == UINT32_MAX ? UINT32_MAX : to - h->from + 1;
	} else if (range == 6) {
		h->all = true;
	} else { /* 11: as many objects, each with its size */
		h->counted = true;
		h->count = read_sized(r, size);
	}
	return !r->bad;
}

static void put_header(struct plant_message *m, const struct header *h)
{
	if (m->object[0] != 0)
		plant_put(m->object, ", ");
	plant_put(m->object, "g%uv%u", h->group, h->variation);
	if (h->all || h->counted)
		return;
	if (h->count == 1)
		plant_put(m->object, " %u", h->from);
	else
		plant_put(m->object, " %u..%u", h->from, h->from + (h->count - 1));
}

/* Bits from the lowest of the first byte on; the last byte is padded. */
static bool packed_bits(
	struct reader *r, const struct header *h, unsigned bits, struct plant_message *m)
{
	uint64_t bytes = ((uint64_t)h->count * bits + 7) / 8;
	struct slice packed = read_bytes(r, bytes);

	for (uint64_t k = 0; k < h->count && !r->bad && !plant_full(m->value); k++) {
		uint64_t at = k * bits;

		put_comma(m->value);
		plant_put(m->value, "%u",
			(unsigned)((uint8_t)packed.data[at / 8] >> at % 8) & ((1u << bits) - 1));
	}
	return !r->bad;
}

/* A prefix in front of each: which point. */
static void put_index(struct plant_message *m, uint32_t k, uint32_t index)
{
	plant_put(m->object, "%s%u", k == 0 ? " " : ",", index);
}

enum went { WENT_ON, WENT_UNKNOWN, WENT_BAD };

static enum went read_values(
	struct reader *r, const struct header *h, uint8_t function, struct plant_message *m)
{
	const struct layout *layout = layout_find(h->group, h->variation);
	unsigned bits = 0;

	if (layout != NULL && h->prefix_bytes == 0)
		bits = layout->fields[0] == 'b' ? 1 : layout->fields[0] == 'B' ? 2 : 0;
	if (bits != 0)
		return packed_bits(r, h, bits, m) ? WENT_ON : WENT_BAD;
	if (h->group == GROUP_CLASSES || h->count == 0)
		return WENT_ON;
	if (layout == NULL && !h->prefix_size && !(is_text(h->group) && h->variation != 0))
		return WENT_UNKNOWN;
	/* every turn reads at least one byte, or ends */
	for (uint32_t k = 0; k < h->count && !r->bad; k++) {
		uint32_t prefix = read_sized(r, h->prefix_bytes);

		if (h->prefix_bytes != 0 && !h->prefix_size)
			put_index(m, k, prefix);
		put_comma(m->value);
		if (h->prefix_size) {
			struct slice object = read_bytes(r, prefix);

			if (r->bad)
				break;
			if (h->group == GROUP_FILE)
				put_file(m, h->variation, function, object);
			else
				plant_put_hex(m->value, object);
		} else if (layout == NULL) {
			plant_put_text(m->value, read_bytes(r, h->variation));
		} else {
			for (const char *f = layout->fields; *f != 0; f++)
				put_field(m, *f, r);
		}
	}
	return r->bad ? WENT_BAD : WENT_ON;
}

/* Only headers, and behind those with an index prefix the indexes. */
static bool read_names(struct reader *r, const struct header *h, struct plant_message *m)
{
	if (h->prefix_bytes == 0 || h->all)
		return true;
	for (uint32_t k = 0; k < h->count && !r->bad; k++) {
		uint32_t prefix = read_sized(r, h->prefix_bytes);

		if (h->prefix_size)
			read_bytes(r, prefix);
		else
			put_index(m, k, prefix);
	}
	return !r->bad;
}

/* Clause 4.4: requests that name points and carry no values. Freezing at a time, authentication and
 * files do carry some. */
static bool carries_values(uint8_t function, uint8_t group)
{
	if (function == DNP3_WRITE || function >= DNP3_RESPONSE)
		return true;
	if (function >= DNP3_SELECT && function <= DNP3_DIRECT_OPERATE_QUIET)
		return true;
	if (function == DNP3_FREEZE_AT_TIME || function == DNP3_FREEZE_AT_TIME_QUIET)
		return group == 50;
	if (function >= DNP3_OPEN_FILE && function <= DNP3_AUTHENTICATE_QUIET)
		return true;
	return group == GROUP_FILE;
}

static bool objects(struct slice bytes, uint8_t function, struct plant_message *m)
{
	struct reader r = {.rest = bytes};

	for (bool first = true; r.rest.len > 0; first = false) {
		struct header h;

		if (!header_read(&r, &h))
			return false;
		put_header(m, &h);
		if (m->value[0] != 0 && !ends_list(m->value))
			plant_put(m->value, "; ");
		if (function == DNP3_WRITE) {
			const struct plant_function *f = PLANT_FUNCTION(written, h.group);
			enum plant_operation o = f != NULL ? f->operation : PLANT_WRITE;

			m->operation = first ? o : weightier(m->operation, o);
		}
		if (function == DNP3_READ && h.group == GROUP_FILE)
			m->operation = PLANT_UPLOAD;
		if (!carries_values(function, h.group)) {
			if (!read_names(&r, &h, m))
				return false;
			continue;
		}
		switch (read_values(&r, &h, function, m)) {
		case WENT_BAD:
			return false;
		case WENT_UNKNOWN:
			/* its size is not known here, so what follows cannot be told */
			plant_put(m->object, "...");
			return true;
		case WENT_ON:
			break;
		}
	}
	return true;
}

bool dnp3_objects(struct slice bytes, uint8_t function, struct plant_message *m)
{
	bool good = objects(bytes, function, m);

	if (ends_list(m->value)) /* the last headers had no values */
		m->value[strlen(m->value) - 2] = 0;
	return good;
}
