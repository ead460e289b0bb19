/* SPDX-License-Identifier: MPL-2.0 */
/* The reader as a whole: what becomes a record, and that it does not depend on how bytes come. */
#include "packet_testing.h"

#define T0 (INT64_C(1700000000) * US_PER_SECOND)

static const struct ends web = {"192.0.2.1", "198.51.100.7", 40000, 80};
static const struct ends web6 = {"2001:db8::1", "2001:db8::2", 40000, 443};

#define ENDS_ROLES (UINT64_C(1) << ROLE_SOURCE_ADDRESS | UINT64_C(1) << ROLE_DESTINATION_ADDRESS)

static void expect(struct told *t, const char *text)
{
	buf_char(&t->text, 0);
	assert_string_equal(t->text.data, text);
	t->text.len = 0;
}

static void frame_at(struct packet_reader *r, int64_t time_us, const struct frame *f)
{
	struct slice s = frame_slice(f);

	assert_true(packet_frame(r, 1, time_us, s, (uint32_t)s.len));
}

static void test_conversations(void **state)
{
	struct told t = {0};
	struct packet_reader *r = reader_for(ENDS_ROLES, false, &t);
	struct ends back = ends_back(web), other = web;
	struct frame f;

	(void)state;
	assert_null(r->flows); /* no content wanted, no connections followed */
	frame_tcp(&f, &back, TCP_SYN | TCP_ACK, 1, 1, (struct slice){0});
	frame_at(r, T0, &f);
	expect(&t,
		"1 1700000000000000 source.address=192.0.2.1 destination.address=198.51.100.7\n");
	/* The other direction, and another client port, are the same conversation. */
	frame_tcp(&f, &web, TCP_ACK, 1, 1, SLICE("x"));
	frame_at(r, T0 + 1, &f);
	other.source_port++;
	frame_tcp(&f, &other, TCP_SYN, 1, 1, (struct slice){0});
	frame_at(r, T0 + 2, &f);
	assert_int_equal(t.records, 1);
	/* Another service is another one. */
	other.destination_port++;
	frame_tcp(&f, &other, TCP_SYN, 1, 1, (struct slice){0});
	frame_at(r, T0 + 3, &f);
	assert_int_equal(t.records, 2);
	told_fini(&t);
	/* A second before it is due, and when it is. */
	frame_tcp(&f, &web, TCP_ACK, 1, 1, SLICE("x"));
	frame_at(r, T0 + (PACKET_AGAIN_SECONDS - 1) * US_PER_SECOND, &f);
	assert_int_equal(t.records, 0);
	frame_at(r, T0 + PACKET_AGAIN_SECONDS * US_PER_SECOND, &f);
	assert_int_equal(t.records, 1);
	packet_reader_free(r);
	told_fini(&t);
}

static void test_detail(void **state)
{
	struct told t = {.detail = true};
	struct packet_reader *r = reader_for(event_role_bit(ROLE_SOURCE_ADDRESS), false, &t);
	struct ends back = ends_back(web6);
	struct frame f;

	(void)state;
	frame_tcp(&f, &back, TCP_SYN | TCP_ACK, 1, 1, (struct slice){0});
	frame_at(r, 5, &f);
	expect(&t, "1 5 source.address=2001:db8::1 | source.address=2001:db8::1 "
		   "destination.address=2001:db8::2 source.port=40000 destination.port=443 "
		   "transport=tcp mac=02:00:00:00:00:01 mac=02:00:00:00:00:02\n");
	packet_reader_free(r);
	told_fini(&t);
}

/* ---- content --------------------------------------------------------------------------------- */

#define T(n) (T0 + (int64_t)(n))

