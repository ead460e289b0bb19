/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A stream of objects into the store: the pushing thread checks, a second thread writes, so that
 * checking one batch and syncing the one before overlap. Three batches circulate; when all are on
 * their way the pusher waits, so memory is bounded whatever the size of the stream.
 */
#include <pthread.h>
#include <stdlib.h>

#include "accept.h"

#define INTAKE_BATCHES 3

struct intake_batch {
	struct accept_batch batch;
	struct store_note note; /* key empty: none; value's bytes follow in note_value */
	struct buf note_key, note_value;
	uint64_t next_index; /* of the object after this batch's last, for the resume note */
	struct intake_batch *next;
};

struct intel_intake {
	struct intel *intel;
	struct intel_intake_options options;
	struct slice resume_key; /* our copy */
	struct buf member, resume;
	int64_t *collections;
	struct accept_checker checker;
	struct intake_batch batches[INTAKE_BATCHES];
	struct intake_batch *filling;
	uint64_t next_index; /* of the object after the last one pushed */
	bool thread_runs;
	pthread_t thread;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	struct intake_batch *empty;            /* list */
	struct intake_batch *full, **full_end; /* queue in order */
	bool writing;
	bool closing;
	struct intel_counts counts;
	enum err_kind failed;
	struct err failure;
};

static enum err_kind batch_write(
	struct intel_intake *t, struct intake_batch *b, struct intel_counts *counts, struct err *e)
{
	struct store_note notes[2];
	size_t notes_count = 0;
	char index_text[24];
	enum err_kind kind;

	if (t->resume_key.len > 0) {
		int len = snprintf(
			index_text, sizeof(index_text), "%llu", (unsigned long long)b->next_index);

		notes[notes_count++] = (struct store_note){
			t->resume_key, {index_text, (size_t)len}
                };
	}
	if (b->note_key.len > 0)
		notes[notes_count++] =
			(struct store_note){buf_slice(&b->note_key), buf_slice(&b->note_value)};
	kind = accept_batch_write(
		&b->batch, intel_store(t->intel), &t->options.source, notes, notes_count, e);
	if (kind != OK)
		return kind;
	for (size_t k = 0; k < b->batch.verdicts_count; k++) {
		const struct intel_verdict *v = &b->batch.verdicts[k];

		counts->by_outcome[v->outcome]++;
		counts->tolerated += v->tolerated;
		if (t->options.report != NULL &&
			(t->options.report_all || v->tolerated || v->outcome == INTEL_REFUSED ||
				v->outcome == INTEL_CONFLICT))
			t->options.report(t->options.context, v);
	}
	counts->objects += b->batch.verdicts_count;
	counts->bytes += b->batch.bytes;
	return OK;
}

static void batch_clear(struct intake_batch *b)
{
	accept_batch_reset(&b->batch);
	buf_clear(&b->note_key);
	buf_clear(&b->note_value);
	b->next = NULL;
}

