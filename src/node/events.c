/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Push: what other members are told over their streams of events, that there is something newer;
 * and what was told, so that a stream is told the difference. What it is they ask as ever.
 *
 *   id: COUNTER
 *   event: heads
 *   data: EPOCH                           as in an answer with heads
 *   data: ORIGIN SIZE QUORUM APPLIED      a line for each log that changed, coalition_shown
 *
 * COUNTER grows by one with each change, from the microsecond in which we started: one of another
 * run of this process is none of ours, and who brings it is told everything.
 */
#include <stdlib.h>

#include "parts.h"

struct stream {
	struct events *all;
	char member[COALITION_NAME_MAX + 1];
	struct http_events *events; /* NULL: free */
	uint64_t told;              /* up to this counter */
};

struct row {
	char origin[NOTE_NAME_MAX + 1];
	uint64_t size, quorum, applied;
	uint64_t changed; /* the counter then */
};

struct events {
	pthread_mutex_t lock; /* of all that follows */
	uint64_t first, counter;
	uint64_t epoch;
	struct row *rows; /* never fewer; the number of a row stays */
	size_t rows_count, rows_capacity;
	struct stream streams[EVENTS_MAX];
};

enum err_kind events_open(const struct world *world, struct events **ret_events, struct err *e)
{
	struct events *ev = calloc(1, sizeof(*ev));
	int64_t now = world_now(world);

	if (ev == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	pthread_mutex_init(&ev->lock, NULL);
	ev->first = ev->counter = now > 0 ? (uint64_t)now : 1;
	*ret_events = ev;
	return OK;
}

void events_free(struct events *ev)
{
	if (ev == NULL)
		return;
	pthread_mutex_destroy(&ev->lock);
	free(ev->rows);
	free(ev);
}

/* ---- what there is --------------------------------------------------------------------------- */

/* Under the lock; EVENTS_ROWS_MAX: none of that name. */
static size_t row_find(const struct events *ev, struct slice origin)
{
	for (size_t i = 0; i < ev->rows_count; i++) {
		if (slice_is(origin, ev->rows[i].origin))
			return i;
	}
	return EVENTS_ROWS_MAX;
}

static struct row *row_make(struct events *ev, struct slice origin)
{
	size_t at = row_find(ev, origin);

	if (at < EVENTS_ROWS_MAX)
		return &ev->rows[at];
	if (ev->rows_count == EVENTS_ROWS_MAX || origin.len > NOTE_NAME_MAX)
		return NULL;
	if (ev->rows_count == ev->rows_capacity) {
		size_t capacity = ev->rows_capacity * 2 + 8;
		struct row *more = realloc(ev->rows, capacity * sizeof(*more));

		if (more == NULL)
			return NULL;
		ev->rows = more;
		ev->rows_capacity = capacity;
	}
	ev->rows[ev->rows_count] = (struct row){0};
	memcpy(ev->rows[ev->rows_count].origin, origin.data, origin.len);
	return &ev->rows[ev->rows_count++];
}

bool events_tell(
	struct events *ev, uint64_t epoch, const struct coalition_shown *list, size_t count)
{
	bool changed, ours = false;

