/* SPDX-License-Identifier: MPL-2.0 */
/* TCP connections: what comes out in which order, what is shed, and that limits hold. */
#include "packet_testing.h"

/* Everything the table said, as text: "0:bytes" "1:bytes" "0~gap" "0." (end), "#" (forgotten). */
struct seen_stream {
	struct buf text;
	size_t wanted; /* bytes after which no more are wanted; 0: all */
	size_t bytes;
};

static bool on_bytes(void *context, struct flow *f, unsigned direction, struct slice bytes)
{
	struct seen_stream *s = context;

	f->content = s;
	buf_printf(&s->text, "%u:%.*s ", direction, SLICE_ARG(bytes));
	s->bytes += bytes.len;
	return s->wanted == 0 || s->bytes < s->wanted;
}

static void on_gap(void *context, struct flow *f, unsigned direction, uint64_t bytes)
{
	struct seen_stream *s = context;

	(void)f;
	buf_printf(&s->text, "%u~%llu ", direction, (unsigned long long)bytes);
}

static void on_end(void *context, struct flow *f, unsigned direction)
{
	struct seen_stream *s = context;

	(void)f;
	buf_printf(&s->text, "%u. ", direction);
}

static void on_forget(void *context, struct flow *f)
{
	struct seen_stream *s = context;

	(void)f;
	buf_text(&s->text, "# ");
}

struct fixture {
	struct seen_stream seen;
	struct packet_counts counts;
	struct flows *flows;
	uint64_t keys[HASH_KEYS];
	struct ends ends; /* of the opener's packets */
};

static void set_up(struct fixture *x, uint32_t flows_max, size_t held_max)
{
	struct flow_consumer consumer = {on_bytes, on_gap, on_end, on_forget, &x->seen};

	memset(x, 0, sizeof(*x));
	for (unsigned i = 0; i < HASH_KEYS; i++)
		x->keys[i] = UINT64_C(0x0123456789abcdef) * (i + 1) >> 3;
	x->ends = (struct ends){"192.0.2.1", "198.51.100.7", 40000, 80};
	x->flows = flows_new(flows_max, held_max, &consumer, &x->counts);
	assert_non_null(x->flows);
}

static void tear_down(struct fixture *x)
{
	flows_free(x->flows);
	buf_fini(&x->seen.text);
}

/* cut: bytes that the capture left out at the end */
static void send_cut(struct fixture *x, bool from_opener, uint8_t flags, uint32_t sequence,
	uint32_t acknowledged, struct slice payload, uint32_t cut)
{
	struct ends e = from_opener ? x->ends : ends_back(x->ends);
	static struct frame f;
	struct packet items[TUNNELS_MAX + 1], base = {0};
	struct packet_list list = {items, 0, COUNT_OF(items)};
	struct slice bytes;
	struct flow *flow;

	frame_tcp(&f, &e, flags, sequence, acknowledged, payload);
	bytes = frame_slice(&f);
	base.frame = (const uint8_t *)bytes.data;
	base.captured = (uint32_t)bytes.len - cut;
	base.wire_len = (uint32_t)bytes.len;
	assert_true(frame_dissect(1, &base, x->keys, &x->counts, &list));
	assert_int_equal(list.count, 1);
	flow = flows_find(x->flows, &items[0]);
	if (flow != NULL)
		flows_packet(x->flows, flow, &items[0]);
}

static void send_text(struct fixture *x, bool from_opener, uint8_t flags, uint32_t sequence,
	uint32_t acknowledged, const char *payload)
{
	send_cut(x, from_opener, flags, sequence, acknowledged, slice_of(payload), 0);
}

static void expect(struct fixture *x, const char *text)
{
	buf_char(&x->seen.text, 0);
	assert_string_equal(x->seen.text.data, text);
	buf_clear(&x->seen.text);
}

/* Both first numbers are next after SYN and SYN+ACK. */
static void shake_hands(struct fixture *x, uint32_t from_opener, uint32_t from_other)
{
	send_text(x, true, TCP_SYN, from_opener - 1, 0, "");
	send_text(x, false, TCP_SYN | TCP_ACK, from_other - 1, from_opener, "");
	send_text(x, true, TCP_ACK, from_opener, from_other, "");
	expect(x, "");
}

