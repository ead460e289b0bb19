/* SPDX-License-Identifier: MPL-2.0 */
/* The tables are whole, addresses are strict, and events come out of batches as they went in. */
#include "event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void every_kind_and_role_has_one_name(void **state)
{
	(void)state;
	for (unsigned k = 1; k < EVENT_ROLES; k++) {
		const struct event_role_row *row = event_role_row((enum event_role)k);
		enum event_role back = ROLE_NONE;

		assert_non_null(row->name);
		assert_true(row->ecs[0] != 0);
		assert_true(event_role_parse(slice_of(row->name), &back));
		assert_int_equal(back, k); /* also: no name twice */
		assert_string_not_equal(field_kind_name(row->kind), "?");
	}
	for (unsigned k = 0; k < FIELD_KINDS; k++) {
		enum field_kind kind = FIELD_KINDS;

		if (strcmp(field_kind_name((enum field_kind)k), "?") == 0)
			continue;
		assert_true(field_kind_parse(slice_of(field_kind_name((enum field_kind)k)), &kind));
		assert_int_equal(kind, k);
	}
	assert_true(EVENT_ROLES <= 64); /* one bit each */
	assert_false(event_role_parse(SLICE(""), &(enum event_role){0}));
	assert_false(event_role_parse(SLICE("source.addres"), &(enum event_role){0}));
	assert_false(field_kind_parse(SLICE("?"), &(enum field_kind){0}));
	assert_true(event_roles_matched() & event_role_bit(ROLE_QUERY));
	assert_false(event_roles_matched() & event_role_bit(ROLE_SOURCE_PORT));
}

static void addresses_are_strict(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *back;
	} cases[] = {
		{"192.0.2.1",					  4,  "192.0.2.1"        },
		{"255.255.255.255",				    4,  "255.255.255.255"  },
		{"192.0.2.01",					 0,  NULL               }, /* leading zero: octal for some */
		{"192.0.2",					    0,  NULL               },
		{"192.0.2.256",					0,  NULL               },
		{"192.0.2.1 ",					 0,  NULL               },
		{"",						   0,  NULL               },
		{"2001:DB8::1",					16, "2001:db8::1"      },
		{"[2001:db8::1]",				      16, "2001:db8::1"      },
		{"2001:db8:0:0:1:0:0:1",                               16, "2001:db8::1:0:0:1"},
		{"::ffff:192.0.2.1",                                   4,  "192.0.2.1"        }, /* one address, one form */
		{"fe80::1%eth0",				       0,  NULL               },
		{"2001:db8::1::2",				     0,  NULL               },
		{"::",						 16, "::"               },
		{"0000:0000:0000:0000:0000:0000:0000:0000:0000:00000", 0,  NULL               },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint8_t bytes[16];
		char text[ADDRESS_TEXT_MAX];
		size_t len = event_address_parse(slice_of(cases[i].text), bytes);

		assert_int_equal(len, cases[i].len);
		if (len == 0)
			continue;
		assert_int_equal(event_address_format(bytes, len, text), strlen(cases[i].back));
		assert_string_equal(text, cases[i].back);
	}
	assert_int_equal(event_address_format("12345", 5, (char[ADDRESS_TEXT_MAX]){0}), 0);
	assert_int_equal(
		event_address_parse((struct slice){"192.0.2.1\0x", 11}, (uint8_t[16]){0}), 0);
	assert_true(event_looks_like_address(SLICE("192.0.2.1")));
	assert_true(event_looks_like_address(SLICE("999.1")));
	assert_true(event_looks_like_address(SLICE("2001:db8::1")));
	assert_false(event_looks_like_address(SLICE("a.example")));
	assert_false(event_looks_like_address(SLICE("")));
}

static void a_batch_becomes_events(void **state)
{
	static const struct column columns[] = {
		{{"src", 3},   ROLE_SOURCE_ADDRESS, FIELD_ADDRESS, true },
		{{"query", 5}, ROLE_QUERY,          FIELD_NAME,    false},
		{{"sha1", 4},  ROLE_FILE_HASH,      FIELD_HASH,    true },
	};
	struct batch *b = calloc(1, sizeof(*b));
	struct arena *a = arena_new(MIB(1));
	struct event e;

	(void)state;
	assert_non_null(b);
	assert_non_null(a);
	b->columns = columns;
	b->columns_count = COUNT_OF(columns);
	b->records_count = 2;
	b->records[0] = (struct record){.raw = "one", .raw_len = 3, .number = 7, .time_us = 5};
	b->records[1] =
		(struct record){.raw = "two", .raw_len = 3, .number = 8, .time_us = TIME_UNKNOWN};
	b->fields[b->fields_count++] = (struct field){"\xc0\x00\x02\x01", 4, 0, 0};
	b->fields[b->fields_count++] = (struct field){"a.example", 9, 0, 1};
	b->fields[b->fields_count++] = (struct field){"b.example", 9, 1, 1};
	b->fields[b->fields_count++] = (struct field){"\xab\xcd", 2, 1, 2};

	assert_true(event_of_batch(b, 0, a, &e));
	assert_int_equal(e.count, 2);
	assert_int_equal(e.number, 7);
	assert_true(slice_is(e.raw, "one"));
	assert_true(slice_is(event_get(&e, ROLE_SOURCE_ADDRESS), "192.0.2.1"));
	assert_true(slice_is(event_get(&e, ROLE_QUERY), "a.example"));
	assert_int_equal(event_get(&e, ROLE_URL).len, 0);
	assert_true(event_of_batch(b, 1, a, &e));
	assert_int_equal(e.time_us, TIME_UNKNOWN);
	assert_true(slice_is(event_get(&e, ROLE_FILE_HASH), "abcd"));
	arena_free(a);

	a = arena_new(64); /* too little: said, not crashed */
	assert_non_null(a);
	assert_false(event_of_batch(b, 0, a, &e) && event_of_batch(b, 0, a, &e) &&
		     event_of_batch(b, 0, a, &e));
	arena_free(a);
	free(b);
}

static void an_event_has_a_limit(void **state)
{
	struct arena *a = arena_new(MIB(4));
	struct event e = {0};

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < EVENT_FIELDS_MAX; i++)
		assert_true(event_add(&e, a, SLICE("x"), ROLE_NONE, FIELD_NONE, SLICE("v")));
	assert_int_equal(e.count, EVENT_FIELDS_MAX);
	assert_int_equal(e.dropped, 0);
	assert_true(event_add(&e, a, SLICE("last"), ROLE_QUERY, FIELD_NAME, SLICE("v")));
	assert_int_equal(e.count, EVENT_FIELDS_MAX);
	assert_int_equal(e.dropped, 1);
	assert_int_equal(event_get(&e, ROLE_QUERY).len, 0);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_and_role_has_one_name),
		cmocka_unit_test(addresses_are_strict),
		cmocka_unit_test(a_batch_becomes_events),
		cmocka_unit_test(an_event_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
