/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The target of a request: path and query, decoded strictly, each in one way only. What decodes to
 * something a handler could misread (NUL, a slash inside a segment, "..") is refused here once.
 */
#include "http_parts.h"

static int hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Percent-decoding of RFC 3986 section 2.1; in a query (`plus`) a plus is a blank, as forms have
 * it. NULL, or why not. */
static const char *decode(struct slice in, bool plus, struct arena *a, struct slice *ret_text)
{
	struct slice text = in;
	bool plain = true;
	size_t len = 0;
	char *to;

	for (size_t i = 0; i < in.len; i++)
		plain = plain && in.data[i] != '%' && !(plus && in.data[i] == '+');
	if (!plain) {
		to = arena_alloc(a, in.len);
		if (to == NULL)
			return "out of memory";
		for (size_t i = 0; i < in.len; i++) {
			if (in.data[i] == '%') {
				int high = i + 1 < in.len ? hex_of(in.data[i + 1]) : -1;
				int low = i + 2 < in.len ? hex_of(in.data[i + 2]) : -1;

				if (high < 0 || low < 0)
					return "a percent sign without two hex digits";
				to[len++] = (char)(high << 4 | low);
				i += 2;
			} else {
				to[len++] = plus && in.data[i] == '+' ? ' ' : in.data[i];
			}
		}
		text = (struct slice){to, len};
	}
	if (text.len != 0 && memchr(text.data, '\0', text.len) != NULL)
		return "an encoded NUL";
	if (!utf8_valid(text))
		return "not UTF-8";
	*ret_text = text;
	return NULL;
}

static const char *path_parse(struct slice raw, struct arena *a, struct http_target *t)
{
	struct slice rest = slice_cut(raw, 1, raw.len); /* after the first slash */
	struct slice part;
	bool encoded = slice_find(raw, '%', 0) < raw.len;
	struct buf path = BUF_MAX(HTTP_HEAD_MAX);

	while (slice_next(&rest, '/', &part)) {
		struct slice segment;
		const char *why = decode(part, false, a, &segment);

		if (why == NULL && slice_find(segment, '/', 0) < segment.len)
			why = "an encoded slash in the path";
		if (why == NULL && (slice_is(segment, ".") || slice_is(segment, "..")))
			why = "a dot segment in the path";
		for (size_t i = 0; why == NULL && i < segment.len; i++)
			if ((unsigned char)segment.data[i] < 0x20 || segment.data[i] == 0x7f)
				why = "a control character in the path";
		if (why != NULL) {
			buf_fini(&path);
			return why;
		}
		if (encoded) {
			buf_char(&path, '/');
			buf_slice_append(&path, segment);
		}
		/* The last slash leaves nothing behind it; a slash too many is a segment like
		 * others, and no route has an empty one. */
		if (segment.len == 0 && rest.data == NULL)
			break;
		if (t->segments_count < HTTP_SEGMENTS_MAX)
			t->segments[t->segments_count] = segment;
		if (t->segments_count <= HTTP_SEGMENTS_MAX)
			t->segments_count++;
	}
	t->path = raw;
	if (encoded) {
		t->path = arena_copy(a, buf_slice(&path));
		if (path.bad || t->path.data == NULL) {
			buf_fini(&path);
			return "out of memory";
		}
	}
	buf_fini(&path);
	return NULL;
}

static const char *query_parse(struct slice raw, struct arena *a, struct http_target *t)
{
	struct slice rest = raw, part;
	struct http_param *params;
	size_t count = 0;

	while (slice_next(&rest, '&', &part))
		count += part.len != 0;
	if (count > HTTP_PARAMS_MAX)
		return "too many fields in the query";
	if (count == 0)
		return NULL;
	params = ARENA_ARRAY(a, struct http_param, count);
	if (params == NULL)
		return "out of memory";
	rest = raw;
	while (slice_next(&rest, '&', &part)) {
		struct http_param *p = &params[t->params_count];
		size_t equals = slice_find(part, '=', 0);
		const char *why;

		if (part.len == 0)
			continue;
		why = decode(slice_cut(part, 0, equals), true, a, &p->name);
		if (why == NULL)
			why = decode(slice_cut(part, equals + 1, part.len), true, a, &p->value);
		if (why != NULL)
			return why;
		t->params_count++;
	}
	t->params = params;
	return NULL;
}

unsigned http_target_parse(
	struct slice raw, struct arena *a, struct http_target *ret_target, const char **ret_why)
{
	struct http_target t = {0};
	struct slice schemes[] = {SLICE("http://"), SLICE("https://")};
	const char *why = NULL;
	size_t question;

	for (size_t i = 0; i < raw.len; i++) {
		unsigned char c = (unsigned char)raw.data[i];

		if (c <= 0x20 || c == 0x7f || c == '#')
			why = "a character in the target that does not belong there";
	}
	/* absolute-form (RFC 9112 section 3.2.2): proxies' clients send it, servers must take it.
	 */
	for (size_t i = 0; i < COUNT_OF(schemes); i++) {
		if (raw.len > schemes[i].len &&
			slice_equal_nocase(slice_cut(raw, 0, schemes[i].len), schemes[i])) {
			size_t slash = slice_find(raw, '/', schemes[i].len);

			t.authority = slice_cut(raw, schemes[i].len, slash);
			raw = slice_cut(raw, slash, raw.len);
			if (raw.len == 0)
				raw = SLICE("/");
			break;
		}
	}
	if (why == NULL && (raw.len == 0 || raw.data[0] != '/'))
		why = "the target is not a path";
	if (why == NULL) {
		question = slice_find(raw, '?', 0);
		why = path_parse(slice_cut(raw, 0, question), a, &t);
		if (why == NULL)
			why = query_parse(slice_cut(raw, question + 1, raw.len), a, &t);
	}
	if (why != NULL) {
		*ret_why = why;
		return 400;
	}
	*ret_target = t;
	return 0;
}
