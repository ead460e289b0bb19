/* SPDX-License-Identifier: MPL-2.0 */
/* Runs conversations through streams, cut in every way, and writes down what is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plant_testing.h"

static const char *const directions[] = {"unknown", "request", "response", "unsolicited"};

void plant_say(void *context, const struct plant_message *m)
{
	struct buf *b = context;

	assert_true(strnlen(m->unit, PLANT_TEXT_MAX) < PLANT_TEXT_MAX);
	assert_true(strnlen(m->object, PLANT_TEXT_MAX) < PLANT_TEXT_MAX);
	assert_true(strnlen(m->value, PLANT_TEXT_MAX) < PLANT_TEXT_MAX);
	assert_non_null(m->function);
	buf_printf(b, "%s %u %s, %s, %s%s", plant_protocol_name(m->protocol), m->code, m->function,
		plant_operation_name(m->operation), directions[m->direction],
		m->refused ? ", refused" : "");
	if (m->unit[0] != 0)
		buf_printf(b, ", unit %s", m->unit);
	if (m->object[0] != 0)
		buf_printf(b, ", %s", m->object);
	if (m->value[0] != 0)
		buf_printf(b, " = %s", m->value);
	buf_text(b, "\n");
}

struct slice plant_hex(const char *hex)
{
	size_t len = 0, digits = 0;
	char *bytes, *packed;

	packed = malloc(strlen(hex) + 1);
	assert_non_null(packed);
	for (; *hex != 0; hex++) {
		if (*hex != ' ' && *hex != '\n')
			packed[digits++] = *hex;
	}
	len = digits / 2;
	bytes = malloc(len == 0 ? 1 : len);
	assert_non_null(bytes);
	assert_true(hex_decode((struct slice){packed, digits}, bytes, len));
	free(packed);
	return (struct slice){bytes, len};
}

/* An exact copy, so that a sanitizer sees the first byte past the end. */
static bool feed(struct plant_stream *s, unsigned direction, struct slice bytes, struct buf *said)
{
	char *exact = malloc(bytes.len == 0 ? 1 : bytes.len);
	bool good;

	assert_non_null(exact);
	if (bytes.len != 0)
		memcpy(exact, bytes.data, bytes.len);
	good = plant_stream_feed(s, direction, (struct slice){exact, bytes.len}, plant_say, said);
	free(exact);
	return good;
}

/* piece: bytes per feed, 0 for all at once; otherwise step `cut_step` is cut at `cut`. */
static void run(enum plant_protocol protocol, const struct plant_talk *talk, size_t piece,
	size_t cut_step, size_t cut)
{
	struct plant_stream *s = plant_stream_new(protocol);
	struct buf said = BUF_INIT;
	bool good = true;

	assert_non_null(s);
	for (size_t k = 0; k < PLANT_STEPS_MAX && talk->steps[k].hex != NULL; k++) {
		struct slice bytes = plant_hex(talk->steps[k].hex), rest = bytes;

		while (rest.len > 0) {
			size_t take = piece == 0 ? rest.len : piece;

			if (k == cut_step && rest.len == bytes.len && cut > 0)
				take = cut;
			if (!feed(s, talk->steps[k].direction, slice_cut(rest, 0, take), &said))
				good = false;
			rest = slice_cut(rest, take, rest.len);
		}
		free((void *)(uintptr_t)bytes.data);
	}
	buf_char(&said, 0);
	assert_false(said.bad);
	if (strcmp(said.data, talk->says) != 0 || good == talk->bad)
		print_error("%s (pieces of %zu, step %zu cut at %zu)\n", talk->what, piece,
			cut_step, cut);
	assert_string_equal(said.data, talk->says);
	assert_int_equal(good, !talk->bad);
	buf_fini(&said);
	plant_stream_free(s);
}

void plant_talks_check(enum plant_protocol protocol, const struct plant_talk *talks, size_t count)
{
	for (size_t t = 0; t < count; t++) {
		run(protocol, &talks[t], 0, SIZE_MAX, 0);
		run(protocol, &talks[t], 1, SIZE_MAX, 0);
		for (size_t k = 0; k < PLANT_STEPS_MAX && talks[t].steps[k].hex != NULL; k++) {
			struct slice bytes = plant_hex(talks[t].steps[k].hex);

			free((void *)(uintptr_t)bytes.data);
			for (size_t cut = 1; cut < bytes.len; cut++)
				run(protocol, &talks[t], 0, k, cut);
		}
	}
}

void plant_grams_check(enum plant_protocol protocol, const struct plant_gram *grams, size_t count)
{
	for (size_t g = 0; g < count; g++) {
		struct slice bytes = plant_hex(grams[g].hex);
		struct buf said = BUF_INIT;
		bool good = plant_datagram(protocol, grams[g].to_server, bytes, plant_say, &said);

		buf_char(&said, 0);
		if (strcmp(said.data, grams[g].says) != 0 || good == grams[g].bad)
			print_error("%s\n", grams[g].what);
		assert_string_equal(said.data, grams[g].says);
		assert_int_equal(good, !grams[g].bad);
		for (size_t len = 0; len < bytes.len; len++) {
			char *exact = malloc(len == 0 ? 1 : len);

			assert_non_null(exact);
			memcpy(exact, bytes.data, len);
			buf_clear(&said);
			(void)plant_datagram(protocol, grams[g].to_server,
				(struct slice){exact, len}, plant_say, &said);
			free(exact);
		}
		buf_fini(&said);
		free((void *)(uintptr_t)bytes.data);
	}
}
