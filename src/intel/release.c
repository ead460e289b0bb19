/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The one way out. An object's label is the set of all markings on it and on what it refers to;
 * what they say together (release_marking.c) must not be above what the recipient may have at most.
 * Then the policy in force is asked, once for each pair of label and traits (and age, and origin);
 * what it said is remembered per recipient, until it changes.
 */
#include <stdlib.h>

#include "release.h"

/* The strictest level a recipient may have; see the table at intel_release. */
uint8_t release_limit_of(const struct intel_recipient *to)
{
	enum stix_tlp limit;

	switch (to->reach) {
	case INTEL_OPERATOR:
		return LEVEL_UNKNOWN;
	case INTEL_MEMBER:
		return STIX_TLP_AMBER;
	case INTEL_PEER:
		return STIX_TLP_AMBER_STRICT;
	case INTEL_PUBLIC:
		return STIX_TLP_CLEAR;
	case INTEL_COLLECTION:
		limit = to->account == 0 || slice_is(to->member, "public") ? STIX_TLP_CLEAR
			: to->role == STORE_ADMINISTRATOR                  ? STIX_TLP_AMBER_STRICT
									   : STIX_TLP_AMBER;
		if (to->tlp_max < limit)
			limit = to->tlp_max;
		return (uint8_t)limit;
	default:
		return STIX_TLP_NONE;
	}
}

/* ---- the policy in force --------------------------------------------------------------------- */

/* Is the policy asked for this recipient, when there is one? */
static bool is_asked(const struct intel_recipient *to)
{
	return to->reach != INTEL_OPERATOR &&
	       !(to->reach == INTEL_COLLECTION && to->account != 0 && to->member.len == 0);
}

enum err_kind intel_policy_set(
	struct intel *i, struct policy *policy, struct slice self, struct err *e)
{
	char name[POLICY_NAME_MAX + 1] = "";
	struct release_policy ready = {0};
	struct policy *done_with = policy;
	enum err_kind kind = OK;

	if (policy != NULL) {
		if (self.len == 0 || self.len > POLICY_NAME_MAX)
			kind = err_set(e, ERR_INVALID,
				"a member's name of %zu bytes, expected 1..%d", self.len,
				POLICY_NAME_MAX);
		else
			kind = release_policy_init(&ready, policy, self, e);
	}
	if (kind == OK) {
		if (policy != NULL)
			memcpy(name, self.data, self.len);
		release_log_drain(i); /* rules have names while their policy is here */
		pthread_rwlock_wrlock(&i->policy_lock);
		done_with = i->policy;
		i->policy = policy;
		memcpy(i->self, name, sizeof(name));
		ready.self = slice_of(i->self);
		i->ready = ready;
		i->in_force = policy != NULL;
		i->expires_us = policy != NULL ? ready.facts.expires_us : INT64_MAX;
		i->by_time = policy != NULL && ready.words.ages.count > 1;
		i->generation++;
		pthread_rwlock_unlock(&i->policy_lock);
	}
	policy_free(done_with); /* nobody reads it without the lock */
	return kind;
}

struct intel_policy_state intel_policy_get(struct intel *i)
{
	struct intel_policy_state state = {0};

	pthread_rwlock_rdlock(&i->policy_lock);
	state.generation = i->generation;
	state.in_force = i->in_force;
	state.expired = world_now(i->world) >= i->expires_us;
	if (i->policy != NULL) {
		const struct policy_facts *f = &i->ready.facts;

		snprintf(state.name, sizeof(state.name), "%.*s", SLICE_ARG(f->name));
		memcpy(state.self, i->self, sizeof(state.self));
		state.version = f->version;
		memcpy(state.digest, f->digest, sizeof(state.digest));
		state.expires_us = f->expires_us;
	}
	pthread_rwlock_unlock(&i->policy_lock);
	return state;
}

/* A policy that asks for ages or delays answers differently as time passes; both are counted in
 * hours at least, so a minute late is soon enough. So are the dates in markings, of which only a
 * page that is kept can be so late. */
#define EPOCH_STEP_US INT64_C(60000000)

