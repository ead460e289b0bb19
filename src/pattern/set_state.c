/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What patterns of several observations have seen so far. What is kept never holds a match: one
 * that comes about is told at once and what it used is forgotten. So each new observation is asked
 * one question, bind.c's, over those that can be in one match with it.
 *
 * Nothing outlives its use: with a WITHIN around the whole pattern, observations older than the
 * window and LATE_US, for events that come late, go. Should memory run out, the oldest go first,
 * counted.
 */
#include <stdlib.h>

#include "set.h"

#define LATE_US      (600 * US_PER_SECOND) /* how late an event may come and still meet its window */
#define STEPS_MAX    20000 /* bindings tried for one new observation: a millisecond */
#define SEEN_FIRST   4     /* room of a new list */
#define EVIDENCE_MAX 16    /* places that a hit names */

struct list {
	uint32_t *at;
	uint32_t count, room;
};

struct state {
	struct seen *pool;
	uint32_t count, room;
	uint32_t clean_at; /* look for what is too old when there are so many */
	int64_t newest_us;
	bool frames;
	size_t leaves;
	struct list *lists; /* per leaf, sorted by time */
	struct candidates *candidates;
};

static size_t state_bytes(const struct state *t)
{
	size_t bytes = sizeof(*t) + t->room * sizeof(*t->pool) +
		       t->leaves * (sizeof(*t->lists) + sizeof(*t->candidates));

	for (size_t k = 0; k < t->leaves; k++)
		bytes += t->lists[k].room * sizeof(uint32_t);
	return bytes;
}

static struct state *state_new(size_t leaves)
{
	struct state *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->lists = calloc(leaves, sizeof(*t->lists));
	t->candidates = calloc(leaves, sizeof(*t->candidates));
	t->leaves = leaves;
	t->newest_us = INT64_MIN;
	t->clean_at = 64;
	if (t->lists == NULL || t->candidates == NULL) {
		free(t->lists);
		free(t->candidates);
		free(t);
		return NULL;
	}
	return t;
}

void state_free(struct pattern_set *s, struct set_pattern *p)
{
	struct state *t = p->state;

	if (t == NULL)
		return;
	s->memory -= state_bytes(t);
	s->states--;
	for (size_t k = 0; k < t->leaves; k++)
		free(t->lists[k].at);
	free(t->lists);
	free(t->candidates);
	free(t->pool);
	free(t);
	p->state = NULL;
}

/* ---- forgetting ------------------------------------------------------------------------------ */

/* Those with `used` set go; the others move up and keep their order. */
static bool state_compact(struct state *t)
{
	uint32_t *moved = malloc((t->count + 1) * sizeof(*moved));
	uint32_t kept = 0;

	if (moved == NULL)
		return false;
	for (uint32_t k = 0; k < t->count; k++) {
		moved[k] = t->pool[k].used != 0 ? UINT32_MAX : kept;
		if (t->pool[k].used == 0)
			t->pool[kept++] = t->pool[k];
	}
	for (size_t l = 0; l < t->leaves; l++) {
		struct list *list = &t->lists[l];
		uint32_t stay = 0;

		for (uint32_t k = 0; k < list->count; k++) {
			if (moved[list->at[k]] != UINT32_MAX)
				list->at[stay++] = moved[list->at[k]];
		}
		list->count = stay;
	}
	t->count = kept;
	free(moved);
	return true;
}

static bool state_forget_old(struct state *t, int64_t window_us)
{
	int64_t oldest;

	t->clean_at = t->count * 2 > 64 ? t->count * 2 : 64;
	if (window_us == INT64_MAX || t->newest_us == INT64_MIN ||
		__builtin_sub_overflow(t->newest_us, window_us, &oldest) ||
		__builtin_sub_overflow(oldest, LATE_US, &oldest))
		return true;
	for (uint32_t k = 0; k < t->count; k++) {
		if (t->pool[k].last_us != INT64_MIN && t->pool[k].last_us < oldest)
			t->pool[k].used = 1;
	}
	if (!state_compact(t))
		return false;
	t->clean_at = t->count * 2 > 64 ? t->count * 2 : 64;
	return true;
}

