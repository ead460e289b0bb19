/* SPDX-License-Identifier: MPL-2.0 */
/* What the tests of the server share: a store to ask, and what they look for in answers. */
#ifndef TAXII_CASES_H
#define TAXII_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "taxii_testing.h"

/* Two accounts ("reader", "other") that may read collection "a" of ten indicators, one that may
 * write to it, too ("writer"), an administrator ("admin"), and a collection "b" nobody has rights
 * on. */
int cases_setup(void **state);
int cases_teardown(void **state);
#define CASE(name) cmocka_unit_test_setup_teardown(name, cases_setup, cases_teardown)

int64_t number_of(struct testing *t, const char *alias);
/* The numbers of the indicators on the last page, as text: "0 1 2". */
const char *page_numbers(struct testing *t);
bool page_more(struct testing *t);
/* RFC 3339 in UTC with exactly six digits. */
void assert_timestamp(struct slice text);
/* An error resource: title, and http_status as a string that equals the status. */
void assert_error(struct testing *t, unsigned status);

#define ID_3     "indicator--00000003-0000-4000-8000-000000000000"
#define OBJECT_1 "/api/collections/a/objects/indicator--00000001-0000-4000-8000-000000000000/"
#define OBJECT_3 "/api/collections/a/objects/" ID_3 "/"

#endif
