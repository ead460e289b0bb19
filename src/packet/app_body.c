/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Digests of a body as it passes. Nothing is unpacked: a body that was packed for its way
 * (Content-Encoding) is hashed as it came.
 */
#include "app_body.h"

#include <gnutls/crypto.h>
#include <stdlib.h>

static const gnutls_digest_algorithm_t algorithms[] = {
	GNUTLS_DIG_MD5, GNUTLS_DIG_SHA1, GNUTLS_DIG_SHA256};
static const uint8_t lengths[] = {MD5_LEN, SHA1_LEN, SHA256_LEN};

#define DIGESTS            COUNT_OF(algorithms)
#define DIGEST_STATE_BYTES 512 /* about what GnuTLS keeps for one, for the account of memory */

struct app_body {
	gnutls_hash_hd_t states[DIGESTS];
	uint64_t len;
	uint8_t name_len, mime_len;
	bool bad;
	char name[HTTP_NAME_MAX];
	char mime[HTTP_MIME_MAX];
};

struct app_body *app_body_new(struct slice name, struct slice mime)
{
	struct app_body *b = calloc(1, sizeof(*b));
	bool made = true;

	if (b == NULL)
		return NULL;
	/* MD5 only names things here; FIPS mode may refuse it otherwise. */
	GNUTLS_FIPS140_SET_LAX_MODE();
	for (size_t i = 0; i < DIGESTS; i++)
		made &= gnutls_hash_init(&b->states[i], algorithms[i]) == 0;
	GNUTLS_FIPS140_SET_STRICT_MODE();
	if (!made) {
		app_body_free(b);
		return NULL;
	}
	name = slice_cut(name, 0, sizeof(b->name));
	mime = slice_cut(mime, 0, sizeof(b->mime));
	if (name.len > 0)
		memcpy(b->name, name.data, name.len);
	if (mime.len > 0)
		memcpy(b->mime, mime.data, mime.len);
	b->name_len = (uint8_t)name.len;
	b->mime_len = (uint8_t)mime.len;
	return b;
}

void app_body_add(struct app_body *b, struct slice bytes)
{
	if (b == NULL || b->bad || bytes.len == 0)
		return;
	b->len += bytes.len;
	b->bad = b->len > PACKET_BODY_MAX;
	for (size_t i = 0; i < DIGESTS && !b->bad; i++)
		b->bad = gnutls_hash(b->states[i], bytes.data, bytes.len) != 0;
}

void app_body_tell(struct app_body *b, bool complete, struct packet_out *out)
{
	if (b == NULL)
		return;
	packet_out_record(out);
	app_text(out, ROLE_SERVICE, SLICE("http"));
	app_text(out, ROLE_FILE_NAME, (struct slice){b->name, b->name_len});
	app_text(out, ROLE_MIME, (struct slice){b->mime, b->mime_len});
	for (size_t i = 0; i < DIGESTS && complete && !b->bad && b->len > 0; i++) {
		uint8_t digest[SHA256_LEN];

		gnutls_hash_output(b->states[i], digest);
		packet_out_field(out, ROLE_FILE_HASH,
			(struct slice){(const char *)digest, lengths[i]}, true);
	}
	app_body_free(b);
}

void app_body_free(struct app_body *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < DIGESTS; i++)
		if (b->states[i] != NULL)
			gnutls_hash_deinit(b->states[i], NULL);
	free(b);
}

size_t app_body_bytes(const struct app_body *b)
{
	return b == NULL ? 0 : sizeof(*b) + DIGESTS * DIGEST_STATE_BYTES;
}
