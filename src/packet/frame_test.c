/* SPDX-License-Identifier: MPL-2.0 */
/* Headers: every link and tunnel that is read, lies about lengths, and pieces of datagrams. */
#include "packet_testing.h"

static const struct ends v4 = {"192.0.2.1", "198.51.100.7", 40000, 80};
static const struct ends v6 = {"2001:db8::1", "2001:db8::2", 40000, 443};

struct taken_apart {
	struct packet items[TUNNELS_MAX + 1];
	struct packet_list list;
	struct packet_counts counts;
	bool known;
};

/* An exact copy, so that a sanitizer sees a byte read too far. */
static void take_apart(struct taken_apart *t, unsigned link, struct slice frame, uint32_t wire_len)
{
	static const uint64_t keys[HASH_KEYS] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
	static char *copy;
	struct packet base = {.captured = (uint32_t)frame.len, .wire_len = wire_len};

	free(copy);
	copy = malloc(frame.len == 0 ? 1 : frame.len);
	assert_non_null(copy);
	if (frame.len > 0)
		memcpy(copy, frame.data, frame.len);
	base.frame = (const uint8_t *)copy;
	memset(t, 0, sizeof(*t));
	t->list = (struct packet_list){t->items, 0, COUNT_OF(t->items)};
	t->known = frame_dissect(link, &base, keys, &t->counts, &t->list);
}

static void expect_address(const uint8_t *bytes, size_t len, const char *text)
{
	char have[ADDRESS_TEXT_MAX];

	assert_non_null(bytes);
	assert_true(event_address_format(bytes, len, have) > 0);
	assert_string_equal(have, text);
}

static void expect_packet(
	const struct packet *p, const struct ends *e, uint8_t transport, const char *payload)
{
	expect_address(p->source, p->address_len, e->source);
	expect_address(p->destination, p->address_len, e->destination);
	assert_int_equal(p->transport, transport);
	assert_true(p->ports);
	assert_int_equal(p->source_port, e->source_port);
	assert_int_equal(p->destination_port, e->destination_port);
	assert_int_equal(p->payload_len, strlen(payload));
	assert_memory_equal(p->payload, payload, p->payload_len);
}

/* What stands before the IP header, by link. */
static void add_link(struct frame *f, unsigned link, uint16_t type)
{
	static const uint8_t families[] = {2, 30};
	uint8_t *h;

	switch (link) {
	case 1:
		frame_add_ethernet(f, type);
		break;
	case 0:
		frame_header(f, 4)[0] = families[type == 0x86dd];
		break;
	case 108:
		frame_header(f, 4)[3] = families[type == 0x86dd];
		break;
	case 9:
		put_u16(frame_header(f, 2), type == 0x86dd ? 0x0057 : 0x0021);
		break;
	case 50:
		put_u32(frame_header(f, 4), 0xff030000 | (type == 0x86dd ? 0x0057 : 0x0021));
		break;
	case 113:
		put_u16(frame_header(f, 16) + 14, type);
		break;
	case 276:
		h = frame_header(f, 20);
		put_u16(h, type);
		break;
	default:
		break;
	}
}

static void test_links(void **state)
{
	static const unsigned links[] = {0, 1, 9, 12, 14, 50, 101, 108, 113, 276, 228, 229};
	struct taken_apart t;
	struct frame f;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(links); i++) {
		for (unsigned six = 0; six < 2; six++) {
			const struct ends *e = six ? &v6 : &v4;

			if (links[i] == 228 + !six)
				continue; /* of the other version only */
			frame_begin(&f, SLICE("hello"));
			frame_add_udp(&f, e);
			frame_add_ip(&f, e, TRANSPORT_UDP);
			add_link(&f, links[i], frame_ip_type(e));
			take_apart(&t, links[i], frame_slice(&f), (uint32_t)frame_slice(&f).len);
			assert_true(t.known);
			assert_int_equal(t.counts.malformed, 0);
			assert_int_equal(t.list.count, 1);
			expect_packet(&t.items[0], e, TRANSPORT_UDP, "hello");
		}
	}
	take_apart(&t, 147, frame_slice(&f), 100);
	assert_false(t.known);
	assert_int_equal(t.list.count, 0);
}

