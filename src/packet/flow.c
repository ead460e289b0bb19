/* SPDX-License-Identifier: MPL-2.0 */
/*
 * TCP connections: which bytes come next, in which direction. What is in order goes straight
 * through; what is early waits in extents (segment.c); what is late was told already and is left
 * out, so the bytes that came first win.
 *
 * A hole is given up when the receiver acknowledges bytes behind it (it has them, the capture does
 * not), when what waits reaches a limit, or when the connection ends.
 *
 * The table never holds more than flows_max connections. A new one takes the place of the one that
 * was idle longest, but connections of which only a SYN was seen, or which are closed or decided,
 * may fill half the table at most before they go first: a flood of SYNs cannot push out what is
 * being followed.
 */
#include <stdlib.h>

#include "inside.h"

#define NONE UINT32_MAX

enum { CHEAP, DEAR, LISTS }; /* flow.list */

struct flow_list {
	uint32_t newest, oldest, count;
};

struct flows {
	struct table table;
	struct flow *all;
	uint32_t flows_max, used; /* entries ever used: those behind are untouched memory */
	struct flow_list lists[LISTS];
	uint32_t tick; /* packets */
	uint32_t next_id;
	size_t held, held_max;
	struct flow_consumer consumer;
	struct packet_counts *counts;
};

struct flows *flows_new(uint32_t flows_max, size_t held_max, const struct flow_consumer *consumer,
	struct packet_counts *counts)
{
	struct flows *t = calloc(1, sizeof(*t));

	_Static_assert(sizeof(struct flow) <= 128, "two cache lines");
	if (t == NULL)
		return NULL;
	t->flows_max = flows_max;
	t->held_max = held_max;
	t->consumer = *consumer;
	t->counts = counts;
	for (unsigned i = 0; i < LISTS; i++)
		t->lists[i] = (struct flow_list){NONE, NONE, 0};
	/* calloc: pages that no connection needs stay untouched. */
	t->all = calloc(flows_max, sizeof(*t->all));
	if (t->all == NULL || !table_init(&t->table, flows_max)) {
		flows_free(t);
		return NULL;
	}
	return t;
}

static void held_free(struct flows *t, struct flow_side *s)
{
	extents_free(s->held, &t->held);
	s->held = NULL;
}

static void flow_forget(struct flows *t, struct flow *f)
{
	if (f->content != NULL)
		t->consumer.forget(t->consumer.context, f);
	f->content = NULL;
	held_free(t, &f->sides[0]);
	held_free(t, &f->sides[1]);
}

void flows_free(struct flows *t)
{
	if (t == NULL)
		return;
	for (uint32_t i = 0; i < t->used; i++)
		flow_forget(t, &t->all[i]);
	free(t->all);
	table_fini(&t->table);
	free(t);
}

uint32_t flows_count(const struct flows *t)
{
	return t->lists[CHEAP].count + t->lists[DEAR].count;
}

size_t flows_bytes(const struct flows *t)
{
	return t->held;
}

/* ---- by last use ----------------------------------------------------------------------------- */

static void list_remove(struct flows *t, struct flow *f)
{
	struct flow_list *l = &t->lists[f->list];

	if (f->newer == NONE)
		l->newest = f->older;
	else
		t->all[f->newer].older = f->older;
	if (f->older == NONE)
		l->oldest = f->newer;
	else
		t->all[f->older].newer = f->newer;
	l->count--;
}

static void list_add(struct flows *t, struct flow *f, uint8_t list)
{
	struct flow_list *l = &t->lists[list];
	uint32_t i = (uint32_t)(f - t->all);

	f->list = list;
	f->newer = NONE;
	f->older = l->newest;
	if (l->newest == NONE)
		l->oldest = i;
	else
		t->all[l->newest].newer = i;
	l->newest = i;
	l->count++;
	f->moved = t->tick;
}

static void flow_list_set(struct flows *t, struct flow *f, uint8_t list)
{
	if (f->list != list) {
		list_remove(t, f);
		list_add(t, f, list);
	}
}

