/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How importers read: bytes, lines and JSON elements of a stream of any length in bounded memory,
 * each with the place where it stood.
 */
#include <stdlib.h>

#include "import.h"

enum err_kind import_read(
	struct import_job *job, void *to, size_t bytes, size_t *ret_len, struct err *e)
{
	if (job->head.len > 0) {
		size_t len = job->head.len < bytes ? job->head.len : bytes;

		memcpy(to, job->head.data, len);
		job->head = slice_cut(job->head, len, job->head.len);
		*ret_len = len;
		return OK;
	}
	if (job->in == NULL) {
		*ret_len = 0;
		return OK;
	}
	return input_read(job->in, to, bytes, ret_len, e);
}

enum err_kind import_read_all(struct import_job *job, struct buf *ret_bytes, struct err *e)
{
	struct buf bytes = BUF_INIT;

	for (;;) {
		size_t len;
		enum err_kind kind;
		char *to = buf_reserve(&bytes, IMPORT_CHUNK_BYTES);

		if (to == NULL) {
			buf_fini(&bytes);
			return err_set(e, ERR_NOMEM, "out of memory");
		}
		kind = import_read(job, to, IMPORT_CHUNK_BYTES, &len, e);
		bytes.len += len;
		if (kind == OK && bytes.len > JSON_DOCUMENT_MAX)
			kind = err_set(e, ERR_LIMIT, "the document is longer than %zu bytes",
				JSON_DOCUMENT_MAX);
		if (kind != OK) {
			buf_fini(&bytes);
			return kind;
		}
		if (len == 0)
			break;
	}
	*ret_bytes = bytes;
	return OK;
}

/* ---- JSON elements --------------------------------------------------------------------------- */

struct elements {
	struct import_job *job;
	const struct import_elements *how;
	struct json_split *split;
	size_t skip;     /* bytes still to be blanked */
	struct buf held; /* '}' and white space that may be the end of what surrounds the array */
};

#define HELD_MAX KIB(64) /* white space at the end; more of it is no end */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Take what the splitter has. *ret_over: it has come to its end. */
static enum err_kind elements_drain(struct elements *x, bool *ret_over, struct err *e)
{
	struct import_sink *sink = x->job->sink;

	for (;;) {
		enum json_split_kind what;
		struct json_item item;
		struct intel_place place;
		enum err_kind kind = json_split_next(x->split, &what, &item, e);

		if (kind != OK)
			return kind;
		if (what == JSON_SPLIT_MORE || what == JSON_SPLIT_END) {
			*ret_over = what == JSON_SPLIT_END;
			return OK;
		}
		if (what == JSON_SPLIT_OBJECT) {
			kind = x->how->object(x->how->context, &item, e);
		} else {
			place = import_place(&item);
			kind = sink->refuse(sink->context, &place, (struct slice){0},
				slice_of(item.problem), e);
		}
		if (kind != OK)
			return kind;
	}
}

static enum err_kind elements_feed(struct elements *x, struct slice bytes, struct err *e)
{
	bool over;

	if (bytes.len == 0)
		return OK;
	json_split_feed(x->split, bytes);
	return elements_drain(x, &over, e);
}

/* Feed a chunk, but hold back what may be the end of the surroundings. */
static enum err_kind elements_chunk(struct elements *x, char *chunk, size_t len, struct err *e)
{
	struct slice rest = {chunk, len};
	enum err_kind kind;
	size_t tail;

	for (size_t i = 0; i < len && x->skip > 0; i++, x->skip--) {
		if (!is_space(chunk[i]))
			chunk[i] = ' ';
	}
	if (x->how->closers == 0)
		return elements_feed(x, rest, e);
	for (tail = len; tail > 0 && (is_space(chunk[tail - 1]) || chunk[tail - 1] == '}'); tail--)
		continue;
	if (tail > 0 || x->held.len > HELD_MAX) {
		kind = elements_feed(x, buf_slice(&x->held), e);
		if (kind != OK)
			return kind;
		buf_clear(&x->held);
	}
	kind = elements_feed(x, slice_cut(rest, 0, tail), e);
	if (kind != OK)
		return kind;
	buf_slice_append(&x->held, slice_cut(rest, tail, len));
	return x->held.bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

static enum err_kind elements_end(struct elements *x, struct err *e)
{
	unsigned closers = x->how->closers;
	bool over = false;
	enum err_kind kind;

	for (size_t i = x->held.len; i > 0 && closers > 0; i--) {
		if (x->held.data[i - 1] == '}') {
			x->held.data[i - 1] = ' ';
			closers--;
		}
	}
	kind = elements_feed(x, buf_slice(&x->held), e);
	if (kind != OK)
		return kind;
	json_split_finish(x->split);
	kind = elements_drain(x, &over, e);
	if (kind == OK && closers > 0)
		kind = err_set(e, ERR_PARSE, "the document ends before its last '}'");
	if (kind == OK && x->how->envelope != NULL) {
		struct slice members = json_split_envelope(x->split);

		if (members.len > 0)
			kind = x->how->envelope(x->how->context, members, e);
	}
	return kind;
}

enum err_kind import_elements_run(
	struct import_job *job, const struct import_elements *how, struct err *e)
{
	struct elements x = {.job = job, .how = how, .skip = how->skip};
	char *chunk = malloc(IMPORT_CHUNK_BYTES);
	enum err_kind kind = OK;
	bool stopped = false;

