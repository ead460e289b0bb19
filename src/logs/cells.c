/* SPDX-License-Identifier: MPL-2.0 */
/* Rows of cells: cutting, what each column means, and putting the cells where they are wanted. */
#include "cells.h"

#include <stdlib.h>

/* ---- cutting --------------------------------------------------------------------------------- */

/* A quoted cell at row.data[at]; the delimiter (or the end) behind it. A quote inside that is
 * neither doubled nor before a delimiter stands for itself: many writers forget to double it. */
static size_t quoted_end(struct slice row, size_t at, char delimiter, bool *ret_open)
{
	for (at++; at < row.len; at++) {
		at = slice_find(row, '"', at);
		if (at == row.len)
			break;
		if (at + 1 < row.len && row.data[at + 1] == '"')
			at++;
		else if (at + 1 == row.len || row.data[at + 1] == delimiter)
			return at + 1;
	}
	*ret_open = true;
	return row.len;
}

size_t cells_cut(struct slice row, char delimiter, size_t most, struct slice *ret_cells,
	bool *ret_quoted, bool *ret_open)
{
	bool quotes = row.len != 0 && memchr(row.data, '"', row.len) != NULL;
	size_t count = 0, at = 0;

	*ret_open = false;
	for (;;) {
		size_t from = at, to;
		bool quoted = quotes && at < row.len && row.data[at] == '"';

		if (count == most && !quotes)
			return count;
		at = quoted ? quoted_end(row, at, delimiter, ret_open)
			    : slice_find(row, delimiter, at);
		to = at;
		if (quoted) {
			from++;
			to -= *ret_open ? 0 : 1;
		}
		if (count < most) {
			while (from < to && row.data[from] == ' ')
				from++;
			while (from < to && row.data[to - 1] == ' ')
				to--;
			ret_quoted[count] = quoted;
			ret_cells[count++] = slice_cut(row, from, to);
		}
		if (at >= row.len)
			return count;
		at++;
	}
}

/* ---- the header ------------------------------------------------------------------------------ */

struct cells *cells_new(cell_find *find)
{
	struct cells *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->find = find;
	c->head = calloc(1, EVENT_PADDING + CELLS_HEAD_MAX + EVENT_PADDING);
	if (c->head == NULL) {
		free(c);
		return NULL;
	}
	return c;
}

void cells_free(struct cells *c)
{
	if (c == NULL)
		return;
	free(c->head);
	free(c);
}

bool cells_clear(struct logs_reader *r, struct cells *c)
{
	if (!logs_columns_clear(r))
		return false;
	line_state_init(r, &c->items);
	c->count = c->needed = c->head_len = 0;
	c->seen = c->settled = c->join = c->known = c->all_free = c->plus = false;
	memset(c->parts, 0, sizeof(c->parts));
	return true;
}

bool cells_head_keep(struct cells *c, struct slice line)
{
	if (line.len + 1 > CELLS_HEAD_MAX - c->head_len)
		return false;
	memcpy(c->head + EVENT_PADDING + c->head_len, line.data, line.len);
	c->head_len += line.len;
	c->head[EVENT_PADDING + c->head_len++] = '\n';
	return true;
}

static void cell_plan(
	struct logs_reader *r, struct cells *c, struct slice name, struct cell *ret_cell)
{
	const struct cell_name *known = c->find(name);
	enum event_role role = ROLE_NONE;
	enum field_kind kind = FIELD_NONE;
	enum cell_part part = PART_NONE;

	if (logs_mapping_role(r->mapping, name, &role, &kind)) {
		if (logs_mapping_is_time(r->mapping, name))
			part = PART_TIME;
	} else if (logs_mapping_is_time(r->mapping, name)) {
		part = PART_TIME;
	} else if (known != NULL) {
		role = (enum event_role)known->role;
		part = (enum cell_part)known->part;
		kind = known->kind != FIELD_NONE ? (enum field_kind)known->kind
						 : event_role_row(role)->kind;
		if (part == PART_PATH && known->kind == FIELD_NONE)
			kind = FIELD_NONE; /* no URL without its host */
	}
	*ret_cell = (struct cell){.column = COLUMNS_MAX,
		.name = name,
		.role = (uint8_t)role,
		.kind = (uint8_t)kind,
		.part = (uint8_t)part};
}

