/* SPDX-License-Identifier: MPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>

#include "inside.h"
#include "json/json.h"

#define LEAVES_MAX 300 /* more than a tile */

/* ---- the definition, slowly ------------------------------------------------------------------ */

/* MTH of RFC 9162 section 2.1.1, as it is written there. */
static void root_slow(uint8_t (*leaves)[HASH_LEN], uint64_t n, uint8_t ret[HASH_LEN])
{
	uint8_t left[HASH_LEN], right[HASH_LEN];
	uint64_t k = 1;

	if (n == 0) {
		hash_sha256((struct slice){0}, ret);
		return;
	}
	if (n == 1) {
		memcpy(ret, leaves[0], HASH_LEN);
		return;
	}
	while (k * 2 < n)
		k *= 2;
	root_slow(leaves, k, left);
	root_slow(leaves + k, n - k, right);
	ledger_hash_node(left, right, ret);
}

static void path_push(struct ledger_path *p, const uint8_t hash[HASH_LEN])
{
	memcpy(p->hashes[p->count++], hash, HASH_LEN);
}

/* PATH of section 2.1.3.1. */
static void inclusion_slow(
	uint8_t (*leaves)[HASH_LEN], uint64_t n, uint64_t m, struct ledger_path *ret)
{
	uint8_t sibling[HASH_LEN];
	uint64_t k = 1;

	if (n == 1)
		return;
	while (k * 2 < n)
		k *= 2;
	if (m < k) {
		inclusion_slow(leaves, k, m, ret);
		root_slow(leaves + k, n - k, sibling);
	} else {
		inclusion_slow(leaves + k, n - k, m - k, ret);
		root_slow(leaves, k, sibling);
	}
	path_push(ret, sibling);
}

/* SUBPROOF of section 2.1.4.1. */
static void consistency_slow(
	uint8_t (*leaves)[HASH_LEN], uint64_t n, uint64_t m, bool whole, struct ledger_path *ret)
{
	uint8_t other[HASH_LEN];
	uint64_t k = 1;

	if (m == n) {
		root_slow(leaves, n, other);
		if (!whole)
			path_push(ret, other);
		return;
	}
	while (k * 2 < n)
		k *= 2;
	if (m <= k) {
		consistency_slow(leaves, k, m, whole, ret);
		root_slow(leaves + k, n - k, other);
	} else {
		consistency_slow(leaves + k, n - k, m - k, false, ret);
		root_slow(leaves, k, other);
	}
	path_push(ret, other);
}

static void leaves_make(uint8_t (*ret)[HASH_LEN], unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char text[16];
		int len = snprintf(text, sizeof(text), "leaf %u", i);

		ledger_hash_leaf((struct slice){text, (size_t)len}, ret[i]);
	}
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void edge_has_the_defined_root_at_every_size(void **state)
{
	static uint8_t leaves[LEAVES_MAX][HASH_LEN];
	struct ledger_edge edge = {0};
	uint8_t root[HASH_LEN], slow[HASH_LEN];

	(void)state;
	leaves_make(leaves, LEAVES_MAX);
	for (unsigned n = 0; n < LEAVES_MAX; n++) {
		ledger_edge_root(&edge, root);
		root_slow(leaves, n, slow);
		assert_memory_equal(root, slow, HASH_LEN);
		assert_int_equal(edge.size, n);
		assert_int_equal(edge.count, __builtin_popcount(n));
		ledger_edge_add(&edge, leaves[n]);
	}
}

static void leaf_of_any_length_is_hashed_behind_a_zero(void **state)
{
	char bytes[400];
	uint8_t got[HASH_LEN], want[HASH_LEN];

	(void)state;
	memset(bytes, 0x5a, sizeof(bytes));
	bytes[0] = 0x00;
	for (size_t len = 0; len < sizeof(bytes); len++) {
		ledger_hash_leaf((struct slice){bytes + 1, len}, got);
		hash_sha256((struct slice){bytes, len + 1}, want);
		assert_memory_equal(got, want, HASH_LEN);
		if (len == sizeof(bytes) - 2)
			break;
	}
}

