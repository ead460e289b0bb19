/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The baseline of a plant: a keyed table of who did what, with what follows from it: which pairs
 * are known and who acts. A tuple's key is its line in the file without verdict, count and times.
 */
#include <stdlib.h>

#include "baseline.h"
#include "baseline_inside.h"

static const char *const verdict_names[BASELINE_VERDICTS] = {
	[BASELINE_KNOWN] = "known",
	[BASELINE_LEARNING] = "learning",
	[BASELINE_NEW_FUNCTION] = "new-function",
	[BASELINE_NEW_PAIR] = "new-pair",
	[BASELINE_NEW_WRITER] = "new-writer",
	[BASELINE_ANSWER] = "answer",
};

const char *baseline_verdict_name(enum baseline_verdict v)
{
	return (unsigned)v < BASELINE_VERDICTS ? verdict_names[v] : "known";
}

/* ---- the table ------------------------------------------------------------------------------- */

static size_t tuples_max(const struct baseline_options *o)
{
	return o->tuples_max == 0 || o->tuples_max > BASELINE_TUPLES_MAX ? BASELINE_TUPLES_MAX
									 : o->tuples_max;
}

enum err_kind baseline_new(
	const struct baseline_options *options, struct baseline **ret_baseline, struct err *e)
{
	struct baseline *b = calloc(1, sizeof(*b));
	size_t buckets = 64;

	if (b == NULL)
		return err_set(e, ERR_NOMEM, "baseline: out of memory");
	b->options = *options;
	b->options.tuples_max = tuples_max(options);
	/* tuples, their pairs and their sources; chains stay short */
	while (buckets < 2 * b->options.tuples_max)
		buckets *= 2;
	b->buckets = calloc(buckets, sizeof(struct entry *));
	if (b->buckets == NULL) {
		free(b);
		return err_set(e, ERR_NOMEM, "baseline: out of memory");
	}
	b->mask = buckets - 1;
	b->learning = true;
	options->world->random(options->world->context, b->key, sizeof(b->key));
	*ret_baseline = b;
	return OK;
}

void baseline_free(struct baseline *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i <= b->mask; i++) {
		while (b->buckets[i] != NULL) {
			struct entry *gone = b->buckets[i];

			b->buckets[i] = gone->chain;
			free(gone);
		}
	}
	free(b->buckets);
	free(b);
}

static struct entry **place_find(const struct baseline *b, enum entry_kind kind, struct slice key)
{
	struct entry **at =
		&b->buckets[(hash_table(b->key, key) ^ (uint64_t)kind * 0x9e3779b97f4a7c15u) &
			    b->mask];

	while (*at != NULL && ((*at)->kind != kind || !slice_equal(entry_key(*at), key)))
		at = &(*at)->chain;
	return at;
}

static struct entry *entry_add(struct entry **at, enum entry_kind kind, struct slice key)
{
	struct entry *made = calloc(1, sizeof(*made) + key.len);

	if (made == NULL)
		return NULL;
	made->kind = (uint8_t)kind;
	made->key_len = key.len;
	memcpy(made->key, key.data, key.len);
	*at = made;
	return made;
}

/* The first `fields` of a tuple's key: one, the source; two, the pair. */
static struct slice key_head(struct slice key, unsigned fields)
{
	size_t at = 0;

	for (unsigned i = 0; i < fields; i++)
		at = slice_find(key, '\t', at) + 1;
	return slice_cut(key, 0, at - 1);
}

/* How many known tuples stand behind a pair or a source that acts. */
static bool behind(const struct baseline *b, enum entry_kind kind, struct slice key)
{
	return *place_find(b, kind, key) != NULL;
}

static bool behind_add(struct baseline *b, enum entry_kind kind, struct slice key)
{
	struct entry **at = place_find(b, kind, key);

	if (*at == NULL && entry_add(at, kind, key) == NULL)
		return false;
	(*at)->count++;
	return true;
}

static void behind_drop(struct baseline *b, enum entry_kind kind, struct slice key)
{
	struct entry **at = place_find(b, kind, key), *gone = *at;

	if (gone == NULL || --gone->count > 0)
		return;
	*at = gone->chain;
	free(gone);
}

