/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Flows as text: nfdump's lines (line, long, extended, biline, nsel), its CSV of all versions, its
 * pipe format of numbers, and the tables of SiLK's rwcut and other IPFIX tools, whose header names
 * the columns.
 */
#include "cells.h"

#include <stdlib.h>

#define PIPE_COLUMNS                                                                               \
	22 /* af|first|last|proto|sa[4]|sp|da[4]|dp|sas|das|in|out|flags|tos|packets|bytes */
#define PIPE_COLUMNS_OLD                                                                           \
	24 /* 1.6: first and last are two numbers each, seconds and milliseconds                   \
	    */
#define PIPE_AF_INET  2
#define PIPE_AF_INET6 10
#define LINE_WORDS    24 /* of an nfdump line; nsel has 17 */

struct flows {
	struct cells *cells; /* of a table; its items serve the other forms too */
};

/* Flows go one way: their bytes are the source's. */
static const struct cell_name *flow_name_find(struct slice name)
{
	static const struct cell_name bytes = {"bytes", ROLE_SOURCE_BYTES, FIELD_NONE, PART_NONE};

	return slice_equal_nocase(name, SLICE("bytes")) ? &bytes : cell_name_find(name);
}

static enum err_kind flows_open(struct logs_reader *r, struct err *e)
{
	struct flows *f = calloc(1, sizeof(*f));

	r->state = f;
	if (f != NULL)
		f->cells = cells_new(flow_name_find);
	if (f == NULL || f->cells == NULL)
		return err_set(e, ERR_NOMEM, "log reader: out of memory");
	line_state_init(r, &f->cells->items);
	return OK;
}

static void flows_close(struct logs_reader *r)
{
	struct flows *f = r->state;

	if (f != NULL)
		cells_free(f->cells);
	free(f);
}

/* ---- nfdump's lines -------------------------------------------------------------------------- */

/* nfdump sets the port of an IPv6 address off with a point. */
static void endpoint_put(
	struct line_out *o, enum line_item address, enum line_item port, struct slice word)
{
	const char *colon = memchr(word.data, ':', word.len);
	bool six = colon != NULL && (size_t)(colon - word.data) + 1 < word.len &&
		   memchr(colon + 1, ':', word.len - (size_t)(colon - word.data) - 1) != NULL;

	line_put_endpoint(o, address, LINE_ITEMS, port, word, six ? '.' : ':');
}

/* The next number; "1.2 M" is one that nfdump shortened. */
static bool amount_next(
	const struct slice *words, size_t count, size_t *at, struct slice *ret_number)
{
	if (*at >= count || !is_digit(words[*at].data[0]))
		return false;
	*ret_number = words[(*at)++];
	if (*at < count && words[*at].len == 1 && strchr("KMGT", words[*at].data[0]) != NULL)
		ret_number->len = (size_t)(words[*at].data + 1 - ret_number->data), (*at)++;
	return true;
}

static void flow_amounts(
	struct line_out *o, const struct slice *words, size_t count, size_t at, bool both_ways)
{
	struct slice packets, bytes, more;

	/* long and extended have flags and type of service first; flags hold points and letters */
	if (at < count && !is_digit(words[at].data[0]))
		at += 2;
	if (!amount_next(words, count, &at, &packets) || !amount_next(words, count, &at, &bytes))
		return;
	if (both_ways) { /* packets out, packets in, bytes out, bytes in */
		if (!amount_next(words, count, &at, &more) ||
			!amount_next(words, count, &at, &bytes))
			return;
		line_put(o, ITEM_BYTES_OUT, more);
	}
	line_put(o, ITEM_BYTES_IN, bytes);
}

static bool is_arrow(struct slice word)
{
	return slice_is(word, "->") || slice_is(word, "<->");
}

/* DATE CLOCK [DURATION] PROTO ADDRESS:PORT -> ADDRESS:PORT ...; aggregated and counted tables have
 * addresses without an arrow. */
