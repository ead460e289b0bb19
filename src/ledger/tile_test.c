/* SPDX-License-Identifier: MPL-2.0 */
#include "log_testing.h"

#include "json/json.h"

/* ---- names ----------------------------------------------------------------------------------- */

static void path_is(int level, uint64_t number, unsigned width, const char *want)
{
	struct buf got = BUF_INIT;
	uint64_t number_back;
	unsigned width_back;
	int level_back;

	ledger_tile_path(level, number, width, &got);
	if (!slice_is(buf_slice(&got), want))
		fail_msg("%.*s, expected %s", SLICE_ARG(buf_slice(&got)), want);
	MUST(ledger_tile_parse(slice_of(want), &level_back, &number_back, &width_back, &e));
	assert_int_equal(level_back, level);
	assert_int_equal(number_back, number);
	assert_int_equal(width_back, width);
	buf_fini(&got);
}

static void names_are_those_of_tlog_tiles(void **state)
{
	(void)state;
	path_is(0, 0, 256, "tile/0/000");
	path_is(0, 0, 1, "tile/0/000.p/1");
	path_is(1, 999, 255, "tile/1/999.p/255");
	path_is(0, 1000, 256, "tile/0/x001/000");
	path_is(0, 1234067, 256, "tile/0/x001/x234/067");
	path_is(63, 0, 256, "tile/63/000");
	path_is(-1, 1234067, 7, "tile/entries/x001/x234/067.p/7");
	path_is(0, UINT64_C(1000000000000), 256, "tile/0/x001/x000/x000/x000/000");
}

static void what_is_no_name_is_refused(void **state)
{
	static const char *const names[] = {"", "tile", "tile/", "tile/0", "tile/0/", "tile/0/00",
		"tile/0/0000", "tile/0/00a", "tile/0/ 00", "tile/00/000", "tile/64/000",
		"tile/-1/000", "tile/data/000", "tile/entries", "tile/entries/", "Tile/0/000",
		"tile/0/x000/001", /* a leading group of zeros */
		"tile/0/001/000", "tile/0/x001", "tile/0/x001/", "tile/0/x01/000",
		"tile/0/xx01/000", "tile/0/000/", "tile/0/000/1", "tile/0/000.p", "tile/0/000.p/",
		"tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/1/",
		"tile/0/000.p/1a", "tile/0/000.q/1", "/tile/0/000", "tile//0/000",
		"tile/0/x999/x999/x999/x999/x999/x999/x999/999", "tile/0/x001.p/1"};
	uint64_t number;
	unsigned width;
	int level;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (ledger_tile_parse(slice_of(names[i]), &level, &number, &width, NULL) !=
			ERR_PARSE)
			fail_msg("%s was taken", names[i]);
	}
}

static struct json_value member(struct json_value v, const char *name)
{
	struct json_value ret;

	if (!json_get(v, name, &ret))
		fail_msg("no member %s", name);
	return ret;
}

/*
 * Go's paths carry the height behind "tile" and say "data" for what C2SP calls "entries"; the
 * number is written the same way. Heights of ours are 8, so widths are checked where they fit.
 */
static void go_path(struct json_value v)
{
	struct slice rest = json_get_string(v, "path"), part;
	bool refused = slice_is(json_get_string(v, "want"), "reject");
	struct buf ours = BUF_INIT;
	int64_t l = 0, n = 0;
	uint64_t number;
	unsigned width;
	int level;

	assert_true(slice_next(&rest, '/', &part) && slice_next(&rest, '/', &part));
	buf_text(&ours, "tile/");
	if (slice_starts(rest, SLICE("data"))) {
		buf_text(&ours, "entries");
		rest = slice_cut(rest, 4, rest.len);
	}
	buf_slice_append(&ours, rest);
	if (refused) {
		assert_int_equal(ledger_tile_parse(buf_slice(&ours), &level, &number, &width, NULL),
			ERR_PARSE);
	} else {
		assert_true(json_to_i64(member(v, "l"), &l) && json_to_i64(member(v, "n"), &n));
		MUST(ledger_tile_parse(buf_slice(&ours), &level, &number, &width, &e));
		assert_int_equal(level, l);
		assert_int_equal(number, n);
	}
	buf_fini(&ours);
}

