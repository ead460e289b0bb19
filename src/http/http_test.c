/* SPDX-License-Identifier: MPL-2.0 */
/* What needs no socket: heads, targets, routes, metrics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_parts.h"

/* ---- heads ---------------------------------------------------------------------------- */

/* Cut a head as the library does: in place, at the first colon, leading blanks gone. */
struct cut {
	struct http_head head;
	struct http_param headers[HTTP_HEADERS_MAX + 8];
};

static void cut_head(struct slice text, struct cut *c)
{
	struct slice rest = text, line;
	size_t blank, last;

	*c = (struct cut){0};
	assert_true(slice_next(&rest, '\n', &line));
	line.len--; /* CR */
	blank = slice_find(line, ' ', 0);
	for (last = line.len; last > 0 && line.data[last - 1] != ' '; last--)
		;
	c->head.method = slice_cut(line, 0, blank);
	c->head.target = slice_cut(line, blank + 1, last - 1);
	c->head.version = slice_cut(line, last, line.len);
	c->head.headers = c->headers;
	while (slice_next(&rest, '\n', &line) && line.len > 1) {
		size_t colon = slice_find(line, ':', 0);
		struct http_param *h = &c->headers[c->head.headers_count++];

		assert_true(colon < line.len);
		h->name = slice_cut(line, 0, colon);
		for (colon++; line.data[colon] == ' ' || line.data[colon] == '\t'; colon++)
			;
		h->value = (struct slice){line.data + colon, line.len - colon - 1};
	}
	c->head.bytes = text.len;
}

#define GET  "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"

