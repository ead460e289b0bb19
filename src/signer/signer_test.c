/* SPDX-License-Identifier: MPL-2.0 */
/* Every rule of the signer from both sides, its frames, its marks on disks that fail and crash. */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "signer_testing.h"

#define NOW_S 1795429800

/* ---- helpers -----------------------------------------------------------------------------------
 */

struct scene {
	struct world_fake world;
	struct signer_secrets secrets; /* of "kz" */
	struct note_secret other;      /* the log "uz/log" */
	struct ledger_disk_fake *fake;
	struct ledger_disk disk;
	struct signer *signer;
	struct signer_link link;
	struct tree tree, fork; /* differ from leaf 5 on */
};

static void scene_open(struct scene *s, unsigned answers)
{
	struct signer_options options = {&s->secrets, &s->disk, &s->world.world, answers};
	struct err e;

	signer_close(s->signer);
	s->signer = NULL;
	if (signer_open(&options, &s->signer, &e) != OK)
		fail_msg("%s", e.text);
	s->link = signer_link_of(s->signer);
}

static int scene_begin(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	*state = s;
	if (s == NULL || sodium_init() < 0)
		return -1;
	world_fake_init(&s->world, 7, NOW_S * US_PER_SECOND);
	if (signer_secrets_new(&s->world.world, SLICE("kz"), &s->secrets, NULL) != OK ||
		note_secret_new(&s->world.world, SLICE("uz/log"), NOTE_ED25519, &s->other, NULL) !=
			OK)
		return -1;
	s->fake = ledger_disk_fake_new(1);
	s->disk = ledger_disk_of_fake(s->fake);
	tree_init(&s->tree, 1, 0);
	tree_init(&s->fork, 1, 5);
	scene_open(s, 0);
	return 0;
}

static int scene_end(void **state)
{
	struct scene *s = *state;

	signer_close(s->signer);
	ledger_disk_fake_free(s->fake);
	tree_fini(&s->tree);
	tree_fini(&s->fork);
	free(s);
	return 0;
}

/* Our own log of that tree from old_size to size. */
static enum err_kind checkpoint(
	struct scene *s, const struct tree *t, uint64_t old_size, uint64_t size, struct buf *out)
{
	struct ledger_path path;
	uint8_t root[LEDGER_HASH_LEN];
	struct err e;

	tree_root(t, size, root);
	tree_path(t, old_size, size, &path);
	return signer_checkpoint(&s->link, size, root, &path, out, &e);
}

static enum err_kind checkpoint_only(
	struct scene *s, const struct tree *t, uint64_t old_size, uint64_t size)
{
	struct buf line = BUF_INIT;
	enum err_kind kind = checkpoint(s, t, old_size, size, &line);

	assert_true(kind == OK || line.len == 0);
	buf_fini(&line);
	return kind;
}

static uint64_t signed_size(struct scene *s)
{
	uint64_t size = UINT64_MAX;

	assert_int_equal(signer_signed_size(&s->link, &size, NULL), OK);
	return size;
}

/* Another's log, cosigned; *ret_size as the door says. */
static enum err_kind cosign_by(struct scene *s, const struct note_secret *log, enum signer_key as,
	const struct tree *t, uint64_t old_size, uint64_t size, struct buf *out, uint64_t *ret_size)
{
	struct ledger_path path;
	struct buf bytes = BUF_INIT;
	struct err e;
	enum err_kind kind;

	note_of(log, t, size, &bytes);
	tree_path(t, old_size, size, &path);
	kind = signer_cosign(
		&s->link, as, &log->key, buf_slice(&bytes), old_size, &path, out, ret_size, &e);
	buf_fini(&bytes);
	return kind;
}

static enum err_kind cosign(
	struct scene *s, enum signer_key as, const struct tree *t, uint64_t old_size, uint64_t size)
{
	struct buf line = BUF_INIT;
	uint64_t ignored = 0;
	enum err_kind kind = cosign_by(s, &s->other, as, t, old_size, size, &line, &ignored);

	assert_true(kind == OK || line.len == 0);
	buf_fini(&line);
	return kind;
}

/* Does this line sign that checkpoint, and when? */
static int64_t line_verifies(const struct note_secret *origin, const struct tree *t, uint64_t size,
	struct slice line, const struct note_key *key)
{
	struct note_checkpoint c = {.origin = slice_of(origin->key.name), .size = size};
	struct buf text = BUF_INIT, whole = BUF_INIT;
	struct arena *a = arena_new(MIB(1));
	struct note n;
	struct note_verdict v;
	int64_t time_s;

