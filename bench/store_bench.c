/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How fast is the store, and how fast could it be?
 *
 *   store_bench bare FILE FOLDER          the yardstick: a bare SQLite program that inserts the
 *                                         same objects unchecked, with the same tables and indexes
 *   store_bench bare-only FILE FOLDER     the same without the full-text index
 *   store_bench append FILE FOLDER        the same objects through store_append
 *   store_bench --generate N FILE         N made-up objects, one a line ("-": standard output)
 *   store_bench fill N FOLDER             N made-up objects into a store
 *   store_bench --search FOLDER           pages and searches in a filled store, as a table
 *   store_bench verify FOLDER             store_verify of a filled store
 *   store_bench --places N COUNT FOLDER FILE   a script for wrk that asks for COUNT random pages
 *                                         of the first collection
 *
 * FILE may be a bundle or lines, packed or not. FOLDER is made, and must not be there yet but where
 * it says "filled". The objects are taken apart before the clock starts.
 */
#include "store_bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

double seconds(void)
{
	const struct world *w = world_real();

	return (double)w->monotonic_us(w->context) / 1e6;
}

/* Processor seconds of all threads so far: what is comparable on a machine that others use too. */
static double processor(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int fail(const struct err *e)
{
	fprintf(stderr, "store_bench: %s: %s\n", err_kind_name(e->kind), e->text);
	return 1;
}

/* Bytes this process had written to files so far. */
static double written_mb(void)
{
	FILE *f = fopen("/proc/self/io", "r");
	unsigned long long bytes = 0;
	char line[128];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "write_bytes: %llu", &bytes) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return (double)bytes / 1e6;
}

void memory_print(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long size = 0, resident = 0;
	struct rusage usage;

	if (f != NULL) {
		if (fscanf(f, "%ld %ld", &size, &resident) != 2)
			resident = 0;
		fclose(f);
	}
	getrusage(RUSAGE_SELF, &usage);
	printf("memory: %.1f MB resident, %.1f MB at the highest; %.0f MB written\n",
		(double)resident * (double)sysconf(_SC_PAGESIZE) / 1e6,
		(double)usage.ru_maxrss * 1024 / 1e6, written_mb());
}

enum err_kind folder_open(
	const char *folder, enum store_mode mode, struct store **ret_store, struct err *e)
{
	const struct store_options options = {.mode = mode};

	return store_open(folder, &options, ret_store, e);
}

struct lap lap_begin(void)
{
	return (struct lap){seconds(), processor()};
}

struct lap lap_since(struct lap began)
{
	return (struct lap){seconds() - began.wall, processor() - began.processor};
}

int rate_print(const char *what, const struct objects *o, struct lap lap)
{
	double took = lap.wall;

	printf("seconds %.4f processor %.4f ", took, lap.processor);
	printf("%s: %zu objects in %.3f s, %.0f objects/s, %.1f MB/s\n", what, o->count, took,
		(double)o->count / took, (double)o->bytes / took / 1e6);
	return 0;
}

/* ---- through the store ----------------------------------------------------------------------- */

static enum err_kind collection_make(struct store *s, int64_t *ret_number, struct err *e)
{
	const struct store_collection c = {
		.uuid = {{1}}, .title = SLICE("everything"), .tlp_max = STIX_TLP_AMBER};

	return store_collection_put(s, &c, ret_number, e);
}

static enum err_kind append_all(
	struct store *s, int64_t collection, const struct objects *o, struct err *e)
{
	static struct store_result results[BATCH];
	enum err_kind kind = OK;

	for (size_t i = 0; kind == OK && i < o->count; i += BATCH) {
		struct store_batch batch = {.objects = o->list + i,
			.count = o->count - i < BATCH ? o->count - i : BATCH,
			.collections = &collection,
			.collections_count = 1,
			.member = SLICE("self")};

		kind = store_append(s, &batch, results, e);
	}
	return kind;
}

struct indexing {
	struct store *s;
	atomic_bool stop;
	struct err e;
	enum err_kind kind;
};

/* Keeps the text index up to date beside the writer, as a node's idle thread does. */
static void *index_beside(void *context)
{
	struct indexing *k = context;

	while (!k->stop && k->kind == OK) {
		k->kind = store_index_text(k->s, &k->e);
		usleep(20000);
	}
	return NULL;
}

