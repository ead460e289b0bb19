/* SPDX-License-Identifier: MPL-2.0 */
/* Writing addresses and networks: bitmaps, sorted numbers, networks that know what encloses them.
 */
#include <stdlib.h>

#include "write.h"

/* ---- IPv4
 * ------------------------------------------------------------------------------------------------------
 */

static void bit_set(uint8_t *bits, uint32_t at)
{
	bits[at >> 3] |= (uint8_t)(1 << (at & 7));
}

/* u64 by address, which stands in the upper half; least significant byte first. */
static void addresses_sort(uint64_t *a, uint64_t *scratch, size_t count)
{
	for (unsigned shift = 32; shift < 56; shift += 8) {
		size_t starts[257] = {0};
		uint64_t *other = a;

		for (size_t k = 0; k < count; k++)
			starts[(a[k] >> shift & 255) + 1]++;
		for (unsigned k = 0; k < 256; k++)
			starts[k + 1] += starts[k];
		for (size_t k = 0; k < count; k++)
			scratch[starts[a[k] >> shift & 255]++] = a[k];
		a = scratch;
		scratch = other;
	}
	/* three passes: the result is in the first caller's scratch */
}

struct ipv4_out {
	struct buf low, entry;
	uint32_t *directory;
	uint8_t *wide, *narrow;
	uint32_t *entries;
	size_t entries_room;
	unsigned width, low_width;
	uint64_t count;
	bool wider;
};

static enum err_kind ipv4_part(
	struct out *o, struct ipv4_out *v, unsigned part, uint64_t *a, uint64_t *scratch)
{
	size_t count = 0;

	for (const struct piece *p = o->b->ipv4[part].first; p != NULL; p = p->next) {
		for (uint32_t at = 0; at < p->len; at += 8)
			a[count++] = (uint64_t)le32(p->data + at) << 32 | le32(p->data + at + 4);
	}
	addresses_sort(a, scratch, count);
	for (size_t k = 0; k < count;) {
		uint32_t address = (uint32_t)(scratch[k] >> 32);
		uint64_t number = (uint32_t)scratch[k];
		uint16_t low = (uint16_t)address;
		uint8_t packed[4] = {0};
		size_t end = k + 1;

		while (end < count && scratch[end] >> 32 == address)
			end++;
		if (end - k > 1) {
			enum err_kind kind;

			if (end - k > v->entries_room) {
				uint32_t *more = realloc(v->entries, (end - k) * sizeof(*more));

				if (more == NULL)
					return err_set(o->e, ERR_NOMEM,
						"index \"%s\": out of memory", o->path);
				v->entries = more;
				v->entries_room = end - k;
			}
			for (size_t n = k; n < end; n++)
				v->entries[n - k] = (uint32_t)scratch[n];
			kind = number_of(o, v->entries, end - k, &number);
			if (kind != OK)
				return kind;
		}
		if (!number_pack(number, v->width, packed)) {
			v->wider = true;
			return OK;
		}
		buf_append(
			&v->low, v->low_width == 2 ? (const void *)&low : &address, v->low_width);
		v->count++;
		buf_append(&v->entry, packed, v->width);
		v->directory[(address >> 16) + 1]++;
		bit_set(v->wide, address >> 16);
		bit_set(v->narrow, address >> 8);
		k = end;
	}
	return v->low.bad || v->entry.bad
		       ? err_set(o->e, ERR_NOMEM, "index \"%s\": out of memory", o->path)
		       : OK;
}

static void networks_mark(const struct out *o, struct ipv4_out *v)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const struct network *n = (const void *)o->b->networks.data;
	size_t count = o->b->networks.len / sizeof(*n);

	for (size_t k = 0; k < count; k++) {
		struct reader r = {
			.rest = {(const char *)n[k].first + 12, 4}
                };
		uint32_t first = read_u32(&r);
		uint64_t last;

		if (n[k].prefix < 96 || memcmp(n[k].first, mapped, 12) != 0)
			continue;
		last = first + (UINT64_C(1) << (128 - n[k].prefix)) - 1;
		for (uint64_t at = first >> 16; at <= last >> 16; at++)
			bit_set(v->wide, (uint32_t)at);
		for (uint64_t at = first >> 8; at <= last >> 8; at++)
			bit_set(v->narrow, (uint32_t)at);
	}
}

enum err_kind ipv4_write(struct out *o)
{
	const struct index_builder *b = o->b;
	struct ipv4_out v = {
		.width = entry_width(b), .low_width = b->ipv4_count < NARROW_LEAST ? 4 : 2};
	uint64_t *a = NULL, *scratch = NULL;
	size_t largest = 0;
	enum err_kind kind = OK;