/* Moving touches two neighbours, so it is done once in a while: the order is right to within an
 * eighth of the table. */
static void flow_touch(struct flows *t, struct flow *f)
{
	if (t->tick - f->moved > t->flows_max / 8) {
		list_remove(t, f);
		list_add(t, f, f->list);
	}
}

static struct flow *flow_evict(struct flows *t)
{
	const struct flow_list *cheap = &t->lists[CHEAP], *dear = &t->lists[DEAR];
	struct flow *f;

	if (dear->count == 0 || cheap->count > t->flows_max / 2)
		f = &t->all[cheap->oldest];
	else if (cheap->count == 0)
		f = &t->all[dear->oldest];
	else
		f = t->tick - t->all[cheap->oldest].moved >= t->tick - t->all[dear->oldest].moved
			    ? &t->all[cheap->oldest]
			    : &t->all[dear->oldest];
	if (f->state == FLOW_NEW || f->state == FLOW_FOLLOWED)
		t->counts->flows_dropped++;
	flow_forget(t, f);
	list_remove(t, f);
	table_remove(&t->table, f->tag, (uint32_t)(f - t->all));
	return f;
}

/* ---- finding
 * -----------------------------------------------------------------------------------------------
 */

void flows_prefetch(const struct flows *t, uint64_t hash)
{
	table_prefetch(&t->table, hash);
}

void flows_prefetch2(const struct flows *t, uint64_t hash)
{
	uint32_t i = table_peek(&t->table, hash);

	if (i != TABLE_NONE) {
		__builtin_prefetch(&t->all[i], 1);
		__builtin_prefetch((const char *)&t->all[i] + 64, 1);
	}
}

/* Who opened it when no SYN tells: the end with the higher port, which is side 0; the sender when
 * they are the same. */
static uint8_t opener_guess(const struct packet *p)
{
	return p->source_port == p->destination_port ? p->sender : 0;
}

