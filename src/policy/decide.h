/* SPDX-License-Identifier: MPL-2.0 */
/* What explaining shares with deciding. */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include "inside.h"

/* The rules of the family that match, one bit each, with this value of the sector (sector -1: the
 * case's own). */
void case_matches(const struct policy *p, const struct policy_case *c, int sector,
	unsigned sector_bit, uint64_t ret_matches[TABLE_WORDS_MAX]);

#endif
