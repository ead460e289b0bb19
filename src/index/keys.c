/* SPDX-License-Identifier: MPL-2.0 */
/* The keys under which values are found again elsewhere: the same parts in the same normal form. */
#include "match.h"

struct key_seen {
	void (*key)(void *context, enum field_kind kind, struct slice normal);
	void *context;
	struct normal *n;
};

static void part_keys(void *context, enum field_kind kind, struct slice text)
{
	struct key_seen *s = context;
	struct slice normal;

	if (!normal_field(kind, text, s->n))
		return;
	normal = (struct slice){s->n->text, s->n->len};
	s->key(s->context, kind, normal);
	if (kind != FIELD_NAME)
		return;
	/* parents of at least two labels */
	for (size_t labels = 0; labels < INDEX_LABELS_MAX; labels++) {
		size_t dot = slice_find(normal, '.', 0);

		normal = slice_cut(normal, dot + 1, normal.len);
		if (slice_find(normal, '.', 0) == normal.len)
			return;
		s->key(s->context, kind, normal);
	}
}

void index_field_keys(const struct column *column, const struct field *field,
	void (*key)(void *context, enum field_kind kind, struct slice normal), void *context)
{
	UNINITIALISED struct normal n;
	struct key_seen s = {key, context, &n};
	struct slice text = {field->data, field->len};
	enum field_kind kind = (enum field_kind)column->kind;

	if (!column->binary)
		parts_of(kind, text, part_keys, &s);
	else if (normal_binary(kind, text, &n))
		key(context, kind, (struct slice){n.text, n.len});
}

bool index_normal(
	enum field_kind kind, struct slice text, struct arena *a, struct slice *ret_normal)
{
	UNINITIALISED struct normal n;
	struct slice normal;

	text = slice_trim(text);
	if (text.len == 0 || text.len > VALUE_BYTES_MAX || !normal_value(kind, text, &n))
		return false;
	normal = arena_copy(a, (struct slice){n.text, n.len});
	if (normal.data == NULL)
		return false;
	*ret_normal = normal;
	return true;
}