/* A step of a scenario: direction, flags, sequence and acknowledgement relative to the first byte.
 */
struct step {
	char from; /* 'o' opener, 'r' responder */
	uint8_t flags;
	int32_t sequence, acknowledged;
	const char *payload;
};

#define STEPS_MAX 8

static const struct {
	const char *why;
	struct step steps[STEPS_MAX];
	const char *told;
	uint64_t gaps, overlaps, segments_dropped;
} scenarios[] = {
	{"in order",
         {{'o', TCP_ACK, 0, 0, "GET"}, {'r', TCP_ACK, 0, 3, "200"},
			{'o', TCP_ACK, 3, 3, "x"}},
         "0:GET 1:200 0:x ",																	0, 0, 0},
	{"second before first",				{{'o', TCP_ACK, 3, 0, "def"}, {'o', TCP_ACK, 0, 0, "abc"}},
         "0:abc 0:def ",																	    0, 0, 0},
	{"third, first, second",
         {{'o', TCP_ACK, 4, 0, "ef"}, {'o', TCP_ACK, 0, 0, "ab"},
			{'o', TCP_ACK, 2, 0, "cd"}},
         "0:ab 0:cd 0:ef ",																	 0, 0, 0},
	{"sent again",
         {{'o', TCP_ACK, 0, 0, "abc"}, {'o', TCP_ACK, 0, 0, "abc"},
			{'o', TCP_ACK, 3, 0, "d"}},
         "0:abc 0:d ",																	      0, 1, 0},
	{"sent again with more: the first bytes win",
         {{'o', TCP_ACK, 0, 0, "abc"}, {'o', TCP_ACK, 1, 0, "XYdef"}},                                                                           "0:abc 0:def ",    0, 1,
         0																				 },
	{"early bytes win over later ones in their place",
         {{'o', TCP_ACK, 2, 0, "cd"}, {'o', TCP_ACK, 0, 0, "abXYef"}},                                                                           "0:ab 0:cd 0:ef ", 0,
         1,																			       0},
	{"early bytes around early ones",
         {{'o', TCP_ACK, 3, 0, "d"}, {'o', TCP_ACK, 1, 0, "bcXe"},
			{'o', TCP_ACK, 0, 0, "a"}},
         "0:a 0:bc 0:de ",																	  0, 1, 0},
	{"keep-alive: one byte before the next",
         {{'o', TCP_ACK, 0, 0, "abc"}, {'o', TCP_ACK, 2, 0, "c"}, {'o', TCP_ACK, 3, 0, "d"}},
         "0:abc 0:d ",																	      0, 1, 0},
	{"a hole that the receiver has: the capture lost it",
         {{'o', TCP_ACK, 0, 0, "ab"}, {'o', TCP_ACK, 5, 0, "fg"}, {'r', TCP_ACK, 0, 7, ""}},
         "0:ab 0~3 0:fg ",																	  1, 0, 0},
	{"a hole that the receiver has not: still on its way",
         {{'o', TCP_ACK, 0, 0, "ab"}, {'o', TCP_ACK, 5, 0, "fg"}, {'r', TCP_ACK, 0, 2, ""}},
         "0:ab ",																		   0, 0, 0},
	{"both ends",
         {{'o', TCP_ACK, 0, 0, "a"}, {'o', TCP_ACK | TCP_FIN, 1, 0, ""},
			{'r', TCP_ACK | TCP_FIN, 0, 2, "b"}},
         "0:a 0. 1:b 1. # ",																	0, 0, 0},
	{"FIN before the bytes",                               {{'o', TCP_ACK | TCP_FIN, 1, 0, "b"}, {'o', TCP_ACK, 0, 0, "a"}},
         "0:a 0:b 0. ",																	     0, 0, 0},
	{"FIN, and what came before it is lost",
         {{'o', TCP_ACK, 0, 0, "a"}, {'o', TCP_ACK | TCP_FIN, 4, 0, ""},
			{'r', TCP_ACK, 0, 5, ""}},
         "0:a 0~3 0. ",																	     1, 0, 0},
	{"nothing behind FIN",				 {{'o', TCP_ACK | TCP_FIN, 0, 0, "a"}, {'o', TCP_ACK, 1, 0, "b"}},
         "0:a 0. ",																		 0, 0, 0},
	{"reset",					      {{'o', TCP_ACK, 0, 0, "a"}, {'r', TCP_RST, 0, 0, ""}, {'o', TCP_ACK, 1, 0, "b"}},
         "0:a 0. 1. # ",																	    0, 0, 0},
	{"reset hands over what waits",
         {{'o', TCP_ACK, 0, 0, "a"}, {'o', TCP_ACK, 3, 0, "d"}, {'r', TCP_RST, 0, 0, ""}},
         "0:a 0~2 0:d 0. 1. # ",																    1, 0, 0},
	{"a reset from before is forged (RFC 5961)",
         {{'o', TCP_ACK, 0, 0, "a"}, {'r', TCP_RST, -1, 0, ""}, {'o', TCP_ACK, 1, 0, "b"}},
         "0:a 0:b ",																		0, 0, 0},
	{"far away once: forged",
         {{'o', TCP_ACK, 0, 0, "a"}, {'o', TCP_ACK, 0x200000, 0, "X"},
			{'o', TCP_ACK, 1, 0, "b"}},
         "0:a 0:b ",																		0, 0, 1},
	{"far away and going on: the rest was lost",
         {{'o', TCP_ACK, 0, 0, "a"}, {'o', TCP_ACK, 0x200000, 0, "X"},
			{'o', TCP_ACK, 0x200001, 0, "Y"}},
         "0:a 0~0 0:Y ",																	    1, 0, 1},
	{"the same ends, another connection",
         {{'o', TCP_ACK, 0, 0, "a"}, {'o', TCP_SYN, 999, 0, ""},
			{'o', TCP_ACK, 1000, 0, "b"}},
         "0:a # 0:b ",																	      0, 0, 0},
	{"a SYN that nobody follows is forged",
         {{'o', TCP_ACK, 0, 0, "a"}, {'o', TCP_SYN, 999, 0, ""}, {'o', TCP_ACK, 1, 0, "b"}},
         "0:a 0:b ",																		0, 0, 0},
	{"the same ends, answered",
         {{'o', TCP_ACK, 0, 0, "a"}, {'o', TCP_SYN, 999, 0, ""},
			{'r', TCP_SYN | TCP_ACK, 4999, 1000, ""}, {'r', TCP_ACK, 5000, 1000, "b"}},
         "0:a # 1:b ",																	      0, 0, 0},
	{"the ends change places once it is closed",
         {{'o', TCP_ACK, 0, 0, "a"}, {'r', TCP_RST, 0, 0, ""}, {'r', TCP_SYN, 99, 0, ""},
			{'r', TCP_ACK, 100, 0, "b"}},
         "0:a 0. 1. # 0:b ",																	0, 0, 0},
	{"SYN sent again",				     {{'o', TCP_SYN, -1, 0, ""}, {'o', TCP_ACK, 0, 0, "a"}},                           "0:a ",            0, 0, 0},
};

