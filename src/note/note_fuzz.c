/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Notes, checkpoints and keys from anywhere: what is accepted is written again to the same bytes,
 * and nobody's signature is ever counted that the key did not make.
 */
#include <stdlib.h>

#include "note.h"
#include "planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

/* Two keys whose secrets are known to nobody here but this file: the corpus holds notes by them. */
static void keys_make(struct note_key keys[2])
{
	struct world_fake w;
	struct note_secret s;

	world_fake_init(&w, 1, 0);
	must(note_secret_new(&w.world, SLICE("kz/log"), NOTE_ED25519, &s, NULL) == OK);
	keys[0] = s.key;
	must(note_secret_new(&w.world, SLICE("uz/witness"), NOTE_COSIGNATURE, &s, NULL) == OK);
	keys[1] = s.key;
}

static void fuzz_note(struct slice bytes, struct arena *a)
{
	static struct note_key keys[2];
	struct note_verdict v;
	struct note n;
	struct buf again = BUF_INIT;
	const char *lines;
	enum err_kind kind;

	if (keys[0].name[0] == '\0')
		keys_make(keys);
	if (note_parse(bytes, a, &n, NULL) != OK)
		return;
	must(n.signatures_count >= 1 && n.signatures_count <= NOTE_SIGNATURES_MAX);
	must(slice_ends(n.text, SLICE("\n")) && utf8_valid(n.text));
	lines = n.signatures[0].line.data;
	note_write(n.text, (struct slice){lines, (size_t)(bytes.data + bytes.len - lines)}, &again);
	must(slice_equal(buf_slice(&again), bytes));
	for (size_t i = 0; i < n.signatures_count; i++) {
		must(note_name_valid(n.signatures[i].name));
		must(n.signatures[i].bytes_len >= 1 &&
			n.signatures[i].bytes_len <= NOTE_SIGNATURE_MAX);
	}
	kind = note_verify(&n, keys, COUNT_OF(keys), a, &v, NULL);
	must(kind == OK || kind == ERR_INVALID);
	PLANTED(kind == OK && v.signed_count > 0 && n.signatures_count > 5 &&
		n.signatures[5].bytes_len > 3);
	must(kind != OK || v.signed_count == (size_t)v.signed_by[0] + v.signed_by[1]);
	buf_fini(&again);
}

static void fuzz_checkpoint(struct slice text)
{
	struct note_checkpoint c;
	struct buf again = BUF_INIT;

	if (note_checkpoint_parse(text, &c, NULL) == OK) {
		note_checkpoint_format(&c, &again);
		must(slice_equal(buf_slice(&again), text));
	}
	buf_fini(&again);
}

static void fuzz_key(struct slice text)
{
	struct note_key k;
	struct note_secret s;
	struct buf again = BUF_INIT;

	if (note_key_parse(text, &k, NULL) == OK) {
		note_key_format(&k, &again);
		must(slice_equal(buf_slice(&again), text));
	}
	buf_clear(&again);
	if (note_secret_parse(text, &s, NULL) == OK) {
		note_secret_format(&s, &again);
		must(slice_equal(buf_slice(&again), text));
	}
	buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = {(const char *)data, size};
	struct arena *a = arena_new(MIB(1));

	fuzz_note(bytes, a);
	fuzz_checkpoint(bytes);
	fuzz_key(bytes);
	arena_free(a);
	return 0;
}
