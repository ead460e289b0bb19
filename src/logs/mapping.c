/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Mapping files: what the columns of a site's own CSV or JSON mean.
 *
 *   # comment
 *   source_ip = source.address
 *   "the = name" = dns.query        quoted, "" for a quote, where a name holds = or blanks at its
 * ends payload = message free          another kind than the role's internal_id = - not looked at,
 * whatever its name time = ts %d.%m.%Y %H:%M:%S     the column of the time, and its format where it
 * is unusual delimiter = ;                   or tab, space, comma
 */
#include <stdlib.h>

#include "lines.h"

#define MAPPING_BYTES_MAX KIB(256) /* COLUMNS_MAX lines of names as long as they come */
#define MAPPING_NAME_MAX  1024     /* bytes of a column's name */
#define MAPPING_TIMES_MAX 4 /* columns of a time: date and clock apart, and two kinds of logs */

struct row {
	struct slice name;
	uint8_t role;
	uint8_t kind;
};

struct logs_mapping {
	struct arena *a;
	struct row *rows; /* sorted by name */
	size_t count;
	struct slice times[MAPPING_TIMES_MAX];
	struct slice time_format;
	size_t times_count;
	char delimiter;
};

static int row_compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return slice_compare(x->name, y->name);
}

static const struct row *row_find(const struct logs_mapping *m, struct slice name)
{
	struct row key = {.name = name};

	if (m == NULL || m->count == 0)
		return NULL;
	return bsearch(&key, m->rows, m->count, sizeof(key), row_compare);
}

bool logs_mapping_role(const struct logs_mapping *m, struct slice name, enum event_role *ret_role,
	enum field_kind *ret_kind)
{
	const struct row *row = row_find(m, name);

	if (row == NULL)
		return false;
	*ret_role = (enum event_role)row->role;
	*ret_kind = (enum field_kind)row->kind;
	return true;
}

bool logs_mapping_is_time(const struct logs_mapping *m, struct slice name)
{
	for (size_t i = 0; m != NULL && i < m->times_count; i++)
		if (slice_equal(m->times[i], name))
			return true;
	return false;
}

char logs_mapping_delimiter(const struct logs_mapping *m)
{
	return m == NULL ? 0 : m->delimiter;
}

int64_t logs_mapping_time(
	const struct logs_mapping *m, struct slice text, const struct world *world)
{
	if (m == NULL || m->time_format.len == 0)
		return logs_time(text, world);
	return time_by_format(text, m->time_format, world);
}

/* ---- reading -------------------------------------------------------------------------------- */

struct source {
	struct logs_mapping *m;
	const char *name;
	unsigned long line;
	struct err *e;
};

static enum err_kind bad(struct source *s, const char *what, struct slice value)
{
	return err_set(s->e, ERR_PARSE, "mapping \"%s\", line %lu: %s \"%.*s\"", s->name, s->line,
		what, SLICE_ARG(value));
}

/* A bare name up to the '=', or a quoted one; what is behind it stays in *rest. */
static enum err_kind name_read(struct source *s, struct slice *rest, struct slice *ret_name)
{
	struct slice text = *rest, name;
	size_t end;

	if (text.data[0] != '"') {
		end = slice_find(text, '=', 0);
		name = arena_copy(s->m->a, slice_trim(slice_cut(text, 0, end)));
	} else {
		char *to = arena_alloc(s->m->a, text.len);

		if (to == NULL)
			return err_set(s->e, ERR_NOMEM, "mapping: out of memory");
		name = (struct slice){to, 0};
		for (end = 1; end < text.len; end++) {
			if (text.data[end] == '"' && (++end == text.len || text.data[end] != '"'))
				break;
			to[name.len++] = text.data[end];
		}
		if (text.data[end - 1] != '"' || end == 1)
			return bad(s, "a quote is not closed in", text);
	}
	if (name.data == NULL)
		return err_set(s->e, ERR_NOMEM, "mapping: out of memory");
	*rest = slice_trim(slice_cut(text, end, text.len));
	if (rest->len == 0 || rest->data[0] != '=')
		return bad(s, "expected name = role in", text);
	*rest = slice_trim(slice_cut(*rest, 1, rest->len));
	if (name.len == 0 || name.len > MAPPING_NAME_MAX || !utf8_valid(name))
		return bad(s, "not a column's name:", name);
	if (rest->len == 0)
		return bad(s, "nothing behind the = of", name);
	*ret_name = name;
	return OK;
}

static enum err_kind delimiter_read(struct source *s, struct slice value)
{
	static const struct {
		const char *name;
		char c;
	} names[] = {
		{"tab",       '\t'},
		{"\\t",       '\t'},
		{"space",     ' ' },
		{"comma",     ',' },
		{"semicolon", ';' },
		{"pipe",      '|' },
	};
	char c = value.len == 1 ? value.data[0] : 0;

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (slice_is(value, names[i].name))
			c = names[i].c;
	if (c == 0 || c == '"' || c == '\n' || c == '\r' || is_alpha(c) || is_digit(c))
		return bad(s, "not a delimiter:", value);
	s->m->delimiter = c;
	return OK;
}

