/* SPDX-License-Identifier: MPL-2.0 */
/* Signatures of index files: Ed25519, keys as lines of text. */
#ifndef INDEX_SIGN_H
#define INDEX_SIGN_H

#include "index.h"

#define SIGNATURE_BYTES 64

void sign_digest(const struct index_signer *signer, const uint8_t digest[SHA256_LEN],
	uint8_t ret_signature[SIGNATURE_BYTES]);
/* trusted: "serai-index-public NAME BASE64" lines. ERR_DENIED: none of them signed it. */
enum err_kind sign_check(struct slice trusted, const uint8_t digest[SHA256_LEN],
	const uint8_t signature[SIGNATURE_BYTES], struct slice name, struct err *e);

#endif
