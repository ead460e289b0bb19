/* SPDX-License-Identifier: MPL-2.0 */
/* Our own log: objects into it, a checkpoint over them, and what the others must know about it. */
#include <stdlib.h>

#include "inside.h"

#define OWN_ARENA_MAX MIB(512) /* contents of one batch: 4,096 objects of at most 128 KiB each */
/* While there is more to log, so that others take the beginning of a large import meanwhile. */
#define CHECKPOINT_LEAVES 65536

static enum err_kind batch_append(
	struct coalition *c, const struct coalition_own *own, size_t count, struct err *e)
{
	struct ledger_entry *entries = calloc(count, sizeof(*entries));
	uint64_t first, last = own[count - 1].serial;
	int64_t now = world_now(c->world);
	enum err_kind kind;

	if (entries == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < count; i++)
		entries[i] = (struct ledger_entry){
			.class = own[i].for_all ? LEDGER_COALITION : LEDGER_RESTRICTED,
			.time_us = now,
			.content = own[i].content,
			.serial = own[i].serial,
		};
	kind = ledger_append(c->own->log, entries, count, &last, &first, e);
	free(entries);
	return kind;
}

static enum err_kind objects_append(
	struct coalition *c, uint64_t *ret_logged, bool *ret_more, struct err *e)
{
	struct arena *a = arena_new(OWN_ARENA_MAX);
	struct coalition_own *own;
	size_t count = 0;
	enum err_kind kind;

	if (a == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	kind = c->sink->own_after(
		c->sink->context, ledger_note(c->own->log), LEDGER_BATCH_MAX, a, &own, &count, e);
	if (kind == OK && count > 0)
		kind = batch_append(c, own, count, e);
	if (kind == OK && count > 0)
		kind = origin_scan(c->own, e);
	arena_free(a);
	if (kind == OK) {
		*ret_logged += count;
		*ret_more = count == LEDGER_BATCH_MAX;
	}
	return kind;
}

/* Read back what will be signed, let the signer decide, keep the note. */
static enum err_kind checkpoint_make(struct coalition *c, struct err *e)
{
	struct origin *o = c->own;
	struct note_checkpoint checkpoint = {slice_of(o->key.name), ledger_size(o->log), {0}};
	struct ledger_path path = {.count = 0};
	struct buf line = BUF_INIT, text = BUF_INIT, note = BUF_INIT;
	struct signed_head head = {0};
	enum err_kind kind;

	/* What others told the signer counts as signed. */
	kind = signer_signed_size(&c->signer, &c->signed_size, e);
	if (kind != OK)
		return kind;
	if (checkpoint.size < c->signed_size)
		return err_set(e, ERR_DENIED,
			"our log has %llu leaves here, but %llu were signed: waiting for the "
			"others",
			(unsigned long long)checkpoint.size, (unsigned long long)c->signed_size);
	kind = ledger_root(o->log, checkpoint.size, checkpoint.root, e);
	if (kind == OK && c->signed_size > 0)
		kind = ledger_consistency(o->log, c->signed_size, checkpoint.size, &path, e);
	if (kind == OK)
		kind = ledger_recheck(o->log, c->signed_size, checkpoint.size, checkpoint.root, e);
	if (kind == OK)
		kind = signer_checkpoint(
			&c->signer, checkpoint.size, checkpoint.root, &path, &line, e);
	if (kind != OK)
		goto out;
	c->signed_size = checkpoint.size;
	note_checkpoint_format(&checkpoint, &text);
	note_write(buf_slice(&text), buf_slice(&line), &note);
	kind = text.bad || note.bad ? err_set(e, ERR_NOMEM, "out of memory")
				    : head_read(c, o, buf_slice(&note), &head, e);
	if (kind == OK)
		kind = head_keep(c, o, &head, e);
out:
	head_fini(&head);
	buf_fini(&line);
	buf_fini(&text);
	buf_fini(&note);
	return kind;
}

static bool checkpoint_due(const struct coalition *c, bool more)
{
	uint64_t size = ledger_size(c->own->log), under = c->own->head.size;

	if (size == 0 || (size <= under && c->own->head.note.len != 0))
		return false;
	return !more || size - under >= CHECKPOINT_LEAVES;
}

static enum err_kind publish(
	struct coalition *c, uint64_t *ret_logged, bool *ret_more, struct err *e)
{
	enum err_kind kind;