static void use_unlink(struct use_list *l, struct entry *t)
{
	*(t->newer == NULL ? &l->newest : &t->newer->older) = t->older;
	*(t->older == NULL ? &l->oldest : &t->older->newer) = t->newer;
	t->newer = t->older = NULL;
	l->count--;
}

static void use_link(struct use_list *l, struct entry *t)
{
	t->newer = NULL;
	t->older = l->newest;
	*(l->newest == NULL ? &l->oldest : &l->newest->newer) = t;
	l->newest = t;
	l->count++;
}

static struct use_list *list_of(struct baseline *b, const struct entry *t)
{
	return t->verdict == BASELINE_KNOWN ? &b->known : &b->fresh;
}

static void tuple_drop(struct baseline *b, struct entry *t)
{
	struct slice key = entry_key(t);
	struct entry **at;

	use_unlink(list_of(b, t), t);
	if (t->verdict == BASELINE_KNOWN) {
		behind_drop(b, ENTRY_PAIR, key_head(key, 2));
		if (plant_operation_acts((enum plant_operation)t->operation))
			behind_drop(b, ENTRY_WRITER, key_head(key, 1));
	}
	at = place_find(b, ENTRY_TUPLE, key);
	*at = t->chain;
	free(t);
}

struct entry *baseline_tuple_add(struct baseline *b, struct slice key, enum plant_protocol protocol,
	enum plant_operation operation, enum baseline_verdict verdict)
{
	bool known = verdict == BASELINE_KNOWN;
	struct use_list *list = known ? &b->known : &b->fresh;
	struct entry *t;

	if (list->count >= (known ? b->options.tuples_max : (size_t)BASELINE_NEW_MAX)) {
		*(known ? &b->dropped_known : &b->dropped_new) += 1;
		tuple_drop(b, list->oldest);
	}
	if (known && !behind_add(b, ENTRY_PAIR, key_head(key, 2)))
		return NULL;
	if (known && plant_operation_acts(operation) &&
		!behind_add(b, ENTRY_WRITER, key_head(key, 1))) {
		behind_drop(b, ENTRY_PAIR, key_head(key, 2));
		return NULL;
	}
	t = entry_add(place_find(b, ENTRY_TUPLE, key), ENTRY_TUPLE, key);
	if (t == NULL) {
		if (known) {
			behind_drop(b, ENTRY_PAIR, key_head(key, 2));
			if (plant_operation_acts(operation))
				behind_drop(b, ENTRY_WRITER, key_head(key, 1));
		}
		return NULL;
	}
	t->protocol = (uint8_t)protocol;
	t->operation = (uint8_t)operation;
	t->verdict = (uint8_t)verdict;
	use_link(list, t);
	return t;
}

