/* SPDX-License-Identifier: MPL-2.0 */
/* Plain lists: a value a line, each once. */
#include <stdlib.h>

#include "export_value.h"

struct list {
	struct export_filter filter;
	struct export_seen seen;
	struct buf out;
};

static enum err_kind list_begin(struct export_job *job, struct err *e)
{
	struct list *l = calloc(1, sizeof(*l));
	const char *title = job->options->name;
	char now[TIME_TEXT_MAX];
	enum err_kind kind;

	if (l == NULL)
		return export_nomem(e);
	job->state = l;
	kind = export_filter_read(job, &l->filter, e);
	if (kind != OK)
		return kind;
	export_seen_init(&l->seen, job->world);
	buf_text(&l->out, "# ");
	for (const char *c = title == NULL ? "Serai" : title; *c != '\0'; c++)
		buf_char(&l->out, (unsigned char)*c < 0x20 ? ' ' : *c);
	time_format(world_now(job->world), 0, now);
	buf_printf(&l->out, ", %s\n", now);
	return export_flush(job, &l->out, e);
}

/* A line ends at a line break, and what begins with a comment's mark would be one. */
static bool fits_line(const struct stix_value *v, struct slice text)
{
	if (text.len == 0 || text.data[0] == '#' || text.data[0] == ';')
		return false;
	if (v->kind == STIX_VALUE_TEXT && slice_trim(text).len != text.len)
		return false;
	for (size_t k = 0; k < text.len; k++) {
		if ((unsigned char)text.data[k] < 0x20 || text.data[k] == 0x7f)
			return false;
	}
	return true;
}

static enum err_kind list_object(
	struct export_job *job, const struct export_object *o, struct err *e)
{
	static const char *const kept[] = {
		"pattern", "pattern_type", "value", "number", "hashes", NULL};
	struct list *l = job->state;
	struct export_values values;
	enum err_kind kind = export_values(job, o, &values, e);
	bool is_new, any = false;

	for (size_t k = 0; kind == OK && k < values.count; k++) {
		const struct stix_value *v = &values.items[k];
		struct slice text = export_value_text(v, job->arena);

		if (text.data == NULL)
			return export_nomem(e);
		if (!export_filter_fits(&l->filter, v)) {
			export_lose(job, o->facts.id, "not exported: %.*s is not of kind %s",
				SLICE_ARG(text), job->options->kind);
			continue;
		}
		if (!fits_line(v, text)) {
			export_lose(
				job, o->facts.id, "no place in a line for %.*s", SLICE_ARG(text));
			continue;
		}
		any = true;
		if (!export_seen_add(&l->seen, text, &is_new))
			return export_nomem(e);
		if (!is_new)
			continue;
		buf_slice_append(&l->out, text);
		buf_char(&l->out, '\n');
		job->records++;
	}
	if (any)
		export_lose_members(job, o, kept);
	return kind == OK ? export_flush(job, &l->out, e) : kind;
}

static enum err_kind list_end(struct export_job *job, struct err *e)
{
	(void)job;
	(void)e;
	return OK;
}

static void list_free(struct export_job *job)
{
	struct list *l = job->state;

	if (l == NULL)
		return;
	export_seen_fini(&l->seen);
	buf_fini(&l->out);
	free(l);
}

const struct exporter export_list = {
	.format = {"list", "plain list of values, one a line", false, true, false},
	.begin = list_begin,
	.object = list_object,
	.end = list_end,
	.free = list_free,
};
