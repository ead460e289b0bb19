/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Finding the collections behind a URL: whatever resource it names, the way from there down to
 * collections is the same. A resource is told by its required properties, not by its path.
 */
#include <stdlib.h>

#include "remote.h"

#define ROOTS_MAX       64    /* API roots of one server */
#define COLLECTIONS_MAX 10000 /* behind one URL */

struct finding {
	struct remote *remote;
	struct arena *a;
	struct taxii_remote_collection *list;
	size_t count, capacity;
	unsigned elsewhere; /* API roots on other servers, left alone */
};

static enum err_kind no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory");
}

/* A collection resource, section 5.2.1, with its own URL. */
static enum err_kind collection_add(
	struct finding *f, struct json_value v, struct slice url, struct err *e)
{
	struct taxii_remote_collection *c;
	struct json_value flag;

	if (f->count == COLLECTIONS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d collections", COLLECTIONS_MAX);
	if (f->count == f->capacity) {
		size_t more = f->capacity * 2 + 16;
		struct taxii_remote_collection *grown =
			ARENA_ARRAY(f->a, struct taxii_remote_collection, more);

		if (grown == NULL)
			return no_memory(e);
		if (f->count > 0)
			memcpy(grown, f->list, f->count * sizeof(*grown));
		f->list = grown;
		f->capacity = more;
	}
	c = &f->list[f->count];
	*c = (struct taxii_remote_collection){
		.url = url,
		.id = arena_copy(f->a, json_get_string(v, "id")),
		.title = arena_copy(f->a, json_get_string(v, "title")),
		.description = arena_copy(f->a, json_get_string(v, "description")),
		.can_read = json_get(v, "can_read", &flag) && json_is_true(flag),
		.can_write = json_get(v, "can_write", &flag) && json_is_true(flag),
	};
	if (c->url.data == NULL || c->id.data == NULL || c->title.data == NULL ||
		c->description.data == NULL)
		return no_memory(e);
	f->count++;
	return OK;
}

static bool is_plain_id(struct slice id)
{
	for (size_t i = 0; i < id.len; i++) {
		char c = id.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '_' || c == '.'))
			return false;
	}
	return id.len > 0 && id.data[0] != '.';
}

/* A collections resource, section 5.1.1; base is its URL. */
static enum err_kind collections_add(
	struct finding *f, struct json_value resource, struct slice base, struct err *e)
{
	struct json_value list, v;
	enum err_kind kind = OK;

	if (!json_get(resource, "collections", &list))
		return OK;
	for (struct json_iter it = json_iter(list); kind == OK && json_array_next(&it, &v);) {
		struct slice id = json_get_string(v, "id");

		if (!is_plain_id(id)) {
			remote_warn(f->remote, "a collection with the id \"%.*s\", left out",
				SLICE_ARG(id));
			continue;
		}
		kind = collection_add(
			f, v, arena_printf(f->a, "%.*s%.*s/", SLICE_ARG(base), SLICE_ARG(id)), e);
	}
	return kind;
}

/* The collections of an API root. */
static enum err_kind root_visit(struct finding *f, struct slice root, struct err *e)
{
	struct slice url = arena_printf(f->a, "%.*scollections/", SLICE_ARG(root));
	struct json_parser *p = json_parser_new(REMOTE_RESOURCE_MAX);
	struct json_doc doc;
	enum err_kind kind;

	if (url.data == NULL || p == NULL)
		kind = no_memory(e);
	else
		kind = remote_get(f->remote, url.data, p, &doc, e);
	if (kind == OK)
		kind = collections_add(f, json_root(&doc), url, e);
	json_parser_free(p);
	return kind;
}

/* A discovery resource, section 4.1.1. One root that does not answer does not hide the others. */
static enum err_kind roots_visit(
	struct finding *f, struct json_value resource, struct slice url, struct err *e)
{
	struct json_value list, v;
	enum err_kind kind = OK;
	unsigned roots = 0, failed = 0;

	if (!json_get(resource, "api_roots", &list))
		return OK;
	for (struct json_iter it = json_iter(list); json_array_next(&it, &v);) {
		struct slice root = url_join(url, json_string(v), f->a);

		if (++roots > ROOTS_MAX)
			return err_set(e, ERR_LIMIT, "%.*s: more than %d API roots", SLICE_ARG(url),
				ROOTS_MAX);
		if (root.len == 0) {
			f->elsewhere++;
			remote_warn(f->remote,
				"API root %.*s is on another server: name it directly",
				SLICE_ARG(json_string(v)));
			continue;
		}
		kind = root_visit(f, root, e);
		if (kind != OK) {
			failed++;
			remote_warn(f->remote, "%s", e == NULL ? "API root left out" : e->text);
		}
	}
	if (roots > 0 && failed == roots)
		return kind;
	if (roots > 0 && f->elsewhere == roots)
		return err_set(e, ERR_DENIED,
			"%.*s: every API root is on another server: name one directly",
			SLICE_ARG(url));
	return OK;
}

