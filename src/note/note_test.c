/* SPDX-License-Identifier: MPL-2.0 */
/* Notes against the vectors of Go, and against everything that is nearly one. */
#include "note_testing.h"

/* ---- Go's vectors ---------------------------------------------------------------------------- */

static void go_signs_the_same_bytes(void **state)
{
	struct json_parser *parser;
	struct buf file, note = BUF_INIT, line = BUF_INIT, expected = BUF_INIT, text = BUF_INIT;
	struct json_value root = vectors("go-sumdb-note.json", &file, &parser);
	struct note_secret s;
	struct slice body = json_get_string(root, "text");
	struct slice secret = json_get_string(root, "ed25519_skey_test_only");

	(void)state;
	assert_int_equal(note_secret_parse(secret, &s, NULL), OK);
	note_secret_format(&s, &text);
	assert_true(slice_equal(buf_slice(&text), secret));
	buf_clear(&text);
	note_key_format(&s.key, &text);
	assert_true(slice_equal(buf_slice(&text), json_get_string(root, "vkey")));
	note_sign(&s, body, &line);
	note_write(body, buf_slice(&line), &note);
	assert_true(base64_decode(json_get_string(root, "expected_signed_note_b64"), &expected));
	assert_true(slice_equal(buf_slice(&note), buf_slice(&expected)));
	buf_fini(&file);
	buf_fini(&note);
	buf_fini(&line);
	buf_fini(&expected);
	buf_fini(&text);
	json_parser_free(parser);
}

/* Go's word for the outcome of a case, in ours. */
static void go_case(struct json_value v, struct arena *a)
{
	struct note_key keys[4];
	struct buf message = BUF_INIT;
	struct json_value item, verified;
	struct json_iter it = json_iter(member(v, "vkeys"));
	struct slice want = json_get_string(v, "want"), name = json_get_string(v, "name");
	struct note n;
	struct note_verdict verdict = {0};
	size_t count = 0;
	enum err_kind kind;

	while (json_array_next(&it, &item)) {
		assert_true(count < COUNT_OF(keys));
		assert_int_equal(note_key_parse(json_string(item), &keys[count++], NULL), OK);
	}
	assert_true(base64_decode(json_get_string(v, "message_b64"), &message));
	kind = open_note(buf_slice(&message), keys, count, a, &n, &verdict);
	if (slice_is(want, "ok")) {
		assert_true(json_get(v, "verified", &verified));
		assert_int_equal(kind, OK);
		assert_int_equal(verdict.signed_count, json_count(verified));
	} else if (slice_is(want, "reject:no-verifiable-signature")) {
		assert_int_equal(kind, OK);
		assert_int_equal(verdict.signed_count, 0);
	} else if (slice_is(want, "reject:ambiguous-key") ||
		   slice_is(want, "reject:invalid-signature")) {
		assert_int_equal(kind, ERR_INVALID);
	} else if (slice_starts(name, SLICE("101 signatures"))) {
		assert_int_equal(kind, ERR_LIMIT);
	} else {
		assert_true(slice_starts(want, SLICE("reject:malformed")));
		assert_int_equal(kind, ERR_PARSE);
	}
	buf_fini(&message);
}

static void go_opens_and_refuses_the_same(void **state)
{
	struct scene *s = *state;
	struct json_parser *parser;
	struct buf file;
	struct json_value root = vectors("go-sumdb-note.json", &file, &parser), v;
	struct json_iter it = json_iter(member(root, "open_cases"));
	unsigned count = 0;

	while (json_array_next(&it, &v)) {
		go_case(v, s->arena);
		count++;
	}
	assert_int_equal(count, 15);
	buf_fini(&file);
	json_parser_free(parser);
}

/* ---- notes ----------------------------------------------------------------------------------- */

static void a_note_and_its_cosignatures(void **state)
{
	struct scene *s = *state;
	struct buf whole = whole_note(s);
	struct note n;
	struct note_verdict v = {0};

	assert_int_equal(open_note(buf_slice(&whole), s->keys, 3, s->arena, &n, &v), OK);
	assert_int_equal(v.signed_count, 3);
	assert_true(v.signed_by[0] && v.signed_by[1] && v.signed_by[2]);
	assert_int_equal(v.time_s[0], 0);
	assert_int_equal(v.time_s[1], 1795429800);
	assert_int_equal(v.time_s[2], 1795429801);
	assert_true(slice_is(n.text, CHECKPOINT));
	/* Keys that are not asked about are not counted. */
	assert_int_equal(open_note(buf_slice(&whole), s->keys + 2, 1, s->arena, &n, &v), OK);
	assert_int_equal(v.signed_count, 1);
	assert_int_equal(open_note(buf_slice(&whole), s->keys, 0, s->arena, &n, &v), OK);
	assert_int_equal(v.signed_count, 0);
	buf_fini(&whole);
}