	x.split = json_split_new(how->element_max);
	if (chunk == NULL || x.split == NULL) {
		kind = err_set(e, ERR_NOMEM, "out of memory");
		goto out;
	}
	while (kind == OK) {
		size_t len = 0;

		if (!job->sink->go_on(job->sink->context)) {
			stopped = true;
			break;
		}
		kind = import_read(job, chunk, IMPORT_CHUNK_BYTES, &len, e);
		if (kind != OK || len == 0)
			break;
		kind = elements_chunk(&x, chunk, len, e);
	}
	if (kind == OK && !stopped)
		kind = elements_end(&x, e);
out:
	buf_fini(&x.held);
	json_split_free(x.split);
	free(chunk);
	return kind;
}

/* ---- the head ------------------------------------------------------------------------------- */

#define HEAD_DEPTH_MAX 16

char import_head_first(struct slice head)
{
	for (size_t i = 0; i < head.len; i++) {
		if (!is_space(head.data[i]))
			return head.data[i];
	}
	return 0;
}

/* From the byte behind the opening quote to the closing one; false when the head ends before it. */
static bool head_string(struct slice head, size_t *at, struct slice *ret_text)
{
	size_t from = *at;

	for (size_t i = from; i < head.len; i++) {
		if (head.data[i] == '\\') {
			i++;
		} else if (head.data[i] == '"') {
			*ret_text = slice_cut(head, from, i);
			*at = i + 1;
			return true;
		}
	}
	return false;
}

static size_t head_skip_space(struct slice head, size_t at)
{
	while (at < head.len && is_space(head.data[at]))
		at++;
	return at;
}

void import_head_members(struct slice head,
	void (*member)(void *context, const char *path, struct slice name, struct slice value),
	void *context)
{
	char path[HEAD_DEPTH_MAX + 1] = "";
	size_t depth = 0;
	size_t at = 0;

	while (at < head.len) {
		char c = head.data[at++];
		struct slice text, value = {0};

		if (c == '{' || c == '[') {
			if (depth == HEAD_DEPTH_MAX)
				return;
			path[depth++] = c == '{' ? 'o' : 'a';
			path[depth] = '\0';
		} else if (c == '}' || c == ']') {
			if (depth == 0)
				return;
			path[--depth] = '\0';
		} else if (c == '"') {
			if (!head_string(head, &at, &text))
				return;
			at = head_skip_space(head, at);
			if (at >= head.len || head.data[at] != ':')
				continue; /* a string in an array */
			at = head_skip_space(head, at + 1);
			if (at < head.len && head.data[at] == '"') {
				at++;
				if (!head_string(head, &at, &value))
					return;
			}
			member(context, path, text, value);
		}
	}
}

/* ---- lines ---------------------------------------------------------------------------------- */

enum err_kind import_lines_init(struct import_lines *l, struct import_job *job, struct err *e)
{
	*l = (struct import_lines){.job = job, .buffer = malloc(IMPORT_LINE_MAX + 1)};
	if (l->buffer == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	return OK;
}

void import_lines_fini(struct import_lines *l)
{
	free(l->buffer);
}

/* Make room and read more. *ret_len 0: the end. */
static enum err_kind lines_fill(struct import_lines *l, size_t *ret_len, struct err *e)
{
	enum err_kind kind;

	if (l->from > 0) {
		memmove(l->buffer, l->buffer + l->from, l->to - l->from);
		l->to -= l->from;
		l->from = 0;
	}
	kind = import_read(l->job, l->buffer + l->to, IMPORT_LINE_MAX + 1 - l->to, ret_len, e);
	if (kind == OK)
		l->to += *ret_len;
	return kind;
}

/* Drop bytes up to and with the next line end. */
static enum err_kind lines_skip(struct import_lines *l, struct err *e)
{
	for (;;) {
		struct slice have = {l->buffer + l->from, l->to - l->from};
		size_t end = slice_find(have, '\n', 0);
		size_t len;
		enum err_kind kind;

		if (end < have.len) {
			l->from += end + 1;
			l->offset += end + 1;
			return OK;
		}
		l->offset += have.len;
		l->from = l->to = 0;
		kind = lines_fill(l, &len, e);
		if (kind != OK || len == 0)
			return kind;
	}
}

enum err_kind import_lines_next(struct import_lines *l, enum import_line *ret_what,
	struct slice *ret_line, struct intel_place *ret_place, struct err *e)
{
	size_t searched = 0;

	for (;;) {
		struct slice have = {l->buffer + l->from, l->to - l->from};
		size_t end = slice_find(have, '\n', searched);
		struct slice line;
		size_t len;
		enum err_kind kind;

		if (end == have.len && end > IMPORT_LINE_MAX) {
			*ret_place = (struct intel_place){l->offset, ++l->line, 0};
			*ret_line = (struct slice){0};
			*ret_what = IMPORT_LINE_TOO_LONG;
			return lines_skip(l, e);
		}
		if (end == have.len) {
			searched = have.len;
			kind = lines_fill(l, &len, e);
			if (kind != OK)
				return kind;
			if (len > 0)
				continue;
			if (have.len == 0) {
				*ret_what = IMPORT_LINES_END;
				return OK;
			}
			have.data = l->buffer + l->from; /* moved by the fill */
		}
		line = slice_cut(have, 0, end);
		*ret_place = (struct intel_place){l->offset, ++l->line, 0};
		end += end < have.len; /* the line end itself */
		l->from += end;
		l->offset += end;
		if (line.len > 0 && line.data[line.len - 1] == '\r')
			line.len--;
		*ret_line = line;
		*ret_what = IMPORT_LINE;
		return OK;
	}
}
