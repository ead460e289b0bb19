/* SPDX-License-Identifier: MPL-2.0 */
/*
 * JSON logs by the strict parser: what the quick ways of json_lines.c do not understand, and one
 * record in full.
 */
#include "json_members.h"

/* Where the members of a parsed record go: the batch, or an event when it is not NULL. */
struct careful {
	struct json_lines *j;
	struct logs_reader *r;
	struct arena *a;
	struct event *event;
	struct slice parts[JSON_PARTS];
	char path[PATH_MAX_BYTES];
};

static bool careful_value(
	struct careful *c, struct slice path, const struct json_meaning *m, struct slice value)
{
	struct logs_reader *r = c->r;
	bool spelled = json_is_spelled(m->kind, value);
	size_t column = COLUMNS_MAX, len = value.len, scratch;
	char *to;

	if (value.len == 0)
		return true;
	if (c->event != NULL) {
		if (m->time && c->event->time_us == TIME_UNKNOWN)
			c->event->time_us = logs_time(value, r->world);
		path = arena_copy(c->a, path);
		to = arena_alloc(c->a, len);
		if (path.data == NULL || to == NULL)
			return false;
	} else {
		column = json_column_of(r, path, m);
		if (column == COLUMNS_MAX && m->part == PART_NONE)
			return true;
		if (len > FIELD_BYTES_MAX) {
			if (m->kind != FIELD_FREE)
				return logs_field(r, column, value); /* which counts it */
			r->counts.cut_fields++;
			value.len = len = FIELD_BYTES_MAX;
		}
		scratch = r->scratch_len;
		to = logs_scratch(r, len);
		if (to == NULL)
			return false;
		if (r->scratch_len < scratch) /* flushed, and the parts of a URL with it */
			memset(c->parts, 0, sizeof(c->parts));
	}
	if (spelled)
		len = json_without_colons(value, to);
	else
		memcpy(to, value.data, len);
	value = (struct slice){to, len};
	if (c->parts[m->part].len == 0)
		c->parts[m->part] = value;
	if (c->event != NULL)
		return event_add(c->event, c->a, path, m->role, m->kind, value);
	logs_scratch_keep(r, len);
	return logs_field(r, column, value);
}

static bool careful_walk(
	struct careful *c, struct json_value v, struct slice path, struct slice name)
{
	struct json_iter it = json_iter(v);
	struct buf text = BUF_INIT;
	struct json_meaning m;
	struct slice member;
	int64_t number;
	double real;
	bool good;

	switch (json_type(v)) {
	case JSON_NULL:
		return true;
	case JSON_OBJECT:
		while (json_object_next(&it, &member, &v)) {
			size_t len = json_path_join(c->path, path, member);

			if (len != JSON_PATH_NONE &&
				!careful_walk(c, v, (struct slice){c->path, len}, member))
				return false;
		}
		return true;
	case JSON_ARRAY:
		while (json_array_next(&it, &v))
			if (!careful_walk(c, v, path, name))
				return false;
		return true;
	default:
		break;
	}
	m = json_meaning(c->r->format, c->r->mapping, path, name);
	if (json_is_string(v))
		return careful_value(c, path, &m, json_string(v));
	if (json_is_bool(v))
		return c->event == NULL ||
		       careful_value(c, path, &m, json_is_true(v) ? SLICE("true") : SLICE("false"));
	if (json_to_i64(v, &number) && json_type(v) == JSON_INTEGER)
		buf_i64(&text, number);
	else if (json_to_double(v, &real))
		json_number_append(&text, real);
	good = !text.bad && careful_value(c, path, &m, buf_slice(&text));
	buf_fini(&text);
	return good;
}

bool json_record_careful(struct json_lines *j, struct logs_reader *r, struct json_value root)
{
	struct careful c = {.j = j, .r = r};

	if (!careful_walk(&c, root, (struct slice){0}, (struct slice){0}))
		return false;
	memcpy(j->parts, c.parts, sizeof(j->parts));
	return json_put_url(j, r);
}

bool json_detail(struct logs_reader *r, struct slice line, struct arena *a, struct event *ret_event)
{
	struct json_lines *j = r->state;
	struct careful c = {.j = j, .r = r, .a = a, .event = ret_event};
	struct json_doc doc;
	struct zeek_url url;
	struct err e;
	char *to;
	size_t len;

	if (json_parse(j->parser, line, &doc, &e) != OK)
		return true; /* the quick way had enough: the fields of the batch are all there is
			      */
	if (!careful_walk(&c, json_root(&doc), (struct slice){0}, (struct slice){0}))
		return false;
	url = json_url_of(c.parts);
	if (url.uri.len == 0)
		return true;
	to = arena_alloc(a, json_url_room(c.parts));
	if (to == NULL)
		return false;
	len = zeek_url_join(&url, to);
	return len == 0 ||
	       event_add(ret_event, a, SLICE("url"), ROLE_URL, FIELD_URL, (struct slice){to, len});
}
