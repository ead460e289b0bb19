/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Access logs of web servers and proxies: the common and combined formats as Apache, nginx and
 * squid write them, HAProxy's own two, and squid's native one. What stands in quotes is foreign
 * text: it is unescaped as its writer escaped it, and what is no request at all is free text.
 */
#include "lines.h"

/* ---- requests -------------------------------------------------------------------------------- */

static bool is_method(struct slice word)
{
	for (size_t i = 0; i < word.len; i++)
		if (!(word.data[i] >= 'A' && word.data[i] <= 'Z') && word.data[i] != '-' &&
			word.data[i] != '_')
			return false;
	return word.len != 0 && word.data[0] != '-';
}

/* Has the text a scheme in front: "http://", "ftp://"? */
static bool is_absolute(struct slice url)
{
	size_t i = 0;

	while (i < url.len &&
		(is_alpha(url.data[i]) || is_digit(url.data[i]) || url.data[i] == '+'))
		i++;
	return i != 0 && slice_starts(slice_cut(url, i, url.len), SLICE("://"));
}

/* What an attacker has others fetch stands inside: "?x=http://...", "${jndi:ldap://...}". */
static void inner_put(struct line_out *o, struct slice text, enum line_escape escape)
{
	if (slice_find_text(text, SLICE("://")) < text.len)
		line_put_escaped(o, ITEM_MESSAGE, text, escape);
}

/* The target of a request, joined to the host where the log has one (RFC 9112 section 3.2). */
static void target_put(struct line_out *o, struct slice method, struct slice target,
	struct slice host, struct slice port, enum line_escape escape)
{
	if (slice_is(method, "CONNECT")) {
		line_put(o, ITEM_HOST, target);
		return;
	}
	if (is_absolute(target)) {
		line_put_escaped(o, ITEM_URL, target, escape);
		return;
	}
	inner_put(o, target, escape);
	if (host.len != 0 && target.len != 0 && target.data[0] == '/' &&
		memchr(target.data, '\\', target.len) == NULL)
		line_put_joined(o, (struct slice){0}, host, port, target, (struct slice){0});
	else
		line_put_escaped(o, ITEM_PATH, target, escape);
}

/* METHOD TARGET[ PROTOCOL]; anything else was no HTTP. */
static void request_put(struct line_out *o, struct slice request, struct slice host,
	struct slice port, enum line_escape escape)
{
	size_t first = slice_find(request, ' ', 0);
	struct slice method = slice_cut(request, 0, first);
	struct slice target = slice_cut(request, first + 1, request.len);
	const char *last = target.len == 0 ? NULL : memrchr(target.data, ' ', target.len);

	if (!is_method(method) || target.len == 0) {
		line_put_escaped(o, ITEM_MESSAGE, request, escape);
		return;
	}
	if (last != NULL &&
		slice_starts(slice_cut(target, (size_t)(last - target.data), target.len),
			SLICE(" HTTP/")))
		target.len = (size_t)(last - target.data);
	line_put(o, ITEM_METHOD, method);
	target_put(o, method, target, host, port, escape);
}

/* ---- quotes ---------------------------------------------------------------------------------- */

/*
 * "TEXT" at the front. The closing quote is not escaped and stands before a blank or the end: squid
 * writes quotes inside as they are.
 */
static bool quoted_next(struct slice *rest, struct slice *ret_text)
{
	size_t at = 1;

	if (rest->len < 2 || rest->data[0] != '"')
		return false;
	for (;;) {
		size_t slashes = 0;

		at = slice_find(*rest, '"', at);
		if (at == rest->len)
			return false;
		while (slashes < at - 1 && rest->data[at - 1 - slashes] == '\\')
			slashes++;
		if (slashes % 2 == 0 && (at + 1 == rest->len || rest->data[at + 1] == ' '))
			break;
		at++;
	}
	*ret_text = slice_cut(*rest, 1, at);
	*rest = slice_cut(*rest, at + 1, rest->len);
	while (text_next(rest, SLICE(" ")))
		;
	return true;
}

/* ---- common and combined --------------------------------------------------------------------- */

