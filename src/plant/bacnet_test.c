/* SPDX-License-Identifier: MPL-2.0 */
/* BACnet/IP: link, routing, every kind of APDU, what is written and where, and broken encodings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plant_testing.h"

/* The formatter of clang 14 crashes on these tables. */
/* clang-format off */

static void test_services(void **state)
{
	static const struct plant_gram grams[] = {
		{"who-is with limits, and i-am", true, "810b 000c 01 20 ffff 00 ff 10 08",
			"bacnet 264 who-is, browse, request, unit all networks\n", false},
		{"who-is of a range", true, "810b 000c 01 00 10 08 09 01 19 05",
			"bacnet 264 who-is, browse, request = 1,5\n", false},
		{"i-am", false, "810b 0014 01 00 10 00 c4 02000007 22 01e0 91 00 21 0f",
			"bacnet 256 i-am, browse, response, device 7 = 480,0,15\n", false},
		{"i-have", false, "810b 0017 01 00 10 01 c4 02000007 c4 00000001 75 03 00 4149",
			"bacnet 257 i-have, browse, response, device 7, analog-input 1 = \"AI\"\n", false},
		{"read", true, "810a 0011 01 04 00 05 01 0c 0c 00000005 19 55",
			"bacnet 12 read-property, read, request, analog-input 5 present-value\n", false},
		{"read answered", false, "810a 0017 01 00 30 01 0c 0c 00000005 19 55 3e 44 42c80000 3f",
			"bacnet 12 read-property, read, response, analog-input 5 present-value = 100\n", false},
		{"written, with index and priority", true,
			"810a 001c 01 04 00 05 02 0f 0c 00400003 19 57 29 08 3e 44 3f800000 3f 49 08",
			"bacnet 15 write-property, write, request, analog-output 3 priority-array[8] = 1 "
			"priority 8\n", false},
		{"out of service is a mode", true,
			"810a 0014 01 04 00 05 02 0f 0c 00400003 19 51 3e 11 3f",
			"bacnet 15 write-property, mode, request, analog-output 3 out-of-service = true\n", false},
		{"a name is configuration", true,
			"810a 0019 01 04 00 05 02 0f 0c 02000007 19 4d 3e 75 04 00 414243 3f",
			"bacnet 15 write-property, configure, request, device 7 object-name = \"ABC\"\n", false},
		{"a program halted", true, "810a 0015 01 04 00 05 02 0f 0c 04000001 19 5a 3e 91 03 3f",
			"bacnet 15 write-property, stop, request, program 1 program-change = 3 (halt)\n", false},
		{"two properties of two objects", true,
			"810a 0029 01 04 00 05 02 10 "
			"0c 00800001 1e 09 55 2e 44 42c80000 2f 1f "
			"0c 01000002 1e 09 55 2e 91 01 2f 39 08 1f",
			"bacnet 16 write-property-multiple, write, request, analog-value 1 present-value, "
			"binary-output 2 present-value = 100,1 priority 8\n", false},
		{"read multiple and its answer", true,
			"810a 0015 01 04 00 05 02 0e 0c 00000001 1e 09 55 09 1c 1f",
			"bacnet 14 read-property-multiple, read, request, analog-input 1 present-value "
			"description\n", false},
		{"read multiple answered, one of them refused", false,
			"810a 0021 01 00 30 02 0e 0c 00000001 1e 29 55 4e 44 41200000 4f "
			"29 1c 5e 91 02 91 20 5f 1f",
			"bacnet 14 read-property-multiple, read, response, analog-input 1 present-value "
			"description = 10,2,32\n", false},
		{"done", false, "810a 0009 01 00 20 02 0f",
			"bacnet 15 write-property, write, response\n", false},
		{"refused", false, "810a 000d 01 00 50 02 0f 91 02 91 28",
			"bacnet 15 write-property, write, response, refused = property: write-access-denied\n", false},
		{"refused, wrapped as write-property-multiple does", false,
			"810a 0018 01 00 50 02 10 0e 91 02 91 28 0f 1e 0c 00800001 19 55 1f",
			"bacnet 16 write-property-multiple, write, response, refused = property: "
			"write-access-denied\n", false},
		{"rejected", false, "810a 0009 01 00 60 02 09",
			"bacnet 1030 reject, other, response, refused = unrecognized service (9)\n", false},
		{"aborted", false, "810a 0009 01 00 71 02 04",
			"bacnet 1031 abort, other, response, refused = reason 4\n", false},
		{"restart", true, "810a 0015 01 04 00 05 03 14 09 00 1d 07 00 73656372 6574",
			"bacnet 20 reinitialize-device, restart, request = coldstart\n", false},
		{"restore begins", true, "810a 000c 01 04 00 05 03 14 09 04",
			"bacnet 20 reinitialize-device, download, request = start restore\n", false},
		{"silenced", true, "810a 000e 01 04 00 05 03 11 09 3c 19 01",
			"bacnet 17 device-communication-control, mode, request = disable for 60 minutes\n", false},
		{"file written", true, "810a 0017 01 04 00 05 04 07 c4 02800001 0e 31 00 63 aabbcc 0f",
			"bacnet 7 atomic-write-file, download, request, file 1 = 0,aabbcc\n", false},
		{"time", true, "810b 0012 01 00 10 06 a4 7e0b1701 b4 0a203000",
			"bacnet 262 time-synchronization, time, request = 2026-11-23,10:32:48.00\n", false},
		{"any day", true, "810b 0012 01 00 10 09 a4 ffffffff b4 ffffffff",
			"bacnet 265 utc-time-synchronization, time, request = *-*-*,*:*:*.*\n", false},
		{"values change", false,
			"810b 0028 01 00 10 02 09 00 1c 02000007 2c 00000001 39 00 "
			"4e 09 55 2e 44 42480000 2f 09 6f 2e 82 04 00 2f 4f",
			"bacnet 258 unconfirmed-cov-notification, report, unsolicited, analog-input 1 "
			"present-value status-flags = 50,0000\n", false},
		{"deleted", true, "810a 000f 01 04 00 05 05 0b c4 00800005",
			"bacnet 11 delete-object, delete, request, analog-value 5\n", false},
		{"created", true, "810a 000e 01 04 00 05 05 0a 0e 09 02 0f",
			"bacnet 10 create-object, configure, request = 2\n", false},
		{"a service without a name", true, "810a 000a 01 04 00 05 05 63",
			"bacnet 99 unknown function, other, request\n", false},
		{"an object and a property without names", true,
			"810a 0013 01 04 00 05 01 0c 0c 7fc00001 1b 010000",
			"bacnet 12 read-property, read, request, type-511 1 property-65536\n", false},
	};

	(void)state;
	plant_grams_check(PLANT_BACNET, grams, COUNT_OF(grams));
}

