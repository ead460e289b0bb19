/* SPDX-License-Identifier: MPL-2.0 */
/*
 * IP datagrams that come in pieces. A bit for every 8 bytes says what has come, so pieces may
 * overlap, repeat and come in any order at the cost of their own length:
 *   IPv4: the bytes that came first win (RFC 791 leaves it open; systems differ)
 *   IPv6: an overlap drops the whole datagram (RFC 5722), an exact repetition does not (RFC 8200)
 * A datagram is given up after PACKET_FRAGMENT_SECONDS of packet time, or for a newer one.
 */
#include <stdlib.h>

#include "inside.h"

#define DATAGRAM_MAX   65535
#define UNIT           8
#define UNITS          (65536 / UNIT)
#define CAPACITY_LEAST KIB(4) /* most datagrams in pieces are two Ethernet frames long */

struct datagram {
	uint64_t key[6]; /* addresses, then transport (IPv4) | address_len << 8 | identification <<
			    16 */
	uint32_t tag;
	uint32_t next, prev;      /* by age; or the next free one */
	uint32_t capacity, total; /* total 0: the last piece has not come */
	uint32_t highest;         /* where the piece that reaches farthest ends */
	uint32_t have;            /* bytes */
	uint32_t seconds;
	uint8_t transport; /* what the first piece says */
	bool first, dropped;
	uint8_t *bytes;
	uint64_t *bits; /* behind bytes, for capacity */
};

struct fragments {
	struct table table;
	struct datagram *all;
	uint32_t oldest, newest, free, count;
	uint8_t key[16];
	size_t held, held_max;
	struct packet_counts *counts;
	struct buf whole; /* the last complete datagram */
};

#define NONE UINT32_MAX

static size_t memory_for(uint32_t capacity)
{
	return capacity + (capacity / UNIT + 63) / 64 * sizeof(uint64_t);
}

struct fragments *fragments_new(
	const uint8_t key[16], size_t held_max, struct packet_counts *counts)
{
	struct fragments *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->all = calloc(PACKET_FRAGMENTS_MAX, sizeof(*f->all));
	f->whole = BUF_MAX(DATAGRAM_MAX);
	if (f->all == NULL || !table_init(&f->table, PACKET_FRAGMENTS_MAX)) {
		fragments_free(f);
		return NULL;
	}
	for (uint32_t i = 0; i < PACKET_FRAGMENTS_MAX; i++)
		f->all[i].next = i + 1 < PACKET_FRAGMENTS_MAX ? i + 1 : NONE;
	f->free = 0;
	f->oldest = f->newest = NONE;
	memcpy(f->key, key, sizeof(f->key));
	f->held_max = held_max;
	f->counts = counts;
	return f;
}

/* Its memory, not its place: a dropped datagram stays known until it is too old, so that its other
 * pieces do not start another one. */
static void datagram_empty(struct fragments *f, struct datagram *d)
{
	if (d->bytes != NULL)
		f->held -= memory_for(d->capacity);
	free(d->bytes);
	d->bytes = NULL;
	d->bits = NULL;
	d->capacity = 0;
}

void fragments_free(struct fragments *f)
{
	if (f == NULL)
		return;
	for (uint32_t i = 0; f->all != NULL && i < PACKET_FRAGMENTS_MAX; i++)
		datagram_empty(f, &f->all[i]);
	free(f->all);
	table_fini(&f->table);
	buf_fini(&f->whole);
	free(f);
}

uint32_t fragments_count(const struct fragments *f)
{
	return f->count;
}

size_t fragments_bytes(const struct fragments *f)
{
	return f->held;
}

static void datagram_give_up(struct fragments *f, struct datagram *d)
{
	if (!d->dropped)
		f->counts->fragments_dropped++;
	d->dropped = true;
	datagram_empty(f, d);
}

static void datagram_remove(struct fragments *f, struct datagram *d)
{
	uint32_t i = (uint32_t)(d - f->all);

	if (d->prev == NONE)
		f->oldest = d->next;
	else
		f->all[d->prev].next = d->next;
	if (d->next == NONE)
		f->newest = d->prev;
	else
		f->all[d->next].prev = d->prev;
	table_remove(&f->table, d->tag, i);
	datagram_empty(f, d);
	*d = (struct datagram){.next = f->free};
	f->free = i;
	f->count--;
}

static void oldest_remove(struct fragments *f)
{
	datagram_give_up(f, &f->all[f->oldest]);
	datagram_remove(f, &f->all[f->oldest]);
}

static void expire(struct fragments *f, uint32_t now)
{
	while (f->oldest != NONE &&
		seconds_apart(now, f->all[f->oldest].seconds) > PACKET_FRAGMENT_SECONDS)
		oldest_remove(f);
}

static struct datagram *datagram_find(struct fragments *f, const struct packet *p)
{
	/* RFC 791 tells datagrams apart by transport too, RFC 8200 does not: there every piece
	 * names it, and the first one's counts. */
	uint64_t key[6] = {0};
	uint64_t hash;
	uint32_t at, i;
	struct datagram *d;

