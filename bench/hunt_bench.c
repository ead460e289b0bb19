/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a history costs: logs are read as the sensor reads them, with the history behind, and
 * without for comparison; then the history is asked for 1,000 values. Told in CPU seconds.
 *
 *   hunt_bench FOLDER COPIES SEGMENTS LOG...
 *
 * FOLDER is left with COPIES histories of the logs. With SEGMENTS above 0 their filters are copied
 * to so many more, those are put out of memory, and asked again: then the disk decides.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "hunt/hunt.h"
#include "logs/logs.h"

#define READ_BYTES KIB(512)
#define VALUES     1000
#define YEAR       8760 /* segments: one an hour */

struct totals {
	double seconds;
	uint64_t bytes, lines;
};

static double cpu_seconds(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static double wall_seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool nobody(void *context, struct batch *b)
{
	(void)context;
	(void)b;
	return true;
}

static bool history(void *context, struct batch *b)
{
	return hunt_writer_batch(context, b);
}

static int failed(const char *what, const struct err *e)
{
	fprintf(stderr, "%s: %s\n", what, e->text);
	return 1;
}

/* w NULL: reading alone. */
static int log_read(const char *path, char *bytes, struct hunt_writer *w, struct totals *t)
{
	struct logs_options options = {.roles = event_roles_matched(), .world = world_real()};
	struct logs_reader *r = NULL;
	struct logs_counts counts;
	double start = cpu_seconds();
	size_t len = 0, taken;
	struct err e;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		(void)err_set(&e, ERR_IO, "could not open: %s", strerror(errno));
		return failed(path, &e);
	}
	while ((got = read(fd, bytes + len, READ_BYTES)) > 0) {
		t->bytes += (uint64_t)got;
		len += (size_t)got;
		if (r == NULL) {
			options.format = logs_guess((struct slice){bytes, len}, path);
			if ((w != NULL && hunt_writer_source(w, path,
						  logs_format_name(options.format), &e) != OK) ||
				logs_reader_new(&options,
					(struct batch_sink){w != NULL ? history : nobody, w}, &r,
					&e) != OK)
				return failed(path, &e);
		}
		if (!logs_feed(r, (struct slice){bytes, len}, false, &taken))
			return 1;
		len -= taken;
		memmove(bytes, bytes + taken, len);
	}
	(void)close(fd);
	if (r == NULL)
		return 0;
	if (!logs_feed(r, (struct slice){bytes, len}, true, &taken))
		return 1;
	if (w != NULL && hunt_writer_finish(w, &e) != OK)
		return failed(path, &e);
	logs_counts(r, &counts);
	t->lines += counts.lines;
	t->seconds += cpu_seconds() - start;
	logs_reader_free(r);
	return 0;
}

static bool count_segment(void *context, const struct hunt_segment *segment, size_t values)
{
	uint64_t *named = context;

	(void)segment;
	(void)values;
	++*named;
	return true;
}

/* Onto the disk and out of the kernel's memory. */
static bool put_out(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool done = fd >= 0 && fsync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0;

	if (fd >= 0)
		(void)close(fd);
	return done;
}

/* Filters of a longer history: each that is there once more and once more, by other names. */
static int history_lengthen(const char *folder, unsigned segments)
{
	struct dirent **names;
	int count = scandir(folder, &names, NULL, alphasort);
	struct err e;

	for (unsigned i = 0, at = 0; i < segments && count > 0; at++) {
		const char *name = names[at % (unsigned)count]->d_name;
		struct buf file = BUF_INIT;
		char from[512], to[512];

		if (strstr(name, ".hunt") == NULL) {
			if (at > (unsigned)count && i == 0)
				break;
			continue;
		}
		(void)snprintf(from, sizeof(from), "%s/%s", folder, name);
		(void)snprintf(to, sizeof(to), "%s/%020u-%016x.hunt", folder, 1000 + i, i);
		if (file_read(from, MIB(256), &file, &e) != OK ||
			file_write_atomic(to, buf_slice(&file), 0600, &e) != OK)
			return failed(from, &e);
		buf_fini(&file);
		if (!put_out(to)) {
			(void)err_set(&e, ERR_IO, "could not put it out of memory");
			return failed(to, &e);
		}
		i++;
	}
	for (int i = 0; i < count; i++)
		free(names[i]);
	if (count >= 0)
		free(names);
	return 0;
}