/* tlog-cosignature: 76 bytes in base64, over a message that is drawn here by hand. */
static void a_cosignature_is_as_drawn(void **state)
{
	const struct scene *s = *state;
	struct buf line = BUF_INIT, bytes = BUF_INIT;
	static const char start[] = "\xe2\x80\x94 uz/witness ";

	note_cosign(&s->witness, SLICE(CHECKPOINT), 1795429800, &line);
	assert_true(slice_starts(buf_slice(&line), slice_of(start)));
	assert_int_equal(line.len, sizeof(start) - 1 + 104 + 1);
	assert_true(base64_decode(
		slice_cut(buf_slice(&line), sizeof(start) - 1, line.len - 1), &bytes));
	assert_int_equal(bytes.len, 76);
	assert_memory_equal(bytes.data, s->witness.key.id, 4);
	assert_memory_equal(bytes.data + 4, "\0\0\0\0\x6b\x04\x15\xa8", 8);
	assert_true(note_verify_raw(s->witness.key.public,
		SLICE("cosignature/v1\ntime 1795429800\n" CHECKPOINT),
		(const uint8_t *)bytes.data + 12));
	buf_fini(&line);
	buf_fini(&bytes);
}

/* What is left of a changed note never says another text than the one that was signed. */
static void changed_is_refused(struct scene *s, struct slice bytes, unsigned *refused)
{
	struct note n;
	struct note_verdict v = {0};

	arena_reset(s->arena);
	if (open_note(bytes, s->keys, 3, s->arena, &n, &v) != OK) {
		(*refused)++;
		return;
	}
	assert_true(v.signed_count < 3);
	assert_true(v.signed_count == 0 || slice_is(n.text, CHECKPOINT));
}

static void every_flipped_bit_is_refused(void **state)
{
	struct scene *s = *state;
	struct buf whole = whole_note(s);
	unsigned refused = 0;

	for (size_t bit = 0; bit < 8 * whole.len; bit++) {
		whole.data[bit / 8] = (char)(whole.data[bit / 8] ^ 1 << bit % 8);
		changed_is_refused(s, buf_slice(&whole), &refused);
		whole.data[bit / 8] = (char)(whole.data[bit / 8] ^ 1 << bit % 8);
	}
	/* Only a changed name or key id leaves a note with one signature less. */
	assert_true(refused > 8 * whole.len / 2);
	buf_fini(&whole);
}

static void every_truncation_is_refused(void **state)
{
	struct scene *s = *state;
	struct buf whole = whole_note(s);
	unsigned refused = 0;

	for (size_t len = 0; len < whole.len; len++)
		changed_is_refused(s, (struct slice){whole.data, len}, &refused);
	for (size_t from = 1; from < whole.len; from++)
		changed_is_refused(s, slice_cut(buf_slice(&whole), from, whole.len), &refused);
	/* All but the two cuts behind a whole line. */
	assert_int_equal(refused, 2 * whole.len - 1 - 2);
	buf_fini(&whole);
}

/* With one signature there is no second meaning: all of these are refused outright. */
static void one_signature_changed_is_never_counted(void **state)
{
	struct scene *s = *state;
	struct buf line = BUF_INIT, whole = BUF_INIT;
	struct note n;
	struct note_verdict v = {0};

	note_sign(&s->log, SLICE(CHECKPOINT), &line);
	note_write(SLICE(CHECKPOINT), buf_slice(&line), &whole);
	for (size_t bit = 0; bit < 8 * whole.len; bit++) {
		whole.data[bit / 8] = (char)(whole.data[bit / 8] ^ 1 << bit % 8);
		arena_reset(s->arena);
		if (open_note(buf_slice(&whole), s->keys, 1, s->arena, &n, &v) == OK)
			assert_int_equal(v.signed_count, 0);
		whole.data[bit / 8] = (char)(whole.data[bit / 8] ^ 1 << bit % 8);
	}
	for (size_t len = 0; len < whole.len; len++)
		assert_int_not_equal(
			open_note((struct slice){whole.data, len}, s->keys, 1, s->arena, &n, &v),
			OK);
	buf_fini(&line);
	buf_fini(&whole);
}

