/* SPDX-License-Identifier: MPL-2.0 */
/*
 * STIX observed-data as a log: one record each, with the values of its observables, which it holds
 * itself (2.0, and 2.1 with "objects") or refers to (2.1). An observable may stand before or behind
 * what refers to it, so both wait for each other in a table of bounded size.
 *
 * A file whose first line is a whole document is read line by line, so that a damaged line costs
 * only itself; anything else is one stream (a bundle over many lines, or a very long one).
 */
#include "stix_logs.h"

#include <stdlib.h>

/* Of observables and observations that wait; then all are let go */
#define KEPT_BYTES_MAX MIB(32)
#define KEPT_MAX       16384 /* of both together */
#define SLOTS          (2 * KEPT_MAX)
/* Past these, what nobody waits for is forgotten at a moment when nothing waits, so that the tables
 * do not fill up in the middle of an observation: early between documents, which seldom refer to
 * each other, late within one. A line (1 MiB at the most) has room behind the first. */
#define KEPT_EARLY       (KEPT_MAX / 4)
#define KEPT_LATE        (KEPT_MAX / 16 * 15)
#define REFS_MAX         4096   /* object_refs of one observed-data that are followed */
#define ID_BYTES_MAX     512    /* a type of 250 and a UUID are less */
#define VALUES_BYTES_MAX MIB(8) /* of one record: its values and names, once for detail */

enum mode { MODE_OPEN, MODE_LINES, MODE_STREAM };

/* An observable, or the place of one that is waited for. */
struct kept {
	struct slice id;
	struct slice bytes; /* empty: not seen yet */
	bool refers;        /* to others */
	uint32_t waiting;   /* first of the links to who waits for it; index + 1 */
};

struct link {
	uint32_t observation;
	uint32_t next; /* index + 1 */
};

struct observation {
	struct slice bytes;
	uint64_t line, offset;
	uint32_t missing;
	bool done;
};

/* What looking through one observation needs. */
struct stix_look {
	struct json_parser *parser;
	struct stix_references refs;
};

struct stix {
	enum mode mode;
	struct json_split *split;
	struct stix_look read, detail; /* apart: a record's values may be flushed in the middle */
	struct json_parser *parser;    /* of the object in hand */
	struct json_parser *observation_parser; /* the same, for detail */
	struct arena *kept_arena, *arena;
	bool lost;  /* behind a broken envelope, until a line begins an object */
	bool fresh; /* only blanks since the last line end */
	uint8_t key[16];
	uint32_t slots[SLOTS]; /* index into kept + 1 */
	struct kept kept[KEPT_MAX];
	struct link links[KEPT_MAX];
	struct observation observations[KEPT_MAX];
	size_t kept_count, links_count, observations_count;
	size_t waiting;                  /* observations that are not done */
	size_t kept_bytes;               /* about what is in kept_arena */
	uint64_t base_line, base_offset; /* where the split began */
};

/* ---- the table ------------------------------------------------------------------------------- */

static void table_clear(struct stix *s)
{
	memset(s->slots, 0, sizeof(s->slots));
	s->kept_count = s->links_count = s->observations_count = s->waiting = s->kept_bytes = 0;
	arena_reset(s->kept_arena);
}

static void table_forget(struct stix *s, size_t most)
{
	size_t count = s->kept_count;

	if (s->links_count > count)
		count = s->links_count;
	if (s->observations_count > count)
		count = s->observations_count;
	if (s->waiting == 0 && (count > most || s->kept_bytes > KEPT_BYTES_MAX / KEPT_MAX * most))
		table_clear(s);
}

/* The entry of an id; with `make` a new one when there is none. NULL: none, or no room. */
static struct kept *table_get(struct stix *s, struct slice id, bool make)
{
	size_t at = hash_table(s->key, id) % SLOTS;

	for (; s->slots[at] != 0; at = (at + 1) % SLOTS)
		if (slice_equal(s->kept[s->slots[at] - 1].id, id))
			return &s->kept[s->slots[at] - 1];
	if (!make || s->kept_count == KEPT_MAX)
		return NULL;
	id = arena_copy(s->kept_arena, id);
	if (id.data == NULL)
		return NULL;
	s->kept_bytes += id.len;
	s->kept[s->kept_count] = (struct kept){.id = id};
	s->slots[at] = (uint32_t)++s->kept_count;
	return &s->kept[s->kept_count - 1];
}

/* ---- a record -------------------------------------------------------------------------------- */

