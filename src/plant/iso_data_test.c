/* SPDX-License-Identifier: MPL-2.0 */
/* Real captures of S7, MMS, EtherNet/IP and GOOSE: what happened in them is told, in whatever
 * pieces the bytes come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "capture_testing.h"
#include "plant_testing.h"

/* A text that stands in so many of the lines. */
struct expected {
	const char *file;
	unsigned messages;
	struct {
		const char *text;
		unsigned times;
	} lines[5];
};

static const struct expected expected[] = {
#include "iso_data_expected.inc"
};

struct told {
	struct buf said;
	unsigned messages;
};

static void say(void *context, const struct plant_message *m)
{
	struct told *t = context;

	t->messages++;
	plant_say(&t->said, m);
}

static unsigned times(struct slice text, struct slice what)
{
	unsigned n = 0;

	for (;;) {
		size_t at = slice_find_text(text, what);

		if (at == text.len)
			return n;
		n++;
		text = slice_cut(text, at + what.len, text.len);
	}
}

static void test_captures(void **state)
{
	const char *folder = capture_folder();

	(void)state;
	if (folder == NULL)
		skip();
	for (size_t i = 0; i < COUNT_OF(expected); i++) {
		static const size_t pieces[] = {0, 1, 7};
		struct told whole = {0};

		for (size_t k = 0; k < COUNT_OF(pieces); k++) {
			struct told told = {0};
			struct capture_use use = {
				.message = say, .context = &told, .piece = pieces[k]};
			char path[1024];

			snprintf(path, sizeof(path), "%s/%s", folder, expected[i].file);
			assert_true(capture_read(path, &use));
			assert_int_equal(use.bad, 0);
			if (k == 0) {
				whole = told;
				continue;
			}
			assert_int_equal(told.messages, whole.messages);
			assert_true(slice_equal(buf_slice(&told.said), buf_slice(&whole.said)));
			buf_fini(&told.said);
		}
		if (whole.messages != expected[i].messages)
			print_error("%s\n", expected[i].file);
		assert_int_equal(whole.messages, expected[i].messages);
		for (size_t k = 0; k < COUNT_OF(expected[i].lines); k++) {
			const char *text = expected[i].lines[k].text;

			if (text == NULL)
				break;
			if (times(buf_slice(&whole.said), slice_of(text)) !=
				expected[i].lines[k].times)
				print_error("%s: %s\n", expected[i].file, text);
			assert_int_equal(times(buf_slice(&whole.said), slice_of(text)),
				expected[i].lines[k].times);
		}
		buf_fini(&whole.said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
