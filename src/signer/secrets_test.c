/* SPDX-License-Identifier: MPL-2.0 */
/* The file of keys: whole, its owner's alone, never overwritten, and every damage noticed. */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "parts.h"

struct scene {
	char folder[64], path[96];
	struct world_fake world;
	struct signer_secrets secrets;
	struct buf text; /* the file as it was saved */
};

static int scene_begin(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	*state = s;
	if (s == NULL || sodium_init() < 0)
		return -1;
	snprintf(s->folder, sizeof(s->folder), "/tmp/serai-secrets-XXXXXX");
	if (mkdtemp(s->folder) == NULL)
		return -1;
	snprintf(s->path, sizeof(s->path), "%s/keys", s->folder);
	world_fake_init(&s->world, 3, 0);
	if (signer_secrets_new(&s->world.world, SLICE("kz"), &s->secrets, NULL) != OK ||
		signer_secrets_save(s->path, &s->secrets, NULL) != OK ||
		file_read(s->path, KIB(4), &s->text, NULL) != OK)
		return -1;
	return 0;
}

static int scene_end(void **state)
{
	struct scene *s = *state;

	(void)unlink(s->path);
	if (rmdir(s->folder) != 0)
		return -1; /* nothing is left beside the file */
	buf_fini(&s->text);
	free(s);
	return 0;
}

static enum err_kind load_text(struct scene *s, struct slice text)
{
	struct signer_secrets got;
	struct err e;
	FILE *f = fopen(s->path, "w"); /* keeps its mode */

	assert_non_null(f);
	assert_int_equal(fwrite(text.data, 1, text.len, f), text.len);
	assert_int_equal(fclose(f), 0);
	return signer_secrets_load(s->path, &got, &e);
}