uint64_t intel_release_epoch(struct intel *i, const struct intel_recipient *to)
{
	int64_t now = world_now(i->world);
	uint64_t epoch = i->generation << 1;
	bool by_time = i->in_force && i->markings_by_time;

	if (is_asked(to) && i->in_force && now >= i->expires_us)
		return epoch | 1;
	if (is_asked(to) && i->in_force)
		by_time = by_time || i->by_time;
	return by_time ? epoch ^ (uint64_t)(now / EPOCH_STEP_US) << 24 : epoch;
}

/* ---- what is known of a row ------------------------------------------------------------------ */

/*
 * Own is what our own people brought in: as "self", under our name in the policy, or by an account
 * that is nobody else's. Everything else was received, and so is what we cannot find out.
 */
bool release_is_own(struct intel *i, struct store_reader *r, int64_t member, struct slice self)
{
	struct arena *a = arena_new(KIB(64));
	struct store_account account;
	struct slice name;
	bool found = false, own = false;

	if (a == NULL)
		return false;
	if (store_member_get(r, member, a, &name, NULL) == OK && name.len > 0) {
		if (slice_is(name, "self") || (self.len > 0 && slice_equal(name, self)))
			own = true;
		else if (store_account_get(i->store, name, a, &account, &found, NULL) == OK &&
			 found)
			own = account.member.len == 0 ||
			      (self.len > 0 && slice_equal(account.member, self));
	}
	arena_free(a);
	return own;
}

static bool origin_of(struct release_context *c, int64_t member)
{
	struct release_origin *o = &c->origins[(uint64_t)member % RELEASE_MEMBERS];

	if (o->member != member || o->epoch != c->access_epoch) {
		struct intel_policy_state state = intel_policy_get(c->intel);

		*o = (struct release_origin){member, c->access_epoch,
			release_is_own(c->intel, c->reader, member, slice_of(state.self))};
	}
	return o->own;
}

bool release_traits_of(struct store_reader *r, uint32_t number, struct traits *ret_traits)
{
	struct slice text;

	return number != 0 && store_traits_get(r, number, &text, NULL) == OK &&
	       traits_parse(text, ret_traits);
}

/* ---- decisions ------------------------------------------------------------------------------- */

/* Forget what was decided by another policy. The cuts of ages are the policy's, too. */
static void context_renew(struct release_context *c)
{
	struct intel *i = c->intel;

	if (c->generation == i->generation)
		return;
	pthread_rwlock_rdlock(&i->policy_lock);
	c->generation = i->generation;
	c->ages = i->ready.words.ages;
	c->ours = c->to.reach == INTEL_COLLECTION && i->self[0] != '\0' &&
		  slice_is(c->to.member, i->self);
	pthread_rwlock_unlock(&i->policy_lock);
	memset(c->origins, 0, sizeof(c->origins)); /* our own name may be another */
	memset(c->slots, 0, RELEASE_SLOTS * sizeof(*c->slots));
}

/* One decision from the beginning. False: no policy is in force. */
static bool decide(struct release_context *c, const struct store_row *row, int64_t now_us, bool own,
	struct release_marking *ret_marking, struct release_decision *ret_decision)
{
	struct intel *i = c->intel;
	struct release_facts facts = {
		.marking = ret_marking,
		.own = own,
		.age_days = release_age_days(row, now_us),
	};
	struct traits traits;
	bool in_force;

	release_marking_of(i, c->reader, row->label, ret_marking);
	if (release_traits_of(c->reader, row->traits, &traits))
		facts.traits = &traits;
	pthread_rwlock_rdlock(&i->policy_lock);
	in_force = i->policy != NULL;
	if (in_force) {
		struct release_asker asker = release_asker_of(&i->ready, &c->to);

		release_decide(&i->ready, &asker, &facts, ret_decision);
	}
	pthread_rwlock_unlock(&i->policy_lock);
	return in_force;
}

/*
 * The decision about a row, made or remembered; with the epoch of labels that the reader sees.
 * NULL: no policy is in force.
 */
