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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversations),
		cmocka_unit_test(test_detail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