static void heads(void **state)
{
	static const struct {
		const char *why, *text;
		unsigned status;
	} cases[] = {
		{"the least there is",             GET "Host: a\r\n\r\n",                                   0  },
		{"an empty Host is allowed",       GET "Host:\r\n\r\n",                                     0  },
		{"HTTP/1.0 needs none",            "GET / HTTP/1.0\r\n\r\n",                                0  },
		{"no Host",                        GET "X: a\r\n\r\n",                                      400},
		{"two Hosts",                      GET "Host: a\r\nhost: a\r\n\r\n",                        400},
		{"Host with a path",               GET "Host: a/b\r\n\r\n",                                 400},
		{"Host with a user",               GET "Host: u@a\r\n\r\n",                                 400},
		{"IPv6 and port",                  GET "Host: [::1]:6443\r\n\r\n",                          0  },
		{"a length",                       POST "Content-Length: 3\r\n\r\n",                        0  },
		{"two lengths, different",         POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\n",
                 400											   },
		{"two lengths, equal",             POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\n",   400},
		{"a list of lengths",              POST "Content-Length: 3, 3\r\n\r\n",                     400},
		{"a signed length",                POST "Content-Length: +3\r\n\r\n",                       400},
		{"a negative length",              POST "Content-Length: -3\r\n\r\n",                       400},
		{"a length in hex",                POST "Content-Length: 0x3\r\n\r\n",                      400},
		{"a length past 64 bits",          POST "Content-Length: 18446744073709551616\r\n\r\n",     400},
		{"an empty length",                POST "Content-Length:\r\n\r\n",                          400},
		{"chunked",                        POST "Transfer-Encoding: chunked\r\n\r\n",               0  },
		{"chunked in capitals",            POST "Transfer-Encoding: Chunked\r\n\r\n",               0  },
		{"chunked twice",
                 POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
                 400											   },
		{"chunked with a parameter",       POST "Transfer-Encoding: chunked;a=b\r\n\r\n",           400},
		{"gzip, chunked",                  POST "Transfer-Encoding: gzip, chunked\r\n\r\n",         400},
		{"identity",                       POST "Transfer-Encoding: identity\r\n\r\n",              400},
		{"xchunked",                       POST "Transfer-Encoding: xchunked\r\n\r\n",              400},
		{"chunked after a tab of its own",
                 POST "Transfer-Encoding: \x0b"
			     "chunked\r\n\r\n",							     400},
		{"chunked with a length",
                 POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",                            400},
		{"chunked in HTTP/1.0",            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
                 400											   },
		{"two Authorizations",
                 GET "Host: a\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n",                             400},
		{"blank before the colon",         GET "Host : a\r\n\r\n",                                  400},
		{"a name that is no token",        GET "Host: a\r\nX(y): a\r\n\r\n",                        400},
		{"an empty name",                  GET "Host: a\r\n: a\r\n\r\n",                            400},
		{"a tab in a value",               GET "Host: a\r\nX: a\tb\r\n\r\n",                        0  },
		{"bytes past ASCII in a value",    GET "Host: a\r\nX: \xc3\xa9\r\n\r\n",                    0  },
		{"a control in a value",
                 GET "Host: a\r\nX: a\x01"
			    "b\r\n\r\n",								    400},
		{"DEL in a value",                 GET "Host: a\r\nX: a\x7f\r\n\r\n",                       400},
		{"a bare CR in a value",           GET "Host: a\r\nX: a\rb\r\n\r\n",                        400},
		{"a method that is no token",      "G@T / HTTP/1.1\r\nHost: a\r\n\r\n",                     400},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct cut c;
		struct http_facts facts;
		const char *why = NULL;
		unsigned status;

		cut_head(slice_of(cases[i].text), &c);
		status = http_head_check(&c.head, &facts, &why);
		if (status != cases[i].status)
			print_error("%s: %u\n", cases[i].why, status);
		assert_int_equal(status, cases[i].status);
		assert_true(status == 0 || why != NULL);
	}
}

static void facts_of_a_head(void **state)
{
	struct cut c;
	struct http_facts facts;
	const char *why;

	(void)state;
	cut_head(SLICE("PUT /x HTTP/1.1\r\nHost:  here \r\nContent-Length: 12\r\nExpect: "
		       "100-Continue\r\n"
		       "accept-encoding: zstd\r\nAUTHORIZATION: Basic eDp5\r\nIf-None-Match: "
		       "\"1\"\r\n\r\n"),
		&c);
	assert_int_equal(http_head_check(&c.head, &facts, &why), 0);
	assert_int_equal(facts.method, HTTP_PUT);
	assert_true(slice_is(facts.host, "here"));
	assert_true(facts.has_length && facts.length == 12 && !facts.chunked);
	assert_true(facts.expects_continue);
	assert_true(slice_is(facts.accept_encoding, "zstd"));
	assert_true(slice_is(facts.authorization, "Basic eDp5"));
	assert_true(slice_is(facts.if_none_match, "\"1\""));
	cut_head(SLICE("FETCH /x HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"), &c);
	assert_int_equal(http_head_check(&c.head, &facts, &why), 0);
	assert_int_equal(facts.method, HTTP_OTHER);
	assert_false(facts.expects_continue); /* HTTP/1.0 knows no 100 */
}

static void head_limits(void **state)
{
	struct buf text = BUF_INIT;
	struct http_facts facts;
	const char *why;
	struct cut c;

	(void)state;
	for (size_t headers = HTTP_HEADERS_MAX; headers <= HTTP_HEADERS_MAX + 1; headers++) {
		buf_clear(&text);
		buf_text(&text, GET "Host: a\r\n");
		for (size_t i = 1; i < headers; i++)
			buf_text(&text, "X: y\r\n");
		buf_text(&text, "\r\n");
		cut_head(buf_slice(&text), &c);
		assert_int_equal(http_head_check(&c.head, &facts, &why),
			headers > HTTP_HEADERS_MAX ? 431 : 0);
	}
	for (size_t bytes = HTTP_HEAD_MAX; bytes <= HTTP_HEAD_MAX + 1; bytes++) {
		buf_clear(&text);
		buf_text(&text, GET "Host: a\r\nX: ");
		while (text.len < bytes - 4)
			buf_char(&text, 'x');
		buf_text(&text, "\r\n\r\n");
		cut_head(buf_slice(&text), &c);
		assert_int_equal(c.head.bytes, bytes);
		assert_int_equal(
			http_head_check(&c.head, &facts, &why), bytes > HTTP_HEAD_MAX ? 431 : 0);
	}
	buf_fini(&text);
}

static void heads_in_one_piece(void **state)
{
	struct cut c;

	(void)state;
	cut_head(SLICE("GET /a?b HTTP/1.1\r\nHost: a\r\nX:y\r\nZ: \t \r\n\r\n"), &c);
	assert_true(http_head_is_whole(&c.head));
	cut_head(SLICE("GET / HTTP/1.0\r\n\r\n"), &c);
	assert_true(http_head_is_whole(&c.head));

	/* A NUL: the library ends the value there, and the rest is nobody's. */
	cut_head(SLICE("GET / HTTP/1.1\r\nHost: a\r\nX: abcdef\r\n\r\n"), &c);
	c.headers[1].value.len = 3;
	assert_false(http_head_is_whole(&c.head));
	/* A bare LF: one byte less between two lines. */
	cut_head(SLICE("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\r\n"), &c);
	c.headers[0].value.len++;
	assert_false(http_head_is_whole(&c.head));
	/* A folded line: the library moves the name elsewhere. */
	cut_head(SLICE("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\r\n"), &c);
	c.headers[1].name = SLICE("Xfold");
	assert_false(http_head_is_whole(&c.head));
	/* Two blanks, or a NUL, in the request line. */
	cut_head(SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), &c);
	c.head.target.data++;
	c.head.target.len--;
	assert_false(http_head_is_whole(&c.head));
	cut_head(SLICE("GET /ab HTTP/1.1\r\nHost: a\r\n\r\n"), &c);
	c.head.target.len--;
	assert_false(http_head_is_whole(&c.head));
	/* Something between the last header and the empty line. */
	cut_head(SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), &c);
	c.head.bytes++;
	assert_false(http_head_is_whole(&c.head));
}

