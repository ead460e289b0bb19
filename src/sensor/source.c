/* SPDX-License-Identifier: MPL-2.0 */
/* One file, packed or not, or standard input: what it is, and through which reader it goes. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "inside.h"

bool source_buffer_init(struct source_buffer *b)
{
	b->memory = calloc(1, EVENT_PADDING + SOURCE_BYTES + EVENT_PADDING);
	if (b->memory == NULL)
		return false;
	b->data = b->memory + EVENT_PADDING;
	b->len = 0;
	return true;
}

void source_buffer_fini(struct source_buffer *b)
{
	free(b->memory);
	*b = (struct source_buffer){0};
}

void source_problem(struct watch *w, const char *path, const char *text)
{
	w->report.problems++;
	if (w->report.first_problem[0] == 0)
		snprintf(w->report.first_problem, sizeof(w->report.first_problem), "%s: %s", path,
			text);
	log_line(w->o->log, LOG_WARN, "source", "path", path, "why", text, NULL);
}

void source_counts(struct watch *w, const char *path, const struct logs_reader *reader)
{
	struct logs_counts counts;

	logs_counts(reader, &counts);
	w->report.problems += counts.problems + counts.too_long;
	if (counts.problems + counts.too_long > 0 && w->report.first_problem[0] == 0)
		snprintf(w->report.first_problem, sizeof(w->report.first_problem), "%s: %s", path,
			counts.first_problem);
}

enum err_kind source_reader_new(
	struct watch *w, enum logs_format format, struct logs_reader **ret_reader, struct err *e)
{
	const struct logs_options options = {.format = format,
		.roles = w->roles,
		.mapping = w->o->mapping,
		.world = w->world,
		.sift = watch_sift};

	return logs_reader_new(&options, watch_sink(w), ret_reader, e);
}

enum err_kind source_packets(struct watch *w, struct err *e)
{
	const struct packet_options options = {
		.roles = w->roles, .plant = w->o->plant, .world = w->world};

	if (w->packets != NULL)
		return OK;
	return packet_reader_new(&options, watch_sink(w), &w->packets, e);
}

/* The reader stopped: because it was asked to, or because something failed for good. */
static enum err_kind stopped(struct watch *w, struct err *e)
{
	if (w->failed != OK) {
		*e = w->error;
		return w->failed;
	}
	return OK;
}

struct reading {
	struct logs_reader *logs; /* one of the two */
	bool packets;
	bool over;
};

static enum err_kind begin(
	struct watch *w, struct reading *r, struct slice head, const char *path, struct err *e)
{
	enum logs_format format = w->o->format;

	if (packet_is_capture(head)) {
		r->packets = true;
		if (w->packets != NULL)
			packet_next_file(w->packets);
		return source_packets(w, e);
	}
	if (format == LOGS_UNKNOWN)
		format = logs_guess(slice_cut(head, 0, LOGS_GUESS_MAX), path);
	if (format == LOGS_UNKNOWN) {
		source_problem(w, path, "neither a log nor a capture that is known here");
		r->over = true;
		return OK;
	}
	if (w->history != NULL) {
		enum err_kind kind =
			hunt_writer_source(w->history, path, logs_format_name(format), e);

		if (kind != OK)
			return kind;
	}
	return source_reader_new(w, format, &r->logs, e);
}

static enum err_kind feed(struct watch *w, struct reading *r, struct source_buffer *b, bool last,
	const char *path, struct err *e)
{
	struct slice bytes = {b->data, b->len};
	size_t taken = 0;
	struct err why;

	if (r->packets) {
		enum err_kind kind = packet_feed(w->packets, bytes, last, &taken, &why);

		if (kind == ERR_NOMEM)
			return err_set(e, kind, "%s", why.text);
		if (w->failed != OK)
			return stopped(w, e);
		if (kind != OK) {
			source_problem(w, path, why.text);
			r->over = true;
		}
	} else if (!logs_feed(r->logs, bytes, last, &taken)) {
		r->over = true;
		return w->failed == OK && !w->enough && !watch_stopped(w)
			       ? err_set(e, ERR_NOMEM, "out of memory while reading %s", path)
			       : stopped(w, e);
	}
	if (taken == 0 && b->len == SOURCE_BYTES) {
		source_problem(w, path, "the reader does not get on");
		r->over = true;
	}
	memmove(b->data, b->data + taken, b->len - taken);
	b->len -= taken;
	w->report.bytes += taken;
	return OK;
}

