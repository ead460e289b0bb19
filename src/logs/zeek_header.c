/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Header lines of Zeek's ASCII writer. They decide everything, they may come again in mid-file
 * (rotation, a restart with other scripts), and each of them may be missing.
 */
#include "zeek_header.h"

#define NAMES_BYTES_MAX KIB(256) /* both longest lines and what the arena adds */

static const char *const keys[ZEEK_HEADER_LINES] = {
	[ZEEK_SEPARATOR] = "#separator",
	[ZEEK_SET_SEPARATOR] = "#set_separator",
	[ZEEK_EMPTY_FIELD] = "#empty_field",
	[ZEEK_UNSET_FIELD] = "#unset_field",
	[ZEEK_PATH] = "#path",
	[ZEEK_FIELDS] = "#fields",
	[ZEEK_TYPES] = "#types",
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

size_t zeek_unescape(struct slice from, char *to)
{
	size_t len = 0;

	for (size_t i = 0; i < from.len;) {
		const char *p = from.data + i;
		size_t left = from.len - i;

		if (p[0] == '\\' && left >= 4 && p[1] == 'x' && hex_digit(p[2]) >= 0 &&
			hex_digit(p[3]) >= 0) {
			to[len++] = (char)(hex_digit(p[2]) << 4 | hex_digit(p[3]));
			i += 4;
		} else if (p[0] == '\\' && left >= 2 && p[1] == '\\') {
			to[len++] = '\\';
			i += 2;
		} else {
			to[len++] = p[0];
			i++;
		}
	}
	return len;
}

static struct zeek_mark mark_of(struct slice text)
{
	char bytes[ZEEK_MARK_MAX] = {0}, ones[ZEEK_MARK_MAX] = {0};
	struct zeek_mark m = {.len = text.len};

	if (text.len > 0) /* "#empty_field" without a value: no bytes to copy */
		memcpy(bytes, text.data, text.len);
	memset(ones, 0xff, text.len);
	memcpy(&m.word, bytes, sizeof(m.word));
	memcpy(&m.mask, ones, sizeof(m.mask));
	return m;
}

bool zeek_header_init(struct zeek_header *h)
{
	h->names = arena_new(NAMES_BYTES_MAX);
	for (unsigned i = 0; i < ZEEK_HEADER_LINES; i++)
		h->lines[i] = BUF_MAX(ZEEK_HEADER_LINE_MAX);
	zeek_header_reset(h);
	return h->names != NULL;
}

void zeek_header_fini(struct zeek_header *h)
{
	for (unsigned i = 0; i < ZEEK_HEADER_LINES; i++)
		buf_fini(&h->lines[i]);
	buf_fini(&h->text);
	arena_free(h->names);
}

void zeek_header_reset(struct zeek_header *h)
{
	for (unsigned i = 0; i < ZEEK_HEADER_LINES; i++)
		buf_clear(&h->lines[i]);
	buf_clear(&h->text);
	h->separator = '\t';
	h->set_separator = ',';
	h->empty = mark_of(SLICE("(empty)"));
	h->unset = mark_of(SLICE("-"));
	h->path = (struct slice){0};
	h->cells_count = 0;
}

/* Which line it is, and what stands behind the key. #separator alone is followed by a blank: the
 * separator is not known before. */
static bool line_split(const struct zeek_header *h, struct slice line,
	enum zeek_header_line *ret_which, struct slice *ret_value)
{
	for (unsigned i = 0; i < ZEEK_HEADER_LINES; i++) {
		struct slice key = slice_of(keys[i]);
		char behind = i == ZEEK_SEPARATOR ? ' ' : h->separator;

		if (!slice_starts(line, key) || line.len <= key.len || line.data[key.len] != behind)
			continue;
		*ret_which = (enum zeek_header_line)i;
		*ret_value = slice_cut(line, key.len + 1, line.len);
		return true;
	}
	return false;
}

bool zeek_header_changes(const struct zeek_header *h, struct slice line)
{
	enum zeek_header_line which;
	struct slice value;

	return line_split(h, line, &which, &value) &&
	       (which == ZEEK_SEPARATOR || !slice_equal(buf_slice(&h->lines[which]), line));
}

static const char *take_byte(struct slice value, char *ret_byte)
{
	char bytes[8];

	if (value.len > sizeof(bytes) || zeek_unescape(value, bytes) != 1 || bytes[0] == '\n' ||
		bytes[0] == '\r' || bytes[0] == '\\' || bytes[0] == '#')
		return "separator is not one usable byte";
	*ret_byte = bytes[0];
	return NULL;
}

static const char *take_mark(struct slice value, struct zeek_mark *ret_mark)
{
	if (value.len > ZEEK_MARK_MAX)
		return "mark for missing values is too long";
	*ret_mark = mark_of(value);
	return NULL;
}

const char *zeek_header_take(struct zeek_header *h, struct slice line)
{
	enum zeek_header_line which;
	const char *wrong = NULL;
	struct slice value;

	if (!line_split(h, line, &which, &value))
		return NULL; /* #open, #close, a comment */
	if (line.len > ZEEK_HEADER_LINE_MAX) {
		h->cells_count = 0;
		return "header line is too long";
	}
	if (which == ZEEK_SEPARATOR)
		zeek_header_reset(h); /* a new header begins */
	h->cells_count = 0;
	buf_clear(&h->lines[which]);
	if (which == ZEEK_FIELDS)
		buf_clear(&h->lines[ZEEK_TYPES]); /* of other fields */
	if (which == ZEEK_SEPARATOR)
		wrong = take_byte(value, &h->separator);
	else if (which == ZEEK_SET_SEPARATOR)
		wrong = take_byte(value, &h->set_separator);
	else if (which == ZEEK_EMPTY_FIELD)
		wrong = take_mark(value, &h->empty);
	else if (which == ZEEK_UNSET_FIELD)
		wrong = take_mark(value, &h->unset);
	if (wrong == NULL)
		buf_slice_append(&h->lines[which], line);

	buf_clear(&h->text);
	for (unsigned i = 0; i < ZEEK_HEADER_LINES; i++) {
		if (h->lines[i].len == 0)
			continue;
		buf_slice_append(&h->text, buf_slice(&h->lines[i]));
		buf_char(&h->text, '\n');
	}
	return wrong;
}

static struct slice value_of(const struct zeek_header *h, enum zeek_header_line which)
{
	struct slice line = buf_slice(&h->lines[which]);

	return line.len == 0 ? line : slice_cut(line, strlen(keys[which]) + 1, line.len);
}

const char *zeek_header_build(struct zeek_header *h)
{
	struct slice fields = value_of(h, ZEEK_FIELDS), types = value_of(h, ZEEK_TYPES);
	bool typed = types.len != 0;
	struct slice name, type;
	size_t count = 0;

	h->cells_count = 0;
	h->path = value_of(h, ZEEK_PATH);
	if (fields.len == 0)
		return "no #fields line before it";
	arena_reset(h->names);
	while (slice_next(&fields, h->separator, &name)) {
		type = (struct slice){0};
		if (typed && !slice_next(&types, h->separator, &type))
			return "#fields and #types differ in number";
		if (count == COLUMNS_MAX)
			return "too many columns";
		name = arena_copy(h->names, name);
		if (name.data == NULL)
			return "out of memory";
		h->cells[count++] = (struct zeek_cell){
			.name = name,
			.meaning = zeek_column(h->path, name, type),
		};
	}
	if (typed && slice_next(&types, h->separator, &type))
		return "#fields and #types differ in number";
	h->cells_count = count;
	return NULL;
}