/* For each observable of the observation: what is said of others (pass 0), its values (pass 1). */
static bool observable_visit(struct stix_look *look, struct line_out *o, struct arena *a,
	unsigned pass, struct slice id, struct json_value v)
{
	if (!json_is_object(v))
		return true;
	if (pass == 0)
		return stix_references_add(&look->refs, a, v);
	stix_values_put(o, a, &look->refs, id, v);
	return !o->failed;
}

static bool referred_put(struct stix *s, struct stix_look *look, struct line_out *o,
	struct arena *a, const struct slice *ids, size_t count)
{
	for (unsigned pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < count; i++) {
			struct kept *kept = table_get(s, ids[i], false);
			struct json_doc doc;

			if (kept == NULL || kept->bytes.len == 0 || (pass == 0 && !kept->refers) ||
				json_parse(look->parser, kept->bytes, &doc, NULL) != OK)
				continue;
			if (!observable_visit(look, o, a, pass, ids[i], json_root(&doc)))
				return false;
		}
	}
	return true;
}

/* All values of an observed-data that was parsed. False: stopped or no memory. */
static bool observation_put(struct stix *s, struct stix_look *look, struct line_out *o,
	struct arena *a, struct json_value observation)
{
	struct json_value objects, value;
	struct slice key, *ids;
	size_t count = 0, most;

	look->refs.count = 0;
	if (json_get(observation, "objects", &objects) && json_is_object(objects)) {
		for (unsigned pass = 0; pass < 2; pass++)
			for (struct json_iter it = json_iter(objects);
				json_object_next(&it, &key, &value);)
				if (!observable_visit(look, o, a, pass, key, value))
					return false;
		return true;
	}
	if (!json_get(observation, "object_refs", &objects) || !json_is_array(objects))
		return true;
	most = json_count(objects) < REFS_MAX ? json_count(objects) : REFS_MAX;
	ids = ARENA_ARRAY(a, struct slice, most + 1);
	if (ids == NULL)
		return false;
	/* Copied: each observable is parsed by the same parser. */
	for (struct json_iter it = json_iter(objects);
		count < most && json_array_next(&it, &value);) {
		ids[count] = arena_copy(a, json_string(value));
		if (ids[count++].data == NULL)
			return false;
	}
	return referred_put(s, look, o, a, ids, count);
}

/* The bytes last until the flush here and no longer. v: what they are; NULL: not parsed yet. */
static bool record_put(struct logs_reader *r, struct slice bytes, uint64_t line, uint64_t offset,
	const struct json_value *v)
{
	struct stix *s = r->state;
	struct line_out o = {.r = r};
	struct json_value parsed;
	struct json_doc doc;

	arena_reset(s->arena);
	if (!logs_record(r, bytes, line, offset, TIME_UNKNOWN))
		return false;
	if (v == NULL && json_parse(s->parser, bytes, &doc, NULL) == OK) {
		parsed = json_root(&doc);
		v = &parsed;
	}
	/* Out of arena: a record of more values than it holds; what was put stays. */
	if (v != NULL && !observation_put(s, &s->read, &o, s->arena, *v) && r->stopped)
		return false;
	return logs_flush(r);
}

static bool stix_detail(
	struct logs_reader *r, struct slice line, struct arena *a, struct event *ret_event)
{
	struct stix *s = r->state;
	struct line_out o = {.a = a, .event = ret_event};
	struct json_doc doc;