static int by_time(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The older half goes, and its room. */
static bool state_shed(struct pattern_set *s, struct state *t)
{
	size_t before = state_bytes(t);
	int64_t *times = malloc((t->count + 1) * sizeof(*times));
	uint32_t gone = 0, half = (t->count + 1) / 2;
	struct seen *pool;

	if (times == NULL)
		return false;
	for (uint32_t k = 0; k < t->count; k++)
		times[k] = t->pool[k].first_us;
	qsort(times, t->count, sizeof(*times), by_time);
	for (uint32_t k = 0; k < t->count && gone < half; k++) {
		if (t->pool[k].first_us <= times[half - 1]) {
			t->pool[k].used = 1;
			gone++;
		}
	}
	free(times);
	if (!state_compact(t))
		return false;
	s->counts.shed += gone;
	for (size_t l = 0; l < t->leaves; l++) {
		struct list *list = &t->lists[l];
		uint32_t *at = realloc(list->at, (list->count + 1) * sizeof(*at));

		if (at != NULL) {
			list->at = at;
			list->room = list->count + 1;
		}
	}
	pool = realloc(t->pool, (t->count + 1) * sizeof(*pool));
	if (pool != NULL) {
		t->pool = pool;
		t->room = t->count + 1;
	}
	s->memory += state_bytes(t);
	s->memory -= before;
	return true;
}

/* Whoever holds more than its share gives half; in the worst case all do, down to nothing. */
static bool set_shed(struct pattern_set *s)
{
	struct set_pattern *patterns = set_patterns(s);
	size_t count = s->patterns.len / sizeof(*patterns);
	size_t share = s->states > 0 ? s->memory_max / s->states : s->memory_max;

	for (size_t k = 0; k < count && s->memory > s->memory_max; k++) {
		struct state *t = patterns[k].state;

		while (t != NULL && t->count > 0 && state_bytes(t) > share &&
			s->memory > s->memory_max) {
			if (!state_shed(s, t))
				return false;
		}
	}
	/* more patterns than there is room for their least: some must forget all */
	for (size_t k = 0; k < count && s->memory > s->memory_max; k++) {
		if (patterns[k].state != NULL) {
			s->counts.shed += patterns[k].state->count;
			state_free(s, &patterns[k]);
		}
	}
	return true;
}

/* ---- seeing
 * ------------------------------------------------------------------------------------------------------
 */

static bool list_insert(struct state *t, struct list *list, uint32_t index)
{
	int64_t first = t->pool[index].first_us;
	uint32_t low = 0, high = list->count;

	if (list->count == list->room) {
		uint32_t room = list->room == 0 ? SEEN_FIRST : list->room * 2;
		uint32_t *more = realloc(list->at, room * sizeof(*more));

		if (more == NULL)
			return false;
		list->at = more;
		list->room = room;
	}
	/* most come in the order of time */
	if (high > 0 && t->pool[list->at[high - 1]].first_us <= first)
		low = high;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (t->pool[list->at[middle]].first_us <= first)
			low = middle + 1;
		else
			high = middle;
	}
	memmove(&list->at[low + 1], &list->at[low], (list->count - low) * sizeof(*list->at));
	list->at[low] = index;
	list->count++;
	return true;
}

static bool state_add(
	struct state *t, const uint32_t *leaves, size_t count, const struct place *place)
{
	bool timed = place->time_us != TIME_UNKNOWN;
	struct seen seen = {.first_us = timed ? place->time_us : INT64_MAX,
		.last_us = timed ? place->time_us : INT64_MIN,
		.number = place->number,
		.count = 1,
		.leaves = (uint32_t)count};

	if (t->count == t->room) {
		uint32_t room = t->room == 0 ? SEEN_FIRST : t->room * 2;
		struct seen *more = realloc(t->pool, room * sizeof(*more));

		if (more == NULL)
			return false;
		t->pool = more;
		t->room = room;
	}
	t->pool[t->count] = seen;
	for (size_t k = 0; k < count; k++) {
		if (!list_insert(t, &t->lists[leaves[k]], t->count))
			return false;
	}
	t->count++;
	t->frames = place->frame;
	if (timed && place->time_us > t->newest_us)
		t->newest_us = place->time_us;
	return true;
}