static enum err_kind time_read(struct source *s, struct slice value)
{
	struct logs_mapping *m = s->m;
	struct slice column, format;
	size_t end = slice_find(value, ' ', 0);

	if (value.data[0] == '"') {
		end = slice_find(value, '"', 1);
		if (end == value.len)
			return bad(s, "a quote is not closed in", value);
		column = slice_cut(value, 1, end++);
	} else {
		column = slice_cut(value, 0, end);
	}
	format = slice_trim(slice_cut(value, end, value.len));
	if (column.len == 0)
		return bad(s, "no column in", value);
	if (m->times_count == MAPPING_TIMES_MAX)
		return bad(s, "too many columns of time:", value);
	if (format.len != 0 && !time_format_known(format))
		return bad(s, "not a format of time:", format);
	if (format.len != 0 && m->time_format.len != 0 && !slice_equal(format, m->time_format))
		return bad(s, "a second format of time:", format);
	column = arena_copy(m->a, column);
	if (column.data == NULL)
		return err_set(s->e, ERR_NOMEM, "mapping: out of memory");
	m->times[m->times_count++] = column;
	if (format.len != 0) {
		m->time_format = arena_copy(m->a, format);
		if (m->time_format.data == NULL)
			return err_set(s->e, ERR_NOMEM, "mapping: out of memory");
	}
	return OK;
}

static enum err_kind role_read(struct source *s, struct slice name, struct slice value)
{
	struct logs_mapping *m = s->m;
	struct slice role_name = {0}, kind_name = {0}, more;
	enum event_role role = ROLE_NONE;
	enum field_kind kind;

	(void)word_next(&value, &role_name);
	(void)word_next(&value, &kind_name);
	if (word_next(&value, &more))
		return bad(s, "too many words:", more);
	if (!slice_is(role_name, "-") && !event_role_parse(role_name, &role))
		return bad(s, "there is no role", role_name);
	kind = event_role_row(role)->kind;
	if (kind_name.len != 0 && !field_kind_parse(kind_name, &kind))
		return bad(s, "there is no kind", kind_name);
	if (m->count == COLUMNS_MAX)
		return bad(s, "too many columns, the first too many is", name);
	m->rows[m->count++] =
		(struct row){.name = name, .role = (uint8_t)role, .kind = (uint8_t)kind};
	return OK;
}

static enum err_kind line_of_mapping(struct source *s, struct slice line)
{
	bool quoted = line.data[0] == '"';
	struct slice name = {0};
	enum err_kind kind = name_read(s, &line, &name);

	if (kind != OK)
		return kind;
	if (!quoted && slice_is(name, "time"))
		return time_read(s, line);
	if (!quoted && slice_is(name, "delimiter"))
		return delimiter_read(s, line);
	return role_read(s, name, line);
}

enum err_kind logs_mapping_parse(
	struct slice text, const char *name, struct logs_mapping **ret_mapping, struct err *e)
{
	struct logs_mapping *m;
	struct source s = {.name = name, .e = e};
	struct slice line;
	enum err_kind kind = OK;

	if (text.len > MAPPING_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "mapping \"%s\": %zu bytes, at most %zu", name,
			text.len, MAPPING_BYTES_MAX);
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return err_set(e, ERR_NOMEM, "mapping \"%s\": out of memory", name);
	m->a = arena_new(4 * MAPPING_BYTES_MAX);
	m->rows = m->a == NULL ? NULL : ARENA_ARRAY(m->a, struct row, COLUMNS_MAX);
	if (m->rows == NULL) {
		kind = err_set(e, ERR_NOMEM, "mapping \"%s\": out of memory", name);
		goto fail;
	}
	s.m = m;
	(void)text_next(&text, SLICE("\xef\xbb\xbf"));
	while (slice_next(&text, '\n', &line)) {
		s.line++;
		line = slice_trim(line);
		if (line.len == 0 || line.data[0] == '#')
			continue;
		kind = line_of_mapping(&s, line);
		if (kind != OK)
			goto fail;
	}
	qsort(m->rows, m->count, sizeof(*m->rows), row_compare);
	for (size_t i = 1; i < m->count; i++) {
		if (!slice_equal(m->rows[i - 1].name, m->rows[i].name))
			continue;
		kind = err_set(e, ERR_CONFLICT, "mapping \"%s\": column \"%.*s\" stands twice",
			name, SLICE_ARG(m->rows[i].name));
		goto fail;
	}
	*ret_mapping = m;
	return OK;

fail:
	logs_mapping_free(m);
	return kind;
}

enum err_kind logs_mapping_read(const char *path, struct logs_mapping **ret_mapping, struct err *e)
{
	struct buf text = BUF_INIT;
	enum err_kind kind = file_read(path, MAPPING_BYTES_MAX, &text, e);

	if (kind == OK)
		kind = logs_mapping_parse(buf_slice(&text), path, ret_mapping, e);
	buf_fini(&text);
	return kind;
}

void logs_mapping_free(struct logs_mapping *m)
{
	if (m == NULL)
		return;
	arena_free(m->a);
	free(m);
}
