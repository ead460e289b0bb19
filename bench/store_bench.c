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
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "objects.h"

#define SEED       42
#define BATCH      1000 /* objects in one transaction */
#define ROUNDS     2000 /* of each question */
#define LIST_BYTES MIB(3000)

static double seconds(void)
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

static int fail(const struct err *e)
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

/* Resident memory now and at its highest, in MB. */
static void memory_print(void)
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

static enum err_kind folder_open(
	const char *folder, enum store_mode mode, struct store **ret_store, struct err *e)
{
	const struct store_options options = {.mode = mode};

	return store_open(folder, &options, ret_store, e);
}

static bool may_all(void *context, const struct store_row *row)
{
	(void)context;
	(void)row;
	return true;
}

/* ---- the yardstick --------------------------------------------------------------------------- */

struct bare {
	sqlite3 *db, *text;
	sqlite3_stmt *ident, *object, *entry, *reference, *value, *value_of, *words;
};

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK) {
		fprintf(stderr, "store_bench: %s\n", sqlite3_errmsg(db));
		exit(1);
	}
	return st;
}

static void run(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "store_bench: %s\n", sqlite3_errmsg(db));
		exit(1);
	}
}

static void step(sqlite3 *db, sqlite3_stmt *st)
{
	if (sqlite3_step(st) != SQLITE_DONE) {
		fprintf(stderr, "store_bench: %s\n", sqlite3_errmsg(db));
		exit(1);
	}
	sqlite3_reset(st);
}

/* Numbers for ids and types, found before the clock starts. */
struct numbers {
	int64_t ident;
	int64_t type;
	int64_t *targets;
	int64_t *properties;
};

struct name_slot {
	struct slice name;
	int64_t number;
};

static int64_t number_of(struct name_slot *slots, size_t slots_count, int64_t *last,
	struct slice name, struct arena *a, bool *ret_new)
{
	static const uint8_t key[16];
	size_t at = (size_t)hash_table(key, name) % slots_count;

	while (slots[at].number != 0 && !slice_equal(slots[at].name, name))
		at = (at + 1) % slots_count;
	*ret_new = slots[at].number == 0;
	if (*ret_new) {
		slots[at].name = arena_copy(a, name);
		slots[at].number = ++*last;
	}
	return slots[at].number;
}

struct numbering {
	struct name_slot *ids, *names;
	size_t ids_count, names_count;
	int64_t ids_last, names_last;
	struct arena *a;
};

static int64_t ident_of(
	struct numbering *k, struct slice type, const struct uuid *uuid, bool *ret_new)
{
	char text[STIX_ID_MAX + 1];

	stix_id_format(type, uuid, text);
	return number_of(k->ids, k->ids_count, &k->ids_last, slice_of(text), k->a, ret_new);
}

static struct numbers *numbers_make(const struct objects *o, struct numbering *k)
{
	struct numbers *list = calloc(o->count, sizeof(*list));
	bool is_new;

	for (size_t i = 0; list != NULL && i < o->count; i++) {
		const struct store_object *x = &o->list[i];

		list[i].ident = ident_of(k, x->type, &x->uuid, &is_new);
		list[i].type =
			number_of(k->names, k->names_count, &k->names_last, x->type, k->a, &is_new);
		list[i].targets = ARENA_ARRAY(k->a, int64_t, x->references_count + 1);
		list[i].properties = ARENA_ARRAY(k->a, int64_t, x->references_count + 1);
		for (size_t j = 0; j < x->references_count; j++) {
			list[i].targets[j] = ident_of(k, x->references[j].target.type,
				&x->references[j].target.uuid, &is_new);
			list[i].properties[j] = number_of(k->names, k->names_count, &k->names_last,
				x->references[j].property, k->a, &is_new);
		}
	}
	return list;
}