static void saved_is_loaded(void **state)
{
	struct scene *s = *state;
	struct signer_secrets got;
	struct stat st;

	assert_int_equal(signer_secrets_load(s->path, &got, NULL), OK);
	for (size_t i = 0; i < SIGNER_KEYS; i++) {
		assert_true(note_key_equal(&got.notes[i].key, &s->secrets.notes[i].key));
		assert_memory_equal(
			got.notes[i].seed, s->secrets.notes[i].seed, sizeof(got.notes[i].seed));
	}
	assert_memory_equal(got.box_secret, s->secrets.box_secret, sizeof(got.box_secret));
	assert_memory_equal(got.box_public, s->secrets.box_public, sizeof(got.box_public));
	assert_int_equal(stat(s->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	signer_secrets_wipe(&got);
	for (size_t i = 0; i < sizeof(got); i++)
		assert_int_equal(((const uint8_t *)&got)[i], 0);
}

static void a_file_that_is_there_stays(void **state)
{
	struct scene *s = *state;
	struct signer_secrets other;
	struct buf after = BUF_INIT;

	assert_int_equal(signer_secrets_new(&s->world.world, SLICE("uz"), &other, NULL), OK);
	assert_int_equal(signer_secrets_save(s->path, &other, NULL), ERR_CONFLICT);
	assert_int_equal(file_read(s->path, KIB(4), &after, NULL), OK);
	assert_true(slice_equal(buf_slice(&after), buf_slice(&s->text)));
	buf_fini(&after);
}

static void others_may_not_touch_the_file(void **state)
{
	struct scene *s = *state;
	static const mode_t modes[] = {0640, 0620, 0610, 0604, 0602, 0601, 0777};
	struct signer_secrets got;

	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		assert_int_equal(chmod(s->path, modes[i]), 0);
		assert_int_equal(signer_secrets_load(s->path, &got, NULL), ERR_DENIED);
	}
	assert_int_equal(chmod(s->path, 0400), 0);
	assert_int_equal(signer_secrets_load(s->path, &got, NULL), OK);
	/* Only root can give files away. */
	if (geteuid() == 0) {
		assert_int_equal(chown(s->path, 65534, 65534), 0);
		assert_int_equal(signer_secrets_load(s->path, &got, NULL), ERR_DENIED);
	}
}

static void what_is_no_file_is_refused(void **state)
{
	struct scene *s = *state;
	struct signer_secrets got;
	char nowhere[128];

	assert_int_equal(unlink(s->path), 0);
	assert_int_equal(signer_secrets_load(s->path, &got, NULL), ERR_IO);
	assert_int_equal(mkfifo(s->path, 0600), 0);
	assert_int_equal(signer_secrets_load(s->path, &got, NULL), ERR_DENIED);
	assert_int_equal(unlink(s->path), 0);
	assert_int_equal(signer_secrets_load(s->folder, &got, NULL), ERR_DENIED);
	snprintf(nowhere, sizeof(nowhere), "%s/no/keys", s->folder);
	assert_int_equal(signer_secrets_save(nowhere, &s->secrets, NULL), ERR_IO);
	/* A name without a folder is one here. */
	assert_int_equal(chdir(s->folder), 0);
	assert_int_equal(signer_secrets_save("keys", &s->secrets, NULL), OK);
	assert_int_equal(signer_secrets_load("keys", &got, NULL), OK);
	assert_int_equal(chdir("/"), 0);
}

static void every_damage_is_noticed(void **state)
{
	struct scene *s = *state;

	for (size_t bit = 0; bit < 8 * s->text.len; bit++) {
		s->text.data[bit / 8] ^= (char)(1 << bit % 8);
		assert_int_not_equal(load_text(s, buf_slice(&s->text)), OK);
		s->text.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t len = 0; len < s->text.len; len++)
		assert_int_not_equal(load_text(s, (struct slice){s->text.data, len}), OK);
	buf_char(&s->text, '\n');
	assert_int_equal(load_text(s, buf_slice(&s->text)), ERR_PARSE);
	while (s->text.len <= KIB(2))
		buf_char(&s->text, '\n');
	assert_int_equal(load_text(s, buf_slice(&s->text)), ERR_LIMIT);
}

/* Lines that are well made, but not of one member, not in order, not of their type. */
static void lines_that_do_not_belong_together(void **state)
{
	struct scene *s = *state;
	static const struct {
		const char *why;
		const char *names[SIGNER_KEYS];
		enum note_type types[SIGNER_KEYS];
		enum err_kind kind;
	} cases[] = {
		{"as it should be",           {"kz/log", "kz/witness", "kz/mirror"},
                 {NOTE_ED25519, NOTE_COSIGNATURE, NOTE_COSIGNATURE},     OK         },
		{"two members",               {"kz/log", "uz/witness", "kz/mirror"},
                 {NOTE_ED25519, NOTE_COSIGNATURE, NOTE_COSIGNATURE},     ERR_INVALID},
		{"another word",              {"kz/log", "kz/mirror", "kz/mirror"},
                 {NOTE_ED25519, NOTE_COSIGNATURE, NOTE_COSIGNATURE},     ERR_INVALID},
		{"a word of the same length", {"kz/lug", "kz/witness", "kz/mirror"},
                 {NOTE_ED25519, NOTE_COSIGNATURE, NOTE_COSIGNATURE},     ERR_INVALID},
		{"no member",                 {"/log", "/witness", "/mirror"},
                 {NOTE_ED25519, NOTE_COSIGNATURE, NOTE_COSIGNATURE},     ERR_INVALID},
		{"no slash",                  {"kzxlog", "kz/witness", "kz/mirror"},
                 {NOTE_ED25519, NOTE_COSIGNATURE, NOTE_COSIGNATURE},     ERR_INVALID},
		{"a log that cosigns",        {"kz/log", "kz/witness", "kz/mirror"},
                 {NOTE_COSIGNATURE, NOTE_COSIGNATURE, NOTE_COSIGNATURE}, ERR_INVALID},
		{"a witness that signs",      {"kz/log", "kz/witness", "kz/mirror"},
                 {NOTE_ED25519, NOTE_ED25519, NOTE_COSIGNATURE},         ERR_INVALID},
	};
	static const char *const words[] = {"log", "witness", "mirror"};
	const char *box = memmem(s->text.data, s->text.len, "box ", 4);

	assert_non_null(box);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf text = BUF_INIT;
		enum err_kind kind;

		buf_text(&text, "serai signer keys 1\n");
		for (size_t k = 0; k < SIGNER_KEYS; k++) {
			struct note_secret n;

			assert_int_equal(
				note_secret_new(&s->world.world, slice_of(cases[i].names[k]),
					cases[i].types[k], &n, NULL),
				OK);
			buf_text(&text, words[k]);
			buf_char(&text, ' ');
			note_secret_format(&n, &text);
			buf_char(&text, '\n');
		}
		buf_append(&text, box, (size_t)(s->text.data + s->text.len - box));
		kind = load_text(s, buf_slice(&text));
		if (kind != cases[i].kind)
			fail_msg("%s: %s", cases[i].why, err_kind_name(kind));
		buf_fini(&text);
	}
}

