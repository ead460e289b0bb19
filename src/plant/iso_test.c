/* SPDX-License-Identifier: MPL-2.0 */
/* S7 communication and MMS: every function asked, answered and refused, and what contradicts itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plant_testing.h"

/* clang-format off: version 14 dies on tables like these */

static void test_s7(void **state)
{
	static const struct plant_talk talks[] = {
		{"rack and slot from the selector, then set-up",
			{{0, "0300001611e00000000100c0010ac1020100c2020102"}, {1, "0300001611d00001000200c0010ac1020100c2020102"}, {0, "0300001902f08032010000000100080000f0000001000101e0"}, {1, "0300001b02f080320300000001000800000000f0000001000100f0"}},
			"s7comm 240 setup communication, other, request, unit rack 0 slot 2 = messages of 480 bytes\n"
			"s7comm 240 setup communication, other, response, unit rack 0 slot 2\n"},
		{"addresses of every area",
			{{0, "0300007302f080320100000001006200000408120a10010001000184000000120a1002000a000184000020120a10040001000285000030120a100800" "01000083000040120a1001000100008100000f120a10020001000082000018120a101d000100001d000005120a1004000100998a000010"}},
			"s7comm 4 read variable, read, request, DB1.DBX0.0, DB1.DBB4 x10, DI2.DBW6, MD8, I1.7, QB3, T5, area 0x8a 2\n"},
		{"a read answered, one item refused",
			{{1, "0300001f02f0803203000000010002000a00000402ff04001012340a000000"}},
			"s7comm 4 read variable, read, response, refused = 1234, object does not exist\n"},
		{"a write and its answers",
			{{0, "0300003702f080320100000001001a000c0502120a10010001000184000003120a1004000100008300005000030001010000040010cafe"}, {1, "0300001702f0803203000000010002000200000502ffff"}, {1, "0300001602f080320300000001000200010000050103"}},
			"s7comm 5 write variable, write, request, DB1.DBX0.3, MW10 = 01, cafe\n"
			"s7comm 5 write variable, write, response\n"
			"s7comm 5 write variable, write, response, refused = access denied\n"},
		{"reads of an S7-400, symbols, and the numerical control",
			{{0, "0300002802f0803201000000010017000004031207b00104000a0002001204b20001021203820102"}},
			"s7comm 4 read variable, read, request, DB10.DBB2 x4, symbol 000102, NCK 0102\n"},
		{"download: the device asks for the block",
			{{0, "0300003102f080320100000001002000001a00000000000000095f30413030303031500d31303030313238303030303932"}, {1, "0300002302f080320100000001001200001b00000000000000095f3041303030303150"}, {0, "0300001d02f0803203000000010002000800001b00000400fb01020304"}, {1, "0300002302f080320100000001001200001c00000000000000095f3041303030303150"}},
			"s7comm 26 request download, download, request, DB1 passive\n"
			"s7comm 27 download block, download, request, DB1 passive\n"
			"s7comm 27 download block, download, response\n"
			"s7comm 28 download ended, download, request, DB1 passive\n"},
		{"upload",
			{{0, "0300002302f080320100000001001200001d00000000000000095f3038303030303141"}, {0, "0300001902f080320100000001000800001e00000000000007"}, {0, "0300001902f080320100000001000800001f00000000000007"}},
			"s7comm 29 start upload, upload, request, OB1\n"
			"s7comm 30 upload, upload, request, upload 7\n"
			"s7comm 31 end upload, upload, request, upload 7\n"},
		{"services: start, cold start, activate, delete, compress, copy, and an unknown one",
			{{0, "0300002502f0803201000000010014000028000000000000fd000009505f50524f4752414d"}, {0, "0300002702f0803201000000010016000028000000000000fd0002432009505f50524f4752414d"}, {0, "0300003302f0803201000000010022000028000000000000fd0012020030413030303031503045303030333050055f494e5345"}, {0, "0300002b02f080320100000001001a000028000000000000fd000a01003043303030303742055f44454c45"}, {0, "0300002102f0803201000000010010000028000000000000fd0000055f47415242"}, {0, "0300002302f0803201000000010012000028000000000000fd00024550055f4d4f4455"}, {0, "0300002402f0803201000000010013000028000000000000fd0000085f4e5f4f54484552"}},
			"s7comm 40 start program, start, request, P_PROGRAM\n"
			"s7comm 40 cold start program, start, request, P_PROGRAM\n"
			"s7comm 40 activate block, download, request, DB1 passive, FB30 passive\n"
			"s7comm 40 delete block, delete, request, FC7\n"
			"s7comm 40 compress memory, configure, request, _GARB\n"
			"s7comm 40 copy RAM to ROM, configure, request, _MODU = EP\n"
			"s7comm 40 program invocation, operate, request, _N_OTHER\n"},
		{"stop, and its refusal",
			{{0, "0300002102f0803201000000010010000029000000000009505f50524f4752414d"}, {1, "0300001402f08032030000000100010000870229"}, {1, "0300001302f080320200000001000000000000"}},
			"s7comm 41 PLC stop, stop, request, P_PROGRAM\n"
			"s7comm 41 PLC stop, stop, response, refused = access error 0x8702\n"
			"s7comm 0 acknowledgement, other, response\n"},
		{"userdata: status list asked and answered, and refused",
			{{0, "0300002102f080320700000001000800080001120411440101ff09000401320004"}, {1, "0300002902f080320700000001000c000c000112081284010100000000ff0900080132000400280001"}, {1, "0300002102f080320700000001000c000400011208128401010000d4020a000000"}},
			"s7comm 459777 read system status list, browse, request, list 0x0132 index 0x0004\n"
			"s7comm 459777 read system status list, browse, response, list 0x0132 index 0x0004\n"
			"s7comm 459777 read system status list, browse, response, refused = error 0xd402\n"},
		{"userdata: blocks, clock, password, force, memory reset, mode",
			{{0, "0300001d02f0803207000000010008000400011204114301010a000000"}, {0, "0300001f02f080320700000001000800060001120411430201ff0900023041"}, {0, "0300002502f0803207000000010008000c0001120411430301ff0900083038303030303141"}, {0, "0300002702f0803207000000010008000e0001120411470201ff09000a00202611231030000002"}, {0, "0300002502f0803207000000010008000c0001120411450101ff0900080102030405060708"}, {0, "0300001e02f080320700000001000800050001120411410901ff09000100"}, {0, "0300001e02f080320700000001000800050001120411410c01ff09000100"}, {1, "0300001e02f080320700000001000800050001120411000001ff09000100"}, {1, "0300001e02f080320700000001000800050001120411020501ff09000100"}, {0, "0300001e02f0803207000000010008000500011204114a0101ff09000100"}},
			"s7comm 459521 list blocks, browse, request\n"
			"s7comm 459522 list blocks of type, browse, request, DB\n"
			"s7comm 459523 get block info, browse, request, OB1\n"
			"s7comm 460546 set clock, time, request = 2026-11-23 10:30:00\n"
			"s7comm 460033 log in with password, mode, request\n"
			"s7comm 459017 force variable, write, request\n"
			"s7comm 459020 memory reset, delete, request\n"
			"s7comm 458752 mode: stop, report, unsolicited\n"
			"s7comm 459269 transfer on change, report, unsolicited\n"
			"s7comm 461313 unknown function, other, request\n"},
		{"fragments are put together; empty ones change nothing",
			{{0, "0300000702f0000300001102f000320100000001001000000300000702f0000300001702f08029000000000009505f50524f4752414d"}},
			"s7comm 41 PLC stop, stop, request, P_PROGRAM\n"},
		{"S7comm-plus by name",
			{{0, "0300001a02f0807201001031000004bb00000001000001203600"}, {1, "0300001602f0807201000c32000004f2000000010000"}, {1, "0300001302f080720200083300000000000100"}, {0, "0300003902f0807203002f20000000000000000000000000000000000000000000000000000000000000000031000005420000000100000120"}, {0, "0300000b02f08072ff0000"}, {0, "0300001302f080720100083100009999000000"}},
			"s7comm 1211 plus: explore, browse, request\n"
			"s7comm 1266 plus: set variable, write, response\n"
			"s7comm 0 plus: notification, report, unsolicited\n"
			"s7comm 1346 plus: set variables, write, request\n"
			"s7comm 39321 unknown function, other, request\n"},
		{"lengths that do not fit are passed over, what follows is told",
			{{0, "0300001202f0803201000000010fff000029"}, {0, "0300001302f080320100000001000200000405"}, {0, "0300001102f08032090000000100000000"}, {0, "0300001502f0803207000000010004000000011304"}, {0, "0300002102f0803201000000010010000029000000000009505f50524f4752414d"}},
			"s7comm 41 PLC stop, stop, request, P_PROGRAM\n"},
		{"not the protocol",
			{{0, "0300000502f0"}},
			"", .bad = true},
	};

	(void)state;
	plant_talks_check(PLANT_S7COMM, talks, COUNT_OF(talks));
}

