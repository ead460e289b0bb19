/* SPDX-License-Identifier: MPL-2.0 */
/* One pattern over given observations: every pair of brackets against every observation, then the
 * search for a way to put them together. */
#include <stdlib.h>

#include "observe.h"

struct match {
	const struct pattern *p;
	const struct observation **order; /* each id once, in its newest version, by first_us */
	size_t count;
	struct seen *pool;
	struct candidates *leaves;
	struct binding binding;
	struct judge judge;
	struct arena *arena;
};

static int by_id_newest(const void *a, const void *b)
{
	const struct observation *x = *(const struct observation *const *)a;
	const struct observation *y = *(const struct observation *const *)b;
	int order = slice_compare(x->id, y->id);

	if (order == 0)
		order = (x->modified_us < y->modified_us) - (x->modified_us > y->modified_us);
	return order != 0 ? order : (x > y) - (x < y);
}

static int by_time(const void *a, const void *b)
{
	const struct observation *x = *(const struct observation *const *)a;
	const struct observation *y = *(const struct observation *const *)b;

	if (x->first_us != y->first_us)
		return x->first_us < y->first_us ? -1 : 1;
	return (x > y) - (x < y);
}

/* Versions of one observed-data are one observation, which must not count twice. */
static bool order_observations(struct match *m, const struct pattern_observations *o)
{
	const struct observation *list = observations_list(o);
	size_t kept = 0;

	m->order = ARENA_ARRAY(m->arena, const struct observation *, o->count + 1);
	m->pool = ARENA_ARRAY(m->arena, struct seen, o->count + 1);
	if (m->order == NULL || m->pool == NULL)
		return false;
	for (size_t k = 0; k < o->count; k++)
		m->order[k] = &list[k];
	qsort(m->order, o->count, sizeof(*m->order), by_id_newest);
	for (size_t k = 0; k < o->count; k++) {
		if (kept == 0 || !slice_equal(m->order[kept - 1]->id, m->order[k]->id))
			m->order[kept++] = m->order[k];
	}
	qsort(m->order, kept, sizeof(*m->order), by_time);
	m->count = kept;
	for (size_t k = 0; k < kept; k++)
		m->pool[k] = (struct seen){.first_us = m->order[k]->first_us,
			.last_us = m->order[k]->last_us,
			.count = m->order[k]->count};
	return true;
}

static bool leaf_collect(struct match *m, const struct test *t, struct candidates *ret)
{
	struct buf list = BUF_INIT;
	int64_t *last_max, *sum;
	uint32_t *kept;
	size_t count;

	for (uint32_t k = 0; k < m->count; k++) {
		if (judge_observation(&m->judge, t, m->order[k]))
			buf_append(&list, &k, sizeof(k));
	}
	count = list.len / sizeof(uint32_t);
	kept = ARENA_ARRAY(m->arena, uint32_t, count + 1);
	last_max = ARENA_ARRAY(m->arena, int64_t, count + 1);
	sum = ARENA_ARRAY(m->arena, int64_t, count + 1);
	if (list.bad || kept == NULL || last_max == NULL || sum == NULL) {
		buf_fini(&list);
		return false;
	}
	if (count > 0)
		memcpy(kept, list.data, list.len);
	buf_fini(&list);
	for (size_t k = 0; k < count; k++) {
		struct seen *s = &m->pool[kept[k]];

		s->leaves++;
		last_max[k] = k > 0 && last_max[k - 1] > s->last_us ? last_max[k - 1] : s->last_us;
		sum[k] = s->count + (k > 0 ? sum[k - 1] : 0);
	}
	*ret = (struct candidates){kept, count, last_max, sum};
	return true;
}

static enum err_kind ids_give(const struct match *m, struct arena *a, struct slice **ret_ids,
	size_t *ret_count, struct err *e)
{
	size_t count = m->binding.bound.len / sizeof(uint32_t), kept = 0;
	struct slice *ids = ARENA_ARRAY(a, struct slice, count + 1);
	uint32_t index;

	if (ids == NULL)
		return err_set(e, ERR_NOMEM, "pattern: out of memory");
	for (size_t k = 0; k < count; k++) {
		memcpy(&index, m->binding.bound.data + k * sizeof(index), sizeof(index));
		if (m->pool[index].number != 0)
			continue; /* number_observed lets one stand for several */
		m->pool[index].number = 1;
		ids[kept] = arena_copy(a, m->order[index]->id);
		if (ids[kept++].data == NULL)
			return err_set(e, ERR_NOMEM, "pattern: out of memory");
	}
	*ret_ids = ids;
	*ret_count = kept;
	return OK;
}

static enum err_kind match_run(
	struct match *m, const struct pattern_observations *o, bool *ret_matched, struct err *e)
{
	m->leaves = ARENA_ARRAY(m->arena, struct candidates, m->p->leaves_count);
	if (m->leaves == NULL || !order_observations(m, o))
		return err_set(e, ERR_NOMEM, "pattern: out of memory");
	for (size_t k = 0; k < m->p->leaves_count; k++) {
		if (!leaf_collect(m, m->p->leaves[k], &m->leaves[k]))
			return err_set(e, ERR_LIMIT, "pattern: too many matches to keep");
		if (m->judge.limit)
			return err_set(e, ERR_LIMIT,
				"pattern: a regular expression or the comparisons take too long");
	}
	m->binding.pool = m->pool;
	m->binding.leaves = m->leaves;
	return bind_search(m->p, &m->binding, ret_matched, e);
}

enum err_kind pattern_match(const struct pattern *p, const struct pattern_observations *o,
	bool *ret_matched, struct arena *a, struct slice **ret_ids, size_t *ret_ids_count,
	struct err *e)
{
	struct match m = {.p = p, .binding = binding_init(), .judge = {.work = PATTERN_WORK_MAX}};
	bool matched = false;
	enum err_kind kind;

	m.arena = arena_new(PATTERN_OBSERVED_MAX);
	kind = m.arena == NULL ? err_set(e, ERR_NOMEM, "pattern: out of memory")
			       : match_run(&m, o, &matched, e);
	if (kind == OK && ret_ids != NULL) {
		if (!matched)
			*ret_ids_count = 0;
		else
			kind = ids_give(&m, a, ret_ids, ret_ids_count, e);
	}
	if (kind == OK)
		*ret_matched = matched;
	binding_fini(&m.binding);
	judge_fini(&m.judge);
	arena_free(m.arena);
	return kind;
}