static enum err_kind resource_read(
	struct finding *f, struct json_value v, struct slice url, struct err *e)
{
	struct json_value member;

	if (json_get(v, "collections", &member))
		return collections_add(f, v, url, e);
	if (json_get(v, "can_read", &member) && json_get_string(v, "id").len > 0)
		return collection_add(f, v, url, e);
	if (json_get(v, "versions", &member) && json_get(v, "max_content_length", &member))
		return root_visit(f, url, e);
	if (json_get(v, "api_roots", &member) || json_get_string(v, "title").len > 0)
		return roots_visit(f, v, url, e);
	if (slice_ends(url, SLICE("/collections/")))
		return OK; /* an empty list is left out */
	return err_set(e, ERR_INVALID,
		"%.*s: neither a discovery resource nor an API root nor a collection",
		SLICE_ARG(url));
}

/* The URL of a resource in the form in which it is asked for: no query, a slash at the end; a bare
 * server means its discovery (section 4.1), and objects/ their collection. */
static struct slice url_tidy(struct slice url, struct arena *a)
{
	struct slice origin = url_origin(url);
	size_t end = origin.len;

	while (end < url.len && url.data[end] != '?' && url.data[end] != '#')
		end++;
	url = slice_cut(url, 0, end);
	if (url.len <= origin.len + 1)
		return arena_printf(a, "%.*s/taxii2/", SLICE_ARG(origin));
	if (slice_ends(url, SLICE("/")))
		url.len--;
	if (slice_ends(url, SLICE("/objects")) || slice_ends(url, SLICE("/manifest")))
		url = slice_cut(url, 0, url.len - (slice_ends(url, SLICE("/objects")) ? 8 : 9));
	return arena_printf(a, "%.*s/", SLICE_ARG(url));
}

enum err_kind remote_discover(struct remote *r, const char *url, struct arena *a,
	struct taxii_remote_collection **ret_list, size_t *ret_count, struct err *e)
{
	struct finding f = {.remote = r, .a = a};
	struct json_parser *p = json_parser_new(REMOTE_RESOURCE_MAX);
	struct slice tidy = url_tidy(slice_of(url), a);
	struct json_doc doc;
	enum err_kind kind;

	if (p == NULL || tidy.data == NULL) {
		kind = no_memory(e);
	} else if (url_origin(tidy).len == 0) {
		kind = err_set(
			e, ERR_USAGE, "\"%s\": expected a URL like https://host/taxii2/", url);
	} else {
		kind = remote_get(r, tidy.data, p, &doc, e);
		if (kind == OK)
			kind = resource_read(&f, json_root(&doc), tidy, e);
	}
	json_parser_free(p);
	if (kind != OK)
		return kind;
	*ret_list = f.list;
	*ret_count = f.count;
	return OK;
}

enum err_kind taxii_discover(struct http_client *http, const char *url, struct arena *a,
	struct taxii_remote_collection **ret_list, size_t *ret_count, struct err *e)
{
	struct remote r = {.http = http, .world = world_real()};

	return remote_discover(&r, url, a, ret_list, ret_count, e);
}

uint64_t remote_content_max(struct remote *r, struct slice collection_url, struct arena *a)
{
	const struct slice below = SLICE("/collections/");
	struct json_parser *p = json_parser_new(REMOTE_RESOURCE_MAX);
	size_t at = collection_url.len;
	struct json_value v;
	struct json_doc doc;
	struct slice root;
	int64_t bytes = 0;

	/* the last "/collections/" in it */
	while (at > 0 && !slice_starts(slice_cut(collection_url, at, collection_url.len), below))
		at--;
	root = arena_printf(a, "%.*s/", SLICE_ARG(slice_cut(collection_url, 0, at)));
	if (p == NULL || at == 0 || root.data == NULL ||
		remote_get(r, root.data, p, &doc, NULL) != OK ||
		!json_get(json_root(&doc), "max_content_length", &v) || !json_to_i64(v, &bytes) ||
		bytes < 0)
		bytes = 0;
	json_parser_free(p);
	return (uint64_t)bytes;
}