static void paths_of_the_go_library(void **state)
{
	struct json_parser *parser = json_parser_new(MIB(1));
	const char *data = getenv("SERAI_DATA");
	struct buf text = BUF_INIT;
	struct json_value v;
	struct json_iter it;
	struct json_doc doc;
	char path[512];
	unsigned cases = 0;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/ledger/tile-paths.json",
		data != NULL ? data : SOURCE_ROOT "/../shared/data");
	if (file_read(path, MIB(1), &text, NULL) != OK) {
		json_parser_free(parser);
		print_message("skipped: no %s\n", path);
		skip();
	}
	MUST(json_parse(parser, buf_slice(&text), &doc, &e));
	it = json_iter(member(json_root(&doc), "go_cases"));
	for (; json_array_next(&it, &v); cases++)
		go_path(v);
	assert_int_equal(cases, 8);
	it = json_iter(member(json_root(&doc), "c2sp_index_encoding"));
	for (; json_array_next(&it, &v); cases++) {
		struct buf want = BUF_INIT;
		int64_t n;

		assert_true(json_to_i64(member(v, "n"), &n));
		buf_printf(&want, "tile/0/%.*s", SLICE_ARG(json_get_string(v, "path")));
		buf_char(&want, '\0');
		path_is(0, (uint64_t)n, LEDGER_TILE, want.data);
		buf_fini(&want);
	}
	assert_int_equal(cases, 9);
	buf_fini(&text);
	json_parser_free(parser);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static bool there(struct ledger *log, uint64_t size, int level, uint64_t number, unsigned width)
{
	struct buf bytes = BUF_INIT;
	bool found;

	MUST(ledger_tile_get(log, size, level, number, width, &bytes, &found, &e));
	assert_int_equal(bytes.len, found ? width * (level < 0 ? 50 : 32) : 0);
	buf_fini(&bytes);
	return found;
}

/* The example of tlog-tiles: 70,000 leaves. */
static void tiles_of_seventy_thousand_leaves(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 1);
	while (b.written < 69632)
		MUST(bench_append(&b, 4096, &e));
	MUST(bench_append(&b, 368, &e));
	assert_true(there(b.log, 70000, 0, 0, 256));
	assert_true(there(b.log, 70000, 0, 272, 256));
	assert_true(there(b.log, 70000, 0, 273, 112));
	assert_false(there(b.log, 70000, 0, 273, 113));
	assert_false(there(b.log, 70000, 0, 273, 256));
	assert_false(there(b.log, 70000, 0, 274, 1));
	assert_true(there(b.log, 70000, 1, 0, 256));
	assert_true(there(b.log, 70000, 1, 1, 17));
	assert_false(there(b.log, 70000, 1, 1, 18));
	assert_true(there(b.log, 70000, 2, 0, 1));
	assert_false(there(b.log, 70000, 2, 0, 2));
	assert_false(there(b.log, 70000, 3, 0, 1));
	assert_false(there(b.log, 70000, TILE_LEVELS, 0, 1));
	assert_false(there(b.log, 70000, -2, 0, 1));
	assert_false(there(b.log, 70000, 0, 0, 0));
	assert_false(there(b.log, 70000, 0, 0, 257));
	assert_false(there(b.log, 70000, 0, UINT64_MAX, 1));
	assert_true(there(b.log, 70000, -1, 273, 112));
	assert_false(there(b.log, 70000, -1, 273, 113));
	/* and of 256 */
	assert_true(there(b.log, 256, 0, 0, 256));
	assert_true(there(b.log, 256, 1, 0, 1));
	assert_false(there(b.log, 256, 0, 1, 1));
	assert_false(there(b.log, 0, 0, 0, 1));
	bench_fini(&b);
}

/* What a client does: the root from tiles alone, every entry hashed into level 0. */
static void a_root_follows_from_tiles_alone(void **state)
{
	enum { LEAVES = 66000 };
	struct ledger_edge edge = {0}, above = {0};
	struct buf entries = BUF_INIT, hashes = BUF_INIT;
	uint8_t root[HASH_LEN], want[HASH_LEN];
	struct bench b;
	bool found;

	(void)state;
	bench_init(&b, 2);
	while (b.written < 65536)
		MUST(bench_append(&b, 4096, &e));
	MUST(bench_append(&b, LEAVES - 65536, &e));
	for (uint64_t n = 0; n * 256 < LEAVES; n++) {
		unsigned width = LEAVES - n * 256 < 256 ? (unsigned)(LEAVES - n * 256) : 256;
		uint8_t hash[HASH_LEN];

		buf_clear(&entries);
		buf_clear(&hashes);
		MUST(ledger_tile_get(b.log, LEAVES, -1, n, width, &entries, &found, &e));
		MUST(ledger_tile_get(b.log, LEAVES, 0, n, width, &hashes, &found, &e));
		for (unsigned i = 0; i < width; i++) {
			assert_int_equal(entries.data[i * 50], 0);
			assert_int_equal(entries.data[i * 50 + 1], LEDGER_LEAF_LEN);
			ledger_hash_leaf(slice_of_bytes(entries.data + i * 50 + 2, 48), hash);
			assert_memory_equal(hash, hashes.data + i * 32, HASH_LEN);
			ledger_edge_add(&edge, hash);
		}
		if (width == 256) {
			tree_fold((uint8_t *)hashes.data, 8, hash);
			buf_clear(&hashes);
			MUST(ledger_tile_get(b.log, LEAVES, 1, n / 256, (unsigned)(n % 256 + 1),
				&hashes, &found, &e));
			assert_true(found);
			assert_memory_equal(hash, hashes.data + n % 256 * 32, HASH_LEN);
			ledger_edge_add(&above, hash);
		}
	}
	ledger_edge_root(&edge, root);
	MUST(ledger_root(b.log, LEAVES, want, &e));
	assert_memory_equal(root, want, HASH_LEN);
	ledger_edge_root(&above, root);
	MUST(ledger_root(b.log, LEAVES / 256 * 256, want, &e));
	assert_memory_equal(root, want, HASH_LEN);
	buf_fini(&entries);
	buf_fini(&hashes);
	bench_fini(&b);
}

