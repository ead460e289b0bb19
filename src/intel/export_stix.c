/* SPDX-License-Identifier: MPL-2.0 */
/* STIX itself: a bundle (section 8) or one object a line, each the exact bytes that were kept. */
#include "export_value.h"

static enum err_kind put(struct export_job *job, struct slice bytes, struct err *e)
{
	return job->out->write(job->out->context, bytes, e);
}

static void nothing_to_free(struct export_job *job)
{
	(void)job;
}

/* ---- bundle --------------------------------------------------------------------------------- */

static enum err_kind bundle_begin(struct export_job *job, struct err *e)
{
	char id[UUID_TEXT_LEN + 1], text[96];
	struct uuid uuid;

	/* section 8: a bundle is no object of its own, so its id means nothing and is a new one */
	uuid_v4(job->world, &uuid);
	uuid_format(&uuid, id);
	snprintf(text, sizeof(text), "{\"type\":\"bundle\",\"id\":\"bundle--%s\"", id);
	return put(job, slice_of(text), e);
}

static enum err_kind bundle_object(
	struct export_job *job, const struct export_object *o, struct err *e)
{
	enum err_kind kind =
		put(job, job->records == 0 ? SLICE(",\"objects\":[\n") : SLICE(",\n"), e);

	job->records++;
	return kind == OK ? put(job, o->bytes, e) : kind;
}

/* An empty list is not allowed (section 2.9), so without objects there is none. */
static enum err_kind bundle_end(struct export_job *job, struct err *e)
{
	return put(job, job->records == 0 ? SLICE("}\n") : SLICE("\n]}\n"), e);
}

const struct exporter export_stix = {
	.format = {"stix", "STIX 2.1 bundle", false, true, false},
	.begin = bundle_begin,
	.object = bundle_object,
	.end = bundle_end,
	.free = nothing_to_free,
};

/* ---- one object a line ---------------------------------------------------------------------- */

static enum err_kind lines_begin(struct export_job *job, struct err *e)
{
	(void)job;
	(void)e;
	return OK;
}

/* Line breaks between members become blanks: inside of strings JSON has none. */
static enum err_kind lines_object(
	struct export_job *job, const struct export_object *o, struct err *e)
{
	struct slice line = o->bytes;
	enum err_kind kind;
	char *copy;

	if (slice_find(line, '\n', 0) < line.len || slice_find(line, '\r', 0) < line.len) {
		copy = arena_string(job->arena, line);
		if (copy == NULL)
			return export_nomem(e);
		for (size_t k = 0; k < line.len; k++) {
			if (copy[k] == '\n' || copy[k] == '\r')
				copy[k] = ' ';
		}
		line.data = copy;
		export_lose(job, o->facts.id, "no place for line breaks between members");
	}
	job->records++;
	kind = put(job, line, e);
	return kind == OK ? put(job, SLICE("\n"), e) : kind;
}

static enum err_kind lines_end(struct export_job *job, struct err *e)
{
	(void)job;
	(void)e;
	return OK;
}

const struct exporter export_ndjson = {
	.format = {"ndjson", "STIX 2.1 objects, one a line", false, true, false},
	.begin = lines_begin,
	.object = lines_object,
	.end = lines_end,
	.free = nothing_to_free,
};