static void etags(void **state)
{
	static const struct {
		const char *header, *etag;
		bool has;
	} cases[] = {
		{"\"a\"",                  "\"a\"",   true },
		{"W/\"a\"",                "\"a\"",   true },
		{"\"a\"",                  "W/\"a\"", true },
		{"\"a\"",                  "\"b\"",   false},
		{"\"x\", W/\"y\" , \"a\"", "\"a\"",   true },
		{"\"x,a\"",                "\"a\"",   false},
		{"\"x,a\"",                "\"x,a\"", true },
		{"*",		      "\"a\"",   true },
		{"a",		      "\"a\"",   false},
		{"\"a",                    "\"a\"",   false},
		{"",		       "\"a\"",   false},
		{"*",		      "",        false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct http_param header = {SLICE("if-none-match"), slice_of(cases[i].header)};
		struct http_request q = {.headers = &header, .headers_count = 1};

		assert_int_equal(http_request_has_etag(&q, slice_of(cases[i].etag)), cases[i].has);
	}
}

/* ---- targets -------------------------------------------------------------------------- */

static void targets(void **state)
{
	static const struct {
		const char *why, *raw, *path; /* path NULL: refused */
		const char *segments;         /* joined by '|' */
		const char *params;           /* name=value joined by '|' */
	} cases[] = {
		{"root",			  "/",                    "/",              "",             ""           },
		{"path",			  "/a/b",                 "/a/b",           "a|b",          ""           },
		{"last slash",                    "/a/b/",                "/a/b/",          "a|b",          ""           },
		{"double slash is a segment",     "/a//b",                "/a//b",          "a||b",         ""           },
		{"two slashes",                   "//",                   "//",             "",             ""           },
		{"encoded",                       "/a%20b/%c3%a9/",       "/a b/\xc3\xa9/", "a b|\xc3\xa9", ""           },
		{"plus is itself in a path",      "/a+b",                 "/a+b",           "a+b",          ""           },
		{"query",                         "/a?x=1&y=2",           "/a",             "a",            "x=1|y=2"    },
		{"decoded after cutting",         "/a?x=1%262&y%3d=%25",  "/a",             "a",            "x=1&2|y==%" },
		{"plus is a blank in a query",    "/a?x=a+b%2b",          "/a",             "a",            "x=a b+"     },
		{"brackets raw",                  "/a?match[id]=b",       "/a",             "a",            "match[id]=b"},
		{"brackets encoded",              "/a?match%5Bid%5D=b",   "/a",             "a",            "match[id]=b"},
		{"duplicates in order",           "/?a=1&a=2",            "/",              "",             "a=1|a=2"    },
		{"no value",                      "/?a&b=",               "/",              "",             "a=|b="      },
		{"empty fields",                  "/?&&a=1&",             "/",              "",             "a=1"        },
		{"question in a value",           "/?a=b?c",              "/",              "",             "a=b?c"      },
		{"absolute form",                 "http://here:80/a?b=c", "/a",             "a",            "b=c"        },
		{"absolute form, bare",           "HTTPS://here",         "/",              "",             ""           },
		{"no slash",                      "a",                    NULL,             NULL,           NULL         },
		{"asterisk",                      "*",                    NULL,             NULL,           NULL         },
		{"authority form",                "here:443",             NULL,             NULL,           NULL         },
		{"empty",                         "",                     NULL,             NULL,           NULL         },
		{"fragment",                      "/a#b",                 NULL,             NULL,           NULL         },
		{"control",                       "/a\x01",               NULL,             NULL,           NULL         },
		{"half a byte",                   "/%4",                  NULL,             NULL,           NULL         },
		{"no hex",                        "/%zz",                 NULL,             NULL,           NULL         },
		{"percent at the end of a query", "/?a=%",                NULL,             NULL,           NULL         },
		{"encoded NUL",                   "/%00",                 NULL,             NULL,           NULL         },
		{"encoded NUL in a query",        "/?a=%00",              NULL,             NULL,           NULL         },
		{"encoded slash",                 "/a%2fb",               NULL,             NULL,           NULL         },
		{"encoded control",               "/a%0d%0ab",            NULL,             NULL,           NULL         },
		{"dots",			  "/a/../b",              NULL,             NULL,           NULL         },
		{"encoded dots",                  "/a/%2e%2E/b",          NULL,             NULL,           NULL         },
		{"one dot",                       "/./a",                 NULL,             NULL,           NULL         },
		{"not UTF-8",                     "/%ff",                 NULL,             NULL,           NULL         },
		{"overlong UTF-8",                "/?a=%c0%af",           NULL,             NULL,           NULL         },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena *a = arena_new(MIB(1));
		struct buf segments = BUF_INIT, params = BUF_INIT;
		struct http_target t;
		const char *why = NULL;
		unsigned status = http_target_parse(slice_of(cases[i].raw), a, &t, &why);

		if ((status == 0) != (cases[i].path != NULL))
			print_error("%s: %u\n", cases[i].why, status);
		assert_int_equal(status, cases[i].path == NULL ? 400 : 0);
		if (status == 0) {
			assert_true(slice_is(t.path, cases[i].path));
			for (size_t k = 0; k < t.segments_count; k++) {
				if (k > 0)
					buf_char(&segments, '|');
				buf_slice_append(&segments, t.segments[k]);
			}
			for (size_t k = 0; k < t.params_count; k++)
				buf_printf(&params, "%s%.*s=%.*s", k > 0 ? "|" : "",
					SLICE_ARG(t.params[k].name), SLICE_ARG(t.params[k].value));
			assert_true(slice_is(buf_slice(&segments), cases[i].segments));
			assert_true(slice_is(buf_slice(&params), cases[i].params));
		} else {
			assert_non_null(why);
		}
		buf_fini(&segments);
		buf_fini(&params);
		arena_free(a);
	}
}

static void target_limits(void **state)
{
	struct arena *a = arena_new(MIB(1));
	struct buf raw = BUF_INIT;
	struct http_target t;
	const char *why;

	(void)state;
	for (size_t n = HTTP_PARAMS_MAX; n <= HTTP_PARAMS_MAX + 1; n++) {
		buf_clear(&raw);
		buf_text(&raw, "/?");
		for (size_t i = 0; i < n; i++)
			buf_text(&raw, "a=1&");
		assert_int_equal(http_target_parse(buf_slice(&raw), a, &t, &why),
			n > HTTP_PARAMS_MAX ? 400 : 0);
	}
	/* Too many segments parse; no route is that long. */
	for (size_t n = HTTP_SEGMENTS_MAX; n <= HTTP_SEGMENTS_MAX + 20; n++) {
		buf_clear(&raw);
		for (size_t i = 0; i < n; i++)
			buf_text(&raw, "/a");
		assert_int_equal(http_target_parse(buf_slice(&raw), a, &t, &why), 0);
		assert_int_equal(t.segments_count,
			n > HTTP_SEGMENTS_MAX ? HTTP_SEGMENTS_MAX + 1 : HTTP_SEGMENTS_MAX);
	}
	buf_fini(&raw);
	arena_free(a);
}

/* ---- routes --------------------------------------------------------------------------- */

static void handle(void *context, const struct http_request *q, struct http_reply *reply)
{
	(void)context;
	(void)q;
	reply->status = 200;
}

static void routes(void **state)
{
	static const struct http_route rows[] = {
		{HTTP_GET,             "/{root}/",                HTTP_OPEN, 0, handle, "root"   },
		{HTTP_GET,             "/taxii2/",                HTTP_OPEN, 0, handle, "taxii"  },
		{HTTP_GET | HTTP_POST, "/{root}/c/{id}/objects/", HTTP_OPEN, 0, handle, "objects"},
		{HTTP_DELETE,          "/{root}/c/{id}/objects/", HTTP_OPEN, 0, handle, "delete" },
		{HTTP_GET,             "/{root}/c/{id}/{what}/",  HTTP_OPEN, 0, handle, "what"   },
		{HTTP_GET,             "/",                       HTTP_OPEN, 0, handle, "top"    },
		{HTTP_POST,            "/taxii2",                 HTTP_OPEN, 0, handle, "post"   },
	};
	static const struct {
		const char *path;
		enum http_method method;
		const char *says; /* NULL: none */
		const char *allow, *parts;
	} cases[] = {
		{"/",                  HTTP_GET,    "top",     "GET, HEAD",               ""               },
		{"/taxii2/",           HTTP_GET,    "taxii",   "GET, HEAD, POST",         ""               },
		{"/taxii2",            HTTP_HEAD,   "taxii",   "GET, HEAD, POST",         ""               },
		{"/taxii2/",           HTTP_POST,   "post",    "GET, HEAD, POST",         ""               },
		{"/api/",              HTTP_GET,    "root",    "GET, HEAD",               "api|"           },
		{"/api",               HTTP_POST,   NULL,      "GET, HEAD",               ""               },
		{"/api/c/1/objects/",  HTTP_GET,    "objects", "GET, HEAD, POST, DELETE", "api|1|"         },
		{"/api/c/1/objects",   HTTP_DELETE, "delete",  "GET, HEAD, POST, DELETE", "api|1|"         },
		{"/api/c/1/objects",   HTTP_PUT,    NULL,      "GET, HEAD, POST, DELETE", ""               },
		{"/api/c/1/manifest/", HTTP_GET,    "what",    "GET, HEAD",               "api|1|manifest|"},
		{"/api/c//objects/",   HTTP_GET,    NULL,      "",                        ""               },
		{"/api/c/1/objects//", HTTP_GET,    NULL,      "",                        ""               },
		{"//",                 HTTP_GET,    NULL,      "",                        ""               },
		{"/a/b",               HTTP_GET,    NULL,      "",                        ""               },
		{"/Taxii2/x/y/z/q",    HTTP_GET,    NULL,      "",                        ""               },
	};
	struct http_table *t;
	struct arena *a = arena_new(MIB(1));

	(void)state;
	assert_int_equal(http_table_new(rows, COUNT_OF(rows), &t, NULL), OK);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct http_target target;
		struct http_match m;
		const char *why;
		char allow[HTTP_ALLOW_MAX];
		struct buf parts = BUF_INIT;

		assert_int_equal(http_target_parse(slice_of(cases[i].path), a, &target, &why), 0);
		http_table_find(t, &target, cases[i].method, &m);
		http_allow_text(m.allowed, allow);
		assert_string_equal(allow, cases[i].allow);
		assert_int_equal(m.route != NULL, cases[i].says != NULL);
		if (m.route != NULL) {
			assert_string_equal(m.route->says, cases[i].says);
			assert_ptr_equal(m.route, &rows[m.index]);
		}
		for (size_t k = 0; k < m.parts_count; k++)
			buf_printf(&parts, "%.*s|", SLICE_ARG(m.parts[k]));
		assert_true(slice_is(buf_slice(&parts), cases[i].parts));
		buf_fini(&parts);
	}
	http_table_free(t);
	arena_free(a);
}

