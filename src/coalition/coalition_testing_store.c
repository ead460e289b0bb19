/* SPDX-License-Identifier: MPL-2.0 */
/* A member's store in memory, as a coalition sees one; a content ends in "|MASK" of who may have
 * it. */
#include "coalition_testing.h"

static uint64_t mask_of(struct slice content)
{
	uint64_t mask = BENCH_ALL;
	size_t at = slice_find(content, '|', 0);

	if (at < content.len)
		slice_to_u64(slice_cut(content, at + 1, content.len), &mask);
	return mask;
}

static uint64_t store_add(
	struct node_store *st, struct slice content, struct slice origin, bool own)
{
	struct node_object *o;

	for (size_t i = 0; i < st->count && !own; i++) {
		if (!st->objects[i].forgotten &&
			slice_equal((struct slice){st->objects[i].content, st->objects[i].len},
				content))
			return i + 1;
	}
	st->objects = realloc(st->objects, (st->count + 1) * sizeof(*st->objects));
	assert_non_null(st->objects);
	o = &st->objects[st->count++];
	*o = (struct node_object){.len = content.len, .own = own, .mask = mask_of(content)};
	o->content = malloc(content.len + 1);
	assert_non_null(o->content);
	memcpy(o->content, content.data, content.len);
	o->content[content.len] = '\0';
	memcpy(o->origin, origin.data, origin.len);
	return st->count;
}

static enum err_kind sink_own_after(void *context, uint64_t after, size_t max, struct arena *a,
	struct coalition_own **ret_own, size_t *ret_count, struct err *e)
{
	struct node *n = context;
	struct coalition_own *own = ARENA_ARRAY(a, struct coalition_own, max);
	size_t count = 0;

	if (own == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (uint64_t i = after; i < n->store.count && count < max; i++) {
		const struct node_object *o = &n->store.objects[i];

		if (!o->own || o->forgotten)
			continue;
		own[count].serial = i + 1;
		own[count].content = (struct slice){o->content, o->len};
		own[count++].for_all = o->mask == BENCH_ALL;
	}
	*ret_own = own;
	*ret_count = count;
	return OK;
}

static unsigned member_of(const struct bench *b, struct slice name)
{
	for (unsigned i = 0; i < b->count; i++) {
		if (slice_is(name, b->rows[i].name))
			return i;
	}
	return BENCH_MEMBERS;
}

static enum err_kind sink_accept(void *context, struct slice origin, const uint64_t *indices,
	const struct slice *contents, size_t count, uint64_t *ret_serials, struct err *e)
{
	struct node *n = context;
	unsigned from = member_of(n->bench, origin);

	(void)e;
	assert_true(from < BENCH_MEMBERS);
	n->store.last[from].count = 0;
	for (size_t i = 0; i < count; i++) {
		size_t before = n->store.count;
		bool unfit = slice_starts(contents[i], SLICE("unfit"));

		n->store.reached++;
		ret_serials[i] = unfit ? 0 : store_add(&n->store, contents[i], origin, false);
		if (n->store.count > before && n->store.last[from].count < 64) {
			size_t at = n->store.last[from].count++;

			n->store.last[from].indices[at] = indices[i];
			n->store.last[from].serials[at] = ret_serials[i];
		}
	}
	return OK;
}

static enum err_kind sink_accepted(void *context, struct slice origin, struct arena *a,
	uint64_t **ret_indices, uint64_t **ret_serials, size_t *ret_count, struct err *e)
{
	struct node *n = context;
	unsigned from = member_of(n->bench, origin);

	(void)a;
	(void)e;
	*ret_count = from < BENCH_MEMBERS ? n->store.last[from].count : 0;
	*ret_indices = from < BENCH_MEMBERS ? n->store.last[from].indices : NULL;
	*ret_serials = from < BENCH_MEMBERS ? n->store.last[from].serials : NULL;
	return OK;
}

static enum err_kind sink_content(
	void *context, uint64_t serial, struct buf *out, bool *ret_found, struct err *e)
{
	struct node *n = context;

	(void)e;
	*ret_found =
		serial >= 1 && serial <= n->store.count && !n->store.objects[serial - 1].forgotten;
	if (*ret_found)
		buf_append(out, n->store.objects[serial - 1].content,
			n->store.objects[serial - 1].len);
	return OK;
}

static enum err_kind sink_may(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, bool *ret_may, struct err *e)
{
	struct node *n = context;
	unsigned to = member_of(n->bench, member);