static void test_tags(void **state)
{
	struct taken_apart t;
	struct frame f;

	(void)state;
	for (unsigned tags = 0; tags <= 5; tags++) {
		uint16_t type = 0x0800;

		frame_begin(&f, SLICE("x"));
		frame_add_udp(&f, &v4);
		frame_add_ip(&f, &v4, TRANSPORT_UDP);
		for (unsigned i = 0; i < tags; i++) {
			frame_add_vlan(&f, type);
			type = i % 2 == 0 ? 0x8100 : 0x88a8;
		}
		frame_add_ethernet(&f, type);
		take_apart(&t, 1, frame_slice(&f), (uint32_t)frame_slice(&f).len);
		assert_int_equal(t.list.count, tags <= 4);
		assert_int_equal(t.counts.malformed, tags > 4);
	}
	/* PPPoE between Ethernet and IP */
	frame_begin(&f, SLICE("x"));
	frame_add_udp(&f, &v4);
	frame_add_ip(&f, &v4, TRANSPORT_UDP);
	put_u16(frame_header(&f, 2), 0x0021);
	{
		uint16_t len = (uint16_t)frame_slice(&f).len;
		uint8_t *h = frame_header(&f, 6);

		h[0] = 0x11;
		put_u16(h + 4, len);
	}
	frame_add_ethernet(&f, 0x8864);
	take_apart(&t, 1, frame_slice(&f), (uint32_t)frame_slice(&f).len);
	assert_int_equal(t.list.count, 1);
	expect_packet(&t.items[0], &v4, TRANSPORT_UDP, "x");
}

enum tunnel { IP_IN_IP, GRE, GRE_KEYED, GRE_ETHERNET, VXLAN };

static void add_tunnel(
	struct frame *f, enum tunnel kind, const struct ends *inner, const struct ends *outer)
{
	struct ends e = *outer;
	uint8_t *h;

	switch (kind) {
	case IP_IN_IP:
		frame_add_ip(f, outer, frame_ip_type(inner) == 0x0800 ? 4 : 41);
		return;
	case GRE:
		put_u16(frame_header(f, 4) + 2, frame_ip_type(inner));
		break;
	case GRE_KEYED:
		h = frame_header(f, 16);
		put_u16(h, 0xb000);
		put_u16(h + 2, frame_ip_type(inner));
		break;
	case GRE_ETHERNET:
		frame_add_ethernet(f, frame_ip_type(inner));
		put_u16(frame_header(f, 4) + 2, 0x6558);
		break;
	case VXLAN:
		frame_add_ethernet(f, frame_ip_type(inner));
		frame_header(f, 8)[0] = 8;
		e.destination_port = 4789;
		frame_add_udp(f, &e);
		frame_add_ip(f, &e, TRANSPORT_UDP);
		return;
	}
	frame_add_ip(f, outer, 47);
}

static void test_tunnels(void **state)
{
	static const struct ends outer4 = {"203.0.113.1", "203.0.113.2", 1000, 2000};
	static const struct ends outer6 = {"2001:db8:f::1", "2001:db8:f::2", 1000, 2000};
	struct taken_apart t;
	struct frame f;

	(void)state;
	for (unsigned kind = IP_IN_IP; kind <= VXLAN; kind++) {
		for (unsigned versions = 0; versions < 4; versions++) {
			const struct ends *inner = versions & 1 ? &v6 : &v4;
			const struct ends *outer = versions & 2 ? &outer6 : &outer4;

			frame_begin(&f, SLICE("in"));
			frame_add_tcp(&f, inner, TCP_ACK, 1, 2);
			frame_add_ip(&f, inner, TRANSPORT_TCP);
			add_tunnel(&f, (enum tunnel)kind, inner, outer);
			frame_add_ethernet(&f, frame_ip_type(outer));
			take_apart(&t, 1, frame_slice(&f), (uint32_t)frame_slice(&f).len);
			assert_int_equal(t.list.count, 2);
			assert_int_equal(t.items[0].what, PACKET_OUTER);
			expect_address(t.items[0].source, t.items[0].address_len, outer->source);
			assert_int_equal(t.items[1].what, PACKET_PLAIN);
			expect_packet(&t.items[1], inner, TRANSPORT_TCP, "in");
		}
	}
	/* As deep as the limit, and one deeper: what is in there is not looked at. */
	for (unsigned depth = TUNNELS_MAX; depth <= TUNNELS_MAX + 1; depth++) {
		frame_begin(&f, SLICE("in"));
		frame_add_udp(&f, &v4);
		frame_add_ip(&f, &v4, TRANSPORT_UDP);
		for (unsigned i = 0; i < depth; i++)
			add_tunnel(&f, IP_IN_IP, &v4, &outer4);
		frame_add_ethernet(&f, 0x0800);
		take_apart(&t, 1, frame_slice(&f), (uint32_t)frame_slice(&f).len);
		assert_int_equal(
			t.items[TUNNELS_MAX].transport, depth == TUNNELS_MAX ? TRANSPORT_UDP : 4);
		assert_int_equal(t.list.count, TUNNELS_MAX + 1);
	}
}