bool baseline_tuple_there(const struct baseline *b, struct slice key)
{
	return behind(b, ENTRY_TUPLE, key);
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* One field: never empty, never with what separates fields or lines. */
static void put_field(struct buf *b, struct slice value, size_t bytes_max)
{
	size_t from = b->len;

	while (value.len > 0) {
		struct slice before = value;
		uint32_t c = utf8_next(&value);
		size_t len = before.len - value.len;

		if (b->len - from + len > bytes_max)
			break;
		if (c < 0x20 || c == 0x7f || c == 0xfffd)
			buf_char(b, '?');
		else
			buf_append(b, before.data, len);
	}
	if (b->len == from)
		buf_char(b, '-');
}

/* The first object of several, with every number but those after "0x" as '#'. */
static struct slice object_class(struct slice object, char room[BASELINE_CLASS_MAX])
{
	size_t len = 0;

	object = slice_cut(object, 0, slice_find(object, ',', 0));
	for (size_t i = 0; i < object.len && len < BASELINE_CLASS_MAX; i++) {
		char c = object.data[i];

		if (c == '0' && i + 1 < object.len && object.data[i + 1] == 'x') {
			while (i < object.len && object.data[i] != ' ' && object.data[i] != '/' &&
				len < BASELINE_CLASS_MAX)
				room[len++] = object.data[i++];
			i--;
			continue;
		}
		if (c < '0' || c > '9')
			room[len++] = c;
		else if (len == 0 || room[len - 1] != '#')
			room[len++] = '#';
	}
	/* a character cut in two becomes '?' in the field */
	return (struct slice){room, len};
}

static void key_make(const struct baseline *b, struct slice source, struct slice destination,
	const struct plant_message *m, struct buf *key)
{
	char room[BASELINE_CLASS_MAX];
	struct slice object = {0};

	if (b->options.objects)
		object = object_class(slice_of(m->object), room);
	put_field(key, source, BASELINE_ADDRESS_MAX);
	buf_char(key, '\t');
	put_field(key, destination, BASELINE_ADDRESS_MAX);
	buf_char(key, '\t');
	buf_text(key, plant_protocol_name(m->protocol));
	buf_char(key, '\t');
	buf_text(key, plant_operation_name(m->operation));
	buf_char(key, '\t');
	put_field(key, slice_of(m->function), BASELINE_NAME_MAX);
	buf_char(key, '\t');
	put_field(key, slice_of(m->unit), PLANT_TEXT_MAX);
	buf_char(key, '\t');
	put_field(key, object, BASELINE_CLASS_MAX);
}

/* ---- judging --------------------------------------------------------------------------------- */

#define US_PER_DAY (86400 * US_PER_SECOND)

/* Packets may come out of order by a little; days only count up. */
static void clock_move(struct baseline *b, int64_t time_us)
{
	int64_t day = time_us / US_PER_DAY;

	if (b->first_us == 0)
		b->first_us = time_us;
	if (b->days == 0 || day > b->last_us / US_PER_DAY)
		b->days++;
	if (time_us > b->last_us)
		b->last_us = time_us;
	if (b->learning && b->options.learning_us > 0 &&
		b->last_us - b->first_us >= b->options.learning_us)
		b->learning = false;
	if (b->learning && b->options.learning_days > 0 && b->days > b->options.learning_days)
		b->learning = false;
}

static void reason_put(enum baseline_verdict verdict, struct slice source, struct slice destination,
	const struct plant_message *m, char reason[BASELINE_REASON_MAX])
{
	const char *protocol = plant_protocol_name(m->protocol);

	if (verdict == BASELINE_NEW_WRITER)
		snprintf(reason, BASELINE_REASON_MAX,
			"%.*s acts for the first time: %s %s to %.*s, which only others did or "
			"nobody",
			SLICE_ARG(source), protocol, m->function, SLICE_ARG(destination));
	else if (verdict == BASELINE_NEW_PAIR)
		snprintf(reason, BASELINE_REASON_MAX, "%.*s and %.*s have not talked before: %s %s",
			SLICE_ARG(source), SLICE_ARG(destination), protocol, m->function);
	else if (verdict == BASELINE_NEW_FUNCTION)
		snprintf(reason, BASELINE_REASON_MAX,
			"%.*s has not done this to %.*s before: %s %s%s%s", SLICE_ARG(source),
			SLICE_ARG(destination), protocol, m->function,
			m->unit[0] != '\0' ? ", unit " : "", m->unit);
	else
		reason[0] = '\0';
}

enum baseline_verdict baseline_message(struct baseline *b, int64_t time_us, struct slice source,
	struct slice destination, const struct plant_message *m,
	char ret_reason[BASELINE_REASON_MAX])
{
	struct buf key = BUF_INIT;
	enum baseline_verdict verdict;
	struct slice k, from, to;
	struct entry *t;

	ret_reason[0] = '\0';
	if (m->direction == PLANT_RESPONSE)
		return BASELINE_ANSWER;
	if (time_us < 0)
		time_us = b->last_us;
	clock_move(b, time_us);
	b->messages++;
	b->of_protocol[m->protocol]++;
	key_make(b, source, destination, m, &key);
	if (key.bad) {
		buf_fini(&key);
		return b->learning ? BASELINE_LEARNING : BASELINE_KNOWN;
	}
	k = buf_slice(&key);
	from = key_head(k, 1);
	to = slice_cut(k, from.len + 1, key_head(k, 2).len);

	t = *place_find(b, ENTRY_TUPLE, k);
	if (t == NULL) {
		if (b->learning)
			verdict = BASELINE_KNOWN;
		else if (plant_operation_acts(m->operation) && !behind(b, ENTRY_WRITER, from))
			verdict = BASELINE_NEW_WRITER;
		else if (!behind(b, ENTRY_PAIR, key_head(k, 2)))
			verdict = BASELINE_NEW_PAIR;
		else
			verdict = BASELINE_NEW_FUNCTION;
		t = baseline_tuple_add(b, k, m->protocol, m->operation, verdict);
		if (t != NULL)
			t->first_us = time_us;
	} else {
		struct use_list *list = list_of(b, t);

		verdict = (enum baseline_verdict)t->verdict;
		use_unlink(list, t);
		use_link(list, t);
	}
	if (t != NULL) {
		t->count++;
		if (time_us > t->last_us)
			t->last_us = time_us;
	}
	if (verdict != BASELINE_KNOWN)
		reason_put(verdict, from, to, m, ret_reason);
	else if (b->learning)
		verdict = BASELINE_LEARNING;
	buf_fini(&key);
	return verdict;
}

void baseline_end_learning(struct baseline *b)
{
	b->learning = false;
}

void baseline_counts(const struct baseline *b, struct baseline_counts *ret_counts)
{
	*ret_counts = (struct baseline_counts){.known = b->known.count,
		.fresh = b->fresh.count,
		.messages = b->messages,
		.dropped_known = b->dropped_known,
		.dropped_new = b->dropped_new,
		.days = b->days,
		.learning = b->learning};
}

/* ---- walking --------------------------------------------------------------------------------- */

static int by_key(const void *left, const void *right)
{
	const struct entry *const *a = left, *const *b = right;

	return slice_compare(entry_key(*a), entry_key(*b));
}

static struct baseline_tuple tuple_of(const struct entry *t)
{
	struct slice rest = entry_key(t), parts[7] = {0};

	for (size_t i = 0; i < COUNT_OF(parts) && slice_next(&rest, '\t', &parts[i]); i++) {
		if (slice_is(parts[i], "-"))
			parts[i].len = 0;
	}
	return (struct baseline_tuple){.verdict = (enum baseline_verdict)t->verdict,
		.source = parts[0],
		.destination = parts[1],
		.protocol = (enum plant_protocol)t->protocol,
		.operation = (enum plant_operation)t->operation,
		.function = parts[4],
		.unit = parts[5],
		.object = parts[6],
		.first_us = t->first_us,
		.last_us = t->last_us,
		.count = t->count};
}

bool baseline_each(const struct baseline *b,
	bool (*each)(void *context, const struct baseline_tuple *tuple), void *context)
{
	size_t count = b->known.count + b->fresh.count, at = 0;
	const struct entry **sorted = malloc((count + 1) * sizeof(struct entry *));
	bool on = true;

	if (sorted == NULL)
		return false;
	for (const struct entry *t = b->known.newest; t != NULL; t = t->older)
		sorted[at++] = t;
	for (const struct entry *t = b->fresh.newest; t != NULL; t = t->older)
		sorted[at++] = t;
	qsort(sorted, count, sizeof(struct entry *), by_key);
	for (size_t i = 0; i < count && on; i++) {
		struct baseline_tuple tuple = tuple_of(sorted[i]);

		on = each(context, &tuple);
	}
	free(sorted);
	return on;
}

bool baseline_rare(const struct baseline *b, const struct baseline_tuple *tuple,
	char ret_reason[BASELINE_REASON_MAX])
{
	uint64_t all = b->of_protocol[tuple->protocol];

	ret_reason[0] = '\0';
	if (!plant_operation_acts(tuple->operation) || all < BASELINE_RARE_MESSAGES_MIN ||
		tuple->count > all / BASELINE_RARE_ONE_IN)
		return false;
	snprintf(ret_reason, BASELINE_REASON_MAX, "rare in this capture: %llu of %llu %s messages",
		(unsigned long long)tuple->count, (unsigned long long)all,
		plant_protocol_name(tuple->protocol));
	return true;
}
