/* SPDX-License-Identifier: MPL-2.0 */
/* What protocols share: names, guessing, messages in pieces, gaps, giving up, bounded texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plant_parts.h"
#include "plant_testing.h"

static void test_names(void **state)
{
	(void)state;
	for (int p = 0; p < PLANT_PROTOCOLS; p++) {
		assert_non_null(plant_protocol_name((enum plant_protocol)p));
		for (int q = 0; q < p; q++)
			assert_string_not_equal(plant_protocol_name((enum plant_protocol)p),
				plant_protocol_name((enum plant_protocol)q));
	}
	for (int o = 0; o < PLANT_OPERATIONS; o++) {
		assert_non_null(plant_operation_name((enum plant_operation)o));
		for (int q = 0; q < o; q++)
			assert_string_not_equal(plant_operation_name((enum plant_operation)o),
				plant_operation_name((enum plant_operation)q));
	}
	assert_string_equal(plant_protocol_name(PLANT_PROTOCOLS), "none");
	assert_string_equal(plant_operation_name(PLANT_OPERATIONS), "other");
	assert_false(plant_operation_acts(PLANT_UPLOAD));
	assert_true(plant_operation_acts(PLANT_WRITE));
}

static void test_guess(void **state)
{
	static const struct {
		const char *what;
		uint16_t from, to;
		const char *hex;
		bool datagram;
		enum plant_protocol expected;
	} cases[] = {
		{"modbus to its port",                  40000, 502,   "0001 0000 0006 01 03",           false, PLANT_MODBUS},
		{"modbus from its port",                502,   40000, "0001 0000 0006 01 83",           false, PLANT_MODBUS},
		{"modbus elsewhere",                    40000, 503,   "0001 0000 0006 01 03",           false, PLANT_NONE  },
		{"TLS on its port",                     40000, 502,   "1603 0100 c8 01",                false, PLANT_NONE  },
		{"one byte contradicts nothing",        40000, 502,   "00",                             false, PLANT_MODBUS},
		{"no bytes say nothing",                40000, 502,   "",                               false, PLANT_NONE  },
		{"no such function, as scanners begin", 40000, 502,   "0001 0000 0006 01 3f",           false,
                 PLANT_MODBUS											      },
		{"no such length",                      40000, 502,   "0001 0000 0106 01 03",           false, PLANT_NONE  },
		{"dnp3 behind noise",                   40000, 20000, "ffff 056408c40a000300 1959",     false,
                 PLANT_DNP3												},
		{"noise like dnp3",                     40000, 20000, "ffff 056408c40a000300 1958",     false, PLANT_NONE  },
		{"modbus in a datagram",                40000, 502,   "0001 0000 0006 01 03 0000 0001", true,
                 PLANT_MODBUS											      },
		{"a datagram shorter than a head",      40000, 502,   "0001 0000",                      true,  PLANT_NONE  },
		{"dnp3",				40000, 20000, "0564",                           false, PLANT_DNP3  },
		{"dnp3 with a good header",             40000, 20000, "056408c40a000300 1959",          false,
                 PLANT_DNP3												},
		{"dnp3 with a wrong checksum",          40000, 20000, "056408c40a000300 1958",          false,
                 PLANT_NONE												},
		{"iec104",			      40000, 2404,  "680407000000",                   false, PLANT_IEC104},
		{"iec104 that starts wrongly",          40000, 2404,  "680408000000",                   false, PLANT_NONE  },
		{"iec104 has no datagrams",             40000, 2404,  "680407000000",                   true,  PLANT_NONE  },
		{"bacnet",			      47808, 47808, "810b000c0120ffff00ff1008",       true,  PLANT_BACNET},
		{"bacnet on the last of its ports",     40000, 47823, "810b000c0120ffff00ff1008",       true,
                 PLANT_BACNET											      },
		{"bacnet behind them",                  40000, 47824, "810b000c0120ffff00ff1008",       true,  PLANT_NONE  },
		{"bacnet has no streams",               40000, 47808, "810b000c0120ffff00ff1008",       false,
                 PLANT_NONE												},
	};

	(void)state;
	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		struct slice bytes = plant_hex(cases[k].hex);
		enum plant_protocol p =
			cases[k].datagram ? plant_guess_datagram(cases[k].from, cases[k].to, bytes)
					  : plant_guess_stream(cases[k].from, cases[k].to, bytes);

		if (p != cases[k].expected)
			print_error("%s\n", cases[k].what);
		assert_int_equal(p, cases[k].expected);
		free((void *)(uintptr_t)bytes.data);
	}
	assert_null(plant_stream_new(PLANT_NONE));
	assert_null(plant_stream_new(PLANT_BACNET)); /* datagrams only */
	assert_null(plant_stream_new(PLANT_PROTOCOLS));
	assert_false(plant_datagram(PLANT_IEC104, true, SLICE("x"), plant_say, NULL));
	assert_false(plant_datagram(PLANT_MODBUS, true, (struct slice){0}, plant_say, NULL));
}

