/* SPDX-License-Identifier: MPL-2.0 */
/* What a member knows about itself and the others. */
#include "inside.h"

static enum coalition_trust trust_of(const struct coalition *c, const struct origin *o)
{
	int64_t now_s = world_now(c->world) / US_PER_SECOND;

	if (o->guilty)
		return COALITION_QUARANTINE;
	if (o->gone)
		return COALITION_REVOKED;
	if (o->head.size > 0 && now_s - o->head.cosigned_s > COALITION_STALE_S)
		return COALITION_STALE;
	return COALITION_GOOD;
}

static void origin_fill(
	const struct coalition *c, const struct origin *o, struct coalition_origin_status *s)
{
	unsigned number = origin_number(c, o);

	memcpy(s->member, o->member, sizeof(s->member));
	s->trust = trust_of(c, o);
	s->size = ledger_size(o->log);
	s->known = o->head.size;
	s->opened = o->opened;
	s->withheld = s->size - o->opened;
	s->cosigned = o->quorum.size;
	s->fresh_s = o->head.cosigned_s > o->quorum.cosigned_s ? o->head.cosigned_s
							       : o->quorum.cosigned_s;
	for (size_t i = 0; i < c->peers_count; i++) {
		if (c->peers[i]->offers[number].head.size > s->known)
			s->known = c->peers[i]->offers[number].head.size;
	}
}

enum err_kind coalition_status(
	struct coalition *c, struct arena *a, struct coalition_status *ret_status, struct err *e)
{
	struct coalition_status s = {.forked = c->forked};
	enum err_kind kind = OK;

	pthread_mutex_lock(&c->lock);
	s.forked = c->forked;
	s.waiting = own_waiting(c);
	s.evidence = c->evidence;
	s.quorum = c->charter == NULL ? 0 : charter_quorum(c->charter);
	for (size_t i = 0; i < c->decisions_count; i++) {
		if (strcmp(c->decisions[i].kind, "policy") == 0)
			s.policy_sequence = c->decisions[i].sequence;
	}
	if (c->own != NULL) {
		s.logged = ledger_size(c->own->log);
		s.signed_size = c->own->head.size;
		s.unsigned_entries = s.logged - s.signed_size;
	}
	s.origins = ARENA_ARRAY(a, struct coalition_origin_status, c->origins_count + 1);
	s.peers = ARENA_ARRAY(a, struct coalition_peer_status, c->peers_count + 1);
	if (s.origins == NULL || s.peers == NULL) {
		kind = err_set(e, ERR_NOMEM, "out of memory");
	} else {
		for (size_t i = 0; i < c->origins_count; i++)
			origin_fill(c, c->origins[i], &s.origins[s.origins_count++]);
		for (size_t i = 0; i < c->peers_count; i++)
			s.peers[s.peers_count++] = c->peers[i]->status;
		*ret_status = s;
	}
	pthread_mutex_unlock(&c->lock);
	return kind;
}

static enum err_kind withdrawal_fill(struct coalition *c, const struct withdrawal *w,
	struct arena *a, struct coalition_withdrawal *to, struct err *e)
{
	const struct charter *charter = c->charter;

	*to = (struct coalition_withdrawal){
		.origin = arena_copy(a, slice_of(w->origin->key.name)),
		.index = w->index,
		.code = w->code,
		.reason = arena_copy(a, slice_of(w->reason)),
		.time_us = w->time_us,
		.acknowledged = ARENA_ARRAY(a, bool, charter->members_count),
	};
	if (to->acknowledged == NULL || to->origin.data == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < charter->members_count; i++) {
		const char *name = charter->members[i].name;

		if (strcmp(name, w->origin->member) == 0)
			to->acknowledged[i] = true;
		else if (strcmp(name, c->self) == 0)
			to->acknowledged[i] = index_set_has(&w->origin->acknowledged, w->entry);
		for (size_t k = 0; k < c->origins_count && !to->acknowledged[i]; k++)
			to->acknowledged[i] =
				strcmp(c->origins[k]->member, name) == 0 &&
				acknowledged_by(c, c->origins[k], w->origin, w->entry);
	}
	return OK;
}

enum err_kind coalition_withdrawals(struct coalition *c, struct arena *a,
	struct coalition_withdrawal **ret_list, size_t *ret_count, struct err *e)
{
	struct coalition_withdrawal *list;
	enum err_kind kind = OK;
	size_t count;

	pthread_mutex_lock(&c->lock);
	count = c->withdrawals_count;
	list = ARENA_ARRAY(a, struct coalition_withdrawal, count + 1);
	if (list == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < count && kind == OK; i++)
		kind = withdrawal_fill(c, &c->withdrawals[i], a, &list[i], e);
	pthread_mutex_unlock(&c->lock);
	if (kind == OK) {
		*ret_list = list;
		*ret_count = count;
	}
	return kind;
}

enum err_kind coalition_shown(struct coalition *c, struct arena *a, uint64_t *ret_epoch,
	struct coalition_shown **ret_list, size_t *ret_count, struct err *e)
{
	struct coalition_shown *list;
	enum err_kind kind = OK;

	pthread_mutex_lock(&c->lock);
	list = ARENA_ARRAY(a, struct coalition_shown, c->origins_count + 1);
	if (list == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < c->origins_count && kind == OK; i++) {
		const struct origin *o = c->origins[i];

		list[i] = (struct coalition_shown){.origin = arena_copy(a, slice_of(o->key.name)),
			.ours = o == c->own,
			.size = o->head.size,
			.quorum = o->quorum.size,
			.applied = o->specials_open == o->specials_count
					   ? ledger_size(o->log)
					   : o->specials[o->specials_open].index};
		if (list[i].origin.data == NULL)
			kind = err_set(e, ERR_NOMEM, "out of memory");
	}
	if (kind == OK) {
		*ret_epoch = c->sink->epoch(c->sink->context);
		*ret_list = list;
		*ret_count = c->origins_count;
	}
	pthread_mutex_unlock(&c->lock);
	return kind;
}
