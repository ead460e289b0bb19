/* SPDX-License-Identifier: MPL-2.0 */
/* Names, public keys, secret keys, and Ed25519 itself. */
#include <sodium.h>

#include "parts.h"

#define SECRET_PREFIX "PRIVATE+KEY+"

/* Type and key of the longest kind we know of, ML-DSA-44: so that it is told apart, not garbled. */
#define TYPED_MAX 1313

/* ---- shared helpers -------------------------------------------------------------------------- */

bool base64_exact(struct slice text, void *ret_bytes, size_t len)
{
	struct buf b = {.data = ret_bytes, .capacity = len, .bytes_max = len};

	return base64_decode(text, &b) && b.len == len;
}

bool text_clean(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] < 0x20 && text.data[i] != '\n')
			return false;
	return utf8_valid(text);
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Unicode's White_Space above the control bytes. */
static bool is_space(uint32_t c)
{
	static const struct {
		uint32_t from, to;
	} spaces[] = {
		{0x20,   0x20  },
		{0x85,   0x85  },
		{0xa0,   0xa0  },
		{0x1680, 0x1680},
		{0x2000, 0x200a},
		{0x2028, 0x2029},
		{0x202f, 0x202f},
		{0x205f, 0x205f},
		{0x3000, 0x3000},
	};

	for (size_t i = 0; i < COUNT_OF(spaces); i++)
		if (c >= spaces[i].from && c <= spaces[i].to)
			return true;
	return false;
}

bool note_name_valid(struct slice name)
{
	if (name.len == 0 || name.len > NOTE_NAME_MAX || !utf8_valid(name))
		return false;
	while (name.len > 0) {
		uint32_t c = utf8_next(&name);

		if (c < 0x20 || c == '+' || is_space(c))
			return false;
	}
	return true;
}

/* ---- "name+hex8+base64(type || key)" --------------------------------------------------------- */

/* SHA-256(name || 0A || type || key)[0:4] */
static void key_id(struct slice name, struct slice typed, uint8_t ret_id[NOTE_KEY_ID_LEN])
{
	char room[NOTE_NAME_MAX + 1 + TYPED_MAX];
	struct buf b = BUF_OVER(room);
	uint8_t digest[SHA256_LEN];

	buf_slice_append(&b, name);
	buf_char(&b, '\n');
	buf_slice_append(&b, typed);
	hash_sha256(buf_slice(&b), digest);
	memcpy(ret_id, digest, NOTE_KEY_ID_LEN);
}

static void typed_public(const struct note_key *k, uint8_t ret[1 + NOTE_PUBLIC_LEN])
{
	ret[0] = (uint8_t)k->type;
	memcpy(ret + 1, k->public, NOTE_PUBLIC_LEN);
}

static bool type_known(unsigned type)
{
	return type == NOTE_ED25519 || type == NOTE_COSIGNATURE;
}

/* The parts of a key's text. What `typed` means is not looked at yet. */
struct parts {
	struct slice name;
	uint8_t id[NOTE_KEY_ID_LEN];
	uint8_t typed[TYPED_MAX];
	size_t typed_len;
};

static bool hex_is_lower(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] >= 'A' && s.data[i] <= 'F')
			return false;
	return true;
}

static enum err_kind parts_parse(
	struct slice text, const char *what, struct parts *ret, struct err *e)
{
	struct buf typed = BUF_OVER(ret->typed);
	size_t plus = slice_find(text, '+', 0);
	struct slice hex = slice_cut(text, plus + 1, plus + 1 + 2 * NOTE_KEY_ID_LEN);
	struct slice rest = slice_cut(text, plus + 1 + 2 * NOTE_KEY_ID_LEN, text.len);

