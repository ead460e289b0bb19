/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a log costs on a real disk: appending in batches and one by one from many threads, both
 * durable; catching up with another's log under its signed root; proofs; reading all again. Each
 * beside its yardstick: what the disk and the hash alone take.
 *
 *   ledger_bench FOLDER LEAVES WRITERS
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ledger/ledger.h"

#define CONTENT_BYTES  600 /* of a STIX object in the middle */
#define WRITER_SECONDS 3.0
#define ANSWER         4096 /* leaves of one round trip */
#define SYNCS          500
#define PROOFS         20000

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void must(enum err_kind kind, const char *what, const struct err *e)
{
	if (kind == OK)
		return;
	fprintf(stderr, "%s: %s\n", what, e->text);
	exit(1);
}

static void row(const char *what, double count, double seconds)
{
	printf("| %s | %.0f | %.3f | %.0f |\n", what, count, seconds, count / seconds);
	fflush(stdout);
}

static struct ledger *log_open(const struct ledger_disk *disk, const char *folder)
{
	struct ledger_options o = {.disk = disk,
		.folder = folder,
		.origin = SLICE("bench.example/log"),
		.world = world_real()};
	struct ledger *l;
	struct err e;

	must(ledger_open(&o, &l, &e), folder, &e);
	return l;
}

/* What the disk alone takes: 4 kB written and synced, one after another. */
static void yardstick_disk(const char *folder)
{
	char path[512], bytes[KIB(4)] = {1};
	double start;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/yardstick", folder);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	start = now();
	for (int i = 0; i < SYNCS; i++) {
		if (pwrite(fd, bytes, sizeof(bytes), (off_t)i * (off_t)sizeof(bytes)) < 0 ||
			fdatasync(fd) != 0)
			break;
	}
	row("yardstick: 4 kB appended and synced", SYNCS, now() - start);
	(void)close(fd);
	(void)unlink(path);
}

static void yardstick_hash(void)
{
	uint8_t a[LEDGER_HASH_LEN] = {1}, b[LEDGER_HASH_LEN] = {2};
	double start = now();

	for (int i = 0; i < 1000000; i++)
		ledger_hash_node(a, b, a);
	row("yardstick: node hashes", 1e6, now() - start);
}

static void append_batches(struct ledger *l, uint64_t leaves)
{
	static struct ledger_entry entries[LEDGER_BATCH_MAX];
	char *contents = malloc((size_t)LEDGER_BATCH_MAX * CONTENT_BYTES);
	uint64_t first, number = 0;
	double start;
	struct err e;

	if (contents == NULL)
		exit(1);
	memset(contents, 'x', (size_t)LEDGER_BATCH_MAX * CONTENT_BYTES);
	start = now();
	while (ledger_size(l) < leaves) {
		for (size_t i = 0; i < LEDGER_BATCH_MAX; i++) {
			char *content = contents + i * CONTENT_BYTES;

			memcpy(content, &number, sizeof(number));
			entries[i] = (struct ledger_entry){
				.class = LEDGER_COALITION,
				.time_us = INT64_C(1795392000000000),
				.content = {content, CONTENT_BYTES},
				.serial = ++number
                        };
		}
		must(ledger_append(l, entries, LEDGER_BATCH_MAX, &number, &first, &e), "append",
			&e);
	}
	row("entries appended in batches of 4096, durable", (double)ledger_size(l), now() - start);
	free(contents);
}

struct writer {
	struct ledger *log;
	double until;
	uint64_t count;
	bool held;
};

static void *writer_run(void *context)
{
	struct writer *w = context;
	char content[CONTENT_BYTES];
	struct err e;

	memset(content, 'y', sizeof(content));
	while (now() < w->until) {
		struct ledger_entry entry = {
			.class = LEDGER_COALITION,
			.time_us = INT64_C(1795392000000000),
			.content = {content, sizeof(content)},
			.serial = w->held ? 0 : 1
                };
		uint64_t first;

		memcpy(content, &w->count, sizeof(w->count));
		must(ledger_append(w->log, &entry, 1, NULL, &first, &e), "append", &e);
		w->count++;
	}
	return NULL;
}

