/* SPDX-License-Identifier: MPL-2.0 */
/*
 * literals_bench LIST FILE...: what Vectorscan (or Hyperscan) takes to find the lines of files that
 * hold one of the strings of a list, one a line: the yardstick for who would search bytes instead
 * of looking up fields. Not part of the build, for nothing else needs the library:
 *
 *   cc -O2 -o literals_bench bench/literals_bench.c $(pkg-config --cflags --libs libhs)
 *
 * Told: strings, lines found, CPU seconds of compiling, CPU seconds of searching.
 */
#define _GNU_SOURCE /* memrchr */
#include <errno.h>
#include <fcntl.h>
#include <hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES (1U << 20) /* searched at a time, up to its last whole line */

struct list {
	char *text;
	const char **string;
	size_t *len;
	unsigned *flags, *id;
	unsigned count;
};

struct search {
	const char *block;
	size_t len;
	size_t line_end; /* behind the last line that was counted */
	unsigned long long lines;
};

static int failed(const char *what, const char *why)
{
	fprintf(stderr, "literals_bench: %s: %s\n", what, why);
	return 1;
}

static double cpu_seconds(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static int list_read(const char *path, struct list *l)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	size_t lines = 1, bytes;

	if (f == NULL || fstat(fileno(f), &st) != 0)
		return failed(path, strerror(errno));
	bytes = (size_t)st.st_size;
	l->text = malloc(bytes + 1);
	if (l->text == NULL || fread(l->text, 1, bytes, f) != bytes)
		return failed(path, "could not read it");
	(void)fclose(f);
	l->text[bytes] = '\n';
	for (size_t i = 0; i < bytes; i++)
		lines += l->text[i] == '\n';
	l->string = calloc(lines, sizeof(*l->string));
	l->len = calloc(lines, sizeof(*l->len));
	l->flags = calloc(lines, sizeof(*l->flags));
	l->id = calloc(lines, sizeof(*l->id));
	if (l->string == NULL || l->len == NULL || l->flags == NULL || l->id == NULL)
		return failed(path, "out of memory");
	for (const char *at = l->text; at < l->text + bytes;) {
		const char *end = memchr(at, '\n', (size_t)(l->text + bytes + 1 - at));

		if (end > at) {
			l->string[l->count] = at;
			l->len[l->count] = (size_t)(end - at);
			l->id[l->count] = l->count;
			l->count++;
		}
		at = end + 1;
	}
	return 0;
}

/* A line counts once, however many strings are in it. */
static int on_match(
	unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
	struct search *s = context;
	const char *end;

	(void)id;
	(void)from;
	(void)flags;
	if (to <= s->line_end)
		return 0;
	s->lines++;
	end = memchr(s->block + to - 1, '\n', s->len - (size_t)to + 1);
	s->line_end = end == NULL ? s->len : (size_t)(end - s->block) + 1;
	return 0;
}

static int file_search(
	const char *path, const hs_database_t *db, hs_scratch_t *scratch, unsigned long long *lines)
{
	static char block[2 * BLOCK_BYTES];
	size_t have = 0;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return failed(path, strerror(errno));
	while ((got = read(fd, block + have, BLOCK_BYTES)) > 0 || have > 0) {
		struct search s = {.block = block};
		const char *end;

		have += got > 0 ? (size_t)got : 0;
		end = got > 0 ? memrchr(block, '\n', have) : block + have - 1;
		if (end == NULL) /* a line of more than a block is searched in pieces */
			end = block + have - 1;
		s.len = (size_t)(end - block) + 1;
		if (hs_scan(db, block, (unsigned)s.len, 0, scratch, on_match, &s) != HS_SUCCESS)
			return failed(path, "could not be searched");
		*lines += s.lines;
		have -= s.len;
		memmove(block, block + s.len, have);
	}
	(void)close(fd);
	return got < 0 ? failed(path, strerror(errno)) : 0;
}

int main(int argc, char **argv)
{
	hs_compile_error_t *error = NULL;
	hs_scratch_t *scratch = NULL;
	hs_database_t *db = NULL;
	struct list l = {0};
	unsigned long long lines = 0;
	double start, compiled;

	if (argc < 3) {
		fprintf(stderr, "usage: literals_bench LIST FILE...\n");
		return 2;
	}
	if (list_read(argv[1], &l) != 0)
		return 1;
	start = cpu_seconds();
	if (hs_compile_lit_multi(l.string, l.flags, l.id, l.len, l.count, HS_MODE_BLOCK, NULL, &db,
		    &error) != HS_SUCCESS)
		return failed("compiling", error->message);
	if (hs_alloc_scratch(db, &scratch) != HS_SUCCESS)
		return failed("compiling", "out of memory");
	compiled = cpu_seconds();
	for (int i = 2; i < argc; i++) {
		if (file_search(argv[i], db, scratch, &lines) != 0)
			return 1;
	}
	printf("%u strings, %llu lines, compiled in %.2f s, searched in %.2f s\n", l.count, lines,
		compiled - start, cpu_seconds() - compiled);
	(void)hs_free_scratch(scratch);
	(void)hs_free_database(db);
	return 0;
}
