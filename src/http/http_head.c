/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The head of a request, judged after the library has cut it up. The library is lenient where two
 * readers of one byte stream must not differ (a proxy and we): everything doubtful is refused here.
 */
#include "http_parts.h"

/* tchar of RFC 9110 section 5.6.2. */
static bool token_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool token_valid(struct slice s)
{
	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!token_char((unsigned char)s.data[i]))
			return false;
	return true;
}

/* Visible characters, blanks, and bytes past ASCII (obs-text). */
static bool value_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* uri-host [":" port]; names, addresses and bracketed IPv6. Empty is allowed (RFC 9112 3.2). */
static bool host_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];

		if (c <= 0x20 || c >= 0x7f || strchr("/?#@\\\"<>^`{|}", c) != NULL)
			return false;
	}
	return true;
}

static enum http_method method_of(struct slice text)
{
	static const struct {
		struct slice name;
		enum http_method method;
	} methods[] = {
		{{"GET", 3},    HTTP_GET   },
		{{"HEAD", 4},   HTTP_HEAD  },
		{{"POST", 4},   HTTP_POST  },
		{{"PUT", 3},    HTTP_PUT   },
		{{"DELETE", 6}, HTTP_DELETE},
	};

	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if (slice_equal(text, methods[i].name))
			return methods[i].method;
	return HTTP_OTHER;
}

/* The headers that decide something: all of them may stand there once only. */
enum known {
	KNOWN_HOST,
	KNOWN_LENGTH,
	KNOWN_CODING,
	KNOWN_AUTHORIZATION,
	KNOWN_ACCEPT_ENCODING,
	KNOWN_IF_NONE_MATCH,
	KNOWN_EXPECT,
	KNOWN_COUNT
};

static const struct {
	struct slice name;
	const char *twice; /* reason to refuse a second one; NULL: the first counts */
} known[KNOWN_COUNT] = {
	[KNOWN_HOST] = {{"host", 4},               "more than one Host"             },
	[KNOWN_LENGTH] = {{"content-length", 14},    "more than one Content-Length"   },
	[KNOWN_CODING] = {{"transfer-encoding", 17}, "more than one Transfer-Encoding"},
	[KNOWN_AUTHORIZATION] = {{"authorization", 13},     "more than one Authorization"    },
	[KNOWN_ACCEPT_ENCODING] = {{"accept-encoding", 15},   NULL                             },
	[KNOWN_IF_NONE_MATCH] = {{"if-none-match", 13},     NULL                             },
	[KNOWN_EXPECT] = {{"expect", 6},             NULL                             },
};

static unsigned refuse(const char **ret_why, unsigned status, const char *why)
{
	*ret_why = why;
	return status;
}