static int ask(const char *folder, const struct hunt_totals *totals)
{
	struct hunt_question *q = hunt_question_new();
	double start, wall;
	uint64_t named = 0;
	struct err e;

	for (unsigned i = 0; i < VALUES && q != NULL; i++) {
		char text[64];
		int len = snprintf(text, sizeof(text), "never-seen-%u.example", i);

		if (hunt_question_value(q, FIELD_NAME, (struct slice){text, (size_t)len}, &e) != OK)
			return failed(text, &e);
	}
	start = cpu_seconds();
	wall = wall_seconds();
	if (q == NULL || hunt_ask(folder, q, count_segment, NULL, &named, &e) != OK)
		return failed(folder, &e);
	start = cpu_seconds() - start;
	wall = wall_seconds() - wall;
	printf("%d values over %llu segments: %.3f s CPU, %.3f s; a year of %d: %.1f s CPU, %.1f "
	       "s; "
	       "%llu named wrongly\n",
		VALUES, (unsigned long long)totals->segments, start, wall, YEAR,
		start / (double)totals->segments * YEAR, wall / (double)totals->segments * YEAR,
		(unsigned long long)named);
	hunt_question_free(q);
	return 0;
}

int main(int argc, char **argv)
{
	size_t room = LOGS_LINE_MAX + READ_BYTES;
	char *memory = calloc(1, EVENT_PADDING + room + EVENT_PADDING);
	struct totals alone = {0}, kept = {0};
	struct hunt_totals totals;
	struct hunt_writer *w;
	struct err e;
	int status = 0;

	if (argc < 5 || memory == NULL) {
		fprintf(stderr, "usage: hunt_bench FOLDER COPIES SEGMENTS LOG...\n");
		return 2;
	}
	if (hunt_writer_open(argv[1], world_real(), &w, &e) != OK)
		return failed(argv[1], &e);
	for (long copy = 0; copy < atol(argv[2]) && status == 0; copy++) {
		for (int i = 4; i < argc && status == 0; i++) {
			struct totals a = {0}, k = {0};

			status = log_read(argv[i], memory + EVENT_PADDING, NULL, &a);
			if (status != 0)
				break;
			status = log_read(argv[i], memory + EVENT_PADDING, w, &k);
			printf("%s: reading %.1f ns a line, with the history %.1f ns, %.2f GB/s\n",
				argv[i], a.seconds * 1e9 / (double)(a.lines + !a.lines),
				k.seconds * 1e9 / (double)(k.lines + !k.lines),
				(double)k.bytes * 1e-9 / k.seconds);
			alone.seconds += a.seconds;
			kept.seconds += k.seconds;
			kept.bytes += k.bytes;
			kept.lines += k.lines;
		}
	}
	hunt_writer_free(w);
	if (status != 0 || hunt_totals(argv[1], &totals, &e) != OK)
		return status != 0 ? status : failed(argv[1], &e);
	printf("all: %.2f GB/s (reading alone %.2f); %llu segments, %.2f %% of the logs, %.2f "
	       "bytes a "
	       "line\n",
		(double)kept.bytes * 1e-9 / kept.seconds, (double)kept.bytes * 1e-9 / alone.seconds,
		(unsigned long long)totals.segments,
		100.0 * (double)totals.filter_bytes / (double)totals.log_bytes,
		(double)totals.filter_bytes / (double)totals.records);
	free(memory);
	status = ask(argv[1], &totals);
	if (status != 0 || atol(argv[3]) <= 0)
		return status;
	if (history_lengthen(argv[1], (unsigned)atol(argv[3])) != 0)
		return 1;
	if (hunt_totals(argv[1], &totals, &e) != OK)
		return failed(argv[1], &e);
	printf("%.2f GB of filters, the %ld added ones out of memory: ",
		(double)totals.filter_bytes * 1e-9, atol(argv[3]));
	return ask(argv[1], &totals);
}