/* "[23/Nov/2026:" */
static size_t time_at(struct slice line)
{
	size_t at = 0;

	for (;;) {
		at = slice_find(line, '[', at);
		if (at + 12 >= line.len)
			return line.len;
		if (is_digit(line.data[at + 1]) && line.data[at + 3] == '/' &&
			line.data[at + 7] == '/')
			return at;
		at++;
	}
}

/* host[:port] of the virtual host; nginx leaves the host out where a request had none. */
static void host_split(struct slice word, struct slice *ret_host, struct slice *ret_port)
{
	const char *colon = memrchr(word.data, ':', word.len);

	*ret_host = word;
	*ret_port = (struct slice){0};
	if (colon == NULL || !is_number(slice_cut(word, (size_t)(colon - word.data) + 1, word.len)))
		return;
	if (word.data[0] != '[' && memchr(word.data, ':', (size_t)(colon - word.data)) != NULL)
		return; /* an IPv6 address alone */
	*ret_host = slice_cut(word, 0, (size_t)(colon - word.data));
	*ret_port = slice_cut(word, (size_t)(colon - word.data) + 1, word.len);
}

static bool is_client(struct slice word)
{
	return is_address(slice_cut(word, 0, slice_find(word, '%', 0)));
}

/* [VHOST[:PORT] ]CLIENT IDENT USER, with a list of forwarded-for in the client's place at some
 * sites. A user's name may hold blanks. */
static bool sender_put(
	struct line_out *o, struct slice text, struct slice *ret_host, struct slice *ret_port)
{
	struct slice rest = text, first, second, ahead;

	if (!word_next(&rest, &first))
		return false;
	ahead = rest;
	if (word_next(&ahead, &second) && is_client(second) && first.data[first.len - 1] != ',') {
		host_split(first, ret_host, ret_port);
		line_put(o, ITEM_HOST, *ret_host);
		line_put(o, ITEM_SERVER_PORT, *ret_port);
		first = second;
		rest = ahead;
	}
	while (first.len > 1 && first.data[first.len - 1] == ',') {
		line_put_addresses(o, ITEM_FORWARDED, slice_cut(first, 0, first.len - 1));
		if (!word_next(&rest, &first))
			return false;
	}
	line_put_endpoint(o, ITEM_CLIENT, ITEM_CLIENT_NAME, ITEM_CLIENT_PORT, first, ':');
	if (!word_next(&rest, &first)) /* ident: RFC 1413, never looked at */
		return true;
	line_put(o, ITEM_USER, slice_trim(rest));
	return true;
}

/* "REFERRER" "USER AGENT" and whatever a site added; a list of addresses is forwarded-for. */
static void quotes_put(struct line_out *o, struct slice rest)
{
	struct slice text;
	size_t n = 0;

	while (quoted_next(&rest, &text)) {
		n++;
		if (n == 1)
			line_put_escaped(o, ITEM_REFERRER, text, ESCAPE_WEB);
		else if (n == 2) {
			line_put_escaped(o, ITEM_USER_AGENT, text, ESCAPE_WEB);
			inner_put(o, text, ESCAPE_WEB);
		} else if (text.len != 0 && is_client(slice_cut(text, 0, slice_find(text, ',', 0))))
			line_put_addresses(o, ITEM_FORWARDED, text);
		else
			line_put_escaped(o, ITEM_MESSAGE, text, ESCAPE_WEB);
	}
	/* durations, TCP_MISS:HIER_DIRECT, HAProxy's counters, or a quote that is not closed */
	if (rest.len != 0 && memchr(rest.data, '"', rest.len) != NULL)
		line_put(o, ITEM_MESSAGE, rest);
	else
		line_put(o, ITEM_DETAIL, rest);
}

static bool combined_body(struct line_out *o, struct slice line)
{
	size_t at = time_at(line), end = slice_find(line, ']', at);
	struct slice rest = slice_cut(line, end + 1, line.len), request, word, host = {0},
		     port = {0};

	if (end == line.len || !text_next(&rest, SLICE(" ")) || !quoted_next(&rest, &request) ||
		!sender_put(o, slice_cut(line, 0, at), &host, &port))
		return false;
	line_put(o, ITEM_TIME, slice_cut(line, at + 1, end));
	request_put(o, request, host, port, ESCAPE_WEB);
	if (!word_next(&rest, &word))
		return true;
	line_put(o, ITEM_STATUS, word);
	o->sure = word.len == 3 && is_number(word);
	if (word_next(&rest, &word))
		line_put(o, ITEM_BYTES_OUT, word);
	(void)text_next(&rest, SLICE(" "));
	quotes_put(o, rest);
	return true;
}

