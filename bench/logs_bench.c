/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Reads logs as the sensor does, with nobody behind it: what splitting costs. Prints CPU seconds,
 * nanoseconds a line and what was read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "logs/logs.h"

#define READ_BYTES KIB(512)

static uint64_t fields_seen;

static bool count_fields(void *context, struct batch *b)
{
	(void)context;
	fields_seen += b->fields_count;
	return true;
}

static double cpu_seconds(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

int main(int argc, char **argv)
{
	size_t room = LOGS_LINE_MAX + READ_BYTES;
	char *memory = calloc(1, EVENT_PADDING + room + EVENT_PADDING);
	char *bytes = memory + EVENT_PADDING;

	for (int i = 1; i < argc && memory != NULL; i++) {
		struct logs_options options = {
			.roles = event_roles_matched(), .world = world_real()};
		struct logs_reader *r = NULL;
		struct logs_counts counts;
		struct err e;
		double start = cpu_seconds();
		uint64_t total = 0;
		size_t len = 0, taken;
		ssize_t got;
		int fd = open(argv[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0) {
			fprintf(stderr, "could not read \"%s\": %s\n", argv[i], strerror(errno));
			return 1;
		}
		fields_seen = 0;
		while ((got = read(fd, bytes + len, READ_BYTES)) > 0) {
			total += (uint64_t)got;
			len += (size_t)got;
			if (r == NULL) {
				options.format = logs_guess((struct slice){bytes, len}, argv[i]);
				if (logs_reader_new(&options,
					    (struct batch_sink){count_fields, NULL}, &r,
					    &e) != OK) {
					fprintf(stderr, "%s: %s\n", argv[i], e.text);
					return 1;
				}
			}
			if (!logs_feed(r, (struct slice){bytes, len}, false, &taken))
				return 1;
			len -= taken;
			memmove(bytes, bytes + taken, len);
		}
		(void)close(fd);
		if (r == NULL)
			continue;
		if (!logs_feed(r, (struct slice){bytes, len}, true, &taken))
			return 1;
		logs_counts(r, &counts);
		start = cpu_seconds() - start;
		printf("%s: %s, %.3f s, %.1f ns a line, %.2f GB/s, %llu lines, %llu fields, %llu "
		       "problems\n",
			argv[i], logs_format_name(options.format), start,
			start * 1e9 / (double)(counts.lines + !counts.lines),
			(double)total / start * 1e-9, (unsigned long long)counts.lines,
			(unsigned long long)fields_seen, (unsigned long long)counts.problems);
		logs_reader_free(r);
	}
	free(memory);
	return 0;
}
