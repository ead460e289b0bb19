/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Short texts about messages: bounded, and never able to draw on a terminal, since what they say
 * comes from the wire.
 */
#include "plant_parts.h"

#define CUT "..."

/* A text is full when it ends in the mark of the cut at the very end of its room. */
bool plant_full(const char text[PLANT_TEXT_MAX])
{
	return text[PLANT_TEXT_MAX - 2] != 0;
}

/* `want` bytes were asked for at `at`, of which only some fit: close with the mark, at the end of a
 * character. */
static void cut(char text[PLANT_TEXT_MAX])
{
	size_t at = PLANT_TEXT_MAX - sizeof(CUT);

	while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
		at--;
	/* dots to the very end, so that plant_full sees it */
	memset(text + at, '.', PLANT_TEXT_MAX - 1 - at);
	text[PLANT_TEXT_MAX - 1] = 0;
}

/* Is there room? A text that was exactly full learns here that more was to come. */
static bool room_left(char text[PLANT_TEXT_MAX])
{
	if (!plant_full(text))
		return true;
	cut(text);
	return false;
}

void plant_put(char text[PLANT_TEXT_MAX], const char *format, ...)
{
	size_t at = strnlen(text, PLANT_TEXT_MAX - 1), room = PLANT_TEXT_MAX - at;
	va_list args;
	int len;

	if (format[0] == 0 || !room_left(text))
		return;
	va_start(args, format);
	len = vsnprintf(text + at, room, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= room)
		cut(text);
}

/* Controls (C0, DEL, C1), and what reorders or hides text: U+200B..U+200F, U+2028..U+202E,
 * U+2060..U+2069, U+FEFF. */
static bool draws(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}

void plant_put_text(char text[PLANT_TEXT_MAX], struct slice foreign)
{
	size_t at = strnlen(text, PLANT_TEXT_MAX - 1);

	if (foreign.len == 0 || !room_left(text))
		return;
	while (foreign.len > 0) {
		struct slice before = foreign;
		uint32_t c = utf8_next(&foreign);
		struct slice shown = slice_cut(before, 0, before.len - foreign.len);

		if (c == 0xfffd || draws(c))
			shown = SLICE("?");
		if (shown.len > PLANT_TEXT_MAX - 1 - at) {
			memset(text + at, '.', PLANT_TEXT_MAX - 1 - at);
			cut(text);
			return;
		}
		memcpy(text + at, shown.data, shown.len);
		at += shown.len;
		text[at] = 0;
	}
}

void plant_put_malformed(struct plant_message *m)
{
	static const char note[] = "malformed";
	size_t at = strnlen(m->value, PLANT_TEXT_MAX - 1);

	/* It must be seen, even if values have to go for it. */
	if (at > PLANT_TEXT_MAX - 1 - sizeof(note)) {
		at = PLANT_TEXT_MAX - 1 - sizeof(note);
		while (at > 0 && ((unsigned char)m->value[at] & 0xc0) == 0x80)
			at--;
	}
	memset(m->value + at, 0, PLANT_TEXT_MAX - at); /* no longer full */
	plant_put(m->value, "%s%s", at == 0 ? "" : " ", note);
}

void plant_put_hex(char text[PLANT_TEXT_MAX], struct slice bytes)
{
	for (size_t k = 0; k < bytes.len && !plant_full(text); k++)
		plant_put(text, "%02x", (unsigned char)bytes.data[k]);
}