static const struct release_slot *slot_of(
	struct release_context *c, const struct store_row *row, int64_t now_us)
{
	struct release_slot key = {.label = row->label,
		.traits = row->traits,
		.epoch = (uint32_t)store_reader_label_epoch(c->reader),
		.used = true,
		.own = origin_of(c, row->member),
		.interval = (uint8_t)release_age_interval(&c->ages, release_age_days(row, now_us))};
	uint32_t hash = (key.label * UINT32_C(0x9e3779b9)) ^ (key.traits * UINT32_C(0x85ebca6b)) ^
			(key.interval * UINT32_C(0xc2b2ae35)) ^ key.own;
	struct release_slot *slot = &c->slots[(hash >> 16 ^ hash) % RELEASE_SLOTS];
	struct release_decision decision;
	struct release_marking marking;

	if (slot->used && now_us < slot->changes_us && slot->label == key.label &&
		slot->traits == key.traits && slot->epoch == key.epoch && slot->own == key.own &&
		slot->interval == key.interval)
		return slot;
	if (!decide(c, row, now_us, key.own, &marking, &decision))
		return NULL;
	key.allowed = decision.allowed;
	key.rule = decision.rule;
	key.delay_hours = decision.delay_hours;
	key.changes_us = marking.says.changes_us;
	if (key.delay_hours > 0)
		c->intel->by_time = true;
	*slot = key;
	return slot;
}

/* The policy may have gone since the level was asked for, and with it what only a policy reads; and
 * another may have come. */
static bool without_policy(const struct release_context *c, const struct store_row *row)
{
	return c->to.reach != INTEL_PEER &&
	       release_level_alone(c->intel, c->reader, row->label) <= c->limit;
}

static bool row_may(struct release_context *c, const struct store_row *row)
{
	struct intel *i = c->intel;
	const struct release_slot *slot;
	int64_t now;

	if (release_level(i, c->reader, row->label) > c->limit)
		return false;
	if (!c->asks)
		return true;
	if (!i->in_force)
		return without_policy(c, row);
	context_renew(c);
	if (c->ours)
		return true;
	now = world_now(i->world);
	if (now >= i->expires_us)
		return false;
	slot = slot_of(c, row, now);
	if (slot == NULL) /* gone in this moment */
		return without_policy(c, row);
	return slot->allowed && release_is_due(row, now, slot->delay_hours);
}

bool intel_release(struct intel *i, struct store_reader *r, const struct intel_recipient *to,
	const struct store_row *row)
{
	struct release_context *c = release_context_get(i, r, to);

	if (c == NULL)
		return false;
	c->access_epoch = store_access_epoch(i->store);
	return row_may(c, row);
}

static bool audience_may(void *context, const struct store_row *row)
{
	struct release_context *c = context;

	if (row_may(c, row))
		return true;
	c->withheld++;
	return false;
}

static bool audience_nobody(void *context, const struct store_row *row)
{
	(void)context;
	(void)row;
	return false;
}

/* ---- who asks through which reader ----------------------------------------------------------- */

/* Are they the same to whoever decides? Which account it is, is not. */
static bool same_recipient(const struct intel_recipient *a, const struct intel_recipient *b)
{
	return a->reach == b->reach && (a->account == 0) == (b->account == 0) &&
	       a->role == b->role && a->tlp_max == b->tlp_max &&
	       slice_equal(a->member, b->member) && slice_equal(a->purpose, b->purpose) &&
	       a->request_open == b->request_open && a->legal_basis == b->legal_basis &&
	       a->approvals == b->approvals;
}

static size_t context_place(
	const struct intel *i, const struct store_reader *r, const struct intel_recipient *to)
{
	uintptr_t hash = (uintptr_t)r >> 4;
	size_t at;

	hash = hash * 31 + to->reach;
	hash = hash * 31 + to->role * 8 + to->tlp_max;
	for (size_t k = 0; k < to->member.len; k++)
		hash = hash * 31 + (uint8_t)to->member.data[k];
	at = (hash ^ hash >> 17) % COUNT_OF(i->contexts);
	while (i->contexts[at] != NULL &&
		(i->contexts[at]->reader != r || !same_recipient(&i->contexts[at]->to, to)))
		at = (at + 1) % COUNT_OF(i->contexts);
	return at;
}

