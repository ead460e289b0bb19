/* SPDX-License-Identifier: MPL-2.0 */
/* Errors for people: one sentence, safe to print on a terminal whatever the peer put into it. */
#include <errno.h>

#include "base.h"

/* Replace what could draw on a terminal or is no UTF-8: control characters, bidi overrides, bad
 * bytes. In place: the replacement is never longer. */
static void text_make_safe(char *text)
{
	struct slice rest = slice_of(text);
	char *to = text;

	while (rest.len > 0) {
		const char *from = rest.data;
		uint32_t c = utf8_next(&rest);
		size_t len = (size_t)(rest.data - from);
		bool bidi = (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);

		if (c < 0x20 || (c >= 0x7f && c < 0xa0) || bidi || (c == 0xfffd && len == 1)) {
			*to++ = '?';
		} else {
			memmove(to, from, len);
			to += len;
		}
	}
	*to = '\0';
}

static void text_mark_cut(char *text, int wanted)
{
	if (wanted >= ERR_TEXT_MAX) {
		/* do not leave half a character before the dots */
		size_t end = ERR_TEXT_MAX - 4;

		while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
			end--;
		memcpy(text + end, "...", 4);
	}
}

enum err_kind err_set(struct err *e, enum err_kind kind, const char *format, ...)
{
	/* The arguments may point into e->text, so print beside it. */
	char text[ERR_TEXT_MAX];
	va_list args;
	int wanted;

	if (e == NULL)
		return kind;
	va_start(args, format);
	wanted = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_mark_cut(text, wanted);
	text_make_safe(text);
	memcpy(e->text, text, sizeof(text));
	e->kind = kind;
	return kind;
}

enum err_kind err_wrap(struct err *e, const char *format, ...)
{
	char text[ERR_TEXT_MAX * 2];
	va_list args;
	int len;

	if (e == NULL)
		return ERR_IO;
	va_start(args, format);
	len = vsnprintf(text, ERR_TEXT_MAX, format, args);
	va_end(args);
	if (len >= ERR_TEXT_MAX)
		len = ERR_TEXT_MAX - 1;
	if (len < 0)
		len = 0;
	len += snprintf(text + len, sizeof(text) - (size_t)len, ": %s", e->text);
	memcpy(e->text, text, ERR_TEXT_MAX - 1);
	e->text[ERR_TEXT_MAX - 1] = '\0';
	text_mark_cut(e->text, len);
	text_make_safe(e->text);
	return e->kind;
}

enum err_kind err_kind_of_errno(int number)
{
	switch (number) {
	case ENOSPC:
	case EDQUOT:
		return ERR_FULL;
	case ENOMEM:
		return ERR_NOMEM;
	case EACCES:
	case EPERM:
		return ERR_DENIED;
	default:
		return ERR_IO;
	}
}

const char *err_kind_name(enum err_kind kind)
{
	static const char *const names[ERR_KINDS] = {
		[OK] = "ok",
		[ERR_USAGE] = "usage",
		[ERR_PARSE] = "parse",
		[ERR_INVALID] = "invalid",
		[ERR_LIMIT] = "limit",
		[ERR_CONFLICT] = "conflict",
		[ERR_DENIED] = "denied",
		[ERR_BUSY] = "busy",
		[ERR_IO] = "io",
		[ERR_FULL] = "full",
		[ERR_CORRUPT] = "corrupt",
		[ERR_NOMEM] = "nomem",
	};

	return (unsigned)kind < ERR_KINDS && names[kind] != NULL ? names[kind] : "unknown";
}
