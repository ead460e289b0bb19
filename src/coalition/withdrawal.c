/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Withdrawals: an author takes an entry of its own log back, everybody forgets what is behind it,
 * and says so in its own log.
 */
#include <stdlib.h>

#include "inside.h"
#include "json/json.h"

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

/* Salt, content and object go; the leaf stays, and every proof of another leaf still verifies. When
 * the power goes before entries_erase, all this is applied again at the next start. */
enum err_kind entry_forget(struct coalition *c, struct origin *o, uint64_t index, struct err *e)
{
	uint8_t salt[LEDGER_SALT_LEN];
	struct ledger_place place;
	enum err_kind kind = OK;

	for (size_t i = 0; i < o->forgotten_count; i++)
		if (o->forgotten[i] == index)
			return OK;
	if (o->forgotten_count == EXPIRE_ERASED)
		kind = entries_erase(o, e);
	if (kind == OK)
		kind = ledger_opening_get(o->log, index, salt, &place, NULL, e);
	secret_wipe(salt, sizeof(salt));
	if (kind == OK && place.where == LEDGER_STORED)
		kind = c->sink->forget(c->sink->context, place.serial, e);
	if (kind == OK)
		kind = index_set_add(&o->known, index, e);
	if (kind != OK)
		return kind;
	o->forgotten[o->forgotten_count++] = index;
	if (place.where != LEDGER_NOWHERE && place.where != LEDGER_ERASED && o->opened > 0)
		o->opened--;
	return OK;
}

enum err_kind entries_erase(struct origin *o, struct err *e)
{
	enum err_kind kind = OK;

	if (o->forgotten_count > 0)
		kind = ledger_erase_many(o->log, o->forgotten, o->forgotten_count, e);
	if (kind == OK)
		o->forgotten_count = 0;
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

/* ---- who acknowledged ------------------------------------------------------------------------ */

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

enum err_kind recall_apply(struct coalition *c, struct origin *o, uint64_t entry,
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

	for (size_t i = 0; i < c->origins_count && kind == OK; i++)
		kind = entries_erase(c->origins[i], e);
	if (kind != OK || own_waiting(c))
		return kind;
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
	struct ledger_leaf leaf = {0};
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
