/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Syslog: RFC 3164, RFC 5424 and what daemons write to files of their own, header first. What a
 * known program wrote behind the header is read as in that program's own log; the rest is free
 * text.
 */
#include "lines.h"

#define TAG_MAX 128 /* bytes of "process[pid]:"; RFC 5424 allows a name of 48 and an id of 128 */

/* ---- the time at the front ------------------------------------------------------------------- */

/* Does the text fit the picture? 'd' digit, 'a' letter, 'D' digit or blank, else itself. */
static bool fits(struct slice s, const char *picture)
{
	size_t i;

	for (i = 0; picture[i] != 0; i++) {
		char c, want = picture[i];

		if (i == s.len)
			return false;
		c = s.data[i];
		if (want == 'd'       ? !is_digit(c)
			: want == 'D' ? !is_digit(c) && c != ' '
			: want == 'a' ? !is_alpha(c)
				      : c != want)
			return false;
	}
	return true;
}

static size_t digits_end(struct slice s, size_t at)
{
	while (at < s.len && is_digit(s.data[at]))
		at++;
	return at;
}

/* Bytes of the time at the front; 0: none. */
static size_t time_len(struct slice s)
{
	size_t end = 0;

	if (fits(s, "aaa Dd dd:dd:dd"))
		end = 15;
	else if (fits(s, "aaa Dd dddd dd:dd:dd"))
		end = 20;
	else if (fits(s, "dd-aaa-dddd dd:dd:dd"))
		end = 20;
	else if (fits(s, "dddd-dd-dd dd:dd:dd"))
		end = 19;
	if (end != 0) {
		if (end < s.len && (s.data[end] == '.' || s.data[end] == ','))
			end = digits_end(s, end + 1);
		return end;
	}
	if (fits(s, "dddd-dd-ddTdd:dd"))
		return slice_find(slice_cut(s, 0, 40), ' ', 0);
	if (fits(s, "[ddddddddd")) { /* Unbound: seconds since 1970 */
		end = digits_end(s, 1);
		if (end < s.len && s.data[end] == '.')
			end = digits_end(s, end + 1);
		return end < s.len && s.data[end] == ']' ? end + 1 : 0;
	}
	return 0;
}

/* "<0>" to "<999>" (RFC 3164 section 4.1.1; 191 is the highest that means something). */
static size_t priority_len(struct slice s)
{
	size_t end = s.len != 0 && s.data[0] == '<' ? digits_end(slice_cut(s, 0, 4), 1) : 0;

	return end > 1 && end < s.len && s.data[end] == '>' ? end + 1 : 0;
}

/* ---- RFC 5424 -------------------------------------------------------------------------------- */

/* The end of structured data at the front: "-" or elements in brackets; 0: neither. */
static size_t structured_len(struct slice s)
{
	size_t at = 0;
	bool quoted = false;

	if (s.len != 0 && s.data[0] == '-' && (s.len == 1 || s.data[1] == ' '))
		return 1;
	while (at < s.len && s.data[at] == '[') {
		for (at++; at < s.len && (quoted || s.data[at] != ']'); at++) {
			if (s.data[at] == '\\' && quoted && at + 1 < s.len)
				at++;
			else if (s.data[at] == '"')
				quoted = !quoted;
		}
		if (at == s.len)
			return 0;
		at++;
	}
	return at < s.len && s.data[at] != ' ' ? 0 : at;
}

static bool head_5424(struct slice s, struct line_head *h)
{
	struct slice version, rest = s;
	size_t len;

	if (!word_next(&rest, &version) || version.len > 2 || !is_number(version) ||
		version.data[0] == '0' || !word_next(&rest, &h->time) ||
		(!slice_is(h->time, "-") && time_len(h->time) != h->time.len))
		return false;
	h->rest = rest;
	if (!word_next(&rest, &h->host) || !word_next(&rest, &h->process) ||
		!word_next(&rest, &h->pid) || !word_next(&rest, &h->message_id))
		return false;
	(void)text_next(&rest, SLICE(" "));
	len = structured_len(rest);
	if (len == 0)
		return false;
	if (rest.data[0] == '[')
		h->structured = slice_cut(rest, 0, len);
	rest = slice_cut(rest, len, rest.len);
	(void)text_next(&rest, SLICE(" "));
	(void)text_next(&rest, SLICE("\xef\xbb\xbf"));
	h->message = rest;
	h->has_time = true;
	return true;
}

