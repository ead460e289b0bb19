/* SPDX-License-Identifier: MPL-2.0 */
/* IEC 60870-5-104: all three kinds of frames, commands and their fates, values, files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plant_testing.h"

static void test_control(void **state)
{
	static const struct plant_talk talks[] = {
		{"set-up and keep-alive",
                 {{0, "6804 07000000"}, {1, "6804 0b000000"}, {0, "6804 43000000"},
				{1, "6804 83000000"}, {0, "6804 0100 1e00"}, {0, "6804 13000000"},
				{1, "6804 23000000"}},
                 "iec104 263 STARTDT act start data transfer, other, request\n"
			"iec104 267 STARTDT con start data transfer confirmed, other, response\n"
			"iec104 323 TESTFR act test frame, other, request\n"
			"iec104 387 TESTFR con test frame confirmed, other, response\n"
			"iec104 512 S supervisory, other, unknown = 15\n"
			"iec104 275 STOPDT act stop data transfer, mode, request\n"
			"iec104 291 STOPDT con stop data transfer confirmed, mode, response\n"},
		{"two bits at once are no function: the frame behind it is found",
                 {{0, "6804 07000000"}, {0, "6804 0f000000"}, {0, "6804 43000000"}},
                 "iec104 263 STARTDT act start data transfer, other, request\n"
			"iec104 323 TESTFR act test frame, other, request\n"                  },
	};

	(void)state;
	plant_talks_check(PLANT_IEC104, talks, COUNT_OF(talks));
}

static void test_commands(void **state)
{
	static const struct plant_talk talks[] = {
		{"single command: select, confirmed, execute, refused",
                 {{0, "680e 00000000 2d 01 06 00 0100 1a2700 81"},
				{1, "680e 00000200 2d 01 07 00 0100 1a2700 81"},
				{0, "680e 02000200 2d 01 06 03 0100 1a2700 01"},
				{1, "680e 02000400 2d 01 47 03 0100 1a2700 01"}},
                 "iec104 45 C_SC_NA_1 single command, operate, request, unit 1, ioa 10010 = "
			"on select; "
			"activation\n"
			"iec104 45 C_SC_NA_1 single command, operate, response, unit 1, ioa 10010 "
			"= on select; "
			"activation confirmed\n"
			"iec104 45 C_SC_NA_1 single command, operate, request, unit 1, ioa 10010 = "
			"on execute; "
			"activation, originator 3\n"
			"iec104 45 C_SC_NA_1 single command, operate, response, refused, unit 1, "
			"ioa 10010 = "
			"on execute; activation confirmed, negative, originator 3\n"},
		{"double, step, with time",
                 {{0, "680e 00000000 2e 01 06 00 0100 010000 02"},
				{0, "680e 02000000 2f 01 06 00 0100 020000 81"},
				{0, "6815 04000000 3b 01 86 00 0100 030000 01 e8032d0a370b1a"}},
                 "iec104 46 C_DC_NA_1 double command, operate, request, unit 1, ioa 1 = on "
			"execute; activation\n"
			"iec104 47 C_RC_NA_1 regulating step command, operate, request, unit 1, "
			"ioa 2 = lower select; "
			"activation\n"
			"iec104 59 C_DC_TA_1 double command with time, operate, request, unit 1, "
			"ioa 3 = off execute; "
			"activation, test\n"                                        },
		{"set points and bits",
                 {{0, "6810 00000000 30 01 06 00 0100 010000 0040 00"},
				{0, "6810 02000000 31 01 06 00 0100 010000 ffff 80"},
				{0, "6812 04000000 32 01 06 00 ffff 010000 0000c842 00"},
				{0, "6811 06000000 33 01 08 00 0100 010000 efbeadde"}},
                 "iec104 48 C_SE_NA_1 set point, normalized, operate, request, unit 1, ioa "
			"1 = 0.5 execute; "
			"activation\n"
			"iec104 49 C_SE_NB_1 set point, scaled, operate, request, unit 1, ioa 1 = "
			"-1 select; activation\n"
			"iec104 50 C_SE_NC_1 set point, float, operate, request, unit broadcast, "
			"ioa 1 = 100 execute; "
			"activation\n"
			"iec104 51 C_BO_NA_1 bitstring command, operate, request, unit 1, ioa 1 = "
			"0xdeadbeef; "
			"deactivation\n"					    },
		{"interrogation, of counters too, and reading one",
                 {{0, "680e 00000000 64 01 06 00 0100 000000 14"},
				{1, "680e 00000000 64 01 0a 00 0100 000000 14"},
				{0, "680e 00000000 65 01 06 00 0100 000000 05"},
				{0, "680e 00000000 65 01 06 00 0100 000000 85"},
				{0, "680d 00000000 66 01 05 00 0100 070000"}},
                 "iec104 100 C_IC_NA_1 interrogation command, read, request, unit 1, ioa 0 "
			"= station; "
			"activation\n"
			"iec104 100 C_IC_NA_1 interrogation command, read, response, unit 1, ioa 0 "
			"= station; "
			"activation terminated\n"
			"iec104 101 C_CI_NA_1 counter interrogation command, read, request, unit "
			"1, ioa 0 = "
			"read group 5; activation\n"
			"iec104 101 C_CI_NA_1 counter interrogation command, write, request, unit "
			"1, ioa 0 = "
			"freeze and reset group 5; activation\n"
			"iec104 102 C_RD_NA_1 read command, read, request, unit 1, ioa 7 = "
			"requested\n"					       },
		{"clock, reset, test, parameters",
                 {{0, "6814 00000000 67 01 06 00 0100 000000 e8032d0a370b1a"},
				{0, "680e 00000000 69 01 06 00 0100 000000 01"},
				{0, "680f 00000000 68 01 06 00 0100 000000 aa55"},
				{0, "6810 00000000 6e 01 06 00 0100 050000 0040 01"},
				{0, "680e 00000000 71 01 06 00 0100 050000 03"}},
                 "iec104 103 C_CS_NA_1 clock synchronization command, time, request, unit "
			"1, ioa 0 = "
			"2026-11-23T10:45:01.000; activation\n"
			"iec104 105 C_RP_NA_1 reset process command, restart, request, unit 1, ioa "
			"0 = general reset; "
			"activation\n"
			"iec104 104 C_TS_NA_1 test command, other, request, unit 1, ioa 0 = "
			"0x55aa; activation\n"
			"iec104 110 P_ME_NA_1 parameter of measured value, normalized, configure, "
			"request, unit 1, "
			"ioa 5 = 0.5 qualifier 1; activation\n"
			"iec104 113 P_AC_NA_1 parameter activation, configure, request, unit 1, "
			"ioa 5 = qualifier 3; "
			"activation\n"					      },
		{"a station that does not know the object",
                 {{1, "680e 00000000 2d 01 2f 00 0100 1a2700 81"}},
                 "iec104 45 C_SC_NA_1 single command, operate, response, refused, unit 1, "
			"ioa 10010 = on select; "
			"unknown object address\n"                                  },
	};

	(void)state;
	plant_talks_check(PLANT_IEC104, talks, COUNT_OF(talks));
}

static void test_values(void **state)
{
	static const struct plant_talk talks[] = {
		{"points one after the other, and with their own addresses",
                 {{1, "6810 00000000 01 83 14 00 0100 0a0000 01 00 80"},
				{1, "6812 02000000 03 02 03 00 0100 0a0000 02 140000 01"}},
                 "iec104 1 M_SP_NA_1 single-point information, read, response, unit 1, ioa "
			"10..12 = "
			"1,0,0 invalid; interrogated by station\n"
			"iec104 3 M_DP_NA_1 double-point information, report, unsolicited, unit 1, "
			"ioa 10,20 = 2,1; "
			"spontaneous\n"             },
		{"step, bits, measured values, totals",
                 {{1, "680f 00000000 05 01 01 00 0100 010000 7f 00"},
				{1, "6812 00000000 07 01 02 00 0100 010000 01000080 00"},
				{1, "6810 00000000 09 01 02 00 0100 010000 00c0 80"},
				{1, "6810 00000000 0b 01 25 00 0100 010000 0a00 00"},
				{1, "6812 00000000 0d 01 16 00 0100 010000 0000803f 00"},
				{1, "6812 00000000 0f 01 25 00 0100 010000 0a000000 05"},
				{1, "680f 00000000 15 01 03 00 0100 010000 0040"}},
                 "iec104 5 M_ST_NA_1 step position, report, unsolicited, unit 1, ioa 1 = "
			"-1; periodic\n"
			"iec104 7 M_BO_NA_1 bitstring, report, unsolicited, unit 1, ioa 1 = "
			"0x80000001; background scan\n"
			"iec104 9 M_ME_NA_1 measured value, normalized, report, unsolicited, unit "
			"1, ioa 1 = "
			"-0.5 invalid; background scan\n"
			"iec104 11 M_ME_NB_1 measured value, scaled, read, response, unit 1, ioa 1 "
			"= 10; "
			"counters by general request\n"
			"iec104 13 M_ME_NC_1 measured value, float, read, response, unit 1, ioa 1 "
			"= 1; cause 22\n"
			"iec104 15 M_IT_NA_1 integrated totals, read, response, unit 1, ioa 1 = "
			"10; "
			"counters by general request\n"
			"iec104 21 M_ME_ND_1 measured value, normalized, without quality, report, "
			"unsolicited, unit 1, "
			"ioa 1 = 0.5; spontaneous\n"},
		{"with time, and the end of initialization",
                 {{1, "6815 00000000 1e 01 03 00 0100 010000 01 e8032d0a370b1a"},
				{1, "6819 00000000 24 01 03 00 0100 010000 0000803f00 "
				    "e8032d0a370b1a"},
				{1, "680e 00000000 46 01 04 00 0100 000000 82"}},
                 "iec104 30 M_SP_TB_1 single-point information with time, report, "
			"unsolicited, unit 1, ioa 1 = "
			"1; spontaneous\n"
			"iec104 36 M_ME_TF_1 measured value, float, with time, report, "
			"unsolicited, unit 1, ioa 1 = 1; "
			"spontaneous\n"
			"iec104 70 M_EI_NA_1 end of initialization, report, unsolicited, unit 1, "
			"ioa 0 = cause 2; "
			"initialized\n"             },
	};

	(void)state;
	plant_talks_check(PLANT_IEC104, talks, COUNT_OF(talks));
}

static void test_files(void **state)
{
	static const struct plant_talk talks[] = {
		{"out of the station, and deleted there",
                 {{0, "6811 00000000 7a 01 0d 00 0100 000000 0100 00 01"},
				{1, "6813 00000000 78 01 0d 00 0100 000000 0100 0a0000 00"},
				{1, "6814 00000000 7d 01 0d 00 0100 000000 0100 01 03 aabbcc"},
				{0, "6811 00000000 7a 01 0d 00 0100 000000 0100 00 04"}},
                 "iec104 122 F_SC_NA_1 call directory, select file, call file or section, "
			"upload, request, "
			"unit 1, ioa 0 = file 1 section 0 select file; file transfer\n"
			"iec104 120 F_FR_NA_1 file ready, upload, response, unit 1, ioa 0 = file 1 "
			"of 10 bytes; "
			"file transfer\n"
			"iec104 125 F_SG_NA_1 segment, upload, response, unit 1, ioa 0 = file 1 "
			"section 1 3 bytes; "
			"file transfer\n"
			"iec104 122 F_SC_NA_1 call directory, select file, call file or section, "
			"delete, request, "
			"unit 1, ioa 0 = file 1 section 0 delete file; file transfer\n"},
		{"into the station",
                 {{0, "6813 00000000 78 01 0d 00 0100 000000 0100 0a0000 00"},
				{0, "6814 00000000 7d 01 0d 00 0100 000000 0100 01 03 aabbcc"}},
                 "iec104 120 F_FR_NA_1 file ready, download, request, unit 1, ioa 0 = file "
			"1 of 10 bytes; "
			"file transfer\n"
			"iec104 125 F_SG_NA_1 segment, download, request, unit 1, ioa 0 = file 1 "
			"section 1 3 bytes; "
			"file transfer\n"					      },
	};

	(void)state;
	plant_talks_check(PLANT_IEC104, talks, COUNT_OF(talks));
}

static void test_malformed(void **state)
{
	static const struct plant_talk talks[] = {
		{"not this protocol",				      {{0, "4804 07000000"}}, "",        .bad = true},
		{"length 3",							{{0, "6803 07000000"}},								     "", .bad = true},
		{"length 254",					     {{0, "68fe 00000000"}},								   "",								 .bad = true},
		{"more objects than bytes, fewer objects than bytes, a type that is none",
                 {{0, "680e 00000000 2d 02 06 00 0100 1a2700 81"},
				{0, "680f 00000000 2d 01 06 00 0100 1a2700 81 00"},
				{0, "680e 00000000 02 00 06 00 0100 1a2700 81"},
				{0, "680b 00000000 fa 01 06 00 0100 00"}},
                 "iec104 45 C_SC_NA_1 single command, operate, request, unit 1, ioa 10010,0 "
			"= "
			"on select,off execute; activation malformed\n"
			"iec104 45 C_SC_NA_1 single command, operate, request, unit 1, ioa 10010 = "
			"on select; "
			"activation malformed\n"
			"iec104 2 M_SP_TA_1 single-point information with time, report, request, "
			"unit 1 = "
			"activation malformed\n"
			"iec104 250 unknown function, other, request, unit 1 = activation\n"},
		{"an ASDU of three bytes", {{0, "6807 00000000 2d 01 06"}, {0, "6804 43000000"}},
                 "iec104 323 TESTFR act test frame, other, request\n"                                                                       },
	};

	(void)state;
	plant_talks_check(PLANT_IEC104, talks, COUNT_OF(talks));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
