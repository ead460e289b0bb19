/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Lines of text: cutting them, and putting what a parser found where it is wanted. Formats of this
 * kind are written by people's tools at some hundred bytes a line; memchr and one pass over each
 * line are fast enough for them.
 */
#include <stdlib.h>

#include "lines.h"

#define PIECE_BACK  KIB(4) /* bytes: how far back a blank is sought to cut free text at */
#define ADDRESS_MAX 64 /* bytes; the longest text of an address with zone and brackets is less */

/* ---- cutting -------------------------------------------------------------------------------- */

bool logs_lines(struct logs_reader *r, struct slice bytes, bool last, size_t *ret_taken)
{
	size_t at = 0;
	bool good = true;

	while (good && at < bytes.len) {
		const char *from = bytes.data + at;
		const char *end = memchr(from, '\n', bytes.len - at);
		size_t len = end != NULL ? (size_t)(end - from) : bytes.len - at;

		if (end == NULL && !last)
			break;
		r->line_offset = r->offset + at;
		if (len > LOGS_LINE_MAX)
			r->counts.too_long++;
		else
			good = r->row->line(r, logs_line_trim((struct slice){from, len}));
		r->counts.lines++;
		r->line++;
		at += len + (end != NULL ? 1 : 0);
	}
	*ret_taken = at;
	return good;
}

/* ---- items ----------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint8_t role;
	uint8_t kind;
} items[LINE_ITEMS] = {
	[ITEM_TIME] = {"time",          ROLE_NONE,                FIELD_NONE   },
	[ITEM_DEVICE] = {"device",        ROLE_DEVICE,              FIELD_NONE   },
 /* Which daemon wrote the line is no observation of a process. */
	[ITEM_PROCESS] = {"process",       ROLE_PROCESS,             FIELD_NONE   },
	[ITEM_PID] = {"pid",           ROLE_NONE,                FIELD_NONE   },
	[ITEM_PRIORITY] = {"priority",      ROLE_NONE,                FIELD_NONE   },
	[ITEM_MESSAGE_ID] = {"message_id",    ROLE_NONE,                FIELD_NONE   },
	[ITEM_CLIENT] = {"client",        ROLE_SOURCE_ADDRESS,      FIELD_ADDRESS},
	[ITEM_CLIENT_NAME] = {"client",        ROLE_SOURCE_ADDRESS,      FIELD_HOST   },
	[ITEM_CLIENT_PORT] = {"client_port",   ROLE_SOURCE_PORT,         FIELD_NONE   },
	[ITEM_SERVER] = {"server",        ROLE_DESTINATION_ADDRESS, FIELD_ADDRESS},
	[ITEM_SERVER_NAME] = {"server",        ROLE_HOST,                FIELD_HOST   },
	[ITEM_SERVER_PORT] = {"server_port",   ROLE_DESTINATION_PORT,    FIELD_NONE   },
	[ITEM_ADDRESS] = {"address",       ROLE_ADDRESS,             FIELD_ADDRESS},
	[ITEM_FORWARDED] = {"forwarded_for", ROLE_ADDRESS,             FIELD_ADDRESS},
	[ITEM_TRANSPORT] = {"transport",     ROLE_TRANSPORT,           FIELD_NONE   },
	[ITEM_SERVICE] = {"service",       ROLE_SERVICE,             FIELD_NONE   },
	[ITEM_QUERY] = {"query",         ROLE_QUERY,               FIELD_NAME   },
	[ITEM_QUERY_TYPE] = {"type",          ROLE_QUERY_TYPE,          FIELD_NONE   },
	[ITEM_RESPONSE_CODE] = {"code",          ROLE_RESPONSE_CODE,       FIELD_NONE   },
	[ITEM_ANSWER] = {"answer",        ROLE_ANSWER,              FIELD_HOST   },
	[ITEM_ZONE] = {"zone",          ROLE_NONE,                FIELD_NONE   },
	[ITEM_HOST] = {"host",          ROLE_HOST,                FIELD_HOST   },
	[ITEM_URL] = {"url",           ROLE_URL,                 FIELD_URL    },
	[ITEM_PATH] = {"path",          ROLE_URL,                 FIELD_NONE   },
	[ITEM_METHOD] = {"method",        ROLE_METHOD,              FIELD_NONE   },
	[ITEM_STATUS] = {"status",        ROLE_STATUS,              FIELD_NONE   },
	[ITEM_BYTES_IN] = {"bytes_in",      ROLE_SOURCE_BYTES,        FIELD_NONE   },
	[ITEM_BYTES_OUT] = {"bytes",         ROLE_DESTINATION_BYTES,   FIELD_NONE   },
	[ITEM_USER_AGENT] = {"user_agent",    ROLE_USER_AGENT,          FIELD_TEXT   },
	[ITEM_REFERRER] = {"referrer",      ROLE_REFERRER,            FIELD_URL    },
	[ITEM_USER] = {"user",          ROLE_USER,                FIELD_NONE   },
	[ITEM_MIME] = {"mime",          ROLE_MIME,                FIELD_NONE   },
	[ITEM_MAC] = {"mac",           ROLE_MAC,                 FIELD_MAC    },
	[ITEM_ASN] = {"asn",           ROLE_ASN,                 FIELD_ASN    },
	[ITEM_EMAIL_FROM] = {"from",          ROLE_EMAIL_FROM,          FIELD_EMAIL  },
	[ITEM_EMAIL_TO] = {"to",            ROLE_EMAIL_TO,            FIELD_EMAIL  },
	[ITEM_FILE_NAME] = {"file",          ROLE_FILE_NAME,           FIELD_TEXT   },
	[ITEM_FILE_HASH] = {"hash",          ROLE_FILE_HASH,           FIELD_HASH   },
	[ITEM_COMMAND] = {"command",       ROLE_COMMAND,             FIELD_FREE   },
	[ITEM_FLOW] = {"flow",          ROLE_FLOW,                FIELD_NONE   },
	[ITEM_DETAIL] = {"detail",        ROLE_NONE,                FIELD_NONE   },
	[ITEM_MESSAGE] = {"message",       ROLE_MESSAGE,             FIELD_FREE   },
};