/* ---- static files ---------------------------------------------------------------------------- */

static void checkpoint_make(struct bench *b, uint64_t size, struct buf *out)
{
	struct note_checkpoint c = {.origin = ledger_origin(b->log), .size = size};
	struct buf text = BUF_INIT, lines = BUF_INIT;
	struct note_secret secret;

	MUST(ledger_root(b->log, size, c.root, &e));
	note_checkpoint_format(&c, &text);
	MUST(note_secret_new(&b->world.world, SLICE(ORIGIN), NOTE_ED25519, &secret, &e));
	note_sign(&secret, buf_slice(&text), &lines);
	note_write(buf_slice(&text), buf_slice(&lines), out);
	buf_fini(&text);
	buf_fini(&lines);
}

static void static_files_follow_the_checkpoint(void **state)
{
	struct buf note = BUF_INIT, back = BUF_INIT;
	struct bench b;
	uint64_t bytes, calls;

	(void)state;
	bench_init(&b, 3);
	MUST(bench_append(&b, 700, &e));
	checkpoint_make(&b, 520, &note);
	MUST(ledger_checkpoint_put(b.log, buf_slice(&note), &e));
	MUST(ledger_checkpoint_get(b.log, &back, &e));
	assert_true(slice_equal(buf_slice(&note), buf_slice(&back)));
	MUST(ledger_tiles_write(b.log, "static", &e));
	MUST(b.disk.size(b.fake, "static/tile/0/001", &bytes, &e));
	assert_int_equal(bytes, 8192);
	MUST(b.disk.size(b.fake, "static/tile/0/002.p/8", &bytes, &e));
	assert_int_equal(bytes, 8 * 32);
	MUST(b.disk.size(b.fake, "static/tile/0/002.p/188", &bytes, &e));
	assert_int_equal(bytes, 0); /* not signed yet */
	MUST(b.disk.size(b.fake, "static/tile/1/000.p/2", &bytes, &e));
	assert_int_equal(bytes, 64);
	MUST(b.disk.size(b.fake, "static/tile/entries/002.p/8", &bytes, &e));
	assert_int_equal(bytes, 400);
	MUST(b.disk.size(b.fake, "static/checkpoint", &bytes, &e));
	assert_int_equal(bytes, note.len);
	/* again: only the checkpoint is written */
	ledger_disk_fake_fail_at(b.fake, 0);
	MUST(ledger_tiles_write(b.log, "static", &e));
	calls = ledger_disk_fake_calls(b.fake);
	assert_int_equal(calls, 1);
	MUST(ledger_verify(b.log, NULL, NULL, &e));
	buf_fini(&note);
	buf_fini(&back);
	bench_fini(&b);
}

static void a_checkpoint_that_does_not_fit_is_refused(void **state)
{
	struct buf note = BUF_INIT, other = BUF_INIT;
	struct bench b, c;

	(void)state;
	bench_init(&b, 4);
	bench_init(&c, 5); /* another history under the same name */
	MUST(bench_append(&b, 9, &e));
	MUST(bench_append(&c, 10, &e));
	checkpoint_make(&c, 9, &other);
	assert_int_equal(ledger_checkpoint_put(b.log, buf_slice(&other), NULL), ERR_CONFLICT);
	checkpoint_make(&c, 10, &note);
	assert_int_equal(ledger_checkpoint_put(b.log, buf_slice(&note), NULL), ERR_USAGE);
	assert_int_equal(ledger_checkpoint_put(b.log, SLICE("nothing\n"), NULL), ERR_PARSE);
	note.data[0] = 'b';
	assert_int_equal(ledger_checkpoint_put(b.log, buf_slice(&note), NULL), ERR_INVALID);
	buf_clear(&note);
	MUST(ledger_checkpoint_get(b.log, &note, &e));
	assert_int_equal(note.len, 0);
	/* as a fork would leave it */
	MUST(b.disk.replace(b.fake, "logs/a/checkpoint", buf_slice(&other), &e));
	assert_int_equal(ledger_verify(b.log, NULL, NULL, NULL), ERR_CORRUPT);
	buf_fini(&note);
	buf_fini(&other);
	bench_fini(&b);
	bench_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_those_of_tlog_tiles),
		cmocka_unit_test(what_is_no_name_is_refused),
		cmocka_unit_test(paths_of_the_go_library),
		cmocka_unit_test(tiles_of_seventy_thousand_leaves),
		cmocka_unit_test(a_root_follows_from_tiles_alone),
		cmocka_unit_test(static_files_follow_the_checkpoint),
		cmocka_unit_test(a_checkpoint_that_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
