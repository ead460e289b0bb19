/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Until when what was received may be kept (docs/policy.md, "Retention"). The policy in force is
 * asked what its sender was asked when it left: may this member's object go to us? The obligation
 * of that answer counts from the arrival here. Some rows in each idle second; all of them again
 * when another policy is in force.
 */
#include <stdlib.h>

#include "release.h"

#define RETAIN_STEP 4000 /* rows in one go: 20 ms, and one transaction */
#define RETAIN_NOTE "intel/retain"
#define DIGEST_TEXT (2 * SHA256_LEN)
#define FROM_PEER   "member/" /* before the name of who it came from over the coalition */

struct pass {
	struct intel *intel;
	struct store_reader *reader;
	struct arena *arena;
	struct store_due *list;
	size_t count;
	int64_t last;
	bool at_end;
	char digest[DIGEST_TEXT + 1];
};

static bool everything(void *context, const struct store_row *row)
{
	(void)context;
	(void)row;
	return true;
}

/* Whose a row is, by its name in the policy; empty: our own, or nobody's that the policy knows. */
static enum err_kind sender_of(
	struct pass *p, int64_t member, struct slice *ret_sender, struct err *e)
{
	struct store_account account;
	bool found = false;
	struct slice name;
	enum err_kind kind = store_member_get(p->reader, member, p->arena, &name, e);

	*ret_sender = (struct slice){0};
	if (kind != OK)
		return kind;
	if (slice_starts(name, SLICE(FROM_PEER))) {
		*ret_sender = slice_cut(name, sizeof(FROM_PEER) - 1, name.len);
		return OK;
	}
	if (slice_is(name, "self"))
		return OK;
	kind = store_account_get(p->intel->store, name, p->arena, &account, &found, e);
	if (kind == OK && found)
		*ret_sender = account.member;
	return kind;
}

static enum err_kind row_look(struct pass *p, const struct store_row *row, struct err *e)
{
	struct intel *i = p->intel;
	struct store_due *d = &p->list[p->count];
	struct policy_duties duties = {0};
	struct release_marking marking;
	struct traits traits;
	struct slice sender, rule = {0};
	bool traits_known = release_traits_of(p->reader, row->traits, &traits), permitted;
	struct release_facts facts = {.marking = &marking,
		.traits = traits_known ? &traits : NULL,
		.own = true,
		.age_days = release_age_days(row, row->date_added_us)};
	enum err_kind kind = sender_of(p, row->member, &sender, e);

	if (kind != OK || sender.len == 0)
		return kind;
	release_marking_of(i, p->reader, row->label, &marking);
	pthread_rwlock_rdlock(&i->policy_lock);
	permitted =
		i->policy != NULL && release_retention(&i->ready, sender, &facts, &duties, &rule);
	if (permitted)
		rule = arena_copy(p->arena, rule);
	pthread_rwlock_unlock(&i->policy_lock);
	/* What no rule lets come keeps the time that it had when one did. */
	if (!permitted)
		return OK;
	*d = (struct store_due){.number = row->serial, .rule = rule};
	if (duties.retain_days > 0)
		d->at_us = row->date_added_us + duties.retain_days * DAY_US;
	p->count++;
	return OK;
}

static enum err_kind rows_look(struct pass *p, struct err *e)
{
	const struct store_audience us = {everything, NULL};
	struct store_cursor *c = NULL;
	enum err_kind kind = store_all_open(p->reader, p->last, true, us, &c, e);

	for (size_t looked = 0; kind == OK && looked < RETAIN_STEP; looked++) {
		struct store_row row;
		bool more;

		kind = store_cursor_next(c, &row, &more, e);
		if (kind != OK)
			break;
		if (!more) {
			p->at_end = true;
			break;
		}
		kind = row_look(p, &row, e);
		if (kind == OK)
			p->last = row.serial;
	}
	store_cursor_free(c);
	return kind;
}

/* "DIGEST SERIAL" of the policy and the row that the pass has reached. */
static enum err_kind place_get(struct pass *p, struct err *e)
{
	struct buf value = BUF_INIT;
	struct slice rest, digest, place;
	uint64_t serial;
	bool found;
	enum err_kind kind = store_note_get(p->intel->store, SLICE(RETAIN_NOTE), &value, &found, e);

	rest = buf_slice(&value);
	if (kind == OK && found && slice_next(&rest, ' ', &digest) &&
		slice_next(&rest, ' ', &place) && slice_is(digest, p->digest) &&
		slice_to_u64(place, &serial) && serial < INT64_MAX)
		p->last = (int64_t)serial;
	buf_fini(&value);
	return kind;
}

enum err_kind release_retain_step(struct intel *i, struct err *e)
{
	struct intel_policy_state state = intel_policy_get(i);
	struct pass p = {.intel = i};
	struct buf value = BUF_INIT;
	int64_t before;
	struct store_note note = {.key = SLICE(RETAIN_NOTE)};
	enum err_kind kind;