	tree_root(t, size, c.root);
	note_checkpoint_format(&c, &text);
	note_write(buf_slice(&text), line, &whole);
	assert_int_equal(note_parse(buf_slice(&whole), a, &n, NULL), OK);
	assert_int_equal(note_verify(&n, key, 1, a, &v, NULL), OK);
	assert_int_equal(v.signed_count, 1);
	time_s = v.time_s[0];
	arena_free(a);
	buf_fini(&text);
	buf_fini(&whole);
	return time_s;
}

/* ---- the own log -------------------------------------------------------------------------------
 */

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

/* ---- what the others saw -----------------------------------------------------------------------
 */

static enum err_kind seen(struct scene *s, const char *member, const struct note_secret *key,
	const struct tree *t, uint64_t size)
{
	struct buf bytes = BUF_INIT;
	enum err_kind kind;

	note_of(key, t, size, &bytes);
	kind = signer_seen(&s->link, slice_of(member), buf_slice(&bytes), NULL);
	buf_fini(&bytes);
	return kind;
}

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
	assert_int_equal(seen(s, "tj/witness", &s->other, &s->tree, 3), ERR_INVALID);
	assert_int_equal(checkpoint_only(s, &s->tree, 0, 3), ERR_DENIED);
	/* Witnesses and mirrors need not wait. */
	assert_int_equal(cosign(s, SIGNER_WITNESS, &s->tree, 0, 4), OK);
	assert_int_equal(seen(s, "tj/witness", own, &s->tree, 0), OK);
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
	assert_int_equal(seen(s, "uz/witness", own, &s->tree, 20), OK);
	assert_int_equal(signed_size(s), 20);
	assert_int_equal(checkpoint_only(s, &s->tree, 7, 12), ERR_DENIED);
	assert_int_equal(checkpoint_only(s, &s->fork, 7, 21), ERR_INVALID);
	assert_int_equal(checkpoint_only(s, &s->fork, 20, 20), ERR_CONFLICT);
	/* What was seen stays in mind. */
	scene_open(s, 0);
	assert_int_equal(signed_size(s), 20);
	assert_int_equal(checkpoint_only(s, &s->tree, 20, 21), OK);
	/* An older one, and the same, change nothing. */
	assert_int_equal(seen(s, "uz/witness", own, &s->tree, 20), OK);
	assert_int_equal(seen(s, "uz/witness", own, &s->tree, 21), OK);
	assert_int_equal(signed_size(s), 21);
}

