/* SPDX-License-Identifier: MPL-2.0 */
/* Checkpoints: the text of a note that says how large a log is, and its root. */
#include "note_testing.h"

#define ROOT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static void checkpoints(void **state)
{
	static const struct {
		const char *why;
		struct slice text;
		bool valid;
	} cases[] = {
		{"usual",              TEXT("kz/log\n7\n" ROOT "\n"),                    true },
		{"origin with spaces", TEXT("go.sum database tree\n7\n" ROOT "\n"),      true },
		{"empty tree",         TEXT("kz/log\n0\n" ROOT "\n"),                    true },
		{"largest size",       TEXT("kz/log\n18446744073709551615\n" ROOT "\n"), true },
		{"size too large",     TEXT("kz/log\n18446744073709551616\n" ROOT "\n"), false},
		{"extension line",     TEXT("kz/log\n7\n" ROOT "\nmore\n"),              false},
		{"empty line behind",  TEXT("kz/log\n7\n" ROOT "\n\n"),                  false},
		{"no last newline",    TEXT("kz/log\n7\n" ROOT),                         false},
		{"two lines",          TEXT("kz/log\n7\n"),                              false},
		{"one line",           TEXT("kz/log\n"),                                 false},
		{"no line",            TEXT("kz/log"),                                   false},
		{"nothing",            TEXT(""),					 false},
		{"empty origin",       TEXT("\n7\n" ROOT "\n"),                          false},
		{"control in origin",  TEXT("kz\tlog\n7\n" ROOT "\n"),                   false},
		{"origin not UTF-8",   TEXT("kz\xff\n7\n" ROOT "\n"),                    false},
		{"leading zero",       TEXT("kz/log\n07\n" ROOT "\n"),                   false},
		{"sign",               TEXT("kz/log\n+7\n" ROOT "\n"),                   false},
		{"no size",            TEXT("kz/log\n\n" ROOT "\n"),                     false},
		{"space behind size",  TEXT("kz/log\n7 \n" ROOT "\n"),                   false},
		{"root of 31 bytes",
                 TEXT("kz/log\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==\n"),      false},
		{"root of 33 bytes",
                 TEXT("kz/log\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\n"),      false},
		{"spare bits in root",
                 TEXT("kz/log\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\n"),      false},
		{"carriage return",    TEXT("kz/log\r\n7\n" ROOT "\n"),                  false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct note_checkpoint c;
		struct buf again = BUF_INIT;
		struct err e;
		enum err_kind kind = note_checkpoint_parse(cases[i].text, &c, &e);

		if (kind != (cases[i].valid ? OK : ERR_PARSE))
			fail_msg("%s", cases[i].why);
		if (kind == OK) {
			note_checkpoint_format(&c, &again);
			assert_true(slice_equal(buf_slice(&again), cases[i].text));
			assert_int_equal(c.root[31], 0x1f);
		}
		buf_fini(&again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checkpoints),
	};

	return cmocka_run_group_tests(tests, scene_begin, scene_end);
}
