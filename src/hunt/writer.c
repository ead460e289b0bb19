/* SPDX-License-Identifier: MPL-2.0 */
/* Batches of a log become segments: keys are gathered, and at a segment's end made a filter. */
#include <stdlib.h>

#include "folder.h"
#include "keys.h"

#define DETAIL_BYTES   MIB(4) /* of one record in full, for its time */
#define DETAIL_BATCHES 16 /* full batches after which the time of the last record is asked for */

struct hunt_writer {
	char *folder;
	const struct world *world;
	struct keyer key;
	struct keys_waiting waiting; /* on their way into gather */
	struct gather gather;
	char *path, *format;
	struct segment_log log;
	struct arena *arena;
	/* the open segment */
	struct segment_facts facts;
	uint64_t last_record, end; /* offset behind the last record */
	bool open;
	unsigned full_batches; /* since the time was asked for */
	struct err error;      /* kept for finish */
};

enum err_kind hunt_writer_open(const char *folder, const struct world *world,
	struct hunt_writer **ret_writer, struct err *e)
{
	struct hunt_writer *w = calloc(1, sizeof(*w));
	enum err_kind kind;

	if (w == NULL)
		return err_set(e, ERR_NOMEM, "history in \"%s\": out of memory", folder);
	w->world = world;
	w->folder = strdup(folder);
	w->arena = arena_new(DETAIL_BYTES);
	if (!gather_init(&w->gather) || w->folder == NULL || w->arena == NULL) {
		hunt_writer_free(w);
		return err_set(e, ERR_NOMEM, "history in \"%s\": out of memory", folder);
	}
	kind = folder_make(folder, 0700, e);
	if (kind == OK)
		kind = folder_key(folder, world, &w->key, e);
	if (kind != OK) {
		hunt_writer_free(w);
		return kind;
	}
	*ret_writer = w;
	return OK;
}

void hunt_writer_free(struct hunt_writer *w)
{
	if (w == NULL)
		return;
	secret_wipe(&w->key, sizeof(w->key));
	gather_fini(&w->gather);
	arena_free(w->arena);
	free(w->folder);
	free(w->path);
	free(w->format);
	free(w);
}

/* ---- the end of a segment -------------------------------------------------------------------- */

static enum err_kind segment_write(struct hunt_writer *w, struct err *e)
{
	struct buf file = BUF_INIT;
	struct segment_log now;
	uint64_t number, seed;
	int64_t named;
	enum err_kind kind;
	char *path = NULL;

	if (w->gather.failed)
		return err_set(e, ERR_NOMEM, "history of \"%s\": out of memory for its values",
			w->facts.path);
	w->facts.key_id = w->key.id;
	w->facts.records = w->last_record - w->facts.first_record + 1;
	w->facts.bytes = w->end - w->facts.offset;
	/* The log has grown since; unless its name leads elsewhere by now. */
	if (folder_log_look(&w->key, w->facts.path, &now) && now.inode == w->log.inode &&
		now.device == w->log.device)
		w->log = now;
	w->facts.log = w->log;
	w->world->random(w->world->context, &number, sizeof(number));
	w->world->random(w->world->context, &seed, sizeof(seed));
	named = w->facts.first_us == TIME_UNKNOWN ? world_now(w->world) : w->facts.first_us;
	kind = segment_make(&w->facts, &w->key, &w->gather, seed, &file, e);
	if (kind == OK) {
		if (asprintf(&path, "%s/%0*lld-%016llx.hunt", w->folder, FOLDER_TIME_DIGITS,
			    (long long)(named < 0 ? 0 : named), (unsigned long long)number) < 0)
			kind = err_set(e, ERR_NOMEM, "out of memory");
		else
			kind = file_write_atomic(path, buf_slice(&file), 0600, e);
	}
	free(path);
	buf_fini(&file);
	return kind;
}

static enum err_kind segment_end(struct hunt_writer *w, struct err *e)
{
	enum err_kind kind;

	if (!w->open)
		return OK;
	keys_flush(&w->key, &w->waiting, &w->gather);
	kind = segment_write(w, e);
	w->open = false;
	gather_clear(&w->gather);
	return kind;
}

enum err_kind hunt_writer_source(
	struct hunt_writer *w, const char *path, const char *format, struct err *e)
{
	enum err_kind kind = segment_end(w, e);
	char *whole, *copy;

	if (kind != OK)
		return kind;
	whole = realpath(path, NULL);
	if (whole == NULL) /* standard input, an interface */
		whole = strdup(path);
	copy = strdup(format);
	if (whole == NULL || copy == NULL || strlen(whole) >= SEGMENT_PATH_MAX ||
		strlen(copy) >= SEGMENT_FORMAT_MAX) {
		kind = whole == NULL || copy == NULL
			       ? err_set(e, ERR_NOMEM, "history of \"%s\": out of memory", path)
			       : err_set(e, ERR_LIMIT,
					 "history of \"%s\": path or format is too "
					 "long",
					 path);
		free(whole);
		free(copy);
		return kind;
	}
	free(w->path);
	free(w->format);
	w->path = whole;
	w->format = copy;
	if (!folder_log_look(&w->key, whole, &w->log))
		w->log = (struct segment_log){0};
	return OK;
}