static void malformed_notes(void **state)
{
	struct scene *s = *state;
	/* One good line is put where @ stands. */
	static const struct {
		const char *why;
		struct slice bytes;
		enum err_kind kind;
	} cases[] = {
		{"text of several paragraphs",   TEXT("a\n\nb\n\n@"),                           OK       },
		{"text of one empty line",       TEXT("\n\n@"),                                 OK       },
		{"nothing",                      TEXT(""),				      ERR_PARSE},
		{"no text",                      TEXT("\n@"),                                   ERR_PARSE},
		{"no empty line",                TEXT("a\n@"),                                  ERR_PARSE},
		{"text without newline",         TEXT("a@"),                                    ERR_PARSE},
		{"empty line behind",            TEXT("a\n\n@\n"),                              ERR_PARSE},
		{"two empty lines behind",       TEXT("a\n\n@\n\n"),                            ERR_PARSE},
		{"other line behind",            TEXT("a\n\n@b\n"),                             ERR_PARSE},
		{"other line between",           TEXT("a\n\nb\n@"),                             ERR_PARSE},
		{"no newline behind",            TEXT("a\n\n@b"),                               ERR_PARSE},
		{"carriage return",              TEXT("a\r\n\n@"),                              ERR_PARSE},
		{"tab",			  TEXT("a\tb\n\n@"),                             ERR_PARSE},
		{"NUL",			  TEXT("a\0b\n\n@"),                             ERR_PARSE},
		{"unit separator 1F",            TEXT("a\x1f\n\n@"),                            ERR_PARSE},
		{"delete 7F is no control here", TEXT("a\x7f\n\n@"),                            OK       },
		{"not UTF-8",                    TEXT("a\xff\n\n@"),                            ERR_PARSE},
		{"surrogate",                    TEXT("a\xed\xa0\x80\n\n@"),                    ERR_PARSE},
		{"hyphen for dash",              TEXT("a\n\n- b AAAAAAA=\n"),                   ERR_PARSE},
		{"dash without space",           TEXT("a\n\n\xe2\x80\x94name AAAAAAA=\n"),      ERR_PARSE},
		{"no name",                      TEXT("a\n\n\xe2\x80\x94  AAAAAAA=\n"),         ERR_PARSE},
		{"no signature",                 TEXT("a\n\n\xe2\x80\x94 b\n"),                 ERR_PARSE},
		{"empty signature",              TEXT("a\n\n\xe2\x80\x94 b \n"),                ERR_PARSE},
		{"only a key id",                TEXT("a\n\n\xe2\x80\x94 b AAAAAA==\n"),        ERR_PARSE},
		{"one byte of signature",        TEXT("a\n\n\xe2\x80\x94 b AAAAAAA=\n"),        OK       },
		{"spare bits",                   TEXT("a\n\n\xe2\x80\x94 b AAAAAAB=\n"),        ERR_PARSE},
		{"no padding",                   TEXT("a\n\n\xe2\x80\x94 b AAAAAAA\n"),         ERR_PARSE},
		{"alphabet of URLs",             TEXT("a\n\n\xe2\x80\x94 b AAAAAA-_\n"),        ERR_PARSE},
		{"space behind the signature",   TEXT("a\n\n\xe2\x80\x94 b AAAAAAA= \n"),       ERR_PARSE},
		{"plus in the name",             TEXT("a\n\n\xe2\x80\x94 b+ AAAAAAA=\n"),       ERR_PARSE},
		{"no-break space in the name",   TEXT("a\n\n\xe2\x80\x94 \xc2\xa0 AAAAAAA=\n"),
                 ERR_PARSE									       },
	};
	struct buf line = BUF_INIT, bytes = BUF_INIT;

	note_sign(&s->log, SLICE("a\n"), &line);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct note n;
		struct err e;

		buf_clear(&bytes);
		for (size_t k = 0; k < cases[i].bytes.len; k++) {
			if (cases[i].bytes.data[k] == '@')
				buf_slice_append(&bytes, buf_slice(&line));
			else
				buf_char(&bytes, cases[i].bytes.data[k]);
		}
		if (note_parse(buf_slice(&bytes), s->arena, &n, &e) != cases[i].kind)
			fail_msg("%s", cases[i].why);
	}
	buf_fini(&line);
	buf_fini(&bytes);
}