static void *intake_thread(void *context)
{
	struct intel_intake *t = context;

	pthread_mutex_lock(&t->lock);
	for (;;) {
		struct intake_batch *b;
		struct intel_counts counts = {0};
		struct err e;
		enum err_kind kind;

		while (t->full == NULL && !t->closing)
			pthread_cond_wait(&t->changed, &t->lock);
		if (t->closing)
			break;
		b = t->full;
		t->full = b->next;
		if (t->full == NULL)
			t->full_end = &t->full;
		/* After a failure nothing more is written: what follows would leave a hole. */
		kind = t->failed;
		t->writing = true;
		pthread_mutex_unlock(&t->lock);
		if (kind == OK)
			kind = batch_write(t, b, &counts, &e);
		batch_clear(b);
		pthread_mutex_lock(&t->lock);
		t->writing = false;
		if (kind != OK && t->failed == OK) {
			t->failed = kind;
			t->failure = e;
		}
		t->counts.objects += counts.objects;
		t->counts.bytes += counts.bytes;
		t->counts.tolerated += counts.tolerated;
		for (int k = 0; k < INTEL_OUTCOMES; k++)
			t->counts.by_outcome[k] += counts.by_outcome[k];
		b->next = t->empty;
		t->empty = b;
		pthread_cond_broadcast(&t->changed);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

enum err_kind intel_intake_open(struct intel *i, const struct intel_intake_options *options,
	struct intel_intake **ret_intake, struct err *e)
{
	size_t collections_bytes = options->source.collections_count * sizeof(int64_t);
	struct intel_intake *t;
	enum err_kind kind = OK;

	if (options->source.member.len == 0 || options->source.member.len > INTEL_MEMBER_MAX)
		return err_set(e, ERR_USAGE, "a member's name of %zu bytes, expected 1 to %d",
			options->source.member.len, INTEL_MEMBER_MAX);
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	t->intel = i;
	t->options = *options;
	t->full_end = &t->full;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->changed, NULL);
	/* Our own copies: the caller's may go away. */
	buf_slice_append(&t->member, options->source.member);
	t->options.source.member = buf_slice(&t->member);
	buf_slice_append(&t->resume, options->resume_key);
	t->resume_key = buf_slice(&t->resume);
	t->collections = malloc(collections_bytes + 1);
	if (t->collections == NULL || t->member.bad || t->resume.bad) {
		kind = err_set(e, ERR_NOMEM, "out of memory");
		goto fail;
	}
	if (collections_bytes > 0)
		memcpy(t->collections, options->source.collections, collections_bytes);
	t->options.source.collections = t->collections;
	kind = accept_checker_init(&t->checker, e);
	t->checker.tolerant = options->source.tolerant;
	for (size_t k = 0; k < INTAKE_BATCHES && kind == OK; k++) {
		kind = accept_batch_init(&t->batches[k].batch, ACCEPT_BATCH_OBJECTS, e);
		t->batches[k].next = t->empty;
		t->empty = &t->batches[k];
	}
	if (kind != OK)
		goto fail;
	if (pthread_create(&t->thread, NULL, intake_thread, t) != 0) {
		kind = err_set(e, ERR_NOMEM, "could not start a thread");
		goto fail;
	}
	t->thread_runs = true;
	*ret_intake = t;
	return OK;

fail:
	intel_intake_close(t);
	return kind;
}

void intel_intake_close(struct intel_intake *t)
{
	if (t == NULL)
		return;
	if (t->thread_runs) {
		pthread_mutex_lock(&t->lock);
		t->closing = true;
		pthread_cond_broadcast(&t->changed);
		pthread_mutex_unlock(&t->lock);
		pthread_join(t->thread, NULL);
	}
	for (size_t k = 0; k < INTAKE_BATCHES; k++) {
		accept_batch_fini(&t->batches[k].batch);
		buf_fini(&t->batches[k].note_key);
		buf_fini(&t->batches[k].note_value);
	}
	accept_checker_fini(&t->checker);
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
	buf_fini(&t->member);
	buf_fini(&t->resume);
	free(t->collections);
	free(t);
}

/* Hand the filling batch to the writer. */
static void intake_hand_over(struct intel_intake *t)
{
	struct intake_batch *b = t->filling;

	if (b == NULL)
		return;
	t->filling = NULL;
	pthread_mutex_lock(&t->lock);
	b->next = NULL;
	*t->full_end = b;
	t->full_end = &b->next;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

/* An empty batch to fill; waits for the writer. */
static enum err_kind intake_room(struct intel_intake *t, struct err *e)
{
	enum err_kind kind;

	if (t->filling != NULL)
		return OK;
	pthread_mutex_lock(&t->lock);
	while (t->empty == NULL && t->failed == OK)
		pthread_cond_wait(&t->changed, &t->lock);
	kind = t->failed;
	if (kind == OK) {
		t->filling = t->empty;
		t->empty = t->filling->next;
	} else if (e != NULL) {
		*e = t->failure;
	}
	pthread_mutex_unlock(&t->lock);
	return kind;
}

static void intake_added(struct intel_intake *t, const struct intel_place *place)
{
	struct accept_batch *b = &t->filling->batch;

	t->next_index = place->index + 1;
	t->filling->next_index = t->next_index;
	if (b->verdicts_count >= b->capacity || b->bytes >= ACCEPT_BATCH_BYTES)
		intake_hand_over(t);
}

enum err_kind intel_intake_push(
	struct intel_intake *t, struct slice bytes, const struct intel_place *place, struct err *e)
{
	enum err_kind kind = intake_room(t, e);

	if (kind != OK)
		return kind;
	kind = accept_batch_add(&t->filling->batch, &t->checker, bytes, true, place, e);
	if (kind != OK)
		return kind;
	intake_added(t, place);
	return OK;
}

enum err_kind intel_intake_problem(
	struct intel_intake *t, const char *problem, const struct intel_place *place, struct err *e)
{
	enum err_kind kind = intake_room(t, e);

	if (kind != OK)
		return kind;
	kind = accept_batch_refuse(
		&t->filling->batch, (struct slice){0}, slice_of(problem), place, e);
	if (kind != OK)
		return kind;
	intake_added(t, place);
	return OK;
}

enum err_kind intel_intake_mark(
	struct intel_intake *t, const struct store_note *note, struct err *e)
{
	enum err_kind kind = intake_room(t, e);

	if (kind != OK)
		return kind;
	buf_slice_append(&t->filling->note_key, note->key);
	buf_slice_append(&t->filling->note_value, note->value);
	if (t->filling->note_key.bad || t->filling->note_value.bad)
		return err_set(e, ERR_NOMEM, "out of memory");
	t->filling->next_index = t->next_index;
	intake_hand_over(t);
	return OK;
}

enum err_kind intel_intake_flush(struct intel_intake *t, const struct store_note *note,
	struct intel_counts *ret_counts, struct err *e)
{
	enum err_kind kind;

	if (note != NULL) {
		kind = intel_intake_mark(t, note, e);
		if (kind != OK)
			return kind;
	}
	intake_hand_over(t);
	pthread_mutex_lock(&t->lock);
	while ((t->full != NULL || t->writing) && t->failed == OK)
		pthread_cond_wait(&t->changed, &t->lock);
	kind = t->failed;
	if (kind != OK && e != NULL)
		*e = t->failure;
	if (kind == OK && ret_counts != NULL)
		*ret_counts = t->counts;
	pthread_mutex_unlock(&t->lock);
	return kind;
}

struct intel_counts intel_intake_counts(struct intel_intake *t)
{
	struct intel_counts counts;

	pthread_mutex_lock(&t->lock);
	counts = t->counts;
	pthread_mutex_unlock(&t->lock);
	return counts;
}
