/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A mutator for texts, included by a NAME_fuzz.c whose input is one. libFuzzer's own changes bytes:
 * it seldom hits upon two lines where there was one, or upon a JSON value within another. Half of
 * the time this one takes a piece that means something (a line; a word; a number; a JSON value or
 * member with all that is in it), any as likely as any other however long it is, and copies it,
 * takes it out, or puts another in its place: of this text, or of one that was seen before.
 */
#ifndef MUTATE_TEXT_H
#define MUTATE_TEXT_H

#include "mutate.h"

#ifdef SERAI_FUZZING

#define MUTATE_PIECE_MAX 2048 /* bytes of a piece that is copied */
#define MUTATE_KEPT      64   /* pieces of each sort that are remembered */
#define MUTATE_KEPT_MAX  256  /* bytes of each of them */

struct mutate_piece {
	size_t at, len;
};

enum mutate_sort { MUTATE_LINE, MUTATE_WORD, MUTATE_VALUE, MUTATE_SORTS };

static bool mutate_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool mutate_is_word(uint8_t c)
{
	return mutate_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static bool mutate_begins(const uint8_t *data, size_t at, enum mutate_sort sort)
{
	switch (sort) {
	case MUTATE_LINE:
		return at == 0 || data[at - 1] == '\n';
	case MUTATE_WORD:
		return mutate_is_word(data[at]) && (at == 0 || !mutate_is_word(data[at - 1]));
	default:
		return data[at] == '{' || data[at] == '[' || data[at] == ',';
	}
}

/* Where the piece begins before which `before` others do, of those inside of `depth` brackets; of
 * values that are deep there are many, so depths are as likely as each other. *ret_count: how many
 * there are in all, *ret_deepest: inside of how many brackets the deepest is. */
static size_t mutate_nth(const uint8_t *data, size_t size, enum mutate_sort sort, size_t depth,
	size_t before, size_t *ret_count, size_t *ret_deepest)
{
	size_t found = 0, now = 0;

	*ret_count = *ret_deepest = 0;
	for (size_t at = 0; at < size; at++) {
		bool opens = data[at] == '{' || data[at] == '[';

		if (sort == MUTATE_VALUE) {
			now += opens;
			now -= (data[at] == '}' || data[at] == ']') && now > 0;
		}
		if (!mutate_begins(data, at, sort))
			continue;
		*ret_deepest = now > *ret_deepest ? now : *ret_deepest;
		if (now != depth)
			continue;
		if (*ret_count == before)
			found = at;
		++*ret_count;
	}
	return found;
}

/* Where one of its pieces begins; 0 when there is none. Half of the words are those of some line,
 * so that a short line is not forgotten beside a long one. */
static size_t mutate_start(const uint8_t *data, size_t size, enum mutate_sort sort, uint64_t *state)
{
	size_t depth, count, deepest, from = 0, to = size;

	if (sort == MUTATE_WORD && mutate_random(state, 2) == 0) {
		from = mutate_start(data, size, MUTATE_LINE, state);
		for (to = from; to < size && data[to] != '\n'; to++)
			;
	}
	(void)mutate_nth(data + from, to - from, sort, SIZE_MAX, 0, &count, &deepest);
	depth = deepest == 0 ? 0 : 1 + mutate_random(state, deepest);
	(void)mutate_nth(data + from, to - from, sort, depth, 0, &count, &deepest);
	return from + mutate_nth(data + from, to - from, sort, depth, mutate_random(state, count),
			      &count, &deepest);
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

/* The JSON value or member that begins behind the bracket, brace or comma at `at`. */
static struct mutate_piece mutate_value(const uint8_t *data, size_t size, size_t at)
{
	size_t end, depth = 0;

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

/* Any piece of a sort: a line with its line feed; words, up to three, with what parts them. */
static struct mutate_piece mutate_any(
	const uint8_t *data, size_t size, enum mutate_sort sort, uint64_t *state)
{
	size_t at = mutate_start(data, size, sort, state), end = at, rest;

	switch (sort) {
	case MUTATE_LINE:
		while (end < size && data[end] != '\n')
			end++;
		return (struct mutate_piece){at, end + (end < size) - at};
	case MUTATE_WORD:
		for (size_t words = 1 + mutate_random(state, 3); words > 0; words--) {
			while (end < size && mutate_is_word(data[end]))
				end++;
			for (rest = end;
				rest < size && !mutate_is_word(data[rest]) && data[rest] != '\n';
				rest++)
				;
			if (words > 1 || mutate_random(state, 2) == 0)
				end = rest;
		}
		return (struct mutate_piece){at, end - at};
	default:
		return mutate_value(data, size, at);
	}
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

/* Before a piece of a sort, in the place of it, or at the end. */
static size_t mutate_put(uint8_t *data, size_t size, size_t max_size, enum mutate_sort sort,
	const uint8_t *piece, size_t len, uint64_t *state)
{
	uint8_t in[MUTATE_PIECE_MAX + 1];
	struct mutate_piece gone = mutate_any(data, size, sort, state);
	bool comma = false;

	if (len == 0 || len > MUTATE_PIECE_MAX)
		return size;
	memcpy(in, piece, len);
	if (mutate_random(state, 8) == 0) {
		gone = (struct mutate_piece){size, 0};
	} else if (mutate_random(state, 2) == 0) {
		gone.len = 0;
		comma = sort == MUTATE_VALUE;
		in[len] = ',';
	}
	return mutate_replace(data, size, max_size, gone, in, len + comma);
}

static size_t mutate_copy(
	uint8_t *data, size_t size, size_t max_size, enum mutate_sort sort, uint64_t *state)
{
	uint8_t copy[MUTATE_PIECE_MAX];
	struct mutate_piece piece = mutate_any(data, size, sort, state);

	if (piece.len > sizeof(copy))
		return size;
	memcpy(copy, data + piece.at, piece.len);
	return mutate_put(data, size, max_size, sort, copy, piece.len, state);
}

/* A piece of some text before this one; one of this is kept for those that come. */
static size_t mutate_cross(
	uint8_t *data, size_t size, size_t max_size, enum mutate_sort sort, uint64_t *state)
{
	static struct {
		uint8_t bytes[MUTATE_KEPT_MAX];
		size_t len;
	} kept[MUTATE_SORTS][MUTATE_KEPT];
	size_t row = mutate_random(state, MUTATE_KEPT), other = mutate_random(state, MUTATE_KEPT);
	struct mutate_piece piece = mutate_any(data, size, sort, state);

	if (piece.len > 0 && piece.len <= MUTATE_KEPT_MAX) {
		memcpy(kept[sort][row].bytes, data + piece.at, piece.len);
		kept[sort][row].len = piece.len;
	}
	return mutate_put(
		data, size, max_size, sort, kept[sort][other].bytes, kept[sort][other].len, state);
}

static size_t mutate_remove(
	uint8_t *data, size_t size, size_t max_size, enum mutate_sort sort, uint64_t *state)
{
	struct mutate_piece piece = mutate_any(data, size, sort, state);

	piece.len += sort == MUTATE_VALUE && piece.at + piece.len < size &&
		     data[piece.at + piece.len] == ',';
	return mutate_replace(data, size, max_size, piece, "", 0);
}

/* Something new, with luck a word of the dictionary, where a piece begins or at the end. */
static size_t mutate_insert(
	uint8_t *data, size_t size, size_t max_size, enum mutate_sort sort, uint64_t *state)
{
	uint8_t word[128];
	size_t len = LLVMFuzzerMutate(word, 0, sizeof(word));
	struct mutate_piece before = mutate_any(data, size, sort, state);

	before.len = 0;
	if (mutate_random(state, 4) == 0)
		before.at = size;
	return mutate_replace(data, size, max_size, before, word, len);
}

/* A number, or true or false, by another. */
static size_t mutate_scalar(uint8_t *data, size_t size, size_t max_size, uint64_t *state)
{
	static const char numbers[][24] = {"0", "1", "2", "3", "4", "5", "7", "10", "17", "60",
		"85", "99", "100", "127", "256", "300", "1000", "4000", "65536", "1000000",
		"2147483648", "4294967296", "9007199254740993", "9223372036854775807",
		"18446744073709551615"};
	size_t at = mutate_start(data, size, MUTATE_WORD, state);
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
	enum mutate_sort sort;

	if (size < 2 || mutate_random(&state, 2) == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	sort = (enum mutate_sort)mutate_random(&state, MUTATE_SORTS);
	switch (mutate_random(&state, 10)) {
	case 0:
	case 1:
	case 2:
		return mutate_copy(data, size, max_size, sort, &state);
	case 3:
	case 4:
		return mutate_cross(data, size, max_size, sort, &state);
	case 5:
		return mutate_remove(data, size, max_size, sort, &state);
	case 6:
	case 7:
		return mutate_insert(data, size, max_size, sort, &state);
	default:
		return mutate_scalar(data, size, max_size, &state);
	}
}
#endif

#endif