static void fold_is_the_root_of_a_whole_subtree(void **state)
{
	static uint8_t leaves[LEDGER_TILE][HASH_LEN], copy[LEDGER_TILE][HASH_LEN];
	uint8_t got[HASH_LEN], want[HASH_LEN];

	(void)state;
	leaves_make(leaves, LEDGER_TILE);
	for (unsigned height = 0; height <= TILE_HEIGHT; height++) {
		memcpy(copy, leaves, sizeof(copy));
		tree_fold(copy[0], height, got);
		root_slow(leaves, UINT64_C(1) << height, want);
		assert_memory_equal(got, want, HASH_LEN);
	}
}

/* Every index of every size up to 40: the right proof is taken, and with anything changed not. */
static void inclusion_is_proved_and_nothing_else(void **state)
{
	static uint8_t leaves[LEAVES_MAX][HASH_LEN];
	uint8_t root[HASH_LEN];

	(void)state;
	leaves_make(leaves, LEAVES_MAX);
	for (uint64_t n = 1; n <= 40; n++) {
		root_slow(leaves, n, root);
		for (uint64_t m = 0; m < n; m++) {
			struct ledger_path path = {.count = 0};

			inclusion_slow(leaves, n, m, &path);
			assert_true(ledger_inclusion_verify(m, n, &path, leaves[m], root));
			assert_false(ledger_inclusion_verify(m, n, &path, leaves[m + 1], root));
			for (uint64_t other = 0; other <= n + 1; other++) {
				if (other != m)
					assert_false(ledger_inclusion_verify(
						other, n, &path, leaves[m], root));
			}
			path.count++; /* one hash more, whatever it is */
			assert_false(ledger_inclusion_verify(m, n, &path, leaves[m], root));
			path.count--;
			if (path.count > 0) {
				path.hashes[path.count / 2][7] ^= 1;
				assert_false(ledger_inclusion_verify(m, n, &path, leaves[m], root));
				path.hashes[path.count / 2][7] ^= 1;
				path.count--;
				assert_false(ledger_inclusion_verify(m, n, &path, leaves[m], root));
			}
		}
	}
}

static void consistency_is_proved_and_nothing_else(void **state)
{
	static uint8_t leaves[LEAVES_MAX][HASH_LEN];
	uint8_t old_root[HASH_LEN], root[HASH_LEN];

	(void)state;
	leaves_make(leaves, LEAVES_MAX);
	for (uint64_t n = 1; n <= 40; n++) {
		root_slow(leaves, n, root);
		for (uint64_t m = 1; m <= n; m++) {
			struct ledger_path path = {.count = 0};

			root_slow(leaves, m, old_root);
			consistency_slow(leaves, n, m, true, &path);
			assert_true(ledger_consistency_verify(m, n, &path, old_root, root));
			if (m != n) {
				assert_false(
					ledger_consistency_verify(m, n, &path, root, old_root));
				assert_false(
					ledger_consistency_verify(n, m, &path, old_root, root));
				assert_false(
					ledger_consistency_verify(n, n, &path, old_root, root));
			}
			path.count++;
			assert_false(ledger_consistency_verify(m, n, &path, old_root, root));
			path.count--;
			for (unsigned i = 0; i < path.count; i++) {
				path.hashes[i][31] ^= 0x80;
				assert_false(
					ledger_consistency_verify(m, n, &path, old_root, root));
				path.hashes[i][31] ^= 0x80;
			}
			if (path.count > 0) {
				path.count--;
				assert_false(
					ledger_consistency_verify(m, n, &path, old_root, root));
			}
		}
	}
}