	if (!state.in_force || state.expired)
		return OK; /* what was worked out stays */
	for (size_t k = 0; k < SHA256_LEN; k++)
		snprintf(p.digest + 2 * k, 3, "%02x", state.digest[k]);
	kind = place_get(&p, e);
	before = p.last;
	if (kind == OK) {
		p.arena = arena_new(MIB(16));
		p.list = calloc(RETAIN_STEP, sizeof(*p.list));
		if (p.arena == NULL || p.list == NULL)
			kind = err_set(e, ERR_NOMEM, "out of memory");
	}
	if (kind == OK)
		kind = store_reader_take(i->store, &p.reader, e);
	if (kind == OK)
		kind = rows_look(&p, e);
	store_reader_give(p.reader);
	if (kind == OK && p.last != before) {
		buf_printf(&value, "%s %lld", p.digest, (long long)p.last);
		note.value = buf_slice(&value);
		kind = value.bad ? err_set(e, ERR_NOMEM, "out of memory")
				 : store_due_put(i->store, p.list, p.count, &note, 1, e);
	}
	buf_fini(&value);
	free(p.list);
	arena_free(p.arena);
	return kind;
}

/* ---- what the store refused ------------------------------------------------------------------ */

bool intel_keep_least(struct intel *i, struct intel_keep *ret_keep)
{
	struct intel_policy_state state = intel_policy_get(i);
	struct intel_keep keep = {0};
	bool known = state.in_force && !state.expired;
	int rule;

	if (!known)
		return false;
	pthread_rwlock_rdlock(&i->policy_lock);
	known = i->policy != NULL;
	if (known)
		keep.days = policy_retain_least(i->ready.policy, i->ready.self_number, &rule);
	if (known && keep.days > 0)
		snprintf(keep.rule, sizeof(keep.rule), "%.*s",
			SLICE_ARG(policy_rule_id(i->ready.policy, rule)));
	pthread_rwlock_unlock(&i->policy_lock);
	if (keep.days < 0)
		keep.days = 0;
	memcpy(keep.policy, state.digest, SHA256_LEN);
	if (known)
		*ret_keep = keep;
	return known;
}

/* ---- what is due ----------------------------------------------------------------------------- */

#define EXPIRE_STEP 500 /* versions in one transaction: 0.3 s of the writer's time */

struct expiring {
	struct intel *intel;
	struct store_reader *reader;
	struct arena *arena;
	struct store_deleted *list;
	size_t count;
	int64_t now_us;
	uint8_t policy[SHA256_LEN];
};

static bool due_take(void *context, const struct store_due *due)
{
	struct expiring *x = context;
	struct store_deleted *d = &x->list[x->count++];

	*d = (struct store_deleted){.at_us = x->now_us,
		.number = due->number,
		.due_us = due->at_us,
		.rule = arena_copy(x->arena, due->rule)};
	memcpy(d->policy, x->policy, SHA256_LEN);
	return x->count < EXPIRE_STEP;
}

/* From whom: as long as it is here. */
static void senders_fill(struct expiring *x)
{
	for (size_t i = 0; i < x->count; i++) {
		struct store_deleted *d = &x->list[i];
		int64_t serial, added;
		uint64_t index;
		bool found;

		if (store_vouched_get(x->reader, d->number, &serial, &found, NULL) == OK && found)
			(void)!store_origin_get(
				x->reader, serial, x->arena, &d->member, &index, &added, NULL);
	}
}

/* What another member vouches for is still here, now as that one's, and gets its time: the pass
 * goes over it again. */
static enum err_kind look_again(struct expiring *x, struct err *e)
{
	struct buf value = BUF_INIT;
	bool any = false;
	enum err_kind kind = store_reader_take(x->intel->store, &x->reader, e);

	if (kind != OK)
		return kind;
	for (size_t i = 0; i < x->count && kind == OK; i++) {
		bool found = false;

		kind = store_get_serial(x->reader, x->list[i].number, &value, &found, e);
		any = any || (kind == OK && found);
	}
	store_reader_give(x->reader);
	if (kind == OK && any)
		kind = store_notes_put(
			x->intel->store, &(struct store_note){SLICE(RETAIN_NOTE), {0}}, 1, e);
	buf_fini(&value);
	return kind;
}

enum err_kind release_expire_step(struct intel *i, struct err *e)
{
	struct expiring x = {.intel = i, .now_us = world_now(i->world)};
	struct intel_policy_state state = intel_policy_get(i);
	enum err_kind kind = store_reader_take(i->store, &x.reader, e);

	if (kind != OK)
		return kind;
	memcpy(x.policy, state.digest, SHA256_LEN);
	x.arena = arena_new(MIB(4));
	x.list = calloc(EXPIRE_STEP, sizeof(*x.list));
	if (x.arena == NULL || x.list == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	if (kind == OK)
		kind = store_due_each(x.reader, x.now_us + INTEL_RETAIN_LEAD_US, due_take, &x, e);
	if (kind == OK)
		senders_fill(&x);
	store_reader_give(x.reader);
	if (kind == OK && x.count > 0)
		kind = store_expire(i->store, x.list, x.count, e);
	if (kind == OK && x.count > 0)
		kind = look_again(&x, e);
	free(x.list);
	arena_free(x.arena);
	return kind;
}
