/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What becomes of a batch: every field is looked up, every record judged by the patterns and the
 * plant's baseline, and what is found goes through the quality gate, is joined with what was told
 * before, and written.
 */
#include <stdlib.h>
#include <unistd.h>

#include "baseline.h"
#include "inside.h"

/* bf4b7a4e-..: ids of findings are UUIDv5 below it, over what makes a finding the same. */
static const struct uuid finding_space = {
	{0xbf, 0x4b, 0x7a, 0x4e, 0x5d, 0x0f, 0x4c, 0x35, 0x9a, 0x53, 0x27, 0x6e, 0x3a, 0x1b, 0x88,
         0x6d}
};

#define HOSTS_EVERY 4096 /* records */

/* ---- findings -------------------------------------------------------------------------------- */

/* Length-prefixed, so that no two different findings run together to one text. */
static void sized_append(struct buf *text, struct slice s)
{
	buf_u64(text, s.len);
	buf_char(text, ':');
	buf_slice_append(text, s);
}

static void number_append(struct buf *text, int64_t number)
{
	buf_char(text, ':');
	buf_i64(text, number);
}

static void finding_id(struct watch *w, const struct finding *f, struct uuid *ret_id)
{
	/* After a crash the same line may stand in a file that was renamed since. */
	struct slice file = w->file_known.len > 0 ? w->file_known : f->file;
	struct buf *text = &w->text;

	buf_clear(text);
	sized_append(text, f->entry.id);
	sized_append(text, f->indicator);
	sized_append(text, f->host);
	sized_append(text, file);
	sized_append(text, f->field);
	buf_u64(text, f->number);
	buf_char(text, ':');
	buf_u64(text, f->offset);
	number_append(text, f->time_us);
	number_append(text, f->type);
	uuid_v5(&finding_space, text->bad ? f->indicator : buf_slice(text), ret_id);
}

static bool failed(struct watch *w, enum err_kind kind)
{
	if (kind != OK && w->failed == OK)
		w->failed = kind;
	return kind != OK;
}

static bool out_of_memory(struct watch *w)
{
	failed(w, err_set(&w->error, ERR_NOMEM, "out of memory while reading %.*s",
			  SLICE_ARG(w->file)));
	return false;
}

static bool finding_tell(struct watch *w, const struct finding *f)
{
	if (failed(w, output_finding(&w->output, f, &w->error)))
		return false;
	w->report.findings++;
	if (f->type == FINDING_PLANT)
		w->report.plant_findings++;
	return true;
}

/* Whom it is about: the source of the connection, else the machine that wrote the line. */
static struct slice host_of(const struct event *ev)
{
	struct slice host = event_get(ev, ROLE_SOURCE_ADDRESS);

	return host.len > 0 ? host : event_get(ev, ROLE_DEVICE);
}

/* ---- kept copies: what is told later needs its texts ----------------------------------------- */

struct packer {
	char *at;
	size_t bytes;
};

static void pack_slice(struct packer *p, struct slice *s)
{
	if (p->at != NULL && s->len > 0) {
		memcpy(p->at + p->bytes, s->data, s->len);
		s->data = p->at + p->bytes;
	}
	p->bytes += s->len;
}

/* Twice the same walk: first to count, then to copy. */
static void pack(struct packer *p, struct finding *f, struct event *ev)
{
	struct slice *const texts[] = {&f->file, &f->field, &f->value, &f->indicator, &f->host,
		&f->reason, &f->evidence, &f->entry.id, &f->entry.producer, &f->entry.name,
		&f->entry.kill_chain, &f->entry.labels};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		pack_slice(p, texts[i]);
	for (size_t i = 0; i < ev->count; i++)
		pack_slice(p, &ev->fields[i].value);
}

/* Of an event what can be told later: fields that have a role, which is their name then. False:
 * out of memory. */
