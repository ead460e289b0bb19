/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Entries that do something: charters, decisions, withdrawals, evidence. They are applied in the
 * order of their log, before any object that stands behind them, and worked out again at each
 * start.
 */
#include <stdlib.h>

#include "inside.h"
#include "json/json.h"

#define WITHDRAWAL_BYTES_MAX KIB(16)
#define CANDIDATES_MAX       64 /* of one log, that wait: who floods loses its own */
#define CHARTER_AGAIN_US     (60 * US_PER_SECOND) /* a refused one is not verified more often */

/* ---- our own entries ---------------------------------------------------------------------------
 */

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

/* ---- withdrawals
 * ---------------------------------------------------------------------------------- */

static const char *const code_names[] = {"error", "expired", "order", "erase"};

const char *withdrawal_code_name(enum withdrawal_code code)
{
	return code <= WITHDRAW_ERASE ? code_names[code] : "?";
}

bool withdrawal_code_parse(struct slice name, enum withdrawal_code *ret_code)
{
	for (unsigned i = 0; i < COUNT_OF(code_names); i++) {
		if (slice_is(name, code_names[i])) {
			*ret_code = (enum withdrawal_code)i;
			return true;
		}
	}
	return false;
}

/* Salt, content and object go; the leaf stays, and every proof of another leaf still verifies. */
static enum err_kind entry_forget(
	struct coalition *c, struct origin *o, uint64_t index, struct err *e)
{
	uint8_t salt[LEDGER_SALT_LEN];
	struct ledger_place place;
	enum err_kind kind = ledger_opening_get(o->log, index, salt, &place, NULL, e);

	secret_wipe(salt, sizeof(salt));
	if (kind != OK || place.where == LEDGER_ERASED)
		return kind;
	if (place.where == LEDGER_STORED)
		kind = c->sink->forget(c->sink->context, place.serial, e);
	if (kind == OK)
		kind = ledger_erase(o->log, index, e);
	if (kind == OK)
		kind = index_set_add(&o->known, index, e);
	if (kind == OK && place.where != LEDGER_NOWHERE && o->opened > 0)
		o->opened--;
	return kind;
}

static enum err_kind withdrawal_add(struct coalition *c, const struct withdrawal *w, struct err *e)
{
	if (c->withdrawals_count == c->withdrawals_capacity) {
		size_t capacity = c->withdrawals_capacity * 2 + 16;
		struct withdrawal *more = realloc(c->withdrawals, capacity * sizeof(*more));

		if (more == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		c->withdrawals = more;
		c->withdrawals_capacity = capacity;
	}
	c->withdrawals[c->withdrawals_count++] = *w;
	return OK;
}

/* Only what was there when it was withdrawn, and only objects: a decision is undone by another. */
static enum err_kind withdrawal_apply(struct coalition *c, struct origin *o, uint64_t entry,
	struct json_value v, int64_t time_us, struct err *e)
{
	struct withdrawal w = {.origin = o, .entry = entry, .time_us = time_us};
	struct ledger_leaf leaf;
	struct slice reason = json_get_string(v, "reason");
	struct json_value number;
	int64_t index;
	enum err_kind kind;

