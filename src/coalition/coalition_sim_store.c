/* SPDX-License-Identifier: MPL-2.0 */
/* What a simulated member keeps, and the door through which its coalition sees that. */
#include <stdlib.h>

#include "coalition_sim_inside.h"
#include "sink_none.h"

static unsigned member_number(struct sim *s, struct slice name)
{
	for (unsigned i = 0; i < s->options->members; i++) {
		if (slice_is(name, s->members[i].name))
			return i;
	}
	return SIM_MEMBERS_MAX;
}

/* "object ORIGIN NUMBER MASK" */
static uint64_t mask_of(struct slice content)
{
	struct slice rest = content, part = {0};
	uint64_t mask = 0;

	for (int i = 0; i < 4; i++) {
		if (!slice_next(&rest, ' ', &part))
			return 0;
	}
	slice_to_u64(part, &mask);
	return mask;
}

uint64_t sim_store_add(struct sim_store *st, struct slice content, struct slice origin, bool own)
{
	struct sim_object *o;

	for (size_t i = 0; i < st->count && !own; i++) {
		if (!st->objects[i].forgotten &&
			slice_equal((struct slice){st->objects[i].content, st->objects[i].len},
				content))
			return i + 1;
	}
	if (st->count == st->capacity) {
		st->capacity = st->capacity * 2 + 64;
		st->objects = realloc(st->objects, st->capacity * sizeof(*st->objects));
	}
	o = &st->objects[st->count++];
	*o = (struct sim_object){.len = content.len, .own = own, .mask = mask_of(content)};
	o->content = malloc(content.len + 1);
	memcpy(o->content, content.data, content.len);
	memcpy(o->origin, origin.data, origin.len);
	return st->count;
}

void sim_store_clear(struct sim_store *st)
{
	for (size_t i = 0; i < st->count; i++)
		free(st->objects[i].content);
	free(st->objects);
	free(st->last);
	*st = (struct sim_store){0};
}

void sim_store_copy(struct sim_store *to, const struct sim_store *from)
{
	sim_store_clear(to);
	for (size_t i = 0; i < from->count; i++) {
		const struct sim_object *o = &from->objects[i];
		uint64_t serial = sim_store_add(
			to, (struct slice){o->content, o->len}, slice_of(o->origin), true);

		to->objects[serial - 1].own = o->own;
		to->objects[serial - 1].forgotten = o->forgotten;
	}
	if (from->last != NULL) {
		to->last = calloc(SIM_MEMBERS_MAX, sizeof(*to->last));
		memcpy(to->last, from->last, SIM_MEMBERS_MAX * sizeof(*to->last));
	}
}

static enum err_kind sink_own_after(void *context, uint64_t after, size_t max, struct arena *a,
	struct coalition_own **ret_own, size_t *ret_count, struct err *e)
{
	struct face *f = context;
	uint64_t all = (UINT64_C(1) << f->sim->options->members) - 1;
	struct coalition_own *own = ARENA_ARRAY(a, struct coalition_own, max);
	size_t count = 0;

	if (own == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (uint64_t i = after; i < f->store.count && count < max; i++) {
		const struct sim_object *o = &f->store.objects[i];

		if (o->own && !o->forgotten)
			own[count++] = (struct coalition_own){
				i + 1, {o->content, o->len},
                                   o->mask == all
                        };
	}
	*ret_own = own;
	*ret_count = count;
	return OK;
}

static enum err_kind sink_accept(void *context, struct slice origin, const uint64_t *indices,
	const struct slice *contents, size_t count, uint64_t *ret_serials, struct err *e)
{
	struct face *f = context;
	unsigned from = member_number(f->sim, origin);

	(void)e;
	if (f->store.last == NULL)
		f->store.last = calloc(SIM_MEMBERS_MAX, sizeof(*f->store.last));
	f->store.last[from].count = 0;
	for (size_t i = 0; i < count; i++) {
		size_t before = f->store.count;
		/* Now and then a content is none for the store; the log keeps it. */
		bool refused = slice_find_text(contents[i], SLICE("unfit")) < contents[i].len;

		ret_serials[i] = refused ? 0 : sim_store_add(&f->store, contents[i], origin, false);
		if (f->store.count > before) {
			size_t at = f->store.last[from].count++;

			f->store.last[from].indices[at] = indices[i];
			f->store.last[from].serials[at] = ret_serials[i];
		}
		f->sim->result.openings++;
	}
	return OK;
}

static enum err_kind sink_accepted(void *context, struct slice origin, struct arena *a,
	uint64_t **ret_indices, uint64_t **ret_serials, size_t *ret_count, struct err *e)
{
	struct face *f = context;
	unsigned from = member_number(f->sim, origin);

	(void)a;
	(void)e;
	*ret_count = f->store.last == NULL ? 0 : f->store.last[from].count;
	*ret_indices = f->store.last == NULL ? NULL : f->store.last[from].indices;
	*ret_serials = f->store.last == NULL ? NULL : f->store.last[from].serials;
	return OK;
}

static enum err_kind sink_content(
	void *context, uint64_t serial, struct buf *out, bool *ret_found, struct err *e)
{
	struct face *f = context;
	const struct sim_object *o;

	(void)e;
	*ret_found =
		serial >= 1 && serial <= f->store.count && !f->store.objects[serial - 1].forgotten;
	if (*ret_found) {
		o = &f->store.objects[serial - 1];
		buf_append(out, o->content, o->len);
	}
	return OK;
}

static enum err_kind sink_may(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, bool *ret_may, struct err *e)
{
	struct face *f = context;
	unsigned to = member_number(f->sim, member);

	(void)origin;
	(void)e;
	for (size_t i = 0; i < count; i++) {
		const struct sim_object *o = &f->store.objects[serials[i] - 1];

		/* No policy, no release; then as the object says. */
		ret_may[i] = f->policy > 0 && !o->forgotten && (o->mask >> to & 1) != 0;
		if (f->sim->options->fault == SIM_LEAKS && serials[i] % 7 == 0)
			ret_may[i] = true;
	}
	return OK;
}

static enum err_kind sink_forget(void *context, uint64_t serial, struct err *e)
{
	struct face *f = context;

	(void)e;
	if (serial >= 1 && serial <= f->store.count)
		f->store.objects[serial - 1].forgotten = true;
	return OK;
}

static enum err_kind sink_in_force(void *context, const struct charter *charter,
	const struct decision *decision, struct err *e)
{
	struct face *f = context;

	(void)charter;
	(void)e;
	f->policy = decision->sequence;
	memcpy(f->policy_digest, decision->digest, SHA256_LEN);
	if (decision->sequence < SIM_DECISIONS_MAX)
		memcpy(&f->seen[decision->sequence], decision->digest, sizeof(f->seen[0]));
	return OK;
}

static uint64_t sink_epoch(void *context)
{
	return ((struct face *)context)->policy + 1;
}

struct coalition_sink sim_sink_of(struct face *f)
{
	struct coalition_sink sink = sink_none(f);

	sink.own_after = sink_own_after;
	sink.accept = sink_accept;
	sink.accepted = sink_accepted;
	sink.content = sink_content;
	sink.may = sink_may;
	sink.forget = sink_forget;
	sink.in_force = sink_in_force;
	sink.epoch = sink_epoch;
	return sink;
}
