/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One value in an open index. Every number read from the file is checked before it is used, and
 * every walk has an end that the file cannot move.
 */
#include "inside.h"

bool stored_next(const uint8_t **at, const uint8_t *end, unsigned width, struct stored *ret_stored)
{
	const uint8_t *p = *at;
	size_t len;
	uint64_t number = 0;

	if ((size_t)(end - p) < width + 1u)
		return false;
	for (unsigned k = 0; k < width; k++)
		number |= (uint64_t)p[k] << 8 * k;
	/* the highest bit tells a set from an entry */
	if (width > 0 && number >> (8 * width - 1) != 0)
		number = NUMBER_SET | (number & ((UINT64_C(1) << (8 * width - 1)) - 1));
	p += width;
	len = *p++;
	if (len == LENGTH_LONG) {
		if (end - p < 2)
			return false;
		len = le16(p);
		p += 2;
	}
	if ((size_t)(end - p) < len)
		return false;
	*ret_stored = (struct stored){
		number, {(const char *)p, len}
        };
	*at = p + len;
	return true;
}

uint64_t look_table(const struct index *x, const struct table *t, uint64_t hash, struct slice value,
	struct slice *ret_stored)
{
	const uint8_t *row, *at, *end;
	struct stored s;
	uint32_t from, to;

	row = index_touch(x, t->directory.offset + UINT64_C(4) * bucket_of(hash, t->bits), 8);
	if (row == NULL)
		return NUMBER_NONE;
	from = le32(row);
	to = le32(row + 4);
	if (from >= to || to > t->heap.bytes)
		return NUMBER_NONE;
	if (to - from > BUCKET_RECORDS * VALUE_BYTES_MAX)
		return NUMBER_NONE;
	at = index_touch(x, t->heap.offset + from, to - from);
	if (at == NULL)
		return NUMBER_NONE;
	end = at + (to - from);
	for (unsigned k = 0; k < BUCKET_RECORDS && stored_next(&at, end, t->heap.width, &s); k++) {
		if (slice_equal(s.value, value)) {
			*ret_stored = s.value;
			return s.number;
		}
	}
	return NUMBER_NONE;
}

static uint64_t ipv4_number(const struct index *x, uint32_t row)
{
	unsigned width = x->sections[SECTION_IPV4_ENTRY].width;
	uint8_t bytes[9] = {0};
	const uint8_t *at = bytes, *number;
	struct stored s = {0};

	if (width == 0)
		return 0;
	number = section_row(x, SECTION_IPV4_ENTRY, row, width);
	if (number == NULL)
		return NUMBER_NONE;
	memcpy(bytes, number, width);
	return stored_next(&at, bytes + sizeof(bytes), width, &s) ? s.number : NUMBER_NONE;
}

/* Where `sought` stands among `count` sorted numbers, without a branch on what they are; another's
 * place when it is not there. */
static uint32_t place_of(const uint8_t *numbers, uint32_t count, unsigned width, uint32_t sought)
{
	uint32_t from = 0;

	while (count > 1) {
		uint32_t half = count / 2;
		const uint8_t *p = numbers + (size_t)(from + half) * width;

		from = (width == 2 ? le16(p) : le32(p)) <= sought ? from + half : from;
		count -= half;
	}
	return from;
}

/* The same among the lower halves of a /16's addresses. They mostly lie about as dice fall, so it
 * is looked for around the place where it should be first, which is in one line of memory. */
static uint32_t place_near(const uint8_t *numbers, uint32_t count, uint32_t sought)
{
	uint32_t guess = ipv4_guess(count, sought);
	uint32_t from = guess > IPV4_NEAR ? guess - IPV4_NEAR : 0;
	uint32_t end = count - guess > IPV4_NEAR ? guess + IPV4_NEAR : count;

	if (from > 0 && le16(numbers + 2 * from) > sought) {
		end = from;
		from = 0;
	} else if (end < count && le16(numbers + 2 * (end - 1)) < sought) {
		from = end;
		end = count;
	}
	return from + place_of(numbers + 2 * from, end - from, 2, sought);
}

