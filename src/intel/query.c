/* SPDX-License-Identifier: MPL-2.0 */
/* What a person types into a search, as fields of a store_search. */
#include "intel.h"

#define QUERY_TYPES_MAX 32 /* type: fields in one query */
#define QUERY_BYTES_MAX KIB(4)

struct query {
	struct arena *arena;
	struct store_search search;
	struct slice types[QUERY_TYPES_MAX];
	struct buf words;
};

static enum err_kind not_understood(struct slice word, const char *expected, struct err *e)
{
	return err_set(e, ERR_USAGE, "\"%.*s\" was not understood: expected %s", SLICE_ARG(word),
		expected);
}

static enum err_kind field_type(struct query *q, struct slice text, struct err *e)
{
	struct slice part;

	if (text.len == 0)
		return not_understood(SLICE("type:"), "a STIX type such as type:indicator", e);
	while (slice_next(&text, ',', &part)) {
		if (part.len == 0 || part.len > STIX_TYPE_MAX)
			return not_understood(part, "a STIX type such as type:indicator", e);
		if (q->search.types_count == QUERY_TYPES_MAX)
			return err_set(
				e, ERR_USAGE, "more than %d types in one search", QUERY_TYPES_MAX);
		q->types[q->search.types_count++] = part;
	}
	return OK;
}

static enum err_kind value_set(
	struct query *q, const struct stix_value *value, bool suffix, struct err *e)
{
	struct stix_value *kept;

	if (q->search.value != NULL)
		return err_set(e, ERR_USAGE, "more than one value in one search");
	kept = ARENA_NEW(q->arena, struct stix_value);
	if (kept == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	*kept = *value;
	q->search.value = kept;
	q->search.value_suffix = suffix;
	return OK;
}

static bool suffix_wanted(struct slice text)
{
	return slice_starts(text, SLICE("*.")) || slice_starts(text, SLICE("."));
}

static enum err_kind field_value(struct query *q, struct slice text, struct err *e)
{
	struct stix_value value;

	if (stix_value_guess(text, q->arena, &value))
		return value_set(
			q, &value, value.kind == STIX_VALUE_NAME && suffix_wanted(text), e);
	/* Anything else is looked up as it stands: a file name, a mutex, a registry key. */
	value = (struct stix_value){.kind = STIX_VALUE_TEXT, .text = text};
	if (!stix_value_key(STIX_VALUE_TEXT, text, q->arena, &value.key))
		return not_understood(text, "a value such as value:198.51.100.0/24", e);
	return value_set(q, &value, false, e);
}

static enum err_kind field_tlp(struct query *q, struct slice text, struct err *e)
{
	enum stix_tlp tlp;
	struct uuid *ids;

	if (!stix_tlp_parse(text, &tlp) || tlp == STIX_TLP_NONE)
		return not_understood(text, "clear, green, amber, amber+strict or red", e);
	ids = ARENA_ARRAY(q->arena, struct uuid, 2);
	if (ids == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	q->search.markings_any = ids;
	q->search.markings_any_count = stix_tlp_ids(tlp, ids);
	return OK;
}

/* "2026-01-01" or a whole timestamp. */
static bool time_of(struct slice text, int64_t *ret_us)
{
	char whole[32];

	if (time_parse(text, ret_us, NULL))
		return true;
	if (text.len != 10)
		return false;
	snprintf(whole, sizeof(whole), "%.*sT00:00:00Z", SLICE_ARG(text));
	return time_parse(slice_of(whole), ret_us, NULL);
}

static enum err_kind field_since(struct query *q, struct slice text, struct err *e)
{
	if (!time_of(text, &q->search.since_us))
		return not_understood(text, "a time such as 2026-01-01 or 2026-01-01T12:00:00Z", e);
	return OK;
}

static enum err_kind field_until(struct query *q, struct slice text, struct err *e)
{
	if (!time_of(text, &q->search.until_us))
		return not_understood(text, "a time such as 2026-01-01 or 2026-01-01T12:00:00Z", e);
	return OK;
}

static enum err_kind field_label(struct query *q, struct slice text, struct err *e)
{
	if (text.len == 0)
		return not_understood(text, "a label such as label:botnet", e);
	q->search.label = text;
	return OK;
}

static enum err_kind id_of(
	struct query *q, struct slice text, const struct stix_id **ret_id, struct err *e)
{
	struct stix_id *id = ARENA_NEW(q->arena, struct stix_id);

