/* SPDX-License-Identifier: MPL-2.0 */
/* The values sought, in their normal forms until a folder's key is known. */
#include "question.h"

#include <stdlib.h>

#define SCRATCH_BYTES KIB(256) /* for the normal form of one value */

struct hunt_question {
	struct buf values; /* kind, two bytes of length (little-endian), normal form; one by one */
	size_t count;
	struct arena *scratch;
};

struct hunt_question *hunt_question_new(void)
{
	struct hunt_question *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->scratch = arena_new(SCRATCH_BYTES);
	if (q->scratch == NULL) {
		free(q);
		return NULL;
	}
	return q;
}

void hunt_question_free(struct hunt_question *q)
{
	if (q == NULL)
		return;
	buf_fini(&q->values);
	arena_free(q->scratch);
	free(q);
}

size_t hunt_question_count(const struct hunt_question *q)
{
	return q->count;
}

enum err_kind hunt_question_value(
	struct hunt_question *q, enum field_kind kind, struct slice text, struct err *e)
{
	struct slice normal;
	char head[3];

	arena_reset(q->scratch);
	if (!index_normal(kind, text, q->scratch, &normal))
		return err_set(e, ERR_INVALID, "no %s that could be sought: \"%.*s\"",
			field_kind_name(kind), SLICE_ARG(slice_cut(text, 0, 100)));
	if (kind == FIELD_NAME && slice_find(normal, '.', 0) == normal.len)
		return err_set(e, ERR_INVALID,
			"a name of one label cannot be sought, for it is not kept of longer names: "
			"\"%.*s\"",
			SLICE_ARG(text));
	if (q->count >= HUNT_VALUES_MAX)
		return err_set(e, ERR_LIMIT, "a question has at most %u values",
			(unsigned)HUNT_VALUES_MAX);
	head[0] = (char)kind;
	head[1] = (char)(normal.len & 0xff);
	head[2] = (char)(normal.len >> 8);
	if (buf_reserve(&q->values, sizeof(head) + normal.len) == NULL) {
		q->values.bad = false; /* what was put in before is still whole */
		return err_set(e, ERR_NOMEM, "question of %zu values: out of memory", q->count);
	}
	buf_append(&q->values, head, sizeof(head));
	buf_slice_append(&q->values, normal);
	q->count++;
	return OK;
}

struct index_values {
	struct hunt_question *q;
	struct err *e;
	enum err_kind kind;
};

static bool index_value(void *context, enum field_kind kind, struct slice text, uint32_t entry)
{
	struct index_values *v = context;

	(void)entry;
	v->kind = hunt_question_value(v->q, kind, text, v->e);
	return v->kind == OK;
}

enum err_kind hunt_question_index(struct hunt_question *q, const struct index *x, struct err *e)
{
	struct index_values v = {q, e, OK};
	size_t len = q->values.len, count = q->count;

	if (!index_each(x, index_value, &v) && v.kind == OK)
		v.kind = err_set(e, ERR_CORRUPT, "the index is damaged: its values cannot be read");
	if (v.kind != OK) {
		q->values.len = len;
		q->count = count;
	}
	return v.kind;
}

/* ---- under a key ----------------------------------------------------------------------------- */

/* Room for `more` of so many bytes each; NULL: out of memory. */
static void *grown(void *items, size_t size, size_t count, size_t more, size_t *capacity)
{
	size_t wanted = 2 * *capacity + KEYS_ASKED_MAX;
	void *larger = items;

	if (count + more <= *capacity)
		return items;
	larger = realloc(items, wanted * size);
	if (larger != NULL)
		*capacity = wanted;
	return larger;
}

static bool asked_add(struct asked *a, const struct key_asked *k, uint32_t value)
{
	struct asked_key *key = grown(a->key, sizeof(*key), a->count, 1, &a->capacity);
	struct asked_below *below;

	if (key == NULL)
		return false;
	a->key = key;
	below = grown(a->below, sizeof(*below), a->below_count, KEYS_BELOW_MAX, &a->below_capacity);
	if (below == NULL)
		return false;
	a->below = below;
	a->key[a->count++] = (struct asked_key){.key = k->key,
		.value = value,
		.below = (uint32_t)a->below_count,
		.network = k->network,
		.below_count = k->below_count,
		.in_network = k->in_network,
		.only_network = k->only_network};
	for (unsigned i = 0; i < k->below_count; i++)
		a->below[a->below_count++] =
			(struct asked_below){.key = k->below[i], .tier = k->below_tier[i]};
	return true;
}

enum err_kind asked_of(const struct hunt_question *q, const struct keyer *k,
	struct asked *ret_asked, struct err *e)
{
	struct slice rest = buf_slice(&q->values);
	struct asked a = {0};
	struct key_asked keys[KEYS_ASKED_MAX];

	for (uint32_t value = 0; rest.len > 0; value++) {
		const uint8_t *head = (const uint8_t *)rest.data;
		size_t len = (size_t)(head[1] | head[2] << 8);
		size_t count =
			keys_asked(k, (enum field_kind)head[0], slice_cut(rest, 3, 3 + len), keys);

		rest = slice_cut(rest, 3 + len, rest.len);
		a.everywhere += count == 0;
		for (size_t i = 0; i < count; i++) {
			if (asked_add(&a, &keys[i], value))
				continue;
			asked_fini(&a);
			return err_set(
				e, ERR_NOMEM, "question of %zu values: out of memory", q->count);
		}
	}
	*ret_asked = a;
	return OK;
}

void asked_fini(struct asked *a)
{
	free(a->key);
	free(a->below);
	*a = (struct asked){0};
}
