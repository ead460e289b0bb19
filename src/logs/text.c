/* SPDX-License-Identifier: MPL-2.0 */
/* Plain text: every line is looked through for names, addresses, URLs, e-mails and hashes. */
#include "lines.h"

/* Control characters that text may hold: logs hold stray bytes */
#define GUESS_CONTROL_PERMILLE 5

static bool text_parse(struct line_out *o, struct slice line)
{
	struct line_head h;

	line_put(o, ITEM_MESSAGE, line);
	if (o->event != NULL) { /* many a text begins with its time */
		line_head_parse(line, &h);
		o->time = h.time;
	}
	return true;
}

static unsigned guess(struct slice head, const char *name)
{
	size_t control = 0;

	(void)name;
	for (size_t i = 0; i < head.len; i++) {
		unsigned char c = (unsigned char)head.data[i];

		if (c == 0)
			return 0;
		control += c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != 0x1b ? 1 : 0;
	}
	return head.len != 0 && control * 1000 <= head.len * GUESS_CONTROL_PERMILLE ? 1 : 0;
}

static bool read_line(struct logs_reader *r, struct slice line)
{
	return line_read(r, r->state, line, text_parse, "text");
}

static bool detail(
	struct logs_reader *r, struct slice line, struct arena *a, struct event *ret_event)
{
	return line_detail(r, line, a, ret_event, text_parse);
}

const struct logs_format_row logs_text = {.name = "text",
	.guess = guess,
	.open = line_open,
	.close = line_close,
	.line = read_line,
	.detail = detail};