	if (b->ipv4_count == 0 && b->networks.len == 0)
		return OK;
	for (unsigned part = 0; part < PARTS_COUNT; part++) {
		if (b->ipv4[part].records > largest)
			largest = b->ipv4[part].records;
	}
	a = malloc((largest + 1) * sizeof(*a));
	scratch = malloc((largest + 1) * sizeof(*scratch));
	v.directory = calloc(IPV4_SLOTS + 1, sizeof(*v.directory));
	v.wide = calloc(1, WIDE_BYTES);
	v.narrow = calloc(1, NARROW_BYTES);
	if (a == NULL || scratch == NULL || v.directory == NULL || v.wide == NULL ||
		v.narrow == NULL) {
		kind = err_set(o->e, ERR_NOMEM, "index \"%s\": out of memory", o->path);
		goto done;
	}
	do {
		v.wider = false;
		v.low.len = v.entry.len = 0;
		v.count = 0;
		memset(v.directory, 0, (IPV4_SLOTS + 1) * sizeof(*v.directory));
		for (unsigned part = 0; part < PARTS_COUNT && kind == OK && !v.wider; part++)
			kind = ipv4_part(o, &v, part, a, scratch);
		v.width += v.wider;
	} while (kind == OK && v.wider && v.width <= ENTRY_WIDTHS);
	if (kind != OK)
		goto done;
	for (unsigned k = 0; k < IPV4_SLOTS; k++)
		v.directory[k + 1] += v.directory[k];
	networks_mark(o, &v);
	o->counts.values += v.count;
	o->counts.kinds[FIELD_ADDRESS] += v.count;
	/* read at once when opened */
	kind = section_write(o, SECTION_WIDE, (struct slice){(const char *)v.wide, WIDE_BYTES});
	if (kind == OK && b->ipv4_count >= NARROW_LEAST)
		kind = section_write(
			o, SECTION_NARROW, (struct slice){(const char *)v.narrow, NARROW_BYTES});
	if (kind == OK && v.low_width == 2)
		kind = section_write(o, SECTION_IPV4_DIRECTORY,
			(struct slice){(const char *)v.directory, (IPV4_SLOTS + 1) * 4});
	if (kind == OK)
		kind = section_write(o, SECTION_IPV4_LOW, buf_slice(&v.low));
	if (kind == OK)
		kind = section_write(o, SECTION_IPV4_ENTRY, buf_slice(&v.entry));
	o->sections[SECTION_IPV4_LOW].count = v.count;
	o->sections[SECTION_IPV4_LOW].width = v.low_width;
	o->sections[SECTION_IPV4_ENTRY].width = v.width;
done:
	free(a);
	free(scratch);
	free(v.directory);
	free(v.wide);
	free(v.narrow);
	free(v.entries);
	buf_fini(&v.low);
	buf_fini(&v.entry);
	return kind;
}

/* ---- networks
 * ----------------------------------------------------------------------------------------------------
 */

static int network_order(const void *a, const void *b)
{
	const struct network *x = a, *y = b;
	int order = memcmp(x->first, y->first, 16);

	if (order != 0)
		return order;
	if (x->prefix != y->prefix)
		return x->prefix < y->prefix ? -1 : 1;
	return x->entry < y->entry ? -1 : x->entry > y->entry;
}

static bool network_covers(const struct network *n, const uint8_t address[16])
{
	unsigned bytes = n->prefix / 8, bits = n->prefix % 8;

	return memcmp(n->first, address, bytes) == 0 &&
	       (bits == 0 || (n->first[bytes] ^ address[bytes]) >> (8 - bits) == 0);
}

enum err_kind networks_write(struct out *o)
{
	size_t count = o->b->networks.len / sizeof(struct network), rows = 0;
	struct network *n = malloc(count * sizeof(*n) + 1);
	uint32_t *entries = malloc(count * sizeof(*entries) + 1);
	uint32_t above[ADDRESS_BITS + 1]; /* rows that enclose the current one */
	size_t above_at[ADDRESS_BITS + 1];
	unsigned depth = 0;
	struct buf out = BUF_INIT;
	bool short_six = false;
	enum err_kind kind = OK;

	if (n == NULL || entries == NULL) {
		kind = err_set(o->e, ERR_NOMEM, "index \"%s\": out of memory", o->path);
		goto done;
	}
	if (count != 0)
		memcpy(n, o->b->networks.data, count * sizeof(*n));
	qsort(n, count, sizeof(*n), network_order);
	for (size_t k = 0; k < count && kind == OK; rows++) {
		uint8_t row[NETWORK_BYTES] = {0};
		uint32_t parent = NETWORK_NONE, value;
		size_t end = k;
		uint64_t number;

		while (end < count && n[end].prefix == n[k].prefix &&
			memcmp(n[end].first, n[k].first, 16) == 0) {
			entries[end - k] = n[end].entry;
			end++;
		}
		kind = number_of(o, entries, end - k, &number);
		while (depth > 0 && !network_covers(&n[above_at[depth - 1]], n[k].first))
			depth--;
		if (depth > 0)
			parent = above[depth - 1];
		above[depth] = (uint32_t)rows;
		above_at[depth++] = k;
		value = (uint32_t)number | ((number & NUMBER_SET) != 0 ? UINT32_C(1) << 31 : 0);
		memcpy(row, n[k].first, 16);
		memcpy(row + 16, &parent, 4);
		memcpy(row + 20, &value, 4);
		row[24] = n[k].prefix;
		if (n[k].prefix < 8 * IPV6_FILTER_BYTES)
			short_six = true;
		buf_append(&out, row, sizeof(row));
		k = end;
	}
	if (kind == OK && out.bad)
		kind = err_set(o->e, ERR_NOMEM, "index \"%s\": out of memory", o->path);
	if (kind == OK)
		kind = section_write(o, SECTION_NETWORKS, buf_slice(&out));
	o->sections[SECTION_NETWORKS].extra = short_six;
	o->counts.values += rows;
	o->counts.kinds[FIELD_ADDRESS] += rows;
done:
	free(n);
	free(entries);
	buf_fini(&out);
	return kind;
}
