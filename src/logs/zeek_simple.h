/* SPDX-License-Identifier: MPL-2.0 */
/* A reader of Zeek's tab-separated logs that is too simple to be wrong, for tests of the other. */
#ifndef ZEEK_SIMPLE_H
#define ZEEK_SIMPLE_H

#include "testing/testing.h"

#include "logs_testing.h"

#define ALL_ROLES (~UINT64_C(0))

/* Both read the same from a log, fed `chunk` bytes at a time, and in two feeds of which the first
 * has `cut`; 0: everything at once. */
void agree(struct slice log, uint64_t roles, size_t chunk, size_t cut);

#endif
