/* SPDX-License-Identifier: MPL-2.0 */
/* Keys and their names, and Ed25519 against the vectors of Go, Wycheproof and RFC 8032. */
#include <sodium.h>

#include "note_testing.h"

/* ---- Go's vectors ---------------------------------------------------------------------------- */

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_refuses_the_same_keys),
		cmocka_unit_test(wycheproof),
		cmocka_unit_test(rfc8032),
		cmocka_unit_test(keys_that_anything_verifies_under_are_refused),
		cmocka_unit_test(names),
		cmocka_unit_test(keys_round),
		cmocka_unit_test(equal_keys_are_equal_in_all),
		cmocka_unit_test(odd_keys_are_refused),
		cmocka_unit_test(secrets),
	};

	return cmocka_run_group_tests(tests, scene_begin, scene_end);
}
