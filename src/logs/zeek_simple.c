/* SPDX-License-Identifier: MPL-2.0 */
/* The simple reader, and both compared. */
#include "zeek_simple.h"
#include "zeek_header.h"

/* ---- the simple reader ----------------------------------------------------------------------- */

/* Prints what logs_look prints, one byte after the other. No detail, no limits. */
struct simple {
	struct buf out;
	uint64_t roles;
	struct slice fields, types, path;
	char separator, set_separator;
	struct slice empty, unset;
	uint64_t problems;
};

static struct slice unhex(struct slice text, char *to)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned byte;
		char digits[3] = {0};

		if (text.data[i] != '\\') {
			to[len++] = text.data[i];
		} else if (i + 1 < text.len && text.data[i + 1] == '\\') {
			to[len++] = '\\';
			i++;
		} else if (i + 3 < text.len && text.data[i + 1] == 'x' &&
			   memchr("0123456789abcdefABCDEF", text.data[i + 2], 22) != NULL &&
			   memchr("0123456789abcdefABCDEF", text.data[i + 3], 22) != NULL) {
			memcpy(digits, text.data + i + 2, 2);
			byte = (unsigned)strtoul(digits, NULL, 16);
			to[len++] = (char)byte;
			i += 3;
		} else {
			to[len++] = '\\';
		}
	}
	return (struct slice){to, len};
}

static void simple_value(
	struct simple *s, struct slice name, struct zeek_meaning m, struct slice value)
{
	char *room;

	if (value.len == 0 || slice_equal(value, s->unset) || slice_equal(value, s->empty))
		return;
	room = malloc(value.len);
	value = unhex(value, room);
	buf_printf(&s->out, " %.*s:%s:%s=", SLICE_ARG(name), event_role_row(m.role)->name,
		field_kind_name(m.kind));
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.data[i];

		if (c > 0x20 && c < 0x7f)
			buf_char(&s->out, (char)c);
		else
			buf_printf(&s->out, "\\x%02x", c);
	}
	free(room);
}

static struct slice nth(struct slice line, char separator, size_t n)
{
	struct slice part = {0};

	for (size_t i = 0; i <= n; i++)
		if (!slice_next(&line, separator, &part))
			return (struct slice){0};
	return part;
}

static size_t width(struct slice line, char separator)
{
	size_t count = 1;

	for (size_t i = 0; i < line.len; i++)
		count += line.data[i] == separator;
	return count;
}

static struct slice named(const struct simple *s, struct slice line, const char *name)
{
	for (size_t i = 0; i < width(s->fields, s->separator); i++) {
		struct slice value = nth(line, s->separator, i);

		if (slice_is(nth(s->fields, s->separator, i), name))
			return slice_equal(value, s->unset) || slice_equal(value, s->empty)
				       ? (struct slice){0}
				       : value;
	}
	return (struct slice){0};
}

static void simple_line(struct simple *s, struct slice line, uint64_t number, uint64_t offset)
{
	if (line.len == 0)
		return;
	if (line.data[0] == '#') {
		struct slice value = nth(line, s->separator, 1);

		if (slice_starts(line, SLICE("#separator "))) {
			static char room[4096];

			s->separator = unhex(slice_cut(line, 11, line.len), room).data[0];
			s->set_separator = ',';
			s->empty = SLICE("(empty)");
			s->unset = SLICE("-");
			s->fields = s->types = s->path = (struct slice){0};
		} else if (slice_starts(line, SLICE("#set_separator"))) {
			s->set_separator = value.data[0];
		} else if (slice_starts(line, SLICE("#empty_field"))) {
			s->empty = value;
		} else if (slice_starts(line, SLICE("#unset_field"))) {
			s->unset = value;
		} else if (slice_starts(line, SLICE("#path"))) {
			s->path = value;
		} else if (slice_starts(line, SLICE("#fields"))) {
			s->fields = slice_cut(line, 8, line.len);
			s->types = (struct slice){0};
		} else if (slice_starts(line, SLICE("#types"))) {
			s->types = slice_cut(line, 7, line.len);
		}
		return;
	}
	if (s->fields.len == 0 || width(line, s->separator) != width(s->fields, s->separator) ||
		(s->types.len != 0 &&
			width(s->types, s->separator) != width(s->fields, s->separator))) {
		s->problems++;
		return;
	}
	buf_printf(&s->out, "%llu@%llu", (unsigned long long)number, (unsigned long long)offset);
	for (size_t i = 0; i < width(line, s->separator); i++) {
		struct slice name = nth(s->fields, s->separator, i), element;
		struct slice value = nth(line, s->separator, i);
		struct zeek_meaning m = zeek_column(s->path, name, nth(s->types, s->separator, i));

		if (m.role == ROLE_NONE || (s->roles & event_role_bit(m.role)) == 0)
			continue;
		if (!m.many || slice_equal(value, s->empty) || slice_equal(value, s->unset))
			simple_value(s, name, m, value);
		else
			while (slice_next(&value, s->set_separator, &element))
				simple_value(s, name, m, element);
	}
	if ((s->roles & event_role_bit(ROLE_URL)) != 0 && named(s, s->fields, "host").len != 0 &&
		named(s, s->fields, "uri").len != 0) {
		struct zeek_url url = {
			.host = named(s, line, "host"),
			.uri = named(s, line, "uri"),
			.address = named(s, line, "id.resp_h"),
			.port = named(s, line, "id.resp_p"),
		};
		char *room = malloc(line.len + ZEEK_URL_MORE);
		struct zeek_meaning m = {ROLE_URL, FIELD_URL, false};

		simple_value(s, SLICE("url"), m, (struct slice){room, zeek_url_join(&url, room)});
		free(room);
	}
	buf_char(&s->out, '\n');
}

static struct buf simple_read(struct slice log, uint64_t roles, uint64_t *ret_problems)
{
	struct simple s = {.roles = roles, .separator = '\t', .set_separator = ','};
	uint64_t number = 0;

	s.empty = SLICE("(empty)");
	s.unset = SLICE("-");
	for (size_t at = 0; at < log.len;) {
		size_t end = slice_find(log, '\n', at);
		struct slice line = slice_cut(log, at, end);

		if (line.len != 0 && line.data[line.len - 1] == '\r')
			line.len--;
		simple_line(&s, line, ++number, at);
		at = end + 1;
	}
	buf_char(&s.out, '\0');
	*ret_problems = s.problems;
	return s.out;
}

/* ---- both ------------------------------------------------------------------------------------ */

void agree(struct slice log, uint64_t roles, size_t chunk, size_t cut)
{
	struct logs_look look = {
		.format = LOGS_ZEEK_TSV, .roles = roles, .chunk = chunk, .cut = cut};
	struct logs_counts counts;
	uint64_t problems;
	struct buf expected = simple_read(log, roles, &problems);
	struct buf got = logs_look_at(&look, log, &counts);

	if (strcmp(expected.data, got.data) != 0) {
		size_t i = 0;

		while (expected.data[i] == got.data[i])
			i++;
		i = i < 200 ? 0 : i - 200;
		fail_msg("chunk %zu, cut %zu\nexpected ...%.400s\n\ngot ...%.400s", chunk, cut,
			expected.data + i, got.data + i);
	}
	assert_int_equal(counts.problems, problems);
	buf_fini(&expected);
	buf_fini(&got);
}