/* ---- HAProxy --------------------------------------------------------------------------------- */

/*
 * ADDRESS:PORT [TIME] FRONTEND BACKEND/SERVER TIMERS STATUS BYTES COOKIE COOKIE STATE CONNECTIONS
 * QUEUES [{HEADERS} [{HEADERS}]] "REQUEST"; without cookies, status and request for plain TCP.
 * Captured headers have no names: free text.
 */
static bool haproxy_body(struct line_out *o, struct slice line)
{
	struct slice rest = line, client, time, word, words[6];
	size_t count = 0, open, close, colon;

	if (!word_next(&rest, &client) || !word_next(&rest, &time) || time.len < 20 ||
		time.data[0] != '[' || time.data[time.len - 1] != ']' || time.data[3] != '/' ||
		slice_find(client, ':', 0) == client.len)
		return false;
	while (count < 6 && word_next(&rest, &words[count]))
		count++;
	if (count < 5 || slice_find(words[1], '/', 0) == words[1].len ||
		slice_find(words[2], '/', 0) == words[2].len)
		return false;
	o->sure = true;
	/* IPv6 without brackets too: the port is behind the last colon. */
	colon = (size_t)((const char *)memrchr(client.data, ':', client.len) - client.data);
	line_put(o, ITEM_CLIENT, slice_cut(client, 0, colon));
	line_put(o, ITEM_CLIENT_PORT, slice_cut(client, colon + 1, client.len));
	line_put(o, ITEM_TIME, slice_cut(time, 1, time.len - 1));
	line_put(o, ITEM_DETAIL, words[1]);
	/* Timers of HTTP are five numbers, of TCP three; bytes follow the status. */
	word = words[2];
	for (open = 0, close = 0; open < word.len; open++)
		close += word.data[open] == '/';
	if (close < 4) {
		line_put(o, ITEM_BYTES_OUT, words[3]);
		line_put_copy(o, ITEM_SERVICE, SLICE("tcp"));
		return true;
	}
	line_put(o, ITEM_STATUS, words[3]);
	line_put(o, ITEM_BYTES_OUT, words[4]);
	while (rest.len != 0) {
		if (text_next(&rest, SLICE(" ")))
			continue;
		if (rest.data[0] == '{') {
			close = slice_find_text(rest, SLICE("} "));
			line_put_escaped(
				o, ITEM_MESSAGE, slice_cut(rest, 1, close), ESCAPE_HAPROXY);
			rest = slice_cut(rest, close + 1, rest.len);
		} else if (rest.data[0] == '"') {
			close = rest.data[rest.len - 1] == '"' && rest.len > 1 ? rest.len - 1
									       : rest.len;
			request_put(o, slice_cut(rest, 1, close), (struct slice){0},
				(struct slice){0}, ESCAPE_HAPROXY);
			return true;
		} else {
			(void)word_next(&rest, &word);
		}
	}
	return true;
}

bool web_body(struct line_out *o, const struct line_head *h)
{
	return combined_body(o, h->message) || haproxy_body(o, h->message);
}

static bool web_parse(struct line_out *o, struct slice line)
{
	struct line_head h;

	/* The form itself first: a client's name may look like a header. */
	if (combined_body(o, line) || haproxy_body(o, line))
		return true;
	line_head_parse(line, &h);
	if (!h.has_time)
		return false;
	line_head_put(o, &h);
	return web_body(o, &h);
}

/* ---- squid ----------------------------------------------------------------------------------- */

/*
 * TIME ELAPSED CLIENT RESULT/STATUS BYTES METHOD URL USER HIERARCHY/PEER TYPE; URLs hold no blanks
 * unless the site wants them, so the words behind are counted from the end.
 */