	if (json_parse(s->observation_parser, line, &doc, NULL) != OK)
		return true;
	if (!time_parse(
		    json_get_string(json_root(&doc), "first_observed"), &ret_event->time_us, NULL))
		ret_event->time_us = TIME_UNKNOWN;
	return observation_put(s, &s->detail, &o, a, json_root(&doc));
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* What still waits goes out with what is there. */
static bool all_put(struct logs_reader *r)
{
	struct stix *s = r->state;

	for (size_t i = 0; i < s->observations_count; i++) {
		struct observation *o = &s->observations[i];

		if (!o->done && !record_put(r, o->bytes, o->line, o->offset, NULL))
			return false;
	}
	table_clear(s);
	return true;
}

/* `id` is the parser's; it does not outlast a record. */
static bool observable_keep(struct logs_reader *r, struct slice id, struct slice bytes)
{
	struct stix *s = r->state;
	char id_text[ID_BYTES_MAX];
	struct kept *kept = table_get(s, id, true);
	struct slice copy = kept == NULL ? (struct slice){0} : arena_copy(s->kept_arena, bytes);

	if (copy.data == NULL) { /* full: begin again */
		if (id.len > sizeof(id_text))
			return true;
		memcpy(id_text, id.data, id.len);
		id.data = id_text;
		if (!all_put(r))
			return false;
		kept = table_get(s, id, true);
		copy = kept == NULL ? copy : arena_copy(s->kept_arena, bytes);
		if (copy.data == NULL)
			return true;
	}
	if (kept->bytes.len != 0) /* the first of one id holds */
		return true;
	kept->bytes = copy;
	s->kept_bytes += copy.len;
	kept->refers = slice_find_text(copy, SLICE("_ref")) < copy.len;
	for (uint32_t link = kept->waiting; link != 0; link = s->links[link - 1].next) {
		struct observation *o = &s->observations[s->links[link - 1].observation];

		if (--o->missing != 0 || o->done)
			continue;
		o->done = true;
		s->waiting--;
		if (!record_put(r, o->bytes, o->line, o->offset, NULL))
			return false;
	}
	kept->waiting = 0;
	table_forget(s, KEPT_LATE);
	return true;
}

/* Waits for each observable that is not here yet; *ret_missing 0: none is missing. False: no room.
 */
static bool observation_wait(
	struct stix *s, struct json_value refs, uint32_t observation, uint32_t *ret_missing)
{
	struct json_value value;
	size_t count = 0;

