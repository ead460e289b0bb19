/* SPDX-License-Identifier: MPL-2.0 */
/*
 * packet_bench [-a] [-p] [-t] FILE...: reads capture files as the sensor does and tells CPU time
 * per packet. -a: addresses only; -p: operational technology too; -t: records as text, for
 * comparing with other tools.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "packet/packet.h"

#define WINDOW KIB(384) /* stays in the second cache level */

static bool print(void *context, struct batch *b)
{
	bool text = *(const bool *)context;
	struct arena *a = text ? arena_new(MIB(16)) : NULL;

	for (size_t i = 0; a != NULL && i < b->records_count; i++) {
		struct event e;

		if (!b->detail(b, i, a, &e))
			break;
		printf("%llu", (unsigned long long)e.number);
		for (size_t k = 0; k < e.count; k++)
			printf(" %.*s=%.*s", SLICE_ARG(e.fields[k].name),
				SLICE_ARG(e.fields[k].value));
		putchar('\n');
	}
	arena_free(a);
	b->records_count = b->fields_count = 0;
	return true;
}

static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
	       1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static enum err_kind read_file(struct packet_reader *r, const char *path, char *room, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0, taken;
	enum err_kind kind = OK;
	ssize_t n = 1;

	if (fd < 0)
		return err_set(e, ERR_IO, "%s: could not open", path);
	while (kind == OK && n > 0) {
		n = read(fd, room + have, WINDOW - have);
		if (n < 0)
			n = 0;
		have += (size_t)n;
		kind = packet_feed(r, (struct slice){room, have}, n == 0, &taken, e);
		if (kind == OK)
			memmove(room, room + taken, have -= taken);
	}
	close(fd);
	return kind;
}

int main(int argc, char **argv)
{
	char *memory = calloc(1, WINDOW + 2 * EVENT_PADDING);
	bool text = false;
	const uint64_t ends =
		event_role_bit(ROLE_SOURCE_ADDRESS) | event_role_bit(ROLE_DESTINATION_ADDRESS);
	struct packet_options options = {
		.roles = ends | event_role_bit(ROLE_QUERY) | event_role_bit(ROLE_ANSWER) |
			 event_role_bit(ROLE_SNI) | event_role_bit(ROLE_JA3) |
			 event_role_bit(ROLE_JA3S) | event_role_bit(ROLE_JA4),
		.world = world_real()};
	struct packet_reader *r;
	struct packet_counts c;
	struct err e;
	double start;
	int option;

	while ((option = getopt(argc, argv, "afpt")) != -1) {
		options.plant |= option == 'p';
		text |= option == 't';
		if (option == 'a')
			options.roles = ends;
		else if (option == 'f')
			options.roles = event_roles_matched();
	}
	if (memory == NULL ||
		packet_reader_new(&options, (struct batch_sink){print, &text}, &r, &e) != OK)
		return 1;
	start = cpu_seconds();
	for (int i = optind; i < argc; i++) {
		packet_next_file(r);
		if (read_file(r, argv[i], memory + EVENT_PADDING, &e) != OK)
			fprintf(stderr, "%s: %s\n", argv[i], e.text);
	}
	(void)packet_end(r);
	start = cpu_seconds() - start;
	packet_counts(r, &c);
	fprintf(stderr,
		"%llu frames, %llu records, %.3f s, %.1f ns a frame; cut %llu, malformed %llu, "
		"unknown "
		"link %llu, fragments dropped %llu, flows dropped %llu, segments dropped %llu, "
		"gaps "
		"%llu, overlaps %llu\n",
		(unsigned long long)c.frames, (unsigned long long)c.records, start,
		start * 1e9 / (double)(c.frames == 0 ? 1 : c.frames), (unsigned long long)c.cut,
		(unsigned long long)c.malformed, (unsigned long long)c.unknown_link,
		(unsigned long long)c.fragments_dropped, (unsigned long long)c.flows_dropped,
		(unsigned long long)c.segments_dropped, (unsigned long long)c.gaps,
		(unsigned long long)c.overlaps);
	packet_reader_free(r);
	free(memory);
	return 0;
}
