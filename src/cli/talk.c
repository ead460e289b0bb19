/* SPDX-License-Identifier: MPL-2.0 */
/* Options, messages, progress and tables: plain in a pipe, kind on a terminal. */
#include <stdlib.h>

#include "cli.h"

#define PROGRESS_US (US_PER_SECOND / 10) /* between two drawings */

static const char *option_value(const struct cli *cli, const char *option)
{
	const struct verb *verb = cli->verb;

	for (size_t k = 0; k < verb->options_count; k++) {
		if (strcmp(verb->options[k].name, option) == 0)
			return cli->values[k];
	}
	for (size_t k = 0; k < cli_common_count; k++) {
		if (strcmp(cli_common[k].name, option) == 0)
			return cli->values[verb->options_count + k];
	}
	return NULL;
}

const char *cli_text(const struct cli *cli, const char *option)
{
	return option_value(cli, option);
}

bool cli_flag(const struct cli *cli, const char *option)
{
	return option_value(cli, option) != NULL;
}

bool cli_number(const struct cli *cli, const char *option, uint64_t preset, uint64_t least,
	uint64_t most, uint64_t *ret_value)
{
	const char *text = option_value(cli, option);
	uint64_t value = preset;

	if (text != NULL &&
		(!slice_to_u64(slice_of(text), &value) || value < least || value > most)) {
		cli_usage(cli, "--%s \"%s\": expected a number from %llu to %llu", option, text,
			(unsigned long long)least, (unsigned long long)most);
		return false;
	}
	*ret_value = value;
	return true;
}

const char *cli_node(const struct cli *cli)
{
	const char *folder = cli_text(cli, "node");

	if (folder == NULL)
		folder = getenv("SERAI_NODE");
	return folder == NULL || folder[0] == '\0' ? "/var/lib/serai" : folder;
}

static void say(const struct cli *cli, const char *kind, const char *text)
{
	const char *verb = cli->verb != NULL ? cli->verb->name : NULL;

	if (verb != NULL)
		fprintf(stderr, "serai %s: %s%s\n", verb, kind, text);
	else
		fprintf(stderr, "serai: %s%s\n", kind, text);
}

enum cli_status cli_fail(const struct cli *cli, const struct err *e)
{
	say(cli, "", e->text);
	return e->kind == ERR_USAGE ? CLI_USAGE : CLI_FAILED;
}

enum cli_status cli_usage(const struct cli *cli, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	struct err e;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err_set(&e, ERR_USAGE, "%s", text);
	say(cli, "", e.text);
	return CLI_USAGE;
}

void cli_warn(const struct cli *cli, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	struct err e;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err_set(&e, ERR_USAGE, "%s", text);
	say(cli, "", e.text);
}

void cli_print_line(struct buf *line)
{
	printf("%.*s\n", SLICE_ARG(buf_slice(line)));
	buf_fini(line);
}

void cli_print_safe(struct slice text, unsigned columns)
{
	unsigned column = 0;

	while (text.len > 0) {
		const char *from = text.data;
		uint32_t c = utf8_next(&text);
		size_t len = (size_t)(text.data - from);
		bool bidi = (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);

		if (columns > 1 && ++column >= columns && text.len > 0) {
			fputs("…", stdout);
			return;
		}
		if (c == '\n' || c == '\t' || c == '\r')
			putchar(' ');
		else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || bidi || (c == 0xfffd && len == 1))
			putchar('?');
		else
			fwrite(from, 1, len, stdout);
	}
}

void cli_colour(const struct cli *cli, enum cli_colour colour, struct slice text)
{
	static const char *const codes[] = {
		"\033[1m", "\033[31m", "\033[32m", "\033[33m", "\033[2m"};

	if (cli->colour)
		fputs(codes[colour], stdout);
	cli_print_safe(text, 0);
	if (cli->colour)
		fputs("\033[0m", stdout);
}

const char *cli_count(const struct cli *cli, uint64_t value)
{
	char digits[32], text[48];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	size_t to = 0;
	const char *kept;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			text[to++] = ',';
		text[to++] = digits[i];
	}
	kept = arena_string(cli->arena, (struct slice){text, to});
	return kept == NULL ? "?" : kept;
}

