/* SPDX-License-Identifier: MPL-2.0 */
/* Whole imports into a store: formats found, packed files, going on where one stopped, twice is
 * once. */
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "testing/testing.h"

#include "import.h"

#define SAMPLES SOURCE_ROOT "/tests/samples/"

struct fixture {
	char folder[TESTING_PATH_MAX];
	char path[TESTING_PATH_MAX + 8]; /* of a file to import */
	struct world world;
	int64_t now_us, monotonic_us;
	struct store *store;
	struct intel *intel;
	int64_t collection;
	/* what the callbacks saw */
	struct buf refused, lost;
	unsigned progress_calls, stop_at;
};

static int64_t now_us(void *context)
{
	return ((struct fixture *)context)->now_us;
}

/* Each look at it is a second later, so that progress is asked for at every chunk. */
static int64_t monotonic_us(void *context)
{
	return ((struct fixture *)context)->monotonic_us += US_PER_SECOND;
}

static void random_bytes(void *context, void *ret_bytes, size_t len)
{
	(void)context;
	world_real()->random(world_real()->context, ret_bytes, len);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct store_collection c = {
		.title = SLICE("Test"), .alias = SLICE("test"), .tlp_max = STIX_TLP_AMBER_STRICT};
	char store[TESTING_PATH_MAX + 8];

	assert_non_null(f);
	testing_folder_make("import", f->folder);
	snprintf(f->path, sizeof(f->path), "%s/file", f->folder);
	snprintf(store, sizeof(store), "%s/store", f->folder);
	f->now_us = INT64_C(1767225600000000);
	f->world = (struct world){now_us, monotonic_us, random_bytes, f};
	MUST(store_open(store, &(struct store_options){.mode = STORE_CREATE, .world = &f->world},
		&f->store, e));
	f->intel = intel_new(f->store, &f->world);
	assert_non_null(f->intel);
	uuid_v4(&f->world, &c.uuid);
	MUST(store_collection_put(f->store, &c, &f->collection, e));
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	intel_free(f->intel);
	store_close(f->store);
	buf_fini(&f->refused);
	buf_fini(&f->lost);
	testing_folder_remove(f->folder);
	free(f);
	return 0;
}

static void on_refused(void *context, const struct intel_verdict *verdict)
{
	struct fixture *f = context;

	buf_printf(&f->refused, "%llu: %.*s\n", (unsigned long long)verdict->place.line,
		SLICE_ARG(verdict->message));
}

static void on_lost(void *context, const struct intel_place *place, struct slice what)
{
	struct fixture *f = context;

	(void)place;
	buf_printf(&f->lost, "%.*s\n", SLICE_ARG(what));
}

static bool on_progress(void *context, uint64_t packed_read, uint64_t packed_total,
	const struct intel_counts *counts)
{
	struct fixture *f = context;

	(void)counts;
	assert_true(packed_read <= packed_total);
	return ++f->progress_calls != f->stop_at;
}

static struct intel_import options_for(struct fixture *f, const char *path)
{
	buf_clear(&f->refused);
	buf_clear(&f->lost);
	f->progress_calls = f->stop_at = 0;
	return (struct intel_import){
		.source = {.member = SLICE("self"),
			   .collections = &f->collection,
			   .collections_count = 1},
		.path = path,
		.confidence = -1,
		.refused = on_refused,
		.lost = on_lost,
		.progress = on_progress,
		.context = f,
	};
}

static struct intel_counts import(struct fixture *f, const struct intel_import *options)
{
	struct intel_counts counts = {0};

	MUST(intel_import_run(f->intel, options, &counts, e));
	return counts;
}

static void file_put(struct fixture *f, struct slice content)
{
	MUST(file_write_atomic(f->path, content, 0600, e));
}

