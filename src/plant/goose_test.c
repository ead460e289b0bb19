/* SPDX-License-Identifier: MPL-2.0 */
/* GOOSE frames: changes, repeats, and what contradicts itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plant_testing.h"

/* clang-format off: version 14 dies on tables like these */

static const struct {
	const char *what, *hex, *says;
	bool good;
} frames[] = {
	{"a change", "0001005500000000614b800e4c44302f4c4c4e3024474f246731810203e8820b4c44302f4c4c4e30246473830369643184084a3f1c800000000a8501" "018601008701008801028901008a0102ab0783010184020640",
		"goose 0 state change, report, unsolicited, unit 0x0001, LD0/LLN0$GO$g1 = stNum 1 sqNum 0 confRev 2: true, 01 of LD0/LLN0$ds id id1\n", true},
	{"a repeat", "0001005500000000614b800e4c44302f4c4c4e3024474f246731810203e8820b4c44302f4c4c4e30246473830369643184084a3f1c800000000a8501" "018601078701008801028901008a0102ab0783010184020640",
		"goose 0 state repeated, report, unsolicited, unit 0x0001, LD0/LLN0$GO$g1 = stNum 1 sqNum 7 confRev 2: true, 01 of LD0/LLN0$ds id id1\n", true},
	{"test, simulated, needs commissioning", "0001005580000000614b800e4c44302f4c4c4e3024474f246731810203e8820b4c44302f4c4c4e30246473830369643184084a3f1c800000000a8501" "018601008701ff8801028901ff8a0102ab0783010184020640",
		"goose 0 state change, report, unsolicited, unit 0x0001, LD0/LLN0$GO$g1 = stNum 1 sqNum 0 test simulated confRev 2 needs commissioning: true, 01 of LD0/LLN0$ds id id1\n", true},
	{"padding behind", "0001005500000000614b800e4c44302f4c4c4e3024474f246731810203e8820b4c44302f4c4c4e30246473830369643184084a3f1c800000000a8501" "018601008701008801028901008a0102ab07830101840206400000000000",
		"goose 0 state change, report, unsolicited, unit 0x0001, LD0/LLN0$GO$g1 = stNum 1 sqNum 0 confRev 2: true, 01 of LD0/LLN0$ds id id1\n", true},
	{"length shorter than its head", "0001000700000000614b800e4c44302f4c4c4e3024474f246731810203e8820b4c44302f4c4c4e30246473830369643184084a3f1c800000000a8501" "018601008701008801028901008a0102ab0783010184020640",
		"", false},
	{"length past the end", "0001030000000000614b800e4c44302f4c4c4e3024474f246731810203e8820b4c44302f4c4c4e30246473830369643184084a3f1c800000000a8501" "018601008701008801028901008a0102ab0783010184020640",
		"", false},
	{"no state number", "00010052000000006148800e4c44302f4c4c4e3024474f246731810203e8820b4c44302f4c4c4e30246473830369643184084a3f1c800000000a8601" "008701008801028901008a0102ab0783010184020640",
		"", false},
	{"nine octets of number", "0001005d000000006153800e4c44302f4c4c4e3024474f246731810203e8820b4c44302f4c4c4e30246473830369643184084a3f1c800000000a8509" "0101010101010101018601008701008801028901008a0102ab0783010184020640",
		"", false},
	{"another pdu", "0001000c0000000060020000",
		"", false},
};

static void test_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(frames); i++) {
		struct slice bytes = plant_hex(frames[i].hex);
		struct buf said = BUF_INIT;

		assert_int_equal(plant_goose(bytes, plant_say, &said), frames[i].good);
		buf_char(&said, 0);
		assert_string_equal(said.data, frames[i].says);
		/* cut anywhere, in a block of exactly that length */
		for (size_t len = 0; len < bytes.len; len++) {
			char *cut = malloc(len + 1);

			assert_non_null(cut);
			memcpy(cut, bytes.data, len);
			(void)plant_goose((struct slice){cut, len}, plant_say, &said);
			free(cut);
		}
		buf_fini(&said);
		free((void *)(uintptr_t)bytes.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
