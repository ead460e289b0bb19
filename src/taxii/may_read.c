/* SPDX-License-Identifier: MPL-2.0 */
/*
 * "What may I read?": a resource of ours beside those of TAXII, at {api-root}may-read/. For whoever
 * asks: by which policy it is decided, and per collection how many objects are for them, how many
 * are held back, and which rules let the others through. docs/labels.md describes it.
 */
#include "server.h"

#define ROWS_MAX 50000 /* newest objects counted in one request, over all collections: 0.2 s */

static void policy_write(struct taxii_server *t, struct json_writer *w)
{
	struct intel_policy_state p = intel_policy_get(t->intel);
	struct buf digest = BUF_INIT;

	if (!p.in_force)
		return;
	buf_text(&digest, "sha256:");
	for (size_t i = 0; i < SHA256_LEN; i++)
		buf_printf(&digest, "%02x", p.digest[i]);
	json_write_name(w, "policy");
	json_write_object(w);
	json_member_text(w, "name", p.name);
	json_member_i64(w, "version", (int64_t)p.version);
	json_member_string(w, "digest", buf_slice(&digest));
	json_member_time(w, "expires", p.expires_us, 3);
	json_member_bool(w, "expired", p.expired);
	json_write_end(w, '}');
	buf_fini(&digest);
}

static void collection_write(struct json_writer *w, const struct store_collection *c,
	const struct intel_may_read *counts, bool withheld)
{
	char id[UUID_TEXT_LEN + 1];
	struct buf cell = BUF_INIT;

	uuid_format(&c->uuid, id);
	json_write_object(w);
	json_member_text(w, "id", id);
	json_member_string(w, "title", c->title);
	json_member_i64(w, "readable", (int64_t)counts->readable);
	if (withheld) {
		intel_cell_append(&cell, counts->withheld);
		json_member_string(w, "withheld", buf_slice(&cell));
	}
	json_member_bool(w, "complete", counts->complete);
	if (counts->rules_count > 0) {
		json_write_name(w, "rules");
		json_write_array(w);
		for (size_t i = 0; i < counts->rules_count; i++) {
			json_write_object(w);
			json_member_text(w, "id", counts->rules[i].id);
			if (counts->rules[i].clause[0] != '\0')
				json_member_text(w, "clause", counts->rules[i].clause);
			json_member_i64(w, "objects", (int64_t)counts->rules[i].objects);
			json_write_end(w, '}');
		}
		json_write_end(w, ']');
	}
	json_write_end(w, '}');
	buf_fini(&cell);
}

/* Somebody without an account learns nothing of how much there is that is not for them. */
static enum err_kind collections_write(
	struct taxii_server *t, const struct http_request *q, struct json_writer *w, struct err *e)
{
	struct store_collection *list;
	size_t count, rows = ROWS_MAX;
	enum err_kind kind = store_collections(t->store, q->arena, &list, &count, e);

	json_write_name(w, "collections");
	json_write_array(w);
	for (size_t i = 0; kind == OK && i < count; i++) {
		struct intel_recipient to = access_recipient(q, &list[i]);
		struct intel_may_read counts;
		bool can_read, can_write;

		kind = access_rights(t, q, &list[i], &can_read, &can_write, e);
		if (kind != OK || !can_read)
			continue;
		kind = intel_may_read(t->intel, &to, rows, &counts, e);
		if (kind != OK)
			break;
		rows -= counts.readable + counts.withheld;
		collection_write(w, &list[i], &counts, q->account != NULL);
	}
	json_write_end(w, ']');
	return kind;
}

void handle_may_read(void *context, const struct http_request *q, struct http_reply *reply)
{
	struct taxii_server *t = context;
	struct buf out = BUF_INIT;
	struct json_writer w = JSON_WRITER(&out);
	struct err e;
	enum err_kind kind;

	if (!reply_begin(t, q, reply) || !access_known(t, q, reply))
		return;
	json_write_object(&w);
	if (q->account != NULL) {
		json_member_string(&w, "account", q->account->name);
		if (q->account->member.len > 0)
			json_member_string(&w, "member", q->account->member);
	}
	policy_write(t, &w);
	kind = collections_write(t, q, &w, &e);
	json_write_end(&w, '}');
	if (kind != OK) {
		buf_fini(&out);
		reply_failed(t, q, reply, kind, &e);
		return;
	}
	reply_json(t, q, reply, 200, &out);
}