void line_state_init(struct logs_reader *r, struct line_state *s)
{
	for (size_t i = 0; i < LINE_ITEMS; i++) {
		enum event_role role = (enum event_role)items[i].role;
		bool wanted = role != ROLE_NONE && logs_wanted(r, role);

		s->columns[i] = wanted ? logs_column(r, slice_of(items[i].name), role,
						 (enum field_kind)items[i].kind)
				       : COLUMNS_MAX;
	}
}

/* Free text longer than a field: pieces, cut at a blank so that no name is cut in two. */
static bool put_pieces(struct logs_reader *r, size_t column, struct slice value)
{
	while (value.len > FIELD_BYTES_MAX) {
		size_t len = FIELD_BYTES_MAX, back = 0;

		while (back < PIECE_BACK && value.data[len - back - 1] != ' ')
			back++;
		if (back < PIECE_BACK)
			len -= back;
		if (!logs_field(r, column, slice_cut(value, 0, len)))
			return false;
		value = slice_cut(value, len, value.len);
	}
	return logs_field(r, column, value);
}

static void put_field(struct line_out *o, size_t column, struct slice value)
{
	bool good;

	if (column == COLUMNS_MAX)
		return;
	if (value.len > FIELD_BYTES_MAX && o->r->columns[column].kind == FIELD_FREE)
		good = put_pieces(o->r, column, value);
	else
		good = logs_field(o->r, column, value);
	if (!good)
		o->failed = true;
}

/* Longer values than a scratch space holds are free text, and looked at as they stand. */
static struct slice unescaped(
	struct line_out *o, struct slice value, enum line_escape escape, bool *ret_good)
{
	static const char mark[] = {[ESCAPE_WEB] = '\\',
		[ESCAPE_QUOTE] = '\\',
		[ESCAPE_CEF] = '\\',
		[ESCAPE_HAPROXY] = '#',
		[ESCAPE_DOUBLED] = '"',
		[ESCAPE_PLUS] = '+'};
	char *to;