static void run_scenario(size_t i, uint32_t opener_first, uint32_t other_first)
{
	struct fixture x;

	set_up(&x, 16, MIB(4));
	shake_hands(&x, opener_first, other_first);
	for (size_t k = 0; k < STEPS_MAX && scenarios[i].steps[k].from != 0; k++) {
		const struct step *s = &scenarios[i].steps[k];
		bool opener = s->from == 'o';

		send_text(&x, opener, s->flags,
			(opener ? opener_first : other_first) + (uint32_t)s->sequence,
			(opener ? other_first : opener_first) + (uint32_t)s->acknowledged,
			s->payload);
	}
	buf_char(&x.seen.text, 0);
	if (strcmp(x.seen.text.data, scenarios[i].told) != 0 ||
		x.counts.gaps != scenarios[i].gaps || x.counts.overlaps != scenarios[i].overlaps ||
		x.counts.segments_dropped != scenarios[i].segments_dropped)
		fail_msg("%s (from %u): \"%s\", %llu gaps, %llu overlaps, %llu dropped",
			scenarios[i].why, opener_first, x.seen.text.data,
			(unsigned long long)x.counts.gaps, (unsigned long long)x.counts.overlaps,
			(unsigned long long)x.counts.segments_dropped);
	flows_end(x.flows);
	assert_int_equal(flows_bytes(x.flows), 0);
	tear_down(&x);
}

