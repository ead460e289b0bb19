/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What is signed for others: their logs as far as they only grew, sealed keys, and manifests; and
 * nothing else.
 */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "signer_scene.h"

/* ---- the logs of others ---------------------------------------------------------------------- */

static void logs_of_others_are_cosigned(void **state)
{
	struct scene *s = *state;
	static const enum signer_key keys[] = {SIGNER_WITNESS, SIGNER_MIRROR};
	struct buf line = BUF_INIT;
	uint64_t size;

	for (size_t k = 0; k < COUNT_OF(keys); k++) {
		const struct note_key *key = &s->secrets.notes[keys[k]].key;

		buf_clear(&line);
		assert_int_equal(
			cosign_by(s, &s->other, keys[k], &s->tree, 0, 7, &line, &size), OK);
		assert_int_equal(
			line_verifies(&s->other, &s->tree, 7, buf_slice(&line), key), NOW_S);
		/* The same later: with the new time. */
		world_fake_advance(&s->world, 60 * US_PER_SECOND);
		buf_clear(&line);
		assert_int_equal(
			cosign_by(s, &s->other, keys[k], &s->tree, 7, 7, &line, &size), OK);
		assert_int_equal(
			line_verifies(&s->other, &s->tree, 7, buf_slice(&line), key), NOW_S + 60);
		world_fake_advance(&s->world, -60 * US_PER_SECOND);
	}
	/* A clock before 1970 is no time. */
	s->world.now_us = -1;
	buf_clear(&line);
	assert_int_equal(cosign_by(s, &s->other, SIGNER_WITNESS, &s->tree, 7, 7, &line, &size), OK);
	assert_int_equal(line_verifies(&s->other, &s->tree, 7, buf_slice(&line),
				 &s->secrets.notes[SIGNER_WITNESS].key),
		0);
	buf_fini(&line);
}

static void other_logs_never_turn_back(void **state)
{
	struct scene *s = *state;
	static const struct {
		const char *why;
		bool fork;
		uint64_t old_size, size;
		enum err_kind kind;
	} cases[] = {
		{"from another size",          false, 6, 9, ERR_CONFLICT},
		{"from nothing",               false, 0, 9, ERR_CONFLICT},
		{"from a later size",          false, 8, 9, ERR_CONFLICT},
		{"smaller than old size",      false, 7, 6, ERR_INVALID },
		{"smaller",                    false, 5, 6, ERR_CONFLICT},
		{"other root of this size",    true,  7, 7, ERR_INVALID },
		{"other history",              true,  7, 9, ERR_INVALID },
		{"the same",                   false, 7, 7, OK          },
		{"what continues it",          false, 7, 9, OK          },
		{"the same from where it was", false, 7, 9, ERR_CONFLICT},
	};

	for (unsigned as = SIGNER_WITNESS; as <= SIGNER_MIRROR; as++) {
		/* Each key has its own mark. */
		assert_int_equal(cosign(s, (enum signer_key)as, &s->tree, 0, 7), OK);
		for (size_t i = 0; i < COUNT_OF(cases); i++) {
			enum err_kind kind =
				cosign(s, (enum signer_key)as, cases[i].fork ? &s->fork : &s->tree,
					cases[i].old_size, cases[i].size);

			if (kind != cases[i].kind)
				fail_msg("%s: %s", cases[i].why, err_kind_name(kind));
		}
	}
	scene_open(s, 0);
	assert_int_equal(cosign(s, SIGNER_WITNESS, &s->tree, 0, 9), ERR_CONFLICT);
	assert_int_equal(cosign(s, SIGNER_WITNESS, &s->fork, 9, 10), ERR_INVALID);
	assert_int_equal(cosign(s, SIGNER_WITNESS, &s->tree, 9, 10), OK);
}

static void a_conflict_tells_the_size(void **state)
{
	struct scene *s = *state;
	struct buf line = BUF_INIT;
	uint64_t size = 42;

	assert_int_equal(
		cosign_by(s, &s->other, SIGNER_MIRROR, &s->tree, 3, 9, &line, &size), ERR_CONFLICT);
	assert_int_equal(size, 0);
	assert_int_equal(cosign_by(s, &s->other, SIGNER_MIRROR, &s->tree, 0, 9, &line, &size), OK);
	assert_int_equal(
		cosign_by(s, &s->other, SIGNER_MIRROR, &s->tree, 0, 9, &line, &size), ERR_CONFLICT);
	assert_int_equal(size, 9);
	buf_fini(&line);
}