static void test_extensions(void **state)
{
	struct taken_apart t;
	struct frame f;

	(void)state;
	for (unsigned count = 0; count <= 17; count++) {
		uint8_t next = TRANSPORT_UDP;

		frame_begin(&f, SLICE("x"));
		frame_add_udp(&f, &v6);
		for (unsigned i = 0; i < count; i++) {
			static const uint8_t kinds[] = {60, 43, 0, 51};
			bool ah = kinds[i % 4] == 51;
			uint8_t *h = frame_header(&f, ah ? 24 : 16);

			h[0] = next;
			h[1] = ah ? 4 : 1;
			next = kinds[i % 4];
		}
		frame_add_ip(&f, &v6, next);
		frame_add_ethernet(&f, 0x86dd);
		take_apart(&t, 1, frame_slice(&f), (uint32_t)frame_slice(&f).len);
		assert_int_equal(t.list.count, 1);
		/* The sixteenth is not looked behind. */
		if (count < 16)
			expect_packet(&t.items[0], &v6, TRANSPORT_UDP, "x");
		assert_int_equal(t.counts.malformed, count >= 16);
	}
}

/* Both directions have one key; another port, address, transport or version has another. */
static void test_keys(void **state)
{
	const struct ends *all[] = {&v4, &v6};
	struct taken_apart a, b;
	struct frame f;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		struct ends back = ends_back(*all[i]), other = *all[i];

		frame_tcp(&f, all[i], 0, 0, 0, (struct slice){0});
		take_apart(&a, 1, frame_slice(&f), 0);
		frame_tcp(&f, &back, 0, 0, 0, (struct slice){0});
		take_apart(&b, 1, frame_slice(&f), 0);
		assert_memory_equal(a.items[0].key, b.items[0].key, sizeof(a.items[0].key));
		assert_true(a.items[0].hash_flow == b.items[0].hash_flow);
		assert_int_equal(a.items[0].sender, 0);
		assert_int_equal(b.items[0].sender, 1);
		other.source_port++;
		frame_tcp(&f, &other, 0, 0, 0, (struct slice){0});
		take_apart(&b, 1, frame_slice(&f), 0);
		assert_true(a.items[0].hash_flow != b.items[0].hash_flow);
		assert_true(a.items[0].hash_conversation == b.items[0].hash_conversation);
		frame_udp(&f, all[i], (struct slice){0});
		take_apart(&b, 1, frame_slice(&f), 0);
		assert_true(a.items[0].hash_conversation != b.items[0].hash_conversation);
	}
}

/* Cut anywhere, and every header byte wrong in some way: no byte is read that is not there. */
static void test_hostile(void **state)
{
	struct taken_apart t;
	struct frame f, bent;
	size_t len;

	(void)state;
	for (unsigned six = 0; six < 2; six++) {
		const struct ends *e = six ? &v6 : &v4;

		frame_begin(&f, SLICE("payload"));
		frame_add_tcp(&f, e, TCP_ACK, 1, 2);
		frame_add_ip(&f, e, TRANSPORT_TCP);
		add_tunnel(&f, VXLAN, e, e);
		frame_add_ethernet(&f, frame_ip_type(e));
		len = frame_slice(&f).len;
		for (size_t cut = 0; cut <= len; cut++) {
			take_apart(&t, 1, slice_cut(frame_slice(&f), 0, cut), (uint32_t)len);
			assert_int_equal(t.counts.malformed, 0); /* cut by the capture */
			take_apart(&t, 1, slice_cut(frame_slice(&f), 0, cut), (uint32_t)cut);
			assert_int_equal(t.counts.malformed, cut < len);
		}
		for (size_t at = 0; at < len; at++) {
			for (unsigned value = 0; value < 256; value += 15) {
				bent = f;
				bent.room[f.at + at] = (uint8_t)value;
				take_apart(&t, 1, frame_slice(&bent), (uint32_t)len);
				assert_true(t.list.count <= TUNNELS_MAX + 1);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_tunnels),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
