/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The one C++ file: simdjson's DOM parser behind a C ABI. It lends the tape and the string buffer,
 * so that C walks them without a call. Nothing here throws (compiled without exceptions).
 */
#include <new>

#include <simdjson.h>

#include "json_simd.h"

static_assert(JSON_SIMD_PADDING >= simdjson::SIMDJSON_PADDING, "what callers leave must suffice");

/* Below this a parser is not worth growing step by step. */
static constexpr size_t capacity_min = 16384;

struct json_simd {
	simdjson::dom::parser parser;
	simdjson::dom::document document;
	size_t capacity;
	size_t bytes_max;
	size_t depth_max;
};

struct json_simd *json_simd_new(size_t bytes_max, size_t depth_max)
{
	auto *s = new (std::nothrow) json_simd;

	if (s != nullptr) {
		s->capacity = 0;
		s->bytes_max = bytes_max;
		s->depth_max = depth_max;
	}
	return s;
}

void json_simd_free(struct json_simd *s)
{
	delete s;
}

/* Twice as much each time, so that growing objects do not cost an allocation each. */
static bool capacity_grow(struct json_simd *s, size_t len)
{
	size_t capacity = s->capacity > capacity_min ? s->capacity : capacity_min;

	while (capacity < len)
		capacity *= 2;
	if (capacity > s->bytes_max && len <= s->bytes_max && s->bytes_max > capacity_min)
		capacity = s->bytes_max;
	s->capacity = 0;
	if (s->parser.allocate(capacity, s->depth_max) != simdjson::SUCCESS ||
		s->document.allocate(capacity) != simdjson::SUCCESS)
		return false;
	s->capacity = capacity;
	return true;
}

enum json_simd_result json_simd_parse(struct json_simd *s, const char *text, size_t len,
	const uint64_t **ret_tape, const uint8_t **ret_strings)
{
	simdjson::error_code code;

	if (len > s->capacity || s->capacity == 0) {
		if (!capacity_grow(s, len))
			return JSON_SIMD_NOMEM;
	}
	code = s->parser.parse_into_document(s->document, text, len, false).error();
	if (code == simdjson::MEMALLOC)
		return JSON_SIMD_NOMEM;
	if (code != simdjson::SUCCESS)
		return JSON_SIMD_REFUSED;
	*ret_tape = s->document.tape.get();
	*ret_strings = s->document.string_buf.get();
	return JSON_SIMD_OK;
}
