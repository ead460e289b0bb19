/* SPDX-License-Identifier: MPL-2.0 */
/* A signer on a disk of the tests, and the questions that every one of them asks. */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "signer_scene.h"

void scene_open(struct scene *s, unsigned answers)
{
	struct signer_options options = {&s->secrets, &s->disk, &s->world.world, answers};
	struct err e;

	signer_close(s->signer);
	s->signer = NULL;
	if (signer_open(&options, &s->signer, &e) != OK)
		fail_msg("%s", e.text);
	s->link = signer_link_of(s->signer);
}

int scene_begin(void **state)
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

int scene_end(void **state)
{
	struct scene *s = *state;

	signer_close(s->signer);
	ledger_disk_fake_free(s->fake);
	tree_fini(&s->tree);
	tree_fini(&s->fork);
	free(s);
	return 0;
}

enum err_kind scene_reopen(struct scene *s, struct err *e)
{
	struct signer_options options = {&s->secrets, &s->disk, &s->world.world, 0};

	signer_close(s->signer);
	s->signer = NULL;
	return signer_open(&options, &s->signer, e);
}

enum err_kind checkpoint(
	struct scene *s, const struct tree *t, uint64_t old_size, uint64_t size, struct buf *out)
{
	struct ledger_path path;
	uint8_t root[LEDGER_HASH_LEN];
	struct err e;

	tree_root(t, size, root);
	tree_path(t, old_size, size, &path);
	return signer_checkpoint(&s->link, size, root, &path, out, &e);
}

enum err_kind checkpoint_only(
	struct scene *s, const struct tree *t, uint64_t old_size, uint64_t size)
{
	struct buf line = BUF_INIT;
	enum err_kind kind = checkpoint(s, t, old_size, size, &line);

	assert_true(kind == OK || line.len == 0);
	buf_fini(&line);
	return kind;
}

uint64_t signed_size(struct scene *s)
{
	uint64_t size = UINT64_MAX;

	assert_int_equal(signer_signed_size(&s->link, &size, NULL), OK);
	return size;
}

enum err_kind cosign_by(struct scene *s, const struct note_secret *log, enum signer_key as,
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

enum err_kind cosign(
	struct scene *s, enum signer_key as, const struct tree *t, uint64_t old_size, uint64_t size)
{
	struct buf line = BUF_INIT;
	uint64_t ignored = 0;
	enum err_kind kind = cosign_by(s, &s->other, as, t, old_size, size, &line, &ignored);

	assert_true(kind == OK || line.len == 0);
	buf_fini(&line);
	return kind;
}

int64_t line_verifies(const struct note_secret *origin, const struct tree *t, uint64_t size,
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

enum err_kind scene_seen(struct scene *s, const char *member, const struct note_secret *key,
	const struct tree *t, uint64_t size)
{
	struct buf bytes = BUF_INIT;
	enum err_kind kind;

	note_of(key, t, size, &bytes);
	kind = signer_seen(&s->link, slice_of(member), buf_slice(&bytes), NULL);
	buf_fini(&bytes);
	return kind;
}