static bool flow_words(struct line_out *o, struct slice line)
{
	struct slice words[LINE_WORDS], rest = line, addresses[2];
	size_t count = 0, arrow = 0, found = 0;

	while (count < LINE_WORDS && word_next(&rest, &words[count]))
		count++;
	if (count < 4 || words[0].len != 10 || words[0].data[4] != '-' ||
		!is_digit(words[0].data[0]) || words[1].len < 8 || words[1].data[2] != ':')
		return false;
	while (arrow < count && !is_arrow(words[arrow]))
		arrow++;
	line_put(o, ITEM_TIME,
		(struct slice){line.data, (size_t)(words[1].data + words[1].len - line.data)});
	if (arrow == count) {
		for (size_t i = 2; i < count && found < 2; i++)
			if (is_address(words[i]))
				addresses[found++] = words[i];
		if (found == 0)
			return false;
		line_put(o, found == 2 ? ITEM_CLIENT : ITEM_ADDRESS, addresses[0]);
		if (found == 2)
			line_put(o, ITEM_SERVER, addresses[1]);
		return true;
	}
	if (arrow < 4 || arrow + 1 >= count)
		return false;
	o->sure = true;
	line_put(o, ITEM_TRANSPORT, words[arrow - 2]);
	endpoint_put(o, ITEM_CLIENT, ITEM_CLIENT_PORT, words[arrow - 1]);
	endpoint_put(o, ITEM_SERVER, ITEM_SERVER_PORT, words[arrow + 1]);
	if (arrow + 4 < count && is_arrow(words[arrow + 3])) { /* nsel: translated addresses */
		endpoint_put(o, ITEM_ADDRESS, LINE_ITEMS, words[arrow + 2]);
		endpoint_put(o, ITEM_ADDRESS, LINE_ITEMS, words[arrow + 4]);
		return true;
	}
	flow_amounts(o, words, count, arrow + 2, words[arrow].len == 3);
	return true;
}

/* ---- nfdump -o pipe -------------------------------------------------------------------------- */

/* inet_ntop goes through printf; flows are written by the million. */
static size_t quad_format(uint32_t address, char *to)
{
	size_t len = 0;

	for (int shift = 24; shift >= 0; shift -= 8) {
		uint32_t byte = (address >> shift) & 0xff;

		if (byte >= 100)
			to[len++] = (char)('0' + byte / 100);
		if (byte >= 10)
			to[len++] = (char)('0' + byte / 10 % 10);
		to[len++] = (char)('0' + byte % 10);
		if (shift != 0)
			to[len++] = '.';
	}
	return len;
}

/* Four numbers of 32 bits, of which an IPv4 address is the last. */
static void pipe_address(
	struct line_out *o, enum line_item item, uint64_t family, const uint64_t *words)
{
	char text[ADDRESS_TEXT_MAX];
	uint8_t bytes[16];
	size_t len;

	if (family == PIPE_AF_INET) {
		len = quad_format((uint32_t)words[3], text);
	} else {
		for (size_t i = 0; i < 4; i++)
			put_u32(bytes + 4 * i, (uint32_t)words[i]);
		len = event_address_format(bytes, 16, text);
	}
	line_put_copy(o, item, (struct slice){text, len});
}

