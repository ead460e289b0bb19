/* SPDX-License-Identifier: MPL-2.0 */
/* Private to this folder. */
#ifndef JSON_NUMBER_H
#define JSON_NUMBER_H

#include "json.h"

/* Integers up to here are doubles, each of them (RFC 7493 section 2.2). */
#define JSON_EXACT_MAX 0x1p53

/* Decimal digits of value, most significant first, without NUL; returns how many. */
int json_digits(uint64_t value, char ret_digits[20]);

#endif