	kind = own_ready(c, e);
	if (kind == OK)
		kind = acknowledge_rest(c, e);
	if (kind == OK)
		kind = evidence_publish_rest(c, e);
	if (kind == OK)
		kind = bindings_hand_on(c, e);
	if (kind == OK)
		kind = lost_declare(c, e);
	if (kind == OK)
		kind = objects_append(c, ret_logged, ret_more, e);
	if (kind == OK)
		kind = specials_apply(c, c->own, e);
	if (kind == OK && checkpoint_due(c, *ret_more))
		kind = checkpoint_make(c, e);
	if (kind == OK)
		kind = candidates_settle(c, e);
	return kind;
}

enum err_kind coalition_publish(
	struct coalition *c, uint64_t *ret_logged, bool *ret_more, struct err *e)
{
	enum err_kind kind;

	*ret_logged = 0;
	*ret_more = false;
	pthread_mutex_lock(&c->lock);
	kind = publish(c, ret_logged, ret_more, e);
	pthread_mutex_unlock(&c->lock);
	return kind;
}

/* From the end: what is asked for is mostly new. */
enum err_kind coalition_index_of(
	struct coalition *c, uint64_t serial, uint64_t *ret_index, bool *ret_found, struct err *e)
{
	static const size_t chunk = 4096;
	struct ledger_place *places = calloc(chunk, sizeof(*places));
	enum err_kind kind = OK;
	uint64_t to;

	*ret_found = false;
	if (places == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	pthread_mutex_lock(&c->lock);
	to = c->own == NULL ? 0 : ledger_size(c->own->log);
	while (kind == OK && to > 0 && !*ret_found) {
		uint64_t count = to < chunk ? to : chunk;

		kind = ledger_places(c->own->log, to - count, count, places, e);
		for (uint64_t i = count; i > 0 && kind == OK && !*ret_found; i--) {
			if (places[i - 1].where == LEDGER_STORED &&
				places[i - 1].serial == serial) {
				*ret_index = to - count + i - 1;
				*ret_found = true;
			}
		}
		to -= count;
	}
	pthread_mutex_unlock(&c->lock);
	free(places);
	return kind;
}

enum err_kind coalition_prove(struct coalition *c, struct slice origin, uint64_t index,
	struct buf *ret_proof, struct buf *ret_content, struct err *e)
{
	struct ledger_proof proof = {.index = index, .has_opening = true};
	const struct signed_head *head;
	struct ledger_place place;
	struct origin *o;
	bool found = true;
	enum err_kind kind = OK;

	pthread_mutex_lock(&c->lock);
	o = origin_find(c, origin);
	if (o == NULL)
		o = origin_of_member(c, origin);
	if (o == NULL) {
		kind = err_set(e, ERR_USAGE, "no log \"%.*s\"", SLICE_ARG(origin));
		goto out;
	}
	head = o->quorum.size > index ? &o->quorum : &o->head;
	if (index >= head->size) {
		kind = err_set(e, ERR_USAGE, "\"%s\": entry %llu is under no checkpoint yet",
			o->key.name, (unsigned long long)index);
		goto out;
	}
	proof.checkpoint = buf_slice(&head->note);
	kind = ledger_leaf_get(o->log, index, &proof.leaf, e);
	if (kind == OK)
		kind = ledger_opening_get(o->log, index, proof.salt, &place, ret_content, e);
	if (kind == OK && place.where == LEDGER_STORED)
		kind = c->sink->content(c->sink->context, place.serial, ret_content, &found, e);
	if (kind == OK && (!found || place.where == LEDGER_NOWHERE || place.where == LEDGER_ERASED))
		kind = err_set(e, ERR_USAGE, "\"%s\": the content of entry %llu is not here",
			o->key.name, (unsigned long long)index);
	if (kind == OK)
		kind = ledger_inclusion(o->log, index, head->size, &proof.path, e);
	if (kind == OK)
		ledger_proof_write(&proof, ret_proof);
out:
	pthread_mutex_unlock(&c->lock);
	return kind;
}