static void bare_object(struct bare *b, const struct store_object *x, const struct numbers *n,
	int64_t serial, struct slice text)
{
	sqlite3_bind_blob(b->ident, 1, x->uuid.bytes, 16, SQLITE_STATIC);
	sqlite3_bind_int64(b->ident, 2, n->type);
	sqlite3_bind_int64(b->ident, 3, n->ident);
	step(b->db, b->ident);
	sqlite3_bind_int64(b->object, 1, serial);
	sqlite3_bind_int64(b->object, 2, n->ident);
	sqlite3_bind_int64(b->object, 3, x->version_us);
	sqlite3_bind_int64(b->object, 4, n->type);
	sqlite3_bind_blob(b->object, 5, x->uuid.bytes, 16, SQLITE_STATIC);
	sqlite3_bind_int64(b->object, 6, x->created_us);
	sqlite3_bind_int64(b->object, 7, INT64_C(1700000000000000) + serial);
	sqlite3_bind_int64(b->object, 8, (int64_t)x->body.len);
	sqlite3_bind_blob64(b->object, 9, x->body.data, x->body.len, SQLITE_STATIC);
	step(b->db, b->object);
	sqlite3_bind_int64(b->entry, 1, INT64_C(1700000000000000) + serial);
	sqlite3_bind_int64(b->entry, 2, serial);
	sqlite3_bind_int64(b->entry, 3, n->type);
	step(b->db, b->entry);
	for (size_t j = 0; j < x->references_count; j++) {
		sqlite3_bind_int64(b->reference, 1, n->targets[j]);
		sqlite3_bind_int64(b->reference, 2, n->properties[j]);
		sqlite3_bind_int64(b->reference, 3, serial);
		step(b->db, b->reference);
	}
	for (size_t j = 0; j < x->values_count; j++) {
		const struct stix_value *v = &x->values[j];

		sqlite3_bind_int(b->value, 1, (int)v->kind);
		sqlite3_bind_blob64(b->value, 2, v->key.data, v->key.len, SQLITE_STATIC);
		sqlite3_bind_int64(b->value, 3, serial);
		step(b->db, b->value);
		sqlite3_bind_int(b->value_of, 1, (int)v->kind);
		sqlite3_bind_int64(b->value_of, 2, serial);
		sqlite3_bind_blob64(b->value_of, 3, v->key.data, v->key.len, SQLITE_STATIC);
		step(b->db, b->value_of);
	}
	if (b->words != NULL) {
		sqlite3_bind_int64(b->words, 1, serial);
		sqlite3_bind_text64(b->words, 2, text.data, text.len, SQLITE_STATIC, SQLITE_UTF8);
		step(b->text, b->words);
	}
}

static const char bare_setup[] = "PRAGMA cache_size = -32768; PRAGMA synchronous = FULL;"
				 "PRAGMA wal_autocheckpoint = 10000; PRAGMA secure_delete = OFF;"
				 "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY";

static enum err_kind bare_open(struct bare *b, const char *folder, bool text, struct err *e)
{
	char path[512];
	struct store *s;
	/* the store makes its own tables; then it leaves, and we write into them */
	enum err_kind kind = folder_open(folder, STORE_CREATE, &s, e);

	if (kind == OK)
		kind = store_index_text(s, e);
	if (kind != OK)
		return kind;
	store_close(s);
	snprintf(path, sizeof(path), "%s/store.db", folder);
	if (sqlite3_open(path, &b->db) != SQLITE_OK)
		return err_set(e, ERR_IO, "%s", sqlite3_errmsg(b->db));
	snprintf(path, sizeof(path), "%s/text.db", folder);
	if (sqlite3_open(path, &b->text) != SQLITE_OK)
		return err_set(e, ERR_IO, "%s", sqlite3_errmsg(b->text));
	run(b->db, bare_setup);
	run(b->text, bare_setup);
	run(b->text, "PRAGMA synchronous = NORMAL");
	b->ident = prepare(b->db, "INSERT OR IGNORE INTO ident (uuid, type, number, own)"
				  " VALUES (?1, ?2, ?3, 0)");
	b->object = prepare(b->db,
		"INSERT INTO object (serial, ident, version_us, type, uuid, created_us, flags,"
		" added_us, label, own, member, origin, body_bytes, dictionary, refs, body)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, 5, ?7, 0, 0, 1, ?1, ?8, 0, x'', ?9)");
	b->entry = prepare(b->db, "INSERT INTO entry (collection, added_us, serial, type, flags)"
				  " VALUES (1, ?1, ?2, ?3, 7)");
	b->reference =
		prepare(b->db, "INSERT OR IGNORE INTO reference (target, property, first, serials)"
			       " VALUES (?1, ?2, ?3, x'')");
	b->value = prepare(
		b->db, "INSERT OR IGNORE INTO value (kind, key, serial) VALUES (?1, ?2, ?3)");
	b->value_of = prepare(
		b->db, "INSERT OR IGNORE INTO value_of (kind, serial, key) VALUES (?1, ?2, ?3)");
	if (text)
		b->words = prepare(b->text, "INSERT INTO text (rowid, words) VALUES (?1, ?2)");
	return OK;
}