static uint64_t stored(struct fixture *f)
{
	struct arena *a = arena_new(MIB(1));
	struct store_type_count *types;
	struct store_stats stats;
	struct store_reader *r;
	size_t count;

	MUST(store_reader_take(f->store, &r, e));
	MUST(store_stats(r, a, &stats, &types, &count, e));
	store_reader_give(r);
	arena_free(a);
	return stats.objects;
}

/* ---- every sample, twice -------------------------------------------------------------------- */

static void test_samples(void **state)
{
	static const struct {
		const char *path;
		const char *format; /* recognised as if it had been named */
		uint64_t objects;   /* kept or here already */
		uint64_t refused;
	} cases[] = {
		{SAMPLES "stix21-bundle.json", "stix",      5,  0},
		{SAMPLES "stix20-bundle.json", "stix20",    26, 0},
		{SAMPLES "misp-event.json",    "misp",      79, 0},
		{SAMPLES "misp-feed",          "misp-feed", 9,  0},
		{SAMPLES "zeek.intel",         "zeek",      14, 5},
		{SAMPLES "list.txt",           "list",      14, 1},
		{SAMPLES "hosts.txt",          "list",      4,  0},
		{SAMPLES "indicators.csv",     "csv",       6,  1},
		{SAMPLES "observables.csv",    "csv",       3,  0},
	};
	struct fixture *f = *state;

	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		struct intel_import o = options_for(f, cases[k].path);
		struct intel_counts first = import(f, &o), again;
		uint64_t before = stored(f);

		assert_int_equal(first.by_outcome[INTEL_CONFLICT], 0);
		assert_int_equal(first.by_outcome[INTEL_REFUSED], cases[k].refused);
		assert_true(first.by_outcome[INTEL_NEW] > 0);
		if (first.objects - first.by_outcome[INTEL_REFUSED] != cases[k].objects)
			fail_msg("%s: %llu objects", cases[k].path,
				(unsigned long long)first.objects);
		/* tomorrow, and with the format named: nothing new */
		f->now_us += 86400 * US_PER_SECOND;
		o.format = cases[k].format;
		again = import(f, &o);
		assert_int_equal(again.by_outcome[INTEL_NEW], 0);
		assert_int_equal(again.by_outcome[INTEL_CONFLICT], 0);
		assert_int_equal(again.by_outcome[INTEL_REFUSED], cases[k].refused);
		assert_int_equal(stored(f), before);
		assert_int_equal(again.losses, first.losses);
	}
}

static void test_original(void **state)
{
	struct fixture *f = *state;
	struct intel_import o = options_for(f, SAMPLES "misp-event.json");
	struct buf kept = BUF_INIT, file = BUF_INIT;
	struct store_reader *r;
	bool found;

	import(f, &o);
	MUST(store_reader_take(f->store, &r, e));
	MUST(store_original_get(r, SLICE("misp-event"),
		SLICE("5a7c9e10-0000-4b21-8c3d-a1b2c3d4e5f6"), &kept, &found, e));
	store_reader_give(r);
	assert_true(found);
	MUST(file_read(SAMPLES "misp-event.json", MIB(1), &file, e));
	assert_true(slice_equal(buf_slice(&kept), slice_trim(buf_slice(&file))));
	buf_fini(&kept);
	buf_fini(&file);
}

/* ---- files ---------------------------------------------------------------------------------- */

static void test_packed(void **state)
{
	struct fixture *f = *state;
	struct intel_import o = options_for(f, f->path);
	static const char list[] = "\xef\xbb\xbf"
				   "198.51.100.7\r\nevil.example\r\n";
	char packed[256];
	gzFile gz;
	size_t len;

	file_put(f, SLICE(list)); /* with a byte order mark, as editors leave it */
	assert_int_equal(import(f, &o).by_outcome[INTEL_NEW], 3);
	gz = gzopen(f->path, "wb");
	assert_non_null(gz);
	assert_int_equal(gzwrite(gz, list, sizeof(list) - 1), sizeof(list) - 1);
	assert_int_equal(gzclose(gz), Z_OK);
	assert_int_equal(import(f, &o).by_outcome[INTEL_KNOWN], 3);
	len = ZSTD_compress(packed, sizeof(packed), list, sizeof(list) - 1, 3);
	assert_false(ZSTD_isError(len));
	file_put(f, (struct slice){packed, len});
	assert_int_equal(import(f, &o).by_outcome[INTEL_KNOWN], 3);
}