static void plan_columns(struct logs_reader *r, struct cells *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct cell *cell = &c->cells[i];

		if (c->all_free) {
			cell->role = ROLE_MESSAGE;
			cell->kind = FIELD_FREE;
		}
		if (cell->role != ROLE_NONE && logs_wanted(r, (enum event_role)cell->role)) {
			cell->column = logs_column(r, cell->name, (enum event_role)cell->role,
				(enum field_kind)cell->kind);
			c->needed = i + 1;
		}
		if (cell->part != PART_NONE && c->parts[cell->part] == 0)
			c->parts[cell->part] = i + 1;
	}
	c->join = c->parts[PART_PATH] != 0 && c->parts[PART_HOST] != 0 && logs_wanted(r, ROLE_URL);
	for (size_t part = PART_SCHEME; c->join && part <= PART_QUERY; part++)
		if (c->parts[part] > c->needed)
			c->needed = c->parts[part];
}

bool cells_header(
	struct logs_reader *r, struct cells *c, struct slice line, size_t skip, char delimiter)
{
	struct slice *cut = c->row.cells, names;
	size_t count;
	bool open;

	c->delimiter = delimiter;
	c->seen = true;
	if (!cells_head_keep(c, line)) {
		logs_problem(
			r, r->line, "a header of %zu bytes, at most %zu", line.len, CELLS_HEAD_MAX);
		return true;
	}
	names = slice_cut(
		(struct slice){c->head + EVENT_PADDING + c->head_len - line.len - 1, line.len},
		skip, line.len);
	count = cells_cut(names, delimiter, COLUMNS_MAX, cut, c->row.quoted, &open);
	/* The items have columns of their own. */
	if (count > COLUMNS_MAX - LINE_ITEMS) {
		logs_problem(r, r->line, "more than %d columns", COLUMNS_MAX - LINE_ITEMS);
		return true;
	}
	/* SiLK ends its lines in a delimiter. */
	if (count > 1 && cut[count - 1].len == 0)
		count--;
	for (size_t i = 0; i < count; i++) {
		cell_plan(r, c, cut[i], &c->cells[i]);
		c->known = c->known || c->cells[i].role != ROLE_NONE;
	}
	c->count = count;
	c->all_free = !c->known;
	plan_columns(r, c);
	return !r->stopped;
}

