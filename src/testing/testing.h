/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the tests of all folders share: calls that must go well, folders to work in, and real data.
 * Nothing that is shipped links it.
 */
#ifndef TESTING_H
#define TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base.h"

#define TESTING_PATH_MAX 512 /* bytes of a path, with its NUL */

/* A call whose last argument is `e` (a struct err *), which is told when the test fails of it. */
#define MUST(call)                                                                                 \
	do {                                                                                       \
		struct err e_ = {0};                                                               \
		struct err *e = &e_;                                                               \
		if ((call) != OK)                                                                  \
			fail_msg("%s: %s", #call, e_.text);                                        \
	} while (0)

/* A new folder of this process alone, "/tmp/serai-NAME-XXXXXX". */
void testing_folder_make(const char *name, char ret_path[TESTING_PATH_MAX]);
/* With everything below it. */
void testing_folder_remove(const char *path);

/* NAME below $SERAI_DATA, else below ../shared/data beside the checkout; the test is skipped when
 * it is not there. */
void testing_data_path(const char *name, char ret_path[TESTING_PATH_MAX]);
/* Its bytes, unpacked when they are packed (input_open). buf_fini is the caller's. */
struct buf testing_data_read(const char *name);

#endif
