/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Heads of HTTP messages: the start line (RFC 9112 3, 4) and the few fields that name something.
 */
#include "app_head.h"

/* Methods by which a stream is known (RFC 9110 9, 5789, 4918); the target follows. */
static const char *const methods[] = {"GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "OPTIONS ",
	"CONNECT ", "PATCH ", "TRACE ", "PROPFIND ", "PROPPATCH ", "MKCOL ", "COPY ", "MOVE ",
	"LOCK ", "UNLOCK ", "REPORT ", "SEARCH "};

/* NONE, UNDECIDED or HTTP as far as head goes. */
static enum app_protocol starts(struct slice head, const char *text)
{
	struct slice want = slice_of(text);

	if (head.len >= want.len)
		return slice_starts(head, want) ? APP_HTTP : APP_NONE;
	return slice_starts(want, head) ? APP_UNDECIDED : APP_NONE;
}

enum app_protocol app_http_guess(struct slice from_opener, struct slice from_other)
{
	struct slice head = from_opener.len > 0 ? from_opener : from_other;
	enum app_protocol best = starts(head, "HTTP/1.");

	for (size_t i = 0; i < COUNT_OF(methods) && best == APP_NONE; i++) {
		best = starts(head, methods[i]);
		if (best == APP_HTTP && i != 6) { /* SIP and RTSP have OPTIONS too */
			size_t at = strlen(methods[i]);

			while (at < head.len && head.data[at] == ' ') /* sent to slip by */
				at++;
			if (head.len == at)
				best = APP_UNDECIDED;
			else if (head.data[at] != '/' && head.data[at] != '*' &&
				 starts(slice_cut(head, at, head.len), "http") == APP_NONE)
				best = APP_NONE;
		}
	}
	return best;
}

/* ---- start line ----------------------------------------------------------------------------- */

#define METHOD_MAX 32

static bool request_line(struct slice line, struct http_head *h)
{
	size_t space = slice_find(line, ' ', 0), last = line.len;

	if (space == 0 || space > METHOD_MAX || space == line.len)
		return false;
	while (last > space + 1 && line.data[last - 1] != ' ')
		last--;
	if (last <= space + 1 || !slice_starts(slice_cut(line, last, line.len), SLICE("HTTP/1.")))
		return false;
	h->method = slice_cut(line, 0, space);
	for (size_t i = 0; i < h->method.len; i++) {
		char c = h->method.data[i];

		if ((c < 'A' || c > 'Z') && c != '-' && c != '_')
			return false;
	}
	h->target = slice_trim(slice_cut(line, space + 1, last - 1));
	return h->target.len > 0;
}

static bool status_line(struct slice line, struct http_head *h)
{
	size_t space = slice_find(line, ' ', 0);
	uint64_t code;

	h->status_text = slice_cut(line, space + 1, space + 4);
	if (h->status_text.len != 3 || !slice_to_u64(h->status_text, &code) || code < 100)
		return false;
	h->status = (unsigned)code;
	return true;
}

/* ---- fields --------------------------------------------------------------------------------- */

static void name_set(struct http_head *h, struct slice text, bool decode);

static void field_length(struct http_head *h, struct slice v)
{
	struct slice part;

	/* "5, 5" is allowed when all are the same (RFC 9112 6.3). */
	while (slice_next(&v, ',', &part)) {
		uint64_t n;

		part = slice_trim(part);
		while (part.len > 1 && part.data[0] == '0')
			part = slice_cut(part, 1, part.len);
		if (!slice_to_u64(part, &n) || (h->has_length && n != h->length)) {
			h->contradiction = true;
			return;
		}
		h->has_length = true;
		h->length = n;
	}
}

static void field_coding(struct http_head *h, struct slice v)
{
	struct slice last = {0}, part;

	while (slice_next(&v, ',', &part))
		last = slice_trim(part);
	h->chunked = slice_equal_nocase(last, SLICE("chunked"));
}

static void field_mime(struct http_head *h, struct slice v)
{
	h->mime = slice_trim(slice_cut(v, 0, slice_find(v, ';', 0)));
	h->mime = slice_cut(h->mime, 0, HTTP_MIME_MAX);
}