static void test_mms(void **state)
{
	static const struct plant_talk talks[] = {
		{"connection: session, presentation, association, initiate",
			{{0, "0300001611e00000000100c0010ac1020001c2020001"}, {0, "0300006102f0800d58050613010016010214020002c14a3148a003800101a24181040000000182040000000161333031020101a02c602aa107060528" "ca220203be1f281d020103a018a81680020ff081010582010583010aa4078001018102fb00"}},
			"mms 4104 initiate, other, request, unit selector 0001\n"},
		{"an association refused",
			{{1, "0300003402f0800e2bc1293127a003800101a220611e301c020101a0176115a107060528ca220203a203020101a305a103020101"}},
			"mms 4106 initiate, other, response, refused = association refused\n"},
		{"names: lists, identity, attributes",
			{{0, "0300001b02f08001000100610e300c020103a007a0050201018200"}, {0, "0300002402f0800100010061173015020103a010a00e020101a109a003800109a1028000"}, {0, "0300002d02f080010001006120301e020103a019a017020101a112a003800100a10581034c443082044c4c4e30"}, {0, "0300002d02f080010001006120301e020103a019a017020101a612a010a10e1a034c44301a074c4c4e30244443"}, {0, "0300002c02f08001000100611f301d020103a018a016020101ac11a10f1a034c44301a084c4c4e3024647331"}},
			"mms 2 identify, browse, request\n"
			"mms 1 get name list, browse, request, device = domains\n"
			"mms 1 get name list, browse, request, LD0 = named variables after LLN0\n"
			"mms 6 get variable access attributes, browse, request, LD0/LLN0$DC\n"
			"mms 12 get named variable list attributes, browse, request, LD0/LLN0$ds1\n"},
		{"reading, its answer, its failure",
			{{0, "0300005102f0800100010061443042020103a03da03b020101a436a134a0323018a016a1141a034c44301a0d4d4d585531244d5824546f74573016a0" "14a1121a034c44301a0b4d4d585531244d5824487a"}, {1, "0300002d02f080010001006120301e020103a019a117020101a412a110a20b8705083f80000084020640800103"}, {0, "0300003002f0800100010061233021020103a01ca01a020101a415a113a111a10f1a034c44301a084c4c4e3024647331"}, {1, "0300002c02f08001000100611f301d020103a018a116020101a411a10f8705083f800000850200ff8a026869"}},
			"mms 4 read, read, request, LD0/MMXU1$MX$TotW, LD0/MMXU1$MX$Hz\n"
			"mms 4 read, read, response, refused = access denied\n"
			"mms 4 read, read, request, LD0/LLN0$ds1\n"
			"mms 4 read, read, response = 1, 255, \"hi\"\n"},
		{"writing: values, controls, reports, settings",
			{{0, "0300003002f0800100010061233021020103a01ca01a020101a515a00e300ca00aa1081a034c44301a0178a003830101"}, {0, "0300004502f0800100010061383036020103a031a02f020101a52aa01e301ca01aa1181a034c44301a11584342523124434f24506f73244f706572a0" "08a206830101850101"}, {0, "0300004102f0800100010061343032020103a02da02b020101a526a01f301da01ba1191a034c44301a124c4c4e302442522472636224527074456e61" "a003830100"}, {0, "0300003e02f080010001006131302f020103a02aa028020101a523a01c301aa018a1161a034c44301a0f50544f43312453472453747256616ca00385" "0101"}, {0, "0300003c02f08001000100612f302d020103a028a026020101a421a11fa01d301ba019a1171a034c44301a10584342523124434f24506f732453424f"}, {1, "0300001d02f080010001006110300e020103a009a107020101a5028100"}, {1, "0300001e02f080010001006111300f020103a00aa108020101a50380010a"}},
			"mms 5 write, write, request, LD0/x = true\n"
			"mms 5 write, operate, request, LD0/XCBR1$CO$Pos$Oper = {true, 1}\n"
			"mms 5 write, mode, request, LD0/LLN0$BR$rcb$RptEna = false\n"
			"mms 5 write, configure, request, LD0/PTOC1$SG$StrVal = 1\n"
			"mms 4 read, operate, request, LD0/XCBR1$CO$Pos$SBO\n"
			"mms 5 write, write, response\n"
			"mms 5 write, write, response, refused = object does not exist\n"},
		{"program invocations",
			{{0, "0300002102f0800100010061143012020103a00da00b020101bf26058003617070"}, {0, "0300002102f0800100010061143012020103a00da00b020101bf28058003617070"}, {0, "0300002102f0800100010061143012020103a00da00b020101bf29058003617070"}, {0, "0300002102f0800100010061143012020103a00da00b020101bf2a058003617070"}, {0, "0300002102f0800100010061143012020103a00da00b020101bf2b058003617070"}, {0, "0300002102f0800100010061143012020103a00da00b020101bf2c058003617070"}, {0, "0300001f02f0800100010061123010020103a00ba0090201019f2703617070"}},
			"mms 38 create program invocation, configure, request, app\n"
			"mms 40 start, start, request, app\n"
			"mms 41 stop, stop, request, app\n"
			"mms 42 resume, start, request, app\n"
			"mms 43 reset, restart, request, app\n"
			"mms 44 kill, stop, request, app\n"
			"mms 39 delete program invocation, delete, request, app\n"},
		{"domains in and out",
			{{0, "0300002002f0800100010061133011020103a00ca00a020101bf1a0480024431"}, {0, "0300001e02f080010001006111300f020103a00aa0080201019f1b024431"}, {0, "0300002002f0800100010061133011020103a00ca00a020101bf1c0480024431"}, {0, "0300001e02f080010001006111300f020103a00aa0080201019f1d024431"}, {0, "0300001d02f080010001006110300e020103a009a0070201019f1e0101"}, {0, "0300001e02f080010001006111300f020103a00aa0080201019f24024431"}},
			"mms 26 initiate download sequence, download, request, D1\n"
			"mms 27 download segment, download, request, D1\n"
			"mms 28 terminate download sequence, download, request, D1\n"
			"mms 29 initiate upload sequence, upload, request, D1\n"
			"mms 30 upload segment, upload, request\n"
			"mms 36 delete domain, delete, request, D1\n"},
		{"files",
			{{0, "0300002802f08001000100611b3019020103a014a012020101bf480ca0071905612e636964810100"}, {0, "0300001d02f080010001006110300e020103a009a0070201019f490105"}, {0, "0300001d02f080010001006110300e020103a009a0070201019f4a0105"}, {0, "0300002602f0800100010061193017020103a012a010020101bf4b0aa003190161a103190162"}, {0, "0300002402f0800100010061173015020103a010a00e020101bf4c081903646972190178"}, {0, "0300002102f0800100010061143012020103a00da00b020101bf4d05a00319012f"}, {0, "0300002d02f080010001006120301e020103a019a017020101bf2e11a106190468657265a20719057468657265"}},
			"mms 72 file open, upload, request, a.cid\n"
			"mms 73 file read, upload, request\n"
			"mms 74 file close, other, request\n"
			"mms 75 file rename, configure, request, a = b\n"
			"mms 76 file delete, delete, request, dir/x\n"
			"mms 77 file directory, browse, request, /\n"
			"mms 46 obtain file, download, request, there = here\n"},
		{"reports: a named list, variables, an event",
			{{1, "0300003802f08001000100612b3029020103a024a322a020a1058003525054a0178a0472636231840206808501ff91084a3f1c808000000a"}, {1, "0300002b02f08001000100611e301c020103a017a315a013a00c300aa008a1061a01441a0176a003800102"}, {1, "0300001a02f08001000100610d300b020103a006a304a2028000"}},
			"mms 8192 information report, report, unsolicited, RPT = \"rcb1\", 10, -1, 2009-06-22T05:54:08.500Z\n"
			"mms 8192 information report, report, unsolicited, D/v = temporarily unavailable\n"
			"mms 8194 event notification, report, unsolicited\n"},
		{"error names the request by number; reject; cancel; conclude",
			{{0, "0300002102f0800100010061143012020103a00da00b020109bf29058003617070"}, {1, "0300002002f0800100010061133011020103a00ca20a800109a205a003870103"}, {1, "0300002002f0800100010061133011020103a00ca20a800108a205a0038b0100"}, {1, "0300001c02f08001000100610f300d020103a008a406800101810100"}, {0, "0300001702f08001000100610a3008020103a003850101"}, {0, "0300001602f0800100010061093007020103a0028b00"}, {1, "0300001602f0800100010061093007020103a0028c00"}},
			"mms 41 stop, stop, request, app\n"
			"mms 41 stop, stop, response, refused = access error 3\n"
			"mms 4098 confirmed error, other, response, refused = file error 0\n"
			"mms 4100 reject, other, response, refused\n"
			"mms 4101 cancel, other, request\n"
			"mms 4107 conclude, other, request\n"
			"mms 4108 conclude, other, response\n"},
		{"abort and refusal of the session",
			{{1, "0300000c02f0801903110101"}, {1, "0300000c02f0800c03320100"}, {0, "0300000902f0800900"}},
			"mms 12288 connection aborted, other, unsolicited, refused\n"
			"mms 12288 connection refused, other, unsolicited, refused\n"},
		{"without session and presentation, as old stacks speak",
			{{0, "0300001302f080a00a020101bf290480025231"}},
			"mms 41 stop, stop, request, R1\n"},
		{"unknown service, and modifiers in front",
			{{0, "0300001d02f080010001006110300e020103a009a007020101bf7e0100"}, {0, "0300002102f0800100010061143012020103a00da00b0201013004a00280008200"}},
			"mms 126 unknown function, other, request\n"
			"mms 2 identify, browse, request\n"},
		{"indefinite lengths",
			{{0, "0300004102f0800100010061803080020103a080a080020101a480a180a0803080a080a1081a034c44301a0178000000000000000000000000000000" "0000000000"}},
			"mms 4 read, read, request, LD0/x\n"},
		{"what contradicts itself is passed over",
			{{0, "0300001202f0800100010061053003020103"}, {0, "0300000d02f080010001006120"}, {0, "0300001902f08001000100610c300a020103a005a003020101"}, {0, "0300000802f080ff"}, {0, "0300001602f0800100010061093007020103a0028b00"}},
			"mms 4107 conclude, other, request\n"},
	};

	(void)state;
	plant_talks_check(PLANT_MMS, talks, COUNT_OF(talks));
}

