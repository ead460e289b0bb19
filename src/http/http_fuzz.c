/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Everything that reads a client's bytes and needs no socket: heads, targets, routes, credentials,
 * content codings, tags. What is accepted must keep what the headers of this folder promise.
 */
#include <stdlib.h>

#include "http_parts.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static void handle(void *context, const struct http_request *q, struct http_reply *reply)
{
	(void)context;
	(void)q;
	reply->status = 204;
}

static void fuzz_target(struct slice text, struct arena *a)
{
	static const struct http_route rows[] = {
		{HTTP_GET,  "/{root}/collections/{id}/objects/", HTTP_OPEN, 0, handle, "objects"},
		{HTTP_POST, "/{root}/collections/{id}/objects/", HTTP_OPEN, 0, handle, "post"   },
		{HTTP_GET,  "/a/",                               HTTP_OPEN, 0, handle, "a"      },
		{HTTP_GET,  "/{root}/",                          HTTP_OPEN, 0, handle, "root"   },
		{HTTP_GET,  "/",				 HTTP_OPEN, 0, handle, "top"    },
	};
	struct http_table *table = NULL;
	struct http_target t;
	struct http_match m;
	const char *why = NULL;

	if (http_target_parse(text, a, &t, &why) != 0) {
		must(why != NULL);
		return;
	}
	must(t.path.len != 0 && t.path.data[0] == '/' && utf8_valid(t.path));
	must(t.segments_count <= HTTP_SEGMENTS_MAX + 1 && t.params_count <= HTTP_PARAMS_MAX);
	for (size_t i = 0; i < t.segments_count && i < HTTP_SEGMENTS_MAX; i++) {
		must(utf8_valid(t.segments[i]) &&
			slice_find(t.segments[i], '/', 0) == t.segments[i].len);
		must(!slice_is(t.segments[i], "..") && !slice_is(t.segments[i], "."));
	}
	for (size_t i = 0; i < t.params_count; i++) {
		struct slice both[] = {t.params[i].name, t.params[i].value};

		for (size_t k = 0; k < 2; k++)
			must(utf8_valid(both[k]) && slice_find(both[k], '\0', 0) == both[k].len);
	}
	must(http_table_new(rows, COUNT_OF(rows), &table, NULL) == OK);
	for (unsigned method = HTTP_GET; method <= HTTP_OTHER; method <<= 1) {
		http_table_find(table, &t, (enum http_method)method, &m);
		PLANTED(m.route != NULL && m.parts_count == 2 && m.parts[1].len > 2 &&
			t.params_count > 2 && t.params[2].value.len > 3);
		must(m.route == NULL || (m.allowed & method) != 0);
		must(m.parts_count <= t.segments_count);
		for (size_t i = 0; i < m.parts_count; i++)
			must(m.parts[i].len != 0);
	}
	http_table_free(table);
}

/* Lines into a head as the library cuts them, then the judgement. */
static void fuzz_head(struct slice text)
{
	struct http_param headers[HTTP_HEADERS_MAX + 1];
	struct http_head head = {.headers = headers, .bytes = text.len};
	struct http_facts facts;
	struct slice rest = text, line;
	const char *why = NULL;
	size_t blank;

	if (!slice_next(&rest, '\n', &line) || line.len == 0)
		return;
	line.len--;
	blank = slice_find(line, ' ', 0);
	head.method = slice_cut(line, 0, blank);
	line = slice_cut(line, blank + 1, line.len);
	blank = slice_find(line, ' ', 0);
	head.target = slice_cut(line, 0, blank);
	head.version = slice_cut(line, blank + 1, line.len);
	while (slice_next(&rest, '\n', &line) && line.len > 1 &&
		head.headers_count <= HTTP_HEADERS_MAX) {
		size_t colon = slice_find(line, ':', 0);

		headers[head.headers_count++] = (struct http_param){slice_cut(line, 0, colon),
			slice_trim(slice_cut(line, colon + 1, line.len - 1))};
	}
	http_head_is_whole(&head);
	if (http_head_check(&head, &facts, &why) != 0) {
		must(why != NULL);
		return;
	}
	must(!facts.chunked || !facts.has_length);
	must(facts.has_length || facts.length == 0);

	struct http_request q = {.headers = headers, .headers_count = head.headers_count};
	http_request_has_etag(&q, facts.if_none_match);
	must(slice_equal(http_request_header(&q, "HOST"), facts.host));
}

static void fuzz_credentials(struct slice text)
{
	struct buf b = BUF_MAX(HTTP_CREDENTIALS_MAX);
	struct slice rest, name, password;

	if (http_scheme_parse(text, &rest) == HTTP_SCHEME_BASIC &&
		http_basic_decode(rest, &b, &name, &password)) {
		must(name.len >= 1 && name.len <= HTTP_NAME_MAX &&
			password.len <= HTTP_PASSWORD_MAX);
		must(slice_find(name, ':', 0) == name.len);
	}
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a;
	struct slice text;

	if (size == 0)
		return 0;
	a = arena_new(MIB(1));
	if (a == NULL)
		return 0;
	text = (struct slice){(const char *)data + 1, size - 1};
	switch (data[0] % 5) {
	case 0:
		fuzz_head(text);
		break;
	case 1:
		fuzz_target(text, a);
		break;
	case 2:
		fuzz_credentials(text);
		break;
	case 3:
		must((unsigned)http_coding_choose(text) < HTTP_CODINGS);
		break;
	case 4: {
		struct http_answer answer = {.headers = text};

		http_answer_header(&answer, "Retry-After");
		must(http_answer_retry_seconds(&answer) <= 86400);
		http_type_packs(text);
		break;
	}
	}
	arena_free(a);
	return 0;
}
