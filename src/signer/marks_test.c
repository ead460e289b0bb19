/* SPDX-License-Identifier: MPL-2.0 */
/* The marks on disk, below which nothing is signed: flipped bits, holes, disks that fail, and
 * crashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "signer_scene.h"

/* ---- marks on disk --------------------------------------------------------------------------- */

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
		assert_int_equal(scene_reopen(s, &e), OK);
		s->link = signer_link_of(s->signer);
		assert_int_equal(signed_size(s), 9);
		assert_true(ledger_disk_fake_flip(s->fake, "log", second));
		assert_int_equal(scene_reopen(s, &e), OK);
		s->link = signer_link_of(s->signer);
		assert_int_equal(signed_size(s), 9);
		/* Mended, or else this were the third damage and the end. */
		assert_true(ledger_disk_fake_flip(s->fake, "log", bit));
		assert_true(ledger_disk_fake_flip(s->fake, "log", second));
		assert_int_equal(scene_reopen(s, &e), ERR_CORRUPT);
		assert_true(ledger_disk_fake_flip(s->fake, "log", bit));
		assert_true(ledger_disk_fake_flip(s->fake, "log", second));
	}
	assert_int_equal(scene_reopen(s, &e), OK);
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
			kind = scene_reopen(s, &e);
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
	assert_int_equal(scene_reopen(s, &e), OK);
	s->link = signer_link_of(s->signer);
	assert_int_equal(cosign_by(s, &log, SIGNER_WITNESS, &s->tree, 0, 8, &line, &size), OK);
	/* The first copy is gone: the second mends it. */
	mark_zero(s, "witness", 2 * MARK_STRIDE);
	assert_int_equal(scene_reopen(s, &e), OK);
	s->link = signer_link_of(s->signer);
	assert_int_equal(cosign_by(s, &log, SIGNER_WITNESS, &s->tree, 8, 8, &line, &size), OK);
	/* A hole before one that is good was no crash. */
	mark_zero(s, "witness", 0);
	mark_zero(s, "witness", MARK_STRIDE);
	assert_int_equal(scene_reopen(s, &e), ERR_CORRUPT);
	assert_int_equal(s->disk.truncate(s->disk.context, "witness", 0, &e), OK);
	assert_int_equal(scene_reopen(s, &e), OK);
	s->link = signer_link_of(s->signer);
	/* Without an origin, in both copies. */
	assert_int_equal(cosign(s, SIGNER_MIRROR, &s->tree, 0, 7), OK);
	for (uint64_t copy = 0; copy < 2; copy++) {
		mark_change(s, "mirror", copy * MARK_STRIDE, 10, "\0", 1);
		mark_change(s, "mirror", copy * MARK_STRIDE, 120, "\0\0\0\0\0\0", 6);
	}
	assert_int_equal(scene_reopen(s, &e), ERR_CORRUPT);
	assert_int_equal(s->disk.truncate(s->disk.context, "mirror", 0, &e), OK);
	/* Longer than can be. */
	bytes = UINT64_C(2) * SIGNER_ORIGINS_MAX * MARK_STRIDE;
	assert_int_equal(s->disk.truncate(s->disk.context, "witness", bytes, &e), OK);
	assert_int_equal(scene_reopen(s, &e), OK);
	assert_int_equal(s->disk.truncate(s->disk.context, "witness", bytes + 1, &e), OK);
	assert_int_equal(scene_reopen(s, &e), ERR_CORRUPT);
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
		assert_int_equal(scene_reopen(s, &e), OK);
		s->link = signer_link_of(s->signer);
		assert_true(signed_size(s) == 7 || signed_size(s) == 9);
		assert_int_equal(checkpoint_only(s, &s->tree, signed_size(s), 9), OK);
		(void)scene_end(state);
		assert_int_equal(scene_begin(state), 0);
	}
	for (uint64_t n = 1; n <= 3; n++) {
		struct scene *s = *state;

		ledger_disk_fake_fail_at(s->fake, n);
		assert_int_equal(scene_reopen(s, &e), ERR_IO);
		ledger_disk_fake_fail_at(s->fake, 0);
	}
	{
		struct scene *s = *state;

		/* So too when it must note that two histories were signed, or mend. */
		assert_int_equal(scene_reopen(s, &e), OK);
		s->link = signer_link_of(s->signer);
		assert_int_equal(checkpoint_only(s, &s->tree, 0, 7), OK);
		ledger_disk_fake_fail_at(s->fake, 1);
		assert_int_equal(
			scene_seen(s, "uz/witness", &s->secrets.notes[SIGNER_LOG], &s->fork, 7),
			ERR_IO);
		ledger_disk_fake_fail_at(s->fake, 0);
		assert_int_equal(checkpoint_only(s, &s->tree, 7, 8), OK);
		assert_true(ledger_disk_fake_flip(s->fake, "log", 99));
		for (uint64_t n = 1; n <= 3; n++) {
			ledger_disk_fake_fail_at(s->fake, n);
			assert_int_equal(scene_reopen(s, &e), ERR_IO);
			ledger_disk_fake_fail_at(s->fake, 0);
		}
		assert_int_equal(scene_reopen(s, &e), OK);
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
	assert_int_equal(scene_reopen(s, &e), ERR_IO);
	s->disk = good;
	s->disk.size = size_fails;
	assert_int_equal(scene_reopen(s, &e), ERR_IO);
	s->disk = good;
	assert_int_equal(scene_reopen(s, &e), OK);
}

/* ---- crashes --------------------------------------------------------------------------------- */

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
		if (scene_reopen(s, &e) != OK)
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
		CASE(a_flipped_bit_in_a_mark_is_mended),
		CASE(marks_that_were_not_written_by_us),
		CASE(marks_with_holes),
		CASE(disks_that_fail),
		CASE(disks_that_cannot_be_read),
		CASE(crashes_at_any_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
