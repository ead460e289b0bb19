/* SPDX-License-Identifier: MPL-2.0 */
/* Drawing the secret numbers of the hash from the 32 bytes that a folder keeps. */
#include "keyer.h"

static void draw(const uint8_t secret[KEYER_BYTES], char number, uint8_t ret_bytes[SHA256_LEN])
{
	char label[] = "serai hunt 1 ?";

	label[sizeof(label) - 2] = number;
	hmac_sha256((struct slice){(const char *)secret, KEYER_BYTES},
		(struct slice){label, sizeof(label) - 1}, ret_bytes);
}

void keyer_init(struct keyer *k, const uint8_t secret[KEYER_BYTES])
{
	uint64_t numbers[SHA256_LEN / 8];
	uint8_t bytes[SHA256_LEN];
	size_t count = 0;

	for (char number = 'a'; count < KEYER_WORDS + 1; number++) {
		draw(secret, number, bytes);
		memcpy(numbers, bytes, sizeof(bytes));
		for (size_t i = 0; i < COUNT_OF(numbers) && count < KEYER_WORDS + 1; i++) {
			uint64_t n = le64toh(numbers[i]) & KEYER_PRIME;

			if (n == KEYER_PRIME) /* the same as 0 */
				continue;
			*(count < KEYER_WORDS ? &k->word[count] : &k->turn) = n;
			count++;
		}
	}
	draw(secret, '-', bytes);
	memcpy(&k->id, bytes, sizeof(k->id));
	k->id = le64toh(k->id);
	secret_wipe(numbers, sizeof(numbers));
}

uint64_t keyer_hash_long(
	const struct keyer *k, unsigned kind, const char *data, size_t len, bool padded)
{
	const uint64_t mask = (UINT64_C(1) << 56) - 1;
	keyer_wide sum = (keyer_wide)((uint64_t)len << 8 | kind) * k->word[0];
	uint64_t folded = 0, chunk;
	size_t at = 0, i = 1;

	for (; at + 8 <= len; at += 7) {
		memcpy(&chunk, data + at, 8);
		sum += (keyer_wide)(le64toh(chunk) & mask) * k->word[i++];
		if (i == KEYER_WORDS) {
			folded = keyer_fold(sum + (keyer_wide)folded * k->turn);
			sum = 0;
			i = 1;
		}
	}
	if (at < len) {
		chunk = 0;
		if (padded) {
			memcpy(&chunk, data + at, 8);
			chunk = le64toh(chunk) & ((UINT64_C(1) << 8 * (len - at)) - 1);
		} else {
			memcpy(&chunk, data + at, len - at);
			chunk = le64toh(chunk);
		}
		sum += (keyer_wide)chunk * k->word[i];
	}
	return keyer_finish(sum + (keyer_wide)folded * k->turn);
}
