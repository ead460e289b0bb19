/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Charters and decisions: what binds all, once so many mirrors hold it that it cannot be decreed
 * and withheld. They wait as candidates until their turn comes, and their quorum.
 */
#include <stdlib.h>

#include "inside.h"

#define CANDIDATES_MAX   64                   /* of one log, that wait: who floods loses its own */
#define CHARTER_AGAIN_US (60 * US_PER_SECOND) /* a refused one is not verified more often */

static void candidates_tidy(struct coalition *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->candidates_count; i++) {
		if (c->candidates[i].done)
			buf_fini(&c->candidates[i].note);
		else
			c->candidates[kept++] = c->candidates[i];
	}
	c->candidates_count = kept;
}

/* How many of a log wait, and the one that comes first in its chain. */
static size_t candidates_of(
	struct coalition *c, const struct origin *o, struct candidate **ret_lowest)
{
	size_t count = 0;

	*ret_lowest = NULL;
	for (size_t i = 0; i < c->candidates_count; i++) {
		struct candidate *d = &c->candidates[i];

		if (d->origin != o || d->done)
			continue;
		count++;
		if (*ret_lowest == NULL || d->sequence < (*ret_lowest)->sequence)
			*ret_lowest = d;
	}
	return count;
}

/* What can come into force does; of what then still waits, the oldest makes room. */
static enum err_kind candidates_room(struct coalition *c, struct origin *o, struct err *e)
{
	struct candidate *lowest;
	enum err_kind kind = OK;

	if (candidates_of(c, o, &lowest) < CANDIDATES_MAX)
		return OK;
	if (!c->settling)
		kind = candidates_settle(c, e);
	if (kind != OK || candidates_of(c, o, &lowest) < CANDIDATES_MAX)
		return kind;
	lowest->done = true;
	if (!c->settling)
		candidates_tidy(c);
	return OK;
}

static enum err_kind candidate_add(struct coalition *c, struct origin *o, uint64_t index,
	struct slice kind_name, uint64_t sequence, struct slice note, struct err *e)
{
	struct candidate d = {.origin = o, .index = index, .sequence = sequence};
	enum err_kind kind = candidates_room(c, o, e);

	if (kind != OK)
		return kind;
	if (c->candidates_count == c->candidates_capacity) {
		size_t capacity = c->candidates_capacity * 2 + 16;
		struct candidate *more = realloc(c->candidates, capacity * sizeof(*more));

		if (more == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		c->candidates = more;
		c->candidates_capacity = capacity;
	}
	memcpy(d.kind, kind_name.data == NULL ? "" : kind_name.data, kind_name.len);
	buf_slice_append(&d.note, note);
	if (d.note.bad)
		return err_set(e, ERR_NOMEM, "out of memory");
	c->candidates[c->candidates_count++] = d;
	return OK;
}

static struct in_force *in_force_find(struct coalition *c, struct slice kind)
{
	for (size_t i = 0; i < c->decisions_count; i++) {
		if (slice_is(kind, c->decisions[i].kind))
			return &c->decisions[i];
	}
	return NULL;
}

uint64_t policy_number(struct coalition *c)
{
	const struct in_force *f = in_force_find(c, SLICE("policy"));

	return f == NULL ? 0 : f->sequence;
}

/* Root keys that carry two texts of one number were stolen, or those who hold them lie. The first
 * stays; people must hear of the second. */
static void double_tell(
	struct coalition *c, const struct origin *o, const struct decision *d, struct slice note)
{
	char sequence[24];

