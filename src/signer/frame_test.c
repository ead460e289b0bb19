/* SPDX-License-Identifier: MPL-2.0 */
/* The frames between a node and its signer: what does not fit is answered or refused, and bounded.
 */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "signer_scene.h"

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
	uint8_t root[LEDGER_HASH_LEN] = {0}, key[SIGNER_UNSEALED_LEN] = {0},
		sealed[SIGNER_SEALED_LEN];
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

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
	const struct CMUnitTest tests[] = {
		CASE(requests_that_do_not_fit_are_answered),
		CASE(paths_are_bounded),
		CASE(requests_are_bounded),
		CASE(answers_that_do_not_fit_are_refused),
		CASE(answers_that_have_no_room_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
