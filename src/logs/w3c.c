/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The W3C extended log file format: #Fields says which columns follow, and may say so again in
 * mid-file. Written by IIS, Blue Coat and other proxies, and (with tabs) by content networks.
 */
#include "cells.h"

#include <stdlib.h>

/* Names that mean something else here than in other tables: c- is the client, s- the server that
 * writes the log, r- the remote one, cs- what went from client to server. */
static const struct cell_name w3c_names[] = {
	{"s-ip",             ROLE_DESTINATION_ADDRESS, FIELD_NONE, PART_NONE },
	{"s-port",           ROLE_DESTINATION_PORT,    FIELD_NONE, PART_PORT },
	{"s-dns",            ROLE_HOST,                FIELD_NONE, PART_NONE },
	{"s-host",           ROLE_HOST,                FIELD_NONE, PART_NONE },
	{"s-supplier-ip",    ROLE_DESTINATION_ADDRESS, FIELD_NONE, PART_NONE },
	{"s-supplier-name",  ROLE_HOST,                FIELD_NONE, PART_NONE },
	{"r-port",           ROLE_DESTINATION_PORT,    FIELD_NONE, PART_NONE },
	{"c-port",           ROLE_SOURCE_PORT,         FIELD_NONE, PART_NONE },
	{"c-dns",            ROLE_HOST,                FIELD_NONE, PART_NONE },
	{"cs-bytes",         ROLE_SOURCE_BYTES,        FIELD_NONE, PART_NONE },
	{"time",             ROLE_NONE,                FIELD_NONE, PART_CLOCK},
	{"gmttime",          ROLE_NONE,                FIELD_NONE, PART_TIME },
	{"cs-protocol",      ROLE_SERVICE,             FIELD_NONE, PART_NONE },
	{"cs-uri-extension", ROLE_NONE,                FIELD_NONE, PART_NONE },
};

static const struct cell_name *w3c_find(struct slice name)
{
	for (size_t i = 0; i < COUNT_OF(w3c_names); i++)
		if (slice_equal_nocase(name, slice_of(w3c_names[i].name)))
			return &w3c_names[i];
	return cell_name_find(name);
}

static enum err_kind w3c_open(struct logs_reader *r, struct err *e)
{
	struct cells *c = cells_new(w3c_find);

	if (c == NULL)
		return err_set(e, ERR_NOMEM, "log reader: out of memory");
	line_state_init(r, &c->items);
	r->state = c;
	return OK;
}

static void w3c_close(struct logs_reader *r)
{
	cells_free(r->state);
}

/* #Software and #Fields count; others are remarks. */
static bool directive(struct logs_reader *r, struct cells *c, struct slice line)
{
	struct slice rest = line;
	bool plus;

	if (text_next(&rest, SLICE("#Software:"))) {
		if (!cells_clear(r, c))
			return false;
		c->plus = slice_find_text(rest, SLICE("Microsoft")) < rest.len;
		(void)cells_head_keep(c, line);
		return true;
	}
	if (!text_next(&rest, SLICE("#Fields:")))
		return true;
	plus = c->plus;
	if (!cells_clear(r, c))
		return false;
	c->plus = plus;
	if (plus)
		(void)cells_head_keep(c, SLICE("#Software: Microsoft"));
	while (rest.len != 0 && (rest.data[0] == ' ' || rest.data[0] == '\t'))
		rest = slice_cut(rest, 1, rest.len);
	while (line.len != 0 && line.data[line.len - 1] == ' ')
		line.len--;
	return cells_header(r, c, line, (size_t)(rest.data - line.data),
		slice_find(rest, '\t', 0) < rest.len ? '\t' : ' ');
}

/* Content networks write #Fields with blanks and lines with tabs: the first line tells. */
static void delimiter_settle(struct cells *c, struct slice line)
{
	size_t tabs = 0;

	for (size_t i = 0; i < line.len; i++)
		tabs += line.data[i] == '\t' ? 1 : 0;
	if (tabs != 0 && tabs + 1 == c->count)
		c->delimiter = '\t';
	c->settled = true;
}

static bool w3c_line(struct logs_reader *r, struct slice line)
{
	struct cells *c = r->state;

	if (line.len == 0)
		return true;
	if (line.data[0] == '#')
		return directive(r, c, line);
	if (!c->settled && c->count != 0)
		delimiter_settle(c, line);
	return cells_read(r, c, line, r->line, r->line_offset, "W3C");
}

static bool w3c_detail(
	struct logs_reader *r, struct slice line, struct arena *a, struct event *ret_event)
{
	return cells_detail(r, r->state, line, a, ret_event);
}

static struct slice w3c_head(const struct logs_reader *r)
{
	const struct cells *c = r->state;

	return (struct slice){c->head + EVENT_PADDING, c->head_len};
}

static bool w3c_resume(struct logs_reader *r, struct slice head)
{
	struct slice line;

	if (!cells_clear(r, r->state))
		return false;
	while (slice_next(&head, '\n', &line))
		if (!directive(r, r->state, line))
			return false;
	return true;
}

/* Remarks first, #Fields among them. */
static unsigned w3c_guess(struct slice head, const char *name)
{
	struct slice line;

	(void)name;
	while (slice_next(&head, '\n', &line)) {
		if (line.len == 0 || line.data[0] != '#')
			return 0;
		if (slice_starts(line, SLICE("#Fields:")))
			return 95;
	}
	return 0;
}

const struct logs_format_row logs_w3c = {.name = "w3c",
	.guess = w3c_guess,
	.open = w3c_open,
	.close = w3c_close,
	.line = w3c_line,
	.detail = w3c_detail,
	.head = w3c_head,
	.resume = w3c_resume};
