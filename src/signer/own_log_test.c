/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A member's own log: it grows, never turns back, and nothing of it is signed before the others
 * told what they last saw.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "signer_scene.h"

/* ---- the own log ----------------------------------------------------------------------------- */

static void what_is_public_is_told(void **state)
{
	struct scene *s = *state;
	struct signer_public told, known;

	assert_int_equal(signer_public_get(&s->link, &told, NULL), OK);
	signer_secrets_public(&s->secrets, &known);
	for (size_t i = 0; i < SIGNER_KEYS; i++)
		assert_true(note_key_equal(&told.keys[i], &known.keys[i]));
	assert_memory_equal(told.box, known.box, sizeof(told.box));
	assert_string_equal(told.keys[SIGNER_LOG].name, "kz/log");
	assert_string_equal(told.keys[SIGNER_WITNESS].name, "kz/witness");
	assert_string_equal(told.keys[SIGNER_MIRROR].name, "kz/mirror");
}

static void a_growing_log_is_signed(void **state)
{
	struct scene *s = *state;
	static const uint64_t sizes[] = {0, 1, 2, 5, 8, 9, 100, 255, 256, 257, 4096};
	struct buf line = BUF_INIT;
	uint64_t last = 0;

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		buf_clear(&line);
		assert_int_equal(checkpoint(s, &s->tree, last, sizes[i], &line), OK);
		line_verifies(&s->secrets.notes[SIGNER_LOG], &s->tree, sizes[i], buf_slice(&line),
			&s->secrets.notes[SIGNER_LOG].key);
		last = sizes[i];
		assert_int_equal(signed_size(s), last);
		/* The same again is the same signature. */
		{
			struct buf again = BUF_INIT;

			assert_int_equal(checkpoint(s, &s->tree, last, last, &again), OK);
			assert_true(slice_equal(buf_slice(&again), buf_slice(&line)));
			buf_fini(&again);
		}
	}
	buf_fini(&line);
}

static void a_log_never_turns_back(void **state)
{
	struct scene *s = *state;
	static const struct {
		const char *why;
		bool fork; /* of a tree that differs from leaf 5 on */
		uint64_t old_size, size;
		enum err_kind kind;
	} cases[] = {
		{"smaller",                  false, 7, 6, ERR_DENIED  },
		{"much smaller",             false, 0, 0, ERR_DENIED  },
		{"other root of this size",  true,  7, 7, ERR_CONFLICT},
		{"other history, larger",    true,  7, 9, ERR_INVALID },
		{"proof from another size",  false, 6, 9, ERR_INVALID },
		{"proof from the beginning", false, 0, 9, ERR_INVALID },
		{"what continues it",        false, 7, 9, OK          },
		{"what was signed before",   false, 7, 7, ERR_DENIED  },
		{"again",                    false, 9, 9, OK          },
	};

	assert_int_equal(checkpoint_only(s, &s->tree, 0, 7), OK);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		enum err_kind kind = checkpoint_only(
			s, cases[i].fork ? &s->fork : &s->tree, cases[i].old_size, cases[i].size);

		if (kind != cases[i].kind)
			fail_msg("%s: %s", cases[i].why, err_kind_name(kind));
	}
	/* Not after a new start either. */
	scene_open(s, 0);
	assert_int_equal(signed_size(s), 9);
	assert_int_equal(checkpoint_only(s, &s->fork, 9, 10), ERR_INVALID);
	assert_int_equal(checkpoint_only(s, &s->tree, 9, 10), OK);
}

static void a_log_has_a_largest_size(void **state)
{
	struct scene *s = *state;
	struct ledger_path path = {.count = 0};
	uint8_t root[LEDGER_HASH_LEN] = {1};
	struct buf line = BUF_INIT;

	assert_int_equal(signer_checkpoint(&s->link, LEDGER_SIZE_MAX + 1, root, &path, &line, NULL),
		ERR_LIMIT);
	assert_int_equal(
		signer_checkpoint(&s->link, LEDGER_SIZE_MAX, root, &path, &line, NULL), OK);
	assert_int_equal(signed_size(s), LEDGER_SIZE_MAX);
	/* An empty tree has one root. */
	(void)scene_end(state);
	assert_int_equal(scene_begin(state), 0);
	s = *state;
	assert_int_equal(signer_checkpoint(&s->link, 0, root, &path, &line, NULL), ERR_CONFLICT);
	buf_fini(&line);
}

/* ---- what the others saw --------------------------------------------------------------------- */