static bool event_cut(struct arena *a, const struct event *from, struct event *ret_event)
{
	*ret_event = *from;
	ret_event->raw = (struct slice){0};
	ret_event->count = 0;
	ret_event->fields = ARENA_ARRAY(a, struct event_field, from->count + 1);
	if (ret_event->fields == NULL)
		return false;
	for (size_t i = 0; i < from->count; i++) {
		struct event_field *field = &ret_event->fields[ret_event->count];

		*field = from->fields[i];
		field->name = (struct slice){0};
		ret_event->count += field->role != ROLE_NONE;
	}
	return true;
}

/* One block: the finding, its event with fields, their bytes. with_event: else without. */
static char *finding_keep(struct arena *a, const struct finding *f, bool with_event)
{
	struct finding copy = *f;
	struct event ev = {0};
	const struct event *from = with_event ? f->event : NULL;
	struct packer p = {0};
	size_t head = sizeof(copy) + sizeof(ev);
	char *block;

	if (from != NULL && !event_cut(a, from, &ev))
		return NULL;
	head += ev.count * sizeof(*ev.fields);
	pack(&p, &copy, &ev);
	block = malloc(head + p.bytes);
	if (block == NULL)
		return NULL;
	if (ev.count > 0) {
		struct event_field *fields =
			(struct event_field *)(void *)(block + sizeof(copy) + sizeof(ev));

		memcpy(fields, ev.fields, ev.count * sizeof(*fields));
		ev.fields = fields;
	}
	p = (struct packer){.at = block + head};
	pack(&p, &copy, &ev);
	memcpy(block + sizeof(copy), &ev, sizeof(ev));
	copy.event =
		from == NULL ? NULL : (const struct event *)(const void *)(block + sizeof(copy));
	memcpy(block, &copy, sizeof(copy));
	return block;
}

/* ---- joining: a finding is told once and then counted ---------------------------------------- */

/* What the lists say of it, if that is not known yet of these lists. */
static void lists_judge(const struct watch *w, struct finding *f)
{
	struct gate_case c = {.kind = f->kind,
		.how = f->how,
		.role = f->role,
		.indicator = f->indicator,
		.value = f->value,
		.confidence = f->entry.confidence};

	if (f->judged == w->loads)
		return;
	f->judged = w->loads;
	if (w->gate == NULL || f->type != FINDING_INDICATOR)
		f->verdict = (struct gate_verdict){0};
	else
		gate_lists_judge(w->gate, &c, &f->verdict);
}

/* The same row's finding with the same value was asked about before. */
static void lists_recall(const struct tally_row *row, struct finding *f)
{
	const struct finding *kept = (const struct finding *)(const void *)row->kept;

	if (kept == NULL || kept->how != f->how || !slice_equal(kept->value, f->value))
		return;
	f->judged = kept->judged;
	f->verdict = kept->verdict;
}

static void prevalence_judge(
	const struct watch *w, struct finding *f, const struct tally_indicator *i)
{
	if (w->gate != NULL && f->type == FINDING_INDICATOR)
		gate_prevalence_judge(prevalence_days(&i->prevalence, w->site), &f->verdict);
}

static bool rate_allows(struct watch *w, struct tally_indicator *i)
{
	int64_t minute = world_monotonic(w->world) / (60 * US_PER_SECOND);

	if (w->o->once)
		return true;
	if (i->minute != minute) {
		i->minute = minute;
		i->in_minute = 0;
	}
	if (i->in_minute >= SENSOR_RATE_MAX) {
		i->limited++;
		w->report.limited++;
		return false;
	}
	i->in_minute++;
	return true;
}

/* Tell what a row has that was not told yet. */
static bool row_tell(struct watch *w, struct tally_row *row, struct tally_indicator *i)
{
	struct finding f;

	if (row->kept == NULL || row->told == row->count)
		return true;
	memcpy(&f, row->kept, sizeof(f));
	lists_judge(w, &f);
	prevalence_judge(w, &f, i);
	row->held = f.verdict.held;
	if (f.verdict.held || !rate_allows(w, i))
		return true;
	f.id = row->id;
	f.update = row->told > 0;
	f.count = row->count;
	f.first_us = row->first_us;
	f.last_us = row->last_us;
	f.hosts = i->hosts;
	row->told = row->count;
	row->told_us = world_monotonic(w->world);
	return finding_tell(w, &f);
}