size_t cells_known(struct slice names, char delimiter, cell_find *find, size_t *ret_count)
{
	struct slice cut[COLUMNS_MAX];
	bool quoted[COLUMNS_MAX], open;
	size_t count = cells_cut(names, delimiter, COLUMNS_MAX, cut, quoted, &open), known = 0;

	for (size_t i = 0; i < count; i++) {
		const struct cell_name *name = find(cut[i]);

		known += name != NULL && name->role != ROLE_NONE ? 1 : 0;
	}
	*ret_count = count;
	return known;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* Kinds of which a cell may hold several, between commas, semicolons, blanks or bars. */
static bool is_list(uint8_t kind)
{
	return kind == FIELD_ADDRESS || kind == FIELD_NAME || kind == FIELD_HOST ||
	       kind == FIELD_HASH || kind == FIELD_EMAIL;
}

static bool separates(char c)
{
	return c == ',' || c == ';' || c == ' ' || c == '|' || c == '\n' || c == '\r';
}

static struct slice one_of_list(struct slice part, uint8_t kind)
{
	if (kind == FIELD_HASH) { /* Sysmon: MD5=...,SHA256=... */
		size_t equals = slice_find(part, '=', 0);

		if (equals < part.len)
			part = slice_cut(part, equals + 1, part.len);
	}
	if (kind == FIELD_EMAIL && part.len > 2 && part.data[0] == '<' &&
		part.data[part.len - 1] == '>')
		part = slice_cut(part, 1, part.len - 1);
	if (kind == FIELD_ADDRESS &&
		!is_address(part)) { /* with a port, brackets, a prefix length */
		size_t end = part.len != 0 && part.data[0] == '[' ? slice_find(part, ']', 0)
								  : slice_find(part, ':', 0);
		struct slice host = slice_cut(part, part.len != 0 && part.data[0] == '[', end);

		if (is_address(host))
			part = host;
	}
	return part;
}

static void cell_put(struct line_out *o, const struct cell *cell, struct slice value, bool quoted)
{
	enum line_escape escape = quoted ? ESCAPE_DOUBLED : ESCAPE_NONE;
	size_t from = 0;

	if (value.len == 0 || (value.len == 1 && value.data[0] == '-'))
		return;
	if (!is_list(cell->kind)) {
		line_put_column(o, cell->column, cell->name, (enum event_role)cell->role,
			(enum field_kind)cell->kind, value, escape);
		return;
	}
	for (size_t at = 0; at <= value.len; at++) {
		if (at < value.len && !separates(value.data[at]))
			continue;
		line_put_column(o, cell->column, cell->name, (enum event_role)cell->role,
			(enum field_kind)cell->kind,
			one_of_list(slice_cut(value, from, at), cell->kind), escape);
		from = at + 1;
	}
}

static struct slice part_of(const struct cells *c, const struct row *row, enum cell_part part)
{
	size_t i = c->parts[part];
	struct slice value = {0};

	if (i != 0 && i <= row->count)
		value = row->cells[i - 1];
	return slice_is(value, "-") ? (struct slice){0} : value;
}

/* Host and path in columns of their own become one URL; false when the path stands for itself. */
static bool joined_put(struct line_out *o, const struct cells *c, const struct row *row)
{
	struct slice host = part_of(c, row, PART_HOST), path = part_of(c, row, PART_PATH);
	struct slice port = part_of(c, row, PART_PORT);

	if (host.len == 0 || path.len == 0 || path.data[0] != '/')
		return false;
	/* The host may have its port already. */
	if (port.len != 0 && host.data[host.len - 1] != ']' &&
		slice_find(host, ':', 0) < host.len && !is_address(host))
		port = (struct slice){0};
	line_put_joined(
		o, part_of(c, row, PART_SCHEME), host, port, path, part_of(c, row, PART_QUERY));
	return true;
}

static void row_put(struct line_out *o, const struct cells *c, const struct row *row)
{
	bool joined = c->parts[PART_PATH] != 0 && c->parts[PART_HOST] != 0 && joined_put(o, c, row);

	for (size_t i = 0; i < row->count && i < c->count; i++) {
		const struct cell *cell = &c->cells[i];

		if (o->event == NULL && cell->column == COLUMNS_MAX)
			continue;
		if (joined && i + 1 == c->parts[PART_PATH] && o->event == NULL)
			continue;
		if (cell->part == PART_PATH && cell->kind == FIELD_NONE &&
			slice_find_text(row->cells[i], SLICE("://")) < row->cells[i].len) {
			line_put_named(o, ITEM_URL, cell->name, row->cells[i],
				row->quoted[i] ? ESCAPE_DOUBLED : ESCAPE_NONE);
			continue;
		}
		if (c->plus && cell->kind == FIELD_TEXT)
			line_put_column(o, cell->column, cell->name, (enum event_role)cell->role,
				(enum field_kind)cell->kind, row->cells[i], ESCAPE_PLUS);
		else
			cell_put(o, cell, row->cells[i], row->quoted[i]);
	}
}

bool cells_read(struct logs_reader *r, struct cells *c, struct slice line, uint64_t number,
	uint64_t offset, const char *what)
{
	struct line_out o = {.r = r, .state = &c->items};
	struct row *row = &c->row;
	bool open;

	if (!logs_record(r, line, number, offset, TIME_UNKNOWN))
		return false;
	/* One cell more than is needed tells a line of another kind. */
	row->count = cells_cut(
		line, c->delimiter, c->needed > 2 ? c->needed : 2, row->cells, row->quoted, &open);
	if (c->count == 0 || (row->count == 1 && c->count > 1) || open) {
		logs_problem(r, number, "not a line of %s under its header: \"%.*s\"", what,
			SLICE_ARG(slice_cut(line, 0, 100)));
		line_put(&o, ITEM_MESSAGE, line);
		return !o.failed;
	}
	row_put(&o, c, row);
	return !o.failed;
}

/* ---- detail ---------------------------------------------------------------------------------- */

static int64_t row_time(
	struct logs_reader *r, const struct cells *c, const struct row *row, struct arena *a)
{
	struct slice time = part_of(c, row, PART_TIME), date = part_of(c, row, PART_DATE), both;
	struct slice clock = c->parts[PART_CLOCK] != 0 ? part_of(c, row, PART_CLOCK) : time;
	int64_t t;

	if (date.len != 0) {
		both = arena_printf(a, "%.*s %.*s", SLICE_ARG(date), SLICE_ARG(clock));
		t = both.data == NULL ? TIME_UNKNOWN
				      : logs_mapping_time(r->mapping, both, r->world);
		if (t != TIME_UNKNOWN)
			return t;
		if (time.len == 0)
			time = date;
	}
	return logs_mapping_time(r->mapping, time, r->world);
}

bool cells_detail(struct logs_reader *r, struct cells *c, struct slice line, struct arena *a,
	struct event *ret_event)
{
	struct line_out o = {.a = a, .event = ret_event};
	struct row *row =
		&c->told; /* a batch may be full, and asked about, in the middle of c->row */
	bool open;

	row->count = cells_cut(line, c->delimiter, COLUMNS_MAX, row->cells, row->quoted, &open);
	if (c->count == 0 || (row->count == 1 && c->count > 1) || open) {
		line_put(&o, ITEM_MESSAGE, line);
		return !o.failed;
	}
	row_put(&o, c, row);
	ret_event->time_us = row_time(r, c, row, a);
	return !o.failed;
}