	*ret_good = true;
	if (escape == ESCAPE_NONE || memchr(value.data, mark[escape], value.len) == NULL)
		return value;
	if (o->event != NULL) {
		to = arena_alloc(o->a, value.len);
	} else {
		if (value.len > FIELD_BYTES_MAX)
			return value;
		to = logs_scratch(o->r, value.len);
	}
	if (to == NULL) {
		*ret_good = false;
		return value;
	}
	value.len = line_unescape(value, escape, to);
	value.data = to;
	if (o->event == NULL)
		logs_scratch_keep(o->r, value.len);
	return value;
}

void line_put_column(struct line_out *o, size_t column, struct slice name, enum event_role role,
	enum field_kind kind, struct slice value, enum line_escape escape)
{
	bool good;

	if (value.len == 0 || o->failed ||
		(o->event == NULL && (o->r == NULL || column == COLUMNS_MAX)))
		return;
	value = unescaped(o, value, escape, &good);
	if (!good)
		o->failed = true;
	else if (o->event == NULL)
		put_field(o, column, value);
	else if (!event_add(o->event, o->a, name, role, kind, value))
		o->failed = true;
}

void line_put_named(struct line_out *o, enum line_item item, struct slice name, struct slice value,
	enum line_escape escape)
{
	if (value.len == 0 || (value.len == 1 && value.data[0] == '-'))
		return;
	if (item == ITEM_TIME)
		o->time = value;
	line_put_column(o, o->state == NULL ? COLUMNS_MAX : o->state->columns[item], name,
		(enum event_role)items[item].role, (enum field_kind)items[item].kind, value,
		escape);
}

void line_put_escaped(
	struct line_out *o, enum line_item item, struct slice value, enum line_escape escape)
{
	if (o->event == NULL && (o->state == NULL || o->state->columns[item] == COLUMNS_MAX))
		return;
	line_put_named(o, item, slice_of(items[item].name), value, escape);
}

void line_put(struct line_out *o, enum line_item item, struct slice value)
{
	line_put_escaped(o, item, value, ESCAPE_NONE);
}

void line_put_copy(struct line_out *o, enum line_item item, struct slice value)
{
	char *to;

	if (o->failed || value.len == 0 || value.len > FIELD_BYTES_MAX)
		return;
	if (o->event == NULL && (o->r == NULL || o->state->columns[item] == COLUMNS_MAX))
		return;
	to = o->event != NULL ? arena_alloc(o->a, value.len) : logs_scratch(o->r, value.len);
	if (to == NULL) {
		o->failed = true;
		return;
	}
	memcpy(to, value.data, value.len);
	if (o->event == NULL)
		logs_scratch_keep(o->r, value.len);
	line_put(o, item, (struct slice){to, value.len});
}

/* ---- values of several parts ----------------------------------------------------------------- */

bool is_number(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_digit(s.data[i]))
			return false;
	return s.len != 0;
}

bool is_address(struct slice s)
{
	size_t dots = 0, colons = 0;
	bool doubled = false;

	if (s.len < 2 || s.len > ADDRESS_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];

		if (c == '.') {
			dots++;
		} else if (c == ':') {
			doubled = doubled || (i != 0 && s.data[i - 1] == ':');
			colons++;
		} else if (c == '%' && colons >= 2) {
			break; /* a zone: RFC 4007 section 11 */
		} else if (!is_digit(c) && !((c | 32) >= 'a' && (c | 32) <= 'f' && dots == 0)) {
			return false;
		}
	}
	if (colons == 0)
		return dots == 3 && is_digit(s.data[0]);
	return colons <= 7 && (doubled || colons == (dots == 3 ? 6 : 7));
}

bool is_mac(struct slice s)
{
	if (s.len != 17)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];

		if (i % 3 == 2 ? c != ':' && c != '-'
			       : !is_digit(c) && !((c | 32) >= 'a' && (c | 32) <= 'f'))
			return false;
	}
	return true;
}