static struct release_context *context_new(
	struct intel *i, struct store_reader *r, const struct intel_recipient *to)
{
	struct release_context *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	*c = (struct release_context){.intel = i,
		.reader = r,
		.to = *to,
		.limit = release_limit_of(to),
		.asks = is_asked(to)};
	if (to->member.len > 0)
		memcpy(c->texts, to->member.data, to->member.len);
	if (to->purpose.len > 0)
		memcpy(c->texts + POLICY_NAME_MAX, to->purpose.data, to->purpose.len);
	c->to.member = (struct slice){c->texts, to->member.len};
	c->to.purpose = (struct slice){c->texts + POLICY_NAME_MAX, to->purpose.len};
	if (c->asks) {
		c->slots = calloc(RELEASE_SLOTS, sizeof(*c->slots));
		if (c->slots == NULL) {
			free(c);
			return NULL;
		}
	}
	pthread_mutex_init(&c->passed_lock, NULL);
	return c;
}

struct release_context *release_context_get(
	struct intel *i, struct store_reader *r, const struct intel_recipient *to)
{
	struct release_context *found;
	size_t at;

	if (to->member.len > POLICY_NAME_MAX || to->purpose.len > POLICY_NAME_MAX)
		return NULL;
	pthread_mutex_lock(&i->lock);
	at = context_place(i, r, to);
	found = i->contexts[at];
	if (found == NULL && i->contexts_count < RELEASE_CONTEXTS) {
		found = context_new(i, r, to);
		if (found != NULL) {
			i->contexts[at] = found;
			i->contexts_count++;
		}
	}
	pthread_mutex_unlock(&i->lock);
	return found;
}

void release_context_free(struct release_context *c)
{
	if (c == NULL)
		return;
	pthread_mutex_destroy(&c->passed_lock);
	free(c->slots);
	free(c);
}

static struct store_audience audience_of(
	struct intel *i, struct store_reader *r, const struct intel_recipient *to)
{
	struct release_context *c = release_context_get(i, r, to);

	if (c == NULL)
		return (struct store_audience){audience_nobody, NULL};
	c->withheld = 0;
	c->access_epoch = store_access_epoch(i->store);
	return (struct store_audience){audience_may, c};
}

uint64_t intel_release_withheld(
	struct intel *i, struct store_reader *r, const struct intel_recipient *to)
{
	struct release_context *c = release_context_get(i, r, to);

	return c == NULL ? 0 : c->withheld;
}

/* ---- why ------------------------------------------------------------------------------------- */

static void reason_of_policy(
	struct release_context *c, const struct store_row *row, struct intel_reason *reason)
{
	struct intel *i = c->intel;
	int64_t now = world_now(i->world);
	struct release_marking marking;
	struct release_decision d;

	context_renew(c);
	if (!decide(c, row, now, origin_of(c, row->member), &marking, &d)) {
		reason->asked = c->to.reach == INTEL_PEER || i->in_force;
		reason->permitted = !reason->asked;
		reason->because = i->in_force     ? "the policy that is kept cannot be understood"
				  : reason->asked ? "no policy is in force"
						  : NULL;
		return;
	}
	if (c->ours) {
		reason->permitted = true;
		return;
	}
	reason->asked = true;
	reason->question = d.question;
	reason->duties = d.last.duties;
	reason->rule = d.rule;
	reason->because = d.because;
	reason->permitted = d.allowed;
	if (now >= i->expires_us) {
		reason->permitted = false;
		reason->because = "the policy has expired";
	} else if (d.allowed && !release_is_due(row, now, d.delay_hours)) {
		reason->permitted = false;
		reason->because = "the policy demands a delay that has not passed";
	}
	pthread_rwlock_rdlock(&i->policy_lock);
	if (d.rule >= 0 && i->policy != NULL)
		snprintf(reason->rule_id, sizeof(reason->rule_id), "%.*s",
			SLICE_ARG(policy_rule_id(i->policy, d.rule)));
	pthread_rwlock_unlock(&i->policy_lock);
}

