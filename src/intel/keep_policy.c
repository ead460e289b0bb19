/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The policy in force is kept in the store, so that it holds after a start, and for every program
 * that opens the store: an export at the node's machine is decided like a page of the node. What is
 * kept and cannot be understood lets nothing out.
 *
 *   {"self": "kg", "members": ["kg", "kz"], "policies": ["{\"type\":\"policy\",...}", ...]}
 */
#include <stdlib.h>

#include "release.h"

#define KEPT_KIND     SLICE("policy")
#define KEPT_KEY      SLICE("in force")
#define KEPT_BYTES    (4 * POLICY_BYTES_MAX)   /* the unified policy and some layers, escaped */
#define KEPT_POLICIES (1 + POLICY_MEMBERS_MAX) /* the unified one, and a layer of each member */

/* Parse each, and join them when there are several. */
static enum err_kind policies_join(const struct policy_parties *parties, const struct slice *texts,
	size_t count, struct policy **ret_policy, struct err *e)
{
	struct policy *list[KEPT_POLICIES] = {0};
	enum err_kind kind = OK;

	if (count > KEPT_POLICIES)
		return err_set(
			e, ERR_LIMIT, "%zu policies, expected at most %d", count, KEPT_POLICIES);
	for (size_t i = 0; kind == OK && i < count; i++)
		kind = policy_parse(texts[i], parties, NULL, &list[i], e);
	if (kind == OK && count == 1) {
		*ret_policy = list[0];
		return OK;
	}
	if (kind == OK)
		kind = policy_join(list[0], (const struct policy *const *)(list + 1), count - 1,
			ret_policy, e);
	for (size_t i = 0; i < count; i++)
		policy_free(list[i]);
	return kind;
}

static void kept_write(struct buf *out, const struct policy_parties *parties, struct slice self,
	const struct slice *texts, size_t count)
{
	struct json_writer w = JSON_WRITER(out);

	json_write_object(&w);
	json_member_string(&w, "self", self);
	json_write_name(&w, "members");
	json_write_array(&w);
	for (size_t i = 0; i < parties->members_count; i++)
		json_write_string(&w, parties->members[i]);
	json_write_end(&w, ']');
	json_write_name(&w, "policies");
	json_write_array(&w);
	for (size_t i = 0; i < count; i++)
		json_write_string(&w, texts[i]);
	json_write_end(&w, ']');
	json_write_end(&w, '}');
}

enum err_kind intel_policy_keep(struct intel *i, const struct policy_parties *parties,
	struct slice self, const struct slice *texts, size_t count, struct err *e)
{
	struct policy *p = NULL;
	struct release_policy ready;
	struct buf kept = BUF_INIT;
	enum err_kind kind = OK;

	if (count > 0) {
		kind = policies_join(parties, texts, count, &p, e);
		if (kind == OK)
			kind = release_policy_init(&ready, p, self, e);
		if (kind == OK)
			kept_write(&kept, parties, self, texts, count);
	} else {
		buf_text(&kept, "{}");
	}
	if (kind == OK && kept.bad)
		kind = err_set(e, ERR_NOMEM, "out of memory for the policy");
	if (kind == OK && kept.len > KEPT_BYTES)
		kind = err_set(e, ERR_LIMIT, "policies of %zu bytes, expected at most %zu",
			kept.len, KEPT_BYTES);
	if (kind == OK)
		kind = store_original_put(i->store, KEPT_KIND, KEPT_KEY, buf_slice(&kept), e);
	buf_fini(&kept);
	if (kind != OK) {
		policy_free(p);
		return kind;
	}
	return intel_policy_set(i, p, self, e);
}

/* A list of texts; false: there is another thing in it. */
static bool texts_read(struct json_value list, struct arena *a, struct slice *ret_texts, size_t max,
	size_t *ret_count)
{
	struct json_iter it = json_iter(list);
	struct json_value one;

	*ret_count = 0;
	while (json_array_next(&it, &one)) {
		if (*ret_count == max || !json_is_string(one))
			return false;
		ret_texts[*ret_count] = arena_copy(a, json_string(one));
		if (ret_texts[(*ret_count)++].data == NULL)
			return false;
	}
	return *ret_count > 0;
}

static enum err_kind kept_read(
	struct intel *i, struct json_value root, struct arena *a, struct err *e)
{
	struct slice members[POLICY_MEMBERS_MAX], texts[KEPT_POLICIES];
	struct slice self = arena_copy(a, json_get_string(root, "self"));
	struct policy_parties parties = {members, 0};
	struct json_value list;
	struct policy *p;
	size_t count;
	enum err_kind kind;

	if (json_count(root) == 0) /* none was put in force */
		return OK;
	if (self.data == NULL || !json_get(root, "members", &list) ||
		!texts_read(list, a, members, COUNT_OF(members), &parties.members_count) ||
		!json_get(root, "policies", &list) ||
		!texts_read(list, a, texts, COUNT_OF(texts), &count))
		return err_set(e, ERR_CORRUPT, "the policy that is kept is damaged");
	kind = policies_join(&parties, texts, count, &p, e);
	return kind == OK ? intel_policy_set(i, p, self, e) : kind;
}

/* Nothing to be asked is nothing to be given. */
static void nothing_leaves(struct intel *i)
{
	pthread_rwlock_wrlock(&i->policy_lock);
	i->in_force = true;
	i->expires_us = INT64_MIN;
	i->generation++;
	pthread_rwlock_unlock(&i->policy_lock);
}

void release_policy_load(struct intel *i)
{
	struct arena *a = arena_new(2 * KEPT_BYTES);
	struct json_parser *parser = json_parser_new(KEPT_BYTES);
	struct store_reader *r = NULL;
	struct buf kept = BUF_INIT;
	struct json_doc doc;
	bool found = false;
	struct err e;
	enum err_kind kind = a == NULL || parser == NULL ? ERR_NOMEM : OK;

	if (kind == OK)
		kind = store_reader_take(i->store, &r, &e);
	if (kind == OK)
		kind = store_original_get(r, KEPT_KIND, KEPT_KEY, &kept, &found, &e);
	store_reader_give(r);
	if (kind == OK && found)
		kind = json_parse(parser, buf_slice(&kept), &doc, &e);
	if (kind == OK && found)
		kind = kept_read(i, json_root(&doc), a, &e);
	if (kind != OK)
		nothing_leaves(i);
	buf_fini(&kept);
	json_parser_free(parser);
	arena_free(a);
}
