/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Entries that nobody has any more: after a lost disk their author says so, or nothing behind them
 * would ever be taken.
 */
#include "inside.h"
#include "json/json.h"

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

enum err_kind lost_look(struct origin *o, struct err *e)
{
	enum err_kind kind = OK;

	for (size_t i = o->specials_open; i < o->specials_count && kind == OK; i++) {
		struct special *s = &o->specials[i];
		struct buf content = BUF_INIT;

		if (!s->opened || s->looked || s->class != LEDGER_WITHDRAWAL ||
			s->index >= o->frozen_size)
			continue;
		s->looked = true;
		kind = special_read(o, s->index, &content, e);
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