unsigned http_head_check(
	const struct http_head *head, struct http_facts *ret_facts, const char **ret_why)
{
	struct slice found[KNOWN_COUNT] = {0};
	bool seen[KNOWN_COUNT] = {false};
	struct http_facts facts = {.method = method_of(head->method)};
	bool modern = !slice_is(head->version, "HTTP/1.0");

	if (head->bytes > HTTP_HEAD_MAX)
		return refuse(ret_why, 431, "the head of the request is too long");
	if (head->headers_count > HTTP_HEADERS_MAX)
		return refuse(ret_why, 431, "too many header lines");
	if (!token_valid(head->method))
		return refuse(ret_why, 400, "the method is not a token");
	for (size_t i = 0; i < head->headers_count; i++) {
		const struct http_param *h = &head->headers[i];

		if (!token_valid(h->name))
			return refuse(ret_why, 400, "a header name is not a token");
		if (!value_valid(h->value))
			return refuse(ret_why, 400, "a control character in a header");
		for (size_t k = 0; k < KNOWN_COUNT; k++) {
			if (!slice_equal_nocase(h->name, known[k].name))
				continue;
			if (seen[k] && known[k].twice != NULL)
				return refuse(ret_why, 400, known[k].twice);
			if (!seen[k])
				found[k] = slice_trim(h->value);
			seen[k] = true;
			break;
		}
	}

	/* RFC 9112 section 3.2: exactly one Host, and a valid one. */
	if (!seen[KNOWN_HOST] && modern)
		return refuse(ret_why, 400, "no Host");
	if (!host_valid(found[KNOWN_HOST]))
		return refuse(ret_why, 400, "Host is not a host");
	/* RFC 9112 section 6.1 to 6.3: where the body ends must have one answer. */
	if (seen[KNOWN_CODING]) {
		if (seen[KNOWN_LENGTH])
			return refuse(ret_why, 400, "Transfer-Encoding beside Content-Length");
		if (!modern)
			return refuse(ret_why, 400, "Transfer-Encoding in HTTP/1.0");
		if (!slice_equal_nocase(found[KNOWN_CODING], SLICE("chunked")))
			return refuse(ret_why, 400, "Transfer-Encoding is not chunked");
		facts.chunked = true;
	}
	if (seen[KNOWN_LENGTH]) {
		if (!slice_to_u64(found[KNOWN_LENGTH], &facts.length))
			return refuse(ret_why, 400, "Content-Length is not a number");
		facts.has_length = true;
	}
	facts.expects_continue =
		modern && slice_equal_nocase(found[KNOWN_EXPECT], SLICE("100-continue"));
	facts.host = found[KNOWN_HOST];
	facts.authorization = found[KNOWN_AUTHORIZATION];
	facts.accept_encoding = found[KNOWN_ACCEPT_ENCODING];
	facts.if_none_match = found[KNOWN_IF_NONE_MATCH];
	*ret_facts = facts;
	return 0;
}

static uintptr_t end_of(struct slice s)
{
	return (uintptr_t)s.data + s.len;
}

bool http_head_is_whole(const struct http_head *head)
{
	uintptr_t at;

	/* "GET /path HTTP/1.1" CR LF: single blanks. */
	if ((uintptr_t)head->target.data != end_of(head->method) + 1 ||
		(uintptr_t)head->version.data != end_of(head->target) + 1)
		return false;
	at = end_of(head->version) + 2;
	for (size_t i = 0; i < head->headers_count; i++) {
		const struct http_param *h = &head->headers[i];

		/* The colon, then any number of blanks. */
		if ((uintptr_t)h->name.data != at || (uintptr_t)h->value.data < end_of(h->name) + 1)
			return false;
		at = end_of(h->value) + 2;
	}
	return at + 2 == (uintptr_t)head->method.data + head->bytes;
}

struct slice http_request_header(const struct http_request *q, const char *name)
{
	struct slice wanted = slice_of(name);

	for (size_t i = 0; i < q->headers_count; i++)
		if (slice_equal_nocase(q->headers[i].name, wanted))
			return slice_trim(q->headers[i].value);
	return (struct slice){0};
}

/* Without W/, for the weak comparison of RFC 9110 section 8.8.3.2. */
static struct slice opaque_tag(struct slice etag)
{
	return slice_starts(etag, SLICE("W/")) ? slice_cut(etag, 2, etag.len) : etag;
}

bool http_request_has_etag(const struct http_request *q, struct slice etag)
{
	struct slice wanted = opaque_tag(etag);

	if (wanted.len == 0)
		return false;
	for (size_t i = 0; i < q->headers_count; i++) {
		struct slice rest = q->headers[i].value;

		if (!slice_equal_nocase(q->headers[i].name, SLICE("if-none-match")))
			continue;
		if (slice_is(slice_trim(rest), "*"))
			return true;
		/* A comma may stand inside the quotes, so go from quote to quote. */
		for (;;) {
			size_t open = slice_find(rest, '"', 0);
			size_t close = slice_find(rest, '"', open + 1);

			if (open >= rest.len || close >= rest.len)
				break;
			if (slice_equal(slice_cut(rest, open, close + 1), wanted))
				return true;
			rest = slice_cut(rest, close + 1, rest.len);
		}
	}
	return false;
}
