/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What each member holds, by hand; and its sink, watched: whatever it takes in, gives out or
 * forgets goes into the reading by hand, and on its way leaks are planted.
 */
#include "release_league.h"

/* ---- the reading by hand, kept up to date ---------------------------------------------------- */

struct version *held(struct party *p, unsigned item)
{
	const struct item *it = &p->league->items[item];

	return &p->view.things[it->thing].versions[it->slot];
}

unsigned item_of(const struct league *l, struct slice text)
{
	for (unsigned i = 0; i < l->items_count; i++)
		if (slice_equal(buf_slice(&l->items[i].text), text))
			return i;
	broken("a text that nobody made");
}

bool is_definition(const struct item *it)
{
	return it->thing >= THINGS;
}

enum intel_outcome outcome_of(struct party *p, unsigned item)
{
	const struct item *it = &p->league->items[item];
	const struct thing *thing = &p->view.things[it->thing];

	if (held(p, item)->here)
		return INTEL_KNOWN;
	for (unsigned n = 0; n < VERSIONS_MAX; n++)
		if (thing->versions[n].here &&
			thing->versions[n].modified_us == it->version.modified_us)
			return INTEL_CONFLICT;
	return INTEL_NEW;
}

/* It came, in whatever way, and became what `outcome` says. */
void arrive(struct party *p, unsigned item, enum intel_outcome outcome, bool own, int64_t serial)
{
	const struct item *it = &p->league->items[item];
	struct version *v = held(p, item);
	unsigned k = it->thing - THINGS;

	if (outcome == INTEL_NEW) {
		*v = it->version;
		v->here = true;
		p->row_dropped[item] = false;
		v->own = own;
		v->serial = serial;
		v->added_us = p->league->clock.now_us;
	}
	if (!is_definition(it) || outcome == INTEL_KNOWN)
		return;
	if (k < DEFINITIONS) {
		struct definition *d = &p->view.definitions[k];
		bool doubted = d->here;

		*d = it->definition;
		d->here = true;
		d->doubted = doubted;
	} else if (k == DEFINITIONS) {
		p->view.statement_here = true;
	} else {
		p->view.extension_here = true;
	}
}

/* Is this leaf's content here, under the serial that it came with? */
bool holds(struct party *p, unsigned log, uint64_t index)
{
	const struct version *v = held(p, p->league->leaf_items[log][index] - 1);

	return p->serials[log][index] != 0 && !p->dropped[log][index] && v->here &&
	       v->serial == p->serials[log][index];
}

/* May it give this leaf's content, as it stands? */
bool may_give(struct party *giver, unsigned to, unsigned log, uint64_t index, unsigned with)
{
	const struct recipient r = {.as = AS_PEER, .member = (int)to};
	unsigned item = giver->league->leaf_items[log][index] - 1;
	const struct version *v = held(giver, item);
	int64_t now_us = giver->league->clock.now_us;
	struct says says;

	if (!holds(giver, log, index))
		return false;
	if (giver->ours_to_publish[item] != (log == giver->number))
		return false;
	says = says_of(&giver->view, v, with, now_us);
	return allowed_at(&giver->view, &r, &giver->view.things[giver->league->items[item].thing],
		v, &says, now_us);
}

/* ---- the sink, watched ----------------------------------------------------------------------- */

unsigned member_of(struct slice name)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		if (slice_is(name, members[i]))
			return i;
	broken("a member that there is not");
}

/* The class of a leaf says whether all may have it; nothing else about it leaves. */
static void class_check(struct party *p, const struct coalition_own *own)
{
	unsigned item = item_of(p->league, own->content);
	bool all = true;

	for (unsigned m = 0; m < MEMBERS; m++) {
		const struct recipient r = {.as = AS_PEER, .member = (int)m};
		const struct version *v = held(p, item);

		if (m != p->number)
			all = all &&
			      allowed(&p->view, &r, &p->view.things[p->league->items[item].thing],
				      v, p->league->clock.now_us);
	}
	if (own->for_all != all)
		broken("a leaf says wrongly whether all may have it");
	p->league->classes++;
}

static enum err_kind ours_own_after(void *context, uint64_t after, size_t max, struct arena *a,
	struct coalition_own **ret_own, size_t *ret_count, struct err *e)
{
	struct party *p = context;
	enum err_kind kind =
		p->real.own_after(p->real.context, after, max, a, ret_own, ret_count, e);

	for (size_t i = 0; kind == OK && i < *ret_count; i++)
		class_check(p, &(*ret_own)[i]);
	return kind;
}

static enum err_kind ours_accept(void *context, struct slice origin, const uint64_t *indices,
	const struct slice *contents, size_t count, uint64_t *ret_serials, struct err *e)
{
	struct party *p = context;
	unsigned log = member_of(origin);
	enum err_kind kind =
		p->real.accept(p->real.context, origin, indices, contents, count, ret_serials, e);

	must_be(kind, e, "accept");
	for (size_t i = 0; i < count; i++) {
		unsigned item = item_of(p->league, contents[i]);
		enum intel_outcome outcome = outcome_of(p, item);

		/* For what is here already, word for word, this one vouches too. */
		if ((outcome == INTEL_CONFLICT) != (ret_serials[i] == 0))
			broken("what came was not taken as it should be");
		if (outcome == INTEL_NEW)
			p->ours_to_publish[item] = false;
		arrive(p, item, outcome, false, (int64_t)ret_serials[i]);
		p->serials[log][indices[i]] = (int64_t)ret_serials[i];
		p->arrived[log][indices[i]] = true;
	}
	return OK;
}