static void nothing_is_signed_before_the_others_answered(void **state)
{
	struct scene *s = *state;
	const struct note_secret *own = &s->secrets.notes[SIGNER_LOG];

	scene_open(s, 3);
	assert_int_equal(checkpoint_only(s, &s->tree, 0, 3), ERR_DENIED);
	assert_int_equal(signer_seen(&s->link, SLICE("uz/witness"), (struct slice){0}, NULL), OK);
	assert_int_equal(signer_seen(&s->link, SLICE("kg/witness"), (struct slice){0}, NULL), OK);
	/* Nobody counts twice, nor does who is no member, nor ourselves, nor a wrong note. */
	assert_int_equal(signer_seen(&s->link, SLICE("uz/witness"), (struct slice){0}, NULL), OK);
	assert_int_equal(
		signer_seen(&s->link, SLICE("tj witness"), (struct slice){0}, NULL), ERR_INVALID);
	assert_int_equal(
		signer_seen(&s->link, SLICE("kz/witness"), (struct slice){0}, NULL), ERR_INVALID);
	assert_int_equal(
		signer_seen(&s->link, SLICE("tj/witness"), SLICE("no note"), NULL), ERR_PARSE);
	assert_int_equal(scene_seen(s, "tj/witness", &s->other, &s->tree, 3), ERR_INVALID);
	assert_int_equal(checkpoint_only(s, &s->tree, 0, 3), ERR_DENIED);
	/* Witnesses and mirrors need not wait. */
	assert_int_equal(cosign(s, SIGNER_WITNESS, &s->tree, 0, 4), OK);
	assert_int_equal(scene_seen(s, "tj/witness", own, &s->tree, 0), OK);
	assert_int_equal(checkpoint_only(s, &s->tree, 0, 3), OK);
	/* A new start asks anew. */
	scene_open(s, 3);
	assert_int_equal(checkpoint_only(s, &s->tree, 3, 4), ERR_DENIED);
}

static void an_old_copy_of_the_folder_is_noticed(void **state)
{
	struct scene *s = *state;
	const struct note_secret *own = &s->secrets.notes[SIGNER_LOG];
	struct ledger_disk_fake *backup;

	assert_int_equal(checkpoint_only(s, &s->tree, 0, 7), OK);
	backup = ledger_disk_fake_copy(s->fake);
	assert_int_equal(checkpoint_only(s, &s->tree, 7, 20), OK);
	/* Restored. */
	signer_close(s->signer);
	s->signer = NULL;
	ledger_disk_fake_free(s->fake);
	s->fake = backup;
	s->disk = ledger_disk_of_fake(backup);
	scene_open(s, 1);
	assert_int_equal(signed_size(s), 7);
	assert_int_equal(scene_seen(s, "uz/witness", own, &s->tree, 20), OK);
	assert_int_equal(signed_size(s), 20);
	assert_int_equal(checkpoint_only(s, &s->tree, 7, 12), ERR_DENIED);
	assert_int_equal(checkpoint_only(s, &s->fork, 7, 21), ERR_INVALID);
	assert_int_equal(checkpoint_only(s, &s->fork, 20, 20), ERR_CONFLICT);
	/* What was seen stays in mind. */
	scene_open(s, 0);
	assert_int_equal(signed_size(s), 20);
	assert_int_equal(checkpoint_only(s, &s->tree, 20, 21), OK);
	/* An older one, and the same, change nothing. */
	assert_int_equal(scene_seen(s, "uz/witness", own, &s->tree, 20), OK);
	assert_int_equal(scene_seen(s, "uz/witness", own, &s->tree, 21), OK);
	assert_int_equal(signed_size(s), 21);
}

static void two_histories_end_the_signing(void **state)
{
	struct scene *s = *state;
	const struct note_secret *own = &s->secrets.notes[SIGNER_LOG];

	assert_int_equal(checkpoint_only(s, &s->tree, 0, 7), OK);
	/* A twin of this signer signed another tree. */
	assert_int_equal(scene_seen(s, "uz/witness", own, &s->fork, 7), ERR_CONFLICT);
	assert_int_equal(checkpoint_only(s, &s->tree, 7, 8), ERR_CONFLICT);
	assert_int_equal(checkpoint_only(s, &s->tree, 7, 7), ERR_CONFLICT);
	scene_open(s, 0);
	assert_int_equal(checkpoint_only(s, &s->tree, 7, 8), ERR_CONFLICT);
	/* The other keys go on. */
	assert_int_equal(cosign(s, SIGNER_MIRROR, &s->tree, 0, 4), OK);
}

static void answers_are_bounded(void **state)
{
	struct scene *s = *state;
	char name[32];

	for (unsigned i = 0; i < SIGNER_ORIGINS_MAX; i++) {
		snprintf(name, sizeof(name), "m%u/witness", i);
		assert_int_equal(
			signer_seen(&s->link, slice_of(name), (struct slice){0}, NULL), OK);
	}
	assert_int_equal(
		signer_seen(&s->link, SLICE("one/more"), (struct slice){0}, NULL), ERR_LIMIT);
	assert_int_equal(signer_seen(&s->link, slice_of(name), (struct slice){0}, NULL), OK);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
	const struct CMUnitTest tests[] = {
		CASE(what_is_public_is_told),
		CASE(a_growing_log_is_signed),
		CASE(a_log_never_turns_back),
		CASE(a_log_has_a_largest_size),
		CASE(nothing_is_signed_before_the_others_answered),
		CASE(an_old_copy_of_the_folder_is_noticed),
		CASE(two_histories_end_the_signing),
		CASE(answers_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