static void bare_close(struct bare *b)
{
	sqlite3_finalize(b->ident);
	sqlite3_finalize(b->object);
	sqlite3_finalize(b->entry);
	sqlite3_finalize(b->reference);
	sqlite3_finalize(b->value);
	sqlite3_finalize(b->value_of);
	sqlite3_finalize(b->words);
	sqlite3_close(b->db);
	sqlite3_close(b->text);
}

struct lap {
	double wall, processor; /* seconds */
};

static struct lap lap_begin(void)
{
	return (struct lap){seconds(), processor()};
}

static struct lap lap_since(struct lap began)
{
	return (struct lap){seconds() - began.wall, processor() - began.processor};
}

static int rate_print(const char *what, const struct objects *o, struct lap lap)
{
	double took = lap.wall;

	printf("seconds %.4f processor %.4f ", took, lap.processor);
	printf("%s: %zu objects in %.3f s, %.0f objects/s, %.1f MB/s\n", what, o->count, took,
		(double)o->count / took, (double)o->bytes / took / 1e6);
	return 0;
}

static int verb_bare(char **args, bool text)
{
	struct numbering k = {.ids_count = 4000037, .names_count = 4099};
	struct numbers *numbers;
	struct objects o;
	struct bare b = {0};
	struct err e;
	struct lap began;

	if (objects_new(LIST_BYTES, &o, &e) != OK || objects_read(&o, args[0], &e) != OK)
		return fail(&e);
	k.ids = calloc(k.ids_count, sizeof(*k.ids));
	k.names = calloc(k.names_count, sizeof(*k.names));
	k.a = arena_new(LIST_BYTES);
	if (k.ids == NULL || k.names == NULL || k.a == NULL)
		return 1;
	numbers = numbers_make(&o, &k);
	if (bare_open(&b, args[1], text, &e) != OK)
		return fail(&e);
	/* sequences as another program would have them: objects that come twice come once */
	began = lap_begin();
	for (size_t i = 0; i < o.count; i += BATCH) {
		run(b.db, "BEGIN IMMEDIATE");
		run(b.text, "BEGIN IMMEDIATE");
		for (size_t j = i; j < o.count && j < i + BATCH; j++)
			bare_object(&b, &o.list[j], &numbers[j], (int64_t)j + 1, o.texts[j]);
		run(b.text, "COMMIT");
		run(b.db, "COMMIT");
	}
	rate_print(text ? "bare SQLite" : "bare SQLite without text", &o, lap_since(began));
	bare_close(&b);
	free(numbers);
	free(k.ids);
	free(k.names);
	arena_free(k.a);
	objects_free(&o);
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

/* ---- reading --------------------------------------------------------------------------------- */

static int double_order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* A row of the table, in microseconds. */
static void percentiles_print(const char *what, double *us, size_t count, uint64_t rows)
{
	qsort(us, count, sizeof(*us), double_order);
	printf("| %s | %.1f | %.0f | %.0f | %.0f |\n", what, (double)rows / (double)count,
		us[count / 2], us[count * 99 / 100], us[count - 1]);
	fflush(stdout);
}

static enum err_kind rows_take(
	struct store_cursor *c, size_t most, struct buf *body, uint64_t *rows, struct err *e)
{
	enum err_kind kind = OK;
	struct store_row row;
	bool more = true;

	for (size_t i = 0; i < most && more && kind == OK; i++) {
		kind = store_cursor_next(c, &row, &more, e);
		if (kind == OK && more) {
			buf_clear(body);
			kind = store_cursor_body(c, body, e);
			++*rows;
		}
	}
	store_cursor_free(c);
	return kind;
}

/* Where pages may begin: the date of a random object of the first collection. */
struct places {
	int64_t collection;
	int64_t first_us, last_us;
};

static enum err_kind places_find(struct store *s, struct places *ret_places, struct err *e)
{
	struct arena *a = arena_new(MIB(1));
	struct store_page page = {
		.after_us = INT64_MIN, .audience = {may_all, NULL}
        };
	struct store_collection *collections;
	struct places p = {0};
	struct store_reader *r = NULL;
	struct store_cursor *c = NULL;
	struct store_row row = {0};
	bool more = false;
	size_t count;
	enum err_kind kind = store_collections(s, a, &collections, &count, e);

	if (kind == OK && (count == 0 || collections[0].entries == 0))
		kind = err_set(e, ERR_USAGE, "there is nothing in the first collection");
	if (kind == OK) {
		page.collection = p.collection = collections[0].number;
		p.last_us = collections[0].last_added_us;
		kind = store_reader_take(s, &r, e);
	}
	if (kind == OK)
		kind = store_page_open(r, &page, &c, e);
	if (kind == OK)
		kind = store_cursor_next(c, &row, &more, e);
	p.first_us = row.date_added_us;
	store_cursor_free(c);
	store_reader_give(r);
	arena_free(a);
	if (kind == OK)
		*ret_places = p;
	return kind;
}

/* Anywhere in time; an import takes in its objects at an even rate. */
static int64_t place_at(const struct places *p, uint64_t i)
{
	uint64_t span = (uint64_t)(p->last_us - p->first_us) + 1;

	return p->first_us + (int64_t)(mix(i) % span);
}

static enum err_kind pages_measure(
	struct store *s, const char *what, const char *type, struct err *e)
{
	static double us[ROUNDS];
	struct store_page page = {
		.versions = STORE_LAST, .audience = {may_all, NULL}
        };
	struct slice types = slice_of(type);
	struct buf body = BUF_INIT;
	struct store_reader *r;
	struct store_cursor *c;
	struct places p;
	uint64_t rows = 0;
	enum err_kind kind = places_find(s, &p, e);

	page.collection = p.collection;
	page.types = &types;
	page.types_count = type != NULL;
	for (uint64_t i = 0; kind == OK && i < ROUNDS; i++) {
		double began = seconds();

		page.after_us = place_at(&p, i);
		kind = store_reader_take(s, &r, e);
		if (kind != OK)
			break;
		kind = store_page_open(r, &page, &c, e);
		if (kind == OK)
			kind = rows_take(c, 100, &body, &rows, e);
		store_reader_give(r);
		us[i] = (seconds() - began) * 1e6;
	}
	if (kind == OK)
		percentiles_print(what, us, ROUNDS, rows);
	buf_fini(&body);
	return kind;
}

struct question {
	const char *what;
	const char *value; /* kind of a made-up value, or NULL */
	bool suffix, network;
	int words;       /* how many */
	uint64_t common; /* ranks below; 0: any word */
	const char *type;
	const char *text; /* instead of made-up words */
};

static const struct question questions[] = {
	{"value, address",                  "ipv4-addr",                 .suffix = false},
	{"value, name",				 "domain-name",						.suffix = false},
	{"value, hash",                  "file",.suffix = false},
	{"value, URL",          "url",                         .suffix = false},
	{"network /24",                      "ipv4-addr",                                   .network = true},
	{"suffix, second level",				 "domain-name",						.suffix = true},
	{"suffix, top level (very common)",                  NULL,           .suffix = true, .text = "example"},
	{"network /1 (very common)",NULL,.network = true, .text = "128.0.0.0/1"},
	{"word, any", .words = 1      },
	{"word, one of the ten most common",                .words = 1,                                           .common = 10},
	{"two words, any",					  .words = 2												    },
	{"two common words",				 .words = 2,						  .common = 10},
	{"common word, rare type",                                 .words = 1,                     .common = 10, .type = "intrusion-set"},
	{"common word, type with none",                     .words = 1,      .common = 10, .type = "identity"},
	{"prefix of four letters",.text = "cord*"},
	{"type alone",.type = "report"},
};

/* The number of some observable of that kind. */
static uint64_t value_somewhere(uint64_t i, uint64_t objects, const char *kind)
{
	uint64_t n = mix(i) % objects;

	while (strcmp(object_type(SEED, n), kind) != 0)
		n = (n + 1) % objects;
	return n;
}

static enum err_kind question_ask(struct store *s, const struct question *q, uint64_t i,
	uint64_t objects, struct arena *a, struct buf *body, uint64_t *rows, struct err *e)
{
	struct store_search search = {
		.audience = {may_all, NULL}
        };
	struct slice type = slice_of(q->type);
	struct stix_value value;
	struct store_reader *r;
	struct store_cursor *c;
	char text[256] = "";
	enum err_kind kind;

	arena_reset(a);
	if (q->value != NULL || q->suffix || q->network) {
		if (q->text != NULL)
			snprintf(text, sizeof(text), "%s", q->text);
		else
			value_make(SEED, value_somewhere(i, objects, q->value), q->value, text,
				sizeof(text));
		if (q->network && q->text == NULL) {
			*strrchr(text, '.') = '\0';
			strcat(text, ".0/24");
		}
		if (q->suffix && q->text == NULL)
			memmove(text, strchr(text, '.') + 1, strlen(strchr(text, '.')));
		value.kind = q->suffix ? STIX_VALUE_NAME : STIX_VALUE_ADDRESS;
		if (q->suffix) {
			if (!stix_value_key(STIX_VALUE_NAME, slice_of(text), a, &value.key))
				return err_set(e, ERR_INVALID, "no name: %s", text);
		} else if (!stix_value_guess(slice_of(text), a, &value)) {
			return err_set(e, ERR_INVALID, "no value: %s", text);
		}
		search.value = &value;
		search.value_suffix = q->suffix;
	} else if (q->text != NULL) {
		search.text = slice_of(q->text);
	}
	for (int j = 0; j < q->words; j++) {
		double u = (double)(mix(i * 7 + (uint64_t)j) >> 11) / 9007199254740992.0;
		uint64_t rank = q->common != 0 ? mix(i * 3 + (uint64_t)j) % q->common
					       : (uint64_t)(u * u * u * u * 60000);
		char word[32];

		strcat(text, j > 0 ? " " : "");
		strcat(text, word_make(rank, word));
		search.text = slice_of(text);
	}
	search.types = &type;
	search.types_count = q->type != NULL;
	kind = store_reader_take(s, &r, e);
	if (kind == OK)
		kind = store_search_open(r, &search, &c, e);
	if (kind == OK)
		kind = rows_take(c, 20, body, rows, e);
	store_reader_give(r);
	return kind;
}

static enum err_kind questions_measure(struct store *s, uint64_t objects, struct err *e)
{
	static double us[ROUNDS];
	struct arena *a = arena_new(MIB(1));
	struct buf body = BUF_INIT;
	enum err_kind kind = OK;

	for (size_t k = 0; kind == OK && k < COUNT_OF(questions); k++) {
		uint64_t rows = 0;

		for (uint64_t i = 0; kind == OK && i < ROUNDS; i++) {
			double began = seconds();

			kind = question_ask(s, &questions[k], i, objects, a, &body, &rows, e);
			us[i] = (seconds() - began) * 1e6;
		}
		if (kind == OK)
			percentiles_print(questions[k].what, us, ROUNDS, rows);
	}
	buf_fini(&body);
	arena_free(a);
	return kind;
}

static int verb_search(char **args)
{
	struct store_type_count *types;
	struct store_stats stats;
	struct arena *a = arena_new(MIB(8));
	struct store_reader *r;
	struct store *s;
	size_t count;
	struct err e;

	if (folder_open(args[0], STORE_WRITE, &s, &e) != OK || store_index_text(s, &e) != OK ||
		store_idle(s, &e) != OK || store_reader_take(s, &r, &e) != OK ||
		store_stats(r, a, &stats, &types, &count, &e) != OK)
		return fail(&e);
	store_reader_give(r);
	printf("%llu objects, %.1f MB of bodies, %.1f MB packed, %.1f MB on disk; %d questions "
	       "each; "
	       "the first 20 rows with bodies, or a page of 100.\n\n",
		(unsigned long long)stats.objects, (double)stats.body_bytes / 1e6,
		(double)stats.packed_bytes / 1e6, (double)stats.disk_bytes / 1e6, ROUNDS);
	printf("| question | rows | p50 us | p99 us | most us |\n| --- | --- | --- | --- | --- "
	       "|\n");
	if (pages_measure(s, "page of 100, random place", NULL, &e) != OK ||
		pages_measure(s, "page of 100 of a rare type", "malware", &e) != OK ||
		questions_measure(s, stats.objects, &e) != OK)
		return fail(&e);
	printf("\n");
	memory_print();
	store_close(s);
	arena_free(a);
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

/* N is only there for symmetry with --generate: the store knows how many it has. */
static int verb_places(char **args)
{
	uint64_t count = strtoull(args[1], NULL, 10);
	FILE *to;
	struct places p;
	struct store *s;
	struct err e;

	/* beside a node that serves it */
	if (folder_open(args[2], STORE_READ, &s, &e) != OK || places_find(s, &p, &e) != OK)
		return fail(&e);
	store_close(s);
	to = fopen(args[3], "w");
	if (to == NULL) {
		perror(args[3]);
		return 1;
	}
	fprintf(to, "local places = {\n");
	for (uint64_t i = 0; i < count; i++) {
		char text[TIME_TEXT_MAX];

		time_format(place_at(&p, i), 6, text);
		fprintf(to, "\"%s\",\n", text);
	}
	fprintf(to, "}\n"
		    "local at = 0\n"
		    "wrk.headers[\"Accept\"] = \"application/taxii+json;version=2.1\"\n"
		    "request = function()\n"
		    "  at = at %% #places + 1\n"
		    "  return wrk.format(\"GET\", wrk.path .. \"?limit=100&added_after=\" .. "
		    "places[at])\n"
		    "end\n");
	if (fclose(to) != 0) {
		perror(args[3]);
		return 1;
	}
	return 0;
}

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
