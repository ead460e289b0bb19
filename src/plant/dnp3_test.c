/* SPDX-License-Identifier: MPL-2.0 */
/*
 * DNP3: every application function, what objects say, link functions, segments, and checksums. The
 * frames' checksums were computed bit by bit by another program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plant_testing.h"

static void test_functions(void **state)
{
	static const struct plant_talk talks[] = {
		{"class poll and its answer",
                 {{0, "056414c40a000300 6af6 c0c0013c02063c03063c04063c0106 8a51"},
				{1, "05641b4403000a00 e120 c0e081000001010000052a1e02000001 104f "
				    "010a0001f6ff fae2"},
				{0, "056408c40a000300 1959 c0c000 3396"}},
                 "dnp3 1 read, read, request, unit 10, g60v2, g60v3, g60v4, g60v1\n"
			"dnp3 129 response, read, response, unit 10, g1v1 0..5, g30v2 0..1 = "
			"0,1,0,1,0,1; 10,-10\n"
			"dnp3 0 confirm, other, request, unit 10\n"                        },
		{"select, operate, and what is refused",
                 {{0, "056418c40a000300 d821 c1c1030c011701054101640000006400 3f6d 000000 "
			     "ffff"},
				{1, "05641a4403000a00 0695 c1c18100000c01170105410164000000 ca48 "
				    "6400000000 "
				    "005b"},
				{0, "05641ac40a000300 6f07 c2c2040c012801000500810264000000 6188 "
				    "c800000000 "
				    "78fb"},
				{1, "05641c4403000a00 dffe c2c28100040c01280100050081026400 9943 "
				    "0000c800000007 e278"}},
                 "dnp3 3 select, operate, request, unit 10, g12v1 5 = pulse on close "
			"100/100 ms\n"
			"dnp3 129 response, operate, response, unit 10, g12v1 5 = pulse on close "
			"100/100 ms\n"
			"dnp3 4 operate, operate, request, unit 10, g12v1 5 = pulse on trip 2 "
			"times 100/200 ms\n"
			"dnp3 129 response, operate, response, refused, unit 10, g12v1 5 = pulse "
			"on trip 2 times 100/200 ms local (7), iin parameter error\n"      },
		{"latches, without an answer, and nothing known",
                 {{0, "056424c40a000300 297f c3c3050c011702010301000000000000 7ee8 "
			     "000000020401000000000000000000 12f2"},
				{0, "056418c40a000300 d821 c4c4060c011701012f01000000000000 37f9 "
				    "000000 ffff"}},
                 "dnp3 5 direct operate, operate, request, unit 10, g12v1 1,2 = latch "
			"on,latch off\n"
			"dnp3 6 direct operate, no answer, operate, request, unit 10, g12v1 1 = "
			"undefined (0x2f) clear\n"                                         },
		{"analog outputs of each size",
                 {{0, "056412c40a000300 b39d c5c505290117010140e2010000 7c79"},
				{0, "056410c40a000300 04bb c5c5052902170101feff00 7e86"},
				{0, "056412c40a000300 b39d c5c50529031701010000c84200 6fc5"},
				{0, "056416c40a000300 ddd0 c5c5052904170101000000000000f83f 447f "
				    "00 ffff"}},
                 "dnp3 5 direct operate, operate, request, unit 10, g41v1 1 = 123456\n"
			"dnp3 5 direct operate, operate, request, unit 10, g41v2 1 = -2\n"
			"dnp3 5 direct operate, operate, request, unit 10, g41v3 1 = 100\n"
			"dnp3 5 direct operate, operate, request, unit 10, g41v4 1 = 1.5\n"},
		{"restarts and their delay",
                 {{0, "056408c40a000300 1959 c6c60d 23ff"},
				{1, "0564104403000a00 6d29 c6c6810000340207018813 8bc7"},
				{0, "056408c40a000300 1959 c7c70e 3717"}},
                 "dnp3 13 cold restart, restart, request, unit 10\n"
			"dnp3 129 response, restart, response, unit 10, g52v2 = 5000\n"
			"dnp3 14 warm restart, restart, request, unit 10\n"                },
		{"what is written decides",
                 {{0, "056412c40a000300 b39d c8c8023201070180b2c8830e01 181b"},
				{0, "05640ec40a000300 c032 c9c902500100070700 0825"},
				{0, "056411c40a000300 e30e caca0222020003030a000000 a5e8"},
				{0, "05641bc40a000300 88b2 cbcb023201070180b2c8830e01220200 d152 "
				    "03030a000000 2334"},
				{0, "05640ec40a000300 c032 cccc020a0100000305 0fe7"}},
                 "dnp3 2 write, time, request, unit 10, g50v1 = 2006-10-26T08:42:18.112Z\n"
			"dnp3 2 write, write, request, unit 10, g80v1 7 = 0\n"
			"dnp3 2 write, configure, request, unit 10, g34v2 3 = 10\n"
			"dnp3 2 write, configure, request, unit 10, g50v1, g34v2 3 = "
			"2006-10-26T08:42:18.112Z; 10\n"
			"dnp3 2 write, write, request, unit 10, g10v1 0..3 = 1,0,1,0\n"    },
		{"unsolicited and switching it",
                 {{1, "0564184403000a00 b1b3 c0f3829000020228010004008180b2c8 e7d2 830e01 "
			     "75f5"},
				{0, "056408c40a000300 1959 c0d300 b0f9"},
				{0, "05640ec40a000300 c032 c0c0143c02063c0306 6cae"},
				{0, "05640bc40a000300 49ca c1c1153c0406 9621"},
				{0, "05640ec40a000300 c032 c2c2163c02061e0006 27af"}},
                 "dnp3 130 unsolicited response, report, unsolicited, unit 10, g2v2 4 = "
			"1, iin need time, restart\n"
			"dnp3 0 confirm, other, request, unit 10\n"
			"dnp3 20 enable unsolicited responses, mode, request, unit 10, g60v2, "
			"g60v3\n"
			"dnp3 21 disable unsolicited responses, mode, request, unit 10, g60v4\n"
			"dnp3 22 assign class, configure, request, unit 10, g60v2, g30v0\n"},
		{"freezing",
                 {{0, "05640bc40a000300 49ca c0c007140006 78c2"},
				{0, "05640dc40a000300 90a1 c1c1091400000003 dd5f"},
				{0, "056419c40a000300 3f94 c2c20b3202070180b2c8830e01102700 6ab6 "
				    "00140006 "
				    "22fa"}},
                 "dnp3 7 freeze, write, request, unit 10, g20v0\n"
			"dnp3 9 freeze and clear, write, request, unit 10, g20v0 0..3\n"
			"dnp3 11 freeze at time, write, request, unit 10, g50v2, g20v0 = "
			"2006-10-26T08:42:18.112Z every 10000\n"                           },
		{"applications and configuration",
                 {{0, "056408c40a000300 1959 c0c00f 20ea"},
				{0, "056411c40a000300 e30e c1c1105a015b010300616263 bac1"},
				{0, "056408c40a000300 1959 c2c212 7160"},
				{0, "056408c40a000300 1959 c3c311 6588"},
				{0, "056408c40a000300 1959 c4c413 902f"},
				{0, "056408c40a000300 1959 c5c51f 97bb"}},
                 "dnp3 15 initialize data, configure, request, unit 10\n"
			"dnp3 16 initialize application, restart, request, unit 10, g90v1\n"
			"dnp3 18 stop application, stop, request, unit 10\n"
			"dnp3 17 start application, start, request, unit 10\n"
			"dnp3 19 save configuration, configure, request, unit 10\n"
			"dnp3 31 activate configuration, configure, request, unit 10\n"    },
		{"files: read, written, deleted",
                 {{0, "05642cc40a000300 f5e5 c0c01946035b011e001a000400000000 0149 "
			     "00000000000000000000000000010000 47e6 040100612e6c67 b43c"},
				{1, "05641d4403000a00 384b c0c081000046045b010d00010000000a d856 "
				    "0000000004010000 6c3a"},
				{0, "05642cc40a000300 f5e5 c1c11946035b011e001a000400000000 956a "
				    "0000000000000000000a000000020000 a913 040100612e6c67 b43c"},
				{1, "05641d4403000a00 384b c1c181000046045b010d000000000000 7fc5 "
				    "0000000000010001 19d0"},
				{0, "056419c40a000300 3f94 c2c20246055b010b0001000000000000 f3aa "
				    "80616263 "
				    "8be5"},
				{0, "056416c40a000300 ddd0 c3c30146055b01080001000000000000 4de4 "
				    "00 ffff"},
				{0, "05642cc40a000300 f5e5 c4c41b46035b011e001a000400000000 b1ba "
				    "00000000000000000000000000000000 ffff 000100612e6c67 450c"}},
                 "dnp3 25 open file, upload, request, unit 10, g70v3 = read a.lg\n"
			"dnp3 129 response, upload, response, unit 10, g70v4 = handle 1\n"
			"dnp3 25 open file, download, request, unit 10, g70v3 = write a.lg\n"
			"dnp3 129 response, download, response, refused, unit 10, g70v4 = handle "
			"0 status 1\n"
			"dnp3 2 write, download, request, unit 10, g70v5 = handle 1 block 0 of 3 "
			"bytes\n"
			"dnp3 1 read, upload, request, unit 10, g70v5 = handle 1 block 0 of 0 "
			"bytes\n"
			"dnp3 27 delete file, delete, request, unit 10, g70v3 = a.lg\n"    },
		{"attributes and strings",
                 {{0, "05640dc40a000300 90a1 c0c00100fe000000 16bf"},
				{1, "05641d4403000a00 384b c0c081000000fc000000010441434d45 43c8 "
				    "6e03000101616263 35c4"}},
                 "dnp3 1 read, read, request, unit 10, g0v254 0\n"
			"dnp3 129 response, read, response, unit 10, g0v252 0, g110v3 1 = ACME; "
			"abc\n"							    },
		{"broadcast, an answer to what was not seen, a function that is none",
                 {{0, "056408c4ffff0300 2a87 c0c00d 9c86"},
				{1, "05640a4403000a00 c7ed c0c7810001 a808"},
				{0, "056408c40a000300 1959 c0c063 20b6"}},
                 "dnp3 13 cold restart, restart, request, unit broadcast\n"
			"dnp3 129 response, other, response, refused, unit 10 = iin function not "
			"supported\n"
			"dnp3 99 unknown function, other, request, unit 10\n"              },
	};

	(void)state;
	plant_talks_check(PLANT_DNP3, talks, COUNT_OF(talks));
}

static void test_link(void **state)
{
	static const struct plant_talk talks[] = {
		{"link functions",
                 {{0, "056405c90a000300 1bc1"}, {1, "0564050b03000a00 c425"},
				{0, "056405c00a000300 54b7"}, {1, "0564050003000a00 8715"},
				{1, "0564050103000a00 8136"}, {0, "056405c70a000300 465e"}},
                 "dnp3 265 link: request status, other, request, unit 10\n"
			"dnp3 523 link: status, other, response, unit 10\n"
			"dnp3 256 link: reset states, other, request, unit 10\n"
			"dnp3 512 link: acknowledged, other, response, unit 10\n"
			"dnp3 513 link: refused, other, response, refused, unit 10\n"
			"dnp3 263 link: unknown function, other, request, unit 10\n"},
		{"user data under a link test is not the application's",
                 {{0, "056408c20a000300 0d93 c0c00d 9c86"},
				{0, "056408c40a000300 1959 c0c00e 7edc"}},
                 "dnp3 258 link: test, other, request, unit 10\n"
			"dnp3 14 warm restart, restart, request, unit 10\n"         },
		{"segments, one sent twice",
                 {{0, "05640dc40a000300 90a1 40c0050c01170105 c657"},
				{0, "05640bc40a000300 49ca 010301010000 42f4"},
				{0, "05640bc40a000300 49ca 010301010000 42f4"},
				{0, "05640cc40a000300 7714 82000200000000 78fb"}},
                 "dnp3 5 direct operate, operate, request, unit 10, g12v1 5 = latch on "
			"1/2 ms\n"						  },
		{"a segment is missing",
                 {{0, "05640dc40a000300 90a1 40c0050c01170105 c657"},
				{0, "05640bc40a000300 49ca 820200000000 c78e"},
				{0, "056408c40a000300 1959 c3c30d ff1c"}},
                 "dnp3 13 cold restart, restart, request, unit 10\n"                },
		{"segments of two outstations do not mix",
                 {{0, "05640dc40a000300 90a1 40c0050c01170105 c657"},
				{0, "056411c40b000300 0bcc 810301010000000200000000 6278"},
				{0, "056408c40a000300 1959 c3c30d ff1c"}},
                 "dnp3 13 cold restart, restart, request, unit 10\n"                },
		{"a longer one: three blocks",
                 {{0, "056430c40a000300 864a c0c0050c011703010301000000000000 a04f "
			     "00000002030100000000000000000003 b575 0301000000000000000000 0f07"}},
                 "dnp3 5 direct operate, operate, request, unit 10, g12v1 1,2,3 = latch "
			"on,latch on,latch on\n"                                    },
	};

	(void)state;
	plant_talks_check(PLANT_DNP3, talks, COUNT_OF(talks));
}

static void test_malformed(void **state)
{
	static const struct plant_talk talks[] = {
		{"wrong checksum of the header: not seen, the next is found",
                 {{0, "056408c40a000300 1959 c0c00e 7edc"},
				{0, "056408c40a000300 1859 c0c00d 9c86"},
				{0, "056408c40a000300 1959 c1c10e 886e"}},
                 "dnp3 14 warm restart, restart, request, unit 10\n"
			"dnp3 14 warm restart, restart, request, unit 10\n"         },
		{"wrong checksum of the data: not acted on, not told",
                 {{0, "056408c40a000300 1959 c0c00e 7edc"},
				{0, "056408c40a000300 1959 c0c00d 9d86"},
				{0, "056408c40a000300 1959 c1c10e 886e"}},
                 "dnp3 14 warm restart, restart, request, unit 10\n"
			"dnp3 14 warm restart, restart, request, unit 10\n"         },
		{"wrong checksum of the second block",
                 {{0, "056424c40a000300 297f c0c0050c011702010301000000000000 c28c "
			     "000000020301000000000000000000 b993"},
				{0, "056408c40a000300 1959 c1c10e 886e"}},
                 "dnp3 14 warm restart, restart, request, unit 10\n"                },
		{"noise before a frame",
                 {{0, "056408c40a000300 1959 c0c00e 7edc"},
				{0, "0564 05 0564 ff056408c40a000300 1959 c1c10d 6a34"}},
                 "dnp3 14 warm restart, restart, request, unit 10\n"
			"dnp3 13 cold restart, restart, request, unit 10\n"         },
		{"objects cut, ranges that end before they begin, reserved qualifiers",
                 {{0, "05640fc40a000300 2787 c0c0050c011701050301 9728"},
				{0, "05640dc40a000300 90a1 c1c1011e02000504 f301"},
				{0, "05640bc40a000300 49ca c2c2011e020a e575"},
				{0, "05640dc40a000300 90a1 c3c3011e02800001 16b5"},
				{0, "056409c40a000300 feec c4c4011e 26c5"}},
                 "dnp3 5 direct operate, operate, request, unit 10, g12v1 5 = latch on "
			"malformed\n"
			"dnp3 1 read, read, request, unit 10 = malformed\n"
			"dnp3 1 read, read, request, unit 10 = malformed\n"
			"dnp3 1 read, read, request, unit 10 = malformed\n"
			"dnp3 1 read, read, request, unit 10 = malformed\n"         },
		{"a count of four billion",
                 {{0, "056411c40a000300 e30e c0c0050c0109ffffffff0301 2c61"},
				{0, "056414c40a000300 6af6 c1c1020a010200000000ffffffff01 4315"},
				{0, "056413c40a000300 5428 c2c2011e020200000000ffffffff 6cfd"}},
                 "dnp3 5 direct operate, operate, request, unit 10, g12v1 = latch on "
			"malformed\n"
			"dnp3 2 write, write, request, unit 10, g10v1 0..4294967294 = malformed\n"
			"dnp3 1 read, read, request, unit 10, g30v2 0..4294967294\n"},
		{"a layout that is not known ends the reading",
                 {{1, "0564164403000a00 b442 c0c0810000c8010701aabb0101000000 3af9 01 "
			     "a1c9"}},
                 "dnp3 129 response, read, response, unit 10, g200v1...\n"          },
		{"an answer cut in its indications",                                    {{1, "0564094403000a00 977e c0c08100 e49c"}},
                 "dnp3 129 response, other, response, unit 10 = malformed\n"        },
	};

	(void)state;
	plant_talks_check(PLANT_DNP3, talks, COUNT_OF(talks));
}

static void test_datagram(void **state)
{
	static const struct plant_gram grams[] = {
		{"two frames in one datagram", true,
                 "056408c40a000300 1959 c0c00d 9c86 056408c40a000300 1959 c1c10e 886e",      "dnp3 13 cold restart, restart, request, unit 10\n"
			"dnp3 14 warm restart, restart, request, unit 10\n", false},
		{"one of them damaged",        true,
                 "056408c40a000300 1959 c0c00d 9d86 056408c40a000300 1959 c1c10e 886e",      "dnp3 14 warm restart, restart, request, unit 10\n",                   true },
		{"bytes behind it",            true, "056408c40a000300 1959 c0c00d 9c86 00",
                 "dnp3 13 cold restart, restart, request, unit 10\n",											       true },
	};

	(void)state;
	plant_grams_check(PLANT_DNP3, grams, COUNT_OF(grams));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_datagram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
