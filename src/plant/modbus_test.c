/* SPDX-License-Identifier: MPL-2.0 */
/* Modbus/TCP: every function asked and answered, exceptions, UMAS, and what contradicts itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plant_testing.h"

static void test_functions(void **state)
{
	static const struct plant_talk talks[] = {
		{"coils of a read are those that were asked for",
                 {{0, "0001 0000 0006 0a 01 0013 0003"}, {1, "0001 0000 0004 0a 01 01 05"}},
                 "modbus 1 read coils, read, request, unit 10, coil 19..21\n"
			"modbus 1 read coils, read, response, unit 10, coil 19..21 = 1,0,1\n"   },
		{"one input",
                 {{0, "0001 0000 0006 01 02 0000 0001"}, {1, "0001 0000 0004 01 02 01 01"}},
                 "modbus 2 read discrete inputs, read, request, unit 1, discrete input 0\n"
			"modbus 2 read discrete inputs, read, response, unit 1, discrete input 0 = "
			"1\n"								   },
		{"registers, two messages in one segment, answers out of order",
                 {{0, "0001 0000 0006 01 03 0064 0002 0002 0000 0006 01 04 0001 0001"},
				{1, "0002 0000 0005 01 04 02 ffff"},
				{1, "0001 0000 0007 01 03 04 0001 0102"}},
                 "modbus 3 read holding registers, read, request, unit 1, holding register "
			"100..101\n"
			"modbus 4 read input registers, read, request, unit 1, input register 1\n"
			"modbus 4 read input registers, read, response, unit 1, input register 1 = "
			"65535\n"
			"modbus 3 read holding registers, read, response, unit 1, holding register "
			"100..101 "
			"= 1,258\n"							     },
		{"an answer to what was not seen",                               {{1, "0009 0000 0005 01 03 02 0007"}},
                 "modbus 3 read holding registers, read, response, unit 1 = 7\n"                },
		{"single coil on and off, and neither",
                 {{0, "0001 0000 0006 01 05 00ac ff00"},
				{0, "0001 0000 0006 01 05 00ac 0000"},
				{0, "0001 0000 0006 01 05 00ac 1234"}},
                 "modbus 5 write single coil, write, request, unit 1, coil 172 = 1\n"
			"modbus 5 write single coil, write, request, unit 1, coil 172 = 0\n"
			"modbus 5 write single coil, write, request, unit 1, coil 172 = 4660\n" },
		{"single register",
                 {{0, "0001 0000 0006 ff 06 0001 0003"},
				{1, "0001 0000 0006 ff 06 0001 0003"}},
                 "modbus 6 write single register, write, request, unit 255, holding "
			"register 1 = 3\n"
			"modbus 6 write single register, write, response, unit 255, holding "
			"register 1 = 3\n"						      },
		{"many coils",
                 {{0, "0001 0000 0009 01 0f 0013 000a 02 cd01"},
				{1, "0001 0000 0006 01 0f 0013 000a"}},
                 "modbus 15 write multiple coils, write, request, unit 1, coil 19..28 = "
			"1,0,1,1,0,0,1,1,1,0\n"
			"modbus 15 write multiple coils, write, response, unit 1, coil 19..28\n"},
		{"many registers",
                 {{0, "0001 0000 000b 01 10 0001 0002 04 000a 0102"},
				{1, "0001 0000 0006 01 10 0001 0002"}},
                 "modbus 16 write multiple registers, write, request, unit 1, holding "
			"register 1..2 = 10,258\n"
			"modbus 16 write multiple registers, write, response, unit 1, holding "
			"register 1..2\n"						       },
		{"exception status",					     {{0, "0001 0000 0002 01 07"}, {1, "0001 0000 0003 01 07 6d"}},
                 "modbus 7 read exception status, read, request, unit 1\n"
			"modbus 7 read exception status, read, response, unit 1 = 6d\n"         },
		{"diagnostics",
                 {{0, "0001 0000 0006 01 08 0001 ff00"},
				{0, "0001 0000 0006 01 08 0004 0000"},
				{0, "0001 0000 0006 01 08 000a 0000"},
				{0, "0001 0000 0006 01 08 0099 0000"}},
                 "modbus 8 diagnostics: restart communications option, restart, request, "
			"unit 1 = ff00\n"
			"modbus 8 diagnostics: force listen only mode, mode, request, unit 1 = "
			"0000\n"
			"modbus 8 diagnostics: clear counters and diagnostic register, delete, "
			"request, "
			"unit 1 = 0000\n"
			"modbus 8 diagnostics, other, request, unit 1 = 0000\n"                 },
		{"event counter and log",
                 {{0, "0001 0000 0002 01 0b"}, {1, "0001 0000 0006 01 0b ffff 0108"},
				{0, "0001 0000 0002 01 0c"}},
                 "modbus 11 get comm event counter, read, request, unit 1\n"
			"modbus 11 get comm event counter, read, response, unit 1 = ffff0108\n"
			"modbus 12 get comm event log, read, request, unit 1\n"                 },
		{"server id",
                 {{0, "0001 0000 0002 01 11"},
				{1, "0001 0000 0008 01 11 05 01 50 4c 43 ff"}},
                 "modbus 17 report server id, browse, request, unit 1\n"
			"modbus 17 report server id, browse, response, unit 1 = ?PLC?\n"        },
		{"file records read",
                 {{0, "0001 0000 0011 01 14 0e 06 0004 0001 0002 06 0003 0009 0002"},
				{1, "0001 0000 000f 01 14 0c 05 06 0dfe 0020 05 06 33cd 0040"}},
                 "modbus 20 read file record, upload, request, unit 1, file 4 record 1..2, "
			"file 3 record 9..10\n"
			"modbus 20 read file record, upload, response, unit 1 = "
			"3582,32,13261,64\n"						    },
		{"file record written",
                 {{0, "0001 0000 0010 01 15 0d 06 0004 0007 0003 06af 04be 100d"}},
                 "modbus 21 write file record, download, request, unit 1, file 4 record "
			"7..9 = 1711,1214,4109\n"                                               },
		{"mask",							 {{0, "0001 0000 0008 01 16 0004 00f2 0025"}},
                 "modbus 22 mask write register, write, request, unit 1, holding register 4 "
			"= "
			"and 0x00f2 or 0x0025\n"						},
		{"read and write",
                 {{0, "0001 0000 000f 01 17 0003 0006 000e 0002 04 00ff 00fe"},
				{1, "0001 0000 0007 01 17 04 00fe 0acd"}},
                 "modbus 23 read/write multiple registers, write, request, unit 1, holding "
			"register 14..15, "
			"read holding register 3..8 = 255,254\n"
			"modbus 23 read/write multiple registers, write, response, unit 1 = "
			"254,2765\n"							    },
		{"fifo",
                 {{0, "0001 0000 0004 01 18 04de"},
				{1, "0001 0000 000a 01 18 0006 0002 01b8 1284"}},
                 "modbus 24 read fifo queue, read, request, unit 1, fifo 1246\n"
			"modbus 24 read fifo queue, read, response, unit 1 = 440,4740\n"        },
		{"device identification",
                 {{0, "0001 0000 0005 01 2b 0e 01 00"},
				{1, "0001 0000 0014 01 2b 0e 01 01 00 00 02 00 04 41434d45 01 04 "
				    "1b5b324a"}},
                 "modbus 43 encapsulated interface: read device identification, browse, "
			"request, unit 1, basic from "
			"0\n"
			"modbus 43 encapsulated interface: read device identification, browse, "
			"response, unit 1 = vendor "
			"ACME, "
			"product code ?[2J\n"						   },
		{"other encapsulated interfaces",
                 {{0, "0001 0000 0005 01 2b 0d 01 02"}, {0, "0001 0000 0003 01 2b 63"}},
                 "modbus 43 encapsulated interface: canopen general reference, other, "
			"request, unit 1 = 0102\n"
			"modbus 43 encapsulated interface, other, request, unit 1, type 99\n"   },
		{"reserved and user defined",
                 {{0, "0001 0000 0003 01 7d 01"}, {0, "0001 0000 0003 01 41 01"},
				{0, "0001 0000 0002 01 0d"}, {0, "0001 0000 0002 01 3c"}},
                 "modbus 125 firmware replacement, firmware, request, unit 1 = 01\n"
			"modbus 65 user defined function, other, request, unit 1 = 01\n"
			"modbus 13 program controller, download, request, unit 1\n"
			"modbus 60 unknown function, other, request, unit 1\n"                  },
		{"exceptions, known and not",
                 {{0, "0001 0000 0006 01 03 0064 0002"}, {1, "0001 0000 0003 01 83 02"},
				{1, "0002 0000 0003 01 90 77"}},
                 "modbus 3 read holding registers, read, request, unit 1, holding register "
			"100..101\n"
			"modbus 3 read holding registers, read, response, refused, unit 1, holding "
			"register 100..101 "
			"= illegal data address (2)\n"
			"modbus 16 write multiple registers, write, response, refused, unit 1 = "
			"exception (119)\n"						     },
	};

	(void)state;
	plant_talks_check(PLANT_MODBUS, talks, COUNT_OF(talks));
}

static void test_umas(void **state)
{
	static const struct plant_talk talks[] = {
		{"stop and its answers",
                 {{0, "0001 0000 0006 00 5a 01 41 ff00"}, {1, "0001 0000 0004 00 5a 01 fe"},
				{0, "0002 0000 0006 00 5a 01 40 ff00"},
				{1, "0002 0000 0006 00 5a 01 fd 8081"}},
                 "modbus 90 umas stop plc, stop, request, unit 0, umas 0x41 = ff00\n"
			"modbus 90 umas stop plc, stop, response, unit 0, umas 0x41\n"
			"modbus 90 umas start plc, start, request, unit 0, umas 0x40 = ff00\n"
			"modbus 90 umas start plc, start, response, refused, unit 0, umas 0x40 = "
			"8081\n"							      },
		{"a signed one says what it wraps",
                 {{0, "0003 0000 002a 00 5a 01 38 01 "
			     "0000000000000000000000000000000000000000000000000000000000000000 5a "
			     "07 31 0001"}},
                 "modbus 90 umas upload block, download, request, unit 0, umas 0x31 = "
			"0001\n"							      },
		{"an answer to what was not seen, and an unknown function",
                 {{1, "0001 0000 0004 00 5a 00 fe"}, {0, "0001 0000 0004 00 5a 00 99"}},
                 "modbus 90 umas answer, other, response, unit 0\n"
			"modbus 90 umas unknown function, other, request, unit 0, umas 0x99\n"},
		{"too short for a function",                                {{0, "0001 0000 0003 00 5a 00"}},
                 "modbus 90 umas, other, request, unit 0 = malformed\n"                       },
	};

	(void)state;
	plant_talks_check(PLANT_MODBUS, talks, COUNT_OF(talks));
}

static void test_roles(void **state)
{
	static const struct plant_talk talks[] = {
		{"the opener answers: seen by length, and kept",
                 {{0, "0001 0000 0007 01 03 04 0001 0102"},
				{1, "0002 0000 0006 01 06 0001 0003"},
				{0, "0002 0000 0006 01 06 0001 0003"}},
                 "modbus 3 read holding registers, read, response, unit 1 = 1,258\n"
			"modbus 6 write single register, write, request, unit 1, holding register "
			"1 = 3\n"
			"modbus 6 write single register, write, response, unit 1, holding register "
			"1 = 3\n"							 },
		{"the opener answers: seen by an exception",
                 {{0, "0001 0000 0003 01 85 01"}, {1, "0002 0000 0006 01 05 0001 ff00"}},
                 "modbus 5 write single coil, write, response, refused, unit 1 = illegal "
			"function (1)\n"
			"modbus 5 write single coil, write, request, unit 1, coil 1 = 1\n"},
		{"one odd message does not turn the connection",
                 {{0, "0001 0000 0006 01 03 0064 0002"}, {0, "0001 0000 0003 01 83 02"},
				{0, "0001 0000 0006 01 06 0001 0003"}},
                 "modbus 3 read holding registers, read, request, unit 1, holding register "
			"100..101\n"
			"modbus 3 read holding registers, read, request, refused, unit 1, holding "
			"register 100..101 "
			"= illegal data address (2)\n"
			"modbus 6 write single register, write, request, unit 1, holding register "
			"1 = 3\n"							 },
	};

	(void)state;
	plant_talks_check(PLANT_MODBUS, talks, COUNT_OF(talks));
}

static void test_malformed(void **state)
{
	static const struct plant_talk talks[] = {
		{"told all the same: it went to a device",
                 {{0, "0001 0000 0005 01 03 0064 00"},
				{0, "0001 0000 0009 01 10 0001 0002 04 000a"},
				{0, "0001 0000 0009 01 10 0001 0002 02 000a"},
				{0, "0001 0000 0006 01 06 0001 0003"}},
                 "modbus 3 read holding registers, read, request, unit 1, holding register "
			"100 = malformed\n"
			"modbus 16 write multiple registers, write, request, unit 1, holding "
			"register 1..2 = malformed\n"
			"modbus 16 write multiple registers, write, request, unit 1, holding "
			"register 1..2 = "
			"10 malformed\n"
			"modbus 6 write single register, write, request, unit 1, holding register "
			"1 = 3\n"									  },
		{"not this protocol",                      {{0, "0001 0007 0006 01 03 0064 0002"}}, "",      .bad = true},
		{"length 1 is none",					{{0, "0001 0000 0001 01 03"}},                                                              "", .bad = true},
		{"length 255 is none",                             {{0, "0001 0000 00ff 01 03"}},                                                                    "",                                                        .bad = true},
		{"found again after bytes that are none",
                 {{0, "0001 0000 0006 01 06 0001 0003"},
				{0, "deadbeef 0002 0000 0006 01 06 0001 0004"}},
                 "modbus 6 write single register, write, request, unit 1, holding register "
			"1 = 3\n"
			"modbus 6 write single register, write, request, unit 1, holding register "
			"1 = 4\n"},
	};

	(void)state;
	plant_talks_check(PLANT_MODBUS, talks, COUNT_OF(talks));
}

static void test_datagram(void **state)
{
	static const struct plant_gram grams[] = {
		{"a request",                          true,                             "0001 0000 0006 01 06 0001 0003",
                 "modbus 6 write single register, write, request, unit 1, holding register "
			"1 = 3\n"											  },
		{		 "an answer",			       false, "0001 0000 0006 01 06 0001 0003",
                 "modbus 6 write single register, write, response, unit 1, holding register "
			"1 = 3\n"											},
		{ "bytes behind it", true,                               "0001 0000 0006 01 06 0001 0003 00",                             "", true},
		{             "cut",      true,				    "0001 0000 0006 01 06 0001 00",                             "", true},
	};

	(void)state;
	plant_grams_check(PLANT_MODBUS, grams, COUNT_OF(grams));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_umas),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_datagram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