	*ret_missing = 0;
	for (struct json_iter it = json_iter(refs);
		count < REFS_MAX && json_array_next(&it, &value); count++) {
		struct slice id = json_string(value);
		struct kept *kept = id.len == 0 ? NULL : table_get(s, id, true);

		if (id.len == 0 || (kept != NULL && kept->bytes.len != 0))
			continue;
		if (kept == NULL || s->links_count == KEPT_MAX)
			return false;
		s->links[s->links_count++] =
			(struct link){.observation = observation, .next = kept->waiting};
		kept->waiting = (uint32_t)s->links_count;
		(*ret_missing)++;
	}
	return true;
}

static bool observed_put(struct logs_reader *r, struct json_value v, struct slice bytes,
	uint64_t line, uint64_t offset)
{
	struct stix *s = r->state;
	struct json_value refs, objects;
	uint32_t missing = 0;
	struct slice copy;

	if ((json_get(v, "objects", &objects) && json_is_object(objects)) ||
		!json_get(v, "object_refs", &refs) || !json_is_array(refs))
		return record_put(r, bytes, line, offset, &v);
	if (s->observations_count == KEPT_MAX ||
		!observation_wait(s, refs, (uint32_t)s->observations_count, &missing)) {
		/* No room: what waits is let go, and this goes out with what is there. */
		if (s->observations_count < KEPT_MAX)
			s->observations[s->observations_count++] =
				(struct observation){.done = true};
		return record_put(r, bytes, line, offset, &v) && all_put(r);
	}
	if (missing == 0)
		return record_put(r, bytes, line, offset, &v);
	copy = arena_copy(s->kept_arena, bytes);
	s->observations[s->observations_count++] = (struct observation){.bytes = copy,
		.line = line,
		.offset = offset,
		.missing = missing,
		.done = copy.data == NULL};
	if (copy.data == NULL)
		return record_put(r, bytes, line, offset, &v) && all_put(r);
	s->kept_bytes += copy.len;
	s->waiting++;
	return true;
}

/* ---- objects
 * -----------------------------------------------------------------------------------------------
 */

static bool object_read(struct logs_reader *r, const struct json_item *item)
{
	struct stix *s = r->state;
	uint64_t line = s->base_line + item->line - 1;
	struct json_doc doc;
	struct slice type, id;
	struct err e = {0};

	if (json_parse_item(s->parser, item, &doc, &e) != OK) {
		logs_problem(r, line, "in the object that begins here, %s", e.text);
		return true;
	}
	type = json_get_string(json_root(&doc), "type");
	id = json_get_string(json_root(&doc), "id");
	if (slice_is(type, "observed-data"))
		return observed_put(
			r, json_root(&doc), item->bytes, line, s->base_offset + item->offset);
	/* Identities, indicators and the like observe nothing. */
	if (id.len != 0 && !slice_is(type, "indicator") && !slice_is(type, "identity") &&
		!slice_is(type, "marking-definition") && !slice_is(type, "relationship") &&
		!slice_is(type, "sighting"))
		return observable_keep(r, id, item->bytes);
	return true;
}

static bool split_begin(struct logs_reader *r, uint64_t line, uint64_t offset)
{
	struct stix *s = r->state;

	json_split_free(s->split);
	s->split = json_split_new(JSON_OBJECT_MAX);
	s->base_line = line;
	s->base_offset = offset;
	return s->split != NULL;
}

/* What the split has; *ret_broken when its envelope is. *ret_after: the end of the last object, as
 * an offset in the stream. */
static bool split_read(struct logs_reader *r, bool *ret_broken, uint64_t *ret_after)
{
	struct stix *s = r->state;
	enum json_split_kind kind;
	struct json_item item;
	struct err e = {0};

	*ret_broken = false;
	for (;;) {
		if (json_split_next(s->split, &kind, &item, &e) != OK) {
			logs_problem(r, s->base_line, "%s", e.text);
			*ret_broken = true;
			return true;
		}
		if (kind == JSON_SPLIT_MORE || kind == JSON_SPLIT_END)
			return true;
		if (kind == JSON_SPLIT_PROBLEM) {
			logs_problem(r, s->base_line + item.line - 1, "%s", item.problem);
			continue;
		}
		if (!object_read(r, &item))
			return false;
		*ret_after = s->base_offset + item.offset + item.bytes.len;
	}
}

/* ---- lines
 * ----------------------------------------------------------------------------------------------------
 */

static bool line_of_stix(struct logs_reader *r, struct slice line, uint64_t offset)
{
	struct stix *s = r->state;
	uint64_t unused;
	bool broken, good;

	if (slice_trim(line).len == 0)
		return true;
	if (!split_begin(r, r->line, offset))
		return false;
	json_split_feed(s->split, line);
	good = split_read(r, &broken, &unused);
	if (good && !broken) {
		json_split_finish(s->split);
		good = split_read(r, &broken, &unused);
	}
	table_forget(s, KEPT_EARLY);
	return good;
}

static bool lines_read(struct logs_reader *r, struct slice bytes, bool last, size_t *ret_taken)
{
	size_t at = 0;
	bool good = true;

	while (good && at < bytes.len) {
		size_t end = slice_find(bytes, '\n', at);

		if (end == bytes.len && !last)
			break;
		if (end - at > LOGS_LINE_MAX)
			r->counts.too_long++;
		else
			good = line_of_stix(
				r, logs_line_trim(slice_cut(bytes, at, end)), r->offset + at);
		r->counts.lines++;
		r->line++;
		at = end < bytes.len ? end + 1 : end;
	}
	*ret_taken = at;
	return good;
}

/* ---- a stream
 * ----------------------------------------------------------------------------------------------------
 */

/* Behind a broken envelope: where the next line begins an object. bytes.len: not here. */
static size_t next_begin(struct stix *s, struct slice bytes, size_t at)
{
	for (; at < bytes.len; at++) {
		char c = bytes.data[at];

		if (!s->fresh) {
			at = slice_find(bytes, '\n', at);
			s->fresh = at < bytes.len;
		} else if (c == '{') {
			return at;
		} else {
			s->fresh = c == ' ' || c == '\t' || c == '\n' || c == '\r';
		}
	}
	return bytes.len;
}

static uint64_t newlines(struct slice s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += s.data[i] == '\n' ? 1 : 0;
	return n;
}

static bool stream_read(struct logs_reader *r, struct slice bytes, bool last)
{
	struct stix *s = r->state;
	uint64_t line = r->line, after = r->offset;
	size_t at = 0, counted = 0;
	bool broken = false, good = true;

	while (good && at < bytes.len) {
		if (s->split == NULL) {
			if (s->lost)
				at = next_begin(s, bytes, at);
			line += newlines(slice_cut(bytes, counted, at));
			counted = at;
			if (at == bytes.len)
				break;
			if (!split_begin(r, line, r->offset + at))
				return false;
			s->lost = false;
		}
		after = r->offset + at;
		json_split_feed(s->split, slice_cut(bytes, at, bytes.len));
		good = split_read(r, &broken, &after);
		if (!broken)
			break;
		json_split_free(s->split);
		s->split = NULL;
		s->lost = true;
		s->fresh = false;
		if (after > r->offset + at)
			at = (size_t)(after - r->offset);
		else
			at++;
	}
	if (good && last && s->split != NULL) {
		json_split_finish(s->split);
		good = split_read(r, &broken, &after);
		json_split_free(s->split);
		s->split = NULL;
	}
	return good;
}

/* ---- the row
 * --------------------------------------------------------------------------------------------------------
 */

/* Is the first line a whole document? */
static bool mode_choose(struct logs_reader *r, struct slice bytes, bool last)
{
	struct stix *s = r->state;
	struct json_split *split;
	enum json_split_kind kind = JSON_SPLIT_MORE;
	struct json_item item;
	size_t from = 0, end;

	while (from < bytes.len && (bytes.data[from] == '\n' || bytes.data[from] == '\r' ||
					   bytes.data[from] == ' ' || bytes.data[from] == '\t'))
		from++;
	end = slice_find(bytes, '\n', from);
	if (end == bytes.len && !last) {
		if (bytes.len - from > LOGS_LINE_MAX)
			s->mode = MODE_STREAM;
		return true;
	}
	s->mode = MODE_STREAM;
	if (end - from > LOGS_LINE_MAX)
		return true;
	split = json_split_new(JSON_OBJECT_MAX);
	if (split == NULL)
		return false;
	json_split_feed(split, slice_cut(bytes, from, end));
	for (bool finished = false; json_split_next(split, &kind, &item, NULL) == OK;) {
		if (kind == JSON_SPLIT_MORE && !finished) {
			json_split_finish(split);
			finished = true;
		} else if (kind == JSON_SPLIT_END) {
			s->mode = MODE_LINES;
			break;
		}
	}
	json_split_free(split);
	return true;
}

static bool stix_block(struct logs_reader *r, struct slice bytes, bool last, size_t *ret_taken)
{
	struct stix *s = r->state;
	uint64_t lines;
	bool good = true;

	*ret_taken = 0;
	if (s->mode == MODE_OPEN && bytes.len != 0 && !mode_choose(r, bytes, last))
		return false;
	if (s->mode == MODE_LINES) {
		good = lines_read(r, bytes, last, ret_taken);
	} else if (s->mode == MODE_STREAM) {
		good = stream_read(r, bytes, last);
		lines = newlines(bytes);
		if (last && bytes.len != 0 && bytes.data[bytes.len - 1] != '\n')
			lines++;
		r->counts.lines += lines;
		r->line += lines;
		*ret_taken = bytes.len;
	}
	return good && (!last || all_put(r));
}

static void stix_close(struct logs_reader *r)
{
	struct stix *s = r->state;

	if (s == NULL)
		return;
	json_split_free(s->split);
	json_parser_free(s->parser);
	json_parser_free(s->observation_parser);
	json_parser_free(s->read.parser);
	json_parser_free(s->detail.parser);
	arena_free(s->kept_arena);
	arena_free(s->arena);
	free(s);
}

static enum err_kind stix_open(struct logs_reader *r, struct err *e)
{
	const struct world *world = r->world != NULL ? r->world : world_real();
	struct stix *s = calloc(1, sizeof(*s));

