/* SPDX-License-Identifier: MPL-2.0 */
/* Datagrams in pieces: every order, overlaps, the classic attacks, limits and time. */
#include "packet_testing.h"

static const struct ends v4 = {"192.0.2.1", "198.51.100.7", 40000, 53};
static const struct ends v6 = {"2001:db8::1", "2001:db8::2", 40000, 53};

struct fixture {
	struct fragments *fragments;
	struct packet_counts counts;
	uint32_t seconds;
	bool v6;
};

static void set_up(struct fixture *x, bool six)
{
	static const uint8_t key[16] = {1, 2, 3};

	memset(x, 0, sizeof(*x));
	x->v6 = six;
	x->seconds = 1000;
	x->fragments = fragments_new(key, MIB(16), &x->counts);
	assert_non_null(x->fragments);
}

struct piece {
	uint32_t offset;
	const char *bytes;
	bool last;
};

/* True: whole; *ret_bytes then. */
static bool add(struct fixture *x, uint32_t id, struct slice bytes, uint32_t offset, bool last,
	uint32_t cut, struct slice *ret_bytes)
{
	static const uint64_t keys[HASH_KEYS] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
	static struct frame f;
	const struct ends *e = x->v6 ? &v6 : &v4;
	struct packet items[TUNNELS_MAX + 1], base = {.seconds = x->seconds};
	struct packet_list list = {items, 0, COUNT_OF(items)};
	uint8_t transport = 0;
	bool whole;

	frame_begin(&f, bytes);
	frame_add_fragment(&f, e, TRANSPORT_UDP, id, offset, !last);
	base.frame = f.room + f.at;
	base.wire_len = (uint32_t)frame_slice(&f).len;
	base.captured = base.wire_len - cut;
	assert_true(frame_dissect(101, &base, keys, &x->counts, &list));
	assert_int_equal(list.count, 1);
	assert_int_equal(items[0].what, PACKET_FRAGMENT);
	whole = fragments_add(x->fragments, &items[0], ret_bytes, &transport);
	if (whole)
		assert_int_equal(transport, TRANSPORT_UDP);
	return whole;
}

#define PIECES_MAX 5

static const struct {
	const char *why;
	struct piece pieces[PIECES_MAX];
	const char *v4, *v6; /* NULL: never whole */
	uint64_t dropped4, dropped6;
} cases[] = {
	{"in order",						    {{0, "01234567", false}, {8, "abc", true}},                         "01234567abc", "01234567abc",         0,
         0																					    },
	{"backwards",						   {{8, "abc", true}, {0, "01234567", false}},                         "01234567abc", "01234567abc",         0,
         0																					    },
	{"three, the middle one last",
         {{0, "01234567", false}, {16, "xyz", true}, {8, "abcdefgh", false}},
         "01234567abcdefghxyz",															    "01234567abcdefghxyz", 0, 0},
	{"one missing",						 {{0, "01234567", false}, {16, "xyz", true}},                        NULL,          NULL,                  0, 0},
	{"the end missing",					     {{0, "01234567", false}, {8, "abcdefgh", false}},                   NULL,          NULL,                  0, 0},
	{"the same twice",					      {{0, "01234567", false}, {0, "01234567", false}, {8, "abc", true}},
         "01234567abc",																    "01234567abc",         0, 0},
	{"other bytes in the same place: the first win, IPv6 gives up",
         {{0, "01234567", false}, {0, "XXXXXXXX", false}, {8, "abc", true}},                                                                "01234567abc",
         NULL,																				    0, 1},
	{"overlap in part",					     {{0, "01234567abcdefgh", false}, {8, "XXXXXXXXijk", true}},
         "01234567abcdefghijk",															    NULL,                  0, 1},
	{"teardrop: an end inside what has come",                       {{0, "01234567abcdefgh", false}, {8, "X", true}},
         NULL,																	     NULL,                  1, 1},
	{"two ends",						    {{8, "abc", true}, {8, "abcde", true}, {0, "01234567", false}},     NULL,          NULL,                  1,
         1																					    },
	{"bytes behind the end",
         {{8, "abc", true}, {16, "abcdefgh", false}, {0, "01234567", false}},                                                               NULL,          NULL,                  1,
         1																					    },
	{"not a multiple of eight in the middle",                       {{0, "0123456", false}, {8, "abc", true}},                          NULL,
         NULL,																				    1, 1},
	{"ping of death: past 65535 bytes",                             {{65528, "12345678", true}, {0, "01234567", false}},
         NULL,																	     NULL,                  1, 1},
	{"the largest",						 {{65528, "1234567", true}},                                         NULL,          NULL,                  0, 0},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (unsigned six = 0; six < 2; six++) {
			const char *want = six ? cases[i].v6 : cases[i].v4, *why = cases[i].why;
			uint64_t dropped = six ? cases[i].dropped6 : cases[i].dropped4;
			struct slice bytes = {0};
			struct fixture x;
			bool whole = false;

			set_up(&x, six);
			for (size_t k = 0; k < PIECES_MAX && cases[i].pieces[k].bytes != NULL;
				k++) {
				const struct piece *p = &cases[i].pieces[k];

				if (whole)
					fail_msg("%s: whole too early", why);
				whole = add(
					&x, 7, slice_of(p->bytes), p->offset, p->last, 0, &bytes);
			}
			if (whole != (want != NULL) || (whole && !slice_is(bytes, want)) ||
				x.counts.fragments_dropped != dropped)
				fail_msg("%s (IPv%d): %d \"%.*s\", %llu dropped", why, six ? 6 : 4,
					whole, SLICE_ARG(bytes),
					(unsigned long long)x.counts.fragments_dropped);
			if (whole) {
				assert_int_equal(fragments_count(x.fragments), 0);
				assert_int_equal(fragments_bytes(x.fragments), 0);
			}
			fragments_free(x.fragments);
		}
	}
}