/* Port 102 alone does not say which of the two it is; the selector or the first data do. */
static void test_guess(void **state)
{
	static const struct {
		const char *hex;
		enum plant_protocol protocol;
	} heads[] = {
		{"0300001611e00000000100c0010ac1020100c2020102", PLANT_S7COMM},
		{"0300001611e00000000100c0010ac1020001c2020001", PLANT_MMS},
		{"0300001f02f08032", PLANT_S7COMM},
		{"0300001f02f08072", PLANT_S7COMM},
		{"0300001f02f080010001006112", PLANT_MMS},
		{"0300001f02f0800d", PLANT_MMS},
		{"03", PLANT_S7COMM},
		{"0301", PLANT_NONE},
		{"03000006", PLANT_NONE},
		{"0300000702f0", PLANT_S7COMM},
		{"0300000701f0", PLANT_NONE},
		{"0300000702f1", PLANT_S7COMM},
		{"0300000702b0", PLANT_NONE},
		{"16030100", PLANT_NONE},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		struct slice head = plant_hex(heads[i].hex);

		assert_int_equal(plant_guess_stream(40000, 102, head), heads[i].protocol);
		assert_int_equal(plant_guess_stream(40000, 103, head), PLANT_NONE);
		free((void *)(uintptr_t)head.data);
	}
}