static bool squid_words(struct line_out *o, struct slice line)
{
	struct slice rest = line, time, elapsed, client, result, bytes, method, url, user = {0},
		     peer = {0}, type = {0}, *const behind[] = {&type, &peer, &user};
	size_t slash;

	if (!word_next(&rest, &time) || time.len < 10 || !is_digit(time.data[0]) ||
		slice_find(time, '.', 0) == time.len || !word_next(&rest, &elapsed) ||
		!word_next(&rest, &client) || !word_next(&rest, &result) ||
		!word_next(&rest, &bytes) || !word_next(&rest, &method))
		return false;
	slash = slice_find(result, '/', 0);
	if (slash == result.len || !is_number(bytes) ||
		!is_number(elapsed.data[0] == '-' ? slice_cut(elapsed, 1, elapsed.len) : elapsed))
		return false;
	url = slice_trim(rest);
	/* log_mime_hdrs appends [headers] [headers] */
	if (url.len != 0 && url.data[url.len - 1] == ']') {
		size_t open = slice_find_text(url, SLICE(" ["));

		line_put(o, ITEM_MESSAGE, slice_cut(url, open + 1, url.len));
		url = slice_trim(slice_cut(url, 0, open));
	}
	for (size_t i = 0; i < COUNT_OF(behind); i++) {
		const char *blank = url.len == 0 ? NULL : memrchr(url.data, ' ', url.len);

		if (blank == NULL)
			return false;
		*behind[i] = slice_cut(url, (size_t)(blank - url.data) + 1, url.len);
		url = slice_cut(url, 0, (size_t)(blank - url.data));
	}
	o->sure = true;
	line_put(o, ITEM_TIME, time);
	line_put_endpoint(o, ITEM_CLIENT, ITEM_CLIENT_NAME, LINE_ITEMS, client, ' ');
	line_put(o, ITEM_DETAIL, slice_cut(result, 0, slash));
	line_put(o, ITEM_STATUS, slice_cut(result, slash + 1, result.len));
	line_put(o, ITEM_BYTES_OUT, bytes);
	line_put(o, ITEM_METHOD, method);
	if (slice_starts(url, SLICE("error:")))
		line_put(o, ITEM_DETAIL, url);
	else
		target_put(o, method, url, (struct slice){0}, (struct slice){0}, ESCAPE_NONE);
	line_put(o, ITEM_USER, user);
	slash = slice_find(peer, '/', 0);
	line_put_endpoint(o, ITEM_SERVER, ITEM_SERVER_NAME, LINE_ITEMS,
		slice_cut(peer, slash + 1, peer.len), ' ');
	line_put(o, ITEM_MIME, type);
	return true;
}

bool squid_body(struct line_out *o, const struct line_head *h)
{
	return squid_words(o, h->message) || combined_body(o, h->message);
}

static bool squid_parse(struct line_out *o, struct slice line)
{
	struct line_head h;

	if (squid_words(o, line))
		return true;
	line_head_parse(line, &h);
	if (!h.has_time)
		return false;
	line_head_put(o, &h);
	return squid_words(o, h.message);
}

/* ---- rows
 * -----------------------------------------------------------------------------------------------
 */

static unsigned squid_guess(struct slice head, const char *name)
{
	(void)name;
	return line_guess(head, squid_parse, 90);
}

static bool squid_line(struct logs_reader *r, struct slice line)
{
	return line_read(r, r->state, line, squid_parse, "squid");
}

static bool squid_detail(
	struct logs_reader *r, struct slice line, struct arena *a, struct event *ret_event)
{
	return line_detail(r, line, a, ret_event, squid_parse);
}

const struct logs_format_row logs_squid = {.name = "squid",
	.guess = squid_guess,
	.open = line_open,
	.close = line_close,
	.line = squid_line,
	.detail = squid_detail};

static unsigned combined_guess(struct slice head, const char *name)
{
	(void)name;
	return line_guess(head, web_parse, 90);
}

static bool combined_line(struct logs_reader *r, struct slice line)
{
	return line_read(r, r->state, line, web_parse, "a web server's access log");
}

static bool combined_detail(
	struct logs_reader *r, struct slice line, struct arena *a, struct event *ret_event)
{
	return line_detail(r, line, a, ret_event, web_parse);
}

const struct logs_format_row logs_combined = {.name = "combined",
	.guess = combined_guess,
	.open = line_open,
	.close = line_close,
	.line = combined_line,
	.detail = combined_detail};