/* C2SP tlog-witness: from the empty tree anything follows, with an empty proof. */
static void from_the_empty_tree_an_empty_path_leads_anywhere(void **state)
{
	struct ledger_path none = {.count = 0}, some = {.count = 1};
	uint8_t empty[HASH_LEN], other[HASH_LEN] = {1};

	(void)state;
	ledger_hash_empty(empty);
	assert_true(ledger_consistency_verify(0, 0, &none, empty, empty));
	assert_true(ledger_consistency_verify(0, 7, &none, empty, other));
	assert_false(ledger_consistency_verify(0, 7, &some, empty, other));
	assert_false(ledger_consistency_verify(0, 7, &none, other, other));
	assert_false(ledger_consistency_verify(0, 0, &none, other, other));
	assert_false(ledger_consistency_verify(0, 0, &none, empty, other));
	assert_false(ledger_consistency_verify(0, 0, &some, empty, empty));
}

/* ---- vectors: ../shared/data/ledger/merkle --------------------------------------------------- */

static const char *vectors_folder(void)
{
	static char path[512];
	const char *data = getenv("SERAI_DATA");
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/ledger/merkle",
		data != NULL ? data : SOURCE_ROOT "/../shared/data");
	d = opendir(path);
	if (d == NULL) {
		print_message("skipped: no %s\n", path);
		skip();
	}
	(void)closedir(d);
	return path;
}

static struct buf vector_read(const char *path)
{
	struct buf text = BUF_INIT;
	struct err e;

	if (file_read(path, MIB(1), &text, &e) != OK)
		fail_msg("%s", e.text);
	return text;
}

static struct json_value member(struct json_value v, const char *name)
{
	struct json_value ret;

	if (!json_get(v, name, &ret))
		fail_msg("no member %s", name);
	return ret;
}

static uint64_t number(struct json_value v, const char *name)
{
	struct json_value n = member(v, name);

	assert_int_equal(json_type(n), JSON_INTEGER);
	return n.doc->tape[n.at + 1];
}

/* False: no hash of 32 bytes. Our verifiers take nothing else, so there such a vector ends. */
static bool hash_of(struct json_value v, uint8_t ret[HASH_LEN])
{
	struct buf bytes = BUF_INIT;
	bool fits = base64_decode(json_string(v), &bytes) && bytes.len == HASH_LEN;

	if (fits)
		memcpy(ret, bytes.data, HASH_LEN);
	buf_fini(&bytes);
	return fits;
}

static bool path_of(struct json_value v, struct ledger_path *ret)
{
	struct json_iter it = json_iter(v);
	struct json_value line;

	ret->count = 0;
	while (json_array_next(&it, &line)) {
		if (ret->count == COUNT_OF(ret->hashes) || !hash_of(line, ret->hashes[ret->count]))
			return false;
		ret->count++;
	}
	return true;
}

static bool inclusion_vector(struct json_value v)
{
	uint8_t leaf[HASH_LEN], root[HASH_LEN];
	struct ledger_path path;

	return hash_of(member(v, "leafHash"), leaf) && hash_of(member(v, "root"), root) &&
	       path_of(member(v, "proof"), &path) &&
	       ledger_inclusion_verify(
		       number(v, "leafIdx"), number(v, "treeSize"), &path, leaf, root);
}

/*
 * Three of these begin at size 0 and demand an error, for the library they come from calls such a
 * check useless. C2SP tlog-witness demands that we take it, with an empty proof. There is no
 * contradiction: one of the three carries a proof that is not empty, and the other two a root that
 * is no hash ("don't care"), so they are refused here too. That an honest one is taken is tested
 * above.
 */
static bool consistency_vector(struct json_value v)
{
	uint8_t old_root[HASH_LEN], root[HASH_LEN];
	struct ledger_path path;

	return hash_of(member(v, "root1"), old_root) && hash_of(member(v, "root2"), root) &&
	       path_of(member(v, "proof"), &path) &&
	       ledger_consistency_verify(
		       number(v, "size1"), number(v, "size2"), &path, old_root, root);
}

struct tally {
	struct json_parser *parser;
	unsigned taken, refused;
};