/* A line by nobody we know: `signature` bytes behind the key id. */
static void stranger(struct buf *out, unsigned number, size_t signature)
{
	struct buf bytes = BUF_INIT;

	for (size_t i = 0; i < NOTE_KEY_ID_LEN + signature; i++)
		buf_char(&bytes, (char)(number + i));
	buf_printf(out, "\xe2\x80\x94 stranger%u ", number);
	base64_append(out, bytes.data, bytes.len);
	buf_char(out, '\n');
	buf_fini(&bytes);
}

static void notes_have_limits(void **state)
{
	struct scene *s = *state;
	struct note n;
	struct note_verdict v = {0};
	struct buf bytes = BUF_INIT;
	size_t text;

	/* Sixteen signatures of 5 kB by strangers beside ours. */
	buf_text(&bytes, CHECKPOINT "\n");
	note_sign(&s->log, SLICE(CHECKPOINT), &bytes);
	for (unsigned i = 0; i < 16; i++)
		stranger(&bytes, i, NOTE_SIGNATURE_MAX);
	assert_int_equal(open_note(buf_slice(&bytes), s->keys, 3, s->arena, &n, &v), OK);
	assert_int_equal(n.signatures_count, 17);
	assert_int_equal(n.signatures[16].bytes_len, NOTE_SIGNATURE_MAX);
	assert_int_equal(v.signed_count, 1);
	/* One byte more in one of them. */
	stranger(&bytes, 17, NOTE_SIGNATURE_MAX + 1);
	assert_int_equal(note_parse(buf_slice(&bytes), s->arena, &n, NULL), ERR_LIMIT);

	for (unsigned count = NOTE_SIGNATURES_MAX; count <= NOTE_SIGNATURES_MAX + 1; count++) {
		buf_clear(&bytes);
		buf_text(&bytes, CHECKPOINT "\n");
		for (unsigned i = 0; i < count; i++)
			stranger(&bytes, i, 64);
		assert_int_equal(note_parse(buf_slice(&bytes), s->arena, &n, NULL),
			count <= NOTE_SIGNATURES_MAX ? OK : ERR_LIMIT);
	}

	for (size_t len = NOTE_BYTES_MAX; len <= NOTE_BYTES_MAX + 1; len++) {
		struct buf line = BUF_INIT, body = BUF_INIT;

		note_sign(&s->log, SLICE("\n"), &line);
		text = len - line.len - 2;
		for (size_t i = 0; i < text; i++)
			buf_char(&body, 'a');
		buf_char(&body, '\n');
		buf_clear(&line);
		note_sign(&s->log, buf_slice(&body), &line);
		buf_clear(&bytes);
		note_write(buf_slice(&body), buf_slice(&line), &bytes);
		assert_int_equal(bytes.len, len);
		assert_int_equal(open_note(buf_slice(&bytes), s->keys, 1, s->arena, &n, &v),
			len <= NOTE_BYTES_MAX ? OK : ERR_LIMIT);
		buf_fini(&line);
		buf_fini(&body);
	}
	buf_fini(&bytes);
}

