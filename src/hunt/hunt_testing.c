/* SPDX-License-Identifier: MPL-2.0 */
/* Folders, batches by hand, asking. */
#include "hunt_testing.h"

#include <dirent.h>
#include <unistd.h>

/* ---- a folder for each test ------------------------------------------------------------------ */

int site_setup(void **state)
{
	struct site *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -1;
	(void)snprintf(s->folder, sizeof(s->folder), "/tmp/hunt_test.XXXXXX");
	if (mkdtemp(s->folder) == NULL)
		return -1;
	(void)snprintf(s->history, sizeof(s->history), "%s/history", s->folder);
	(void)snprintf(s->log, sizeof(s->log), "%s/dns.log", s->folder);
	world_fake_init(&s->world, 1, NOW);
	*state = s;
	return 0;
}

void folder_remove(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		char below[512];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		(void)snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		if (unlink(below) != 0)
			folder_remove(below);
	}
	if (d != NULL)
		(void)closedir(d);
	(void)rmdir(path);
}

int site_teardown(void **state)
{
	struct site *s = *state;

	folder_remove(s->folder);
	free(s);
	return 0;
}

void file_put(const char *path, const char *text)
{
	struct err e;

	assert_int_equal(file_write_atomic(path, slice_of(text), 0600, &e), OK);
}

/* ---- batches by hand ------------------------------------------------------------------------- */

struct filler *filler_new(void)
{
	struct filler *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	for (unsigned kind = 0; kind < FIELD_KINDS; kind++) {
		f->columns[kind].kind = (uint8_t)kind;
		f->columns[kind + FIELD_KINDS].kind = (uint8_t)kind;
		f->columns[kind + FIELD_KINDS].binary = true;
	}
	f->batch.columns = f->columns;
	f->batch.columns_count = COUNT_OF(f->columns);
	f->used = EVENT_PADDING;
	f->time_us = NOW;
	return f;
}

void record_add(struct filler *f)
{
	struct record *r = &f->batch.records[f->batch.records_count++];

	*r = (struct record){
		.number = ++f->number, .offset = f->offset, .raw_len = 99, .time_us = f->time_us};
	f->offset += 100;
}

void field_add(struct filler *f, unsigned column, struct slice value)
{
	assert_true(f->used + value.len + EVENT_PADDING <= sizeof(f->bytes));
	memcpy(f->bytes + f->used, value.data, value.len);
	f->batch.fields[f->batch.fields_count++] = (struct field){.data = f->bytes + f->used,
		.len = (uint32_t)value.len,
		.record = (uint16_t)(f->batch.records_count - 1),
		.column = (uint16_t)column};
	f->used += value.len;
}

void flush(struct filler *f, struct hunt_writer *w)
{
	assert_true(hunt_writer_batch(w, &f->batch));
	f->batch.records_count = f->batch.fields_count = 0;
	f->used = EVENT_PADDING;
}

struct hunt_writer *writer(struct site *s)
{
	struct hunt_writer *w;
	struct err e;

	assert_int_equal(hunt_writer_open(s->history, &s->world.world, &w, &e), OK);
	assert_int_equal(hunt_writer_source(w, s->log, "zeek-tsv", &e), OK);
	return w;
}

void finish(struct hunt_writer *w)
{
	struct err e;

	assert_int_equal(hunt_writer_finish(w, &e), OK);
	hunt_writer_free(w);
}

void segment_put(struct site *s, unsigned column, const char *value, int64_t time_us)
{
	struct hunt_writer *w = writer(s);
	struct filler *f = filler_new();

	f->time_us = time_us;
	record_add(f);
	field_add(f, column, slice_of(value));
	flush(f, w);
	finish(w);
	free(f);
}

/* ---- asking ---------------------------------------------------------------------------------- */

bool on_segment(void *context, const struct hunt_segment *segment, size_t values)
{
	struct answer *a = context;

	if (segment->damaged) {
		a->damaged++;
		(void)snprintf(a->why, sizeof(a->why), "%s", segment->why);
		assert_int_equal(values, 0);
		return true;
	}
	if (a->segments < COUNT_OF(a->times))
		a->times[a->segments] = segment->first_us;
	a->segments++;
	a->values += values;
	a->gone += segment->gone;
	a->last = *segment;
	(void)snprintf(a->path, sizeof(a->path), "%s", segment->path);
	return true;
}

void on_progress(void *context, uint64_t done, uint64_t total)
{
	struct answer *a = context;

	assert_true(done >= a->done && done <= total);
	a->done = done;
	a->total = total;
}

struct answer ask(struct site *s, const struct hunt_question *q)
{
	struct answer a = {0};
	struct err e;
	enum err_kind kind = hunt_ask(s->history, q, on_segment, on_progress, &a, &e);

	if (kind != OK)
		fail_msg("%s", e.text);
	return a;
}

struct answer ask_one(struct site *s, enum field_kind kind, const char *value)
{
	struct hunt_question *q = hunt_question_new();
	struct answer a;
	struct err e;

	assert_non_null(q);
	if (hunt_question_value(q, kind, slice_of(value), &e) != OK)
		fail_msg("%s", e.text);
	a = ask(s, q);
	hunt_question_free(q);
	return a;
}