/* A connection of a request and a response, each in two segments, the first of them late. */
static void conversation(struct capture_builder *b, const struct ends *e, struct slice request,
	struct slice response)
{
	const struct ends back = ends_back(*e);
	const struct {
		bool back;
		uint8_t flags;
		uint32_t sequence, acknowledged;
		struct slice payload;
	} steps[] = {
		{false,              TCP_SYN,           99,     0,                     {0}              },
		{true,               TCP_SYN | TCP_ACK, 499,    100,                   {0}              },
		{false,              TCP_ACK,           103,    500,                   slice_cut(request, 3, SIZE_MAX)},
		{false,         TCP_ACK,                          100,                            500,                                  slice_cut(request,                       0, 3)},
		{true, TCP_ACK,                 505,                     100,         slice_cut(response, 5, SIZE_MAX)},
		{true,               TCP_ACK,             500,100,slice_cut(response, 0, 5)},
		{false,               TCP_ACK | TCP_FIN,           100 + (uint32_t)request.len,  500,                                        {0}                                              },
		{true,                TCP_ACK | TCP_FIN,                                 500 + (uint32_t)response.len,                                   100,                         {0}    },
	};
	struct frame f;

	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		frame_tcp(&f, steps[i].back ? &back : e, steps[i].flags, steps[i].sequence,
			steps[i].acknowledged, steps[i].payload);
		builder_pcap_frame(b, T(i), frame_slice(&f), (uint32_t)frame_slice(&f).len);
	}
}

static const char dns_question[] = "\x12\x34\x01\0\0\1\0\0\0\0\0\0\3www\7example\3com\0\0\1\0\1";

static void everything(struct capture_builder *b)
{
	static const struct ends dns = {"2001:db8::1", "2001:db8::53", 50000, 53};
	static const struct ends modbus = {"192.0.2.9", "192.0.2.10", 50001, 502};
	static const struct ends mail = {"192.0.2.1", "198.51.100.25", 50002, 25};
	struct frame f, whole;
	struct slice question = {dns_question, sizeof(dns_question) - 1};

	builder_begin(b);
	builder_pcap(b, 1);
	conversation(b, &web, SLICE("GET /evil HTTP/1.1\r\nHost: example.com\r\n\r\n"),
		SLICE("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"));
	frame_udp(&f, &dns, question);
	builder_pcap_frame(b, T(20), frame_slice(&f), 90);
	/* The same question in two pieces, the second first. */
	frame_begin(&whole, question);
	frame_add_udp(&whole, &dns);
	for (int i = 1; i >= 0; i--) {
		frame_begin(&f, slice_cut(frame_slice(&whole), i ? 24 : 0, i ? SIZE_MAX : 24));
		frame_add_fragment(&f, &dns, TRANSPORT_UDP, 7, i ? 24 : 0, !i);
		frame_add_ethernet(&f, 0x86dd);
		builder_pcap_frame(b, T(22 - i), frame_slice(&f), (uint32_t)frame_slice(&f).len);
	}
	conversation(b, &modbus, SLICE("\0\1\0\0\0\6\1\5\0\xac\xff\0"),
		SLICE("\0\1\0\0\0\6\1\5\0\xac\xff\0"));
	conversation(b, &mail, SLICE("EHLO client.example\r\nMAIL FROM:<a@evil.example>\r\n"),
		SLICE("220 mail.example ESMTP\r\n250 ok\r\n250 ok\r\n"));
}

static void test_content(void **state)
{
	struct capture_builder b = {0};
	struct told t = {0};
	struct packet_reader *r = reader_for(event_roles_matched(), true, &t);
	struct packet_counts c;
	struct err e;

	(void)state;
	everything(&b);
	assert_int_equal(reader_read(r, builder_file(&b), 0, &e), OK);
	packet_counts(r, &c);
	buf_char(&t.text, 0);
	/* The frame that completed it, and the opener as the source. */
	assert_int_equal(told_count(&t, "4 1700000000000003 source.address=192.0.2.1 "
					"destination.address=198.51.100.7"),
		1);
	assert_int_equal(told_count(&t, "example.com/evil"), 1);
	assert_int_equal(told_count(&t, "900150983cd24fb0d6963f7d28e17f72"), 1); /* MD5 of abc */
	assert_int_equal(told_count(&t, "dns.query=www.example.com"), 2);
	assert_int_equal(told_count(&t, "plant.protocol=modbus"), 2);
	assert_int_equal(told_count(&t, "plant.operation=write"), 2);
	assert_int_equal(c.messages[PLANT_MODBUS], 2);
	assert_int_equal(told_count(&t, "a@evil.example"), 1);
	assert_int_equal(c.records, t.records);
	assert_int_equal(c.gaps + c.malformed + c.segments_dropped + c.fragments_dropped, 0);
	packet_reader_free(r);
	told_fini(&t);
	builder_fini(&b);
}