static void vectors_walk(
	const char *folder, bool (*check)(struct json_value v), struct tally *tally)
{
	DIR *d = opendir(folder);
	struct dirent *entry;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		struct json_doc doc;
		struct buf text;
		char path[768];
		struct err e;
		bool taken;

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (entry->d_type == DT_DIR) {
			vectors_walk(path, check, tally);
			continue;
		}
		text = vector_read(path);
		if (json_parse(tally->parser, buf_slice(&text), &doc, &e) != OK)
			fail_msg("%s: %s", path, e.text);
		taken = check(json_root(&doc));
		if (taken == json_is_true(member(json_root(&doc), "wantErr")))
			fail_msg("%s: %s", path, taken ? "taken" : "refused");
		taken ? tally->taken++ : tally->refused++;
		buf_fini(&text);
	}
	(void)closedir(d);
}

static void vectors_of_the_go_verifier(void **state)
{
	struct tally inclusion = {.parser = json_parser_new(MIB(1))};
	struct tally consistency = {.parser = inclusion.parser};
	char path[600];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/inclusion", vectors_folder());
	vectors_walk(path, inclusion_vector, &inclusion);
	(void)snprintf(path, sizeof(path), "%s/consistency", vectors_folder());
	vectors_walk(path, consistency_vector, &consistency);
	json_parser_free(inclusion.parser);
	assert_int_equal(inclusion.taken, 3);
	assert_int_equal(inclusion.refused, 46);
	assert_int_equal(consistency.taken, 4);
	assert_int_equal(consistency.refused, 45);
}

static void hex_is(struct json_value v, const uint8_t hash[HASH_LEN])
{
	uint8_t want[HASH_LEN];

	assert_true(hex_decode(json_string(v), want, sizeof(want)));
	assert_memory_equal(hash, want, HASH_LEN);
}

static void vectors_of_rfc_6962(void **state)
{
	struct json_parser *parser = json_parser_new(MIB(1));
	struct ledger_edge edge = {0};
	struct json_iter leaves, roots, levels;
	uint8_t hashes[8][HASH_LEN], hash[HASH_LEN];
	struct json_value v, level;
	struct json_doc doc;
	char path[600];
	struct buf text;
	unsigned count = 0;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/rfc6962-vectors.json", vectors_folder());
	text = vector_read(path);
	assert_int_equal(json_parse(parser, buf_slice(&text), &doc, NULL), OK);
	ledger_hash_empty(hash);
	hex_is(member(json_root(&doc), "empty_root_hex"), hash);
	leaves = json_iter(member(json_root(&doc), "leaf_inputs_hex"));
	roots = json_iter(member(json_root(&doc), "root_by_tree_size_hex"));
	while (json_array_next(&leaves, &v)) {
		uint8_t input[64];
		size_t len = json_string(v).len / 2;

		assert_true(hex_decode(json_string(v), input, len));
		ledger_hash_leaf((struct slice){(char *)input, len}, hashes[count]);
		ledger_edge_add(&edge, hashes[count++]);
		ledger_edge_root(&edge, hash);
		assert_true(json_array_next(&roots, &v));
		hex_is(v, hash);
	}
	assert_int_equal(count, 8);
	levels = json_iter(member(json_root(&doc), "complete_subtree_hashes_by_level_hex"));
	for (; json_array_next(&levels, &level); count /= 2) {
		struct json_iter it = json_iter(level);

		for (unsigned i = 0; i < count; i++) {
			assert_true(json_array_next(&it, &v));
			hex_is(v, hashes[i]);
		}
		for (unsigned i = 0; i + 1 < count; i += 2)
			ledger_hash_node(hashes[i], hashes[i + 1], hashes[i / 2]);
	}
	assert_int_equal(count, 0);
	buf_fini(&text);
	json_parser_free(parser);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edge_has_the_defined_root_at_every_size),
		cmocka_unit_test(leaf_of_any_length_is_hashed_behind_a_zero),
		cmocka_unit_test(fold_is_the_root_of_a_whole_subtree),
		cmocka_unit_test(inclusion_is_proved_and_nothing_else),
		cmocka_unit_test(consistency_is_proved_and_nothing_else),
		cmocka_unit_test(from_the_empty_tree_an_empty_path_leads_anywhere),
		cmocka_unit_test(vectors_of_the_go_verifier),
		cmocka_unit_test(vectors_of_rfc_6962),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