enum err_kind intel_release_explain(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, const struct store_row *row,
	struct intel_reason *ret_reason, struct err *e)
{
	struct release_context *c = release_context_get(i, r, to);
	struct intel_reason reason = {.rule = -1};
	struct release_marking marking;

	if (c == NULL)
		return err_set(e, ERR_LIMIT,
			"no room for another recipient, or its names are "
			"longer than %d bytes",
			POLICY_NAME_MAX);
	c->access_epoch = store_access_epoch(i->store);
	release_marking_of(i, r, row->label, &marking);
	reason.says = marking.says;
	reason.tlp = release_level(i, r, row->label);
	reason.ceiling = c->limit;
	reason.marking = reason.tlp <= c->limit;
	if (c->asks)
		reason_of_policy(c, row, &reason);
	else
		reason.permitted = true;
	reason.released = reason.marking && reason.permitted;
	*ret_reason = reason;
	return OK;
}

int16_t release_rule_of(
	struct release_context *c, const struct store_row *row, uint64_t *ret_generation)
{
	const struct release_slot *slot = NULL;

	*ret_generation = c->generation;
	if (c->asks && c->intel->in_force && !c->ours)
		slot = slot_of(c, row, world_now(c->intel->world));
	return slot != NULL ? slot->rule : -1;
}

/* ---- the doors ------------------------------------------------------------------------------- */

enum err_kind intel_release_page(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, const struct store_page *page,
	struct store_cursor **ret_cursor, struct err *e)
{
	struct store_page asked = *page;

	asked.audience = audience_of(i, r, to);
	return store_page_open(r, &asked, ret_cursor, e);
}

enum err_kind intel_release_search(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, const struct store_search *search,
	struct store_cursor **ret_cursor, struct err *e)
{
	struct store_search asked = *search;

	asked.audience = audience_of(i, r, to);
	return store_search_open(r, &asked, ret_cursor, e);
}

enum err_kind intel_release_versions(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, struct slice type, const struct uuid *uuid,
	struct store_cursor **ret_cursor, struct err *e)
{
	return store_versions_open(r, to->reach == INTEL_COLLECTION ? to->collection : 0, type,
		uuid, audience_of(i, r, to), ret_cursor, e);
}

enum err_kind intel_release_referrers(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, struct slice type, const struct uuid *uuid,
	struct store_cursor **ret_cursor, struct err *e)
{
	return store_referrers_open(r, type, uuid, audience_of(i, r, to), ret_cursor, e);
}

enum err_kind intel_release_all(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, int64_t after_serial, bool every_version,
	struct store_cursor **ret_cursor, struct err *e)
{
	return store_all_open(r, after_serial, every_version, audience_of(i, r, to), ret_cursor, e);
}

enum err_kind intel_release_get(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, struct slice type, const struct uuid *uuid,
	struct store_row *ret_row, struct buf *ret_body, bool *ret_found, struct err *e)
{
	return store_get(r, type, uuid, audience_of(i, r, to), ret_row, ret_body, ret_found, e);
}

/* The walk over everything, one step of it. */
enum err_kind intel_release_serial(struct intel *i, struct store_reader *r,
	const struct intel_recipient *to, int64_t serial, struct store_row *ret_row,
	struct buf *ret_body, bool *ret_found, struct err *e)
{
	const struct intel_recipient us = {.reach = INTEL_OPERATOR};
	struct store_cursor *c = NULL;
	struct store_row row;
	bool found = false;
	enum err_kind kind = intel_release_all(i, r, &us, serial - 1, true, &c, e);

	if (kind == OK)
		kind = store_cursor_next(c, &row, &found, e);
	found = kind == OK && found && row.serial == serial && intel_release(i, r, to, &row);
	if (found)
		kind = store_cursor_body(c, ret_body, e);
	store_cursor_free(c);
	if (kind != OK)
		return kind;
	if (found)
		*ret_row = row;
	*ret_found = found;
	return OK;
}
