/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What to ask a member next. A round is: heads; our checkpoint to be cosigned; then of each log its
 * leaves, what is special in them, and openings. Each step is one request, so that rounds with many
 * members, publishing and answering go on beside each other, and a cut costs one answer.
 */
#include "inside.h"

#define REACHED_US (30 * US_PER_SECOND) /* an origin heard of since is asked itself, not relays */

struct ask {
	enum coalition_ask what;
	struct origin *origin;   /* LEAVES, OPENINGS, CONFLICT */
	struct signed_head head; /* LEAVES: to which they must lead */
	struct buf request;
	bool any;
};

/* Openings come from their origin; from others when it cannot be reached, or is ourselves. */
static bool asks_openings(struct coalition *c, const struct peer *p, const struct origin *o)
{
	const struct offer *offer = &p->offers[origin_number(c, o)];
	const struct peer *owner;

	if (strcmp(o->member, p->member) == 0 || o == c->own)
		return true;
	owner = peer_find(c, slice_of(o->member));
	if (owner != NULL && owner->status.reachable &&
		world_monotonic(c->world) - owner->status.last_us < REACHED_US)
		return false;
	return offer->opened != offer->asked_opened || offer->asked_to < origin_valid(o);
}

static enum err_kind fetch_from(
	struct coalition *c, struct peer *p, struct origin *o, struct ask *ask, struct err *e)
{
	struct offer *offer = &p->offers[origin_number(c, o)];
	uint64_t size = ledger_size(o->log);
	enum err_kind kind;

	if (o->guilty)
		return OK;
	ask->origin = o;
	if (o->gone && size < o->frozen_size) {
		if (offer->head.size < o->frozen_size)
			return OK; /* less than what counts may be a thief's */
		/* Not to what its key signs by now, but to what the charter names. */
		ask->what = COALITION_LEAVES;
		ask->any = true;
		ask->head.size = o->frozen_size;
		memcpy(ask->head.root, o->frozen_root, LEDGER_HASH_LEN);
		leaves_ask(o, size, o->frozen_size, &ask->request);
		return OK;
	}
	if (!o->gone && offer->head.size > size && offer->short_at != size + 1) {
		ask->what = COALITION_LEAVES;
		ask->any = true;
		leaves_ask(o, size, offer->head.size, &ask->request);
		return head_copy(&ask->head, &offer->head, e);
	}
	if (!asks_openings(c, p, o))
		return OK;
	if (offer->opened != offer->asked_opened && strcmp(o->member, p->member) != 0)
		offer->asked_to = 0; /* a relay has learned more */
	offer->asked_opened = offer->opened;
	ask->what = COALITION_OPENINGS;
	kind = openings_ask(c, p, o, &ask->any, &ask->request, e);
	return kind;
}

static enum err_kind fetch_next(struct coalition *c, struct peer *p, struct ask *ask, struct err *e)
{
	struct origin *first = origin_of_member(c, slice_of(p->member));
	enum err_kind kind = OK;

	if (first != NULL)
		kind = fetch_from(c, p, first, ask, e);
	for (size_t i = 0; i < c->origins_count && kind == OK && !ask->any; i++) {
		if (c->origins[i] != first)
			kind = fetch_from(c, p, c->origins[i], ask, e);
	}
	return kind;
}

static bool cosign_due(const struct coalition *c, const struct peer *p)
{
	/* A log that rests is shown again before it looks stale. */
	bool old =
		world_monotonic(c->world) - p->cosigned_us >= COALITION_STALE_S / 2 * US_PER_SECOND;

	return !own_waiting(c) && c->own->head.size > 0 &&
	       (old || p->cosigned_size < c->own->head.size ||
		       p->mirrored_size < c->own->head.size);
}

static enum err_kind ask_next(struct coalition *c, struct peer *p, struct ask *ask, struct err *e)
{
	enum err_kind kind = OK;

	switch (p->phase) {
	case PHASE_HEADS:
		ask->what = COALITION_HEADS;
		ask->any = true;
		return heads_ask(c, p, &ask->request, e);
	case PHASE_COSIGN:
		if (cosign_due(c, p)) {
			ask->what = COALITION_COSIGN;
			ask->any = true;
			return cosign_ask(c, p, &ask->request, e);
		}
		p->phase = PHASE_FETCH;
		__attribute__((fallthrough));
	case PHASE_FETCH:
		kind = fetch_next(c, p, ask, e);
		if (kind == OK && !ask->any)
			p->phase = PHASE_DONE;
		return kind;
	default:
		return OK;
	}
}

/* The answer to the question why leaves did not fit. */
static enum err_kind conflict_settle(struct coalition *c, struct peer *p, struct origin *o,
	const struct coalition_way *way, struct err *e)
{
	struct buf request = BUF_MAX(COALITION_REQUEST_MAX), answer = BUF_MAX(COALITION_ANSWER_MAX);
	struct branch mine;
	uint64_t size;
	enum err_kind kind;

	if (!branch_own(o, &size, &mine)) {
		p->phase = PHASE_DONE;
		return err_set(e, ERR_INVALID, "\"%s\": leaves do not lead to the signed head",
			o->key.name);
	}
	conflict_ask(o, size, &request);
	pthread_mutex_unlock(&c->lock);
	kind = way->call(way->context, COALITION_CONFLICT, buf_slice(&request), &answer, e);
	pthread_mutex_lock(&c->lock);
	if (kind == OK)
		kind = conflict_take(c, o, buf_slice(&answer), e);
	buf_fini(&request);
	buf_fini(&answer);
	return kind;
}