static bool finding_join(struct watch *w, struct finding *f)
{
	uint64_t hash = tally_hash_indicator(w->tally, f->entry.id, f->indicator);
	uint64_t host_hash = tally_hash_host(w->tally, f->host);
	struct tally_indicator *i = tally_indicator(w->tally, hash);
	struct tally_row *row, gone;
	bool fresh;

	if (i == NULL)
		return out_of_memory(w);
	if (f->host.len > 0)
		prevalence_add(&i->prevalence, w->site, f->time_us, f->found_us, host_hash);
	row = tally_row(w->tally, tally_hash_pair(hash, host_hash), &fresh, &gone);
	if (gone.kept != NULL) {
		/* Forgotten for a newer one: its last word, by the lists alone. */
		struct tally_indicator stranger = {0};

		if (!row_tell(w, &gone, &stranger)) {
			free(gone.kept);
			return false;
		}
		free(gone.kept);
	}
	if (row == NULL)
		return out_of_memory(w);
	if (fresh) {
		row->number = w->report.hits;
		finding_id(w, f, &row->id);
		i->hosts++;
	}
	row->count++;
	if (f->time_us != TIME_UNKNOWN) {
		if (row->first_us == TIME_UNKNOWN || f->time_us < row->first_us)
			row->first_us = f->time_us;
		if (row->last_us == TIME_UNKNOWN || f->time_us > row->last_us)
			row->last_us = f->time_us;
	}
	lists_recall(row, f);
	lists_judge(w, f);
	if (row->kept == NULL) {
		f->tally_hash = hash;
		row->kept = finding_keep(w->arena, f, w->o->once || row->told == 0);
		if (row->kept == NULL)
			return out_of_memory(w);
	}
	prevalence_judge(w, f, i);
	row->held = f->verdict.held;
	if (f->verdict.held)
		w->report.held++;
	/* Reading once, all is joined first; following, the first match is told at once. */
	if (!w->o->once && row->told == 0 && !row_tell(w, row, i))
		return false;
	if (w->state != NULL) {
		places_row(w->state, row);
		places_indicator(w->state, i);
	}
	return true;
}

static bool finding_found(struct watch *w, struct finding *f)
{
	f->found_us = world_now(w->world);
	f->file = w->file;
	f->site = w->site_name;
	f->past = w->o->past;
	f->count = 1;
	f->first_us = f->last_us = f->time_us;
	memcpy(f->index_digest, w->info.digest, sizeof(f->index_digest));
	if (!w->o->all)
		return finding_join(w, f);
	lists_judge(w, f);
	if (f->verdict.held)
		w->report.held++;
	finding_id(w, f, &f->id);
	return finding_tell(w, f);
}

struct telling {
	struct watch *w;
	bool all, good;
	int64_t now_us;
};

static void tell_row(void *context, struct tally_row *row)
{
	struct telling *t = context;
	const struct finding *f = (const struct finding *)(const void *)row->kept;
	struct tally_indicator *i;

	if (!t->good || f == NULL || row->told == row->count ||
		(!t->all && row->told > 0 && t->now_us - row->told_us < SENSOR_UPDATE_US))
		return;
	i = tally_indicator(t->w->tally, f->tally_hash);
	t->good = i != NULL && row_tell(t->w, row, i);
	if (t->good && t->w->state != NULL)
		places_row(t->w->state, row);
}

struct ordered {
	struct tally_row **rows;
	size_t count;
};

static void order_row(void *context, struct tally_row *row)
{
	struct ordered *o = context;

	o->rows[o->count++] = row;
}