	(void)origin;
	(void)e;
	for (size_t i = 0; i < count; i++) {
		const struct node_object *o;

		assert_true(serials[i] >= 1 && serials[i] <= n->store.count);
		o = &n->store.objects[serials[i] - 1];
		ret_may[i] = n->releases_all || (n->policy > 0 && !o->forgotten &&
							to < BENCH_MEMBERS && (o->mask >> to & 1));
	}
	return OK;
}

static enum err_kind sink_released(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, struct err *e)
{
	(void)member;
	(void)origin;
	(void)serials;
	(void)e;
	((struct node *)context)->store.released += count;
	return OK;
}

static enum err_kind sink_forget(void *context, uint64_t serial, struct err *e)
{
	struct node *n = context;

	(void)e;
	if (serial >= 1 && serial <= n->store.count)
		n->store.objects[serial - 1].forgotten = true;
	return OK;
}

static enum err_kind sink_in_force(void *context, const struct charter *charter,
	const struct decision *decision, struct err *e)
{
	struct node *n = context;

	(void)charter;
	n->entered++;
	if (slice_starts(decision->content, SLICE("unenforceable")))
		return err_set(e, ERR_INVALID, "this policy cannot be enforced here");
	if (slice_is(decision->kind, "policy"))
		n->policy = decision->sequence;
	return OK;
}

static uint64_t sink_epoch(void *context)
{
	return ((const struct node *)context)->policy + 1;
}

uint64_t node_add(struct node *n, const char *text, uint64_t mask)
{
	char content[2048];
	int len = mask == BENCH_ALL ? snprintf(content, sizeof(content), "%s", text)
				    : snprintf(content, sizeof(content), "%s|%llu", text,
					      (unsigned long long)mask);

	return store_add(&n->store, (struct slice){content, (size_t)len}, node_name(n), true);
}

const struct node_object *node_holds(const struct node *n, const char *text)
{
	for (size_t i = 0; i < n->store.count; i++) {
		const struct node_object *o = &n->store.objects[i];

		if (!o->forgotten &&
			slice_starts((struct slice){o->content, o->len}, slice_of(text)))
			return o;
	}
	return NULL;
}

void node_store_copy(struct node_store *to, const struct node_store *from)
{
	*to = *from;
	to->objects = calloc(from->count + 1, sizeof(*to->objects));
	assert_non_null(to->objects);
	for (size_t i = 0; i < from->count; i++) {
		to->objects[i] = from->objects[i];
		to->objects[i].content = malloc(from->objects[i].len + 1);
		assert_non_null(to->objects[i].content);
		memcpy(to->objects[i].content, from->objects[i].content, from->objects[i].len + 1);
	}
}

static enum err_kind sink_keep(
	void *context, struct slice member, struct coalition_keep *ret_keep, struct err *e)
{
	const struct node *n = context;

	(void)member;
	(void)e;
	*ret_keep = (struct coalition_keep){.us = n->keep_us, .rule = "kept"};
	return OK;
}

static enum err_kind sink_expired(void *context, struct slice member,
	const struct coalition_keep *keep, const struct coalition_held *list, size_t count,
	struct err *e)
{
	struct node *n = context;

	(void)e;
	assert_true(count > 0 && count <= EXPIRE_ERASED);
	for (size_t i = 0; i < count; i++)
		buf_printf(&n->expired, "%.*s:%llu %s %lld;", SLICE_ARG(member),
			(unsigned long long)list[i].index, keep->rule,
			(long long)((list[i].arrived_us + keep->us - n->bench->now_us) /
				    (60 * US_PER_SECOND)));
	return OK;
}

struct coalition_sink node_sink_of(struct node *n)
{
	return (struct coalition_sink){sink_own_after, sink_accept, sink_accepted, sink_content,
		sink_may, sink_released, sink_forget, sink_in_force, sink_epoch, n,
		.keep = sink_keep, .expired = sink_expired};
}