static void two_histories_end_the_signing(void **state)
{
	struct scene *s = *state;
	const struct note_secret *own = &s->secrets.notes[SIGNER_LOG];

	assert_int_equal(checkpoint_only(s, &s->tree, 0, 7), OK);
	/* A twin of this signer signed another tree. */
	assert_int_equal(seen(s, "uz/witness", own, &s->fork, 7), ERR_CONFLICT);
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

/* ---- the logs of others ------------------------------------------------------------------------
 */

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

/* ---- sealed keys, manifests
 * ---------------------------------------------------------------------- */

static void a_sealed_key_is_opened(void **state)
{
	struct scene *s = *state;
	uint8_t key[32], opened[32], sealed[SIGNER_SEALED_LEN], other[32], secret[32];

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

/* ---- frames ------------------------------------------------------------------------------------
 */

/* Remembers what was asked; answers with what it is told to. */
struct tap {
	struct signer_link to;
	struct buf frame, answer;
	bool canned;
};

static enum err_kind tap_call(
	void *context, struct slice frame, struct buf *ret_answer, struct err *e)
{
	struct tap *t = context;
	enum err_kind kind = OK;

	buf_clear(&t->frame);
	buf_slice_append(&t->frame, frame);
	if (!t->canned) {
		buf_clear(&t->answer);
		kind = t->to.call(t->to.context, frame, &t->answer, e);
	}
	buf_slice_append(ret_answer, buf_slice(&t->answer));
	return kind;
}

/* One of each question over this link; the numbers are those of enum signer_op. */
static enum err_kind ask(struct scene *s, const struct signer_link *l, unsigned op)
{
	struct signer_public public = {0};
	struct ledger_path path;
	uint8_t root[LEDGER_HASH_LEN] = {0}, key[32] = {0}, sealed[SIGNER_SEALED_LEN];
	static const uint8_t zeros[sizeof(public)];
	uint64_t size = 77;
	struct buf line = BUF_INIT, bytes = BUF_INIT;
	enum err_kind kind = ERR_USAGE;

	switch (op) {
	case OP_PUBLIC:
		kind = signer_public_get(l, &public, NULL);
		assert_true(kind == OK || memcmp(&public, zeros, sizeof(zeros)) == 0);
		break;
	case OP_SIZE:
		kind = signer_signed_size(l, &size, NULL);
		assert_true(kind == OK || size == 77);
		break;
	case OP_CHECKPOINT:
		tree_root(&s->tree, 4, root);
		tree_path(&s->tree, 3, 4, &path);
		kind = signer_checkpoint(l, 4, root, &path, &line, NULL);
		break;
	case OP_SEEN:
		note_of(&s->secrets.notes[SIGNER_LOG], &s->tree, 2, &bytes);
		kind = signer_seen(l, SLICE("uz/witness"), buf_slice(&bytes), NULL);
		break;
	case OP_COSIGN:
		note_of(&s->other, &s->tree, 4, &bytes);
		tree_path(&s->tree, 3, 4, &path);
		kind = signer_cosign(l, SIGNER_WITNESS, &s->other.key, buf_slice(&bytes), 3, &path,
			&line, &size, NULL);
		break;
	case OP_UNSEAL:
		crypto_box_seal(sealed, root, sizeof(root), s->secrets.box_public);
		kind = signer_unseal(l, sealed, key, NULL);
		assert_true(kind == OK || memcmp(key, zeros, sizeof(key)) == 0);
		break;
	case OP_MANIFEST:
		kind = signer_manifest(l, SLICE(SIGNER_MANIFEST_HEAD), &line, NULL);
		break;
	}
	assert_true(kind == OK || line.len == 0);
	buf_fini(&line);
	buf_fini(&bytes);
	return kind;
}

static enum err_kind answer_kind(struct scene *s, struct slice frame)
{
	struct buf answer = BUF_INIT;
	enum err_kind kind;

	signer_handle(s->signer, frame, &answer);
	assert_true(answer.len >= FRAME_HEAD);
	assert_memory_equal(answer.data, TELL_MAGIC, 4);
	kind = (enum err_kind)answer.data[5];
	if (kind != OK) {
		/* size, length of the text, text */
		assert_true(answer.len >= FRAME_HEAD + 10);
		assert_int_equal(answer.len, (size_t)FRAME_HEAD + 10 +
						     (unsigned char)answer.data[16] * 256U +
						     (unsigned char)answer.data[17]);
	}
	buf_fini(&answer);
	return kind;
}

static void tap_begin(struct scene *s, struct tap *t)
{
	assert_int_equal(checkpoint_only(s, &s->tree, 0, 3), OK);
	assert_int_equal(cosign(s, SIGNER_WITNESS, &s->tree, 0, 3), OK);
	*t = (struct tap){.to = s->link};
}

static void tap_end(struct tap *t)
{
	buf_fini(&t->frame);
	buf_fini(&t->answer);
}

static void requests_that_do_not_fit_are_answered(void **state)
{
	struct scene *s = *state;
	struct tap t;
	struct signer_link l = {tap_call, &t};

	tap_begin(s, &t);
	for (unsigned op = OP_PUBLIC; op <= OP_MANIFEST; op++) {
		assert_int_equal(ask(s, &l, op), OK);
		/* Again, so that the state is what the frame asks for. */
		(void)scene_end(state);
		assert_int_equal(scene_begin(state), 0);
		s = *state;
		assert_int_equal(checkpoint_only(s, &s->tree, 0, 3), OK);
		assert_int_equal(cosign(s, SIGNER_WITNESS, &s->tree, 0, 3), OK);
		t.to = s->link;
		for (size_t len = 0; len < t.frame.len; len++)
			assert_int_equal(
				answer_kind(s, (struct slice){t.frame.data, len}), ERR_PARSE);
		buf_char(&t.frame, 'x');
		assert_int_equal(answer_kind(s, buf_slice(&t.frame)), ERR_PARSE);
		t.frame.len--;
		for (size_t bit = 0; bit < 8 * FRAME_HEAD; bit++) {
			if (bit / 8 == 4)
				continue; /* the operation */
			t.frame.data[bit / 8] ^= (char)(1 << bit % 8);
			assert_int_equal(answer_kind(s, buf_slice(&t.frame)), ERR_PARSE);
			t.frame.data[bit / 8] ^= (char)(1 << bit % 8);
		}
		/* None of it left a trace. */
		assert_int_equal(signed_size(s), 3);
	}
	for (unsigned op = 0; op < 256; op++) {
		char frame[FRAME_HEAD] = ASK_MAGIC;

		frame[4] = (char)op;
		if (op == 0 || op > OP_MANIFEST)
			assert_int_equal(
				answer_kind(s, (struct slice){frame, sizeof(frame)}), ERR_USAGE);
	}
	tap_end(&t);
}

static void paths_are_bounded(void **state)
{
	struct scene *s = *state;
	struct ledger_path path = {.count = LEDGER_PATH_MAX + 1};
	uint8_t root[LEDGER_HASH_LEN] = {0};
	struct buf line = BUF_INIT, frame = BUF_INIT;
	char head[FRAME_HEAD] = ASK_MAGIC;

	/* The asking side sends no such thing; the signer takes none. */
	assert_int_equal(signer_checkpoint(&s->link, 9, root, &path, &line, NULL), ERR_LIMIT);
	for (unsigned count = LEDGER_PATH_MAX; count <= LEDGER_PATH_MAX + 1; count++) {
		buf_clear(&frame);
		head[4] = OP_CHECKPOINT;
		buf_append(&frame, head, sizeof(head));
		u64_put(&frame, 9);
		buf_append(&frame, root, sizeof(root));
		buf_char(&frame, (char)count);
		for (unsigned i = 0; i < count; i++)
			buf_append(&frame, root, sizeof(root));
		assert_int_equal(answer_kind(s, buf_slice(&frame)),
			count <= LEDGER_PATH_MAX ? ERR_INVALID : ERR_PARSE);
	}
	buf_fini(&frame);
	buf_fini(&line);
}

static void requests_are_bounded(void **state)
{
	struct scene *s = *state;
	struct buf note = BUF_INIT;
	char *room = buf_reserve(&note, SIGNER_FRAME_MAX + 1);
	size_t names = 2 + 10, head = FRAME_HEAD + names + 4;

	assert_non_null(room);
	memset(room, 'a', SIGNER_FRAME_MAX + 1);
	/* The largest that fits is answered: it is no note. */
	assert_int_equal(signer_seen(&s->link, SLICE("uz/witness"),
				 (struct slice){room, SIGNER_FRAME_MAX - head}, NULL),
		ERR_LIMIT);
	assert_int_equal(signer_seen(&s->link, SLICE("uz/witness"),
				 (struct slice){room, SIGNER_FRAME_MAX - head + 1}, NULL),
		ERR_LIMIT);
	assert_int_equal(answer_kind(s, (struct slice){room, SIGNER_FRAME_MAX}), ERR_PARSE);
	assert_int_equal(answer_kind(s, (struct slice){room, SIGNER_FRAME_MAX + 1}), ERR_LIMIT);
	/* A name that its length cannot hold. */
	assert_int_equal(
		signer_seen(&s->link, (struct slice){room, 65536}, (struct slice){0}, NULL),
		ERR_LIMIT);
	buf_fini(&note);
}

static void answers_that_do_not_fit_are_refused(void **state)
{
	struct scene *s = *state;
	struct tap t;
	struct signer_link l = {tap_call, &t};

	tap_begin(s, &t);
	for (unsigned op = OP_PUBLIC; op <= OP_MANIFEST; op++) {
		t.canned = false;
		assert_int_equal(ask(s, &l, op), OK);
		t.canned = true;
		for (size_t len = t.answer.len; len-- > 0;) {
			size_t whole = t.answer.len;

			t.answer.len = len;
			assert_int_equal(ask(s, &l, op), ERR_PARSE);
			t.answer.len = whole;
		}
		buf_char(&t.answer, 'x');
		assert_int_equal(ask(s, &l, op), ERR_PARSE);
		t.answer.len--;
		for (size_t bit = 0; bit < 8 * FRAME_HEAD; bit++) {
			if (bit / 8 == 5)
				continue; /* the kind */
			t.answer.data[bit / 8] ^= (char)(1 << bit % 8);
			assert_int_equal(ask(s, &l, op), ERR_PARSE);
			t.answer.data[bit / 8] ^= (char)(1 << bit % 8);
		}
		t.answer.data[5] = ERR_KINDS;
		assert_int_equal(ask(s, &l, op), ERR_PARSE);
	}
	/* A refusal cut short. */
	t.canned = false;
	assert_int_equal(
		signer_cosign(&l, SIGNER_LOG, &s->other.key, (struct slice){0}, 0,
			&(struct ledger_path){.count = 0}, &(struct buf){0}, &(uint64_t){0}, NULL),
		ERR_USAGE);
	t.canned = true;
	buf_char(&t.answer, 'x');
	assert_int_equal(ask(s, &l, OP_COSIGN), ERR_PARSE);
	t.answer.len--;
	for (size_t len = t.answer.len; len-- > 0;) {
		t.answer.len = len;
		assert_int_equal(ask(s, &l, OP_COSIGN), ERR_PARSE);
	}
	/* Two lines are no line. */
	buf_clear(&t.answer);
	buf_append(&t.answer, "SSA1\7\0\0\0a\nb\n", 12);
	assert_int_equal(ask(s, &l, OP_MANIFEST), ERR_PARSE);
	tap_end(&t);
}

static void answers_that_have_no_room_are_told(void **state)
{
	struct scene *s = *state;
	struct buf none = BUF_MAX(4);
	struct err e;
	char frame[FRAME_HEAD] = ASK_MAGIC;

	frame[4] = OP_PUBLIC;
	assert_int_equal(
		s->link.call(s->link.context, (struct slice){frame, sizeof(frame)}, &none, &e),
		ERR_NOMEM);
	assert_int_equal(checkpoint(s, &s->tree, 0, 3, &none), ERR_NOMEM);
	buf_fini(&none);
}

/* ---- marks on disk ------------------------------------------------------------------------------
 */

static enum err_kind reopen(struct scene *s, struct err *e)
{
	struct signer_options options = {&s->secrets, &s->disk, &s->world.world, 0};

	signer_close(s->signer);
	s->signer = NULL;
	return signer_open(&options, &s->signer, e);
}

/* Every bit of the two copies: the other one mends it; both: told. */
static void a_flipped_bit_in_a_mark_is_mended(void **state)
{
	struct scene *s = *state;
	struct err e;

	assert_int_equal(checkpoint_only(s, &s->tree, 0, 7), OK);
	assert_int_equal(checkpoint_only(s, &s->tree, 7, 9), OK);
	for (uint64_t bit = 0; bit < 8 * MARK_LEN; bit++) {
		uint64_t second = 8 * MARK_STRIDE + bit;

		assert_true(ledger_disk_fake_flip(s->fake, "log", bit));
		assert_int_equal(reopen(s, &e), OK);
		s->link = signer_link_of(s->signer);
		assert_int_equal(signed_size(s), 9);
		assert_true(ledger_disk_fake_flip(s->fake, "log", second));
		assert_int_equal(reopen(s, &e), OK);
		s->link = signer_link_of(s->signer);
		assert_int_equal(signed_size(s), 9);
		/* Mended, or else this were the third damage and the end. */
		assert_true(ledger_disk_fake_flip(s->fake, "log", bit));
		assert_true(ledger_disk_fake_flip(s->fake, "log", second));
		assert_int_equal(reopen(s, &e), ERR_CORRUPT);
		assert_true(ledger_disk_fake_flip(s->fake, "log", bit));
		assert_true(ledger_disk_fake_flip(s->fake, "log", second));
	}
	assert_int_equal(reopen(s, &e), OK);
}

/* A copy as it stands in the file, its check made anew after a change. */
static void mark_change(struct scene *s, const char *path, uint64_t offset, size_t at,
	const void *bytes, size_t len)
{
	uint8_t mark[MARK_LEN];
	struct slice all = {(const char *)mark, sizeof(mark)};

	assert_int_equal(s->disk.read(s->disk.context, path, offset, mark, sizeof(mark), NULL), OK);
	memcpy(mark + at, bytes, len);
	hash_sha256((struct slice){(const char *)mark, 480}, mark + 480);
	assert_int_equal(s->disk.write(s->disk.context, path, offset, all, NULL), OK);
}

static void mark_zero(struct scene *s, const char *path, uint64_t offset)
{
	static const char zeros[MARK_LEN];

	assert_int_equal(s->disk.write(s->disk.context, path, offset,
				 (struct slice){zeros, sizeof(zeros)}, NULL),
		OK);
}

static void marks_that_were_not_written_by_us(void **state)
{
	/* Changed in both copies, or in one (then the other must not be preferred silently). */
	static const struct {
		const char *why;
		const char *path;
		size_t at;
		const char *bytes;
		size_t len;
		bool both;
		enum err_kind kind;
	} cases[] = {
		{"magic",                       "log",     0,   "X",  1, true,  ERR_CORRUPT },
		{"key",			 "log",     8,   "\1", 1, true,  ERR_CONFLICT},
		{"forked neither 0 nor 1",      "log",     9,   "\2", 1, true,  ERR_CORRUPT },
		{"no origin",                   "log",     10,  "\0", 1, true,  ERR_CORRUPT },
		{"longer origin",               "log",     10,  "\7", 1, true,  ERR_CORRUPT },
		{"NUL in the origin",           "log",     121, "\0", 1, true,  ERR_CORRUPT },
		{"bytes in the filling",        "log",     12,  "x",  1, true,  ERR_CORRUPT },
		{"bytes in the filling behind", "log",     400, "x",  1, true,  ERR_CORRUPT },
		{"another key of ours",         "witness", 56,  "x",  1, true,  ERR_CONFLICT},
		{"another name",                "log",     120, "q",  1, true,  ERR_CONFLICT},
		{"one of another origin",       "witness", 120, "q",  1, false, ERR_CORRUPT },
		{"one of another log",          "witness", 88,  "q",  1, false, ERR_CORRUPT },
		{"one of another root",         "witness", 24,  "q",  1, false, ERR_CORRUPT },
		{"one of another key",          "witness", 56,  "x",  1, false, ERR_CONFLICT},
		{"one of them forked",          "log",     9,   "\1", 1, false, OK          },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct scene *s;
		struct err e;
		enum err_kind kind;

		for (unsigned copy = 0; copy < (cases[i].both ? 1U : 2U); copy++) {
			(void)scene_end(state);
			assert_int_equal(scene_begin(state), 0);
			s = *state;
			assert_int_equal(checkpoint_only(s, &s->tree, 0, 7), OK);
			assert_int_equal(cosign(s, SIGNER_WITNESS, &s->tree, 0, 7), OK);
			mark_change(s, cases[i].path, copy * MARK_STRIDE, cases[i].at,
				cases[i].bytes, cases[i].len);
			if (cases[i].both)
				mark_change(s, cases[i].path, MARK_STRIDE, cases[i].at,
					cases[i].bytes, cases[i].len);
			kind = reopen(s, &e);
			if (kind != cases[i].kind)
				fail_msg("%s: %s", cases[i].why, err_kind_name(kind));
			if (kind == OK) {
				s->link = signer_link_of(s->signer);
				assert_int_equal(checkpoint_only(s, &s->tree, 7, 8), ERR_CONFLICT);
			}
		}
	}
}

static void marks_with_holes(void **state)
{
	struct scene *s = *state;
	struct note_secret log;
	struct buf line = BUF_INIT;
	struct err e;
	uint64_t size, bytes;

	assert_int_equal(cosign(s, SIGNER_WITNESS, &s->tree, 0, 7), OK);
	assert_int_equal(
		note_secret_new(&s->world.world, SLICE("tj/log"), NOTE_ED25519, &log, NULL), OK);
	assert_int_equal(cosign_by(s, &log, SIGNER_WITNESS, &s->tree, 0, 8, &line, &size), OK);
	/* The last of them never came to its second copy: nothing was answered. */
	mark_change(s, "witness", 2 * MARK_STRIDE, 0, "X", 1);
	mark_zero(s, "witness", 3 * MARK_STRIDE);
	assert_int_equal(reopen(s, &e), OK);
	s->link = signer_link_of(s->signer);
	assert_int_equal(cosign_by(s, &log, SIGNER_WITNESS, &s->tree, 0, 8, &line, &size), OK);
	/* The first copy is gone: the second mends it. */
	mark_zero(s, "witness", 2 * MARK_STRIDE);
	assert_int_equal(reopen(s, &e), OK);
	s->link = signer_link_of(s->signer);
	assert_int_equal(cosign_by(s, &log, SIGNER_WITNESS, &s->tree, 8, 8, &line, &size), OK);
	/* A hole before one that is good was no crash. */
	mark_zero(s, "witness", 0);
	mark_zero(s, "witness", MARK_STRIDE);
	assert_int_equal(reopen(s, &e), ERR_CORRUPT);
	assert_int_equal(s->disk.truncate(s->disk.context, "witness", 0, &e), OK);
	assert_int_equal(reopen(s, &e), OK);
	s->link = signer_link_of(s->signer);
	/* Without an origin, in both copies. */
	assert_int_equal(cosign(s, SIGNER_MIRROR, &s->tree, 0, 7), OK);
	for (uint64_t copy = 0; copy < 2; copy++) {
		mark_change(s, "mirror", copy * MARK_STRIDE, 10, "\0", 1);
		mark_change(s, "mirror", copy * MARK_STRIDE, 120, "\0\0\0\0\0\0", 6);
	}
	assert_int_equal(reopen(s, &e), ERR_CORRUPT);
	assert_int_equal(s->disk.truncate(s->disk.context, "mirror", 0, &e), OK);
	/* Longer than can be. */
	bytes = UINT64_C(2) * SIGNER_ORIGINS_MAX * MARK_STRIDE;
	assert_int_equal(s->disk.truncate(s->disk.context, "witness", bytes, &e), OK);
	assert_int_equal(reopen(s, &e), OK);
	assert_int_equal(s->disk.truncate(s->disk.context, "witness", bytes + 1, &e), OK);
	assert_int_equal(reopen(s, &e), ERR_CORRUPT);
	buf_fini(&line);
}

/* Each changing call of the disk fails once: nothing is signed, nothing is forgotten. */
static void disks_that_fail(void **state)
{
	struct err e;

	for (uint64_t n = 1; n <= 4; n++) {
		struct scene *s = *state;

		assert_int_equal(checkpoint_only(s, &s->tree, 0, 7), OK);
		ledger_disk_fake_fail_at(s->fake, n);
		assert_int_equal(checkpoint_only(s, &s->tree, 7, 9), ERR_IO);
		ledger_disk_fake_fail_at(s->fake, 0);
		/* After a failed sync nobody knows what the disk holds. */
		assert_int_equal(checkpoint_only(s, &s->tree, 7, 9), n % 2 == 0 ? ERR_IO : OK);
		assert_int_equal(reopen(s, &e), OK);
		s->link = signer_link_of(s->signer);
		assert_true(signed_size(s) == 7 || signed_size(s) == 9);
		assert_int_equal(checkpoint_only(s, &s->tree, signed_size(s), 9), OK);
		(void)scene_end(state);
		assert_int_equal(scene_begin(state), 0);
	}
	for (uint64_t n = 1; n <= 3; n++) {
		struct scene *s = *state;

		ledger_disk_fake_fail_at(s->fake, n);
		assert_int_equal(reopen(s, &e), ERR_IO);
		ledger_disk_fake_fail_at(s->fake, 0);
	}
	{
		struct scene *s = *state;

		/* So too when it must note that two histories were signed, or mend. */
		assert_int_equal(reopen(s, &e), OK);
		s->link = signer_link_of(s->signer);
		assert_int_equal(checkpoint_only(s, &s->tree, 0, 7), OK);
		ledger_disk_fake_fail_at(s->fake, 1);
		assert_int_equal(
			seen(s, "uz/witness", &s->secrets.notes[SIGNER_LOG], &s->fork, 7), ERR_IO);
		ledger_disk_fake_fail_at(s->fake, 0);
		assert_int_equal(checkpoint_only(s, &s->tree, 7, 8), OK);
		assert_true(ledger_disk_fake_flip(s->fake, "log", 99));
		for (uint64_t n = 1; n <= 3; n++) {
			ledger_disk_fake_fail_at(s->fake, n);
			assert_int_equal(reopen(s, &e), ERR_IO);
			ledger_disk_fake_fail_at(s->fake, 0);
		}
		assert_int_equal(reopen(s, &e), OK);
	}
}

static enum err_kind read_fails(
	void *context, const char *path, uint64_t offset, void *to, size_t len, struct err *e)
{
	(void)context;
	(void)offset;
	(void)to;
	(void)len;
	return err_set(e, ERR_IO, "could not read \"%s\"", path);
}

static enum err_kind size_fails(void *context, const char *path, uint64_t *ret, struct err *e)
{
	(void)context;
	(void)ret;
	return err_set(e, ERR_IO, "could not look at \"%s\"", path);
}

static void disks_that_cannot_be_read(void **state)
{
	struct scene *s = *state;
	struct ledger_disk good = s->disk;
	struct err e;

	assert_int_equal(checkpoint_only(s, &s->tree, 0, 7), OK);
	s->disk.read = read_fails;
	assert_int_equal(reopen(s, &e), ERR_IO);
	s->disk = good;
	s->disk.size = size_fails;
	assert_int_equal(reopen(s, &e), ERR_IO);
	s->disk = good;
	assert_int_equal(reopen(s, &e), OK);
}

/* ---- crashes ------------------------------------------------------------------------------------
 */

/* What the world outside has been given. */
struct given {
	uint64_t own, cosigned[SIGNER_KEYS];
};

/* One step of a life: some sizes further, by one of three keys. */
static void step(struct scene *s, uint64_t *random, struct given *g)
{
	uint64_t by = 1 + (*random >> 8) % 40;
	enum signer_key key = (enum signer_key)((*random >> 16) % SIGNER_KEYS);
	uint64_t last = key == SIGNER_LOG ? signed_size(s) : g->cosigned[key], ignored = 0;
	struct buf line = BUF_INIT;
	enum err_kind kind;

	if (key == SIGNER_LOG) {
		kind = checkpoint(s, &s->tree, last, last + by, &line);
		if (kind == OK)
			g->own = last + by;
	} else {
		kind = cosign_by(s, &s->other, key, &s->tree, last, last + by, &line, &ignored);
		/* A crash may have kept a mark whose signature never left. */
		if (kind == ERR_CONFLICT) {
			assert_true(ignored > last);
			last = ignored;
			kind = cosign_by(
				s, &s->other, key, &s->tree, last, last + by, &line, &ignored);
		}
		if (kind == OK)
			g->cosigned[key] = last + by;
	}
	assert_true(kind == OK || kind == ERR_IO);
	buf_fini(&line);
}

static void life(struct scene *s, uint64_t seed)
{
	uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	struct given g = {.own = 6};
	struct err e;

	for (unsigned crash = 0; crash < 6; crash++) {
		random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		ledger_disk_fake_fail_at(s->fake, 1 + (random >> 40) % 24);
		for (unsigned i = 0; i < 8; i++) {
			random = random * UINT64_C(6364136223846793005) +
				 UINT64_C(1442695040888963407);
			step(s, &random, &g);
		}
		ledger_disk_fake_crash(s->fake);
		if (reopen(s, &e) != OK)
			fail_msg("seed %llu: %s", (unsigned long long)seed, e.text);
		s->link = signer_link_of(s->signer);
		if (signed_size(s) < g.own)
			fail_msg("seed %llu: the own mark went back", (unsigned long long)seed);
		assert_int_not_equal(checkpoint_only(s, &s->fork, g.own, g.own + 50), OK);
		for (unsigned k = SIGNER_WITNESS; k <= SIGNER_MIRROR; k++) {
			enum err_kind kind;

			if (g.cosigned[k] < 6)
				continue;
			/* Neither smaller nor another history, from any size that was told. */
			kind = cosign(
				s, (enum signer_key)k, &s->fork, g.cosigned[k], g.cosigned[k] + 50);
			assert_true(kind == ERR_INVALID || kind == ERR_CONFLICT);
			kind = cosign(s, (enum signer_key)k, &s->tree, 0, 3);
			assert_int_equal(kind, ERR_CONFLICT);
		}
	}
}

static void crashes_at_any_call(void **state)
{
	const char *seeds = getenv("SERAI_SEEDS");
	uint64_t count = seeds == NULL ? 300 : strtoull(seeds, NULL, 10);

	for (uint64_t seed = 1; seed <= count; seed++) {
		struct scene *s = *state;

		signer_close(s->signer);
		s->signer = NULL;
		ledger_disk_fake_free(s->fake);
		s->fake = ledger_disk_fake_new(seed);
		s->disk = ledger_disk_of_fake(s->fake);
		scene_open(s, 0);
		assert_int_equal(checkpoint_only(s, &s->tree, 0, 6), OK);
		life(s, seed);
	}
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
		CASE(logs_of_others_are_cosigned),
		CASE(other_logs_never_turn_back),
		CASE(a_conflict_tells_the_size),
		CASE(what_is_no_checkpoint_of_that_log_is_not_cosigned),
		CASE(cosigned_logs_have_a_largest_size),
		CASE(origins_are_bounded),
		CASE(a_sealed_key_is_opened),
		CASE(only_manifests_are_signed_as_text),
		CASE(requests_that_do_not_fit_are_answered),
		CASE(paths_are_bounded),
		CASE(requests_are_bounded),
		CASE(answers_that_do_not_fit_are_refused),
		CASE(answers_that_have_no_room_are_told),
		CASE(a_flipped_bit_in_a_mark_is_mended),
		CASE(marks_that_were_not_written_by_us),
		CASE(marks_with_holes),
		CASE(disks_that_fail),
		CASE(disks_that_cannot_be_read),
		CASE(crashes_at_any_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