/* Bits of a box key that X25519 does not look at are as we write them, or refused. */
static void a_box_key_has_one_text(void **state)
{
	struct scene *s = *state;
	struct signer_secrets changed = s->secrets;
	struct buf text = BUF_INIT;

	changed.box_secret[0] |= 1;
	assert_int_equal(unlink(s->path), 0);
	assert_int_equal(signer_secrets_save(s->path, &changed, NULL), OK);
	assert_int_equal(file_read(s->path, KIB(4), &text, NULL), OK);
	assert_int_equal(load_text(s, buf_slice(&text)), ERR_PARSE);
	buf_fini(&text);
}

static void repeated(void *context, void *ret_bytes, size_t len)
{
	(void)context;
	memset(ret_bytes, 1, len);
}

static void new_keys_have_names(void **state)
{
	struct scene *s = *state;
	struct signer_secrets got;
	struct world broken = s->world.world;
	char name[2 * NOTE_NAME_MAX];

	memset(name, 'k', sizeof(name));
	assert_int_equal(
		signer_secrets_new(&s->world.world, (struct slice){0}, &got, NULL), ERR_INVALID);
	assert_int_equal(
		signer_secrets_new(&s->world.world, SLICE("k z"), &got, NULL), ERR_INVALID);
	assert_int_equal(signer_secrets_new(&s->world.world,
				 (struct slice){name, NOTE_NAME_MAX - 8}, &got, NULL),
		OK);
	assert_int_equal(strlen(got.notes[SIGNER_WITNESS].key.name), NOTE_NAME_MAX);
	assert_int_equal(signer_secrets_new(&s->world.world,
				 (struct slice){name, NOTE_NAME_MAX - 7}, &got, NULL),
		ERR_INVALID);
	assert_int_equal(signer_secrets_new(&s->world.world,
				 (struct slice){name, NOTE_NAME_MAX + 1}, &got, NULL),
		ERR_INVALID);
	assert_int_equal(
		signer_secrets_new(&s->world.world, (struct slice){name, sizeof(name)}, &got, NULL),
		ERR_INVALID);
	broken.random = repeated;
	assert_int_equal(signer_secrets_new(&broken, SLICE("kz"), &got, NULL), ERR_IO);
	/* The longest names fit into the file. */
	assert_int_equal(signer_secrets_new(&s->world.world,
				 (struct slice){name, NOTE_NAME_MAX - 8}, &got, NULL),
		OK);
	assert_int_equal(unlink(s->path), 0);
	assert_int_equal(signer_secrets_save(s->path, &got, NULL), OK);
	assert_int_equal(signer_secrets_load(s->path, &got, NULL), OK);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
	const struct CMUnitTest tests[] = {
		CASE(saved_is_loaded),
		CASE(a_file_that_is_there_stays),
		CASE(others_may_not_touch_the_file),
		CASE(what_is_no_file_is_refused),
		CASE(every_damage_is_noticed),
		CASE(lines_that_do_not_belong_together),
		CASE(a_box_key_has_one_text),
		CASE(new_keys_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