static enum err_kind ours_accepted(void *context, struct slice origin, struct arena *a,
	uint64_t **ret_indices, uint64_t **ret_serials, size_t *ret_count, struct err *e)
{
	struct party *p = context;

	return p->real.accepted(p->real.context, origin, a, ret_indices, ret_serials, ret_count, e);
}

static enum err_kind ours_content(
	void *context, uint64_t serial, struct buf *out, bool *ret_found, struct err *e)
{
	struct party *p = context;

	return p->real.content(p->real.context, serial, out, ret_found, e);
}

static uint64_t leaf_of(const struct party *p, unsigned log, uint64_t serial)
{
	for (uint64_t i = 0; i < LEAVES; i++)
		if (p->serials[log][i] == (int64_t)serial)
			return i;
	broken("a serial that is in no log");
}

/* One that must not leave does; rather one that only a reference holds back. */
static void plant(struct party *p, unsigned to, unsigned log, const uint64_t *serials, size_t count,
	bool *may)
{
	size_t found = SIZE_MAX;
	bool by_reference = false;

	for (size_t i = 0; i < count && !by_reference; i++) {
		uint64_t index = leaf_of(p, log, serials[i]);

		if (may[i])
			continue;
		by_reference = may_give(p, to, log, index, WITH_DEFINITIONS);
		if (by_reference || found == SIZE_MAX || chance(20))
			found = i;
	}
	if (found == SIZE_MAX)
		return;
	may[found] = true;
	p->league->through = chance(80);
	if (!p->league->through)
		return;
	p->league->planting_now++;
	p->league->referring_now += by_reference;
}

static enum err_kind ours_may(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, bool *ret_may, struct err *e)
{
	struct party *p = context;
	enum err_kind kind =
		p->real.may(p->real.context, member, origin, serials, count, ret_may, e);

	p->league->through = false;
	if (kind == OK && p->league->planting && chance(30))
		plant(p, member_of(member), member_of(origin), serials, count, ret_may);
	return kind;
}

static enum err_kind ours_released(void *context, struct slice member, struct slice origin,
	const uint64_t *serials, size_t count, struct err *e)
{
	struct party *p = context;

	if (p->league->through)
		return OK;
	return p->real.released(p->real.context, member, origin, serials, count, e);
}

/* It goes when nobody vouches for it. */
static bool vouched(const struct party *p, unsigned item)
{
	if (!p->row_dropped[item])
		return true;
	for (unsigned log = 0; log < MEMBERS; log++)
		for (uint64_t i = 0; i < LEAVES; i++)
			if (p->league->leaf_items[log][i] == item + 1 && p->serials[log][i] != 0 &&
				!p->dropped[log][i])
				return true;
	return false;
}

static enum err_kind ours_forget(void *context, uint64_t serial, struct err *e)
{
	struct party *p = context;

	for (unsigned log = 0; log < MEMBERS; log++)
		for (uint64_t i = 0; i < LEAVES; i++)
			if (p->serials[log][i] == (int64_t)serial)
				p->dropped[log][i] = true;
	for (unsigned i = 0; i < p->league->items_count; i++) {
		if (held(p, i)->here && held(p, i)->serial == (int64_t)serial)
			p->row_dropped[i] = true;
		if (held(p, i)->here)
			held(p, i)->here = vouched(p, i);
	}
	return p->real.forget(p->real.context, serial, e);
}

static bool ours_forgotten(void *context)
{
	struct party *p = context;

	return p->real.forgotten(p->real.context);
}

static enum err_kind ours_in_force(void *context, const struct charter *charter,
	const struct decision *decision, struct err *e)
{
	struct party *p = context;
	const struct made_policy *made = &p->league->policies[decision->sequence - 1];
	enum err_kind kind = p->real.in_force(p->real.context, charter, decision, e);

	must_be(kind, e, "put a policy in force");
	p->policy = decision->sequence;
	p->view.policy = true;
	p->view.expired = made->rules.expired;
	p->view.rules_count = made->rules.rules_count;
	memcpy(p->view.rules, made->rules.rules, sizeof(p->view.rules));
	if (p->overlaid)
		p->view.rules[p->view.rules_count++] = p->overlay;
	return kind;
}

static uint64_t ours_epoch(void *context)
{
	struct party *p = context;

	return p->real.epoch(p->real.context);
}

struct coalition_sink sink_watched(struct party *p)
{
	return (struct coalition_sink){ours_own_after, ours_accept, ours_accepted, ours_content,
		ours_may, ours_released, ours_forget, ours_in_force, ours_epoch, p, ours_forgotten};
}