/* Datagrams are told apart; pieces of one cut by the capture are worth nothing. */
static void test_apart(void **state)
{
	struct fixture x;
	struct slice bytes;

	(void)state;
	set_up(&x, false);
	assert_false(add(&x, 1, SLICE("11111111"), 0, false, 0, &bytes));
	assert_false(add(&x, 2, SLICE("22222222"), 0, false, 0, &bytes));
	assert_true(add(&x, 1, SLICE("a"), 8, true, 0, &bytes));
	assert_true(slice_is(bytes, "11111111a"));
	assert_true(add(&x, 2, SLICE("b"), 8, true, 0, &bytes));
	assert_true(slice_is(bytes, "22222222b"));
	assert_false(add(&x, 3, SLICE("33333333"), 0, false, 4, &bytes));
	assert_false(add(&x, 3, SLICE("c"), 8, true, 0, &bytes));
	assert_int_equal(x.counts.fragments_dropped, 1);
	fragments_free(x.fragments);
}

static void test_time(void **state)
{
	struct fixture x;
	struct slice bytes;

	(void)state;
	set_up(&x, false);
	assert_false(add(&x, 1, SLICE("11111111"), 0, false, 0, &bytes));
	x.seconds += PACKET_FRAGMENT_SECONDS;
	assert_true(add(&x, 1, SLICE("a"), 8, true, 0, &bytes));
	assert_false(add(&x, 2, SLICE("22222222"), 0, false, 0, &bytes));
	x.seconds += PACKET_FRAGMENT_SECONDS + 1;
	assert_false(add(&x, 2, SLICE("a"), 8, true, 0, &bytes));
	assert_int_equal(x.counts.fragments_dropped, 1);
	assert_int_equal(fragments_count(x.fragments), 1);
	fragments_free(x.fragments);
}

/* Endless datagrams that are never whole: the oldest goes, memory stays where it is. */
static void test_limits(void **state)
{
	struct fixture x;
	struct slice bytes;

	(void)state;
	set_up(&x, false);
	for (uint32_t i = 0; i < PACKET_FRAGMENTS_MAX - 1; i++)
		assert_false(add(&x, i, SLICE("11111111"), 0, false, 0, &bytes));
	/* 16 MiB hold all but some hundreds of them: the rest was given up at once. */
	assert_int_equal(fragments_count(x.fragments), PACKET_FRAGMENTS_MAX - 1);
	assert_true(fragments_bytes(x.fragments) <= MIB(16));
	for (uint32_t i = 5000; i < 50000; i++)
		assert_false(add(&x, i, SLICE("11111111"), 0, false, 0, &bytes));
	assert_int_equal(fragments_count(x.fragments), PACKET_FRAGMENTS_MAX);
	assert_true(fragments_bytes(x.fragments) <= MIB(16));
	assert_true(x.counts.fragments_dropped >= 50000 - 5000 - 1);
	/* One datagram of all sizes. */
	for (uint32_t offset = 0; offset < 65528; offset += 8)
		assert_false(add(&x, 60000, SLICE("abcdefgh"), offset, false, 0, &bytes));
	fragments_free(x.fragments);
}

static void test_largest(void **state)
{
	struct fixture x;
	struct slice bytes;

	(void)state;
	set_up(&x, true);
	for (uint32_t offset = 0; offset < 65528; offset += 8)
		assert_false(add(&x, 1, SLICE("abcdefgh"), offset, false, 0, &bytes));
	assert_true(add(&x, 1, SLICE("1234567"), 65528, true, 0, &bytes));
	assert_int_equal(bytes.len, 65535);
	assert_memory_equal(bytes.data + 65520, "abcdefgh1234567", 15);
	assert_int_equal(fragments_bytes(x.fragments), 0);
	fragments_free(x.fragments);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_largest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
