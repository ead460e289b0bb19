/* SPDX-License-Identifier: MPL-2.0 */
/* Notes against the vectors of Go and Wycheproof, and against everything that is nearly one. */
#include <sodium.h>

#include "json/json.h"
#include "testing/testing.h"

#include "parts.h"

#define ARENA_MAX MIB(4)

/* A slice in a table. */
#define TEXT(literal)                                                                              \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}

/* ---- helpers --------------------------------------------------------------------------------- */

struct scene {
	struct world_fake world;
	struct arena *arena;
	struct note_secret log, witness, mirror;
	struct note_key keys[3];
};

static int scene_begin(void **state)
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

static int scene_end(void **state)
{
	struct scene *s = *state;

	arena_free(s->arena);
	free(s);
	return 0;
}

#define CHECKPOINT "kz/log\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"

/* The checkpoint signed by the log and cosigned twice. */
static struct buf whole_note(const struct scene *s)
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

static enum err_kind open_note(struct slice bytes, const struct note_key *keys, size_t keys_count,
	struct arena *a, struct note *ret_note, struct note_verdict *ret_verdict)
{
	struct err e;
	enum err_kind kind = note_parse(bytes, a, ret_note, &e);

	return kind == OK ? note_verify(ret_note, keys, keys_count, a, ret_verdict, &e) : kind;
}

/* A parsed file of the public vectors; skips the test when it is not there. */
static struct json_value vectors(const char *name, struct buf *text, struct json_parser **parser)
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

static struct json_value member(struct json_value v, const char *name)
{
	struct json_value found = v;

	if (!json_get(v, name, &found))
		fail_msg("no \"%s\" in the vectors", name);
	return found;
}

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

/* All proper substrings, all bytes one up, and the two that are listed. */
static void go_refuses_the_same_keys(void **state)
{
	struct json_parser *parser;
	struct buf file;
	struct json_value root = vectors("go-sumdb-note.json", &file, &parser), v;
	struct json_iter it = json_iter(member(root, "bad_vkeys"));
	struct slice good = json_get_string(root, "vkey");
	struct note_key k;
	char changed[128];
	unsigned count = 0;

	(void)state;
	assert_int_equal(note_key_parse(good, &k, NULL), OK);
	for (size_t from = 0; from < good.len; from++)
		for (size_t to = from; to <= good.len; to++)
			if (to - from < good.len)
				assert_int_not_equal(
					note_key_parse(slice_cut(good, from, to), &k, NULL), OK);
	assert_true(good.len < sizeof(changed));
	for (size_t i = 0; i < good.len; i++) {
		memcpy(changed, good.data, good.len);
		changed[i]++;
		assert_int_not_equal(
			note_key_parse((struct slice){changed, good.len}, &k, NULL), OK);
	}
	while (json_array_next(&it, &v)) {
		assert_int_not_equal(note_key_parse(json_string(v), &k, NULL), OK);
		count++;
	}
	assert_int_equal(count, 2);
	buf_fini(&file);
	json_parser_free(parser);
}

/* ---- Ed25519 --------------------------------------------------------------------------------- */

static unsigned wycheproof_group(struct json_value group)
{
	struct json_value v;
	struct json_iter it = json_iter(member(group, "tests"));
	uint8_t public[NOTE_PUBLIC_LEN];
	unsigned count = 0;

	assert_true(hex_decode(
		json_get_string(member(group, "publicKey"), "pk"), public, sizeof(public)));
	while (json_array_next(&it, &v)) {
		struct slice sig = json_get_string(v, "sig"), msg = json_get_string(v, "msg");
		uint8_t signature[NOTE_ED_LEN], message[1024];
		bool good = sig.len == 2 * sizeof(signature);

		assert_true(msg.len <= 2 * sizeof(message));
		assert_true(hex_decode(msg, message, msg.len / 2));
		if (good) {
			assert_true(hex_decode(sig, signature, sizeof(signature)));
			good = note_verify_raw(public,
				(struct slice){(const char *)message, msg.len / 2}, signature);
		}
		if (good != slice_is(json_get_string(v, "result"), "valid"))
			fail_msg("case \"%.*s\"", SLICE_ARG(json_get_string(v, "comment")));
		count++;
	}
	return count;
}