/* ---- RFC 3164 and the daemons' own ----------------------------------------------------------- */

/*
 * "process[pid]:", "process:", or "process[pid]" as Unbound writes it: no blank inside. Without a
 * host before it only with an id: "queries:" is a category of BIND's.
 */
static bool tag_next(struct slice *rest, struct line_head *h, bool needs_id)
{
	struct slice s = slice_cut(*rest, 0, TAG_MAX), tag = slice_cut(s, 0, slice_find(s, ' ', 0));
	struct slice pid = {0};
	size_t open, end = tag.len;

	if (tag.len == 0)
		return false;
	if (tag.data[end - 1] == ':')
		end--;
	open = slice_find(tag, '[', 0);
	if (open != 0 && open < end && tag.data[end - 1] == ']')
		pid = slice_cut(tag, open + 1, end - 1);
	else if (end == tag.len || end == 0 || needs_id)
		return false;
	else
		open = end;
	/* BIND: "client 192.0.2.1#53:" is no process on the host "client". */
	if (is_digit(tag.data[0]) || slice_find(tag, '#', 0) < tag.len)
		return false;
	h->pid = pid;
	h->process = slice_cut(tag, 0, open < end ? open : end);
	*rest = slice_cut(*rest, tag.len, rest->len);
	(void)text_next(rest, SLICE(" "));
	return true;
}

static bool is_host(struct slice word)
{
	bool letter = false;

	for (size_t i = 0; i < word.len; i++) {
		char c = word.data[i];

		if (is_alpha(c) || c == '.' || c == ':')
			letter = true;
		else if (!is_digit(c) && c != '-' && c != '_')
			return false;
	}
	return letter && word.data[word.len - 1] != ':';
}

void line_head_parse(struct slice line, struct line_head *ret_head)
{
	struct line_head h = {.message = line, .rest = line};
	struct slice rest = line, ahead, host;
	size_t len = priority_len(rest);

	*ret_head = h;
	if (len != 0) {
		h.priority = slice_cut(rest, 1, len - 1);
		rest = slice_cut(rest, len, rest.len);
		h.message = h.rest = rest;
		*ret_head = h;
		if (head_5424(rest, &h)) {
			*ret_head = h;
			return;
		}
		h = *ret_head;
	}
	len = time_len(rest);
	if (len == 0)
		return;
	h.has_time = true;
	h.time = slice_cut(rest, 0, len);
	rest = slice_cut(rest, len, rest.len);
	while (text_next(&rest, SLICE(" ")))
		;
	h.message = h.rest = rest;
	if (tag_next(&rest, &h, h.priority.len == 0)) {
		h.message = rest;
	} else {
		ahead = rest;
		if (word_next(&ahead, &host) && is_host(host)) {
			(void)text_next(&ahead, SLICE(" "));
			if (slice_starts(ahead, SLICE("CEF:")) || tag_next(&ahead, &h, false)) {
				h.host = host;
				h.message = ahead;
			}
		}
	}
	*ret_head = h;
}

/* ---- what is put ----------------------------------------------------------------------------- */