	r->state = s;
	if (s == NULL)
		return err_set(e, ERR_NOMEM, "log reader: out of memory");
	s->parser = json_parser_new(JSON_OBJECT_MAX);
	s->observation_parser = json_parser_new(JSON_OBJECT_MAX);
	s->read.parser = json_parser_new(JSON_OBJECT_MAX);
	s->detail.parser = json_parser_new(JSON_OBJECT_MAX);
	s->kept_arena = arena_new(KEPT_BYTES_MAX);
	s->arena = arena_new(VALUES_BYTES_MAX);
	if (s->parser == NULL || s->observation_parser == NULL || s->read.parser == NULL ||
		s->detail.parser == NULL || s->kept_arena == NULL || s->arena == NULL)
		return err_set(e, ERR_NOMEM, "log reader: out of memory");
	world->random(world->context, s->key, sizeof(s->key));
	return OK;
}

static bool stix_resume(struct logs_reader *r, struct slice head)
{
	struct stix *s = r->state;

	(void)head;
	json_split_free(s->split);
	s->split = NULL;
	s->mode = MODE_OPEN;
	s->lost = false;
	table_clear(s);
	return true;
}

/* A bundle, or an observed-data, near the front. */
static unsigned stix_guess(struct slice head, const char *name)
{
	struct slice text = slice_trim(head);

	(void)name;
	if (text.len == 0 || (text.data[0] != '{' && text.data[0] != '['))
		return 0;
	if (slice_find_text(text, SLICE("\"observed-data\"")) < text.len)
		return 96;
	return slice_find_text(text, SLICE("\"bundle\"")) < text.len &&
			       slice_find_text(text, SLICE("\"bundle--")) < text.len
		       ? 94
		       : 0;
}

const struct logs_format_row logs_stix = {.name = "stix",
	.guess = stix_guess,
	.open = stix_open,
	.close = stix_close,
	.block = stix_block,
	.detail = stix_detail,
	.resume = stix_resume};