/* Each also where the numbers wrap around, at every place of the first bytes. */
static void test_scenarios(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(scenarios); i++) {
		run_scenario(i, 1000000, 5000000);
		for (uint32_t k = 0; k < 10; k++)
			run_scenario(i, UINT32_MAX - k, UINT32_MAX - 3);
	}
}

static void test_mid_stream(void **state)
{
	struct fixture x;

	(void)state;
	set_up(&x, 16, MIB(1));
	/* Without SYN the end with the higher port counts as the opener. */
	send_text(&x, false, TCP_ACK, 500, 100, "hello");
	send_text(&x, true, TCP_ACK, 100, 505, "yes");
	send_text(&x, false, TCP_ACK, 505, 103, "on");
	expect(&x, "1:hello 0:yes 1:on ");
	/* An acknowledgement, a reset or an end alone opens nothing. */
	x.ends.source_port++;
	send_text(&x, true, TCP_ACK, 1, 1, "");
	send_text(&x, true, TCP_RST, 1, 1, "x");
	send_text(&x, true, TCP_FIN | TCP_ACK, 1, 1, "");
	assert_int_equal(flows_count(x.flows), 1);
	tear_down(&x);
}

/* Frames cut by the capture: what is missing is a gap at once. */
static void test_cut(void **state)
{
	struct fixture x;

	(void)state;
	set_up(&x, 16, MIB(1));
	shake_hands(&x, 1, 1);
	send_cut(&x, true, TCP_ACK, 1, 1, SLICE("abcdef"), 2);
	send_text(&x, true, TCP_ACK, 7, 1, "g");
	expect(&x, "0:abcd 0~2 0:g ");
	send_cut(&x, true, TCP_ACK, 8, 1, SLICE("hijk"), 4);
	send_text(&x, true, TCP_ACK, 12, 1, "l");
	expect(&x, "0~4 0:l ");
	tear_down(&x);
}