static struct slice zone_cut(struct slice address)
{
	return slice_cut(address, 0, slice_find(address, '%', 0));
}

void line_put_endpoint(struct line_out *o, enum line_item item_address, enum line_item item_name,
	enum line_item item_port, struct slice value, char separator)
{
	struct slice host = value, port = {0};
	size_t at;

	if (value.len != 0 && value.data[0] == '[') {
		at = slice_find(value, ']', 0);
		host = slice_cut(value, 1, at);
		if (at + 1 < value.len && value.data[at + 1] == separator)
			port = slice_cut(value, at + 2, value.len);
	} else {
		const char *sign =
			value.len == 0 ? NULL : memrchr(value.data, separator, value.len);

		/* An IPv6 address without brackets ends in no port. */
		if (sign != NULL &&
			(separator != ':' ||
				memchr(value.data, ':', (size_t)(sign - value.data)) == NULL)) {
			at = (size_t)(sign - value.data);
			host = slice_cut(value, 0, at);
			port = slice_cut(value, at + 1, value.len);
		}
	}
	host = zone_cut(host);
	if (is_address(host))
		line_put(o, item_address, host);
	else if (item_name != LINE_ITEMS)
		line_put(o, item_name, host);
	if (is_number(port) && item_port != LINE_ITEMS)
		line_put(o, item_port, port);
}

void line_put_addresses(struct line_out *o, enum line_item item, struct slice list)
{
	struct slice part;

	while (slice_next(&list, ',', &part)) {
		part = slice_trim(part);
		if (is_address(zone_cut(part)))
			line_put(o, item, zone_cut(part));
		else if (part.len != 0 && (part.data[0] == '[' || is_digit(part.data[0])))
			line_put_endpoint(o, item, ITEM_MESSAGE, LINE_ITEMS, part, ':');
		else
			line_put(o, ITEM_MESSAGE, part);
	}
}

static size_t append(char *to, size_t at, struct slice s)
{
	if (s.len != 0)
		memcpy(to + at, s.data, s.len);
	return at + s.len;
}

void line_put_joined(struct line_out *o, struct slice scheme, struct slice host, struct slice port,
	struct slice path, struct slice query)
{
	size_t room = scheme.len + host.len + port.len + path.len + query.len + 6, len = 0;
	bool six = host.len != 0 && host.data[0] != '[' && slice_find(host, ':', 0) < host.len &&
		   is_address(host);
	char *to;