static void append_one_by_one(struct ledger *l, unsigned writers, bool held)
{
	struct writer *w = calloc(writers, sizeof(*w));
	pthread_t *threads = calloc(writers, sizeof(*threads));
	double start = now();
	uint64_t count = 0;
	char what[96];

	if (w == NULL || threads == NULL)
		exit(1);
	for (unsigned i = 0; i < writers; i++) {
		w[i] = (struct writer){l, start + WRITER_SECONDS, 0, held};
		if (pthread_create(&threads[i], NULL, writer_run, &w[i]) != 0)
			exit(1);
	}
	for (unsigned i = 0; i < writers; i++) {
		(void)pthread_join(threads[i], NULL);
		count += w[i].count;
	}
	(void)snprintf(what, sizeof(what), "entries one by one from %u threads, durable%s", writers,
		held ? ", contents held" : "");
	row(what, (double)count, now() - start);
	free(w);
	free(threads);
}

/* Another's log, answer by answer, each under the signed root of the whole. */
static void mirror_all(struct ledger *from, struct ledger *to, uint64_t leaves)
{
	struct note_checkpoint c = {.origin = ledger_origin(from), .size = leaves};
	struct buf answer = BUF_INIT;
	struct ledger_path path;
	double spent = 0, start = now();
	struct err e;

	must(ledger_root(from, leaves, c.root, &e), "root", &e);
	while (ledger_size(to) < leaves) {
		uint64_t at = ledger_size(to);
		uint64_t count = leaves - at < ANSWER ? leaves - at : ANSWER;
		double began;

		buf_clear(&answer);
		must(ledger_leaves(from, at, count, &answer, &e), "leaves", &e);
		must(ledger_consistency(from, at + count, leaves, &path, &e), "consistency", &e);
		began = now();
		must(ledger_mirror(to, at, buf_slice(&answer), &path, &c, &e), "mirror", &e);
		spent += now() - began;
	}
	row("leaves mirrored in answers of 4096: verified and durable", (double)leaves, spent);
	row("the same with reading and proving them at the source", (double)leaves, now() - start);
	buf_fini(&answer);
}

static void prove(struct ledger *l, uint64_t leaves)
{
	uint64_t index = 1;
	struct ledger_path path;
	double start = now();
	struct err e;

	for (int i = 0; i < PROOFS; i++) {
		index = (index * UINT64_C(6364136223846793005) + 1442695040888963407);
		must(ledger_inclusion(l, index % leaves, leaves, &path, &e), "proof", &e);
	}
	row("inclusion proofs from stored hashes", PROOFS, now() - start);
}

static void verify(struct ledger *l)
{
	double start = now();
	struct err e;

	must(ledger_verify(l, NULL, NULL, &e), "verify", &e);
	row("leaves read again and verified", (double)ledger_size(l), now() - start);
}

static void tiles(struct ledger *l)
{
	double start = now();
	struct err e;

	must(ledger_tiles_write(l, "static", &e), "tiles", &e);
	row("leaves written as static tiles and bundles", (double)ledger_size(l), now() - start);
}

int main(int argc, char **argv)
{
	uint64_t leaves, writers;
	struct ledger_disk disk;
	struct ledger *own, *mirror;
	struct err e;

	if (argc != 4 || !slice_to_u64(slice_of(argv[2]), &leaves) || leaves == 0 ||
		!slice_to_u64(slice_of(argv[3]), &writers) || writers == 0 || writers > 1000) {
		fprintf(stderr, "usage: ledger_bench FOLDER LEAVES WRITERS\n");
		return 2;
	}
	must(ledger_disk_open(argv[1], false, &disk, &e), argv[1], &e);
	printf("| what | count | seconds | per second |\n| --- | --- | --- | --- |\n");
	yardstick_disk(argv[1]);
	yardstick_hash();
	own = log_open(&disk, "own");
	append_batches(own, leaves);
	append_one_by_one(own, (unsigned)writers, false);
	append_one_by_one(own, 2 * (unsigned)writers, false);
	append_one_by_one(own, (unsigned)writers, true);
	mirror = log_open(&disk, "mirror");
	mirror_all(own, mirror, leaves);
	prove(mirror, leaves);
	verify(mirror);
	tiles(mirror);
	ledger_close(mirror);
	ledger_close(own);
	ledger_disk_close(&disk);
	return 0;
}