static bool pipe_words(struct line_out *o, struct slice line)
{
	struct slice text[PIPE_COLUMNS_OLD], rest = line;
	uint64_t n[PIPE_COLUMNS_OLD];
	size_t count = 0, at;

	while (count < PIPE_COLUMNS_OLD && slice_next(&rest, '|', &text[count])) {
		if (!slice_to_u64(text[count], &n[count]))
			return false;
		count++;
	}
	if ((count != PIPE_COLUMNS && count != PIPE_COLUMNS_OLD) || rest.len != 0 ||
		(n[0] != PIPE_AF_INET && n[0] != PIPE_AF_INET6))
		return false;
	at = count == PIPE_COLUMNS ? 3 : 5; /* of the protocol */
	for (size_t i = at + 1; i < at + 11; i++)
		if (n[i] > UINT32_MAX)
			return false;
	o->sure = true;
	line_put(o, ITEM_TIME, text[1]);
	line_put(o, ITEM_TRANSPORT, text[at]);
	pipe_address(o, ITEM_CLIENT, n[0], n + at + 1);
	pipe_address(o, ITEM_SERVER, n[0], n + at + 6);
	line_put(o, ITEM_CLIENT_PORT, text[at + 5]);
	line_put(o, ITEM_SERVER_PORT, text[at + 10]);
	line_put(o, ITEM_BYTES_IN, text[count - 1]);
	return true;
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* Names of a source and a destination address, and nothing that looks like a value: the header of a
 * table of flows. Its delimiter, or 0. */
static char table_delimiter(struct slice line)
{
	static const char delimiters[] = {',', '|', '\t', ';'};

	size_t first = 0;

	while (first < line.len && line.data[first] == ' ')
		first++;
	if (first == line.len || !is_alpha(line.data[first]) ||
		memchr(line.data, ':', line.len) != NULL)
		return 0;
	for (size_t i = 0; i < COUNT_OF(delimiters); i++) {
		struct slice rest = line, name;
		unsigned roles = 0;
		bool flow_name = false;

		while (slice_next(&rest, delimiters[i], &name)) {
			const struct cell_name *known = cell_name_find(slice_trim(name));

			if (known == NULL)
				continue;
			roles |= known->role == ROLE_SOURCE_ADDRESS ? 1U : 0;
			roles |= known->role == ROLE_DESTINATION_ADDRESS ? 2U : 0;
			/* What a plain table of addresses does not have. */
			flow_name = flow_name || known->role == ROLE_TRANSPORT ||
				    known->role == ROLE_SOURCE_BYTES ||
				    known->role == ROLE_DESTINATION_BYTES;
		}
		if (roles == 3 && flow_name)
			return delimiters[i];
	}
	return 0;
}

/* What stands around the flows: headers of lines, and sums at the end. */
static bool is_remark(struct slice line)
{
	static const char *const fronts[] = {"Date first seen", "Date flow start", "Event time",
		"Summary", "Time window:", "Total flows", "Sys:", "Top ", "Aggregated", "No match",
		"flows,bytes,", "Command line", "IP addresses anonymised", "Blocks skipped"};

	if (is_digit(line.data[0]) || line.data[0] == ' ')
		return false;
	for (size_t i = 0; i < COUNT_OF(fronts); i++)
		if (slice_starts(line, slice_of(fronts[i])))
			return true;
	return false;
}

/* "4,133609,1303,0,0,102" under "flows,bytes,packets,..." */
static bool is_sum(struct slice line)
{
	struct slice rest = line, part;
	size_t count = 0;

	while (slice_next(&rest, ',', &part)) {
		if (!is_number(part))
			return false;
		count++;
	}
	return count == 6;
}

static bool flow_parse(struct line_out *o, struct slice line)
{
	return flow_words(o, line) || pipe_words(o, line);
}

static bool is_table_row(const struct cells *c, struct slice line)
{
	return c->count != 0 && memchr(line.data, c->delimiter, line.len) != NULL;
}

static bool flows_line(struct logs_reader *r, struct slice line)
{
	struct flows *f = r->state;
	struct cells *c = f->cells;
	char delimiter;

	if (line.len == 0)
		return true;
	if (is_remark(line)) {
		return c->count == 0 || !slice_starts(line, SLICE("Summary")) || cells_clear(r, c);
	}
	delimiter = table_delimiter(line);
	if (delimiter != 0) {
		return cells_clear(r, c) && cells_header(r, c, line, 0, delimiter);
	}
	if (is_table_row(c, line))
		return cells_read(r, c, line, r->line, r->line_offset, "flows");
	if (is_sum(line))
		return true;
	return line_read(r, &c->items, line, flow_parse, "flows");
}

static bool flows_detail(
	struct logs_reader *r, struct slice line, struct arena *a, struct event *ret_event)
{
	struct flows *f = r->state;

	if (is_table_row(f->cells, line))
		return cells_detail(r, f->cells, line, a, ret_event);
	return line_detail(r, line, a, ret_event, flow_parse);
}

static struct slice flows_head(const struct logs_reader *r)
{
	const struct flows *f = r->state;

	return (struct slice){f->cells->head + EVENT_PADDING, f->cells->head_len};
}

static bool flows_resume(struct logs_reader *r, struct slice head)
{
	struct flows *f = r->state;
	struct slice line;

	if (!cells_clear(r, f->cells))
		return false;
	if (!slice_next(&head, '\n', &line) || line.len == 0)
		return true;
	return cells_header(r, f->cells, line, 0, table_delimiter(line));
}

static unsigned flows_guess(struct slice head, const char *name)
{
	/* nfdump 1.6 and 1.7, SiLK, IPFIX */
	static const char *const marks[] = {
		"ts,te,", "firstSeen,", "sIP|", "sourceIPv4Address", "sourceIPv6Address"};
	struct slice line;

	(void)name;
	for (struct slice rest = head; slice_next(&rest, '\n', &line);) {
		line = logs_line_trim(line);
		if (line.len == 0)
			continue;
		if (slice_starts(line, SLICE("Date first seen")) ||
			slice_starts(line, SLICE("Date flow start")))
			return 92;
		/* Other tables of flows are as well read as CSV. */
		for (size_t i = 0; i < COUNT_OF(marks); i++)
			if (slice_find_text(line, slice_of(marks[i])) < line.len &&
				table_delimiter(line) != 0)
				return 92;
		break;
	}
	return line_guess(head, flow_parse, 90);
}

const struct logs_format_row logs_nfdump = {.name = "nfdump",
	.guess = flows_guess,
	.open = flows_open,
	.close = flows_close,
	.line = flows_line,
	.detail = flows_detail,
	.head = flows_head,
	.resume = flows_resume};