static void what_is_no_checkpoint_of_that_log_is_not_cosigned(void **state)
{
	struct scene *s = *state;
	struct note_secret impostor, named;
	struct ledger_path path = {.count = 0};
	struct buf bytes = BUF_INIT, line = BUF_INIT;
	struct note_key key = s->other.key;
	uint64_t size = 0;

	assert_int_equal(
		note_secret_new(&s->world.world, SLICE("uz/log"), NOTE_ED25519, &impostor, NULL),
		OK);
	/* A note by one key, asked for under another. */
	note_of(&impostor, &s->tree, 3, &bytes);
	assert_int_equal(signer_cosign(&s->link, SIGNER_WITNESS, &s->other.key, buf_slice(&bytes),
				 0, &path, &line, &size, NULL),
		ERR_INVALID);
	/* The log key is the witness's. */
	assert_int_equal(signer_cosign(&s->link, SIGNER_LOG, &impostor.key, buf_slice(&bytes), 0,
				 &path, &line, &size, NULL),
		ERR_USAGE);
	assert_int_equal(signer_cosign(&s->link, (enum signer_key)3, &impostor.key,
				 buf_slice(&bytes), 0, &path, &line, &size, NULL),
		ERR_USAGE);
	/* An origin keeps its key. */
	assert_int_equal(cosign(s, SIGNER_WITNESS, &s->tree, 0, 3), OK);
	assert_int_equal(
		cosign_by(s, &impostor, SIGNER_WITNESS, &s->tree, 3, 4, &line, &size), ERR_INVALID);
	/* No key that anything verifies under. */
	memset(key.public, 0, sizeof(key.public));
	assert_int_equal(signer_cosign(&s->link, SIGNER_WITNESS, &key, buf_slice(&bytes), 0, &path,
				 &line, &size, NULL),
		ERR_INVALID);
	/* Nor a note that is no checkpoint, nor of another origin than the key's name. */
	buf_clear(&bytes);
	buf_text(&bytes, "uz/log\nno size\n\n");
	note_sign(&s->other, SLICE("uz/log\nno size\n"), &bytes);
	assert_int_equal(signer_cosign(&s->link, SIGNER_WITNESS, &s->other.key, buf_slice(&bytes),
				 3, &path, &line, &size, NULL),
		ERR_PARSE);
	named = s->other;
	snprintf(named.key.name, sizeof(named.key.name), "tj/log");
	buf_clear(&bytes);
	note_of(&named, &s->tree, 3, &bytes);
	assert_int_equal(
		note_key_make(SLICE("tj/log"), NOTE_ED25519, s->other.key.public, &key, NULL), OK);
	assert_int_equal(signer_cosign(&s->link, SIGNER_WITNESS, &key, buf_slice(&bytes), 0, &path,
				 &line, &size, NULL),
		ERR_INVALID);
	{
		struct buf text = BUF_INIT;
		struct note_checkpoint c = {.origin = SLICE("elsewhere"), .size = 3};

		tree_root(&s->tree, 3, c.root);
		note_checkpoint_format(&c, &text);
		buf_clear(&bytes);
		buf_clear(&line);
		note_sign(&s->other, buf_slice(&text), &line);
		note_write(buf_slice(&text), buf_slice(&line), &bytes);
		assert_int_equal(signer_cosign(&s->link, SIGNER_WITNESS, &s->other.key,
					 buf_slice(&bytes), 3, &path, &line, &size, NULL),
			ERR_INVALID);
		buf_fini(&text);
	}
	/* Nor our own log. */
	assert_int_equal(cosign_by(s, &s->secrets.notes[SIGNER_LOG], SIGNER_WITNESS, &s->tree, 0, 3,
				 &line, &size),
		ERR_DENIED);
	buf_fini(&bytes);
	buf_fini(&line);
}

static void cosigned_logs_have_a_largest_size(void **state)
{
	struct scene *s = *state;
	struct ledger_path path = {.count = 0};

	for (uint64_t size = LEDGER_SIZE_MAX + 1; size >= LEDGER_SIZE_MAX; size--) {
		struct note_checkpoint c = {.origin = SLICE("uz/log"), .size = size, .root = {1}};
		struct buf text = BUF_INIT, bytes = BUF_INIT, line = BUF_INIT;
		uint64_t ignored;

		note_checkpoint_format(&c, &text);
		note_sign(&s->other, buf_slice(&text), &line);
		note_write(buf_slice(&text), buf_slice(&line), &bytes);
		assert_int_equal(signer_cosign(&s->link, SIGNER_WITNESS, &s->other.key,
					 buf_slice(&bytes), 0, &path, &line, &ignored, NULL),
			size > LEDGER_SIZE_MAX ? ERR_LIMIT : OK);
		buf_fini(&text);
		buf_fini(&bytes);
		buf_fini(&line);
	}
}