static void field_forwarded(struct http_head *h, struct slice v)
{
	if (h->forwarded_count < COUNT_OF(h->forwarded))
		h->forwarded[h->forwarded_count++] = v;
}

static void field_host(struct http_head *h, struct slice v)
{
	if (h->host.len == 0)
		h->host = v;
}

static void field_agent(struct http_head *h, struct slice v)
{
	h->agent = v;
}

static void field_referrer(struct http_head *h, struct slice v)
{
	h->referrer = v;
}

/* RFC 6266 4: filename="a.exe" or filename*=UTF-8''a.exe, which goes before it. */
static void field_disposition(struct http_head *h, struct slice v)
{
	struct slice part;
	bool extended = false;

	while (slice_next(&v, ';', &part)) {
		size_t equals = slice_find(part, '=', 0);
		struct slice key = slice_trim(slice_cut(part, 0, equals));
		struct slice value = slice_trim(slice_cut(part, equals + 1, part.len));

		if (slice_equal_nocase(key, SLICE("filename*"))) {
			size_t quote = slice_find(value, '\'', 0);

			quote = slice_find(value, '\'', quote + 1);
			name_set(h, slice_cut(value, quote + 1, value.len), true);
			h->disposition = extended = true;
		} else if (!extended && slice_equal_nocase(key, SLICE("filename"))) {
			if (value.len >= 1 && value.data[0] == '"')
				value = slice_cut(value, 1, value.len);
			if (value.len >= 1 && value.data[value.len - 1] == '"')
				value.len--;
			name_set(h, value, false);
			h->disposition = true;
		}
	}
}

static const struct {
	struct slice name;
	void (*read)(struct http_head *h, struct slice value);
} fields[] = {
	{{"Host", 4},                 field_host       },
	{{"User-Agent", 10},          field_agent      },
	{{"Referer", 7},              field_referrer   },
	{{"X-Forwarded-For", 15},     field_forwarded  },
	{{"X-Real-IP", 9},            field_forwarded  },
	{{"Forwarded", 9},            field_forwarded  },
	{{"Content-Length", 14},      field_length     },
	{{"Transfer-Encoding", 17},   field_coding     },
	{{"Content-Type", 12},        field_mime       },
	{{"Content-Disposition", 19}, field_disposition},
};

static void field_read(struct http_head *h, struct slice line)
{
	size_t colon = slice_find(line, ':', 0);

	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		if (fields[i].name.len != colon || colon == line.len ||
			(fields[i].name.data[0] | 0x20) != (line.data[0] | 0x20) ||
			!slice_equal_nocase(fields[i].name, slice_cut(line, 0, colon)))
			continue;
		fields[i].read(h, slice_trim(slice_cut(line, colon + 1, line.len)));
		return;
	}
}

/* ---- file names ----------------------------------------------------------------------------- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Its last segment; with its %XX undone, but for bytes that would draw or lead elsewhere. */
static void name_set(struct http_head *h, struct slice text, bool decode)
{
	size_t n = 0, from = 0;

	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '/' || text.data[i] == '\\')
			from = i + 1;
	text = slice_cut(text, from, text.len);
	for (size_t i = 0; i < text.len && n < sizeof(h->name); i++) {
		char c = text.data[i];

		if (decode && c == '%' && i + 2 < text.len && digit(text.data[i + 1]) >= 0 &&
			digit(text.data[i + 2]) >= 0) {
			uint8_t u =
				(uint8_t)(digit(text.data[i + 1]) << 4 | digit(text.data[i + 2]));

			if (u >= 0x20 && u != 0x7f && u != '/' && u != '\\') {
				c = (char)u;
				i += 2;
			}
		}
		h->name[n++] = c;
	}
	h->name_len = n;
}

