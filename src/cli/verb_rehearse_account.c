/* SPDX-License-Identifier: MPL-2.0 */
/*
 * serai rehearse: the account. What a person reads, or as JSON a line each; a claim that does not
 * hold is the end of it, with the first reason kept.
 */
#include <stdarg.h>

#include "verb_rehearse.h"

static void account_json(struct rehearsal *r, const char *kind, const char *text, int holds)
{
	struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER(&out);

	json_write_object(&w);
	json_member_i64(&w, "step", r->steps);
	json_member_text(&w, kind, text);
	if (holds >= 0)
		json_member_bool(&w, "holds", holds > 0);
	json_write_end(&w, '}');
	cli_print_line(&out);
}

void rehearse_step(struct rehearsal *r, const char *title)
{
	r->steps++;
	if (r->cli->json) {
		account_json(r, "title", title, -1);
	} else if (!r->cli->quiet) {
		char line[160];

		snprintf(line, sizeof(line), "%s%u. %s", r->steps > 1 ? "\n" : "", r->steps, title);
		if (r->steps > 1)
			putchar('\n');
		cli_colour(r->cli, COLOUR_BOLD, slice_of(line + (r->steps > 1)));
		putchar('\n');
	}
	fflush(stdout);
}

void rehearse_say(struct rehearsal *r, const char *format, ...)
{
	char text[REHEARSE_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (r->cli->json) {
		account_json(r, "says", text, -1);
	} else if (!r->cli->quiet) {
		fputs("       ", stdout);
		cli_print_safe(slice_of(text), 0);
		putchar('\n');
	}
	fflush(stdout);
}

bool rehearse_claim(struct rehearsal *r, bool holds, const char *format, ...)
{
	char text[REHEARSE_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	r->claims++;
	if (!holds) {
		r->broken = true;
		snprintf(r->why, sizeof(r->why), "does not hold: %.400s", text);
	}
	if (r->cli->json) {
		account_json(r, "claim", text, holds);
	} else if (!r->cli->quiet || !holds) {
		fputs("  ", stdout);
		cli_colour(r->cli, holds ? COLOUR_GREEN : COLOUR_RED,
			holds ? SLICE("ok") : SLICE("NO"));
		fputs("   ", stdout);
		cli_print_safe(slice_of(text), 0);
		putchar('\n');
	}
	fflush(stdout);
	return holds;
}

bool rehearse_fail(struct rehearsal *r, const char *format, ...)
{
	va_list args;

	if (r->broken)
		return false; /* the first reason is the reason */
	va_start(args, format);
	vsnprintf(r->why, sizeof(r->why), format, args);
	va_end(args);
	r->broken = true;
	return false;
}

const char *rehearse_count(struct rehearsal *r, uint64_t n)
{
	return cli_count(r->cli, n);
}

/* The text of the last answer, line by line. */
void rehearse_quote(struct rehearsal *r, const char *command, unsigned lines)
{
	struct slice text = buf_slice(&r->out), line;

	rehearse_say(r, "$ %s", command);
	for (unsigned i = 0; i < lines && slice_next(&text, '\n', &line); i++)
		rehearse_say(r, "  %.*s", line.len > 150 ? 150 : (int)line.len, line.data);
}

/* The last line that a verb said on standard error. */
void rehearse_quote_error(struct rehearsal *r)
{
	struct slice text = slice_trim(buf_slice(&r->err)), line = {0};

	while (slice_next(&text, '\n', &line))
		;
	rehearse_say(r, "%.*s", SLICE_ARG(line));
}