	if (charter_carried(c->charter, note, NULL) != OK)
		return;
	snprintf(sequence, sizeof(sequence), "%llu", (unsigned long long)d->sequence);
	log_line(c->log, LOG_ERROR, "two decisions", "log", o->key.name, "number", sequence,
		"error", "the same members signed another text under the same number", NULL);
}

enum err_kind binding_apply(struct coalition *c, struct origin *o, enum ledger_class class,
	uint64_t index, struct slice content, struct err *e)
{
	struct arena *a = arena_new(NOTE_ARENA_MAX);
	struct decision d;
	struct charter charter;
	enum err_kind kind;

	if (a == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (class == LEDGER_CHARTER) {
		kind = charter_parse(content, a, &charter, e);
		if (kind == OK && charter.version > c->charter->version)
			kind = candidate_add(
				c, o, index, (struct slice){0}, charter.version, content, e);
	} else {
		const struct in_force *f = NULL;

		kind = decision_parse(content, a, &d, e);
		if (kind == OK)
			f = in_force_find(c, d.kind);
		if (kind == OK && (f == NULL || d.sequence > f->sequence))
			kind = candidate_add(c, o, index, d.kind, d.sequence, content, e);
		if (kind == OK && f != NULL && d.sequence == f->sequence &&
			memcmp(d.digest, f->digest, SHA256_LEN) != 0)
			double_tell(c, o, &d, content);
	}
	arena_free(a);
	return kind;
}

/* Held by so many that it cannot be decreed and withheld, nor be another one elsewhere. */
static bool under_quorum(const struct coalition *c, const struct candidate *d)
{
	const struct origin *o = d->origin;

	if (d->index >= o->frozen_size)
		return false;
	if (charter_quorum(c->charter) == 0)
		return o->head.size > d->index;
	return o->quorum.size > d->index && o->quorum.mirrors >= charter_quorum(c->charter);
}

static enum err_kind decisions_store(struct coalition *c, struct err *e)
{
	struct buf all = BUF_INIT;
	char path[PATH_MAX_BYTES];
	enum err_kind kind;

	for (size_t i = 0; i < c->decisions_count; i++)
		wire_bytes(&all, buf_slice(&c->decisions[i].note));
	kind = all.bad || !path_make(path, "%s/decisions", c->folder)
		       ? err_set(e, ERR_NOMEM, "out of memory")
		       : kept_put(c, path, buf_slice(&all), e);
	buf_fini(&all);
	return kind;
}

static enum err_kind decision_enter(
	struct coalition *c, struct slice bytes, const struct decision *decision, struct err *e)
{
	struct in_force *f = in_force_find(c, decision->kind);
	struct buf note = BUF_INIT;
	struct err why = {0};

	if (f == NULL && c->decisions_count == KINDS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d kinds of decisions", KINDS_MAX);
	buf_slice_append(&note, bytes);
	if (note.bad)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (f == NULL) {
		f = &c->decisions[c->decisions_count++];
		memcpy(f->kind, decision->kind.data, decision->kind.len);
	}
	buf_fini(&f->note);
	f->note = note;
	f->sequence = decision->sequence;
	memcpy(f->digest, decision->digest, SHA256_LEN);
	/* Others let objects wait while another policy was in force here. */
	for (size_t i = 0; i < c->peers_count; i++)
		for (size_t k = 0; k < ORIGINS_MAX; k++)
			c->peers[i]->offers[k].asked_to = 0;
	if (c->sink->in_force(c->sink->context, c->charter, decision, &why) != OK)
		log_line(c->log, LOG_ERROR, "decision", "kind", f->kind, "error", why.text, NULL);
	c->news++;
	return OK;
}

enum err_kind decisions_tell(struct coalition *c, struct err *e)
{
	struct arena *a = arena_new(NOTE_ARENA_MAX);
	enum err_kind kind = a == NULL ? err_set(e, ERR_NOMEM, "out of memory") : OK;

	for (size_t i = 0; i < c->decisions_count && kind == OK; i++) {
		struct decision decision;
		struct err why = {0};

		kind = decision_parse(buf_slice(&c->decisions[i].note), a, &decision, e);
		if (kind == OK &&
			c->sink->in_force(c->sink->context, c->charter, &decision, &why) != OK)
			log_line(c->log, LOG_ERROR, "decision", "kind", c->decisions[i].kind,
				"error", why.text, NULL);
	}
	arena_free(a);
	return kind;
}

enum err_kind decisions_load(struct coalition *c, struct err *e)
{
	struct arena *a = arena_new(NOTE_ARENA_MAX);
	struct buf all = BUF_INIT;
	struct reader r;
	char path[PATH_MAX_BYTES];
	enum err_kind kind;

	if (a == NULL || !path_make(path, "%s/decisions", c->folder)) {
		arena_free(a);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	kind = kept_get(c, path, &all, e);
	r = (struct reader){.rest = buf_slice(&all)};
	while (kind == OK && r.rest.len > 0) {
		struct slice note = wire_read_bytes(&r);
		struct decision decision;

		kind = r.bad ? err_set(e, ERR_CORRUPT, "%s is cut off", path)
			     : decision_parse(note, a, &decision, e);
		if (kind == OK)
			kind = decision_enter(c, note, &decision, e);
		arena_reset(a);
	}
	buf_fini(&all);
	arena_free(a);
	return kind;
}

/* The next of its chain; for who joins later, whatever the members hold by then. */
static bool follows(const struct coalition *c, const struct in_force *f, uint64_t sequence,
	const uint8_t previous[SHA256_LEN])
{
	static const uint8_t none[SHA256_LEN];

	if (f == NULL && c->charter->version > 1)
		return true;
	return sequence == (f == NULL ? 0 : f->sequence) + 1 &&
	       memcmp(previous, f == NULL ? none : f->digest, SHA256_LEN) == 0;
}

static enum err_kind decision_settle(
	struct coalition *c, struct candidate *d, bool *ret_progress, struct err *e)
{
	const struct in_force *f = in_force_find(c, slice_of(d->kind));
	struct decision decision;
	struct arena *a;
	enum err_kind kind;

	if (f != NULL && d->sequence <= f->sequence) {
		d->done = true;
		return OK;
	}
	if (d->tried == c->charter->version || !under_quorum(c, d))
		return OK;
	a = arena_new(NOTE_ARENA_MAX);
	if (a == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = decision_parse(buf_slice(&d->note), a, &decision, e);
	if (kind == OK && follows(c, f, decision.sequence, decision.previous)) {
		kind = charter_carried(c->charter, buf_slice(&d->note), e);
		if (kind == OK) {
			kind = decision_enter(c, buf_slice(&d->note), &decision, e);
			if (kind == OK)
				kind = decisions_store(c, e);
			*ret_progress = kind == OK;
			d->done = true;
		} else if (kind == ERR_DENIED || kind == ERR_INVALID) {
			kind = OK;
			d->tried = c->charter->version; /* another may carry it */
		}
	}
	arena_free(a);
	return kind;
}

static enum err_kind charter_settle(
	struct coalition *c, struct candidate *d, bool *ret_progress, struct err *e)
{
	struct err why = {0};
	enum err_kind kind;

	if (d->sequence <= c->charter->version)
		d->done = true;
	if (d->done || d->sequence != c->charter->version + 1 || !under_quorum(c, d) ||
		world_monotonic(c->world) < d->again_us)
		return OK;
	kind = charter_take(c, buf_slice(&d->note), &why);
	if (kind == OK) {
		*ret_progress = true;
		d->done = true;
	} else if (kind == ERR_NOMEM || kind == ERR_IO || kind == ERR_FULL) {
		return err_set(e, kind, "%s", why.text);
	} else {
		/* Perhaps our clock is wrong, and it has not lapsed. */
		log_line(c->log, LOG_WARN, "charter", "refused", why.text, NULL);
		d->again_us = world_monotonic(c->world) + CHARTER_AGAIN_US;
	}
	return OK;
}

enum err_kind candidates_settle(struct coalition *c, struct err *e)
{
	bool progress = !c->settling && c->charter != NULL;
	enum err_kind kind = OK;

	if (!progress)
		return OK; /* a charter that is being applied comes back to us through here */
	c->settling = true;
	while (progress && kind == OK) {
		progress = false;
		for (size_t i = 0; i < c->candidates_count && kind == OK; i++) {
			/* A charter that is taken may add candidates: take this one by value. */
			struct candidate d = c->candidates[i];

			if (d.done)
				continue;
			kind = d.kind[0] == '\0' ? charter_settle(c, &d, &progress, e)
						 : decision_settle(c, &d, &progress, e);
			c->candidates[i] = d;
		}
	}
	c->settling = false;
	candidates_tidy(c);
	return kind;
}

enum err_kind coalition_decision_get(struct coalition *c, struct slice kind_name,
	uint64_t *ret_sequence, struct buf *out, struct err *e)
{
	const struct in_force *f;

	pthread_mutex_lock(&c->lock);
	f = in_force_find(c, kind_name);
	*ret_sequence = f == NULL ? 0 : f->sequence;
	if (f != NULL)
		buf_slice_append(out, buf_slice(&f->note));
	pthread_mutex_unlock(&c->lock);
	return out->bad ? err_set(e, ERR_NOMEM, "out of memory") : OK;
}

static enum err_kind binding_publish(
	struct coalition *c, enum ledger_class class, struct slice note, struct err *e)
{
	uint64_t index;
	enum err_kind kind;

	pthread_mutex_lock(&c->lock);
	kind = c->charter == NULL ? err_set(e, ERR_USAGE, "there is no charter yet")
				  : charter_carried(c->charter, note, e);
	if (kind == OK)
		kind = own_append(c, class, note, &index, e);
	if (kind == OK)
		kind = specials_apply(c, c->own, e);
	if (kind == OK)
		kind = candidates_settle(c, e);
	pthread_mutex_unlock(&c->lock);
	return kind;
}

enum err_kind coalition_charter_publish(struct coalition *c, struct slice note, struct err *e)
{
	struct arena *a = arena_new(NOTE_ARENA_MAX);
	struct charter charter;
	enum err_kind kind = a == NULL ? err_set(e, ERR_NOMEM, "out of memory")
				       : charter_parse(note, a, &charter, e);

	if (kind == OK) {
		const struct charter *now = coalition_charter(c);

		kind = now == NULL ? err_set(e, ERR_USAGE, "there is no charter yet")
				   : charter_verify(&charter, now, world_now(c->world), e);
	}
	arena_free(a);
	return kind == OK ? binding_publish(c, LEDGER_CHARTER, note, e) : kind;
}

enum err_kind coalition_decision_publish(struct coalition *c, struct slice note, struct err *e)
{
	struct arena *a = arena_new(NOTE_ARENA_MAX);
	struct decision decision;
	enum err_kind kind = a == NULL ? err_set(e, ERR_NOMEM, "out of memory")
				       : decision_parse(note, a, &decision, e);

	arena_free(a);
	return kind == OK ? binding_publish(c, LEDGER_DECISION, note, e) : kind;
}

/* ---- out of a log that is quarantined -------------------------------------------------------- */

/* Is it in a log that others still take from? */
static enum err_kind stands_elsewhere(
	struct coalition *c, struct slice content, bool *ret_stands, struct err *e)
{
	struct buf other = BUF_INIT;
	enum err_kind kind = OK;

	*ret_stands = false;
	for (size_t i = 0; i < c->origins_count && kind == OK && !*ret_stands; i++) {
		struct origin *o = c->origins[i];

		for (size_t k = 0; k < o->specials_open && kind == OK && !o->guilty; k++) {
			const struct special *s = &o->specials[k];

			if (!s->opened ||
				(s->class != LEDGER_DECISION && s->class != LEDGER_CHARTER))
				continue;
			buf_clear(&other);
			kind = special_read(o, s->index, &other, e);
			if (kind == OK && slice_equal(buf_slice(&other), content))
				*ret_stands = true;
		}
	}
	buf_fini(&other);
	return kind;
}

static enum err_kind hand_on_one(
	struct coalition *c, struct origin *o, const struct special *s, struct err *e)
{
	struct buf content = BUF_INIT;
	bool stands = false;
	uint64_t index;
	enum err_kind kind = special_read(o, s->index, &content, e);

	if (kind == OK && charter_carried(c->charter, buf_slice(&content), NULL) == OK) {
		kind = stands_elsewhere(c, buf_slice(&content), &stands, e);
		if (kind == OK && !stands)
			kind = own_append(c, s->class, buf_slice(&content), &index, e);
	}
	buf_fini(&content);
	return kind;
}

enum err_kind bindings_hand_on(struct coalition *c, struct err *e)
{
	enum err_kind kind = OK;

	for (size_t i = 0; i < c->origins_count && kind == OK; i++) {
		struct origin *o = c->origins[i];

		if (!o->guilty || o == c->own || o->handed_on == o->quorum.size ||
			o->quorum.mirrors < charter_quorum(c->charter))
			continue;
		for (size_t k = 0; k < o->specials_open && kind == OK; k++) {
			const struct special *s = &o->specials[k];

			if (s->opened && s->index < o->quorum.size && s->index < o->frozen_size &&
				(s->class == LEDGER_DECISION || s->class == LEDGER_CHARTER))
				kind = hand_on_one(c, o, s, e);
		}
		if (kind == OK)
			o->handed_on = o->quorum.size;
	}
	return kind;
}