static void routes_refused(void **state)
{
	static const struct http_route rows[] = {
		{HTTP_GET, "a/",     HTTP_OPEN, 0, handle, "a"  },
		{HTTP_GET, "/a//b/", HTTP_OPEN, 0, handle, "a"  },
		{HTTP_GET, "/{a/",   HTTP_OPEN, 0, handle, "a"  },
		{HTTP_GET, "/{}/",   HTTP_OPEN, 0, handle, "a"  },
		{HTTP_GET, "/a/",    HTTP_OPEN, 0, NULL,   "a"  },
		{0,        "/a/",    HTTP_OPEN, 0, handle, "a"  },
		{HTTP_GET, "/a/",    HTTP_OPEN, 0, handle, "A b"},
		{HTTP_GET, "/a/",    HTTP_OPEN, 0, handle, NULL },
		{HTTP_GET, NULL,     HTTP_OPEN, 0, handle, "a"  },
	};
	struct http_table *t = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct err e = {0};

		assert_int_equal(http_table_new(&rows[i], 1, &t, &e), ERR_USAGE);
		assert_true(e.text[0] != '\0');
	}
}

/* ---- metrics -------------------------------------------------------------------------- */

static void metrics(void **state)
{
	static const struct http_route rows[] = {
		{HTTP_GET,  "/a/", HTTP_OPEN, 0, handle, "a"},
		{HTTP_POST, "/a/", HTTP_OPEN, 0, handle, "a"},
		{HTTP_GET,  "/b/", HTTP_OPEN, 0, handle, "b"},
	};
	static const char *const lines[] = {
		"# TYPE serai_http_requests_total counter\nserai_http_requests_total 7\n",
		"# TYPE serai_http_connections_open gauge\n",
		"serai_http_responses_total{status=\"2xx\"} 3\n",
		"serai_http_request_seconds_bucket{route=\"a\",le=\"0.0001\"} 1\n",
		"serai_http_request_seconds_bucket{route=\"a\",le=\"0.00025\"} 2\n",
		"serai_http_request_seconds_bucket{route=\"a\",le=\"5\"} 2\n",
		"serai_http_request_seconds_bucket{route=\"a\",le=\"+Inf\"} 3\n",
		"serai_http_request_seconds_sum{route=\"a\"} 6.000201\n",
		"serai_http_request_seconds_count{route=\"a\"} 3\n",
		"serai_http_request_seconds_count{route=\"b\"} 0\n",
		"serai_http_request_seconds_count{route=\"none\"} 1\n",
	};
	struct http_metrics m = {
		.requests_total = 7, .by_status = {0, 0, 3}
        };
	struct http_counts c;
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(http_counts_init(&c, rows, COUNT_OF(rows), NULL), OK);
	http_counts_latency(&c, 0, 100);     /* the bound itself */
	http_counts_latency(&c, 1, 101);     /* the other method of the same resource */
	http_counts_latency(&c, 0, 6000000); /* past all bounds */
	http_counts_latency(&c, 3, -5);      /* no route, a clock that went back */
	http_counts_text(&c, &m, &out);
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		size_t at = slice_find_text(buf_slice(&out), slice_of(lines[i]));

		if (at == out.len)
			print_error("missing: %s", lines[i]);
		assert_true(at < out.len);
	}
	/* One name, one histogram. */
	size_t at = slice_find_text(buf_slice(&out), slice_of(lines[8]));
	struct slice rest = slice_cut(buf_slice(&out), at + 1, out.len);
	assert_int_equal(slice_find_text(rest, slice_of(lines[8])), rest.len);
	buf_fini(&out);
	http_counts_fini(&c);
}

