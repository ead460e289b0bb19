/* SPDX-License-Identifier: MPL-2.0 */
/* Structured logs: one JSON object a line, written in one call so that threads do not mix. */
#include "base.h"

static void value_append(struct buf *b, const char *text)
{
	struct slice rest = slice_cut(slice_of(text), 0, LOG_VALUE_MAX);

	buf_char(b, '"');
	while (rest.len > 0) {
		uint32_t c = utf8_next(&rest);

		if (c == '"' || c == '\\') {
			buf_char(b, '\\');
			buf_char(b, (char)c);
		} else if (c < 0x20 || c == 0x7f) {
			buf_printf(b, "\\u%04x", (unsigned)c);
		} else {
			utf8_append(b, c);
		}
	}
	buf_char(b, '"');
}

void log_line(const struct log *log, enum log_level level, const char *event, ...)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	struct buf line = BUF_INIT;
	char time[TIME_TEXT_MAX];
	va_list args;
	const char *name;

	if (log == NULL || log->to == NULL || level < log->least)
		return;
	time_format(world_now(log->world), 6, time);
	buf_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":", time, names[level]);
	value_append(&line, event);
	va_start(args, event);
	while ((name = va_arg(args, const char *)) != NULL) {
		const char *value = va_arg(args, const char *);

		if (value == NULL)
			break;
		buf_char(&line, ',');
		value_append(&line, name);
		buf_char(&line, ':');
		value_append(&line, value);
	}
	va_end(args);
	buf_text(&line, "}\n");
	if (!line.bad) {
		fwrite(line.data, 1, line.len, log->to);
		fflush(log->to);
	}
	buf_fini(&line);
}