	ret->name = slice_cut(text, 0, plus);
	if (!note_name_valid(ret->name))
		return err_set(e, ERR_PARSE,
			"%s: its name is not 1 to %d bytes without spaces and '+'", what,
			NOTE_NAME_MAX);
	if (!hex_decode(hex, ret->id, NOTE_KEY_ID_LEN) || !hex_is_lower(hex))
		return err_set(e, ERR_PARSE,
			"%s \"%.*s\": expected '+' and 8 lower-case hexadecimal digits behind the "
			"name",
			what, SLICE_ARG(ret->name));
	if (!slice_starts(rest, SLICE("+")) ||
		!base64_decode(slice_cut(rest, 1, rest.len), &typed) || typed.len < 2)
		return err_set(e, ERR_PARSE,
			"%s \"%.*s\": expected '+' and a key in canonical base64 at its end", what,
			SLICE_ARG(ret->name));
	ret->typed_len = typed.len;
	return OK;
}

/* What both kinds of key ask of type and length. */
static enum err_kind parts_check(const struct parts *p, const char *what, struct err *e)
{
	if (!type_known(p->typed[0]))
		return err_set(e, ERR_INVALID,
			"%s \"%.*s\": type %02x, expected 01 (Ed25519) or 04 (cosignature)", what,
			SLICE_ARG(p->name), p->typed[0]);
	if (p->typed_len != 1 + NOTE_PUBLIC_LEN)
		return err_set(e, ERR_PARSE, "%s \"%.*s\": a key of %zu bytes, expected %d", what,
			SLICE_ARG(p->name), p->typed_len - 1, NOTE_PUBLIC_LEN);
	return OK;
}

static void text_format(const struct note_key *k, const uint8_t bytes[32], struct buf *out)
{
	uint8_t typed[1 + NOTE_PUBLIC_LEN];

	typed[0] = (uint8_t)k->type;
	memcpy(typed + 1, bytes, NOTE_PUBLIC_LEN);
	buf_text(out, k->name);
	buf_char(out, '+');
	hex_append(out, k->id, NOTE_KEY_ID_LEN);
	buf_char(out, '+');
	base64_append(out, typed, sizeof(typed));
	secret_wipe(typed, sizeof(typed));
}

/* ---- public keys ----------------------------------------------------------------------------- */

enum err_kind note_key_make(struct slice name, enum note_type type,
	const uint8_t public[NOTE_PUBLIC_LEN], struct note_key *ret_key, struct err *e)
{
	struct note_key k = {.type = type};
	uint8_t typed[1 + NOTE_PUBLIC_LEN];

	if (!note_name_valid(name))
		return err_set(e, ERR_INVALID,
			"key \"%.*s\": a name is 1 to %d bytes without spaces and '+'",
			SLICE_ARG(name), NOTE_NAME_MAX);
	if (!type_known(type))
		return err_set(e, ERR_INVALID,
			"key \"%.*s\": type %02x, expected 01 (Ed25519) or 04 (cosignature)",
			SLICE_ARG(name), (unsigned)type);
	/* Canonical, on the curve, of the large prime order. */
	if (crypto_core_ed25519_is_valid_point(public) != 1)
		return err_set(e, ERR_INVALID,
			"key \"%.*s\": no public key that can be trusted (small or mixed order, or "
			"not canonical)",
			SLICE_ARG(name));
	memcpy(k.name, name.data, name.len);
	memcpy(k.public, public, NOTE_PUBLIC_LEN);
	typed_public(&k, typed);
	key_id(name, (struct slice){(const char *)typed, sizeof(typed)}, k.id);
	*ret_key = k;
	return OK;
}

enum err_kind note_key_parse(struct slice vkey, struct note_key *ret_key, struct err *e)
{
	struct parts p = {.typed_len = 0};
	uint8_t id[NOTE_KEY_ID_LEN];
	enum err_kind kind = parts_parse(vkey, "key", &p, e);

	if (kind != OK)
		return kind;
	key_id(p.name, (struct slice){(const char *)p.typed, p.typed_len}, id);
	if (memcmp(id, p.id, sizeof(id)) != 0)
		return err_set(e, ERR_PARSE, "key \"%.*s\": its digits are not those of the key",
			SLICE_ARG(p.name));
	kind = parts_check(&p, "key", e);
	return kind == OK
		       ? note_key_make(p.name, (enum note_type)p.typed[0], p.typed + 1, ret_key, e)
		       : kind;
}