const char *cli_bytes(const struct cli *cli, uint64_t bytes)
{
	static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
	double value = (double)bytes;
	unsigned unit = 0;
	struct slice text;

	while (value >= 1000 && unit + 1 < COUNT_OF(units)) {
		value /= 1000;
		unit++;
	}
	text = arena_printf(cli->arena, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
	return text.data == NULL ? "?" : text.data;
}

const char *cli_time(const struct cli *cli, int64_t us)
{
	char text[TIME_TEXT_MAX];
	const char *kept;

	if (us == 0)
		return "-";
	time_format(us, 0, text);
	kept = arena_string(cli->arena, slice_of(text));
	return kept == NULL ? "?" : kept;
}

void progress_start(struct progress *p, const struct cli *cli, const char *what)
{
	*p = (struct progress){.cli = cli, .what = what, .started_us = world_monotonic(cli->world)};
}

void progress_show(struct progress *p, uint64_t done, uint64_t total, uint64_t objects)
{
	int64_t now, took;
	double seconds, rate;

	if (!p->cli->terminal || p->cli->quiet)
		return;
	now = world_monotonic(p->cli->world);
	if (now - p->shown_us < PROGRESS_US)
		return;
	p->shown_us = now;
	p->drawn = true;
	took = now - p->started_us;
	seconds = took > 0 ? (double)took / (double)US_PER_SECOND : 1;
	rate = (double)objects / seconds;
	fprintf(stderr, "\r\033[K%s: %llu objects, %.0f/s", p->what, (unsigned long long)objects,
		rate);
	if (total > 0 && done > 0 && done <= total) {
		double left = seconds * (double)(total - done) / (double)done;

		fprintf(stderr, ", %.0f %%, %.0f s left", 100.0 * (double)done / (double)total,
			left);
	}
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (p->drawn)
		fputs("\r\033[K", stderr);
	p->drawn = false;
}

void table_start(struct table *t, const struct cli *cli, const char *const *heads, size_t columns)
{
	*t = (struct table){.cli = cli, .heads = heads, .columns = columns};
}

bool table_row(struct table *t, const struct slice *cells)
{
	if (t->rows == t->capacity) {
		size_t capacity = t->capacity == 0 ? 64 : t->capacity * 2;
		struct slice *grown =
			ARENA_ARRAY(t->cli->arena, struct slice, capacity * t->columns);

		if (grown == NULL)
			return false;
		if (t->rows > 0)
			memcpy(grown, t->cells, t->rows * t->columns * sizeof(*grown));
		t->cells = grown;
		t->capacity = capacity;
	}
	for (size_t c = 0; c < t->columns; c++) {
		struct slice kept = arena_copy(t->cli->arena, cells[c]);

		if (kept.data == NULL)
			return false;
		t->cells[t->rows * t->columns + c] = kept;
	}
	t->rows++;
	return true;
}

static unsigned columns_of(struct slice text)
{
	unsigned columns = 0;

	while (text.len > 0) {
		utf8_next(&text);
		columns++;
	}
	return columns;
}

void table_print(const struct table *t)
{
	enum { COLUMNS_MAX = 12, GAP = 2 };
	unsigned widths[COLUMNS_MAX] = {0}, left = t->cli->width;

	if (t->cli->width == 0) { /* a pipe: tabs, no head, nothing cut */
		for (size_t r = 0; r < t->rows; r++) {
			for (size_t c = 0; c < t->columns; c++) {
				if (c > 0)
					putchar('\t');
				cli_print_safe(t->cells[r * t->columns + c], 0);
			}
			putchar('\n');
		}
		return;
	}
	for (size_t c = 0; c < t->columns && c < COLUMNS_MAX; c++) {
		widths[c] = columns_of(slice_of(t->heads[c]));
		for (size_t r = 0; r < t->rows; r++) {
			unsigned w = columns_of(t->cells[r * t->columns + c]);

			if (w > widths[c])
				widths[c] = w;
		}
	}
	for (size_t c = 0; c + 1 < t->columns && c < COLUMNS_MAX; c++)
		left = left > widths[c] + GAP ? left - widths[c] - GAP : 10;
	for (size_t r = 0; r <= t->rows; r++) {
		for (size_t c = 0; c < t->columns && c < COLUMNS_MAX; c++) {
			bool last = c + 1 == t->columns;
			struct slice cell =
				r == 0 ? slice_of(t->heads[c]) : t->cells[(r - 1) * t->columns + c];

			if (r == 0)
				cli_colour(t->cli, COLOUR_BOLD, cell);
			else
				cli_print_safe(cell, last ? left : 0);
			if (!last)
				printf("%*s", (int)(widths[c] - columns_of(cell) + GAP), "");
		}
		putchar('\n');
	}
}