	memcpy(key, p->source, p->address_len);
	memcpy(key + 2, p->destination, p->address_len);
	key[4] = (p->address_len == 4 ? p->transport : 0U) | (uint64_t)p->address_len << 8 |
		 (uint64_t)p->sequence << 16;
	hash = hash_table(f->key, (struct slice){(const char *)key, sizeof(key)});
	at = table_start(&f->table, hash);
	while ((i = table_next(&f->table, hash, &at)) != TABLE_NONE)
		if (memcmp(f->all[i].key, key, sizeof(key)) == 0)
			return &f->all[i];

	if (f->free == NONE)
		oldest_remove(f);
	i = f->free;
	d = &f->all[i];
	f->free = d->next;
	*d = (struct datagram){
		.tag = (uint32_t)hash, .next = NONE, .prev = f->newest, .seconds = p->seconds};
	memcpy(d->key, key, sizeof(key));
	table_add(&f->table, hash, i);
	if (f->newest != NONE)
		f->all[f->newest].next = i;
	else
		f->oldest = i;
	f->newest = i;
	f->count++;
	return d;
}

/* Room up to `needed` bytes: at least doubled, so that pieces cost their own length. */
static bool datagram_grow(struct fragments *f, struct datagram *d, uint32_t needed)
{
	uint32_t capacity = d->capacity == 0 ? CAPACITY_LEAST : d->capacity;
	uint8_t *bytes;

	if (needed <= d->capacity)
		return true;
	while (capacity < needed)
		capacity *= 2;
	if (f->held + memory_for(capacity) > f->held_max)
		return false;
	bytes = calloc(1, memory_for(capacity));
	if (bytes == NULL)
		return false;
	if (d->bytes != NULL) {
		memcpy(bytes, d->bytes, d->capacity);
		memcpy(bytes + capacity, d->bits, memory_for(d->capacity) - d->capacity);
		f->held -= memory_for(d->capacity);
		free(d->bytes);
	}
	f->held += memory_for(capacity);
	d->bytes = bytes;
	d->bits = (uint64_t *)(void *)(bytes + capacity);
	d->capacity = capacity;
	return true;
}

static bool bit_get(const struct datagram *d, uint32_t unit)
{
	return (d->bits[unit / 64] >> (unit % 64) & 1) != 0;
}

/* Copy what is new. How many of its units were there already? */
static uint32_t datagram_fill(
	struct datagram *d, uint32_t from, const uint8_t *bytes, uint32_t len, bool write)
{
	uint32_t there = 0;

	for (uint32_t at = 0; at < len; at += UNIT) {
		uint32_t unit = (from + at) / UNIT;
		uint32_t n = len - at < UNIT ? len - at : UNIT;

		if (bit_get(d, unit)) {
			there++;
			continue;
		}
		if (!write)
			continue;
		d->bits[unit / 64] |= UINT64_C(1) << (unit % 64);
		memcpy(d->bytes + from + at, bytes + at, n);
		d->have += n;
	}
	return there;
}

/* Rules that make a datagram worthless: nothing that breaks them is ever put together. */
static bool piece_fits(const struct datagram *d, const struct packet *p, uint32_t end)
{
	if (p->payload_len != p->payload_wire) /* the capture cut it */
		return false;
	if (p->payload_len == 0 || end > DATAGRAM_MAX)
		return false;
	if (p->fragment_more)
		return p->payload_len % UNIT == 0 && (d->total == 0 || end <= d->total);
	/* A second end elsewhere, or an end before what has come. */
	return (d->total == 0 || d->total == end) && end >= d->highest;
}

bool fragments_add(struct fragments *f, const struct packet *p, struct slice *ret_bytes,
	uint8_t *ret_transport)
{
	uint32_t from = p->acknowledged, end = from + p->payload_len, there;
	struct datagram *d;

	expire(f, p->seconds);
	d = datagram_find(f, p);
	if (d->dropped)
		return false;
	if (!piece_fits(d, p, end) || !datagram_grow(f, d, end)) {
		datagram_give_up(f, d);
		return false;
	}
	there = datagram_fill(d, from, p->payload, p->payload_len, false);
	if (there != 0) {
		f->counts->overlaps++;
		if (p->address_len == 16) {
			/* The same again is harmless. */
			if (there == (p->payload_len + UNIT - 1) / UNIT &&
				memcmp(d->bytes + from, p->payload, p->payload_len) == 0)
				return false;
			datagram_give_up(f, d);
			return false;
		}
	}
	(void)datagram_fill(d, from, p->payload, p->payload_len, true);
	if (!p->fragment_more)
		d->total = end;
	if (end > d->highest)
		d->highest = end;
	if (from == 0 && !d->first) {
		d->first = true;
		d->transport = p->transport;
	}
	if (d->total == 0 || d->have != d->total || !d->first)
		return false;

	buf_clear(&f->whole);
	buf_append(&f->whole, d->bytes, d->total);
	if (f->whole.bad) {
		datagram_give_up(f, d);
		return false;
	}
	*ret_bytes = buf_slice(&f->whole);
	*ret_transport = d->transport;
	datagram_remove(f, d);
	return true;
}