/* A message of the largest size that is held is told; with one piece more it is not, but what
 * follows is. */
static void test_long(void **state)
{
	struct slice stop = plant_hex("0300002102f0803201000000010010000029000000000009505f50524f4752414d");
	static const char fragment[] = "\x03\0\xff\xff\x02\xf0\0";
	char *piece = calloc(1, 0xffff);

	(void)state;
	assert_non_null(piece);
	memcpy(piece, fragment, 7);
	for (unsigned pieces = 1; pieces <= 2; pieces++) {
		struct plant_stream *s = plant_stream_new(PLANT_S7COMM);
		struct buf said = BUF_INIT;

		piece[7] = 0x32;
		piece[8] = 1;
		piece[14] = 1; /* one octet of parameters: function 0 */
		for (unsigned i = 0; i < pieces; i++)
			assert_true(plant_stream_feed(
				s, 0, (struct slice){piece, 0xffff}, plant_say, &said));
		assert_true(plant_stream_feed(s, 0,
			(struct slice){"\x03\0\0\x07\x02\xf0\x80", 7}, plant_say, &said));
		assert_int_equal(slice_find_text(buf_slice(&said), SLICE("CPU services")) < said.len,
			pieces == 1);
		assert_true(plant_stream_feed(s, 0, stop, plant_say, &said));
		assert_true(slice_find_text(buf_slice(&said), SLICE("PLC stop")) < said.len);
		buf_fini(&said);
		plant_stream_free(s);
	}
	free(piece);
	free((void *)(uintptr_t)stop.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s7),
		cmocka_unit_test(test_mms),
		cmocka_unit_test(test_guess),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
