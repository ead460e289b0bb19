/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Entries that do something: charters, decisions, withdrawals, evidence. They are applied in the
 * order of their log, before any object that stands behind them, and worked out again at each
 * start. And when we may add entries of our own.
 */
#include <stdlib.h>

#include "inside.h"

/* ---- our own entries ------------------------------------------------------------------------- */

bool own_waiting(const struct coalition *c)
{
	return c->own == NULL || own_ready(c, NULL) != OK;
}

/* Whoever lives by files, we or it, tells when a file comes; nobody waits for that. */
static bool can_be_reached(const struct coalition *c, const struct peer *p)
{
	const struct charter_member *own = charter_member_find(c->charter, slice_of(c->self));
	const struct charter_member *m = charter_member_find(c->charter, slice_of(p->member));

	return own != NULL && own->address.len > 0 && m != NULL && m->address.len > 0;
}

enum err_kind own_ready(const struct coalition *c, struct err *e)
{
	unsigned seen = 0, missing = 0, number, quorum;
	uint64_t size;

	if (c->own == NULL || c->own->gone)
		return err_set(e, ERR_DENIED, "this member is not in the charter");
	if (c->forked)
		return err_set(e, ERR_DENIED,
			"another copy of this member signs its log, or an old backup is running: "
			"nothing is published");
	number = origin_number(c, c->own);
	size = ledger_size(c->own->log);
	if (size < c->signed_size)
		return err_set(e, ERR_DENIED,
			"our log has %llu leaves here, but %llu were signed: they come from others",
			(unsigned long long)size, (unsigned long long)c->signed_size);
	for (size_t i = 0; i < c->peers_count; i++) {
		const struct offer *offer = &c->peers[i]->offers[number];
		uint64_t theirs = offer->head.size > offer->quorum.size ? offer->head.size
									: offer->quorum.size;

		seen += c->peers[i]->seen_given;
		missing += !c->peers[i]->seen_given && can_be_reached(c, c->peers[i]);
		if (theirs > size) /* signed by us, held by them: an old backup runs here */
			return err_set(e, ERR_DENIED,
				"our log has %llu leaves here, but %llu at %s: they are fetched "
				"first",
				(unsigned long long)size, (unsigned long long)theirs,
				c->peers[i]->member);
	}
	/* What a quorum cosigned is known to any quorum; what fewer saw, perhaps to one alone. */
	quorum = charter_quorum(c->charter);
	if (world_monotonic(c->world) - c->opened_us >= COALITION_ANSWERS_US)
		missing = 0;
	if (seen < quorum || missing > 0)
		return err_set(e, ERR_DENIED,
			"%u of %u other members have told what they saw of our log", seen,
			seen + missing < quorum ? quorum : seen + missing);
	return OK;
}

enum err_kind own_append(struct coalition *c, enum ledger_class class, struct slice content,
	uint64_t *ret_index, struct err *e)
{
	const struct ledger_entry entry = {
		.class = class, .time_us = world_now(c->world), .content = content};
	enum err_kind kind;

	kind = own_ready(c, e);
	if (kind == OK)
		kind = ledger_append(c->own->log, &entry, 1, NULL, ret_index, e);
	if (kind == OK)
		kind = origin_scan(c->own, e);
	if (kind == OK)
		c->news++;
	return kind;
}

/* ---- in order -------------------------------------------------------------------------------- */

/* What is held of a special entry: read back, it must still open its leaf, or a flipped bit of a
 * withdrawal would take back another entry than was meant. */
enum err_kind special_read(struct origin *o, uint64_t index, struct buf *content, struct err *e)
{
	struct ledger_opening opening = {.index = index};
	struct ledger_place place;
	enum err_kind kind = ledger_opening_get(o->log, index, opening.salt, &place, content, e);

	opening.content = buf_slice(content);
	if (kind == OK && ledger_opening_check(o->log, &opening, e) != OK)
		kind = err_set(e, ERR_CORRUPT,
			"\"%s\": what is held of entry %llu does not open it any more", o->key.name,
			(unsigned long long)index);
	secret_wipe(opening.salt, sizeof(opening.salt));
	return kind;
}

static enum err_kind special_apply(
	struct coalition *c, struct origin *o, const struct special *s, struct err *e)
{
	struct buf content = BUF_INIT;
	struct ledger_leaf leaf;
	enum err_kind kind = ledger_leaf_get(o->log, s->index, &leaf, e);

	if (kind == OK)
		kind = special_read(o, s->index, &content, e);
	if (kind != OK)
		goto out;
	switch (s->class) {
	case LEDGER_DECISION:
	case LEDGER_CHARTER:
		kind = binding_apply(c, o, s->class, s->index, buf_slice(&content), e);
		break;
	case LEDGER_WITHDRAWAL:
		kind = recall_apply(c, o, s->index, buf_slice(&content), leaf.time_us, e);
		break;
	case LEDGER_EVIDENCE:
		kind = evidence_take(c, buf_slice(&content), false, e);
		break;
	default:
		break;
	}
out:
	buf_fini(&content);
	return kind;
}

static enum err_kind specials_apply_all(struct coalition *c, struct origin *o, struct err *e)
{
	while (o->specials_open < o->specials_count) {
		struct special s = o->specials[o->specials_open];
		char index[24];
		struct err why = {0};
		enum err_kind kind;

		if (s.index >= o->frozen_size)
			break;
		if (!s.opened) {
			kind = lost_look(o, e);
			if (kind != OK)
				return kind;
			if (!index_set_has(&o->lost, s.index))
				break;
			o->specials_open++;
			continue;
		}
		o->specials_open++;
		kind = special_apply(c, o, &s, &why);
		if (kind == ERR_NOMEM || kind == ERR_IO || kind == ERR_FULL ||
			kind == ERR_CORRUPT) {
			o->specials_open--;
			return err_set(e, kind, "%s", why.text);
		}
		if (kind == OK)
			continue;
		/* Nonsense in a member's log binds nobody; it stays there for all to see. */
		snprintf(index, sizeof(index), "%llu", (unsigned long long)s.index);
		log_line(c->log, LOG_WARN, "entry", "log", o->key.name, "index", index, "error",
			why.text, NULL);
	}
	return OK;
}

enum err_kind specials_apply(struct coalition *c, struct origin *o, struct err *e)
{
	enum err_kind kind = specials_apply_all(c, o, e);

	return kind == OK ? entries_erase(o, e) : kind;
}

enum err_kind origin_void(struct coalition *c, struct origin *o, struct err *e)
{
	uint64_t size = ledger_size(o->log);
	enum err_kind kind = OK;

	for (uint64_t i = o->frozen_size; i < size && kind == OK; i++)
		kind = entry_forget(c, o, i, e);
	return kind == OK ? entries_erase(o, e) : kind;
}

void specials_free(struct coalition *c)
{
	for (size_t i = 0; i < c->candidates_count; i++)
		buf_fini(&c->candidates[i].note);
	free(c->candidates);
	for (size_t i = 0; i < c->withdrawals_count; i++)
		free(c->withdrawals[i].reason);
	free(c->withdrawals);
	free(c->acks);
	for (size_t i = 0; i < c->decisions_count; i++)
		buf_fini(&c->decisions[i].note);
}
