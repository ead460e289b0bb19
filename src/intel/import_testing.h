/* SPDX-License-Identifier: MPL-2.0 */
/* What the tests of importers share: a sink that collects, and what they ask of its text. */
#ifndef IMPORT_TESTING_H
#define IMPORT_TESTING_H

#include "testing/testing.h"

#include "import_collect.h"

/* For cmocka: *state is a struct collect of its own. */
int import_set_up(void **state);
int import_tear_down(void **state);

void assert_has(const struct buf *text, const char *part);
void assert_has_not(const struct buf *text, const char *part);
/* Nothing that was emitted breaks a rule of STIX. */
void assert_clean(const struct collect *c);

#endif