static void test_what_file(void **state)
{
	struct fixture *f = *state;
	struct intel_import o = options_for(f, f->path);
	struct intel_counts counts;
	static const struct {
		const char *says;
		struct slice content;
		const char *format;
		enum err_kind kind;
		const char *text;
	} cases[] = {
		{"nothing known",     {"prose\n", 6},                   NULL,        ERR_PARSE, "was not recognised"    },
		{"UTF-16",
                 {"\xff\xfe"
			 "1\0",
				4},
                 NULL,							       ERR_PARSE, "UTF-16, expected UTF-8"},
		{"no such format",    {"1.2.3.4\n", 8},                 "docx",      ERR_USAGE,
                 "no import format \"docx\""									    },
		{"a folder's format", {"1.2.3.4\n", 8},                 "misp-feed", ERR_USAGE,
                 "reads a folder, not a file"									   },
		{"cut off",           {"{\"objects\":[{\"a\":1},", 20}, NULL,        ERR_PARSE, "line 1"                },
	};
	struct err e;

	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		file_put(f, cases[k].content);
		o.format = cases[k].format;
		assert_int_equal(intel_import_run(f->intel, &o, &counts, &e), cases[k].kind);
		if (strstr(e.text, cases[k].text) == NULL || strstr(e.text, f->path) == NULL)
			fail_msg("%s: %s", cases[k].says, e.text);
	}
	o = options_for(f, SOURCE_ROOT "/tests");
	assert_int_equal(intel_import_run(f->intel, &o, &counts, &e), ERR_USAGE);
	assert_non_null(strstr(e.text, "manifest.json"));
	o.format = "list";
	assert_int_equal(intel_import_run(f->intel, &o, &counts, &e), ERR_USAGE);
	assert_non_null(strstr(e.text, "reads a file, not a folder"));
	o = options_for(f, "/nowhere/at/all");
	assert_int_equal(intel_import_run(f->intel, &o, &counts, &e), ERR_IO);
	assert_non_null(strstr(e.text, "/nowhere/at/all"));
	/* a mapping means CSV, a kind means a list */
	file_put(f, SLICE("x,1.2.3.4\n"));
	o = options_for(f, f->path);
	o.mapping = "value=2";
	assert_int_equal(import(f, &o).by_outcome[INTEL_NEW], 2);
	o = options_for(f, f->path);
	o.kind = "file-name";
	assert_int_equal(import(f, &o).by_outcome[INTEL_NEW], 1);
}

/* ---- bad objects ---------------------------------------------------------------------------- */

#define NOTE(number)                                                                               \
	"{\"type\":\"note\",\"spec_version\":\"2.1\",\"id\":\"note--00000000-0000-4000-8000-"      \
	"0000000" number "\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T"  \
	"00:00:00.000Z\",\"content\":\"x\",\"object_refs\":[\"ipv4-addr--28bb3599-77cd-5a82-a950-" \
	"b5bc3caf07c4\"]}"

/* What stood before a break is kept and counted. */
static void test_break(void **state)
{
	struct fixture *f = *state;
	struct intel_import o = options_for(f, f->path);
	struct intel_counts counts = {0};
	struct err e;

	file_put(f, SLICE("{\"objects\":[\n" NOTE("00001") ",\n{\"type\":\"note\"},\n17,\n" NOTE(
			    "00002") "\n}"));
	assert_int_equal(intel_import_run(f->intel, &o, &counts, &e), ERR_PARSE);
	assert_non_null(strstr(e.text, "line 6"));
	assert_int_equal(counts.objects, 4);
	assert_int_equal(counts.by_outcome[INTEL_NEW], 2);
	assert_int_equal(counts.by_outcome[INTEL_REFUSED], 2);
	assert_int_equal(stored(f), 2);
	buf_char(&f->refused, '\0');
	assert_non_null(strstr(f->refused.data, "3: "));
	assert_non_null(strstr(f->refused.data, "4: "));
}