static void known_but_wrong_rejects_all(void **state)
{
	struct scene *s = *state;
	struct note_secret other;
	struct note n;
	struct note_verdict v = {0};
	struct buf bytes = BUF_INIT;
	uint8_t zeros[NOTE_SIGNATURE_MAX] = {0};
	static const size_t lengths[] = {1, 63, 64, 65, 71, 72, 73, NOTE_SIGNATURE_MAX};

	for (size_t k = 0; k < 3; k++) {
		for (size_t i = 0; i < COUNT_OF(lengths); i++) {
			buf_clear(&bytes);
			buf_text(&bytes, CHECKPOINT "\n");
			note_sign(&s->log, SLICE(CHECKPOINT), &bytes);
			note_line(&s->keys[k], (struct slice){(const char *)zeros, lengths[i]},
				&bytes);
			assert_int_equal(open_note(buf_slice(&bytes), s->keys, 3, s->arena, &n, &v),
				ERR_INVALID);
		}
	}
	/* A time past what seconds can be, however well signed. */
	buf_clear(&bytes);
	buf_text(&bytes, CHECKPOINT "\n");
	note_cosign(&s->witness, SLICE(CHECKPOINT), UINT64_C(1) << 63, &bytes);
	assert_int_equal(open_note(buf_slice(&bytes), s->keys, 3, s->arena, &n, &v), ERR_INVALID);
	buf_clear(&bytes);
	buf_text(&bytes, CHECKPOINT "\n");
	note_cosign(&s->witness, SLICE(CHECKPOINT), INT64_MAX, &bytes);
	assert_int_equal(open_note(buf_slice(&bytes), s->keys, 3, s->arena, &n, &v), OK);
	assert_true(v.time_s[1] == INT64_MAX);
	/* The same name, another key: not known, ignored. */
	assert_int_equal(
		note_secret_new(&s->world.world, SLICE("kz/log"), NOTE_ED25519, &other, NULL), OK);
	note_sign(&other, SLICE(CHECKPOINT), &bytes);
	assert_int_equal(open_note(buf_slice(&bytes), s->keys, 3, s->arena, &n, &v), OK);
	assert_int_equal(v.signed_count, 1);
	/* A cosigner's key signs no note plainly, nor a log's key a cosignature. */
	buf_clear(&bytes);
	buf_text(&bytes, CHECKPOINT "\n");
	{
		uint8_t signature[8 + NOTE_ED_LEN] = {0};

		note_sign_raw(&s->witness, SLICE(CHECKPOINT), signature);
		note_line(&s->witness.key, (struct slice){(const char *)signature, NOTE_ED_LEN},
			&bytes);
	}
	assert_int_equal(open_note(buf_slice(&bytes), s->keys, 3, s->arena, &n, &v), ERR_INVALID);
	buf_fini(&bytes);
}

static void a_key_that_is_there_twice_verifies_nothing(void **state)
{
	struct scene *s = *state;
	struct buf whole = whole_note(s);
	const struct note_key twice[] = {s->keys[1], s->keys[0], s->keys[1]};
	struct note n;
	struct note_verdict v = {0};

	assert_int_equal(open_note(buf_slice(&whole), twice, 2, s->arena, &n, &v), OK);
	assert_int_equal(v.signed_count, 2);
	assert_int_equal(open_note(buf_slice(&whole), twice, 3, s->arena, &n, &v), ERR_INVALID);
	buf_fini(&whole);
}

static void of_several_cosignatures_the_newest_counts(void **state)
{
	struct scene *s = *state;
	struct note n;
	struct note_verdict v = {0};
	struct buf bytes = BUF_INIT;

	buf_text(&bytes, CHECKPOINT "\n");
	note_cosign(&s->witness, SLICE(CHECKPOINT), 5, &bytes);
	note_cosign(&s->witness, SLICE(CHECKPOINT), 9, &bytes);
	note_cosign(&s->witness, SLICE(CHECKPOINT), 7, &bytes);
	assert_int_equal(open_note(buf_slice(&bytes), s->keys, 3, s->arena, &n, &v), OK);
	assert_int_equal(v.signed_count, 1);
	assert_int_equal(v.time_s[1], 9);
	buf_fini(&bytes);
}

static void memory_that_ends_is_told(void **state)
{
	struct scene *s = *state;
	struct buf whole = whole_note(s), none = BUF_MAX(1);
	bool opened = false;

	for (size_t max = 0; max < KIB(16) && !opened; max += 16) {
		struct arena *a = arena_new(max);
		struct note n;
		struct note_verdict v = {0};
		enum err_kind kind = open_note(buf_slice(&whole), s->keys, 3, a, &n, &v);

		assert_true(kind == OK || kind == ERR_NOMEM);
		opened = kind == OK;
		arena_free(a);
	}
	assert_true(opened);
	note_cosign(&s->witness, SLICE(CHECKPOINT), 1, &none);
	assert_true(none.bad);
	buf_fini(&none);
	buf_fini(&whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_signs_the_same_bytes),
		cmocka_unit_test(go_opens_and_refuses_the_same),
		cmocka_unit_test(a_note_and_its_cosignatures),
		cmocka_unit_test(a_cosignature_is_as_drawn),
		cmocka_unit_test(every_flipped_bit_is_refused),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(one_signature_changed_is_never_counted),
		cmocka_unit_test(malformed_notes),
		cmocka_unit_test(notes_have_limits),
		cmocka_unit_test(known_but_wrong_rejects_all),
		cmocka_unit_test(a_key_that_is_there_twice_verifies_nothing),
		cmocka_unit_test(of_several_cosignatures_the_newest_counts),
		cmocka_unit_test(memory_that_ends_is_told),
	};

	return cmocka_run_group_tests(tests, scene_begin, scene_end);
}