/* "line 12, line 40": where the observations used were; then they are forgotten. */
static bool state_tell(struct pattern_set *s, struct state *t, struct pattern_hit *hit)
{
	size_t count = s->binding.bound.len / sizeof(uint32_t);
	uint32_t index;

	buf_clear(&s->text);
	hit->first_us = INT64_MAX;
	hit->last_us = INT64_MIN;
	hit->observations = (uint32_t)count;
	for (size_t k = 0; k < count; k++) {
		struct seen *seen;

		memcpy(&index, s->binding.bound.data + k * sizeof(index), sizeof(index));
		seen = &t->pool[index];
		seen->used = 1;
		if (k < EVIDENCE_MAX)
			buf_printf(&s->text, "%s%s %llu", k > 0 ? ", " : "",
				t->frames ? "frame" : "line", (unsigned long long)seen->number);
		else if (k == EVIDENCE_MAX)
			buf_text(&s->text, ", ...");
		if (seen->last_us == INT64_MIN)
			continue; /* no time */
		hit->first_us = seen->first_us < hit->first_us ? seen->first_us : hit->first_us;
		hit->last_us = seen->last_us > hit->last_us ? seen->last_us : hit->last_us;
	}
	if (hit->last_us == INT64_MIN)
		hit->first_us = hit->last_us = TIME_UNKNOWN;
	hit->evidence = buf_slice(&s->text);
	return !s->text.bad && state_compact(t);
}

static bool state_search(struct pattern_set *s, const struct set_pattern *p,
	const struct place *place, bool *ret_found)
{
	const struct pattern *compiled = &p->compiled;
	struct state *t = p->state;
	struct binding *b = &s->binding;
	enum err_kind kind;

	for (size_t k = 0; k < t->leaves; k++)
		t->candidates[k] =
			(struct candidates){t->lists[k].at, t->lists[k].count, NULL, NULL};
	b->pool = t->pool;
	b->leaves = t->candidates;
	b->steps = STEPS_MAX;
	b->from_us = INT64_MIN;
	b->to_us = INT64_MAX;
	if (compiled->window_us != INT64_MAX && place->time_us != TIME_UNKNOWN) {
		if (__builtin_sub_overflow(place->time_us, compiled->window_us, &b->from_us))
			b->from_us = INT64_MIN;
		if (__builtin_add_overflow(place->time_us, compiled->window_us, &b->to_us))
			b->to_us = INT64_MAX;
	}
	*ret_found = false;
	kind = bind_search(compiled, b, ret_found, NULL);
	s->counts.gave_up += kind == ERR_LIMIT;
	return kind == OK || kind == ERR_LIMIT;
}

bool state_see(struct pattern_set *s, struct set_pattern *p, const uint32_t *leaves, size_t count,
	const struct place *place, bool *ret_hit, struct pattern_hit *hit)
{
	size_t before;
	bool good;

	*ret_hit = false;
	if (p->state == NULL) {
		p->state = state_new(p->compiled.leaves_count);
		if (p->state == NULL)
			return false;
		s->memory += state_bytes(p->state);
		s->states++;
	}
	before = state_bytes(p->state);
	good = state_add(p->state, leaves, count, place) && state_search(s, p, place, ret_hit) &&
	       (!*ret_hit || state_tell(s, p->state, hit)) &&
	       (p->state->count < p->state->clean_at ||
		       state_forget_old(p->state, p->compiled.window_us));
	s->memory += state_bytes(p->state);
	s->memory -= before;
	if (!good)
		return false;
	if (p->state->count > PATTERN_OBSERVATIONS_MAX && !state_shed(s, p->state))
		return false;
	if (p->state->count == 0)
		state_free(s, p);
	return s->memory <= s->memory_max || set_shed(s);
}