uint64_t look_ipv4(const struct index *x, uint32_t address)
{
	const struct section *low = &x->sections[SECTION_IPV4_LOW];
	uint32_t from = 0, to = (uint32_t)low->count;
	uint32_t sought = address, place;
	const uint8_t *numbers, *p;

	if (low->width == 2) {
		const uint8_t *row = section_row(x, SECTION_IPV4_DIRECTORY, address >> 16, 4);
		const uint8_t *next =
			section_row(x, SECTION_IPV4_DIRECTORY, (address >> 16) + 1, 4);

		if (row == NULL || next == NULL)
			return NUMBER_NONE;
		from = le32(row);
		to = le32(next);
		sought &= 0xffff;
		/* no /16 has more */
		if (to > low->count || (to > from && to - from > IPV4_SLOTS))
			return NUMBER_NONE;
	}
	if (from >= to)
		return NUMBER_NONE;
	numbers = index_touch(
		x, low->offset + (uint64_t)from * low->width, (uint64_t)(to - from) * low->width);
	if (numbers == NULL)
		return NUMBER_NONE;
	place = low->width == 2 ? place_near(numbers, to - from, sought)
				: place_of(numbers, to - from, low->width, sought);
	p = numbers + (size_t)place * low->width;
	return (low->width == 2 ? le16(p) : le32(p)) == sought ? ipv4_number(x, from + place)
							       : NUMBER_NONE;
}

static bool covers(const uint8_t *first, unsigned prefix, const uint8_t address[16])
{
	unsigned bytes = prefix / 8, bits = prefix % 8;

	return memcmp(first, address, bytes) == 0 &&
	       (bits == 0 || (first[bytes] ^ address[bytes]) >> (8 - bits) == 0);
}

bool look_networks(const struct index *x, const uint8_t address[16],
	bool (*each)(void *context, const uint8_t first[16], unsigned prefix, uint64_t number),
	void *context)
{
	const struct section *s = &x->sections[SECTION_NETWORKS];
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	unsigned least = memcmp(address, mapped, sizeof(mapped)) == 0 ? 96 : 1;
	uint64_t from = 0, to = s->bytes / NETWORK_BYTES;
	uint64_t at;

	/* the last network that begins at or before the address: it covers it, or one that encloses
	 * this network does, or none */
	while (from < to) {
		uint64_t middle = from + (to - from) / 2;
		const uint8_t *row = section_row(x, SECTION_NETWORKS, middle, NETWORK_BYTES);

		if (row == NULL)
			return true;
		if (memcmp(row, address, 16) <= 0)
			from = middle + 1;
		else
			to = middle;
	}
	if (from == 0)
		return true;
	at = from - 1;
	for (unsigned k = 0; k <= ADDRESS_BITS; k++) {
		const uint8_t *row = section_row(x, SECTION_NETWORKS, at, NETWORK_BYTES);
		unsigned prefix;
		uint32_t parent;

		if (row == NULL)
			return true;
		parent = le32(row + 16);
		prefix = row[24];
		if (prefix >= least && prefix <= ADDRESS_BITS && covers(row, prefix, address)) {
			uint64_t number = le32(row + 20);

			if (number >> 31 != 0)
				number = NUMBER_SET | (number & 0x7fffffff);
			if (!each(context, row, prefix, number))
				return false;
		}
		/* the enclosing network stands before the one that it encloses */
		if (parent >= at)
			return true;
		at = parent;
	}
	return true;
}

bool look_entries(const struct index *x, uint64_t number,
	bool (*each)(void *context, uint32_t entry), void *context)
{
	const struct section *sets = &x->sections[SECTION_SETS];
	const uint8_t *row;
	uint32_t from, to;

	if ((number & NUMBER_SET) == 0)
		return number >= x->info.counts.entries || each(context, (uint32_t)number);
	number &= NUMBER_SET - 1;
	row = section_row(x, SECTION_SET_DIRECTORY, number, 4);
	if (row == NULL)
		return true;
	from = le32(row);
	row = section_row(x, SECTION_SET_DIRECTORY, number + 1, 4);
	if (row == NULL)
		return true;
	to = le32(row);
	if (to > sets->bytes / 4 || from > to || to - from > SET_ENTRIES_MAX)
		return true;
	for (; from < to; from++) {
		row = section_row(x, SECTION_SETS, from, 4);
		if (row == NULL)
			return true;
		if (le32(row) < x->info.counts.entries && !each(context, le32(row)))
			return false;
	}
	return true;
}

bool name_labels(struct slice name, size_t *ret_two, size_t *ret_three)
{
	size_t at = name.len, dots = 0;

	*ret_three = SIZE_MAX;
	while (at > 0 && dots < 3) {
		if (name.data[--at] != '.')
			continue;
		dots++;
		if (dots == 2)
			*ret_two = at + 1;
		if (dots == 3)
			*ret_three = at + 1;
	}
	if (dots == 1)
		*ret_two = 0;
	if (dots == 2)
		*ret_three = 0;
	return dots > 0;
}