/* What nobody wants is not taken apart. */
static void test_roles(void **state)
{
	static const struct {
		enum event_role role;
		bool plant, flows;
		const char *tells, *silent;
	} cases[] = {
		{ROLE_SOURCE_ADDRESS, false, false, "source.address=",       "example"    },
		{ROLE_QUERY,          false, true,  "dns.query=",            "evil"       },
		{ROLE_URL,            false, true,  "example.com/evil",      "dns.query"  },
		{ROLE_SNI,            false, true,  "",                      "evil"       },
		{ROLE_EMAIL_FROM,     false, true,  "a@evil.example",        "example.com"},
		{ROLE_SOURCE_ADDRESS, true,  true,  "plant.protocol=modbus", "example"    },
	};
	struct capture_builder b = {0};

	(void)state;
	everything(&b);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct told t = {0};
		struct packet_reader *r =
			reader_for(event_role_bit(cases[i].role), cases[i].plant, &t);
		struct err e;

		assert_int_equal(reader_read(r, builder_file(&b), 0, &e), OK);
		assert_int_equal(r->flows != NULL, cases[i].flows);
		buf_char(&t.text, 0);
		if ((cases[i].tells[0] != 0 && told_count(&t, cases[i].tells) == 0) ||
			told_count(&t, cases[i].silent) != 0)
			fail_msg("%zu: %s", i, t.text.data);
		packet_reader_free(r);
		told_fini(&t);
	}
	builder_fini(&b);
}

/* Cut at every byte: the same records. */
static void test_cut_anywhere(void **state)
{
	struct capture_builder b = {0};
	struct told whole = {0};
	struct slice file;

	(void)state;
	everything(&b);
	file = builder_file(&b);
	for (size_t cut = 0; cut < file.len; cut++) {
		struct told t = {0};
		struct packet_reader *r = reader_for(event_roles_matched(), true, &t);
		size_t first, second;

		assert_int_equal(packet_feed(r, slice_cut(file, 0, cut), false, &first, NULL), OK);
		assert_int_equal(
			packet_feed(r, slice_cut(file, first, file.len), true, &second, NULL), OK);
		assert_true(packet_end(r));
		packet_reader_free(r);
		if (cut == 0) {
			whole = t;
			continue;
		}
		assert_true(slice_equal(buf_slice(&t.text), buf_slice(&whole.text)));
		told_fini(&t);
	}
	assert_true(whole.records > 10);
	told_fini(&whole);
	builder_fini(&b);
}

/* ---- batches --------------------------------------------------------------------------------- */