static void name_of_target(struct http_head *h)
{
	struct slice path = h->target;
	size_t scheme;

	path = slice_cut(path, 0, slice_find(path, '?', 0));
	path = slice_cut(path, 0, slice_find(path, '#', 0));
	scheme = slice_find_text(path, SLICE("://"));
	if (scheme < path.len) { /* absolute: the host is no name */
		size_t slash = slice_find(path, '/', scheme + 3);

		path = slice_cut(path, slash, path.len);
	}
	if (path.len > 0 && path.data[0] == '/')
		name_set(h, path, true);
}

/* ---- door ----------------------------------------------------------------------------------- */

bool http_head_read(struct slice bytes, struct http_head *ret_head)
{
	struct slice line;
	bool first = true;

	memset(ret_head, 0, offsetof(struct http_head, name));
	while (slice_next(&bytes, '\n', &line)) {
		if (line.len > 0 && line.data[line.len - 1] == '\r')
			line.len--;
		if (first) {
			if (!(slice_starts(line, SLICE("HTTP/1.")) ? status_line(line, ret_head)
								   : request_line(line, ret_head)))
				return false;
			first = false;
		} else if (line.len > 0) {
			field_read(ret_head, line);
		}
	}
	if (first)
		return false;
	/* A coding goes before a length (RFC 9112 6.3 point 3). */
	if (ret_head->chunked)
		ret_head->contradiction = false;
	if (ret_head->status == 0 && !ret_head->disposition)
		name_of_target(ret_head);
	return true;
}

static void url_tell(const struct http_head *h, struct packet_out *out)
{
	char url[HTTP_TARGET_MAX] UNCLEARED;
	const struct slice parts[] = {SLICE("http://"), h->host, h->target};
	size_t len = 0;

	if (slice_is(h->method, "CONNECT") || slice_is(h->target, "*"))
		return;
	if (h->target.data[0] != '/' || h->host.len == 0) {
		app_text(out, ROLE_URL, slice_cut(h->target, 0, sizeof(url)));
		return;
	}
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		struct slice part = slice_cut(parts[i], 0, sizeof(url) - len);

		memcpy(url + len, part.data, part.len);
		len += part.len;
	}
	app_text(out, ROLE_URL, (struct slice){url, len});
}

/* "a, b" of X-Forwarded-For, or RFC 7239's for="[2001:db8::1]:4711";proto=http, for=b. */
static void forwarded_tell(struct slice value, unsigned *left, struct packet_out *out)
{
	struct slice hop, pair;

	while (*left > 0 && slice_next(&value, ',', &hop)) {
		(*left)--;
		while (slice_next(&hop, ';', &pair)) {
			uint8_t address[16];
			size_t len;

			pair = slice_trim(pair);
			if (pair.len > 4 &&
				slice_equal_nocase(slice_cut(pair, 0, 4), SLICE("for=")))
				pair = slice_cut(pair, 4, pair.len);
			if (pair.len >= 2 && pair.data[0] == '"')
				pair = slice_cut(pair, 1, pair.len - 1);
			if (pair.len > 0 && pair.data[0] == '[')
				pair = slice_cut(pair, 0, slice_find(pair, ']', 0) + 1);
			else if (slice_find(pair, '.', 0) < pair.len)
				pair = slice_cut(pair, 0, slice_find(pair, ':', 0));
			len = event_address_parse(pair, address);
			if (len > 0)
				packet_out_field(out, ROLE_ADDRESS,
					(struct slice){(const char *)address, len}, true);
		}
	}
}

void http_head_tell(const struct http_head *h, struct packet_out *out)
{
	unsigned left = HTTP_FORWARDED_MAX;

	app_text(out, ROLE_SERVICE, SLICE("http"));
	app_text(out, ROLE_STATUS, h->status_text);
	if (h->status != 0)
		return;
	app_text(out, ROLE_METHOD, h->method);
	app_text(out, ROLE_HOST, slice_is(h->method, "CONNECT") ? h->target : h->host);
	if (packet_out_wants(out, ROLE_URL))
		url_tell(h, out);
	app_text(out, ROLE_USER_AGENT, h->agent);
	app_text(out, ROLE_REFERRER, h->referrer);
	for (unsigned i = 0; i < h->forwarded_count; i++)
		forwarded_tell(h->forwarded[i], &left, out);
}