static enum err_kind answer_take(struct coalition *c, struct peer *p, const struct ask *ask,
	struct slice answer, const struct coalition_way *way, struct err *e)
{
	uint64_t count, witnessed = p->witness_size;
	enum err_kind kind;

	switch (ask->what) {
	case COALITION_HEADS:
		kind = heads_take(c, p, answer, e);
		p->phase = PHASE_COSIGN;
		return kind;
	case COALITION_COSIGN:
		kind = cosign_take(c, p, answer, e);
		/* Once more when it told from where; then not again in this round. */
		if (kind != OK || p->witness_size == witnessed || c->own == NULL ||
			p->cosigned_size == c->own->head.size)
			p->phase = PHASE_FETCH;
		return kind;
	case COALITION_LEAVES:
		kind = leaves_take(c, ask->origin, &ask->head, answer, &count, e);
		return kind == ERR_CONFLICT ? conflict_settle(c, p, ask->origin, way, e) : kind;
	default:
		return openings_answer_take(c, p, ask->origin, answer, e);
	}
}

static void outcome_note(struct coalition *c, struct peer *p, enum err_kind kind,
	enum err_kind call, const struct err *e)
{
	p->status.requests++;
	if (call == OK) {
		p->status.reachable = true;
		p->status.last_us = world_monotonic(c->world);
	}
	if (kind == OK) {
		p->status.problem[0] = '\0';
		return;
	}
	p->status.failures++;
	p->status.reachable = call == OK;
	snprintf(p->status.problem, sizeof(p->status.problem), "%s", e->text);
	p->phase = PHASE_HEADS;
}

static enum err_kind step(struct coalition *c, struct peer *p, const struct coalition_way *way,
	bool *ret_more, struct err *e)
{
	struct ask ask = {.request = BUF_MAX(COALITION_REQUEST_MAX)};
	struct buf answer = BUF_MAX(COALITION_ANSWER_MAX + KIB(64));
	enum err_kind kind = ask_next(c, p, &ask, e), call = OK;

	if (kind == OK && ask.any) {
		p->busy = true;
		pthread_mutex_unlock(&c->lock);
		call = way->call(way->context, ask.what, buf_slice(&ask.request), &answer, e);
		pthread_mutex_lock(&c->lock);
		kind = call == OK ? answer_take(c, p, &ask, buf_slice(&answer), way, e) : call;
		p->busy = false;
		/* What it knows to be signed of ours may be more than it has. */
		if (call != OK && ask.what == COALITION_LEAVES && ask.origin == c->own)
			p->offers[origin_number(c, c->own)].short_at = ledger_size(c->own->log) + 1;
		outcome_note(c, p, kind, call, e);
	}
	*ret_more = kind == OK && p->phase != PHASE_DONE;
	if (!*ret_more)
		p->phase = PHASE_HEADS;
	if (charter_member_find(c->charter, slice_of(p->member)) == NULL) {
		*ret_more = false; /* by what it brought itself */
		peers_leave(c, c->charter);
	}
	head_fini(&ask.head);
	buf_fini(&ask.request);
	buf_fini(&answer);
	return kind;
}

enum err_kind coalition_step(struct coalition *c, struct slice member,
	const struct coalition_way *way, bool *ret_more, struct err *e)
{
	struct peer *p;
	enum err_kind kind = OK;
	struct err mine = {0};

	*ret_more = false;
	pthread_mutex_lock(&c->lock);
	p = peer_find(c, member);
	if (p == NULL)
		kind = err_set(e, ERR_USAGE, "no member \"%.*s\"", SLICE_ARG(member));
	else if (p->busy)
		kind = err_set(e, ERR_BUSY, "a request to \"%s\" is under way", p->member);
	else
		kind = step(c, p, way, ret_more, e == NULL ? &mine : e);
	pthread_mutex_unlock(&c->lock);
	return kind;
}

/* ---- answering ------------------------------------------------------------------------------- */

static const char *const ask_names[COALITION_ASKS] = {
	"heads", "leaves", "openings", "cosign", "conflict"};

const char *coalition_ask_name(enum coalition_ask ask)
{
	return ask < COALITION_ASKS ? ask_names[ask] : "?";
}

enum err_kind coalition_answer(struct coalition *c, struct slice member, enum coalition_ask ask,
	struct slice request, struct buf *out, struct err *e)
{
	struct peer *p;
	enum err_kind kind;

	if (request.len > COALITION_REQUEST_MAX)
		return err_set(e, ERR_LIMIT, "request of %zu bytes, at most %zu", request.len,
			COALITION_REQUEST_MAX);
	pthread_mutex_lock(&c->lock);
	p = peer_find(c, member);
	if (p == NULL || charter_member_find(c->charter, member) == NULL)
		kind = err_set(e, ERR_DENIED, "\"%.*s\" is no member", SLICE_ARG(member));
	else if (ask == COALITION_HEADS)
		kind = heads_answer(c, p, request, out, e);
	else if (ask == COALITION_LEAVES)
		kind = leaves_answer(c, p, request, out, e);
	else if (ask == COALITION_OPENINGS)
		kind = openings_answer(c, p, request, out, e);
	else if (ask == COALITION_COSIGN)
		kind = cosign_answer(c, p, request, out, e);
	else if (ask == COALITION_CONFLICT)
		kind = conflict_answer(c, request, out, e);
	else
		kind = err_set(e, ERR_USAGE, "no such request");
	pthread_mutex_unlock(&c->lock);
	return kind;
}