	pthread_mutex_lock(&ev->lock);
	changed = epoch != ev->epoch;
	ev->epoch = epoch;
	for (size_t i = 0; i < count; i++) {
		const struct coalition_shown *s = &list[i];
		struct row *row = row_make(ev, s->origin);

		if (row == NULL || (row->size == s->size && row->quorum == s->quorum &&
					   row->applied == s->applied))
			continue; /* what has no room here is found by asking */
		ours = ours || (s->ours && row->size != s->size);
		row->size = s->size;
		row->quorum = s->quorum;
		row->applied = s->applied;
		row->changed = ev->counter + 1;
		changed = true;
	}
	if (changed)
		ev->counter++;
	for (size_t i = 0; i < EVENTS_MAX && changed; i++) {
		if (ev->streams[i].events != NULL)
			http_events_ring(ev->streams[i].events);
	}
	pthread_mutex_unlock(&ev->lock);
	return ours;
}

size_t events_row(struct events *ev, struct slice origin)
{
	size_t at;

	pthread_mutex_lock(&ev->lock);
	at = row_find(ev, origin);
	pthread_mutex_unlock(&ev->lock);
	return at;
}

bool events_hold(struct events *ev, size_t at, uint64_t size, uint64_t quorum)
{
	bool hold;

	pthread_mutex_lock(&ev->lock);
	hold = at < ev->rows_count && ev->rows[at].size >= size && ev->rows[at].quorum >= quorum;
	pthread_mutex_unlock(&ev->lock);
	return hold;
}

/* ---- streams --------------------------------------------------------------------------------- */

static void stream_say(void *state, struct buf *out)
{
	struct stream *s = state;
	struct events *ev = s->all;

	pthread_mutex_lock(&ev->lock);
	if (s->told != ev->counter) {
		buf_printf(out, "id: %llu\nevent: heads\ndata: %llu\n",
			(unsigned long long)ev->counter, (unsigned long long)ev->epoch);
		for (size_t i = 0; i < ev->rows_count; i++) {
			const struct row *row = &ev->rows[i];

			if (row->changed > s->told)
				buf_printf(out, "data: %s %llu %llu %llu\n", row->origin,
					(unsigned long long)row->size,
					(unsigned long long)row->quorum,
					(unsigned long long)row->applied);
		}
		buf_char(out, '\n');
		s->told = ev->counter;
	}
	pthread_mutex_unlock(&ev->lock);
}

static void stream_ended(void *state)
{
	struct stream *s = state;
	struct http_events *events;

	pthread_mutex_lock(&s->all->lock);
	events = s->events;
	s->events = NULL;
	pthread_mutex_unlock(&s->all->lock);
	http_events_drop(events);
}

struct http_events *events_begin(
	struct events *ev, const char *member, struct slice last_id, unsigned *ret_status)
{
	struct http_events *mine = NULL;
	struct stream *free_one = NULL;
	uint64_t last = 0;
	size_t same = 0;

	pthread_mutex_lock(&ev->lock);
	for (size_t i = 0; i < EVENTS_MAX; i++) {
		struct stream *s = &ev->streams[i];

		if (s->events == NULL)
			free_one = s;
		else
			same += strcmp(s->member, member) == 0;
	}
	*ret_status = same >= EVENTS_PER_MEMBER ? 429 : 503;
	if (same < EVENTS_PER_MEMBER && free_one != NULL) {
		*free_one = (struct stream){.all = ev};
		snprintf(free_one->member, sizeof(free_one->member), "%s", member);
		if (slice_to_u64(last_id, &last) && last >= ev->first && last <= ev->counter)
			free_one->told = last;
		free_one->events = http_events_new(
			&(struct http_events_source){stream_say, stream_ended, free_one});
		if (free_one->events != NULL)
			mine = http_events_keep(free_one->events);
	}
	pthread_mutex_unlock(&ev->lock);
	return mine;
}

void events_end_all(struct events *ev)
{
	pthread_mutex_lock(&ev->lock);
	for (size_t i = 0; i < EVENTS_MAX; i++) {
		if (ev->streams[i].events != NULL)
			http_events_end(ev->streams[i].events);
	}
	pthread_mutex_unlock(&ev->lock);
}

/* ---- hearing --------------------------------------------------------------------------------- */

static bool number_next(struct slice *rest, uint64_t *ret_number)
{
	struct slice word;

	return slice_next(rest, ' ', &word) && slice_to_u64(word, ret_number);
}

enum err_kind events_read(struct slice data, uint64_t *ret_epoch,
	void (*each)(void *context, const struct coalition_shown *row), void *context,
	struct err *e)
{
	struct slice rest = data, line;
	size_t count = 0;

	if (!slice_next(&rest, '\n', &line) || !slice_to_u64(line, ret_epoch))
		return err_set(e, ERR_PARSE, "event: expected an epoch, not \"%.*s\"",
			SLICE_ARG(slice_cut(line, 0, 40)));
	while (slice_next(&rest, '\n', &line)) {
		struct coalition_shown row = {0};
		struct slice words = line;

		if (++count > EVENTS_ROWS_MAX)
			return err_set(e, ERR_LIMIT, "event: more than %d logs", EVENTS_ROWS_MAX);
		if (!slice_next(&words, ' ', &row.origin) || !note_name_valid(row.origin) ||
			!number_next(&words, &row.size) || !number_next(&words, &row.quorum) ||
			!number_next(&words, &row.applied) || words.len != 0)
			return err_set(e, ERR_PARSE,
				"event: expected a log and three numbers, not \"%.*s\"",
				SLICE_ARG(slice_cut(line, 0, 80)));
		each(context, &row);
	}
	return OK;
}