static void wycheproof(void **state)
{
	struct json_parser *parser;
	struct buf file;
	struct json_value root = vectors("wycheproof-ed25519.json", &file, &parser), v;
	struct json_iter it = json_iter(member(root, "testGroups"));
	unsigned count = 0;

	(void)state;
	while (json_array_next(&it, &v))
		count += wycheproof_group(v);
	assert_int_equal(count, 151);
	buf_fini(&file);
	json_parser_free(parser);
}

/* RFC 8032 section 7.1, tests 1 and 2. */
static void rfc8032(void **state)
{
	static const struct {
		const char *seed, *public, *signature;
		struct slice message;
	} cases[] = {
		{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                 "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb88215"
			"90a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b", {"", 0} },
		{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                 "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e4"
			"3e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00", {"r", 1}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct note_secret s = {0};
		uint8_t signature[NOTE_ED_LEN], expected[NOTE_ED_LEN];

		assert_true(hex_decode(slice_of(cases[i].seed), s.seed, sizeof(s.seed)));
		assert_true(
			hex_decode(slice_of(cases[i].public), s.key.public, sizeof(s.key.public)));
		assert_true(hex_decode(slice_of(cases[i].signature), expected, sizeof(expected)));
		note_sign_raw(&s, cases[i].message, signature);
		assert_memory_equal(signature, expected, sizeof(expected));
		assert_true(note_verify_raw(s.key.public, cases[i].message, signature));
		assert_false(note_verify_raw(s.key.public, SLICE("s"), signature));
	}
}

/* The points of order 1, 2, 4 and 8 in every encoding. */
static const char *const small_orders[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static void key_refused(const uint8_t public[NOTE_PUBLIC_LEN])
{
	uint8_t typed[1 + NOTE_PUBLIC_LEN] = {NOTE_ED25519}, digest[SHA256_LEN];
	struct buf text = BUF_INIT, hashed = BUF_INIT;
	struct note_key k;

	assert_int_equal(
		note_key_make(SLICE("kz/log"), NOTE_ED25519, public, &k, NULL), ERR_INVALID);
	/* Also as a text whose digits are right. */
	memcpy(typed + 1, public, NOTE_PUBLIC_LEN);
	buf_text(&hashed, "kz/log\n");
	buf_append(&hashed, typed, sizeof(typed));
	hash_sha256(buf_slice(&hashed), digest);
	buf_text(&text, "kz/log+");
	hex_append(&text, digest, NOTE_KEY_ID_LEN);
	buf_char(&text, '+');
	base64_append(&text, typed, sizeof(typed));
	assert_int_equal(note_key_parse(buf_slice(&text), &k, NULL), ERR_INVALID);
	buf_fini(&text);
	buf_fini(&hashed);
}

static void keys_that_anything_verifies_under_are_refused(void **state)
{
	const struct scene *s = *state;
	uint8_t public[NOTE_PUBLIC_LEN], mixed[NOTE_PUBLIC_LEN];

	for (size_t i = 0; i < COUNT_OF(small_orders); i++) {
		for (unsigned sign = 0; sign < 2; sign++) {
			uint8_t signature[NOTE_ED_LEN] = {0};

			assert_true(hex_decode(slice_of(small_orders[i]), public, sizeof(public)));
			public[31] |= (uint8_t)(sign << 7);
			key_refused(public);
			/* R = A or the neutral point, S = 0: holds for any message under plain
			 * maths. */
			memcpy(signature, public, sizeof(public));
			assert_false(note_verify_raw(public, SLICE("any"), signature));
			memset(signature, 0, sizeof(signature));
			signature[0] = 1;
			assert_false(note_verify_raw(public, SLICE("any"), signature));
			/* A good key and an R of small order. */
			memcpy(signature, public, sizeof(public));
			assert_false(note_verify_raw(s->log.key.public, SLICE("any"), signature));
		}
	}
	/* y of p + 0 to p + 18: not canonical, whether a point or not. */
	for (unsigned k = 0; k < 19; k++) {
		for (unsigned sign = 0; sign < 2; sign++) {
			memset(public, 0xff, sizeof(public));
			public[0] = (uint8_t)(0xed + k);
			public[31] = (uint8_t)(0x7f | sign << 7);
			key_refused(public);
		}
	}
	/* A good key with a point of order 8 added: verifiers disagree on such. */
	assert_true(hex_decode(slice_of(small_orders[2]), public, sizeof(public)));
	assert_int_equal(crypto_core_ed25519_add(mixed, s->log.key.public, public), 0);
	key_refused(mixed);
}

/* ---- keys and names -------------------------------------------------------------------------- */

static void names(void **state)
{
	static const struct {
		const char *why;
		struct slice name;
		bool valid;
	} cases[] = {
		{"a path",                       TEXT("kz/log"),                   true },
		{"one byte",                     TEXT("k"),                        true },
		{"letters outside ASCII",        TEXT("\xd2\x9a\xd0\xb0\xd0\xb7"), true },
		{"zero width space is no space", TEXT("a\xe2\x80\x8b"),            true },
		{"empty",                        TEXT(""),                         false},
		{"space",                        TEXT("k z"),                      false},
		{"plus",			 TEXT("k+z"),                      false},
		{"newline",                      TEXT("k\nz"),                     false},
		{"NUL",			  TEXT("k\0z"),                     false},
		{"next line U+0085",             TEXT("k\xc2\x85"),                false},
		{"no-break space U+00A0",        TEXT("k\xc2\xa0"),                false},
		{"ogham space U+1680",           TEXT("k\xe1\x9a\x80"),            false},
		{"en quad U+2000",               TEXT("k\xe2\x80\x80"),            false},
		{"hair space U+200A",            TEXT("k\xe2\x80\x8a"),            false},
		{"line separator U+2028",        TEXT("k\xe2\x80\xa8"),            false},
		{"narrow space U+202F",          TEXT("k\xe2\x80\xaf"),            false},
		{"mathematical space U+205F",    TEXT("k\xe2\x81\x9f"),            false},
		{"ideographic space U+3000",     TEXT("k\xe3\x80\x80"),            false},
		{"not UTF-8",                    TEXT("k\xff"),                    false},
	};
	char longest[NOTE_NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (note_name_valid(cases[i].name) != cases[i].valid)
			fail_msg("%s", cases[i].why);
	memset(longest, 'k', sizeof(longest));
	assert_true(note_name_valid((struct slice){longest, NOTE_NAME_MAX}));
	assert_false(note_name_valid((struct slice){longest, NOTE_NAME_MAX + 1}));
}

static void keys_round(void **state)
{
	const struct scene *s = *state;

	for (size_t i = 0; i < COUNT_OF(s->keys); i++) {
		struct buf text = BUF_INIT;
		struct note_key k;

		note_key_format(&s->keys[i], &text);
		assert_int_equal(note_key_parse(buf_slice(&text), &k, NULL), OK);
		assert_true(note_key_equal(&k, &s->keys[i]));
		assert_memory_equal(k.id, s->keys[i].id, sizeof(k.id));
		assert_false(note_key_equal(&k, &s->keys[(i + 1) % COUNT_OF(s->keys)]));
		buf_fini(&text);
	}
}

static void equal_keys_are_equal_in_all(void **state)
{
	const struct scene *s = *state;
	struct note_key k;

	assert_int_equal(
		note_key_make(SLICE("kz/log"), NOTE_COSIGNATURE, s->log.key.public, &k, NULL), OK);
	assert_false(note_key_equal(&k, &s->log.key));
	assert_int_equal(
		note_key_make(SLICE("kz/log2"), NOTE_ED25519, s->log.key.public, &k, NULL), OK);
	assert_false(note_key_equal(&k, &s->log.key));
	assert_int_equal(
		note_key_make(SLICE("kz/log"), NOTE_ED25519, s->witness.key.public, &k, NULL), OK);
	assert_false(note_key_equal(&k, &s->log.key));
	assert_int_equal(
		note_key_make(SLICE("kz/log"), NOTE_ED25519, s->log.key.public, &k, NULL), OK);
	assert_true(note_key_equal(&k, &s->log.key));
}

/* A key's text with the right digits for whatever type and bytes. */
static struct buf key_text(struct slice name, struct slice typed)
{
	struct buf hashed = BUF_INIT, text = BUF_INIT;
	uint8_t digest[SHA256_LEN];

	buf_slice_append(&hashed, name);
	buf_char(&hashed, '\n');
	buf_slice_append(&hashed, typed);
	hash_sha256(buf_slice(&hashed), digest);
	buf_slice_append(&text, name);
	buf_char(&text, '+');
	hex_append(&text, digest, NOTE_KEY_ID_LEN);
	buf_char(&text, '+');
	base64_append(&text, typed.data, typed.len);
	buf_fini(&hashed);
	return text;
}

static void odd_keys_are_refused(void **state)
{
	const struct scene *s = *state;
	static const struct {
		const char *why;
		uint8_t type;
		size_t len;
		enum err_kind kind;
	} cases[] = {
		{"RFC 6962 key",     5, 1 + 32,   ERR_INVALID},
		{"ML-DSA-44 key",    6, 1 + 1312, ERR_INVALID},
		{"longer than any",  6, 1 + 1313, ERR_PARSE  },
		{"type 0",           0, 1 + 32,   ERR_INVALID},
		{"31 bytes",         1, 1 + 31,   ERR_PARSE  },
		{"33 bytes",         4, 1 + 33,   ERR_PARSE  },
		{"type without key", 1, 1,        ERR_PARSE  },
	};
	struct note_key k;
	struct note_secret secret;
	struct buf text;
	char *hex;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char typed[2048] = {(char)cases[i].type};
		struct buf prefixed = BUF_INIT;

		text = key_text(SLICE("kz/log"), (struct slice){typed, cases[i].len});
		if (note_key_parse(buf_slice(&text), &k, NULL) != cases[i].kind)
			fail_msg("%s", cases[i].why);
		buf_text(&prefixed, "PRIVATE+KEY+");
		buf_slice_append(&prefixed, buf_slice(&text));
		if (note_secret_parse(buf_slice(&prefixed), &secret, NULL) != cases[i].kind)
			fail_msg("secret: %s", cases[i].why);
		buf_fini(&prefixed);
		buf_fini(&text);
	}
	assert_int_equal(note_key_make(SLICE("a b"), NOTE_ED25519, s->log.key.public, &k, NULL),
		ERR_INVALID);
	assert_int_equal(note_key_make(SLICE("ab"), (enum note_type)6, s->log.key.public, &k, NULL),
		ERR_INVALID);
	/* Digits of the other case are another text of the same key. */
	text = BUF_INIT;
	note_key_format(&s->log.key, &text);
	hex = memchr(text.data, '+', text.len);
	assert_non_null(hex);
	for (hex++; *hex != '+' && (*hex < 'a' || *hex > 'f'); hex++)
		;
	assert_true(*hex != '+');
	*hex = (char)(*hex - 'a' + 'A');
	assert_int_equal(note_key_parse(buf_slice(&text), &k, NULL), ERR_PARSE);
	/* Nor are other digits those of the key. */
	*hex = *hex == 'A' ? 'b' : 'a';
	assert_int_equal(note_key_parse(buf_slice(&text), &k, NULL), ERR_PARSE);
	buf_fini(&text);
}

static void constant_random(void *context, void *ret_bytes, size_t len)
{
	(void)context;
	memset(ret_bytes, 0x5a, len);
}

static void secrets(void **state)
{
	struct scene *s = *state;
	struct world broken = s->world.world;
	struct note_secret a, b;
	struct buf text = BUF_INIT;

	broken.random = constant_random;
	assert_int_equal(note_secret_new(&broken, SLICE("k"), NOTE_ED25519, &a, NULL), ERR_IO);
	assert_int_equal(note_secret_new(&s->world.world, SLICE("k z"), NOTE_ED25519, &a, NULL),
		ERR_INVALID);
	assert_int_equal(note_secret_new(&s->world.world, SLICE("k"), NOTE_ED25519, &a, NULL), OK);
	assert_int_equal(note_secret_new(&s->world.world, SLICE("k"), NOTE_ED25519, &b, NULL), OK);
	assert_memory_not_equal(a.seed, b.seed, sizeof(a.seed));
	note_secret_format(&a, &text);
	assert_int_equal(note_secret_parse(buf_slice(&text), &b, NULL), OK);
	assert_memory_equal(a.seed, b.seed, sizeof(a.seed));
	assert_true(note_key_equal(&a.key, &b.key));
	for (size_t len = 0; len < text.len; len++)
		assert_int_not_equal(
			note_secret_parse((struct slice){text.data, len}, &b, NULL), OK);
	for (size_t bit = 0; bit < 8 * text.len; bit++) {
		text.data[bit / 8] = (char)(text.data[bit / 8] ^ 1 << bit % 8);
		assert_int_not_equal(note_secret_parse(buf_slice(&text), &b, NULL), OK);
		text.data[bit / 8] = (char)(text.data[bit / 8] ^ 1 << bit % 8);
	}
	buf_fini(&text);
	note_secret_wipe(&a);
	for (size_t i = 0; i < sizeof(a.seed); i++)
		assert_int_equal(a.seed[i], 0);
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

/* ---- checkpoints ----------------------------------------------------------------------------- */

#define ROOT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static void checkpoints(void **state)
{
	static const struct {
		const char *why;
		struct slice text;
		bool valid;
	} cases[] = {
		{"usual",              TEXT("kz/log\n7\n" ROOT "\n"),                    true },
		{"origin with spaces", TEXT("go.sum database tree\n7\n" ROOT "\n"),      true },
		{"empty tree",         TEXT("kz/log\n0\n" ROOT "\n"),                    true },
		{"largest size",       TEXT("kz/log\n18446744073709551615\n" ROOT "\n"), true },
		{"size too large",     TEXT("kz/log\n18446744073709551616\n" ROOT "\n"), false},
		{"extension line",     TEXT("kz/log\n7\n" ROOT "\nmore\n"),              false},
		{"empty line behind",  TEXT("kz/log\n7\n" ROOT "\n\n"),                  false},
		{"no last newline",    TEXT("kz/log\n7\n" ROOT),                         false},
		{"two lines",          TEXT("kz/log\n7\n"),                              false},
		{"one line",           TEXT("kz/log\n"),                                 false},
		{"no line",            TEXT("kz/log"),                                   false},
		{"nothing",            TEXT(""),					 false},
		{"empty origin",       TEXT("\n7\n" ROOT "\n"),                          false},
		{"control in origin",  TEXT("kz\tlog\n7\n" ROOT "\n"),                   false},
		{"origin not UTF-8",   TEXT("kz\xff\n7\n" ROOT "\n"),                    false},
		{"leading zero",       TEXT("kz/log\n07\n" ROOT "\n"),                   false},
		{"sign",               TEXT("kz/log\n+7\n" ROOT "\n"),                   false},
		{"no size",            TEXT("kz/log\n\n" ROOT "\n"),                     false},
		{"space behind size",  TEXT("kz/log\n7 \n" ROOT "\n"),                   false},
		{"root of 31 bytes",
                 TEXT("kz/log\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==\n"),      false},
		{"root of 33 bytes",
                 TEXT("kz/log\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\n"),      false},
		{"spare bits in root",
                 TEXT("kz/log\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\n"),      false},
		{"carriage return",    TEXT("kz/log\r\n7\n" ROOT "\n"),                  false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct note_checkpoint c;
		struct buf again = BUF_INIT;
		struct err e;
		enum err_kind kind = note_checkpoint_parse(cases[i].text, &c, &e);

		if (kind != (cases[i].valid ? OK : ERR_PARSE))
			fail_msg("%s", cases[i].why);
		if (kind == OK) {
			note_checkpoint_format(&c, &again);
			assert_true(slice_equal(buf_slice(&again), cases[i].text));
			assert_int_equal(c.root[31], 0x1f);
		}
		buf_fini(&again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_signs_the_same_bytes),
		cmocka_unit_test(go_opens_and_refuses_the_same),
		cmocka_unit_test(go_refuses_the_same_keys),
		cmocka_unit_test(wycheproof),
		cmocka_unit_test(rfc8032),
		cmocka_unit_test(keys_that_anything_verifies_under_are_refused),
		cmocka_unit_test(names),
		cmocka_unit_test(keys_round),
		cmocka_unit_test(equal_keys_are_equal_in_all),
		cmocka_unit_test(odd_keys_are_refused),
		cmocka_unit_test(secrets),
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
		cmocka_unit_test(checkpoints),
	};

	return cmocka_run_group_tests(tests, scene_begin, scene_end);
}