	if (id == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (!stix_id_parse(text, id))
		return not_understood(text, "an id such as identity--…", e);
	*ret_id = id;
	return OK;
}

static enum err_kind field_by(struct query *q, struct slice text, struct err *e)
{
	return id_of(q, text, &q->search.creator, e);
}

static enum err_kind field_ref(struct query *q, struct slice text, struct err *e)
{
	return id_of(q, text, &q->search.refers_to, e);
}

static enum err_kind field_versions(struct query *q, struct slice text, struct err *e)
{
	if (slice_is(text, "all"))
		q->search.every_version = true;
	else if (!slice_is(text, "last"))
		return not_understood(text, "versions:all or versions:last", e);
	return OK;
}

static const struct {
	const char *name;
	enum err_kind (*take)(struct query *q, struct slice text, struct err *e);
} fields[] = {
	{"type",     field_type    },
	{"value",    field_value   },
	{"tlp",      field_tlp     },
	{"since",    field_since   },
	{"until",    field_until   },
	{"label",    field_label   },
	{"by",       field_by      },
	{"ref",      field_ref     },
	{"versions", field_versions},
};

/* Cut the next word off; "…" keeps blanks together, also behind a field's colon. */
static bool word_next(struct slice *rest, struct arena *a, struct slice *ret_word, bool *ret_quoted)
{
	struct buf word = BUF_INIT;
	bool inside = false, any = false;
	size_t at = 0;

	*rest = slice_trim(*rest);
	*ret_quoted = rest->len > 0 && rest->data[0] == '"';
	for (; at < rest->len; at++) {
		char c = rest->data[at];

		if (c == '"') {
			inside = !inside;
			any = true;
			continue;
		}
		if (!inside && (c == ' ' || (c >= '\t' && c <= '\r')))
			break;
		buf_char(&word, c);
	}
	any = any || word.len > 0;
	*rest = slice_cut(*rest, at, rest->len);
	*ret_word = arena_copy(a, buf_slice(&word));
	buf_fini(&word);
	return any && ret_word->data != NULL;
}

static enum err_kind word_take(struct query *q, struct slice word, bool quoted, struct err *e)
{
	size_t colon = slice_find(word, ':', 0);
	struct stix_value value;

	for (size_t i = 0; i < COUNT_OF(fields) && colon < word.len && !quoted; i++) {
		if (slice_is(slice_cut(word, 0, colon), fields[i].name))
			return fields[i].take(q, slice_cut(word, colon + 1, word.len), e);
	}
	if (word.len == 0)
		return OK;
	/* A name without a dot is a word; everything else that is a value is looked up as one. */
	if (!quoted && q->search.value == NULL && stix_value_guess(word, q->arena, &value))
		return value_set(
			q, &value, value.kind == STIX_VALUE_NAME && suffix_wanted(word), e);
	if (q->words.len > 0)
		buf_char(&q->words, ' ');
	buf_slice_append(&q->words, word);
	return OK;
}

enum err_kind intel_query_parse(
	struct slice query, struct arena *a, struct store_search *ret_search, struct err *e)
{
	struct query q = {.arena = a};
	enum err_kind kind = OK;
	struct slice word;
	bool quoted;

	if (query.len > QUERY_BYTES_MAX)
		return err_set(e, ERR_USAGE, "a search of %zu bytes, at most %zu are read",
			query.len, QUERY_BYTES_MAX);
	if (!utf8_valid(query))
		return err_set(e, ERR_USAGE, "the search is not valid UTF-8");
	while (kind == OK && word_next(&query, a, &word, &quoted))
		kind = word_take(&q, word, quoted, e);
	if (kind == OK && q.words.len > 0)
		q.search.text = arena_copy(a, buf_slice(&q.words));
	if (kind == OK && q.search.types_count > 0) {
		struct slice *types = ARENA_ARRAY(a, struct slice, q.search.types_count);

		if (types == NULL) {
			kind = err_set(e, ERR_NOMEM, "out of memory");
		} else {
			memcpy(types, q.types, q.search.types_count * sizeof(*types));
			q.search.types = types;
		}
	}
	buf_fini(&q.words);
	if (kind == OK)
		*ret_search = q.search;
	return kind;
}