/* ---- stopping and going on ------------------------------------------------------------------ */

#define MANY 5000

static void many_put(struct fixture *f)
{
	struct buf b = BUF_INIT;

	buf_text(&b, "{\"objects\":[");
	for (unsigned k = 0; k < MANY; k++) {
		char number[8];

		snprintf(number, sizeof(number), "%05u", k);
		buf_printf(&b, "%s" NOTE("%s"), k == 0 ? "" : ",", number);
	}
	buf_text(&b, "]}");
	assert_false(b.bad);
	file_put(f, buf_slice(&b));
	buf_fini(&b);
}

static void test_resume(void **state)
{
	struct fixture *f = *state;
	struct intel_import o;
	struct intel_counts counts;
	uint64_t first;

	many_put(f);
	o = options_for(f, f->path);
	f->stop_at = 3;
	first = import(f, &o).by_outcome[INTEL_NEW];
	assert_true(first > 0 && first < MANY);
	assert_int_equal(stored(f), first);
	/* the rest, and only that */
	o = options_for(f, f->path);
	o.resume = true;
	counts = import(f, &o);
	assert_int_equal(counts.by_outcome[INTEL_NEW], MANY - first);
	assert_int_equal(counts.objects, MANY - first);
	assert_int_equal(stored(f), MANY);
	/* it came to its end, so there is nothing to go on from */
	o = options_for(f, f->path);
	o.resume = true;
	counts = import(f, &o);
	assert_int_equal(counts.by_outcome[INTEL_KNOWN], MANY);
	/* another file does not go on from this one's note, and neither does another account */
	f->stop_at = 3;
	o = options_for(f, f->path);
	f->stop_at = 3;
	import(f, &o);
	o = options_for(f, f->path);
	o.resume = true;
	o.source.member = SLICE("else");
	counts = import(f, &o);
	assert_int_equal(counts.objects, MANY);
}

static void test_progress(void **state)
{
	struct fixture *f = *state;
	struct intel_import o;

	many_put(f);
	o = options_for(f, f->path);
	import(f, &o);
	assert_true(f->progress_calls >= 3);
	o = options_for(f, SAMPLES "misp-feed");
	import(f, &o);
	assert_true(f->progress_calls >= 2);
}

/* ---- once is once, however long the list ---------------------------------------------------- */

#define LINES 20000 /* more than are held as pending */

static void test_long_list(void **state)
{
	struct fixture *f = *state;
	struct intel_import o = options_for(f, f->path);
	struct buf b = BUF_INIT;
	struct intel_counts counts;

	for (unsigned k = 0; k < LINES; k++)
		buf_printf(&b, "n%u.evil.example\n", k);
	buf_text(&b, "n0.evil.example\nn19999.evil.example\nN19999[.]evil[.]example\n");
	file_put(f, buf_slice(&b));
	buf_fini(&b);
	o.name = "Long";
	o.tlp = STIX_TLP_GREEN;
	counts = import(f, &o);
	assert_int_equal(counts.by_outcome[INTEL_NEW], LINES + 2); /* the list, its marking */
	assert_int_equal(counts.by_outcome[INTEL_KNOWN], 3);
	assert_int_equal(counts.objects, LINES + 5);
	f->now_us += US_PER_SECOND;
	counts = import(f, &o);
	assert_int_equal(counts.by_outcome[INTEL_NEW], 0);
	assert_int_equal(stored(f), LINES + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_samples, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_original, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_packed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_break, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_resume, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_progress, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_list, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