#define WRITE_3 "0001 0000 0006 01 06 0001 0003"
#define SAYS_3  "modbus 6 write single register, write, request, unit 1, holding register 1 = 3\n"

static bool feed(struct plant_stream *s, unsigned direction, const char *hex, struct buf *said)
{
	struct slice bytes = plant_hex(hex);
	bool good = plant_stream_feed(s, direction, bytes, plant_say, said);

	free((void *)(uintptr_t)bytes.data);
	return good;
}

static void test_gap(void **state)
{
	static const struct {
		const char *what;
		const char *before, *after;
		const char *says;
	} cases[] = {
		{"a message cut by the gap is dropped, the next one told", "0001 0000 0006 01 06",
                 WRITE_3,														SAYS_3},
		{"the rest of a message, then a whole one",                "0001 0000 00",
                 "0006 0001 0009" WRITE_3,											       SAYS_3},
		{"a whole one and the beginning of another",               "",                     "ffff" WRITE_3 "0002 0000 0006 01",
                 SAYS_3															},
		{"what looks like one but is not followed by one",         "",
                 "0000 0000 0006 01 03 0000 0001 ffff ffff ff" WRITE_3,                                                                  SAYS_3},
		{"only bytes of none",                                     "0001",                 "ffff ffff ffff ffff ffff ffff ffff", ""    },
	};

	(void)state;
	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		for (size_t piece = 0; piece < 2; piece++) {
			struct plant_stream *s = plant_stream_new(PLANT_MODBUS);
			struct slice after = plant_hex(cases[k].after);
			struct buf said = BUF_INIT;

			assert_non_null(s);
			assert_true(feed(s, 0, WRITE_3, &said));
			buf_clear(&said);
			assert_true(feed(s, 0, cases[k].before, &said));
			plant_stream_gap(s, 0);
			if (piece == 0)
				assert_true(plant_stream_feed(s, 0, after, plant_say, &said));
			for (size_t at = 0; piece == 1 && at < after.len; at++)
				assert_true(plant_stream_feed(
					s, 0, slice_cut(after, at, at + 1), plant_say, &said));
			buf_char(&said, 0);
			if (piece == 0 && strcmp(said.data, cases[k].says) != 0)
				print_error("%s\n", cases[k].what);
			/* byte by byte what follows is not there yet to be looked at */
			if (piece == 0 || k < 3 || k == 4)
				assert_string_equal(said.data, cases[k].says);
			plant_stream_free(s);
			buf_fini(&said);
			free((void *)(uintptr_t)after.data);
		}
	}
}

