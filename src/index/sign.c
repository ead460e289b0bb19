/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who vouches for an index. A key file has two lines, its public half only the second:
 *
 *   serai-index-secret NAME BASE64(32-byte seed)
 *   serai-index-public NAME BASE64(32-byte Ed25519 public key, RFC 8032)
 */
#include <sodium.h>

#include "inside.h"
#include "sign.h"

#define KEY_FILE_MAX KIB(4) /* bytes; two lines need less than 500 */
#define SECRET_WORD  "serai-index-secret"
#define PUBLIC_WORD  "serai-index-public"

static void message_of(const uint8_t digest[SHA256_LEN],
	uint8_t ret_message[sizeof(SIGNED_PREFIX) - 1 + SHA256_LEN])
{
	memcpy(ret_message, SIGNED_PREFIX, sizeof(SIGNED_PREFIX) - 1);
	memcpy(ret_message + sizeof(SIGNED_PREFIX) - 1, digest, SHA256_LEN);
}

void sign_digest(const struct index_signer *signer, const uint8_t digest[SHA256_LEN],
	uint8_t ret_signature[SIGNATURE_BYTES])
{
	uint8_t message[sizeof(SIGNED_PREFIX) - 1 + SHA256_LEN];

	message_of(digest, message);
	crypto_sign_detached(ret_signature, NULL, message, sizeof(message), signer->secret);
}

/* "WORD NAME BASE64": false when the line is another or its key is not 32 bytes. */
static bool line_parse(
	struct slice line, const char *word, struct slice *ret_name, uint8_t ret_key[32])
{
	struct slice part, name, text;
	struct buf bytes = BUF_MAX(64);
	bool good;

	line = slice_trim(line);
	if (!slice_next(&line, ' ', &part) || !slice_is(part, word) ||
		!slice_next(&line, ' ', &name) || name.len == 0 || name.len >= INDEX_SIGNER_MAX)
		return false;
	text = slice_trim(line);
	good = base64_decode(text, &bytes) && bytes.len == 32;
	if (good) {
		memcpy(ret_key, bytes.data, 32);
		*ret_name = name;
	}
	if (bytes.data != NULL)
		secret_wipe(bytes.data, bytes.len);
	buf_fini(&bytes);
	return good;
}

enum err_kind sign_check(struct slice trusted, const uint8_t digest[SHA256_LEN],
	const uint8_t signature[SIGNATURE_BYTES], struct slice name, struct err *e)
{
	static const uint8_t unsigned_file[SIGNATURE_BYTES] = {0};
	uint8_t message[sizeof(SIGNED_PREFIX) - 1 + SHA256_LEN];
	struct slice line, signer;
	uint8_t key[32];
	size_t keys = 0;

	message_of(digest, message);
	if (memcmp(signature, unsigned_file, SIGNATURE_BYTES) == 0)
		return err_set(e, ERR_DENIED, "is not signed");
	while (slice_next(&trusted, '\n', &line)) {
		if (!line_parse(line, PUBLIC_WORD, &signer, key))
			continue;
		keys++;
		/* the name is in the signed head: a key vouches under its own name only */
		if (slice_equal(signer, name) &&
			crypto_sign_verify_detached(signature, message, sizeof(message), key) == 0)
			return OK;
	}
	return err_set(e, ERR_DENIED, "is signed as \"%.*s\" by none of the %zu trusted keys",
		SLICE_ARG(name), keys);
}

static bool name_fits(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= INDEX_SIGNER_MAX || !utf8_valid(slice_of(name)))
		return false;
	for (size_t k = 0; k < len; k++) {
		if ((unsigned char)name[k] <= ' ' || name[k] == 0x7f)
			return false;
	}
	return true;
}

enum err_kind index_signer_make(
	const char *path, const char *name, const struct world *world, struct err *e)
{
	uint8_t seed[32], public[32], secret[64];
	struct buf both = BUF_INIT, half = BUF_INIT, beside = BUF_INIT;
	enum err_kind kind;

	if (!name_fits(name))
		return err_set(e, ERR_USAGE,
			"signer \"%s\": a name of 1 to %d bytes without blanks is needed", name,
			INDEX_SIGNER_MAX - 1);
	if (sodium_init() < 0)
		return err_set(e, ERR_IO, "no source of randomness");
	world->random(world->context, seed, sizeof(seed));
	crypto_sign_seed_keypair(public, secret, seed);
	buf_printf(&half, "%s %s ", PUBLIC_WORD, name);
	base64_append(&half, public, sizeof(public));
	buf_char(&half, '\n');
	buf_printf(&both, "%s %s ", SECRET_WORD, name);
	base64_append(&both, seed, sizeof(seed));
	buf_char(&both, '\n');
	buf_slice_append(&both, buf_slice(&half));
	buf_printf(&beside, "%s.pub", path);
	buf_char(&beside, '\0');
	if (half.bad || both.bad || beside.bad)
		kind = err_set(e, ERR_NOMEM, "signer \"%s\": out of memory", name);
	else
		kind = file_write_atomic(path, buf_slice(&both), 0600, e);
	if (kind == OK)
		kind = file_write_atomic(beside.data, buf_slice(&half), 0644, e);
	secret_wipe(seed, sizeof(seed));
	secret_wipe(secret, sizeof(secret));
	if (both.data != NULL)
		secret_wipe(both.data, both.len);
	buf_fini(&both);
	buf_fini(&half);
	buf_fini(&beside);
	return kind;
}

enum err_kind index_signer_read(const char *path, struct index_signer *ret_signer, struct err *e)
{
	struct buf b = BUF_INIT;
	struct slice rest, line, name;
	uint8_t seed[32], public[32];
	enum err_kind kind = file_read(path, KEY_FILE_MAX, &b, e);

	if (kind == OK) {
		kind = ERR_INVALID;
		rest = buf_slice(&b);
		while (kind != OK && slice_next(&rest, '\n', &line)) {
			if (!line_parse(line, SECRET_WORD, &name, seed))
				continue;
			memset(ret_signer, 0, sizeof(*ret_signer));
			memcpy(ret_signer->name, name.data, name.len);
			crypto_sign_seed_keypair(public, ret_signer->secret, seed);
			kind = OK;
		}
		if (kind != OK)
			err_set(e, kind, "\"%s\" holds no secret key for signing an index", path);
		secret_wipe(seed, sizeof(seed));
		secret_wipe(b.data, b.len);
	}
	buf_fini(&b);
	return kind;
}