	if (!json_get(v, "index", &number) || !json_to_i64(number, &index) || index < 0 ||
		(uint64_t)index >= entry ||
		!withdrawal_code_parse(json_get_string(v, "code"), &w.code) ||
		reason.len > COALITION_REASON_MAX)
		return err_set(e, ERR_INVALID, "withdrawal: index, code or reason are wrong");
	w.index = (uint64_t)index;
	kind = ledger_leaf_get(o->log, w.index, &leaf, e);
	if (kind != OK)
		return kind;
	if (leaf.class >= LEDGER_DECISION)
		return err_set(e, ERR_INVALID, "withdrawal: entry %llu is a %s",
			(unsigned long long)w.index, ledger_class_name(leaf.class));
	/* Each one is acknowledged by everybody: once is enough. */
	if (index_set_has(&o->withdrawn, w.index))
		return err_set(e, ERR_INVALID, "withdrawal: entry %llu is withdrawn already",
			(unsigned long long)w.index);
	kind = entry_forget(c, o, w.index, e);
	if (kind != OK)
		return kind;
	w.reason = strndup(reason.data == NULL ? "" : reason.data, reason.len);
	if (w.reason == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = withdrawal_add(c, &w, e);
	if (kind == OK) {
		kind = index_set_add(&o->withdrawn, w.index, e);
		c->withdrawals_count -= kind != OK;
	}
	if (kind != OK)
		free(w.reason);
	else
		c->news++;
	return kind;
}

/* ---- who acknowledged --------------------------------------------------------------------------
 */

/* Where it is, or would be. */
static struct acknowledgement *ack_find(
	const struct coalition *c, const struct acknowledgement *ack)
{
	uint8_t bytes[12];
	size_t at;

	put_u64(bytes, ack->index);
	put_u16(bytes + 8, ack->by);
	put_u16(bytes + 10, ack->of);
	at = (size_t)hash_table(c->acks_key, (struct slice){(const char *)bytes, sizeof(bytes)});
	for (;; at++) {
		struct acknowledgement *a = &c->acks[at & (c->acks_capacity - 1)];

		if (a->by == 0 || (a->by == ack->by && a->of == ack->of && a->index == ack->index))
			return a;
	}
}

/* A power of two, never more than half full. */
static enum err_kind acks_grow(struct coalition *c, struct err *e)
{
	struct acknowledgement *old = c->acks;
	size_t capacity = c->acks_capacity;
	struct acknowledgement *more;

	if (2 * (c->acks_count + 1) <= capacity)
		return OK;
	more = calloc(capacity == 0 ? 64 : 2 * capacity, sizeof(*more));
	if (more == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (capacity == 0)
		c->world->random(c->world->context, c->acks_key, sizeof(c->acks_key));
	c->acks = more;
	c->acks_capacity = capacity == 0 ? 64 : 2 * capacity;
	for (size_t i = 0; i < capacity; i++) {
		if (old[i].by != 0)
			*ack_find(c, &old[i]) = old[i];
	}
	free(old);
	return OK;
}

static struct acknowledgement ack_of(
	const struct coalition *c, const struct origin *by, const struct origin *of, uint64_t index)
{
	return (struct acknowledgement){
		index, (uint16_t)(origin_number(c, by) + 1), (uint16_t)origin_number(c, of)};
}

bool acknowledged_by(
	const struct coalition *c, const struct origin *by, const struct origin *of, uint64_t index)
{
	struct acknowledgement ack = ack_of(c, by, of, index);

	return c->acks_count > 0 && ack_find(c, &ack)->by != 0;
}

static enum err_kind acknowledgement_apply(
	struct coalition *c, struct origin *by, struct json_value v, struct err *e)
{
	struct acknowledgement ack, *at;
	struct slice origin = json_get_string(v, "origin");
	struct json_value number;
	struct origin *of = origin_find(c, origin);
	int64_t index;
	enum err_kind kind;

	if (of == NULL || !json_get(v, "index", &number) || !json_to_i64(number, &index) ||
		index < 0)
		return err_set(e, ERR_INVALID, "acknowledgement: origin or index are wrong");
	if (by == c->own)
		return index_set_add(&of->acknowledged, (uint64_t)index, e);
	kind = acks_grow(c, e);
	if (kind != OK)
		return kind;
	ack = ack_of(c, by, of, (uint64_t)index);
	at = ack_find(c, &ack);
	c->acks_count += at->by == 0;
	*at = ack;
	return OK;
}

static enum err_kind recall_apply(struct coalition *c, struct origin *o, uint64_t entry,
	struct slice content, int64_t time_us, struct err *e)
{
	struct json_parser *parser;
	struct json_doc doc;
	struct json_value v;
	struct slice type;
	enum err_kind kind;

	if (content.len > WITHDRAWAL_BYTES_MAX)
		return err_set(e, ERR_INVALID, "withdrawal: %zu bytes", content.len);
	parser = json_parser_new(WITHDRAWAL_BYTES_MAX);
	if (parser == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = json_parse(parser, content, &doc, e);
	if (kind == OK) {
		v = json_root(&doc);
		type = json_get_string(v, "type");
		if (slice_is(type, "withdrawal"))
			kind = withdrawal_apply(c, o, entry, v, time_us, e);
		else if (slice_is(type, "acknowledgement"))
			kind = acknowledgement_apply(c, o, v, e);
		else if (slice_is(type, "lost"))
			kind = OK; /* counted when it was found: lost_look */
		else
			kind = err_set(e, ERR_INVALID, "withdrawal: unknown type \"%.*s\"",
				SLICE_ARG(type));
	}
	json_parser_free(parser);
	return kind;
}

static enum err_kind acknowledge(struct coalition *c, const struct withdrawal *w, struct err *e)
{
	struct buf text = BUF_MAX(WITHDRAWAL_BYTES_MAX);
	struct json_writer j = JSON_WRITER(&text);
	uint64_t index;
	enum err_kind kind;