static int verb_append(char **args)
{
	struct indexing k = {0};
	struct objects o;
	struct store *s;
	pthread_t thread;
	int64_t collection;
	struct err e;
	struct lap began, written;

	if (objects_new(LIST_BYTES, &o, &e) != OK || objects_read(&o, args[0], &e) != OK ||
		folder_open(args[1], STORE_CREATE, &s, &e) != OK ||
		collection_make(s, &collection, &e) != OK)
		return fail(&e);
	k.s = s;
	began = lap_begin();
	if (append_all(s, collection, &o, &e) != OK)
		return fail(&e);
	rate_print("store, durable, text index later", &o, lap_since(began));
	written = lap_begin();
	if (store_index_text(s, &e) != OK)
		return fail(&e);
	rate_print("text index alone", &o, lap_since(written));
	rate_print("store and text index, one after the other", &o, lap_since(began));
	store_close(s);
	strcat(args[1], "-2");
	if (folder_open(args[1], STORE_CREATE, &s, &e) != OK ||
		collection_make(s, &collection, &e) != OK)
		return fail(&e);
	k.s = s;
	began = lap_begin();
	pthread_create(&thread, NULL, index_beside, &k);
	if (append_all(s, collection, &o, &e) != OK)
		return fail(&e);
	k.stop = true;
	pthread_join(thread, NULL);
	if (store_index_text(s, &e) != OK)
		return fail(&e);
	rate_print("store and text index, side by side", &o, lap_since(began));
	memory_print();
	store_close(s);
	objects_free(&o);
	return 0;
}

static int verb_generate(char **args)
{
	uint64_t count = strtoull(args[0], NULL, 10);
	FILE *to = strcmp(args[1], "-") == 0 ? stdout : fopen(args[1], "w");
	struct buf line = BUF_INIT;
	uint64_t bytes = 0;

	if (to == NULL) {
		perror(args[1]);
		return 1;
	}
	for (uint64_t n = 0; n < count; n++) {
		buf_clear(&line);
		object_make(SEED, n, &line);
		buf_char(&line, '\n');
		bytes += line.len;
		if (fwrite(line.data, 1, line.len, to) != line.len)
			break;
	}
	buf_fini(&line);
	if (ferror(to) || fclose(to) != 0) {
		perror(args[1]);
		return 1;
	}
	fprintf(stderr, "%llu objects, %.1f MB, %.0f bytes each\n", (unsigned long long)count,
		(double)bytes / 1e6, count == 0 ? 0 : (double)bytes / (double)count);
	return 0;
}

static int verb_fill(char **args)
{
	uint64_t count = strtoull(args[0], NULL, 10);
	struct objects o, all = {0};
	struct store *s;
	int64_t collection;
	struct err e;
	struct lap took = {0}, lap, began;

	if (objects_new(MIB(64), &o, &e) != OK ||
		folder_open(args[1], STORE_CREATE, &s, &e) != OK ||
		collection_make(s, &collection, &e) != OK)
		return fail(&e);
	for (uint64_t n = 0; n < count; n += BATCH) {
		objects_clear(&o);
		if (objects_make(
			    &o, SEED, n, count - n < BATCH ? (size_t)(count - n) : BATCH, &e) != OK)
			return fail(&e);
		began = lap_begin();
		if (append_all(s, collection, &o, &e) != OK)
			return fail(&e);
		lap = lap_since(began);
		took = (struct lap){took.wall + lap.wall, took.processor + lap.processor};
		all.count += o.count;
		all.bytes += o.bytes;
		if ((n + BATCH) % 100000 == 0) {
			rate_print("so far", &all, took);
			memory_print();
		}
	}
	rate_print("store, durable, text index later", &all, took);
	memory_print();
	began = lap_begin();
	if (store_index_text(s, &e) != OK)
		return fail(&e);
	rate_print("text index alone", &all, lap_since(began));
	memory_print();
	store_close(s);
	objects_free(&o);
	return 0;
}

static void fault_print(void *context, const char *text)
{
	(void)context;
	printf("%s\n", text);
}

static int verb_verify(char **args)
{
	struct store *s;
	struct err e;
	struct lap began;

	if (folder_open(args[0], STORE_READ, &s, &e) != OK)
		return fail(&e);
	began = lap_begin();
	if (store_verify(s, fault_print, NULL, &e) != OK)
		return fail(&e);
	printf("verified in %.1f s\n", lap_since(began).wall);
	memory_print();
	store_close(s);
	return 0;
}

/* ---- all verbs --------------------------------------------------------------------------------
 */

static int verb_bare_text(char **args)
{
	return verb_bare(args, true);
}

static int verb_bare_only(char **args)
{
	return verb_bare(args, false);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int args;
		int (*run)(char **args);
		const char *usage;
	} verbs[] = {
		{"bare",       2, verb_bare_text, "FILE FOLDER"        },
		{"bare-only",  2, verb_bare_only, "FILE FOLDER"        },
		{"append",     2, verb_append,    "FILE FOLDER"        },
		{"--generate", 2, verb_generate,  "N FILE"             },
		{"fill",       2, verb_fill,      "N FOLDER"           },
		{"--search",   1, verb_search,    "FOLDER"             },
		{"verify",     1, verb_verify,    "FOLDER"             },
		{"--places",   4, verb_places,    "N COUNT FOLDER FILE"},
	};

	for (size_t i = 0; argc > 1 && i < COUNT_OF(verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0 && argc == 2 + verbs[i].args)
			return verbs[i].run(argv + 2);
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		fprintf(stderr, "usage: store_bench %s %s\n", verbs[i].name, verbs[i].usage);
	return 2;
}