static bool key_equal(const uint64_t a[KEY_WORDS], const uint64_t b[KEY_WORDS])
{
	uint64_t difference = 0;

	for (unsigned i = 0; i < KEY_WORDS; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

struct flow *flows_find(struct flows *t, const struct packet *p)
{
	uint32_t at = table_start(&t->table, p->hash_flow), i;
	struct flow *f;

	t->tick++;
	while ((i = table_next(&t->table, p->hash_flow, &at)) != TABLE_NONE) {
		f = &t->all[i];
		if (key_equal(f->key, p->key)) {
			flow_touch(t, f);
			return f;
		}
	}
	/* An acknowledgement or the end of something unknown opens nothing. */
	if ((p->tcp_flags & TCP_RST) != 0 ||
		((p->tcp_flags & TCP_SYN) == 0 && p->payload_wire == 0))
		return NULL;
	f = t->used < t->flows_max ? &t->all[t->used++] : flow_evict(t);
	*f = (struct flow){.tag = (uint32_t)p->hash_flow,
		.id = ++t->next_id,
		.state = FLOW_NEW,
		.opener = opener_guess(p),
		.reported = p->seconds - PACKET_AGAIN_SECONDS};
	memcpy(f->key, p->key, sizeof(f->key));
	table_add(&t->table, p->hash_flow, (uint32_t)(f - t->all));
	list_add(t, f, CHEAP);
	return f;
}

/* ---- handing over ---------------------------------------------------------------------------- */

static int32_t behind(uint32_t a, uint32_t b)
{
	return (int32_t)(b - a);
}

static bool followed(const struct flow *f)
{
	return f->state == FLOW_NEW || f->state == FLOW_FOLLOWED;
}

static void flow_done(struct flows *t, struct flow *f, enum flow_state state)
{
	flow_forget(t, f);
	f->state = (uint8_t)state;
	flow_list_set(t, f, CHEAP);
}

static unsigned direction_of(const struct flow *f, unsigned side)
{
	return side ^ f->opener;
}

/* The next bytes. False: nothing more is wanted. */
static bool hand_over(struct flows *t, struct flow *f, unsigned side, struct slice bytes)
{
	f->sides[side].next += (uint32_t)bytes.len;
	if (bytes.len == 0)
		return true;
	if (f->state == FLOW_NEW) {
		f->state = FLOW_FOLLOWED;
		flow_list_set(t, f, DEAR);
	}
	if (t->consumer.bytes(t->consumer.context, f, direction_of(f, side), bytes))
		return true;
	flow_done(t, f, FLOW_IGNORED);
	return false;
}

/* Bytes that will not come. At the very beginning there is nothing yet that could miss them. */
static void hand_gap(struct flows *t, struct flow *f, unsigned side, uint32_t bytes)
{
	f->sides[side].next += bytes;
	t->counts->gaps++;
	if (f->state == FLOW_FOLLOWED)
		t->consumer.gap(t->consumer.context, f, direction_of(f, side), bytes);
}

/* Held bytes whose turn has come. False: nothing more is wanted. */
static bool held_drain(struct flows *t, struct flow *f, unsigned side)
{
	struct flow_side *s = &f->sides[side];
	uint32_t sequence;
	struct slice bytes;

	while (extents_first(s->held, &sequence, &bytes)) {
		int32_t late = behind(sequence, s->next);

		if (late < 0)
			return true;
		if ((size_t)late < bytes.len &&
			!hand_over(t, f, side, slice_cut(bytes, (size_t)late, bytes.len)))
			return false;
		extents_drop_first(s->held, &t->held);
	}
	held_free(t, s);
	return true;
}

/* Go on behind the first hole. False: nothing more is wanted. */
static bool hole_give_up(struct flows *t, struct flow *f, unsigned side)
{
	struct flow_side *s = &f->sides[side];
	uint32_t sequence;
	struct slice bytes;

	if (!extents_first(s->held, &sequence, &bytes))
		return true;
	hand_gap(t, f, side, sequence - s->next);
	return held_drain(t, f, side);
}

static void side_end(struct flows *t, struct flow *f, unsigned side)
{
	struct flow_side *s = &f->sides[side];

	if ((s->flags & SIDE_ENDED) != 0 || !followed(f))
		return;
	s->flags |= SIDE_ENDED;
	if (f->state == FLOW_FOLLOWED)
		t->consumer.end(t->consumer.context, f, direction_of(f, side));
	if ((f->sides[!side].flags & SIDE_ENDED) != 0)
		flow_done(t, f, FLOW_CLOSED);
}

static void side_check_fin(struct flows *t, struct flow *f, unsigned side)
{
	struct flow_side *s = &f->sides[side];

	if (followed(f) && (s->flags & SIDE_FIN) != 0 && behind(s->fin, s->next) >= 0)
		side_end(t, f, side);
}

/* Everything that waits, with its gaps, and the end of both directions. */
static void flow_end(struct flows *t, struct flow *f)
{
	/* The opener first: a request before what answers it. */
	for (unsigned i = 0; i < 2 && followed(f); i++) {
		unsigned side = f->opener ^ i;

		while (followed(f) && !extents_empty(f->sides[side].held))
			(void)hole_give_up(t, f, side);
	}
	for (unsigned i = 0; i < 2 && followed(f); i++)
		side_end(t, f, f->opener ^ i);
}

void flows_end(struct flows *t)
{
	for (uint32_t i = 0; i < t->used; i++)
		if (followed(&t->all[i]))
			flow_end(t, &t->all[i]);
}

/* ---- one packet
 * ----------------------------------------------------------------------------------------------------
 */

/* The same ends, another connection. */
static void flow_restart(struct flows *t, struct flow *f, unsigned opener)
{
	flow_forget(t, f);
	memset(f->sides, 0, sizeof(f->sides));
	f->state = FLOW_NEW;
	f->opener = (uint8_t)opener;
	f->id = ++t->next_id;
	flow_list_set(t, f, CHEAP);
}

static void side_sync(struct flow_side *s, uint32_t next)
{
	s->next = next;
	s->flags = SIDE_SYNCED;
}

static void packet_syn(struct flows *t, struct flow *f, const struct packet *p)
{
	struct flow_side *me = &f->sides[p->sender], *other = &f->sides[!p->sender];
	uint32_t next = p->sequence + 1;

	if ((p->tcp_flags & TCP_ACK) == 0) {
		if (f->state == FLOW_FOLLOWED) {
			/* Both ends would refuse it while their connection lives (RFC 9293
			 * section 3.10.7.4): believed when its bytes or its answer come. */
			if (me->next != next || (me->flags & SIDE_SYNCED) == 0) {
				me->suspect = next;
				me->flags |= SIDE_SUSPECT | SIDE_RENEWED;
			}
			return;
		}
		if (f->state != FLOW_NEW || (me->flags & SIDE_SYNCED) == 0 || me->next != next)
			flow_restart(t, f, p->sender);
		side_sync(me, next);
		return;
	}
	if (f->state == FLOW_FOLLOWED &&
		((other->flags & SIDE_RENEWED) == 0 || other->suspect != p->acknowledged)) {
		/* Of this connection, late: its own side may still be unknown. */
		if ((me->flags & SIDE_SYNCED) == 0)
			side_sync(me, next);
		return;
	}
	if (f->state == FLOW_NEW && (me->flags & SIDE_SYNCED) != 0 && me->next == next &&
		other->next == p->acknowledged)
		return; /* once more */
	if (f->state != FLOW_NEW || ((me->flags & SIDE_SYNCED) != 0 && me->next != next))
		flow_restart(t, f, !p->sender);
	f->opener = !p->sender;
	side_sync(me, next);
	/* What the answer confirms is right, whatever SYN was seen before. */
	if ((other->flags & SIDE_SYNCED) == 0 || extents_empty(other->held))
		side_sync(other, p->acknowledged);
}

/* In order: what was held came first where they overlap. */
static void segment_in_order(
	struct flows *t, struct flow *f, unsigned side, struct slice bytes, uint32_t missing)
{
	struct flow_side *s = &f->sides[side];

	while (bytes.len > 0) {
		uint32_t sequence, before;
		struct slice early;
		size_t n = bytes.len;

		if (extents_first(s->held, &sequence, &early) &&
			(size_t)behind(s->next, sequence) < n) {
			n = (size_t)behind(s->next, sequence);
			t->counts->overlaps++;
		}
		before = s->next;
		if (!hand_over(t, f, side, slice_cut(bytes, 0, n)) || !held_drain(t, f, side))
			return;
		/* The rest, without what was handed over from the held ones meanwhile. */
		n = (size_t)behind(before, s->next);
		if (n > bytes.len + missing)
			return;
		if (n > bytes.len) {
			missing -= (uint32_t)(n - bytes.len);
			n = bytes.len;
		}
		bytes = slice_cut(bytes, n, bytes.len);
	}
	if (missing > 0) {
		uint32_t sequence;
		struct slice early;

		if (extents_first(s->held, &sequence, &early) &&
			(uint32_t)behind(s->next, sequence) < missing)
			missing = (uint32_t)behind(s->next, sequence);
		hand_gap(t, f, side, missing);
	}
	(void)held_drain(t, f, side);
}

/* Too early. Limits end by going on behind the first hole, or by leaving the segment out. */
static void segment_early(
	struct flows *t, struct flow *f, unsigned side, uint32_t sequence, struct slice bytes)
{
	struct flow_side *s = &f->sides[side];
	bool overlap = false;

	if (s->held == NULL)
		s->held = extents_new(&t->held, t->held_max);
	if (s->held == NULL ||
		!extents_add(s->held, sequence, bytes, &t->held, t->held_max, &overlap)) {
		t->counts->segments_dropped++;
		if (s->held != NULL && extents_empty(s->held))
			held_free(t, s);
		(void)hole_give_up(t, f, side);
	}
	t->counts->overlaps += overlap;
}

static void segment(struct flows *t, struct flow *f, unsigned side, uint32_t sequence,
	struct slice bytes, uint32_t missing)
{
	struct flow_side *s = &f->sides[side];
	uint32_t wire = (uint32_t)bytes.len + missing;
	int32_t distance;

	if ((s->flags & SIDE_SUSPECT) != 0 && sequence == s->suspect) {
		if ((s->flags & SIDE_RENEWED) != 0) {
			flow_restart(t, f, side);
		} else {
			held_free(t, s);
			hand_gap(t, f, side, 0);
		}
		side_sync(s, sequence);
	}
	if ((s->flags & SIDE_SYNCED) == 0)
		side_sync(s, sequence);
	if ((s->flags & SIDE_ENDED) != 0)
		return;
	distance = behind(s->next, sequence);
	if (distance > (int32_t)PACKET_STREAM_MAX || distance < -(int32_t)PACKET_STREAM_MAX) {
		/* Forged, or so much was lost: believed when a second segment follows it. */
		s->suspect = sequence + wire;
		s->flags = (s->flags & ~SIDE_RENEWED) | SIDE_SUSPECT;
		t->counts->segments_dropped++;
		return;
	}
	if (distance > 0) {
		if (bytes.len > 0)
			segment_early(t, f, side, sequence, bytes);
		return;
	}
	if (distance < 0) {
		uint32_t late = (uint32_t)-distance;

		t->counts->overlaps++;
		if (late >= wire)
			return;
		if (late > bytes.len)
			missing -= late - (uint32_t)bytes.len;
		bytes = slice_cut(bytes, late, bytes.len);
	}
	segment_in_order(t, f, side, bytes, missing);
}

/* Bytes that the receiver has are not on their way any more. */
static void packet_acknowledges(
	struct flows *t, struct flow *f, unsigned side, uint32_t acknowledged)
{
	struct flow_side *s = &f->sides[side];
	uint32_t sequence;
	struct slice bytes;

	while (followed(f) && extents_first(s->held, &sequence, &bytes) &&
		behind(sequence, acknowledged) > 0)
		if (!hole_give_up(t, f, side))
			return;
	if (followed(f) && (s->flags & SIDE_FIN) != 0 && extents_empty(s->held) &&
		behind(s->next, s->fin) > 0 && behind(s->fin, acknowledged) > 0)
		hand_gap(t, f, side, s->fin - s->next);
	side_check_fin(t, f, side);
}

void flows_packet(struct flows *t, struct flow *f, const struct packet *p)
{
	unsigned side = p->sender;
	struct flow_side *me = &f->sides[side], *other = &f->sides[!side];
	uint32_t sequence = p->sequence;

	if ((p->tcp_flags & TCP_SYN) != 0) {
		packet_syn(t, f, p);
		sequence++; /* data on a SYN: TCP Fast Open, RFC 7413 */
	}
	if (!followed(f))
		return;
	if ((p->tcp_flags & TCP_RST) != 0) {
		int32_t distance = behind(me->next, sequence);

		/* RFC 5961: not from anywhere. What is missing in the capture may lie before it. */
		if ((me->flags & SIDE_SYNCED) == 0 ||
			(distance >= 0 && distance <= (int32_t)PACKET_STREAM_MAX))
			flow_end(t, f);
		return;
	}
	if ((p->tcp_flags & TCP_ACK) != 0 &&
		(other->held != NULL || (other->flags & SIDE_FIN) != 0))
		packet_acknowledges(t, f, !side, p->acknowledged);
	if (p->payload_wire > 0 && followed(f))
		segment(t, f, side, sequence,
			(struct slice){(const char *)p->payload, p->payload_len},
			p->payload_wire - p->payload_len);
	if (!followed(f))
		return;
	if ((p->tcp_flags & TCP_FIN) != 0 &&
		(me->flags & (SIDE_SYNCED | SIDE_FIN)) == SIDE_SYNCED) {
		uint32_t fin = sequence + p->payload_wire;
		int32_t distance = behind(me->next, fin);

		if (distance >= 0 && distance <= (int32_t)PACKET_STREAM_MAX) {
			me->fin = fin;
			me->flags |= SIDE_FIN;
		}
	}
	side_check_fin(t, f, side);
}
