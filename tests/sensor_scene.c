/* SPDX-License-Identifier: MPL-2.0 */
/* See sensor_scene.h. */
#include "sensor_scene.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "index/index.h"
#include "json/json.h"

void scene_folder(char ret_path[64])
{
	snprintf(ret_path, 64, "/tmp/serai-sensor-XXXXXX");
	assert_non_null(mkdtemp(ret_path));
}

void scene_remove(const char *path)
{
	testing_folder_remove(path);
}

void scene_index(const char *path, struct slice lines)
{
	struct index_builder *b = index_builder_new(world_real());

	assert_non_null(b);
	MUST(index_builder_entry(b,
		&(struct index_entry){.id = SLICE("feed:planted"),
			.producer = SLICE("planted"),
			.confidence = 90},
		e));
	MUST(index_builder_lines(b, FIELD_NONE, lines, 1, NULL, NULL, e));
	MUST(index_builder_write(b, path, NULL, e));
	index_builder_free(b);
}

static void put(const char *path, struct slice text, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.data, text.len), text.len);
	close(fd);
}

void scene_put(const char *path, struct slice text)
{
	put(path, text, O_TRUNC);
}

void scene_append(const char *path, struct slice text)
{
	put(path, text, O_APPEND);
}

static char *member(struct json_value v, const char *name)
{
	struct slice text = json_get_string(v, name);
	char *copy = strndup(text.len > 0 ? text.data : "", text.len);

	assert_non_null(copy);
	return copy;
}

static void finding_take(struct scene_findings *f, struct json_value v)
{
	struct scene_finding *row;
	struct json_value at;
	unsigned digits;

	if (f->count == f->capacity) {
		f->capacity = f->capacity == 0 ? 1024 : 2 * f->capacity;
		f->rows = realloc(f->rows, f->capacity * sizeof(*f->rows));
		assert_non_null(f->rows);
	}
	row = &f->rows[f->count++];
	*row = (struct scene_finding){.indicator = member(v, "indicator"),
		.type = member(v, "indicator_type"),
		.host = member(v, "host"),
		.value = member(v, "value"),
		.field = member(v, "field"),
		.file = member(v, "file"),
		.match = member(v, "match")};
	assert_true(json_get(v, "update", &at) && json_is_bool(at));
	row->update = json_is_true(at);
	assert_true((json_get(v, "line", &at) && json_to_i64(at, &row->line)) ||
		    (json_get(v, "frame", &at) && json_to_i64(at, &row->frame)));
	assert_true(json_get(v, "count", &at) && json_to_i64(at, &row->count));
	assert_true(time_parse(json_get_string(v, "event.created"), &row->created_us, &digits));
}

void scene_findings_read(struct scene_findings *f, const char *path)
{
	struct json_parser *parser;
	struct buf more = BUF_INIT;
	char chunk[65536];
	struct slice rest, line;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return; /* not there yet */
	for (uint64_t at = f->read; (n = pread(fd, chunk, sizeof(chunk), (off_t)at)) > 0;
		at += (uint64_t)n)
		buf_append(&more, chunk, (size_t)n);
	close(fd);
	while (more.len > 0 && more.data[more.len - 1] != '\n')
		more.len--; /* still being written */
	f->read += more.len;
	rest = buf_slice(&more);
	parser = json_parser_new(MIB(1));
	assert_non_null(parser);
	while (rest.len > 0 && slice_next(&rest, '\n', &line)) {
		struct json_doc doc;
		struct err e;

		if (json_parse(parser, line, &doc, &e) != OK)
			fail_msg("finding %llu is no JSON: %s: %.*s", (unsigned long long)f->lines,
				e.text, SLICE_ARG(line));
		f->lines++;
		finding_take(f, json_root(&doc));
	}
	json_parser_free(parser);
	buf_fini(&more);
}

void scene_findings_free(struct scene_findings *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->rows[i].indicator);
		free(f->rows[i].type);
		free(f->rows[i].host);
		free(f->rows[i].value);
		free(f->rows[i].field);
		free(f->rows[i].file);
		free(f->rows[i].match);
	}
	free(f->rows);
	*f = (struct scene_findings){0};
}

size_t scene_count(const struct scene_findings *f, const char *value)
{
	size_t count = 0;

	for (size_t i = 0; i < f->count; i++)
		count += !f->rows[i].update && strcmp(f->rows[i].value, value) == 0;
	return count;
}

void scene_breathe(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

int64_t scene_deadline(unsigned seconds)
{
	return world_monotonic(world_real()) + (int64_t)seconds * US_PER_SECOND;
}

bool scene_over(int64_t deadline)
{
	return world_monotonic(world_real()) >= deadline;
}