/* [id name="value" ...]: the fields of people's events are called id.name. */
static void structured_put(struct line_out *o, struct slice s)
{
	struct slice id = {0}, name, full;
	char text[96];
	size_t at = 0, end;

	while (at < s.len) {
		if (s.data[at] == '[') {
			for (end = at + 1; end < s.len && s.data[end] != ' ' && s.data[end] != ']';)
				end++;
			id = slice_cut(s, at + 1, end);
			at = end;
			continue;
		}
		if (s.data[at] == ' ' || s.data[at] == ']') {
			at++;
			continue;
		}
		end = slice_find(s, '=', at);
		name = slice_cut(s, at, end);
		if (end + 1 >= s.len || s.data[end + 1] != '"')
			return;
		at = end + 2;
		for (end = at; end < s.len && s.data[end] != '"'; end++)
			if (s.data[end] == '\\' && end + 1 < s.len)
				end++;
		full = SLICE("structured");
		if (o->event != NULL) {
			int n = snprintf(
				text, sizeof(text), "%.*s.%.*s", SLICE_ARG(id), SLICE_ARG(name));

			full = arena_copy(o->a,
				slice_cut((struct slice){text, (size_t)n}, 0, sizeof(text) - 1));
		}
		line_put_named(o, ITEM_MESSAGE, full, slice_cut(s, at, end), ESCAPE_QUOTE);
		at = end + 1;
	}
}

void line_head_put(struct line_out *o, const struct line_head *h)
{
	if (!h->has_time && h->priority.len == 0)
		return;
	line_put(o, ITEM_PRIORITY, h->priority);
	line_put(o, ITEM_TIME, h->time);
	line_put(o, ITEM_DEVICE, h->host);
	line_put(o, ITEM_PROCESS, h->process);
	line_put(o, ITEM_PID, h->pid);
	line_put(o, ITEM_MESSAGE_ID, h->message_id);
	if (h->structured.len != 0)
		structured_put(o, h->structured);
}

/* ---- the row --------------------------------------------------------------------------------- */

/* Programs whose text is known; the process's name begins so. */
static const struct {
	const char *process;
	line_body *body;
} programs[] = {
	{"named",   bind_body    },
	{"unbound", unbound_body },
	{"dnsmasq", dnsmasq_body },
	{"pdns",    powerdns_body},
	{"squid",   squid_body   },
	{"(squid",  squid_body   },
	{"haproxy", web_body     },
	{"nginx",   web_body     },
	{"apache",  web_body     },
	{"httpd",   web_body     },
};

void line_message_put(struct line_out *o, const struct line_head *h)
{
	struct slice rest = h->message, host;

	for (size_t i = 0; i < COUNT_OF(programs); i++) {
		if (!slice_starts(h->process, slice_of(programs[i].process)))
			continue;
		if (programs[i].body(o, h))
			return;
		break;
	}
	/* Not all that is left is the message when there was no tag: the word before it is the
	 * host. */
	if (h->has_time && h->process.len == 0 && h->host.len == 0 && word_next(&rest, &host) &&
		rest.len != 0 && is_host(host) && !is_number(slice_cut(host, 0, 4))) {
		line_put(o, ITEM_DEVICE, host);
		(void)text_next(&rest, SLICE(" "));
		line_put(o, ITEM_MESSAGE, rest);
		return;
	}
	line_put(o, ITEM_MESSAGE, h->message);
}

static bool syslog_parse(struct line_out *o, struct slice line)
{
	struct line_head h;

	line_head_parse(line, &h);
	line_head_put(o, &h);
	if (cef_body(o, &h)) {
		o->sure = true;
		return true;
	}
	if (!h.has_time && h.priority.len == 0)
		return false;
	line_message_put(o, &h);
	/* A time alone begins many a log; a sender or a priority makes it syslog. */
	o->sure = h.priority.len != 0 || h.process.len != 0;
	return true;
}

static unsigned guess(struct slice head, const char *name)
{
	(void)name;
	return line_guess(head, syslog_parse, 70);
}

static bool read_line(struct logs_reader *r, struct slice line)
{
	return line_read(r, r->state, line, syslog_parse, "syslog");
}

static bool detail(
	struct logs_reader *r, struct slice line, struct arena *a, struct event *ret_event)
{
	return line_detail(r, line, a, ret_event, syslog_parse);
}

const struct logs_format_row logs_syslog = {.name = "syslog",
	.guess = guess,
	.open = line_open,
	.close = line_close,
	.line = read_line,
	.detail = detail};
