/* SPDX-License-Identifier: MPL-2.0 */
/* The C side of json_simd.cpp, the only file that knows simdjson. Private to this folder. */
#ifndef JSON_SIMD_H
#define JSON_SIMD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct json_simd;

#define JSON_SIMD_PADDING 64 /* bytes */

enum json_simd_result {
	JSON_SIMD_OK,
	JSON_SIMD_REFUSED, /* no JSON, or an integer outside int64 and uint64, or far too deep */
	JSON_SIMD_NOMEM
};

/*
 * depth_max bounds simdjson's stack; it lets an empty innermost container pass uncounted, so the
 * exact limit is checked on the tape. NULL when out of memory.
 */
struct json_simd *json_simd_new(size_t bytes_max, size_t depth_max);
void json_simd_free(struct json_simd *s); /* accepts NULL */

/*
 * JSON_SIMD_PADDING bytes behind text may be read, whatever they hold. The tape (see json.h) and
 * the strings are borrowed from s until its next parse. Any 8 bytes from the start of a string on
 * may be read.
 */
enum json_simd_result json_simd_parse(struct json_simd *s, const char *text, size_t len,
	const uint64_t **ret_tape, const uint8_t **ret_strings);

#ifdef __cplusplus
}
#endif

#endif
