/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Hashing through GnuTLS, which uses the processor's SHA instructions, and secrets through
 * libsodium. A hash of bytes in memory cannot fail but for a broken library: then we stop.
 */
#include <gnutls/crypto.h>
#include <sodium.h>
#include <stdlib.h>

#include "base.h"

static void digest(gnutls_digest_algorithm_t algorithm, struct slice s, uint8_t *ret_digest)
{
	if (gnutls_hash_fast(algorithm, s.data == NULL ? "" : s.data, s.len, ret_digest) != 0)
		abort();
}

void hash_sha256(struct slice s, uint8_t ret_digest[SHA256_LEN])
{
	digest(GNUTLS_DIG_SHA256, s, ret_digest);
}

void hash_sha256_parts(const struct slice *parts, size_t count, uint8_t ret_digest[SHA256_LEN])
{
	gnutls_hash_hd_t state;

	if (gnutls_hash_init(&state, GNUTLS_DIG_SHA256) != 0)
		abort();
	for (size_t i = 0; i < count; i++) {
		if (parts[i].len != 0 && gnutls_hash(state, parts[i].data, parts[i].len) != 0)
			abort();
	}
	gnutls_hash_deinit(state, ret_digest);
}

void hash_sha1(struct slice s, uint8_t ret_digest[SHA1_LEN])
{
	digest(GNUTLS_DIG_SHA1, s, ret_digest);
}

void hash_sha1_pair(struct slice a, struct slice b, uint8_t ret_digest[SHA1_LEN])
{
	char together[KIB(1)];
	gnutls_hash_hd_t state;

	/* One call on bytes that lie together is several times faster than a state on the heap. */
	if (a.len + b.len <= sizeof(together)) {
		if (a.len != 0)
			memcpy(together, a.data, a.len);
		if (b.len != 0)
			memcpy(together + a.len, b.data, b.len);
		digest(GNUTLS_DIG_SHA1, (struct slice){together, a.len + b.len}, ret_digest);
		return;
	}
	if (gnutls_hash_init(&state, GNUTLS_DIG_SHA1) != 0 ||
		(a.len != 0 && gnutls_hash(state, a.data, a.len) != 0) ||
		(b.len != 0 && gnutls_hash(state, b.data, b.len) != 0))
		abort();
	gnutls_hash_deinit(state, ret_digest);
}

void hash_md5(struct slice s, uint8_t ret_digest[MD5_LEN])
{
	/* MD5 only names things (a MISP feed's hashes.csv); FIPS mode may refuse it otherwise. */
	GNUTLS_FIPS140_SET_LAX_MODE();
	digest(GNUTLS_DIG_MD5, s, ret_digest);
	GNUTLS_FIPS140_SET_STRICT_MODE();
}

void hmac_sha256(struct slice key, struct slice s, uint8_t ret_mac[SHA256_LEN])
{
	if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, key.data, key.len, s.data == NULL ? "" : s.data,
		    s.len, ret_mac) != 0)
		abort();
}

uint64_t hash_table(const uint8_t key[16], struct slice s)
{
	uint8_t out[crypto_shorthash_BYTES];
	uint64_t value;

	_Static_assert(
		crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == 8, "SipHash-2-4");
	crypto_shorthash(out, (const unsigned char *)(s.data == NULL ? "" : s.data), s.len, key);
	memcpy(&value, out, sizeof(value));
	return value;
}

bool secret_equal(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

void secret_wipe(void *a, size_t len)
{
	sodium_memzero(a, len);
}
