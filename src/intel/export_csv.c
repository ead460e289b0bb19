/* SPDX-License-Identifier: MPL-2.0 */
/*
 * CSV (RFC 4180): a row per value with what is known about it, in columns that import understands.
 * Indicators whose pattern is no list of values have one row without a value.
 */
#include <stdlib.h>

#include "export_value.h"

struct csv {
	struct buf out;
};

/* Members of objects that have a column. */
static const char *const columns[] = {"name", "description", "labels", "confidence", "valid_from",
	"valid_until", "pattern", "pattern_type", "revoked", "created", "modified",
	"created_by_ref", "value", "number", "hashes", NULL};

static enum err_kind csv_begin(struct export_job *job, struct err *e)
{
	struct csv *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return export_nomem(e);
	job->state = c;
	return job->out->write(job->out->context,
		SLICE("value,kind,name,description,labels,confidence,tlp,valid_from,valid_until,id,"
		      "object_type,"
		      "property,pattern,pattern_type,revoked,created,modified,created_by_ref\r\n"),
		e);
}

/*
 * A spreadsheet takes what begins so for a formula, and a formula may run programs. An apostrophe
 * in front makes it text; that changes it, and is told.
 */
static bool is_formula(struct slice text)
{
	return text.len > 0 && memchr("=+-@\t\r", text.data[0], 6) != NULL;
}

static void field(struct export_job *job, struct slice id, struct slice text, bool last)
{
	struct csv *c = job->state;
	bool formula = is_formula(text), quotes = formula;

	for (size_t k = 0; k < text.len && !quotes; k++)
		quotes = memchr(",\"\r\n", text.data[k], 4) != NULL;
	if (formula)
		export_lose(job, id,
			"an apostrophe was put before %.*s: a spreadsheet would run it",
			SLICE_ARG(slice_cut(text, 0, 40)));
	if (quotes)
		buf_char(&c->out, '"');
	if (formula)
		buf_char(&c->out, '\'');
	for (size_t k = 0; k < text.len; k++) {
		if (text.data[k] == '"')
			buf_char(&c->out, '"');
		buf_char(&c->out, text.data[k]);
	}
	if (quotes)
		buf_char(&c->out, '"');
	buf_text(&c->out, last ? "\r\n" : ",");
}

/* Labels joined by ';', in which a ';' becomes ','. */
static struct slice labels_join(struct export_job *job, const struct export_object *o)
{
	struct json_value labels = o->facts.labels, item;
	struct buf joined = BUF_INIT;
	struct json_iter it;
	struct slice result;

	if (labels.doc == NULL || !json_is_array(labels))
		return (struct slice){0};
	it = json_iter(labels);
	while (json_array_next(&it, &item)) {
		struct slice label = json_string(item);

		if (joined.len > 0)
			buf_char(&joined, ';');
		if (slice_find(label, ';', 0) < label.len)
			export_lose(job, o->facts.id, "no place for the ';' in label %.*s",
				SLICE_ARG(label));
		for (size_t k = 0; k < label.len; k++)
			buf_char(&joined, label.data[k] == ';' ? ',' : label.data[k]);
	}
	result = arena_copy(job->arena, buf_slice(&joined));
	buf_fini(&joined);
	return result;
}

static void row(struct export_job *job, const struct export_object *o, const struct stix_value *v,
	struct slice text, struct slice labels)
{
	struct slice id = o->facts.id;
	enum stix_tlp tlp = export_tlp(&o->facts);
	char confidence[16] = "";

	if (o->facts.confidence >= 0)
		snprintf(confidence, sizeof(confidence), "%d", o->facts.confidence);
	field(job, id, text, false);
	field(job, id, v == NULL ? (struct slice){0} : slice_of(export_value_name(v)), false);
	field(job, id, json_get_string(o->value, "name"), false);
	field(job, id, json_get_string(o->value, "description"), false);
	field(job, id, labels, false);
	field(job, id, slice_of(confidence), false);
	field(job, id, slice_of(tlp == STIX_TLP_NONE ? "" : stix_tlp_name(tlp)), false);
	field(job, id, json_get_string(o->value, "valid_from"), false);
	field(job, id, json_get_string(o->value, "valid_until"), false);
	field(job, id, id, false);
	field(job, id, v == NULL ? o->facts.key.type : v->object_type, false);
	field(job, id, v == NULL ? (struct slice){0} : v->property, false);
	field(job, id, json_get_string(o->value, "pattern"), false);
	field(job, id, json_get_string(o->value, "pattern_type"), false);
	field(job, id, o->facts.revoked ? SLICE("true") : (struct slice){0}, false);
	field(job, id, json_get_string(o->value, "created"), false);
	field(job, id, json_get_string(o->value, "modified"), false);
	field(job, id, json_get_string(o->value, "created_by_ref"), true);
	job->records++;
}

static enum err_kind csv_object(
	struct export_job *job, const struct export_object *o, struct err *e)
{
	struct csv *c = job->state;
	struct stix_value *values;
	struct slice labels, text;
	enum err_kind kind;
	size_t count;
	bool all;

	kind = stix_values(o->value, job->arena, &values, &count, &all, e);
	if (kind != OK)
		return kind;
	labels = labels_join(job, o);
	for (size_t k = 0; k < count; k++) {
		text = export_value_text(&values[k], job->arena);
		if (text.data == NULL)
			return export_nomem(e);
		row(job, o, &values[k], text, labels);
	}
	if (count == 0 && slice_is(o->facts.key.type, "indicator")) {
		row(job, o, NULL, (struct slice){0}, labels);
	} else if (count == 0) {
		export_lose(job, o->facts.id, "no place for an object of type %.*s",
			SLICE_ARG(o->facts.key.type));
		return OK;
	}
	if (!all)
		export_lose(
			job, o->facts.id, "only the first %d values were taken", STIX_VALUES_MAX);
	export_lose_members(job, o, columns);
	return export_flush(job, &c->out, e);
}

static enum err_kind csv_end(struct export_job *job, struct err *e)
{
	(void)job;
	(void)e;
	return OK;
}

static void csv_free(struct export_job *job)
{
	struct csv *c = job->state;

	if (c == NULL)
		return;
	buf_fini(&c->out);
	free(c);
}

const struct exporter export_csv = {
	.format = {"csv", "CSV, a row per value", false, true, false},
	.begin = csv_begin,
	.object = csv_object,
	.end = csv_end,
	.free = csv_free,
};