static void listening(void **state)
{
	static const char *const wrong[] = {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
		"127.0.0.1:+1", "example.org:80", "[::1:80", "::1:80", "[]:1", "300.0.0.1:1",
		"0000000000000000000000000000000000000000000000000000:1"};
	int fd, second;
	unsigned port, other;
	bool loopback;
	struct err e;
	char text[32];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_int_equal(http_listen(wrong[i], &fd, &port, &loopback, &e), ERR_USAGE);
	assert_int_equal(http_listen("localhost:0", &fd, &port, &loopback, &e), OK);
	assert_true(port != 0 && loopback);
	snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	assert_int_equal(http_listen(text, &second, &other, &loopback, &e), ERR_BUSY);
	close(fd);
	assert_int_equal(http_listen("0.0.0.0:0", &fd, &port, &loopback, &e), OK);
	assert_false(loopback);
	close(fd);

	/* Opened by one, looked at by another. */
	assert_int_equal(http_listen_open("127.0.0.1:0", &fd, &e), OK);
	assert_true(fd > STDERR_FILENO);
	assert_int_equal(http_listen_look(fd, &port, &loopback, &e), OK);
	assert_true(port != 0 && loopback);
	snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	assert_int_equal(http_listen_open(text, &second, &e), ERR_BUSY);
	close(fd);
	assert_int_equal(http_listen_open("[::]:0", &fd, &e), OK);
	assert_int_equal(http_listen_look(fd, &port, &loopback, &e), OK);
	assert_false(loopback);
	close(fd);
	assert_int_equal(http_listen_look(fd, &port, &loopback, &e), ERR_USAGE);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(http_listen_look(fd, &port, &loopback, &e), ERR_USAGE);
	close(fd);
}

