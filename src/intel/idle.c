/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What an idle thread does. Objects that came before the rules of their traits (with an older
 * program) get them here, some at a time; until then nothing is known of them, and so little of
 * them leaves.
 */
#include "accept.h"
#include "release.h"

#define TRAITS_STEP 2000 /* objects in one go: 50 ms, and one transaction */
#define TRAITS_NOTE "intel/traits"

struct pass {
	struct intel *intel;
	struct accept_checker checker;
	struct arena *arena; /* texts of a step */
	struct store_traits *list;
	size_t count;
	int64_t last; /* serial up to which it was looked */
	bool at_end;
};

static bool everything(void *context, const struct store_row *row)
{
	(void)context;
	(void)row;
	return true;
}

/* Where the pass stands: "RULES SERIAL", or "RULES done". */
static enum err_kind pass_begin(struct intel *i, int64_t *ret_last, bool *ret_done, struct err *e)
{
	struct buf value = BUF_INIT;
	struct slice rest, rules, place;
	uint64_t number, serial;
	bool found;
	enum err_kind kind = store_note_get(i->store, SLICE(TRAITS_NOTE), &value, &found, e);

	*ret_last = 0;
	*ret_done = false;
	if (kind == OK && found) {
		rest = buf_slice(&value);
		if (slice_next(&rest, ' ', &rules) && slice_next(&rest, ' ', &place) &&
			slice_to_u64(rules, &number) && number == TRAITS_RULES) {
			*ret_done = slice_is(place, "done");
			if (slice_to_u64(place, &serial) && serial < INT64_MAX)
				*ret_last = (int64_t)serial;
		}
	}
	buf_fini(&value);
	return kind;
}

static enum err_kind pass_row(
	struct pass *p, struct store_cursor *c, const struct store_row *row, struct err *e)
{
	struct accept_checker *k = &p->checker;
	struct stix_value *values = NULL;
	struct buf body = BUF_INIT;
	struct stix_facts facts;
	struct json_doc doc;
	size_t count = 0;
	enum err_kind kind = store_cursor_body(c, &body, e);
	bool all;

	if (kind == OK && json_parse(k->parser, buf_slice(&body), &doc, NULL) == OK) {
		stix_report_reset(&k->report);
		kind = stix_check(json_root(&doc), &k->report, &facts, e);
		if (kind == OK &&
			(facts.class == STIX_SCO || slice_is(facts.key.type, "indicator")))
			kind = stix_values(
				json_root(&doc), k->report.arena, &values, &count, &all, e);
		if (kind == OK) {
			buf_clear(&k->traits);
			traits_append(json_root(&doc), &facts, values, count, &k->traits);
			p->list[p->count].serial = row->serial;
			p->list[p->count].text = arena_copy(p->arena, buf_slice(&k->traits));
			if (k->traits.bad || p->list[p->count].text.data == NULL)
				kind = err_set(e, ERR_NOMEM, "out of memory");
			else
				p->count++;
		}
	}
	buf_fini(&body);
	return kind;
}

static enum err_kind pass_rows(struct pass *p, struct store_reader *r, struct err *e)
{
	const struct store_audience us = {everything, NULL};
	struct store_cursor *c = NULL;
	enum err_kind kind = store_all_open(r, p->last, true, us, &c, e);

	for (size_t looked = 0; kind == OK && looked < TRAITS_STEP; looked++) {
		struct store_row row;
		struct slice text;
		struct traits traits;
		bool more;

		kind = store_cursor_next(c, &row, &more, e);
		if (kind != OK)
			break;
		if (!more) {
			p->at_end = true;
			break;
		}
		p->last = row.serial;
		kind = store_traits_get(r, row.traits, &text, e);
		if (kind == OK && !traits_parse(text, &traits))
			kind = pass_row(p, c, &row, e);
		if (kind == ERR_CORRUPT) /* its traits stay unknown; store_verify tells */
			kind = OK;
	}
	store_cursor_free(c);
	return kind;
}

/* The traits of some more objects. At the end it is noted that all have them, for every object that
 * comes later brings its own. */
static enum err_kind traits_step(struct intel *i, struct err *e)
{
	struct pass p = {.intel = i};
	struct store_reader *r = NULL;
	char text[48];
	struct store_note note = {
		SLICE(TRAITS_NOTE), {text, 0}
        };
	enum err_kind kind = pass_begin(i, &p.last, &i->traits_done, e);

	if (kind != OK || i->traits_done)
		return kind;
	p.arena = arena_new(MIB(4));
	kind = accept_checker_init(&p.checker, e);
	if (kind == OK && p.arena != NULL)
		p.list = ARENA_ARRAY(p.arena, struct store_traits, TRAITS_STEP);
	if (kind == OK && p.list == NULL)
		kind = err_set(e, ERR_NOMEM, "out of memory");
	if (kind == OK)
		kind = store_reader_take(i->store, &r, e);
	if (kind == OK)
		kind = pass_rows(&p, r, e);
	store_reader_give(r);
	if (kind == OK) {
		int len = p.at_end ? snprintf(text, sizeof(text), "%d done", TRAITS_RULES)
				   : snprintf(text, sizeof(text), "%d %lld", TRAITS_RULES,
					     (long long)p.last);

		note.value.len = (size_t)len;
		kind = store_traits_put(i->store, p.list, p.count, &note, e);
	}
	i->traits_done = kind == OK && p.at_end;
	accept_checker_fini(&p.checker);
	arena_free(p.arena);
	return kind;
}

enum err_kind intel_idle(struct intel *i, struct err *e)
{
	enum err_kind kind = store_idle(i->store, e);

	if (kind == OK)
		kind = intel_released_flush(i, e);
	if (kind == OK && !i->traits_done)
		kind = traits_step(i, e);
	if (kind == OK && i->traits_done)
		kind = release_retain_step(i, e);
	if (kind == OK)
		kind = release_expire_step(i, e);
	return kind;
}
