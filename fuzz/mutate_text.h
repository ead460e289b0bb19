/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A mutator for texts, included by a NAME_fuzz.c whose input is one. libFuzzer's own changes bytes:
 * it seldom hits upon two lines where there was one, or upon a JSON value within another. Half of
 * the time this one takes a piece that means something (a line; a number; a JSON value or member
 * with all that is in it) and copies it, takes it out, or replaces it.
 */
#ifndef MUTATE_TEXT_H
#define MUTATE_TEXT_H

#ifdef SERAI_FUZZING
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define MUTATE_PIECE_MAX 2048 /* bytes of a piece that is copied */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

struct mutate_piece {
	size_t at, len;
};

static size_t mutate_random(uint64_t *state, size_t below)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return below == 0 ? 0 : (size_t)(*state >> 33) % below;
}

static bool mutate_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* The line that has the byte `at`, with its line feed. */
static struct mutate_piece mutate_line(const uint8_t *data, size_t size, size_t at)
{
	size_t end = at;

	while (at > 0 && data[at - 1] != '\n')
		at--;
	while (end < size && data[end] != '\n')
		end++;
	return (struct mutate_piece){at, end + (end < size) - at};
}

static struct mutate_piece mutate_number(const uint8_t *data, size_t size, size_t at)
{
	size_t end;

	while (at < size && !mutate_is_digit(data[at]))
		at++;
	for (end = at; end < size && mutate_is_digit(data[end]); end++)
		;
	return (struct mutate_piece){at, end - at};
}

static size_t mutate_string_end(const uint8_t *data, size_t size, size_t at)
{
	for (at++; at < size && data[at] != '"'; at++)
		at += data[at] == '\\';
	return at < size ? at + 1 : size;
}

/* The JSON value or member that begins behind the next bracket, brace or comma from `at` on. */
static struct mutate_piece mutate_value(const uint8_t *data, size_t size, size_t at)
{
	size_t end, depth = 0;

	while (at < size && strchr("{[,", data[at]) == NULL)
		at++;
	for (at++; at < size && strchr(" \t\r\n", data[at]) != NULL; at++)
		;
	for (end = at; end < size; end++) {
		uint8_t c = data[end];

		if (depth == 0 && (c == ',' || c == ']' || c == '}'))
			break;
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		if (c == '"')
			end = mutate_string_end(data, size, end) - 1;
	}
	return at < end ? (struct mutate_piece){at, end - at} : (struct mutate_piece){0, 0};
}

/* in: no part of data */
static size_t mutate_replace(uint8_t *data, size_t size, size_t max_size, struct mutate_piece gone,
	const void *in, size_t in_len)
{
	size_t after = gone.at + gone.len;

	if (size - gone.len + in_len > max_size || size - gone.len + in_len == 0)
		return size;
	memmove(data + gone.at + in_len, data + after, size - after);
	memcpy(data + gone.at, in, in_len);
	return size - gone.len + in_len;
}

/* The piece once more before another one of its sort. */
static size_t mutate_copy(uint8_t *data, size_t size, size_t max_size, struct mutate_piece piece,
	size_t before, bool comma)
{
	uint8_t copy[MUTATE_PIECE_MAX + 1];

	if (piece.len == 0 || piece.len > MUTATE_PIECE_MAX || before > size)
		return size;
	memcpy(copy, data + piece.at, piece.len);
	copy[piece.len] = ',';
	return mutate_replace(
		data, size, max_size, (struct mutate_piece){before, 0}, copy, piece.len + comma);
}

static size_t mutate_remove(
	uint8_t *data, size_t size, size_t max_size, struct mutate_piece piece, bool comma)
{
	piece.len += comma && piece.at + piece.len < size && data[piece.at + piece.len] == ',';
	return mutate_replace(data, size, max_size, piece, "", 0);
}

/* Something new, with luck a word of the dictionary, where a line, a value or a member begins. */
static size_t mutate_insert(uint8_t *data, size_t size, size_t max_size, size_t at, uint64_t *state)
{
	uint8_t word[128];
	size_t len = LLVMFuzzerMutate(word, 0, sizeof(word));
	struct mutate_piece before = mutate_random(state, 3) == 0 ? mutate_line(data, size, at)
								  : mutate_value(data, size, at);

	before.len = 0;
	return mutate_replace(data, size, max_size, before, word, len);
}

/* A number, or true or false, by another. */
static size_t mutate_scalar(uint8_t *data, size_t size, size_t max_size, size_t at, uint64_t *state)
{
	static const char numbers[][24] = {"0", "1", "2", "3", "4", "5", "7", "10", "17", "60",
		"85", "99", "100", "127", "256", "300", "1000", "4000", "65536", "1000000",
		"2147483648", "4294967296", "9007199254740993", "9223372036854775807",
		"18446744073709551615"};
	struct mutate_piece piece = mutate_number(data, size, at);
	const char *number = numbers[mutate_random(state, sizeof(numbers) / sizeof(numbers[0]))];

	if (mutate_random(state, 4) != 0)
		return piece.len == 0 ? size
				      : mutate_replace(data, size, max_size, piece, number,
						strlen(number));
	for (; at + 5 <= size; at++) {
		if (memcmp(data + at, "false", 5) == 0)
			return mutate_replace(
				data, size, max_size, (struct mutate_piece){at, 5}, "true", 4);
		if (memcmp(data + at, "true", 4) == 0)
			return mutate_replace(
				data, size, max_size, (struct mutate_piece){at, 4}, "false", 5);
	}
	return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	uint64_t state = seed;
	size_t at = mutate_random(&state, size), other = mutate_random(&state, size);

	if (size < 2 || mutate_random(&state, 2) == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	switch (mutate_random(&state, 10)) {
	case 0:
	case 1:
		return mutate_copy(data, size, max_size, mutate_line(data, size, at),
			mutate_line(data, size, other).at, false);
	case 2:
	case 3:
		return mutate_copy(data, size, max_size, mutate_value(data, size, at),
			mutate_value(data, size, other).at, true);
	case 4:
		return mutate_remove(data, size, max_size, mutate_line(data, size, at), false);
	case 5:
		return mutate_remove(data, size, max_size, mutate_value(data, size, at), true);
	case 6:
	case 7:
		return mutate_insert(data, size, max_size, at, &state);
	default:
		return mutate_scalar(data, size, max_size, at, &state);
	}
}
#endif

#endif