/* What unpacks without end keeps a sensor from everything else. */
static bool is_bomb(const struct input *in, uint64_t unpacked)
{
	return unpacked > SENSOR_UNPACKED_FREE &&
	       unpacked / SENSOR_UNPACK_RATIO_MAX > input_packed_read(in);
}

static enum err_kind file_read_whole(
	struct watch *w, struct source_buffer *b, struct input *in, const char *path, struct err *e)
{
	struct reading r = {0};
	enum err_kind kind = OK;
	bool begun = false, last = false;
	uint64_t unpacked = 0;
	struct err why;

	b->len = 0;
	while (kind == OK && !r.over && !last && !watch_stopped(w)) {
		size_t got;

		kind = input_read(in, b->data + b->len,
			SOURCE_BYTES - b->len < SOURCE_READ_BYTES ? SOURCE_BYTES - b->len
								  : SOURCE_READ_BYTES,
			&got, &why);
		if (kind != OK) {
			/* Damaged packing: what came before it was read. */
			source_problem(w, path, why.text);
			kind = OK;
			got = 0;
		}
		unpacked += got;
		if (is_bomb(in, unpacked)) {
			source_problem(w, path,
				"it unpacks to far more than any log: given up in the middle");
			w->report.bombs++;
			got = 0;
		}
		last = got == 0;
		b->len += got;
		if (last && !begun && b->len == 0)
			break; /* an empty file is nothing wrong */
		if (!begun && (last || b->len >= LOGS_GUESS_MAX)) {
			kind = begin(w, &r, (struct slice){b->data, b->len}, path, e);
			begun = true;
		}
		if (kind == OK && begun && !r.over)
			kind = feed(w, &r, b, last, path, e);
		if (w->o->progress != NULL)
			w->o->progress(w->o->progress_context, input_packed_read(in),
				input_packed_total(in), w->report.records);
	}
	if (kind == OK && r.packets && !packet_flush(w->packets))
		kind = stopped(w, e);
	if (r.logs != NULL) {
		source_counts(w, path, r.logs);
		logs_reader_free(r.logs);
	}
	if (kind == OK && w->history != NULL && begun)
		kind = hunt_writer_finish(w->history, e);
	return kind;
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The files of a folder by name; hidden ones and folders below are left. */
static enum err_kind folder_read(
	struct watch *w, struct source_buffer *b, const char *path, struct err *e)
{
	DIR *folder = opendir(path);
	char *names[SENSOR_SOURCES_MAX];
	size_t count = 0;
	struct dirent *entry;
	enum err_kind kind = OK;

	if (folder == NULL) {
		source_problem(w, path, strerror(errno));
		return OK;
	}
	while ((entry = readdir(folder)) != NULL) {
		struct stat st;

		if (entry->d_name[0] == '.')
			continue;
		if (count == SENSOR_SOURCES_MAX) {
			source_problem(w, path,
				"more files than are read of one folder; the rest was left");
			break;
		}
		if (asprintf(&names[count], "%s/%s", path, entry->d_name) < 0)
			break;
		if (stat(names[count], &st) == 0 && S_ISREG(st.st_mode))
			count++;
		else
			free(names[count]);
	}
	closedir(folder);
	qsort(names, count, sizeof(names[0]), name_compare);
	for (size_t i = 0; i < count; i++) {
		if (kind == OK && !watch_stopped(w))
			kind = source_read(w, b, names[i], e);
		free(names[i]);
	}
	return kind;
}

enum err_kind source_read(struct watch *w, struct source_buffer *b, const char *path, struct err *e)
{
	struct input *in;
	struct stat st;
	struct err why;
	enum err_kind kind;

	if (strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return folder_read(w, b, path, e);
	if (input_open(path, &in, &why) != OK) {
		source_problem(w, path, why.text);
		return OK;
	}
	watch_source(w, strcmp(path, "-") == 0 ? "standard input" : path);
	kind = file_read_whole(w, b, in, path, e);
	input_free(in);
	return kind;
}