enum err_kind hunt_writer_finish(struct hunt_writer *w, struct err *e)
{
	if (w->error.kind != OK) {
		if (e != NULL)
			*e = w->error;
		return w->error.kind;
	}
	return segment_end(w, e);
}

/* ---- records --------------------------------------------------------------------------------- */

static void times_widen(struct segment_facts *f, int64_t us)
{
	if (us == TIME_UNKNOWN)
		return;
	if (f->first_us == TIME_UNKNOWN || us < f->first_us)
		f->first_us = us;
	if (f->last_us == TIME_UNKNOWN || us > f->last_us)
		f->last_us = us;
}

/* The slow way to a record's time. */
static void time_ask(struct hunt_writer *w, const struct batch *b, size_t record)
{
	struct event event;

	if (b->records[record].time_us != TIME_UNKNOWN || b->detail == NULL)
		return;
	if (b->detail(b, record, w->arena, &event))
		times_widen(&w->facts, event.time_us);
	arena_reset(w->arena);
	w->full_batches = 0;
}

/* Lines go up and a file that was cut begins again; what is put together from packets bears the
 * number of an earlier frame, so frames may go back a little. */
static bool record_fits(const struct hunt_writer *w, const struct batch *b, uint64_t number)
{
	if (number < w->facts.first_record)
		return b->frames && w->last_record - number < HUNT_SEGMENT_RECORDS;
	if (!b->frames && number < w->last_record)
		return false;
	return number - w->facts.first_record < HUNT_SEGMENT_RECORDS;
}

static void segment_begin(struct hunt_writer *w, const struct batch *b, size_t record)
{
	const struct record *r = &b->records[record];

	w->facts = (struct segment_facts){
		.first_record = r->number,
		.offset = r->offset,
		.first_us = TIME_UNKNOWN,
		.last_us = TIME_UNKNOWN,
		.path = w->path != NULL ? w->path : "",
		.format = w->format != NULL ? w->format : "",
	};
	w->last_record = r->number;
	w->end = r->offset;
	w->open = true;
	time_ask(w, b, record);
}

static bool record_take(struct hunt_writer *w, const struct batch *b, size_t record)
{
	const struct record *r = &b->records[record];
	uint64_t end = r->offset + r->raw_len + (b->frames ? 0 : 1); /* with the line's end */

	if (w->open && !record_fits(w, b, r->number)) {
		if (record > 0)
			time_ask(w, b, record - 1);
		if (segment_end(w, &w->error) != OK)
			return false;
	}
	if (!w->open)
		segment_begin(w, b, record);
	if (r->number < w->facts.first_record)
		w->facts.first_record = r->number;
	if (r->number > w->last_record)
		w->last_record = r->number;
	if (r->offset < w->facts.offset)
		w->facts.offset = r->offset;
	if (end > w->end)
		w->end = end;
	times_widen(&w->facts, r->time_us);
	return true;
}

/* Too many different values? What is there twice goes first; the last eighth is not filled up, or
 * looking for it would begin again with every few values. */
static bool keys_full(struct hunt_writer *w)
{
	if (w->gather.count < HUNT_KEYS_MAX)
		return false;
	gather_settle(&w->gather);
	return w->gather.count >= HUNT_KEYS_MAX - HUNT_KEYS_MAX / 8;
}

/* Both segments then hold the record. */
static bool segment_full(struct hunt_writer *w, const struct batch *b, size_t record)
{
	time_ask(w, b, record);
	return segment_end(w, &w->error) == OK && record_take(w, b, record);
}

bool hunt_writer_batch(struct hunt_writer *w, const struct batch *batch)
{
	size_t field = 0;

	if (w->error.kind != OK)
		return false;
	for (size_t i = 0; i < batch->records_count; i++) {
		if (!record_take(w, batch, i))
			return false;
		for (; field < batch->fields_count && batch->fields[field].record == i; field++) {
			const struct field *f = &batch->fields[field];
			const struct column *c = &batch->columns[f->column];

			if (c->kind == FIELD_NONE)
				continue;
			if (keys_full(w) && !segment_full(w, batch, i))
				return false;
			keys_field(&w->key, c, f, &w->waiting, &w->gather);
		}
	}
	keys_flush(&w->key, &w->waiting, &w->gather);
	if (batch->records_count == 0)
		return true;
	if (w->gather.failed) {
		(void)err_set(&w->error, ERR_NOMEM,
			"history of \"%s\": out of memory for its values", w->facts.path);
		return false;
	}
	/* Nobody says which batch is the last: those that are not full, and of the others some. */
	if (++w->full_batches >= DETAIL_BATCHES || (batch->records_count < BATCH_RECORDS / 2 &&
							   batch->fields_count < BATCH_FIELDS / 2))
		time_ask(w, batch, batch->records_count - 1);
	return true;
}
