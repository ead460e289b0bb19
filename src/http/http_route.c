/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Routes are a table: a path pattern, methods, who may come, how much they may send. Rows are tried
 * with earlier literals first, so "/taxii2/" wins over "/{root}/" wherever it stands in the table.
 */
#include <stdlib.h>

#include "http_parts.h"

struct row {
	const struct http_route *route;
	size_t index;
	struct slice segments[HTTP_SEGMENTS_MAX]; /* data NULL: {…} */
	size_t segments_count;
};

struct http_table {
	size_t count;
	struct row rows[];
};

static bool word_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!((s.data[i] >= 'a' && s.data[i] <= 'z') ||
			    (s.data[i] >= '0' && s.data[i] <= '9') || s.data[i] == '_'))
			return false;
	return s.len != 0;
}

static enum err_kind row_init(
	struct row *row, const struct http_route *route, size_t index, struct err *e)
{
	struct slice rest = slice_of(route->pattern), part;

	row->route = route;
	row->index = index;
	if (rest.len == 0 || rest.data[0] != '/')
		return err_set(e, ERR_USAGE,
			"route %zu: pattern \"%.*s\" does not begin with a slash", index,
			SLICE_ARG(rest));
	if (route->handle == NULL || route->methods == 0 || !word_valid(slice_of(route->says)))
		return err_set(e, ERR_USAGE,
			"route \"%s\": needs methods, a handler and a name of a-z, 0-9 and _",
			route->pattern);
	rest = slice_cut(rest, 1, rest.len);
	while (slice_next(&rest, '/', &part)) {
		if (part.len == 0 && rest.data == NULL)
			break;
		if (part.len == 0 || row->segments_count == HTTP_SEGMENTS_MAX)
			return err_set(e, ERR_USAGE,
				"route \"%s\": an empty segment, or more than %d", route->pattern,
				HTTP_SEGMENTS_MAX);
		if (part.data[0] != '{')
			row->segments[row->segments_count] = part;
		else if (!word_valid(slice_cut(part, 1, part.len - 1)) ||
			 !slice_ends(part, SLICE("}")))
			return err_set(e, ERR_USAGE, "route \"%s\": \"%.*s\" is not \"{name}\"",
				route->pattern, SLICE_ARG(part));
		row->segments_count++;
	}
	return OK;
}

static int row_compare(const void *left, const void *right)
{
	const struct row *a = left, *b = right;

	/* Only rows of one length ever compete; ordering by length first keeps the order total. */
	if (a->segments_count != b->segments_count)
		return a->segments_count < b->segments_count ? -1 : 1;
	for (size_t i = 0; i < a->segments_count; i++)
		if ((a->segments[i].data == NULL) != (b->segments[i].data == NULL))
			return a->segments[i].data == NULL ? 1 : -1;
	return a->index < b->index ? -1 : 1;
}

enum err_kind http_table_new(
	const struct http_route *routes, size_t count, struct http_table **ret_table, struct err *e)
{
	struct http_table *t = calloc(1, sizeof(*t) + count * sizeof(t->rows[0]));

	if (t == NULL)
		return err_set(e, ERR_NOMEM, "table of %zu routes: out of memory", count);
	for (t->count = 0; t->count < count; t->count++) {
		enum err_kind kind = row_init(&t->rows[t->count], &routes[t->count], t->count, e);

		if (kind != OK) {
			http_table_free(t);
			return kind;
		}
	}
	qsort(t->rows, t->count, sizeof(t->rows[0]), row_compare);
	*ret_table = t;
	return OK;
}

void http_table_free(struct http_table *t)
{
	free(t);
}

static bool row_matches(const struct row *row, const struct http_target *target)
{
	if (row->segments_count != target->segments_count)
		return false;
	for (size_t i = 0; i < row->segments_count; i++) {
		if (row->segments[i].data == NULL
				? target->segments[i].len == 0
				: !slice_equal(row->segments[i], target->segments[i]))
			return false;
	}
	return true;
}

void http_table_find(const struct http_table *t, const struct http_target *target,
	enum http_method method, struct http_match *ret_match)
{
	*ret_match = (struct http_match){0};
	for (size_t i = 0; i < t->count; i++) {
		const struct row *row = &t->rows[i];
		unsigned methods = row->route->methods;

		if (!row_matches(row, target))
			continue;
		if (methods & HTTP_GET)
			methods |= HTTP_HEAD;
		ret_match->allowed |= methods;
		if (ret_match->route != NULL || (methods & (unsigned)method) == 0)
			continue;
		ret_match->route = row->route;
		ret_match->index = row->index;
		for (size_t k = 0; k < row->segments_count; k++)
			if (row->segments[k].data == NULL)
				ret_match->parts[ret_match->parts_count++] = target->segments[k];
	}
}

void http_allow_text(unsigned methods, char ret_text[HTTP_ALLOW_MAX])
{
	static const struct {
		enum http_method method;
		const char *name;
	} names[] = {
		{HTTP_GET,    "GET"   },
		{HTTP_HEAD,   "HEAD"  },
		{HTTP_POST,   "POST"  },
		{HTTP_PUT,    "PUT"   },
		{HTTP_DELETE, "DELETE"},
	};
	size_t len = 0;

	ret_text[0] = '\0';
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (methods & (unsigned)names[i].method)
			len += (size_t)snprintf(ret_text + len, HTTP_ALLOW_MAX - len, "%s%s",
				len == 0 ? "" : ", ", names[i].name);
}