static void test_done(void **state)
{
	struct fixture x;

	(void)state;
	set_up(&x, 16, MIB(1));
	x.seen.wanted = 3;
	shake_hands(&x, 1, 1);
	send_text(&x, true, TCP_ACK, 5, 1, "early");
	send_text(&x, true, TCP_ACK, 1, 1, "abcd");
	send_text(&x, true, TCP_ACK, 10, 1, "more");
	send_text(&x, false, TCP_ACK, 1, 14, "more");
	/* Once decided nothing is handed over and nothing is held. */
	expect(&x, "0:abcd # ");
	assert_int_equal(flows_bytes(x.flows), 0);
	tear_down(&x);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void test_stream_limit(void **state)
{
	static char big[32768];
	struct fixture x;
	uint32_t at = 2, fits = 0;

	(void)state;
	memset(big, 'x', sizeof(big));
	set_up(&x, 16, 2 * PACKET_BUFFERED_MAX);
	shake_hands(&x, 1, 1);
	/* One byte is missing; behind it bytes wait as long as they find room. */
	while (x.counts.gaps == 0 && at < 2 * PACKET_STREAM_MAX) {
		send_cut(&x, true, TCP_ACK, at, 1, (struct slice){big, sizeof(big)}, 0);
		at += sizeof(big);
		if (x.counts.gaps == 0)
			fits += sizeof(big);
		assert_true(flows_bytes(x.flows) <= PACKET_STREAM_MAX + KIB(4));
	}
	assert_int_equal(x.counts.gaps, 1);
	assert_true(fits > PACKET_STREAM_MAX - 3 * KIB(64) && fits <= PACKET_STREAM_MAX);
	assert_int_equal(flows_bytes(x.flows), 0);
	tear_down(&x);
}

static void test_extents_limit(void **state)
{
	struct fixture x;

	(void)state;
	set_up(&x, 16, MIB(4));
	shake_hands(&x, 1, 1);
	for (uint32_t i = 0; i < PACKET_EXTENTS_MAX; i++)
		send_text(&x, true, TCP_ACK, 3 + 2 * i, 1, "x");
	assert_int_equal(x.counts.segments_dropped, 0);
	assert_int_equal(x.counts.gaps, 0);
	send_text(&x, true, TCP_ACK, 3 + 2 * PACKET_EXTENTS_MAX, 1, "x");
	assert_int_equal(x.counts.gaps, 1);
	tear_down(&x);
}

static void test_held_limit(void **state)
{
	struct fixture x;
	size_t max = KIB(64);

	(void)state;
	set_up(&x, 1024, max);
	/* Many connections that each hold a little: together they keep to the limit. */
	for (uint16_t i = 0; i < 512; i++) {
		x.ends.source_port = (uint16_t)(20000 + i);
		send_text(&x, true, TCP_SYN, 0, 0, "");
		send_text(&x, true, TCP_ACK, 2, 1, "early");
		assert_true(flows_bytes(x.flows) <= max);
	}
	assert_true(x.counts.segments_dropped > 400);
	flows_end(x.flows);
	assert_int_equal(flows_bytes(x.flows), 0);
	tear_down(&x);
}

static void test_oldest_goes(void **state)
{
	struct fixture x;

	(void)state;
	set_up(&x, 4, MIB(1));
	for (uint16_t i = 0; i < 4; i++) {
		x.ends.source_port = (uint16_t)(20000 + i);
		send_text(&x, true, TCP_ACK, 1, 1, "a");
	}
	assert_int_equal(flows_count(x.flows), 4);
	assert_int_equal(x.counts.flows_dropped, 0);
	/* The first one speaks, so the second is idle longest when a fifth comes. */
	x.ends.source_port = 20000;
	send_text(&x, true, TCP_ACK, 2, 1, "b");
	x.ends.source_port = 20004;
	send_text(&x, true, TCP_ACK, 1, 1, "a");
	assert_int_equal(flows_count(x.flows), 4);
	assert_int_equal(x.counts.flows_dropped, 1);
	expect(&x, "0:a 0:a 0:a 0:a 0:b # 0:a ");
	x.ends.source_port = 20000;
	send_text(&x, true, TCP_ACK, 3, 1, "c");
	expect(&x, "0:c ");
	/* The second is unknown: its bytes are those of a new connection, the third is lost for it.
	 */
	x.ends.source_port = 20001;
	send_text(&x, true, TCP_ACK, 900, 1, "z");
	expect(&x, "# 0:z ");
	tear_down(&x);
}

/* A million SYNs do not push out a connection that is being followed. */
static void test_syn_flood(void **state)
{
	struct fixture x;
	char address[32];

	(void)state;
	set_up(&x, 256, MIB(1));
	shake_hands(&x, 1, 1);
	send_text(&x, true, TCP_ACK, 1, 1, "a");
	for (uint32_t i = 0; i < 100000; i++) {
		struct fixture *y = &x;
		struct ends kept = x.ends;

		snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255,
			i & 255);
		y->ends.source = address;
		send_text(y, true, TCP_SYN, i, 0, "");
		y->ends = kept;
		assert_true(flows_count(x.flows) <= 256);
	}
	send_text(&x, true, TCP_ACK, 2, 1, "b");
	expect(&x, "0:a 0:b ");
	assert_int_equal(x.counts.flows_dropped, 100000 - 255);
	tear_down(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios),
		cmocka_unit_test(test_mid_stream),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_done),
		cmocka_unit_test(test_stream_limit),
		cmocka_unit_test(test_extents_limit),
		cmocka_unit_test(test_held_limit),
		cmocka_unit_test(test_oldest_goes),
		cmocka_unit_test(test_syn_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