/* One damaged message after another must not blind what watches for the command behind them. */
static void test_stays(void **state)
{
	struct plant_stream *s = plant_stream_new(PLANT_MODBUS);
	struct buf said = BUF_INIT;

	(void)state;
	assert_true(feed(s, 0, WRITE_3, &said));
	for (unsigned k = 0; k < 1000; k++) {
		assert_true(feed(s, 0, "0001 0000 0005 01 06 0001 00", &said));
		assert_true(feed(s, 0, "ffff ffff", &said));
	}
	buf_clear(&said);
	assert_true(feed(s, 0, WRITE_3, &said));
	buf_char(&said, 0);
	assert_string_equal(said.data, SAYS_3);
	plant_stream_free(s);

	/* before the first good one it is another protocol */
	s = plant_stream_new(PLANT_MODBUS);
	buf_clear(&said);
	for (unsigned k = 0; k < 63; k++)
		assert_true(feed(s, 0, "0001 0000 0005 01 06 0001 00", &said));
	assert_false(feed(s, 0, "0001 0000 0005 01 06 0001 00", &said));
	plant_stream_gap(s, 0);
	buf_clear(&said);
	assert_true(feed(s, 0, WRITE_3, &said));
	buf_char(&said, 0);
	assert_string_equal(said.data, SAYS_3);
	plant_stream_free(s);
	plant_stream_free(NULL);
	buf_fini(&said);
}

static void test_held(void **state)
{
	static char bytes[PLANT_HELD_MAX];
	struct plant_held h = {0};

	(void)state;
	assert_true(plant_held_add(&h, (struct slice){bytes, PLANT_HELD_MAX}));
	assert_false(plant_held_add(&h, (struct slice){bytes, 1}));
	assert_int_equal(h.len, PLANT_HELD_MAX);
	plant_held_drop(&h, PLANT_HELD_MAX - 1);
	assert_int_equal(h.len, 1);
	assert_false(plant_held_add(&h, (struct slice){bytes, PLANT_HELD_MAX}));
	assert_true(plant_held_add(&h, (struct slice){bytes, PLANT_HELD_MAX - 1}));
	plant_held_drop(&h, h.len);
	assert_null(h.bytes); /* idle connections hold nothing */
	plant_held_fini(&h);
}

static void test_texts(void **state)
{
	char text[PLANT_TEXT_MAX] = "";
	struct plant_message m = {0};

	(void)state;
	plant_put_text(text, SLICE("a\x1b[2J\xc2\x9b\xff\xe2\x80\xae z\n"));
	assert_string_equal(text, "a?[2J??? z?");
	for (unsigned k = 0; k < 200; k++)
		plant_put(text, "%u,", k);
	assert_true(plant_full(text));
	assert_int_equal(strlen(text), PLANT_TEXT_MAX - 1);
	assert_string_equal(text + PLANT_TEXT_MAX - 4, "...");

	/* exactly full is not cut, until more comes */
	memset(text, 0, sizeof(text));
	plant_put(text, "%0*d", PLANT_TEXT_MAX - 1, 0);
	assert_int_equal(text[PLANT_TEXT_MAX - 2], '0');
	plant_put_text(text, SLICE(""));
	assert_int_equal(text[PLANT_TEXT_MAX - 2], '0');
	plant_put(text, "x");
	assert_int_equal(text[PLANT_TEXT_MAX - 2], '.');

	/* cut at the end of a character */
	memset(text, 0, sizeof(text));
	for (unsigned k = 0; k < 60; k++)
		plant_put_text(text, SLICE("\xe2\x82\xac"));
	assert_true(utf8_valid(slice_of(text)));
	assert_true(slice_ends(slice_of(text), SLICE("...")));

	/* the mark of a malformed message is never lost */
	plant_put_malformed(&m);
	assert_string_equal(m.value, "malformed");
	for (unsigned k = 0; k < 60; k++)
		plant_put_text(m.value, SLICE("\xe2\x82\xac"));
	plant_put_malformed(&m);
	assert_true(utf8_valid(slice_of(m.value)));
	assert_true(slice_ends(slice_of(m.value), SLICE(" malformed")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_guess),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_stays),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