/* None twice, none of those for connections that leave, none that somebody has. */
static void ports(void **state)
{
	unsigned found[64], again[64], too_many[65], leaving = 0;
	FILE *range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	struct world_fake world;
	char text[32];
	struct err e;
	int fd;

	(void)state;
	assert_non_null(range);
	assert_non_null(fgets(text, sizeof(text), range));
	leaving = (unsigned)strtoul(text, NULL, 10);
	fclose(range);
	world_fake_init(&world, 5, 0);
	assert_int_equal(http_ports_find(&world.world, found, COUNT_OF(found), &e), OK);
	for (size_t i = 0; i < COUNT_OF(found); i++) {
		assert_in_range(found[i], 10000, leaving > 10000 ? leaving - 1 : 32767);
		for (size_t k = 0; k < i; k++)
			assert_true(found[i] != found[k]);
	}
	snprintf(text, sizeof(text), "127.0.0.1:%u", found[0]);
	assert_int_equal(http_listen_open(text, &fd, &e), OK);
	world_fake_init(&world, 5, 0);
	assert_int_equal(http_ports_find(&world.world, again, 3, &e), OK);
	assert_memory_equal(again, found + 1, 3 * sizeof(again[0]));
	close(fd);
	assert_int_equal(http_ports_find(&world.world, too_many, COUNT_OF(too_many), &e), ERR_FULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports),
		cmocka_unit_test(heads),
		cmocka_unit_test(facts_of_a_head),
		cmocka_unit_test(head_limits),
		cmocka_unit_test(heads_in_one_piece),
		cmocka_unit_test(etags),
		cmocka_unit_test(targets),
		cmocka_unit_test(target_limits),
		cmocka_unit_test(routes),
		cmocka_unit_test(routes_refused),
		cmocka_unit_test(metrics),
		cmocka_unit_test(listening),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