static void origins_are_bounded(void **state)
{
	struct scene *s = *state;
	struct buf line = BUF_INIT;
	uint64_t size;

	for (unsigned i = 0; i <= SIGNER_ORIGINS_MAX; i++) {
		struct note_secret log;
		char name[32];

		snprintf(name, sizeof(name), "m%u/log", i);
		assert_int_equal(
			note_secret_new(&s->world.world, slice_of(name), NOTE_ED25519, &log, NULL),
			OK);
		assert_int_equal(
			cosign_by(s, &log, SIGNER_MIRROR, &s->tree, 0, i % 5, &line, &size),
			i < SIGNER_ORIGINS_MAX ? OK : ERR_LIMIT);
	}
	/* All are there after a new start, and those that are known go on. */
	assert_int_equal(cosign(s, SIGNER_WITNESS, &s->tree, 0, 9), OK);
	scene_open(s, 0);
	assert_int_equal(cosign(s, SIGNER_MIRROR, &s->tree, 0, 9), ERR_LIMIT);
	assert_int_equal(cosign(s, SIGNER_WITNESS, &s->tree, 9, 9), OK);
	buf_fini(&line);
}

/* ---- sealed keys, manifests ------------------------------------------------------------------ */

static void a_sealed_key_is_opened(void **state)
{
	struct scene *s = *state;
	uint8_t key[SIGNER_UNSEALED_LEN], opened[SIGNER_UNSEALED_LEN], sealed[SIGNER_SEALED_LEN],
		other[32], secret[32];

	memset(key, 0x42, sizeof(key));
	assert_int_equal(crypto_box_seal(sealed, key, sizeof(key), s->secrets.box_public), 0);
	assert_int_equal(signer_unseal(&s->link, sealed, opened, NULL), OK);
	assert_memory_equal(opened, key, sizeof(key));
	memset(opened, 0, sizeof(opened));
	for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		/* The top bit of the ephemeral key does not count in X25519, but is hashed. */
		assert_int_equal(signer_unseal(&s->link, sealed, opened, NULL), ERR_INVALID);
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	crypto_box_keypair(other, secret);
	assert_int_equal(crypto_box_seal(sealed, key, sizeof(key), other), 0);
	assert_int_equal(signer_unseal(&s->link, sealed, opened, NULL), ERR_INVALID);
	assert_int_equal(opened[0], 0);
}

static void only_manifests_are_signed_as_text(void **state)
{
	struct scene *s = *state;
	static const struct {
		const char *why;
		const char *text;
		enum err_kind kind;
	} cases[] = {
		{"a manifest",       SIGNER_MANIFEST_HEAD "to uz\n",                              OK        },
		{"its first line",   SIGNER_MANIFEST_HEAD,                                        OK        },
		{"with empty lines", SIGNER_MANIFEST_HEAD "\n\nto uz\n",                          OK        },
		{"a checkpoint",     "kz/log\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
                 ERR_DENIED										 },
		{"nothing",          "",							  ERR_DENIED},
		{"another version",  "serai bundle v10\n",                                        ERR_DENIED},
		{"no last newline",  SIGNER_MANIFEST_HEAD "to uz",                                ERR_PARSE },
		{"control bytes",    SIGNER_MANIFEST_HEAD "to\tuz\n",                             ERR_PARSE },
		{"not UTF-8",        SIGNER_MANIFEST_HEAD "to \xff\n",                            ERR_PARSE },
	};
	struct buf line = BUF_INIT, text = BUF_INIT, whole = BUF_INIT;
	struct arena *a = arena_new(MIB(1));
	struct note n;
	struct note_verdict v;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		enum err_kind kind;

		buf_clear(&line);
		buf_clear(&whole);
		kind = signer_manifest(&s->link, slice_of(cases[i].text), &line, NULL);
		if (kind != cases[i].kind)
			fail_msg("%s: %s", cases[i].why, err_kind_name(kind));
		if (kind != OK)
			continue;
		note_write(slice_of(cases[i].text), buf_slice(&line), &whole);
		assert_int_equal(note_parse(buf_slice(&whole), a, &n, NULL), OK);
		assert_true(slice_is(n.text, cases[i].text));
		assert_int_equal(
			note_verify(&n, &s->secrets.notes[SIGNER_LOG].key, 1, a, &v, NULL), OK);
		assert_int_equal(v.signed_count, 1);
	}
	for (size_t len = SIGNER_MANIFEST_MAX; len <= SIGNER_MANIFEST_MAX + 1; len++) {
		buf_clear(&text);
		buf_text(&text, SIGNER_MANIFEST_HEAD);
		while (text.len < len - 1)
			buf_char(&text, 'a');
		buf_char(&text, '\n');
		assert_int_equal(signer_manifest(&s->link, buf_slice(&text), &line, NULL),
			len <= SIGNER_MANIFEST_MAX ? OK : ERR_LIMIT);
	}
	buf_fini(&line);
	buf_fini(&text);
	buf_fini(&whole);
	arena_free(a);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
	const struct CMUnitTest tests[] = {
		CASE(logs_of_others_are_cosigned),
		CASE(other_logs_never_turn_back),
		CASE(a_conflict_tells_the_size),
		CASE(what_is_no_checkpoint_of_that_log_is_not_cosigned),
		CASE(cosigned_logs_have_a_largest_size),
		CASE(origins_are_bounded),
		CASE(a_sealed_key_is_opened),
		CASE(only_manifests_are_signed_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