	if (o->failed ||
		(o->event == NULL && (o->r == NULL || o->state->columns[ITEM_URL] == COLUMNS_MAX)))
		return;
	if (o->event == NULL && room > FIELD_BYTES_MAX) {
		/* What cannot be joined is still looked at, part by part. */
		line_put(o, ITEM_MESSAGE, host);
		line_put(o, ITEM_MESSAGE, path);
		line_put(o, ITEM_MESSAGE, query);
		return;
	}
	to = o->event != NULL ? arena_alloc(o->a, room) : logs_scratch(o->r, room);
	if (to == NULL) {
		o->failed = true;
		return;
	}
	if (scheme.len != 0) {
		len = append(to, len, scheme);
		len = append(to, len, SLICE("://"));
	}
	if (six)
		to[len++] = '[';
	len = append(to, len, host);
	if (six)
		to[len++] = ']';
	if (is_number(port) && !slice_is(port, "80") && !slice_is(port, "443")) {
		to[len++] = ':';
		len = append(to, len, port);
	}
	if (path.len == 0 || path.data[0] != '/')
		to[len++] = '/';
	len = append(to, len, path);
	if (query.len != 0 && !slice_is(query, "-")) {
		if (query.data[0] != '?')
			to[len++] = '?';
		len = append(to, len, query);
	}
	if (o->event == NULL)
		logs_scratch_keep(o->r, len);
	line_put(o, ITEM_URL, (struct slice){to, len});
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	return (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static size_t unescape_one(struct slice s, size_t at, enum line_escape escape, char *ret_c)
{
	char next = at + 1 < s.len ? s.data[at + 1] : 0;
	size_t hex = escape == ESCAPE_HAPROXY ? at + 1 : at + 2;

	*ret_c = s.data[at];
	if (escape == ESCAPE_PLUS) {
		*ret_c = ' ';
		return 1;
	}
	if (next == 0)
		return 1;
	if (escape == ESCAPE_DOUBLED)
		return next == '"' ? 2 : 1;
	if (escape == ESCAPE_HAPROXY || (escape == ESCAPE_WEB && next == 'x')) {
		if (hex + 1 >= s.len || hex_digit(s.data[hex]) < 0 ||
			hex_digit(s.data[hex + 1]) < 0)
			return 1;
		*ret_c = (char)(hex_digit(s.data[hex]) * 16 + hex_digit(s.data[hex + 1]));
		return hex + 2 - at;
	}
	if (escape != ESCAPE_QUOTE && (next == 'n' || next == 'r' || next == 't')) {
		*ret_c = next == 'n' ? '\n' : next == 'r' ? '\r' : '\t';
		return 2;
	}
	if (strchr("\"\\]=|/", next) == NULL)
		return 1; /* RFC 5424: a backslash before anything else is itself */
	*ret_c = next;
	return 2;
}

size_t line_unescape(struct slice value, enum line_escape escape, char *to)
{
	static const char mark[] = {[ESCAPE_NONE] = 0,
		[ESCAPE_WEB] = '\\',
		[ESCAPE_QUOTE] = '\\',
		[ESCAPE_CEF] = '\\',
		[ESCAPE_HAPROXY] = '#',
		[ESCAPE_DOUBLED] = '"',
		[ESCAPE_PLUS] = '+'};
	size_t len = 0;

	for (size_t at = 0; at < value.len;) {
		if (value.data[at] != mark[escape] || escape == ESCAPE_NONE)
			to[len++] = value.data[at++];
		else
			at += unescape_one(value, at, escape, &to[len++]);
	}
	return len;
}

/* ---- rows ------------------------------------------------------------------------------------ */

enum err_kind line_open(struct logs_reader *r, struct err *e)
{
	struct line_state *s = malloc(sizeof(*s));

	if (s == NULL)
		return err_set(e, ERR_NOMEM, "log reader: out of memory");
	line_state_init(r, s);
	r->state = s;
	return OK;
}

void line_close(struct logs_reader *r)
{
	free(r->state);
}

static bool is_blank(struct slice line)
{
	for (size_t i = 0; i < line.len; i++)
		if (line.data[i] != ' ' && line.data[i] != '\t')
			return false;
	return true;
}

bool line_read(struct logs_reader *r, const struct line_state *s, struct slice line,
	line_parse parse, const char *what)
{
	struct line_out o = {.r = r, .state = s};

	if (is_blank(line))
		return true;
	if (!logs_record(r, line, r->line, r->line_offset, TIME_UNKNOWN))
		return false;
	if (!parse(&o, line)) {
		logs_problem(r, r->line, "not a line of %s: \"%.*s\"", what,
			SLICE_ARG(slice_cut(line, 0, 100)));
		line_put(&o, ITEM_MESSAGE, line);
	}
	return !o.failed;
}

bool line_detail(struct logs_reader *r, struct slice line, struct arena *a, struct event *ret_event,
	line_parse parse)
{
	struct line_out o = {.a = a, .event = ret_event};

	if (!parse(&o, line))
		line_put(&o, ITEM_MESSAGE, line);
	if (o.time.len != 0)
		ret_event->time_us = logs_time(o.time, r->world);
	return !o.failed;
}

unsigned line_guess(struct slice head, line_parse parse, unsigned best)
{
	struct slice line;
	unsigned seen = 0, sure = 0;

	while (seen < GUESS_LINES && slice_next(&head, '\n', &line)) {
		struct line_out o = {0};

		line = logs_line_trim(line);
		if (is_blank(line))
			continue;
		seen++;
		sure += parse(&o, line) && o.sure ? 1 : 0;
	}
	return seen == 0 || 5 * sure < seen ? 0 : best / 2 + best * sure / (2 * seen);
}
