/* SPDX-License-Identifier: MPL-2.0 */
/* What the tests of this folder share: the real data beside the checkout. */
#ifndef JSON_TESTING_H
#define JSON_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "json.h"

/* A file of SERAI_DATA or <source root>/../shared/data, unpacked; skips the test when missing. */
static inline struct buf data_read(const char *name)
{
	const char *folder = getenv("SERAI_DATA");
	struct buf text = BUF_INIT;
	struct input *in = NULL;
	struct err e;
	char path[512];
	size_t len;

	snprintf(path, sizeof(path), "%s/%s",
		folder != NULL ? folder : SOURCE_ROOT "/../shared/data", name);
	if (input_open(path, &in, &e) != OK) {
		print_message("skipped: %s\n", e.text);
		skip();
	}
	do {
		char *to = buf_reserve(&text, KIB(64));

		assert_non_null(to);
		if (input_read(in, to, KIB(64), &len, &e) != OK)
			fail_msg("%s", e.text);
		text.len += len;
	} while (len > 0);
	input_free(in);
	return text;
}

#endif