	json_write_object(&j);
	json_member_text(&j, "type", "acknowledgement");
	json_member_text(&j, "origin", w->origin->key.name);
	json_member_i64(&j, "index", (int64_t)w->entry);
	json_write_end(&j, '}');
	kind = text.bad ? err_set(e, ERR_NOMEM, "out of memory")
			: own_append(c, LEDGER_WITHDRAWAL, buf_slice(&text), &index, e);
	buf_fini(&text);
	return kind == OK ? index_set_add(&w->origin->acknowledged, w->entry, e) : kind;
}

enum err_kind acknowledge_rest(struct coalition *c, struct err *e)
{
	enum err_kind kind = OK;

	if (own_waiting(c))
		return OK;
	while (kind == OK && c->withdrawals_done < c->withdrawals_count) {
		const struct withdrawal *w = &c->withdrawals[c->withdrawals_done];

		if (w->origin != c->own && !index_set_has(&w->origin->acknowledged, w->entry)) {
			/* Tried again each time that we publish. */
			if (w->code == WITHDRAW_ERASE && c->sink->forgotten != NULL &&
				!c->sink->forgotten(c->sink->context))
				break;
			kind = acknowledge(c, w, e);
		}
		c->withdrawals_done += kind == OK;
	}
	return kind;
}

enum err_kind coalition_withdraw(struct coalition *c, uint64_t index, enum withdrawal_code code,
	struct slice reason, struct err *e)
{
	struct buf text = BUF_MAX(WITHDRAWAL_BYTES_MAX);
	struct json_writer j = JSON_WRITER(&text);
	struct ledger_leaf leaf;
	uint64_t entry;
	enum err_kind kind = OK;