void note_key_format(const struct note_key *k, struct buf *out)
{
	text_format(k, k->public, out);
}

bool note_key_equal(const struct note_key *a, const struct note_key *b)
{
	return a->type == b->type && memcmp(a->public, b->public, NOTE_PUBLIC_LEN) == 0 &&
	       strcmp(a->name, b->name) == 0;
}

/* ---- secret keys ----------------------------------------------------------------------------- */

static enum err_kind secret_of_seed(struct slice name, enum note_type type,
	const uint8_t seed[NOTE_SEED_LEN], struct note_secret *ret_secret, struct err *e)
{
	uint8_t public[NOTE_PUBLIC_LEN], both[crypto_sign_SECRETKEYBYTES];
	enum err_kind kind;

	crypto_sign_seed_keypair(public, both, seed);
	secret_wipe(both, sizeof(both));
	kind = note_key_make(name, type, public, &ret_secret->key, e);
	if (kind == OK)
		memcpy(ret_secret->seed, seed, NOTE_SEED_LEN);
	return kind;
}

enum err_kind note_secret_new(const struct world *w, struct slice name, enum note_type type,
	struct note_secret *ret_secret, struct err *e)
{
	uint8_t seed[NOTE_SEED_LEN];
	enum err_kind kind;

	w->random(w->context, seed, sizeof(seed));
	if (memcmp(seed, seed + 1, sizeof(seed) - 1) == 0)
		return err_set(e, ERR_IO, "new key \"%.*s\": the randomness is one byte, repeated",
			SLICE_ARG(name));
	kind = secret_of_seed(name, type, seed, ret_secret, e);
	secret_wipe(seed, sizeof(seed));
	return kind;
}

enum err_kind note_secret_parse(struct slice text, struct note_secret *ret_secret, struct err *e)
{
	struct note_secret s;
	struct parts p = {.typed_len = 0};
	enum err_kind kind;

	if (!slice_starts(text, SLICE(SECRET_PREFIX)))
		return err_set(
			e, ERR_PARSE, "secret key: does not begin with \"" SECRET_PREFIX "\"");
	kind = parts_parse(
		slice_cut(text, sizeof(SECRET_PREFIX) - 1, text.len), "secret key", &p, e);
	if (kind == OK)
		kind = parts_check(&p, "secret key", e);
	if (kind == OK)
		kind = secret_of_seed(p.name, (enum note_type)p.typed[0], p.typed + 1, &s, e);
	if (kind == OK && memcmp(s.key.id, p.id, sizeof(p.id)) != 0)
		kind = err_set(e, ERR_PARSE,
			"secret key \"%.*s\": its digits are not those of the key",
			SLICE_ARG(p.name));
	if (kind == OK)
		*ret_secret = s;
	secret_wipe(&p, sizeof(p));
	note_secret_wipe(&s);
	return kind;
}

void note_secret_format(const struct note_secret *s, struct buf *out)
{
	buf_text(out, SECRET_PREFIX);
	text_format(&s->key, s->seed, out);
}

void note_secret_wipe(struct note_secret *s)
{
	secret_wipe(s, sizeof(*s));
}

/* ---- Ed25519 --------------------------------------------------------------------------------- */

void note_sign_raw(const struct note_secret *s, struct slice message, uint8_t ret[NOTE_ED_LEN])
{
	uint8_t both[crypto_sign_SECRETKEYBYTES]; /* as libsodium wants it: seed, public key */

	memcpy(both, s->seed, NOTE_SEED_LEN);
	memcpy(both + NOTE_SEED_LEN, s->key.public, NOTE_PUBLIC_LEN);
	crypto_sign_detached(ret, NULL, (const unsigned char *)message.data, message.len, both);
	secret_wipe(both, sizeof(both));
}

bool note_verify_raw(const uint8_t public[NOTE_PUBLIC_LEN], struct slice message,
	const uint8_t signature[NOTE_ED_LEN])
{
	return crypto_sign_verify_detached(
		       signature, (const unsigned char *)message.data, message.len, public) == 0;
}