static int row_compare(const void *a, const void *b)
{
	const struct tally_row *x = *(struct tally_row *const *)a,
			       *y = *(struct tally_row *const *)b;

	if (x->first_us != y->first_us)
		return x->first_us < y->first_us ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

enum err_kind watch_tell(struct watch *w, bool all, struct err *e)
{
	struct telling t = {w, all, true, world_monotonic(w->world)};
	struct ordered o = {.rows = malloc((tally_count(w->tally) + 1) * sizeof(void *))};

	if (o.rows == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	/* As they happened, not as the table has them. */
	tally_each(w->tally, order_row, &o);
	qsort(o.rows, o.count, sizeof(void *), row_compare);
	for (size_t i = 0; i < o.count; i++)
		tell_row(&t, o.rows[i]);
	free(o.rows);
	if (t.good)
		return OK;
	if (w->failed == OK)
		return err_set(e, ERR_NOMEM, "out of memory");
	*e = w->error;
	return w->failed;
}

/* ---- what the index finds -------------------------------------------------------------------- */

/* Not after its end, by the event's own time where there is one; not before its beginning, by the
 * clock: an indicator published today speaks of last month's logs too. */
static bool is_valid(const struct watch *w, const struct index_entry *n, int64_t time_us)
{
	int64_t now = world_now(w->world);

	if (n->valid_until_us != 0 &&
		(time_us == TIME_UNKNOWN ? now : time_us) >= n->valid_until_us)
		return false;
	return n->valid_from_us == 0 || n->valid_from_us <= now;
}

/* "x is below y: "; a value that is the indicator itself needs no such words. */
static void how_append(struct buf *text, const struct finding *f)
{
	static const struct slice hows[] = {
		[INDEX_EXACT] = {" is ",          4 },
		[INDEX_PARENT] = {" is below ",    10},
		[INDEX_NETWORK] = {" is in ",       7 },
		[INDEX_PREFIX] = {" begins with ", 13},
	};

	if (slice_equal(f->value, f->indicator))
		return;
	buf_slice_append(text, slice_cut(f->value, 0, 300));
	buf_slice_append(text, hows[f->how]);
	buf_slice_append(text, slice_cut(f->indicator, 0, 300));
	buf_text(text, ": ");
}

static bool reason_make(struct watch *w, struct finding *f)
{
	const struct index_entry *n = &f->entry;
	struct buf *text = &w->text;

	buf_clear(text);
	how_append(text, f);
	if (n->name.len > 0) {
		buf_char(text, '"');
		buf_slice_append(text, n->name);
		buf_text(text, "\" of ");
	}
	buf_slice_append(text, n->producer.len > 0 ? n->producer : SLICE("an unnamed producer"));
	buf_text(text, ", TLP:");
	buf_text(text, stix_tlp_name(n->tlp));
	if (n->confidence >= 0) {
		buf_text(text, ", confidence ");
		buf_i64(text, n->confidence);
	}
	if (n->kill_chain.len > 0) {
		buf_text(text, ", ");
		buf_slice_append(text, n->kill_chain);
	}
	f->reason = arena_copy(w->arena, buf_slice(text));
	return !text->bad && f->reason.data != NULL;
}

static bool part_of_range(struct watch *w, const struct record *r)
{
	if (w->o->records == 0)
		return true;
	if (r->number >= w->o->first_record + w->o->records)
		w->enough = true;
	return r->number >= w->o->first_record && r->number < w->o->first_record + w->o->records;
}

/* The columns of a batch may be those of a reader that is gone when a finding is told: copied. */
static bool texts_copy(struct watch *w, struct finding *f)
{
	f->field = arena_copy(w->arena, f->field);
	f->value = arena_copy(w->arena, f->value);
	f->indicator = arena_copy(w->arena, f->indicator);
	return f->field.data != NULL && f->value.data != NULL && f->indicator.data != NULL;
}

static bool on_hit(void *context, const struct batch *b, const struct index_hit *hit)
{
	struct watch *w = context;
	const struct field *field = &b->fields[hit->field];
	const struct column *column = &b->columns[field->column];
	const struct record *record = &b->records[field->record];
	struct finding f = {.type = FINDING_INDICATOR,
		.number = record->number,
		.offset = record->offset,
		.frame = b->frames,
		.field = column->name,
		.role = (enum event_role)column->role,
		.indicator = hit->indicator,
		.kind = hit->kind,
		.how = hit->how};
	struct event ev;
	char address[ADDRESS_TEXT_MAX];

	if (!part_of_range(w, record))
		return true;
	w->report.hits++;
	if (!index_entry_get(w->index, hit->entry, &f.entry)) {
		failed(w, err_set(&w->error, ERR_CORRUPT, "index \"%s\": entry %u is damaged",
				  w->o->index, hit->entry));
		return false;
	}
	arena_reset(w->arena);
	if (!b->detail(b, field->record, w->arena, &ev))
		return out_of_memory(w);
	if (!is_valid(w, &f.entry, ev.time_us)) {
		w->report.expired++;
		return true;
	}
	f.value = hit->value;
	if (column->binary && column->kind == FIELD_ADDRESS)
		f.value = (struct slice){
			address, event_address_format(field->data, field->len, address)};
	else if (column->binary)
		f.value = hit->indicator; /* a digest: its text is the indicator's */
	f.time_us = ev.time_us;
	f.host = host_of(&ev);
	f.event = &ev;
	if (!texts_copy(w, &f) || !reason_make(w, &f))
		return out_of_memory(w);
	return finding_found(w, &f);
}

static bool on_pattern(void *context, const struct batch *b, const struct pattern_hit *hit)
{
	struct watch *w = context;
	const struct record *record = &b->records[hit->record];
	struct finding f = {.type = FINDING_PATTERN,
		.number = record->number,
		.offset = record->offset,
		.frame = b->frames,
		.evidence = hit->evidence};
	struct event ev;
	uint32_t entry;

	if (!part_of_range(w, record))
		return true;
	w->report.hits++;
	w->report.pattern_hits++;
	if (!index_pattern_get(w->index, hit->number, &f.indicator, &entry) ||
		!index_entry_get(w->index, entry, &f.entry)) {
		failed(w, err_set(&w->error, ERR_CORRUPT, "index \"%s\": pattern %u is damaged",
				  w->o->index, hit->number));
		return false;
	}
	arena_reset(w->arena);
	if (!b->detail(b, hit->record, w->arena, &ev))
		return out_of_memory(w);
	f.time_us = hit->last_us;
	if (!is_valid(w, &f.entry, f.time_us)) {
		w->report.expired++;
		return true;
	}
	f.host = host_of(&ev);
	f.event = &ev;
	f.reason = arena_printf(w->arena, "%u observation%s match %s%.*s%s%.*s, TLP:%s",
		hit->observations, hit->observations == 1 ? "" : "s",
		f.entry.name.len > 0 ? "\"" : "the pattern of ", SLICE_ARG(f.entry.name),
		f.entry.name.len > 0 ? "\" of " : "",
		SLICE_ARG(
			f.entry.producer.len > 0 ? f.entry.producer : SLICE("an unnamed producer")),
		stix_tlp_name(f.entry.tlp));
	return finding_found(w, &f);
}

/* ---- plant messages -------------------------------------------------------------------------- */

static bool plant_message_of(
	const struct event *ev, struct arena *a, struct plant_message *ret_message)
{
	struct plant_message m = {0};
	struct slice protocol = event_get(ev, ROLE_PLANT_PROTOCOL);
	struct slice operation = event_get(ev, ROLE_PLANT_OPERATION);
	struct slice direction = event_get(ev, ROLE_PLANT_DIRECTION);

	for (unsigned k = 1; k < PLANT_PROTOCOLS; k++) {
		if (slice_is(protocol, plant_protocol_name((enum plant_protocol)k)))
			m.protocol = (enum plant_protocol)k;
	}
	for (unsigned k = 0; k < PLANT_OPERATIONS; k++) {
		if (slice_is(operation, plant_operation_name((enum plant_operation)k)))
			m.operation = (enum plant_operation)k;
	}
	m.refused = slice_ends(direction, SLICE(", refused"));
	if (m.refused)
		direction.len -= sizeof(", refused") - 1;
	for (unsigned k = 0; k <= PLANT_UNSOLICITED; k++) {
		if (slice_is(direction, plant_direction_name((enum plant_direction)k)))
			m.direction = (enum plant_direction)k;
	}
	m.function = arena_string(a, event_get(ev, ROLE_PLANT_FUNCTION));
	snprintf(m.unit, sizeof(m.unit), "%.*s", SLICE_ARG(event_get(ev, ROLE_PLANT_UNIT)));
	snprintf(m.object, sizeof(m.object), "%.*s", SLICE_ARG(event_get(ev, ROLE_PLANT_OBJECT)));
	snprintf(m.value, sizeof(m.value), "%.*s", SLICE_ARG(event_get(ev, ROLE_PLANT_VALUE)));
	if (m.protocol == PLANT_NONE || m.function == NULL)
		return false;
	*ret_message = m;
	return true;
}

uint64_t plant_tuple_hash(struct watch *w, struct slice source, struct slice destination,
	const char *protocol, struct slice function, struct slice unit)
{
	struct slice pair = arena_printf(
		w->arena, "%.*s %.*s %s", SLICE_ARG(source), SLICE_ARG(destination), protocol);
	struct slice what =
		arena_printf(w->arena, "%.*s|%.*s", SLICE_ARG(function), SLICE_ARG(unit));

	return tally_hash_indicator(w->tally, pair, what);
}

static void acted_note(struct watch *w, struct slice source, struct slice destination,
	const struct plant_message *m, uint64_t number)
{
	uint64_t hash = plant_tuple_hash(w, source, destination, plant_protocol_name(m->protocol),
		slice_of(m->function), slice_of(m->unit));

	if (w->acted == NULL)
		w->acted = calloc(ACTED_MAX, sizeof(*w->acted));
	if (w->acted == NULL || w->acted_count == ACTED_MAX)
		return;
	for (size_t i = w->acted_count; i-- > 0;) {
		if (w->acted[i].hash == hash)
			return;
	}
	w->acted[w->acted_count++] =
		(struct plant_place){hash, number, strndup(w->file.data, w->file.len)};
}

static bool plant_record(struct watch *w, const struct batch *b, size_t record)
{
	const struct record *r = &b->records[record];
	struct finding f = {.type = FINDING_PLANT,
		.number = r->number,
		.offset = r->offset,
		.frame = b->frames};
	char reason[BASELINE_REASON_MAX];
	struct plant_message m;
	struct slice source, destination;
	struct event ev;
	enum baseline_verdict verdict;

	arena_reset(w->arena);
	if (!b->detail(b, record, w->arena, &ev))
		return out_of_memory(w);
	if (!plant_message_of(&ev, w->arena, &m))
		return true;
	w->report.plant_messages++;
	source = event_get(&ev, ROLE_SOURCE_ADDRESS);
	destination = event_get(&ev, ROLE_DESTINATION_ADDRESS);
	if (source.len == 0)
		source = event_get(&ev, ROLE_MAC);
	/* The record's source opened the connection; what a device tells unasked comes from the
	 * other end. */
	verdict = m.direction == PLANT_UNSOLICITED ? baseline_message(w->baseline, ev.time_us,
							     destination, source, &m, reason)
						   : baseline_message(w->baseline, ev.time_us,
							     source, destination, &m, reason);
	if (verdict == BASELINE_ANSWER)
		return true;
	if (w->o->once && plant_operation_acts(m.operation))
		acted_note(w, source, destination, &m, r->number);
	if (w->o->all && plant_operation_acts(m.operation)) {
		if (reason[0] == 0) /* every operation was asked for, also those that are as ever */
			snprintf(reason, sizeof(reason), "%s: %s",
				plant_operation_name(m.operation), baseline_verdict_name(verdict));
	} else if (verdict == BASELINE_KNOWN || verdict == BASELINE_LEARNING) {
		return true;
	} else if (!plant_operation_acts(m.operation) && verdict == BASELINE_NEW_FUNCTION) {
		return true; /* reading something else from a known device is no finding */
	}
	f.time_us = ev.time_us;
	f.event = &ev;
	f.host = source;
	f.field = SLICE("plant.function");
	f.role = ROLE_PLANT_FUNCTION;
	f.indicator = arena_printf(w->arena, "%s %s", plant_protocol_name(m.protocol), m.function);
	f.value = arena_printf(w->arena, "%s%s%s%s%s", m.function, m.unit[0] != 0 ? " unit " : "",
		m.unit, m.object[0] != 0 ? " object " : "", m.object);
	f.reason = arena_copy(w->arena, slice_of(reason));
	f.entry.confidence = -1;
	return finding_found(w, &f);
}

static bool plant_batch(struct watch *w, const struct batch *b)
{
	size_t done = SIZE_MAX;

	for (size_t i = 0; i < b->fields_count; i++) {
		const struct field *f = &b->fields[i];

		if (b->columns[f->column].role != ROLE_PLANT_FUNCTION || f->record == done)
			continue;
		done = f->record;
		if (part_of_range(w, &b->records[done]) && !plant_record(w, b, done))
			return false;
	}
	return true;
}

/* ---- a batch --------------------------------------------------------------------------------- */

static void hosts_count(struct watch *w, const struct batch *b)
{
	char address[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < b->fields_count; i++) {
		const struct field *f = &b->fields[i];
		const struct column *c = &b->columns[f->column];
		struct slice host = {f->data, f->len};

		if (c->role != ROLE_SOURCE_ADDRESS)
			continue;
		if (c->binary)
			host = (struct slice){
				address, event_address_format(f->data, f->len, address)};
		prevalence_site_host(w->site, tally_hash_host(w->tally, host));
	}
}

/* Once the site's hosts are known they are looked at only now and then. */
static bool hosts_are_due(const struct watch *w)
{
	return w->site->idle == 0 || w->report.records >= w->hosts_due;
}

bool watch_sift(void *context, const struct sheet *sheet, uint64_t ret_keep[SHEET_WORDS])
{
	struct watch *w = context;
	size_t kept = 0;

	/* All others want to see every line. */
	if (w->matcher == NULL || w->patterns != NULL || w->history != NULL || w->o->records != 0 ||
		hosts_are_due(w) || !index_sift(w->matcher, sheet, ret_keep))
		return false;
	for (size_t k = 0; k < SHEET_WORDS; k++)
		kept += (size_t)__builtin_popcountll(ret_keep[k]);
	w->report.records += sheet->lines - kept;
	return true;
}

static bool on_batch(void *context, struct batch *b)
{
	struct watch *w = context;

	w->report.records += b->records_count - b->continued;
	if (w->matcher != NULL) {
		if (hosts_are_due(w)) {
			hosts_count(w, b);
			w->hosts_due = w->report.records + HOSTS_EVERY;
		}
		if (!index_match(w->matcher, b, on_hit, w))
			return false;
	}
	if (w->patterns != NULL && !pattern_set_batch(w->patterns, b, on_pattern, w))
		return w->failed != OK ? false : out_of_memory(w);
	if (w->baseline != NULL && b->frames && !plant_batch(w, b))
		return false;
	if (w->history != NULL && !hunt_writer_batch(w->history, b))
		return out_of_memory(w);
	return !w->enough && !watch_stopped(w);
}

struct batch_sink watch_sink(struct watch *w)
{
	return (struct batch_sink){on_batch, w};
}

void watch_source(struct watch *w, const char *name)
{
	w->file = slice_of(name);
	w->report.sources++;
}