/* A record stays whole over the end of a batch; one that fills a batch alone comes in several. */
static void test_batches(void **state)
{
	struct told t = {0};
	struct packet_out *o = packet_out_new(UINT64_MAX, told_sink(&t), NULL);
	static char longest[FIELD_BYTES_MAX + 1];

	(void)state;
	assert_non_null(o);
	for (unsigned i = 0; i < 100; i++) {
		packet_out_record(o);
		for (unsigned k = 0; k < 7; k++)
			packet_out_field(o, ROLE_QUERY, SLICE("name"), false);
	}
	packet_out_record(o);
	for (unsigned k = 0; k < BATCH_FIELDS + 1; k++)
		packet_out_field(o, ROLE_SNI, SLICE("sni"), false);
	assert_true(packet_out_flush(o));
	assert_int_equal(t.records, 102);
	assert_int_equal(
		told_count(&t, " dns.query=name dns.query=name dns.query=name dns.query=name "
			       "dns.query=name dns.query=name dns.query=name\n"),
		100);
	assert_int_equal(told_count(&t, "tls.sni=sni"), BATCH_FIELDS + 1);
	told_fini(&t);
	/* Values of the longest kind: memory is used up before the fields are. */
	memset(longest, 'x', sizeof(longest));
	for (unsigned i = 0; i < 10; i++) {
		packet_out_record(o);
		packet_out_field(o, ROLE_URL, (struct slice){longest, FIELD_BYTES_MAX}, false);
		packet_out_field(o, ROLE_URL, (struct slice){longest, FIELD_BYTES_MAX + 1}, false);
		packet_out_field(o, ROLE_HOST, SLICE("host"), false);
	}
	assert_true(packet_out_flush(o));
	assert_int_equal(t.records, 10);
	assert_int_equal(told_count(&t, "x host=host\n"), 10);
	told_fini(&t);
	packet_out_free(o);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void test_options(void **state)
{
	struct world_fake w;
	struct told t = {0};
	struct packet_options options = {.world = &w.world, .flows_max = 16 * PACKET_FLOWS_MAX};
	struct packet_reader *r;
	struct err e;

	(void)state;
	world_fake_init(&w, 1, 0);
	assert_int_equal(packet_reader_new(&options, told_sink(&t), &r, &e), OK);
	packet_reader_free(r);
	options.flows_max++;
	assert_int_equal(packet_reader_new(&options, told_sink(&t), &r, &e), ERR_LIMIT);
}

/* A million connections that never say more than SYN: the table is as large as it was told. */
static void test_syn_flood(void **state)
{
	struct told t = {0};
	struct packet_reader *r = reader_for(event_role_bit(ROLE_SNI), false, &t);
	struct frame f;

	(void)state;
	frame_tcp(&f, &web, TCP_SYN, 1, 0, (struct slice){0});
	for (uint32_t i = 0; i < 1000000; i++) {
		put_u32(f.room + f.at + 26, 0x0a000000 + i);
		frame_at(r, T0, &f);
	}
	assert_int_equal(flows_count(r->flows), PACKET_FLOWS_MAX);
	assert_int_equal(r->counts.flows_dropped, 1000000 - PACKET_FLOWS_MAX);
	assert_int_equal(flows_bytes(r->flows), 0);
	assert_int_equal(t.records, 0);
	packet_reader_free(r);
}

/* What only the end of the capture completes has the last frame's number, and its own ends. */
static void test_end(void **state)
{
	static const struct ends both[] = {
		{"192.0.2.1",   "198.51.100.7", 40000, 80   },
		{"2001:db8::7", "2001:db8::1",  80,    40000}
        };
	static const char *const ends[] = {
		"| source.address=192.0.2.1 destination.address=198.51.100.7 source.port=40000 "
		"destination.port=80 transport=tcp service=http",
		"| source.address=2001:db8::7 destination.address=2001:db8::1 source.port=80 "
		"destination.port=40000 transport=tcp service=http"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(both); i++) {
		const char *at;
		struct told t = {.detail = true};
		struct packet_reader *r = reader_for(event_role_bit(ROLE_FILE_HASH), false, &t);
		struct ends back = ends_back(both[i]);
		struct frame f;

		frame_tcp(&f, &both[i], TCP_SYN, 9, 0, (struct slice){0});
		frame_at(r, 5, &f);
		frame_tcp(&f, &both[i], TCP_ACK, 10, 20, SLICE("GET /x HTTP/1.1\r\n\r\n"));
		frame_at(r, 6, &f);
		frame_tcp(&f, &back, TCP_ACK, 20, 29, SLICE("HTTP/1.1 200 OK\r\n\r\nabc"));
		frame_at(r, 7, &f);
		assert_true(packet_end(r));
		assert_true(packet_flush(r));
		buf_char(&t.text, 0);
		at = strstr(t.text.data,
			"\n3 7 service=http file.hash=900150983cd24fb0d6963f7d28e17f72");
		if (at == NULL || strstr(at, ends[i]) == NULL)
			fail_msg("%s", t.text.data);
		packet_reader_free(r);
		told_fini(&t);
	}
}

/* What may be a name or an address is an address when it comes as bytes, or nothing finds it. */
static void test_answers(void **state)
{
	static const struct ends asked = {"192.0.2.53", "192.0.2.1", 53, 40000};
	struct told t = {.detail = true};
	struct packet_reader *r = reader_for(event_role_bit(ROLE_ANSWER), false, &t);
	struct frame f;

	(void)state;
	frame_udp(&f, &asked,
		SLICE("\0\1\x81\x80\0\0\0\2\0\0\0\0\1a\0\0\1\0\1\0\0\0\1\0\4\xc6\x33\x64\7"
		      "\xc0\x0c\0\x1c\0\1\0\0\0\1\0\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"));
	frame_at(r, 5, &f);
	assert_true(packet_flush(r));
	buf_char(&t.text, 0);
	if (strstr(t.text.data, " dns.answer=198.51.100.7 dns.answer=a dns.answer=2001:db8::1 |") ==
		NULL)
		fail_msg("%s", t.text.data);
	packet_reader_free(r);
	told_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversations),
		cmocka_unit_test(test_detail),
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_syn_flood),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
