/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The index against a yardstick of the same run, as CPU time: compiling a list (75 % names, 25 %
 * IPv4), opening, looking fields up. Yardstick: counting the newlines of the same bytes.
 *
 *   index_bench [VALUES ...]     default 1000000
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "index/index.h"

#define ROUNDS  7 /* the least of each batch is told: neighbours only ever add time */
#define BATCHES 4096
#define NAMES   3000000 /* distinct benign names, as in a large site's log */
#define SERVERS 1000000

static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t seed = 88172645463325252u;
static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint64_t mix(uint64_t z)
{
	z += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Name `number` of a family: the same every time. About 17 bytes, a third with three labels. */
static size_t name_put(char *to, uint64_t number, const char *family)
{
	static const char *const ends[] = {"com", "net", "org", "info", "co.uk", "xyz", "de", "ru"};
	uint64_t z = mix(number ^ (uint64_t)(unsigned char)family[0] << 56);
	size_t len = 0, letters = 7 + z % 8;

	if (z >> 60 < 4)
		len += (size_t)sprintf(
			to, "%s%u.", z >> 59 & 1 ? "www" : "m", (unsigned)(z >> 50 & 15));
	for (size_t k = 0; k < letters; k++)
		to[len++] = (char)('a' +
				   (z = z * 6364136223846793005u + 1442695040888963407u, z >> 33) %
					   26);
	len += (size_t)sprintf(to + len, ".%s", ends[z >> 40 & 7]);
	return len;
}

static struct slice list_make(size_t values)
{
	char *list = malloc(values * 40 + 64);
	size_t len = 0;

	if (list == NULL)
		exit(1);
	for (size_t k = 0; k < values; k++) {
		if (k % 4 == 3) {
			uint64_t z = mix(k);

			len += (size_t)sprintf(list + len, "%u.%u.%u.%u", (unsigned)(z & 127) + 64,
				(unsigned)(z >> 8 & 255), (unsigned)(z >> 16 & 255),
				(unsigned)(z >> 24 & 255));
		} else {
			len += name_put(list + len, k, "evil");
		}
		list[len++] = '\n';
	}
	return (struct slice){list, len};
}

/* Wall time, for spans too short to ask for CPU time. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#ifndef __clang__ /* which vectorises at -O2 */
__attribute__((optimize("O3")))
#endif
static void
newlines(struct slice s)
{
	volatile size_t count = 0;
	size_t n = 0;

	for (size_t k = 0; k < s.len;) {
		uint8_t part = 0;

		for (size_t end = k + 255 < s.len ? k + 255 : s.len; k < end; k++)
			part = (uint8_t)(part + (s.data[k] == '\n'));
		n += part;
	}
	count = n;
	(void)count;
}

/* ---- fields ---------------------------------------------------------------------------------- */

struct fields {
	char *room;
	size_t len, count;
	struct batch *batches; /* columns and fields only are set */
};

enum { COLUMN_NAME, COLUMN_ADDRESS, COLUMN_HOST, COLUMN_URL, COLUMN_FREE };
static const struct column columns[] = {{.kind = FIELD_NAME}, {.kind = FIELD_ADDRESS},
	{.kind = FIELD_HOST}, {.kind = FIELD_URL}, {.kind = FIELD_FREE}};

/* Zipf(1) over n by inverting the harmonic sum's logarithm. */
static uint64_t zipf(uint64_t n)
{
	double u = (double)(rnd() >> 11) / 9007199254740992.0;
	double x = 1, step = u * 14.9; /* ln(3,000,000) */

	while (step > 0.0625) {
		x *= 1.0644944589178594;
		step -= 0.0625;
	}
	return mix((uint64_t)x + rnd() % (1 + (uint64_t)(x / 16))) % n;
}

static struct fields fields_make(const unsigned *mix_of, size_t mix_count, bool is_zipf)
{
	struct fields f = {.count = (size_t)BATCHES * BATCH_FIELDS};

	f.room = malloc(f.count * 80 + 2 * EVENT_PADDING);
	f.batches = calloc(BATCHES, sizeof(*f.batches));
	if (f.room == NULL || f.batches == NULL)
		exit(1);
	f.len = EVENT_PADDING;
	for (size_t k = 0; k < f.count; k++) {
		struct batch *b = &f.batches[k / BATCH_FIELDS];
		struct field *one = &b->fields[k % BATCH_FIELDS];
		unsigned column = mix_of[k % mix_count];
		uint64_t number = is_zipf ? zipf(NAMES) : rnd() % NAMES;
		char *to = f.room + f.len;
		size_t len = 0;

		b->columns = columns;
		b->columns_count = COUNT_OF(columns);
		b->records_count = BATCH_RECORDS;
		b->fields_count = BATCH_FIELDS;
		if (column == COLUMN_URL || column == COLUMN_FREE)
			len += (size_t)sprintf(
				to, column == COLUMN_URL ? "http://" : "query from x for ");
		if (column == COLUMN_ADDRESS || (column == COLUMN_HOST && k % 8 == 2)) {
			uint64_t z = mix(number % SERVERS + 77);

			len = (size_t)sprintf(to, "%u.%u.%u.%u", (unsigned)(z % 223) + 1,
				(unsigned)(z >> 8 & 255), (unsigned)(z >> 16 & 255),
				(unsigned)(z >> 24 & 255));
		} else {
			if (k % 4 != 0)
				len += (size_t)sprintf(to + len, "edge%u.", (unsigned)(number & 7));
			len += name_put(to + len, number, "good");
		}
		if (column == COLUMN_URL)
			len += (size_t)sprintf(to + len, "/a/b/c.js?v=1");
		if (column == COLUMN_FREE)
			len += (size_t)sprintf(to + len, ": NOERROR");
		to[len] = '\t';
		*one = (struct field){.data = to,
			.len = (uint32_t)len,
			.column = (uint16_t)column,
			.record = (uint16_t)(k % BATCH_FIELDS / 4)};
		f.len += len + 1;
	}
	return f;
}

static void fields_free(struct fields *f)
{
	free(f->room);
	free(f->batches);
}

static bool count_hit(void *context, const struct batch *batch, const struct index_hit *hit)
{
	(void)batch;
	(void)hit;
	++*(uint64_t *)context;
	return true;
}

static void match_measure(const struct index *x, const char *name, const unsigned *mix_of,
	size_t mix_count, bool is_zipf)
{
	struct fields f = fields_make(mix_of, mix_count, is_zipf);
	struct index_matcher *m = index_matcher_new(x);
	double *least = calloc(2 * (size_t)BATCHES, sizeof(*least)), best = 0, yard = 0;
	uint64_t hits = 0;

	if (least == NULL || m == NULL)
		exit(1);

	for (int round = 0; round < ROUNDS; round++) {
		hits = 0;
		/* a reader has just had the bytes in its hands: they are in the caches */
		for (size_t k = 0; k < BATCHES; k++) {
			struct batch *b = &f.batches[k];
			const struct field *last = &b->fields[BATCH_FIELDS - 1];
			double start, took;

			newlines((struct slice){(const char *)b->fields, sizeof(b->fields)});
			newlines((struct slice){b->fields[0].data,
				(size_t)(last->data + last->len - b->fields[0].data)});
			start = now();
			newlines((struct slice){b->fields[0].data,
				(size_t)(last->data + last->len - b->fields[0].data)});
			took = now() - start;
			if (round == 0 || took < least[2 * k])
				least[2 * k] = took;
			start = now();
			if (!index_match(m, b, count_hit, &hits))
				exit(1);
			took = now() - start;
			if (round == 0 || took < least[2 * k + 1])
				least[2 * k + 1] = took;
		}
	}
	for (size_t k = 0; k < BATCHES; k++) {
		yard += least[2 * k];
		best += least[2 * k + 1];
	}
	free(least);
	printf("  %-22s %6.2f ns a field (%.1f bytes; newlines of them %.2f ns), %llu hits of "
	       "%zu\n",
		name, best / (double)f.count * 1e9, (double)f.len / (double)f.count,
		yard / (double)f.count * 1e9, (unsigned long long)hits, f.count);
	index_matcher_free(m);
	fields_free(&f);
}

static void measure(size_t values, const char *path)
{
	static const unsigned zeek[] = {COLUMN_ADDRESS, COLUMN_ADDRESS, COLUMN_NAME, COLUMN_HOST};
	static const unsigned names[] = {COLUMN_NAME}, addresses[] = {COLUMN_ADDRESS},
			      urls[] = {COLUMN_URL}, texts[] = {COLUMN_FREE};
	struct index_entry entry = {.id = SLICE("feed:bench"), .confidence = -1};
	struct slice list = list_make(values);
	double start = cpu_now(), yard, taken, written, opened = 1e9;
	struct index_builder *b = index_builder_new(world_real());
	struct index_info info;
	struct index *x = NULL;
	struct err e;

	newlines(list);
	yard = cpu_now() - start;
	start = cpu_now();
	if (b == NULL || index_builder_entry(b, &entry, &e) != OK ||
		index_builder_lines(b, FIELD_NONE, list, 1, NULL, NULL, &e) != OK)
		exit(1);
	taken = cpu_now() - start;
	start = cpu_now();
	if (index_builder_write(b, path, NULL, &e) != OK) {
		fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	written = cpu_now() - start;
	index_builder_free(b);
	for (int round = 0; round < ROUNDS; round++) {
		double took;

		index_close(x);
		start = cpu_now();
		if (index_open(path, NULL, &x, &e) != OK) {
			fprintf(stderr, "%s\n", e.text);
			exit(1);
		}
		took = cpu_now() - start;
		if (took < opened)
			opened = took;
	}
	index_info(x, &info);
	printf("%zu values: list %.1f bytes each, compiled in %.3f s (%.3f reading, %.3f writing; "
	       "newlines "
	       "%.3f s), %.2f bytes a value, opened in %.2f ms\n",
		values, (double)list.len / (double)values, taken + written, taken, written, yard,
		(double)info.bytes / (double)info.counts.values, opened * 1e3);
	match_measure(x, "zeek, zipf", zeek, COUNT_OF(zeek), true);
	match_measure(x, "zeek, uniform", zeek, COUNT_OF(zeek), false);
	match_measure(x, "names, zipf", names, 1, true);
	match_measure(x, "addresses, zipf", addresses, 1, true);
	match_measure(x, "URLs, zipf", urls, 1, true);
	match_measure(x, "free text, zipf", texts, 1, true);
	index_close(x);
	free((void *)(uintptr_t)list.data);
}

int main(int count, char **arguments)
{
	char path[] = "/tmp/index_bench.XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	if (count < 2)
		measure(1000000, path);
	for (int k = 1; k < count; k++)
		measure(strtoull(arguments[k], NULL, 10), path);
	unlink(path);
	return 0;
}
