/* SPDX-License-Identifier: MPL-2.0 */
/* Notes that the tests read and change, and the public vectors. */
#include <sodium.h>

#include "note_testing.h"

int scene_begin(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	*state = s;
	if (s == NULL || sodium_init() < 0)
		return -1;
	world_fake_init(&s->world, 1, 0);
	s->arena = arena_new(ARENA_MAX);
	if (note_secret_new(&s->world.world, SLICE("kz/log"), NOTE_ED25519, &s->log, NULL) != OK ||
		note_secret_new(&s->world.world, SLICE("uz/witness"), NOTE_COSIGNATURE, &s->witness,
			NULL) != OK ||
		note_secret_new(&s->world.world, SLICE("uz/mirror"), NOTE_COSIGNATURE, &s->mirror,
			NULL) != OK)
		return -1;
	s->keys[0] = s->log.key;
	s->keys[1] = s->witness.key;
	s->keys[2] = s->mirror.key;
	return 0;
}

int scene_end(void **state)
{
	struct scene *s = *state;

	arena_free(s->arena);
	free(s);
	return 0;
}

struct buf whole_note(const struct scene *s)
{
	struct buf lines = BUF_INIT, whole = BUF_INIT;

	note_sign(&s->log, SLICE(CHECKPOINT), &lines);
	note_cosign(&s->witness, SLICE(CHECKPOINT), 1795429800, &lines);
	note_cosign(&s->mirror, SLICE(CHECKPOINT), 1795429801, &lines);
	note_write(SLICE(CHECKPOINT), buf_slice(&lines), &whole);
	assert_false(whole.bad);
	buf_fini(&lines);
	return whole;
}

enum err_kind open_note(struct slice bytes, const struct note_key *keys, size_t keys_count,
	struct arena *a, struct note *ret_note, struct note_verdict *ret_verdict)
{
	struct err e;
	enum err_kind kind = note_parse(bytes, a, ret_note, &e);

	return kind == OK ? note_verify(ret_note, keys, keys_count, a, ret_verdict, &e) : kind;
}

struct json_value vectors(const char *name, struct buf *text, struct json_parser **parser)
{
	static struct json_doc doc;
	char path[TESTING_PATH_MAX];
	struct err e;

	snprintf(path, sizeof(path), "ledger/%s", name);
	*text = testing_data_read(path);
	*parser = json_parser_new(MIB(4));
	assert_non_null(*parser);
	if (json_parse(*parser, buf_slice(text), &doc, &e) != OK)
		fail_msg("%s", e.text);
	return json_root(&doc);
}

struct json_value member(struct json_value v, const char *name)
{
	struct json_value found = v;

	if (!json_get(v, name, &found))
		fail_msg("no \"%s\" in the vectors", name);
	return found;
}
