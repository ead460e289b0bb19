/* SPDX-License-Identifier: MPL-2.0 */
/* What is here: discovery and API root (section 4), collections (sections 5.1 and 5.2). */
#include "server.h"

/* Section 4.1. The one API root is named relative to the server, so that it is right behind any
 * proxy and no Host header gets into a reply. */
void handle_discovery(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct taxii_server *t = context;
	struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER(&out);

	if (!reply_begin(t, q, reply) || !access_known(t, q, reply))
		return;
	json_write_object(&w);
	json_member_text(&w, "title", t->title);
	if (t->description != NULL)
		json_member_text(&w, "description", t->description);
	if (t->contact != NULL)
		json_member_text(&w, "contact", t->contact);
	json_member_text(&w, "default", t->root);
	json_write_name(&w, "api_roots");
	json_write_array(&w);
	json_write_text(&w, t->root);
	json_write_end(&w, ']');
	json_write_end(&w, '}');
	reply_json(t, q, reply, 200, &out);
}

/* Section 4.2; the two x_ properties say how many objects a page has. */
void handle_root(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct taxii_server *t = context;
	struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER(&out);

	if (!reply_begin(t, q, reply) || !access_known(t, q, reply))
		return;
	json_write_object(&w);
	json_member_text(&w, "title", t->root_title);
	json_write_name(&w, "versions");
	json_write_array(&w);
	json_write_text(&w, TAXII_TYPE);
	json_write_end(&w, ']');
	json_member_i64(&w, "max_content_length", (int64_t)t->content_max);
	json_member_i64(&w, "x_serai_page_default", t->page_default);
	json_member_i64(&w, "x_serai_page_max", t->page_max);
	json_write_end(&w, '}');
	reply_json(t, q, reply, 200, &out);
}

/* Section 5.2.1. */
static void collection_write(
	struct json_writer *w, const struct store_collection *c, bool can_read, bool can_write)
{
	char id[UUID_TEXT_LEN + 1];

	uuid_format(&c->uuid, id);
	json_write_object(w);
	json_member_text(w, "id", id);
	json_member_string(w, "title", c->title);
	if (c->description.len > 0)
		json_member_string(w, "description", c->description);
	if (c->alias.len > 0)
		json_member_string(w, "alias", c->alias);
	json_member_bool(w, "can_read", can_read);
	json_member_bool(w, "can_write", can_write);
	json_write_name(w, "media_types");
	json_write_array(w);
	json_write_text(w, TAXII_STIX_TYPE);
	json_write_end(w, ']');
	json_write_end(w, '}');
}

/* Section 5.1: in order of creation, which never changes; no key when there is none to show. */
void handle_collections(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct taxii_server *t = context;
	struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER(&out);
	struct store_collection *list;
	size_t count, shown = 0;
	struct err e;
	enum err_kind kind;

	if (!reply_begin(t, q, reply) || !access_known(t, q, reply))
		return;
	kind = store_collections(t->store, q->arena, &list, &count, &e);
	json_write_object(&w);
	for (size_t i = 0; kind == OK && i < count; i++) {
		bool can_read, can_write;

		kind = access_rights(t, q, &list[i], &can_read, &can_write, &e);
		if (kind != OK || (!can_read && !can_write))
			continue;
		if (shown++ == 0) {
			json_write_name(&w, "collections");
			json_write_array(&w);
		}
		collection_write(&w, &list[i], can_read, can_write);
	}
	if (shown > 0)
		json_write_end(&w, ']');
	json_write_end(&w, '}');
	if (kind != OK) {
		buf_fini(&out);
		reply_failed(t, q, reply, kind, &e);
		return;
	}
	reply_json(t, q, reply, 200, &out);
}

void handle_collection(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct taxii_server *t = context;
	struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER(&out);
	struct access a;

	if (!reply_begin(t, q, reply) || !access_get(t, q, reply, NEED_ANY, &a))
		return;
	collection_write(&w, &a.collection, a.can_read, a.can_write);
	reply_json(t, q, reply, 200, &out);
}