static void test_ways(void **state)
{
	static const struct plant_gram grams[] = {
		{"routed to a station", true, "810a 0016 01 24 0005 01 0c ff 00 05 01 0c 0c 00000005 19 55",
			"bacnet 12 read-property, read, request, unit network 5 station 12, analog-input 5 "
			"present-value\n", false},
		{"from a station behind a router", false, "810a 000e 01 08 0005 02 0a0b 20 02 0f",
			"bacnet 15 write-property, write, response, unit network 5 station 0a0b\n", false},
		{"forwarded", false, "8104 0013 c0a80001bac0 01 00 10 08 09 01 1a 0500",
			"bacnet 264 who-is, browse, request = 1,1280\n", false},
		{"network message", true, "810b 0009 01 80 00 00 05",
			"bacnet 512 network: who-is-router, browse, request = 0005\n", false},
		{"routing table", true, "810a 0008 01 80 06 00",
			"bacnet 518 network: initialize routing table, configure, request = 00\n", false},
		{"foreign device", true, "8105 0006 003c",
			"bacnet 773 bvlc: register foreign device, configure, request = 003c\n", false},
		{"result bad", false, "8100 0006 0030", "bacnet 768 bvlc: result, other, response, refused = 0x0030\n", false},
		{"the first segment", false, "810a 0014 01 00 3c 02 00 04 0e 0c 00000001 1e 29 55 4e",
			"bacnet 14 read-property-multiple, read, response, analog-input 1 present-value = "
			"segment 0\n", false},
		{"the last segment", false, "810a 000c 01 00 38 02 01 04 0e 44",
			"bacnet 14 read-property-multiple, read, response = segment 1, the last\n", false},
		{"segment acknowledged", true, "810a 000a 01 00 40 02 01 04",
			"bacnet 1028 segment acknowledged, other, response\n", false},
	};

	(void)state;
	plant_grams_check(PLANT_BACNET, grams, COUNT_OF(grams));
}

static void test_malformed(void **state)
{
	static const struct plant_gram grams[] = {
		{"length of another datagram", true, "810a 0012 01 04 00 05 01 0c 0c 00000005 19 55", "", true},
		{"version 2 of the network layer", true, "810a 0006 02 04",
			"bacnet 0 unknown function, other, unknown = malformed\n", true},
		{"an address longer than the datagram", true, "810a 000a 01 20 0005 ff 0c",
			"bacnet 0 unknown function, other, unknown = malformed\n", true},
		{"a value longer than the datagram", true, "810a 0011 01 04 00 05 01 0c 0d ff ffffffff 19",
			"bacnet 12 read-property, read, request = malformed\n", true},
		{"a bracket that is not closed", true, "810a 0013 01 04 00 05 02 0f 0c 00400003 19 55 3e 00",
			"bacnet 15 write-property, write, request, analog-output 3 present-value = "
			"null malformed\n",
			true},
		{"brackets without end", true,
			"810a 0025 01 04 00 05 02 0f 0c 00400003 19 55 "
			"3e 3e 3e 3e 3e 3e 3e 3e 3e 3e 3e 3e 3e 3e 3e 3e 3e 3e 3e 3e",
			"bacnet 15 write-property, write, request, analog-output 3 present-value = malformed\n",
			true},
		{"a bracket closed that is not open", true, "810a 000b 01 04 00 05 02 0f 3f",
			"bacnet 15 write-property, write, request = malformed\n", true},
	};

	(void)state;
	plant_grams_check(PLANT_BACNET, grams, COUNT_OF(grams));
}

/* clang-format on */

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
