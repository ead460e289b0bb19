/* SPDX-License-Identifier: MPL-2.0 */
/* The writer. It cannot fail half-way: a full or broken buf stays bad, and the caller checks once.
 */
#include <math.h>

#include "json.h"

#define DEPTH_MAX 63 /* has_member has a bit for the top and one for each level */

static uint64_t depth_bit(const struct json_writer *w)
{
	return UINT64_C(1) << w->depth;
}

/* Before each value: a comma unless it is the first here, or a name already wrote it. */
static void begin_value(struct json_writer *w)
{
	if ((w->has_member & depth_bit(w)) != 0)
		buf_char(w->out, ',');
	w->has_member |= depth_bit(w);
}

static void open_container(struct json_writer *w, char c)
{
	begin_value(w);
	if (w->depth == DEPTH_MAX) {
		w->out->bad = true;
		return;
	}
	buf_char(w->out, c);
	w->depth++;
	w->has_member &= ~depth_bit(w);
}

void json_write_object(struct json_writer *w)
{
	open_container(w, '{');
}

void json_write_array(struct json_writer *w)
{
	open_container(w, '[');
}

void json_write_end(struct json_writer *w, char close)
{
	if (w->depth == 0) {
		w->out->bad = true;
		return;
	}
	buf_char(w->out, close);
	w->depth--;
}

void json_write_name_slice(struct json_writer *w, struct slice name)
{
	json_write_string(w, name);
	buf_char(w->out, ':');
	w->has_member &= ~depth_bit(w); /* no comma before the value */
}

void json_write_name(struct json_writer *w, const char *name)
{
	json_write_name_slice(w, slice_of(name));
}

static bool is_ascii(struct slice s)
{
	uint64_t bits = 0, word;
	size_t i = 0;

	for (; i + sizeof(word) <= s.len; i += sizeof(word)) {
		memcpy(&word, s.data + i, sizeof(word));
		bits |= word;
	}
	for (; i < s.len; i++)
		bits |= (unsigned char)s.data[i];
	return (bits & UINT64_C(0x8080808080808080)) == 0;
}

static bool is_noncharacter(uint32_t c)
{
	return (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

/* What RFC 7493 section 2.1 forbids, our own parser would refuse: U+FFFD stands for it. */
static void repaired_append(struct buf *out, struct slice s)
{
	struct buf repaired = BUF_INIT;

	while (s.len > 0) {
		uint32_t c = utf8_next(&s);

		utf8_append(&repaired, is_noncharacter(c) ? 0xfffd : c);
	}
	if (repaired.bad)
		out->bad = true;
	json_string_append(out, buf_slice(&repaired));
	buf_fini(&repaired);
}

void json_write_string(struct json_writer *w, struct slice s)
{
	begin_value(w);
	if (is_ascii(s))
		json_string_append(w->out, s);
	else
		repaired_append(w->out, s);
}

void json_write_text(struct json_writer *w, const char *text)
{
	json_write_string(w, slice_of(text));
}

void json_write_i64(struct json_writer *w, int64_t value)
{
	begin_value(w);
	buf_i64(w->out, value);
}

void json_write_double(struct json_writer *w, double value)
{
	if (!isfinite(value)) {
		json_write_null(w);
		return;
	}
	begin_value(w);
	json_number_append(w->out, value);
}

void json_write_bool(struct json_writer *w, bool value)
{
	begin_value(w);
	buf_text(w->out, value ? "true" : "false");
}

void json_write_null(struct json_writer *w)
{
	begin_value(w);
	buf_text(w->out, "null");
}

void json_write_raw(struct json_writer *w, struct slice json)
{
	begin_value(w);
	buf_slice_append(w->out, json);
}

void json_member_string(struct json_writer *w, const char *name, struct slice s)
{
	json_write_name(w, name);
	json_write_string(w, s);
}

void json_member_text(struct json_writer *w, const char *name, const char *text)
{
	json_member_string(w, name, slice_of(text));
}

void json_member_i64(struct json_writer *w, const char *name, int64_t value)
{
	json_write_name(w, name);
	json_write_i64(w, value);
}

void json_member_bool(struct json_writer *w, const char *name, bool value)
{
	json_write_name(w, name);
	json_write_bool(w, value);
}

void json_member_time(struct json_writer *w, const char *name, int64_t us, unsigned digits)
{
	char text[TIME_TEXT_MAX];
	size_t len = time_format(us, digits, text);

	json_member_string(w, name, (struct slice){text, len});
}