	if (reason.len > COALITION_REASON_MAX || !utf8_valid(reason))
		return err_set(e, ERR_USAGE, "reason: expected UTF-8 of at most %d bytes",
			COALITION_REASON_MAX);
	json_write_object(&j);
	json_member_text(&j, "type", "withdrawal");
	json_member_i64(&j, "index", (int64_t)index);
	json_member_text(&j, "code", withdrawal_code_name(code));
	json_member_string(&j, "reason", reason);
	json_write_end(&j, '}');
	pthread_mutex_lock(&c->lock);
	if (c->own == NULL || index >= ledger_size(c->own->log))
		kind = err_set(
			e, ERR_USAGE, "our log has no entry %llu", (unsigned long long)index);
	else if (index_set_has(&c->own->withdrawn, index))
		kind = err_set(e, ERR_CONFLICT, "entry %llu is withdrawn already",
			(unsigned long long)index);
	else
		kind = ledger_leaf_get(c->own->log, index, &leaf, e);
	if (kind == OK && leaf.class >= LEDGER_DECISION)
		kind = err_set(e, ERR_USAGE, "entry %llu is a %s: only objects are withdrawn",
			(unsigned long long)index, ledger_class_name(leaf.class));
	if (kind == OK)
		kind = text.bad ? err_set(e, ERR_NOMEM, "out of memory")
				: own_append(c, LEDGER_WITHDRAWAL, buf_slice(&text), &entry, e);
	if (kind == OK)
		kind = specials_apply(c, c->own, e);
	pthread_mutex_unlock(&c->lock);
	buf_fini(&text);
	return kind;
}

/* ---- charters and decisions
 * ------------------------------------------------------------------------- */

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

static enum err_kind binding_apply(struct coalition *c, struct origin *o, enum ledger_class class,
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

/* ---- in order
 * ------------------------------------------------------------------------------------------- */

/* What is held of a special entry: read back, it must still open its leaf, or a flipped bit of a
 * withdrawal would take back another entry than was meant. */
static enum err_kind content_read(
	struct origin *o, uint64_t index, struct buf *content, struct err *e)
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
		kind = content_read(o, s->index, &content, e);
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

/* ---- entries that nobody has any more
 * ------------------------------------------------------------------ */

static enum err_kind lost_read(
	struct origin *o, uint64_t entry, struct slice content, struct err *e)
{
	struct json_parser *parser = json_parser_new(WITHDRAWAL_BYTES_MAX);
	struct json_doc doc;
	struct json_value number;
	int64_t index;
	enum err_kind kind = OK;

	if (parser == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (content.len <= WITHDRAWAL_BYTES_MAX && json_parse(parser, content, &doc, NULL) == OK &&
		slice_is(json_get_string(json_root(&doc), "type"), "lost") &&
		json_get(json_root(&doc), "index", &number) && json_to_i64(number, &index) &&
		index >= 0 && (uint64_t)index < entry)
		kind = index_set_add(&o->lost, (uint64_t)index, e);
	json_parser_free(parser);
	return kind;
}

/* Behind a closed entry its author may say that it is lost. */
static enum err_kind lost_look(struct origin *o, struct err *e)
{
	enum err_kind kind = OK;

	for (size_t i = o->specials_open; i < o->specials_count && kind == OK; i++) {
		struct special *s = &o->specials[i];
		struct buf content = BUF_INIT;

		if (!s->opened || s->looked || s->class != LEDGER_WITHDRAWAL ||
			s->index >= o->frozen_size)
			continue;
		s->looked = true;
		kind = content_read(o, s->index, &content, e);
		if (kind == OK)
			kind = lost_read(o, s->index, buf_slice(&content), e);
		buf_fini(&content);
	}
	return kind;
}

/* Below this a quorum of the others was asked, and has none. */
static uint64_t nobody_has_to(const struct coalition *c)
{
	unsigned number = origin_number(c, c->own), quorum = charter_quorum(c->charter);
	uint64_t to[COALITION_MEMBERS_MAX]; /* descending */
	size_t count = 0;

	for (size_t i = 0; i < c->peers_count; i++) {
		uint64_t none_to = c->peers[i]->offers[number].none_to;
		size_t at = count++;

		for (; at > 0 && to[at - 1] < none_to; at--)
			to[at] = to[at - 1];
		to[at] = none_to;
	}
	if (quorum == 0)
		return UINT64_MAX;
	return quorum > count ? 0 : to[quorum - 1];
}

enum err_kind lost_declare(struct coalition *c, struct err *e)
{
	struct origin *o = c->own;
	unsigned number = origin_number(c, o);
	uint64_t to;
	enum err_kind kind = OK;

	if (o->specials_open == o->specials_count)
		return OK;
	to = nobody_has_to(c);
	if (to == 0)
		return OK;
	for (size_t i = o->specials_open, count = o->specials_count; i < count && kind == OK; i++) {
		struct buf text = BUF_MAX(WITHDRAWAL_BYTES_MAX);
		struct json_writer j = JSON_WRITER(&text);
		uint64_t index = o->specials[i].index, entry;

		if (index >= to)
			break;
		if (o->specials[i].opened || index_set_has(&o->lost, index))
			continue;
		json_write_object(&j);
		json_member_text(&j, "type", "lost");
		json_member_i64(&j, "index", (int64_t)index);
		json_write_end(&j, '}');
		kind = text.bad ? err_set(e, ERR_NOMEM, "out of memory")
				: own_append(c, LEDGER_WITHDRAWAL, buf_slice(&text), &entry, e);
		buf_fini(&text);
	}
	/* The others are asked for those that are behind. */
	for (size_t i = 0; i < c->peers_count; i++)
		c->peers[i]->offers[number].asked_specials = false;
	return kind == OK ? specials_apply(c, o, e) : kind;
}

enum err_kind specials_apply(struct coalition *c, struct origin *o, struct err *e)
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

enum err_kind origin_void(struct coalition *c, struct origin *o, struct err *e)
{
	uint64_t size = ledger_size(o->log);
	enum err_kind kind = OK;

	for (uint64_t i = o->frozen_size; i < size && kind == OK; i++)
		kind = entry_forget(c, o, i, e);
	return kind;
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
